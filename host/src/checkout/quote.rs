//! A quote: a basket priced by the rules in force, shown to the customer, nothing posted.

use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::access::Principal;
use crate::domain::facts::BaseFacts;
use crate::domain::order::OrderDocument;
use crate::domain::pricing::{PriceInput, RecordedSale, RuleCall, price};
use crate::domain::time::Instant;
use crate::host::Host;
use crate::snapshot::{Bound, Place};

use super::error::CheckoutError;
use super::request::QuoteRequest;
use super::rules::{Asked, Run};
use super::situation::Situation;

/// A priced basket that waits to be committed.
pub struct Quote {
    pub id: String,
    pub at: Instant,
    /// Last instant it can be committed.
    pub expires_at: Instant,
    pub place: Arc<Place>,
    pub terminal: String,
    pub staff: Option<String>,
    pub request: QuoteRequest,
    pub document: OrderDocument,
    pub facts: BaseFacts,
    pub calls: Vec<RuleCall>,
    pub runs: Vec<Run>,
    /// The rules asked, by position in `calls`.
    pub bound: Vec<Arc<Bound>>,
    /// Digest of the document: another host that prices the same request compares it.
    pub digest: String,
}

/// Prices a basket and keeps the quote for its commit.
pub async fn quote(
    host: &Arc<Host>,
    caller: &Principal,
    request: QuoteRequest,
) -> Result<Arc<Quote>, CheckoutError> {
    let at = host.clock.now();
    let quote = Arc::new(priced(host, caller, request, at, None).await?);
    host.quotes.keep(Arc::clone(&quote));
    Ok(quote)
}

/// Prices a basket as of an instant; `recorded` marks a sale that is a fact already.
pub async fn priced(
    host: &Arc<Host>,
    caller: &Principal,
    request: QuoteRequest,
    at: Instant,
    recorded: Option<RecordedSale>,
) -> Result<Quote, CheckoutError> {
    let situation = Situation::gather(host, caller, &request, at).await?;
    let (situation, outcome, runs) = ask(host, situation, recorded).await?;
    let priced = outcome?;
    let lifetime = i64::from(situation.place.settings.quote_lifetime);
    Ok(Quote {
        id: uuid::Uuid::now_v7().to_string(),
        at,
        expires_at: at.plus_seconds(lifetime),
        terminal: caller
            .terminal
            .clone()
            .unwrap_or_else(|| caller.key.clone()),
        staff: caller.staff.as_ref().map(|staff| staff.id.clone()),
        digest: digest(&priced.document)?,
        place: situation.place,
        request,
        document: priced.document,
        facts: priced.facts,
        calls: priced.calls,
        runs,
        bound: situation.bound,
    })
}

type Outcome = Result<crate::domain::pricing::Priced, crate::domain::pricing::PricingError>;

/// Runs the rules away from the tasks that answer requests: a rule may use its whole deadline.
async fn ask(
    host: &Arc<Host>,
    situation: Situation,
    recorded: Option<RecordedSale>,
) -> Result<(Situation, Outcome, Vec<Run>), CheckoutError> {
    let _seat = host
        .pricing_seats
        .acquire()
        .await
        .map_err(|_| CheckoutError::Internal("the host is stopping".to_owned()))?;
    tokio::task::spawn_blocking(move || {
        let mut asked = Asked::new(&situation.bound);
        let input = PriceInput {
            settings: &situation.place.settings,
            basket: &situation.basket,
            order: situation.order.clone(),
            member: situation.member.clone(),
            referral: situation.referral.clone(),
            campaigns: &situation.campaigns,
            points_scale: situation.snapshot.program.scale,
            recorded,
        };
        let outcome = price(&input, &mut asked);
        let runs = std::mem::take(&mut asked.runs);
        drop(asked);
        (situation, outcome, runs)
    })
    .await
    .map_err(|error| CheckoutError::Internal(format!("pricing ended early: {error}")))
}

/// SHA-256 of the document's canonical JSON, in hexadecimal.
pub fn digest(document: &OrderDocument) -> Result<String, CheckoutError> {
    let bytes = serde_json::to_vec(document).map_err(|error| {
        CheckoutError::Internal(format!("an order document did not encode: {error}"))
    })?;
    Ok(hex::encode(Sha256::digest(bytes)))
}
