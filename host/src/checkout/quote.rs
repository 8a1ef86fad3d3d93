//! A quote: a basket priced by the rules in force, shown to the customer, nothing posted.

use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::access::Principal;
use crate::commission::earned;
use crate::domain::order::OrderDocument;
use crate::domain::pricing::{PriceInput, RecordedSale, price};
use crate::domain::time::Instant;
use crate::host::Host;
use crate::snapshot::Place;

use super::codes;
use super::error::CheckoutError;
use super::passes;
use super::request::QuoteRequest;
use super::reserved;
use super::rules::{Run, ask, evaluations};
use super::sharing;
use super::situation::Situation;
use super::stored::Sale;
use super::till_prices;

/// A priced basket that waits to be committed.
pub struct Quote {
    pub id: String,
    pub at: Instant,
    /// Last instant it can be committed.
    pub expires_at: Instant,
    pub place: Arc<Place>,
    pub request: QuoteRequest,
    pub sale: Arc<Sale>,
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
    let approvals = till_prices::agreed(host, caller, &request, &situation.basket.lines, at)?;
    let is_fact = recorded.is_some();
    if !is_fact {
        reserved::check(&situation)?;
        passes::check(host, &situation).await?;
    }
    let (situation, outcome, runs) = settle(host, situation, recorded).await?;
    let mut priced = outcome?;
    let (snapshot, place) = (&situation.snapshot, &situation.place);
    codes::find_honouring(&mut priced.document, snapshot, place, at);
    priced.document.wallet = situation.shared.clone();
    if !is_fact {
        sharing::check(host, &priced.document).await?;
    }
    // What another host compares is what the customer sees; who sold it and who agreed to a price are no part of it.
    let digest = digest(&priced.document)?;
    let sold = earned(host, caller, place, &request, &priced.document);
    priced.document.commissions = sold.await?;
    priced.document.approvals = approvals;
    let lifetime = i64::from(situation.place.settings.quote_lifetime);
    Ok(Quote {
        id: uuid::Uuid::now_v7().to_string(),
        at,
        expires_at: at.plus_seconds(lifetime),
        digest,
        place: situation.place,
        request,
        sale: Arc::new(Sale {
            terminal: caller
                .terminal
                .clone()
                .unwrap_or_else(|| caller.key.clone()),
            staff: caller.staff.as_ref().map(|staff| staff.id.clone()),
            document: priced.document,
            facts: priced.facts,
            evaluations: evaluations(priced.calls, runs, &situation.bound)?,
        }),
    })
}

type Outcome = Result<crate::domain::pricing::Priced, crate::domain::pricing::PricingError>;

async fn settle(
    host: &Arc<Host>,
    situation: Situation,
    recorded: Option<RecordedSale>,
) -> Result<(Situation, Outcome, Vec<Run>), CheckoutError> {
    let ((situation, outcome), runs) = ask(host, situation.bound.clone(), move |asked| {
        let input = PriceInput {
            settings: &situation.place.settings,
            basket: &situation.basket,
            order: situation.order.clone(),
            member: situation.member.clone(),
            referral: situation.referral.clone(),
            campaigns: &situation.campaigns,
            refused_codes: &situation.refused_codes,
            points_scale: situation.snapshot.program.scale,
            recorded,
        };
        let outcome = price(&input, asked);
        (situation, outcome)
    })
    .await?;
    Ok((situation, outcome, runs))
}

/// SHA-256 of the document's canonical JSON, in hexadecimal.
pub fn digest(document: &OrderDocument) -> Result<String, CheckoutError> {
    let bytes = serde_json::to_vec(document).map_err(|error| {
        CheckoutError::Internal(format!("an order document did not encode: {error}"))
    })?;
    Ok(hex::encode(Sha256::digest(bytes)))
}
