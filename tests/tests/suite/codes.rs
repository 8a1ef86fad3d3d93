//! A code that is presented and not used: the quote says why, for the till and for the customer.

use serde_json::{Value, json};
use tessera_tests::on_each_database;
use tessera_tests::shop::Shop;

/// 10.00 off for whoever has a code of it.
async fn ten_off(shop: &Shop, more: Value) -> String {
    let config = json!({ "trigger": "code", "discount": { "amount": { "off": 1_000 } } });
    shop.bind_with("promo-standard", config, more).await
}

fn coupons_stage() -> Value {
    json!({ "stage": "coupons" })
}

fn cake(codes: &[&str]) -> Value {
    json!({ "lines": [{ "product": "cake" }], "codes": codes })
}

fn cake_of(member: &str, codes: &[&str]) -> Value {
    let mut basket = cake(codes);
    basket["member"] = json!({ "id": member });
    basket
}

/// Makes codes with further fields such as `holder`.
async fn issue(shop: &Shop, binding: &str, code: &str, mut more: Value) {
    more["binding"] = json!(binding);
    more["codes"] = json!([code]);
    shop.post("/v1/coupons", &shop.admin, more).await.ok();
}

/// Why each code of a sale was not used; `used` where it was.
fn reasons(sale: &Value) -> Vec<&str> {
    let mut reasons = Vec::new();
    for code in sale["codes"].as_array().expect("a list") {
        reasons.push(match code["used"] == true {
            true => "used",
            false => code["reason"].as_str().expect("a reason"),
        });
    }
    reasons
}

async fn quoted(shop: &Shop, basket: Value) -> Vec<String> {
    let quote = shop.quote(basket).await;
    let reasons = reasons(&quote).into_iter();
    reasons.map(str::to_owned).collect()
}

on_each_database! {
    async fn what_the_coupon_itself_forbids_is_said(shop) {
        let binding = ten_off(&shop, coupons_stage()).await;
        let (holder, stranger) = (shop.member().await, shop.member().await);
        issue(&shop, &binding, "MINE", json!({ "holder": holder })).await;
        issue(&shop, &binding, "EARLY", json!({ "starts_on": "2026-03-03" })).await;
        issue(&shop, &binding, "LATE", json!({ "expires_on": "2026-03-01" })).await;
        issue(&shop, &binding, "ONCE", json!({})).await;
        assert_eq!(quoted(&shop, cake(&["ONCE"])).await, ["used"]);
        shop.buy(cake(&["ONCE"])).await;
        let all = ["MINE", "EARLY", "LATE", "ONCE", "NONE"];
        let same = ["not-yet-valid", "expired", "used-up", "unknown"];
        for (basket, mine) in [
            (cake(&all), "needs-member"),
            (cake_of(&stranger, &all), "other-member"),
            (cake_of(&holder, &all), "used"),
        ] {
            let said = quoted(&shop, basket).await;
            assert_eq!((said[0].as_str(), &said[1..]), (mine, &same.map(str::to_owned)[..]));
        }
        // The order says the same for ever.
        let order = shop.buy(cake_of(&stranger, &all)).await;
        let path = format!("/v1/orders/{}", order["id"].as_str().expect("an id"));
        let read = shop.get(&path, &shop.till).await.ok();
        assert_eq!(reasons(&read), reasons(&order));
        assert_eq!(reasons(&read)[0], "other-member");
        shop.verify().await;
    }

    async fn what_the_campaign_lacks_is_said(shop) {
        let west = ten_off(&shop, json!({ "stage": "coupons", "scope": "store:west" })).await;
        let april = json!({ "stage": "coupons", "schedule": { "from": "2026-04-01" } });
        let april = ten_off(&shop, april).await;
        let config = json!({
            "trigger": "code", "discount": { "amount": { "off": 100 } }, "goods": { "products": ["tea"] },
        });
        let tea = shop.bind_with("promo-standard", config, coupons_stage()).await;
        let spent = json!({ "stage": "coupons", "limits": [
            { "name": "uses", "scope": "chain", "period": "lifetime", "counts": "uses", "limit": 0 },
        ] });
        let spent = ten_off(&shop, spent).await;
        for (binding, code) in [(&west, "WEST"), (&april, "APRIL"), (&tea, "TEA"), (&spent, "SPENT")] {
            issue(&shop, binding, code, json!({})).await;
        }
        assert_eq!(
            quoted(&shop, cake(&["WEST", "APRIL", "TEA", "SPENT"])).await,
            ["not-in-force", "not-in-force", "conditions-not-met", "limit-reached"],
        );
        // An ended one is in force nowhere.
        let path = format!("/v1/bindings/{tea}");
        shop.send(axum::http::Method::DELETE, &path, &shop.admin, None, None).await.ok();
        let with_tea = json!({ "lines": [{ "product": "tea" }], "codes": ["TEA"] });
        assert_eq!(quoted(&shop, with_tea).await, ["not-in-force"]);
    }

    async fn a_code_others_went_before_is_named(shop) {
        let ten = ten_off(&shop, json!({ "stage": "coupons", "group": "one-of-them" })).await;
        let config = json!({ "trigger": "code", "discount": { "amount": { "off": 300 } } });
        let grouped = json!({ "stage": "coupons", "group": "one-of-them" });
        let three = shop.bind_with("promo-standard", config, grouped).await;
        issue(&shop, &ten, "TEN-A", json!({})).await;
        issue(&shop, &ten, "TEN-B", json!({})).await;
        issue(&shop, &three, "THREE", json!({})).await;
        let mut said = quoted(&shop, cake(&["TEN-A", "TEN-B", "THREE"])).await;
        assert_eq!(said.pop().as_deref(), Some("passed-over"));
        said.sort();
        assert_eq!(said, ["not-needed", "used"]);
    }

    async fn the_first_of_a_group_leaves_the_others_unasked(shop) {
        let first = json!({ "stage": "coupons", "group": "g", "group_choice": "first", "priority": 9 });
        let ten = ten_off(&shop, first).await;
        let config = json!({ "trigger": "code", "discount": { "amount": { "off": 300 } } });
        let second = json!({ "stage": "coupons", "group": "g", "group_choice": "first" });
        let three = shop.bind_with("promo-standard", config, second).await;
        issue(&shop, &ten, "TEN", json!({})).await;
        issue(&shop, &three, "THREE", json!({})).await;
        assert_eq!(quoted(&shop, cake(&["TEN", "THREE"])).await, ["used", "passed-over"]);
    }

    async fn the_reason_is_a_sentence_in_the_callers_language(shop) {
        let said = |language: &'static str| {
            let shop = &shop;
            async move {
                let quote = shop.post_in(language, "/v1/quotes", cake(&["NONE"])).await.ok();
                quote["codes"][0]["message"].as_str().expect("a sentence").to_owned()
            }
        };
        assert_eq!(said("en").await, "No coupon has this code; check it as printed.");
        assert_eq!(said("zh-CN").await, "没有此券码，请核对。");
    }
}
