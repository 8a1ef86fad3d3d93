//! Members: pseudonymous, without anything that names a person.

use super::db::Conn;
use super::error::StoreError;
use super::row::record;
use crate::on;

record! {
    /// A member as rules and the ledger know him.
    Member {
        id: String,
        /// `active`, `blocked` or `closed`.
        status: String,
        home_store: String,
        /// Business days since 1970, like the other days.
        enrolled_on: i64,
        /// Microseconds.
        created_at: i64,
        tier: Option<String>,
        tier_since: Option<i64>,
        tier_valid_until: Option<i64>,
        tier_multiplier_num: i64,
        tier_multiplier_den: i64,
        /// Orders committed and not wholly refunded.
        orders: i64,
        referral_code: String,
        referred_by: Option<String>,
        referred_on: Option<i64>,
        /// A JSON array of strings.
        segments: String,
        /// A JSON object.
        attributes: String,
        /// The staff member or key that enrolled him.
        enrolled_by: Option<String>,
        /// The staff member whose customer he is.
        adviser: Option<String>,
        /// Who he is now, where he was made part of another.
        merged_into: Option<String>,
        /// The last tier given by hand that was not withdrawn, also once its last day is over.
        tier_floor: Option<String>,
        version: i64,
    }
}

macro_rules! columns {
    () => {
        "members.id, members.status, members.home_store, members.enrolled_on, members.created_at, \
         members.tier, members.tier_since, members.tier_valid_until, members.tier_multiplier_num, \
         members.tier_multiplier_den, members.orders, members.referral_code, members.referred_by, \
         members.referred_on, members.segments, members.attributes, members.enrolled_by, \
         members.adviser, members.merged_into, members.tier_floor, members.version"
    };
}

record! {
    /// A member and the sealed person behind him, both from one read.
    KnownMember {
        .. member: Member,
        /// None after erasure, like `sealed`.
        sealed_key: Option<Vec<u8>>,
        sealed: Option<Vec<u8>>,
        /// Of the card he was found by, like the rest.
        card_status: Option<String>,
        card_expires_on: Option<i64>,
        card_replaced_by: Option<String>,
        card_pin_hash: Option<String>,
        /// Last day of the periods he has paid for; none where he has none open.
        paid_until: Option<i64>,
    }
}

