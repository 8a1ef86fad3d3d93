//! Rules that reward bringing a new member.

use chrono::NaiveDate;
use tessera_money::{Money, Points};

use crate::bindings::referrals::exports::tessera::referrals::referral_rule;
pub use crate::bindings::referrals::exports::tessera::referrals::referral_rule::{
    Facts, NearMiss, Occasion, Proposal, Reward, Side, SideGrant,
};
use crate::export::rule_kind;
use crate::facts::attributes;
use crate::types::{CounterChange, Message};
pub use crate::types::{Gift, Grant};
use crate::values::day;

attributes!(Facts:
    order_attribute Order,
    store_attribute Store,
    /// Of the member who was brought.
    member_attribute Member,
    referrer_attribute Referrer
);

rule_kind! {
    /// What bringing a new member pays to both sides.
    ReferralRule, referral_rule, Facts => Proposal
}

impl Facts {
    /// The business day of the referral.
    pub fn referral_day(&self) -> NaiveDate {
        day(self.referred_on)
    }
}

#[expect(clippy::derivable_impls, reason = "the type is generated")]
impl Default for Proposal {
    fn default() -> Proposal {
        Proposal {
            rewards: Vec::new(),
            grants: Vec::new(),
            near_misses: Vec::new(),
            counters: Vec::new(),
            clawback: false,
        }
    }
}

impl Proposal {
    /// No reward.
    pub fn none() -> Proposal {
        Proposal::default()
    }

    pub fn reward(mut self, reward: Reward) -> Proposal {
        self.rewards.push(reward);
        self
    }

    /// Gives a side something beside points.
    pub fn grant(mut self, side: Side, grant: Grant) -> Proposal {
        self.grants.push(SideGrant { side, grant });
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

    /// Whether a refund of the order takes the rewards back.
    pub fn clawback(mut self, clawback: bool) -> Proposal {
        self.clawback = clawback;
        self
    }
}

impl Reward {
    /// Points for the member who brought the other.
    pub fn to_referrer(points: Points, reason: Message) -> Reward {
        Reward::new(Side::Referrer, points, reason)
    }

    /// Points for the member who was brought.
    pub fn to_referee(points: Points, reason: Message) -> Reward {
        Reward::new(Side::Referee, points, reason)
    }

    /// Points for the member who brought the one who brought the other.
    pub fn to_second_referrer(points: Points, reason: Message) -> Reward {
        Reward::new(Side::SecondReferrer, points, reason)
    }

    fn new(side: Side, points: Points, reason: Message) -> Reward {
        Reward {
            side,
            points: points.0,
            reason,
            expires_on: None,
            available_on: None,
        }
    }

    /// The last business day the points can be spent.
    pub fn expiring(mut self, day: NaiveDate) -> Reward {
        self.expires_on = Some(day.to_epoch_days());
        self
    }

    /// The first business day the points can be spent.
    pub fn available(mut self, day: NaiveDate) -> Reward {
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
