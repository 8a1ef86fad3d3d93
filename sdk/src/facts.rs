//! Views of the facts: lines with their categories and tags, days and times, decimals.

use std::ops::Deref;

use chrono::{DateTime, FixedOffset, NaiveDate};
use rust_decimal::Decimal;
use tessera_money::{Money, Rate};

use crate::types::{Attribute, Line, Member, Order, Tender, TenderKind, Value};
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

    pub fn attribute(&self, name: &str) -> Option<&Value> {
        attribute(&self.attributes, name)
    }

    pub fn store_attribute(&self, name: &str) -> Option<&Value> {
        attribute(&self.store_attributes, name)
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

    pub fn attribute(&self, name: &str) -> Option<&Value> {
        attribute(&self.attributes, name)
    }
}

fn attribute<'a>(attributes: &'a [Attribute], name: &str) -> Option<&'a Value> {
    attributes
        .iter()
        .find(|(one, _)| one == name)
        .map(|(_, value)| value)
}

/// Whether a category path is `category` or lies below it: `drinks/coffee` lies within `drinks`,
/// `drinks-hot` does not.
pub fn lies_within(path: &str, category: &str) -> bool {
    path.strip_prefix(category)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// A line together with the tables its positions point into. Its plain fields are those of [`Line`].
#[derive(Debug, Clone, Copy)]
pub struct LineView<'a> {
    line: &'a Line,
    position: u32,
    categories: &'a [String],
    tags: &'a [String],
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

    /// Its category path, root first, such as `drinks/coffee`; empty when it has none.
    pub fn category(&self) -> &'a str {
        let position = usize::try_from(self.line.category).unwrap_or(usize::MAX);
        self.categories.get(position).map_or("", String::as_str)
    }

    /// Whether it belongs to the category or to one below it.
    pub fn is_in_category(&self, category: &str) -> bool {
        lies_within(self.category(), category)
    }

    pub fn tags(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let all = self.tags;
        self.line
            .tags
            .iter()
            .filter_map(|tag| all.get(usize::try_from(*tag).ok()?))
            .map(String::as_str)
    }

    pub fn has_tag(&self, tag: &str) -> bool {
        self.tags().any(|one| one == tag)
    }

    /// What is left of it after the discounts settled so far.
    pub fn money(&self) -> Money {
        Money(self.line.amount)
    }

    /// Its quantity in whole units: 345 thousandths are 0.345.
    pub fn units(&self) -> Decimal {
        Decimal::from_i128_with_scale(self.line.quantity.into(), 3)
    }

    pub fn attribute(&self, name: &str) -> Option<&'a Value> {
        attribute(&self.line.attributes, name)
    }
}

/// The lines of a basket in order.
#[derive(Debug, Clone)]
pub struct Lines<'a> {
    lines: std::iter::Enumerate<std::slice::Iter<'a, Line>>,
    categories: &'a [String],
    tags: &'a [String],
}

impl<'a> Lines<'a> {
    pub(crate) fn new(
        lines: &'a [Line],
        categories: &'a [String],
        tags: &'a [String],
    ) -> Lines<'a> {
        Lines {
            lines: lines.iter().enumerate(),
            categories,
            tags,
        }
    }
}

impl<'a> Iterator for Lines<'a> {
    type Item = LineView<'a>;

    fn next(&mut self) -> Option<LineView<'a>> {
        let (position, line) = self.lines.next()?;
        // A basket has at most 500 lines.
        let position = u32::try_from(position).unwrap_or(u32::MAX);
        Some(LineView {
            line,
            position,
            categories: self.categories,
            tags: self.tags,
        })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.lines.size_hint()
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
            /// The lines with their categories and tags at hand.
            pub fn lines(&self) -> $crate::Lines<'_> {
                $crate::Lines::new(&self.lines, &self.categories, &self.tags)
            }

            /// What the member intends to pay by one kind of tender.
            pub fn tendered(&self, kind: $crate::types::TenderKind) -> $crate::Money {
                $crate::facts::tendered(&self.tenders, kind)
            }
        }
    };
}
pub(crate) use basket;
