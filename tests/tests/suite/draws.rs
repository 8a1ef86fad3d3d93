//! Prize draws: numbers bought with points, prizes while there are any, and a seed with which anybody checks them.

use futures_util::future::join_all;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tessera_tests::on_each_database;
use tessera_tests::shop::{Answer, Shop};

async fn open(shop: &Shop, id: &str, prizes: Value, more: Value) -> Answer {
    let mut body = json!({ "id": id, "name": "Spring", "points": 10, "prizes": prizes });
    for (key, value) in more.as_object().expect("fields") {
        body[key] = value.clone();
    }
    shop.post("/v1/prize-draws", &shop.admin, body).await
}

async fn draw(shop: &Shop, member: &str, id: &str) -> Answer {
    let body = json!({ "store": "east", "draw": id });
    shop.post(&format!("/v1/members/{member}/prizes"), &shop.till, body)
        .await
}

async fn close(shop: &Shop, id: &str) -> Answer {
    shop.post(
        &format!("/v1/prize-draws/{id}/close"),
        &shop.admin,
        json!({}),
    )
    .await
}

async fn outcomes(shop: &Shop, id: &str) -> Vec<Value> {
    let page = shop
        .get(
            &format!("/v1/prize-draws/{id}/outcomes?limit=200"),
            &shop.till,
        )
        .await
        .ok();
    page["items"].as_array().expect("a list").clone()
}

async fn check(shop: &Shop, id: &str) -> Value {
    shop.get(&format!("/v1/prize-draws/{id}/check"), &shop.till)
        .await
        .ok()
}

async fn points(shop: &Shop, member: &str) -> i64 {
    let balances = shop.balances(member).await;
    balances.get("points").copied().unwrap_or(0)
}

/// HMAC-SHA256 as RFC 2104 writes it down, for a key of at most 64 bytes.
fn hmac(key: &[u8], text: &[u8]) -> [u8; 32] {
    let padded = |pad: u8| {
        let mut block = [pad; 64];
        block
            .iter_mut()
            .zip(key)
            .for_each(|(byte, key)| *byte ^= key);
        block
    };
    let inner = Sha256::new()
        .chain_update(padded(0x36))
        .chain_update(text)
        .finalize();
    Sha256::new()
        .chain_update(padded(0x5c))
        .chain_update(inner)
        .finalize()
        .into()
}

/// What a number wins, worked out from nothing but what the draw tells.
fn wins(seed: &[u8], number: i64, weights: &[u64], blanks: u64) -> Option<usize> {
    let code = hmac(seed, number.to_string().as_bytes());
    let first = u64::from_be_bytes(code[..8].try_into().expect("eight bytes"));
    let total: u64 = weights.iter().sum::<u64>() + blanks;
    let mut ticket = (u128::from(first) * u128::from(total)) >> 64;
    for (position, weight) in weights.iter().enumerate() {
        if ticket < u128::from(*weight) {
            return Some(position);
        }
        ticket -= u128::from(*weight);
    }
    None
}

