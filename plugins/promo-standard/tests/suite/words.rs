//! What the merchant reads: the schema of the configuration and the examples of the README.

use promo_standard::{Config, PromoStandard};
use tessera_sdk::testing::{assert_defaults, assert_documented, assert_examples};

#[test]
fn every_setting_has_a_title_a_description_and_a_default() {
    assert_documented::<Config>();
}

#[test]
fn the_defaults_shown_are_those_that_hold() {
    assert_defaults::<Config>(
        r#"{"discount": {"percent": {"rate": "10%"}}, "goods": {}, "minimum": {}, "when": {}, "who": {}, "limit": {}, "floor": {}, "paid_with": {"tenders": ["cash"]}}"#,
    );
}

#[test]
fn the_examples_of_the_readme_are_accepted() {
    assert_examples::<PromoStandard>(include_str!("../../README.md"), 11);
}
