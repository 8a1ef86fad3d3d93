//! Orders, refunds and evaluations.

use super::db::Conn;
use super::error::StoreError;
use super::lots::day;
use crate::domain::ledger::{EvaluationRow, OrderRow, RefundRow, Refundable};
use crate::domain::time::Instant;
use crate::on;

pub(super) fn refundable(
    sequence: i64,
    lines: &str,
    tenders: &str,
) -> Result<Refundable, StoreError> {
    Ok(Refundable {
        sequence,
        base: sequence,
        lines: serde_json::from_str(lines)
            .map_err(StoreError::stored("reading what can be refunded"))?,
        tenders: serde_json::from_str(tenders)
            .map_err(StoreError::stored("reading what can be refunded"))?,
    })
}

/// Lines and tenders as they are stored.
pub(super) fn refundable_texts(row: &Refundable) -> Result<(String, String), StoreError> {
    let failed = || StoreError::stored("writing what can be refunded");
    Ok((
        serde_json::to_string(&row.lines).map_err(failed())?,
        serde_json::to_string(&row.tenders).map_err(failed())?,
    ))
}

/// Reads all columns of orders.
macro_rules! orders {
    ($rest:literal) => {
        concat!(
            "SELECT id, store, terminal, staff, member, quote_id, external_id, receipt_code, occurred_at, \
             business_date, currency, total, doc, facts FROM orders ",
            $rest
        )
    };
}

type OrderColumns = (
    String,
    String,
    String,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<String>,
    String,
    i64,
    i64,
    String,
    i64,
    Vec<u8>,
    Vec<u8>,
);

fn order(row: OrderColumns) -> Result<OrderRow, StoreError> {
    Ok(OrderRow {
        id: row.0,
        store: row.1,
        terminal: row.2,
        staff: row.3,
        member: row.4,
        quote_id: row.5,
        external_id: row.6,
        receipt_code: row.7,
        occurred_at: Instant(row.8),
        business_date: day(row.9)?,
        currency: row.10,
        total: row.11,
        doc: row.12,
        facts: row.13,
    })
}

/// How an order can be named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OrderName {
    Id(String),
    Quote(String),
    Receipt(String),
    External { store: String, id: String },
}

/// The order, with its document and facts.
///
/// # Errors
/// When the database cannot be read.
pub async fn order_by(conn: &mut Conn, name: &OrderName) -> Result<Option<OrderRow>, StoreError> {
    let (text, a, b): (&'static str, &str, &str) = match name {
        OrderName::Id(id) => (orders!("WHERE id = $1 AND $2 = ''"), id, ""),
        OrderName::Quote(id) => (orders!("WHERE quote_id = $1 AND $2 = ''"), id, ""),
        OrderName::Receipt(code) => (orders!("WHERE receipt_code = $1 AND $2 = ''"), code, ""),
        OrderName::External { store, id } => {
            (orders!("WHERE store = $1 AND external_id = $2"), store, id)
        }
    };
    let (a, b) = (a.to_owned(), b.to_owned());
    let row: Option<OrderColumns> =
        on!(conn, c => sqlx::query_as(text).bind(a).bind(b).fetch_optional(c).await)
            .map_err(StoreError::during("reading an order"))?;
    row.map(order).transpose()
}

/// Orders of a member and of those who became part of him, before `before` (an id, none for the newest), newest first.
///
/// # Errors
/// When the database cannot be read.
pub async fn orders_of_member(
    conn: &mut Conn,
    member: &str,
    before: Option<&str>,
    limit: i64,
) -> Result<Vec<OrderRow>, StoreError> {
    let (member, before) = (member.to_owned(), before.unwrap_or("~").to_owned());
    let rows: Vec<OrderColumns> = on!(conn, c => sqlx::query_as(
        orders!("WHERE member IN (WITH RECURSIVE line (id) AS (SELECT id FROM members WHERE id = $1
                UNION SELECT m.id FROM members m JOIN line ON m.merged_into = line.id) SELECT id FROM line)
            AND id < $2 ORDER BY id DESC LIMIT $3")
    ).bind(member).bind(before).bind(limit).fetch_all(c).await)
    .map_err(StoreError::during("reading a member's orders"))?;
    rows.into_iter().map(order).collect()
}

/// Orders by id after `after` ("" to start), for jobs that read them all.
///
/// # Errors
/// When the database cannot be read.
pub async fn orders_after(
    conn: &mut Conn,
    after: &str,
    limit: i64,
) -> Result<Vec<OrderRow>, StoreError> {
    let after = after.to_owned();
    let rows: Vec<OrderColumns> = on!(conn, c => sqlx::query_as(
        orders!("WHERE id > $1 ORDER BY id LIMIT $2")
    ).bind(after).bind(limit).fetch_all(c).await)
    .map_err(StoreError::during("reading orders"))?;
    rows.into_iter().map(order).collect()
}

/// What of an order can still be refunded.
///
/// # Errors
/// When the database cannot be read.
pub async fn refundable_of(conn: &mut Conn, order: &str) -> Result<Option<Refundable>, StoreError> {
    let order = order.to_owned();
    let row: Option<(i64, String, String)> = on!(conn, c => sqlx::query_as(
        "SELECT sequence, lines, tenders FROM refundables WHERE order_id = $1"
    ).bind(order).fetch_optional(c).await)
    .map_err(StoreError::during("reading what can be refunded"))?;
    row.map(|(sequence, lines, tenders)| refundable(sequence, &lines, &tenders))
        .transpose()
}

