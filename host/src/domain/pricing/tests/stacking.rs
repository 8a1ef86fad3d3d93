//! Stages, bases, exclusive groups, caps, floors, faults.

use super::support::*;
use crate::domain::order::{AdjustmentSource, CodeRefusal, OrderDocument};
use crate::domain::pricing::{
    Base, CallOutcome, Campaign, Choice, FaultKind, OnFault, PricingError, RecordedSale, Stage,
    UsageLimit, UsageUnit,
};
use crate::domain::rules::{
    CounterChange, CounterNeed, CounterPeriod, CounterScope, Discount, Needs, PromotionProposal,
    Target,
};

fn applied(document: &OrderDocument) -> Vec<(&str, i64)> {
    let binding = |source| match source {
        AdjustmentSource::Campaign(campaign) => {
            document.campaigns[campaign as usize].binding.as_str()
        }
        AdjustmentSource::TillDifference => "till",
    };
    document
        .adjustments
        .iter()
        .map(|adjustment| (binding(adjustment.source), adjustment.applied))
        .collect()
}

#[test]
fn two_percentages_work_on_what_is_left_or_on_the_initial_amount() {
    let twice = |base| {
        let second = Campaign {
            base,
            ..promo("b2")
        };
        let shop = Shop::new()
            .selling(&[10_000])
            .with_rule(promo("b1"), percent_off(20));
        shop.with_rule(second, percent_off(10))
            .document()
            .totals
            .total
    };
    assert_eq!(twice(Base::Discounted), 7_200);
    assert_eq!(twice(Base::Initial), 7_000);
}

#[test]
fn forty_and_seventy_percent_of_the_initial_amount_end_at_zero_not_below() {
    let second = Campaign {
        base: Base::Initial,
        ..promo("b2")
    };
    let shop = Shop::new()
        .selling(&[1_000])
        .with_rule(promo("b1"), percent_off(40));
    let document = shop.with_rule(second, percent_off(70)).document();
    assert_eq!(document.totals.total, 0);
    assert_eq!(
        (
            document.adjustments[1].proposed,
            document.adjustments[1].applied
        ),
        (700, 600)
    );
}

#[test]
fn stages_go_before_priorities_and_priorities_before_names() {
    let at = |binding, stage, priority| Campaign {
        stage,
        priority,
        ..promo(binding)
    };
    let shop = Shop::new()
        .selling(&[10_000])
        .with_rule(at("coupon", Stage::Coupons, 9), off(1));
    let shop = shop
        .with_rule(at("order-b", Stage::Order, 1), off(1))
        .with_rule(at("order-a", Stage::Order, 1), off(1));
    let shop = shop
        .with_rule(at("order-first", Stage::Order, 2), off(1))
        .with_rule(at("line", Stage::Lines, 0), off(1));
    let document = shop.document();
    let order: Vec<&str> = applied(&document)
        .into_iter()
        .map(|(binding, _)| binding)
        .collect();
    assert_eq!(
        order,
        ["line", "order-first", "order-a", "order-b", "coupon"]
    );
}

#[test]
fn the_best_of_a_group_is_taken_and_the_other_is_named() {
    let shop = Shop::new()
        .selling(&[10_000])
        .with_rule(in_group(Choice::Best, 5, promo("small")), off(100));
    let priced = shop
        .with_rule(in_group(Choice::Best, 1, promo("large")), off(300))
        .price();
    assert_eq!(applied(&priced.document), [("large", 300)]);
    let other = &priced.document.passed_over[0];
    assert_eq!((other.worth, other.group.as_str()), (100, "g"));
    assert_eq!(
        priced.document.campaigns[other.campaign as usize].binding,
        "small"
    );
    let outcomes: Vec<CallOutcome> = priced.calls.iter().map(|call| call.outcome).collect();
    assert_eq!(outcomes, [CallOutcome::PassedOver, CallOutcome::Used]);
}

#[test]
fn equals_in_a_group_are_settled_by_priority_then_by_name() {
    let member = |binding, priority| in_group(Choice::Best, priority, promo(binding));
    let shop = Shop::new()
        .selling(&[1_000])
        .with_rule(member("a", 1), off(100))
        .with_rule(member("b", 2), off(100));
    assert_eq!(applied(&shop.document()), [("b", 100)]);
    let shop = Shop::new()
        .selling(&[1_000])
        .with_rule(member("b", 1), off(100))
        .with_rule(member("a", 1), off(100));
    assert_eq!(applied(&shop.document()), [("a", 100)]);
}

#[test]
fn the_first_of_a_group_with_an_effect_is_taken_and_the_rest_is_not_asked() {
    let member = |binding, priority| in_group(Choice::First, priority, promo(binding));
    let shop = Shop::new()
        .selling(&[1_000])
        .with_rule(member("none", 3), proposing(Vec::new()));
    let priced = shop
        .with_rule(member("some", 2), off(10))
        .with_rule(member("more", 1), off(500))
        .price();
    assert_eq!(applied(&priced.document), [("some", 10)]);
    assert_eq!(priced.calls.len(), 2);
}

