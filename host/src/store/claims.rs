//! Claims: points of orders made without a member, given to one later.

use super::db::Conn;
use super::error::StoreError;
use super::lots::day;
use crate::domain::ledger::ClaimRow;
use crate::domain::time::Instant;
use crate::on;

type Columns = (
    String,
    String,
    String,
    String,
    String,
    Option<String>,
    i64,
    i64,
    Vec<u8>,
    Vec<u8>,
);

/// Reads all columns of claims.
macro_rules! claims {
    ($rest:literal) => {
        concat!(
            "SELECT id, order_id, member, store, terminal, staff, occurred_at, business_date, doc, facts FROM claims ",
            $rest
        )
    };
}

fn claim(row: Columns) -> Result<ClaimRow, StoreError> {
    let (id, order_id, member, store, terminal, staff, at, on, doc, facts) = row;
    Ok(ClaimRow {
        id,
        order_id,
        member,
        store,
        terminal,
        staff,
        occurred_at: Instant(at),
        business_date: day(on)?,
        doc,
        facts,
    })
}

/// The claim of an order, if anybody has made one.
///
/// # Errors
/// When the database cannot be read.
pub async fn of_order(conn: &mut Conn, order: &str) -> Result<Option<ClaimRow>, StoreError> {
    let order = order.to_owned();
    let row: Option<Columns> = on!(conn, c => sqlx::query_as(
        claims!("WHERE order_id = $1")
    ).bind(order).fetch_optional(c).await)
    .map_err(StoreError::during("reading the claim of an order"))?;
    row.map(claim).transpose()
}

/// One claim by its id.
///
/// # Errors
/// When the database cannot be read.
pub async fn by_id(conn: &mut Conn, id: &str) -> Result<Option<ClaimRow>, StoreError> {
    let id = id.to_owned();
    let row: Option<Columns> = on!(conn, c => sqlx::query_as(
        claims!("WHERE id = $1")
    ).bind(id).fetch_optional(c).await)
    .map_err(StoreError::during("reading a claim"))?;
    row.map(claim).transpose()
}
