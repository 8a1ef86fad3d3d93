//! The whole process killed in the middle of its work: whatever it acknowledged is there afterwards, once.
//!
//! `TESSERA_KILL_ROUNDS` says how often; three rounds when it is not set.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tessera_tests::process::{Running, ask, asked, init, run, sell_tea};

const CLIENTS: usize = 4;

/// Sales by idempotency key: the order where one was acknowledged.
type Sales = Arc<Mutex<Vec<(String, Option<String>)>>>;

/// Sells until the connection breaks or it is told to stop.
fn sell(address: SocketAddr, key: &str, member: &str, sales: &Sales, stop: &AtomicBool) {
    let basket = json!({
        "store": "store-1", "member": { "id": member },
        "lines": [{ "product": "tea" }], "tenders": [{ "kind": "stored-value", "amount": 1_200 }],
    });
    while !stop.load(Ordering::Relaxed) {
        let once = uuid::Uuid::now_v7().to_string();
        let Some((201, quote)) = ask(address, "POST", "/v1/quotes", key, &once, &basket) else {
            return;
        };
        let path = format!("/v1/quotes/{}/commit", quote["id"].as_str().expect("an id"));
        let answer = ask(address, "POST", &path, key, &once, &json!({}));
        let order = match answer {
            Some((201, order)) => Some(order["id"].as_str().expect("an id").to_owned()),
            Some((status, problem)) => panic!("{status} {problem}"),
            None => None,
        };
        sales
            .lock()
            .expect("no seller panicked")
            .push((once, order));
    }
}

/// Makes a chain, its goods and a member with plenty of stored value; answers the administrator's key and the member.
fn furnish(data: &Path) -> (String, String) {
    let key = init(data);
    let running = Running::start(data);
    let post = |path: &str, body: Value| asked(running.address, "POST", path, &key, &body);
    sell_tea(running.address, &key);
    post(
        "/v1/bindings",
        json!({
            "plugin": "points-standard", "config": { "points_per": { "spend": 100, "points": 1 } },
        }),
    );
    let member = post("/v1/members", json!({ "home_store": "store-1" }))["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    let money =
        json!({ "store": "store-1", "amount": 1_000_000_000, "tender": { "kind": "cash" } });
    post(&format!("/v1/members/{member}/top-ups"), money);
    (key, member)
}

/// Sells with several clients, kills the host under them, and answers what they were told.
fn one_round(data: &Path, key: &str, member: &str, round: u64) -> Vec<(String, Option<String>)> {
    let running = Running::start(data);
    let sales = Sales::default();
    let stop = Arc::new(AtomicBool::new(false));
    let clients: Vec<_> = (0..CLIENTS)
        .map(|_| {
            let (sales, stop, address) = (Arc::clone(&sales), Arc::clone(&stop), running.address);
            let (key, member) = (key.to_owned(), member.to_owned());
            std::thread::spawn(move || sell(address, &key, &member, &sales, &stop))
        })
        .collect();
    // Another moment of the work each round.
    std::thread::sleep(Duration::from_millis(300 + round * 37 % 400));
    running.kill();
    stop.store(true, Ordering::Relaxed);
    for client in clients {
        client.join().expect("no client was refused");
    }
    let mut sales = sales.lock().expect("no seller panicked");
    std::mem::take(&mut *sales)
}

#[test]
fn whatever_a_killed_host_acknowledged_is_there_once() {
    let rounds = std::env::var("TESSERA_KILL_ROUNDS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(3);
    let folder = tempfile::tempdir().expect("a folder for the test");
    let data = folder.path().join("chain");
    std::fs::create_dir(&data).expect("a folder for the test");
    let (key, member) = furnish(&data);
    let (mut acknowledged, mut unanswered, mut done) = (0_u64, 0_u64, 0_i64);
    for round in 0..rounds {
        let sales = one_round(&data, &key, &member, round);
        let running = Running::start(&data);
        for (once, order) in sales {
            let path = format!("/v1/operations/{once}");
            let (status, outcome) =
                ask(running.address, "GET", &path, &key, &once, &json!({})).expect("it answers");
            match order {
                Some(order) => {
                    acknowledged += 1;
                    assert_eq!(outcome["subject"]["id"], *order, "{outcome}");
                    asked(
                        running.address,
                        "GET",
                        &format!("/v1/orders/{order}"),
                        &key,
                        &json!({}),
                    );
                }
                None => unanswered += 1,
            }
            done += i64::from(status == 200);
        }
        // Once: every sale known by its key took 12.00, and nothing else did.
        let path = format!("/v1/members/{member}/accounts");
        let accounts = asked(running.address, "GET", &path, &key, &json!({}));
        let principal = accounts
            .as_array()
            .expect("a list")
            .iter()
            .find(|account| account["name"] == "principal");
        assert_eq!(
            principal.expect("an account")["balance"],
            1_000_000_000 - 1_200 * done
        );
        running.kill();
        run(&["verify", "--evaluations"], &data);
    }
    assert!(
        acknowledged > 0,
        "no sale was acknowledged before the host was killed; {unanswered} were not"
    );
}
