//! Stores that share members and settle with the chain: each store's books balance by themselves, and all claims sum to
//! zero.

use futures_util::future::join_all;
use serde_json::{Value, json};
use tessera_tests::on_each_database;
use tessera_tests::shop::{Answer, Shop};

/// East and west belong to others; west pays 2 % of what it is paid.
async fn franchised(shop: &Shop, more: Value) {
    let mut terms =
        json!({ "stores": [{ "store": "east" }, { "store": "west", "commission": "2%" }] });
    terms
        .as_object_mut()
        .expect("terms")
        .extend(more.as_object().expect("terms").clone());
    shop.settings(json!({ "settlement": terms })).await;
}

async fn due(shop: &Shop, store: &str) -> i64 {
    shop.system(&format!("due/{store}"), "CNY").await
}

/// What a store's own accounts add up to.
async fn own_books(shop: &Shop, store: &str) -> i64 {
    let mut conn = shop.host.db.read().await.expect("the database answers");
    let balances = tessera::store::accounts::system_balances(&mut conn)
        .await
        .expect("balances can be read");
    let of_store = |name: &str| name.rsplit_once('/').is_some_and(|(_, last)| last == store);
    balances
        .iter()
        .filter(|((name, asset), _)| asset == "CNY" && of_store(name))
        .map(|(_, balance)| *balance)
        .sum()
}

async fn settle(shop: &Shop) -> Answer {
    let body = json!({ "currency": "CNY" });
    shop.post("/v1/settlements", &shop.admin, body).await
}

fn coffee(member: &str) -> Value {
    json!({
        "member": { "id": member }, "lines": [{ "product": "coffee" }],
        "tenders": [{ "kind": "stored-value", "amount": 2_000 }],
    })
}

async fn sold_in_the_west(shop: &Shop, request: Value) -> String {
    let quote = shop.post("/v1/quotes", &shop.west_till, request).await.ok();
    let path = format!("/v1/quotes/{}/commit", quote["id"].as_str().expect("an id"));
    let order = shop.post(&path, &shop.west_till, json!({})).await.ok();
    order["id"].as_str().expect("an id").to_owned()
}

fn of<'a>(statement: &'a Value, store: &str) -> &'a Value {
    let stores = statement["stores"].as_array().expect("stores");
    stores
        .iter()
        .find(|one| one["store"] == store)
        .expect("the store")
}

