//! An exchange: what comes back of one order pays for another, in one act that happens wholly or not at all.
//!
//! Each half stays what it is. The refund inverts the old sale, the new sale is exactly what its quote showed, each with
//! an entry of its own; money that would go out and come in again by the same kind of tender stays where it is.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tessera_money::{Rounding, mul_div};
use utoipa::ToSchema;

use crate::access::{Permission, Principal};
use crate::domain::ledger::{Command, Receipt, Refusal, Step};
use crate::domain::order::OrderDocument;
use crate::domain::refund::{Payout, RefundPlan};
use crate::domain::rules::TenderKind;
use crate::domain::settings::StoredValueEarning;
use crate::host::Host;
use crate::shift;
use crate::store::orders;

use super::commit::{Committed, Requote, clearing, committing, expired, give_up, payable, waiting};
use super::error::CheckoutError;
use super::gift_receipt::{self, Shown};
use super::held::Waiting;
use super::posting::overflow;
use super::refund::{TRIES, Way, is_outrun, prepared};
use super::request::{RefundLine, RefundRequest, TenderRequest};
use super::stored::unpack;
use super::{Intent, tier};

/// Goods that come back for goods that are taken instead.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GoodsExchange {
    /// Lines that come back, by position; everything still refundable when absent, or everything on the gift receipt.
    #[serde(default)]
    pub lines: Option<Vec<RefundLine>>,
    /// The quote of what is taken instead, in the same store.
    pub quote: String,
    /// The quote's own request, so that a host that does not know the quote can price it again.
    #[serde(default)]
    pub quote_request: Option<Requote>,
    /// Money for what it costs more.
    #[serde(default)]
    pub tenders: Vec<TenderRequest>,
    /// Code of the gift receipt that is shown: only its goods come back, and nothing is paid out, also of what is taken
    /// instead.
    #[serde(default)]
    pub gift_receipt: Option<String>,
    /// Why, for the record.
    #[serde(default)]
    pub reason: Option<String>,
    /// The approval, where the caller may not refund alone.
    #[serde(default)]
    pub approval: Option<String>,
}

/// What an exchange led to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchanged {
    pub refund: String,
    pub sold: Committed,
    /// By kind of tender: what the customer pays, or below zero what is handed out.
    pub net: Vec<Payout>,
}

/// Takes goods of an order back and sells others for them.
///
/// # Errors
/// What a refund or a commit refuses, and [`CheckoutError::GiftPaysOut`].
pub async fn exchange(
    host: &Arc<Host>,
    caller: &Principal,
    order: &str,
    request: GoodsExchange,
    intent: Intent,
) -> Result<Exchanged, CheckoutError> {
    caller.require(Permission::Sell)?;
    if let Some(receipt) = super::recall(host, &intent).await? {
        return before(host, &receipt).await;
    }
    let shown = match &request.gift_receipt {
        Some(code) => Some(gift_receipt::shown(host, code, order).await?),
        None => None,
    };
    let back = RefundRequest {
        lines: match (&request.lines, &shown) {
            (None, Some(shown)) => Some(shown.left(host).await?),
            (lines, _) => lines.clone(),
        },
        tender: None,
        reason: request.reason.clone(),
        approval: request.approval.clone(),
    };
    for _ in 0..TRIES {
        let (now, again) = (host.clock.now(), request.quote_request.as_ref());
        let held = match waiting(host, caller, &request.quote, again, now).await? {
            Ok(held) if now > held.ends => Err(expired(host, &held.sale.document, held.ends, now)),
            held => held,
        };
        let held = match held {
            Ok(held) => held,
            Err(stale) => {
                let receipt = give_up(host, &request.quote, intent, stale).await?;
                return before(host, &receipt).await;
            }
        };
        let swap = Swap {
            host,
            caller,
            order,
            request: &request,
            shown: shown.as_ref(),
        };
        let (mut command, sold, net) = swap.command(&held, &back).await?;
        command.operation = Some(intent.clone().into());
        match host.writer.submit(command).await {
            Err(Refusal::ReceiptCodeTaken { .. }) => {}
            Err(refusal) if is_outrun(&refusal) => {}
            Err(refusal) => return Err(gift_receipt::refused(refusal)),
            Ok(receipt) if receipt.replayed => return before(host, &receipt).await,
            Ok(receipt) => {
                tier::reached(host, &sold.order.id, &sold.order.document).await;
                return Ok(Exchanged {
                    refund: receipt.subject.id,
                    sold,
                    net,
                });
            }
        }
    }
    Err(CheckoutError::OrderContended)
}

/// One try.
struct Swap<'a> {
    host: &'a Arc<Host>,
    caller: &'a Principal,
    order: &'a str,
    request: &'a GoodsExchange,
    shown: Option<&'a Shown>,
}

