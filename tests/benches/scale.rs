//! Quotes and commits on a large chain beside those on an empty one, in one run.
//! `cargo bench --bench scale -- sqlite 1000000 1000000`: database, members, orders; without words both databases with
//! 20,000 of each.
//!
//! Members are written by the ledger's bulk statements, as erasure leaves them: without a person. Every order is a
//! recorded sale of the last two years, priced by four rules and committed by the writer like any other. Nothing is
//! asserted but that the books hold at the end.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;
use tessera::checkout::request::{QuoteRequest, RecordedSale};
use tessera::checkout::{self, CheckoutError, CommitRequest, Intent};
use tessera::store::Location;
use tessera_tests::load::{
    basket, furnished, make_members, member, millis, operator, percentile, spread,
};
use tessera_tests::shop::{Database, Shop};

/// Members and orders without words.
const FEW: u64 = 20_000;
/// Members of the empty chain.
const FIRST: u64 = 2_000;
/// Sales under way at once while the chain is filled.
const TILLS: u64 = 64;
/// Quotes and commits of each row with one client.
const SALES: u64 = 3_000;
/// Clients of the last column, and how long they work.
const CLIENTS: u64 = 16;
const SPAN: Duration = Duration::from_secs(5);
const DAYS: i64 = 730;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime starts");
    let words: Vec<String> = std::env::args()
        .skip(1)
        .filter(|word| !word.starts_with('-'))
        .collect();
    let number = |at: usize| {
        let word = words.get(at)?;
        Some(word.parse().expect("a number of members or orders"))
    };
    let (members, orders) = (
        number(1).unwrap_or(FEW).max(FIRST),
        number(2).unwrap_or(FEW),
    );
    for database in [Database::Sqlite, Database::Postgres] {
        let name = format!("{database:?}").to_lowercase();
        if words.first().is_none_or(|word| *word == name) {
            runtime.block_on(compare(database, members, orders));
        }
    }
}

async fn compare(database: Database, members: u64, orders: u64) {
    let shop = Arc::new(furnished(database).await);
    println!(
        "\n{:>34} {:>9} {:>9} {:>9} {:>9} {:>12}",
        format!("{database:?}, milliseconds:"),
        "quote p50",
        "p99",
        "commit",
        "p99",
        "sales/s at 16"
    );
    make_members(&shop, 0, FIRST).await;
    measure(&shop, "an empty chain", FIRST).await;
    let began = Instant::now();
    make_members(&shop, FIRST, members).await;
    let made = began.elapsed();
    let began = Instant::now();
    sell(&shop, members, orders).await;
    let sold = began.elapsed();
    measure(
        &shop,
        &format!("{members} members, {orders} orders"),
        members,
    )
    .await;
    println!(
        "{} members/s, {} orders/s while filling; {} MB in the database",
        u128::from(members) * 1_000 / made.as_millis().max(1),
        u128::from(orders) * 1_000 / sold.as_millis().max(1),
        megabytes(&shop).await
    );
    let began = Instant::now();
    shop.verify_books().await;
    println!("verified in {} s", began.elapsed().as_secs());
}

/// Sells to members of all the chain, in the order of no calendar, as shops that come one after another do.
async fn sell(shop: &Arc<Shop>, members: u64, orders: u64) {
    let next = Arc::new(AtomicU64::new(0));
    let caller = Arc::new(operator());
    let mut tills = Vec::new();
    for _ in 0..TILLS {
        let (shop, next, caller) = (Arc::clone(shop), Arc::clone(&next), Arc::clone(&caller));
        tills.push(tokio::spawn(async move {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= orders {
                    return;
                }
                let days = i64::try_from(number * 7_919 % DAYS.unsigned_abs()).expect("days");
                let at = shop.host.clock.now().plus_seconds(-days * 86_400);
                let sale: RecordedSale = serde_json::from_value(json!({
                    "external_id": format!("filled-{number}"),
                    "occurred_at": chrono::DateTime::from_timestamp_micros(at.0),
                    "sale": basket(&member(spread(number) % members), 1 + (number % 5) as usize),
                }))
                .expect("a sale");
                let intent = Intent {
                    key: sale.external_id.clone(),
                    hash: [0; 32],
                };
                checkout::record(&shop.host, &caller, sale, intent)
                    .await
                    .expect("a recorded sale");
                if number % 100_000 == 99_999 {
                    eprintln!("{} orders", number + 1);
                }
            }
        }));
    }
    for till in tills {
        till.await.expect("a till ends well");
    }
}

async fn measure(shop: &Arc<Shop>, what: &str, members: u64) {
    let (mut quotes, mut commits) = (Vec::new(), Vec::new());
    for number in 0..SALES {
        let (quote, commit) = sale(shop, spread(number) % members).await;
        quotes.push(quote);
        commits.push(commit);
    }
    let next = Arc::new(AtomicU64::new(SALES));
    let until = Instant::now() + SPAN;
    let clients: Vec<_> = (0..CLIENTS)
        .map(|_| {
            let (shop, next) = (Arc::clone(shop), Arc::clone(&next));
            tokio::spawn(async move {
                while Instant::now() < until {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    sale(&shop, spread(number) % members).await;
                }
            })
        })
        .collect();
    for client in clients {
        client.await.expect("a client ends well");
    }
    let sales = next.load(Ordering::Relaxed) - SALES;
    println!(
        "{what:>34} {:>9} {:>9} {:>9} {:>9} {:>12}",
        millis(percentile(&mut quotes, 50)),
        millis(percentile(&mut quotes, 99)),
        millis(percentile(&mut commits, 50)),
        millis(percentile(&mut commits, 99)),
        sales / SPAN.as_secs()
    );
}

/// How long a quote of five lines and its commit take. Where another sale to the same member came between, the till
/// quotes again.
async fn sale(shop: &Shop, number: u64) -> (Duration, Duration) {
    let caller = operator();
    let request: QuoteRequest =
        serde_json::from_value(basket(&member(number), 5)).expect("a request");
    loop {
        let began = Instant::now();
        let quote = checkout::quote(&shop.host, &caller, request.clone())
            .await
            .expect("a quote");
        let quoted = began.elapsed();
        let intent = Intent {
            key: format!("scale/{}", quote.id),
            hash: [0; 32],
        };
        let request = CommitRequest::default();
        match checkout::commit(&shop.host, &caller, &quote.id, request, intent).await {
            Ok(_) => return (quoted, began.elapsed() - quoted),
            Err(CheckoutError::QuoteStale(_)) => {}
            Err(error) => panic!("a commit: {error}"),
        }
    }
}

async fn megabytes(shop: &Shop) -> u64 {
    let bytes = match shop.location() {
        Location::Sqlite(file) => std::fs::metadata(file).map_or(0, |about| about.len()),
        Location::Postgres(url) => {
            let mut conn = <sqlx::PgConnection as sqlx::Connection>::connect(&url)
                .await
                .expect("the server answers");
            let size: i64 = sqlx::query_scalar("SELECT pg_database_size(current_database())")
                .fetch_one(&mut conn)
                .await
                .expect("a size");
            size.unsigned_abs()
        }
    };
    bytes >> 20
}
