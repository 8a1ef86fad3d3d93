//! What the merchant reads: the schema of the configuration and the examples of the README.

use referral_standard::{Config, ReferralStandard};
use tessera_sdk::testing::{assert_defaults, assert_documented, assert_examples};

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
    assert_examples::<ReferralStandard>(include_str!("../../README.md"), 1);
}
