//! Where rows go: a database that was empty, and that no host opens before everything in it was checked.
//!
//! The table `transfer` is made before any other and removed last. Its one row says where the rows come from and how
//! far they are; it moves on in the transaction that writes them, so a transfer killed at any point goes on where it
//! was. Indexes and foreign keys are taken off meanwhile and put back at the end: that is faster, and rows need no
//! order among tables.

use serde::{Deserialize, Serialize};
use sqlx::{AssertSqlSafe, Row as _};

use super::catalogue::{Table, catalogue, quoted, table_names};
use super::error::TransferError;
use super::rows::{self, Page};
use super::source::{ChainMark, chain_mark};
use crate::on;
use crate::store::db::{Conn, Db};
use crate::store::error::StoreError;
use crate::store::location::{DATABASE_FILE, Location};

/// The table that is there as long as a transfer has not ended, and where a chain was moved away from.
pub(super) const NOTE: &str = "transfer";
/// Its row while the database is being filled.
const FILLING: &str = "transfer";
/// Its row once the chain was moved away: where to.
pub(super) const MOVED: &str = "moved";

/// How far a transfer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Stage {
    /// The tables are being made.
    Tables,
    Rows,
    /// Everything is written; it is being compared and verified.
    Checks,
}

/// The row of the table `transfer`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Note {
    /// Where the rows come from, for people.
    pub from: String,
    pub chain: ChainMark,
    /// Tells whether the source is as it was.
    pub fingerprint: String,
    /// Version of the source's tables.
    pub schema: i64,
    pub stage: Stage,
    /// The table written last.
    pub table: String,
    /// The key of its last row, in hex; none where the table is complete.
    pub after: Option<String>,
    /// Rows written so far.
    pub rows: u64,
    /// Statements that put back what was taken off.
    pub put_back: Vec<String>,
}

/// An open target with its note.
pub(super) struct Target {
    pub db: Db,
    pub note: Note,
    pub place: String,
}

impl Target {
    /// Takes an empty database, or goes on with one that the same source has half filled.
    pub(super) async fn claim(
        location: &Location,
        wanted: Note,
        start_over: bool,
    ) -> Result<Self, TransferError> {
        Self::claimed(location, wanted, start_over, true).await
    }

    /// Takes an empty database, or throws away what the same source has left in it half way.
    pub(super) async fn claim_anew(
        location: &Location,
        wanted: Note,
        start_over: bool,
    ) -> Result<Self, TransferError> {
        Self::claimed(location, wanted, start_over, false).await
    }

    async fn claimed(
        location: &Location,
        wanted: Note,
        start_over: bool,
        goes_on: bool,
    ) -> Result<Self, TransferError> {
        let place = location.place();
        if let Location::Sqlite(file) = location
            && file.file_name().is_none_or(|name| name != DATABASE_FILE)
        {
            return Err(TransferError::OtherName { place });
        }
        let db = Db::fill(location).await?;
        let mut conn = db.writing().await?;
        let half = match found(&mut conn, &place).await? {
            Some(note) if start_over => {
                tracing::info!(from = note.from, "throwing a half-filled target away");
                wipe(&mut conn).await?;
                None
            }
            Some(note) => {
                let note = going_on(note, &wanted, &place)?;
                if !goes_on {
                    wipe(&mut conn).await?;
                }
                goes_on.then_some(note)
            }
            None => None,
        };
        let note = match half {
            Some(note) => note,
            None => {
                begin(&mut conn, &wanted).await?;
                wanted
            }
        };
        drop(conn);
        let mut target = Self { db, note, place };
        if target.note.stage == Stage::Tables {
            target.make_tables().await?;
        }
        Ok(target)
    }

    /// Makes the source's tables, empty and without what only slows filling them.
    async fn make_tables(&mut self) -> Result<(), TransferError> {
        self.db.bring_up_to(Some(self.note.schema)).await?;
        let mut conn = self.db.writing().await?;
        conn.begin().await?;
        let made = async {
            let (take_off, put_back) = attachments(&mut conn).await?;
            for text in take_off {
                execute(&mut conn, text, "taking indexes off").await?;
            }
            // Migrations write a few rows; the source has its own.
            for table in catalogue(&mut conn).await? {
                let text = format!("DELETE FROM {}", quoted(&table.name));
                execute(&mut conn, text, "emptying new tables").await?;
            }
            let next = Note {
                stage: Stage::Rows,
                put_back,
                ..self.note.clone()
            };
            self.turn(&mut conn, next).await
        };
        let made = made.await;
        ended(conn, made).await
    }

