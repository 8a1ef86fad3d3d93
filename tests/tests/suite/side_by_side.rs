//! What there is once, there is once, however many quotes were made side by side and however much came back. A coffee
//! is 20.00.

use axum::http::Method;
use serde_json::{Value, json};
use tessera_tests::on_each_database;
use tessera_tests::shop::Shop;

fn coffees(member: &str, count: u32) -> Value {
    json!({
        "member": { "id": member }, "tenders": [{ "kind": "cash" }],
        "lines": [{ "product": "coffee", "quantity": count.to_string() }],
    })
}

fn id(of: &Value) -> &str {
    of["id"].as_str().expect("an id")
}

/// Makes three quotes and then commits them one after the other: the orders, or why there is none.
async fn three(shop: &Shop, member: &str) -> Vec<Result<Value, String>> {
    let mut quotes = Vec::new();
    for _ in 0..3 {
        quotes.push(shop.quote(coffees(member, 1)).await);
    }
    let mut ends = Vec::new();
    for quote in &quotes {
        let answer = shop.commit(id(quote)).await;
        ends.push(match answer.status.as_u16() {
            201 => Ok(answer.ok()),
            _ => Err(answer.refused(409)),
        });
    }
    ends
}

fn only_the_first(ends: &[Result<Value, String>]) {
    assert!(ends[0].is_ok(), "{:?}", ends[0]);
    for end in &ends[1..] {
        assert_eq!(
            end.as_ref().expect_err("it was shown a first order"),
            "quote_stale"
        );
    }
}

async fn brought(shop: &Shop, referrer: &str) -> String {
    let known = shop
        .get(&format!("/v1/members/{referrer}"), &shop.admin)
        .await
        .ok();
    shop.member_with(json!({ "referral_code": known["referral_code"] }))
        .await
}

async fn points(shop: &Shop, member: &str) -> i64 {
    shop.balances(member)
        .await
        .get("points")
        .copied()
        .unwrap_or(0)
}

