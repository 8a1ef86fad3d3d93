//! Rows that are written together with an entry. They have no limits of their own, except that an order's
//! keys are used once.

use crate::domain::time::{Day, Instant};

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Record {
    Order(Box<OrderRow>),
    Refund(Box<RefundRow>),
    Claim(Box<ClaimRow>),
    Occasion(Box<OccasionRow>),
    Exchange(Box<ExchangeRow>),
    Settlement(SettlementRow),
    Merge(Box<MergeRow>),
    MemberState(MemberStateRow),
    /// A card as it is from now on.
    Card(Box<CardRow>),
    CardActivation(Box<CardActivationRow>),
    PlannedTopUp(PlannedTopUpRow),
    PrizeDraw(PrizeDrawRow),
    /// A draw that is closed, with its seed in hex.
    PrizeDrawEnd {
        draw: String,
        seed: String,
    },
    PrizeOutcome(PrizeOutcomeRow),
    Evaluation(Box<EvaluationRow>),
    Event(EventRow),
    MemberDay(MemberDayRow),
    /// Adds to the number of orders of a member.
    MemberOrders {
        member: String,
        change: i64,
    },
    MemberTier(MemberTierRow),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderRow {
    pub id: String,
    pub store: String,
    pub terminal: String,
    pub staff: Option<String>,
    pub member: Option<String>,
    /// A quote is committed once.
    pub quote_id: Option<String>,
    /// The till's own number of a recorded sale; once per store.
    pub external_id: Option<String>,
    /// Printed on the receipt, to claim points later; unique.
    pub receipt_code: String,
    pub occurred_at: Instant,
    pub business_date: Day,
    pub currency: String,
    /// Minor units.
    pub total: i64,
    /// The order as it was priced, as the use case encodes it.
    pub doc: Vec<u8>,
    /// Facts of its evaluations: canonical JSON, compressed; empty if none.
    pub facts: Vec<u8>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefundRow {
    pub id: String,
    pub order_id: String,
    /// 1 for the first refund of an order.
    pub sequence: i64,
    pub store: String,
    pub terminal: String,
    pub staff: Option<String>,
    pub occurred_at: Instant,
    pub business_date: Day,
    pub currency: String,
    /// Minor units given back.
    pub total: i64,
    pub doc: Vec<u8>,
    /// Facts of its evaluations, as in an order; empty where no rule was asked.
    pub facts: Vec<u8>,
}

/// An order given to a member it was made without.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimRow {
    pub id: String,
    pub order_id: String,
    pub member: String,
    pub store: String,
    pub terminal: String,
    pub staff: Option<String>,
    pub occurred_at: Instant,
    pub business_date: Day,
    /// The order as it stands with its member.
    pub doc: Vec<u8>,
    /// Facts of its evaluations, as in an order.
    pub facts: Vec<u8>,
}

/// Something other than a sale that gave a member something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OccasionRow {
    pub id: String,
    pub member: String,
    /// What tells it from every other of his, such as `birthday/2026`.
    pub name: String,
    /// `birthday`, for example.
    pub kind: String,
    pub store: String,
    /// The order it came from.
    pub order: Option<String>,
    pub occurred_at: Instant,
    pub business_date: Day,
    /// What it gave: an order's document without lines.
    pub doc: Vec<u8>,
    /// Facts of its evaluations, as in an order.
    pub facts: Vec<u8>,
}

/// Points that became a reward.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExchangeRow {
    pub id: String,
    pub member: String,
    pub reward: String,
    pub quantity: i64,
    /// At the program's scale.
    pub points: i64,
    /// Codes of the coupons it gave, as a JSON list.
    pub codes: String,
    pub store: String,
}

/// A member made part of another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MergeRow {
    pub id: String,
    pub member: String,
    pub survivor: String,
    pub merged_by: String,
    /// What moved beside the accounts, as the use case encodes it.
    pub moved: String,
}

/// Whether a member is active, or who he is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberStateRow {
    pub member: String,
    pub status: String,
    pub merged_into: Option<String>,
}

/// A card, blank or somebody's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CardRow {
    pub number: String,
    pub member: Option<String>,
    /// `physical` or `virtual`.
    pub kind: String,
    pub status: String,
    /// Microseconds.
    pub issued_at: i64,
    pub card_type: Option<String>,
    pub batch: Option<String>,
    pub expires_on: Option<Day>,
    pub replaced_by: Option<String>,
    pub pin_hash: Option<String>,
}

/// A card that is handed over, as far as its entry does not tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CardActivationRow {
    pub number: String,
    pub member: String,
    pub store: String,
    pub currency: String,
    /// Minor units.
    pub price: i64,
    /// How it was paid; none where it cost nothing.
    pub tender: Option<String>,
    /// The tier it gave and the one it took the place of, as JSON.
    pub tier: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettlementRow {
    pub id: String,
    /// ISO 4217.
    pub currency: String,
    /// 1 for the first of a currency.
    pub number: i64,
    pub settled_by: String,
    /// JSON: what every store owed and why.
    pub doc: String,
}

/// What a top-up by a plan gave that its entry does not tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedTopUpRow {
    pub id: String,
    pub member: String,
    pub plan: String,
    /// Codes of the coupons it gave, as a JSON list.
    pub codes: String,
    /// The tier it gave and the one it took the place of, as JSON.
    pub tier: Option<String>,
}

/// A prize draw that is opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrizeDrawRow {
    pub id: String,
    pub name: String,
    /// Price of a number, at the program's scale.
    pub points: i64,
    /// JSON.
    pub prizes: String,
    pub blanks: i64,
    pub per_member: Option<i64>,
    /// SHA-256 in hex.
    pub seed_hash: String,
}

