//! What quote, commit, refund and claim refuse.

use crate::cards::{Pin, Unusable};
use crate::checkout::till_prices::MOST_APPROVALS;
use crate::checkout::{Change, CheckoutError};
use crate::clock::date_of;
use crate::domain::basket::{BasketError, BasketProblem, MAX_LINES};
use crate::domain::claim::ClaimError;
use crate::domain::pricing::PricingError;
use crate::domain::refund::RefundError;
use crate::http::error::{FieldError, Problem};
use crate::http::problems::{Code, Fault};

impl From<CheckoutError> for Problem {
    fn from(error: CheckoutError) -> Self {
        use CheckoutError as E;
        let told = error.to_string();
        match error {
            E::NoChain => Self::new(Code::NotReady),
            E::StoreMissing => Self::field("/store", Fault::Required),
            E::StoreUnknown(id) => Self::unknown(Code::StoreUnknown, &id).at("/store"),
            E::StoreClosed(_) => refused("/store", "the store is closed"),
            E::Currency { sent, store } => Self::new(Code::CurrencyMismatch)
                .with("given", sent)
                .with("expected", store),
            E::TooManyLines(_) => limited("/lines", Fault::TooMany, MAX_LINES),
            E::NoWalletShare(at) => Self::new(Code::NoWalletShare).at(at),
            E::ShareSpent { left } => Self::new(Code::ShareSpent).with("left", left),
            E::MoreThanThere(at) => refused(at, "there is less than that"),
            E::TooManyShares => Self::new(Code::LimitReached).with("id", "wallet-shares"),
            E::MemberCodeExpired => Self::new(Code::MemberCodeExpired),
            E::OtherStoreQuote => {
                refused("/quote", "quote it in the store where the goods come back")
            }
            E::GiftReceiptUnknown(id) => Self::unknown(Code::GiftReceiptUnknown, &id),
            E::GiftNotInMoney => Self::new(Code::GiftNotInMoney),
            E::GivenAlready => Self::new(Code::GivenAlready),
            E::GiftPaysOut => Self::new(Code::GiftPaysOut),
            E::NotOnGiftReceipt { line, quantity } => Self::new(Code::NotOnGiftReceipt)
                .with("line", line)
                .with("quantity", quantity),
            E::NoSuchLine(at) => Self::field(at, Fault::Unknown),
            E::TooManyApprovals(_) => limited("/approvals", Fault::TooMany, MOST_APPROVALS),
            E::Quantity(at) => Self::field(at, Fault::NotADecimal),
            E::Amount(at) => refused(at, "give 1 to 1000000000000 minor units"),
            E::WholePieces(at) => refused(at, "it is sold by the piece; give a whole number"),
            E::ArticlePrice(at) => Self::field(at, Fault::Required),
            E::OneMark(at) => refused(at, "name exactly one of product, barcode, sku, article"),
            E::ProductUnknown { at, id } => Self::unknown(Code::ProductUnknown, &id).at(at),
            E::TenderForm(at) => refused(
                at,
                "this field does not belong to the kind of tender, or is missing",
            ),
            E::MemberUnknown { at, id } => Self::unknown(Code::MemberUnknown, &id).at(at),
            E::CardUnknown { at, id } => {
                let unknown = Self::unknown(Code::CardUnknown, &id);
                match at {
                    Some(at) => unknown.at(at),
                    None => unknown,
                }
            }
            E::CardMistyped(at) => Self::field(at, Fault::NotACard),
            E::CardUnusable(why) => why.into(),
            E::CardState(status) => Self::new(Code::CardState).with("status", status),
            E::CardMark(at) => refused(at, "no reader tells this, or another card has it"),
            E::CardPin(Pin::Needed) => Self::new(Code::CardPinNeeded),
            E::CardPin(Pin::Wrong) => Self::new(Code::CardPinWrong),
            E::CardPin(Pin::Locked) => Self::new(Code::CardLocked),
            E::CardTypeUnknown(id) => Self::unknown(Code::CardTypeUnknown, &id).at("/type"),
            E::TooManyCards => Self::new(Code::LimitReached).with("id", "cards"),
            E::MemberUnusable(id) => Self::new(Code::MemberInactive).with("id", id),
            E::QuoteUnknown(id) => Self::unknown(Code::QuoteUnknown, &id),
            E::QuoteStale(changes) => stale(&changes),
            E::LeftToPay { given, needed } => Self::new(Code::TendersMismatch)
                .with("given", given)
                .with("needed", needed),
            E::OrderUnknown(id) => Self::unknown(Code::OrderUnknown, &id),
            E::HoldUnknown(id) => Self::unknown(Code::HoldUnknown, &id),
            E::InTheFuture => refused(
                "/occurred_at",
                "it lies in the future; check the till's clock",
            ),
            E::PassUnfit { at, why } => Self::new(Code::PassUnfit).with("reason", why).at(at),
            E::NotShared(home) => Self::new(Code::WalletNotShared).with("store", home),
            E::Reserved { at, reserved } => {
                let through = date_of(reserved.through);
                let through = through.map_or_else(String::new, |date| date.to_string());
                Self::new(Code::ProductReserved)
                    .with("tiers", reserved.tiers.join(", "))
                    .with("through", &through)
                    .at(at)
                    .extended(
                        "reserved",
                        serde_json::json!({ "tiers": reserved.tiers, "through": through }),
                    )
            }
            E::PassNeedsMember => Self::field("/member", Fault::Required),
            E::ToHimself(at) => refused(at, "it is the member himself; name another"),
            E::MemberMerged { id, into } => Self::new(Code::MemberMerged)
                .with("id", id)
                .with("into", &into)
                .extended("member", into.into()),
            E::NotMerged(id) => Self::new(Code::NotMerged).with("id", id),
            E::MergeDebtRepaid(id) => Self::new(Code::MergeDebtRepaid).with("id", id),
            E::MergeTooOld { last } => {
                let last = date_of(last).map_or_else(String::new, |date| date.to_string());
                Self::new(Code::MergeTooOld).with("last_day", last)
            }
            E::NotOffered(at) => Self::new(Code::NotOffered).with("what", at),
            E::Reason => refused("/reason", "give 1 to 500 characters"),
            E::TierUnknown(id) => field("/tier", Fault::Unknown, ("id", id)),
            E::LastDay => refused(
                "/last_day",
                "it is over in the member's home store, or more than a hundred years ahead",
            ),
            E::TierNotGiven(id) => Self::new(Code::TierNotGiven).with("id", id),
            E::RewardUnknown(id) => Self::unknown(Code::RewardUnknown, &id).at("/reward"),
            E::DrawUnknown(id) => Self::unknown(Code::DrawUnknown, &id),
            E::DrawExists(id) => Self::new(Code::Duplicate)
                .with("thing", "prize draw")
                .with("id", id),
            E::DrawClosed(id) => Self::new(Code::DrawClosed).with("id", id),
            E::FreezeUnchanged => Self::new(Code::FreezeUnchanged),
            E::PlanUnknown(id) => Self::unknown(Code::PlanUnknown, &id).at("/plan"),
            E::PlanAmount(_) => refused("/amount", told),
            E::PlanBonus => refused("/bonus", told),
            E::EntryUnknown(id) => Self::unknown(Code::EntryUnknown, &id),
            E::NotReversible(_) => Self::new(Code::NotReversible).with("reason", &told),
            E::SettlementUnknown(id) => Self::unknown(Code::SettlementUnknown, &id),
            E::NothingToSettle(currency) => {
                Self::new(Code::NothingToSettle).with("currency", currency)
            }
            E::Reversed(id) => Self::new(Code::EntryReversed).with("id", id),
            E::Salesperson(at) => refused(
                at,
                "name up to 10 of the store's own staff, each once, with shares from 1 to 1000",
            ),
            E::Unapproved(why) => why.into(),
            E::Overflow(_) => Self::new(Code::AmountTooLarge),
            E::OrderContended => Self::new(Code::Busy).retry_after(1),
            E::Basket(error) => basket(&error),
            E::Pricing(error) => pricing(error),
            E::Refund(error) => refund(&error),
            E::Claim(error) => claim(error),
            E::Ledger(refusal) => refusal.into(),
            E::Access(error) => error.into(),
            E::Store(error) => error.into(),
            E::Vault(error) => Self::internal(error),
            E::Internal(what) => Self::internal(what),
        }
    }
}

