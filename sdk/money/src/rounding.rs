//! Division of whole numbers with a named rounding.

use crate::{Overflow, Rate};

/// What happens to the fraction a division leaves. All five treat a negative amount as the mirror
/// image of the positive one, so that a refund rounds like its sale.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
pub enum Rounding {
    /// Toward zero: 2.9 becomes 2, -2.9 becomes -2.
    #[default]
    Down,
    /// Away from zero: 2.1 becomes 3, -2.1 becomes -3.
    Up,
    /// To the nearest, a half away from zero: 2.5 becomes 3, -2.5 becomes -3.
    HalfUp,
    /// To the nearest, a half toward zero: 2.5 becomes 2, -2.5 becomes -2.
    HalfDown,
    /// To the nearest, a half to the even neighbour: 2.5 becomes 2, 3.5 becomes 4.
    HalfEven,
}

/// `numerator / denominator` as a whole number. Overflows when the result does not fit or the
/// denominator is zero.
pub fn div_round(numerator: i128, denominator: i128, rounding: Rounding) -> Result<i64, Overflow> {
    if let (Ok(numerator), Ok(denominator)) = (i64::try_from(numerator), i64::try_from(denominator))
    {
        return div_small(numerator, denominator, rounding);
    }
    let quotient = numerator.checked_div(denominator).ok_or(Overflow)?;
    let remainder = numerator.checked_rem(denominator).ok_or(Overflow)?;
    let away = moves_away(
        remainder.unsigned_abs(),
        denominator.unsigned_abs(),
        quotient & 1 != 0,
        rounding,
    );
    let negative = (numerator < 0) != (denominator < 0);
    let rounded = match (away, negative) {
        (false, _) => Some(quotient),
        (true, false) => quotient.checked_add(1),
        (true, true) => quotient.checked_sub(1),
    };
    rounded
        .and_then(|whole| i64::try_from(whole).ok())
        .ok_or(Overflow)
}

/// The same in 64 bits, which a sandboxed processor does ten times faster.
fn div_small(numerator: i64, denominator: i64, rounding: Rounding) -> Result<i64, Overflow> {
    let quotient = numerator.checked_div(denominator).ok_or(Overflow)?;
    let remainder = numerator.checked_rem(denominator).ok_or(Overflow)?;
    let away = moves_away(
        u128::from(remainder.unsigned_abs()),
        u128::from(denominator.unsigned_abs()),
        quotient & 1 != 0,
        rounding,
    );
    let negative = (numerator < 0) != (denominator < 0);
    match (away, negative) {
        (false, _) => Some(quotient),
        (true, false) => quotient.checked_add(1),
        (true, true) => quotient.checked_sub(1),
    }
    .ok_or(Overflow)
}

/// Whether a quotient cut toward zero moves one further from zero.
fn moves_away(remainder: u128, denominator: u128, odd: bool, rounding: Rounding) -> bool {
    if remainder == 0 {
        return false;
    }
    // Compared by what is left of the denominator, since twice the remainder may not fit.
    let half = remainder.cmp(&(denominator - remainder));
    match rounding {
        Rounding::Down => false,
        Rounding::Up => true,
        Rounding::HalfUp => half.is_ge(),
        Rounding::HalfDown => half.is_gt(),
        Rounding::HalfEven => half.is_gt() || (half.is_eq() && odd),
    }
}

/// `amount × numerator / denominator`, exact until the one rounding.
pub fn mul_div(
    amount: i64,
    numerator: i64,
    denominator: i64,
    rounding: Rounding,
) -> Result<i64, Overflow> {
    match amount.checked_mul(numerator) {
        Some(product) => div_small(product, denominator, rounding),
        None => div_round(
            i128::from(amount) * i128::from(numerator),
            i128::from(denominator),
            rounding,
        ),
    }
}

/// `amount × rate` as a whole number.
pub fn mul_rate(amount: i64, rate: Rate, rounding: Rounding) -> Result<i64, Overflow> {
    mul_div(amount, rate.numerator(), rate.denominator(), rounding)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ALL: [Rounding; 5] = [
        Rounding::Down,
        Rounding::Up,
        Rounding::HalfUp,
        Rounding::HalfDown,
        Rounding::HalfEven,
    ];

    #[test]
    fn each_rounding_treats_halves_as_its_name_says() {
        // numerator, then down, up, half-up, half-down, half-even of numerator / 2
        for (numerator, expected) in [
            (5, [2, 3, 3, 2, 2]),
            (7, [3, 4, 4, 3, 4]),
            (-5, [-2, -3, -3, -2, -2]),
            (-7, [-3, -4, -4, -3, -4]),
            (6, [3, 3, 3, 3, 3]),
            (1, [0, 1, 1, 0, 0]),
        ] {
            for (rounding, expected) in ALL.into_iter().zip(expected) {
                assert_eq!(
                    div_round(numerator, 2, rounding),
                    Ok(expected),
                    "{numerator} {rounding:?}"
                );
            }
        }
    }

    #[test]
    fn what_is_nearer_than_a_half_goes_to_the_nearest() {
        for (numerator, expected) in [
            (10, [3, 4, 3, 3, 3]),
            (11, [3, 4, 4, 4, 4]),
            (-11, [-3, -4, -4, -4, -4]),
        ] {
            for (rounding, expected) in ALL.into_iter().zip(expected) {
                assert_eq!(
                    div_round(numerator, 3, rounding),
                    Ok(expected),
                    "{numerator} {rounding:?}"
                );
            }
        }
    }

    #[test]
    fn a_zero_denominator_and_a_result_too_large_are_errors() {
        assert_eq!(div_round(1, 0, Rounding::Down), Err(Overflow));
        assert_eq!(
            div_round(i128::from(i64::MAX) * 2, 1, Rounding::Down),
            Err(Overflow)
        );
        assert_eq!(div_round(i128::MIN, -1, Rounding::Up), Err(Overflow));
        assert_eq!(mul_div(i64::MIN, 1, -1, Rounding::Down), Err(Overflow));
        assert_eq!(mul_div(i64::MAX, 3, 3, Rounding::Down), Ok(i64::MAX));
    }

    proptest! {
        #[test]
        fn a_rounded_result_is_less_than_one_away(n in any::<i64>(), d in any::<i64>(), wide in any::<i32>()) {
            prop_assume!(d != 0);
            for (n, d) in [(i128::from(n), i128::from(d)), (i128::from(n) * i128::from(wide), i128::from(d))] {
                for rounding in ALL {
                    let Ok(result) = div_round(n, d, rounding) else { continue };
                    let error = (i128::from(result) * d - n).unsigned_abs();
                    prop_assert!(error < d.unsigned_abs());
                    if !matches!(rounding, Rounding::Down | Rounding::Up) {
                        prop_assert!(error * 2 <= d.unsigned_abs());
                    }
                }
            }
        }

        #[test]
        fn a_refund_rounds_like_its_sale(n in -i64::MAX..=i64::MAX, num in 0..1_000_000_i64, den in 1..1_000_000_i64) {
            for rounding in ALL {
                let sale = mul_div(n, num, den, rounding);
                let refund = mul_div(-n, num, den, rounding);
                prop_assert_eq!(sale.map(|amount| -amount), refund);
            }
        }

        #[test]
        fn down_and_up_enclose_the_others(n in any::<i32>(), d in 1..10_000_i32) {
            let of = |rounding| div_round(n.into(), d.into(), rounding).unwrap().abs();
            for rounding in ALL {
                prop_assert!(of(Rounding::Down) <= of(rounding) && of(rounding) <= of(Rounding::Up));
            }
        }
    }
}
