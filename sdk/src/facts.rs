//! Views of the facts: lines with their categories and tags, days and times, decimals.

use std::ops::Deref;

use chrono::{DateTime, FixedOffset, NaiveDate};
use rust_decimal::Decimal;
use tessera_money::{Money, Rate};

use crate::types::{Attribute, Basket, Line, Member, Order, Owner, Tender, TenderKind, Value};
use crate::values::day;

impl Order {
    /// When it happened, as the clock in the store showed it.
    pub fn local_time(&self) -> DateTime<FixedOffset> {
        let offset = FixedOffset::east_opt(i32::from(self.utc_offset_minutes) * 60)
            .or_else(|| FixedOffset::east_opt(0));
        let instant = DateTime::from_timestamp_micros(self.occurred_at).unwrap_or_default();
        match offset {
            Some(offset) => instant.with_timezone(&offset),
            None => instant.fixed_offset(),
        }
    }

    /// The store's business day.
    pub fn business_day(&self) -> NaiveDate {
        day(self.business_date)
    }

    /// An amount in whole units of the currency, as people write it: 1250 fen are 12.50.
    pub fn decimal(&self, amount: Money) -> Decimal {
        Decimal::from_i128_with_scale(amount.0.into(), self.currency_scale.min(18).into())
    }
}

impl Member {
    pub fn enrolment_day(&self) -> NaiveDate {
        day(self.enrolled_on)
    }

    /// The multiplier of his tier, one when he has none or the host sent no proper fraction.
    pub fn multiplier(&self) -> Rate {
        Rate::try_from(self.tier_multiplier).unwrap_or(Rate::ONE)
    }

    pub fn holds_tier(&self, code: &str) -> bool {
        self.tier.as_deref() == Some(code)
    }

    pub fn is_in_segment(&self, segment: &str) -> bool {
        self.segments.iter().any(|one| one == segment)
    }
}

/// The value somebody has of an attribute the rule asked for.
pub(crate) fn attribute<'a>(
    attributes: &'a [Attribute],
    name: &str,
    owner: Owner,
) -> Option<&'a Value> {
    let attribute = attributes.iter().find(|one| one.name == name)?;
    let values = match owner {
        // Those of lines come last, line after line.
        Owner::Line(position) => {
            let before = |(owner, _): &(Owner, Value)| match owner {
                Owner::Line(line) => *line < position,
                _ => true,
            };
            &attribute.values[attribute.values.partition_point(before)..]
        }
        _ => &attribute.values[..],
    };
    values
        .iter()
        .find(|(one, _)| *one == owner)
        .map(|(_, value)| value)
}

/// Whether a category path is `category` or lies below it: `drinks/coffee` lies within `drinks`,
/// `drinks-hot` does not.
pub fn lies_within(path: &str, category: &str) -> bool {
    path.strip_prefix(category)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// A line together with what stands beside the lines. Its plain numbers are those of [`Line`].
#[derive(Debug, Clone, Copy)]
pub struct LineView<'a> {
    line: &'a Line,
    position: u32,
    basket: &'a Basket,
    attributes: &'a [Attribute],
}

impl Deref for LineView<'_> {
    type Target = Line;

    fn deref(&self) -> &Line {
        self.line
    }
}

impl<'a> LineView<'a> {
    /// Where it stands in the basket, as proposals name it.
    pub fn position(&self) -> u32 {
        self.position
    }

