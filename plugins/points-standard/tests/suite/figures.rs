//! Worked cases, as a shopkeeper would reckon them.

use tessera_sdk::points::{Facts, Proposal, Trigger};
use tessera_sdk::testing::{FactsBuilder, assert_contract, config_problems, facts};
use tessera_sdk::types::TenderKind;
use tessera_sdk::{Points, Rate, message};

use points_standard::PointsStandard;

use crate::support::{basket, per_yuan as config, total};

fn answer(more: &str, facts: FactsBuilder) -> Proposal {
    crate::support::answer(&config(more), facts)
}

fn points(more: &str, facts: FactsBuilder) -> i64 {
    total(&answer(more, facts))
}

#[test]
fn one_point_per_yuan_is_cut_once_per_order() {
    let proposal = answer("", basket());
    assert_eq!(proposal.awards.len(), 1);
    assert_eq!(proposal.awards[0].points, 68);
    assert_eq!(proposal.awards[0].lines, [0, 1]);
    assert_eq!(proposal.awards[0].expires_on, None);
    assert_eq!(points("\"rounding\": \"half-up\"", basket()), 69);
}

#[test]
fn a_category_counts_with_what_lies_below_it_and_the_longest_path_wins() {
    // 56.00 × 2 + 12.50 = 124.50
    let drinks = r#""categories": [{"category": "drinks", "multiplier": 2}]"#;
    assert_eq!(points(drinks, basket()), 124);
    // 56.00 × 1.5 + 12.50 = 96.50
    let coffee = r#""categories": [{"category": "drinks", "multiplier": 2}, {"category": "drinks/coffee", "multiplier": "1.5"}]"#;
    assert_eq!(points(coffee, basket()), 96);
    let other = r#""categories": [{"category": "drink", "multiplier": 2}]"#;
    assert_eq!(points(other, basket()), 68);
}

#[test]
fn several_multipliers_combine_as_the_setting_says_and_zero_excludes() {
    let both = r#""categories": [{"category": "drinks", "multiplier": 2}], "tags": [{"tag": "fair-trade", "multiplier": 3}]"#;
    // 56.00 × 3 + 12.50 = 180.50
    assert_eq!(points(both, basket()), 180);
    // 56.00 × 6 + 12.50 = 348.50
    assert_eq!(
        points(&format!("{both}, \"combine\": \"multiply\""), basket()),
        348
    );
    let excluded = r#""categories": [{"category": "drinks", "multiplier": 0}], "tags": [{"tag": "fair-trade", "multiplier": 3}]"#;
    let proposal = answer(excluded, basket());
    assert_eq!(proposal.awards[0].points, 12);
    assert_eq!(proposal.awards[0].lines, [1]);
}

#[test]
fn each_award_says_what_it_is_for_and_together_they_are_rounded_once() {
    // 68.50 → 68; with coffee × 1.5: 96.50 → 96; with the tier × 1.1: 106.15 → 106.
    let coffee = r#""categories": [{"category": "drinks/coffee", "multiplier": "1.5"}]"#;
    let tier = Rate::new(11, 10).expect("a rate");
    let proposal = answer(coffee, basket().tier("gold", tier));
    let awards: Vec<_> = proposal
        .awards
        .iter()
        .map(|award| (award.reason.key.as_str(), award.points))
        .collect();
    assert_eq!(awards, [("earned", 68), ("items", 28), ("tier", 10)]);
    assert_eq!(proposal.awards[1].lines, [0]);
    assert_eq!(
        proposal.awards[2].reason,
        message!(
            "tier",
            points = Points(10),
            tier = "gold",
            multiplier = tier
        )
    );
    assert_eq!(
        points("\"tier_multiplier\": false", basket().tier("gold", tier)),
        68
    );
}

#[test]
fn below_the_minimum_nothing_is_earned_and_the_rest_is_told() {
    let proposal = answer("\"minimum\": 10000", basket());
    assert!(proposal.awards.is_empty());
    assert_eq!(proposal.near_misses[0].missing, Some(3150));
    assert_eq!(points("\"minimum\": 6850", basket()), 68);
    assert_eq!(points("\"minimum\": 6851", basket()), 0);
}

#[test]
fn points_are_earned_only_in_the_window() {
    let window = r#""when": {"from": "2026-06-01", "until": "2026-06-30", "weekdays": ["monday"], "hours": [{"from": "09:00", "until": "11:59"}]}"#;
    for (at, expected) in [
        ("2026-06-15T10:00:00+08:00", 68),
        ("2026-06-15T12:00:00+08:00", 0),
        ("2026-06-16T10:00:00+08:00", 0),
        ("2026-07-06T10:00:00+08:00", 0),
        ("2026-06-15T11:59:59-05:00", 68),
    ] {
        assert_eq!(points(window, basket().at(at)), expected, "{at}");
    }
}

