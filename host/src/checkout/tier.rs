//! A member's tier as a sale, a refund or a claim leaves it.

use crate::domain::facts::BaseFacts;
use crate::domain::ledger::{EventRow, MemberTierRow, Record};
use crate::domain::order::{OrderDocument, TierOutcome};
use crate::domain::rules::{TierDecision, Trigger};
use crate::domain::tier_floor::TierFloor;
use crate::domain::time::{Day, Instant};
use crate::host::Host;
use crate::store::occasions;

use super::error::CheckoutError;

/// How long after a sale a lost answer is still asked for. Later, a gift would follow rules the sale knew nothing of.
const ASKED_AGAIN_SECONDS: i64 = 86_400;

/// Asks what a tier that a sale or a claim led to gives. Rules raise at sales and lower at refunds and reviews.
pub async fn reached(host: &Host, order: &str, document: &OrderDocument) {
    let outcome = document.tier.as_ref();
    let outcome = outcome.filter(|outcome| outcome.changes_tier());
    let tier = outcome.and_then(|outcome| outcome.decision.tier.as_ref());
    if let (Some(tier), Some(member)) = (tier, &document.member) {
        crate::occasions::tier_reached(host, member, tier, document, order).await;
    }
}

/// Asks again when the answer to a sale or a claim is repeated: a host that stopped between the commit and the asking
/// gave none, so its client asks for it. The gift itself is given once.
pub async fn reached_before(
    host: &Host,
    order: &str,
    document: &OrderDocument,
    done_at: Instant,
) -> Result<(), CheckoutError> {
    let is_recent = host.clock.now() < done_at.plus_seconds(ASKED_AGAIN_SECONDS);
    let raised = document.tier.as_ref();
    if !is_recent || !raised.is_some_and(TierOutcome::changes_tier) {
        return Ok(());
    }
    let given = {
        let mut conn = host.db.read().await?;
        occasions::of_order(&mut conn, order).await?
    };
    if !given
        .iter()
        .any(|row| row.kind == Trigger::TierReached.name())
    {
        reached(host, order, document).await;
    }
    Ok(())
}

/// What a decision writes: nothing where it leaves everything as it was told, and an event where the tier itself is
/// another. `facts` are those of the member before it.
pub fn records(
    member: &str,
    store: &str,
    facts: &BaseFacts,
    outcome: &TierOutcome,
    today: Day,
) -> Vec<Record> {
    decided(
        member,
        store,
        facts,
        (&outcome.decision, outcome.floor.as_ref()),
        today,
    )
}

/// The same of a decision beside the floor it was made with.
pub fn decided(
    member: &str,
    store: &str,
    facts: &BaseFacts,
    (decision, floor): (&TierDecision, Option<&TierFloor>),
    today: Day,
) -> Vec<Record> {
    let before = facts.own_tier();
    let same_multiplier = before
        .as_ref()
        .is_some_and(|own| own.multiplier == decision.multiplier);
    let tier_before = before.and_then(|own| own.tier);
    let stays = tier_before == decision.tier;
    if stays && same_multiplier && facts.tier_valid_until == decision.valid_until {
        return Vec::new();
    }
    let since = if stays { facts.tier_since } else { Some(today) };
    let mut records = vec![Record::MemberTier(MemberTierRow {
        member: member.to_owned(),
        tier: decision.tier.clone(),
        since: since.filter(|_| decision.tier.is_some()),
        valid_until: decision.valid_until,
        multiplier: (
            decision.multiplier.numerator,
            decision.multiplier.denominator,
        ),
        floor: floor.map(|floor| floor.id.clone()),
    })];
    if !stays {
        let payload =
            serde_json::json!({ "member": member, "from": tier_before, "to": decision.tier });
        records.push(Record::Event(EventRow {
            kind: "member.tier_changed".to_owned(),
            subject: member.to_owned(),
            store: Some(store.to_owned()),
            payload: payload.to_string(),
        }));
    }
    records
}
