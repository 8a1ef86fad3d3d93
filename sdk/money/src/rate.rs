//! Exact ratios: percentages, multipliers, tax rates.

use std::fmt;
use std::str::FromStr;

/// An exact fraction in lowest terms with a positive denominator; 15 % is 3/20.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rate {
    numerator: i64,
    denominator: i64,
}

/// What a text or a pair of numbers must be to be a rate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidRate(pub(crate) String);

impl fmt::Display for InvalidRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} is no rate; write a decimal such as \"0.125\", a percentage such as \"12.5%\" or a fraction such as \"1/8\"",
            self.0
        )
    }
}

impl std::error::Error for InvalidRate {}

impl Rate {
    pub const ZERO: Rate = Rate {
        numerator: 0,
        denominator: 1,
    };
    pub const ONE: Rate = Rate {
        numerator: 1,
        denominator: 1,
    };

    /// `numerator / denominator`; the denominator must be positive.
    pub fn new(numerator: i64, denominator: i64) -> Result<Rate, InvalidRate> {
        if denominator <= 0 {
            return Err(InvalidRate(format!("{numerator}/{denominator}")));
        }
        Ok(Rate::reduced(numerator, denominator))
    }

    /// So many hundredths; `Rate::percent(15)` is 15 %.
    pub fn percent(hundredths: i64) -> Rate {
        Rate::reduced(hundredths, 100)
    }

    /// So many ten-thousandths; `Rate::basis_points(1250)` is 12.5 %.
    pub fn basis_points(points: i64) -> Rate {
        Rate::reduced(points, 10_000)
    }

    /// A whole multiplier.
    pub const fn whole(times: i64) -> Rate {
        Rate {
            numerator: times,
            denominator: 1,
        }
    }

    /// Reads `0.125`, `12.5%` or `1/8`, with an optional minus sign and at most 18 decimals.
    pub fn parse(text: &str) -> Result<Rate, InvalidRate> {
        let invalid = || InvalidRate(format!("\"{}\"", text.chars().take(40).collect::<String>()));
        let trimmed = text.trim();
        if let Some((numerator, denominator)) = trimmed.split_once('/') {
            let numerator = numerator.trim().parse().map_err(|_| invalid())?;
            let denominator = denominator.trim().parse().map_err(|_| invalid())?;
            return Rate::new(numerator, denominator).map_err(|_| invalid());
        }
        let (decimal, shift) = match trimmed.strip_suffix('%') {
            Some(percentage) => (percentage.trim_end(), 2),
            None => (trimmed, 0),
        };
        parse_decimal(decimal, shift).ok_or_else(invalid)
    }

    pub const fn numerator(self) -> i64 {
        self.numerator
    }

    /// Always positive.
    pub const fn denominator(self) -> i64 {
        self.denominator
    }

    pub const fn is_zero(self) -> bool {
        self.numerator == 0
    }

    pub const fn is_negative(self) -> bool {
        self.numerator < 0
    }

    /// The product of two rates, exact.
    pub fn times(self, other: Rate) -> Result<Rate, crate::Overflow> {
        // Most multipliers are one, and 128 bits are slow in the sandbox.
        if self == Rate::ONE {
            return Ok(other);
        }
        if other == Rate::ONE {
            return Ok(self);
        }
        // Reduced crosswise first, so that the product overflows only when it must.
        let left = gcd(
            self.numerator.unsigned_abs(),
            other.denominator.unsigned_abs(),
        );
        let right = gcd(
            other.numerator.unsigned_abs(),
            self.denominator.unsigned_abs(),
        );
        let product = |a: i64, a_by: u64, b: i64, b_by: u64| {
            let (a, b) = (
                i128::from(a) / i128::from(a_by),
                i128::from(b) / i128::from(b_by),
            );
            i64::try_from(a * b).map_err(|_| crate::Overflow)
        };
        let numerator = product(self.numerator, left, other.numerator, right)?;
        let denominator = product(self.denominator, right, other.denominator, left)?;
        Ok(Rate::reduced(numerator, denominator))
    }

