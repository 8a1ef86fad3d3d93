//! Configuration as files: applied whole, shown as a difference, kept as revisions, taken back.

use axum::http::Method;
use serde_json::{Value, json};
use tessera_tests::on_each_database;
use tessera_tests::process::{init, run, run_to_end};
use tessera_tests::shop::Shop;

/// Ten percent off everything in the east, and a point per yuan everywhere.
const FILE: &str = r#"
[[binding]]
name = "tenth-off"
plugin = "promo-standard"
scope = "region:east"
[binding.config]
discount = { percent = { rate = "10%", on = "order" } }

[[binding]]
name = "points"
plugin = "points-standard"
[binding.config]
points_per = { spend = 100, points = 1 }
"#;

/// What a coffee of 20.00 costs at the till in the east.
async fn coffee(shop: &Shop) -> i64 {
    let quote = shop
        .quote(json!({ "lines": [{ "product": "coffee" }], "tenders": [{ "kind": "cash" }] }))
        .await;
    quote["totals"]["total"].as_i64().expect("a total")
}

async fn bindings(shop: &Shop) -> Vec<Value> {
    let listed = shop.get("/v1/bindings", &shop.admin).await.ok();
    listed.as_array().expect("a list").clone()
}

/// `action kind name` of every change.
fn changes(answer: &Value) -> Vec<String> {
    let changes = answer["changes"].as_array().expect("a list");
    let one = |change: &Value| {
        let text = |name: &str| change[name].as_str().expect("a text").to_owned();
        format!("{} {} {}", text("action"), text("kind"), text("name"))
    };
    changes.iter().map(one).collect()
}

