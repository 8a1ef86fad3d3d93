//! Random programs, baskets, holds, sales and partial refunds: whatever was sold and given back in whatever parts,
//! the member, the chain's own accounts and the next quote stand as before.
//!
//! `TESSERA_PROGRAM_CASES` says how many cases; sixty when it is not set. The shares of what they held are printed.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};
use tessera_tests::on_each_database;
use tessera_tests::shop::Shop;

const GOODS: [&str; 4] = ["coffee", "tea", "cake", "apples"];

/// What a merchant has bound.
#[derive(Debug, Clone)]
struct Program {
    spend: i64,
    expire_after: Option<u16>,
    pending_days: u16,
    stamps: Option<u8>,
    promotion: Promotion,
}

#[derive(Debug, Clone)]
enum Promotion {
    None,
    Percent(u8),
    AmountOff(i64),
    BuyGet { buy: u8, get: u8 },
}

/// How a sale is settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Commit,
    HoldThenCommit,
    HoldReleaseQuoteAgain,
}

#[derive(Debug, Clone)]
struct Case {
    program: Program,
    /// Goods and pieces; the same article may come twice.
    lines: Vec<(usize, u8)>,
    points: i64,
    stored: Option<i64>,
    way: Way,
    /// Another sale between this sale and its refund, that pays with points.
    interleaved: Option<i64>,
    /// Which line gives a piece back next; whatever is left goes back at the end.
    returns: Vec<usize>,
}

fn cases() -> impl Strategy<Value = Case> {
    let promotion = prop_oneof![
        1 => Just(Promotion::None),
        1 => (1..=60_u8).prop_map(Promotion::Percent),
        1 => (1..900_i64).prop_map(Promotion::AmountOff),
        3 => (1..=2_u8, 1..=2_u8).prop_map(|(buy, get)| Promotion::BuyGet { buy, get }),
    ];
    let program = (
        1..300_i64,
        prop::option::of(1..60_u16),
        prop_oneof![1 => Just(0_u16), 1 => 1..20_u16],
        prop::option::of(2..=4_u8),
        promotion,
    )
        .prop_map(
            |(spend, expire_after, pending_days, stamps, promotion)| Program {
                spend,
                expire_after,
                pending_days,
                stamps,
                promotion,
            },
        );
    let way = prop_oneof![
        2 => Just(Way::Commit),
        1 => Just(Way::HoldThenCommit),
        1 => Just(Way::HoldReleaseQuoteAgain),
    ];
    (
        program,
        prop::collection::vec((0..4_usize, 1..=4_u8), 1..6),
        prop_oneof![1 => Just(0_i64), 1 => 1..1_200_i64],
        prop::option::of(1..3_000_i64),
        way,
        prop::option::of(1..500_i64),
        prop::collection::vec(0..6_usize, 0..8),
    )
        .prop_map(
            |(program, lines, points, stored, way, interleaved, returns)| Case {
                program,
                lines,
                points,
                stored,
                way,
                interleaved,
                returns,
            },
        )
}

/// Says which case it was when a test fails inside it.
struct Told<'a>(&'a Case);

impl Drop for Told<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("in the case {:?}", self.0);
        }
    }
}

/// How many cases held what.
#[derive(Debug, Default)]
struct Shares {
    cases: usize,
    lots: usize,
    pending: usize,
    counters: usize,
    buy_get: usize,
    interleaved: usize,
}

impl Shares {
    fn check(&self) {
        let named = [
            ("several lots spent", self.lots),
            ("pending points", self.pending),
            ("counters moved", self.counters),
            ("buy X get Y applied", self.buy_get),
            ("interleaved spends", self.interleaved),
        ];
        for (what, count) in named {
            println!("{what}: {count} of {} cases", self.cases);
        }
        for (what, count) in named {
            assert!(
                count * 10 >= self.cases,
                "{what}: {count} of {}",
                self.cases
            );
        }
    }
}

