//! A store whose rule misbehaves: its sales go on and say so, and nobody else notices.

use std::sync::OnceLock;

use axum::http::Request;
use serde_json::{Value, json};
use tessera_tests::shop::Shop;
use tessera_tests::{components, on_each_database};

use crate::checkout::points;

/// The component of the fixture crate, built once for all tests.
fn hostile() -> &'static [u8] {
    static BYTES: OnceLock<Vec<u8>> = OnceLock::new();
    BYTES.get_or_init(|| components::build_fixture("hostile"))
}

/// A good rule for the chain, and a bad one for the east.
pub async fn infest(shop: &Shop, behaviour: &str, on_fault: &str) -> String {
    let request = Request::post("/v1/plugins")
        .header("authorization", format!("Bearer {}", shop.admin))
        .header("content-type", "application/wasm");
    let bytes = tokio::task::spawn_blocking(hostile)
        .await
        .expect("the fixture builds");
    shop.raw(request.body(bytes.into()).expect("a request"))
        .await
        .ok();
    shop.bind("points-standard", points()).await;
    let east = json!({ "scope": "store:east", "on_fault": on_fault, "priority": 50 });
    shop.bind_with("hostile", json!({ "behaviour": behaviour }), east)
        .await
}

fn cake(member: &str) -> Value {
    json!({ "member": { "id": member }, "lines": [{ "product": "cake" }], "tenders": [{ "kind": "cash" }] })
}

/// Sells in the east and the west, and checks that the good rule answers in both.
async fn goes_on(shop: &Shop, behaviour: &str) {
    let binding = infest(shop, behaviour, "skip").await;
    let member = shop.member().await;
    let order = shop.buy(cake(&member)).await;
    assert_eq!(order["totals"]["points_earned"], 30, "{behaviour}");
    let skipped = &order["skipped"][0];
    assert_eq!(skipped["campaign"]["plugin"], "hostile", "{order}");
    assert_eq!(skipped["campaign"]["binding"], binding);
    let message = skipped["message"].as_str().expect("a reason");
    assert!(message.contains("hostile 0.1.0"), "{message}");
    let west = shop
        .post("/v1/quotes", &shop.west_till, cake(&member))
        .await
        .ok();
    assert_eq!(west["skipped"], json!([]));
    assert_eq!(west["totals"]["points_earned"], 30);
    shop.verify().await;
}

on_each_database! {
    async fn a_rule_that_spins_is_left_out_of_the_sale(shop) {
        goes_on(&shop, "spin").await;
    }

    async fn a_rule_that_panics_is_left_out_of_the_sale(shop) {
        goes_on(&shop, "trap").await;
    }

    async fn a_rule_that_eats_memory_is_left_out_of_the_sale(shop) {
        goes_on(&shop, "eat-memory").await;
    }

    async fn a_rule_that_answers_nonsense_is_left_out_of_the_sale(shop) {
        goes_on(&shop, "negative-points").await;
    }

    async fn a_rule_that_must_answer_stops_the_sale_of_its_store_alone(shop) {
        let binding = infest(&shop, "trap", "refuse-order").await;
        let member = shop.member().await;
        let east = shop.post("/v1/quotes", &shop.till, cake(&member)).await;
        assert!(east.body["detail"].as_str().is_some_and(|detail| detail.contains("hostile")), "{}", east.body);
        assert_eq!(east.refused(409), "rule_refused_order");
        shop.post("/v1/quotes", &shop.west_till, cake(&member)).await.ok();
        // Once the binding has ended, the east sells again.
        let path = format!("/v1/bindings/{binding}");
        shop.send(axum::http::Method::DELETE, &path, &shop.admin, None, None).await.ok();
        shop.buy(cake(&member)).await;
        shop.verify().await;
    }

    async fn a_rule_that_spins_while_it_is_bound_is_not_bound(shop) {
        infest(&shop, "behave", "skip").await;
        let body = json!({ "plugin": "hostile", "scope": "store:east", "config": { "behaviour": "spin-in-check" } });
        let answer = shop.post("/v1/bindings", &shop.admin, body).await;
        assert!(answer.status.is_client_error(), "{}", answer.body);
        let bindings = shop.get("/v1/bindings", &shop.admin).await.ok();
        assert_eq!(bindings.as_array().map(Vec::len), Some(2));
        shop.verify().await;
    }

    async fn what_is_no_component_is_not_installed(shop) {
        for bytes in [&b"not wasm"[..], &hostile()[..1_000], &components::core_module()[..]] {
            let request = Request::post("/v1/plugins")
                .header("authorization", format!("Bearer {}", shop.admin))
                .header("content-type", "application/wasm")
                .body(bytes.to_vec().into()).expect("a request");
            assert_eq!(shop.raw(request).await.refused(422), "plugin_refused");
        }
        shop.verify().await;
    }
}
