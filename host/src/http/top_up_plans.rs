//! Top-up plans: what an amount paid in brings on top.

use std::sync::Arc;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::answer::{At, Done};
use super::error::{FieldError, Problem, ProblemBody};
use super::json::Json;
use super::paging::{NoFilter, Page, Paged};
use super::problems::Fault;
use super::rewards::{honouring, in_range, some_days, within};
use super::stores::{is_currency, yes};
use super::types::{Date, Id, Name};
use crate::host::Host;
use crate::store;
use crate::store::top_up_plans::TopUpPlan;
use crate::wallet::{HAD, PlanGives, plan_gives, plan_owner};

/// Parts of a bonus: a year of days, and a leap day.
const MOST_PARTS: i64 = 366;
/// Kinds of coupons, or tiers one raises from.
const MOST_KINDS: usize = 20;
const MOST_COUPONS: i64 = 100;
/// Characters of a tier's code.
const LONGEST_TIER: i64 = 64;
/// Times a plan may be had at the most, where there is a limit at all.
const MOST_TIMES: i64 = 1_000_000_000;
/// Greatest multiplier of points a tier brings.
const MOST_TIMES_POINTS: i64 = 100;

/// The routes of this file.
pub fn routes() -> OpenApiRouter<Arc<Host>> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(put))
}

/// What an amount paid in brings on top.
#[derive(Debug, Serialize, ToSchema)]
pub struct TopUpPlanBody {
    id: String,
    name: String,
    currency: String,
    /// Minor units the member pays.
    amount: i64,
    gives: PlanGives,
    #[serde(skip_serializing_if = "Option::is_none")]
    per_member: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    most: Option<i64>,
    /// How often it was had so far.
    had: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    starts_on: Option<Date>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ends_on: Option<Date>,
    active: bool,
    version: i64,
}

fn show(plan: TopUpPlan, had: i64) -> Result<TopUpPlanBody, Problem> {
    Ok(TopUpPlanBody {
        gives: plan_gives(&plan)?,
        id: plan.id,
        name: plan.name,
        currency: plan.currency,
        amount: plan.amount,
        per_member: plan.per_member,
        most: plan.most,
        had,
        starts_on: plan.starts_on.map(Date::stored),
        ends_on: plan.ends_on.map(Date::stored),
        active: plan.active,
        version: plan.version,
    })
}

/// What a plan is to be. A change counts from the next top-up on.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TopUpPlanRequest {
    name: Name,
    /// ISO 4217; it is sold in stores of this currency.
    currency: String,
    /// Minor units the member pays.
    amount: i64,
    gives: PlanGives,
    /// How often one member may have it; any number when absent.
    #[serde(default)]
    per_member: Option<i64>,
    /// How often it may be had in all; any number when absent.
    #[serde(default)]
    most: Option<i64>,
    /// First and last business day it is sold.
    #[serde(default)]
    starts_on: Option<Date>,
    #[serde(default)]
    ends_on: Option<Date>,
    #[serde(default = "yes")]
    active: bool,
}

/// List the top-up plans.
#[utoipa::path(get, path = "/v1/top-up-plans", tag = "programs",
    params(("limit" = Option<u32>, Query), ("cursor" = Option<String>, Query)),
    responses((status = 200, body = Page<TopUpPlanBody>), (status = "default", body = ProblemBody)))]
async fn list(
    State(host): State<Arc<Host>>,
    paged: Paged<NoFilter>,
) -> Result<Done<Page<TopUpPlanBody>>, Problem> {
    let mut conn = host.db.read().await?;
    let rows = store::top_up_plans::plans(&mut conn, paged.after(), paged.rows()).await?;
    let key = |plan: &TopUpPlan| (plan_owner(&plan.id), HAD.to_owned());
    let keys: Vec<_> = rows.iter().map(key).collect();
    let had = store::counters::values(&mut conn, &keys).await?;
    let shown = rows.into_iter().zip(had).map(|(plan, had)| show(plan, had));
    let shown: Vec<_> = shown.collect::<Result<_, _>>()?;
    let page = paged.page(shown, |plan| vec![plan.id.clone()], |plan| plan)?;
    Ok(Done::ok(page))
}

