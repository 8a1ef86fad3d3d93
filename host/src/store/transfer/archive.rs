//! Evaluations and facts of old orders, out of the database into a file, and read from there again.
//!
//! Nothing is taken out of the database before the file that holds it is whole on the disk and was read again. Orders,
//! entries, components and configurations stay; so any evaluation can still be executed again, from the file.

use std::path::Path;

use super::catalogue::{Column, Table, catalogue};
use super::error::TransferError;
use super::file::{Examined, Header, Key, Next, Reading, Writing, examine};
use super::moving::own_folder;
use super::rows::{self, Page};
use super::source::Source;
use super::{Progress, Step};
use crate::domain::ledger::EvaluationRow;
use crate::domain::time::Day;
use crate::on;
use crate::store::bulk::{Bulk, Cell, Kind};
use crate::store::db::{Conn, Db};
use crate::store::error::StoreError;
use crate::store::location::Location;
use crate::store::orders::Asked;

/// The kind of a file that holds what was taken out.
const ARCHIVE: &str = "archive";
const EVALUATIONS: &str = "evaluations";
/// Where facts stand, and what they are of.
const WITH_FACTS: [(&str, Asked); 4] = [
    ("orders", Asked::Order),
    ("refunds", Asked::Refund),
    ("claims", Asked::Claim),
    ("occasions", Asked::Occasion),
];

const DELETE_EVALUATIONS: Bulk = Bulk {
    doing: "taking archived evaluations out",
    text: "WITH v (subject_id, position) AS ({rows})
        DELETE FROM evaluations WHERE (subject_id, position) IN (SELECT subject_id, position FROM v)",
    columns: &[Kind::Text, Kind::Int],
};

/// Facts that are archived become empty. They stay of the column's type, which an empty text would not.
macro_rules! emptying {
    ($table:literal) => {
        Bulk {
            doing: concat!("taking archived facts of ", $table, " out"),
            text: concat!(
                "WITH v (id) AS ({rows}) UPDATE ",
                $table,
                " SET facts = substr(facts, 1, 0) WHERE LENGTH(facts) > 0 AND id IN (SELECT id FROM v)"
            ),
            columns: &[Kind::Text],
        }
    };
}

/// In the order of [`WITH_FACTS`].
const EMPTY_FACTS: [Bulk; 4] = [
    emptying!("orders"),
    emptying!("refunds"),
    emptying!("claims"),
    emptying!("occasions"),
];

/// What was taken out of a database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    pub evaluations: u64,
    /// Of orders, refunds, claims and occasions.
    pub facts: u64,
    /// Hash of the file, in hex.
    pub digest: String,
}

/// Takes evaluations and facts of everything before a business day out into a file. Where the file is there already and
/// an interrupted call wrote it, that call is ended.
///
/// # Errors
/// When the chain is a file a host serves, or the file cannot be written; nothing was taken out then.
pub async fn archive(
    chain: &Location,
    file: &Path,
    before: Day,
    key: Option<&Key>,
    taken_at: i64,
    progress: Progress<'_>,
) -> Result<Taken, TransferError> {
    let _owned = match chain {
        Location::Sqlite(_) => Some(own_folder(chain)?),
        Location::Postgres(_) => None,
    };
    // Brings the tables up to date.
    let db = Db::open(chain, 1).await?;
    if !file.exists() {
        write(chain, file, before, key, taken_at, &mut *progress).await?;
    }
    let examined = examine(file, ARCHIVE, key)?;
    let mark = super::source::chain_mark(&mut db.read().await?).await?;
    if mark.is_none_or(|mark| !mark.is_same(&examined.header.chain)) {
        return Err(TransferError::FileExists {
            path: file.to_owned(),
        });
    }
    if let Some(was) = examined.header.before.filter(|was| *was != before) {
        let was = crate::clock::date_of(was);
        return Err(TransferError::OtherDay {
            path: file.to_owned(),
            was: was.map_or_else(String::new, |was| was.to_string()),
        });
    }
    let taken = take_out(&db, file, &examined, before, progress).await?;
    db.close().await;
    Ok(taken)
}

/// Which rows go, as a condition on each table.
fn parts(tables: &[Table], before: Day) -> Vec<(Table, String)> {
    let day = i64::from(before.0);
    let is_old: Vec<String> = WITH_FACTS
        .iter()
        .map(|(table, _)| {
            format!("EXISTS (SELECT 1 FROM {table} s WHERE s.id = subject_id AND s.business_date < {day})")
        })
        .collect();
    let mut parts: Vec<(Table, String)> = tables
        .iter()
        .filter(|table| table.name == EVALUATIONS)
        .map(|table| (table.clone(), format!("({})", is_old.join(" OR "))))
        .collect();
    for (table, _) in WITH_FACTS {
        let column = |name: &str, kind| Column {
            name: name.to_owned(),
            kind,
        };
        let table = Table {
            name: table.to_owned(),
            columns: vec![column("id", Kind::Text), column("facts", Kind::Bytes)],
            key: vec![0],
        };
        parts.push((
            table,
            format!("business_date < {day} AND LENGTH(facts) > 0"),
        ));
    }
    parts
}

