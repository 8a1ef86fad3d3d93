//! Which tier a member should hold: up at once, down after validity.

use tessera_sdk::tiers::{Decision, Facts, Occasion, Progress};
use tessera_sdk::types::Message;
use tessera_sdk::{Money, Rate, message};

use crate::config::{Config, Tier};

/// Where a member stands on the ladder. `None` is below the lowest tier.
struct Standing {
    held: Option<usize>,
    /// What the spend reaches.
    earned: Option<usize>,
    spend: Money,
}

/// Answers the tier a member should hold.
pub fn decide(config: &Config, facts: &Facts) -> Result<Decision, String> {
    let spend = facts
        .aggregates
        .first()
        .copied()
        .map(Money)
        .ok_or("The spend is missing from the facts; bind the plugin again so that its needs are read anew.")?;
    let standing = Standing {
        // A tier that is no longer on the ladder counts as none.
        held: config
            .tiers
            .iter()
            .position(|tier| Some(&tier.code) == facts.member.tier.as_ref()),
        earned: config
            .tiers
            .iter()
            .rposition(|tier| tier.threshold <= spend),
        spend,
    };
    let sure_until = sure_until(config, facts, standing.held)?;
    let fresh = fresh_validity(config, facts.business_date, standing.earned)?;
    let (tier, valid_until, reason) = if standing.earned > standing.held {
        (
            standing.earned,
            fresh,
            reason(config, standing.earned, "reached"),
        )
    } else if standing.earned == standing.held {
        let renewed = standing.held.is_some() && has_passed(sure_until, facts);
        let key = if renewed { "renewed" } else { "kept" };
        let until = if renewed { fresh } else { sure_until };
        (standing.held, until, reason(config, standing.held, key))
    } else if falls(config, facts, sure_until) {
        let reason = match standing.earned {
            Some(_) => reason(config, standing.earned, "lowered"),
            None => message!("lowered-to-none"),
        };
        (standing.earned, fresh, reason)
    } else {
        // Sure for today at least, whatever the next review says.
        let until = sure_until.map(|day| day.max(facts.business_date));
        (standing.held, until, reason(config, standing.held, "sure"))
    };
    let multiplier = tier.map_or(Rate::ONE, |position| config.tiers[position].multiplier);
    Ok(Decision {
        tier: tier.map(|position| config.tiers[position].code.clone()),
        multiplier_numerator: multiplier.numerator(),
        multiplier_denominator: multiplier.denominator(),
        valid_until,
        reason,
        next: next(config, tier, standing.spend)?,
    })
}

/// Whether a member whose spend no longer reaches his tier loses it on this occasion.
fn falls(config: &Config, facts: &Facts, sure_until: Option<i32>) -> bool {
    match facts.occasion {
        Occasion::Refund => config.refund_lowers || has_passed(sure_until, facts),
        Occasion::Review => has_passed(sure_until, facts),
        // A customer who buys is never told that he lost something.
        Occasion::Sale | Occasion::Enrolment => false,
    }
}

fn has_passed(sure_until: Option<i32>, facts: &Facts) -> bool {
    sure_until.is_some_and(|day| day < facts.business_date)
}

/// Last day of the tier he holds. A tier without one (imported, or from before validity was set) is counted from the
/// day he got it, or from today.
fn sure_until(config: &Config, facts: &Facts, held: Option<usize>) -> Result<Option<i32>, String> {
    match (facts.tier_valid_until, held) {
        (_, None) => Ok(None),
        (Some(day), Some(_)) if config.validity_days > 0 => Ok(Some(day)),
        (_, held) => fresh_validity(
            config,
            facts.tier_since.unwrap_or(facts.business_date),
            held,
        ),
    }
}

/// Last sure day of a tier reached on `day`; the tier every member gets has none.
fn fresh_validity(config: &Config, day: i32, tier: Option<usize>) -> Result<Option<i32>, String> {
    let can_fall = tier.is_some_and(|position| config.tiers[position].threshold.is_positive());
    if config.validity_days == 0 || !can_fall {
        return Ok(None);
    }
    let last = day.checked_add_unsigned(config.validity_days);
    last.map(Some).ok_or_else(|| {
        "The tier's validity ends after the last day of the calendar; correct the clock.".into()
    })
}

fn reason(config: &Config, tier: Option<usize>, key: &str) -> Message {
    match tier {
        Some(position) => message!(key, tier = config.tiers[position].name.as_str()),
        None => message!("none"),
    }
}

/// The tier above and what is missing for it.
fn next(config: &Config, tier: Option<usize>, spend: Money) -> Result<Option<Progress>, String> {
    let above: Option<&Tier> = config.tiers.get(tier.map_or(0, |position| position + 1));
    let Some(above) = above else { return Ok(None) };
    let missing = above.threshold.checked_sub(spend)?;
    Ok(Some(Progress {
        tier: above.code.clone(),
        missing: missing.0,
        reason: message!("next", missing = missing, tier = above.name.as_str()),
    }))
}
