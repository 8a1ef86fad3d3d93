//! Prices, tax, tenders and cash rounding.

use tessera_money::{Rate, Rounding};

use super::support::*;
use crate::domain::basket::{Basket, BasketProblem, TenderIntent};
use crate::domain::order::{OrderDocument, PriceKind};
use crate::domain::pricing::{PricingError, RecordedSale};
use crate::domain::rules::TenderKind;
use crate::domain::settings::{CashRounding, PointsTender, StoredValueOrder, TaxRounding};

fn rounding_cash_to(increment: i64, shop: Shop) -> Shop {
    let mut shop = shop;
    shop.settings.cash_rounding = Some(CashRounding {
        increment,
        mode: Rounding::HalfUp,
    });
    shop
}

fn taxes(document: &OrderDocument) -> Vec<i64> {
    document.lines.iter().map(|line| line.tax).collect()
}

#[test]
fn tax_within_the_price_is_taken_out_of_what_is_left_after_discounts() {
    // 113.00 + 109.00 less 10 %: 101.70 with 13 % inside is 90.00 + 11.70; 98.10 with 9 % is 90.00 + 8.10.
    let mut shop = Shop::new()
        .selling(&[11_300, 10_900])
        .with_rule(promo("b"), percent_off(10));
    shop.basket.lines[1].tax_class = "reduced".to_owned();
    let document = shop.document();
    assert_eq!(taxes(&document), [1_170, 810]);
    assert_eq!(
        (
            document.totals.net,
            document.totals.tax,
            document.totals.total
        ),
        (18_000, 1_980, 19_980)
    );
    assert_eq!(document.totals.discount, 2_220);
    let sums: Vec<_> = document
        .taxes
        .iter()
        .map(|sum| (sum.class.as_str(), sum.tax, sum.gross))
        .collect();
    assert_eq!(sums, [("standard", 1_170, 10_170), ("reduced", 810, 9_810)]);
}

#[test]
fn tax_on_top_is_added_after_discounts() {
    let mut shop = Shop::new()
        .selling(&[10_000, 10_000])
        .with_rule(promo("b"), percent_off(10));
    shop.settings.prices_include_tax = false;
    shop.basket.lines[1].tax_class = "none".to_owned();
    let document = shop.document();
    assert_eq!(taxes(&document), [1_170, 0]);
    assert_eq!(
        (document.totals.net, document.totals.total),
        (18_000, 19_170)
    );
}

#[test]
fn one_percent_of_three_lines_of_one_cent_is_nothing_and_a_cent_off_hits_the_first() {
    let document = Shop::new()
        .selling(&[1, 1, 1])
        .with_rule(promo("b"), percent_off(1))
        .document();
    assert_eq!((document.totals.discount, document.totals.total), (0, 3));
    let document = Shop::new()
        .selling(&[1, 1, 1])
        .with_rule(promo("b"), off(1))
        .document();
    let amounts: Vec<i64> = document.lines.iter().map(|line| line.amount).collect();
    assert_eq!(amounts, [0, 1, 1]);
}

#[test]
fn everything_free_is_exactly_zero_whatever_the_tax() {
    for tax_rounding in [TaxRounding::Line, TaxRounding::Receipt] {
        for prices_include_tax in [true, false] {
            let mut shop = Shop::new()
                .selling(&[333, 1, 999])
                .with_rule(promo("b"), percent_off(100));
            shop.basket.lines[0].tax_class = "reduced".to_owned();
            (shop.settings.tax_rounding, shop.settings.prices_include_tax) =
                (tax_rounding, prices_include_tax);
            let totals = shop.document().totals;
            assert_eq!(
                (totals.net, totals.tax, totals.total, totals.left_to_pay),
                (0, 0, 0, 0)
            );
        }
    }
}

