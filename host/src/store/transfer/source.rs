//! Where rows come from: a chain's database, seen as of one moment.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::away::refuse_moved;
use super::catalogue::{Table, catalogue, count, table_names};
use super::error::TransferError;
use crate::on;
use crate::store::db::{Conn, Db, HOST_NAME};
use crate::store::error::StoreError;
use crate::store::location::Location;
use crate::store::migrations;

/// How long the sessions of a host that was stopped may still be seen.
const GOING: Duration = Duration::from_secs(5);

/// What tells one chain from another. It keeps the moment it was created for good, whatever it is called later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChainMark {
    pub name: String,
    /// Microseconds.
    pub created_at: i64,
}

impl ChainMark {
    pub fn is_same(&self, other: &Self) -> bool {
        self.created_at == other.created_at
    }
}

/// An open source; every read sees the same moment.
pub struct Source {
    db: Db,
    pub(super) conn: Conn,
    pub place: String,
    pub chain: ChainMark,
    /// Version of its tables.
    pub schema: i64,
    pub tables: Vec<Table>,
}

impl Source {
    /// Opens a chain that may be served meanwhile.
    ///
    /// # Errors
    /// When there is no chain, or its tables are not readable by this program.
    pub async fn open(location: &Location) -> Result<Self, TransferError> {
        Self::opened(location, false).await
    }

    /// Opens a chain that nobody serves, and keeps hosts from writing to it until the source is closed. Where it is a
    /// file, the caller owns its data folder.
    ///
    /// # Errors
    /// As [`Source::open`], and [`TransferError::Served`].
    pub async fn open_unserved(location: &Location) -> Result<Self, TransferError> {
        Self::opened(location, true).await
    }

    async fn opened(location: &Location, owned: bool) -> Result<Self, TransferError> {
        let place = location.place();
        let db = Db::look(location).await?;
        let mut conn = db.read().await?;
        let names = table_names(&mut conn).await?;
        if !["chain", "writers", "_sqlx_migrations"]
            .iter()
            .all(|needed| names.iter().any(|name| name == needed))
        {
            return Err(TransferError::NoChain { place });
        }
        if owned {
            refuse_served(&mut conn, &place).await?;
        } else {
            // A copy of what it was would pass for what it is.
            refuse_moved(&mut conn, &place).await?;
        }
        if owned {
            conn.begin_owned_snapshot().await?;
            keep_hosts_out(&mut conn, &place).await?;
        } else {
            conn.begin_snapshot().await?;
        }
        let schema = schema_version(&mut conn, &place).await?;
        let Some(chain) = chain_mark(&mut conn).await? else {
            return Err(TransferError::NoChain { place });
        };
        let tables = catalogue(&mut conn).await?;
        Ok(Self {
            db,
            conn,
            place,
            chain,
            schema,
            tables,
        })
    }

    /// How many rows it has in all.
    pub(super) async fn count(&mut self) -> Result<u64, StoreError> {
        let mut rows = 0_u64;
        for table in &self.tables {
            rows = rows.saturating_add(count(&mut self.conn, &table.name).await?);
        }
        Ok(rows)
    }

    /// Says whether anything was sold, enrolled or configured between two looks at the chain.
    pub(super) async fn fingerprint(&mut self) -> Result<String, StoreError> {
        let conn = &mut self.conn;
        let writers: Vec<(String, i64, i64)> = on!(&mut *conn, c => sqlx::query_as(
            "SELECT id, CASE WHEN batch < 0 THEN -1 - batch ELSE batch END, head_seq FROM writers ORDER BY id"
        ).fetch_all(c).await)
        .map_err(StoreError::during("reading the heads of the seals"))?;
        let revisions: Vec<(String, i64)> = on!(&mut *conn, c => sqlx::query_as(
            "SELECT name, revision FROM revisions ORDER BY name").fetch_all(c).await)
        .map_err(StoreError::during("reading the revisions"))?;
        let operations = count(conn, "operations").await?;
        let text = format!("{writers:?} {revisions:?} {operations}");
        Ok(hex::encode(Sha256::digest(text)))
    }

    /// Lets go of the database.
    pub async fn close(self) {
        self.conn.discard().await;
        self.db.close().await;
    }
}

pub(super) async fn chain_mark(conn: &mut Conn) -> Result<Option<ChainMark>, StoreError> {
    let row: Option<(String, i64)> = on!(conn, c => sqlx::query_as(
        "SELECT name, created_at FROM chain").fetch_optional(c).await)
    .map_err(StoreError::during("reading which chain it is"))?;
    Ok(row.map(|(name, created_at)| ChainMark { name, created_at }))
}

/// The version of the tables, if this program knows it.
pub(super) async fn schema_version(conn: &mut Conn, place: &str) -> Result<i64, TransferError> {
    let found: Option<i64> = on!(conn, c => sqlx::query_scalar(
        "SELECT MAX(version) FROM _sqlx_migrations").fetch_one(c).await)
    .map_err(StoreError::during("reading the version of the tables"))?;
    let (found, known) = (found.unwrap_or(0), migrations::newest());
    if found > known {
        return Err(TransferError::NewerTables {
            place: place.to_owned(),
            found,
            known,
        });
    }
    Ok(found)
}

/// A host keeps its connections, so a server knows whether one is there. It notices late that one has gone.
async fn refuse_served(conn: &mut Conn, place: &str) -> Result<(), TransferError> {
    let began = tokio::time::Instant::now();
    while is_served(conn).await? {
        if began.elapsed() > GOING {
            return Err(TransferError::Served {
                place: place.to_owned(),
            });
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Ok(())
}

async fn is_served(conn: &mut Conn) -> Result<bool, StoreError> {
    let Conn::Postgres(c) = conn else {
        return Ok(false);
    };
    let hosts: i64 = sqlx::query_scalar(
        "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = $1",
    )
    .bind(HOST_NAME)
    .fetch_one(&mut **c)
    .await
    .map_err(StoreError::during("looking for hosts"))?;
    Ok(hosts > 0)
}

/// No host commits without its row in `writers`, and no second move gets this lock. It comes before the first read, so the snapshot holds all that
/// was ever committed.
async fn keep_hosts_out(conn: &mut Conn, place: &str) -> Result<(), TransferError> {
    if matches!(conn, Conn::Sqlite(_)) {
        return Ok(());
    }
    let locked = conn
        .run(
            "LOCK TABLE writers IN SHARE ROW EXCLUSIVE MODE NOWAIT",
            "keeping hosts from writing",
        )
        .await;
    locked.map_err(|error| {
        if error.is_contention() {
            TransferError::Served {
                place: place.to_owned(),
            }
        } else {
            error.into()
        }
    })
}
