//! Rows of any table as bytes: read page by page along the primary key, and written in bulk.
//!
//! A row is the number of its cells (two bytes), and for each its length (four bytes, -1 for NULL) and its bytes: text
//! as UTF-8, numbers as eight bytes with the highest first, flags as one byte. That is what PostgreSQL's binary COPY
//! reads, so nothing is converted on the way there.

use futures_util::TryStreamExt as _;
use sha2::{Digest as _, Sha256};
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use sqlx::{AssertSqlSafe, Row as _, ValueRef as _};

use super::catalogue::{Table, quoted};
use super::error::TransferError;
use crate::store::bulk::Kind;
use crate::store::db::Conn;
use crate::store::error::StoreError;

/// Rows of one page.
pub(super) const MOST_ROWS: usize = 4_096;
/// A page ends behind the row that fills it; a plugin's row holds some megabytes.
pub(super) const MOST_BYTES: usize = 4 << 20;
/// Rows of one INSERT into SQLite, and what it binds at most.
const ROWS_SQLITE: usize = 256;
const BINDS_SQLITE: usize = 32_766;
const COPY_HEAD: [u8; 19] = *b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
const COPY_END: [u8; 2] = [0xff, 0xff];

/// Binds one cell to a query of either database, by the kind of its column.
macro_rules! bind_cell {
    ($query:expr, $cell:expr, $kind:expr, $table:expr) => {{
        let cell: Option<&[u8]> = $cell;
        match $kind {
            Kind::Text => $query.bind(
                cell.map(std::str::from_utf8)
                    .transpose()
                    .map_err(TransferError::row(&$table.name))?
                    .map(str::to_owned),
            ),
            Kind::Int => $query.bind(
                cell.map(<[u8; 8]>::try_from)
                    .transpose()
                    .map_err(TransferError::row(&$table.name))?
                    .map(i64::from_be_bytes),
            ),
            Kind::Flag => $query.bind(cell.map(|cell| cell == [1])),
            Kind::Bytes => $query.bind(cell.map(<[u8]>::to_vec)),
        }
    }};
}

/// Some rows of one table, in the order of its key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Page {
    pub rows: u64,
    pub bytes: Vec<u8>,
    /// The key of the last row, as cells.
    pub last: Vec<u8>,
}

/// Number and hash of all rows of a table.
#[derive(Debug, Clone, Default)]
pub(super) struct Sum {
    pub rows: u64,
    hash: Sha256,
}

impl Sum {
    pub(super) fn add(&mut self, page: &Page) {
        self.rows += page.rows;
        self.hash.update(&page.bytes);
    }

    pub(super) fn digest(&self) -> [u8; 32] {
        self.hash.clone().finalize().into()
    }

    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.rows == other.rows && self.digest() == other.digest()
    }
}

impl Page {
    fn cell(&mut self, bytes: Option<&[u8]>) -> Result<(), std::num::TryFromIntError> {
        push_cell(&mut self.bytes, bytes)
    }

    /// Takes note of the key of the row that starts at `start`.
    fn end_row(&mut self, table: &Table, start: usize) -> Result<(), TransferError> {
        let row = self.bytes.get(start + 2..).unwrap_or_default();
        let cells = cells(row, table.columns.len()).ok_or_else(|| cut(table))?;
        let mut last = Vec::new();
        for at in &table.key {
            let cell = cells.get(*at).copied().flatten();
            push_cell(&mut last, cell).map_err(TransferError::row(&table.name))?;
        }
        self.last = last;
        self.rows += 1;
        Ok(())
    }
}

fn push_cell(to: &mut Vec<u8>, bytes: Option<&[u8]>) -> Result<(), std::num::TryFromIntError> {
    let length = bytes.map_or(Ok(-1), |bytes| i32::try_from(bytes.len()))?;
    to.extend(length.to_be_bytes());
    to.extend(bytes.unwrap_or_default());
    Ok(())
}

/// So many cells from the start of `bytes`.
fn cells(mut bytes: &[u8], count: usize) -> Option<Vec<Option<&[u8]>>> {
    let mut found = Vec::with_capacity(count);
    for _ in 0..count {
        found.push(next_cell(&mut bytes)?);
    }
    Some(found)
}

