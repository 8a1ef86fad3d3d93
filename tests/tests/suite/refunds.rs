//! What goes back, in parts and as a whole.

use serde_json::{Value, json};
use tessera_tests::on_each_database;
use tessera_tests::shop::Shop;

use crate::checkout::points;

fn cakes(member: &str, count: &str) -> Value {
    json!({ "member": { "id": member }, "lines": [{ "product": "cake", "quantity": count }] })
}

/// A coffee paid with points, the rest in cash.
fn coffee_for_points(member: &str, points: i64) -> Value {
    json!({
        "member": { "id": member }, "lines": [{ "product": "coffee" }],
        "tenders": [{ "kind": "points", "points": points }, { "kind": "cash" }],
    })
}

fn id(order: &Value) -> &str {
    order["id"].as_str().expect("an order has an id")
}

/// Remaining points of each lot by its source, in the order of expiry.
async fn lots(shop: &Shop, member: &str) -> Vec<i64> {
    let accounts = shop
        .get(&format!("/v1/members/{member}/accounts"), &shop.admin)
        .await
        .ok();
    let points = accounts
        .as_array()
        .unwrap()
        .iter()
        .find(|account| account["name"] == "points");
    let lots = points
        .and_then(|account| account["lots"].as_array())
        .cloned()
        .unwrap_or_default();
    lots.iter()
        .map(|lot| lot["remaining"].as_i64().expect("a number"))
        .collect()
}

async fn tier(shop: &Shop, member: &str) -> Value {
    let path = format!("/v1/members/{member}");
    shop.get(&path, &shop.admin).await.ok()["tier"].clone()
}