impl Swap<'_> {
    /// The refund with the sale beside it, what it books, and what changes hands.
    async fn command(
        &self,
        waiting: &Waiting,
        back: &RefundRequest,
    ) -> Result<(Command, Committed, Vec<Payout>), CheckoutError> {
        let Self { host, caller, .. } = self;
        let new = uuid::Uuid::now_v7().to_string();
        let way = Way::Exchange {
            order: &new,
            by_gift_receipt: self.shown.is_some(),
        };
        let back = prepared(host, caller, self.order, back, way).await?;
        let (mut command, plan) = (back.command, back.plan);
        let quoted = &waiting.sale.document;
        if back.store != quoted.store {
            return Err(CheckoutError::OtherStoreQuote);
        }
        let mut quoted = quoted.clone();
        if back.wallet.is_some() && back.wallet == quoted.member {
            self.stays_in_the_wallet(&plan, &mut quoted)?;
        }
        let tenders = together(&plan, &quoted, &self.request.tenders)?;
        let mut document = payable(&quoted, &tenders)?;
        document.exchange_of = Some(command.subject.id.clone());
        document.gift = back.gift;
        let net = net(&plan, &document)?;
        if back.gift && net.iter().any(|kind| kind.amount < 0) {
            return Err(CheckoutError::GiftPaysOut);
        }
        if let Some(shown) = self.shown {
            command.steps.extend(shown.uses(&plan.lines)?);
        }
        let about = (self.request.quote.as_str(), new.as_str());
        let (mut sale, booked) = committing(about, waiting, document, host.clock.now())?;
        let store = &booked.document.store;
        let till: Option<Step> = shift::at_till(host, caller, store);
        sale.steps.extend(till);
        sale.clearing = clearing(host, store)?;
        command.beside = Some(Box::new(sale));
        let sold = Committed {
            order: booked,
            replayed: false,
        };
        Ok((command, sold, net))
    }
}

impl Swap<'_> {
    /// Lets stored value that comes back pay at once, principal and bonus by the shares that come back. Where stored value
    /// earns less than money the quote has to know of it: there it only comes back.
    fn stays_in_the_wallet(
        &self,
        plan: &RefundPlan,
        quoted: &mut OrderDocument,
    ) -> Result<(), CheckoutError> {
        let snapshot = self.host.snapshots.current();
        let place = snapshot.and_then(|snapshot| snapshot.place(&quoted.store));
        let earning = place.map(|place| place.settings.stored_value_reduces_earning);
        if earning != Some(StoredValueEarning::None) || quoted.wallet.is_some() {
            return Ok(());
        }
        let mut tenders = plan.tenders.iter();
        let Some(back) = tenders.find(|tender| tender.kind == TenderKind::StoredValue) else {
            return Ok(());
        };
        let stays = back.amount.clamp(0, quoted.totals.left_to_pay);
        if stays > 0 {
            let bonus = mul_div(back.bonus, stays, back.amount, Rounding::Down)?;
            quoted.pay_with_returned(stays - bonus, bonus)?;
        }
        Ok(())
    }
}

/// Money that stays where it is, with the money the customer adds.
fn together(
    plan: &RefundPlan,
    quoted: &OrderDocument,
    added: &[TenderRequest],
) -> Result<Vec<TenderRequest>, CheckoutError> {
    let mut left = quoted.totals.left_to_pay;
    let mut tenders = Vec::new();
    let mut cash = 0;
    for payout in plan.payouts()? {
        match payout.kind {
            TenderKind::Points | TenderKind::StoredValue => {}
            TenderKind::Cash => cash = payout.amount.max(0),
            kind => {
                let stays = payout.amount.clamp(0, left);
                left -= stays;
                if stays > 0 {
                    tenders.push(TenderRequest {
                        kind,
                        amount: Some(stays),
                        points: None,
                        reference: None,
                        of: None,
                    });
                }
            }
        }
    }
    let mut has_cash = false;
    for tender in added {
        let mut tender = tender.clone();
        if tender.kind == TenderKind::Cash {
            has_cash = true;
            let whole = tender.amount.map(|amount| amount.checked_add(cash));
            tender.amount = whole.map(|sum| sum.ok_or_else(overflow)).transpose()?;
        }
        tenders.push(tender);
    }
    if cash > 0 && !has_cash {
        tenders.push(TenderRequest {
            kind: TenderKind::Cash,
            amount: Some(cash),
            points: None,
            reference: None,
            of: None,
        });
    }
    Ok(tenders)
}

/// What the customer pays by kind of tender, and below zero what is handed out.
fn net(plan: &RefundPlan, sold: &OrderDocument) -> Result<Vec<Payout>, CheckoutError> {
    let mut net: Vec<Payout> = Vec::new();
    let mut add = |kind, amount: i64| {
        match net.iter_mut().find(|known| known.kind == kind) {
            Some(known) => known.amount = known.amount.checked_add(amount).ok_or_else(overflow)?,
            None => net.push(Payout { kind, amount }),
        }
        Ok::<_, CheckoutError>(())
    };
    let is_money = |kind| !matches!(kind, TenderKind::Points | TenderKind::StoredValue);
    for tender in sold.tenders.iter().filter(|tender| is_money(tender.kind)) {
        add(tender.kind, tender.amount)?;
    }
    let payouts = plan.payouts()?.into_iter();
    for payout in payouts.filter(|payout| is_money(payout.kind)) {
        add(payout.kind, -payout.amount)?;
    }
    net.retain(|kind| kind.amount != 0);
    Ok(net)
}

/// What a key led to before.
async fn before(host: &Host, receipt: &Receipt) -> Result<Exchanged, CheckoutError> {
    let damaged =
        || CheckoutError::Internal("an exchange lost a half; run `tessera verify`".to_owned());
    let mut conn = host.db.read().await?;
    let row = orders::refund_by_id(&mut conn, &receipt.subject.id).await?;
    drop(conn);
    let plan: RefundPlan = unpack(&row.ok_or_else(damaged)?.doc)?;
    let order = plan.exchanged_for.clone().ok_or_else(damaged)?;
    let sold = Committed::before(host, &order).await?;
    Ok(Exchanged {
        refund: receipt.subject.id.clone(),
        net: net(&plan, &sold.order.document)?,
        sold,
    })
}
