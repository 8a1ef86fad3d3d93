//! The tier a refund leaves a member with, where the chain reviews tiers at a refund. What goes back never depends
//! on it.

use std::sync::Arc;

use crate::domain::facts::BaseFacts;
use crate::domain::ledger::Step;
use crate::domain::order::{OrderDocument, PurchaseSum};
use crate::domain::pricing::{ReviewInput, review_tier};
use crate::domain::refund::{RefundPlan, TierReview};
use crate::domain::rules::{MemberFacts, Occasion, OrderFacts, RuleKind};
use crate::domain::time::Instant;
use crate::host::Host;
use crate::snapshot::{Bound, Place, Snapshot};
use crate::store::counters;
use crate::store::members::{self, MemberName};
use crate::tier_floors::floor_of;

use super::campaigns::{Reader, first_day};
use super::error::CheckoutError;
use super::rules::{ask, evaluations};
use super::situation::{member_facts, to_day};
use super::stored::Evaluation;

/// What rules were asked because of a refund, and what they decided.
pub struct Review {
    pub tier: Option<TierReview>,
    pub facts: BaseFacts,
    pub evaluations: Vec<Evaluation>,
    /// The step that refuses the refund where another one of the member came between, whose purchases this review
    /// still counted.
    pub turn: Step,
}

/// Counts the reviewed refunds of a member.
const TURNS: &str = "tier-review";

/// Asks the tier rules live in the order's store with the member's purchases as the refund leaves them.
pub async fn after_refund(
    host: &Host,
    snapshot: &Snapshot,
    place: &Place,
    document: &OrderDocument,
    plan: &RefundPlan,
    now: Instant,
) -> Result<Option<Review>, CheckoutError> {
    if !place.settings.tier_review_on_refund {
        return Ok(None);
    }
    let Some(member) = &document.member else {
        return Ok(None);
    };
    let mut bound = snapshot.live_in(place, now);
    bound.retain(|bound| bound.kind == RuleKind::Tier);
    if bound.is_empty() {
        return Ok(None);
    }
    let today = place.day(now);
    let mut conn = host.db.read().await?;
    // Before anything a refund changes is read.
    let turns = counters::values(&mut conn, &[(member.clone(), TURNS.to_owned())]).await?;
    let Some(found) = members::known(&mut conn, MemberName::Id(member)).await? else {
        return Ok(None);
    };
    let (mut known, own_tier) = member_facts(host, &mut conn, &found, today).await?;
    let member = found.member;
    let floor = floor_of(&mut conn, &bound, &member).await?;
    known.orders_before = known
        .orders_before
        .saturating_sub(u32::from(plan.completes));
    let mut facts = BaseFacts {
        tier_since: member.tier_since.map(to_day),
        tier_valid_until: member.tier_valid_until.map(to_day),
        own_tier,
        ..facts_today(place, document.points_scale, known, now)
    };
    // What was sold stays in the currency it was sold in.
    facts.order.currency.clone_from(&document.currency);
    facts.order.currency_scale = document.currency_scale;
    facts.order.prices_include_tax = document.prices_include_tax;
    let reader = Reader {
        place,
        day: today,
        member: Some(&member.id),
        referrer: None,
    };
    let campaigns = reader.campaigns(&mut conn, &bound, &[]).await?;
    drop(conn);
    let (change, day) = (lost(plan), document.business_date);
    let asked: Vec<Arc<Bound>> = bound.clone();
    let ((reviewed, facts, campaigns, floor), runs) = ask(host, asked, move |rules| {
        let input = ReviewInput {
            occasion: Occasion::Refund,
            facts: &facts,
            today,
            campaigns: &campaigns,
            change: &change,
            day,
            first_day,
            floor: floor.as_ref(),
        };
        let reviewed = review_tier(&input, rules);
        (reviewed, facts, campaigns, floor)
    })
    .await?;
    let reviewed = reviewed?;
    let tier = reviewed.decided.map(|(campaign, decision)| TierReview {
        campaign: campaigns[campaign].campaign.clone(),
        before: facts.own_tier().and_then(|own| own.tier),
        decision,
        floor,
    });
    Ok(Some(Review {
        tier,
        evaluations: evaluations(reviewed.calls, runs, &bound)?,
        turn: Step::TakeTurn {
            owner: member.id,
            name: TURNS.to_owned(),
            number: turns.first().copied().unwrap_or(0),
        },
        facts,
    }))
}

/// What the refund takes from the member's purchases.
fn lost(plan: &RefundPlan) -> Vec<PurchaseSum> {
    let taken = plan.purchases.iter().map(|sum| PurchaseSum {
        category: sum.category.clone(),
        spend: -sum.spend,
        orders: -sum.orders,
        units: -sum.units,
        points: -sum.points,
    });
    taken.collect()
}

/// A member at a store today, without a basket.
pub fn facts_today(
    place: &Place,
    points_scale: u8,
    member: MemberFacts,
    now: Instant,
) -> BaseFacts {
    BaseFacts {
        order: OrderFacts {
            currency: place.store.currency.clone(),
            currency_scale: place.currency_scale,
            occurred_at: now,
            utc_offset_minutes: place.offset_minutes(now),
            business_date: place.day(now),
            store: place.store.id.clone(),
            region: place.store.region.clone(),
            prices_include_tax: place.settings.prices_include_tax,
            attributes: Vec::new(),
            store_attributes: place.attributes.clone(),
        },
        member: Some(member),
        tier_since: None,
        tier_valid_until: None,
        own_tier: None,
        referral: None,
        categories: Vec::new(),
        tags: Vec::new(),
        lines: Vec::new(),
        tenders: Vec::new(),
        points_scale,
    }
}
