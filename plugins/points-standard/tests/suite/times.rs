//! Worked cases: steps, bonuses, when and for whom, caps and expiry.

use crate::support::{answer, article, basket, per_yuan, shown, total};
use tessera_sdk::Rate;
use tessera_sdk::testing::FactsBuilder;
use tessera_sdk::types::TenderKind;

fn points(more: &str, facts: FactsBuilder) -> i64 {
    total(&answer(&per_yuan(more), facts))
}

#[test]
fn larger_orders_earn_more_as_a_whole_or_by_parts() {
    let steps = |mode: &str| {
        per_yuan(&format!(
            r#""steps": {{"mode": "{mode}", "levels": [{{"from": 10000, "multiplier": "1.5"}}, {{"from": 50000, "multiplier": 2}}]}}"#
        ))
    };
    for (spent, whole, part) in [
        (9_999, 99, 99),
        (10_000, 150, 100),
        // 200.00 × 1.5; or 100 + 100 × 1.5
        (20_000, 300, 250),
        // 499.99 × 1.5 is 749.985; or 100 + 399.99 × 1.5 is 699.985
        (49_999, 749, 699),
        // 600.00 × 2; or 100 + 400 × 1.5 + 100 × 2
        (60_000, 1_200, 900),
    ] {
        assert_eq!(
            total(&answer(&steps("whole"), article(spent))),
            whole,
            "{spent}"
        );
        assert_eq!(
            total(&answer(&steps("part"), article(spent))),
            part,
            "{spent}"
        );
    }
    assert_eq!(
        shown(&answer(&steps("whole"), article(20_000))),
        "earned 200, step 100"
    );
}

