//! Entries and their postings.

use std::collections::HashMap;

use super::bulk::{Bulk, Cell, Kind};
use super::db::Conn;
use super::error::StoreError;
use super::lots;
use crate::domain::ledger::{Entry, Posting, Subject};
use crate::domain::time::Instant;
use crate::on;

const POSTINGS: Bulk = Bulk {
    doing: "loading the postings of entries",
    text: "WITH v (id) AS ({rows})
        SELECT e.id, p.account, a.asset, p.amount, p.balance_after, p.version, p.lots
        FROM v JOIN entries e ON e.id = v.id
            JOIN postings p ON p.writer = e.writer AND p.seq = e.seq
            JOIN accounts a ON a.id = p.account",
    columns: &[Kind::Text],
};

type PostingRow = (String, String, String, i64, i64, i64, Option<String>);

/// All postings by entry id, sorted by account.
///
/// # Errors
/// When the database cannot be read.
pub async fn postings(
    conn: &mut Conn,
    entries: &[String],
) -> Result<HashMap<String, Vec<Posting>>, StoreError> {
    let rows: Vec<PostingRow> = POSTINGS
        .fetch(conn, entries.iter().cloned().map(Cell::Text).collect())
        .await?;
    let mut found: HashMap<String, Vec<Posting>> = HashMap::new();
    for (entry, account, asset, amount, balance_after, version, lots) in rows {
        found.entry(entry).or_default().push(Posting {
            account,
            asset,
            amount,
            balance_after,
            version,
            lots: lots::changes(lots)?,
        });
    }
    for postings in found.values_mut() {
        postings.sort_by(|a, b| a.account.cmp(&b.account));
    }
    Ok(found)
}

type Row = (String, String, String, String, i64, i64);

async fn complete(conn: &mut Conn, rows: Vec<Row>) -> Result<Vec<Entry>, StoreError> {
    let ids: Vec<String> = rows.iter().map(|row| row.0.clone()).collect();
    let mut postings = postings(conn, &ids).await?;
    rows.into_iter()
        .map(|(id, kind, subject_kind, subject_id, at, business_date)| {
            Ok(Entry {
                postings: postings.remove(&id).unwrap_or_default(),
                id,
                kind,
                subject: Subject {
                    kind: subject_kind,
                    id: subject_id,
                },
                at: Instant(at),
                business_date: lots::day(business_date)?,
            })
        })
        .collect()
}

/// Entries that moved a member's accounts, newest first, before the entry `before` (none to start). Each has
/// all its postings, also those of others.
///
/// # Errors
/// When the database cannot be read.
pub async fn of_member(
    conn: &mut Conn,
    member: &str,
    before: Option<&str>,
    limit: i64,
) -> Result<Vec<Entry>, StoreError> {
    let (first, end) = super::accounts::range(member);
    let before = before.unwrap_or("~").to_owned();
    let rows: Vec<Row> = on!(conn, c => sqlx::query_as(
        "SELECT DISTINCT e.id, e.kind, e.subject_kind, e.subject_id, e.at, e.business_date
         FROM postings p JOIN entries e ON e.writer = p.writer AND e.seq = p.seq
         WHERE p.account >= $1 AND p.account < $2 AND e.id < $3 ORDER BY e.id DESC LIMIT $4"
    ).bind(first).bind(end).bind(before).bind(limit).fetch_all(c).await)
    .map_err(StoreError::during("reading a member's entries"))?;
    complete(conn, rows).await
}

/// Entries about a subject such as an order, oldest first, at most `limit`.
///
/// # Errors
/// When the database cannot be read.
pub async fn of_subject(
    conn: &mut Conn,
    subject_id: &str,
    limit: i64,
) -> Result<Vec<Entry>, StoreError> {
    let subject = subject_id.to_owned();
    let rows: Vec<Row> = on!(conn, c => sqlx::query_as(
        "SELECT id, kind, subject_kind, subject_id, at, business_date FROM entries
         WHERE subject_id = $1 ORDER BY id LIMIT $2"
    ).bind(subject).bind(limit).fetch_all(c).await)
    .map_err(StoreError::during("reading the entries of a subject"))?;
    complete(conn, rows).await
}

/// One entry by its id.
///
/// # Errors
/// When the database cannot be read.
pub async fn by_id(conn: &mut Conn, id: &str) -> Result<Option<Entry>, StoreError> {
    let id = id.to_owned();
    let rows: Vec<Row> = on!(conn, c => sqlx::query_as(
        "SELECT id, kind, subject_kind, subject_id, at, business_date FROM entries WHERE id = $1"
    ).bind(id).fetch_all(c).await)
    .map_err(StoreError::during("reading an entry"))?;
    Ok(complete(conn, rows).await?.pop())
}
