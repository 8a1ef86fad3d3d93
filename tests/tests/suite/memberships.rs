//! Paid memberships: a tier while they are paid, renewed from their end, upgraded with what was not used.

use futures_util::future::join_all;
use serde_json::{Value, json};
use tessera_tests::on_each_database;
use tessera_tests::shop::{Answer, Shop};

const DAY: i64 = 86_400;

/// A month of Plus for 350.30 (310.00 before tax, 10.00 a day from 2 March through 1 April) that lifts to gold, and a
/// year of Premium for 4124.50 (3650.00 before tax, 10.00 a day) that lifts to platinum, from gold too.
async fn plans(shop: &Shop) {
    let gold =
        json!({ "months": 1, "tier": { "tier": "gold", "from": ["silver"], "multiplier": "2" } });
    let platinum = json!({ "months": 12, "tier": { "tier": "platinum", "from": ["silver", "gold"], "multiplier": "3" } });
    for (id, name, price, terms) in [
        ("plus", "Plus", 35_030, gold),
        ("premium", "Premium", 412_450, platinum),
    ] {
        shop.post("/v1/products", &shop.admin, plan(id, name, price, terms))
            .await
            .ok();
    }
}

fn plan(id: &str, name: &str, price: i64, terms: Value) -> Value {
    json!({
        "id": id, "sku": id, "name": name, "category": "memberships", "currency": "CNY", "price": price,
        "tax_class": "standard", "membership": terms,
    })
}

fn id(body: &Value) -> String {
    body["id"].as_str().expect("an id").to_owned()
}

fn of(member: &str, plan: &str) -> Value {
    json!({ "member": { "id": member }, "lines": [{ "product": plan }], "tenders": [{ "kind": "cash" }] })
}

fn upgrade(member: &str, plan: &str) -> Value {
    json!({
        "member": { "id": member }, "lines": [{ "product": plan, "upgrade": true }], "tenders": [{ "kind": "cash" }],
    })
}

fn cups(member: &str, count: u32) -> Value {
    json!({ "member": { "id": member }, "lines": [{ "product": "coffee", "quantity": count.to_string() }] })
}

fn days(order: &Value) -> (&str, &str) {
    let sold = &order["lines"][0]["pass_sold"];
    let day = |name: &str| sold[name].as_str().expect("a day");
    (day("first_day"), day("expires_on"))
}

async fn asked(shop: &Shop, request: Value) -> Answer {
    shop.post("/v1/quotes", &shop.till, request).await
}

async fn jobs(shop: &Shop) {
    tessera::jobs::run_once(&shop.host).await.expect("jobs run");
}

async fn read(shop: &Shop, member: &str) -> Value {
    shop.get(&format!("/v1/members/{member}"), &shop.till)
        .await
        .ok()
}

async fn periods(shop: &Shop, member: &str) -> Vec<Value> {
    let path = format!("/v1/members/{member}/memberships");
    let list = shop.get(&path, &shop.till).await.ok();
    list.as_array().expect("a list").clone()
}

async fn books(shop: &Shop, member: &str) -> (i64, i64) {
    let balances = shop.balances(member).await;
    let deferred = balances.get("pass-value").copied().unwrap_or(0);
    (deferred, shop.system("sales/east", "CNY").await)
}

async fn points_of(shop: &Shop, member: &str) -> i64 {
    shop.quote(cups(member, 1)).await["totals"]["points_earned"]
        .as_i64()
        .expect("points")
}

