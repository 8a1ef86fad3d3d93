//! The points of a sale.

use tessera_sdk::points::{Award, Facts, NearMiss, Proposal};
use tessera_sdk::prelude::*;

use crate::basket::Basket;
use crate::bonus::extra;
use crate::caps;
use crate::config::{Config, PointsPer, RoundPer};
use crate::expiry::Days;
use crate::sum::Sum;

/// Answers the points of one sale.
pub fn propose(config: &Config, facts: &Facts) -> Result<Proposal, String> {
    let basket = Basket::read(config, facts)?;
    let share = config.share(Money(facts.amount), |kind| facts.tendered(kind))?;
    let spent = basket.spent.mul_rate(share, Rounding::Down)?;
    if spent < config.minimum {
        let missing = config.minimum.checked_sub(spent)?;
        let reason = message!("minimum", missing = missing);
        return Ok(Proposal::none().near_miss(NearMiss::missing(reason, missing)));
    }
    if !spent.is_positive() {
        return Ok(Proposal::none());
    }
    let sale = Sale {
        config,
        facts,
        basket: &basket,
        share,
        spent,
        factors: Factors::of(config, facts, spent)?,
        days: Days::of(config, facts, config.pending_days),
    };
    let mut proposal = Proposal::none();
    if let Some(per) = config.points_per {
        sale.award_money(per, &mut proposal)?;
    }
    sale.award_fixed(&mut proposal)?;
    let near_miss = config.steps.as_ref().map(|steps| steps.near_miss(spent));
    proposal
        .near_misses
        .extend(near_miss.transpose()?.flatten());
    Ok(proposal)
}

/// What the whole order's money counts for, one multiplier after the other.
struct Factors {
    /// With the step, and with all that lowers it.
    step: Rate,
    /// With the tier too.
    tier: Rate,
    /// With the bonuses too.
    all: Rate,
    /// Those that lower it alone.
    low: Rate,
    /// Tier and bonuses together.
    personal: Rate,
    tier_alone: Rate,
    bonus_alone: Rate,
    bonus_points: Points,
}

impl Factors {
    fn of(config: &Config, facts: &Facts, spent: Money) -> Result<Factors, Overflow> {
        let step = match &config.steps {
            Some(steps) => steps.multiplier(spent)?,
            None => Rate::ONE,
        };
        let tier = if config.tier_multiplier {
            facts.member.multiplier().max(Rate::ZERO)
        } else {
            Rate::ONE
        };
        let bonus = extra(config, facts)?;
        let personal = if bonus.multiplier == Rate::ONE {
            tier
        } else if tier == Rate::ONE {
            bonus.multiplier
        } else {
            config.tier_and_bonus.join(tier, bonus.multiplier)?
        };
        let low = step.min(Rate::ONE).times(personal.min(Rate::ONE))?;
        let with_step = low.times(step.max(Rate::ONE))?;
        let most = personal.max(Rate::ONE);
        Ok(Factors {
            step: with_step,
            tier: with_step.times(tier.max(Rate::ONE).min(most))?,
            all: with_step.times(most)?,
            low,
            personal,
            tier_alone: tier,
            bonus_alone: bonus.multiplier,
            bonus_points: bonus.points,
        })
    }
}

struct Sale<'a> {
    config: &'a Config,
    facts: &'a Facts,
    basket: &'a Basket,
    /// The part of the order that is not paid with excluded tenders.
    share: Rate,
    /// The money that earns.
    spent: Money,
    factors: Factors,
    days: Days,
}

