//! Passes (次卡): a product that is sold once and used many times, such as ten car washes.
//!
//! What was paid for uses not yet made is no revenue: it stands in the ledger beside the uses and becomes revenue with
//! each of them, or when they expire. It is taxed when the pass is sold, so that a use is not taxed again.
//!
//! A pass without a number of uses is used as often as its owner likes for a period (不限次); what was paid for it becomes
//! revenue by the day. Bought again before it ends, the next period begins where the last one ends.

use serde::{Deserialize, Serialize};
use tessera_money::{Overflow, Rounding, mul_div};

use super::membership::UpgradeCredit;
use super::period::Period;
use super::time::Day;

/// Most months a period may have.
pub const MOST_MONTHS: u16 = 120;
/// Most uses one pass may have.
pub const MOST_USES: i64 = 10_000;
/// Most products and categories a pass may cover, and stores it may be used in.
pub const MOST_NAMED: usize = 200;

/// The asset of a pass that is sold as a product.
pub fn pass_asset(product: &str) -> String {
    format!("pass:{product}")
}

/// The asset of a membership that is sold as a product.
pub fn membership_asset(product: &str) -> String {
    format!("{MEMBERSHIP}{product}")
}

/// What assets of memberships begin with.
pub const MEMBERSHIP: &str = "membership:";

/// What a product gives its buyer to use later. How many uses and how long is settled when it is sold, the rest when
/// it is used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PassTerms {
    /// Uses of one piece, 1 to 10000. As many as he likes when absent; it then needs `days` or `months`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = 10)]
    pub uses: Option<i64>,
    /// Days it can be used, the day of the sale included; without end when this and `months` are absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = 365)]
    pub days: Option<u16>,
    /// Calendar months instead, 1 to 120: through the day before the same day of the month, or the month's last day where
    /// it has no such day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub months: Option<u16>,
    /// Ids of the products it pays for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub products: Vec<String>,
    /// Categories it pays for, with those below them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub categories: Vec<String>,
    /// Stores it can be used in; everywhere when empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stores: Vec<String>,
    /// Most uses on one business day, over all his passes of the kind; no limit when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub most_per_day: Option<i64>,
    /// Whether others may use it where its owner is named.
    #[serde(default)]
    pub shareable: bool,
    /// What comes back for the uses that are left.
    #[serde(default)]
    pub refund: PassRefund,
}

/// What comes back of a pass that is returned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PassRefund {
    /// The price, by the share of uses that are left, rounded down; of a period by the share of its days.
    #[default]
    ByUse,
    /// The price less so many minor units for every use that was made, or day that was used, never below nothing.
    UsedAt(i64),
    /// The whole price, and only while nothing was used.
    Unused,
}

impl PassTerms {
    /// What is wrong with the terms, by field.
    pub fn fault(&self) -> Option<(&'static str, &'static str)> {
        match self.uses {
            Some(uses) if !(1..=MOST_USES).contains(&uses) => {
                return Some(("uses", "give 1 to 10000 uses"));
            }
            None if self.days.is_none() && self.months.is_none() => {
                return Some(("uses", "give a number of uses, or days or months"));
            }
            _ => {}
        }
        if let Some(fault) = length_fault(self.days, self.months) {
            return Some(fault);
        }
        if self.products.is_empty() && self.categories.is_empty() {
            return Some(("products", "name products or categories it pays for"));
        }
        for (field, named) in [
            ("products", &self.products),
            ("categories", &self.categories),
            ("stores", &self.stores),
        ] {
            if named.len() > MOST_NAMED
                || named.iter().any(|name| name.is_empty() || name.len() > 200)
            {
                return Some((field, "name at most 200, each of 1 to 200 characters"));
            }
        }
        if self.most_per_day.is_some_and(|most| most < 1) {
            return Some(("most_per_day", "give one use at least, or leave it out"));
        }
        match self.refund {
            PassRefund::UsedAt(price) if price < 0 => Some(("refund", "give a price from 0")),
            _ => None,
        }
    }

