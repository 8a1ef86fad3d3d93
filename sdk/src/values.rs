//! Values, messages, needs and dates: small constructors and conversions.

use chrono::NaiveDate;
use tessera_money::{InvalidRate, Money, Points, Rate};

use crate::types::{
    AggregateNeed, ConfigProblem, CounterNeed, CounterPeriod, CounterScope, Measure, Message,
    Needs, Preconditions, Ratio, TenderKind, Value, Window,
};

macro_rules! value_from {
    ($($from:ty => |$given:ident| $value:expr;)*) => {
        $(impl From<$from> for Value {
            fn from($given: $from) -> Value {
                $value
            }
        })*
    };
}

value_from! {
    &str => |text| Value::Text(text.to_owned());
    String => |text| Value::Text(text);
    i64 => |number| Value::Integer(number);
    u32 => |number| Value::Integer(number.into());
    bool => |flag| Value::Boolean(flag);
    Money => |amount| Value::Money(amount.0);
    Points => |amount| Value::Points(amount.0);
    Rate => |rate| Value::Ratio(rate.into());
    NaiveDate => |day| Value::Date(day.to_epoch_days());
}

impl Value {
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    pub fn as_integer(&self) -> Option<i64> {
        match self {
            Value::Integer(number) => Some(*number),
            _ => None,
        }
    }

    pub fn as_boolean(&self) -> Option<bool> {
        match self {
            Value::Boolean(flag) => Some(*flag),
            _ => None,
        }
    }

    pub fn as_money(&self) -> Option<Money> {
        match self {
            Value::Money(amount) => Some(Money(*amount)),
            _ => None,
        }
    }
}

impl From<Rate> for Ratio {
    fn from(rate: Rate) -> Ratio {
        Ratio {
            numerator: rate.numerator(),
            denominator: rate.denominator(),
        }
    }
}

impl TryFrom<Ratio> for Rate {
    type Error = InvalidRate;

    fn try_from(ratio: Ratio) -> Result<Rate, InvalidRate> {
        Rate::new(ratio.numerator, ratio.denominator)
    }
}

impl Message {
    /// A sentence without gaps; see [`crate::message!`] for one with.
    pub fn plain(key: impl Into<String>) -> Message {
        Message {
            key: key.into(),
            arguments: Vec::new(),
        }
    }
}

impl ConfigProblem {
    /// `pointer` is a JSON Pointer (RFC 6901) such as `/tiers/0/rate`; `message` names the remedy.
    pub fn at(pointer: impl Into<String>, message: impl Into<String>) -> ConfigProblem {
        ConfigProblem {
            pointer: pointer.into(),
            message: message.into(),
        }
    }
}

impl Default for Needs {
    fn default() -> Needs {
        Needs {
            aggregates: Vec::new(),
            counters: Vec::new(),
            attributes: Vec::new(),
            products: true,
            categories: true,
            tags: true,
            cost: false,
            preconditions: Preconditions {
                tiers: Vec::new(),
                tenders: Vec::new(),
                products: Vec::new(),
                categories: Vec::new(),
                tags: Vec::new(),
                code: false,
            },
        }
    }
}

impl Needs {
    /// Nothing beyond the basket.
    pub fn none() -> Needs {
        Needs::default()
    }

    /// Of the basket only its amounts. Saves time where a rule looks at no products, categories or tags.
    pub fn amounts() -> Needs {
        Needs {
            products: false,
            categories: false,
            tags: false,
            ..Needs::default()
        }
    }

    /// Ids of the products.
    pub fn products(mut self) -> Needs {
        self.products = true;
        self
    }

    /// Categories of the lines.
    pub fn categories(mut self) -> Needs {
        self.categories = true;
        self
    }

    /// Tags of the lines.
    pub fn tags(mut self) -> Needs {
        self.tags = true;
        self
    }

    /// A number about the member's past; answered in `facts.aggregates` in the order asked.
    pub fn aggregate(self, measure: Measure, window: Window) -> Needs {
        self.push_aggregate(AggregateNeed {
            measure,
            window,
            category: None,
        })
    }

    /// The same, of purchases in one category or below it.
    pub fn aggregate_in(
        self,
        measure: Measure,
        window: Window,
        category: impl Into<String>,
    ) -> Needs {
        self.push_aggregate(AggregateNeed {
            measure,
            window,
            category: Some(category.into()),
        })
    }

    fn push_aggregate(mut self, need: AggregateNeed) -> Needs {
        self.aggregates.push(need);
        self
    }

    /// A number the host keeps between calls; answered in `facts.counters` in the order asked.
    pub fn counter(
        mut self,
        name: impl Into<String>,
        scope: CounterScope,
        period: CounterPeriod,
        limit: Option<i64>,
    ) -> Needs {
        self.counters.push(CounterNeed {
            name: name.into(),
            scope,
            period,
            limit,
        });
        self
    }

    /// An attribute of order, store, member or line to be passed on.
    pub fn attribute(mut self, name: impl Into<String>) -> Needs {
        self.attributes.push(name.into());
        self
    }

    /// What lines cost the store; the rule must ask for the permission `cost`.
    pub fn cost(mut self) -> Needs {
        self.cost = true;
        self
    }

    /// Nothing is answered unless the member holds one of these tiers; every tier and none when empty.
    pub fn only_for_tiers(mut self, tiers: impl IntoIterator<Item = String>) -> Needs {
        self.preconditions.tiers.extend(tiers);
        self
    }

    /// Nothing is answered unless one of these is among the tenders intended; any when empty.
    pub fn only_paid_with(mut self, tenders: impl IntoIterator<Item = TenderKind>) -> Needs {
        self.preconditions.tenders.extend(tenders);
        self
    }

    /// Nothing is answered unless one of the binding's codes is presented.
    pub fn only_with_code(mut self) -> Needs {
        self.preconditions.code = true;
        self
    }
}

impl Preconditions {
    /// Whether goods are asked for.
    pub fn name_goods(&self) -> bool {
        !self.products.is_empty() || !self.categories.is_empty() || !self.tags.is_empty()
    }
}

/// The calendar day so many days after 1970-01-01, or the nearest one there is.
pub(crate) fn day(days: i32) -> NaiveDate {
    NaiveDate::from_epoch_days(days).unwrap_or(if days < 0 {
        NaiveDate::MIN
    } else {
        NaiveDate::MAX
    })
}
