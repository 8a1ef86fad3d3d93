//! Facts as they are stored: one base per order and one small difference per evaluation.
//!
//! What a rule is told is always built by the `*_facts` functions of [`BaseFacts`], at the till as well as
//! when an evaluation is executed again, so the stored form cannot drift from what was said.

use serde::{Deserialize, Serialize};

use super::rules::{
    Attribute, LineFacts, MemberFacts, Needs, Occasion, OrderFacts, PointsFacts, PromotionFacts,
    Ratio, ReferralFacts, ReferralOccasion, RuleKind, Shown, TenderFacts, TierFacts, Trigger,
};
use super::time::Day;

/// Everything an order's rules may be told. Lines stand at their list or member price, with every
/// attribute and with their cost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BaseFacts {
    pub order: OrderFacts,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub member: Option<MemberFacts>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tier_since: Option<Day>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tier_valid_until: Option<Day>,
    /// The tier of his own, where a paid membership lifts the member to the one the other rules see.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub own_tier: Option<OwnTier>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub referral: Option<ReferralBase>,
    pub categories: Vec<String>,
    pub tags: Vec<String>,
    pub lines: Vec<LineFacts>,
    /// The intended tenders.
    pub tenders: Vec<TenderFacts>,
    pub points_scale: u8,
}

/// What tier rules decided of a member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnTier {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tier: Option<String>,
    pub multiplier: Ratio,
}

/// Who brought the member, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReferralBase {
    pub referrer: MemberFacts,
    /// Who brought the referrer; never the member himself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub second_referrer: Option<MemberFacts>,
    pub referred_on: Day,
}

/// How one evaluation's facts differ from the base. Absent amounts, taxes and tenders are the base's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FactsDelta {
    pub kind: RuleKind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amounts: Option<Vec<i64>>,
    /// What is left of the lines, where the amounts are others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reduced: Option<Vec<i64>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taxes: Option<Vec<i64>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenders: Option<Vec<TenderFacts>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aggregates: Vec<i64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub counters: Vec<i64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub codes: Vec<String>,
    /// `facts.amount` of points and referral rules.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub amount: i64,
    /// Names of attributes passed on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attributes: Vec<String>,
    #[serde(default, skip_serializing_if = "Shown::is_nothing")]
    pub shown: Shown,
    /// Whether the amounts of this call contain tax, when that is not as on the shelf.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub includes_tax: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trigger: Option<Trigger>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub occasion: Option<Occasion>,
    /// Why a referral rule is asked, when not for an order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub referral_occasion: Option<ReferralOccasion>,
    /// The day a tier is reviewed on, when that is not the order's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub business_date: Option<Day>,
}

fn is_zero(amount: &i64) -> bool {
    *amount == 0
}

/// Facts of any kind, rebuilt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AnyFacts {
    Promotion(PromotionFacts),
    Points(PointsFacts),
    Tier(TierFacts),
    Referral(ReferralFacts),
}

/// A difference that does not fit its base.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FactsError {
    #[error(
        "the facts of a {0:?} rule need a member; the order has none, so the stored evaluation is damaged"
    )]
    NoMember(RuleKind),
    #[error(
        "the facts of a referral rule need a referrer; the order has none, so the stored evaluation is damaged"
    )]
    NoReferral,
    #[error(
        "the facts name {found} line amounts for {expected} lines, so the stored evaluation is damaged"
    )]
    Lines { found: usize, expected: usize },
}

impl FactsDelta {
    /// A difference that says only what the rule asked for.
    pub fn new(kind: RuleKind, needs: &Needs) -> Self {
        Self {
            kind,
            amounts: None,
            reduced: None,
            taxes: None,
            tenders: None,
            aggregates: Vec::new(),
            counters: Vec::new(),
            codes: Vec::new(),
            amount: 0,
            attributes: needs.attributes.clone(),
            shown: needs.shown,
            includes_tax: None,
            trigger: None,
            occasion: None,
            referral_occasion: None,
            business_date: None,
        }
    }
}

impl BaseFacts {
    /// The facts an evaluation of any kind was told.
    pub fn rebuild(&self, delta: &FactsDelta) -> Result<AnyFacts, FactsError> {
        Ok(match delta.kind {
            RuleKind::Promotion => AnyFacts::Promotion(self.promotion_facts(delta)?),
            RuleKind::Points => AnyFacts::Points(self.points_facts(delta)?),
            RuleKind::Tier => AnyFacts::Tier(self.tier_facts(delta)?),
            RuleKind::Referral => AnyFacts::Referral(self.referral_facts(delta)?),
        })
    }

    pub fn promotion_facts(&self, delta: &FactsDelta) -> Result<PromotionFacts, FactsError> {
        Ok(PromotionFacts {
            order: self.order_facts(delta),
            member: self
                .member
                .as_ref()
                .map(|member| known_to(member, &delta.attributes)),
            categories: shown_only(delta.shown.categories, &self.categories),
            tags: shown_only(delta.shown.tags, &self.tags),
            lines: self.line_facts(delta)?,
            tenders: self.tender_facts(delta),
            shown: delta.shown,
            codes: delta.codes.clone(),
            aggregates: delta.aggregates.clone(),
            counters: delta.counters.clone(),
        })
    }

