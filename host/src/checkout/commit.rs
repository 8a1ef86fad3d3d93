//! A commit: posts exactly what the quote showed, once, or says what changed.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::access::Principal;
use crate::approval;
use crate::domain::ledger::{
    Clearing, Command, EventRow, HoldOutcome, MemberDayRow, Receipt, Record, Refusal, Step,
    Subject, points_asset,
};
use crate::domain::order::{GrantRecord, OrderDocument};
use crate::domain::rules::Gift;
use crate::domain::time::{Day, Instant};
use crate::host::Host;
use crate::shift;
use crate::snapshot::Bound;

use super::Intent;
use super::error::{Change, CheckoutError};
use super::held::{self, Waiting};
use super::posting::{self, Strictness};
use super::quote::{self, Quote};
use super::request::{QuoteRequest, TenderRequest};
use super::situation::{intent, place};
use super::stored::{self, Booked, NewOrder, Sale, order_rows};
use super::tier;

/// What a till sends with a commit; all of it may be absent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CommitRequest {
    /// Money for what the quote left to pay.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tenders: Vec<TenderRequest>,
    /// The quote's own request, so that a host that does not know the quote can price it again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quote: Option<Requote>,
}

/// Enough to price a quote again elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Requote {
    pub request: QuoteRequest,
    /// `quoted_at` of the quote.
    #[schema(value_type = String, format = DateTime)]
    pub quoted_at: chrono::DateTime<chrono::FixedOffset>,
    /// `digest` of the quote; another result is answered with `quote_stale`.
    pub digest: String,
}

/// What a commit led to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Committed {
    pub order: Booked,
    /// True if the key had done this before and nothing happened now.
    pub replayed: bool,
}

impl Committed {
    /// An order that was booked by an earlier request.
    pub async fn before(host: &Host, order: &str) -> Result<Self, CheckoutError> {
        let order = stored::booked(host, order).await?;
        tier::reached_before(host, &order.id, &order.document, order.document.occurred_at).await?;
        Ok(Self {
            order,
            replayed: true,
        })
    }
}

/// Commits a quote.
pub async fn commit(
    host: &Arc<Host>,
    caller: &Principal,
    quote_id: &str,
    request: CommitRequest,
    intent: Intent,
) -> Result<Committed, CheckoutError> {
    let now = host.clock.now();
    // A key that did its work is answered even when its quote is long forgotten. While the quote is at hand
    // the writer, which looks every key up, is the first to ask.
    if !host.quotes.is_at_hand(quote_id, now)
        && let Some(receipt) = super::recall(host, &intent).await?
    {
        return Committed::before(host, &receipt.subject.id).await;
    }
    let waiting = match waiting(host, caller, quote_id, request.quote.as_ref(), now).await? {
        Ok(waiting) => waiting,
        Err(stale) => return given_up(host, quote_id, intent, stale).await,
    };
    caller.require_store(&waiting.sale.document.store)?;
    if now > waiting.ends {
        let stale = expired(host, &waiting.sale.document, waiting.ends, now);
        return given_up(host, quote_id, intent, stale).await;
    }
    let document = payable(&waiting.sale.document, &request.tenders)?;
    let till = shift::at_till(host, caller, &document.store);
    book(host, || {
        let order = uuid::Uuid::now_v7().to_string();
        let (mut command, booked) =
            committing((quote_id, &order), &waiting, document.clone(), now)?;
        command.operation = Some(intent.clone().into());
        command.steps.extend(till.clone());
        Ok((command, booked))
    })
    .await
}

/// The command that commits what waits under a quote's id, as an order.
pub(super) fn committing(
    (quote_id, order): (&str, &str),
    waiting: &Waiting,
    document: OrderDocument,
    now: Instant,
) -> Result<(Command, Booked), CheckoutError> {
    let new = NewOrder {
        id: order,
        quote_id: Some(quote_id),
        external_id: None,
    };
    let (sale, strictness) = (&waiting.sale, Strictness::Enforced);
    let (mut command, booked) = sale_command(&new, sale, document, strictness, now)?;
    if let Some(hold) = &waiting.hold {
        let posted = Step::ResolveHold {
            hold: hold.clone(),
            outcome: HoldOutcome::Posted,
        };
        command.steps.insert(0, posted);
    }
    Ok((command, booked))
}

/// Refuses a quote that no longer holds, once and for all hosts. Whoever hears it sells the basket anew; an attempt
/// under the same key that is still on its way at another host must not sell it as well. Where that one was faster, its
/// order is the answer.
async fn given_up(
    host: &Host,
    quote_id: &str,
    intent: Intent,
    stale: CheckoutError,
) -> Result<Committed, CheckoutError> {
    let receipt = give_up(host, quote_id, intent, stale).await?;
    Committed::before(host, &receipt.subject.id).await
}