impl From<Unusable> for Problem {
    fn from(why: Unusable) -> Self {
        match why {
            Unusable::Blank => Self::new(Code::CardBlank),
            Unusable::Blocked => Self::new(Code::CardBlocked),
            Unusable::Lost => Self::new(Code::CardLost),
            Unusable::Replaced { by } => Self::new(Code::CardReplaced)
                .with("by", by.clone().unwrap_or_default())
                .extended("replaced_by", serde_json::json!(by)),
            Unusable::Expired => Self::new(Code::CardExpired),
            Unusable::Closed => Self::new(Code::CardInactive),
        }
    }
}

fn refused(pointer: impl Into<String>, reason: impl ToString) -> Problem {
    field(pointer, Fault::Invalid, ("reason", reason.to_string()))
}

fn limited(pointer: impl Into<String>, fault: Fault, limit: usize) -> Problem {
    field(pointer, fault, ("limit", limit.to_string()))
}

fn field(pointer: impl Into<String>, fault: Fault, argument: (&'static str, String)) -> Problem {
    Problem::fields(vec![FieldError {
        pointer: pointer.into(),
        fault,
        arguments: vec![argument],
    }])
}

/// A tender that asks for more than the wallet holds.
fn short(error: &PricingError, available: i64) -> Problem {
    let account = if matches!(error, PricingError::PointsShort { .. }) {
        "points"
    } else {
        "stored-value"
    };
    let problem = Problem::new(Code::BalanceShort)
        .with("account", account)
        .with("available", available);
    problem.with("needed", format!("> {available}"))
}

/// What changed stands in `changes`.
fn stale(changes: &[Change]) -> Problem {
    let changes = serde_json::to_value(changes).unwrap_or_default();
    Problem::new(Code::QuoteStale).extended("changes", changes)
}

fn basket(error: &BasketError) -> Problem {
    let pointer = error.pointer.clone();
    match error.problem {
        BasketProblem::NoLines => Problem::field(pointer, Fault::Empty),
        BasketProblem::TooMany(limit) => limited(pointer, Fault::TooMany, limit),
        other => refused(pointer, other),
    }
}

fn pricing(error: PricingError) -> Problem {
    match &error {
        PricingError::Basket(inner) => basket(inner),
        PricingError::Currency { basket, store } => Problem::new(Code::CurrencyMismatch)
            .with("given", basket)
            .with("expected", store),
        PricingError::RuleRefused {
            binding,
            plugin,
            fault,
        } => Problem::new(Code::RuleRefusedOrder)
            .with("binding", binding)
            .with("plugin", plugin)
            .with("reason", fault),
        PricingError::TooManyCampaigns { count } => {
            Problem::new(Code::TooManyBindings).with("limit", count)
        }
        PricingError::PointsShort { available, .. }
        | PricingError::StoredValueShort { available, .. } => short(&error, *available),
        PricingError::Overflow => Problem::new(Code::AmountTooLarge),
        PricingError::Facts(inner) => Problem::internal(inner),
        other => match other.pointer() {
            Some(pointer) => refused(pointer, &error),
            None => Problem::internal(&error),
        },
    }
}

fn claim(error: ClaimError) -> Problem {
    match error {
        ClaimError::HasMember => Problem::new(Code::OrderHasMember),
        ClaimError::Claimed => Problem::new(Code::OrderClaimed),
        ClaimError::Refunded => Problem::new(Code::OrderRefunded),
        ClaimError::TooLate { last } => {
            let last = date_of(last).map_or_else(String::new, |date| date.to_string());
            Problem::new(Code::ClaimTooLate).with("last_day", last)
        }
    }
}

/// A refused refund, with the place of what was asked; `asked` are the order's lines in the order of the request.
pub fn refund_of(error: CheckoutError, asked: &[u32]) -> Problem {
    let place = |line: &u32, from: usize| {
        let mut places = asked.iter().enumerate().filter(|(_, asked)| *asked == line);
        places
            .nth(from)
            .map(|(position, _)| format!("/lines/{position}"))
    };
    let CheckoutError::Refund(error) = error else {
        return error.into();
    };
    let pointer = match &error {
        RefundError::UnknownLine { line } => place(line, 0),
        RefundError::Twice { line } => place(line, 1),
        RefundError::Quantity { line }
        | RefundError::PassInParts { line }
        | RefundError::UseInParts { line } => place(line, 0).map(|line| format!("{line}/quantity")),
        _ => None,
    };
    pointer.map_or_else(|| refund(&error), |pointer| refused(pointer, &error))
}

fn refund(error: &RefundError) -> Problem {
    match error {
        RefundError::Nothing => Problem::field("/lines", Fault::Empty),
        RefundError::UnknownLine { .. }
        | RefundError::Twice { .. }
        | RefundError::Quantity { .. }
        | RefundError::PassInParts { .. }
        | RefundError::UseInParts { .. } => refused("/lines", error),
        RefundError::PassUsed { line } => Problem::new(Code::PassUsed).with("id", line),
        RefundError::TooMuch { line, remaining } => Problem::new(Code::OverRefund)
            .with("id", line)
            .with("available", crate::checkout::request::decimal(*remaining)),
        RefundError::TenderNotAllowed => {
            Problem::new(Code::Forbidden).with("permission", "refund-other-tender")
        }
        RefundError::TenderNotPayable => refused("/tender", error),
        RefundError::Damaged => Problem::internal(error),
        RefundError::Overflow => Problem::new(Code::AmountTooLarge),
    }
}
