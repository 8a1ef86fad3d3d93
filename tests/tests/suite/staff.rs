//! People at the till: their PINs.

use axum::body::Body;
use axum::http::Request;
use futures_util::future::join_all;
use serde_json::{Value, json};
use tessera_tests::on_each_database;
use tessera_tests::shop::{Answer, Shop};

async fn person(shop: &Shop, id: &str, role: &str) {
    let body = json!({ "id": id, "name": id, "role": role, "store": "east", "pin": "4711" });
    shop.post("/v1/staff", &shop.admin, body).await.ok();
}

/// A request at the till in the east by somebody who shows his PIN, as `id:pin`.
async fn at_till(shop: &Shop, method: &str, path: &str, staff: &str, body: Value) -> Answer {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("authorization", format!("Bearer {}", shop.till))
        .header("tessera-staff", staff)
        .header("content-type", "application/json")
        .body(Body::from(body.to_string()));
    shop.raw(request.expect("a request")).await
}

async fn shows(shop: &Shop, staff: &str) -> Answer {
    at_till(shop, "GET", "/v1/me", staff, Value::Null).await
}

async fn chooses(shop: &Shop, staff: &str, pin: &str) -> Answer {
    at_till(shop, "PUT", "/v1/me/pin", staff, json!({ "pin": pin })).await
}

on_each_database! {
    async fn a_pin_somebody_else_set_changes_itself_and_does_nothing_more(shop) {
        shop.settings(json!({ "pin_change": "at-first-use" })).await;
        person(&shop, "boss", "manager").await;
        person(&shop, "anna", "cashier").await;
        assert_eq!(shows(&shop, "boss:4711").await.refused(403), "pin_must_change");
        let approval = json!({ "permission": "adjust-points", "subject": "x", "amount": 1 });
        let approve = at_till(&shop, "POST", "/v1/approvals", "boss:4711", approval).await;
        assert_eq!(approve.refused(403), "pin_must_change");
        let reset = |pin: &str| json!({ "pin": pin });
        let others = at_till(&shop, "PUT", "/v1/staff/anna/pin", "boss:4711", reset("1357")).await;
        assert_eq!(others.refused(403), "pin_must_change");
        // Without the PIN nobody changes it, and not into itself or nonsense.
        let key_alone = shop.send(axum::http::Method::PUT, "/v1/me/pin", &shop.till, None, Some(reset("2580"))).await;
        assert_eq!(key_alone.refused(403), "staff_needed");
        assert_eq!(chooses(&shop, "boss:0000", "2580").await.refused(403), "staff_pin_wrong");
        for pin in ["4711", "258", "25a0", "1234567890123"] {
            let refused = chooses(&shop, "boss:4711", pin).await;
            assert_eq!(refused.pointers(), ["/pin"]);
            assert_eq!(refused.refused(422), "invalid_fields");
        }
        // Of sixteen at once one chooses; the others show a PIN that is no more.
        let pins: Vec<String> = (0..16).map(|at| format!("99{at:02}")).collect();
        let tries = join_all(pins.iter().map(|pin| chooses(&shop, "boss:4711", pin))).await;
        let chosen: Vec<_> = pins.iter().zip(&tries).filter(|(_, answer)| answer.status == 200).collect();
        assert_eq!(chosen.len(), 1);
        shop.put("/v1/staff/boss/pin", reset("4711")).await;
        assert_eq!(shows(&shop, "boss:4711").await.refused(403), "pin_must_change");
        let boss = chooses(&shop, "boss:4711", "2580").await.ok();
        assert_eq!((&boss["pin_must_change"], &boss["locked"]), (&json!(false), &json!(false)));
        assert_eq!(shows(&shop, "boss:2580").await.ok()["staff_role"], "manager");
        assert_eq!(shows(&shop, "boss:4711").await.refused(403), "staff_pin_wrong");
        // His own again by the manager's way is his own choice; anna's is not hers.
        at_till(&shop, "PUT", "/v1/staff/boss/pin", "boss:2580", reset("3690")).await.ok();
        shows(&shop, "boss:3690").await.ok();
        let anna = at_till(&shop, "PUT", "/v1/staff/anna/pin", "boss:3690", reset("1357")).await.ok();
        assert_eq!(anna["pin_must_change"], true);
        assert_eq!(shows(&shop, "anna:1357").await.refused(403), "pin_must_change");
        let page = shop.get("/v1/events?limit=200", &shop.admin).await.ok();
        let told: Vec<_> = page["items"].as_array().expect("a list").iter()
            .filter(|event| event["type"].as_str().is_some_and(|kind| kind.starts_with("staff.")))
            .map(|event| (event["type"].clone(), event["data"]["by"].clone()))
            .collect();
        assert_eq!(told.len(), 5, "{told:?}");
        assert_eq!(told[4], (json!("staff.pin_set"), json!("boss")));
        shop.verify().await;
    }

    async fn five_wrong_pins_lock_a_person_however_many_come_at_once(shop) {
        person(&shop, "anna", "cashier").await;
        let second = shop.second_host().await;
        let hosts: Vec<&Shop> = [Some(&shop), second.as_ref()].into_iter().flatten().collect();
        // Four wrong ones are forgiven by the right one.
        for _ in 0..4 {
            assert_eq!(shows(&shop, "anna:0000").await.refused(403), "staff_pin_wrong");
        }
        shows(&shop, "anna:4711").await.ok();
        let guesses: Vec<String> = (0..64).map(|guess| format!("anna:{guess:04}")).collect();
        let tries = guesses.iter().enumerate().map(|(at, guess)| shows(hosts[at % hosts.len()], guess));
        let tries = join_all(tries).await;
        let count = |code: &str| tries.iter().filter(|answer| answer.body["code"] == code).count();
        assert_eq!((count("staff_pin_wrong"), count("staff_locked")), (5, 59));
        for host in &hosts {
            assert_eq!(shows(host, "anna:4711").await.refused(403), "staff_locked");
            assert_eq!(chooses(host, "anna:4711", "2580").await.refused(403), "staff_locked");
        }
        shop.put("/v1/staff/anna/pin", json!({ "pin": "2580" })).await;
        for host in &hosts {
            shows(host, "anna:2580").await.ok();
        }
    }
}
