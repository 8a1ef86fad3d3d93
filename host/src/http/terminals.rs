//! Terminals, how they get their key, and the other keys of the chain.

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
use super::problems::Code;
use super::stores::invalid;
use super::types::{Id, Name, Text, Time};
use crate::access::{self, Role};
use crate::host::Host;
use crate::pairing;
use crate::store;
use crate::store::keys::ApiKey;
use crate::store::stores::Terminal;

/// The routes of this file.
pub fn routes() -> OpenApiRouter<Arc<Host>> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(one, revoke))
        .routes(routes!(pairing_code))
        .routes(routes!(pair))
        .routes(routes!(keys, create_key))
        .routes(routes!(revoke_key))
        .routes(routes!(me))
}

/// A till.
#[derive(Debug, Serialize, ToSchema)]
pub struct TerminalBody {
    id: String,
    store: String,
    name: String,
    created_at: Time,
    #[serde(skip_serializing_if = "Option::is_none")]
    revoked_at: Option<Time>,
}

impl From<Terminal> for TerminalBody {
    fn from(terminal: Terminal) -> Self {
        Self {
            id: terminal.id,
            store: terminal.store,
            name: terminal.name,
            created_at: Time::micros(terminal.created_at),
            revoked_at: terminal.revoked_at.map(Time::micros),
        }
    }
}

/// A new till.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TerminalRequest {
    /// Made by the host when left out.
    #[serde(default)]
    id: Option<Id>,
    store: Id,
    name: Name,
}

#[derive(Debug, Serialize, Deserialize)]
struct ByStore {
    store: Option<String>,
}

/// List the terminals, of one store if it is given.
#[utoipa::path(get, path = "/v1/terminals", tag = "terminals",
    params(("store" = Option<String>, Query), ("limit" = Option<u32>, Query), ("cursor" = Option<String>, Query)),
    responses((status = 200, body = Page<TerminalBody>), (status = "default", body = ProblemBody)))]
async fn list(
    State(host): State<Arc<Host>>,
    caller: Caller,
    paged: Paged<ByStore>,
) -> Result<Done<Page<TerminalBody>>, Problem> {
    let mut conn = host.db.read().await?;
    let store = caller.store.as_deref().or(paged.filter.store.as_deref());
    let rows = store::stores::terminals(&mut conn, store, paged.after(), paged.rows()).await?;
    Ok(Done::ok(paged.page(
        rows,
        |terminal| vec![terminal.id.clone()],
        TerminalBody::from,
    )?))
}

/// Read a terminal.
#[utoipa::path(get, path = "/v1/terminals/{id}", tag = "terminals", params(("id" = Id, Path)),
    responses((status = 200, body = TerminalBody), (status = "default", body = ProblemBody)))]
async fn one(
    State(host): State<Arc<Host>>,
    caller: Caller,
    At(id): At<Id>,
) -> Result<Done<TerminalBody>, Problem> {
    Ok(Done::ok(
        of_caller(&host, &caller, id.as_str()).await?.into(),
    ))
}

/// The terminal, if the caller may act for its store.
async fn of_caller(host: &Host, caller: &Caller, id: &str) -> Result<Terminal, Problem> {
    let mut conn = host.db.read().await?;
    let terminal = store::stores::terminal(&mut conn, id).await?;
    let terminal = terminal.ok_or_else(|| Problem::unknown(Code::TerminalUnknown, id))?;
    caller.require_store(&terminal.store)?;
    Ok(terminal)
}

/// Add a terminal.
#[utoipa::path(post, path = "/v1/terminals", tag = "terminals", request_body = TerminalRequest,
    responses((status = 201, body = TerminalBody), (status = "default", body = ProblemBody)))]
async fn create(
    State(host): State<Arc<Host>>,
    caller: Caller,
    Json(request): Json<TerminalRequest>,
) -> Result<Done<TerminalBody>, Problem> {
    caller.require_store(request.store.as_str())?;
    let terminal = Terminal {
        id: request.id.unwrap_or_else(Id::fresh).into_string(),
        store: request.store.into_string(),
        name: request.name.into_string(),
        created_at: host.clock.now().0,
        revoked_at: None,
    };
    let row = terminal.clone();
    host.writer
        .write("creating a terminal", move |tx| {
            Box::pin(async move {
                if store::stores::store(tx, &row.store).await?.is_none() {
                    return Ok(Err(
                        Problem::unknown(Code::StoreUnknown, &row.store).at("/store")
                    ));
                }
                if !store::stores::create_terminal(tx, &row).await? {
                    return Ok(Err(Problem::new(Code::Duplicate)
                        .with("thing", "terminal")
                        .with("id", &row.id)));
                }
                Ok(Ok(()))
            })
        })
        .await??;
    Ok(Done::created(
        format!("/v1/terminals/{}", terminal.id),
        terminal.into(),
    ))
}

