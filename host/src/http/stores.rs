//! The chain, its regions and its stores.

use std::sync::Arc;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::answer::{At, Done};
use super::attributes::Attributes;
use super::auth::Caller;
use super::configuration::refuse_declared;
use super::error::{FieldError, Problem, ProblemBody};
use super::json::Json;
use super::paging::{Page, Paged};
use super::problems::{Code, Fault};
use super::types::{Id, Name};
use crate::clock;
use crate::domain::settings::CheckoutSettings;
use crate::host::Host;
use crate::store;

/// The routes of this file.
pub fn routes() -> OpenApiRouter<Arc<Host>> {
    OpenApiRouter::new()
        .routes(routes!(chain, put_chain))
        .routes(routes!(regions))
        .routes(routes!(put_region))
        .routes(routes!(list))
        .routes(routes!(one, put))
}

/// The chain as a whole.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChainBody {
    name: Name,
    /// `zh-CN` or `en`: what callers that name no language are answered in.
    language: String,
    /// Checkout settings; what is left out has its documented default.
    #[serde(default)]
    #[schema(value_type = Object)]
    settings: CheckoutSettings,
}

/// A group of stores.
#[derive(Debug, Serialize, ToSchema)]
pub struct RegionBody {
    id: String,
    name: String,
    version: i64,
}

/// A new name.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RegionRequest {
    name: Name,
}

/// A place that sells.
#[derive(Debug, Serialize, ToSchema)]
pub struct StoreBody {
    id: String,
    region: String,
    name: String,
    /// ISO 4217.
    currency: String,
    /// IANA name; the business day is the calendar day there.
    time_zone: String,
    prices_include_tax: bool,
    attributes: Attributes,
    active: bool,
    version: i64,
}

impl From<store::stores::Store> for StoreBody {
    fn from(store: store::stores::Store) -> Self {
        Self {
            attributes: Attributes::stored(&store.attributes),
            id: store.id,
            region: store.region,
            name: store.name,
            currency: store.currency,
            time_zone: store.time_zone,
            prices_include_tax: store.prices_include_tax,
            active: store.active,
            version: store.version,
        }
    }
}

/// What a store is to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StoreRequest {
    region: Id,
    name: Name,
    currency: String,
    time_zone: String,
    #[serde(default = "yes")]
    prices_include_tax: bool,
    #[serde(default)]
    attributes: Attributes,
    #[serde(default = "yes")]
    active: bool,
    /// The version read before; the change is refused when it is not the current one. Left out: not checked.
    #[serde(default)]
    version: i64,
}

pub(super) fn yes() -> bool {
    true
}

/// Whether a text is three capital letters, as currencies are.
pub(super) fn is_currency(text: &str) -> bool {
    text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_uppercase())
}

#[derive(Debug, Serialize, Deserialize)]
struct ByRegion {
    region: Option<String>,
}

/// Read the chain.
#[utoipa::path(get, path = "/v1/chain", tag = "stores",
    responses((status = 200, body = ChainBody), (status = "default", body = ProblemBody)))]
async fn chain(State(host): State<Arc<Host>>) -> Result<Done<ChainBody>, Problem> {
    let mut conn = host.db.read().await?;
    let chain = store::chain::chain(&mut conn)
        .await?
        .ok_or_else(|| Problem::new(Code::NotReady).with("reason", "tessera init"))?;
    let text = serde_json::json!({ "name": chain.name, "language": chain.language });
    let mut body: ChainBody = serde_json::from_value(text).map_err(Problem::internal)?;
    body.settings = serde_json::from_str(&chain.settings).map_err(Problem::internal)?;
    Ok(Done::ok(body))
}

/// Name the chain and set its checkout.
#[utoipa::path(put, path = "/v1/chain", tag = "stores", request_body = ChainBody,
    responses((status = 200, body = ChainBody), (status = "default", body = ProblemBody)))]
async fn put_chain(
    State(host): State<Arc<Host>>,
    Json(body): Json<ChainBody>,
) -> Result<Done<ChainBody>, Problem> {
    if !matches!(body.language.as_str(), "zh-CN" | "en") {
        return Err(invalid("/language", "zh-CN, en"));
    }
    if let Err(error) = body.settings.validate() {
        let pointer = format!("/settings{}", error.pointer());
        return Err(invalid(&pointer, error.remedy));
    }
    let row = store::chain::Chain {
        name: body.name.as_str().to_owned(),
        language: body.language.clone(),
        settings: serde_json::to_string(&body.settings).map_err(Problem::internal)?,
        created_at: host.clock.now().0,
        version: 0,
    };
    host.writer
        .write("changing the chain", move |tx| {
            Box::pin(async move {
                if let Err(problem) = refuse_declared(tx, "chain", "chain").await? {
                    return Ok(Err(problem));
                }
                store::chain::put_chain(tx, &row).await.map(Ok)
            })
        })
        .await??;
    host.speak(&body.language);
    Ok(Done::ok(body))
}

/// A field with the reason it is refused for.
pub(super) fn invalid(pointer: &str, reason: &str) -> Problem {
    Problem::fields(vec![FieldError {
        pointer: pointer.to_owned(),
        fault: Fault::Invalid,
        arguments: vec![("reason", reason.to_owned())],
    }])
}

