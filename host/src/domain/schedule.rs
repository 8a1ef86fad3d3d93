//! When a binding is live, in the store's own calendar and clock.

use serde::{Deserialize, Serialize};

use super::time::Day;

/// All parts must hold; an absent part always holds. Both ends are inclusive.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Schedule {
    /// First business day, in days since 1970-01-01.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Day>,
    /// Last business day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Day>,
    /// ISO 8601: 1 is Monday, 7 is Sunday; every day when empty.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub weekdays: Vec<u8>,
    /// Minutes after midnight; where the first is later than the last, the time runs over midnight.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub minutes: Option<(u16, u16)>,
}

/// A schedule that could never be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the schedule is refused at `{pointer}`: {remedy}")]
pub struct ScheduleError {
    pub pointer: &'static str,
    pub remedy: &'static str,
}

const MINUTES_OF_DAY: u16 = 24 * 60;

impl Schedule {
    /// Checks a schedule when a binding is made.
    pub fn validate(&self) -> Result<(), ScheduleError> {
        let ensure = |good: bool, pointer, remedy| {
            if good {
                Ok(())
            } else {
                Err(ScheduleError { pointer, remedy })
            }
        };
        let ordered = !matches!((self.from, self.until), (Some(from), Some(until)) if until < from);
        ensure(
            ordered,
            "/until",
            "give a last day that is not before the first",
        )?;
        let known =
            self.weekdays.len() <= 7 && self.weekdays.iter().all(|day| (1..=7).contains(day));
        ensure(
            known,
            "/weekdays",
            "give weekdays from 1 (Monday) to 7 (Sunday)",
        )?;
        let in_day = self
            .minutes
            .is_none_or(|(from, to)| from < MINUTES_OF_DAY && to < MINUTES_OF_DAY);
        ensure(in_day, "/minutes", "give minutes from 0 to 1439")
    }

    /// Whether the schedule covers a business day and a minute of it.
    pub fn covers(&self, day: Day, minute: u16) -> bool {
        let in_days =
            self.from.is_none_or(|from| from <= day) && self.until.is_none_or(|until| day <= until);
        let on_weekday = self.weekdays.is_empty() || self.weekdays.contains(&weekday(day));
        let in_minutes = self.minutes.is_none_or(|(from, to)| {
            if from <= to {
                (from..=to).contains(&minute)
            } else {
                minute >= from || minute <= to
            }
        });
        in_days && on_weekday && in_minutes
    }
}

/// ISO weekday; 1970-01-01 was a Thursday.
fn weekday(day: Day) -> u8 {
    // In range by construction: a remainder of seven plus one.
    (i64::from(day.0) + 3).rem_euclid(7) as u8 + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ends_of_a_schedule_are_inclusive() {
        let schedule = Schedule {
            from: Some(Day(10)),
            until: Some(Day(12)),
            ..Schedule::default()
        };
        let live: Vec<i32> = (8..15)
            .filter(|day| schedule.covers(Day(*day), 0))
            .collect();
        assert_eq!(live, [10, 11, 12]);
    }

    #[test]
    fn a_late_hour_may_run_over_midnight() {
        let schedule = Schedule {
            minutes: Some((22 * 60, 120)),
            ..Schedule::default()
        };
        let live = [23 * 60, 60, 120].map(|minute| schedule.covers(Day(0), minute));
        assert_eq!(live, [true; 3]);
        assert!(!schedule.covers(Day(0), 121) && !schedule.covers(Day(0), 21 * 60));
    }

    #[test]
    fn weekdays_follow_the_calendar() {
        // 2026-11-21 is a Saturday.
        assert_eq!(weekday(Day(20_778)), 6);
        assert_eq!(weekday(Day(-1)), 3);
    }

    #[test]
    fn a_schedule_that_ends_before_it_begins_is_refused() {
        let schedule = Schedule {
            from: Some(Day(2)),
            until: Some(Day(1)),
            ..Schedule::default()
        };
        assert_eq!(schedule.validate().unwrap_err().pointer, "/until");
    }
}
