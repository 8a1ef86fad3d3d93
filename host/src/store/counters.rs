//! Counters.

use std::collections::HashMap;

use super::bulk::{Bulk, Cell, Kind};
use super::db::Conn;
use super::error::StoreError;
use crate::domain::ledger::{Counter, CounterKey};

pub(super) const BY_KEY: Bulk = Bulk {
    doing: "loading counters",
    text: "WITH v (owner, name) AS ({rows})
        SELECT c.owner, c.name, c.value, c.version
        FROM v JOIN counters c ON c.owner = v.owner AND c.name = v.name",
    columns: &[Kind::Text, Kind::Text],
};

pub(super) type Row = (String, String, i64, i64);

pub(super) fn counter((owner, name, value, version): Row) -> (CounterKey, Counter) {
    let counter = Counter {
        value,
        version,
        base: version,
    };
    ((owner, name), counter)
}

pub(super) fn cells<'k>(keys: impl IntoIterator<Item = &'k CounterKey>) -> Vec<Cell> {
    keys.into_iter()
        .flat_map(|(owner, name)| [Cell::Text(owner.clone()), Cell::Text(name.clone())])
        .collect()
}

async fn load(
    conn: &mut Conn,
    keys: &[CounterKey],
) -> Result<HashMap<CounterKey, Counter>, StoreError> {
    let rows: Vec<Row> = BY_KEY.fetch(conn, cells(keys)).await?;
    Ok(rows.into_iter().map(counter).collect())
}

/// Where one counter stands and how often it was written; none if it never was.
///
/// # Errors
/// When the database cannot be read.
pub async fn standing(conn: &mut Conn, key: &CounterKey) -> Result<Option<(i64, i64)>, StoreError> {
    let found = load(conn, std::slice::from_ref(key)).await?;
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
