//! What members bought, by business day and category.

use super::bulk::{Bulk, Cell, Kind};
use super::db::Conn;
use super::error::StoreError;
use crate::domain::time::Day;

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
