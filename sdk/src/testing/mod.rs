//! Running a rule natively: facts built in a few words, and the checks the host makes.
//!
//! ```
//! use tessera_sdk::testing::facts;
//! let facts = facts()
//!     .line("espresso").category("drinks/coffee").price(2800).quantity(2).tag("fair-trade")
//!     .line("bag").price(50)
//!     .at("2026-05-01T10:30:00+08:00")
//!     .points();
//! assert_eq!(facts.amount, 5650);
//! assert!(facts.lines().next().is_some_and(|line| line.is_in_category("drinks")));
//! ```

mod builder;
mod contract;
mod examples;
mod schema;
mod told;

pub use builder::{FactsBuilder, facts};
pub use contract::{Answer, Outcome, RuleOf, assert_contract, assert_error, config_problems};
pub use examples::assert_examples;
pub use schema::{assert_defaults, assert_documented};
pub use told::Told;
