//! What the use cases and the ledger refuse, in the words of the catalogue.

mod checkout;
mod ledger;

pub use checkout::refund_of;

use super::error::{FieldError, Problem};
use super::json::escape;
use super::problems::{Code, Fault};
use crate::couponing::CouponingError;
use crate::domain::attributes::{AttributeError, AttributeFault};
use crate::enrolment::EnrolmentError;
use crate::pairing::PairingError;
use crate::vault::VaultError;

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
            EnrolmentError::MemberUnknown(id) => Self::unknown(Code::MemberUnknown, &id),
            EnrolmentError::Merged { id, into } => Self::new(Code::MemberMerged)
                .with("id", id)
                .with("into", &into)
                .extended("member", into.into()),
            EnrolmentError::AdviserUnknown(id) => {
                Self::unknown(Code::StaffUnknown, &id).at("/adviser")
            }
            EnrolmentError::PhoneTaken { .. } => Self::new(Code::PhoneTaken),
            EnrolmentError::EmailTaken { .. } => Self::new(Code::EmailTaken),
            EnrolmentError::CardTaken => Self::new(Code::Duplicate)
                .with("thing", "card")
                .with("id", "/card"),
            EnrolmentError::IdTaken => Self::new(Code::Duplicate)
                .with("thing", "member")
                .with("id", "/id"),
            EnrolmentError::Attribute(error) => attribute(&error),
            EnrolmentError::KeyReused => Self::new(Code::IdempotencyKeyReused),
            EnrolmentError::Vault(error) => error.into(),
            EnrolmentError::Store(error) => error.into(),
        }
    }
}

fn attribute(error: &AttributeError) -> Problem {
    let (fault, arguments) = match &error.fault {
        AttributeFault::Undefined => (Fault::UnknownField, Vec::new()),
        AttributeFault::Missing => (Fault::Required, Vec::new()),
        AttributeFault::Wrong(wanted) => {
            (Fault::WrongType, vec![("reason", format!("give {wanted}"))])
        }
    };
    Problem::fields(vec![FieldError {
        pointer: format!("/attributes/{}", escape(&error.name)),
        fault,
        arguments,
    }])
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
