//! Who may spend whose stored value.

use super::db::Conn;
use super::error::StoreError;
use super::row::record;
use crate::on;

record! {
    /// One member's leave to spend another's stored value.
    WalletShare {
        owner: String,
        member: String,
        /// Minor units on one business day.
        most_per_day: Option<i64>,
        /// Minor units in one calendar month.
        most_per_month: Option<i64>,
        /// Last business day.
        until: Option<i64>,
    }
}

macro_rules! shares {
    ($rest:literal) => {
        concat!(
            "SELECT owner, member, most_per_day, most_per_month, until FROM wallet_shares ",
            $rest
        )
    };
}

/// What a member may spend of another's.
///
/// # Errors
/// When the database cannot be read.
pub async fn share(
    conn: &mut Conn,
    owner: &str,
    member: &str,
) -> Result<Option<WalletShare>, StoreError> {
    let (owner, member) = (owner.to_owned(), member.to_owned());
    on!(conn, c => sqlx::query_as(shares!("WHERE owner = $1 AND member = $2"))
        .bind(owner).bind(member).fetch_optional(c).await)
    .map_err(StoreError::during("reading a shared wallet"))
}

/// Those who may spend a member's, and those whose he may spend; at most `limit` of each.
///
/// # Errors
/// When the database cannot be read.
pub async fn of_member(
    conn: &mut Conn,
    member: &str,
    limit: i64,
) -> Result<(Vec<WalletShare>, Vec<WalletShare>), StoreError> {
    let (owner, other) = (member.to_owned(), member.to_owned());
    let given =
        on!(&mut *conn, c => sqlx::query_as(shares!("WHERE owner = $1 ORDER BY member LIMIT $2"))
        .bind(owner).bind(limit).fetch_all(c).await)
        .map_err(StoreError::during("listing who shares a wallet"))?;
    let taken = on!(conn, c => sqlx::query_as(shares!("WHERE member = $1 ORDER BY owner LIMIT $2"))
        .bind(other).bind(limit).fetch_all(c).await)
    .map_err(StoreError::during("listing shared wallets"))?;
    Ok((given, taken))
}

/// Lets a member spend another's, or changes how much.
///
/// # Errors
/// When the database refuses.
pub async fn put(conn: &mut Conn, share: WalletShare) -> Result<(), StoreError> {
    on!(conn, c => sqlx::query(
        "INSERT INTO wallet_shares (owner, member, most_per_day, most_per_month, until) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (owner, member) DO UPDATE SET most_per_day = excluded.most_per_day,
            most_per_month = excluded.most_per_month, until = excluded.until"
    ).bind(share.owner).bind(share.member).bind(share.most_per_day).bind(share.most_per_month).bind(share.until)
        .execute(c).await.map(|_| ()))
    .map_err(StoreError::during("sharing a wallet"))
}

/// Ends it; false where it was not.
///
/// # Errors
/// When the database refuses.
pub async fn end(conn: &mut Conn, owner: &str, member: &str) -> Result<bool, StoreError> {
    let (owner, member) = (owner.to_owned(), member.to_owned());
    on!(conn, c => sqlx::query("DELETE FROM wallet_shares WHERE owner = $1 AND member = $2")
        .bind(owner).bind(member).execute(c).await.map(|done| done.rows_affected() == 1))
    .map_err(StoreError::during("ending a shared wallet"))
}
