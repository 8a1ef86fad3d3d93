//! The loss of a server: two hosts sell on three replicated PostgreSQL servers while the leader is killed, a host is
//! killed, and connections are cut in the middle of a COMMIT. Whatever was acknowledged is there afterwards, once.
//!
//! `TESSERA_FAILOVER_ROUNDS` says how often; once when it is not set, which takes about a minute.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tessera_tests::process::{Running, ask, asked, init_on, run_to_end_on};
use tessera_tests::proxy::{Cut, Proxy};
use tessera_tests::replicated::{self, Replicated};

/// Sellers on each host, every one with a member of his own.
const SELLERS: usize = 3;
const FUNDS: i64 = 1_000_000_000;
const PRICE: i64 = 1_200;
/// A sale without a definite answer after so long is a failure.
const PATIENCE: Duration = Duration::from_secs(90);

/// The hosts as they are now; one that was killed comes back elsewhere.
type Hosts = Arc<[Mutex<SocketAddr>; 2]>;

/// What sellers saw.
#[derive(Default)]
struct Seen {
    /// Idempotency keys of acknowledged sales, with their orders.
    orders: Vec<(String, String)>,
    /// When each was acknowledged.
    at: Vec<Instant>,
    /// Commits answered only at another try.
    tried_again: usize,
    /// Answers other than success, each of them retryable.
    refused: std::collections::BTreeMap<String, usize>,
}

struct Seller {
    hosts: Hosts,
    home: usize,
    key: String,
    member: String,
}

impl Seller {
    /// A request to the host at home, or after a failure to the other one.
    fn ask(&self, tried: usize, path: &str, once: &str, body: &Value) -> Option<(u16, Value)> {
        let host = &self.hosts[(self.home + tried) % 2];
        let address = *host.lock().expect("nobody panicked");
        ask(address, "POST", path, &self.key, once, body)
    }

    fn sell(&self, seen: &Mutex<Seen>) {
        let basket = json!({
            "store": "store-1", "member": { "id": self.member },
            "lines": [{ "product": "tea" }], "tenders": [{ "kind": "stored-value", "amount": PRICE }],
        });
        let once = || uuid::Uuid::now_v7().to_string();
        let Some(quote) = self.insist(seen, |tried| {
            self.ask(tried, "/v1/quotes", &once(), &basket)
        }) else {
            return;
        };
        let key = once();
        let path = format!("/v1/quotes/{}/commit", quote["id"].as_str().expect("an id"));
        // With the quote's request, so that either host can commit it.
        let commit = json!({ "quote": {
            "request": basket, "quoted_at": quote["quoted_at"], "digest": quote["digest"],
        } });
        let order = self.insist(seen, |tried| self.ask(tried, &path, &key, &commit));
        if let Some(order) = order {
            let mut seen = seen.lock().expect("nobody panicked");
            let id = order["id"].as_str().expect("an id").to_owned();
            seen.orders.push((key, id));
            seen.at.push(Instant::now());
        }
    }