/// List the regions.
#[utoipa::path(get, path = "/v1/regions", tag = "stores",
    responses((status = 200, body = [RegionBody]), (status = "default", body = ProblemBody)))]
async fn regions(State(host): State<Arc<Host>>) -> Result<Done<Vec<RegionBody>>, Problem> {
    let mut conn = host.db.read().await?;
    let regions = store::chain::regions(&mut conn).await?;
    let show = |region: store::chain::Region| RegionBody {
        id: region.id,
        name: region.name,
        version: region.version,
    };
    Ok(Done::ok(regions.into_iter().map(show).collect()))
}

/// Create or rename a region.
#[utoipa::path(put, path = "/v1/regions/{id}", tag = "stores", params(("id" = Id, Path)),
    request_body = RegionRequest,
    responses((status = 200, body = RegionBody), (status = "default", body = ProblemBody)))]
async fn put_region(
    State(host): State<Arc<Host>>,
    At(id): At<Id>,
    Json(request): Json<RegionRequest>,
) -> Result<Done<RegionBody>, Problem> {
    let region = host
        .writer
        .write("changing a region", move |tx| {
            Box::pin(async move {
                if let Err(problem) = refuse_declared(tx, "region", id.as_str()).await? {
                    return Ok(Err(problem));
                }
                store::chain::put_region(tx, id.as_str(), request.name.as_str()).await?;
                store::chain::region(tx, id.as_str()).await.map(Ok)
            })
        })
        .await??
        .ok_or_else(|| Problem::internal("a region vanished while it was written"))?;
    Ok(Done::ok(RegionBody {
        id: region.id,
        name: region.name,
        version: region.version,
    }))
}

/// List the stores, of one region if it is given.
#[utoipa::path(get, path = "/v1/stores", tag = "stores",
    params(("region" = Option<String>, Query), ("limit" = Option<u32>, Query), ("cursor" = Option<String>, Query)),
    responses((status = 200, body = Page<StoreBody>), (status = "default", body = ProblemBody)))]
async fn list(
    State(host): State<Arc<Host>>,
    paged: Paged<ByRegion>,
) -> Result<Done<Page<StoreBody>>, Problem> {
    let mut conn = host.db.read().await?;
    let rows = store::stores::stores(
        &mut conn,
        paged.filter.region.as_deref(),
        paged.after(),
        paged.rows(),
    )
    .await?;
    Ok(Done::ok(paged.page(
        rows,
        |store| vec![store.id.clone()],
        StoreBody::from,
    )?))
}

/// Read a store.
#[utoipa::path(get, path = "/v1/stores/{id}", tag = "stores", params(("id" = Id, Path)),
    responses((status = 200, body = StoreBody), (status = "default", body = ProblemBody)))]
async fn one(State(host): State<Arc<Host>>, At(id): At<Id>) -> Result<Done<StoreBody>, Problem> {
    let mut conn = host.db.read().await?;
    let store = store::stores::store(&mut conn, id.as_str()).await?;
    store
        .map(|store| Done::ok(store.into()))
        .ok_or_else(|| Problem::unknown(Code::StoreUnknown, id.as_str()))
}

/// Create or change a store.
#[utoipa::path(put, path = "/v1/stores/{id}", tag = "stores", params(("id" = Id, Path)),
    request_body = StoreRequest,
    responses((status = 200, body = StoreBody), (status = "default", body = ProblemBody)))]
async fn put(
    State(host): State<Arc<Host>>,
    caller: Caller,
    At(id): At<Id>,
    Json(request): Json<StoreRequest>,
) -> Result<Done<StoreBody>, Problem> {
    caller.require_store(id.as_str())?;
    if !is_currency(&request.currency) {
        return Err(Problem::field("/currency", Fault::NotACurrency));
    }
    if clock::zone(&request.time_zone).is_none() {
        return Err(Problem::field("/time_zone", Fault::NotATimeZone));
    }
    let region = request.region.as_str().to_owned();
    let row = store::stores::Store {
        id: id.into_string(),
        region: region.clone(),
        name: request.name.into_string(),
        currency: request.currency,
        time_zone: request.time_zone,
        prices_include_tax: request.prices_include_tax,
        attributes: request.attributes.text(),
        active: request.active,
        version: request.version,
    };
    let written = host
        .writer
        .write("changing a store", move |tx| {
            Box::pin(async move {
                if let Err(problem) = refuse_declared(tx, "store", &row.id).await? {
                    return Ok(Err(problem));
                }
                if store::chain::region(tx, &row.region).await?.is_none() {
                    return Ok(Err(
                        Problem::unknown(Code::RegionUnknown, &row.region).at("/region")
                    ));
                }
                if !store::stores::put_store(tx, &row).await? {
                    return Ok(Err(Problem::new(Code::VersionConflict)));
                }
                Ok(Ok(store::stores::store(tx, &row.id).await?))
            })
        })
        .await??;
    written
        .map(|store| Done::ok(store.into()))
        .ok_or_else(|| Problem::internal("a store vanished while it was written"))
}