/// Revoke a terminal and its key, from the next request on.
#[utoipa::path(delete, path = "/v1/terminals/{id}", tag = "terminals", params(("id" = Id, Path)),
    responses((status = 200, body = TerminalBody), (status = "default", body = ProblemBody)))]
async fn revoke(
    State(host): State<Arc<Host>>,
    caller: Caller,
    At(id): At<Id>,
) -> Result<Done<TerminalBody>, Problem> {
    let mut terminal = of_caller(&host, &caller, id.as_str()).await?;
    let now = host.clock.now().0;
    host.writer
        .write("revoking a terminal", move |tx| {
            Box::pin(async move { store::stores::revoke_terminal(tx, id.as_str(), now).await })
        })
        .await?;
    host.recent.forget_keys();
    terminal.revoked_at.get_or_insert(now);
    Ok(Done::ok(terminal.into()))
}

/// Which terminal is to be paired.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PairingCodeRequest {
    terminal: Id,
}

/// A code to type at the till, once, within ten minutes.
#[derive(Debug, Serialize, ToSchema)]
pub struct PairingCodeBody {
    code: String,
    terminal: String,
    expires_at: Time,
}

/// Make a pairing code.
#[utoipa::path(post, path = "/v1/pairing-codes", tag = "terminals", request_body = PairingCodeRequest,
    responses((status = 200, body = PairingCodeBody), (status = "default", body = ProblemBody)))]
async fn pairing_code(
    State(host): State<Arc<Host>>,
    caller: Caller,
    Json(request): Json<PairingCodeRequest>,
) -> Result<Done<PairingCodeBody>, Problem> {
    let terminal = of_caller(&host, &caller, request.terminal.as_str())
        .await
        .map_err(|problem| problem.at("/terminal"))?;
    let by = caller
        .staff
        .as_ref()
        .map_or(caller.key.as_str(), |staff| staff.id.as_str());
    let made = pairing::make_code(&host, &terminal.id, by).await?;
    Ok(Done::ok(PairingCodeBody {
        code: made.code,
        terminal: made.terminal,
        expires_at: Time(made.expires_at),
    }))
}

/// The code from the manager's screen.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PairRequest {
    code: Text<32>,
}

/// The terminal's key. It is told here and never again.
#[derive(Debug, Serialize, ToSchema)]
pub struct PairedBody {
    key: String,
    terminal: Option<String>,
    store: Option<String>,
}

/// Exchange a pairing code for the terminal's key.
#[utoipa::path(post, path = "/v1/terminals/pair", tag = "terminals", request_body = PairRequest, security(()),
    responses((status = 200, body = PairedBody), (status = "default", body = ProblemBody)))]
async fn pair(
    State(host): State<Arc<Host>>,
    Json(request): Json<PairRequest>,
) -> Result<Done<PairedBody>, Problem> {
    let fresh = pairing::pair(&host, request.code.as_str()).await?;
    Ok(Done::ok(PairedBody {
        key: fresh.token,
        terminal: fresh.row.terminal,
        store: fresh.row.store,
    }))
}

/// A key without its secret.
#[derive(Debug, Serialize, ToSchema)]
pub struct KeyBody {
    id: String,
    name: String,
    role: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    store: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    terminal: Option<String>,
    created_at: Time,
    #[serde(skip_serializing_if = "Option::is_none")]
    revoked_at: Option<Time>,
    /// The whole key; only in the answer that made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
}

impl From<ApiKey> for KeyBody {
    fn from(key: ApiKey) -> Self {
        Self {
            id: key.id,
            name: key.name,
            role: key.role,
            store: key.store,
            terminal: key.terminal,
            created_at: Time::micros(key.created_at),
            revoked_at: key.revoked_at.map(Time::micros),
            key: None,
        }
    }
}

