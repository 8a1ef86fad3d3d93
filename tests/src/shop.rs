//! A whole chain for one test: its own database, its own clock, and the real router.

use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tempfile::TempDir;
use tessera::clock::Clock;
use tessera::config::{Config, Limits, Sandbox};
use tessera::domain::time::Instant;
use tessera::host::Host;
use tessera::plugins::{Cache, Catalog, Engine};
use tessera::store::Location;
use tower::ServiceExt;

use crate::postgres;

/// 2026-03-02T10:00:00+08:00, a Monday.
pub const MONDAY: Instant = Instant(1_772_416_800_000_000);

/// Which database a test runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Database {
    Sqlite,
    Postgres,
}

/// Runs the same story on both databases: `on_each_database!(async fn name(shop: Shop) { … });`
#[macro_export]
macro_rules! on_each_database {
    ($($(#[$attribute:meta])* async fn $name:ident($shop:ident) $body:block)*) => {$(
        mod $name {
            #[allow(unused_imports)]
            use super::*;

            async fn story($shop: $crate::shop::Shop) $body

            $(#[$attribute])*
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                story($crate::shop::Shop::open($crate::shop::Database::Sqlite).await).await
            }

            $(#[$attribute])*
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                if !$crate::postgres::is_wanted() {
                    return;
                }
                story($crate::shop::Shop::open($crate::shop::Database::Postgres).await).await
            }
        }
    )*};
}

/// An answer of the router.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Value,
}

/// Two stores, east (Asia/Shanghai) and west (Asia/Urumqi), each in a region of its name; a till and a
/// supervisor in each; coffee, tea, cake and apples; tax of 13 % and 9 % in the prices.
pub struct Shop {
    pub host: Arc<Host>,
    pub router: Router,
    pub admin: String,
    /// Key of the till in the east.
    pub till: String,
    /// Key of the till in the west.
    pub west_till: String,
    /// Key with a supervisor's permissions in the east.
    pub supervisor: String,
    pub database: Database,
    url: Option<String>,
    // Removed with everything in it when the test ends.
    folder: TempDir,
}

/// A chain no host serves.
pub struct Stopped {
    pub location: Location,
    now: Instant,
    till: String,
    west_till: String,
    supervisor: String,
    pub folder: TempDir,
}

/// One engine for all tests of the process; the first test to open a shop compiles the plugins.
fn catalog() -> Arc<Catalog> {
    static CATALOG: OnceLock<Arc<Catalog>> = OnceLock::new();
    let make = || {
        // A busy machine must not decide what a rule answers: fuel alone does.
        let sandbox = Sandbox {
            deadline_ms: 20_000,
            ..Sandbox::default()
        };
        let engine = Engine::new(sandbox.into()).expect("an engine starts");
        // Compiled components are kept beside the tests, so that a shop opens in no time.
        let tests = std::env::current_exe().expect("a test has a path");
        let folder = tests
            .parent()
            .expect("a folder")
            .join("tessera-tests-compiled");
        std::fs::create_dir_all(&folder).expect("a folder for compiled components");
        let cache = Cache::open(&folder).expect("a cache opens");
        Arc::new(Catalog::new(engine, Some(cache)))
    };
    Arc::clone(CATALOG.get_or_init(make))
}

async fn host(folder: &TempDir, database: Option<String>) -> Arc<Host> {
    assembled(folder, database).await.expect("a host opens")
}

async fn assembled(folder: &TempDir, database: Option<String>) -> anyhow::Result<Arc<Host>> {
    let config = Config {
        data: folder.path().to_owned(),
        database,
        limits: Limits {
            lease_seconds: 1,
            ..Limits::default()
        },
        ..Config::default()
    };
    Host::assemble(&config, Clock::standing(MONDAY), catalog()).await
}

impl Shop {
    pub async fn open(database: Database) -> Self {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let url = match database {
            Database::Sqlite => None,
            Database::Postgres => Some(postgres::cluster().create_database().await),
        };
        let host = host(&folder, url.clone()).await;
        let router = tessera::http::router(Arc::clone(&host));
        let admin = host.operator_key();
        let mut shop = Self {
            host,
            router,
            admin,
            till: String::new(),
            west_till: String::new(),
            supervisor: String::new(),
            database,
            url,
            folder,
        };
        shop.furnish().await;
        shop
    }

