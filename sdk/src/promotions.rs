//! Rules that take something off.

use tessera_money::Money;

use crate::bindings::promotions::exports::tessera::promotions::promotion_rule;
pub use crate::bindings::promotions::exports::tessera::promotions::promotion_rule::{
    Discount, Facts, NearMiss, Proposal, Target,
};
use crate::export::rule_kind;
use crate::facts::{attributes, basket};
use crate::types::{CounterChange, Message};
pub use crate::types::{Gift, Grant};

basket!(Facts);
attributes!(Facts: order_attribute Order, store_attribute Store, member_attribute Member);

rule_kind! {
    /// What a promotion takes off.
    PromotionRule, promotion_rule, Facts => Proposal
}

#[expect(clippy::derivable_impls, reason = "the type is generated")]
impl Default for Proposal {
    fn default() -> Proposal {
        Proposal {
            discounts: Vec::new(),
            grants: Vec::new(),
            near_misses: Vec::new(),
            counters: Vec::new(),
            codes: Vec::new(),
        }
    }
}

impl Proposal {
    /// No discount.
    pub fn none() -> Proposal {
        Proposal::default()
    }

    pub fn discount(mut self, discount: Discount) -> Proposal {
        self.discounts.push(discount);
        self
    }

    /// Gives something beside money off; only to members.
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

    /// Uses up one of the codes presented.
    pub fn using_code(mut self, code: impl Into<String>) -> Proposal {
        self.codes.push(code.into());
        self
    }
}

impl From<Discount> for Proposal {
    fn from(discount: Discount) -> Proposal {
        Proposal {
            discounts: vec![discount],
            ..Proposal::default()
        }
    }
}

impl Discount {
    /// Money off one line, by its position.
    pub fn line(position: u32, amount: Money, reason: Message) -> Discount {
        Discount::new(Target::Line(position), amount, reason)
    }

    /// Money off the whole order, spread over its lines by what is left of each.
    pub fn order(amount: Money, reason: Message) -> Discount {
        Discount::new(Target::Order, amount, reason)
    }

    /// Money off these lines together, spread over them by what is left of each.
    pub fn lines(
        positions: impl IntoIterator<Item = u32>,
        amount: Money,
        reason: Message,
    ) -> Discount {
        Discount::new(
            Target::Lines(positions.into_iter().collect()),
            amount,
            reason,
        )
    }

    fn new(target: Target, amount: Money, reason: Message) -> Discount {
        Discount {
            target,
            amount: amount.0,
            reason,
            basis: Vec::new(),
        }
    }

    /// Positions of the lines whose presence earned it, beside those it lowers.
    pub fn earned_by(mut self, lines: impl IntoIterator<Item = u32>) -> Discount {
        self.basis = lines.into_iter().collect();
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
