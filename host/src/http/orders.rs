//! `/v1/orders`: committed and recorded sales, and what came back of them.

use std::sync::Arc;

use axum::extract::{Query, State};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::answer::{At, Done};
use super::auth::Caller;
use super::error::{Language, Problem, ProblemBody};
use super::json::Keyed;
use super::problems::Code;
use super::refusals::refund_of;
use super::sale_view::{SaleView, Shown};
use super::types::{Date, Id, Quantity, Time};
use crate::access::Principal;
use crate::checkout::posting::kind_name;
use crate::checkout::request::{RecordedSale, RefundRequest};
use crate::checkout::stored::{self, Booked};
use crate::checkout::{self, Committed};
use crate::domain::ledger::RefundRow;
use crate::domain::refund::{Payout, RefundPlan};
use crate::host::Host;
use crate::store::orders::{self as rows, Asked, OrderName};
use crate::store::transfer::archived;
use crate::store::{claims, occasions};

/// A sale that is booked.
#[derive(Debug, Serialize, ToSchema)]
pub struct OrderView {
    pub id: String,
    /// Printed on the receipt; claims its points later.
    pub receipt_code: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quote: Option<String>,
    /// The till's own number of a recorded sale.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    pub terminal: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub staff: Option<String>,
    /// The refund whose worth pays for it, in an exchange.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exchange_of: Option<String>,
    #[serde(flatten)]
    pub sale: SaleView,
}

/// What came back of an order.
#[derive(Debug, Serialize, ToSchema)]
pub struct RefundView {
    pub id: String,
    pub order: String,
    /// 1 for the first refund of the order.
    pub sequence: i64,
    pub occurred_at: Time,
    pub currency: String,
    /// Worth of the returned goods, tax included.
    pub total: i64,
    /// What cash rounding adds to the cash paid out.
    pub rounding: i64,
    /// Kept back for points that were spent already.
    pub kept_back: i64,
    pub lines: Vec<RefundedLineView>,
    /// What comes back of each tender of the order, before cash rounding and what is kept back.
    pub tenders: Vec<RefundTenderView>,
    /// What is handed out, by kind of tender: cash rounded, what is kept back left out.
    pub payouts: Vec<PayoutView>,
    /// Points of the sale's own awards taken back.
    pub points_taken_back: i64,
    /// What else is taken back because of this refund.
    pub gifts_taken_back: GiftsBackView,
    /// Whether nothing of the order is left.
    pub completes: bool,
    /// The order that was sold for what came back, in an exchange.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exchanged_for: Option<String>,
    /// The member's tier, where the chain reviews it at a refund.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tier: Option<ReviewedTierView>,
}

/// Gifts of the order that go back with a refund, by the setting `refund_gifts`.
#[derive(Debug, Serialize, ToSchema)]
pub struct GiftsBackView {
    /// Points of referral rewards, both sides together.
    pub reward_points: i64,
    /// Minor units of bonus.
    pub bonus: i64,
    /// Codes of coupons that cannot be used any more.
    pub coupons: Vec<String>,
    /// Entries in prize draws.
    pub draw_entries: i64,
    /// Occasions that gave something because of the order, such as the gift of a tier, and have it taken back whole.
    pub occasions: Vec<String>,
}

impl From<&RefundPlan> for GiftsBackView {
    fn from(plan: &RefundPlan) -> Self {
        let gifts = &plan.gifts;
        Self {
            reward_points: gifts.rewards.iter().map(|back| back.points).sum(),
            bonus: gifts.bonus.iter().map(|back| back.amount).sum(),
            coupons: gifts.voided.clone(),
            draw_entries: gifts.entries.iter().map(|back| back.count).sum(),
            occasions: plan.occasions.clone(),
        }
    }
}

/// What the till hands out.
#[derive(Debug, Serialize, ToSchema)]
pub struct PayoutView {
    pub kind: &'static str,
    /// Minor units; of points and stored value their worth.
    pub amount: i64,
}

impl From<Payout> for PayoutView {
    fn from(payout: Payout) -> Self {
        Self {
            kind: kind_name(payout.kind),
            amount: payout.amount,
        }
    }
}

/// What a review of a member's tier came to.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReviewedTierView {
    pub before: Option<String>,
    pub after: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<Date>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct RefundedLineView {
    pub line: u32,
    pub quantity: Quantity,
    pub net: i64,
    pub tax: i64,
    pub gross: i64,
    /// What can still come back.
    pub remaining: Quantity,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct RefundTenderView {
    /// What it was paid with.
    pub kind: &'static str,
    /// What it is paid out as.
    pub paid_as: &'static str,
    pub amount: i64,
    pub points: i64,
    pub principal: i64,
    pub bonus: i64,
}

/// One recorded call of a rule.
#[derive(Debug, Serialize, ToSchema)]
pub struct EvaluationView {
    /// `order`, `refund`, `claim` or `occasion`: what the rule was asked for.
    pub asked_for: &'static str,
    /// Its id.
    pub subject: String,
    pub position: i64,
    pub binding: String,
    pub component_digest: String,
    pub config_hash: String,
    pub kind: String,
    /// Wasm instructions as the engine counted them.
    pub fuel: i64,
    /// How the rule's facts differed from the order's.
    #[schema(value_type = Object)]
    pub facts_difference: serde_json::Value,
    #[schema(value_type = Object)]
    pub output: serde_json::Value,
}

/// Which order is meant.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct Find {
    /// Code on the receipt.
    pub receipt_code: String,
}

