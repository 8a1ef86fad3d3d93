//! The chain, its regions and its programs.

use super::db::Conn;
use super::error::StoreError;
use super::row::record;
use crate::on;

record! {
    /// The one chain of this database.
    Chain {
        name: String,
        /// `zh-CN` or `en`.
        language: String,
        /// Checkout settings, a JSON object.
        settings: String,
        /// Microseconds.
        created_at: i64,
        version: i64,
    }
}

record! {
    /// A group of stores rules can be bound to.
    Region {
        id: String,
        name: String,
        version: i64,
    }
}

record! {
    /// A points program.
    Program {
        id: String,
        name: String,
        /// Digits after the decimal point.
        scale: i64,
        /// A JSON object.
        settings: String,
        version: i64,
    }
}

/// The chain; none before `tessera init` or `demo`.
pub async fn chain(conn: &mut Conn) -> Result<Option<Chain>, StoreError> {
    on!(conn, c => sqlx::query_as("SELECT name, language, settings, created_at, version FROM chain WHERE id = 'chain'")
        .fetch_optional(c).await)
    .map_err(StoreError::during("reading the chain"))
}

/// Creates the chain or replaces its name, language and settings.
pub async fn put_chain(conn: &mut Conn, chain: &Chain) -> Result<(), StoreError> {
    on!(conn, c => sqlx::query(
        "INSERT INTO chain (id, name, language, settings, created_at, version) VALUES ('chain', $1, $2, $3, $4, 1)
         ON CONFLICT (id) DO UPDATE SET name = excluded.name, language = excluded.language,
         settings = excluded.settings, version = chain.version + 1")
        .bind(&chain.name).bind(&chain.language).bind(&chain.settings).bind(chain.created_at)
        .execute(c).await.map(|_| ()))
    .map_err(StoreError::during("writing the chain"))?;
    bump(conn, "chain").await
}

/// All regions by id.
pub async fn regions(conn: &mut Conn) -> Result<Vec<Region>, StoreError> {
    on!(conn, c => sqlx::query_as("SELECT id, name, version FROM regions ORDER BY id LIMIT 1000").fetch_all(c).await)
        .map_err(StoreError::during("reading the regions"))
}

/// One region.
pub async fn region(conn: &mut Conn, id: &str) -> Result<Option<Region>, StoreError> {
    on!(conn, c => sqlx::query_as("SELECT id, name, version FROM regions WHERE id = $1").bind(id).fetch_optional(c).await)
        .map_err(StoreError::during("reading a region"))
}

/// Creates or renames a region.
pub async fn put_region(conn: &mut Conn, id: &str, name: &str) -> Result<(), StoreError> {
    on!(conn, c => sqlx::query(
        "INSERT INTO regions (id, name, version) VALUES ($1, $2, 1)
         ON CONFLICT (id) DO UPDATE SET name = excluded.name, version = regions.version + 1")
        .bind(id).bind(name).execute(c).await.map(|_| ()))
    .map_err(StoreError::during("writing a region"))?;
    bump(conn, "chain").await
}

/// All programs by id.
pub async fn programs(conn: &mut Conn) -> Result<Vec<Program>, StoreError> {
    on!(conn, c => sqlx::query_as("SELECT id, name, scale, settings, version FROM programs ORDER BY id LIMIT 1000")
        .fetch_all(c).await)
    .map_err(StoreError::during("reading the programs"))
}

/// One program.
pub async fn program(conn: &mut Conn, id: &str) -> Result<Option<Program>, StoreError> {
    on!(conn, c => sqlx::query_as("SELECT id, name, scale, settings, version FROM programs WHERE id = $1")
        .bind(id).fetch_optional(c).await)
    .map_err(StoreError::during("reading a program"))
}

/// Creates a program or changes its name and settings; the scale of an existing one stays.
pub async fn put_program(conn: &mut Conn, program: &Program) -> Result<(), StoreError> {
    on!(conn, c => sqlx::query(
        "INSERT INTO programs (id, name, scale, settings, version) VALUES ($1, $2, $3, $4, 1)
         ON CONFLICT (id) DO UPDATE SET name = excluded.name, settings = excluded.settings,
         version = programs.version + 1")
        .bind(&program.id).bind(&program.name).bind(program.scale).bind(&program.settings)
        .execute(c).await.map(|_| ()))
    .map_err(StoreError::during("writing a program"))?;
    bump(conn, "chain").await
}

/// The number that changes with every change of `name`: `rules`, `goods` or `chain`.
pub async fn revision(conn: &mut Conn, name: &str) -> Result<i64, StoreError> {
    on!(conn, c => sqlx::query_scalar("SELECT revision FROM revisions WHERE name = $1").bind(name).fetch_one(c).await)
        .map_err(StoreError::during("reading a revision"))
}

/// All revisions, by name.
pub async fn revisions(conn: &mut Conn) -> Result<Vec<(String, i64)>, StoreError> {
    on!(conn, c => sqlx::query_as("SELECT name, revision FROM revisions ORDER BY name").fetch_all(c).await)
        .map_err(StoreError::during("reading the revisions"))
}

/// Says that something caches read has changed; part of the same transaction.
pub(super) async fn bump(conn: &mut Conn, name: &str) -> Result<(), StoreError> {
    on!(conn, c => sqlx::query("UPDATE revisions SET revision = revision + 1 WHERE name = $1")
        .bind(name).execute(c).await.map(|_| ()))
    .map_err(StoreError::during("counting a revision"))
}
