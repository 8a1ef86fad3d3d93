//! Cards: made blank, handed over once, blocked, lost, replaced, expired, and known by chip, stripe and PIN.

use axum::http::Method;
use futures_util::future::join_all;
use serde_json::{Value, json};
use tessera::domain::time::Instant;
use tessera_tests::on_each_database;
use tessera_tests::shop::{Answer, MONDAY, Shop};

async fn quote_by(shop: &Shop, member: Value) -> Answer {
    let basket = json!({ "member": member, "lines": [{ "product": "tea" }] });
    shop.post("/v1/quotes", &shop.till, basket).await
}

async fn blanks(shop: &Shop, card_type: &str, count: u32) -> Vec<String> {
    let body = json!({ "type": card_type, "count": count });
    let made = shop.post("/v1/cards/batches", &shop.admin, body).await.ok();
    let numbers = made["numbers"].as_array().expect("numbers");
    numbers
        .iter()
        .map(|number| text(number).to_owned())
        .collect()
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

async fn activate(shop: &Shop, key: &str, number: &str, member: &str, tender: Value) -> Answer {
    let mut body = json!({ "store": "east", "member": { "id": member } });
    if !tender.is_null() {
        body["tender"] = tender;
    }
    let path = format!("/v1/cards/{number}/activation");
    shop.post(&path, key, body).await
}

/// The number of a member's first card.
async fn number(shop: &Shop, member: &str) -> String {
    let path = format!("/v1/members/{member}/cards");
    let cards = shop.get(&path, &shop.till).await.ok();
    text(&cards[0]["number"]).to_owned()
}

async fn set(shop: &Shop, member: &str, number: &str, status: &str) -> Answer {
    let path = format!("/v1/members/{member}/cards/{number}");
    let body = json!({ "status": status });
    shop.send(Method::PUT, &path, &shop.till, None, Some(body))
        .await
}

async fn identify(shop: &Shop, shown: Value, pin: Option<&str>) -> Answer {
    let body = json!({ "shown": shown, "pin": pin });
    shop.send(
        Method::POST,
        "/v1/cards/identify",
        &shop.till,
        None,
        Some(body),
    )
    .await
}

on_each_database! {
    async fn a_code_on_a_phone_is_good_for_a_minute_at_any_host(shop) {
        let member = shop.member().await;
        let path = format!("/v1/members/{member}/codes");
        let made = shop.post(&path, &shop.admin, json!({})).await.ok();
        let code = text(&made["code"]).to_owned();
        assert!(code.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase()), "{code}");
        let quote = quote_by(&shop, json!({ "code": code })).await.ok();
        assert_eq!(quote["member"], json!(member));
        if let Some(second) = shop.second_host().await {
            assert_eq!(quote_by(&second, json!({ "code": code })).await.ok()["member"], json!(member));
        }
        // One letter of another, half a code, another chain's: nobody's.
        let mut other = code.clone();
        other.replace_range(4..5, if &code[4..5] == "A" { "B" } else { "A" });
        for wrong in [other.as_str(), &code[..40], "", "zz", "00"] {
            let answer = quote_by(&shop, json!({ "code": wrong })).await;
            assert_eq!(answer.refused(422), "member_unknown", "{wrong}");
        }
        shop.later(60);
        quote_by(&shop, json!({ "code": code })).await.ok();
        shop.later(1);
        assert_eq!(quote_by(&shop, json!({ "code": code })).await.refused(409), "member_code_expired");
        let next = shop.post(&path, &shop.admin, json!({})).await.ok();
        assert_ne!(next["code"], made["code"]);
        let nobody = shop.post("/v1/members/nobody/codes", &shop.admin, json!({})).await;
        assert_eq!(nobody.refused(404), "member_unknown");
    }

    async fn a_blank_card_is_handed_over_once_paid_for_and_good_through_its_last_day(shop) {
        let gold = json!({ "name": "Gold", "tier": "gold", "price": 9_900, "valid_days": 30 });
        shop.put("/v1/card-types/gold", gold).await;
        let batch = json!({ "type": "gold", "count": 3 });
        let made = shop.post_as("/v1/cards/batches", &shop.admin, "batch", batch.clone()).await.ok();
        let again = shop.post_as("/v1/cards/batches", &shop.admin, "batch", batch.clone()).await;
        assert!(again.is_replayed() && again.body == made);
        let numbers: Vec<&str> = made["numbers"].as_array().expect("numbers").iter().map(text).collect();
        assert!(numbers.len() == 3 && numbers.iter().all(|number| tessera::enrolment::is_card_number(number)));
        assert_eq!(shop.post("/v1/cards/batches", &shop.till, batch).await.refused(403), "forbidden");
        for (wrong, code) in [
            (json!({ "type": "gold", "count": 0 }), "invalid_fields"),
            (json!({ "type": "gold", "count": 1_001 }), "invalid_fields"),
            (json!({ "type": "tin", "count": 1 }), "card_type_unknown"),
        ] {
            assert_eq!(shop.post("/v1/cards/batches", &shop.admin, wrong).await.refused(422), code);
        }
        assert_eq!(quote_by(&shop, json!({ "card": numbers[0] })).await.refused(409), "card_blank");
        // A digit typed wrongly is told from a card nobody has.
        let last = if numbers[0].ends_with('0') { "1" } else { "0" };
        let mistyped = quote_by(&shop, json!({ "card": format!("{}{last}", &numbers[0][..15]) })).await;
        assert_eq!(mistyped.pointers(), ["/member/card"]);
        assert_eq!(mistyped.body["errors"][0]["code"], "not_a_card");
        let member = shop.member().await;
        let cash = json!({ "kind": "cash" });
        for (key, who, tender, status, code) in [
            (&shop.till, member.as_str(), Value::Null, 422, "invalid_fields"),
            (&shop.till, member.as_str(), json!({ "kind": "points", "points": 1 }), 422, "invalid_fields"),
            (&shop.west_till, member.as_str(), cash.clone(), 403, "other_store"),
            (&shop.till, "nobody", cash.clone(), 422, "member_unknown"),
        ] {
            assert_eq!(activate(&shop, key, numbers[0], who, tender).await.refused(status), code);
        }
        // Of 64 at once one gets the card, and pays.
        let tries = (0..64).map(|_| activate(&shop, &shop.till, numbers[0], &member, cash.clone()));
        let tries = join_all(tries).await;
        assert_eq!(tries.iter().filter(|answer| answer.status == 201).count(), 1);
        let refused: Vec<_> = tries.iter().filter(|answer| answer.status != 201).map(|a| &a.body["code"]).collect();
        assert!(refused.iter().all(|code| **code == "card_state"), "{refused:?}");
        assert_eq!(shop.system("tender/cash/east", "CNY").await, -9_900);
        assert_eq!(shop.system("fees/card/east", "CNY").await, 9_900);
        let known = shop.get(&format!("/v1/members/{member}"), &shop.till).await.ok();
        // 2 March is the first of its thirty days.
        assert_eq!((&known["tier"]["name"], &known["tier"]["valid_until"]), (&json!("gold"), &json!("2026-03-31")));
        let ended = shop.get(&format!("/v1/cards/batches/{}", text(&made["batch"])), &shop.admin).await.ok();
        let active = ended["items"].as_array().expect("a list").iter().filter(|card| card["status"] == "active");
        assert_eq!(active.count(), 1);
        // Its last day ends at midnight of the home store, 16:00 in UTC.
        let midnight = Instant(MONDAY.0 + (14 + 29 * 24) * 3_600 * 1_000_000);
        shop.set_clock(Instant(midnight.0 - 1));
        quote_by(&shop, json!({ "card": numbers[0] })).await.ok();
        shop.set_clock(midnight);
        assert_eq!(quote_by(&shop, json!({ "card": numbers[0] })).await.refused(409), "card_expired");
        // A sale of the day before may still be recorded with it.
        let sale = json!({
            "external_id": "1", "occurred_at": "2026-03-31T20:00:00+08:00",
            "sale": { "member": { "card": numbers[0] }, "lines": [{ "product": "tea" }], "tenders": [{ "kind": "cash" }] },
        });
        shop.post("/v1/orders", &shop.till, sale).await.ok();
        shop.verify().await;
    }

    async fn a_card_says_at_a_quote_what_became_of_it_and_its_successor_keeps_everything(shop) {
        let member = shop.member().await;
        shop.give_points(&member, 50).await;
        let old = number(&shop, &member).await;
        for (status, code) in [("blocked", "card_blocked"), ("lost", "card_lost")] {
            set(&shop, &member, &old, status).await.ok();
            set(&shop, &member, &old, status).await.ok();
            assert_eq!(quote_by(&shop, json!({ "card": old })).await.refused(409), code);
            let found = shop.get(&format!("/v1/members?card={old}"), &shop.till).await;
            assert_eq!(found.refused(409), code);
            set(&shop, &member, &old, "active").await.ok();
            quote_by(&shop, json!({ "card": old })).await.ok();
        }
        set(&shop, &member, &old, "lost").await.ok();
        let path = format!("/v1/cards/{old}/replacement");
        let keys: Vec<String> = (0..16).map(|till| format!("replace-{till}")).collect();
        let tries = join_all(keys.iter().map(|key| shop.post_as(&path, &shop.till, key, json!({})))).await;
        let first = tries.iter().position(|answer| answer.status == 201).expect("one replaces it");
        assert_eq!(tries.iter().filter(|answer| answer.status == 201).count(), 1);
        let others = tries.iter().filter(|answer| answer.status != 201);
        assert!(others.clone().all(|answer| answer.body["code"] == "card_state"));
        let new = tries[first].body.clone();
        let again = shop.post_as(&path, &shop.till, &keys[first], json!({})).await;
        assert!(again.is_replayed() && again.body["number"] == new["number"]);
        let replaced = quote_by(&shop, json!({ "card": old })).await;
        assert_eq!(replaced.body["replaced_by"], new["number"]);
        assert_eq!(replaced.refused(409), "card_replaced");
        assert_eq!(new["member"], json!(member));
        quote_by(&shop, json!({ "card": new["number"] })).await.ok();
        // The next one is a blank card of plastic; its own type gives way to that of the card it stands for.
        shop.put("/v1/card-types/plain", json!({ "name": "Plain" })).await;
        let blank = blanks(&shop, "plain", 1).await.remove(0);
        let path = format!("/v1/cards/{}/replacement", text(&new["number"]));
        let plastic = shop.post(&path, &shop.till, json!({ "number": blank })).await.ok();
        assert_eq!((&plastic["kind"], &plastic["status"]), (&json!("physical"), &json!("active")));
        let gone = format!("/v1/cards/{blank}/replacement");
        let taken = shop.post(&gone, &shop.till, json!({ "number": old })).await;
        assert_eq!(taken.refused(409), "card_state");
        set(&shop, &member, &blank, "closed").await.ok();
        assert_eq!(quote_by(&shop, json!({ "card": blank })).await.refused(409), "card_inactive");
        assert_eq!(set(&shop, &member, &blank, "active").await.refused(409), "card_state");
        assert_eq!(set(&shop, &member, "nothing", "active").await.refused(404), "card_unknown");
        assert_eq!(set(&shop, &member, &blank, "replaced").await.refused(422), "invalid_fields");
        assert_eq!(shop.balances(&member).await["points"], 50);
        let events = shop.events().await;
        let of = |kind: &str| events.iter().filter(|event| *event == kind).count();
        assert_eq!((of("card.changed"), of("card.replaced")), (6, 2));
        shop.verify().await;
    }

    async fn a_card_is_known_by_chip_and_stripe_and_its_pin_has_five_tries(shop) {
        let (member, other) = (shop.member().await, shop.member().await);
        let (card, another) = (number(&shop, &member).await, number(&shop, &other).await);
        let mark = |card: &str, shown: Value| {
            let (shop, path) = (&shop, format!("/v1/cards/{card}/mark"));
            async move {
                let body = Some(json!({ "shown": shown }));
                shop.send(Method::PUT, &path, &shop.till, None, body).await
            }
        };
        mark(&card, json!({ "nfc": "04:a2:3b:11" })).await.ok();
        mark(&card, json!({ "track": ";9123=26120000?" })).await.ok();
        for reference in [json!({ "nfc": "04A23B11" }), json!({ "track": "9123=26120000" })] {
            let quote = quote_by(&shop, reference.clone()).await.ok();
            assert!(quote["id"].is_string());
            assert_eq!(identify(&shop, reference, None).await.ok()["member"], json!(member));
        }
        for (card, wrong) in [
            (&another, json!({ "nfc": "04A23B11" })),
            (&another, json!({ "nfc": "04A23B1" })),
            (&another, json!({ "track": "" })),
            (&another, json!({ "card": card })),
        ] {
            assert_eq!(mark(card, wrong).await.pointers(), ["/shown"]);
        }
        assert_eq!(quote_by(&shop, json!({ "nfc": "FFFFFFFF" })).await.refused(422), "card_unknown");
        // A new chip takes the place of the old one.
        mark(&card, json!({ "nfc": "04A23B12" })).await.ok();
        assert_eq!(quote_by(&shop, json!({ "nfc": "04A23B11" })).await.refused(422), "card_unknown");
        let path = format!("/v1/cards/{card}/pin");
        let pin = |pin: &str| {
            let (shop, path, body) = (&shop, path.clone(), json!({ "pin": pin }));
            async move { shop.send(Method::PUT, &path, &shop.till, None, Some(body)).await }
        };
        assert_eq!(pin("123").await.refused(422), "invalid_fields");
        assert_eq!(pin("4711").await.ok()["has_pin"], true);
        assert_eq!(quote_by(&shop, json!({ "card": card })).await.refused(403), "card_pin_needed");
        assert_eq!(quote_by(&shop, json!({ "nfc": "04A23B12" })).await.refused(403), "card_pin_needed");
        let shown = json!({ "card": card });
        assert_eq!(identify(&shop, shown.clone(), None).await.refused(403), "card_pin_needed");
        let known = identify(&shop, shown.clone(), Some("4711")).await.ok();
        quote_by(&shop, json!({ "id": known["member"] })).await.ok();
        // However many guess at once, five are answered.
        let guesses = join_all((0..12).map(|_| identify(&shop, shown.clone(), Some("0000")))).await;
        let wrong = guesses.iter().filter(|answer| answer.body["code"] == "card_pin_wrong");
        assert_eq!(wrong.count(), 5);
        assert_eq!(identify(&shop, shown.clone(), Some("4711")).await.refused(403), "card_locked");
        pin("4712").await.ok();
        identify(&shop, shown, Some("4712")).await.ok();
    }
}
