//! A gift, or something to add at a low price, once the rest of the basket qualifies.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tessera_sdk::goods::Selection;
use tessera_sdk::promotions::Discount;
use tessera_sdk::{Money, Overflow};

use crate::basket::{Basket, Item, Pieces};
use crate::buy_get::Which;
use crate::config::Price;
use crate::words::gift;

/// A gift among some goods: the customer chooses by putting it into the basket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Gift {
    /// What can be chosen. It earns nothing: neither the goods nor the minimum count it.
    #[schemars(title = "Choice")]
    pub choice: Selection,
    /// Pieces that are given.
    #[serde(default = "one")]
    #[schemars(title = "Pieces", range(min = 1, max = 1000))]
    pub pieces: u32,
    /// What each of them costs, in minor units. Zero: nothing.
    #[serde(default)]
    #[schemars(title = "Price", range(min = 0), extend("examples" = [100]))]
    pub price: Money,
    /// Which pieces are given where more of them are in the basket.
    #[serde(default)]
    #[schemars(title = "Which")]
    pub which: Which,
}

fn one() -> u32 {
    1
}

/// The discounts on the gifts; `None` where the basket holds none yet. `others` is what earned them.
pub fn given(
    rule: &Gift,
    basket: &Basket,
    others: &Basket,
) -> Result<Option<Vec<Discount>>, Overflow> {
    let picker = basket.picker(&rule.choice);
    let chosen = basket.all.iter().filter(|item| picker.picks(item.line));
    let chosen: Vec<Item> = chosen.copied().collect();
    let mut pieces = Pieces::cheapest_first(&chosen, Price::Left);
    if pieces.is_empty() {
        return Ok(None);
    }
    if rule.which == Which::MostExpensive {
        pieces.reverse();
    }
    let mut left = i64::from(rule.pieces);
    let mut discounts = Vec::new();
    for one in pieces {
        let count = left.min(one.count);
        if count == 0 {
            break;
        }
        left -= count;
        let costs = rule.price.checked_mul(count)?;
        let off = one.worth_of(count)?.checked_sub(costs)?.max(Money::ZERO);
        let basis = others.goods.iter().map(|item| item.position);
        discounts.push(Discount::line(one.position, off, gift(rule.price)).earned_by(basis));
    }
    Ok(Some(discounts))
}