#[test]
fn tax_rounded_per_receipt_is_rounded_once_per_class() {
    // Three lines of 0.99 at 13 % within: 0.1139 each, 0.11 per line; 2.97 holds 0.3417, so 0.34.
    let mut shop = Shop::new().selling(&[99, 99, 99]);
    assert_eq!(taxes(&shop.document()), [11, 11, 11]);
    shop.settings.tax_rounding = TaxRounding::Receipt;
    assert_eq!(taxes(&shop.document()), [12, 11, 11]);
}

#[test]
fn weighed_goods_are_rounded_at_the_line() {
    // 0.345 kg at 12.90 is 4.4505.
    let document = Shop::new().with_line(line(1_290, 345)).document();
    assert_eq!(document.totals.total, 445);
}

#[test]
fn a_member_pays_the_member_price_and_a_stranger_does_not() {
    let mut article = line(1_000, 2_000);
    article.member_price = Some(900);
    let stranger = Shop::new().with_line(article.clone()).document();
    assert_eq!(
        (stranger.lines[0].price, stranger.totals.total),
        (PriceKind::List, 2_000)
    );
    let known = Shop::new()
        .with_line(article)
        .for_member(wallet(0, 0, 0))
        .document();
    assert_eq!(
        (
            known.lines[0].price,
            known.totals.total,
            known.totals.regular
        ),
        (PriceKind::Member, 1_800, 2_000)
    );
}

#[test]
fn change_is_due_for_cash_only() {
    let document = Shop::new()
        .selling(&[1_234])
        .paid_by(&[cash(Some(2_000))])
        .document();
    assert_eq!(
        (
            document.totals.paid,
            document.totals.change,
            document.totals.left_to_pay
        ),
        (1_234, 766, 0)
    );
    let error = Shop::new()
        .selling(&[1_234])
        .paid_by(&[money(TenderKind::Card, Some(1_235))])
        .try_price();
    assert_eq!(
        error.unwrap_err(),
        PricingError::TenderTooMuch {
            position: 0,
            left: 1_234
        }
    );
}

#[test]
fn cash_is_rounded_to_coins_and_cards_are_not() {
    let shop = rounding_cash_to(5, Shop::new().selling(&[1_233]));
    let by_card = rounding_cash_to(
        5,
        Shop::new()
            .selling(&[1_233])
            .paid_by(&[money(TenderKind::Card, None)]),
    );
    assert_eq!(by_card.document().totals.rounding, 0);
    let totals = shop.paid_by(&[cash(Some(1_300))]).document().totals;
    assert_eq!(
        (totals.total, totals.rounding, totals.paid, totals.change),
        (1_233, 2, 1_235, 65)
    );
}

#[test]
fn two_cents_in_cash_round_to_nothing() {
    let document = rounding_cash_to(5, Shop::new().selling(&[2]).paid_by(&[cash(None)])).document();
    assert_eq!(
        (
            document.totals.rounding,
            document.totals.paid,
            document.totals.left_to_pay
        ),
        (-2, 0, 0)
    );
    assert_eq!(
        (document.tenders[0].amount, document.tenders[0].rounding),
        (0, -2)
    );
}

#[test]
fn stored_value_spends_the_gift_first_unless_told_otherwise() {
    let paying = |order| {
        let mut shop = Shop::new()
            .selling(&[1_000])
            .for_member(wallet(0, 900, 300));
        shop.settings.stored_value_order = order;
        let document = shop
            .paid_by(&[TenderIntent::StoredValue { amount: None }])
            .document();
        (document.tenders[0].principal, document.tenders[0].bonus)
    };
    assert_eq!(paying(StoredValueOrder::BonusFirst), (700, 300));
    assert_eq!(paying(StoredValueOrder::PrincipalFirst), (900, 100));
    // 1000 over 900 : 300.
    assert_eq!(paying(StoredValueOrder::Proportional), (750, 250));
}

