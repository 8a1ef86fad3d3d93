//! Paid membership (付费会员): plans by month or year, sold as products to a member, with benefits while they are paid.
//!
//! A member has one membership at a time. Bought again before it ends, of the same plan or another, the next period begins
//! where the last one ends; an upgrade begins at once and takes what was not used of the running ones in payment. What was
//! paid becomes revenue by the day.

use serde::{Deserialize, Serialize};
use tessera_money::Rate;

use super::facts::OwnTier;
use super::pass::{PassRefund, PassSold, length_fault};
use super::rules::{MemberFacts, Ratio};
use super::time::Day;

/// Most tiers a membership may lift from.
pub const MOST_TIERS: usize = 20;

/// What a product that is a membership gives. How long is settled when it is sold, the rest holds as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MembershipTerms {
    /// Calendar months of one piece, 1 to 120; 12 are a year. Through the day before the same day of the month, or the
    /// month's last day where it has no such day: from 31 January through the end of February.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = 12)]
    pub months: Option<u16>,
    /// Days instead, the first included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub days: Option<u16>,
    /// The tier he holds at least while it is paid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tier: Option<MembershipTier>,
    /// What comes back for the days that are left. A day that has begun counts as used, except the first of all.
    #[serde(default)]
    pub refund: PassRefund,
}

/// A tier for who holds none, or one of those it lifts from; everybody else keeps his own. Tier rules go on deciding his
/// own, which is what he holds again when the membership ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MembershipTier {
    pub tier: String,
    /// At most 20 tiers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub from: Vec<String>,
    /// Multiplies the points of who is lifted.
    #[serde(default = "once")]
    #[schema(value_type = String, example = "1.5")]
    pub multiplier: Rate,
}

fn once() -> Rate {
    Rate::whole(1)
}

/// What was not used of running memberships, taken in payment for another.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpgradeCredit {
    /// What it takes off the price, minor units.
    pub amount: i64,
    /// The same with its tax.
    pub gross: i64,
    pub ended: Vec<Ended>,
}

/// A membership an upgrade ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// The product that was sold as the plan.
    pub product: String,
    pub lot: String,
    /// What was paid for the days from the upgrade on, without tax: it goes on as what was paid for the new one.
    pub deferred: i64,
}

impl UpgradeCredit {
    /// What was paid for all the days that are left, without tax.
    pub fn deferred(&self) -> i64 {
        self.ended.iter().map(|ended| ended.deferred).sum()
    }
}

impl MembershipTerms {
    /// What is wrong with the terms, by field.
    pub fn fault(&self) -> Option<(&'static str, &'static str)> {
        if self.days.is_none() && self.months.is_none() {
            return Some(("months", "give months or days"));
        }
        if let Some(fault) = length_fault(self.days, self.months) {
            return Some(fault);
        }
        if let PassRefund::UsedAt(price) = self.refund
            && price < 0
        {
            return Some(("refund", "give a price from 0"));
        }
        self.tier.as_ref().and_then(MembershipTier::fault)
    }

    /// What is sold of it, through a last day; the first is added.
    pub fn sold(&self, expires_on: Option<Day>) -> PassSold {
        PassSold {
            uses: 1,
            expires_on,
            refund: self.refund,
            lot: None,
            first_day: None,
            turn: 0,
            membership: true,
            credit: None,
        }
    }
}

impl MembershipTier {
    fn fault(&self) -> Option<(&'static str, &'static str)> {
        let named = |name: &String| !name.is_empty() && name.len() <= 64;
        if !named(&self.tier) || !self.from.iter().all(named) || self.from.len() > MOST_TIERS {
            return Some(("tier", "name at most 20 tiers, each of 1 to 64 characters"));
        }
        if self.multiplier.numerator() <= 0 || self.multiplier.numerator() > 1_000_000 {
            return Some(("tier/multiplier", "give a rate above 0"));
        }
        None
    }

    /// Whether it takes the place of a tier.
    pub fn lifts(&self, own: Option<&str>) -> bool {
        own.is_none_or(|own| self.from.iter().any(|from| from == own))
    }

    /// Lets rules see the member with this tier where it lifts him; answers the one he has of his own.
    pub fn lift(&self, member: &mut MemberFacts) -> Option<OwnTier> {
        if !self.lifts(member.tier.as_deref()) {
            return None;
        }
        let multiplier = Ratio {
            numerator: self.multiplier.numerator(),
            denominator: self.multiplier.denominator(),
        };
        Some(OwnTier {
            tier: member.tier.replace(self.tier.clone()),
            multiplier: std::mem::replace(&mut member.tier_multiplier, multiplier),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms(text: &str) -> MembershipTerms {
        serde_json::from_str(text).expect("terms")
    }

    #[test]
    fn a_membership_lifts_from_the_tiers_it_names_and_from_none() {
        let gold = terms(r#"{ "months": 12, "tier": { "tier": "gold", "from": ["silver"] } }"#);
        let gold = gold.tier.expect("a tier");
        assert!(gold.lifts(None) && gold.lifts(Some("silver")));
        assert!(!gold.lifts(Some("platinum")) && !gold.lifts(Some("gold")));
    }

    #[test]
    fn terms_that_make_no_sense_are_told_by_field() {
        let fault = |text: &str| terms(text).fault().map(|(field, _)| field);
        assert_eq!(fault(r#"{ "months": 1 }"#), None);
        assert_eq!(fault("{}"), Some("months"));
        assert_eq!(fault(r#"{ "months": 0 }"#), Some("months"));
        assert_eq!(fault(r#"{ "months": 1, "days": 3 }"#), Some("months"));
        assert_eq!(fault(r#"{ "days": 0 }"#), Some("days"));
        assert_eq!(
            fault(r#"{ "months": 1, "tier": { "tier": "" } }"#),
            Some("tier")
        );
        assert_eq!(
            fault(r#"{ "months": 1, "refund": { "used-at": -1 } }"#),
            Some("refund")
        );
    }
}
