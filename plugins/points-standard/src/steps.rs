//! More points for larger orders.

use tessera_sdk::points::NearMiss;
use tessera_sdk::prelude::*;

use crate::sum::Sum;

/// More points, or points on top, from certain amounts on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Steps {
    /// The steps, lowest first. Below the first one money counts once.
    #[schemars(title = "Levels", length(min = 1, max = 50))]
    pub levels: Vec<Level>,
    /// What a step's multiplier counts for.
    #[serde(default)]
    #[schemars(title = "Multiplier counts for")]
    pub mode: StepMode,
    /// Tells the customer what is missing for the next step once this share of it is there. 100 % says nothing.
    #[serde(default = "half")]
    #[schemars(title = "Tell from")]
    pub tell_from: Rate,
}

/// One step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Level {
    /// Money that reaches it, in minor units: of what earns, before any multiplier.
    #[schemars(title = "From", range(min = 1))]
    pub from: Money,
    /// What money counts for: 2 for twice the points.
    #[serde(default)]
    #[schemars(title = "Multiplier")]
    pub multiplier: Rate,
    /// Points on top. Of several steps reached only the highest gives its own.
    #[serde(default)]
    #[schemars(title = "Points on top", range(min = 0))]
    pub points: Points,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum StepMode {
    /// The whole order, at the highest step reached.
    #[default]
    Whole,
    /// Only the part of the order above the step and below the next one, as with tax brackets.
    Part,
}

fn half() -> Rate {
    Rate::percent(50)
}

impl Steps {
    /// What the money of the order counts for.
    pub fn multiplier(&self, spent: Money) -> Result<Rate, Overflow> {
        match self.mode {
            StepMode::Whole => Ok(self
                .reached(spent)
                .map_or(Rate::ONE, |step| step.multiplier)),
            StepMode::Part => self.by_parts(spent),
        }
    }

    fn by_parts(&self, spent: Money) -> Result<Rate, Overflow> {
        let mut counted = Sum::default();
        let (mut from, mut multiplier) = (Money::ZERO, Rate::ONE);
        for level in self.levels.iter().filter(|level| level.from <= spent) {
            counted.add(level.from.checked_sub(from)?, multiplier)?;
            (from, multiplier) = (level.from, level.multiplier);
        }
        counted.add(spent.checked_sub(from)?, multiplier)?;
        counted.over(spent)
    }

    /// The highest step an order reaches.
    pub fn reached(&self, spent: Money) -> Option<&Level> {
        self.levels.iter().rev().find(|level| level.from <= spent)
    }

    /// What is missing for the next step, once it is near.
    pub fn near_miss(&self, spent: Money) -> Result<Option<NearMiss>, Overflow> {
        let Some(next) = self.levels.iter().find(|level| level.from > spent) else {
            return Ok(None);
        };
        if spent < next.from.mul_rate(self.tell_from, Rounding::Up)? {
            return Ok(None);
        }
        let missing = next.from.checked_sub(spent)?;
        let reason = if next.points.is_positive() {
            message!("next-step-points", missing = missing, points = next.points)
        } else {
            message!("next-step", missing = missing, multiplier = next.multiplier)
        };
        Ok(Some(NearMiss::missing(reason, missing)))
    }
}
