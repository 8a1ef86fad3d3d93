//! The append-only event log.
//!
//! Ids of one host grow with its commits. Several hosts write at the same time, so whoever follows the log of
//! more than one must read a few seconds back and leave out what he has seen.

use super::db::Conn;
use super::error::StoreError;
use crate::domain::time::Instant;
use crate::on;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    pub id: String,
    pub kind: String,
    pub subject: String,
    pub store: Option<String>,
    pub at: Instant,
    /// JSON.
    pub payload: String,
}

type Row = (String, String, String, Option<String>, i64, String);

/// Events after the one with id `after` ("" for all), oldest first.
///
/// # Errors
/// When the database cannot be read.
pub async fn after(conn: &mut Conn, after: &str, limit: i64) -> Result<Vec<Event>, StoreError> {
    let after = after.to_owned();
    let rows: Vec<Row> = on!(conn, c => sqlx::query_as(
        "SELECT id, kind, subject, store, at, payload FROM events WHERE id > $1 ORDER BY id LIMIT $2"
    ).bind(after).bind(limit).fetch_all(c).await)
    .map_err(StoreError::during("reading events"))?;
    Ok(rows
        .into_iter()
        .map(|(id, kind, subject, store, at, payload)| Event {
            id,
            kind,
            subject,
            store,
            at: Instant(at),
            payload,
        })
        .collect())
}

/// Id of the newest event; none in an empty log.
///
/// # Errors
/// When the database cannot be read.
pub async fn newest(conn: &mut Conn) -> Result<Option<String>, StoreError> {
    on!(conn, c => sqlx::query_scalar("SELECT MAX(id) FROM events").fetch_one(c).await)
        .map_err(StoreError::during("reading the newest event"))
}

/// Records an event; part of the same transaction as what it tells. Its id is made here, so that ids grow
/// with the commits of this host.
///
/// # Errors
/// When the database cannot be written.
pub async fn add(
    conn: &mut Conn,
    kind: &str,
    subject: &str,
    store: Option<&str>,
    at: Instant,
    payload: &str,
) -> Result<(), StoreError> {
    let id = uuid::Uuid::now_v7().to_string();
    on!(conn, c => sqlx::query(
        "INSERT INTO events (id, kind, subject, store, at, payload) VALUES ($1, $2, $3, $4, $5, $6)"
    ).bind(id).bind(kind).bind(subject).bind(store).bind(at.0).bind(payload).execute(c).await.map(|_| ()))
    .map_err(StoreError::during("recording an event"))
}
