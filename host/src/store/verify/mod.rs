//! Checks on live data what the ledger promises, page by page, naming the entry or account at fault.
//!
//! Everything is read from one snapshot, so a running host does not disturb it and is not disturbed.

mod accounts;
mod entries;
mod orders;
mod periods;
mod shifts;

use super::db::{Conn, Db};
use super::error::StoreError;

/// Faults told apart; a broken database is not listed row by row.
const MOST_FAULTS: usize = 200;
/// Rows read at a time.
const PAGE: i64 = 2_000;

/// Something that must not be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Id of the entry, account or order.
    pub at: String,
    pub what: String,
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.at, self.what)
    }
}

/// What was looked at, and what was wrong.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    pub entries: u64,
    pub postings: u64,
    pub accounts: u64,
    pub lots: u64,
    pub orders: u64,
    pub faults: Vec<Fault>,
    /// True if there are more faults than are listed.
    pub truncated: bool,
}

impl Report {
    pub fn is_clean(&self) -> bool {
        self.faults.is_empty()
    }

    fn fault(&mut self, at: impl Into<String>, what: impl Into<String>) {
        if self.faults.len() < MOST_FAULTS {
            self.faults.push(Fault {
                at: at.into(),
                what: what.into(),
            });
        } else {
            self.truncated = true;
        }
    }
}

/// Last entry of each writer, to be witnessed elsewhere: (writer, number of entries, seal).
///
/// # Errors
/// When the database cannot be read.
pub async fn heads(conn: &mut Conn) -> Result<Vec<(String, i64, Vec<u8>)>, StoreError> {
    crate::on!(conn, c => sqlx::query_as(
        "SELECT id, head_seq, head_seal FROM writers ORDER BY id"
    ).fetch_all(c).await)
    .map_err(StoreError::during("reading the heads of the seals"))
}

/// Checks every entry, posting, account, lot, hold, refundable order and shift.
///
/// # Errors
/// When the database cannot be read; faults are in the report.
pub async fn verify(db: &Db) -> Result<Report, StoreError> {
    let mut conn = db.read().await?;
    conn.begin_snapshot().await?;
    let mut report = Report::default();
    let checked = check(&mut conn, &mut report).await;
    // Never given back: it is inside a transaction.
    conn.discard().await;
    checked.map(|()| report)
}

async fn check(conn: &mut Conn, report: &mut Report) -> Result<(), StoreError> {
    for (writer, seq, seal) in heads(conn).await? {
        entries::check(conn, report, &writer, seq, &seal).await?;
    }
    let held = orders::pending_holds(conn, report).await?;
    accounts::check(conn, report, held).await?;
    orders::check(conn, report).await?;
    periods::check(conn, report).await?;
    shifts::check(conn, report).await
}
