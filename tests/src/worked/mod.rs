//! Worked cases: what a shopkeeper expects of a basket, written as tables and played through the real router.
//!
//! A file of `tests/worked` describes goods and programs once and then one case after the other; `config/recipes.md`
//! holds cases too. Amounts are decimal texts, `"12.50"`; nothing in them was computed by the code they test.

mod compare;
mod happen;
mod play;
mod recipe;
mod words;

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

pub use play::play;
pub use recipe::recipes;

/// Goods, stores, programs and the cases that rest on them.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Page {
    /// Checkout settings of every case, laid over those of the shop.
    pub settings: Option<Value>,
    pub goods: BTreeMap<String, Goods>,
    /// Further stores by id, each with its time zone.
    pub stores: BTreeMap<String, String>,
    /// Bindings by name, as `POST /v1/bindings` takes them.
    pub program: BTreeMap<String, Value>,
    pub case: Vec<Case>,
}

/// An article beside coffee (20.00), tea (12.00), cake (30.00), all at 13 % tax, and apples (10.00 a kilogram, 9 %).
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Goods {
    pub price: String,
    pub category: String,
    pub tax: Option<String>,
    pub unit: Option<String>,
    pub brand: Option<String>,
    pub member_price: Option<String>,
    pub floor: Option<String>,
    pub cost: Option<String>,
    #[serde(default)]
    pub tags: Vec<String>,
}

/// One row: a basket and everything that must come of it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// In words a shopkeeper uses.
    pub title: String,
    /// The arithmetic, by hand.
    pub because: String,
    /// Programs of the page that are bound for this case, in this order.
    #[serde(default)]
    pub programs: Vec<String>,
    /// Checkout settings of this case.
    pub settings: Option<Value>,
    /// Prices are net and tax comes on top.
    #[serde(default)]
    pub tax_on_top: bool,
    /// `east` (Shanghai) when left out.
    pub store: Option<String>,
    /// `2026-03-02 10:00` is Beijing time; another offset is written out: `2026-03-02T10:00+06:00`.
    pub at: Option<String>,
    pub member: Option<Member>,
    #[serde(default)]
    pub coupons: Vec<Coupon>,
    /// Sales before this one.
    #[serde(default)]
    pub earlier: Vec<Sale>,
    /// `2 coffee`, `0.345 apples`, `1 cake at 25.00`.
    #[serde(default)]
    pub basket: Vec<String>,
    /// What happens instead of a sale: `joins`, `joins on a recommendation`, `tops up 100.00`, `has his birthday`,
    /// `stays away 90 days`.
    pub when: Option<String>,
    #[serde(default)]
    pub codes: Vec<String>,
    /// `cash 100.00`, `card`, `stored-value 5.00`, `points 500`; cash when left out.
    #[serde(default)]
    pub pay: Vec<String>,
    pub gives: Option<Gives>,
    /// What the member has afterwards, before anything comes back: `points`, `bonus`, …, and the number of `coupons`.
    pub holds: Option<BTreeMap<String, String>>,
    /// What the member who brought him has.
    pub referrer_holds: Option<BTreeMap<String, String>>,
    /// The code of the problem, where the sale is refused.
    pub refused: Option<String>,
    /// What comes back, one part after the other.
    #[serde(default)]
    pub refund: Vec<Back>,
    /// The member's accounts after the sale and what came back.
    pub after: Option<BTreeMap<String, String>>,
    /// Unless the case says which parts come back, it is refunded in parts that must sum to it and leave the member as
    /// before; a program that keeps something says `false` here.
    pub restores: Option<bool>,
}

/// Who buys.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Member {
    pub points: i64,
    /// Points by the last day they can be spent.
    pub lots: BTreeMap<String, i64>,
    /// Own money on the card.
    pub stored: Option<String>,
    /// Money given on top.
    pub bonus: Option<String>,
    /// `1990-03-15`, or `03-15` without the year.
    pub birthday: Option<String>,
    pub segments: Vec<String>,
    /// Beijing time; the time of the first sale when left out.
    pub enrolled: Option<String>,
    /// Another member brought him.
    pub brought: bool,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Coupon {
    pub code: String,
    pub program: String,
    /// One when left out; 0 for any number.
    pub uses: Option<i64>,
    pub starts: Option<String>,
    pub until: Option<String>,
    /// Only this member may use it.
    #[serde(default)]
    pub personal: bool,
}

