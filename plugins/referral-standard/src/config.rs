//! What a chain decides about its referrals.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tessera_sdk::types::{ConfigProblem, CounterPeriod};
use tessera_sdk::{Money, Points};

/// Ten years.
const DAYS_MAX: u32 = 3_660;

/// Points for both sides on the new member's first order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Points for the new member, at the program's scale.
    #[schemars(title = "Points for the new member", range(min = 0))]
    pub referee_points: Points,
    /// Points for the member who brought him, at the program's scale.
    #[schemars(title = "Points for the referrer", range(min = 0))]
    pub referrer_points: Points,
    /// What the first order must come to, in minor units, tax included.
    #[schemars(title = "Minimum of the first order", range(min = 0))]
    pub minimum_amount: Money,
    /// Days after the referral in which the first order counts. Zero: any time.
    #[schemars(title = "Days to the first order", range(max = 3660))]
    pub within_days: u32,
    /// Most referrals that pay one referrer in a period. Zero: no cap.
    #[schemars(title = "Cap per referrer")]
    pub cap: u32,
    /// When the count of paid referrals starts again.
    #[schemars(title = "Period of the cap")]
    pub cap_period: Period,
    /// Whether the new member gets his points although his referrer is past the cap.
    #[schemars(title = "New member beyond the cap")]
    pub referee_beyond_cap: bool,
    /// Whether a full refund of the order takes the points back.
    #[schemars(title = "Take back on refund")]
    pub clawback: bool,
    /// Days until the points can be spent.
    #[schemars(title = "Pending days", range(max = 3660))]
    pub pending_days: u32,
    /// Days the points can be spent, the first one included. Zero: they do not expire.
    #[schemars(title = "Expiry in days", range(max = 3660))]
    pub expiry_days: u32,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            referee_points: Points(100),
            referrer_points: Points(100),
            minimum_amount: Money::ZERO,
            within_days: 90,
            cap: 12,
            cap_period: Period::Year,
            referee_beyond_cap: true,
            clawback: true,
            pending_days: 0,
            expiry_days: 0,
        }
    }
}

/// When a count starts again, in the store's own days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Period {
    /// Every calendar month.
    Month,
    /// Every calendar year.
    Year,
    /// Never.
    Lifetime,
}

impl Period {
    pub(crate) fn of_counter(self) -> CounterPeriod {
        match self {
            Period::Month => CounterPeriod::Month,
            Period::Year => CounterPeriod::Year,
            Period::Lifetime => CounterPeriod::Lifetime,
        }
    }
}

impl Config {
    /// What contradicts itself, with its place and remedy.
    pub fn problems(&self) -> Vec<ConfigProblem> {
        let mut problems = Vec::new();
        let mut say = |pointer: &str, message: &str| {
            problems.push(ConfigProblem::at(pointer, message));
        };
        if self.referee_points.is_negative() {
            say("/referee_points", "Points are zero or more.");
        }
        if self.referrer_points.is_negative() {
            say("/referrer_points", "Points are zero or more.");
        }
        if self.referee_points.is_zero() && self.referrer_points.is_zero() {
            say(
                "/referee_points",
                "Nobody gets anything; give points to one side at least.",
            );
        }
        if self.minimum_amount.is_negative() {
            say("/minimum_amount", "A minimum is zero or more.");
        }
        let days = [
            ("/within_days", self.within_days),
            ("/pending_days", self.pending_days),
            ("/expiry_days", self.expiry_days),
        ];
        for (pointer, days) in days {
            if days > DAYS_MAX {
                say(pointer, "Write at most 3660 days.");
            }
        }
        problems
    }
}
