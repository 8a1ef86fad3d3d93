//! Balances.

use std::collections::BTreeMap;

use super::db::Conn;
use super::error::StoreError;
use crate::domain::ledger::{AccountKey, SYSTEM};
use crate::on;

/// First id of an owner's accounts, and the first after them.
pub(super) fn range(owner: &str) -> (String, String) {
    // `0` follows `/` in byte order.
    (format!("{owner}/"), format!("{owner}0"))
}

/// What a member's account holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Balance {
    pub account: AccountKey,
    pub balance: i64,
    pub version: i64,
}

/// All balances of a member, by account id.
///
/// # Errors
/// When the database cannot be read.
pub async fn balances(conn: &mut Conn, member: &str) -> Result<Vec<Balance>, StoreError> {
    let (first, end) = range(member);
    let rows: Vec<(String, i64, i64)> = on!(conn, c => sqlx::query_as(
        "SELECT id, balance, version FROM accounts WHERE id >= $1 AND id < $2 ORDER BY id"
    ).bind(first).bind(end).fetch_all(c).await)
    .map_err(StoreError::during("reading balances"))?;
    rows.into_iter()
        .map(|(id, balance, version)| {
            let account = AccountKey::parse(&id).ok_or(StoreError::Stored {
                doing: "reading balances",
                what: format!("account `{id}`"),
            })?;
            Ok(Balance {
                account,
                balance,
                version,
            })
        })
        .collect()
}

/// Balances of the system accounts by (name, asset), summed over all writers.
///
/// # Errors
/// When the database cannot be read.
pub async fn system_balances(
    conn: &mut Conn,
) -> Result<BTreeMap<(String, String), i64>, StoreError> {
    let (first, end) = range(SYSTEM);
    let rows: Vec<(String, String, i64)> = on!(conn, c => sqlx::query_as(
        "SELECT id, asset, balance FROM accounts WHERE id >= $1 AND id < $2"
    ).bind(first).bind(end).fetch_all(c).await)
    .map_err(StoreError::during("reading system balances"))?;
    let mut sums = BTreeMap::new();
    for (id, asset, balance) in rows {
        let name = id
            .strip_prefix("system/")
            .and_then(|rest| rest.rsplit_once('/'))
            .map_or(id.as_str(), |(name, _)| name);
        let sum: &mut i64 = sums.entry((name.to_owned(), asset)).or_default();
        *sum = sum.saturating_add(balance);
    }
    Ok(sums)
}
