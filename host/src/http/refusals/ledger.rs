//! What the ledger refuses.

use crate::domain::ledger::Refusal;
use crate::http::error::Problem;
use crate::http::problems::{Code, Fault};

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let told = refusal.to_string();
        match refusal {
            Refusal::InsufficientBalance {
                account,
                needed,
                available,
            }
            | Refusal::PointsSpent {
                account,
                needed,
                available,
            } => Self::new(Code::BalanceShort)
                .with("account", account)
                .with("needed", needed)
                .with("available", available),
            Refusal::Frozen { account } => Self::new(Code::ValueFrozen).with("account", account),
            Refusal::Ceiling { most, would, .. } => Self::new(Code::WalletFull)
                .with("most", most)
                .with("would", would),
            Refusal::CouponUnknown { code } => Self::unknown(Code::CouponUnknown, &code),
            Refusal::CouponUsed { code, .. } => Self::new(Code::CouponUsed).with("id", code),
            Refusal::CouponVoid { code }
            | Refusal::CouponExpired { code }
            | Refusal::CouponBound { code }
            | Refusal::CouponHolder { code } => Self::new(Code::CouponRefused)
                .with("id", code)
                .with("reason", told),
            Refusal::CouponExists { code } => Self::new(Code::Duplicate)
                .with("thing", "coupon")
                .with("id", code),
            Refusal::CounterLimit { owner, name, .. } => {
                Self::new(Code::LimitReached).with("id", format!("{owner}/{name}"))
            }
            Refusal::OrderUnknown { order } => Self::unknown(Code::OrderUnknown, &order),
            Refusal::OrderChanged { .. } => Self::new(Code::VersionConflict),
            Refusal::OrderRefunded { .. } => Self::new(Code::OrderRefunded),
            Refusal::OverRefund {
                what,
                sold,
                refunded,
                ..
            } => Self::new(Code::OverRefund)
                .with("id", what)
                .with("available", sold.saturating_sub(refunded)),
            Refusal::AlreadyCommitted { quote, order } => Self::new(Code::QuoteCommitted)
                .with("id", quote)
                .extended("order", serde_json::Value::String(order)),
            Refusal::QuoteGivenUp { .. } => Self::new(Code::QuoteStale),
            Refusal::AlreadyRecorded {
                external_id, order, ..
            } => Self::new(Code::Duplicate)
                .with("thing", "recorded sale")
                .with("id", external_id)
                .extended("order", serde_json::Value::String(order)),
            Refusal::HoldOpen { .. } => Self::new(Code::HoldOpen),
            Refusal::HoldUnknown { hold } | Refusal::HoldResolved { hold, .. } => {
                Self::unknown(Code::HoldUnknown, &hold)
            }
            Refusal::AlreadyHeld { .. } => Self::new(Code::OrderRefused).with("reason", told),
            Refusal::Overflow => Self::new(Code::AmountTooLarge),
            Refusal::Text { field } => Self::field(format!("/{field}"), Fault::ControlCharacter),
            Refusal::KeyReused { .. } => Self::new(Code::IdempotencyKeyReused),
            Refusal::InProgress { .. } => Self::new(Code::OperationInProgress).retry_after(1),
            Refusal::Busy
            | Refusal::LeaseLost { .. }
            | Refusal::TurnTaken { .. }
            | Refusal::ShiftMoved { .. } => Self::new(Code::Busy).retry_after(1),
            Refusal::ShiftOpen { terminal, shift } => Self::new(Code::ShiftOpen)
                .with("terminal", terminal)
                .with("id", shift),
            Refusal::ShiftNeeded { terminal } => {
                Self::new(Code::ShiftNeeded).with("terminal", terminal)
            }
            Refusal::ShiftClosed { shift } => Self::new(Code::ShiftClosed).with("id", shift),
            Refusal::Storage { why } => {
                tracing::error!(why, "the ledger could not store a command");
                Self::new(Code::Unavailable).retry_after(1)
            }
            Refusal::LotUnknown { .. }
            | Refusal::LotFull { .. }
            | Refusal::ReceiptCodeTaken { .. }
            | Refusal::Invalid { .. } => Self::new(Code::LedgerRefused).with("reason", told),
            Refusal::Unbalanced { .. } => Self::internal(told),
        }
    }
}
