//! What a settled order brings: points, the tier it leads to, and what the referrer gets.

use tessera_money::{Overflow, Rounding, mul_div, split};

use super::campaign::{Campaign, Rules, UsageUnit};
use super::groups::{self, Attempt};
use super::work::{Work, sum};
use super::{CallOutcome, PricingError, checks};
use crate::domain::facts::FactsDelta;
use crate::domain::order::{
    AwardRecord, GrantRecord, LineShare, PurchaseSum, ReferralOutcome, RewardRecord, Tender,
    TierOutcome, contribution,
};
use crate::domain::rules::{
    Award, Occasion, PointsProposal, ReferralOccasion, ReferralProposal, Reward, RuleKind, Side,
    SideGrant, TenderFacts, TenderKind, Trigger,
};
use crate::domain::settings::{CheckoutSettings, StoredValueEarning};
use crate::domain::tier_floor::kept;

/// What points are earned on: line amounts and the tax within or on top of them; nothing but a total where it is no
/// sale.
struct EarningBase {
    trigger: Trigger,
    amounts: Vec<i64>,
    taxes: Vec<i64>,
    total: i64,
}

pub fn award_points(work: &mut Work<'_>, rules: &mut dyn Rules) -> Result<(), PricingError> {
    if work.input.member.is_none() {
        return Ok(());
    }
    let base = earning_base(work)?;
    award_on(work, rules, &base)
}

/// Asks points rules about an event that is no sale.
pub fn award_event(
    work: &mut Work<'_>,
    rules: &mut dyn Rules,
    trigger: Trigger,
    amount: i64,
) -> Result<(), PricingError> {
    let base = EarningBase {
        trigger,
        amounts: Vec::new(),
        taxes: Vec::new(),
        total: amount,
    };
    award_on(work, rules, &base)
}

fn award_on(
    work: &mut Work<'_>,
    rules: &mut dyn Rules,
    base: &EarningBase,
) -> Result<(), PricingError> {
    for unit in groups::units(work, RuleKind::Points) {
        let taken = groups::choose(work, &unit, |work, campaign| {
            ask_points(work, rules, campaign, base)
        })?;
        if let Some(Attempt {
            campaign,
            worth,
            near_misses,
            counters,
            effect,
            ..
        }) = taken
        {
            let gives = !effect.grants.is_empty();
            let bonus = groups::bonus_of(&effect.grants);
            work.document.awards.extend(effect.awards);
            work.document.grants.extend(effect.grants);
            work.note_near_misses(campaign, near_misses);
            let buyer = work
                .input
                .member
                .as_ref()
                .map(|member| member.facts.id.as_str());
            work.note_counters(campaign, &counters, buyer);
            if worth > 0 || gives {
                work.note_usage(campaign, bonus, worth, buyer);
            }
        }
    }
    Ok(())
}

/// What a points rule gives.
struct Earned {
    awards: Vec<AwardRecord>,
    grants: Vec<GrantRecord>,
}

fn ask_points(
    work: &mut Work<'_>,
    rules: &mut dyn Rules,
    campaign: usize,
    base: &EarningBase,
) -> Result<Option<Attempt<Earned>>, PricingError> {
    if work.is_used_up(campaign)? {
        return Ok(None);
    }
    let binding = work.campaign(campaign);
    let mut delta = settled_delta(work, RuleKind::Points, binding);
    let tenders = earning_tenders(work);
    delta.tenders = Some(tenders).filter(|tenders| *tenders != work.facts.tenders);
    delta.trigger = Some(base.trigger);
    delta.amounts = Some(base.amounts.clone());
    delta.taxes = Some(base.taxes.clone());
    delta.amount = base.total;
    let includes_tax = !work.input.settings.earn_before_tax;
    delta.includes_tax =
        Some(includes_tax).filter(|_| includes_tax != work.facts.order.prices_include_tax);
    let facts = work.facts.points_facts(&delta)?;
    let call = work.note_call(campaign, delta);
    let (lines, today) = (work.document.lines.len(), work.input.order.business_date);
    let answer = rules.points(campaign, facts).and_then(|proposal| {
        checks::points(&proposal, lines, binding, today)?;
        Ok(proposal)
    });
    let proposal = match answer {
        Ok(proposal) => proposal,
        Err(fault) => return work.leave_out(campaign, fault).map(|()| None),
    };
    let PointsProposal {
        awards,
        grants,
        near_misses,
        counters,
    } = proposal;
    let counts_only = awards.is_empty() && !counters.is_empty();
    let awards = record_awards(work, campaign, awards);
    let named = work.name(campaign);
    let grants = groups::within_budget(named, grants, groups::money_left(binding));
    let worth = sum(awards.iter().map(|award| award.points))?;
    Ok(Some(Attempt {
        campaign,
        call,
        worth,
        has_effect: worth > 0 || counts_only || !grants.is_empty(),
        near_misses,
        counters,
        effect: Earned { awards, grants },
    }))
}

