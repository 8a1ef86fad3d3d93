//! Attributes of members as a chain defines them: typed, required, with choices, for some stores only.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::rules::{Attribute, Value};

/// Attributes one chain may define; a member has as many.
pub const MOST_ATTRIBUTES: usize = 64;
/// Choices one attribute may have.
pub const MOST_CHOICES: usize = 200;

/// An attribute members may have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MemberAttribute {
    /// As rules and requests name it.
    #[schemars(extend("examples" = ["size"]))]
    pub name: String,
    pub kind: AttributeKind,
    /// Whether nobody of a store that sees it is enrolled without it.
    #[serde(default)]
    pub required: bool,
    /// What a choice is one of; at most 200.
    #[serde(default)]
    #[schemars(extend("examples" = [["S", "M", "L"]]))]
    pub choices: Vec<String>,
    /// Stores whose keys see and set it; all stores when left out. Keys of the whole chain always do.
    #[serde(default)]
    #[schemars(extend("examples" = [["west"]]))]
    pub stores: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AttributeKind {
    Text,
    /// A whole number.
    Number,
    /// Such as `2026-03-31`.
    Date,
    /// One of `choices`.
    Choice,
    YesNo,
}

/// An attribute that cannot be accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the attribute `{name}` {fault}")]
pub struct AttributeError {
    pub name: String,
    pub fault: AttributeFault,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AttributeFault {
    #[error("is not one the chain defines, or not for this store")]
    Undefined,
    #[error("is needed")]
    Missing,
    #[error("must be {0}")]
    Wrong(String),
}

impl MemberAttribute {
    /// Whether a key sees it; `store` is the only one it may act for.
    pub fn is_seen_by(&self, store: Option<&str>) -> bool {
        self.stores.is_empty() || store.is_none_or(|store| self.stores.iter().any(|s| s == store))
    }

    /// Refuses a value of another type.
    fn check(&self, value: &Value) -> Result<(), String> {
        let (good, wanted) = match (self.kind, value) {
            (AttributeKind::Text, Value::Text(_))
            | (AttributeKind::Number, Value::Integer(_))
            | (AttributeKind::YesNo, Value::Boolean(_)) => (true, ""),
            (AttributeKind::Date, Value::Text(text)) => {
                (is_date(text), "a date such as 2026-03-31")
            }
            (AttributeKind::Choice, Value::Text(text)) if self.choices.contains(text) => (true, ""),
            (AttributeKind::Text, _) => (false, "a text"),
            (AttributeKind::Number, _) => (false, "a whole number"),
            (AttributeKind::YesNo, _) => (false, "true or false"),
            (AttributeKind::Date, _) => (false, "a date such as 2026-03-31"),
            (AttributeKind::Choice, _) => {
                return Err(format!("one of {}", self.choices.join(", ")));
            }
        };
        if good { Ok(()) } else { Err(wanted.to_owned()) }
    }
}

/// Whether a text is a day of the calendar.
fn is_date(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let [year, month, day] = parts[..] else {
        return false;
    };
    let number = |part: &str, digits: usize| {
        let good = part.len() == digits && part.bytes().all(|byte| byte.is_ascii_digit());
        part.parse::<u32>().ok().filter(|_| good)
    };
    let (Some(year), Some(month), Some(day)) = (number(year, 4), number(month, 2), number(day, 2))
    else {
        return false;
    };
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    };
    (1..=days).contains(&day)
}

/// What a member's attributes become: those somebody wants, and beside them those he does not see. A chain that
/// defines none lets every attribute be.
///
/// # Errors
/// The first attribute that is not defined, of a wrong type, or missing though the home store needs it.
pub fn settle(
    defined: &[MemberAttribute],
    before: Vec<Attribute>,
    wanted: Vec<Attribute>,
    (store, home): (Option<&str>, &str),
) -> Result<Vec<Attribute>, AttributeError> {
    if defined.is_empty() {
        return Ok(wanted);
    }
    let named = |name: &str| defined.iter().find(|attribute| attribute.name == name);
    let refused = |name: &str, fault| AttributeError {
        name: name.to_owned(),
        fault,
    };
    let seen = |name: &str| named(name).filter(|attribute| attribute.is_seen_by(store));
    for (name, value) in &wanted {
        let attribute = seen(name).ok_or_else(|| refused(name, AttributeFault::Undefined))?;
        attribute
            .check(value)
            .map_err(|wanted| refused(name, AttributeFault::Wrong(wanted)))?;
    }
    let hidden = before
        .into_iter()
        .filter(|(name, _)| named(name).is_some_and(|attribute| !attribute.is_seen_by(store)));
    let all: Vec<Attribute> = wanted.into_iter().chain(hidden).collect();
    let missing = defined.iter().find(|attribute| {
        attribute.required
            && attribute.is_seen_by(Some(home))
            && attribute.is_seen_by(store)
            && !all.iter().any(|(name, _)| *name == attribute.name)
    });
    match missing {
        Some(attribute) => Err(refused(&attribute.name, AttributeFault::Missing)),
        None => Ok(all),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attribute(name: &str, kind: AttributeKind) -> MemberAttribute {
        MemberAttribute {
            name: name.to_owned(),
            kind,
            required: false,
            choices: vec!["S".to_owned(), "M".to_owned()],
            stores: Vec::new(),
        }
    }

    fn text(name: &str, value: &str) -> Attribute {
        (name.to_owned(), Value::Text(value.to_owned()))
    }

    #[test]
    fn values_are_of_the_type_that_was_defined() {
        use AttributeKind as K;
        let good = |kind, value: Value| attribute("a", kind).check(&value).is_ok();
        let of = |value: &str| Value::Text(value.to_owned());
        assert!(good(K::Text, of("x")) && !good(K::Text, Value::Integer(1)));
        assert!(good(K::Number, Value::Integer(-1)) && !good(K::Number, of("1")));
        assert!(good(K::YesNo, Value::Boolean(false)) && !good(K::YesNo, of("yes")));
        assert!(good(K::Choice, of("S")) && !good(K::Choice, of("s")));
        for (day, is_one) in [
            ("2024-02-29", true),
            ("2026-02-29", false),
            ("1900-02-29", false),
            ("2026-04-31", false),
            ("2026-13-01", false),
            ("2026-1-1", false),
            ("20260101", false),
            ("+026-01-01", false),
        ] {
            assert_eq!(good(K::Date, of(day)), is_one, "{day}");
        }
    }

    #[test]
    fn a_store_neither_sets_nor_loses_what_it_does_not_see() {
        let mut hidden = attribute("debt", AttributeKind::Text);
        hidden.stores = vec!["west".to_owned()];
        hidden.required = true;
        let defined = [attribute("size", AttributeKind::Choice), hidden];
        let east = (Some("east"), "east");
        let before = vec![text("debt", "none"), text("size", "S")];
        let after = settle(&defined, before.clone(), vec![text("size", "M")], east).unwrap();
        assert_eq!(after, [text("size", "M"), text("debt", "none")]);
        let set = settle(&defined, before, vec![text("debt", "some")], east);
        assert_eq!(set.unwrap_err().fault, AttributeFault::Undefined);
        let west = settle(
            &defined,
            Vec::new(),
            vec![text("size", "M")],
            (None, "west"),
        );
        assert_eq!(west.unwrap_err().fault, AttributeFault::Missing);
        // A chain that defines nothing lets everything be.
        assert!(settle(&[], Vec::new(), vec![text("x", "y")], east).is_ok());
    }
}
