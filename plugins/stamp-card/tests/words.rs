//! What the merchant reads: the schema of the configuration and the example of the README.

use stamp_card::{Config, StampCard};
use tessera_sdk::testing::{assert_documented, assert_examples};

#[test]
fn every_setting_has_a_title_a_description_and_a_default() {
    assert_documented::<Config>();
}

#[test]
fn the_example_of_the_readme_is_accepted() {
    assert_examples::<StampCard>(include_str!("../README.md"), 1);
}
