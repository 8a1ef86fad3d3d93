//! Goods exchanged for others, and the receipts without prices that let a stranger do it.

use std::sync::Arc;

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::answer::{At, Done};
use super::auth::Caller;
use super::error::{Language, Problem, ProblemBody};
use super::json::Keyed;
use super::orders::{OrderView, PayoutView, RefundView, order_view, refund_view};
use super::refusals::refund_of;
use super::types::{Date, Id, Quantity, Time};
use crate::checkout::gift_receipt::{self, GiftReceiptRequest, Shown};
use crate::checkout::request::thousandths;
use crate::checkout::{self, GoodsExchange};
use crate::host::Host;
use crate::store::orders as rows;

/// The routes of this file.
pub fn routes() -> OpenApiRouter<Arc<Host>> {
    OpenApiRouter::new()
        .routes(routes!(exchange_goods))
        .routes(routes!(write_gift_receipt))
        .routes(routes!(gift_receipt))
}

/// Both halves of an exchange, and what changes hands.
#[derive(Debug, Serialize, ToSchema)]
pub struct GoodsExchangeView {
    pub refund: RefundView,
    pub order: OrderView,
    /// By kind of tender: what the customer pays, or below zero what is handed out. What comes back to points and stored
    /// value is in the refund.
    pub net: Vec<PayoutView>,
}

/// Take goods of an order back and sell others for them, both or neither.
#[utoipa::path(post, path = "/v1/orders/{id}/exchanges", tag = "orders", request_body = GoodsExchange,
    params(("id" = Id, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 201, body = GoodsExchangeView), (status = "default", body = ProblemBody)))]
async fn exchange_goods(
    State(host): State<Arc<Host>>,
    caller: Caller,
    At(id): At<Id>,
    language: Language,
    keyed: Keyed<GoodsExchange>,
) -> Result<Done<GoodsExchangeView>, Problem> {
    // Another host needs the quote's request, this one may not: it is the same exchange.
    let (intent, request) = keyed.intent_without("quote_request")?;
    let asked = request.lines.iter().flatten().map(|line| line.line);
    let asked: Vec<u32> = asked.collect();
    let done = checkout::exchange(&host, &caller, id.as_str(), request, intent)
        .await
        .map_err(|error| refund_of(error, &asked))?;
    let row = rows::refund_by_id(&mut host.db.read().await?, &done.refund).await?;
    let row = row.ok_or_else(|| Problem::internal("a refund just made cannot be read"))?;
    let replayed = done.sold.replayed;
    let view = GoodsExchangeView {
        refund: refund_view(&row)?,
        order: order_view(&host, &caller, done.sold.order, language)?,
        net: done.net.into_iter().map(PayoutView::from).collect(),
    };
    let place = format!("/v1/orders/{}", view.order.id);
    Ok(Done::created(place, view).replayed(replayed))
}

/// A receipt without prices.
#[derive(Debug, Serialize, ToSchema)]
pub struct GiftReceiptView {
    /// To print and scan.
    pub code: String,
    /// For the till, not to be printed.
    pub order: String,
    pub store: String,
    pub sold_on: Date,
    pub sold_at: Time,
    pub lines: Vec<GiftLineView>,
}

/// Goods that are given.
#[derive(Debug, Serialize, ToSchema)]
pub struct GiftLineView {
    /// Position in the order.
    pub line: u32,
    pub name: String,
    pub quantity: Quantity,
    /// What of it can still be exchanged.
    pub left: Quantity,
}

/// Write a receipt without prices for goods of an order that were paid for in money.
#[utoipa::path(post, path = "/v1/orders/{id}/gift-receipts", tag = "orders", request_body = GiftReceiptRequest,
    params(("id" = Id, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 201, body = GiftReceiptView), (status = "default", body = ProblemBody)))]
async fn write_gift_receipt(
    State(host): State<Arc<Host>>,
    caller: Caller,
    At(id): At<Id>,
    keyed: Keyed<GiftReceiptRequest>,
) -> Result<Done<GiftReceiptView>, Problem> {
    let intent = keyed.intent();
    let effect = gift_receipt::issue(&host, &caller, id.as_str(), keyed.body, intent).await?;
    let shown = gift_receipt::find(&host, &effect.subject).await?;
    let place = format!("/v1/gift-receipts/{}", shown.code);
    Ok(Done::created(place, view(&host, shown).await?).replayed(effect.replayed))
}

/// Look a gift receipt up by its code.
#[utoipa::path(get, path = "/v1/gift-receipts/{code}", tag = "orders", params(("code" = Id, Path)),
    responses((status = 200, body = GiftReceiptView), (status = "default", body = ProblemBody)))]
async fn gift_receipt(
    State(host): State<Arc<Host>>,
    caller: Caller,
    At(code): At<Id>,
) -> Result<Done<GiftReceiptView>, Problem> {
    let shown = gift_receipt::find(&host, code.as_str()).await?;
    caller.require_store(&shown.store)?;
    Ok(Done::ok(view(&host, shown).await?))
}

async fn view(host: &Host, shown: Shown) -> Result<GiftReceiptView, Problem> {
    let left = shown.left(host).await?;
    let document = &shown.document;
    let lines = shown.lines.iter().map(|given| {
        let sold = document.lines.get(given.line as usize);
        let left = left.iter().find(|left| left.line == given.line);
        let quantity = |text: &String| Quantity(thousandths(text).unwrap_or(0));
        GiftLineView {
            line: given.line,
            name: sold.map_or_else(String::new, |line| line.name.clone()),
            quantity: quantity(&given.quantity),
            left: left.map_or(Quantity(0), |left| quantity(&left.quantity)),
        }
    });
    Ok(GiftReceiptView {
        lines: lines.collect(),
        sold_on: Date(document.business_date),
        sold_at: Time(document.occurred_at),
        code: shown.code,
        order: shown.order,
        store: shown.store,
    })
}
