//! The tier a sale, a claim or a review leads to.

use serde::{Deserialize, Serialize};

use crate::domain::rules::TierDecision;
use crate::domain::tier_floor::TierFloor;

/// What the tier rules decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TierOutcome {
    pub campaign: u32,
    pub before: Option<String>,
    /// As it counts beside the floor.
    pub decision: TierDecision,
    /// The tier somebody gave the member, also where its last day is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub floor: Option<TierFloor>,
}

impl TierOutcome {
    pub fn changes_tier(&self) -> bool {
        self.before != self.decision.tier
    }
}
