//! What waits to be committed: in this host's memory, or in the database with its hold. A held quote cannot
//! go stale before its hold ends, so it outlives the memory of the host that made it.

use std::sync::Arc;

use crate::domain::ledger::{HoldOutcome, HoldState, Refusal};
use crate::domain::time::Instant;
use crate::host::Host;
use crate::store::holds;
use crate::store::orders::{self, OrderName};

use super::error::{Change, CheckoutError};
use super::hold::HeldQuote;
use super::quote::Quote;
use super::stored::{Sale, unpack};

/// A sale nobody has committed yet.
pub struct Waiting {
    pub sale: Arc<Sale>,
    /// The hold that reserves its benefits, if there is one.
    pub hold: Option<String>,
    /// Last instant it can be committed.
    pub ends: Instant,
}

impl Waiting {
    /// A quote without a hold.
    pub fn unheld(quote: &Quote) -> Self {
        Self {
            sale: Arc::clone(&quote.sale),
            hold: None,
            ends: quote.expires_at,
        }
    }
}

/// Finds what waits under a quote's id; nothing where neither memory nor a hold knows it.
pub async fn find(host: &Host, quote_id: &str) -> Result<Option<Waiting>, CheckoutError> {
    let known = host.quotes.find(quote_id);
    if let Some(quote) = &known
        && host.quotes.hold_of(quote_id).is_none()
    {
        return Ok(Some(Waiting::unheld(quote)));
    }
    // What became of the hold is asked of the database: another host may have ended it.
    let mut conn = host.db.read().await?;
    let Some(hold) = holds::of_quote(&mut conn, quote_id).await? else {
        return Ok(known.map(|quote| Waiting::unheld(&quote)));
    };
    match hold.state {
        HoldState::Pending => {
            let sale = match known {
                Some(quote) => Arc::clone(&quote.sale),
                None => Arc::new(unpack(&hold.sale)?),
            };
            Ok(Some(Waiting {
                sale,
                hold: Some(hold.id),
                ends: hold.expires_at,
            }))
        }
        HoldState::Ended(HoldOutcome::Posted) => {
            let name = OrderName::Quote(quote_id.to_owned());
            let order = orders::order_by(&mut conn, &name).await?.ok_or_else(|| {
                CheckoutError::Internal(
                    "a posted hold has no order; run `tessera verify`".to_owned(),
                )
            })?;
            Err(CheckoutError::Ledger(Refusal::AlreadyCommitted {
                quote: quote_id.to_owned(),
                order: order.id,
            }))
        }
        HoldState::Ended(HoldOutcome::Expired) => {
            Err(CheckoutError::QuoteStale(vec![Change::Expired {
                expired_at: hold.expires_at.0,
            }]))
        }
        // Released before its time: nothing was spent, and whoever remembers the quote may commit it.
        HoldState::Ended(HoldOutcome::Voided) => Ok(known.map(|quote| Waiting::unheld(&quote))),
    }
}

/// The hold a key made before.
pub async fn made_before(host: &Host, hold: &str) -> Result<HeldQuote, CheckoutError> {
    let mut conn = host.db.read().await?;
    let hold = holds::by_id(&mut conn, hold).await?.ok_or_else(|| {
        CheckoutError::Internal("a hold that was made is gone; run `tessera verify`".to_owned())
    })?;
    Ok(HeldQuote {
        id: hold.id,
        expires_at: hold.expires_at,
        replayed: true,
    })
}