async fn write(
    chain: &Location,
    file: &Path,
    before: Day,
    key: Option<&Key>,
    taken_at: i64,
    progress: Progress<'_>,
) -> Result<(), TransferError> {
    let mut source = Source::open(chain).await?;
    let parts = parts(&catalogue(&mut source.conn).await?, before);
    let header = Header {
        kind: ARCHIVE.to_owned(),
        chain: source.chain.clone(),
        schema: source.schema,
        taken_at,
        key: key.map(|key| key.name.clone()),
        heads: Vec::new(),
        tables: parts.iter().map(|(table, _)| table.clone()).collect(),
        before: Some(before),
    };
    let mut writing = Writing::begin(file, &header)?;
    progress(Step::Doing("writing rows"));
    for (number, (table, only)) in parts.iter().enumerate() {
        let mut after: Option<Vec<u8>> = None;
        loop {
            let page = rows::read(&mut source.conn, table, Some(only), after.as_deref()).await?;
            if page.rows == 0 {
                break;
            }
            writing.page(number, &page)?;
            progress(Step::Rows(page.rows));
            after = Some(page.last);
        }
    }
    writing.end(key)?;
    source.close().await;
    Ok(())
}

/// Takes out what the file holds, page by page; what is out already stays out.
async fn take_out(
    db: &Db,
    file: &Path,
    examined: &Examined,
    before: Day,
    progress: Progress<'_>,
) -> Result<Taken, TransferError> {
    progress(Step::Doing("taking rows out"));
    progress(Step::Total(examined.rows()));
    let mut conn = db.writing().await?;
    register(&mut conn, file, examined, before).await?;
    let mut taken = Taken {
        evaluations: 0,
        facts: 0,
        digest: examined.digest.clone(),
    };
    let mut reading = Reading::begin(file)?;
    while let Next::Page(number, page) = reading.next()? {
        let Some(table) = examined.header.tables.get(number) else {
            continue;
        };
        let (bulk, count) = match WITH_FACTS.iter().position(|(name, _)| *name == table.name) {
            Some(at) => (&EMPTY_FACTS[at], &mut taken.facts),
            None => (&DELETE_EVALUATIONS, &mut taken.evaluations),
        };
        let keys = keys_of(table, &page)?;
        conn.begin().await?;
        let done = bulk.execute(&mut conn, keys).await;
        match done {
            Ok(_) => conn.commit().await?,
            Err(error) => {
                conn.discard().await;
                return Err(error.into());
            }
        }
        *count = count.saturating_add(page.rows);
        progress(Step::Rows(page.rows));
    }
    Ok(taken)
}

/// The keys of a page's rows, row after row.
fn keys_of(table: &Table, page: &Page) -> Result<Vec<Cell>, TransferError> {
    let mut keys = Vec::new();
    let mut bytes = page.bytes.as_slice();
    for _ in 0..page.rows {
        let row = rows::next_row(&mut bytes, table)?;
        for at in &table.key {
            let (cell, kind) = (
                row.get(*at).cloned().flatten(),
                table.columns.get(*at).map(|column| column.kind),
            );
            keys.push(match kind {
                Some(Kind::Int) => Cell::MaybeInt(
                    cell.and_then(|cell| <[u8; 8]>::try_from(cell).ok())
                        .map(i64::from_be_bytes),
                ),
                _ => Cell::MaybeText(cell.and_then(|cell| String::from_utf8(cell).ok())),
            });
        }
    }
    Ok(keys)
}

async fn register(
    conn: &mut Conn,
    file: &Path,
    examined: &Examined,
    before: Day,
) -> Result<(), StoreError> {
    let name = file
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    let rows = i64::try_from(examined.rows()).unwrap_or(i64::MAX);
    let (digest, at) = (examined.digest.clone(), examined.header.taken_at);
    on!(conn, c => sqlx::query(
        "INSERT INTO archives (digest, file, before_day, taken_at, row_count) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (digest) DO NOTHING")
        .bind(digest).bind(name).bind(i64::from(before.0)).bind(at).bind(rows)
        .execute(c).await.map(|_| ()))
    .map_err(StoreError::during("noting an archive"))
}

/// The files that may hold what was recorded for a business day, the likeliest first.
///
/// # Errors
/// When the database cannot be read.
pub async fn archived(conn: &mut Conn, day: Day) -> Result<Vec<String>, StoreError> {
    on!(conn, c => sqlx::query_scalar(
        "SELECT file FROM archives WHERE before_day > $1 ORDER BY before_day, taken_at LIMIT 100")
        .bind(i64::from(day.0)).fetch_all(c).await)
    .map_err(StoreError::during("looking for an archive"))
}