async fn bind(shop: &Shop, program: &Program) -> Vec<String> {
    let mut points = json!({
        "points_per": { "spend": program.spend, "points": 1 }, "pending_days": program.pending_days,
    });
    if let Some(days) = program.expire_after {
        points["expire_after_days"] = days.into();
    }
    let mut bindings = vec![shop.bind("points-standard", points).await];
    if let Some(every) = program.stamps {
        let stamps = json!({ "every": every, "goods": { "categories": ["drinks"] } });
        bindings.push(shop.bind("stamp-card", stamps).await);
    }
    let promotion = match program.promotion {
        Promotion::None => return bindings,
        Promotion::Percent(rate) => {
            json!({ "discount": { "percent": { "rate": format!("{rate}%") } } })
        }
        Promotion::AmountOff(off) => json!({ "discount": { "amount": { "off": off } } }),
        Promotion::BuyGet { buy, get } => {
            json!({ "discount": { "buy-get": { "buy": buy, "get": get } } })
        }
    };
    bindings.push(shop.bind("promo-standard", promotion).await);
    bindings
}

fn basket(member: &str, case: &Case) -> Value {
    let lines: Vec<Value> = case
        .lines
        .iter()
        .map(|(goods, count)| json!({ "product": GOODS[*goods], "quantity": count.to_string() }))
        .collect();
    let mut tenders = Vec::new();
    if case.points > 0 {
        tenders.push(json!({ "kind": "points", "points": case.points }));
    }
    if let Some(amount) = case.stored {
        tenders.push(json!({ "kind": "stored-value", "amount": amount }));
    }
    tenders.push(json!({ "kind": "card" }));
    json!({ "member": { "id": member }, "lines": lines, "tenders": tenders })
}

/// What a customer would see of a quote: all but its name and its times.
fn shown(quote: &Value) -> Value {
    let mut quote = quote.clone();
    for field in ["id", "digest", "quoted_at", "expires_at", "occurred_at"] {
        quote.as_object_mut().expect("an object").remove(field);
    }
    quote
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().expect("a text")
}

/// A quote that cannot be paid as asked pays less with points and stored value.
async fn quoted(shop: &Shop, request: &Value) -> Value {
    let answer = shop.post("/v1/quotes", &shop.till, request.clone()).await;
    if answer.status.is_success() {
        return answer.body;
    }
    let mut plain = request.clone();
    plain["tenders"] = json!([{ "kind": "card" }]);
    shop.quote(plain).await
}

async fn sell(shop: &Shop, case: &Case, request: &Value) -> Value {
    let mut quote = quoted(shop, request).await;
    if case.way != Way::Commit {
        let hold = format!("/v1/quotes/{}/hold", text(&quote, "id"));
        shop.post(&hold, &shop.till, json!({})).await.ok();
        if case.way == Way::HoldReleaseQuoteAgain {
            let key = uuid::Uuid::now_v7().to_string();
            let release = axum::http::Method::DELETE;
            let answer = shop
                .send(release, &hold, &shop.till, Some(&key), None)
                .await;
            assert!(answer.status.is_success(), "{}", answer.body);
            let again = quoted(shop, request).await;
            assert_eq!(
                shown(&again),
                shown(&quote),
                "a released hold left something"
            );
            quote = again;
        }
    }
    shop.commit(text(&quote, "id")).await.ok()
}

/// Gives pieces back one by one as the case says, then all that is left; answers what was paid out.
async fn give_back(shop: &Shop, case: &Case, order: &Value) -> i64 {
    let id = text(order, "id");
    let mut left: Vec<u8> = case.lines.iter().map(|(_, count)| *count).collect();
    let mut paid = 0;
    for line in &case.returns {
        let line = line % left.len();
        if left[line] == 0 {
            continue;
        }
        left[line] -= 1;
        let refund = shop.refund(id, json!([[line, "1"]])).await.ok();
        paid += refund["total"].as_i64().expect("an amount");
    }
    if left.iter().any(|pieces| *pieces > 0) {
        let refund = shop.refund(id, Value::Null).await.ok();
        paid += refund["total"].as_i64().expect("an amount");
    }
    paid
}

/// Points a member can spend or will be able to, less those he owes.
async fn net_points(shop: &Shop, member: &str) -> i64 {
    let balances = shop.balances(member).await;
    let of = |name: &str| balances.get(name).copied().unwrap_or(0);
    of("points") + of("points-pending") + of("points-held") + of("points-debt")
}

