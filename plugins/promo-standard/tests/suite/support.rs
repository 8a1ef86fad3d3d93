//! What the tables of every test file share.

use promo_standard::PromoStandard;
use tessera_sdk::promotions::{Proposal, Target};
use tessera_sdk::testing::{FactsBuilder, assert_contract, facts};

/// Two pieces of coffee at 18.00, a cake at 26.00 and 0.345 kg of apples at 12.00 (4.14); 66.14 in all.
pub fn breakfast() -> FactsBuilder {
    facts()
        .line("latte")
        .category("drinks/coffee")
        .tag("hot")
        .price(1800)
        .quantity(2)
        .line("cake")
        .category("bakery/cake")
        .price(2600)
        .line("apples")
        .category("fresh/fruit")
        .price(1200)
        .thousandths(345)
}

/// `lines` are pieces with their prices.
pub fn pieces(lines: &[(i64, i64)]) -> FactsBuilder {
    lines
        .iter()
        .enumerate()
        .fold(facts(), |basket, (position, (count, price))| {
            basket
                .line(&format!("article-{position}"))
                .price(*price)
                .quantity(*count)
        })
}

pub fn promote(config: &str, basket: FactsBuilder) -> Proposal {
    assert_contract::<PromoStandard>(config, &basket.promotion())
}

/// `line 0: 500 from 1 2; order: 300`
pub fn shown(proposal: &Proposal) -> String {
    let list = |lines: &[u32]| {
        lines
            .iter()
            .map(u32::to_string)
            .collect::<Vec<_>>()
            .join(" ")
    };
    let discounts = proposal.discounts.iter().map(|discount| {
        let target = match &discount.target {
            Target::Line(line) => format!("line {line}"),
            Target::Order => "order".into(),
            Target::Lines(lines) => format!("lines {}", list(lines)),
        };
        let basis = if discount.basis.is_empty() {
            String::new()
        } else {
            format!(" from {}", list(&discount.basis))
        };
        format!("{target}: {}{basis}", discount.amount)
    });
    discounts.collect::<Vec<_>>().join("; ")
}

pub fn missing(proposal: &Proposal) -> Vec<(&str, Option<i64>)> {
    proposal
        .near_misses
        .iter()
        .map(|miss| (miss.reason.key.as_str(), miss.missing))
        .collect()
}

#[track_caller]
pub fn takes_off(config: &str, basket: FactsBuilder, expected: &str) {
    assert_eq!(shown(&promote(config, basket)), expected, "{config}");
}
