//! `/v1/bindings`: which plugin runs where, with which configuration. One binding is one campaign.

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::http::StatusCode;
use semver::VersionReq;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::answer::{At, Done};
use super::error::{FieldError, Problem, ProblemBody};
use super::json::Json;
use super::problems::{Code, Fault};
use super::types::{Date, Id, Name, Text, Time};
use crate::domain::schedule::Schedule;
use crate::host::Host;
use crate::rules::{self, NewBinding};
use crate::snapshot::Limit;
use crate::store::{bindings, plugins as installed, stores};

/// Bindings listed at once.
const MOST: i64 = 1_000;

/// The routes of this file.
pub fn routes() -> OpenApiRouter<Arc<Host>> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(read, end))
}

/// When a binding is live; both ends of everything are inclusive, in the store's own time.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ScheduleBody {
    /// First business day. A binding that names one holds from that day for sales recorded later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Date>,
    /// Last business day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Date>,
    /// 1 is Monday, 7 is Sunday; every day when empty.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub weekdays: Vec<u8>,
    /// First and last minute after midnight; over midnight when the first is later.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<u16>>)]
    pub minutes: Option<(u16, u16)>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum GroupChoice {
    /// The member of the group worth most to the customer.
    #[default]
    Best,
    /// The first by priority that has an effect.
    First,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum BaseChoice {
    /// List or member price, whatever other campaigns took off.
    Initial,
    /// What is left after the campaigns before it.
    #[default]
    Discounted,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum StageChoice {
    #[default]
    Lines,
    Order,
    Coupons,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OnFaultChoice {
    /// The sale goes on without it and says so.
    #[default]
    Skip,
    RefuseOrder,
}

/// A binding to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BindingRequest {
    #[serde(default)]
    pub name: Option<Name>,
    /// Name of an installed plugin.
    pub plugin: Id,
    /// Semver range it admits; any when absent.
    #[serde(default)]
    pub version: Option<Text<64>>,
    /// `chain`, `region:<id>` or `store:<id>`.
    #[serde(default)]
    pub scope: Option<Text<80>>,
    /// The plugin's configuration, as its schema says.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub config: serde_json::Value,
    /// Permissions granted to the plugin, such as `cost`; what its manifest asks for when left out.
    #[serde(default)]
    pub granted: Vec<Id>,
    /// Higher goes first; 0 when absent.
    #[serde(default)]
    pub priority: i32,
    #[serde(default)]
    pub schedule: ScheduleBody,
    /// Exclusive group: of its members only one applies.
    #[serde(default)]
    pub group: Option<Id>,
    #[serde(default)]
    pub group_choice: GroupChoice,
    #[serde(default)]
    pub base: BaseChoice,
    #[serde(default)]
    pub stage: StageChoice,
    /// Most it may take off one order, minor units.
    #[serde(default)]
    pub max_discount: Option<i64>,
    /// Limits and budgets the host keeps for it.
    #[serde(default)]
    #[schema(value_type = Vec<Object>)]
    pub limits: Vec<Limit>,
    #[serde(default)]
    pub on_fault: OnFaultChoice,
}

/// A binding as it stands.
#[derive(Debug, Serialize, ToSchema)]
pub struct BindingView {
    pub id: String,
    pub name: String,
    pub plugin: String,
    pub version: String,
    /// SHA-256 of the component that answers for it.
    pub digest: String,
    pub kind: String,
    pub scope: String,
    #[schema(value_type = Object)]
    pub config: serde_json::Value,
    pub priority: i64,
    pub schedule: ScheduleBody,
    pub group: Option<String>,
    pub group_choice: String,
    pub base: String,
    pub stage: String,
    pub max_discount: Option<i64>,
    #[schema(value_type = Vec<Object>)]
    pub limits: Vec<Limit>,
    pub on_fault: String,
    pub active: bool,
    pub created_at: Time,
    pub ended_at: Option<Time>,
}

/// Which bindings are listed.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct Which {
    /// Only those that reach this store.
    pub store: Option<String>,
}

/// The active bindings.
#[utoipa::path(get, path = "/v1/bindings", tag = "rules", params(Which),
    responses((status = 200, body = Vec<BindingView>), (status = "default", body = ProblemBody)))]
pub async fn list(
    State(host): State<Arc<Host>>,
    query: Result<Query<Which>, axum::extract::rejection::QueryRejection>,
) -> Result<Done<Vec<BindingView>>, Problem> {
    let Query(which) = query
        .map_err(|error| Problem::new(Code::InvalidQuery).with("reason", error.body_text()))?;
    let mut conn = host.db.read().await?;
    let scopes = match &which.store {
        None => None,
        Some(id) => {
            let store = stores::store(&mut conn, id)
                .await?
                .ok_or_else(|| Problem::unknown(Code::StoreUnknown, id))?;
            Some([
                "chain".to_owned(),
                format!("region:{}", store.region),
                format!("store:{id}"),
            ])
        }
    };
    let mut views = Vec::new();
    for row in bindings::bindings(&mut conn, None, "", MOST).await? {
        if scopes
            .as_ref()
            .is_none_or(|scopes| scopes.contains(&row.scope))
        {
            views.push(view(&mut conn, row).await?);
        }
    }
    Ok(Done::ok(views))
}

