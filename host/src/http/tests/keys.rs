//! Who may do what: pairing, PINs, keys of one store.

use serde_json::json;

use super::Shop;

#[tokio::test]
async fn a_terminal_gets_its_key_by_pairing_and_loses_it_at_once_when_revoked() {
    let shop = Shop::open().await;
    shop.post(
        "/v1/terminals",
        json!({"id": "till-1", "store": "bund", "name": "Till 1"}),
    )
    .await
    .expect(201);
    let made = shop
        .post("/v1/pairing-codes", json!({"terminal": "till-1"}))
        .await
        .expect(200);
    let code = json!({"code": made.body["code"]});
    let none = [("authorization", "none")];
    let paired = shop
        .with("POST", "/v1/terminals/pair", &none, Some(code.clone()))
        .await
        .expect(200);
    shop.with("POST", "/v1/terminals/pair", &none, Some(code))
        .await
        .refused(403, "pairing_refused");
    let bearer = format!("Bearer {}", paired.body["key"].as_str().unwrap());
    let till = [("authorization", bearer.as_str())];
    let me = shop.with("GET", "/v1/me", &till, None).await.expect(200);
    assert_eq!(
        (&me.body["terminal"], &me.body["store"], &me.body["role"]),
        (&json!("till-1"), &json!("bund"), &json!("cashier"))
    );
    shop.with(
        "POST",
        "/v1/keys",
        &till,
        Some(json!({"name": "x", "role": "admin"})),
    )
    .await
    .refused(403, "forbidden");
    shop.with("DELETE", "/v1/terminals/till-1", &[], None)
        .await
        .expect(200);
    shop.with("GET", "/v1/me", &till, None)
        .await
        .refused(401, "key_revoked");
}

#[tokio::test]
async fn a_pin_adds_a_persons_permissions_and_locks_after_five_wrong_ones() {
    let shop = Shop::open().await;
    let staff =
        json!({"id": "ling", "name": "Ling", "role": "manager", "store": "bund", "pin": "4711"});
    shop.post("/v1/staff", staff).await.expect(201);
    let key = shop
        .post(
            "/v1/keys",
            json!({"name": "till", "role": "cashier", "store": "bund"}),
        )
        .await
        .expect(201);
    let bearer = format!("Bearer {}", key.body["key"].as_str().unwrap());
    let plain = [("authorization", bearer.as_str())];
    let given = [
        ("authorization", bearer.as_str()),
        ("tessera-staff", "ling:4711"),
    ];
    shop.with("GET", "/v1/staff", &given, None)
        .await
        .refused(403, "pin_must_change");
    shop.with("PUT", "/v1/me/pin", &given, Some(json!({"pin": "8520"})))
        .await
        .expect(200);
    let right = [
        ("authorization", bearer.as_str()),
        ("tessera-staff", "ling:8520"),
    ];
    let wrong = [
        ("authorization", bearer.as_str()),
        ("tessera-staff", "ling:0000"),
    ];
    shop.with("GET", "/v1/staff", &plain, None)
        .await
        .refused(403, "forbidden");
    shop.with("GET", "/v1/staff", &right, None)
        .await
        .expect(200);
    for _ in 0..5 {
        shop.with("GET", "/v1/staff", &wrong, None)
            .await
            .refused(403, "staff_pin_wrong");
    }
    shop.with("GET", "/v1/staff", &wrong, None)
        .await
        .refused(403, "staff_locked");
    shop.with("GET", "/v1/staff", &right, None)
        .await
        .refused(403, "staff_locked");
    shop.put("/v1/staff/ling/pin", json!({"pin": "9999"}))
        .await
        .expect(200);
    let fresh = [
        ("authorization", bearer.as_str()),
        ("tessera-staff", "ling:9999"),
    ];
    shop.with("GET", "/v1/staff", &fresh, None)
        .await
        .refused(403, "pin_must_change");
}

#[tokio::test]
async fn a_key_of_one_store_cannot_act_for_another() {
    let shop = Shop::open().await;
    let other =
        json!({"region": "east", "name": "West", "currency": "CNY", "time_zone": "Asia/Urumqi"});
    shop.put("/v1/stores/west", other).await.expect(200);
    let key = shop
        .post(
            "/v1/keys",
            json!({"name": "m", "role": "manager", "store": "west"}),
        )
        .await
        .expect(201);
    let bearer = format!("Bearer {}", key.body["key"].as_str().unwrap());
    let west = [("authorization", bearer.as_str())];
    let till = json!({"store": "bund", "name": "x"});
    shop.with("POST", "/v1/terminals", &west, Some(till))
        .await
        .refused(403, "other_store");
    let boss = json!({"name": "Boss", "role": "admin", "store": "west", "pin": "1234"});
    shop.with("POST", "/v1/staff", &west, Some(boss))
        .await
        .refused(403, "forbidden");
}
