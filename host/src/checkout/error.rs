//! Why a use case of the till refuses. `http/error.rs` says it in the caller's language.

use crate::access::AccessError;
use crate::approval::Unapproved;
use crate::cards::{Pin, Unusable};
use crate::domain::basket::BasketError;
use crate::domain::claim::ClaimError;
use crate::domain::ledger::Refusal;
use crate::domain::pricing::PricingError;
use crate::domain::refund::RefundError;
use crate::domain::reserved::Reserved;
use crate::domain::time::Day;
use crate::enrolment::is_card_number;
use crate::store::error::StoreError;
use crate::vault::VaultError;

/// Texts that start with `/` are JSON Pointers into the request.
#[derive(Debug, thiserror::Error)]
pub enum CheckoutError {
    #[error("there is no chain yet; create one with `tessera init`")]
    NoChain,
    #[error("name the store: this key is not bound to one")]
    StoreMissing,
    #[error("the store `{0}` is not known")]
    StoreUnknown(String),
    #[error("the store `{0}` is closed")]
    StoreClosed(String),
    #[error("the amounts are in {sent}, the store sells in {store}")]
    Currency { sent: String, store: String },
    #[error("{0} lines are too many; split the basket")]
    TooManyLines(usize),
    #[error("nobody lets the buyer spend this wallet on this day; see `{0}`")]
    NoWalletShare(String),
    #[error("the buyer may spend {left} more of this wallet now")]
    ShareSpent { left: i64 },
    #[error("there is less than the quantity at `{0}`")]
    MoreThanThere(String),
    #[error("a member shares his wallet with twenty others at most; end one of them first")]
    TooManyShares,
    #[error("the minute of the member's code is over; scan the one his phone shows now")]
    MemberCodeExpired,
    #[error("the quote is of another store; quote what is taken instead where the goods come back")]
    OtherStoreQuote,
    #[error("the gift receipt `{0}` is not known, or of another order")]
    GiftReceiptUnknown(String),
    #[error(
        "a gift receipt is for goods that were paid for in money; the buyer himself exchanges these"
    )]
    GiftNotInMoney,
    #[error("these goods are on other gift receipts already")]
    GivenAlready,
    #[error("nothing is paid out on a gift receipt; choose goods that cost as much")]
    GiftPaysOut,
    #[error("the gift receipt is for {quantity} of line {line}")]
    NotOnGiftReceipt { line: String, quantity: String },
    #[error("there is no such line at `{0}`")]
    NoSuchLine(String),
    #[error("{0} approvals are too many; show those of this basket alone")]
    TooManyApprovals(usize),
    #[error("the quantity at `{0}` is no decimal above zero with at most three places")]
    Quantity(String),
    #[error("the product at `{0}` is sold by the piece; give a whole number")]
    WholePieces(String),
    #[error("an article of the till needs a price at `{0}`")]
    ArticlePrice(String),
    #[error("the line at `{0}` needs exactly one of product, barcode, sku, article")]
    OneMark(String),
    #[error("the product `{id}` at `{at}` is not known or no longer sold")]
    ProductUnknown { at: String, id: String },
    #[error("the tender field `{0}` does not belong to this kind, or is missing")]
    TenderForm(String),
    #[error("the amount at `{0}` is out of range; give 1 to 1000000000000")]
    Amount(String),
    #[error("the member `{id}` at `{at}` is not known")]
    MemberUnknown { at: &'static str, id: String },
    #[error("the card `{id}` is not known")]
    CardUnknown {
        at: Option<&'static str>,
        id: String,
    },
    #[error("the card number at `{0}` was mistyped: its check digit is wrong")]
    CardMistyped(&'static str),
    #[error(transparent)]
    CardUnusable(#[from] Unusable),
    #[error("the card is {0}; that does not go")]
    CardState(String),
    #[error("no reader tells this of a card, or another card has it: `{0}`")]
    CardMark(&'static str),
    #[error(transparent)]
    CardPin(Pin),
    #[error("the type of card `{0}` is not known, or no longer made")]
    CardTypeUnknown(String),
    #[error("the member has as many cards as anybody may have; close some")]
    TooManyCards,
    #[error("the member `{0}` is blocked or closed")]
    MemberUnusable(String),
    #[error("the quote `{0}` is not known here; send its request with the commit, or quote again")]
    QuoteUnknown(String),
    #[error("the quote no longer holds")]
    QuoteStale(Vec<Change>),
    #[error("the tenders come to {given} of {needed} minor units; name tenders for the rest")]
    LeftToPay { given: i64, needed: i64 },
    #[error("the order `{0}` is not known")]
    OrderUnknown(String),
    #[error("the hold of quote `{0}` is not known or has ended")]
    HoldUnknown(String),
    #[error("the sale lies in the future; check the till's clock")]
    InTheFuture,
    #[error("the pass at `{at}` does not pay for this: {why}")]
    PassUnfit { at: String, why: &'static str },
    #[error("the wallet is used where its home store `{0}` shares it, and that is not here")]
    NotShared(String),
    #[error("the goods at `{at}` are kept for members of {}", .reserved.tiers.join(", "))]
    Reserved { at: String, reserved: Reserved },
    #[error("a pass is sold to a member; name him")]
    PassNeedsMember,
    #[error("many changes of this order came at once; send the request again")]
    OrderContended,
    #[error(
        "a member gives nothing to himself and is not merged with himself; name another at `{0}`"
    )]
    ToHimself(&'static str),
    #[error("the member `{id}` is `{into}` now")]
    MemberMerged { id: String, into: String },
    #[error("the member `{0}` is not merged into another")]
    NotMerged(String),
    #[error("what the member `{0}` owed at the merge has been repaid since")]
    MergeDebtRepaid(String),
    #[error("the merge could be undone through day {}", .last.0)]
    MergeTooOld { last: Day },
    #[error("the chain does not offer what is asked for at `{0}`; see its settings")]
    NotOffered(&'static str),
    #[error("a reason of 1 to 500 characters is needed at `/reason`")]
    Reason,
    #[error("no tier rule of the member's home store knows the tier `{0}`")]
    TierUnknown(String),
    #[error("the last day is over already at `/last_day`")]
    LastDay,
    #[error("the member `{0}` has no tier by hand that could be withdrawn")]
    TierNotGiven(String),
    #[error("the reward `{0}` is not known or no longer given")]
    RewardUnknown(String),
    #[error("what was named is frozen already, or is not frozen")]
    FreezeUnchanged,
    #[error("the prize draw `{0}` is not known")]
    DrawUnknown(String),
    #[error("a prize draw `{0}` was opened before; name another")]
    DrawExists(String),
    #[error("the prize draw `{0}` is closed")]
    DrawClosed(String),
    #[error("the top-up plan `{0}` is not known or not sold now")]
    PlanUnknown(String),
    #[error("the plan is for {0} minor units")]
    PlanAmount(i64),
    #[error("a plan brings its own bonus; leave the other out")]
    PlanBonus,
    #[error("the entry `{0}` is not known, or not of this member")]
    EntryUnknown(String),
    #[error("an entry of the kind `{0}` is not reversed as a whole")]
    NotReversible(String),
    #[error("the entry `{0}` was reversed already")]
    Reversed(String),
    #[error("there is no settlement `{0}`")]
    SettlementUnknown(String),
    #[error("nothing is due in {0} between the chain and its stores")]
    NothingToSettle(String),
    #[error(
        "`{0}` names nobody who sells here, or a share out of range; name up to 10 of the store's staff, each once"
    )]
    Salesperson(String),
    #[error("the approval does not count: {0}")]
    Unapproved(#[from] Unapproved),
    #[error("an amount is out of range: {0}")]
    Overflow(#[from] tessera_money::Overflow),
    #[error(transparent)]
    Basket(#[from] BasketError),
    #[error(transparent)]
    Pricing(#[from] PricingError),
    #[error(transparent)]
    Refund(#[from] RefundError),
    #[error(transparent)]
    Claim(#[from] ClaimError),
    #[error(transparent)]
    Ledger(#[from] Refusal),
    #[error(transparent)]
    Access(AccessError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Vault(#[from] VaultError),
    #[error("an invariant of the host itself broke: {0}")]
    Internal(String),
}

impl CheckoutError {
    /// A card nobody has is not known, or its number was mistyped.
    pub fn no_card(at: &'static str, number: &str) -> Self {
        let digits = number.bytes().all(|byte| byte.is_ascii_digit());
        if digits && (16..=32).contains(&number.len()) && !is_card_number(number) {
            return Self::CardMistyped(at);
        }
        Self::CardUnknown {
            at: Some(at),
            id: number.to_owned(),
        }
    }
}

/// Something a quote rested on that is different now.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum Change {
    /// Its time ran out, microseconds since 1970.
    Expired { expired_at: i64 },
    /// A campaign the quote rested on is live no more; said beside `Expired`, because a quote keeps its campaigns for its
    /// whole life.
    CampaignEnded { binding: String, name: String },
    /// Points or stored value were spent elsewhere.
    BalanceShort {
        account: String,
        needed: i64,
        available: i64,
    },
    /// A coupon was used, voided, or expired.
    CouponUnusable { code: String },
    /// A counter reached its limit.
    LimitReached { name: String, limit: i64 },
    /// A lot is gone.
    LotGone { lot: String },
    /// Pricing the request again here gave another result.
    PricedDifferently,
}

impl Change {
    /// What a refused commit says of its quote; none where the refusal has another cause.
    pub fn of(refusal: &Refusal) -> Option<Self> {
        Some(match refusal {
            Refusal::InsufficientBalance {
                account,
                needed,
                available,
            } => {
                // The member's id stays out of what a till shows: name and asset say enough.
                let account = account
                    .split_once('/')
                    .map_or(account.as_str(), |(_, rest)| rest)
                    .to_owned();
                Self::BalanceShort {
                    account,
                    needed: *needed,
                    available: *available,
                }
            }
            Refusal::CouponUnknown { code }
            | Refusal::CouponVoid { code }
            | Refusal::CouponExpired { code }
            | Refusal::CouponHolder { code }
            | Refusal::CouponUsed { code, .. } => Self::CouponUnusable { code: code.clone() },
            Refusal::CounterLimit { name, limit, .. } => Self::LimitReached {
                name: name.clone(),
                limit: *limit,
            },
            Refusal::QuoteGivenUp { .. } | Refusal::TurnTaken { .. } => Self::PricedDifferently,
            Refusal::LotUnknown { lot } | Refusal::LotFull { lot, .. } => {
                Self::LotGone { lot: lot.clone() }
            }
            _ => return None,
        })
    }
}
