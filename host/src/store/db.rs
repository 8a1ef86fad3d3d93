//! Opening the database and borrowing connections from it.
//!
//! [`Conn`] is one connection of either kind; the `on!` macro runs the same text and binds on both:
//! `on!(conn, c => sqlx::query_scalar::<_, i64>("SELECT 1").fetch_one(c).await)`. The body may only use
//! what both drivers share, so its value must have the same type on both sides.

use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use chrono::Utc;
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Connection as _, PgPool, Postgres, Sqlite, SqlitePool};

use super::error::StoreError;
use super::folder::create_folder;
use super::location::Location;
use super::migrations;

/// Oldest SQLite whose log cannot be corrupted by a checkpoint race.
const OLDEST_SQLITE: (u32, u32, u32) = (3, 51, 3);
/// What a serving host is called at a server; a command that only looks is called otherwise.
pub(super) const HOST_NAME: &str = "tessera";
const COMMAND_NAME: &str = "tessera-transfer";
/// Writing connections a host may have on a server.
pub const MOST_LANES: usize = 8;
/// Enough for every statement of the host, so that none is prepared twice.
const STATEMENTS_KEPT: usize = 1024;

/// A connection to a server that lay idle for longer is asked whether it still lives.
const TRUSTED_IDLE: Duration = Duration::from_secs(1);

/// An answer that took longer does not tell what time it is at the server, microseconds.
const SLOW_ANSWER: i64 = 1_000_000;

/// The writer looks rows up by key only. A plan made while a table was empty must not scan it once it is large.
const BY_KEY_ONLY: [(&str, &str); 5] = [
    ("enable_seqscan", "off"),
    ("enable_hashjoin", "off"),
    ("enable_mergejoin", "off"),
    ("jit", "off"),
    ("plan_cache_mode", "force_generic_plan"),
];

/// Which of the two databases is behind a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    Sqlite,
    Postgres,
}

/// One connection, borrowed from a pool and given back when dropped.
pub enum Conn {
    Sqlite(PoolConnection<Sqlite>),
    Postgres(PoolConnection<Postgres>),
}

/// A connection inside the writer's transaction.
pub type Tx = Conn;

/// Runs `$body` with `$c` bound to the driver's own connection, once per database.
#[macro_export]
macro_rules! on {
    ($conn:expr, $c:ident => $body:expr) => {
        match $conn {
            $crate::store::db::Conn::Sqlite(connection) => {
                let $c = &mut **connection;
                $body
            }
            $crate::store::db::Conn::Postgres(connection) => {
                let $c = &mut **connection;
                $body
            }
        }
    };
}

impl Conn {
    pub fn dialect(&self) -> Dialect {
        match self {
            Self::Sqlite(_) => Dialect::Sqlite,
            Self::Postgres(_) => Dialect::Postgres,
        }
    }

    /// Opens a writing transaction.
    pub(crate) async fn begin(&mut self) -> Result<(), StoreError> {
        let text = match self {
            Self::Sqlite(_) => "BEGIN IMMEDIATE",
            Self::Postgres(_) => "BEGIN",
        };
        self.run(text, "opening a transaction").await
    }

    /// Opens a transaction in which every read sees the same moment.
    pub(crate) async fn begin_snapshot(&mut self) -> Result<(), StoreError> {
        let text = match self {
            Self::Sqlite(_) => "BEGIN",
            Self::Postgres(_) => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        };
        self.run(text, "opening a snapshot").await
    }

    /// The same for whoever keeps everybody else out and may write at its end.
    pub(super) async fn begin_owned_snapshot(&mut self) -> Result<(), StoreError> {
        let text = match self {
            Self::Sqlite(_) => "BEGIN",
            Self::Postgres(_) => "BEGIN ISOLATION LEVEL REPEATABLE READ",
        };
        self.run(text, "opening a snapshot").await
    }

    pub(crate) async fn commit(&mut self) -> Result<(), StoreError> {
        self.run("COMMIT", "committing").await
    }

    pub(crate) async fn roll_back(&mut self) -> Result<(), StoreError> {
        self.run("ROLLBACK", "rolling back").await
    }

    pub(super) async fn run(
        &mut self,
        text: &'static str,
        doing: &'static str,
    ) -> Result<(), StoreError> {
        on!(self, c => sqlx::raw_sql(text).execute(c).await.map(|_| ()))
            .map_err(StoreError::during(doing))
    }