    /// Another host process of the same chain, with a data folder of its own; none on SQLite, which has one host.
    pub async fn second_host(&self) -> Option<Self> {
        let url = self.url.clone()?;
        let folder = tempfile::tempdir().expect("a folder for the test");
        // Hosts of one chain read the same sealed persons, so they share its key.
        let key = |folder: &TempDir| folder.path().join(tessera::vault::MASTER_KEY_FILE);
        std::fs::copy(key(&self.folder), key(&folder)).expect("the key is copied");
        let host = host(&folder, Some(url.clone())).await;
        Some(Self {
            router: tessera::http::router(Arc::clone(&host)),
            admin: host.operator_key(),
            till: self.till.clone(),
            west_till: self.west_till.clone(),
            supervisor: self.supervisor.clone(),
            database: self.database,
            url: Some(url),
            folder,
            host,
        })
    }

    /// The same chain after its host was stopped and started again: what was only in memory is gone.
    pub async fn restart(self) -> Self {
        let Self {
            host: before,
            router,
            till,
            west_till,
            supervisor,
            database,
            url,
            folder,
            ..
        } = self;
        let now = before.clock.now();
        drop(router);
        before.close().await;
        // The last handle gives the data folder back.
        drop(before);
        let host = host(&folder, url.clone()).await;
        host.clock.set(now);
        Self {
            router: tessera::http::router(Arc::clone(&host)),
            admin: host.operator_key(),
            till,
            west_till,
            supervisor,
            database,
            url,
            folder,
            host,
        }
    }

    /// Where the chain's rows are.
    pub fn location(&self) -> Location {
        Location::choose(self.folder.path(), self.url.as_deref())
    }

