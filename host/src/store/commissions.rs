//! What people earned, as the books have it.

use super::accounts::range;
use super::db::Conn;
use super::error::StoreError;
use super::row::record;
use crate::domain::ledger::SYSTEM;
use crate::domain::time::Day;
use crate::on;

record! {
    /// One entry that moved a person's commission.
    Earned {
        id: String,
        /// `sale`, `refund`, `top-up`, `commission`, …
        kind: String,
        subject_id: String,
        business_date: i64,
        /// Microseconds.
        at: i64,
        currency: String,
        /// Minor units; negative where it was taken back.
        amount: i64,
    }
}

record! {
    /// What entries of one kind came to.
    EarnedSum {
        currency: String,
        kind: String,
        entries: i64,
        amount: i64,
    }
}

/// First id of the accounts below a system account's name, and the first after them.
fn accounts_of(name: &str) -> (String, String) {
    range(&format!("{SYSTEM}/{name}"))
}

/// Entries of a period on a system account such as `commission/<staff>`, in all stores, before the entry `before` (none for the newest), the
/// newest first.
///
/// # Errors
/// When the database cannot be read.
pub async fn entries(
    conn: &mut Conn,
    account: &str,
    (from, to): (Day, Day),
    before: Option<&str>,
    limit: i64,
) -> Result<Vec<Earned>, StoreError> {
    let (first, end) = accounts_of(account);
    let before = before.unwrap_or("~").to_owned();
    on!(conn, c => sqlx::query_as(
        "SELECT e.id, e.kind, e.subject_id, e.business_date, e.at, a.asset AS currency, p.amount
         FROM accounts a JOIN postings p ON p.account = a.id JOIN entries e ON e.writer = p.writer AND e.seq = p.seq
         WHERE a.id >= $1 AND a.id < $2 AND e.business_date >= $3 AND e.business_date <= $4 AND e.id < $5
         ORDER BY e.id DESC LIMIT $6"
    ).bind(first).bind(end).bind(i64::from(from.0)).bind(i64::from(to.0)).bind(before).bind(limit)
        .fetch_all(c).await)
    .map_err(StoreError::during("listing a person's commissions"))
}

/// The same summed by currency and kind.
///
/// # Errors
/// When the database cannot be read.
pub async fn sums(
    conn: &mut Conn,
    account: &str,
    (from, to): (Day, Day),
) -> Result<Vec<EarnedSum>, StoreError> {
    let (first, end) = accounts_of(account);
    on!(conn, c => sqlx::query_as(
        "SELECT a.asset AS currency, e.kind, COUNT(*) AS entries, CAST(SUM(p.amount) AS BIGINT) AS amount
         FROM accounts a JOIN postings p ON p.account = a.id JOIN entries e ON e.writer = p.writer AND e.seq = p.seq
         WHERE a.id >= $1 AND a.id < $2 AND e.business_date >= $3 AND e.business_date <= $4
         GROUP BY a.asset, e.kind ORDER BY a.asset, e.kind"
    ).bind(first).bind(end).bind(i64::from(from.0)).bind(i64::from(to.0)).fetch_all(c).await)
    .map_err(StoreError::during("summing a person's commissions"))
}