#[test]
fn points_wait_and_expire_from_the_day_they_can_be_spent() {
    let proposal = answer("\"pending_days\": 7, \"expire_after_days\": 365", basket());
    let today = basket().points().order.business_date;
    assert_eq!(proposal.awards[0].available_on, Some(today + 7));
    assert_eq!(proposal.awards[0].expires_on, Some(today + 7 + 365));
}

#[test]
fn what_is_paid_with_points_earns_nothing_unless_the_setting_says_so() {
    // Of 68.50, 18.50 are paid with points.
    let paid = basket()
        .tender(TenderKind::Points, 1850)
        .tender(TenderKind::Cash, 5000);
    assert_eq!(points("", paid.clone()), 50);
    assert_eq!(points("\"excluded_tenders\": []", paid.clone()), 68);
    assert_eq!(
        points("\"excluded_tenders\": [\"points\", \"cash\"]", paid),
        0
    );
}

#[test]
fn tax_earns_points_unless_the_setting_says_net() {
    let taxed = facts().line("book").price(10900).tax(900);
    assert_eq!(points("", taxed.clone()), 109);
    assert_eq!(points("\"earn_on\": \"net\"", taxed.clone()), 100);
    let mut on_top: Facts = facts().line("book").price(10000).tax(900).points();
    on_top.order.prices_include_tax = false;
    let earned = |more: &str| total(&assert_contract::<PointsStandard>(&config(more), &on_top));
    assert_eq!((earned(""), earned("\"earn_on\": \"net\"")), (109, 100));
}

#[test]
fn discounts_lower_what_is_earned_and_free_lines_earn_nothing() {
    let discounted = facts()
        .line("coat")
        .price(20000)
        .discounted_to(15000)
        .line("gift")
        .price(500)
        .discounted_to(0);
    let proposal = answer("", discounted);
    assert_eq!(proposal.awards[0].points, 150);
    assert_eq!(proposal.awards[0].lines, [0]);
    assert!(
        answer("", facts().line("gift").price(500).discounted_to(0))
            .awards
            .is_empty()
    );
}

#[test]
fn only_a_sale_earns_points() {
    for trigger in [
        Trigger::Refund,
        Trigger::TopUp,
        Trigger::Birthday,
        Trigger::Manual,
    ] {
        assert_eq!(points("", basket().trigger(trigger)), 0, "{trigger:?}");
    }
}

#[test]
fn a_configuration_at_fault_is_refused_with_the_place() {
    let wide = r#""categories": [{"category": "a", "multiplier": 2}, {"category": "a//b", "multiplier": "-1"}]"#;
    for (config, pointer) in [
        (
            r#"{"points_per": {"spend": 0, "points": 1}}"#.to_owned(),
            "/points_per/spend",
        ),
        (
            r#"{"points_per": {"spend": 100, "points": -1}}"#.to_owned(),
            "/points_per/points",
        ),
        (
            r#"{"points_per": {"spend": "x", "points": 1}}"#.to_owned(),
            "/points_per/spend",
        ),
        ("{}".to_owned(), ""),
        (config("\"minimun\": 1"), "/minimun"),
        (config("\"minimum\": -1"), "/minimum"),
        (
            config("\"tags\": [{\"tag\": \"x\", \"multiplier\": 1001}]"),
            "/tags/0/multiplier",
        ),
        (
            config("\"when\": {\"from\": \"2026-02-02\", \"until\": \"2026-02-01\"}"),
            "/when/until",
        ),
        (config("\"when\": {\"from\": \"2026-02-30\"}"), "/when/from"),
        (config("\"expire_after_days\": 40000"), "/expire_after_days"),
        (config(wide), "/categories/1/category"),
    ] {
        let problems = config_problems::<PointsStandard>(&config);
        assert!(
            problems.iter().any(|problem| problem.pointer == pointer),
            "{config}: {problems:?}"
        );
    }
    assert_eq!(config_problems::<PointsStandard>(&config(wide)).len(), 2);
}

#[test]
fn the_largest_amounts_are_counted_or_refused_but_never_wrong() {
    // The most a rule may give at once.
    let palace = facts().line("palace").price(100_000_000_000_000);
    assert_eq!(points("", palace), 1_000_000_000_000);
    let huge = facts().line("palace").price(i64::MAX);
    let twice = huge.line("palace").price(i64::MAX).amount(i64::MAX);
    let error = tessera_sdk::testing::assert_error::<PointsStandard>(&config(""), &twice.points());
    assert!(error.contains("64 bits"), "{error}");
}
