//! Worked refunds, and the property that any sequence of them ends where one of everything would.

use proptest::prelude::*;
use tessera_money::{Rate, Rounding};

use super::*;
use crate::domain::basket::TenderIntent;
use crate::domain::facts::ReferralBase;
use crate::domain::order::GrantRecord;
use crate::domain::pricing::tests::properties::any_shop;
use crate::domain::pricing::tests::support::*;
use crate::domain::pricing::{Campaign, RecordedSale, UsageLimit, UsageUnit};
use crate::domain::rules::{
    CounterChange, CounterNeed, CounterPeriod, CounterScope, Gift, Grant, Needs, PromotionProposal,
    ReferralProposal, Reward, Side, Target,
};
use crate::domain::settings::{CashRounding, PointsTender, RefundGifts};
use crate::domain::time::Day;

fn of(lines: &[(u32, i64)]) -> RefundRequest {
    let lines = lines
        .iter()
        .map(|(line, quantity)| LineQuantity {
            line: *line,
            quantity: *quantity,
        })
        .collect();
    RefundRequest {
        lines,
        to: None,
        may_choose_tender: false,
    }
}

/// Refunds one after another, each absorbed before the next.
fn refund_all(document: &OrderDocument, requests: &[RefundRequest]) -> (Vec<RefundPlan>, Refunded) {
    let mut refunded = Refunded::nothing(document);
    let mut plans = Vec::new();
    for request in requests {
        let plan = plan(document, &refunded, request).expect("a refund");
        refunded.absorb(&plan).expect("it fits");
        plans.push(plan);
    }
    (plans, refunded)
}

fn payouts(plan: &RefundPlan) -> Vec<(TenderKind, i64)> {
    plan.payouts()
        .expect("small amounts")
        .iter()
        .map(|payout| (payout.kind, payout.amount))
        .collect()
}

#[test]
fn a_third_three_times_is_the_whole_to_the_cent() {
    // 10.00 for three: 3.33, then 6.67 in all, then 10.00.
    let shop = Shop::new()
        .with_line(line(333, 3_000))
        .selling(&[1])
        .paid_by(&[cash(None)]);
    let document = shop.document();
    assert_eq!(document.totals.total, 1_000);
    let (plans, refunded) = refund_all(
        &document,
        &[
            of(&[(0, 1_000)]),
            of(&[(0, 1_000), (1, 1_000)]),
            of(&[(0, 1_000)]),
        ],
    );
    assert_eq!(
        plans.iter().map(|plan| plan.total).collect::<Vec<_>>(),
        [333, 334, 333]
    );
    assert_eq!(refunded.cash_handed, 1_000);
    assert_eq!(
        plans.iter().map(|plan| plan.completes).collect::<Vec<_>>(),
        [false, false, true]
    );
}

#[test]
fn half_a_line_three_times_is_refused_at_the_third() {
    let document = Shop::new()
        .with_line(line(499, 1_000))
        .paid_by(&[cash(None)])
        .document();
    let (plans, refunded) = refund_all(&document, &[of(&[(0, 500)]), of(&[(0, 500)])]);
    assert_eq!((plans[0].total, plans[1].total), (250, 249));
    let error = plan(&document, &refunded, &of(&[(0, 500)])).unwrap_err();
    assert_eq!(
        error,
        RefundError::TooMuch {
            line: 0,
            remaining: 0
        }
    );
}

#[test]
fn weighed_goods_come_back_by_weight() {
    // 1.234 kg at 10.00 is 12.34; a quarter of a kilogram of it is 2.50.
    let document = Shop::new()
        .with_line(line(1_000, 1_234))
        .paid_by(&[cash(None)])
        .document();
    let (plans, _) = refund_all(&document, &[of(&[(0, 250)]), of(&[(0, 984)])]);
    assert_eq!((plans[0].total, plans[1].total), (250, 984));
}