    /// The tables it has, which must be those of the source.
    pub(super) async fn check_tables(&self, wanted: &[Table]) -> Result<(), TransferError> {
        let mut conn = self.db.writing().await?;
        if catalogue(&mut conn).await? == wanted {
            Ok(())
        } else {
            Err(TransferError::OtherTables {
                version: self.note.schema,
            })
        }
    }

    /// Where to go on in a table: nothing of it is there yet, it goes on behind a key, or it is complete.
    pub(super) fn position(&self, table: &Table) -> Result<Position, TransferError> {
        if self.note.stage == Stage::Checks || table.name < self.note.table {
            return Ok(Position::Complete);
        }
        if table.name > self.note.table {
            return Ok(Position::Start);
        }
        match &self.note.after {
            None => Ok(Position::Complete),
            Some(key) => hex::decode(key)
                .map(Position::Behind)
                .map_err(TransferError::row(NOTE)),
        }
    }

    /// Writes a page and where it ends, both or neither.
    pub(super) async fn write(&mut self, table: &Table, page: &Page) -> Result<(), TransferError> {
        let next = Note {
            table: table.name.clone(),
            after: Some(hex::encode(&page.last)),
            rows: self.note.rows.saturating_add(page.rows),
            ..self.note.clone()
        };
        let mut conn = self.db.writing().await?;
        conn.begin().await?;
        let written = async {
            rows::write(&mut conn, table, page).await?;
            self.turn(&mut conn, next).await
        };
        let written = written.await;
        ended(conn, written).await
    }

    /// Says that all rows of a table are there.
    pub(super) async fn complete(&mut self, table: &Table) -> Result<(), TransferError> {
        let next = Note {
            table: table.name.clone(),
            after: None,
            ..self.note.clone()
        };
        let mut conn = self.db.writing().await?;
        self.turn(&mut conn, next).await
    }

    /// Puts indexes and foreign keys back.
    pub(super) async fn put_back(&mut self) -> Result<(), TransferError> {
        let mut conn = self.db.writing().await?;
        conn.begin().await?;
        let done = async {
            for text in &self.note.put_back {
                execute(&mut conn, text.clone(), "putting indexes back").await?;
            }
            refuse_dangling(&mut conn).await?;
            let next = Note {
                stage: Stage::Checks,
                put_back: Vec::new(),
                ..self.note.clone()
            };
            self.turn(&mut conn, next).await
        };
        let done = done.await;
        ended(conn, done).await
    }

    /// Opens the target to hosts; from here on it is as durable as they need it.
    pub(super) async fn finish(self) -> Result<(), TransferError> {
        let mut conn = self.db.writing().await?;
        if let Conn::Postgres(_) = &conn {
            // Plans made from what a new server knows of its tables would read them whole.
            conn.run("ANALYZE", "counting the target's rows").await?;
        }
        make_durable(&mut conn).await?;
        remove_notes(&mut conn).await?;
        drop(conn);
        self.db.close().await;
        Ok(())
    }

    /// Replaces the note, unless another process did.
    async fn turn(&mut self, conn: &mut Conn, next: Note) -> Result<(), TransferError> {
        let (before, after) = (text_of(&self.note)?, text_of(&next)?);
        let turned = on!(conn, c => sqlx::query("UPDATE transfer SET note = $1 WHERE id = 'transfer' AND note = $2")
            .bind(after).bind(before).execute(c).await.map(|done| done.rows_affected()))
        .map_err(StoreError::during("noting how far a transfer is"))?;
        if turned != 1 {
            return Err(TransferError::Contended);
        }
        self.note = next;
        Ok(())
    }
}

/// Where a table goes on.
pub(super) enum Position {
    Start,
    Behind(Vec<u8>),
    Complete,
}

/// Commits, or takes everything back.
async fn ended(mut conn: Conn, outcome: Result<(), TransferError>) -> Result<(), TransferError> {
    match outcome {
        Ok(()) => Ok(conn.commit().await?),
        Err(error) => {
            conn.discard().await;
            Err(error)
        }
    }
}

