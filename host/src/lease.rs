//! Which of several hosts runs the jobs.
//!
//! The lease is a counter of the ledger: whoever raises it by one holds it under the number it then has, and every
//! command of a job shows that number, so a host that slept through a takeover writes nothing more. No clocks are
//! compared: a host that sees no sign of life for a while, by its own stopwatch, takes the lease over.

use std::time::{Duration, Instant};

use tokio::sync::Mutex;

use crate::checkout::CheckoutError;
use crate::domain::ledger::{Command, EventRow, Record, Refusal, Step, Subject, lease};
use crate::domain::time::Day;
use crate::host::Host;
use crate::store::counters;
use crate::store::db::Dialect;

/// What all jobs share.
const JOBS: &str = "jobs";

/// This host's view of the lease.
#[derive(Debug)]
pub struct Lease {
    /// How long another host may be silent before its lease is taken over.
    patience: Duration,
    view: Mutex<View>,
}

#[derive(Debug, Default)]
struct View {
    /// The number this host holds.
    held: Option<i64>,
    /// What the row looked like, and since when it has.
    seen: Option<((i64, i64), Instant)>,
}

impl Lease {
    pub fn new(patience: Duration) -> Self {
        Self {
            patience,
            view: Mutex::default(),
        }
    }

    /// Whether this host held the lease when it last looked.
    pub async fn is_held(&self) -> bool {
        self.view.lock().await.held.is_some()
    }

    /// What a command of a job has to show; none while another host runs the jobs.
    ///
    /// # Errors
    /// When the database cannot be read or written.
    pub async fn hold(&self, host: &Host, day: Day) -> Result<Option<Step>, CheckoutError> {
        let mut view = self.view.lock().await;
        if let Some(number) = view.held {
            let mut alive = command(host, day);
            alive.steps.push(shown(number));
            match host.writer.submit_bulk(alive).await {
                Ok(_) => return Ok(Some(shown(number))),
                Err(Refusal::LeaseLost { .. }) => view.held = None,
                Err(refusal) => return Err(refusal.into()),
            }
        }
        let mut conn = host.db.read().await?;
        let row = counters::standing(&mut conn, &lease(JOBS)).await?;
        drop(conn);
        let row = row.unwrap_or_default();
        if !view.may_take(row, host.db.dialect() == Dialect::Sqlite, self.patience) {
            return Ok(None);
        }
        view.seen = None;
        let number = row.0 + 1;
        match host.writer.submit_bulk(taking(host, day, number)).await {
            Ok(_) => {
                view.held = Some(number);
                Ok(Some(shown(number)))
            }
            // Another host was faster.
            Err(Refusal::CounterLimit { .. }) => Ok(None),
            Err(refusal) => Err(refusal.into()),
        }
    }
}

impl View {
    /// Whether the lease is free: never held, of a host that cannot run any more (a data folder has one owner), or
    /// silent for long.
    fn may_take(&mut self, row: (i64, i64), one_owner: bool, patience: Duration) -> bool {
        if one_owner || row.0 == 0 {
            return true;
        }
        match self.seen {
            Some((seen, since)) if seen == row => since.elapsed() >= patience,
            _ => {
                self.seen = Some((row, Instant::now()));
                false
            }
        }
    }
}

fn shown(number: i64) -> Step {
    Step::Lease {
        name: JOBS.to_owned(),
        number,
    }
}

fn command(host: &Host, day: Day) -> Command {
    Command::new("lease", Subject::new("lease", JOBS), host.clock.now(), day)
}

/// Raises the lease to `number`, unless somebody has.
fn taking(host: &Host, day: Day, number: i64) -> Command {
    let (owner, name) = lease(JOBS);
    let mut command = command(host, day);
    command.steps.push(Step::Counter {
        owner,
        name,
        change: 1,
        limit: Some(number),
        floor: None,
        enforce: true,
    });
    command.records.push(Record::Event(EventRow {
        kind: "jobs.taken".to_owned(),
        subject: JOBS.to_owned(),
        store: None,
        payload: serde_json::json!({ "writer": host.writer.id(), "number": number }).to_string(),
    }));
    command
}
