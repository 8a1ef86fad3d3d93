//! What the merchant reads: the schema of the configuration and the examples of the README.

use tessera_sdk::testing::{assert_defaults, assert_documented, config_problems};
use tier_standard::{Config, TierStandard};

#[test]
fn every_setting_has_a_title_a_description_and_a_default() {
    assert_documented::<Config>();
}

#[test]
fn the_defaults_shown_are_those_that_hold() {
    assert_defaults::<Config>(r#"{}"#);
    assert_defaults::<Config>(r#"{"tiers": [{"code": "a", "name": "A"}]}"#);
}

#[test]
fn the_examples_of_the_readme_are_accepted() {
    let readme = include_str!("../../README.md");
    let mut count = 0;
    for example in readme.split("```toml").skip(1) {
        let example = example.split("```").next().expect("an end");
        let config: toml::Value = toml::from_str(example).expect(example);
        let json = serde_json::to_string(&config).expect("JSON");
        assert_eq!(config_problems::<TierStandard>(&json), [], "{example}");
        count += 1;
    }
    assert_eq!(count, 2);
}
