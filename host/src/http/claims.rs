//! `/v1/orders/claims`: points of a sale made without a member, given to the customer who brings the receipt.

use std::sync::Arc;

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::answer::Done;
use super::auth::Caller;
use super::error::{Language, Problem, ProblemBody};
use super::json::Keyed;
use super::sale_view::{AwardView, NearMissView, Shown, SkippedView};
use super::tier_view::TierView;
use super::types::Time;
use crate::checkout::request::ClaimRequest;
use crate::checkout::{self, stored};
use crate::domain::ledger::ClaimRow;
use crate::domain::order::OrderDocument;
use crate::host::Host;
use crate::store::claims as rows;

/// What a member got for an order made without one.
#[derive(Debug, Serialize, ToSchema)]
pub struct ClaimView {
    pub id: String,
    pub order: String,
    pub member: String,
    pub claimed_at: Time,
    pub points_earned: i64,
    pub awards: Vec<AwardView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tier: Option<TierView>,
    pub near_misses: Vec<NearMissView>,
    /// Rules that gave no usable answer and were left out.
    pub skipped: Vec<SkippedView>,
}

/// Claim the points of an order made without a member.
#[utoipa::path(post, path = "/v1/orders/claims", tag = "orders", request_body = ClaimRequest,
    params(("Idempotency-Key" = String, Header)),
    responses((status = 201, body = ClaimView), (status = "default", body = ProblemBody)))]
pub async fn claim(
    State(host): State<Arc<Host>>,
    caller: Caller,
    language: Language,
    keyed: Keyed<ClaimRequest>,
) -> Result<Done<ClaimView>, Problem> {
    let intent = keyed.intent();
    let done = checkout::claim(&host, &caller, keyed.body, intent).await?;
    let mut conn = host.db.read().await?;
    let row = rows::by_id(&mut conn, &done.claim)
        .await?
        .ok_or_else(|| Problem::internal("a claim just made cannot be read"))?;
    caller.require_store(&row.store)?;
    let view = view(&host, row, language)?;
    Ok(Done::created(format!("/v1/orders/{}", view.order), view).replayed(done.replayed))
}

fn view(host: &Host, row: ClaimRow, language: Language) -> Result<ClaimView, Problem> {
    let document: OrderDocument = stored::unpack(&row.doc)?;
    let shown = Shown {
        catalog: &host.catalog,
        language,
    };
    let sale = shown.sale(&document);
    Ok(ClaimView {
        id: row.id,
        order: row.order_id,
        member: row.member,
        claimed_at: Time(row.occurred_at),
        points_earned: sale.totals.points_earned,
        awards: sale.awards,
        tier: sale.tier,
        near_misses: sale.near_misses,
        skipped: sale.skipped,
    })
}

/// The routes of this file.
pub fn routes() -> OpenApiRouter<Arc<Host>> {
    OpenApiRouter::new().routes(routes!(claim))
}
