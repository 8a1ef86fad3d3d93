//! What rules are told and what they answer: the host's own words for the records of `wit/`.
//!
//! Facts are written down with every order and read back years later to re-execute it, so fields are
//! only ever added here, each with a serde default.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::preconditions::Preconditions;
use super::time::{Day, Instant};

/// The four kinds of rule; one WIT world each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RuleKind {
    Points,
    Tier,
    Referral,
    Promotion,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Value {
    Text(String),
    Integer(i64),
    Boolean(bool),
    /// Minor units of the order's currency.
    Money(i64),
    /// At the program's scale.
    Points(i64),
    Ratio(Ratio),
    Date(Day),
}

/// An exact fraction as a rule writes it; unchecked until the host converts it to a `Rate`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ratio {
    pub numerator: i64,
    pub denominator: i64,
}

impl Default for Ratio {
    fn default() -> Self {
        Self {
            numerator: 0,
            denominator: 1,
        }
    }
}

pub type Attribute = (String, Value);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Measure {
    Spend,
    Orders,
    PointsEarned,
    Units,
    ToppedUp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Window {
    RollingDays(u32),
    CalendarMonth,
    CalendarYear,
    Lifetime,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct AggregateNeed {
    pub measure: Measure,
    pub window: Window,
    pub category: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CounterScope {
    /// In a referral rule, who brings others.
    Member,
    Store,
    Chain,
    /// The buyer, also in a referral rule.
    Referee,
}

impl CounterScope {
    /// Whether each member has his own.
    pub fn is_of_members(self) -> bool {
        matches!(self, Self::Member | Self::Referee)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CounterPeriod {
    Lifetime,
    Day,
    Month,
    Year,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct CounterNeed {
    pub name: String,
    pub scope: CounterScope,
    pub period: CounterPeriod,
    pub limit: Option<i64>,
}

/// What a configured rule wants in its facts beyond the basket.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Needs {
    pub aggregates: Vec<AggregateNeed>,
    pub counters: Vec<CounterNeed>,
    pub attributes: Vec<String>,
    #[serde(default)]
    pub shown: Shown,
    #[serde(skip)]
    pub preconditions: Arc<Preconditions>,
}

/// What a rule is shown of a basket beyond its amounts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Shown {
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub products: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub categories: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub tags: bool,
    /// Only with the permission `cost`.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub cost: bool,
}

impl Shown {
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CounterChange {
    /// Position in `Needs::counters`.
    pub counter: u32,
    pub change: i64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfigProblem {
    /// JSON Pointer into the configuration.
    pub pointer: String,
    pub message: String,
}

/// A sentence by its key in a plugin's catalogues.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    pub key: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub arguments: Vec<Attribute>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TenderKind {
    Cash,
    Card,
    Mobile,
    Points,
    StoredValue,
    Other,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TenderFacts {
    pub kind: TenderKind,
    pub amount: i64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberFacts {
    /// Pseudonymous and stable.
    pub id: String,
    pub tier: Option<String>,
    pub tier_multiplier: Ratio,
    pub enrolled_on: Day,
    pub age_band: Option<u8>,
    pub is_birthday: bool,
    pub is_birthday_month: bool,
    /// Days to the nearest birthday, below zero since; within 31 days of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub days_to_birthday: Option<i8>,
    pub orders_before: u32,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub segments: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attributes: Vec<Attribute>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineFacts {
    /// Empty for an article the till priced itself.
    pub product: String,
    /// Position in `categories`.
    pub category: u32,
    /// Thousandths of a unit.
    pub quantity: i64,
    pub unit_price: i64,
    pub list_amount: i64,
    /// What the rule works on.
    pub amount: i64,
    /// What is left after the discounts settled so far.
    #[serde(default)]
    pub reduced_amount: i64,
    pub tax: i64,
    #[serde(default)]
    pub tax_rate: Ratio,
    pub cost: Option<i64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<u32>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attributes: Vec<Attribute>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderFacts {
    pub currency: String,
    pub currency_scale: u8,
    pub occurred_at: Instant,
    pub utc_offset_minutes: i16,
    pub business_date: Day,
    pub store: String,
    pub region: String,
    pub prices_include_tax: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attributes: Vec<Attribute>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub store_attributes: Vec<Attribute>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trigger {
    Sale,
    Refund,
    Enrolment,
    TopUp,
    Birthday,
    Anniversary,
    Feedback,
    Manual,
    Referral,
    TierReached,
}

impl Trigger {
    /// The word of the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sale => "sale",
            Self::Refund => "refund",
            Self::Enrolment => "enrolment",
            Self::TopUp => "top-up",
            Self::Birthday => "birthday",
            Self::Anniversary => "anniversary",
            Self::Feedback => "feedback",
            Self::Manual => "manual",
            Self::Referral => "referral",
            Self::TierReached => "tier-reached",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PointsFacts {
    pub trigger: Trigger,
    pub order: OrderFacts,
    pub member: MemberFacts,
    pub categories: Vec<String>,
    pub tags: Vec<String>,
    pub lines: Vec<LineFacts>,
    pub tenders: Vec<TenderFacts>,
    pub shown: Shown,
    pub amount: i64,
    pub points_scale: u8,
    pub aggregates: Vec<i64>,
    pub counters: Vec<i64>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Award {
    pub points: i64,
    pub reason: Message,
    pub lines: Vec<u32>,
    pub expires_on: Option<Day>,
    pub available_on: Option<Day>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NearMiss {
    pub reason: Message,
    pub missing: Option<i64>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PointsProposal {
    pub awards: Vec<Award>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub grants: Vec<Grant>,
    pub near_misses: Vec<NearMiss>,
    pub counters: Vec<CounterChange>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PromotionFacts {
    pub order: OrderFacts,
    pub member: Option<MemberFacts>,
    pub categories: Vec<String>,
    pub tags: Vec<String>,
    pub lines: Vec<LineFacts>,
    pub tenders: Vec<TenderFacts>,
    pub shown: Shown,
    pub codes: Vec<String>,
    pub aggregates: Vec<i64>,
    pub counters: Vec<i64>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Target {
    Line(u32),
    Order,
    Lines(Vec<u32>),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Discount {
    pub target: Target,
    pub amount: i64,
    pub reason: Message,
    pub basis: Vec<u32>,
}

/// What a rule gives beside points and money off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Gift {
    Coupon,
    DrawEntry,
    /// Stored value on top of what the member paid in.
    Bonus,
}

/// Something a member gets with the entry a rule was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    pub gift: Gift,
    /// Of the binding that honours the coupons, or of the draw; empty for bonus.
    pub name: String,
    pub count: u32,
    /// Minor units of bonus.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub amount: i64,
    pub expires_on: Option<Day>,
    pub available_on: Option<Day>,
    pub reason: Message,
}

fn is_zero(amount: &i64) -> bool {
    *amount == 0
}

/// Something a side of a referral gets beside points.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SideGrant {
    pub side: Side,
    pub grant: Grant,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PromotionProposal {
    pub discounts: Vec<Discount>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub grants: Vec<Grant>,
    pub near_misses: Vec<NearMiss>,
    pub counters: Vec<CounterChange>,
    pub codes: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Occasion {
    Sale,
    Refund,
    Review,
    Enrolment,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TierFacts {
    pub occasion: Occasion,
    pub member: MemberFacts,
    pub tier_since: Option<Day>,
    pub tier_valid_until: Option<Day>,
    pub business_date: Day,
    pub currency: String,
    pub currency_scale: u8,
    pub aggregates: Vec<i64>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TierProgress {
    pub tier: String,
    pub missing: i64,
    pub reason: Message,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TierDecision {
    pub tier: Option<String>,
    pub multiplier: Ratio,
    pub valid_until: Option<Day>,
    pub reason: Message,
    pub next: Option<TierProgress>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReferralFacts {
    pub occasion: ReferralOccasion,
    pub order: OrderFacts,
    pub amount: i64,
    pub referee: MemberFacts,
    pub referrer: MemberFacts,
    pub second_referrer: Option<MemberFacts>,
    pub referred_on: Day,
    pub points_scale: u8,
    pub aggregates: Vec<i64>,
    pub counters: Vec<i64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReferralOccasion {
    Joining,
    Order,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Side {
    Referrer,
    Referee,
    SecondReferrer,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reward {
    pub side: Side,
    pub points: i64,
    pub reason: Message,
    pub expires_on: Option<Day>,
    pub available_on: Option<Day>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReferralProposal {
    pub rewards: Vec<Reward>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub grants: Vec<SideGrant>,
    pub near_misses: Vec<NearMiss>,
    pub counters: Vec<CounterChange>,
    pub clawback: bool,
}
