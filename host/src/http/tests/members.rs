//! Members: enrolled once, found masked, referred.

use std::sync::Arc;

use serde_json::json;

use super::{Shop, wang};

#[tokio::test]
async fn an_enrolment_happens_once_per_key() {
    let shop = Shop::open().await;
    let first = shop.enrol("k1", wang()).await.expect(201);
    assert!(!first.headers.contains_key("idempotency-replayed"));
    let again = shop.enrol("k1", wang()).await.expect(201);
    assert_eq!(again.headers["idempotency-replayed"], "true");
    assert_eq!(again.body, first.body);
    let mut other = wang();
    other["person"]["name"] = json!("李雷");
    shop.enrol("k1", other)
        .await
        .refused(422, "idempotency_key_reused");
    shop.enrol("k2", wang()).await.refused(409, "phone_taken");
    shop.post("/v1/members", wang())
        .await
        .refused(400, "idempotency_key_missing");
    let operation = shop.get("/v1/operations/k1").await.expect(200);
    assert_eq!(operation.body["subject"]["id"], first.body["id"]);
    shop.get("/v1/operations/k2")
        .await
        .refused(404, "operation_unknown");
}

#[tokio::test]
async fn sixteen_enrolments_under_one_key_make_one_member() {
    let shop = Arc::new(Shop::open().await);
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..16 {
        let shop = Arc::clone(&shop);
        tasks.spawn(async move { shop.enrol("same", wang()).await.expect(201).body["id"].clone() });
    }
    let ids: std::collections::HashSet<String> = tasks
        .join_all()
        .await
        .into_iter()
        .map(|id| id.to_string())
        .collect();
    assert_eq!(ids.len(), 1);
}

#[tokio::test]
async fn a_member_is_found_by_card_and_phone_and_shown_masked() {
    let shop = Shop::open().await;
    let member = shop.enrol("k1", wang()).await.expect(201).body;
    let id = member["id"].as_str().unwrap();
    assert_eq!(member["enrolled_on"], "2026-03-31");
    assert_eq!(member["person"]["phone"], "*******8000");
    let cards = shop
        .get(&format!("/v1/members/{id}/cards"))
        .await
        .expect(200)
        .body;
    let number = cards[0]["number"].as_str().unwrap();
    let by_card = shop
        .get(&format!("/v1/members?card={number}"))
        .await
        .expect(200)
        .body;
    let by_phone = shop
        .get("/v1/members?phone=13812348000")
        .await
        .expect(200)
        .body;
    assert_eq!(
        (&by_card["items"][0]["id"], &by_phone["items"][0]["id"]),
        (&json!(id), &json!(id))
    );
    let full = shop
        .get(&format!("/v1/members/{id}?unmask=true"))
        .await
        .expect(200)
        .body;
    assert_eq!(full["person"]["phone"], "13812348000");
    let events = shop.get("/v1/events").await.expect(200).body;
    let kinds: Vec<_> = events["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| event["type"].clone())
        .collect();
    assert_eq!(kinds, [json!("member.enrolled"), json!("person.unmasked")]);
    shop.with("DELETE", &format!("/v1/members/{id}/person"), &[], None)
        .await
        .expect(200);
    let gone = shop
        .get(&format!("/v1/members/{id}"))
        .await
        .expect(200)
        .body;
    assert!(gone.get("person").is_none());
    assert_eq!(
        shop.get("/v1/members?phone=13812348000")
            .await
            .expect(200)
            .body["items"],
        json!([])
    );
}

#[tokio::test]
async fn a_newcomer_names_who_referred_them() {
    let shop = Shop::open().await;
    let first = shop.enrol("k1", wang()).await.expect(201).body;
    let newcomer = json!({"home_store": "bund", "referral_code": first["referral_code"]});
    let second = shop.enrol("k2", newcomer).await.expect(201).body;
    assert_eq!(second["referred_by"], first["id"]);
    let path = format!("/v1/members/{}/referrals", first["id"].as_str().unwrap());
    assert_eq!(
        shop.get(&path).await.expect(200).body["items"][0]["member"],
        second["id"]
    );
    let mut own = wang();
    own["referral_code"] = first["referral_code"].clone();
    shop.enrol("k3", own).await.refused(422, "referrer_refused");
    let unknown = json!({"home_store": "bund", "referral_code": "NOBODY"});
    let answer = shop
        .enrol("k4", unknown)
        .await
        .refused(422, "referrer_refused");
    assert_eq!(answer.body["errors"][0]["pointer"], "/referral_code");
    let nowhere = json!({"home_store": "moon"});
    shop.enrol("k5", nowhere)
        .await
        .refused(422, "store_unknown");
}
