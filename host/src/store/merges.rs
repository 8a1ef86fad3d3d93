//! Members who were merged into others.

use super::db::Conn;
use super::error::StoreError;
use super::row::record;
use crate::on;

record! {
    /// One member made part of another.
    Merge {
        id: String,
        member: String,
        survivor: String,
        /// Microseconds.
        merged_at: i64,
        merged_by: String,
        /// JSON: what moved beside the accounts, and what the member was before.
        moved: String,
    }
}

/// The latest merge of a member.
pub async fn latest(conn: &mut Conn, member: &str) -> Result<Option<Merge>, StoreError> {
    on!(conn, c => sqlx::query_as(
        "SELECT id, member, survivor, merged_at, merged_by, moved FROM merges WHERE member = $1
         ORDER BY id DESC LIMIT 1")
        .bind(member).fetch_optional(c).await)
    .map_err(StoreError::during("reading a merge"))
}

/// Counters a member has, with where they stand; at most `limit`.
pub async fn counters(
    conn: &mut Conn,
    member: &str,
    limit: i64,
) -> Result<Vec<(String, i64)>, StoreError> {
    on!(conn, c => sqlx::query_as("SELECT name, value FROM counters WHERE owner = $1 AND value <> 0 ORDER BY name LIMIT $2")
        .bind(member).bind(limit).fetch_all(c).await)
    .map_err(StoreError::during("reading the counters of a member"))
}

/// Merged members on whose accounts something came later, with who has the rest of theirs.
pub async fn stragglers(conn: &mut Conn, limit: i64) -> Result<Vec<(String, String)>, StoreError> {
    // `0` follows `/` in byte order.
    on!(conn, c => sqlx::query_as(
        "SELECT m.id, m.merged_into FROM members m WHERE m.merged_into IS NOT NULL AND EXISTS (
            SELECT 1 FROM accounts a WHERE a.id >= m.id || '/' AND a.id < m.id || '0' AND a.balance <> 0)
         ORDER BY m.id LIMIT $1")
        .bind(limit).fetch_all(c).await)
    .map_err(StoreError::during("looking for accounts of merged members"))
}
