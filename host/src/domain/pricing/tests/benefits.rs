//! Points, tier preview and referral rewards.

use super::support::*;
use crate::domain::basket::TenderIntent;
use crate::domain::facts::{AnyFacts, ReferralBase};
use crate::domain::pricing::{Campaign, Choice, FaultKind, UsageLimit, UsageUnit};
use crate::domain::rules::{
    AggregateNeed, CounterPeriod, CounterScope, Measure, Needs, PointsProposal, Ratio,
    ReferralProposal, Reward, RuleKind, Side, TierDecision, Window,
};
use crate::domain::settings::StoredValueEarning;
use crate::domain::time::Day;

fn earning() -> Campaign {
    campaign("earn", RuleKind::Points)
}

#[test]
fn points_are_earned_on_what_was_paid_and_shared_by_line() {
    let shop = Shop::new()
        .selling(&[10_000, 5_000])
        .for_member(wallet(0, 0, 0))
        .with_rule(promo("b"), off(3_000));
    let document = shop.with_rule(earning(), point_per(100)).document();
    assert_eq!(document.totals.points_earned, 120);
    let shares: Vec<i64> = document.awards[0]
        .shares
        .iter()
        .map(|share| share.share)
        .collect();
    assert_eq!(shares, [80, 40]);
}

#[test]
fn a_stranger_earns_nothing_and_no_rule_is_asked() {
    let priced = Shop::new()
        .selling(&[10_000])
        .with_rule(earning(), point_per(100))
        .price();
    assert!(priced.document.awards.is_empty() && priced.calls.is_empty());
}

#[test]
fn what_points_pay_earns_nothing_unless_the_setting_says_so() {
    let earned = |reduces| {
        let mut shop = Shop::new()
            .selling(&[10_000])
            .for_member(wallet(2_000, 0, 0));
        shop.settings.points_tender_reduces_earning = reduces;
        let shop = shop.paid_by(&[TenderIntent::Points { points: 2_000 }]);
        shop.with_rule(earning(), point_per(100))
            .document()
            .totals
            .points_earned
    };
    assert_eq!((earned(true), earned(false)), (80, 100));
}

#[test]
fn stored_value_earns_wholly_or_without_its_gift_or_not_at_all() {
    let earned = |setting| {
        let mut shop = Shop::new()
            .selling(&[10_000])
            .for_member(wallet(0, 10_000, 3_000));
        shop.settings.stored_value_reduces_earning = setting;
        let shop = shop.paid_by(&[TenderIntent::StoredValue { amount: None }]);
        shop.with_rule(earning(), point_per(100))
            .document()
            .totals
            .points_earned
    };
    assert_eq!(earned(StoredValueEarning::None), 100);
    assert_eq!(earned(StoredValueEarning::Bonus), 70);
    assert_eq!(earned(StoredValueEarning::All), 0);
}

#[test]
fn points_before_tax_are_earned_on_the_net() {
    let mut shop = Shop::new().selling(&[11_300]).for_member(wallet(0, 0, 0));
    shop.settings.earn_before_tax = true;
    let priced = shop.with_rule(earning(), point_per(100)).price();
    assert_eq!(priced.document.totals.points_earned, 100);
    let AnyFacts::Points(facts) = priced.facts.rebuild(&priced.calls[0].delta).expect("facts")
    else {
        panic!("points facts")
    };
    assert_eq!(
        (facts.amount, facts.lines[0].amount, facts.lines[0].tax),
        (10_000, 10_000, 0)
    );
    assert!(!facts.order.prices_include_tax);
}

#[test]
fn awards_that_cannot_be_are_refused() {
    let today = today();
    let cases = [
        award(0, Vec::new()),
        award(-1, Vec::new()),
        award(1_000_000_000_001, Vec::new()),
        award(1, vec![1]),
        crate::domain::rules::Award {
            expires_on: Some(Day(today.0 - 1)),
            ..award(1, Vec::new())
        },
        crate::domain::rules::Award {
            expires_on: Some(today),
            available_on: Some(today.plus_days(1)),
            ..award(1, Vec::new())
        },
    ];
    for wrong in cases {
        let proposal = PointsProposal {
            awards: vec![wrong],
            ..PointsProposal::default()
        };
        let rule = Rule::Points(Box::new(move |_| Ok(proposal.clone())));
        let document = Shop::new()
            .selling(&[100])
            .for_member(wallet(0, 0, 0))
            .with_rule(earning(), rule)
            .document();
        assert_eq!(
            (document.awards.len(), document.skipped[0].fault),
            (0, FaultKind::Nonsense)
        );
    }
}

