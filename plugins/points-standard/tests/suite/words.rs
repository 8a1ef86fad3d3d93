//! What the merchant reads: the schema of the configuration and the examples of the README.

use points_standard::{Config, PointsStandard};
use tessera_sdk::testing::{assert_defaults, assert_documented, assert_examples};

#[test]
fn every_setting_has_a_title_a_description_and_a_default() {
    assert_documented::<Config>();
}

#[test]
fn the_defaults_shown_are_those_that_hold() {
    assert_defaults::<Config>(
        r#"{"points_per": {"spend": 100, "points": 1}, "per_unit": [{"points": 1}], "steps": {"levels": [{"from": 5}]}, "bonuses": [{"points": 5}], "events": [{"on": "birthday", "points": 5}], "caps": {}, "expire_at_end": {"unit": "year"}, "when": {}, "who": {}, "goods": {}}"#,
    );
}

#[test]
fn the_examples_of_the_readme_are_accepted() {
    assert_examples::<PointsStandard>(include_str!("../../README.md"), 2);
}
