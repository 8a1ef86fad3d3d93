//! Coupons over their life: issued, given away, used, given back, voided, and the partners' own codes.

use futures_util::future::join_all;
use serde_json::{Value, json};
use tessera_tests::on_each_database;
use tessera_tests::shop::{Answer, Shop};

/// Five off, for whoever has a code; answers the binding.
async fn five_off(shop: &Shop) -> String {
    let code = json!({ "discount": { "amount": { "off": 500 } }, "trigger": "code" });
    shop.bind_with("promo-standard", code, json!({ "stage": "coupons" }))
        .await
}

async fn issue(shop: &Shop, binding: &str, code: &str, more: Value) {
    let mut body = json!({ "binding": binding, "codes": [code] });
    for (key, value) in more.as_object().expect("fields") {
        body[key] = value.clone();
    }
    shop.post("/v1/coupons", &shop.admin, body).await.ok();
}

async fn give(shop: &Shop, code: &str, from: &str, to: &str) -> Answer {
    let body = json!({ "from": { "id": from }, "to": { "id": to } });
    shop.post(&format!("/v1/coupons/{code}/transfer"), &shop.till, body)
        .await
}

async fn void(shop: &Shop, key: &str, code: &str) -> Answer {
    let body = json!({ "reason": "printed twice" });
    shop.post(&format!("/v1/coupons/{code}/void"), key, body)
        .await
}

/// What happened to a coupon, and to whom.
async fn history(shop: &Shop, code: &str) -> Vec<(String, Value)> {
    let page = shop
        .get(&format!("/v1/coupons/{code}/history"), &shop.till)
        .await
        .ok();
    let items = page["items"].as_array().expect("a list").clone();
    let one = |item: &Value| {
        (
            item["state"].as_str().expect("a state").to_owned(),
            item["member"].clone(),
        )
    };
    items.iter().map(one).collect()
}

fn coffee(member: &str, code: &str) -> Value {
    json!({
        "member": { "id": member }, "lines": [{ "product": "coffee" }], "codes": [code], "tenders": [{ "kind": "cash" }],
    })
}

