//! What points are exchanged for, and what was exchanged.

use super::db::Conn;
use super::error::StoreError;
use super::row::record;
use crate::on;

record! {
    /// Something points are exchanged for.
    Reward {
        id: String,
        name: String,
        /// For one piece, at the program's scale.
        points: i64,
        /// JSON.
        gives: String,
        /// Pieces there are in all, those taken included.
        stock: Option<i64>,
        active: bool,
        version: i64,
    }
}

record! {
    /// Points that became something else.
    Exchange {
        id: String,
        member: String,
        reward: String,
        quantity: i64,
        points: i64,
        /// A JSON list.
        codes: String,
        store: String,
        /// Microseconds.
        exchanged_at: i64,
    }
}

macro_rules! rewards {
    ($rest:literal) => {
        concat!(
            "SELECT id, name, points, gives, stock, active, version FROM rewards ",
            $rest
        )
    };
}

macro_rules! exchanges {
    ($rest:literal) => {
        concat!(
            "SELECT id, member, reward, quantity, points, codes, store, exchanged_at FROM exchanges ",
            $rest
        )
    };
}

/// One reward.
///
/// # Errors
/// When the database cannot be read.
pub async fn reward(conn: &mut Conn, id: &str) -> Result<Option<Reward>, StoreError> {
    let id = id.to_owned();
    on!(conn, c => sqlx::query_as(rewards!("WHERE id = $1")).bind(id).fetch_optional(c).await)
        .map_err(StoreError::during("reading a reward"))
}

/// Rewards with an id after `after`.
///
/// # Errors
/// When the database cannot be read.
pub async fn rewards(conn: &mut Conn, after: &str, limit: i64) -> Result<Vec<Reward>, StoreError> {
    let after = after.to_owned();
    on!(conn, c => sqlx::query_as(rewards!("WHERE id > $1 ORDER BY id LIMIT $2"))
        .bind(after).bind(limit).fetch_all(c).await)
    .map_err(StoreError::during("listing rewards"))
}

/// Makes a reward or changes it.
///
/// # Errors
/// When the database refuses.
pub async fn put(conn: &mut Conn, reward: Reward) -> Result<(), StoreError> {
    on!(conn, c => sqlx::query(
        "INSERT INTO rewards (id, name, points, gives, stock, active, version) VALUES ($1, $2, $3, $4, $5, $6, 1)
         ON CONFLICT (id) DO UPDATE SET name = excluded.name, points = excluded.points, gives = excluded.gives,
            stock = excluded.stock, active = excluded.active, version = rewards.version + 1"
    ).bind(reward.id).bind(reward.name).bind(reward.points).bind(reward.gives).bind(reward.stock)
        .bind(reward.active).execute(c).await.map(|_| ()))
    .map_err(StoreError::during("writing a reward"))
}

/// One exchange.
///
/// # Errors
/// When the database cannot be read.
pub async fn exchange(conn: &mut Conn, id: &str) -> Result<Option<Exchange>, StoreError> {
    let id = id.to_owned();
    on!(conn, c => sqlx::query_as(exchanges!("WHERE id = $1")).bind(id).fetch_optional(c).await)
        .map_err(StoreError::during("reading an exchange"))
}

/// Exchanges of a member before the id `before` (none for the newest), the newest first.
///
/// # Errors
/// When the database cannot be read.
pub async fn of_member(
    conn: &mut Conn,
    member: &str,
    before: Option<&str>,
    limit: i64,
) -> Result<Vec<Exchange>, StoreError> {
    let (member, before) = (member.to_owned(), before.unwrap_or("~").to_owned());
    on!(conn, c => sqlx::query_as(exchanges!("WHERE member = $1 AND id < $2 ORDER BY id DESC LIMIT $3"))
        .bind(member).bind(before).bind(limit).fetch_all(c).await)
    .map_err(StoreError::during("listing a member's exchanges"))
}
