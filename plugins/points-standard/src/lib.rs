//! Points by money, with multipliers by category, tag and tier.

mod config;
mod sum;

use tessera_sdk::points::{Award, Facts, NearMiss, PointsRule, Proposal, Trigger};
use tessera_sdk::prelude::*;

pub use config::{Combine, Config, EarnOn, PointsPer, TenderName};
use sum::Sum;

/// The rule.
#[derive(Debug)]
pub struct PointsStandard;

tessera_sdk::export!(
    points: PointsStandard,
    messages: {
        "en" => include_str!("../messages/en.toml"),
        "zh-CN" => include_str!("../messages/zh-CN.toml"),
    },
);

impl PointsRule for PointsStandard {
    type Config = Config;

    fn check(config: &Config) -> Result<(), Vec<ConfigProblem>> {
        config.check()
    }

    fn evaluate(config: &Config, facts: &Facts) -> Result<Proposal, String> {
        if facts.trigger != Trigger::Sale || !config.when.covers(&facts.order) {
            return Ok(Proposal::none());
        }
        let basket = Basket::read(config, facts)?;
        let spent = config.counted(basket.spent, facts)?;
        if spent < config.minimum {
            let missing = config.minimum.checked_sub(spent)?;
            let reason = message!("minimum", missing = missing);
            return Ok(Proposal::none().near_miss(NearMiss::missing(reason, missing)));
        }
        propose(config, facts, &basket, spent)
    }
}

/// The money of a basket that earns points, plain and with its multipliers.
struct Basket {
    /// Without multipliers.
    spent: Money,
    /// With those multipliers that lower it.
    plain: Sum,
    /// With all of them.
    multiplied: Sum,
    /// Positions of the lines that earn, and of those that earn extra.
    lines: Vec<u32>,
    extra: Vec<u32>,
}

impl Basket {
    fn read(config: &Config, facts: &Facts) -> Result<Basket, Overflow> {
        let mut basket = Basket {
            spent: Money::ZERO,
            plain: Sum::default(),
            multiplied: Sum::default(),
            lines: Vec::with_capacity(facts.lines.len()),
            extra: Vec::new(),
        };
        if facts.lines.is_empty() {
            basket.add(Money(facts.amount), Rate::ONE)?;
        }
        for line in facts.lines() {
            let multiplier = config.multiplier(&line)?;
            let money = config.money(&line, facts.order.prices_include_tax)?;
            if multiplier.is_zero() || !money.is_positive() {
                continue;
            }
            basket.add(money, multiplier)?;
            basket.lines.push(line.position());
            if multiplier > Rate::ONE {
                basket.extra.push(line.position());
            }
        }
        Ok(basket)
    }

    fn add(&mut self, money: Money, multiplier: Rate) -> Result<(), Overflow> {
        self.spent = self.spent.checked_add(money)?;
        self.plain.add(money, multiplier.min(Rate::ONE))?;
        self.multiplied.add(money, multiplier)
    }
}

/// Splits the points by what they are for. Each step is rounded as a whole and awards what it adds to
/// the step before, so the awards sum to the points of the last step exactly.
fn propose(
    config: &Config,
    facts: &Facts,
    basket: &Basket,
    spent: Money,
) -> Result<Proposal, String> {
    let tier = config.tier_rate(facts);
    let share = config.share(facts)?;
    let points = |money: &Sum, rate: Rate| {
        money.points(share, config.points_per.rate(), rate, config.rounding)
    };
    let plain = points(&basket.plain, tier.min(Rate::ONE))?;
    let multiplied = points(&basket.multiplied, tier.min(Rate::ONE))?;
    let total = points(&basket.multiplied, tier)?;

    let days = Days::of(config, facts);
    let mut proposal = Proposal::none();
    if plain.is_positive() {
        let reason = message!("earned", points = plain, amount = spent);
        proposal.awards.push(
            days.set(Award::new(plain, reason))
                .on_lines(basket.lines.iter().copied()),
        );
    }
    let items = multiplied.checked_sub(plain)?;
    if items.is_positive() {
        let reason = message!("items", points = items);
        proposal.awards.push(
            days.set(Award::new(items, reason))
                .on_lines(basket.extra.iter().copied()),
        );
    }
    let for_tier = total.checked_sub(multiplied)?;
    if for_tier.is_positive() {
        let name = facts.member.tier.as_deref().unwrap_or_default();
        let reason = message!("tier", points = for_tier, tier = name, multiplier = tier);
        proposal.awards.push(days.set(Award::new(for_tier, reason)));
    }
    Ok(proposal)
}

/// When points can be spent, in days since 1970-01-01.
struct Days {
    available_on: Option<i32>,
    expires_on: Option<i32>,
}

impl Days {
    fn of(config: &Config, facts: &Facts) -> Days {
        let first = facts
            .order
            .business_date
            .saturating_add(config.pending_days.into());
        Days {
            available_on: (config.pending_days > 0).then_some(first),
            expires_on: config
                .expire_after_days
                .map(|days| first.saturating_add(days.into())),
        }
    }

    fn set(&self, award: Award) -> Award {
        Award {
            available_on: self.available_on,
            expires_on: self.expires_on,
            ..award
        }
    }
}

#[cfg(test)]
mod tests;
