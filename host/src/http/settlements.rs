//! Settlement between the chain and the stores of others.

use std::sync::Arc;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::answer::{At, Done};
use super::auth::Caller;
use super::error::{Problem, ProblemBody};
use super::json::Keyed;
use super::paging::{Filter, NoFilter, Page, Paged};
use super::problems::{Code, Fault};
use super::quotes::Empty;
use super::stores::is_currency;
use super::types::{Id, Time};
use crate::checkout::CheckoutError;
use crate::domain::time::Instant;
use crate::host::Host;
use crate::settlement::{self, SettlementRequest, StoreStatement};
use crate::store;
use crate::store::settlements::Settlement;

/// The routes of this file.
pub fn routes() -> OpenApiRouter<Arc<Host>> {
    OpenApiRouter::new()
        .routes(routes!(list, settle))
        .routes(routes!(open))
        .routes(routes!(one))
        .routes(routes!(reverse))
}

/// What was settled.
#[derive(Debug, Serialize, ToSchema)]
pub struct SettlementBody {
    id: String,
    currency: String,
    /// 1 for the first of a currency.
    number: i64,
    settled_at: Time,
    /// The staff member, or the key.
    settled_by: String,
    /// Whether it was taken back; what it carried stands in the next one then.
    reversed: bool,
    /// Every store that owed or was owed something; a store's own key sees its own.
    stores: Vec<StoreStatement>,
}

fn show(row: Settlement, reversed: i64, caller: &Caller) -> Result<SettlementBody, Problem> {
    let statement = settlement::kept(&row.doc)?;
    Ok(SettlementBody {
        id: row.id,
        currency: row.currency,
        number: row.number,
        settled_at: Time(Instant(row.settled_at)),
        settled_by: row.settled_by,
        reversed: reversed > 0,
        stores: settlement::seen_by(caller, statement.stores),
    })
}

async fn shown(host: &Host, id: &str, caller: &Caller) -> Result<SettlementBody, Problem> {
    let mut conn = host.db.read().await?;
    let row = store::settlements::settlement(&mut conn, id).await?;
    let row = row.ok_or_else(|| Problem::unknown(Code::SettlementUnknown, id))?;
    let reversed = store::counters::values(&mut conn, &[settlement::reversals(id)]).await?;
    show(row, reversed.first().copied().unwrap_or(0), caller)
}

/// List the settlements, the newest first.
#[utoipa::path(get, path = "/v1/settlements", tag = "stores",
    params(("limit" = Option<u32>, Query), ("cursor" = Option<String>, Query)),
    responses((status = 200, body = Page<SettlementBody>), (status = "default", body = ProblemBody)))]
async fn list(
    State(host): State<Arc<Host>>,
    caller: Caller,
    paged: Paged<NoFilter>,
) -> Result<Done<Page<SettlementBody>>, Problem> {
    let mut conn = host.db.read().await?;
    let before = (!paged.after().is_empty()).then(|| paged.after().to_owned());
    let rows = store::settlements::settlements(&mut conn, before.as_deref(), paged.rows()).await?;
    let keys: Vec<_> = rows
        .iter()
        .map(|row| settlement::reversals(&row.id))
        .collect();
    let reversed = store::counters::values(&mut conn, &keys).await?;
    let bodies = rows.into_iter().zip(reversed);
    let bodies: Vec<_> = bodies
        .map(|(row, reversed)| show(row, reversed, &caller))
        .collect::<Result<_, _>>()?;
    Ok(Done::ok(paged.page(
        bodies,
        |body| vec![body.id.clone()],
        |body| body,
    )?))
}

#[derive(Debug, Deserialize)]
struct Currency {
    currency: String,
}

/// Say what is due now between the chain and each store that settles.
#[utoipa::path(get, path = "/v1/settlements/open", tag = "stores",
    params(("currency" = String, Query, description = "ISO 4217")),
    responses((status = 200, body = [StoreStatement]), (status = "default", body = ProblemBody)))]
async fn open(
    State(host): State<Arc<Host>>,
    caller: Caller,
    Filter(filter): Filter<Currency>,
) -> Result<Done<Vec<StoreStatement>>, Problem> {
    let stores = settlement::open(&host, &filter.currency).await?;
    Ok(Done::ok(settlement::seen_by(&caller, stores)))
}

/// Read a settlement.
#[utoipa::path(get, path = "/v1/settlements/{id}", tag = "stores", params(("id" = Id, Path)),
    responses((status = 200, body = SettlementBody), (status = "default", body = ProblemBody)))]
async fn one(
    State(host): State<Arc<Host>>,
    caller: Caller,
    At(id): At<Id>,
) -> Result<Done<SettlementBody>, Problem> {
    Ok(Done::ok(shown(&host, id.as_str(), &caller).await?))
}

/// Settle what is due between the chain and all stores in a currency. What each has to pay, or is paid, is carried to
/// `payable`.
#[utoipa::path(post, path = "/v1/settlements", tag = "stores", request_body = SettlementRequest,
    params(("Idempotency-Key" = String, Header)),
    responses((status = 201, body = SettlementBody), (status = "default", body = ProblemBody)))]
async fn settle(
    State(host): State<Arc<Host>>,
    caller: Caller,
    keyed: Keyed<SettlementRequest>,
) -> Result<Done<SettlementBody>, Problem> {
    if !is_currency(&keyed.body.currency) {
        return Err(Problem::field("/currency", Fault::NotACurrency));
    }
    of_the_chain(&caller)?;
    let intent = keyed.intent();
    let receipt = settlement::settle(&host, &caller, keyed.body, intent).await?;
    let id = receipt.subject.id;
    let body = shown(&host, &id, &caller).await?;
    Ok(Done::created(format!("/v1/settlements/{id}"), body).replayed(receipt.replayed))
}

/// Take a settlement back whole: what it carried is due again.
#[utoipa::path(post, path = "/v1/settlements/{id}/reversal", tag = "stores",
    params(("id" = Id, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 200, body = SettlementBody), (status = "default", body = ProblemBody)))]
async fn reverse(
    State(host): State<Arc<Host>>,
    caller: Caller,
    At(id): At<Id>,
    keyed: Keyed<Empty>,
) -> Result<Done<SettlementBody>, Problem> {
    of_the_chain(&caller)?;
    let intent = keyed.intent();
    let receipt = settlement::reverse(&host, &caller, id.as_str(), intent).await?;
    let body = shown(&host, id.as_str(), &caller).await?;
    Ok(Done::ok(body).replayed(receipt.replayed))
}

/// A store does not settle for the others.
fn of_the_chain(caller: &Caller) -> Result<(), CheckoutError> {
    match &caller.store {
        None => Ok(()),
        Some(store) => Err(crate::access::AccessError::OtherStore(store.clone()).into()),
    }
}
