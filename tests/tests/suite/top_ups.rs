//! Top-up plans: what an amount brings on top, at once and over time, and what becomes of it when it is put back.

use axum::http::Method;
use futures_util::future::join_all;
use serde_json::{Value, json};
use tessera::domain::time::Instant;
use tessera_tests::on_each_database;
use tessera_tests::shop::{Answer, MONDAY, Shop};

const DAY: i64 = 86_400;

/// Pays 500.00 in by a plan.
async fn buy(shop: &Shop, member: &str, plan: &str) -> Answer {
    shop.post(&path(member), &shop.till, request(plan)).await
}

fn path(member: &str) -> String {
    format!("/v1/members/{member}/top-ups")
}

fn request(plan: &str) -> Value {
    json!({ "store": "east", "amount": 50_000, "plan": plan, "tender": { "kind": "cash" } })
}

async fn plan(shop: &Shop, id: &str, gives: Value, more: Value) -> Value {
    let mut body =
        json!({ "name": "500 and more", "currency": "CNY", "amount": 50_000, "gives": gives });
    for (key, value) in more.as_object().expect("fields") {
        body[key] = value.clone();
    }
    shop.put(&format!("/v1/top-up-plans/{id}"), body).await
}

async fn reverse(shop: &Shop, member: &str, top_up: &Value) -> Answer {
    let entry = top_up["entry"].as_str().expect("an entry");
    let path = format!("/v1/members/{member}/entries/{entry}/reversal");
    shop.post(
        &path,
        &shop.supervisor,
        json!({ "reason": "typed wrongly" }),
    )
    .await
}

/// Principal, bonus, and bonus that is still to come.
async fn value(shop: &Shop, member: &str) -> (i64, i64, i64) {
    let balances = shop.balances(member).await;
    let on = |account: &str| balances.get(account).copied().unwrap_or(0);
    (on("principal"), on("bonus"), on("bonus-pending"))
}

async fn jobs(shop: &Shop) {
    tessera::jobs::run_once(&shop.host).await.expect("jobs run");
}

async fn member_of(shop: &Shop, id: &str) -> Value {
    shop.get(&format!("/v1/members/{id}"), &shop.admin)
        .await
        .ok()
}

