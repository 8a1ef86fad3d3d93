//! Holds.

use super::bulk::{Bulk, Cell, Kind};
use super::db::Conn;
use super::error::StoreError;
use super::lots::day;
use crate::domain::ledger::{Hold, HoldOutcome, HoldState};
use crate::domain::time::Instant;
use crate::on;

pub(super) const BY_ID: Bulk = Bulk {
    doing: "loading holds",
    text: "WITH v (id) AS ({rows})
        SELECT h.id, h.quote_id, h.member, h.held_on, h.expires_at, h.state, h.reserves, h.version
        FROM v JOIN holds h ON h.id = v.id",
    columns: &[Kind::Text],
};

pub(super) const BY_QUOTE: Bulk = Bulk {
    doing: "loading holds of quotes",
    text: "WITH v (quote) AS ({rows})
        SELECT h.id, h.quote_id, h.member, h.held_on, h.expires_at, h.state, h.reserves, h.version
        FROM v JOIN holds h ON h.quote_id = v.quote",
    columns: &[Kind::Text],
};

pub(super) type Row = (
    String,
    String,
    Option<String>,
    i64,
    i64,
    String,
    String,
    i64,
);

/// How a hold's state is stored; none while it is pending.
pub(super) fn state_text(ended: Option<HoldOutcome>) -> &'static str {
    match ended {
        None => "pending",
        Some(HoldOutcome::Posted) => "posted",
        Some(HoldOutcome::Voided) => "voided",
        Some(HoldOutcome::Expired) => "expired",
    }
}

fn state(text: &str) -> Result<HoldState, StoreError> {
    match text {
        "pending" => Ok(HoldState::Pending),
        "posted" => Ok(HoldState::Ended(HoldOutcome::Posted)),
        "voided" => Ok(HoldState::Ended(HoldOutcome::Voided)),
        "expired" => Ok(HoldState::Ended(HoldOutcome::Expired)),
        other => Err(StoreError::Stored {
            doing: "reading a hold",
            what: format!("state `{other}`"),
        }),
    }
}

pub(super) fn hold(row: Row) -> Result<Hold, StoreError> {
    let (id, quote, member, held_on, expires_at, ended, reserves, version) = row;
    Ok(Hold {
        id,
        quote,
        member,
        held_on: day(held_on)?,
        expires_at: Instant(expires_at),
        state: state(&ended)?,
        reserves: serde_json::from_str(&reserves).map_err(StoreError::stored("reading a hold"))?,
        sale: Vec::new(),
        version,
        base: version,
    })
}

type RowWithSale = (
    String,
    String,
    Option<String>,
    i64,
    i64,
    String,
    String,
    i64,
    Vec<u8>,
);

/// The hold on a quote with its sale, whatever its state.
///
/// # Errors
/// When the database cannot be read.
pub async fn of_quote(conn: &mut Conn, quote: &str) -> Result<Option<Hold>, StoreError> {
    let quote = quote.to_owned();
    let row: Option<RowWithSale> = on!(conn, c => sqlx::query_as(
        "SELECT id, quote_id, member, held_on, expires_at, state, reserves, version, sale FROM holds
         WHERE quote_id = $1"
    ).bind(quote).fetch_optional(c).await)
    .map_err(StoreError::during("reading the hold of a quote"))?;
    let Some((id, quote, member, held_on, expires_at, state, reserves, version, sale)) = row else {
        return Ok(None);
    };
    let row = (
        id, quote, member, held_on, expires_at, state, reserves, version,
    );
    Ok(Some(Hold { sale, ..hold(row)? }))
}

/// A hold by its id, without its sale.
///
/// # Errors
/// When the database cannot be read.
pub async fn by_id(conn: &mut Conn, id: &str) -> Result<Option<Hold>, StoreError> {
    let rows: Vec<Row> = BY_ID.fetch(conn, vec![Cell::Text(id.to_owned())]).await?;
    rows.into_iter().next().map(hold).transpose()
}

/// Pending holds whose time has passed, for the job that expires them.
///
/// # Errors
/// When the database cannot be read.
pub async fn due(conn: &mut Conn, now: Instant, limit: i64) -> Result<Vec<Hold>, StoreError> {
    let now = now.0;
    let rows: Vec<Row> = on!(conn, c => sqlx::query_as(
        "SELECT id, quote_id, member, held_on, expires_at, state, reserves, version FROM holds
         WHERE state = 'pending' AND expires_at <= $1 ORDER BY expires_at LIMIT $2"
    ).bind(now).bind(limit).fetch_all(c).await)
    .map_err(StoreError::during("reading due holds"))?;
    rows.into_iter().map(hold).collect()
}
