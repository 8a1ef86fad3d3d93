//! Passes (次卡): sold once, used many times, earned with each use.

use futures_util::future::join_all;
use serde_json::{Value, json};
use tessera_tests::on_each_database;
use tessera_tests::shop::{Answer, Shop};

const DAY: i64 = 86_400;

/// Ten washes for 200.00, 177.00 of it (17,699) before tax; a wash alone costs 30.00.
async fn washes(shop: &Shop, more: Value) {
    shop.product("wash", "services/wash/outside", "piece", 3_000, "standard")
        .await;
    let mut terms = json!({ "uses": 10, "days": 30, "categories": ["services/wash"] });
    terms
        .as_object_mut()
        .expect("terms")
        .extend(more.as_object().expect("terms").clone());
    let pass = json!({
        "id": "washes", "sku": "washes", "name": "Ten washes", "category": "passes", "currency": "CNY",
        "price": 20_000, "tax_class": "standard", "pass": terms,
    });
    shop.post("/v1/products", &shop.admin, pass).await.ok();
}

async fn sold_to(shop: &Shop, member: &str) -> String {
    let basket = json!({ "member": { "id": member }, "lines": [{ "product": "washes" }] });
    let order = shop.buy(basket).await;
    order["id"].as_str().expect("an id").to_owned()
}

fn wash(member: &str, pieces: u32) -> Value {
    json!({
        "member": { "id": member },
        "lines": [{ "product": "wash", "quantity": pieces.to_string(), "pass": { "product": "washes" } }],
        "tenders": [],
    })
}

/// Uses that are left, and what was paid for them.
async fn left(shop: &Shop, member: &str) -> (i64, i64) {
    let balances = shop.balances(member).await;
    let of = |name: &str| balances.get(name).copied().unwrap_or(0);
    (of("pass"), of("pass-value"))
}

async fn asked(shop: &Shop, request: Value) -> Answer {
    shop.post("/v1/quotes", &shop.till, request).await
}

async fn revenue(shop: &Shop, store: &str) -> i64 {
    shop.system(&format!("sales/{store}"), "CNY").await
}