#[test]
fn no_more_points_are_spent_than_the_bill_needs() {
    // 3 points pay 0.02, in fives: 5.00 needs 750 points; asked are 2000.
    let mut shop = Shop::new().selling(&[500]).for_member(wallet(2_000, 0, 0));
    let value = Rate::new(2, 3).expect("a rate");
    shop.settings.points_tender = Some(PointsTender {
        value,
        minimum: 10,
        multiple: 5,
        max_share: None,
    });
    let document = shop
        .paid_by(&[TenderIntent::Points { points: 2_000 }])
        .document();
    assert_eq!(
        (document.tenders[0].points, document.tenders[0].amount),
        (750, 500)
    );
    assert_eq!(document.totals.left_to_pay, 0);
}

#[test]
fn points_pay_at_most_their_share_of_the_bill() {
    let mut shop = Shop::new().selling(&[999]).for_member(wallet(2_000, 0, 0));
    let max_share = Some(Rate::percent(50));
    shop.settings.points_tender = Some(PointsTender {
        value: Rate::ONE,
        minimum: 0,
        multiple: 100,
        max_share,
    });
    // Half of 9.99 is 4.99, in whole hundreds 4.00.
    let document = shop
        .paid_by(&[TenderIntent::Points { points: 1_500 }])
        .document();
    assert_eq!(
        (document.totals.points_spent, document.totals.left_to_pay),
        (400, 599)
    );
}

#[test]
fn fewer_points_than_the_least_are_refused_and_none_are_no_tender() {
    let paying = |points| {
        let mut shop = Shop::new().selling(&[999]).for_member(wallet(2_000, 0, 0));
        shop.settings.points_tender = Some(PointsTender {
            value: Rate::ONE,
            minimum: 100,
            multiple: 1,
            max_share: None,
        });
        shop.paid_by(&[TenderIntent::Points { points }]).try_price()
    };
    assert_eq!(
        paying(99).unwrap_err(),
        PricingError::PointsBelowMinimum {
            position: 0,
            minimum: 100
        }
    );
    assert!(paying(0).is_ok_and(|priced| priced.document.tenders.is_empty()));
}

#[test]
fn tenders_beyond_a_wallet_are_refused_with_what_there_is() {
    let shop = || Shop::new().selling(&[1_000]).for_member(wallet(30, 20, 10));
    let points = shop()
        .paid_by(&[TenderIntent::Points { points: 31 }])
        .try_price();
    assert_eq!(
        points.unwrap_err(),
        PricingError::PointsShort {
            position: 0,
            available: 30
        }
    );
    let stored = shop()
        .paid_by(&[TenderIntent::StoredValue { amount: Some(31) }])
        .try_price();
    assert_eq!(
        stored.unwrap_err(),
        PricingError::StoredValueShort {
            position: 0,
            available: 30
        }
    );
    let stranger = Shop::new()
        .selling(&[1_000])
        .paid_by(&[TenderIntent::Points { points: 1 }])
        .try_price();
    assert_eq!(
        stranger.unwrap_err().pointer().as_deref(),
        Some("/tenders/0")
    );
}

#[test]
fn what_a_quote_left_open_is_paid_at_the_commit() {
    let mut document = rounding_cash_to(5, Shop::new().selling(&[1_233])).document();
    assert_eq!(document.totals.left_to_pay, 1_233);
    document
        .pay_rest(&[money(TenderKind::Card, Some(1_000)), cash(Some(500))])
        .expect("money pays");
    let totals = document.totals;
    // 2.33 in cash are 2.35.
    assert_eq!(
        (
            totals.left_to_pay,
            totals.paid,
            totals.rounding,
            totals.change
        ),
        (0, 1_235, 2, 265)
    );
    let error = document
        .pay_rest(&[TenderIntent::Points { points: 1 }])
        .unwrap_err();
    assert_eq!(error, PricingError::NotAtCommit { position: 0 });
}

