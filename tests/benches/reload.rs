//! What a change of the configuration costs the tills: whole checkouts at eight tills while the watched folder stays
//! as it is, and while it changes every second, in turns. `cargo bench --bench reload`
//!
//! `-- sqlite` or `-- postgres` measures one database, `TESSERA_BENCH_SECONDS` says how long each row takes. Nothing is
//! asserted but that no sale fails.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tessera::declaration::watch;
use tessera_tests::shop::{Database, Shop};

const TILLS: usize = 8;
const ROUNDS: usize = 3;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime starts");
    let seconds = std::env::var("TESSERA_BENCH_SECONDS").ok();
    let span = Duration::from_secs(seconds.and_then(|text| text.parse().ok()).unwrap_or(10));
    let only = std::env::args()
        .nth(1)
        .filter(|word| !word.starts_with('-'));
    for database in [Database::Sqlite, Database::Postgres] {
        let name = format!("{database:?}").to_lowercase();
        if only.as_ref().is_none_or(|only| *only == name) {
            runtime.block_on(measure(database, span));
        }
    }
}

async fn measure(database: Database, span: Duration) {
    let shop = Arc::new(Shop::open(database).await);
    let folder = tempfile::tempdir().expect("a folder");
    declare(folder.path(), 0);
    let watching = watch::start(&shop.host, folder.path())
        .await
        .expect("the folder is watched");
    println!("\n{database:?}: {TILLS} tills, quotes of three lines, each committed");
    println!(
        "{:>12} {:>10} {:>12} {:>12} {:>12} {:>8} {:>8}",
        "folder", "sales/s", "quote p50", "quote p99", "commit p99", "reloads", "failed"
    );
    for _ in 0..ROUNDS {
        row(&shop, "still", span, None).await;
        row(&shop, "each second", span, Some(folder.path())).await;
    }
    watching.abort();
}

/// Twenty promotions, of which one changes.
fn declare(folder: &Path, change: usize) {
    let mut text = String::new();
    for number in 0..20 {
        let off = if number == 0 {
            10 + change % 50
        } else {
            100 + number
        };
        text.push_str(&format!(
            "[[binding]]\nname = \"p{number}\"\nplugin = \"promo-standard\"\ngroup = \"one\"\n\
             config = {{ discount = {{ amount = {{ off = {off} }} }} }}\n"
        ));
    }
    std::fs::write(folder.join("rules.toml"), text).expect("the file is written");
}

#[derive(Default)]
struct Times {
    quotes: Vec<Duration>,
    commits: Vec<Duration>,
    failed: usize,
}

async fn revision(shop: &Shop) -> i64 {
    let now = shop.get("/v1/configuration", &shop.admin).await.ok();
    now["revision"]["number"].as_i64().unwrap_or(0)
}

async fn row(shop: &Arc<Shop>, name: &str, span: Duration, changing: Option<&Path>) {
    let before = revision(shop).await;
    let until = Instant::now() + span;
    let tills: Vec<_> = (0..TILLS)
        .map(|_| tokio::spawn(sell(Arc::clone(shop), until)))
        .collect();
    let mut change = usize::try_from(before).unwrap_or(0);
    while let Some(folder) = changing.filter(|_| Instant::now() < until) {
        change += 1;
        declare(folder, change);
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    let mut all = Times::default();
    for till in tills {
        let times = till.await.expect("a till ends well");
        all.quotes.extend(times.quotes);
        all.commits.extend(times.commits);
        all.failed += times.failed;
    }
    let per_second = all.commits.len() as u128 * 1_000 / span.as_millis().max(1);
    println!(
        "{name:>12} {per_second:>10} {:>12} {:>12} {:>12} {:>8} {:>8}",
        share(&mut all.quotes, 50),
        share(&mut all.quotes, 99),
        share(&mut all.commits, 99),
        revision(shop).await - before,
        all.failed
    );
    assert_eq!(all.failed, 0, "sales failed");
}

async fn sell(shop: Arc<Shop>, until: Instant) -> Times {
    let basket = json!({
        "lines": [{ "sku": "coffee" }, { "sku": "tea" }, { "sku": "cake" }], "tenders": [{ "kind": "cash" }],
    });
    let mut times = Times::default();
    while Instant::now() < until {
        let began = Instant::now();
        let quote = shop.post("/v1/quotes", &shop.till, basket.clone()).await;
        times.quotes.push(began.elapsed());
        let Some(id) = quote.body["id"]
            .as_str()
            .filter(|_| quote.status.is_success())
        else {
            times.failed += 1;
            continue;
        };
        let began = Instant::now();
        let order = shop.commit(id).await;
        times.commits.push(began.elapsed());
        times.failed += usize::from(!order.status.is_success() || order.body["id"] == Value::Null);
    }
    times
}

/// A percentile in milliseconds.
fn share(times: &mut [Duration], percent: usize) -> String {
    times.sort();
    let time = times
        .get(times.len() * percent / 100)
        .copied()
        .unwrap_or_default();
    format!(
        "{}.{:02} ms",
        time.as_millis(),
        time.as_micros() % 1_000 / 10
    )
}
