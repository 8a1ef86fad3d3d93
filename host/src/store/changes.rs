//! Who changed what of a member.

use super::db::Conn;
use super::error::StoreError;
use super::row::record;
use crate::on;

record! {
    /// One change of one field.
    Change {
        id: String,
        member_id: String,
        /// Such as `person.phone`, `status` or `attributes.size`.
        field: String,
        /// A staff member, or a key.
        changed_by: String,
        /// None for the whole chain.
        store: Option<String>,
        /// Microseconds.
        changed_at: i64,
        /// What it was and is under the person's own key; none once he is erased.
        sealed: Option<Vec<u8>>,
        /// The same of somebody who had no key.
        told: Option<String>,
    }
}

/// Writes a change down.
pub async fn add(conn: &mut Conn, change: &Change) -> Result<(), StoreError> {
    on!(conn, c => sqlx::query(
        "INSERT INTO member_changes (id, member_id, field, changed_by, store, changed_at, sealed, told)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)")
        .bind(&change.id).bind(&change.member_id).bind(&change.field).bind(&change.changed_by)
        .bind(&change.store).bind(change.changed_at).bind(&change.sealed).bind(&change.told)
        .execute(c).await.map(|_| ()))
    .map_err(StoreError::during("writing a change of a member"))
}

/// Changes of a member after `after` (an id, "" to start), the oldest first.
pub async fn of_member(
    conn: &mut Conn,
    member: &str,
    after: &str,
    limit: i64,
) -> Result<Vec<Change>, StoreError> {
    on!(conn, c => sqlx::query_as(
        "SELECT id, member_id, field, changed_by, store, changed_at, sealed, told FROM member_changes
         WHERE member_id = $1 AND id > $2 ORDER BY id LIMIT $3")
        .bind(member).bind(after).bind(limit).fetch_all(c).await)
    .map_err(StoreError::during("reading the changes of a member"))
}

/// Forgets what the changes of a member were; who made them and when stays.
pub async fn forget(conn: &mut Conn, member: &str) -> Result<(), StoreError> {
    on!(conn, c => sqlx::query("UPDATE member_changes SET sealed = NULL, told = NULL WHERE member_id = $1")
        .bind(member).execute(c).await.map(|_| ()))
    .map_err(StoreError::during("forgetting the changes of a member"))
}