/// Awards within the binding's budget, each with what its lines contributed.
fn record_awards(work: &mut Work<'_>, campaign: usize, awards: Vec<Award>) -> Vec<AwardRecord> {
    let mut allowed = points_left(work.campaign(campaign));
    let named = work.name(campaign);
    let mut records = Vec::with_capacity(awards.len());
    for award in awards {
        let points = award.points.min(allowed);
        allowed -= points;
        if points > 0 {
            records.push(AwardRecord {
                campaign: named,
                points,
                reason: award.reason,
                shares: award_shares(work, points, &award.lines),
                expires_on: award.expires_on,
                available_on: award.available_on,
                lot: None,
            });
        }
    }
    records
}

/// What the budgets of a binding still give.
fn points_left(campaign: &Campaign) -> i64 {
    let budgets = campaign
        .usage
        .iter()
        .filter(|usage| usage.counts == UsageUnit::Points);
    budgets.map(|usage| usage.left()).fold(i64::MAX, i64::min)
}

/// Points over the lines they rest on (all when none is named), by what was paid for each.
fn award_shares(work: &Work<'_>, points: i64, lines: &[u32]) -> Vec<LineShare> {
    let mut lines = lines.to_vec();
    if lines.is_empty() {
        // Below MAX_LINES.
        lines = (0..work.document.lines.len() as u32).collect();
    }
    lines.sort_unstable();
    lines.dedup();
    let weights: Vec<i64> = lines
        .iter()
        .map(|line| work.document.lines[*line as usize].gross)
        .collect();
    let shares = lines
        .into_iter()
        .zip(split(points, &weights))
        .map(|(line, share)| LineShare { line, share });
    shares.filter(|share| share.share != 0).collect()
}

/// What of a tender earns nothing by the chain's settings.
fn silent_part(settings: &CheckoutSettings, tender: &Tender) -> i64 {
    match (tender.kind, settings.stored_value_reduces_earning) {
        (TenderKind::Points, _) if settings.points_tender_reduces_earning => tender.amount,
        (TenderKind::StoredValue, StoredValueEarning::All) => tender.amount,
        (TenderKind::StoredValue, StoredValueEarning::Bonus) => tender.bonus,
        _ => 0,
    }
}

/// The tenders that pay what is earned on. What the settings took out of the amounts is in neither, or a
/// rule that excludes the same tender would take it out again.
fn earning_tenders(work: &Work<'_>) -> Vec<TenderFacts> {
    let tenders = work.document.tenders.iter().map(|tender| TenderFacts {
        kind: tender.kind,
        amount: tender.amount - silent_part(work.input.settings, tender),
    });
    tenders.filter(|tender| tender.amount != 0).collect()
}

