//! Which goods of a basket a rule is about, and how many pieces they are.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::facts::{LineView, Lines, lies_within};
use crate::types::{Basket, ConfigProblem, Line, Needs};

/// Most entries of one list of a selection.
const ENTRIES_MAX: usize = 2_000;

/// Goods by product, category, tag or brand. A line belongs when it is named in any of the first four lists and in
/// none of those that except. Without anything named, all goods belong.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Selection {
    /// Product ids.
    #[schemars(title = "Products", extend("examples" = [["coffee-500g"]]))]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub products: Vec<String>,
    /// Category paths such as `drinks/coffee`; each stands for the categories below it too.
    #[schemars(title = "Categories", extend("examples" = [["drinks/coffee", "bakery"]]))]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub categories: Vec<String>,
    /// Tags.
    #[schemars(title = "Tags", extend("examples" = [["fair-trade"]]))]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Brands as the products name them.
    #[schemars(title = "Brands", extend("examples" = [["Sunrise"]]))]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub brands: Vec<String>,
    /// Product ids that do not belong whatever else names them.
    #[schemars(title = "Except products", extend("examples" = [["gift-card"]]))]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub except_products: Vec<String>,
    /// Category paths that do not belong, with the categories below them.
    #[schemars(title = "Except categories", extend("examples" = [["tobacco"]]))]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub except_categories: Vec<String>,
    /// Tags that do not belong.
    #[schemars(title = "Except tags", extend("examples" = [["clearance"]]))]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub except_tags: Vec<String>,
    /// Brands that do not belong.
    #[schemars(title = "Except brands", extend("examples" = [["Moonlight"]]))]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub except_brands: Vec<String>,
}

/// The attribute of a line that holds its brand.
pub const BRAND: &str = "brand";

/// The brand of a line, where the rule asked for it.
pub fn brand(line: LineView<'_>) -> Option<&str> {
    line.attribute(BRAND)?.as_text()
}

impl Selection {
    fn lists(&self) -> [(&'static str, &Vec<String>); 8] {
        [
            ("products", &self.products),
            ("categories", &self.categories),
            ("tags", &self.tags),
            ("brands", &self.brands),
            ("except_products", &self.except_products),
            ("except_categories", &self.except_categories),
            ("except_tags", &self.except_tags),
            ("except_brands", &self.except_brands),
        ]
    }

    /// Whether every line belongs, so that the order as a whole is meant.
    pub fn is_everything(&self) -> bool {
        self.lists().iter().all(|(_, list)| list.is_empty())
    }

    /// Adds to what a rule wants what the selection names: products, categories, tags, brands.
    pub fn needs(&self, mut needs: Needs) -> Needs {
        needs.products |= self.asks_products();
        needs.categories |= self.asks_categories();
        needs.tags |= self.asks_tags();
        if self.asks_brand() && !needs.attributes.iter().any(|name| name == BRAND) {
            needs.attribute(BRAND)
        } else {
            needs
        }
    }

    /// Adds that nothing is answered unless one of the goods is in the basket. Goods named by their brand are left to
    /// the rule.
    pub fn only_with(&self, mut needs: Needs) -> Needs {
        if self.brands.is_empty() {
            let only = &mut needs.preconditions;
            only.products.extend(self.products.iter().cloned());
            only.categories.extend(self.categories.iter().cloned());
            only.tags.extend(self.tags.iter().cloned());
        }
        needs
    }

    fn asks_products(&self) -> bool {
        !self.products.is_empty() || !self.except_products.is_empty()
    }

    fn asks_categories(&self) -> bool {
        !self.categories.is_empty() || !self.except_categories.is_empty()
    }

    fn asks_tags(&self) -> bool {
        !self.tags.is_empty() || !self.except_tags.is_empty()
    }

    fn asks_brand(&self) -> bool {
        !self.brands.is_empty() || !self.except_brands.is_empty()
    }

    /// What is wrong with it; `pointer` is where it stands in the configuration, such as `/goods`.
    pub fn problems(&self, pointer: &str) -> Vec<ConfigProblem> {
        let lists = self.lists();
        let mut problems = Vec::new();
        for (name, list) in lists {
            if list.len() > ENTRIES_MAX {
                let message =
                    format!("name at most {ENTRIES_MAX}; use a category or a tag for more");
                problems.push(ConfigProblem::at(format!("{pointer}/{name}"), message));
            }
            for (position, entry) in list.iter().enumerate().take(ENTRIES_MAX) {
                let path = name.ends_with("categories");
                let named = name.strip_prefix("except_");
                if lists
                    .iter()
                    .any(|(other, list)| named == Some(*other) && list.contains(entry))
                {
                    let message = "it is both named and excepted; remove one of the two";
                    problems.push(ConfigProblem::at(
                        format!("{pointer}/{name}/{position}"),
                        message,
                    ));
                }
                if entry.trim().is_empty()
                    || (path && (entry.starts_with('/') || entry.ends_with('/')))
                {
                    let message =
                        "write a name without leading or trailing slashes, or remove the entry";
                    problems.push(ConfigProblem::at(
                        format!("{pointer}/{name}/{position}"),
                        message,
                    ));
                }
            }
        }
        problems
    }

    /// Looks the names up once, so that asking per line is cheap.
    pub fn picker<'a>(&'a self, basket: &Basket) -> Picker<'a> {
        let below = |paths: &[String], category: &String| {
            paths.iter().any(|path| lies_within(category, path))
        };
        let verdict = |named: bool, excepted: bool| match (named, excepted) {
            (_, true) => Verdict::Excepted,
            (true, false) => Verdict::Named,
            (false, false) => Verdict::Unnamed,
        };
        Picker {
            selection: self,
            everything_named: self.products.is_empty()
                && self.categories.is_empty()
                && self.tags.is_empty()
                && self.brands.is_empty(),
            asks_brand: self.asks_brand(),
            asks_products: self.asks_products(),
            categories: of_each(self.asks_categories(), &basket.categories, |category| {
                verdict(
                    below(&self.categories, category),
                    below(&self.except_categories, category),
                )
            }),
            tags: of_each(self.asks_tags(), &basket.tags, |tag| {
                verdict(self.tags.contains(tag), self.except_tags.contains(tag))
            }),
        }
    }
}

