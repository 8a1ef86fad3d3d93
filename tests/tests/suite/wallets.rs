//! Value moved outside a sale: paid out, given to others, put right, taken back; and who has to agree.

use futures_util::future::join_all;
use serde_json::{Value, json};
use tessera_tests::on_each_database;
use tessera_tests::shop::{Answer, Shop};

const PIN: &str = "4711";

/// Balance of a member's account.
async fn on(shop: &Shop, member: &str, account: &str) -> i64 {
    let balances = shop.balances(member).await;
    balances.get(account).copied().unwrap_or(0)
}

async fn wallet(shop: &Shop, member: &str) -> (i64, i64) {
    (
        on(shop, member, "principal").await,
        on(shop, member, "bonus").await,
    )
}

async fn person(shop: &Shop, name: &str, role: &str) -> String {
    let body = json!({ "id": name, "name": name, "role": role, "store": "east", "pin": PIN });
    shop.post("/v1/staff", &shop.admin, body).await.ok();
    format!("{name}:{PIN}")
}

async fn withdraw(shop: &Shop, key: &str, member: &str, amount: i64) -> Answer {
    let body = json!({ "store": "east", "amount": amount, "tender": { "kind": "cash" } });
    shop.post(&format!("/v1/members/{member}/withdrawals"), key, body)
        .await
}

async fn give(shop: &Shop, key: &str, from: &str, to: &str, what: &str, amount: i64) -> Answer {
    let body = json!({ "store": "east", "to": { "id": to }, "what": what, "amount": amount });
    shop.post(&format!("/v1/members/{from}/transfers"), key, body)
        .await
}

async fn adjust(shop: &Shop, member: &str, body: Value) -> Answer {
    shop.post(
        &format!("/v1/members/{member}/adjustments"),
        &shop.admin,
        body,
    )
    .await
}

async fn reverse(shop: &Shop, key: &str, member: &str, entry: &Value) -> Answer {
    let entry = entry.as_str().expect("an entry");
    let path = format!("/v1/members/{member}/entries/{entry}/reversal");
    shop.post(&path, key, json!({ "reason": "typed wrongly" }))
        .await
}

