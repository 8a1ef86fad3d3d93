//! From nothing to the first quote, and what the idle process holds: a host with ten plugins, each bound, started with
//! an empty and with a warm cache of compiled code. `cargo bench --bench start`
//!
//! Nothing is asserted but that the quotes are answered.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tessera_tests::components::{first_party, with_manifest};
use tessera_tests::process::{Running, asked, init, run};

/// How often each start is measured.
const ROUNDS: usize = 5;
/// First-party plugins with the configuration they are bound with; each runs a second time under another name.
const PLUGINS: [(&str, &str); 5] = [
    (
        "points-standard",
        r#"{"points_per":{"spend":100,"points":1}}"#,
    ),
    (
        "tier-standard",
        r#"{"tiers":[{"code":"gold","name":"Gold","threshold":100000}]}"#,
    ),
    (
        "referral-standard",
        r#"{"referrer_points":100,"referee_points":50}"#,
    ),
    (
        "promo-standard",
        r#"{"discount":{"percent":{"rate":"10%","on":"order"}}}"#,
    ),
    ("stamp-card", r#"{"every":10,"goods":{"tags":["stamp"]}}"#),
];

fn main() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path();
    let key = furnish(data);
    println!(
        "{:>28} {:>12} {:>14}",
        "ten plugins", "listening ms", "first quote ms"
    );
    let mut memory = Vec::new();
    for warm in [false, true] {
        let mut listening = Vec::new();
        let mut quoted = Vec::new();
        for _ in 0..ROUNDS {
            if !warm {
                std::fs::remove_dir_all(data.join("compiled")).expect("the cache is removed");
            }
            let began = Instant::now();
            let running = Running::start(data);
            listening.push(began.elapsed());
            quote(&running, &key);
            quoted.push(began.elapsed());
            std::thread::sleep(Duration::from_millis(500));
            memory.extend(running.resident_kb().filter(|_| warm));
        }
        let name = if warm {
            "warm cache"
        } else {
            "everything compiled anew"
        };
        println!(
            "{name:>28} {:>12} {:>14}",
            median(listening).as_millis(),
            median(quoted).as_millis()
        );
    }
    memory.sort_unstable();
    match memory.get(memory.len() / 2) {
        Some(kb) => println!("resident when idle: {} MB", kb / 1024),
        None => println!("resident when idle: this system does not tell"),
    }
}

/// A chain with ten plugins, all bound, and an article; answers the administrator's key.
fn furnish(data: &Path) -> String {
    let key = init(data);
    let copies = tempfile::tempdir().expect("a folder");
    for (name, config) in PLUGINS {
        let copy = format!("{name}-too");
        let file = copies.path().join(format!("{copy}.wasm"));
        let bytes = with_manifest(first_party(name), |manifest| {
            manifest["name"] = json!(copy);
        });
        std::fs::write(&file, bytes).expect("the copy is written");
        let file = file.to_str().expect("a plain path");
        run(&["plugin", "install", file], data);
        for plugin in [name, &copy] {
            run(&["binding", "add", plugin, "--with", config], data);
        }
    }
    let running = Running::start(data);
    let tea = json!({
        "id": "tea", "sku": "tea", "name": "Tea", "category": "drinks", "unit": "piece", "currency": "CNY",
        "price": 1_200, "tax_class": "standard",
    });
    asked(running.address, "POST", "/v1/products", &key, &tea);
    key
}

fn quote(running: &Running, key: &str) {
    let basket = json!({ "store": "store-1", "lines": [{ "product": "tea" }] });
    let quote: Value = asked(running.address, "POST", "/v1/quotes", key, &basket);
    // Ten percent, and ten percent of the rest.
    assert_eq!(quote["totals"]["discount"], 228, "{quote}");
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}
