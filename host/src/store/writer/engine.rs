//! The writer's own state and one try of one batch.
//!
//! The row in `writers` counts this writer's batches. It is the first row a batch changes, only if the count is
//! the expected one. So after a COMMIT whose answer got lost the count tells whether it happened, and a
//! try that meets a late commit of its predecessor stops before doing anything twice.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::watch;

use super::WriterSettings;
use super::batch::Answers;
use super::figures::Figures;
use super::load;
use super::persist::{self, Accepted};
use super::plain::PlainJob;
use super::seal::Head;
use crate::domain::ledger::{Account, Command, Context, Refusal, SYSTEM, State, apply};
use crate::on;
use crate::store::db::{Conn, Db, Dialect};
use crate::store::error::StoreError;
use crate::store::joined::{End, Failed};
use crate::store::transfer::refuse_moved;

/// Why a batch was not written.
#[derive(Debug, thiserror::Error)]
pub(super) enum BatchError {
    #[error("another writer was faster")]
    Contention,
    #[error("the database refused the rows: {0}")]
    Data(StoreError),
    #[error("the database could not be used: {0}")]
    Unusable(StoreError),
}

impl BatchError {
    pub(super) fn refusal(&self) -> Refusal {
        match self {
            Self::Contention => Refusal::Busy,
            Self::Data(error) | Self::Unusable(error) => Refusal::Storage {
                why: crate::store::error::chain(error),
            },
        }
    }
}

impl From<StoreError> for BatchError {
    fn from(error: StoreError) -> Self {
        if error.is_contention() {
            Self::Contention
        } else if error.is_about_the_data() {
            Self::Data(error)
        } else {
            Self::Unusable(error)
        }
    }
}

/// A batch whose COMMIT was not answered.
struct Unanswered {
    /// The count it would have left behind.
    batch: i64,
    answers: Answers,
}

pub(super) struct Engine {
    db: Db,
    id: String,
    /// None after it was lost; taken anew by the next try.
    conn: Option<Conn>,
    /// Batches committed so far.
    batch: i64,
    head: Head,
    /// This writer's shards of the system accounts, as they are in the database.
    shards: HashMap<String, Account>,
    unanswered: Option<Unanswered>,
    signal: watch::Sender<u64>,
    figures: Arc<Figures>,
}

impl Engine {
    pub(super) async fn start(
        db: Db,
        settings: &WriterSettings,
        signal: watch::Sender<u64>,
        figures: Arc<Figures>,
    ) -> Result<Self, StoreError> {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if settings.host.is_empty() || !settings.host.chars().all(plain) {
            return Err(StoreError::Refused(format!(
                "the host id `{}` may only have letters, digits, `-`, `_` and `.`",
                settings.host
            )));
        }
        let mut conn = db.writing().await?;
        let id = take_place(&mut conn, settings).await?;
        let mut engine = Self {
            db,
            head: Head::start(&id),
            id,
            conn: Some(conn),
            batch: 0,
            shards: HashMap::new(),
            unanswered: None,
            signal,
            figures,
        };
        engine.read_place().await?;
        Ok(engine)
    }

    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// Gives up on learning what became of a lost COMMIT.
    pub(super) fn forget_unanswered(&mut self) {
        self.unanswered = None;
    }

    pub(super) async fn stop(self) {
        if let Some(conn) = self.conn {
            conn.discard().await;
        }
    }

    /// Reads this writer's row; what was kept in memory may be out of date.
    async fn read_place(&mut self) -> Result<(), StoreError> {
        let mut conn = match self.conn.take() {
            Some(conn) => conn,
            None => self.db.writing().await?,
        };
        self.shards.clear();
        // The chain may have been moved away while this host had no connection, or was waiting for its place.
        refuse_moved(&mut conn, "this database").await?;
        let id = self.id.clone();
        let row: Result<(i64, i64, Vec<u8>), _> = on!(&mut conn, c => sqlx::query_as(
            "SELECT batch, head_seq, head_seal FROM writers WHERE id = $1"
        ).bind(id).fetch_one(c).await);
        let (batch, seq, seal) = row.map_err(StoreError::during("reading the writer's place"))?;
        self.batch = batch;
        self.head = Head { seq, seal };
        self.conn = Some(conn);
        Ok(())
    }

