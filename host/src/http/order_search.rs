//! Orders found again at the counter: by day, till, cashier, member or amount.

use std::sync::Arc;

use axum::extract::State;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::answer::{At, Done};
use super::auth::Caller;
use super::error::{Problem, ProblemBody};
use super::paging::{Page, Paged};
use super::problems::Code;
use super::types::{Date, Id, Time};
use crate::clock::day_of;
use crate::domain::time::{Day, Instant};
use crate::host::Host;
use crate::store::order_search::{FoundOrder, Known, found};

/// Days one search covers.
const MOST_DAYS: i32 = 366;

/// The routes of this file.
pub fn routes() -> OpenApiRouter<Arc<Host>> {
    OpenApiRouter::new().routes(routes!(search))
}

/// An order in short; its lines are read by its id.
#[derive(Debug, Serialize, ToSchema)]
pub struct FoundOrderBody {
    id: String,
    terminal: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    staff: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    member: Option<String>,
    receipt_code: String,
    /// The till's own number of a recorded sale.
    #[serde(skip_serializing_if = "Option::is_none")]
    external_id: Option<String>,
    occurred_at: Time,
    business_date: Date,
    currency: String,
    /// Minor units.
    total: i64,
}

impl From<FoundOrder> for FoundOrderBody {
    fn from(order: FoundOrder) -> Self {
        Self {
            id: order.id,
            terminal: order.terminal,
            staff: order.staff,
            member: order.member,
            receipt_code: order.receipt_code,
            external_id: order.external_id,
            occurred_at: Time(Instant(order.occurred_at)),
            // Days were days when they were written.
            business_date: Date(Day(i32::try_from(order.business_date).unwrap_or_default())),
            currency: order.currency,
            total: order.total,
        }
    }
}

/// What is known of an order.
#[derive(Debug, Serialize, Deserialize)]
struct Search {
    /// The store's business day today when absent.
    from: Option<NaiveDate>,
    /// The same day when absent.
    to: Option<NaiveDate>,
    terminal: Option<String>,
    staff: Option<String>,
    member: Option<String>,
    total: Option<i64>,
}

/// Find orders of a store, the newest first: those of today, or of up to 366 business days.
#[utoipa::path(get, path = "/v1/stores/{id}/orders", tag = "orders",
    params(("id" = Id, Path), ("from" = Option<String>, Query), ("to" = Option<String>, Query),
        ("terminal" = Option<String>, Query), ("staff" = Option<String>, Query), ("member" = Option<String>, Query),
        ("total" = Option<i64>, Query, description = "minor units, exactly"),
        ("limit" = Option<u32>, Query), ("cursor" = Option<String>, Query)),
    responses((status = 200, body = Page<FoundOrderBody>), (status = "default", body = ProblemBody)))]
async fn search(
    State(host): State<Arc<Host>>,
    caller: Caller,
    At(id): At<Id>,
    paged: Paged<Search>,
) -> Result<Done<Page<FoundOrderBody>>, Problem> {
    caller.require_store(id.as_str())?;
    let snapshot = host.snapshots.current();
    let place = snapshot.and_then(|snapshot| snapshot.place(id.as_str()));
    let place = place.ok_or_else(|| Problem::unknown(Code::StoreUnknown, id.as_str()))?;
    let filter = &paged.filter;
    let today = place.day(host.clock.now());
    let from = filter.from.map_or(today, day_of);
    let to = filter.to.map_or(from.max(today), day_of);
    if to < from || to.0.saturating_sub(from.0) >= MOST_DAYS {
        let reason = format!("to must lie on or after from, and within {MOST_DAYS} days");
        return Err(Problem::new(Code::InvalidQuery).with("reason", reason));
    }
    let known = Known {
        terminal: filter.terminal.clone(),
        staff: filter.staff.clone(),
        member: filter.member.clone(),
        total: filter.total,
    };
    let before = match &paged.after[..] {
        [day, order] => Some((
            day.parse().map_err(|_| Problem::new(Code::InvalidCursor))?,
            order.clone(),
        )),
        _ => None,
    };
    let mut conn = host.db.read().await?;
    let rows = found(
        &mut conn,
        id.as_str(),
        (from, to),
        known,
        before,
        paged.rows(),
    )
    .await?;
    Ok(Done::ok(paged.page(
        rows,
        |order| vec![order.business_date.to_string(), order.id.clone()],
        FoundOrderBody::from,
    )?))
}