on_each_database! {
    async fn what_a_pass_cost_is_earned_use_by_use_and_taxed_once(shop) {
        washes(&shop, json!({})).await;
        let member = shop.member().await;
        sold_to(&shop, &member).await;
        assert_eq!(left(&shop, &member).await, (10, 17_699));
        assert_eq!((revenue(&shop, "east").await, shop.system("tax/east", "CNY").await), (0, 2_301));
        // Beside other goods, which are paid as ever.
        let order = shop.buy(json!({
            "member": { "id": member },
            "lines": [{ "product": "coffee" }, { "product": "wash", "quantity": "2", "pass": { "product": "washes" } }],
        })).await;
        assert_eq!(order["totals"]["total"], 2_000);
        assert_eq!((order["lines"][1]["price"].as_str(), &order["lines"][1]["tax"]), (Some("pass"), &json!(0)));
        assert_eq!(order["lines"][1]["pass_used"], json!({ "pass": "washes", "member": member, "uses": 2 }));
        assert_eq!(left(&shop, &member).await, (8, 14_159));
        assert_eq!(revenue(&shop, "east").await, 1_770 + 3_540);
        let list = shop.get(&format!("/v1/members/{member}/passes"), &shop.till).await.ok();
        assert_eq!((&list[0]["uses"], &list[0]["value"], &list[0]["name"]), (&json!(8), &json!(14_159), &json!("Ten washes")));
        assert_eq!(list[0]["sales"][0]["expires_on"], "2026-03-31");
        // One of the two was not made after all: it goes back to its pass, with its part of the price.
        let id = order["id"].as_str().expect("an id");
        assert_eq!(shop.refund(id, json!([[1, "0.5"]])).await.refused(422), "invalid_fields");
        shop.refund(id, json!([[1, "1"]])).await.ok();
        assert_eq!(left(&shop, &member).await, (9, 15_929));
        // The last use takes what rounding left.
        for _ in 0..9 {
            shop.buy(wash(&member, 1)).await;
        }
        assert_eq!(left(&shop, &member).await, (0, 0));
        assert_eq!(revenue(&shop, "east").await, 1_770 + 17_699);
        assert_eq!(asked(&shop, wash(&member, 1)).await.refused(409), "balance_short");
        shop.verify().await;
    }

    async fn of_64_tills_at_once_as_many_wash_as_there_are_uses(shop) {
        washes(&shop, json!({})).await;
        let member = shop.member().await;
        sold_to(&shop, &member).await;
        let mut quotes = Vec::new();
        for _ in 0..64 {
            let quote = shop.quote(wash(&member, 1)).await;
            quotes.push(quote["id"].as_str().expect("an id").to_owned());
        }
        let tries = join_all(quotes.iter().map(|quote| shop.commit(quote))).await;
        assert_eq!(tries.iter().filter(|answer| answer.status.is_success()).count(), 10);
        for answer in tries.into_iter().filter(|answer| !answer.status.is_success()) {
            assert_eq!(answer.body["changes"][0]["what"], "balance_short");
            assert_eq!(answer.refused(409), "quote_stale");
        }
        assert_eq!((left(&shop, &member).await, revenue(&shop, "east").await), ((0, 0), 17_699));
        shop.verify().await;
    }

    async fn a_pass_comes_back_for_the_uses_that_are_left_and_once(shop) {
        washes(&shop, json!({})).await;
        shop.bind("points-standard", crate::checkout::points()).await;
        let member = shop.member().await;
        let nothing = shop.wallet(&member).await;
        let unused = sold_to(&shop, &member).await;
        shop.refund(&unused, Value::Null).await.ok();
        assert_eq!(shop.wallet(&member).await, nothing);
        assert_eq!((revenue(&shop, "east").await, shop.system("tax/east", "CNY").await), (0, 0));
        let order = sold_to(&shop, &member).await;
        let washed = shop.buy(wash(&member, 3)).await;
        assert_eq!(shop.refund(&order, json!([[0, "0.7"]])).await.refused(422), "invalid_fields");
        let refund = shop.refund(&order, Value::Null).await.ok();
        // Seven of ten uses of 200.00, and seven tenths of its 200 points.
        assert_eq!(refund["total"], 14_000);
        let balances = shop.balances(&member).await;
        assert_eq!(balances.into_iter().collect::<Vec<_>>(), [("points".to_owned(), 60)]);
        assert_eq!(shop.system("tender/cash/east", "CNY").await, -6_000);
        assert_eq!(shop.refund(&order, json!([[0, "1"]])).await.refused(409), "over_refund");
        // The washes that paid with it find no pass to go back to but its empty lot; the chain still owes them.
        shop.refund(washed["id"].as_str().expect("an id"), Value::Null).await.ok();
        assert_eq!(left(&shop, &member).await.0, 3);
        shop.verify().await;
    }

    async fn a_refund_and_a_use_at_the_same_moment_never_both_have_the_last_use(shop) {
        washes(&shop, json!({ "refund": "unused" })).await;
        for _ in 0..8 {
            let member = shop.member().await;
            let order = sold_to(&shop, &member).await;
            let quote = shop.quote(wash(&member, 1)).await;
            let quote = quote["id"].as_str().expect("an id");
            let (used, back) = tokio::join!(shop.commit(quote), shop.refund(&order, Value::Null));
            assert_ne!(used.status.is_success(), back.status.is_success());
            if used.status.is_success() {
                assert_eq!(back.refused(409), "pass_used");
                assert_eq!(left(&shop, &member).await.0, 9);
            } else {
                assert_eq!(left(&shop, &member).await, (0, 0));
            }
        }
        shop.verify().await;
    }

    async fn what_nobody_used_in_time_is_the_chains_and_does_not_come_back(shop) {
        washes(&shop, json!({})).await;
        let member = shop.member().await;
        let order = sold_to(&shop, &member).await;
        shop.buy(wash(&member, 2)).await;
        // A pass that runs out is no bonus that does.
        shop.settings(json!({ "expiry_notices": { "bonus_days": 60, "points_days": 60 } })).await;
        tessera::jobs::run_once(&shop.host).await.expect("jobs run");
        assert!(!shop.events().await.iter().any(|kind| kind.ends_with(".expiring")));
        // Through its last day in the store's own zone: 31 March, 23:59.
        shop.later(29 * DAY + 14 * 3_600 - 60);
        shop.buy(wash(&member, 1)).await;
        shop.later(60);
        assert_eq!(asked(&shop, wash(&member, 1)).await.refused(409), "balance_short");
        assert_eq!(shop.refund(&order, Value::Null).await.refused(409), "pass_used");
        // The chain's day is over when it is in its last store.
        shop.later(DAY);
        tessera::jobs::run_once(&shop.host).await.expect("jobs run");
        assert_eq!(left(&shop, &member).await, (0, 0));
        assert_eq!(shop.system("pass-expired", "CNY").await + revenue(&shop, "east").await, 17_699);
        assert_eq!(shop.refund(&order, Value::Null).await.refused(409), "pass_used");
        shop.verify().await;
    }

    async fn a_pass_is_refused_where_its_terms_say_so(shop) {
        washes(&shop, json!({ "stores": ["east"], "most_per_day": 2 })).await;
        shop.put("/v1/products/tea", json!({
            "sku": "tea", "name": "tea", "category": "drinks/tea", "currency": "CNY", "price": 1_200, "tax_class": "standard",
        })).await;
        let (member, other) = (shop.member().await, shop.member().await);
        let to_nobody = json!({ "lines": [{ "product": "washes" }] });
        let refused = asked(&shop, to_nobody).await;
        assert_eq!(refused.pointers(), ["/member"]);
        sold_to(&shop, &member).await;
        let with = |line: Value| json!({ "member": { "id": member }, "lines": [line] });
        let pass = json!({ "product": "washes" });
        for (line, at) in [
            (json!({ "product": "tea", "pass": pass }), "it does not cover this product"),
            (json!({ "product": "wash", "pass": { "product": "tea" } }), "the product is no pass"),
            (json!({ "product": "wash", "unit_price": 100, "pass": pass }), "whole pieces"),
            (json!({ "product": "washes", "pass": pass }), "it does not cover this product"),
        ] {
            let answer = shop.post("/v1/quotes", &shop.admin, { let mut with = with(line); with["store"] = json!("east"); with }).await;
            assert!(answer.body["detail"].as_str().is_some_and(|detail| detail.contains(at)), "{}", answer.body);
            assert_eq!(answer.refused(422), "pass_unfit");
        }
        let unknown = json!({ "product": "wash", "pass": { "product": "nothing" } });
        assert_eq!(asked(&shop, with(unknown)).await.refused(422), "product_unknown");
        assert_eq!(shop.post("/v1/quotes", &shop.west_till, wash(&member, 1)).await.refused(422), "pass_unfit");
        assert_eq!(asked(&shop, wash(&other, 1)).await.refused(409), "balance_short");
        let anonymous = json!({ "lines": [{ "product": "wash", "pass": { "product": "washes" } }] });
        assert_eq!(asked(&shop, anonymous).await.refused(422), "pass_unfit");
        let borrowed = json!({
            "member": { "id": other },
            "lines": [{ "product": "wash", "pass": { "product": "washes", "of": { "id": member } } }],
        });
        assert_eq!(asked(&shop, borrowed).await.refused(422), "pass_unfit");
        // Two a day, whoever is faster; a refund makes room, and so does the next day.
        let mut orders = Vec::new();
        let mut quotes = Vec::new();
        for _ in 0..6 {
            quotes.push(shop.quote(wash(&member, 1)).await["id"].as_str().expect("an id").to_owned());
        }
        for answer in join_all(quotes.iter().map(|quote| shop.commit(quote))).await {
            match answer.status.is_success() {
                true => orders.push(answer.body["id"].as_str().expect("an id").to_owned()),
                false => assert_eq!(answer.refused(409), "quote_stale"),
            }
        }
        assert_eq!(orders.len(), 2);
        shop.refund(&orders[0], Value::Null).await.ok();
        shop.buy(wash(&member, 1)).await;
        let full = shop.quote(wash(&member, 1)).await;
        assert_eq!(shop.commit(full["id"].as_str().expect("an id")).await.refused(409), "quote_stale");
        shop.later(14 * 3_600);
        shop.buy(wash(&member, 2)).await;
        assert_eq!(left(&shop, &member).await.0, 6);
        // Terms that make no sense make no product.
        let wrong = json!({
            "sku": "x", "name": "x", "category": "passes", "currency": "CNY", "price": 1, "tax_class": "standard",
            "pass": { "uses": 0, "categories": ["services"] },
        });
        assert_eq!(shop.post("/v1/products", &shop.admin, wrong).await.pointers(), ["/pass/uses"]);
        shop.verify().await;
    }

    async fn a_shared_pass_pays_for_whoever_comes_and_the_older_one_first(shop) {
        washes(&shop, json!({ "shareable": true, "days": 60 })).await;
        let (member, friend) = (shop.member().await, shop.member().await);
        sold_to(&shop, &member).await;
        shop.later(DAY);
        sold_to(&shop, &member).await;
        let borrowed = json!({
            "member": { "id": friend }, "tenders": [],
            "lines": [{ "product": "wash", "quantity": "11", "pass": { "product": "washes", "of": { "id": member } } }],
        });
        let order = shop.buy(borrowed).await;
        let list = shop.get(&format!("/v1/members/{member}/passes"), &shop.till).await.ok();
        assert_eq!((&list[0]["sales"][0]["left"], &list[0]["sales"][0]["expires_on"]), (&json!(9), &json!("2026-05-01")));
        assert_eq!(left(&shop, &member).await, (9, 15_929));
        shop.refund(order["id"].as_str().expect("an id"), json!([[0, "11"]])).await.ok();
        assert_eq!(left(&shop, &member).await, (20, 2 * 17_699));
        assert_eq!(revenue(&shop, "east").await, 0);
        shop.verify().await;
    }

    async fn a_pass_bought_again_adds_its_uses_and_the_history_shows_both(shop) {
        washes(&shop, json!({})).await;
        shop.settings(json!({ "expiry_notices": { "pass_days": 3 } })).await;
        let member = shop.member().await;
        let first = sold_to(&shop, &member).await;
        shop.buy(wash(&member, 10)).await;
        shop.later(DAY);
        let second = sold_to(&shop, &member).await;
        let sales = |list: &Value| list[0]["sales"].as_array().expect("sales").iter().map(|sale| {
            let text = |name: &str| sale[name].as_str().expect("a text").to_owned();
            (text("order"), text("expires_on"), sale["left"].as_i64(), sale["ended"] == true)
        }).collect::<Vec<_>>();
        let path = format!("/v1/members/{member}/passes");
        let now = shop.get(&path, &shop.till).await.ok();
        assert_eq!((&now[0]["uses"], sales(&now)), (&json!(10), vec![(second.clone(), "2026-04-01".to_owned(), Some(10), false)]));
        let ever = shop.get(&format!("{path}?history=true"), &shop.till).await.ok();
        assert_eq!((&ever[0]["uses"], sales(&ever)), (&json!(10), vec![
            (first, "2026-03-31".to_owned(), Some(0), true), (second, "2026-04-01".to_owned(), Some(10), false),
        ]));
        // Who has uses left is told before they run out.
        shop.later(27 * DAY);
        tessera::jobs::run_once(&shop.host).await.expect("jobs run");
        assert_eq!(shop.events().await.iter().filter(|kind| *kind == "pass.expiring").count(), 1);
        shop.verify().await;
    }

    async fn a_held_quote_keeps_its_uses_and_their_price_while_others_wash(shop) {
        washes(&shop, json!({ "most_per_day": 9 })).await;
        let member = shop.member().await;
        sold_to(&shop, &member).await;
        let held = shop.quote(wash(&member, 9)).await;
        let held = held["id"].as_str().expect("an id").to_owned();
        let path = format!("/v1/quotes/{held}/hold");
        shop.post(&path, &shop.till, json!({})).await.ok();
        assert_eq!(left(&shop, &member).await, (1, 1_770));
        assert_eq!(asked(&shop, wash(&member, 2)).await.refused(409), "balance_short");
        // The day's nine are taken by the hold.
        let other = shop.quote(wash(&member, 1)).await;
        assert_eq!(shop.commit(other["id"].as_str().expect("an id")).await.refused(409), "quote_stale");
        shop.commit(&held).await.ok();
        assert_eq!((left(&shop, &member).await, revenue(&shop, "east").await), ((1, 1_770), 15_929));
        shop.later(DAY);
        let let_go = shop.quote(wash(&member, 1)).await;
        shop.post(&format!("/v1/quotes/{}/hold", let_go["id"].as_str().expect("an id")), &shop.till, json!({})).await.ok();
        assert_eq!(left(&shop, &member).await, (0, 0));
        shop.later(DAY);
        tessera::jobs::run_once(&shop.host).await.expect("jobs run");
        assert_eq!(left(&shop, &member).await, (1, 1_770));
        shop.verify().await;
    }

    async fn a_till_that_was_offline_washed_once_more_than_there_was(shop) {
        washes(&shop, json!({ "uses": 1 })).await;
        let member = shop.member().await;
        sold_to(&shop, &member).await;
        let happened = json!({ "external_id": "W-1", "occurred_at": "2026-03-02T09:59:00+08:00", "sale": wash(&member, 2) });
        let order = shop.post("/v1/orders", &shop.till, happened).await.ok();
        assert_eq!(left(&shop, &member).await, (0, 0));
        assert_eq!(shop.system("claims/east", "pass:washes").await, -1);
        assert!(shop.events().await.contains(&"ledger.claimed".to_owned()));
        shop.refund(order["id"].as_str().expect("an id"), Value::Null).await.ok();
        assert_eq!((left(&shop, &member).await, shop.system("claims/east", "pass:washes").await), ((1, 17_699), 0));
        // Sold while the till was offline and to nobody: goods like any other.
        let nobody = json!({
            "external_id": "W-2", "occurred_at": "2026-03-02T09:59:00+08:00",
            "sale": { "lines": [{ "product": "washes" }], "tenders": [{ "kind": "cash" }] },
        });
        shop.post("/v1/orders", &shop.till, nobody).await.ok();
        assert_eq!(revenue(&shop, "east").await, 17_699);
        shop.verify().await;
    }

    async fn a_pass_goes_with_its_owner_into_another_membership_and_comes_back_unused(shop) {
        washes(&shop, json!({})).await;
        let (twin, stays) = (shop.member().await, shop.member().await);
        sold_to(&shop, &twin).await;
        let merge = json!({ "into": { "id": stays }, "reason": "enrolled twice" });
        shop.post(&format!("/v1/members/{twin}/merge"), &shop.admin, merge.clone()).await.ok();
        assert_eq!((left(&shop, &twin).await, left(&shop, &stays).await), ((0, 0), (10, 17_699)));
        let undo = format!("/v1/members/{twin}/merge/undo");
        let why = json!({ "reason": "they are two" });
        shop.post(&undo, &shop.admin, why.clone()).await.ok();
        assert_eq!((left(&shop, &twin).await, left(&shop, &stays).await), ((10, 17_699), (0, 0)));
        shop.post(&format!("/v1/members/{twin}/merge"), &shop.admin, merge).await.ok();
        shop.buy(wash(&stays, 1)).await;
        assert_eq!((left(&shop, &stays).await, revenue(&shop, "east").await), ((9, 15_929), 1_770));
        assert_eq!(shop.post(&undo, &shop.admin, why).await.refused(409), "balance_short");
        shop.verify().await;
    }
}