#[test]
fn tax_and_discount_come_back_with_their_line() {
    // 113.00 and 113.00 less 10 %: 101.70 each with 11.70 tax inside.
    let shop = Shop::new()
        .selling(&[11_300, 11_300])
        .with_rule(promo("b"), percent_off(10));
    let document = shop.paid_by(&[cash(None)]).document();
    let (plans, _) = refund_all(&document, &[of(&[(1, 1_000)])]);
    assert_eq!(
        (plans[0].total, plans[0].lines[0].tax, plans[0].lines[0].net),
        (10_170, 1_170, 9_000)
    );
    assert_eq!((plans[0].taxes.len(), plans[0].taxes[0].tax), (1, 1_170));
}

#[test]
fn money_goes_back_in_proportion_to_what_is_left_of_each_tender() {
    // 100.00 paid with 20.00 in points, 15.00 of gift, 25.00 of principal and 40.00 by card.
    let mut shop = Shop::new()
        .selling(&[5_000, 5_000])
        .for_member(wallet(4_000, 2_500, 1_500));
    let value = Rate::new(1, 2).expect("a rate");
    shop.settings.points_tender = Some(PointsTender {
        value,
        minimum: 0,
        multiple: 1,
        max_share: None,
    });
    let tenders = [
        TenderIntent::Points { points: 4_000 },
        TenderIntent::StoredValue { amount: None },
        money(TenderKind::Card, None),
    ];
    let document = shop.paid_by(&tenders).document();
    let (plans, refunded) = refund_all(&document, &[of(&[(0, 1_000)]), of(&[(1, 1_000)])]);
    let first = &plans[0].tenders;
    assert_eq!((first[0].amount, first[0].points), (1_000, 2_000));
    assert_eq!(
        (first[1].principal, first[1].bonus, first[1].amount),
        (1_250, 750, 2_000)
    );
    assert_eq!((first[2].kind, first[2].amount), (TenderKind::Card, 2_000));
    assert_eq!(
        (refunded.tenders[0].points, refunded.tenders[1].principal),
        (4_000, 2_500)
    );
}

#[test]
fn coins_handed_back_sum_to_the_coins_handed_over() {
    // Three lines of 0.02 are 0.06, in five-cent coins 0.05.
    let mut shop = Shop::new().selling(&[2, 2, 2]).paid_by(&[cash(None)]);
    shop.settings.cash_rounding = Some(CashRounding {
        increment: 5,
        mode: Rounding::HalfUp,
    });
    let document = shop.document();
    let (plans, refunded) = refund_all(
        &document,
        &[of(&[(0, 1_000)]), of(&[(1, 1_000)]), of(&[(2, 1_000)])],
    );
    let coins: Vec<i64> = plans
        .iter()
        .map(|plan| plan.total + plan.rounding)
        .collect();
    assert_eq!(coins, [0, 5, 0]);
    assert_eq!(refunded.cash_handed, document.totals.paid);
}

#[test]
fn another_tender_needs_permission_and_never_touches_points() {
    let shop = Shop::new().selling(&[1_000]).for_member(wallet(300, 0, 0));
    let tenders = [
        TenderIntent::Points { points: 300 },
        money(TenderKind::Card, None),
    ];
    let document = shop.paid_by(&tenders).document();
    let nothing = Refunded::nothing(&document);
    let to = |to, may_choose_tender| RefundRequest {
        to: Some(to),
        may_choose_tender,
        ..of(&[(0, 1_000)])
    };
    let refused = |request| plan(&document, &nothing, &request).unwrap_err();
    assert_eq!(
        refused(to(TenderKind::Cash, false)),
        RefundError::TenderNotAllowed
    );
    assert_eq!(
        refused(to(TenderKind::Points, true)),
        RefundError::TenderNotPayable
    );
    let by_cash = plan(&document, &nothing, &to(TenderKind::Cash, true)).expect("permitted");
    assert_eq!(
        payouts(&by_cash),
        [(TenderKind::Points, 300), (TenderKind::Cash, 700)]
    );
    let to_wallet =
        plan(&document, &nothing, &to(TenderKind::StoredValue, true)).expect("permitted");
    assert_eq!(
        (to_wallet.tenders[1].paid_as, to_wallet.tenders[1].principal),
        (TenderKind::StoredValue, 700)
    );
}

