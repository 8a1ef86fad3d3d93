//! Many rows in one statement.
//!
//! A text is written once with `{rows}` where the rows stand. SQLite gets `VALUES (?, ?), …` whole up to
//! [`WHOLE_ROWS_SQLITE`] rows and else in chunks whose sizes are powers of two, so few texts are prepared;
//! PostgreSQL gets one array per column, so one text
//! serves any number. In both, `{rows}` may stand after `INSERT INTO t (…)` or inside `WITH v (…) AS ({rows})`.

use sqlx::postgres::PgArguments;
use sqlx::query::{Query, QueryAs};
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{AssertSqlSafe, FromRow, Postgres, Sqlite, SqliteConnection};

use super::db::{Conn, Dialect};
use super::error::StoreError;

/// SQLite binds at most 32,766 values; a power of two of rows is chosen below it.
const MOST_BINDS_SQLITE: usize = 32_766;
/// Rows per PostgreSQL statement, so that one message stays of a sane size.
const MOST_ROWS_POSTGRES: usize = 8_192;
const MOST_ROWS_SQLITE: usize = 512;
/// So many rows need one statement whatever their number: every further one is a trip to the database's thread.
const WHOLE_ROWS_SQLITE: usize = 16;

/// One value of one row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cell {
    Text(String),
    MaybeText(Option<String>),
    Int(i64),
    MaybeInt(Option<i64>),
    Flag(bool),
    Bytes(Vec<u8>),
}

/// The type of one column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    Text,
    Int,
    Flag,
    Bytes,
}

impl Kind {
    fn array(self) -> &'static str {
        match self {
            Self::Text => "TEXT[]",
            Self::Int => "BIGINT[]",
            Self::Flag => "BOOLEAN[]",
            Self::Bytes => "BYTEA[]",
        }
    }
}

/// A statement over many rows: its text and the types of its columns.
pub struct Bulk {
    pub doing: &'static str,
    pub text: &'static str,
    pub columns: &'static [Kind],
}

impl Bulk {
    /// Runs the statement over `cells` (row after row) and returns how many rows it touched.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn execute(&self, conn: &mut Conn, cells: Vec<Cell>) -> Result<u64, StoreError> {
        let mut touched = 0;
        for chunk in self.chunks(conn.dialect(), cells) {
            let text = AssertSqlSafe(self.sql(conn.dialect(), chunk.len()));
            touched += match conn {
                Conn::Sqlite(c) => bind_each(sqlx::query(text), chunk)
                    .execute(&mut **c)
                    .await
                    .map(|done| done.rows_affected()),
                Conn::Postgres(c) => bind_arrays(sqlx::query(text), self.columns, chunk)
                    .execute(&mut **c)
                    .await
                    .map(|done| done.rows_affected()),
            }
            .map_err(StoreError::during(self.doing))?;
        }
        Ok(touched)
    }

    /// Runs a reading statement joined with `cells` and returns what it found, in no particular order.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn fetch<R>(&self, conn: &mut Conn, cells: Vec<Cell>) -> Result<Vec<R>, StoreError>
    where
        R: Send + Unpin,
        R: for<'r> FromRow<'r, sqlx::sqlite::SqliteRow>,
        R: for<'r> FromRow<'r, sqlx::postgres::PgRow>,
    {
        let mut found = Vec::new();
        for chunk in self.chunks(conn.dialect(), cells) {
            let text = AssertSqlSafe(self.sql(conn.dialect(), chunk.len()));
            let rows = match conn {
                Conn::Sqlite(c) => {
                    bind_each_as(sqlx::query_as(text), chunk)
                        .fetch_all(&mut **c)
                        .await
                }
                Conn::Postgres(c) => {
                    bind_arrays_as(sqlx::query_as(text), self.columns, chunk)
                        .fetch_all(&mut **c)
                        .await
                }
            }
            .map_err(StoreError::during(self.doing))?;
            found.extend(rows);
        }
        Ok(found)
    }

    /// Runs a reading statement on SQLite and returns its rows as they are.
    pub(super) async fn rows(
        &self,
        conn: &mut SqliteConnection,
        cells: Vec<Cell>,
    ) -> Result<Vec<SqliteRow>, StoreError> {
        let mut found = Vec::new();
        for chunk in self.chunks(Dialect::Sqlite, cells) {
            let text = AssertSqlSafe(self.sql(Dialect::Sqlite, chunk.len()));
            let rows = bind_each(sqlx::query(text), chunk)
                .fetch_all(&mut *conn)
                .await
                .map_err(StoreError::during(self.doing))?;
            found.extend(rows);
        }
        Ok(found)
    }

    fn chunks(&self, dialect: Dialect, mut cells: Vec<Cell>) -> Vec<Vec<Cell>> {
        let width = self.columns.len().max(1);
        debug_assert_eq!(cells.len() % width, 0, "whole rows while {}", self.doing);
        let mut chunks = Vec::new();
        while !cells.is_empty() {
            let rows = cells.len() / width;
            let most = match dialect {
                Dialect::Sqlite => {
                    let cap = (MOST_BINDS_SQLITE / width).clamp(1, MOST_ROWS_SQLITE);
                    let rows = rows.min(cap).max(1);
                    if rows <= WHOLE_ROWS_SQLITE {
                        rows
                    } else {
                        // The largest power of two that fits.
                        1 << rows.ilog2()
                    }
                }
                Dialect::Postgres => MOST_ROWS_POSTGRES,
            };
            let rest = cells.split_off((most * width).min(cells.len()));
            chunks.push(std::mem::replace(&mut cells, rest));
        }
        chunks
    }

    fn sql(&self, dialect: Dialect, cells: usize) -> String {
        match dialect {
            Dialect::Sqlite => self.of_values(cells),
            Dialect::Postgres => self.of_arrays(1),
        }
    }

    fn of_values(&self, cells: usize) -> String {
        let mut rows = String::from("VALUES ");
        for cell in 0..cells {
            rows.push_str(match (cell, cell % self.columns.len()) {
                (0, _) => "(",
                (_, 0) => "), (",
                _ => ", ",
            });
            // Numbered parameters are looked up one by one, which grows with their square.
            rows.push('?');
        }
        rows.push(')');
        self.text.replacen("{rows}", &rows, 1)
    }

    /// PostgreSQL's text, whose arrays are the parameters from `first` on.
    pub(super) fn of_arrays(&self, first: usize) -> String {
        let arrays: Vec<String> = (first..)
            .zip(self.columns)
            .map(|(at, kind)| format!("${at}::{}", kind.array()))
            .collect();
        let rows = format!("SELECT * FROM UNNEST({})", arrays.join(", "));
        self.text.replacen("{rows}", &rows, 1)
    }
}

