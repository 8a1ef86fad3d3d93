//! Programs that end while a customer stands at the till, and budgets that many tills spend at once.

use axum::http::Method;
use futures_util::future::join_all;
use serde_json::{Value, json};
use tessera_tests::on_each_database;
use tessera_tests::shop::Shop;

use crate::checkout::{friends, points};

fn tenth_off() -> Value {
    json!({ "discount": { "percent": { "rate": "10%" } } })
}

fn coffee() -> Value {
    json!({ "lines": [{ "product": "coffee" }], "tenders": [{ "kind": "cash" }] })
}

fn id(made: &Value) -> &str {
    made["id"].as_str().expect("an id")
}

async fn end(shop: &Shop, binding: &str) {
    let path = format!("/v1/bindings/{binding}");
    let answer = shop
        .send(Method::DELETE, &path, &shop.admin, None, None)
        .await;
    assert!(answer.status.is_success(), "{}", answer.body);
}

on_each_database! {
    // 20.00 less a tenth. The customer was told 18.00 and pays 18.00; the next one pays 20.00.
    async fn a_quote_keeps_a_promotion_that_ends_before_its_commit(shop) {
        let binding = shop.bind("promo-standard", tenth_off()).await;
        let quote = shop.quote(coffee()).await;
        shop.later(1);
        end(&shop, &binding).await;
        shop.later(800);
        let order = shop.commit(id(&quote)).await.ok();
        assert_eq!(order["totals"], quote["totals"]);
        assert_eq!(order["totals"]["total"], 1_800);
        assert_eq!(shop.quote(coffee()).await["totals"]["total"], 2_000);
        shop.verify().await;
    }

    async fn another_host_keeps_it_too(shop) {
        let binding = shop.bind("promo-standard", tenth_off()).await;
        let Some(other) = shop.second_host().await else { return };
        let quote = shop.quote(coffee()).await;
        shop.later(1);
        end(&shop, &binding).await;
        other.set_clock(shop.host.clock.now());
        other.host.refresh().await.expect("the other host reads the change");
        let again = json!({ "quote": {
            "request": coffee(), "quoted_at": quote["quoted_at"], "digest": quote["digest"],
        } });
        let path = format!("/v1/quotes/{}/commit", id(&quote));
        let order = other.post(&path, &other.till, again).await.ok();
        assert_eq!(order["totals"]["total"], 1_800);
        shop.verify().await;
    }

    // The quote lives 900 seconds. Points stay, the promotion ended: the till learns both why and what is different.
    async fn a_quote_that_expired_names_the_promotions_that_ended_meanwhile(shop) {
        shop.bind("points-standard", points()).await;
        let binding = shop.bind_with("promo-standard", tenth_off(), json!({ "name": "Spring" })).await;
        let until_today = json!({ "schedule": { "until": "2026-03-02" } });
        let today = shop.bind_with("promo-standard", tenth_off(), until_today).await;
        let member = shop.member().await;
        let mut basket = coffee();
        basket["member"] = json!({ "id": member });
        let quote = shop.quote(basket.clone()).await;
        end(&shop, &binding).await;
        shop.later(901);
        let stale = shop.commit(id(&quote)).await;
        let changes = stale.body["changes"].clone();
        assert_eq!(stale.refused(409), "quote_stale");
        assert_eq!((&changes[0]["what"], changes.as_array().map(Vec::len)), (&json!("expired"), Some(2)));
        assert_eq!(changes[1], json!({ "what": "campaign_ended", "binding": binding, "name": "Spring" }));

        // The other one has its last day today; tomorrow a quote of today names it, and so does its hold.
        let quote = shop.quote(basket).await;
        shop.later(86_400);
        for path in ["commit", "hold"] {
            let stale = shop.post(&format!("/v1/quotes/{}/{path}", id(&quote)), &shop.till, json!({})).await;
            assert_eq!(stale.body["changes"][1]["binding"], today.as_str(), "{path}");
            assert_eq!(stale.refused(409), "quote_stale");
        }
        shop.verify().await;
    }

    // Each referral pays 200 + 300. Of 8 at once two fit into 1200; the next is paid the 200 that are left.
    async fn a_budget_of_points_holds_for_referrals_at_many_tills(shop) {
        let limit = json!({
            "name": "budget", "scope": "chain", "period": "lifetime", "counts": "points", "limit": 1_200,
        });
        let config = json!({ "referee_points": 200, "referrer_points": 300 });
        shop.bind_with("referral-standard", config, json!({ "limits": [limit] })).await;
        let mut quotes = Vec::new();
        for _ in 0..8 {
            let (_, newcomer) = friends(&shop).await;
            let mut basket = coffee();
            basket["member"] = json!({ "id": newcomer });
            quotes.push(shop.quote(basket).await);
        }
        let answers = join_all(quotes.iter().map(|quote| shop.commit(id(quote)))).await;
        let sold = answers.iter().filter(|answer| answer.status.is_success()).count();
        assert_eq!(sold, 2);
        let (referrer, newcomer) = friends(&shop).await;
        let mut basket = coffee();
        basket["member"] = json!({ "id": newcomer });
        let order = shop.buy(basket).await;
        assert_eq!(order["rewards"].as_array().map(Vec::len), Some(1));
        assert_eq!(shop.balances(&newcomer).await["points"], 200);
        assert!(shop.balances(&referrer).await.is_empty());
        shop.verify().await;
    }
}
