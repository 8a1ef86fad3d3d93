//! The one way to write: tasks that own the writing connections and commit whole batches.
//!
//! Requests wait in bounded queues, a till's before bulk work's. A task drains what waits, loads what the
//! batch touches, applies every command in memory, persists with a few bulk statements, commits, and only
//! then answers. No request future ever holds a transaction: dropping one leaves its command running.
//!
//! A file has one writing connection. On a server one session keeps one processor busy, so there are several lanes,
//! each a writer of its own with its own seals and its own shards of the system accounts, as on several hosts. What
//! changes one member's rows goes to his lane; what changes rows that members share goes to the first.

mod batch;
mod engine;
mod figures;
mod load;
mod pace;
mod persist;
mod plain;
mod records;
pub(crate) mod seal;

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::future::BoxFuture;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;

use super::db::{Db, Dialect, MOST_LANES, Tx};
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
    /// The most commands per transaction; the measured cost of the flush may ask for fewer.
    pub batch: usize,
    /// Batches under way at once on a server; a file has one.
    pub lanes: usize,
    /// When the host starts.
    pub started_at: Instant,
}

impl WriterSettings {
    pub fn new(host: impl Into<String>, started_at: Instant) -> Self {
        Self {
            host: host.into(),
            queue: 4_096,
            batch: 256,
            lanes: 1,
            started_at,
        }
    }
}

/// A handle to the writer task; clones share it. The task ends when the last handle is gone or one stops it.
#[derive(Clone)]
pub struct Writer {
    id: Arc<str>,
    lanes: Arc<[Lane]>,
    plain: mpsc::Sender<Box<dyn PlainJob>>,
    running: Running,
    written: watch::Receiver<u64>,
    figures: Arc<Figures>,
    stop: Arc<watch::Sender<bool>>,
}

/// The queues in front of one writing connection.
struct Lane {
    till: mpsc::Sender<Request>,
    bulk: mpsc::Sender<Request>,
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
    /// Takes this writer's place in the database and starts its tasks. Await the handle after dropping every
    /// `Writer` to be sure that everything queued is written.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn start(
        db: Db,
        settings: WriterSettings,
    ) -> Result<(Self, JoinHandle<()>), StoreError> {
        let (signal, written) = watch::channel(0);
        let (stop, stopped) = watch::channel(false);
        let figures = Arc::<Figures>::default();
        let count = match db.dialect() {
            Dialect::Sqlite => 1,
            Dialect::Postgres => settings.lanes.clamp(1, MOST_LANES),
        };
        let (queue, batch) = (settings.queue.max(1), settings.batch.max(1));
        let (plain, first_plain) = mpsc::channel(queue);
        let mut first_plain = Some(first_plain);
        let (mut lanes, mut tasks, mut id) = (Vec::new(), Vec::new(), None);
        for _ in 0..count {
            let (signal, figures) = (signal.clone(), Arc::clone(&figures));
            let engine = Engine::start(db.clone(), &settings, signal, figures).await?;
            id.get_or_insert_with(|| Arc::from(engine.id()));
            let (till, till_queue) = mpsc::channel(queue);
            let (bulk, bulk_queue) = mpsc::channel(queue);
            lanes.push(Lane { till, bulk });
            let queues = batch::Queues {
                till: till_queue,
                bulk: bulk_queue,
                // Those of the other lanes are closed from the start.
                plain: first_plain.take().unwrap_or_else(|| mpsc::channel(1).1),
                stop: stopped.clone(),
            };
            tasks.push(tokio::spawn(batch::run(engine, queues, batch)));
        }
        let writer = Self {
            stop: Arc::new(stop),
            id: id.ok_or(StoreError::Stopped)?,
            lanes: lanes.into(),
            plain,
            running: Running::default(),
            written,
            figures,
        };
        let task = tokio::spawn(async move {
            for lane in tasks {
                if let Err(error) = lane.await {
                    tracing::error!(%error, "a lane of the writer ended in a defect");
                }
            }
        });
        Ok((writer, task))
    }

    /// Takes nothing more; what is queued is written and answered, then the task ends.
    pub fn stop(&self) {
        self.stop.send_replace(true);
    }

    /// Host and epoch of the first lane, as in `main-1`.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Commands and transactions that wait.
    pub fn waiting(&self) -> usize {
        let waiting = |most: usize, free: usize| most.saturating_sub(free);
        let of_lanes: usize = self
            .lanes
            .iter()
            .flat_map(|lane| [&lane.till, &lane.bulk])
            .map(|queue| waiting(queue.max_capacity(), queue.capacity()))
            .sum();
        of_lanes + waiting(self.plain.max_capacity(), self.plain.capacity())
    }

    fn lane(&self, command: &Command) -> &Lane {
        let Some(name) = command.belongs_to() else {
            return &self.lanes[0];
        };
        let mut hasher = DefaultHasher::new();
        name.hash(&mut hasher);
        &self.lanes[(hasher.finish() % self.lanes.len() as u64) as usize]
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
        let lane = self.lane(&request.command);
        lane.till.try_send(request).map_err(|_| Refusal::Busy)?;
        answer.await.unwrap_or_else(|_| Err(lost()))
    }

    /// Like [`Writer::submit`], behind the tills: waits while the queue is full.
    ///
    /// # Errors
    /// The refusal.
    pub async fn submit_bulk(&self, command: Command) -> Result<Receipt, Refusal> {
        let (request, answer) = self.request(command)?;
        let lane = self.lane(&request.command);
        lane.bulk.send(request).await.map_err(|_| lost())?;
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
