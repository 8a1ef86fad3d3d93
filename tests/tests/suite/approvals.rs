//! Acts of a till somebody else has to agree to: a price, a line that is taken off, a refund.

use futures_util::future::join_all;
use serde_json::{Value, json};
use tessera_tests::on_each_database;
use tessera_tests::shop::{Answer, Shop};

async fn people(shop: &Shop) {
    let trainee = json!({ "base": "cashier", "permissions": { "remove-line": "approve", "refund": "approve" } });
    shop.put("/v1/roles/trainee", trainee).await;
    for (id, role) in [
        ("tom", "trainee"),
        ("boss", "supervisor"),
        ("anna", "supervisor"),
    ] {
        let body = json!({ "id": id, "name": id, "role": role, "store": "east", "pin": "4711" });
        shop.post("/v1/staff", &shop.admin, body).await.ok();
    }
}

async fn word(shop: &Shop, who: &str, permission: &str, subject: &str, amount: i64) -> String {
    let ask = json!({ "permission": permission, "subject": subject, "amount": amount });
    let who = format!("{who}:4711");
    let given = shop
        .post_on_duty("/v1/approvals", &shop.till, &who, ask)
        .await
        .ok();
    given["approval"].as_str().expect("an approval").to_owned()
}

async fn tom(shop: &Shop, path: &str, body: Value) -> Answer {
    shop.post_on_duty(path, &shop.till, "tom:4711", body).await
}

fn id(of: &Value) -> &str {
    of["id"].as_str().expect("an id")
}

