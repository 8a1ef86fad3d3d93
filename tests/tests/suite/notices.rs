//! Notice ahead of what expires: once for each lot and coupon, on the day it is due, whichever host gives it.

use serde_json::{Value, json};
use tessera::domain::time::Day;
use tessera_tests::on_each_database;
use tessera_tests::shop::Shop;

const DAY: i64 = 86_400;

async fn jobs(shop: &Shop) {
    tessera::jobs::run_once(&shop.host).await.expect("jobs run");
}

/// The notices so far: kind and payload.
async fn told(shop: &Shop) -> Vec<(String, Value)> {
    let page = shop.get("/v1/events?limit=200", &shop.admin).await.ok();
    let items = page["items"].as_array().expect("a list").clone();
    let kind = |event: &Value| event["type"].as_str().expect("a type").to_owned();
    let ahead = items
        .iter()
        .filter(|event| kind(event).ends_with(".expiring"));
    ahead
        .map(|event| (kind(event), event["data"].clone()))
        .collect()
}

async fn kinds(shop: &Shop) -> Vec<String> {
    told(shop).await.into_iter().map(|(kind, _)| kind).collect()
}

async fn bonus(shop: &Shop, member: &str, amount: i64, last: &str) {
    let day = last.parse().map(tessera::clock::day_of).expect("a date");
    let body = json!({
        "store": "east", "amount": 1, "bonus": amount, "bonus_expires_on": day, "tender": { "kind": "cash" },
    });
    shop.post(&format!("/v1/members/{member}/top-ups"), &shop.admin, body)
        .await
        .ok();
}

async fn ask_for_notices(shop: &Shop) {
    let ahead = json!({ "points_days": 7, "bonus_days": 3, "coupon_days": 2 });
    shop.settings(json!({ "expiry_notices": ahead })).await;
}

fn monday() -> Day {
    tessera::clock::day_of("2026-03-02".parse().expect("a date"))
}

on_each_database! {
    async fn members_are_told_of_what_expires_once_and_as_long_before_as_the_chain_says(shop) {
        let member = shop.member().await;
        for (points, last) in [(10, "2026-03-09"), (20, "2026-03-10"), (30, "2026-03-02"), (40, "2026-12-31")] {
            shop.give_points_until(&member, points, last).await;
        }
        shop.give_points(&member, 50).await;
        bonus(&shop, &member, 500, "2026-03-05").await;
        bonus(&shop, &member, 600, "2026-03-06").await;
        let code = json!({ "discount": { "amount": { "off": 500 } }, "trigger": "code" });
        let binding = shop.bind_with("promo-standard", code, json!({ "stage": "coupons" })).await;
        for (code, holder, last) in [("HERS", Some(&member), "2026-03-04"), ("LATER", Some(&member), "2026-03-05"), ("FREE", None, "2026-03-04")] {
            let body = json!({ "binding": binding, "codes": [code], "holder": holder, "expires_on": last });
            shop.post("/v1/coupons", &shop.admin, body).await.ok();
        }
        jobs(&shop).await;
        assert!(told(&shop).await.is_empty(), "no chain tells what it was not asked to");
        ask_for_notices(&shop).await;
        shop.host.refresh().await.expect("settings are read");
        jobs(&shop).await;
        let first = told(&shop).await;
        let amounts: Vec<_> = first.iter().map(|(kind, told)| (kind.as_str(), told["amount"].as_i64())).collect();
        let expected = [("points.expiring", Some(30)), ("bonus.expiring", Some(500)), ("points.expiring", Some(10)), ("coupon.expiring", None)];
        assert_eq!(amounts, expected);
        assert_eq!(first[0].1["member"], json!(member));
        assert_eq!((&first[2].1["expires_on"], &first[3].1["code"]), (&json!("2026-03-09"), &json!("HERS")));
        // Given after the day's round, it is told of on the next day, with what is due then.
        shop.give_points_until(&member, 60, "2026-03-04").await;
        jobs(&shop).await;
        assert_eq!(kinds(&shop).await.len(), 4);
        shop.later(DAY);
        jobs(&shop).await;
        jobs(&shop).await;
        let second: Vec<_> = told(&shop).await.split_off(4).into_iter()
            .map(|(kind, told)| (kind, told["amount"].as_i64(), told["code"].as_str().map(str::to_owned))).collect();
        assert_eq!(second, [
            ("points.expiring".to_owned(), Some(60), None),
            ("bonus.expiring".to_owned(), Some(600), None),
            ("points.expiring".to_owned(), Some(20), None),
            ("coupon.expiring".to_owned(), None, Some("LATER".to_owned())),
        ]);
        // A host that was away tells of what is left when it is back.
        shop.later(60 * DAY);
        jobs(&shop).await;
        assert_eq!(kinds(&shop).await.len(), 8);
        shop.later(240 * DAY);
        jobs(&shop).await;
        assert_eq!(told(&shop).await.last().map(|(_, told)| told["amount"].clone()), Some(json!(40)));
        shop.verify().await;
    }

    async fn what_was_used_spent_or_voided_is_not_told_of(shop) {
        ask_for_notices(&shop).await;
        let member = shop.member().await;
        shop.give_points_until(&member, 1_200, "2026-03-04").await;
        let code = json!({ "discount": { "amount": { "off": 500 } }, "trigger": "code" });
        let binding = shop.bind_with("promo-standard", code, json!({ "stage": "coupons" })).await;
        let body = json!({ "binding": binding, "codes": ["USED", "VOID"], "holder": member, "expires_on": "2026-03-03" });
        shop.post("/v1/coupons", &shop.admin, body).await.ok();
        shop.post("/v1/coupons/VOID/void", &shop.admin, json!({ "reason": "a test" })).await.ok();
        shop.buy(json!({
            "member": { "id": member }, "lines": [{ "product": "coffee" }], "codes": ["USED"],
            "tenders": [{ "kind": "points", "points": 1_200 }, { "kind": "cash" }],
        })).await;
        jobs(&shop).await;
        assert!(told(&shop).await.is_empty(), "{:?}", told(&shop).await);
        shop.verify().await;
    }

    async fn two_hosts_at_once_tell_of_each_lot_once(shop) {
        ask_for_notices(&shop).await;
        let members = [shop.member().await, shop.member().await];
        for points in 1..=30 {
            for member in &members {
                shop.give_points_until(member, points, "2026-03-05").await;
            }
        }
        let other = shop.second_host().await;
        if let Some(other) = &other {
            other.host.refresh().await.expect("settings are read");
        }
        let other = other.as_ref().unwrap_or(&shop);
        let (one, two, three) = tokio::join!(
            tessera::notices::round(&shop.host, monday()),
            tessera::notices::round(&other.host, monday()),
            tessera::notices::round(&shop.host, monday()),
        );
        let given = [one, two, three].map(|round| round.expect("a round"));
        assert_eq!(given.iter().sum::<usize>(), 60);
        assert_eq!(kinds(&shop).await.len(), 60);
        assert_eq!(tessera::notices::round(&shop.host, monday()).await.expect("a round"), 0);
        shop.verify().await;
    }
}