on_each_database! {
    // 100.00 paid in in the east, with 10.00 on top by the chain; 20.00 of it spent in the west.
    async fn what_is_paid_in_here_and_spent_there_is_settled_to_the_cent(shop) {
        franchised(&shop, json!({})).await;
        let member = shop.member().await;
        shop.top_up(&member, 10_000, 1_000).await;
        assert_eq!((due(&shop, "east").await, shop.system("clearing", "CNY").await), (10_000, -10_000));
        let order = sold_in_the_west(&shop, coffee(&member)).await;
        assert_eq!((due(&shop, "west").await, shop.system("clearing", "CNY").await), (-2_000, -8_000));
        // What is paid on the spot is nobody else's business.
        shop.buy(json!({ "lines": [{ "product": "tea" }] })).await;
        assert_eq!(due(&shop, "east").await, 10_000);
        let open = shop.get("/v1/settlements/open?currency=CNY", &shop.admin).await.ok();
        assert_eq!(open[0], json!({
            "store": "east", "lines": [{ "kind": "top-up", "amount": 10_000 }], "due": 10_000, "commission": 0, "payable": 10_000,
        }));
        let settled = settle(&shop).await.ok();
        assert_eq!(of(&settled, "west"), &json!({
            "store": "west", "lines": [{ "kind": "sale", "amount": -2_000 }], "due": -2_000, "commission": 40, "payable": -1_960,
        }));
        assert_eq!((due(&shop, "east").await, due(&shop, "west").await, shop.system("clearing", "CNY").await), (0, 0, 0));
        assert_eq!((shop.system("payable/east", "CNY").await, shop.system("payable/west", "CNY").await), (10_000, -1_960));
        assert_eq!(settle(&shop).await.refused(409), "nothing_to_settle");
        // Half a cup more comes back afterwards: the next settlement has it.
        let path = format!("/v1/orders/{order}/refunds");
        shop.post(&path, &shop.west_till, json!({})).await.ok();
        let next = settle(&shop).await.ok();
        assert_eq!(of(&next, "west")["lines"], json!([{ "kind": "refund", "amount": 2_000 }]));
        assert_eq!((&of(&next, "west")["commission"], &next["number"]), (&json!(0), &json!(2)));
        // Each store sees its own; the chain sees them all.
        let own = shop.get("/v1/settlements", &shop.supervisor).await.ok();
        let first = own["items"].as_array().expect("a list").last().expect("one").clone();
        assert_eq!(first["stores"].as_array().expect("stores").len(), 1);
        assert_eq!(shop.post("/v1/settlements", &shop.supervisor, json!({ "currency": "CNY" })).await.refused(403), "forbidden");
        assert_eq!((own_books(&shop, "east").await, own_books(&shop, "west").await), (0, 0));
        shop.verify().await;
    }

    async fn a_settlement_goes_back_whole_and_once_and_stands_in_the_next(shop) {
        franchised(&shop, json!({})).await;
        let member = shop.member().await;
        shop.top_up(&member, 10_000, 0).await;
        sold_in_the_west(&shop, coffee(&member)).await;
        let settled = settle(&shop).await.ok();
        let path = format!("/v1/settlements/{}/reversal", settled["id"].as_str().expect("an id"));
        let tries = join_all((0..16).map(|_| shop.post(&path, &shop.admin, json!({})))).await;
        assert_eq!(tries.iter().filter(|answer| answer.status == 200).count(), 1);
        let refused = tries.iter().filter(|answer| answer.status != 200);
        assert!(refused.clone().all(|answer| answer.body["code"] == "entry_reversed"));
        assert_eq!((due(&shop, "east").await, due(&shop, "west").await), (10_000, -2_000));
        assert_eq!((shop.system("settlement-fee", "CNY").await, shop.system("payable/west", "CNY").await), (0, 0));
        shop.top_up(&member, 500, 0).await;
        let next = settle(&shop).await.ok();
        assert_eq!(of(&next, "east")["lines"], json!([
            { "kind": "settlement-reversal", "amount": 10_000 }, { "kind": "top-up", "amount": 500 },
        ]));
        assert_eq!(of(&next, "east")["payable"], 10_500);
        let first = shop.get(&format!("/v1/settlements/{}", settled["id"].as_str().expect("an id")), &shop.admin).await.ok();
        assert_eq!(first["reversed"], true);
        let nothing = shop.post("/v1/settlements/nothing/reversal", &shop.admin, json!({})).await;
        assert_eq!(nothing.refused(404), "settlement_unknown");
        shop.verify().await;
    }

    // Sixteen at once while tills go on: what is in none of them is in the next, and nothing is in two.
    async fn settlements_at_once_carry_everything_once(shop) {
        franchised(&shop, json!({})).await;
        let member = shop.member().await;
        shop.top_up(&member, 100_000, 0).await;
        let selling = async {
            for _ in 0..12 {
                sold_in_the_west(&shop, coffee(&member)).await;
            }
        };
        let settling = join_all((0..16).map(|_| settle(&shop)));
        let ((), settled) = tokio::join!(selling, settling);
        for answer in settled.into_iter().filter(|answer| !answer.status.is_success()) {
            assert_eq!(answer.refused(409), "nothing_to_settle");
        }
        let _ = settle(&shop).await;
        let list = shop.get("/v1/settlements?limit=100", &shop.admin).await.ok();
        let (mut east, mut west, mut commission) = (0, 0, 0);
        for settlement in list["items"].as_array().expect("a list") {
            for store in settlement["stores"].as_array().expect("stores") {
                let due = store["due"].as_i64().expect("minor units");
                let lines = store["lines"].as_array().expect("lines").iter();
                assert_eq!(lines.map(|line| line["amount"].as_i64().expect("minor units")).sum::<i64>(), due);
                match store["store"].as_str() {
                    Some("east") => east += due,
                    _ => west += due,
                }
                commission += store["commission"].as_i64().expect("minor units");
            }
        }
        assert_eq!((east, west, commission), (100_000, -24_000, 480));
        assert_eq!((due(&shop, "east").await, due(&shop, "west").await), (0, 0));
        shop.verify().await;
    }

    // A point costs 0.01 where it is given and brings 0.01 where it pays.
    async fn points_cost_the_store_that_gives_them_and_pay_the_one_that_takes_them(shop) {
        franchised(&shop, json!({ "points_value": "1/1" })).await;
        shop.bind("points-standard", crate::checkout::points()).await;
        let member = shop.member().await;
        let order = shop.buy(json!({ "member": { "id": member }, "lines": [{ "product": "cake", "quantity": "3" }] })).await;
        let earned = order["totals"]["points_earned"].as_i64().expect("points");
        assert!(earned > 0);
        assert_eq!((due(&shop, "east").await, shop.system("points-cost/east", "CNY").await), (earned, -earned));
        let taken = sold_in_the_west(&shop, json!({
            "member": { "id": member }, "lines": [{ "product": "tea" }],
            "tenders": [{ "kind": "points", "points": 50 }, { "kind": "cash" }],
        })).await;
        let given = shop.get(&format!("/v1/orders/{taken}"), &shop.admin).await.ok();
        let given = given["totals"]["points_earned"].as_i64().expect("points");
        assert_eq!(due(&shop, "west").await, given - 50);
        // A third comes back, then the rest: nothing of the cost stays.
        let id = order["id"].as_str().expect("an id");
        shop.refund(id, json!([[0, "1"]])).await.ok();
        shop.refund(id, Value::Null).await.ok();
        assert_eq!((due(&shop, "east").await, shop.system("points-cost/east", "CNY").await), (0, 0));
        shop.post(&format!("/v1/orders/{taken}/refunds"), &shop.west_till, json!({})).await.ok();
        assert_eq!((due(&shop, "west").await, shop.system("clearing", "CNY").await), (0, 0));
        shop.verify().await;
    }

    async fn what_people_earn_is_owed_by_the_store_they_sell_in(shop) {
        franchised(&shop, json!({})).await;
        shop.settings(json!({ "commission": [{ "name": "all", "on": "sale", "share": "5%" }] })).await;
        // Named like a store: what he earns is no store's revenue for that.
        let seller = json!({ "id": "west", "name": "west", "role": "cashier", "store": "east", "pin": "4711" });
        shop.post("/v1/staff", &shop.admin, seller).await.ok();
        let basket = json!({ "lines": [{ "product": "coffee" }], "tenders": [{ "kind": "cash" }] });
        let quote = shop.post_on_duty("/v1/quotes", &shop.till, "west:4711", basket).await.ok();
        let order = shop.commit(quote["id"].as_str().expect("an id")).await.ok();
        assert!(shop.system("commission/west/east", "CNY").await > 0);
        assert_eq!((due(&shop, "east").await, due(&shop, "west").await), (0, 0));
        assert_eq!(own_books(&shop, "east").await, 0);
        shop.refund(order["id"].as_str().expect("an id"), Value::Null).await.ok();
        assert_eq!(shop.system("commission/west/east", "CNY").await, 0);
        shop.verify().await;
    }

    async fn a_withdrawal_a_reversal_and_an_own_store_settle_as_they_should(shop) {
        // West is the chain's own: it owes nobody.
        shop.settings(json!({ "settlement": { "stores": [{ "store": "east" }] }, "withdrawal": { "approval_above": 1_000_000 } })).await;
        let member = shop.member().await;
        shop.top_up(&member, 10_000, 0).await;
        sold_in_the_west(&shop, coffee(&member)).await;
        assert_eq!((due(&shop, "east").await, due(&shop, "west").await), (10_000, 0));
        let out = json!({ "store": "east", "amount": 3_000, "tender": { "kind": "cash" } });
        let out = shop.post(&format!("/v1/members/{member}/withdrawals"), &shop.till, out).await.ok();
        assert_eq!(due(&shop, "east").await, 7_000);
        let path = format!("/v1/members/{member}/entries/{}/reversal", out["entry"].as_str().expect("an entry"));
        shop.post(&path, &shop.supervisor, json!({ "reason": "typed wrongly" })).await.ok();
        assert_eq!((due(&shop, "east").await, shop.system("clearing", "CNY").await), (10_000, -10_000));
        assert_eq!(own_books(&shop, "east").await, 0);
        for (settlement, key) in [
            (json!({ "stores": [{ "store": "east" }, { "store": "east" }] }), "/settings/settlement/stores"),
            (json!({ "stores": [{ "store": "east", "commission": "101%" }] }), "/settings/settlement/stores"),
            (json!({ "stores": [], "points_value": "-1/100" }), "/settings/settlement/points_value"),
        ] {
            let mut chain = shop.get("/v1/chain", &shop.admin).await.ok();
            chain["settings"]["settlement"] = settlement;
            let answer = shop.send(axum::http::Method::PUT, "/v1/chain", &shop.admin, None, Some(chain)).await;
            assert_eq!(answer.pointers(), [key], "{}", answer.body);
        }
        shop.verify().await;
    }

    async fn a_wallet_reaches_as_far_as_the_chain_lets_it(shop) {
        let member = shop.member().await;
        shop.top_up(&member, 10_000, 0).await;
        shop.settings(json!({ "wallets_shared": "region" })).await;
        let there = shop.post("/v1/quotes", &shop.west_till, coffee(&member)).await;
        assert_eq!(there.refused(403), "wallet_not_shared");
        let out = json!({ "store": "west", "amount": 100, "tender": { "kind": "cash" } });
        let out = shop.post(&format!("/v1/members/{member}/withdrawals"), &shop.admin, out).await;
        assert_eq!(out.refused(403), "wallet_not_shared");
        // He still buys there as a member, and uses it at home.
        sold_in_the_west(&shop, json!({
            "member": { "id": member }, "lines": [{ "product": "tea" }], "tenders": [{ "kind": "cash" }],
        })).await;
        shop.buy(coffee(&member)).await;
        shop.verify().await;
    }
}
