//! A tier a member keeps whatever reviews say: how a rule's decision counts beside it.

use serde::{Deserialize, Serialize};

use super::rules::{Ratio, TierDecision};
use super::time::Day;

/// The tier a member does not fall below while it holds. A review may raise him.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TierFloor {
    /// What made it, such as the id of what staff set.
    pub id: String,
    pub tier: String,
    /// Of who holds the tier.
    pub multiplier: Ratio,
    /// Last business day it holds; none without end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_day: Option<Day>,
    /// The tiers above it on the ladder of the store's tier rules. A tier no ladder names is above none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub above: Vec<String>,
}

impl TierFloor {
    pub fn holds_on(&self, day: Day) -> bool {
        self.last_day.is_none_or(|last| day <= last)
    }

    /// A decision as it counts on a day: a higher tier stands, the same one is sure for as long as the longer of both says,
    /// and in place of any other the member keeps the floor. Reason and what is missing stay the rule's.
    pub fn kept(&self, decision: TierDecision, today: Day) -> TierDecision {
        let named = decision.tier.as_ref();
        if !self.holds_on(today) || named.is_some_and(|tier| self.above.contains(tier)) {
            return decision;
        }
        let is_same = named == Some(&self.tier);
        TierDecision {
            tier: Some(self.tier.clone()),
            multiplier: if is_same {
                decision.multiplier
            } else {
                self.multiplier
            },
            valid_until: match (is_same, decision.valid_until, self.last_day) {
                (true, None, _) | (_, _, None) => None,
                (true, Some(until), Some(last)) => Some(until.max(last)),
                (false, _, last) => last,
            },
            ..decision
        }
    }
}

/// A decision beside the floor a member has, if any.
pub fn kept(floor: Option<&TierFloor>, decision: TierDecision, today: Day) -> TierDecision {
    match floor {
        Some(floor) => floor.kept(decision, today),
        None => decision,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::rules::Message;

    fn decided(tier: Option<&str>, until: Option<i32>) -> TierDecision {
        TierDecision {
            tier: tier.map(str::to_owned),
            multiplier: Ratio {
                numerator: 3,
                denominator: 1,
            },
            valid_until: until.map(Day),
            reason: Message {
                key: "kept".to_owned(),
                arguments: Vec::new(),
            },
            next: None,
        }
    }

    fn floor(last: Option<i32>) -> TierFloor {
        TierFloor {
            id: "f".to_owned(),
            tier: "gold".to_owned(),
            multiplier: Ratio {
                numerator: 2,
                denominator: 1,
            },
            last_day: last.map(Day),
            above: vec!["platinum".to_owned()],
        }
    }

    #[test]
    fn a_review_raises_and_does_not_lower_through_the_last_day() {
        let floor = floor(Some(10));
        for lower in [Some("silver"), Some("unheard-of"), None] {
            let kept = floor.kept(decided(lower, Some(99)), Day(10));
            assert_eq!(kept.tier.as_deref(), Some("gold"));
            assert_eq!(
                (kept.valid_until, kept.multiplier.numerator),
                (Some(Day(10)), 2)
            );
        }
        let raised = floor.kept(decided(Some("platinum"), Some(20)), Day(10));
        assert_eq!(raised, decided(Some("platinum"), Some(20)));
        let after = floor.kept(decided(Some("silver"), Some(20)), Day(11));
        assert_eq!(after, decided(Some("silver"), Some(20)));
    }

    #[test]
    fn the_same_tier_is_sure_for_as_long_as_the_longer_of_both_says() {
        let until = |floor: TierFloor, until| {
            let kept = floor.kept(decided(Some("gold"), until), Day(10));
            assert_eq!(kept.multiplier.numerator, 3);
            kept.valid_until
        };
        assert_eq!(until(floor(Some(10)), Some(20)), Some(Day(20)));
        assert_eq!(until(floor(Some(30)), Some(20)), Some(Day(30)));
        assert_eq!(until(floor(Some(30)), None), None);
        assert_eq!(until(floor(None), Some(20)), None);
    }
}
