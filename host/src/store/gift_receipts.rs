//! Receipts without prices.

use super::db::Conn;
use super::error::StoreError;
use super::row::record;
use crate::on;

record! {
    /// A receipt without prices.
    GiftReceipt {
        code: String,
        order_id: String,
        /// JSON: positions and quantities of the order's lines.
        lines: String,
        /// A staff member, or a key.
        issued_by: String,
        /// Microseconds.
        issued_at: i64,
    }
}

/// A gift receipt by its code.
///
/// # Errors
/// When the database cannot be read.
pub async fn by_code(conn: &mut Conn, code: &str) -> Result<Option<GiftReceipt>, StoreError> {
    let code = code.to_owned();
    on!(conn, c => sqlx::query_as(
        "SELECT code, order_id, lines, issued_by, issued_at FROM gift_receipts WHERE code = $1"
    ).bind(code).fetch_optional(c).await)
    .map_err(StoreError::during("reading a gift receipt"))
}

/// The gift receipts of an order, at most `limit`.
///
/// # Errors
/// When the database cannot be read.
pub async fn of_order(
    conn: &mut Conn,
    order: &str,
    limit: i64,
) -> Result<Vec<GiftReceipt>, StoreError> {
    let order = order.to_owned();
    on!(conn, c => sqlx::query_as(
        "SELECT code, order_id, lines, issued_by, issued_at FROM gift_receipts WHERE order_id = $1 ORDER BY code LIMIT $2"
    ).bind(order).bind(limit).fetch_all(c).await)
    .map_err(StoreError::during("listing an order's gift receipts"))
}

/// Writes one.
///
/// # Errors
/// When the database refuses.
pub async fn add(conn: &mut Conn, receipt: GiftReceipt) -> Result<(), StoreError> {
    on!(conn, c => sqlx::query(
        "INSERT INTO gift_receipts (code, order_id, lines, issued_by, issued_at) VALUES ($1, $2, $3, $4, $5)"
    ).bind(receipt.code).bind(receipt.order_id).bind(receipt.lines).bind(receipt.issued_by).bind(receipt.issued_at)
        .execute(c).await.map(|_| ()))
    .map_err(StoreError::during("writing a gift receipt"))
}
