//! Wrong configurations are refused with their place; no facts make the rule panic or take off too much.

use promo_standard::{Config, PromoStandard};
use proptest::prelude::*;
use tessera_sdk::Rate;
use tessera_sdk::promotions::{Facts, PromotionRule, Target};
use tessera_sdk::testing::{config_problems, facts};
use tessera_sdk::types::{Line, TenderKind};

#[test]
fn wrong_configurations_name_the_place() {
    for (config, pointer) in [
        (
            r#"{"discount": {"percent": {"rate": "0"}}}"#,
            "/discount/percent/rate",
        ),
        (
            r#"{"discount": {"percent": {"rate": "101%"}}}"#,
            "/discount/percent/rate",
        ),
        (
            r#"{"discount": {"percent": {"rate": "-10%"}}}"#,
            "/discount/percent/rate",
        ),
        (
            r#"{"discount": {"percent": {"rate": "10%", "apply": "each"}}}"#,
            "/discount/percent/apply",
        ),
        (
            r#"{"discount": {"amount": {"off": 0}}}"#,
            "/discount/amount/off",
        ),
        (
            r#"{"discount": {"amount": {"off": 1, "on": "cheapest", "apply": "each"}}}"#,
            "/discount/amount/apply",
        ),
        (
            r#"{"discount": {"buy-get": {"buy": 0, "get": 1}}}"#,
            "/discount/buy-get/buy",
        ),
        (
            r#"{"discount": {"buy-get": {"buy": 2, "get": 1001}}}"#,
            "/discount/buy-get/get",
        ),
        (
            r#"{"discount": {"buy-get": {"buy": 2, "get": 1, "rate": 2}}}"#,
            "/discount/buy-get/rate",
        ),
        (r#"{"discount": {"amount": {"off": 1}}, "cap": -1}"#, "/cap"),
        (
            r#"{"discount": {"amount": {"off": 1}}, "minimum": {"amount": -1}}"#,
            "/minimum/amount",
        ),
        (
            r#"{"discount": {"amount": {"off": 1}}, "minimum": {"tell_from": "200%"}}"#,
            "/minimum/tell_from",
        ),
        (
            r#"{"discount": {"amount": {"off": 5, "every": 4}}}"#,
            "/discount/amount/every",
        ),
        (
            r#"{"discount": {"amount": {"off": 5, "every": 9, "on": "cheapest"}}}"#,
            "/discount/amount/every",
        ),
        (
            r#"{"discount": {"buy-get": {"buy": 2, "get": 1, "repeat": "once", "most": 2}}}"#,
            "/discount/buy-get/most",
        ),
        (
            r#"{"discount": {"buy-get": {"buy": 2, "get": 1, "get_goods": {"tags": [""]}}}}"#,
            "/discount/buy-get/get_goods/tags/0",
        ),
        (
            r#"{"discount": {"price": {"price": -1}}}"#,
            "/discount/price/price",
        ),
        (
            r#"{"discount": {"price-list": {"prices": []}}}"#,
            "/discount/price-list/prices",
        ),
        (
            r#"{"discount": {"price-list": {"prices": [{"product": " ", "price": 1}]}}}"#,
            "/discount/price-list/prices/0/product",
        ),
        (
            r#"{"discount": {"price-list": {"prices": [{"product": "a", "price": 1}, {"product": "a", "price": 2}]}}}"#,
            "/discount/price-list/prices/1/from",
        ),
        (
            r#"{"discount": {"price-list": {"prices": [{"product": "a", "price": 5}, {"product": "a", "price": 6, "from": 10}]}}}"#,
            "/discount/price-list/prices/1/price",
        ),
        (
            r#"{"discount": {"steps": {"levels": []}}}"#,
            "/discount/steps/levels",
        ),
        (
            r#"{"discount": {"steps": {"levels": [{"from": 5, "off": 1}, {"from": 5, "off": 2}]}}}"#,
            "/discount/steps/levels/1/from",
        ),
        (
            r#"{"discount": {"steps": {"levels": [{"from": 5, "off": 2}, {"from": 9, "off": 1}]}}}"#,
            "/discount/steps/levels/1/off",
        ),
        (
            r#"{"discount": {"steps": {"levels": [{"from": 5, "rate": "20%"}, {"from": 9, "rate": "10%"}]}}}"#,
            "/discount/steps/levels/1/rate",
        ),
        (
            r#"{"discount": {"steps": {"levels": [{"from": 5}]}}}"#,
            "/discount/steps/levels/0/off",
        ),
        (
            r#"{"discount": {"steps": {"levels": [{"from": 5, "off": 1, "rate": "1%"}]}}}"#,
            "/discount/steps/levels/0/off",
        ),
        (
            r#"{"discount": {"steps": {"levels": [{"from": 5, "rate": "110%"}]}}}"#,
            "/discount/steps/levels/0/rate",
        ),
        (
            r#"{"discount": {"steps": {"levels": [{"from": 5, "off": 1}], "on": "cheapest"}}}"#,
            "/discount/steps/on",
        ),
        (
            r#"{"discount": {"bundle": {"parts": [], "take": {"price": 1}}}}"#,
            "/discount/bundle/parts",
        ),
        (
            r#"{"discount": {"bundle": {"parts": [{"pieces": 0}], "take": {"price": 1}}}}"#,
            "/discount/bundle/parts/0/pieces",
        ),
        (
            r#"{"discount": {"bundle": {"parts": [{"pieces": 2}], "take": {"price": -1}}}}"#,
            "/discount/bundle/take/price",
        ),
        (
            r#"{"discount": {"bundle": {"parts": [{"pieces": 2}], "take": {"rate": "0"}}}}"#,
            "/discount/bundle/take/rate",
        ),
        (
            r#"{"discount": {"bundle": {"parts": [{"pieces": 2}], "take": {"off": 1}, "most": 501}}}"#,
            "/discount/bundle/most",
        ),
        (
            r#"{"discount": {"gift": {"choice": {}}}}"#,
            "/discount/gift/choice",
        ),
        (
            r#"{"discount": {"gift": {"choice": {"tags": ["gift"]}, "pieces": 0}}}"#,
            "/discount/gift/pieces",
        ),
        (
            r#"{"discount": {"gift": {"choice": {"tags": ["gift"]}, "price": -1}}}"#,
            "/discount/gift/price",
        ),
        (
            r#"{"discount": {"amount": {"off": 1}}, "paid_with": {"tenders": []}}"#,
            "/paid_with/tenders",
        ),
        (
            r#"{"discount": {"amount": {"off": 1}}, "paid_with": {"tenders": ["cash"], "share": "0"}}"#,
            "/paid_with/share",
        ),
        (
            r#"{"discount": {"amount": {"off": 1}}, "floor": {"price": "100%"}}"#,
            "/floor/price",
        ),
        (
            r#"{"discount": {"amount": {"off": 1}}, "floor": {"margin": "-1%"}}"#,
            "/floor/margin",
        ),
        (
            r#"{"discount": {"amount": {"off": 1}}, "floor": {}}"#,
            "/floor",
        ),
        (
            r#"{"discount": {"amount": {"off": 1}}, "who": {"ages": [31]}}"#,
            "/who/ages/0",
        ),
        (
            r#"{"discount": {"amount": {"off": 1}}, "when": {"hours": [{"from": "10:00", "until": "12:00"}, {"from": "11:00", "until": "13:00"}]}}"#,
            "/when/hours/1",
        ),
        (
            r#"{"discount": {"amount": {"off": 1}}, "who": {"tiers": ["gold", " "]}}"#,
            "/who/tiers/1",
        ),
        (
            r#"{"discount": {"amount": {"off": 1}}, "goods": {"categories": ["drinks/"]}}"#,
            "/goods/categories/0",
        ),
        (
            r#"{"discount": {"amount": {"off": 1}}, "when": {"from": "2026-02-01", "until": "2026-01-01"}}"#,
            "/when/until",
        ),
    ] {
        let problems = config_problems::<PromoStandard>(config);
        assert_eq!(
            problems
                .iter()
                .map(|problem| problem.pointer.as_str())
                .collect::<Vec<_>>(),
            [pointer],
            "{config}"
        );
    }
    for config in [
        "{}",
        r#"{"discount": {"percent": {"rate": "10%"}, "amount": {"off": 1}}}"#,
        r#"{"discout": 1}"#,
    ] {
        assert!(
            !config_problems::<PromoStandard>(config).is_empty(),
            "{config}"
        );
    }
}

const CONFIGS: [&str; 16] = [
    r#"{"discount": {"amount": {"off": 7, "every": 11}}, "floor": {"price": "33%"}}"#,
    r#"{"discount": {"price": {"price": 99}}, "paid_with": {"tenders": ["cash"], "share": "1%"}}"#,
    r#"{"discount": {"price-list": {"prices": [{"product": "p", "price": 50, "from": 2}]}}, "floor": {"margin": "20%"}}"#,
    r#"{"discount": {"steps": {"mode": "cumulative", "on": "goods", "levels": [{"from": 100, "off": 30}, {"from": 300, "rate": "90%"}]}}}"#,
    r#"{"discount": {"bundle": {"parts": [{"goods": {"tags": ["t"]}}, {"pieces": 2}], "take": {"price": 10}}}, "floor": {"price": "10%"}}"#,
    r#"{"discount": {"gift": {"choice": {"categories": ["a"]}, "pieces": 2, "price": 1, "which": "most-expensive"}}}"#,
    r#"{"discount": {"buy-get": {"buy": 1, "get": 2, "get_goods": {"categories": ["a"]}, "most": 2, "which": "most-expensive"}}}"#,
    r#"{"discount": {"percent": {"rate": "33.3%"}}, "minimum": {"amount": 9223372036854775807}}"#,
    r#"{"discount": {"percent": {"rate": "100%", "on": "goods", "apply": "each"}}, "rounding": "up"}"#,
    r#"{"discount": {"percent": {"rate": "1/3", "on": "most-expensive"}}, "cap": 1}"#,
    r#"{"discount": {"amount": {"off": 9223372036854775807, "on": "goods", "apply": "each"}}}"#,
    r#"{"discount": {"amount": {"off": 7, "on": "cheapest"}}, "limit": {"times": 3}}"#,
    r#"{"discount": {"buy-get": {"buy": 2, "get": 1}}}"#,
    r#"{"discount": {"buy-get": {"buy": 1, "get": 2, "rate": "50%", "spread": "all", "cheapest_by": "list"}}, "cap": 9}"#,
    r#"{"discount": {"buy-get": {"buy": 1000, "get": 1000, "repeat": "once"}}, "minimum": {"quantity": 4294967295}}"#,
    r#"{"discount": {"amount": {"off": 5}}, "trigger": "code", "who": {"members_only": true}, "when": {"hours": [{"from": "00:00", "until": "23:59"}]}}"#,
];

fn odd() -> impl Strategy<Value = i64> {
    prop_oneof![
        0..5_000_i64,
        any::<i64>(),
        Just(0),
        Just(i64::MIN),
        Just(i64::MAX)
    ]
}

fn quantity() -> impl Strategy<Value = i64> {
    prop_oneof![(0..6_i64).prop_map(|pieces| pieces * 1000), odd()]
}

prop_compose! {
    fn line()(quantity in quantity(), unit_price in odd(), list_amount in odd(), amount in odd(), category in 0..3_u32, tag in 0..3_u32) -> Line {
        Line {
            category, quantity, unit_price, list_amount, amount, reduced_amount: amount, tax: 0, tax_rate: Rate::ZERO.into(), first_tag: tag, tag_count: 1,
        }
    }
}

prop_compose! {
    fn odd_facts()(
        lines in proptest::collection::vec((line(), odd()), 0..12),
        counter in odd(),
        at in any::<i64>(),
        offset in any::<i16>(),
        day in any::<i32>(),
        guest in any::<bool>(),
    ) -> Facts {
        let mut facts = facts().code("C").counters([counter]).promotion();
        facts.order.occurred_at = at;
        facts.order.utc_offset_minutes = offset;
        facts.order.business_date = day;
        facts.member = facts.member.filter(|_| !guest);
        facts.basket.categories = vec!["a".into(), "b".into()];
        facts.basket.tags = vec!["t".into()];
        facts.basket.line_tags = vec![0, 1];
        facts.basket.products = vec!["p".into(); lines.len()];
        (facts.basket.lines, facts.basket.costs) = lines.into_iter().map(|(line, cost)| (line, Some(cost))).unzip();
        facts
    }
}

proptest! {
    #[test]
    fn no_facts_make_it_panic_and_no_line_is_lowered_below_zero(facts in odd_facts(), which in 0..CONFIGS.len()) {
        let config: Config = serde_json::from_str(CONFIGS[which]).expect("a configuration");
        let Ok(proposal) = PromoStandard::evaluate(&config, &facts) else { return Ok(()) };
        let left = |line: u32| i128::from(facts.basket.lines[line as usize].amount.max(0));
        for discount in &proposal.discounts {
            prop_assert!(discount.amount > 0);
            let bears = match &discount.target {
                Target::Line(line) => left(*line),
                Target::Lines(lines) => lines.iter().map(|line| left(*line)).sum(),
                Target::Order => (0..facts.basket.lines.len()).map(|line| left(line as u32)).sum(),
            };
            prop_assert!(i128::from(discount.amount) <= bears);
            prop_assert!(discount.basis.iter().all(|line| (*line as usize) < facts.basket.lines.len()));
        }
        for miss in &proposal.near_misses {
            prop_assert!(miss.missing.is_none_or(|missing| missing > 0));
        }
    }

    #[test]
    fn buy_two_get_one_frees_a_third_of_the_pieces(counts in proptest::collection::vec((1..9_i64, 1..500_i64), 1..8)) {
        let config: Config = serde_json::from_str(r#"{"discount": {"buy-get": {"buy": 2, "get": 1}}}"#).expect("a configuration");
        let basket = counts.iter().fold(facts(), |basket, (count, price)| basket.line("a").price(*price).quantity(*count));
        let proposal = PromoStandard::evaluate(&config, &basket.promotion()).expect("small figures");
        let mut prices: Vec<i64> = counts.iter().flat_map(|(count, price)| std::iter::repeat_n(*price, *count as usize)).collect();
        prices.sort_unstable();
        let free: i64 = prices.iter().take(prices.len() / 3).sum();
        prop_assert_eq!(proposal.discounts.iter().map(|discount| discount.amount).sum::<i64>(), free);
    }

    #[test]
    fn lines_bear_no_more_than_they_are_worth_whatever_the_discounts_are(
        lines in proptest::collection::vec((1..6_i64, 1..900_i64, 0..3_usize), 1..9), which in 0..CONFIGS.len(),
    ) {
        let basket = lines.iter().fold(facts(), |basket, (count, price, category)| {
            basket.line("p").category(["a", "b", "c"][*category]).price(*price).quantity(*count)
        });
        let config: Config = serde_json::from_str(CONFIGS[which]).expect("a configuration");
        let facts = basket.tender(TenderKind::Cash, 1).code("C").counters([0]).promotion();
        let proposal = PromoStandard::evaluate(&config, &facts).expect("small figures");
        let mut left: Vec<i64> = facts.basket.lines.iter().map(|line| line.amount).collect();
        for discount in &proposal.discounts {
            match &discount.target {
                Target::Line(line) => left[*line as usize] -= discount.amount,
                Target::Lines(lines) => prop_assert!(discount.amount <= lines.iter().map(|line| left[*line as usize]).sum()),
                Target::Order => prop_assert!(discount.amount <= left.iter().sum()),
            }
        }
        prop_assert!(left.iter().all(|amount| *amount >= 0));
        if let Some(floor) = config.floor {
            for (line, left) in facts.basket.lines.iter().zip(left) {
                let least = tessera_sdk::mul_rate(line.list_amount, floor.price, tessera_sdk::Rounding::Up).expect("small");
                prop_assert!(left >= least);
            }
        }
    }

    #[test]
    fn a_bundle_of_one_line_costs_its_price_for_each_full_set(count in 0..60_i64, price in 1..500_i64, pieces in 1..6_i64) {
        let set = pieces * price / 2;
        let config: Config = serde_json::from_str(&format!(
            r#"{{"discount": {{"bundle": {{"parts": [{{"pieces": {pieces}}}], "take": {{"price": {set}}}}}}}}}"#
        )).expect("a configuration");
        let proposal = PromoStandard::evaluate(&config, &facts().line("a").price(price).quantity(count).promotion()).expect("small figures");
        let off: i64 = proposal.discounts.iter().map(|discount| discount.amount).sum();
        prop_assert_eq!(off, count / pieces * (pieces * price - set));
    }
}
