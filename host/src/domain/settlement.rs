//! Settlement between a chain and the stores of others that share its members (加盟店结算).
//!
//! Every store's own accounts balance by themselves: what a store took in for a wallet that the chain owes its member, or
//! was paid with such a wallet, stands against the chain in the same entry. So what all stores owe and are owed always
//! sums to zero with the chain's own side, and a settlement only has to read it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tessera_money::{Overflow, Rate, Rounding, mul_rate};

/// Most stores that settle.
pub const MOST_STORES: usize = 2_000;

/// Which stores keep books of their own, and on what terms.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SettlementTerms {
    /// The stores of others; the rest are the chain's own and owe it nothing.
    pub stores: Vec<StoreTerms>,
    /// Minor units a point-unit costs the store whose sale gives it, and brings the store where it pays. Default none: every
    /// store bears the points it takes.
    #[serde(default)]
    #[schemars(extend("examples" = ["1/100"]))]
    pub points_value: Option<Rate>,
}

/// The terms of one store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StoreTerms {
    /// Store id.
    #[schemars(extend("examples" = ["store-2"]))]
    pub store: String,
    /// What the chain keeps of what it pays the store for members who paid with its wallets. Default none.
    #[serde(default = "nothing")]
    #[schemars(extend("examples" = ["2%"]))]
    pub commission: Rate,
}

fn nothing() -> Rate {
    Rate::whole(0)
}

impl SettlementTerms {
    /// The terms of a store that settles.
    pub fn of(&self, store: &str) -> Option<&StoreTerms> {
        self.stores.iter().find(|terms| terms.store == store)
    }

    /// What points cost a store, where it settles.
    pub fn points_cost(&self, store: &str) -> Option<Rate> {
        self.points_value.filter(|_| self.of(store).is_some())
    }
}

/// What points that are given cost on top of those given before; negative where some come back. The first and the last of
/// any series add up to what all of them cost at once.
///
/// # Errors
/// When the amounts are beyond all reason.
pub fn cost_of_points(value: Rate, before: i64, after: i64) -> Result<i64, Overflow> {
    let cost = |points| mul_rate(points, value, Rounding::HalfUp);
    cost(after)?.checked_sub(cost(before)?).ok_or(Overflow)
}

/// What the chain keeps of what it owes a store for its sales; nothing where the store owes for them.
///
/// # Errors
/// When the amounts are beyond all reason.
pub fn commission(owed_for_sales: i64, share: Rate) -> Result<i64, Overflow> {
    mul_rate(owed_for_sales.max(0), share, Rounding::HalfUp)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_given_and_taken_back_in_parts_cost_nothing_in_the_end() {
        let value = Rate::new(1, 3).expect("a rate");
        let parts = [(0, 100), (100, 99), (99, 50), (50, 0)];
        let sum: i64 = parts
            .iter()
            .map(|(before, after)| cost_of_points(value, *before, *after).expect("small"))
            .sum();
        assert_eq!(sum, 0);
        assert_eq!(cost_of_points(value, 0, 100), Ok(33));
    }

    #[test]
    fn a_commission_is_of_what_the_store_is_owed() {
        assert_eq!(commission(10_025, Rate::basis_points(200)), Ok(201));
        assert_eq!(commission(-10_025, Rate::basis_points(200)), Ok(0));
    }
}