    /// Closes the connection instead of giving it back, so nothing half done is inherited.
    pub(crate) async fn discard(self) {
        let closed = match self {
            Self::Sqlite(connection) => connection.close().await,
            Self::Postgres(connection) => connection.close().await,
        };
        if let Err(error) = closed {
            tracing::debug!(%error, "a discarded connection did not close cleanly");
        }
    }
}

#[derive(Clone)]
enum Pools {
    Sqlite { read: SqlitePool, write: SqlitePool },
    Postgres { read: PgPool, write: PgPool },
}

/// An open database: a pool for reads and the one writing connection. Clones share both.
#[derive(Clone)]
pub struct Db {
    pools: Pools,
}

impl Db {
    /// Opens the database with `readers` reading connections and brings its tables up to date.
    ///
    /// # Errors
    /// When it cannot be reached, is too old, or holds tables of a newer host.
    pub async fn open(location: &Location, readers: u32) -> Result<Self, StoreError> {
        let pools = match location {
            Location::Sqlite(file) => open_sqlite(file, readers).await?,
            Location::Postgres(url) => open_postgres(url, readers).await?,
        };
        let db = Self { pools };
        let mut conn = db.writing().await?;
        super::transfer::refuse_half_filled(&mut conn, &location.place()).await?;
        super::transfer::refuse_moved(&mut conn, &location.place()).await?;
        drop(conn);
        db.bring_up_to(None).await?;
        Ok(db)
    }

    /// Opens a database that is there as it is, for reading only.
    ///
    /// # Errors
    /// When it cannot be reached, or a transfer into it has not ended.
    pub(super) async fn look(location: &Location) -> Result<Self, StoreError> {
        let pools = match location {
            Location::Sqlite(file) => {
                if !file.is_file() {
                    return Err(StoreError::Missing { path: file.clone() });
                }
                let options = sqlite_options(file)
                    .create_if_missing(false)
                    .pragma("query_only", "on");
                let pool = SqlitePoolOptions::new()
                    .max_connections(1)
                    .connect_with(options)
                    .await
                    .map_err(|source| file_not_opened(file, source))?;
                Pools::Sqlite {
                    read: pool.clone(),
                    write: pool,
                }
            }
            Location::Postgres(url) => {
                let options = command_options(url)?
                    .options(BY_KEY_ONLY)
                    .options([("enable_sort", "off")]);
                let pool = one_connection(options).await?;
                Pools::Postgres {
                    read: pool.clone(),
                    write: pool,
                }
            }
        };
        let db = Self { pools };
        super::transfer::refuse_half_filled(&mut db.read().await?, &location.place()).await?;
        Ok(db)
    }

    /// Opens a database to fill it: fast, and durable only once the transfer has ended. Its tables are left as they are.
    ///
    /// # Errors
    /// When it cannot be reached or made.
    pub(super) async fn fill(location: &Location) -> Result<Self, StoreError> {
        let pools = match location {
            Location::Sqlite(file) => {
                if let Some(folder) = file.parent() {
                    create_folder(folder)?;
                }
                let options = sqlite_options(file)
                    .synchronous(SqliteSynchronous::Normal)
                    .foreign_keys(false)
                    // Indexes of a large chain are sorted on disk.
                    .pragma("temp_store", "file");
                let write = SqlitePoolOptions::new()
                    .max_connections(1)
                    .connect_with(options.clone())
                    .await
                    .map_err(|source| file_not_opened(file, source))?;
                let read = SqlitePoolOptions::new().connect_lazy_with(options);
                Pools::Sqlite { read, write }
            }
            Location::Postgres(url) => {
                let options = command_options(url)?.options([("synchronous_commit", "off")]);
                let write = one_connection(options.clone()).await?;
                let read = PgPoolOptions::new().connect_lazy_with(
                    options
                        .options(BY_KEY_ONLY)
                        .options([("enable_sort", "off")]),
                );
                Pools::Postgres { read, write }
            }
        };
        Ok(Self { pools })
    }

    /// Brings the tables to a version, or to the newest.
    pub(super) async fn bring_up_to(&self, version: Option<i64>) -> Result<(), StoreError> {
        match &self.pools {
            Pools::Sqlite { write, .. } => migrations::run(Dialect::Sqlite, write, version).await,
            Pools::Postgres { write, .. } => {
                migrations::run(Dialect::Postgres, write, version).await
            }
        }
    }

