//! What a till waits for: quotes and whole checkouts over HTTP on loopback, commits against one transaction per
//! checkout on the same disk, start and memory. `cargo bench --bench till`
//!
//! Everything is measured side by side in one run, with the load generator on the same cores; nothing is asserted.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use axum::http::Request;
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use sqlx::Connection as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use tessera_tests::shop::{Database, Shop};
use tokio::net::TcpStream;

/// How long each row is measured.
const SPAN: Duration = Duration::from_secs(4);

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime starts");
    runtime.block_on(async {
        println!(
            "cores: {}",
            std::thread::available_parallelism().map_or(0, usize::from)
        );
        // `-- sqlite`, `-- postgres commits`: only that database, only that part.
        let words: Vec<String> = std::env::args()
            .skip(1)
            .filter(|word| !word.starts_with('-'))
            .collect();
        let only = |at: usize, name: &str| words.get(at).is_none_or(|word| word == name);
        for database in [Database::Sqlite, Database::Postgres] {
            if !only(0, &format!("{database:?}").to_lowercase()) {
                continue;
            }
            let shop = Arc::new(furnished(database).await);
            let address = serve(&shop).await;
            if only(1, "quotes") {
                println!(
                    "\n{database:?}: quotes of ten lines, four bindings, a member with history"
                );
                println!(
                    "{:>8} {:>10} {:>10} {:>10}",
                    "clients", "quotes/s", "p50 ms", "p99 ms"
                );
                for clients in [1, 8, 64] {
                    load(&shop, address, clients, Work::Quote).await;
                }
            }
            if only(1, "checkouts") {
                println!("\n{database:?}: whole checkouts, quote with five lines and then commit");
                println!(
                    "{:>8} {:>10} {:>10} {:>10}",
                    "clients", "orders/s", "p50 ms", "p99 ms"
                );
                for clients in [1, 8, 64] {
                    load(&shop, address, clients, Work::Checkout).await;
                }
            }
            if only(1, "commits") {
                println!("\n{database:?}: commits alone, of quotes made before");
                println!("{:>8} {:>10}", "clients", "commits/s");
                for clients in [1, 16, 64] {
                    commits(&shop, address, clients).await;
                }
            }
        }
        baseline().await;
    });
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Work {
    Quote,
    Checkout,
}

/// A shop with four bindings and a member who has bought before.
async fn furnished(database: Database) -> Shop {
    let shop = Shop::open(database).await;
    shop.bind(
        "points-standard",
        json!({ "points_per": { "spend": 100, "points": 1 } }),
    )
    .await;
    shop.bind(
        "tier-standard",
        json!({ "tiers": [{ "code": "gold", "name": "Gold", "threshold": 100_000 }] }),
    )
    .await;
    shop.bind(
        "stamp-card",
        json!({ "every": 10, "goods": { "categories": ["drinks/coffee"] } }),
    )
    .await;
    shop.bind(
        "promo-standard",
        json!({ "discount": { "percent": { "rate": "10%", "on": "order" } } }),
    )
    .await;
    shop
}

async fn serve(shop: &Shop) -> std::net::SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a free port");
    let address = listener.local_addr().expect("an address");
    let router = shop.router.clone();
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

/// A client with one connection.
struct Client {
    sender: hyper::client::conn::http1::SendRequest<Full<Bytes>>,
    key: String,
}

impl Client {
    async fn connect(address: std::net::SocketAddr, key: &str) -> Self {
        let stream = TcpStream::connect(address).await.expect("the host answers");
        stream.set_nodelay(true).expect("a socket option");
        let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .expect("a connection");
        tokio::spawn(connection);
        Self {
            sender,
            key: key.to_owned(),
        }
    }

    async fn post(&mut self, path: &str, body: &Value) -> Bytes {
        let request = Request::post(path)
            .header("host", "localhost")
            .header("authorization", format!("Bearer {}", self.key))
            .header("content-type", "application/json")
            .header("idempotency-key", uuid::Uuid::now_v7().to_string())
            .body(Full::new(Bytes::from(body.to_string())))
            .expect("a request");
        self.sender.ready().await.expect("a ready connection");
        let answer = self.sender.send_request(request).await.expect("an answer");
        let status = answer.status();
        let bytes = answer
            .into_body()
            .collect()
            .await
            .expect("a body")
            .to_bytes();
        assert!(
            status.is_success(),
            "{status}: {}",
            String::from_utf8_lossy(&bytes)
        );
        bytes
    }
}

