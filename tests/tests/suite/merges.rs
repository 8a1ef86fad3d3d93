//! What counts of a merged member counts for whom he became part of: orders, purchases, referrals and debts.

use serde_json::{Value, json};
use tessera_tests::on_each_database;
use tessera_tests::shop::{Answer, Shop};

async fn merge(shop: &Shop, from: &str, into: &str) {
    let body = json!({ "into": { "id": into }, "reason": "enrolled twice" });
    shop.post(&format!("/v1/members/{from}/merge"), &shop.admin, body)
        .await
        .ok();
}

async fn undo(shop: &Shop, from: &str) -> Answer {
    let body = json!({ "reason": "two persons" });
    shop.post(&format!("/v1/members/{from}/merge/undo"), &shop.admin, body)
        .await
}

async fn known(shop: &Shop, member: &str) -> Value {
    shop.get(&format!("/v1/members/{member}"), &shop.till)
        .await
        .ok()
}

/// Coffees for 20.00 each.
async fn buy(shop: &Shop, member: &str, coffees: u32) -> String {
    let line = json!({ "product": "coffee", "quantity": coffees.to_string() });
    let basket = json!({ "member": { "id": member }, "lines": [line] });
    shop.buy(basket).await["id"]
        .as_str()
        .expect("an id")
        .to_owned()
}

async fn jobs(shop: &Shop) {
    tessera::jobs::run_once(&shop.host).await.expect("jobs run");
}

/// Every row of what a member bought.
async fn days(shop: &Shop, member: &str) -> Vec<(i64, String, i64, i64, i64, i64)> {
    let mut conn = shop.host.db.read().await.expect("the database answers");
    tessera::on!(&mut conn, c => sqlx::query_as(
        "SELECT day, category, spend, orders, units, points FROM member_days WHERE member = $1 ORDER BY day, category"
    ).bind(member).fetch_all(c).await)
    .expect("read")
}

async fn joined_by(shop: &Shop, referrer: &str) -> String {
    let code = known(shop, referrer).await["referral_code"].clone();
    shop.member_with(json!({ "referral_code": code })).await
}

async fn referred(shop: &Shop, member: &str) -> Vec<String> {
    let path = format!("/v1/members/{member}/referrals");
    let page = shop.get(&path, &shop.till).await.ok();
    let items = page["items"].as_array().expect("a list").iter();
    let mut all: Vec<String> = items
        .map(|one| one["member"].as_str().expect("an id").to_owned())
        .collect();
    all.sort();
    all
}

