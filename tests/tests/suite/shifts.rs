//! The till's day: a terminal's shift from its counted float to a report that stays.

use futures_util::future::join_all;
use serde_json::{Value, json};
use tessera_tests::on_each_database;
use tessera_tests::shop::{Answer, Shop};

const PIN: &str = "4711";

/// Key of a new terminal of that name.
async fn till(shop: &Shop, store: &str, id: &str) -> String {
    let terminal = json!({ "id": id, "store": store, "name": id });
    shop.post("/v1/terminals", &shop.admin, terminal).await.ok();
    let code = json!({ "terminal": id });
    let code = shop.post("/v1/pairing-codes", &shop.admin, code).await.ok();
    let paired = shop.post("/v1/terminals/pair", "", json!({ "code": code["code"] }));
    paired.await.ok()["key"].as_str().expect("a key").to_owned()
}

async fn boss(shop: &Shop) -> String {
    let body =
        json!({ "id": "boss", "name": "boss", "role": "supervisor", "store": "east", "pin": PIN });
    shop.post("/v1/staff", &shop.admin, body).await.ok();
    format!("boss:{PIN}")
}

async fn open(shop: &Shop, key: &str, float: i64) -> Answer {
    shop.post("/v1/shifts", key, json!({ "float": float }))
        .await
}

async fn opened(shop: &Shop, key: &str, float: i64) -> String {
    id_of(&open(shop, key, float).await.ok())
}

fn id_of(body: &Value) -> String {
    body["id"].as_str().expect("an id").to_owned()
}

async fn close(shop: &Shop, key: &str, shift: &str, body: Value) -> Answer {
    shop.post(&format!("/v1/shifts/{shift}/close"), key, body)
        .await
}

fn cash(amount: i64) -> Value {
    json!({ "counted": [{ "tender": "cash", "amount": amount }] })
}

async fn report(shop: &Shop, shift: &str) -> Value {
    let path = format!("/v1/shifts/{shift}");
    shop.get(&path, &shop.supervisor).await.ok()
}

async fn move_cash(shop: &Shop, key: &str, shift: &str, kind: &str, amount: i64) -> Answer {
    let body = json!({ "kind": kind, "amount": amount, "reason": "change" });
    shop.post(&format!("/v1/shifts/{shift}/movements"), key, body)
        .await
}

async fn quote(shop: &Shop, key: &str, product: &str) -> String {
    let basket = json!({ "lines": [{ "product": product }], "tenders": [{ "kind": "cash" }] });
    id_of(&shop.post("/v1/quotes", key, basket).await.ok())
}

async fn commit(shop: &Shop, key: &str, quote: &str) -> Answer {
    shop.post(&format!("/v1/quotes/{quote}/commit"), key, json!({}))
        .await
}

async fn buy(shop: &Shop, key: &str, basket: Value) -> Value {
    let quote = shop.post("/v1/quotes", key, basket).await.ok();
    commit(shop, key, &id_of(&quote)).await.ok()
}

/// Commits until the answer is another than to come again.
async fn sold(shop: &Shop, key: &str, quote: &str) -> Answer {
    loop {
        let answer = commit(shop, key, quote).await;
        if answer.body["code"] != "busy" {
            return answer;
        }
    }
}

/// Of many requests at once: how many worked; all others were refused with this code.
fn worked(answers: Vec<Answer>, code: &str) -> usize {
    let (good, bad): (Vec<_>, Vec<_>) = answers
        .into_iter()
        .partition(|answer| answer.status.is_success());
    for answer in bad {
        assert_eq!(answer.body["code"], code, "{}", answer.body);
    }
    good.len()
}

