//! Family wallets: one pays, others spend, each within his limits.

use axum::http::Method;
use futures_util::future::join_all;
use serde_json::{Value, json};
use tessera_tests::on_each_database;
use tessera_tests::shop::{Answer, Shop};

async fn let_spend(shop: &Shop, owner: &str, member: &str, terms: Value) -> Answer {
    let path = format!("/v1/members/{owner}/wallet-shares/{member}");
    shop.send(Method::PUT, &path, &shop.admin, None, Some(terms))
        .await
}

async fn end(shop: &Shop, owner: &str, member: &str) -> Answer {
    let path = format!("/v1/members/{owner}/wallet-shares/{member}");
    shop.send(Method::DELETE, &path, &shop.admin, None, None)
        .await
}

/// A basket of teas at 12.00 paid from another's wallet.
fn teas(buyer: &str, owner: &str, quantity: &str) -> Value {
    json!({
        "member": { "id": buyer }, "lines": [{ "product": "tea", "quantity": quantity }],
        "tenders": [{ "kind": "stored-value", "of": { "id": owner } }],
    })
}

async fn buys(shop: &Shop, basket: Value) -> Answer {
    let quote = shop.post("/v1/quotes", &shop.till, basket).await;
    match quote.body["id"].as_str() {
        Some(id) if quote.status == 201 => shop.commit(id).await,
        _ => quote,
    }
}

on_each_database! {
    async fn a_family_spends_one_wallet_within_each_ones_limits(shop) {
        let (mother, son, aunt) = (shop.member().await, shop.member().await, shop.member().await);
        shop.top_up(&mother, 10_000, 0).await;
        shop.top_up(&son, 500, 0).await;
        assert_eq!(buys(&shop, teas(&son, &mother, "1")).await.refused(409), "no_wallet_share");
        let terms = json!({ "most_per_day": 3_000, "most_per_month": 4_000, "until": "2026-03-31" });
        let given = let_spend(&shop, &mother, &son, terms).await.ok();
        assert_eq!((&given["owner"], &given["most_per_day"], &given["until"]), (&json!(mother), &json!(3_000), &json!("2026-03-31")));
        let order = buys(&shop, teas(&son, &mother, "2")).await.ok();
        let wallets = (shop.balances(&mother).await, shop.balances(&son).await);
        assert_eq!((wallets.0.values().sum::<i64>(), wallets.1["principal"]), (7_600, 500));
        // 24.00 of 30.00 are spent: a coffee would be too much, for the day and not for the wallet.
        let mut coffee = teas(&son, &mother, "1");
        coffee["lines"][0]["product"] = json!("coffee");
        let refused = buys(&shop, coffee.clone()).await;
        assert_eq!(refused.body["detail"].as_str().map(|detail| detail.contains("600")), Some(true), "{}", refused.body);
        assert_eq!(refused.refused(409), "wallet_share_spent");
        // What comes back goes to the mother, and her son may spend it again.
        let one = order["id"].as_str().expect("an id");
        shop.refund(one, json!([[0, "1"]])).await.ok();
        assert_eq!(shop.balances(&son).await["principal"], 500);
        shop.refund(one, Value::Null).await.ok();
        let mother_now = shop.balances(&mother).await;
        assert_eq!(mother_now["principal"], 10_000);
        // Of 16 at once the day's limit allows two teas; a quote that is held has its part.
        let tries = join_all((0..16).map(|_| buys(&shop, teas(&son, &mother, "1")))).await;
        assert_eq!(tries.iter().filter(|answer| answer.status == 201).count(), 2);
        shop.later(86_400);
        let quote = shop.quote(teas(&son, &mother, "1")).await;
        let held = quote["id"].as_str().expect("an id");
        shop.post(&format!("/v1/quotes/{held}/hold"), &shop.till, json!({})).await.ok();
        assert_eq!(buys(&shop, teas(&son, &mother, "1")).await.refused(409), "wallet_share_spent", "the month's 40.00 are gone");
        shop.commit(held).await.ok();
        // Another month, another limit; then the leave is over.
        shop.later(29 * 86_400);
        assert_eq!(buys(&shop, teas(&son, &mother, "1")).await.refused(409), "no_wallet_share");
        let_spend(&shop, &mother, &son, json!({})).await.ok();
        buys(&shop, teas(&son, &mother, "3")).await.ok();
        // A limit that is set later counts what was spent before it.
        let_spend(&shop, &mother, &son, json!({ "most_per_day": 4_000 })).await.ok();
        assert_eq!(buys(&shop, teas(&son, &mother, "1")).await.refused(409), "wallet_share_spent");
        let shared = shop.get(&format!("/v1/members/{son}/wallet-shares"), &shop.till).await.ok();
        assert_eq!((&shared["taken"][0]["owner"], &shared["given"]), (&json!(mother), &json!([])));
        // Nobody else's: not the aunt's purchase, not nobody's, not a card's.
        assert_eq!(buys(&shop, teas(&aunt, &mother, "1")).await.refused(409), "no_wallet_share");
        let mut nobody = teas(&son, &mother, "1");
        nobody.as_object_mut().expect("a basket").remove("member");
        assert_eq!(buys(&shop, nobody).await.refused(409), "no_wallet_share");
        let mut card = teas(&son, &mother, "1");
        card["tenders"][0]["kind"] = json!("card");
        assert_eq!(buys(&shop, card).await.pointers(), ["/tenders/0/of"]);
        assert_eq!(end(&shop, &mother, &son).await.status, 204);
        assert_eq!(end(&shop, &mother, &son).await.refused(409), "no_wallet_share");
        assert_eq!(buys(&shop, teas(&son, &mother, "1")).await.refused(409), "no_wallet_share");
        shop.verify().await;
    }

    async fn a_wallet_is_shared_by_whoever_may_with_twenty_others_at_most(shop) {
        let owner = shop.member().await;
        assert_eq!(let_spend(&shop, &owner, &owner, json!({})).await.refused(422), "invalid_fields");
        assert_eq!(let_spend(&shop, &owner, "nobody", json!({})).await.refused(404), "member_unknown");
        let other = shop.member().await;
        for (terms, pointer) in [
            (json!({ "most_per_day": 0 }), "/most_per_day"),
            (json!({ "most_per_month": -1 }), "/most_per_month"),
            (json!({ "until": "soon" }), "/until"),
        ] {
            assert_eq!(let_spend(&shop, &owner, &other, terms).await.pointers(), [pointer]);
        }
        let path = format!("/v1/members/{owner}/wallet-shares/{other}");
        let till = shop.send(Method::PUT, &path, &shop.till, None, Some(json!({}))).await;
        assert_eq!(till.refused(403), "forbidden");
        let others = join_all((0..24).map(|_| shop.member())).await;
        let tries = join_all(others.iter().map(|other| let_spend(&shop, &owner, other, json!({})))).await;
        assert_eq!(tries.iter().filter(|answer| answer.status == 200).count(), 20);
        // A frozen wallet is frozen for all.
        let (_, friend) = tries.iter().zip(&others).find(|(answer, _)| answer.status == 200).expect("twenty");
        shop.top_up(&owner, 5_000, 0).await;
        let freeze = json!({ "what": "stored-value", "reason": "a dispute" });
        shop.post(&format!("/v1/members/{owner}/freeze"), &shop.supervisor, freeze).await.ok();
        assert_eq!(buys(&shop, teas(friend, &owner, "1")).await.refused(409), "value_frozen");
        shop.verify().await;
    }
}
