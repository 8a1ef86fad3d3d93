//! `/v1/quotes`: price a basket, reserve it, commit it.

use std::sync::Arc;

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::answer::{At, Done};
use super::auth::Caller;
use super::error::{Language, Problem, ProblemBody};
use super::json::{Json, Keyed};
use super::orders::{self, OrderView};
use super::problems::Code;
use super::sale_view::{SaleView, Shown};
use super::types::{Id, Time};
use crate::checkout::request::QuoteRequest;
use crate::checkout::{self, CommitRequest, HeldQuote, Quote, RemovalRequest};
use crate::host::Host;

/// A priced basket; nothing is posted.
#[derive(Debug, Serialize, ToSchema)]
pub struct QuoteView {
    pub id: String,
    pub quoted_at: Time,
    /// Last instant it can be committed.
    pub expires_at: Time,
    /// What another host compares when it prices the same request.
    pub digest: String,
    #[serde(flatten)]
    pub sale: SaleView,
}

/// A quote's benefits, reserved.
#[derive(Debug, Serialize, ToSchema)]
pub struct HoldView {
    pub id: String,
    pub quote: String,
    /// The quote cannot go stale before.
    pub expires_at: Time,
}

fn view(host: &Host, quote: &Quote, language: Language) -> QuoteView {
    QuoteView {
        id: quote.id.clone(),
        quoted_at: Time(quote.at),
        expires_at: Time(quote.expires_at),
        digest: quote.digest.clone(),
        sale: Shown {
            catalog: &host.catalog,
            language,
        }
        .sale(&quote.sale.document),
    }
}

/// Price a basket.
#[utoipa::path(post, path = "/v1/quotes", tag = "quotes", request_body = QuoteRequest,
    responses((status = 201, body = QuoteView), (status = "default", body = ProblemBody)))]
pub async fn quote(
    State(host): State<Arc<Host>>,
    caller: Caller,
    language: Language,
    Json(request): Json<QuoteRequest>,
) -> Result<Done<QuoteView>, Problem> {
    let quote = checkout::quote(&host, &caller, request).await?;
    Ok(Done::created(
        format!("/v1/quotes/{}", quote.id),
        view(&host, &quote, language),
    ))
}

/// Read a quote that waits to be committed.
#[utoipa::path(get, path = "/v1/quotes/{id}", tag = "quotes", params(("id" = String, Path)),
    responses((status = 200, body = QuoteView), (status = "default", body = ProblemBody)))]
pub async fn read(
    State(host): State<Arc<Host>>,
    caller: Caller,
    language: Language,
    At(id): At<Id>,
) -> Result<Done<QuoteView>, Problem> {
    let quote = host
        .quotes
        .find(id.as_str())
        .ok_or_else(|| Problem::unknown(Code::QuoteUnknown, id.as_str()))?;
    caller.require_store(&quote.place.store.id)?;
    Ok(Done::ok(view(&host, &quote, language)))
}

/// Reserve a quote's points, stored value, counters and codes for a time.
#[utoipa::path(post, path = "/v1/quotes/{id}/hold", tag = "quotes",
    params(("id" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 201, body = HoldView), (status = "default", body = ProblemBody)))]
pub async fn hold(
    State(host): State<Arc<Host>>,
    caller: Caller,
    At(id): At<Id>,
    keyed: Keyed<Empty>,
) -> Result<Done<HoldView>, Problem> {
    let held = checkout::hold(&host, &caller, id.as_str(), keyed.intent()).await?;
    let HeldQuote {
        id: hold,
        expires_at,
        replayed,
    } = held;
    let view = HoldView {
        id: hold,
        quote: id.into_string(),
        expires_at: Time(expires_at),
    };
    Ok(Done::created(format!("/v1/quotes/{}", view.quote), view).replayed(replayed))
}

/// End a quote's hold before its time.
#[utoipa::path(delete, path = "/v1/quotes/{id}/hold", tag = "quotes",
    params(("id" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 204), (status = "default", body = ProblemBody)))]
pub async fn release(
    State(host): State<Arc<Host>>,
    caller: Caller,
    At(id): At<Id>,
    keyed: Keyed<Empty>,
) -> Result<axum::http::StatusCode, Problem> {
    checkout::release(&host, &caller, id.as_str(), keyed.intent()).await?;
    Ok(axum::http::StatusCode::NO_CONTENT)
}

/// Allow a till to quote a basket again without some of its goods; what went is told as `quote.lines_removed`.
#[utoipa::path(post, path = "/v1/quotes/{id}/removals", tag = "quotes", request_body = RemovalRequest,
    params(("id" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 204), (status = "default", body = ProblemBody)))]
pub async fn remove(
    State(host): State<Arc<Host>>,
    caller: Caller,
    At(id): At<Id>,
    keyed: Keyed<RemovalRequest>,
) -> Result<axum::http::StatusCode, Problem> {
    let intent = keyed.intent();
    checkout::remove(&host, &caller, id.as_str(), keyed.body, intent).await?;
    Ok(axum::http::StatusCode::NO_CONTENT)
}

/// Commit a quote: post exactly what it showed.
#[utoipa::path(post, path = "/v1/quotes/{id}/commit", tag = "quotes", request_body = CommitRequest,
    params(("id" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 201, body = OrderView), (status = "default", body = ProblemBody)))]
pub async fn commit(
    State(host): State<Arc<Host>>,
    caller: Caller,
    language: Language,
    At(id): At<Id>,
    keyed: Keyed<CommitRequest>,
) -> Result<Done<OrderView>, Problem> {
    // Another host needs the quote's request, this one may not: it is the same commit.
    let (intent, request) = keyed.intent_without("quote")?;
    let committed = checkout::commit(&host, &caller, id.as_str(), request, intent).await?;
    orders::created(&host, &caller, committed, language)
}

/// A body without fields.
#[derive(Debug, Default, serde::Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Empty {}

pub fn routes() -> OpenApiRouter<Arc<Host>> {
    OpenApiRouter::new()
        .routes(routes!(quote))
        .routes(routes!(read))
        .routes(routes!(hold, release))
        .routes(routes!(remove))
        .routes(routes!(commit))
}
