//! A member's tier as it was, so that something that gave him another can be taken back.

use serde::{Deserialize, Serialize};

use crate::checkout::situation::to_day;
use crate::domain::ledger::{EventRow, MemberTierRow, Record};
use crate::store::members::Member;

/// A tier a member has, with its days and what it multiplies points by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    pub tier: Option<String>,
    pub since: Option<i64>,
    pub valid_until: Option<i64>,
    pub multiplier: (i64, i64),
}

/// A tier that was given and the one it took the place of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Raise {
    pub given: Standing,
    pub before: Standing,
}

impl From<&Member> for Standing {
    fn from(member: &Member) -> Self {
        Self {
            tier: member.tier.clone(),
            since: member.tier_since,
            valid_until: member.tier_valid_until,
            multiplier: (member.tier_multiplier_num, member.tier_multiplier_den),
        }
    }
}

impl Standing {
    /// Whether a member still has it: a review that kept it may have put the tier's own multiplier on it.
    pub fn is_still_of(&self, member: &Member) -> bool {
        let now = Self {
            multiplier: self.multiplier,
            ..Self::from(member)
        };
        now == *self
    }

    /// Makes it the member's own.
    pub fn put_on(self, member: &mut Member) {
        member.tier = self.tier;
        member.tier_since = self.since;
        member.tier_valid_until = self.valid_until;
        (member.tier_multiplier_num, member.tier_multiplier_den) = self.multiplier;
    }

    /// Writes it for a member as he was read, with the event that says what it takes the place of.
    pub fn records(&self, member: &Member, store: &str) -> [Record; 2] {
        let told = serde_json::json!({ "member": member.id, "from": member.tier, "to": self.tier });
        [
            Record::MemberTier(MemberTierRow {
                member: member.id.clone(),
                tier: self.tier.clone(),
                since: self.since.map(to_day),
                valid_until: self.valid_until.map(to_day),
                multiplier: self.multiplier,
                floor: member.tier_floor.clone(),
            }),
            Record::Event(EventRow {
                kind: "member.tier_changed".to_owned(),
                subject: member.id.clone(),
                store: Some(store.to_owned()),
                payload: told.to_string(),
            }),
        ]
    }
}