#[test]
fn cash_for_a_card_refund_is_rounded_to_coins() {
    let mut shop = Shop::new()
        .selling(&[333])
        .paid_by(&[money(TenderKind::Card, None)]);
    shop.settings.cash_rounding = Some(CashRounding {
        increment: 10,
        mode: Rounding::HalfUp,
    });
    let document = shop.document();
    let request = RefundRequest {
        to: Some(TenderKind::Cash),
        may_choose_tender: true,
        ..of(&[(0, 1_000)])
    };
    let plan = plan(&document, &Refunded::nothing(&document), &request).expect("permitted");
    assert_eq!(
        (plan.rounding, payouts(&plan)),
        (-3, vec![(TenderKind::Cash, 330)])
    );
}

#[test]
fn earned_points_go_back_by_the_share_of_each_line() {
    let shop = Shop::new()
        .with_line(line(100, 3_000))
        .selling(&[700])
        .for_member(wallet(0, 0, 0));
    let shop = shop
        .with_rule(campaign("earn", RuleKind::Points), point_per(100))
        .paid_by(&[cash(None)]);
    let document = shop.document();
    assert_eq!(document.totals.points_earned, 10);
    let (plans, _) = refund_all(
        &document,
        &[of(&[(0, 1_000)]), of(&[(0, 2_000)]), of(&[(1, 1_000)])],
    );
    let points: Vec<i64> = plans.iter().map(|plan| plan.awards[0].points).collect();
    assert_eq!(points, [1, 2, 7]);
    let everything = &plans[2].purchases[0];
    assert_eq!(
        (
            everything.category.as_str(),
            everything.spend,
            everything.orders,
            everything.points
        ),
        ("", 700, 1, 7)
    );
    assert_eq!(plans[0].purchases[0].orders, 0);
}

#[test]
fn an_order_stops_counting_for_a_category_with_its_last_line_there() {
    let mut tea = line(300, 1_000);
    tea.category = "drinks/tea".to_owned();
    let document = Shop::new()
        .selling(&[100])
        .with_line(tea)
        .paid_by(&[cash(None)])
        .document();
    let (plans, _) = refund_all(&document, &[of(&[(1, 1_000)])]);
    let rows: Vec<(&str, i64, i64)> = plans[0]
        .purchases
        .iter()
        .map(|sum| (sum.category.as_str(), sum.spend, sum.orders))
        .collect();
    assert_eq!(
        rows,
        [("", 300, 0), ("drinks", 300, 1), ("drinks/tea", 300, 1)]
    );
}

/// A sale with a counting coupon, a usage limit and a referral reward.
fn with_strings_attached(frees_usage: bool, clawback: bool) -> OrderDocument {
    let need = CounterNeed {
        name: "stamps".to_owned(),
        scope: CounterScope::Member,
        period: CounterPeriod::Lifetime,
        limit: None,
    };
    let usage = UsageLimit {
        name: "uses".to_owned(),
        scope: CounterScope::Chain,
        period: CounterPeriod::Lifetime,
        counts: UsageUnit::Uses,
        limit: 10,
        used: 0,
    };
    let coupon = Campaign {
        needs: Needs {
            counters: vec![need],
            ..Needs::default()
        },
        counters: vec![0],
        usage: vec![usage],
        codes: vec!["SAVE".to_owned()],
        ..promo("coupon")
    };
    let answer = answering(PromotionProposal {
        discounts: vec![discount(Target::Order, 10)],
        counters: vec![CounterChange {
            counter: 0,
            change: 2,
        }],
        codes: vec!["SAVE".to_owned()],
        ..PromotionProposal::default()
    });
    let reward = Reward {
        side: Side::Referrer,
        points: 50,
        reason: reason("friend"),
        expires_on: None,
        available_on: None,
    };
    let referral = Rule::Referral(Box::new(move |_| {
        Ok(ReferralProposal {
            rewards: vec![reward.clone()],
            clawback,
            ..ReferralProposal::default()
        })
    }));
    let mut shop = Shop::new()
        .selling(&[500, 500])
        .for_member(wallet(0, 0, 0))
        .paid_by(&[cash(None)]);
    shop.settings.cancelled_order_frees_usage = frees_usage;
    shop.referral = Some(ReferralBase {
        referrer: member("m0"),
        second_referrer: None,
        referred_on: Day(19_990),
    });
    shop.basket.codes = vec!["SAVE".to_owned()];
    shop.with_rule(coupon, answer)
        .with_rule(campaign("r", RuleKind::Referral), referral)
        .document()
}

