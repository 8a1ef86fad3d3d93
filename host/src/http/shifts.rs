//! Shifts of tills: opening, cash in and out, closing, and the report.

use std::sync::Arc;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::answer::{At, Done};
use super::auth::Caller;
use super::error::{FieldError, Problem, ProblemBody};
use super::json::Keyed;
use super::paging::{NoFilter, Page, Paged};
use super::problems::{Code, Fault};
use super::types::{Date, Id, Time};
use crate::domain::ledger::Shift;
use crate::domain::shift::{Closing, Denomination, ShiftSums, TenderCount, Tenders, expected};
use crate::domain::time::Instant;
use crate::host::Host;
use crate::shift::{self, CashKind, CashMovement, CloseShift, OpenShift, ShiftError};
use crate::store;
use crate::store::shifts::Moved;

/// The routes of this file.
pub fn routes() -> OpenApiRouter<Arc<Host>> {
    OpenApiRouter::new()
        .routes(routes!(open, list))
        .routes(routes!(one))
        .routes(routes!(move_cash, movements))
        .routes(routes!(close))
}

/// A terminal's shift. Once it is closed this is its report and stays as it is.
#[derive(Debug, Serialize, ToSchema)]
pub struct ShiftBody {
    id: String,
    terminal: String,
    store: String,
    currency: String,
    business_date: Date,
    opened_at: Time,
    /// A staff member, or a key.
    opened_by: String,
    /// Cash it began with, minor units.
    float: i64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<Object>)]
    float_denominations: Vec<Denomination>,
    /// By kind of movement (`sale`, `refund`, `top-up`, `withdrawal`, `reversal`, `cash-in`, `cash-out`): how many there
    /// were and what each tender took, minor units, negative where money left.
    #[schema(value_type = Object)]
    movements: ShiftSums,
    /// What each tender should come to by now, the float included; minor units.
    #[schema(value_type = Object)]
    expected: Tenders,
    #[serde(skip_serializing_if = "Option::is_none")]
    closing: Option<ClosingBody>,
}

/// How a shift ended.
#[derive(Debug, Serialize, ToSchema)]
pub struct ClosingBody {
    closed_at: Time,
    /// A staff member, or a key.
    closed_by: String,
    /// Each tender with `expected`, `counted` and `difference`: counted less expected, negative where something is missing.
    #[schema(value_type = Vec<Object>)]
    tenders: Vec<TenderCount>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<Object>)]
    denominations: Vec<Denomination>,
    /// Sum of all differences, whichever way they go; minor units.
    off_by: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    approved_by: Option<String>,
}

impl ClosingBody {
    fn of(closing: Closing, at: Instant) -> Self {
        Self {
            closed_at: Time(at),
            closed_by: closing.closed_by,
            tenders: closing.tenders,
            denominations: closing.denominations,
            off_by: closing.off_by,
            reason: closing.reason,
            approved_by: closing.approved_by,
        }
    }
}

fn show(shift: Shift) -> Result<ShiftBody, Problem> {
    let counts = shift::counts(&shift)?;
    let closing = counts.closing.zip(shift.closed_at);
    Ok(ShiftBody {
        expected: expected(shift.opening_float, &shift.sums).map_err(Problem::internal)?,
        id: shift.id,
        terminal: shift.terminal,
        store: shift.store,
        currency: shift.currency,
        business_date: Date(shift.business_date),
        opened_at: Time(shift.opened_at),
        opened_by: shift.opened_by,
        float: shift.opening_float,
        float_denominations: counts.opening,
        movements: shift.sums,
        closing: closing.map(|(closing, at)| ClosingBody::of(closing, at)),
    })
}

/// Open a terminal's shift with the cash that is in its drawer.
#[utoipa::path(post, path = "/v1/shifts", tag = "shifts", request_body = OpenShift,
    params(("Idempotency-Key" = String, Header)),
    responses((status = 201, body = ShiftBody), (status = "default", body = ProblemBody)))]