/// One binding, ended or not.
#[utoipa::path(get, path = "/v1/bindings/{id}", tag = "rules", params(("id" = String, Path)),
    responses((status = 200, body = BindingView), (status = "default", body = ProblemBody)))]
pub async fn read(
    State(host): State<Arc<Host>>,
    At(id): At<Id>,
) -> Result<Done<BindingView>, Problem> {
    let mut conn = host.db.read().await?;
    let row = bindings::binding(&mut conn, id.as_str())
        .await?
        .ok_or_else(|| Problem::unknown(Code::BindingUnknown, id.as_str()))?;
    Ok(Done::ok(view(&mut conn, row).await?))
}

/// Bind a plugin.
#[utoipa::path(post, path = "/v1/bindings", tag = "rules", request_body = BindingRequest,
    responses((status = 201, body = BindingView), (status = "default", body = ProblemBody)))]
pub async fn create(
    State(host): State<Arc<Host>>,
    Json(request): Json<BindingRequest>,
) -> Result<Done<BindingView>, Problem> {
    let row = rules::bind(&host, new(request)?).await?;
    let mut conn = host.db.read().await?;
    let view = view(&mut conn, row).await?;
    Ok(Done::created(format!("/v1/bindings/{}", view.id), view))
}

/// End a binding.
#[utoipa::path(delete, path = "/v1/bindings/{id}", tag = "rules", params(("id" = String, Path)),
    responses((status = 204), (status = "default", body = ProblemBody)))]
pub async fn end(State(host): State<Arc<Host>>, At(id): At<Id>) -> Result<StatusCode, Problem> {
    rules::end(&host, id.as_str()).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn new(request: BindingRequest) -> Result<NewBinding, Problem> {
    let range = request.version.as_ref().map_or("*", |range| range.as_str());
    let range = VersionReq::parse(range).map_err(|error| {
        let arguments = vec![("reason", error.to_string())];
        Problem::fields(vec![FieldError {
            pointer: "/version".to_owned(),
            fault: Fault::Invalid,
            arguments,
        }])
    })?;
    if request.max_discount.is_some_and(|most| most <= 0) {
        let arguments = vec![("min", "1".to_owned()), ("max", i64::MAX.to_string())];
        let error = FieldError {
            pointer: "/max_discount".to_owned(),
            fault: Fault::OutOfRange,
            arguments,
        };
        return Err(Problem::fields(vec![error]));
    }
    Ok(NewBinding {
        name: request.name.map(Name::into_string),
        plugin: request.plugin.into_string(),
        range,
        scope: request
            .scope
            .map_or_else(|| "chain".to_owned(), Text::into_string),
        config: if request.config.is_null() {
            "{}".to_owned()
        } else {
            request.config.to_string()
        },
        granted: request.granted.into_iter().map(Id::into_string).collect(),
        priority: i64::from(request.priority),
        schedule: Schedule {
            from: request.schedule.from.map(|date| date.0),
            until: request.schedule.until.map(|date| date.0),
            weekdays: request.schedule.weekdays,
            minutes: request.schedule.minutes,
        },
        group: request.group.map(Id::into_string),
        group_choice: match request.group_choice {
            GroupChoice::Best => "best",
            GroupChoice::First => "first",
        }
        .to_owned(),
        base: match request.base {
            BaseChoice::Initial => "initial",
            BaseChoice::Discounted => "discounted",
        }
        .to_owned(),
        stage: match request.stage {
            StageChoice::Lines => "lines",
            StageChoice::Order => "order",
            StageChoice::Coupons => "coupons",
        }
        .to_owned(),
        max_discount: request.max_discount,
        limits: request.limits,
        on_fault: match request.on_fault {
            OnFaultChoice::Skip => "skip",
            OnFaultChoice::RefuseOrder => "refuse-order",
        }
        .to_owned(),
    })
}

async fn view(
    conn: &mut crate::store::Conn,
    row: bindings::Binding,
) -> Result<BindingView, Problem> {
    let config = installed::config(conn, &row.config).await?;
    let config = config
        .and_then(|config| serde_json::from_str(&config.json).ok())
        .unwrap_or_default();
    let schedule: Schedule = serde_json::from_str(&row.schedule).map_err(Problem::internal)?;
    Ok(BindingView {
        id: row.id,
        name: row.name,
        plugin: row.plugin,
        version: row.release_range,
        digest: row.digest,
        kind: row.kind,
        scope: row.scope,
        config,
        priority: row.priority,
        schedule: ScheduleBody {
            from: schedule.from.map(Date),
            until: schedule.until.map(Date),
            weekdays: schedule.weekdays,
            minutes: schedule.minutes,
        },
        group: row.exclusive_group,
        group_choice: row.group_choice,
        base: row.base,
        stage: row.stage,
        max_discount: row.max_discount,
        limits: serde_json::from_str(&row.limits).map_err(Problem::internal)?,
        on_fault: row.on_fault,
        active: row.active,
        created_at: Time::micros(row.created_at),
        ended_at: row.ended_at.map(Time::micros),
    })
}