/// Create a top-up plan or change it.
#[utoipa::path(put, path = "/v1/top-up-plans/{id}", tag = "programs", params(("id" = Id, Path)),
    request_body = TopUpPlanRequest,
    responses((status = 200, body = TopUpPlanBody), (status = "default", body = ProblemBody)))]
async fn put(
    State(host): State<Arc<Host>>,
    At(id): At<Id>,
    Json(request): Json<TopUpPlanRequest>,
) -> Result<Done<TopUpPlanBody>, Problem> {
    checked(&host, &request).await?;
    let row = TopUpPlan {
        id: id.as_str().to_owned(),
        name: request.name.into_string(),
        currency: request.currency,
        amount: request.amount,
        gives: serde_json::to_string(&request.gives).map_err(Problem::internal)?,
        per_member: request.per_member,
        most: request.most,
        starts_on: request.starts_on.map(|date| date.0.0.into()),
        ends_on: request.ends_on.map(|date| date.0.0.into()),
        active: request.active,
        version: 0,
    };
    let written = host.writer.write("changing a top-up plan", move |tx| {
        Box::pin(async move {
            store::top_up_plans::put(tx, &row).await?;
            let key = (plan_owner(&row.id), HAD.to_owned());
            let had = store::counters::values(tx, &[key]).await?;
            let plan = store::top_up_plans::plan(tx, &row.id).await?;
            Ok((plan.unwrap_or(row), had.first().copied().unwrap_or(0)))
        })
    });
    let (plan, had) = written.await?;
    Ok(Done::ok(show(plan, had)?))
}

async fn checked(host: &Host, request: &TopUpPlanRequest) -> Result<(), Problem> {
    if !is_currency(&request.currency) {
        return Err(Problem::field("/currency", Fault::NotACurrency));
    }
    in_range("/amount", request.amount, 1)?;
    within(
        "/per_member",
        request.per_member.unwrap_or(1),
        1..=MOST_TIMES,
    )?;
    within("/most", request.most.unwrap_or(1), 1..=MOST_TIMES)?;
    if matches!((request.starts_on, request.ends_on), (Some(first), Some(last)) if last < first) {
        return Err(Problem::field("/ends_on", Fault::NotADate));
    }
    let gives = &request.gives;
    if let Some(bonus) = &gives.bonus {
        in_range("/gives/bonus/amount", bonus.amount, 1)?;
        some_days("/gives/bonus/days", bonus.days)?;
        if let Some(release) = bonus.release {
            // Every part is at least one minor unit.
            let most = MOST_PARTS.min(bonus.amount).max(2);
            within("/gives/bonus/release/parts", release.parts.into(), 2..=most)?;
            in_range("/gives/bonus/amount", bonus.amount, 2)?;
        }
    }
    if let Some(gift) = &gives.points {
        in_range("/gives/points/points", gift.points, 1)?;
        some_days("/gives/points/days", gift.days)?;
    }
    few("/gives/coupons", gives.coupons.len())?;
    let mut conn = host.db.read().await?;
    for (position, coupons) in gives.coupons.iter().enumerate() {
        let at = |field: &str| format!("/gives/coupons/{position}/{field}");
        within(&at("count"), coupons.count.into(), 1..=MOST_COUPONS)?;
        some_days(&at("days"), coupons.days)?;
        honouring(&mut conn, &coupons.binding, &at("binding")).await?;
    }
    if let Some(tier) = &gives.tier {
        few("/gives/tier/from", tier.from.len())?;
        some_days("/gives/tier/days", Some(tier.days))?;
        for name in std::iter::once(&tier.tier).chain(&tier.from) {
            let length = name.chars().count() as i64;
            within("/gives/tier", length, 1..=LONGEST_TIER)?;
        }
        let (times, of) = (tier.multiplier.numerator(), tier.multiplier.denominator());
        within("/gives/tier/multiplier", times / of, 0..=MOST_TIMES_POINTS)?;
        within("/gives/tier/multiplier", times, 1..=i64::MAX)?;
    }
    Ok(())
}

fn few(pointer: &str, count: usize) -> Result<(), Problem> {
    if count <= MOST_KINDS {
        return Ok(());
    }
    Err(Problem::fields(vec![FieldError {
        pointer: pointer.to_owned(),
        fault: Fault::TooMany,
        arguments: vec![("limit", MOST_KINDS.to_string())],
    }]))
}
