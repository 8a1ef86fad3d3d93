//! Several hosts of one chain on one database: one of them runs the jobs.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tessera::domain::ledger::{Command, Refusal, Subject};
use tessera::store::{Db, Location};
use tessera::vault::MASTER_KEY_FILE;
use tessera_tests::components::{first_party, with_manifest};
use tessera_tests::process::{Running, asked, init_on, run_to_end_on, sell_tea};
use tessera_tests::{on_each_database, postgres};

/// Longer than tests let a host be silent before its lease is taken over.
const SILENCE: Duration = Duration::from_millis(1_200);

/// The database checks nobody's password here; the host checks the database's certificate.
#[tokio::test]
async fn a_host_trusts_a_database_only_by_its_certificate() {
    if !postgres::is_wanted() {
        return;
    }
    let local = postgres::cluster().create_database().await;
    let name = local.rsplit('/').next().expect("a name");
    let Some((url, authority)) = postgres::cluster().url_over_tls(name) else {
        eprintln!("openssl is not installed: TLS to the database was not tried");
        return;
    };
    let open = |url: String| async move { Db::open(&Location::Postgres(url), 1).await };
    let Err(error) = open(url.clone()).await else {
        panic!("a certificate nobody vouches for was trusted");
    };
    let said = format!("{:#}", anyhow::Error::from(error));
    assert!(said.to_lowercase().contains("certificate"), "{said}");
    let trusted = format!("{url}&sslrootcert={}", authority.display());
    let db = open(trusted).await.expect("the certificate is vouched for");
    db.read().await.expect("it answers");
    db.close().await;
}

/// Each host compiles for itself; what one of them was given, all have.
#[tokio::test(flavor = "multi_thread")]
async fn a_rule_only_one_host_was_given_decides_at_the_other() {
    if !postgres::is_wanted() {
        return;
    }
    let url = postgres::cluster().create_database().await;
    let root = tempfile::tempdir().expect("a folder for the hosts");
    let folders = ["one", "two"].map(|name| root.path().join(name));
    for folder in &folders {
        std::fs::create_dir(folder).expect("a folder for a host");
    }
    let key = init_on(&folders[0], Some(&url));
    std::fs::copy(
        folders[0].join(MASTER_KEY_FILE),
        folders[1].join(MASTER_KEY_FILE),
    )
    .expect("the key is copied");
    let hosts = [0, 1].map(|at| Running::start_on(&folders[at], &url));
    let rule = with_manifest(first_party("points-standard"), |manifest| {
        manifest["name"] = json!("our-points");
    });
    let file = root.path().join("our-points.wasm");
    std::fs::write(&file, rule).expect("a component");
    let install = ["plugin", "install", file.to_str().expect("a plain path")];
    let (installed, said) = run_to_end_on(&install, &folders[0], Some(&url));
    assert!(installed, "{said}");
    let post = |path: &str, body: Value| asked(hosts[0].address, "POST", path, &key, &body);
    sell_tea(hosts[0].address, &key);
    let config = json!({ "points_per": { "spend": 100, "points": 1 } });
    post(
        "/v1/bindings",
        json!({ "plugin": "our-points", "config": config }),
    );
    let member = post("/v1/members", json!({ "home_store": "store-1" }));
    let basket = json!({
        "store": "store-1", "member": { "id": member["id"] }, "lines": [{ "product": "tea" }],
        "tenders": [{ "kind": "cash" }],
    });
    let there = |path: &str, body: &Value| asked(hosts[1].address, "POST", path, &key, body);
    let begun = Instant::now();
    let quote = loop {
        let quote = there("/v1/quotes", &basket);
        if quote["totals"]["points_earned"] == 12 {
            break quote;
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "{quote}");
        std::thread::sleep(Duration::from_millis(100));
    };
    let quote = quote["id"].as_str().expect("an id");
    there(&format!("/v1/quotes/{quote}/commit"), &json!({}));
    let verify = ["verify", "--evaluations"];
    let (held, said) = run_to_end_on(&verify, &folders[1], Some(&url));
    assert!(held, "{said}");
}

