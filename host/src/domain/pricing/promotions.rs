//! Asking promotions and stacking what they propose.
//!
//! Each campaign is told either the initial amounts or what is left by then. What it proposes is taken off
//! what is left, spread by the amounts it was told, never below a line's floor; what a line cannot bear, a cap or a budget does not allow, is
//! dropped and stays visible as the difference of `proposed` and `applied`.

use super::allocation::Lines;
use super::campaign::{Base, Campaign, Rules};
use super::groups::{self, Attempt, bonus_of, money_left, within_budget};
use super::work::{Work, sum};
use super::{PricingError, checks};
use crate::domain::facts::FactsDelta;
use crate::domain::order::{Adjustment, AdjustmentSource, GrantRecord, LineShare};
use crate::domain::rules::{Discount, PromotionProposal, RuleKind, Target};

struct Effect {
    adjustments: Vec<Adjustment>,
    grants: Vec<GrantRecord>,
    lines: Lines,
    codes: Vec<String>,
}

pub fn settle(work: &mut Work<'_>, rules: &mut dyn Rules) -> Result<(), PricingError> {
    for unit in groups::units(work, RuleKind::Promotion) {
        let taken = groups::choose(work, &unit, |work, campaign| ask(work, rules, campaign))?;
        if let Some(taken) = taken {
            apply(work, taken);
        }
    }
    Ok(())
}

fn ask(
    work: &mut Work<'_>,
    rules: &mut dyn Rules,
    campaign: usize,
) -> Result<Option<Attempt<Effect>>, PricingError> {
    if work.is_used_up(campaign)? {
        return Ok(None);
    }
    let binding = work.campaign(campaign);
    let mut delta = FactsDelta::new(RuleKind::Promotion, &binding.needs);
    let untouched = || {
        work.facts
            .lines
            .iter()
            .map(|line| line.amount)
            .eq(work.lines.left.iter().copied())
    };
    if !untouched() {
        let left = Some(work.lines.left.clone());
        match binding.base {
            Base::Discounted => delta.amounts = left,
            Base::Initial => delta.reduced = left,
        }
    }
    delta.aggregates.clone_from(&binding.aggregates);
    delta.counters.clone_from(&binding.counters);
    delta.codes.clone_from(&binding.codes);
    let facts = work.facts.promotion_facts(&delta)?;
    let call = work.note_call(campaign, delta);
    let answer = rules.promotion(campaign, facts).and_then(|proposal| {
        let today = work.input.order.business_date;
        checks::promotion(&proposal, work.document.lines.len(), binding, today)?;
        Ok(proposal)
    });
    match answer {
        Ok(proposal) => weigh(work, campaign, call, proposal).map(Some),
        Err(fault) => work.leave_out(campaign, fault).map(|()| None),
    }
}

/// What is left of a proposal once the lines, the cap and the budgets had their say.
fn weigh(
    work: &mut Work<'_>,
    campaign: usize,
    call: usize,
    proposal: PromotionProposal,
) -> Result<Attempt<Effect>, PricingError> {
    let source = AdjustmentSource::Campaign(work.name(campaign));
    let counts_only = proposal.discounts.is_empty() && !proposal.counters.is_empty();
    let mut lines = work.lines.clone();
    let mut allowed = most_allowed(work.campaign(campaign));
    let base = work.campaign(campaign).base;
    let mut adjustments = Vec::with_capacity(proposal.discounts.len());
    for Discount {
        target,
        amount,
        reason,
        basis,
    } in proposal.discounts
    {
        let parts = lines.take(&targeted(&target, lines.left.len()), amount, allowed, base);
        // Positions are below MAX_LINES.
        let allocation: Vec<LineShare> = parts
            .into_iter()
            .map(|(line, share)| LineShare {
                line: line as u32,
                share,
            })
            .collect();
        let applied = sum(allocation.iter().map(|part| part.share))?;
        allowed -= applied;
        adjustments.push(Adjustment {
            source,
            reason: Some(reason),
            target,
            proposed: amount,
            applied,
            allocation,
            basis,
        });
    }
    let named = work.name(campaign);
    let worth = sum(adjustments.iter().map(|adjustment| adjustment.applied))?;
    let left = money_left(work.campaign(campaign)).saturating_sub(worth);
    let grants = within_budget(named, proposal.grants, left);
    Ok(Attempt {
        campaign,
        call,
        worth,
        has_effect: worth > 0 || counts_only || !grants.is_empty(),
        near_misses: proposal.near_misses,
        counters: proposal.counters,
        effect: Effect {
            adjustments,
            grants,
            lines,
            codes: proposal.codes,
        },
    })
}

fn most_allowed(campaign: &Campaign) -> i64 {
    let budget = money_left(campaign);
    campaign
        .max_discount
        .map_or(budget, |most| budget.min(most))
        .max(0)
}

/// Each line once, whatever the rule wrote.
fn targeted(target: &Target, lines: usize) -> Vec<usize> {
    match target {
        Target::Order => (0..lines).collect(),
        Target::Line(line) => vec![*line as usize],
        Target::Lines(listed) => {
            let mut listed: Vec<usize> = listed.iter().map(|line| *line as usize).collect();
            listed.sort_unstable();
            listed.dedup();
            listed
        }
    }
}

fn apply(work: &mut Work<'_>, taken: Attempt<Effect>) {
    let Attempt {
        campaign,
        worth,
        near_misses,
        counters,
        effect,
        ..
    } = taken;
    work.lines = effect.lines;
    work.document.adjustments.extend(effect.adjustments);
    let gives = !effect.grants.is_empty();
    let spent = worth.saturating_add(bonus_of(&effect.grants));
    work.document.grants.extend(effect.grants);
    work.used_codes.extend(effect.codes);
    work.note_near_misses(campaign, near_misses);
    let buyer = work
        .input
        .member
        .as_ref()
        .map(|member| member.facts.id.as_str());
    work.note_counters(campaign, &counters, buyer);
    if worth > 0 || gives {
        work.note_usage(campaign, spent, 0, buyer);
    }
}
