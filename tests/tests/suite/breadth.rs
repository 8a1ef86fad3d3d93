//! What rules of real merchants reach beside money off: grants, margins, second referrers, top-ups, long receipts.
//! A coffee is 20.00 and cost 10.00, a cake 30.00 and cost 15.00.

use axum::http::Method;
use serde_json::{Value, json};
use tessera_tests::on_each_database;
use tessera_tests::shop::Shop;

fn cakes(member: &str, count: &str, codes: &[&str]) -> Value {
    json!({
        "member": { "id": member }, "codes": codes,
        "lines": [{ "product": "cake", "quantity": count }],
    })
}

fn id(order: &Value) -> &str {
    order["id"].as_str().expect("an order has an id")
}

fn total(order: &Value) -> i64 {
    order["totals"]["total"]
        .as_i64()
        .expect("an order has a total")
}

/// Two cakes bring a coupon of 5.00 for the next visit.
async fn next_visit(shop: &Shop) -> String {
    let honours = json!({ "discount": { "amount": { "off": 500 } }, "trigger": "code" });
    let named = json!({ "name": "next-visit", "stage": "coupons" });
    let honouring = shop.bind_with("promo-standard", honours, named).await;
    let gives = json!({
        "discount": { "coupons": { "binding": "next-visit", "valid_days": 30 } },
        "minimum": { "amount": 6_000 },
    });
    shop.bind("promo-standard", gives).await;
    honouring
}