on_each_database! {
    async fn a_shift_holds_what_happened_at_its_till_and_its_report_stays(shop) {
        shop.settings(json!({
            "withdrawal": { "approval_above": 100_000 },
            "shifts": { "cash_approval_above": 10_000, "reason_above": 0, "approval_above": 1_000 },
        })).await;
        let (till, other, boss) = (till(&shop, "east", "one").await, till(&shop, "east", "two").await, boss(&shop).await);
        let float = json!({ "denominations": [{ "value": 10_000, "count": 2 }, { "value": 100, "count": 50 }] });
        let shift = id_of(&shop.post("/v1/shifts", &till, float).await.ok());
        let member = shop.member().await;
        let top_up = |amount: i64, tender: &str| json!({ "amount": amount, "tender": { "kind": tender } });
        let top_ups = format!("/v1/members/{member}/top-ups");
        // Change that is handed back was never in the drawer.
        let first = buy(&shop, &till, json!({
            "lines": [{ "product": "coffee", "quantity": "2" }], "tenders": [{ "kind": "cash", "amount": 5_000 }],
        })).await;
        shop.post(&top_ups, &till, top_up(10_000, "cash")).await.ok();
        buy(&shop, &till, json!({
            "member": { "id": member }, "lines": [{ "product": "cake" }, { "product": "tea" }],
            "tenders": [{ "kind": "stored-value", "amount": 3_000 }, { "kind": "card" }],
        })).await;
        let back = json!({ "lines": [{ "line": 0, "quantity": "1" }] });
        shop.post(&format!("/v1/orders/{}/refunds", id_of(&first)), &till, back).await.ok();
        shop.post(&format!("/v1/members/{member}/withdrawals"), &till, top_up(1_000, "cash")).await.ok();
        let wrong = shop.post(&top_ups, &till, top_up(5_000, "card")).await.ok();
        let reversal = format!("/v1/members/{member}/entries/{}/reversal", wrong["entry"].as_str().expect("an entry"));
        shop.post_on_duty(&reversal, &till, &boss, json!({ "reason": "typed wrongly" })).await.ok();
        move_cash(&shop, &till, &shift, "cash-in", 3_000).await.ok();
        move_cash(&shop, &till, &shift, "cash-out", 500).await.ok();
        // What happens at another till, or at none, is not this shift's.
        buy(&shop, &other, json!({ "lines": [{ "product": "tea" }], "tenders": [{ "kind": "cash" }] })).await;
        shop.top_up(&member, 7_000, 0).await;
        let movements = json!({
            "sale": { "count": 2, "tenders": { "cash": 4_000, "card": 1_200, "stored-value": 3_000 } },
            "top-up": { "count": 2, "tenders": { "cash": 10_000, "card": 5_000 } },
            "refund": { "count": 1, "tenders": { "cash": -2_000 } },
            "withdrawal": { "count": 1, "tenders": { "cash": -1_000 } },
            "reversal": { "count": 1, "tenders": { "card": -5_000 } },
            "cash-in": { "count": 1, "tenders": { "cash": 3_000 } },
            "cash-out": { "count": 1, "tenders": { "cash": -500 } },
        });
        let now = report(&shop, &shift).await;
        assert_eq!(now["movements"], movements);
        assert_eq!(now["expected"], json!({ "cash": 38_500, "card": 1_200, "stored-value": 3_000 }));
        assert!(now["closing"].is_null());
        let path = format!("/v1/shifts/{shift}/movements?limit=5");
        let page = shop.get(&path, &till).await.ok();
        assert_eq!(page["items"].as_array().expect("a list").len(), 5);
        let next = format!("/v1/shifts/{shift}/movements?cursor={}", page["next"].as_str().expect("a cursor"));
        let rest = shop.get(&next, &till).await.ok();
        assert_eq!(rest["items"].as_array().expect("a list").len(), 4);
        assert_eq!(rest["items"][0]["kind"], "top-up");
        assert_eq!(rest["items"][1]["by"], "boss");
        assert_eq!(rest["items"][2]["by"], page["items"][0]["by"]);
        assert_eq!(shop.system("tender/cash/east", "CNY").await, -13_500 - 1_200 - 7_000);
        assert_eq!(shop.system("safe/east", "CNY").await, 2_500);
        // A note is missing; the card slips are right. The books follow the count.
        let body = json!({
            "counted": [{ "tender": "cash", "amount": 38_400 }, { "tender": "card", "amount": 1_200 }],
            "reason": "a note is missing",
        });
        let done = close(&shop, &till, &shift, body).await.ok();
        assert_eq!(done["closing"]["off_by"], 100);
        assert_eq!(done["closing"]["tenders"], json!([
            { "tender": "card", "expected": 1_200, "counted": 1_200, "difference": 0 },
            { "tender": "cash", "expected": 38_500, "counted": 38_400, "difference": -100 },
            { "tender": "stored-value", "expected": 3_000 },
        ]));
        assert_eq!(shop.system("tender/cash/east", "CNY").await, -13_400 - 1_200 - 7_000);
        assert_eq!(shop.system("till-difference/east", "CNY").await, -100);
        // It takes nothing more, and what comes later is not in it.
        assert_eq!(close(&shop, &till, &shift, cash(38_400)).await.refused(409), "shift_closed");
        assert_eq!(move_cash(&shop, &till, &shift, "cash-in", 1).await.refused(409), "shift_closed");
        buy(&shop, &till, json!({ "lines": [{ "product": "tea" }], "tenders": [{ "kind": "cash" }] })).await;
        opened(&shop, &till, 0).await;
        buy(&shop, &till, json!({ "lines": [{ "product": "tea" }], "tenders": [{ "kind": "cash" }] })).await;
        assert_eq!(report(&shop, &shift).await, done);
        let list = shop.get("/v1/shifts?terminal=one", &shop.supervisor).await.ok();
        let list = list["items"].as_array().expect("a list");
        assert_eq!((list.len(), &list[1]), (2, &done));
        assert_eq!(list[0]["expected"], json!({ "cash": 1_200 }));
        shop.verify().await;
    }

    async fn a_terminal_has_one_shift_open_however_many_open_it_at_once(shop) {
        let (one, west) = (till(&shop, "east", "one").await, till(&shop, "west", "far").await);
        let tries = join_all((0..64).map(|_| open(&shop, &one, 1_000))).await;
        assert_eq!(worked(tries, "shift_open"), 1);
        let other = till(&shop, "east", "two").await;
        let key = "opening-two";
        let body = json!({ "float": 0 });
        let first = shop.post_as("/v1/shifts", &other, key, body.clone()).await.ok();
        let again = shop.post_as("/v1/shifts", &other, key, body).await;
        assert!(again.is_replayed());
        assert_eq!(again.ok(), first);
        // Another terminal's shift is a supervisor's, in his own store.
        let three = till(&shop, "east", "three").await;
        let of_three = json!({ "terminal": "three", "float": 0 });
        assert_eq!(shop.post("/v1/shifts", &one, of_three.clone()).await.refused(403), "forbidden");
        assert_eq!(shop.post("/v1/shifts", &west, of_three.clone()).await.refused(403), "forbidden");
        let shift = id_of(&shop.post("/v1/shifts", &shop.supervisor, of_three).await.ok());
        assert_eq!(close(&shop, &one, &shift, cash(0)).await.refused(403), "forbidden");
        assert_eq!(close(&shop, &west, &shift, cash(0)).await.refused(403), "other_store");
        close(&shop, &three, &shift, cash(0)).await.ok();
        let far = json!({ "terminal": "far", "float": 0 });
        assert_eq!(shop.post("/v1/shifts", &shop.supervisor, far).await.refused(403), "other_store");
        for (body, pointer) in [
            (json!({ "terminal": "three" }), "/float"),
            (json!({ "terminal": "three", "float": -1 }), "/float"),
            (json!({ "terminal": "three", "float": 5, "denominations": [{ "value": 1, "count": 4 }] }), "/denominations"),
            (json!({ "terminal": "three", "denominations": [{ "value": i64::MAX, "count": 4 }] }), "/denominations"),
            (json!({ "float": 0 }), "/terminal"),
        ] {
            let answer = shop.post("/v1/shifts", &shop.supervisor, body).await;
            assert_eq!(answer.pointers(), [pointer]);
            assert_eq!(answer.refused(422), "invalid_fields");
        }
        let nowhere = json!({ "terminal": "nowhere", "float": 0 });
        assert_eq!(shop.post("/v1/shifts", &shop.supervisor, nowhere).await.refused(422), "terminal_unknown");
        assert_eq!(shop.get("/v1/shifts/nothing", &one).await.refused(404), "shift_unknown");
        assert_eq!(shop.get(&format!("/v1/shifts/{shift}"), &west).await.refused(403), "other_store");
        shop.verify().await;
    }

    async fn cash_leaves_a_drawer_with_a_reason_and_above_a_limit_with_an_approval(shop) {
        shop.settings(json!({ "shifts": { "cash_approval_above": 1_000 } })).await;
        let (till, boss) = (till(&shop, "east", "one").await, boss(&shop).await);
        let shift = opened(&shop, &till, 20_000).await;
        let path = format!("/v1/shifts/{shift}/movements");
        let body = |amount: i64, approval: Value| json!({
            "kind": "cash-out", "amount": amount, "reason": "to the bank", "approval": approval,
        });
        let needed = shop.post(&path, &till, body(5_000, Value::Null)).await;
        let ask = needed.body["approve"].clone();
        assert_eq!(needed.refused(403), "approval_needed");
        assert_eq!(ask, json!({ "permission": "move-cash-above-limit", "subject": shift, "amount": 5_000 }));
        let given = shop.post_on_duty("/v1/approvals", &till, &boss, ask).await.ok()["approval"].clone();
        assert_eq!(shop.post(&path, &till, body(5_001, given.clone())).await.refused(403), "approval_refused");
        let tries = join_all((0..16).map(|_| shop.post(&path, &till, body(5_000, given.clone())))).await;
        assert_eq!(worked(tries, "approval_refused"), 1);
        for amount in [0, -1, i64::MAX] {
            assert_eq!(move_cash(&shop, &till, &shift, "cash-out", amount).await.refused(422), "invalid_fields");
        }
        let silent = json!({ "kind": "cash-in", "amount": 1, "reason": "" });
        assert_eq!(shop.post(&path, &till, silent).await.refused(422), "invalid_fields");
        // 15,000 are left: of 64 at once fifteen get 1,000 each.
        let tries = join_all((0..64).map(|_| move_cash(&shop, &till, &shift, "cash-out", 1_000))).await;
        assert_eq!(worked(tries, "balance_short"), 15);
        assert_eq!(report(&shop, &shift).await["expected"], json!({ "cash": 0 }));
        let foreign = till_of_west(&shop).await;
        assert_eq!(move_cash(&shop, &foreign, &shift, "cash-in", 1).await.refused(403), "other_store");
        shop.verify().await;
    }

    async fn a_closing_that_is_off_needs_a_reason_and_somebody_who_agrees(shop) {
        shop.settings(json!({ "shifts": { "reason_above": 100, "approval_above": 500 }, "cash_rounding": { "increment": 10, "mode": "half-up" } })).await;
        let (till, boss) = (till(&shop, "east", "one").await, boss(&shop).await);
        let shift = opened(&shop, &till, 10_000).await;
        // 3.33 weighs in at 3.30 in coins.
        buy(&shop, &till, json!({
            "lines": [{ "product": "apples", "quantity": "0.333" }], "tenders": [{ "kind": "cash" }],
        })).await;
        assert_eq!(report(&shop, &shift).await["expected"], json!({ "cash": 10_330 }));
        for (body, pointer) in [
            (json!({ "counted": [] }), "/counted"),
            (json!({ "counted": [{ "tender": "card", "amount": 0 }] }), "/counted"),
            (json!({ "counted": [{ "tender": "cash" }] }), "/counted/0/amount"),
            (json!({ "counted": [{ "tender": "cash", "amount": -5 }] }), "/counted/0/amount"),
            (json!({ "counted": [{ "tender": "points", "amount": 5 }] }), "/counted/0/tender"),
            (json!({ "counted": [{ "tender": "cash", "amount": 5 }, { "tender": "cash", "amount": 5 }] }), "/counted/1/tender"),
            (cash(10_229), "/reason"),
        ] {
            let answer = close(&shop, &till, &shift, body).await;
            assert_eq!(answer.pointers(), [pointer]);
            assert_eq!(answer.refused(422), "invalid_fields");
        }
        let body = |approval: Value| json!({
            "counted": [{ "tender": "cash", "denominations": [{ "value": 100, "count": 98 }] }],
            "reason": "nobody knows", "approval": approval,
        });
        let needed = close(&shop, &till, &shift, body(Value::Null)).await;
        let ask = needed.body["approve"].clone();
        assert_eq!(needed.refused(403), "approval_needed");
        assert_eq!(ask, json!({ "permission": "close-with-difference", "subject": shift, "amount": 530 }));
        let given = shop.post_on_duty("/v1/approvals", &till, &boss, ask).await.ok()["approval"].clone();
        // Something is sold before the approval is used: it was for another difference.
        let tea = quote(&shop, &till, "tea").await;
        commit(&shop, &till, &tea).await.ok();
        assert_eq!(close(&shop, &till, &shift, body(given)).await.refused(403), "approval_refused");
        let ask = json!({ "permission": "close-with-difference", "subject": shift, "amount": 1_730 });
        let given = shop.post_on_duty("/v1/approvals", &till, &boss, ask.clone()).await.ok()["approval"].clone();
        // The day of a shift is the one it was opened on.
        shop.later(86_400);
        assert_eq!(close(&shop, &till, &shift, body(given)).await.refused(403), "approval_refused");
        let given = shop.post_on_duty("/v1/approvals", &till, &boss, ask).await.ok()["approval"].clone();
        let tries = join_all((0..16).map(|_| close(&shop, &till, &shift, body(given.clone())))).await;
        let codes = ["shift_closed", "approval_refused"];
        let late = tries.iter().filter(|answer| codes.iter().any(|code| answer.body["code"] == *code)).count();
        assert_eq!(late, 15);
        let done = report(&shop, &shift).await;
        assert_eq!((&done["closing"]["off_by"], &done["closing"]["approved_by"]), (&json!(1_730), &json!("boss")));
        assert_eq!(done["business_date"], "2026-03-02");
        assert_eq!(shop.system("till-difference/east", "CNY").await, -1_730);
        shop.verify().await;
    }

    async fn what_is_paid_for_a_pass_is_in_the_drawer_and_is_no_stored_value(shop) {
        let till = till(&shop, "east", "one").await;
        shop.post("/v1/products", &shop.admin, json!({
            "id": "ten", "sku": "ten", "name": "Ten", "category": "passes", "currency": "CNY", "price": 5_000,
            "tax_class": "standard", "pass": { "uses": 10, "products": ["coffee"] },
        })).await.ok();
        let shift = id_of(&shop.post("/v1/shifts", &till, json!({ "float": 0 })).await.ok());
        let member = shop.member().await;
        let of = |line: Value| json!({ "member": { "id": member }, "lines": [line], "tenders": [] });
        let mut sold = of(json!({ "product": "ten" }));
        sold["tenders"] = json!([{ "kind": "cash" }]);
        buy(&shop, &till, sold).await;
        buy(&shop, &till, of(json!({ "product": "coffee", "pass": { "product": "ten" } }))).await;
        let open = shop.get(&format!("/v1/shifts/{shift}"), &till).await.ok();
        assert_eq!(open["expected"], json!({ "cash": 5_000 }));
        shop.verify().await;
    }

    async fn tills_that_need_a_shift_sell_nothing_without_one(shop) {
        shop.settings(json!({ "shifts": { "at_terminals": "required" } })).await;
        let till = till(&shop, "east", "one").await;
        let member = shop.member().await;
        let (key, tea) = ("the-sale", quote(&shop, &till, "tea").await);
        let path = format!("/v1/quotes/{tea}/commit");
        assert_eq!(shop.post_as(&path, &till, key, json!({})).await.refused(409), "shift_needed");
        let top_up = json!({ "amount": 100, "tender": { "kind": "cash" } });
        let top_ups = format!("/v1/members/{member}/top-ups");
        assert_eq!(shop.post(&top_ups, &till, top_up.clone()).await.refused(409), "shift_needed");
        // What happened already is a fact, and somebody is told that no shift has it.
        let recorded = |number: &str, at: &str| json!({
            "external_id": number, "occurred_at": at,
            "sale": { "lines": [{ "product": "tea" }], "tenders": [{ "kind": "cash" }] },
        });
        let before = "2026-03-02T09:58:00+08:00";
        shop.post("/v1/orders", &till, recorded("1", before)).await.ok();
        let outside = |events: Vec<String>| events.iter().filter(|kind| *kind == "ledger.outside-shift").count();
        assert_eq!(outside(shop.events().await), 1);
        let shift = opened(&shop, &till, 0).await;
        // The very same request works once the shift is open.
        let order = id_of(&shop.post_as(&path, &till, key, json!({})).await.ok());
        shop.post(&top_ups, &till, top_up).await.ok();
        // Of sales that were offline the shift has those since its beginning.
        shop.later(120);
        shop.post("/v1/orders", &till, recorded("2", "2026-03-02T10:01:00+08:00")).await.ok();
        shop.post("/v1/orders", &till, recorded("3", before)).await.ok();
        assert_eq!(outside(shop.events().await), 2);
        let open = report(&shop, &shift).await;
        assert_eq!(open["expected"], json!({ "cash": 1_200 + 100 + 1_200 }));
        assert_eq!(open["movements"]["sale"]["count"], 2);
        close(&shop, &till, &shift, cash(2_500)).await.ok();
        let refunds = format!("/v1/orders/{order}/refunds");
        assert_eq!(shop.post(&refunds, &till, json!({})).await.refused(409), "shift_needed");
        // An office has no drawer.
        shop.post(&refunds, &shop.supervisor, json!({})).await.ok();
        shop.verify().await;
    }

    async fn of_a_sale_and_a_closing_at_once_the_report_has_all_or_nothing_of_it(shop) {
        shop.settings(json!({ "shifts": { "reason_above": 1_000_000, "approval_above": 1_000_000 } })).await;
        let till = till(&shop, "east", "one").await;
        let second = shop.second_host().await;
        let hosts: Vec<&Shop> = [Some(&shop), second.as_ref()].into_iter().flatten().collect();
        let shift = opened(&shop, &till, 0).await;
        let mut quotes = Vec::new();
        for at in 0..32 {
            let host = hosts[at % hosts.len()];
            quotes.push((host, quote(host, &till, "tea").await));
        }
        let sales = async {
            let sales = quotes.iter().map(|(host, quote)| sold(host, &till, quote));
            join_all(sales).await
        };
        let closing = async {
            // Somewhere in the middle of the sales.
            tokio::task::yield_now().await;
            close(hosts[hosts.len() - 1], &till, &shift, cash(0)).await
        };
        let (sales, closed) = tokio::join!(sales, closing);
        assert!(sales.iter().all(|sale| sale.status.is_success()), "{sales:?}");
        let mut closed = closed;
        while !closed.status.is_success() {
            assert_eq!(closed.refused(503), "busy");
            closed = close(&shop, &till, &shift, cash(0)).await;
        }
        let done = report(&shop, &shift).await;
        assert_eq!(closed.ok(), done);
        let count = done["movements"]["sale"]["count"].as_i64().unwrap_or(0);
        let rows = shop.get(&format!("/v1/shifts/{shift}/movements?limit=200"), &till).await.ok();
        assert_eq!(rows["items"].as_array().expect("a list").len() as i64, count);
        assert_eq!(done["expected"]["cash"], json!(count * 1_200));
        assert_eq!(done["closing"]["off_by"], json!(count * 1_200));
        assert_eq!(shop.orders().await, 32);
        // Every sale is in the books, in the report or not, and the difference is on top.
        assert_eq!(shop.system("tender/cash/east", "CNY").await, -32 * 1_200 + count * 1_200);
        shop.verify().await;
    }
}

async fn till_of_west(shop: &Shop) -> String {
    till(shop, "west", "far").await
}
