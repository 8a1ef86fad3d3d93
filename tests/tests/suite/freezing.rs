//! Frozen value, and how much a wallet may hold: decided where the value moves, however many tills ask at once.

use futures_util::future::join_all;
use serde_json::{Value, json};
use tessera_tests::on_each_database;
use tessera_tests::shop::{Answer, Shop};

async fn set(shop: &Shop, key: &str, member: &str, verb: &str, what: &str) -> Answer {
    let body = json!({ "what": what, "reason": "the card was reported stolen" });
    shop.post(&format!("/v1/members/{member}/{verb}"), key, body)
        .await
}

async fn freeze(shop: &Shop, member: &str, what: &str) -> Answer {
    set(shop, &shop.supervisor, member, "freeze", what).await
}

async fn unfreeze(shop: &Shop, member: &str, what: &str) -> Answer {
    set(shop, &shop.supervisor, member, "unfreeze", what).await
}

async fn pay_in(shop: &Shop, member: &str, amount: i64) -> Answer {
    let body = json!({ "store": "east", "amount": amount, "tender": { "kind": "cash" } });
    shop.post(&format!("/v1/members/{member}/top-ups"), &shop.till, body)
        .await
}

async fn give(shop: &Shop, from: &str, to: &str, what: &str, amount: i64) -> Answer {
    let body = json!({ "store": "east", "to": { "id": to }, "what": what, "amount": amount });
    shop.post(
        &format!("/v1/members/{from}/transfers"),
        &shop.supervisor,
        body,
    )
    .await
}

async fn on(shop: &Shop, member: &str, account: &str) -> i64 {
    shop.balances(member)
        .await
        .get(account)
        .copied()
        .unwrap_or(0)
}

/// A tea for 12.00, paid by the member as named.
fn tea(member: &str, tender: &str) -> Value {
    let unit = if tender == "points" {
        "points"
    } else {
        "amount"
    };
    let mut paid = json!({ "kind": tender });
    paid[unit] = json!(1_200);
    json!({ "member": { "id": member }, "lines": [{ "product": "tea" }], "tenders": [paid] })
}

fn done(answers: &[Answer]) -> usize {
    answers
        .iter()
        .filter(|answer| answer.status.is_success())
        .count()
}

fn id(body: &Value) -> &str {
    body["id"].as_str().expect("an id")
}