#[test]
fn counters_and_codes_come_back_only_with_everything() {
    let document = with_strings_attached(true, true);
    let (plans, _) = refund_all(&document, &[of(&[(0, 1_000)]), of(&[(1, 1_000)])]);
    assert!(plans[0].counters.is_empty() && plans[0].codes.is_empty());
    let changes: Vec<(&str, i64)> = plans[1]
        .counters
        .iter()
        .map(|counter| (counter.name.as_str(), counter.change))
        .collect();
    assert_eq!(changes, [("stamps", -2), ("uses", -1)]);
    assert_eq!(plans[1].codes, ["SAVE"]);
}

/// Coupons and bonus an order granted, as its commit writes them.
fn with_gifts(document: &mut OrderDocument, coupons: usize, bonus: i64) {
    let grant = |gift, amount| Grant {
        gift,
        name: String::new(),
        count: 1,
        amount,
        expires_on: None,
        available_on: None,
        reason: reason("gift"),
    };
    let mut codes = GrantRecord::new(0, grant(Gift::Coupon, 0));
    codes.codes = (0..coupons).map(|code| format!("C{code}")).collect();
    let mut money = GrantRecord::new(0, grant(Gift::Bonus, bonus));
    money.lot = Some("lot".to_owned());
    document.grants.extend([codes, money]);
}

// Two lines of 4.95: half of one is 2.48 of 9.90, of 50 points 12.5 and of 3.33 0.83; after the whole line half of each.
#[test]
fn gifts_go_back_by_the_share_of_the_goods() {
    let mut document = with_strings_attached(true, true);
    with_gifts(&mut document, 3, 333);
    let steps = [of(&[(0, 500)]), of(&[(0, 500)]), of(&[(1, 1_000)])];
    let (plans, _) = refund_all(&document, &steps);
    let points = |plan: &RefundPlan| plan.gifts.rewards.iter().map(|back| back.points).sum();
    let bonus = |plan: &RefundPlan| plan.gifts.bonus.iter().map(|back| back.amount).sum();
    assert_eq!(plans.iter().map(points).collect::<Vec<i64>>(), [13, 12, 25]);
    assert_eq!(plans.iter().map(bonus).collect::<Vec<i64>>(), [83, 84, 166]);
    // Of three coupons: 0.75, 1.5 and 3 are 1, 2 and 3.
    let voided: Vec<&[String]> = plans.iter().map(|plan| &*plan.gifts.voided).collect();
    assert_eq!(voided, [["C0"], ["C1"], ["C2"]]);
}

#[test]
fn gifts_stay_until_everything_is_back_where_the_settings_say_so() {
    let mut document = with_strings_attached(true, true);
    document.terms.refund_gifts = RefundGifts::WithEverything;
    with_gifts(&mut document, 2, 333);
    let (plans, _) = refund_all(&document, &[of(&[(0, 1_000)]), of(&[(1, 1_000)])]);
    assert_eq!(plans[0].gifts, GiftsBack::default());
    let last = &plans[1].gifts;
    assert_eq!((last.rewards[0].points, last.bonus[0].amount), (50, 333));
    assert_eq!(last.voided, ["C0", "C1"]);
}

