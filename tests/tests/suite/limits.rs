//! What a campaign may give at most: per order, per member, per day, in uses, money and points.

use futures_util::future::join_all;
use serde_json::{Value, json};
use tessera_tests::on_each_database;
use tessera_tests::shop::{Answer, Shop};

use crate::checkout::points;

/// 5.00 off every order.
fn five_off() -> Value {
    json!({ "discount": { "amount": { "off": 500 } } })
}

fn limit(scope: &str, period: &str, counts: &str, limit: i64) -> Value {
    let one = json!({ "name": "budget", "scope": scope, "period": period, "counts": counts, "limit": limit });
    json!({ "stage": "order", "limits": [one] })
}

/// A coffee, 20.00.
fn coffee() -> Value {
    json!({ "lines": [{ "product": "coffee" }], "tenders": [{ "kind": "cash" }] })
}

fn coffee_of(member: &str) -> Value {
    let mut basket = coffee();
    basket["member"] = json!({ "id": member });
    basket
}

async fn total(shop: &Shop, basket: Value) -> i64 {
    let quote = shop.quote(basket).await;
    quote["totals"]["total"].as_i64().expect("a total")
}

fn id(made: &Value) -> &str {
    made["id"].as_str().expect("an id")
}

/// How many of the answers are orders; every other must say that a limit was reached.
fn sold(answers: Vec<Answer>) -> usize {
    let (done, refused): (Vec<_>, Vec<_>) = answers
        .into_iter()
        .partition(|answer| answer.status.is_success());
    for answer in refused {
        assert_eq!(answer.body["changes"][0]["what"], "limit_reached");
        assert_eq!(answer.refused(409), "quote_stale");
    }
    done.len()
}

