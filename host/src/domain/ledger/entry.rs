//! Balanced journal records and what a command answers.

use serde::{Deserialize, Serialize};

use super::command::Subject;
use crate::domain::time::{Day, Instant};

/// A lot and what changed in it.
pub type LotChange = (String, i64);

/// One leg of an entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Posting {
    pub account: String,
    pub asset: String,
    pub amount: i64,
    pub balance_after: i64,
    /// 1 for the first posting of an account, then dense.
    pub version: i64,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lots: Vec<LotChange>,
}

/// One balanced record; postings are sorted by account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub id: String,
    pub kind: String,
    pub subject: Subject,
    pub at: Instant,
    pub business_date: Day,
    pub postings: Vec<Posting>,
}

impl Entry {
    /// The bytes a seal covers. The layout never changes: every text with its length in front, numbers
    /// big-endian.
    pub fn canonical(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(128 + self.postings.len() * 128);
        bytes.push(1);
        for text in [&self.id, &self.kind, &self.subject.kind, &self.subject.id] {
            put_text(&mut bytes, text);
        }
        put_number(&mut bytes, self.at.0);
        put_number(&mut bytes, i64::from(self.business_date.0));
        put_count(&mut bytes, self.postings.len());
        for posting in &self.postings {
            put_text(&mut bytes, &posting.account);
            put_text(&mut bytes, &posting.asset);
            put_number(&mut bytes, posting.amount);
            put_number(&mut bytes, posting.balance_after);
            put_number(&mut bytes, posting.version);
            put_count(&mut bytes, posting.lots.len());
            for (lot, change) in &posting.lots {
                put_text(&mut bytes, lot);
                put_number(&mut bytes, *change);
            }
        }
        bytes
    }
}

fn put_text(bytes: &mut Vec<u8>, text: &str) {
    put_count(bytes, text.len());
    bytes.extend_from_slice(text.as_bytes());
}

fn put_number(bytes: &mut Vec<u8>, number: i64) {
    bytes.extend_from_slice(&number.to_be_bytes());
}

fn put_count(bytes: &mut Vec<u8>, count: usize) {
    bytes.extend_from_slice(&(count as u64).to_be_bytes());
}

/// Something the caller and the event log should know although the command was accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "notice", rename_all = "kebab-case")]
pub enum Notice {
    /// A recorded sale spent more than was there; the rest is a claim of the store.
    Claimed {
        account: String,
        needed: i64,
        taken: i64,
        store: String,
    },
    CounterOverrun {
        owner: String,
        name: String,
        value: i64,
        limit: i64,
    },
    /// A coupon was accepted against its limit, day, holder or although unknown.
    CouponOverrun { code: String, why: String },
    /// An amount returned to an expired lot and expired again.
    ExpiredOnReturn { lot: String, amount: i64 },
    DebtMade {
        member: String,
        asset: String,
        amount: i64,
    },
    DebtRepaid {
        member: String,
        asset: String,
        amount: i64,
    },
    /// A sale that happened already at a terminal is in none of its shifts.
    OutsideShift { terminal: String },
}

/// The answer to an accepted command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// True if the operation key had been accepted before and nothing happened now.
    pub replayed: bool,
    pub subject: Subject,
    /// None if no balance moved.
    pub entry_id: Option<String>,
    pub postings: Vec<Posting>,
    /// Empty in a replay.
    #[serde(default)]
    pub notices: Vec<Notice>,
}
