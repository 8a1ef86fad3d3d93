//! Receipts without prices, for whoever is given the goods: he may exchange them, and is never paid out what another paid.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::access::Principal;
use crate::domain::basket::MAX_LINES;
use crate::domain::ledger::{CounterKey, Refusal, Step};
use crate::domain::order::OrderDocument;
use crate::domain::refund::{RefundError, RefundedLine};
use crate::domain::rules::TenderKind;
use crate::host::Host;
use crate::once::{Effect, once};
use crate::store::gift_receipts::{self, GiftReceipt};
use crate::store::{Conn, counters, orders};

use super::Intent;
use super::commit::changed;
use super::error::CheckoutError;
use super::request::{RefundLine, decimal, thousandths};
use super::stored::{booked, receipt_code};

/// Gift receipts of one order.
const MOST: usize = 100;
/// Owner of the counters of what was exchanged, before the code.
const USES_OF: &str = "gift-receipt/";

/// The goods a gift receipt is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GiftReceiptRequest {
    /// Lines of the order by position, with the quantity that is given.
    pub lines: Vec<RefundLine>,
}

/// A gift receipt with the order behind it.
pub struct Shown {
    pub code: String,
    pub order: String,
    pub store: String,
    /// What it is for.
    pub lines: Vec<RefundLine>,
    pub document: OrderDocument,
}

/// Writes a gift receipt for goods of an order.
///
/// # Errors
/// [`CheckoutError::GiftNotInMoney`] where points, passes or stored value paid; more than was sold, over all gift
/// receipts of the order.
pub async fn issue(
    host: &Arc<Host>,
    caller: &Principal,
    order: &str,
    request: GiftReceiptRequest,
    intent: Intent,
) -> Result<Effect, CheckoutError> {
    let sold = booked(host, order).await?;
    caller.require_store(&sold.document.store)?;
    let is_wallet = |kind| matches!(kind, TenderKind::Points | TenderKind::StoredValue);
    if sold
        .document
        .tenders
        .iter()
        .any(|tender| is_wallet(tender.kind))
    {
        return Err(CheckoutError::GiftNotInMoney);
    }
    let remaining = remaining(&mut host.db.read().await?, order).await?;
    let given = given(&sold.document, &remaining, &request.lines)?;
    let receipt = GiftReceipt {
        code: receipt_code()?,
        order_id: sold.id,
        lines: serde_json::to_string(&request.lines)
            .map_err(|error| CheckoutError::Internal(error.to_string()))?,
        issued_by: caller.who().to_owned(),
        issued_at: host.clock.now().0,
    };
    let document = sold.document;
    let effect = once(
        host,
        "writing a gift receipt",
        "gift-receipt",
        intent.into(),
        move |tx| {
            Box::pin(async move {
                let others = gift_receipts::of_order(tx, &receipt.order_id, MOST as i64).await?;
                if let Err(error) = leaves_enough(&document, &others, &given) {
                    return Ok(Err(error));
                }
                let code = receipt.code.clone();
                gift_receipts::add(tx, receipt).await?;
                Ok(Ok(code))
            })
        },
    );
    Ok(effect.await?)
}

/// What of each line has not come back; thousandths.
async fn remaining(conn: &mut Conn, order: &str) -> Result<Vec<i64>, CheckoutError> {
    let state = orders::refundable_of(conn, order).await?;
    let unknown = || CheckoutError::OrderUnknown(order.to_owned());
    let lines = state.ok_or_else(unknown)?.lines;
    Ok(lines.iter().map(|line| line.sold - line.refunded).collect())
}

/// Quantities by line of the order, in thousandths.
fn given(
    document: &OrderDocument,
    remaining: &[i64],
    lines: &[RefundLine],
) -> Result<Vec<i64>, CheckoutError> {
    if lines.is_empty() {
        return Err(RefundError::Nothing.into());
    }
    if lines.len() > MAX_LINES {
        return Err(CheckoutError::TooManyLines(lines.len()));
    }
    let mut given = vec![0_i64; document.lines.len()];
    for (position, asked) in lines.iter().enumerate() {
        let at = |field: &str| format!("/lines/{position}/{field}");
        let slot = asked.line as usize;
        let (Some(line), Some(sum)) = (document.lines.get(slot), given.get_mut(slot)) else {
            return Err(CheckoutError::NoSuchLine(at("line")));
        };
        if line.pass_used.is_some() || line.pass_sold.is_some() {
            return Err(CheckoutError::GiftNotInMoney);
        }
        let quantity = thousandths(&asked.quantity).filter(|quantity| *quantity > 0);
        let quantity = quantity.ok_or_else(|| CheckoutError::Quantity(at("quantity")))?;
        *sum = sum.saturating_add(quantity);
        if *sum > remaining.get(slot).copied().unwrap_or(0) {
            return Err(CheckoutError::MoreThanThere(at("quantity")));
        }
    }
    Ok(given)
}