    pub fn points_facts(&self, delta: &FactsDelta) -> Result<PointsFacts, FactsError> {
        Ok(PointsFacts {
            trigger: delta.trigger.unwrap_or(Trigger::Sale),
            order: self.order_facts(delta),
            member: self.member_facts(delta)?,
            categories: shown_only(delta.shown.categories, &self.categories),
            tags: shown_only(delta.shown.tags, &self.tags),
            lines: self.line_facts(delta)?,
            tenders: self.tender_facts(delta),
            shown: delta.shown,
            amount: delta.amount,
            points_scale: self.points_scale,
            aggregates: delta.aggregates.clone(),
            counters: delta.counters.clone(),
        })
    }

    /// The tier tier rules decided, and its multiplier; none without a member.
    pub fn own_tier(&self) -> Option<OwnTier> {
        let member = self.member.as_ref()?;
        let held = || OwnTier {
            tier: member.tier.clone(),
            multiplier: member.tier_multiplier,
        };
        Some(self.own_tier.clone().unwrap_or_else(held))
    }

    pub fn tier_facts(&self, delta: &FactsDelta) -> Result<TierFacts, FactsError> {
        let mut member = self.member_facts(delta)?;
        if let Some(own) = &self.own_tier {
            member.tier.clone_from(&own.tier);
            member.tier_multiplier = own.multiplier;
        }
        Ok(TierFacts {
            occasion: delta.occasion.unwrap_or(Occasion::Sale),
            member,
            tier_since: self.tier_since,
            tier_valid_until: self.tier_valid_until,
            business_date: delta.business_date.unwrap_or(self.order.business_date),
            currency: self.order.currency.clone(),
            currency_scale: self.order.currency_scale,
            aggregates: delta.aggregates.clone(),
        })
    }

    pub fn referral_facts(&self, delta: &FactsDelta) -> Result<ReferralFacts, FactsError> {
        let referral = self.referral.as_ref().ok_or(FactsError::NoReferral)?;
        Ok(ReferralFacts {
            occasion: delta.referral_occasion.unwrap_or(ReferralOccasion::Order),
            order: self.order_facts(delta),
            amount: delta.amount,
            referee: self.member_facts(delta)?,
            referrer: known_to(&referral.referrer, &delta.attributes),
            second_referrer: referral
                .second_referrer
                .as_ref()
                .map(|member| known_to(member, &delta.attributes)),
            referred_on: referral.referred_on,
            points_scale: self.points_scale,
            aggregates: delta.aggregates.clone(),
            counters: delta.counters.clone(),
        })
    }

    fn order_facts(&self, delta: &FactsDelta) -> OrderFacts {
        OrderFacts {
            attributes: only(&self.order.attributes, &delta.attributes),
            store_attributes: only(&self.order.store_attributes, &delta.attributes),
            prices_include_tax: delta.includes_tax.unwrap_or(self.order.prices_include_tax),
            currency: self.order.currency.clone(),
            store: self.order.store.clone(),
            region: self.order.region.clone(),
            ..self.order
        }
    }

    fn member_facts(&self, delta: &FactsDelta) -> Result<MemberFacts, FactsError> {
        let member = self
            .member
            .as_ref()
            .ok_or(FactsError::NoMember(delta.kind))?;
        Ok(known_to(member, &delta.attributes))
    }

    fn tender_facts(&self, delta: &FactsDelta) -> Vec<TenderFacts> {
        delta
            .tenders
            .clone()
            .unwrap_or_else(|| self.tenders.clone())
    }

    fn line_facts(&self, delta: &FactsDelta) -> Result<Vec<LineFacts>, FactsError> {
        let expected = self.lines.len();
        for found in [&delta.amounts, &delta.reduced, &delta.taxes]
            .into_iter()
            .flatten()
            .map(Vec::len)
        {
            if found != expected {
                return Err(FactsError::Lines { found, expected });
            }
        }
        let told = |(position, line): (usize, &LineFacts)| {
            let of = |values: &Option<Vec<i64>>| values.as_ref().map(|values| values[position]);
            let amount = of(&delta.amounts).unwrap_or(line.amount);
            LineFacts {
                product: match delta.shown.products {
                    true => line.product.clone(),
                    false => String::new(),
                },
                tags: shown_only(delta.shown.tags, &line.tags),
                amount,
                reduced_amount: of(&delta.reduced).unwrap_or(amount),
                tax: of(&delta.taxes).unwrap_or(line.tax),
                cost: line.cost.filter(|_| delta.shown.cost),
                attributes: only(&line.attributes, &delta.attributes),
                ..*line
            }
        };
        Ok(self.lines.iter().enumerate().map(told).collect())
    }
}

fn shown_only<T: Clone>(shown: bool, values: &[T]) -> Vec<T> {
    if shown { values.to_vec() } else { Vec::new() }
}

fn only(attributes: &[Attribute], names: &[String]) -> Vec<Attribute> {
    attributes
        .iter()
        .filter(|(name, _)| names.contains(name))
        .cloned()
        .collect()
}

fn known_to(member: &MemberFacts, names: &[String]) -> MemberFacts {
    MemberFacts {
        id: member.id.clone(),
        tier: member.tier.clone(),
        segments: member.segments.clone(),
        attributes: only(&member.attributes, names),
        ..*member
    }
}