/// One evaluation of an archive with the facts it was told.
pub struct Archived {
    pub asked: Asked,
    pub facts: Vec<u8>,
    pub evaluation: EvaluationRow,
}

/// The evaluations of an archive, one after the other. Facts and evaluations lie in the same order, so neither is ever
/// held as a whole.
pub struct Evaluations {
    evaluations: Cursor,
    facts: Vec<(Asked, Cursor)>,
}

impl Evaluations {
    /// Opens an archive that was examined.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn open(path: &Path) -> Result<Self, TransferError> {
        let mut facts = Vec::new();
        for (table, asked) in WITH_FACTS {
            // A file of an older program has fewer.
            if let Some(mut cursor) = Cursor::open(path, table)? {
                cursor.step()?;
                facts.push((asked, cursor));
            }
        }
        let evaluations =
            Cursor::open(path, EVALUATIONS)?.ok_or_else(|| TransferError::Damaged {
                path: path.to_owned(),
                what: "it has no evaluations".to_owned(),
            })?;
        Ok(Self { evaluations, facts })
    }

    /// The next one, none at the end.
    ///
    /// # Errors
    /// When the file is not readable.
    pub fn step(&mut self) -> Result<Option<Archived>, TransferError> {
        self.evaluations.step()?;
        let Some(evaluation) = self.evaluations.evaluation()? else {
            return Ok(None);
        };
        for (asked, cursor) in &mut self.facts {
            while cursor.text("id").is_some_and(|id| id < evaluation.subject) {
                cursor.step()?;
            }
            if cursor.text("id").as_ref() == Some(&evaluation.subject) {
                return Ok(Some(Archived {
                    asked: *asked,
                    facts: cursor.bytes("facts").unwrap_or_default(),
                    evaluation,
                }));
            }
        }
        Err(TransferError::Row {
            table: EVALUATIONS.to_owned(),
            what: format!("the archive has no facts of {}", evaluation.subject),
        })
    }
}

/// The rows of one table of a file.
struct Cursor {
    reading: Reading,
    number: usize,
    table: Table,
    page: Vec<u8>,
    at: usize,
    row: Option<Vec<Option<Vec<u8>>>>,
}

impl Cursor {
    /// None where the file has no such table.
    fn open(path: &Path, name: &str) -> Result<Option<Self>, TransferError> {
        let reading = Reading::begin(path)?;
        let tables = &reading.header.tables;
        let found = tables
            .iter()
            .enumerate()
            .find(|(_, table)| table.name == name)
            .map(|(number, table)| (number, table.clone()));
        Ok(found.map(|(number, table)| Self {
            reading,
            number,
            table,
            page: Vec::new(),
            at: 0,
            row: None,
        }))
    }

    fn step(&mut self) -> Result<(), TransferError> {
        while self.at >= self.page.len() {
            match self.reading.next()? {
                Next::Page(number, page) if number == self.number => {
                    (self.page, self.at) = (page.bytes, 0);
                }
                Next::Page(..) => {}
                Next::End(_) => {
                    self.row = None;
                    return Ok(());
                }
            }
        }
        let mut rest = self.page.get(self.at..).unwrap_or_default();
        self.row = Some(rows::next_row(&mut rest, &self.table)?);
        self.at = self.page.len() - rest.len();
        Ok(())
    }

    fn bytes(&self, column: &str) -> Option<Vec<u8>> {
        let at = self.table.columns.iter().position(|c| c.name == column)?;
        self.row.as_ref()?.get(at)?.clone()
    }

    fn text(&self, column: &str) -> Option<String> {
        String::from_utf8(self.bytes(column)?).ok()
    }

    fn number(&self, column: &str) -> Option<i64> {
        let bytes = <[u8; 8]>::try_from(self.bytes(column)?).ok()?;
        Some(i64::from_be_bytes(bytes))
    }

    fn evaluation(&self) -> Result<Option<EvaluationRow>, TransferError> {
        if self.row.is_none() {
            return Ok(None);
        }
        let row = || {
            Some(EvaluationRow {
                subject: self.text("subject_id")?,
                position: self.number("position")?,
                binding_id: self.text("binding_id")?,
                component_digest: self.text("component_digest")?,
                config_hash: self.text("config_hash")?,
                kind: self.text("kind")?,
                delta: self.bytes("delta")?,
                output: self.bytes("output")?,
                fuel: self.number("fuel")?,
            })
        };
        row().map(Some).ok_or_else(|| TransferError::Row {
            table: EVALUATIONS.to_owned(),
            what: "the archive lacks a part of it".to_owned(),
        })
    }
}
