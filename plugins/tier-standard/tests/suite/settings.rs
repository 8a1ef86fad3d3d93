//! Worked cases of every setting, asked on 15 June 2026 unless a row says otherwise.

use proptest::prelude::*;
use tessera_sdk::Rate;
use tessera_sdk::chrono::NaiveDate;
use tessera_sdk::testing::{FactsBuilder, assert_contract, assert_error, config_problems, facts};
use tessera_sdk::tiers::{Decision, Facts, Occasion, TierRule};
use tessera_sdk::types::{Measure, Window};
use tier_standard::{Config, TierStandard};

/// Silver from 100, gold from 500, platinum from 1,000, and what else a case says.
fn ladder(more: &str) -> String {
    format!(
        r#"{{"tiers": [
            {{"code": "silver", "name": "Silver", "threshold": 100}},
            {{"code": "gold", "name": "Gold", "threshold": 500}},
            {{"code": "platinum", "name": "Platinum", "threshold": 1000}}
        ]{more}}}"#
    )
}

fn asked(occasion: Occasion, held: &str, until: &str, reached: i64) -> FactsBuilder {
    let mut asked = facts().occasion(occasion).aggregates([reached]);
    if !held.is_empty() {
        asked = asked.tier(held, Rate::ONE);
    }
    if until.is_empty() {
        asked
    } else {
        asked.tier_valid_until(until)
    }
}

fn decide(config: &str, facts: FactsBuilder) -> Decision {
    assert_contract::<TierStandard>(config, &facts.tier_review())
}

/// `gold 2027-06-15 reached`
fn shown(decision: &Decision) -> String {
    let until = decision
        .valid_until
        .and_then(NaiveDate::from_epoch_days)
        .map_or("always".into(), |day| day.to_string());
    let tier = decision.tier.as_deref().unwrap_or("none");
    format!("{tier} {until} {}", decision.reason.key)
}

#[test]
fn tiers_by_spend_points_orders_or_units_over_any_window() {
    for (more, measure, window, category) in [
        ("", Measure::Spend, Window::RollingDays(365), None),
        (
            r#", "counted": "points", "window_days": 90"#,
            Measure::PointsEarned,
            Window::RollingDays(90),
            None,
        ),
        (
            r#", "counted": "orders", "window": "lifetime""#,
            Measure::Orders,
            Window::Lifetime,
            None,
        ),
        (
            r#", "counted": "units", "window": "calendar-year", "renewal": "at-once", "category": "coffee""#,
            Measure::Units,
            Window::CalendarYear,
            Some("coffee"),
        ),
        // A top-up has no category.
        (
            r#", "counted": "topped-up", "window": "lifetime", "category": "coffee""#,
            Measure::ToppedUp,
            Window::Lifetime,
            None,
        ),
        (
            r#", "window": "calendar-month", "validity_days": 0"#,
            Measure::Spend,
            Window::CalendarMonth,
            None,
        ),
    ] {
        let config: Config = serde_json::from_str(&ladder(more)).expect(more);
        let needs = TierStandard::needs(&config);
        assert_eq!(needs.aggregates.len(), 1, "{more}");
        let need = &needs.aggregates[0];
        assert_eq!(
            (need.measure, need.window, need.category.as_deref()),
            (measure, window, category),
            "{more}"
        );
    }
}

