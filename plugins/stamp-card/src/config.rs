//! What a shop prints on its stamp card.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tessera_sdk::goods::Selection;
use tessera_sdk::types::ConfigProblem;

/// Every so many-th piece free.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The goods that earn stamps and of which one is free. Weighed goods earn none.
    #[schemars(title = "Goods")]
    pub goods: Selection,
    /// Which piece is free: with 10, nine stamps fill the card and the tenth piece is free.
    #[schemars(title = "Every so many-th", range(min = 2, max = 1000))]
    pub every: u32,
    /// Whether the free piece earns the first stamp of the next card.
    #[schemars(title = "The free piece earns a stamp")]
    pub free_earns: bool,
    /// Tells the member how many stamps are missing when at most so many are. Zero: says nothing.
    #[schemars(title = "Remind when so many are missing", range(max = 1000))]
    pub remind: u32,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            goods: Selection::default(),
            every: 10,
            free_earns: false,
            remind: 1,
        }
    }
}

impl Config {
    /// What contradicts itself, with its place and remedy.
    pub fn problems(&self) -> Vec<ConfigProblem> {
        let mut problems = self.goods.problems("/goods");
        let mut say = |pointer: &str, message: &str| {
            problems.push(ConfigProblem::at(pointer, message));
        };
        // With two, a free piece that earns a stamp would make the next one free, and so on for ever.
        let least = if self.free_earns { 3 } else { 2 };
        if !(least..=1_000).contains(&self.every) {
            say(
                "/every",
                "Write between 2 and 1000, and at least 3 when the free piece earns a stamp.",
            );
        }
        if self.remind > 1_000 {
            say("/remind", "Write at most 1000; 0 says nothing.");
        }
        problems
    }
}
