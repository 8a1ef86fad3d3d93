//! Prices that replace others: one for all the goods, or a list by product and quantity. They never raise a price.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tessera_sdk::promotions::Discount;
use tessera_sdk::{Money, Overflow, Rounding, mul_div};

use crate::basket::{Basket, Item};
use crate::config::Price;
use crate::words::{price, price_list};

/// One price for each unit of the goods.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FixedPrice {
    /// Price of a unit, in minor units.
    #[schemars(title = "Price", range(min = 0), extend("examples" = [990]))]
    pub price: Money,
}

/// Prices by product and quantity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PriceList {
    /// The prices. Of several that a product's quantity reaches, the lowest counts.
    #[schemars(title = "Prices", length(min = 1, max = 500))]
    pub prices: Vec<ListPrice>,
}

/// The price of one product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListPrice {
    /// Product id.
    #[schemars(title = "Product")]
    pub product: String,
    /// Price of a unit, in minor units.
    #[schemars(title = "Price", range(min = 0))]
    pub price: Money,
    /// Units of the product, over all its lines, from which the price counts.
    #[serde(default = "one")]
    #[schemars(title = "From units", range(min = 1), extend("examples" = [12]))]
    pub from: u32,
}

fn one() -> u32 {
    1
}

/// What is left of a line above a price for each of its units.
fn above(item: &Item, unit_price: Money) -> Result<Money, Overflow> {
    // The line's own price is rounded this way too, so equal prices leave nothing.
    let priced = mul_div(unit_price.0, item.line.quantity, 1_000, Rounding::HalfUp)?;
    let more = item.worth(Price::Left).checked_sub(Money(priced))?;
    Ok(more.max(Money::ZERO))
}

pub fn fixed(rule: FixedPrice, basket: &Basket) -> Result<Vec<Discount>, Overflow> {
    let line = |item: &Item| {
        let off = above(item, rule.price)?;
        Ok(Discount::line(item.position, off, price(rule.price)))
    };
    basket.goods.iter().map(line).collect()
}

/// Each product is looked up in the list once, however many lines and prices there are.
pub fn listed(rule: &PriceList, basket: &Basket) -> Result<Vec<Discount>, Overflow> {
    let mut products: BTreeMap<&str, Quantity> = BTreeMap::new();
    for item in &basket.goods {
        let product = products.entry(item.line.product.as_str()).or_default();
        product.bought = product.bought.saturating_add(item.line.quantity);
    }
    for entry in &rule.prices {
        if let Some(product) = products.get_mut(entry.product.as_str())
            && i64::from(entry.from) * 1_000 <= product.bought
        {
            let lowest = product
                .price
                .map_or(entry.price, |price| price.min(entry.price));
            product.price = Some(lowest);
        }
    }
    let mut discounts = Vec::new();
    for item in &basket.goods {
        let product = products.get(item.line.product.as_str());
        if let Some(lowest) = product.and_then(|product| product.price) {
            let off = above(item, lowest)?;
            discounts.push(Discount::line(item.position, off, price_list(lowest)));
        }
    }
    Ok(discounts)
}

/// What is bought of a product, in thousandths, and its lowest price for that many.
#[derive(Default)]
struct Quantity {
    bought: i64,
    price: Option<Money>,
}
