//! Counters the host keeps about itself, in the text form Prometheus reads.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Upper ends of the latency buckets, microseconds.
const BUCKETS: [u64; 9] = [
    1_000, 2_000, 5_000, 10_000, 25_000, 50_000, 100_000, 500_000, 2_000_000,
];

/// Counters since the start of the process.
#[derive(Debug, Default)]
pub struct Metrics {
    by_class: [AtomicU64; 6],
    buckets: [AtomicU64; BUCKETS.len()],
    micros: AtomicU64,
    answered: AtomicU64,
    panics: AtomicU64,
    listeners: AtomicU64,
    refusals: Mutex<BTreeMap<&'static str, u64>>,
}

impl Metrics {
    /// Counts an answer by its status and how long it took.
    pub fn answered(&self, status: u16, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        if let Some(class) = self.by_class.get(usize::from(status / 100)) {
            class.fetch_add(1, Ordering::Relaxed);
        }
        if let Some(bucket) = BUCKETS.iter().position(|end| micros <= *end) {
            self.buckets[bucket].fetch_add(1, Ordering::Relaxed);
        }
        self.micros.fetch_add(micros, Ordering::Relaxed);
        self.answered.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a refusal by its code.
    pub fn refused(&self, code: &'static str) {
        let mut refusals = self.refusals.lock().unwrap_or_else(PoisonError::into_inner);
        let count = refusals.entry(code).or_default();
        *count = count.saturating_add(1);
    }

    pub fn panicked(&self) {
        self.panics.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts an event stream in unless `limit` are open; the guard counts it out.
    pub fn listen(self: &std::sync::Arc<Self>, limit: u64) -> Option<Listening> {
        self.listeners
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |open| {
                (open < limit).then_some(open + 1)
            })
            .ok()
            .map(|_| Listening(std::sync::Arc::clone(self)))
    }

    /// The whole text.
    pub fn text(&self) -> String {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let mut text = String::with_capacity(2048);
        // Writing to a String cannot fail.
        let _ = writeln!(text, "# TYPE tessera_http_responses_total counter");
        for (class, count) in self.by_class.iter().enumerate().skip(1) {
            let _ = writeln!(
                text,
                "tessera_http_responses_total{{class=\"{class}xx\"}} {}",
                load(count)
            );
        }
        let _ = writeln!(text, "# TYPE tessera_http_seconds histogram");
        let mut below = 0_u64;
        for (end, count) in BUCKETS.iter().zip(&self.buckets) {
            below = below.saturating_add(load(count));
            let _ = writeln!(
                text,
                "tessera_http_seconds_bucket{{le=\"{}\"}} {below}",
                seconds(*end)
            );
        }
        let answered = load(&self.answered);
        let _ = writeln!(
            text,
            "tessera_http_seconds_bucket{{le=\"+Inf\"}} {answered}"
        );
        let _ = writeln!(
            text,
            "tessera_http_seconds_sum {}",
            seconds(load(&self.micros))
        );
        let _ = writeln!(text, "tessera_http_seconds_count {answered}");
        let _ = writeln!(text, "# TYPE tessera_refusals_total counter");
        for (code, count) in self
            .refusals
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
        {
            let _ = writeln!(text, "tessera_refusals_total{{code=\"{code}\"}} {count}");
        }
        let _ = writeln!(
            text,
            "# TYPE tessera_panics_total counter\ntessera_panics_total {}",
            load(&self.panics)
        );
        let _ = writeln!(
            text,
            "# TYPE tessera_event_streams gauge\ntessera_event_streams {}",
            load(&self.listeners)
        );
        text
    }
}

/// Microseconds as decimal seconds, without floats.
pub fn seconds(micros: u64) -> String {
    format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000)
}

/// An open event stream.
#[derive(Debug)]
pub struct Listening(std::sync::Arc<Metrics>);

impl Drop for Listening {
    fn drop(&mut self) {
        self.0.listeners.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn answers_and_refusals_are_counted() {
        let metrics = Metrics::default();
        metrics.answered(200, Duration::from_millis(3));
        metrics.refused("not_ready");
        let text = metrics.text();
        assert!(
            text.contains("tessera_http_responses_total{class=\"2xx\"} 1"),
            "{text}"
        );
        assert!(
            text.contains("tessera_http_seconds_bucket{le=\"0.005000\"} 1"),
            "{text}"
        );
        assert!(
            text.contains("tessera_refusals_total{code=\"not_ready\"} 1"),
            "{text}"
        );
    }

    #[test]
    fn streams_are_bounded_and_counted_out() {
        let metrics = Arc::new(Metrics::default());
        let first = metrics.listen(1);
        assert!(first.is_some() && metrics.listen(1).is_none());
        drop(first);
        assert!(metrics.listen(1).is_some());
    }
}