type RefundColumns = (
    String,
    String,
    i64,
    String,
    String,
    Option<String>,
    i64,
    i64,
    String,
    i64,
    Vec<u8>,
    Vec<u8>,
);

fn refund_row(row: RefundColumns) -> Result<RefundRow, StoreError> {
    let (id, order_id, sequence, store, terminal, staff, at, on, currency, total, doc, facts) = row;
    Ok(RefundRow {
        id,
        order_id,
        sequence,
        store,
        terminal,
        staff,
        occurred_at: Instant(at),
        business_date: day(on)?,
        currency,
        total,
        doc,
        facts,
    })
}

/// Refunds of an order, oldest first.
///
/// # Errors
/// When the database cannot be read.
pub async fn refunds_of(conn: &mut Conn, order: &str) -> Result<Vec<RefundRow>, StoreError> {
    let order = order.to_owned();
    let rows: Vec<RefundColumns> = on!(conn, c => sqlx::query_as(
        "SELECT id, order_id, sequence, store, terminal, staff, occurred_at, business_date, currency, total, doc,
            facts FROM refunds WHERE order_id = $1 ORDER BY sequence"
    ).bind(order).fetch_all(c).await)
    .map_err(StoreError::during("reading refunds"))?;
    rows.into_iter().map(refund_row).collect()
}

/// One refund by its id.
///
/// # Errors
/// When the database cannot be read.
pub async fn refund_by_id(conn: &mut Conn, id: &str) -> Result<Option<RefundRow>, StoreError> {
    let id = id.to_owned();
    let row: Option<RefundColumns> = on!(conn, c => sqlx::query_as(
        "SELECT id, order_id, sequence, store, terminal, staff, occurred_at, business_date, currency, total, doc,
            facts FROM refunds WHERE id = $1"
    ).bind(id).fetch_optional(c).await)
    .map_err(StoreError::during("reading a refund"))?;
    row.map(refund_row).transpose()
}

type EvaluationColumns = (
    String,
    i64,
    String,
    String,
    String,
    String,
    Vec<u8>,
    Vec<u8>,
    i64,
);

/// Evaluations of an order, refund, claim or occasion, in the order they ran.
///
/// # Errors
/// When the database cannot be read.
pub async fn evaluations_of(
    conn: &mut Conn,
    subject: &str,
) -> Result<Vec<EvaluationRow>, StoreError> {
    let subject = subject.to_owned();
    let rows: Vec<EvaluationColumns> = on!(conn, c => sqlx::query_as(
        "SELECT subject_id, position, binding_id, component_digest, config_hash, kind, delta, output, fuel
         FROM evaluations WHERE subject_id = $1 ORDER BY position"
    ).bind(subject).fetch_all(c).await)
    .map_err(StoreError::during("reading evaluations"))?;
    Ok(rows
        .into_iter()
        .map(
            |(
                subject,
                position,
                binding_id,
                component_digest,
                config_hash,
                kind,
                delta,
                output,
                fuel,
            )| {
                EvaluationRow {
                    subject,
                    position,
                    binding_id,
                    component_digest,
                    config_hash,
                    kind,
                    delta,
                    output,
                    fuel,
                }
            },
        )
        .collect())
}

/// What evaluations can belong to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    Order,
    Refund,
    Claim,
    Occasion,
}

impl Asked {
    /// The word of the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Order => "order",
            Self::Refund => "refund",
            Self::Claim => "claim",
            Self::Occasion => "occasion",
        }
    }
}

/// Ids and facts of what rules were asked for, after `after` ("" to start), for jobs that read them all.
///
/// # Errors
/// When the database cannot be read.
pub async fn facts_after(
    conn: &mut Conn,
    asked: Asked,
    after: &str,
    limit: i64,
) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
    let text = match asked {
        Asked::Order => "SELECT id, facts FROM orders WHERE id > $1 ORDER BY id LIMIT $2",
        Asked::Refund => "SELECT id, facts FROM refunds WHERE id > $1 ORDER BY id LIMIT $2",
        Asked::Claim => "SELECT id, facts FROM claims WHERE id > $1 ORDER BY id LIMIT $2",
        Asked::Occasion => "SELECT id, facts FROM occasions WHERE id > $1 ORDER BY id LIMIT $2",
    };
    let after = after.to_owned();
    on!(conn, c => sqlx::query_as(text).bind(after).bind(limit).fetch_all(c).await)
        .map_err(StoreError::during("reading what rules were told"))
}

/// True if an evaluation names this component, so that it must be kept.
///
/// # Errors
/// When the database cannot be read.
pub async fn component_is_named(conn: &mut Conn, digest: &str) -> Result<bool, StoreError> {
    let digest = digest.to_owned();
    let found: Option<String> = on!(conn, c => sqlx::query_scalar(
        "SELECT config_hash FROM evaluated WHERE component_digest = $1 LIMIT 1"
    ).bind(digest).fetch_optional(c).await)
    .map_err(StoreError::during("looking for evaluations of a component"))?;
    Ok(found.is_some())
}
