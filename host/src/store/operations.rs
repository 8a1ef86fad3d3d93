//! Operation keys and how they ended.

use std::collections::HashMap;

use super::bulk::{Bulk, Cell, Kind};
use super::db::Conn;
use super::entries;
use super::error::StoreError;
use crate::domain::ledger::{Outcome, Receipt, Recorded, Subject};
use crate::domain::time::Instant;
use crate::on;

const OPERATIONS: Bulk = Bulk {
    doing: "loading operations",
    text: "WITH v (key) AS ({rows})
        SELECT o.key, o.hash, o.subject_kind, o.subject_id, o.at, o.entry_id, o.refusal
        FROM v JOIN operations o ON o.key = v.key",
    columns: &[Kind::Text],
};

type OperationRow = (
    String,
    Vec<u8>,
    String,
    String,
    i64,
    Option<String>,
    Option<String>,
);

/// Recorded operations with their receipts, by key. Unknown keys are left out.
pub(super) async fn load(
    conn: &mut Conn,
    keys: Vec<String>,
) -> Result<HashMap<String, Recorded>, StoreError> {
    let rows: Vec<OperationRow> = OPERATIONS
        .fetch(conn, keys.into_iter().map(Cell::Text).collect())
        .await?;
    let entries: Vec<String> = rows.iter().filter_map(|row| row.5.clone()).collect();
    let mut postings = entries::postings(conn, &entries).await?;
    let mut found = HashMap::new();
    for (key, hash, kind, id, at, entry_id, refusal) in rows {
        let subject = Subject { kind, id };
        let outcome = match refusal {
            Some(text) => Outcome::Refused(
                serde_json::from_str(&text).map_err(StoreError::stored("reading an operation"))?,
            ),
            None => Outcome::Done(Receipt {
                replayed: true,
                subject: subject.clone(),
                postings: entry_id
                    .as_ref()
                    .and_then(|id| postings.remove(id))
                    .unwrap_or_default(),
                entry_id,
                notices: Vec::new(),
            }),
        };
        let hash = hash.try_into().map_err(|_| StoreError::Stored {
            doing: "reading an operation",
            what: format!("the digest of `{key}` has a wrong length"),
        })?;
        found.insert(
            key,
            Recorded {
                hash,
                subject,
                at: Instant(at),
                outcome,
            },
        );
    }
    Ok(found)
}

/// How the operation with this key ended; none if it never did or is still running.
///
/// # Errors
/// When the database cannot be read.
pub async fn by_key(conn: &mut Conn, key: &str) -> Result<Option<Recorded>, StoreError> {
    Ok(load(conn, vec![key.to_owned()]).await?.remove(key))
}

/// Records what a key led to where no entry was posted; part of the same transaction as its effect.
///
/// # Errors
/// A unique violation when the key was used meanwhile.
pub async fn keep(
    conn: &mut Conn,
    key: &str,
    hash: &[u8; 32],
    subject: &Subject,
    at: Instant,
) -> Result<(), StoreError> {
    on!(conn, c => sqlx::query(
        "INSERT INTO operations (key, hash, subject_kind, subject_id, at) VALUES ($1, $2, $3, $4, $5)")
        .bind(key).bind(hash.as_slice()).bind(&subject.kind).bind(&subject.id).bind(at.0)
        .execute(c).await.map(|_| ()))
    .map_err(StoreError::during("recording an operation"))
}
