//! What operators and load balancers ask, without a key.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};

use super::error::{Language, Problem};
use super::problems::Code;
use crate::host::Host;
use crate::metrics::seconds;
use crate::store;

/// The routes of this file; none is part of `/v1`.
pub fn routes() -> Router<Arc<Host>> {
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .route("/problems/{code}", get(problem))
}

/// Ready when the database answers and knows its chain.
async fn ready(State(host): State<Arc<Host>>) -> Result<Response, Problem> {
    let not_ready = |reason: &str| {
        Problem::new(Code::NotReady)
            .with("reason", reason)
            .retry_after(5)
    };
    let mut conn = host
        .db
        .read()
        .await
        .map_err(|_| not_ready("the database does not answer"))?;
    let chain = store::chain::chain(&mut conn)
        .await
        .map_err(|_| not_ready("the database does not answer"))?;
    let chain = chain.ok_or_else(|| not_ready("there is no chain yet; run tessera init"))?;
    let revisions = store::chain::revisions(&mut conn)
        .await
        .map_err(Problem::from)?;
    let revisions: serde_json::Map<_, _> = revisions
        .into_iter()
        .map(|(name, revision)| (name, revision.into()))
        .collect();
    let mut body = serde_json::json!({
        "status": "ready",
        "chain": chain.name,
        "version": env!("CARGO_PKG_VERSION"),
        "writer": host.writer.id(),
        "revisions": revisions,
    });
    // The host sells on with what was valid last.
    if let Some(problem) = super::configuration::problem(&host) {
        body["warning"] = serde_json::json!({ "configuration": problem });
    }
    Ok(Json(body).into_response())
}

async fn metrics(State(host): State<Arc<Host>>) -> Response {
    (
        [(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")],
        host.metrics.text() + &writing(&host).await,
    )
        .into_response()
}

/// What the writer does, and whether the chain's jobs run here.
async fn writing(host: &Host) -> String {
    let figures = host.writer.figures();
    let figure = |name: &str, kind: &str, value: String| {
        format!("# TYPE tessera_{name} {kind}\ntessera_{name} {value}\n")
    };
    [
        figure("writer_waiting", "gauge", host.writer.waiting().to_string()),
        figure(
            "writer_batches_total",
            "counter",
            figures.batches().to_string(),
        ),
        figure(
            "writer_commands_total",
            "counter",
            figures.commands().to_string(),
        ),
        figure("writer_seconds_total", "counter", seconds(figures.micros())),
        figure(
            "writer_lost_races_total",
            "counter",
            figures.lost_races().to_string(),
        ),
        figure(
            "jobs_lease_held",
            "gauge",
            u8::from(host.lease.is_held().await).to_string(),
        ),
        figure(
            "clock_ahead_seconds",
            "gauge",
            (host.clock.ahead() / 1_000_000).to_string(),
        ),
    ]
    .concat()
}

/// What a problem's `type` points to.
async fn problem(language: Language, Path(code): Path<String>) -> Result<Response, Problem> {
    let known = Code::ALL.iter().find(|known| known.row().code == code);
    let Some(known) = known else {
        let path = format!("/problems/{}", code.chars().take(60).collect::<String>());
        return Err(Problem::new(Code::RouteUnknown).with("path", path));
    };
    let row = known.row();
    let words = match language {
        Language::English => row.en,
        Language::Chinese => row.zh,
    };
    Ok(Json(serde_json::json!({
        "code": row.code,
        "status": row.status,
        "retryable": row.retryable,
        "title": words.title,
        "detail": words.detail,
        "remedy": words.remedy,
    }))
    .into_response())
}
