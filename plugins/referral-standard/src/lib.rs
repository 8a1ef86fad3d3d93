//! Points for both sides of a referral, on the new member's first order.
//!
//! `config.rs` is what the merchant sets, `rule.rs` what follows from it.

mod config;
mod rule;

pub use config::*;

use tessera_sdk::referrals::{Facts, Proposal, ReferralRule};
use tessera_sdk::types::{ConfigProblem, CounterScope, Needs};

/// The rule this crate exports.
#[derive(Debug)]
pub struct ReferralStandard;

impl ReferralRule for ReferralStandard {
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
        match config.cap {
            0 => Needs::none(),
            cap => {
                let period = config.cap_period.of_counter();
                Needs::none().counter(
                    "paid-referrals",
                    CounterScope::Member,
                    period,
                    Some(cap.into()),
                )
            }
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
