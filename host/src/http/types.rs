//! The small types of requests and answers: bounded texts, decimal quantities, times and days.
//!
//! Each refuses while it is read, so serde tells the place; `!code limit` is how `super::json` learns
//! which fault it was.

use std::borrow::Cow;
use std::fmt::Display;

use chrono::{DateTime, NaiveDate, SecondsFormat};
use serde::de::{Deserializer, Error};
use serde::{Deserialize, Serialize, Serializer};
use utoipa::openapi::schema::{ObjectBuilder, Schema, SchemaType, Type};
use utoipa::openapi::{KnownFormat, RefOr, SchemaFormat};
use utoipa::{PartialSchema, ToSchema};

use crate::clock::{date_of, day_of};
use crate::domain::time::{Day, Instant};

/// A text of 1 to `MAX` characters without control characters, trimmed of spaces around it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Text<const MAX: usize>(String);

/// A name people read.
pub type Name = Text<200>;

/// An identifier: 1 to 64 letters, digits, dots, dashes or underscores.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Id(String);

/// Thousandths of a unit, as a decimal string such as `"0.345"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Quantity(pub i64);

/// An instant as an RFC 3339 time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Time(pub Instant);

/// A calendar day such as `2026-03-31`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date(pub Day);

impl<const MAX: usize> Text<MAX> {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn into_string(self) -> String {
        self.0
    }
}

impl<'de, const MAX: usize> Deserialize<'de> for Text<MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        if text
            .chars()
            .any(|c| c.is_control() && c != '\n' && c != '\t')
        {
            return Err(D::Error::custom("!control_character"));
        }
        let text = text.trim();
        if text.is_empty() {
            return Err(D::Error::custom("!empty"));
        }
        if text.chars().nth(MAX).is_some() {
            return Err(D::Error::custom(format_args!("!too_long {MAX}")));
        }
        Ok(Self(text.to_owned()))
    }
}

impl Id {
    /// Checks an identifier.
    pub fn parse(text: &str) -> Option<Self> {
        let good = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
        ((1..=64).contains(&text.len()) && text.bytes().all(good)).then(|| Self(text.to_owned()))
    }

    /// A fresh UUIDv7.
    pub fn fresh() -> Self {
        Self(uuid::Uuid::now_v7().to_string())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn into_string(self) -> String {
        self.0
    }
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| D::Error::custom("!not_an_id"))
    }
}

impl Quantity {
    /// Reads `"2"`, `"-1.5"` or `"0.345"`; none for anything else or out of range.
    pub fn parse(text: &str) -> Option<Self> {
        let (sign, digits) = match text.strip_prefix('-') {
            Some(rest) => (-1, rest),
            None => (1, text),
        };
        let (whole, part) = digits.split_once('.').unwrap_or((digits, "0"));
        let numeric =
            |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !numeric(whole) || !numeric(part) || whole.len() > 15 || part.len() > 3 {
            return None;
        }
        let thousandths: i64 = format!("{part:0<3}").parse().ok()?;
        let whole: i64 = whole.parse().ok()?;
        Some(Self(sign * (whole * 1000 + thousandths)))
    }
}

impl Display for Quantity {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let (whole, part) = (self.0.unsigned_abs() / 1000, self.0.unsigned_abs() % 1000);
        if part == 0 {
            return write!(formatter, "{sign}{whole}");
        }
        let part = format!("{part:03}");
        write!(formatter, "{sign}{whole}.{}", part.trim_end_matches('0'))
    }
}

impl<'de> Deserialize<'de> for Quantity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| D::Error::custom("!not_a_decimal"))
    }
}

impl Serialize for Quantity {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Time {
    pub fn micros(micros: i64) -> Self {
        Self(Instant(micros))
    }

    pub fn parse(text: &str) -> Option<Self> {
        let time = DateTime::parse_from_rfc3339(text).ok()?;
        Some(Self(Instant(time.timestamp_micros())))
    }
}

impl Display for Time {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match DateTime::from_timestamp_micros(self.0.0) {
            Some(time) => formatter.write_str(&time.to_rfc3339_opts(SecondsFormat::Micros, true)),
            None => write!(formatter, "{} microseconds", self.0.0),
        }
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| D::Error::custom("!not_a_time"))
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Date {
    /// A day as the store keeps it.
    pub fn stored(day: i64) -> Self {
        Self(Day(i32::try_from(day).unwrap_or(i32::MAX)))
    }

    pub fn parse(text: &str) -> Option<Self> {
        // Only the plain form: chrono would also take `+12026-1-1`.
        if text.len() != 10 {
            return None;
        }
        Some(Self(day_of(
            NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?,
        )))
    }
}

impl Display for Date {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match date_of(self.0) {
            Some(date) => write!(formatter, "{date}"),
            None => write!(formatter, "day {}", self.0.0),
        }
    }
}

impl<'de> Deserialize<'de> for Date {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| D::Error::custom("!not_a_date"))
    }
}

impl Serialize for Date {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

fn string() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(SchemaType::Type(Type::String))
}

fn schema(object: ObjectBuilder) -> RefOr<Schema> {
    RefOr::T(Schema::Object(object.build()))
}

impl<const MAX: usize> PartialSchema for Text<MAX> {
    fn schema() -> RefOr<Schema> {
        schema(string().min_length(Some(1)).max_length(Some(MAX)))
    }
}

impl<const MAX: usize> ToSchema for Text<MAX> {
    fn name() -> Cow<'static, str> {
        Cow::Owned(format!("Text{MAX}"))
    }
}

impl PartialSchema for Id {
    fn schema() -> RefOr<Schema> {
        schema(string().pattern(Some("^[A-Za-z0-9._-]{1,64}$")))
    }
}

impl ToSchema for Id {}

impl PartialSchema for Quantity {
    fn schema() -> RefOr<Schema> {
        schema(
            string()
                .pattern(Some("^-?[0-9]{1,15}(\\.[0-9]{1,3})?$"))
                .description(Some("Decimal string with at most three places"))
                .examples(["2", "0.345"]),
        )
    }
}

impl ToSchema for Quantity {}

impl PartialSchema for Time {
    fn schema() -> RefOr<Schema> {
        schema(string().format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime))))
    }
}

impl ToSchema for Time {}

impl PartialSchema for Date {
    fn schema() -> RefOr<Schema> {
        schema(string().format(Some(SchemaFormat::KnownFormat(KnownFormat::Date))))
    }
}

impl ToSchema for Date {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_decimal_strings_with_three_places() {
        assert_eq!(Quantity::parse("2"), Some(Quantity(2000)));
        assert_eq!(Quantity::parse("0.345"), Some(Quantity(345)));
        assert_eq!(Quantity::parse("-1.5"), Some(Quantity(-1500)));
        for wrong in [
            "",
            ".5",
            "1.",
            "1.2345",
            "1e3",
            "+1",
            " 1",
            "9999999999999999",
            "--1",
            "1,5",
        ] {
            assert_eq!(Quantity::parse(wrong), None, "{wrong}");
        }
        for text in ["2", "0.345", "-1.5", "-0.001"] {
            assert_eq!(Quantity::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn times_keep_their_microseconds() {
        let time = Time::parse("2026-03-31T17:30:00.000001+08:00").unwrap();
        assert_eq!(time.to_string(), "2026-03-31T09:30:00.000001Z");
        assert!(Time::parse("2026-03-31T17:30:00").is_none());
        assert_eq!(Date::parse("2026-03-31").unwrap().to_string(), "2026-03-31");
        assert!(Date::parse("2026-02-30").is_none());
    }
}
