//! Baskets put aside and taken up.

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
use super::paging::{Page, Paged};
use super::problems::{Code, Fault};
use super::quotes::Empty;
use super::types::{Id, Time};
use crate::checkout::request::QuoteRequest;
use crate::domain::time::Instant;
use crate::host::Host;
use crate::parking::{self, ParkRequest, ParkingError};
use crate::store;
use crate::store::baskets::Parked;

/// The routes of this file.
pub fn routes() -> OpenApiRouter<Arc<Host>> {
    OpenApiRouter::new()
        .routes(routes!(park, list))
        .routes(routes!(recall))
}

/// A basket put aside.
#[derive(Debug, Serialize, ToSchema)]
pub struct ParkedBody {
    id: String,
    store: String,
    label: String,
    /// A staff member, or a key.
    parked_by: String,
    parked_at: Time,
    /// What a quote takes.
    basket: QuoteRequest,
}

impl ParkedBody {
    fn of(parked: Parked) -> Result<Self, Problem> {
        Ok(Self {
            basket: serde_json::from_str(&parked.basket).map_err(Problem::internal)?,
            id: parked.id,
            store: parked.store,
            label: parked.label,
            parked_by: parked.parked_by,
            parked_at: Time(Instant(parked.parked_at)),
        })
    }
}

/// A basket that waits.
#[derive(Debug, Serialize, ToSchema)]
pub struct WaitingBody {
    id: String,
    label: String,
    /// A staff member, or a key.
    parked_by: String,
    parked_at: Time,
}

impl From<Parked> for WaitingBody {
    fn from(parked: Parked) -> Self {
        Self {
            id: parked.id,
            label: parked.label,
            parked_by: parked.parked_by,
            parked_at: Time(Instant(parked.parked_at)),
        }
    }
}

/// Put a basket aside for any till of the store; nothing is reserved.
#[utoipa::path(post, path = "/v1/baskets", tag = "baskets", request_body = ParkRequest,
    params(("Idempotency-Key" = String, Header)),
    responses((status = 201, body = ParkedBody), (status = "default", body = ProblemBody)))]
async fn park(
    State(host): State<Arc<Host>>,
    caller: Caller,
    keyed: Keyed<ParkRequest>,
) -> Result<Done<ParkedBody>, Problem> {
    let intent = keyed.intent();
    let effect = parking::park(&host, &caller, keyed.body, intent).await?;
    let mut conn = host.db.read().await?;
    let parked = store::baskets::by_id(&mut conn, &effect.subject).await?;
    let parked = parked.ok_or_else(|| Problem::unknown(Code::BasketUnknown, &effect.subject))?;
    let place = format!("/v1/baskets/{}/recall", parked.id);
    Ok(Done::created(place, ParkedBody::of(parked)?).replayed(effect.replayed))
}

#[derive(Debug, Serialize, Deserialize)]
struct ByStore {
    store: Option<String>,
}

/// List the baskets that wait in a store, the oldest first.
#[utoipa::path(get, path = "/v1/baskets", tag = "baskets",
    params(("store" = Option<String>, Query), ("limit" = Option<u32>, Query), ("cursor" = Option<String>, Query)),
    responses((status = 200, body = Page<WaitingBody>), (status = "default", body = ProblemBody)))]
async fn list(
    State(host): State<Arc<Host>>,
    caller: Caller,
    paged: Paged<ByStore>,
) -> Result<Done<Page<WaitingBody>>, Problem> {
    let store = paged.filter.store.as_deref().or(caller.store.as_deref());
    let store = store.ok_or_else(|| Problem::field("#store", Fault::Required))?;
    caller.require_store(store)?;
    let mut conn = host.db.read().await?;
    let rows = store::baskets::waiting(&mut conn, store, paged.after(), paged.rows()).await?;
    Ok(Done::ok(paged.page(
        rows,
        |parked| vec![parked.id.clone()],
        WaitingBody::from,
    )?))
}

/// Take a basket up: of several tills one gets it.
#[utoipa::path(post, path = "/v1/baskets/{id}/recall", tag = "baskets",
    params(("id" = Id, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 200, body = ParkedBody), (status = "default", body = ProblemBody)))]
async fn recall(
    State(host): State<Arc<Host>>,
    caller: Caller,
    At(id): At<Id>,
    keyed: Keyed<Empty>,
) -> Result<Done<ParkedBody>, Problem> {
    let intent = keyed.intent();
    let (parked, replayed) = parking::recall(&host, &caller, id.as_str(), intent).await?;
    Ok(Done::ok(ParkedBody::of(parked)?).replayed(replayed))
}

impl From<ParkingError> for Problem {
    fn from(error: ParkingError) -> Self {
        match error {
            ParkingError::Label => Self::fields(vec![FieldError {
                pointer: "/label".to_owned(),
                fault: Fault::Invalid,
                arguments: vec![("reason", error.to_string())],
            }]),
            ParkingError::Full => Self::new(Code::BasketsFull),
            ParkingError::Unknown(id) => Self::unknown(Code::BasketUnknown, &id),
            ParkingError::TakenUp(id) => Self::new(Code::BasketTaken).with("id", id),
            ParkingError::KeyReused => Self::new(Code::IdempotencyKeyReused),
            ParkingError::Checkout(error) => error.into(),
            ParkingError::Store(error) => error.into(),
        }
    }
}
