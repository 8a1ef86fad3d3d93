//! What was paid for a period has earned no more than its days.

use super::{PAGE, Report};
use crate::domain::ledger::{AccountKey, AccountName};
use crate::domain::time::Day;
use crate::on;
use crate::store::db::Conn;
use crate::store::error::StoreError;
use crate::store::lots;

pub(super) async fn check(conn: &mut Conn, report: &mut Report) -> Result<(), StoreError> {
    let newest: Option<i64> =
        on!(conn, c => sqlx::query_scalar("SELECT MAX(business_date) FROM entries")
        .fetch_one(c).await)
        .map_err(StoreError::during("reading the last business day"))?;
    let Some(newest) = newest.map(lots::day).transpose()? else {
        return Ok(());
    };
    let (mut member, mut id) = (String::new(), String::new());
    loop {
        let page = lots::of_periods(conn, Day(i32::MAX), (&member, &id), PAGE).await?;
        let Some(last) = page.last() else {
            return Ok(());
        };
        (member, id) = (last.lot.member.clone(), last.lot.id.clone());
        for sold in &page {
            let lot = &sold.lot;
            let account = AccountKey::parse(&lot.account);
            let (Some(account), Some(period)) = (account, lot.period()) else {
                report.fault(&lot.id, "its period has no end");
                continue;
            };
            if account.name != AccountName::PassValue {
                continue;
            }
            // All of it is still to be earned before the first day, and nothing after the last.
            let most = period.earned(lot.original, newest);
            if most.is_ok_and(|most| lot.original - lot.remaining > most) {
                report.fault(
                    &lot.id,
                    format!(
                        "{} of {} are left although its days have earned less",
                        lot.remaining, lot.original
                    ),
                );
            }
        }
    }
}
