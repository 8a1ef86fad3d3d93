//! Baskets put aside.

use super::db::Conn;
use super::error::StoreError;
use super::row::record;
use crate::on;

record! {
    /// A basket put aside.
    Parked {
        id: String,
        store: String,
        label: String,
        /// A staff member, or a key.
        parked_by: String,
        /// Microseconds.
        parked_at: i64,
        /// The operation that took it up; empty while it waits.
        recalled_under: String,
        /// The request of a quote, as JSON.
        basket: String,
    }
}

macro_rules! parked_columns {
    () => {
        "id, store, label, parked_by, parked_at, recalled_under, basket"
    };
}

/// One basket, waiting or taken up.
///
/// # Errors
/// When the database cannot be read.
pub async fn by_id(conn: &mut Conn, id: &str) -> Result<Option<Parked>, StoreError> {
    let id = id.to_owned();
    on!(conn, c => sqlx::query_as(concat!("SELECT ", parked_columns!(), " FROM parked_baskets WHERE id = $1"))
        .bind(id).fetch_optional(c).await)
    .map_err(StoreError::during("reading a parked basket"))
}

/// Baskets that wait in a store, the oldest first, after an id.
///
/// # Errors
/// When the database cannot be read.
pub async fn waiting(
    conn: &mut Conn,
    store: &str,
    after: &str,
    limit: i64,
) -> Result<Vec<Parked>, StoreError> {
    let (store, after) = (store.to_owned(), after.to_owned());
    on!(conn, c => sqlx::query_as(concat!("SELECT ", parked_columns!(), " FROM parked_baskets
        WHERE store = $1 AND id > $2 AND recalled_under = '' ORDER BY id LIMIT $3"))
        .bind(store).bind(after).bind(limit).fetch_all(c).await)
    .map_err(StoreError::during("listing parked baskets"))
}

/// Puts a basket aside.
///
/// # Errors
/// When the database refuses.
pub async fn park(conn: &mut Conn, parked: Parked) -> Result<(), StoreError> {
    on!(conn, c => sqlx::query(
        "INSERT INTO parked_baskets (id, store, label, parked_by, parked_at, recalled_under, basket)
         VALUES ($1, $2, $3, $4, $5, $6, $7)"
    ).bind(parked.id).bind(parked.store).bind(parked.label).bind(parked.parked_by).bind(parked.parked_at)
        .bind(parked.recalled_under).bind(parked.basket).execute(c).await.map(|_| ()))
    .map_err(StoreError::during("parking a basket"))
}

/// Takes a waiting basket up under an operation; false where somebody else was faster.
///
/// # Errors
/// When the database refuses.
pub async fn recall(conn: &mut Conn, id: &str, operation: &str) -> Result<bool, StoreError> {
    let (id, operation) = (id.to_owned(), operation.to_owned());
    on!(conn, c => sqlx::query(
        "UPDATE parked_baskets SET recalled_under = $1 WHERE id = $2 AND recalled_under = ''"
    ).bind(operation).bind(id).execute(c).await.map(|done| done.rows_affected() == 1))
    .map_err(StoreError::during("taking a parked basket up"))
}

/// Forgets what a store put aside before an instant, in microseconds.
///
/// # Errors
/// When the database refuses.
pub async fn forget(conn: &mut Conn, store: &str, before: i64) -> Result<(), StoreError> {
    let store = store.to_owned();
    on!(conn, c => sqlx::query("DELETE FROM parked_baskets WHERE store = $1 AND parked_at < $2")
        .bind(store).bind(before).execute(c).await.map(|_| ()))
    .map_err(StoreError::during("forgetting old baskets"))
}
