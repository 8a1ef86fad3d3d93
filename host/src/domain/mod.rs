//! Pure nouns and arithmetic. Depends on nothing but `tessera-money`.

pub mod attributes;
pub mod basket;
pub mod card_discount;
pub mod claim;
pub mod commission;
pub mod draw;
pub mod facts;
pub mod ledger;
pub mod membership;
pub mod order;
pub mod pass;
pub mod period;
pub mod preconditions;
pub mod pricing;
pub mod refund;
pub mod reserved;
pub mod rules;
pub mod schedule;
pub mod settings;
pub mod settlement;
pub mod shift;
pub mod tier_floor;
pub mod time;
pub mod wallet;
