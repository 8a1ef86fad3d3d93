//! Goods that come back for others, in one act, and gift receipts.

use futures_util::future::join_all;
use serde_json::{Value, json};
use tessera_tests::on_each_database;
use tessera_tests::shop::{Answer, Shop};

use super::checkout::points;

fn id(of: &Value) -> &str {
    of["id"].as_str().expect("an id")
}

async fn sold(shop: &Shop, product: &str, quantity: &str, tenders: Value) -> Value {
    shop.buy(json!({ "lines": [{ "product": product, "quantity": quantity }], "tenders": tenders }))
        .await
}

/// Quotes one product to be taken instead; answers the quote's id.
async fn instead(shop: &Shop, product: &str) -> String {
    let quote = shop
        .quote(json!({ "lines": [{ "product": product }] }))
        .await;
    id(&quote).to_owned()
}

async fn swap(shop: &Shop, order: &Value, body: Value) -> Answer {
    shop.post(
        &format!("/v1/orders/{}/exchanges", id(order)),
        &shop.till,
        body,
    )
    .await
}

fn line(quantity: &str) -> Value {
    json!([{ "line": 0, "quantity": quantity }])
}

on_each_database! {
    async fn an_exchange_takes_goods_back_and_sells_others_in_one_act(shop) {
        shop.bind("points-standard", points()).await;
        let member = shop.member().await;
        let of = |product: &str| json!({
            "member": { "id": member }, "lines": [{ "product": product }], "tenders": [{ "kind": "card", "reference": "A1" }],
        });
        let coffee = shop.buy(of("coffee")).await;
        let before = shop.wallet(&member).await;
        let mut cake = of("cake");
        cake["tenders"] = json!([]);
        let quote = shop.quote(cake).await;
        // A cake costs 10.00 more than a coffee; without them nothing comes back and nothing is sold.
        let body = json!({ "quote": quote["id"], "reason": "rather sweet" });
        assert_eq!(swap(&shop, &coffee, body.clone()).await.refused(422), "tenders_mismatch");
        assert_eq!(shop.wallet(&member).await, before);
        let mut paid = body;
        paid["tenders"] = json!([{ "kind": "card", "amount": 1_000 }]);
        let path = format!("/v1/orders/{}/exchanges", id(&coffee));
        let done = shop.post_as(&path, &shop.till, "swap", paid.clone()).await.ok();
        assert_eq!(done["net"], json!([{ "kind": "card", "amount": 1_000 }]));
        assert_eq!((&done["refund"]["total"], &done["order"]["totals"]["total"]), (&json!(2_000), &json!(3_000)));
        assert_eq!(done["refund"]["exchanged_for"], done["order"]["id"]);
        assert_eq!(done["order"]["exchange_of"], done["refund"]["id"]);
        let again = shop.post_as(&path, &shop.till, "swap", paid.clone()).await;
        assert!(again.is_replayed());
        assert_eq!(again.body["net"], done["net"]);
        assert_eq!(shop.orders().await, 2);
        assert_eq!(shop.system("tender/card/east", "CNY").await, -3_000);
        // The other way round all of the cake comes back, to the card.
        let refund = shop.refund(id(&done["order"]), Value::Null).await.ok();
        assert_eq!(refund["payouts"], json!([{ "kind": "card", "amount": 3_000 }]));
        assert_eq!(shop.system("tender/card/east", "CNY").await, 0);
        assert_eq!(shop.balances(&member).await, [].into());
        let nothing = swap(&shop, &coffee, paid).await;
        assert_eq!(nothing.refused(422), "invalid_fields");
        shop.verify().await;
    }

    async fn what_the_new_goods_cost_less_is_handed_out(shop) {
        shop.settings(json!({ "cash_rounding": { "increment": 50, "mode": "half-up" } })).await;
        let tenders = json!([{ "kind": "card", "amount": 2_500 }, { "kind": "cash" }]);
        let cakes = sold(&shop, "cake", "1", tenders).await;
        let body = json!({ "quote": instead(&shop, "coffee").await });
        let done = swap(&shop, &cakes, body).await.ok();
        // 25.00 on the card and 5.00 in cash came; a coffee of 20.00 stays on the card.
        assert_eq!(done["net"], json!([{ "kind": "card", "amount": -500 }, { "kind": "cash", "amount": -500 }]));
        let tea = json!({ "quote": instead(&shop, "tea").await });
        let done = swap(&shop, &done["order"], tea).await.ok();
        assert_eq!(done["net"], json!([{ "kind": "card", "amount": -800 }]));
        assert_eq!(shop.system("tender/card/east", "CNY").await, -1_200);
        assert_eq!(shop.system("tender/cash/east", "CNY").await, 0);
        shop.verify().await;
    }

    async fn stored_value_that_comes_back_pays_at_once(shop) {
        let member = shop.member().await;
        shop.top_up(&member, 1_500, 500).await;
        let of = |product: &str, tenders: Value| json!({
            "member": { "id": member }, "lines": [{ "product": product }], "tenders": tenders,
        });
        let coffee = shop.buy(of("coffee", json!([{ "kind": "stored-value" }]))).await;
        assert!(shop.balances(&member).await.is_empty());
        // 20.00 come back to the wallet and pay at once, as they were: three quarters of it his own money.
        let cake = shop.quote(of("cake", json!([]))).await;
        let body = json!({ "quote": cake["id"], "tenders": [{ "kind": "cash" }] });
        let done = swap(&shop, &coffee, body).await.ok();
        assert_eq!(done["net"], json!([{ "kind": "cash", "amount": 1_000 }]));
        let wallet = &done["order"]["tenders"][0];
        assert_eq!((&wallet["principal"], &wallet["bonus"]), (&json!(1_500), &json!(500)));
        assert!(shop.balances(&member).await.is_empty());
        // The cheaper tea is paid from the wallet first; the rest goes back to where it came from.
        let tea = shop.quote(of("tea", json!([]))).await;
        let done = swap(&shop, &done["order"], json!({ "quote": tea["id"] })).await.ok();
        assert_eq!(done["net"], json!([{ "kind": "cash", "amount": -1_000 }]));
        let balances = [("bonus".to_owned(), 200), ("principal".to_owned(), 600)];
        assert_eq!(shop.balances(&member).await, balances.into());
        shop.refund(id(&done["order"]), Value::Null).await.ok();
        let balances = [("bonus".to_owned(), 500), ("principal".to_owned(), 1_500)];
        assert_eq!(shop.balances(&member).await, balances.into());
        // Another's goods do not pay for him.
        let coffee = shop.buy(of("coffee", json!([{ "kind": "stored-value" }]))).await;
        let other = instead(&shop, "tea").await;
        assert_eq!(swap(&shop, &coffee, json!({ "quote": other })).await.refused(422), "tenders_mismatch");
        shop.verify().await;
    }

    async fn of_sixteen_exchanges_of_one_thing_one_happens(shop) {
        let order = sold(&shop, "tea", "1", json!([{ "kind": "cash" }])).await;
        let quotes = join_all((0..16).map(|_| instead(&shop, "tea"))).await;
        let tries = quotes.iter().map(|quote| swap(&shop, &order, json!({ "quote": quote })));
        let tries = join_all(tries).await;
        assert_eq!(tries.iter().filter(|answer| answer.status == 201).count(), 1);
        assert_eq!(shop.orders().await, 2);
        assert_eq!(shop.system("tender/cash/east", "CNY").await, -1_200);
        // Another host prices the quote again from its request.
        if let Some(second) = shop.second_host().await {
            let order = sold(&shop, "tea", "1", json!([{ "kind": "cash" }])).await;
            let basket = json!({ "lines": [{ "product": "tea" }] });
            let quote = shop.quote(basket.clone()).await;
            let unknown = swap(&second, &order, json!({ "quote": quote["id"] })).await;
            assert_eq!(unknown.refused(404), "quote_unknown");
            let again = json!({ "request": basket, "quoted_at": quote["quoted_at"], "digest": quote["digest"] });
            let body = json!({ "quote": quote["id"], "quote_request": again });
            assert_eq!(swap(&second, &order, body).await.ok()["net"], json!([]));
        }
        // And one quote is sold once, whatever comes back for it.
        let others = join_all((0..8).map(|_| sold(&shop, "tea", "1", json!([{ "kind": "cash" }])))).await;
        let quote = instead(&shop, "tea").await;
        let tries = others.iter().map(|order| swap(&shop, order, json!({ "quote": quote })));
        let tries = join_all(tries).await;
        assert_eq!(tries.iter().filter(|answer| answer.status == 201).count(), 1);
        assert!(tries.iter().filter(|answer| answer.status != 201).all(|answer| answer.body["code"] == "quote_committed"));
        shop.verify().await;
    }

    async fn an_exchange_that_cannot_be_leaves_both_halves_undone(shop) {
        let order = sold(&shop, "tea", "2", json!([{ "kind": "cash" }])).await;
        let quote = instead(&shop, "tea").await;
        for (body, status, code) in [
            (json!({ "quote": "nothing" }), 404, "quote_unknown"),
            (json!({ "quote": quote, "lines": line("3") }), 409, "over_refund"),
            (json!({ "quote": quote, "lines": line("0") }), 422, "invalid_fields"),
            (json!({ "quote": quote, "lines": line("1"), "gift_receipt": "ABC" }), 404, "gift_receipt_unknown"),
        ] {
            assert_eq!(swap(&shop, &order, body).await.refused(status), code);
        }
        let path = format!("/v1/orders/{}/exchanges", id(&order));
        let elsewhere = shop.post(&path, &shop.west_till, json!({ "quote": quote })).await;
        assert_eq!(elsewhere.refused(403), "other_store");
        let west = json!({ "store": "west", "lines": [{ "product": "tea" }] });
        let west = shop.post("/v1/quotes", &shop.admin, west).await.ok();
        let other_store = shop.post(&path, &shop.admin, json!({ "quote": west["id"] })).await;
        assert_eq!(other_store.pointers(), ["/quote"]);
        // A quote whose time is over is given up under the key, and nothing comes back.
        shop.later(86_400);
        let late = json!({ "quote": quote, "lines": line("1") });
        let stale = shop.post_as(&path, &shop.till, "late", late.clone()).await;
        assert_eq!(stale.refused(409), "quote_stale");
        assert_eq!(shop.post_as(&path, &shop.till, "late", late).await.refused(409), "quote_stale");
        let refunds = shop.get(&format!("/v1/orders/{}/refunds", id(&order)), &shop.till).await.ok();
        assert_eq!(refunds, json!([]));
        shop.verify().await;
    }

    async fn an_order_is_found_by_what_somebody_still_knows_of_it(shop) {
        let member = shop.member().await;
        let tea = sold(&shop, "tea", "1", json!([{ "kind": "cash" }])).await;
        let own = shop.buy(json!({ "member": { "id": member }, "lines": [{ "product": "cake" }] })).await;
        let found = async |query: &str| {
            let list = shop.get(&format!("/v1/stores/east/orders{query}"), &shop.till).await.ok();
            let ids = list["items"].as_array().expect("a list").iter().map(|order| order["id"].clone());
            (ids.collect::<Vec<_>>(), list["next"].clone())
        };
        assert_eq!(found("").await.0, [own["id"].clone(), tea["id"].clone()]);
        assert_eq!(found(&format!("?member={member}")).await.0, [own["id"].clone()]);
        assert_eq!(found("?total=1200").await.0, [tea["id"].clone()]);
        let terminal = tea["terminal"].as_str().expect("a till");
        assert_eq!(found(&format!("?terminal={terminal}")).await.0.len(), 2);
        assert!(found("?staff=nobody").await.0.is_empty());
        // Half past eleven is the same day still; an hour later it was yesterday.
        shop.later(13 * 3_600 + 1_800);
        assert_eq!(found("").await.0.len(), 2);
        shop.later(3_600);
        let late = sold(&shop, "tea", "1", json!([{ "kind": "cash" }])).await;
        assert_eq!(found("").await.0, [late["id"].clone()]);
        assert_eq!(found("?from=2026-03-02&to=2026-03-02").await.0.len(), 2);
        let (first, cursor) = found("?from=2026-03-01&limit=2").await;
        assert_eq!(first, [late["id"].clone(), own["id"].clone()]);
        let cursor = cursor.as_str().expect("there is more");
        assert_eq!(found(&format!("?limit=2&cursor={cursor}")).await.0, [tea["id"].clone()]);
        let get = async |path: &str, key: &str| shop.get(path, key).await;
        assert_eq!(get("/v1/stores/east/orders", &shop.west_till).await.refused(403), "other_store");
        assert_eq!(get("/v1/stores/north/orders", &shop.admin).await.refused(404), "store_unknown");
        for query in ["from=2026-03-02&to=2026-03-01", "from=2025-01-01&to=2026-03-01", "from=monday", "total=x"] {
            let answer = get(&format!("/v1/stores/east/orders?{query}"), &shop.till).await;
            assert_eq!(answer.refused(400), "invalid_query", "{query}");
        }
    }

    async fn whoever_shows_a_gift_receipt_exchanges_the_goods_and_is_paid_nothing(shop) {
        let order = sold(&shop, "cake", "3", json!([{ "kind": "card" }])).await;
        let path = format!("/v1/orders/{}/gift-receipts", id(&order));
        let issue = async |lines: Value| shop.post(&path, &shop.till, json!({ "lines": lines })).await;
        let receipt = issue(line("2")).await.ok();
        assert_eq!(receipt["lines"][0]["left"], "2");
        let text = receipt.to_string();
        assert!(!text.contains("3000") && !text.contains("amount") && !text.contains("price"), "{text}");
        assert_eq!(issue(line("2")).await.refused(409), "given_already");
        for (lines, pointer) in [
            (line("4"), "/lines/0/quantity"), (line("0"), "/lines/0/quantity"), (json!([]), "/lines"),
            (json!([{ "line": 9, "quantity": "1" }]), "/lines/0/line"),
        ] {
            assert_eq!(issue(lines).await.pointers(), [pointer]);
        }
        let gift = |quote: &str, lines: Value| json!({ "quote": quote, "lines": lines, "gift_receipt": receipt["code"] });
        let coffee = instead(&shop, "coffee").await;
        assert_eq!(swap(&shop, &order, gift(&coffee, line("1"))).await.refused(409), "gift_pays_out");
        let cake = instead(&shop, "cake").await;
        assert_eq!(swap(&shop, &order, gift(&cake, line("3"))).await.refused(409), "gift_pays_out");
        let two = shop.quote(json!({ "lines": [{ "product": "cake", "quantity": "3" }] })).await;
        assert_eq!(swap(&shop, &order, gift(id(&two), line("3"))).await.refused(409), "not_on_gift_receipt");
        let done = swap(&shop, &order, gift(&cake, line("1"))).await.ok();
        assert_eq!(done["net"], json!([]));
        let code = receipt["code"].as_str().expect("a code").to_lowercase();
        let shown = shop.get(&format!("/v1/gift-receipts/{code}"), &shop.till).await.ok();
        assert_eq!((&shown["order"], &shown["lines"][0]["left"]), (&order["id"], &json!("1")));
        // What is left of the receipt comes back where no line is named.
        let cake = instead(&shop, "cake").await;
        swap(&shop, &order, gift(&cake, Value::Null)).await.ok();
        let cake = instead(&shop, "cake").await;
        assert_eq!(swap(&shop, &order, gift(&cake, line("1"))).await.refused(409), "not_on_gift_receipt");
        let elsewhere = shop.get(&format!("/v1/gift-receipts/{code}"), &shop.west_till).await;
        assert_eq!(elsewhere.refused(403), "other_store");
        // What was taken instead is a gift still: no way to money.
        let last = done["order"].clone();
        assert_eq!(shop.refund(id(&last), Value::Null).await.refused(409), "gift_pays_out");
        let coffee = instead(&shop, "coffee").await;
        assert_eq!(swap(&shop, &last, json!({ "quote": coffee })).await.refused(409), "gift_pays_out");
        // What the buyer brings back himself is no longer on the receipt.
        let tea = sold(&shop, "tea", "3", json!([{ "kind": "cash" }])).await;
        let of_tea = format!("/v1/orders/{}/gift-receipts", id(&tea));
        let of_tea = async |quantity: &str| shop.post(&of_tea, &shop.till, json!({ "lines": line(quantity) })).await;
        let two = of_tea("2").await.ok();
        shop.refund(id(&tea), json!([[0, "2"]])).await.ok();
        let code = two["code"].as_str().expect("a code");
        let shown = shop.get(&format!("/v1/gift-receipts/{code}"), &shop.till).await.ok();
        assert_eq!(shown["lines"][0]["left"], "1");
        assert_eq!(of_tea("2").await.pointers(), ["/lines/0/quantity"]);
        // Goods that points or stored value paid for are the buyer's to exchange.
        let member = shop.member().await;
        shop.top_up(&member, 5_000, 0).await;
        let own = json!({ "member": { "id": member }, "lines": [{ "product": "tea" }], "tenders": [{ "kind": "stored-value" }] });
        let own = shop.buy(own).await;
        let refused = shop.post(&format!("/v1/orders/{}/gift-receipts", id(&own)), &shop.till, json!({ "lines": line("1") })).await;
        assert_eq!(refused.refused(409), "gift_not_in_money");
        shop.verify().await;
    }
}