/// Book a sale that already happened.
#[utoipa::path(post, path = "/v1/orders", tag = "orders", request_body = RecordedSale,
    params(("Idempotency-Key" = String, Header)),
    responses((status = 201, body = OrderView), (status = "default", body = ProblemBody)))]
pub async fn record(
    State(host): State<Arc<Host>>,
    caller: Caller,
    language: Language,
    keyed: Keyed<RecordedSale>,
) -> Result<Done<OrderView>, Problem> {
    let intent = keyed.intent();
    let done = checkout::record(&host, &caller, keyed.body, intent).await?;
    created(&host, &caller, done, language)
}

/// Read an order.
#[utoipa::path(get, path = "/v1/orders/{id}", tag = "orders", params(("id" = String, Path)),
    responses((status = 200, body = OrderView), (status = "default", body = ProblemBody)))]
pub async fn read(
    State(host): State<Arc<Host>>,
    caller: Caller,
    language: Language,
    At(id): At<Id>,
) -> Result<Done<OrderView>, Problem> {
    let order = stored::booked(&host, id.as_str()).await?;
    Ok(Done::ok(order_view(&host, &caller, order, language)?))
}

/// Find an order by the code on its receipt.
#[utoipa::path(get, path = "/v1/orders", tag = "orders", params(Find),
    responses((status = 200, body = OrderView), (status = "default", body = ProblemBody)))]
pub async fn find(
    State(host): State<Arc<Host>>,
    caller: Caller,
    language: Language,
    query: Result<Query<Find>, axum::extract::rejection::QueryRejection>,
) -> Result<Done<OrderView>, Problem> {
    let Query(find) = query
        .map_err(|error| Problem::new(Code::InvalidQuery).with("reason", error.body_text()))?;
    let mut conn = host.db.read().await?;
    let row = rows::order_by(&mut conn, &OrderName::Receipt(find.receipt_code.clone()))
        .await?
        .ok_or_else(|| Problem::unknown(Code::OrderUnknown, &find.receipt_code))?;
    Ok(Done::ok(order_view(
        &host,
        &caller,
        row.try_into()?,
        language,
    )?))
}

/// Take back part or all of an order.
#[utoipa::path(post, path = "/v1/orders/{id}/refunds", tag = "orders", request_body = RefundRequest,
    params(("id" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 201, body = RefundView), (status = "default", body = ProblemBody)))]
pub async fn refund(
    State(host): State<Arc<Host>>,
    caller: Caller,
    At(id): At<Id>,
    keyed: Keyed<RefundRequest>,
) -> Result<Done<RefundView>, Problem> {
    let intent = keyed.intent();
    let asked = keyed.body.lines.iter().flatten().map(|line| line.line);
    let asked: Vec<u32> = asked.collect();
    let done = checkout::refund(&host, &caller, id.as_str(), keyed.body, intent)
        .await
        .map_err(|error| refund_of(error, &asked))?;
    let mut conn = host.db.read().await?;
    let row = rows::refund_by_id(&mut conn, &done.refund)
        .await?
        .ok_or_else(|| Problem::internal("a refund just made cannot be read"))?;
    Ok(Done::created(
        format!("/v1/orders/{}/refunds", row.order_id),
        refund_view(&row)?,
    )
    .replayed(done.replayed))
}

/// The refunds of an order, in their sequence.
#[utoipa::path(get, path = "/v1/orders/{id}/refunds", tag = "orders", params(("id" = String, Path)),
    responses((status = 200, body = Vec<RefundView>), (status = "default", body = ProblemBody)))]
pub async fn refunds(
    State(host): State<Arc<Host>>,
    caller: Caller,
    At(id): At<Id>,
) -> Result<Done<Vec<RefundView>>, Problem> {
    let mut conn = host.db.read().await?;
    let order = rows::order_by(&mut conn, &OrderName::Id(id.as_str().to_owned()))
        .await?
        .ok_or_else(|| Problem::unknown(Code::OrderUnknown, id.as_str()))?;
    caller.require_store(&order.store)?;
    let refunds = rows::refunds_of(&mut conn, id.as_str()).await?;
    Ok(Done::ok(
        refunds.iter().map(refund_view).collect::<Result<_, _>>()?,
    ))
}

/// The recorded rule calls of an order, its claim, its refunds and what came from it, such as a tier's gift.
#[utoipa::path(get, path = "/v1/orders/{id}/evaluations", tag = "orders", params(("id" = String, Path)),
    responses((status = 200, body = Vec<EvaluationView>), (status = "default", body = ProblemBody)))]
