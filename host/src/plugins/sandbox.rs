//! One call in a fresh store: its limits, its memory, its time, and what its failure means.
//!
//! The store is dropped after the call whatever came of it, so no call sees what an earlier one left.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use wasmtime::component::{Instance, InstancePre};
use wasmtime::{ResourceLimiter, Store, Trap};

use super::engine::EngineSettings;
use super::fault::FaultReason;
use super::limits;
use super::v0_1::Severity;

/// How often the deadline is looked at.
pub(super) const TICK: Duration = Duration::from_millis(5);
/// Bytes a plugin may hand to the host in one call or answer.
const ANSWER_BYTES: usize = 1024 * 1024;
/// Bytes of one line in the log, as the contract says.
const LOG_LINE_BYTES: usize = 1_000;
/// Entries of a table, that is functions a plugin may call indirectly.
const TABLE_ENTRIES: usize = 10_000;
const ERROR_BYTES: usize = 500;

/// What a store knows about the plugin inside it.
pub(super) struct Guest {
    plugin: Arc<str>,
    memory_limit: usize,
    memory_refused: bool,
    log_left: usize,
}

impl Guest {
    /// Passes a line of the plugin to the host's log, as long as its share lasts.
    pub fn write_log(&mut self, severity: Severity, text: &str) {
        if self.log_left == 0 {
            return;
        }
        let line = limits::tidy(text, LOG_LINE_BYTES.min(self.log_left));
        self.log_left = self.log_left.saturating_sub(line.len().max(1));
        let plugin = &*self.plugin;
        match severity {
            Severity::Debug => tracing::debug!(target: "tessera::plugin", plugin, "{line}"),
            Severity::Info => tracing::info!(target: "tessera::plugin", plugin, "{line}"),
            Severity::Warn => tracing::warn!(target: "tessera::plugin", plugin, "{line}"),
        }
    }
}

#[derive(Debug, thiserror::Error)]
#[error("memory limit reached")]
struct MemoryRefused;

impl ResourceLimiter for Guest {
    fn memory_growing(
        &mut self,
        _current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        if desired > self.memory_limit {
            self.memory_refused = true;
            return Err(MemoryRefused.into());
        }
        Ok(true)
    }

    fn table_growing(
        &mut self,
        _current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(desired <= TABLE_ENTRIES)
    }
}

/// Places in the pool of instances. A call waits for one rather than fail, so that how much is going
/// on never decides an answer.
pub(super) struct Slots {
    count: Mutex<Count>,
    freed: Condvar,
}

struct Count {
    free: u32,
    /// Calls that wait: waking nobody would still be a system call.
    waiting: u32,
}

impl Slots {
    pub fn new(count: u32) -> Self {
        Self {
            count: Mutex::new(Count {
                free: count,
                waiting: 0,
            }),
            freed: Condvar::new(),
        }
    }

    fn take(&self) -> Slot<'_> {
        let mut count = self.lock();
        while count.free == 0 {
            count.waiting += 1;
            count = self
                .freed
                .wait(count)
                .unwrap_or_else(PoisonError::into_inner);
            count.waiting -= 1;
        }
        count.free -= 1;
        Slot(self)
    }

    fn lock(&self) -> MutexGuard<'_, Count> {
        self.count.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Slot<'a>(&'a Slots);

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        let mut count = self.0.lock();
        count.free += 1;
        if count.waiting > 0 {
            self.0.freed.notify_one();
        }
    }
}

/// What came of one call.
pub(super) struct Run<R> {
    pub result: Result<R, FaultReason>,
    /// Spent by the call, instantiation included; exact and the same on every machine.
    pub fuel: u64,
    pub elapsed: Duration,
}

/// Makes a fresh instance, calls it once and drops it.
pub(super) fn run<R>(
    slots: &Slots,
    settings: &EngineSettings,
    plugin: &Arc<str>,
    pre: &InstancePre<Guest>,
    call: impl FnOnce(&mut Store<Guest>, &Instance) -> wasmtime::Result<R>,
) -> Run<R> {
    let _slot = slots.take();
    let started = Instant::now();
    let mut store = store(settings, plugin, pre);
    let outcome = match store.set_fuel(settings.fuel) {
        Ok(()) => pre
            .instantiate(&mut store)
            .and_then(|instance| call(&mut store, &instance)),
        Err(error) => Err(error),
    };
    let fuel = settings.fuel.saturating_sub(store.get_fuel().unwrap_or(0));
    let result = outcome.map_err(|error| reason(&error, store.data(), settings));
    drop(store);
    Run {
        result,
        fuel,
        elapsed: started.elapsed(),
    }
}

fn store(settings: &EngineSettings, plugin: &Arc<str>, pre: &InstancePre<Guest>) -> Store<Guest> {
    let guest = Guest {
        plugin: Arc::clone(plugin),
        memory_limit: settings.memory_bytes,
        memory_refused: false,
        log_left: settings.log_bytes,
    };
    let mut store = Store::new(pre.engine(), guest);
    store.limiter(|guest| guest);
    store.set_hostcall_fuel(ANSWER_BYTES);
    // One tick may be about to pass, so the deadline is never shorter than promised.
    let ticks = settings.deadline.as_millis().div_ceil(TICK.as_millis());
    store.set_epoch_deadline(
        u64::try_from(ticks)
            .unwrap_or(u64::MAX / 2)
            .saturating_add(1),
    );
    store
}

fn reason(error: &wasmtime::Error, guest: &Guest, settings: &EngineSettings) -> FaultReason {
    if guest.memory_refused {
        return FaultReason::OutOfMemory(settings.memory_bytes as u64);
    }
    match error.downcast_ref::<Trap>() {
        Some(Trap::OutOfFuel) => FaultReason::OutOfFuel(settings.fuel),
        Some(Trap::Interrupt) => FaultReason::DeadlinePassed(
            u64::try_from(settings.deadline.as_millis()).unwrap_or(u64::MAX),
        ),
        Some(trap) => FaultReason::Trapped(trap.to_string()),
        None => FaultReason::Trapped(limits::tidy(&error.root_cause().to_string(), ERROR_BYTES)),
    }
}
