//! Tax of every line, within its amount or on top of it.

use tessera_money::{Overflow, Rate, Rounding, mul_div, split};

use crate::domain::settings::{CheckoutSettings, TaxRounding};

/// Tax contained in `amount` or added to it.
fn tax_of(amount: i64, rate: Rate, included: bool, rounding: Rounding) -> Result<i64, Overflow> {
    let (tax, whole) = (rate.numerator(), rate.denominator());
    let divisor = if included {
        whole.checked_add(tax).ok_or(Overflow)?
    } else {
        whole
    };
    mul_div(amount, tax, divisor, rounding)
}

/// Tax of lines given by amount and class position, in line order. `rates` are by class position.
///
/// Rounded per receipt, a class is rounded once over all its lines and spread by largest remainder, so the
/// lines still sum to the receipt and an amount of zero has a tax of zero.
pub fn line_taxes(
    lines: &[(i64, usize)],
    rates: &[Rate],
    settings: &CheckoutSettings,
    included: bool,
) -> Result<Vec<i64>, Overflow> {
    let mode = settings.tax_rounding_mode;
    match settings.tax_rounding {
        TaxRounding::Line => lines
            .iter()
            .map(|(amount, class)| tax_of(*amount, rates[*class], included, mode))
            .collect(),
        TaxRounding::Receipt => {
            let mut taxes = vec![0; lines.len()];
            for (class, rate) in rates.iter().enumerate() {
                let members: Vec<usize> = (0..lines.len())
                    .filter(|line| lines[*line].1 == class)
                    .collect();
                let weights: Vec<i64> = members.iter().map(|line| lines[*line].0).collect();
                let sum = weights
                    .iter()
                    .try_fold(0_i64, |sum, part| sum.checked_add(*part))
                    .ok_or(Overflow)?;
                let tax = tax_of(sum, *rate, included, mode)?;
                for (line, part) in members.into_iter().zip(split(tax, &weights)) {
                    taxes[line] = part;
                }
            }
            Ok(taxes)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(tax_rounding: TaxRounding) -> CheckoutSettings {
        CheckoutSettings {
            tax_rounding,
            ..CheckoutSettings::default()
        }
    }

    #[test]
    fn thirteen_percent_within_one_hundred_and_thirteen_is_thirteen() {
        let rates = [Rate::percent(13)];
        let taxes = line_taxes(
            &[(113, 0), (100, 0)],
            &rates,
            &settings(TaxRounding::Line),
            true,
        );
        // 100 × 13/113 = 11.50
        assert_eq!(taxes, Ok(vec![13, 12]));
    }

    #[test]
    fn rounding_per_receipt_differs_from_per_line_and_still_sums() {
        // Three lines of 0.01 at 20 % on top: 0.002 each is nothing per line, 0.006 is one cent per receipt.
        let lines = [(1, 0), (1, 0), (1, 0)];
        let rates = [Rate::percent(20)];
        assert_eq!(
            line_taxes(&lines, &rates, &settings(TaxRounding::Line), false),
            Ok(vec![0, 0, 0])
        );
        assert_eq!(
            line_taxes(&lines, &rates, &settings(TaxRounding::Receipt), false),
            Ok(vec![1, 0, 0])
        );
    }

    #[test]
    fn lines_discounted_to_nothing_have_no_tax_in_any_mix_of_classes() {
        let lines = [(0, 0), (0, 1), (0, 0)];
        let rates = [Rate::percent(13), Rate::percent(9)];
        for rounding in [TaxRounding::Line, TaxRounding::Receipt] {
            for included in [true, false] {
                assert_eq!(
                    line_taxes(&lines, &rates, &settings(rounding), included),
                    Ok(vec![0, 0, 0])
                );
            }
        }
    }
}