async fn run(shop: &Shop, case: &Case, shares: &mut Shares) {
    let _told = Told(case);
    let bindings = bind(shop, &case.program).await;
    let member = shop.member().await;
    // Two lots of points, of which the larger outlives the smaller, and money with a bonus.
    shop.give_points_until(&member, 300, "2026-06-30").await;
    shop.give_points_until(&member, 1_400, "2026-12-31").await;
    shop.top_up(&member, 2_500, 500).await;
    let request = basket(&member, case);
    let wallet = shop.wallet(&member).await;
    let points = net_points(shop, &member).await;
    let first = quoted(shop, &request).await;
    let own = ["sales/east", "tax/east", "claims/east", "tender/card/east"];
    let mut books = Vec::new();
    for name in own {
        books.push(shop.system(name, "CNY").await);
    }

    let order = sell(shop, case, &request).await;
    note_shares(shares, case, &order, &bindings);
    let spender = match case.interleaved {
        Some(points) => {
            let basket = json!({
                "member": { "id": member }, "lines": [{ "product": "cake", "quantity": "2" }],
                "tenders": [{ "kind": "points", "points": points }, { "kind": "card" }],
            });
            let answer = shop.post("/v1/quotes", &shop.till, basket).await;
            match answer.status.is_success() {
                true => {
                    shares.interleaved += 1;
                    Some(shop.commit(text(&answer.body, "id")).await.ok())
                }
                false => None,
            }
        }
        None => None,
    };
    let paid = give_back(shop, case, &order).await;
    assert_eq!(paid, order["totals"]["total"], "parts sum to the sale");
    let too_much = shop.refund(text(&order, "id"), json!([[0, "1"]])).await;
    assert!(too_much.status.is_client_error(), "{}", too_much.body);
    if let Some(order) = &spender {
        shop.refund(text(order, "id"), Value::Null).await.ok();
    } else {
        assert_eq!(shop.wallet(&member).await, wallet, "every lot as before");
    }
    assert_eq!(
        net_points(shop, &member).await,
        points,
        "the points of the member"
    );
    for (name, before) in own.into_iter().zip(books) {
        assert_eq!(shop.system(name, "CNY").await, before, "{name}");
    }
    let last = quoted(shop, &request).await;
    assert_eq!(
        last["totals"], first["totals"],
        "the next quote sees counters and purchases as before"
    );
    for binding in bindings {
        let path = format!("/v1/bindings/{binding}");
        let delete = axum::http::Method::DELETE;
        let answer = shop.send(delete, &path, &shop.admin, None, None).await;
        assert!(answer.status.is_success(), "{}", answer.body);
    }
}

fn note_shares(shares: &mut Shares, case: &Case, order: &Value, bindings: &[String]) {
    shares.cases += 1;
    let spent: i64 = order["tenders"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|tender| tender["points"].as_i64())
        .sum();
    // More than the smaller lot holds.
    shares.lots += usize::from(spent > 300);
    let earned = order["totals"]["points_earned"].as_i64().unwrap_or(0) > 0;
    shares.pending += usize::from(earned && case.program.pending_days > 0);
    let drinks = case.lines.iter().any(|(goods, _)| *goods < 2);
    shares.counters += usize::from(case.program.stamps.is_some() && drinks);
    let promotion = bindings.last().expect("at least the points");
    let applied = order.to_string().matches(promotion.as_str()).count() > 0
        && order["totals"]["discount"].as_i64().unwrap_or(0) > 0;
    let buy_get = matches!(case.program.promotion, Promotion::BuyGet { .. });
    shares.buy_get += usize::from(buy_get && applied);
}

on_each_database! {
    async fn sales_and_refunds_in_any_parts_leave_everything_as_before(shop) {
        let count = std::env::var("TESSERA_PROGRAM_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(60);
        let mut runner = TestRunner::default();
        let strategy = cases();
        let mut shares = Shares::default();
        for at in 0..count {
            let case = strategy.new_tree(&mut runner).expect("a case").current();
            run(&shop, &case, &mut shares).await;
            if at % 20 == 19 {
                shop.verify().await;
            }
        }
        shop.verify().await;
        shares.check();
    }
}
