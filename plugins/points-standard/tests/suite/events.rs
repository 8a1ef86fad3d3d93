//! Worked cases: points for what is no sale.

use crate::support::{answer, shown, total};
use points_standard::PointsStandard;
use tessera_sdk::Rate;
use tessera_sdk::points::{Gift, Trigger};
use tessera_sdk::testing::{FactsBuilder, config_problems, facts};

const CLUB: &str = r#"{
    "events": [
        {"on": "enrolment", "points": 100},
        {"on": "birthday", "points": 50},
        {"on": "birthday", "points": 200, "who": {"tiers": ["gold"]}},
        {"on": "anniversary", "points": 30, "tier_multiplier": true},
        {"on": "feedback", "points": 5},
        {"on": "referral", "points": 30},
        {"on": "tier-reached", "points": 100, "who": {"tiers": ["gold"]}},
        {"on": "top-up", "points_per": {"spend": 1000, "points": 1}},
        {"on": "top-up", "points": 60, "minimum": 50000},
        {"on": "top-up", "points": 500, "points_per": {"spend": 1000, "points": 1}, "minimum": 100000}
    ],
    "expire_after_days": 90, "pending_days": 14, "caps": {"month": 1000}
}"#;

fn event(trigger: Trigger, amount: i64) -> FactsBuilder {
    facts().trigger(trigger).amount(amount).counters([0])
}

#[test]
fn each_event_brings_its_points() {
    for (trigger, amount, expected) in [
        (Trigger::Enrolment, 0, "enrolment 100"),
        (Trigger::Birthday, 0, "birthday 50"),
        (Trigger::Anniversary, 0, "anniversary 30"),
        (Trigger::Feedback, 0, "feedback 5"),
        (Trigger::Manual, 0, ""),
        (Trigger::Referral, 0, "referral 30"),
        (Trigger::TierReached, 0, ""),
        (Trigger::Refund, 10_000, ""),
        (Trigger::Sale, 10_000, ""),
        // One for each 10.00; from 500.00 on 60 are more than 50; from 1,000.00 on 500 beside 100.
        (Trigger::TopUp, 999, ""),
        (Trigger::TopUp, 20_000, "top-up 20"),
        (Trigger::TopUp, 50_000, "top-up 60"),
        (Trigger::TopUp, 80_000, "top-up 80"),
        (Trigger::TopUp, 100_000, "top-up 600"),
    ] {
        let proposal = answer(CLUB, event(trigger, amount));
        assert_eq!(shown(&proposal), expected, "{trigger:?} {amount}");
    }
}

#[test]
fn the_best_entry_counts_and_the_tier_where_set() {
    let gold = |trigger| event(trigger, 0).tier("gold", Rate::new(3, 2).expect("a rate"));
    assert_eq!(
        shown(&answer(CLUB, gold(Trigger::Birthday))),
        "birthday 200"
    );
    assert_eq!(
        shown(&answer(CLUB, gold(Trigger::Anniversary))),
        "anniversary 45"
    );
    assert_eq!(
        shown(&answer(CLUB, gold(Trigger::Enrolment))),
        "enrolment 100"
    );
}

#[test]
fn they_can_be_spent_at_once_and_expire_as_the_others() {
    let proposal = answer(CLUB, event(Trigger::Birthday, 0));
    let today = event(Trigger::Birthday, 0).points().order.business_date;
    assert_eq!(proposal.awards[0].available_on, None);
    assert_eq!(proposal.awards[0].expires_on, Some(today + 90));
}

#[test]
fn caps_count_them_too() {
    let nearly = answer(CLUB, event(Trigger::TopUp, 100_000).counters([900]));
    assert_eq!(total(&nearly), 100);
    assert_eq!(nearly.counters[0].change, 100);
}

#[test]
fn days_and_members_hold_for_events_too() {
    let config =
        r#"{"events": [{"on": "feedback", "points": 5}], "when": {"until": "2026-06-14"}}"#;
    let feedback = || facts().trigger(Trigger::Feedback);
    assert_eq!(total(&answer(config, feedback())), 0);
    let config = r#"{"events": [{"on": "feedback", "points": 5}], "who": {"segments": ["panel"]}}"#;
    assert_eq!(total(&answer(config, feedback())), 0);
    assert_eq!(total(&answer(config, feedback().segment("panel"))), 5);
}

#[test]
fn an_event_may_give_coupons_and_bonus_with_points_or_without() {
    let config = r#"{"events": [
        {"on": "enrolment", "coupons": {"binding": "welcome", "count": 2, "valid_days": 30}},
        {"on": "tier-reached", "points": 10, "bonus": {"amount": 500}}
    ]}"#;
    let welcome = answer(config, facts().trigger(Trigger::Enrolment));
    let today = facts().points().order.business_date;
    assert_eq!((total(&welcome), welcome.grants.len()), (0, 1));
    let coupons = &welcome.grants[0];
    assert_eq!(
        (
            coupons.gift,
            &*coupons.name,
            coupons.count,
            coupons.expires_on
        ),
        (Gift::Coupon, "welcome", 2, Some(today + 29))
    );
    let gold = answer(config, facts().trigger(Trigger::TierReached));
    assert_eq!(shown(&gold), "tier-reached 10");
    assert_eq!(
        (
            gold.grants[0].gift,
            gold.grants[0].amount,
            gold.grants[0].expires_on
        ),
        (Gift::Bonus, 500, None)
    );
}

#[test]
fn what_gives_nothing_is_refused() {
    for (event, pointer) in [
        (r#"{"on": "birthday"}"#, "/events/0/points"),
        (
            r#"{"on": "birthday", "coupons": {"binding": " "}}"#,
            "/events/0/coupons/binding",
        ),
        (
            r#"{"on": "birthday", "coupons": {"binding": "b", "count": 101}}"#,
            "/events/0/coupons/count",
        ),
        (
            r#"{"on": "birthday", "bonus": {"amount": 0}}"#,
            "/events/0/bonus/amount",
        ),
        (
            r#"{"on": "birthday", "bonus": {"amount": 1, "valid_days": 4000}}"#,
            "/events/0/bonus/valid_days",
        ),
    ] {
        let config = format!(r#"{{"events": [{event}]}}"#);
        let problems = config_problems::<PointsStandard>(&config);
        let pointers: Vec<&str> = problems.iter().map(|one| one.pointer.as_str()).collect();
        assert_eq!(pointers, [pointer], "{event}");
    }
}
