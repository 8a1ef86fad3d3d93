//! What the merchant reads: the schema of the configuration and the examples of the README.

use referral_standard::{Config, ReferralStandard};
use tessera_sdk::testing::{assert_defaults, assert_documented, config_problems};

#[test]
fn every_setting_has_a_title_a_description_and_a_default() {
    assert_documented::<Config>();
}

#[test]
fn the_defaults_shown_are_those_that_hold() {
    assert_defaults::<Config>(r#"{}"#);
    assert_defaults::<Config>(
        r#"{"referee_per": {"spend": 1, "points": 1}, "when": {}, "referees": {}, "referrers": {}}"#,
    );
}

#[test]
fn the_example_of_the_readme_is_accepted() {
    let readme = include_str!("../../README.md");
    let example = readme
        .split("```toml")
        .nth(1)
        .and_then(|rest| rest.split("```").next())
        .expect("an example");
    let config: toml::Value = toml::from_str(example).expect("TOML");
    let json = serde_json::to_string(&config).expect("JSON");
    assert_eq!(config_problems::<ReferralStandard>(&json), []);
}
