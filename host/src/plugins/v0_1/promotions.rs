//! Promotion rules of generation 0.1: their facts outward, their discounts inward.

use wasmtime::Store;
use wasmtime::component::{ComponentExportIndex, Instance};

use super::generated::exports::tessera::promotions::promotion_rule as wire;
use super::wire::Grant as Wire;
use super::{Call, Promotion, Rule, told};
use crate::domain::rules::{Discount, Grant, PromotionFacts, PromotionProposal, RuleKind, Target};
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

impl Rule for Promotion {
    const KIND: RuleKind = RuleKind::Promotion;
    type Facts = PromotionFacts;
    type Proposal = PromotionProposal;
    type Wire = wire::Proposal;

    fn call(
        mut call: Call<'_>,
        facts: &PromotionFacts,
    ) -> wasmtime::Result<Result<wire::Proposal, String>> {
        let basket = told::Basket::new(
            &facts.lines,
            &facts.categories,
            &facts.tags,
            &facts.tenders,
            facts.shown,
        );
        let mut attributes = told::Attributes::default().of_order(&facts.order);
        let mut segments = Vec::new();
        if let Some(member) = &facts.member {
            segments = told::names(&member.segments);
            attributes = attributes.of_member(member);
        }
        let attributes = attributes.of_lines(&facts.lines);
        let member = facts.member.as_ref();
        let facts = wire::Facts {
            order: told::order(&facts.order),
            member: member.map(|member| told::member(member, &segments)),
            basket: basket.wire(),
            attributes: &attributes.wire(),
            codes: &told::names(&facts.codes),
            aggregates: &facts.aggregates,
            counters: &facts.counters,
        };
        // SAFETY: `check` compares exactly these types before a plugin can be asked.
        let typed = unsafe { call.function::<Parameters<'_>, Answer>()? };
        Ok(typed.call(call.store, (call.config, facts))?.0)
    }

    fn accept(
        proposal: wire::Proposal,
        facts: &PromotionFacts,
    ) -> Result<PromotionProposal, BadAnswer> {
        limits::at_most("discounts", proposal.discounts.len(), limits::MAX_BENEFITS)?;
        let mut discounts = Vec::with_capacity(proposal.discounts.len());
        let mut total = 0;
        for discount in proposal.discounts {
            total = limits::add(total, limits::positive("an amount off", discount.amount)?)?;
            discounts.push(discount_in(discount, facts.lines.len())?);
        }
        let near_misses = proposal
            .near_misses
            .into_iter()
            .map(|near| (near.reason, near.missing));
        Ok(PromotionProposal {
            discounts,
            grants: grants_in(proposal.grants, facts)?,
            near_misses: super::near_misses(near_misses)?,
            counters: super::counter_changes(proposal.counters, facts.counters.len())?,
            codes: codes_in(proposal.codes, &facts.codes)?,
        })
    }
}

fn discount_in(discount: wire::Discount, lines: usize) -> Result<Discount, BadAnswer> {
    let target = match discount.target {
        wire::Target::Line(position) if position as usize >= lines => {
            return Err(BadAnswer::LinePosition {
                position,
                lines: lines as u64,
            });
        }
        wire::Target::Line(position) => Target::Line(position),
        wire::Target::Order => Target::Order,
        wire::Target::Lines(positions) => Target::Lines(limits::positions(positions, lines)?),
    };
    Ok(Discount {
        target,
        amount: discount.amount,
        reason: super::message(discount.reason)?,
        basis: limits::positions(discount.basis, lines)?,
    })
}

/// What is given beside money off; nobody but a member gets it.
fn grants_in(grants: Vec<Wire>, facts: &PromotionFacts) -> Result<Vec<Grant>, BadAnswer> {
    if facts.member.is_none() && !grants.is_empty() {
        return Err(BadAnswer::GrantToNobody);
    }
    super::grants(grants, facts.order.business_date)
}

/// Codes used up: each one that was presented, none twice.
fn codes_in(used: Vec<String>, presented: &[String]) -> Result<Vec<String>, BadAnswer> {
    limits::at_most("codes", used.len(), presented.len())?;
    for (position, code) in used.iter().enumerate() {
        if !presented.contains(code) || used[..position].contains(code) {
            return Err(BadAnswer::UnknownCode);
        }
    }
    Ok(used)
}