    /// Applies the commands and makes the outcome durable, all or nothing.
    pub(super) async fn try_batch(&mut self, commands: &[&Command]) -> Result<Answers, BatchError> {
        if self.conn.is_none() {
            self.read_place().await?;
        }
        let mut state = self.load(commands).await?;
        if self.unanswered.is_some() {
            // Whether it is there is asked after the state was read: what was read then cannot show what it did. If
            // it arrives later still, this try does not get its turn.
            self.read_place().await?;
        }
        if let Some(before) = self.unanswered.take_if(|before| before.batch == self.batch) {
            self.announce();
            return Ok(before.answers);
        }
        let writer = self.id.clone();
        let mut answers = Vec::with_capacity(commands.len());
        let mut accepted = Vec::new();
        for command in commands {
            let mut new_id = || uuid::Uuid::now_v7().to_string();
            let mut context = Context {
                writer: &writer,
                new_id: &mut new_id,
            };
            match apply(&mut state, command, &mut context) {
                Ok(applied) => {
                    if !applied.receipt.replayed {
                        accepted.push(Accepted {
                            command,
                            entry: applied.entry,
                            notices: applied.receipt.notices.clone(),
                        });
                    }
                    if let (Some(command), Some(beside)) = (&command.beside, applied.beside) {
                        accepted.push(Accepted {
                            command,
                            entry: beside.entry,
                            notices: beside.receipt.notices,
                        });
                    }
                    answers.push(Ok(applied.receipt));
                }
                Err(refusal) => answers.push(Err(refusal)),
            }
        }
        if accepted.is_empty() && state.touched.operations.is_empty() {
            return Ok(answers);
        }
        self.persist(&state, &accepted, answers).await
    }

    async fn load(&mut self, commands: &[&Command]) -> Result<State, BatchError> {
        let Some(conn) = &mut self.conn else {
            return Err(BatchError::Contention);
        };
        match load::state(conn, &self.id, &mut self.shards, commands).await {
            Ok(state) => Ok(state),
            Err(error) => {
                self.drop_connection().await;
                Err(error.into())
            }
        }
    }

