//! A stamp card: every so many-th piece of the same goods is free.
//!
//! `config.rs` is what the merchant sets, `rule.rs` what follows from it.

mod config;
mod rule;

pub use config::*;

use tessera_sdk::promotions::{Facts, PromotionRule, Proposal};
use tessera_sdk::types::{ConfigProblem, CounterPeriod, CounterScope, Needs};

/// The rule this crate exports.
#[derive(Debug)]
pub struct StampCard;

impl PromotionRule for StampCard {
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
        let needs = Needs::amounts().counter(
            "stamps",
            CounterScope::Member,
            CounterPeriod::Lifetime,
            None,
        );
        config.goods.needs(needs)
    }

    fn evaluate(config: &Config, facts: &Facts) -> Result<Proposal, String> {
        rule::stamp(config, facts)
    }
}

tessera_sdk::export!(
    promotion: StampCard,
    messages: {
        "en" => include_str!("../messages/en.toml"),
        "zh-CN" => include_str!("../messages/zh-CN.toml"),
    },
);
