//! Percentages, amounts off and buy-X-get-Y: on what goods, from what minimum, when and for whom.
//!
//! `config.rs` is what the merchant sets and `check.rs` what contradicts itself in it. `rule.rs` asks whether the
//! promotion applies, `discount.rs` and `buy_get.rs` what it takes off, `words.rs` says so.

mod basket;
mod buy_get;
mod check;
mod config;
mod discount;
mod rule;
mod words;

pub use config::*;

use tessera_sdk::promotions::{Facts, PromotionRule, Proposal};
use tessera_sdk::types::{ConfigProblem, CounterScope, Needs};

/// The rule this crate exports.
#[derive(Debug)]
pub struct PromoStandard;

impl PromotionRule for PromoStandard {
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
        match config.limit.times {
            0 => Needs::none(),
            times => {
                let period = config.limit.period.of_counter();
                Needs::none().counter("uses", CounterScope::Member, period, Some(times.into()))
            }
        }
    }

    fn evaluate(config: &Config, facts: &Facts) -> Result<Proposal, String> {
        rule::promote(config, facts)
    }
}

tessera_sdk::export!(
    promotion: PromoStandard,
    messages: {
        "en" => include_str!("../messages/en.toml"),
        "zh-CN" => include_str!("../messages/zh-CN.toml"),
    },
);
