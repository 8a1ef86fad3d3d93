//! Cards, their types, and what they are read by beside their number.

use super::bulk::{Bulk, Cell, Kind};
use super::chain::bump;
use super::db::Conn;
use super::error::StoreError;
use super::row::record;
use crate::on;

record! {
    /// A card, blank or somebody's.
    Card {
        number: String,
        /// None while it is blank.
        member_id: Option<String>,
        /// `physical` or `virtual`.
        kind: String,
        /// `blank`, `active`, `blocked`, `lost`, `replaced` or `closed`.
        status: String,
        /// Microseconds.
        issued_at: i64,
        card_type: Option<String>,
        /// What it was made with while it was blank.
        batch: Option<String>,
        /// Last business day of its member's home store it is good for.
        expires_on: Option<i64>,
        replaced_by: Option<String>,
        /// Argon2id in PHC form; none without PIN.
        pin_hash: Option<String>,
        failed_tries: i64,
    }
}

record! {
    /// What cards of a kind cost and give.
    CardType {
        id: String,
        name: String,
        /// The tier its holder gets when it is activated.
        tier: Option<String>,
        /// Minor units its activation costs.
        price: i64,
        /// Days it is good for, the day of activation included.
        valid_days: Option<i64>,
        active: bool,
        /// What its holders pay less, as JSON.
        discount: Option<String>,
        version: i64,
    }
}

record! {
    /// What the activation of a card did beside its entry.
    CardActivation {
        number: String,
        member: String,
        store: String,
        currency: String,
        /// Minor units.
        price: i64,
        /// How it was paid; none where it cost nothing.
        tender: Option<String>,
        /// JSON: the tier it gave and the one it took the place of.
        tier: Option<String>,
    }
}

impl Card {
    /// A card without a type that somebody has at once.
    pub fn issued(number: String, member: &str, kind: &str, at: i64) -> Self {
        Self {
            number,
            member_id: Some(member.to_owned()),
            kind: kind.to_owned(),
            status: "active".to_owned(),
            issued_at: at,
            card_type: None,
            batch: None,
            expires_on: None,
            replaced_by: None,
            pin_hash: None,
            failed_tries: 0,
        }
    }
}

macro_rules! cards {
    ($rest:literal) => {
        concat!(
            "SELECT cards.number, cards.member_id, cards.kind, cards.status, cards.issued_at, cards.card_type,
             cards.batch, cards.expires_on, cards.replaced_by, cards.pin_hash, cards.failed_tries FROM cards ",
            $rest
        )
    };
}

macro_rules! types {
    ($rest:literal) => {
        concat!(
            "SELECT id, name, tier, price, valid_days, active, discount, version FROM card_types ",
            $rest
        )
    };
}

const BLANKS: Bulk = Bulk {
    doing: "making blank cards",
    text: "INSERT INTO cards (number, kind, status, issued_at, card_type, batch) {rows}",
    columns: &[
        Kind::Text,
        Kind::Text,
        Kind::Text,
        Kind::Int,
        Kind::Text,
        Kind::Text,
    ],
};

/// One card.
pub async fn card(conn: &mut Conn, number: &str) -> Result<Option<Card>, StoreError> {
    on!(conn, c => sqlx::query_as(cards!("WHERE number = $1")).bind(number).fetch_optional(c).await)
        .map_err(StoreError::during("reading a card"))
}

/// The card with a keyed mark.
pub async fn marked(conn: &mut Conn, hash: &str) -> Result<Option<Card>, StoreError> {
    on!(conn, c => sqlx::query_as(cards!("JOIN card_marks ON card_marks.number = cards.number WHERE hash = $1"))
        .bind(hash).fetch_optional(c).await)
    .map_err(StoreError::during("reading a card by its mark"))
}

/// The cards of one member.
pub async fn of_member(conn: &mut Conn, member: &str) -> Result<Vec<Card>, StoreError> {
    on!(conn, c => sqlx::query_as(cards!("WHERE member_id = $1 ORDER BY number LIMIT 100"))
        .bind(member).fetch_all(c).await)
    .map_err(StoreError::during("reading a member's cards"))
}

/// Cards of a batch after `after` (a number, "" to start).
pub async fn of_batch(
    conn: &mut Conn,
    batch: &str,
    after: &str,
    limit: i64,
) -> Result<Vec<Card>, StoreError> {
    on!(conn, c => sqlx::query_as(cards!("WHERE batch = $1 AND number > $2 ORDER BY number LIMIT $3"))
        .bind(batch).bind(after).bind(limit).fetch_all(c).await)
    .map_err(StoreError::during("reading a batch of cards"))
}

/// Issues a card to a member.
///
/// # Errors
/// A unique violation when the number is taken.
pub async fn create(conn: &mut Conn, card: &Card) -> Result<(), StoreError> {
    on!(conn, c => sqlx::query("INSERT INTO cards (number, member_id, kind, status, issued_at) VALUES ($1, $2, $3, $4, $5)")
        .bind(&card.number).bind(&card.member_id).bind(&card.kind).bind(&card.status).bind(card.issued_at)
        .execute(c).await.map(|_| ()))
    .map_err(StoreError::during("issuing a card"))
}

