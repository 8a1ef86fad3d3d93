//! When a rule applies: days, weekdays and hours in the store's own time, ready for a configuration.

use chrono::{Datelike, NaiveDate, Timelike};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use crate::calendar::{CalendarDay, ClockTime, MonthDay};
use crate::types::{ConfigProblem, Order};

/// Most entries of one list of days.
const DAYS_MAX: usize = 400;

/// Days and hours. The day must lie between the first and the last one, be named in one of the lists of days
/// (every day when all of them are empty) and not be excepted; the time must lie in one of the hours. Both ends
/// of each stretch are included.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Schedule {
    /// First business day.
    #[schemars(title = "First day")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<CalendarDay>,
    /// Last business day.
    #[schemars(title = "Last day")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<CalendarDay>,
    /// Weekdays of the business day.
    #[schemars(title = "Weekdays", extend("examples" = [["saturday", "sunday"]]))]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub weekdays: Vec<Weekday>,
    /// Days of the month, such as 8, 18 and 28. A month without the day leaves it out.
    #[schemars(title = "Days of the month", extend("examples" = [[8, 18, 28]]))]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub month_days: Vec<u8>,
    /// The same days every year.
    #[schemars(title = "Days of the year", extend("examples" = [["01-01", "10-01"]]))]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub year_days: Vec<MonthDay>,
    /// Single days, such as the holidays of a lunar calendar, year by year.
    #[schemars(title = "Single days", extend("examples" = [["2026-02-17", "2027-02-06"]]))]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub dates: Vec<CalendarDay>,
    /// Single days that do not count, whatever else names them.
    #[schemars(title = "Except days", extend("examples" = [["2026-02-14"]]))]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub except_dates: Vec<CalendarDay>,
    /// Hours on the store's clock; the whole day when empty.
    #[schemars(title = "Hours", extend("examples" = [[{"from": "14:00", "until": "16:59"}]]))]
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

impl Schedule {
    /// Whether an order falls into it.
    pub fn covers(&self, order: &Order) -> bool {
        self.is_always() || self.covers_day(order.business_day()) && self.covers_minute(order)
    }

    fn covers_day(&self, day: NaiveDate) -> bool {
        let single = CalendarDay(day);
        self.from.is_none_or(|from| from <= single)
            && self.until.is_none_or(|until| single <= until)
            && !self.except_dates.contains(&single)
            && (self.names_no_days() || self.names(day))
    }

    fn names_no_days(&self) -> bool {
        self.weekdays.is_empty()
            && self.month_days.is_empty()
            && self.year_days.is_empty()
            && self.dates.is_empty()
    }

    fn names(&self, day: NaiveDate) -> bool {
        self.weekdays.contains(&Weekday::of(day))
            || self.dates.contains(&CalendarDay(day))
            || self.year_days.contains(&MonthDay::of(day))
            || self
                .month_days
                .iter()
                .any(|one| u32::from(*one) == day.day())
    }

    fn covers_minute(&self, order: &Order) -> bool {
        if self.hours.is_empty() {
            return true;
        }
        let time = order.local_time();
        let clock = |number: u32| u16::try_from(number).unwrap_or(0);
        let now = ClockTime::new(clock(time.hour()), clock(time.minute()));
        now.is_some_and(|now| self.hours.iter().any(|hours| hours.cover(now)))
    }

    /// Whether it leaves everything open.
    pub fn is_always(&self) -> bool {
        self.from.is_none()
            && self.until.is_none()
            && self.names_no_days()
            && self.except_dates.is_empty()
            && self.hours.is_empty()
    }

