//! Staff and their PINs.

use super::db::Conn;
use super::error::StoreError;
use super::row::record;
use crate::on;

/// Wrong PINs after which a staff member is locked.
pub const TRIES: i64 = 5;

record! {
    /// A person who works for the chain.
    Staff {
        id: String,
        name: String,
        role: String,
        /// None: all stores.
        store: Option<String>,
        /// Argon2id in PHC form.
        pin_hash: String,
        failed_tries: i64,
        active: bool,
        /// Somebody else set the PIN: it may only change itself.
        pin_must_change: bool,
        version: i64,
    }
}

macro_rules! staff_columns {
    () => {
        "id, name, role, store, pin_hash, failed_tries, active, pin_must_change, version"
    };
}

/// One staff member.
pub async fn staff(conn: &mut Conn, id: &str) -> Result<Option<Staff>, StoreError> {
    on!(conn, c => sqlx::query_as(concat!("SELECT ", staff_columns!(), " FROM staff WHERE id = $1"))
        .bind(id).fetch_optional(c).await)
    .map_err(StoreError::during("reading a staff member"))
}

/// Staff with an id after `after`, of one store if it is given.
pub async fn staff_list(
    conn: &mut Conn,
    store: Option<&str>,
    after: &str,
    limit: i64,
) -> Result<Vec<Staff>, StoreError> {
    on!(conn, c => sqlx::query_as(concat!("SELECT ", staff_columns!(), " FROM staff
        WHERE id > $1 AND (store = $2 OR $2 = '') ORDER BY id LIMIT $3"))
        .bind(after).bind(store.unwrap_or_default()).bind(limit).fetch_all(c).await)
    .map_err(StoreError::during("reading the staff"))
}

/// Creates a staff member; false when the id is taken.
pub async fn create_staff(conn: &mut Conn, staff: &Staff) -> Result<bool, StoreError> {
    on!(conn, c => sqlx::query(
        "INSERT INTO staff (id, name, role, store, pin_hash, failed_tries, active, pin_must_change, version)
         VALUES ($1, $2, $3, $4, $5, 0, $6, $7, 1) ON CONFLICT DO NOTHING")
        .bind(&staff.id).bind(&staff.name).bind(&staff.role).bind(&staff.store)
        .bind(&staff.pin_hash).bind(staff.active).bind(staff.pin_must_change)
        .execute(c).await.map(|done| done.rows_affected() == 1))
    .map_err(StoreError::during("creating a staff member"))
}

/// Changes name, role, store and whether they still work here; false when not known or changed meanwhile
/// (`version` zero skips that check).
pub async fn update_staff(conn: &mut Conn, staff: &Staff) -> Result<bool, StoreError> {
    on!(conn, c => sqlx::query(
        "UPDATE staff SET name = $2, role = $3, store = $4, active = $5, version = version + 1
         WHERE id = $1 AND (version = $6 OR $6 = 0)")
        .bind(&staff.id).bind(&staff.name).bind(&staff.role).bind(&staff.store)
        .bind(staff.active).bind(staff.version)
        .execute(c).await.map(|done| done.rows_affected() == 1))
    .map_err(StoreError::during("changing a staff member"))
}

/// Sets a new PIN, which also unlocks; false when not known or changed meanwhile (`version` zero skips that check).
pub async fn set_pin(
    conn: &mut Conn,
    (id, version): (&str, i64),
    pin_hash: &str,
    must_change: bool,
) -> Result<bool, StoreError> {
    on!(conn, c => sqlx::query(
        "UPDATE staff SET pin_hash = $2, pin_must_change = $3, failed_tries = 0, version = version + 1
         WHERE id = $1 AND (version = $4 OR $4 = 0)")
        .bind(id).bind(pin_hash).bind(must_change).bind(version)
        .execute(c).await.map(|done| done.rows_affected() == 1))
    .map_err(StoreError::during("setting a PIN"))
}

/// Spends one try before the PIN is compared, so that parallel guesses cannot outrun the limit; false
/// when none is left.
pub async fn spend_try(conn: &mut Conn, id: &str) -> Result<bool, StoreError> {
    on!(conn, c => sqlx::query("UPDATE staff SET failed_tries = failed_tries + 1 WHERE id = $1 AND failed_tries < $2")
        .bind(id).bind(TRIES).execute(c).await.map(|done| done.rows_affected() == 1))
    .map_err(StoreError::during("counting a PIN try"))
}

/// Gives the tries back after the right PIN.
pub async fn reset_tries(conn: &mut Conn, id: &str) -> Result<(), StoreError> {
    on!(conn, c => sqlx::query("UPDATE staff SET failed_tries = 0 WHERE id = $1").bind(id).execute(c).await.map(|_| ()))
        .map_err(StoreError::during("resetting PIN tries"))
}
