//! What the ledger can be asked to do.

use serde::{Deserialize, Serialize};

use super::account::AccountKey;
use super::record::Record;
use super::refusal::Refusal;
use super::shift::ShiftStep;
use crate::domain::time::{Day, Instant};

/// Steps of one command; a basket of 500 lines needs a few dozen.
const MOST_STEPS: usize = 4_096;
/// Records of one command: evaluations of 256 bindings, events, purchase sums.
const MOST_RECORDS: usize = 8_192;
const LONGEST_KEY: usize = 512;

/// One unit of work that happens wholly or not at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// Makes the command safe to send again.
    pub operation: Option<Operation>,
    pub at: Instant,
    /// Business day of the store; decides what has expired.
    pub business_date: Day,
    /// Kind of the entry, such as `sale`, `refund`, `hold`, `top-up`.
    pub kind: String,
    /// What the entry is about.
    pub subject: Subject,
    /// Lots and coupons that were good on this day may still be used; otherwise the business day counts.
    pub spendable_as_of: Option<Day>,
    /// The store whose own accounts the entry leaves in balance, where it settles with the chain.
    pub clearing: Option<Clearing>,
    /// Limit-checked changes, in order.
    pub steps: Vec<Step>,
    /// Rows written in the same transaction.
    pub records: Vec<Record>,
    /// Happens right after this one, with an entry of its own; of the two both happen or neither does. Carries no key and
    /// nothing beside itself.
    pub beside: Option<Box<Self>>,
}

/// A store that settles with the chain. What an entry leaves open on its accounts is posted to `due/<store>`, where the
/// store owes a positive balance, against the chain's `clearing`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clearing {
    pub store: String,
    pub currency: String,
    /// Whether the chain pays the store for the points that pay there.
    pub points: bool,
}

impl Clearing {
    /// What the store owes the chain.
    pub fn due(&self) -> String {
        format!("due/{}", self.store)
    }
}

/// The chain's side of what its stores owe it.
pub const CLEARING: &str = "clearing";

/// An idempotency key and the digest of the request that used it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    /// Unique per chain; the use case puts the caller in front.
    pub key: String,
    pub hash: [u8; 32],
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// `order`, `refund`, `member`, `hold`, `job`, …
    pub kind: String,
    pub id: String,
}

impl Subject {
    pub fn new(kind: impl Into<String>, id: impl Into<String>) -> Self {
        Self {
            kind: kind.into(),
            id: id.into(),
        }
    }
}

/// A new batch of points or bonus.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewLot {
    pub id: String,
    /// Last day the lot can be spent; none for ever.
    pub expires_on: Option<Day>,
    /// For a pending lot, the day it becomes spendable.
    pub available_on: Option<Day>,
    /// What it was given for, such as an order id.
    pub source: String,
    /// First day of the period it is for, which its last day ends. It cannot be used earlier, and what was paid for it
    /// becomes revenue by the day.
    pub first_day: Option<Day>,
}

/// What a debit does when the account holds too little.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OnShort {
    Refuse,
    /// Take what is there; the rest is owed to the system account `claims/<store>`, with a notice.
    Claim {
        store: String,
    },
}

/// What a take-back does when the points were spent meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TakeBackShort {
    /// The member owes them; later earning repays.
    Debt,
    Refuse,
}

/// What happens to an amount that returns to a lot which has expired meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExpiredReturn {
    /// The lot can be spent for this many more days.
    GraceDays(u32),
    /// It expires in the same entry, with a notice.
    AtOnce,
}

/// How a hold ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HoldOutcome {
    Posted,
    Voided,
    Expired,
}

/// One benefit a hold reserves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reserve {
    Account {
        account: AccountKey,
        amount: i64,
    },
    /// Uses of a pass, with what was paid for them in a currency.
    Pass {
        account: AccountKey,
        currency: String,
        uses: i64,
    },
    Counter {
        owner: String,
        name: String,
        change: i64,
        limit: Option<i64>,
        floor: Option<i64>,
    },
    Coupon {
        code: String,
        member: Option<String>,
    },
}

/// A coupon to issue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewCoupon {
    pub code: String,
    /// What it is for: the binding or campaign that accepts it.
    pub campaign: String,
    /// Only this member may use it.
    pub holder: Option<String>,
    pub use_limit: Option<i64>,
    pub starts_on: Option<Day>,
    /// Last day it can be used.
    pub expires_on: Option<Day>,
    /// Whether its holder may give it to another member.
    pub transferable: bool,
}

