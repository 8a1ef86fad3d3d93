//! Counters.

use std::collections::HashMap;

use super::bulk::{Bulk, Cell, Kind};
use super::db::Conn;
use super::error::StoreError;
use crate::domain::ledger::{Counter, CounterKey};

const BY_KEY: Bulk = Bulk {
    doing: "loading counters",
    text: "WITH v (owner, name) AS ({rows})
        SELECT c.owner, c.name, c.value, c.version
        FROM v JOIN counters c ON c.owner = v.owner AND c.name = v.name",
    columns: &[Kind::Text, Kind::Text],
};

pub(super) async fn load<'k>(
    conn: &mut Conn,
    keys: impl IntoIterator<Item = &'k CounterKey>,
) -> Result<HashMap<CounterKey, Counter>, StoreError> {
    let cells = keys
        .into_iter()
        .flat_map(|(owner, name)| [Cell::Text(owner.clone()), Cell::Text(name.clone())])
        .collect();
    let rows: Vec<(String, String, i64, i64)> = BY_KEY.fetch(conn, cells).await?;
    Ok(rows
        .into_iter()
        .map(|(owner, name, value, version)| {
            let counter = Counter {
                value,
                version,
                base: version,
            };
            ((owner, name), counter)
        })
        .collect())
}

/// Where one counter stands and how often it was written; none if it never was.
///
/// # Errors
/// When the database cannot be read.
pub async fn standing(conn: &mut Conn, key: &CounterKey) -> Result<Option<(i64, i64)>, StoreError> {
    let found = load(conn, [key]).await?;
    Ok(found
        .get(key)
        .map(|counter| (counter.value, counter.version)))
}

/// Where counters stand, in the order of `keys`; 0 where one never moved.
///
/// # Errors
/// When the database cannot be read.
pub async fn values(conn: &mut Conn, keys: &[CounterKey]) -> Result<Vec<i64>, StoreError> {
    let found = load(conn, keys).await?;
    Ok(keys
        .iter()
        .map(|key| found.get(key).map_or(0, |counter| counter.value))
        .collect())
}
