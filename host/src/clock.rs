//! What time it is, and what day that is in a store.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use chrono::{DateTime, Datelike, Months, NaiveDate, Offset, Utc};
use chrono_tz::Tz;

use crate::domain::time::{Day, Instant};

/// The source of every instant the host writes down.
#[derive(Debug, Clone)]
pub enum Clock {
    /// The machine's own, and by how many microseconds another clock it goes by is ahead of it.
    System(Arc<AtomicI64>),
    /// Stands still until it is moved; for scenarios and for filling a demo year.
    Set(Arc<AtomicI64>),
}

/// A machine's clock that differs by less is gone by, microseconds: what ordinary synchronisation leaves.
const TOLERATED: i64 = 2_000_000;

impl Default for Clock {
    fn default() -> Self {
        Self::System(Arc::default())
    }
}

impl Clock {
    /// A clock that stands at `instant`.
    pub fn standing(instant: Instant) -> Self {
        Self::Set(Arc::new(AtomicI64::new(instant.0)))
    }

    pub fn now(&self) -> Instant {
        match self {
            Self::System(ahead) => {
                let since = SystemTime::now()
                    .duration_since(UNIX_EPOCH)
                    .unwrap_or_default();
                let micros = i64::try_from(since.as_micros()).unwrap_or(i64::MAX);
                Instant(micros.saturating_add(ahead.load(Ordering::Relaxed)))
            }
            Self::Set(micros) => Instant(micros.load(Ordering::SeqCst)),
        }
    }

    /// Goes by a clock that is so far ahead of the machine's, unless they as good as agree. Answers by how much that
    /// moved this clock; a standing one is not moved.
    pub fn follow(&self, ahead: i64) -> i64 {
        let Self::System(moved) = self else { return 0 };
        let ahead = if ahead.abs() < TOLERATED { 0 } else { ahead };
        let before = moved.load(Ordering::Relaxed);
        // Not for every breath of the network.
        if (ahead - before).abs() >= TOLERATED {
            moved.store(ahead, Ordering::Relaxed);
            return ahead - before;
        }
        0
    }

    /// By how many microseconds the clock it goes by is ahead of the machine's.
    pub fn ahead(&self) -> i64 {
        match self {
            Self::System(ahead) => ahead.load(Ordering::Relaxed),
            Self::Set(_) => 0,
        }
    }

    /// Moves a standing clock; the system's own cannot be moved.
    pub fn set(&self, instant: Instant) {
        if let Self::Set(micros) = self {
            micros.store(instant.0, Ordering::SeqCst);
        }
    }
}

/// The time zone of an IANA name.
pub fn zone(name: &str) -> Option<Tz> {
    name.parse().ok()
}

/// The calendar day of an instant in a time zone.
pub fn business_day(instant: Instant, zone: Tz) -> Day {
    day_of(utc(instant).with_timezone(&zone).date_naive())
}

/// Minutes east of UTC at an instant in a time zone.
pub fn offset_minutes(instant: Instant, zone: Tz) -> i16 {
    let seconds = utc(instant)
        .with_timezone(&zone)
        .offset()
        .fix()
        .local_minus_utc();
    i16::try_from(seconds / 60).unwrap_or(0)
}

fn utc(instant: Instant) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(instant.0).unwrap_or(DateTime::<Utc>::UNIX_EPOCH)
}

/// The day of a date.
pub fn day_of(date: NaiveDate) -> Day {
    Day(date.num_days_from_ce().saturating_sub(UNIX_DAY_FROM_CE))
}

/// The date of a day; none beyond the calendar's end.
pub fn date_of(day: Day) -> Option<NaiveDate> {
    NaiveDate::from_num_days_from_ce_opt(day.0.checked_add(UNIX_DAY_FROM_CE)?)
}

/// The last day of calendar months that begin on a day: the one before the same day of a month so many later, or that
/// month's last day where it has no such day. None beyond the calendar's end.
pub fn months_from(first: Day, months: u32) -> Option<Day> {
    let begins = date_of(first)?;
    let same = begins.checked_add_months(Months::new(months))?;
    let is_short = same.day() < begins.day();
    Some(day_of(same).plus_days(if is_short { 0 } else { -1 }))
}

/// 1970-01-01 counted from the first day of the common era.
const UNIX_DAY_FROM_CE: i32 = 719_163;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_whose_clock_is_off_goes_by_the_other_one() {
        let clock = Clock::default();
        let hour = 3_600_000_000;
        assert_eq!(clock.follow(TOLERATED - 1), 0);
        assert_eq!((clock.follow(hour), clock.ahead()), (hour, hour));
        assert_eq!((clock.follow(hour + 500_000), clock.ahead()), (0, hour));
        let machine = Clock::default().now().0;
        assert!((clock.now().0 - machine - hour).abs() < 60_000_000);
        assert_eq!((clock.follow(-3), clock.ahead()), (-hour, 0));
    }

    #[test]
    fn months_end_before_the_same_day_or_with_a_shorter_month() {
        let last = |first: &str, months| {
            let last = months_from(day_of(first.parse().unwrap()), months).unwrap();
            date_of(last).unwrap().to_string()
        };
        assert_eq!(last("2026-03-02", 1), "2026-04-01");
        assert_eq!(last("2026-01-31", 1), "2026-02-28");
        assert_eq!(last("2024-01-31", 1), "2024-02-29");
        assert_eq!(last("2026-03-01", 1), "2026-03-31");
        assert_eq!(last("2026-01-31", 3), "2026-04-30");
        assert_eq!(last("2024-02-29", 12), "2025-02-28");
        assert_eq!(last("2026-01-01", 12), "2026-12-31");
    }

    #[test]
    fn a_business_day_is_the_calendar_day_of_the_store() {
        // 2026-03-31T17:30:00Z is already April in Shanghai.
        let instant = Instant(1_774_978_200_000_000);
        let day = business_day(instant, zone("Asia/Shanghai").unwrap());
        assert_eq!(date_of(day).unwrap().to_string(), "2026-04-01");
        assert_eq!(offset_minutes(instant, zone("Asia/Shanghai").unwrap()), 480);
        assert_eq!(
            offset_minutes(instant, zone("America/New_York").unwrap()),
            -240
        );
        assert_eq!(day_of(NaiveDate::from_ymd_opt(1970, 1, 1).unwrap()), Day(0));
    }
}