on_each_database! {
    async fn one_first_order_of_a_friend_is_paid_for(shop) {
        let config = json!({ "referrer_points": 300, "referee_points": 200, "cap": 0 });
        shop.bind("referral-standard", config).await;
        let referrer = shop.member().await;
        let friend = brought(&shop, &referrer).await;
        let ends = three(&shop, &friend).await;
        only_the_first(&ends);
        assert_eq!((points(&shop, &referrer).await, points(&shop, &friend).await), (300, 200));
        // Taken back whole, it was no order: the next one is the first.
        shop.refund(id(ends[0].as_ref().expect("an order")), Value::Null).await.ok();
        assert_eq!(points(&shop, &referrer).await, 0);
        shop.buy(coffees(&friend, 1)).await;
        assert_eq!(points(&shop, &referrer).await, 300);
        shop.buy(coffees(&friend, 1)).await;
        assert_eq!(points(&shop, &referrer).await, 300);
        shop.verify().await;
    }

    async fn one_first_order_has_the_price_of_the_first(shop) {
        let config = json!({ "discount": { "amount": { "off": 1_000 } }, "who": { "first_order": true } });
        shop.bind("promo-standard", config).await;
        let member = shop.member().await;
        let ends = three(&shop, &member).await;
        only_the_first(&ends);
        assert_eq!(shop.buy(coffees(&member, 1)).await["totals"]["total"], 2_000);
        shop.verify().await;
    }

    async fn one_first_order_earns_the_points_of_the_first(shop) {
        let config = json!({
            "points_per": { "spend": 100, "points": 1 },
            "bonuses": [{ "points": 50, "who": { "first_order": true } }],
        });
        shop.bind("points-standard", config).await;
        let member = shop.member().await;
        only_the_first(&three(&shop, &member).await);
        assert_eq!(points(&shop, &member).await, 70);
        shop.buy(coffees(&member, 1)).await;
        assert_eq!(points(&shop, &member).await, 90);
        shop.verify().await;
    }

    // Each of the three leads to gold as it was quoted; gold gives once a year, and again when its order came back.
    async fn a_tier_reached_by_several_orders_gives_once(shop) {
        let tiers = json!({ "tiers": [{ "code": "gold", "name": "Gold", "threshold": 2_000 }] });
        shop.bind("tier-standard", tiers).await;
        let gift = json!({ "events": [{ "on": "tier-reached", "points": 100, "bonus": { "amount": 500 } }] });
        shop.bind("points-standard", gift).await;
        let member = shop.member().await;
        let ends = three(&shop, &member).await;
        assert!(ends.iter().all(Result::is_ok), "{ends:?}");
        let balances = shop.balances(&member).await;
        assert_eq!((balances["points"], balances["bonus"]), (100, 500));
        shop.refund(id(ends[0].as_ref().expect("an order")), Value::Null).await.ok();
        assert_eq!(points(&shop, &member).await, 0);
        shop.verify().await;
    }

    // As after a host that stopped between a commit and the asking: the till sends its key again for the answer.
    async fn a_lost_answer_asked_for_again_brings_the_gift_of_its_tier_once(shop) {
        let tiers = json!({ "tiers": [{ "code": "gold", "name": "Gold", "threshold": 2_000 }] });
        shop.bind("tier-standard", tiers).await;
        let member = shop.member().await;
        let (quote, returned) = (shop.quote(coffees(&member, 1)).await, shop.quote(coffees(&member, 1)).await);
        let commit = async |quote: &Value, key: &str| {
            let path = format!("/v1/quotes/{}/commit", id(quote));
            shop.send(Method::POST, &path, &shop.till, Some(key), Some(json!({}))).await.ok()
        };
        let other = commit(&returned, "back").await;
        shop.refund(id(&other), Value::Null).await.ok();
        commit(&quote, "lost").await;
        let gift = json!({ "events": [{ "on": "tier-reached", "points": 100 }] });
        shop.bind("points-standard", gift).await;
        // Nothing for what came back whole.
        commit(&returned, "back").await;
        assert_eq!(points(&shop, &member).await, 0);
        for _ in 0..2 {
            commit(&quote, "lost").await;
            assert_eq!(points(&shop, &member).await, 100);
        }
        shop.verify().await;
    }

    // The first order led to gold, the second to platinum, which alone has a gift.
    async fn a_repeated_answer_brings_no_gift_of_a_tier_that_is_passed(shop) {
        let tier = |code: &str, threshold: i64| json!({ "code": code, "name": code, "threshold": threshold });
        let tiers = json!({ "tiers": [tier("gold", 2_000), tier("platinum", 4_000)] });
        shop.bind("tier-standard", tiers).await;
        let who = json!({ "tiers": ["platinum"] });
        let gift = json!({ "events": [{ "on": "tier-reached", "points": 100, "who": who }] });
        shop.bind("points-standard", gift).await;
        let member = shop.member().await;
        let quote = shop.quote(coffees(&member, 1)).await;
        let path = format!("/v1/quotes/{}/commit", id(&quote));
        let commit = async || {
            shop.send(Method::POST, &path, &shop.till, Some("first"), Some(json!({}))).await.ok()
        };
        commit().await;
        shop.buy(coffees(&member, 1)).await;
        assert_eq!(points(&shop, &member).await, 100);
        commit().await;
        assert_eq!(points(&shop, &member).await, 100);
    }

    // The gift is asked for beside the refund that ends its order: whichever is first, nothing stays.
    async fn no_gift_stays_of_an_order_that_comes_back_beside_the_asking(shop) {
        let tiers = json!({ "tiers": [{ "code": "gold", "name": "Gold", "threshold": 2_000 }] });
        shop.bind("tier-standard", tiers).await;
        let mut sold = Vec::new();
        for number in 0..8 {
            let member = shop.member().await;
            let quote = shop.quote(coffees(&member, 1)).await;
            let path = format!("/v1/quotes/{}/commit", id(&quote));
            let key = format!("commit-{number}");
            let order = shop.send(Method::POST, &path, &shop.till, Some(&key), Some(json!({}))).await.ok();
            sold.push((member, path, key, order));
        }
        let gift = json!({ "events": [{ "on": "tier-reached", "points": 100, "bonus": { "amount": 500 } }] });
        shop.bind("points-standard", gift).await;
        for (member, path, key, order) in &sold {
            let (again, back) = tokio::join!(
                shop.send(Method::POST, path, &shop.till, Some(key), Some(json!({}))),
                shop.refund(id(order), Value::Null),
            );
            again.ok();
            back.ok();
            assert!(shop.balances(member).await.is_empty());
        }
        shop.verify().await;
    }

    // Silver from 100.00: each order alone keeps it, so each refund alone would leave it. Eight times, since the two
    // meet only by chance.
    async fn two_refunds_at_once_leave_no_tier_that_neither_order_supports(shop) {
        shop.settings(json!({ "tier_review_on_refund": true })).await;
        let silver = json!({ "code": "silver", "name": "Silver", "threshold": 10_000, "multiplier": 1 });
        let ladder = json!({ "window_days": 365, "validity_days": 365, "refund_lowers": true, "tiers": [silver] });
        shop.bind("tier-standard", ladder).await;
        for _ in 0..8 {
            let member = shop.member().await;
            let one = shop.buy(coffees(&member, 5)).await;
            let other = shop.buy(coffees(&member, 5)).await;
            let (first, second) = tokio::join!(
                shop.refund(id(&one), Value::Null),
                shop.refund(id(&other), Value::Null),
            );
            let ends = [first.ok(), second.ok()];
            assert!(ends.iter().any(|refund| refund["tier"]["after"].is_null()), "{ends:?}");
            let member = shop.get(&format!("/v1/members/{member}"), &shop.admin).await.ok();
            assert!(member["tier"].is_null(), "{ends:?}");
        }
        shop.verify().await;
    }

    async fn stamps_that_paid_for_a_free_piece_cannot_be_refunded_for_money_again_and_again(shop) {
        shop.bind("stamp-card", json!({ "every": 5, "goods": { "categories": ["drinks/coffee"] } })).await;
        let member = shop.member().await;
        let four = shop.buy(coffees(&member, 4)).await;
        assert_eq!(shop.buy(coffees(&member, 1)).await["totals"]["total"], 0);
        shop.refund(id(&four), Value::Null).await.ok();
        assert_eq!(shop.buy(coffees(&member, 4)).await["totals"]["total"], 8_000);
        assert_eq!(shop.buy(coffees(&member, 1)).await["totals"]["total"], 2_000);
        shop.verify().await;
    }

    async fn feedback_about_an_order_that_came_back_whole_earns_nothing(shop) {
        shop.bind("points-standard", json!({ "events": [{ "on": "feedback", "points": 5 }] })).await;
        let member = shop.member().await;
        let order = shop.buy(coffees(&member, 1)).await;
        shop.refund(id(&order), Value::Null).await.ok();
        let path = format!("/v1/members/{member}/occasions");
        let body = json!({ "kind": "feedback", "reference": "survey-1", "order": id(&order), "store": "east" });
        let answer = shop.post(&path, &shop.till, body).await;
        assert_eq!(answer.refused(409), "order_refunded");
        assert_eq!(points(&shop, &member).await, 0);
    }

    async fn a_tender_that_is_not_named_pays_no_price_of_the_named_one(shop) {
        let config = json!({
            "discount": { "amount": { "off": 500 } }, "who": { "members_only": true },
            "paid_with": { "tenders": ["stored-value"] },
        });
        shop.bind("promo-standard", config).await;
        let member = shop.member().await;
        shop.top_up(&member, 5_000, 0).await;
        let with = |tenders: Value| {
            let mut request = coffees(&member, 1);
            request["tenders"] = tenders;
            request
        };
        let total = |quote: Value| quote["totals"]["total"].as_i64().expect("a total");
        let little = with(json!([{ "kind": "stored-value", "amount": 1 }]));
        assert_eq!(total(shop.quote(little).await), 2_000);
        let all = with(json!([{ "kind": "stored-value" }]));
        assert_eq!(total(shop.quote(all).await), 1_500);
    }

    // 20.00 earned 20 points, of which 15 are spent; 10 points are worth 1.00 here. What is kept back is not handed out.
    async fn a_refund_says_what_is_handed_out(shop) {
        shop.bind("points-standard", json!({ "points_per": { "spend": 100, "points": 1 } })).await;
        shop.settings(json!({ "refund_spent_points": "reduce-refund" })).await;
        let member = shop.member().await;
        let order = shop.buy(coffees(&member, 1)).await;
        let mut spending = coffees(&member, 1);
        spending["tenders"] = json!([{ "kind": "points", "points": 15 }, { "kind": "cash" }]);
        shop.buy(spending).await;
        let refund = shop.refund(id(&order), Value::Null).await.ok();
        let kept = refund["kept_back"].as_i64().expect("an amount");
        assert_eq!(refund["payouts"], json!([{ "kind": "cash", "amount": 2_000 - kept }]));
        shop.verify().await;
    }
}
