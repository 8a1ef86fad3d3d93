//! What a till waits for: quotes and whole checkouts over HTTP on loopback. `cargo bench --bench till`
//!
//! Both databases are measured in one run, with the load generator on the same cores; commits alone are measured by the
//! bench `commit`. Nothing is asserted.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tessera_tests::load::{Client, basket, furnished, millis, percentile, serve};
use tessera_tests::shop::{Database, Shop};

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
        // `-- sqlite`, `-- postgres checkouts`: only that database, only that part.
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
        }
    });
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Work {
    Quote,
    Checkout,
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
    let per_second = u128::from(counted.load(Ordering::Relaxed)) * 1_000 / seconds;
    println!(
        "{clients:>8} {per_second:>10} {:>10} {:>10}",
        millis(percentile(&mut times, 50)),
        millis(percentile(&mut times, 99))
    );
}
