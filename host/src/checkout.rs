//! The till's use cases: quote, hold, commit, recorded sale, refund, claim. Each is one story; what they share
//! stands in the files of `checkout/`.

pub mod campaigns;
mod card_prices;
mod claim;
pub mod codes;
mod commit;
mod error;
mod exchange;
pub mod gift_receipt;
mod held;
mod hold;
pub mod memberships;
pub mod passes;
pub mod periods;
pub mod posting;
mod quote;
mod quotes;
mod recorded;
mod refund;
mod removal;
pub mod request;
pub mod reserved;
pub mod review;
pub mod rules;
mod sharing;
pub mod situation;
mod sold_passes;
pub mod stored;
pub(crate) mod tier;
pub mod till_prices;
mod upgrades;

pub use claim::{Claiming, claim};
pub use commit::{CommitRequest, Committed, commit, draws};
pub use error::{Change, CheckoutError};
pub use exchange::{Exchanged, GoodsExchange, exchange};
pub use hold::{HeldQuote, hold, release};
pub use quote::{Quote, quote};
pub use quotes::Quotes;
pub use recorded::record;
pub use refund::{Refunding, refund};
pub use removal::{RemovalRequest, remove};

use crate::domain::ledger::{Outcome, Receipt, Refusal};
use crate::host::Host;
use crate::store::operations;

/// An idempotency key with the digest of the request that carries it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Intent {
    pub key: String,
    pub hash: [u8; 32],
}

impl From<Intent> for crate::domain::ledger::Operation {
    fn from(intent: Intent) -> Self {
        Self {
            key: intent.key,
            hash: intent.hash,
        }
    }
}

/// What a key led to before. A request under a key that did its work is answered without doing anything,
/// even when what it rested on is long gone; the writer itself decides every race.
pub async fn recall(host: &Host, intent: &Intent) -> Result<Option<Receipt>, CheckoutError> {
    match outcome(host, intent).await? {
        None => Ok(None),
        Some(Outcome::Done(receipt)) => Ok(Some(receipt)),
        Some(Outcome::Refused(refusal)) => Err(commit::changed(refusal)),
    }
}

/// How a request under this key ended before, if it did.
///
/// # Errors
/// [`Refusal::KeyReused`] where another request had the key.
pub async fn outcome(host: &Host, intent: &Intent) -> Result<Option<Outcome>, CheckoutError> {
    let mut conn = host.db.read().await?;
    let Some(recorded) = operations::by_key(&mut conn, &intent.key).await? else {
        return Ok(None);
    };
    if recorded.hash != intent.hash {
        let key = intent.key.clone();
        return Err(Refusal::KeyReused { key }.into());
    }
    Ok(Some(recorded.outcome))
}
