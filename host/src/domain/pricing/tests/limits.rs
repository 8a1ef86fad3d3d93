//! Caps over several discounts, budgets, and what nothing spends.

use proptest::prelude::*;
use tessera_money::{Rate, Rounding, mul_rate};

use super::properties::any_shop;
use super::support::*;
use crate::domain::facts::ReferralBase;
use crate::domain::pricing::{Base, Campaign, UsageLimit, UsageUnit};
use crate::domain::rules::{
    CounterChange, CounterNeed, CounterPeriod, CounterScope, Needs, ReferralProposal, Reward,
    RuleKind, Side,
};
use crate::domain::settings::{DiscountCap, TaxRounding};
use crate::domain::time::Day;

fn cap(category: &str, percent: i64) -> DiscountCap {
    DiscountCap {
        category: category.to_owned(),
        share: Rate::percent(percent),
    }
}

fn limit(counts: UsageUnit, limit: i64) -> UsageLimit {
    UsageLimit {
        name: "limit".to_owned(),
        scope: CounterScope::Chain,
        period: CounterPeriod::Lifetime,
        counts,
        limit,
        used: 0,
    }
}

// 100.00 less 20 % less 10 % of the rest are 72.00; 70.00 are the least, so 5.00 more takes off 2.00.
#[test]
fn all_discounts_together_stay_below_the_cap_of_a_line() {
    let mut shop = Shop::new()
        .selling(&[10_000])
        .with_rule(promo("b1"), percent_off(20))
        .with_rule(promo("b2"), percent_off(10))
        .with_rule(promo("b3"), off(500));
    shop.settings.discount_caps = vec![cap("", 30)];
    let applied: Vec<i64> = shop
        .document()
        .adjustments
        .iter()
        .map(|adjustment| adjustment.applied)
        .collect();
    assert_eq!(applied, [2_000, 800, 200]);
}

// The line is in food/bread: its own cap of 10 % counts before that of food and that of everything.
#[test]
fn the_nearest_category_has_the_cap() {
    let left = |caps: &[DiscountCap]| {
        let mut shop = Shop::new()
            .selling(&[1_000])
            .with_rule(promo("b"), percent_off(100));
        shop.settings.discount_caps = caps.to_vec();
        shop.document().lines[0].amount
    };
    assert_eq!(
        left(&[cap("", 80), cap("food", 50), cap("food/bread", 10)]),
        900
    );
    assert_eq!(left(&[cap("", 80), cap("food", 50)]), 500);
    assert_eq!(left(&[cap("", 80), cap("foo", 50)]), 200);
    assert_eq!(left(&[cap("drinks", 50)]), 0);
}

// A fixed price floor of 9.50 leaves less than the cap of 30 %, which would leave 7.00.
#[test]
fn of_cap_and_floor_the_one_that_leaves_less_to_take_counts() {
    let mut floored = line(1_000, 1_000);
    floored.floor_price = Some(950);
    let mut shop = Shop::new()
        .with_line(floored)
        .with_rule(promo("b"), percent_off(50));
    shop.settings.discount_caps = vec![cap("", 30)];
    assert_eq!(shop.document().lines[0].amount, 950);
}

#[test]
fn a_discount_of_nothing_spends_no_budget_and_no_use() {
    let first = Campaign {
        priority: 1,
        ..promo("free")
    };
    let limited = Campaign {
        usage: vec![
            limit(UsageUnit::Uses, 1),
            UsageLimit {
                name: "money".to_owned(),
                ..limit(UsageUnit::Money, 500)
            },
        ],
        base: Base::Initial,
        ..promo("limited")
    };
    let document = Shop::new()
        .selling(&[1_000])
        .with_rule(first, percent_off(100))
        .with_rule(limited, percent_off(50))
        .document();
    assert_eq!(document.totals.total, 0);
    assert_eq!(document.adjustments.len(), 1);
    assert!(document.counters.is_empty());
}