    /// Whether it pays for a product of a category.
    pub fn covers(&self, product: &str, category: &str) -> bool {
        let is_below = |root: &String| {
            let rest = category.strip_prefix(root.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        self.products.iter().any(|named| named == product) || self.categories.iter().any(is_below)
    }

    pub fn is_used_in(&self, store: &str) -> bool {
        self.stores.is_empty() || self.stores.iter().any(|named| named == store)
    }

    /// Whether it is used as often as its owner likes.
    pub fn is_unlimited(&self) -> bool {
        self.uses.is_none()
    }

    /// What `pieces` of it are when they are sold, through a last day where it has one.
    ///
    /// # Errors
    /// When the uses are beyond all reason.
    pub fn sold(&self, pieces: i64, expires_on: Option<Day>) -> Result<PassSold, Overflow> {
        let uses = self
            .uses
            .map_or(Ok(1), |uses| uses.checked_mul(pieces).ok_or(Overflow))?;
        Ok(PassSold {
            uses,
            expires_on,
            refund: self.refund,
            lot: None,
            first_day: None,
            turn: 0,
            membership: false,
            credit: None,
        })
    }
}

/// What is wrong with how long something is good for.
pub(super) fn length_fault(
    days: Option<u16>,
    months: Option<u16>,
) -> Option<(&'static str, &'static str)> {
    match (days, months) {
        (Some(_), Some(_)) => Some(("months", "give days or months, not both")),
        (Some(0), None) => Some(("days", "give one day at least, or leave it out")),
        (None, Some(months)) if !(1..=MOST_MONTHS).contains(&months) => {
            Some(("months", "give 1 to 120 months, or leave it out"))
        }
        _ => None,
    }
}

/// Uses of a pass that pay for a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PassUse {
    /// The product that was sold as the pass.
    pub pass: String,
    /// Whose pass it is.
    pub member: String,
    pub uses: i64,
    /// Most uses of his on one business day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub most_per_day: Option<i64>,
    /// Whether it is good for any number of uses.
    #[serde(default, skip_serializing_if = "is_false")]
    pub unlimited: bool,
}

impl PassUse {
    /// The name of the counter of a day's uses, which is the owner's.
    pub fn counter(&self, day: Day) -> String {
        uses_on(&self.pass, day)
    }

    /// Whether a day's uses are counted: where they have a limit, and where a day that was used does not come back.
    pub fn is_counted(&self) -> bool {
        self.unlimited || self.most_per_day.is_some()
    }
}

/// The name of the counter of a day's uses of a member's passes of one kind.
pub fn uses_on(product: &str, day: Day) -> String {
    format!("pass/{product}/{}", day.0)
}

fn is_false(flag: &bool) -> bool {
    !flag
}

fn is_zero(number: &i64) -> bool {
    *number == 0
}

/// Counts the sales and refunds of a member's periods: whoever says where the next one begins has read the last.
pub const PERIODS: &str = "periods";
/// Stands at one while a hold keeps a member's next period.
pub const PERIODS_HELD: &str = "periods-held";

/// Uses a line gives its buyer, or a period.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PassSold {
    /// One for a period.
    pub uses: i64,
    /// Last business day they can be made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_on: Option<Day>,
    #[serde(default)]
    pub refund: PassRefund,
    /// The lot of the uses; set by the commit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lot: Option<String>,
    /// First day of a period, which its last day ends; none of a number of uses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_day: Option<Day>,
    /// Where [`PERIODS`] of the buyer stood when the first day was found.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub turn: i64,
    /// Whether it is a membership.
    #[serde(default, skip_serializing_if = "is_false")]
    pub membership: bool,
    /// What running memberships paid of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credit: Option<UpgradeCredit>,
}

impl PassSold {
    /// The days it is for; none of a number of uses.
    pub fn period(&self) -> Option<Period> {
        let (first, last) = (self.first_day?, self.expires_on?);
        Some(Period { first, last })
    }

    /// The asset of what it gives its buyer, sold as a product.
    pub fn asset(&self, product: &str) -> String {
        match self.membership {
            true => membership_asset(product),
            false => pass_asset(product),
        }
    }

    /// What comes back for `left` of its uses or days, where `paid` was paid for it beside what was taken in payment; nothing
    /// where it does not come back.
    ///
    /// # Errors
    /// When the amounts are beyond all reason.
    pub fn back(&self, paid: i64, left: i64) -> Result<Option<i64>, Overflow> {
        let credit = self.credit.as_ref().map_or(0, |credit| credit.gross);
        let price = paid.checked_add(credit).ok_or(Overflow)?;
        Ok(self.owed(price, left)?.map(|owed| owed.min(paid)))
    }

    /// Whether nothing of it was used.
    pub fn is_unused(&self, left: i64) -> bool {
        left == self.period().map_or(self.uses, Period::days)
    }