#[test]
fn the_better_of_two_exclusive_points_rules_is_taken() {
    let rule =
        |binding, priority| in_group(Choice::Best, priority, campaign(binding, RuleKind::Points));
    let shop = Shop::new()
        .selling(&[10_000])
        .for_member(wallet(0, 0, 0))
        .with_rule(rule("a", 2), point_per(100));
    let document = shop.with_rule(rule("b", 1), point_per(50)).document();
    assert_eq!(
        (document.totals.points_earned, document.passed_over[0].worth),
        (200, 100)
    );
}

#[test]
fn a_points_budget_cuts_the_award() {
    let usage = UsageLimit {
        name: "month".to_owned(),
        scope: CounterScope::Member,
        period: CounterPeriod::Month,
        counts: UsageUnit::Points,
        limit: 1_000,
        used: 970,
    };
    let capped = Campaign {
        usage: vec![usage],
        ..earning()
    };
    let shop = Shop::new().selling(&[10_000]).for_member(wallet(0, 0, 0));
    let document = shop.with_rule(capped, point_per(100)).document();
    assert_eq!(
        (document.totals.points_earned, document.counters[0].change),
        (30, 30)
    );
}

#[test]
fn a_tier_rule_sees_the_past_with_this_order_added() {
    let need = |measure, category: Option<&str>| AggregateNeed {
        measure,
        window: Window::RollingDays(365),
        category: category.map(str::to_owned),
    };
    let aggregates = vec![
        need(Measure::Spend, None),
        need(Measure::Spend, Some("food")),
        need(Measure::Spend, Some("drinks")),
        need(Measure::Orders, None),
        need(Measure::Units, Some("food/bread")),
        need(Measure::PointsEarned, None),
    ];
    let tier = Campaign {
        needs: Needs {
            aggregates,
            ..Needs::default()
        },
        aggregates: vec![100, 100, 100, 7, 0, 5],
        ..campaign("tier", RuleKind::Tier)
    };
    let rule = Rule::Tier(Box::new(|facts| {
        assert_eq!(facts.aggregates, [1_100, 1_100, 100, 8, 2_000, 15]);
        Ok(TierDecision {
            tier: Some("gold".to_owned()),
            multiplier: Ratio {
                numerator: 3,
                denominator: 2,
            },
            valid_until: None,
            reason: reason("gold"),
            next: None,
        })
    }));
    let shop = Shop::new()
        .with_line(line(500, 2_000))
        .for_member(wallet(0, 0, 0))
        .with_rule(earning(), point_per(100));
    let outcome = shop
        .with_rule(tier, rule)
        .document()
        .tier
        .expect("a decision");
    assert!(outcome.changes_tier());
}

#[test]
fn a_referral_pays_both_sides_and_counts_for_the_referrer() {
    let reward = |side, points| Reward {
        side,
        points,
        reason: reason("friend"),
        expires_on: None,
        available_on: None,
    };
    let rule = Rule::Referral(Box::new(move |facts| {
        assert_eq!((facts.amount, facts.referrer.id.as_str()), (5_000, "m0"));
        let rewards = vec![reward(Side::Referrer, 200), reward(Side::Referee, 100)];
        Ok(ReferralProposal {
            rewards,
            clawback: true,
            ..ReferralProposal::default()
        })
    }));
    let mut shop = Shop::new().selling(&[5_000]).for_member(wallet(0, 0, 0));
    shop.referral = Some(ReferralBase {
        referrer: member("m0"),
        second_referrer: None,
        referred_on: Day(19_990),
    });
    let outcome = shop
        .with_rule(campaign("r", RuleKind::Referral), rule)
        .document()
        .referral
        .expect("rewards");
    let paid: Vec<(&str, i64)> = outcome
        .rewards
        .iter()
        .map(|reward| (reward.member.as_str(), reward.points))
        .collect();
    assert_eq!(paid, [("m0", 200), ("m1", 100)]);
}

#[test]
fn rules_know_only_the_attributes_and_costs_they_asked_for() {
    use crate::domain::rules::Value;
    let mut article = line(1_000, 1_000);
    article.cost = Some(400);
    article.attributes = vec![
        ("brand".to_owned(), Value::Text("x".to_owned())),
        ("age".to_owned(), Value::Integer(1)),
    ];
    let asking = |needs| {
        let shop = Shop::new().with_line(article.clone()).with_rule(
            Campaign {
                needs,
                ..promo("b")
            },
            off(1),
        );
        let priced = shop.price();
        let AnyFacts::Promotion(facts) =
            priced.facts.rebuild(&priced.calls[0].delta).expect("facts")
        else {
            panic!("promotion facts")
        };
        (facts.lines[0].cost, facts.lines[0].attributes.len())
    };
    assert_eq!(asking(Needs::default()), (None, 0));
    let needs = Needs {
        attributes: vec!["brand".to_owned()],
        shown: crate::domain::rules::Shown {
            cost: true,
            ..Default::default()
        },
        ..Needs::default()
    };
    assert_eq!(asking(needs), (Some(400), 1));
}