    /// The sum of two rates, exact.
    pub fn plus(self, other: Rate) -> Result<Rate, crate::Overflow> {
        let common = gcd(
            self.denominator.unsigned_abs(),
            other.denominator.unsigned_abs(),
        );
        let (mine, others) = (
            i128::from(self.denominator) / i128::from(common),
            i128::from(other.denominator) / i128::from(common),
        );
        let numerator = i128::from(self.numerator) * others + i128::from(other.numerator) * mine;
        let denominator = i128::from(self.denominator) * others;
        // Reduced before it is cut to 64 bits, so that it overflows only when it must.
        let common = gcd_wide(numerator.unsigned_abs(), denominator.unsigned_abs());
        let short = |part: i128| {
            let common = i128::try_from(common).map_err(|_| crate::Overflow)?;
            i64::try_from(part / common).map_err(|_| crate::Overflow)
        };
        Ok(Rate::reduced(short(numerator)?, short(denominator)?))
    }

    /// The difference of two rates, exact.
    pub fn minus(self, other: Rate) -> Result<Rate, crate::Overflow> {
        let numerator = other.numerator.checked_neg().ok_or(crate::Overflow)?;
        self.plus(Rate { numerator, ..other })
    }

    fn reduced(numerator: i64, denominator: i64) -> Rate {
        if denominator == 1 {
            return Rate {
                numerator,
                denominator,
            };
        }
        // At most the denominator, hence within i64.
        let common = gcd(numerator.unsigned_abs(), denominator.unsigned_abs()) as i64;
        Rate {
            numerator: numerator / common,
            denominator: denominator / common,
        }
    }
}

impl Default for Rate {
    /// One: a multiplier that changes nothing.
    fn default() -> Rate {
        Rate::ONE
    }
}

impl PartialOrd for Rate {
    fn partial_cmp(&self, other: &Rate) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Rate {
    fn cmp(&self, other: &Rate) -> std::cmp::Ordering {
        // Products of 128 bits are slow in the sandbox, and rates are rarely that long.
        let short = |rate: &Rate| {
            Some((
                i32::try_from(rate.numerator).ok()?,
                i32::try_from(rate.denominator).ok()?,
            ))
        };
        if let (Some((a, b)), Some((c, d))) = (short(self), short(other)) {
            return (i64::from(a) * i64::from(d)).cmp(&(i64::from(c) * i64::from(b)));
        }
        let left = i128::from(self.numerator) * i128::from(other.denominator);
        let right = i128::from(other.numerator) * i128::from(self.denominator);
        left.cmp(&right)
    }
}

impl FromStr for Rate {
    type Err = InvalidRate;

    fn from_str(text: &str) -> Result<Rate, InvalidRate> {
        Rate::parse(text)
    }
}

/// A decimal where the fraction has one, else `numerator/denominator`; `parse` reads both back.
impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut digits = 0;
        let mut scale: i128 = 1;
        while scale % i128::from(self.denominator) != 0 {
            digits += 1;
            scale *= 10;
            if digits > 18 {
                return write!(f, "{}/{}", self.numerator, self.denominator);
            }
        }
        let scaled = i128::from(self.numerator) * (scale / i128::from(self.denominator));
        let sign = if scaled < 0 { "-" } else { "" };
        let (whole, fraction) = (
            scaled.unsigned_abs() / scale.unsigned_abs(),
            scaled.unsigned_abs() % scale.unsigned_abs(),
        );
        if digits == 0 {
            return write!(f, "{sign}{whole}");
        }
        write!(f, "{sign}{whole}.{fraction:0digits$}")
    }
}

