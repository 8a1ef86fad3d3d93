//! What is due between stores and the chain, and what was settled of it.

use super::accounts::range;
use super::db::Conn;
use super::error::StoreError;
use super::row::record;
use crate::domain::ledger::SYSTEM;
use crate::on;

record! {
    /// What was due, settled at once for all stores.
    Settlement {
        id: String,
        currency: String,
        /// 1 for the first of a currency.
        number: i64,
        /// Microseconds.
        settled_at: i64,
        settled_by: String,
        /// JSON.
        doc: String,
    }
}

macro_rules! settlements {
    ($rest:literal) => {
        concat!(
            "SELECT id, currency, number, settled_at, settled_by, doc FROM settlements ",
            $rest
        )
    };
}

/// One writer's part of what a store owes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shard {
    /// Account id.
    pub account: String,
    pub store: String,
    pub balance: i64,
    pub version: i64,
}

/// What every store owes in a currency, a row for each writer that served it.
///
/// # Errors
/// When the database cannot be read.
pub async fn due(conn: &mut Conn, currency: &str) -> Result<Vec<Shard>, StoreError> {
    let (first, end) = range(&format!("{SYSTEM}/due"));
    let asset = currency.to_owned();
    let rows: Vec<(String, i64, i64)> = on!(conn, c => sqlx::query_as(
        "SELECT id, balance, version FROM accounts WHERE id >= $1 AND id < $2 AND asset = $3 ORDER BY id"
    ).bind(first).bind(end).bind(asset).fetch_all(c).await)
    .map_err(StoreError::during("reading what stores owe"))?;
    let shard = |(account, balance, version): (String, i64, i64)| {
        // system/due/<store>/<currency>@<writer>
        let store = account.split('/').nth(2).unwrap_or_default().to_owned();
        Shard {
            account,
            store,
            balance,
            version,
        }
    };
    Ok(rows.into_iter().map(shard).collect())
}

/// What moved an account after one of its versions and through another, by kind of entry.
///
/// # Errors
/// When the database cannot be read.
pub async fn moved(
    conn: &mut Conn,
    account: &str,
    (after, through): (i64, i64),
) -> Result<Vec<(String, i64)>, StoreError> {
    let account = account.to_owned();
    on!(conn, c => sqlx::query_as(
        "SELECT e.kind, CAST(SUM(p.amount) AS BIGINT) FROM postings p
         JOIN entries e ON e.writer = p.writer AND e.seq = p.seq
         WHERE p.account = $1 AND p.version > $2 AND p.version <= $3 GROUP BY e.kind ORDER BY e.kind"
    ).bind(account).bind(after).bind(through).fetch_all(c).await)
    .map_err(StoreError::during("reading what moved a store's debt"))
}

/// One settlement.
///
/// # Errors
/// When the database cannot be read.
pub async fn settlement(conn: &mut Conn, id: &str) -> Result<Option<Settlement>, StoreError> {
    let id = id.to_owned();
    on!(conn, c => sqlx::query_as(settlements!("WHERE id = $1")).bind(id).fetch_optional(c).await)
        .map_err(StoreError::during("reading a settlement"))
}

/// The last settlement of a currency.
///
/// # Errors
/// When the database cannot be read.
pub async fn last(conn: &mut Conn, currency: &str) -> Result<Option<Settlement>, StoreError> {
    let currency = currency.to_owned();
    on!(conn, c => sqlx::query_as(settlements!("WHERE currency = $1 ORDER BY number DESC LIMIT 1"))
        .bind(currency).fetch_optional(c).await)
    .map_err(StoreError::during("reading the last settlement"))
}

/// Settlements before the id `before` (none for the newest), the newest first.
///
/// # Errors
/// When the database cannot be read.
pub async fn settlements(
    conn: &mut Conn,
    before: Option<&str>,
    limit: i64,
) -> Result<Vec<Settlement>, StoreError> {
    let before = before.unwrap_or("~").to_owned();
    on!(conn, c => sqlx::query_as(settlements!("WHERE id < $1 ORDER BY id DESC LIMIT $2"))
        .bind(before).bind(limit).fetch_all(c).await)
    .map_err(StoreError::during("listing settlements"))
}
