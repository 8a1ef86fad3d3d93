//! What the use cases and the ledger refuse, in the words of the catalogue.

use super::error::Problem;
use super::problems::{Code, Fault};
use crate::couponing::CouponingError;
use crate::domain::ledger::Refusal;
use crate::enrolment::EnrolmentError;
use crate::pairing::PairingError;
use crate::vault::VaultError;

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
            Refusal::CouponUnknown { code } => Self::unknown(Code::CouponUnknown, &code),
            Refusal::CouponUsed { code, .. } => Self::new(Code::CouponUsed).with("id", code),
            Refusal::CouponVoid { code }
            | Refusal::CouponExpired { code }
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
            Refusal::AlreadyRecorded {
                external_id, order, ..
            } => Self::new(Code::Duplicate)
                .with("thing", "recorded sale")
                .with("id", external_id)
                .extended("order", serde_json::Value::String(order)),
            Refusal::HoldUnknown { hold } | Refusal::HoldResolved { hold, .. } => {
                Self::unknown(Code::HoldUnknown, &hold)
            }
            Refusal::AlreadyHeld { .. } => Self::new(Code::OrderRefused).with("reason", told),
            Refusal::Overflow => Self::new(Code::AmountTooLarge),
            Refusal::Text { field } => Self::field(format!("/{field}"), Fault::ControlCharacter),
            Refusal::KeyReused { .. } => Self::new(Code::IdempotencyKeyReused),
            Refusal::InProgress { .. } => Self::new(Code::OperationInProgress).retry_after(1),
            Refusal::Busy => Self::new(Code::Busy).retry_after(1),
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

impl From<VaultError> for Problem {
    fn from(error: VaultError) -> Self {
        Self::internal(error)
    }
}

impl From<EnrolmentError> for Problem {
    fn from(error: EnrolmentError) -> Self {
        let told = error.to_string();
        match error {
            EnrolmentError::StoreUnknown(id) => {
                Self::unknown(Code::StoreUnknown, &id).at("/home_store")
            }
            EnrolmentError::ReferralCodeUnknown(_)
            | EnrolmentError::ReferrerInactive
            | EnrolmentError::SelfReferral => Self::new(Code::ReferrerRefused)
                .with("reason", told)
                .at("/referral_code"),
            EnrolmentError::PhoneTaken => Self::new(Code::PhoneTaken),
            EnrolmentError::CardTaken => Self::new(Code::Duplicate)
                .with("thing", "card")
                .with("id", "/card"),
            EnrolmentError::IdTaken => Self::new(Code::Duplicate)
                .with("thing", "member")
                .with("id", "/id"),
            EnrolmentError::KeyReused => Self::new(Code::IdempotencyKeyReused),
            EnrolmentError::Vault(error) => error.into(),
            EnrolmentError::Store(error) => error.into(),
        }
    }
}

impl From<PairingError> for Problem {
    fn from(error: PairingError) -> Self {
        match error {
            PairingError::TerminalUnknown(id) => Self::unknown(Code::TerminalUnknown, &id),
            PairingError::CodeRefused => Self::new(Code::PairingRefused),
            PairingError::TooManyTries => Self::new(Code::TooManyTries).retry_after(60),
            PairingError::Vault(error) => error.into(),
            PairingError::Store(error) => error.into(),
        }
    }
}

impl From<CouponingError> for Problem {
    fn from(error: CouponingError) -> Self {
        match error {
            CouponingError::BindingUnknown(id) => {
                Self::unknown(Code::BindingUnknown, &id).at("/binding")
            }
            CouponingError::MemberUnknown(id) => {
                Self::unknown(Code::MemberUnknown, &id).at("/holder")
            }
            CouponingError::Refused(refusal) => refusal.into(),
            CouponingError::Store(error) => error.into(),
        }
    }
}