async fn open(
    State(host): State<Arc<Host>>,
    caller: Caller,
    keyed: Keyed<OpenShift>,
) -> Result<Done<ShiftBody>, Problem> {
    let intent = keyed.intent();
    let (shift, replayed) = shift::open(&host, &caller, keyed.body, intent).await?;
    let place = format!("/v1/shifts/{}", shift.id);
    Ok(Done::created(place, show(shift)?).replayed(replayed))
}

#[derive(Debug, Serialize, Deserialize)]
struct ByTerminal {
    store: Option<String>,
    terminal: Option<String>,
}

/// List the shifts of a store, the newest first, of one terminal if it is given.
#[utoipa::path(get, path = "/v1/shifts", tag = "shifts",
    params(("store" = Option<String>, Query), ("terminal" = Option<String>, Query), ("limit" = Option<u32>, Query),
        ("cursor" = Option<String>, Query)),
    responses((status = 200, body = Page<ShiftBody>), (status = "default", body = ProblemBody)))]
async fn list(
    State(host): State<Arc<Host>>,
    caller: Caller,
    paged: Paged<ByTerminal>,
) -> Result<Done<Page<ShiftBody>>, Problem> {
    let store = paged.filter.store.as_deref().or(caller.store.as_deref());
    let store = store.ok_or_else(|| Problem::field("#store", Fault::Required))?;
    caller.require_store(store)?;
    let mut conn = host.db.read().await?;
    let before = (!paged.after().is_empty()).then(|| paged.after());
    let of = (store, paged.filter.terminal.as_deref());
    let rows = store::shifts::of_store(&mut conn, of, before, paged.rows()).await?;
    let shown: Vec<ShiftBody> = rows.into_iter().map(show).collect::<Result<_, _>>()?;
    Ok(Done::ok(paged.page(
        shown,
        |shift| vec![shift.id.clone()],
        |shift| shift,
    )?))
}

/// The shift, if the caller may act for its store.
async fn of_caller(host: &Host, caller: &Caller, id: &str) -> Result<Shift, Problem> {
    let found = store::shifts::by_id(&mut host.db.read().await?, id).await?;
    let shift = found.ok_or_else(|| Problem::unknown(Code::ShiftUnknown, id))?;
    caller.require_store(&shift.store)?;
    Ok(shift)
}

/// Read a shift: what it should hold by now, or its closing report.
#[utoipa::path(get, path = "/v1/shifts/{id}", tag = "shifts", params(("id" = Id, Path)),
    responses((status = 200, body = ShiftBody), (status = "default", body = ProblemBody)))]
async fn one(
    State(host): State<Arc<Host>>,
    caller: Caller,
    At(id): At<Id>,
) -> Result<Done<ShiftBody>, Problem> {
    let shift = of_caller(&host, &caller, id.as_str()).await?;
    Ok(Done::ok(show(shift)?))
}

/// Cash moved by hand.
#[derive(Debug, Serialize, ToSchema)]
pub struct CashMovementBody {
    id: String,
    /// The journal entry.
    #[serde(skip_serializing_if = "Option::is_none")]
    entry: Option<String>,
    shift: String,
    kind: CashKind,
    /// Minor units.
    amount: i64,
}

/// Put cash into the drawer or take some out.
#[utoipa::path(post, path = "/v1/shifts/{id}/movements", tag = "shifts", request_body = CashMovement,
    params(("id" = Id, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 201, body = CashMovementBody), (status = "default", body = ProblemBody)))]