/// A change with a limit. Amounts are in the asset's smallest unit and never negative, except where said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Adds to a member's account; a lotted one needs the lot.
    Credit {
        account: AccountKey,
        amount: i64,
        lot: Option<NewLot>,
    },
    /// Takes from a member's account, nearest expiry first.
    Debit {
        account: AccountKey,
        amount: i64,
        on_short: OnShort,
    },
    /// Gives from a member's account to the same account of another: what is spendable, nearest expiry first. Lots keep
    /// their last day and what they were given for.
    Transfer {
        from: AccountKey,
        /// The member who gets it.
        to: String,
        amount: i64,
        /// Names the first new lot; the others are named after it.
        lot: String,
    },
    /// Makes all that a member holds and owes in some assets another's; lots keep their days under new names. Refused while
    /// a hold of his is open.
    Merge {
        /// Names the new lots.
        merge: String,
        from: String,
        to: String,
        assets: Vec<String>,
        /// Whether it is the merge itself, which happens once; else it brings after what came later.
        first: bool,
    },
    /// Adds to what a member owes (below zero) or takes from it (above): where a debt that moved goes back.
    Owe {
        account: AccountKey,
        change: i64,
    },
    /// Makes a coupon another member's, if it is still the first one's.
    GiveCoupon {
        code: String,
        from: String,
        to: String,
    },
    /// The other side: adds `amount` (signed) to a system account such as `sales/<store>`.
    System {
        name: String,
        asset: String,
        amount: i64,
    },
    /// Makes uses of a pass, nearest expiry first; what was paid for them goes to the system account `revenue`. While a
    /// period of it runs, nothing is taken.
    UsePass {
        account: AccountKey,
        /// What the pass was paid in.
        currency: String,
        uses: i64,
        /// Whether a running period is all that pays.
        unlimited: bool,
        revenue: String,
        on_short: OnShort,
    },
    /// Ends a lot of uses whole, if exactly so many are left; what was paid for them goes to the system account `revenue`.
    ClosePass {
        account: AccountKey,
        currency: String,
        lot: String,
        uses: i64,
        revenue: String,
    },
    /// Makes revenue of what was paid for the days of periods that are over at the end of `through`; lots that have earned
    /// it already are left out.
    EarnPeriods {
        /// What was paid.
        account: AccountKey,
        lots: Vec<String>,
        through: Day,
        revenue: String,
    },
    /// Puts amounts back into the lots they were taken from.
    Return {
        account: AccountKey,
        splits: Vec<(String, i64)>,
        expired: ExpiredReturn,
    },
    /// Takes points or bonus back: from their own lot (pending or not), then the member's other spendable lots of
    /// the kind nearest expiry first, then as debt.
    TakeBack {
        member: String,
        asset: String,
        lot: String,
        amount: i64,
        on_short: TakeBackShort,
    },
    /// Moves a counter. With `enforce` off (a sale that already happened) a broken limit is only noticed.
    Counter {
        owner: String,
        name: String,
        change: i64,
        /// Highest value a raise may reach.
        limit: Option<i64>,
        /// Lowest value a cut may reach.
        floor: Option<i64>,
        enforce: bool,
    },
    /// Uses a coupon (`change` +1) or gives the use back (−1). `member` is who presents it.
    UseCoupon {
        code: String,
        change: i64,
        member: Option<String>,
        enforce: bool,
    },
    IssueCoupon(NewCoupon),
    /// The coupon can no longer be used; uses so far stay.
    VoidCoupon {
        code: String,
    },
    /// The same for a coupon that could still be used; any other is refused.
    RevokeCoupon {
        code: String,
        /// Why, for its history.
        reason: String,
    },
    /// Gives a coupon that may be given away and could still be used from its holder to another member.
    TransferCoupon {
        code: String,
        from: String,
        to: String,
    },
    /// Makes an order refundable: quantity sold per line (thousandths) and amount paid per tender.
    OpenOrder {
        order: String,
        lines: Vec<i64>,
        tenders: Vec<(String, i64)>,
    },
    /// Refunds part of an order, if its sequence is still the expected one: the refunds and claims before.
    Refund {
        order: String,
        expected_sequence: i64,
        lines: Vec<(u32, i64)>,
        tenders: Vec<(String, i64)>,
    },
    /// Gives an order a member it was made without: once, and only while nothing of it has come back.
    ClaimOrder {
        order: String,
    },
    /// Moves a counter on from where it was read: of two that rest on the same reading the second is refused, not for
    /// good, and reads again.
    TakeTurn {
        owner: String,
        name: String,
        number: i64,
    },
    /// Refuses what is given because of an order of which nothing is left; a refund that was worked out before this
    /// is worked out again.
    OrderStands {
        order: String,
    },
    /// Refuses for good, under the command's key, to commit a quote that no longer holds: a first attempt that is still on
    /// its way finds the key used up and does not sell after all.
    GiveUp {
        quote: String,
    },
    /// Refuses while the member's value of the account's kind is frozen. Whatever spends from an account asks this by
    /// itself.
    NotFrozen {
        account: AccountKey,
    },
    /// Refuses where an account, with what holds reserve of it, stands above `most` now.
    Ceiling {
        account: AccountKey,
        most: i64,
    },
    /// Refuses unless the lease still carries this number: whoever held it before it was taken over writes nothing
    /// more. Counts as a sign of life.
    Lease {
        name: String,
        number: i64,
    },
    /// Reserves a quote's benefits until `expires_at`.
    Hold {
        hold: String,
        quote: String,
        member: Option<String>,
        expires_at: Instant,
        reserves: Vec<Reserve>,
        /// What the quote's commit needs, as the use case encodes it; kept until the hold ends.
        sale: Vec<u8>,
    },
    /// Ends a hold; everything returns to where it was. With `Posted`, the steps after it may spend what
    /// was good on the day of the hold.
    ResolveHold {
        hold: String,
        outcome: HoldOutcome,
    },
    /// Makes pending lots of a member spendable; lots that are not pending any more are left out.
    ReleasePending {
        member: String,
        asset: String,
        lots: Vec<String>,
    },
    /// Expires what is left in lots whose last day has passed; other lots are left out.
    ExpireLots {
        member: String,
        asset: String,
        lots: Vec<String>,
    },
    /// Expires what is left in lots whatever their last day.
    LapseLots {
        member: String,
        asset: String,
        lots: Vec<String>,
    },
    /// Opens a terminal's shift, closes it, or counts what the steps before it moved into it.
    Shift(ShiftStep),
}

