//! `/v1/members/{id}/top-ups` and `/adjustments`: value moved outside a sale.

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
use super::quotes::intent;
use super::types::Id;
use crate::domain::ledger::Receipt;
use crate::host::Host;
use crate::wallet::{self, Adjustment, TopUp};

/// What moved in a member's accounts.
#[derive(Debug, Serialize, ToSchema)]
pub struct MovementView {
    pub id: String,
    /// The journal entry; absent where no balance moved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entry: Option<String>,
    pub postings: Vec<PostingView>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct PostingView {
    /// Name of the member's account, such as `points`.
    pub account: String,
    pub asset: String,
    pub amount: i64,
    pub balance_after: i64,
}

/// Pay money into a member's stored value.
#[utoipa::path(post, path = "/v1/members/{id}/top-ups", tag = "members", request_body = TopUp,
    params(("id" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 201, body = MovementView), (status = "default", body = ProblemBody)))]
pub async fn top_up(
    State(host): State<Arc<Host>>,
    caller: Caller,
    At(id): At<Id>,
    keyed: Keyed<TopUp>,
) -> Result<Done<MovementView>, Problem> {
    let intent = intent(keyed.key.into_string(), keyed.hash);
    let receipt = wallet::top_up(&host, &caller, id.as_str(), keyed.body, intent).await?;
    Ok(moved(id.as_str(), receipt))
}

/// Give or take points by hand.
#[utoipa::path(post, path = "/v1/members/{id}/adjustments", tag = "members", request_body = Adjustment,
    params(("id" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 201, body = MovementView), (status = "default", body = ProblemBody)))]
pub async fn adjust(
    State(host): State<Arc<Host>>,
    caller: Caller,
    At(id): At<Id>,
    keyed: Keyed<Adjustment>,
) -> Result<Done<MovementView>, Problem> {
    let intent = intent(keyed.key.into_string(), keyed.hash);
    let receipt = wallet::adjust(&host, &caller, id.as_str(), keyed.body, intent).await?;
    Ok(moved(id.as_str(), receipt))
}

/// Shows the member's own postings; the chain's side of the entry is not the till's business.
fn moved(member: &str, receipt: Receipt) -> Done<MovementView> {
    let own = |account: &str| {
        account
            .strip_prefix(member)
            .and_then(|rest| rest.strip_prefix('/'))
            .map(str::to_owned)
    };
    let postings = receipt.postings.into_iter().filter_map(|posting| {
        let account = own(&posting.account)?;
        let name = account
            .split_once('/')
            .map_or(account.as_str(), |(name, _)| name)
            .to_owned();
        Some(PostingView {
            account: name,
            asset: posting.asset,
            amount: posting.amount,
            balance_after: posting.balance_after,
        })
    });
    let view = MovementView {
        id: receipt.subject.id,
        entry: receipt.entry_id,
        postings: postings.collect(),
    };
    Done::created(format!("/v1/members/{member}/entries"), view).replayed(receipt.replayed)
}

pub fn routes() -> OpenApiRouter<Arc<Host>> {
    OpenApiRouter::new()
        .routes(routes!(top_up))
        .routes(routes!(adjust))
}
