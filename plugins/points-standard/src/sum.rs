//! Money times ratios, added up without rounding.

use tessera_sdk::{Money, Overflow, Points, Rate, Rounding, div_round};

use crate::config::PointsPer;

/// An exact fraction of minor units.
#[derive(Debug, Clone, Copy)]
pub struct Sum {
    numerator: i128,
    denominator: i128,
}

impl Default for Sum {
    fn default() -> Sum {
        Sum {
            numerator: 0,
            denominator: 1,
        }
    }
}

impl Sum {
    pub fn add(&mut self, money: Money, rate: Rate) -> Result<(), Overflow> {
        if let Some(numerator) = self.add_short(money, rate) {
            self.numerator = numerator.into();
            return Ok(());
        }
        // Below 2^126, so this product cannot overflow.
        let numerator = i128::from(money.0) * i128::from(rate.numerator());
        let denominator = i128::from(rate.denominator());
        if denominator != self.denominator {
            return self.add_fraction(numerator, denominator);
        }
        self.numerator = self.numerator.checked_add(numerator).ok_or(Overflow)?;
        Ok(())
    }

    /// The new numerator, where it and all on the way to it fits 64 bits and the denominator stays: 128
    /// bits are slow in the sandbox.
    fn add_short(&self, money: Money, rate: Rate) -> Option<i64> {
        let numerator = i64::try_from(self.numerator).ok()?;
        let denominator = i64::try_from(self.denominator).ok()?;
        if denominator % rate.denominator() != 0 {
            return None;
        }
        let times = rate
            .numerator()
            .checked_mul(denominator / rate.denominator())?;
        numerator.checked_add(money.0.checked_mul(times)?)
    }

    fn add_fraction(&mut self, numerator: i128, denominator: i128) -> Result<(), Overflow> {
        let common = gcd(self.denominator, denominator);
        let (mine, other) = (denominator / common, self.denominator / common);
        let scaled = |part: i128, times: i128| part.checked_mul(times).ok_or(Overflow);
        self.numerator = scaled(self.numerator, mine)?
            .checked_add(scaled(numerator, other)?)
            .ok_or(Overflow)?;
        self.denominator = scaled(self.denominator, mine)?;
        Ok(())
    }

    /// The points the sum earns, times some factors, rounded once to a multiple of `round_to`. Where only full
    /// amounts count, what is left of the sum after the first factor, the share that earns, is cut before.
    pub fn points(
        self,
        per: PointsPer,
        factors: &[Rate],
        rounding: Rounding,
        round_to: Points,
    ) -> Result<Points, Overflow> {
        let mut product = self;
        let mut factors = factors.iter();
        if per.full_only {
            for share in factors.by_ref().take(1) {
                product = product.times(*share)?;
            }
            let full = product.divided(per.spend.0, Rounding::Down)?;
            product = Sum {
                numerator: i128::from(full) * i128::from(per.points.0),
                denominator: 1,
            };
        } else {
            product = product.times(per.rate())?;
        }
        for factor in factors {
            product = product.times(*factor)?;
        }
        let steps = product.divided(round_to.0, rounding)?;
        Points(steps).checked_mul(round_to.0)
    }

    /// So many times `by` fits into it.
    fn divided(self, by: i64, rounding: Rounding) -> Result<i64, Overflow> {
        let denominator = self.denominator.checked_mul(by.into()).ok_or(Overflow)?;
        div_round(self.numerator, denominator, rounding)
    }

    /// Its share of some money; one where there is none.
    pub fn over(self, money: Money) -> Result<Rate, Overflow> {
        let denominator = self
            .denominator
            .checked_mul(money.0.into())
            .ok_or(Overflow)?;
        if denominator <= 0 {
            return Ok(Rate::ONE);
        }
        let common = gcd(denominator, self.numerator);
        let short = |part: i128| i64::try_from(part / common).map_err(|_| Overflow);
        Rate::new(short(self.numerator)?, short(denominator)?).map_err(|_| Overflow)
    }

    fn times(self, rate: Rate) -> Result<Sum, Overflow> {
        if rate == Rate::ONE {
            return Ok(self);
        }
        Ok(Sum {
            numerator: self
                .numerator
                .checked_mul(rate.numerator().into())
                .ok_or(Overflow)?,
            denominator: self
                .denominator
                .checked_mul(rate.denominator().into())
                .ok_or(Overflow)?,
        })
    }
}

fn gcd(mut a: i128, mut b: i128) -> i128 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}
