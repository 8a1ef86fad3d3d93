//! Tiers given by hand: reviews raise the member and do not lower him until the last day is over or the tier is withdrawn.

use futures_util::future::join_all;
use serde_json::{Value, json};
use tessera::domain::time::Instant;
use tessera_tests::on_each_database;
use tessera_tests::shop::{Answer, MONDAY, Shop};

const DAY: i64 = 86_400;

/// Silver from 100.00, gold from 500.00, black from 1,000.00; a refund lowers at once.
async fn ladder(shop: &Shop) {
    let step = |code: &str, threshold: i64, multiplier: &str| json!({ "code": code, "name": code, "threshold": threshold, "multiplier": multiplier });
    let tiers = [
        step("silver", 10_000, "1.2"),
        step("gold", 50_000, "2"),
        step("black", 100_000, "3"),
    ];
    let config = json!({
        "window_days": 365, "validity_days": 20, "refund_lowers": true, "tiers": tiers,
    });
    shop.bind("tier-standard", config).await;
    shop.settings(json!({ "tier_review_on_refund": true }))
        .await;
}

async fn give(shop: &Shop, key: &str, member: &str, body: Value) -> Answer {
    shop.post(&format!("/v1/members/{member}/tier"), key, body)
        .await
}

async fn withdraw(shop: &Shop, member: &str) -> Answer {
    let path = format!("/v1/members/{member}/tier/withdrawal");
    let body = json!({ "reason": "given by mistake" });
    shop.post(&path, &shop.admin, body).await
}

async fn explained(shop: &Shop, member: &str) -> Value {
    let path = format!("/v1/members/{member}/tier");
    shop.get(&path, &shop.till).await.ok()
}

async fn tier(shop: &Shop, member: &str) -> (Value, Value) {
    let tier = explained(shop, member).await["tier"].clone();
    (tier["name"].clone(), tier["valid_until"].clone())
}

/// Coffees for 20.00 each.
async fn buy(shop: &Shop, member: &str, coffees: u32) -> Value {
    let line = json!({ "product": "coffee", "quantity": coffees.to_string() });
    shop.buy(json!({ "member": { "id": member }, "lines": [line] }))
        .await
}

fn gold(last_day: &str) -> Value {
    json!({ "tier": "gold", "reason": "opened our third store with us", "last_day": last_day })
}

