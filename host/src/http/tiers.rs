//! A member's tier: why he has it and what is missing for the next, and tiers given by hand.

use std::sync::Arc;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::answer::{At, Done};
use super::auth::Caller;
use super::error::{Language, Problem, ProblemBody};
use super::json::Keyed;
use super::members::{TierBody, known, tier_of};
use super::paging::{NoFilter, Page, Paged};
use super::sale_view::Shown;
use super::tier_view::TierView;
use super::types::{Date, Id, Text, Time};
use crate::host::Host;
use crate::store;
use crate::store::tier_floors::FloorRow;
use crate::tier_floors::{self, ByHand};
use crate::tier_reviews;

/// The routes of this file.
pub fn routes() -> OpenApiRouter<Arc<Host>> {
    OpenApiRouter::new()
        .routes(routes!(read, give))
        .routes(routes!(withdraw))
        .routes(routes!(history))
}

/// A tier and why it is so.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExplainedTierBody {
    member: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    tier: Option<TierBody>,
    /// What staff gave by hand and still holds: reviews may raise the member and do not lower him.
    #[serde(skip_serializing_if = "Option::is_none")]
    by_hand: Option<ByHandBody>,
    /// What a review would decide today, with its reason and what is missing for the next tier; absent where no tier rule
    /// answers in the home store.
    #[serde(skip_serializing_if = "Option::is_none")]
    review: Option<TierView>,
}

/// A tier that staff gave.
#[derive(Debug, Serialize, ToSchema)]
pub struct ByHandBody {
    id: String,
    tier: String,
    /// Empty once the person is erased.
    reason: String,
    /// A staff member, or a key.
    by: String,
    at: Time,
    /// Last business day of the member's home store; without end when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_day: Option<Date>,
    /// When it was withdrawn or replaced.
    #[serde(skip_serializing_if = "Option::is_none")]
    ended_at: Option<Time>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ended_by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ended_why: Option<String>,
}

impl From<FloorRow> for ByHandBody {
    fn from(row: FloorRow) -> Self {
        Self {
            id: row.id,
            tier: row.tier,
            reason: row.reason,
            by: row.set_by,
            at: Time::micros(row.set_at),
            last_day: row.last_day.map(Date::stored),
            ended_at: row.ended_at.map(Time::micros),
            ended_by: row.ended_by,
            ended_why: row.ended_why,
        }
    }
}

async fn explained(
    host: &Host,
    id: &str,
    language: Language,
) -> Result<ExplainedTierBody, Problem> {
    known(&mut host.db.read().await?, id).await?;
    let explained = tier_reviews::explain(host, id).await?;
    let shown = Shown {
        catalog: &host.catalog,
        language,
    };
    let document = explained.reviewed.map(|reviewed| reviewed.document);
    let review = document.and_then(|document| shown.tier(&document));
    let member = explained.known.member;
    let today = tier_floors::today(host, &member);
    let by_hand = match &member.tier_floor {
        Some(id) => store::tier_floors::by_id(&mut host.db.read().await?, id).await?,
        None => None,
    };
    let by_hand = by_hand.filter(|row| tier_floors::holds(row, today));
    Ok(ExplainedTierBody {
        by_hand: by_hand.map(ByHandBody::from),
        review,
        tier: tier_of(&member),
        member: member.id,
    })
}

/// Say which tier a member has, why, and what is missing for the next.
#[utoipa::path(get, path = "/v1/members/{id}/tier", tag = "members", params(("id" = Id, Path)),
    responses((status = 200, body = ExplainedTierBody), (status = "default", body = ProblemBody)))]
async fn read(
    State(host): State<Arc<Host>>,
    language: Language,
    At(id): At<Id>,
) -> Result<Done<ExplainedTierBody>, Problem> {
    Ok(Done::ok(explained(&host, id.as_str(), language).await?))
}

/// A tier to give by hand.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TierRequest {
    tier: Text<64>,
    /// Why, for the record; 1 to 500 characters.
    reason: String,
    /// Last business day of the member's home store through which it is sure; without end when left out. The next review
    /// after it decides by itself.
    #[serde(default)]
    last_day: Option<Date>,
}

/// Give a member a tier by hand: while it holds, reviews may raise him and do not lower him. It takes the place of one given
/// before.
#[utoipa::path(post, path = "/v1/members/{id}/tier", tag = "members", request_body = TierRequest,
    params(("id" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 201, body = ExplainedTierBody), (status = "default", body = ProblemBody)))]
async fn give(
    State(host): State<Arc<Host>>,
    caller: Caller,
    language: Language,
    At(id): At<Id>,
    keyed: Keyed<TierRequest>,
) -> Result<Done<ExplainedTierBody>, Problem> {
    let (intent, request) = (keyed.intent(), keyed.body);
    let given = ByHand {
        tier: request.tier.into_string(),
        reason: request.reason,
        last_day: request.last_day.map(|date| date.0),
    };
    known(&mut host.db.read().await?, id.as_str()).await?;
    let effect = tier_floors::give(&host, &caller, id.as_str(), given, intent).await?;
    done(&host, &id, language, effect.replayed).await
}

async fn done(
    host: &Host,
    id: &Id,
    language: Language,
    replayed: bool,
) -> Result<Done<ExplainedTierBody>, Problem> {
    let body = explained(host, id.as_str(), language).await?;
    let place = format!("/v1/members/{}/tier", id.as_str());
    Ok(Done::created(place, body).replayed(replayed))
}

/// Why a tier is withdrawn.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TierWithdrawal {
    /// For the record; 1 to 500 characters.
    reason: String,
}

/// Withdraw the tier a member was given by hand: he gets back the one he had, unless a review has raised him since.
#[utoipa::path(post, path = "/v1/members/{id}/tier/withdrawal", tag = "members", request_body = TierWithdrawal,
    params(("id" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 201, body = ExplainedTierBody), (status = "default", body = ProblemBody)))]
async fn withdraw(
    State(host): State<Arc<Host>>,
    caller: Caller,
    language: Language,
    At(id): At<Id>,
    keyed: Keyed<TierWithdrawal>,
) -> Result<Done<ExplainedTierBody>, Problem> {
    let (intent, reason) = (keyed.intent(), keyed.body.reason);
    known(&mut host.db.read().await?, id.as_str()).await?;
    let effect = tier_floors::withdraw(&host, &caller, id.as_str(), &reason, intent).await?;
    done(&host, &id, language, effect.replayed).await
}

/// List the tiers a member was given by hand, the newest first, with who gave and ended them and why.
#[utoipa::path(get, path = "/v1/members/{id}/tier/history", tag = "members",
    params(("id" = Id, Path), ("limit" = Option<u32>, Query), ("cursor" = Option<String>, Query)),
    responses((status = 200, body = Page<ByHandBody>), (status = "default", body = ProblemBody)))]
async fn history(
    State(host): State<Arc<Host>>,
    At(id): At<Id>,
    paged: Paged<NoFilter>,
) -> Result<Done<Page<ByHandBody>>, Problem> {
    let mut conn = host.db.read().await?;
    known(&mut conn, id.as_str()).await?;
    let before = Some(paged.after()).filter(|after| !after.is_empty());
    let rows = store::tier_floors::of_member(&mut conn, id.as_str(), before, paged.rows()).await?;
    Ok(Done::ok(paged.page(
        rows,
        |row| vec![row.id.clone()],
        ByHandBody::from,
    )?))
}