/// What is left to earn on once tenders that earn nothing are taken out, by what was paid for each line.
fn earning_base(work: &Work<'_>) -> Result<EarningBase, Overflow> {
    let settings = work.input.settings;
    let document = &work.document;
    let silent = sum(document
        .tenders
        .iter()
        .map(|tender| silent_part(settings, tender)))?;
    let grosses: Vec<i64> = document.lines.iter().map(|line| line.gross).collect();
    let earning = document.totals.total.saturating_sub(silent).max(0);
    let parts = split(earning, &grosses);
    let (mut amounts, mut taxes) = (
        Vec::with_capacity(parts.len()),
        Vec::with_capacity(parts.len()),
    );
    for (line, part) in document.lines.iter().zip(parts) {
        let tax = if line.gross == 0 {
            0
        } else {
            mul_div(line.tax, part, line.gross, Rounding::HalfUp)?
        };
        // What the setting takes out is in neither, or a rule that earns on what was paid would put it back.
        let (amount, tax) = if settings.earn_before_tax {
            (part - tax, 0)
        } else {
            (part, tax)
        };
        amounts.push(amount);
        taxes.push(tax);
    }
    let total = sum(amounts.iter().copied())?;
    Ok(EarningBase {
        trigger: Trigger::Sale,
        amounts,
        taxes,
        total,
    })
}

/// The difference every rule after payment is told: tenders as they were taken.
fn settled_delta(work: &Work<'_>, kind: RuleKind, binding: &Campaign) -> FactsDelta {
    let mut delta = FactsDelta::new(kind, &binding.needs);
    let tenders: Vec<TenderFacts> = work
        .document
        .tenders
        .iter()
        .map(|tender| TenderFacts {
            kind: tender.kind,
            amount: tender.amount,
        })
        .collect();
    delta.tenders = Some(tenders).filter(|tenders| *tenders != work.facts.tenders);
    delta.aggregates.clone_from(&binding.aggregates);
    delta.counters.clone_from(&binding.counters);
    delta
}

/// Asks tier rules by priority until one answers; the aggregates include this order.
pub fn review_tier(work: &mut Work<'_>, rules: &mut dyn Rules) -> Result<(), PricingError> {
    if work.input.member.is_none() || !work.input.settings.tier_review_on_sale {
        return Ok(());
    }
    let sums = work.document.purchase_sums();
    for campaign in in_order(work, RuleKind::Tier) {
        let binding = work.campaign(campaign);
        let mut delta = FactsDelta::new(RuleKind::Tier, &binding.needs);
        delta.occasion = Some(Occasion::Sale);
        delta.aggregates = with_order(binding, &sums)?;
        let facts = work.facts.tier_facts(&delta)?;
        let call = work.note_call(campaign, delta);
        let today = work.input.order.business_date;
        let answer = rules.tier(campaign, facts).and_then(|decision| {
            checks::tier(&decision, today)?;
            Ok(decision)
        });
        match answer {
            Ok(decision) => {
                let named = work.name(campaign);
                work.calls[call].outcome = CallOutcome::Used;
                let before = work.facts.own_tier().and_then(|own| own.tier);
                let member = work.input.member.as_ref();
                let floor = member.and_then(|member| member.tier_floor.clone());
                work.document.tier = Some(TierOutcome {
                    campaign: named,
                    before,
                    decision: kept(floor.as_ref(), decision, today),
                    floor,
                });
                return Ok(());
            }
            Err(fault) => work.leave_out(campaign, fault)?,
        }
    }
    Ok(())
}

fn with_order(binding: &Campaign, sums: &[PurchaseSum]) -> Result<Vec<i64>, Overflow> {
    let added =
        |(past, need): (&i64, _)| past.checked_add(contribution(sums, need)).ok_or(Overflow);
    binding
        .aggregates
        .iter()
        .zip(&binding.needs.aggregates)
        .map(added)
        .collect()
}

/// Asks every referral rule what a referred member's order pays.
pub fn reward_referral(work: &mut Work<'_>, rules: &mut dyn Rules) -> Result<(), PricingError> {
    reward(work, rules, None)
}

/// Asks every referral rule what the joining of a referred member pays.
pub fn reward_joining(work: &mut Work<'_>, rules: &mut dyn Rules) -> Result<(), PricingError> {
    reward(work, rules, Some(ReferralOccasion::Joining))
}

