//! Rules that give points.

use chrono::NaiveDate;
use tessera_money::{Money, Points};

use crate::bindings::points::exports::tessera::points::points_rule;
pub use crate::bindings::points::exports::tessera::points::points_rule::{
    Award, Facts, NearMiss, Proposal, Trigger,
};
use crate::export::rule_kind;
use crate::facts::{attributes, basket};
use crate::types::{CounterChange, Message};
pub use crate::types::{Gift, Grant};

basket!(Facts);
attributes!(Facts: order_attribute Order, store_attribute Store, member_attribute Member);

rule_kind! {
    /// How points are earned.
    PointsRule, points_rule, Facts => Proposal
}

#[expect(clippy::derivable_impls, reason = "the type is generated")]
impl Default for Proposal {
    fn default() -> Proposal {
        Proposal {
            awards: Vec::new(),
            grants: Vec::new(),
            near_misses: Vec::new(),
            counters: Vec::new(),
        }
    }
}

impl Proposal {
    /// No points.
    pub fn none() -> Proposal {
        Proposal::default()
    }

    pub fn award(mut self, award: Award) -> Proposal {
        self.awards.push(award);
        self
    }

    /// Gives something beside points.
    pub fn grant(mut self, grant: Grant) -> Proposal {
        self.grants.push(grant);
        self
    }

    pub fn near_miss(mut self, near_miss: NearMiss) -> Proposal {
        self.near_misses.push(near_miss);
        self
    }

    /// Changes the counter at that position of the rule's needs.
    pub fn count(mut self, counter: u32, change: i64) -> Proposal {
        self.counters.push(CounterChange { counter, change });
        self
    }
}

impl From<Award> for Proposal {
    fn from(award: Award) -> Proposal {
        Proposal {
            awards: vec![award],
            ..Proposal::default()
        }
    }
}

impl Award {
    /// Points for the order as a whole, at once and for ever.
    pub fn new(points: Points, reason: Message) -> Award {
        Award {
            points: points.0,
            reason,
            lines: Vec::new(),
            expires_on: None,
            available_on: None,
        }
    }

    /// Positions of the lines it rests on.
    pub fn on_lines(mut self, lines: impl IntoIterator<Item = u32>) -> Award {
        self.lines = lines.into_iter().collect();
        self
    }

    /// The last business day the points can be spent.
    pub fn expiring(mut self, day: NaiveDate) -> Award {
        self.expires_on = Some(day.to_epoch_days());
        self
    }

    /// The first business day the points can be spent.
    pub fn available(mut self, day: NaiveDate) -> Award {
        self.available_on = Some(day.to_epoch_days());
        self
    }
}

impl NearMiss {
    pub fn new(reason: Message) -> NearMiss {
        NearMiss {
            reason,
            missing: None,
        }
    }

    /// So much more money would have been enough.
    pub fn missing(reason: Message, money: Money) -> NearMiss {
        NearMiss {
            reason,
            missing: Some(money.0),
        }
    }
}
