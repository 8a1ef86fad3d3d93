//! Priority purchase (优先购买): goods that are sold to members of some tiers first.

use serde_json::{Value, json};
use tessera::domain::time::Instant;
use tessera_tests::on_each_database;
use tessera_tests::shop::{Answer, Shop};

async fn sneakers(shop: &Shop, through: &str) {
    let body = json!({
        "id": "sneakers", "sku": "sneakers", "name": "Sneakers", "category": "shoes", "currency": "CNY", "price": 80_000,
        "tax_class": "standard", "reserved": { "tiers": ["gold", "black"], "through": through },
    });
    shop.post("/v1/products", &shop.admin, body).await.ok();
}

async fn member_of(shop: &Shop, tier: &str) -> String {
    let member = shop.member().await;
    let given = json!({ "tier": tier, "reason": "as agreed" });
    shop.post(&format!("/v1/members/{member}/tier"), &shop.admin, given)
        .await
        .ok();
    member
}

fn basket(member: Option<&str>) -> Value {
    let mut basket = json!({
        "lines": [{ "product": "tea" }, { "product": "sneakers" }], "tenders": [{ "kind": "cash" }],
    });
    if let Some(member) = member {
        basket["member"] = json!({ "id": member });
    }
    basket
}

async fn quote(shop: &Shop, key: &str, member: Option<&str>) -> Answer {
    shop.post("/v1/quotes", key, basket(member)).await
}

/// The instant of a local time as RFC 3339.
fn at(text: &str) -> Instant {
    let time: chrono::DateTime<chrono::FixedOffset> = text.parse().expect("a time");
    Instant(time.timestamp_micros())
}

on_each_database! {
    async fn goods_are_sold_to_the_named_tiers_first_and_the_till_hears_until_when(shop) {
        sneakers(&shop, "2026-03-10").await;
        let (gold, silver) = (member_of(&shop, "gold").await, member_of(&shop, "silver").await);
        let plain = shop.member().await;
        for other in [None, Some(plain.as_str()), Some(silver.as_str())] {
            let refused = quote(&shop, &shop.till, other).await;
            assert_eq!(refused.pointers(), ["/lines/1"]);
            assert_eq!(refused.body["reserved"], json!({ "tiers": ["gold", "black"], "through": "2026-03-10" }));
            assert_eq!(refused.refused(409), "product_reserved");
        }
        let refused = shop.post_in("zh-CN", "/v1/quotes", basket(None)).await;
        assert!(refused.body["detail"].as_str().is_some_and(|told| told.contains("2026-03-10") && told.contains("gold, black")));
        let offer = quote(&shop, &shop.till, Some(&gold)).await.ok();
        shop.commit(offer["id"].as_str().expect("an id")).await.ok();
        // A quote holds what it showed for its life; one that another host prices again is refused as a new one is.
        let offer = quote(&shop, &shop.till, Some(&gold)).await.ok();
        let withdrawal = format!("/v1/members/{gold}/tier/withdrawal");
        shop.post(&withdrawal, &shop.admin, json!({ "reason": "no longer" })).await.ok();
        assert_eq!(quote(&shop, &shop.till, Some(&gold)).await.refused(409), "product_reserved");
        let elsewhere = uuid::Uuid::now_v7();
        let again = json!({ "quote": { "request": basket(Some(&gold)), "quoted_at": offer["quoted_at"], "digest": offer["digest"] } });
        let unknown = shop.post(&format!("/v1/quotes/{elsewhere}/commit"), &shop.till, again).await;
        assert_eq!(unknown.refused(409), "product_reserved");
        shop.commit(offer["id"].as_str().expect("an id")).await.ok();
        // What happened is a fact, whoever bought.
        let sale = json!({ "external_id": "1", "occurred_at": "2026-03-02T09:00:00+08:00", "sale": basket(Some(&silver)) });
        assert_eq!(shop.post("/v1/orders", &shop.till, sale).await.status, 201);
        let product = shop.get("/v1/products/sneakers", &shop.till).await.ok();
        assert_eq!(product["reserved"], json!({ "tiers": ["gold", "black"], "through": "2026-03-10" }));
        shop.verify().await;
    }

    async fn what_is_reserved_ends_at_midnight_of_each_store_also_when_clocks_change(shop) {
        sneakers(&shop, "2026-03-10").await;
        // Midnight in Shanghai is ten in the evening in Urumqi.
        shop.set_clock(at("2026-03-10T23:59:59+08:00"));
        assert_eq!(quote(&shop, &shop.till, None).await.refused(409), "product_reserved");
        shop.set_clock(at("2026-03-11T00:00:00+08:00"));
        quote(&shop, &shop.till, None).await.ok();
        assert_eq!(quote(&shop, &shop.west_till, None).await.refused(409), "product_reserved");
        shop.set_clock(at("2026-03-11T00:00:00+06:00"));
        quote(&shop, &shop.west_till, None).await.ok();
        // 29 March has 23 hours in Berlin.
        let berlin = json!({ "region": "west", "name": "Berlin", "currency": "CNY", "time_zone": "Europe/Berlin" });
        shop.put("/v1/stores/berlin", berlin).await;
        let till = shop.key("cashier", Some("berlin")).await;
        let longer = json!({
            "sku": "sneakers", "name": "Sneakers", "category": "shoes", "currency": "CNY", "price": 80_000,
            "tax_class": "standard", "reserved": { "tiers": ["gold"], "through": "2026-03-29" },
        });
        shop.put("/v1/products/sneakers", longer).await;
        shop.set_clock(at("2026-03-29T23:59:59+02:00"));
        assert_eq!(quote(&shop, &till, None).await.refused(409), "product_reserved");
        shop.set_clock(at("2026-03-30T00:00:00+02:00"));
        quote(&shop, &till, None).await.ok();
    }

    async fn goods_are_reserved_for_tiers_that_are_named_through_a_day_there_is(shop) {
        let body = |reserved: Value| json!({
            "sku": "s", "name": "S", "category": "shoes", "currency": "CNY", "price": 1, "tax_class": "standard",
            "reserved": reserved,
        });
        let many: Vec<String> = (0..21).map(|tier| format!("t{tier}")).collect();
        for (reserved, place) in [
            (json!({ "tiers": [], "through": "2026-03-10" }), "/reserved/tiers"),
            (json!({ "tiers": many, "through": "2026-03-10" }), "/reserved/tiers"),
            (json!({ "tiers": [""], "through": "2026-03-10" }), "/reserved/tiers"),
            (json!({ "tiers": ["gold"], "through": "2026-02-30" }), "/reserved/through"),
            (json!({ "tiers": ["gold"] }), "/reserved/through"),
        ] {
            let refused = shop.post("/v1/products", &shop.admin, body(reserved)).await;
            assert_eq!(refused.pointers(), [place]);
            assert_eq!(refused.refused(422), "invalid_fields");
        }
    }
}