fn text_of(note: &Note) -> Result<String, StoreError> {
    serde_json::to_string(note).map_err(StoreError::stored("noting how far a transfer is"))
}

pub(super) async fn execute(
    conn: &mut Conn,
    text: String,
    doing: &'static str,
) -> Result<(), StoreError> {
    on!(conn, c => sqlx::raw_sql(AssertSqlSafe(text)).execute(c).await.map(|_| ()))
        .map_err(StoreError::during(doing))
}

async fn begin(conn: &mut Conn, note: &Note) -> Result<(), TransferError> {
    conn.begin().await?;
    write_note(conn, FILLING, text_of(note)?).await?;
    Ok(conn.commit().await?)
}

/// Makes the table of notes with its first one, within the caller's transaction.
pub(super) async fn write_note(conn: &mut Conn, id: &str, note: String) -> Result<(), StoreError> {
    let id = id.to_owned();
    let table = "CREATE TABLE transfer (id TEXT NOT NULL PRIMARY KEY, note TEXT NOT NULL)";
    execute(conn, table.to_owned(), "claiming the database").await?;
    on!(conn, c => sqlx::query("INSERT INTO transfer (id, note) VALUES ($1, $2)")
        .bind(id).bind(note).execute(c).await.map(|_| ()))
    .map_err(StoreError::during("claiming the database"))
}

/// Opens the database to hosts again.
pub(super) async fn remove_notes(conn: &mut Conn) -> Result<(), StoreError> {
    let text = format!("DROP TABLE {NOTE}");
    execute(conn, text, "opening the database").await
}

/// From here on every commit is on the disk when it is answered.
pub(super) async fn make_durable(conn: &mut Conn) -> Result<(), StoreError> {
    let durable = match &conn {
        Conn::Sqlite(_) => "PRAGMA synchronous = FULL",
        Conn::Postgres(_) => "SET synchronous_commit = on",
    };
    conn.run(durable, "making the database durable").await
}

/// Whether nothing at all is there.
pub(super) async fn is_empty(location: &Location) -> Result<bool, StoreError> {
    if let Location::Sqlite(file) = location
        && !file.exists()
    {
        return Ok(true);
    }
    let db = Db::fill(location).await?;
    let mut conn = db.writing().await?;
    let tables = table_names(&mut conn).await?;
    drop(conn);
    db.close().await;
    Ok(tables.is_empty())
}

fn going_on(note: Note, wanted: &Note, place: &str) -> Result<Note, TransferError> {
    if note.from != wanted.from || !note.chain.is_same(&wanted.chain) {
        return Err(TransferError::HalfFilled {
            place: place.to_owned(),
            from: note.from,
        });
    }
    if note.fingerprint != wanted.fingerprint || note.schema != wanted.schema {
        return Err(TransferError::SourceChanged { place: note.from });
    }
    Ok(note)
}

/// The note of a half-filled target; none where it is empty.
async fn found(conn: &mut Conn, place: &str) -> Result<Option<Note>, TransferError> {
    if let Some(note) = note_of(conn).await? {
        return Ok(Some(note));
    }
    let tables = table_names(conn).await?;
    if tables.is_empty() {
        return Ok(None);
    }
    let chain = if tables.iter().any(|table| table == "chain") {
        chain_mark(conn).await?
    } else {
        None
    };
    Err(TransferError::Occupied {
        place: place.to_owned(),
        holds: chain.map_or_else(
            || "tables already".to_owned(),
            |chain| format!("the chain `{}`", chain.name),
        ),
    })
}

async fn note_of(conn: &mut Conn) -> Result<Option<Note>, StoreError> {
    let read = StoreError::stored("reading how far a transfer is");
    let text = noted(conn, FILLING).await?;
    text.map(|text| serde_json::from_str(&text).map_err(read))
        .transpose()
}