async fn move_cash(
    State(host): State<Arc<Host>>,
    caller: Caller,
    At(id): At<Id>,
    keyed: Keyed<CashMovement>,
) -> Result<Done<CashMovementBody>, Problem> {
    let intent = keyed.intent();
    let (kind, amount) = (keyed.body.kind, keyed.body.amount);
    let receipt = shift::move_cash(&host, &caller, id.as_str(), keyed.body, intent).await?;
    let place = format!("/v1/shifts/{}/movements", id.as_str());
    let body = CashMovementBody {
        id: receipt.subject.id,
        entry: receipt.entry_id,
        shift: id.into_string(),
        kind,
        amount,
    };
    Ok(Done::created(place, body).replayed(receipt.replayed))
}

/// Something that moved money at a terminal during a shift.
#[derive(Debug, Serialize, ToSchema)]
pub struct ShiftMovementBody {
    /// 1 for the first of its shift.
    sequence: i64,
    /// `sale`, `refund`, `top-up`, `withdrawal`, `reversal`, `cash-in` or `cash-out`.
    kind: String,
    /// The order, refund or movement.
    subject: String,
    /// A staff member, or a key.
    by: String,
    at: Time,
    /// Minor units by tender; negative where money left.
    #[schema(value_type = Object)]
    tenders: Tenders,
}

fn show_movement(row: Moved) -> Result<ShiftMovementBody, Problem> {
    Ok(ShiftMovementBody {
        tenders: serde_json::from_str(&row.tenders).map_err(Problem::internal)?,
        sequence: row.sequence,
        kind: row.kind,
        subject: row.subject,
        by: row.moved_by,
        at: Time(Instant(row.at)),
    })
}

/// List what moved money in a shift, in its order.
#[utoipa::path(get, path = "/v1/shifts/{id}/movements", tag = "shifts",
    params(("id" = Id, Path), ("limit" = Option<u32>, Query), ("cursor" = Option<String>, Query)),
    responses((status = 200, body = Page<ShiftMovementBody>), (status = "default", body = ProblemBody)))]
async fn movements(
    State(host): State<Arc<Host>>,
    caller: Caller,
    At(id): At<Id>,
    paged: Paged<NoFilter>,
) -> Result<Done<Page<ShiftMovementBody>>, Problem> {
    let shift = of_caller(&host, &caller, id.as_str()).await?;
    let after = match paged.after() {
        "" => 0,
        text => text
            .parse()
            .map_err(|_| Problem::new(Code::InvalidCursor))?,
    };
    let mut conn = host.db.read().await?;
    let rows = store::shifts::movements(&mut conn, &shift.id, after, paged.rows()).await?;
    let shown: Vec<_> = rows
        .into_iter()
        .map(show_movement)
        .collect::<Result<_, _>>()?;
    Ok(Done::ok(paged.page(
        shown,
        |row: &ShiftMovementBody| vec![row.sequence.to_string()],
        |row| row,
    )?))
}

/// Close a shift with what was counted.
#[utoipa::path(post, path = "/v1/shifts/{id}/close", tag = "shifts", request_body = CloseShift,
    params(("id" = Id, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 200, body = ShiftBody), (status = "default", body = ProblemBody)))]
async fn close(
    State(host): State<Arc<Host>>,
    caller: Caller,
    At(id): At<Id>,
    keyed: Keyed<CloseShift>,
) -> Result<Done<ShiftBody>, Problem> {
    let intent = keyed.intent();
    let (shift, replayed) = shift::close(&host, &caller, id.as_str(), keyed.body, intent).await?;
    Ok(Done::ok(show(shift)?).replayed(replayed))
}

impl From<ShiftError> for Problem {
    fn from(error: ShiftError) -> Self {
        match error {
            ShiftError::Unknown(id) => Self::unknown(Code::ShiftUnknown, &id),
            ShiftError::TerminalUnknown(id) => {
                Self::unknown(Code::TerminalUnknown, &id).at("/terminal")
            }
            ShiftError::Field { at, why } => Self::fields(vec![FieldError {
                pointer: at,
                fault: Fault::Invalid,
                arguments: vec![("reason", why.to_owned())],
            }]),
            ShiftError::Checkout(error) => error.into(),
        }
    }
}
