//! Prize draws and what their numbers won.

use super::db::Conn;
use super::error::StoreError;
use super::row::record;
use crate::on;

record! {
    /// A draw as it was opened; with its seed once it is closed.
    PrizeDraw {
        id: String,
        name: String,
        /// Price of a number, at the program's scale.
        points: i64,
        /// JSON.
        prizes: String,
        blanks: i64,
        per_member: Option<i64>,
        /// SHA-256 in hex.
        seed_hash: String,
        /// Microseconds.
        opened_at: i64,
        /// In hex.
        seed: Option<String>,
        closed_at: Option<i64>,
    }
}

record! {
    /// What a number won.
    Outcome {
        id: String,
        draw: String,
        number: i64,
        member: String,
        /// Position of the prize; none where it won nothing.
        prize: Option<i64>,
        /// A JSON list.
        codes: String,
        store: String,
        /// Microseconds.
        drawn_at: i64,
    }
}

macro_rules! draws {
    ($rest:literal) => {
        concat!(
            "SELECT d.id, d.name, d.points, d.prizes, d.blanks, d.per_member, d.seed_hash, d.opened_at, e.seed,
                e.closed_at
             FROM prize_draws d LEFT JOIN prize_draw_ends e ON e.draw = d.id ",
            $rest
        )
    };
}

macro_rules! outcomes {
    ($rest:literal) => {
        concat!(
            "SELECT id, draw, number, member, prize, codes, store, drawn_at FROM prize_outcomes ",
            $rest
        )
    };
}

/// One draw.
///
/// # Errors
/// When the database cannot be read.
pub async fn draw(conn: &mut Conn, id: &str) -> Result<Option<PrizeDraw>, StoreError> {
    on!(conn, c => sqlx::query_as(draws!("WHERE d.id = $1")).bind(id).fetch_optional(c).await)
        .map_err(StoreError::during("reading a prize draw"))
}

/// Draws with an id after `after`.
///
/// # Errors
/// When the database cannot be read.
pub async fn draws(conn: &mut Conn, after: &str, limit: i64) -> Result<Vec<PrizeDraw>, StoreError> {
    on!(conn, c => sqlx::query_as(draws!("WHERE d.id > $1 ORDER BY d.id LIMIT $2"))
        .bind(after).bind(limit).fetch_all(c).await)
    .map_err(StoreError::during("listing prize draws"))
}

/// What one number won, by the id of its movement.
///
/// # Errors
/// When the database cannot be read.
pub async fn outcome(conn: &mut Conn, id: &str) -> Result<Option<Outcome>, StoreError> {
    on!(conn, c => sqlx::query_as(outcomes!("WHERE id = $1")).bind(id).fetch_optional(c).await)
        .map_err(StoreError::during("reading the outcome of a draw"))
}

/// Outcomes of a draw after a number (0 for all), in the order of their numbers.
///
/// # Errors
/// When the database cannot be read.
pub async fn outcomes(
    conn: &mut Conn,
    draw: &str,
    after: i64,
    limit: i64,
) -> Result<Vec<Outcome>, StoreError> {
    on!(conn, c => sqlx::query_as(outcomes!("WHERE draw = $1 AND number > $2 ORDER BY number LIMIT $3"))
        .bind(draw).bind(after).bind(limit).fetch_all(c).await)
    .map_err(StoreError::during("listing the outcomes of a draw"))
}