fn reward(
    work: &mut Work<'_>,
    rules: &mut dyn Rules,
    occasion: Option<ReferralOccasion>,
) -> Result<(), PricingError> {
    let (Some(referral), Some(member)) = (&work.input.referral, &work.input.member) else {
        return Ok(());
    };
    let sides = Sides {
        referrer: &referral.referrer.id,
        referee: &member.facts.id,
        second_referrer: referral.second_referrer.as_ref().map(|second| &*second.id),
    };
    for campaign in in_order(work, RuleKind::Referral) {
        if work.is_used_up(campaign)? {
            continue;
        }
        let binding = work.campaign(campaign);
        let mut delta = settled_delta(work, RuleKind::Referral, binding);
        delta.tenders = None;
        delta.referral_occasion = occasion;
        delta.amount = work.document.totals.total;
        let facts = work.facts.referral_facts(&delta)?;
        let call = work.note_call(campaign, delta);
        let today = work.input.order.business_date;
        let answer = rules.referral(campaign, facts).and_then(|proposal| {
            checks::referral(&proposal, binding, today)?;
            Ok(proposal)
        });
        match answer {
            Ok(proposal) => take_rewards(work, campaign, call, proposal, &sides)?,
            Err(fault) => work.leave_out(campaign, fault)?,
        }
    }
    Ok(())
}

/// Who a referral rule may reward.
struct Sides<'a> {
    referrer: &'a str,
    referee: &'a str,
    second_referrer: Option<&'a str>,
}

impl<'a> Sides<'a> {
    /// A reward for a second referrer was refused where there is none.
    fn of(&self, side: Side) -> &'a str {
        match side {
            Side::Referrer => self.referrer,
            Side::Referee => self.referee,
            Side::SecondReferrer => self.second_referrer.unwrap_or(self.referrer),
        }
    }
}

fn take_rewards(
    work: &mut Work<'_>,
    campaign: usize,
    call: usize,
    proposal: ReferralProposal,
    sides: &Sides<'_>,
) -> Result<(), PricingError> {
    let ReferralProposal {
        rewards,
        grants,
        near_misses,
        counters,
        clawback,
    } = proposal;
    work.note_near_misses(campaign, near_misses);
    if rewards.is_empty() && grants.is_empty() && counters.is_empty() {
        work.calls[call].outcome = CallOutcome::NoEffect;
        return Ok(());
    }
    work.calls[call].outcome = CallOutcome::Used;
    let named = work.name(campaign);
    let mut allowed = points_left(work.campaign(campaign));
    let within_budget = |mut reward: Reward| {
        reward.points = reward.points.min(allowed);
        allowed -= reward.points;
        (reward.points > 0).then_some(reward)
    };
    let rewards: Vec<Reward> = rewards.into_iter().filter_map(within_budget).collect();
    let worth = sum(rewards.iter().map(|reward| reward.points))?;
    let records = rewards.into_iter().map(|reward| RewardRecord {
        campaign: named,
        side: reward.side,
        member: sides.of(reward.side).to_owned(),
        points: reward.points,
        reason: reward.reason,
        expires_on: reward.expires_on,
        available_on: reward.available_on,
        clawback,
        lot: None,
    });
    let outcome = work
        .document
        .referral
        .get_or_insert_with(|| ReferralOutcome {
            referrer: sides.referrer.to_owned(),
            rewards: Vec::new(),
        });
    outcome.rewards.extend(records);
    let mut left = groups::money_left(work.campaign(campaign));
    let mut granted = Vec::with_capacity(grants.len());
    for SideGrant { side, grant } in grants {
        for record in groups::within_budget(named, vec![grant], left) {
            left = left.saturating_sub(record.grant.amount);
            granted.push(GrantRecord {
                holder: Some(sides.of(side).to_owned()),
                is_kept: !clawback,
                ..record
            });
        }
    }
    let (bonus, gives) = (groups::bonus_of(&granted), !granted.is_empty());
    work.document.grants.extend(granted);
    work.note_counters(campaign, &counters, Some(sides.referrer));
    if worth > 0 || gives {
        work.note_usage(campaign, bonus, worth, Some(sides.referrer));
    }
    Ok(())
}

/// Campaigns of a kind, groups flattened: tiers and referrals have no exclusive groups.
fn in_order(work: &Work<'_>, kind: RuleKind) -> Vec<usize> {
    groups::units(work, kind)
        .into_iter()
        .flat_map(groups::Unit::into_members)
        .collect()
}
