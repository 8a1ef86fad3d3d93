//! Baskets put aside at one till and taken up at any other of the store, once (挂单).
//!
//! A parked basket is the request of a quote and nothing more: it reserves nothing, and it is priced anew when it is
//! taken up. It waits for [`DAYS`] days.

use std::sync::Arc;

use serde::Deserialize;
use utoipa::ToSchema;

use crate::access::Principal;
use crate::checkout::request::{MemberReference, QuoteRequest};
use crate::checkout::situation::{find_member, place};
use crate::checkout::{CheckoutError, Intent};
use crate::domain::basket::MAX_LINES;
use crate::host::Host;
use crate::once::{Effect, OnceError, once};
use crate::store::baskets::Parked;
use crate::store::{self, StoreError};

/// Baskets that wait in one store at once.
const MOST: i64 = 200;
/// Days a basket waits.
const DAYS: i64 = 7;
const DAY: i64 = 86_400_000_000;
const LONGEST_LABEL: usize = 100;

/// A basket to put aside.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ParkRequest {
    /// What the cashier will know it by: a table, a name, the colour of a jacket. At most 100 characters.
    pub label: String,
    /// The basket, as a quote would take it.
    pub basket: QuoteRequest,
}

/// Why a basket was not put aside or taken up.
#[derive(Debug, thiserror::Error)]
pub enum ParkingError {
    #[error("a label of 1 to 100 characters is needed at `/label`")]
    Label,
    #[error("{MOST} baskets wait in this store already; take some up")]
    Full,
    #[error("no basket `{0}` waits in this store")]
    Unknown(String),
    #[error("the basket `{0}` was taken up already")]
    TakenUp(String),
    #[error("the key was used for something else")]
    KeyReused,
    #[error(transparent)]
    Checkout(#[from] CheckoutError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<OnceError<ParkingError>> for ParkingError {
    fn from(error: OnceError<ParkingError>) -> Self {
        match error {
            OnceError::Reused | OnceError::Before(_) => Self::KeyReused,
            OnceError::Refused(refusal) => refusal,
            OnceError::Store(error) => Self::Store(error),
        }
    }
}

/// Puts a basket aside; its member is kept by id, whatever he was named by.
///
/// # Errors
/// See [`ParkingError`].
pub async fn park(
    host: &Arc<Host>,
    caller: &Principal,
    request: ParkRequest,
    intent: Intent,
) -> Result<Effect, ParkingError> {
    let length = request.label.chars().count();
    if length == 0 || length > LONGEST_LABEL {
        return Err(ParkingError::Label);
    }
    let mut basket = request.basket;
    if basket.lines.len() > MAX_LINES {
        return Err(CheckoutError::TooManyLines(basket.lines.len()).into());
    }
    let snapshot = host.snapshots.current().ok_or(CheckoutError::NoChain)?;
    let store = place(&snapshot, caller, &basket)?.store.id.clone();
    let owners = basket
        .lines
        .iter_mut()
        .filter_map(|line| line.pass.as_mut());
    let named = owners.filter_map(|pass| pass.of.as_mut());
    let wallets = basket.tenders.iter_mut();
    let wallets = wallets.filter_map(|tender| tender.of.as_mut());
    for named in named.chain(wallets).chain(basket.member.as_mut()) {
        let mut conn = host.db.read().await?;
        let member = find_member(host, &mut conn, named).await?.member.id;
        *named = MemberReference::Id(member);
    }
    basket.store = Some(store.clone());
    // Prices are agreed to for the customer at the till; the quote to come asks again.
    basket.approvals.clear();
    basket.follows = None;
    let now = host.clock.now().0;
    let parked = Parked {
        id: uuid::Uuid::now_v7().to_string(),
        label: request.label,
        parked_by: caller.who().to_owned(),
        parked_at: now,
        recalled_under: String::new(),
        basket: serde_json::to_string(&basket)
            .map_err(|error| CheckoutError::Internal(error.to_string()))?,
        store: store.clone(),
    };
    let effect = once(
        host,
        "parking a basket",
        "basket",
        intent.into(),
        move |tx| {
            Box::pin(async move {
                store::baskets::forget(tx, &store, now - DAYS * DAY).await?;
                let waiting = store::baskets::waiting(tx, &store, "", MOST).await?;
                if waiting.len() as i64 >= MOST {
                    return Ok(Err(ParkingError::Full));
                }
                let id = parked.id.clone();
                store::baskets::park(tx, parked).await?;
                Ok(Ok(id))
            })
        },
    );
    Ok(effect.await?)
}

/// Takes a basket up: of two tills one gets it, and hears it again when it asks again under its key.
///
/// # Errors
/// See [`ParkingError`].
pub async fn recall(
    host: &Arc<Host>,
    caller: &Principal,
    id: &str,
    intent: Intent,
) -> Result<(Parked, bool), ParkingError> {
    let parked = waiting(host, caller, id).await?;
    let (basket, key) = (parked.id.clone(), intent.key.clone());
    let effect = once(
        host,
        "taking a basket up",
        "basket",
        intent.into(),
        move |tx| {
            Box::pin(async move {
                Ok(if store::baskets::recall(tx, &basket, &key).await? {
                    Ok(basket)
                } else {
                    Err(ParkingError::TakenUp(basket))
                })
            })
        },
    );
    let effect = effect.await?;
    Ok((parked, effect.replayed))
}

/// The basket, if it is one of the caller's store, waiting or taken up.
async fn waiting(host: &Host, caller: &Principal, id: &str) -> Result<Parked, ParkingError> {
    let mut conn = host.db.read().await?;
    let found = store::baskets::by_id(&mut conn, id).await?;
    let parked = found.ok_or_else(|| ParkingError::Unknown(id.to_owned()))?;
    let allowed = caller.require_store(&parked.store);
    allowed.map_err(|_| ParkingError::Unknown(id.to_owned()))?;
    Ok(parked)
}
