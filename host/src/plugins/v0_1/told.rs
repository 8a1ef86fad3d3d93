//! Facts on their way into the sandbox.
//!
//! Texts and numbers are borrowed from the host's own records; what has another shape is laid out anew, in one
//! vector each per call. Every list and text costs a call into the guest for memory, so lines are plain numbers
//! and what a rule did not ask for stays outside.

use super::wire;
use crate::domain::rules::{
    Attribute, LineFacts, MemberFacts, OrderFacts, Ratio, Shown, TenderFacts, TenderKind, Value,
};

/// The names of lists and members, borrowed.
pub(super) fn names(names: &[String]) -> Vec<&str> {
    names.iter().map(String::as_str).collect()
}

/// What is bought, laid out.
pub(super) struct Basket<'a> {
    lines: Vec<wire::Line>,
    products: Vec<&'a str>,
    categories: Vec<&'a str>,
    tags: Vec<&'a str>,
    line_tags: Vec<u32>,
    costs: Vec<Option<i64>>,
    tenders: Vec<wire::Tender>,
}

impl<'a> Basket<'a> {
    pub fn new(
        lines: &'a [LineFacts],
        categories: &'a [String],
        tags: &'a [String],
        tenders: &[TenderFacts],
        shown: Shown,
    ) -> Self {
        let mut basket = Self {
            lines: Vec::with_capacity(lines.len()),
            products: Vec::new(),
            categories: Vec::new(),
            tags: Vec::new(),
            line_tags: Vec::new(),
            costs: Vec::new(),
            tenders: tenders.iter().map(tender).collect(),
        };
        if shown.products {
            basket.products = lines.iter().map(|line| line.product.as_str()).collect();
        }
        if shown.categories {
            basket.categories = names(categories);
        }
        if shown.tags {
            basket.tags = names(tags);
        }
        if shown.cost {
            basket.costs = lines.iter().map(|line| line.cost).collect();
        }
        for line in lines {
            let tags: &[u32] = if shown.tags { &line.tags } else { &[] };
            // At most MAX_LINES × MAX_TAGS of them.
            let first_tag = basket.line_tags.len() as u32;
            basket.line_tags.extend_from_slice(tags);
            basket.lines.push(wire::Line {
                category: line.category,
                tag_count: tags.len() as u32,
                first_tag,
                quantity: line.quantity,
                unit_price: line.unit_price,
                list_amount: line.list_amount,
                amount: line.amount,
                reduced_amount: line.reduced_amount,
                tax: line.tax,
                tax_rate: ratio(line.tax_rate),
            });
        }
        basket
    }

    pub fn wire(&'a self) -> wire::Basket<'a> {
        wire::Basket {
            lines: &self.lines,
            products: &self.products,
            categories: &self.categories,
            tags: &self.tags,
            line_tags: &self.line_tags,
            costs: &self.costs,
            tenders: &self.tenders,
        }
    }
}

/// Attributes by name, with whoever has them; those of lines last, line after line.
#[derive(Default)]
pub(super) struct Attributes<'a>(Vec<(&'a str, Vec<(wire::Owner, wire::ValueParam<'a>)>)>);

impl<'a> Attributes<'a> {
    /// Those of an order and its store.
    pub fn of_order(mut self, order: &'a OrderFacts) -> Self {
        self.add(wire::Owner::Order, &order.attributes);
        self.add(wire::Owner::Store, &order.store_attributes);
        self
    }

    pub fn of_member(mut self, member: &'a MemberFacts) -> Self {
        self.add(wire::Owner::Member, &member.attributes);
        self
    }

    pub fn of_referrer(mut self, member: &'a MemberFacts) -> Self {
        self.add(wire::Owner::Referrer, &member.attributes);
        self
    }

    pub fn of_lines(mut self, lines: &'a [LineFacts]) -> Self {
        for (position, line) in (0..).zip(lines) {
            self.add(wire::Owner::Line(position), &line.attributes);
        }
        self
    }

    fn add(&mut self, owner: wire::Owner, attributes: &'a [Attribute]) {
        for (name, value) in attributes {
            let entry = (owner, value_out(value));
            match self.0.iter_mut().find(|(one, _)| one == name) {
                Some((_, values)) => values.push(entry),
                None => self.0.push((name, vec![entry])),
            }
        }
    }

    pub fn wire(&'a self) -> Vec<wire::Attribute<'a>> {
        self.0
            .iter()
            .map(|(name, values)| wire::Attribute { name, values })
            .collect()
    }
}

fn value_out(value: &Value) -> wire::ValueParam<'_> {
    match value {
        Value::Text(text) => wire::ValueParam::Text(text),
        Value::Integer(number) => wire::ValueParam::Integer(*number),
        Value::Boolean(truth) => wire::ValueParam::Boolean(*truth),
        Value::Money(amount) => wire::ValueParam::Money(*amount),
        Value::Points(points) => wire::ValueParam::Points(*points),
        Value::Ratio(of) => wire::ValueParam::Ratio(ratio(*of)),
        Value::Date(day) => wire::ValueParam::Date(day.0),
    }
}

fn ratio(ratio: Ratio) -> wire::Ratio {
    wire::Ratio {
        numerator: ratio.numerator,
        denominator: ratio.denominator,
    }
}

pub(super) fn order(order: &OrderFacts) -> wire::Order<'_> {
    wire::Order {
        currency: &order.currency,
        currency_scale: order.currency_scale,
        occurred_at: order.occurred_at.0,
        utc_offset_minutes: order.utc_offset_minutes,
        business_date: order.business_date.0,
        store: &order.store,
        region: &order.region,
        prices_include_tax: order.prices_include_tax,
    }
}

/// `segments` are the names of `member.segments`.
pub(super) fn member<'a>(member: &'a MemberFacts, segments: &'a [&'a str]) -> wire::Member<'a> {
    wire::Member {
        id: &member.id,
        tier: member.tier.as_deref(),
        tier_multiplier: ratio(member.tier_multiplier),
        enrolled_on: member.enrolled_on.0,
        age_band: member.age_band,
        is_birthday: member.is_birthday,
        is_birthday_month: member.is_birthday_month,
        days_to_birthday: member.days_to_birthday,
        orders_before: member.orders_before,
        segments,
    }
}

fn tender(tender: &TenderFacts) -> wire::Tender {
    wire::Tender {
        kind: match tender.kind {
            TenderKind::Cash => wire::TenderKind::Cash,
            TenderKind::Card => wire::TenderKind::Card,
            TenderKind::Mobile => wire::TenderKind::Mobile,
            TenderKind::Points => wire::TenderKind::Points,
            TenderKind::StoredValue => wire::TenderKind::StoredValue,
            TenderKind::Other => wire::TenderKind::Other,
        },
        amount: tender.amount,
    }
}