    pub fn dialect(&self) -> Dialect {
        match self.pools {
            Pools::Sqlite { .. } => Dialect::Sqlite,
            Pools::Postgres { .. } => Dialect::Postgres,
        }
    }

    /// A connection for reading. On SQLite it cannot write.
    ///
    /// # Errors
    /// When no connection becomes free in time.
    pub async fn read(&self) -> Result<Conn, StoreError> {
        match &self.pools {
            Pools::Sqlite { read, .. } => read.acquire().await.map(Conn::Sqlite),
            Pools::Postgres { read, .. } => read.acquire().await.map(Conn::Postgres),
        }
        .map_err(StoreError::during("borrowing a reading connection"))
    }

    /// A writing connection; only the writer asks for one.
    pub(crate) async fn writing(&self) -> Result<Conn, StoreError> {
        match &self.pools {
            Pools::Sqlite { write, .. } => write.acquire().await.map(Conn::Sqlite),
            Pools::Postgres { write, .. } => write.acquire().await.map(Conn::Postgres),
        }
        .map_err(StoreError::during("taking the writing connection"))
    }

    /// By how many microseconds the server's clock is ahead of this machine's; none where it answered too slowly to
    /// tell, and on SQLite, which has no clock of its own.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn clock_ahead(&self) -> Result<Option<i64>, StoreError> {
        let Pools::Postgres { read, .. } = &self.pools else {
            return Ok(None);
        };
        let failed = StoreError::during("asking the server what time it is");
        let asked = async {
            let mut server = read.acquire().await?;
            let asked = Utc::now().timestamp_micros();
            let there: i64 = sqlx::query_scalar(
                "SELECT (EXTRACT(EPOCH FROM clock_timestamp()) * 1000000)::BIGINT",
            )
            .fetch_one(&mut *server)
            .await?;
            Ok((asked, there, Utc::now().timestamp_micros()))
        };
        let (asked, there, answered) = asked.await.map_err(failed)?;
        let took = answered - asked;
        // Half-way between, as far as the answer tells; a slow one tells nothing.
        Ok((took < SLOW_ANSWER).then_some(there - (asked + took / 2)))
    }

    /// Closes every connection; on SQLite this also folds the log into the file.
    pub async fn close(&self) {
        match &self.pools {
            Pools::Sqlite { read, write } => {
                read.close().await;
                write.close().await;
            }
            Pools::Postgres { read, write } => {
                read.close().await;
                write.close().await;
            }
        }
    }
}

fn sqlite_options(file: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(Duration::from_secs(10))
        .foreign_keys(true)
        .statement_cache_capacity(STATEMENTS_KEPT)
        .pragma("cache_size", "-32768")
        .pragma("temp_store", "memory")
        // Folding the log into the file costs flushes; not after every other full batch.
        .pragma("wal_autocheckpoint", "4000")
}

fn file_not_opened(file: &Path, source: sqlx::Error) -> StoreError {
    StoreError::Open {
        what: format!("file `{}`", file.display()),
        source,
    }
}

async fn open_sqlite(file: &Path, readers: u32) -> Result<Pools, StoreError> {
    if let Some(folder) = file.parent() {
        create_folder(folder)?;
    }
    let options = sqlite_options(file);
    let failed = |source| file_not_opened(file, source);
    let write = SqlitePoolOptions::new()
        .max_connections(1)
        .idle_timeout(None)
        .max_lifetime(None)
        .connect_with(options.clone())
        .await
        .map_err(failed)?;
    let version: String = sqlx::query_scalar("SELECT sqlite_version()")
        .fetch_one(&write)
        .await
        .map_err(failed)?;
    check_sqlite(&version)?;
    let read = SqlitePoolOptions::new()
        .max_connections(readers.max(1))
        .max_lifetime(None)
        // A file cannot go away as a server can.
        .test_before_acquire(false)
        .acquire_timeout(Duration::from_secs(10))
        .connect_lazy_with(options.pragma("query_only", "on"));
    Ok(Pools::Sqlite { read, write })
}

