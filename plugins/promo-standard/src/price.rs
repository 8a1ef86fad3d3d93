//! Prices that replace others: one for all the goods, or a list by product and quantity. They never raise a price.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tessera_sdk::promotions::Discount;
use tessera_sdk::{Money, Overflow, Rounding, mul_div};

use crate::basket::{Basket, Item};
use crate::config::{Limit, Price};
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
    #[schemars(title = "Product", extend("examples" = ["coffee-500g"]))]
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

/// How many units may still be had at a promotional price, and how many were.
pub struct Allowance {
    /// Thousandths; no limit when absent.
    left: Option<i64>,
    /// Thousandths.
    pub taken: i64,
}

impl Allowance {
    /// What the limits of the configuration leave; `used` are the member's thousandths so far.
    pub fn of(limit: &Limit, used: i64) -> Allowance {
        let thousandths = |units: u32| (units > 0).then_some(i64::from(units) * 1_000);
        let of_member = thousandths(limit.units).map(|most| most.saturating_sub(used).max(0));
        let of_order = thousandths(limit.units_per_order);
        Allowance {
            left: of_member.into_iter().chain(of_order).min(),
            taken: 0,
        }
    }

    /// What comes off a line when so much of it as may be costs a price for each unit.
    fn above(&mut self, item: &Item, unit_price: Money) -> Result<Money, Overflow> {
        let whole = item.line.quantity;
        let quantity = self.left.map_or(whole, |left| left.min(whole));
        if quantity <= 0 {
            return Ok(Money::ZERO);
        }
        let worth = mul_div(item.worth(Price::Left).0, quantity, whole, Rounding::Down)?;
        // The line's own price is rounded this way too, so equal prices leave nothing.
        let priced = mul_div(unit_price.0, quantity, 1_000, Rounding::HalfUp)?;
        let off = Money(worth).checked_sub(Money(priced))?.max(Money::ZERO);
        if off.is_positive() {
            self.left = self.left.map(|left| left - quantity);
            self.taken = self.taken.checked_add(quantity).ok_or(Overflow)?;
        }
        Ok(off)
    }
}

pub fn fixed(
    rule: FixedPrice,
    basket: &Basket,
    allowance: &mut Allowance,
) -> Result<Vec<Discount>, Overflow> {
    let line = |item: &Item| {
        let off = allowance.above(item, rule.price)?;
        Ok(Discount::line(item.position, off, price(rule.price)))
    };
    basket.goods.iter().map(line).collect()
}

/// Each product is looked up in the list once, however many lines and prices there are.
pub fn listed(
    rule: &PriceList,
    basket: &Basket,
    allowance: &mut Allowance,
) -> Result<Vec<Discount>, Overflow> {
    let mut products: BTreeMap<&str, Quantity> = BTreeMap::new();
    for item in &basket.goods {
        let product = products.entry(item.line.product()).or_default();
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
        let product = products.get(item.line.product());
        if let Some(lowest) = product.and_then(|product| product.price) {
            let off = allowance.above(item, lowest)?;
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