    /// Its product's id; empty for an article the till priced itself, and where the rule did not ask for products.
    pub fn product(&self) -> &'a str {
        at(&self.basket.products, self.position).map_or("", String::as_str)
    }

    /// Its category path, root first, such as `drinks/coffee`; empty when it has none.
    pub fn category(&self) -> &'a str {
        at(&self.basket.categories, self.line.category).map_or("", String::as_str)
    }

    /// Whether it belongs to the category or to one below it.
    pub fn is_in_category(&self, category: &str) -> bool {
        lies_within(self.category(), category)
    }

    /// Positions of its tags in the basket's.
    pub fn tag_positions(&self) -> &'a [u32] {
        let all = &self.basket.line_tags;
        let first = usize::try_from(self.line.first_tag).unwrap_or(usize::MAX);
        let count = usize::try_from(self.line.tag_count).unwrap_or(0);
        let end = first.saturating_add(count).min(all.len());
        all.get(first..end).unwrap_or_default()
    }

    pub fn tags(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let all = &self.basket.tags;
        self.tag_positions()
            .iter()
            .filter_map(|tag| at(all, *tag))
            .map(String::as_str)
    }

    pub fn has_tag(&self, tag: &str) -> bool {
        self.tags().any(|one| one == tag)
    }

    /// What is left of it after the discounts settled so far.
    pub fn money(&self) -> Money {
        Money(self.line.amount)
    }

    /// What one whole unit cost the store, where that is known and the rule asked for it.
    pub fn cost(&self) -> Option<Money> {
        at(&self.basket.costs, self.position)?.map(Money)
    }

    /// The rate of its tax, zero where the host sent no proper fraction.
    pub fn tax_share(&self) -> Rate {
        Rate::try_from(self.line.tax_rate).unwrap_or(Rate::ZERO)
    }

    /// Its quantity in whole units: 345 thousandths are 0.345.
    pub fn units(&self) -> Decimal {
        Decimal::from_i128_with_scale(self.line.quantity.into(), 3)
    }

    pub fn attribute(&self, name: &str) -> Option<&'a Value> {
        attribute(self.attributes, name, Owner::Line(self.position))
    }
}

fn at<T>(all: &[T], position: u32) -> Option<&T> {
    all.get(usize::try_from(position).ok()?)
}

/// The lines of a basket in order.
#[derive(Debug, Clone)]
pub struct Lines<'a> {
    basket: &'a Basket,
    attributes: &'a [Attribute],
    next: usize,
}

impl<'a> Lines<'a> {
    pub(crate) fn new(basket: &'a Basket, attributes: &'a [Attribute]) -> Lines<'a> {
        Lines {
            basket,
            attributes,
            next: 0,
        }
    }

    /// The line at a position.
    pub fn at(&self, position: u32) -> Option<LineView<'a>> {
        Some(LineView {
            line: at(&self.basket.lines, position)?,
            position,
            basket: self.basket,
            attributes: self.attributes,
        })
    }
}

impl<'a> Iterator for Lines<'a> {
    type Item = LineView<'a>;

    fn next(&mut self) -> Option<LineView<'a>> {
        // A basket has at most 500 lines.
        let line = self.at(u32::try_from(self.next).ok()?)?;
        self.next += 1;
        Some(line)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.basket.lines.len().saturating_sub(self.next);
        (left, Some(left))
    }
}

/// What is to be paid by one kind of tender.
pub(crate) fn tendered(tenders: &[Tender], kind: TenderKind) -> Money {
    let sum = tenders
        .iter()
        .filter(|tender| tender.kind == kind)
        .map(|tender| tender.amount);
    Money(sum.fold(0, i64::saturating_add))
}

/// The same readings on every kind of facts that has a basket.
macro_rules! basket {
    ($facts:ty) => {
        impl $facts {
            /// The lines with their products, categories, tags and attributes at hand.
            pub fn lines(&self) -> $crate::Lines<'_> {
                $crate::Lines::new(&self.basket, &self.attributes)
            }

            /// What the member intends to pay by one kind of tender.
            pub fn tendered(&self, kind: $crate::types::TenderKind) -> $crate::Money {
                $crate::facts::tendered(&self.basket.tenders, kind)
            }
        }
    };
}
pub(crate) use basket;

/// The same readings on every kind of facts: attributes the rule asked for.
macro_rules! attributes {
    ($facts:ty: $($(#[$documentation:meta])* $method:ident $owner:ident),*) => {
        impl $facts {
            $($(#[$documentation])*
            pub fn $method(&self, name: &str) -> Option<&$crate::types::Value> {
                $crate::facts::attribute(&self.attributes, name, $crate::types::Owner::$owner)
            })*
        }
    };
}
pub(crate) use attributes;
