//! A claim: the points of a sale made without a member, given to the customer who comes back with the receipt.

use std::sync::Arc;

use crate::access::Principal;
use crate::domain::claim::{self, Since};
use crate::domain::facts::BaseFacts;
use crate::domain::ledger::{
    ClaimRow, Command, EventRow, OrderRow, Receipt, Record, Refusal, Step, Subject, points_asset,
};
use crate::domain::order::OrderDocument;
use crate::domain::pricing::{Campaign, ClaimInput, MemberInput, Priced, Wallet};
use crate::domain::rules::RuleKind;
use crate::domain::time::Day;
use crate::host::Host;
use crate::snapshot::{Bound, Place, Snapshot};
use crate::store::claims;
use crate::store::orders::{self, OrderName};
use crate::tier_floors::floor_of;

use super::Intent;
use super::campaigns::{Reader, first_day};
use super::codes;
use super::commit::purchases;
use super::error::CheckoutError;
use super::request::ClaimRequest;
use super::rules::{ask, evaluations};
use super::situation::{find_member, member_input};
use super::stored::{Evaluation, base_facts, evaluation_rows, pack, unpack};
use super::{posting, tier};

/// How often an order is read again because something else happened to it meanwhile.
const TRIES: usize = 4;

/// What a claim led to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claiming {
    pub claim: String,
    pub replayed: bool,
}

/// Gives a member what an order without one would have earned him.
pub async fn claim(
    host: &Arc<Host>,
    caller: &Principal,
    request: ClaimRequest,
    intent: Intent,
) -> Result<Claiming, CheckoutError> {
    if let Some(receipt) = super::recall(host, &intent).await? {
        asked_again(host, &receipt.subject.id).await?;
        return Ok(Claiming {
            claim: receipt.subject.id,
            replayed: true,
        });
    }
    for _ in 0..TRIES {
        match attempt(host, caller, &request, &intent).await {
            // Claimed or refunded a moment ago: read again, the next try says which.
            Err(CheckoutError::Ledger(Refusal::OrderChanged { .. })) => {}
            Err(error) => return Err(error),
            Ok(receipt) => {
                return Ok(Claiming {
                    claim: receipt.subject.id,
                    replayed: receipt.replayed,
                });
            }
        }
    }
    Err(CheckoutError::OrderContended)
}

/// See [`tier::reached_before`].
async fn asked_again(host: &Host, claim: &str) -> Result<(), CheckoutError> {
    let claim = {
        let mut conn = host.db.read().await?;
        claims::by_id(&mut conn, claim).await?
    };
    let Some(claim) = claim else { return Ok(()) };
    tier::reached_before(
        host,
        &claim.order_id,
        &unpack(&claim.doc)?,
        claim.occurred_at,
    )
    .await
}

async fn attempt(
    host: &Arc<Host>,
    caller: &Principal,
    request: &ClaimRequest,
    intent: &Intent,
) -> Result<Receipt, CheckoutError> {
    let (order, document) = claimable(host, caller, request).await?;
    let snapshot = host.snapshots.current().ok_or(CheckoutError::NoChain)?;
    let place = snapshot
        .place(&order.store)
        .ok_or_else(|| CheckoutError::StoreUnknown(order.store.clone()))?;
    let now = host.clock.now();
    let today = place.day(now);
    let facts = base_facts(&order.facts)?;
    let known = known(host, &snapshot, &place, &document, request, today).await?;
    let member = known.member.facts.id.clone();
    let counted = document.counters.len();
    let (mut priced, asked) =
        priced(host, Arc::clone(&place), document, facts, known, today).await?;
    let claimed = &mut priced.document;
    codes::find_honouring(claimed, &snapshot, &place, now);
    claimed.assign_lots(&mut || uuid::Uuid::now_v7().to_string());
    claimed.assign_codes(super::stored::receipt_code)?;
    let id = uuid::Uuid::now_v7().to_string();
    let mut command = Command::new("claim", Subject::new("claim", &id), now, today);
    command.operation = Some(intent.clone().into());
    command.steps.push(Step::ClaimOrder {
        order: order.id.clone(),
    });
    let points = points_asset(crate::domain::ledger::DEFAULT_PROGRAM);
    command
        .steps
        .extend(posting::given(&order.id, claimed, counted, today, &points)?);
    let cost = posting::sold_cost(claimed)?;
    command.steps.extend(posting::points_cost(claimed, cost)?);
    command.clearing = place.clearing();
    command.records.push(Record::Claim(Box::new(ClaimRow {
        id: id.clone(),
        order_id: order.id.clone(),
        member: member.clone(),
        store: order.store.clone(),
        terminal: caller
            .terminal
            .clone()
            .unwrap_or_else(|| caller.key.clone()),
        staff: caller.staff.as_ref().map(|staff| staff.id.clone()),
        occurred_at: now,
        business_date: today,
        doc: pack(&*claimed)?,
        facts: pack(&priced.facts)?,
    })));
    let asked = evaluation_rows(&id, &asked)?;
    let asked = asked
        .into_iter()
        .map(|row| Record::Evaluation(Box::new(row)));
    command.records.extend(asked);
    command
        .records
        .extend(purchases(&member, claimed.business_date, claimed));
    command.records.push(Record::MemberOrders {
        member: member.clone(),
        change: 1,
    });
    if let Some(outcome) = &claimed.tier {
        let store = &order.store;
        command
            .records
            .extend(tier::records(&member, store, &priced.facts, outcome, today));
    }
    let entered = super::commit::draws(&order.id, claimed);
    command.records.extend(entered);
    let payload = serde_json::json!({
        "order": order.id,
        "claim": id,
        "points_earned": claimed.totals.points_earned,
    });
    command.records.push(Record::Event(EventRow {
        kind: "order.claimed".to_owned(),
        subject: order.id.clone(),
        store: Some(order.store),
        payload: payload.to_string(),
    }));
    let receipt = host.writer.submit(command).await?;
    if !receipt.replayed {
        tier::reached(host, &order.id, claimed).await;
    }
    Ok(receipt)
}

