//! Roles: the four there always are, and the chain's own.

use std::sync::Arc;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::answer::{At, Done};
use super::auth::Caller;
use super::error::{Problem, ProblemBody};
use super::json::Json;
use super::paging::{NoFilter, Page, Paged};
use super::problems::{Code, Fault};
use super::staff::check_held;
use super::stores::invalid;
use super::types::Id;
use crate::access::{Permission, Role};
use crate::host::Host;
use crate::roles::{Held, Power, Powers, held};
use crate::store;
use crate::store::roles::DefinedRole;

/// The routes of this file.
pub fn routes() -> OpenApiRouter<Arc<Host>> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(one, put))
}

/// A named set of permissions.
#[derive(Debug, Serialize, ToSchema)]
pub struct RoleBody {
    id: String,
    /// The built-in role it begins with; a built-in one its own.
    base: &'static str,
    /// Every permission: `allow`, `approve` (with the approval of somebody who holds it) or `deny`.
    #[schema(value_type = Object)]
    permissions: Powers,
    /// 0 for a built-in one.
    version: i64,
}

fn show(id: String, role: &Held, version: i64) -> RoleBody {
    RoleBody {
        id,
        base: role.base.name(),
        permissions: role.all(),
        version,
    }
}

fn defined(row: DefinedRole) -> Result<RoleBody, Problem> {
    let role = held(&row)?;
    Ok(show(row.id, &role, row.version))
}

/// List the chain's own roles; the built-in ones are read by their names.
#[utoipa::path(get, path = "/v1/roles", tag = "staff",
    params(("limit" = Option<u32>, Query), ("cursor" = Option<String>, Query)),
    responses((status = 200, body = Page<RoleBody>), (status = "default", body = ProblemBody)))]
async fn list(
    State(host): State<Arc<Host>>,
    paged: Paged<NoFilter>,
) -> Result<Done<Page<RoleBody>>, Problem> {
    let mut conn = host.db.read().await?;
    let rows = store::roles::roles(&mut conn, paged.after(), paged.rows()).await?;
    let shown: Vec<RoleBody> = rows.into_iter().map(defined).collect::<Result<_, _>>()?;
    Ok(Done::ok(paged.page(
        shown,
        |role| vec![role.id.clone()],
        |role| role,
    )?))
}

/// Read a role: `cashier`, `supervisor`, `manager`, `admin`, or one of the chain's own.
#[utoipa::path(get, path = "/v1/roles/{id}", tag = "staff", params(("id" = Id, Path)),
    responses((status = 200, body = RoleBody), (status = "default", body = ProblemBody)))]
async fn one(State(host): State<Arc<Host>>, At(id): At<Id>) -> Result<Done<RoleBody>, Problem> {
    if let Some(role) = Role::parse(id.as_str()) {
        return Ok(Done::ok(show(id.into_string(), &role.into(), 0)));
    }
    let found = store::roles::role(&mut host.db.read().await?, id.as_str()).await?;
    let row = found.ok_or_else(|| Problem::unknown(Code::RoleUnknown, id.as_str()))?;
    Ok(Done::ok(defined(row)?))
}

/// What a role is to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RoleRequest {
    /// The built-in role it begins with: `cashier`, `supervisor`, `manager` or `admin`.
    base: String,
    /// `allow`, `approve` or `deny` by permission; all others are the base's. What a person's role says here counts before
    /// what the till's key holds. Only what `POST /v1/approvals` takes can be `approve`.
    #[serde(default)]
    #[schema(value_type = Object)]
    permissions: Powers,
}

/// Create a role of the chain's own or change it; it holds from the next request on.
#[utoipa::path(put, path = "/v1/roles/{id}", tag = "staff", params(("id" = Id, Path)), request_body = RoleRequest,
    responses((status = 200, body = RoleBody), (status = "default", body = ProblemBody)))]
async fn put(
    State(host): State<Arc<Host>>,
    caller: Caller,
    At(id): At<Id>,
    Json(request): Json<RoleRequest>,
) -> Result<Done<RoleBody>, Problem> {
    if Role::parse(id.as_str()).is_some() {
        return Err(Problem::new(Code::Duplicate)
            .with("thing", "role")
            .with("id", id.as_str()));
    }
    Role::parse(&request.base)
        .ok_or_else(|| invalid("/base", "cashier, supervisor, manager, admin"))?;
    for (name, power) in &request.permissions {
        let at = format!("/permissions/{name}");
        let permission = Permission::parse(name);
        let permission = permission.ok_or_else(|| Problem::field(at.clone(), Fault::Unknown))?;
        if *power == Power::Approve && !Permission::APPROVABLE.contains(&permission) {
            return Err(invalid(&at, "it cannot be approved; give allow or deny"));
        }
    }
    if let Some(before) = store::roles::role(&mut host.db.read().await?, id.as_str()).await? {
        check_held(&caller, &held(&before)?)?;
    }
    let row = DefinedRole {
        id: id.into_string(),
        base: request.base,
        powers: serde_json::to_string(&request.permissions).map_err(Problem::internal)?,
        version: 0,
    };
    check_held(&caller, &held(&row)?)?;
    let told = serde_json::json!({
        "by": caller.who(), "base": row.base, "permissions": request.permissions,
    });
    let (told, now) = (told.to_string(), host.clock.now());
    let written = host.writer.write("changing a role", move |tx| {
        Box::pin(async move {
            store::roles::put(tx, &row).await?;
            store::events::add(tx, "role.changed", &row.id, None, now, &told).await?;
            store::roles::role(tx, &row.id).await
        })
    });
    let row = written.await?;
    let row = row.ok_or_else(|| Problem::new(Code::VersionConflict))?;
    Ok(Done::ok(defined(row)?))
}