/// What a number of a draw won.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrizeOutcomeRow {
    pub id: String,
    pub draw: String,
    pub number: i64,
    pub member: String,
    /// Position of the prize; none where it won nothing.
    pub prize: Option<i64>,
    /// Codes of the coupons it won, as a JSON list.
    pub codes: String,
    pub store: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EvaluationRow {
    /// The order, refund, claim or occasion the rule was asked for.
    pub subject: String,
    /// Order of evaluation within the subject.
    pub position: i64,
    pub binding_id: String,
    pub component_digest: String,
    pub config_hash: String,
    pub kind: String,
    /// What differs from the subject's facts.
    pub delta: Vec<u8>,
    /// The proposal as it came out of the sandbox.
    pub output: Vec<u8>,
    pub fuel: i64,
}

/// An event for the log; its id is made by the writer and grows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventRow {
    pub kind: String,
    pub subject: String,
    pub store: Option<String>,
    /// JSON.
    pub payload: String,
}

/// What is added to a member's purchases of a day in one category; `""` is the whole basket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberDayRow {
    pub member: String,
    pub day: Day,
    pub category: String,
    /// Minor units.
    pub spend: i64,
    pub orders: i64,
    /// Thousandths.
    pub units: i64,
    pub points: i64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberTierRow {
    pub member: String,
    pub tier: Option<String>,
    pub since: Option<Day>,
    pub valid_until: Option<Day>,
    /// Exact ratio (numerator, denominator).
    pub multiplier: (i64, i64),
    /// What the member had been given by hand when this was decided. Where he has been given something else since, the
    /// decision did not know of it and changes nothing.
    pub floor: Option<String>,
}

impl Record {
    pub(super) fn texts(&self, visit: &mut dyn FnMut(&'static str, &str)) {
        match self {
            Self::Order(row) => {
                for text in [
                    &row.id,
                    &row.store,
                    &row.terminal,
                    &row.receipt_code,
                    &row.currency,
                ] {
                    visit("order", text);
                }
                for text in [&row.staff, &row.member, &row.quote_id, &row.external_id] {
                    visit("order", text.as_deref().unwrap_or(""));
                }
            }
            Self::Refund(row) => {
                for text in [
                    &row.id,
                    &row.order_id,
                    &row.store,
                    &row.terminal,
                    &row.currency,
                ] {
                    visit("refund", text);
                }
                visit("refund", row.staff.as_deref().unwrap_or(""));
            }
            Self::Claim(row) => {
                for text in [
                    &row.id,
                    &row.order_id,
                    &row.member,
                    &row.store,
                    &row.terminal,
                ] {
                    visit("claim", text);
                }
                visit("claim", row.staff.as_deref().unwrap_or(""));
            }
            Self::Settlement(row) => {
                visit("currency", &row.currency);
                visit("settled by", &row.settled_by);
            }
            Self::Exchange(row) => {
                for text in [&row.id, &row.member, &row.reward, &row.codes, &row.store] {
                    visit("exchange", text);
                }
            }
            Self::Merge(row) => {
                for text in [
                    &row.id,
                    &row.member,
                    &row.survivor,
                    &row.merged_by,
                    &row.moved,
                ] {
                    visit("merge", text);
                }
            }
            Self::MemberState(row) => {
                visit("member", &row.member);
                visit("status", &row.status);
                visit("member", row.merged_into.as_deref().unwrap_or(""));
            }
            Self::Card(row) => {
                for text in [&row.number, &row.kind, &row.status] {
                    visit("card", text);
                }
                for text in [&row.member, &row.card_type, &row.batch, &row.replaced_by] {
                    visit("card", text.as_deref().unwrap_or(""));
                }
            }
            Self::CardActivation(row) => {
                for text in [&row.number, &row.member, &row.store, &row.currency] {
                    visit("card", text);
                }
                for text in [&row.tender, &row.tier] {
                    visit("card", text.as_deref().unwrap_or(""));
                }
            }
            Self::PlannedTopUp(row) => {
                for text in [&row.id, &row.member, &row.plan, &row.codes] {
                    visit("top-up", text);
                }
                visit("top-up", row.tier.as_deref().unwrap_or(""));
            }
            Self::PrizeDraw(row) => {
                for text in [&row.id, &row.name, &row.prizes, &row.seed_hash] {
                    visit("prize draw", text);
                }
            }
            Self::PrizeDrawEnd { draw, seed } => {
                visit("prize draw", draw);
                visit("prize draw", seed);
            }
            Self::PrizeOutcome(row) => {
                for text in [&row.id, &row.draw, &row.member, &row.codes, &row.store] {
                    visit("prize", text);
                }
            }
            Self::Occasion(row) => {
                for text in [&row.id, &row.member, &row.name, &row.kind, &row.store] {
                    visit("occasion", text);
                }
                visit("occasion", row.order.as_deref().unwrap_or(""));
            }
            Self::Evaluation(row) => {
                for text in [
                    &row.subject,
                    &row.binding_id,
                    &row.component_digest,
                    &row.config_hash,
                    &row.kind,
                ] {
                    visit("evaluation", text);
                }
            }
            Self::Event(row) => {
                for text in [&row.kind, &row.subject, &row.payload] {
                    visit("event", text);
                }
                visit("event", row.store.as_deref().unwrap_or(""));
            }
            Self::MemberDay(row) => {
                visit("member", &row.member);
                visit("category", &row.category);
            }
            Self::MemberOrders { member, .. } => visit("member", member),
            Self::MemberTier(row) => {
                visit("member", &row.member);
                visit("tier", row.tier.as_deref().unwrap_or(""));
                visit("tier", row.floor.as_deref().unwrap_or(""));
            }
        }
    }
}
