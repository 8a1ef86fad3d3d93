//! What holds for every basket.

use proptest::prelude::*;

use super::support::*;
use crate::domain::basket::TenderIntent;
use crate::domain::order::OrderDocument;
use crate::domain::pricing::{Base, Campaign, Choice, Stage};
use crate::domain::rules::{RuleKind, Target, TenderKind};
use crate::domain::settings::{CashRounding, TaxRounding};
use tessera_money::Rounding;

/// A shop with any lines, promotions, tenders and settings.
pub(crate) fn any_shop() -> impl Strategy<Value = Shop> {
    let line = (
        0..5_000_i64,
        1..4_000_i64,
        0..3_usize,
        proptest::option::weighted(0.3, 0..5_000_i64),
    );
    let promo = (
        0..2_000_i64,
        0..101_i64,
        0..4_u8,
        -2..3_i32,
        any::<bool>(),
        proptest::option::of(0..500_i64),
    );
    let settings = (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>());
    let tenders = (0..2_000_i64, 0..3_000_i64, 0..4_u8);
    (
        proptest::collection::vec(line, 1..8),
        proptest::collection::vec(promo, 0..6),
        settings,
        tenders,
    )
        .prop_map(|(lines, promos, settings, tenders)| build(&lines, &promos, settings, tenders))
}

type Promo = (i64, i64, u8, i32, bool, Option<i64>);

fn build(
    lines: &[(i64, i64, usize, Option<i64>)],
    promos: &[Promo],
    (included, per_line, rounds, initial): (bool, bool, bool, bool),
    (points, stored, pays): (i64, i64, u8),
) -> Shop {
    let mut shop = Shop::new().for_member(wallet(points, stored, stored / 3));
    for (price, quantity, class, floor) in lines {
        let mut sold = line(*price, *quantity);
        sold.tax_class = ["standard", "reduced", "none"][*class].to_owned();
        sold.category = ["food/bread", "food", "drinks/tea"][*class].to_owned();
        sold.floor_price = *floor;
        shop = shop.with_line(sold);
    }
    for (position, (amount, percent, shape, priority, grouped, cap)) in promos.iter().enumerate() {
        let mut campaign = promo(&format!("b{position}"));
        campaign.priority = *priority;
        campaign.max_discount = *cap;
        campaign.base = if initial {
            Base::Initial
        } else {
            Base::Discounted
        };
        campaign.stage =
            [Stage::Lines, Stage::Order, Stage::Coupons, Stage::Order][usize::from(*shape)];
        if *grouped {
            campaign = in_group(Choice::Best, *priority, campaign);
        }
        let rule = match shape {
            0 => proposing(vec![discount(Target::Line(0), amount + 1)]),
            1 => off(amount + 1),
            2 => proposing(vec![discount(
                Target::Lines((0..lines.len() as u32).step_by(2).collect()),
                amount + 1,
            )]),
            _ => percent_off(*percent),
        };
        shop = shop.with_rule(campaign, rule);
    }
    shop.settings.prices_include_tax = included;
    shop.settings.tax_rounding = if per_line {
        TaxRounding::Line
    } else {
        TaxRounding::Receipt
    };
    shop.settings.cash_rounding = rounds.then_some(CashRounding {
        increment: 5,
        mode: Rounding::HalfUp,
    });
    let mut intents = Vec::new();
    if pays >= 2 && points > 0 {
        intents.push(TenderIntent::Points { points });
    }
    if pays >= 1 {
        intents.push(TenderIntent::StoredValue { amount: None });
    }
    intents.push(if pays == 3 {
        money(TenderKind::Card, None)
    } else {
        cash(None)
    });
    shop.paid_by(&intents)
        .with_rule(campaign("earn", RuleKind::Points), point_per(7))
}

fn check(document: &OrderDocument) -> Result<(), TestCaseError> {
    let mut off = vec![0_i64; document.lines.len()];
    for adjustment in &document.adjustments {
        prop_assert!(adjustment.applied <= adjustment.proposed && adjustment.applied >= 0);
        prop_assert_eq!(
            adjustment
                .allocation
                .iter()
                .map(|part| part.share)
                .sum::<i64>(),
            adjustment.applied
        );
        for part in &adjustment.allocation {
            off[part.line as usize] += part.share;
        }
    }
    for (line, off) in document.lines.iter().zip(off) {
        prop_assert_eq!(line.discount, off);
        prop_assert_eq!(line.list_amount - line.discount, line.amount);
        prop_assert_eq!(line.net + line.tax, line.gross);
        prop_assert!(line.amount >= 0 && line.net >= 0 && line.tax >= 0);
        prop_assert_eq!(
            line.amount,
            if document.prices_include_tax {
                line.gross
            } else {
                line.net
            }
        );
        prop_assert!(line.amount > 0 || line.tax == 0);
    }
    let totals = &document.totals;
    prop_assert_eq!(
        totals.total,
        document.lines.iter().map(|line| line.gross).sum::<i64>()
    );
    prop_assert_eq!(
        totals.tax,
        document.taxes.iter().map(|sum| sum.tax).sum::<i64>()
    );
    prop_assert_eq!(
        totals.list - totals.discount,
        document.lines.iter().map(|line| line.amount).sum::<i64>()
    );
    prop_assert_eq!(
        totals.total + totals.rounding,
        totals.paid + totals.left_to_pay
    );
    prop_assert_eq!(
        totals.paid,
        document
            .tenders
            .iter()
            .map(|tender| tender.amount)
            .sum::<i64>()
    );
    prop_assert_eq!(totals.left_to_pay, 0);
    for award in &document.awards {
        prop_assert_eq!(
            award.points,
            award.shares.iter().map(|share| share.share).sum::<i64>()
        );
    }
    Ok(())
}

proptest! {
    #[test]
    fn every_document_adds_up(shop in any_shop()) {
        check(&shop.document())?;
    }

    #[test]
    fn the_same_basket_has_the_same_price_byte_for_byte(shop in any_shop()) {
        let (first, second) = (shop.price(), shop.price());
        prop_assert_eq!(serde_json::to_vec(&first.document).unwrap(), serde_json::to_vec(&second.document).unwrap());
        prop_assert_eq!(first.calls, second.calls);
    }

    #[test]
    fn a_document_reads_back_as_it_was_written(shop in any_shop()) {
        let priced = shop.price();
        let written = serde_json::to_vec(&priced.document).unwrap();
        prop_assert_eq!(serde_json::from_slice::<OrderDocument>(&written).unwrap(), priced.document);
        let facts = serde_json::to_vec(&priced.facts).unwrap();
        prop_assert_eq!(serde_json::from_slice::<crate::domain::facts::BaseFacts>(&facts).unwrap(), priced.facts);
    }

    #[test]
    fn the_order_campaigns_are_listed_in_does_not_matter(shop in any_shop()) {
        let before = shop.document();
        let mut turned = shop;
        let campaigns: Vec<Campaign> = std::mem::take(&mut turned.campaigns);
        turned.campaigns = campaigns.into_iter().rev().collect();
        turned.rules.reverse();
        prop_assert_eq!(before, turned.document());
    }
}
