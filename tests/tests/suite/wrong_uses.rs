//! What a till, a tester or an attacker may send: refused with its status, a stable code and the place, and
//! nothing is posted.

use axum::http::Method;
use serde_json::{Value, json};
use tessera_tests::on_each_database;
use tessera_tests::shop::Shop;

/// Sends baskets that must be refused, and checks that nothing came of them.
async fn refused(shop: &Shop, cases: &[(Value, u16, &str, &[&str])]) {
    for (basket, status, code, pointers) in cases {
        let answer = shop.post("/v1/quotes", &shop.till, basket.clone()).await;
        let shown: String = basket.to_string().chars().take(200).collect();
        assert_eq!(answer.status.as_u16(), *status, "{shown}: {}", answer.body);
        assert_eq!(answer.pointers(), *pointers, "{shown}: {}", answer.body);
        assert_eq!(answer.refused(*status), *code, "{shown}");
    }
    assert_eq!(shop.orders().await, 0);
    shop.verify().await;
}

fn line(line: Value) -> Value {
    json!({ "lines": [line] })
}

fn paid(tender: Value) -> Value {
    json!({ "lines": [{ "product": "coffee" }], "tenders": [tender] })
}

on_each_database! {
    async fn what_is_not_known_is_named_with_its_place(shop) {
        let nobody = uuid::Uuid::now_v7().to_string();
        let by = |member: Value| json!({ "member": member, "lines": [{ "product": "coffee" }] });
        refused(&shop, &[
            (by(json!({ "id": nobody })), 422, "member_unknown", &["/member/id"]),
            (by(json!({ "card": "12345678" })), 422, "card_unknown", &["/member/card"]),
            (by(json!({ "phone": "+8613800000000" })), 422, "member_unknown", &["/member/phone"]),
            (line(json!({ "product": "gold" })), 422, "product_unknown", &["/lines/0/product"]),
            (line(json!({ "barcode": "000" })), 422, "product_unknown", &["/lines/0/barcode"]),
            (line(json!({ "sku": "gold" })), 422, "product_unknown", &["/lines/0/sku"]),
        ]).await;
        let elsewhere = json!({ "store": "north", "lines": [{ "product": "coffee" }] });
        assert_eq!(shop.post("/v1/quotes", &shop.admin, elsewhere).await.refused(422), "store_unknown");
        let other = json!({ "store": "west", "lines": [{ "product": "coffee" }] });
        assert_eq!(shop.post("/v1/quotes", &shop.till, other).await.refused(403), "other_store");
        let nowhere = json!({ "lines": [{ "product": "coffee" }] });
        let answer = shop.post("/v1/quotes", &shop.admin, nowhere).await;
        assert_eq!(answer.pointers(), ["/store"]);
    }

    async fn quantities_are_positive_decimals_within_reason(shop) {
        let quantity = |text: Value| line(json!({ "product": "apples", "quantity": text }));
        let at: &[&str] = &["/lines/0/quantity"];
        refused(&shop, &[
            (quantity(json!("0")), 422, "invalid_fields", at),
            (quantity(json!("-1")), 422, "invalid_fields", at),
            (quantity(json!("1e3")), 422, "invalid_fields", at),
            (quantity(json!("0.0001")), 422, "invalid_fields", at),
            (quantity(json!("NaN")), 422, "invalid_fields", at),
            (quantity(json!("")), 422, "invalid_fields", at),
            (quantity(json!("１")), 422, "invalid_fields", at),
            (quantity(json!("1000001")), 422, "invalid_fields", at),
            (quantity(json!("99999999999999999999")), 422, "invalid_fields", at),
            (quantity(json!(1)), 422, "invalid_fields", at),
        ]).await;
    }

    async fn tenders_are_positive_amounts_of_a_kind_that_fits(shop) {
        let at: &[&str] = &["/tenders/0/amount"];
        let kind: &[&str] = &["/tenders/0/kind"];
        refused(&shop, &[
            (paid(json!({ "kind": "cash", "amount": -1 })), 422, "invalid_fields", at),
            (paid(json!({ "kind": "card", "amount": 1_000_000_000_001_i64 })), 422, "invalid_fields", at),
            (paid(json!({ "kind": "cash", "amount": 1.5 })), 422, "invalid_fields", at),
            (paid(json!({ "kind": "cash", "amount": "2000" })), 422, "invalid_fields", at),
            (paid(json!({ "kind": "shells" })), 422, "invalid_fields", kind),
            (paid(json!({ "kind": "points" })), 422, "invalid_fields", &["/tenders/0/points"]),
            (paid(json!({ "kind": "points", "points": -5 })), 422, "invalid_fields", &["/tenders/0/points"]),
            (paid(json!({ "kind": "stored-value", "amount": -5 })), 422, "invalid_fields", at),
            (paid(json!({ "kind": "cash", "points": 5 })), 422, "invalid_fields", &["/tenders/0/points"]),
            (paid(json!({ "kind": "points", "points": 5 })), 422, "invalid_fields", &["/tenders/0"]),
            (paid(json!({ "kind": "stored-value", "amount": 5 })), 422, "invalid_fields", &["/tenders/0"]),
            (paid(json!({ "kind": "card", "amount": 2_001 })), 422, "invalid_fields", &["/tenders/0"]),
        ]).await;
    }

    async fn more_than_the_wallet_holds_is_refused_at_the_quote(shop) {
        let member = shop.member().await;
        shop.give_points(&member, 100).await;
        shop.top_up(&member, 500, 0).await;
        let pay = |tender: Value| json!({
            "member": { "id": member }, "lines": [{ "product": "coffee" }], "tenders": [tender],
        });
        refused(&shop, &[
            (pay(json!({ "kind": "points", "points": 101 })), 409, "balance_short", &[]),
            (pay(json!({ "kind": "stored-value", "amount": 501 })), 409, "balance_short", &[]),
        ]).await;
        assert_eq!(shop.balances(&member).await["points"], 100);
    }

    async fn a_basket_in_another_currency_is_refused(shop) {
        let dollars = json!({ "currency": "USD", "lines": [{ "product": "coffee" }] });
        shop.post("/v1/products", &shop.admin, json!({
            "id": "import", "sku": "import", "name": "import", "category": "import", "unit": "piece",
            "currency": "USD", "price": 100, "tax_class": "standard",
        })).await.ok();
        refused(&shop, &[
            (dollars, 422, "currency_mismatch", &[]),
            (json!({ "lines": [{ "product": "coffee" }, { "product": "import" }] }), 422, "currency_mismatch", &[]),
        ]).await;
    }

    async fn texts_without_measure_and_u0000_are_refused(shop) {
        let long = "x".repeat(10_000);
        let code = |code: &str| json!({ "lines": [{ "product": "coffee" }], "codes": [code] });
        refused(&shop, &[
            (code("a\u{0}b"), 422, "invalid_fields", &["/codes/0"]),
            (code(&long), 422, "invalid_fields", &["/codes/0"]),
            (line(json!({ "product": "cof\u{0}fee" })), 422, "invalid_fields", &["/lines/0/product"]),
            (line(json!({ "product": long })), 422, "invalid_fields", &["/lines/0/product"]),
        ]).await;
        let named = |name: &str| json!({ "lines": [{
            "article": { "name": name, "tax_class": "standard" }, "unit_price": 100,
        }] });
        for name in ["a\u{0}b", long.as_str()] {
            let answer = shop.post("/v1/quotes", &shop.supervisor, named(name)).await;
            assert_eq!(answer.pointers(), ["/lines/0/article/name"]);
            assert_eq!(answer.refused(422), "invalid_fields");
        }
        let zero = shop.get("/v1/products/a%00b", &shop.till).await;
        assert_eq!(zero.refused(400), "invalid_query");
        let member = shop.post("/v1/members", &shop.till, json!({
            "home_store": "east", "person": { "name": "a\u{0}b" },
        })).await;
        assert_eq!(member.pointers(), ["/person/name"]);
    }

    async fn a_basket_holds_at_most_five_hundred_lines_and_at_least_one(shop) {
        let lines = |count: usize| json!({ "lines": vec![json!({ "product": "tea" }); count] });
        refused(&shop, &[
            (lines(501), 422, "invalid_fields", &["/lines"]),
            (lines(0), 422, "invalid_fields", &["/lines"]),
        ]).await;
        // 500 teas at 12.00.
        assert_eq!(shop.quote(lines(500)).await["totals"]["total"], 600_000);
    }

    async fn a_body_over_one_mebibyte_is_not_read(shop) {
        let huge = json!({ "lines": [{ "product": "x".repeat(1 << 20) }] });
        let answer = shop.post("/v1/quotes", &shop.till, huge).await;
        assert_eq!(answer.refused(413), "body_too_large");
        shop.verify().await;
    }

    async fn what_is_not_json_or_not_ours_is_told_so(shop) {
        let raw = |body: &'static str, kind: &'static str| {
            let request = axum::http::Request::post("/v1/quotes")
                .header("authorization", format!("Bearer {}", shop.till))
                .header("content-type", kind);
            shop.raw(request.body(axum::body::Body::from(body)).expect("a request"))
        };
        assert_eq!(raw("{\"lines\":", "application/json").await.refused(400), "malformed_json");
        assert_eq!(raw("lines=1", "text/plain").await.refused(415), "unsupported_media_type");
        let deep: &'static str = Box::leak("[".repeat(100_000).into_boxed_str());
        assert_eq!(raw(deep, "application/json").await.refused(400), "malformed_json");
        refused(&shop, &[
            (json!({ "lines": [{ "product": "coffee" }], "price": 1 }), 422, "invalid_fields", &["/price"]),
            (json!({}), 422, "invalid_fields", &["/lines"]),
            (line(json!({ "product": "coffee", "sku": "coffee" })), 422, "invalid_fields", &["/lines/0"]),
            (line(json!({})), 422, "invalid_fields", &["/lines/0"]),
        ]).await;
    }

    async fn a_till_sets_prices_only_by_permission(shop) {
        let cheap = line(json!({ "product": "coffee", "unit_price": 1 }));
        assert_eq!(shop.post("/v1/quotes", &shop.till, cheap.clone()).await.refused(403), "approval_needed");
        let quote = shop.post("/v1/quotes", &shop.supervisor, cheap).await.ok();
        assert_eq!(quote["totals"]["total"], 1);
        assert_eq!(quote["lines"][0]["price"], "till");
        let negative = line(json!({ "product": "coffee", "unit_price": -1 }));
        let answer = shop.post("/v1/quotes", &shop.supervisor, negative).await;
        assert_eq!(answer.pointers(), ["/lines/0/unit_price"]);
        let huge = line(json!({ "product": "apples", "quantity": "1000000", "unit_price": i64::MAX }));
        assert!(shop.post("/v1/quotes", &shop.supervisor, huge).await.status.is_client_error());
        shop.verify().await;
    }

    async fn nobody_sells_without_a_key(shop) {
        let body = line(json!({ "product": "coffee" }));
        for key in ["", "tsk_nobody_0000", "nonsense"] {
            let answer = shop.send(Method::POST, "/v1/quotes", key, None, Some(body.clone())).await;
            assert_eq!(answer.refused(401), "unauthenticated");
        }
    }
}
