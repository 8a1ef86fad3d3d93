//! Everything that has a limit, as far as it is loaded.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::{Deserialize, Serialize};

use super::account::AccountKey;
use super::command::{HoldOutcome, Subject};
use super::entry::{LotChange, Receipt};
use super::refusal::Refusal;
use super::shift::{Shift, ShiftMovement};
use crate::domain::period::Period;
use crate::domain::time::{Day, Instant};

/// (owner, name)
pub type CounterKey = (String, String);

/// The counter a lease is: its value is the number of whoever holds it, its version moves with every sign of life.
pub fn lease(name: &str) -> CounterKey {
    ("lease".to_owned(), name.to_owned())
}

/// The counter that stands above zero while nobody may spend from an account: points, or whatever was paid for, stored
/// value and passes alike.
pub fn frozen(account: &AccountKey) -> CounterKey {
    let what = if account.name.is_points() {
        "frozen/points"
    } else {
        "frozen/stored-value"
    };
    (account.member.clone(), what.to_owned())
}

/// A balance. `base` is the version in the database, before this batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    pub asset: String,
    pub balance: i64,
    pub version: i64,
    pub base: i64,
}

/// A batch of points or bonus with its own expiry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lot {
    pub id: String,
    pub member: String,
    /// Id of the account it is part of.
    pub account: String,
    pub original: i64,
    pub remaining: i64,
    pub expires_on: Option<Day>,
    pub available_on: Option<Day>,
    pub source: String,
    /// First day of the period it is for, which its last day ends; none of what is not for a period.
    pub first_day: Option<Day>,
}

impl Lot {
    /// The days it is for; none of what is not for a period.
    pub fn period(&self) -> Option<Period> {
        let (first, last) = (self.first_day?, self.expires_on?);
        Some(Period { first, last })
    }

    pub fn has_expired(&self, today: Day) -> bool {
        self.expires_on.is_some_and(|last| last < today)
    }

    /// Whether it can be used on a day: its period has begun, and its last day is not over.
    pub fn is_good_on(&self, day: Day) -> bool {
        !self.has_expired(day) && self.first_day.is_none_or(|first| first <= day)
    }

    /// Nearest expiry first, then the oldest.
    pub(super) fn order(&self) -> (Day, String) {
        (self.expires_on.unwrap_or(Day(i32::MAX)), self.id.clone())
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Counter {
    pub value: i64,
    pub version: i64,
    pub base: i64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coupon {
    pub code: String,
    pub campaign: String,
    pub holder: Option<String>,
    pub uses: i64,
    pub use_limit: Option<i64>,
    pub void: bool,
    /// Whether its holder may give it to another member.
    pub transferable: bool,
    pub starts_on: Option<Day>,
    pub expires_on: Option<Day>,
    pub version: i64,
    pub base: i64,
}

/// Thousandths of a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundableLine {
    pub sold: i64,
    pub refunded: i64,
}

/// Minor units of a tender.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundableTender {
    pub key: String,
    pub paid: i64,
    pub refunded: i64,
}

/// What of an order can still be refunded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refundable {
    /// Number of changes so far: refunds, claims, and whatever occasions gave because of the order.
    pub sequence: i64,
    /// Sequence in the database; −1 if the order is new.
    pub base: i64,
    pub lines: Vec<RefundableLine>,
    pub tenders: Vec<RefundableTender>,
}

impl Refundable {
    /// Whether nothing is left of the order: what is given because of it now could not go back with it any more.
    pub fn is_back_whole(&self) -> bool {
        self.lines.iter().all(|line| line.refunded == line.sold)
    }
}

/// What a hold reserved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Held {
    Account {
        account: AccountKey,
        amount: i64,
        lots: Vec<LotChange>,
    },
    Counter {
        owner: String,
        name: String,
        change: i64,
    },
    Coupon {
        code: String,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HoldState {
    Pending,
    Ended(HoldOutcome),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    pub id: String,
    pub quote: String,
    pub member: Option<String>,
    pub held_on: Day,
    pub expires_at: Instant,
    pub state: HoldState,
    pub reserves: Vec<Held>,
    /// What the quote's commit needs; empty once the hold has ended, and where it was not read.
    pub sale: Vec<u8>,
    pub version: i64,
    pub base: i64,
}

/// A key that belongs to one order only.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OrderKey {
    Quote(String),
    External { store: String, id: String },
    Receipt(String),
}

/// How an operation ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    Done(Receipt),
    Refused(Refusal),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    pub hash: [u8; 32],
    pub subject: Subject,
    pub at: Instant,
    pub outcome: Outcome,
}

/// Ids of rows changed since the state was loaded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Touched {
    pub accounts: BTreeSet<String>,
    pub lots: BTreeSet<String>,
    pub counters: BTreeSet<CounterKey>,
    pub coupons: BTreeSet<String>,
    pub refundables: BTreeSet<String>,
    pub holds: BTreeSet<String>,
    pub shifts: BTreeSet<String>,
    pub operations: BTreeSet<String>,
}

/// The loaded part of the ledger. What is absent counts as never written.
#[derive(Debug, Clone, Default)]
pub struct State {
    pub accounts: HashMap<String, Account>,
    lots: HashMap<String, Lot>,
    /// Lots by account id.
    lots_of: HashMap<String, BTreeSet<String>>,
    pub counters: HashMap<CounterKey, Counter>,
    pub coupons: HashMap<String, Coupon>,
    pub refundables: HashMap<String, Refundable>,
    pub holds: HashMap<String, Hold>,
    /// Quote → hold.
    pub held_quotes: HashMap<String, String>,
    /// Order key → order id.
    pub order_keys: BTreeMap<OrderKey, String>,
    pub operations: HashMap<String, Recorded>,
    /// Open shifts, and those closed since.
    pub shifts: BTreeMap<String, Shift>,
    /// What happened at terminals since the state was loaded.
    pub shift_movements: Vec<ShiftMovement>,
    pub touched: Touched,
}

impl State {
    /// Adds or replaces a lot.
    pub fn put_lot(&mut self, lot: Lot) {
        if let Some(before) = self.lots.get(&lot.id)
            && before.account != lot.account
            && let Some(ids) = self.lots_of.get_mut(&before.account)
        {
            ids.remove(&lot.id);
        }
        self.lots_of
            .entry(lot.account.clone())
            .or_default()
            .insert(lot.id.clone());
        self.lots.insert(lot.id.clone(), lot);
    }

    pub fn lot(&self, id: &str) -> Option<&Lot> {
        self.lots.get(id)
    }

    pub fn lots(&self) -> impl Iterator<Item = &Lot> {
        self.lots.values()
    }

    pub(super) fn lots_of(&self, account: &str) -> impl Iterator<Item = &Lot> {
        self.lots_of
            .get(account)
            .into_iter()
            .flatten()
            .filter_map(|id| self.lots.get(id))
    }

    pub fn put_hold(&mut self, hold: Hold) {
        self.held_quotes.insert(hold.quote.clone(), hold.id.clone());
        self.holds.insert(hold.id.clone(), hold);
    }
}