#[test]
fn what_is_missing_is_in_the_unit_that_is_counted() {
    for (counted, reached, tier, key, missing) in [
        ("spend", 40, "none", "next", 60),
        ("points", 100, "silver", "next-points", 400),
        ("orders", 499, "silver", "next-orders", 1),
        ("topped-up", 499, "silver", "next-top-up", 1),
        // 499.5 units are short of 500 by half a unit; the member reads that one is missing.
        ("units", 499_500, "silver", "next-units", 500),
    ] {
        let config = ladder(&format!(r#", "counted": "{counted}""#));
        let decision = decide(&config, asked(Occasion::Sale, "", "", reached));
        assert_eq!(
            decision.tier.as_deref().unwrap_or("none"),
            tier,
            "{counted}"
        );
        let next = decision.next.expect(counted);
        assert_eq!((next.reason.key.as_str(), next.missing), (key, missing));
        if counted == "units" {
            assert_eq!(next.reason.arguments[0].1.as_integer(), Some(1));
        }
    }
}

#[test]
fn one_of_several_ways_is_enough_or_all_are_asked() {
    let config = |several: &str| {
        format!(
            r#"{{"several": "{several}", "tiers": [{{"code": "gold", "name": "Gold", "threshold": 500,
                "also": [{{"counted": "orders", "at_least": 20}}, {{"counted": "points", "at_least": 900}}]}}]}}"#
        )
    };
    // Spend, orders, points.
    for (record, any, all) in [
        ([499, 19, 899], "none always none", "none always none"),
        ([500, 0, 0], "gold 2027-06-15 reached", "none always none"),
        ([0, 20, 0], "gold 2027-06-15 reached", "none always none"),
        ([0, 0, 900], "gold 2027-06-15 reached", "none always none"),
        (
            [500, 20, 899],
            "gold 2027-06-15 reached",
            "none always none",
        ),
        (
            [500, 20, 900],
            "gold 2027-06-15 reached",
            "gold 2027-06-15 reached",
        ),
    ] {
        let facts = || asked(Occasion::Sale, "", "", 0).aggregates(record);
        assert_eq!(shown(&decide(&config("any"), facts())), any, "{record:?}");
        assert_eq!(shown(&decide(&config("all"), facts())), all, "{record:?}");
    }
    // The spend is there, orders are missing.
    let facts = asked(Occasion::Sale, "", "", 0).aggregates([600, 12, 0]);
    let next = decide(&config("all"), facts).next.expect("gold");
    assert_eq!((next.reason.key.as_str(), next.missing), ("next-orders", 8));
}