on_each_database! {
    async fn what_is_paid_out_leaves_the_principal_and_takes_its_share_of_the_gift(shop) {
        let member = shop.member().await;
        shop.top_up(&member, 50_000, 5_000).await;
        shop.settings(json!({ "withdrawal": { "fee": "0.5%", "least": 100, "approval_above": 20_000 } })).await;
        let done = withdraw(&shop, &shop.till, &member, 10_000).await.ok();
        assert_eq!(done["postings"].as_array().expect("postings").len(), 2);
        // A fifth of the principal, so a fifth of the bonus; half a percent of it stays with the chain.
        assert_eq!(wallet(&shop, &member).await, (40_000, 4_000));
        assert_eq!(shop.system("fees/withdrawal/east", "CNY").await, 50);
        assert_eq!(shop.system("tender/cash/east", "CNY").await, -50_000 + 9_950);
        // Only the member's own money is paid out, and only what is there.
        assert_eq!(withdraw(&shop, &shop.supervisor, &member, 40_001).await.refused(409), "balance_short");
        for amount in [0, -1, 99, i64::MAX] {
            assert_eq!(withdraw(&shop, &shop.till, &member, amount).await.refused(422), "invalid_fields");
        }
        withdraw(&shop, &shop.supervisor, &member, 40_000).await.ok();
        assert_eq!(wallet(&shop, &member).await, (0, 0));
        assert_eq!(withdraw(&shop, &shop.till, &member, 100).await.refused(409), "balance_short");
        let foreign = withdraw(&shop, &shop.west_till, &member, 100).await;
        assert_eq!(foreign.refused(403), "other_store");
        shop.verify().await;
    }

    async fn an_approval_is_for_one_request_of_somebody_else_and_lasts_a_minute(shop) {
        let member = shop.member().await;
        shop.top_up(&member, 50_000, 0).await;
        let (boss, cashier) = (person(&shop, "boss", "supervisor").await, person(&shop, "cashier", "cashier").await);
        let path = format!("/v1/members/{member}/withdrawals");
        let body = |approval: &Value| json!({
            "store": "east", "amount": 10_000, "tender": { "kind": "cash" }, "approval": approval,
        });
        let needed = withdraw(&shop, &shop.till, &member, 10_000).await;
        let ask = needed.body["approve"].clone();
        assert_eq!(needed.refused(403), "approval_needed");
        assert_eq!(ask, json!({ "permission": "pay-out-above-limit", "subject": member, "amount": 10_000 }));
        let approve = |who: String, ask: Value| {
            let shop = &shop;
            async move { shop.post_on_duty("/v1/approvals", &shop.till, &who, ask).await }
        };
        // Who may not do it himself lets nobody else do it; a key alone is nobody; a wrong PIN neither.
        assert_eq!(approve(cashier.clone(), ask.clone()).await.refused(403), "forbidden");
        assert_eq!(shop.post("/v1/approvals", &shop.till, ask.clone()).await.refused(403), "staff_needed");
        let wrong = boss.replace(PIN, "0000");
        assert_eq!(approve(wrong, ask.clone()).await.refused(403), "staff_pin_wrong");
        let given = approve(boss.clone(), ask.clone()).await.ok()["approval"].clone();
        // For another amount or another member it says nothing.
        let mut other = body(&given);
        other["amount"] = json!(10_001);
        assert_eq!(shop.post(&path, &shop.till, other).await.refused(403), "approval_refused");
        let stranger = shop.member().await;
        let elsewhere = format!("/v1/members/{stranger}/withdrawals");
        assert_eq!(shop.post(&elsewhere, &shop.till, body(&given)).await.refused(403), "approval_refused");
        let forged = given.as_str().expect("a text").replace('.', ".0");
        assert_eq!(shop.post(&path, &shop.till, body(&json!(forged))).await.refused(403), "approval_refused");
        // However often it is shown at once, it is used once.
        let tries = join_all((0..16).map(|_| shop.post(&path, &shop.till, body(&given)))).await;
        let worked = tries.iter().filter(|answer| answer.status == 201).count();
        assert_eq!(worked, 1);
        let refused: Vec<_> = tries.iter().filter(|answer| answer.status != 201).map(|a| &a.body["code"]).collect();
        assert!(refused.iter().all(|code| **code == "approval_refused"), "{refused:?}");
        assert_eq!(wallet(&shop, &member).await, (40_000, 0));
        let late = approve(boss.clone(), ask.clone()).await.ok()["approval"].clone();
        shop.later(61);
        assert_eq!(shop.post(&path, &shop.till, body(&late)).await.refused(403), "approval_refused");
        // Nobody approves his own request, and whoever may do it needs none.
        let own = json!({ "permission": "adjust-points", "subject": member, "amount": 100 });
        let manager = person(&shop, "manager", "manager").await;
        let word = approve(manager.clone(), own).await.ok()["approval"].clone();
        let points = format!("/v1/members/{member}/adjustments");
        let mend = json!({ "points": 100, "reason": "by hand", "approval": word });
        shop.post_on_duty(&points, &shop.till, &cashier, mend).await.ok();
        assert_eq!(on(&shop, &member, "points").await, 100);
        let events = shop.events().await;
        assert_eq!(events.iter().filter(|kind| *kind == "approval.given").count(), 3);
        shop.verify().await;
    }

    async fn points_given_away_keep_their_last_days_and_money_its_owner(shop) {
        let (giver, taker) = (shop.member().await, shop.member().await);
        shop.top_up(&giver, 10_000, 1_000).await;
        for (points, day) in [(200, "2026-12-13"), (100, "2026-09-04")] {
            shop.give_points_until(&giver, points, day).await;
        }
        let refused = give(&shop, &shop.supervisor, &giver, &taker, "points", 10).await;
        assert_eq!(refused.refused(409), "not_offered");
        shop.settings(json!({
            "points_transfer": { "fee": "10%", "most_per_day": 160 },
            "stored_value_transfer": { "approval_above": 5_000 },
        })).await;
        assert_eq!(give(&shop, &shop.till, &giver, &taker, "points", 10).await.refused(403), "approval_needed");
        give(&shop, &shop.supervisor, &giver, &taker, "points", 150).await.ok();
        // 100 that expire first, 50 of the others; the fee from the others.
        assert_eq!((on(&shop, &giver, "points").await, on(&shop, &taker, "points").await), (135, 150));
        let accounts = shop.get(&format!("/v1/members/{taker}/accounts"), &shop.admin).await.ok();
        let lots = accounts[0]["lots"].as_array().expect("lots").iter().map(|lot| (lot["remaining"].clone(), lot["expires_on"].clone()));
        let lots: Vec<_> = lots.collect();
        assert_eq!(lots, [(json!(100), json!("2026-09-04")), (json!(50), json!("2026-12-13"))]);
        assert_eq!(give(&shop, &shop.supervisor, &giver, &taker, "points", 11).await.refused(409), "limit_reached");
        give(&shop, &shop.supervisor, &giver, &taker, "points", 10).await.ok();
        give(&shop, &shop.till, &giver, &taker, "stored-value", 4_000).await.ok();
        assert_eq!(wallet(&shop, &giver).await, (6_000, 1_000));
        assert_eq!(wallet(&shop, &taker).await, (4_000, 0));
        assert_eq!(give(&shop, &shop.till, &giver, &giver, "stored-value", 1).await.refused(422), "invalid_fields");
        assert_eq!(give(&shop, &shop.till, &giver, "nobody", "stored-value", 1).await.refused(422), "member_unknown");
        assert_eq!(give(&shop, &shop.supervisor, &giver, &taker, "stored-value", 6_001).await.refused(409), "balance_short");
        // Of 64 at once as many succeed as the money suffices for.
        let gifts = join_all((0..64).map(|_| give(&shop, &shop.till, &giver, &taker, "stored-value", 200))).await;
        assert_eq!(gifts.iter().filter(|answer| answer.status == 201).count(), 30);
        assert_eq!(wallet(&shop, &taker).await, (10_000, 0));
        shop.verify().await;
    }

    async fn what_was_moved_is_put_back_once_and_whole(shop) {
        shop.settings(json!({
            "withdrawal": { "fee": "1%", "approval_above": 1_000_000 },
            "points_transfer": { "approval_above": 1_000, "fee": "10%", "most_per_day": 100 },
        })).await;
        let gift = json!({ "events": [{ "on": "top-up", "points_per": { "spend": 100, "points": 1 } }] });
        shop.bind("points-standard", gift).await;
        let (member, friend) = (shop.member().await, shop.member().await);
        let nothing = shop.wallet(&member).await;
        let top_up = format!("/v1/members/{member}/top-ups");
        let body = json!({ "store": "east", "amount": 20_000, "bonus": 2_000, "tender": { "kind": "cash" } });
        let paid = shop.post(&top_up, &shop.admin, body.clone()).await.ok();
        let before = shop.wallet(&member).await;
        assert_eq!(on(&shop, &member, "points").await, 200, "the rule's gift for the top-up");
        let out = withdraw(&shop, &shop.till, &member, 5_000).await.ok();
        assert_eq!(wallet(&shop, &member).await, (15_000, 1_500));
        assert_eq!(reverse(&shop, &shop.till, &member, &out["entry"]).await.refused(403), "approval_needed");
        reverse(&shop, &shop.supervisor, &member, &out["entry"]).await.ok();
        assert_eq!(shop.wallet(&member).await, before);
        let given = give(&shop, &shop.till, &member, &friend, "points", 100).await.ok();
        assert_eq!(on(&shop, &friend, "points").await, 100);
        reverse(&shop, &shop.supervisor, &member, &given["entry"]).await.ok();
        assert_eq!(shop.wallet(&member).await, before);
        assert_eq!(shop.wallet(&friend).await, nothing);
        // The day's limit is free again.
        let given = give(&shop, &shop.till, &member, &friend, "points", 100).await.ok();
        reverse(&shop, &shop.supervisor, &member, &given["entry"]).await.ok();
        let added = adjust(&shop, &member, json!({ "points": 50, "reason": "test" })).await.ok();
        reverse(&shop, &shop.supervisor, &member, &added["entry"]).await.ok();
        let taken = adjust(&shop, &member, json!({ "points": -50, "reason": "test" })).await.ok();
        reverse(&shop, &shop.supervisor, &member, &taken["entry"]).await.ok();
        assert_eq!(shop.wallet(&member).await, before);
        // The top-up goes back with what its rule gave; of 16 at once one does it.
        let tries = join_all((0..16).map(|_| reverse(&shop, &shop.supervisor, &member, &paid["entry"]))).await;
        assert_eq!(tries.iter().filter(|answer| answer.status == 201).count(), 1);
        let refused = tries.iter().filter(|answer| answer.status != 201);
        assert!(refused.clone().all(|answer| answer.body["code"] == "entry_reversed"));
        assert_eq!(shop.wallet(&member).await, nothing);
        assert_eq!(shop.system("tender/cash/east", "CNY").await, 0);
        assert_eq!(shop.system("fees/withdrawal/east", "CNY").await, 0);
        shop.verify().await;
    }

    async fn points_become_a_reward_while_pieces_are_left_and_come_back_unused(shop) {
        let code = json!({ "discount": { "amount": { "off": 500 } }, "trigger": "code" });
        let binding = shop.bind_with("promo-standard", code, json!({ "stage": "coupons" })).await;
        let reward = |gives: Value, stock: Value| json!({ "name": "A gift", "points": 100, "gives": gives, "stock": stock });
        shop.put("/v1/rewards/mug", reward(json!({ "goods": { "product": "tea" } }), json!(10))).await;
        shop.put("/v1/rewards/five-off", reward(json!({ "coupon": { "binding": binding, "days": 1 } }), json!(null))).await;
        shop.put("/v1/rewards/money", reward(json!({ "bonus": { "amount": 300, "days": 30 } }), json!(null))).await;
        let member = shop.member().await;
        shop.give_points_until(&member, 5_000, "2026-12-31").await;
        let before = shop.wallet(&member).await;
        let path = format!("/v1/members/{member}/exchanges");
        let ask = |reward: &str, quantity: i64| json!({ "reward": reward, "quantity": quantity });
        // Of 64 at once as many succeed as there are pieces.
        let tries = join_all((0..64).map(|_| shop.post(&path, &shop.till, ask("mug", 1)))).await;
        assert_eq!(tries.iter().filter(|answer| answer.status == 201).count(), 10);
        let refused = tries.iter().filter(|answer| answer.status != 201);
        assert!(refused.clone().all(|answer| answer.body["code"] == "limit_reached"));
        assert_eq!(on(&shop, &member, "points").await, 4_000);
        let list = shop.get("/v1/rewards", &shop.till).await.ok();
        let mug = list["items"].as_array().expect("a list").iter().find(|reward| reward["id"] == "mug");
        assert_eq!(mug.expect("the mug")["left"], 0);
        for answer in tries.iter().filter(|answer| answer.status == 201) {
            reverse(&shop, &shop.supervisor, &member, &answer.body["entry"]).await.ok();
        }
        assert_eq!(shop.wallet(&member).await, before);
        shop.post(&path, &shop.till, ask("mug", 10)).await.ok();
        assert_eq!(shop.post(&path, &shop.till, ask("mug", 1)).await.refused(409), "limit_reached");
        // Two coupons of his own, once each, today; and bonus that lasts.
        let coupons = shop.post_as(&path, &shop.till, "two", ask("five-off", 2)).await.ok();
        let again = shop.post_as(&path, &shop.till, "two", ask("five-off", 2)).await;
        assert!(again.is_replayed() && again.body["codes"] == coupons["codes"]);
        let codes = coupons["codes"].as_array().expect("codes").clone();
        assert_eq!(codes.len(), 2);
        let order = shop.buy(json!({
            "member": { "id": member }, "lines": [{ "product": "coffee" }], "codes": [codes[0]],
            "tenders": [{ "kind": "cash" }],
        })).await;
        assert_eq!(order["totals"]["total"], 1_500);
        // One of them was used, so the exchange stays.
        assert_eq!(reverse(&shop, &shop.supervisor, &member, &coupons["entry"]).await.refused(409), "coupon_used");
        let unused = shop.post(&path, &shop.till, ask("five-off", 1)).await.ok();
        reverse(&shop, &shop.supervisor, &member, &unused["entry"]).await.ok();
        let void = shop.get(&format!("/v1/coupons/{}", unused["codes"][0].as_str().expect("a code")), &shop.till).await;
        assert_eq!(void.ok()["void"], true);
        let money = shop.post(&path, &shop.till, ask("money", 3)).await.ok();
        assert_eq!(wallet(&shop, &member).await, (0, 900));
        reverse(&shop, &shop.supervisor, &member, &money["entry"]).await.ok();
        assert_eq!(wallet(&shop, &member).await, (0, 0));
        // What is wrong is said with its place.
        for (body, status, code) in [
            (ask("nothing", 1), 422, "reward_unknown"),
            (ask("money", 0), 422, "invalid_fields"),
            (ask("money", 101), 422, "invalid_fields"),
            (ask("money", 100), 409, "balance_short"),
        ] {
            assert_eq!(shop.post(&path, &shop.till, body).await.refused(status), code);
        }
        assert_eq!(shop.get(&path, &shop.till).await.ok()["items"].as_array().expect("a list").len(), 14);
        shop.verify().await;
    }

    async fn a_gift_spent_before_its_top_up_is_put_back_becomes_a_debt_and_money_spent_refuses(shop) {
        let member = shop.member().await;
        let top_up = format!("/v1/members/{member}/top-ups");
        let body = json!({ "store": "east", "amount": 10_000, "bonus": 2_000, "tender": { "kind": "cash" } });
        let paid = shop.post(&top_up, &shop.admin, body).await.ok();
        let basket = json!({
            "member": { "id": member }, "lines": [{ "product": "tea" }],
            "tenders": [{ "kind": "stored-value", "amount": 1_200 }],
        });
        let order = shop.buy(basket.clone()).await;
        assert_eq!(wallet(&shop, &member).await, (10_000, 800));
        reverse(&shop, &shop.supervisor, &member, &paid["entry"]).await.ok();
        assert_eq!((wallet(&shop, &member).await, on(&shop, &member, "bonus-debt").await), ((0, 0), -1_200));
        // The sale's entry is no movement of its own, and neither is one of somebody else.
        let entries = shop.get(&format!("/v1/members/{member}/entries"), &shop.admin).await.ok();
        let sale = entries["items"].as_array().expect("a list").iter().find(|entry| entry["kind"] == "sale");
        let sale = sale.expect("the sale")["id"].clone();
        assert_eq!(reverse(&shop, &shop.supervisor, &member, &sale).await.refused(409), "not_reversible");
        let stranger = shop.member().await;
        assert_eq!(reverse(&shop, &shop.supervisor, &stranger, &paid["entry"]).await.refused(404), "entry_unknown");
        shop.refund(order["id"].as_str().expect("an id"), json!([[0, "1"]])).await.ok();
        assert_eq!((wallet(&shop, &member).await, on(&shop, &member, "bonus-debt").await), ((0, 0), 0));
        shop.top_up(&member, 3_000, 0).await;
        let entries = shop.get(&format!("/v1/members/{member}/entries"), &shop.admin).await.ok();
        let last = entries["items"][0]["id"].clone();
        shop.buy(basket).await;
        assert_eq!(reverse(&shop, &shop.supervisor, &member, &last).await.refused(409), "balance_short");
        shop.verify().await;
    }
}
