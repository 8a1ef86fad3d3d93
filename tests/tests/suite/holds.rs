//! A quote's benefits reserved while a card terminal is charging.

use serde_json::{Value, json};
use tessera_tests::on_each_database;
use tessera_tests::shop::{Answer, Shop};

use crate::checkout::points;

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

/// Bytes the database keeps for the commit of a held quote.
async fn stored_sale(shop: &Shop, quote: &Value) -> usize {
    let mut conn = shop.host.db.read().await.expect("the database answers");
    let hold = tessera::store::holds::of_quote(&mut conn, id(quote)).await;
    hold.expect("holds can be read")
        .expect("there is one")
        .sale
        .len()
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

    // 500 points of 300 and 400: both lots give. Half of two coffees returns 250, the rest the other 250.
    async fn a_held_sale_paid_with_points_is_refunded_to_the_lots_of_its_hold(shop) {
        let member = shop.member().await;
        shop.give_points_until(&member, 300, "2026-06-30").await;
        shop.give_points_until(&member, 400, "2026-12-31").await;
        let before = shop.wallet(&member).await;
        let quote = shop.quote(json!({
            "member": { "id": member }, "lines": [{ "product": "coffee", "quantity": "2" }],
            "tenders": [{ "kind": "points", "points": 500 }, { "kind": "cash" }],
        })).await;
        hold(&shop, &quote).await.ok();
        let order = shop.commit(id(&quote)).await.ok();
        let refund = shop.refund(id(&order), json!([[0, "1"]])).await.ok();
        assert_eq!(refund["tenders"][0]["points"], 250);
        shop.refund(id(&order), json!([[0, "1"]])).await.ok();
        assert_eq!(shop.wallet(&member).await, before);
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

    // 20.00, of which 15.00 of stored value, earn 20 points. The campaign bound meanwhile would take 5.00 off; what
    // was shown is what is posted.
    async fn a_held_quote_is_committed_as_it_was_shown_after_the_host_was_started_again(shop) {
        shop.bind("points-standard", points()).await;
        let member = shop.member().await;
        shop.top_up(&member, 2_000, 0).await;
        let quote = shop.quote(basket(&member)).await;
        hold(&shop, &quote).await.ok();
        shop.bind("promo-standard", json!({ "discount": { "amount": { "off": 500 } } })).await;
        assert!(stored_sale(&shop, &quote).await > 0);

        let shop = shop.restart().await;
        let order = shop.commit(id(&quote)).await.ok();
        for part in ["totals", "lines", "tenders", "awards"] {
            assert_eq!(order[part], quote[part], "{part}");
        }
        assert_eq!(order["quote"], quote["id"]);
        let balances = [("points".to_owned(), 20), ("principal".to_owned(), 500)];
        assert_eq!(shop.balances(&member).await, balances.into());
        assert_eq!(stored_sale(&shop, &quote).await, 0);
        let again = shop.commit(id(&quote)).await;
        assert_eq!(again.body["order"], order["id"]);
        assert_eq!(again.refused(409), "quote_committed");
        shop.verify().await;
    }

    async fn a_hold_is_released_after_the_host_was_started_again(shop) {
        let member = shop.member().await;
        shop.top_up(&member, 2_000, 0).await;
        let quote = shop.quote(basket(&member)).await;
        hold(&shop, &quote).await.ok();
        let shop = shop.restart().await;
        let key = uuid::Uuid::now_v7().to_string();
        let path = format!("/v1/quotes/{}/hold", id(&quote));
        let elsewhere = shop.send(axum::http::Method::DELETE, &path, &shop.west_till, Some(&key), None).await;
        assert_eq!(elsewhere.refused(403), "other_store");
        release(&shop, &quote).await.ok();
        assert_eq!(shop.balances(&member).await, [("principal".to_owned(), 2_000)].into());
        assert_eq!(stored_sale(&shop, &quote).await, 0);
        assert_eq!(release(&shop, &quote).await.refused(404), "hold_unknown");
        assert_eq!(shop.commit(id(&quote)).await.refused(404), "quote_unknown");
        shop.verify().await;
    }

    // A hold lasts 600 seconds wherever it is committed; before the jobs have ended it and after.
    async fn a_held_quote_is_stale_after_its_hold_whether_or_not_the_host_was_started_again(shop) {
        let member = shop.member().await;
        shop.top_up(&member, 2_000, 0).await;
        let quote = shop.quote(basket(&member)).await;
        hold(&shop, &quote).await.ok();
        let shop = shop.restart().await;
        shop.later(601);
        assert_eq!(shop.commit(id(&quote)).await.refused(409), "quote_stale");
        tessera::jobs::run_once(&shop.host).await.unwrap();
        assert_eq!(stored_sale(&shop, &quote).await, 0);
        assert_eq!(shop.commit(id(&quote)).await.refused(409), "quote_stale");
        assert_eq!(shop.balances(&member).await, [("principal".to_owned(), 2_000)].into());
        shop.verify().await;
    }

    async fn the_key_of_a_hold_answers_the_same_after_the_host_was_started_again(shop) {
        let member = shop.member().await;
        shop.top_up(&member, 2_000, 0).await;
        let quote = shop.quote(basket(&member)).await;
        let path = format!("/v1/quotes/{}/hold", id(&quote));
        let first = shop.post_as(&path, &shop.till, "hold-2", json!({})).await.ok();
        let shop = shop.restart().await;
        shop.later(30);
        let again = shop.post_as(&path, &shop.till, "hold-2", json!({})).await;
        assert!(again.is_replayed());
        assert_eq!(again.ok(), first);
        // Another key wants another hold: there is one.
        assert_eq!(hold(&shop, &quote).await.refused(409), "order_refused");
        assert_eq!(shop.balances(&member).await["principal-held"], 1_500);
        shop.verify().await;
    }

    async fn another_host_commits_or_releases_what_this_one_holds(shop) {
        let Some(other) = shop.second_host().await else { return };
        let member = shop.member().await;
        shop.top_up(&member, 4_000, 0).await;
        let (sold, freed) = (shop.quote(basket(&member)).await, shop.quote(basket(&member)).await);
        hold(&shop, &sold).await.ok();
        hold(&shop, &freed).await.ok();
        let order = other.commit(id(&sold)).await.ok();
        assert_eq!(order["totals"], sold["totals"]);
        let here = shop.commit(id(&sold)).await;
        assert_eq!(here.body["order"], order["id"]);
        assert_eq!(here.refused(409), "quote_committed");
        release(&other, &freed).await.ok();
        assert_eq!(shop.balances(&member).await, [("principal".to_owned(), 2_500)].into());
        // The host that made it still knows the quote, and that its hold is gone.
        shop.commit(id(&freed)).await.ok();
        assert_eq!(shop.balances(&member).await, [("principal".to_owned(), 1_000)].into());
        shop.verify().await;
    }
}
