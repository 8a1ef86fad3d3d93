//! Tiers by what a member spent over the last days: up at once, down after validity.
//!
//! `config.rs` is what the merchant sets, `rule.rs` what follows from it.

mod config;
mod rule;

pub use config::*;

use tessera_sdk::tiers::{Decision, Facts, TierRule};
use tessera_sdk::types::{ConfigProblem, Measure, Needs, Window};

/// The rule this crate exports.
#[derive(Debug)]
pub struct TierStandard;

impl TierRule for TierStandard {
    type Config = Config;

    fn check(config: &Config) -> Result<(), Vec<ConfigProblem>> {
        let problems = config.problems();
        if problems.is_empty() {
            Ok(())
        } else {
            Err(problems)
        }
    }

    fn needs(config: &Config) -> Needs {
        Needs::none().aggregate(Measure::Spend, Window::RollingDays(config.window_days))
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
