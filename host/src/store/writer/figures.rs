//! What the writer has done since it started, for those who watch it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Counted since the start of the process.
#[derive(Debug, Default)]
pub struct Figures {
    batches: AtomicU64,
    commands: AtomicU64,
    micros: AtomicU64,
    lost_races: AtomicU64,
}

impl Figures {
    pub(super) fn committed(&self, commands: usize, took: Duration) {
        let add = |counter: &AtomicU64, by: u64| counter.fetch_add(by, Ordering::Relaxed);
        add(&self.batches, 1);
        add(&self.commands, commands as u64);
        add(
            &self.micros,
            u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
        );
    }

    pub(super) fn lost_a_race(&self) {
        self.lost_races.fetch_add(1, Ordering::Relaxed);
    }

    /// Transactions committed.
    pub fn batches(&self) -> u64 {
        self.batches.load(Ordering::Relaxed)
    }

    /// Commands committed in them.
    pub fn commands(&self) -> u64 {
        self.commands.load(Ordering::Relaxed)
    }

    /// Time between the first statement and the answered COMMIT of all of them, microseconds.
    pub fn micros(&self) -> u64 {
        self.micros.load(Ordering::Relaxed)
    }

    /// Batches that found a row changed by another host and were tried again.
    pub fn lost_races(&self) -> u64 {
        self.lost_races.load(Ordering::Relaxed)
    }
}
