//! What of a merged member's history counts for whom he became part of: purchases by day, orders, and who brought whom.
//! What is brought is kept under its merge, so that it can be parted again to the row.

use super::bulk::{Bulk, Cell, Kind};
use super::db::Conn;
use super::error::StoreError;
use super::merges::Merge;
use crate::on;

/// Day, category, minor units, orders, thousandths, points.
type Day = (i64, String, i64, i64, i64, i64);

const ADD: Bulk = Bulk {
    doing: "bringing purchases of a merged member",
    text: "INSERT INTO member_days (member, day, category, spend, orders, units, points) {rows}
        ON CONFLICT (member, day, category) DO UPDATE SET spend = member_days.spend + excluded.spend,
            orders = member_days.orders + excluded.orders, units = member_days.units + excluded.units,
            points = member_days.points + excluded.points",
    columns: &COLUMNS,
};

const KEEP: Bulk = Bulk {
    doing: "keeping what purchases were brought",
    text: "INSERT INTO merged_days (merge_id, day, category, spend, orders, units, points) {rows}
        ON CONFLICT (merge_id, day, category) DO UPDATE SET spend = merged_days.spend + excluded.spend,
            orders = merged_days.orders + excluded.orders, units = merged_days.units + excluded.units,
            points = merged_days.points + excluded.points",
    columns: &COLUMNS,
};

/// A day nobody else bought on leaves no row behind, which would count as a visit.
const TIDY: Bulk = Bulk {
    doing: "parting purchases of a merged member",
    text: "WITH v (member, day, category, spend, orders, units, points) AS ({rows})
        DELETE FROM member_days WHERE spend = 0 AND orders = 0 AND units = 0 AND points = 0
            AND EXISTS (SELECT 1 FROM v WHERE v.member = member_days.member AND v.day = member_days.day
                AND v.category = member_days.category)",
    columns: &COLUMNS,
};

const COLUMNS: [Kind; 7] = [
    Kind::Text,
    Kind::Int,
    Kind::Text,
    Kind::Int,
    Kind::Int,
    Kind::Int,
    Kind::Int,
];

fn cells(of: &str, days: &[Day], sign: i64) -> Vec<Cell> {
    let one = |(day, category, spend, orders, units, points): &Day| {
        [
            Cell::Text(of.to_owned()),
            Cell::Int(*day),
            Cell::Text(category.clone()),
            Cell::Int(sign * spend),
            Cell::Int(sign * orders),
            Cell::Int(sign * units),
            Cell::Int(sign * points),
        ]
    };
    days.iter().flat_map(one).collect()
}