    /// The data folder of its host.
    pub fn data(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// Stops the host; what is on disk stays as long as the answer lives.
    pub async fn stop(self) -> Stopped {
        let location = self.location();
        let now = self.host.clock.now();
        drop(self.router);
        self.host.close().await;
        Stopped {
            location,
            now,
            till: self.till,
            west_till: self.west_till,
            supervisor: self.supervisor,
            folder: self.folder,
        }
    }

    /// A place for a chain: an empty database, and the folder its host would have, with the chain's key in it.
    pub async fn empty_place(database: Database, key_of: &std::path::Path) -> (TempDir, Location) {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let key = tessera::vault::MASTER_KEY_FILE;
        std::fs::copy(key_of.join(key), folder.path().join(key)).expect("the key is copied");
        let url = match database {
            Database::Sqlite => None,
            Database::Postgres => Some(postgres::cluster().create_database().await),
        };
        let location = Location::choose(folder.path(), url.as_deref());
        (folder, location)
    }

    /// What another host says that does not have the chain's key; nothing on SQLite.
    pub async fn host_with_another_key(&self) -> Option<String> {
        let url = self.url.clone()?;
        let folder = tempfile::tempdir().expect("a folder for the test");
        let refused = assembled(&folder, Some(url)).await.err();
        Some(refused.expect("it must not open").to_string())
    }

    /// Opens the chain that was stopped where it is now.
    pub async fn open_at(stopped: &Stopped, folder: TempDir, location: Location) -> Self {
        let (database, url) = match location {
            Location::Sqlite(_) => (Database::Sqlite, None),
            Location::Postgres(url) => (Database::Postgres, Some(url)),
        };
        let host = host(&folder, url.clone()).await;
        host.clock.set(stopped.now);
        Self {
            router: tessera::http::router(Arc::clone(&host)),
            admin: host.operator_key(),
            till: stopped.till.clone(),
            west_till: stopped.west_till.clone(),
            supervisor: stopped.supervisor.clone(),
            database,
            url,
            folder,
            host,
        }
    }

    async fn furnish(&mut self) {
        let settings = json!({
            "tax_classes": [{ "name": "standard", "rate": "13/100" }, { "name": "reduced", "rate": "9/100" }],
            "points_tender": { "value": "1/1" },
            // Scenarios that are not about PINs use the ones they set.
            "pin_change": "never",
        });
        self.put(
            "/v1/chain",
            json!({ "name": "Test", "language": "en", "settings": settings }),
        )
        .await;
        for (id, zone) in [("east", "Asia/Shanghai"), ("west", "Asia/Urumqi")] {
            self.put(&format!("/v1/regions/{id}"), json!({ "name": id }))
                .await;
            let store = json!({ "region": id, "name": id, "currency": "CNY", "time_zone": zone });
            self.put(&format!("/v1/stores/{id}"), store).await;
        }
        self.till = self.key("cashier", Some("east")).await;
        self.west_till = self.key("cashier", Some("west")).await;
        self.supervisor = self.key("supervisor", Some("east")).await;
        for (id, category, unit, price, tax) in [
            ("coffee", "drinks/coffee", "piece", 2_000, "standard"),
            ("tea", "drinks/tea", "piece", 1_200, "standard"),
            ("cake", "bakery/cake", "piece", 3_000, "standard"),
            ("apples", "fresh/fruit", "weight", 1_000, "reduced"),
        ] {
            self.product(id, category, unit, price, tax).await;
        }
    }

    /// A key of a role, for one store or the chain.
    pub async fn key(&self, role: &str, store: Option<&str>) -> String {
        let answer = self
            .post(
                "/v1/keys",
                &self.admin,
                json!({ "name": role, "role": role, "store": store }),
            )
            .await;
        answer.ok()["key"].as_str().expect("a key").to_owned()
    }

    pub async fn product(&self, id: &str, category: &str, unit: &str, price: i64, tax: &str) {
        let product = json!({
            "id": id, "sku": id, "name": id, "category": category, "unit": unit, "currency": "CNY",
            "price": price, "cost": price / 2, "tax_class": tax, "barcodes": [format!("69-{id}")],
        });
        self.post("/v1/products", &self.admin, product).await.ok();
    }

    /// Binds a plugin to the chain; answers the binding's id.
    pub async fn bind(&self, plugin: &str, config: Value) -> String {
        self.bind_with(plugin, config, json!({})).await
    }

    /// Binds a plugin with further fields such as `scope` or `group`.
    pub async fn bind_with(&self, plugin: &str, config: Value, more: Value) -> String {
        let mut body =
            json!({ "plugin": plugin, "version": "*", "scope": "chain", "config": config });
        merge(&mut body, more);
        let answer = self.post("/v1/bindings", &self.admin, body).await;
        answer.ok()["id"].as_str().expect("an id").to_owned()
    }

    /// Enrols a member; answers his id.
    pub async fn member(&self) -> String {
        self.member_with(json!({})).await
    }

    pub async fn member_with(&self, more: Value) -> String {
        let mut body = json!({ "home_store": "east" });
        merge(&mut body, more);
        let answer = self.post("/v1/members", &self.till, body).await;
        answer.ok()["id"].as_str().expect("an id").to_owned()
    }

    /// Quotes and commits a basket paid in cash unless it names tenders; answers the order.
    pub async fn buy(&self, request: Value) -> Value {
        let mut request = request;
        if request.get("tenders").is_none() {
            request["tenders"] = json!([{ "kind": "cash" }]);
        }
        let quote = self.post("/v1/quotes", &self.till, request).await.ok();
        self.commit(quote["id"].as_str().expect("an id")).await.ok()
    }

    pub async fn quote(&self, request: Value) -> Value {
        self.post("/v1/quotes", &self.till, request).await.ok()
    }

    pub async fn commit(&self, quote: &str) -> Answer {
        self.post(&format!("/v1/quotes/{quote}/commit"), &self.till, json!({}))
            .await
    }

    /// Refunds lines of an order, `[[position, quantity], …]`; everything left when `Null`.
    pub async fn refund(&self, order: &str, lines: Value) -> Answer {
        let lines = lines.as_array().map(|lines| {
            lines
                .iter()
                .map(|line| json!({ "line": line[0], "quantity": line[1] }))
                .collect::<Vec<_>>()
        });
        let body = lines.map_or_else(|| json!({}), |lines| json!({ "lines": lines }));
        self.post(&format!("/v1/orders/{order}/refunds"), &self.till, body)
            .await
    }

    /// Pays money into a member's stored value.
    pub async fn top_up(&self, member: &str, amount: i64, bonus: i64) {
        let body = json!({ "store": "east", "amount": amount, "bonus": bonus, "tender": { "kind": "cash" } });
        self.post(&format!("/v1/members/{member}/top-ups"), &self.admin, body)
            .await
            .ok();
    }

    /// Gives points that never expire.
    pub async fn give_points(&self, member: &str, points: i64) {
        self.adjust(member, json!({ "points": points, "reason": "a gift" }))
            .await;
    }

    /// Gives points that can be spent through `last_day`, as `2026-06-30`.
    pub async fn give_points_until(&self, member: &str, points: i64, last_day: &str) {
        let day = last_day
            .parse()
            .map(tessera::clock::day_of)
            .expect("a date");
        self.adjust(
            member,
            json!({ "points": points, "reason": "a gift", "expires_on": day }),
        )
        .await;
    }

    async fn adjust(&self, member: &str, body: Value) {
        self.post(
            &format!("/v1/members/{member}/adjustments"),
            &self.admin,
            body,
        )
        .await
        .ok();
    }

    /// Makes a code that can be used once.
    pub async fn coupon(&self, binding: &str, code: &str) {
        let body = json!({ "binding": binding, "codes": [code] });
        self.post("/v1/coupons", &self.admin, body).await.ok();
    }

    /// Lays checkout settings over those of the chain.
    pub async fn settings(&self, extra: Value) {
        let mut chain = self.get("/v1/chain", &self.admin).await.ok();
        merge(&mut chain["settings"], extra);
        self.put("/v1/chain", chain).await;
    }

    /// Applies one file.
    pub async fn apply(&self, text: &str) -> Answer {
        self.apply_files(&[("chain.toml", text)]).await
    }

    /// Applies files as one declaration.
    pub async fn apply_files(&self, files: &[(&str, &str)]) -> Answer {
        let files: Vec<Value> = files
            .iter()
            .map(|(name, text)| json!({ "name": name, "text": text }))
            .collect();
        let body = json!({ "files": files });
        self.post("/v1/configuration", &self.admin, body).await
    }

    /// Posts in a language, under a fresh idempotency key.
    pub async fn post_in(&self, language: &str, path: &str, body: Value) -> Answer {
        let request = Request::post(path)
            .header("authorization", format!("Bearer {}", self.till))
            .header("accept-language", language)
            .header("content-type", "application/json")
            .header("idempotency-key", uuid::Uuid::now_v7().to_string());
        self.raw(
            request
                .body(Body::from(body.to_string()))
                .expect("a request"),
        )
        .await
    }

    /// Balances of a member by account name, points and money together.
    pub async fn balances(&self, member: &str) -> std::collections::BTreeMap<String, i64> {
        let answer = self
            .get(&format!("/v1/members/{member}/accounts"), &self.admin)
            .await
            .ok();
        let accounts = answer["items"]
            .as_array()
            .or_else(|| answer.as_array())
            .expect("a list")
            .clone();
        let one = |account: &Value| {
            let name = account["name"].as_str().expect("a name").to_owned();
            (name, account["balance"].as_i64().expect("a balance"))
        };
        accounts
            .iter()
            .map(one)
            .filter(|(_, balance)| *balance != 0)
            .collect()
    }

    pub async fn get(&self, path: &str, key: &str) -> Answer {
        self.send(Method::GET, path, key, None, None).await
    }

    pub async fn put(&self, path: &str, body: Value) -> Value {
        self.send(Method::PUT, path, &self.admin, None, Some(body))
            .await
            .ok()
    }

    /// Posts under a fresh idempotency key.
    pub async fn post(&self, path: &str, key: &str, body: Value) -> Answer {
        let fresh = uuid::Uuid::now_v7().to_string();
        self.send(Method::POST, path, key, Some(&fresh), Some(body))
            .await
    }

    pub async fn post_as(&self, path: &str, key: &str, idempotency: &str, body: Value) -> Answer {
        self.send(Method::POST, path, key, Some(idempotency), Some(body))
            .await
    }

    /// Posts with somebody on duty, as `id:pin`.
    pub async fn post_on_duty(&self, path: &str, key: &str, staff: &str, body: Value) -> Answer {
        let fresh = uuid::Uuid::now_v7().to_string();
        let request = Request::post(path)
            .header("authorization", format!("Bearer {key}"))
            .header("tessera-staff", staff)
            .header("idempotency-key", fresh)
            .header("content-type", "application/json")
            .body(Body::from(body.to_string()));
        self.raw(request.expect("a request")).await
    }

    pub async fn send(
        &self,
        method: Method,
        path: &str,
        key: &str,
        idempotency: Option<&str>,
        body: Option<Value>,
    ) -> Answer {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("authorization", format!("Bearer {key}"));
        if let Some(idempotency) = idempotency {
            request = request.header("idempotency-key", idempotency);
        }
        let body = match body {
            Some(body) => {
                request = request.header("content-type", "application/json");
                Body::from(body.to_string())
            }
            None => Body::empty(),
        };
        self.raw(request.body(body).expect("a request")).await
    }

    pub async fn raw(&self, request: Request<Body>) -> Answer {
        let answer = self
            .router
            .clone()
            .oneshot(request)
            .await
            .expect("the router answers");
        let (parts, body) = answer.into_parts();
        let bytes = body.collect().await.expect("a whole body").to_bytes();
        let text = || Value::String(String::from_utf8_lossy(&bytes).into_owned());
        let body = serde_json::from_slice(&bytes).unwrap_or_else(|_| text());
        Answer {
            status: parts.status,
            headers: parts.headers,
            body,
        }
    }

    /// A member's accounts as JSON with lots in a fixed order, without what tells one posting from another.
    pub async fn wallet(&self, member: &str) -> Value {
        let mut accounts = self
            .get(&format!("/v1/members/{member}/accounts"), &self.admin)
            .await
            .ok();
        for account in accounts.as_array_mut().expect("a list") {
            if let Some(account) = account.as_object_mut() {
                account.remove("version");
            }
        }
        let empty = |account: &Value| account["balance"] == 0 && account["lots"].is_null();
        Value::Array(
            accounts
                .as_array()
                .expect("a list")
                .iter()
                .filter(|account| !empty(account))
                .cloned()
                .collect(),
        )
    }

    /// How many orders the chain has.
    pub async fn orders(&self) -> usize {
        let mut conn = self.host.db.read().await.expect("the database answers");
        let rows = tessera::store::orders::orders_after(&mut conn, "", 10_000).await;
        rows.expect("orders can be read").len()
    }

    /// Balance of one of the chain's own accounts, over all writers.
    pub async fn system(&self, name: &str, asset: &str) -> i64 {
        let mut conn = self.host.db.read().await.expect("the database answers");
        let balances = tessera::store::accounts::system_balances(&mut conn)
            .await
            .expect("balances can be read");
        balances
            .get(&(name.to_owned(), asset.to_owned()))
            .copied()
            .unwrap_or(0)
    }

    /// The kinds of all events so far, in their order.
    pub async fn events(&self) -> Vec<String> {
        let page = self.get("/v1/events?limit=200", &self.admin).await.ok();
        let kind = |event: &Value| {
            event["type"]
                .as_str()
                .expect("an event has a type")
                .to_owned()
        };
        page["items"]
            .as_array()
            .expect("a list")
            .iter()
            .map(kind)
            .collect()
    }

    /// Moves the clock on.
    pub fn later(&self, seconds: i64) {
        self.host
            .clock
            .set(self.host.clock.now().plus_seconds(seconds));
    }

    /// Moves the clock.
    pub fn set_clock(&self, at: Instant) {
        self.host.clock.set(at);
    }

    /// Fails the test if any invariant of the ledger does not hold.
    pub async fn verify_books(&self) {
        let report = tessera::store::verify::verify(&self.host.db)
            .await
            .expect("the ledger can be read");
        assert!(report.is_clean(), "{report:#?}");
    }

    /// Fails the test if any invariant of the ledger does not hold, or any evaluation differs when run again.
    pub async fn verify(&self) {
        self.verify_books().await;
        let again = tessera::audit::reexecute(&self.host.db, self.host.catalog.engine())
            .await
            .expect("rules run again");
        assert_eq!(again.differing, 0, "{again:#?}");
    }
}

impl Answer {
    /// The body of a success.
    #[track_caller]
    pub fn ok(self) -> Value {
        assert!(self.status.is_success(), "{}: {}", self.status, self.body);
        self.body
    }

