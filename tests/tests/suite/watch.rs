//! The watched folder: a change is live within a second, a mistake changes nothing and is told.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tessera::declaration::watch;
use tessera_tests::components::{first_party, with_manifest};
use tessera_tests::on_each_database;
use tessera_tests::process::{Running, asked, init, run};
use tessera_tests::shop::Shop;

/// A change is promised within a second; a machine that runs all tests at once gets more.
const PATIENCE: Duration = Duration::from_secs(60);

fn off(name: &str, cents: u32) -> String {
    format!(
        "[[binding]]\nname = \"{name}\"\nplugin = \"promo-standard\"\n\
         config = {{ discount = {{ amount = {{ off = {cents} }} }} }}\n"
    )
}

fn write(folder: &Path, name: &str, text: impl AsRef<[u8]>) {
    std::fs::write(folder.join(name), text).expect("a file is written");
}

async fn total(shop: &Shop) -> i64 {
    let quote = quote(shop).await;
    quote["totals"]["total"].as_i64().expect("a total")
}

async fn quote(shop: &Shop) -> Value {
    shop.quote(json!({ "lines": [{ "product": "coffee" }], "tenders": [{ "kind": "cash" }] }))
        .await
}

async fn becomes(shop: &Shop, expected: i64) {
    let began = Instant::now();
    loop {
        let now = total(shop).await;
        if now == expected {
            return;
        }
        assert!(began.elapsed() < PATIENCE, "{now} instead of {expected}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The faults `/readyz` tells, as `file:line key`, once there are any, or once there are none.
async fn faults(shop: &Shop, any: bool) -> Vec<String> {
    let began = Instant::now();
    loop {
        let ready = shop.get("/readyz", &shop.admin).await.ok();
        assert_eq!(ready["status"], "ready");
        let told = ready["warning"]["configuration"]["faults"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        if told.is_empty() != any {
            let one = |fault: &Value| {
                let key = fault["key"].as_str().unwrap_or_default();
                format!(
                    "{}:{} {key}",
                    fault["file"].as_str().expect("a file"),
                    fault["line"]
                )
            };
            return told.iter().map(one).collect();
        }
        assert!(began.elapsed() < PATIENCE, "{ready}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

on_each_database! {
    async fn files_of_the_folder_are_one_declaration_and_a_change_is_live_soon(shop) {
        let folder = tempfile::tempdir().expect("a folder for the test");
        write(folder.path(), "a.toml", off("a", 100));
        write(folder.path(), "tessera.toml", "this = \"is the host's own\"");
        write(folder.path(), ".b.toml.swp", "an editor's");
        let watching = watch::start(&shop.host, folder.path()).await.expect("it is watched");
        assert_eq!(total(&shop).await, 1_900, "live when the host starts to answer");
        write(folder.path(), "b.toml", off("b", 30));
        becomes(&shop, 1_870).await;
        // A sale that began before the change ends as it was shown.
        let shown = quote(&shop).await;
        write(folder.path(), "a.toml", off("a", 500));
        becomes(&shop, 1_470).await;
        let order = shop.commit(shown["id"].as_str().expect("an id")).await.ok();
        assert_eq!(order["totals"]["total"], 1_870);
        // A deleted file takes its bindings with it.
        std::fs::remove_file(folder.path().join("a.toml")).expect("the file is removed");
        becomes(&shop, 1_970).await;
        let revision = shop.get("/v1/configuration", &shop.admin).await.ok()["revision"].clone();
        assert_eq!((&revision["author"], &revision["source"]), (&json!("watch"), &json!("b.toml")));
        // An emptied folder ends nothing: it may be a mount that is not there.
        std::fs::remove_file(folder.path().join("b.toml")).expect("the file is removed");
        faults(&shop, true).await;
        assert_eq!(total(&shop).await, 1_970);
        write(folder.path(), "c.toml", "");
        becomes(&shop, 2_000).await;
        watching.abort();
        shop.verify().await;
    }

    async fn a_mistake_changes_nothing_is_told_and_is_gone_when_mended(shop) {
        let folder = tempfile::tempdir().expect("a folder for the test");
        write(folder.path(), "a.toml", off("a", 100));
        let watching = watch::start(&shop.host, folder.path()).await.expect("it is watched");
        write(folder.path(), "a.toml", "[[binding]\nname = \"a\"\n");
        assert_eq!(faults(&shop, true).await, ["a.toml:1 "]);
        assert_eq!(total(&shop).await, 1_900);
        write(folder.path(), "a.toml", off("a", 200));
        becomes(&shop, 1_800).await;
        assert!(faults(&shop, false).await.is_empty());
        write(folder.path(), "b.toml", off("a", 1));
        assert_eq!(faults(&shop, true).await, ["b.toml:2 binding[0].name"]);
        let status = shop.get("/v1/status", &shop.admin).await.ok();
        assert_eq!(status["problem"]["faults"][0]["file"], "b.toml");
        assert_eq!(status["bindings"], 1);
        write(folder.path(), "b.toml", off("b", 1));
        becomes(&shop, 1_799).await;
        watching.abort();
    }

    async fn a_dropped_component_goes_live_only_where_a_binding_admits_it(shop) {
        let folder = tempfile::tempdir().expect("a folder for the test");
        // Its own name, so that other tests of the process do not see its releases.
        let name = format!("dropped-{:?}", shop.database).to_lowercase();
        let release = |version: &str, permissions: &[&str]| {
            with_manifest(first_party("promo-standard"), |manifest| {
                manifest["name"] = json!(name);
                manifest["version"] = json!(version);
                manifest["permissions"] = json!(permissions);
            })
        };
        let binding = |version: &str, cents: u32| {
            off("dropped", cents).replace("promo-standard\"", &format!("{name}\"\nversion = \"{version}\""))
        };
        write(folder.path(), "a.toml", binding("^1.0", 100));
        let watching = watch::start(&shop.host, folder.path()).await.expect("it is watched");
        assert_eq!(faults(&shop, true).await, ["a.toml:3 binding[0].plugin"]);
        write(folder.path(), "rule.wasm", b"no component");
        write(folder.path(), "rule.wasm", release("1.0.0", &[]));
        // The declaration waited for the plugin.
        becomes(&shop, 1_900).await;
        assert!(faults(&shop, false).await.is_empty());
        let version = async || {
            let listed = shop.get("/v1/bindings", &shop.admin).await.ok();
            let digest = listed[0]["digest"].as_str().expect("a digest").to_owned();
            let plugin = shop.get(&format!("/v1/plugins/{digest}"), &shop.admin).await.ok();
            plugin["version"].as_str().expect("a version").to_owned()
        };
        let becomes_version = async |expected: &str| {
            let began = Instant::now();
            while version().await != expected {
                assert!(began.elapsed() < PATIENCE, "it stays {} instead of {expected}", version().await);
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        write(folder.path(), "rule-1.1.wasm", release("1.1.0", &[]));
        becomes_version("1.1.0").await;
        // Out of range: installed, not live.
        write(folder.path(), "rule-2.wasm", release("2.0.0", &[]));
        // It asks for more than was granted: installed, not live, and told.
        write(folder.path(), "rule-1.2.wasm", release("1.2.0", &["cost"]));
        assert_eq!(faults(&shop, true).await, ["rule-1.2.wasm:null "]);
        let installed = shop.get("/v1/plugins", &shop.admin).await.ok();
        let ours = installed.as_array().expect("a list").iter().filter(|plugin| plugin["name"] == *name).count();
        assert_eq!(ours, 4);
        assert_eq!(version().await, "1.1.0");
        // Granted, it goes live, and there is nothing left to tell.
        write(folder.path(), "a.toml", format!("{}granted = [\"cost\"]\n", binding("^1.0", 100)));
        becomes_version("1.2.0").await;
        assert!(faults(&shop, false).await.is_empty());
        watching.abort();
    }

    async fn a_rollback_lasts_until_the_folder_changes_and_over_a_restart(shop) {
        let folder = tempfile::tempdir().expect("a folder for the test");
        write(folder.path(), "a.toml", off("a", 100));
        let watching = watch::start(&shop.host, folder.path()).await.expect("it is watched");
        write(folder.path(), "a.toml", off("a", 200));
        becomes(&shop, 1_800).await;
        shop.post("/v1/configuration", &shop.admin, json!({ "rollback": 1 })).await.ok();
        assert_eq!(total(&shop).await, 1_900);
        watching.abort();
        let shop = shop.restart().await;
        let watching = watch::start(&shop.host, folder.path()).await.expect("it is watched");
        assert_eq!(total(&shop).await, 1_900);
        write(folder.path(), "a.toml", off("a", 300));
        becomes(&shop, 1_700).await;
        watching.abort();
    }
}

#[test]
fn the_program_watches_a_folder_beside_its_own_settings() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let (data, config) = (folder.path().join("chain"), folder.path().join("config"));
    std::fs::create_dir(&data).expect("a folder for the test");
    std::fs::create_dir(&config).expect("a folder for the test");
    let key = init(&data);
    write(&config, "tessera.toml", "[writer]\nqueue = 128\n");
    write(&config, "rules.toml", off("a", 100));
    let path = config.to_str().expect("a path");
    let running = Running::start_with(&data, &["--config", path]);
    asked(
        running.address,
        "POST",
        "/v1/products",
        &key,
        &json!({
            "id": "tea", "sku": "tea", "name": "Tea", "category": "drinks", "unit": "piece", "currency": "CNY",
            "price": 1_200, "tax_class": "standard",
        }),
    );
    let basket = json!({ "store": "store-1", "lines": [{ "product": "tea" }], "tenders": [{ "kind": "cash" }] });
    let total =
        || asked(running.address, "POST", "/v1/quotes", &key, &basket)["totals"]["total"].clone();
    assert_eq!(total(), 1_100);
    write(&config, "rules.toml", off("a", 200));
    let began = Instant::now();
    while total() != 1_000 {
        assert!(began.elapsed() < PATIENCE, "the change is not live");
        std::thread::sleep(Duration::from_millis(20));
    }
    write(&config, "rules.toml", "nonsense = 1\n");
    let began = Instant::now();
    let said = loop {
        let said = run(&["status"], &data);
        if said.contains("rules.toml:1: nonsense: ") {
            break said;
        }
        assert!(began.elapsed() < PATIENCE, "{said}");
    };
    assert!(said.contains("revision 2"), "{said}");
    assert_eq!(total(), 1_000);
}
