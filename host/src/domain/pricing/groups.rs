//! Which campaigns are asked together, and which of them is taken.

use std::cmp::Reverse;

use super::campaign::{Campaign, Choice, UsageLimit, UsageUnit};
use super::work::Work;
use super::{CallOutcome, PricingError};
use crate::domain::order::{GrantRecord, PassedOver};
use crate::domain::rules::{CounterChange, Gift, Grant, NearMiss, RuleKind};

/// Campaigns that are settled at one point: a single one, or all members of an exclusive group.
pub struct Unit {
    group: Option<(String, Choice)>,
    /// By priority, then binding id.
    members: Vec<usize>,
}

impl Unit {
    pub fn into_members(self) -> Vec<usize> {
        self.members
    }
}

/// What one campaign would do.
pub struct Attempt<T> {
    pub campaign: usize,
    /// Position in `Work::calls`.
    pub call: usize,
    /// What it is worth to the customer, after the host's limits.
    pub worth: i64,
    /// Whether it does anything at all; counting up without taking anything off is something.
    pub has_effect: bool,
    pub near_misses: Vec<NearMiss>,
    pub counters: Vec<CounterChange>,
    pub effect: T,
}

/// What the budgets of a binding still give in money.
pub fn money_left(campaign: &Campaign) -> i64 {
    let budgets = campaign.usage.iter();
    let budgets = budgets.filter(|usage| usage.counts == UsageUnit::Money);
    budgets.map(UsageLimit::left).fold(i64::MAX, i64::min)
}

/// Grants of a campaign as the document keeps them; bonus is cut to what is left of its budget.
pub fn within_budget(named: u32, grants: Vec<Grant>, budget: i64) -> Vec<GrantRecord> {
    let mut left = budget;
    let cut = |mut grant: Grant| {
        if grant.gift == Gift::Bonus {
            grant.amount = grant.amount.min(left);
            left -= grant.amount;
        }
        let is_empty = grant.gift == Gift::Bonus && grant.amount <= 0;
        (!is_empty).then(|| GrantRecord::new(named, grant))
    };
    grants.into_iter().filter_map(cut).collect()
}

/// The bonus among grants, minor units.
pub fn bonus_of(grants: &[GrantRecord]) -> i64 {
    let amounts = grants.iter().map(|record| record.grant.amount);
    amounts.fold(0, i64::saturating_add)
}

/// Units of a kind in the order they are settled: by stage, priority (higher first) and binding id.
pub fn units(work: &Work<'_>, kind: RuleKind) -> Vec<Unit> {
    let of = |position: &usize| work.campaign(*position);
    let mut order: Vec<usize> = (0..work.input.campaigns.len())
        .filter(|position| of(position).campaign.kind == kind)
        .collect();
    order.sort_by(|a, b| {
        let key = |position| {
            let campaign = of(position);
            (
                campaign.stage,
                Reverse(campaign.priority),
                &campaign.campaign.binding,
            )
        };
        key(a).cmp(&key(b))
    });
    let mut units: Vec<Unit> = Vec::new();
    for position in order {
        let group = of(&position).group.as_ref();
        let known = units.iter_mut().find(|unit| {
            group.is_some_and(|group| {
                unit.group
                    .as_ref()
                    .is_some_and(|(name, _)| *name == group.name)
            })
        });
        match known {
            Some(unit) => unit.members.push(position),
            None => units.push(Unit {
                group: group.map(|group| (group.name.clone(), group.choice)),
                members: vec![position],
            }),
        }
    }
    for unit in &mut units {
        unit.members.sort_by_key(|position| {
            (
                Reverse(of(position).priority),
                &of(position).campaign.binding,
            )
        });
    }
    units
}

/// Asks the members of a unit on the same base and answers the one to take, if any has an effect.
pub fn choose<T>(
    work: &mut Work<'_>,
    unit: &Unit,
    mut attempt: impl FnMut(&mut Work<'_>, usize) -> Result<Option<Attempt<T>>, PricingError>,
) -> Result<Option<Attempt<T>>, PricingError> {
    let first_only = matches!(unit.group, Some((_, Choice::First)));
    let mut attempts = Vec::with_capacity(unit.members.len());
    for member in &unit.members {
        if let Some(answer) = attempt(work, *member)? {
            let settles = first_only && answer.worth > 0;
            attempts.push(answer);
            if settles {
                break;
            }
        }
    }
    // The largest worth, the earlier among equals; failing any worth, the first that does something.
    let mut best: Option<usize> = None;
    for (position, candidate) in attempts.iter().enumerate() {
        let better = best.is_none_or(|best| candidate.worth > attempts[best].worth);
        if candidate.has_effect && better {
            best = Some(position);
        }
    }
    let taken = best.map(|position| attempts.remove(position));
    for other in attempts {
        pass_over(
            work,
            unit,
            other,
            taken.as_ref().map(|taken| taken.campaign),
        );
    }
    if let Some(taken) = &taken {
        work.calls[taken.call].outcome = CallOutcome::Used;
    }
    Ok(taken)
}

fn pass_over<T>(work: &mut Work<'_>, unit: &Unit, other: Attempt<T>, taken: Option<usize>) {
    match (&unit.group, taken) {
        (Some((group, _)), Some(taken)) if other.worth > 0 => {
            let (campaign, preferred) = (work.name(other.campaign), work.name(taken));
            let group = group.clone();
            work.document.passed_over.push(PassedOver {
                campaign,
                group,
                preferred,
                worth: other.worth,
            });
            work.calls[other.call].outcome = CallOutcome::PassedOver;
        }
        _ => {
            work.calls[other.call].outcome = CallOutcome::NoEffect;
            work.note_near_misses(other.campaign, other.near_misses);
        }
    }
}
