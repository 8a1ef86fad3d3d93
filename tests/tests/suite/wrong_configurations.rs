//! Wrong configurations are refused when they are applied, with file, line and key, and change nothing.

use serde_json::{Value, json};
use tessera_tests::on_each_database;
use tessera_tests::shop::{Answer, Shop};

fn binding(name: &str, plugin: &str, more: &str) -> String {
    format!("[[binding]]\nname = \"{name}\"\nplugin = \"{plugin}\"\n{more}\n")
}

fn promotion(name: &str, more: &str) -> String {
    let config = "config = { discount = { amount = { off = 100 } } }";
    binding(name, "promo-standard", &format!("{more}\n{config}"))
}

fn tiers(name: &str, more: &str) -> String {
    let config = "config = { tiers = [{ code = \"gold\", name = \"Gold\", threshold = 100 }] }";
    binding(name, "tier-standard", &format!("{more}\n{config}"))
}

/// The first fault's code, after checking that the faults stand where they are expected and nothing changed.
async fn refused(shop: &Shop, answer: Answer, expected: &[&str]) -> String {
    assert_eq!(answer.faults(), expected, "{}", answer.body);
    let code = answer.body["faults"][0]["code"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    assert_eq!(answer.refused(422), "configuration_refused");
    let configuration = shop.get("/v1/configuration", &shop.admin).await.ok();
    assert_eq!(
        configuration["revision"]["number"].as_i64().unwrap_or(0),
        revisions(shop).await
    );
    code
}

async fn revisions(shop: &Shop) -> i64 {
    let listed = shop
        .get("/v1/configuration/revisions", &shop.admin)
        .await
        .ok();
    listed.as_array().map_or(0, |listed| listed.len() as i64)
}

async fn told(shop: &Shop, text: &str, expected: &[&str]) -> String {
    let answer = shop.apply(text).await;
    refused(shop, answer, expected).await
}

on_each_database! {
    async fn tier_thresholds_that_contradict_each_other(shop) {
        let text = "[[binding]]\nname = \"tiers\"\nplugin = \"tier-standard\"\n[[binding.config.tiers]]\ncode = \"silver\"\n\
                    name = \"Silver\"\nthreshold = 500\n[[binding.config.tiers]]\ncode = \"gold\"\nname = \"Gold\"\nthreshold = 500\n";
        told(&shop, text, &["chain.toml:11 binding[0].config.tiers[1].threshold"]).await;
        let falling = text.replace("threshold = 500\n[[", "threshold = 900\n[[");
        told(&shop, &falling, &["chain.toml:11 binding[0].config.tiers[1].threshold"]).await;
    }

    async fn negative_rates(shop) {
        let text = "[settings]\nprices_include_tax = true\n\ntax_classes = [\n  { name = \"standard\", rate = \"13/100\" },\n  \
                    { name = \"odd\", rate = \"-1/100\" },\n]\n";
        told(&shop, text, &["chain.toml:6 settings.tax_classes[1].rate"]).await;
        let text = binding("p", "promo-standard", "config = { discount = { percent = { rate = \"-5%\" } } }");
        told(&shop, &text, &["chain.toml:4 binding[0].config.discount.percent.rate"]).await;
    }

    async fn stores_regions_plugins_programs_and_categories_nobody_knows(shop) {
        let text = format!("{}{}", promotion("a", "scope = \"store:nowhere\""), promotion("b", "scope = \"region:nowhere\""));
        assert_eq!(
            told(&shop, &text, &["chain.toml:4 binding[0].scope", "chain.toml:9 binding[1].scope"]).await,
            "unknown_object",
        );
        let text = "currency = \"CNY\"\n[[store]]\nid = \"s\"\nname = \"S\"\nregion = \"nowhere\"\ntime_zone = \"Asia/Shanghai\"\n";
        told(&shop, text, &["chain.toml:5 store[0].region"]).await;
        told(&shop, &binding("a", "nothing", ""), &["chain.toml:3 binding[0].plugin"]).await;
        let version = promotion("a", "version = \"^99\"");
        assert_eq!(told(&shop, &version, &["chain.toml:4 binding[0].version"]).await, "no_release");
        let category = "[binding.config]\npoints_per = { spend = 100, points = 1 }\ncategories = [\n  { category = \"drinks/coffee\", multiplier = 2 },\n  \
                        { category = \"drinks/cofee\", multiplier = 3 },\n]";
        let text = binding("a", "points-standard", category);
        told(&shop, &text, &["chain.toml:8 binding[0].config.categories[1].category"]).await;
        // A category may be named before there are goods in it.
        shop.apply(&format!("categories = [\"drinks/cofee\"]\n{text}")).await.ok();
        let text = "[[store]]\nid = \"east\"\nname = \"E\"\nregion = \"east\"\ntime_zone = \"Mars/Olympus\"\n";
        told(&shop, text, &["chain.toml:5 store[0].time_zone"]).await;
    }

    async fn products_nobody_sells(shop) {
        let config = "[binding.config]\ngoods = { products = [\"tea\", \"cofee\"], except_products = [\"teapot\"] }\n\
                      [binding.config.discount.price-list]\nprices = [\n  { product = \"tea\", price = 1 },\n  { product = \"coffe\", price = 1 },\n]";
        let text = binding("a", "promo-standard", config);
        assert_eq!(
            told(&shop, &text, &[
                "chain.toml:5 binding[0].config.goods.except_products[0]",
                "chain.toml:5 binding[0].config.goods.products[1]",
                "chain.toml:9 binding[0].config.discount.price-list.prices[1].product",
            ]).await,
            "unknown_object",
        );
        let points = "[binding.config]\npoints_per = { spend = 100, points = 1 }\nproducts = [{ product = \"coffe\", multiplier = 2 }]";
        let text = binding("a", "points-standard", points);
        told(&shop, &text, &["chain.toml:6 binding[0].config.products[0].product"]).await;
        // No id holds U+0000, and no database is asked for it.
        let odd = text.replace("coffe", "coff\\u0000e");
        told(&shop, &odd, &["chain.toml:6 binding[0].config.products[0].product"]).await;
        shop.apply(&text.replace("coffe", "coffee")).await.ok();
        // What is no longer sold may come back; its rules wait for it.
        let tea = shop.get("/v1/products/tea", &shop.admin).await.ok();
        let mut gone = tea.clone();
        gone["active"] = json!(false);
        gone.as_object_mut().expect("a product").remove("id");
        shop.put("/v1/products/tea", gone).await;
        shop.apply(&text.replace("coffe", "tea")).await.ok();
    }

    async fn tiers_no_rule_knows(shop) {
        let gold = promotion("for-gold", "").replace("config = { ", "config = { who = { tiers = [\"gold\"], except_tiers = [\"staff\"] }, ");
        // Nobody says which tiers there are.
        let applied = shop.apply(&gold).await.ok();
        let note = "no tier rule says which tiers there are, so the tiers that rules name are not checked";
        assert_eq!(applied["notes"], json!([note]));
        let text = format!("{}{gold}", tiers("tiers", ""));
        assert_eq!(
            told(&shop, &text, &["chain.toml:10 binding[1].config.who.except_tiers[0]"]).await,
            "unknown_object",
        );
        // A tier members hold is one, whatever the rules say of it now.
        let silver = "config = { tiers = [{ code = \"staff\", name = \"Staff\", threshold = 0 }] }";
        shop.apply(&binding("silver", "tier-standard", silver)).await.ok();
        let member = shop.member().await;
        shop.buy(json!({ "member": { "id": member }, "lines": [{ "product": "coffee" }] })).await;
        let applied = shop.apply(&text).await.ok();
        assert_eq!(applied["notes"], json!([]));
    }

    async fn coupons_nobody_would_honour(shop) {
        let grants = |name: &str| {
            let config = format!("[binding.config]\ndiscount = {{ coupons = {{ binding = \"{name}\" }} }}");
            binding("grants", "promo-standard", &config)
        };
        assert_eq!(
            told(&shop, &grants("next-visit"), &["chain.toml:5 binding[0].config.discount.coupons.binding"]).await,
            "unknown_object",
        );
        let events = "[binding.config]\nevents = [\n  { on = \"enrolment\", points = 1 },\n  { on = \"birthday\", coupons = { binding = \"welcome\" } },\n]";
        let text = binding("events", "points-standard", events);
        told(&shop, &text, &["chain.toml:7 binding[0].config.events[1].coupons.binding"]).await;
        let both = "config = { referee_coupons = { binding = \"welcome\" }, referrer_coupons = { binding = \"thanks\" } }";
        told(&shop, &binding("friends", "referral-standard", both), &[
            "chain.toml:4 binding[0].config.referee_coupons.binding",
            "chain.toml:4 binding[0].config.referrer_coupons.binding",
        ]).await;
        // A promotion that applies by itself, or a rule of another kind, asks for no code.
        for honouring in [promotion("next-visit", ""), tiers("next-visit", "")] {
            let text = format!("{}{honouring}", grants("next-visit"));
            assert_eq!(
                told(&shop, &text, &["chain.toml:5 binding[0].config.discount.coupons.binding"]).await,
                "takes_no_codes",
            );
        }
        let with_code = promotion("next-visit", "").replace("config = { ", "config = { trigger = \"code\", ");
        shop.apply(&format!("{}{with_code}", grants("next-visit"))).await.ok();
        // One made through the API does as well.
        let config = json!({ "trigger": "code", "discount": { "amount": { "off": 5 } } });
        shop.bind_with("promo-standard", config, json!({ "name": "of-the-api" })).await;
        shop.apply(&grants("of-the-api")).await.ok();
        told(&shop, &grants("next-visit"), &["chain.toml:5 binding[0].config.discount.coupons.binding"]).await;
    }

    async fn caps_on_discounts_above_one_or_named_twice(shop) {
        let caps = "[settings]\nprices_include_tax = true\ndiscount_caps = [\n  { share = \"1/2\" },\n  \
                    { category = \"drinks\", share = \"3/2\" },\n]\n";
        told(&shop, caps, &["chain.toml:5 settings.discount_caps[1].share"]).await;
        let twice = caps.replace("category = \"drinks\", share = \"3/2\"", "share = \"1/3\"");
        told(&shop, &twice, &["chain.toml:5 settings.discount_caps[1].category"]).await;
        let unknown = caps.replace("drinks\", share = \"3/2", "drinkz\", share = \"1/3");
        let wrong = told(&shop, &unknown, &["chain.toml:5 settings.discount_caps[1].category"]).await;
        assert_eq!(wrong, "unknown_object");
        let mut chain = shop.get("/v1/chain", &shop.admin).await.ok();
        chain["settings"]["discount_caps"] = json!([{ "share": "1/2" }, { "category": "tea", "share": "-1/2" }]);
        let answer = shop.send(axum::http::Method::PUT, "/v1/chain", &shop.admin, None, Some(chain)).await;
        assert_eq!(answer.pointers(), ["/settings/discount_caps/1/share"]);
        assert_eq!(answer.refused(422), "invalid_fields");
    }

    async fn the_same_rule_in_force_twice_and_two_tier_rules_at_once(shop) {
        let text = format!(
            "{}{}",
            promotion("spring", "schedule = { from = 2026-03-01, until = 2026-03-31 }"),
            promotion("late-spring", "schedule = { from = 2026-03-31, until = 2026-04-30 }"),
        );
        assert_eq!(told(&shop, &text, &["chain.toml:9 binding[1].schedule"]).await, "overlaps");
        shop.apply(&text.replace("2026-03-31, until", "2026-04-01, until")).await.ok();
        let hours = format!(
            "{}{}",
            promotion("late", "schedule = { minutes = [1320, 120] }"),
            promotion("early", "schedule = { minutes = [60, 600] }"),
        );
        told(&shop, &hours, &["chain.toml:9 binding[1].schedule"]).await;
        let text = format!("{}{}", tiers("a", ""), tiers("b", "scope = \"store:east\""));
        told(&shop, &text, &["chain.toml:6 binding[1].schedule"]).await;
        let apart = format!("{}{}", tiers("a", "scope = \"region:west\""), tiers("b", "scope = \"store:east\""));
        shop.apply(&apart).await.ok();
    }

    async fn a_budget_below_what_is_spent(shop) {
        let budget = |limit: i64| promotion("budget", &format!(
            "limits = [\n  {{ name = \"money\", scope = \"chain\", period = \"lifetime\", counts = \"money\", limit = {limit} }},\n]",
        ));
        shop.apply(&budget(1_000)).await.ok();
        for _ in 0..3 {
            shop.buy(json!({ "lines": [{ "product": "coffee" }] })).await;
        }
        let answer = shop.apply(&budget(299)).await;
        assert!(answer.body["faults"][0]["message"].as_str().is_some_and(|told| told.contains("300")), "{}", answer.body);
        assert_eq!(refused(&shop, answer, &["chain.toml:5 binding[0].limits[0].limit"]).await, "below_spent");
        shop.apply(&budget(300)).await.ok();
    }

    async fn groups_that_contradict_themselves(shop) {
        let stages = format!("{}{}", promotion("a", "group = \"g\""), promotion("b", "group = \"g\"\nstage = \"order\""));
        assert_eq!(told(&shop, &stages, &["chain.toml:10 binding[1].stage"]).await, "group_contradicts");
        let choices = format!("{}{}", promotion("a", "group = \"g\""), promotion("b", "group = \"g\"\ngroup_choice = \"first\""));
        told(&shop, &choices, &["chain.toml:10 binding[1].group_choice"]).await;
        // What the API made counts too.
        let more = json!({ "group": "g", "stage": "order" });
        shop.bind_with("promo-standard", json!({ "discount": { "amount": { "off": 1 } } }), more).await;
        told(&shop, &promotion("a", "group = \"g\""), &["chain.toml:1 binding[0].stage"]).await;
    }

    async fn keys_nobody_knows_and_values_of_the_wrong_kind(shop) {
        let text = format!("nam = \"x\"\n{}", promotion("a", "priorty = 3"));
        assert_eq!(told(&shop, &text, &["chain.toml:1 nam", "chain.toml:5 binding[0].priorty"]).await, "unknown_key");
        told(&shop, "[settings]\nclaim_dys = 3\n", &["chain.toml:2 settings.claim_dys"]).await;
        told(&shop, &promotion("a", "priority = \"high\""), &["chain.toml:4 binding[0].priority"]).await;
        told(&shop, &promotion("a", "schedule = { from = \"tomorrow\" }"), &["chain.toml:4 binding[0].schedule.from"]).await;
        told(&shop, &promotion("a", "schedule = { weekdays = [8] }"), &["chain.toml:4 binding[0].schedule.weekdays"]).await;
        told(&shop, "[[region]]\nname = \"no id\"\n", &["chain.toml:1 region[0].id"]).await;
        told(&shop, "language = \"fr\"\n", &["chain.toml:1 language"]).await;
    }

    async fn the_same_object_twice_in_one_file_or_in_two(shop) {
        let region = "[[region]]\nid = \"r\"\nname = \"R\"\n";
        let text = format!("{region}{region}");
        assert_eq!(told(&shop, &text, &["chain.toml:5 region[1].id"]).await, "declared_twice");
        let answer = shop.apply_files(&[("a.toml", &promotion("x", "")), ("b.toml", &promotion("x", "priority = 1"))]).await;
        assert!(answer.body["faults"][0]["message"].as_str().is_some_and(|told| told.contains("a.toml:2")), "{}", answer.body);
        refused(&shop, answer, &["b.toml:2 binding[0].name"]).await;
        let answer = shop.apply_files(&[("a.toml", "name = \"x\"\n"), ("b.toml", "\nname = \"y\"\n")]).await;
        refused(&shop, answer, &["b.toml:2 name"]).await;
    }

    async fn a_scale_that_would_change_and_a_file_that_is_no_toml(shop) {
        let program = |scale: u8| format!("[[program]]\nid = \"stars\"\nname = \"Stars\"\nscale = {scale}\n");
        shop.apply(&program(1)).await.ok();
        assert_eq!(told(&shop, &program(2), &["chain.toml:4 program[0].scale"]).await, "scale_stays");
        assert_eq!(told(&shop, "name = \"x\nother = 1\n", &["chain.toml:1 "]).await, "not_toml");
    }

    async fn refusals_are_told_in_the_callers_language(shop) {
        let body = json!({ "files": [{ "name": "a.toml", "text": "nam = 1\n" }] });
        let request = axum::http::Request::post("/v1/configuration/plan")
            .header("authorization", format!("Bearer {}", shop.admin))
            .header("accept-language", "zh-CN")
            .header("content-type", "application/json")
            .body(axum::body::Body::from(body.to_string()))
            .expect("a request");
        let answer = shop.raw(request).await;
        assert_eq!(answer.body["title"], "配置无法应用");
        assert_eq!(answer.body["faults"][0]["message"], "不是声明支持的键");
        assert_ne!(answer.body["remedy"], Value::Null);
    }
}