/// Whether the goods are not on other gift receipts already.
fn leaves_enough(
    document: &OrderDocument,
    others: &[GiftReceipt],
    given: &[i64],
) -> Result<(), CheckoutError> {
    if others.len() >= MOST {
        return Err(CheckoutError::GivenAlready);
    }
    let mut sum = given.to_vec();
    for other in others {
        for line in read(&other.lines)? {
            if let Some(sum) = sum.get_mut(line.line as usize) {
                *sum = sum.saturating_add(thousandths(&line.quantity).unwrap_or(0));
            }
        }
    }
    let sold = document.lines.iter().map(|line| line.quantity);
    if sold.zip(&sum).any(|(sold, sum)| *sum > sold) {
        return Err(CheckoutError::GivenAlready);
    }
    Ok(())
}

fn read(lines: &str) -> Result<Vec<RefundLine>, CheckoutError> {
    serde_json::from_str(lines)
        .map_err(|error| CheckoutError::Internal(format!("a gift receipt is damaged: {error}")))
}

/// A gift receipt by its code; small letters are fine.
///
/// # Errors
/// [`CheckoutError::GiftReceiptUnknown`].
pub async fn find(host: &Host, code: &str) -> Result<Shown, CheckoutError> {
    let unknown = || CheckoutError::GiftReceiptUnknown(code.to_owned());
    let code = code.trim().to_uppercase();
    let row = gift_receipts::by_code(&mut host.db.read().await?, &code).await?;
    let row = row.ok_or_else(unknown)?;
    let sold = booked(host, &row.order_id).await?;
    Ok(Shown {
        code: row.code,
        order: row.order_id,
        store: sold.document.store.clone(),
        lines: read(&row.lines)?,
        document: sold.document,
    })
}

/// The gift receipt that is shown for an order.
pub(super) async fn shown(host: &Host, code: &str, order: &str) -> Result<Shown, CheckoutError> {
    let shown = find(host, code).await?;
    if shown.order != order {
        return Err(CheckoutError::GiftReceiptUnknown(code.to_owned()));
    }
    Ok(shown)
}

impl Shown {
    fn counter(&self) -> String {
        format!("{USES_OF}{}", self.code)
    }

    /// What can still be exchanged, by line of the order.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn left(&self, host: &Host) -> Result<Vec<RefundLine>, CheckoutError> {
        let lines: BTreeSet<u32> = self.lines.iter().map(|line| line.line).collect();
        let key = |line: &u32| (self.counter(), name(*line));
        let keys: Vec<CounterKey> = lines.iter().map(key).collect();
        let mut conn = host.db.read().await?;
        let used = counters::values(&mut conn, &keys).await?;
        let remaining = remaining(&mut conn, &self.order).await?;
        let left = lines.into_iter().zip(used).filter_map(|(line, used)| {
            // The buyer may have brought some back himself.
            let there = remaining.get(line as usize).copied().unwrap_or(0);
            let left = (self.quantity(line) - used).min(there);
            (left > 0).then(|| RefundLine {
                line,
                quantity: decimal(left),
            })
        });
        Ok(left.collect())
    }

    /// Of a line of the order, thousandths on this receipt.
    fn quantity(&self, line: u32) -> i64 {
        let own = self.lines.iter().filter(|own| own.line == line);
        own.filter_map(|own| thousandths(&own.quantity)).sum()
    }

    /// The steps that count what comes back, each line within what the receipt is for.
    pub(super) fn uses(&self, lines: &[RefundedLine]) -> Result<Vec<Step>, CheckoutError> {
        let uses = lines.iter().map(|back| Step::Counter {
            owner: self.counter(),
            name: name(back.line),
            change: back.quantity,
            limit: Some(self.quantity(back.line)),
            floor: Some(0),
            enforce: true,
        });
        Ok(uses.collect())
    }
}

fn name(line: u32) -> String {
    format!("line/{line}")
}

/// What a refusal of an exchange means.
pub(super) fn refused(refusal: Refusal) -> CheckoutError {
    match refusal {
        Refusal::CounterLimit {
            owner, limit, name, ..
        } if owner.starts_with(USES_OF) => CheckoutError::NotOnGiftReceipt {
            line: name.strip_prefix("line/").unwrap_or(&name).to_owned(),
            quantity: decimal(limit),
        },
        refusal => changed(refusal),
    }
}
