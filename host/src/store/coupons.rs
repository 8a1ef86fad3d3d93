//! Coupons.

use super::bulk::{Bulk, Cell, Kind};
use super::db::Conn;
use super::error::StoreError;
use super::lots::day;
use super::row::record;
use crate::domain::ledger::Coupon;
use crate::domain::time::Day;
use crate::on;

pub(super) const BY_CODE: Bulk = Bulk {
    doing: "loading coupons",
    text: "WITH v (code) AS ({rows})
        SELECT c.code, c.campaign, c.holder, c.uses, c.use_limit, c.starts_on, c.expires_on, c.version,
            CAST(CASE WHEN c.void THEN 1 ELSE 0 END + CASE WHEN c.transferable THEN 2 ELSE 0 END AS BIGINT)
        FROM v JOIN coupons c ON c.code = v.code",
    columns: &[Kind::Text],
};

macro_rules! coupons {
    ($rest:literal) => {
        concat!(
            "SELECT code, campaign, holder, uses, use_limit, starts_on, expires_on, version,
                CAST(CASE WHEN void THEN 1 ELSE 0 END + CASE WHEN transferable THEN 2 ELSE 0 END AS BIGINT)
             FROM coupons ",
            $rest
        )
    };
}

/// Last comes 1 where it is void, and 2 more where it may be given away: a row of a joined read has nine columns.
pub(super) type Row = (
    String,
    String,
    Option<String>,
    i64,
    Option<i64>,
    Option<i64>,
    Option<i64>,
    i64,
    i64,
);

pub(super) fn coupon(row: Row) -> Result<Coupon, StoreError> {
    let (code, campaign, holder, uses, use_limit, starts_on, expires_on, version, flags) = row;
    Ok(Coupon {
        code,
        campaign,
        holder,
        uses,
        use_limit,
        void: flags & 1 != 0,
        transferable: flags & 2 != 0,
        starts_on: starts_on.map(day).transpose()?,
        expires_on: expires_on.map(day).transpose()?,
        version,
        base: version,
    })
}

/// The coupons with these codes; unknown ones are left out.
///
/// # Errors
/// When the database cannot be read.
pub async fn by_codes(conn: &mut Conn, codes: &[String]) -> Result<Vec<Coupon>, StoreError> {
    let codes = codes.iter().cloned().map(Cell::Text).collect();
    let rows: Vec<Row> = BY_CODE.fetch(conn, codes).await?;
    rows.into_iter().map(coupon).collect()
}

/// Coupons of a member after `after` (a code, "" to start), by code.
///
/// # Errors
/// When the database cannot be read.
pub async fn of_member(
    conn: &mut Conn,
    member: &str,
    after: &str,
    limit: i64,
) -> Result<Vec<Coupon>, StoreError> {
    let (member, after) = (member.to_owned(), after.to_owned());
    let rows: Vec<Row> = on!(conn, c => sqlx::query_as(
        coupons!("WHERE holder = $1 AND code > $2 ORDER BY code LIMIT $3")
    ).bind(member).bind(after).bind(limit).fetch_all(c).await)
    .map_err(StoreError::during("reading a member's coupons"))?;
    rows.into_iter().map(coupon).collect()
}

/// Coupons of one campaign after `after` (a code, "" to start), by code.
///
/// # Errors
/// When the database cannot be read.
pub async fn of_campaign(
    conn: &mut Conn,
    campaign: &str,
    after: &str,
    limit: i64,
) -> Result<Vec<Coupon>, StoreError> {
    let rows: Vec<Row> = on!(conn, c => sqlx::query_as(
        coupons!("WHERE campaign = $1 AND code > $2 ORDER BY code LIMIT $3")
    ).bind(campaign).bind(after).bind(limit).fetch_all(c).await)
    .map_err(StoreError::during("reading a campaign's coupons"))?;
    rows.into_iter().map(coupon).collect()
}

/// Coupons of members that can still be used and whose last day is `until` at the latest, after a day and a code of that
/// day, in that order.
///
/// # Errors
/// When the database cannot be read.
pub async fn expiring(
    conn: &mut Conn,
    (day, code): (Day, String),
    until: Day,
    limit: i64,
) -> Result<Vec<Coupon>, StoreError> {
    let (day, until) = (i64::from(day.0), i64::from(until.0));
    let rows: Vec<Row> = on!(conn, c => sqlx::query_as(coupons!(
        "WHERE holder IS NOT NULL AND expires_on IS NOT NULL AND NOT void AND (use_limit IS NULL OR uses < use_limit)
            AND expires_on >= $1 AND expires_on <= $2 AND (expires_on, code) > ($1, $3)
         ORDER BY expires_on, code LIMIT $4"
    )).bind(day).bind(until).bind(code).bind(limit).fetch_all(c).await)
    .map_err(StoreError::during("reading coupons that expire soon"))?;
    rows.into_iter().map(coupon).collect()
}

record! {
    /// Something that happened to a coupon.
    CouponState {
        id: String,
        /// `issued`, `transferred`, `used`, `given-back` or `void`.
        state: String,
        /// Who held it from then on, or used it.
        member: Option<String>,
        subject_kind: String,
        subject_id: String,
        reason: String,
        /// Microseconds.
        at: i64,
    }
}

/// What happened to a coupon after the state with id `after` ("" for all), oldest first.
///
/// # Errors
/// When the database cannot be read.
pub async fn states(
    conn: &mut Conn,
    code: &str,
    after: &str,
    limit: i64,
) -> Result<Vec<CouponState>, StoreError> {
    on!(conn, c => sqlx::query_as(
        "SELECT id, state, member, subject_kind, subject_id, reason, at FROM coupon_states
         WHERE code = $1 AND id > $2 ORDER BY id LIMIT $3"
    ).bind(code).bind(after).bind(limit).fetch_all(c).await)
    .map_err(StoreError::during("reading the history of a coupon"))
}
