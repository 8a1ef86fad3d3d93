//! Points that come back after their lot has expired.

use serde_json::{Value, json};
use tessera_tests::on_each_database;
use tessera_tests::shop::Shop;

const DAY: i64 = 86_400;

/// 600 points good through 10 March, of which 500 pay a coffee on the 2nd; answers the member and the order.
async fn spent(shop: &Shop) -> (String, String) {
    let member = shop.member().await;
    shop.give_points_until(&member, 600, "2026-03-10").await;
    let order = shop
        .buy(json!({
            "member": { "id": member }, "lines": [{ "product": "coffee", "quantity": "2" }],
            "tenders": [{ "kind": "points", "points": 500 }, { "kind": "cash" }],
        }))
        .await;
    (member, order["id"].as_str().expect("an id").to_owned())
}

async fn jobs(shop: &Shop) {
    tessera::jobs::run_once(&shop.host).await.expect("jobs run");
}

/// What is left of each lot of points and its last day.
async fn lots(shop: &Shop, member: &str) -> Vec<(i64, String)> {
    let accounts = shop.wallet(member).await;
    let lots = accounts
        .as_array()
        .unwrap()
        .iter()
        .filter(|account| account["name"] == "points")
        .filter_map(|account| account["lots"].as_array().cloned())
        .flatten();
    lots.map(|lot| {
        let last = lot["expires_on"].as_str().expect("a day").to_owned();
        (lot["remaining"].as_i64().expect("points"), last)
    })
    .collect()
}

/// Points the chain owes to all members together.
async fn issued(shop: &Shop) -> i64 {
    -shop.system("points-issued", "points:main").await
}

on_each_database! {
    async fn without_grace_points_that_come_back_too_late_expire_by_an_entry_at_once(shop) {
        let (member, order) = spent(&shop).await;
        shop.later(18 * DAY);
        jobs(&shop).await;
        assert!(shop.balances(&member).await.is_empty());
        let refund = shop.refund(&order, Value::Null).await.ok();
        assert_eq!(refund["tenders"][0]["points"], 500);
        assert_eq!(refund["tenders"][1]["amount"], 3_500);
        assert!(shop.balances(&member).await.is_empty());
        assert_eq!(issued(&shop).await, 0);
        assert!(shop.events().await.contains(&"ledger.expired-on-return".to_owned()));
        shop.verify().await;
    }

    // Seven days of grace from the day of the refund, the 20th. The 100 points that expired on the 10th stay expired.
    async fn with_grace_they_can_be_spent_for_the_days_the_chain_gives(shop) {
        shop.settings(json!({ "expired_lot_grace_days": 7 })).await;
        let (member, order) = spent(&shop).await;
        shop.later(18 * DAY);
        jobs(&shop).await;
        shop.refund(&order, json!([[0, "1"]])).await.ok();
        assert_eq!(lots(&shop, &member).await, [(250, "2026-03-27".to_owned())]);
        // Three days later the lot lives: the rest joins it and its days are those of the first return.
        shop.later(3 * DAY);
        jobs(&shop).await;
        shop.refund(&order, Value::Null).await.ok();
        assert_eq!(lots(&shop, &member).await, [(500, "2026-03-27".to_owned())]);
        let spend = json!({
            "member": { "id": member }, "lines": [{ "product": "coffee" }],
            "tenders": [{ "kind": "points", "points": 100 }, { "kind": "cash" }],
        });
        shop.later(4 * DAY);
        shop.buy(spend).await;
        assert_eq!(shop.balances(&member).await["points"], 400);
        shop.later(DAY);
        jobs(&shop).await;
        assert!(shop.balances(&member).await.is_empty());
        assert_eq!(issued(&shop).await, 0);
        shop.verify().await;
    }

    // The jobs of the night have not run yet: what was left in the lot must not come to life with what returns.
    async fn what_was_left_in_the_lot_expires_before_the_rest_returns_to_it(shop) {
        shop.settings(json!({ "expired_lot_grace_days": 7 })).await;
        let (member, order) = spent(&shop).await;
        shop.later(18 * DAY);
        assert_eq!(shop.balances(&member).await["points"], 100);
        shop.refund(&order, Value::Null).await.ok();
        assert_eq!(lots(&shop, &member).await, [(500, "2026-03-27".to_owned())]);
        assert_eq!(issued(&shop).await, 500);
        shop.verify().await;
    }

    // The order keeps the grace of the day it was sold, whatever the chain sets later.
    async fn the_grace_is_that_of_the_day_of_the_sale(shop) {
        let (member, order) = spent(&shop).await;
        shop.settings(json!({ "expired_lot_grace_days": 7 })).await;
        shop.later(18 * DAY);
        shop.refund(&order, Value::Null).await.ok();
        assert!(shop.balances(&member).await.is_empty());
        shop.verify().await;
    }

    // Sold on the 10th while the till was offline, booked on the 11th before the jobs have run.
    async fn a_recorded_sale_of_the_last_day_may_still_spend_what_expired_since(shop) {
        let member = shop.member().await;
        shop.give_points_until(&member, 600, "2026-03-10").await;
        shop.later(9 * DAY);
        let sale = json!({
            "external_id": "A-1", "occurred_at": "2026-03-10T18:00:00+08:00",
            "sale": {
                "member": { "id": member }, "lines": [{ "product": "coffee" }],
                "tenders": [{ "kind": "points", "points": 600 }, { "kind": "cash" }],
            },
        });
        let order = shop.post("/v1/orders", &shop.till, sale).await.ok();
        assert!(shop.balances(&member).await.is_empty());
        assert_eq!(shop.system("claims/east", "points:main").await, 0);
        shop.refund(order["id"].as_str().unwrap(), Value::Null).await.ok();
        assert_eq!(issued(&shop).await, 0);
        shop.verify().await;
    }
}
