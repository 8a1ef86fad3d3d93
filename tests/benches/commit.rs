//! A commit on PostgreSQL beside what a good engineer would write by hand, on one cluster in one run.
//! `cargo bench --bench commit`
//!
//! By hand: `pgbench` with one transaction per checkout, as statements and as one function on the server, with and
//! without a row that every checkout of the store changes. Tessera: its commits in process, of quotes made before; over
//! HTTP they are measured by the bench `till`. Nothing is asserted.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;
use sqlx::{Connection as _, Executor as _, PgConnection};
use tessera::access::{Principal, Role};
use tessera::checkout::request::QuoteRequest;
use tessera::checkout::{self, CommitRequest, Intent};
use tessera_tests::postgres;
use tessera_tests::shop::{Database, Shop};

const CLIENTS: [usize; 3] = [1, 16, 64];
const GOODS: [&str; 3] = ["coffee", "tea", "cake"];
/// Seconds of each row by hand.
const SPAN: u32 = 5;
/// Commits of each row of Tessera's.
const COMMITS: usize = 6_000;
/// Bytes of an order's document by hand, about what Tessera keeps of an order of five lines.
const DOCUMENT: usize = 1_500;

const TABLES: &str = "
    CREATE TABLE members (id BIGINT PRIMARY KEY, orders BIGINT NOT NULL);
    CREATE TABLE stores (id BIGINT PRIMARY KEY, turnover BIGINT NOT NULL);
    CREATE TABLE orders (id BIGINT PRIMARY KEY, member BIGINT NOT NULL, store BIGINT NOT NULL, document TEXT NOT NULL);
    CREATE TABLE lines (o BIGINT, n INT, product TEXT NOT NULL, amount BIGINT NOT NULL, PRIMARY KEY (o, n));
    CREATE TABLE entries (id BIGINT PRIMARY KEY, at TIMESTAMPTZ NOT NULL DEFAULT now());
    CREATE TABLE postings (entry BIGINT, n INT, account BIGINT NOT NULL, amount BIGINT NOT NULL, PRIMARY KEY (entry, n));
    CREATE TABLE balances (account BIGINT PRIMARY KEY, balance BIGINT NOT NULL) WITH (fillfactor = 80);
    CREATE TABLE operations (key BIGINT PRIMARY KEY, hash BYTEA NOT NULL);
    CREATE TABLE events (id BIGINT PRIMARY KEY, payload TEXT NOT NULL);
    INSERT INTO members SELECT n, 0 FROM generate_series(1, 10000) n;
    INSERT INTO stores VALUES (1, 0);
    INSERT INTO balances SELECT n, 0 FROM generate_series(1, 40000) n;";

/// One checkout. Placeholders are pgbench's variables, or the function's arguments.
const STEPS: [&str; 11] = [
    "{perform} orders FROM members WHERE id = :member FOR UPDATE",
    "INSERT INTO orders VALUES (:id, :member, 1, repeat('x', {document}))",
    "INSERT INTO lines VALUES (:id, 1, 'tea', 1200), (:id, 2, 'tea', 1200), (:id, 3, 'tea', 1200), (:id, 4, 'tea', 1200), (:id, 5, 'tea', 1200)",
    "INSERT INTO entries VALUES (:id)",
    "INSERT INTO postings VALUES (:id, 1, :member, 6), (:id, 2, :member + 10000, 1), (:id, 3, :member + 20000, 1), (:id, 4, :member + 30000, 1), (:id, 5, :member, -6), (:id, 6, :member, -3)",
    "UPDATE balances SET balance = balance + 1 WHERE account = :member",
    "UPDATE balances SET balance = balance + 1 WHERE account = :member + 10000",
    "UPDATE balances SET balance = balance + 1 WHERE account = :member + 20000",
    "UPDATE balances SET balance = balance + 1 WHERE account = :member + 30000",
    "INSERT INTO operations VALUES (:id, '\\x00112233445566778899aabbccddeeff')",
    "INSERT INTO events VALUES (:id, '{\"order\": 1}')",
];
const HOT: &str = "UPDATE stores SET turnover = turnover + 6000 WHERE id = 1";
const VARIABLES: &str = "\\set member random(1, 10000)\n\\set id random(1, 9000000000000000000)\n";

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime starts");
    runtime.block_on(async {
        let cores = std::thread::available_parallelism().map_or(0, usize::from);
        let folder = tempfile::tempdir().expect("a folder");
        println!(
            "cores: {cores}; one flush (pg_test_fsync, fdatasync): {}",
            flush(folder.path())
        );
        println!(
            "{:>44} {:>8} {:>8} {:>8}  p99 ms at 64",
            "commits/s with clients:", 1, 16, 64
        );
        by_hand(folder.path()).await;
        let shop = Arc::new(furnished().await);
        let mut row = Vec::new();
        for clients in CLIENTS {
            row.push(commits(&shop, clients).await);
        }
        let (rates, times): (Vec<u128>, Vec<Duration>) = row.into_iter().unzip();
        print("Tessera, in process", &rates, &times[2]);
    });
}

