//! Goods taken off a basket after they were quoted: allowed by whoever may, and told of, because a scanned article that
//! vanishes before the customer pays is how a till is robbed from behind.

use std::sync::Arc;

use serde::Deserialize;
use tessera_money::{Rounding, mul_div};
use utoipa::ToSchema;

use crate::access::{Permission, Principal};
use crate::approval::{self, Act};
use crate::domain::basket::MAX_LINES;
use crate::domain::ledger::{Command, EventRow, Record, Subject};
use crate::domain::order::OrderDocument;
use crate::domain::refund::RefundError;
use crate::host::Host;

use super::Intent;
use super::commit::expired;
use super::error::CheckoutError;
use super::posting::overflow;
use super::request::{RefundLine, decimal, thousandths};

const LONGEST_REASON: usize = 500;

/// What is taken off a basket.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RemovalRequest {
    /// Lines of the quote by position, with the quantity that goes.
    pub lines: Vec<RefundLine>,
    /// Why, for the record: 1 to 500 characters.
    pub reason: String,
    /// The approval, where the caller may not remove lines alone: of the permission `remove-line`, about the quote, with
    /// what the goods cost as the amount.
    #[serde(default)]
    pub approval: Option<String>,
}

/// Lets a till quote the basket again without some of its goods; the quote itself stays as it is.
///
/// # Errors
/// [`CheckoutError::QuoteUnknown`], more than was quoted, or what an approval lacks.
pub async fn remove(
    host: &Arc<Host>,
    caller: &Principal,
    quote_id: &str,
    request: RemovalRequest,
    intent: Intent,
) -> Result<(), CheckoutError> {
    if super::recall(host, &intent).await?.is_some() {
        return Ok(());
    }
    let length = request.reason.chars().count();
    if length == 0 || length > LONGEST_REASON {
        return Err(CheckoutError::Reason);
    }
    let unknown = || CheckoutError::QuoteUnknown(quote_id.to_owned());
    let quote = host.quotes.find(quote_id).ok_or_else(unknown)?;
    let store = &quote.place.store;
    caller.require_store(&store.id)?;
    let now = host.clock.now();
    if now > quote.expires_at {
        return Err(expired(host, &quote.sale.document, quote.expires_at, now));
    }
    let (goods, amount) = removed(&quote.sale.document, &request.lines)?;
    let act = Act {
        permission: Permission::RemoveLine,
        subject: quote_id,
        amount,
    };
    let approved = approval::allowed(host, caller, act, request.approval.as_deref())?;
    let about = Subject::new("quote", quote_id);
    let mut command = Command::new("removal", about, now, quote.place.day(now));
    command.operation = Some(intent.into());
    let mut payload = serde_json::json!({
        "quote": quote_id, "lines": goods, "amount": amount, "currency": store.currency, "reason": request.reason,
        "terminal": caller.terminal, "by": caller.who(), "member": quote.sale.document.member,
    });
    if let Some(approved) = approved {
        command.steps.push(approved.step);
        payload["approved_by"] = approved.by.into();
    }
    command.records.push(Record::Event(EventRow {
        kind: "quote.lines_removed".to_owned(),
        subject: quote_id.to_owned(),
        store: Some(store.id.clone()),
        payload: payload.to_string(),
    }));
    let done = host.writer.submit(command).await;
    done.map(|_| ()).map_err(approval::refused)
}

/// What goes, as the record tells it, and what it cost before any discount.
fn removed(
    document: &OrderDocument,
    lines: &[RefundLine],
) -> Result<(Vec<serde_json::Value>, i64), CheckoutError> {
    if lines.is_empty() {
        return Err(RefundError::Nothing.into());
    }
    if lines.len() > MAX_LINES {
        return Err(CheckoutError::TooManyLines(lines.len()));
    }
    let mut left: Vec<i64> = document.lines.iter().map(|line| line.quantity).collect();
    let (mut goods, mut sum) = (Vec::with_capacity(lines.len()), 0_i64);
    for (position, asked) in lines.iter().enumerate() {
        let at = format!("/lines/{position}/quantity");
        let quantity = thousandths(&asked.quantity).filter(|quantity| *quantity > 0);
        let quantity = quantity.ok_or_else(|| CheckoutError::Quantity(at.clone()))?;
        let slot = asked.line as usize;
        let (Some(line), Some(left)) = (document.lines.get(slot), left.get_mut(slot)) else {
            return Err(CheckoutError::NoSuchLine(format!("/lines/{position}/line")));
        };
        if quantity > *left {
            return Err(CheckoutError::MoreThanThere(at));
        }
        *left -= quantity;
        let amount = mul_div(line.list_amount, quantity, line.quantity, Rounding::HalfUp)
            .map_err(|_| overflow())?;
        sum = sum.checked_add(amount).ok_or_else(overflow)?;
        goods.push(serde_json::json!({
            "line": asked.line, "product": line.product, "name": line.name, "quantity": decimal(quantity),
            "amount": amount,
        }));
    }
    Ok((goods, sum))
}
