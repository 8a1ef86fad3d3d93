//! Staff and their PINs.

use std::sync::Arc;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::answer::{At, Done};
use super::auth::Caller;
use super::error::{FieldError, Problem, ProblemBody};
use super::json::Json;
use super::paging::{Page, Paged};
use super::problems::{Code, Fault};
use super::stores::{invalid, yes};
use super::types::{Id, Name};
use crate::access::{self, Permission};
use crate::duty::{self, PinError};
use crate::host::Host;
use crate::roles::{self, Held, Power};
use crate::store::staff::Staff;
use crate::store::{self, Conn};

/// The routes of this file.
pub fn routes() -> OpenApiRouter<Arc<Host>> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(one, change))
        .routes(routes!(set_pin))
        .routes(routes!(own_pin))
}

/// A person who works for the chain.
#[derive(Debug, Serialize, ToSchema)]
pub struct StaffBody {
    id: String,
    name: String,
    /// `cashier`, `supervisor`, `manager`, `admin`, or one of the chain's own.
    role: String,
    /// Left out: all stores.
    #[serde(skip_serializing_if = "Option::is_none")]
    store: Option<String>,
    active: bool,
    /// Too many wrong PINs; a new PIN unlocks.
    locked: bool,
    /// Somebody else set the PIN: it may only change itself.
    pin_must_change: bool,
    version: i64,
}

impl From<Staff> for StaffBody {
    fn from(staff: Staff) -> Self {
        Self {
            id: staff.id,
            name: staff.name,
            role: staff.role,
            store: staff.store,
            active: staff.active,
            locked: staff.failed_tries >= store::staff::TRIES,
            pin_must_change: staff.pin_must_change,
            version: staff.version,
        }
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct ByStore {
    store: Option<String>,
}

/// List the staff, of one store if it is given.
#[utoipa::path(get, path = "/v1/staff", tag = "staff",
    params(("store" = Option<String>, Query), ("limit" = Option<u32>, Query), ("cursor" = Option<String>, Query)),
    responses((status = 200, body = Page<StaffBody>), (status = "default", body = ProblemBody)))]
async fn list(
    State(host): State<Arc<Host>>,
    caller: Caller,
    paged: Paged<ByStore>,
) -> Result<Done<Page<StaffBody>>, Problem> {
    let mut conn = host.db.read().await?;
    let store = caller.store.as_deref().or(paged.filter.store.as_deref());
    let rows = store::staff::staff_list(&mut conn, store, paged.after(), paged.rows()).await?;
    Ok(Done::ok(paged.page(
        rows,
        |staff| vec![staff.id.clone()],
        StaffBody::from,
    )?))
}

/// Read a staff member.
#[utoipa::path(get, path = "/v1/staff/{id}", tag = "staff", params(("id" = Id, Path)),
    responses((status = 200, body = StaffBody), (status = "default", body = ProblemBody)))]
async fn one(
    State(host): State<Arc<Host>>,
    caller: Caller,
    At(id): At<Id>,
) -> Result<Done<StaffBody>, Problem> {
    Ok(Done::ok(
        manageable(&host, &caller, id.as_str()).await?.into(),
    ))
}

/// A staff member the caller may manage: of their store, and not above their own role.
async fn manageable(host: &Host, caller: &Caller, id: &str) -> Result<Staff, Problem> {
    let mut conn = host.db.read().await?;
    let staff = store::staff::staff(&mut conn, id).await?;
    let staff = staff.ok_or_else(|| Problem::unknown(Code::StaffUnknown, id))?;
    check_store(caller, staff.store.as_deref())?;
    check_role(&mut conn, caller, &staff.role).await?;
    Ok(staff)
}

/// Somebody bound to a store manages only people of that store.
fn check_store(caller: &Caller, store: Option<&str>) -> Result<(), Problem> {
    match (&caller.store, store) {
        (Some(own), None) => Err(Problem::new(Code::OtherStore).with("store", own)),
        (_, Some(store)) => Ok(caller.require_store(store)?),
        (None, None) => Ok(()),
    }
}

async fn check_role(conn: &mut Conn, caller: &Caller, name: &str) -> Result<(), Problem> {
    let role = roles::named(conn, name).await?;
    let role = role.ok_or_else(|| Problem::unknown(Code::RoleUnknown, name).at("/role"))?;
    check_held(caller, &role)
}

