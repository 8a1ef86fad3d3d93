//! The ledger as a pure, deterministic state machine: everything that has a limit, and the commands that
//! change it.
//!
//! The writer loads the part of [`State`] a batch of commands touches, calls [`apply`] for each, and persists
//! what changed. A refused command changes nothing (except that a final refusal is remembered under its
//! operation key). Steps say one side of a movement and [`Step::System`] the other; an entry whose legs do
//! not sum to zero per asset is refused. Movements inside a member's own accounts, expiry and the repayment
//! of debts bring both of their legs themselves.

mod account;
mod apply;
mod command;
mod coupon;
mod draft;
mod entry;
mod hold;
mod lot;
mod merge;
mod pass;
mod record;
mod refundable;
mod refusal;
mod shift;
mod state;
#[cfg(test)]
mod tests;
mod texts;
mod touches;

pub use account::{AccountKey, AccountName, DEFAULT_PROGRAM, SYSTEM, points_asset, system_account};
pub use apply::{Applied, Context, apply};
pub use command::{
    CLEARING, Clearing, Command, ExpiredReturn, HoldOutcome, NewCoupon, NewLot, OnShort, Operation,
    Reserve, Step, Subject, TakeBackShort,
};
pub use entry::{Entry, LotChange, Notice, Posting, Receipt};
pub use merge::{MERGED, renamed};
pub use pass::value_lot;
pub use record::{
    CardActivationRow, CardRow, ClaimRow, EvaluationRow, EventRow, ExchangeRow, MemberDayRow,
    MemberStateRow, MemberTierRow, MergeRow, OccasionRow, OrderRow, PlannedTopUpRow, PrizeDrawRow,
    PrizeOutcomeRow, Record, RefundRow, SettlementRow,
};
pub use refusal::Refusal;
pub use shift::{CASH_OUT, Shift, ShiftMovement, ShiftNeed, ShiftStep};
pub use state::{
    Account, Counter, CounterKey, Coupon, Held, Hold, HoldState, Lot, OrderKey, Outcome, Recorded,
    Refundable, RefundableLine, RefundableTender, State, Touched, frozen, lease,
};
pub use touches::Touches;
