//! Points rules of generation 0.1: their facts outward, their awards inward.

use wasmtime::Store;
use wasmtime::component::{ComponentExportIndex, Instance};

use super::generated::exports::tessera::points::points_rule as wire;
use super::{Call, Points, Rule, told};
use crate::domain::rules::{Award, PointsFacts, PointsProposal, RuleKind, Trigger};
use crate::domain::time::Day;
use crate::plugins::fault::BadAnswer;
use crate::plugins::limits;
use crate::plugins::sandbox::Guest;

type Parameters<'a> = (&'a [u8], wire::Facts<'a>);
type Answer = (Result<wire::Proposal, String>,);

pub(super) fn check(
    store: &mut Store<Guest>,
    instance: &Instance,
    function: &ComponentExportIndex,
) -> wasmtime::Result<()> {
    instance
        .get_typed_func::<Parameters<'_>, Answer>(store, function)
        .map(drop)
}

impl Rule for Points {
    const KIND: RuleKind = RuleKind::Points;
    type Facts = PointsFacts;
    type Proposal = PointsProposal;
    type Wire = wire::Proposal;

    fn call(
        mut call: Call<'_>,
        facts: &PointsFacts,
    ) -> wasmtime::Result<Result<wire::Proposal, String>> {
        let basket = told::Basket::new(
            &facts.lines,
            &facts.categories,
            &facts.tags,
            &facts.tenders,
            facts.shown,
        );
        let segments = told::names(&facts.member.segments);
        let attributes = told::Attributes::default()
            .of_order(&facts.order)
            .of_member(&facts.member)
            .of_lines(&facts.lines);
        let facts = wire::Facts {
            trigger: trigger(facts.trigger),
            order: told::order(&facts.order),
            member: told::member(&facts.member, &segments),
            basket: basket.wire(),
            attributes: &attributes.wire(),
            amount: facts.amount,
            points_scale: facts.points_scale,
            aggregates: &facts.aggregates,
            counters: &facts.counters,
        };
        // SAFETY: `check` compares exactly these types before a plugin can be asked.
        let typed = unsafe { call.function::<Parameters<'_>, Answer>()? };
        Ok(typed.call(call.store, (call.config, facts))?.0)
    }

    fn accept(proposal: wire::Proposal, facts: &PointsFacts) -> Result<PointsProposal, BadAnswer> {
        limits::at_most("awards", proposal.awards.len(), limits::MAX_BENEFITS)?;
        let mut awards = Vec::with_capacity(proposal.awards.len());
        let mut total = 0;
        for award in proposal.awards {
            total = limits::add(total, limits::positive("points", award.points)?)?;
            awards.push(award_in(
                award,
                facts.lines.len(),
                facts.order.business_date,
            )?);
        }
        let near_misses = proposal
            .near_misses
            .into_iter()
            .map(|near| (near.reason, near.missing));
        Ok(PointsProposal {
            awards,
            grants: super::grants(proposal.grants, facts.order.business_date)?,
            near_misses: super::near_misses(near_misses)?,
            counters: super::counter_changes(proposal.counters, facts.counters.len())?,
        })
    }
}

fn award_in(award: wire::Award, lines: usize, today: Day) -> Result<Award, BadAnswer> {
    let (expires_on, available_on) =
        limits::spendable(today, award.expires_on, award.available_on)?;
    Ok(Award {
        points: award.points,
        reason: super::message(award.reason)?,
        lines: limits::positions(award.lines, lines)?,
        expires_on,
        available_on,
    })
}

fn trigger(trigger: Trigger) -> wire::Trigger {
    match trigger {
        Trigger::Sale => wire::Trigger::Sale,
        Trigger::Refund => wire::Trigger::Refund,
        Trigger::Enrolment => wire::Trigger::Enrolment,
        Trigger::TopUp => wire::Trigger::TopUp,
        Trigger::Birthday => wire::Trigger::Birthday,
        Trigger::Anniversary => wire::Trigger::Anniversary,
        Trigger::Feedback => wire::Trigger::Feedback,
        Trigger::Manual => wire::Trigger::Manual,
        Trigger::Referral => wire::Trigger::Referral,
        Trigger::TierReached => wire::Trigger::TierReached,
    }
}