fn next_cell<'a>(bytes: &mut &'a [u8]) -> Option<Option<&'a [u8]>> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    *bytes = rest;
    let length = i32::from_be_bytes(*length);
    if length == -1 {
        return Some(None);
    }
    let (cell, rest) = bytes.split_at_checked(usize::try_from(length).ok()?)?;
    *bytes = rest;
    Some(Some(cell))
}

/// Reads the rows after `after` (the key of the last one read), few enough to be held in memory; none at the end.
/// `only` is a condition on them, where not all are wanted.
pub(super) async fn read(
    conn: &mut Conn,
    table: &Table,
    only: Option<&str>,
    after: Option<&[u8]>,
) -> Result<Page, TransferError> {
    let text = AssertSqlSafe(reading(table, only, after.is_some()));
    let key = after.unwrap_or_default();
    let key = match after {
        Some(_) => cells(key, table.key.len()).ok_or_else(|| cut(table))?,
        None => Vec::new(),
    };
    let mut page = Page::default();
    let failed = || StoreError::during("reading rows to move");
    match conn {
        Conn::Sqlite(c) => {
            let mut query = sqlx::query(text);
            for (cell, column) in key.iter().zip(table.key_columns()) {
                query = bind_cell!(query, *cell, column.kind, table);
            }
            let mut found = query.fetch(&mut **c);
            while page.bytes.len() < MOST_BYTES {
                let Some(row) = found.try_next().await.map_err(failed())? else {
                    break;
                };
                of_sqlite(&row, table, &mut page)?;
            }
        }
        Conn::Postgres(c) => {
            let mut query = sqlx::query(text);
            for (cell, column) in key.iter().zip(table.key_columns()) {
                query = bind_cell!(query, *cell, column.kind, table);
            }
            let mut found = query.fetch(&mut **c);
            while page.bytes.len() < MOST_BYTES {
                let Some(row) = found.try_next().await.map_err(failed())? else {
                    break;
                };
                of_postgres(&row, table, &mut page)?;
            }
        }
    }
    Ok(page)
}

fn reading(table: &Table, only: Option<&str>, goes_on: bool) -> String {
    let key = table.key_list();
    let mut conditions: Vec<String> = only.iter().map(|only| (*only).to_owned()).collect();
    if goes_on {
        let binds: Vec<String> = (1..=table.key.len()).map(|n| format!("${n}")).collect();
        conditions.push(format!("({key}) > ({})", binds.join(", ")));
    }
    let rows = match conditions.as_slice() {
        [] => String::new(),
        conditions => format!("WHERE {}", conditions.join(" AND ")),
    };
    format!(
        "SELECT {} FROM {} {rows} ORDER BY {key} LIMIT {MOST_ROWS}",
        table.column_list(),
        quoted(&table.name)
    )
}

fn start_row(table: &Table, page: &mut Page) -> Result<usize, TransferError> {
    let start = page.bytes.len();
    let width = i16::try_from(table.columns.len()).map_err(TransferError::row(&table.name))?;
    page.bytes.extend(width.to_be_bytes());
    Ok(start)
}

fn of_sqlite(row: &SqliteRow, table: &Table, page: &mut Page) -> Result<(), TransferError> {
    let start = start_row(table, page)?;
    for (at, column) in table.columns.iter().enumerate() {
        let failed = || TransferError::row(&table.name);
        let long = || TransferError::row(&table.name);
        match column.kind {
            Kind::Text => {
                let text: Option<&str> = row.try_get(at).map_err(failed())?;
                page.cell(text.map(str::as_bytes)).map_err(long())?;
            }
            Kind::Int => {
                let number: Option<i64> = row.try_get(at).map_err(failed())?;
                let bytes = number.map(i64::to_be_bytes);
                page.cell(bytes.as_ref().map(<[u8; 8]>::as_slice))
                    .map_err(long())?;
            }
            Kind::Flag => {
                let flag: Option<bool> = row.try_get(at).map_err(failed())?;
                let byte = flag.map(|flag| [u8::from(flag)]);
                page.cell(byte.as_ref().map(<[u8; 1]>::as_slice))
                    .map_err(long())?;
            }
            Kind::Bytes => {
                let bytes: Option<&[u8]> = row.try_get(at).map_err(failed())?;
                page.cell(bytes).map_err(long())?;
            }
        }
    }
    page.end_row(table, start)
}

