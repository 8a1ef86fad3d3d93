//! The money of a basket that earns points.

use tessera_sdk::points::Facts;
use tessera_sdk::prelude::*;

use crate::config::{Config, EarnOn};
use crate::multiplier::{Multipliers, margin};
use crate::sum::Sum;

/// What earns, plain and with its multipliers.
pub struct Basket {
    /// Without multipliers.
    pub spent: Money,
    /// With those multipliers that lower it.
    pub plain: Sum,
    /// With all of them.
    pub multiplied: Sum,
    pub lines: Vec<Earning>,
}

/// A line that earns, or the amount of an order without lines.
pub struct Earning {
    pub position: Option<u32>,
    pub money: Money,
    pub multiplier: Rate,
}

impl Basket {
    pub fn read(config: &Config, facts: &Facts) -> Result<Basket, Overflow> {
        let mut basket = Basket {
            spent: Money::ZERO,
            plain: Sum::default(),
            multiplied: Sum::default(),
            lines: Vec::with_capacity(facts.basket.lines.len()),
        };
        if facts.basket.lines.is_empty() {
            basket.add(None, Money(facts.amount), Rate::ONE)?;
        }
        let multipliers = Multipliers::new(config, facts);
        let chosen = (!config.goods.is_everything()).then(|| config.goods.picker(&facts.basket));
        for line in facts.lines() {
            if chosen.as_ref().is_some_and(|chosen| !chosen.picks(line)) {
                continue;
            }
            let net = net(&line, facts.order.prices_include_tax)?;
            let money = match config.earn_on {
                EarnOn::Gross => gross(&line, facts.order.prices_include_tax)?,
                EarnOn::Net => net,
                EarnOn::Margin => margin(line, net)?.unwrap_or(Money::ZERO),
            };
            basket.add(Some(line.position()), money, multipliers.of(line, net)?)?;
        }
        Ok(basket)
    }

    fn add(
        &mut self,
        position: Option<u32>,
        money: Money,
        multiplier: Rate,
    ) -> Result<(), Overflow> {
        if multiplier.is_zero() || !money.is_positive() {
            return Ok(());
        }
        self.spent = self.spent.checked_add(money)?;
        self.plain.add(money, multiplier.min(Rate::ONE))?;
        self.multiplied.add(money, multiplier)?;
        self.lines.push(Earning {
            position,
            money,
            multiplier,
        });
        Ok(())
    }

    /// Positions of the lines that earn.
    pub fn positions(&self) -> impl Iterator<Item = u32> {
        self.lines.iter().filter_map(|line| line.position)
    }

    /// The same; none where every line earns, which says the order as a whole in fewer words.
    pub fn all_positions(&self, facts: &Facts) -> Vec<u32> {
        if self.lines.len() == facts.basket.lines.len() {
            return Vec::new();
        }
        self.positions().collect()
    }

    /// Positions of the lines that earn more than their money alone.
    pub fn extra_positions(&self) -> impl Iterator<Item = u32> {
        let extra = self.lines.iter().filter(|line| line.multiplier > Rate::ONE);
        extra.filter_map(|line| line.position)
    }
}

fn gross(line: &Line, prices_include_tax: bool) -> Result<Money, Overflow> {
    if prices_include_tax {
        Ok(Money(line.amount))
    } else {
        Money(line.amount).checked_add(Money(line.tax))
    }
}

fn net(line: &Line, prices_include_tax: bool) -> Result<Money, Overflow> {
    if prices_include_tax {
        Money(line.amount).checked_sub(Money(line.tax))
    } else {
        Ok(Money(line.amount))
    }
}
