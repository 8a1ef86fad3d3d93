//! Points and tier of a sale that was settled without a member, for the member who claims it.

use super::benefits;
use super::campaign::{Campaign, Rules};
use super::review::{ReviewInput, review_tier};
use super::work::{Work, sum};
use super::{MemberInput, PriceInput, Priced, PricingError};
use crate::domain::basket::Basket;
use crate::domain::facts::BaseFacts;
use crate::domain::order::{OrderDocument, TierOutcome};
use crate::domain::rules::{Occasion, Window};
use crate::domain::settings::CheckoutSettings;
use crate::domain::time::Day;

/// Everything a claim depends on beside the rules themselves.
pub struct ClaimInput<'a> {
    pub settings: &'a CheckoutSettings,
    /// The order as it was recorded.
    pub document: &'a OrderDocument,
    /// What its rules were told.
    pub facts: &'a BaseFacts,
    /// The member as he is now.
    pub member: MemberInput,
    /// Points rules in force at the sale, with purchases and counters of its day; tier rules with those of today.
    pub campaigns: &'a [Campaign],
    pub today: Day,
    /// First day of a window that ends on a day.
    pub first_day: fn(Window, Day) -> Day,
}

/// The order as it stands with its member, and the calls that led there. Points are earned on the recorded lines
/// and tenders; prices, promotions and tax are what they were, and nobody is rewarded for bringing him.
pub fn claim(input: &ClaimInput<'_>, rules: &mut dyn Rules) -> Result<Priced, PricingError> {
    let member = input.member.facts.id.clone();
    let facts = BaseFacts {
        member: Some(input.member.facts.clone()),
        tier_since: input.member.tier_since,
        tier_valid_until: input.member.tier_valid_until,
        own_tier: input.member.own_tier.clone(),
        ..input.facts.clone()
    };
    let tier_before = facts.own_tier().and_then(|own| own.tier);
    let document = OrderDocument {
        member: Some(member),
        // These tell of the sale; here they tell of the claim.
        near_misses: Vec::new(),
        skipped: Vec::new(),
        passed_over: Vec::new(),
        ..input.document.clone()
    };
    // What is settled is not priced again.
    let basket = Basket::of_nothing(&document.currency, document.currency_scale);
    let settled = PriceInput {
        settings: input.settings,
        basket: &basket,
        order: facts.order.clone(),
        member: Some(input.member.clone()),
        referral: None,
        campaigns: input.campaigns,
        refused_codes: &[],
        points_scale: facts.points_scale,
        recorded: None,
    };
    let mut work = Work::settled(&settled, document, facts);
    benefits::award_points(&mut work, rules)?;
    work.document.totals.points_earned =
        sum(work.document.awards.iter().map(|award| award.points))?;
    if input.settings.tier_review_on_sale {
        let purchases = work.document.purchase_sums();
        let reviewed = review_tier(
            &ReviewInput {
                occasion: Occasion::Sale,
                facts: &work.facts,
                today: input.today,
                campaigns: input.campaigns,
                change: &purchases,
                day: work.document.business_date,
                first_day: input.first_day,
                floor: input.member.tier_floor.as_ref(),
            },
            rules,
        )?;
        work.calls.extend(reviewed.calls);
        if let Some((campaign, decision)) = reviewed.decided {
            let campaign = work.name(campaign);
            work.document.tier = Some(TierOutcome {
                campaign,
                before: tier_before,
                decision,
                floor: input.member.tier_floor.clone(),
            });
        }
    }
    Ok(Priced {
        document: work.document,
        facts: work.facts,
        calls: work.calls,
    })
}