    /// Asks until there is a definite answer; nothing where a quote went stale meanwhile.
    fn insist(
        &self,
        seen: &Mutex<Seen>,
        request: impl Fn(usize) -> Option<(u16, Value)>,
    ) -> Option<Value> {
        let begun = Instant::now();
        for tried in 0.. {
            assert!(begun.elapsed() < PATIENCE, "no definite answer");
            match request(tried) {
                Some((201, answer)) => {
                    if tried > 0 {
                        seen.lock().expect("nobody panicked").tried_again += 1;
                    }
                    return Some(answer);
                }
                Some((_, problem)) if problem["code"] == "quote_stale" => return None,
                Some((status, problem)) => {
                    assert_eq!(problem["retryable"], true, "{status} {problem}");
                    let code = problem["code"].as_str().unwrap_or("").to_owned();
                    let mut seen = seen.lock().expect("nobody panicked");
                    *seen.refused.entry(code).or_default() += 1;
                }
                None => {}
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        None
    }
}

/// A chain on the servers with a store, an article and a member for each seller.
fn furnish(data: &Path, database: &str) -> (String, Vec<String>) {
    let key = init_on(data, Some(database));
    let running = Running::start_on(data, database);
    let post = |path: &str, body: Value| asked(running.address, "POST", path, &key, &body);
    post(
        "/v1/products",
        json!({
            "id": "tea", "sku": "tea", "name": "Tea", "category": "drinks", "unit": "piece", "currency": "CNY",
            "price": PRICE, "tax_class": "standard",
        }),
    );
    let points = json!({ "points_per": { "spend": 100, "points": 1 } });
    post(
        "/v1/bindings",
        json!({ "plugin": "points-standard", "config": points }),
    );
    let member = |_| {
        let made = post("/v1/members", json!({ "home_store": "store-1" }));
        let member = made["id"].as_str().expect("an id").to_owned();
        let money = json!({ "store": "store-1", "amount": FUNDS, "tender": { "kind": "cash" } });
        post(&format!("/v1/members/{member}/top-ups"), money);
        member
    };
    let members = (0..2 * SELLERS).map(member).collect();
    (key, members)
}

/// Data folders of two hosts that share the chain's master key.
fn folders(root: &Path) -> [PathBuf; 2] {
    let folders = [root.join("one"), root.join("two")];
    for folder in &folders {
        std::fs::create_dir(folder).expect("a folder for a host");
    }
    folders
}

/// Everything that goes wrong in one round, with sales in between.
fn one_round(
    servers: &mut Replicated,
    proxy: &Proxy,
    running: &mut [Option<Running>; 2],
    restart: impl Fn(usize) -> Running,
) {
    let pause = || std::thread::sleep(Duration::from_secs(3));
    pause();
    proxy.cut_commits(4, Cut::After);
    let begun = Instant::now();
    while proxy.left_to_cut() > 0 && begun.elapsed() < Duration::from_secs(20) {
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(proxy.left_to_cut(), 0, "no commit passed through the proxy");
    pause();
    let lost = servers.kill_leader();
    servers.wait_for_leader_other_than(lost);
    pause();
    servers.start_node(lost);
    servers.wait_for_standby();
    pause();
    if let Some(host) = running[0].take() {
        host.kill();
    }
    pause();
    running[0] = Some(restart(0));
    pause();
}

#[test]
fn nothing_acknowledged_is_lost_with_the_leader_a_host_or_a_connection() {
    if !replicated::is_wanted() {
        eprintln!("etcd and Patroni are not installed: the loss of a server was not tried");
        return;
    }
    let rounds = std::env::var("TESSERA_FAILOVER_ROUNDS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(1);
    let mut servers = Replicated::start();
    let ports = servers.ports();
    let proxy = Proxy::start(move || {
        let leader = ports
            .iter()
            .find(|(_, control)| replicated::is(*control, "/leader"))?;
        Some(SocketAddr::from(([127, 0, 0, 1], leader.0)))
    });
    // Without TLS, so that the proxy sees what passes.
    let database = format!(
        "postgres://tessera@{}/postgres?sslmode=disable",
        proxy.address
    );
    let root = tempfile::tempdir().expect("a folder for the hosts");
    let folders = folders(root.path());
    let (key, members) = furnish(&folders[0], &database);
    let master = tessera::vault::MASTER_KEY_FILE;
    std::fs::copy(folders[0].join(master), folders[1].join(master)).expect("the key is copied");

    let mut running = [0, 1].map(|at| Some(Running::start_on(&folders[at], &database)));
    let address = |at: usize| running[at].as_ref().expect("it runs").address;
    let hosts: Hosts = Arc::new([Mutex::new(address(0)), Mutex::new(address(1))]);
    let (seen, stop) = (
        Arc::new(Mutex::new(Seen::default())),
        Arc::new(AtomicBool::new(false)),
    );
    let sellers: Vec<_> = members
        .iter()
        .enumerate()
        .map(|(at, member)| {
            let seller = Seller {
                hosts: Arc::clone(&hosts),
                home: at % 2,
                key: key.clone(),
                member: member.clone(),
            };
            let (seen, stop) = (Arc::clone(&seen), Arc::clone(&stop));
            std::thread::spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    seller.sell(&seen);
                }
            })
        })
        .collect();
    for _ in 0..rounds {
        one_round(&mut servers, &proxy, &mut running, |at| {
            let host = Running::start_on(&folders[at], &database);
            *hosts[at].lock().expect("nobody panicked") = host.address;
            host
        });
    }
    stop.store(true, Ordering::Relaxed);
    for seller in sellers {
        seller.join().expect("every seller got definite answers");
    }
    let seen = Arc::try_unwrap(seen)
        .ok()
        .expect("all have ended")
        .into_inner();
    let seen = seen.expect("nobody panicked");
    let address = running[1].as_ref().expect("it runs").address;
    every_sale_is_there_once(&seen, address, &key, &members);
    drop(running);
    let (clean, said) = run_to_end_on(&["verify", "--evaluations"], &folders[0], Some(&database));
    assert!(clean, "{said}");
    let mut at = seen.at.clone();
    at.sort_unstable();
    let gap = at.windows(2).map(|two| two[1] - two[0]).max();
    println!(
        "{} sales acknowledged, {} only at another try, refused meanwhile {:?}, longest gap {:.1?}",
        seen.orders.len(),
        seen.tried_again,
        seen.refused,
        gap.unwrap_or_default()
    );
}

/// Each key tells the order that was acknowledged, and the members paid for just these.
fn every_sale_is_there_once(seen: &Seen, host: SocketAddr, key: &str, members: &[String]) {
    assert!(seen.orders.len() > 50, "only {} sales", seen.orders.len());
    let get = |path: String| asked(host, "GET", &path, key, &json!({}));
    for (once, order) in &seen.orders {
        let outcome = get(format!("/v1/operations/{once}"));
        assert_eq!(outcome["subject"]["id"], *order, "{outcome}");
    }
    let mut spent = 0;
    for member in members {
        let accounts = get(format!("/v1/members/{member}/accounts"));
        let accounts = accounts.as_array().expect("a list");
        let principal = accounts.iter().find(|one| one["name"] == "principal");
        spent += FUNDS
            - principal.expect("an account")["balance"]
                .as_i64()
                .expect("a number");
    }
    let sold = i64::try_from(seen.orders.len()).expect("few enough") * PRICE;
    assert_eq!(
        spent, sold,
        "money left for a sale nobody was told of, or twice for one"
    );
}
