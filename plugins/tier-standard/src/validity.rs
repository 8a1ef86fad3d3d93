//! How long a tier is sure.

use tessera_sdk::chrono::{Datelike, NaiveDate};
use tessera_sdk::tiers::Facts;

use crate::config::{Config, ValidityTo};

/// Last day of the tier a member holds. A tier without one (imported, or from before validity was set) is counted from
/// the day he got it, or from today; one by invitation has none but its own.
pub fn sure_until(
    config: &Config,
    facts: &Facts,
    held: Option<usize>,
) -> Result<Option<i32>, String> {
    let Some(position) = held else {
        return Ok(None);
    };
    match facts.tier_valid_until {
        _ if config.tiers[position].by_invitation => Ok(facts.tier_valid_until),
        Some(day) if config.validity_days > 0 => Ok(Some(day)),
        _ => fresh(
            config,
            facts.tier_since.unwrap_or(facts.business_date),
            held,
        ),
    }
}

/// Last sure day of a tier reached on `day`; the tier every member gets has none.
pub fn fresh(config: &Config, day: i32, tier: Option<usize>) -> Result<Option<i32>, String> {
    let can_fall = tier.is_some_and(|position| config.tiers[position].threshold > 0);
    if config.validity_days == 0 || !can_fall {
        return Ok(None);
    }
    let last = day
        .checked_add_unsigned(config.validity_days)
        .and_then(|last| put_off(config.validity_to, last))
        .and_then(|last| last.checked_add_unsigned(config.grace_days));
    last.map(Some).ok_or_else(|| {
        "The tier's validity ends after the last day of the calendar; correct the clock.".into()
    })
}

/// The end of the month or year a day lies in. `None` past the calendar's end.
fn put_off(to: ValidityTo, day: i32) -> Option<i32> {
    if to == ValidityTo::Day {
        return Some(day);
    }
    let date = NaiveDate::from_epoch_days(day)?;
    let end = match to {
        ValidityTo::MonthEnd if date.month() < 12 => {
            NaiveDate::from_ymd_opt(date.year(), date.month() + 1, 1)?.pred_opt()?
        }
        _ => NaiveDate::from_ymd_opt(date.year(), 12, 31)?,
    };
    Some(end.to_epoch_days())
}

pub fn has_passed(sure_until: Option<i32>, today: i32) -> bool {
    sure_until.is_some_and(|day| day < today)
}