on_each_database! {
    async fn a_price_of_the_tills_own_is_approved_once_and_stands_in_the_order(shop) {
        people(&shop).await;
        let cheaper = |approvals: Value| json!({
            "lines": [{ "product": "coffee", "unit_price": 900 }, { "product": "tea" }],
            "tenders": [{ "kind": "cash" }], "approvals": approvals,
        });
        let asked = shop.post("/v1/quotes", &shop.till, cheaper(json!([]))).await;
        assert_eq!(asked.status, 403);
        let told = json!({ "permission": "price-at-till", "subject": "coffee@900", "amount": 900 });
        assert_eq!(asked.body["approve"], told);
        assert_eq!(asked.refused(403), "approval_needed");
        // Another amount, another article, nonsense: none of them is for this.
        let others = [
            word(&shop, "boss", "price-at-till", "coffee@900", 800).await,
            word(&shop, "boss", "price-at-till", "tea@900", 900).await,
            "nonsense".to_owned(),
        ];
        let wrong = shop.post("/v1/quotes", &shop.till, cheaper(json!(others))).await;
        assert_eq!(wrong.refused(403), "approval_needed");
        let many = vec!["x"; 21];
        let many = shop.post("/v1/quotes", &shop.till, cheaper(json!(many))).await;
        assert_eq!(many.pointers(), ["/approvals"]);
        let word = word(&shop, "boss", "price-at-till", "coffee@900", 900).await;
        let first = shop.quote(cheaper(json!([word]))).await;
        // For one piece, at a till of this store.
        let mut two = cheaper(json!([word]));
        two["lines"][0]["quantity"] = json!("2");
        assert_eq!(shop.post("/v1/quotes", &shop.till, two.clone()).await.body["approve"]["amount"], 1_800);
        let west = shop.post("/v1/quotes", &shop.west_till, cheaper(json!([word]))).await;
        assert_eq!(west.refused(403), "approval_needed");
        // The customer goes on shopping for longer than an approval lasts.
        shop.later(120);
        let expired = shop.post("/v1/quotes", &shop.till, cheaper(json!([word]))).await;
        assert_eq!(expired.refused(403), "approval_refused");
        // Nor did the sale happen before the word was given.
        let before = json!({
            "external_id": "1", "occurred_at": "2026-03-01T10:00:00+08:00", "sale": cheaper(json!([word])),
        });
        assert_eq!(shop.post("/v1/orders", &shop.till, before).await.refused(403), "approval_refused");
        two["follows"] = first["id"].clone();
        assert_eq!(shop.post("/v1/quotes", &shop.till, two).await.refused(403), "approval_needed");
        let mut more = cheaper(json!([]));
        more["follows"] = first["id"].clone();
        more["lines"].as_array_mut().expect("lines").push(json!({ "product": "cake" }));
        let elsewhere = shop.post("/v1/quotes", &shop.supervisor, more.clone()).await.ok();
        assert!(elsewhere.get("approvals").is_none(), "a supervisor asks nobody");
        let quote = shop.quote(more).await;
        assert_eq!(quote["approvals"][0]["by"], "boss");
        let order = shop.commit(id(&quote)).await.ok();
        assert_eq!((&order["lines"][0]["price"], &order["approvals"][0]["amount"]), (&json!("till"), &json!(900)));
        // The word was for one sale: the first quote does not sell with it again.
        let again = shop.commit(id(&first)).await;
        assert_eq!(again.refused(403), "approval_refused");
        shop.verify().await;
    }

    async fn of_sixteen_sales_on_one_approved_price_one_is_made(shop) {
        people(&shop).await;
        let word = word(&shop, "boss", "price-at-till", "repair@1500", 1_500).await;
        let basket = json!({
            "lines": [{ "article": { "name": "repair", "tax_class": "standard" }, "unit_price": 1_500 }],
            "tenders": [{ "kind": "cash" }], "approvals": [word],
        });
        let quotes = join_all((0..16).map(|_| shop.quote(basket.clone()))).await;
        let held = shop.post(&format!("/v1/quotes/{}/hold", id(&quotes[3])), &shop.till, json!({})).await;
        held.ok();
        let tries = join_all(quotes.iter().map(|quote| shop.commit(id(quote)))).await;
        let sold: Vec<usize> = (0..16).filter(|at| tries[*at].status == 201).collect();
        assert_eq!(sold, [3], "the one that held it");
        assert!(tries.iter().filter(|answer| answer.status != 201).all(|answer| answer.body["code"] == "approval_refused"));
        assert_eq!(shop.orders().await, 1);
        shop.verify().await;
    }

    async fn what_is_taken_off_a_basket_is_allowed_by_whoever_may_and_told_of(shop) {
        people(&shop).await;
        let basket = json!({ "lines": [{ "product": "coffee", "quantity": "3" }, { "product": "tea" }] });
        let quote = shop.quote(basket).await;
        let path = format!("/v1/quotes/{}/removals", id(&quote));
        let off = |lines: Value, approval: Value| json!({ "lines": lines, "reason": "too dear", "approval": approval });
        let two = json!([{ "line": 0, "quantity": "2" }]);
        let asked = tom(&shop, &path, off(two.clone(), Value::Null)).await;
        let amount: i64 = asked.body["approve"]["amount"].as_i64().expect("an amount");
        assert_eq!(amount, 2 * quote["lines"][0]["unit_price"].as_i64().expect("a price"));
        assert_eq!(asked.refused(403), "approval_needed");
        let word = word(&shop, "boss", "remove-line", id(&quote), amount).await;
        let other = tom(&shop, &path, off(json!([{ "line": 0, "quantity": "1" }]), json!(word))).await;
        assert_eq!(other.refused(403), "approval_refused");
        assert_eq!(tom(&shop, &path, off(two.clone(), json!(word))).await.status, 204);
        let used = tom(&shop, &path, off(two.clone(), json!(word))).await;
        assert_eq!(used.refused(403), "approval_refused");
        // Whoever may do it alone just says why.
        let alone = shop.post_as(&path, &shop.till, "alone", off(two.clone(), Value::Null)).await;
        assert_eq!(alone.status, 204);
        let again = shop.post_as(&path, &shop.till, "alone", off(two.clone(), Value::Null)).await;
        assert_eq!(again.status, 204);
        let events = shop.events().await;
        assert_eq!(events.iter().filter(|kind| *kind == "quote.lines_removed").count(), 2);
        for (lines, reason, pointer) in [
            (json!([{ "line": 0, "quantity": "4" }]), "why", "/lines/0/quantity"),
            (json!([{ "line": 0, "quantity": "2" }, { "line": 0, "quantity": "2" }]), "why", "/lines/1/quantity"),
            (json!([{ "line": 7, "quantity": "1" }]), "why", "/lines/0/line"),
            (json!([{ "line": 0, "quantity": "0" }]), "why", "/lines/0/quantity"),
            (json!([]), "why", "/lines"),
            (two, "", "/reason"),
        ] {
            let answer = shop.post(&path, &shop.till, json!({ "lines": lines, "reason": reason })).await;
            assert_eq!(answer.pointers(), [pointer]);
        }
        let elsewhere = shop.post(&path, &shop.west_till, off(json!([{ "line": 1, "quantity": "1" }]), Value::Null)).await;
        assert_eq!(elsewhere.refused(403), "other_store");
        let unknown = off(json!([{ "line": 1, "quantity": "1" }]), Value::Null);
        let unknown = shop.post("/v1/quotes/nothing/removals", &shop.till, unknown).await;
        assert_eq!(unknown.refused(404), "quote_unknown");
        shop.verify().await;
    }

    async fn a_refund_waits_for_somebody_elses_word_where_the_role_says_so(shop) {
        people(&shop).await;
        let order = shop.buy(json!({ "lines": [{ "product": "coffee", "quantity": "2" }] })).await;
        let path = format!("/v1/orders/{}/refunds", id(&order));
        let one = |approval: Value| json!({ "lines": [{ "line": 0, "quantity": "1" }], "approval": approval });
        let asked = tom(&shop, &path, one(Value::Null)).await;
        let amount: i64 = asked.body["approve"]["amount"].as_i64().expect("an amount");
        assert_eq!(asked.refused(403), "approval_needed");
        let word = word(&shop, "anna", "refund", id(&order), amount).await;
        let keys: Vec<String> = (0..16).map(|at| format!("back-{at}")).collect();
        let tries = join_all(keys.iter().map(|_| tom(&shop, &path, one(json!(word))))).await;
        assert_eq!(tries.iter().filter(|answer| answer.status == 201).count(), 1);
        // Another tender is no way round it, and who may refund alone still may not choose the tender alone.
        let lead = json!({ "base": "supervisor", "permissions": { "refund": "approve" } });
        shop.put("/v1/roles/lead", lead).await;
        let lea = json!({ "id": "lea", "name": "lea", "role": "lead", "store": "east", "pin": "4711" });
        shop.post("/v1/staff", &shop.admin, lea).await.ok();
        let cash = json!({ "lines": [{ "line": 0, "quantity": "1" }], "tender": "cash" });
        let leas = shop.post_on_duty(&path, &shop.till, "lea:4711", cash).await;
        assert_eq!((&leas.body["approve"]["permission"], leas.status.as_u16()), (&json!("refund"), 403));
        let ask = json!({ "permission": "refund-other-tender", "subject": id(&order), "amount": 2_000 });
        let own = shop.post_on_duty("/v1/approvals", &shop.till, "lea:4711", ask).await;
        assert_eq!(own.refused(403), "forbidden");
        // Who may not sell does not sell by way of an exchange.
        shop.put("/v1/roles/buyer", json!({ "base": "cashier", "permissions": { "sell": "deny" } })).await;
        let ben = json!({ "id": "ben", "name": "ben", "role": "buyer", "store": "east", "pin": "4711" });
        shop.post("/v1/staff", &shop.admin, ben).await.ok();
        let quote = shop.quote(json!({ "lines": [{ "product": "coffee" }] })).await;
        let swap = json!({ "quote": quote["id"], "lines": [{ "line": 0, "quantity": "1" }] });
        let swap = shop.post_on_duty(&format!("/v1/orders/{}/exchanges", id(&order)), &shop.till, "ben:4711", swap).await;
        assert_eq!(swap.refused(403), "forbidden");
        // The key alone may, as before.
        shop.refund(id(&order), Value::Null).await.ok();
        shop.verify().await;
    }
}