/// The order behind the code on a receipt, if a caller of its store may claim it today.
async fn claimable(
    host: &Host,
    caller: &Principal,
    request: &ClaimRequest,
) -> Result<(OrderRow, OrderDocument), CheckoutError> {
    let code = request.receipt_code.trim().to_uppercase();
    let mut conn = host.db.read().await?;
    let order = orders::order_by(&mut conn, &OrderName::Receipt(code))
        .await?
        .ok_or_else(|| CheckoutError::OrderUnknown(request.receipt_code.clone()))?;
    caller.require_store(&order.store)?;
    let snapshot = host.snapshots.current().ok_or(CheckoutError::NoChain)?;
    let place = snapshot
        .place(&order.store)
        .ok_or_else(|| CheckoutError::StoreUnknown(order.store.clone()))?;
    let document: OrderDocument = unpack(&order.doc)?;
    let since = Since {
        claimed: claims::of_order(&mut conn, &order.id).await?.is_some(),
        refunded: !orders::refunds_of(&mut conn, &order.id).await?.is_empty(),
    };
    let today = place.day(host.clock.now());
    claim::check(&document, since, place.settings.claim_days, today)?;
    if order.facts.is_empty() {
        // They were archived when nobody could claim it any more, and the chain has become more generous since.
        let last = order.business_date;
        return Err(claim::ClaimError::TooLate { last }.into());
    }
    Ok((order, document))
}

/// The member who claims, and the rules to ask about him.
struct Known {
    member: MemberInput,
    bound: Vec<Arc<Bound>>,
    campaigns: Vec<Campaign>,
}

/// Points rules are those in force when it was sold, told what was counted by that day; a tier is reviewed as of
/// today, or a claim could take away what was reached since.
async fn known(
    host: &Host,
    snapshot: &Snapshot,
    place: &Place,
    document: &OrderDocument,
    request: &ClaimRequest,
    today: Day,
) -> Result<Known, CheckoutError> {
    let mut conn = host.db.read().await?;
    let known = find_member(host, &mut conn, &request.member).await?;
    let sold_on = document.business_date;
    // What he has in his wallet decides nothing: the order is paid.
    let mut member = member_input(host, &mut conn, &known, Wallet::default(), sold_on).await?;
    let mut bound = snapshot.live_in(place, document.occurred_at);
    bound.retain(|bound| bound.kind == RuleKind::Points);
    let mut reviewing = snapshot.live_in(place, host.clock.now());
    reviewing.retain(|bound| bound.kind == RuleKind::Tier);
    member.tier_floor = floor_of(&mut conn, &reviewing, &known.member).await?;
    let reader = |day| Reader {
        place,
        day,
        member: Some(&known.member.id),
        referrer: None,
    };
    let mut campaigns = reader(sold_on).campaigns(&mut conn, &bound, &[]).await?;
    campaigns.extend(reader(today).campaigns(&mut conn, &reviewing, &[]).await?);
    bound.append(&mut reviewing);
    Ok(Known {
        member,
        bound,
        campaigns,
    })
}

async fn priced(
    host: &Host,
    place: Arc<Place>,
    document: OrderDocument,
    facts: BaseFacts,
    known: Known,
    today: Day,
) -> Result<(Priced, Vec<Evaluation>), CheckoutError> {
    let bound = known.bound.clone();
    let (outcome, runs) = ask(host, known.bound, move |rules| {
        let input = ClaimInput {
            settings: &place.settings,
            document: &document,
            facts: &facts,
            member: known.member,
            campaigns: &known.campaigns,
            today,
            first_day,
        };
        crate::domain::pricing::claim(&input, rules)
    })
    .await?;
    let mut priced = outcome?;
    let calls = std::mem::take(&mut priced.calls);
    Ok((priced, evaluations(calls, runs, &bound)?))
}