/// Nothing where nothing is asked.
fn of_each(asked: bool, names: &[String], verdict: impl FnMut(&String) -> Verdict) -> Vec<Verdict> {
    if asked {
        names.iter().map(verdict).collect()
    } else {
        Vec::new()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Named,
    Unnamed,
    Excepted,
}

/// A selection made ready for the categories and tags of one call.
#[derive(Debug)]
pub struct Picker<'a> {
    selection: &'a Selection,
    everything_named: bool,
    asks_brand: bool,
    asks_products: bool,
    categories: Vec<Verdict>,
    tags: Vec<Verdict>,
}

impl Picker<'_> {
    /// Whether the line belongs.
    pub fn picks(&self, line: LineView<'_>) -> bool {
        let category = usize::try_from(line.category)
            .ok()
            .and_then(|position| self.categories.get(position));
        let tagged = |as_such: Verdict| {
            !self.tags.is_empty()
                && line.tag_positions().iter().any(|position| {
                    let position = usize::try_from(*position).unwrap_or(usize::MAX);
                    self.tags.get(position) == Some(&as_such)
                })
        };
        let product_in = |products: &[String]| {
            self.asks_products && products.iter().any(|one| one == line.product())
        };
        let brand_in = |brands: &[String]| {
            self.asks_brand
                && brand(line).is_some_and(|brand| brands.iter().any(|one| one == brand))
        };
        if category == Some(&Verdict::Excepted)
            || brand_in(&self.selection.except_brands)
            || tagged(Verdict::Excepted)
            || product_in(&self.selection.except_products)
        {
            return false;
        }
        self.everything_named
            || category == Some(&Verdict::Named)
            || tagged(Verdict::Named)
            || product_in(&self.selection.products)
            || brand_in(&self.selection.brands)
    }

    /// Positions of the lines that belong, in order.
    pub fn positions(&self, lines: Lines<'_>) -> Vec<u32> {
        lines
            .filter(|line| self.picks(*line))
            .map(|line| line.position())
            .collect()
    }
}

