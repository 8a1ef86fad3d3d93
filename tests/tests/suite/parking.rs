//! Baskets put aside at one till and taken up at another.

use futures_util::future::join_all;
use serde_json::{Value, json};
use tessera_tests::on_each_database;
use tessera_tests::shop::{Answer, Shop};

async fn park(shop: &Shop, key: &str, label: &str, basket: Value) -> Answer {
    let body = json!({ "label": label, "basket": basket });
    shop.post("/v1/baskets", key, body).await
}

async fn waiting(shop: &Shop, key: &str) -> Vec<String> {
    let list = shop.get("/v1/baskets", key).await.ok();
    let list = list["items"].as_array().expect("a list").clone();
    let label = |basket: &Value| basket["label"].as_str().expect("a label").to_owned();
    list.iter().map(label).collect()
}

on_each_database! {
    async fn a_basket_put_aside_is_taken_up_by_one_till_of_its_store(shop) {
        let member = shop.member_with(json!({ "person": { "name": "王芳", "phone": "+8613800000009" } })).await;
        let basket = json!({
            "member": { "phone": "+8613800000009" },
            "lines": [{ "product": "coffee", "quantity": "2" }, { "product": "tea" }],
        });
        let parked = park(&shop, &shop.till, "red jacket", basket).await.ok();
        park(&shop, &shop.till, "table 4", json!({ "lines": [{ "product": "cake" }] })).await.ok();
        assert_eq!(waiting(&shop, &shop.supervisor).await, ["red jacket", "table 4"]);
        assert!(waiting(&shop, &shop.west_till).await.is_empty());
        // Kept by id: no phone number lies about.
        assert_eq!(parked["basket"]["member"], json!({ "id": member }));
        let path = format!("/v1/baskets/{}/recall", parked["id"].as_str().expect("an id"));
        assert_eq!(shop.post(&path, &shop.west_till, json!({})).await.refused(404), "basket_unknown");
        let keys: Vec<String> = (0..16).map(|till| format!("recall-{till}")).collect();
        let tries = join_all(keys.iter().map(|key| shop.post_as(&path, &shop.till, key, json!({})))).await;
        let first = tries.iter().position(|answer| answer.status == 200).expect("one gets it");
        assert_eq!(tries.iter().filter(|answer| answer.status == 200).count(), 1);
        let others = tries.iter().filter(|answer| answer.status != 200);
        assert!(others.clone().all(|answer| answer.body["code"] == "basket_taken"));
        let again = shop.post_as(&path, &shop.till, &keys[first], json!({})).await;
        assert!(again.is_replayed());
        // What comes back is what a quote takes.
        let order = shop.buy(again.ok()["basket"].clone()).await;
        assert_eq!(order["totals"]["total"], 5_200);
        assert_eq!(waiting(&shop, &shop.till).await, ["table 4"]);
        shop.later(8 * 86_400);
        park(&shop, &shop.till, "today", json!({ "lines": [{ "product": "tea" }] })).await.ok();
        assert_eq!(waiting(&shop, &shop.till).await, ["today"]);
        shop.verify().await;
    }

    async fn a_store_puts_two_hundred_baskets_aside_and_no_more(shop) {
        let basket = json!({ "lines": [{ "product": "tea" }] });
        assert_eq!(park(&shop, &shop.till, "", basket.clone()).await.refused(422), "invalid_fields");
        let stranger = json!({ "member": { "id": "nobody" }, "lines": [] });
        assert_eq!(park(&shop, &shop.till, "x", stranger).await.refused(422), "member_unknown");
        let tries = join_all((0..208).map(|_| park(&shop, &shop.till, "x", basket.clone()))).await;
        let mut refused: Vec<_> = tries.into_iter().filter(|answer| answer.status != 201).collect();
        assert_eq!(refused.len(), 8);
        assert_eq!(refused.remove(0).refused(409), "baskets_full");
    }
}
