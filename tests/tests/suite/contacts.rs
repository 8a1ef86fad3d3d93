//! A member changes his phone number or e-mail address himself, with a code that is sent there.

use futures_util::future::join_all;
use serde_json::{Value, json};
use tessera_tests::on_each_database;
use tessera_tests::shop::{Answer, Shop};

const OLD: &str = "+8613800000001";
const NEW: &str = "+8613900000002";

async fn ask(shop: &Shop, member: &str, kind: &str, to: &str) -> Answer {
    let path = format!("/v1/members/{member}/contact-changes");
    let body = json!({ "kind": kind, "to": to });
    shop.post(&path, &shop.till, body).await
}

async fn message(shop: &Shop, change: &Value) -> Answer {
    let path = format!("/v1/contact-changes/{}/message", id(change));
    shop.post(&path, &shop.admin, json!({})).await
}

async fn confirm(shop: &Shop, member: &str, change: &Value, code: &str) -> Answer {
    let path = format!(
        "/v1/members/{member}/contact-changes/{}/confirmation",
        id(change)
    );
    shop.post(&path, &shop.till, json!({ "code": code })).await
}

fn id(body: &Value) -> &str {
    body["id"].as_str().expect("an id")
}

fn code(message: &Value) -> String {
    message["code"].as_str().expect("a code").to_owned()
}

/// Another code than the right one.
fn wrong(right: &str) -> String {
    let number: u32 = right.parse().expect("digits");
    format!("{:06}", (number + 1) % 1_000_000)
}

async fn member(shop: &Shop, phone: &str) -> String {
    shop.member_with(json!({ "person": { "name": "王芳", "phone": phone } }))
        .await
}

async fn found(shop: &Shop, query: &str) -> Value {
    let page = shop
        .get(&format!("/v1/members?{query}"), &shop.till)
        .await
        .ok();
    page["items"][0]["id"].clone()
}