on_each_database! {
    async fn of_64_numbers_at_once_each_prize_is_won_as_often_as_there_are_pieces_and_anybody_checks_it(shop) {
        let code = json!({ "discount": { "amount": { "off": 500 } }, "trigger": "code" });
        let binding = shop.bind_with("promo-standard", code, json!({ "stage": "coupons" })).await;
        let prizes = json!([
            { "name": "A mug", "gives": { "goods": { "product": "tea" } }, "weight": 40, "stock": 3 },
            { "name": "Three yuan", "gives": { "bonus": { "amount": 300 } }, "weight": 30, "stock": 5 },
            { "name": "Five off", "gives": { "coupon": { "binding": binding, "days": 7 } }, "weight": 10 },
        ]);
        let opened = open(&shop, "spring", prizes, json!({ "blanks": 20 })).await.ok();
        assert!(opened["seed"].is_null());
        let hash = opened["seed_hash"].as_str().expect("a hash").to_owned();
        let members = [shop.member().await, shop.member().await];
        for member in &members {
            shop.give_points(member, 400).await;
        }
        let answers = join_all((0..64).map(|at| draw(&shop, &members[at % 2], "spring"))).await;
        assert!(answers.iter().all(|answer| answer.status == 201), "{:?}", answers.iter().map(|a| &a.body).collect::<Vec<_>>());
        assert_eq!(points(&shop, &members[0]).await + points(&shop, &members[1]).await, 800 - 640);
        let told = outcomes(&shop, "spring").await;
        let numbers: Vec<_> = told.iter().map(|outcome| outcome["number"].as_i64()).collect();
        assert_eq!(numbers, (1..=64).map(Some).collect::<Vec<_>>());
        let of = |prize: i64| told.iter().filter(|outcome| outcome["prize"] == json!(prize)).count();
        assert!(of(0) <= 3 && of(1) <= 5);
        assert_eq!(shop.system("bonus-issued", "CNY").await, -300 * i64::try_from(of(1)).expect("a few"));
        let codes = told.iter().filter(|outcome| outcome["prize"] == json!(2)).all(|won| won["codes"].as_array().map(Vec::len) == Some(1));
        assert!(codes);
        assert_eq!(check(&shop, "spring").await, json!({ "outcomes": 64, "differing": [] }));
        let closed = close(&shop, "spring").await.ok();
        let seed = hex::decode(closed["seed"].as_str().expect("the seed")).expect("hex");
        assert_eq!(hex::encode(Sha256::digest(&seed)), hash, "it is the seed that was promised");
        let (mut left, weights) = ([3, 5, usize::MAX], [40, 30, 10]);
        for outcome in &told {
            let number = outcome["number"].as_i64().expect("a number");
            let won = wins(&seed, number, &weights, 20).filter(|prize| left[*prize] > 0);
            if let Some(prize) = won {
                left[prize] -= 1;
            }
            assert_eq!(outcome["prize"].as_u64(), won.map(|prize| prize as u64), "number {number}");
        }
        assert_eq!(draw(&shop, &members[0], "spring").await.refused(409), "draw_closed");
        assert_eq!(close(&shop, "spring").await.refused(409), "draw_closed");
        assert_eq!(outcomes(&shop, "spring").await.len(), 64);
        shop.verify().await;
    }

    async fn a_number_costs_its_points_once_and_a_retry_wins_the_same(shop) {
        let prizes = json!([{ "name": "A cent", "gives": { "bonus": { "amount": 1 } }, "weight": 1 }]);
        let opened = json!({ "id": "cent", "name": "Spring", "points": 10, "prizes": prizes, "per_member": 3 });
        shop.post_as("/v1/prize-draws", &shop.admin, "open-1", opened.clone()).await.ok();
        assert!(shop.post_as("/v1/prize-draws", &shop.admin, "open-1", opened.clone()).await.is_replayed());
        assert_eq!(shop.post("/v1/prize-draws", &shop.admin, opened).await.refused(409), "duplicate");
        let member = shop.member().await;
        shop.give_points(&member, 25).await;
        let path = format!("/v1/members/{member}/prizes");
        let body = json!({ "draw": "cent" });
        let first = shop.post_as(&path, &shop.till, "draw-1", body.clone()).await.ok();
        let again = shop.post_as(&path, &shop.till, "draw-1", body.clone()).await;
        assert!(again.is_replayed());
        assert_eq!(again.ok(), first);
        assert_eq!((first["number"].clone(), first["prize"].clone()), (json!(1), json!(0)));
        draw(&shop, &member, "cent").await.ok();
        assert_eq!(draw(&shop, &member, "cent").await.refused(409), "balance_short");
        shop.give_points(&member, 100).await;
        draw(&shop, &member, "cent").await.ok();
        assert_eq!(draw(&shop, &member, "cent").await.refused(409), "limit_reached");
        assert_eq!((points(&shop, &member).await, shop.balances(&member).await["bonus"]), (95, 3));
        // What was refused took no number.
        assert_eq!(outcomes(&shop, "cent").await.len(), 3);
        let entries = shop.get(&format!("/v1/members/{member}/entries"), &shop.admin).await.ok();
        let entry = entries["items"].as_array().expect("a list").iter().find(|entry| entry["kind"] == "prize");
        let entry = entry.expect("a prize")["id"].as_str().expect("an id").to_owned();
        let undo = shop.post(&format!("/v1/members/{member}/entries/{entry}/reversal"), &shop.supervisor, json!({ "reason": "x" })).await;
        assert_eq!(undo.refused(409), "not_reversible");
        assert_eq!(draw(&shop, &member, "nothing").await.refused(404), "draw_unknown");
        assert_eq!(shop.post(&path, &shop.west_till, json!({ "draw": "cent", "store": "east" })).await.refused(403), "other_store");
        assert_eq!(close(&shop, "nothing").await.refused(404), "draw_unknown");
        shop.verify().await;
    }

    async fn two_hosts_draw_from_one_row_of_numbers(shop) {
        let Some(other) = shop.second_host().await else { return };
        let prizes = json!([{ "name": "A cent", "gives": { "bonus": { "amount": 1 } }, "weight": 1, "stock": 4 }]);
        open(&shop, "cent", prizes, json!({ "blanks": 1, "points": 0 })).await.ok();
        let member = shop.member().await;
        let answers = join_all((0..16).map(|at| draw(if at % 2 == 0 { &shop } else { &other }, &member, "cent"))).await;
        assert!(answers.iter().all(|answer| answer.status == 201), "{:?}", answers.iter().map(|a| &a.body).collect::<Vec<_>>());
        let numbers: Vec<_> = outcomes(&other, "cent").await.iter().map(|outcome| outcome["number"].as_i64()).collect();
        assert_eq!(numbers, (1..=16).map(Some).collect::<Vec<_>>());
        assert_eq!(check(&other, "cent").await, json!({ "outcomes": 16, "differing": [] }));
        shop.verify().await;
    }

    async fn a_draw_that_makes_no_sense_is_refused_with_its_place(shop) {
        let prize = |weight: i64, stock: i64, gives: Value| json!([{ "name": "x", "gives": gives, "weight": weight, "stock": stock }]);
        let cent = json!({ "bonus": { "amount": 1 } });
        for (prizes, more, pointer) in [
            (json!([]), json!({}), "/prizes"),
            (prize(0, 1, cent.clone()), json!({}), "/prizes/0/weight"),
            (prize(1_000_000_001, 1, cent.clone()), json!({}), "/prizes/0/weight"),
            (prize(1, -1, cent.clone()), json!({}), "/prizes/0/stock"),
            (prize(1, 1, json!({ "bonus": { "amount": 0 } })), json!({}), "/prizes/0/gives/bonus/amount"),
            (prize(1, 1, json!({ "bonus": { "amount": 1, "days": 0 } })), json!({}), "/prizes/0/gives/bonus/days"),
            (prize(1, 1, json!({ "goods": { "product": "gold" } })), json!({}), "/prizes/0/gives/goods/product"),
            (prize(1, 1, json!({ "coupon": { "binding": "none" } })), json!({}), "/prizes/0/gives/coupon/binding"),
            (prize(1, 1, cent.clone()), json!({ "points": -1 }), "/points"),
            (prize(1, 1, cent.clone()), json!({ "blanks": -1 }), "/blanks"),
            (prize(1, 1, cent.clone()), json!({ "per_member": 0 }), "/per_member"),
            (prize(1, 1, cent.clone()), json!({ "name": "" }), "/name"),
            (prize(1, 1, cent.clone()), json!({ "id": "a b" }), "/id"),
        ] {
            let answer = open(&shop, "x", prizes, more).await;
            assert_eq!((answer.status.as_u16(), answer.pointers()), (422, vec![pointer]), "{}", answer.body);
        }
        let body = json!({ "id": "x", "name": "x", "points": 1, "prizes": prize(1, 1, cent) });
        assert_eq!(shop.post("/v1/prize-draws", &shop.till, body).await.refused(403), "forbidden");
        shop.verify().await;
    }
}
