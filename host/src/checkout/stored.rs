//! How orders and refunds are kept: canonical JSON, compressed.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::domain::facts::BaseFacts;
use crate::domain::ledger::{EvaluationRow, OrderRow, RefundRow};
use crate::domain::order::OrderDocument;
use crate::domain::refund::RefundPlan;
use crate::domain::time::{Day, Instant};

use super::error::CheckoutError;
use super::quote::Quote;

/// Largest document read back, bytes; a basket of 500 lines with 256 bindings stays far below.
const MOST_BYTES: usize = 64 << 20;

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

/// What identifies a new order.
pub struct NewOrder<'a> {
    pub id: &'a str,
    pub quote_id: Option<&'a str>,
    pub external_id: Option<&'a str>,
}

/// The rows of an order: itself and its evaluations.
pub fn order_rows(
    new: &NewOrder<'_>,
    quote: &Quote,
    document: &OrderDocument,
) -> Result<(OrderRow, Vec<EvaluationRow>), CheckoutError> {
    let row = OrderRow {
        id: new.id.to_owned(),
        store: document.store.clone(),
        terminal: quote.terminal.clone(),
        staff: quote.staff.clone(),
        member: document.member.clone(),
        quote_id: new.quote_id.map(str::to_owned),
        external_id: new.external_id.map(str::to_owned),
        receipt_code: receipt_code()?,
        occurred_at: document.occurred_at,
        business_date: document.business_date,
        currency: document.currency.clone(),
        total: document.totals.total,
        doc: pack(document)?,
        facts: pack(&quote.facts)?,
    };
    let mut evaluations = Vec::with_capacity(quote.calls.len());
    for (position, (call, run)) in quote.calls.iter().zip(&quote.runs).enumerate() {
        let bound = quote
            .bound
            .get(call.campaign)
            .ok_or_else(|| CheckoutError::Internal("a call names no rule".to_owned()))?;
        evaluations.push(EvaluationRow {
            order_id: new.id.to_owned(),
            position: position as i64,
            binding_id: bound.binding.id.clone(),
            component_digest: bound.plugin.digest().to_owned(),
            config_hash: bound.config.hash.clone(),
            kind: kind_name(call.delta.kind).to_owned(),
            delta: pack(&call.delta)?,
            output: lz4_flex::compress_prepend_size(run.output.as_bytes()),
            fuel: i64::try_from(run.fuel).unwrap_or(i64::MAX),
        });
    }
    Ok((row, evaluations))
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
    })
}

/// The facts an order's rules were told.
pub fn base_facts(bytes: &[u8]) -> Result<BaseFacts, CheckoutError> {
    unpack(bytes)
}
