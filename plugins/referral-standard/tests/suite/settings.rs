//! Worked cases of every setting: the new member buys on 15 June 2026, two weeks after the referral.

use proptest::prelude::*;
use referral_standard::{Config, ReferralStandard};
use tessera_sdk::Rate;
use tessera_sdk::referrals::{Proposal, ReferralRule, Side};
use tessera_sdk::testing::{FactsBuilder, assert_contract, config_problems, facts};

/// 200 points for the new member, 300 for the referrer, no cap, and what else a case says.
fn rule(more: &str) -> String {
    format!(r#"{{"referee_points": 200, "referrer_points": 300, "cap": 0{more}}}"#)
}

fn order(number: u32, amount: i64) -> FactsBuilder {
    facts().orders_before(number - 1).amount(amount)
}

fn answer(config: &str, order: FactsBuilder) -> Proposal {
    assert_contract::<ReferralStandard>(config, &order.referral())
}

/// Points of the new member and of the referrer.
fn paid(config: &str, order: FactsBuilder) -> (i64, i64) {
    let proposal = answer(config, order);
    let points = |side: Side| {
        let own = proposal.rewards.iter().filter(|one| one.side == side);
        own.map(|one| one.points).sum()
    };
    (points(Side::Referee), points(Side::Referrer))
}

#[test]
fn on_the_first_the_nth_or_several_orders() {
    for (more, paying) in [
        ("", vec![1]),
        (r#", "order_number": 3"#, vec![3]),
        (r#", "orders": 3"#, vec![1, 2, 3]),
        (r#", "order_number": 2, "orders": 2"#, vec![2, 3]),
    ] {
        for number in 1..=5 {
            let expected = if paying.contains(&number) {
                (200, 300)
            } else {
                (0, 0)
            };
            let got = paid(&rule(more), order(number, 10_000));
            assert_eq!(got, expected, "{more} order {number}");
        }
    }
}

#[test]
fn a_share_of_the_order_for_one_side_or_both() {
    for (config, amount, expected) in [
        // A point is worth a cent: 10 % of 123.45 is 12.34.
        (
            r#"{"referee_points": 0, "referrer_points": 0, "cap": 0, "referrer_per": {"spend": 10, "points": 1}}"#,
            12_345,
            (0, 1_234),
        ),
        (
            r#"{"referee_points": 0, "referrer_points": 0, "cap": 0, "referrer_per": {"spend": 10, "points": 1}, "rounding": "up"}"#,
            12_345,
            (0, 1_235),
        ),
        (
            r#"{"referee_points": 50, "referrer_points": 0, "cap": 0, "referee_per": {"spend": 100, "points": 1}, "referrer_per": {"spend": 10, "points": 1, "most": 1000}}"#,
            12_345,
            (173, 1_000),
        ),
    ] {
        assert_eq!(paid(config, order(1, amount)), expected, "{config}");
    }
}

#[test]
fn the_minimum_of_one_order_or_of_all_together() {
    let one = rule(r#", "minimum_amount": 10000"#);
    let all = rule(r#", "minimum_amount": 10000, "minimum_of": "total""#);
    // Spent before, this order, and whether it pays.
    for (before, amount, pays) in [
        (0, 9_999, false),
        (0, 10_000, true),
        (6_000, 4_000, true),
        (6_000, 3_999, false),
        // Reached before, so paid before.
        (10_000, 5_000, false),
        (12_000, 50_000, false),
    ] {
        let bought = order(2, amount).aggregates([before]);
        let expected = if pays { (200, 300) } else { (0, 0) };
        assert_eq!(paid(&all, bought), expected, "{before} {amount}");
    }
    assert_eq!(paid(&one, order(1, 10_000)), (200, 300));
    let near = answer(&all, order(2, 1_000).aggregates([6_000]));
    assert_eq!(near.near_misses[0].missing, Some(3_000));
    // The order that reaches the minimum would bring its share too.
    let share = r#"{"referee_points": 10, "referee_per": {"spend": 100, "points": 1}, "minimum_amount": 5000, "cap": 0}"#;
    let near = answer(share, order(1, 4_000));
    assert_eq!(near.near_misses[0].missing, Some(1_000));
    let points = near.near_misses[0].reason.arguments[1].1.clone();
    assert_eq!(points, tessera_sdk::Points(60).into());
}

#[test]
fn who_brought_many_gets_more() {
    let steps = r#", "referrer_steps": [{"from": 3, "points": 500}, {"from": 5, "points": 1000}]"#;
    for (before, expected) in [
        (0, 300),
        (1, 300),
        (2, 500),
        (3, 500),
        (4, 1_000),
        (9, 1_000),
    ] {
        let got = paid(&rule(steps), order(1, 10_000).counters([before]));
        assert_eq!(got, (200, expected), "{before}");
    }
    let proposal = answer(&rule(steps), order(1, 10_000).counters([2]));
    assert_eq!(proposal.counters[0].change, 1);
}

#[test]
fn a_cap_in_points_cuts_the_last_reward() {
    let config = rule(r#", "cap_points": 1000"#);
    for (before, expected, counted) in [
        (0, 300, Some(300)),
        (700, 300, Some(300)),
        (850, 150, Some(150)),
        (1_000, 0, None),
        (1_200, 0, None),
    ] {
        let proposal = answer(&config, order(1, 10_000).counters([before]));
        let got = paid(&config, order(1, 10_000).counters([before]));
        assert_eq!(got, (200, expected), "{before}");
        let of_points = proposal.counters.iter().find(|change| change.counter == 0);
        let change = of_points.map(|change| change.change);
        assert_eq!(change, counted, "{before}");
    }
    // Both caps: referrals first, points second.
    let both = rule(r#", "cap_points": 1000"#).replace(r#""cap": 0"#, r#""cap": 5"#);
    let proposal = answer(&both, order(1, 10_000).counters([4, 800]));
    let changes: Vec<_> = proposal
        .counters
        .iter()
        .map(|change| (change.counter, change.change))
        .collect();
    assert_eq!(changes, [(0, 1), (1, 200), (2, 1)]);
    assert_eq!(paid(&both, order(1, 10_000).counters([5, 0])), (200, 0));
}

#[test]
fn only_chosen_members_and_days() {
    let gold = |basket: FactsBuilder| basket.referrer(|member| member.tier = Some("gold".into()));
    for (more, bought, expected) in [
        (
            r#", "referrers": {"tiers": ["gold"]}"#,
            order(1, 100),
            (200, 0),
        ),
        (
            r#", "referrers": {"tiers": ["gold"]}"#,
            gold(order(1, 100)),
            (200, 300),
        ),
        (
            r#", "referees": {"segments": ["student"]}"#,
            order(1, 100),
            (0, 0),
        ),
        (
            r#", "referees": {"segments": ["student"]}"#,
            order(1, 100).segment("student"),
            (200, 300),
        ),
        (
            r#", "referees": {"tiers": ["gold"]}"#,
            order(1, 100).tier("gold", Rate::ONE),
            (200, 300),
        ),
        // The referrer has three orders.
        (r#", "referrer_orders": 3"#, order(1, 100), (200, 300)),
        (r#", "referrer_orders": 4"#, order(1, 100), (200, 0)),
        (
            r#", "when": {"until": "2026-06-15"}"#,
            order(1, 100),
            (200, 300),
        ),
        (
            r#", "when": {"until": "2026-06-14"}"#,
            order(1, 100),
            (0, 0),
        ),
        (
            r#", "when": {"weekdays": ["sunday"]}"#,
            order(1, 100),
            (0, 0),
        ),
    ] {
        assert_eq!(paid(&rule(more), bought), expected, "{more}");
    }
}

#[test]
fn nobody_is_brought_by_a_younger_member() {
    let younger = || {
        order(1, 100)
            .enrolled("2026-06-01")
            .referrer(|member| member.enrolled_on += 600)
    };
    // The referrer enrolled on 24 August 2026, by a mistake or in a ring.
    assert_eq!(paid(&rule(""), younger()), (0, 0));
    assert_eq!(
        paid(&rule(r#", "referrer_older": false"#), younger()),
        (200, 300)
    );
    let same_day = order(1, 100).enrolled("2025-01-01");
    assert_eq!(paid(&rule(""), same_day), (200, 300));
}

#[test]
fn one_side_alone_and_no_points_that_are_not_positive() {
    let referrer_only =
        r#"{"referee_points": 0, "referrer_points": 300, "cap": 0, "minimum_amount": 500}"#;
    assert_eq!(paid(referrer_only, order(1, 500)), (0, 300));
    assert!(answer(referrer_only, order(1, 499)).near_misses.is_empty());
    // 1 point for each 100.00 of 50.00 is none, and none is counted.
    let share = r#"{"referee_points": 0, "referrer_points": 0, "referrer_per": {"spend": 10000, "points": 1}}"#;
    let proposal = answer(share, order(1, 5_000).counters([0]));
    assert!(proposal.rewards.is_empty() && proposal.counters.is_empty());
}

#[test]
fn wrong_configurations_name_the_place() {
    for (more, pointer) in [
        (
            r#", "referee_per": {"spend": 0, "points": 1}"#,
            "/referee_per/spend",
        ),
        (
            r#", "referrer_per": {"spend": 1, "points": 0}"#,
            "/referrer_per/points",
        ),
        (
            r#", "referrer_per": {"spend": 1, "points": 1, "most": -1}"#,
            "/referrer_per/most",
        ),
        (r#", "order_number": 0"#, "/order_number"),
        (r#", "orders": 1001"#, "/orders"),
        (r#", "minimum_of": "total""#, "/minimum_amount"),
        (
            r#", "minimum_of": "total", "minimum_amount": 5, "orders": 2"#,
            "/orders",
        ),
        (r#", "cap_points": -1"#, "/cap_points"),
        (r#", "cap_points": 299"#, "/cap_points"),
        (
            r#", "referrer_steps": [{"from": 1, "points": 5}]"#,
            "/referrer_steps/0/from",
        ),
        (
            r#", "referrer_steps": [{"from": 5, "points": 5}, {"from": 5, "points": 6}]"#,
            "/referrer_steps/1/from",
        ),
        (
            r#", "referrer_steps": [{"from": 5, "points": -5}]"#,
            "/referrer_steps/0/points",
        ),
        (r#", "referees": {"ages": [5]}"#, "/referees/ages/0"),
        (r#", "referrers": {"tiers": [""]}"#, "/referrers/tiers/0"),
        (
            r#", "when": {"from": "2026-02-01", "until": "2026-01-01"}"#,
            "/when/until",
        ),
        (r#", "minimum_of": "each""#, "/minimum_of"),
    ] {
        let problems = config_problems::<ReferralStandard>(&rule(more));
        let pointers: Vec<_> = problems
            .iter()
            .map(|problem| problem.pointer.as_str())
            .collect();
        assert_eq!(pointers, [pointer], "{more}");
    }
    let late = r#"{"cap": 4, "referrer_steps": [{"from": 5, "points": 5}]}"#;
    let problems = config_problems::<ReferralStandard>(late);
    assert_eq!(problems[0].pointer, "/referrer_steps/0/from");
}

#[test]
fn facts_without_a_sum_or_count_are_an_error_with_a_remedy() {
    for more in [
        r#", "cap_points": 1000"#,
        r#", "minimum_of": "total", "minimum_amount": 5"#,
    ] {
        let config = serde_json::from_str(&rule(more)).expect("a configuration");
        let error = ReferralStandard::evaluate(&config, &order(1, 100).referral());
        let error = error.expect_err("no count");
        assert!(error.contains("bind the plugin again"), "{error}");
    }
}

proptest! {
    #[test]
    fn caps_hold_and_no_reward_is_empty(
        amount in any::<i64>(), referrals in 0..20_i64, points in -5..3_000_i64, spend in 1..500_i64, before in any::<i64>(),
    ) {
        let config: Config = serde_json::from_str(&format!(
            r#"{{"referrer_points": 10, "referrer_per": {{"spend": {spend}, "points": 3}}, "cap": 9, "cap_points": 2000,
                "referrer_steps": [{{"from": 4, "points": 77}}], "minimum_of": "total", "minimum_amount": 1000}}"#
        )).expect("a configuration");
        let facts = order(1, amount).counters([referrals, points]).aggregates([before]).referral();
        if let Ok(proposal) = ReferralStandard::evaluate(&config, &facts) {
            prop_assert!(proposal.rewards.iter().all(|one| one.points > 0));
            let own = proposal.rewards.iter().filter(|one| one.side == Side::Referrer);
            let given: i64 = own.map(|one| one.points).sum();
            prop_assert!(given == 0 || (referrals < 9 && points.max(0) + given <= 2_000));
        }
    }
}

#[test]
fn joining_pays_points_coupons_and_bonus_where_the_merchant_says_so() {
    let config = rule(
        r#", "on": "joining", "referrer_bonus": {"amount": 1000, "valid_days": 90},
        "referee_coupons": {"binding": "welcome"}"#,
    );
    let joining = || facts().orders_before(0).joining();
    assert_eq!(paid(&config, joining()), (200, 300));
    let grants = answer(&config, joining()).grants;
    let given: Vec<_> = grants
        .iter()
        .map(|given| (given.side, given.grant.count, given.grant.amount))
        .collect();
    assert_eq!(given, [(Side::Referee, 1, 0), (Side::Referrer, 1, 1_000)]);
    // An order pays nothing then, and joining nothing where an order does.
    assert_eq!(paid(&config, order(1, 10_000)), (0, 0));
    assert_eq!(paid(&rule(""), joining()), (0, 0));
}

#[test]
fn gifts_alone_count_against_the_cap() {
    let config = r#"{"on": "joining", "referee_points": 0, "referrer_points": 0, "cap": 2,
        "referrer_coupons": {"binding": "thanks"}}"#;
    let joining = |paid: i64| facts().orders_before(0).joining().counters([paid]);
    let second = answer(config, joining(1));
    assert_eq!((second.grants.len(), second.counters.len()), (1, 1));
    let third = answer(config, joining(2));
    assert_eq!((third.grants.len(), third.counters.len()), (0, 0));
}

#[test]
fn what_looks_at_an_order_is_refused_with_joining() {
    for (more, pointer) in [
        (r#", "minimum_amount": 1"#, "/minimum_amount"),
        (r#", "orders": 2"#, "/orders"),
        (r#", "order_number": 2"#, "/order_number"),
        (
            r#", "referrer_per": {"spend": 100, "points": 1}"#,
            "/referrer_per",
        ),
    ] {
        let config = rule(&format!(r#", "on": "joining"{more}"#));
        let problems = config_problems::<ReferralStandard>(&config);
        let pointers: Vec<&str> = problems.iter().map(|one| one.pointer.as_str()).collect();
        assert_eq!(pointers, [pointer], "{more}");
    }
}
