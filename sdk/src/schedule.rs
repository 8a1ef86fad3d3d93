//! When a rule applies: days, weekdays and hours in the store's own time, ready for a configuration.

use std::fmt;

use chrono::{Datelike, NaiveDate, Timelike};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::types::{ConfigProblem, Order};

/// Days, weekdays and hours, all of which must fit. Both ends of each stretch are included.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Schedule {
    /// First business day.
    #[schemars(title = "First day", with = "Option<NaiveDate>")]
    #[serde(skip_serializing_if = "Option::is_none", with = "calendar_day")]
    pub from: Option<NaiveDate>,
    /// Last business day.
    #[schemars(title = "Last day", with = "Option<NaiveDate>")]
    #[serde(skip_serializing_if = "Option::is_none", with = "calendar_day")]
    pub until: Option<NaiveDate>,
    /// Weekdays of the business day; every day when empty.
    #[schemars(title = "Weekdays")]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub weekdays: Vec<Weekday>,
    /// Hours on the store's clock; the whole day when empty.
    #[schemars(title = "Hours")]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hours: Vec<Hours>,
}

/// A stretch of the day. When it begins later than it ends it passes midnight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Hours {
    /// First minute.
    #[schemars(title = "From")]
    pub from: ClockTime,
    /// Last minute.
    #[schemars(title = "Until")]
    pub until: ClockTime,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub enum Weekday {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

const WEEK: [Weekday; 7] = [
    Weekday::Monday,
    Weekday::Tuesday,
    Weekday::Wednesday,
    Weekday::Thursday,
    Weekday::Friday,
    Weekday::Saturday,
    Weekday::Sunday,
];

impl Weekday {
    pub fn of(day: NaiveDate) -> Weekday {
        let since_monday = usize::try_from(day.weekday().num_days_from_monday()).unwrap_or(0);
        WEEK[since_monday % WEEK.len()]
    }
}

/// Minutes since midnight, written `HH:MM`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ClockTime(u16);

impl ClockTime {
    /// `None` past 23:59.
    pub fn new(hour: u16, minute: u16) -> Option<ClockTime> {
        (hour < 24 && minute < 60).then(|| ClockTime(hour * 60 + minute))
    }

    fn parse(text: &str) -> Option<ClockTime> {
        let (hour, minute) = text.split_once(':')?;
        let two_digits =
            |part: &str| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
        if !two_digits(hour) || !two_digits(minute) {
            return None;
        }
        ClockTime::new(hour.parse().ok()?, minute.parse().ok()?)
    }
}

/// Days as `YYYY-MM-DD`. The general reader of dates would be a tenth of a component.
mod calendar_day {
    use chrono::{Datelike, NaiveDate};
    use serde::{Deserialize, Deserializer, Serializer};

    use super::Text;

    pub(super) fn serialize<S: Serializer>(
        day: &Option<NaiveDate>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match day {
            Some(day) => serializer.collect_str(&format_args!(
                "{:04}-{:02}-{:02}",
                day.year(),
                day.month(),
                day.day()
            )),
            None => serializer.serialize_none(),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<NaiveDate>, D::Error> {
        Ok(<Option<Day>>::deserialize(deserializer)?.map(|Day(day)| day))
    }

    struct Day(NaiveDate);

    impl<'de> Deserialize<'de> for Day {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Day, D::Error> {
            let remedy = "a day that exists as \"YYYY-MM-DD\"";
            deserializer.deserialize_str(Text {
                remedy,
                read: |text| read(text).map(Day),
            })
        }
    }

    fn read(text: &str) -> Option<NaiveDate> {
        let (year, rest) = text.split_once('-')?;
        let (month, day) = rest.split_once('-')?;
        let digits = |part: &str, count: usize| {
            part.len() == count && part.bytes().all(|byte| byte.is_ascii_digit())
        };
        if !digits(year, 4) || !digits(month, 2) || !digits(day, 2) {
            return None;
        }
        NaiveDate::from_ymd_opt(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?)
    }
}

impl Schedule {
    /// Whether an order falls into it.
    pub fn covers(&self, order: &Order) -> bool {
        let day = order.business_day();
        self.from.is_none_or(|from| from <= day)
            && self.until.is_none_or(|until| day <= until)
            && (self.weekdays.is_empty() || self.weekdays.contains(&Weekday::of(day)))
            && (self.hours.is_empty() || self.covers_minute(order))
    }

    fn covers_minute(&self, order: &Order) -> bool {
        let time = order.local_time();
        let minute =
            u16::try_from(time.hour() * 60 + time.minute()).map_or(ClockTime(0), ClockTime);
        self.hours.iter().any(|hours| {
            if hours.from <= hours.until {
                hours.from <= minute && minute <= hours.until
            } else {
                hours.from <= minute || minute <= hours.until
            }
        })
    }

    /// Whether it leaves everything open.
    pub fn is_always(&self) -> bool {
        *self == Schedule::default()
    }

    /// What contradicts itself, for a rule's `check`; `pointer` is where the schedule stands.
    pub fn problems(&self, pointer: &str) -> Vec<ConfigProblem> {
        match (self.from, self.until) {
            (Some(from), Some(until)) if until < from => vec![ConfigProblem::at(
                format!("{pointer}/until"),
                "must not be before `from`, else no day is left",
            )],
            _ => Vec::new(),
        }
    }
}

impl fmt::Display for ClockTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.0 / 60, self.0 % 60)
    }
}