    /// The pointers of a refusal's fields.
    pub fn pointers(&self) -> Vec<&str> {
        let errors = self.body["errors"]
            .as_array()
            .map_or(&[][..], Vec::as_slice);
        errors
            .iter()
            .filter_map(|error| error["pointer"].as_str())
            .collect()
    }

    /// The faults of a refused configuration, each as `file:line key`.
    pub fn faults(&self) -> Vec<String> {
        let faults = self.body["faults"]
            .as_array()
            .map_or(&[][..], Vec::as_slice);
        let one = |fault: &Value| {
            let text = |name: &str| fault[name].as_str().unwrap_or_default().to_owned();
            format!("{}:{} {}", text("file"), fault["line"], text("key"))
        };
        faults.iter().map(one).collect()
    }

    /// Whether the answer was given before.
    pub fn is_replayed(&self) -> bool {
        self.headers
            .get("idempotency-replayed")
            .is_some_and(|value| value == "true")
    }

    /// The code of a refusal, after checking its status.
    #[track_caller]
    pub fn refused(self, status: u16) -> String {
        assert_eq!(self.status.as_u16(), status, "{}", self.body);
        self.body["code"]
            .as_str()
            .expect("a problem has a code")
            .to_owned()
    }
}

/// Lays the fields of one object over another.
fn merge(base: &mut Value, over: Value) {
    if let (Some(base), Value::Object(over)) = (base.as_object_mut(), over) {
        base.extend(over);
    }
}
