//! The whole router over a fresh database, one request at a time.

mod keys;
mod members;
mod products;
mod surface;

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode, header};
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::access::{self, Role};
use crate::clock::Clock;
use crate::config::Config;
use crate::domain::time::Instant;
use crate::host::Host;
use crate::plugins::{Catalog, Engine};
use crate::store;

/// 2026-03-31T10:00:00Z.
const NOW: Instant = Instant(1_774_951_200_000_000);

struct Shop {
    host: Arc<Host>,
    router: Router,
    admin: String,
    folder: std::path::PathBuf,
}

impl Drop for Shop {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

struct Answer {
    status: StatusCode,
    headers: header::HeaderMap,
    body: Value,
}

impl Answer {
    #[track_caller]
    fn expect(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{:#}", self.body);
        self
    }

    #[track_caller]
    fn refused(self, status: u16, code: &str) -> Self {
        let answer = self.expect(status);
        assert_eq!(answer.body["code"], code, "{:#}", answer.body);
        assert_eq!(
            answer.headers[header::CONTENT_TYPE],
            "application/problem+json"
        );
        assert!(answer.body["request_id"].is_string(), "{:#}", answer.body);
        answer
    }
}

impl Shop {
    async fn open() -> Self {
        let folder = std::env::temp_dir().join(format!("tessera-http-{}", uuid::Uuid::now_v7()));
        std::fs::create_dir_all(&folder).unwrap();
        let config = Config {
            data: folder.clone(),
            ..Config::default()
        };
        let engine = Engine::new(config.sandbox.clone().into()).unwrap();
        let catalog = Arc::new(Catalog::new(engine, None));
        let host = Host::assemble(&config, Clock::standing(NOW), catalog)
            .await
            .unwrap();
        let fresh = access::make_key("owner", Role::Admin, None, None, NOW.0).unwrap();
        let row = fresh.row;
        host.writer
            .write("creating the first key", move |tx| {
                Box::pin(async move { store::keys::create_key(tx, &row).await })
            })
            .await
            .unwrap();
        let router = super::router(Arc::clone(&host));
        let shop = Self {
            host,
            router,
            admin: fresh.token,
            folder,
        };
        shop.put("/v1/regions/east", json!({"name": "East"}))
            .await
            .expect(200);
        shop.put(
            "/v1/stores/bund",
            json!({"region": "east", "name": "Bund", "currency": "CNY", "time_zone": "Asia/Shanghai"}),
        )
        .await
        .expect(200);
        shop
    }

    async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, 1 << 22).await.unwrap();
        let body = serde_json::from_slice(&bytes)
            .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&bytes).into_owned()));
        Answer {
            status: parts.status,
            headers: parts.headers,
            body,
        }
    }

    async fn with(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<Value>,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        if !headers.iter().any(|(name, _)| *name == "authorization") {
            request = request.header("authorization", format!("Bearer {}", self.admin));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = match body {
            None => Body::empty(),
            Some(value) => {
                request = request.header("content-type", "application/json");
                Body::from(value.to_string())
            }
        };
        self.send(request.body(body).unwrap()).await
    }

    async fn get(&self, path: &str) -> Answer {
        self.with("GET", path, &[], None).await
    }

    async fn post(&self, path: &str, body: Value) -> Answer {
        self.with("POST", path, &[], Some(body)).await
    }

    async fn put(&self, path: &str, body: Value) -> Answer {
        self.with("PUT", path, &[], Some(body)).await
    }

    async fn enrol(&self, key: &str, body: Value) -> Answer {
        self.with(
            "POST",
            "/v1/members",
            &[("idempotency-key", key)],
            Some(body),
        )
        .await
    }
}

fn wang() -> Value {
    json!({"home_store": "bund", "person": {"name": "王芳", "phone": "138 1234 8000",
        "birthday": {"month": 4, "day": 1}}})
}
