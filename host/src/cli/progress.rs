//! What a long transfer shows while it runs, and what it took.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use crate::store::transfer::Step;

/// A bar on a terminal, nothing elsewhere.
pub struct Shown {
    bar: ProgressBar,
    started: Instant,
}

impl Shown {
    pub fn start() -> Self {
        let bar = ProgressBar::new(0);
        let style = ProgressStyle::with_template(
            "{msg} {wide_bar} {human_pos}/{human_len} rows, {per_sec}, {eta} left",
        );
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.enable_steady_tick(Duration::from_millis(200));
        Self {
            bar,
            started: Instant::now(),
        }
    }

    pub fn hear(&self) -> impl FnMut(Step) + Send + use<> {
        let bar = self.bar.clone();
        move |step| match step {
            Step::Doing(what) => {
                bar.reset();
                bar.set_message(what);
            }
            Step::Total(rows) => bar.set_length(rows),
            Step::Rows(rows) => bar.inc(rows),
        }
    }

    /// Ends the bar; says how long it took and what that is in rows per second.
    pub fn end(self, rows: u64) -> String {
        self.bar.finish_and_clear();
        let millis = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let speed = rows.saturating_mul(1000) / millis.max(1);
        format!(
            "{}.{} s, {speed} rows/s",
            millis / 1000,
            millis % 1000 / 100
        )
    }
}
