//! Passes without a number of uses: as often as one likes for a period, earned day by day, renewed from its end.

use futures_util::future::join_all;
use serde_json::{Value, json};
use tessera_tests::on_each_database;
use tessera_tests::shop::{Answer, Shop};

const DAY: i64 = 86_400;

/// A month of swimming for 350.30, 310.00 of it before tax: 10.00 a day from 2 March through 1 April. A swim alone costs
/// 40.00.
async fn swimming(shop: &Shop, more: Value) {
    shop.product("swim", "pool/swim", "piece", 4_000, "standard")
        .await;
    let mut terms = json!({ "months": 1, "categories": ["pool"] });
    terms
        .as_object_mut()
        .expect("terms")
        .extend(more.as_object().expect("terms").clone());
    let pass = month(terms);
    shop.post("/v1/products", &shop.admin, pass).await.ok();
}

fn month(terms: Value) -> Value {
    json!({
        "id": "month", "sku": "month", "name": "A month of swimming", "category": "passes", "currency": "CNY",
        "price": 35_030, "tax_class": "standard", "pass": terms,
    })
}

fn id(body: &Value) -> String {
    body["id"].as_str().expect("an id").to_owned()
}

fn a_month(member: &str) -> Value {
    json!({ "member": { "id": member }, "lines": [{ "product": "month" }], "tenders": [{ "kind": "cash" }] })
}

async fn sold_to(shop: &Shop, member: &str) -> Value {
    shop.buy(a_month(member)).await
}

fn swim(member: &str, pieces: u32) -> Value {
    json!({
        "member": { "id": member },
        "lines": [{ "product": "swim", "quantity": pieces.to_string(), "pass": { "product": "month" } }],
        "tenders": [],
    })
}

async fn asked(shop: &Shop, request: Value) -> Answer {
    shop.post("/v1/quotes", &shop.till, request).await
}

/// What was paid and is no revenue yet, and the revenue of the east.
async fn books(shop: &Shop, member: &str) -> (i64, i64) {
    let balances = shop.balances(member).await;
    let deferred = balances.get("pass-value").copied().unwrap_or(0);
    (deferred, shop.system("sales/east", "CNY").await)
}

async fn jobs(shop: &Shop) {
    tessera::jobs::run_once(&shop.host).await.expect("jobs run");
}

async fn passes(shop: &Shop, member: &str, query: &str) -> Value {
    let path = format!("/v1/members/{member}/passes{query}");
    shop.get(&path, &shop.till).await.ok()
}

/// How far the job has come is forgotten, as if it had been killed before it wrote that down.
async fn forget_rounds(shop: &Shop) {
    tamper(shop, "DELETE FROM rounds").await;
}

async fn tamper(shop: &Shop, text: &'static str) {
    let changed = shop.host.writer.write("changing rows by hand", move |tx| {
        Box::pin(async move {
            tessera::on!(tx, c => sqlx::query(text).execute(c).await.map(|_| ()))
                .map_err(tessera::store::StoreError::during("changing rows by hand"))
        })
    });
    changed.await.expect("rows are changed");
}