/// List the keys.
#[utoipa::path(get, path = "/v1/keys", tag = "keys",
    params(("limit" = Option<u32>, Query), ("cursor" = Option<String>, Query)),
    responses((status = 200, body = Page<KeyBody>), (status = "default", body = ProblemBody)))]
async fn keys(
    State(host): State<Arc<Host>>,
    paged: Paged<NoFilter>,
) -> Result<Done<Page<KeyBody>>, Problem> {
    let mut conn = host.db.read().await?;
    let rows = store::keys::keys(&mut conn, paged.after(), paged.rows()).await?;
    Ok(Done::ok(paged.page(
        rows,
        |key| vec![key.id.clone()],
        KeyBody::from,
    )?))
}

/// A new key.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct KeyRequest {
    name: Name,
    /// `cashier`, `supervisor`, `manager` or `admin`.
    role: String,
    /// The only store the key may act for.
    #[serde(default)]
    store: Option<Id>,
}

/// Make a key for a system or a person; terminals get theirs by pairing.
#[utoipa::path(post, path = "/v1/keys", tag = "keys", request_body = KeyRequest,
    responses((status = 201, body = KeyBody), (status = "default", body = ProblemBody)))]
async fn create_key(
    State(host): State<Arc<Host>>,
    caller: Caller,
    Json(request): Json<KeyRequest>,
) -> Result<Done<KeyBody>, Problem> {
    let role = Role::parse(&request.role)
        .filter(|role| *role <= caller.highest())
        .ok_or_else(|| invalid("/role", "cashier, supervisor, manager, admin"))?;
    let store = request
        .store
        .map(Id::into_string)
        .or_else(|| caller.store.clone());
    if let Some(store) = &store {
        caller.require_store(store)?;
    }
    let fresh = access::make_key(request.name.as_str(), role, store, None, host.clock.now().0)?;
    let row = fresh.row.clone();
    host.writer
        .write("creating a key", move |tx| {
            Box::pin(async move {
                if let Some(store) = &row.store
                    && store::stores::store(tx, store).await?.is_none()
                {
                    return Ok(Err(Problem::unknown(Code::StoreUnknown, store).at("/store")));
                }
                store::keys::create_key(tx, &row).await?;
                Ok(Ok(()))
            })
        })
        .await??;
    let mut body = KeyBody::from(fresh.row);
    body.key = Some(fresh.token);
    Ok(Done::created(format!("/v1/keys/{}", body.id), body))
}

/// Revoke a key, from the next request on.
#[utoipa::path(delete, path = "/v1/keys/{id}", tag = "keys", params(("id" = Id, Path)),
    responses((status = 200, body = KeyBody), (status = "default", body = ProblemBody)))]
async fn revoke_key(
    State(host): State<Arc<Host>>,
    At(id): At<Id>,
) -> Result<Done<KeyBody>, Problem> {
    let now = host.clock.now().0;
    let wanted = id.clone();
    let key = host
        .writer
        .write("revoking a key", move |tx| {
            Box::pin(async move {
                store::keys::revoke_key(tx, wanted.as_str(), now).await?;
                store::keys::key(tx, wanted.as_str()).await
            })
        })
        .await?;
    host.recent.forget_keys();
    key.map(|key| Done::ok(key.into()))
        .ok_or_else(|| Problem::unknown(Code::KeyUnknown, id.as_str()))
}

/// Who the host takes the caller for.
#[derive(Debug, Serialize, ToSchema)]
pub struct MeBody {
    key: String,
    role: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    store: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    terminal: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    staff: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    staff_role: Option<String>,
}

/// Ask who the host takes you for; also how a till checks a PIN.
#[utoipa::path(get, path = "/v1/me", tag = "keys",
    responses((status = 200, body = MeBody), (status = "default", body = ProblemBody)))]
async fn me(caller: Caller) -> Done<MeBody> {
    Done::ok(MeBody {
        key: caller.key.clone(),
        role: caller.role.name(),
        store: caller.store.clone(),
        terminal: caller.terminal.clone(),
        staff: caller.staff.as_ref().map(|staff| staff.id.clone()),
        staff_role: caller.staff.as_ref().map(|staff| staff.role.name.clone()),
    })
}
