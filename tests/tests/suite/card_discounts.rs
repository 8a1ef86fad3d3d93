//! Types of card with a discount of their own, cards that are taken back, and members without a card.

use axum::http::Method;
use futures_util::future::join_all;
use serde_json::{Value, json};
use tessera_tests::on_each_database;
use tessera_tests::shop::{Answer, Shop};

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

async fn card_of(shop: &Shop, card_type: &str, member: &str, tender: Value) -> String {
    let made = shop
        .post(
            "/v1/cards/batches",
            &shop.admin,
            json!({ "type": card_type, "count": 1 }),
        )
        .await
        .ok();
    let number = text(&made["numbers"][0]).to_owned();
    let mut body = json!({ "store": "east", "member": { "id": member } });
    if !tender.is_null() {
        body["tender"] = tender;
    }
    let path = format!("/v1/cards/{number}/activation");
    shop.post(&path, &shop.till, body).await.ok();
    number
}

fn basket(member: Option<&str>) -> Value {
    let mut basket = json!({
        "lines": [{ "product": "coffee", "quantity": "3" }, { "product": "cake" }, { "product": "apples", "quantity": "0.333" }],
        "tenders": [{ "kind": "cash" }],
    });
    if let Some(member) = member {
        basket["member"] = json!({ "id": member });
    }
    basket
}

/// Kind of price, unit price and amount of each line.
fn prices(sale: &Value) -> Vec<(String, i64, i64)> {
    let lines = sale["lines"].as_array().expect("lines").iter();
    let one = |line: &Value| {
        let number = |name: &str| line[name].as_i64().expect("a number");
        let kind = text(&line["price"]).to_owned();
        (kind, number("unit_price"), number("list_amount"))
    };
    lines.map(one).collect()
}

fn priced(lines: &[(&str, i64, i64)]) -> Vec<(String, i64, i64)> {
    let one = |(kind, unit, amount): &(&str, i64, i64)| ((*kind).to_owned(), *unit, *amount);
    lines.iter().map(one).collect()
}

async fn take_back(shop: &Shop, key: &str, number: &str) -> Answer {
    let path = format!("/v1/cards/{number}/activation/reversal");
    let body = json!({ "reason": "changed her mind" });
    shop.post(&path, key, body).await
}

async fn tier(shop: &Shop, member: &str) -> Value {
    let member = shop
        .get(&format!("/v1/members/{member}"), &shop.till)
        .await
        .ok();
    member["tier"].clone()
}

