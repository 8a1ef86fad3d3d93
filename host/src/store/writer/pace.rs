//! How many commands a batch may take.
//!
//! A batch costs something once (its trips, its flush) and something for each command. Where the flush is slow a large
//! batch shares it among many; where it is fast a large one only makes the tills behind it wait. So the limit follows
//! what batches were seen to cost: as many commands as make up [`SHARES`] times what a batch costs by itself.

use std::time::Duration;

/// What the commands of a batch cost together, in multiples of what the batch costs by itself. At eight the flush takes
/// a ninth of the time.
const SHARES: f64 = 8.0;
/// What a batch may take in any case, so that bulk work gets on.
const LEAST: usize = 16;
/// Part of what was learned that one more batch leaves: about the last 64 count.
const KEPT: f64 = 1.0 - 1.0 / 64.0;
/// Batches whose sizes vary by less tell nothing about what a command costs, commands squared.
const SPREAD: f64 = 1.0;

/// Learns what batches cost: a line through size and time by least squares, older batches counting less.
#[derive(Debug)]
pub(super) struct Pace {
    most: usize,
    limit: usize,
    weight: f64,
    size: f64,
    micros: f64,
    size_size: f64,
    size_micros: f64,
}

impl Pace {
    /// Begins with `most`, which is never exceeded.
    pub(super) fn new(most: usize) -> Self {
        Self {
            most,
            limit: most,
            weight: 0.0,
            size: 0.0,
            micros: 0.0,
            size_size: 0.0,
            size_micros: 0.0,
        }
    }

    /// Commands the next batch may take.
    pub(super) fn limit(&self) -> usize {
        self.limit
    }

    /// Hears what a batch cost from its first statement to its answered commit.
    pub(super) fn learn(&mut self, commands: usize, took: Duration) {
        let (size, micros) = (commands as f64, took.as_secs_f64() * 1e6);
        for (sum, value) in [
            (&mut self.weight, 1.0),
            (&mut self.size, size),
            (&mut self.micros, micros),
            (&mut self.size_size, size * size),
            (&mut self.size_micros, size * micros),
        ] {
            *sum = *sum * KEPT + value;
        }
        let (mean_size, mean_micros) = (self.size / self.weight, self.micros / self.weight);
        let spread = self.size_size / self.weight - mean_size * mean_size;
        if spread < SPREAD {
            return;
        }
        let of_a_command = (self.size_micros / self.weight - mean_size * mean_micros) / spread;
        let of_the_batch = mean_micros - of_a_command * mean_size;
        if of_a_command > 0.0 {
            let limit = (SHARES * of_the_batch.max(0.0) / of_a_command) as usize;
            self.limit = limit.max(LEAST).min(self.most);
        } else {
            self.limit = self.most;
        }
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
