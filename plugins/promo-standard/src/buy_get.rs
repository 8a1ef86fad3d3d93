//! Buy some pieces, get others free or cheaper.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tessera_sdk::goods::Selection;
use tessera_sdk::promotions::Discount;
use tessera_sdk::{Money, Overflow, Rate};

use crate::basket::{Basket, Item, Pieces};
use crate::config::{Config, Price};
use crate::words::buy_get;

/// Buy some, get some free or cheaper. Goods sold by weight count neither as bought nor as free.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BuyGet {
    /// Pieces paid in full.
    #[schemars(title = "Buy", range(min = 1, max = 1000))]
    pub buy: u32,
    /// Pieces that get the discount.
    #[schemars(title = "Get", range(min = 1, max = 1000))]
    pub get: u32,
    /// The share taken off these pieces.
    #[schemars(title = "Share")]
    #[serde(default)]
    pub rate: Rate,
    /// The goods of which pieces get it. When nothing is named they are those that are bought; else what is named here
    /// does not count as bought.
    #[schemars(title = "Get goods", extend("default" = {}))]
    #[serde(default, skip_serializing_if = "Selection::is_everything")]
    pub get_goods: Selection,
    /// Which pieces get it.
    #[schemars(title = "Which")]
    #[serde(default)]
    pub which: Which,
    /// Whether a basket gets it once or as often as it fits.
    #[schemars(title = "Repeat")]
    #[serde(default)]
    pub repeat: Repeat,
    /// Most full sets of one basket. Zero: no limit.
    #[schemars(title = "Most sets")]
    #[serde(default)]
    pub most: u32,
    /// Which lines bear the discount. It decides what a return of one of them pays back.
    #[schemars(title = "Spread over")]
    #[serde(default)]
    pub spread: Spread,
    /// What pieces are compared by.
    #[schemars(title = "Cheapest by")]
    #[serde(default)]
    pub cheapest_by: Price,
}

/// Which pieces of several count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Which {
    /// The cheapest ones.
    #[default]
    Cheapest,
    /// The most expensive ones.
    MostExpensive,
}

/// How often the same promotion works in one basket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Repeat {
    /// For every full set.
    #[default]
    Every,
    /// For the first full set.
    Once,
}

/// Which lines bear the discount of buy-X-get-Y.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Spread {
    /// Those of the free pieces alone.
    #[default]
    Free,
    /// Those of the free pieces and of the pieces that earned them, by what is left of each.
    All,
}

/// How often a basket holds a full set.
pub struct Sets {
    /// Pieces that may be free, in the order in which they are chosen.
    free: Vec<Pieces>,
    /// Pieces that can only earn them, in the order in which they are chosen; `None` where all may be either.
    bought: Option<Vec<Pieces>>,
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
    pub fn of(rule: &BuyGet, basket: &Basket) -> Result<Sets, Overflow> {
        let (free, bought) = if rule.get_goods.is_everything() {
            (
                Pieces::cheapest_first(&basket.goods, rule.cheapest_by),
                None,
            )
        } else {
            let picker = basket.picker(&rule.get_goods);
            let (get, buy): (Vec<Item>, Vec<Item>) =
                basket.all.iter().partition(|item| picker.picks(item.line));
            let is_goods = |item: &Item| {
                let mut goods = basket.goods.iter();
                goods.any(|one| one.position == item.position)
            };
            let buy: Vec<Item> = buy.into_iter().filter(is_goods).collect();
            let mut bought = Pieces::cheapest_first(&buy, rule.cheapest_by);
            bought.reverse();
            (Pieces::cheapest_first(&get, rule.cheapest_by), Some(bought))
        };
        let in_order = |mut pieces: Vec<Pieces>| {
            if rule.which == Which::MostExpensive {
                pieces.reverse();
            }
            pieces
        };
        let (free, bought) = (in_order(free), bought.map(in_order));
        let available = count(&free)?;
        let (fit, short) = match &bought {
            None => alike(rule, available),
            Some(bought) => apart(rule, count(bought)?, available),
        };
        let mut full = fit;
        if rule.repeat == Repeat::Once {
            full = full.min(1);
        }
        if rule.most > 0 {
            full = full.min(rule.most.into());
        }
        Ok(Sets {
            free,
            bought,
            full,
            short: short.filter(|_| full == fit),
        })
    }

    /// The discounts: the pieces chosen to be free, and the ones at the other end of the order earned it.
    pub fn discounts(&self, config: &Config, rule: &BuyGet) -> Result<Vec<Discount>, Overflow> {
        let times = |pieces: u32| self.full.checked_mul(i64::from(pieces)).ok_or(Overflow);
        let mut left: Vec<i64> = self.free.iter().map(|one| one.count).collect();
        let free = take(self.free.iter().zip(&mut left), times(rule.get)?);
        let bought = match &self.bought {
            None => take(self.free.iter().zip(&mut left).rev(), times(rule.buy)?),
            Some(bought) => {
                let mut left: Vec<i64> = bought.iter().map(|one| one.count).collect();
                take(bought.iter().zip(&mut left), times(rule.buy)?)
            }
        };
        match rule.spread {
            Spread::Free => on_the_free_lines(config, rule, &free, &bought),
            Spread::All => together(config, rule, &free, &bought),
        }
    }
}

fn count(pieces: &[Pieces]) -> Result<i64, Overflow> {
    let sum = pieces
        .iter()
        .try_fold(0_i64, |sum, one| sum.checked_add(one.count));
    sum.ok_or(Overflow)
}

/// Full sets of pieces that may be bought or free, and what is short of another one. The first set is worth a word as
/// soon as it is begun, another one when only free pieces are missing.
fn alike(rule: &BuyGet, available: i64) -> (i64, Option<i64>) {
    let set = set_size(rule);
    let (fit, over) = (available / set, available % set);
    let begun = if fit == 0 {
        over > 0
    } else {
        rule.repeat == Repeat::Every && over >= i64::from(rule.buy)
    };
    (fit, begun.then_some(set - over))
}

/// The same of pieces that can only be bought and pieces that can only be free.
fn apart(rule: &BuyGet, bought: i64, free: i64) -> (i64, Option<i64>) {
    let (buy, get) = (i64::from(rule.buy.max(1)), i64::from(rule.get.max(1)));
    let fit = (bought / buy).min(free / get);
    let begun = if fit == 0 {
        bought > 0 || free > 0
    } else {
        rule.repeat == Repeat::Every && bought - fit * buy >= buy
    };
    let missing = |wanted: i64, there: i64| (wanted * (fit + 1) - there).max(0);
    let short = missing(buy, bought) + missing(get, free);
    (fit, begun.then_some(short))
}

/// At least one, even for a configuration that was never checked.
fn set_size(rule: &BuyGet) -> i64 {
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
    rule: &BuyGet,
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
        let discount = Discount::line(taken.pieces.position, amount, buy_get(rule));
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
    rule: &BuyGet,
    free: &[Taken],
    bought: &[Taken],
) -> Result<Vec<Discount>, Overflow> {
    let worth = free
        .iter()
        .map(|taken| taken.pieces.worth_of(taken.count))
        .collect::<Result<Vec<_>, _>>()?;
    let amount = Money::checked_sum(worth)?.mul_rate(rule.rate, config.rounding)?;
    let mut lines: Vec<u32> = free
        .iter()
        .chain(bought)
        .map(|taken| taken.pieces.position)
        .collect();
    lines.sort_unstable();
    lines.dedup();
    Ok(vec![Discount::lines(lines, amount, buy_get(rule))])
}
