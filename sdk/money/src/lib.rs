//! Money, points, rates and rounding: the arithmetic both sides of the sandbox share.
//!
//! Amounts are whole numbers of the smallest unit of their asset (fen, cents, whole points). Every
//! operation is checked, every division names its rounding, and a split always sums to what was
//! split. There are no floats.

mod amount;
mod currency;
mod rate;
mod rounding;
#[cfg(feature = "schema")]
mod schema;
#[cfg(feature = "serde")]
mod serial;
mod split;

pub use amount::{Money, Points};
pub use currency::Currency;
pub use rate::{InvalidRate, Rate};
pub use rounding::{Rounding, div_round, mul_div, mul_rate};
pub use split::split;

/// A result that does not fit in 64 bits, or a division by zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Overflow;

impl std::fmt::Display for Overflow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the amount does not fit in 64 bits; use smaller amounts or rates")
    }
}

impl std::error::Error for Overflow {}

/// So that a rule, whose errors are sentences, can use `?` on arithmetic.
impl From<Overflow> for String {
    fn from(overflow: Overflow) -> String {
        overflow.to_string()
    }
}
