//! A sale that already happened: at a till that was offline, or before the chain moved to this host. It is a
//! fact and is accepted; what it could not have is a claim of the store and an event.

use std::sync::Arc;

use crate::access::Principal;
use crate::domain::ledger::Refusal;
use crate::domain::pricing;
use crate::domain::time::Instant;
use crate::host::Host;
use crate::shift;

use super::Intent;
use super::commit::{Committed, book, sale_command};
use super::error::CheckoutError;
use super::posting::Strictness;
use super::quote::priced;
use super::request::RecordedSale;
use super::stored::NewOrder;

/// How far a till's clock may run ahead, seconds.
const CLOCK_SKEW_SECONDS: i64 = 300;

/// Books a recorded sale under the rules in force when it happened.
pub async fn record(
    host: &Arc<Host>,
    caller: &Principal,
    request: RecordedSale,
    intent: Intent,
) -> Result<Committed, CheckoutError> {
    if let Some(receipt) = super::recall(host, &intent).await? {
        return Committed::before(host, &receipt.subject.id).await;
    }
    let now = host.clock.now();
    let occurred_at = Instant(request.occurred_at.timestamp_micros());
    if occurred_at > now.plus_seconds(CLOCK_SKEW_SECONDS) {
        return Err(CheckoutError::InTheFuture);
    }
    if let Some(position) = request.sale.lines.iter().position(|line| line.upgrade) {
        // What it takes in payment must still be there.
        return Err(CheckoutError::PassUnfit {
            at: format!("/sale/lines/{position}/upgrade"),
            why: "a sale that happened already upgrades nothing",
        });
    }
    let fact = pricing::RecordedSale {
        total: request.paid,
    };
    let quote = priced(host, caller, request.sale, occurred_at, Some(fact)).await?;
    let till = shift::recorded_at_till(host, caller, &quote.sale.document.store);
    let booking = book(host, || {
        let order = uuid::Uuid::now_v7().to_string();
        let new = NewOrder {
            id: &order,
            quote_id: None,
            external_id: Some(&request.external_id),
        };
        let document = quote.sale.document.clone();
        let (sale, strictness) = (&quote.sale, Strictness::Recorded);
        let (mut command, booked) = sale_command(&new, sale, document, strictness, occurred_at)?;
        command.steps.extend(till.clone());
        command.operation = Some(intent.clone().into());
        Ok((command, booked))
    });
    match booking.await {
        // The till's own number says it is the same sale, whatever key it came with this time.
        Err(CheckoutError::Ledger(Refusal::AlreadyRecorded { order, .. })) => {
            Committed::before(host, &order).await
        }
        booked => booked,
    }
}
