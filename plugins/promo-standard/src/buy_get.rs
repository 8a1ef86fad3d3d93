//! Buy some pieces, get others free or cheaper.

use tessera_sdk::Overflow;
use tessera_sdk::promotions::Discount;

use crate::basket::{Basket, Pieces};
use crate::config::{BuyGet, Config, Repeat, Spread};
use crate::words::offer;

/// How often a basket holds a full set.
pub struct Sets {
    pieces: Vec<Pieces>,
    full: i64,
    /// Further pieces that would make another one, when that is worth saying.
    pub short: Option<i64>,
}

/// So many pieces of one line.
struct Taken {
    pieces: Pieces,
    count: i64,
}

impl Sets {
    pub fn of(rule: BuyGet, basket: &Basket) -> Result<Sets, Overflow> {
        let pieces = Pieces::cheapest_first(&basket.goods, rule.cheapest_by);
        let count = pieces
            .iter()
            .try_fold(0_i64, |sum, one| sum.checked_add(one.count))
            .ok_or(Overflow)?;
        let set = set_size(rule);
        let fit = count / set;
        let over = count % set;
        let full = if rule.repeat == Repeat::Once {
            fit.min(1)
        } else {
            fit
        };
        // The first set is worth a word as soon as it is begun, another one when only free pieces are missing.
        let begun = if fit == 0 {
            over > 0
        } else {
            rule.repeat == Repeat::Every && over >= i64::from(rule.buy)
        };
        Ok(Sets {
            pieces,
            full,
            short: begun.then_some(set - over),
        })
    }

    /// The discounts: the cheapest pieces are free, the most expensive ones of the others earned it.
    pub fn discounts(&self, config: &Config, rule: BuyGet) -> Result<Vec<Discount>, Overflow> {
        let times = |pieces: u32| self.full.checked_mul(i64::from(pieces)).ok_or(Overflow);
        let mut left: Vec<i64> = self.pieces.iter().map(|one| one.count).collect();
        let free = take(self.pieces.iter().zip(&mut left), times(rule.get)?);
        let bought = take(self.pieces.iter().zip(&mut left).rev(), times(rule.buy)?);
        match rule.spread {
            Spread::Free => on_the_free_lines(config, rule, &free, &bought),
            Spread::All => together(config, rule, &free, &bought),
        }
    }
}

/// At least one, even for a configuration that was never checked.
fn set_size(rule: BuyGet) -> i64 {
    (i64::from(rule.buy) + i64::from(rule.get)).max(1)
}

/// Takes pieces in the order given, at most so many, out of what is left of each line.
fn take<'a>(lines: impl Iterator<Item = (&'a Pieces, &'a mut i64)>, mut wanted: i64) -> Vec<Taken> {
    let mut all = Vec::new();
    for (pieces, left) in lines {
        let count = wanted.min(*left);
        if count > 0 {
            wanted -= count;
            *left -= count;
            all.push(Taken {
                pieces: *pieces,
                count,
            });
        }
    }
    all
}

/// One discount for each line with free pieces, each resting on the lines that earned it.
fn on_the_free_lines(
    config: &Config,
    rule: BuyGet,
    free: &[Taken],
    bought: &[Taken],
) -> Result<Vec<Discount>, Overflow> {
    let mut discounts = Vec::new();
    let mut earning = Earning { bought, before: 0 };
    let mut given: i128 = 0;
    let (buy, get) = (i128::from(rule.buy), i128::from(rule.get.max(1)));
    for taken in free {
        let from = given * buy / get;
        given += i128::from(taken.count);
        let mut basis = earning.lines(from, (given * buy + get - 1) / get);
        basis.retain(|position| *position != taken.pieces.position);
        let worth = taken.pieces.worth_of(taken.count)?;
        let amount = worth.mul_rate(rule.rate, config.rounding)?;
        let discount = Discount::line(taken.pieces.position, amount, offer(config));
        discounts.push(discount.earned_by(basis));
    }
    Ok(discounts)
}

/// Walks along the bought pieces once, however many free lines rest on them.
struct Earning<'a> {
    bought: &'a [Taken],
    /// Pieces before the first of `bought`.
    before: i128,
}

impl Earning<'_> {
    /// The lines of the pieces from one place up to, not including, another. Later calls start no earlier.
    fn lines(&mut self, from: i128, to: i128) -> Vec<u32> {
        while let [first, rest @ ..] = self.bought
            && self.before + i128::from(first.count) <= from
        {
            self.before += i128::from(first.count);
            self.bought = rest;
        }
        let mut start = self.before;
        let touched = self.bought.iter().take_while(|taken| {
            let inside = start < to;
            start += i128::from(taken.count);
            inside
        });
        let mut lines: Vec<u32> = touched.map(|taken| taken.pieces.position).collect();
        lines.sort_unstable();
        lines
    }
}

/// One discount over every line that takes part.
fn together(
    config: &Config,
    rule: BuyGet,
    free: &[Taken],
    bought: &[Taken],
) -> Result<Vec<Discount>, Overflow> {
    let worth = free
        .iter()
        .map(|taken| taken.pieces.worth_of(taken.count))
        .collect::<Result<Vec<_>, _>>()?;
    let amount = tessera_sdk::Money::checked_sum(worth)?.mul_rate(rule.rate, config.rounding)?;
    let mut lines: Vec<u32> = free
        .iter()
        .chain(bought)
        .map(|taken| taken.pieces.position)
        .collect();
    lines.sort_unstable();
    lines.dedup();
    Ok(vec![Discount::lines(lines, amount, offer(config))])
}