    /// What is owed for `left` of its uses or days, where it cost `price`; nothing where it does not come back.
    fn owed(&self, price: i64, left: i64) -> Result<Option<i64>, Overflow> {
        if left <= 0 {
            return Ok(None);
        }
        let whole = self.period().map_or(self.uses, Period::days);
        let used = whole - left;
        Ok(match self.refund {
            PassRefund::ByUse => Some(mul_div(price, left, whole, Rounding::Down)?),
            PassRefund::UsedAt(each) => {
                let kept = used.checked_mul(each).ok_or(Overflow)?;
                Some(price.saturating_sub(kept).max(0))
            }
            PassRefund::Unused => (used == 0).then_some(price),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms() -> PassTerms {
        serde_json::from_str(r#"{ "uses": 10, "days": 365, "categories": ["services/wash"] }"#)
            .expect("terms")
    }

    #[test]
    fn a_pass_covers_its_products_and_whole_categories() {
        let mut terms = terms();
        assert!(terms.covers("any", "services/wash"));
        assert!(terms.covers("any", "services/wash/inside"));
        assert!(!terms.covers("any", "services/washing"));
        assert!(!terms.covers("any", "services"));
        terms.products.push("towel".to_owned());
        assert!(terms.covers("towel", ""));
    }

    #[test]
    fn pieces_of_a_pass_add_up_their_uses() {
        let sold = terms().sold(2, Some(Day(464))).expect("small");
        assert_eq!((sold.uses, sold.expires_on), (20, Some(Day(464))));
    }

    #[test]
    fn a_period_is_owed_for_by_its_days() {
        let sold = |refund| PassSold {
            refund,
            first_day: Some(Day(100)),
            ..terms().sold(1, Some(Day(129))).expect("small")
        };
        let owed = |refund, left| sold(refund).owed(30_001, left).expect("small");
        assert_eq!(owed(PassRefund::ByUse, 30), Some(30_001));
        assert_eq!(owed(PassRefund::ByUse, 10), Some(10_000));
        assert_eq!(owed(PassRefund::UsedAt(2_000), 20), Some(10_001));
        assert_eq!(owed(PassRefund::Unused, 29), None);
        let upgraded = PassSold {
            credit: Some(UpgradeCredit {
                gross: 9_999,
                ..UpgradeCredit::default()
            }),
            ..sold(PassRefund::ByUse)
        };
        // No more than was paid with this order, whatever it was worth.
        assert_eq!(upgraded.back(20_001, 30), Ok(Some(20_001)));
        assert_eq!(upgraded.back(20_001, 15), Ok(Some(15_000)));
    }

    #[test]
    fn what_is_owed_follows_the_rule_the_pass_was_sold_under() {
        let sold = |refund| PassSold {
            refund,
            ..terms().sold(1, None).expect("small")
        };
        let owed = |refund, left| sold(refund).owed(19_999, left).expect("small");
        assert_eq!(owed(PassRefund::ByUse, 10), Some(19_999));
        assert_eq!(owed(PassRefund::ByUse, 7), Some(13_999));
        assert_eq!(owed(PassRefund::ByUse, 0), None);
        assert_eq!(owed(PassRefund::UsedAt(3_000), 7), Some(10_999));
        assert_eq!(owed(PassRefund::UsedAt(3_000), 1), Some(0));
        assert_eq!(owed(PassRefund::Unused, 10), Some(19_999));
        assert_eq!(owed(PassRefund::Unused, 9), None);
    }

    #[test]
    fn terms_that_make_no_sense_are_told_by_field() {
        let fault = |change: fn(&mut PassTerms)| {
            let mut terms = terms();
            change(&mut terms);
            terms.fault().map(|(field, _)| field)
        };
        assert_eq!(fault(|_| {}), None);
        assert_eq!(fault(|terms| terms.uses = Some(0)), Some("uses"));
        assert_eq!(fault(|terms| terms.days = Some(0)), Some("days"));
        assert_eq!(fault(|terms| terms.months = Some(1)), Some("months"));
        assert_eq!(fault(|terms| terms.uses = None), None);
        let endless = |terms: &mut PassTerms| (terms.uses, terms.days) = (None, None);
        assert_eq!(fault(endless), Some("uses"));
        let months = |terms: &mut PassTerms| (terms.days, terms.months) = (None, Some(121));
        assert_eq!(fault(months), Some("months"));
        assert_eq!(fault(|terms| terms.categories.clear()), Some("products"));
        assert_eq!(
            fault(|terms| terms.stores = vec![String::new()]),
            Some("stores")
        );
        assert_eq!(
            fault(|terms| terms.most_per_day = Some(0)),
            Some("most_per_day")
        );
        assert_eq!(
            fault(|terms| terms.refund = PassRefund::UsedAt(-1)),
            Some("refund")
        );
    }
}