impl Command {
    /// A command without operation key, steps or records.
    pub fn new(kind: impl Into<String>, subject: Subject, at: Instant, business_date: Day) -> Self {
        Self {
            operation: None,
            at,
            business_date,
            kind: kind.into(),
            subject,
            spendable_as_of: None,
            clearing: None,
            steps: Vec::new(),
            records: Vec::new(),
            beside: None,
        }
    }

    /// Whose rows it changes: the one member's, or where there is no member its subject's. None where it changes
    /// rows of several, or rows that members share.
    pub fn belongs_to(&self) -> Option<&str> {
        if self.beside.is_some() {
            return None;
        }
        let mut member: Option<&str> = None;
        for step in &self.steps {
            let of = match step {
                Step::Credit { account, .. }
                | Step::Debit { account, .. }
                | Step::UsePass { account, .. }
                | Step::ClosePass { account, .. }
                | Step::EarnPeriods { account, .. }
                | Step::Return { account, .. }
                | Step::NotFrozen { account }
                | Step::Owe { account, .. }
                | Step::Ceiling { account, .. } => &account.member,
                Step::TakeBack { member, .. }
                | Step::ReleasePending { member, .. }
                | Step::ExpireLots { member, .. }
                | Step::LapseLots { member, .. } => member,
                Step::Counter { owner, .. } | Step::TakeTurn { owner, .. } => owner,
                Step::Lease { .. } | Step::Transfer { .. } | Step::Merge { .. } => return None,
                _ => continue,
            };
            if member.is_some_and(|member| member != of) {
                return None;
            }
            member = Some(of);
        }
        member.or(Some(&self.subject.id))
    }

    /// Checks sizes and text before the command reaches the queue.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] naming what is too long, or [`Refusal::Text`] for a U+0000.
    pub fn check(&self) -> Result<(), Refusal> {
        if self.steps.len() > MOST_STEPS || self.records.len() > MOST_RECORDS {
            return Err(Refusal::Invalid {
                why: format!("more than {MOST_STEPS} steps or {MOST_RECORDS} records"),
            });
        }
        if let Some(operation) = &self.operation
            && (operation.key.is_empty() || operation.key.len() > LONGEST_KEY)
        {
            return Err(Refusal::Invalid {
                why: format!("an operation key must have 1 to {LONGEST_KEY} bytes"),
            });
        }
        if let Some(second) = &self.beside {
            if second.operation.is_some() || second.beside.is_some() {
                let why = "what happens beside a command has no key and nothing beside itself";
                return Err(Refusal::Invalid {
                    why: why.to_owned(),
                });
            }
            second.check()?;
        }
        let mut bad = None;
        self.texts(&mut |field, text| {
            if text.contains('\0') {
                bad = Some(field);
            }
        });
        match bad {
            Some(field) => Err(Refusal::Text {
                field: field.to_owned(),
            }),
            None => Ok(()),
        }
    }

    /// Visits every text that reaches the database.
    fn texts(&self, visit: &mut dyn FnMut(&'static str, &str)) {
        if let Some(operation) = &self.operation {
            visit("operation key", &operation.key);
        }
        visit("kind", &self.kind);
        visit("subject", &self.subject.kind);
        visit("subject", &self.subject.id);
        for step in &self.steps {
            step.texts(visit);
        }
        for record in &self.records {
            record.texts(visit);
        }
    }
}
