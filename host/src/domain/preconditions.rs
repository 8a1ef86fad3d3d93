//! What a sale must have before a rule is called at all: with hundreds of bindings in a store, few are about what is
//! on the counter.

use std::collections::HashSet;

use super::basket::{Basket, BasketLine};
use super::rules::TenderKind;

/// As a configured rule stated them when it was bound. Nothing named asks nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Preconditions {
    /// The member holds one of them.
    pub tiers: HashSet<String>,
    /// One of them is intended.
    pub tenders: Vec<TenderKind>,
    /// Some line is one of these products, ...
    pub products: HashSet<String>,
    /// ... or lies in one of these categories or below, ...
    pub categories: HashSet<String>,
    /// ... or carries one of these tags.
    pub tags: HashSet<String>,
    /// One of the binding's codes is presented.
    pub code: bool,
}

impl Preconditions {
    /// Whether a rule could answer anything: the sale's tier, its basket, and whether it has a code of the binding.
    pub fn may_hold(&self, tier: Option<&str>, basket: &Basket, has_code: bool) -> bool {
        (self.tiers.is_empty() || tier.is_some_and(|tier| self.tiers.contains(tier)))
            && (!self.code || has_code)
            && self.admit_tenders(basket)
            && self.admit_goods(basket)
    }

    fn admit_tenders(&self, basket: &Basket) -> bool {
        let named = |kind| self.tenders.contains(&kind);
        self.tenders.is_empty() || basket.tenders.iter().any(|one| named(one.kind()))
    }

    /// A sale without lines is an amount, of which nobody knows the goods.
    fn admit_goods(&self, basket: &Basket) -> bool {
        let named = self.products.is_empty() && self.categories.is_empty() && self.tags.is_empty();
        named || basket.lines.is_empty() || basket.lines.iter().any(|line| self.name(line))
    }

    fn name(&self, line: &BasketLine) -> bool {
        let product = line.product.as_ref();
        product.is_some_and(|product| self.products.contains(product))
            || (!self.categories.is_empty() && self.name_category(&line.category))
            || line.tags.iter().any(|tag| self.tags.contains(tag))
    }

    /// A category and all above it: `drinks/coffee`, `drinks`.
    fn name_category(&self, path: &str) -> bool {
        let ends = path.match_indices('/').map(|(end, _)| end);
        ends.chain([path.len()])
            .any(|end| self.categories.contains(&path[..end]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::basket::TenderIntent;

    fn basket(lines: &[(&str, &str, &str)]) -> Basket {
        let line = |(product, category, tag): &(&str, &str, &str)| {
            serde_json::from_value(serde_json::json!({
                "product": product, "name": product, "category": category, "tags": [tag],
                "quantity": 1000, "unit_price": 100, "priced_by_till": false, "member_price": null,
                "fixed_amount": null, "cost": null, "tax_class": "standard", "floor_price": null,
                "attributes": [],
            }))
            .unwrap()
        };
        Basket {
            currency: "CNY".to_owned(),
            currency_scale: 2,
            lines: lines.iter().map(line).collect(),
            codes: Vec::new(),
            tenders: vec![TenderIntent::StoredValue { amount: None }],
        }
    }

    fn set(names: &[&str]) -> HashSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn a_category_stands_for_those_below_it_and_not_for_its_neighbours() {
        let only = Preconditions {
            categories: set(&["drinks/hot"]),
            ..Preconditions::default()
        };
        for (category, holds) in [
            ("drinks/hot", true),
            ("drinks/hot/coffee", true),
            ("drinks", false),
            ("drinks/hotpot", false),
            ("", false),
        ] {
            let basket = basket(&[("a", "bakery", ""), ("b", category, "")]);
            assert_eq!(only.may_hold(None, &basket, false), holds, "{category}");
        }
    }

    #[test]
    fn one_good_of_any_list_is_enough_and_every_other_condition_counts_too() {
        let only = Preconditions {
            tiers: set(&["gold"]),
            tenders: vec![TenderKind::StoredValue],
            products: set(&["a"]),
            tags: set(&["fresh"]),
            code: true,
            ..Preconditions::default()
        };
        let (fits, other) = (basket(&[("b", "", "fresh")]), basket(&[("b", "", "")]));
        assert!(only.may_hold(Some("gold"), &fits, true));
        assert!(!only.may_hold(Some("gold"), &other, true));
        assert!(!only.may_hold(Some("gold"), &fits, false));
        assert!(!only.may_hold(Some("silver"), &fits, true));
        assert!(!only.may_hold(None, &fits, true));
        let cash = Basket {
            tenders: Vec::new(),
            ..fits
        };
        assert!(!only.may_hold(Some("gold"), &cash, true));
    }

    #[test]
    fn a_sale_without_lines_may_be_of_any_goods() {
        let only = Preconditions {
            products: set(&["a"]),
            ..Preconditions::default()
        };
        assert!(only.may_hold(None, &basket(&[]), false));
        assert!(Preconditions::default().may_hold(None, &basket(&[]), false));
    }
}
