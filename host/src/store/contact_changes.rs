//! Addresses members are about to have, until they tell the code that was sent there.

use super::db::Conn;
use super::error::StoreError;
use super::row::record;
use crate::on;

record! {
    /// A phone number or e-mail address on its way to a member.
    ContactChange {
        id: String,
        member_id: String,
        /// `phone` or `email`.
        kind: String,
        /// `open`, `confirmed`, `replaced` or `refused`.
        state: String,
        /// The address under the person's own key; none once it is not needed any more.
        sealed: Option<Vec<u8>>,
        /// Keyed; none until the message was fetched.
        code_hash: Option<String>,
        /// A staff member, or a key.
        asked_by: String,
        store: Option<String>,
        /// Microseconds.
        asked_at: i64,
        expires_at: i64,
    }
}

/// One of them.
pub async fn by_id(conn: &mut Conn, id: &str) -> Result<Option<ContactChange>, StoreError> {
    on!(conn, c => sqlx::query_as(
        "SELECT id, member_id, kind, state, sealed, code_hash, asked_by, store, asked_at, expires_at
         FROM contact_changes WHERE id = $1")
        .bind(id).fetch_optional(c).await)
    .map_err(StoreError::during("reading a change of contact data"))
}

/// Opens a change in the place of one that is open for the member, and forgets all that ran out before `old`.
///
/// # Errors
/// A unique violation when another host opened one at the same moment.
pub async fn open(conn: &mut Conn, change: &ContactChange, old: i64) -> Result<(), StoreError> {
    let failed = || StoreError::during("opening a change of contact data");
    on!(conn, c => sqlx::query("DELETE FROM contact_changes WHERE expires_at < $1")
        .bind(old).execute(c).await.map(|_| ()))
    .map_err(failed())?;
    on!(conn, c => sqlx::query(
        "UPDATE contact_changes SET state = 'replaced', sealed = NULL, code_hash = NULL
         WHERE member_id = $1 AND kind = $2 AND state = 'open'")
        .bind(&change.member_id).bind(&change.kind).execute(c).await.map(|_| ()))
    .map_err(failed())?;
    on!(conn, c => sqlx::query(
        "INSERT INTO contact_changes (id, member_id, kind, state, sealed, asked_by, store, asked_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)")
        .bind(&change.id).bind(&change.member_id).bind(&change.kind).bind(&change.state).bind(&change.sealed)
        .bind(&change.asked_by).bind(&change.store).bind(change.asked_at).bind(change.expires_at)
        .execute(c).await.map(|_| ()))
    .map_err(failed())
}

/// Keeps the hash of the code of an open change that has none; false where it has one, or is not open.
pub async fn set_code(conn: &mut Conn, id: &str, hash: &str) -> Result<bool, StoreError> {
    on!(conn, c => sqlx::query(
        "UPDATE contact_changes SET code_hash = $2 WHERE id = $1 AND code_hash IS NULL AND state = 'open'")
        .bind(id).bind(hash).execute(c).await.map(|done| done.rows_affected() == 1))
    .map_err(StoreError::during("making the code of a change of contact data"))
}

/// Ends a change from one state in another; false when it was not in the first. Its address is forgotten.
pub async fn end(conn: &mut Conn, id: &str, from: &str, to: &str) -> Result<bool, StoreError> {
    on!(conn, c => sqlx::query(
        "UPDATE contact_changes SET state = $3, sealed = NULL, code_hash = NULL WHERE id = $1 AND state = $2")
        .bind(id).bind(from).bind(to).execute(c).await.map(|done| done.rows_affected() == 1))
    .map_err(StoreError::during("ending a change of contact data"))
}

/// Forgets the changes of a member.
pub async fn forget(conn: &mut Conn, member: &str) -> Result<(), StoreError> {
    on!(conn, c => sqlx::query("DELETE FROM contact_changes WHERE member_id = $1")
        .bind(member).execute(c).await.map(|_| ()))
    .map_err(StoreError::during("forgetting changes of contact data"))
}
