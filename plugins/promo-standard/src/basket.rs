//! The basket as a promotion sees it: the goods it is about, their worth and their pieces.

use std::cmp::Ordering;

use tessera_sdk::goods::{Picker, Selection, pieces};
use tessera_sdk::promotions::Facts;
use tessera_sdk::types::Basket as Told;
use tessera_sdk::{LineView, Money, Overflow, Rate, Rounding, mul_div};

use crate::config::{Config, Price, Tax};

/// What is bought. Lines that bring goods back (a quantity below zero) do not count.
pub struct Basket<'a> {
    pub all: Vec<Item<'a>>,
    /// Those the promotion is about.
    pub goods: Vec<Item<'a>>,
    told: &'a Told,
    prices_include_tax: bool,
}

/// A line and its position.
#[derive(Clone, Copy)]
pub struct Item<'a> {
    pub position: u32,
    pub line: LineView<'a>,
}

impl<'a> Basket<'a> {
    pub fn new(config: &Config, facts: &'a Facts) -> Basket<'a> {
        let items = facts.lines().map(|line| Item {
            position: line.position(),
            line,
        });
        let all: Vec<Item> = items.filter(|item| item.line.quantity > 0).collect();
        let picker = config.goods.picker(&facts.basket);
        let goods = all
            .iter()
            .copied()
            .filter(|item| picker.picks(item.line))
            .collect();
        Basket {
            all,
            goods,
            told: &facts.basket,
            prices_include_tax: facts.order.prices_include_tax,
        }
    }

    /// Ready to pick some goods out of it.
    pub fn picker<'s>(&self, goods: &'s Selection) -> Picker<'s> {
        goods.picker(self.told)
    }

    /// The same without some goods, which do not earn what is given on them.
    pub fn without(mut self, left_out: &Selection) -> Basket<'a> {
        let picker = left_out.picker(self.told);
        self.all.retain(|item| !picker.picks(item.line));
        self.goods.retain(|item| !picker.picks(item.line));
        self
    }
}

impl Item<'_> {
    /// Never below zero.
    pub fn worth(&self, price: Price) -> Money {
        Money(match price {
            Price::Left => self.line.amount.max(0),
            Price::List => self.line.list_amount.max(0),
            Price::Reduced => self.line.reduced_amount.max(0),
        })
    }

    /// The same with or without tax, a minor unit rounded half up.
    fn taxed_worth(&self, price: Price, tax: Tax, includes_tax: bool) -> Result<Money, Overflow> {
        let worth = self.worth(price);
        let rate = Rate::ONE.plus(self.line.tax_share())?;
        match tax {
            Tax::With if !includes_tax => worth.mul_rate(rate, Rounding::HalfUp),
            Tax::Without if includes_tax => {
                let (whole, part) = (rate.numerator(), rate.denominator());
                mul_div(worth.0, part, whole, Rounding::HalfUp).map(Money)
            }
            Tax::AsPriced | Tax::With | Tax::Without => Ok(worth),
        }
    }
}

/// How many pieces the lines hold; an article sold by weight counts as one.
pub fn piece_count(items: &[Item]) -> Result<i64, Overflow> {
    let count = items.iter().try_fold(0_i64, |sum, item| {
        sum.checked_add(pieces(&item.line).unwrap_or(1))
    });
    count.ok_or(Overflow)
}

/// What the lines are worth together, with or without tax.
pub fn taxed_worth(
    basket: &Basket,
    items: &[Item],
    price: Price,
    tax: Tax,
) -> Result<Money, Overflow> {
    let includes_tax = basket.prices_include_tax;
    items.iter().try_fold(Money::ZERO, |sum, item| {
        sum.checked_add(item.taxed_worth(price, tax, includes_tax)?)
    })
}

/// What the lines are worth together.
pub fn worth(items: &[Item], price: Price) -> Result<Money, Overflow> {
    Money::checked_sum(items.iter().map(|item| item.worth(price)))
}

/// Whole pieces of one line on which something is left to take off.
#[derive(Clone, Copy)]
pub struct Pieces {
    pub position: u32,
    pub count: i64,
    /// What is left of all of them.
    amount: i64,
    /// What they are compared by, all together.
    compared: i64,
}

impl Pieces {
    /// The pieces of these lines, cheapest first; of equals the earlier line first.
    pub fn cheapest_first(items: &[Item], by: Price) -> Vec<Pieces> {
        let left = items.iter().filter(|item| item.line.amount > 0);
        let mut all: Vec<Pieces> = left
            .filter_map(|item| {
                Some(Pieces {
                    position: item.position,
                    count: pieces(&item.line)?,
                    amount: item.line.amount,
                    compared: item.worth(by).0,
                })
            })
            .collect();
        all.sort_by(Pieces::by_price);
        all
    }

    fn by_price(&self, other: &Pieces) -> Ordering {
        let mine = i128::from(self.compared) * i128::from(other.count);
        let others = i128::from(other.compared) * i128::from(self.count);
        mine.cmp(&others).then(self.position.cmp(&other.position))
    }

    /// What is left of so many of them; a fraction of a minor unit stays with the rest.
    pub fn worth_of(&self, count: i64) -> Result<Money, Overflow> {
        mul_div(self.amount, count, self.count, Rounding::Down).map(Money)
    }
}
