//! A hold: a quote's points, stored value, counters and codes reserved for a while, because a card
//! terminal may be charging meanwhile.

use std::sync::Arc;

use crate::access::Principal;
use crate::domain::ledger::{
    Command, HoldOutcome, HoldState, Refusal, Step, Subject, points_asset,
};
use crate::domain::time::Instant;
use crate::host::Host;
use crate::store::holds;

use super::Intent;
use super::commit::{changed, expired};
use super::error::CheckoutError;
use super::stored::{Sale, pack, unpack};
use super::{held, posting};

/// A hold that is in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldQuote {
    pub id: String,
    pub expires_at: Instant,
    pub replayed: bool,
}

/// Reserves a quote's benefits. While the hold lasts the quote cannot go stale.
pub async fn hold(
    host: &Arc<Host>,
    caller: &Principal,
    quote_id: &str,
    intent: Intent,
) -> Result<HeldQuote, CheckoutError> {
    if let Some(receipt) = super::recall(host, &intent).await? {
        return held::made_before(host, &receipt.subject.id).await;
    }
    let Some(quote) = host.quotes.find(quote_id) else {
        return Err(not_to_hold(host, quote_id).await?);
    };
    caller.require_store(&quote.place.store.id)?;
    let now = host.clock.now();
    if host.quotes.hold_of(quote_id).is_none() && now > quote.expires_at {
        let document = &quote.sale.document;
        return Err(expired(host, document, quote.expires_at, now));
    }
    let points = points_asset(crate::domain::ledger::DEFAULT_PROGRAM);
    let id = uuid::Uuid::now_v7().to_string();
    let expires_at = now.plus_seconds(i64::from(quote.place.settings.hold_lifetime));
    let mut command = Command::new("hold", Subject::new("hold", &id), now, quote.place.day(now));
    command.operation = Some(intent.into());
    command.steps.push(Step::Hold {
        hold: id,
        quote: quote_id.to_owned(),
        member: quote.sale.document.member.clone(),
        expires_at,
        reserves: posting::reserves(&quote.sale.document, &points)?,
        sale: pack(&*quote.sale)?,
    });
    let receipt = host.writer.submit(command).await.map_err(changed)?;
    if receipt.replayed {
        return held::made_before(host, &receipt.subject.id).await;
    }
    let held = HeldQuote {
        id: receipt.subject.id,
        expires_at,
        replayed: false,
    };
    host.quotes.note_hold(quote_id, &held);
    Ok(held)
}

/// Why a quote that is not in memory cannot be held: it is held already, or nobody knows it.
async fn not_to_hold(host: &Host, quote: &str) -> Result<CheckoutError, CheckoutError> {
    let mut conn = host.db.read().await?;
    let pending = holds::of_quote(&mut conn, quote)
        .await?
        .filter(|hold| hold.state == HoldState::Pending);
    Ok(match pending {
        Some(hold) => CheckoutError::Ledger(Refusal::AlreadyHeld {
            quote: hold.quote,
            hold: hold.id,
        }),
        None => CheckoutError::QuoteUnknown(quote.to_owned()),
    })
}

/// Ends a quote's hold before its time; everything reserved returns to where it was.
pub async fn release(
    host: &Arc<Host>,
    caller: &Principal,
    quote_id: &str,
    intent: Intent,
) -> Result<(), CheckoutError> {
    if super::recall(host, &intent).await?.is_some() {
        return Ok(());
    }
    // Read from the database, so that any host can end a hold, also after its maker has gone.
    let hold = {
        let mut conn = host.db.read().await?;
        holds::of_quote(&mut conn, quote_id)
            .await?
            .filter(|hold| hold.state == HoldState::Pending)
            .ok_or_else(|| CheckoutError::HoldUnknown(quote_id.to_owned()))?
    };
    let sale: Sale = unpack(&hold.sale)?;
    caller.require_store(&sale.document.store)?;
    let snapshot = host.snapshots.current().ok_or(CheckoutError::NoChain)?;
    let place = snapshot
        .place(&sale.document.store)
        .ok_or_else(|| CheckoutError::StoreUnknown(sale.document.store.clone()))?;
    let now = host.clock.now();
    let mut command = Command::new(
        "release",
        Subject::new("hold", &hold.id),
        now,
        place.day(now),
    );
    command.operation = Some(intent.into());
    command.steps.push(Step::ResolveHold {
        hold: hold.id,
        outcome: HoldOutcome::Voided,
    });
    host.writer.submit(command).await?;
    host.quotes.forget_hold(quote_id);
    Ok(())
}
