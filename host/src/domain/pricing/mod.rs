//! Pricing: a basket, a store's settings and its campaigns become an order document, or a refusal.
//!
//! [`price`] is a pure function of its input and of what the rules answer. The order of work is that of
//! a quote: list or member price, promotions by stage, tax, tenders with cash rounding, points, tier,
//! referral. The host alone decides how proposals stack; see `promotions`.

mod allocation;
mod benefits;
mod campaign;
mod checks;
mod claim;
mod codes;
mod groups;
mod occasion;
mod opening;
mod promotions;
mod review;
mod tax;
mod tenders;
mod work;

#[cfg(test)]
pub(crate) mod tests;

use serde::{Deserialize, Serialize};
use tessera_money::Overflow;

pub use campaign::{
    Base, Campaign, CampaignRef, Choice, FaultKind, Group, OnFault, RuleFault, Rules, Stage,
    UsageLimit, UsageUnit,
};
pub use claim::{ClaimInput, claim};
pub use occasion::{Happening, OccasionInput, occasion};
pub use review::{ReviewInput, Reviewed, review_tier};
pub use tenders::Wallet;
pub(crate) use tenders::round_cash;

use super::basket::{Basket, BasketError};
use super::card_discount::HeldDiscount;
use super::facts::{BaseFacts, FactsDelta, FactsError, OwnTier, ReferralBase};
use super::order::{CodeRefusal, OrderDocument};
use super::rules::{MemberFacts, OrderFacts};
use super::settings::CheckoutSettings;
use super::tier_floor::TierFloor;
use super::time::Day;

/// Campaigns asked for one order.
pub const MAX_CAMPAIGNS: usize = 256;

/// Everything a price depends on beside the rules themselves.
#[derive(Debug, Clone)]
pub struct PriceInput<'a> {
    pub settings: &'a CheckoutSettings,
    pub basket: &'a Basket,
    /// Where and when; the settings, not this, say whether prices include tax.
    pub order: OrderFacts,
    pub member: Option<MemberInput>,
    /// Present when the member was brought by another and his orders may still pay for it.
    pub referral: Option<ReferralBase>,
    /// What is live in the store for this order, in any order.
    pub campaigns: &'a [Campaign],
    /// Codes of the basket that no campaign was given, and why.
    pub refused_codes: &'a [(String, CodeRefusal)],
    pub points_scale: u8,
    /// Present when the sale happened already and is a fact.
    pub recorded: Option<RecordedSale>,
}

#[derive(Debug, Clone)]
pub struct MemberInput {
    pub facts: MemberFacts,
    pub tier_since: Option<Day>,
    pub tier_valid_until: Option<Day>,
    /// The tier of his own, where a paid membership lifts him.
    pub own_tier: Option<OwnTier>,
    /// The tier somebody gave him, also where its last day is over.
    pub tier_floor: Option<TierFloor>,
    /// What his cards take off.
    pub card_discounts: Vec<HeldDiscount>,
    pub wallet: Wallet,
}

/// A sale booked after it happened: balances do not refuse it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RecordedSale {
    /// What the customer paid before cash rounding, tax included; what the rules answer when absent.
    pub total: Option<i64>,
}