fn basket(member: &str, lines: usize) -> Value {
    let goods = ["coffee", "tea", "cake"];
    let lines: Vec<Value> = (0..lines)
        .map(|at| json!({ "sku": goods[at % 3], "quantity": "1" }))
        .collect();
    json!({ "member": { "id": member }, "lines": lines, "tenders": [{ "kind": "card" }] })
}

async fn load(shop: &Arc<Shop>, address: std::net::SocketAddr, clients: usize, work: Work) {
    let counted = Arc::new(AtomicU64::new(0));
    let ready = Arc::new(tokio::sync::Barrier::new(clients + 1));
    let mut tasks = Vec::new();
    for _ in 0..clients {
        // A member each, as at a counter; half a dozen earlier purchases give him a history.
        let member = shop.member().await;
        for _ in 0..6 {
            shop.buy(json!({ "member": { "id": member }, "lines": [{ "sku": "coffee" }] }))
                .await;
        }
        let mut client = Client::connect(address, &shop.till).await;
        let (counted, ready) = (Arc::clone(&counted), Arc::clone(&ready));
        tasks.push(tokio::spawn(async move {
            let body = basket(&member, if work == Work::Quote { 10 } else { 5 });
            let mut times = Vec::new();
            ready.wait().await;
            let until = Instant::now() + SPAN;
            while Instant::now() < until {
                let began = Instant::now();
                let quote = client.post("/v1/quotes", &body).await;
                if work == Work::Checkout {
                    let quote: Value = serde_json::from_slice(&quote).expect("JSON");
                    let path =
                        format!("/v1/quotes/{}/commit", quote["id"].as_str().expect("an id"));
                    client.post(&path, &json!({})).await;
                }
                times.push(began.elapsed());
                counted.fetch_add(1, Ordering::Relaxed);
            }
            times
        }));
    }
    ready.wait().await;
    let began = Instant::now();
    let mut times = Vec::new();
    for task in tasks {
        times.extend(task.await.expect("a client ends well"));
    }
    let seconds = began.elapsed().as_millis().max(1);
    times.sort();
    let at = |share: usize| {
        times
            .get(times.len() * share / 100)
            .copied()
            .unwrap_or_default()
    };
    let per_second = u128::from(counted.load(Ordering::Relaxed)) * 1_000 / seconds;
    println!(
        "{clients:>8} {per_second:>10} {:>10} {:>10}",
        millis(at(50)),
        millis(at(99))
    );
}

/// Commits over HTTP of quotes that were made beforehand: the commit path without the pricing.
async fn commits(shop: &Arc<Shop>, address: std::net::SocketAddr, clients: usize) {
    const EACH: usize = 2_000;
    let ready = Arc::new(tokio::sync::Barrier::new(clients + 1));
    let mut tasks = Vec::new();
    for _ in 0..clients {
        let member = shop.member().await;
        let mut client = Client::connect(address, &shop.till).await;
        let ready = Arc::clone(&ready);
        tasks.push(tokio::spawn(async move {
            let body = basket(&member, 5);
            let mut quotes = Vec::new();
            for _ in 0..EACH / clients {
                let quote = client.post("/v1/quotes", &body).await;
                let quote: Value = serde_json::from_slice(&quote).expect("JSON");
                quotes.push(quote["id"].as_str().expect("an id").to_owned());
            }
            ready.wait().await;
            for quote in &quotes {
                let path = format!("/v1/quotes/{quote}/commit");
                client.post(&path, &json!({})).await;
            }
            quotes.len()
        }));
    }
    ready.wait().await;
    let began = Instant::now();
    let mut done = 0;
    for task in tasks {
        done += task.await.expect("a client ends well");
    }
    let per_second = done as u128 * 1_000 / began.elapsed().as_millis().max(1);
    println!("{clients:>8} {per_second:>10}");
}

