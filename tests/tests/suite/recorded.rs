//! Sales that already happened: facts, booked as such.

use serde_json::{Value, json};
use tessera_tests::on_each_database;

use crate::checkout::points;

fn sale(number: &str, occurred_at: &str, sale: Value) -> Value {
    json!({ "external_id": number, "occurred_at": occurred_at, "sale": sale })
}

fn coffee() -> Value {
    json!({ "lines": [{ "product": "coffee" }], "tenders": [{ "kind": "cash" }] })
}

const YESTERDAY: &str = "2026-03-01T18:30:00+08:00";

on_each_database! {
    async fn a_recorded_sale_belongs_to_the_day_it_happened(shop) {
        let order = shop.post("/v1/orders", &shop.till, sale("A-1", YESTERDAY, coffee())).await.ok();
        assert_eq!(order["external_id"], "A-1");
        assert_eq!(order["business_date"], "2026-03-01");
        assert_eq!(order["totals"]["total"], 2_000);
        shop.verify().await;
    }

    async fn the_same_number_sent_twice_is_one_order_whatever_its_key(shop) {
        let body = sale("A-2", YESTERDAY, coffee());
        let first = shop.post("/v1/orders", &shop.till, body.clone()).await.ok();
        let again = shop.post("/v1/orders", &shop.till, body.clone()).await;
        assert!(again.is_replayed());
        assert_eq!(again.ok()["id"], first["id"]);
        // The number is the store's own: the west's A-2 is another sale.
        let west = shop.post("/v1/orders", &shop.west_till, body).await.ok();
        assert_ne!(west["id"], first["id"]);
        assert_eq!(shop.orders().await, 2);
        shop.verify().await;
    }

    // The till took 15.00 of stored value while it was offline; 10.00 are there. The sale stands, 5.00 are a claim.
    async fn what_a_wallet_could_not_pay_becomes_a_claim_and_an_event(shop) {
        let member = shop.member().await;
        shop.top_up(&member, 1_000, 0).await;
        let paid = json!({
            "member": { "id": member }, "lines": [{ "product": "coffee" }],
            "tenders": [{ "kind": "stored-value", "amount": 1_500 }, { "kind": "cash" }],
        });
        shop.post("/v1/orders", &shop.till, sale("A-3", YESTERDAY, paid)).await.ok();
        assert!(shop.balances(&member).await.is_empty());
        assert_eq!(shop.system("claims/east", "CNY").await, -500);
        assert!(shop.events().await.contains(&"ledger.claimed".to_owned()));
        shop.verify().await;
    }

    // The customer paid 18.00 where the host's price is 20.00: the difference of 2.00 is a discount of the till's.
    async fn what_the_customer_paid_is_the_fact_whatever_the_rules_say(shop) {
        shop.bind("points-standard", points()).await;
        let member = shop.member().await;
        let mut body = sale("A-4", YESTERDAY, json!({
            "member": { "id": member }, "lines": [{ "product": "coffee" }], "tenders": [{ "kind": "cash" }],
        }));
        body["paid"] = json!(1_800);
        let order = shop.post("/v1/orders", &shop.till, body).await.ok();
        assert_eq!(order["totals"]["total"], 1_800);
        assert_eq!(order["adjustments"][0]["applied"], 200);
        assert!(order["adjustments"][0]["campaign"].is_null());
        assert_eq!(order["totals"]["left_to_pay"], 0);
        shop.refund(order["id"].as_str().unwrap(), Value::Null).await.ok();
        shop.verify().await;
    }

    async fn a_sale_of_the_future_is_refused(shop) {
        let body = sale("A-5", "2026-03-02T11:00:00+08:00", coffee());
        let answer = shop.post("/v1/orders", &shop.till, body).await;
        assert_eq!(answer.pointers(), ["/occurred_at"]);
        assert_eq!(answer.refused(422), "invalid_fields");
        assert_eq!(shop.orders().await, 0);
        shop.verify().await;
    }

    // A campaign that names its first day holds for sales of that day that are recorded later.
    async fn rules_are_those_of_the_day_of_the_sale(shop) {
        let off = || json!({ "discount": { "amount": { "off": 500 } } });
        shop.bind_with("promo-standard", off(), json!({ "schedule": { "until": "2026-03-01", "from": "2026-02-01" } })).await;
        let now = shop.quote(coffee()).await;
        assert_eq!(now["totals"]["total"], 2_000);
        let then = shop.post("/v1/orders", &shop.till, sale("A-6", YESTERDAY, coffee())).await.ok();
        assert_eq!(then["totals"]["total"], 1_500);
        shop.verify().await;
    }
}
