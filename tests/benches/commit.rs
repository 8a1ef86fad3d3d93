//! A commit beside what a good engineer would write by hand, on both databases in one run.
//! `cargo bench --bench commit`
//!
//! By hand on PostgreSQL: `pgbench` with one transaction per checkout, as statements and as one function on the server,
//! with and without a row that every checkout of the store changes; on SQLite one transaction per checkout on the one
//! connection a file has. Tessera: commits of quotes made before, in process and over HTTP on loopback, with everything
//! it keeps of a sale (four rules' evaluations, facts, seal). Nothing is asserted.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sqlx::{Connection as _, Executor as _, PgConnection};
use tessera::checkout::{self, CommitRequest, Intent};
use tessera::store::Location;
use tessera_tests::load::{
    Client, basket, furnished, make_members, member, millis, operator, percentile, serve,
};
use tessera_tests::postgres;
use tessera_tests::shop::{Database, Shop};

const CLIENTS: [usize; 3] = [1, 16, 64];
/// Seconds of each row by hand.
const SPAN: u32 = 5;
/// Members of either side.
const MEMBERS: u64 = 10_000;
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
const SQLITE_TABLES: &str = "
    CREATE TABLE orders (id TEXT PRIMARY KEY, doc BLOB);
    CREATE TABLE lines (o TEXT, n INT, doc TEXT, PRIMARY KEY (o, n));
    CREATE TABLE entries (id TEXT PRIMARY KEY, at INT);
    CREATE TABLE postings (a TEXT, v INT, amount INT, after INT, PRIMARY KEY (a, v));
    CREATE TABLE balances (a TEXT PRIMARY KEY, balance INT, v INT);
    CREATE TABLE keys (k TEXT PRIMARY KEY, h BLOB);
    CREATE TABLE events (id TEXT PRIMARY KEY, p TEXT);
    INSERT INTO balances VALUES ('a0', 0, 0), ('a1', 0, 0), ('a2', 0, 0), ('a3', 0, 0);";
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
            "{:>52} {:>8} {:>8} {:>8}  p99 ms, all clients",
            "commits/s with clients:", 1, 16, 64
        );
        // `-- postgres`: only that database.
        let word = std::env::args().skip(1).find(|word| !word.starts_with('-'));
        let asked = |name: &str| word.as_deref().is_none_or(|word| word == name);
        if asked("postgres") {
            by_hand(folder.path()).await;
            tessera(Database::Postgres).await;
        }
        if asked("sqlite") {
            sqlite_by_hand(folder.path()).await;
            tessera(Database::Sqlite).await;
        }
    });
}

async fn tessera(database: Database) {
    let shop = Arc::new(furnished(database).await);
    make_members(&shop, 0, MEMBERS).await;
    let address = serve(&shop).await;
    for (way, how) in [
        (None, "in process"),
        (Some(address), "over HTTP, its client on the same cores"),
    ] {
        let mut row = Vec::new();
        let mut spent = String::new();
        for clients in CLIENTS {
            let (rate, p99, each) = commits(&shop, clients, way).await;
            row.push((rate, p99));
            spent = each;
        }
        let (rates, times): (Vec<u128>, Vec<Duration>) = row.into_iter().unzip();
        print(&format!("Tessera, {how}"), &rates, &times[2]);
        println!("{:>52} {spent}", "with 64 clients:");
    }
}

fn print(what: &str, rates: &[u128], p99: &Duration) {
    let rates: String = rates.iter().map(|rate| format!(" {rate:>8}")).collect();
    println!("{what:>52}{rates:<27}  {}", millis(*p99));
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
    let mut times: Vec<Duration> = ours
        .flat_map(|file| {
            let text = std::fs::read_to_string(file.path()).unwrap_or_default();
            let third =
                |line: &str| Some(Duration::from_micros(line.split(' ').nth(2)?.parse().ok()?));
            text.lines().filter_map(third).collect::<Vec<Duration>>()
        })
        .collect();
    percentile(&mut times, 99)
}

