//! A second person's word, given with a PIN and used once.

use std::sync::Arc;

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::answer::Done;
use super::auth::Caller;
use super::error::{Problem, ProblemBody};
use super::json::Json;
use super::problems::{Code, Fault};
use super::types::Time;
use crate::access::Permission;
use crate::approval::{self, Act, ApprovalRequest, Unapproved};
use crate::host::Host;

/// The routes of this file.
pub fn routes() -> OpenApiRouter<Arc<Host>> {
    OpenApiRouter::new().routes(routes!(approve))
}

/// An approval as the till shows it with the request it is for.
#[derive(Debug, Serialize, ToSchema)]
pub struct ApprovalBody {
    /// Goes into the request's `approval`.
    approval: String,
    /// Who gave it.
    by: String,
    /// Until when it can be used, a minute from now.
    expires_at: Time,
}

/// Approve what somebody else is about to do: once, for this subject and amount, for a minute.
#[utoipa::path(post, path = "/v1/approvals", tag = "staff", request_body = ApprovalRequest,
    params(("Tessera-Staff" = String, Header, description = "id:pin of the person who approves")),
    responses((status = 200, body = ApprovalBody), (status = "default", body = ProblemBody)))]
async fn approve(
    State(host): State<Arc<Host>>,
    caller: Caller,
    Json(request): Json<ApprovalRequest>,
) -> Result<Done<ApprovalBody>, Problem> {
    let mut approvable = Permission::APPROVABLE.into_iter();
    let permission = approvable
        .find(|permission| permission.name() == request.permission)
        .ok_or_else(|| Problem::field("/permission", Fault::Unknown))?;
    let act = Act {
        permission,
        subject: &request.subject,
        amount: request.amount,
    };
    let given = approval::give(&host, &caller, act, &request.reason).await?;
    let body = ApprovalBody {
        approval: given.token,
        by: given.by,
        expires_at: Time(given.expires_at),
    };
    Ok(Done::ok(body))
}

impl From<Unapproved> for Problem {
    fn from(why: Unapproved) -> Self {
        match why {
            Unapproved::Nobody => Self::new(Code::StaffNeeded),
            _ => Self::new(Code::ApprovalRefused)
                .with("reason", why)
                .at("/approval"),
        }
    }
}
