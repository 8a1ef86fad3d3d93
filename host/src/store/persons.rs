//! The sealed personal data of members.

use super::db::Conn;
use super::error::StoreError;
use super::row::record;
use crate::on;

record! {
    /// A person, readable only with the master key.
    SealedPerson {
        member_id: String,
        sealed_key: Vec<u8>,
        /// Which master key sealed it.
        master: String,
        sealed: Vec<u8>,
        phone_hash: Option<String>,
        /// What his birthday is found by, among others'; empty where it is not known, none where it is still to be
        /// made.
        birthday_mark: Option<String>,
        /// Like the birthday's, of the e-mail address.
        email_hash: Option<String>,
        version: i64,
    }
}

macro_rules! person_columns {
    () => {
        "member_id, sealed_key, master, sealed, phone_hash, birthday_mark, email_hash, version"
    };
}

/// The person behind a member; none after erasure.
pub async fn person(conn: &mut Conn, member: &str) -> Result<Option<SealedPerson>, StoreError> {
    on!(conn, c => sqlx::query_as(concat!("SELECT ", person_columns!(), " FROM persons WHERE member_id = $1")).bind(member).fetch_optional(c).await)
    .map_err(StoreError::during("reading a person"))
}

/// The name of the master key some person is sealed with; none while nobody is known.
pub async fn master_in_use(conn: &mut Conn) -> Result<Option<String>, StoreError> {
    on!(conn, c => sqlx::query_scalar("SELECT master FROM persons LIMIT 1").fetch_optional(c).await)
        .map_err(StoreError::during("reading which master key is in use"))
}

/// The member whose phone number has this keyed hash.
pub async fn member_by_phone(
    conn: &mut Conn,
    phone_hash: &str,
) -> Result<Option<String>, StoreError> {
    on!(conn, c => sqlx::query_scalar("SELECT member_id FROM persons WHERE phone_hash = $1")
        .bind(phone_hash).fetch_optional(c).await)
    .map_err(StoreError::during("looking a phone number up"))
}

/// The member whose e-mail address has this keyed hash.
pub async fn member_by_email(
    conn: &mut Conn,
    email_hash: &str,
) -> Result<Option<String>, StoreError> {
    // The index leaves out who has none, so the condition must say so too.
    on!(conn, c => sqlx::query_scalar("SELECT member_id FROM persons WHERE email_hash = $1 AND email_hash <> ''")
        .bind(email_hash).fetch_optional(c).await)
    .map_err(StoreError::during("looking an e-mail address up"))
}

/// Writes the person behind a member.
///
/// # Errors
/// A unique violation when the phone number or e-mail address belongs to another member.
pub async fn put_person(conn: &mut Conn, person: &SealedPerson) -> Result<(), StoreError> {
    on!(conn, c => sqlx::query(
        "INSERT INTO persons (member_id, sealed_key, master, sealed, phone_hash, birthday_mark, email_hash, version)
         VALUES ($1, $2, $3, $4, $5, $6, $7, 1)
         ON CONFLICT (member_id) DO UPDATE SET sealed_key = excluded.sealed_key, master = excluded.master,
         sealed = excluded.sealed, phone_hash = excluded.phone_hash, birthday_mark = excluded.birthday_mark,
         email_hash = excluded.email_hash, version = persons.version + 1")
        .bind(&person.member_id).bind(&person.sealed_key).bind(&person.master).bind(&person.sealed)
        .bind(&person.phone_hash).bind(&person.birthday_mark).bind(&person.email_hash)
        .execute(c).await.map(|_| ()))
    .map_err(StoreError::during("writing a person"))
}

/// Persons without a mark of their birthday or e-mail address, written before there were any.
pub async fn unmarked(conn: &mut Conn, limit: i64) -> Result<Vec<SealedPerson>, StoreError> {
    on!(conn, c => sqlx::query_as(concat!("SELECT ", person_columns!(), " FROM persons
        WHERE birthday_mark IS NULL OR email_hash IS NULL LIMIT $1")).bind(limit).fetch_all(c).await)
    .map_err(StoreError::during("reading persons without marks"))
}

/// Sets the marks of a person who is as he was read.
pub async fn mark(
    conn: &mut Conn,
    member: &str,
    version: i64,
    mark: &str,
    email_hash: &str,
) -> Result<(), StoreError> {
    on!(conn, c => sqlx::query(
        "UPDATE persons SET birthday_mark = $3, email_hash = $4 WHERE member_id = $1 AND version = $2")
        .bind(member).bind(version).bind(mark).bind(email_hash).execute(c).await.map(|_| ()))
    .map_err(StoreError::during("marking a person"))
}

/// Destroys a person's row and key; the member and every entry stay.
pub async fn erase_person(conn: &mut Conn, member: &str) -> Result<bool, StoreError> {
    on!(conn, c => sqlx::query("DELETE FROM persons WHERE member_id = $1").bind(member).execute(c).await
        .map(|done| done.rows_affected() == 1))
    .map_err(StoreError::during("erasing a person"))
}