/// A note, where there is one.
pub(super) async fn noted(conn: &mut Conn, id: &str) -> Result<Option<String>, StoreError> {
    let there = match &mut *conn {
        Conn::Sqlite(c) => {
            sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE name = 'transfer')")
                .fetch_one(&mut **c)
                .await
        }
        Conn::Postgres(c) => {
            sqlx::query_scalar(
                "SELECT EXISTS (SELECT 1 FROM pg_tables WHERE schemaname = current_schema() AND tablename = 'transfer')",
            )
            .fetch_one(&mut **c)
            .await
        }
    };
    let there: bool = there.map_err(StoreError::during("looking for a transfer"))?;
    if !there {
        return Ok(None);
    }
    let id = id.to_owned();
    on!(conn, c => sqlx::query_scalar("SELECT note FROM transfer WHERE id = $1")
        .bind(id).fetch_optional(c).await)
    .map_err(StoreError::during("reading how far a transfer is"))
}

/// Refuses a database that a transfer has not filled to the end.
pub(in crate::store) async fn refuse_half_filled(
    conn: &mut Conn,
    place: &str,
) -> Result<(), StoreError> {
    match note_of(conn).await? {
        None => Ok(()),
        Some(note) => Err(StoreError::HalfFilled {
            place: place.to_owned(),
            from: note.from,
        }),
    }
}

/// What is taken off the tables, and the statements that put it back: indexes that no constraint needs, and on
/// PostgreSQL the foreign keys, which SQLite checks afterwards.
async fn attachments(conn: &mut Conn) -> Result<(Vec<String>, Vec<String>), StoreError> {
    let doing = || StoreError::during("reading which indexes there are");
    let (mut off, mut back) = (Vec::new(), Vec::new());
    match conn {
        Conn::Sqlite(c) => {
            let indexes: Vec<(String, String)> = sqlx::query_as(
                "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL ORDER BY name",
            )
            .fetch_all(&mut **c)
            .await
            .map_err(doing())?;
            for (name, text) in indexes {
                off.push(format!("DROP INDEX {}", quoted(&name)));
                back.push(text);
            }
        }
        Conn::Postgres(c) => {
            let indexes: Vec<(String, String)> = sqlx::query_as(
                "SELECT r.relname::text, pg_get_indexdef(r.oid) FROM pg_index i JOIN pg_class r ON r.oid = i.indexrelid
                 WHERE r.relnamespace = current_schema()::regnamespace
                    AND NOT EXISTS (SELECT 1 FROM pg_constraint k WHERE k.conindid = r.oid) ORDER BY 1",
            )
            .fetch_all(&mut **c)
            .await
            .map_err(doing())?;
            let keys: Vec<(String, String, String)> = sqlx::query_as(
                "SELECT t.relname::text, k.conname::text, pg_get_constraintdef(k.oid)
                 FROM pg_constraint k JOIN pg_class t ON t.oid = k.conrelid
                 WHERE k.contype = 'f' AND t.relnamespace = current_schema()::regnamespace ORDER BY 1, 2",
            )
            .fetch_all(&mut **c)
            .await
            .map_err(doing())?;
            for (table, name, text) in keys {
                let (table, name) = (quoted(&table), quoted(&name));
                off.push(format!("ALTER TABLE {table} DROP CONSTRAINT {name}"));
                back.push(format!("ALTER TABLE {table} ADD CONSTRAINT {name} {text}"));
            }
            for (name, text) in indexes {
                off.push(format!("DROP INDEX {}", quoted(&name)));
                back.push(text);
            }
        }
    }
    Ok((off, back))
}

async fn refuse_dangling(conn: &mut Conn) -> Result<(), TransferError> {
    let Conn::Sqlite(c) = conn else {
        // The server checked each foreign key when it was put back.
        return Ok(());
    };
    let dangling = sqlx::query("PRAGMA foreign_key_check")
        .fetch_all(&mut **c)
        .await
        .map_err(StoreError::during("checking references"))?;
    match dangling.first() {
        None => Ok(()),
        Some(row) => Err(TransferError::Dangling {
            table: row.try_get(0).unwrap_or_default(),
            count: dangling.len(),
        }),
    }
}

/// Removes every table of a half-filled target, the note last.
async fn wipe(conn: &mut Conn) -> Result<(), TransferError> {
    let mut tables = table_names(conn).await?;
    tables.sort_by_key(|table| table == NOTE);
    conn.begin().await?;
    for table in tables {
        let cascade = match conn {
            Conn::Sqlite(_) => "",
            Conn::Postgres(_) => " CASCADE",
        };
        let text = format!("DROP TABLE {}{cascade}", quoted(&table));
        execute(conn, text, "removing a half-filled table").await?;
    }
    Ok(conn.commit().await?)
}