impl Serialize for ClockTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ClockTime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<ClockTime, D::Error> {
        let remedy = "a time of day as \"HH:MM\", from 00:00 to 23:59";
        deserializer.deserialize_str(Text {
            remedy,
            read: ClockTime::parse,
        })
    }
}

/// Reads text while the reader still stands at it, so that a problem points there.
struct Text<T> {
    /// What to write instead.
    remedy: &'static str,
    read: fn(&str) -> Option<T>,
}

impl<T> de::Visitor<'_> for Text<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.remedy)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        (self.read)(text).ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
    }
}

impl JsonSchema for ClockTime {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ClockTime".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::facts;

    fn covers(json: &str, at: &str) -> bool {
        let schedule: Schedule = serde_json::from_str(json).expect(json);
        schedule.covers(&facts().at(at).points().order)
    }

    #[test]
    fn both_ends_of_days_and_hours_are_included() {
        let days = r#"{"from": "2026-05-01", "until": "2026-05-03"}"#;
        assert!(!covers(days, "2026-04-30T23:59:59+08:00"));
        assert!(covers(days, "2026-05-01T00:00:00+08:00"));
        assert!(covers(days, "2026-05-03T23:59:59+08:00"));
        assert!(!covers(days, "2026-05-04T00:00:00+08:00"));
        let hours = r#"{"hours": [{"from": "14:00", "until": "16:59"}]}"#;
        assert!(!covers(hours, "2026-05-01T13:59:59+08:00"));
        assert!(covers(hours, "2026-05-01T14:00:00+08:00"));
        assert!(covers(hours, "2026-05-01T16:59:59+08:00"));
        assert!(!covers(hours, "2026-05-01T17:00:00+08:00"));
    }

    #[test]
    fn hours_may_pass_midnight_and_follow_the_stores_clock() {
        let night = r#"{"hours": [{"from": "22:00", "until": "01:59"}]}"#;
        assert!(covers(night, "2026-05-01T23:00:00+08:00"));
        assert!(covers(night, "2026-05-01T01:00:00+08:00"));
        assert!(!covers(night, "2026-05-01T02:00:00+08:00"));
        assert!(covers(night, "2026-05-01T22:00:00-03:00"));
    }

    #[test]
    fn weekdays_are_those_of_the_business_day() {
        // 1 May 2026 is a Friday.
        assert!(covers(
            r#"{"weekdays": ["friday"]}"#,
            "2026-05-01T10:00:00+08:00"
        ));
        assert!(!covers(
            r#"{"weekdays": ["monday", "sunday"]}"#,
            "2026-05-01T10:00:00+08:00"
        ));
    }

    #[test]
    fn a_schedule_that_leaves_no_day_is_a_problem() {
        let schedule: Schedule =
            serde_json::from_str(r#"{"from": "2026-05-02", "until": "2026-05-01"}"#)
                .expect("dates");
        assert_eq!(schedule.problems("/when")[0].pointer, "/when/until");
        assert!(serde_json::from_str::<ClockTime>("\"24:00\"").is_err());
        assert!(serde_json::from_str::<ClockTime>("\"9:00\"").is_err());
    }
}
