//! What members bought, by business day and category.

use super::bulk::{Bulk, Cell, Kind};
use super::db::Conn;
use super::error::StoreError;
use crate::domain::time::Day;
use crate::on;

/// A question about a member's purchases; both days count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DaySpan {
    pub first: Day,
    pub last: Day,
    /// The category and everything below it; none for whole baskets.
    pub category: Option<String>,
}

/// The answer: minor units, orders, thousandths, points.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DaySums {
    pub spend: i64,
    pub orders: i64,
    pub units: i64,
    pub points: i64,
}

/// A purchase is written under its category and each of its ancestors, so one key holds all of a category.
const SUMS: Bulk = Bulk {
    doing: "summing purchases",
    text: "WITH v (n, member, first, last, category) AS ({rows})
        SELECT v.n, CAST(SUM(d.spend) AS BIGINT), CAST(SUM(d.orders) AS BIGINT), CAST(SUM(d.units) AS BIGINT),
            CAST(SUM(d.points) AS BIGINT)
        FROM v JOIN member_days d ON d.member = v.member AND d.category = v.category
            AND d.day >= v.first AND d.day <= v.last
        GROUP BY v.n",
    columns: &[
        Kind::Int,
        Kind::Text,
        Kind::Int,
        Kind::Int,
        Kind::Text,
    ],
};

/// Sums of a member's purchases, one answer per span, all in one read.
///
/// # Errors
/// When the database cannot be read.
pub async fn sums(
    conn: &mut Conn,
    member: &str,
    spans: &[DaySpan],
) -> Result<Vec<DaySums>, StoreError> {
    let mut cells = Vec::with_capacity(spans.len() * SUMS.columns.len());
    for (n, span) in (0..).zip(spans) {
        let category = span.category.clone().unwrap_or_default();
        cells.extend([
            Cell::Int(n),
            Cell::Text(member.to_owned()),
            Cell::Int(i64::from(span.first.0)),
            Cell::Int(i64::from(span.last.0)),
            Cell::Text(category),
        ]);
    }
    let rows: Vec<(i64, i64, i64, i64, i64)> = SUMS.fetch(conn, cells).await?;
    let mut sums = vec![DaySums::default(); spans.len()];
    for (n, spend, orders, units, points) in rows {
        if let Some(sum) = usize::try_from(n).ok().and_then(|n| sums.get_mut(n)) {
            *sum = DaySums {
                spend,
                orders,
                units,
                points,
            };
        }
    }
    Ok(sums)
}

/// Members after `after` who have something in their lots, enrolled before `since`, and neither bought, topped up nor
/// were given points on that day or later.
///
/// # Errors
/// When the database cannot be read.
pub async fn idle(
    conn: &mut Conn,
    since: Day,
    after: &str,
    limit: i64,
) -> Result<Vec<String>, StoreError> {
    let (since, after) = (i64::from(since.0), after.to_owned());
    on!(conn, c => sqlx::query_scalar(
        "SELECT m.id FROM members m WHERE m.id > $1 AND m.enrolled_on < $2
             AND EXISTS (SELECT 1 FROM lots l WHERE l.member = m.id AND l.remaining > 0)
             AND NOT EXISTS (SELECT 1 FROM member_days d WHERE d.member = m.id AND d.day >= $2)
         ORDER BY m.id LIMIT $3"
    ).bind(after).bind(since).bind(limit).fetch_all(c).await)
    .map_err(StoreError::during("looking for members who stay away"))
}
