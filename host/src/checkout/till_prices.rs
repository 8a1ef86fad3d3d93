//! Prices of the till's own: who may name one, or who agreed to it.

use std::collections::BTreeMap;

use tessera_money::{Rounding, mul_div};

use crate::access::{AccessError, Permission, Principal};
use crate::approval::{self, Act};
use crate::domain::basket::BasketLine;
use crate::domain::ledger::{Reserve, Step};
use crate::domain::order::{ApprovalRecord, OrderDocument};
use crate::domain::time::Instant;
use crate::host::Host;

use super::error::CheckoutError;
use super::posting::overflow;
use super::request::QuoteRequest;

/// Approvals one basket may show.
pub const MOST_APPROVALS: usize = 20;

/// Who agreed to the prices a till names itself; nobody has to where the caller may name them alone. Lines of one article
/// at one price need one word, for all of them together. What was agreed to for the quote before of the same till counts
/// on, however long the customer goes on shopping.
///
/// # Errors
/// [`AccessError::NeedsApproval`] for the first price nobody agreed to, or why an approval does not count.
pub(super) fn agreed(
    host: &Host,
    caller: &Principal,
    request: &QuoteRequest,
    lines: &[BasketLine],
    at: Instant,
) -> Result<Vec<ApprovalRecord>, CheckoutError> {
    let mut agreed: Vec<ApprovalRecord> = Vec::new();
    if request.approvals.len() > MOST_APPROVALS {
        return Err(CheckoutError::TooManyApprovals(request.approvals.len()));
    }
    for (subject, amount) in named(lines)? {
        let act = Act {
            permission: Permission::PriceAtTill,
            subject: &subject,
            amount,
        };
        if let Some(before) = agreed_before(host, caller, request, act) {
            agreed.push(before);
        } else if let Some(record) = agreed_now(host, caller, request, act, at)? {
            agreed.push(record);
        }
    }
    Ok(agreed)
}

/// What a till names prices for: `article@unit price`, and what all pieces at that price come to.
fn named(lines: &[BasketLine]) -> Result<BTreeMap<String, i64>, CheckoutError> {
    let mut named: BTreeMap<String, i64> = BTreeMap::new();
    for line in lines.iter().filter(|line| line.priced_by_till) {
        let article = line.product.as_deref().unwrap_or(&line.name);
        let amount = mul_div(line.unit_price, line.quantity, 1_000, Rounding::HalfUp)?;
        let sum = named
            .entry(format!("{article}@{}", line.unit_price))
            .or_default();
        *sum = sum.checked_add(amount).ok_or_else(overflow)?;
    }
    Ok(named)
}

fn is_about(record: &ApprovalRecord, act: Act<'_>) -> bool {
    record.permission == act.permission.name()
        && record.subject == act.subject
        && record.amount == act.amount
}

fn agreed_before(
    host: &Host,
    caller: &Principal,
    request: &QuoteRequest,
    act: Act<'_>,
) -> Option<ApprovalRecord> {
    let before = host.quotes.find(request.follows.as_ref()?)?;
    let is_same_till = before.sale.terminal == caller.terminal.as_deref().unwrap_or(&caller.key);
    let mut records = before.sale.document.approvals.iter();
    records
        .find(|record| is_same_till && is_about(record, act))
        .cloned()
}

/// The approval that fits, of those that are shown.
fn agreed_now(
    host: &Host,
    caller: &Principal,
    request: &QuoteRequest,
    act: Act<'_>,
    at: Instant,
) -> Result<Option<ApprovalRecord>, CheckoutError> {
    let needed = match approval::allowed_at(host, caller, act, None, at) {
        Ok(_) => return Ok(None),
        Err(error @ CheckoutError::Access(AccessError::NeedsApproval { .. })) => error,
        Err(error) => return Err(error),
    };
    let shown = request.approvals.iter();
    let mut fitting = shown.filter(|token| approval::is_for(host, caller, token, act));
    let Some(token) = fitting.next() else {
        return Err(needed);
    };
    let approved = approval::allowed_at(host, caller, act, Some(token), at)?;
    Ok(approved.map(|approved| ApprovalRecord {
        id: approved.id,
        permission: act.permission.name().to_owned(),
        subject: act.subject.to_owned(),
        amount: act.amount,
        by: approved.by,
    }))
}

/// The steps that use the approvals of a sale up.
pub(super) fn used(document: &OrderDocument) -> impl Iterator<Item = Step> {
    let records = document.approvals.iter();
    records.map(|record| approval::use_of(&record.id))
}

/// What a hold keeps of them.
pub(super) fn reserves(document: &OrderDocument) -> impl Iterator<Item = Reserve> {
    let records = document.approvals.iter();
    records.map(|record| approval::reserve_of(&record.id))
}