on_each_database! {
    async fn a_coupon_for_the_next_visit_is_issued_with_the_order_and_used_once_by_its_member(shop) {
        next_visit(&shop).await;
        let member = shop.member().await;
        let quote = shop.quote(cakes(&member, "2", &[])).await;
        assert_eq!(quote["grants"][0]["codes"], json!([]), "a quote posts nothing");
        let order = shop.buy(cakes(&member, "2", &[])).await;
        assert_eq!((total(&order), &order["grants"][0]["name"]), (6_000, &json!("next-visit")));
        let code = order["grants"][0]["codes"][0].as_str().expect("a code").to_owned();

        // Nobody else can use it; he can, once.
        let stranger = shop.member().await;
        assert_eq!(total(&shop.buy(cakes(&stranger, "1", &[&code])).await), 3_000);
        assert_eq!(total(&shop.buy(cakes(&member, "1", &[&code])).await), 2_500);
        assert_eq!(total(&shop.buy(cakes(&member, "1", &[&code])).await), 3_000);
        assert_eq!(shop.buy(cakes(&member, "1", &[])).await["grants"], json!([]));
        shop.verify().await;
    }

    async fn a_coupon_is_issued_for_the_binding_in_force_and_not_for_one_of_its_name_that_ended(shop) {
        let path = format!("/v1/bindings/{}", next_visit(&shop).await);
        shop.send(Method::DELETE, &path, &shop.admin, None, None).await.ok();
        let honours = json!({ "discount": { "amount": { "off": 700 } }, "trigger": "code" });
        let anew = json!({ "name": "next-visit", "stage": "coupons" });
        shop.bind_with("promo-standard", honours, anew).await;
        let member = shop.member().await;
        let order = shop.buy(cakes(&member, "2", &[])).await;
        let code = order["grants"][0]["codes"][0].as_str().expect("a code").to_owned();
        assert_eq!(total(&shop.buy(cakes(&member, "1", &[&code])).await), 2_300);
    }

    // A third of the order is less than half a coupon.
    async fn a_refund_of_everything_takes_the_coupon_back(shop) {
        next_visit(&shop).await;
        let member = shop.member().await;
        let order = shop.buy(cakes(&member, "3", &[])).await;
        let code = order["grants"][0]["codes"][0].as_str().expect("a code").to_owned();
        shop.refund(id(&order), json!([[0, "1"]])).await.ok();
        let path = format!("/v1/coupons/{code}");
        assert_eq!(shop.get(&path, &shop.admin).await.ok()["void"], false);
        shop.refund(id(&order), Value::Null).await.ok();
        assert_eq!(shop.get(&path, &shop.admin).await.ok()["void"], true);
        assert_eq!(total(&shop.buy(cakes(&member, "1", &[&code])).await), 3_000);
        shop.verify().await;
    }

    async fn a_coupon_nobody_would_honour_is_left_out_and_named(shop) {
        let once = json!({ "discount": { "coupons": { "binding": "nowhere" } }, "limit": { "times": 1 } });
        shop.bind("promo-standard", once).await;
        let member = shop.member().await;
        let order = shop.buy(cakes(&member, "1", &[])).await;
        assert_eq!(order["grants"], json!([]));
        let said = order["skipped"][0]["message"].as_str().expect("a sentence");
        assert!(said.contains("`nowhere`"), "{said}");
        // What was not given does not count toward the member's limit.
        let honours = json!({ "discount": { "amount": { "off": 500 } }, "trigger": "code" });
        shop.bind_with("promo-standard", honours, json!({ "name": "nowhere", "stage": "coupons" })).await;
        for given in [1, 0] {
            let order = shop.buy(cakes(&member, "1", &[])).await;
            assert_eq!(order["grants"].as_array().map(Vec::len), Some(given));
        }
        shop.verify().await;
    }

    async fn entries_in_a_draw_are_told_and_withdrawn_with_the_order(shop) {
        shop.bind("promo-standard", json!({ "discount": { "draw": { "name": "spring", "every": 3_000 } } })).await;
        let member = shop.member().await;
        let order = shop.buy(cakes(&member, "2", &[])).await;
        assert_eq!(order["grants"][0]["count"], 2);
        assert!(shop.events().await.contains(&"draw.entered".to_owned()));
        for _ in 0..2 {
            shop.refund(id(&order), json!([[0, "1"]])).await.ok();
        }
        let events = shop.get("/v1/events?limit=200", &shop.admin).await.ok();
        let withdrawn: Vec<&Value> = events["items"]
            .as_array()
            .expect("a page")
            .iter()
            .filter(|event| event["type"] == "draw.withdrawn")
            .map(|event| &event["data"]["entries"])
            .collect();
        assert_eq!(withdrawn, [1, 1]);
        shop.verify().await;
    }

    // 30.00 with what the store paid, 15.00, leave half or, without tax, a little less: above 40 % either way.
    async fn points_by_margin_and_a_least_margin_see_what_articles_cost(shop) {
        let points = json!({
            "points_per": { "spend": 100, "points": 1 }, "margins": [{ "from": "40%", "multiplier": 2 }],
        });
        shop.bind("points-standard", points).await;
        let member = shop.member().await;
        let order = shop.buy(cakes(&member, "1", &[])).await;
        assert_eq!(order["totals"]["points_earned"], 60);

        let price = json!({ "discount": { "price": { "price": 1 } }, "floor": { "margin": "20%" } });
        shop.bind("promo-standard", price).await;
        let order = shop.buy(cakes(&member, "1", &[])).await;
        // 15.00 are 80 % of 18.75, on which the tax of the cake comes.
        assert!((1_875..=2_200).contains(&total(&order)), "{}", total(&order));
        shop.verify().await;
    }

    async fn two_a_day_at_the_promotional_price(shop) {
        let config = json!({
            "discount": { "price": { "price": 2_000 } }, "limit": { "units": 2, "period": "day" },
        });
        shop.bind("promo-standard", config).await;
        let member = shop.member().await;
        // Three cakes: two at 20.00, one at 30.00; the next ones that day cost what they cost.
        let first = shop.buy(cakes(&member, "3", &[])).await;
        assert_eq!(total(&first), 7_000);
        assert_eq!(total(&shop.buy(cakes(&member, "1", &[])).await), 3_000);
        shop.refund(id(&first), Value::Null).await.ok();
        assert_eq!(total(&shop.buy(cakes(&member, "1", &[])).await), 2_000);
        shop.later(24 * 3_600);
        assert_eq!(total(&shop.buy(cakes(&member, "2", &[])).await), 4_000);
        shop.verify().await;
    }

    async fn every_line_of_the_longest_receipt_can_be_discounted(shop) {
        let each = json!({ "discount": { "percent": { "rate": "10%", "on": "goods", "apply": "each" } } });
        shop.bind("promo-standard", each).await;
        let lines = vec![json!({ "product": "cake" }); 500];
        let order = shop.buy(json!({ "lines": lines })).await;
        assert_eq!((total(&order), &order["skipped"]), (500 * 2_700, &json!([])));
        shop.verify().await;
    }

    async fn who_brought_the_referrer_is_rewarded_too(shop) {
        let config = json!({ "referee_points": 200, "referrer_points": 300, "second_referrer_points": 50 });
        shop.bind("referral-standard", config).await;
        let brought_by = |code: Value| {
            let shop = &shop;
            async move {
                let id = shop.member_with(code).await;
                let member = shop.get(&format!("/v1/members/{id}"), &shop.admin).await.ok();
                (id, json!({ "referral_code": member["referral_code"] }))
            }
        };
        let (first, code) = brought_by(json!({})).await;
        let (second, code) = brought_by(code).await;
        let (third, _) = brought_by(code).await;
        let order = shop.buy(cakes(&third, "1", &[])).await;
        let rewards: Vec<_> = order["rewards"].as_array().expect("a list").iter()
            .map(|reward| (reward["member"].as_str().unwrap_or_default(), reward["points"].as_i64().unwrap_or(0)))
            .collect();
        assert_eq!(rewards, [(&*third, 200), (&*second, 300), (&*first, 50)]);
        shop.refund(id(&order), Value::Null).await.ok();
        assert_eq!(shop.balances(&first).await, shop.balances(&shop.member().await).await);
        shop.verify().await;
    }

    async fn topping_up_reaches_a_tier(shop) {
        let silver = json!({ "code": "silver", "name": "Silver", "threshold": 10_000 });
        let config = json!({ "counted": "topped-up", "window": "lifetime", "tiers": [silver] });
        shop.bind("tier-standard", config).await;
        let (full, short) = (shop.member().await, shop.member().await);
        shop.top_up(&full, 10_000, 0).await;
        shop.top_up(&short, 9_999, 1_000).await;
        assert_eq!(shop.buy(cakes(&full, "1", &[])).await["tier"]["after"], "silver");
        assert_eq!(shop.buy(cakes(&short, "1", &[])).await["tier"]["next"]["missing"], 1);
        shop.verify().await;
    }
}
