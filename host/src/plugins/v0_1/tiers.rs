//! Tier rules of generation 0.1: their facts outward, their decision inward.

use wasmtime::Store;
use wasmtime::component::{ComponentExportIndex, Instance};

use super::generated::exports::tessera::tiers::tier_rule as wire;
use super::{Call, Rule, Tier, told};
use crate::domain::rules::{Occasion, Ratio, RuleKind, TierDecision, TierFacts, TierProgress};
use crate::plugins::fault::BadAnswer;
use crate::plugins::limits;
use crate::plugins::sandbox::Guest;

type Parameters<'a> = (&'a [u8], wire::Facts<'a>);
type Answer = (Result<wire::Decision, String>,);

pub(super) fn check(
    store: &mut Store<Guest>,
    instance: &Instance,
    function: &ComponentExportIndex,
) -> wasmtime::Result<()> {
    instance
        .get_typed_func::<Parameters<'_>, Answer>(store, function)
        .map(drop)
}

impl Rule for Tier {
    const KIND: RuleKind = RuleKind::Tier;
    type Facts = TierFacts;
    type Proposal = TierDecision;
    type Wire = wire::Decision;

    fn call(
        mut call: Call<'_>,
        facts: &TierFacts,
    ) -> wasmtime::Result<Result<wire::Decision, String>> {
        let segments = told::names(&facts.member.segments);
        let attributes = told::Attributes::default().of_member(&facts.member);
        let facts = wire::Facts {
            occasion: occasion(facts.occasion),
            member: told::member(&facts.member, &segments),
            attributes: &attributes.wire(),
            tier_since: facts.tier_since.map(|day| day.0),
            tier_valid_until: facts.tier_valid_until.map(|day| day.0),
            business_date: facts.business_date.0,
            currency: &facts.currency,
            currency_scale: facts.currency_scale,
            aggregates: &facts.aggregates,
        };
        // SAFETY: `check` compares exactly these types before a plugin can be asked.
        let typed = unsafe { call.function::<Parameters<'_>, Answer>()? };
        Ok(typed.call(call.store, (call.config, facts))?.0)
    }

    fn accept(decision: wire::Decision, _facts: &TierFacts) -> Result<TierDecision, BadAnswer> {
        let (numerator, denominator) = (
            decision.multiplier_numerator,
            decision.multiplier_denominator,
        );
        if numerator < 0 || denominator <= 0 {
            return Err(BadAnswer::Ratio {
                numerator,
                denominator,
            });
        }
        Ok(TierDecision {
            tier: decision.tier.map(tier_code).transpose()?,
            multiplier: Ratio {
                numerator,
                denominator,
            },
            valid_until: decision
                .valid_until
                .map(|day| limits::day("a tier's validity", day))
                .transpose()?,
            reason: super::message(decision.reason)?,
            next: decision.next.map(progress_in).transpose()?,
        })
    }
}

fn tier_code(code: String) -> Result<String, BadAnswer> {
    if code.is_empty() {
        return Err(BadAnswer::TextCharacters("a tier code".into()));
    }
    limits::text("a tier code", code, limits::MAX_NAME_BYTES)
}

fn progress_in(progress: wire::Progress) -> Result<TierProgress, BadAnswer> {
    Ok(TierProgress {
        tier: tier_code(progress.tier)?,
        missing: limits::positive("a missing amount", progress.missing)?,
        reason: super::message(progress.reason)?,
    })
}

fn occasion(occasion: Occasion) -> wire::Occasion {
    match occasion {
        Occasion::Sale => wire::Occasion::Sale,
        Occasion::Refund => wire::Occasion::Refund,
        Occasion::Review => wire::Occasion::Review,
        Occasion::Enrolment => wire::Occasion::Enrolment,
    }
}