/// The same for whatever else commits a quote: what the faster attempt led to, or why there is none.
pub(super) async fn give_up(
    host: &Host,
    quote_id: &str,
    intent: Intent,
    stale: CheckoutError,
) -> Result<Receipt, CheckoutError> {
    let now = host.clock.now();
    let day = crate::clock::business_day(now, chrono_tz::UTC);
    let mut command = Command::new("quote-stale", Subject::new("quote", quote_id), now, day);
    command.operation = Some(intent.into());
    command.steps.push(Step::GiveUp {
        quote: quote_id.to_owned(),
    });
    match host.writer.submit(command).await {
        Ok(receipt) => Ok(receipt),
        Err(Refusal::QuoteGivenUp { .. }) => Err(stale),
        Err(refusal) => Err(changed(refusal)),
    }
}

/// Its time ran out: a quote holds what it showed for its life, whatever ends meanwhile. Afterwards the till is told
/// which of its campaigns a new quote will not have.
pub fn expired(
    host: &Host,
    document: &OrderDocument,
    ends: Instant,
    now: Instant,
) -> CheckoutError {
    let mut changes = vec![Change::Expired { expired_at: ends.0 }];
    if let Some(snapshot) = host.snapshots.current()
        && let Some(place) = snapshot.place(&document.store)
    {
        let live = snapshot.live_in(&place, now);
        for campaign in document.effective_campaigns() {
            let is_it = |bound: &&Arc<Bound>| bound.binding.id == campaign.binding;
            if !live.iter().any(|bound| is_it(&bound)) {
                let bound = snapshot.rules.iter().find(is_it);
                changes.push(Change::CampaignEnded {
                    binding: campaign.binding.clone(),
                    name: bound.map_or_else(String::new, |bound| bound.binding.name.clone()),
                });
            }
        }
    }
    CheckoutError::QuoteStale(changes)
}

/// What waits under a quote's id here, or is priced again from its request; or why that no longer holds.
pub(super) async fn waiting(
    host: &Arc<Host>,
    caller: &Principal,
    quote_id: &str,
    again: Option<&Requote>,
    now: Instant,
) -> Result<Result<Waiting, CheckoutError>, CheckoutError> {
    if let Some(waiting) = held::find(host, quote_id).await? {
        return Ok(Ok(waiting));
    }
    match priced_again(host, caller, quote_id, again, now).await {
        Ok(quote) => Ok(Ok(Waiting::unheld(&quote))),
        Err(stale @ CheckoutError::QuoteStale(_)) => Ok(Err(stale)),
        Err(error) => Err(error),
    }
}

/// The quote's request priced again by a host that does not know the quote, as of the instant it was made.
async fn priced_again(
    host: &Arc<Host>,
    caller: &Principal,
    quote_id: &str,
    again: Option<&Requote>,
    now: Instant,
) -> Result<Quote, CheckoutError> {
    let unknown = || CheckoutError::QuoteUnknown(quote_id.to_owned());
    let again = again.ok_or_else(unknown)?;
    let snapshot = host.snapshots.current().ok_or(CheckoutError::NoChain)?;
    let place = place(&snapshot, caller, &again.request)?;
    let quoted_at = Instant(again.quoted_at.timestamp_micros());
    let expires_at = quoted_at.plus_seconds(i64::from(place.settings.quote_lifetime));
    if quoted_at > now || now > expires_at {
        return Err(CheckoutError::QuoteStale(vec![Change::Expired {
            expired_at: expires_at.0,
        }]));
    }
    let quote = quote::priced(host, caller, again.request.clone(), quoted_at, None).await?;
    if quote.digest != again.digest {
        return Err(CheckoutError::QuoteStale(vec![Change::PricedDifferently]));
    }
    Ok(quote)
}

/// The quoted document with what was left open paid.
pub(super) fn payable(
    quoted: &OrderDocument,
    tenders: &[TenderRequest],
) -> Result<OrderDocument, CheckoutError> {
    let mut document = quoted.clone();
    let tenders: Vec<_> = tenders
        .iter()
        .enumerate()
        .map(intent)
        .collect::<Result<_, _>>()?;
    if !tenders.is_empty() {
        document.pay_rest(&tenders)?;
    }
    let totals = &document.totals;
    if totals.left_to_pay > 0 {
        return Err(CheckoutError::LeftToPay {
            given: totals.paid,
            needed: totals.paid + totals.left_to_pay,
        });
    }
    Ok(document)
}