/// Brings what counts of a merged member to whom he became part of: at the merge, and whatever came to him later.
///
/// # Errors
/// When the database cannot be written.
pub async fn bring(conn: &mut Conn, merge: &Merge) -> Result<(), StoreError> {
    let (from, to) = (merge.member.as_str(), merge.survivor.as_str());
    let failed = || StoreError::during("bringing the history of a merged member");
    let days: Vec<Day> = on!(conn, c => sqlx::query_as(
        "DELETE FROM member_days WHERE member = $1 RETURNING day, category, spend, orders, units, points")
        .bind(from).fetch_all(c).await)
    .map_err(failed())?;
    ADD.execute(conn, cells(to, &days, 1)).await?;
    KEEP.execute(conn, cells(&merge.id, &days, 1)).await?;
    let orders = orders_of(conn, from).await?;
    if orders != 0 {
        move_orders(conn, from, to, orders).await?;
        on!(conn, c => sqlx::query("UPDATE merges SET orders = orders + $2 WHERE id = $1")
            .bind(&merge.id).bind(orders).execute(c).await.map(|_| ()))
        .map_err(failed())?;
    }
    // Nobody brings himself: where one of the two had brought the other, that stays as it was.
    on!(conn, c => sqlx::query(
        "INSERT INTO merged_referrals (merge_id, member) SELECT $1, id FROM members WHERE referred_by = $2 AND id <> $3
         ON CONFLICT (merge_id, member) DO NOTHING")
        .bind(&merge.id).bind(from).bind(to).execute(c).await.map(|_| ()))
    .map_err(failed())?;
    on!(conn, c => sqlx::query("UPDATE members SET referred_by = $2 WHERE referred_by = $1 AND id <> $2")
        .bind(from).bind(to).execute(c).await.map(|_| ()))
    .map_err(failed())?;
    let is_first = on!(conn, c => sqlx::query(
        "UPDATE members SET referred_by = (SELECT m.referred_by FROM members m WHERE m.id = $1),
            referred_on = (SELECT m.referred_on FROM members m WHERE m.id = $1)
         WHERE id = $2 AND referred_by IS NULL AND EXISTS (SELECT 1 FROM members m WHERE m.id = $1
            AND m.referred_by IS NOT NULL AND m.referred_by <> $2)")
        .bind(from).bind(to).execute(c).await.map(|done| done.rows_affected() == 1))
    .map_err(failed())?;
    if is_first {
        on!(conn, c => sqlx::query("INSERT INTO merged_referrals (merge_id, member) VALUES ($1, $2)")
            .bind(&merge.id).bind(to).execute(c).await.map(|_| ()))
        .map_err(failed())?;
    }
    mark(conn, &merge.id, true).await
}

/// Parts again what was brought.
///
/// # Errors
/// When the database cannot be written.
pub async fn part(conn: &mut Conn, merge: &Merge) -> Result<(), StoreError> {
    let (from, to) = (merge.member.as_str(), merge.survivor.as_str());
    let failed = || StoreError::during("parting the history of a merged member");
    let days: Vec<Day> = on!(conn, c => sqlx::query_as(
        "DELETE FROM merged_days WHERE merge_id = $1 RETURNING day, category, spend, orders, units, points")
        .bind(&merge.id).fetch_all(c).await)
    .map_err(failed())?;
    ADD.execute(conn, cells(to, &days, -1)).await?;
    ADD.execute(conn, cells(from, &days, 1)).await?;
    TIDY.execute(conn, cells(to, &days, 1)).await?;
    let orders: i64 = on!(conn, c => sqlx::query_scalar("SELECT orders FROM merges WHERE id = $1")
        .bind(&merge.id).fetch_one(c).await)
    .map_err(failed())?;
    if orders != 0 {
        move_orders(conn, to, from, orders).await?;
        on!(conn, c => sqlx::query("UPDATE merges SET orders = orders - $2 WHERE id = $1")
            .bind(&merge.id).bind(orders).execute(c).await.map(|_| ()))
        .map_err(failed())?;
    }
    on!(conn, c => sqlx::query(
        "UPDATE members SET referred_by = NULL, referred_on = NULL
         WHERE id = $2 AND EXISTS (SELECT 1 FROM merged_referrals r WHERE r.merge_id = $1 AND r.member = $2)")
        .bind(&merge.id).bind(to).execute(c).await.map(|_| ()))
    .map_err(failed())?;
    on!(conn, c => sqlx::query(
        "UPDATE members SET referred_by = $2 WHERE referred_by = $3 AND id <> $2
            AND EXISTS (SELECT 1 FROM merged_referrals r WHERE r.merge_id = $1 AND r.member = members.id)")
        .bind(&merge.id).bind(from).bind(to).execute(c).await.map(|_| ()))
    .map_err(failed())?;
    on!(conn, c => sqlx::query("DELETE FROM merged_referrals WHERE merge_id = $1")
        .bind(&merge.id).execute(c).await.map(|_| ()))
    .map_err(failed())?;
    mark(conn, &merge.id, false).await
}

async fn orders_of(conn: &mut Conn, member: &str) -> Result<i64, StoreError> {
    on!(conn, c => sqlx::query_scalar("SELECT orders FROM members WHERE id = $1").bind(member).fetch_one(c).await)
        .map_err(StoreError::during("counting the orders of a merged member"))
}

async fn move_orders(conn: &mut Conn, from: &str, to: &str, orders: i64) -> Result<(), StoreError> {
    for (member, change) in [(from, -orders), (to, orders)] {
        on!(conn, c => sqlx::query("UPDATE members SET orders = orders + $2 WHERE id = $1")
            .bind(member).bind(change).execute(c).await.map(|_| ()))
        .map_err(StoreError::during("moving the orders of a merged member"))?;
    }
    Ok(())
}

async fn mark(conn: &mut Conn, merge: &str, brought: bool) -> Result<(), StoreError> {
    on!(conn, c => sqlx::query("UPDATE merges SET brought = $2 WHERE id = $1")
        .bind(merge).bind(brought).execute(c).await.map(|_| ()))
    .map_err(StoreError::during("marking a merge"))
}

macro_rules! merges {
    ($rest:literal) => {
        concat!(
            "SELECT m.id, m.member, m.survivor, m.merged_at, m.merged_by, m.moved
             FROM merges m JOIN members a ON a.id = m.member WHERE ",
            $rest
        )
    };
}

/// Merges in force of which something is still to be brought.
pub async fn to_bring(conn: &mut Conn, limit: i64) -> Result<Vec<Merge>, StoreError> {
    on!(conn, c => sqlx::query_as(merges!(
        "a.merged_into = m.survivor AND m.id = (SELECT MAX(l.id) FROM merges l WHERE l.member = m.member)
         AND (NOT m.brought OR a.orders <> 0 OR EXISTS (SELECT 1 FROM member_days d WHERE d.member = m.member)
            OR EXISTS (SELECT 1 FROM members r WHERE r.referred_by = m.member AND r.id <> m.survivor))
         ORDER BY m.id LIMIT $1"))
        .bind(limit).fetch_all(c).await)
    .map_err(StoreError::during("looking for histories of merged members"))
}

/// Merges that were undone and whose history is still to be parted, the newest first.
pub async fn to_part(conn: &mut Conn, limit: i64) -> Result<Vec<Merge>, StoreError> {
    on!(conn, c => sqlx::query_as(merges!(
        "m.brought AND (a.merged_into IS NULL OR a.merged_into <> m.survivor
            OR m.id <> (SELECT MAX(l.id) FROM merges l WHERE l.member = m.member))
         ORDER BY m.id DESC LIMIT $1"))
        .bind(limit).fetch_all(c).await)
    .map_err(StoreError::during("looking for histories to part"))
}
