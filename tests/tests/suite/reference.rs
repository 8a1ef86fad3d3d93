//! The page of settings in `config/` says what the plugins' own schemas say.

use std::path::Path;

use tessera::domain::settings::CheckoutSettings;
use tessera::reference;
use tessera_tests::process::unread;

#[test]
fn the_reference_of_settings_is_what_the_plugins_say() {
    let manifests: Vec<_> = tessera_embed::all()
        .iter()
        .map(|embedded| tessera_build::read_manifest(embedded.bytes).expect("a manifest"))
        .collect();
    let made = reference::page(&manifests) + &reference::chain();
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/reference.md");
    let kept = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        made == kept,
        "config/reference.md is not what `tessera plugin reference` prints; write it anew"
    );
    assert!(
        made.matches("\n| `").count() > 120,
        "it names every setting"
    );
    for row in made.lines() {
        assert!(!row.contains('…'), "a setting has no example: {row}");
    }
}

#[test]
fn every_example_of_a_chains_setting_can_be_set() {
    let schema = reference::checkout_schema();
    let settings = schema["properties"].as_object().expect("settings");
    assert!(settings.len() > 20);
    for (name, setting) in settings {
        let mut only = serde_json::Map::new();
        only.insert(name.clone(), reference::example(setting));
        let only = serde_json::Value::Object(only);
        let set: CheckoutSettings = serde_json::from_value(only.clone()).expect(name);
        set.validate().expect(name);
    }
}

#[test]
fn a_command_whose_output_nobody_reads_ends_quietly() {
    let (code, complaint) = unread(&["plugin", "reference"]);
    assert_eq!((code, complaint.as_str()), (Some(141), ""));
}