on_each_database! {
    async fn a_plan_brings_bonus_points_coupons_and_a_tier_and_takes_them_back_whole(shop) {
        let code = json!({ "discount": { "amount": { "off": 500 } }, "trigger": "code" });
        let binding = shop.bind_with("promo-standard", code, json!({ "stage": "coupons" })).await;
        let gives = json!({
            "bonus": { "amount": 5_000, "days": 365 },
            // More points than money: the money alone counts as topped up.
            "points": { "points": 80_000, "days": 30 },
            "coupons": [{ "binding": binding, "count": 2, "days": 7 }],
            "tier": { "tier": "gold", "from": ["silver"], "days": 365, "multiplier": "1.5" },
        });
        plan(&shop, "p500", gives, json!({})).await;
        let member = shop.member().await;
        let before = (shop.wallet(&member).await, member_of(&shop, &member).await["tier"].clone());
        let bought = buy(&shop, &member, "p500").await.ok();
        assert_eq!(value(&shop, &member).await, (50_000, 5_000, 0));
        assert_eq!(shop.balances(&member).await["points"], 80_000);
        let coupons = shop.get(&format!("/v1/members/{member}/coupons"), &shop.admin).await.ok();
        let coupons = coupons["items"].as_array().expect("a list").clone();
        assert_eq!(coupons.len(), 2);
        assert_eq!(coupons[0]["expires_on"], "2026-03-08");
        let raised = member_of(&shop, &member).await["tier"].clone();
        assert_eq!((&raised["name"], &raised["valid_until"]), (&json!("gold"), &json!("2027-03-01")), "{raised}");
        let list = shop.get("/v1/top-up-plans", &shop.till).await.ok();
        assert_eq!((&list["items"][0]["id"], &list["items"][0]["had"]), (&json!("p500"), &json!(1)));
        reverse(&shop, &member, &bought).await.ok();
        let after = (shop.wallet(&member).await, member_of(&shop, &member).await["tier"].clone());
        assert_eq!(after, before);
        let coupon = shop.get(&format!("/v1/coupons/{}", coupons[0]["code"].as_str().expect("a code")), &shop.till).await;
        assert_eq!(coupon.ok()["void"], true);
        let list = shop.get("/v1/top-up-plans", &shop.till).await.ok();
        assert_eq!(list["items"][0]["had"], 0);
        assert_eq!(reverse(&shop, &member, &bought).await.refused(409), "entry_reversed");
        let days = sums(&shop, &member).await;
        assert_eq!(days, 0, "nothing counts as topped up");
        shop.verify().await;
    }

    async fn parts_of_a_bonus_are_released_on_their_days_and_vanish_before(shop) {
        let gives = json!({ "bonus": { "amount": 5_000, "release": { "parts": 3, "every": "month" }, "days": 40 } });
        plan(&shop, "monthly", gives, json!({})).await;
        let member = shop.member().await;
        let bought = buy(&shop, &member, "monthly").await.ok();
        // The unit left over goes to the first parts.
        assert_eq!(value(&shop, &member).await, (50_000, 1_667, 3_333));
        let basket = json!({
            "member": { "id": member }, "lines": [{ "product": "coffee" }], "tenders": [{ "kind": "stored-value", "amount": 2_000 }],
        });
        shop.buy(basket).await;
        assert_eq!(value(&shop, &member).await, (49_667, 0, 3_333), "what is to come pays nothing");
        // One second before midnight in the west, where the day ends last, nothing is released.
        let midnight = MONDAY.0 / 1_000_000 + 31 * DAY - 8 * 3_600;
        shop.set_clock(Instant((midnight - 1) * 1_000_000));
        jobs(&shop).await;
        assert_eq!(value(&shop, &member).await, (49_667, 0, 3_333));
        shop.set_clock(Instant(midnight * 1_000_000));
        jobs(&shop).await;
        jobs(&shop).await;
        assert_eq!(value(&shop, &member).await, (49_667, 1_667, 1_666));
        // Paid out, the gift to come goes before the one that is there: a tenth of both.
        let out = json!({ "store": "east", "amount": 4_966, "tender": { "kind": "cash" } });
        let out = shop.post(&format!("/v1/members/{member}/withdrawals"), &shop.supervisor, out).await.ok();
        assert_eq!(value(&shop, &member).await, (44_701, 1_667, 1_332));
        // Put back after its release, it stands where the rest of its part is now.
        shop.later(31 * DAY);
        jobs(&shop).await;
        reverse(&shop, &member, &out).await.ok();
        assert_eq!(value(&shop, &member).await, (49_667, 1_667 + 1_666, 0));
        shop.top_up(&member, 333, 0).await;
        reverse(&shop, &member, &bought).await.ok();
        assert_eq!(value(&shop, &member).await, (0, 0, 0));
        assert_eq!(shop.balances(&member).await["bonus-debt"], -1_667, "the part that was spent");
        shop.verify().await;
    }

    async fn parts_that_were_not_released_vanish_with_their_top_up(shop) {
        let gives = json!({ "bonus": { "amount": 700, "release": { "parts": 7, "every": "day" }, "days": 1 } });
        plan(&shop, "daily", gives, json!({})).await;
        let member = shop.member().await;
        let nothing = shop.wallet(&member).await;
        let bought = buy(&shop, &member, "daily").await.ok();
        assert_eq!(value(&shop, &member).await, (50_000, 100, 600));
        reverse(&shop, &member, &bought).await.ok();
        assert_eq!(shop.wallet(&member).await, nothing);
        buy(&shop, &member, "daily").await.ok();
        // Each part can be spent on its day and no longer; who comes once gets one.
        shop.later(3 * DAY + 4 * 3_600);
        jobs(&shop).await;
        assert_eq!(value(&shop, &member).await, (50_000, 100, 300));
        shop.later(30 * DAY);
        jobs(&shop).await;
        jobs(&shop).await;
        assert_eq!(value(&shop, &member).await, (50_000, 0, 0));
        shop.verify().await;
    }

    async fn of_64_at_once_a_member_gets_a_plan_as_often_as_it_may_be_had(shop) {
        plan(&shop, "once", json!({ "bonus": { "amount": 5_000 } }), json!({ "per_member": 2, "most": 5 })).await;
        let members = [shop.member().await, shop.member().await, shop.member().await];
        let first = join_all((0..64).map(|_| buy(&shop, &members[0], "once"))).await;
        assert_eq!(first.iter().filter(|answer| answer.status == 201).count(), 2);
        let refused = first.iter().filter(|answer| answer.status != 201);
        assert!(refused.clone().all(|answer| answer.body["code"] == "limit_reached"));
        assert_eq!(value(&shop, &members[0]).await, (100_000, 10_000, 0));
        let rest = join_all((0..64).map(|at| buy(&shop, &members[1 + at % 2], "once"))).await;
        assert_eq!(rest.iter().filter(|answer| answer.status == 201).count(), 3);
        // What is put back may be had again.
        let done = first.into_iter().find(|answer| answer.status == 201).expect("one of them");
        reverse(&shop, &members[0], &done.ok()).await.ok();
        let again = shop.post_as(&path(&members[0]), &shop.till, "again", request("once")).await.ok();
        let replayed = shop.post_as(&path(&members[0]), &shop.till, "again", request("once")).await;
        assert!(replayed.is_replayed() && replayed.body["id"] == again["id"]);
        assert_eq!(value(&shop, &members[0]).await, (100_000, 10_000, 0));
        assert_eq!(shop.system("bonus-issued", "CNY").await, -25_000);
        shop.verify().await;
    }

    async fn a_top_up_put_back_frees_the_limits_its_rules_used(shop) {
        let budget = json!({ "name": "budget", "scope": "chain", "period": "lifetime", "counts": "points", "limit": 150 });
        let config = json!({ "events": [{ "on": "top-up", "points": 100 }] });
        shop.bind_with("points-standard", config, json!({ "limits": [budget] })).await;
        let (one, other) = (shop.member().await, shop.member().await);
        let body = json!({ "store": "east", "amount": 10_000, "tender": { "kind": "cash" } });
        let paid = shop.post(&path(&one), &shop.till, body.clone()).await.ok();
        reverse(&shop, &one, &paid).await.ok();
        shop.post(&path(&other), &shop.till, body).await.ok();
        assert_eq!(shop.balances(&other).await["points"], 100, "the whole budget is there again");
        shop.verify().await;
    }

    async fn what_is_wrong_with_a_plan_or_its_purchase_is_said_with_its_place(shop) {
        let bonus = json!({ "bonus": { "amount": 5_000 } });
        plan(&shop, "p500", bonus.clone(), json!({})).await;
        plan(&shop, "old", bonus.clone(), json!({ "ends_on": "2026-03-01" })).await;
        plan(&shop, "today", bonus.clone(), json!({ "starts_on": "2026-03-02", "ends_on": "2026-03-02" })).await;
        plan(&shop, "off", bonus.clone(), json!({ "active": false })).await;
        plan(&shop, "dollars", bonus.clone(), json!({ "currency": "USD" })).await;
        let member = shop.member().await;
        buy(&shop, &member, "today").await.ok();
        for (id, status, code) in [
            ("nothing", 422, "plan_unknown"), ("old", 422, "plan_unknown"), ("off", 422, "plan_unknown"),
            ("dollars", 422, "currency_mismatch"),
        ] {
            assert_eq!(buy(&shop, &member, id).await.refused(status), code, "{id}");
        }
        for (field, wrong) in [("amount", json!(49_999)), ("amount", json!(0)), ("amount", json!(-1)), ("bonus", json!(1))] {
            let mut body = request("p500");
            body[field] = wrong;
            let answer = shop.post(&path(&member), &shop.admin, body).await;
            assert_eq!(answer.pointers(), [format!("/{field}")]);
            assert_eq!(answer.refused(422), "invalid_fields");
        }
        let foreign = shop.post(&path(&member), &shop.west_till, request("p500")).await;
        assert_eq!(foreign.refused(403), "other_store");
        shop.later(14 * 3_600);
        assert_eq!(buy(&shop, &member, "today").await.refused(422), "plan_unknown");
        for (gives, pointer) in [
            (json!({ "bonus": { "amount": 0 } }), "/gives/bonus/amount"),
            (json!({ "bonus": { "amount": 5, "days": 0 } }), "/gives/bonus/days"),
            (json!({ "bonus": { "amount": 5, "release": { "parts": 6, "every": "day" } } }), "/gives/bonus/release/parts"),
            (json!({ "bonus": { "amount": 1, "release": { "parts": 2, "every": "day" } } }), "/gives/bonus/amount"),
            (json!({ "bonus": { "amount": 5_000, "release": { "parts": 367, "every": "week" } } }), "/gives/bonus/release/parts"),
            (json!({ "points": { "points": -1 } }), "/gives/points/points"),
            (json!({ "coupons": [{ "binding": "no", "count": 0 }] }), "/gives/coupons/0/count"),
            (json!({ "coupons": [{ "binding": "no" }] }), "/gives/coupons/0/binding"),
            (json!({ "tier": { "tier": "", "days": 1 } }), "/gives/tier"),
            (json!({ "tier": { "tier": "gold", "days": 0 } }), "/gives/tier/days"),
            (json!({ "tier": { "tier": "gold", "days": 1, "multiplier": "-1" } }), "/gives/tier/multiplier"),
        ] {
            let body = json!({ "name": "x", "currency": "CNY", "amount": 1, "gives": gives });
            let answer = shop.send(Method::PUT, "/v1/top-up-plans/x", &shop.admin, None, Some(body)).await;
            assert_eq!((answer.status.as_u16(), answer.pointers()), (422, vec![pointer]), "{}", answer.body);
        }
        let body = json!({ "name": "x", "currency": "CNY", "amount": 1, "gives": {} });
        let by_till = shop.send(Method::PUT, "/v1/top-up-plans/x", &shop.till, None, Some(body)).await;
        assert_eq!(by_till.refused(403), "forbidden");
        shop.verify().await;
    }
}

/// What counts as topped up today.
async fn sums(shop: &Shop, member: &str) -> i64 {
    use tessera::store::member_days::{DaySpan, sums};
    let today = tessera::clock::day_of("2026-03-02".parse().expect("a date"));
    let span = DaySpan {
        first: today,
        last: today,
        category: Some(tessera::domain::order::TOP_UPS.to_owned()),
    };
    let mut conn = shop.host.db.read().await.expect("the database answers");
    let found = sums(&mut conn, member, &[span]).await;
    found.expect("sums can be read")[0].spend
}
