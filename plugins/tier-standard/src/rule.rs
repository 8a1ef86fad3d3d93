//! Which tier a member should hold: up when he reaches it, down after validity.

use tessera_sdk::tiers::{Decision, Facts, Occasion, Progress};
use tessera_sdk::types::Message;
use tessera_sdk::{Rate, message};

use crate::config::{Config, Renewal, StepDown, Upgrade};
use crate::measure::Record;
use crate::validity::{fresh, has_passed, sure_until};

/// What becomes of a tier.
struct Outcome {
    /// `None` is below the lowest tier.
    tier: Option<usize>,
    valid_until: Option<i32>,
    reason: Message,
}

/// Answers the tier a member should hold.
pub fn decide(config: &Config, facts: &Facts) -> Result<Decision, String> {
    let record = Record::new(config, &facts.aggregates)?;
    // A tier that is no longer on the ladder counts as none.
    let held = config
        .tiers
        .iter()
        .position(|tier| Some(&tier.code) == facts.member.tier.as_ref());
    let mut earned = None;
    for (position, tier) in config.tiers.iter().enumerate() {
        if record.reaches(tier)? {
            earned = Some(position);
        }
    }
    let outcome = outcome(config, facts, held, earned)?;
    let multiplier = outcome
        .tier
        .map_or(Rate::ONE, |position| config.tiers[position].multiplier);
    Ok(Decision {
        tier: outcome
            .tier
            .map(|position| config.tiers[position].code.clone()),
        multiplier_numerator: multiplier.numerator(),
        multiplier_denominator: multiplier.denominator(),
        valid_until: outcome.valid_until,
        reason: outcome.reason,
        next: next(config, outcome.tier, &record)?,
    })
}

fn outcome(
    config: &Config,
    facts: &Facts,
    held: Option<usize>,
    earned: Option<usize>,
) -> Result<Outcome, String> {
    let today = facts.business_date;
    let sure = sure_until(config, facts, held)?;
    let is_over = has_passed(sure, today);
    let answer = |tier: Option<usize>, valid_until: Option<i32>, key: &str| Outcome {
        tier,
        valid_until,
        reason: reason(config, tier, key),
    };
    if earned > held && goes_up(config, facts) {
        return Ok(answer(earned, fresh(config, today, earned)?, "reached"));
    }
    if earned >= held {
        let is_renewed = held.is_some() && (is_over || config.renewal == Renewal::AtOnce);
        if !is_renewed {
            return Ok(answer(held, sure, "kept"));
        }
        // A tier without an end, as every member's, has none to renew; a renewal never makes a validity shorter.
        let until = fresh(config, today, held)?.map(|day| sure.map_or(day, |sure| day.max(sure)));
        let key = if until == sure || until.is_none() {
            "kept"
        } else {
            "renewed"
        };
        return Ok(answer(held, until, key));
    }
    if falls(config, facts, is_over) {
        let below = &config.tiers[..held.unwrap_or(0)];
        let one_down = below.iter().rposition(|tier| !tier.by_invitation);
        let tier = match config.step_down {
            StepDown::Earned => earned,
            StepDown::One => earned.max(one_down),
        };
        let key = if tier.is_some() {
            "lowered"
        } else {
            "lowered-to-none"
        };
        return Ok(answer(tier, fresh(config, today, tier)?, key));
    }
    // Sure for today at least, whatever the next review says.
    Ok(answer(held, sure.map(|day| day.max(today)), "sure"))
}

fn goes_up(config: &Config, facts: &Facts) -> bool {
    match config.upgrade {
        Upgrade::AtOnce => true,
        Upgrade::AtReview => matches!(facts.occasion, Occasion::Review | Occasion::Enrolment),
    }
}

/// Whether a member who no longer reaches his tier loses it on this occasion.
fn falls(config: &Config, facts: &Facts, is_over: bool) -> bool {
    match facts.occasion {
        Occasion::Refund => config.refund_lowers || is_over,
        Occasion::Review => is_over,
        // A customer who buys is never told that he lost something.
        Occasion::Sale | Occasion::Enrolment => false,
    }
}

fn reason(config: &Config, tier: Option<usize>, key: &str) -> Message {
    match tier {
        Some(position) => message!(key, tier = config.tiers[position].name.as_str()),
        None if key == "lowered-to-none" => message!(key),
        None => message!("none"),
    }
}

/// The next tier that can be reached and what is missing for it.
fn next(config: &Config, tier: Option<usize>, record: &Record) -> Result<Option<Progress>, String> {
    let first = tier.map_or(0, |position| position + 1);
    let mut above = config.tiers.iter().skip(first);
    let Some(above) = above.find(|tier| !tier.by_invitation) else {
        return Ok(None);
    };
    if record.reaches(above)? {
        return Ok(None);
    }
    Ok(record.missing(above)?.map(|(missing, reason)| Progress {
        tier: above.code.clone(),
        missing,
        reason,
    }))
}
