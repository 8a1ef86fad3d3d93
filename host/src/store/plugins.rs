//! Installed components and accepted configurations. Rows are added, never changed.

use super::db::Conn;
use super::error::StoreError;
use super::row::record;
use crate::on;

record! {
    /// An installed component without its bytes.
    Plugin {
        /// SHA-256 of the bytes, in hex.
        digest: String,
        name: String,
        /// Semver.
        release: String,
        /// `points`, `tier`, `referral` or `promotion`.
        kind: String,
        /// JSON.
        manifest: String,
        /// Microseconds.
        installed_at: i64,
    }
}

record! {
    /// A configuration some plugin accepted.
    Config {
        /// SHA-256 of `json`, in hex.
        hash: String,
        /// Canonical JSON.
        json: String,
    }
}

macro_rules! columns {
    () => {
        "digest, name, release, kind, manifest, installed_at"
    };
}

/// Installed components with a digest after `after`, newest forms and old ones alike.
pub async fn plugins(conn: &mut Conn, after: &str, limit: i64) -> Result<Vec<Plugin>, StoreError> {
    on!(conn, c => sqlx::query_as(concat!("SELECT ", columns!(), " FROM plugins WHERE digest > $1 ORDER BY digest LIMIT $2"))
        .bind(after).bind(limit).fetch_all(c).await)
    .map_err(StoreError::during("reading the plugins"))
}

/// Every installed release of one name; at most 1,000.
pub async fn releases(conn: &mut Conn, name: &str) -> Result<Vec<Plugin>, StoreError> {
    on!(conn, c => sqlx::query_as(concat!("SELECT ", columns!(), " FROM plugins WHERE name = $1
        ORDER BY installed_at DESC LIMIT 1000")).bind(name).fetch_all(c).await)
    .map_err(StoreError::during("reading a plugin's releases"))
}

/// One installed component.
pub async fn plugin(conn: &mut Conn, digest: &str) -> Result<Option<Plugin>, StoreError> {
    on!(conn, c => sqlx::query_as(concat!("SELECT ", columns!(), " FROM plugins WHERE digest = $1"))
        .bind(digest).fetch_optional(c).await)
    .map_err(StoreError::during("reading a plugin"))
}

/// The bytes of one component.
pub async fn bytes(conn: &mut Conn, digest: &str) -> Result<Option<Vec<u8>>, StoreError> {
    on!(conn, c => sqlx::query_scalar("SELECT bytes FROM plugins WHERE digest = $1").bind(digest).fetch_optional(c).await)
        .map_err(StoreError::during("reading a component"))
}

/// Installs a component; false when exactly these bytes were installed before.
pub async fn install(conn: &mut Conn, plugin: &Plugin, bytes: &[u8]) -> Result<bool, StoreError> {
    on!(conn, c => sqlx::query(
        "INSERT INTO plugins (digest, name, release, kind, bytes, manifest, installed_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (digest) DO NOTHING")
        .bind(&plugin.digest).bind(&plugin.name).bind(&plugin.release).bind(&plugin.kind).bind(bytes)
        .bind(&plugin.manifest).bind(plugin.installed_at)
        .execute(c).await.map(|done| done.rows_affected() == 1))
    .map_err(StoreError::during("installing a plugin"))
}

/// One checked configuration.
pub async fn config(conn: &mut Conn, hash: &str) -> Result<Option<Config>, StoreError> {
    on!(conn, c => sqlx::query_as("SELECT hash, json FROM configs WHERE hash = $1").bind(hash).fetch_optional(c).await)
        .map_err(StoreError::during("reading a configuration"))
}

/// Keeps a checked configuration; the same one twice is one row.
pub async fn keep_config(conn: &mut Conn, config: &Config) -> Result<(), StoreError> {
    on!(conn, c => sqlx::query("INSERT INTO configs (hash, json) VALUES ($1, $2) ON CONFLICT (hash) DO NOTHING")
        .bind(&config.hash).bind(&config.json).execute(c).await.map(|_| ()))
    .map_err(StoreError::during("keeping a configuration"))
}
