//! Members and what is known of them: enrolled whole, found, changed with a history, exported, erased.

use axum::http::Method;
use futures_util::future::join_all;
use serde_json::{Value, json};
use tessera_tests::on_each_database;
use tessera_tests::shop::{Answer, Shop};

fn whole() -> Value {
    json!({
        "name": "王芳", "phone": "+86 138-0000-0001", "email": "Fang.Wang@Example.com", "gender": "female",
        "birthday": { "month": 8, "day": 15, "calendar": "lunar" },
        "address": "南京东路 1 号", "occupation": "nurse", "interests": ["coffee", "running"],
        "consents": [
            { "channel": "sms", "given": true, "how": "form at the till" },
            { "channel": "wechat", "given": false, "how": "form at the till" },
        ],
    })
}

async fn enrol(shop: &Shop, person: Value) -> Answer {
    let body = json!({ "home_store": "east", "person": person });
    shop.post("/v1/members", &shop.till, body).await
}

async fn change(shop: &Shop, member: &str, body: Value) -> Answer {
    let path = format!("/v1/members/{member}");
    shop.send(Method::PUT, &path, &shop.admin, None, Some(body))
        .await
}

async fn erase(shop: &Shop, member: &str) -> Value {
    let path = format!("/v1/members/{member}/person");
    shop.send(Method::DELETE, &path, &shop.admin, None, None)
        .await
        .ok()
}

/// The history of a member: field, old and new.
async fn changes(shop: &Shop, member: &str) -> Vec<(String, Value, Value)> {
    let path = format!("/v1/members/{member}/changes");
    let page = shop.get(&path, &shop.supervisor).await.ok();
    let one = |change: &Value| {
        let field = change["field"].as_str().expect("a field").to_owned();
        (field, change["old"].clone(), change["new"].clone())
    };
    let items = page["items"].as_array().expect("a list");
    items.iter().map(one).collect()
}

fn id(member: &Value) -> &str {
    member["id"].as_str().expect("an id")
}

