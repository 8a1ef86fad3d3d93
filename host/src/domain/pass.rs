//! Passes (次卡): a product that is sold once and used many times, such as ten car washes.
//!
//! What was paid for uses not yet made is no revenue: it stands in the ledger beside the uses and becomes revenue with
//! each of them, or when they expire. It is taxed when the pass is sold, so that a use is not taxed again.

use serde::{Deserialize, Serialize};
use tessera_money::{Overflow, Rounding, mul_div};

use super::time::Day;

/// Most uses one pass may have.
pub const MOST_USES: i64 = 10_000;
/// Most products and categories a pass may cover, and stores it may be used in.
pub const MOST_NAMED: usize = 200;

/// The asset of a pass that is sold as a product.
pub fn pass_asset(product: &str) -> String {
    format!("pass:{product}")
}

/// The product a pass of this asset is sold as.
pub fn pass_product(asset: &str) -> &str {
    asset.strip_prefix("pass:").unwrap_or(asset)
}

/// What a product gives its buyer to use later. How many uses and how long is settled when it is sold, the rest when
/// it is used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PassTerms {
    /// Uses of one piece, 1 to 10000.
    #[schema(example = 10)]
    pub uses: i64,
    /// Days it can be used, the day of the sale included; without end when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = 365)]
    pub days: Option<u16>,
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
    /// The price, by the share of uses that are left, rounded down.
    #[default]
    ByUse,
    /// The price less so many minor units for every use that was made, never below nothing.
    UsedAt(i64),
    /// The whole price, and only while nothing was used.
    Unused,
}

impl PassTerms {
    /// What is wrong with the terms, by field.
    pub fn fault(&self) -> Option<(&'static str, &'static str)> {
        if !(1..=MOST_USES).contains(&self.uses) {
            return Some(("uses", "give 1 to 10000 uses"));
        }
        if self.days == Some(0) {
            return Some(("days", "give one day at least, or leave it out"));
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

    /// What `pieces` of it are when they are sold on a day.
    pub fn sold(&self, pieces: i64, today: Day) -> Result<PassSold, Overflow> {
        let last = |days: u16| today.plus_days(i32::from(days) - 1);
        Ok(PassSold {
            uses: self.uses.checked_mul(pieces).ok_or(Overflow)?,
            expires_on: self.days.map(last),
            refund: self.refund,
            lot: None,
        })
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
}

impl PassUse {
    /// The name of the counter of a day's uses, which is the owner's.
    pub fn counter(&self, day: Day) -> String {
        format!("pass/{}/{}", self.pass, day.0)
    }
}

/// Uses a line gives its buyer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PassSold {
    pub uses: i64,
    /// Last business day they can be made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_on: Option<Day>,
    #[serde(default)]
    pub refund: PassRefund,
    /// The lot of the uses; set by the commit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lot: Option<String>,
}

impl PassSold {
    /// What is owed for `left` of its uses, where it cost `price`; nothing where it does not come back.
    pub fn owed(&self, price: i64, left: i64) -> Result<Option<i64>, Overflow> {
        if left <= 0 {
            return Ok(None);
        }
        let used = self.uses - left;
        Ok(match self.refund {
            PassRefund::ByUse => Some(mul_div(price, left, self.uses, Rounding::Down)?),
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
    fn the_day_of_the_sale_is_the_first_of_a_pass() {
        let sold = terms().sold(2, Day(100)).expect("small");
        assert_eq!((sold.uses, sold.expires_on), (20, Some(Day(464))));
    }

    #[test]
    fn what_is_owed_follows_the_rule_the_pass_was_sold_under() {
        let sold = |refund| PassSold {
            refund,
            ..terms().sold(1, Day(0)).expect("small")
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
        assert_eq!(fault(|terms| terms.uses = 0), Some("uses"));
        assert_eq!(fault(|terms| terms.days = Some(0)), Some("days"));
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
