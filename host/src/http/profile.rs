//! What is known of a member in full: the history of every field, and everything as one document.

use std::sync::Arc;

use axum::extract::State;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::answer::{At, Done};
use super::auth::Caller;
use super::cards::CardBody;
use super::coupons::{CouponBody, show_coupon};
use super::error::{Problem, ProblemBody};
use super::members::{MemberBody, known, note_seen, person_of, show};
use super::paging::{NoFilter, Page, Paged};
use super::persons::PersonBody;
use super::types::{Id, Time};
use super::wallet::{AccountBody, EntryBody, accounts_of, show_entry};
use crate::access::Principal;
use crate::domain::ledger::OrderRow;
use crate::host::Host;
use crate::profile::{self, Values};
use crate::store::changes::Change;
use crate::store::{self, Conn};

/// Rows of one kind in an export.
const MOST_EXPORTED: i64 = 5_000;

/// The routes of this file.
pub fn routes() -> OpenApiRouter<Arc<Host>> {
    OpenApiRouter::new()
        .routes(routes!(changes))
        .routes(routes!(export))
        .routes(routes!(orders))
}

/// One change of one field.
#[derive(Debug, Serialize, ToSchema)]
pub struct ChangeBody {
    id: String,
    /// Such as `person.phone`, `status` or `attributes.size`.
    field: String,
    at: Time,
    /// A staff member, or a key.
    by: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    store: Option<String>,
    /// Null where it was not known; absent, like `new`, once the person is erased, and of an attribute the caller's store
    /// does not see.
    #[serde(skip_serializing_if = "Option::is_none")]
    old: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    new: Option<Value>,
}

/// A change as somebody of a store may see it: not what became of an attribute the store does not see.
fn show_change(
    host: &Host,
    caller: &Principal,
    change: Change,
    key: Option<&[u8]>,
) -> Result<ChangeBody, Problem> {
    let snapshot = host.snapshots.current();
    let mut defined = snapshot.iter().flat_map(|all| all.member_attributes());
    let attribute = change.field.strip_prefix("attributes.");
    let hidden = defined.any(|known| {
        attribute == Some(known.name.as_str()) && !known.is_seen_by(caller.store.as_deref())
    });
    let values = match hidden {
        true => None,
        false => profile::values(host, &change, key)?,
    };
    let (old, new) = values.map_or((None, None), |Values { old, new }| (Some(old), Some(new)));
    Ok(ChangeBody {
        id: change.id,
        field: change.field,
        at: Time::micros(change.changed_at),
        by: change.changed_by,
        store: change.store,
        old,
        new,
    })
}

/// The changes of a member after `after`, opened.
async fn history(
    (host, caller): (&Host, &Principal),
    conn: &mut Conn,
    member: &str,
    after: &str,
    limit: i64,
) -> Result<Vec<ChangeBody>, Problem> {
    let person = store::persons::person(conn, member).await?;
    let key = person.as_ref().map(|person| person.sealed_key.as_slice());
    let rows = store::changes::of_member(conn, member, after, limit).await?;
    rows.into_iter()
        .map(|change| show_change(host, caller, change, key))
        .collect()
}

/// List every change of a member's fields, the oldest first. Recorded in the event log.
#[utoipa::path(get, path = "/v1/members/{id}/changes", tag = "members",
    params(("id" = Id, Path), ("limit" = Option<u32>, Query), ("cursor" = Option<String>, Query)),
    responses((status = 200, body = Page<ChangeBody>), (status = "default", body = ProblemBody)))]
async fn changes(
    State(host): State<Arc<Host>>,
    caller: Caller,
    At(id): At<Id>,
    paged: Paged<NoFilter>,
) -> Result<Done<Page<ChangeBody>>, Problem> {
    let mut conn = host.db.read().await?;
    known(&mut conn, id.as_str()).await?;
    let rows = history(
        (&host, &caller),
        &mut conn,
        id.as_str(),
        paged.after(),
        paged.rows(),
    )
    .await?;
    drop(conn);
    note_seen(&host, &caller, "person.history_read", id.as_str()).await?;
    Ok(Done::ok(paged.page(
        rows,
        |change| vec![change.id.clone()],
        |change| change,
    )?))
}

