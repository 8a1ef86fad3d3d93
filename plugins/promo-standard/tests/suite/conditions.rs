//! Worked figures: for whom, when, how paid, and what no line goes below.

use tessera_sdk::testing::{FactsBuilder, facts};
use tessera_sdk::types::TenderKind;

use crate::support::{breakfast, missing, promote, takes_off};

const TENTH: &str = r#"{"discount": {"percent": {"rate": "10%"}}, "#;

#[track_caller]
fn tenth(condition: &str, basket: FactsBuilder, applies: bool) {
    let expected = if applies { "order: 661" } else { "" };
    takes_off(&format!("{TENTH}{condition}}}"), basket, expected);
}

#[test]
fn for_whom() {
    for (who, basket, applies) in [
        (
            r#"{"segments": ["students"]}"#,
            breakfast().segment("students"),
            true,
        ),
        (r#"{"segments": ["students"]}"#, breakfast(), false),
        (
            r#"{"segments": ["students"]}"#,
            breakfast().no_member(),
            false,
        ),
        (
            r#"{"except_segments": ["staff"]}"#,
            breakfast().segment("staff"),
            false,
        ),
        (r#"{"ages": [60, 70]}"#, breakfast().age_band(70), true),
        (r#"{"ages": [60, 70]}"#, breakfast().age_band(50), false),
        (
            r#"{"first_order": true}"#,
            breakfast().orders_before(0),
            true,
        ),
        (
            r#"{"first_order": true}"#,
            breakfast().orders_before(1),
            false,
        ),
        // Another one, quoted beside it, was the first.
        (
            r#"{"first_order": true}"#,
            breakfast().orders_before(0).counters([1]),
            false,
        ),
        (
            r#"{"new_for_days": 15}"#,
            breakfast().enrolled("2026-06-01"),
            true,
        ),
        (
            r#"{"new_for_days": 14}"#,
            breakfast().enrolled("2026-06-01"),
            false,
        ),
        (
            r#"{"birthday": "month", "ages": [20]}"#,
            breakfast().birthday(),
            false,
        ),
        (
            r#"{"birthday": "month", "ages": [20]}"#,
            breakfast().birthday().age_band(20),
            true,
        ),
    ] {
        tenth(&format!(r#""who": {who}"#), basket, applies);
    }
}

#[test]
fn on_which_days() {
    for (when, day, applies) in [
        // Members' day, New Year's Day, Mid-Autumn Festival by the lunar calendar.
        (r#"{"month_days": [8]}"#, "2026-07-08", true),
        (r#"{"month_days": [8]}"#, "2026-07-09", false),
        (r#"{"year_days": ["01-01"]}"#, "2027-01-01", true),
        (
            r#"{"dates": ["2026-09-25", "2027-09-15"]}"#,
            "2026-09-25",
            true,
        ),
        (
            r#"{"dates": ["2026-09-25", "2027-09-15"]}"#,
            "2027-09-25",
            false,
        ),
        // Weekends, but not the first one in October.
        (
            r#"{"weekdays": ["saturday"], "except_dates": ["2026-10-03"]}"#,
            "2026-10-03",
            false,
        ),
        (
            r#"{"weekdays": ["saturday"], "except_dates": ["2026-10-03"]}"#,
            "2026-10-10",
            true,
        ),
    ] {
        let basket = breakfast().at(&format!("{day}T09:00:00+08:00"));
        tenth(&format!(r#""when": {when}"#), basket, applies);
    }
}

#[test]
fn paid_with_stored_value() {
    let paid = |stored: i64, cash: i64| {
        breakfast()
            .tender(TenderKind::StoredValue, stored)
            .tender(TenderKind::Cash, cash)
    };
    let all = r#""paid_with": {"tenders": ["stored-value"]}"#;
    let half = r#""paid_with": {"tenders": ["stored-value"], "share": "50%"}"#;
    for (condition, basket, applies) in [
        (all, breakfast(), false),
        (all, paid(6_614, 0), true),
        (all, paid(6_613, 1), false),
        (all, paid(0, 6_614), false),
        (half, paid(3_307, 3_307), true),
        (half, paid(3_306, 3_308), false),
        // What is not named may be paid with anything: of 66.14 less 6.61 half are 29.76.
        (all, breakfast().tender(TenderKind::StoredValue, 1), false),
        (
            half,
            breakfast().tender(TenderKind::StoredValue, 2_976),
            true,
        ),
        (
            half,
            breakfast().tender(TenderKind::StoredValue, 2_975),
            false,
        ),
        (
            r#""paid_with": {"tenders": ["stored-value", "cash"]}"#,
            paid(3_000, 3_614),
            true,
        ),
    ] {
        tenth(condition, basket, applies);
    }
}

#[test]
fn the_member_price_for_who_pays_with_stored_value() {
    let config = r#"{"discount": {"price-list": {"prices": [{"product": "latte", "price": 1500}]}},
        "who": {"members_only": true}, "paid_with": {"tenders": ["stored-value"]}}"#;
    let stored = || breakfast().tender(TenderKind::StoredValue, 6_014);
    takes_off(config, stored(), "line 0: 600");
    takes_off(config, breakfast().tender(TenderKind::Cash, 6_614), "");
    assert_eq!(
        missing(&promote(config, stored().no_member())),
        [("price-list-members-only", None)]
    );
}

#[test]
fn no_line_goes_below_its_floor_and_the_others_bear_the_rest() {
    // A coat of 100.00, a bag of 60.00 already cut to 40.00.
    let basket = || {
        facts()
            .line("coat")
            .price(10_000)
            .line("bag")
            .price(6_000)
            .discounted_to(4_000)
    };
    let off = |off: i64, floor: &str| {
        format!(r#"{{"discount": {{"amount": {{"off": {off}}}}}, "floor": {floor}}}"#)
    };
    for (config, expected) in [
        // 70.00 over 100.00 and 40.00 are 50.00 and 20.00.
        (
            off(7_000, r#"{"price": "10%"}"#),
            "line 0: 5000; line 1: 2000",
        ),
        // The bag stays at 30.00; what it cannot bear would take the coat below 50.00, so it is dropped.
        (
            off(7_000, r#"{"price": "50%"}"#),
            "line 0: 5000; line 1: 1000",
        ),
        (
            off(7_000, r#"{"price": "40%"}"#),
            "line 0: 5400; line 1: 1600",
        ),
        (
            off(3_000, r#"{"price": "60%"}"#),
            "line 0: 2600; line 1: 400",
        ),
        // Nothing can come off.
        (off(7_000, r#"{"price": "99.99%"}"#), "line 0: 1"),
    ] {
        takes_off(&config, basket(), expected);
    }
    let each = r#"{"discount": {"percent": {"rate": "50%", "on": "goods", "apply": "each"}}, "floor": {"price": "60%"}}"#;
    takes_off(each, basket(), "line 0: 4000; line 1: 400");
}

#[test]
fn a_least_margin_keeps_the_price_above_the_cost() {
    let config = |margin: &str| {
        format!(
            r#"{{"discount": {{"percent": {{"rate": "50%", "on": "goods"}}}}, "floor": {{"margin": "{margin}"}}}}"#
        )
    };
    let coat = |cost: i64| facts().line("coat").price(10_000).cost(cost);
    for (margin, cost, expected) in [
        // Half of 100.00 is 50.00; at a cost of 64.00 and 20 % margin the price stays at 80.00.
        ("20%", 6_400, "line 0: 2000"),
        ("0%", 6_400, "line 0: 3600"),
        ("20%", 3_000, "line 0: 5000"),
        ("20%", 9_000, ""),
        // 70.00 / 0.7 is 100.00.
        ("30%", 7_000, ""),
    ] {
        takes_off(&config(margin), coat(cost), expected);
    }
    takes_off(
        &config("20%"),
        facts().line("coat").price(10_000),
        "line 0: 5000",
    );
}
