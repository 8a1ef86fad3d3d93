//! Whom a member brought, and what that brought him.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::answer::{At, Done};
use super::error::{Problem, ProblemBody};
use super::members::known;
use super::paging::{NoFilter, Page, Paged};
use super::types::{Date, Id};
use crate::host::Host;
use crate::store;
use crate::store::members::Member;
use crate::store::referrals::Brought;

/// The routes of this file.
pub fn routes() -> OpenApiRouter<Arc<Host>> {
    OpenApiRouter::new().routes(routes!(referrals))
}

/// A member somebody referred.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReferredBody {
    member: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    referred_on: Option<Date>,
    /// Orders of theirs so far.
    orders: i64,
    /// What the referrer got for them, at the program's scale.
    points: i64,
    /// What of it was taken back with refunds.
    points_taken_back: i64,
    /// Minor units of bonus he got for them.
    bonus: i64,
    /// What of it was taken back with refunds.
    bonus_taken_back: i64,
}

/// List whom a member referred, and what each of them brought him so far.
#[utoipa::path(get, path = "/v1/members/{id}/referrals", tag = "members",
    params(("id" = Id, Path), ("limit" = Option<u32>, Query), ("cursor" = Option<String>, Query)),
    responses((status = 200, body = Page<ReferredBody>), (status = "default", body = ProblemBody)))]
async fn referrals(
    State(host): State<Arc<Host>>,
    At(id): At<Id>,
    paged: Paged<NoFilter>,
) -> Result<Done<Page<ReferredBody>>, Problem> {
    let mut conn = host.db.read().await?;
    known(&mut conn, id.as_str()).await?;
    let rows =
        store::members::referred(&mut conn, id.as_str(), paged.after(), paged.rows()).await?;
    let mut brought: HashMap<String, Brought> = HashMap::new();
    if let (Some(first), Some(last)) = (rows.first(), rows.last()) {
        let page = (first.id.as_str(), last.id.as_str());
        let sums = store::referrals::brought(&mut conn, id.as_str(), page).await?;
        brought.extend(sums.into_iter().map(|sum| (sum.member.clone(), sum)));
    }
    let show = |member: Member| {
        let sum = brought.get(&member.id);
        let of = |part: fn(&Brought) -> i64| sum.map_or(0, part);
        ReferredBody {
            referred_on: member.referred_on.map(Date::stored),
            orders: member.orders,
            points: of(|sum| sum.points),
            points_taken_back: of(|sum| sum.points_taken_back),
            bonus: of(|sum| sum.bonus),
            bonus_taken_back: of(|sum| sum.bonus_taken_back),
            member: member.id,
        }
    };
    Ok(Done::ok(paged.page(
        rows,
        |member| vec![member.id.clone()],
        show,
    )?))
}