/// A priced order and the calls that led to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Priced {
    pub document: OrderDocument,
    /// What rules were told, once; each call says how its facts differ.
    pub facts: BaseFacts,
    /// Every call, in the order it was made.
    pub calls: Vec<RuleCall>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleCall {
    /// Position in `PriceInput::campaigns`.
    pub campaign: usize,
    pub delta: FactsDelta,
    pub outcome: CallOutcome,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CallOutcome {
    Used,
    NoEffect,
    /// Another member of its group was preferred.
    PassedOver,
    /// No usable answer; the document's `skipped` says why.
    Faulted,
}

/// Why a basket got no price. Positions are those of the request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PricingError {
    #[error(transparent)]
    Basket(#[from] BasketError),
    #[error("the basket is in {basket} but the store sells in {store}; send amounts in {store}")]
    Currency { basket: String, store: String },
    #[error(
        "line {line} has the tax class `{class}`, which the store does not know; add it to the tax settings"
    )]
    TaxClass { line: usize, class: String },
    #[error("{count} campaigns are live for this order; keep it to 256 per store")]
    TooManyCampaigns { count: usize },
    #[error("the campaign {binding} ({plugin}) must answer before this order can go on: {fault}")]
    RuleRefused {
        binding: String,
        plugin: String,
        fault: RuleFault,
    },
    #[error(
        "tender {position} spends a member's points or stored value; identify the member first"
    )]
    NeedsMember { position: usize },
    #[error(
        "tender {position} pays with points, which this store does not take; use another tender"
    )]
    PointsNotAccepted { position: usize },
    #[error(
        "tender {position} spends fewer points than the least of {minimum}; spend more or none"
    )]
    PointsBelowMinimum { position: usize, minimum: i64 },
    #[error(
        "tender {position} spends more points than the {available} available; spend at most those"
    )]
    PointsShort { position: usize, available: i64 },
    #[error(
        "tender {position} spends more than the {available} of stored value; spend at most that"
    )]
    StoredValueShort { position: usize, available: i64 },
    #[error("tender {position} pays more than the {left} left to pay; only cash gives change")]
    TenderTooMuch { position: usize, left: i64 },
    #[error(
        "tender {position} spends points or stored value, which a quote must have shown; make a new quote"
    )]
    NotAtCommit { position: usize },
    #[error("the recorded total is negative; send what the customer paid")]
    RecordedTotal,
    #[error("an amount does not fit in 64 bits; split the basket")]
    Overflow,
    #[error(transparent)]
    Facts(#[from] FactsError),
}

impl From<Overflow> for PricingError {
    fn from(_: Overflow) -> Self {
        Self::Overflow
    }
}

impl PricingError {
    /// A stable word for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Basket(_) => "basket_invalid",
            Self::Currency { .. } => "currency_mismatch",
            Self::TaxClass { .. } => "tax_class_unknown",
            Self::TooManyCampaigns { .. } => "too_many_campaigns",
            Self::RuleRefused { .. } => "rule_refused_order",
            Self::NeedsMember { .. } => "member_required",
            Self::PointsNotAccepted { .. } => "points_not_accepted",
            Self::PointsBelowMinimum { .. } => "points_below_minimum",
            Self::PointsShort { .. } => "points_short",
            Self::StoredValueShort { .. } => "stored_value_short",
            Self::TenderTooMuch { .. } => "tender_too_much",
            Self::NotAtCommit { .. } => "tender_not_quoted",
            Self::RecordedTotal => "recorded_total_invalid",
            Self::Overflow => "amount_overflow",
            Self::Facts(_) => "facts_damaged",
        }
    }

    /// JSON Pointer into the basket, where one part of it is at fault.
    pub fn pointer(&self) -> Option<String> {
        match self {
            Self::Basket(error) => Some(error.pointer.clone()),
            Self::Currency { .. } => Some("/currency".to_owned()),
            Self::TaxClass { line, .. } => Some(format!("/lines/{line}/tax_class")),
            Self::NeedsMember { position }
            | Self::PointsNotAccepted { position }
            | Self::PointsBelowMinimum { position, .. }
            | Self::PointsShort { position, .. }
            | Self::StoredValueShort { position, .. }
            | Self::TenderTooMuch { position, .. }
            | Self::NotAtCommit { position } => Some(format!("/tenders/{position}")),
            Self::RecordedTotal => Some("/total".to_owned()),
            Self::TooManyCampaigns { .. }
            | Self::RuleRefused { .. }
            | Self::Overflow
            | Self::Facts(_) => None,
        }
    }
}

/// Prices a basket. The same input and the same answers give the same document, byte for byte.
pub fn price(input: &PriceInput<'_>, rules: &mut dyn Rules) -> Result<Priced, PricingError> {
    let mut work = work::Work::start(input)?;
    promotions::settle(&mut work, rules)?;
    work.settle_tax()?;
    work.settle_till_difference()?;
    work.settle_tenders()?;
    benefits::award_points(&mut work, rules)?;
    benefits::review_tier(&mut work, rules)?;
    benefits::reward_referral(&mut work, rules)?;
    work.finish()
}
