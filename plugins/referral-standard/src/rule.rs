//! What the first order of a referred member pays to both sides.

use tessera_sdk::referrals::{Facts, NearMiss, Proposal, Reward, Side};
use tessera_sdk::types::Message;
use tessera_sdk::{Money, Points, message};

use crate::config::Config;

/// Answers the rewards of one order.
pub fn reward(config: &Config, facts: &Facts) -> Result<Proposal, String> {
    let nothing = Proposal {
        clawback: config.clawback,
        ..Proposal::default()
    };
    if facts.referee.id == facts.referrer.id
        || facts.referee.orders_before > 0
        || is_late(config, facts)
    {
        return Ok(nothing);
    }
    let beyond_cap = is_beyond_cap(config, facts)?;
    let pays_referee =
        config.referee_points.is_positive() && (!beyond_cap || config.referee_beyond_cap);
    let pays_referrer = config.referrer_points.is_positive() && !beyond_cap;
    if !pays_referee && !pays_referrer {
        return Ok(nothing);
    }
    if facts.amount <= 0 || facts.amount < config.minimum_amount.0 {
        return Ok(Proposal {
            near_misses: near_miss(config, facts)?,
            ..nothing
        });
    }
    let mut rewards = Vec::new();
    if pays_referee {
        rewards.push(points_for(
            Side::Referee,
            config.referee_points,
            message!("welcome"),
            config,
            facts,
        )?);
    }
    if pays_referrer {
        rewards.push(points_for(
            Side::Referrer,
            config.referrer_points,
            message!("thanks"),
            config,
            facts,
        )?);
    }
    let answer = Proposal { rewards, ..nothing };
    Ok(if pays_referrer && config.cap > 0 {
        answer.count(0, 1)
    } else {
        answer
    })
}

fn is_late(config: &Config, facts: &Facts) -> bool {
    let days = i64::from(facts.order.business_date) - i64::from(facts.referred_on);
    config.within_days > 0 && days > i64::from(config.within_days)
}

fn is_beyond_cap(config: &Config, facts: &Facts) -> Result<bool, String> {
    if config.cap == 0 {
        return Ok(false);
    }
    let rewarded = facts
        .counters
        .first()
        .ok_or("The count of referrals is missing from the facts; bind the plugin again so that its needs are read anew.")?;
    Ok(*rewarded >= i64::from(config.cap))
}

/// What is missing for the minimum; nothing when there is nothing to pay at all.
fn near_miss(config: &Config, facts: &Facts) -> Result<Vec<NearMiss>, String> {
    if facts.amount <= 0 || config.referee_points.is_zero() {
        return Ok(vec![]);
    }
    let missing = config.minimum_amount.checked_sub(Money(facts.amount))?;
    let reason = message!("minimum", missing = missing, points = config.referee_points);
    Ok(vec![NearMiss {
        reason,
        missing: Some(missing.0),
    }])
}

fn points_for(
    side: Side,
    points: Points,
    reason: Message,
    config: &Config,
    facts: &Facts,
) -> Result<Reward, String> {
    let day = |from: i32, days: u32| {
        from.checked_add_unsigned(days)
            .ok_or("The points' days end after the last day of the calendar; correct the clock.")
    };
    let first = day(facts.order.business_date, config.pending_days)?;
    Ok(Reward {
        side,
        points: points.0,
        reason,
        // The first day counts, so that one day of expiry is that day alone.
        expires_on: config
            .expiry_days
            .checked_sub(1)
            .map(|days| day(first, days))
            .transpose()?,
        available_on: (config.pending_days > 0).then_some(first),
    })
}
