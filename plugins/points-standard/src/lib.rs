//! Points by money, unit, order and visit, with multipliers, steps and caps, and points for events.
//!
//! `config.rs` is what the merchant sets and `check.rs` what contradicts itself in it; each part of it stands in a
//! file of its own with what follows from it. `basket.rs` finds the money that earns, `sale.rs` and `event.rs` answer.

mod basket;
mod bonus;
mod caps;
mod check;
mod config;
mod event;
mod expiry;
mod multiplier;
mod sale;
mod steps;
mod sum;
mod units;

use tessera_sdk::goods::BRAND;
use tessera_sdk::points::{Facts, PointsRule, Proposal, Trigger};
use tessera_sdk::prelude::*;

pub use bonus::Bonus;
pub use caps::Caps;
pub use config::{Config, EarnOn, PointsPer, RoundPer};
pub use event::{Event, EventName};
pub use expiry::{CalendarUnit, EndOf};
pub use multiplier::{
    BrandMultiplier, CategoryMultiplier, Combine, MarginMultiplier, ProductMultiplier,
    TagMultiplier,
};
pub use steps::{Level, StepMode, Steps};
pub use units::UnitPoints;

/// The rule.
#[derive(Debug)]
pub struct PointsStandard;

tessera_sdk::export!(
    points: PointsStandard,
    messages: {
        "en" => include_str!("../messages/en.toml"),
        "zh-CN" => include_str!("../messages/zh-CN.toml"),
    },
    permissions: ["cost"],
);

impl PointsRule for PointsStandard {
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
        let mut needs = config.goods.needs(caps::counters(config, Needs::amounts()));
        needs.products |= !config.products.is_empty();
        needs.categories |= !config.categories.is_empty();
        needs.tags |= !config.tags.is_empty();
        for units in &config.per_unit {
            needs = units.goods.needs(needs);
        }
        if !config.brands.is_empty() && needs.attributes.is_empty() {
            needs = needs.attribute(BRAND);
        }
        if config.needs_cost() {
            needs = needs.cost();
        }
        needs = needs.only_for_tiers(config.who.tiers.iter().cloned());
        // Below a minimum it says what is missing, whatever the goods.
        if config.minimum.is_positive() {
            needs
        } else {
            config.goods.only_with(needs)
        }
    }

    fn evaluate(config: &Config, facts: &Facts) -> Result<Proposal, String> {
        let facts = &*caps::in_turn(config, facts)?;
        let today = facts.order.business_date;
        if facts.trigger == Trigger::Refund
            || !config.when.covers(&facts.order)
            || !config.who.admits_member(&facts.member, today)
        {
            return Ok(Proposal::none());
        }
        let proposal = if facts.trigger == Trigger::Sale {
            sale::propose(config, facts)?
        } else {
            event::propose(config, facts)?
        };
        let proposal = caps::within(config, facts, proposal)?;
        caps::count_first_order(config, facts, proposal)
    }
}