on_each_database! {
    async fn the_tier_of_a_card_goes_back_with_it_also_after_a_sale_was_reviewed(shop) {
        let config = json!({
            "window_days": 365, "validity_days": 20,
            "tiers": [{ "code": "gold", "name": "gold", "threshold": 900_000, "multiplier": "2" }],
        });
        shop.bind("tier-standard", config).await;
        shop.put("/v1/card-types/gold", json!({ "name": "Gold", "tier": "gold", "valid_days": 365 })).await;
        let member = shop.member().await;
        let number = card_of(&shop, "gold", &member, Value::Null).await;
        let order = shop.buy(json!({ "member": { "id": member }, "lines": [{ "product": "coffee" }] })).await;
        assert_eq!(tier(&shop, &member).await["name"], "gold");
        shop.refund(order["id"].as_str().expect("an id"), Value::Null).await.ok();
        take_back(&shop, &shop.supervisor, &number).await.ok();
        assert_eq!(tier(&shop, &member).await, Value::Null);
        shop.verify().await;
    }

    async fn an_upgrade_takes_its_credit_off_the_card_price_once(shop) {
        for (id, price, months) in [("plus", 35_030, 1), ("premium", 412_450, 12)] {
            let plan = json!({
                "id": id, "sku": id, "name": id, "category": "memberships", "currency": "CNY", "price": price,
                "tax_class": "standard", "membership": { "months": months },
            });
            shop.post("/v1/products", &shop.admin, plan).await.ok();
        }
        let gold = json!({ "name": "Gold", "discount": { "basis_points": 1_000, "categories": ["memberships"] } });
        shop.put("/v1/card-types/gold", gold).await;
        let member = shop.member().await;
        let of = |plan: &str, upgrade: bool| json!({
            "member": { "id": member }, "lines": [{ "product": plan, "upgrade": upgrade }], "tenders": [{ "kind": "cash" }],
        });
        shop.buy(of("plus", false)).await;
        card_of(&shop, "gold", &member, Value::Null).await;
        let before = shop.wallet(&member).await;
        // Nine tenths of 4124.50, less the 350.30 that were paid in full today.
        let order = shop.buy(of("premium", true)).await;
        assert_eq!(order["totals"]["total"], 371_205 - 35_030);
        shop.refund(order["id"].as_str().expect("an id"), Value::Null).await.ok();
        assert_eq!(shop.wallet(&member).await, before);
        // A plan is sold and never given for points; a tier by hand ends some day.
        let reward = json!({ "name": "Plus", "points": 10, "gives": { "goods": { "product": "plus" } } });
        let reward = shop.send(axum::http::Method::PUT, "/v1/rewards/plus", &shop.admin, None, Some(reward)).await;
        assert_eq!(reward.pointers(), ["/gives/goods/product"]);
        let for_ever = json!({ "tier": "gold", "reason": "a friend", "last_day": "9999-12-31" });
        let for_ever = shop.post(&format!("/v1/members/{member}/tier"), &shop.admin, for_ever).await;
        assert_eq!(for_ever.pointers(), ["/last_day"]);
        shop.verify().await;
    }

    async fn who_holds_a_card_pays_the_lowest_of_list_member_and_card_price(shop) {
        let gold = json!({ "name": "Gold", "discount": { "basis_points": 1_250, "categories": ["drinks", "fresh"] } });
        shop.put("/v1/card-types/gold", gold).await;
        shop.put("/v1/card-types/coffee", json!({ "name": "Coffee", "discount": { "basis_points": 3_000, "categories": ["drinks/coffee"] } })).await;
        let (plain, holder) = (shop.member().await, shop.member().await);
        card_of(&shop, "gold", &holder, Value::Null).await;
        let list = priced(&[("list", 2_000, 6_000), ("list", 3_000, 3_000), ("list", 1_000, 333)]);
        assert_eq!(prices(&shop.quote(basket(None)).await), list);
        assert_eq!(prices(&shop.quote(basket(Some(&plain))).await), list);
        let quote = shop.quote(basket(Some(&holder))).await;
        // An eighth off: 17.50 a coffee, 8.75 a kilogram, of which 0.333 cost 2.91.
        assert_eq!(prices(&quote), priced(&[("card", 1_750, 5_250), ("list", 3_000, 3_000), ("card", 875, 291)]));
        assert_eq!((&quote["lines"][0]["card_type"], quote["lines"][1].get("card_type")), (&json!("gold"), None));
        assert_eq!((&quote["totals"]["regular"], &quote["totals"]["total"]), (&json!(9_333), &json!(8_541)));
        // Of two cards the one that takes more off counts, line by line.
        let second = card_of(&shop, "coffee", &holder, Value::Null).await;
        let quote = shop.quote(basket(Some(&holder))).await;
        assert_eq!(prices(&quote)[0], ("card".to_owned(), 1_400, 4_200));
        assert_eq!((&quote["lines"][0]["card_type"], &quote["lines"][2]["card_type"]), (&json!("coffee"), &json!("gold")));
        // A member price that is lower is paid; a floor price is the end of any discount.
        let coffee = |more: Value| {
            let mut body = json!({
                "sku": "coffee", "name": "coffee", "category": "drinks/coffee", "currency": "CNY", "price": 2_000,
                "tax_class": "standard",
            });
            body.as_object_mut().expect("a body").extend(more.as_object().expect("more").clone());
            body
        };
        shop.put("/v1/products/coffee", coffee(json!({ "member_price": 1_400 }))).await;
        assert_eq!(prices(&shop.quote(basket(Some(&holder))).await)[0], ("member".to_owned(), 1_400, 4_200));
        shop.put("/v1/products/coffee", coffee(json!({ "floor_price": 1_900 }))).await;
        assert_eq!(prices(&shop.quote(basket(Some(&holder))).await)[0], ("card".to_owned(), 1_900, 5_700));
        shop.put("/v1/products/coffee", coffee(json!({}))).await;
        // A card that is blocked takes nothing off, and a till's own price stays.
        let path = format!("/v1/members/{holder}/cards/{second}");
        shop.send(Method::PUT, &path, &shop.till, None, Some(json!({ "status": "blocked" }))).await.ok();
        assert_eq!(prices(&shop.quote(basket(Some(&holder))).await)[0], ("card".to_owned(), 1_750, 5_250));
        let own = json!({ "store": "east", "member": { "id": holder }, "lines": [{ "product": "coffee", "unit_price": 1_990 }] });
        let own = shop.post("/v1/quotes", &shop.admin, own).await.ok();
        assert_eq!(prices(&own), priced(&[("till", 1_990, 1_990)]));
        shop.verify().await;
    }

    async fn campaigns_begin_from_the_card_price_and_refunds_give_back_what_was_paid(shop) {
        shop.put("/v1/card-types/gold", json!({ "name": "Gold", "discount": { "basis_points": 1_000 } })).await;
        let half = json!({ "discount": { "percent": { "rate": "50%" } } });
        shop.bind("promo-standard", half).await;
        let holder = shop.member().await;
        let card = card_of(&shop, "gold", &holder, Value::Null).await;
        let order = shop.buy(json!({ "member": { "card": card }, "lines": [{ "product": "coffee", "quantity": "3" }] })).await;
        assert_eq!((&order["totals"]["list"], &order["totals"]["total"]), (&json!(5_400), &json!(2_700)));
        // Another discount of the card's type does not change a past sale.
        shop.put("/v1/card-types/gold", json!({ "name": "Gold", "discount": { "basis_points": 5_000 } })).await;
        let id = text(&order["id"]);
        let parts = [shop.refund(id, json!([[0, "1"]])).await.ok(), shop.refund(id, json!([[0, "2"]])).await.ok()];
        assert_eq!(parts.iter().map(|part| part["total"].as_i64().expect("a total")).sum::<i64>(), 2_700);
        assert_eq!(shop.system("tender/cash/east", "CNY").await, 0);
        for (discount, at) in [
            (json!({ "basis_points": 0 }), "/discount/basis_points"),
            (json!({ "basis_points": 10_001 }), "/discount/basis_points"),
            (json!({ "basis_points": -5 }), "/discount/basis_points"),
            (json!({ "basis_points": 5, "categories": ["a//b"] }), "/discount/categories"),
        ] {
            let body = json!({ "name": "Wrong", "discount": discount });
            let refused = shop.send(Method::PUT, "/v1/card-types/wrong", &shop.admin, None, Some(body)).await;
            assert_eq!(refused.pointers(), [at]);
        }
        shop.verify().await;
    }

    async fn a_card_that_was_sold_is_taken_back_once_with_its_money_and_its_tier(shop) {
        let gold = json!({ "name": "Gold", "tier": "gold", "price": 9_900, "valid_days": 30, "discount": { "basis_points": 1_000 } });
        shop.put("/v1/card-types/gold", gold).await;
        let member = shop.member().await;
        let silver = json!({ "tier": "silver", "reason": "as agreed" });
        shop.post(&format!("/v1/members/{member}/tier"), &shop.admin, silver).await.ok();
        shop.post(&format!("/v1/members/{member}/tier/withdrawal"), &shop.admin, json!({ "reason": "no" })).await.ok();
        let before = tier(&shop, &member).await;
        let number = card_of(&shop, "gold", &member, json!({ "kind": "cash" })).await;
        assert_eq!(tier(&shop, &member).await["name"], "gold");
        assert_eq!(take_back(&shop, &shop.till, &number).await.refused(403), "approval_needed");
        assert_eq!(take_back(&shop, &shop.west_till, &number).await.refused(403), "other_store");
        let silent = json!({ "reason": "" });
        let path = format!("/v1/cards/{number}/activation/reversal");
        assert_eq!(shop.post(&path, &shop.supervisor, silent).await.pointers(), ["/reason"]);
        let body = json!({ "reason": "changed her mind" });
        let keys: Vec<String> = (0..16).map(|till| format!("back-{till}")).collect();
        let tries = join_all(keys.iter().map(|key| shop.post_as(&path, &shop.supervisor, key, body.clone()))).await;
        let first = tries.iter().position(|answer| answer.status == 201).expect("one takes it back");
        assert_eq!(tries.iter().filter(|answer| answer.status == 201).count(), 1);
        assert!(tries.iter().all(|answer| answer.status == 201 || answer.body["code"] == "card_state"));
        let again = shop.post_as(&path, &shop.supervisor, &keys[first], body.clone()).await;
        assert!(again.is_replayed() && again.body["status"] == "closed");
        assert_eq!(take_back(&shop, &shop.supervisor, &number).await.refused(409), "card_state");
        assert_eq!(shop.system("tender/cash/east", "CNY").await, 0);
        assert_eq!(shop.system("fees/card/east", "CNY").await, 0);
        assert_eq!(tier(&shop, &member).await, before);
        let with = shop.quote(basket(Some(&member))).await;
        assert_eq!(prices(&with)[0].0, "list");
        // A tier he has from elsewhere by now stays, and a card without a price is taken back as well.
        let number = card_of(&shop, "gold", &member, json!({ "kind": "card" })).await;
        let black = json!({ "tier": "black", "reason": "as agreed" });
        shop.post(&format!("/v1/members/{member}/tier"), &shop.admin, black).await.ok();
        take_back(&shop, &shop.supervisor, &number).await.ok();
        assert_eq!(tier(&shop, &member).await["name"], "black");
        assert_eq!(shop.system("tender/card/east", "CNY").await, 0);
        shop.put("/v1/card-types/free", json!({ "name": "Free" })).await;
        let free = card_of(&shop, "free", &member, Value::Null).await;
        assert_eq!(take_back(&shop, &shop.supervisor, &free).await.ok()["status"], "closed");
        // Nobody was handed a card that came with the enrolment, or a blank one.
        let cards = shop.get(&format!("/v1/members/{member}/cards"), &shop.till).await.ok();
        let cards = cards.as_array().expect("a list");
        let own = cards.iter().find(|card| card.get("type").is_none()).expect("the virtual one");
        assert_eq!(take_back(&shop, &shop.supervisor, text(&own["number"])).await.refused(409), "card_state");
        assert_eq!(take_back(&shop, &shop.supervisor, "9000000000000001").await.refused(404), "card_unknown");
        shop.verify().await;
    }

    async fn a_member_gets_a_virtual_card_at_the_enrolment_where_the_chain_wants_it(shop) {
        let cards = |member: String| {
            let (shop, path) = (&shop, format!("/v1/members/{member}/cards"));
            async move { shop.get(&path, &shop.till).await.ok() }
        };
        let with = cards(shop.member().await).await;
        assert_eq!((&with[0]["kind"], with[0].get("type")), (&json!("virtual"), None));
        shop.settings(json!({ "enrolment_card": "none" })).await;
        assert_eq!(cards(shop.member().await).await, json!([]));
        let number = tessera::enrolment::card_number().expect("a number");
        let handed = cards(shop.member_with(json!({ "card": number })).await).await;
        assert_eq!((&handed[0]["number"], &handed[0]["kind"]), (&json!(number), &json!("physical")));
        shop.settings(json!({ "enrolment_card": "virtual" })).await;
        assert_eq!(cards(shop.member().await).await.as_array().map(Vec::len), Some(1));
    }
}
