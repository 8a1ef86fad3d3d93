//! What the promotion says: its offer, and what is missing for it.

use tessera_sdk::promotions::NearMiss;
use tessera_sdk::types::{Message, Value};
use tessera_sdk::{Money, Rate, message};

use crate::buy_get::BuyGet;
use crate::config::{Config, Kind};

/// The offer as a whole, as the receipt names it.
pub fn offer(config: &Config) -> Message {
    match &config.discount {
        Kind::Percent(percent) => percent_off(percent.rate),
        Kind::Amount(amount) => amount_off(amount.off),
        Kind::BuyGet(rule) => buy_get(rule),
        Kind::Price(rule) => price(rule.price),
        Kind::PriceList(rule) => {
            let prices = rule.prices.iter().map(|entry| entry.price);
            price_list(prices.min().unwrap_or(Money::ZERO))
        }
        Kind::Steps(rule) => rule
            .levels
            .first()
            .map_or_else(|| amount_off(Money::ZERO), |level| level.offer()),
        Kind::Bundle(rule) => rule.offer(),
        Kind::Gift(rule) => gift(rule.price),
        Kind::Coupons(rule) => coupons(rule.count),
        Kind::Draw(rule) => entries(rule.entries, &rule.name),
    }
}

pub fn percent_off(rate: Rate) -> Message {
    message!("percent-off", rate = rate)
}

pub fn amount_off(amount: Money) -> Message {
    message!("amount-off", amount = amount)
}

pub fn buy_get(rule: &BuyGet) -> Message {
    if rule.rate == Rate::ONE {
        return message!("buy-get", buy = rule.buy, get = rule.get);
    }
    message!(
        "buy-get-cheaper",
        buy = rule.buy,
        get = rule.get,
        rate = rule.rate
    )
}

pub fn price(price: Money) -> Message {
    message!("price", price = price)
}

pub fn price_list(price: Money) -> Message {
    message!("price-list", price = price)
}

pub fn bundle_price(pieces: i64, price: Money) -> Message {
    message!("bundle", pieces = pieces, price = price)
}

pub fn gift(price: Money) -> Message {
    if price.is_zero() {
        Message::plain("gift")
    } else {
        message!("add-on", price = price)
    }
}

pub fn coupons(count: u32) -> Message {
    message!("coupons", count = count)
}

pub fn entries(count: u32, draw: &str) -> Message {
    message!("draw", count = count, draw = draw)
}

/// An offer with what stands in its way; the catalogues have a text for each pair.
fn nearly(mut offer: Message, obstacle: &str, name: &str, value: impl Into<Value>) -> Message {
    offer.key.push_str(obstacle);
    offer.arguments.push((name.to_owned(), value.into()));
    offer
}

pub fn missing_amount(offer: Message, missing: Money) -> NearMiss {
    NearMiss::missing(
        nearly(offer, "-missing-amount", "missing", missing),
        missing,
    )
}

pub fn missing_pieces(offer: Message, missing: i64) -> NearMiss {
    NearMiss::new(nearly(offer, "-missing-pieces", "missing", missing))
}

/// A customer without a card would save so much with one.
pub fn members_save(config: &Config, saving: Money) -> NearMiss {
    NearMiss::new(nearly(offer(config), "-members-only", "saving", saving))
}

/// A customer without a card would get something with one.
pub fn members_get(config: &Config) -> NearMiss {
    let mut message = offer(config);
    message.key.push_str("-members-only");
    NearMiss::new(message)
}

/// The customer has earned a gift and has not chosen it yet.
pub fn choose(price: Money) -> NearMiss {
    let mut message = gift(price);
    message.key.push_str("-choose");
    NearMiss::new(message)
}
