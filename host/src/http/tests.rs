//! The whole router over a fresh database, one request at a time.

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

#[tokio::test]
async fn a_request_without_a_key_is_refused_with_words_in_the_callers_language() {
    let shop = Shop::open().await;
    let request = Request::get("/v1/stores")
        .header("accept-language", "zh-CN")
        .body(Body::empty())
        .unwrap();
    let answer = shop.send(request).await.refused(401, "unauthenticated");
    assert_eq!(answer.body["title"], "需要密钥");
    assert_eq!(
        answer.headers[header::WWW_AUTHENTICATE],
        "Bearer realm=\"tessera\""
    );
    let wrong = format!("Bearer {}0", &shop.admin[..shop.admin.len() - 1]);
    let forged = shop
        .with("GET", "/v1/stores", &[("authorization", &wrong)], None)
        .await;
    assert!(shop.admin.ends_with('0') || forged.status == StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn unknown_routes_methods_and_bodies_are_problems_too() {
    let shop = Shop::open().await;
    shop.get("/v1/unheard-of")
        .await
        .refused(404, "route_unknown");
    let answer = shop
        .with("PATCH", "/v1/stores", &[], None)
        .await
        .refused(405, "method_not_allowed");
    assert!(answer.headers.contains_key(header::ALLOW));
    let typed = [("content-type", "text/plain")];
    shop.with("PUT", "/v1/regions/x", &typed, None)
        .await
        .refused(415, "unsupported_media_type");
    let plain = Request::put("/v1/regions/x")
        .header("authorization", format!("Bearer {}", shop.admin))
        .header("content-type", "text/plain")
        .body(Body::from("{}"))
        .unwrap();
    shop.send(plain)
        .await
        .refused(415, "unsupported_media_type");
    let long = json!({"name": "x".repeat(2 << 20)});
    shop.put("/v1/regions/x", long)
        .await
        .refused(413, "body_too_large");
    let zero = shop
        .put("/v1/regions/x", json!({"name": "a\0b"}))
        .await
        .refused(422, "invalid_fields");
    assert_eq!(zero.body["errors"][0]["pointer"], "/name");
    assert_eq!(zero.body["errors"][0]["code"], "control_character");
    shop.get("/v1/members/a%00b")
        .await
        .refused(400, "invalid_query");
    shop.get("/v1/stores?limit=many")
        .await
        .refused(400, "invalid_query");
}

#[tokio::test]
async fn a_terminal_gets_its_key_by_pairing_and_loses_it_at_once_when_revoked() {
    let shop = Shop::open().await;
    shop.post(
        "/v1/terminals",
        json!({"id": "till-1", "store": "bund", "name": "Till 1"}),
    )
    .await
    .expect(201);
    let made = shop
        .post("/v1/pairing-codes", json!({"terminal": "till-1"}))
        .await
        .expect(200);
    let code = json!({"code": made.body["code"]});
    let none = [("authorization", "none")];
    let paired = shop
        .with("POST", "/v1/terminals/pair", &none, Some(code.clone()))
        .await
        .expect(200);
    shop.with("POST", "/v1/terminals/pair", &none, Some(code))
        .await
        .refused(403, "pairing_refused");
    let bearer = format!("Bearer {}", paired.body["key"].as_str().unwrap());
    let till = [("authorization", bearer.as_str())];
    let me = shop.with("GET", "/v1/me", &till, None).await.expect(200);
    assert_eq!(
        (&me.body["terminal"], &me.body["store"], &me.body["role"]),
        (&json!("till-1"), &json!("bund"), &json!("cashier"))
    );
    shop.with(
        "POST",
        "/v1/keys",
        &till,
        Some(json!({"name": "x", "role": "admin"})),
    )
    .await
    .refused(403, "forbidden");
    shop.with("DELETE", "/v1/terminals/till-1", &[], None)
        .await
        .expect(200);
    shop.with("GET", "/v1/me", &till, None)
        .await
        .refused(401, "key_revoked");
}

#[tokio::test]
async fn a_pin_adds_a_persons_permissions_and_locks_after_five_wrong_ones() {
    let shop = Shop::open().await;
    let staff =
        json!({"id": "ling", "name": "Ling", "role": "manager", "store": "bund", "pin": "4711"});
    shop.post("/v1/staff", staff).await.expect(201);
    let key = shop
        .post(
            "/v1/keys",
            json!({"name": "till", "role": "cashier", "store": "bund"}),
        )
        .await
        .expect(201);
    let bearer = format!("Bearer {}", key.body["key"].as_str().unwrap());
    let plain = [("authorization", bearer.as_str())];
    let right = [
        ("authorization", bearer.as_str()),
        ("tessera-staff", "ling:4711"),
    ];
    let wrong = [
        ("authorization", bearer.as_str()),
        ("tessera-staff", "ling:0000"),
    ];
    shop.with("GET", "/v1/staff", &plain, None)
        .await
        .refused(403, "forbidden");
    shop.with("GET", "/v1/staff", &right, None)
        .await
        .expect(200);
    for _ in 0..5 {
        shop.with("GET", "/v1/staff", &wrong, None)
            .await
            .refused(403, "staff_pin_wrong");
    }
    shop.with("GET", "/v1/staff", &wrong, None)
        .await
        .refused(403, "staff_locked");
    shop.with("GET", "/v1/staff", &right, None)
        .await
        .refused(403, "staff_locked");
    shop.put("/v1/staff/ling/pin", json!({"pin": "9999"}))
        .await
        .expect(200);
    let fresh = [
        ("authorization", bearer.as_str()),
        ("tessera-staff", "ling:9999"),
    ];
    shop.with("GET", "/v1/staff", &fresh, None)
        .await
        .expect(200);
}

#[tokio::test]
async fn an_enrolment_happens_once_per_key() {
    let shop = Shop::open().await;
    let first = shop.enrol("k1", wang()).await.expect(201);
    assert!(!first.headers.contains_key("idempotency-replayed"));
    let again = shop.enrol("k1", wang()).await.expect(201);
    assert_eq!(again.headers["idempotency-replayed"], "true");
    assert_eq!(again.body, first.body);
    let mut other = wang();
    other["person"]["name"] = json!("李雷");
    shop.enrol("k1", other)
        .await
        .refused(422, "idempotency_key_reused");
    shop.enrol("k2", wang()).await.refused(409, "phone_taken");
    shop.post("/v1/members", wang())
        .await
        .refused(400, "idempotency_key_missing");
    let operation = shop.get("/v1/operations/k1").await.expect(200);
    assert_eq!(operation.body["subject"]["id"], first.body["id"]);
    shop.get("/v1/operations/k2")
        .await
        .refused(404, "operation_unknown");
}

#[tokio::test]
async fn sixteen_enrolments_under_one_key_make_one_member() {
    let shop = Arc::new(Shop::open().await);
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..16 {
        let shop = Arc::clone(&shop);
        tasks.spawn(async move { shop.enrol("same", wang()).await.expect(201).body["id"].clone() });
    }
    let ids: std::collections::HashSet<String> = tasks
        .join_all()
        .await
        .into_iter()
        .map(|id| id.to_string())
        .collect();
    assert_eq!(ids.len(), 1);
}

#[tokio::test]
async fn a_member_is_found_by_card_and_phone_and_shown_masked() {
    let shop = Shop::open().await;
    let member = shop.enrol("k1", wang()).await.expect(201).body;
    let id = member["id"].as_str().unwrap();
    assert_eq!(member["enrolled_on"], "2026-03-31");
    assert_eq!(member["person"]["phone"], "*******8000");
    let cards = shop
        .get(&format!("/v1/members/{id}/cards"))
        .await
        .expect(200)
        .body;
    let number = cards[0]["number"].as_str().unwrap();
    let by_card = shop
        .get(&format!("/v1/members?card={number}"))
        .await
        .expect(200)
        .body;
    let by_phone = shop
        .get("/v1/members?phone=13812348000")
        .await
        .expect(200)
        .body;
    assert_eq!(
        (&by_card["items"][0]["id"], &by_phone["items"][0]["id"]),
        (&json!(id), &json!(id))
    );
    let full = shop
        .get(&format!("/v1/members/{id}?unmask=true"))
        .await
        .expect(200)
        .body;
    assert_eq!(full["person"]["phone"], "13812348000");
    let events = shop.get("/v1/events").await.expect(200).body;
    let kinds: Vec<_> = events["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| event["type"].clone())
        .collect();
    assert_eq!(kinds, [json!("member.enrolled"), json!("person.unmasked")]);
    shop.with(
        "PUT",
        &format!("/v1/members/{id}/cards/{number}"),
        &[],
        Some(json!({"status": "lost"})),
    )
    .await
    .expect(200);
    shop.get(&format!("/v1/members?card={number}"))
        .await
        .refused(409, "card_inactive");
    shop.with("DELETE", &format!("/v1/members/{id}/person"), &[], None)
        .await
        .expect(200);
    let gone = shop
        .get(&format!("/v1/members/{id}"))
        .await
        .expect(200)
        .body;
    assert!(gone.get("person").is_none());
    assert_eq!(
        shop.get("/v1/members?phone=13812348000")
            .await
            .expect(200)
            .body["items"],
        json!([])
    );
}

#[tokio::test]
async fn a_newcomer_names_who_referred_them() {
    let shop = Shop::open().await;
    let first = shop.enrol("k1", wang()).await.expect(201).body;
    let newcomer = json!({"home_store": "bund", "referral_code": first["referral_code"]});
    let second = shop.enrol("k2", newcomer).await.expect(201).body;
    assert_eq!(second["referred_by"], first["id"]);
    let path = format!("/v1/members/{}/referrals", first["id"].as_str().unwrap());
    assert_eq!(
        shop.get(&path).await.expect(200).body["items"][0]["member"],
        second["id"]
    );
    let mut own = wang();
    own["referral_code"] = first["referral_code"].clone();
    shop.enrol("k3", own).await.refused(422, "referrer_refused");
    let unknown = json!({"home_store": "bund", "referral_code": "NOBODY"});
    let answer = shop
        .enrol("k4", unknown)
        .await
        .refused(422, "referrer_refused");
    assert_eq!(answer.body["errors"][0]["pointer"], "/referral_code");
    let nowhere = json!({"home_store": "moon"});
    shop.enrol("k5", nowhere)
        .await
        .refused(422, "store_unknown");
}

fn coffee(sku: &str) -> Value {
    json!({"sku": sku, "name": "Coffee", "category": "drinks/coffee", "currency": "CNY", "price": 1800,
        "cost": 700, "tax_class": "standard", "tags": ["hot"], "barcodes": [format!("690{sku}")]})
}

#[tokio::test]
async fn products_are_found_by_barcode_and_listed_page_by_page() {
    let shop = Shop::open().await;
    for sku in ["a", "b", "c"] {
        shop.post("/v1/products", coffee(sku)).await.expect(201);
    }
    let found = shop.get("/v1/products?barcode=690b").await.expect(200).body;
    assert_eq!(found["items"][0]["sku"], "b");
    assert_eq!(
        shop.get("/v1/products?barcode=0").await.expect(200).body["items"],
        json!([])
    );
    shop.post("/v1/products", coffee("a"))
        .await
        .refused(409, "duplicate");
    let page = shop
        .get("/v1/products?category=drinks&limit=2")
        .await
        .expect(200)
        .body;
    let next = page["next"].as_str().unwrap();
    let rest = shop
        .get(&format!("/v1/products?cursor={next}"))
        .await
        .expect(200)
        .body;
    assert_eq!(
        page["items"].as_array().unwrap().len() + rest["items"].as_array().unwrap().len(),
        3
    );
    assert!(rest.get("next").is_none());
    assert_eq!(
        shop.get("/v1/products?category=drink")
            .await
            .expect(200)
            .body["items"],
        json!([])
    );
    let id = found["items"][0]["id"].as_str().unwrap();
    let mut change = coffee("b");
    change["price"] = json!(-1);
    change["currency"] = json!("yuan");
    let refused = shop
        .put(&format!("/v1/products/{id}"), change.clone())
        .await
        .refused(422, "invalid_fields");
    assert_eq!(refused.body["errors"].as_array().unwrap().len(), 2);
    change["price"] = json!(2000);
    change["currency"] = json!("CNY");
    change["version"] = json!(1);
    shop.put(&format!("/v1/products/{id}"), change.clone())
        .await
        .expect(200);
    shop.put(&format!("/v1/products/{id}"), change)
        .await
        .refused(409, "version_conflict");
}

#[tokio::test]
async fn a_key_of_one_store_cannot_act_for_another() {
    let shop = Shop::open().await;
    let other =
        json!({"region": "east", "name": "West", "currency": "CNY", "time_zone": "Asia/Urumqi"});
    shop.put("/v1/stores/west", other).await.expect(200);
    let key = shop
        .post(
            "/v1/keys",
            json!({"name": "m", "role": "manager", "store": "west"}),
        )
        .await
        .expect(201);
    let bearer = format!("Bearer {}", key.body["key"].as_str().unwrap());
    let west = [("authorization", bearer.as_str())];
    let till = json!({"store": "bund", "name": "x"});
    shop.with("POST", "/v1/terminals", &west, Some(till))
        .await
        .refused(403, "other_store");
    let boss = json!({"name": "Boss", "role": "admin", "store": "west", "pin": "1234"});
    shop.with("POST", "/v1/staff", &west, Some(boss))
        .await
        .refused(403, "forbidden");
}

#[tokio::test]
async fn the_document_names_every_route_and_needs_no_key() {
    let shop = Shop::open().await;
    let document = shop
        .send(Request::get("/openapi.json").body(Body::empty()).unwrap())
        .await
        .expect(200)
        .body;
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    let mut routes = 0;
    for (path, methods) in document["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys() {
            let known = super::auth::NEEDS
                .iter()
                .any(|(its, at, _)| at == path && its.as_str().eq_ignore_ascii_case(method));
            assert!(known, "{method} {path} is refused to everybody");
            routes += 1;
        }
    }
    assert!(routes > 30, "{routes}");
    let page = shop
        .send(Request::get("/docs/").body(Body::empty()).unwrap())
        .await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(
        shop.send(Request::get("/metrics").body(Body::empty()).unwrap())
            .await
            .body
            .is_string()
    );
    shop.send(Request::get("/readyz").body(Body::empty()).unwrap())
        .await
        .refused(503, "not_ready");
    shop.put(
        "/v1/chain",
        json!({"name": "Daybreak", "language": "zh-CN"}),
    )
    .await
    .expect(200);
    shop.send(Request::get("/readyz").body(Body::empty()).unwrap())
        .await
        .expect(200);
    let told = shop
        .send(
            Request::get("/problems/quote_stale")
                .body(Body::empty())
                .unwrap(),
        )
        .await
        .expect(200);
    assert_eq!(told.body["title"], "报价已失效");
}

#[tokio::test]
async fn a_stream_resumes_after_the_last_event_it_saw() {
    use futures_util::StreamExt;
    let shop = Shop::open().await;
    shop.enrol("k1", wang()).await.expect(201);
    let seen = shop.get("/v1/events").await.expect(200).body["after"]
        .as_str()
        .unwrap()
        .to_owned();
    shop.enrol("k2", json!({"home_store": "bund"}))
        .await
        .expect(201);
    let request = Request::get("/v1/events")
        .header("authorization", format!("Bearer {}", shop.admin))
        .header("accept", "text/event-stream")
        .header("last-event-id", &seen)
        .body(Body::empty())
        .unwrap();
    let response = shop.router.clone().oneshot(request).await.unwrap();
    let mut frames = response.into_body().into_data_stream();
    let frame = frames.next().await.unwrap().unwrap();
    let text = String::from_utf8_lossy(&frame);
    assert!(
        text.contains("event: member.enrolled") && !text.contains(&seen),
        "{text}"
    );
    shop.enrol("k3", json!({"home_store": "bund"}))
        .await
        .expect(201);
    let next = tokio::time::timeout(std::time::Duration::from_secs(5), frames.next())
        .await
        .unwrap();
    assert!(String::from_utf8_lossy(&next.unwrap().unwrap()).contains("member.enrolled"));
    assert!(shop.host.metrics.text().contains("tessera_event_streams 1"));
    shop.host.begin_stop();
    let end = tokio::time::timeout(std::time::Duration::from_secs(5), frames.next())
        .await
        .unwrap();
    assert!(end.is_none());
}
