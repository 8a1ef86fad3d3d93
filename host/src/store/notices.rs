//! What members were told of before it expires.

use std::collections::HashSet;

use super::bulk::{Bulk, Cell, Kind};
use super::db::Conn;
use super::error::StoreError;
use crate::domain::ledger::AccountKey;
use crate::domain::time::Day;
use crate::on;

/// Something that expires.
#[derive(Debug, Clone)]
pub struct Expiring {
    /// Id of the lot, or code of the coupon.
    pub subject: String,
    pub member: String,
    pub last_day: Day,
    /// The account of a lot; none of a coupon.
    pub account: Option<AccountKey>,
    /// What the event says.
    pub told: serde_json::Value,
}

impl Expiring {
    /// Its place in a round, whose text sorts as day and subject do.
    pub fn place(&self) -> String {
        format!("{:010}/{}", self.last_day.0, self.subject)
    }

    /// A place read back; the start of `first` where there is none, or one before it.
    pub fn placed(place: &str, first: Day) -> (Day, String) {
        let read = place.split_once('/').and_then(|(day, subject)| {
            let day = Day(day.parse().ok()?);
            (day >= first).then(|| (day, subject.to_owned()))
        });
        read.unwrap_or((first, String::new()))
    }
}

const TAKE: Bulk = Bulk {
    doing: "noting what is told of",
    text: "INSERT INTO expiry_notices (subject, last_day) {rows} ON CONFLICT (subject) DO NOTHING RETURNING subject",
    columns: &[Kind::Text, Kind::Int],
};

/// Marks what nobody was told of yet and answers it; each subject once for all hosts.
///
/// # Errors
/// When the database cannot be written.
pub async fn take(conn: &mut Conn, due: &[Expiring]) -> Result<HashSet<String>, StoreError> {
    let cells = due.iter().flat_map(|one| {
        let last_day = i64::from(one.last_day.0);
        [Cell::Text(one.subject.clone()), Cell::Int(last_day)]
    });
    let taken: Vec<(String,)> = TAKE.fetch(conn, cells.collect()).await?;
    Ok(taken.into_iter().map(|(subject,)| subject).collect())
}

/// Forgets what has expired before `today`.
///
/// # Errors
/// When the database cannot be written.
pub async fn forget(conn: &mut Conn, today: i64) -> Result<(), StoreError> {
    on!(conn, c => sqlx::query("DELETE FROM expiry_notices WHERE last_day < $1").bind(today)
        .execute(c).await.map(|_| ()))
    .map_err(StoreError::during("forgetting notices of what has expired"))
}