    /// What contradicts itself, for a rule's `check`; `pointer` is where the schedule stands.
    pub fn problems(&self, pointer: &str) -> Vec<ConfigProblem> {
        let mut problems = Vec::new();
        let mut say = |place: String, message: &str| {
            problems.push(ConfigProblem::at(format!("{pointer}/{place}"), message));
        };
        if let (Some(from), Some(until)) = (self.from, self.until)
            && until < from
        {
            say(
                "until".into(),
                "must not be before `from`, else no day is left",
            );
        }
        for (position, day) in self.month_days.iter().enumerate() {
            if !(1..=31).contains(day) {
                say(
                    format!("month_days/{position}"),
                    "must be a day of a month, 1 to 31",
                );
            }
        }
        let twice = "stands twice; leave one of them out";
        let mut once = |name: &str, repeated: Vec<usize>| {
            for position in repeated {
                say(format!("{name}/{position}"), twice);
            }
        };
        once("weekdays", repeated(&self.weekdays));
        once("month_days", repeated(&self.month_days));
        once("year_days", repeated(&self.year_days));
        once("dates", repeated(&self.dates));
        once("except_dates", repeated(&self.except_dates));
        for (name, count) in [
            ("dates", self.dates.len()),
            ("except_dates", self.except_dates.len()),
        ] {
            if count > DAYS_MAX {
                say(name.into(), "must have at most 400 days");
            }
        }
        for (position, date) in self.dates.iter().enumerate() {
            if self.except_dates.contains(date) {
                say(
                    format!("dates/{position}"),
                    "is excepted too; leave it out of one of the lists",
                );
            }
        }
        for (position, hours) in self.hours.iter().enumerate() {
            let before = &self.hours[..position];
            if before.iter().any(|other| other.overlap(*hours)) {
                say(
                    format!("hours/{position}"),
                    "overlaps the hours before it; join them or change one of them",
                );
            }
        }
        problems
    }
}

/// Positions of what stands before already.
fn repeated<T: PartialEq>(list: &[T]) -> Vec<usize> {
    let is_repeated =
        |(position, one): (usize, &T)| list[..position].contains(one).then_some(position);
    list.iter().enumerate().filter_map(is_repeated).collect()
}

impl Hours {
    fn cover(self, now: ClockTime) -> bool {
        if self.from <= self.until {
            self.from <= now && now <= self.until
        } else {
            self.from <= now || now <= self.until
        }
    }

    /// Two stretches share a minute exactly when one begins within the other.
    fn overlap(self, other: Hours) -> bool {
        self.cover(other.from) || other.cover(self.from)
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
    fn a_day_counts_when_any_list_names_it_and_none_excepts_it() {
        // Weekends, the eighth of each month, New Year and Spring Festival, but not 14 February.
        let days = r#"{"weekdays": ["saturday", "sunday"], "month_days": [8], "year_days": ["01-01"],
            "dates": ["2026-02-17", "2027-02-06"], "except_dates": ["2026-02-14"]}"#;
        for (day, expected) in [
            ("2026-02-15", true),
            ("2026-02-14", false),
            ("2026-02-16", false),
            ("2026-02-17", true),
            ("2027-02-17", false),
            ("2026-04-08", true),
            ("2026-01-01", true),
            ("2031-01-01", true),
        ] {
            assert_eq!(
                covers(days, &format!("{day}T10:00:00+08:00")),
                expected,
                "{day}"
            );
        }
        let first_half = r#"{"month_days": [31], "until": "2026-05-30"}"#;
        assert!(covers(first_half, "2026-03-31T10:00:00+08:00"));
        assert!(!covers(first_half, "2026-05-31T10:00:00+08:00"));
    }

    #[test]
    fn contradictions_are_problems_with_their_place() {
        for (json, pointer) in [
            (
                r#"{"from": "2026-05-02", "until": "2026-05-01"}"#,
                "/when/until",
            ),
            (r#"{"weekdays": ["monday", "monday"]}"#, "/when/weekdays/1"),
            (r#"{"month_days": [0]}"#, "/when/month_days/0"),
            (r#"{"month_days": [1, 32]}"#, "/when/month_days/1"),
            (r#"{"year_days": ["05-01", "05-01"]}"#, "/when/year_days/1"),
            (
                r#"{"dates": ["2026-05-01"], "except_dates": ["2026-05-01"]}"#,
                "/when/dates/0",
            ),
            (
                r#"{"hours": [{"from": "09:00", "until": "11:00"}, {"from": "11:00", "until": "12:00"}]}"#,
                "/when/hours/1",
            ),
            (
                r#"{"hours": [{"from": "08:00", "until": "09:00"}, {"from": "22:00", "until": "08:30"}]}"#,
                "/when/hours/1",
            ),
        ] {
            let schedule: Schedule = serde_json::from_str(json).expect(json);
            let pointers: Vec<_> = schedule
                .problems("/when")
                .into_iter()
                .map(|problem| problem.pointer)
                .collect();
            assert_eq!(pointers, [pointer], "{json}");
        }
        let apart = r#"{"hours": [{"from": "09:00", "until": "10:59"}, {"from": "11:00", "until": "12:00"}]}"#;
        let schedule: Schedule = serde_json::from_str(apart).expect(apart);
        assert_eq!(schedule.problems("/when"), []);
    }
}