fn millis(time: Duration) -> String {
    format!("{}.{:02}", time.as_millis(), time.as_micros() % 1_000 / 10)
}

/// The same rows by hand, one transaction per checkout on SQLite with synchronous=FULL.
async fn baseline() {
    let folder = tempfile::tempdir().expect("a folder");
    let options = SqliteConnectOptions::new()
        .filename(folder.path().join("baseline.db"))
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full);
    let mut conn = SqliteConnection::connect_with(&options)
        .await
        .expect("a database");
    sqlx::raw_sql(
        "CREATE TABLE orders (id TEXT PRIMARY KEY, doc BLOB); CREATE TABLE lines (o TEXT, n INT, doc TEXT, PRIMARY KEY (o, n));
         CREATE TABLE entries (id TEXT PRIMARY KEY, at INT); CREATE TABLE postings (a TEXT, v INT, amount INT, after INT, PRIMARY KEY (a, v));
         CREATE TABLE balances (a TEXT PRIMARY KEY, balance INT, v INT); CREATE TABLE keys (k TEXT PRIMARY KEY, h BLOB); CREATE TABLE events (id TEXT PRIMARY KEY, p TEXT);
         INSERT INTO balances VALUES ('a0', 0, 0), ('a1', 0, 0), ('a2', 0, 0), ('a3', 0, 0);",
    )
    .execute(&mut conn)
    .await
    .expect("tables");
    let mut times = Vec::new();
    let began = Instant::now();
    let mut number = 0_i64;
    while began.elapsed() < SPAN {
        let started = Instant::now();
        one_checkout(&mut conn, number).await.expect("a checkout");
        number += 1;
        times.push(started.elapsed());
    }
    times.sort();
    let per_second = u128::from(number.unsigned_abs()) * 1_000 / began.elapsed().as_millis().max(1);
    println!(
        "\nSQLite FULL by hand, one transaction per checkout: {per_second}/s, p50 {} ms",
        millis(times[times.len() / 2])
    );
    println!(
        "one flush of 4 kB here: {} ms",
        millis(flush(folder.path()))
    );
}

async fn one_checkout(conn: &mut SqliteConnection, number: i64) -> Result<(), sqlx::Error> {
    let mut tx = conn.begin().await?;
    let id = uuid::Uuid::now_v7().to_string();
    sqlx::query("INSERT INTO orders VALUES ($1, $2)")
        .bind(&id)
        .bind(vec![7_u8; 2_000])
        .execute(&mut *tx)
        .await?;
    for line in 0..5 {
        sqlx::query("INSERT INTO lines VALUES ($1, $2, $3)")
            .bind(&id)
            .bind(line)
            .bind("coffee")
            .execute(&mut *tx)
            .await?;
    }
    sqlx::query("INSERT INTO entries VALUES ($1, $2)")
        .bind(&id)
        .bind(number)
        .execute(&mut *tx)
        .await?;
    for leg in 0..6 {
        let account = format!("a{}", leg % 4);
        sqlx::query("UPDATE balances SET balance = balance + 1, v = v + 1 WHERE a = $1")
            .bind(&account)
            .execute(&mut *tx)
            .await?;
        sqlx::query("INSERT INTO postings SELECT a, v, 1, balance FROM balances WHERE a = $1")
            .bind(&account)
            .execute(&mut *tx)
            .await?;
    }
    sqlx::query("INSERT INTO keys VALUES ($1, $2)")
        .bind(&id)
        .bind(vec![1_u8; 32])
        .execute(&mut *tx)
        .await?;
    sqlx::query("INSERT INTO events VALUES ($1, $2)")
        .bind(&id)
        .bind("{}")
        .execute(&mut *tx)
        .await?;
    tx.commit().await
}

/// The median time of writing and flushing one page.
fn flush(folder: &std::path::Path) -> Duration {
    use std::io::Write as _;
    let mut file = std::fs::File::create(folder.join("flush")).expect("a file");
    let mut times: Vec<Duration> = (0..50)
        .map(|_| {
            let began = Instant::now();
            file.write_all(&[0; 4096])
                .and_then(|()| file.sync_data())
                .expect("a flush");
            began.elapsed()
        })
        .collect();
    times.sort();
    times[25]
}
