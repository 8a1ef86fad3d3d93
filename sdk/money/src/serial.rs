//! How rates and currencies are written in JSON and TOML.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde::{Serialize, Serializer};

use crate::{Currency, Rate};

/// As text such as `"0.125"`, so that no reader makes a float of it; where nobody reads along, as its
/// numerator and denominator.
impl Serialize for Rate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if !serializer.is_human_readable() {
            return (self.numerator(), self.denominator()).serialize(serializer);
        }
        serializer.collect_str(self)
    }
}

/// From text or a whole number; where nobody reads along, from its numerator and denominator.
impl<'de> Deserialize<'de> for Rate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Rate, D::Error> {
        if !deserializer.is_human_readable() {
            let (numerator, denominator) = Deserialize::deserialize(deserializer)?;
            return Rate::new(numerator, denominator).map_err(de::Error::custom);
        }
        deserializer.deserialize_any(RateVisitor)
    }
}

struct RateVisitor;

impl Visitor<'_> for RateVisitor {
    type Value = Rate;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a whole number or a rate as text, such as \"0.125\" or \"12.5%\"")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Rate, E> {
        Rate::parse(text).map_err(E::custom)
    }

    fn visit_i64<E: de::Error>(self, whole: i64) -> Result<Rate, E> {
        Ok(Rate::whole(whole))
    }

    fn visit_u64<E: de::Error>(self, whole: u64) -> Result<Rate, E> {
        i64::try_from(whole)
            .map(Rate::whole)
            .map_err(|_| E::invalid_value(de::Unexpected::Unsigned(whole), &self))
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Currency, D::Error> {
        deserializer.deserialize_str(CurrencyVisitor)
    }
}

struct CurrencyVisitor;

impl Visitor<'_> for CurrencyVisitor {
    type Value = Currency;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a known ISO 4217 code such as \"CNY\"")
    }

    fn visit_str<E: de::Error>(self, code: &str) -> Result<Currency, E> {
        Currency::from_code(code).ok_or_else(|| E::invalid_value(de::Unexpected::Str(code), &self))
    }
}

#[cfg(test)]
mod tests {
    use crate::{Currency, Money, Rate, Rounding};

    #[test]
    fn a_rate_is_read_from_text_or_a_whole_number_and_written_as_text() {
        for (json, rate) in [
            ("\"12.5%\"", Rate::new(1, 8)),
            ("2", Rate::new(2, 1)),
            ("-1", Rate::new(-1, 1)),
        ] {
            assert_eq!(serde_json::from_str::<Rate>(json).ok(), rate.ok(), "{json}");
        }
        let written = serde_json::to_string(&Rate::percent(15)).ok();
        assert_eq!(written.as_deref(), Some("\"0.15\""));
    }

    #[test]
    fn a_float_is_no_rate_and_the_error_says_what_is() {
        let error = serde_json::from_str::<Rate>("1.5")
            .expect_err("a float")
            .to_string();
        assert!(error.contains("as text"), "{error}");
    }

    #[test]
    fn amounts_roundings_and_currencies_are_plain_values() {
        assert_eq!(serde_json::from_str::<Money>("12").ok(), Some(Money(12)));
        assert_eq!(
            serde_json::from_str::<Rounding>("\"half-even\"").ok(),
            Some(Rounding::HalfEven)
        );
        assert_eq!(
            serde_json::from_str::<Currency>("\"JPY\"")
                .ok()
                .map(Currency::scale),
            Some(0)
        );
        assert!(serde_json::from_str::<Currency>("\"RMB\"").is_err());
    }
}
