//! Codes a member's phone shows instead of a card.

use std::sync::Arc;

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::answer::{At, Done};
use super::error::{Problem, ProblemBody};
use super::members::known;
use super::types::{Id, Time};
use crate::cards::code;
use crate::host::Host;

/// The routes of this file.
pub fn routes() -> OpenApiRouter<Arc<Host>> {
    OpenApiRouter::new().routes(routes!(make))
}

/// A code for a minute.
#[derive(Debug, Serialize, ToSchema)]
pub struct MemberCodeBody {
    /// To be shown as a QR code: digits and capitals alone.
    code: String,
    /// Show another one from then on.
    expires_at: Time,
}

/// Make the code a member's phone shows for the next minute; a till sends it as the member's `code`.
#[utoipa::path(post, path = "/v1/members/{id}/codes", tag = "cards", params(("id" = Id, Path)),
    responses((status = 200, body = MemberCodeBody), (status = "default", body = ProblemBody)))]
async fn make(
    State(host): State<Arc<Host>>,
    At(id): At<Id>,
) -> Result<Done<MemberCodeBody>, Problem> {
    known(&mut host.db.read().await?, id.as_str()).await?;
    let (code, ends) = code::made(&host, id.as_str())?;
    Ok(Done::ok(MemberCodeBody {
        code,
        expires_at: Time(ends),
    }))
}
