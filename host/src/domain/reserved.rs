//! Goods kept for members of some tiers for a time (优先购买).

use serde::{Deserialize, Serialize};

use super::time::Day;

/// Tiers of one product.
const MOST_TIERS: usize = 20;
const LONGEST_TIER: usize = 64;

/// Whom a product is sold to, and how long to nobody else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reserved {
    /// 1 to 20.
    pub tiers: Vec<String>,
    /// Last business day of the selling store on which it is kept; from the next day on anybody buys it.
    pub through: Day,
}

impl Reserved {
    /// Whether somebody of a tier may buy on a business day.
    pub fn admits(&self, tier: Option<&str>, today: Day) -> bool {
        today > self.through || tier.is_some_and(|tier| self.tiers.iter().any(|one| one == tier))
    }

    /// What is wrong with it: the field and why.
    pub fn fault(&self) -> Option<(&'static str, &'static str)> {
        let lengths = 1..=LONGEST_TIER;
        let named = (1..=MOST_TIERS).contains(&self.tiers.len())
            && self.tiers.iter().all(|tier| lengths.contains(&tier.len()));
        (!named).then_some(("tiers", "name 1 to 20 tiers of 1 to 64 bytes"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_named_tiers_buy_at_any_time_and_the_others_after_the_last_day() {
        let reserved = Reserved {
            tiers: vec!["gold".to_owned(), "black".to_owned()],
            through: Day(10),
        };
        assert!(reserved.admits(Some("gold"), Day(10)) && reserved.admits(Some("black"), Day(9)));
        assert!(!reserved.admits(Some("silver"), Day(10)) && !reserved.admits(None, Day(10)));
        assert!(reserved.admits(Some("silver"), Day(11)) && reserved.admits(None, Day(11)));
        let nobody = Reserved {
            tiers: Vec::new(),
            through: Day(10),
        };
        assert!(nobody.fault().is_some() && reserved.fault().is_none());
    }
}