on_each_database! {
    async fn frozen_value_is_neither_spent_nor_paid_out_nor_given_away(shop) {
        shop.settings(json!({ "stored_value_transfer": {}, "points_transfer": {} })).await;
        let (member, friend) = (shop.member().await, shop.member().await);
        shop.top_up(&member, 10_000, 1_000).await;
        shop.give_points(&member, 5_000).await;
        let before = shop.wallet(&member).await;
        let (money, points) = (shop.quote(tea(&member, "stored-value")).await, shop.quote(tea(&member, "points")).await);
        assert_eq!(set(&shop, &shop.till, &member, "freeze", "everything").await.refused(403), "forbidden");
        let frozen = freeze(&shop, &member, "stored-value").await.ok();
        assert_eq!(frozen, json!({ "stored_value": true, "points": false }));
        // The quote is from before the freeze; its commit is not.
        assert_eq!(shop.commit(id(&money)).await.refused(409), "value_frozen");
        let held = shop.post(&format!("/v1/quotes/{}/hold", id(&money)), &shop.till, json!({})).await;
        assert_eq!(held.refused(409), "value_frozen");
        let out = json!({ "store": "east", "amount": 100, "tender": { "kind": "cash" } });
        let out = shop.post(&format!("/v1/members/{member}/withdrawals"), &shop.supervisor, out).await;
        assert_eq!(out.refused(409), "value_frozen");
        assert_eq!(give(&shop, &member, &friend, "stored-value", 100).await.refused(409), "value_frozen");
        assert_eq!(pay_in(&shop, &member, 100).await.refused(409), "value_frozen");
        shop.top_up(&friend, 1_000, 0).await;
        assert_eq!(give(&shop, &friend, &member, "stored-value", 100).await.refused(409), "value_frozen");
        // Points are another matter, until everything is frozen.
        give(&shop, &member, &friend, "points", 10).await.ok();
        assert_eq!(freeze(&shop, &member, "everything").await.refused(409), "freeze_unchanged");
        freeze(&shop, &member, "points").await.ok();
        assert_eq!(shop.commit(id(&points)).await.refused(409), "value_frozen");
        assert_eq!(give(&shop, &member, &friend, "points", 10).await.refused(409), "value_frozen");
        // He can still buy for cash, and what he bought can come back.
        let order = shop.buy(json!({ "member": { "id": member }, "lines": [{ "product": "tea" }] })).await;
        shop.refund(id(&order), json!(null)).await.ok();
        let state = shop.get(&format!("/v1/members/{member}/freeze"), &shop.till).await.ok();
        assert_eq!(state, json!({ "stored_value": true, "points": true }));
        unfreeze(&shop, &member, "everything").await.ok();
        assert_eq!(unfreeze(&shop, &member, "points").await.refused(409), "freeze_unchanged");
        give(&shop, &friend, &member, "points", 10).await.ok();
        let after = shop.wallet(&member).await;
        assert_eq!(after.as_array().map(Vec::len), before.as_array().map(Vec::len));
        let again = shop.quote(tea(&member, "stored-value")).await;
        shop.commit(id(&again)).await.ok();
        assert_eq!(on(&shop, &member, "bonus").await, 0);
        assert_eq!(on(&shop, &member, "principal").await, 9_800);
        let told = shop.events().await;
        let told = told.iter().filter(|kind| kind.ends_with("frozen"));
        assert_eq!(told.collect::<Vec<_>>(), ["member.frozen", "member.frozen", "member.unfrozen"]);
        shop.verify().await;
    }

    async fn frozen_value_keeps_passes_from_being_used_by_whomever_until_it_is_unfrozen(shop) {
        shop.product("wash", "services/wash", "piece", 3_000, "standard").await;
        let pass = json!({
            "id": "washes", "sku": "washes", "name": "Ten washes", "category": "passes", "currency": "CNY", "price": 20_000,
            "tax_class": "standard", "pass": { "uses": 10, "categories": ["services/wash"], "shareable": true },
        });
        shop.post("/v1/products", &shop.admin, pass).await.ok();
        let (owner, friend) = (shop.member().await, shop.member().await);
        let sold = shop.buy(json!({ "member": { "id": owner }, "lines": [{ "product": "washes" }] })).await;
        let wash = |who: &str, of: &str| json!({
            "member": { "id": who }, "tenders": [],
            "lines": [{ "product": "wash", "pass": { "product": "washes", "of": { "id": of } } }],
        });
        let held = shop.quote(wash(&owner, &owner)).await;
        shop.post(&format!("/v1/quotes/{}/hold", id(&held)), &shop.till, json!({})).await.ok();
        let quotes = [shop.quote(wash(&owner, &owner)).await, shop.quote(wash(&friend, &owner)).await];
        freeze(&shop, &owner, "points").await.ok();
        shop.buy(wash(&friend, &owner)).await;
        freeze(&shop, &owner, "stored-value").await.ok();
        for quote in &quotes {
            assert_eq!(shop.commit(id(quote)).await.refused(409), "value_frozen");
            let hold = shop.post(&format!("/v1/quotes/{}/hold", id(quote)), &shop.till, json!({})).await;
            assert_eq!(hold.refused(409), "value_frozen");
        }
        assert_eq!(on(&shop, &owner, "pass").await, 8);
        // What a hold reserved before is used; what a till used offline is claimed from its store.
        shop.commit(id(&held)).await.ok();
        let offline = json!({
            "external_id": "bill-1", "occurred_at": "2026-03-02T09:00:00+08:00", "sale": wash(&friend, &owner),
        });
        assert_eq!(shop.post("/v1/orders", &shop.till, offline).await.status, 201);
        assert_eq!(on(&shop, &owner, "pass").await, 8);
        assert_eq!(shop.system("claims/east", "pass:washes").await, -1);
        unfreeze(&shop, &owner, "everything").await.ok();
        let again = [shop.quote(wash(&owner, &owner)).await, shop.quote(wash(&friend, &owner)).await];
        for quote in &again {
            shop.commit(id(quote)).await.ok();
        }
        assert_eq!(on(&shop, &owner, "pass").await, 6);
        // Frozen or not, it comes back for money.
        freeze(&shop, &owner, "stored-value").await.ok();
        shop.refund(id(&sold), json!(null)).await.ok();
        assert_eq!(on(&shop, &owner, "pass").await, 0);
        shop.verify().await;
    }

    // A card terminal may be charging meanwhile: what a hold reserved is posted, and nothing else.
    async fn what_a_hold_reserved_before_the_freeze_is_still_posted(shop) {
        let member = shop.member().await;
        shop.top_up(&member, 10_000, 500).await;
        let quote = shop.quote(tea(&member, "stored-value")).await;
        shop.post(&format!("/v1/quotes/{}/hold", id(&quote)), &shop.till, json!({})).await.ok();
        freeze(&shop, &member, "stored-value").await.ok();
        shop.commit(id(&quote)).await.ok();
        assert_eq!((on(&shop, &member, "principal").await, on(&shop, &member, "bonus").await), (9_300, 0));
        shop.verify().await;
    }

    // It happened already, so it is booked; what is frozen stays where it is.
    async fn a_sale_a_till_made_offline_leaves_frozen_value_and_claims_it_from_the_store(shop) {
        let member = shop.member().await;
        shop.top_up(&member, 10_000, 0).await;
        freeze(&shop, &member, "stored-value").await.ok();
        let sale = json!({
            "external_id": "bill-1", "occurred_at": "2026-03-02T09:00:00+08:00", "sale": tea(&member, "stored-value"),
        });
        let booked = shop.post("/v1/orders", &shop.till, sale).await;
        assert!(booked.status.is_success(), "{}", booked.body);
        assert_eq!(on(&shop, &member, "principal").await, 10_000);
        assert_eq!(shop.system("claims/east", "CNY").await, -1_200);
        assert!(shop.events().await.contains(&"ledger.claimed".to_owned()));
        shop.verify().await;
    }

    async fn of_64_freezes_at_once_one_counts_and_nothing_is_spent_after_it(shop) {
        let member = shop.member().await;
        shop.top_up(&member, 200_000, 0).await;
        let quotes = join_all((0..32).map(|_| shop.quote(tea(&member, "stored-value")))).await;
        let paths: Vec<String> = quotes.iter().map(|quote| format!("/v1/quotes/{}/commit", id(quote))).collect();
        let commits = join_all(paths.iter().map(|path| shop.post(path, &shop.till, json!({}))));
        let freezes = join_all((0..64).map(|_| freeze(&shop, &member, "stored-value")));
        let (commits, freezes) = tokio::join!(commits, freezes);
        assert_eq!(done(&freezes), 1);
        let refused = commits.iter().filter(|answer| !answer.status.is_success());
        assert!(refused.clone().all(|answer| answer.body["code"] == "value_frozen"));
        let spent = i64::try_from(done(&commits)).expect("a few") * 1_200;
        assert_eq!(on(&shop, &member, "principal").await, 200_000 - spent);
        for path in &paths {
            assert!(!shop.post(path, &shop.till, json!({})).await.status.is_success());
        }
        let thaws = join_all((0..64).map(|_| unfreeze(&shop, &member, "stored-value"))).await;
        assert_eq!(done(&thaws), 1);
        assert_eq!(on(&shop, &member, "principal").await, 200_000 - spent);
        shop.verify().await;
    }

    async fn two_hosts_see_one_freeze(shop) {
        let Some(other) = shop.second_host().await else { return };
        let member = shop.member().await;
        shop.top_up(&member, 10_000, 0).await;
        let quote = shop.quote(tea(&member, "stored-value")).await;
        let tries = join_all((0..16).map(|at| freeze(if at % 2 == 0 { &shop } else { &other }, &member, "everything"))).await;
        assert_eq!(done(&tries), 1);
        assert_eq!(shop.commit(id(&quote)).await.refused(409), "value_frozen");
        unfreeze(&other, &member, "everything").await.ok();
        assert!(pay_in(&shop, &member, 100).await.status.is_success());
        shop.verify().await;
    }

    async fn a_wallet_holds_no_more_than_the_cap_of_its_kind(shop) {
        shop.settings(json!({
            "wallet_caps": { "named": { "most": 500_000 }, "anonymous": { "most": 100_000 } },
            "stored_value_transfer": { "approval_above": 1_000_000 },
        })).await;
        let named = shop.member_with(json!({ "person": { "name": "王芳", "phone": "+8613800000019" } })).await;
        let anonymous = shop.member().await;
        // The gift on top is not the member's money.
        shop.top_up(&anonymous, 90_000, 50_000).await;
        // Of 64 at once as many are taken as there is room for, to the cent.
        let tries = join_all((0..64).map(|_| pay_in(&shop, &anonymous, 1_000))).await;
        assert_eq!(done(&tries), 10);
        let refused = tries.iter().filter(|answer| !answer.status.is_success());
        assert!(refused.clone().all(|answer| answer.body["code"] == "wallet_full"));
        assert_eq!(on(&shop, &anonymous, "principal").await, 100_000);
        // What a hold reserves is his money still.
        let quote = shop.quote(json!({
            "member": { "id": anonymous }, "lines": [{ "product": "cake", "quantity": "20" }],
            "tenders": [{ "kind": "stored-value", "amount": 60_000 }],
        })).await;
        let hold = format!("/v1/quotes/{}/hold", id(&quote));
        shop.post(&hold, &shop.till, json!({})).await.ok();
        assert_eq!(pay_in(&shop, &anonymous, 1).await.refused(409), "wallet_full");
        shop.commit(id(&quote)).await.ok();
        assert_eq!(on(&shop, &anonymous, "principal").await, 90_000);
        pay_in(&shop, &named, 500_000).await.ok();
        assert_eq!(pay_in(&shop, &named, 1).await.refused(409), "wallet_full");
        assert_eq!(give(&shop, &named, &anonymous, "stored-value", 10_001).await.refused(409), "wallet_full");
        give(&shop, &named, &anonymous, "stored-value", 10_000).await.ok();
        assert_eq!(give(&shop, &anonymous, &named, "stored-value", 10_001).await.refused(409), "wallet_full");
        shop.verify().await;
    }

    async fn what_is_paid_in_on_a_day_has_a_cap_that_a_reversal_frees(shop) {
        shop.settings(json!({ "wallet_caps": { "anonymous": { "top_up_per_day": 5_000 } }, "frozen_takes_top_ups": true })).await;
        let member = shop.member().await;
        freeze(&shop, &member, "everything").await.ok();
        let tries = join_all((0..64).map(|_| pay_in(&shop, &member, 1_000))).await;
        assert_eq!(done(&tries), 5);
        let refused = tries.iter().filter(|answer| !answer.status.is_success());
        assert!(refused.clone().all(|answer| answer.body["code"] == "limit_reached"));
        let entry = tries.iter().find(|answer| answer.status.is_success()).expect("one")
            .body["entry"].as_str().expect("an entry").to_owned();
        let path = format!("/v1/members/{member}/entries/{entry}/reversal");
        let again = json!({ "reason": "typed wrongly" });
        assert_eq!(shop.post(&path, &shop.supervisor, again.clone()).await.refused(409), "value_frozen");
        unfreeze(&shop, &member, "everything").await.ok();
        shop.post(&path, &shop.supervisor, again).await.ok();
        pay_in(&shop, &member, 1_000).await.ok();
        assert_eq!(pay_in(&shop, &member, 1).await.refused(409), "limit_reached");
        // Midnight in the store is fourteen hours away.
        shop.later(14 * 3_600 - 1);
        assert_eq!(pay_in(&shop, &member, 1).await.refused(409), "limit_reached");
        shop.later(1);
        pay_in(&shop, &member, 5_000).await.ok();
        shop.verify().await;
    }

    async fn a_freeze_that_makes_no_sense_is_refused(shop) {
        let member = shop.member().await;
        let path = format!("/v1/members/{member}/freeze");
        for (body, pointer) in [
            (json!({ "what": "stored-value", "reason": "" }), "/reason"),
            (json!({ "what": "stored-value", "reason": "x".repeat(501) }), "/reason"),
            (json!({ "what": "coupons", "reason": "x" }), "/what"),
        ] {
            let answer = shop.post(&path, &shop.supervisor, body).await;
            assert_eq!((answer.status.as_u16(), answer.pointers()), (422, vec![pointer]));
        }
        assert_eq!(freeze(&shop, "nobody", "points").await.refused(422), "member_unknown");
        assert_eq!(unfreeze(&shop, &member, "points").await.refused(409), "freeze_unchanged");
        let body = json!({ "what": "points", "reason": "lost" });
        shop.post_as(&path, &shop.supervisor, "freeze-1", body.clone()).await.ok();
        assert!(shop.post_as(&path, &shop.supervisor, "freeze-1", body).await.is_replayed());
        let settings = json!({ "name": "Test", "language": "en", "settings": { "wallet_caps": { "named": { "most": 0 } } } });
        let refused = shop.send(axum::http::Method::PUT, "/v1/chain", &shop.admin, None, Some(settings)).await;
        assert_eq!(refused.pointers(), ["/settings/wallet_caps/named/most"]);
        shop.verify().await;
    }
}