fn check_sqlite(version: &str) -> Result<(), StoreError> {
    let mut parts = version.split('.').map(|part| part.parse().unwrap_or(0));
    let mut next = || parts.next().unwrap_or(0);
    if (next(), next(), next()) < OLDEST_SQLITE {
        return Err(StoreError::OldSqlite {
            found: version.to_owned(),
        });
    }
    Ok(())
}

/// A command's connection may be in a transaction for as long as a chain is large.
fn command_options(url: &str) -> Result<PgConnectOptions, StoreError> {
    Ok(PgConnectOptions::from_str(url)
        .map_err(|source| StoreError::Url { source })?
        .application_name(COMMAND_NAME)
        .options([("idle_in_transaction_session_timeout", "0")]))
}

async fn one_connection(options: PgConnectOptions) -> Result<PgPool, StoreError> {
    PgPoolOptions::new()
        .max_connections(1)
        .idle_timeout(None)
        .max_lifetime(None)
        .acquire_timeout(Duration::from_secs(3))
        .connect_with(options)
        .await
        .map_err(|source| StoreError::Open {
            what: "server".to_owned(),
            source,
        })
}

async fn open_postgres(url: &str, readers: u32) -> Result<Pools, StoreError> {
    let options = PgConnectOptions::from_str(url)
        .map_err(|source| StoreError::Url { source })?
        .application_name(HOST_NAME)
        .statement_cache_capacity(STATEMENTS_KEPT)
        // A writer that lost its host must not keep rows locked.
        .options([
            ("idle_in_transaction_session_timeout", "10s"),
            ("tcp_keepalives_idle", "10"),
        ]);
    let write = PgPoolOptions::new()
        .max_connections(MOST_LANES as u32)
        .idle_timeout(None)
        .max_lifetime(None)
        // Callers wait for this: they had rather hear soon that the server is away.
        .acquire_timeout(Duration::from_secs(3))
        .connect_with(options.clone().options(BY_KEY_ONLY))
        .await
        .map_err(|source| StoreError::Open {
            what: "server".to_owned(),
            source,
        })?;
    let read = PgPoolOptions::new()
        .max_connections(readers.max(1))
        .acquire_timeout(Duration::from_secs(10))
        // A connection that was just used needs no round trip to find out that it lives.
        .test_before_acquire(false)
        .before_acquire(|connection, about| {
            Box::pin(async move {
                if about.idle_for > TRUSTED_IDLE {
                    connection.ping().await?;
                }
                Ok(true)
            })
        })
        .connect_lazy_with(options.options([("default_transaction_read_only", "on")]));
    Ok(Pools::Postgres { read, write })
}

/// Removes every table of a PostgreSQL database that holds the chain of this name, or no chain at all.
///
/// # Errors
/// [`StoreError::Refused`] where another chain lives; nothing is removed then.
pub async fn empty(url: &str, chain: &str) -> Result<(), StoreError> {
    let pool = PgPoolOptions::new()
        .max_connections(1)
        .connect(url)
        .await
        .map_err(|source| StoreError::Open {
            what: "server".to_owned(),
            source,
        })?;
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT tablename::text FROM pg_tables WHERE schemaname = current_schema()",
    )
    .fetch_all(&pool)
    .await
    .map_err(StoreError::during("listing tables"))?;
    if tables.iter().any(|table| table == "chain") {
        let name: Option<String> = sqlx::query_scalar("SELECT name FROM chain")
            .fetch_optional(&pool)
            .await
            .map_err(StoreError::during("reading the chain's name"))?;
        if name.is_some_and(|name| name != chain) {
            return Err(StoreError::Refused(format!(
                "the database does not hold `{chain}`; nothing was removed"
            )));
        }
    } else if !tables.is_empty() {
        return Err(StoreError::Refused(
            "the database holds tables of something else; nothing was removed".to_owned(),
        ));
    }
    for table in tables {
        let text = format!("DROP TABLE IF EXISTS \"{table}\" CASCADE");
        sqlx::query(sqlx::AssertSqlSafe(text))
            .execute(&pool)
            .await
            .map_err(StoreError::during("removing a table"))?;
    }
    pool.close().await;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_sqlite_that_can_corrupt_its_log_is_refused() {
        assert!(check_sqlite("3.51.2").is_err());
        assert!(check_sqlite("3.40.1").is_err());
        assert!(check_sqlite("3.51.3").is_ok());
        assert!(check_sqlite("3.53.0").is_ok());
    }
}
