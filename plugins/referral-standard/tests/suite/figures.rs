//! Worked cases: the new member buys on 15 June 2026, two weeks after the referral.

use proptest::prelude::*;
use referral_standard::{Config, ReferralStandard};
use tessera_sdk::referrals::{Facts, Proposal, ReferralRule, Side};
use tessera_sdk::testing::{FactsBuilder, assert_contract, config_problems, facts};

const CONFIG: &str = r#"{
    "referee_points": 200, "referrer_points": 300, "minimum_amount": 5000, "within_days": 14, "cap": 3, "cap_period": "year"
}"#;

fn first_order(amount: i64) -> FactsBuilder {
    facts().orders_before(0).amount(amount).counters([0])
}

fn reward(config: &str, order: FactsBuilder) -> Proposal {
    assert_contract::<ReferralStandard>(config, &order.referral())
}

/// Points of the new member, of the referrer, and the change of the count.
fn shown(proposal: &Proposal) -> (i64, i64, i64) {
    let points = |side: Side| {
        proposal
            .rewards
            .iter()
            .filter(|one| one.side == side)
            .map(|one| one.points)
            .sum()
    };
    (
        points(Side::Referee),
        points(Side::Referrer),
        // What the referrer is paid is counted first; the new member's orders that paid come last.
        counted_first(proposal),
    )
}

fn counted_first(proposal: &Proposal) -> i64 {
    let first = proposal.counters.iter().find(|change| change.counter == 0);
    first.map_or(0, |change| change.change)
}

#[test]
fn both_sides_are_paid_on_the_first_order_at_or_above_the_minimum() {
    for (order, expected) in [
        (first_order(5000), (200, 300, 1)),
        (first_order(4999), (0, 0, 0)),
        (first_order(5000).orders_before(1), (0, 0, 0)),
        // Fourteen days after the referral counts, fifteen do not.
        (first_order(5000).referred_on("2026-06-01"), (200, 300, 1)),
        (first_order(5000).referred_on("2026-05-31"), (0, 0, 0)),
        (first_order(5000).referred_on("2026-06-16"), (200, 300, 1)),
        (first_order(5000).counters([2]), (200, 300, 1)),
        (first_order(5000).counters([3]), (200, 0, 0)),
        (
            first_order(5000).referrer(|member| member.id = "member-1".into()),
            (0, 0, 0),
        ),
        (first_order(0), (0, 0, 0)),
    ] {
        assert_eq!(shown(&reward(CONFIG, order)), expected);
    }
}

#[test]
fn who_brought_the_referrer_is_paid_and_nobody_further_up() {
    let config = r#"{"second_referrer_points": 50, "referrer_points": 300, "cap": 3}"#;
    let second = |order: FactsBuilder| {
        let proposal = reward(config, order);
        let rewards = proposal.rewards.iter();
        let of_second = rewards.filter(|one| one.side == Side::SecondReferrer);
        of_second.map(|one| one.points).sum::<i64>()
    };
    for (order, expected) in [
        (first_order(5000).second_referrer("member-3"), 50),
        (first_order(5000), 0),
        // Neither side of the referral gets more by standing twice in the line.
        (first_order(5000).second_referrer("member-1"), 0),
        (first_order(5000).second_referrer("member-2"), 0),
        (
            first_order(5000).second_referrer("member-3").counters([3]),
            0,
        ),
        (first_order(5000).second_referrer("member-3").joining(), 0),
    ] {
        assert_eq!(second(order), expected);
    }
}

#[test]
fn an_order_below_the_minimum_is_told_what_is_missing() {
    let near = reward(CONFIG, first_order(4300));
    let missing: Vec<_> = near
        .near_misses
        .iter()
        .map(|miss| (miss.reason.key.as_str(), miss.missing))
        .collect();
    assert_eq!(missing, [("minimum", Some(700))]);
    assert!(
        reward(CONFIG, first_order(4300).orders_before(1))
            .near_misses
            .is_empty()
    );
    assert!(reward(CONFIG, first_order(0)).near_misses.is_empty());
}

