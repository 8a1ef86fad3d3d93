//! Points of a sale made without a member, claimed later by the code on the receipt.

use futures_util::future::join_all;
use serde_json::{Value, json};
use tessera::domain::time::Day;
use tessera::store::member_days::{self, DaySpan, DaySums};
use tessera_tests::on_each_database;
use tessera_tests::shop::{Answer, Shop};

use crate::checkout::{points, tenth_off_from_100};

const DAY: i64 = 86_400;

fn id(made: &Value) -> &str {
    made["id"].as_str().expect("an id")
}

fn claiming(order: &Value, member: &str) -> Value {
    json!({ "receipt_code": order["receipt_code"], "member": { "id": member } })
}

async fn claim(shop: &Shop, order: &Value, member: &str) -> Answer {
    shop.post("/v1/orders/claims", &shop.till, claiming(order, member))
        .await
}

/// Six coffees, 120.00, bought by nobody known.
fn coffees() -> Value {
    json!({ "lines": [{ "product": "coffee", "quantity": "6" }] })
}

/// Silver from 100.00.
async fn silver(shop: &Shop) {
    let silver =
        json!({ "code": "silver", "name": "Silver", "threshold": 10_000, "multiplier": "1.2" });
    let ladder = json!({ "window_days": 365, "validity_days": 365, "tiers": [silver] });
    shop.bind("tier-standard", ladder).await;
}

async fn known(shop: &Shop, member: &str) -> Value {
    let path = format!("/v1/members/{member}");
    shop.get(&path, &shop.admin).await.ok()
}

/// Everything a member has bought on one day, or ever.
async fn bought(shop: &Shop, member: &str, day: Option<Day>) -> DaySums {
    let span = DaySpan {
        first: day.unwrap_or(Day(0)),
        last: day.unwrap_or(Day(100_000)),
        category: None,
    };
    let mut conn = shop.host.db.read().await.expect("the database answers");
    let sums = member_days::sums(&mut conn, member, &[span]).await;
    sums.expect("purchases can be read")[0]
}

