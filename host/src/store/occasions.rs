//! Occasions: what other things than sales gave a member, and how far the daily rounds have come.

use super::db::Conn;
use super::error::StoreError;
use super::lots::day;
use super::row::record;
use crate::domain::ledger::OccasionRow;
use crate::domain::time::{Day, Instant};
use crate::on;

type Columns = (
    String,
    String,
    String,
    String,
    String,
    Option<String>,
    i64,
    i64,
    Vec<u8>,
    Vec<u8>,
);

/// Reads all columns of occasions.
macro_rules! occasions {
    ($rest:literal) => {
        concat!(
            "SELECT id, member, name, kind, store, order_id, occurred_at, business_date, doc, facts FROM occasions ",
            $rest
        )
    };
}

fn occasion(row: Columns) -> Result<OccasionRow, StoreError> {
    let (id, member, name, kind, store, order, at, on, doc, facts) = row;
    Ok(OccasionRow {
        id,
        member,
        name,
        kind,
        store,
        order,
        occurred_at: Instant(at),
        business_date: day(on)?,
        doc,
        facts,
    })
}

/// One occasion by its id.
///
/// # Errors
/// When the database cannot be read.
pub async fn by_id(conn: &mut Conn, id: &str) -> Result<Option<OccasionRow>, StoreError> {
    let id = id.to_owned();
    let row: Option<Columns> = on!(conn, c => sqlx::query_as(
        occasions!("WHERE id = $1")
    ).bind(id).fetch_optional(c).await)
    .map_err(StoreError::during("reading an occasion"))?;
    row.map(occasion).transpose()
}

/// The occasion of a member by its name.
///
/// # Errors
/// When the database cannot be read.
pub async fn by_name(
    conn: &mut Conn,
    member: &str,
    name: &str,
) -> Result<Option<OccasionRow>, StoreError> {
    let (member, name) = (member.to_owned(), name.to_owned());
    let row: Option<Columns> = on!(conn, c => sqlx::query_as(
        occasions!("WHERE member = $1 AND name = $2")
    ).bind(member).bind(name).fetch_optional(c).await)
    .map_err(StoreError::during("reading an occasion by its name"))?;
    row.map(occasion).transpose()
}

/// Occasions of a member before `before` (an id, none for the newest), newest first.
///
/// # Errors
/// When the database cannot be read.
pub async fn of_member(
    conn: &mut Conn,
    member: &str,
    before: Option<&str>,
    limit: i64,
) -> Result<Vec<OccasionRow>, StoreError> {
    let (member, before) = (member.to_owned(), before.unwrap_or("~").to_owned());
    let rows: Vec<Columns> = on!(conn, c => sqlx::query_as(
        occasions!("WHERE member = $1 AND id < $2 ORDER BY id DESC LIMIT $3")
    ).bind(member).bind(before).bind(limit).fetch_all(c).await)
    .map_err(StoreError::during("reading a member's occasions"))?;
    rows.into_iter().map(occasion).collect()
}

/// What came from an order, oldest first.
///
/// # Errors
/// When the database cannot be read.
pub async fn of_order(conn: &mut Conn, order: &str) -> Result<Vec<OccasionRow>, StoreError> {
    let order = order.to_owned();
    let rows: Vec<Columns> = on!(conn, c => sqlx::query_as(
        occasions!("WHERE order_id = $1 ORDER BY id LIMIT 100")
    ).bind(order).fetch_all(c).await)
    .map_err(StoreError::during("reading what came from an order"))?;
    rows.into_iter().map(occasion).collect()
}

record! {
    /// How far a daily round has come in a store.
    Round {
        job: String,
        store: String,
        day: i64,
        /// Everybody up to this member is done.
        after: String,
        /// Nobody is left on that day.
        done: bool,
    }
}

/// The rounds of a job, by store.
///
/// # Errors
/// When the database cannot be read.
pub async fn rounds(conn: &mut Conn, job: &str) -> Result<Vec<Round>, StoreError> {
    let job = job.to_owned();
    on!(conn, c => sqlx::query_as(
        "SELECT job, store, day, after, done FROM rounds WHERE job = $1 ORDER BY store"
    ).bind(job).fetch_all(c).await)
    .map_err(StoreError::during("reading the daily rounds"))
}

/// Notes how far a round has come; one that is further already stays.
///
/// # Errors
/// When the database cannot be written.
pub async fn note_round(conn: &mut Conn, round: &Round) -> Result<(), StoreError> {
    on!(conn, c => sqlx::query(
        "INSERT INTO rounds (job, store, day, after, done) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (job, store) DO UPDATE SET day = excluded.day, after = excluded.after, done = excluded.done
         WHERE excluded.day > rounds.day OR (excluded.day = rounds.day AND excluded.after > rounds.after)
            OR (excluded.day = rounds.day AND excluded.done)")
        .bind(&round.job).bind(&round.store).bind(round.day).bind(&round.after).bind(round.done)
        .execute(c).await.map(|_| ()))
    .map_err(StoreError::during("noting a daily round"))
}

/// Members of a store after `after` with one of these birthday marks.
///
/// # Errors
/// When the database cannot be read.
pub async fn marked(
    conn: &mut Conn,
    store: &str,
    marks: &[String; 4],
    after: &str,
    limit: i64,
) -> Result<Vec<String>, StoreError> {
    let [first, second, third, fourth] = marks.clone();
    let (store, after) = (store.to_owned(), after.to_owned());
    on!(conn, c => sqlx::query_scalar(
        "SELECT m.id FROM persons p JOIN members m ON m.id = p.member_id
         WHERE p.birthday_mark IN ($1, $2, $3, $4) AND m.home_store = $5 AND m.status = 'active' AND m.id > $6
         ORDER BY m.id LIMIT $7"
    ).bind(first).bind(second).bind(third).bind(fourth).bind(store).bind(after).bind(limit).fetch_all(c).await)
    .map_err(StoreError::during("looking for birthdays"))
}

/// Members of a store after `after` who enrolled on one of these days.
///
/// # Errors
/// When the database cannot be read.
pub async fn enrolled_on(
    conn: &mut Conn,
    store: &str,
    days: &[Day],
    after: &str,
    limit: i64,
) -> Result<Vec<String>, StoreError> {
    let listed: Vec<String> = days.iter().map(|day| day.0.to_string()).collect();
    // Numbers only: the list's length differs, and there is no array both databases know.
    let text = format!(
        "SELECT id FROM members WHERE enrolled_on IN ({}) AND home_store = $1 AND status = 'active' AND id > $2
         ORDER BY id LIMIT $3",
        listed.join(", ")
    );
    let text = sqlx::AssertSqlSafe(text);
    let (store, after) = (store.to_owned(), after.to_owned());
    on!(conn, c => sqlx::query_scalar(text)
        .bind(store).bind(after).bind(limit).fetch_all(c).await)
    .map_err(StoreError::during("looking for anniversaries"))
}