#[test]
fn beyond_the_cap_the_new_member_is_paid_unless_the_chain_says_no() {
    let config = CONFIG.replacen('{', r#"{"referee_beyond_cap": false, "#, 1);
    assert_eq!(
        shown(&reward(&config, first_order(5000).counters([2]))),
        (200, 300, 1)
    );
    assert_eq!(
        shown(&reward(&config, first_order(5000).counters([3]))),
        (0, 0, 0)
    );
    assert!(
        reward(&config, first_order(4000).counters([3]))
            .near_misses
            .is_empty()
    );
}

#[test]
fn without_a_cap_only_the_orders_that_paid_are_counted() {
    let config = r#"{"referee_points": 0, "referrer_points": 50, "cap": 0, "clawback": false}"#;
    let proposal = reward(config, first_order(1).counters([]));
    assert_eq!((shown(&proposal), proposal.clawback), ((0, 50, 1), false));
    assert!(reward(CONFIG, first_order(5000)).clawback);
}

#[test]
fn points_wait_and_expire_as_set() {
    // 15 June 2026 is day 20,619.
    for (pending, expiry, available_on, expires_on) in [
        (0, 0, None, None),
        (0, 1, None, Some(20_619)),
        (0, 365, None, Some(20_983)),
        (14, 0, Some(20_633), None),
        (14, 30, Some(20_633), Some(20_662)),
    ] {
        let config = format!(r#"{{"pending_days": {pending}, "expiry_days": {expiry}}}"#);
        for one in reward(&config, first_order(100)).rewards {
            assert_eq!(
                (one.available_on, one.expires_on),
                (available_on, expires_on),
                "{pending} {expiry}"
            );
        }
    }
}

#[test]
fn contradictions_are_refused_with_their_place() {
    for (config, pointer) in [
        (r#"{"referee_points": -1}"#, "/referee_points"),
        (r#"{"referrer_points": -1}"#, "/referrer_points"),
        (
            r#"{"referee_points": 0, "referrer_points": 0}"#,
            "/referee_points",
        ),
        (r#"{"minimum_amount": -1}"#, "/minimum_amount"),
        (r#"{"within_days": 3661}"#, "/within_days"),
        (r#"{"pending_days": 3661}"#, "/pending_days"),
        (r#"{"expiry_days": 3661}"#, "/expiry_days"),
        (r#"{"cap_period": "week"}"#, "/cap_period"),
    ] {
        let problems = config_problems::<ReferralStandard>(config);
        assert_eq!(
            problems
                .iter()
                .map(|problem| problem.pointer.as_str())
                .collect::<Vec<_>>(),
            [pointer],
            "{config}"
        );
    }
}

#[test]
fn facts_without_the_count_are_an_error_with_a_remedy() {
    let facts = first_order(5000).counters([]).referral();
    let config: Config = serde_json::from_str(CONFIG).expect("a configuration");
    let error = ReferralStandard::evaluate(&config, &facts).expect_err("no count");
    assert!(error.contains("bind the plugin again"), "{error}");
}

proptest! {
    #[test]
    fn no_facts_make_it_panic(
        amount in any::<i64>(),
        counter in any::<i64>(),
        today in any::<i32>(),
        referred_on in any::<i32>(),
        pending_days in any::<u32>(),
        expiry_days in any::<u32>(),
    ) {
        let config = Config { pending_days, expiry_days, ..Config::default() };
        let mut facts = first_order(0).counters([counter]).referral();
        facts.order.business_date = today;
        let facts = Facts { amount, referred_on, ..facts };
        if let Ok(proposal) = ReferralStandard::evaluate(&config, &facts) {
            for one in &proposal.rewards {
                let first = one.available_on.unwrap_or(today);
                prop_assert!(first >= today && one.expires_on.is_none_or(|last| last >= first));
            }
        }
    }
}
