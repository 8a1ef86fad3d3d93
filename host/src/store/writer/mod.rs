//! The one way to write: a task that owns the writing connection and commits whole batches.
//!
//! Requests wait in bounded queues, a till's before bulk work's. The task drains what waits, loads what the
//! batch touches, applies every command in memory, persists with a few bulk statements, commits, and only
//! then answers. No request future ever holds a transaction: dropping one leaves its command running.

mod batch;
mod engine;
mod figures;
mod load;
mod persist;
mod plain;
mod records;
pub(crate) mod seal;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::future::BoxFuture;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;

use super::db::{Db, Tx};
use super::error::StoreError;
use crate::domain::ledger::{Command, Receipt, Refusal};
use crate::domain::time::Instant;
use engine::Engine;
pub use figures::Figures;
use plain::{Plain, PlainJob};

/// How the writer queues and batches.
#[derive(Debug, Clone)]
pub struct WriterSettings {
    /// Names this host in its seal sequence and system accounts; letters, digits, `-`, `_`.
    pub host: String,
    /// Commands that may wait in each lane before the host answers "busy".
    pub queue: usize,
    /// Commands per transaction.
    pub batch: usize,
    /// When the host starts.
    pub started_at: Instant,
}

impl WriterSettings {
    pub fn new(host: impl Into<String>, started_at: Instant) -> Self {
        Self {
            host: host.into(),
            queue: 4_096,
            batch: 256,
            started_at,
        }
    }
}

/// A handle to the writer task; clones share it. The task ends when the last handle is gone or one stops it.
#[derive(Clone)]
pub struct Writer {
    id: Arc<str>,
    till: mpsc::Sender<Request>,
    bulk: mpsc::Sender<Request>,
    plain: mpsc::Sender<Box<dyn PlainJob>>,
    running: Running,
    written: watch::Receiver<u64>,
    figures: Arc<Figures>,
    stop: Arc<watch::Sender<bool>>,
}

/// A command on its way, and where its answer goes.
struct Request {
    command: Command,
    key: Option<KeyGuard>,
    reply: oneshot::Sender<Result<Receipt, Refusal>>,
}

impl Request {
    fn answer(self, answer: Result<Receipt, Refusal>) {
        // First the key, so that whoever hears the answer can ask again at once.
        drop(self.key);
        // Nobody listens any more if the caller went away; the work is done all the same.
        let _ = self.reply.send(answer);
    }
}

/// Operation keys between being queued and being answered.
type Running = Arc<Mutex<HashMap<String, [u8; 32]>>>;

struct KeyGuard {
    key: String,
    running: Running,
}

impl Drop for KeyGuard {
    fn drop(&mut self) {
        self.running
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&self.key);
    }
}

impl Writer {
    /// Takes this writer's place in the database and starts the task. Await the handle after dropping every
    /// `Writer` to be sure that everything queued is written.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn start(
        db: Db,
        settings: WriterSettings,
    ) -> Result<(Self, JoinHandle<()>), StoreError> {
        let (signal, written) = watch::channel(0);
        let figures = Arc::<Figures>::default();
        let engine = Engine::start(db, &settings, signal, Arc::clone(&figures)).await?;
        let (till, till_queue) = mpsc::channel(settings.queue.max(1));
        let (bulk, bulk_queue) = mpsc::channel(settings.queue.max(1));
        let (plain, plain_queue) = mpsc::channel(settings.queue.max(1));
        let (stop, stopped) = watch::channel(false);
        let writer = Self {
            stop: Arc::new(stop),
            id: engine.id().into(),
            till,
            bulk,
            plain,
            running: Running::default(),
            written,
            figures,
        };
        let queues = batch::Queues {
            till: till_queue,
            bulk: bulk_queue,
            plain: plain_queue,
            stop: stopped,
        };
        let task = tokio::spawn(batch::run(engine, queues, settings.batch.max(1)));
        Ok((writer, task))
    }

    /// Takes nothing more; what is queued is written and answered, then the task ends.
    pub fn stop(&self) {
        self.stop.send_replace(true);
    }

    /// Host and epoch, as in `main-1`.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Commands and transactions that wait.
    pub fn waiting(&self) -> usize {
        let waiting = |most: usize, free: usize| most.saturating_sub(free);
        waiting(self.till.max_capacity(), self.till.capacity())
            + waiting(self.bulk.max_capacity(), self.bulk.capacity())
            + waiting(self.plain.max_capacity(), self.plain.capacity())
    }

    /// What it has done since it started.
    pub fn figures(&self) -> &Figures {
        &self.figures
    }

    /// Changes after every committed batch; whoever follows the event log waits on it.
    pub fn written(&self) -> watch::Receiver<u64> {
        self.written.clone()
    }

    /// Runs a command and answers after it is durable.
    ///
    /// # Errors
    /// The refusal; [`Refusal::Busy`] when the queue is full.
    pub async fn submit(&self, command: Command) -> Result<Receipt, Refusal> {
        let (request, answer) = self.request(command)?;
        self.till.try_send(request).map_err(|_| Refusal::Busy)?;
        answer.await.unwrap_or_else(|_| Err(lost()))
    }

    /// Like [`Writer::submit`], behind the tills: waits while the queue is full.
    ///
    /// # Errors
    /// The refusal.
    pub async fn submit_bulk(&self, command: Command) -> Result<Receipt, Refusal> {
        let (request, answer) = self.request(command)?;
        self.bulk.send(request).await.map_err(|_| lost())?;
        answer.await.unwrap_or_else(|_| Err(lost()))
    }

    fn request(&self, command: Command) -> Result<(Request, Answer), Refusal> {
        command.check()?;
        let key = match &command.operation {
            None => None,
            Some(operation) => Some(self.guard(&operation.key, operation.hash)?),
        };
        let (reply, answer) = oneshot::channel();
        let request = Request {
            command,
            key,
            reply,
        };
        Ok((request, answer))
    }

    fn guard(&self, key: &str, hash: [u8; 32]) -> Result<KeyGuard, Refusal> {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let key = key.to_owned();
        match running.get(&key) {
            Some(other) if *other == hash => Err(Refusal::InProgress { key }),
            Some(_) => Err(Refusal::KeyReused { key }),
            None => {
                running.insert(key.clone(), hash);
                Ok(KeyGuard {
                    key,
                    running: Arc::clone(&self.running),
                })
            }
        }
    }

    /// Runs `work` in a transaction of its own between batches and returns its value once committed.
    /// An error rolls back. `work` must not wait for anything but the database.
    ///
    /// # Errors
    /// What `work` returned, or why the transaction failed.
    pub async fn write<T, F>(&self, label: &'static str, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T, StoreError>> + Send + 'static,
    {
        let (job, answer) = Plain::new(label, work);
        self.plain
            .send(Box::new(job))
            .await
            .map_err(|_| StoreError::Stopped)?;
        answer.await.unwrap_or(Err(StoreError::Stopped))
    }
}

type Answer = oneshot::Receiver<Result<Receipt, Refusal>>;

fn lost() -> Refusal {
    Refusal::Storage {
        why: "the writer stopped before it answered; look the operation up".to_owned(),
    }
}
