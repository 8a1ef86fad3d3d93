//! How an order begins: lines at list or member price, the facts rules are told, an empty document.

use std::collections::HashMap;

use tessera_money::{Overflow, Rate, Rounding, mul_div, mul_rate};

use super::work::sum;
use super::{PriceInput, PricingError};
use crate::domain::basket::{BasketLine, TenderIntent};
use crate::domain::card_discount::{HeldDiscount, best};
use crate::domain::facts::BaseFacts;
use crate::domain::order::{DOCUMENT_VERSION, OrderDocument, OrderLine, PriceKind, Terms, Totals};
use crate::domain::rules::{LineFacts, OrderFacts, Ratio, TenderFacts};
use crate::domain::settings::CheckoutSettings;

pub(super) fn class_of(
    position: usize,
    line: &BasketLine,
    settings: &CheckoutSettings,
    rates: &mut Vec<(String, Rate)>,
) -> Result<(usize, Rate), PricingError> {
    if let Some(class) = rates.iter().position(|(name, _)| *name == line.tax_class) {
        return Ok((class, rates[class].1));
    }
    let unknown = || PricingError::TaxClass {
        line: position,
        class: line.tax_class.clone(),
    };
    let rate = settings.tax_rate(&line.tax_class).ok_or_else(unknown)?;
    rates.push((line.tax_class.clone(), rate));
    Ok((rates.len() - 1, rate))
}

/// A member who buys, as far as his prices depend on it.
#[derive(Clone, Copy)]
pub(super) struct Buyer<'a> {
    pub cards: &'a [HeldDiscount],
}

/// A line at the price that applies to this customer, before any discount.
pub(super) fn price_line(
    line: &BasketLine,
    tax_rate: Rate,
    buyer: Option<Buyer<'_>>,
    settings: &CheckoutSettings,
) -> Result<OrderLine, Overflow> {
    let at = |unit_price| mul_div(unit_price, line.quantity, 1_000, settings.line_rounding);
    let regular_amount = match line.fixed_amount {
        Some(amount) => amount,
        None => at(line.unit_price)?,
    };
    let lower = lower_price(line, buyer)?;
    // A pass is a member's: whoever has bought without being one has none.
    let pass_sold = line.sells.clone().filter(|_| buyer.is_some());
    let (unit_price, price, list_amount) = match (&lower, line.fixed_amount) {
        // Paid for, and taxed, when the pass was sold.
        _ if line.pass.is_some() => (0, PriceKind::Pass, 0),
        (Some((lower, kind, _)), Some(fixed)) => (
            *lower,
            *kind,
            mul_div(fixed, *lower, line.unit_price, settings.line_rounding)?,
        ),
        (Some((lower, kind, _)), None) => (*lower, *kind, at(*lower)?),
        (None, _) if line.priced_by_till => (line.unit_price, PriceKind::Till, regular_amount),
        (None, _) => (line.unit_price, PriceKind::List, regular_amount),
    };
    Ok(OrderLine {
        product: line.product.clone(),
        name: line.name.clone(),
        category: line.category.clone(),
        tags: line.tags.clone(),
        quantity: line.quantity,
        list_unit_price: line.unit_price,
        unit_price,
        price,
        regular_amount,
        list_amount,
        discount: 0,
        amount: list_amount,
        net: 0,
        tax: 0,
        gross: 0,
        tax_class: line.tax_class.clone(),
        tax_rate,
        card_type: lower
            .and_then(|(_, _, card_type)| card_type)
            .filter(|_| price == PriceKind::Card),
        pass_used: line.pass.clone(),
        pass_sold,
    })
}

/// The lowest of what a member pays for one whole unit, where it is below the list price: the member price, or that of one
/// of his cards, whose type is named.
fn lower_price(
    line: &BasketLine,
    buyer: Option<Buyer<'_>>,
) -> Result<Option<(i64, PriceKind, Option<String>)>, Overflow> {
    let Some(buyer) = buyer.filter(|_| !line.priced_by_till) else {
        return Ok(None);
    };
    let list = line.unit_price;
    let member = line.member_price.filter(|price| *price < list);
    // The price of an upgrade is the lowest already, less its credit.
    let is_upgrade = line
        .sells
        .as_ref()
        .is_some_and(|sold| sold.credit.is_some());
    let cards = if is_upgrade { &[] } else { buyer.cards };
    let card = best(cards, &line.category, list, line.floor_price)?;
    Ok(match (member, card) {
        (Some(member), Some((card, card_type))) if card < member => {
            Some((card, PriceKind::Card, Some(card_type.to_owned())))
        }
        (Some(member), _) => Some((member, PriceKind::Member, None)),
        (None, Some((card, card_type))) => {
            Some((card, PriceKind::Card, Some(card_type.to_owned())))
        }
        (None, None) => None,
    })
}

/// Words by position, each once.
#[derive(Default)]
struct Words<'a> {
    positions: HashMap<&'a str, u32>,
    words: Vec<String>,
}

