//! Days and times of day as merchants write them: `2026-02-17`, `12-25`, `14:30`.

use std::fmt;

use chrono::{Datelike, NaiveDate};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A calendar day, written `YYYY-MM-DD`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CalendarDay(pub NaiveDate);

/// A day of every year, written `MM-DD`. 29 February is only there in leap years.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MonthDay {
    month: u8,
    day: u8,
}

/// Minutes since midnight, written `HH:MM`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClockTime(u16);

impl MonthDay {
    /// `None` for a day no year has.
    pub fn new(month: u8, day: u8) -> Option<MonthDay> {
        // Any leap year has them all.
        NaiveDate::from_ymd_opt(2024, month.into(), day.into()).map(|_| MonthDay { month, day })
    }

    pub fn of(day: NaiveDate) -> MonthDay {
        let small = |number: u32| u8::try_from(number).unwrap_or(0);
        MonthDay {
            month: small(day.month()),
            day: small(day.day()),
        }
    }
}

impl ClockTime {
    /// `None` past 23:59.
    pub fn new(hour: u16, minute: u16) -> Option<ClockTime> {
        (hour < 24 && minute < 60).then(|| ClockTime(hour * 60 + minute))
    }
}

/// Text for people, a number where nobody reads along: a rule decodes its configuration at each call.
trait Written: Sized + fmt::Display {
    /// What to write instead of nonsense.
    const REMEDY: &'static str;
    fn parse(text: &str) -> Option<Self>;
    fn number(&self) -> i32;
    fn from_number(number: i32) -> Option<Self>;
}

/// Exactly so many digits.
fn digits<N: std::str::FromStr>(text: &str, count: usize) -> Option<N> {
    let plain = text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}

impl Written for CalendarDay {
    const REMEDY: &'static str = "a day that exists as \"YYYY-MM-DD\"";

    fn parse(text: &str) -> Option<CalendarDay> {
        let (year, rest) = text.split_once('-')?;
        let (month, day) = rest.split_once('-')?;
        let (year, month, day) = (digits(year, 4)?, digits(month, 2)?, digits(day, 2)?);
        NaiveDate::from_ymd_opt(year, month, day).map(CalendarDay)
    }

    fn number(&self) -> i32 {
        self.0.to_epoch_days()
    }

    fn from_number(number: i32) -> Option<CalendarDay> {
        NaiveDate::from_epoch_days(number).map(CalendarDay)
    }
}

impl fmt::Display for CalendarDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let CalendarDay(day) = self;
        write!(f, "{:04}-{:02}-{:02}", day.year(), day.month(), day.day())
    }
}

impl Written for MonthDay {
    const REMEDY: &'static str = "a day of the year as \"MM-DD\"";

    fn parse(text: &str) -> Option<MonthDay> {
        let (month, day) = text.split_once('-')?;
        MonthDay::new(digits(month, 2)?, digits(day, 2)?)
    }

    fn number(&self) -> i32 {
        i32::from(self.month) * 100 + i32::from(self.day)
    }

    fn from_number(number: i32) -> Option<MonthDay> {
        let small = |number: i32| u8::try_from(number).ok();
        MonthDay::new(small(number / 100)?, small(number % 100)?)
    }
}

impl fmt::Display for MonthDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}-{:02}", self.month, self.day)
    }
}

impl Written for ClockTime {
    const REMEDY: &'static str = "a time of day as \"HH:MM\", from 00:00 to 23:59";

    fn parse(text: &str) -> Option<ClockTime> {
        let (hour, minute) = text.split_once(':')?;
        ClockTime::new(digits(hour, 2)?, digits(minute, 2)?)
    }

    fn number(&self) -> i32 {
        self.0.into()
    }

    fn from_number(number: i32) -> Option<ClockTime> {
        let minutes = u16::try_from(number).ok()?;
        ClockTime::new(minutes / 60, minutes % 60)
    }
}

impl fmt::Display for ClockTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.0 / 60, self.0 % 60)
    }
}

/// Reads text while the reader still stands at it, so that a problem points there. The general readers of
/// dates would be a tenth of a component.
struct Text<T>(std::marker::PhantomData<T>);

impl<T: Written> de::Visitor<'_> for Text<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::REMEDY)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        T::parse(text).ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
    }
}

macro_rules! written {
    ($($name:ident: $schema:tt;)*) => {
        $(
            impl Serialize for $name {
                fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                    if serializer.is_human_readable() {
                        serializer.collect_str(self)
                    } else {
                        serializer.serialize_i32(self.number())
                    }
                }
            }

            impl<'de> Deserialize<'de> for $name {
                fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<$name, D::Error> {
                    if deserializer.is_human_readable() {
                        return deserializer.deserialize_str(Text(std::marker::PhantomData));
                    }
                    let number = i32::deserialize(deserializer)?;
                    $name::from_number(number).ok_or_else(|| de::Error::custom($name::REMEDY))
                }
            }

            impl JsonSchema for $name {
                fn inline_schema() -> bool {
                    true
                }

                fn schema_name() -> std::borrow::Cow<'static, str> {
                    stringify!($name).into()
                }

                fn json_schema(_: &mut SchemaGenerator) -> Schema {
                    json_schema!($schema)
                }
            }
        )*
    };
}

written! {
    CalendarDay: { "type": "string", "format": "date", "examples": ["2026-02-17"] };
    MonthDay: { "type": "string", "pattern": "^(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$", "examples": ["12-25"] };
    ClockTime: { "type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$", "examples": ["14:30"] };
}

#[cfg(test)]
mod tests {
    use std::fmt::Debug;

    use serde::de::DeserializeOwned;

    use super::*;

    fn reads_back<T: Serialize + DeserializeOwned + PartialEq + Debug>(json: &str) {
        let value: T = serde_json::from_str(json).expect(json);
        assert_eq!(serde_json::to_string(&value).ok().as_deref(), Some(json));
        let bytes = rmp_serde::to_vec_named(&value).expect(json);
        assert!(bytes.len() <= 5, "a number, not a text");
        assert_eq!(rmp_serde::from_slice::<T>(&bytes).expect(json), value);
    }

    #[test]
    fn days_and_times_read_back_as_text_and_as_numbers() {
        for day in ["\"2026-02-17\"", "\"1969-12-31\"", "\"2024-02-29\""] {
            reads_back::<CalendarDay>(day);
        }
        for day in ["\"01-01\"", "\"02-29\"", "\"12-31\""] {
            reads_back::<MonthDay>(day);
        }
        for time in ["\"00:00\"", "\"09:05\"", "\"23:59\""] {
            reads_back::<ClockTime>(time);
        }
    }

    #[test]
    fn what_no_calendar_or_clock_shows_is_refused() {
        for day in [
            "2026-02-30",
            "2026-2-17",
            "26-02-17",
            "2026-02-17T",
            "2026/02/17",
        ] {
            assert!(CalendarDay::parse(day).is_none(), "{day}");
        }
        for day in ["02-30", "13-01", "00-10", "1-1", "04-31"] {
            assert!(MonthDay::parse(day).is_none(), "{day}");
        }
        for time in ["24:00", "9:00", "12:60", "12.30"] {
            assert!(ClockTime::parse(time).is_none(), "{time}");
        }
        assert!(ClockTime::from_number(1440).is_none() && MonthDay::from_number(230).is_none());
    }
}
