//! A shift's sums are those of what happened in it, one movement after the other.

use super::{PAGE, Report};
use crate::domain::shift::{ShiftSums, add};
use crate::on;
use crate::store::db::Conn;
use crate::store::error::StoreError;

type Row = (String, i64, Option<i64>, String);

pub(super) async fn check(conn: &mut Conn, report: &mut Report) -> Result<(), StoreError> {
    let mut after = String::new();
    loop {
        let from = after.clone();
        let rows: Vec<Row> = on!(conn, c => sqlx::query_as(
            "SELECT id, sequence, closed_at, sums FROM shifts WHERE id > $1 ORDER BY id LIMIT $2"
        ).bind(from).bind(PAGE).fetch_all(c).await)
        .map_err(StoreError::during("reading shifts"))?;
        let Some(last) = rows.last() else {
            return Ok(());
        };
        after.clone_from(&last.0);
        for (id, sequence, closed_at, stored) in rows {
            let (count, sums) = summed(conn, &id).await?;
            let stored: ShiftSums =
                serde_json::from_str(&stored).map_err(StoreError::stored("reading a shift"))?;
            let counted = count + i64::from(closed_at.is_some());
            if counted != sequence {
                report.fault(
                    &id,
                    format!("{count} movements are there, the shift stands at {sequence}"),
                );
            }
            if sums.as_ref() != Some(&stored) {
                report.fault(&id, "its sums are not those of its movements");
            }
        }
    }
}

/// How many movements a shift has, and their sums; none where they leave the range.
async fn summed(conn: &mut Conn, shift: &str) -> Result<(i64, Option<ShiftSums>), StoreError> {
    let (mut count, mut sums) = (0, Some(ShiftSums::new()));
    let mut after = 0;
    loop {
        let rows = crate::store::shifts::movements(conn, shift, after, PAGE).await?;
        let Some(last) = rows.last() else {
            return Ok((count, sums));
        };
        after = last.sequence;
        for row in rows {
            count += 1;
            let tenders = serde_json::from_str(&row.tenders)
                .map_err(StoreError::stored("reading what happened in a shift"))?;
            let added = sums.as_mut().map(|sums| add(sums, &row.kind, &tenders));
            if added.is_some_and(|added| added.is_err()) {
                sums = None;
            }
        }
    }
}