/// How a member can be named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MemberName<'a> {
    Id(&'a str),
    Card(&'a str),
    /// The keyed mark of a card's chip or stripe.
    CardMark(&'a str),
    /// The keyed hash of a phone number.
    PhoneHash(&'a str),
}

/// A member, his person, and what `$card` says of the card he is found by.
macro_rules! known {
    ($card:expr, $rest:literal) => {
        concat!(
            "SELECT ",
            columns!(),
            ", persons.sealed_key, persons.sealed, (SELECT MAX(lots.expires_on) FROM lots
                WHERE lots.member = members.id AND lots.first_day IS NOT NULL AND lots.remaining > 0) AS paid_until, ",
            $card,
            $rest
        )
    };
}

macro_rules! card {
    () => {
        "cards.status AS card_status, cards.expires_on AS card_expires_on, cards.replaced_by AS card_replaced_by, \
         cards.pin_hash AS card_pin_hash"
    };
}

macro_rules! no_card {
    () => {
        "NULL AS card_status, CAST(NULL AS BIGINT) AS card_expires_on, NULL AS card_replaced_by, NULL AS card_pin_hash"
    };
}

/// A member as a till names him, with the person behind him.
pub async fn known(
    conn: &mut Conn,
    name: MemberName<'_>,
) -> Result<Option<KnownMember>, StoreError> {
    let (text, key) = match name {
        MemberName::Id(id) => (
            known!(
                no_card!(),
                " FROM members LEFT JOIN persons ON persons.member_id = members.id WHERE members.id = $1"
            ),
            id,
        ),
        MemberName::Card(number) => (
            known!(
                card!(),
                " FROM cards JOIN members ON members.id = cards.member_id
                LEFT JOIN persons ON persons.member_id = members.id WHERE cards.number = $1"
            ),
            number,
        ),
        MemberName::CardMark(hash) => (
            known!(
                card!(),
                " FROM card_marks JOIN cards ON cards.number = card_marks.number
                JOIN members ON members.id = cards.member_id
                LEFT JOIN persons ON persons.member_id = members.id WHERE card_marks.hash = $1"
            ),
            hash,
        ),
        MemberName::PhoneHash(hash) => (
            known!(
                no_card!(),
                " FROM persons JOIN members ON members.id = persons.member_id WHERE persons.phone_hash = $1"
            ),
            hash,
        ),
    };
    on!(conn, c => sqlx::query_as(text).bind(key).fetch_optional(c).await)
        .map_err(StoreError::during("reading a member"))
}

/// One member.
pub async fn member(conn: &mut Conn, id: &str) -> Result<Option<Member>, StoreError> {
    on!(conn, c => sqlx::query_as(concat!("SELECT ", columns!(), " FROM members WHERE id = $1"))
        .bind(id).fetch_optional(c).await)
    .map_err(StoreError::during("reading a member"))
}

/// The member whose referral code this is.
pub async fn member_by_referral_code(
    conn: &mut Conn,
    code: &str,
) -> Result<Option<Member>, StoreError> {
    on!(conn, c => sqlx::query_as(concat!("SELECT ", columns!(), " FROM members WHERE referral_code = $1"))
        .bind(code).fetch_optional(c).await)
    .map_err(StoreError::during("reading a member by referral code"))
}

/// Members with an id after `after`, of one home store if it is given.
pub async fn members(
    conn: &mut Conn,
    store: Option<&str>,
    after: &str,
    limit: i64,
) -> Result<Vec<Member>, StoreError> {
    on!(conn, c => sqlx::query_as(concat!("SELECT ", columns!(), " FROM members
        WHERE id > $1 AND (home_store = $2 OR $2 = '') ORDER BY id LIMIT $3"))
        .bind(after).bind(store.unwrap_or_default()).bind(limit).fetch_all(c).await)
    .map_err(StoreError::during("reading the members"))
}

/// Members with an id after `after` who have an attribute of a value, of one home store if it is given.
pub async fn with_attribute(
    conn: &mut Conn,
    (name, value): (&str, &str),
    store: Option<&str>,
    after: &str,
    limit: i64,
) -> Result<Vec<Member>, StoreError> {
    on!(conn, c => sqlx::query_as(concat!("SELECT ", columns!(), " FROM member_attributes a
        JOIN members ON members.id = a.member_id
        WHERE a.name = $1 AND a.value = $2 AND a.member_id > $3 AND (members.home_store = $4 OR $4 = '')
        ORDER BY a.member_id LIMIT $5"))
        .bind(name).bind(value).bind(after).bind(store.unwrap_or_default()).bind(limit).fetch_all(c).await)
    .map_err(StoreError::during("looking members up by an attribute"))
}

/// Replaces what a member is found by beside his marks.
pub async fn index_attributes(
    conn: &mut Conn,
    member: &str,
    attributes: &[(String, String)],
) -> Result<(), StoreError> {
    let failed = || StoreError::during("writing a member's attributes");
    on!(conn, c => sqlx::query("DELETE FROM member_attributes WHERE member_id = $1")
        .bind(member).execute(c).await.map(|_| ()))
    .map_err(failed())?;
    for (name, value) in attributes {
        on!(conn, c => sqlx::query("INSERT INTO member_attributes (member_id, name, value) VALUES ($1, $2, $3)")
            .bind(member).bind(name).bind(value).execute(c).await.map(|_| ()))
        .map_err(failed())?;
    }
    Ok(())
}

/// The tiers members hold, at most `limit`.
pub async fn tiers(conn: &mut Conn, limit: i64) -> Result<Vec<String>, StoreError> {
    on!(conn, c => sqlx::query_scalar("SELECT DISTINCT tier FROM members WHERE tier IS NOT NULL ORDER BY tier LIMIT $1")
        .bind(limit).fetch_all(c).await)
    .map_err(StoreError::during("reading the tiers members hold"))
}

/// Members this one referred, with an id after `after`.
pub async fn referred(
    conn: &mut Conn,
    referrer: &str,
    after: &str,
    limit: i64,
) -> Result<Vec<Member>, StoreError> {
    on!(conn, c => sqlx::query_as(concat!("SELECT ", columns!(), " FROM members
        WHERE referred_by = $1 AND id > $2 ORDER BY id LIMIT $3"))
        .bind(referrer).bind(after).bind(limit).fetch_all(c).await)
    .map_err(StoreError::during("reading the referred members"))
}

/// Adds a member.
///
/// # Errors
/// A unique violation when the id or the referral code is taken.
pub async fn create_member(conn: &mut Conn, member: &Member) -> Result<(), StoreError> {
    on!(conn, c => sqlx::query(
        "INSERT INTO members (id, status, home_store, enrolled_on, created_at, tier, tier_since, tier_valid_until,
         tier_multiplier_num, tier_multiplier_den, orders, referral_code, referred_by, referred_on, segments,
         attributes, enrolled_by, adviser, version)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, 1)")
        .bind(&member.id).bind(&member.status).bind(&member.home_store).bind(member.enrolled_on)
        .bind(member.created_at).bind(&member.tier).bind(member.tier_since).bind(member.tier_valid_until)
        .bind(member.tier_multiplier_num).bind(member.tier_multiplier_den).bind(member.orders)
        .bind(&member.referral_code).bind(&member.referred_by).bind(member.referred_on)
        .bind(&member.segments).bind(&member.attributes).bind(&member.enrolled_by).bind(&member.adviser)
        .execute(c).await.map(|_| ()))
    .map_err(StoreError::during("creating a member"))
}

/// Changes status, home store, segments, attributes and adviser; false when the member is not known.
pub async fn update_member(conn: &mut Conn, member: &Member) -> Result<bool, StoreError> {
    on!(conn, c => sqlx::query(
        "UPDATE members SET status = $2, home_store = $3, segments = $4, attributes = $5, adviser = $6,
         version = version + 1 WHERE id = $1")
        .bind(&member.id).bind(&member.status).bind(&member.home_store).bind(&member.segments)
        .bind(&member.attributes).bind(&member.adviser)
        .execute(c).await.map(|done| done.rows_affected() == 1))
    .map_err(StoreError::during("changing a member"))
}
