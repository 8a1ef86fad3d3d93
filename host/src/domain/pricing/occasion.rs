//! What rules give for something other than a sale: somebody joins, tops up, has his birthday.

use super::benefits;
use super::campaign::{Campaign, Rules};
use super::opening::empty_document;
use super::work::Work;
use super::{MemberInput, PriceInput, Priced, PricingError, RecordedSale, Wallet};
use crate::domain::basket::Basket;
use crate::domain::facts::{BaseFacts, FactsError};
use crate::domain::rules::{RuleKind, Trigger};
use crate::domain::settings::CheckoutSettings;

/// What happened to a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Happening {
    /// Points rules are asked what it earns; never a sale or a refund.
    Event(Trigger),
    /// He joined with another's referral code: referral rules are asked what it pays to both sides.
    Joining,
}

impl Happening {
    /// The rules that are asked.
    pub fn kind(self) -> RuleKind {
        match self {
            Self::Event(_) => RuleKind::Points,
            Self::Joining => RuleKind::Referral,
        }
    }

    /// The word of the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Joining => "joining",
            Self::Event(trigger) => trigger.name(),
        }
    }
}

/// Everything an occasion depends on beside the rules themselves.
pub struct OccasionInput<'a> {
    pub settings: &'a CheckoutSettings,
    pub happening: Happening,
    /// The member, where and when; there is no basket.
    pub facts: &'a BaseFacts,
    /// Money of the occasion itself, minor units, such as the principal of a top-up.
    pub amount: i64,
    pub campaigns: &'a [Campaign],
}

/// What the occasion brings, as a document without lines. It has happened, so no rule can refuse it: one that gives
/// no usable answer is left out and named in the document.
pub fn occasion(input: &OccasionInput<'_>, rules: &mut dyn Rules) -> Result<Priced, PricingError> {
    let facts = input.facts;
    let member = facts.member.clone();
    let member = member.ok_or(FactsError::NoMember(input.happening.kind()))?;
    let basket = Basket::of_nothing(&facts.order.currency, facts.order.currency_scale);
    let settled = PriceInput {
        settings: input.settings,
        basket: &basket,
        order: facts.order.clone(),
        member: Some(MemberInput {
            facts: member,
            tier_since: facts.tier_since,
            tier_valid_until: facts.tier_valid_until,
            own_tier: facts.own_tier.clone(),
            tier_floor: None,
            card_discounts: Vec::new(),
            wallet: Wallet::default(),
        }),
        referral: facts.referral.clone(),
        campaigns: input.campaigns,
        refused_codes: &[],
        points_scale: facts.points_scale,
        recorded: Some(RecordedSale::default()),
    };
    let document = empty_document(&settled, Vec::new());
    let mut work = Work::settled(&settled, document, facts.clone());
    match input.happening {
        Happening::Event(trigger) => {
            benefits::award_event(&mut work, rules, trigger, input.amount)?;
        }
        Happening::Joining => benefits::reward_joining(&mut work, rules)?,
    }
    work.finish()
}
