//! Points for both sides of a referral, when the new member buys.
//!
//! `config.rs` is what the merchant sets and `check.rs` what contradicts itself in it; `counts.rs` knows what a referrer
//! was paid so far, `rule.rs` says what follows.

mod check;
mod config;
mod counts;
mod rule;

pub use config::*;

use tessera_sdk::referrals::{Facts, Proposal, ReferralRule};
use tessera_sdk::types::{ConfigProblem, Measure, Needs, Window};

/// The rule this crate exports.
#[derive(Debug)]
pub struct ReferralStandard;

impl ReferralRule for ReferralStandard {
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
        let needs = config.counters(Needs::none());
        match config.minimum_of {
            MinimumOf::Order => needs,
            MinimumOf::Total => needs.aggregate(Measure::Spend, Window::Lifetime),
        }
    }

    fn evaluate(config: &Config, facts: &Facts) -> Result<Proposal, String> {
        rule::reward(config, facts)
    }
}

tessera_sdk::export!(
    referral: ReferralStandard,
    messages: {
        "en" => include_str!("../messages/en.toml"),
        "zh-CN" => include_str!("../messages/zh-CN.toml"),
    },
);