#[test]
fn a_recorded_total_is_laid_over_the_lines() {
    let mut shop = Shop::new().selling(&[300, 700]).paid_by(&[cash(Some(900))]);
    shop.recorded = Some(RecordedSale { total: Some(900) });
    let document = shop.document();
    let amounts: Vec<i64> = document.lines.iter().map(|line| line.gross).collect();
    assert_eq!(amounts, [270, 630]);
    assert_eq!(
        (document.adjustments[0].applied, document.totals.left_to_pay),
        (100, 0)
    );
    shop.recorded = Some(RecordedSale { total: Some(1_100) });
    shop.basket.tenders = vec![cash(Some(1_100))];
    assert_eq!(shop.document().adjustments[0].applied, -100);
}

#[test]
fn a_sale_that_happened_is_not_refused_for_an_empty_wallet() {
    let mut shop = Shop::new().selling(&[1_000]).for_member(wallet(5, 20, 10));
    shop.recorded = Some(RecordedSale::default());
    let points = TenderIntent::Points { points: 100 };
    let document = shop
        .paid_by(&[points, TenderIntent::StoredValue { amount: Some(900) }])
        .document();
    assert_eq!(document.totals.left_to_pay, 0);
    assert_eq!(
        (document.tenders[1].principal, document.tenders[1].bonus),
        (890, 10)
    );
}

#[test]
fn impossible_baskets_are_refused_where_they_are_wrong() {
    let refused = |change: &dyn Fn(&mut Basket)| {
        let mut shop = Shop::new().selling(&[100, 100]);
        change(&mut shop.basket);
        match shop.try_price().unwrap_err() {
            PricingError::Basket(error) => (error.pointer, error.problem),
            other => panic!("{other}"),
        }
    };
    type Change<'a> = &'a dyn Fn(&mut Basket);
    let cases: [(Change<'_>, &str, BasketProblem); 9] = [
        (
            &|basket| basket.lines.clear(),
            "/lines",
            BasketProblem::NoLines,
        ),
        (
            &|basket| basket.lines = vec![line(1, 1); 501],
            "/lines",
            BasketProblem::TooMany(500),
        ),
        (
            &|basket| basket.lines[1].quantity = 0,
            "/lines/1/quantity",
            BasketProblem::Quantity,
        ),
        (
            &|basket| basket.lines[0].quantity = -1,
            "/lines/0/quantity",
            BasketProblem::Quantity,
        ),
        (
            &|basket| basket.lines[0].unit_price = -1,
            "/lines/0/unit_price",
            BasketProblem::Amount,
        ),
        (
            &|basket| basket.lines[0].unit_price = i64::MAX,
            "/lines/0/unit_price",
            BasketProblem::Amount,
        ),
        (
            &|basket| basket.lines[0] = line(1_000_000_000_000, 2_000),
            "/lines/0/quantity",
            BasketProblem::Overflow,
        ),
        (
            &|basket| basket.lines[1].name = "a\0b".to_owned(),
            "/lines/1/name",
            BasketProblem::Text,
        ),
        (
            &|basket| basket.tenders = vec![cash(None), cash(None)],
            "/tenders/1",
            BasketProblem::TenderTwice,
        ),
    ];
    for (change, pointer, problem) in cases {
        assert_eq!(refused(change), (pointer.to_owned(), problem));
    }
}

#[test]
fn an_unknown_tax_class_and_a_foreign_currency_are_refused_by_name() {
    let mut shop = Shop::new().selling(&[100]);
    shop.basket.lines[0].tax_class = "luxury".to_owned();
    let error = shop.try_price().unwrap_err();
    assert_eq!(
        (error.code(), error.pointer().as_deref()),
        ("tax_class_unknown", Some("/lines/0/tax_class"))
    );
    let mut shop = Shop::new().selling(&[100]);
    shop.basket.currency = "EUR".to_owned();
    assert_eq!(shop.try_price().unwrap_err().code(), "currency_mismatch");
}
