//! What is given beside money off: coupons for later orders, entries in a prize draw.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tessera_sdk::promotions::{Facts, Grant};
use tessera_sdk::{Money, Overflow};

use crate::basket::{Basket, worth};
use crate::config::Price;
use crate::words::{coupons, entries};

/// Most of one grant that the host takes.
pub const COUNT_MAX: u32 = 100;

/// Coupons for later orders of the member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Coupons {
    /// Name of the binding that honours them: a promotion whose trigger is `code`. Each is used once, by this member.
    #[schemars(title = "Binding", length(min = 1, max = 100), extend("examples" = ["next-visit"]))]
    pub binding: String,
    /// How many.
    #[serde(default = "one")]
    #[schemars(title = "Coupons", range(min = 1, max = 100))]
    pub count: u32,
    /// So many for each full so much that is left to pay for the goods, in minor units. Zero: once.
    #[serde(default)]
    #[schemars(title = "For each", range(min = 0), extend("examples" = [10000]))]
    pub every: Money,
    /// Days until they can be used. Zero: at once.
    #[serde(default)]
    #[schemars(title = "Days until", range(max = 3660))]
    pub from_days: u16,
    /// Days they can be used, the first one included. Zero: for ever.
    #[serde(default)]
    #[schemars(title = "Valid days", range(max = 3660), extend("examples" = [30]))]
    pub valid_days: u16,
}

/// Entries in a prize draw.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Draw {
    /// Name of the draw.
    #[schemars(title = "Name", length(min = 1, max = 100), extend("examples" = ["spring-festival"]))]
    pub name: String,
    /// How many entries.
    #[serde(default = "one")]
    #[schemars(title = "Entries", range(min = 1, max = 100))]
    pub entries: u32,
    /// So many for each full so much that is left to pay for the goods, in minor units. Zero: once.
    #[serde(default)]
    #[schemars(title = "For each", range(min = 0), extend("examples" = [5000]))]
    pub every: Money,
}

fn one() -> u32 {
    1
}

pub fn of_coupons(
    rule: &Coupons,
    facts: &Facts,
    basket: &Basket,
) -> Result<Option<Grant>, Overflow> {
    let day = |from: i32, days: u16| from.checked_add(days.into()).ok_or(Overflow);
    let first = day(facts.order.business_date, rule.from_days)?;
    let last = rule.valid_days.checked_sub(1);
    let expires_on = last.map(|days| day(first, days)).transpose()?;
    let count = count(rule.count, rule.every, basket)?;
    Ok(count.map(|count| Grant {
        expires_on,
        available_on: (rule.from_days > 0).then_some(first),
        ..Grant::coupons(&*rule.binding, count, coupons(count))
    }))
}

pub fn of_draw(rule: &Draw, basket: &Basket) -> Result<Option<Grant>, Overflow> {
    let count = count(rule.entries, rule.every, basket)?;
    Ok(count.map(|count| Grant::draw_entries(&*rule.name, count, entries(count, &rule.name))))
}

/// How many are given, at most what the host takes; `None` where it is none.
fn count(each: u32, every: Money, basket: &Basket) -> Result<Option<u32>, Overflow> {
    let times = if every.is_positive() {
        worth(&basket.goods, Price::Left)?.0 / every.0
    } else {
        1
    };
    let count = times
        .checked_mul(each.into())
        .ok_or(Overflow)?
        .min(COUNT_MAX.into());
    Ok(u32::try_from(count).ok().filter(|count| *count > 0))
}
