//! Amounts that must not be mixed up: money and points.

use crate::{Overflow, Rate, Rounding, mul_rate, split};

macro_rules! amount {
    ($(#[$documentation:meta])* $name:ident) => {
        $(#[$documentation])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
        #[cfg_attr(feature = "serde", serde(transparent))]
        pub struct $name(pub i64);

        impl $name {
            pub const ZERO: $name = $name(0);

            pub fn checked_add(self, other: $name) -> Result<$name, Overflow> {
                self.0.checked_add(other.0).map($name).ok_or(Overflow)
            }

            pub fn checked_sub(self, other: $name) -> Result<$name, Overflow> {
                self.0.checked_sub(other.0).map($name).ok_or(Overflow)
            }

            pub fn checked_neg(self) -> Result<$name, Overflow> {
                self.0.checked_neg().map($name).ok_or(Overflow)
            }

            /// So many times as much.
            pub fn checked_mul(self, times: i64) -> Result<$name, Overflow> {
                self.0.checked_mul(times).map($name).ok_or(Overflow)
            }

            /// The share a rate gives.
            pub fn mul_rate(self, rate: Rate, rounding: Rounding) -> Result<$name, Overflow> {
                mul_rate(self.0, rate, rounding).map($name)
            }

            pub fn checked_sum(amounts: impl IntoIterator<Item = $name>) -> Result<$name, Overflow> {
                amounts.into_iter().try_fold($name(0), $name::checked_add)
            }

            /// Parts in proportion to the weights that sum to the whole; see [`split()`].
            pub fn split(self, weights: &[i64]) -> Vec<$name> {
                split(self.0, weights).into_iter().map($name).collect()
            }

            pub const fn is_zero(self) -> bool {
                self.0 == 0
            }

            pub const fn is_positive(self) -> bool {
                self.0 > 0
            }

            pub const fn is_negative(self) -> bool {
                self.0 < 0
            }
        }

        /// The bare number of smallest units.
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

amount! {
    /// Money in minor units (fen, cents) of the currency its context names.
    Money
}

amount! {
    /// Points in whole units at their program's scale.
    Points
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_past_64_bits_are_errors() {
        assert_eq!(Money(i64::MAX).checked_add(Money(1)), Err(Overflow));
        assert_eq!(Money(i64::MIN).checked_neg(), Err(Overflow));
        assert_eq!(Money::checked_sum([Money(2), Money(3)]), Ok(Money(5)));
        assert_eq!(Points(i64::MIN).checked_sub(Points(1)), Err(Overflow));
        assert_eq!(Points(i64::MAX).checked_mul(2), Err(Overflow));
    }

    #[test]
    fn fifteen_percent_of_thirty_three_fen_is_five_when_rounded_half_up() {
        assert_eq!(
            Money(33).mul_rate(Rate::percent(15), Rounding::HalfUp),
            Ok(Money(5))
        );
    }
}