/// The whole of a sale as one command (postings, limits, and the rows that tell of it), and what it books.
pub fn sale_command(
    new: &NewOrder<'_>,
    sale: &Sale,
    mut document: OrderDocument,
    strictness: Strictness,
    now: Instant,
) -> Result<(Command, Booked), CheckoutError> {
    document.assign_lots(&mut || uuid::Uuid::now_v7().to_string());
    document.assign_codes(stored::receipt_code)?;
    let points = points_asset(crate::domain::ledger::DEFAULT_PROGRAM);
    let mut command = Command::new(
        "sale",
        Subject::new("order", new.id),
        now,
        document.business_date,
    );
    command.steps = posting::sale(new.id, &document, &points, strictness)?;
    let (row, evaluations) = order_rows(new, sale, &document)?;
    let booked = Booked {
        id: row.id.clone(),
        receipt_code: row.receipt_code.clone(),
        quote_id: row.quote_id.clone(),
        external_id: row.external_id.clone(),
        terminal: row.terminal.clone(),
        staff: row.staff.clone(),
        document,
    };
    let document = &booked.document;
    command.records.push(Record::Order(Box::new(row)));
    command.records.extend(
        evaluations
            .into_iter()
            .map(|row| Record::Evaluation(Box::new(row))),
    );
    if let Some(member) = &document.member {
        command
            .records
            .extend(purchases(member, document.business_date, document));
        command.records.push(Record::MemberOrders {
            member: member.clone(),
            change: 1,
        });
        if let Some(outcome) = &document.tier {
            command.records.extend(tier::records(
                member,
                &document.store,
                &sale.facts,
                outcome,
                document.business_date,
            ));
        }
    }
    command.records.extend(draws(new.id, document));
    let payload = serde_json::json!({
        "order": new.id,
        "total": document.totals.total,
        "currency": document.currency,
        "points_earned": document.totals.points_earned,
        "receipt_code": booked.receipt_code,
    });
    command.records.push(Record::Event(EventRow {
        kind: "order.committed".to_owned(),
        subject: new.id.to_owned(),
        store: Some(document.store.clone()),
        payload: payload.to_string(),
    }));
    Ok((command, booked))
}

/// Tells of the entries in prize draws a sale gave.
pub fn draws<'a>(order: &'a str, document: &'a OrderDocument) -> impl Iterator<Item = Record> + 'a {
    let grants = document.grants.iter();
    let entries = grants.filter(|record| record.grant.gift == Gift::DrawEntry);
    entries.map(move |record| {
        let count = record.grant.count.into();
        draw("draw.entered", order, document, record, count)
    })
}

/// Tells of entries in a prize draw, or of their withdrawal.
pub fn draw(
    kind: &str,
    order: &str,
    document: &OrderDocument,
    record: &GrantRecord,
    entries: i64,
) -> Record {
    let payload = serde_json::json!({
        "draw": record.grant.name,
        "entries": entries,
        "member": record.holder.as_ref().or(document.member.as_ref()),
        "order": order,
    });
    Record::Event(EventRow {
        kind: kind.to_owned(),
        subject: order.to_owned(),
        store: Some(document.store.clone()),
        payload: payload.to_string(),
    })
}

/// What an order adds to its member's purchases.
pub fn purchases<'a>(
    member: &'a str,
    day: Day,
    document: &OrderDocument,
) -> impl Iterator<Item = Record> + 'a {
    document.purchase_sums().into_iter().map(move |sum| {
        Record::MemberDay(MemberDayRow {
            member: member.to_owned(),
            day,
            category: sum.category,
            spend: sum.spend,
            orders: sum.orders,
            units: sum.units,
            points: sum.points,
        })
    })
}

/// How a store's own books are kept, where it settles with the chain.
pub(super) fn clearing(host: &Host, store: &str) -> Result<Option<Clearing>, CheckoutError> {
    let snapshot = host.snapshots.current().ok_or(CheckoutError::NoChain)?;
    let place = snapshot.place(store);
    Ok(place.and_then(|place| place.clearing()))
}

/// Hands the sale that `make` makes to the writer. A receipt code that is taken is the one refusal worth making it
/// again.
pub async fn book(
    host: &Host,
    make: impl Fn() -> Result<(Command, Booked), CheckoutError>,
) -> Result<Committed, CheckoutError> {
    const TRIES: usize = 3;
    for _ in 0..TRIES {
        let (mut command, booked) = make()?;
        command.clearing = clearing(host, &booked.document.store)?;
        match host.writer.submit(command).await {
            Err(Refusal::ReceiptCodeTaken { .. }) => {}
            Err(refusal) => return Err(changed(refusal)),
            Ok(receipt) if receipt.replayed => {
                return Committed::before(host, &receipt.subject.id).await;
            }
            Ok(_) => {
                tier::reached(host, &booked.id, &booked.document).await;
                return Ok(Committed {
                    order: booked,
                    replayed: false,
                });
            }
        }
    }
    Err(CheckoutError::Internal(
        "no free receipt code was found".to_owned(),
    ))
}

/// A refusal as the till hears it: what changed since the quote, where that is the reason.
pub fn changed(refusal: Refusal) -> CheckoutError {
    match approval::refused(refusal) {
        CheckoutError::Ledger(refusal) => match Change::of(&refusal) {
            Some(change) => CheckoutError::QuoteStale(vec![change]),
            None => refusal.into(),
        },
        error => error,
    }
}