fn referral_shop(usage: UsageLimit, rewards: &[(Side, i64)]) -> Shop {
    let need = CounterNeed {
        name: "asked".to_owned(),
        scope: CounterScope::Member,
        period: CounterPeriod::Lifetime,
        limit: None,
    };
    let campaign = Campaign {
        needs: Needs {
            counters: vec![need],
            ..Needs::default()
        },
        counters: vec![0],
        usage: vec![usage],
        ..campaign("friends", RuleKind::Referral)
    };
    let reward = |(side, points): &(Side, i64)| Reward {
        side: *side,
        points: *points,
        reason: reason("thanks"),
        expires_on: None,
        available_on: None,
    };
    let proposal = ReferralProposal {
        rewards: rewards.iter().map(reward).collect(),
        counters: vec![CounterChange {
            counter: 0,
            change: 1,
        }],
        ..ReferralProposal::default()
    };
    let rule = Rule::Referral(Box::new(move |_| Ok(proposal.clone())));
    let mut shop = Shop::new()
        .selling(&[1_000])
        .for_member(wallet(0, 0, 0))
        .with_rule(campaign, rule);
    shop.referral = Some(ReferralBase {
        referrer: member("m2"),
        second_referrer: None,
        referred_on: Day(19_500),
    });
    shop
}

#[test]
fn a_budget_of_points_cuts_the_rewards_of_a_referral() {
    let rewards = [(Side::Referee, 200), (Side::Referrer, 300)];
    let document = referral_shop(limit(UsageUnit::Points, 350), &rewards).document();
    let given: Vec<i64> = document
        .referral
        .iter()
        .flat_map(|outcome| &outcome.rewards)
        .map(|reward| reward.points)
        .collect();
    assert_eq!(given, [200, 150]);
    assert_eq!(document.counters.last().map(|used| used.change), Some(350));
}

#[test]
fn a_referral_that_pays_nothing_uses_nothing_of_its_limit() {
    let document = referral_shop(limit(UsageUnit::Uses, 1), &[]).document();
    let counted: Vec<&str> = document
        .counters
        .iter()
        .map(|used| used.name.as_str())
        .collect();
    assert_eq!(counted, ["asked"]);
}

proptest! {
    // Whatever else is bound, tax included or on top, rounded per line or receipt.
    #[test]
    fn everything_free_is_exactly_nothing(
        lines in proptest::collection::vec((0..5_000_i64, 1..4_000_i64, 0..3_usize), 1..8),
        other in 0..100_i64,
        included: bool,
        per_line: bool,
    ) {
        let mut shop = Shop::new();
        for (price, quantity, class) in lines {
            let mut sold = line(price, quantity);
            sold.tax_class = ["standard", "reduced", "none"][class].to_owned();
            shop = shop.with_line(sold);
        }
        shop.settings.prices_include_tax = included;
        shop.settings.tax_rounding = if per_line { TaxRounding::Line } else { TaxRounding::Receipt };
        let first = Campaign { priority: 1, ..promo("b1") };
        let document = shop
            .with_rule(first, percent_off(other))
            .with_rule(promo("b2"), percent_off(100))
            .document();
        for line in &document.lines {
            prop_assert_eq!((line.amount, line.net, line.tax, line.gross), (0, 0, 0, 0));
        }
        prop_assert!(document.taxes.iter().all(|sum| (sum.net, sum.tax, sum.gross) == (0, 0, 0)));
        prop_assert_eq!((document.totals.total, document.totals.tax), (0, 0));
    }

    #[test]
    fn no_stack_of_discounts_passes_a_cap(mut shop in any_shop(), all in 0..101_i64, food in 0..101_i64) {
        shop.settings.discount_caps = vec![cap("", all), cap("food", food)];
        for line in shop.document().lines {
            let share = if line.category.starts_with("food") { food } else { all };
            let most = mul_rate(line.list_amount, Rate::percent(share), Rounding::Down).unwrap();
            prop_assert!(line.discount <= most, "{} of {}", line.discount, most);
        }
    }
}