    async fn persist(
        &mut self,
        state: &State,
        accepted: &[Accepted<'_>],
        answers: Answers,
    ) -> Result<Answers, BatchError> {
        let Some(mut conn) = self.conn.take() else {
            return Err(BatchError::Contention);
        };
        let began = Instant::now();
        let sealed = persist::seal(&self.id, &self.head, accepted);
        let head = sealed.last().map_or(&self.head, |(head, _)| head).clone();
        let place = (self.id.as_str(), self.batch, &head);
        let end = match persist::all(place, state, accepted, &sealed) {
            Ok(writing) => writing.commit(&mut conn).await,
            Err(error) => Err(Failed::Refused(error)),
        };
        let error = match end {
            Ok(End::Committed) => {
                self.conn = Some(conn);
                self.unanswered = None;
                self.batch += 1;
                self.head = head;
                self.figures.committed(accepted.len(), began.elapsed());
                self.keep_shards(state);
                self.announce();
                return Ok(answers);
            }
            Ok(End::Overtaken) => BatchError::Contention,
            Err(Failed::Refused(error)) => error.into(),
            Err(Failed::Unanswered(error)) => {
                conn.discard().await;
                self.unanswered = Some(Unanswered {
                    batch: self.batch + 1,
                    answers,
                });
                return Err(BatchError::Unusable(error));
            }
        };
        if matches!(error, BatchError::Unusable(_)) {
            conn.discard().await;
            return Err(error);
        }
        self.conn = Some(conn);
        if matches!(error, BatchError::Contention) {
            self.figures.lost_a_race();
            self.read_place().await?;
        }
        Err(error)
    }

    fn keep_shards(&mut self, state: &State) {
        let system = format!("{SYSTEM}/");
        for id in state
            .touched
            .accounts
            .iter()
            .filter(|id| id.starts_with(&system))
        {
            if let Some(account) = state.accounts.get(id) {
                let base = account.version;
                self.shards.insert(
                    id.clone(),
                    Account {
                        base,
                        ..account.clone()
                    },
                );
            }
        }
    }

    fn announce(&self) {
        self.signal.send_modify(|count| *count += 1);
    }

    async fn drop_connection(&mut self) {
        if let Some(conn) = self.conn.take() {
            conn.discard().await;
        }
    }

    /// Runs one plain transaction and answers it.
    pub(super) async fn run_plain(&mut self, mut job: Box<dyn PlainJob>) {
        let end = self.try_plain(job.as_mut()).await;
        if let Err(error) = &end {
            tracing::debug!(label = job.label(), %error, "a plain write was rolled back");
        }
        job.answer(end);
    }

    async fn try_plain(&mut self, job: &mut dyn PlainJob) -> Result<(), StoreError> {
        let mut conn = self.begin_turn().await?;
        match job.run(&mut conn).await {
            Ok(()) => match conn.commit().await {
                Ok(()) => {
                    self.conn = Some(conn);
                    self.batch += 1;
                    self.announce();
                    Ok(())
                }
                Err(error) => {
                    conn.discard().await;
                    Err(error)
                }
            },
            Err(error) => {
                self.take_back(conn).await;
                Err(error)
            }
        }
    }

    /// Opens a transaction that carries this writer's turn, as every batch does: a chain that was moved away is written to
    /// no more, whatever connection is still open to it.
    async fn begin_turn(&mut self) -> Result<Conn, StoreError> {
        for _ in 0..2 {
            if self.conn.is_none() {
                self.read_place().await?;
            }
            let Some(mut conn) = self.conn.take() else {
                break;
            };
            match take_turn(&mut conn, &self.id, self.batch).await {
                Ok(true) => return Ok(conn),
                Ok(false) => {
                    self.take_back(conn).await;
                    self.read_place().await?;
                }
                Err(error) => {
                    self.take_back(conn).await;
                    return Err(error);
                }
            }
        }
        Err(StoreError::Stopped)
    }

    /// Rolls a transaction back and keeps its connection, if that works.
    async fn take_back(&mut self, mut conn: Conn) {
        if conn.roll_back().await.is_ok() {
            self.conn = Some(conn);
        } else {
            conn.discard().await;
        }
    }
}

async fn take_turn(conn: &mut Conn, id: &str, batch: i64) -> Result<bool, StoreError> {
    conn.begin().await?;
    let id = id.to_owned();
    let touched = on!(conn, c => sqlx::query("UPDATE writers SET batch = batch + 1 WHERE id = $1 AND batch = $2")
        .bind(id).bind(batch).execute(c).await.map(|done| done.rows_affected()))
    .map_err(StoreError::during("taking the writer's turn"))?;
    Ok(touched == 1)
}

/// Takes host and epoch. A data folder has one owner, so on SQLite the last epoch goes on; on a server the
/// former process of this host may still be alive, so a new epoch begins.
async fn take_place(conn: &mut Conn, settings: &WriterSettings) -> Result<String, StoreError> {
    let host = settings.host.clone();
    let last: Option<i64> = on!(&mut *conn, c => sqlx::query_scalar(
        "SELECT MAX(epoch) FROM writers WHERE host = $1"
    ).bind(host).fetch_one(c).await)
    .map_err(StoreError::during("reading the writer's place"))?;
    if let (Some(epoch), Dialect::Sqlite) = (last, conn.dialect()) {
        return Ok(format!("{}-{epoch}", settings.host));
    }
    let mut epoch = last.unwrap_or(0) + 1;
    loop {
        let id = format!("{}-{epoch}", settings.host);
        match insert_place(conn, &id, epoch, settings).await {
            Ok(()) => return Ok(id),
            Err(error) if error.is_unique_violation() => epoch += 1,
            Err(error) => return Err(error),
        }
    }
}

async fn insert_place(
    conn: &mut Conn,
    id: &str,
    epoch: i64,
    settings: &WriterSettings,
) -> Result<(), StoreError> {
    let (host, at, seal) = (
        settings.host.clone(),
        settings.started_at.0,
        Head::start(id).seal,
    );
    let id = id.to_owned();
    on!(conn, c => sqlx::query(
        "INSERT INTO writers (id, host, epoch, started_at, batch, head_seq, head_seal)
         VALUES ($1, $2, $3, $4, 0, 0, $5)"
    ).bind(id).bind(host).bind(epoch).bind(at).bind(seal).execute(c).await.map(|_| ()))
    .map_err(StoreError::during("taking the writer's place"))
}
