//! Bindings: which component answers where, with what configuration and when.

use super::chain::bump;
use super::db::Conn;
use super::error::StoreError;
use super::row::record;
use crate::on;

record! {
    /// One campaign.
    Binding {
        id: String,
        name: String,
        /// The plugin's name.
        plugin: String,
        /// Semver requirement the binding admits.
        release_range: String,
        /// The component that answers for it now.
        digest: String,
        kind: String,
        /// `chain`, `region:<id>` or `store:<id>`.
        scope: String,
        /// Hash of its checked configuration.
        config: String,
        /// A JSON array of the permissions the operator granted.
        granted: String,
        /// Higher goes first.
        priority: i64,
        /// JSON.
        schedule: String,
        exclusive_group: Option<String>,
        /// `best` or `first`.
        group_choice: String,
        /// `initial` or `discounted`.
        base: String,
        /// `lines`, `order` or `coupons`; promotions only.
        stage: String,
        /// Minor units.
        max_discount: Option<i64>,
        /// A JSON array of limits and budgets.
        limits: String,
        /// `skip` or `refuse-order`.
        on_fault: String,
        /// `api` or the file that declares it.
        declared_in: String,
        active: bool,
        /// Microseconds.
        created_at: i64,
        ended_at: Option<i64>,
        revision: i64,
    }
}

macro_rules! columns {
    () => {
        "id, name, plugin, release_range, digest, kind, scope, config, granted, priority, schedule, \
         exclusive_group, group_choice, base, stage, max_discount, limits, on_fault, declared_in, active, \
         created_at, ended_at, revision"
    };
}

/// One binding, ended or not.
pub async fn binding(conn: &mut Conn, id: &str) -> Result<Option<Binding>, StoreError> {
    on!(conn, c => sqlx::query_as(concat!("SELECT ", columns!(), " FROM bindings WHERE id = $1"))
        .bind(id).fetch_optional(c).await)
    .map_err(StoreError::during("reading a binding"))
}

/// Active bindings with an id after `after`, of one scope if it is given.
pub async fn bindings(
    conn: &mut Conn,
    scope: Option<&str>,
    after: &str,
    limit: i64,
) -> Result<Vec<Binding>, StoreError> {
    on!(conn, c => sqlx::query_as(concat!("SELECT ", columns!(), " FROM bindings
        WHERE active AND id > $1 AND (scope = $2 OR $2 = '') ORDER BY id LIMIT $3"))
        .bind(after).bind(scope.unwrap_or_default()).bind(limit).fetch_all(c).await)
    .map_err(StoreError::during("reading the bindings"))
}

/// All bindings, ended ones too, for sales that are booked later; the newest first.
pub async fn bindings_ever(conn: &mut Conn, limit: i64) -> Result<Vec<Binding>, StoreError> {
    on!(conn, c => sqlx::query_as(concat!("SELECT ", columns!(), " FROM bindings ORDER BY id DESC LIMIT $1"))
        .bind(limit).fetch_all(c).await)
    .map_err(StoreError::during("reading the bindings"))
}

/// How many active bindings a store has, its region's and the chain's included.
pub async fn count_for_store(
    conn: &mut Conn,
    store: &str,
    region: &str,
) -> Result<i64, StoreError> {
    on!(conn, c => sqlx::query_scalar("SELECT COUNT(*) FROM bindings WHERE active AND scope IN ('chain', $1, $2)")
        .bind(format!("store:{store}")).bind(format!("region:{region}")).fetch_one(c).await)
    .map_err(StoreError::during("counting bindings"))
}

/// Makes a binding.
///
/// # Errors
/// A unique violation when the id is taken.
pub async fn create_binding(conn: &mut Conn, binding: &Binding) -> Result<(), StoreError> {
    on!(conn, c => sqlx::query(
        "INSERT INTO bindings (id, name, plugin, release_range, digest, kind, scope, config, granted, priority,
         schedule, exclusive_group, group_choice, base, stage, max_discount, limits, on_fault, declared_in, active,
         created_at, revision)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, 1)")
        .bind(&binding.id).bind(&binding.name).bind(&binding.plugin).bind(&binding.release_range)
        .bind(&binding.digest).bind(&binding.kind).bind(&binding.scope).bind(&binding.config)
        .bind(&binding.granted).bind(binding.priority).bind(&binding.schedule).bind(&binding.exclusive_group)
        .bind(&binding.group_choice).bind(&binding.base).bind(&binding.stage)
        .bind(binding.max_discount).bind(&binding.limits).bind(&binding.on_fault).bind(&binding.declared_in)
        .bind(binding.active).bind(binding.created_at)
        .execute(c).await.map(|_| ()))
    .map_err(StoreError::during("making a binding"))?;
    bump(conn, "rules").await
}

/// Makes an existing binding what `binding` says, active whatever it was; its id, age and counters stay.
pub async fn change_binding(conn: &mut Conn, binding: &Binding) -> Result<(), StoreError> {
    on!(conn, c => sqlx::query(
        "UPDATE bindings SET name = $2, release_range = $3, digest = $4, scope = $5, config = $6, granted = $7,
         priority = $8, schedule = $9, exclusive_group = $10, group_choice = $11, base = $12, stage = $13,
         max_discount = $14, limits = $15, on_fault = $16, declared_in = $17, active = true, ended_at = NULL,
         revision = revision + 1 WHERE id = $1")
        .bind(&binding.id).bind(&binding.name).bind(&binding.release_range).bind(&binding.digest)
        .bind(&binding.scope).bind(&binding.config).bind(&binding.granted).bind(binding.priority)
        .bind(&binding.schedule).bind(&binding.exclusive_group).bind(&binding.group_choice).bind(&binding.base)
        .bind(&binding.stage).bind(binding.max_discount).bind(&binding.limits).bind(&binding.on_fault)
        .bind(&binding.declared_in)
        .execute(c).await.map(|_| ()))
    .map_err(StoreError::during("changing a binding"))?;
    bump(conn, "rules").await
}

/// Components active bindings answer with.
pub async fn digests(conn: &mut Conn) -> Result<Vec<String>, StoreError> {
    on!(conn, c => sqlx::query_scalar("SELECT DISTINCT digest FROM bindings WHERE active").fetch_all(c).await)
        .map_err(StoreError::during("reading the components in use"))
}

/// Ends a binding, which stays readable; false when it is not active.
pub async fn end_binding(conn: &mut Conn, id: &str, now: i64) -> Result<bool, StoreError> {
    let ended = on!(conn, c => sqlx::query(
        "UPDATE bindings SET active = false, ended_at = $2, revision = revision + 1 WHERE id = $1 AND active")
        .bind(id).bind(now).execute(c).await.map(|done| done.rows_affected() == 1))
    .map_err(StoreError::during("ending a binding"))?;
    bump(conn, "rules").await?;
    Ok(ended)
}

/// Points an active binding at another release of its plugin with its configuration checked anew.
pub async fn move_binding(
    conn: &mut Conn,
    id: &str,
    digest: &str,
    config: &str,
) -> Result<bool, StoreError> {
    let moved = on!(conn, c => sqlx::query(
        "UPDATE bindings SET digest = $2, config = $3, revision = revision + 1 WHERE id = $1 AND active")
        .bind(id).bind(digest).bind(config)
        .execute(c).await.map(|done| done.rows_affected() == 1))
    .map_err(StoreError::during("moving a binding to another release"))?;
    bump(conn, "rules").await?;
    Ok(moved)
}
