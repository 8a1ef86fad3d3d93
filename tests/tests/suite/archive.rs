//! What rules were told and answered for old orders, in a file instead of the database.

use axum::http::StatusCode;
use serde_json::json;
use tessera::clock::day_of;
use tessera::domain::time::Day;
use tessera::store::transfer::{TransferError, archive, examine};
use tessera_tests::on_each_database;
use tessera_tests::process::{Running, asked, init, run, run_to_end};
use tessera_tests::shop::Shop;

use crate::migrate::{copied_folder, live, quietly};

fn day(text: &str) -> Day {
    text.parse().map(day_of).expect("a date")
}

on_each_database! {
    // Everything of Monday goes; Wednesday's sale stays. Nothing a till or a member sees changes.
    async fn archived_evaluations_run_again_from_their_file_and_cost_the_till_nothing(shop) {
        let life = live(&shop).await;
        let engine = |shop: &Shop| shop.host.catalog.engine().clone();
        let all = tessera::audit::reexecute(&shop.host.db, &engine(&shop)).await.expect("they run");
        let before = life.seen(&shop).await;
        let stopped = shop.stop().await;
        let file = stopped.folder.path().join("2026.archive");
        let taken = archive(&stopped.location, &file, day("2026-03-03"), None, 1, &mut quietly()).await;
        let taken = taken.expect("it is archived");
        assert_eq!(taken.evaluations, all.evaluations);
        // Three orders and a claim, and whatever occasions rules were asked about; the refund asked none.
        assert!(taken.facts >= 4, "{taken:?}");
        // Once more, as after an interruption: the file is whole, what is out stays out.
        let again = archive(&stopped.location, &file, day("2026-03-03"), None, 1, &mut quietly()).await;
        assert_eq!(again.expect("it is ended"), taken);
        let other = archive(&stopped.location, &file, day("2026-03-02"), None, 1, &mut quietly()).await;
        assert!(matches!(other, Err(TransferError::OtherDay { .. })), "{other:?}");
        assert!(matches!(examine(&file, "backup", None), Err(TransferError::OtherKind { .. })));

        let folder = copied_folder(stopped.folder.path());
        let shop = Shop::open_at(&stopped, folder, stopped.location.clone()).await;
        let path = format!("/v1/orders/{}/evaluations", life.sale());
        let gone = shop.get(&path, &shop.admin).await;
        assert!(gone.body["detail"].as_str().is_some_and(|text| text.contains("2026.archive")), "{}", gone.body);
        assert_eq!(gone.refused(StatusCode::GONE.as_u16()), "evaluations_archived");
        let left = tessera::audit::reexecute(&shop.host.db, &engine(&shop)).await.expect("they run");
        assert_eq!((left.evaluations, left.differing), (0, 0));
        let there = tessera::audit::reexecute_archive(&shop.host.db, &engine(&shop), &file).await;
        let there = there.expect("they run");
        assert_eq!(there.evaluations, all.evaluations);
        assert_eq!(there.differing, 0, "{there:#?}");
        assert_eq!(life.seen(&shop).await, before);
        life.go_on(&shop).await;
        let later = shop.buy(json!({ "lines": [{ "product": "tea" }] })).await;
        let path = format!("/v1/orders/{}/evaluations", later["id"].as_str().expect("an id"));
        shop.get(&path, &shop.admin).await.ok();
    }
}

#[test]
fn the_command_refuses_what_can_still_be_claimed_and_a_chain_in_use() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let data = folder.path().join("chain");
    std::fs::create_dir(&data).expect("a folder for the test");
    let key = init(&data);
    let running = Running::start(&data);
    let product = json!({
        "id": "tea", "sku": "tea", "name": "Tea", "category": "drinks", "unit": "piece", "currency": "CNY",
        "price": 1_200, "tax_class": "standard",
    });
    asked(running.address, "POST", "/v1/products", &key, &product);
    let sale = json!({
        "external_id": "old-1", "occurred_at": "2024-05-01T10:00:00+08:00",
        "sale": { "store": "store-1", "lines": [{ "product": "tea" }], "tenders": [{ "kind": "cash" }] },
    });
    asked(running.address, "POST", "/v1/orders", &key, &sale);
    let file = folder.path().join("2024.archive").display().to_string();
    let (succeeded, said) = run_to_end(&["archive", "--before", "2025-01-01", &file], &data);
    assert!(!succeeded && said.contains("is being served"), "{said}");
    running.kill();
    let (succeeded, said) = run_to_end(&["archive", "--before", "2999-01-01", &file], &data);
    assert!(!succeeded && said.contains("name a day up to"), "{said}");
    let said = run(&["archive", "--before", "2025-01-01", &file], &data);
    assert!(said.contains("the facts of 1 orders"), "{said}");
    run(&["verify", "--evaluations", "--archive", &file], &data);
}
