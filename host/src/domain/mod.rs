//! Pure nouns and arithmetic. Depends on nothing but `tessera-money`.

pub mod ledger;
pub mod rules;
pub mod schedule;
pub mod time;
