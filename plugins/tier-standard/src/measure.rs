//! What tiers count, and how far a member is.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tessera_sdk::types::{Measure, Message, Needs, Window};
use tessera_sdk::{Money, Overflow, Points, message};

use crate::config::{Config, Tier, WindowName};

/// What a threshold counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Counted {
    /// Money spent, in minor units, after discounts and refunds.
    #[default]
    Spend,
    /// Points earned.
    Points,
    /// Orders, each a visit.
    Orders,
    /// Whole units bought.
    Units,
    /// Money put on the account, in minor units, without what was given on top.
    ToppedUp,
}

/// A further condition of a tier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Also {
    /// What it counts, over the same window and in every category.
    #[schemars(title = "Counted")]
    pub counted: Counted,
    /// Minor units of spend, points, orders or whole units.
    #[schemars(title = "At least", range(min = 1), extend("examples" = [20]))]
    pub at_least: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Several {
    /// The threshold or any of the others is enough.
    #[default]
    Any,
    /// The threshold and all of the others.
    All,
}

impl Counted {
    fn measure(self) -> Measure {
        match self {
            Counted::Spend => Measure::Spend,
            Counted::Points => Measure::PointsEarned,
            Counted::Orders => Measure::Orders,
            Counted::Units => Measure::Units,
            Counted::ToppedUp => Measure::ToppedUp,
        }
    }

    /// A threshold in the unit the host counts in.
    fn scaled(self, threshold: i64) -> Result<i64, Overflow> {
        match self {
            Counted::Units => threshold.checked_mul(1_000).ok_or(Overflow),
            _ => Ok(threshold),
        }
    }

    /// What is missing for a tier, as members read it.
    pub fn missing(self, missing: i64, tier: &Tier) -> Message {
        let name = tier.name.as_str();
        match self {
            Counted::Spend => message!("next", missing = Money(missing), tier = name),
            Counted::ToppedUp => message!("next-top-up", missing = Money(missing), tier = name),
            Counted::Points => message!("next-points", missing = Points(missing), tier = name),
            Counted::Orders => message!("next-orders", missing = missing, tier = name),
            Counted::Units => {
                // A part of a unit that is missing is a unit to buy.
                let units = missing / 1_000 + i64::from(missing % 1_000 > 0);
                message!("next-units", missing = units, tier = name)
            }
        }
    }
}

impl Config {
    /// What `also` counts in any tier, each once, in the order of the aggregates behind the first.
    fn others(&self) -> Vec<Counted> {
        let mut others = Vec::new();
        for also in self.tiers.iter().flat_map(|tier| &tier.also) {
            if !others.contains(&also.counted) {
                others.push(also.counted);
            }
        }
        others
    }

    pub fn needs(&self) -> Needs {
        let window = match self.window {
            WindowName::Rolling => Window::RollingDays(self.window_days),
            WindowName::CalendarMonth => Window::CalendarMonth,
            WindowName::CalendarYear => Window::CalendarYear,
            WindowName::Lifetime => Window::Lifetime,
        };
        let needs = match &self.category {
            // A top-up is in no category.
            Some(category) if self.counted != Counted::ToppedUp => {
                Needs::none().aggregate_in(self.counted.measure(), window, category.as_str())
            }
            _ => Needs::none().aggregate(self.counted.measure(), window),
        };
        let others = self.others().into_iter();
        others.fold(needs, |needs, counted| {
            needs.aggregate(counted.measure(), window)
        })
    }
}

/// What a member bought in the window.
pub struct Record<'a> {
    config: &'a Config,
    others: Vec<Counted>,
    aggregates: &'a [i64],
}

impl<'a> Record<'a> {
    pub fn new(config: &'a Config, aggregates: &'a [i64]) -> Result<Record<'a>, String> {
        let others = config.others();
        if aggregates.len() <= others.len() {
            let missing = "A sum of purchases is missing from the facts; bind the plugin again so that its needs are read anew.";
            return Err(missing.into());
        }
        Ok(Record {
            config,
            others,
            aggregates,
        })
    }

    /// Whether the record reaches a tier.
    pub fn reaches(&self, tier: &Tier) -> Result<bool, Overflow> {
        if tier.by_invitation {
            return Ok(false);
        }
        let wanted = self.config.counted.scaled(tier.threshold)?;
        let all = self.config.several == Several::All;
        let mut holds = wanted <= self.aggregates[0];
        for also in &tier.also {
            let one = also.counted.scaled(also.at_least)? <= self.other(also.counted);
            holds = if all { holds && one } else { holds || one };
        }
        Ok(holds)
    }

    fn other(&self, counted: Counted) -> i64 {
        let position = self.others.iter().position(|one| *one == counted);
        position.map_or(0, |position| self.aggregates[position + 1])
    }

    /// What is missing for a tier: for the threshold, or for the first other condition once that is reached.
    pub fn missing(&self, tier: &Tier) -> Result<Option<(i64, Message)>, Overflow> {
        let counted = self.config.counted;
        let thresholds = std::iter::once((counted, tier.threshold, self.aggregates[0]));
        let others = tier
            .also
            .iter()
            .map(|also| (also.counted, also.at_least, self.other(also.counted)));
        for (counted, threshold, there) in thresholds.chain(others) {
            let wanted = counted.scaled(threshold)?;
            if there < wanted {
                let missing = wanted.checked_sub(there).ok_or(Overflow)?;
                return Ok(Some((missing, counted.missing(missing, tier))));
            }
        }
        Ok(None)
    }
}