#[test]
fn gifts_of_goods_that_cost_nothing_go_back_with_the_last_of_them() {
    let mut document = Shop::new()
        .selling(&[0, 0])
        .paid_by(&[cash(None)])
        .document();
    with_gifts(&mut document, 1, 100);
    let (plans, _) = refund_all(&document, &[of(&[(0, 1_000)]), of(&[(1, 1_000)])]);
    assert_eq!(plans[0].gifts, GiftsBack::default());
    assert_eq!(
        (plans[1].gifts.voided.len(), plans[1].gifts.bonus[0].amount),
        (1, 100)
    );
}

#[test]
fn usage_stays_used_and_rewards_stay_paid_where_the_settings_say_so() {
    let document = with_strings_attached(false, false);
    let (plans, _) = refund_all(&document, &[of(&[(0, 1_000), (1, 1_000)])]);
    let names: Vec<&str> = plans[0]
        .counters
        .iter()
        .map(|counter| counter.name.as_str())
        .collect();
    assert_eq!(names, ["stamps"]);
    assert!(plans[0].codes.is_empty() && plans[0].gifts.rewards.is_empty());
}

#[test]
fn the_worth_of_spent_points_can_be_kept_from_the_money() {
    let tenders = [money(TenderKind::Card, Some(300)), cash(None)];
    let mut shop = Shop::new().selling(&[1_000]).paid_by(&tenders);
    shop.settings.cash_rounding = Some(CashRounding {
        increment: 5,
        mode: Rounding::HalfUp,
    });
    let document = shop.document();
    let request = RefundRequest::rest_of(&document, &Refunded::nothing(&document));
    let mut plan = plan(&document, &Refunded::nothing(&document), &request).expect("a refund");
    assert_eq!(document.terms.worth_of(412), Ok(412));
    // 3.00 from the card and 1.10 in coins; the odd 0.02 is let go.
    assert_eq!(plan.keep_back(&document, 412), Ok(410));
    assert_eq!(payouts(&plan), [(TenderKind::Cash, 590)]);
}

#[test]
fn what_was_never_paid_is_not_paid_out() {
    let mut shop = Shop::new().selling(&[1_000]).paid_by(&[cash(Some(600))]);
    shop.recorded = Some(RecordedSale::default());
    let document = shop.document();
    assert_eq!(document.totals.left_to_pay, 400);
    let (plans, _) = refund_all(&document, &[of(&[(0, 500)]), of(&[(0, 500)])]);
    assert_eq!(
        (plans[0].unpaid, payouts(&plans[0])),
        (200, vec![(TenderKind::Cash, 300)])
    );
    assert_eq!(
        (plans[1].unpaid, payouts(&plans[1])),
        (200, vec![(TenderKind::Cash, 300)])
    );
}

#[test]
fn impossible_refunds_are_refused_by_name() {
    let document = Shop::new()
        .selling(&[100, 100])
        .paid_by(&[cash(None)])
        .document();
    let refused = |lines| plan(&document, &Refunded::nothing(&document), &of(lines)).unwrap_err();
    assert_eq!(refused(&[]), RefundError::Nothing);
    assert_eq!(refused(&[(2, 1)]), RefundError::UnknownLine { line: 2 });
    assert_eq!(refused(&[(0, 1), (0, 1)]), RefundError::Twice { line: 0 });
    assert_eq!(refused(&[(0, 0)]), RefundError::Quantity { line: 0 });
    assert_eq!(refused(&[(0, -1)]), RefundError::Quantity { line: 0 });
    assert_eq!(
        refused(&[(0, i64::MAX)]),
        RefundError::TooMuch {
            line: 0,
            remaining: 1_000
        }
    );
    let other = Shop::new().selling(&[100]).document();
    assert_eq!(
        plan(&document, &Refunded::nothing(&other), &of(&[(0, 1)])).unwrap_err(),
        RefundError::Damaged
    );
}

