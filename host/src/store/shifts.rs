//! Terminals' shifts and what happened in them.

use super::bulk::{Bulk, Cell, Kind};
use super::db::Conn;
use super::error::StoreError;
use super::lots::day;
use super::row::record;
use crate::domain::ledger::{Shift, ShiftMovement};
use crate::domain::time::Instant;
use crate::on;

use Kind::{Int, Text};

type Row = (
    String,
    String,
    String,
    String,
    i64,
    i64,
    String,
    i64,
    Option<i64>,
    i64,
    String,
    String,
);

/// Reads all columns of shifts.
macro_rules! shifts {
    ($rest:literal) => {
        concat!(
            "SELECT s.id, s.terminal, s.store, s.currency, s.business_date, s.opened_at, s.opened_by, s.opening_float, \
             s.closed_at, s.sequence, s.sums, s.counts FROM ",
            $rest
        )
    };
}

const BY_ID: Bulk = Bulk {
    doing: "loading shifts",
    text: concat!(
        "WITH v (id) AS ({rows}) ",
        shifts!("v JOIN shifts s ON s.id = v.id")
    ),
    columns: &[Text],
};

pub(super) const WRITE: Bulk = Bulk {
    doing: "writing shifts",
    text: "INSERT INTO shifts (id, terminal, store, currency, business_date, opened_at, opened_by, opening_float,
            closed_at, sequence, base, sums, counts) {rows}
        ON CONFLICT (id) DO UPDATE SET closed_at = excluded.closed_at, sequence = excluded.sequence,
            base = excluded.base, sums = excluded.sums, counts = excluded.counts
        WHERE shifts.sequence = excluded.base AND shifts.closed_at IS NULL",
    columns: &[
        Text, Text, Text, Text, Int, Int, Text, Int, Int, Int, Int, Text, Text,
    ],
};

pub(super) const MOVEMENTS: Bulk = Bulk {
    doing: "writing what happened in shifts",
    text: "INSERT INTO shift_movements (shift, sequence, kind, subject, moved_by, at, tenders) {rows}",
    columns: &[Text, Int, Text, Text, Text, Int, Text],
};

fn shift(row: Row) -> Result<Shift, StoreError> {
    Ok(Shift {
        id: row.0,
        terminal: row.1,
        store: row.2,
        currency: row.3,
        business_date: day(row.4)?,
        opened_at: Instant(row.5),
        opened_by: row.6,
        opening_float: row.7,
        closed_at: row.8.map(Instant),
        sequence: row.9,
        base: row.9,
        sums: serde_json::from_str(&row.10).map_err(StoreError::stored("reading a shift"))?,
        counts: row.11,
    })
}

/// The cells of one row of [`WRITE`].
pub(super) fn cells(shift: &Shift) -> Result<[Cell; 13], StoreError> {
    let text = |text: &str| Cell::Text(text.to_owned());
    let sums = serde_json::to_string(&shift.sums);
    Ok([
        text(&shift.id),
        text(&shift.terminal),
        text(&shift.store),
        text(&shift.currency),
        Cell::Int(i64::from(shift.business_date.0)),
        Cell::Int(shift.opened_at.0),
        text(&shift.opened_by),
        Cell::Int(shift.opening_float),
        Cell::MaybeInt(shift.closed_at.map(|at| at.0)),
        Cell::Int(shift.sequence),
        Cell::Int(shift.base),
        Cell::Text(sums.map_err(StoreError::stored("writing a shift"))?),
        text(&shift.counts),
    ])
}

/// The cells of one row of [`MOVEMENTS`].
pub(super) fn movement_cells(row: &ShiftMovement) -> Result<[Cell; 7], StoreError> {
    let text = |text: &str| Cell::Text(text.to_owned());
    let tenders = serde_json::to_string(&row.tenders);
    Ok([
        text(&row.shift),
        Cell::Int(row.sequence),
        text(&row.kind),
        text(&row.subject),
        text(&row.by),
        Cell::Int(row.at.0),
        Cell::Text(tenders.map_err(StoreError::stored("writing what happened in a shift"))?),
    ])
}

pub(super) async fn load(conn: &mut Conn, ids: Vec<Cell>) -> Result<Vec<Shift>, StoreError> {
    let rows: Vec<Row> = BY_ID.fetch(conn, ids).await?;
    rows.into_iter().map(shift).collect()
}

/// One shift.
///
/// # Errors
/// When the database cannot be read.
pub async fn by_id(conn: &mut Conn, id: &str) -> Result<Option<Shift>, StoreError> {
    let found = load(conn, vec![Cell::Text(id.to_owned())]).await?;
    Ok(found.into_iter().next())
}

/// Shifts of a store before the id `before` (none for the newest), the newest first; of one terminal where it is named.
///
/// # Errors
/// When the database cannot be read.
pub async fn of_store(
    conn: &mut Conn,
    (store, terminal): (&str, Option<&str>),
    before: Option<&str>,
    limit: i64,
) -> Result<Vec<Shift>, StoreError> {
    let (store, terminal) = (store.to_owned(), terminal.unwrap_or_default().to_owned());
    let before = before.unwrap_or("~").to_owned();
    let rows: Vec<Row> = on!(conn, c => sqlx::query_as(shifts!(
        "shifts s WHERE s.store = $1 AND s.id < $2 AND (s.terminal = $3 OR $3 = '') ORDER BY s.id DESC LIMIT $4"
    )).bind(store).bind(before).bind(terminal).bind(limit).fetch_all(c).await)
    .map_err(StoreError::during("listing shifts"))?;
    rows.into_iter().map(shift).collect()
}

record! {
    /// What happened in a shift, as it is stored.
    Moved {
        sequence: i64,
        kind: String,
        subject: String,
        moved_by: String,
        /// Microseconds.
        at: i64,
        /// JSON.
        tenders: String,
    }
}

/// What happened in a shift after a sequence, in its order.
///
/// # Errors
/// When the database cannot be read.
pub async fn movements(
    conn: &mut Conn,
    shift: &str,
    after: i64,
    limit: i64,
) -> Result<Vec<Moved>, StoreError> {
    let shift = shift.to_owned();
    on!(conn, c => sqlx::query_as(
        "SELECT sequence, kind, subject, moved_by, at, tenders FROM shift_movements
         WHERE shift = $1 AND sequence > $2 ORDER BY sequence LIMIT $3"
    ).bind(shift).bind(after).bind(limit).fetch_all(c).await)
    .map_err(StoreError::during("listing what happened in a shift"))
}