/// Nobody gives, manages or makes a role that holds what he does not hold himself.
pub(super) fn check_held(caller: &Caller, role: &Held) -> Result<(), Problem> {
    if role.base > caller.highest() {
        return Err(Problem::new(Code::Forbidden).with("permission", role.base.name()));
    }
    let mut held = Permission::ALL.into_iter();
    match held.find(|one| role.says(*one) == Some(Power::Allow) && !caller.may(*one)) {
        Some(missing) => Err(Problem::new(Code::Forbidden).with("permission", missing.name())),
        None => Ok(()),
    }
}

/// A new staff member.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StaffRequest {
    /// Typed at the till; made by the host when left out.
    #[serde(default)]
    id: Option<Id>,
    name: Name,
    role: String,
    /// Left out: all stores.
    #[serde(default)]
    store: Option<Id>,
    /// 4 to 12 digits.
    pin: String,
}

pub fn check_pin(pin: &str) -> Result<(), Problem> {
    let faulty = |fault, limit: usize| {
        let arguments = vec![("limit", limit.to_string())];
        Err(Problem::fields(vec![FieldError {
            pointer: "/pin".to_owned(),
            fault,
            arguments,
        }]))
    };
    match pin.len() {
        0..=3 => faulty(Fault::TooShort, 4),
        4..=12 if pin.bytes().all(|byte| byte.is_ascii_digit()) => Ok(()),
        4..=12 => Err(invalid("/pin", "0-9")),
        _ => faulty(Fault::TooLong, 12),
    }
}

/// The PIN's hash, made off the request's thread.
async fn hashed(pin: String) -> Result<String, Problem> {
    tokio::task::spawn_blocking(move || access::hash_pin(&pin))
        .await
        .map_err(Problem::internal)?
        .map_err(Problem::from)
}

/// Add a staff member.
#[utoipa::path(post, path = "/v1/staff", tag = "staff", request_body = StaffRequest,
    responses((status = 201, body = StaffBody), (status = "default", body = ProblemBody)))]
async fn create(
    State(host): State<Arc<Host>>,
    caller: Caller,
    Json(request): Json<StaffRequest>,
) -> Result<Done<StaffBody>, Problem> {
    check_store(&caller, request.store.as_ref().map(Id::as_str))?;
    check_role(&mut host.db.read().await?, &caller, &request.role).await?;
    check_pin(&request.pin)?;
    let store = request.store.as_ref().map(Id::as_str);
    let staff = Staff {
        pin_must_change: duty::has_to_change(&host, store),
        id: request.id.unwrap_or_else(Id::fresh).into_string(),
        name: request.name.into_string(),
        role: request.role,
        store: request.store.map(Id::into_string),
        pin_hash: hashed(request.pin).await?,
        failed_tries: 0,
        active: true,
        version: 1,
    };
    let row = staff.clone();
    host.writer
        .write("creating a staff member", move |tx| {
            Box::pin(async move {
                if let Some(store) = &row.store
                    && store::stores::store(tx, store).await?.is_none()
                {
                    return Ok(Err(Problem::unknown(Code::StoreUnknown, store).at("/store")));
                }
                if !store::staff::create_staff(tx, &row).await? {
                    return Ok(Err(Problem::new(Code::Duplicate)
                        .with("thing", "staff")
                        .with("id", &row.id)));
                }
                Ok(Ok(()))
            })
        })
        .await??;
    Ok(Done::created(
        format!("/v1/staff/{}", staff.id),
        staff.into(),
    ))
}

/// What a staff member is to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StaffChange {
    name: Name,
    role: String,
    #[serde(default)]
    store: Option<Id>,
    #[serde(default = "yes")]
    active: bool,
    /// The version read before; left out: not checked.
    #[serde(default)]
    version: i64,
}

/// Change a staff member; inactive ones cannot go on duty.
#[utoipa::path(put, path = "/v1/staff/{id}", tag = "staff", params(("id" = Id, Path)), request_body = StaffChange,
    responses((status = 200, body = StaffBody), (status = "default", body = ProblemBody)))]
