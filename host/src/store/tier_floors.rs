//! Tiers given by hand.

use super::db::Conn;
use super::error::StoreError;
use super::members::Member;
use super::row::record;
use crate::on;

record! {
    /// A tier staff gave a member.
    FloorRow {
        id: String,
        member: String,
        tier: String,
        multiplier_num: i64,
        multiplier_den: i64,
        reason: String,
        /// A staff member, or a key.
        set_by: String,
        /// Microseconds.
        set_at: i64,
        /// Last business day of the member's home store; none without end.
        last_day: Option<i64>,
        /// JSON: the tier he had before anybody gave him one by hand.
        before: String,
        /// Microseconds; none while nobody withdrew or replaced it.
        ended_at: Option<i64>,
        ended_by: Option<String>,
        ended_why: Option<String>,
    }
}

macro_rules! floors {
    ($rest:literal) => {
        concat!(
            "SELECT id, member, tier, multiplier_num, multiplier_den, reason, set_by, set_at, last_day, before, ended_at,
             ended_by, ended_why FROM tier_floors ",
            $rest
        )
    };
}

/// One of them.
pub async fn by_id(conn: &mut Conn, id: &str) -> Result<Option<FloorRow>, StoreError> {
    on!(conn, c => sqlx::query_as(floors!("WHERE id = $1")).bind(id).fetch_optional(c).await)
        .map_err(StoreError::during("reading a tier given by hand"))
}

/// Those of a member before the one with id `before` (none to start), the newest first.
pub async fn of_member(
    conn: &mut Conn,
    member: &str,
    before: Option<&str>,
    limit: i64,
) -> Result<Vec<FloorRow>, StoreError> {
    let before = before.unwrap_or("~");
    on!(conn, c => sqlx::query_as(floors!("WHERE member = $1 AND id < $2 ORDER BY id DESC LIMIT $3"))
        .bind(member).bind(before).bind(limit).fetch_all(c).await)
    .map_err(StoreError::during("reading the tiers given by hand"))
}

/// Notes a tier that is given.
pub async fn add(conn: &mut Conn, floor: &FloorRow) -> Result<(), StoreError> {
    on!(conn, c => sqlx::query(
        "INSERT INTO tier_floors (id, member, tier, multiplier_num, multiplier_den, reason, set_by, set_at, last_day,
         before) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)")
        .bind(&floor.id).bind(&floor.member).bind(&floor.tier).bind(floor.multiplier_num).bind(floor.multiplier_den)
        .bind(&floor.reason).bind(&floor.set_by).bind(floor.set_at).bind(floor.last_day).bind(&floor.before)
        .execute(c).await.map(|_| ()))
    .map_err(StoreError::during("giving a tier by hand"))
}

/// Ends one; false when it had ended.
pub async fn end(
    conn: &mut Conn,
    id: &str,
    at: i64,
    (by, why): (&str, &str),
) -> Result<bool, StoreError> {
    on!(conn, c => sqlx::query(
        "UPDATE tier_floors SET ended_at = $2, ended_by = $3, ended_why = $4 WHERE id = $1 AND ended_at IS NULL")
        .bind(id).bind(at).bind(by).bind(why).execute(c).await.map(|done| done.rows_affected() == 1))
    .map_err(StoreError::during("withdrawing a tier given by hand"))
}

/// Writes a member's tier and what was given him by hand.
pub async fn put_tier(conn: &mut Conn, member: &Member) -> Result<(), StoreError> {
    on!(conn, c => sqlx::query(
        "UPDATE members SET tier = $2, tier_since = $3, tier_valid_until = $4, tier_multiplier_num = $5,
         tier_multiplier_den = $6, tier_floor = $7, version = version + 1 WHERE id = $1")
        .bind(&member.id).bind(&member.tier).bind(member.tier_since).bind(member.tier_valid_until)
        .bind(member.tier_multiplier_num).bind(member.tier_multiplier_den).bind(&member.tier_floor)
        .execute(c).await.map(|_| ()))
    .map_err(StoreError::during("writing a member's tier"))
}

/// Forgets why; what was given, by whom and when stays.
pub async fn forget(conn: &mut Conn, member: &str) -> Result<(), StoreError> {
    on!(conn, c => sqlx::query("UPDATE tier_floors SET reason = '', ended_why = NULL WHERE member = $1")
        .bind(member).execute(c).await.map(|_| ()))
    .map_err(StoreError::during("forgetting why a tier was given"))
}

/// Active members after `after` to be reviewed on a day, by their id: whose tier was sure through an earlier day, and who
/// bought something since the day `from`.
///
/// # Errors
/// When the database cannot be read.
pub async fn to_review(
    conn: &mut Conn,
    (from, day): (i64, i64),
    after: &str,
    limit: i64,
) -> Result<Vec<String>, StoreError> {
    on!(conn, c => sqlx::query_scalar(
        "SELECT id FROM (
            SELECT id FROM members
            WHERE tier_valid_until IS NOT NULL AND tier_valid_until < $1 AND id > $2 AND status = 'active'
            UNION SELECT m.id FROM orders o JOIN members m ON m.id = o.member
            WHERE o.store IN (SELECT id FROM stores) AND o.business_date >= $3 AND o.business_date < $1 AND m.id > $2
                AND m.status = 'active'
         ) AS due ORDER BY id LIMIT $4")
        .bind(day).bind(after).bind(from).bind(limit).fetch_all(c).await)
    .map_err(StoreError::during("looking for tiers to review"))
}
