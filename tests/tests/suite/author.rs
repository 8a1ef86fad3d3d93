//! A rule crate outside this workspace, written from the SDK's manual alone: built, checked, installed, bound to one
//! store with the program's own commands, and seen in a quote.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tessera_tests::process::{Running, asked, init, run};

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The first block of a language in the manual.
fn block<'a>(manual: &'a str, language: &str) -> &'a str {
    let opening = format!("```{language}\n");
    let (_, rest) = manual.split_once(&opening).expect("a block");
    rest.split_once("```").expect("its end").0
}

/// Writes the manual's crate, with the SDK where it is on this machine.
fn write_crate(folder: &Path) {
    let manual = std::fs::read_to_string(repository().join("sdk/README.md")).expect("the manual");
    let sdk = repository().join("sdk").canonicalize().expect("the SDK");
    let manifest = block(&manual, "toml").replace("../tessera/sdk", &sdk.display().to_string());
    let (rule, _) = block(&manual, "rust")
        .split_once("# fn main()")
        .expect("the rule ends there");
    std::fs::create_dir_all(folder.join("src")).expect("a folder");
    std::fs::write(folder.join("Cargo.toml"), manifest).expect("Cargo.toml");
    std::fs::write(folder.join("src/lib.rs"), rule).expect("lib.rs");
    // The versions this repository is tested with.
    std::fs::copy(repository().join("Cargo.lock"), folder.join("Cargo.lock")).expect("Cargo.lock");
}

#[test]
fn a_crate_written_from_the_manual_is_built_installed_bound_to_one_store_and_seen_in_a_quote() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let (data, source) = (
        folder.path().join("chain"),
        folder.path().join("happy-hour"),
    );
    std::fs::create_dir(&data).expect("a folder for the chain");
    let key = init(&data);
    write_crate(&source);
    let path = source.to_str().expect("a plain path");
    let component = format!("{path}/happy-hour.wasm");
    assert!(run(&["plugin", "build", path], &data).contains("happy-hour 0.1.0"));
    run(&["plugin", "check", &component], &data);
    run(&["plugin", "install", &component], &data);
    let bind = [
        "binding",
        "add",
        "happy-hour",
        "--scope",
        "store:store-1",
        "--with",
        r#"{"spend": 100}"#,
    ];
    run(&bind, &data);

    let running = Running::start(&data);
    let ask =
        |method: &str, path: &str, body: Value| asked(running.address, method, path, &key, &body);
    let mut other = ask("GET", "/v1/stores/store-1", json!({}));
    for field in ["id", "version"] {
        other.as_object_mut().expect("an object").remove(field);
    }
    ask("PUT", "/v1/stores/store-2", other);
    let tea = json!({
        "id": "tea", "sku": "tea", "name": "Tea", "category": "drinks", "unit": "piece", "currency": "CNY",
        "price": 1_250, "tax_class": "standard",
    });
    ask("POST", "/v1/products", tea);
    let member = ask("POST", "/v1/members", json!({ "home_store": "store-1" }));
    let quote = |store: &str| {
        let basket = json!({
            "store": store, "member": { "id": member["id"] },
            "lines": [{ "sku": "tea", "quantity": "2" }], "tenders": [{ "kind": "cash" }],
        });
        ask("POST", "/v1/quotes", basket)
    };
    // 25.00 at one point per 1.00.
    let bound = quote("store-1");
    assert_eq!(bound["totals"]["points_earned"], 25, "{bound}");
    assert!(bound.to_string().contains("25 points for"), "{bound}");
    assert_eq!(quote("store-2")["totals"]["points_earned"], 0);
}