on_each_database! {
    async fn a_coupon_tells_what_happened_to_it_from_its_issue_to_its_end(shop) {
        let binding = five_off(&shop).await;
        let (anna, ben) = (shop.member().await, shop.member().await);
        issue(&shop, &binding, "GIFT", json!({ "holder": anna, "transferable": true })).await;
        give(&shop, "gift", &anna, &ben).await.ok();
        let refused = shop.quote(coffee(&anna, "GIFT")).await;
        assert_eq!(refused["totals"]["total"], 2_000, "it is no longer hers");
        let order = shop.buy(coffee(&ben, "GIFT")).await;
        assert_eq!(order["totals"]["total"], 1_500);
        shop.refund(order["id"].as_str().expect("an id"), json!(null)).await.ok();
        let done = void(&shop, &shop.admin, "GIFT").await.ok();
        assert_eq!(done["void"], true);
        let told: Vec<_> = history(&shop, "GIFT").await;
        let (anna, ben) = (json!(anna), json!(ben));
        let expected = [("issued", &anna), ("transferred", &ben), ("used", &ben), ("given-back", &ben), ("void", &Value::Null)];
        assert_eq!(told.iter().map(|(state, who)| (state.as_str(), who)).collect::<Vec<_>>(), expected);
        let page = shop.get("/v1/coupons/GIFT/history", &shop.till).await.ok();
        assert_eq!(page["items"][2]["subject"], json!({ "kind": "order", "id": order["id"] }));
        assert_eq!(page["items"][4]["reason"], "printed twice");
        let events = shop.events().await;
        assert!(["coupon.transferred", "coupon.voided"].iter().all(|kind| events.contains(&(*kind).to_owned())));
        shop.verify().await;
    }

    async fn only_a_coupon_that_can_still_be_used_is_given_away_or_voided(shop) {
        let binding = five_off(&shop).await;
        let (anna, ben) = (shop.member().await, shop.member().await);
        issue(&shop, &binding, "HERS", json!({ "holder": anna })).await;
        issue(&shop, &binding, "FREE", json!({ "transferable": true })).await;
        issue(&shop, &binding, "GIFT", json!({ "holder": anna, "transferable": true, "expires_on": "2026-03-02" })).await;
        for code in ["HERS", "FREE"] {
            assert_eq!(give(&shop, code, &anna, &ben).await.refused(409), "coupon_refused", "{code}");
        }
        assert_eq!(give(&shop, "GIFT", &ben, &anna).await.refused(409), "coupon_refused");
        assert_eq!(give(&shop, "GIFT", &anna, &anna).await.refused(422), "invalid_fields");
        assert_eq!(give(&shop, "GIFT", &anna, "nobody").await.pointers(), ["/to"]);
        assert_eq!(give(&shop, "NONE", &anna, &ben).await.refused(404), "coupon_unknown");
        assert_eq!(void(&shop, &shop.supervisor, "GIFT").await.refused(403), "forbidden");
        assert_eq!(void(&shop, &shop.admin, "NONE").await.refused(404), "coupon_unknown");
        let nothing = shop.post("/v1/coupons/GIFT/void", &shop.admin, json!({ "reason": "" })).await;
        assert_eq!(nothing.pointers(), ["/reason"]);
        // Its last day ends at midnight of the store.
        shop.later(14 * 3_600 - 1);
        give(&shop, "GIFT", &anna, &ben).await.ok();
        shop.later(1);
        assert_eq!(give(&shop, "GIFT", &ben, &anna).await.refused(409), "coupon_refused");
        shop.buy(coffee(&anna, "HERS")).await;
        assert_eq!(void(&shop, &shop.admin, "HERS").await.refused(409), "coupon_used");
        void(&shop, &shop.admin, "FREE").await.ok();
        assert_eq!(void(&shop, &shop.admin, "FREE").await.refused(409), "coupon_refused");
        shop.verify().await;
    }

    // One of them gets it, and whoever came too late changed nothing.
    async fn of_64_who_are_given_one_coupon_at_once_one_has_it(shop) {
        let binding = five_off(&shop).await;
        let anna = shop.member().await;
        issue(&shop, &binding, "GIFT", json!({ "holder": anna, "transferable": true })).await;
        let friends = join_all((0..8).map(|_| shop.member())).await;
        let gifts = join_all((0..64).map(|at| give(&shop, "GIFT", &anna, &friends[at % 8]))).await;
        assert_eq!(gifts.iter().filter(|answer| answer.status == 200).count(), 1);
        let one = gifts.iter().find(|answer| answer.status == 200).expect("one");
        let holder = shop.get("/v1/coupons/GIFT", &shop.till).await.ok()["holder"].clone();
        assert_eq!(holder, one.body["holder"]);
        // Voided and used at once: one of both.
        let quote = shop.quote(coffee(holder.as_str().expect("an id"), "GIFT")).await;
        let (used, voids) = tokio::join!(
            shop.commit(quote["id"].as_str().expect("an id")),
            join_all((0..16).map(|_| void(&shop, &shop.admin, "GIFT"))),
        );
        let voided = voids.iter().filter(|answer| answer.status == 200).count();
        assert_eq!(voided + usize::from(used.status.is_success()), 1);
        assert_eq!(history(&shop, "GIFT").await.len(), 3);
        shop.verify().await;
    }

    async fn codes_of_a_partner_are_taken_in_whole_or_not_at_all_and_used_once_each(shop) {
        let binding = five_off(&shop).await;
        let codes: Vec<String> = (0..1_000).map(|number| format!("partner-{number:04}")).collect();
        let body = |codes: &[String]| json!({ "binding": binding, "codes": codes });
        let taken = shop.post("/v1/coupons", &shop.admin, body(&codes)).await.ok();
        assert_eq!(taken["codes"].as_array().map(Vec::len), Some(1_000));
        let more: Vec<String> = (0..1_001).map(|number| format!("other-{number:04}")).collect();
        assert_eq!(shop.post("/v1/coupons", &shop.admin, body(&more)).await.refused(422), "invalid_fields");
        let twice = ["other-0001".to_owned(), "partner-0001".to_owned()];
        assert_eq!(shop.post("/v1/coupons", &shop.admin, body(&twice)).await.refused(409), "duplicate");
        assert_eq!(shop.get("/v1/coupons/other-0001", &shop.till).await.refused(404), "coupon_unknown");
        let quotes = join_all((0..16).map(|_| {
            shop.quote(json!({ "lines": [{ "product": "coffee" }], "codes": ["PARTNER-0007"], "tenders": [{ "kind": "cash" }] }))
        })).await;
        let commits = join_all(quotes.iter().map(|quote| shop.commit(quote["id"].as_str().expect("an id")))).await;
        assert_eq!(commits.iter().filter(|answer| answer.status.is_success()).count(), 1);
        assert_eq!(history(&shop, "partner-0007").await.len(), 2);
        shop.verify().await;
    }
}
