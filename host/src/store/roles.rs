//! Roles a chain defines.

use super::db::Conn;
use super::error::StoreError;
use super::row::record;
use crate::on;

record! {
    /// A named set of permissions.
    DefinedRole {
        id: String,
        /// The built-in role it begins with.
        base: String,
        /// JSON: what it says itself, by permission.
        powers: String,
        version: i64,
    }
}

/// One role.
///
/// # Errors
/// When the database cannot be read.
pub async fn role(conn: &mut Conn, id: &str) -> Result<Option<DefinedRole>, StoreError> {
    let id = id.to_owned();
    on!(conn, c => sqlx::query_as("SELECT id, base, powers, version FROM roles WHERE id = $1")
        .bind(id).fetch_optional(c).await)
    .map_err(StoreError::during("reading a role"))
}

/// Roles with an id after `after`.
///
/// # Errors
/// When the database cannot be read.
pub async fn roles(
    conn: &mut Conn,
    after: &str,
    limit: i64,
) -> Result<Vec<DefinedRole>, StoreError> {
    let after = after.to_owned();
    on!(conn, c => sqlx::query_as("SELECT id, base, powers, version FROM roles WHERE id > $1 ORDER BY id LIMIT $2")
        .bind(after).bind(limit).fetch_all(c).await)
    .map_err(StoreError::during("listing roles"))
}

/// Makes a role or changes it.
///
/// # Errors
/// When the database refuses.
pub async fn put(conn: &mut Conn, role: &DefinedRole) -> Result<(), StoreError> {
    on!(conn, c => sqlx::query(
        "INSERT INTO roles (id, base, powers, version) VALUES ($1, $2, $3, 1)
         ON CONFLICT (id) DO UPDATE SET base = excluded.base, powers = excluded.powers, version = roles.version + 1"
    ).bind(&role.id).bind(&role.base).bind(&role.powers).execute(c).await.map(|_| ()))
    .map_err(StoreError::during("writing a role"))
}
