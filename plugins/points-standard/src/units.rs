//! Points by the piece or by weight.

use tessera_sdk::goods::Selection;
use tessera_sdk::points::{Award, Facts};
use tessera_sdk::prelude::*;

/// Points for so many units of some goods.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UnitPoints {
    /// The goods that count. Every article when nothing is named.
    #[serde(default, skip_serializing_if = "Selection::is_everything")]
    #[schemars(title = "Goods", extend("default" = {}))]
    pub goods: Selection,
    /// Units that earn the points: pieces, or kilograms of what is sold by weight.
    #[serde(default = "one")]
    #[schemars(title = "Units", range(min = 1, max = 10000))]
    pub units: u16,
    /// Points at the program's scale.
    #[schemars(title = "Points", range(min = 1))]
    pub points: Points,
    /// Whether only full numbers of units count: with 10 points for each 3 pieces, 5 pieces earn 10 and not 16.
    #[serde(default = "yes")]
    #[schemars(title = "Full numbers only")]
    pub full_only: bool,
}

fn one() -> u16 {
    1
}

fn yes() -> bool {
    true
}

impl UnitPoints {
    /// The points of the lines that earn, and the lines they rest on; `None` when they are too few.
    pub fn award(
        &self,
        facts: &Facts,
        earning: impl Iterator<Item = u32>,
        times: Rate,
        rounding: Rounding,
    ) -> Result<Option<Award>, Overflow> {
        let picker = self.goods.picker(&facts.basket);
        let mut quantity: i64 = 0;
        let mut lines = Vec::new();
        for position in earning {
            let line = facts.lines().at(position);
            if let Some(line) = line.filter(|line| line.quantity > 0 && picker.picks(*line)) {
                quantity = quantity.checked_add(line.quantity).ok_or(Overflow)?;
                lines.push(position);
            }
        }
        let thousandths = i64::from(self.units.max(1)) * 1_000;
        let points = if self.full_only {
            self.points.checked_mul(quantity / thousandths)?
        } else {
            Points(mul_div(self.points.0, quantity, thousandths, rounding)?)
        };
        let points = points.mul_rate(times, rounding)?;
        let reason = message!("units", points = points);
        Ok(points
            .is_positive()
            .then(|| Award::new(points, reason).on_lines(lines)))
    }
}