/// An order in short; its lines are read by its id.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExportedOrder {
    id: String,
    /// Whose it is: the member, or somebody who became part of him.
    #[serde(skip_serializing_if = "Option::is_none")]
    member: Option<String>,
    store: String,
    receipt_code: String,
    occurred_at: Time,
    currency: String,
    /// Minor units.
    total: i64,
}

impl From<OrderRow> for ExportedOrder {
    fn from(order: OrderRow) -> Self {
        Self {
            id: order.id,
            member: order.member,
            store: order.store,
            receipt_code: order.receipt_code,
            occurred_at: Time(order.occurred_at),
            currency: order.currency,
            total: order.total,
        }
    }
}

/// List the orders of a member, the newest first, with those of whoever became part of him.
#[utoipa::path(get, path = "/v1/members/{id}/orders", tag = "members",
    params(("id" = Id, Path), ("limit" = Option<u32>, Query), ("cursor" = Option<String>, Query)),
    responses((status = 200, body = Page<ExportedOrder>), (status = "default", body = ProblemBody)))]
async fn orders(
    State(host): State<Arc<Host>>,
    At(id): At<Id>,
    paged: Paged<NoFilter>,
) -> Result<Done<Page<ExportedOrder>>, Problem> {
    let mut conn = host.db.read().await?;
    known(&mut conn, id.as_str()).await?;
    let before = Some(paged.after()).filter(|after| !after.is_empty());
    let rows =
        store::orders::orders_of_member(&mut conn, id.as_str(), before, paged.rows()).await?;
    Ok(Done::ok(paged.page(
        rows,
        |order| vec![order.id.clone()],
        ExportedOrder::from,
    )?))
}

/// Everything that is kept of a member.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExportBody {
    exported_at: Time,
    /// With the person in full.
    member: MemberBody,
    cards: Vec<CardBody>,
    accounts: Vec<AccountBody>,
    coupons: Vec<CouponBody>,
    /// The newest first.
    orders: Vec<ExportedOrder>,
    /// The newest first.
    entries: Vec<EntryBody>,
    /// Ids of members he referred.
    referred: Vec<String>,
    changes: Vec<ChangeBody>,
    /// False where there is more than 5,000 of a kind; the lists of the member have the rest.
    complete: bool,
}

/// Export everything that is kept of a member as one document. Recorded in the event log.
#[utoipa::path(get, path = "/v1/members/{id}/export", tag = "members", params(("id" = Id, Path)),
    responses((status = 200, body = ExportBody), (status = "default", body = ProblemBody)))]
async fn export(
    State(host): State<Arc<Host>>,
    caller: Caller,
    At(id): At<Id>,
) -> Result<Done<ExportBody>, Problem> {
    let (id, most) = (id.as_str(), MOST_EXPORTED);
    let mut conn = host.db.read().await?;
    let member = known(&mut conn, id).await?;
    let person = person_of(&host, &mut conn, id).await?;
    let cards = store::cards::of_member(&mut conn, id).await?;
    let coupons = store::coupons::of_member(&mut conn, id, "", most).await?;
    let orders = store::orders::orders_of_member(&mut conn, id, None, most).await?;
    let entries = store::entries::of_member(&mut conn, id, None, most).await?;
    let referred = store::members::referred(&mut conn, id, "", most).await?;
    let changes = history((&host, &caller), &mut conn, id, "", most).await?;
    let accounts = accounts_of(&mut conn, id).await?;
    drop(conn);
    let longest = [
        coupons.len(),
        orders.len(),
        entries.len(),
        referred.len(),
        changes.len(),
    ];
    note_seen(&host, &caller, "person.exported", id).await?;
    Ok(Done::ok(ExportBody {
        exported_at: Time(host.clock.now()),
        member: show(member, person.map(PersonBody::from)).seen_by(&host, &caller),
        cards: cards.into_iter().map(CardBody::from).collect(),
        accounts,
        coupons: coupons.into_iter().map(show_coupon).collect(),
        orders: orders.into_iter().map(ExportedOrder::from).collect(),
        entries: entries
            .into_iter()
            .map(|entry| show_entry(entry, id))
            .collect(),
        referred: referred.into_iter().map(|member| member.id).collect(),
        changes,
        complete: longest.iter().all(|count| (*count as i64) < most),
    }))
}
