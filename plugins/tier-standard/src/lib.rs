//! Tiers by what a member bought: up when he reaches one, down after its validity.
//!
//! `config.rs` is what the merchant sets and `check.rs` what contradicts itself in it; `measure.rs` says what tiers
//! count, `validity.rs` how long they last, `rule.rs` what follows.

mod check;
mod config;
mod measure;
mod rule;
mod validity;

pub use config::*;
pub use measure::{Also, Counted, Several};

use tessera_sdk::tiers::{Decision, Facts, TierRule};
use tessera_sdk::types::{ConfigProblem, Needs};

/// The rule this crate exports.
#[derive(Debug)]
pub struct TierStandard;

impl TierRule for TierStandard {
    type Config = Config;

    fn check(config: &Config) -> Result<(), Vec<ConfigProblem>> {
        let problems = check::problems(config);
        if problems.is_empty() {
            Ok(())
        } else {
            Err(problems)
        }
    }

    fn needs(config: &Config) -> Needs {
        config.needs()
    }

    fn evaluate(config: &Config, facts: &Facts) -> Result<Decision, String> {
        rule::decide(config, facts)
    }
}

tessera_sdk::export!(
    tier: TierStandard,
    messages: {
        "en" => include_str!("../messages/en.toml"),
        "zh-CN" => include_str!("../messages/zh-CN.toml"),
    },
);