#[test]
fn members_of_a_group_are_asked_on_the_same_amounts() {
    let member = |binding| in_group(Choice::Best, 0, promo(binding));
    let shop = Shop::new()
        .selling(&[1_000])
        .with_rule(member("a"), percent_off(50));
    let document = shop.with_rule(member("b"), percent_off(60)).document();
    assert_eq!(
        (document.totals.total, document.passed_over[0].worth),
        (400, 500)
    );
}

#[test]
fn a_line_is_never_taken_below_its_floor() {
    let mut floored = line(1_000, 1_000);
    floored.floor_price = Some(900);
    let document = Shop::new()
        .with_line(floored)
        .selling(&[1_000])
        .with_rule(promo("b"), off(600))
        .document();
    let amounts: Vec<i64> = document.lines.iter().map(|line| line.amount).collect();
    assert_eq!(amounts, [900, 500]);
}

#[test]
fn a_cap_and_a_budget_limit_a_discount_and_a_spent_budget_leaves_it_out() {
    let capped = Campaign {
        max_discount: Some(150),
        ..promo("b")
    };
    let document = Shop::new()
        .selling(&[1_000])
        .with_rule(capped, percent_off(20))
        .document();
    assert_eq!(
        (
            document.adjustments[0].proposed,
            document.adjustments[0].applied
        ),
        (200, 150)
    );
    let with_budget = |used| {
        let usage = UsageLimit {
            name: "budget".to_owned(),
            scope: CounterScope::Chain,
            period: CounterPeriod::Lifetime,
            counts: UsageUnit::Money,
            limit: 10_000,
            used,
        };
        Campaign {
            usage: vec![usage],
            ..promo("b")
        }
    };
    let document = Shop::new()
        .selling(&[1_000])
        .with_rule(with_budget(9_950), percent_off(20))
        .document();
    assert_eq!(
        (document.totals.discount, document.counters[0].change),
        (50, 50)
    );
    let document = Shop::new()
        .selling(&[1_000])
        .with_rule(with_budget(10_000), percent_off(20))
        .document();
    assert_eq!(
        (document.totals.discount, document.skipped[0].fault),
        (0, FaultKind::LimitReached)
    );
}

#[test]
fn a_limit_per_member_leaves_strangers_out() {
    let usage = UsageLimit {
        name: "once".to_owned(),
        scope: CounterScope::Member,
        period: CounterPeriod::Lifetime,
        counts: UsageUnit::Uses,
        limit: 1,
        used: 0,
    };
    let once = || Campaign {
        usage: vec![usage.clone()],
        ..promo("b")
    };
    assert_eq!(
        Shop::new()
            .selling(&[100])
            .with_rule(once(), off(10))
            .document()
            .totals
            .discount,
        0
    );
    let document = Shop::new()
        .selling(&[100])
        .for_member(wallet(0, 0, 0))
        .with_rule(once(), off(10))
        .document();
    assert_eq!(
        (
            document.totals.discount,
            document.counters[0].member.as_deref()
        ),
        (10, Some("m1"))
    );
}

fn counting(limit: Option<i64>) -> Campaign {
    let need = CounterNeed {
        name: "stamps".to_owned(),
        scope: CounterScope::Member,
        period: CounterPeriod::Lifetime,
        limit,
    };
    let needs = Needs {
        counters: vec![need],
        ..Needs::default()
    };
    Campaign {
        needs,
        counters: vec![3],
        codes: vec!["SAVE".to_owned()],
        ..promo("b")
    }
}

fn counting_answer(discounts: Vec<Discount>, change: i64) -> Rule {
    answering(PromotionProposal {
        discounts,
        counters: vec![CounterChange { counter: 0, change }],
        codes: vec!["SAVE".to_owned()],
        ..PromotionProposal::default()
    })
}

fn with_code(mut shop: Shop) -> Shop {
    shop.basket.codes = vec!["SAVE".to_owned(), "OTHER".to_owned()];
    shop
}

#[test]
fn a_code_is_used_up_with_its_discount_and_kept_without() {
    let shop = || with_code(Shop::new().selling(&[100]).for_member(wallet(0, 0, 0)));
    let off_ten = || vec![discount(Target::Order, 10)];
    let document = shop()
        .with_rule(counting(None), counting_answer(off_ten(), 1))
        .document();
    assert!(document.codes[0].used && !document.codes[1].used);
    assert_eq!(document.codes[1].reason, Some(CodeRefusal::Unknown));
    assert_eq!(
        (document.codes[1].campaign, document.counters[0].change),
        (None, 1)
    );
    // Another campaign made it free already: nothing left to take off, nothing used up.
    let first = Campaign {
        priority: 1,
        ..promo("free")
    };
    let document = shop()
        .with_rule(first, percent_off(100))
        .with_rule(counting(None), counting_answer(off_ten(), 1))
        .document();
    assert!(!document.codes[0].used && document.counters.is_empty());
    assert_eq!(
        document.codes[0].reason,
        Some(CodeRefusal::ConditionsNotMet)
    );
    // What was known of a code before any rule was asked is said.
    let mut told = shop();
    told.refused_codes = vec![("OTHER".to_owned(), CodeRefusal::Expired)];
    assert_eq!(told.document().codes[1].reason, Some(CodeRefusal::Expired));
}

