//! Rules that decide which tier a member holds.

use chrono::NaiveDate;
use tessera_money::Rate;

use crate::bindings::tiers::exports::tessera::tiers::tier_rule;
pub use crate::bindings::tiers::exports::tessera::tiers::tier_rule::{
    Decision, Facts, Occasion, Progress,
};
use crate::export::rule_kind;
use crate::facts::attributes;
use crate::types::Message;
use crate::values::day;

attributes!(Facts: member_attribute Member);

rule_kind! {
    /// Which tier a member holds.
    TierRule, tier_rule, Facts => Decision
}

impl Facts {
    pub fn business_day(&self) -> NaiveDate {
        day(self.business_date)
    }

    /// The business day he got his tier.
    pub fn tier_since_day(&self) -> Option<NaiveDate> {
        self.tier_since.map(day)
    }

    /// The last business day his tier is sure.
    pub fn tier_valid_until_day(&self) -> Option<NaiveDate> {
        self.tier_valid_until.map(day)
    }
}

impl Decision {
    /// No tier, points counted once.
    pub fn no_tier(reason: Message) -> Decision {
        Decision {
            tier: None,
            multiplier_numerator: 1,
            multiplier_denominator: 1,
            valid_until: None,
            reason,
            next: None,
        }
    }

    /// The tier of this code, points counted once, sure for ever.
    pub fn tier(code: impl Into<String>, reason: Message) -> Decision {
        Decision {
            tier: Some(code.into()),
            ..Decision::no_tier(reason)
        }
    }

    /// What his points are multiplied by while he holds it.
    pub fn multiplying(mut self, rate: Rate) -> Decision {
        self.multiplier_numerator = rate.numerator();
        self.multiplier_denominator = rate.denominator();
        self
    }

    /// The last business day it is sure.
    pub fn valid_until(mut self, day: NaiveDate) -> Decision {
        self.valid_until = Some(day.to_epoch_days());
        self
    }

    /// What is missing for the next tier, in the unit of the aggregate it asks for.
    pub fn next(mut self, tier: impl Into<String>, missing: i64, reason: Message) -> Decision {
        self.next = Some(Progress {
            tier: tier.into(),
            missing,
            reason,
        });
        self
    }
}
