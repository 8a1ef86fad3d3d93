//! What the merchant reads: the schema of the configuration and the examples of the README.

use tessera_sdk::testing::{assert_defaults, assert_documented, assert_examples};
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
    assert_examples::<TierStandard>(include_str!("../../README.md"), 1);
}
