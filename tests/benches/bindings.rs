//! What a quote costs with more bindings and more lines. `cargo bench --bench bindings`
//!
//! One quote at a time through the router, without a network, on SQLite. Three shops for each number of bindings: all of
//! them answer; all but four are about other goods; all but four are not live today. Nothing is asserted.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tessera_tests::shop::{Database, Shop};

const BINDINGS: [usize; 5] = [1, 4, 16, 64, 256];
const LINES: [usize; 5] = [1, 10, 50, 100, 500];
/// Bindings that matter where the others are left out.
const LIVE: usize = 4;
const GOODS: [&str; 4] = ["coffee", "tea", "cake", "apples"];
/// Each row is measured for so long, and at least so often.
const SPAN: Duration = Duration::from_secs(2);
const LEAST: usize = 20;

#[derive(Debug, Clone, Copy)]
enum Others {
    Answer,
    OtherGoods,
    NotToday,
}

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime starts");
    runtime.block_on(async {
        println!("ms per quote, one at a time, a member with history, ten lines");
        head("bindings");
        for others in [Others::Answer, Others::OtherGoods, Others::NotToday] {
            println!("{others:?}");
            for count in BINDINGS {
                let (shop, member) = furnished(count, others).await;
                row(count, &measured(&shop, &member, 10).await);
            }
        }
        println!("\nms per quote, four bindings that answer");
        head("lines");
        let (shop, member) = furnished(LIVE, Others::Answer).await;
        for lines in LINES {
            row(lines, &measured(&shop, &member, lines).await);
        }
    });
}

fn head(what: &str) {
    println!("{what:>10} {:>10} {:>10} {:>10}", "p50", "p99", "quotes");
}

fn row(count: usize, times: &[Duration]) {
    let at = |percent: usize| {
        let micros = times[(times.len() - 1) * percent / 100].as_micros();
        format!("{}.{:03}", micros / 1_000, micros % 1_000)
    };
    println!(
        "{count:>10} {:>10} {:>10} {:>10}",
        at(50),
        at(99),
        times.len()
    );
}

/// A shop with so many promotions and a member who bought before.
async fn furnished(bindings: usize, others: Others) -> (Shop, String) {
    let shop = Shop::open(Database::Sqlite).await;
    for at in 0..bindings {
        let mut config = json!({
            "discount": { "percent": { "rate": "1%" } }, "goods": { "categories": ["drinks"] },
        });
        let mut more = json!({});
        match others {
            _ if at < LIVE => {}
            Others::Answer => {}
            Others::OtherGoods => config["goods"] = json!({ "categories": [format!("hall-{at}")] }),
            Others::NotToday => more["schedule"] = json!({ "from": "2027-01-01" }),
        }
        shop.bind_with("promo-standard", config, more).await;
    }
    let member = shop.member().await;
    shop.buy(request(&member, 10)).await;
    (shop, member)
}

fn request(member: &str, lines: usize) -> Value {
    let lines: Vec<Value> = (0..lines)
        .map(|at| json!({ "product": GOODS[at % GOODS.len()], "quantity": "2" }))
        .collect();
    json!({ "member": { "id": member }, "lines": lines, "tenders": [{ "kind": "cash" }] })
}

/// Sorted times of quotes.
async fn measured(shop: &Shop, member: &str, lines: usize) -> Vec<Duration> {
    let request = request(member, lines);
    for _ in 0..3 {
        shop.quote(request.clone()).await;
    }
    let (begin, mut times) = (Instant::now(), Vec::new());
    while times.len() < LEAST || begin.elapsed() < SPAN {
        let start = Instant::now();
        shop.quote(request.clone()).await;
        times.push(start.elapsed());
    }
    times.sort_unstable();
    times
}
