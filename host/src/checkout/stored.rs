//! How orders and refunds are kept: canonical JSON, compressed.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::domain::facts::{BaseFacts, FactsDelta};
use crate::domain::ledger::{EvaluationRow, OrderRow, RefundRow};
use crate::domain::order::OrderDocument;
use crate::domain::refund::RefundPlan;
use crate::domain::time::{Day, Instant};
use crate::host::Host;
use crate::store::orders::{self, OrderName};

use super::error::CheckoutError;

/// Largest document read back, bytes; a basket of 500 lines with 256 bindings stays far below.
const MOST_BYTES: usize = 64 << 20;

/// A priced sale with all its order is written from, whichever host commits it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sale {
    pub terminal: String,
    pub staff: Option<String>,
    /// As it was shown; what it left open is paid by the commit.
    pub document: OrderDocument,
    pub facts: BaseFacts,
    /// In the order the rules were asked.
    pub evaluations: Vec<Evaluation>,
}

/// One recorded call of a rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evaluation {
    pub binding: String,
    /// Digest of the component.
    pub component: String,
    /// Hash of the configuration.
    pub config: String,
    pub delta: FactsDelta,
    /// `{"answer":…}` or `{"fault":…}`.
    pub output: String,
    pub fuel: u64,
}

/// Canonical JSON, compressed.
pub fn pack(value: &impl Serialize) -> Result<Vec<u8>, CheckoutError> {
    let json = serde_json::to_vec(value)
        .map_err(|error| CheckoutError::Internal(format!("a document did not encode: {error}")))?;
    Ok(lz4_flex::compress_prepend_size(&json))
}

/// The JSON that was packed.
pub fn unpack_json(bytes: &[u8]) -> Result<Vec<u8>, CheckoutError> {
    let damaged = |what: String| {
        CheckoutError::Internal(format!(
            "a stored document is damaged: {what}; run `tessera verify`"
        ))
    };
    let (size, _) =
        lz4_flex::block::uncompressed_size(bytes).map_err(|error| damaged(error.to_string()))?;
    if size > MOST_BYTES {
        return Err(damaged(format!("{size} bytes")));
    }
    lz4_flex::decompress_size_prepended(bytes).map_err(|error| damaged(error.to_string()))
}

/// The document that was packed.
pub fn unpack<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, CheckoutError> {
    serde_json::from_slice(&unpack_json(bytes)?).map_err(|error| {
        CheckoutError::Internal(format!(
            "a stored document is damaged: {error}; run `tessera verify`"
        ))
    })
}

/// A booked sale as it is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Booked {
    pub id: String,
    pub receipt_code: String,
    pub quote_id: Option<String>,
    pub external_id: Option<String>,
    pub terminal: String,
    pub staff: Option<String>,
    pub document: OrderDocument,
}

impl TryFrom<OrderRow> for Booked {
    type Error = CheckoutError;

    fn try_from(row: OrderRow) -> Result<Self, CheckoutError> {
        Ok(Self {
            document: unpack(&row.doc)?,
            id: row.id,
            receipt_code: row.receipt_code,
            quote_id: row.quote_id,
            external_id: row.external_id,
            terminal: row.terminal,
            staff: row.staff,
        })
    }
}

/// A booked sale by its order's id.
pub async fn booked(host: &Host, id: &str) -> Result<Booked, CheckoutError> {
    let mut conn = host.db.read().await?;
    orders::order_by(&mut conn, &OrderName::Id(id.to_owned()))
        .await?
        .ok_or_else(|| CheckoutError::OrderUnknown(id.to_owned()))?
        .try_into()
}

/// What identifies a new order.
pub struct NewOrder<'a> {
    pub id: &'a str,
    pub quote_id: Option<&'a str>,
    pub external_id: Option<&'a str>,
}

/// The rows of an order: itself and its evaluations.
pub fn order_rows(
    new: &NewOrder<'_>,
    sale: &Sale,
    document: &OrderDocument,
) -> Result<(OrderRow, Vec<EvaluationRow>), CheckoutError> {
    let row = OrderRow {
        id: new.id.to_owned(),
        store: document.store.clone(),
        terminal: sale.terminal.clone(),
        staff: sale.staff.clone(),
        member: document.member.clone(),
        quote_id: new.quote_id.map(str::to_owned),
        external_id: new.external_id.map(str::to_owned),
        receipt_code: receipt_code()?,
        occurred_at: document.occurred_at,
        business_date: document.business_date,
        currency: document.currency.clone(),
        total: document.totals.total,
        doc: pack(document)?,
        facts: pack(&sale.facts)?,
    };
    Ok((row, evaluation_rows(new.id, &sale.evaluations)?))
}

/// The rows of what rules were asked for one order or refund.
pub fn evaluation_rows(
    subject: &str,
    evaluations: &[Evaluation],
) -> Result<Vec<EvaluationRow>, CheckoutError> {
    let row = |(position, evaluation): (usize, &Evaluation)| {
        Ok(EvaluationRow {
            subject: subject.to_owned(),
            position: position as i64,
            binding_id: evaluation.binding.clone(),
            component_digest: evaluation.component.clone(),
            config_hash: evaluation.config.clone(),
            kind: kind_name(evaluation.delta.kind).to_owned(),
            delta: pack(&evaluation.delta)?,
            output: lz4_flex::compress_prepend_size(evaluation.output.as_bytes()),
            fuel: i64::try_from(evaluation.fuel).unwrap_or(i64::MAX),
        })
    };
    evaluations.iter().enumerate().map(row).collect()
}

/// The words of the API for a kind of rule.
pub fn kind_name(kind: crate::domain::rules::RuleKind) -> &'static str {
    use crate::domain::rules::RuleKind;
    match kind {
        RuleKind::Points => "points",
        RuleKind::Tier => "tier",
        RuleKind::Referral => "referral",
        RuleKind::Promotion => "promotion",
    }
}

/// A code of twelve characters for the receipt, from letters and digits that are not mistaken for each
/// other (Crockford's base 32).
pub fn receipt_code() -> Result<String, CheckoutError> {
    const LETTERS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    let random = crate::vault::random::<12>()?;
    Ok(random
        .iter()
        .map(|byte| char::from(LETTERS[usize::from(byte % 32)]))
        .collect())
}

/// The row of a refund.
#[allow(clippy::too_many_arguments)]
pub fn refund_row(
    id: &str,
    order: &str,
    sequence: i64,
    document: &OrderDocument,
    plan: &RefundPlan,
    by: (&str, Option<&str>),
    at: Instant,
    day: Day,
) -> Result<RefundRow, CheckoutError> {
    Ok(RefundRow {
        id: id.to_owned(),
        order_id: order.to_owned(),
        sequence,
        store: document.store.clone(),
        terminal: by.0.to_owned(),
        staff: by.1.map(str::to_owned),
        occurred_at: at,
        business_date: day,
        currency: document.currency.clone(),
        total: plan.total,
        doc: pack(plan)?,
        facts: Vec::new(),
    })
}

/// The facts an order's rules were told.
pub fn base_facts(bytes: &[u8]) -> Result<BaseFacts, CheckoutError> {
    unpack(bytes)
}
