//! Orders are refunded at most what was sold; pending holds say what they parked.

use std::collections::HashMap;

use super::{PAGE, Report};
use crate::domain::ledger::Held;
use crate::on;
use crate::store::db::Conn;
use crate::store::error::StoreError;
use crate::store::orders::refundable;

type Row = (String, i64, String, String, i64);

pub(super) async fn check(conn: &mut Conn, report: &mut Report) -> Result<(), StoreError> {
    let mut after = String::new();
    loop {
        let from = after.clone();
        let rows: Vec<Row> = on!(conn, c => sqlx::query_as(
            "SELECT r.order_id, r.sequence, r.lines, r.tenders,
                (SELECT COUNT(*) FROM refunds f WHERE f.order_id = r.order_id)
                + (SELECT COUNT(*) FROM claims c WHERE c.order_id = r.order_id)
             FROM refundables r WHERE r.order_id > $1 ORDER BY r.order_id LIMIT $2"
        ).bind(from).bind(PAGE).fetch_all(c).await)
        .map_err(StoreError::during("reading what can be refunded"))?;
        let Some(last) = rows.last() else {
            return Ok(());
        };
        after.clone_from(&last.0);
        for (order, sequence, lines, tenders, changes) in rows {
            report.orders += 1;
            let state = refundable(sequence, &lines, &tenders)?;
            for (at, line) in state.lines.iter().enumerate() {
                if line.refunded < 0 || line.refunded > line.sold {
                    report.fault(
                        &order,
                        format!("line {at}: {} of {} refunded", line.refunded, line.sold),
                    );
                }
            }
            for tender in &state.tenders {
                if tender.refunded < 0 || tender.refunded > tender.paid {
                    report.fault(
                        &order,
                        format!(
                            "tender {}: {} of {} refunded",
                            tender.key, tender.refunded, tender.paid
                        ),
                    );
                }
            }
            if changes > sequence {
                report.fault(
                    &order,
                    format!("{changes} refunds and claims are there, {sequence} were counted"),
                );
            }
        }
    }
}

/// What pending holds parked, by the account it is parked on.
pub(super) async fn pending_holds(
    conn: &mut Conn,
    report: &mut Report,
) -> Result<HashMap<String, i64>, StoreError> {
    let mut parked: HashMap<String, i64> = HashMap::new();
    let mut after = String::new();
    loop {
        let from = after.clone();
        let rows: Vec<(String, String)> = on!(conn, c => sqlx::query_as(
            "SELECT id, reserves FROM holds WHERE state = 'pending' AND id > $1 ORDER BY id LIMIT $2"
        ).bind(from).bind(PAGE).fetch_all(c).await)
        .map_err(StoreError::during("reading pending holds"))?;
        let Some(last) = rows.last() else {
            return Ok(parked);
        };
        after.clone_from(&last.0);
        for (id, reserves) in rows {
            let reserves: Vec<Held> =
                serde_json::from_str(&reserves).map_err(StoreError::stored("reading a hold"))?;
            for held in reserves {
                let Held::Account {
                    account, amount, ..
                } = held
                else {
                    continue;
                };
                match account.name.held() {
                    Some(name) => {
                        let sum = parked.entry(account.sibling(name).id()).or_default();
                        *sum = sum.saturating_add(amount);
                    }
                    None => report.fault(&id, format!("it parks `{}`", account.id())),
                }
            }
        }
    }
}