/// A decimal divided by ten to the `shift`.
fn parse_decimal(text: &str, shift: u32) -> Option<Rate> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let complete = !whole.is_empty() && (fraction.is_empty() != digits.contains('.'));
    if !complete || !all_digits(whole) || !all_digits(fraction) || fraction.len() > 18 {
        return None;
    }
    let mut scaled: i128 = 0;
    for digit in whole.bytes().chain(fraction.bytes()) {
        scaled = scaled
            .checked_mul(10)?
            .checked_add(i128::from(digit - b'0'))?;
    }
    let scale = 10_i128.checked_pow(u32::try_from(fraction.len()).ok()? + shift)?;
    let common = i128::try_from(gcd_wide(scaled.unsigned_abs(), scale.unsigned_abs())).ok()?;
    let signed = if negative { -scaled } else { scaled };
    let numerator = i64::try_from(signed / common).ok()?;
    let denominator = i64::try_from(scale / common).ok()?;
    Some(Rate {
        numerator,
        denominator,
    })
}

fn gcd(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a.max(1)
}

fn gcd_wide(mut a: u128, mut b: u128) -> u128 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a.max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn decimals_percentages_and_fractions_are_read_exactly() {
        for (text, numerator, denominator) in [
            ("0.125", 1, 8),
            ("12.5%", 1, 8),
            ("12.5 %", 1, 8),
            ("1/8", 1, 8),
            ("2", 2, 1),
            ("-0.5", -1, 2),
            ("0", 0, 1),
            ("0.000000000000000001", 1, 1_000_000_000_000_000_000),
        ] {
            assert_eq!(
                Rate::parse(text),
                Rate::new(numerator, denominator),
                "{text}"
            );
        }
    }

    #[test]
    fn anything_else_is_refused_with_the_remedy() {
        for text in [
            "",
            ".",
            "1.",
            ".5",
            "1e3",
            "--1",
            "1/0",
            "1/-2",
            "+1",
            "1,5",
            "%",
            "９",
            "1.2.3",
            "99999999999999999999",
            "0.0000000000000000001",
        ] {
            let error = Rate::parse(text).expect_err(text);
            assert!(error.to_string().contains("write a decimal"), "{text}");
        }
        assert!(Rate::new(1, 0).is_err());
    }

    proptest! {
        #[test]
        fn what_is_printed_reads_back_the_same(numerator in any::<i64>(), denominator in 1..=i64::MAX) {
            let rate = Rate::new(numerator, denominator).unwrap();
            prop_assert_eq!(Rate::parse(&rate.to_string()), Ok(rate));
        }

        #[test]
        fn decimals_print_as_decimals(scaled in any::<i32>(), digits in 0..6_u32) {
            let rate = Rate::new(scaled.into(), 10_i64.pow(digits)).unwrap();
            prop_assert!(!rate.to_string().contains('/'));
            prop_assert_eq!(Rate::parse(&rate.to_string()), Ok(rate));
        }

        #[test]
        fn rates_are_ordered_as_their_fractions_are(a in any::<i64>(), b in 1..=i64::MAX, c in -9..9_i64, d in 1..9_i64) {
            for (a, b, c, d) in [(a, b, c, d), (a >> 40, (b >> 40) + 1, c, d)] {
                let exact = (i128::from(a) * i128::from(d)).cmp(&(i128::from(c) * i128::from(b)));
                prop_assert_eq!(Rate::new(a, b).unwrap().cmp(&Rate::new(c, d).unwrap()), exact);
            }
        }

        #[test]
        fn a_product_of_rates_is_exact(a in -1000..1000_i64, b in 1..1000_i64, c in -1000..1000_i64, d in 1..1000_i64) {
            let product = Rate::new(a, b).unwrap().times(Rate::new(c, d).unwrap()).unwrap();
            prop_assert_eq!(product, Rate::new(a * c, b * d).unwrap());
        }

        #[test]
        fn sums_and_differences_of_rates_are_exact(a in -1000..1000_i64, b in 1..1000_i64, c in -1000..1000_i64, d in 1..1000_i64) {
            let (one, other) = (Rate::new(a, b).unwrap(), Rate::new(c, d).unwrap());
            prop_assert_eq!(one.plus(other).unwrap(), Rate::new(a * d + c * b, b * d).unwrap());
            prop_assert_eq!(one.minus(other).unwrap(), Rate::new(a * d - c * b, b * d).unwrap());
        }
    }
}