on_each_database! {
    async fn what_is_paid_for_a_period_is_earned_day_by_day_once_and_exactly(shop) {
        swimming(&shop, json!({})).await;
        let members = [shop.member().await, shop.member().await, shop.member().await];
        let member = &members[0];
        let order = sold_to(&shop, member).await;
        assert_eq!(order["lines"][0]["pass_sold"], json!({ "first_day": "2026-03-02", "expires_on": "2026-04-01" }));
        assert_eq!(books(&shop, member).await, (31_000, 0));
        assert_eq!(shop.system("tax/east", "CNY").await, 4_030);
        // A day is earned once it is over, in every store.
        jobs(&shop).await;
        assert_eq!(books(&shop, member).await, (31_000, 0));
        shop.later(14 * 3_600);
        jobs(&shop).await;
        assert_eq!(books(&shop, member).await, (31_000, 0));
        shop.later(2 * 3_600);
        let _ = tokio::join!(tessera::jobs::run_once(&shop.host), tessera::jobs::run_once(&shop.host));
        assert_eq!(books(&shop, member).await, (30_000, 1_000));
        // Killed before it noted how far it had come, it does nothing twice.
        forget_rounds(&shop).await;
        jobs(&shop).await;
        assert_eq!(books(&shop, member).await, (30_000, 1_000));
        // A host that was away for days makes up for them in one step, others are sold meanwhile.
        shop.later(4 * DAY);
        for other in &members[1..] {
            sold_to(&shop, other).await;
        }
        jobs(&shop).await;
        assert_eq!(books(&shop, member).await, (26_000, 5_000));
        assert_eq!(books(&shop, &members[1]).await.0, 31_000);
        shop.later(100 * DAY);
        jobs(&shop).await;
        assert_eq!(books(&shop, member).await, (0, 3 * 31_000));
        assert_eq!((shop.system("pass-expired", "CNY").await, shop.balances(member).await.len()), (0, 0));
        forget_rounds(&shop).await;
        jobs(&shop).await;
        assert_eq!(books(&shop, member).await, (0, 3 * 31_000));
        shop.verify().await;
    }

    async fn a_price_that_does_not_divide_by_the_days_is_earned_to_the_last_cent(shop) {
        swimming(&shop, json!({ "months": null, "days": 7 })).await;
        let mut product = month(json!({ "days": 7, "categories": ["pool"] }));
        product["price"] = json!(10_000);
        shop.put("/v1/products/month", product).await;
        let member = shop.member().await;
        sold_to(&shop, &member).await;
        let (deferred, _) = books(&shop, &member).await;
        assert_ne!(deferred % 7, 0);
        let mut before = 0;
        for _ in 0..7 {
            shop.later(DAY);
            jobs(&shop).await;
            let (_, earned) = books(&shop, &member).await;
            let step = earned - before;
            assert!(step == deferred / 7 || step == deferred / 7 + 1, "{step} of {deferred}");
            before = earned;
        }
        assert_eq!(books(&shop, &member).await, (0, deferred));
        shop.verify().await;
    }

    async fn a_store_of_others_earns_what_it_sold_and_its_books_stay_in_balance(shop) {
        swimming(&shop, json!({})).await;
        let stores = json!([{ "store": "east" }, { "store": "west" }]);
        shop.settings(json!({ "settlement": { "stores": stores } })).await;
        let member = shop.member().await;
        let mut sale = a_month(&member);
        sale["store"] = json!("west");
        let quote = shop.post("/v1/quotes", &shop.west_till, sale).await.ok();
        shop.post(&format!("/v1/quotes/{}/commit", id(&quote)), &shop.west_till, json!({})).await.ok();
        // The chain owes the member the days; the store has the money.
        assert_eq!(shop.system("due/west", "CNY").await, 31_000);
        shop.later(10 * DAY);
        jobs(&shop).await;
        assert_eq!((shop.system("sales/west", "CNY").await, shop.system("due/west", "CNY").await), (10_000, 21_000));
        assert_eq!(shop.system("clearing", "CNY").await, -21_000);
        shop.later(40 * DAY);
        jobs(&shop).await;
        assert_eq!((shop.system("due/west", "CNY").await, shop.system("clearing", "CNY").await), (0, 0));
        shop.verify().await;
    }

    async fn a_pass_for_a_period_pays_as_often_as_one_likes_and_no_longer(shop) {
        swimming(&shop, json!({ "most_per_day": 3, "stores": ["east"] })).await;
        let (member, friend) = (shop.member().await, shop.member().await);
        assert_eq!(asked(&shop, swim(&member, 1)).await.refused(409), "balance_short");
        sold_to(&shop, &member).await;
        let order = shop.buy(swim(&member, 2)).await;
        assert_eq!(order["totals"]["total"], 0);
        let list = passes(&shop, &member, "").await;
        assert_eq!((&list[0]["uses"], &list[0]["unlimited_until"], &list[0]["value"]), (&json!(0), &json!("2026-04-01"), &json!(31_000)));
        // Three a day, whoever is faster; a refund makes room, and so does the next day.
        let mut quotes = Vec::new();
        for _ in 0..16 {
            quotes.push(id(&shop.quote(swim(&member, 1)).await));
        }
        let tries = join_all(quotes.iter().map(|quote| shop.commit(quote))).await;
        assert_eq!(tries.iter().filter(|answer| answer.status.is_success()).count(), 1);
        shop.refund(&id(&order), Value::Null).await.ok();
        shop.buy(swim(&member, 2)).await;
        let full = shop.quote(swim(&member, 1)).await;
        assert_eq!(shop.commit(&id(&full)).await.refused(409), "quote_stale");
        // Using it earns nothing: its days do.
        assert_eq!(books(&shop, &member).await, (31_000, 0));
        shop.later(DAY);
        shop.buy(swim(&member, 3)).await;
        // It is his alone, and of its store.
        let borrowed = json!({
            "member": { "id": friend }, "tenders": [],
            "lines": [{ "product": "swim", "pass": { "product": "month", "of": { "id": member } } }],
        });
        assert_eq!(asked(&shop, borrowed).await.refused(422), "pass_unfit");
        assert_eq!(asked(&shop, swim(&friend, 1)).await.refused(409), "balance_short");
        assert_eq!(shop.post("/v1/quotes", &shop.west_till, swim(&member, 1)).await.refused(422), "pass_unfit");
        // Through its last day in the store's own zone: 1 April, 23:59. A quote made then still holds.
        shop.later(29 * DAY + 14 * 3_600 - 60);
        let last = shop.quote(swim(&member, 1)).await;
        shop.later(60);
        assert_eq!(asked(&shop, swim(&member, 1)).await.refused(409), "balance_short");
        shop.commit(&id(&last)).await.ok();
        shop.verify().await;
    }

    async fn bought_again_the_next_period_begins_where_the_last_one_ends(shop) {
        swimming(&shop, json!({})).await;
        let member = shop.member().await;
        sold_to(&shop, &member).await;
        shop.later(5 * DAY);
        // Sixteen tills sell him the next month at once: one does, the others ask again.
        let mut quotes = Vec::new();
        for _ in 0..16 {
            let quote = shop.quote(a_month(&member)).await;
            assert_eq!(quote["lines"][0]["pass_sold"]["first_day"], "2026-04-02");
            quotes.push(id(&quote));
        }
        let tries = join_all(quotes.iter().map(|quote| shop.commit(quote))).await;
        assert_eq!(tries.iter().filter(|answer| answer.status.is_success()).count(), 1);
        for answer in tries.into_iter().filter(|answer| !answer.status.is_success()) {
            assert_eq!(answer.refused(409), "quote_stale");
        }
        // Two more in one basket follow on each other; of one line they are one period.
        let two = json!({ "member": { "id": member }, "lines": [{ "product": "month" }, { "product": "month", "quantity": "2" }] });
        let order = shop.buy(two).await;
        let days = |line: usize| (order["lines"][line]["pass_sold"]["first_day"].clone(), order["lines"][line]["pass_sold"]["expires_on"].clone());
        assert_eq!(days(0), (json!("2026-05-02"), json!("2026-06-01")));
        assert_eq!(days(1), (json!("2026-06-02"), json!("2026-08-01")));
        let list = passes(&shop, &member, "").await;
        assert_eq!((list[0]["sales"].as_array().map(Vec::len), &list[0]["unlimited_until"]), (Some(4), &json!("2026-08-01")));
        // On its first day the second is used, and the first stands in the history.
        shop.later(26 * DAY);
        shop.buy(swim(&member, 1)).await;
        shop.later(DAY);
        jobs(&shop).await;
        let list = passes(&shop, &member, "").await;
        assert_eq!(list[0]["sales"][0]["first_day"], "2026-04-02");
        let ever = passes(&shop, &member, "?history=true").await;
        assert_eq!((&ever[0]["sales"][0]["first_day"], &ever[0]["sales"][0]["ended"]), (&json!("2026-03-02"), &json!(true)));
        assert_eq!(books(&shop, &member).await.1, 31_000 + 31_000 / 30);
        // After the end it begins anew.
        shop.later(365 * DAY);
        let again = sold_to(&shop, &member).await;
        assert_eq!(again["lines"][0]["pass_sold"]["first_day"], "2027-04-03");
        jobs(&shop).await;
        shop.verify().await;
    }

    async fn a_held_renewal_keeps_its_days_from_others(shop) {
        swimming(&shop, json!({})).await;
        let member = shop.member().await;
        sold_to(&shop, &member).await;
        let held = id(&shop.quote(a_month(&member)).await);
        let hold = format!("/v1/quotes/{held}/hold");
        shop.post(&hold, &shop.till, json!({})).await.ok();
        let other = id(&shop.quote(a_month(&member)).await);
        assert_eq!(shop.commit(&other).await.refused(409), "quote_stale");
        let order = shop.commit(&held).await.ok();
        assert_eq!(order["lines"][0]["pass_sold"]["first_day"], "2026-04-02");
        let next = sold_to(&shop, &member).await;
        assert_eq!(next["lines"][0]["pass_sold"]["first_day"], "2026-05-02");
        // A swim that is held survives the last day.
        shop.later(90 * DAY);
        let swimming = id(&shop.quote(swim(&member, 1)).await);
        shop.post(&format!("/v1/quotes/{swimming}/hold"), &shop.till, json!({})).await.ok();
        shop.refund(&id(&next), Value::Null).await.ok();
        shop.commit(&swimming).await.ok();
        shop.verify().await;
    }

    async fn a_period_comes_back_for_the_days_that_are_left_and_once(shop) {
        swimming(&shop, json!({})).await;
        shop.bind("points-standard", crate::checkout::points()).await;
        let member = shop.member().await;
        let nothing = shop.wallet(&member).await;
        // Unused on its first day it comes back whole.
        let order = sold_to(&shop, &member).await;
        assert_eq!(shop.refund(&id(&order), json!([[0, "0.5"]])).await.refused(422), "invalid_fields");
        assert_eq!(shop.refund(&id(&order), Value::Null).await.ok()["total"], 35_030);
        assert_eq!((shop.wallet(&member).await, books(&shop, &member).await), (nothing, (0, 0)));
        assert_eq!(asked(&shop, swim(&member, 1)).await.refused(409), "balance_short");
        // Used, the day counts; unused, it does not although it has begun.
        let order = sold_to(&shop, &member).await;
        shop.buy(swim(&member, 1)).await;
        let next = sold_to(&shop, &member).await;
        assert_eq!(shop.refund(&id(&order), Value::Null).await.ok()["total"], 35_030 * 30 / 31);
        // The next keeps its days.
        assert_eq!(asked(&shop, swim(&member, 1)).await.refused(409), "balance_short");
        shop.later(3 * DAY);
        jobs(&shop).await;
        assert_eq!(books(&shop, &member).await, (31_000, 31_000 - 30_000));
        assert_eq!(shop.refund(&id(&next), Value::Null).await.ok()["total"], 35_030);
        let order = sold_to(&shop, &member).await;
        shop.later(10 * DAY);
        // Whether or not the job has come so far.
        assert_eq!(shop.refund(&id(&order), Value::Null).await.ok()["total"], 35_030 * 21 / 31);
        assert_eq!(books(&shop, &member).await, (0, 1_000 + 10_000));
        assert_eq!(shop.refund(&id(&order), json!([[0, "1"]])).await.refused(409), "over_refund");
        // After the last day nothing comes back.
        let order = sold_to(&shop, &member).await;
        shop.later(31 * DAY);
        assert_eq!(shop.refund(&id(&order), Value::Null).await.refused(409), "pass_used");
        jobs(&shop).await;
        assert_eq!(shop.refund(&id(&order), Value::Null).await.refused(409), "pass_used");
        shop.verify().await;
    }

    async fn a_refund_and_a_swim_at_the_same_moment_never_both_have_the_day(shop) {
        swimming(&shop, json!({})).await;
        for _ in 0..6 {
            let member = shop.member().await;
            let order = id(&sold_to(&shop, &member).await);
            let quote = id(&shop.quote(swim(&member, 1)).await);
            let (used, back) = tokio::join!(shop.commit(&quote), shop.refund(&order, Value::Null));
            let total = back.ok()["total"].clone();
            match used.status.is_success() {
                true => assert_eq!(total, 35_030 * 30 / 31),
                false => {
                    assert_eq!(total, 35_030);
                    assert_eq!(used.refused(409), "quote_stale");
                }
            }
        }
        shop.verify().await;
    }

    async fn a_till_that_was_offline_let_somebody_swim_without_a_pass(shop) {
        swimming(&shop, json!({})).await;
        let member = shop.member().await;
        let happened = json!({ "external_id": "S-1", "occurred_at": "2026-03-02T09:59:00+08:00", "sale": swim(&member, 2) });
        let order = shop.post("/v1/orders", &shop.till, happened).await.ok();
        assert!(shop.events().await.contains(&"ledger.claimed".to_owned()));
        shop.refund(&id(&order), Value::Null).await.ok();
        // Sold while the till was offline: it is a fact, and begins where the running one ends.
        sold_to(&shop, &member).await;
        let sold = json!({ "external_id": "S-2", "occurred_at": "2026-03-02T09:59:00+08:00", "sale": a_month(&member) });
        let order = shop.post("/v1/orders", &shop.till, sold).await.ok();
        assert_eq!(order["lines"][0]["pass_sold"]["first_day"], "2026-04-02");
        assert_eq!(books(&shop, &member).await.0, 62_000);
        shop.verify().await;
    }

    async fn a_period_goes_with_its_owner_into_another_membership_and_back_after_days(shop) {
        swimming(&shop, json!({})).await;
        let (twin, stays) = (shop.member().await, shop.member().await);
        sold_to(&shop, &twin).await;
        shop.later(DAY);
        jobs(&shop).await;
        let merge = json!({ "into": { "id": stays }, "reason": "enrolled twice" });
        shop.post(&format!("/v1/members/{twin}/merge"), &shop.admin, merge).await.ok();
        assert_eq!((books(&shop, &twin).await.0, books(&shop, &stays).await.0), (0, 30_000));
        shop.buy(swim(&stays, 1)).await;
        shop.later(DAY);
        jobs(&shop).await;
        assert_eq!(books(&shop, &stays).await, (29_000, 2_000));
        let next = shop.quote(a_month(&stays)).await;
        assert_eq!(next["lines"][0]["pass_sold"]["first_day"], "2026-04-02");
        let why = json!({ "reason": "they are two" });
        shop.post(&format!("/v1/members/{twin}/merge/undo"), &shop.admin, why).await.ok();
        assert_eq!((books(&shop, &twin).await.0, books(&shop, &stays).await.0), (29_000, 0));
        shop.buy(swim(&twin, 1)).await;
        shop.later(40 * DAY);
        jobs(&shop).await;
        assert_eq!(books(&shop, &twin).await, (0, 31_000));
        shop.verify().await;
    }

    async fn verify_tells_of_days_that_were_earned_before_they_were_over(shop) {
        swimming(&shop, json!({})).await;
        let member = shop.member().await;
        sold_to(&shop, &member).await;
        shop.later(5 * DAY);
        jobs(&shop).await;
        shop.verify().await;
        tamper(&shop, "UPDATE lots SET first_day = first_day + 3 WHERE id LIKE '%-value'").await;
        let report = tessera::store::verify::verify(&shop.host.db).await.expect("the ledger can be read");
        assert_eq!(report.faults.len(), 1, "{report:#?}");
        assert!(report.faults[0].what.contains("have earned less"), "{report:#?}");
    }

    async fn terms_of_periods_that_make_no_sense_make_no_product(shop) {
        swimming(&shop, json!({})).await;
        let wrong = [
            (json!({ "categories": ["pool"] }), "/pass/uses"),
            (json!({ "months": 0, "categories": ["pool"] }), "/pass/months"),
            (json!({ "months": 121, "categories": ["pool"] }), "/pass/months"),
            (json!({ "months": 1, "days": 30, "categories": ["pool"] }), "/pass/months"),
            (json!({ "days": 0, "categories": ["pool"] }), "/pass/days"),
        ];
        for (terms, pointer) in wrong {
            let mut product = month(terms);
            (product["id"], product["sku"]) = (json!("other"), json!("other"));
            assert_eq!(shop.post("/v1/products", &shop.admin, product).await.pointers(), [pointer]);
        }
        // What was sold without a number of uses stays without.
        let counted = month(json!({ "uses": 10, "categories": ["pool"] }));
        let changed = shop.send(axum::http::Method::PUT, "/v1/products/month", &shop.admin, None, Some(counted)).await;
        assert_eq!(changed.pointers(), ["/pass/uses"]);
        // A hundred years and more are not sold at once.
        let member = shop.member().await;
        let mut ages = a_month(&member);
        ages["lines"][0]["quantity"] = json!("1300");
        assert_eq!(asked(&shop, ages).await.refused(422), "pass_unfit");
        assert_eq!(asked(&shop, json!({ "lines": [{ "product": "month" }] })).await.pointers(), ["/member"]);
    }
}
