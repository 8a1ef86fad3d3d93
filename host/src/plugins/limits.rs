//! What an answer of a plugin may look like at most. Each limit is far above what an honest rule needs.

use super::fault::BadAnswer;
use crate::domain::rules::{CounterChange, Needs, Value};
use crate::domain::time::Day;

/// Awards, rewards or discounts of one answer: one for each line of the largest basket.
pub const MAX_BENEFITS: usize = crate::domain::basket::MAX_LINES;
pub const MAX_GRANTS: usize = 20;
/// Coupons or draw entries of one grant.
pub const MAX_GRANT_COUNT: u32 = 100;
pub const MAX_NEAR_MISSES: usize = 50;
pub const MAX_COUNTER_CHANGES: usize = 64;
pub const MAX_MESSAGE_ARGUMENTS: usize = 16;
/// Bytes of a message key, an argument's name, an attribute's name or a tier code.
pub const MAX_NAME_BYTES: usize = 100;
/// Bytes of a text inside an answer.
pub const MAX_TEXT_BYTES: usize = 2_000;
pub const MAX_AGGREGATES: usize = 16;
pub const MAX_COUNTERS: usize = 16;
pub const MAX_ATTRIBUTES: usize = 32;
/// Names of one list of preconditions; as many as a first-party selection takes.
const MAX_PRECONDITION_NAMES: usize = 2_000;
/// Ten years and a little.
pub const MAX_ROLLING_DAYS: u32 = 3_660;
pub const MAX_CONFIG_PROBLEMS: usize = 50;
/// Bytes of a configuration, as JSON and as its plugin keeps it.
pub const MAX_CONFIG_BYTES: usize = 64 * 1024;
/// Days from 1970-01-01 to 2299-12-31.
const LAST_DAY: i32 = 120_529;
const MAX_COUNTER_NAME_BYTES: usize = 40;

/// Refuses a list that is too long.
pub(super) fn at_most(what: &str, count: usize, limit: usize) -> Result<(), BadAnswer> {
    if count > limit {
        return Err(BadAnswer::TooMany {
            what: what.into(),
            count: count as u64,
            limit: limit as u64,
        });
    }
    Ok(())
}

pub(super) fn positive(what: &str, value: i64) -> Result<i64, BadAnswer> {
    if value <= 0 {
        return Err(BadAnswer::NotPositive {
            what: what.into(),
            value,
        });
    }
    Ok(value)
}

/// Adds up amounts that are each positive; the sum must still be a number the ledger can hold.
pub(super) fn add(sum: i64, value: i64) -> Result<i64, BadAnswer> {
    sum.checked_add(value).ok_or(BadAnswer::Overflow)
}

/// A name: letters, digits, `-`, `_`, `.` and `/`, never empty.
pub(super) fn name(what: &str, text: String) -> Result<String, BadAnswer> {
    bounded(what, &text, MAX_NAME_BYTES)?;
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./".contains(&byte);
    if text.is_empty() || !text.bytes().all(allowed) {
        return Err(BadAnswer::TextCharacters(what.into()));
    }
    Ok(text)
}

/// A name people gave, such as that of a binding.
pub(super) fn title(what: &str, name: String) -> Result<String, BadAnswer> {
    if name.trim().is_empty() {
        return Err(BadAnswer::TextCharacters(what.into()));
    }
    text(what, name, MAX_NAME_BYTES)
}

/// A text for people: any characters but control characters.
pub(super) fn text(what: &str, text: String, limit: usize) -> Result<String, BadAnswer> {
    bounded(what, &text, limit)?;
    if text.chars().any(char::is_control) {
        return Err(BadAnswer::TextCharacters(what.into()));
    }
    Ok(text)
}

fn bounded(what: &str, text: &str, limit: usize) -> Result<(), BadAnswer> {
    if text.len() > limit {
        return Err(BadAnswer::TextTooLong {
            what: what.into(),
            limit: limit as u64,
        });
    }
    Ok(())
}

/// Shortens and cleans a text the plugin wrote for operators or logs; such a text is never refused.
pub(super) fn tidy(text: &str, limit: usize) -> String {
    let mut tidied = String::new();
    for character in text.chars() {
        if tidied.len() + character.len_utf8() > limit {
            tidied.push('…');
            break;
        }
        tidied.push(if character.is_control() {
            ' '
        } else {
            character
        });
    }
    tidied
}

pub(super) fn day(what: &str, day: i32) -> Result<Day, BadAnswer> {
    if !(0..=LAST_DAY).contains(&day) {
        return Err(BadAnswer::Day {
            what: what.into(),
            day,
        });
    }
    Ok(Day(day))
}

/// Both ends of the time in which points can be spent.
pub(super) fn spendable(
    today: Day,
    expires_on: Option<i32>,
    available_on: Option<i32>,
) -> Result<(Option<Day>, Option<Day>), BadAnswer> {
    usable("points", today, expires_on, available_on)
}

