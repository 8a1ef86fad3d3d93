//! Promotions: what comes off, on what goods, from what minimum, when and for whom.
//!
//! `config.rs` is what the merchant sets and `check.rs` what contradicts itself in it. `rule.rs` asks whether the
//! promotion applies; each kind of discount has a file with its settings and what it takes off; `floor.rs` keeps a
//! line's least price and `words.rs` says it all.

mod basket;
mod bundle;
mod buy_get;
mod check;
mod config;
mod discount;
mod floor;
mod gift;
mod grant;
mod price;
mod rule;
mod steps;
mod words;

pub use bundle::{Bundle, Part, Take};
pub use buy_get::{BuyGet, Repeat, Spread, Which};
pub use config::*;
pub use gift::Gift;
pub use grant::{Coupons, Draw};
pub use price::{FixedPrice, ListPrice, PriceList};
pub use steps::{By, Level, Mode, Steps};

use tessera_sdk::promotions::{Facts, PromotionRule, Proposal};
use tessera_sdk::types::{ConfigProblem, CounterPeriod, CounterScope, Needs};

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
        let mut needs = config.goods.needs(Needs::amounts());
        match &config.discount {
            Kind::BuyGet(rule) => needs = rule.get_goods.needs(needs),
            Kind::PriceList(_) => needs = needs.products(),
            Kind::Gift(rule) => needs = rule.choice.needs(needs),
            Kind::Bundle(rule) => {
                for part in &rule.parts {
                    needs = part.goods.needs(needs);
                }
            }
            _ => {}
        }
        if config.limit.times > 0 {
            let period = config.limit.period.of_counter();
            let limit = Some(config.limit.times.into());
            needs = needs.counter("uses", CounterScope::Member, period, limit);
        }
        if config.limit.units > 0 {
            let period = config.limit.period.of_counter();
            let limit = Some(i64::from(config.limit.units) * 1_000);
            needs = needs.counter("units", CounterScope::Member, period, limit);
        }
        if config.who.first_order {
            let period = CounterPeriod::Lifetime;
            needs = needs.counter("first-orders", CounterScope::Member, period, Some(1));
        }
        if config.floor.is_some_and(|floor| floor.margin.is_some()) {
            needs = needs.cost();
        }
        if config.trigger == Trigger::Code {
            needs = needs.only_with_code();
        }
        let tenders = config.paid_with.iter().flat_map(|paid| &paid.tenders);
        config
            .goods
            .only_with(needs)
            .only_for_tiers(config.who.tiers.iter().cloned())
            .only_paid_with(tenders.map(|tender| tender.kind()))
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
    permissions: ["cost"],
);
