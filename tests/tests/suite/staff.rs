//! People at the till: their PINs, their roles, and what they earn.

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

    async fn what_people_earn_follows_the_sale_and_goes_back_with_the_goods(shop) {
        commission(&shop, json!([
            { "name": "all", "on": "sale", "share": "10%" },
            { "name": "cakes", "on": "sale", "categories": ["bakery"], "amount": 101 },
            { "name": "money in", "on": "top-up", "share": "1%" },
            { "name": "newcomer", "on": "enrolment", "amount": 200 },
        ])).await;
        for name in ["anna", "ben", "chen"] {
            person(&shop, name, "cashier").await;
        }
        person(&shop, "boss", "manager").await;
        // Anna is on duty; of the cakes Ben sold two thirds, and the tea was Chen's alone.
        let order = sold(&shop, "anna:4711", json!({
            "lines": [{ "product": "cake", "quantity": "3" }, { "product": "tea", "salesperson": "chen" }],
            "salespeople": [{ "staff": "anna" }, { "staff": "ben", "share": 2 }],
            "tenders": [{ "kind": "cash" }],
        })).await;
        // Net of three cakes at 13 % in 90.00: 79.65, a tenth of it 7.97 and 3.03 by the piece; of the tea's 10.62 it is 1.06.
        let earned = [owed(&shop, "anna").await, owed(&shop, "ben").await, owed(&shop, "chen").await];
        assert_eq!(earned.iter().sum::<i64>(), 797 + 303 + 106);
        assert_eq!(earned, [266 + 101, 531 + 202, 106]);
        assert_eq!(shop.system("commission-cost/east", "CNY").await, -(797 + 303 + 106));
        // Cake by cake it goes back, and at the end nothing is left, whatever was rounded on the way.
        shop.settings(json!({ "commission": [] })).await;
        shop.refund(&order, json!([[0, "1"]])).await.ok();
        assert_eq!([owed(&shop, "anna").await, owed(&shop, "ben").await], [367 - 89 - 34, 733 - 177 - 67]);
        shop.later(86_400);
        shop.refund(&order, json!([[0, "1"]])).await.ok();
        shop.refund(&order, Value::Null).await.ok();
        for name in ["anna", "ben", "chen"] {
            assert_eq!(owed(&shop, name).await, 0);
        }
        assert_eq!(shop.system("commission-cost/east", "CNY").await, 0);
        // The statement has each on its own day.
        let first = statement(&shop, "boss:4711", "ben", "2026-03-02", "2026-03-02").await.ok();
        assert_eq!(first["sums"], json!([
            { "currency": "CNY", "kind": "refund", "entries": 1, "amount": -(177 + 67) },
            { "currency": "CNY", "kind": "sale", "entries": 1, "amount": 733 },
        ]));
        let whole = statement(&shop, "ben:4711", "ben", "2026-03-01", "2026-03-31").await.ok();
        let total: i64 = whole["sums"].as_array().expect("a list").iter().map(|sum| sum["amount"].as_i64().expect("a sum")).sum();
        assert_eq!(total, 0);
        let path = "/v1/staff/ben/commission/entries?from=2026-03-01&to=2026-03-31&limit=2";
        let page = shop.get(path, &shop.admin).await.ok();
        let cursor = page["next"].as_str().expect("a cursor");
        let rest = shop.get(&format!("/v1/staff/ben/commission/entries?cursor={cursor}"), &shop.admin).await.ok();
        let last = rest["items"].as_array().expect("a list").last().expect("the sale").clone();
        assert_eq!((&last["kind"], &last["subject"], &last["amount"]), (&json!("sale"), &json!(order), &json!(733)));
        // Another's is not one's own.
        let other = statement(&shop, "anna:4711", "ben", "2026-03-01", "2026-03-31").await;
        assert_eq!(other.refused(403), "forbidden");
        let backwards = statement(&shop, "boss:4711", "nobody", "2026-03-01", "2026-03-31").await;
        assert_eq!(backwards.refused(404), "staff_unknown");
        shop.verify().await;
    }

    async fn who_tops_up_and_enrols_earns_it_once_and_loses_it_with_the_reversal(shop) {
        commission(&shop, json!([
            { "name": "money in", "on": "top-up", "share": "1%" },
            { "name": "newcomer", "on": "enrolment", "amount": 200 },
        ])).await;
        person(&shop, "anna", "cashier").await;
        person(&shop, "boss", "supervisor").await;
        let newcomer = json!({ "home_store": "east", "person": { "name": "王芳", "phone": "+8613800000009" } });
        let request = |key: &str| Request::post("/v1/members")
            .header("authorization", format!("Bearer {}", shop.till))
            .header("tessera-staff", "anna:4711")
            .header("idempotency-key", key)
            .header("content-type", "application/json")
            .body(Body::from(newcomer.to_string())).expect("a request");
        let enrolled = shop.raw(request("enrol")).await.ok();
        let member = enrolled["id"].as_str().expect("an id");
        assert!(shop.raw(request("enrol")).await.is_replayed());
        assert_eq!(owed(&shop, "anna").await, 200);
        assert!(shop.raw(request("again")).await.status.is_client_error());
        let body = json!({ "amount": 10_050, "tender": { "kind": "cash" } });
        let paid = shop.post_on_duty(&format!("/v1/members/{member}/top-ups"), &shop.till, "anna:4711", body).await.ok();
        assert_eq!(owed(&shop, "anna").await, 200 + 101);
        let path = format!("/v1/members/{member}/entries/{}/reversal", paid["entry"].as_str().expect("an entry"));
        let tries = join_all((0..16).map(|_| {
            shop.post_on_duty(&path, &shop.till, "boss:4711", json!({ "reason": "typed wrongly" }))
        })).await;
        assert_eq!(tries.iter().filter(|answer| answer.status == 201).count(), 1);
        assert_eq!(owed(&shop, "anna").await, 200);
        // A key alone earns nothing.
        shop.top_up(member, 10_000, 0).await;
        shop.member().await;
        assert_eq!(shop.system("commission-cost/east", "CNY").await, -200);
        shop.verify().await;
    }

    async fn a_role_of_the_chains_own_allows_asks_or_denies_action_by_action(shop) {
        let role = |base: &str, permissions: Value| json!({ "base": base, "permissions": permissions });
        let trainee = role("cashier", json!({ "refund": "deny", "adjust-points": "deny" }));
        let shown = shop.put("/v1/roles/trainee", trainee.clone()).await;
        assert_eq!((&shown["permissions"]["refund"], &shown["permissions"]["sell"]), (&json!("deny"), &json!("allow")));
        shop.put("/v1/roles/lead", role("cashier", json!({ "reverse-movement": "allow" }))).await;
        for (id, role) in [("tom", "trainee"), ("lea", "lead"), ("boss", "manager")] {
            person(&shop, id, role).await;
        }
        let member = shop.member().await;
        let order = sold(&shop, "tom:4711", json!({ "lines": [{ "product": "tea" }], "tenders": [{ "kind": "cash" }] })).await;
        // The key of the till may refund; Tom may not, whoever approves.
        let refunds = format!("/v1/orders/{order}/refunds");
        let tries = shop.post_on_duty(&refunds, &shop.till, "tom:4711", json!({})).await;
        assert_eq!(tries.refused(403), "forbidden");
        let adjust = format!("/v1/members/{member}/adjustments");
        let points = |approval: Value| json!({ "points": 5, "reason": "kind", "approval": approval });
        let ask = json!({ "permission": "adjust-points", "subject": member, "amount": 5 });
        let word = shop.post_on_duty("/v1/approvals", &shop.till, "boss:4711", ask).await.ok()["approval"].clone();
        let denied = shop.post_on_duty(&adjust, &shop.till, "tom:4711", points(word.clone())).await;
        assert_eq!(denied.refused(403), "forbidden");
        let asked = shop.post_on_duty(&adjust, &shop.till, "lea:4711", points(Value::Null)).await;
        assert_eq!(asked.refused(403), "approval_needed");
        let done = shop.post_on_duty(&adjust, &shop.till, "lea:4711", points(word)).await.ok();
        // Lea puts back alone what a cashier may not, and her word counts for others.
        let path = format!("/v1/members/{member}/entries/{}/reversal", done["entry"].as_str().expect("an entry"));
        shop.post_on_duty(&path, &shop.till, "lea:4711", json!({ "reason": "too kind" })).await.ok();
        let ask = json!({ "permission": "reverse-movement", "subject": "x", "amount": 1 });
        shop.post_on_duty("/v1/approvals", &shop.till, "lea:4711", ask.clone()).await.ok();
        let tom = shop.post_on_duty("/v1/approvals", &shop.till, "tom:4711", ask).await;
        assert_eq!(tom.refused(403), "forbidden");
        // A change holds from the next request on, at every host.
        let second = shop.second_host().await;
        shop.put("/v1/roles/trainee", role("cashier", json!({}))).await;
        second.as_ref().unwrap_or(&shop).post_on_duty(&refunds, &shop.till, "tom:4711", json!({})).await.ok();
        // Only what is there can be said of it, by who may.
        let put = async |id: &str, key: &str, body: Value| {
            shop.send(axum::http::Method::PUT, &format!("/v1/roles/{id}"), key, None, Some(body)).await
        };
        for (body, pointer) in [
            (role("owner", json!({})), "/base"),
            (role("cashier", json!({ "fly": "allow" })), "/permissions/fly"),
            (role("cashier", json!({ "sell": "approve" })), "/permissions/sell"),
        ] {
            let answer = put("odd", &shop.admin, body).await;
            assert_eq!(answer.pointers(), [pointer]);
            assert_eq!(answer.refused(422), "invalid_fields");
        }
        assert_eq!(put("cashier", &shop.admin, trainee.clone()).await.refused(409), "duplicate");
        assert_eq!(put("odd", &shop.supervisor, trainee).await.refused(403), "forbidden");
        // Who may define roles defines none that holds more than he does, and changes none that does.
        shop.put("/v1/roles/clerk", role("cashier", json!({ "manage-roles": "allow" }))).await;
        person(&shop, "kim", "clerk").await;
        let kims = async |id: &str, body: Value| at_till(&shop, "PUT", &format!("/v1/roles/{id}"), "kim:4711", body).await;
        assert_eq!(kims("clerk", role("admin", json!({}))).await.refused(403), "forbidden");
        assert_eq!(kims("clerk", role("cashier", json!({ "manage-keys": "allow" }))).await.refused(403), "forbidden");
        assert_eq!(kims("lead", role("cashier", json!({}))).await.refused(403), "forbidden");
        kims("helper", role("cashier", json!({ "refund": "approve" }))).await.ok();
        shop.put("/v1/roles/ruler", role("cashier", json!({ "manage-rules": "allow" }))).await;
        let body = |role: &str| json!({ "name": "new", "role": role, "store": "east", "pin": "4711" });
        let given = shop.post_on_duty("/v1/staff", &shop.till, "boss:4711", body("ruler")).await;
        assert_eq!(given.refused(403), "forbidden");
        let unknown = shop.post("/v1/staff", &shop.admin, body("nobody")).await;
        assert_eq!(unknown.refused(422), "role_unknown");
        let cashier = shop.get("/v1/roles/cashier", &shop.admin).await.ok();
        assert_eq!(cashier["permissions"]["adjust-points"], "approve");
        let own = shop.get("/v1/roles", &shop.admin).await.ok();
        assert_eq!(own["items"].as_array().expect("a list").len(), 5);
        shop.verify().await;
    }

    async fn commissions_are_for_people_who_work_here_by_rules_that_can_be(shop) {
        person(&shop, "anna", "cashier").await;
        let west = json!({ "id": "wu", "name": "wu", "role": "cashier", "store": "west", "pin": "4711" });
        shop.post("/v1/staff", &shop.admin, west).await.ok();
        let gone = json!({ "name": "anna", "role": "cashier", "store": "east", "active": false });
        person(&shop, "gone", "cashier").await;
        shop.put("/v1/staff/gone", gone).await;
        for (salespeople, line, pointer) in [
            (json!([{ "staff": "nobody" }]), Value::Null, "/salespeople/0/staff"),
            (json!([{ "staff": "anna" }, { "staff": "wu" }]), Value::Null, "/salespeople/1/staff"),
            (json!([{ "staff": "anna" }, { "staff": "anna" }]), Value::Null, "/salespeople/1/staff"),
            (json!([{ "staff": "anna", "share": 0 }]), Value::Null, "/salespeople/0/share"),
            (json!([{ "staff": "anna", "share": 1_001 }]), Value::Null, "/salespeople/0/share"),
            (json!([]), json!("gone"), "/lines/0/salesperson"),
            (json!((0..11).map(|at| json!({ "staff": at.to_string() })).collect::<Vec<_>>()), Value::Null, "/salespeople"),
        ] {
            let basket = json!({ "lines": [{ "product": "tea", "salesperson": line }], "salespeople": salespeople });
            let answer = shop.post("/v1/quotes", &shop.till, basket).await;
            assert_eq!(answer.pointers(), [pointer]);
            assert_eq!(answer.refused(422), "invalid_fields");
        }
        let chain = shop.get("/v1/chain", &shop.admin).await.ok();
        for rules in [
            json!([{ "name": "", "on": "sale", "share": "1%" }]),
            json!([{ "name": "a", "on": "sale" }]),
            json!([{ "name": "a", "on": "sale", "share": "1%", "amount": 1 }]),
            json!([{ "name": "a", "on": "sale", "share": "101%" }]),
            json!([{ "name": "a", "on": "sale", "amount": 0 }]),
            json!([{ "name": "a", "on": "enrolment", "share": "1%" }]),
            json!([{ "name": "a", "on": "top-up", "amount": 1, "categories": ["x"] }]),
            json!([{ "name": "a", "on": "sale", "amount": 1 }, { "name": "a", "on": "sale", "amount": 2 }]),
        ] {
            let mut chain = chain.clone();
            chain["settings"]["commission"] = rules;
            let answer = shop.send(axum::http::Method::PUT, "/v1/chain", &shop.admin, None, Some(chain)).await;
            assert!(answer.pointers()[0].starts_with("/settings/commission"), "{}", answer.body);
        }
    }
}

async fn commission(shop: &Shop, rules: Value) {
    shop.settings(json!({ "commission": rules })).await;
}

async fn owed(shop: &Shop, staff: &str) -> i64 {
    shop.system(&format!("commission/{staff}/east"), "CNY")
        .await
}

async fn statement(shop: &Shop, who: &str, of: &str, from: &str, to: &str) -> Answer {
    let path = format!("/v1/staff/{of}/commission?from={from}&to={to}");
    at_till(shop, "GET", &path, who, Value::Null).await
}

/// Sells a basket with somebody on duty; answers the order's id.
async fn sold(shop: &Shop, staff: &str, basket: Value) -> String {
    let quote = shop
        .post_on_duty("/v1/quotes", &shop.till, staff, basket)
        .await
        .ok();
    let path = format!("/v1/quotes/{}/commit", quote["id"].as_str().expect("an id"));
    let order = shop
        .post_on_duty(&path, &shop.till, staff, json!({}))
        .await
        .ok();
    order["id"].as_str().expect("an id").to_owned()
}