on_each_database! {
    async fn a_membership_lifts_its_member_while_it_is_paid_and_no_longer(shop) {
        plans(&shop).await;
        shop.bind("points-standard", crate::checkout::points()).await;
        let half = json!({ "discount": { "percent": { "rate": "50%", "on": "order" } }, "who": { "tiers": ["gold"] } });
        shop.bind_with("promo-standard", half, json!({ "stage": "order" })).await;
        let silver = json!({ "code": "silver", "name": "Silver", "threshold": 50_000, "multiplier": "1.2" });
        shop.bind("tier-standard", json!({ "window_days": 365, "validity_days": 365, "tiers": [silver] })).await;
        let member = shop.member().await;
        assert_eq!(points_of(&shop, &member).await, 20);
        let order = shop.buy(of(&member, "plus")).await;
        assert_eq!(days(&order), ("2026-03-02", "2026-04-01"));
        assert_eq!(order["lines"][0]["pass_sold"]["membership"], true);
        let known = read(&shop, &member).await;
        assert_eq!(known["membership"], json!({
            "product": "plus", "name": "Plus", "first_day": "2026-03-02", "until": "2026-04-01", "tier": "gold",
        }));
        // Gold: half price, and twice the points. The tier rule knows nothing of it.
        let gold = shop.buy(cups(&member, 1)).await;
        assert_eq!((&gold["totals"]["total"], &gold["totals"]["points_earned"]), (&json!(1_000), &json!(20)));
        assert_eq!((&gold["tier"]["before"], &gold["tier"]["after"]), (&Value::Null, &Value::Null));
        // He earns silver meanwhile, and holds it when the membership ends by itself.
        let many = shop.buy(cups(&member, 20)).await;
        assert_eq!((&many["tier"]["before"], &many["tier"]["after"]), (&Value::Null, &json!("silver")));
        assert_eq!(shop.buy(cups(&member, 1)).await["totals"]["total"], 1_000);
        assert_eq!(read(&shop, &member).await["tier"]["name"], "silver");
        shop.later(30 * DAY + 14 * 3_600 - 60);
        assert_eq!(points_of(&shop, &member).await, 20);
        shop.later(60);
        assert_eq!(points_of(&shop, &member).await, 24);
        let known = read(&shop, &member).await;
        assert_eq!((&known["membership"], &known["tier"]["name"]), (&Value::Null, &json!("silver")));
        shop.later(DAY);
        jobs(&shop).await;
        assert_eq!(shop.balances(&member).await.get("pass-value"), None);
        assert_eq!(periods(&shop, &member).await[0]["state"], "ended");
        shop.verify().await;
    }

    async fn a_better_tier_of_his_own_stays(shop) {
        plans(&shop).await;
        shop.bind("points-standard", crate::checkout::points()).await;
        let diamond = json!({ "code": "diamond", "name": "Diamond", "threshold": 10_000, "multiplier": "4" });
        shop.bind("tier-standard", json!({ "window_days": 365, "validity_days": 365, "tiers": [diamond] })).await;
        let member = shop.member().await;
        shop.buy(cups(&member, 5)).await;
        shop.buy(of(&member, "plus")).await;
        assert_eq!(points_of(&shop, &member).await, 80);
        assert_eq!(read(&shop, &member).await["membership"]["tier"], Value::Null);
        shop.verify().await;
    }

    async fn it_is_renewed_from_its_end_whatever_the_plan_and_months_end_as_the_calendar_does(shop) {
        plans(&shop).await;
        let member = shop.member().await;
        shop.buy(of(&member, "plus")).await;
        let mut quotes = Vec::new();
        for plan in ["plus", "premium"].repeat(8) {
            quotes.push(id(&shop.quote(of(&member, plan)).await));
        }
        let tries = join_all(quotes.iter().map(|quote| shop.commit(quote))).await;
        assert_eq!(tries.iter().filter(|answer| answer.status.is_success()).count(), 1);
        for answer in tries.into_iter().filter(|answer| !answer.status.is_success()) {
            assert_eq!(answer.refused(409), "quote_stale");
        }
        let list = periods(&shop, &member).await;
        assert_eq!((list.len(), &list[0]["state"], &list[1]["state"]), (2, &json!("running"), &json!("next")));
        assert_eq!(list[1]["first_day"], "2026-04-02");
        assert_eq!(read(&shop, &member).await["membership"]["until"], list[1]["last_day"]);
        // From 31 January through the end of February, and on from there.
        shop.set_clock(tessera::domain::time::Instant(1_801_360_800_000_000));
        let other = shop.member().await;
        assert_eq!(days(&shop.buy(of(&other, "plus")).await), ("2027-01-31", "2027-02-28"));
        assert_eq!(days(&shop.buy(of(&other, "plus")).await), ("2027-03-01", "2027-03-31"));
        jobs(&shop).await;
        shop.verify().await;
    }

    async fn it_comes_back_for_the_days_that_are_left(shop) {
        plans(&shop).await;
        shop.bind("points-standard", crate::checkout::points()).await;
        let member = shop.member().await;
        let nothing = shop.wallet(&member).await;
        let order = shop.buy(of(&member, "plus")).await;
        assert_eq!(shop.refund(&id(&order), Value::Null).await.ok()["total"], 35_030);
        assert_eq!((shop.wallet(&member).await, books(&shop, &member).await), (nothing, (0, 0)));
        assert_eq!(read(&shop, &member).await["membership"], Value::Null);
        // A day that has begun counts as used, and lifts nobody once it is paid back.
        let order = shop.buy(of(&member, "plus")).await;
        shop.later(10 * DAY);
        jobs(&shop).await;
        assert_eq!(points_of(&shop, &member).await, 40);
        assert_eq!(shop.refund(&id(&order), json!([[0, "0.5"]])).await.refused(422), "invalid_fields");
        assert_eq!(shop.refund(&id(&order), Value::Null).await.ok()["total"], 35_030 * 20 / 31);
        assert_eq!(books(&shop, &member).await, (0, 11_000));
        assert_eq!(points_of(&shop, &member).await, 20);
        assert_eq!(shop.refund(&id(&order), json!([[0, "1"]])).await.refused(409), "over_refund");
        let order = shop.buy(of(&member, "plus")).await;
        shop.later(31 * DAY);
        assert_eq!(shop.refund(&id(&order), Value::Null).await.refused(409), "pass_used");
        jobs(&shop).await;
        shop.verify().await;
    }

    async fn an_upgrade_begins_at_once_and_takes_what_was_not_used_in_payment(shop) {
        plans(&shop).await;
        shop.bind("points-standard", crate::checkout::points()).await;
        let member = shop.member().await;
        assert_eq!(asked(&shop, upgrade(&member, "premium")).await.refused(422), "pass_unfit");
        assert_eq!(asked(&shop, upgrade(&member, "coffee")).await.refused(422), "pass_unfit");
        shop.buy(of(&member, "plus")).await;
        shop.later(10 * DAY);
        // 21 days of 10.00 are left, 11.30 with tax, of whichever the job has come to.
        let quotes = [shop.quote(upgrade(&member, "premium")).await, shop.quote(upgrade(&member, "premium")).await];
        assert_eq!(days(&quotes[0]), ("2026-03-12", "2027-03-11"));
        assert_eq!((&quotes[0]["lines"][0]["pass_sold"]["credit"], &quotes[0]["totals"]["total"]), (&json!(23_730), &json!(412_450 - 23_730)));
        let both = quotes.each_ref().map(id);
        let tries = join_all(both.iter().map(|quote| shop.commit(quote))).await;
        assert_eq!(tries.iter().filter(|answer| answer.status.is_success()).count(), 1);
        // What was paid is all there: ten days of the first are earned, the rest is the second's.
        assert_eq!(books(&shop, &member).await, (365_000, 10_000));
        assert_eq!(shop.system("tax/east", "CNY").await, 4_030 + 47_450 - 2_730);
        assert_eq!(points_of(&shop, &member).await, 60);
        let list = periods(&shop, &member).await;
        assert_eq!((&list[0]["state"], &list[1]["state"], &list[1]["value"]), (&json!("ended"), &json!("running"), &json!(365_000)));
        shop.later(DAY);
        jobs(&shop).await;
        assert_eq!(books(&shop, &member).await, (364_000, 11_000));
        // A dearer one is not upgraded to a cheaper one, nor what happened already.
        assert_eq!(asked(&shop, upgrade(&member, "plus")).await.refused(422), "pass_unfit");
        let happened = json!({ "external_id": "U-1", "occurred_at": "2026-03-02T09:59:00+08:00", "sale": upgrade(&member, "premium") });
        assert_eq!(shop.post("/v1/orders", &shop.till, happened).await.refused(422), "pass_unfit");
        // Half a year later it is worth what is left of both, as far as it was paid with this order.
        let order = tries.into_iter().find(|answer| answer.status.is_success()).expect("one").body;
        shop.later(181 * DAY);
        let back = shop.refund(&id(&order), Value::Null).await.ok();
        assert_eq!(back["total"], 412_450 * 182 / 365);
        jobs(&shop).await;
        assert_eq!(books(&shop, &member).await.0, 0);
        shop.verify().await;
    }

    async fn an_upgrade_that_comes_back_unused_leaves_what_was_before(shop) {
        plans(&shop).await;
        let member = shop.member().await;
        shop.buy(of(&member, "plus")).await;
        shop.buy(of(&member, "plus")).await;
        shop.later(10 * DAY);
        jobs(&shop).await;
        let before = (shop.wallet(&member).await, books(&shop, &member).await, read(&shop, &member).await["membership"].clone());
        let order = shop.buy(upgrade(&member, "premium")).await;
        // Both months are taken in payment: 21 days and 30.
        assert_eq!(order["lines"][0]["pass_sold"]["credit"], 23_730 + 35_030);
        assert_eq!(read(&shop, &member).await["membership"]["product"], "premium");
        shop.refund(&id(&order), Value::Null).await.ok();
        let after = (shop.wallet(&member).await, books(&shop, &member).await, read(&shop, &member).await["membership"].clone());
        assert_eq!(after, before);
        shop.later(60 * DAY);
        jobs(&shop).await;
        assert_eq!(books(&shop, &member).await, (0, 62_000));
        shop.verify().await;
    }

    async fn members_are_told_before_a_membership_ends_that_is_not_paid_on(shop) {
        plans(&shop).await;
        shop.settings(json!({ "expiry_notices": { "membership_days": 14, "pass_days": 3, "bonus_days": 366 } })).await;
        let (member, renewed) = (shop.member().await, shop.member().await);
        shop.buy(of(&member, "plus")).await;
        shop.buy(of(&renewed, "plus")).await;
        shop.buy(of(&renewed, "premium")).await;
        jobs(&shop).await;
        let told = |kinds: Vec<String>| kinds.into_iter().filter(|kind| kind.ends_with(".expiring")).collect::<Vec<_>>();
        assert_eq!(told(shop.events().await), Vec::<String>::new());
        for _ in 0..2 {
            shop.later(16 * DAY + 3 * 3_600);
            jobs(&shop).await;
            jobs(&shop).await;
            assert_eq!(told(shop.events().await), ["membership.expiring"]);
        }
        shop.verify().await;
    }

    async fn a_membership_goes_with_its_member_and_is_nobody_elses(shop) {
        plans(&shop).await;
        let (twin, stays) = (shop.member().await, shop.member().await);
        let bought = id(&shop.buy(of(&twin, "plus")).await);
        shop.buy(of(&stays, "premium")).await;
        shop.later(DAY);
        let merge = json!({ "into": { "id": stays }, "reason": "enrolled twice" });
        shop.post(&format!("/v1/members/{twin}/merge"), &shop.admin, merge).await.ok();
        assert_eq!(periods(&shop, &stays).await.len(), 2);
        assert_eq!(read(&shop, &stays).await["membership"]["until"], "2027-03-01");
        shop.later(DAY);
        jobs(&shop).await;
        assert_eq!(books(&shop, &stays).await.1, 4_000);
        // Both lift him: silver and gold become platinum.
        shop.bind("points-standard", crate::checkout::points()).await;
        assert_eq!(points_of(&shop, &stays).await, 60);
        // What was bought before the merge comes back after it, for 28 days: today has begun.
        assert_eq!(shop.refund(&bought, Value::Null).await.ok()["total"], 35_030 * 28 / 31);
        assert_eq!(books(&shop, &stays).await, (363_000, 5_000));
        assert_eq!(periods(&shop, &stays).await[0]["state"], "ended");
        // The next follows on the last of both.
        let next = shop.quote(of(&stays, "plus")).await;
        assert_eq!(days(&next).0, "2027-03-02");
        let nobody = json!({ "lines": [{ "product": "plus" }] });
        assert_eq!(asked(&shop, nobody).await.pointers(), ["/member"]);
        shop.verify().await;
    }

    async fn plans_that_make_no_sense_make_no_product(shop) {
        let wrong = [
            (json!({}), "/membership/months"),
            (json!({ "months": 0 }), "/membership/months"),
            (json!({ "months": 1, "days": 1 }), "/membership/months"),
            (json!({ "months": 1, "tier": { "tier": "" } }), "/membership/tier"),
            (json!({ "months": 1, "tier": { "tier": "gold", "multiplier": "-1" } }), "/membership/tier/multiplier"),
        ];
        for (terms, pointer) in wrong {
            assert_eq!(shop.post("/v1/products", &shop.admin, plan("x", "X", 1, terms)).await.pointers(), [pointer]);
        }
        let mut both = plan("x", "X", 1, json!({ "months": 1 }));
        both["pass"] = json!({ "uses": 1, "categories": ["x"] });
        assert_eq!(shop.post("/v1/products", &shop.admin, both).await.pointers(), ["/membership"]);
    }
}
