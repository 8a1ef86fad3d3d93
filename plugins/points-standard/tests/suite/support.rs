//! What the tables of every test file share.

use points_standard::PointsStandard;
use tessera_sdk::points::Proposal;
use tessera_sdk::testing::{FactsBuilder, assert_contract, facts};

/// One point for each 1.00, and what else a case says.
pub fn per_yuan(more: &str) -> String {
    let comma = if more.is_empty() { "" } else { ", " };
    format!("{{\"points_per\": {{\"spend\": 100, \"points\": 1}}{comma}{more}}}")
}

pub fn answer(config: &str, facts: FactsBuilder) -> Proposal {
    assert_contract::<PointsStandard>(config, &facts.points())
}

/// The points of every award together.
pub fn total(proposal: &Proposal) -> i64 {
    proposal.awards.iter().map(|award| award.points).sum()
}

/// `earned 68, tier 10`
pub fn shown(proposal: &Proposal) -> String {
    let awards = proposal
        .awards
        .iter()
        .map(|award| format!("{} {}", award.reason.key, award.points));
    awards.collect::<Vec<_>>().join(", ")
}

/// 28.00 twice and 12.50 once: 68.50.
pub fn basket() -> FactsBuilder {
    let coffee = facts()
        .line("espresso")
        .category("drinks/coffee")
        .tag("fair-trade")
        .price(2800)
        .quantity(2);
    coffee.line("roll").category("food").price(1250)
}

/// One article at this price.
pub fn article(price: i64) -> FactsBuilder {
    facts().line("article").price(price)
}
