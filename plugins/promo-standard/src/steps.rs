//! The more is bought, the more comes off.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tessera_sdk::promotions::{Discount, NearMiss};
use tessera_sdk::types::Message;
use tessera_sdk::{Money, Overflow, Rate};

use crate::basket::{Basket, Item, piece_count, worth};
use crate::config::{Config, On, Price};
use crate::discount::once;
use crate::words::{amount_off, missing_amount, missing_pieces, percent_off};

/// Discounts that grow with the worth or the number of pieces.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Steps {
    /// What reaches a step.
    #[serde(default)]
    #[schemars(title = "By")]
    pub by: By,
    /// The steps, lowest first.
    #[schemars(
        title = "Levels",
        length(min = 1, max = 50),
        extend("examples" = [[{"from": 10000, "off": 1000}, {"from": 30000, "off": 5000}]])
    )]
    pub levels: Vec<Level>,
    /// What counts where several steps are reached.
    #[serde(default)]
    #[schemars(title = "Several steps")]
    pub mode: Mode,
    /// What the discount is taken off and what reaches a step: the order, or the goods alone.
    #[serde(default)]
    #[schemars(title = "On")]
    pub on: On,
    /// Which price counts toward a step.
    #[serde(default)]
    #[schemars(title = "Price")]
    pub price: Price,
}

/// One step. It takes off either an amount or a share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Level {
    /// Minor units, or pieces, that reach it.
    #[schemars(title = "From", range(min = 1))]
    pub from: i64,
    /// The amount taken off, in minor units.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(title = "Amount", range(min = 1))]
    pub off: Option<Money>,
    /// The share taken off, more than 0 and at most 100 %.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(title = "Share")]
    pub rate: Option<Rate>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum By {
    /// What is bought is worth so much.
    #[default]
    Amount,
    /// So many pieces are bought; an article sold by weight counts as one.
    Quantity,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// The highest one alone.
    #[default]
    Highest,
    /// All of them together.
    Cumulative,
}

impl Level {
    /// What the customer reads.
    pub fn offer(&self) -> Message {
        match (self.rate, self.off) {
            (Some(rate), _) => percent_off(rate),
            (None, off) => amount_off(off.unwrap_or(Money::ZERO)),
        }
    }

    fn takes(&self, config: &Config, worth: Money) -> Result<Money, Overflow> {
        match self.rate {
            Some(rate) => worth.mul_rate(rate, config.rounding),
            None => Ok(self.off.unwrap_or(Money::ZERO)),
        }
    }
}

impl Steps {
    fn reached(&self, basket: &Basket) -> Result<i64, Overflow> {
        let items: &[Item] = if self.on == On::Order {
            &basket.all
        } else {
            &basket.goods
        };
        match self.by {
            By::Amount => Ok(worth(items, self.price)?.0),
            By::Quantity => piece_count(items),
        }
    }
}

/// The discount of the steps reached, and how far the next one is.
pub fn steps(
    config: &Config,
    rule: &Steps,
    basket: &Basket,
) -> Result<(Vec<Discount>, Option<NearMiss>), Overflow> {
    let reached = rule.reached(basket)?;
    let split = rule.levels.partition_point(|level| level.from <= reached);
    let (below, above) = rule.levels.split_at(split);
    let near_miss = match above.first() {
        Some(next) => near(config, rule, next, reached)?,
        None => None,
    };
    let Some(highest) = below.last() else {
        return Ok((Vec::new(), near_miss));
    };
    let counted = match rule.mode {
        Mode::Highest => std::slice::from_ref(highest),
        Mode::Cumulative => below,
    };
    let off = |worth: Money| {
        let total = counted.iter().try_fold(Money::ZERO, |sum, level| {
            sum.checked_add(level.takes(config, worth)?)
        })?;
        Ok(total.min(worth))
    };
    let discounts = once(config, basket, rule.on, &off, &highest.offer())?;
    Ok((discounts, near_miss))
}

fn near(
    config: &Config,
    rule: &Steps,
    next: &Level,
    reached: i64,
) -> Result<Option<NearMiss>, Overflow> {
    let from = tessera_sdk::mul_rate(
        next.from,
        config.minimum.tell_from,
        tessera_sdk::Rounding::Up,
    )?;
    if reached < from {
        return Ok(None);
    }
    let missing = next.from.checked_sub(reached).ok_or(Overflow)?;
    Ok(Some(match rule.by {
        By::Amount => missing_amount(next.offer(), Money(missing)),
        By::Quantity => missing_pieces(next.offer(), missing),
    }))
}
