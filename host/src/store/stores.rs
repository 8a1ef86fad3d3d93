//! Stores and their terminals.

use super::chain::bump;
use super::db::Conn;
use super::error::StoreError;
use super::row::record;
use crate::on;

record! {
    /// A place that sells.
    Store {
        id: String,
        region: String,
        name: String,
        /// ISO 4217.
        currency: String,
        /// IANA name.
        time_zone: String,
        prices_include_tax: bool,
        /// A JSON object.
        attributes: String,
        active: bool,
        version: i64,
    }
}

record! {
    /// A till.
    Terminal {
        id: String,
        store: String,
        name: String,
        /// Microseconds.
        created_at: i64,
        revoked_at: Option<i64>,
    }
}

macro_rules! store_columns {
    () => {
        "id, region, name, currency, time_zone, prices_include_tax, attributes, active, version"
    };
}

/// One store.
pub async fn store(conn: &mut Conn, id: &str) -> Result<Option<Store>, StoreError> {
    on!(conn, c => sqlx::query_as(concat!("SELECT ", store_columns!(), " FROM stores WHERE id = $1"))
        .bind(id).fetch_optional(c).await)
    .map_err(StoreError::during("reading a store"))
}

/// Stores with an id after `after`, in a region if one is given.
pub async fn stores(
    conn: &mut Conn,
    region: Option<&str>,
    after: &str,
    limit: i64,
) -> Result<Vec<Store>, StoreError> {
    on!(conn, c => sqlx::query_as(concat!("SELECT ", store_columns!(), " FROM stores
        WHERE id > $1 AND (region = $2 OR $2 = '') ORDER BY id LIMIT $3"))
        .bind(after).bind(region.unwrap_or_default()).bind(limit).fetch_all(c).await)
    .map_err(StoreError::during("reading the stores"))
}

/// Creates or changes a store; `version` must be the current one unless it is zero. False when it is not.
pub async fn put_store(conn: &mut Conn, store: &Store) -> Result<bool, StoreError> {
    let changed = on!(conn, c => sqlx::query(
        "INSERT INTO stores (id, region, name, currency, time_zone, prices_include_tax, attributes, active, version)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 1)
         ON CONFLICT (id) DO UPDATE SET region = excluded.region, name = excluded.name,
         currency = excluded.currency, time_zone = excluded.time_zone,
         prices_include_tax = excluded.prices_include_tax, attributes = excluded.attributes,
         active = excluded.active, version = stores.version + 1
         WHERE stores.version = $9 OR $9 = 0")
        .bind(&store.id).bind(&store.region).bind(&store.name).bind(&store.currency)
        .bind(&store.time_zone).bind(store.prices_include_tax).bind(&store.attributes)
        .bind(store.active).bind(store.version)
        .execute(c).await.map(|done| done.rows_affected()))
    .map_err(StoreError::during("writing a store"))?;
    bump(conn, "chain").await?;
    Ok(changed == 1)
}

/// One terminal.
pub async fn terminal(conn: &mut Conn, id: &str) -> Result<Option<Terminal>, StoreError> {
    on!(conn, c => sqlx::query_as("SELECT id, store, name, created_at, revoked_at FROM terminals WHERE id = $1")
        .bind(id).fetch_optional(c).await)
    .map_err(StoreError::during("reading a terminal"))
}

/// Terminals with an id after `after`, of one store if it is given.
pub async fn terminals(
    conn: &mut Conn,
    store: Option<&str>,
    after: &str,
    limit: i64,
) -> Result<Vec<Terminal>, StoreError> {
    on!(conn, c => sqlx::query_as("SELECT id, store, name, created_at, revoked_at FROM terminals
        WHERE id > $1 AND (store = $2 OR $2 = '') ORDER BY id LIMIT $3")
        .bind(after).bind(store.unwrap_or_default()).bind(limit).fetch_all(c).await)
    .map_err(StoreError::during("reading the terminals"))
}

/// Creates a terminal; false when the id is taken.
pub async fn create_terminal(conn: &mut Conn, terminal: &Terminal) -> Result<bool, StoreError> {
    on!(conn, c => sqlx::query(
        "INSERT INTO terminals (id, store, name, created_at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING")
        .bind(&terminal.id).bind(&terminal.store).bind(&terminal.name).bind(terminal.created_at)
        .execute(c).await.map(|done| done.rows_affected() == 1))
    .map_err(StoreError::during("creating a terminal"))
}

/// Revokes a terminal and every key of it; false when it is not known. Revoking twice changes nothing.
pub async fn revoke_terminal(conn: &mut Conn, id: &str, now: i64) -> Result<bool, StoreError> {
    let known = on!(conn, c => sqlx::query("UPDATE terminals SET revoked_at = COALESCE(revoked_at, $2) WHERE id = $1")
        .bind(id).bind(now).execute(c).await.map(|done| done.rows_affected() == 1))
    .map_err(StoreError::during("revoking a terminal"))?;
    super::keys::revoke_keys_of_terminal(conn, id, now).await?;
    Ok(known)
}
