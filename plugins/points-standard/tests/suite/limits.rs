//! Wrong configurations are refused with their place; no facts make the rule panic or give what it must not.

use crate::support::per_yuan;
use points_standard::{Config, PointsStandard};
use proptest::prelude::*;
use tessera_sdk::Rate;
use tessera_sdk::points::{Facts, PointsRule};
use tessera_sdk::testing::{config_problems, facts};
use tessera_sdk::types::{Line, TenderKind};

#[test]
fn wrong_configurations_name_the_place() {
    for (more, pointer) in [
        (r#""per_order": -1"#, "/per_order"),
        (r#""per_visit": -1"#, "/per_visit"),
        (r#""round_to": 0"#, "/round_to"),
        (r#""per_unit": [{"points": 0}]"#, "/per_unit/0/points"),
        (
            r#""per_unit": [{"points": 1, "units": 0}]"#,
            "/per_unit/0/units",
        ),
        (
            r#""per_unit": [{"points": 1, "goods": {"tags": [""]}}]"#,
            "/per_unit/0/goods/tags/0",
        ),
        (r#""goods": {"categories": ["/a"]}"#, "/goods/categories/0"),
        (r#""who": {"ages": [7]}"#, "/who/ages/0"),
        (
            r#""products": [{"product": "a", "multiplier": 2}, {"product": "a", "multiplier": 3}]"#,
            "/products/1/product",
        ),
        (
            r#""brands": [{"brand": "a", "multiplier": "-1"}]"#,
            "/brands/0/multiplier",
        ),
        (
            r#""margins": [{"from": "50%", "multiplier": 2}, {"from": "40%", "multiplier": 3}]"#,
            "/margins/1/from",
        ),
        (
            r#""margins": [{"from": "101%", "multiplier": 2}]"#,
            "/margins/0/from",
        ),
        (r#""steps": {"levels": []}"#, "/steps/levels"),
        (
            r#""steps": {"levels": [{"from": 0}]}"#,
            "/steps/levels/0/from",
        ),
        (
            r#""steps": {"levels": [{"from": 100}, {"from": 100}]}"#,
            "/steps/levels/1/from",
        ),
        (
            r#""steps": {"levels": [{"from": 100, "multiplier": "-2"}]}"#,
            "/steps/levels/0/multiplier",
        ),
        (
            r#""steps": {"levels": [{"from": 100}], "tell_from": 0}"#,
            "/steps/tell_from",
        ),
        (r#""bonuses": [{"points": 0}]"#, "/bonuses/0/multiplier"),
        (
            r#""bonuses": [{"multiplier": 2}, {"multiplier": 3}]"#,
            "/bonuses/1",
        ),
        (
            r#""bonuses": [{"multiplier": 2, "when": {"hours": [{"from": "10:00", "until": "12:00"}, {"from": "12:00", "until": "13:00"}]}}]"#,
            "/bonuses/0/when/hours/1",
        ),
        (r#""events": [{"on": "birthday"}]"#, "/events/0/points"),
        (r#""events": [{"on": "sale", "points": 1}]"#, "/events/0/on"),
        (
            r#""events": [{"on": "birthday", "points": 1, "minimum": 5}]"#,
            "/events/0/minimum",
        ),
        (
            r#""events": [{"on": "feedback", "points": 1}, {"on": "feedback", "points": 2}]"#,
            "/events/1",
        ),
        (r#""caps": {"day": 0}"#, "/caps/day"),
        (r#""caps": {"day": 100, "month": 99}"#, "/caps/month"),
        (r#""caps": {"order": 100, "year": 99}"#, "/caps/year"),
        (r#""per_order": 10, "caps": {"order": 9}"#, "/caps/order"),
        (
            r#""expire_after_days": 9, "expire_at_end": {"unit": "year"}"#,
            "/expire_at_end",
        ),
        (
            r#""expire_at_end": {"unit": "year", "after": 121}"#,
            "/expire_at_end/after",
        ),
        (r#""earn_on": "profit""#, "/earn_on"),
        (r#""excluded_tenders": ["cheque"]"#, "/excluded_tenders/0"),
    ] {
        let problems = config_problems::<PointsStandard>(&per_yuan(more));
        let pointers: Vec<_> = problems
            .iter()
            .map(|problem| problem.pointer.as_str())
            .collect();
        assert_eq!(pointers, [pointer], "{more}");
    }
}

#[test]
fn facts_without_a_count_are_an_error_with_a_remedy() {
    for more in [r#""per_visit": 1"#, r#""caps": {"day": 5}"#] {
        let facts = facts().line("a").price(1_000).points();
        let config = serde_json::from_str(&per_yuan(more)).expect("a configuration");
        let error = PointsStandard::evaluate(&config, &facts).expect_err("no count");
        assert!(error.contains("bind the plugin again"), "{error}");
    }
}

const CONFIGS: [&str; 6] = [
    r#"{"points_per": {"spend": 100, "points": 1}, "per_visit": 3, "caps": {"order": 100, "month": 500}}"#,
    r#"{"points_per": {"spend": 7, "points": 3, "full_only": true}, "rounding": "up", "round_to": 10, "excluded_tenders": []}"#,
    r#"{"points_per": {"spend": 3, "points": 1}, "round_per": "line", "earn_on": "margin", "margins": [{"from": "10%", "multiplier": 2}]}"#,
    r#"{"points_per": {"spend": 1, "points": 9}, "steps": {"mode": "part", "levels": [{"from": 10, "multiplier": "1/3"}, {"from": 90, "multiplier": 5, "points": 4}]}}"#,
    r#"{"per_unit": [{"points": 2, "units": 3, "full_only": false}], "bonuses": [{"multiplier": "1.5", "points": 1}], "multiply_fixed": true}"#,
    r#"{"points_per": {"spend": 10, "points": 1}, "bonuses": [{"multiplier": "0.3"}], "tier_and_bonus": "add", "combine": "add",
        "categories": [{"category": "a", "multiplier": "0.1"}], "tags": [{"tag": "t", "multiplier": 4}], "earn_on": "net"}"#,
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

prop_compose! {
    fn line()(quantity in odd(), list_amount in odd(), amount in odd(), tax in odd(), category in 0..3_u32, tag in 0..3_u32) -> Line {
        Line {
            category, quantity, unit_price: 0, list_amount, amount, reduced_amount: amount, tax, tax_rate: Rate::ZERO.into(), first_tag: tag, tag_count: 1,
        }
    }
}

prop_compose! {
    fn odd_facts()(
        lines in proptest::collection::vec((line(), odd()), 0..9),
        counters in proptest::collection::vec(odd(), 2),
        amount in odd(),
        tendered in odd(),
        tier in (0..9_i64, 1..9_i64),
        day in any::<i32>(),
    ) -> Facts {
        let rate = Rate::new(tier.0, tier.1).expect("a rate");
        let mut facts = facts().tier("t", rate).tender(TenderKind::Points, tendered).amount(amount).counters(counters).points();
        facts.order.business_date = day;
        facts.basket.categories = vec!["a".into(), "b".into()];
        facts.basket.tags = vec!["t".into()];
        facts.basket.line_tags = vec![0, 1];
        facts.basket.products = vec!["p".into(); lines.len()];
        (facts.basket.lines, facts.basket.costs) = lines.into_iter().map(|(line, cost)| (line, Some(cost))).unzip();
        facts
    }
}

fn rule(json: &str) -> Config {
    serde_json::from_str(json).expect("a configuration")
}

proptest! {
    #[test]
    fn no_facts_make_it_panic_or_give_less_than_a_point(facts in odd_facts(), which in 0..CONFIGS.len()) {
        if let Ok(proposal) = PointsStandard::evaluate(&rule(CONFIGS[which]), &facts) {
            prop_assert!(proposal.awards.iter().all(|award| award.points > 0));
            prop_assert!(proposal.awards.iter().flat_map(|award| &award.lines).all(|line| (*line as usize) < facts.basket.lines.len()));
            prop_assert!(proposal.counters.iter().all(|change| change.change > 0));
        }
    }

    #[test]
    fn caps_hold_whatever_was_given_before(price in 0..1_000_000_i64, month in 0..600_i64) {
        let facts = facts().line("a").price(price).counters([0, month]).points();
        let proposal = PointsStandard::evaluate(&rule(CONFIGS[0]), &facts).expect("small figures");
        let given: i64 = proposal.awards.iter().map(|award| award.points).sum();
        prop_assert!(given <= 100 && (given == 0 || given + month <= 500));
    }

    #[test]
    fn a_larger_order_never_earns_less(price in 0..1_000_000_i64, more in 0..1_000_000_i64) {
        let config = rule(r#"{"points_per": {"spend": 37, "points": 2}, "steps": {"mode": "part", "levels": [{"from": 5000, "multiplier": 2}]}}"#);
        let points = |price: i64| -> i64 {
            let proposal = PointsStandard::evaluate(&config, &facts().line("a").price(price).points()).expect("small figures");
            proposal.awards.iter().map(|award| award.points).sum()
        };
        prop_assert!(points(price) <= points(price + more));
    }

    #[test]
    fn awards_sum_to_the_points_of_the_exact_product(price in 1..1_000_000_i64, tier in 1..40_i64, bonus in 1..40_i64) {
        // Price / 100 × tier / 10 × bonus / 10, cut once.
        let config = rule(&format!(r#"{{"points_per": {{"spend": 100, "points": 1}}, "bonuses": [{{"multiplier": "{bonus}/10"}}]}}"#));
        let facts = facts().line("a").price(price).tier("t", Rate::new(tier, 10).expect("a rate")).points();
        let proposal = PointsStandard::evaluate(&config, &facts).expect("small figures");
        let given: i64 = proposal.awards.iter().map(|award| award.points).sum();
        prop_assert_eq!(given, price * tier * bonus / 10_000);
    }
}
