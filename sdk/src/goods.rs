//! Which goods of a basket a rule is about, and how many pieces they are.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::facts::lies_within;
use crate::types::{ConfigProblem, Line};

/// Most entries of one list of a selection.
const ENTRIES_MAX: usize = 2_000;

/// Goods by product, category or tag. A line belongs when it is named in any of the first three lists and in none
/// of the last three. Without anything named, all goods belong.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Selection {
    /// Product ids.
    #[schemars(title = "Products")]
    pub products: Vec<String>,
    /// Category paths such as `drinks/coffee`; each stands for the categories below it too.
    #[schemars(title = "Categories")]
    pub categories: Vec<String>,
    /// Tags.
    #[schemars(title = "Tags")]
    pub tags: Vec<String>,
    /// Product ids that do not belong whatever else names them.
    #[schemars(title = "Except products")]
    pub except_products: Vec<String>,
    /// Category paths that do not belong, with the categories below them.
    #[schemars(title = "Except categories")]
    pub except_categories: Vec<String>,
    /// Tags that do not belong.
    #[schemars(title = "Except tags")]
    pub except_tags: Vec<String>,
}

impl Selection {
    /// Whether every line belongs, so that the order as a whole is meant.
    pub fn is_everything(&self) -> bool {
        let lists = [
            &self.products,
            &self.categories,
            &self.tags,
            &self.except_products,
            &self.except_categories,
            &self.except_tags,
        ];
        lists.iter().all(|list| list.is_empty())
    }

    /// What is wrong with it; `pointer` is where it stands in the configuration, such as `/goods`.
    pub fn problems(&self, pointer: &str) -> Vec<ConfigProblem> {
        let lists = [
            ("products", &self.products),
            ("categories", &self.categories),
            ("tags", &self.tags),
            ("except_products", &self.except_products),
            ("except_categories", &self.except_categories),
            ("except_tags", &self.except_tags),
        ];
        let mut problems = Vec::new();
        for (name, list) in lists {
            if list.len() > ENTRIES_MAX {
                let message =
                    format!("name at most {ENTRIES_MAX}; use a category or a tag for more");
                problems.push(ConfigProblem::at(format!("{pointer}/{name}"), message));
            }
            for (position, entry) in list.iter().enumerate().take(ENTRIES_MAX) {
                let path = name.ends_with("categories");
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

    /// Looks the names up once, so that asking per line is cheap. `categories` and `tags` are those of the facts.
    pub fn picker<'a>(&'a self, categories: &[String], tags: &[String]) -> Picker<'a> {
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
                && self.tags.is_empty(),
            categories: categories
                .iter()
                .map(|category| {
                    verdict(
                        below(&self.categories, category),
                        below(&self.except_categories, category),
                    )
                })
                .collect(),
            tags: tags
                .iter()
                .map(|tag| verdict(self.tags.contains(tag), self.except_tags.contains(tag)))
                .collect(),
        }
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
    categories: Vec<Verdict>,
    tags: Vec<Verdict>,
}

impl Picker<'_> {
    /// Whether the line belongs.
    pub fn picks(&self, line: &Line) -> bool {
        let category = usize::try_from(line.category)
            .ok()
            .and_then(|position| self.categories.get(position));
        let tags = || {
            let positions = line
                .tags
                .iter()
                .filter_map(|position| usize::try_from(*position).ok());
            positions.filter_map(|position| self.tags.get(position))
        };
        if category == Some(&Verdict::Excepted)
            || tags().any(|verdict| *verdict == Verdict::Excepted)
            || self.selection.except_products.contains(&line.product)
        {
            return false;
        }
        self.everything_named
            || category == Some(&Verdict::Named)
            || tags().any(|verdict| *verdict == Verdict::Named)
            || self.selection.products.contains(&line.product)
    }

    /// Positions of the lines that belong, in order.
    pub fn positions(&self, lines: &[Line]) -> Vec<u32> {
        (0..)
            .zip(lines)
            .filter(|(_, line)| self.picks(line))
            .map(|(position, _)| position)
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
        ] {
            let selection: Selection = serde_json::from_str(json).expect(json);
            let picker = selection.picker(&basket.categories, &basket.tags);
            assert_eq!(picker.positions(&basket.lines), belonging, "{json}");
            assert_eq!(selection.is_everything(), json == "{}");
        }
    }

    #[test]
    fn positions_past_the_tables_name_nothing() {
        let selection = Selection {
            tags: vec!["hot".into()],
            ..Selection::default()
        };
        let mut basket = facts().line("latte").tag("hot").points();
        (basket.lines[0].category, basket.lines[0].tags) = (u32::MAX, vec![7, u32::MAX]);
        assert!(
            selection
                .picker(&basket.categories, &basket.tags)
                .positions(&basket.lines)
                .is_empty()
        );
    }

    #[test]
    fn empty_names_and_loose_slashes_are_problems_with_their_place() {
        let selection = Selection {
            categories: vec!["drinks".into(), "/drinks".into(), "drinks/".into()],
            except_tags: vec![" ".into()],
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
                "/goods/except_tags/0"
            ]
        );
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
            let mut line = facts().line("a").points().lines.remove(0);
            line.quantity = quantity;
            assert_eq!(pieces(&line), count, "{quantity}");
        }
    }
}
