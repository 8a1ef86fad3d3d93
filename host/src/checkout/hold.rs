//! A hold: a quote's points, stored value, counters and codes reserved for a while, because a card
//! terminal may be charging meanwhile.

use std::sync::Arc;

use crate::access::Principal;
use crate::domain::ledger::{Command, HoldOutcome, Step, Subject, points_asset};
use crate::domain::time::Instant;
use crate::host::Host;

use super::Intent;
use super::commit::submit;
use super::error::{Change, CheckoutError};
use super::posting;

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
    let quote = host
        .quotes
        .find(quote_id)
        .ok_or_else(|| CheckoutError::QuoteUnknown(quote_id.to_owned()))?;
    caller.require_store(&quote.place.store.id)?;
    let now = host.clock.now();
    let standing = host.quotes.hold_of(quote_id);
    if standing.is_none() && now > quote.expires_at {
        return Err(CheckoutError::QuoteStale(vec![Change::Expired {
            expired_at: quote.expires_at.0,
        }]));
    }
    let points = points_asset(crate::domain::ledger::DEFAULT_PROGRAM);
    let id = standing.as_ref().map_or_else(
        || uuid::Uuid::now_v7().to_string(),
        |standing| standing.id.clone(),
    );
    let expires_at = now.plus_seconds(i64::from(quote.place.settings.hold_lifetime));
    let mut command = Command::new("hold", Subject::new("hold", &id), now, quote.place.day(now));
    command.operation = Some(intent.into());
    command.steps.push(Step::Hold {
        hold: id,
        quote: quote_id.to_owned(),
        member: quote.document.member.clone(),
        expires_at,
        reserves: posting::reserves(&quote.document, &points)?,
    });
    let receipt = submit(host, command).await?;
    let held = HeldQuote {
        id: receipt.subject.id,
        expires_at,
        replayed: receipt.replayed,
    };
    if held.replayed {
        return Ok(standing.map_or(held.clone(), |standing| HeldQuote {
            replayed: true,
            ..standing
        }));
    }
    host.quotes.note_hold(quote_id, &held);
    Ok(held)
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
    let unknown = || CheckoutError::HoldUnknown(quote_id.to_owned());
    let quote = host.quotes.find(quote_id).ok_or_else(unknown)?;
    caller.require_store(&quote.place.store.id)?;
    let held = host.quotes.hold_of(quote_id).ok_or_else(unknown)?;
    let now = host.clock.now();
    let mut command = Command::new(
        "release",
        Subject::new("hold", &held.id),
        now,
        quote.place.day(now),
    );
    command.operation = Some(intent.into());
    command.steps.push(Step::ResolveHold {
        hold: held.id,
        outcome: HoldOutcome::Voided,
    });
    host.writer.submit(command).await?;
    host.quotes.forget_hold(quote_id);
    Ok(())
}