fn print(what: &str, rates: &[u128], p99: &Duration) {
    let rates: String = rates.iter().map(|rate| format!(" {rate:>8}")).collect();
    println!(
        "{what:>44}{rates}  {}.{:02}",
        p99.as_millis(),
        p99.as_micros() % 1_000 / 10
    );
}

async fn by_hand(folder: &Path) {
    let url = postgres::cluster().create_database().await;
    let mut conn = PgConnection::connect(&url)
        .await
        .expect("the server answers");
    conn.execute(TABLES).await.expect("tables");
    for (hot, named) in [(false, "no common row"), (true, "the store's row is hot")] {
        let steps = || STEPS.iter().copied().chain(hot.then_some(HOT));
        let text = |perform: &str| -> String {
            let step = |step: &str| {
                step.replace("{perform}", perform)
                    .replace("{document}", &DOCUMENT.to_string())
                    + ";\n"
            };
            steps().map(step).collect()
        };
        let name = format!("checkout_{hot}");
        let body = text("PERFORM")
            .replace(":member", "$1")
            .replace(":id", "$2");
        let function = format!(
            "CREATE FUNCTION {name}(BIGINT, BIGINT) RETURNS VOID LANGUAGE plpgsql AS $f$ BEGIN\n{body}END $f$"
        );
        conn.execute(sqlx::AssertSqlSafe(function))
            .await
            .expect("a function");
        let statements = format!("{VARIABLES}BEGIN;\n{}COMMIT;\n", text("SELECT"));
        let called = format!("{VARIABLES}SELECT {name}(:member, :id);\n");
        for (how, script) in [("statements", statements), ("a function", called)] {
            let file = folder.join("script.sql");
            std::fs::write(&file, script).expect("a file");
            let rates: Vec<(u128, Duration)> = CLIENTS
                .iter()
                .map(|clients| pgbench(&url, &file, *clients, folder))
                .collect();
            let (rates, times): (Vec<u128>, Vec<Duration>) = rates.into_iter().unzip();
            print(&format!("by hand, {how}, {named}"), &rates, &times[2]);
        }
    }
}

/// Transactions per second, and the 99th percentile of their times.
fn pgbench(url: &str, script: &Path, clients: usize, folder: &Path) -> (u128, Duration) {
    let log = folder.join(format!("log-{}", uuid::Uuid::now_v7()));
    let done = postgres::program("pgbench")
        .args(["-n", "-M", "prepared", "-j", "2", "-l"])
        .args(["-c", &clients.to_string(), "-T", &SPAN.to_string()])
        .arg(format!("--log-prefix={}", log.display()))
        .arg("-f")
        .arg(script)
        .arg(url)
        .output()
        .expect("pgbench runs");
    let said = String::from_utf8_lossy(&done.stdout);
    let tps = said.lines().find_map(|line| line.strip_prefix("tps = "));
    let whole = tps.and_then(|line| line.split('.').next()?.parse().ok());
    let rate =
        whole.unwrap_or_else(|| panic!("pgbench: {said}{}", String::from_utf8_lossy(&done.stderr)));
    (rate, logged(folder, &log))
}

