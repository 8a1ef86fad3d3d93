//! Keys and pairing codes; only hashes are stored.

use super::db::Conn;
use super::error::StoreError;
use super::row::record;
use crate::on;

record! {
    /// A key without its secret.
    ApiKey {
        /// The public half, written in the key itself.
        id: String,
        /// SHA-256 of the secret half.
        hash: Vec<u8>,
        name: String,
        role: String,
        store: Option<String>,
        terminal: Option<String>,
        /// Microseconds.
        created_at: i64,
        revoked_at: Option<i64>,
    }
}

macro_rules! key_columns {
    () => {
        "id, hash, name, role, store, terminal, created_at, revoked_at"
    };
}

/// One key by its public half.
pub async fn key(conn: &mut Conn, id: &str) -> Result<Option<ApiKey>, StoreError> {
    on!(conn, c => sqlx::query_as(concat!("SELECT ", key_columns!(), " FROM api_keys WHERE id = $1"))
        .bind(id).fetch_optional(c).await)
    .map_err(StoreError::during("reading a key"))
}

/// Keys with an id after `after`.
pub async fn keys(conn: &mut Conn, after: &str, limit: i64) -> Result<Vec<ApiKey>, StoreError> {
    on!(conn, c => sqlx::query_as(concat!("SELECT ", key_columns!(), " FROM api_keys WHERE id > $1 ORDER BY id LIMIT $2"))
        .bind(after).bind(limit).fetch_all(c).await)
    .map_err(StoreError::during("reading the keys"))
}

/// Adds a key.
pub async fn create_key(conn: &mut Conn, key: &ApiKey) -> Result<(), StoreError> {
    on!(conn, c => sqlx::query(
        "INSERT INTO api_keys (id, hash, name, role, store, terminal, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)")
        .bind(&key.id).bind(&key.hash).bind(&key.name).bind(&key.role).bind(&key.store)
        .bind(&key.terminal).bind(key.created_at)
        .execute(c).await.map(|_| ()))
    .map_err(StoreError::during("creating a key"))
}

/// Revokes a key; false when it is not known. Revoking twice changes nothing.
pub async fn revoke_key(conn: &mut Conn, id: &str, now: i64) -> Result<bool, StoreError> {
    on!(conn, c => sqlx::query("UPDATE api_keys SET revoked_at = COALESCE(revoked_at, $2) WHERE id = $1")
        .bind(id).bind(now).execute(c).await.map(|done| done.rows_affected() == 1))
    .map_err(StoreError::during("revoking a key"))
}

/// Keeps a pairing code until it expires.
pub async fn create_pairing_code(
    conn: &mut Conn,
    hash: &str,
    terminal: &str,
    created_by: &str,
    expires_at: i64,
) -> Result<(), StoreError> {
    on!(conn, c => sqlx::query(
        "INSERT INTO pairing_codes (hash, terminal, created_by, expires_at) VALUES ($1, $2, $3, $4)")
        .bind(hash).bind(terminal).bind(created_by).bind(expires_at)
        .execute(c).await.map(|_| ()))
    .map_err(StoreError::during("creating a pairing code"))
}

/// Uses up a pairing code and answers its terminal; none when it is unknown, used, expired or its
/// terminal was revoked.
pub async fn use_pairing_code(
    conn: &mut Conn,
    hash: &str,
    now: i64,
) -> Result<Option<String>, StoreError> {
    on!(conn, c => sqlx::query_scalar(
        "UPDATE pairing_codes SET used_at = $2
         WHERE hash = $1 AND used_at IS NULL AND expires_at > $2
         AND EXISTS (SELECT 1 FROM terminals WHERE terminals.id = pairing_codes.terminal AND revoked_at IS NULL)
         RETURNING terminal")
        .bind(hash).bind(now).fetch_optional(c).await)
    .map_err(StoreError::during("using a pairing code"))
}

/// Revokes every key of a terminal.
pub async fn revoke_keys_of_terminal(
    conn: &mut Conn,
    terminal: &str,
    now: i64,
) -> Result<(), StoreError> {
    on!(conn, c => sqlx::query("UPDATE api_keys SET revoked_at = $2 WHERE terminal = $1 AND revoked_at IS NULL")
        .bind(terminal).bind(now).execute(c).await.map(|_| ()))
    .map_err(StoreError::during("revoking a terminal's keys"))
}