macro_rules! binders {
    ($each:ident, $arrays:ident, $query:ident $(, $output:ident)?) => {
        fn $each<'q $(, $output)?>(
            mut query: $query<'q, Sqlite $(, $output)?, SqliteArguments>,
            cells: Vec<Cell>,
        ) -> $query<'q, Sqlite $(, $output)?, SqliteArguments> {
            for cell in cells {
                query = match cell {
                    Cell::Text(text) => query.bind(text),
                    Cell::MaybeText(text) => query.bind(text),
                    Cell::Int(number) => query.bind(number),
                    Cell::MaybeInt(number) => query.bind(number),
                    Cell::Flag(flag) => query.bind(flag),
                    Cell::Bytes(bytes) => query.bind(bytes),
                };
            }
            query
        }

        pub(super) fn $arrays<'q $(, $output)?>(
            mut query: $query<'q, Postgres $(, $output)?, PgArguments>,
            kinds: &[Kind],
            cells: Vec<Cell>,
        ) -> $query<'q, Postgres $(, $output)?, PgArguments> {
            for column in columns(kinds, cells) {
                query = match column {
                    Column::Text(values) => query.bind(values),
                    Column::Int(values) => query.bind(values),
                    Column::Flag(values) => query.bind(values),
                    Column::Bytes(values) => query.bind(values),
                };
            }
            query
        }
    };
}

binders!(bind_each, bind_arrays, Query);
binders!(bind_each_as, bind_arrays_as, QueryAs, O);

enum Column {
    Text(Vec<Option<String>>),
    Int(Vec<Option<i64>>),
    Flag(Vec<bool>),
    Bytes(Vec<Vec<u8>>),
}

/// Turns rows into columns. A cell of another kind than its column says becomes NULL or the zero of its
/// kind, which the NOT NULL columns of the tables then refuse.
fn columns(kinds: &[Kind], cells: Vec<Cell>) -> Vec<Column> {
    let rows = cells.len() / kinds.len().max(1);
    let mut columns: Vec<Column> = kinds
        .iter()
        .map(|kind| match kind {
            Kind::Text => Column::Text(Vec::with_capacity(rows)),
            Kind::Int => Column::Int(Vec::with_capacity(rows)),
            Kind::Flag => Column::Flag(Vec::with_capacity(rows)),
            Kind::Bytes => Column::Bytes(Vec::with_capacity(rows)),
        })
        .collect();
    let width = columns.len();
    for (at, cell) in cells.into_iter().enumerate() {
        match (&mut columns[at % width], cell) {
            (Column::Text(values), Cell::Text(text)) => values.push(Some(text)),
            (Column::Text(values), Cell::MaybeText(text)) => values.push(text),
            (Column::Int(values), Cell::Int(number)) => values.push(Some(number)),
            (Column::Int(values), Cell::MaybeInt(number)) => values.push(number),
            (Column::Flag(values), Cell::Flag(flag)) => values.push(flag),
            (Column::Bytes(values), Cell::Bytes(bytes)) => values.push(bytes),
            (Column::Text(values), _) => values.push(None),
            (Column::Int(values), _) => values.push(None),
            (Column::Flag(values), _) => values.push(false),
            (Column::Bytes(values), _) => values.push(Vec::new()),
        }
    }
    columns
}