impl<'a> Words<'a> {
    fn position(&mut self, word: &'a str) -> u32 {
        // At most MAX_LINES × MAX_TAGS of them.
        let next = self.words.len() as u32;
        *self.positions.entry(word).or_insert_with(|| {
            self.words.push(word.to_owned());
            next
        })
    }
}

pub(super) fn base_facts(
    input: &PriceInput<'_>,
    lines: &[OrderLine],
    rates: impl Iterator<Item = Rate>,
) -> Result<BaseFacts, Overflow> {
    let (mut categories, mut tags) = (Words::default(), Words::default());
    let mut told = Vec::with_capacity(lines.len());
    for ((line, priced), rate) in input.basket.lines.iter().zip(lines).zip(rates) {
        told.push(LineFacts {
            product: line.product.clone().unwrap_or_default(),
            category: categories.position(&line.category),
            quantity: line.quantity,
            unit_price: priced.unit_price,
            list_amount: priced.list_amount,
            amount: priced.list_amount,
            reduced_amount: priced.list_amount,
            tax: 0,
            tax_rate: Ratio {
                numerator: rate.numerator(),
                denominator: rate.denominator(),
            },
            cost: line.cost,
            tags: line.tags.iter().map(|tag| tags.position(tag)).collect(),
            attributes: line.attributes.clone(),
        });
    }
    let total = sum(lines.iter().map(|line| line.list_amount))?;
    Ok(BaseFacts {
        order: OrderFacts {
            prices_include_tax: input.settings.prices_include_tax,
            ..input.order.clone()
        },
        member: input.member.as_ref().map(|member| member.facts.clone()),
        tier_since: input.member.as_ref().and_then(|member| member.tier_since),
        tier_valid_until: input
            .member
            .as_ref()
            .and_then(|member| member.tier_valid_until),
        own_tier: input
            .member
            .as_ref()
            .and_then(|member| member.own_tier.clone()),
        referral: input.referral.clone().filter(|_| input.member.is_some()),
        categories: categories.words,
        tags: tags.words,
        lines: told,
        tenders: intended_tenders(input, total)?,
        points_scale: input.points_scale,
    })
}

/// How the customer means to pay, estimated on the total at list prices.
fn intended_tenders(input: &PriceInput<'_>, total: i64) -> Result<Vec<TenderFacts>, Overflow> {
    let wallet = input
        .member
        .as_ref()
        .map(|member| member.wallet)
        .unwrap_or_default();
    let mut left = total;
    let mut facts = Vec::with_capacity(input.basket.tenders.len());
    for intent in &input.basket.tenders {
        let most = match intent {
            TenderIntent::Points { points } => match &input.settings.points_tender {
                Some(rules) => mul_rate(*points, rules.value, Rounding::Down)?,
                None => 0,
            },
            TenderIntent::StoredValue { amount } => {
                amount.unwrap_or_else(|| wallet.principal.saturating_add(wallet.bonus).max(0))
            }
            TenderIntent::Money { amount, .. } => amount.unwrap_or(left),
        };
        let amount = most.min(left);
        left -= amount;
        facts.push(TenderFacts {
            kind: intent.kind(),
            amount,
        });
    }
    Ok(facts)
}

pub(super) fn empty_document(input: &PriceInput<'_>, lines: Vec<OrderLine>) -> OrderDocument {
    let (order, settings) = (&input.order, input.settings);
    OrderDocument {
        version: DOCUMENT_VERSION,
        currency: order.currency.clone(),
        currency_scale: order.currency_scale,
        points_scale: input.points_scale,
        occurred_at: order.occurred_at,
        utc_offset_minutes: order.utc_offset_minutes,
        business_date: order.business_date,
        store: order.store.clone(),
        region: order.region.clone(),
        member: input.member.as_ref().map(|member| member.facts.id.clone()),
        prices_include_tax: settings.prices_include_tax,
        lines,
        campaigns: Vec::new(),
        adjustments: Vec::new(),
        taxes: Vec::new(),
        totals: Totals::default(),
        tenders: Vec::new(),
        awards: Vec::new(),
        tier: None,
        referral: None,
        grants: Vec::new(),
        near_misses: Vec::new(),
        counters: Vec::new(),
        codes: Vec::new(),
        skipped: Vec::new(),
        passed_over: Vec::new(),
        commissions: Vec::new(),
        approvals: Vec::new(),
        wallet: None,
        gift: false,
        exchange_of: None,
        terms: Terms {
            cash_rounding: settings.cash_rounding,
            refund_spent_points: settings.refund_spent_points,
            refund_gifts: settings.refund_gifts,
            cancelled_order_frees_usage: settings.cancelled_order_frees_usage,
            expired_lot_grace_days: settings.expired_lot_grace_days,
            points_value: settings.points_tender.as_ref().map(|rules| rules.value),
            points_cost: settings
                .settlement
                .as_ref()
                .and_then(|terms| terms.points_cost(&order.store)),
        },
    }
}
