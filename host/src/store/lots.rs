//! Lots of points, bonus, passes and what was paid for them.

use super::bulk::{Bulk, Cell, Kind};
use super::db::Conn;
use super::error::StoreError;
use crate::domain::ledger::{AccountKey, Lot, LotChange};
use crate::domain::time::Day;
use crate::on;

pub(super) const BY_ID: Bulk = Bulk {
    doing: "loading lots",
    text: "WITH v (id) AS ({rows})
        SELECT l.id, l.member, l.account, l.original, l.remaining, l.expires_on, l.available_on, l.source,
            l.first_day
        FROM v JOIN lots l ON l.id = v.id",
    columns: &[Kind::Text],
};

pub(super) const OPEN: Bulk = Bulk {
    doing: "loading open lots",
    text: "WITH v (member) AS ({rows})
        SELECT l.id, l.member, l.account, l.original, l.remaining, l.expires_on, l.available_on, l.source,
            l.first_day
        FROM v JOIN lots l ON l.member = v.member WHERE l.remaining > 0",
    columns: &[Kind::Text],
};

pub(super) type Row = (
    String,
    String,
    String,
    i64,
    i64,
    Option<i64>,
    Option<i64>,
    String,
    Option<i64>,
);

type SoldRow = (
    String,
    String,
    String,
    i64,
    i64,
    Option<i64>,
    Option<i64>,
    String,
    Option<i64>,
    String,
);

pub(super) fn lot(row: Row) -> Result<Lot, StoreError> {
    let (id, member, account, original, remaining, expires_on, available_on, source, first_day) =
        row;
    Ok(Lot {
        id,
        member,
        account,
        original,
        remaining,
        expires_on: expires_on.map(day).transpose()?,
        available_on: available_on.map(day).transpose()?,
        source,
        first_day: first_day.map(day).transpose()?,
    })
}

/// A stored business day.
pub(super) fn day(stored: i64) -> Result<Day, StoreError> {
    i32::try_from(stored)
        .map(Day)
        .map_err(StoreError::stored("reading a day"))
}

/// The lots of a posting as they are stored; none if it has none.
pub(super) fn changes_text(changes: &[LotChange]) -> Result<Option<String>, StoreError> {
    if changes.is_empty() {
        return Ok(None);
    }
    serde_json::to_string(changes)
        .map(Some)
        .map_err(StoreError::stored("writing a posting"))
}

pub(super) fn changes(text: Option<String>) -> Result<Vec<LotChange>, StoreError> {
    match text {
        None => Ok(Vec::new()),
        Some(text) => serde_json::from_str(&text).map_err(StoreError::stored("reading a posting")),
    }
}

/// Lots of a member with something left, nearest expiry first.
///
/// # Errors
/// When the database cannot be read.
pub async fn open_lots(conn: &mut Conn, member: &str) -> Result<Vec<Lot>, StoreError> {
    let member = vec![Cell::Text(member.to_owned())];
    let rows: Vec<Row> = OPEN.fetch(conn, member).await?;
    let mut lots: Vec<Lot> = rows.into_iter().map(lot).collect::<Result<_, _>>()?;
    sort(&mut lots);
    Ok(lots)
}

/// Nearest expiry first, then the oldest.
fn sort(lots: &mut [Lot]) {
    lots.sort_by(|a, b| {
        let last = |lot: &Lot| lot.expires_on.unwrap_or(Day(i32::MAX));
        (last(a), &a.id).cmp(&(last(b), &b.id))
    });
}

/// Lots of passes and memberships a member ever had and of what he paid for them, at most the thousand newest; the nearest
/// expiry first.
///
/// # Errors
/// When the database cannot be read.
pub async fn ever_passes(conn: &mut Conn, member: &str) -> Result<Vec<Lot>, StoreError> {
    // From `…/pass` to before `…/past`.
    let (from, to) = (format!("{member}/pass"), format!("{member}/past"));
    let rows: Vec<Row> = on!(conn, c => sqlx::query_as(
        "SELECT id, member, account, original, remaining, expires_on, available_on, source, first_day FROM lots
         WHERE member = $1 AND account >= $2 AND account < $3 ORDER BY id DESC LIMIT 1000"
    ).bind(member).bind(from).bind(to).fetch_all(c).await)
    .map_err(StoreError::during("reading the passes a member had"))?;
    let mut lots: Vec<Lot> = rows.into_iter().map(lot).collect::<Result<_, _>>()?;
    sort(&mut lots);
    Ok(lots)
}

/// What is left in the lots of a member's account that are good on a day.
///
/// # Errors
/// When the database cannot be read.
pub async fn spendable(conn: &mut Conn, account: &AccountKey, day: Day) -> Result<i64, StoreError> {
    let id = account.id();
    let open = open_lots(conn, &account.member).await?;
    let good = open
        .iter()
        .filter(|lot| lot.account == id && !lot.has_expired(day));
    Ok(good.fold(0, |sum, lot| sum.saturating_add(lot.remaining)))
}