on_each_database! {
    // The first attempt may still be on its way when another host is asked and finds the quote stale; the till then sells
    // the basket anew.
    async fn a_quote_given_up_at_one_host_is_not_sold_at_the_other_under_the_same_key(shop) {
        let Some(other) = shop.second_host().await else { return };
        let basket = json!({ "lines": [{ "product": "coffee" }], "tenders": [{ "kind": "cash" }] });
        let request = json!({ "store": "east", "lines": [{ "product": "coffee" }], "tenders": [{ "kind": "cash" }] });
        let path = |quote: &Value| format!("/v1/quotes/{}/commit", quote["id"].as_str().expect("an id"));
        let elsewhere = |quote: &Value, digest: &Value| json!({
            "quote": { "request": request, "quoted_at": quote["quoted_at"], "digest": digest },
        });
        let nonsense = json!("0".repeat(64));
        let quote = shop.quote(basket.clone()).await;
        let (place, changed) = (path(&quote), elsewhere(&quote, &nonsense));
        assert_eq!(other.post_as(&place, &shop.till, "once", changed.clone()).await.refused(409), "quote_stale");
        let late = shop.post_as(&place, &shop.till, "once", json!({})).await;
        assert_eq!(late.refused(409), "quote_stale");
        assert_eq!(shop.orders().await, 0);
        // Where the first attempt was faster its order is the answer, with the request or without it.
        let quote = shop.quote(basket).await;
        let place = path(&quote);
        let (sold, there) = tokio::join!(
            shop.post_as(&place, &shop.till, "twice", json!({})),
            other.post_as(&place, &shop.till, "twice", elsewhere(&quote, &quote["digest"])),
        );
        assert_eq!(sold.ok()["id"], there.ok()["id"]);
        let again = other.post_as(&place, &shop.till, "twice", elsewhere(&quote, &nonsense)).await;
        assert!(again.is_replayed());
        let another = other.post_as(&place, &shop.till, "third", elsewhere(&quote, &nonsense)).await;
        assert_eq!(another.refused(409), "quote_committed");
        assert_eq!(shop.orders().await, 1);
        shop.verify().await;
    }

    async fn one_host_runs_the_jobs_and_another_takes_over_when_it_falls_silent(shop) {
        let Some(other) = shop.second_host().await else { return };
        let member = shop.member().await;
        shop.top_up(&member, 2_000, 0).await;
        let settled = |host: std::sync::Arc<tessera::host::Host>| async move {
            tessera::jobs::run_once(&host).await.expect("jobs run")
        };
        settled(shop.host.clone()).await;
        let basket = json!({
            "member": { "id": member }, "lines": [{ "product": "coffee" }],
            "tenders": [{ "kind": "stored-value", "amount": 1_500 }, { "kind": "cash" }],
        });
        let quote = shop.quote(basket).await;
        let path = format!("/v1/quotes/{}/hold", quote["id"].as_str().expect("an id"));
        shop.post(&path, &shop.till, json!({})).await.ok();
        shop.later(601);
        other.later(601);
        // While the first host lives the other one leaves the hold alone, however often it looks.
        assert_eq!(settled(other.host.clone()).await, 0);
        tokio::time::sleep(SILENCE).await;
        assert_eq!(settled(other.host.clone()).await, 1);
        assert_eq!(settled(shop.host.clone()).await, 0);
        let taken = shop.events().await;
        assert_eq!(taken.iter().filter(|kind| *kind == "jobs.taken").count(), 2);
        shop.verify().await;
    }

    // As if it had been stopped between taking a decision and writing it down.
    async fn a_host_that_slept_through_a_takeover_writes_nothing_more(shop) {
        let Some(other) = shop.second_host().await else { return };
        let place = shop.host.snapshots.current().expect("a chain");
        let now = shop.host.clock.now();
        let day = place.places().next().expect("a store").day(now);
        let shown = shop.host.lease.hold(&shop.host, day).await.expect("it answers").expect("it holds");
        assert!(other.host.lease.hold(&other.host, day).await.expect("it answers").is_none());
        tokio::time::sleep(SILENCE).await;
        assert!(other.host.lease.hold(&other.host, day).await.expect("it answers").is_some());
        let mut late = Command::new("expiry", Subject::new("member", "anybody"), now, day);
        late.steps.push(shown);
        let refused = shop.host.writer.submit_bulk(late).await;
        assert_eq!(refused, Err(Refusal::LeaseLost { lease: "jobs".to_owned() }));
        assert!(shop.host.lease.hold(&shop.host, day).await.expect("it answers").is_none());
    }
}
