//! Shared wallets: who may spend whose stored value.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::answer::{At, Done};
use super::auth::Caller;
use super::error::{Problem, ProblemBody};
use super::json::Json;
use super::members::known;
use super::types::{Date, Id};
use crate::domain::time::Day;
use crate::host::Host;
use crate::store;
use crate::store::wallet_shares::WalletShare;
use crate::wallet::sharing::{self, ShareRequest};

/// Shares shown of one member, each way.
const MOST: i64 = 100;

/// The routes of this file.
pub fn routes() -> OpenApiRouter<Arc<Host>> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(share, end))
}

/// One member's leave to spend another's stored value.
#[derive(Debug, Serialize, ToSchema)]
pub struct ShareBody {
    /// Whose stored value it is.
    owner: String,
    /// Who may spend it.
    member: String,
    /// Minor units on one business day.
    #[serde(skip_serializing_if = "Option::is_none")]
    most_per_day: Option<i64>,
    /// Minor units in one calendar month.
    #[serde(skip_serializing_if = "Option::is_none")]
    most_per_month: Option<i64>,
    /// Last business day he may.
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<Date>,
}

impl From<WalletShare> for ShareBody {
    fn from(share: WalletShare) -> Self {
        let day = |day: i64| i32::try_from(day).ok().map(|day| Date(Day(day)));
        Self {
            owner: share.owner,
            member: share.member,
            most_per_day: share.most_per_day,
            most_per_month: share.most_per_month,
            until: share.until.and_then(day),
        }
    }
}

/// Shared wallets a member has to do with.
#[derive(Debug, Serialize, ToSchema)]
pub struct SharesBody {
    /// Who may spend his stored value.
    given: Vec<ShareBody>,
    /// Whose stored value he may spend.
    taken: Vec<ShareBody>,
}

/// List who may spend a member's stored value, and whose he may spend.
#[utoipa::path(get, path = "/v1/members/{id}/wallet-shares", tag = "members", params(("id" = Id, Path)),
    responses((status = 200, body = SharesBody), (status = "default", body = ProblemBody)))]
async fn list(State(host): State<Arc<Host>>, At(id): At<Id>) -> Result<Done<SharesBody>, Problem> {
    let mut conn = host.db.read().await?;
    known(&mut conn, id.as_str()).await?;
    let (given, taken) = store::wallet_shares::of_member(&mut conn, id.as_str(), MOST).await?;
    let shown = |shares: Vec<WalletShare>| shares.into_iter().map(ShareBody::from).collect();
    Ok(Done::ok(SharesBody {
        given: shown(given),
        taken: shown(taken),
    }))
}

/// Let another member spend this one's stored value, or change how much of it.
#[utoipa::path(put, path = "/v1/members/{id}/wallet-shares/{member}", tag = "members", request_body = ShareRequest,
    params(("id" = Id, Path), ("member" = Id, Path)),
    responses((status = 200, body = ShareBody), (status = "default", body = ProblemBody)))]
async fn share(
    State(host): State<Arc<Host>>,
    caller: Caller,
    At((id, member)): At<(Id, Id)>,
    Json(request): Json<ShareRequest>,
) -> Result<Done<ShareBody>, Problem> {
    let mut conn = host.db.read().await?;
    known(&mut conn, id.as_str()).await?;
    known(&mut conn, member.as_str()).await?;
    drop(conn);
    let pair = (id.as_str(), member.as_str());
    let share = sharing::share(&host, &caller, pair, request).await?;
    Ok(Done::ok(share.into()))
}

/// Let another member spend this one's stored value no more. Quotes made before hold for their life; freezing the wallet
/// stops those too.
#[utoipa::path(delete, path = "/v1/members/{id}/wallet-shares/{member}", tag = "members",
    params(("id" = Id, Path), ("member" = Id, Path)),
    responses((status = 204), (status = "default", body = ProblemBody)))]
async fn end(
    State(host): State<Arc<Host>>,
    caller: Caller,
    At((id, member)): At<(Id, Id)>,
) -> Result<StatusCode, Problem> {
    sharing::end(&host, &caller, (id.as_str(), member.as_str())).await?;
    Ok(StatusCode::NO_CONTENT)
}
