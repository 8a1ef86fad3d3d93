//! What the host refuses to believe from a rule.

use super::campaign::{Campaign, FaultKind, RuleFault};
use crate::domain::rules::{
    Attribute, Award, CounterChange, Discount, Gift, Grant, Message, NearMiss, PointsProposal,
    PromotionProposal, ReferralProposal, Reward, Target, TierDecision, Value,
};
use crate::domain::time::Day;

const MAX_DISCOUNTS: usize = 1_000;
/// Lines one proposal touches, each discount or award counted apart; keeps what is stored small.
const MAX_REACH: usize = 10_000;
const MAX_AWARDS: usize = 100;
const MAX_REWARDS: usize = 10;
const MAX_GRANTS: usize = 20;
/// Points at the program's scale or minor units of bonus that one proposal may give at once: far beyond any gift, and
/// few enough that no balance leaves 64 bits and stops a member's next sale.
const MAX_GIVEN: i64 = 1_000_000_000_000;
const MAX_NEAR_MISSES: usize = 20;
const MAX_COUNTER_CHANGES: usize = 100;
const MAX_CODE: usize = 64;
const MAX_KEY: usize = 100;
const MAX_ARGUMENTS: usize = 20;
const MAX_ARGUMENT: usize = 2_000;
const MAX_TIER: usize = 64;

fn nonsense(message: impl Into<String>) -> RuleFault {
    RuleFault {
        kind: FaultKind::Nonsense,
        message: message.into(),
    }
}

/// Adds to what a proposal gives.
fn given(sum: i64, more: i64) -> Result<i64, RuleFault> {
    sum.checked_add(more)
        .filter(|sum| *sum <= MAX_GIVEN)
        .ok_or_else(|| nonsense("it gives more than 1000000000000 points or minor units at once"))
}

fn ensure(good: bool, message: &str) -> Result<(), RuleFault> {
    if good { Ok(()) } else { Err(nonsense(message)) }
}

pub fn promotion(
    proposal: &PromotionProposal,
    lines: usize,
    campaign: &Campaign,
    today: Day,
) -> Result<(), RuleFault> {
    ensure(
        proposal.discounts.len() <= MAX_DISCOUNTS,
        "it answers more than 1000 discounts",
    )?;
    proposal
        .discounts
        .iter()
        .try_for_each(|discount| one_discount(discount, lines))?;
    let touched = proposal
        .discounts
        .iter()
        .map(|discount| match &discount.target {
            Target::Line(_) => 1,
            Target::Order => 0,
            Target::Lines(target) => target.len(),
        });
    reach(touched, lines)?;
    grants(proposal.grants.iter(), today)?;
    near_misses(&proposal.near_misses)?;
    let known = proposal
        .codes
        .iter()
        .all(|code| campaign.codes.contains(code));
    ensure(known, "it uses up a code it was not given")?;
    ensure(
        proposal
            .codes
            .iter()
            .all(|code| code.chars().count() <= MAX_CODE),
        "it answers a code that is too long",
    )?;
    counters(&proposal.counters, campaign)
}

fn grants<'g>(
    grants: impl ExactSizeIterator<Item = &'g Grant>,
    today: Day,
) -> Result<(), RuleFault> {
    ensure(grants.len() <= MAX_GRANTS, "it answers more than 20 grants")?;
    let mut sum = 0;
    for grant in grants {
        let is_bonus = grant.gift == Gift::Bonus;
        ensure(
            is_bonus == (grant.amount > 0) && grant.amount >= 0,
            "it grants bonus without an amount, or another gift with one",
        )?;
        sum = given(sum, grant.amount)?;
        message(&grant.reason)?;
        dates(grant.expires_on, grant.available_on, today)?;
    }
    Ok(())
}

fn one_discount(discount: &Discount, lines: usize) -> Result<(), RuleFault> {
    ensure(
        discount.amount > 0,
        "it answers a discount that is not above zero",
    )?;
    message(&discount.reason)?;
    positions(&discount.basis, lines)?;
    match &discount.target {
        Target::Order => Ok(()),
        Target::Line(line) => positions(std::slice::from_ref(line), lines),
        Target::Lines(target) => {
            ensure(!target.is_empty(), "it discounts an empty list of lines")?;
            positions(target, lines)
        }
    }
}

pub fn points(
    proposal: &PointsProposal,
    lines: usize,
    campaign: &Campaign,
    today: Day,
) -> Result<(), RuleFault> {
    ensure(
        proposal.awards.len() <= MAX_AWARDS,
        "it answers more than 100 awards",
    )?;
    let mut sum = 0;
    for Award {
        points,
        reason,
        lines: resting,
        expires_on,
        available_on,
    } in &proposal.awards
    {
        ensure(*points > 0, "it awards points that are not above zero")?;
        sum = given(sum, *points)?;
        message(reason)?;
        positions(resting, lines)?;
        dates(*expires_on, *available_on, today)?;
    }
    grants(proposal.grants.iter(), today)?;
    reach(proposal.awards.iter().map(|award| award.lines.len()), lines)?;
    near_misses(&proposal.near_misses)?;
    counters(&proposal.counters, campaign)
}