on_each_database! {
    // 4 apples at 1 kg = 40.00 paid with 1000 points (10.00) and 30.00 cash. Two lots of 600 and 900 points: the
    // one that expires first goes first, so 600 + 400 are spent. Half the line is worth 20.00: 5.00 in points.
    async fn refunding_half_a_line_returns_points_to_their_lot(shop) {
        let member = shop.member().await;
        shop.give_points_until(&member, 600, "2026-06-30").await;
        shop.give_points_until(&member, 900, "2026-12-31").await;
        let order = shop.buy(json!({
            "member": { "id": member }, "lines": [{ "product": "apples", "quantity": "4" }],
            "tenders": [{ "kind": "points", "points": 1_000 }, { "kind": "cash" }],
        })).await;
        assert_eq!(lots(&shop, &member).await, [500]);
        let refund = shop.refund(id(&order), json!([[0, "2"]])).await.ok();
        assert_eq!(refund["total"], 2_000);
        assert_eq!(refund["lines"][0]["remaining"], "2");
        let back: Vec<_> = refund["tenders"].as_array().unwrap().iter()
            .map(|tender| (tender["kind"].as_str().unwrap(), tender["amount"].as_i64().unwrap())).collect();
        assert_eq!(back, [("points", 500), ("cash", 1_500)]);
        assert_eq!(lots(&shop, &member).await.iter().sum::<i64>(), 1_000);
        shop.refund(id(&order), json!([[0, "2"]])).await.ok();
        assert_eq!(lots(&shop, &member).await, [600, 900]);
        shop.verify().await;
    }

    // Three cakes at 10 % off are 81.00; 81.00 / 3 = 27.00 each. With 1.00 off instead 89.00: the thirds are
    // 29.67, 29.66, 29.67 in whatever order, and must sum to 89.00; so must tax, 89.00 × 13/113 = 10.238 → 10.24.
    async fn every_partial_refund_sums_to_the_sale(shop) {
        shop.bind("points-standard", points()).await;
        let off = json!({ "discount": { "amount": { "off": 100 } } });
        shop.bind_with("promo-standard", off, json!({ "stage": "order" })).await;
        let member = shop.member().await;
        let order = shop.buy(cakes(&member, "3")).await;
        assert_eq!(order["totals"]["total"], 8_900);
        assert_eq!(order["totals"]["tax"], 1_024);
        assert_eq!(order["totals"]["points_earned"], 89);
        let (mut total, mut tax, mut points) = (0, 0, 0);
        for left in ["2", "1", "0"] {
            let refund = shop.refund(id(&order), json!([[0, "1"]])).await.ok();
            assert_eq!(refund["lines"][0]["remaining"], left);
            total += refund["total"].as_i64().unwrap();
            tax += refund["lines"][0]["tax"].as_i64().unwrap();
            points += refund["points_taken_back"].as_i64().unwrap();
            assert!((2_966..=2_967).contains(&refund["total"].as_i64().unwrap()), "{refund}");
        }
        assert_eq!((total, tax, points), (8_900, 1_024, 89));
        assert!(shop.balances(&member).await.is_empty());
        shop.verify().await;
    }

    async fn half_a_line_can_come_back_twice_and_not_three_times(shop) {
        let order = shop.buy(json!({ "lines": [{ "product": "cake", "quantity": "2" }] })).await;
        for _ in 0..2 {
            assert_eq!(shop.refund(id(&order), json!([[0, "1"]])).await.ok()["total"], 3_000);
        }
        assert_eq!(shop.refund(id(&order), json!([[0, "1"]])).await.refused(409), "over_refund");
        let rest = shop.refund(id(&order), Value::Null).await;
        assert!(rest.status.is_client_error(), "{}", rest.body);
        let refunds = shop.get(&format!("/v1/orders/{}/refunds", id(&order)), &shop.till).await.ok();
        assert_eq!(refunds.as_array().map(Vec::len), Some(2));
        shop.verify().await;
    }

    async fn more_than_was_sold_or_a_line_that_never_was_is_refused(shop) {
        let order = shop.buy(json!({ "lines": [{ "product": "cake", "quantity": "2" }] })).await;
        let over: &[&str] = &[];
        for (lines, status, code, pointers) in [
            (json!([[0, "3"]]), 409, "over_refund", over),
            (json!([[1, "1"]]), 422, "invalid_fields", &["/lines/0"]),
            (json!([[0, "1"], [7, "1"]]), 422, "invalid_fields", &["/lines/1"]),
            (json!([[0, "1"], [0, "1"]]), 422, "invalid_fields", &["/lines/1"]),
            (json!([[0, "0"]]), 422, "invalid_fields", &["/lines/0/quantity"]),
            (json!([[0, "-1"]]), 422, "invalid_fields", &["/lines/0/quantity"]),
            (json!([]), 422, "invalid_fields", &["/lines"]),
        ] {
            let answer = shop.refund(id(&order), lines.clone()).await;
            assert_eq!(answer.pointers(), pointers, "{lines}: {}", answer.body);
            assert_eq!(answer.refused(status), code, "{lines}");
        }
        let unknown = uuid::Uuid::now_v7().to_string();
        assert_eq!(shop.refund(&unknown, Value::Null).await.refused(404), "order_unknown");
        shop.verify().await;
    }

    // 90.00 earn 90 points, all of which pay a coffee, which earns 19. The refund takes these 19 and leaves a debt
    // of 71; the next 60 points repay 60 of it, the next 30 the other 11.
    async fn points_spent_before_the_refund_become_a_debt_that_later_earning_repays(shop) {
        shop.bind("points-standard", points()).await;
        let member = shop.member().await;
        let first = shop.buy(cakes(&member, "3")).await;
        shop.buy(coffee_for_points(&member, 90)).await;
        // 20.00 less 0.90 in points.
        assert_eq!(shop.balances(&member).await["points"], 19);
        let refund = shop.refund(id(&first), Value::Null).await.ok();
        assert_eq!(refund["total"], 9_000);
        assert_eq!(refund["kept_back"], 0);
        assert_eq!(shop.balances(&member).await, [("points-debt".to_owned(), -71)].into());
        shop.buy(cakes(&member, "2")).await;
        assert_eq!(shop.balances(&member).await, [("points-debt".to_owned(), -11)].into());
        shop.buy(cakes(&member, "1")).await;
        assert_eq!(shop.balances(&member).await, [("points".to_owned(), 19)].into());
        shop.verify().await;
    }

    // The same with the other setting: 71 points are missing, their worth of 0.71 is kept of the 90.00.
    async fn where_the_chain_says_so_spent_points_reduce_the_refund(shop) {
        shop.settings(json!({ "refund_spent_points": "reduce-refund" })).await;
        shop.bind("points-standard", points()).await;
        let member = shop.member().await;
        let first = shop.buy(cakes(&member, "3")).await;
        shop.buy(coffee_for_points(&member, 90)).await;
        let refund = shop.refund(id(&first), Value::Null).await.ok();
        assert_eq!(refund["kept_back"], 71);
        assert!(shop.balances(&member).await.is_empty());
        shop.verify().await;
    }

    // Two rules give 90 points each; 100 pay a coffee, which earns 19 + 19. Of 180 points 118 are there: 62 are
    // missing, whichever award is looked at first, and 0.62 is kept.
    async fn points_of_two_awards_are_missed_once_where_they_reduce_the_refund(shop) {
        shop.settings(json!({ "refund_spent_points": "reduce-refund" })).await;
        shop.bind("points-standard", points()).await;
        shop.bind("points-standard", points()).await;
        let member = shop.member().await;
        let first = shop.buy(cakes(&member, "3")).await;
        shop.buy(coffee_for_points(&member, 100)).await;
        assert_eq!(shop.balances(&member).await["points"], 118);
        assert_eq!(shop.refund(id(&first), Value::Null).await.ok()["kept_back"], 62);
        assert!(shop.balances(&member).await.is_empty());
        shop.verify().await;
    }

    // Points that cannot be spent yet were not spent: they go back, and the money comes back whole.
    async fn pending_points_reduce_no_refund(shop) {
        shop.settings(json!({ "refund_spent_points": "reduce-refund" })).await;
        let mut later = points();
        later["pending_days"] = json!(14);
        shop.bind("points-standard", later).await;
        let member = shop.member().await;
        let order = shop.buy(cakes(&member, "3")).await;
        assert_eq!(shop.balances(&member).await, [("points-pending".to_owned(), 90)].into());
        assert_eq!(shop.refund(id(&order), Value::Null).await.ok()["kept_back"], 0);
        assert!(shop.balances(&member).await.is_empty());
        shop.verify().await;
    }

    // 89.50 were paid with stored value, which is never kept, and 0.50 in cash. 71 points are missing: 50 are paid
    // for by the cash, 21 are owed.
    async fn what_the_money_does_not_cover_is_owed_and_nothing_is_taken_twice(shop) {
        shop.settings(json!({ "refund_spent_points": "reduce-refund" })).await;
        shop.bind("points-standard", points()).await;
        let member = shop.member().await;
        shop.top_up(&member, 8_950, 0).await;
        let mut basket = cakes(&member, "3");
        basket["tenders"] = json!([{ "kind": "stored-value" }, { "kind": "cash" }]);
        let first = shop.buy(basket).await;
        shop.buy(coffee_for_points(&member, 90)).await;
        assert_eq!(shop.balances(&member).await, [("points".to_owned(), 19)].into());
        assert_eq!(shop.refund(id(&first), Value::Null).await.ok()["kept_back"], 50);
        let balances = [("points-debt".to_owned(), -21), ("principal".to_owned(), 8_950)];
        assert_eq!(shop.balances(&member).await, balances.into());
        shop.verify().await;
    }

    async fn a_card_sale_goes_back_in_cash_only_by_permission(shop) {
        let order = shop.buy(json!({ "lines": [{ "product": "cake" }], "tenders": [{ "kind": "card" }] })).await;
        let path = format!("/v1/orders/{}/refunds", id(&order));
        let cash = json!({ "tender": "cash", "reason": "the card expired" });
        let needed = shop.post(&path, &shop.till, cash.clone()).await;
        let ask = needed.body["approve"].clone();
        assert_eq!(needed.refused(403), "approval_needed");
        assert_eq!(ask, json!({ "permission": "refund-other-tender", "subject": id(&order), "amount": 3_000 }));
        let boss = json!({ "id": "boss", "name": "boss", "role": "supervisor", "store": "east", "pin": "4711" });
        shop.post("/v1/staff", &shop.admin, boss).await.ok();
        let word = shop.post_on_duty("/v1/approvals", &shop.till, "boss:4711", ask).await.ok();
        let mut approved = cash.clone();
        approved["approval"] = word["approval"].clone();
        let refund = shop.post(&path, &shop.till, approved.clone()).await.ok();
        let nothing_left = shop.post(&path, &shop.till, approved).await;
        assert_eq!(nothing_left.refused(422), "invalid_fields");
        assert_eq!(refund["tenders"][0]["kind"], "card");
        assert_eq!(refund["tenders"][0]["paid_as"], "cash");
        assert_eq!(refund["tenders"][0]["amount"], 3_000);
        shop.verify().await;
    }

    // Everything a sale can move: points of two lots, bonus, principal, points earned, a coupon, a stamp card.
    async fn a_sale_refunded_in_full_leaves_everything_as_it_was(shop) {
        shop.bind("points-standard", points()).await;
        shop.bind("stamp-card", json!({ "every": 3, "goods": { "categories": ["drinks/coffee"] } })).await;
        let code = json!({ "discount": { "amount": { "off": 500 } }, "trigger": "code" });
        let binding = shop.bind_with("promo-standard", code, json!({ "stage": "coupons" })).await;
        shop.coupon(&binding, "ONCE5").await;
        let member = shop.member().await;
        shop.give_points_until(&member, 600, "2026-06-30").await;
        shop.give_points_until(&member, 900, "2026-12-31").await;
        shop.top_up(&member, 2_000, 1_000).await;
        let before = shop.wallet(&member).await;
        let basket = json!({
            "member": { "id": member }, "codes": ["ONCE5"],
            "lines": [{ "product": "coffee", "quantity": "4" }, { "product": "cake", "quantity": "2" }],
            "tenders": [{ "kind": "points", "points": 1_000 }, { "kind": "stored-value" }, { "kind": "cash" }],
        });
        // 80.00 + 60.00 less one free coffee less 5.00 = 115.00; 10.00 points, 30.00 stored value, 75.00 cash.
        let order = shop.buy(basket.clone()).await;
        assert_eq!(order["totals"]["total"], 11_500);
        assert_eq!(order["tenders"][2]["amount"], 7_500);
        assert_ne!(shop.wallet(&member).await, before);
        for lines in [json!([[0, "1"]]), json!([[1, "2"], [0, "1"]]), Value::Null] {
            shop.refund(id(&order), lines).await.ok();
        }
        assert_eq!(shop.wallet(&member).await, before);
        let coupon = shop.get("/v1/coupons/ONCE5", &shop.admin).await.ok();
        assert_eq!(coupon["uses"], 0);
        // The card is empty again too: the same basket is priced the same.
        let again = shop.quote(basket).await;
        assert_eq!(again["totals"]["total"], 11_500);
        shop.verify().await;
    }

    async fn a_refund_is_done_once_under_one_key_however_often_it_is_sent(shop) {
        let order = shop.buy(json!({ "lines": [{ "product": "cake", "quantity": "2" }] })).await;
        let path = format!("/v1/orders/{}/refunds", id(&order));
        let half = json!({ "lines": [{ "line": 0, "quantity": "1" }] });
        let first = shop.post_as(&path, &shop.till, "bill-7-refund", half.clone()).await;
        let again = shop.post_as(&path, &shop.till, "bill-7-refund", half).await;
        assert!(!first.is_replayed() && again.is_replayed());
        assert_eq!(first.ok(), again.ok());
        shop.verify().await;
    }

    // Ten tills at once take one of five cakes back each: five succeed.
    async fn refunds_at_once_never_return_more_than_was_sold(shop) {
        let order = shop.buy(json!({ "lines": [{ "product": "cake", "quantity": "5" }] })).await;
        let one = || shop.refund(id(&order), json!([[0, "1"]]));
        let answers = futures_util::future::join_all((0..10).map(|_| one())).await;
        let done = answers.iter().filter(|answer| answer.status.is_success()).count();
        assert_eq!(done, 5, "{answers:?}");
        shop.verify().await;
    }

    // Silver from 100.00, taken away at once by the rule. 120.00 reach it; 60.00 back leave 60.00. The review is a
    // setting of the chain: off by default.
    async fn a_refund_below_the_threshold_takes_the_tier_only_where_the_chain_reviews_it(shop) {
        let silver = json!({ "code": "silver", "name": "Silver", "threshold": 10_000, "multiplier": "1.2" });
        let ladder = json!({ "window_days": 365, "validity_days": 365, "refund_lowers": true, "tiers": [silver] });
        shop.bind("tier-standard", ladder).await;
        let (kept, lost) = (shop.member().await, shop.member().await);
        let order = shop.buy(cakes(&kept, "4")).await;
        let refund = shop.refund(id(&order), json!([[0, "2"]])).await.ok();
        assert!(refund["tier"].is_null());
        assert_eq!(tier(&shop, &kept).await["name"], "silver");

        shop.settings(json!({ "tier_review_on_refund": true })).await;
        let order = shop.buy(cakes(&lost, "4")).await;
        assert_eq!(tier(&shop, &lost).await["name"], "silver");
        let refund = shop.refund(id(&order), json!([[0, "2"]])).await.ok();
        assert_eq!(refund["tier"], json!({ "before": "silver", "after": null }));
        assert!(tier(&shop, &lost).await.is_null());
        // Found by verify too: the order's own call and the refund's.
        let path = format!("/v1/orders/{}/evaluations", id(&order));
        let asked = shop.get(&path, &shop.admin).await.ok();
        assert_eq!(asked.as_array().map(Vec::len), Some(2));
        assert_eq!((&asked[1]["asked_for"], &asked[1]["subject"]), (&json!("refund"), &refund["id"]));
        assert_eq!(asked[1]["facts_difference"]["aggregates"], json!([6_000]));
        assert_eq!(asked[1]["facts_difference"]["occasion"], "refund");
        shop.verify().await;
        let again = tessera::audit::reexecute(&shop.host.db, shop.host.catalog.engine()).await.unwrap();
        assert_eq!((again.orders, again.evaluations), (2, 3));
        // Twice up, once down.
        assert_eq!(shop.events().await.iter().filter(|kind| *kind == "member.tier_changed").count(), 3);
    }

    // The rule keeps a tier until its year has passed, unless it is told to lower at once: the review asks, the rule decides.
    async fn a_reviewed_tier_stays_where_the_rule_keeps_it(shop) {
        shop.settings(json!({ "tier_review_on_refund": true })).await;
        let silver = json!({ "code": "silver", "name": "Silver", "threshold": 10_000, "multiplier": "1.2" });
        shop.bind("tier-standard", json!({ "window_days": 365, "validity_days": 365, "tiers": [silver] })).await;
        let member = shop.member().await;
        let order = shop.buy(cakes(&member, "4")).await;
        let refund = shop.refund(id(&order), Value::Null).await.ok();
        assert_eq!(refund["tier"]["after"], "silver");
        assert_eq!(tier(&shop, &member).await["valid_until"], "2027-03-02");
        shop.verify().await;
    }
}
