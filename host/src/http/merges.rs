//! Two memberships of one person made one, and parted again.

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
use super::members::known;
use super::types::Id;
use crate::domain::ledger::Receipt;
use crate::host::Host;
use crate::merging::{self, MergeRequest};

/// The routes of this file.
pub fn routes() -> OpenApiRouter<Arc<Host>> {
    OpenApiRouter::new()
        .routes(routes!(merge))
        .routes(routes!(undo))
}

/// A member who was made part of another, or is himself again.
#[derive(Debug, Serialize, ToSchema)]
pub struct MergedBody {
    member: String,
    status: String,
    /// Who he is now; absent once he is himself again.
    #[serde(skip_serializing_if = "Option::is_none")]
    merged_into: Option<String>,
    /// The journal entry; absent where no balance moved.
    #[serde(skip_serializing_if = "Option::is_none")]
    entry: Option<String>,
}

async fn answer(host: &Host, id: Id, receipt: Receipt) -> Result<Done<MergedBody>, Problem> {
    let member = known(&mut host.db.read().await?, id.as_str()).await?;
    let body = MergedBody {
        member: member.id,
        status: member.status,
        merged_into: member.merged_into,
        entry: receipt.entry_id,
    };
    let place = format!("/v1/members/{}", id.as_str());
    Ok(Done::created(place, body).replayed(receipt.replayed))
}

/// Make a member part of another, who gets accounts, coupons, limits used and cards: once. The orders stay his and are
/// found from the other.
#[utoipa::path(post, path = "/v1/members/{id}/merge", tag = "members", request_body = MergeRequest,
    params(("id" = Id, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 201, body = MergedBody), (status = "default", body = ProblemBody)))]
async fn merge(
    State(host): State<Arc<Host>>,
    caller: Caller,
    At(id): At<Id>,
    keyed: Keyed<MergeRequest>,
) -> Result<Done<MergedBody>, Problem> {
    let intent = keyed.intent();
    let receipt = merging::merge(&host, &caller, id.as_str(), keyed.body, intent).await?;
    answer(&host, id, receipt).await
}

/// Why a merge is undone.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UndoRequest {
    /// For the record; 1 to 500 characters.
    reason: String,
}

/// Part a member again from the one he was made part of: within the chain's days, while all that moved is there.
#[utoipa::path(post, path = "/v1/members/{id}/merge/undo", tag = "members", request_body = UndoRequest,
    params(("id" = Id, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 201, body = MergedBody), (status = "default", body = ProblemBody)))]
async fn undo(
    State(host): State<Arc<Host>>,
    caller: Caller,
    At(id): At<Id>,
    keyed: Keyed<UndoRequest>,
) -> Result<Done<MergedBody>, Problem> {
    let intent = keyed.intent();
    let reason = keyed.body.reason;
    let receipt = merging::part(&host, &caller, id.as_str(), &reason, intent).await?;
    answer(&host, id, receipt).await
}
