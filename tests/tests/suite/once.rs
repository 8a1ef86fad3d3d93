//! Everything happens once, however often and from wherever it is asked for.

use futures_util::future::join_all;
use serde_json::{Value, json};
use tessera_tests::on_each_database;
use tessera_tests::shop::Answer;

fn coffee() -> Value {
    json!({ "lines": [{ "product": "coffee" }], "tenders": [{ "kind": "cash" }] })
}

fn commit_path(quote: &Value) -> String {
    format!(
        "/v1/quotes/{}/commit",
        quote["id"].as_str().expect("a quote has an id")
    )
}

/// What a stale quote says has changed.
fn changes(answer: Answer) -> Vec<String> {
    let changes = answer.body["changes"].clone();
    assert_eq!(answer.refused(409), "quote_stale");
    let what = |change: &Value| {
        change["what"]
            .as_str()
            .expect("a change has a name")
            .to_owned()
    };
    changes
        .as_array()
        .expect("a list")
        .iter()
        .map(what)
        .collect()
}

on_each_database! {
    async fn the_same_key_and_body_give_the_same_order_and_say_that_it_is_replayed(shop) {
        let quote = shop.quote(coffee()).await;
        let first = shop.post_as(&commit_path(&quote), &shop.till, "bill-1", json!({})).await;
        // Another spelling of the same body is the same request.
        let again = shop.post_as(&commit_path(&quote), &shop.till, "bill-1", json!({ })).await;
        assert!(!first.is_replayed());
        assert!(again.is_replayed());
        assert_eq!(first.ok(), again.ok());
        assert_eq!(shop.orders().await, 1);
        shop.verify().await;
    }

    async fn the_same_key_with_another_body_is_refused_and_does_nothing(shop) {
        let quote = shop.quote(json!({ "lines": [{ "product": "coffee" }] })).await;
        let cash = |amount: i64| json!({ "tenders": [{ "kind": "cash", "amount": amount }] });
        shop.post_as(&commit_path(&quote), &shop.till, "bill-2", cash(2_000)).await.ok();
        let other = shop.post_as(&commit_path(&quote), &shop.till, "bill-2", cash(5_000)).await;
        assert_eq!(other.refused(422), "idempotency_key_reused");
        let another = shop.quote(coffee()).await;
        let other = shop.post_as(&commit_path(&another), &shop.till, "bill-2", json!({})).await;
        assert_eq!(other.refused(422), "idempotency_key_reused");
        assert_eq!(shop.orders().await, 1);
        shop.verify().await;
    }

    async fn a_commit_without_a_key_is_refused(shop) {
        let quote = shop.quote(coffee()).await;
        let bare = shop.send(axum::http::Method::POST, &commit_path(&quote), &shop.till, None, Some(json!({}))).await;
        assert_eq!(bare.refused(400), "idempotency_key_missing");
        let blank = shop.post_as(&commit_path(&quote), &shop.till, "two words", json!({})).await;
        assert_eq!(blank.refused(400), "idempotency_key_invalid");
        assert_eq!(shop.orders().await, 0);
        shop.verify().await;
    }

    // Two quotes want the same 500 points: the second is refused under its key, and stays refused although the
    // member gets enough points afterwards.
    async fn a_key_that_was_refused_stays_refused(shop) {
        let member = shop.member().await;
        shop.give_points(&member, 500).await;
        let basket = json!({
            "member": { "id": member }, "lines": [{ "product": "coffee" }],
            "tenders": [{ "kind": "points", "points": 500 }, { "kind": "cash" }],
        });
        let (first, second) = (shop.quote(basket.clone()).await, shop.quote(basket).await);
        shop.commit(first["id"].as_str().unwrap()).await.ok();
        let path = commit_path(&second);
        assert_eq!(changes(shop.post_as(&path, &shop.till, "bill-3", json!({})).await), ["balance_short"]);
        shop.give_points(&member, 500).await;
        assert_eq!(changes(shop.post_as(&path, &shop.till, "bill-3", json!({})).await), ["balance_short"]);
        let outcome = shop.get("/v1/operations/bill-3", &shop.till).await.ok();
        assert_eq!(outcome["outcome"], "refused");
        // Another key is another try.
        shop.post_as(&path, &shop.till, "bill-3b", json!({})).await.ok();
        shop.verify().await;
    }

    async fn the_outcome_of_any_key_can_be_looked_up(shop) {
        let quote = shop.quote(coffee()).await;
        let unknown = shop.get("/v1/operations/bill-4", &shop.till).await;
        assert_eq!(unknown.refused(404), "operation_unknown");
        let order = shop.post_as(&commit_path(&quote), &shop.till, "bill-4", json!({})).await.ok();
        let outcome = shop.get("/v1/operations/bill-4", &shop.till).await.ok();
        assert_eq!(outcome["outcome"], "done");
        assert_eq!(outcome["subject"], json!({ "kind": "order", "id": order["id"] }));
        shop.verify().await;
    }

    async fn a_quote_committed_under_another_key_names_the_order_it_became(shop) {
        let quote = shop.quote(coffee()).await;
        let order = shop.commit(quote["id"].as_str().unwrap()).await.ok();
        let again = shop.commit(quote["id"].as_str().unwrap()).await;
        assert_eq!(again.body["order"], order["id"]);
        assert_eq!(again.refused(409), "quote_committed");
        shop.verify().await;
    }

    async fn of_64_commits_of_one_quote_at_once_exactly_one_becomes_an_order(shop) {
        let quote = shop.quote(coffee()).await;
        let id = quote["id"].as_str().unwrap();
        let answers = join_all((0..64).map(|_| shop.commit(id))).await;
        let done = answers.iter().filter(|answer| answer.status.is_success()).count();
        assert_eq!(done, 1);
        for answer in answers.into_iter().filter(|answer| !answer.status.is_success()) {
            assert_eq!(answer.refused(409), "quote_committed");
        }
        assert_eq!(shop.orders().await, 1);
        shop.verify().await;
    }

    async fn of_64_commits_under_one_key_at_once_all_that_answer_name_one_order(shop) {
        let quote = shop.quote(coffee()).await;
        let path = commit_path(&quote);
        let one = || shop.post_as(&path, &shop.till, "bill-5", json!({}));
        let answers = join_all((0..64).map(|_| one())).await;
        let orders: std::collections::BTreeSet<String> = answers.into_iter()
            // 409 operation_in_progress asks to come again.
            .filter(|answer| answer.status.is_success())
            .map(|answer| answer.ok()["id"].as_str().unwrap().to_owned()).collect();
        assert_eq!(orders.len(), 1);
        assert_eq!(shop.orders().await, 1);
        shop.verify().await;
    }

    // A wallet of 200.00 pays for ten coffees at 20.00, whatever 64 tills try.
    async fn of_64_commits_on_one_wallet_exactly_those_it_can_pay_succeed(shop) {
        let member = shop.member().await;
        shop.top_up(&member, 20_000, 0).await;
        let basket = json!({
            "member": { "id": member }, "lines": [{ "product": "coffee" }],
            "tenders": [{ "kind": "stored-value", "amount": 2_000 }],
        });
        let quotes = join_all((0..64).map(|_| shop.quote(basket.clone()))).await;
        let answers = join_all(quotes.iter().map(|quote| shop.commit(quote["id"].as_str().unwrap()))).await;
        let done = answers.iter().filter(|answer| answer.status.is_success()).count();
        assert_eq!(done, 10);
        for answer in answers.into_iter().filter(|answer| !answer.status.is_success()) {
            assert_eq!(changes(answer), ["balance_short"]);
        }
        assert!(shop.balances(&member).await.is_empty());
        shop.verify().await;
    }

    async fn a_coupon_used_elsewhere_makes_a_quote_stale(shop) {
        let code = json!({ "discount": { "amount": { "off": 500 } }, "trigger": "code" });
        let binding = shop.bind_with("promo-standard", code, json!({ "stage": "coupons" })).await;
        shop.coupon(&binding, "ONCE5").await;
        let basket = json!({
            "lines": [{ "product": "coffee" }], "codes": ["ONCE5"], "tenders": [{ "kind": "cash" }],
        });
        let (first, second) = (shop.quote(basket.clone()).await, shop.quote(basket).await);
        assert_eq!(first["totals"]["total"], 1_500);
        assert_eq!(first["codes"][0]["used"], true);
        shop.commit(first["id"].as_str().unwrap()).await.ok();
        assert_eq!(changes(shop.commit(second["id"].as_str().unwrap()).await), ["coupon_unusable"]);
        shop.verify().await;
    }

    // The campaign's limit of one use per chain is reached between quote and commit.
    async fn a_limit_reached_elsewhere_makes_a_quote_stale(shop) {
        let off = json!({ "discount": { "amount": { "off": 500 } } });
        let limit = json!({ "name": "first", "scope": "chain", "period": "lifetime", "counts": "uses", "limit": 1 });
        shop.bind_with("promo-standard", off, json!({ "limits": [limit] })).await;
        let (first, second) = (shop.quote(coffee()).await, shop.quote(coffee()).await);
        assert_eq!(second["totals"]["total"], 1_500);
        shop.commit(first["id"].as_str().unwrap()).await.ok();
        assert_eq!(changes(shop.commit(second["id"].as_str().unwrap()).await), ["limit_reached"]);
        assert_eq!(shop.quote(coffee()).await["totals"]["total"], 2_000);
        shop.verify().await;
    }

    // A quote lives 900 seconds and through the last of them.
    async fn an_expired_quote_is_stale(shop) {
        let (early, late) = (shop.quote(coffee()).await, shop.quote(coffee()).await);
        shop.later(900);
        shop.commit(early["id"].as_str().unwrap()).await.ok();
        shop.later(1);
        assert_eq!(changes(shop.commit(late["id"].as_str().unwrap()).await), ["expired"]);
        shop.verify().await;
    }

    async fn a_quote_nobody_knows_is_told_as_retryable(shop) {
        let answer = shop.commit(&uuid::Uuid::now_v7().to_string()).await;
        assert_eq!(answer.body["retryable"], true);
        assert_eq!(answer.refused(404), "quote_unknown");
        shop.verify().await;
    }

    // The second host prices the request again, finds the same and commits it; the first then knows it is done.
    async fn a_quote_is_committed_by_another_host_that_prices_it_again(shop) {
        let Some(other) = shop.second_host().await else { return };
        let request = coffee();
        let quote = shop.quote(request.clone()).await;
        let path = commit_path(&quote);
        assert_eq!(other.post(&path, &shop.till, json!({})).await.refused(404), "quote_unknown");
        let again = |digest: &Value| json!({
            "quote": { "request": request, "quoted_at": quote["quoted_at"], "digest": digest },
        });
        let wrong = other.post(&path, &shop.till, again(&json!("00"))).await;
        assert_eq!(changes(wrong), ["priced_differently"]);
        let order = other.post(&path, &shop.till, again(&quote["digest"])).await.ok();
        assert_eq!(order["totals"]["total"], 2_000);
        let here = shop.commit(quote["id"].as_str().unwrap()).await;
        assert_eq!(here.body["order"], order["id"]);
        assert_eq!(here.refused(409), "quote_committed");
        shop.verify().await;
    }

    async fn a_host_without_the_key_of_the_chain_does_not_open(shop) {
        shop.member_with(json!({ "person": { "name": "Li" } })).await;
        let Some(said) = shop.host_with_another_key().await else { return };
        assert!(said.contains("copy `master.key`"), "{said}");
    }

    // One wallet of 200.00, two hosts, 32 commits at each: ten succeed over both.
    async fn two_hosts_together_spend_one_wallet_no_further_than_it_goes(shop) {
        let Some(other) = shop.second_host().await else { return };
        let member = shop.member().await;
        shop.top_up(&member, 20_000, 0).await;
        let basket = json!({
            "member": { "id": member }, "lines": [{ "product": "coffee" }],
            "tenders": [{ "kind": "stored-value", "amount": 2_000 }],
        });
        let mut quotes = Vec::new();
        for _ in 0..32 {
            quotes.push((&shop, shop.quote(basket.clone()).await));
            quotes.push((&other, other.quote(basket.clone()).await));
        }
        let commits = quotes.iter().map(|(host, quote)| host.commit(quote["id"].as_str().unwrap()));
        let answers = join_all(commits).await;
        let done = answers.iter().filter(|answer| answer.status.is_success()).count();
        assert_eq!(done, 10, "{:?}", answers.iter().map(|answer| &answer.body["code"]).collect::<Vec<_>>());
        assert!(shop.balances(&member).await.is_empty());
        shop.verify().await;
    }
}