on_each_database! {
    // 120.00 less a tenth is 108.00, which pass 100.00, the silver threshold, and earn 108 points. The customer comes
    // back after three days and enrols; the purchases count for the day of the sale.
    async fn a_claim_gives_what_the_sale_would_have_given(shop) {
        shop.bind("points-standard", points()).await;
        silver(&shop).await;
        shop.bind_with("promo-standard", tenth_off_from_100(), json!({ "stage": "order" })).await;
        let order = shop.buy(coffees()).await;
        assert_eq!(order["totals"]["total"], 10_800);
        assert_eq!(order["totals"]["points_earned"], 0);
        shop.later(3 * DAY);
        let member = shop.member().await;
        let claimed = claim(&shop, &order, &member).await.ok();
        assert_eq!(claimed["order"], order["id"]);
        assert_eq!(claimed["points_earned"], 108);
        assert_eq!(claimed["awards"][0]["points"], 108);
        assert_eq!(claimed["tier"]["after"], "silver");
        assert_eq!(shop.balances(&member).await, [("points".to_owned(), 108)].into());
        let lots = shop.wallet(&member).await[0]["lots"].clone();
        assert_eq!((&lots[0]["remaining"], &lots[0]["source"]), (&json!(108), &order["id"]));
        let known = known(&shop, &member).await;
        assert_eq!(known["orders"], 1);
        assert_eq!((&known["tier"]["name"], &known["tier"]["since"]), (&json!("silver"), &json!("2026-03-05")));
        // Monday, the day of the sale.
        let monday = Day(20_514);
        let sums = bought(&shop, &member, Some(monday)).await;
        assert_eq!((sums.spend, sums.orders, sums.units, sums.points), (10_800, 1, 6_000, 108));
        // What was sold stays as it is recorded.
        let now = shop.get(&format!("/v1/orders/{}", id(&order)), &shop.till).await.ok();
        assert_eq!(now, order);
        let asked = shop.get(&format!("/v1/orders/{}/evaluations", id(&order)), &shop.admin).await.ok();
        let kinds: Vec<_> = asked.as_array().unwrap().iter()
            .map(|one| (one["asked_for"].as_str().unwrap(), one["kind"].as_str().unwrap())).collect();
        assert_eq!(kinds, [("order", "promotion"), ("claim", "points"), ("claim", "tier")]);
        assert!(shop.events().await.contains(&"order.claimed".to_owned()));
        shop.verify().await;
        let again = tessera::audit::reexecute(&shop.host.db, shop.host.catalog.engine()).await.unwrap();
        assert_eq!((again.orders, again.evaluations), (1, 3));
    }

    // Half of it, then the rest; the campaign's only use is counted by the sale alone and freed once.
    async fn claim_and_refund_together_leave_nothing_behind(shop) {
        shop.bind("points-standard", points()).await;
        let once = json!({ "name": "once", "scope": "chain", "period": "lifetime", "counts": "uses", "limit": 1 });
        shop.bind_with("promo-standard", tenth_off_from_100(), json!({ "stage": "order", "limits": [once] })).await;
        let member = shop.member().await;
        shop.give_points_until(&member, 50, "2026-12-31").await;
        let before = (shop.wallet(&member).await, known(&shop, &member).await);
        let issued = shop.system("points-issued", "points:main").await;
        let order = shop.buy(coffees()).await;
        claim(&shop, &order, &member).await.ok();
        assert_eq!(shop.balances(&member).await["points"], 158);
        let half = shop.refund(id(&order), json!([[0, "3"]])).await.ok();
        assert_eq!((&half["sequence"], &half["points_taken_back"]), (&json!(1), &json!(54)));
        assert_eq!(shop.balances(&member).await["points"], 104);
        let rest = shop.refund(id(&order), Value::Null).await.ok();
        assert_eq!((&rest["sequence"], &rest["points_taken_back"]), (&json!(2), &json!(54)));
        assert_eq!((shop.wallet(&member).await, known(&shop, &member).await), before);
        assert_eq!(shop.system("points-issued", "points:main").await, issued);
        assert_eq!(bought(&shop, &member, None).await, DaySums::default());
        assert_eq!(shop.quote(coffees()).await["totals"]["total"], 10_800);
        assert_eq!(claim(&shop, &order, &member).await.refused(409), "order_claimed");
        shop.verify().await;
    }

    async fn a_claim_is_done_once_under_one_key_however_often_it_is_sent(shop) {
        shop.bind("points-standard", points()).await;
        let member = shop.member().await;
        let order = shop.buy(coffees()).await;
        let small = order["receipt_code"].as_str().unwrap().to_lowercase();
        let body = json!({ "receipt_code": small, "member": { "id": member } });
        let path = "/v1/orders/claims";
        let first = shop.post_as(path, &shop.till, "claim-1", body.clone()).await;
        let again = shop.post_as(path, &shop.till, "claim-1", body).await;
        assert!(!first.is_replayed() && again.is_replayed());
        assert_eq!(first.ok(), again.ok());
        let other = claiming(&order, &shop.member().await);
        let other = shop.post_as(path, &shop.till, "claim-1", other).await;
        assert_eq!(other.refused(422), "idempotency_key_reused");
        assert_eq!(shop.balances(&member).await["points"], 120);
        shop.verify().await;
    }

    async fn of_32_claims_of_one_receipt_at_once_exactly_one_wins(shop) {
        shop.bind("points-standard", points()).await;
        let order = shop.buy(coffees()).await;
        let members = join_all((0..32).map(|_| shop.member())).await;
        let answers = join_all(members.iter().map(|member| claim(&shop, &order, member))).await;
        let won = answers.iter().filter(|answer| answer.status.is_success()).count();
        assert_eq!(won, 1);
        for answer in answers.into_iter().filter(|answer| !answer.status.is_success()) {
            assert_eq!(answer.refused(409), "order_claimed");
        }
        assert_eq!(shop.system("points-issued", "points:main").await, -120);
        shop.verify().await;
    }

    async fn two_hosts_together_give_a_receipt_to_one_member(shop) {
        let Some(other) = shop.second_host().await else { return };
        shop.bind("points-standard", points()).await;
        other.host.refresh().await.unwrap();
        for _ in 0..4 {
            let order = shop.buy(coffees()).await;
            let members = join_all((0..4).map(|_| shop.member())).await;
            let answers = join_all(members.iter().enumerate().map(|(at, member)| {
                claim(if at % 2 == 0 { &shop } else { &other }, &order, member)
            })).await;
            assert_eq!(answers.iter().filter(|answer| answer.status.is_success()).count(), 1, "{answers:?}");
        }
        assert_eq!(shop.system("points-issued", "points:main").await, -480);
        shop.verify().await;
    }

    // Whichever is first: a claim whose points go back, or a refund after which nothing is claimed.
    async fn a_claim_and_a_refund_at_once_leave_no_points(shop) {
        shop.bind("points-standard", points()).await;
        for _ in 0..8 {
            let member = shop.member().await;
            let order = shop.buy(coffees()).await;
            let (claimed, refunded) = futures_util::future::join(
                claim(&shop, &order, &member), shop.refund(id(&order), Value::Null)).await;
            refunded.ok();
            if !claimed.status.is_success() {
                assert_eq!(claimed.refused(409), "order_refunded");
            }
            assert!(shop.balances(&member).await.is_empty());
            assert_eq!(bought(&shop, &member, None).await, DaySums::default());
        }
        shop.verify().await;
    }

    // Spent before the refund, claimed points are a debt like those of any sale.
    async fn claimed_points_that_were_spent_become_a_debt_at_the_refund(shop) {
        shop.bind("points-standard", points()).await;
        let member = shop.member().await;
        let order = shop.buy(coffees()).await;
        claim(&shop, &order, &member).await.ok();
        shop.buy(json!({
            "member": { "id": member }, "lines": [{ "product": "coffee" }],
            "tenders": [{ "kind": "points", "points": 120 }, { "kind": "cash" }],
        })).await;
        // 20.00 less 1.20 in points.
        assert_eq!(shop.balances(&member).await["points"], 18);
        shop.refund(id(&order), Value::Null).await.ok();
        assert_eq!(shop.balances(&member).await, [("points-debt".to_owned(), -102)].into());
        shop.verify().await;
    }

    async fn the_rules_are_those_in_force_when_it_was_sold(shop) {
        let early = shop.buy(coffees()).await;
        shop.later(60);
        let binding = shop.bind("points-standard", points()).await;
        shop.later(60);
        let order = shop.buy(coffees()).await;
        shop.later(60);
        let path = format!("/v1/bindings/{binding}");
        let ended = shop.send(axum::http::Method::DELETE, &path, &shop.admin, None, None).await;
        assert!(ended.status.is_success(), "{}", ended.body);
        let member = shop.member().await;
        assert_eq!(claim(&shop, &early, &member).await.ok()["points_earned"], 0);
        assert_eq!(claim(&shop, &order, &member).await.ok()["points_earned"], 120);
        assert_eq!(known(&shop, &member).await["orders"], 2);
        shop.verify().await;
    }

    // Three claims at once reach for a budget of 130 points with 120 each: one has it, and the next gets the rest.
    async fn a_budget_of_points_holds_for_claims_too(shop) {
        let budget = json!({ "name": "budget", "scope": "chain", "period": "lifetime", "counts": "points", "limit": 130 });
        shop.bind_with("points-standard", points(), json!({ "limits": [budget] })).await;
        let mut orders = Vec::new();
        for _ in 0..3 {
            orders.push((shop.buy(coffees()).await, shop.member().await));
        }
        join_all(orders.iter().map(|(order, member)| claim(&shop, order, member))).await;
        for (order, member) in &orders {
            // Refused by the limit a moment ago, or done: now there is nothing left to race for.
            claim(&shop, order, member).await;
        }
        assert_eq!(shop.system("points-issued", "points:main").await, -130);
        shop.verify().await;
    }

    async fn what_cannot_be_claimed_is_refused_with_what_to_do(shop) {
        shop.bind("points-standard", points()).await;
        let (member, other) = (shop.member().await, shop.member().await);
        let mut his = coffees();
        his["member"] = json!({ "id": member });
        let his = shop.buy(his).await;
        assert_eq!(claim(&shop, &his, &member).await.refused(409), "order_has_member");
        let unknown = json!({ "receipt_code": "000000000000" });
        assert_eq!(claim(&shop, &unknown, &member).await.refused(404), "order_unknown");

        let order = shop.buy(coffees()).await;
        let nobody = claim(&shop, &order, &uuid::Uuid::now_v7().to_string()).await;
        assert_eq!(nobody.pointers(), ["/member/id"]);
        assert_eq!(nobody.refused(422), "member_unknown");
        let west = shop.post("/v1/orders/claims", &shop.west_till, claiming(&order, &member)).await;
        assert_eq!(west.refused(403), "other_store");
        let bare = shop.send(
            axum::http::Method::POST, "/v1/orders/claims", &shop.till, None, Some(claiming(&order, &member))).await;
        assert_eq!(bare.refused(400), "idempotency_key_missing");
        shop.put(&format!("/v1/members/{other}"), json!({ "status": "blocked" })).await;
        assert_eq!(claim(&shop, &order, &other).await.refused(409), "member_inactive");
        claim(&shop, &order, &member).await.ok();
        let taken = claim(&shop, &order, &shop.member().await).await;
        // By whom is nobody's business.
        assert!(!taken.body.to_string().contains(&member), "{}", taken.body);
        assert_eq!(taken.refused(409), "order_claimed");
        let chinese = shop.post_in("zh-CN", "/v1/orders/claims", claiming(&order, &member)).await;
        assert_eq!(chinese.body["title"], "订单积分已被补登");

        let back = shop.buy(coffees()).await;
        shop.refund(id(&back), json!([[0, "1"]])).await.ok();
        let refused = claim(&shop, &back, &member).await;
        assert!(refused.body["remedy"].as_str().unwrap().contains("adjustment"), "{}", refused.body);
        assert_eq!(refused.refused(409), "order_refunded");
        assert_eq!(shop.balances(&member).await["points"], 240);
        shop.verify().await;
    }

    // Thirty days after Monday, 2 March, is 1 April.
    async fn a_claim_is_taken_through_the_last_day_the_chain_allows(shop) {
        shop.bind("points-standard", points()).await;
        let member = shop.member().await;
        let (first, second, third) = (shop.buy(coffees()).await, shop.buy(coffees()).await, shop.buy(coffees()).await);
        shop.later(30 * DAY);
        claim(&shop, &first, &member).await.ok();
        shop.later(DAY);
        let late = claim(&shop, &second, &member).await;
        assert!(late.body["detail"].as_str().unwrap().contains("2026-04-01"), "{}", late.body);
        assert_eq!(late.refused(409), "claim_too_late");
        shop.settings(json!({ "claim_days": 60 })).await;
        claim(&shop, &second, &member).await.ok();
        shop.settings(json!({ "claim_days": 0 })).await;
        assert_eq!(claim(&shop, &third, &member).await.refused(409), "claim_too_late");
        shop.verify().await;
    }
}