/// A sale before the one of the case.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Sale {
    pub at: Option<String>,
    pub basket: Vec<String>,
    pub codes: Vec<String>,
    pub pay: Vec<String>,
    /// `referrer` for whoever brought the member, `stranger` for a customer without a card.
    pub by: Option<String>,
    pub gives: Option<Gives>,
    /// It is given back in full at once.
    pub returned: bool,
}

/// What must come of a sale; what is left out is not looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Gives {
    /// Amount of each line after discounts.
    pub lines: Option<Vec<String>>,
    /// What each program took off.
    pub off: Option<BTreeMap<String, String>>,
    pub discount: Option<String>,
    pub total: Option<String>,
    pub tax: Option<String>,
    /// Tax of each class.
    pub taxes: Option<BTreeMap<String, String>>,
    pub line_taxes: Option<Vec<String>>,
    pub net: Option<String>,
    pub rounding: Option<String>,
    pub change: Option<String>,
    /// `points 5.00`, `cash 15.00`.
    pub tenders: Option<Vec<String>>,
    pub points: Option<i64>,
    pub points_spent: Option<i64>,
    /// Last day the points can be spent.
    pub expires: Option<String>,
    /// First day the points can be spent.
    pub available: Option<String>,
    /// The tier after the sale, `none` for none.
    pub tier: Option<String>,
    pub tier_until: Option<String>,
    /// What is missing for the next tier, in what it counts.
    pub tier_missing: Option<i64>,
    /// Points to `referrer` and `referee`.
    pub rewards: Option<BTreeMap<String, i64>>,
    /// What the customer is told he just missed, each at least in part.
    pub near: Option<Vec<String>>,
    /// Codes that were used up.
    pub used: Option<Vec<String>>,
    /// Codes that were not, each with the reason: `TEN-D used-up`.
    pub unused: Option<Vec<String>>,
    pub passed_over: Option<Vec<String>>,
    pub skipped: Option<Vec<String>>,
}

/// What comes back of a sale.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Back {
    /// `1 coffee`; all that is left when empty.
    pub goods: Vec<String>,
    pub total: Option<String>,
    pub tax: Option<String>,
    pub tenders: Option<Vec<String>>,
    /// Points taken back.
    pub points: Option<i64>,
    pub kept_back: Option<String>,
    pub rounding: Option<String>,
    /// The tier after the review of the refund.
    pub tier: Option<String>,
}

impl Page {
    /// Reads a file.
    ///
    /// # Errors
    /// Says which key is unknown or missing, or which case has no title, no arithmetic or no outcome.
    pub fn read(text: &str) -> Result<Self, String> {
        let page: Self = toml::from_str(text).map_err(|error| error.to_string())?;
        page.checked()
    }

    fn checked(self) -> Result<Self, String> {
        if self.case.is_empty() {
            return Err("it holds no case".to_owned());
        }
        for (at, case) in self.case.iter().enumerate() {
            let says_nothing = case.title.trim().is_empty() || case.because.trim().is_empty();
            if says_nothing || case.basket.is_empty() != case.when.is_some() {
                return Err(format!(
                    "case {at} `{}` needs a title, its arithmetic and a basket, or when it is",
                    case.title
                ));
            }
            let outcome = match &case.gives {
                Some(gives) => *gives != Gives::default(),
                None => case.refused.is_some() || case.holds.is_some(),
            };
            if !outcome {
                return Err(format!(
                    "`{}` says neither what it gives nor why it is refused",
                    case.title
                ));
            }
            let again = self.case[..at]
                .iter()
                .any(|other| other.title == case.title);
            if again {
                return Err(format!("`{}` is there twice", case.title));
            }
            if let Some(unknown) = case
                .programs
                .iter()
                .find(|name| !self.program.contains_key(*name))
            {
                return Err(format!(
                    "`{}` names the program `{unknown}`, which the page does not describe",
                    case.title
                ));
            }
        }
        let unused = |name: &&String| !self.case.iter().any(|case| case.programs.contains(*name));
        if let Some(name) = self.program.keys().find(unused) {
            return Err(format!("no case uses the program `{name}`"));
        }
        Ok(self)
    }
}