pub async fn evaluations(
    State(host): State<Arc<Host>>,
    caller: Caller,
    At(id): At<Id>,
) -> Result<Done<Vec<EvaluationView>>, Problem> {
    let mut conn = host.db.read().await?;
    let order = rows::order_by(&mut conn, &OrderName::Id(id.as_str().to_owned()))
        .await?
        .ok_or_else(|| Problem::unknown(Code::OrderUnknown, id.as_str()))?;
    caller.require_store(&order.store)?;
    if order.facts.is_empty() {
        let files = archived(&mut conn, order.business_date).await?;
        return Err(Problem::new(Code::EvaluationsArchived)
            .with("id", &order.id)
            .with("files", files.join(", ")));
    }
    let json = |bytes: &[u8]| -> Result<serde_json::Value, Problem> { Ok(stored::unpack(bytes)?) };
    let mut subjects = vec![(Asked::Order, order.id.clone())];
    let claim = claims::of_order(&mut conn, &order.id).await?;
    subjects.extend(claim.map(|claim| (Asked::Claim, claim.id)));
    let refunds = rows::refunds_of(&mut conn, &order.id).await?;
    subjects.extend(refunds.into_iter().map(|refund| (Asked::Refund, refund.id)));
    let given = occasions::of_order(&mut conn, &order.id).await?;
    subjects.extend(given.into_iter().map(|given| (Asked::Occasion, given.id)));
    let mut views = Vec::new();
    for (asked, subject) in subjects {
        for row in rows::evaluations_of(&mut conn, &subject).await? {
            views.push(EvaluationView {
                asked_for: asked.name(),
                subject: row.subject,
                position: row.position,
                binding: row.binding_id,
                component_digest: row.component_digest,
                config_hash: row.config_hash,
                kind: row.kind,
                fuel: row.fuel,
                facts_difference: json(&row.delta)?,
                output: json(&row.output)?,
            });
        }
    }
    Ok(Done::ok(views))
}

/// The answer to whoever booked an order.
pub fn created(
    host: &Host,
    caller: &Principal,
    committed: Committed,
    language: Language,
) -> Result<Done<OrderView>, Problem> {
    let replayed = committed.replayed;
    let order = order_view(host, caller, committed.order, language)?;
    Ok(Done::created(format!("/v1/orders/{}", order.id), order).replayed(replayed))
}

/// An order, for a caller of its store.
pub fn order_view(
    host: &Host,
    caller: &Principal,
    order: Booked,
    language: Language,
) -> Result<OrderView, Problem> {
    caller.require_store(&order.document.store)?;
    let sale = Shown {
        catalog: &host.catalog,
        language,
    }
    .sale(&order.document);
    Ok(OrderView {
        id: order.id,
        receipt_code: order.receipt_code,
        quote: order.quote_id,
        external_id: order.external_id,
        terminal: order.terminal,
        staff: order.staff,
        exchange_of: order.document.exchange_of,
        sale,
    })
}

/// A refund as it is told.
pub fn refund_view(row: &RefundRow) -> Result<RefundView, Problem> {
    let plan: RefundPlan = stored::unpack(&row.doc)?;
    let lines = plan.lines.iter().map(|line| RefundedLineView {
        line: line.line,
        quantity: Quantity(line.quantity),
        net: line.net,
        tax: line.tax,
        gross: line.gross,
        remaining: Quantity(line.remaining),
    });
    let tenders = plan.tenders.iter().map(|tender| RefundTenderView {
        kind: kind_name(tender.kind),
        paid_as: kind_name(tender.paid_as),
        amount: tender.amount,
        points: tender.points,
        principal: tender.principal,
        bonus: tender.bonus,
    });
    let payouts = plan
        .payouts()
        .map_err(|_| Problem::new(Code::AmountTooLarge))?;
    let payouts = payouts.into_iter().map(PayoutView::from);
    Ok(RefundView {
        id: row.id.clone(),
        order: row.order_id.clone(),
        sequence: row.sequence,
        occurred_at: Time(row.occurred_at),
        currency: row.currency.clone(),
        total: plan.total,
        rounding: plan.rounding,
        kept_back: plan.kept_back.iter().map(|kept| kept.amount).sum(),
        lines: lines.collect(),
        tenders: tenders.collect(),
        payouts: payouts.collect(),
        points_taken_back: plan.awards.iter().map(|award| award.points).sum(),
        gifts_taken_back: GiftsBackView::from(&plan),
        completes: plan.completes,
        exchanged_for: plan.exchanged_for,
        tier: plan.tier.map(|tier| ReviewedTierView {
            before: tier.before,
            after: tier.decision.tier,
            valid_until: tier.decision.valid_until.map(Date),
        }),
    })
}

pub fn routes() -> OpenApiRouter<Arc<Host>> {
    OpenApiRouter::new()
        .routes(routes!(record, find))
        .routes(routes!(read))
        .routes(routes!(refund, refunds))
        .routes(routes!(evaluations))
}