#[test]
fn a_step_may_give_points_on_top_and_says_what_is_missing() {
    // Spend 100.00 get 10, spend 300.00 get 50.
    let config = r#"{"per_order": 1, "steps": {"levels": [{"from": 10000, "points": 10}, {"from": 30000, "points": 50}]}}"#;
    for (spent, expected, missing) in [
        (4_999, "order 1", None),
        (5_000, "order 1", Some(5_000)),
        (10_000, "step-points 10, order 1", None),
        (29_000, "step-points 10, order 1", Some(1_000)),
        (30_000, "step-points 50, order 1", None),
    ] {
        let proposal = answer(config, article(spent));
        assert_eq!(shown(&proposal), expected, "{spent}");
        let told = proposal.near_misses.first().and_then(|miss| miss.missing);
        assert_eq!(told, missing, "{spent}");
    }
    let silent = config.replacen(r#""steps": {"#, r#""steps": {"tell_from": "100%", "#, 1);
    assert!(answer(&silent, article(29_000)).near_misses.is_empty());
}

#[test]
fn steps_count_what_earns_before_multipliers() {
    // 100.00 of which 20.00 are paid with points: 80.00 stays below the step although it counts twice.
    let config = per_yuan(
        r#""tags": [{"tag": "double", "multiplier": 2}], "steps": {"levels": [{"from": 10000, "multiplier": 2}]}"#,
    );
    let paid = article(10_000)
        .tag("double")
        .tender(TenderKind::Points, 2_000);
    assert_eq!(total(&answer(&config, paid)), 160);
    assert_eq!(total(&answer(&config, article(10_000).tag("double"))), 400);
}

#[test]
fn bonuses_by_day_hour_and_member() {
    // 68.50 is 68; doubled 137, three times 205.
    let bonus = |fields: &str| format!(r#""bonuses": [{{"multiplier": 2, {fields}}}]"#);
    let noon = "2026-06-15T12:00:00+08:00";
    for (fields, at, expected) in [
        // 15 June 2026 is a Monday.
        (r#""when": {"weekdays": ["monday"]}"#, noon, 137),
        (r#""when": {"weekdays": ["tuesday"]}"#, noon, 68),
        (
            r#""when": {"hours": [{"from": "12:00", "until": "13:59"}]}"#,
            noon,
            137,
        ),
        (
            r#""when": {"hours": [{"from": "12:01", "until": "13:59"}]}"#,
            noon,
            68,
        ),
        (
            r#""when": {"from": "2026-06-15", "until": "2026-06-15"}"#,
            noon,
            137,
        ),
        // Dragon Boat Festival by the lunar calendar: 19 June 2026, 9 June 2027.
        (
            r#""when": {"dates": ["2026-06-19", "2027-06-09"]}"#,
            "2026-06-19T09:00:00+08:00",
            137,
        ),
        (
            r#""when": {"dates": ["2026-06-19", "2027-06-09"]}"#,
            "2027-06-19T09:00:00+08:00",
            68,
        ),
        // Members' day on the 8th, 18th and 28th.
        (
            r#""when": {"month_days": [8, 18, 28]}"#,
            "2026-06-18T09:00:00+08:00",
            137,
        ),
        (r#""when": {"month_days": [8, 18, 28]}"#, noon, 68),
        (r#""when": {"year_days": ["06-15"]}"#, noon, 137),
    ] {
        assert_eq!(
            points(&bonus(fields), basket().at(at)),
            expected,
            "{fields} {at}"
        );
    }
    for (fields, member, expected) in [
        (r#""who": {"birthday": "day"}"#, basket().birthday(), 137),
        (
            r#""who": {"birthday": "day"}"#,
            basket().birthday_month(),
            68,
        ),
        (
            r#""who": {"birthday": "month"}"#,
            basket().birthday_month(),
            137,
        ),
        (
            r#""who": {"first_order": true}"#,
            basket().orders_before(0),
            137,
        ),
        (r#""who": {"first_order": true}"#, basket(), 68),
        (r#""who": {"ages": [60, 70]}"#, basket().age_band(60), 137),
        (
            r#""who": {"segments": ["students"]}"#,
            basket().segment("students"),
            137,
        ),
        (
            r#""who": {"tiers": ["gold"]}"#,
            basket().tier("gold", Rate::ONE),
            137,
        ),
        (
            r#""who": {"new_for_days": 30}"#,
            basket().enrolled("2026-06-01"),
            137,
        ),
    ] {
        assert_eq!(points(&bonus(fields), member), expected, "{fields}");
    }
}

#[test]
fn several_bonuses_and_the_tier_combine_as_set() {
    // 100.00 on a Monday in the birthday month: 2 and 3.
    let both = r#""bonuses": [{"multiplier": 2, "when": {"weekdays": ["monday"]}}, {"multiplier": 3, "who": {"birthday": "month"}}]"#;
    let bought = || article(10_000).birthday_month();
    let gold = || bought().tier("gold", Rate::new(3, 2).expect("a rate"));
    for (settings, without, with) in [
        // The highest bonus, times the tier of 1.5.
        ("", 300, 450),
        (r#", "combine_bonuses": "multiply""#, 600, 900),
        (r#", "combine_bonuses": "add""#, 400, 600),
        (r#", "tier_and_bonus": "highest""#, 300, 300),
        // 3 + 1.5 − 1
        (r#", "tier_and_bonus": "add""#, 300, 350),
        (r#", "tier_multiplier": false"#, 300, 300),
    ] {
        let more = format!("{both}{settings}");
        assert_eq!(points(&more, bought()), without, "{settings}");
        assert_eq!(points(&more, gold()), with, "{settings}");
    }
    assert_eq!(
        shown(&answer(&per_yuan(both), gold())),
        "earned 100, tier 50, bonus 300"
    );
    // The tier counts more than the bonus: the better one is the tier alone.
    let low = r#""bonuses": [{"multiplier": "1.2"}], "tier_and_bonus": "highest""#;
    assert_eq!(
        shown(&answer(&per_yuan(low), gold())),
        "earned 100, tier 50"
    );
}

#[test]
fn multipliers_below_one_lower_what_is_earned_and_zero_ends_it() {
    for (more, expected) in [
        (r#""bonuses": [{"multiplier": "0.5"}]"#, "earned 50"),
        (r#""bonuses": [{"multiplier": 0}]"#, ""),
        // Half of it for the bonus, twice for the step.
        (
            r#""bonuses": [{"multiplier": "0.5"}], "steps": {"levels": [{"from": 100, "multiplier": 2}]}"#,
            "earned 50, step 50",
        ),
    ] {
        assert_eq!(
            shown(&answer(&per_yuan(more), article(10_000))),
            expected,
            "{more}"
        );
    }
}

#[test]
fn fixed_points_are_multiplied_only_where_set() {
    let config = |more: &str| {
        format!(r#"{{"per_order": 5, "bonuses": [{{"multiplier": 2, "points": 20}}]{more}}}"#)
    };
    assert_eq!(
        shown(&answer(&config(""), article(100))),
        "order 5, bonus-points 20"
    );
    assert_eq!(
        shown(&answer(
            &config(r#", "multiply_fixed": true"#),
            article(100)
        )),
        "order 10, bonus-points 40"
    );
}

#[test]
fn only_chosen_members_earn_at_all() {
    let staff = r#""who": {"except_segments": ["staff"]}"#;
    assert_eq!(points(staff, article(10_000)), 100);
    assert_eq!(points(staff, article(10_000).segment("staff")), 0);
}

#[test]
fn caps_cut_every_award_in_proportion_and_count_what_is_given() {
    let config = per_yuan(r#""caps": {"order": 90, "day": 200, "month": 1000}"#);
    for (day, month, spent, expected, counted) in [
        (0, 0, 5_000, 50, 50),
        (0, 0, 10_000, 90, 90),
        (150, 150, 10_000, 50, 50),
        (200, 200, 10_000, 0, 0),
        (0, 980, 10_000, 20, 20),
        // Beyond a cap that was lowered since.
        (300, 300, 10_000, 0, 0),
    ] {
        let proposal = answer(&config, article(spent).counters([day, month]));
        assert_eq!(total(&proposal), expected, "{day} {month} {spent}");
        for change in &proposal.counters {
            assert_eq!(change.change, counted, "{day} {month} {spent}");
        }
        assert_eq!(proposal.counters.len(), if counted > 0 { 2 } else { 0 });
    }
    // 100 for money and 50 for the tier; of 90 that is 60 and 30.
    let gold = article(10_000).tier("gold", Rate::new(3, 2).expect("a rate"));
    assert_eq!(
        shown(&answer(&config, gold.counters([0, 0]))),
        "earned 60, tier 30"
    );
}

#[test]
fn visits_and_caps_have_their_own_counts() {
    let config = per_yuan(r#""per_visit": 10, "caps": {"year": 50}"#);
    let proposal = answer(&config, article(10_000).counters([0, 20]));
    // 100 + 10 are cut to 30: 27.27 and 2.73.
    assert_eq!(shown(&proposal), "earned 27, visit 3");
    let changes: Vec<_> = proposal
        .counters
        .iter()
        .map(|change| (change.counter, change.change))
        .collect();
    assert_eq!(changes, [(0, 1), (1, 30)]);
}

#[test]
fn points_expire_with_the_end_of_a_month_or_year() {
    // Sold on 15 June 2026, day 20,619; 20,634 is 30 June, 20,818 is 31 December.
    for (more, expires_on) in [
        (r#""expire_at_end": {"unit": "month"}"#, 20_634),
        // 31 July, 28 February 2027
        (r#""expire_at_end": {"unit": "month", "after": 1}"#, 20_665),
        (r#""expire_at_end": {"unit": "month", "after": 8}"#, 20_877),
        (r#""expire_at_end": {"unit": "year"}"#, 20_818),
        (r#""expire_at_end": {"unit": "year", "after": 1}"#, 21_183),
        // Pending until 29 June, spendable until 30 June; pending until 9 July, so until 31 July.
        (
            r#""pending_days": 14, "expire_at_end": {"unit": "month"}"#,
            20_634,
        ),
        (
            r#""pending_days": 24, "expire_at_end": {"unit": "month"}"#,
            20_665,
        ),
    ] {
        let proposal = answer(&per_yuan(more), article(10_000));
        assert_eq!(proposal.awards[0].expires_on, Some(expires_on), "{more}");
    }
}
