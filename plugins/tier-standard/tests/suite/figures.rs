//! Worked cases: silver from 1,000.00, gold from 5,000.00, sure for a year, asked on 15 June 2026.

use proptest::prelude::*;
use tessera_sdk::Rate;
use tessera_sdk::testing::{FactsBuilder, assert_contract, assert_error, config_problems, facts};
use tessera_sdk::tiers::{Decision, Facts, Occasion, TierRule};
use tier_standard::{Config, TierStandard};

const LADDER: &str = r#"{
    "tiers": [
        {"code": "silver", "name": "Silver", "threshold": 100000, "multiplier": "1.2"},
        {"code": "gold", "name": "Gold", "threshold": 500000, "multiplier": "1.5"}
    ]
}"#;

fn asked(
    occasion: Occasion,
    held: Option<&str>,
    valid_until: Option<&str>,
    spend: i64,
) -> FactsBuilder {
    let mut asked = facts().occasion(occasion).aggregates([spend]);
    if let Some(tier) = held {
        asked = asked.tier(tier, Rate::ONE);
    }
    match valid_until {
        Some(day) => asked.tier_valid_until(day),
        None => asked,
    }
}

/// The tier, its last sure day and the reason.
fn shown(decision: &Decision) -> (Option<&str>, Option<String>, &str) {
    let until = decision
        .valid_until
        .and_then(tessera_sdk::chrono::NaiveDate::from_epoch_days);
    (
        decision.tier.as_deref(),
        until.map(|day| day.to_string()),
        &decision.reason.key,
    )
}

#[test]
fn up_at_once_and_down_only_after_validity_at_a_review_or_refund() {
    use Occasion::{Enrolment, Refund, Review, Sale};
    const A_YEAR_ON: &str = "2027-06-15";
    for (occasion, held, until, spend, tier, valid_until, reason) in [
        (Enrolment, None, None, 0, None, None, "none"),
        (Sale, None, None, 99_999, None, None, "none"),
        (
            Sale,
            None,
            None,
            100_000,
            Some("silver"),
            Some(A_YEAR_ON),
            "reached",
        ),
        (
            Sale,
            Some("silver"),
            Some("2026-09-01"),
            499_999,
            Some("silver"),
            Some("2026-09-01"),
            "kept",
        ),
        (
            Sale,
            Some("silver"),
            Some("2026-09-01"),
            500_000,
            Some("gold"),
            Some(A_YEAR_ON),
            "reached",
        ),
        (
            Review,
            None,
            None,
            700_000,
            Some("gold"),
            Some(A_YEAR_ON),
            "reached",
        ),
        // The validity has not passed on its last day.
        (
            Review,
            Some("gold"),
            Some("2026-06-15"),
            100_000,
            Some("gold"),
            Some("2026-06-15"),
            "sure",
        ),
        (
            Review,
            Some("gold"),
            Some("2026-06-14"),
            100_000,
            Some("silver"),
            Some(A_YEAR_ON),
            "lowered",
        ),
        (
            Review,
            Some("gold"),
            Some("2026-06-14"),
            0,
            None,
            None,
            "lowered-to-none",
        ),
        (
            Review,
            Some("gold"),
            Some("2026-06-14"),
            500_000,
            Some("gold"),
            Some(A_YEAR_ON),
            "renewed",
        ),
        (
            Refund,
            Some("gold"),
            Some("2026-09-01"),
            0,
            Some("gold"),
            Some("2026-09-01"),
            "sure",
        ),
        (
            Refund,
            Some("gold"),
            Some("2026-06-14"),
            0,
            None,
            None,
            "lowered-to-none",
        ),
        // A sale takes nothing away; the tier is sure for its day and the next review lowers it.
        (
            Sale,
            Some("gold"),
            Some("2026-06-01"),
            100,
            Some("gold"),
            Some("2026-06-15"),
            "sure",
        ),
        // A tier no longer on the ladder counts as none.
        (
            Sale,
            Some("bronze"),
            Some("2026-09-01"),
            100,
            None,
            None,
            "none",
        ),
        (
            Sale,
            Some("bronze"),
            Some("2026-09-01"),
            100_000,
            Some("silver"),
            Some(A_YEAR_ON),
            "reached",
        ),
        // A refund larger than what was spent in the window.
        (Refund, None, None, -5_000, None, None, "none"),
    ] {
        let facts = asked(occasion, held, until, spend).tier_review();
        let decision = assert_contract::<TierStandard>(LADDER, &facts);
        let expected = (tier, valid_until.map(str::to_owned), reason);
        assert_eq!(
            shown(&decision),
            expected,
            "{occasion:?} {held:?} {until:?} {spend}"
        );
    }
}