/// The third column of pgbench's logs is the time of a transaction in microseconds.
fn logged(folder: &Path, prefix: &Path) -> Duration {
    let name = prefix
        .file_name()
        .expect("a name")
        .to_string_lossy()
        .into_owned();
    let files = std::fs::read_dir(folder).expect("the folder").flatten();
    let ours = files.filter(|file| file.file_name().to_string_lossy().starts_with(&name));
    let mut times: Vec<u64> = ours
        .flat_map(|file| {
            let text = std::fs::read_to_string(file.path()).unwrap_or_default();
            let third = |line: &str| line.split(' ').nth(2)?.parse().ok();
            text.lines().filter_map(third).collect::<Vec<u64>>()
        })
        .collect();
    times.sort_unstable();
    Duration::from_micros(times.get(times.len() * 99 / 100).copied().unwrap_or(0))
}

async fn furnished() -> Shop {
    let shop = Shop::open(Database::Postgres).await;
    for (plugin, config) in [
        (
            "points-standard",
            json!({ "points_per": { "spend": 100, "points": 1 } }),
        ),
        (
            "tier-standard",
            json!({ "tiers": [{ "code": "gold", "name": "Gold", "threshold": 100_000 }] }),
        ),
        (
            "stamp-card",
            json!({ "every": 10, "goods": { "categories": ["drinks/coffee"] } }),
        ),
        (
            "promo-standard",
            json!({ "discount": { "percent": { "rate": "10%", "on": "order" } } }),
        ),
    ] {
        shop.bind(plugin, config).await;
    }
    shop
}

/// Commits of quotes made before, each client with a member of his own.
async fn commits(shop: &Arc<Shop>, clients: usize) -> (u128, Duration) {
    let caller = Arc::new(Principal {
        key: "bench".to_owned(),
        role: Role::Admin,
        store: None,
        terminal: None,
        staff: None,
    });
    let ready = Arc::new(tokio::sync::Barrier::new(clients + 1));
    let mut tasks = Vec::new();
    for _ in 0..clients {
        let member = shop.member().await;
        let lines: Vec<_> = (0..5)
            .map(|at| json!({ "product": GOODS[at % GOODS.len()] }))
            .collect();
        let basket = json!({
            "store": "east", "member": { "id": member }, "lines": lines, "tenders": [{ "kind": "card" }],
        });
        let request: QuoteRequest = serde_json::from_value(basket).expect("a request");
        let (host, caller, ready) = (
            Arc::clone(&shop.host),
            Arc::clone(&caller),
            Arc::clone(&ready),
        );
        tasks.push(tokio::spawn(async move {
            let mut quotes = Vec::new();
            for _ in 0..COMMITS / clients {
                quotes.push(
                    checkout::quote(&host, &caller, request.clone())
                        .await
                        .expect("a quote"),
                );
            }
            ready.wait().await;
            let mut times = Vec::new();
            for quote in &quotes {
                let began = Instant::now();
                let intent = Intent {
                    key: format!("bench/{}", quote.id),
                    hash: [0; 32],
                };
                checkout::commit(&host, &caller, &quote.id, CommitRequest::default(), intent)
                    .await
                    .expect("a commit");
                times.push(began.elapsed());
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
    let rate = times.len() as u128 * 1_000 / began.elapsed().as_millis().max(1);
    times.sort_unstable();
    (rate, times[times.len() * 99 / 100])
}

/// What one flush costs, as the server's own tool tells it.
fn flush(folder: &Path) -> String {
    let file = folder.join("flush");
    let done = Command::new("sh")
        .args([
            "-c",
            "\"$0\" -s 1 -f \"$1\" 2>/dev/null | grep -m 1 '^ *fdatasync'",
        ])
        .arg(postgres::program("pg_test_fsync").get_program())
        .arg(&file)
        .output()
        .expect("pg_test_fsync runs");
    let said = String::from_utf8_lossy(&done.stdout);
    said.split_whitespace()
        .skip(1)
        .collect::<Vec<_>>()
        .join(" ")
}