on_each_database! {
    async fn a_person_is_kept_whole_shown_masked_and_found_by_phone_and_e_mail(shop) {
        let staff = json!({ "id": "li", "name": "Li", "role": "cashier", "store": "east", "pin": "4711" });
        shop.post("/v1/staff", &shop.admin, staff).await.ok();
        let body = json!({ "home_store": "east", "person": whole() });
        let member = shop.post_on_duty("/v1/members", &shop.till, "li:4711", body).await.ok();
        // Whoever is on duty enrols him, and he is that person's customer.
        assert_eq!((&member["enrolled_by"], &member["adviser"]), (&json!("li"), &json!("li")));
        let masked = &member["person"];
        assert_eq!((&masked["phone"], &masked["gender"]), (&json!("**********0001"), &json!("female")));
        assert!(masked.get("address").is_none() && masked.get("birthday").is_none());
        assert_eq!(masked["consents"][0]["channel"], "sms");
        let path = format!("/v1/members/{}?unmask=true", id(&member));
        assert_eq!(shop.get(&path, &shop.till).await.refused(403), "forbidden");
        let full = shop.get(&path, &shop.supervisor).await.ok()["person"].clone();
        assert_eq!(full["birthday"], json!({ "month": 8, "day": 15, "calendar": "lunar" }));
        assert_eq!((&full["address"], &full["occupation"]), (&json!("南京东路 1 号"), &json!("nurse")));
        assert_eq!(full["interests"], json!(["coffee", "running"]));
        assert_eq!(full["consents"][1]["given"], false);
        for mark in ["email=fang.wang@example.COM", "phone=%2B8613800000001"] {
            let found = shop.get(&format!("/v1/members?{mark}"), &shop.till).await.ok();
            assert_eq!(found["items"][0]["id"], member["id"], "{mark}");
        }
        let nobody = shop.get("/v1/members?email=nobody@example.com", &shop.till).await.ok();
        assert_eq!(nobody["items"], json!([]));
        // Nobody is enrolled twice, and the till is told who it is.
        for (person, code) in [
            (json!({ "phone": "+8613800000001" }), "phone_taken"),
            (json!({ "email": "FANG.WANG@example.com" }), "email_taken"),
        ] {
            let refused = enrol(&shop, person).await;
            assert_eq!(refused.body["member"], member["id"]);
            assert_eq!(refused.refused(409), code);
        }
        let other = enrol(&shop, json!({ "email": "other@example.com" })).await.ok();
        let taken = change(&shop, id(&other), json!({ "person": { "email": "fang.wang@example.com" } })).await;
        assert_eq!(taken.refused(409), "email_taken");
        let interests: Vec<String> = (0..21).map(|number| format!("{number}")).collect();
        let twice = json!([
            { "channel": "sms", "given": true, "how": "x" }, { "channel": "sms", "given": false, "how": "x" },
        ]);
        for (wrong, pointer) in [
            (json!({ "gender": "unknown" }), "/person/gender"),
            (json!({ "email": "no address" }), "/person/email"),
            (json!({ "interests": interests }), "/person/interests"),
            (json!({ "consents": twice }), "/person/consents/1/channel"),
            (json!({ "consents": [{ "channel": "sms", "given": true }] }), "/person/consents/0/how"),
            (json!({ "birthday": { "month": 13, "day": 1, "calendar": "lunar" } }), "/person/birthday"),
            (json!({ "birthday": { "month": 2, "day": 30 } }), "/person/birthday"),
        ] {
            let refused = enrol(&shop, wrong).await;
            assert_eq!(refused.pointers(), [pointer]);
            assert_eq!(refused.refused(422), "invalid_fields");
        }
        let stranger = json!({ "home_store": "east", "adviser": "nobody" });
        assert_eq!(shop.post("/v1/members", &shop.till, stranger).await.refused(422), "staff_unknown");
    }

    async fn every_change_of_a_field_is_written_down_with_who_made_it(shop) {
        let member = enrol(&shop, whole()).await.ok();
        let member = id(&member).to_owned();
        assert!(changes(&shop, &member).await.is_empty());
        let path = format!("/v1/members/{member}?unmask=true");
        let agreed = shop.get(&path, &shop.supervisor).await.ok()["person"]["consents"].clone();
        shop.later(60);
        let mut person = whole();
        person["phone"] = json!("+8613900000002");
        person["consents"][1]["given"] = json!(true);
        let body = json!({ "person": person, "status": "blocked", "attributes": { "size": "XL" } });
        change(&shop, &member, body.clone()).await.ok();
        let history = changes(&shop, &member).await;
        let fields: Vec<&str> = history.iter().map(|(field, ..)| field.as_str()).collect();
        assert_eq!(fields, ["person.consents", "person.phone", "attributes.size", "status"]);
        assert_eq!((&history[1].1, &history[1].2), (&json!("+8613800000001"), &json!("+8613900000002")));
        assert_eq!((&history[2].1, &history[2].2), (&Value::Null, &json!("XL")));
        assert_eq!((&history[3].1, &history[3].2), (&json!("active"), &json!("blocked")));
        // A consent that says the same keeps its time; the other was given later.
        let now = shop.get(&path, &shop.supervisor).await.ok()["person"]["consents"].clone();
        assert_eq!(now[0], agreed[0]);
        assert_ne!(now[1]["at"], agreed[1]["at"]);
        // The same request again changes nothing.
        change(&shop, &member, body).await.ok();
        assert_eq!(changes(&shop, &member).await.len(), 4);
        let page = shop.get(&format!("/v1/members/{member}/changes?limit=3"), &shop.supervisor).await.ok();
        assert_eq!(page["items"][0]["by"], "operator");
        let next = format!("/v1/members/{member}/changes?cursor={}", page["next"].as_str().expect("a cursor"));
        assert_eq!(shop.get(&next, &shop.supervisor).await.ok()["items"][0]["field"], "status");
        let path = format!("/v1/members/{member}/changes");
        assert_eq!(shop.get(&path, &shop.till).await.refused(403), "forbidden");
        assert_eq!(shop.get("/v1/members/nobody/changes", &shop.supervisor).await.refused(404), "member_unknown");
        let unknown = change(&shop, "nobody", json!({ "status": "active" })).await;
        assert_eq!(unknown.refused(404), "member_unknown");
        let events = shop.events().await;
        assert_eq!(events.iter().filter(|kind| *kind == "member.changed").count(), 1);
    }

    async fn an_export_tells_everything_and_an_erasure_leaves_the_ledger(shop) {
        let member = enrol(&shop, whole()).await.ok();
        let member = id(&member).to_owned();
        shop.top_up(&member, 10_000, 0).await;
        shop.give_points(&member, 70).await;
        shop.buy(json!({ "member": { "id": member }, "lines": [{ "product": "coffee" }] })).await;
        change(&shop, &member, json!({ "attributes": { "size": "XL" }, "segments": ["vip"] })).await.ok();
        let path = format!("/v1/members/{member}/export");
        assert_eq!(shop.get(&path, &shop.till).await.refused(403), "forbidden");
        let export = shop.get(&path, &shop.supervisor).await.ok();
        assert_eq!(export["member"]["person"]["phone"], "+8613800000001");
        let count = |list: &str| export[list].as_array().map_or(0, Vec::len);
        assert_eq!((count("cards"), count("orders"), count("changes"), count("accounts")), (1, 1, 2, 2));
        assert!(count("entries") >= 2 && export["complete"] == true);
        let before = shop.wallet(&member).await;
        assert_eq!(erase(&shop, &member).await["erased"], true);
        assert_eq!(erase(&shop, &member).await["erased"], false);
        assert_eq!(shop.wallet(&member).await, before);
        let export = shop.get(&path, &shop.supervisor).await.ok();
        assert!(export["member"].get("person").is_none());
        assert_eq!((&export["member"]["attributes"], &export["member"]["segments"]), (&json!({}), &json!([])));
        assert_eq!(export["orders"].as_array().map(Vec::len), Some(1));
        // Who changed something and when stays, what it was is gone.
        let gone = export["changes"].as_array().expect("a list");
        assert!(gone.len() == 2 && gone.iter().all(|change| change.get("new").is_none()));
        assert!(!export.to_string().contains("XL"));
        // Phone and e-mail address are free again.
        enrol(&shop, whole()).await.ok();
        // Of somebody without a person what changes is still written down.
        change(&shop, &member, json!({ "status": "closed" })).await.ok();
        assert_eq!(changes(&shop, &member).await[2].2, "closed");
        let events = shop.events().await;
        for kind in ["person.exported", "person.erased"] {
            assert!(events.contains(&kind.to_owned()), "{kind}");
        }
        shop.verify().await;
    }

    async fn of_many_enrolments_with_one_e_mail_address_one_succeeds(shop) {
        let tries = join_all((0..32).map(|_| enrol(&shop, json!({ "email": "a@example.com" })))).await;
        assert_eq!(tries.iter().filter(|answer| answer.status == 201).count(), 1);
        let refused = tries.iter().filter(|answer| answer.status != 201);
        assert!(refused.clone().all(|answer| answer.body["code"] == "email_taken"));
    }

    // 2 March 2026 is the 14th of the first lunar month, a day before the Lantern Festival.
    async fn a_lunar_birthday_is_found_on_its_day_of_the_store(shop) {
        let gift = json!({ "events": [{ "on": "birthday", "points": 50 }] });
        shop.bind("points-standard", gift).await;
        let born = |day: u8| json!({ "birthday": { "month": 1, "day": day, "calendar": "lunar" } });
        let lantern = enrol(&shop, born(15)).await.ok();
        let later = enrol(&shop, born(16)).await.ok();
        shop.later(86_400);
        tessera::jobs::run_once(&shop.host).await.expect("jobs run");
        assert_eq!(shop.balances(id(&lantern)).await.get("points"), Some(&50));
        assert_eq!(shop.balances(id(&later)).await.get("points"), None);
        shop.verify().await;
    }

    async fn attributes_are_of_the_type_the_chain_defines_and_found_where_they_are_seen(shop) {
        let defined = json!([
            { "name": "size", "kind": "choice", "choices": ["S", "M", "L"], "required": true },
            { "name": "visits", "kind": "number" },
            { "name": "vip", "kind": "yes-no" },
            { "name": "since", "kind": "date" },
            { "name": "debt", "kind": "text", "stores": ["west"] },
        ]);
        shop.settings(json!({ "member_attributes": defined })).await;
        let enrol = |attributes: Value| {
            let shop = &shop;
            let body = json!({ "home_store": "east", "attributes": attributes });
            async move { shop.post("/v1/members", &shop.till, body).await }
        };
        for (wrong, pointer, code) in [
            (json!({}), "/attributes/size", "required"),
            (json!({ "size": "XL" }), "/attributes/size", "wrong_type"),
            (json!({ "size": "M", "visits": "3" }), "/attributes/visits", "wrong_type"),
            (json!({ "size": "M", "vip": 1 }), "/attributes/vip", "wrong_type"),
            (json!({ "size": "M", "since": "2026-02-29" }), "/attributes/since", "wrong_type"),
            (json!({ "size": "M", "shoe": "42" }), "/attributes/shoe", "unknown_field"),
            (json!({ "size": "M", "debt": "none" }), "/attributes/debt", "unknown_field"),
        ] {
            let refused = enrol(wrong).await;
            assert_eq!(refused.pointers(), [pointer]);
            assert_eq!(refused.body["errors"][0]["code"], code);
            assert_eq!(refused.refused(422), "invalid_fields");
        }
        let all = json!({ "size": "M", "visits": 3, "vip": true, "since": "2024-02-29" });
        let first = enrol(all).await.ok();
        let path = format!("/v1/members/{}", id(&first));
        let mut whole = first["attributes"].clone();
        whole["debt"] = json!("12 bottles");
        shop.put(&path, json!({ "attributes": whole })).await;
        assert_eq!(shop.get(&path, &shop.west_till).await.ok()["attributes"]["debt"], "12 bottles");
        assert_eq!(shop.get(&path, &shop.till).await.ok()["attributes"], first["attributes"]);
        // A store that does not see it keeps it when it changes others.
        let manager = shop.key("manager", Some("east")).await;
        let smaller = json!({ "attributes": { "size": "L", "visits": 4 } });
        shop.send(Method::PUT, &path, &manager, None, Some(smaller)).await.ok();
        assert_eq!(
            shop.get(&path, &shop.admin).await.ok()["attributes"],
            json!({ "size": "L", "visits": 4, "debt": "12 bottles" })
        );
        let mut seen = shop.get(&format!("{path}/changes"), &shop.supervisor).await.ok();
        let hidden = seen["items"].as_array_mut().expect("a list").remove(0);
        assert_eq!((&hidden["field"], hidden.get("new")), (&json!("attributes.debt"), None));
        for _ in 0..2 {
            enrol(json!({ "size": "L" })).await.ok();
        }
        let find = |query: &'static str, key: &str| {
            let (shop, key) = (&shop, key.to_owned());
            async move { shop.get(&format!("/v1/members?{query}"), &key).await }
        };
        assert_eq!(find("attribute=size&value=L", &shop.till).await.refused(403), "forbidden");
        let page = find("attribute=size&value=L&limit=2", &manager).await.ok();
        assert_eq!((page["items"].as_array().map(Vec::len), &page["items"][0]["id"]), (Some(2), &first["id"]));
        let next = format!("/v1/members?cursor={}", page["next"].as_str().expect("a cursor"));
        assert_eq!(shop.get(&next, &manager).await.ok()["items"].as_array().map(Vec::len), Some(1));
        let by_number = find("attribute=visits&value=4", &manager).await.ok();
        assert_eq!(by_number["items"][0]["id"], first["id"]);
        assert_eq!(find("attribute=size&value=M", &manager).await.ok()["items"], json!([]));
        assert_eq!(find("attribute=debt&value=x", &manager).await.refused(400), "invalid_query");
        erase(&shop, id(&first)).await;
        assert_eq!(find("attribute=visits&value=4", &manager).await.ok()["items"], json!([]));
        // What nobody could fill in is refused when it is defined.
        let mut chain = shop.get("/v1/chain", &shop.admin).await.ok();
        for wrong in [
            json!([{ "name": "a", "kind": "choice" }]),
            json!([{ "name": "a", "kind": "text", "choices": ["x"] }]),
            json!([{ "name": "a", "kind": "text" }, { "name": "a", "kind": "number" }]),
            json!([{ "name": "a", "kind": "decimal" }]),
        ] {
            chain["settings"]["member_attributes"] = wrong;
            let body = Some(chain.clone());
            let refused = shop.send(Method::PUT, "/v1/chain", &shop.admin, None, body).await;
            assert_eq!(refused.refused(422), "invalid_fields");
        }
    }

    async fn a_member_becomes_part_of_another_once_with_all_that_is_his(shop) {
        let code = json!({ "discount": { "amount": { "off": 500 } }, "trigger": "code" });
        let binding = shop.bind_with("promo-standard", code, json!({ "stage": "coupons" })).await;
        let twin = enrol(&shop, json!({ "phone": "+8613800000001" })).await.ok();
        let (twin, stays) = (id(&twin).to_owned(), shop.member().await);
        shop.top_up(&twin, 10_000, 1_000).await;
        shop.give_points_until(&twin, 100, "2026-12-31").await;
        shop.give_points(&stays, 30).await;
        let held = json!({ "binding": binding, "codes": ["FOR-HIM"], "holder": twin });
        shop.post("/v1/coupons", &shop.admin, held).await.ok();
        let tea = |member: Value| json!({
            "member": member, "lines": [{ "product": "tea" }], "tenders": [{ "kind": "stored-value", "amount": 1_200 }],
        });
        let order = shop.buy(tea(json!({ "id": twin }))).await;
        let path = format!("/v1/members/{twin}/merge");
        let body = |into: &str| json!({ "into": { "id": into }, "reason": "enrolled twice" });
        assert_eq!(shop.post(&path, &shop.till, body(&stays)).await.refused(403), "forbidden");
        assert_eq!(shop.post(&path, &shop.admin, body(&twin)).await.pointers(), ["/into"]);
        assert_eq!(shop.post(&path, &shop.admin, body("nobody")).await.refused(422), "member_unknown");
        let silent = json!({ "into": { "id": stays }, "reason": "" });
        assert_eq!(shop.post(&path, &shop.admin, silent).await.pointers(), ["/reason"]);
        // What a quote holds stays where it is, and the rest with it.
        let quote = shop.quote(tea(json!({ "id": twin }))).await;
        let hold = format!("/v1/quotes/{}/hold", id(&quote));
        shop.post(&hold, &shop.till, json!({})).await.ok();
        assert_eq!(shop.post(&path, &shop.admin, body(&stays)).await.refused(409), "hold_open");
        shop.send(Method::DELETE, &hold, &shop.till, Some("release"), None).await.ok();
        let cards = shop.get(&format!("/v1/members/{twin}/cards"), &shop.till).await.ok();
        let card = cards[0]["number"].as_str().expect("a number").to_owned();
        let tries = join_all((0..16).map(|_| shop.post(&path, &shop.admin, body(&stays)))).await;
        assert_eq!(tries.iter().filter(|answer| answer.status == 201).count(), 1);
        let refused = tries.iter().filter(|answer| answer.status != 201);
        for answer in refused {
            assert_eq!((&answer.body["code"], &answer.body["member"]), (&json!("member_merged"), &json!(stays)));
        }
        assert!(shop.balances(&twin).await.is_empty());
        let all = shop.balances(&stays).await;
        // The order took the bonus and 200 of the principal.
        assert_eq!((all["principal"], all.get("bonus"), all["points"]), (9_800, None, 130));
        let accounts = shop.wallet(&stays).await;
        assert!(accounts.to_string().contains("2026-12-31"), "points keep their last day");
        for by in [json!({ "id": twin }), json!({ "phone": "+8613800000001" })] {
            let answer = shop.post("/v1/quotes", &shop.till, tea(by)).await;
            assert_eq!(answer.body["member"], json!(stays));
            assert_eq!(answer.refused(409), "member_merged");
        }
        let found = shop.get(&format!("/v1/members?card={card}"), &shop.till).await.ok();
        assert_eq!(found["items"][0]["id"], json!(stays));
        let coupons = shop.get(&format!("/v1/members/{stays}/coupons"), &shop.till).await.ok();
        assert_eq!(coupons["items"][0]["code"], "FOR-HIM");
        let orders = shop.get(&format!("/v1/members/{stays}/orders"), &shop.till).await.ok();
        assert_eq!((&orders["items"][0]["id"], &orders["items"][0]["member"]), (&order["id"], &json!(twin)));
        let back = format!("/v1/members/{stays}/merge");
        assert_eq!(shop.post(&back, &shop.admin, body(&twin)).await.refused(409), "member_merged");
        let reopened = change(&shop, &twin, json!({ "status": "active" })).await;
        assert_eq!(reopened.refused(409), "member_merged");
        // What comes back for an order of his is brought after.
        shop.refund(id(&order), Value::Null).await.ok();
        assert!(!shop.balances(&twin).await.is_empty());
        tessera::jobs::run_once(&shop.host).await.expect("jobs run");
        assert!(shop.balances(&twin).await.is_empty());
        let all = shop.balances(&stays).await;
        assert_eq!(all["principal"] + all["bonus"], 11_000);
        shop.verify().await;
    }

    async fn a_merge_is_undone_once_within_its_days_while_nothing_was_spent(shop) {
        let merge = |from: &str, into: &str| {
            let (shop, path) = (&shop, format!("/v1/members/{from}/merge"));
            let body = json!({ "into": { "id": into }, "reason": "enrolled twice" });
            async move { shop.post(&path, &shop.admin, body).await }
        };
        let undo = |from: &str| {
            let (shop, path) = (&shop, format!("/v1/members/{from}/merge/undo"));
            async move { shop.post(&path, &shop.admin, json!({ "reason": "two persons" })).await }
        };
        let (one, two) = (shop.member().await, shop.member().await);
        shop.top_up(&one, 10_000, 1_000).await;
        shop.give_points_until(&one, 100, "2026-12-31").await;
        shop.give_points(&two, 30).await;
        let before = (shop.wallet(&one).await, shop.wallet(&two).await);
        assert_eq!(undo(&one).await.refused(409), "not_merged");
        merge(&one, &two).await.ok();
        let parted = undo(&one).await.ok();
        assert_eq!((&parted["status"], parted.get("merged_into")), (&json!("active"), None));
        assert_eq!((shop.wallet(&one).await, shop.wallet(&two).await), before);
        let cards = shop.get(&format!("/v1/members/{one}/cards"), &shop.till).await.ok();
        assert_eq!(cards.as_array().map(Vec::len), Some(1));
        assert_eq!(undo(&one).await.refused(409), "not_merged");
        shop.buy(json!({ "member": { "id": one }, "lines": [{ "product": "tea" }] })).await;
        // Merged again, the survivor spends of what came: the two stay one.
        merge(&one, &two).await.ok();
        shop.buy(json!({
            "member": { "id": two }, "lines": [{ "product": "tea" }], "tenders": [{ "kind": "stored-value", "amount": 1_200 }],
        })).await;
        assert_eq!(undo(&one).await.refused(409), "balance_short");
        // The day of the merge and thirty more.
        let (three, four) = (shop.member().await, shop.member().await);
        assert_eq!(merge(&three, &one).await.refused(409), "member_merged");
        for member in [&three, &four] {
            shop.give_points(member, 10).await;
            merge(member, &two).await.ok();
        }
        shop.later(30 * 86_400);
        undo(&three).await.ok();
        assert_eq!(shop.balances(&three).await["points"], 10);
        shop.later(86_400);
        assert_eq!(undo(&four).await.refused(409), "merge_too_old");
        shop.verify().await;
    }

    async fn what_a_member_brings_is_entered_once_and_can_be_put_back(shop) {
        let body = json!({
            "home_store": "east",
            "opening": {
                "points": 500, "points_expire_on": "2026-12-31", "principal": 20_000, "bonus": 300, "tier": "gold",
                "tier_valid_until": "2026-06-30",
            },
        });
        assert_eq!(shop.post("/v1/members", &shop.till, body.clone()).await.refused(403), "forbidden");
        let tries = join_all((0..16).map(|_| shop.post_as("/v1/members", &shop.admin, "opening", body.clone()))).await;
        let ids: std::collections::BTreeSet<String> = tries.iter().map(|answer| id(&answer.body).to_owned()).collect();
        assert_eq!(ids.len(), 1);
        let member = ids.first().expect("a member").clone();
        let balances = shop.balances(&member).await;
        assert_eq!((balances["points"], balances["principal"], balances["bonus"]), (500, 20_000, 300));
        let known = shop.get(&format!("/v1/members/{member}"), &shop.till).await.ok();
        assert_eq!((&known["tier"]["name"], &known["tier"]["valid_until"]), (&json!("gold"), &json!("2026-06-30")));
        assert_eq!(shop.system("opening/east", "CNY").await, -20_000);
        for (field, value) in [("points", -1), ("principal", -1), ("bonus", i64::MAX)] {
            let mut wrong = body.clone();
            wrong["opening"][field] = json!(value);
            let refused = shop.post("/v1/members", &shop.admin, wrong).await;
            assert_eq!(refused.pointers(), [format!("/opening/{field}")]);
        }
        // It was another person's: the entry goes back whole, once.
        let entries = shop.get(&format!("/v1/members/{member}/entries"), &shop.admin).await.ok();
        let entry = id(&entries["items"][0]).to_owned();
        let path = format!("/v1/members/{member}/entries/{entry}/reversal");
        let reason = json!({ "reason": "of another person" });
        shop.post(&path, &shop.supervisor, reason.clone()).await.ok();
        assert!(shop.balances(&member).await.is_empty());
        assert_eq!(shop.post(&path, &shop.supervisor, reason).await.refused(409), "entry_reversed");
        shop.verify().await;
    }
}
