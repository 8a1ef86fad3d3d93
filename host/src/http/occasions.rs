//! `/v1/members/{id}/occasions`: what other things than sales gave a member, and how a till or a survey tells of one.

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
use super::members::known;
use super::paging::{NoFilter, Page, Paged};
use super::sale_view::{AwardView, GrantView, RewardView, Shown, SkippedView};
use super::types::{Date, Id, Text, Time};
use crate::checkout::stored;
use crate::domain::ledger::OccasionRow;
use crate::domain::order::OrderDocument;
use crate::domain::rules::Trigger;
use crate::host::Host;
use crate::occasions::{self, Report};
use crate::store::occasions as rows;

/// The routes of this file.
pub fn routes() -> OpenApiRouter<Arc<Host>> {
    OpenApiRouter::new().routes(routes!(list, report))
}

/// Something other than a sale that gave a member something.
#[derive(Debug, Serialize, ToSchema)]
pub struct OccasionView {
    pub id: String,
    /// `enrolment`, `joining`, `top-up`, `birthday`, `anniversary`, `feedback`, `manual`, `referral`, `tier-reached` or
    /// `tier-review`, which gave no more than another tier.
    pub kind: String,
    /// What tells it from every other of this member, such as `birthday/2026`.
    pub name: String,
    pub store: String,
    /// The order it came from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order: Option<String>,
    pub occurred_at: Time,
    pub business_date: Date,
    pub points_earned: i64,
    pub awards: Vec<AwardView>,
    pub rewards: Vec<RewardView>,
    pub grants: Vec<GrantView>,
}

/// What may be reported.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ReportKind {
    /// The member answered a survey or wrote a review.
    Feedback,
    /// Staff or a program of the chain ask for it. Needs the permission `adjust-points`.
    Manual,
}

/// Something that happened to a member.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OccasionRequest {
    kind: ReportKind,
    /// What tells it from every other of its kind about this member, such as the number of a survey: it gives
    /// something once.
    reference: Text<100>,
    /// The store whose rules are asked; a terminal's own when left out.
    #[serde(default)]
    store: Option<Id>,
    /// Its own money, minor units.
    #[serde(default)]
    amount: i64,
    /// The order it is about; a full refund of it takes back what this gives.
    #[serde(default)]
    order: Option<Id>,
}

/// What came of a report.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReportedView {
    pub member: String,
    /// Absent where no rule gives anything for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub occasion: Option<OccasionView>,
    /// Rules that gave no usable answer and were left out. Where nothing was given because of them, nothing was done
    /// under the key either: the same report may be sent again once they are mended.
    pub skipped: Vec<SkippedView>,
}

/// List what other things than sales gave a member, the newest first.
#[utoipa::path(get, path = "/v1/members/{id}/occasions", tag = "members",
    params(("id" = Id, Path), ("limit" = Option<u32>, Query), ("cursor" = Option<String>, Query)),
    responses((status = 200, body = Page<OccasionView>), (status = "default", body = ProblemBody)))]
pub async fn list(
    State(host): State<Arc<Host>>,
    language: Language,
    At(id): At<Id>,
    paged: Paged<NoFilter>,
) -> Result<Done<Page<OccasionView>>, Problem> {
    let mut conn = host.db.read().await?;
    known(&mut conn, id.as_str()).await?;
    let before = (!paged.after().is_empty()).then(|| paged.after().to_owned());
    let found = rows::of_member(&mut conn, id.as_str(), before.as_deref(), paged.rows()).await?;
    let views: Vec<OccasionView> = found
        .into_iter()
        .map(|row| view(&host, row, language))
        .collect::<Result<_, _>>()?;
    Ok(Done::ok(paged.page(
        views,
        |view| vec![view.id.clone()],
        |view| view,
    )?))
}

/// Report feedback of a member, or something staff ask points for by hand.
#[utoipa::path(post, path = "/v1/members/{id}/occasions", tag = "members", request_body = OccasionRequest,
    params(("id" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 201, body = ReportedView), (status = "default", body = ProblemBody)))]
pub async fn report(
    State(host): State<Arc<Host>>,
    caller: Caller,
    language: Language,
    At(id): At<Id>,
    keyed: Keyed<OccasionRequest>,
) -> Result<Done<ReportedView>, Problem> {
    let intent = keyed.intent();
    let request = keyed.body;
    let report = Report {
        trigger: match request.kind {
            ReportKind::Feedback => Trigger::Feedback,
            ReportKind::Manual => Trigger::Manual,
        },
        reference: request.reference.into_string(),
        store: request.store.map(Id::into_string),
        amount: request.amount,
        order: request.order.map(Id::into_string),
    };
    let done = occasions::report(&host, &caller, id.as_str(), report, intent).await?;
    let row = match done.occasion {
        None => None,
        Some(occasion) => {
            let mut conn = host.db.read().await?;
            rows::by_id(&mut conn, &occasion).await?
        }
    };
    let given = row.as_ref().map(|row| stored::unpack(&row.doc));
    let skipped = match given.transpose()?.or(done.failed.map(|document| *document)) {
        Some(document) => shown(&host, language).faults(&document),
        None => Vec::new(),
    };
    let body = ReportedView {
        occasion: row.map(|row| view(&host, row, language)).transpose()?,
        member: id.into_string(),
        skipped,
    };
    let location = format!("/v1/members/{}/occasions", body.member);
    Ok(Done::created(location, body).replayed(done.replayed))
}

fn shown(host: &Host, language: Language) -> Shown<'_> {
    Shown {
        catalog: &host.catalog,
        language,
    }
}

fn view(host: &Host, row: OccasionRow, language: Language) -> Result<OccasionView, Problem> {
    let document: OrderDocument = stored::unpack(&row.doc)?;
    let given = shown(host, language).sale(&document);
    Ok(OccasionView {
        id: row.id,
        kind: row.kind,
        name: row.name,
        store: row.store,
        order: row.order,
        occurred_at: Time(row.occurred_at),
        business_date: Date(row.business_date),
        points_earned: given.totals.points_earned,
        awards: given.awards,
        rewards: given.rewards,
        grants: given.grants,
    })
}