on_each_database! {
    async fn a_declared_chain_is_live_at_once_and_shown_as_a_difference(shop) {
        let plan = json!({ "files": [{ "name": "chain.toml", "text": FILE }] });
        let plan = shop.post("/v1/configuration/plan", &shop.admin, plan).await.ok();
        assert_eq!(changes(&plan), ["added binding tenth-off", "added binding points"]);
        assert_eq!(plan["base"], 0);
        assert_eq!(coffee(&shop).await, 2_000, "a plan changes nothing");
        let applied = shop.apply(FILE).await.ok();
        assert_eq!((&applied["revision"], &applied["applied"]), (&json!(1), &json!(true)));
        assert_eq!(coffee(&shop).await, 1_800);
        // The same again is no revision; a comment is no change.
        let again = shop.apply(&format!("# a comment\n{FILE}")).await.ok();
        assert_eq!((&again["revision"], &again["applied"]), (&json!(1), &json!(false)));
        let told = shop.events().await.into_iter().filter(|kind| kind == "configuration.applied");
        assert_eq!(told.count(), 1);
        let changed = shop.apply(&FILE.replace("10%", "25%")).await.ok();
        assert_eq!(changes(&changed), ["changed binding tenth-off"]);
        let key = &changed["changes"][0]["keys"];
        assert_eq!(*key, json!([{ "key": "config.discount.percent.rate", "old": "10%", "new": "25%" }]));
        assert_eq!(changed["changes"][0]["declared_at"], "chain.toml:2");
        assert_eq!(coffee(&shop).await, 1_500);
        shop.verify().await;
    }

    async fn the_whole_chain_can_stand_in_a_file(shop) {
        let text = r#"
name = "Declared"
language = "zh-CN"
currency = "CNY"
[settings]
tax_classes = [{ name = "standard", rate = "6/100" }, { name = "reduced", rate = "3/100" }]
[[region]]
id = "north"
name = "North"
[[store]]
id = "harbin"
name = "Harbin"
region = "north"
time_zone = "Asia/Shanghai"
attributes = { size = "small" }
[[program]]
id = "stars"
name = "Stars"
scale = 1
"#;
        let applied = shop.apply(text).await.ok();
        assert_eq!(changes(&applied), [
            "changed chain chain", "added region north", "added program stars", "added store harbin",
        ]);
        let chain = shop.get("/v1/chain", &shop.admin).await.ok();
        assert_eq!((&chain["name"], &chain["language"]), (&json!("Declared"), &json!("zh-CN")));
        let store = shop.get("/v1/stores/harbin", &shop.admin).await.ok();
        assert_eq!(store["attributes"]["size"], "small");
        // A coffee of 20.00 holds 1.13 of tax at 6 %: 2000 × 6 / 106 = 113.2.
        let quote = shop
            .quote(json!({ "lines": [{ "product": "coffee" }], "tenders": [{ "kind": "cash" }] }))
            .await;
        assert_eq!(quote["totals"]["tax"], 113);
    }

    async fn what_a_file_declares_is_read_only_in_the_api(shop) {
        let text = r#"
name = "Declared"
[[region]]
id = "east"
name = "The east"
[[store]]
id = "east"
name = "East"
region = "east"
time_zone = "Asia/Shanghai"
[[program]]
id = "stars"
name = "Stars"
"#;
        shop.apply(&format!("{text}{FILE}")).await.ok();
        let store = json!({ "region": "east", "name": "x", "currency": "CNY", "time_zone": "Asia/Shanghai" });
        let chain = shop.get("/v1/chain", &shop.admin).await.ok();
        let puts = [
            ("/v1/chain", chain),
            ("/v1/regions/east", json!({ "name": "x" })),
            ("/v1/stores/east", store.clone()),
            ("/v1/programs/stars", json!({ "name": "x" })),
        ];
        for (path, body) in puts {
            let answer = shop.send(Method::PUT, path, &shop.admin, None, Some(body)).await;
            let told = answer.body["detail"].as_str().unwrap_or_default().to_owned();
            assert_eq!(answer.refused(409), "declared_in_file", "{path}");
            assert!(told.contains("chain.toml (revision 1)"), "{told}");
        }
        for binding in bindings(&shop).await {
            let path = format!("/v1/bindings/{}", binding["id"].as_str().expect("an id"));
            let answer = shop.send(Method::DELETE, &path, &shop.admin, None, None).await;
            assert_eq!(answer.refused(409), "declared_in_file");
        }
        // What no file declares is the API's as before.
        shop.put("/v1/stores/west", json!({
            "region": "west", "name": "renamed", "currency": "CNY", "time_zone": "Asia/Urumqi",
        })).await;
        // And so is what a file lets go.
        let released = shop.apply(FILE).await.ok();
        assert_eq!(changes(&released), [
            "released chain chain", "released program stars", "released region east", "deactivated store east",
        ]);
        shop.put("/v1/stores/east", store).await;
    }

    async fn objects_of_the_api_stay_as_they_are_unless_a_file_declares_them(shop) {
        let own = shop
            .bind_with("promo-standard", json!({ "discount": { "amount": { "off": 100 } } }), json!({ "name": "mine" }))
            .await;
        shop.apply(FILE).await.ok();
        assert_eq!(coffee(&shop).await, 1_710, "1.00 off, then 10 %");
        let adopting = format!(
            "{FILE}\n[[binding]]\nname = \"mine\"\nid = \"{own}\"\nplugin = \"promo-standard\"\nversion = \"*\"\n\
             config = {{ discount = {{ amount = {{ off = 300 }} }} }}\n",
        );
        let adopted = shop.apply(&adopting).await.ok();
        assert_eq!(changes(&adopted), ["changed binding mine"]);
        assert_eq!(coffee(&shop).await, 1_530);
        // Taken out again it ends, and only it.
        let without = shop.apply(FILE).await.ok();
        assert_eq!(changes(&without), ["ended binding mine"]);
        assert_eq!(coffee(&shop).await, 1_800);
        shop.verify().await;
    }

    async fn what_is_taken_out_ends_and_comes_back_with_its_id_and_its_codes(shop) {
        let with_code = format!(
            "{FILE}\n[[binding]]\nname = \"welcome\"\nplugin = \"promo-standard\"\nstage = \"coupons\"\n\
             config = {{ discount = {{ amount = {{ off = 500 }} }}, trigger = \"code\" }}\n",
        );
        shop.apply(&with_code).await.ok();
        let id_of = |listed: Vec<Value>, name: &str| {
            let found = listed.into_iter().find(|binding| binding["name"] == name);
            found.map(|binding| binding["id"].as_str().expect("an id").to_owned())
        };
        let id = id_of(bindings(&shop).await, "welcome").expect("it is live");
        shop.coupon(&id, "WELCOME").await;
        shop.apply(FILE).await.ok();
        assert_eq!(id_of(bindings(&shop).await, "welcome"), None);
        let ended = shop.get(&format!("/v1/bindings/{id}"), &shop.admin).await.ok();
        assert_eq!(ended["active"], false);
        shop.apply(&with_code).await.ok();
        assert_eq!(id_of(bindings(&shop).await, "welcome").as_ref(), Some(&id));
        let order = shop.buy(json!({ "lines": [{ "product": "coffee" }], "codes": ["WELCOME"] })).await;
        assert_eq!(order["totals"]["total"], 1_300, "10 % and 5.00 off");
    }

    async fn one_bad_binding_among_ten_good_ones_changes_nothing(shop) {
        let mut text = "[[region]]\nid = \"new\"\nname = \"New\"\n".to_owned();
        for number in 0..10 {
            let off = 10 + number;
            text.push_str(&format!(
                "[[binding]]\nname = \"good-{number}\"\nplugin = \"promo-standard\"\n\
                 config = {{ discount = {{ amount = {{ off = {off} }} }} }}\n",
            ));
        }
        let bad = format!(
            "{text}[[binding]]\nname = \"bad\"\nplugin = \"promo-standard\"\n[binding.config.discount.percent]\nrate = \"-5%\"\n",
        );
        let refused = shop.apply(&bad).await;
        let line = bad.lines().count();
        assert_eq!(refused.faults(), [format!("chain.toml:{line} binding[10].config.discount.percent.rate")], "{}", refused.body);
        assert_eq!(refused.refused(422), "configuration_refused");
        assert!(bindings(&shop).await.is_empty());
        assert_eq!(shop.get("/v1/regions", &shop.admin).await.ok().as_array().map(Vec::len), Some(2));
        assert_eq!(shop.get("/v1/configuration", &shop.admin).await.ok()["revision"], Value::Null);
        shop.apply(&text).await.ok();
        assert_eq!(bindings(&shop).await.len(), 10);
        assert_eq!(coffee(&shop).await, 2_000 - (10..20).sum::<i64>());
    }

    async fn a_rollback_restores_what_an_earlier_revision_declared(shop) {
        shop.apply(FILE).await.ok();
        let ids = |listed: Vec<Value>| -> Vec<Value> { listed.iter().map(|binding| binding["id"].clone()).collect() };
        let before = ids(bindings(&shop).await);
        shop.apply("[[binding]]\nname = \"points\"\nplugin = \"points-standard\"\nconfig = { per_order = 5 }\n").await.ok();
        assert_eq!(coffee(&shop).await, 2_000);
        let back = shop.post("/v1/configuration", &shop.admin, json!({ "rollback": 1 })).await.ok();
        assert_eq!(back["revision"], 3);
        assert_eq!(changes(&back), ["added binding tenth-off".replace("added", "changed"), "changed binding points".to_owned()]);
        assert_eq!(coffee(&shop).await, 1_800);
        assert_eq!(ids(bindings(&shop).await), before);
        let listed = shop.get("/v1/configuration/revisions", &shop.admin).await.ok();
        let row = |at: usize| (listed[at]["number"].clone(), listed[at]["restores"].clone(), listed[at]["source"].clone());
        assert_eq!(row(0), (json!(3), json!(1), json!("chain.toml")));
        assert_eq!(row(2), (json!(1), Value::Null, json!("chain.toml")));
        assert_eq!(listed[0]["digest"], listed[2]["digest"]);
        let first = shop.get("/v1/configuration/revisions/1", &shop.admin).await.ok();
        assert_eq!(first["files"], json!([{ "name": "chain.toml", "text": FILE }]));
        let answer = shop.post("/v1/configuration", &shop.admin, json!({ "rollback": 9 })).await;
        assert_eq!(answer.refused(404), "revision_unknown");
        shop.verify().await;
    }

    async fn a_difference_shown_against_another_revision_is_not_applied(shop) {
        shop.apply(FILE).await.ok();
        let body = json!({ "files": [{ "name": "a.toml", "text": "" }], "base": 0 });
        let answer = shop.post("/v1/configuration", &shop.admin, body).await;
        assert_eq!(answer.refused(409), "configuration_changed");
        assert_eq!(bindings(&shop).await.len(), 2);
    }

    async fn only_an_administrator_of_the_whole_chain_applies(shop) {
        let body = json!({ "files": [{ "name": "a.toml", "text": FILE }] });
        let manager = shop.key("manager", None).await;
        let answer = shop.post("/v1/configuration", &manager, body.clone()).await;
        assert_eq!(answer.refused(403), "forbidden");
        let of_a_store = shop.key("admin", Some("east")).await;
        let answer = shop.post("/v1/configuration", &of_a_store, body).await;
        assert_eq!(answer.refused(403), "other_store");
        shop.get("/v1/configuration/revisions", &manager).await.ok();
    }

    async fn another_host_sells_by_the_new_revision_within_two_seconds(shop) {
        let Some(other) = shop.second_host().await else { return };
        let jobs = tessera::jobs::start(std::sync::Arc::clone(&other.host));
        assert_eq!(coffee(&other).await, 2_000);
        shop.apply(FILE).await.ok();
        let began = std::time::Instant::now();
        while coffee(&other).await != 1_800 {
            assert!(began.elapsed() < std::time::Duration::from_secs(2), "the other host does not see it");
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        jobs.abort();
    }

    async fn two_hosts_that_apply_at_once_leave_one_after_the_other(shop) {
        let Some(other) = shop.second_host().await else { return };
        let changed = FILE.replace("10%", "20%");
        let (one, two) = tokio::join!(shop.apply(FILE), other.apply(&changed));
        let mut numbers = [one, two].map(|answer| answer.ok()["revision"].as_i64().expect("a number"));
        numbers.sort_unstable();
        assert_eq!(numbers, [1, 2]);
        assert_eq!(bindings(&shop).await.len(), 2);
    }
}

#[test]
fn the_program_shows_asks_applies_lists_and_rolls_back() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let data = folder.path().join("chain");
    std::fs::create_dir(&data).expect("a folder for the test");
    init(&data);
    let file = folder.path().join("rules.toml");
    std::fs::write(&file, FILE.replace("region:east", "region:main")).expect("the file is written");
    let path = file.to_str().expect("a path");
    let (succeeded, said) = run_to_end(&["apply", path], &data);
    assert!(!succeeded && said.contains("--yes"), "{said}");
    assert!(said.contains("+ binding tenth-off  rules.toml:2"), "{said}");
    assert!(
        said.contains("config.discount.percent.rate = \"10%\""),
        "{said}"
    );
    let said = run(&["apply", path, "--yes"], &data);
    assert!(said.contains("Revision 1 is in force."), "{said}");
    std::fs::write(
        &file,
        FILE.replace("region:east", "region:main")
            .replace("10%", "15%"),
    )
    .expect("the file is written");
    let said = run(&["apply", path, "--yes"], &data);
    assert!(
        said.contains("config.discount.percent.rate: \"10%\" → \"15%\""),
        "{said}"
    );
    std::fs::write(&file, "[[binding]]\nname = \"x\"\nplugin = \"nothing\"\n")
        .expect("the file is written");
    let (succeeded, said) = run_to_end(&["apply", path, "--yes"], &data);
    assert!(
        !succeeded && said.contains("rules.toml:3: binding[0].plugin: "),
        "{said}"
    );
    // Without goods nobody knows which there will be.
    let goods = "[binding.config]\ngoods = { products = [\"a\"], categories = [\"b\"] }\ndiscount = { amount = { off = 1 } }\n";
    let early = format!("[[binding]]\nname = \"x\"\nplugin = \"promo-standard\"\n{goods}");
    std::fs::write(&file, early).expect("the file is written");
    let (_, said) = run_to_end(&["apply", path], &data);
    let note =
        "there are no goods yet, so the categories and products that rules name are not checked";
    assert!(said.contains(note), "{said}");
    let said = run(&["apply", "--rollback", "1", "--yes"], &data);
    assert!(said.contains("Revision 3 is in force."), "{said}");
    let said = run(&["apply", "--list"], &data);
    let first = said.lines().next().expect("a line");
    assert!(
        first.contains("back to 1") && first.contains("rules.toml"),
        "{said}"
    );
    let said = run(&["status"], &data);
    assert!(said.contains("bindings       2 live, 0 not live"), "{said}");
    assert!(said.contains("revision 3"), "{said}");
}

#[test]
fn the_sample_chain_of_the_demo_can_be_applied() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let data = folder.path().join("chain");
    std::fs::create_dir(&data).expect("a folder for the test");
    let sample =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/sample-chain.toml");
    let said = run(&["apply", sample.to_str().expect("a path"), "--yes"], &data);
    assert!(said.contains("+ store urumqi"), "{said}");
    let said = run(&["status"], &data);
    assert!(said.contains("chain          曙光便利 Daybreak"), "{said}");
    assert!(said.contains("bindings       8 live"), "{said}");
}
