//! Days something was paid for, and what of the price they have earned.
//!
//! What is paid for a period is no revenue yet when it is sold. It becomes revenue day by day, each day once it is over:
//! after so many days of a period the same share of the price, rounded down, and all of it after the last. Whoever asks
//! twice, or after several days, comes to the same sum.

use tessera_money::{Overflow, Rounding, mul_div};

use super::time::Day;

/// Business days, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    pub first: Day,
    pub last: Day,
}

impl Period {
    pub fn days(self) -> i64 {
        self.over(self.last)
    }

    pub fn contains(self, day: Day) -> bool {
        self.first <= day && day <= self.last
    }

    /// Days of it that are over at the end of a day.
    pub fn over(self, through: Day) -> i64 {
        let through = through.min(self.last);
        (i64::from(through.0) - i64::from(self.first.0) + 1).max(0)
    }

    /// What of `paid` its days have earned by the end of a day.
    ///
    /// # Errors
    /// When the amounts are beyond all reason.
    pub fn earned(self, paid: i64, through: Day) -> Result<i64, Overflow> {
        match self.days() {
            0 => Ok(paid),
            days => mul_div(paid, self.over(through), days, Rounding::Down),
        }
    }

    /// Days that are left on a day. A day that has begun counts as used, unless it is said to be unused.
    pub fn left(self, today: Day, today_is_used: bool) -> i64 {
        let used = match today_is_used {
            true => today,
            false => today.plus_days(-1),
        };
        self.days() - self.over(used)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const JUNE: Period = Period {
        first: Day(100),
        last: Day(129),
    };

    #[test]
    fn a_period_earns_its_price_day_by_day_and_exactly() {
        for paid in [0, 1, 29, 30, 17_699, 1_000_000_007] {
            let earned = |day| JUNE.earned(paid, Day(day)).expect("small");
            assert_eq!((earned(99), earned(129), earned(500)), (0, paid, paid));
            let mut before = 0;
            for day in 100..130 {
                let step = earned(day) - before;
                assert!(step == paid / 30 || step == paid / 30 + 1);
                before = earned(day);
            }
        }
    }

    #[test]
    fn a_day_that_has_begun_counts_as_used_unless_it_was_not() {
        assert_eq!(JUNE.left(Day(90), true), 30);
        assert_eq!(JUNE.left(Day(100), false), 30);
        assert_eq!(JUNE.left(Day(100), true), 29);
        assert_eq!(JUNE.left(Day(129), true), 0);
        assert_eq!(JUNE.left(Day(130), false), 0);
        assert!(JUNE.contains(Day(129)) && !JUNE.contains(Day(130)));
    }
}
