//! Sets of pieces at a price of their own.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tessera_sdk::goods::Selection;
use tessera_sdk::promotions::Discount;
use tessera_sdk::types::Message;
use tessera_sdk::{Money, Overflow, Rate};

use crate::basket::{Basket, Pieces};
use crate::buy_get::Which;
use crate::config::{Config, Price};
use crate::words::{amount_off, bundle_price, percent_off};

/// Most sets of one basket.
pub const SETS_MAX: u32 = 500;

/// A set of pieces. A piece is part of one set at most.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Bundle {
    /// What a set is made of. Goods sold by weight are no part of one.
    #[schemars(title = "Parts", length(min = 1, max = 20))]
    pub parts: Vec<Part>,
    /// What a set costs or takes off.
    #[schemars(title = "Take", extend("examples" = [{"price": 1000}]))]
    pub take: Take,
    /// Which pieces make the sets where there are more than enough. Those that fit fewer parts go before others.
    #[serde(default = "most_expensive")]
    #[schemars(title = "Which")]
    pub which: Which,
    /// Most sets of one basket.
    #[serde(default = "most")]
    #[schemars(title = "Most sets", range(min = 1, max = 500))]
    pub most: u32,
}

/// Some pieces of a set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// The goods they are taken from: those of the promotion that are named here too, or all of them.
    #[serde(default, skip_serializing_if = "Selection::is_everything")]
    #[schemars(title = "Goods", extend("default" = {}))]
    pub goods: Selection,
    /// How many.
    #[serde(default = "one")]
    #[schemars(title = "Pieces", range(min = 1, max = 1000))]
    pub pieces: u32,
}

/// What a set costs or takes off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Take {
    /// The set costs this much, in minor units; a set that is worth less keeps its price.
    Price(Money),
    /// This much comes off each set, in minor units.
    Off(Money),
    /// This share comes off each set.
    Rate(Rate),
}

fn one() -> u32 {
    1
}

fn most() -> u32 {
    SETS_MAX
}

fn most_expensive() -> Which {
    Which::MostExpensive
}

impl Bundle {
    /// What the customer reads.
    pub fn offer(&self) -> Message {
        let pieces = self.parts.iter().map(|part| i64::from(part.pieces)).sum();
        match self.take {
            Take::Price(price) => bundle_price(pieces, price),
            Take::Off(off) => amount_off(off),
            Take::Rate(rate) => percent_off(rate),
        }
    }

    fn saving(&self, config: &Config, worth: Money) -> Result<Money, Overflow> {
        match self.take {
            Take::Price(price) => Ok(worth.checked_sub(price)?.max(Money::ZERO)),
            Take::Off(off) => Ok(off.min(worth)),
            Take::Rate(rate) => worth.mul_rate(rate, config.rounding),
        }
    }
}

/// Pieces of one line and how many of them are in a set already.
struct Supply {
    pieces: Pieces,
    used: i64,
    /// Which parts may take them, by position.
    parts: u32,
}

/// One discount over every line that takes part, and the pieces that are missing for the first set once it is begun.
pub fn bundle(
    config: &Config,
    rule: &Bundle,
    basket: &Basket,
) -> Result<(Vec<Discount>, Option<i64>), Overflow> {
    let mut supply = supply(rule, basket);
    let mut saving = Money::ZERO;
    for set in 0..rule.most.min(SETS_MAX) {
        let (worth, missing) = take_set(rule, &mut supply)?;
        if missing > 0 {
            let begun =
                set == 0 && missing < rule.parts.iter().map(|part| i64::from(part.pieces)).sum();
            if set == 0 {
                return Ok((Vec::new(), begun.then_some(missing)));
            }
            break;
        }
        saving = saving.checked_add(rule.saving(config, worth)?)?;
    }
    let taken = supply.iter().filter(|one| one.used > 0);
    let mut lines: Vec<u32> = taken.map(|one| one.pieces.position).collect();
    lines.sort_unstable();
    Ok((vec![Discount::lines(lines, saving, rule.offer())], None))
}

/// The pieces of the basket in the order in which sets take them: first those that fit the fewest parts, or
/// a piece that fits many would be gone where nothing else fits.
fn supply(rule: &Bundle, basket: &Basket) -> Vec<Supply> {
    let mut pieces = Pieces::cheapest_first(&basket.goods, Price::Left);
    if rule.which == Which::MostExpensive {
        pieces.reverse();
    }
    let pickers: Vec<_> = rule
        .parts
        .iter()
        .map(|part| basket.picker(&part.goods))
        .collect();
    let line = |position: u32| basket.goods.iter().find(|item| item.position == position);
    let mut supply: Vec<Supply> = pieces
        .into_iter()
        .map(|pieces| {
            let parts = pickers.iter().enumerate().filter(|(_, picker)| {
                line(pieces.position).is_some_and(|item| picker.picks(item.line))
            });
            Supply {
                pieces,
                used: 0,
                parts: parts.fold(0, |all, (part, _)| all | 1 << part),
            }
        })
        .collect();
    supply.sort_by_key(|one| one.parts.count_ones());
    supply
}

/// Takes the pieces of one set: what they are worth, and how many are missing. Taken are none then.
fn take_set(rule: &Bundle, supply: &mut [Supply]) -> Result<(Money, i64), Overflow> {
    let before: Vec<i64> = supply.iter().map(|one| one.used).collect();
    let mut missing = 0;
    for (part, wanted) in rule
        .parts
        .iter()
        .map(|part| i64::from(part.pieces))
        .enumerate()
    {
        let mut wanted = wanted;
        for one in supply.iter_mut().filter(|one| one.parts & 1 << part != 0) {
            let count = wanted.min(one.pieces.count - one.used);
            one.used += count;
            wanted -= count;
        }
        missing += wanted;
    }
    if missing > 0 {
        for (one, used) in supply.iter_mut().zip(before) {
            one.used = used;
        }
        return Ok((Money::ZERO, missing));
    }
    // A line's pieces are worth what they add to those taken before, so that all of them are worth the line exactly.
    let mut worth = Money::ZERO;
    for (one, used) in supply.iter().zip(before) {
        let added = one
            .pieces
            .worth_of(one.used)?
            .checked_sub(one.pieces.worth_of(used)?)?;
        worth = worth.checked_add(added)?;
    }
    Ok((worth, 0))
}
