//! A quote's benefits reserved while a card terminal is charging.

use serde_json::{Value, json};
use tessera_tests::on_each_database;
use tessera_tests::shop::{Answer, Shop};

/// A coffee paid with 15.00 of stored value and 5.00 in cash.
fn basket(member: &str) -> Value {
    json!({
        "member": { "id": member }, "lines": [{ "product": "coffee" }],
        "tenders": [{ "kind": "stored-value", "amount": 1_500 }, { "kind": "cash" }],
    })
}

fn id(quote: &Value) -> &str {
    quote["id"].as_str().expect("a quote has an id")
}

async fn hold(shop: &Shop, quote: &Value) -> Answer {
    shop.post(
        &format!("/v1/quotes/{}/hold", id(quote)),
        &shop.till,
        json!({}),
    )
    .await
}

async fn release(shop: &Shop, quote: &Value) -> Answer {
    let path = format!("/v1/quotes/{}/hold", id(quote));
    let key = uuid::Uuid::now_v7().to_string();
    shop.send(
        axum::http::Method::DELETE,
        &path,
        &shop.till,
        Some(&key),
        None,
    )
    .await
}

on_each_database! {
    // 20.00 on the wallet: the held quote keeps its 15.00, the other one finds 5.00.
    async fn a_held_quote_survives_a_competing_spend(shop) {
        let member = shop.member().await;
        shop.top_up(&member, 2_000, 0).await;
        let (held, other) = (shop.quote(basket(&member)).await, shop.quote(basket(&member)).await);
        hold(&shop, &held).await.ok();
        let balances = shop.balances(&member).await;
        assert_eq!((balances["principal"], balances["principal-held"]), (500, 1_500));
        assert_eq!(shop.commit(id(&other)).await.refused(409), "quote_stale");
        let order = shop.commit(id(&held)).await.ok();
        assert_eq!(order["tenders"][0]["principal"], 1_500);
        assert_eq!(shop.balances(&member).await, [("principal".to_owned(), 500)].into());
        shop.verify().await;
    }

    async fn releasing_a_hold_gives_everything_back_to_its_lots(shop) {
        let member = shop.member().await;
        shop.give_points_until(&member, 300, "2026-06-30").await;
        shop.give_points_until(&member, 400, "2026-12-31").await;
        let before = shop.wallet(&member).await;
        let request = json!({
            "member": { "id": member }, "lines": [{ "product": "coffee" }],
            "tenders": [{ "kind": "points", "points": 500 }, { "kind": "cash" }],
        });
        let quote = shop.quote(request).await;
        hold(&shop, &quote).await.ok();
        assert_eq!(shop.balances(&member).await["points"], 200);
        release(&shop, &quote).await.ok();
        assert_eq!(shop.wallet(&member).await, before);
        assert_eq!(release(&shop, &quote).await.refused(404), "hold_unknown");
        // Released, not spent: the quote can still be committed.
        shop.commit(id(&quote)).await.ok();
        assert_eq!(shop.balances(&member).await["points"], 200);
        shop.verify().await;
    }

    // A hold lasts 600 seconds; the jobs end it after that, and its quote is stale.
    async fn a_hold_that_ran_out_is_ended_by_the_jobs(shop) {
        let member = shop.member().await;
        shop.top_up(&member, 2_000, 0).await;
        let quote = shop.quote(basket(&member)).await;
        hold(&shop, &quote).await.ok();
        shop.later(599);
        tessera::jobs::run_once(&shop.host).await.unwrap();
        assert_eq!(shop.balances(&member).await["principal-held"], 1_500);
        shop.later(2);
        tessera::jobs::run_once(&shop.host).await.unwrap();
        assert_eq!(shop.balances(&member).await, [("principal".to_owned(), 2_000)].into());
        assert_eq!(shop.commit(id(&quote)).await.refused(409), "quote_stale");
        assert!(shop.events().await.contains(&"hold.expired".to_owned()));
        shop.verify().await;
    }

    // The coupon and the campaign's only use are held with the quote.
    async fn a_hold_reserves_codes_and_limits_too(shop) {
        let code = json!({ "discount": { "amount": { "off": 500 } }, "trigger": "code" });
        let binding = shop.bind_with("promo-standard", code, json!({ "stage": "coupons" })).await;
        shop.coupon(&binding, "ONCE5").await;
        let request = json!({
            "lines": [{ "product": "coffee" }], "codes": ["ONCE5"], "tenders": [{ "kind": "cash" }],
        });
        let (held, other) = (shop.quote(request.clone()).await, shop.quote(request.clone()).await);
        hold(&shop, &held).await.ok();
        assert_eq!(shop.commit(id(&other)).await.refused(409), "quote_stale");
        release(&shop, &held).await.ok();
        let again = shop.quote(request).await;
        shop.commit(id(&again)).await.ok();
        shop.verify().await;
    }

    async fn holding_twice_under_one_key_is_one_hold(shop) {
        let member = shop.member().await;
        shop.top_up(&member, 2_000, 0).await;
        let quote = shop.quote(basket(&member)).await;
        let path = format!("/v1/quotes/{}/hold", id(&quote));
        let first = shop.post_as(&path, &shop.till, "hold-1", json!({})).await;
        let again = shop.post_as(&path, &shop.till, "hold-1", json!({})).await;
        assert!(again.is_replayed());
        assert_eq!(first.ok()["id"], again.ok()["id"]);
        assert_eq!(shop.balances(&member).await["principal-held"], 1_500);
        shop.commit(id(&quote)).await.ok();
        shop.verify().await;
    }
}