/// The lots with these ids, in no particular order.
///
/// # Errors
/// When the database cannot be read.
pub async fn by_ids(conn: &mut Conn, ids: &[String]) -> Result<Vec<Lot>, StoreError> {
    let ids = ids.iter().cloned().map(Cell::Text).collect();
    let rows: Vec<Row> = BY_ID.fetch(conn, ids).await?;
    rows.into_iter().map(lot).collect()
}

/// Lots whose last day is before `today`, for the expiry job.
///
/// # Errors
/// When the database cannot be read.
pub async fn expired(conn: &mut Conn, today: Day, limit: i64) -> Result<Vec<Lot>, StoreError> {
    let today = i64::from(today.0);
    let rows: Vec<Row> = on!(conn, c => sqlx::query_as(
        "SELECT id, member, account, original, remaining, expires_on, available_on, source, first_day FROM lots
         WHERE remaining > 0 AND expires_on IS NOT NULL AND expires_on < $1
         ORDER BY expires_on LIMIT $2"
    ).bind(today).bind(limit).fetch_all(c).await)
    .map_err(StoreError::during("reading expired lots"))?;
    rows.into_iter().map(lot).collect()
}

/// Lots with something left whose last day is `until` at the latest, after a day and an id of that day, in that order.
///
/// # Errors
/// When the database cannot be read.
pub async fn expiring(
    conn: &mut Conn,
    (day, id): (Day, String),
    until: Day,
    limit: i64,
) -> Result<Vec<Lot>, StoreError> {
    let (day, until) = (i64::from(day.0), i64::from(until.0));
    let rows: Vec<Row> = on!(conn, c => sqlx::query_as(
        "SELECT id, member, account, original, remaining, expires_on, available_on, source, first_day FROM lots
         WHERE remaining > 0 AND expires_on IS NOT NULL AND expires_on >= $1 AND expires_on <= $2
            AND (expires_on, id) > ($1, $3)
         ORDER BY expires_on, id LIMIT $4"
    ).bind(day).bind(until).bind(id).bind(limit).fetch_all(c).await)
    .map_err(StoreError::during("reading lots that expire soon"))?;
    rows.into_iter().map(lot).collect()
}

/// A lot, and the store of the order it was sold with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SoldLot {
    pub lot: Lot,
    pub store: String,
}

/// Lots of periods that have begun by a day and have something left, after a member and a lot of his, in that order.
///
/// # Errors
/// When the database cannot be read.
pub async fn of_periods(
    conn: &mut Conn,
    begun_by: Day,
    (member, id): (&str, &str),
    limit: i64,
) -> Result<Vec<SoldLot>, StoreError> {
    let begun_by = i64::from(begun_by.0);
    let rows: Vec<SoldRow> = on!(conn, c => sqlx::query_as(
        "SELECT l.id, l.member, l.account, l.original, l.remaining, l.expires_on, l.available_on, l.source,
            l.first_day, o.store
         FROM lots l JOIN orders o ON o.id = l.source
         WHERE l.remaining > 0 AND l.first_day IS NOT NULL AND l.first_day <= $1 AND (l.member, l.id) > ($2, $3)
         ORDER BY l.member, l.id LIMIT $4"
    ).bind(begun_by).bind(member).bind(id).bind(limit).fetch_all(c).await)
    .map_err(StoreError::during("reading lots of periods"))?;
    let sold = |row: SoldRow| {
        let (
            id,
            member,
            account,
            original,
            remaining,
            expires_on,
            available_on,
            source,
            first,
            store,
        ) = row;
        let row = (
            id,
            member,
            account,
            original,
            remaining,
            expires_on,
            available_on,
            source,
            first,
        );
        Ok(SoldLot {
            lot: lot(row)?,
            store,
        })
    };
    rows.into_iter().map(sold).collect()
}

/// Pending lots that become spendable on or before `today`, for the release job.
///
/// # Errors
/// When the database cannot be read.
pub async fn releasable(conn: &mut Conn, today: Day, limit: i64) -> Result<Vec<Lot>, StoreError> {
    let today = i64::from(today.0);
    let rows: Vec<Row> = on!(conn, c => sqlx::query_as(
        "SELECT id, member, account, original, remaining, expires_on, available_on, source, first_day FROM lots
         WHERE remaining > 0 AND available_on IS NOT NULL AND available_on <= $1
         ORDER BY available_on LIMIT $2"
    ).bind(today).bind(limit).fetch_all(c).await)
    .map_err(StoreError::during("reading pending lots"))?;
    rows.into_iter().map(lot).collect()
}
