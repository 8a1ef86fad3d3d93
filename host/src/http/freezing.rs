//! What of a member's value is frozen.

use std::sync::Arc;

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::answer::{At, Done};
use super::auth::Caller;
use super::error::{Problem, ProblemBody};
use super::json::Keyed;
use super::members::known;
use super::types::Id;
use crate::host::Host;
use crate::wallet::{self, Freeze};

/// The routes of this file.
pub fn routes() -> OpenApiRouter<Arc<Host>> {
    OpenApiRouter::new()
        .routes(routes!(read, freeze))
        .routes(routes!(unfreeze))
}

/// What a member cannot spend at the moment.
#[derive(Debug, Serialize, ToSchema)]
pub struct FreezeBody {
    /// With his passes.
    stored_value: bool,
    points: bool,
}

async fn shown(host: &Host, member: &str) -> Result<FreezeBody, Problem> {
    let (stored_value, points) = wallet::frozen_of(host, member).await?;
    Ok(FreezeBody {
        stored_value,
        points,
    })
}

/// Say what of a member's value is frozen.
#[utoipa::path(get, path = "/v1/members/{id}/freeze", tag = "members", params(("id" = Id, Path)),
    responses((status = 200, body = FreezeBody), (status = "default", body = ProblemBody)))]
async fn read(State(host): State<Arc<Host>>, At(id): At<Id>) -> Result<Done<FreezeBody>, Problem> {
    known(&mut host.db.read().await?, id.as_str()).await?;
    Ok(Done::ok(shown(&host, id.as_str()).await?))
}

async fn set(
    host: &Arc<Host>,
    caller: &Caller,
    member: &Id,
    keyed: Keyed<Freeze>,
    freezes: bool,
) -> Result<Done<FreezeBody>, Problem> {
    let (intent, member) = (keyed.intent(), member.as_str());
    let receipt = wallet::freeze(host, caller, member, keyed.body, freezes, intent).await?;
    Ok(Done::ok(shown(host, member).await?).replayed(receipt.replayed))
}

/// Freeze a member's stored value with his passes, his points, or both: nobody can spend, withdraw or give away what is
/// frozen.
#[utoipa::path(post, path = "/v1/members/{id}/freeze", tag = "members", request_body = Freeze,
    params(("id" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 200, body = FreezeBody), (status = "default", body = ProblemBody)))]
async fn freeze(
    State(host): State<Arc<Host>>,
    caller: Caller,
    At(id): At<Id>,
    keyed: Keyed<Freeze>,
) -> Result<Done<FreezeBody>, Problem> {
    set(&host, &caller, &id, keyed, true).await
}

/// Let a member spend again what was frozen.
#[utoipa::path(post, path = "/v1/members/{id}/unfreeze", tag = "members", request_body = Freeze,
    params(("id" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 200, body = FreezeBody), (status = "default", body = ProblemBody)))]
async fn unfreeze(
    State(host): State<Arc<Host>>,
    caller: Caller,
    At(id): At<Id>,
    keyed: Keyed<Freeze>,
) -> Result<Done<FreezeBody>, Problem> {
    set(&host, &caller, &id, keyed, false).await
}
