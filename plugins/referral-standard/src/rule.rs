//! What the joining or an order of a referred member pays to both sides.

use tessera_sdk::gifts::{BonusMoney, Coupons};
use tessera_sdk::referrals::{Facts, NearMiss, Occasion, Proposal, Reward, Side};
use tessera_sdk::types::Message;
use tessera_sdk::{Money, Overflow, Points, message};

use crate::config::{Config, MinimumOf, PaysOn};
use crate::counts::Paid;

/// Answers the rewards of one order, or of joining.
pub fn reward(config: &Config, facts: &Facts) -> Result<Proposal, String> {
    let nothing = Proposal {
        clawback: config.clawback,
        ..Proposal::default()
    };
    let pays_on = match facts.occasion {
        Occasion::Joining => PaysOn::Joining,
        Occasion::Order => PaysOn::Order,
    };
    if config.on != pays_on || !counts(config, facts) {
        return Ok(nothing);
    }
    let paid = Paid::read(config, facts)?;
    if paid.is_done(config) {
        return Ok(nothing);
    }
    let beyond_cap = paid.is_beyond_cap(config);
    let amount = Money(facts.amount);
    let pays_referee = !beyond_cap || config.referee_beyond_cap;
    let pays_referrer = !beyond_cap && may_be_paid(config, facts);
    match standing(config, facts)? {
        Standing::Reached => {}
        Standing::Missing(missing) if pays_referee => {
            return Ok(Proposal {
                near_misses: near_miss(config, amount, missing)?,
                ..nothing
            });
        }
        Standing::Missing(_) | Standing::Nothing => return Ok(nothing),
    }
    let mut rewards = Vec::new();
    let mut give = |side: Side, points: Points, reason: Message| {
        if points.is_positive() {
            rewards.push(points_for(side, points, reason, config, facts)?);
        }
        Ok::<(), String>(())
    };
    if pays_referee {
        let points = referee_points(config, amount)?;
        give(Side::Referee, points, message!("welcome"))?;
    }
    let mut for_referrer = Points::ZERO;
    if pays_referrer {
        for_referrer = paid.fixed_points(config);
        if let Some(per) = config.referrer_per {
            for_referrer = for_referrer.checked_add(per.points(amount, config.rounding)?)?;
        }
        for_referrer = paid.within(config, for_referrer)?;
        give(Side::Referrer, for_referrer, message!("thanks"))?;
    }
    if !beyond_cap && is_second_level(facts) {
        let points = config.second_referrer_points;
        give(Side::SecondReferrer, points, message!("thanks-second"))?;
    }
    let mut answer = Proposal { rewards, ..nothing };
    let today = facts.order.business_date;
    if pays_referee {
        let (coupons, bonus) = (&config.referee_coupons, &config.referee_bonus);
        answer = gifts(answer, Side::Referee, "welcome", coupons, bonus, today)?;
    }
    let mut pays_gifts = false;
    if pays_referrer {
        let (coupons, bonus) = (&config.referrer_coupons, &config.referrer_bonus);
        pays_gifts = coupons.is_some() || bonus.is_some();
        answer = gifts(answer, Side::Referrer, "thanks", coupons, bonus, today)?;
    }
    if answer.rewards.is_empty() && answer.grants.is_empty() {
        return Ok(answer);
    }
    let to_referrer = for_referrer.is_positive() || pays_gifts;
    Ok(Paid::note(
        config,
        to_referrer.then_some(for_referrer),
        answer,
    ))
}

/// Adds what a side gets beside points.
fn gifts(
    mut answer: Proposal,
    side: Side,
    key: &str,
    coupons: &Option<Coupons>,
    bonus: &Option<BonusMoney>,
    today: i32,
) -> Result<Proposal, Overflow> {
    if let Some(coupons) = coupons {
        let reason = message!(format!("{key}-coupons"), count = coupons.count);
        answer = answer.grant(side, coupons.grant(today, reason)?);
    }
    if let Some(bonus) = bonus {
        let reason = message!(format!("{key}-bonus"), amount = bonus.amount);
        answer = answer.grant(side, bonus.grant(today, reason)?);
    }
    Ok(answer)
}

/// Whether the order, or the joining, is one that can pay at all.
fn counts(config: &Config, facts: &Facts) -> bool {
    let today = facts.order.business_date;
    let days = i64::from(today) - i64::from(facts.referred_on);
    let in_time = config.within_days == 0 || days <= i64::from(config.within_days);
    let number = u64::from(facts.referee.orders_before) + 1;
    let first = u64::from(config.order_number);
    let is_due = config.minimum_of == MinimumOf::Total
        || (first..first + u64::from(config.orders)).contains(&number);
    let is_ring = config.referrer_older && facts.referrer.enrolled_on > facts.referee.enrolled_on;
    facts.referee.id != facts.referrer.id
        && !is_ring
        && in_time
        && is_due
        && config.when.covers(&facts.order)
        && config.referees.admits_member(&facts.referee, today)
}

/// Whether somebody brought the referrer who is neither of the two.
fn is_second_level(facts: &Facts) -> bool {
    let second = facts.second_referrer.as_ref();
    second.is_some_and(|second| ![&facts.referee.id, &facts.referrer.id].contains(&&second.id))
}

/// Whether the referrer is one of those who are paid.
fn may_be_paid(config: &Config, facts: &Facts) -> bool {
    facts.referrer.orders_before >= config.referrer_orders
        && config
            .referrers
            .admits_member(&facts.referrer, facts.order.business_date)
}

/// How an order stands to the minimum.
enum Standing {
    Reached,
    Missing(Money),
    /// Nothing is paid, or the minimum was reached before.
    Nothing,
}

fn standing(config: &Config, facts: &Facts) -> Result<Standing, String> {
    if config.on == PaysOn::Joining {
        return Ok(Standing::Reached);
    }
    let amount = Money(facts.amount);
    if !amount.is_positive() {
        return Ok(Standing::Nothing);
    }
    let before = match config.minimum_of {
        MinimumOf::Order => Money::ZERO,
        MinimumOf::Total => facts.aggregates.first().copied().map(Money).ok_or(
            "The spend is missing from the facts; bind the plugin again so that its needs are read anew.",
        )?,
    };
    let reached = before.checked_add(amount)?;
    if reached < config.minimum_amount {
        let missing = config.minimum_amount.checked_sub(reached)?;
        return Ok(Standing::Missing(missing));
    }
    Ok(match config.minimum_of {
        MinimumOf::Total if before >= config.minimum_amount => Standing::Nothing,
        _ => Standing::Reached,
    })
}

fn referee_points(config: &Config, amount: Money) -> Result<Points, Overflow> {
    match config.referee_per {
        Some(per) => config
            .referee_points
            .checked_add(per.points(amount, config.rounding)?),
        None => Ok(config.referee_points),
    }
}

/// What is missing for the minimum, and the points the order would then bring; nothing when there are none.
fn near_miss(config: &Config, amount: Money, missing: Money) -> Result<Vec<NearMiss>, Overflow> {
    let points = referee_points(config, amount.checked_add(missing)?)?;
    if !points.is_positive() {
        return Ok(vec![]);
    }
    let reason = message!("minimum", missing = missing, points = points);
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