on_each_database! {
    // 4 coffee and 2 cakes are 140.00. A tenth is 14.00, of which the campaign may take 10.00.
    async fn the_most_a_campaign_may_take_off_one_order_caps_it(shop) {
        let percent = json!({ "discount": { "percent": { "rate": "10%", "on": "order" } } });
        shop.bind_with("promo-standard", percent, json!({ "stage": "order", "max_discount": 1_000 })).await;
        let order = shop.buy(json!({
            "lines": [{ "product": "coffee", "quantity": "4" }, { "product": "cake", "quantity": "2" }],
        })).await;
        let adjustment = &order["adjustments"][0];
        assert_eq!((&adjustment["proposed"], &adjustment["applied"]), (&json!(1_400), &json!(1_000)));
        let shares = adjustment["allocation"].as_array().unwrap().iter().map(|part| part["share"].as_i64().unwrap());
        assert_eq!(shares.sum::<i64>(), 1_000);
        assert_eq!(order["totals"]["total"], 13_000);
        // A small order stays below the cap.
        assert_eq!(total(&shop, coffee()).await, 1_800);
        let refund = shop.refund(id(&order), Value::Null).await.ok();
        assert_eq!(refund["total"], 13_000);
        shop.verify().await;
    }

    async fn of_64_commits_on_a_budget_of_ten_uses_exactly_ten_get_the_discount(shop) {
        shop.bind_with("promo-standard", five_off(), limit("chain", "lifetime", "uses", 10)).await;
        let quotes = join_all((0..64).map(|_| shop.quote(coffee()))).await;
        assert!(quotes.iter().all(|quote| quote["totals"]["total"] == 1_500));
        let answers = join_all(quotes.iter().map(|quote| shop.commit(id(quote)))).await;
        assert_eq!(sold(answers), 10);
        assert_eq!(shop.orders().await, 10);
        let next = shop.quote(coffee()).await;
        assert_eq!(next["totals"]["total"], 2_000);
        let why = next["skipped"][0]["message"].as_str().unwrap();
        assert!(why.contains("`budget` of 10 is used up"), "{why}");
        shop.verify().await;
    }

    async fn two_hosts_together_give_a_budget_no_further_than_it_goes(shop) {
        shop.bind_with("promo-standard", five_off(), limit("chain", "lifetime", "uses", 10)).await;
        let Some(other) = shop.second_host().await else { return };
        let mut quotes = Vec::new();
        for _ in 0..16 {
            quotes.push((&shop, shop.quote(coffee()).await));
            quotes.push((&other, other.quote(coffee()).await));
        }
        let answers = join_all(quotes.iter().map(|(host, quote)| host.commit(id(quote)))).await;
        assert_eq!(sold(answers), 10);
        shop.verify().await;
    }

    // 12.00 of budget, 5.00 an order: two of 64 fit, the next order gets the 2.00 that are left, and then none.
    async fn a_budget_of_money_is_spent_to_the_last_cent_and_no_further(shop) {
        shop.bind_with("promo-standard", five_off(), limit("chain", "lifetime", "money", 1_200)).await;
        let quotes = join_all((0..64).map(|_| shop.quote(coffee()))).await;
        let answers = join_all(quotes.iter().map(|quote| shop.commit(id(quote)))).await;
        assert_eq!(sold(answers), 2);
        let rest = shop.buy(coffee()).await;
        assert_eq!(rest["adjustments"][0]["proposed"], 500);
        assert_eq!(rest["adjustments"][0]["applied"], 200);
        assert_eq!(total(&shop, coffee()).await, 2_000);
        // What is refunded in full can be given again.
        shop.refund(id(&rest), Value::Null).await.ok();
        assert_eq!(total(&shop, coffee()).await, 1_800);
        shop.verify().await;
    }

    // A coffee earns 20 points: three of 64 fit into 70, the fourth earns the 10 that are left.
    async fn a_budget_of_points_is_given_to_the_last_point_and_no_further(shop) {
        shop.bind_with("points-standard", points(), limit("chain", "lifetime", "points", 70)).await;
        let member = shop.member().await;
        let quotes = join_all((0..64).map(|_| shop.quote(coffee_of(&member)))).await;
        assert!(quotes.iter().all(|quote| quote["totals"]["points_earned"] == 20));
        let answers = join_all(quotes.iter().map(|quote| shop.commit(id(quote)))).await;
        assert_eq!(sold(answers), 3);
        let rest = shop.buy(coffee_of(&member)).await;
        assert_eq!(rest["totals"]["points_earned"], 10);
        assert_eq!(shop.buy(coffee_of(&member)).await["totals"]["points_earned"], 0);
        assert_eq!(shop.balances(&member).await["points"], 70);
        shop.refund(id(&rest), Value::Null).await.ok();
        assert_eq!(shop.quote(coffee_of(&member)).await["totals"]["points_earned"], 10);
        shop.verify().await;
    }

    async fn a_limit_per_member_and_day_counts_each_member_each_day(shop) {
        shop.bind_with("promo-standard", five_off(), limit("member", "day", "uses", 1)).await;
        let (one, other) = (shop.member().await, shop.member().await);
        assert_eq!(shop.buy(coffee_of(&one)).await["totals"]["total"], 1_500);
        assert_eq!(total(&shop, coffee_of(&one)).await, 2_000);
        assert_eq!(total(&shop, coffee_of(&other)).await, 1_500);
        // Nobody's count: the campaign is for those who can be counted.
        assert_eq!(total(&shop, coffee()).await, 2_000);
        shop.later(86_400);
        assert_eq!(shop.buy(coffee_of(&one)).await["totals"]["total"], 1_500);
        // Two tills at once serve one member: one of them gets it.
        shop.later(86_400);
        let quotes = join_all((0..8).map(|_| shop.quote(coffee_of(&one)))).await;
        let answers = join_all(quotes.iter().map(|quote| shop.commit(id(quote)))).await;
        assert_eq!(sold(answers), 1);
        shop.verify().await;
    }

    async fn a_limit_per_store_counts_each_store_by_itself(shop) {
        shop.bind_with("promo-standard", five_off(), limit("store", "lifetime", "uses", 1)).await;
        assert_eq!(shop.buy(coffee()).await["totals"]["total"], 1_500);
        assert_eq!(total(&shop, coffee()).await, 2_000);
        let west = shop.post("/v1/quotes", &shop.west_till, coffee()).await.ok();
        assert_eq!(west["totals"]["total"], 1_500);
        shop.verify().await;
    }

    // 5.00 off from 100.00: a coffee does not reach it and uses nothing up.
    async fn a_campaign_without_effect_uses_nothing_of_its_limit(shop) {
        let mut from_100 = five_off();
        from_100["minimum"] = json!({ "amount": 10_000, "of": "order" });
        shop.bind_with("promo-standard", from_100, limit("chain", "lifetime", "uses", 1)).await;
        for _ in 0..3 {
            shop.buy(coffee()).await;
        }
        let big = json!({ "lines": [{ "product": "coffee", "quantity": "6" }] });
        assert_eq!(shop.buy(big.clone()).await["totals"]["total"], 11_500);
        assert_eq!(total(&shop, big).await, 12_000);
        shop.verify().await;
    }

    // Usage comes back with the whole order, not with a part of it; and not at all where the chain says so.
    async fn a_refund_frees_usage_as_the_chain_has_set(shop) {
        shop.bind_with("promo-standard", five_off(), limit("chain", "lifetime", "uses", 1)).await;
        let two = json!({ "lines": [{ "product": "coffee", "quantity": "2" }] });
        let order = shop.buy(two.clone()).await;
        assert_eq!(order["totals"]["total"], 3_500);
        shop.refund(id(&order), json!([[0, "1"]])).await.ok();
        assert_eq!(total(&shop, coffee()).await, 2_000);
        shop.refund(id(&order), Value::Null).await.ok();
        assert_eq!(total(&shop, coffee()).await, 1_500);

        shop.settings(json!({ "cancelled_order_frees_usage": false })).await;
        let order = shop.buy(two).await;
        assert_eq!(order["totals"]["total"], 3_500);
        shop.refund(id(&order), Value::Null).await.ok();
        assert_eq!(total(&shop, coffee()).await, 2_000);
        shop.verify().await;
    }

    async fn a_limit_is_told_in_words_that_fit_what_was_asked(shop) {
        let member = shop.member().await;
        let path = format!("/v1/members/{member}/cards");
        let mut answer = shop.post(&path, &shop.admin, json!({})).await;
        for _ in 0..20 {
            answer = shop.post(&path, &shop.admin, json!({})).await;
        }
        let remedy = answer.body["remedy"].as_str().expect("a remedy").to_owned();
        assert!(remedy.contains("Idempotency-Key") && !remedy.contains("uote"), "{remedy}");
        assert_eq!(answer.refused(409), "limit_reached");
    }
}