/// Commits of quotes made before to members far apart, over HTTP where an address is given.
async fn commits(
    shop: &Arc<Shop>,
    clients: usize,
    way: Option<SocketAddr>,
) -> (u128, Duration, String) {
    let caller = Arc::new(operator());
    let ready = Arc::new(tokio::sync::Barrier::new(clients + 1));
    let mut tasks = Vec::new();
    for client in 0..clients {
        let (host, caller, ready) = (
            Arc::clone(&shop.host),
            Arc::clone(&caller),
            Arc::clone(&ready),
        );
        let mut http = match way {
            Some(address) => Some(Client::connect(address, &shop.till).await),
            None => None,
        };
        tasks.push(tokio::spawn(async move {
            let mut quotes = Vec::new();
            for number in 0..COMMITS / clients {
                // Each buys once: an open quote is stale when another sale has used his stamps.
                let member = member((number * clients + client) as u64 * 7_919 % MEMBERS);
                let request = serde_json::from_value(basket(&member, 5)).expect("a request");
                quotes.push(
                    checkout::quote(&host, &caller, request)
                        .await
                        .expect("a quote"),
                );
            }
            ready.wait().await;
            let mut times = Vec::new();
            for quote in &quotes {
                let began = Instant::now();
                if let Some(client) = &mut http {
                    let path = format!("/v1/quotes/{}/commit", quote.id);
                    client.post(&path, &json!({})).await;
                } else {
                    let intent = Intent {
                        key: format!("bench/{}", quote.id),
                        hash: [0; 32],
                    };
                    let request = CommitRequest::default();
                    checkout::commit(&host, &caller, &quote.id, request, intent)
                        .await
                        .expect("a commit");
                }
                times.push(began.elapsed());
            }
            times
        }));
    }
    ready.wait().await;
    let before = Spent::now(shop).await;
    let began = Instant::now();
    let mut times = Vec::new();
    for task in tasks {
        times.extend(task.await.expect("a client ends well"));
    }
    let rate = times.len() as u128 * 1_000 / began.elapsed().as_millis().max(1);
    let spent = Spent::now(shop).await.since(&before);
    (rate, percentile(&mut times, 99), spent)
}

/// Where the time of commits goes.
struct Spent {
    batches: u64,
    commands: u64,
    /// In batches, from the first statement to the answered commit, microseconds.
    writing: u64,
    /// Of the processors by this process, which is host and clients, microseconds.
    computing: u64,
    /// Bytes of log of the server.
    log: i64,
}

impl Spent {
    async fn now(shop: &Shop) -> Self {
        let figures = shop.host.writer.figures();
        let log = match shop.location() {
            Location::Sqlite(_) => 0,
            Location::Postgres(url) => {
                let mut conn = PgConnection::connect(&url)
                    .await
                    .expect("the server answers");
                sqlx::query_scalar("SELECT (pg_current_wal_lsn() - '0/0')::BIGINT")
                    .fetch_one(&mut conn)
                    .await
                    .expect("how far its log is")
            }
        };
        Self {
            batches: figures.batches(),
            commands: figures.commands(),
            writing: figures.micros(),
            computing: computing(),
            log,
        }
    }

    fn since(&self, before: &Self) -> String {
        let commands = (self.commands - before.commands).max(1);
        let batches = (self.batches - before.batches).max(1);
        format!(
            "{} a batch; of each {} µs in the database, {} µs computing here, {} bytes of log",
            commands / batches,
            (self.writing - before.writing) / commands,
            (self.computing - before.computing) / commands,
            (self.log - before.log) / commands.cast_signed()
        )
    }
}

/// Time of the processors this process has used, microseconds, where the system tells (`/proc`).
fn computing() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let field = |at: usize| after_name.split_whitespace().nth(at)?.parse::<u64>().ok();
    // User and system time, in hundredths of a second.
    (field(11).unwrap_or(0) + field(12).unwrap_or(0)) * 10_000
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

/// The same rows on SQLite with synchronous=FULL.
async fn sqlite_by_hand(folder: &Path) {
    let options = SqliteConnectOptions::new()
        .filename(folder.join("by-hand.db"))
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full);
    let mut conn = SqliteConnection::connect_with(&options)
        .await
        .expect("a database");
    sqlx::raw_sql(SQLITE_TABLES)
        .execute(&mut conn)
        .await
        .expect("tables");
    let mut times = Vec::new();
    let span = Duration::from_secs(u64::from(SPAN));
    let began = Instant::now();
    while began.elapsed() < span {
        let started = Instant::now();
        let number = i64::try_from(times.len()).expect("a number");
        one_checkout(&mut conn, number).await.expect("a checkout");
        times.push(started.elapsed());
    }
    let rate = times.len() as u128 * 1_000 / began.elapsed().as_millis().max(1);
    let p99 = percentile(&mut times, 99);
    print("SQLite by hand, one connection", &[rate], &p99);
}

async fn one_checkout(conn: &mut SqliteConnection, number: i64) -> Result<(), sqlx::Error> {
    let mut tx = conn.begin().await?;
    let id = uuid::Uuid::now_v7().to_string();
    sqlx::query("INSERT INTO orders VALUES ($1, $2)")
        .bind(&id)
        .bind(vec![7_u8; DOCUMENT])
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
