//! Why a command was refused.

use serde::{Deserialize, Serialize};

use super::command::HoldOutcome;

/// A typed refusal that says what was short or in the way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "refusal", rename_all = "kebab-case")]
pub enum Refusal {
    #[error("account `{account}` has {available}, but {needed} are needed")]
    InsufficientBalance {
        account: String,
        needed: i64,
        available: i64,
    },
    #[error("what is on account `{account}` is frozen")]
    Frozen { account: String },
    #[error("account `{account}` would hold {would}, but {most} at the most")]
    Ceiling {
        account: String,
        most: i64,
        would: i64,
    },
    #[error("account `{account}` has {available} of the {needed} to take back; work it out again")]
    PointsSpent {
        account: String,
        needed: i64,
        available: i64,
    },
    #[error("lot `{lot}` is not there or belongs to another account")]
    LotUnknown { lot: String },
    #[error("lot `{lot}` can take back {room} at most, not {asked}")]
    LotFull { lot: String, room: i64, asked: i64 },
    #[error("coupon `{code}` is unknown")]
    CouponUnknown { code: String },
    #[error("coupon `{code}` has been voided")]
    CouponVoid { code: String },
    #[error("coupon `{code}` cannot be used on this day")]
    CouponExpired { code: String },
    #[error("coupon `{code}` belongs to another member")]
    CouponHolder { code: String },
    #[error("coupon `{code}` has been used {uses} of {limit} times")]
    CouponUsed { code: String, uses: i64, limit: i64 },
    #[error("coupon `{code}` is for its holder alone")]
    CouponBound { code: String },
    #[error("coupon `{code}` exists already")]
    CouponExists { code: String },
    #[error("counter `{name}` of `{owner}` stands at {value} and cannot move by {change}")]
    CounterLimit {
        owner: String,
        name: String,
        value: i64,
        change: i64,
        /// The limit or floor in the way.
        limit: i64,
    },
    #[error("order `{order}` is unknown")]
    OrderUnknown { order: String },
    #[error("order `{order}` was refunded or claimed meanwhile; read it again")]
    OrderChanged {
        order: String,
        expected: i64,
        found: i64,
    },
    #[error("nothing is left of order `{order}`")]
    OrderRefunded { order: String },
    #[error(
        "{what} of order `{order}`: {refunded} of {sold} are refunded, {asked} more were asked"
    )]
    OverRefund {
        order: String,
        /// `line 3` or `tender cash`.
        what: String,
        sold: i64,
        refunded: i64,
        asked: i64,
    },
    #[error("quote `{quote}` was committed as order `{order}`")]
    AlreadyCommitted { quote: String, order: String },
    #[error("quote `{quote}` no longer holds; make a new one")]
    QuoteGivenUp { quote: String },
    #[error("sale `{external_id}` of store `{store}` is recorded as order `{order}`")]
    AlreadyRecorded {
        store: String,
        external_id: String,
        order: String,
    },
    #[error("receipt code `{code}` is taken; make another")]
    ReceiptCodeTaken { code: String },
    #[error("quote `{quote}` is reserved by hold `{hold}`")]
    AlreadyHeld { quote: String, hold: String },
    #[error("a hold keeps {amount} in account `{account}`; wait until it ends")]
    HoldOpen { account: String, amount: i64 },
    #[error("hold `{hold}` is unknown")]
    HoldUnknown { hold: String },
    #[error("hold `{hold}` has ended")]
    HoldResolved { hold: String, outcome: HoldOutcome },
    #[error("another host has taken over the lease `{lease}`")]
    LeaseLost { lease: String },
    #[error("another command moved `{name}` of `{owner}` on meanwhile; read again what it counts")]
    TurnTaken { owner: String, name: String },
    #[error("terminal `{terminal}` has the shift `{shift}` open; close it first")]
    ShiftOpen { terminal: String, shift: String },
    #[error("terminal `{terminal}` has no shift open; open one first")]
    ShiftNeeded { terminal: String },
    #[error("shift `{shift}` is closed")]
    ShiftClosed { shift: String },
    #[error("something moved in shift `{shift}` since it was counted; read it again")]
    ShiftMoved { shift: String },
    #[error("the legs in `{asset}` sum to {sum}, not zero")]
    Unbalanced { asset: String, sum: i64 },
    #[error("an amount left the range of 64 bits")]
    Overflow,
    #[error("the command makes no sense: {why}")]
    Invalid { why: String },
    #[error("`{field}` contains the character U+0000; remove it")]
    Text { field: String },
    #[error("operation key `{key}` was used with another request")]
    KeyReused { key: String },
    #[error("operation `{key}` is still running; ask again shortly")]
    InProgress { key: String },
    #[error("the host is busy; try again shortly")]
    Busy,
    #[error("the database refused or could not be reached: {why}")]
    Storage { why: String },
}

impl Refusal {
    /// True if the same operation key stays refused: a business answer, not a passing state of the host or
    /// a slip of the caller.
    pub fn is_final(&self) -> bool {
        match self {
            Self::InsufficientBalance { .. }
            | Self::Frozen { .. }
            | Self::Ceiling { .. }
            | Self::LotUnknown { .. }
            | Self::LotFull { .. }
            | Self::CouponUnknown { .. }
            | Self::CouponVoid { .. }
            | Self::CouponExpired { .. }
            | Self::CouponHolder { .. }
            | Self::CouponUsed { .. }
            | Self::CouponBound { .. }
            | Self::CouponExists { .. }
            | Self::CounterLimit { .. }
            | Self::OverRefund { .. }
            | Self::OrderRefunded { .. }
            | Self::AlreadyCommitted { .. }
            | Self::QuoteGivenUp { .. }
            | Self::AlreadyRecorded { .. }
            | Self::HoldResolved { .. }
            | Self::ShiftClosed { .. } => true,
            Self::PointsSpent { .. }
            | Self::OrderUnknown { .. }
            | Self::HoldUnknown { .. }
            | Self::HoldOpen { .. }
            | Self::OrderChanged { .. }
            | Self::ReceiptCodeTaken { .. }
            | Self::AlreadyHeld { .. }
            | Self::LeaseLost { .. }
            | Self::TurnTaken { .. }
            | Self::ShiftOpen { .. }
            | Self::ShiftNeeded { .. }
            | Self::ShiftMoved { .. }
            | Self::Unbalanced { .. }
            | Self::Overflow
            | Self::Invalid { .. }
            | Self::Text { .. }
            | Self::KeyReused { .. }
            | Self::InProgress { .. }
            | Self::Busy
            | Self::Storage { .. } => false,
        }
    }

    /// True if the same request may succeed later without any change.
    pub fn is_retryable(&self) -> bool {
        matches!(
            self,
            Self::InProgress { .. } | Self::Busy | Self::Storage { .. }
        )
    }
}
