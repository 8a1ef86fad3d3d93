//! What holders of a type of card pay less.

use serde::{Deserialize, Serialize};
use tessera_money::{Overflow, Rounding, mul_div};
use utoipa::ToSchema;

/// A whole in basis points.
const WHOLE: i64 = 10_000;
/// Categories of one type of card.
const MOST_CATEGORIES: usize = 50;

/// The discount of a type of card. It makes a price of its own: the customer pays the lowest of list, member and card
/// price, and campaigns begin from there. It goes no lower than a product's floor price.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CardDiscount {
    /// Hundredths of a percent off the list price, 1 to 10000; 500 is 5 %. The price of a unit is rounded half-up.
    pub basis_points: i64,
    /// Category paths with what lies below them, at most 50; all goods when left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub categories: Vec<String>,
}

/// The discount of a card somebody holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldDiscount {
    pub card_type: String,
    pub discount: CardDiscount,
}

impl CardDiscount {
    /// What is wrong with it: the field and why.
    pub fn fault(&self) -> Option<(&'static str, &'static str)> {
        let path = |path: &String| {
            (1..=200).contains(&path.len()) && path.split('/').all(|part| !part.trim().is_empty())
        };
        if !(1..=WHOLE).contains(&self.basis_points) {
            return Some(("basis_points", "give 1 to 10000"));
        }
        let good = self.categories.len() <= MOST_CATEGORIES && self.categories.iter().all(path);
        (!good).then_some(("categories", "give at most 50 paths such as drinks/coffee"))
    }

    fn covers(&self, category: &str) -> bool {
        let below = |path: &String| {
            category
                .strip_prefix(path.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        self.categories.is_empty() || self.categories.iter().any(below)
    }

    /// Its price of one whole unit.
    fn price(&self, list: i64, floor: Option<i64>) -> Result<i64, Overflow> {
        let price = mul_div(list, WHOLE - self.basis_points, WHOLE, Rounding::HalfUp)?;
        Ok(price.max(floor.unwrap_or(0)))
    }
}

/// The lowest price of one whole unit that cards give, with the type of the first card that gives it; none where they take
/// nothing off.
pub fn best<'a>(
    held: &'a [HeldDiscount],
    category: &str,
    list: i64,
    floor: Option<i64>,
) -> Result<Option<(i64, &'a str)>, Overflow> {
    let mut best: Option<(i64, &str)> = None;
    for card in held.iter().filter(|card| card.discount.covers(category)) {
        let price = card.discount.price(list, floor)?;
        if price < best.map_or(list, |(lowest, _)| lowest) {
            best = Some((price, &card.card_type));
        }
    }
    Ok(best)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn card(card_type: &str, basis_points: i64, categories: &[&str]) -> HeldDiscount {
        HeldDiscount {
            card_type: card_type.to_owned(),
            discount: CardDiscount {
                basis_points,
                categories: categories.iter().map(|path| (*path).to_owned()).collect(),
            },
        }
    }

    #[test]
    fn the_card_that_takes_most_off_counts_and_never_below_the_floor() {
        let held = [
            card("silver", 500, &[]),
            card("coffee", 2_000, &["drinks/coffee"]),
        ];
        let best = |category, list, floor| best(&held, category, list, floor).unwrap();
        assert_eq!(best("drinks/coffee/hot", 999, None), Some((799, "coffee")));
        assert_eq!(best("drinks/coffeepot", 1_010, None), Some((960, "silver")));
        assert_eq!(best("drinks/coffee", 999, Some(900)), Some((900, "coffee")));
        assert_eq!(best("bakery", 1_000, Some(1_000)), None);
        // A twentieth of nine hundredths is less than half of one.
        assert_eq!(best("bakery", 9, None), None);
    }

    #[test]
    fn a_discount_is_more_than_nothing_and_at_most_everything() {
        let fault = |card: HeldDiscount| card.discount.fault().map(|(field, _)| field);
        assert_eq!(fault(card("a", 10_000, &["a/b"])), None);
        assert_eq!(fault(card("a", 0, &[])), Some("basis_points"));
        assert_eq!(fault(card("a", 10_001, &[])), Some("basis_points"));
        assert_eq!(fault(card("a", 1, &["a//b"])), Some("categories"));
    }
}