/// Splits every line into the same number of steps, taken line by line in any interleaving.
fn steps(document: &OrderDocument, cuts: &[u8]) -> Vec<RefundRequest> {
    let mut left: Vec<i64> = document.lines.iter().map(|line| line.quantity).collect();
    let mut requests = Vec::new();
    for (turn, cut) in cuts.iter().enumerate() {
        let line = (turn + usize::from(*cut)) % left.len();
        let part = (left[line] * i64::from(*cut) / 300).max(1).min(left[line]);
        if part > 0 {
            left[line] -= part;
            requests.push(of(&[(line as u32, part)]));
        }
    }
    let rest: Vec<(u32, i64)> = left
        .iter()
        .enumerate()
        .filter(|(_, left)| **left > 0)
        .map(|(line, left)| (line as u32, *left))
        .collect();
    if !rest.is_empty() {
        requests.push(of(&rest));
    }
    requests
}

proptest! {
    #[test]
    fn any_sequence_of_partial_refunds_ends_where_one_of_everything_would(
        shop in any_shop(),
        cuts in proptest::collection::vec(any::<u8>(), 0..12),
        bonus in 1..100_000_i64,
        coupons in 0..5_usize,
    ) {
        let mut document = shop.document();
        with_gifts(&mut document, coupons, bonus);
        let (plans, refunded) = refund_all(&document, &steps(&document, &cuts));
        prop_assert!(plans.last().is_some_and(|plan| plan.completes));
        let total = |part: fn(&RefundPlan) -> i64| plans.iter().map(part).sum::<i64>();
        prop_assert_eq!(total(|plan| plan.total), document.totals.total);
        prop_assert_eq!(total(|plan| plan.rounding), document.totals.rounding);
        prop_assert_eq!(total(|plan| plan.taxes.iter().map(|tax| tax.tax).sum()), document.totals.tax);
        let points = |plan: &RefundPlan| plan.awards.iter().map(|award| award.points).sum();
        prop_assert_eq!(total(points), document.totals.points_earned);
        prop_assert_eq!(total(|plan| plan.gifts.bonus.iter().map(|back| back.amount).sum()), bonus);
        prop_assert_eq!(plans.iter().map(|plan| plan.gifts.voided.len()).sum::<usize>(), coupons);
        for (sold, back) in document.tenders.iter().zip(&refunded.tenders) {
            prop_assert_eq!(sold.amount - sold.rounding, back.amount);
            prop_assert_eq!((sold.points, sold.principal, sold.bonus), (back.points, back.principal, back.bonus));
        }
        for plan in &plans {
            for line in &plan.lines {
                prop_assert!(line.gross >= 0 && line.tax >= 0 && line.net >= 0);
            }
            for tender in &plan.tenders {
                prop_assert!(tender.amount >= 0 && tender.points >= 0 && tender.principal >= 0 && tender.bonus >= 0);
            }
            prop_assert!(plan.payouts().unwrap().iter().all(|payout| payout.amount >= 0));
            prop_assert!(plan.awards.iter().all(|award| award.points >= 0));
            prop_assert!(plan.gifts.bonus.iter().all(|back| back.amount > 0));
        }
    }

    #[test]
    fn purchases_return_to_what_they_were(shop in any_shop(), cuts in proptest::collection::vec(any::<u8>(), 0..6)) {
        let document = shop.document();
        let (plans, _) = refund_all(&document, &steps(&document, &cuts));
        for sum in document.purchase_sums() {
            let back = plans.iter().flat_map(|plan| &plan.purchases).filter(|back| back.category == sum.category);
            let back = back.fold((0, 0, 0, 0), |(spend, orders, units, points), row| {
                (spend + row.spend, orders + row.orders, units + row.units, points + row.points)
            });
            prop_assert_eq!(back, (sum.spend, sum.orders, sum.units, sum.points));
        }
    }

    #[test]
    fn a_plan_reads_back_as_it_was_written(shop in any_shop()) {
        let document = shop.document();
        let request = RefundRequest::rest_of(&document, &Refunded::nothing(&document));
        let plan = plan(&document, &Refunded::nothing(&document), &request).unwrap();
        let written = serde_json::to_vec(&plan).unwrap();
        prop_assert_eq!(serde_json::from_slice::<RefundPlan>(&written).unwrap(), plan);
    }
}