impl Sale<'_> {
    /// Splits the points for money by what they are for. Each step is rounded as a whole and awards what it adds to
    /// the step before, so the awards sum to the points of the last step exactly.
    fn award_money(&self, per: PointsPer, proposal: &mut Proposal) -> Result<(), Overflow> {
        let (factors, spent) = (&self.factors, self.spent);
        let plain = self.points(per, false, factors.low)?;
        self.give(
            proposal,
            plain,
            |points| message!("earned", points = points, amount = spent),
            || self.basket.positions().collect(),
        );
        let multiplied = self.points(per, true, factors.low)?;
        self.give(
            proposal,
            multiplied.checked_sub(plain)?,
            |points| message!("items", points = points),
            || self.basket.extra_positions().collect(),
        );
        let mut before = (factors.low, multiplied);
        let mut further =
            |proposal: &mut Proposal, rate: Rate, reason: &dyn Fn(Points) -> Message| {
                if rate == before.0 {
                    return Ok(());
                }
                let points = self.points(per, true, rate)?;
                let more = points.checked_sub(before.1)?;
                self.give(proposal, more, reason, || {
                    self.basket.all_positions(self.facts)
                });
                before = (rate, points);
                Ok::<(), Overflow>(())
            };
        further(proposal, factors.step, &|points| {
            message!("step", points = points, amount = spent)
        })?;
        let name = self.facts.member.tier.as_deref().unwrap_or_default();
        further(proposal, factors.tier, &|points| {
            message!(
                "tier",
                points = points,
                tier = name,
                multiplier = factors.tier_alone
            )
        })?;
        further(proposal, factors.all, &|points| {
            message!("bonus", points = points, multiplier = factors.bonus_alone)
        })
    }

    /// The points for the money, with or without the lines' multipliers, times a factor.
    fn points(&self, per: PointsPer, multiplied: bool, factor: Rate) -> Result<Points, Overflow> {
        let config = self.config;
        let rounded =
            |money: Sum| money.points(per, &[self.share, factor], config.rounding, config.round_to);
        if config.round_per == RoundPer::Order {
            return rounded(if multiplied {
                self.basket.multiplied
            } else {
                self.basket.plain
            });
        }
        self.basket
            .lines
            .iter()
            .try_fold(Points::ZERO, |sum, line| {
                let mut money = Sum::default();
                let multiplier = if multiplied {
                    line.multiplier
                } else {
                    line.multiplier.min(Rate::ONE)
                };
                money.add(line.money, multiplier)?;
                sum.checked_add(rounded(money)?)
            })
    }

    /// Points that do not grow with the money.
    fn award_fixed(&self, proposal: &mut Proposal) -> Result<(), String> {
        let config = self.config;
        let times = if config.multiply_fixed {
            self.factors.personal
        } else {
            Rate::ONE
        };
        for units in &config.per_unit {
            let positions = self.basket.positions();
            let award = units.award(self.facts, positions, times, config.rounding)?;
            proposal
                .awards
                .extend(award.map(|award| self.days.set(award)));
        }
        let step = config.steps.as_ref();
        let step_points = step
            .and_then(|steps| steps.reached(self.spent))
            .map_or(Points::ZERO, |level| level.points);
        let first_visit = config.per_visit.is_positive() && caps::is_first_visit(self.facts)?;
        for (points, key) in [
            (step_points, "step-points"),
            (config.per_order, "order"),
            (
                if first_visit {
                    config.per_visit
                } else {
                    Points::ZERO
                },
                "visit",
            ),
            (self.factors.bonus_points, "bonus-points"),
        ] {
            if points.is_positive() {
                let points = points.mul_rate(times, config.rounding)?;
                let reason = |points| message!(key, points = points);
                self.give(proposal, points, reason, || {
                    self.basket.all_positions(self.facts)
                });
            }
        }
        if first_visit {
            proposal.counters.push(tessera_sdk::types::CounterChange {
                counter: 0,
                change: 1,
            });
        }
        Ok(())
    }

    fn give(
        &self,
        proposal: &mut Proposal,
        points: Points,
        reason: impl Fn(Points) -> Message,
        lines: impl FnOnce() -> Vec<u32>,
    ) {
        if points.is_positive() {
            let award = Award::new(points, reason(points)).on_lines(lines());
            proposal.awards.push(self.days.set(award));
        }
    }
}