/// Whole pieces of a line: none when its quantity is not positive or not whole, as with weighed goods.
pub fn pieces(line: &Line) -> Option<i64> {
    (line.quantity > 0 && line.quantity % 1000 == 0).then_some(line.quantity / 1000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::points::Facts;
    use crate::testing::facts;

    #[test]
    fn a_line_belongs_when_it_is_named_and_not_excepted() {
        let basket = facts()
            .line("latte")
            .category("drinks/coffee")
            .tag("hot")
            .tag("new")
            .line("cola")
            .category("drinks")
            .line_attribute("brand", "Acme")
            .line("cup")
            .category("drinks-ware")
            .line("priced at the till")
            .points();
        for (json, belonging) in [
            ("{}", &[0, 1, 2, 3][..]),
            (r#"{"categories": ["drinks"]}"#, &[0, 1]),
            (
                r#"{"categories": ["drinks"], "products": ["cup"]}"#,
                &[0, 1, 2],
            ),
            (r#"{"tags": ["new"]}"#, &[0]),
            (r#"{"except_tags": ["hot"]}"#, &[1, 2, 3]),
            (
                r#"{"categories": ["drinks"], "except_categories": ["drinks/coffee"]}"#,
                &[1],
            ),
            (
                r#"{"products": ["latte", "cola"], "except_products": ["cola"]}"#,
                &[0],
            ),
            (r#"{"tags": ["unknown"]}"#, &[]),
            (r#"{"brands": ["Acme"], "products": ["cup"]}"#, &[1, 2]),
            (r#"{"except_brands": ["Acme"]}"#, &[0, 2, 3]),
            (r#"{"brands": ["acme"]}"#, &[]),
        ] {
            let selection: Selection = serde_json::from_str(json).expect(json);
            let picker = selection.picker(&basket.basket);
            assert_eq!(picker.positions(basket.lines()), belonging, "{json}");
            assert_eq!(selection.is_everything(), json == "{}");
        }
    }

    #[test]
    fn positions_past_the_tables_name_nothing() {
        let selection = Selection {
            tags: vec!["hot".into()],
            ..Selection::default()
        };
        let mut facts = facts().line("latte").tag("hot").points();
        facts.basket.lines[0].category = u32::MAX;
        facts.basket.line_tags = vec![7];
        let picked = |facts: &Facts| {
            let picker = selection.picker(&facts.basket);
            picker.positions(facts.lines())
        };
        assert!(picked(&facts).is_empty());
        facts.basket.lines[0].first_tag = u32::MAX;
        assert!(picked(&facts).is_empty());
    }

    #[test]
    fn empty_names_and_loose_slashes_are_problems_with_their_place() {
        let selection = Selection {
            categories: vec!["drinks".into(), "/drinks".into(), "drinks/".into()],
            tags: vec!["hot".into()],
            except_tags: vec![" ".into(), "hot".into()],
            ..Selection::default()
        };
        let pointers: Vec<_> = selection
            .problems("/goods")
            .into_iter()
            .map(|problem| problem.pointer)
            .collect();
        assert_eq!(
            pointers,
            [
                "/goods/categories/1",
                "/goods/categories/2",
                "/goods/except_tags/0",
                "/goods/except_tags/1"
            ]
        );
    }

    #[test]
    fn the_brand_is_asked_for_where_one_is_named() {
        for (json, attributes) in [
            ("{}", 0),
            (r#"{"brands": ["Acme"]}"#, 1),
            (r#"{"except_brands": ["Acme"]}"#, 1),
        ] {
            let selection: Selection = serde_json::from_str(json).expect(json);
            let needs = selection.needs(selection.needs(Needs::none()));
            assert_eq!(needs.attributes.len(), attributes, "{json}");
        }
    }

    #[test]
    fn what_is_named_is_asked_for() {
        for (json, asked) in [
            ("{}", [false, false, false]),
            (r#"{"except_products": ["a"]}"#, [true, false, false]),
            (r#"{"categories": ["a"]}"#, [false, true, false]),
            (r#"{"tags": ["a"], "brands": ["b"]}"#, [false, false, true]),
        ] {
            let selection: Selection = serde_json::from_str(json).expect(json);
            let needs = selection.needs(Needs::amounts());
            assert_eq!(
                [needs.products, needs.categories, needs.tags],
                asked,
                "{json}"
            );
        }
    }

    #[test]
    fn only_whole_positive_quantities_are_pieces() {
        for (quantity, count) in [
            (2000, Some(2)),
            (345, None),
            (1345, None),
            (0, None),
            (-1000, None),
            (i64::MIN, None),
        ] {
            let mut line = facts().line("a").points().basket.lines.remove(0);
            line.quantity = quantity;
            assert_eq!(pieces(&line), count, "{quantity}");
        }
    }
}
