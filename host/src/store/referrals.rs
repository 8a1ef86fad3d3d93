//! What a member earned by those he brought, and what of it was taken back, as the books have it.

use super::accounts::range;
use super::db::Conn;
use super::error::StoreError;
use super::row::record;
use crate::on;

record! {
    /// What one referred member brought his referrer.
    Brought {
        member: String,
        /// At the program's scale.
        points: i64,
        points_taken_back: i64,
        /// Minor units.
        bonus: i64,
        bonus_taken_back: i64,
    }
}

/// What the referred members with an id from `first` to `last` brought: by their orders and refunds, and by joining.
///
/// # Errors
/// When the database cannot be read.
pub async fn brought(
    conn: &mut Conn,
    referrer: &str,
    (first, last): (&str, &str),
) -> Result<Vec<Brought>, StoreError> {
    let (from, end) = range(referrer);
    let (referrer, first, last) = (referrer.to_owned(), first.to_owned(), last.to_owned());
    // Begins with the referrer's own postings: what it costs does not grow with the chain.
    on!(conn, c => sqlx::query_as(
        "WITH moved (member, is_refund, is_points, amount) AS (
            SELECT COALESCE(o.member, ro.member, CASE WHEN g.member = $1 THEN SUBSTR(g.name, 10) ELSE g.member END),
                CASE WHEN r.id IS NULL THEN 0 ELSE 1 END, CASE WHEN a.asset LIKE 'points:%' THEN 1 ELSE 0 END, p.amount
            FROM postings p JOIN accounts a ON a.id = p.account
                JOIN entries e ON e.writer = p.writer AND e.seq = p.seq
                LEFT JOIN orders o ON o.id = e.subject_id
                LEFT JOIN refunds r ON r.id = e.subject_id
                LEFT JOIN orders ro ON ro.id = r.order_id
                LEFT JOIN occasions g ON g.id = e.subject_id AND (g.member <> $1 OR g.name LIKE 'referral/%')
            WHERE p.account >= $2 AND p.account < $3 AND (a.id LIKE '%/points%' OR a.id LIKE '%/bonus%')
         )
         SELECT m.id AS member,
            CAST(SUM(CASE WHEN is_points = 1 AND is_refund = 0 AND amount > 0 THEN amount ELSE 0 END) AS BIGINT) AS points,
            CAST(SUM(CASE WHEN is_points = 1 AND is_refund = 1 AND amount < 0 THEN -amount ELSE 0 END) AS BIGINT)
                AS points_taken_back,
            CAST(SUM(CASE WHEN is_points = 0 AND is_refund = 0 AND amount > 0 THEN amount ELSE 0 END) AS BIGINT) AS bonus,
            CAST(SUM(CASE WHEN is_points = 0 AND is_refund = 1 AND amount < 0 THEN -amount ELSE 0 END) AS BIGINT)
                AS bonus_taken_back
         FROM moved JOIN members m ON m.id = moved.member
         WHERE m.referred_by = $1 AND m.id >= $4 AND m.id <= $5
         GROUP BY m.id ORDER BY m.id"
    ).bind(referrer).bind(from).bind(end).bind(first).bind(last).fetch_all(c).await)
    .map_err(StoreError::during("reading what referred members brought"))
}
