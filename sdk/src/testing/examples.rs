//! The examples a plugin's README gives.

use super::contract::{Answer, RuleOf, config_problems};
use crate::Exported;

/// Panics unless every TOML example of a README is a configuration the rule accepts, and there are at least
/// `least` of them.
#[track_caller]
pub fn assert_examples<R: Exported>(readme: &str, least: usize)
where
    R::Facts: RuleOf<R, Answer = R::Answer>,
    R::Answer: Answer<R::Facts>,
{
    let examples = readme.split("```toml").skip(1);
    let examples: Vec<&str> = examples
        .filter_map(|rest| rest.split("```").next())
        .collect();
    for example in &examples {
        let config: toml::Value =
            toml::from_str(example).unwrap_or_else(|error| panic!("{error}:\n{example}"));
        let json = serde_json::to_string(&config).expect("TOML has a JSON form");
        let problems = config_problems::<R>(&json);
        assert!(problems.is_empty(), "{problems:#?} in\n{example}");
    }
    assert!(
        examples.len() >= least,
        "{} examples, at least {least} were wanted",
        examples.len()
    );
}