/// PostgreSQL sends cells as COPY reads them.
fn of_postgres(row: &PgRow, table: &Table, page: &mut Page) -> Result<(), TransferError> {
    let start = start_row(table, page)?;
    for at in 0..table.columns.len() {
        let value = row
            .try_get_raw(at)
            .map_err(TransferError::row(&table.name))?;
        let bytes = if value.is_null() {
            None
        } else {
            Some(value.as_bytes().map_err(TransferError::row(&table.name))?)
        };
        page.cell(bytes).map_err(TransferError::row(&table.name))?;
    }
    page.end_row(table, start)
}

/// Writes the rows of a page; they must not be there yet.
pub(super) async fn write(
    conn: &mut Conn,
    table: &Table,
    page: &Page,
) -> Result<(), TransferError> {
    match conn {
        Conn::Postgres(c) => {
            let text = format!(
                "COPY {} ({}) FROM STDIN (FORMAT binary)",
                quoted(&table.name),
                table.column_list()
            );
            let copied = async {
                let mut copy = c.copy_in_raw(&text).await?;
                copy.send(COPY_HEAD.as_slice()).await?;
                copy.send(page.bytes.as_slice()).await?;
                copy.send(COPY_END.as_slice()).await?;
                copy.finish().await
            };
            let rows = copied.await.map_err(StoreError::during("writing rows"))?;
            if rows != page.rows {
                return Err(cut(table));
            }
            Ok(())
        }
        Conn::Sqlite(_) => write_sqlite(conn, table, page).await,
    }
}

async fn write_sqlite(conn: &mut Conn, table: &Table, page: &Page) -> Result<(), TransferError> {
    let Conn::Sqlite(c) = conn else {
        return Ok(());
    };
    let width = table.columns.len().max(1);
    let most = ROWS_SQLITE.min(BINDS_SQLITE / width).max(1);
    let mut left = usize::try_from(page.rows).unwrap_or(usize::MAX);
    let mut bytes = page.bytes.as_slice();
    while left > 0 {
        // Powers of two, so that few statements are prepared.
        let rows = 1 << left.min(most).ilog2();
        let mut query = sqlx::query(AssertSqlSafe(inserting(table, rows)));
        for _ in 0..rows {
            bytes = bytes.get(2..).ok_or_else(|| cut(table))?;
            for column in &table.columns {
                let cell = next_cell(&mut bytes).ok_or_else(|| cut(table))?;
                query = bind_cell!(query, cell, column.kind, table);
            }
        }
        query
            .execute(&mut **c)
            .await
            .map_err(StoreError::during("writing rows"))?;
        left -= rows;
    }
    if bytes.is_empty() {
        Ok(())
    } else {
        Err(cut(table))
    }
}

fn inserting(table: &Table, rows: usize) -> String {
    let one = format!("({})", vec!["?"; table.columns.len()].join(", "));
    format!(
        "INSERT INTO {} ({}) VALUES {}",
        quoted(&table.name),
        table.column_list(),
        vec![one; rows].join(", ")
    )
}

/// Number and hash of a table's rows as they stand.
pub(super) async fn sum(
    conn: &mut Conn,
    table: &Table,
    progress: super::Progress<'_>,
) -> Result<Sum, TransferError> {
    let mut sum = Sum::default();
    let mut after: Option<Vec<u8>> = None;
    loop {
        let page = read(conn, table, None, after.as_deref()).await?;
        if page.rows == 0 {
            return Ok(sum);
        }
        sum.add(&page);
        progress(super::Step::Rows(page.rows));
        after = Some(page.last);
    }
}

/// The cells of the row `bytes` starts with; `bytes` goes on behind it.
pub(super) fn next_row(
    bytes: &mut &[u8],
    table: &Table,
) -> Result<Vec<Option<Vec<u8>>>, TransferError> {
    *bytes = bytes.get(2..).ok_or_else(|| cut(table))?;
    let mut row = Vec::with_capacity(table.columns.len());
    for _ in &table.columns {
        let cell = next_cell(bytes).ok_or_else(|| cut(table))?;
        row.push(cell.map(<[u8]>::to_vec));
    }
    Ok(row)
}

fn cut(table: &Table) -> TransferError {
    TransferError::Row {
        table: table.name.clone(),
        what: "its bytes end too soon or too late".to_owned(),
    }
}