on_each_database! {
    async fn a_member_proves_his_new_number_with_a_code_that_is_sent_there(shop) {
        let member = member(&shop, OLD).await;
        let change = ask(&shop, &member, "phone", "+86 139-0000-0002").await;
        assert_eq!(change.status, 201);
        let change = change.ok();
        assert_eq!((&change["kind"], &change["expires_at"]), (&json!("phone"), &json!("2026-03-02T02:10:00.000000Z")));
        // Nobody guesses before the message is fetched, and a till fetches none.
        let path = format!("/v1/contact-changes/{}/message", id(&change));
        assert_eq!(shop.post(&path, &shop.till, json!({})).await.refused(403), "forbidden");
        assert_eq!(confirm(&shop, &member, &change, "000000").await.refused(403), "contact_code_wrong");
        let fetched = join_all((0..16).map(|_| message(&shop, &change))).await;
        assert_eq!(fetched.iter().filter(|answer| answer.status == 200).count(), 1);
        assert!(fetched.iter().all(|answer| answer.status == 200 || answer.body["code"] == "message_fetched"));
        let sent = fetched.into_iter().find(|answer| answer.status == 200).expect("one is told").ok();
        assert_eq!((&sent["kind"], &sent["to"]), (&json!("phone"), &json!(NEW)));
        let right = code(&sent);
        assert!(right.len() == 6 && right.bytes().all(|digit| digit.is_ascii_digit()));
        assert_eq!(confirm(&shop, &member, &change, &wrong(&right)).await.refused(403), "contact_code_wrong");
        let other = shop.member().await;
        assert_eq!(confirm(&shop, &other, &change, &right).await.refused(404), "contact_change_unknown");
        let confirmed = confirm(&shop, &member, &change, &right).await.ok();
        assert_eq!(confirmed["person"]["phone"], "**********0002");
        assert_eq!(confirm(&shop, &member, &change, &right).await.refused(409), "contact_change_over");
        assert_eq!(found(&shop, "phone=%2B8613900000002").await, json!(member));
        assert_eq!(found(&shop, "phone=%2B8613800000001").await, Value::Null);
        let changes = shop.get(&format!("/v1/members/{member}/changes"), &shop.supervisor).await.ok();
        let last = &changes["items"].as_array().expect("a list").last().expect("a change").clone();
        assert_eq!((&last["field"], &last["old"], &last["new"]), (&json!("person.phone"), &json!(OLD), &json!(NEW)));
        // The log that nobody can erase tells neither the address nor the code.
        let log = shop.get("/v1/events?limit=200", &shop.admin).await.ok().to_string();
        assert!(log.contains("contact_change.asked") && log.contains("contact_change.confirmed"));
        assert!(!log.contains("13900000002") && !log.contains(&format!("\"{right}\"")));
    }

    async fn five_codes_are_told_within_ten_minutes_however_many_ask_at_once(shop) {
        let member = member(&shop, OLD).await;
        let change = ask(&shop, &member, "phone", NEW).await.ok();
        let right = code(&message(&shop, &change).await.ok());
        let wrong = wrong(&right);
        let guesses = join_all((0..16).map(|_| confirm(&shop, &member, &change, &wrong))).await;
        let told = guesses.iter().filter(|answer| answer.body["code"] == "contact_code_wrong");
        assert_eq!(told.count(), 5);
        assert!(guesses.iter().all(|answer| answer.status == 403));
        assert_eq!(confirm(&shop, &member, &change, &right).await.refused(403), "contact_code_used_up");
        // The right code from sixteen tills at once is one change.
        let change = ask(&shop, &member, "phone", NEW).await.ok();
        let right = code(&message(&shop, &change).await.ok());
        let confirmed = join_all((0..16).map(|_| confirm(&shop, &member, &change, &right))).await;
        assert_eq!(confirmed.iter().filter(|answer| answer.status == 200).count(), 1);
        let changes = shop.get(&format!("/v1/members/{member}/changes"), &shop.supervisor).await.ok();
        assert_eq!(changes["items"].as_array().map(Vec::len), Some(1));
        // An address has ten minutes, to the microsecond.
        let change = ask(&shop, &member, "email", "fang@example.com").await.ok();
        let right = code(&message(&shop, &change).await.ok());
        shop.later(601);
        assert_eq!(confirm(&shop, &member, &change, &right).await.refused(409), "contact_change_over");
        assert_eq!(message(&shop, &change).await.refused(409), "contact_change_over");
        let change = ask(&shop, &member, "email", "fang@example.com").await.ok();
        let right = code(&message(&shop, &change).await.ok());
        shop.later(600);
        confirm(&shop, &member, &change, &right).await.ok();
        assert_eq!(found(&shop, "email=fang%40example.com").await, json!(member));
    }

    async fn one_change_of_a_kind_is_open_and_five_are_asked_for_in_an_hour(shop) {
        let member = member(&shop, OLD).await;
        let first = ask(&shop, &member, "phone", "+8613900000003").await.ok();
        let right = code(&message(&shop, &first).await.ok());
        let mail = ask(&shop, &member, "email", "fang@example.com").await.ok();
        let second = ask(&shop, &member, "phone", NEW).await.ok();
        assert_eq!(confirm(&shop, &member, &first, &right).await.refused(409), "contact_change_over");
        let asked = join_all((0..16).map(|_| ask(&shop, &member, "phone", NEW))).await;
        assert_eq!(asked.iter().filter(|answer| answer.status == 201).count(), 3);
        let limited = asked.iter().find(|answer| answer.status != 201).expect("one is refused");
        assert_eq!((limited.status.as_u16(), &limited.body["code"]), (429, &json!("too_many_tries")));
        assert_eq!(message(&shop, &second).await.refused(409), "contact_change_over");
        // The other kind is not concerned.
        let right = code(&message(&shop, &mail).await.ok());
        confirm(&shop, &member, &mail, &right).await.ok();
        shop.later(3_600);
        ask(&shop, &member, "phone", NEW).await.ok();
    }

    async fn an_address_of_another_member_is_refused_at_the_start_and_at_the_end(shop) {
        let (member, other) = (member(&shop, OLD).await, member(&shop, "+8613800000009").await);
        let taken = ask(&shop, &member, "phone", "+8613800000009").await;
        assert_eq!(taken.body["member"], json!(other));
        assert_eq!(taken.refused(409), "phone_taken");
        for (kind, to) in [("phone", "12"), ("email", "nobody"), ("phone", "fang@example.com")] {
            assert_eq!(ask(&shop, &member, kind, to).await.pointers(), ["/to"]);
        }
        assert_eq!(ask(&shop, &member, "fax", NEW).await.pointers(), ["/kind"]);
        assert_eq!(ask(&shop, "nobody", "phone", NEW).await.refused(404), "member_unknown");
        // Somebody enrols with the number while the message is on its way.
        let change = ask(&shop, &member, "phone", NEW).await.ok();
        let right = code(&message(&shop, &change).await.ok());
        let late = shop.member_with(json!({ "person": { "name": "李", "phone": NEW } })).await;
        let refused = confirm(&shop, &member, &change, &right).await;
        assert_eq!(refused.body["member"], json!(late));
        assert_eq!(refused.refused(409), "phone_taken");
        assert_eq!(confirm(&shop, &member, &change, &right).await.refused(409), "contact_change_over");
        assert_eq!(found(&shop, "phone=%2B8613800000001").await, json!(member));
        // An erased person leaves nothing behind that waits for a code.
        let change = ask(&shop, &member, "email", "fang@example.com").await.ok();
        let path = format!("/v1/members/{member}/person");
        shop.send(axum::http::Method::DELETE, &path, &shop.admin, None, None).await.ok();
        assert_eq!(message(&shop, &change).await.refused(404), "contact_change_unknown");
        assert_eq!(ask(&shop, &member, "email", "fang@example.com").await.refused(404), "member_unknown");
    }
}
