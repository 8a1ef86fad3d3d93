//! All routes in one router, and what surrounds every request.

use std::any::Any;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{DefaultBodyLimit, MatchedPath, Request, State};
use axum::http::StatusCode;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::request_id::{
    MakeRequestUuid, PropagateRequestIdLayer, RequestId, SetRequestIdLayer,
};
use tower_http::timeout::TimeoutLayer;
use tracing::Instrument;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};
use utoipa_axum::router::OpenApiRouter;
use utoipa_swagger_ui::SwaggerUi;

use super::error::Problem;
use super::problems::Code;
use super::{
    approvals, auth, baskets, bindings, cards, claims, commissions, configuration, contacts,
    coupons, error, events, exchanges, freezing, health, member_codes, members, memberships,
    merges, occasions, operations, order_search, orders, passes, plugins, prize_draws, products,
    profile, programs, quotes, referrals, rewards, roles, settlements, shifts, staff, stores,
    terminals, tiers, top_up_plans, wallet, wallet_shares,
};
use crate::host::Host;

/// Everything but paths and schemas, which the handlers add.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Tessera",
        description = "The membership host of a retail chain. Amounts are integers in the currency's minor \
            unit, quantities decimal strings, times RFC 3339, ids UUIDv7 or names you chose. Every POST that \
            moves value carries an Idempotency-Key, made once per business intent and reused on every retry. \
            Refusals are RFC 9457 problems with a stable `code`; the words follow Accept-Language (zh-CN, en).",
    ),
    modifiers(&Keys),
    security(("key" = []), ("key" = [], "staff" = []))
)]
struct Document;

struct Keys;

impl Modify for Keys {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let components = document.components.get_or_insert_default();
        let bearer = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("A key of this chain: tsk_…"))
            .build();
        components.add_security_scheme("key", SecurityScheme::Http(bearer));
        let staff =
            ApiKeyValue::with_description("Tessera-Staff", "id:pin of the staff member on duty");
        components.add_security_scheme("staff", SecurityScheme::ApiKey(ApiKey::Header(staff)));
    }
}

/// The resources below `/v1`.
fn resources() -> OpenApiRouter<Arc<Host>> {
    OpenApiRouter::with_openapi(Document::openapi())
        .merge(stores::routes())
        .merge(terminals::routes())
        .merge(staff::routes())
        .merge(commissions::routes())
        .merge(products::routes())
        .merge(members::routes())
        .merge(profile::routes())
        .merge(merges::routes())
        .merge(tiers::routes())
        .merge(contacts::routes())
        .merge(cards::routes())
        .merge(wallet::routes())
        .merge(memberships::routes())
        .merge(passes::routes())
        .merge(freezing::routes())
        .merge(approvals::routes())
        .merge(coupons::routes())
        .merge(occasions::routes())
        .merge(programs::routes())
        .merge(operations::routes())
        .merge(events::routes())
        .merge(plugins::routes())
        .merge(bindings::routes())
        .merge(configuration::routes())
        .merge(quotes::routes())
        .merge(baskets::routes())
        .merge(rewards::routes())
        .merge(roles::routes())
        .merge(settlements::routes())
        .merge(shifts::routes())
        .merge(prize_draws::routes())
        .merge(top_up_plans::routes())
        .merge(orders::routes())
        .merge(exchanges::routes())
        .merge(order_search::routes())
        .merge(member_codes::routes())
        .merge(wallet_shares::routes())
        .merge(referrals::routes())
        .merge(claims::routes())
}

/// The document clients are generated from.
pub fn openapi() -> utoipa::openapi::OpenApi {
    resources().into_openapi()
}

/// The whole HTTP surface of a host.
pub fn router(host: Arc<Host>) -> Router {
    let (resources, document) = resources().split_for_parts();
    let timeout = Duration::from_secs(host.limits.request_seconds);
    resources
        .route_layer(middleware::from_fn_with_state(
            Arc::clone(&host),
            auth::guard,
        ))
        .layer(middleware::from_fn_with_state(Arc::clone(&host), refresh))
        .layer(DefaultBodyLimit::max(host.limits.body_bytes))
        .merge(health::routes())
        .merge(SwaggerUi::new("/docs").url("/openapi.json", document))
        .layer(middleware::from_fn(refuse_zero))
        .layer(TimeoutLayer::with_status_code(
            StatusCode::REQUEST_TIMEOUT,
            timeout,
        ))
        .layer(CatchPanicLayer::custom(Panicked(Arc::clone(&host))))
        .layer(middleware::from_fn_with_state(
            Arc::clone(&host),
            error::render,
        ))
        .layer(middleware::from_fn_with_state(Arc::clone(&host), measure))
        .layer(PropagateRequestIdLayer::x_request_id())
        .layer(SetRequestIdLayer::x_request_id(MakeRequestUuid))
        .with_state(host)
}

/// After a change of what the host keeps in memory, the next request already sees it.
async fn refresh(State(host): State<Arc<Host>>, request: Request, next: Next) -> Response {
    const KEPT: [&str; 7] = [
        "/v1/chain",
        "/v1/card-types/",
        "/v1/regions/",
        "/v1/stores/",
        "/v1/products",
        "/v1/programs/",
        "/v1/bindings",
    ];
    let path = request.uri().path();
    let changes = !request.method().is_safe() && KEPT.iter().any(|kept| path.starts_with(kept));
    let response = next.run(request).await;
    if changes
        && response.status().is_success()
        && let Err(error) = host.refresh().await
    {
        tracing::warn!(%error, "a change was stored and will be read within a second");
    }
    response
}

/// U+0000 in a path or query would reach the database as a text it cannot hold.
async fn refuse_zero(request: Request, next: Next) -> Response {
    let uri = request.uri();
    if uri.path().contains("%00") || uri.query().is_some_and(|query| query.contains("%00")) {
        return Problem::new(Code::InvalidQuery)
            .with("reason", "U+0000")
            .into_response();
    }
    next.run(request).await
}

/// Counts and times every request, and gives its log lines the request's id.
async fn measure(State(host): State<Arc<Host>>, request: Request, next: Next) -> Response {
    let began = Instant::now();
    let id = request
        .extensions()
        .get::<RequestId>()
        .and_then(|id| id.header_value().to_str().ok())
        .unwrap_or_default();
    let path = request
        .extensions()
        .get::<MatchedPath>()
        .map_or("", MatchedPath::as_str);
    let span = tracing::info_span!("request", method = %request.method(), path, id);
    let response = next.run(request).instrument(span.clone()).await;
    let took = began.elapsed();
    host.metrics.answered(response.status().as_u16(), took);
    span.in_scope(|| {
        tracing::debug!(
            status = response.status().as_u16(),
            micros = took.as_micros() as u64,
            "answered"
        );
    });
    response
}

/// Turns a panic into a refusal; the process and the other requests go on.
#[derive(Clone)]
struct Panicked(Arc<Host>);

impl tower_http::catch_panic::ResponseForPanic for Panicked {
    type ResponseBody = axum::body::Body;

    fn response_for_panic(&mut self, panic: Box<dyn Any + Send + 'static>) -> Response {
        let text = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied())
            .unwrap_or("no message");
        self.0.metrics.panicked();
        Problem::internal(format_args!("a handler panicked: {text}")).into_response()
    }
}