#[test]
fn up_at_once_or_at_the_review() {
    let later = ladder(r#", "upgrade": "at-review""#);
    for (occasion, held, until, expected) in [
        (
            Occasion::Sale,
            "silver",
            "2026-09-01",
            "silver 2026-09-01 kept",
        ),
        (Occasion::Sale, "", "", "none always none"),
        (
            Occasion::Refund,
            "silver",
            "2026-09-01",
            "silver 2026-09-01 kept",
        ),
        (
            Occasion::Review,
            "silver",
            "2026-09-01",
            "gold 2027-06-15 reached",
        ),
        (Occasion::Enrolment, "", "", "gold 2027-06-15 reached"),
        // The validity has passed before the review; what he bought reaches it.
        (
            Occasion::Sale,
            "silver",
            "2026-06-01",
            "silver 2027-06-15 renewed",
        ),
    ] {
        let decision = decide(&later, asked(occasion, held, until, 600));
        assert_eq!(shown(&decision), expected, "{occasion:?} {held}");
    }
}

#[test]
fn validity_to_the_end_of_a_month_or_year_and_grace() {
    for (more, expected) in [
        ("", "gold 2027-06-15 reached"),
        (r#", "validity_days": 30"#, "gold 2026-07-15 reached"),
        (
            r#", "validity_days": 30, "validity_to": "month-end""#,
            "gold 2026-07-31 reached",
        ),
        (
            r#", "validity_days": 180, "validity_to": "month-end""#,
            "gold 2026-12-31 reached",
        ),
        (r#", "validity_to": "year-end""#, "gold 2027-12-31 reached"),
        (
            r#", "validity_to": "year-end", "grace_days": 31"#,
            "gold 2028-01-31 reached",
        ),
        (r#", "validity_days": 0"#, "gold always reached"),
    ] {
        let decision = decide(&ladder(more), asked(Occasion::Sale, "", "", 500));
        assert_eq!(shown(&decision), expected, "{more}");
    }
}

#[test]
fn renewed_at_the_end_or_whenever_it_is_reached_again() {
    let at_once = ladder(r#", "renewal": "at-once""#);
    for (held, until, reached, at_end, again) in [
        (
            "gold",
            "2026-09-01",
            500,
            "gold 2026-09-01 kept",
            "gold 2027-06-15 renewed",
        ),
        (
            "gold",
            "2026-09-01",
            499,
            "gold 2026-09-01 sure",
            "gold 2026-09-01 sure",
        ),
        (
            "gold",
            "2026-06-01",
            500,
            "gold 2027-06-15 renewed",
            "gold 2027-06-15 renewed",
        ),
        // A longer validity, given by staff, is not cut.
        (
            "gold",
            "2029-01-01",
            500,
            "gold 2029-01-01 kept",
            "gold 2029-01-01 kept",
        ),
    ] {
        let facts = || asked(Occasion::Sale, held, until, reached);
        assert_eq!(
            shown(&decide(&ladder(""), facts())),
            at_end,
            "{until} {reached}"
        );
        assert_eq!(
            shown(&decide(&at_once, facts())),
            again,
            "{until} {reached}"
        );
    }
}

#[test]
fn a_year_of_calendar_tiers() {
    // Reached in 2026, sure to the end of 2027; reached again in 2027, sure to the end of 2028.
    let config =
        ladder(r#", "window": "calendar-year", "renewal": "at-once", "validity_to": "year-end""#);
    let on = |day: &str, occasion, held: &str, until: &str, reached| {
        let facts = asked(occasion, held, until, reached).at(&format!("{day}T12:00:00+08:00"));
        shown(&decide(&config, facts))
    };
    assert_eq!(
        on("2026-11-02", Occasion::Sale, "", "", 500),
        "gold 2027-12-31 reached"
    );
    assert_eq!(
        on("2027-01-05", Occasion::Review, "gold", "2027-12-31", 20),
        "gold 2027-12-31 sure"
    );
    assert_eq!(
        on("2027-08-01", Occasion::Sale, "gold", "2027-12-31", 510),
        "gold 2028-12-31 renewed"
    );
    // Not reached again: silver is what 2028 has earned so far.
    assert_eq!(
        on("2028-02-01", Occasion::Review, "gold", "2027-12-31", 150),
        "silver 2029-12-31 lowered"
    );
}

#[test]
fn down_to_what_was_earned_or_one_tier_at_a_time() {
    let one = ladder(r#", "step_down": "one""#);
    for (held, reached, earned, step) in [
        (
            "platinum",
            120,
            "silver 2027-06-15 lowered",
            "gold 2027-06-15 lowered",
        ),
        (
            "platinum",
            0,
            "none always lowered-to-none",
            "gold 2027-06-15 lowered",
        ),
        (
            "gold",
            0,
            "none always lowered-to-none",
            "silver 2027-06-15 lowered",
        ),
        (
            "silver",
            0,
            "none always lowered-to-none",
            "none always lowered-to-none",
        ),
        (
            "platinum",
            600,
            "gold 2027-06-15 lowered",
            "gold 2027-06-15 lowered",
        ),
    ] {
        let facts = || asked(Occasion::Review, held, "2026-06-14", reached);
        assert_eq!(
            shown(&decide(&ladder(""), facts())),
            earned,
            "{held} {reached}"
        );
        assert_eq!(shown(&decide(&one, facts())), step, "{held} {reached}");
    }
}

#[test]
fn a_refund_lowers_as_far_as_the_step_down_says() {
    let config = ladder(r#", "refund_lowers": true, "step_down": "one""#);
    let refunded = asked(Occasion::Refund, "platinum", "2026-09-01", 120);
    assert_eq!(shown(&decide(&config, refunded)), "gold 2027-06-15 lowered");
}

#[test]
fn a_tier_by_invitation_is_given_and_never_reached() {
    let config = r#"{"tiers": [
        {"code": "silver", "name": "Silver", "threshold": 100},
        {"code": "friend", "name": "Friend", "by_invitation": true, "multiplier": 2},
        {"code": "gold", "name": "Gold", "threshold": 500}
    ]}"#;
    for (occasion, held, until, reached, expected) in [
        (Occasion::Sale, "", "", 200, "silver 2027-06-15 reached"),
        (Occasion::Sale, "friend", "", 200, "friend always sure"),
        (Occasion::Review, "friend", "", 0, "friend always sure"),
        (
            Occasion::Review,
            "friend",
            "2026-12-31",
            0,
            "friend 2026-12-31 sure",
        ),
        (
            Occasion::Review,
            "friend",
            "2026-06-14",
            200,
            "silver 2027-06-15 lowered",
        ),
        (Occasion::Sale, "friend", "", 500, "gold 2027-06-15 reached"),
        (
            Occasion::Review,
            "gold",
            "2026-06-14",
            200,
            "silver 2027-06-15 lowered",
        ),
    ] {
        let decision = decide(config, asked(occasion, held, until, reached));
        assert_eq!(shown(&decision), expected, "{held} {reached}");
    }
    // Of silver the next one to reach is gold, not the invitation; one step down from gold is silver.
    let next = decide(config, asked(Occasion::Sale, "", "", 200))
        .next
        .expect("gold");
    assert_eq!((next.tier.as_str(), next.missing), ("gold", 300));
    let one = config.replacen('{', r#"{"step_down": "one", "#, 1);
    let decision = decide(&one, asked(Occasion::Review, "gold", "2026-06-14", 0));
    assert_eq!(shown(&decision), "silver 2027-06-15 lowered");
}

#[test]
fn wrong_configurations_name_the_place() {
    let also = |fields: &str| {
        format!(
            r#"{{"tiers": [{{"code": "a", "name": "A", "threshold": 5, "also": [{{"counted": "orders", "at_least": 10}}]}},
                {{"code": "b", "name": "B", "threshold": 9, "also": [{fields}]}}]}}"#
        )
    };
    for (config, pointer) in [
        (ladder(r#", "category": "coffee/""#), "/category"),
        (ladder(r#", "window": "calendar-year""#), "/renewal"),
        (ladder(r#", "window": "weekly""#), "/window"),
        (ladder(r#", "counted": "visits""#), "/counted"),
        (ladder(r#", "grace_days": 3661"#), "/grace_days"),
        (ladder(r#", "validity_days": 0, "grace_days": 5"#), "/grace_days"),
        (
            ladder(r#", "validity_days": 0, "validity_to": "year-end""#),
            "/validity_to",
        ),
        (
            also(r#"{"counted": "orders", "at_least": 0}"#),
            "/tiers/1/also/0/at_least",
        ),
        (
            also(r#"{"counted": "orders", "at_least": 10}"#),
            "/tiers/1/also/0/at_least",
        ),
        (
            also(r#"{"counted": "spend", "at_least": 10}"#),
            "/tiers/1/also/0/counted",
        ),
        (
            also(r#"{"counted": "points", "at_least": 10}, {"counted": "points", "at_least": 20}"#),
            "/tiers/1/also/1/counted",
        ),
        (
            r#"{"tiers": [{"code": "a", "name": "A", "by_invitation": true, "threshold": 5}]}"#.into(),
            "/tiers/0/threshold",
        ),
        (
            r#"{"tiers": [{"code": "a", "name": "A", "by_invitation": true, "also": [{"counted": "orders", "at_least": 1}]}]}"#.into(),
            "/tiers/0/also",
        ),
    ] {
        let problems = config_problems::<TierStandard>(&config);
        let pointers: Vec<_> = problems
            .iter()
            .map(|problem| problem.pointer.as_str())
            .collect();
        // An `at_least` of zero is also below that of the tier before.
        assert_eq!(pointers.first(), Some(&pointer), "{config}");
        assert!(pointers.iter().all(|one| *one == pointer), "{config}");
    }
}

#[test]
fn facts_without_a_sum_are_an_error_with_a_remedy() {
    let config = r#"{"tiers": [{"code": "a", "name": "A", "threshold": 5, "also": [{"counted": "orders", "at_least": 1}]}]}"#;
    let facts = facts().aggregates([9]).tier_review();
    assert!(assert_error::<TierStandard>(config, &facts).contains("bind the plugin again"));
}

proptest! {
    #[test]
    fn more_never_leads_to_a_lower_tier(reached in 0..2_000_i64, more in 0..2_000_i64, one in any::<bool>()) {
        let config: Config = serde_json::from_str(&ladder(if one { r#", "step_down": "one""# } else { "" })).expect("a configuration");
        let place = |reached: i64| {
            let facts = asked(Occasion::Review, "gold", "2026-06-14", reached).tier_review();
            let decision = TierStandard::evaluate(&config, &facts).expect("small figures");
            config.tiers.iter().position(|tier| Some(&tier.code) == decision.tier.as_ref())
        };
        prop_assert!(place(reached) <= place(reached + more));
    }

    #[test]
    fn no_setting_makes_it_panic_or_answer_a_validity_that_is_over(
        reached in any::<i64>(), today in any::<i32>(), until in any::<Option<i32>>(), since in any::<Option<i32>>(),
        which in 0..5_usize, occasion in 0..4_usize, held in 0..4_usize,
    ) {
        let more = [
            r#", "counted": "units", "renewal": "at-once", "validity_to": "year-end", "grace_days": 9"#,
            r#", "upgrade": "at-review", "step_down": "one""#,
            r#", "window": "calendar-month", "renewal": "at-once", "validity_to": "month-end", "refund_lowers": true"#,
            r#", "window": "lifetime", "validity_days": 0"#,
            r#", "several": "all""#,
        ][which];
        let config: Config = serde_json::from_str(&ladder(more)).expect(more);
        let occasions = [Occasion::Sale, Occasion::Refund, Occasion::Review, Occasion::Enrolment];
        let facts = Facts {
            tier_since: since, tier_valid_until: until, business_date: today,
            ..asked(occasions[occasion], ["", "silver", "gold", "platinum"][held], "", reached).tier_review()
        };
        if let Ok(decision) = TierStandard::evaluate(&config, &facts) {
            prop_assert!(decision.valid_until.is_none_or(|day| day >= today));
            prop_assert!(decision.next.is_none_or(|next| next.missing > 0));
        }
    }
}
