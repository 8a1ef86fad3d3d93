//! Revisions of the configuration, and which objects the last one declares.

use super::chain::bump;
use super::db::Conn;
use super::error::StoreError;
use super::row::record;
use crate::on;

record! {
    /// One applied configuration.
    Revision {
        number: i64,
        /// Microseconds.
        applied_at: i64,
        author: String,
        /// The names of its files.
        source: String,
        /// JSON array of `{name, text}`.
        document: String,
        /// SHA-256 of what the files say, in hex.
        digest: String,
        /// JSON.
        changes: String,
        /// The revision a rollback took its document from.
        restores: Option<i64>,
    }
}

record! {
    /// An object a file declares, or once did.
    Declared {
        /// `chain`, `region`, `store`, `program` or `binding`.
        kind: String,
        /// What the file calls it.
        name: String,
        /// The id of the row it stands for.
        object: String,
        file: String,
        /// The last revision that declared it.
        revision: i64,
        active: bool,
    }
}

macro_rules! columns {
    () => {
        "number, applied_at, author, source, document, digest, changes, restores"
    };
}

/// The revision in force; none before the first.
pub async fn latest(conn: &mut Conn) -> Result<Option<Revision>, StoreError> {
    on!(conn, c => sqlx::query_as(concat!("SELECT ", columns!(), " FROM configuration_revisions ORDER BY number DESC LIMIT 1"))
        .fetch_optional(c).await)
    .map_err(StoreError::during("reading the configuration in force"))
}

/// The last revision of one author.
pub async fn latest_by(conn: &mut Conn, author: &str) -> Result<Option<Revision>, StoreError> {
    on!(conn, c => sqlx::query_as(concat!("SELECT ", columns!(), " FROM configuration_revisions
        WHERE author = $1 ORDER BY number DESC LIMIT 1")).bind(author).fetch_optional(c).await)
    .map_err(StoreError::during("reading an author's configuration"))
}

/// One revision.
pub async fn revision(conn: &mut Conn, number: i64) -> Result<Option<Revision>, StoreError> {
    on!(conn, c => sqlx::query_as(concat!("SELECT ", columns!(), " FROM configuration_revisions WHERE number = $1"))
        .bind(number).fetch_optional(c).await)
    .map_err(StoreError::during("reading a revision of the configuration"))
}

/// The newest revisions before `before`, newest first.
pub async fn revisions(
    conn: &mut Conn,
    before: i64,
    limit: i64,
) -> Result<Vec<Revision>, StoreError> {
    on!(conn, c => sqlx::query_as(concat!("SELECT ", columns!(), " FROM configuration_revisions
        WHERE number < $1 ORDER BY number DESC LIMIT $2")).bind(before).bind(limit).fetch_all(c).await)
    .map_err(StoreError::during("reading the revisions of the configuration"))
}

/// Adds a revision.
///
/// # Errors
/// A unique violation when another host was first with this number.
pub async fn add(conn: &mut Conn, revision: &Revision) -> Result<(), StoreError> {
    on!(conn, c => sqlx::query(
        "INSERT INTO configuration_revisions (number, applied_at, author, source, document, digest, changes, restores)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)")
        .bind(revision.number).bind(revision.applied_at).bind(&revision.author).bind(&revision.source)
        .bind(&revision.document).bind(&revision.digest).bind(&revision.changes).bind(revision.restores)
        .execute(c).await.map(|_| ()))
    .map_err(StoreError::during("keeping a revision of the configuration"))
}

/// Everything that is or was declared.
pub async fn all(conn: &mut Conn, limit: i64) -> Result<Vec<Declared>, StoreError> {
    on!(conn, c => sqlx::query_as("SELECT kind, name, object, file, revision, active FROM declared
        ORDER BY kind, name LIMIT $1").bind(limit).fetch_all(c).await)
    .map_err(StoreError::during("reading what is declared"))
}

/// The declaration an object stands in now; none where the API may change it.
pub async fn of(conn: &mut Conn, kind: &str, object: &str) -> Result<Option<Declared>, StoreError> {
    on!(conn, c => sqlx::query_as("SELECT kind, name, object, file, revision, active FROM declared
        WHERE kind = $1 AND object = $2 AND active LIMIT 1").bind(kind).bind(object).fetch_optional(c).await)
    .map_err(StoreError::during("reading whether an object is declared"))
}

/// Makes `now` all that is declared; the rest keeps its rows as a memory.
pub async fn replace(conn: &mut Conn, now: &[Declared]) -> Result<(), StoreError> {
    on!(conn, c => sqlx::query("UPDATE declared SET active = false WHERE active").execute(c).await.map(|_| ()))
        .map_err(StoreError::during("taking back what was declared"))?;
    for row in now {
        on!(conn, c => sqlx::query(
            "INSERT INTO declared (kind, name, object, file, revision, active) VALUES ($1, $2, $3, $4, $5, true)
             ON CONFLICT (kind, name) DO UPDATE SET object = excluded.object, file = excluded.file,
             revision = excluded.revision, active = true")
            .bind(&row.kind).bind(&row.name).bind(&row.object).bind(&row.file).bind(row.revision)
            .execute(c).await.map(|_| ()))
        .map_err(StoreError::during("noting what is declared"))?;
    }
    bump(conn, "configuration").await
}

/// Takes the right to change the configuration until the transaction ends, and answers the chain's revisions.
pub async fn take(conn: &mut Conn) -> Result<Vec<(String, i64)>, StoreError> {
    on!(conn, c => sqlx::query("UPDATE revisions SET revision = revision").execute(c).await.map(|_| ()))
        .map_err(StoreError::during("taking the configuration"))?;
    super::chain::revisions(conn).await
}
