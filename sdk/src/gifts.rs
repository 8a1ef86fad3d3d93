//! What is given beside points and money off: coupons, entries in draws and bonus, and how a configuration names them.

use chrono::NaiveDate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tessera_money::{Money, Overflow};

use crate::types::{ConfigProblem, Gift, Grant, Message};

/// Most of one grant that the host takes.
pub const COUNT_MAX: u32 = 100;
const NAME_MAX: usize = 100;
/// Ten years.
const DAYS_MAX: u16 = 3_660;

impl Grant {
    /// Coupons for later orders, honoured by the binding of that name.
    pub fn coupons(name: impl Into<String>, count: u32, reason: Message) -> Grant {
        Grant::new(Gift::Coupon, name.into(), count, reason)
    }

    /// Entries in the prize draw of that name.
    pub fn draw_entries(name: impl Into<String>, count: u32, reason: Message) -> Grant {
        Grant::new(Gift::DrawEntry, name.into(), count, reason)
    }

    /// Stored value on top of what the member paid in.
    pub fn bonus(amount: Money, reason: Message) -> Grant {
        Grant {
            amount: amount.0,
            ..Grant::new(Gift::Bonus, String::new(), 1, reason)
        }
    }

    fn new(gift: Gift, name: String, count: u32, reason: Message) -> Grant {
        Grant {
            gift,
            name,
            count,
            amount: 0,
            expires_on: None,
            available_on: None,
            reason,
        }
    }

    /// The last business day a coupon can be used or bonus spent.
    pub fn expiring(mut self, day: NaiveDate) -> Grant {
        self.expires_on = Some(day.to_epoch_days());
        self
    }

    /// The first business day a coupon can be used.
    pub fn available(mut self, day: NaiveDate) -> Grant {
        self.available_on = Some(day.to_epoch_days());
        self
    }
}

/// Coupons for later orders of a member, ready for a configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Coupons {
    /// Name of the binding that honours them: a promotion whose trigger is `code`. Each is used once, by this member.
    #[schemars(title = "Binding", length(min = 1, max = 100), extend("examples" = ["welcome"]))]
    pub binding: String,
    /// How many.
    #[serde(default = "one")]
    #[schemars(title = "Coupons", range(min = 1, max = 100))]
    pub count: u32,
    /// Days they can be used, the first one included. Zero: for ever.
    #[serde(default)]
    #[schemars(title = "Valid days", range(max = 3660), extend("examples" = [30]))]
    pub valid_days: u16,
}

/// Stored value the chain gives, ready for a configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BonusMoney {
    /// Minor units.
    #[schemars(title = "Amount", range(min = 1), extend("examples" = [1000]))]
    pub amount: Money,
    /// Days it can be spent, the first one included. Zero: for ever.
    #[serde(default)]
    #[schemars(title = "Valid days", range(max = 3660), extend("examples" = [90]))]
    pub valid_days: u16,
}

fn one() -> u32 {
    1
}

/// The last of so many days from `today` on; none for zero days.
fn last_day(today: i32, days: u16) -> Result<Option<i32>, Overflow> {
    let further = days.checked_sub(1);
    further
        .map(|further| today.checked_add(further.into()).ok_or(Overflow))
        .transpose()
}

fn valid_days(days: u16, pointer: &str) -> Option<ConfigProblem> {
    let at = format!("{pointer}/valid_days");
    (days > DAYS_MAX).then(|| ConfigProblem::at(at, "Write at most 3660 days."))
}

impl Coupons {
    /// The grant, made on a business day.
    pub fn grant(&self, today: i32, reason: Message) -> Result<Grant, Overflow> {
        Ok(Grant {
            expires_on: last_day(today, self.valid_days)?,
            ..Grant::coupons(&*self.binding, self.count, reason)
        })
    }

    /// What is wrong with it; `pointer` is its place in the configuration.
    pub fn problems(&self, pointer: &str) -> Vec<ConfigProblem> {
        let mut problems: Vec<_> = valid_days(self.valid_days, pointer).into_iter().collect();
        if self.binding.trim().is_empty() || self.binding.chars().count() > NAME_MAX {
            let message = "Write the name of the binding that honours the coupons.";
            problems.push(ConfigProblem::at(format!("{pointer}/binding"), message));
        }
        if !(1..=COUNT_MAX).contains(&self.count) {
            let message = "Write between 1 and 100 coupons.";
            problems.push(ConfigProblem::at(format!("{pointer}/count"), message));
        }
        problems
    }
}

impl BonusMoney {
    /// The grant, made on a business day.
    pub fn grant(&self, today: i32, reason: Message) -> Result<Grant, Overflow> {
        Ok(Grant {
            expires_on: last_day(today, self.valid_days)?,
            ..Grant::bonus(self.amount, reason)
        })
    }

    /// What is wrong with it; `pointer` is its place in the configuration.
    pub fn problems(&self, pointer: &str) -> Vec<ConfigProblem> {
        let mut problems: Vec<_> = valid_days(self.valid_days, pointer).into_iter().collect();
        if !self.amount.is_positive() {
            let message = "Write 1 minor unit or more.";
            problems.push(ConfigProblem::at(format!("{pointer}/amount"), message));
        }
        problems
    }
}