on_each_database! {
    async fn orders_and_purchases_of_both_lead_to_one_tier_and_are_parted_to_the_row(shop) {
        let silver = json!({ "code": "silver", "name": "Silver", "threshold": 20_000, "multiplier": 1 });
        shop.bind("tier-standard", json!({ "window_days": 365, "validity_days": 365, "tiers": [silver] })).await;
        shop.bind("points-standard", crate::checkout::points()).await;
        let (one, two) = (shop.member().await, shop.member().await);
        let first = buy(&shop, &one, 4).await;
        buy(&shop, &two, 4).await;
        shop.later(86_400);
        buy(&shop, &one, 1).await;
        let before = (days(&shop, &one).await, days(&shop, &two).await);
        merge(&shop, &one, &two).await;
        assert_eq!((&known(&shop, &two).await["orders"], &known(&shop, &one).await["orders"]), (&json!(3), &json!(0)));
        assert!(days(&shop, &one).await.is_empty());
        let whole = days(&shop, &two).await;
        let spent: i64 = whole.iter().filter(|row| row.1.is_empty()).map(|row| row.2).sum();
        assert_eq!(spent, 18_000);
        undo(&shop, &one).await.ok();
        assert_eq!((days(&shop, &one).await, days(&shop, &two).await), before);
        assert_eq!((&known(&shop, &two).await["orders"], &known(&shop, &one).await["orders"]), (&json!(1), &json!(2)));
        merge(&shop, &one, &two).await;
        // One more coffee makes 200.00 of one person.
        let basket = json!({ "member": { "id": two }, "lines": [{ "product": "coffee" }], "tenders": [{ "kind": "cash" }] });
        let quote = shop.quote(basket).await;
        assert_eq!(quote["tier"]["after"], "silver");
        // What comes back of an order from before is brought after, and goes along where the two are parted.
        shop.refund(&first, json!([[0, "1"]])).await.ok();
        jobs(&shop).await;
        assert!(days(&shop, &one).await.is_empty());
        let spent: i64 = days(&shop, &two).await.iter().filter(|row| row.1.is_empty()).map(|row| row.2).sum();
        assert_eq!(spent, 16_000);
        undo(&shop, &one).await.ok();
        assert_eq!(days(&shop, &two).await, before.1);
        let own: i64 = days(&shop, &one).await.iter().filter(|row| row.1.is_empty()).map(|row| row.2).sum();
        assert_eq!(own, 8_000);
        shop.verify().await;
    }

    async fn through_several_merges_everything_reaches_the_last_and_comes_back_in_turn(shop) {
        let (one, two, three) = (shop.member().await, shop.member().await, shop.member().await);
        let order = buy(&shop, &one, 1).await;
        buy(&shop, &two, 2).await;
        merge(&shop, &one, &two).await;
        merge(&shop, &two, &three).await;
        assert_eq!(known(&shop, &three).await["orders"], 2);
        shop.refund(&order, Value::Null).await.ok();
        jobs(&shop).await;
        jobs(&shop).await;
        assert_eq!(known(&shop, &three).await["orders"], 1);
        assert_eq!(undo(&shop, &one).await.refused(409), "member_merged");
        undo(&shop, &two).await.ok();
        assert_eq!(known(&shop, &three).await["orders"], 0);
        assert!(days(&shop, &three).await.is_empty());
        undo(&shop, &one).await.ok();
        assert_eq!((&known(&shop, &one).await["orders"], &known(&shop, &two).await["orders"]), (&json!(0), &json!(1)));
        let of_two: i64 = days(&shop, &two).await.iter().filter(|row| row.1.is_empty()).map(|row| row.2).sum();
        assert_eq!(of_two, 4_000);
        shop.verify().await;
    }

    async fn whom_a_merged_member_brought_and_who_brought_him_belong_to_the_one_he_is(shop) {
        let (friend, two) = (shop.member().await, shop.member().await);
        let one = joined_by(&shop, &friend).await;
        let (anna, ben) = (joined_by(&shop, &one).await, joined_by(&shop, &two).await);
        merge(&shop, &one, &two).await;
        let mut both = vec![anna.clone(), ben.clone()];
        both.sort();
        assert_eq!((referred(&shop, &two).await, referred(&shop, &one).await), (both, Vec::new()));
        assert_eq!(known(&shop, &two).await["referred_by"], json!(friend));
        assert_eq!(known(&shop, &anna).await["referred_by"], json!(two));
        // His code still brings people, now to whom he is.
        let carl = joined_by(&shop, &one).await;
        assert_eq!(known(&shop, &carl).await["referred_by"], json!(two));
        undo(&shop, &one).await.ok();
        assert_eq!(referred(&shop, &one).await, [anna]);
        let mut own = vec![ben, carl];
        own.sort();
        assert_eq!(referred(&shop, &two).await, own);
        assert_eq!(known(&shop, &two).await.get("referred_by"), None);
        assert_eq!(known(&shop, &one).await["referred_by"], json!(friend));
        // Of two who brought each other nobody brought himself.
        let twin = joined_by(&shop, &two).await;
        merge(&shop, &two, &twin).await;
        assert!(!referred(&shop, &twin).await.contains(&twin));
        undo(&shop, &two).await.ok();
        assert!(referred(&shop, &two).await.contains(&twin));
        shop.verify().await;
    }

    async fn debts_that_moved_come_back_with_their_member_unless_they_were_repaid(shop) {
        shop.bind("points-standard", crate::checkout::points()).await;
        // Points of a sale that are spent when it comes back become a debt.
        let owing = || {
            let shop = &shop;
            async move {
                let member = shop.member().await;
                let order = buy(shop, &member, 4).await;
                let tea = json!({
                    "member": { "id": member }, "lines": [{ "product": "tea" }],
                    "tenders": [{ "kind": "points", "points": 80 }, { "kind": "cash" }],
                });
                shop.buy(tea).await;
                shop.refund(&order, Value::Null).await.ok();
                member
            }
        };
        let (one, two) = (owing().await, shop.member().await);
        let debt = shop.balances(&one).await;
        assert!(debt["points-debt"] < 0 && debt.len() == 1, "{debt:?}");
        // Whoever has nothing owes it now, and gives it back.
        merge(&shop, &one, &two).await;
        assert_eq!((shop.balances(&one).await, shop.balances(&two).await), (Default::default(), debt.clone()));
        undo(&shop, &one).await.ok();
        assert_eq!((shop.balances(&one).await, shop.balances(&two).await), (debt.clone(), Default::default()));
        // Whoever has points repaid it with the merge, and gets them back into their lot.
        shop.give_points_until(&two, 500, "2026-12-31").await;
        let before = shop.wallet(&two).await;
        merge(&shop, &one, &two).await;
        assert_eq!(shop.balances(&two).await["points"], 500 + debt["points-debt"]);
        undo(&shop, &one).await.ok();
        assert_eq!((shop.balances(&one).await, shop.wallet(&two).await), (debt, before));
        // What was repaid since by earning is not owed twice.
        let (three, four) = (owing().await, shop.member().await);
        merge(&shop, &three, &four).await;
        shop.give_points(&four, 1_000).await;
        assert_eq!(undo(&shop, &three).await.refused(409), "merge_debt_repaid");
        assert_eq!(known(&shop, &three).await["merged_into"], json!(four));
        shop.verify().await;
    }
}
