//! More points on chosen days, at chosen hours or for chosen members.

use tessera_sdk::audience::Audience;
use tessera_sdk::points::Facts;
use tessera_sdk::prelude::*;
use tessera_sdk::schedule::Schedule;

use crate::config::Config;

/// A multiplier or points on top, when and for whom. All that is set must fit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Bonus {
    /// What the order's money counts for: 2 for twice the points.
    #[serde(default)]
    #[schemars(title = "Multiplier")]
    pub multiplier: Rate,
    /// Points on top of the order's own, at the program's scale.
    #[serde(default)]
    #[schemars(title = "Points on top", range(min = 0))]
    pub points: Points,
    /// Days and hours; always when left out.
    #[serde(default, skip_serializing_if = "Schedule::is_always")]
    #[schemars(title = "When", extend("default" = {}))]
    pub when: Schedule,
    /// Members who get it; everyone when left out.
    #[serde(default, skip_serializing_if = "Audience::is_everyone")]
    #[schemars(title = "For whom", extend("default" = {}))]
    pub who: Audience,
}

/// What all the bonuses that fit come to.
pub struct Extra {
    pub multiplier: Rate,
    pub points: Points,
}

impl Bonus {
    fn fits(&self, facts: &Facts) -> bool {
        self.when.covers(&facts.order)
            && self
                .who
                .admits_member(&facts.member, facts.order.business_date)
    }
}

/// The bonuses that fit, combined as the merchant says. Points on top always add up.
pub fn extra(config: &Config, facts: &Facts) -> Result<Extra, Overflow> {
    let mut extra = Extra {
        multiplier: Rate::ONE,
        points: Points::ZERO,
    };
    let mut found = false;
    for bonus in config.bonuses.iter().filter(|bonus| bonus.fits(facts)) {
        extra.points = extra.points.checked_add(bonus.points)?;
        extra.multiplier = if found {
            config
                .combine_bonuses
                .join(extra.multiplier, bonus.multiplier)?
        } else {
            bonus.multiplier
        };
        found = true;
    }
    Ok(extra)
}