#[test]
fn a_stamp_without_a_discount_still_counts() {
    let shop = with_code(Shop::new().selling(&[100]).for_member(wallet(0, 0, 0)));
    let document = shop
        .with_rule(counting(None), counting_answer(Vec::new(), 1))
        .document();
    assert_eq!(
        (
            document.counters.len(),
            document.counters[0].member.as_deref()
        ),
        (1, Some("m1"))
    );
}

#[test]
fn a_counter_at_its_limit_leaves_the_campaign_out_without_refusing_the_order() {
    let campaign = Campaign {
        on_fault: OnFault::RefuseOrder,
        ..counting(Some(3))
    };
    let shop = with_code(Shop::new().selling(&[100]));
    let document = shop
        .with_rule(
            campaign,
            counting_answer(vec![discount(Target::Order, 10)], 1),
        )
        .document();
    assert_eq!(
        (document.totals.discount, document.skipped[0].fault),
        (0, FaultKind::LimitReached)
    );
}

#[test]
fn a_rule_that_fails_is_left_out_or_refuses_the_order_as_its_binding_says() {
    let priced = Shop::new()
        .selling(&[100])
        .with_rule(promo("b"), trapping())
        .with_rule(promo("c"), off(10))
        .price();
    assert_eq!(applied(&priced.document), [("c", 10)]);
    assert_eq!(priced.document.skipped[0].fault, FaultKind::Trap);
    assert_eq!(priced.calls[0].outcome, CallOutcome::Faulted);
    let strict = Campaign {
        on_fault: OnFault::RefuseOrder,
        ..promo("b")
    };
    let error = Shop::new()
        .selling(&[100])
        .with_rule(strict, trapping())
        .try_price()
        .unwrap_err();
    let mut happened = Shop::new().selling(&[100]).with_rule(
        Campaign {
            on_fault: OnFault::RefuseOrder,
            ..promo("b")
        },
        trapping(),
    );
    happened.recorded = Some(RecordedSale::default());
    assert_eq!(happened.document().skipped[0].fault, FaultKind::Trap);
    assert!(
        matches!(error, PricingError::RuleRefused { ref binding, .. } if binding == "b"),
        "{error}"
    );
}

#[test]
fn nonsense_is_refused_and_named() {
    let many = vec![discount(Target::Order, 1); 1_001];
    let off_basis = Discount {
        basis: vec![7],
        ..discount(Target::Order, 1)
    };
    let unnamed = Discount {
        reason: reason(""),
        ..discount(Target::Order, 1)
    };
    let cases = [
        vec![discount(Target::Order, 0)],
        vec![discount(Target::Order, -5)],
        vec![discount(Target::Line(1), 5)],
        vec![discount(Target::Lines(vec![0, 9]), 5)],
        vec![discount(Target::Lines(Vec::new()), 5)],
        vec![off_basis],
        vec![unnamed],
        many,
    ];
    for discounts in cases {
        let document = Shop::new()
            .selling(&[100])
            .with_rule(promo("b"), proposing(discounts))
            .document();
        assert_eq!(
            (document.totals.total, document.skipped[0].fault),
            (100, FaultKind::Nonsense)
        );
    }
    let foreign = PromotionProposal {
        codes: vec!["NOT-MINE".to_owned()],
        ..PromotionProposal::default()
    };
    let document = Shop::new()
        .selling(&[100])
        .with_rule(promo("b"), answering(foreign))
        .document();
    assert_eq!(document.skipped[0].fault, FaultKind::Nonsense);
}

#[test]
fn a_discount_as_large_as_a_number_takes_what_there_is() {
    let greedy = vec![
        discount(Target::Order, i64::MAX),
        discount(Target::Line(0), i64::MAX),
    ];
    let document = Shop::new()
        .selling(&[100, 50])
        .with_rule(promo("b"), proposing(greedy))
        .document();
    assert_eq!(document.totals.total, 0);
    assert_eq!(
        (
            document.adjustments[0].applied,
            document.adjustments[1].applied
        ),
        (150, 0)
    );
}

#[test]
fn a_line_named_twice_bears_its_share_once() {
    let twice = vec![discount(Target::Lines(vec![1, 0, 1]), 90)];
    let shop = Shop::new()
        .selling(&[100, 100, 100])
        .with_rule(promo("b"), proposing(twice));
    assert_eq!(shop.document().skipped.len(), 0);
    assert_eq!(shop.document().totals.discount, 90);
}

#[test]
fn a_proposal_that_touches_lines_too_often_is_nonsense() {
    let prices = vec![100; 500];
    let proposing_times = |times| {
        let rule = proposing(vec![discount(Target::Order, 1); times]);
        Shop::new()
            .selling(&prices)
            .with_rule(promo("b"), rule)
            .document()
    };
    assert_eq!(proposing_times(20).totals.discount, 20);
    assert_eq!(proposing_times(21).skipped[0].fault, FaultKind::Nonsense);
}