/// Makes the blank cards of a batch.
///
/// # Errors
/// A unique violation when a number is taken.
pub async fn create_blanks(
    conn: &mut Conn,
    like: &Card,
    numbers: &[String],
) -> Result<(), StoreError> {
    let mut cells = Vec::with_capacity(numbers.len() * BLANKS.columns.len());
    for number in numbers {
        cells.extend([
            Cell::Text(number.clone()),
            Cell::Text(like.kind.clone()),
            Cell::Text(like.status.clone()),
            Cell::Int(like.issued_at),
            Cell::MaybeText(like.card_type.clone()),
            Cell::MaybeText(like.batch.clone()),
        ]);
    }
    BLANKS.execute(conn, cells).await.map(|_| ())
}

/// Replaces the mark of one kind of a card.
///
/// # Errors
/// A unique violation when another card has the mark.
pub async fn put_mark(
    conn: &mut Conn,
    number: &str,
    kind: &str,
    hash: &str,
) -> Result<(), StoreError> {
    on!(conn, c => sqlx::query("INSERT INTO card_marks (hash, number, kind) VALUES ($1, $2, $3)
        ON CONFLICT (number, kind) DO UPDATE SET hash = excluded.hash")
        .bind(hash).bind(number).bind(kind).execute(c).await.map(|_| ()))
    .map_err(StoreError::during("marking a card"))
}

/// Sets a card's PIN, which also unlocks it; false when it is not known.
pub async fn set_pin(conn: &mut Conn, number: &str, hash: &str) -> Result<bool, StoreError> {
    on!(conn, c => sqlx::query("UPDATE cards SET pin_hash = $2, failed_tries = 0 WHERE number = $1")
        .bind(number).bind(hash).execute(c).await.map(|done| done.rows_affected() == 1))
    .map_err(StoreError::during("setting a card's PIN"))
}

/// Spends one of `most` tries before a PIN is compared, so that parallel guesses cannot outrun the limit; false when
/// none is left.
pub async fn spend_try(conn: &mut Conn, number: &str, most: i64) -> Result<bool, StoreError> {
    on!(conn, c => sqlx::query("UPDATE cards SET failed_tries = failed_tries + 1 WHERE number = $1 AND failed_tries < $2")
        .bind(number).bind(most).execute(c).await.map(|done| done.rows_affected() == 1))
    .map_err(StoreError::during("counting a try of a card's PIN"))
}

/// Gives the tries back after the right PIN.
pub async fn reset_tries(conn: &mut Conn, number: &str) -> Result<(), StoreError> {
    on!(conn, c => sqlx::query("UPDATE cards SET failed_tries = 0 WHERE number = $1").bind(number)
        .execute(c).await.map(|_| ()))
    .map_err(StoreError::during("resetting the tries of a card's PIN"))
}

/// One type of card.
pub async fn card_type(conn: &mut Conn, id: &str) -> Result<Option<CardType>, StoreError> {
    on!(conn, c => sqlx::query_as(types!("WHERE id = $1")).bind(id).fetch_optional(c).await)
        .map_err(StoreError::during("reading a type of card"))
}

/// Types of card with an id after `after`.
pub async fn card_types(
    conn: &mut Conn,
    after: &str,
    limit: i64,
) -> Result<Vec<CardType>, StoreError> {
    on!(conn, c => sqlx::query_as(types!("WHERE id > $1 ORDER BY id LIMIT $2"))
        .bind(after).bind(limit).fetch_all(c).await)
    .map_err(StoreError::during("reading the types of card"))
}

/// Creates a type of card or changes it.
pub async fn put_card_type(conn: &mut Conn, kind: &CardType) -> Result<(), StoreError> {
    on!(conn, c => sqlx::query(
        "INSERT INTO card_types (id, name, tier, price, valid_days, active, discount, version)
         VALUES ($1, $2, $3, $4, $5, $6, $7, 1)
         ON CONFLICT (id) DO UPDATE SET name = excluded.name, tier = excluded.tier, price = excluded.price,
         valid_days = excluded.valid_days, active = excluded.active, discount = excluded.discount,
         version = card_types.version + 1")
        .bind(&kind.id).bind(&kind.name).bind(&kind.tier).bind(kind.price).bind(kind.valid_days).bind(kind.active)
        .bind(&kind.discount).execute(c).await.map(|_| ()))
    .map_err(StoreError::during("writing a type of card"))?;
    bump(conn, "chain").await
}

/// How a card was handed over.
pub async fn activation(
    conn: &mut Conn,
    number: &str,
) -> Result<Option<CardActivation>, StoreError> {
    on!(conn, c => sqlx::query_as(
        "SELECT number, member, store, currency, price, tender, tier FROM card_activations WHERE number = $1")
        .bind(number).fetch_optional(c).await)
    .map_err(StoreError::during("reading how a card was handed over"))
}

/// The discounts of the types that have one, by type.
pub async fn discounts(conn: &mut Conn) -> Result<Vec<(String, String)>, StoreError> {
    on!(conn, c => sqlx::query_as(
        "SELECT id, discount FROM card_types WHERE discount IS NOT NULL ORDER BY id LIMIT 1000").fetch_all(c).await)
    .map_err(StoreError::during("reading the discounts of cards"))
}