/// Both ends of the time in which something can be used: not over before the business day, not over before it
/// becomes available.
pub(super) fn usable(
    what: &str,
    today: Day,
    expires_on: Option<i32>,
    available_on: Option<i32>,
) -> Result<(Option<Day>, Option<Day>), BadAnswer> {
    let available = available_on
        .map(|on| day(&format!("{what} available"), on))
        .transpose()?;
    let expires = expires_on
        .map(|on| day(&format!("{what} expiring"), on))
        .transpose()?;
    if let Some(expires) = expires
        && expires < available.unwrap_or(today).max(today)
    {
        return Err(BadAnswer::Day {
            what: format!("{what} expiring"),
            day: expires.0,
        });
    }
    Ok((expires, available))
}

/// Positions of lines: each inside the basket and named once.
pub(super) fn positions(positions: Vec<u32>, lines: usize) -> Result<Vec<u32>, BadAnswer> {
    at_most("line positions", positions.len(), lines)?;
    let mut seen = vec![false; lines];
    for &position in &positions {
        let Some(seen) = seen.get_mut(position as usize) else {
            return Err(BadAnswer::LinePosition {
                position,
                lines: lines as u64,
            });
        };
        if std::mem::replace(seen, true) {
            return Err(BadAnswer::LineTwice(position));
        }
    }
    Ok(positions)
}

/// Changes of counters the plugin asked for.
pub(super) fn counter_changes(
    changes: impl ExactSizeIterator<Item = CounterChange>,
    counters: usize,
) -> Result<Vec<CounterChange>, BadAnswer> {
    at_most("counter changes", changes.len(), MAX_COUNTER_CHANGES)?;
    changes
        .map(|change| {
            if change.counter as usize >= counters {
                return Err(BadAnswer::CounterPosition {
                    position: change.counter,
                    counters: counters as u64,
                });
            }
            Ok(change)
        })
        .collect()
}

/// A value of a message's argument.
pub(super) fn value(value: Value) -> Result<Value, BadAnswer> {
    match value {
        Value::Text(content) => Ok(Value::Text(text("an argument", content, MAX_TEXT_BYTES)?)),
        Value::Ratio(ratio) if ratio.denominator <= 0 => Err(BadAnswer::Ratio {
            numerator: ratio.numerator,
            denominator: ratio.denominator,
        }),
        Value::Date(on) => Ok(Value::Date(day("an argument", on.0)?)),
        other => Ok(other),
    }
}

/// What is wrong with what a plugin asks for, in words for its author.
pub(super) fn check_needs(needs: &Needs, may_see_cost: bool) -> Result<(), String> {
    let too_many = |what: &str, count: usize, limit: usize| {
        if count > limit {
            Err(format!(
                "it asks for {count} {what}, at most {limit} are allowed"
            ))
        } else {
            Ok(())
        }
    };
    too_many("aggregates", needs.aggregates.len(), MAX_AGGREGATES)?;
    too_many("counters", needs.counters.len(), MAX_COUNTERS)?;
    too_many("attributes", needs.attributes.len(), MAX_ATTRIBUTES)?;
    let only = &needs.preconditions;
    too_many("tiers", only.tiers.len(), MAX_PRECONDITION_NAMES)?;
    too_many("tenders", only.tenders.len(), MAX_PRECONDITION_NAMES)?;
    for (what, goods) in [
        ("products", &only.products),
        ("categories", &only.categories),
        ("tags", &only.tags),
    ] {
        too_many(what, goods.len(), MAX_PRECONDITION_NAMES)?;
    }
    if needs.shown.cost && !may_see_cost {
        return Err("it asks for costs without the permission `cost` in its manifest".into());
    }
    for aggregate in &needs.aggregates {
        check_aggregate(aggregate)?;
    }
    for (position, counter) in needs.counters.iter().enumerate() {
        check_counter(counter)?;
        if needs.counters[..position]
            .iter()
            .any(|earlier| earlier.name == counter.name)
        {
            return Err(format!("it asks for the counter `{}` twice", counter.name));
        }
    }
    for attribute in &needs.attributes {
        name("an attribute's name", attribute.clone()).map_err(|error| error.to_string())?;
    }
    Ok(())
}

fn check_aggregate(aggregate: &crate::domain::rules::AggregateNeed) -> Result<(), String> {
    use crate::domain::rules::Window;
    if let Window::RollingDays(days) = aggregate.window
        && !(1..=MAX_ROLLING_DAYS).contains(&days)
    {
        return Err(format!(
            "it looks back over {days} days, from 1 to {MAX_ROLLING_DAYS} are allowed"
        ));
    }
    if let Some(category) = &aggregate.category {
        text("a category", category.clone(), MAX_NAME_BYTES * 2)
            .map_err(|error| error.to_string())?;
    }
    Ok(())
}

fn check_counter(counter: &crate::domain::rules::CounterNeed) -> Result<(), String> {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let length = counter.name.len();
    if length == 0 || length > MAX_COUNTER_NAME_BYTES || !counter.name.bytes().all(allowed) {
        return Err(format!(
            "the counter `{}` must be named with 1 to {MAX_COUNTER_NAME_BYTES} lower-case letters, digits or hyphens",
            tidy(&counter.name, MAX_NAME_BYTES)
        ));
    }
    if counter.limit.is_some_and(|limit| limit <= 0) {
        return Err(format!(
            "the limit of the counter `{}` must be positive",
            counter.name
        ));
    }
    Ok(())
}
