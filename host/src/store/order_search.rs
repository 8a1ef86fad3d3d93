//! Orders of a store, found again by what somebody at the counter still knows of them.

use super::db::Conn;
use super::error::StoreError;
use super::row::record;
use crate::domain::time::Day;
use crate::on;

record! {
    /// An order in short.
    FoundOrder {
        id: String,
        store: String,
        terminal: String,
        staff: Option<String>,
        member: Option<String>,
        receipt_code: String,
        external_id: Option<String>,
        /// Microseconds.
        occurred_at: i64,
        business_date: i64,
        currency: String,
        /// Minor units.
        total: i64,
    }
}

/// What is known of an order; what is absent is not asked for.
#[derive(Debug, Clone, Default)]
pub struct Known {
    pub terminal: Option<String>,
    pub staff: Option<String>,
    pub member: Option<String>,
    /// Minor units.
    pub total: Option<i64>,
}

/// Orders of a store on the business days of a period, before the day and id of `before`, the newest first.
///
/// # Errors
/// When the database cannot be read.
pub async fn found(
    conn: &mut Conn,
    store: &str,
    (from, to): (Day, Day),
    known: Known,
    before: Option<(i64, String)>,
    limit: i64,
) -> Result<Vec<FoundOrder>, StoreError> {
    let store = store.to_owned();
    let (day, id) = before.unwrap_or((i64::MAX, String::new()));
    // The key's order is the index's: a page costs what it shows, where nothing more is known than the days.
    on!(conn, c => sqlx::query_as(
        "SELECT id, store, terminal, staff, member, receipt_code, external_id, occurred_at, business_date, currency, total
         FROM orders
         WHERE store = $1 AND business_date >= $2 AND business_date <= $3
            AND (business_date < $4 OR (business_date = $4 AND id < $5))
            AND ($6 IS NULL OR terminal = $6) AND ($7 IS NULL OR staff = $7) AND ($8 IS NULL OR member = $8)
            AND ($9 IS NULL OR total = $9)
         ORDER BY business_date DESC, id DESC LIMIT $10"
    ).bind(store).bind(i64::from(from.0)).bind(i64::from(to.0)).bind(day).bind(id).bind(known.terminal).bind(known.staff)
        .bind(known.member).bind(known.total).bind(limit).fetch_all(c).await)
    .map_err(StoreError::during("searching a store's orders"))
}
