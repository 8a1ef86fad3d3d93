//! When points can be spent.

use tessera_sdk::points::{Award, Facts};
use tessera_sdk::prelude::*;

use crate::config::Config;

/// The end of a month or year.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EndOf {
    /// Whether the points expire with a month or with a year.
    #[schemars(title = "Unit")]
    pub unit: CalendarUnit,
    /// How many months or years after the one in which the points can first be spent: 0 is the end of that one.
    #[serde(default)]
    #[schemars(title = "After", range(max = 120))]
    pub after: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CalendarUnit {
    /// The last day of a calendar month.
    Month,
    /// 31 December.
    Year,
}

impl EndOf {
    /// The last day points can be spent that can be spent from `first` on. `None` past the calendar's end.
    fn day(self, first: NaiveDate) -> Option<NaiveDate> {
        let after = i32::from(self.after);
        match self.unit {
            CalendarUnit::Year => NaiveDate::from_ymd_opt(first.year() + after, 12, 31),
            CalendarUnit::Month => {
                // Counted from January as 0, the month behind the one that ends.
                let next = i32::try_from(first.month0()).ok()? + after + 1;
                let month = u32::try_from(next % 12).ok()? + 1;
                NaiveDate::from_ymd_opt(first.year() + next / 12, month, 1)?.pred_opt()
            }
        }
    }
}

/// First and last day, since 1970-01-01.
pub struct Days {
    available_on: Option<i32>,
    expires_on: Option<i32>,
}

impl Days {
    /// Of points that can be spent after so many days.
    pub fn of(config: &Config, facts: &Facts, pending: u16) -> Days {
        let first = facts.order.business_date.saturating_add(pending.into());
        let after_days = config
            .expire_after_days
            .map(|days| first.saturating_add(days.into()));
        let at_end = config.expire_at_end.and_then(|end| {
            let day = end.day(NaiveDate::from_epoch_days(first)?)?;
            Some(day.to_epoch_days())
        });
        Days {
            available_on: (pending > 0).then_some(first),
            expires_on: after_days.or(at_end),
        }
    }

    pub fn set(&self, award: Award) -> Award {
        Award {
            available_on: self.available_on,
            expires_on: self.expires_on,
            ..award
        }
    }
}