#[test]
fn a_refund_lowers_at_once_where_the_chain_says_so() {
    let config = LADDER.replacen('{', r#"{"refund_lowers": true, "#, 1);
    let refunded = asked(Occasion::Refund, Some("gold"), Some("2026-09-01"), 100_000).tier_review();
    let decision = assert_contract::<TierStandard>(&config, &refunded);
    assert_eq!(
        shown(&decision),
        (Some("silver"), Some("2027-06-15".into()), "lowered")
    );
    let reviewed = asked(Occasion::Review, Some("gold"), Some("2026-09-01"), 100_000).tier_review();
    assert_eq!(
        assert_contract::<TierStandard>(&config, &reviewed)
            .tier
            .as_deref(),
        Some("gold")
    );
}

#[test]
fn a_tier_for_good_has_no_last_day() {
    let config = LADDER.replacen('{', r#"{"validity_days": 0, "#, 1);
    for (occasion, until) in [
        (Occasion::Review, Some("2020-01-01")),
        (Occasion::Sale, None),
    ] {
        let decision = assert_contract::<TierStandard>(
            &config,
            &asked(occasion, Some("gold"), until, 0).tier_review(),
        );
        assert_eq!(shown(&decision), (Some("gold"), None, "sure"));
    }
}

#[test]
fn an_imported_tier_without_a_last_day_is_counted_from_the_day_it_was_given() {
    let imported = asked(Occasion::Review, Some("gold"), None, 0);
    let old = assert_contract::<TierStandard>(
        LADDER,
        &imported.clone().tier_since("2025-06-14").tier_review(),
    );
    assert_eq!(old.tier, None);
    let young = assert_contract::<TierStandard>(
        LADDER,
        &imported.clone().tier_since("2025-06-15").tier_review(),
    );
    assert_eq!(
        shown(&young),
        (Some("gold"), Some("2026-06-15".into()), "sure")
    );
    let undated = assert_contract::<TierStandard>(LADDER, &imported.tier_review());
    assert_eq!(
        shown(&undated),
        (Some("gold"), Some("2027-06-15".into()), "sure")
    );
}

#[test]
fn what_is_missing_is_counted_to_the_tier_above_the_one_held() {
    for (held, spend, next) in [
        (None, 0, Some(("silver", 100_000))),
        (None, 100_000, Some(("gold", 400_000))),
        (Some("silver"), 20_000, Some(("gold", 480_000))),
        (Some("gold"), 0, None),
        (None, 900_000, None),
    ] {
        let facts = asked(Occasion::Sale, held, Some("2026-09-01"), spend).tier_review();
        let decision = assert_contract::<TierStandard>(LADDER, &facts);
        assert_eq!(
            decision
                .next
                .as_ref()
                .map(|next| (next.tier.as_str(), next.missing)),
            next,
            "{held:?} {spend}"
        );
    }
}

#[test]
fn the_multiplier_is_that_of_the_tier() {
    for (spend, multiplier) in [(0, (1, 1)), (100_000, (6, 5)), (500_000, (3, 2))] {
        let decision = assert_contract::<TierStandard>(
            LADDER,
            &asked(Occasion::Sale, None, None, spend).tier_review(),
        );
        assert_eq!(
            (
                decision.multiplier_numerator,
                decision.multiplier_denominator
            ),
            multiplier
        );
    }
}

#[test]
fn the_lowest_tier_of_zero_is_for_everyone_and_has_no_end() {
    let enrolled = facts()
        .occasion(Occasion::Enrolment)
        .aggregates([0])
        .tier_review();
    assert_eq!(
        shown(&assert_contract::<TierStandard>("{}", &enrolled)),
        (Some("member"), None, "reached")
    );
}

#[test]
fn contradictions_are_refused_with_their_place() {
    let tier = |fields: &str| {
        format!(r#"{{"tiers": [{{"code": "a", "name": "A", "threshold": 5}}, {{{fields}}}]}}"#)
    };
    for (config, pointer) in [
        (
            tier(r#""code": "b", "name": "B", "threshold": 5"#),
            "/tiers/1/threshold",
        ),
        (
            tier(r#""code": "b", "name": "B", "threshold": -1"#),
            "/tiers/1/threshold",
        ),
        (
            tier(r#""code": "a", "name": "B", "threshold": 9"#),
            "/tiers/1/code",
        ),
        (
            tier(r#""code": "B B", "name": "B", "threshold": 9"#),
            "/tiers/1/code",
        ),
        (
            tier(r#""code": "b", "name": " ", "threshold": 9"#),
            "/tiers/1/name",
        ),
        (
            tier(r#""code": "b", "name": "B", "threshold": 9, "multiplier": 0"#),
            "/tiers/1/multiplier",
        ),
        (
            tier(r#""code": "b", "name": "B", "threshold": 9, "multiplier": "-1""#),
            "/tiers/1/multiplier",
        ),
        (r#"{"tiers": []}"#.into(), "/tiers"),
        (r#"{"window_days": 0}"#.into(), "/window_days"),
        (r#"{"validity_days": 3661}"#.into(), "/validity_days"),
    ] {
        let problems = config_problems::<TierStandard>(&config);
        assert_eq!(
            problems
                .iter()
                .map(|problem| problem.pointer.as_str())
                .collect::<Vec<_>>(),
            [pointer],
            "{config}"
        );
    }
    assert!(!config_problems::<TierStandard>(r#"{"windowdays": 3}"#).is_empty());
}

#[test]
fn facts_without_the_spend_are_an_error_with_a_remedy() {
    let mut facts = asked(Occasion::Sale, None, None, 0).tier_review();
    facts.aggregates.clear();
    assert!(assert_error::<TierStandard>(LADDER, &facts).contains("bind the plugin again"));
}

proptest! {
    #[test]
    fn no_facts_make_it_panic_or_answer_a_validity_that_is_over(
        spend in any::<i64>(),
        today in any::<i32>(),
        since in any::<Option<i32>>(),
        until in any::<Option<i32>>(),
        held in 0..4_usize,
        occasion in 0..4_usize,
    ) {
        let config: Config = serde_json::from_str(LADDER).expect("a configuration");
        let occasions = [Occasion::Sale, Occasion::Refund, Occasion::Review, Occasion::Enrolment];
        let tiers = [None, Some("silver"), Some("gold"), Some("gone")];
        let facts = Facts {
            tier_since: since,
            tier_valid_until: until,
            business_date: today,
            ..asked(occasions[occasion], tiers[held], None, spend).tier_review()
        };
        if let Ok(decision) = TierStandard::evaluate(&config, &facts) {
            prop_assert!(decision.valid_until.is_none_or(|day| day >= today));
            prop_assert!(decision.next.is_none_or(|next| next.missing > 0));
        }
    }
}
