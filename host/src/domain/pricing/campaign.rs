//! Campaigns as the pricing sees them, and the seam behind which rules run.

use serde::{Deserialize, Serialize};

use crate::domain::rules::{
    CounterPeriod, CounterScope, Needs, PointsFacts, PointsProposal, PromotionFacts,
    PromotionProposal, ReferralFacts, ReferralProposal, RuleKind, TierDecision, TierFacts,
};

/// One binding of a plugin: what is live in a store for one order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Campaign {
    pub campaign: CampaignRef,
    pub stage: Stage,
    /// Higher goes first within its stage; ties go by binding id.
    pub priority: i32,
    pub group: Option<Group>,
    pub base: Base,
    pub on_fault: OnFault,
    pub needs: Needs,
    /// Answers to `needs.aggregates`, the order itself left out.
    pub aggregates: Vec<i64>,
    /// Answers to `needs.counters`.
    pub counters: Vec<i64>,
    /// Presented codes that belong to this binding.
    pub codes: Vec<String>,
    /// Most it may take off one order, minor units.
    pub max_discount: Option<i64>,
    /// Limits and budgets the host keeps for the binding.
    pub usage: Vec<UsageLimit>,
}

/// Who did it, as an order remembers for ever.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CampaignRef {
    pub binding: String,
    pub kind: RuleKind,
    pub plugin: String,
    pub version: String,
    /// Hex digest of the component.
    pub digest: String,
    /// Hex hash of the checked configuration.
    pub config: String,
}

/// When a promotion is asked: each stage sees what the earlier ones left. Other kinds ignore it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    Lines,
    Order,
    Coupons,
}

/// Campaigns that exclude each other. A group stands where its first member stands, and all its members
/// are asked there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    pub name: String,
    pub choice: Choice,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Choice {
    /// The one worth most to the customer; ties go by priority, then binding id.
    Best,
    /// The first by priority that has an effect.
    First,
}

/// Which amounts a promotion works on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Base {
    /// List or member price, whatever other campaigns took off.
    Initial,
    /// What is left after the campaigns before it.
    Discounted,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnFault {
    /// The order goes on without it and says so.
    Skip,
    /// The order is refused.
    RefuseOrder,
}

/// A limit the host keeps for a binding, in uses or as a budget.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsageLimit {
    /// Lower-case letters, digits and hyphens.
    pub name: String,
    pub scope: CounterScope,
    pub period: CounterPeriod,
    pub counts: UsageUnit,
    pub limit: i64,
    /// What is used already.
    pub used: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UsageUnit {
    /// Orders.
    Uses,
    /// Minor units of discount.
    Money,
    /// Points awarded.
    Points,
}

impl UsageLimit {
    /// What may still be used, never below zero.
    pub fn left(&self) -> i64 {
        self.limit.saturating_sub(self.used).max(0)
    }
}

/// Why a rule gave no usable answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct RuleFault {
    pub kind: FaultKind,
    /// A sentence for the operator.
    pub message: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FaultKind {
    /// The rule itself answered an error.
    Refused,
    /// It trapped.
    Trap,
    OutOfFuel,
    OutOfMemory,
    /// The wall clock ran out.
    TimedOut,
    /// It answered what breaks an invariant.
    Nonsense,
    /// A counter or limit leaves no room for it.
    LimitReached,
    /// It could not be loaded.
    Unavailable,
}

/// Runs rules. `campaign` is the position in `PriceInput::campaigns`; facts are whole and owned so that an
/// implementation may take them apart. Calls come one after another, in the order of `Priced::calls`.
pub trait Rules {
    fn promotion(
        &mut self,
        campaign: usize,
        facts: PromotionFacts,
    ) -> Result<PromotionProposal, RuleFault>;
    fn points(&mut self, campaign: usize, facts: PointsFacts) -> Result<PointsProposal, RuleFault>;
    fn tier(&mut self, campaign: usize, facts: TierFacts) -> Result<TierDecision, RuleFault>;
    fn referral(
        &mut self,
        campaign: usize,
        facts: ReferralFacts,
    ) -> Result<ReferralProposal, RuleFault>;
}
