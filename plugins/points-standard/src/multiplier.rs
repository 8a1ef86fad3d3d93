//! What a line's money counts for, by what is sold.

use tessera_sdk::goods::brand;
use tessera_sdk::points::Facts;
use tessera_sdk::prelude::*;
use tessera_sdk::{div_round, lies_within};

use crate::config::Config;

/// A multiplier for a category and what lies below it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CategoryMultiplier {
    /// Path, root first, such as `drinks/coffee`.
    #[schemars(title = "Category", extend("examples" = ["drinks/coffee"]))]
    pub category: String,
    /// What its money counts for: 2 for twice the points, 0 for none.
    #[schemars(title = "Multiplier")]
    pub multiplier: Rate,
}

/// A multiplier for articles with a tag.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TagMultiplier {
    /// Tag as the articles carry it.
    #[schemars(title = "Tag", extend("examples" = ["fair-trade"]))]
    pub tag: String,
    /// What its money counts for: 2 for twice the points, 0 for none.
    #[schemars(title = "Multiplier")]
    pub multiplier: Rate,
}

/// A multiplier for one product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProductMultiplier {
    /// Product id.
    #[schemars(title = "Product", extend("examples" = ["coffee-500g"]))]
    pub product: String,
    /// What its money counts for: 2 for twice the points, 0 for none.
    #[schemars(title = "Multiplier")]
    pub multiplier: Rate,
}

/// A multiplier for a brand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BrandMultiplier {
    /// Brand as the products name it.
    #[schemars(title = "Brand", extend("examples" = ["Sunrise"]))]
    pub brand: String,
    /// What its money counts for: 2 for twice the points, 0 for none.
    #[schemars(title = "Multiplier")]
    pub multiplier: Rate,
}

/// A multiplier for articles with at least this margin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MarginMultiplier {
    /// Share of the price without tax that is left after the cost, such as 40 %.
    #[schemars(title = "From margin")]
    pub from: Rate,
    /// What its money counts for: 2 for twice the points, 0 for none.
    #[schemars(title = "Multiplier")]
    pub multiplier: Rate,
}

/// What counts where there are several multipliers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Combine {
    /// The highest one.
    #[default]
    Highest,
    /// Their product: 2 and 3 make 6.
    Multiply,
    /// What they add to one: 2 and 3 make 4.
    Add,
}

impl Combine {
    /// Zero with anything is zero.
    pub fn join(self, one: Rate, other: Rate) -> Result<Rate, Overflow> {
        if one.is_zero() || other.is_zero() {
            return Ok(Rate::ZERO);
        }
        match self {
            Combine::Highest => Ok(one.max(other)),
            Combine::Multiply => one.times(other),
            Combine::Add => Ok(one.plus(other)?.minus(Rate::ONE)?.max(Rate::ZERO)),
        }
    }
}

/// The multipliers made ready for the categories and tags of one call, so that asking per line is cheap.
pub struct Multipliers<'a> {
    config: &'a Config,
    categories: Vec<Option<Rate>>,
    tags: Vec<Option<Rate>>,
}

impl<'a> Multipliers<'a> {
    pub fn new(config: &'a Config, facts: &Facts) -> Multipliers<'a> {
        let of_category = |path: &String| {
            let containing = config
                .categories
                .iter()
                .filter(|entry| lies_within(path, &entry.category));
            containing
                .max_by_key(|entry| entry.category.len())
                .map(|entry| entry.multiplier)
        };
        let of_tag = |tag: &String| {
            let entry = config.tags.iter().find(|entry| entry.tag == *tag);
            entry.map(|entry| entry.multiplier)
        };
        Multipliers {
            config,
            categories: if config.categories.is_empty() {
                Vec::new()
            } else {
                facts.basket.categories.iter().map(of_category).collect()
            },
            tags: if config.tags.is_empty() {
                Vec::new()
            } else {
                facts.basket.tags.iter().map(of_tag).collect()
            },
        }
    }

    /// What a line's money counts for; `net` is its price without tax.
    pub fn of(&self, line: LineView<'_>, net: Money) -> Result<Rate, Overflow> {
        let mut found: Option<Rate> = None;
        let mut join = |multiplier: Option<Rate>| {
            let Some(multiplier) = multiplier else {
                return Ok(());
            };
            found = Some(match found {
                None => multiplier,
                Some(before) => self.config.combine.join(before, multiplier)?,
            });
            Ok::<(), Overflow>(())
        };
        join(entry(&self.categories, line.category))?;
        if !self.tags.is_empty() {
            for tag in line.tag_positions() {
                join(entry(&self.tags, *tag))?;
            }
        }
        if !self.config.products.is_empty() {
            let products = self.config.products.iter();
            let mut named = products.filter(|entry| entry.product == line.product());
            join(named.next().map(|entry| entry.multiplier))?;
        }
        if let (false, Some(brand)) = (self.config.brands.is_empty(), brand(line)) {
            let mut named = self
                .config
                .brands
                .iter()
                .filter(|entry| entry.brand == brand);
            join(named.next().map(|entry| entry.multiplier))?;
        }
        if !self.config.margins.is_empty() {
            join(self.of_margin(line, net)?)?;
        }
        Ok(found.unwrap_or(Rate::ONE))
    }

    fn of_margin(&self, line: LineView<'_>, net: Money) -> Result<Option<Rate>, Overflow> {
        let Some(margin) = margin(line, net)? else {
            return Ok(None);
        };
        let share = Rate::new(margin.0, net.0).unwrap_or(Rate::ZERO);
        let reached = |entry: &&MarginMultiplier| entry.from <= share;
        let entry = self.config.margins.iter().rev().find(reached);
        Ok(entry.map(|entry| entry.multiplier))
    }
}

fn entry(table: &[Option<Rate>], position: u32) -> Option<Rate> {
    *table.get(usize::try_from(position).ok()?)?
}

/// What is left of a price without tax after the cost, where that is known. The cost of a part of a unit is rounded
/// up: no point rests on money the store does not have.
pub fn margin(line: LineView<'_>, net: Money) -> Result<Option<Money>, Overflow> {
    let Some(cost) = line.cost() else {
        return Ok(None);
    };
    let cost = div_round(
        i128::from(cost.0) * i128::from(line.quantity),
        1_000,
        Rounding::Up,
    )?;
    net.checked_sub(Money(cost)).map(Some)
}