pub fn referral(
    proposal: &ReferralProposal,
    campaign: &Campaign,
    today: Day,
) -> Result<(), RuleFault> {
    ensure(
        proposal.rewards.len() <= MAX_REWARDS,
        "it answers more than 10 rewards",
    )?;
    let mut sum = 0;
    for Reward {
        points,
        reason,
        expires_on,
        available_on,
        ..
    } in &proposal.rewards
    {
        ensure(*points > 0, "it rewards points that are not above zero")?;
        sum = given(sum, *points)?;
        message(reason)?;
        dates(*expires_on, *available_on, today)?;
    }
    grants(proposal.grants.iter().map(|given| &given.grant), today)?;
    near_misses(&proposal.near_misses)?;
    counters(&proposal.counters, campaign)
}

pub fn tier(decision: &TierDecision, today: Day) -> Result<(), RuleFault> {
    let named = |tier: &str| {
        !tier.is_empty() && tier.len() <= MAX_TIER && !tier.chars().any(char::is_control)
    };
    ensure(
        decision.tier.as_deref().is_none_or(named),
        "it answers a tier without a proper code",
    )?;
    ensure(
        decision.multiplier.denominator > 0,
        "it answers a multiplier with a denominator that is not above zero",
    )?;
    ensure(
        decision.multiplier.numerator >= 0,
        "it answers a negative multiplier",
    )?;
    ensure(
        decision.valid_until.is_none_or(|day| day >= today),
        "it answers a tier whose validity is over",
    )?;
    message(&decision.reason)?;
    decision.next.as_ref().map_or(Ok(()), |next| {
        ensure(
            named(&next.tier),
            "it answers a next tier without a proper code",
        )?;
        ensure(
            next.missing >= 0,
            "it misses less than nothing for the next tier",
        )?;
        message(&next.reason)
    })
}

/// Refuses a proposal that touches too many lines; no lines means all.
fn reach(touched: impl Iterator<Item = usize>, lines: usize) -> Result<(), RuleFault> {
    let sum = touched.fold(0_usize, |sum, count| {
        sum.saturating_add(if count == 0 { lines } else { count })
    });
    ensure(sum <= MAX_REACH, "it touches lines more than 10000 times")
}

fn message(message: &Message) -> Result<(), RuleFault> {
    let key = &message.key;
    ensure(
        !key.is_empty() && key.len() <= MAX_KEY && !key.contains('\0'),
        "it answers a reason without a proper key",
    )?;
    ensure(
        message.arguments.len() <= MAX_ARGUMENTS,
        "it answers a reason with more than 20 arguments",
    )?;
    let is_sound = |(name, value): &Attribute| {
        let named = name.len() <= MAX_KEY && !name.contains('\0');
        named
            && match value {
                Value::Text(text) => text.len() <= MAX_ARGUMENT && !text.contains('\0'),
                Value::Ratio(ratio) => ratio.denominator > 0,
                _ => true,
            }
    };
    ensure(
        message.arguments.iter().all(is_sound),
        "it answers a reason with an argument that is no proper value",
    )
}

fn near_misses(misses: &[NearMiss]) -> Result<(), RuleFault> {
    ensure(
        misses.len() <= MAX_NEAR_MISSES,
        "it answers more than 20 near misses",
    )?;
    for miss in misses {
        message(&miss.reason)?;
        ensure(
            miss.missing.is_none_or(|missing| missing >= 0),
            "it misses less than nothing",
        )?;
    }
    Ok(())
}

fn positions(positions: &[u32], lines: usize) -> Result<(), RuleFault> {
    ensure(
        positions.len() <= lines,
        "it names more lines than there are",
    )?;
    let known = positions
        .iter()
        .all(|line| usize::try_from(*line).is_ok_and(|line| line < lines));
    ensure(known, "it names a line that is not there")
}

fn dates(expires_on: Option<Day>, available_on: Option<Day>, today: Day) -> Result<(), RuleFault> {
    let first = available_on.unwrap_or(today).max(today);
    ensure(
        expires_on.is_none_or(|last| last >= first),
        "what it gives expires before it can be spent",
    )
}

/// Counters stay between zero and their limit, each taken with all its changes.
fn counters(changes: &[CounterChange], campaign: &Campaign) -> Result<(), RuleFault> {
    ensure(
        changes.len() <= MAX_COUNTER_CHANGES,
        "it changes counters more than 100 times",
    )?;
    let mut values = campaign.counters.clone();
    for CounterChange { counter, change } in changes {
        let value = usize::try_from(*counter)
            .ok()
            .and_then(|counter| values.get_mut(counter));
        let value = value.ok_or_else(|| nonsense("it changes a counter it does not have"))?;
        *value = value
            .checked_add(*change)
            .ok_or_else(|| nonsense("it moves a counter past 64 bits"))?;
    }
    for (value, need) in values.iter().zip(&campaign.needs.counters) {
        ensure(*value >= 0, "it moves a counter below zero")?;
        if need.limit.is_some_and(|limit| *value > limit) {
            let message = format!("its counter `{}` is at its limit", need.name);
            return Err(RuleFault {
                kind: FaultKind::LimitReached,
                message,
            });
        }
    }
    Ok(())
}
