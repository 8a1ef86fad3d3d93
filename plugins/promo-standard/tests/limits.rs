//! Wrong configurations are refused with their place; no facts make the rule panic or take off too much.

use promo_standard::{Config, PromoStandard};
use proptest::prelude::*;
use tessera_sdk::promotions::{Facts, PromotionRule, Target};
use tessera_sdk::testing::{config_problems, facts};
use tessera_sdk::types::Line;

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

const CONFIGS: [&str; 9] = [
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
            product: "p".into(), category, quantity, unit_price, list_amount, amount, tax: 0, cost: None, tags: vec![tag], attributes: vec![],
        }
    }
}

prop_compose! {
    fn odd_facts()(
        lines in proptest::collection::vec(line(), 0..12),
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
        Facts { lines, ..facts }
    }
}

proptest! {
    #[test]
    fn no_facts_make_it_panic_and_no_line_is_lowered_below_zero(facts in odd_facts(), which in 0..CONFIGS.len()) {
        let config: Config = serde_json::from_str(CONFIGS[which]).expect("a configuration");
        let Ok(proposal) = PromoStandard::evaluate(&config, &facts) else { return Ok(()) };
        let left = |line: u32| i128::from(facts.lines[line as usize].amount.max(0));
        for discount in &proposal.discounts {
            prop_assert!(discount.amount > 0);
            let bears = match &discount.target {
                Target::Line(line) => left(*line),
                Target::Lines(lines) => lines.iter().map(|line| left(*line)).sum(),
                Target::Order => (0..facts.lines.len()).map(|line| left(line as u32)).sum(),
            };
            prop_assert!(i128::from(discount.amount) <= bears);
            prop_assert!(discount.basis.iter().all(|line| (*line as usize) < facts.lines.len()));
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
}