async fn change(
    State(host): State<Arc<Host>>,
    caller: Caller,
    At(id): At<Id>,
    Json(request): Json<StaffChange>,
) -> Result<Done<StaffBody>, Problem> {
    let mut staff = manageable(&host, &caller, id.as_str()).await?;
    check_store(&caller, request.store.as_ref().map(Id::as_str))?;
    check_role(&mut host.db.read().await?, &caller, &request.role).await?;
    staff.name = request.name.into_string();
    staff.role = request.role;
    staff.store = request.store.map(Id::into_string);
    staff.active = request.active;
    staff.version = request.version;
    let changed = host
        .writer
        .write("changing a staff member", move |tx| {
            Box::pin(async move {
                if let Some(store) = &staff.store
                    && store::stores::store(tx, store).await?.is_none()
                {
                    return Ok(Err(Problem::unknown(Code::StoreUnknown, store).at("/store")));
                }
                if !store::staff::update_staff(tx, &staff).await? {
                    return Ok(Err(Problem::new(Code::VersionConflict)));
                }
                Ok(Ok(store::staff::staff(tx, &staff.id).await?))
            })
        })
        .await??;
    changed
        .map(|staff| Done::ok(staff.into()))
        .ok_or_else(|| Problem::unknown(Code::StaffUnknown, id.as_str()))
}

/// A new PIN.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PinRequest {
    /// 4 to 12 digits.
    pub pin: String,
}

/// Set a new PIN, which also unlocks; where it is not one's own, it has to be changed at its first use.
#[utoipa::path(put, path = "/v1/staff/{id}/pin", tag = "staff", params(("id" = Id, Path)), request_body = PinRequest,
    responses((status = 200, body = StaffBody), (status = "default", body = ProblemBody)))]
async fn set_pin(
    State(host): State<Arc<Host>>,
    caller: Caller,
    At(id): At<Id>,
    Json(request): Json<PinRequest>,
) -> Result<Done<StaffBody>, Problem> {
    let staff = manageable(&host, &caller, id.as_str()).await?;
    check_pin(&request.pin)?;
    let hash = hashed(request.pin).await?;
    let is_own = caller.staff.as_ref().is_some_and(|own| own.id == staff.id);
    let must_change = !is_own && duty::has_to_change(&host, staff.store.as_deref());
    let told = serde_json::json!({ "by": caller.who(), "must_change": must_change }).to_string();
    let now = host.clock.now();
    let changed = host
        .writer
        .write("setting a PIN", move |tx| {
            Box::pin(async move {
                store::staff::set_pin(tx, (&staff.id, 0), &hash, must_change).await?;
                let (kind, store) = ("staff.pin_set", staff.store.as_deref());
                store::events::add(tx, kind, &staff.id, store, now, &told).await?;
                store::staff::staff(tx, &staff.id).await
            })
        })
        .await?;
    changed
        .map(|staff| Done::ok(staff.into()))
        .ok_or_else(|| Problem::unknown(Code::StaffUnknown, id.as_str()))
}

/// Change one's own PIN, shown as `Tessera-Staff`, for another.
#[utoipa::path(put, path = "/v1/me/pin", tag = "staff", request_body = PinRequest,
    params(("Tessera-Staff" = String, Header, description = "id:pin of whom it is about")),
    responses((status = 200, body = StaffBody), (status = "default", body = ProblemBody)))]
async fn own_pin(
    State(host): State<Arc<Host>>,
    caller: Caller,
    Json(request): Json<PinRequest>,
) -> Result<Done<StaffBody>, Problem> {
    check_pin(&request.pin)?;
    duty::change_pin(&host, &caller, request.pin).await?;
    let staff = store::staff::staff(&mut host.db.read().await?, caller.who()).await?;
    staff
        .map(|staff| Done::ok(staff.into()))
        .ok_or_else(|| Problem::unknown(Code::StaffUnknown, caller.who()))
}

impl From<PinError> for Problem {
    fn from(error: PinError) -> Self {
        match error {
            PinError::Nobody => Self::new(Code::StaffNeeded),
            PinError::Same => invalid("/pin", &error.to_string()),
            PinError::Meanwhile => Self::new(Code::StaffPinWrong),
            PinError::Store(error) => error.into(),
            PinError::Vault(error) => error.into(),
        }
    }
}
