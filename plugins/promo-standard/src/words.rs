//! What the promotion says: its offer, and what is missing for it.

use tessera_sdk::promotions::NearMiss;
use tessera_sdk::types::{Message, Value};
use tessera_sdk::{Money, Rate, message};

use crate::config::{Config, Kind};

/// The offer, as the receipt names it.
pub fn offer(config: &Config) -> Message {
    match config.discount {
        Kind::Percent(percent) => message!("percent-off", rate = percent.rate),
        Kind::Amount(amount) => message!("amount-off", amount = amount.off),
        Kind::BuyGet(rule) if rule.rate == Rate::ONE => {
            message!("buy-get", buy = rule.buy, get = rule.get)
        }
        Kind::BuyGet(rule) => message!(
            "buy-get-cheaper",
            buy = rule.buy,
            get = rule.get,
            rate = rule.rate
        ),
    }
}

/// The offer with what stands in its way; the catalogues have a text for each pair.
fn nearly(config: &Config, obstacle: &str, name: &str, value: impl Into<Value>) -> Message {
    let mut message = offer(config);
    message.key.push_str(obstacle);
    message.arguments.push((name.to_owned(), value.into()));
    message
}

pub fn missing_amount(config: &Config, missing: Money) -> NearMiss {
    NearMiss::missing(
        nearly(config, "-missing-amount", "missing", missing),
        missing,
    )
}

pub fn missing_pieces(config: &Config, missing: i64) -> NearMiss {
    NearMiss::new(nearly(config, "-missing-pieces", "missing", missing))
}

/// A customer without a card would save so much with one.
pub fn members_save(config: &Config, saving: Money) -> NearMiss {
    NearMiss::new(nearly(config, "-members-only", "saving", saving))
}
