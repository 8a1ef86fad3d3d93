//! What an author of Tessera rules depends on.
//!
//! A rule is a type that implements one of four traits, [`points::PointsRule`],
//! [`promotions::PromotionRule`], [`tiers::TierRule`] or [`referrals::ReferralRule`], and is handed to
//! [`export!`]. Its configuration is an ordinary `serde` type; the host shows the JSON Schema derived
//! from it and checks every binding against it. Facts come in, a proposal goes out, nothing else:
//! a rule has no clock, no chance and no files, so the same facts always get the same answer.
//!
//! Amounts are whole numbers of the smallest unit ([`Money`], [`Points`]), shares are exact ratios
//! ([`Rate`]), and [`rust_decimal`] and [`chrono`] are there for reading them as people do.
//!
//! [`testing`] runs a rule natively, without the sandbox, with the checks the host makes.

// Generated bindings name this crate the way its users do.
extern crate self as tessera_sdk;

pub mod audience;
#[doc(hidden)]
pub mod bindings;
mod calendar;
mod catalogue;
mod config;
#[doc(hidden)]
pub mod describe;
mod export;
mod facts;
pub mod gifts;
pub mod goods;
#[cfg(target_arch = "wasm32")]
mod guest;
mod json_pointer;
pub mod log;
pub mod points;
pub mod promotions;
pub mod referrals;
pub mod schedule;
pub mod tenders;
#[cfg(not(target_arch = "wasm32"))]
pub mod testing;
pub mod tiers;
mod values;

pub use catalogue::{Catalogue, Catalogues, InvalidCatalogue};
pub use chrono;
pub use export::{Component, Exported, Kind};
pub use facts::{LineView, Lines, lies_within};
pub use rust_decimal::Decimal;
pub use schemars::{self, JsonSchema};
pub use serde::{self, Deserialize, Serialize};
pub use tessera_money::{
    Currency, InvalidRate, Money, Overflow, Points, Rate, Rounding, div_round, mul_div, mul_rate,
    split,
};

#[doc(hidden)]
pub use wit_bindgen as __wit_bindgen;

/// The records every kind of rule shares, as `wit/types` describes them.
pub mod types {
    pub use crate::bindings::points::tessera::types::types::{
        AggregateNeed, Attribute, Basket, ConfigProblem, CounterChange, CounterNeed, CounterPeriod,
        CounterScope, Gift, Grant, Line, Measure, Member, Message, Order, Owner, Preconditions,
        Ratio, RuleNeeds as Needs, Tender, TenderKind, Value, Window,
    };
}

/// What most rules want in scope.
pub mod prelude {
    pub use crate::facts::LineView;
    pub use crate::types::{
        Basket, ConfigProblem, CounterPeriod, CounterScope, Line, Measure, Member, Message, Needs,
        Order, TenderKind, Value, Window,
    };
    pub use crate::{Decimal, message};
    pub use chrono::{Datelike, NaiveDate, Timelike};
    pub use schemars::JsonSchema;
    pub use serde::{Deserialize, Serialize};
    pub use tessera_money::{Money, Overflow, Points, Rate, Rounding, mul_div, mul_rate, split};
}

/// A sentence by its key in the rule's catalogues, with what fills its gaps.
///
/// ```
/// use tessera_sdk::{Money, Points, message};
/// let reason = message!("earned", points = Points(12), spent = Money(1250));
/// assert_eq!(reason.arguments.len(), 2);
/// ```
#[macro_export]
macro_rules! message {
    ($key:expr $(, $argument:ident = $value:expr)* $(,)?) => {
        $crate::types::Message {
            key: ::std::string::String::from($key),
            arguments: ::std::vec![
                $((::std::string::String::from(::std::stringify!($argument)), $crate::types::Value::from($value))),*
            ],
        }
    };
}

/// The rule of the README, compiled.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