on_each_database! {
    async fn a_tier_given_by_hand_is_kept_through_its_last_day_and_the_next_review_decides_again(shop) {
        ladder(&shop).await;
        let member = shop.member().await;
        buy(&shop, &member, 5).await;
        assert_eq!(tier(&shop, &member).await, (json!("silver"), json!("2026-03-22")));
        let given = give(&shop, &shop.admin, &member, gold("2026-03-31")).await;
        assert_eq!(given.status, 201);
        let given = given.ok();
        assert_eq!(given["tier"], json!({
            "name": "gold", "since": "2026-03-02", "valid_until": "2026-03-31", "multiplier": [2, 1],
        }));
        assert_eq!(given["by_hand"]["reason"], "opened our third store with us");
        // What he would have without it is told beside what is missing for the next tier.
        let why = explained(&shop, &member).await;
        assert_eq!(why["review"]["kept"], json!({ "tier": "gold", "last_day": "2026-03-31" }));
        assert_eq!((&why["review"]["after"], &why["review"]["next"]["tier"]), (&json!("gold"), &json!("black")));
        // Neither a sale, nor a refund of all he bought, nor the night of its last day lowers it.
        let order = buy(&shop, &member, 1).await;
        assert_eq!((&order["tier"]["after"], &order["tier"]["kept"]["tier"]), (&json!("gold"), &json!("gold")));
        let all = shop.get(&format!("/v1/members/{member}/orders"), &shop.till).await.ok();
        for order in all["items"].as_array().expect("a list") {
            shop.refund(order["id"].as_str().expect("an id"), Value::Null).await.ok();
        }
        assert_eq!(tier(&shop, &member).await, (json!("gold"), json!("2026-03-31")));
        // 31 March in Shanghai, one microsecond before midnight; then April.
        let midnight = Instant(MONDAY.0 + (14 + 29 * 24) * 3_600 * 1_000_000);
        shop.set_clock(Instant(midnight.0 - 1));
        tessera::jobs::run_once(&shop.host).await.expect("jobs run");
        assert_eq!(tier(&shop, &member).await.0, "gold");
        shop.set_clock(midnight);
        // The chain's day ends with that of its last store, in Urumqi.
        tessera::jobs::run_once(&shop.host).await.expect("jobs run");
        assert_eq!(tier(&shop, &member).await.0, "gold");
        shop.later(2 * 3_600);
        tessera::jobs::run_once(&shop.host).await.expect("jobs run");
        assert_eq!(tier(&shop, &member).await.0, Value::Null);
        assert!(explained(&shop, &member).await["by_hand"].is_null());
        let path = format!("/v1/members/{member}/occasions");
        let reviews = shop.get(&path, &shop.till).await.ok();
        assert_eq!((&reviews["items"][0]["kind"], &reviews["items"][0]["name"]), (&json!("tier-review"), &json!("tier-review/2026-04-01")));
        shop.verify().await;
    }

    async fn a_review_raises_above_a_tier_by_hand_and_falls_back_to_it(shop) {
        ladder(&shop).await;
        let member = shop.member().await;
        give(&shop, &shop.admin, &member, gold("2026-12-31")).await.ok();
        let order = buy(&shop, &member, 50).await;
        assert_eq!((&order["tier"]["before"], &order["tier"]["after"]), (&json!("gold"), &json!("black")));
        shop.refund(order["id"].as_str().expect("an id"), Value::Null).await.ok();
        assert_eq!(tier(&shop, &member).await, (json!("gold"), json!("2026-12-31")));
        // Without a last day it holds until it is withdrawn, whatever night it is.
        let forever = json!({ "tier": "silver", "reason": "family of the founder" });
        give(&shop, &shop.admin, &member, forever).await.ok();
        shop.later(800 * DAY);
        tessera::jobs::run_once(&shop.host).await.expect("jobs run");
        assert_eq!(tier(&shop, &member).await, (json!("silver"), Value::Null));
        shop.verify().await;
    }

    async fn a_tier_by_hand_is_withdrawn_once_and_the_former_comes_back(shop) {
        ladder(&shop).await;
        let member = shop.member_with(json!({ "person": { "name": "王芳" } })).await;
        buy(&shop, &member, 5).await;
        let before = tier(&shop, &member).await;
        assert_eq!(withdraw(&shop, &member).await.refused(409), "tier_not_given");
        // One key gives once, and of several given one after the other the last holds.
        let path = format!("/v1/members/{member}/tier");
        let tries = (0..16).map(|_| shop.post_as(&path, &shop.admin, "hand", gold("2026-12-31")));
        let tries = join_all(tries).await;
        assert_eq!(tries.iter().filter(|answer| !answer.is_replayed()).count(), 1);
        let another = gold("2026-11-30");
        assert_eq!(shop.post_as(&path, &shop.admin, "hand", another).await.refused(422), "idempotency_key_reused");
        let black = json!({ "tier": "black", "reason": "a second thought", "last_day": "2026-03-02" });
        give(&shop, &shop.admin, &member, black).await.ok();
        assert_eq!(tier(&shop, &member).await, (json!("black"), json!("2026-03-02")));
        let ends = join_all((0..16).map(|_| withdraw(&shop, &member))).await;
        assert_eq!(ends.iter().filter(|answer| answer.status == 201).count(), 1);
        assert!(ends.into_iter().filter(|answer| answer.status != 201).all(|answer| answer.refused(409) == "tier_not_given"));
        assert_eq!(tier(&shop, &member).await, before);
        let history = shop.get(&format!("/v1/members/{member}/tier/history"), &shop.till).await.ok();
        let history = history["items"].as_array().expect("a list");
        assert_eq!((history.len(), &history[0]["tier"], &history[0]["ended_why"]), (2, &json!("black"), &json!("given by mistake")));
        assert!(history.iter().all(|one| one["by"].is_string() && one["ended_by"].is_string()));
        let changes = shop.get(&format!("/v1/members/{member}/changes"), &shop.supervisor).await.ok();
        let of_tier = changes["items"].as_array().expect("a list").iter().filter(|change| change["field"] == "tier");
        let told: Vec<&Value> = of_tier.map(|change| &change["new"]["tier"]).collect();
        assert_eq!(told, [&json!("gold"), &json!("black"), &json!("silver")]);
        // Why is personal, and goes with the person.
        shop.send(axum::http::Method::DELETE, &format!("/v1/members/{member}/person"), &shop.admin, None, None).await.ok();
        let history = shop.get(&format!("/v1/members/{member}/tier/history"), &shop.till).await.ok();
        assert!(!history.to_string().contains("third store") && !history.to_string().contains("mistake"));
        shop.verify().await;
    }

    async fn a_tier_by_hand_needs_the_right_a_reason_a_known_tier_and_a_day_to_come(shop) {
        ladder(&shop).await;
        let member = shop.member().await;
        for key in [&shop.till, &shop.supervisor] {
            assert_eq!(give(&shop, key, &member, gold("2026-12-31")).await.refused(403), "forbidden");
        }
        let manager = shop.key("manager", Some("west")).await;
        assert_eq!(give(&shop, &manager, &member, gold("2026-12-31")).await.refused(403), "other_store");
        for (body, at) in [
            (json!({ "tier": "gold", "reason": "" }), "/reason"),
            (json!({ "tier": "gold" }), "/reason"),
            (json!({ "tier": "gold", "reason": "x".repeat(501) }), "/reason"),
            (json!({ "tier": "ruby", "reason": "why not" }), "/tier"),
            (json!({ "tier": "", "reason": "why not" }), "/tier"),
            (gold("2026-03-01"), "/last_day"),
            (gold("2026-02-30"), "/last_day"),
        ] {
            let refused = give(&shop, &shop.admin, &member, body).await;
            assert_eq!(refused.pointers(), [at]);
            assert_eq!(refused.refused(422), "invalid_fields");
        }
        assert_eq!(give(&shop, &shop.admin, "nobody", gold("2026-12-31")).await.refused(404), "member_unknown");
        assert_eq!(tier(&shop, &member).await.0, Value::Null);
        assert!(explained(&shop, &member).await["by_hand"].is_null());
    }

    // A quote shows the tier it leads to; what was given meanwhile is not undone by its commit.
    async fn a_sale_quoted_before_the_tier_was_given_does_not_lower_it(shop) {
        ladder(&shop).await;
        let member = shop.member().await;
        let basket = json!({
            "member": { "id": member }, "lines": [{ "product": "coffee", "quantity": "5" }], "tenders": [{ "kind": "cash" }],
        });
        let quote = shop.quote(basket).await;
        assert_eq!(quote["tier"]["after"], "silver");
        give(&shop, &shop.admin, &member, gold("2026-12-31")).await.ok();
        shop.commit(quote["id"].as_str().expect("an id")).await.ok();
        assert_eq!(tier(&shop, &member).await.0, "gold");
        // A card with a lower tier gives none either.
        shop.put("/v1/card-types/plain", json!({ "name": "Plain", "tier": "silver" })).await;
        let made = shop.post("/v1/cards/batches", &shop.admin, json!({ "type": "plain", "count": 1 })).await.ok();
        let path = format!("/v1/cards/{}/activation", made["numbers"][0].as_str().expect("a number"));
        shop.post(&path, &shop.till, json!({ "store": "east", "member": { "id": member } })).await.ok();
        assert_eq!(tier(&shop, &member).await.0, "gold");
        shop.verify().await;
    }

    async fn a_tier_that_rises_at_the_review_rises_in_the_night_after_the_purchase(shop) {
        let config = json!({
            "window_days": 365, "validity_days": 20, "upgrade": "at-review",
            "tiers": [{ "code": "silver", "name": "silver", "threshold": 10_000, "multiplier": "1.2" }],
        });
        shop.bind("tier-standard", config).await;
        let (regular, once) = (shop.member().await, shop.member().await);
        tessera::jobs::run_once(&shop.host).await.expect("jobs run");
        buy(&shop, &regular, 5).await;
        buy(&shop, &once, 1).await;
        assert_eq!(tier(&shop, &regular).await.0, Value::Null);
        tessera::jobs::run_once(&shop.host).await.expect("jobs run");
        assert_eq!(tier(&shop, &regular).await.0, Value::Null, "the day is not over");
        // The host was away for a night: what was bought before counts all the same.
        shop.later(2 * DAY);
        tessera::jobs::run_once(&shop.host).await.expect("jobs run");
        assert_eq!((tier(&shop, &regular).await.0, tier(&shop, &once).await.0), (json!("silver"), Value::Null));
        let events = shop.events().await.len();
        tessera::jobs::run_once(&shop.host).await.expect("jobs run");
        assert_eq!(shop.events().await.len(), events);
        shop.verify().await;
    }

    async fn a_tier_whose_validity_is_over_is_reviewed_in_the_night(shop) {
        ladder(&shop).await;
        let (idle, busy) = (shop.member().await, shop.member().await);
        let order = buy(&shop, &idle, 5).await;
        buy(&shop, &busy, 5).await;
        // What he bought came back without a review, so only the night can lower him.
        shop.settings(json!({ "tier_review_on_refund": false })).await;
        shop.refund(order["id"].as_str().expect("an id"), Value::Null).await.ok();
        assert_eq!(tier(&shop, &idle).await, (json!("silver"), json!("2026-03-22")));
        shop.later(21 * DAY);
        tessera::jobs::run_once(&shop.host).await.expect("jobs run");
        assert_eq!(tier(&shop, &idle).await.0, Value::Null);
        assert_eq!(tier(&shop, &busy).await, (json!("silver"), json!("2026-04-12")));
        // A second round of the same day changes nothing more.
        let events = shop.events().await.len();
        tessera::jobs::run_once(&shop.host).await.expect("jobs run");
        assert_eq!(shop.events().await.len(), events);
        shop.verify().await;
    }
}
