//! Percentages and fixed amounts.

use tessera_sdk::promotions::{Discount, Target};
use tessera_sdk::types::Message;
use tessera_sdk::{Money, Overflow, Rounding, mul_div};

use crate::basket::{Basket, Item, Pieces, worth};
use crate::config::{Amount, Apply, Config, On, Percent, Price};
use crate::words::{amount_off, percent_off};

/// How much comes off a worth.
type Off<'a> = &'a dyn Fn(Money) -> Result<Money, Overflow>;

pub fn percent(
    config: &Config,
    percent: Percent,
    basket: &Basket,
) -> Result<Vec<Discount>, Overflow> {
    let off = |worth: Money| worth.mul_rate(percent.rate, config.rounding);
    let offer = percent_off(percent.rate);
    match (percent.on, percent.apply) {
        (On::Goods, Apply::Each) => each(basket, &offer, |item| off(item.worth(Price::Left))),
        (on, _) => once(config, basket, on, &off, &offer),
    }
}

pub fn amount(config: &Config, amount: Amount, basket: &Basket) -> Result<Vec<Discount>, Overflow> {
    let offer = amount_off(amount.off);
    match (amount.on, amount.apply) {
        (On::Goods, Apply::Each) => each(basket, &offer, |item| {
            // A discount past 64 bits is more than any line is worth.
            let off = mul_div(amount.off.0, item.line.quantity, 1000, Rounding::HalfUp)
                .unwrap_or(i64::MAX);
            Ok(item.worth(Price::Left).min(Money(off)))
        }),
        (on, _) => {
            let off = |worth: Money| {
                // More than 64 bits hold is more than there is.
                let full = worth.0.checked_div(amount.every.0).unwrap_or(1);
                let all = amount.off.checked_mul(full).unwrap_or(worth);
                Ok(worth.min(all))
            };
            once(config, basket, on, &off, &offer)
        }
    }
}

/// Every line of the goods by itself.
fn each(
    basket: &Basket,
    offer: &Message,
    off: impl Fn(&Item) -> Result<Money, Overflow>,
) -> Result<Vec<Discount>, Overflow> {
    let line = |item: &Item| Ok(Discount::line(item.position, off(item)?, offer.clone()));
    basket.goods.iter().map(line).collect()
}

/// One discount on the order, on all the goods or on one piece of them.
pub fn once(
    config: &Config,
    basket: &Basket,
    on: On,
    off: Off,
    offer: &Message,
) -> Result<Vec<Discount>, Overflow> {
    let discount = match on {
        On::Order => {
            let earned_by = if config.goods.is_everything() {
                &[][..]
            } else {
                &basket.goods[..]
            };
            let amount = off(worth(&basket.all, Price::Left)?)?;
            Some(Discount::order(amount, offer.clone()).earned_by(positions(earned_by)))
        }
        On::Goods => {
            let left: Vec<Item> = basket
                .goods
                .iter()
                .copied()
                .filter(|item| item.line.amount > 0)
                .collect();
            let amount = off(worth(&left, Price::Left)?)?;
            Some(Discount::lines(positions(&left), amount, offer.clone()))
        }
        On::Cheapest | On::MostExpensive => {
            let pieces = Pieces::cheapest_first(&basket.goods, Price::Left);
            let chosen = if on == On::Cheapest {
                pieces.first()
            } else {
                pieces.last()
            };
            chosen
                .map(|piece| one_piece(basket, piece, off, offer))
                .transpose()?
        }
    };
    Ok(discount.into_iter().collect())
}

fn one_piece(
    basket: &Basket,
    piece: &Pieces,
    off: Off,
    offer: &Message,
) -> Result<Discount, Overflow> {
    let others = positions(&basket.goods).filter(|position| *position != piece.position);
    Ok(Discount::line(piece.position, off(piece.worth_of(1)?)?, offer.clone()).earned_by(others))
}

fn positions(items: &[Item]) -> impl Iterator<Item = u32> {
    items.iter().map(|item| item.position)
}

/// Keeps the discounts together within the cap, each in its share, and drops what comes to nothing.
pub fn within_cap(
    config: &Config,
    mut discounts: Vec<Discount>,
) -> Result<Vec<Discount>, Overflow> {
    let total = total(&discounts)?;
    if config.cap.is_positive() && total > config.cap {
        let amounts: Vec<i64> = discounts.iter().map(|discount| discount.amount).collect();
        for (discount, share) in discounts.iter_mut().zip(config.cap.split(&amounts)) {
            discount.amount = share.0;
        }
    }
    discounts
        .retain(|discount| discount.amount > 0 && discount.target != Target::Lines(Vec::new()));
    Ok(discounts)
}

pub fn total(discounts: &[Discount]) -> Result<Money, Overflow> {
    Money::checked_sum(discounts.iter().map(|discount| Money(discount.amount)))
}
