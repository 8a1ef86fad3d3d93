//! How many commands a batch may take.
//!
//! A batch costs something once (its trips, its flush) and something for each command. Where the flush is slow a large
//! batch shares it among many; where it is fast a large one only makes the tills behind it wait. So the limit follows
//! what batches were seen to cost: as many commands as make up [`SHARES`] times what a batch costs by itself.

use std::time::Duration;

/// What the commands of a batch cost together, in multiples of what the batch costs by itself. At eight the flush takes
/// a ninth of the time.
const SHARES: i128 = 8;
/// What a batch may take in any case, so that bulk work gets on.
const LEAST: usize = 16;
/// One part in this many of what was learned is forgotten with each batch: about as many count.
const REMEMBERED: i128 = 64;
/// The sums below are kept in parts of one, so that forgetting a share of them does not round them away.
const PARTS: i128 = 256;
/// Greater batches and longer times than these count as these, so that no product below overflows.
const MOST_COMMANDS: i128 = 1 << 20;
const LONGEST: i128 = 60_000_000;

/// Learns what batches cost: a line through size and microseconds by least squares, older batches counting less.
#[derive(Debug)]
pub(super) struct Pace {
    most: usize,
    limit: usize,
    weight: i128,
    size: i128,
    micros: i128,
    size_size: i128,
    size_micros: i128,
}

impl Pace {
    /// Begins with `most`, which is never exceeded.
    pub(super) fn new(most: usize) -> Self {
        Self {
            most,
            limit: most,
            weight: 0,
            size: 0,
            micros: 0,
            size_size: 0,
            size_micros: 0,
        }
    }

    /// Commands the next batch may take.
    pub(super) fn limit(&self) -> usize {
        self.limit
    }

    /// Hears what a batch cost from its first statement to its answered commit.
    pub(super) fn learn(&mut self, commands: usize, took: Duration) {
        let size = (commands as i128).min(MOST_COMMANDS);
        let micros = i128::try_from(took.as_micros()).map_or(LONGEST, |micros| micros.min(LONGEST));
        for (sum, value) in [
            (&mut self.weight, 1),
            (&mut self.size, size),
            (&mut self.micros, micros),
            (&mut self.size_size, size * size),
            (&mut self.size_micros, size * micros),
        ] {
            *sum += PARTS * value - *sum / REMEMBERED;
        }
        // The line's slope is `rise / spread`: what a command costs. Its height at zero is what the batch costs.
        let spread = self.weight * self.size_size - self.size * self.size;
        let rise = self.weight * self.size_micros - self.size * self.micros;
        if spread < self.weight * self.weight {
            // Sizes that vary by less than a command tell nothing.
            return;
        }
        self.limit = if rise > 0 {
            let at_zero = (self.micros * spread - rise * self.size).max(0);
            let limit = SHARES * at_zero / (self.weight * rise);
            usize::try_from(limit).unwrap_or(self.most)
        } else {
            self.most
        }
        .max(LEAST)
        .min(self.most);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Batches of one to forty commands at these costs, microseconds.
    fn after(pace: &mut Pace, of_the_batch: u64, of_a_command: u64) -> usize {
        for round in 0..400 {
            let size = 1 + round * 7 % 40;
            let took = of_the_batch + of_a_command * size;
            pace.learn(size as usize, Duration::from_micros(took));
        }
        pace.limit()
    }

    #[test]
    fn a_slow_flush_is_shared_by_more_commands_than_a_fast_one() {
        let mut pace = Pace::new(256);
        assert_eq!(pace.limit(), 256);
        let fast = after(&mut pace, 1_500, 300);
        assert!((39..=41).contains(&fast), "{fast}");
        // The disk is replaced while the host runs.
        let slow = after(&mut pace, 6_000, 300);
        assert!((155..=165).contains(&slow), "{slow}");
        assert_eq!(after(&mut pace, 60_000, 300), 256);
    }

    #[test]
    fn a_limit_stays_between_what_bulk_work_needs_and_what_the_settings_say() {
        assert_eq!(after(&mut Pace::new(256), 0, 5_000), LEAST);
        assert_eq!(after(&mut Pace::new(256), 5_000, 0), 256);
        assert_eq!(after(&mut Pace::new(8), 0, 5_000), 8);
    }

    #[test]
    fn batches_of_one_size_change_nothing() {
        let mut pace = Pace::new(256);
        for _ in 0..1_000 {
            pace.learn(1, Duration::from_millis(2));
        }
        assert_eq!(pace.limit(), 256);
    }
}
