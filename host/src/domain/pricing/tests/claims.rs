//! Points and tier of an order that is claimed later.

use super::support::*;
use crate::domain::pricing::{Campaign, Choice, FaultKind, MemberInput, Priced, RuleFault};
use crate::domain::rules::{
    AggregateNeed, Measure, Needs, Ratio, RuleKind, TierDecision, Trigger, Window,
};
use crate::domain::time::Day;

fn earning() -> Campaign {
    campaign("earn", RuleKind::Points)
}

fn claimant() -> MemberInput {
    MemberInput {
        facts: member("m1"),
        tier_since: None,
        tier_valid_until: None,
        own_tier: None,
        tier_floor: None,
        card_discounts: Vec::new(),
        wallet: wallet(0, 0, 0),
    }
}

fn gold() -> TierDecision {
    TierDecision {
        tier: Some("gold".to_owned()),
        multiplier: Ratio {
            numerator: 2,
            denominator: 1,
        },
        valid_until: None,
        reason: reason("gold"),
        next: None,
    }
}

/// Spend of the last 30 days, 5.00 so far.
fn tiers(binding: &str) -> Campaign {
    let need = AggregateNeed {
        measure: Measure::Spend,
        window: Window::RollingDays(30),
        category: None,
    };
    Campaign {
        needs: Needs {
            aggregates: vec![need],
            ..Needs::default()
        },
        aggregates: vec![500],
        ..campaign(binding, RuleKind::Tier)
    }
}

fn sold_without_member() -> Priced {
    Shop::new()
        .selling(&[10_000, 5_000])
        .with_rule(promo("b"), off(3_000))
        .price()
}

#[test]
fn a_claim_earns_what_the_sale_would_have_earned_with_its_member() {
    let shop = || {
        Shop::new()
            .selling(&[10_000, 5_000])
            .with_rule(promo("b"), off(3_000))
    };
    let with_member = shop()
        .for_member(wallet(0, 0, 0))
        .with_rule(earning(), point_per(100))
        .document();
    let claimed = Shop::new().with_rule(earning(), point_per(100)).claim(
        &sold_without_member(),
        claimant(),
        today().plus_days(3),
    );
    assert_eq!(claimed.document.awards.len(), 1);
    assert_eq!(
        claimed.document.awards[0].shares,
        with_member.awards[0].shares
    );
    assert_eq!(claimed.document.totals, with_member.totals);
    assert_eq!(
        claimed.document.purchase_sums(),
        with_member.purchase_sums()
    );
    // The promotion of the sale is still named; it was not asked again.
    assert_eq!(claimed.document.adjustments, with_member.adjustments);
    assert_eq!(claimed.calls.len(), 1);
    assert_eq!(claimed.calls[0].delta.trigger, Some(Trigger::Sale));
}

#[test]
fn in_a_group_a_claim_takes_one_rule_as_a_sale_does() {
    let claimed = Shop::new()
        .with_rule(
            in_group(Choice::Best, 0, campaign("a", RuleKind::Points)),
            point_per(100),
        )
        .with_rule(
            in_group(Choice::Best, 0, campaign("b", RuleKind::Points)),
            point_per(50),
        )
        .claim(&sold_without_member(), claimant(), today());
    assert_eq!(claimed.document.totals.points_earned, 240);
    assert_eq!(claimed.document.passed_over.len(), 1);
}

// 120.00 of 40 days ago do not count within 30 days; those of yesterday do.
#[test]
fn a_tier_is_reviewed_as_of_the_day_of_the_claim() {
    for (days, spend) in [(1, 12_500), (40, 500)] {
        let rule = Rule::Tier(Box::new(move |facts| {
            assert_eq!(facts.aggregates, [spend]);
            assert_eq!(facts.business_date, today().plus_days(days));
            Ok(gold())
        }));
        let claimed = Shop::new().with_rule(tiers("t"), rule).claim(
            &sold_without_member(),
            claimant(),
            today().plus_days(days),
        );
        let outcome = claimed.document.tier.expect("a decision");
        assert_eq!(outcome.decision, gold());
        let named = &claimed.document.campaigns[outcome.campaign as usize];
        assert_eq!(named.binding, "t");
    }
}

#[test]
fn a_tier_rule_that_fails_passes_on_to_the_next() {
    let broken = Rule::Tier(Box::new(|_| {
        Err(RuleFault {
            kind: FaultKind::Trap,
            message: "it trapped".to_owned(),
        })
    }));
    let first = Campaign {
        priority: 1,
        ..tiers("a")
    };
    let claimed = Shop::new()
        .with_rule(tiers("b"), Rule::Tier(Box::new(|_| Ok(gold()))))
        .with_rule(first, broken)
        .claim(&sold_without_member(), claimant(), today());
    assert_eq!(claimed.calls.len(), 2);
    assert_eq!(claimed.calls[0].campaign, 1);
    assert!(claimed.document.tier.is_some());
}

#[test]
fn where_sales_review_no_tier_a_claim_reviews_none() {
    let mut shop = Shop::new().with_rule(tiers("t"), Rule::Tier(Box::new(|_| Ok(gold()))));
    shop.settings.tier_review_on_sale = false;
    let claimed = shop.claim(&sold_without_member(), claimant(), Day(20_001));
    assert!(claimed.document.tier.is_none() && claimed.calls.is_empty());
}
