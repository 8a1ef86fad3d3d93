//! A refund: the recorded sale inverted, whole or in parts. No rule is asked for what goes back.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use crate::access::{Permission, Principal};
use crate::approval::{self, Act, Approved};
use crate::domain::ledger::{
    AccountKey, AccountName, Command, EventRow, HoldOutcome, HoldState, MemberDayRow, OccasionRow,
    Receipt, Record, Refusal, Step, Subject, TakeBackShort, points_asset,
};
use crate::domain::order::OrderDocument;
use crate::domain::pass::PERIODS;
use crate::domain::refund::{self, GiftsBack, LineQuantity, RefundError, RefundPlan, Refunded};
use crate::domain::settings::RefundSpentPoints;
use crate::domain::time::Day;
use crate::host::Host;
use crate::shift;
use crate::snapshot::{Place, Snapshot};
use crate::store::orders::{self, OrderName};
use crate::store::{Conn, claims, coupons, entries, holds, lots, occasions};

use super::Intent;
use super::commit::draw;
use super::error::CheckoutError;
use super::posting::{self, Consumed, TakeBack};
use super::request::{RefundRequest, thousandths};
use super::sold_passes::SoldPasses;
use super::stored::{evaluation_rows, pack, refund_row, unpack};
use super::{review, tier};

/// How often a refund is worked out again because another of the same order came first.
pub(super) const TRIES: usize = 32;

/// Whether a refund rested on what somebody else changed meanwhile, and is to be worked out again.
pub(super) fn is_outrun(refusal: &Refusal) -> bool {
    match refusal {
        // A quote that goes with it says where a period begins, and does so no more.
        Refusal::TurnTaken { name, .. } => name != PERIODS,
        Refusal::OrderChanged { .. } | Refusal::PointsSpent { .. } => true,
        _ => false,
    }
}

/// What a refund led to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refunding {
    pub refund: String,
    pub replayed: bool,
}

/// Refunds part or all of what is left of an order.
pub async fn refund(
    host: &Arc<Host>,
    caller: &Principal,
    order: &str,
    request: RefundRequest,
    intent: Intent,
) -> Result<Refunding, CheckoutError> {
    if let Some(receipt) = super::recall(host, &intent).await? {
        return Ok(Refunding {
            refund: receipt.subject.id,
            replayed: true,
        });
    }
    for _ in 0..TRIES {
        match attempt(host, caller, order, &request, &intent).await {
            Err(CheckoutError::Ledger(refusal)) if is_outrun(&refusal) => {}
            Err(CheckoutError::Ledger(refusal)) => return Err(approval::refused(refusal)),
            Err(error) => return Err(error),
            Ok(receipt) => {
                return Ok(Refunding {
                    refund: receipt.subject.id,
                    replayed: receipt.replayed,
                });
            }
        }
    }
    Err(CheckoutError::OrderContended)
}

/// The sale as it stands: its document, what came back already, and the lots it used.
struct Sale {
    document: OrderDocument,
    refunded: Refunded,
    /// Refunds so far.
    refunds: i64,
    /// Changes of the order so far: a claim is one too, and what an occasion gave because of it.
    sequence: i64,
    consumed: Consumed,
    passes: SoldPasses,
}

async fn attempt(
    host: &Arc<Host>,
    caller: &Principal,
    order: &str,
    request: &RefundRequest,
    intent: &Intent,
) -> Result<Receipt, CheckoutError> {
    let back = prepared(host, caller, order, request, Way::Refund).await?;
    if back.gift {
        return Err(CheckoutError::GiftPaysOut);
    }
    let mut command = back.command;
    command.operation = Some(intent.clone().into());
    Ok(host.writer.submit(command).await?)
}

/// Why goods come back.
#[derive(Clone, Copy)]
pub(super) enum Way<'a> {
    Refund,
    /// For goods of another order.
    Exchange {
        order: &'a str,
        by_gift_receipt: bool,
    },
}

/// A refund that was worked out, to be handed to the writer.
pub(super) struct Prepared {
    pub(super) command: Command,
    pub(super) plan: RefundPlan,
    /// Where the goods were sold.
    pub(super) store: String,
    /// Whether they were a gift, which nobody is paid for.
    pub(super) gift: bool,
    /// Whose own stored value paid, where any did.
    pub(super) wallet: Option<String>,
}

/// Works a refund out.
pub(super) async fn prepared(
    host: &Arc<Host>,
    caller: &Principal,
    order: &str,
    request: &RefundRequest,
    way: Way<'_>,
) -> Result<Prepared, CheckoutError> {
    let snapshot = host.snapshots.current().ok_or(CheckoutError::NoChain)?;
    let sale = read(host, &snapshot, order).await?;
    caller.require_store(&sale.document.store)?;
    let place = place_of(&snapshot, &sale.document)?;
    let (mut plan, approved) = planned(host, caller, order, &sale, request)?;
    let mut gift = sale.document.gift;
    if let Way::Exchange {
        order,
        by_gift_receipt,
    } = way
    {
        plan.exchanged_for = Some(order.to_owned());
        gift |= by_gift_receipt;
    }
    let points = points_asset(crate::domain::ledger::DEFAULT_PROGRAM);
    let mut taken = posting::taken_back(&sale.document, &plan.awards, &plan.gifts, &points)?;
    let (now, day) = (host.clock.now(), place.day(host.clock.now()));
    let review = review::after_refund(host, &snapshot, &place, &sale.document, &plan, now).await?;
    plan.tier = review.as_ref().and_then(|review| review.tier.clone());
    let (mut undoing, mut undrawn) = (Vec::new(), Vec::new());
    for row in given_because(host, order, &plan).await? {
        let given: OrderDocument = unpack(&row.doc)?;
        let undone = refund::undo(&given)?;
        taken.extend(posting::taken_back(
            &given,
            &undone.awards,
            &undone.gifts,
            &points,
        )?);
        undoing.extend(posting::undone(&given, &undone)?);
        undoing.extend(freed(&row));
        undrawn.extend(withdrawn(&row.id, &given, &undone.gifts));
        plan.occasions.push(row.id);
    }
    // Who was given the goods does not pay for points their buyer spent.
    if sale.document.terms.refund_spent_points == RefundSpentPoints::ReduceRefund && !gift {
        let (document, plan) = (&sale.document, &mut plan);
        keep_back_spent(host, document, plan, &mut taken, day).await?;
    }
    let id = uuid::Uuid::now_v7().to_string();
    let mut command = Command::new("refund", Subject::new("refund", &id), now, day);
    command.steps = posting::refund(
        order,
        sale.sequence,
        &sale.document,
        &plan,
        &points,
        &sale.consumed,
        &taken,
    )?;
    if plan.lines.iter().any(|line| line.uses.is_some()) {
        sale.passes.close(&mut command.steps);
    }
    command.steps.extend(undoing);
    command.clearing = place.clearing();
    let store = &sale.document.store;
    command.steps.extend(shift::at_till(host, caller, store));
    let terminal = caller.terminal.as_deref().unwrap_or(&caller.key);
    let staff = caller.staff.as_ref().map(|staff| staff.id.as_str());
    let mut row = refund_row(
        &id,
        order,
        sale.refunds + 1,
        &sale.document,
        &plan,
        (terminal, staff),
        now,
        day,
    )?;
    if let Some(review) = review {
        command.steps.push(review.turn);
        row.facts = pack(&review.facts)?;
        let asked = evaluation_rows(&id, &review.evaluations)?;
        let asked = asked
            .into_iter()
            .map(|row| Record::Evaluation(Box::new(row)));
        command.records.extend(asked);
        if let (Some(member), Some(tier)) = (&sale.document.member, &plan.tier) {
            command.records.extend(tier::decided(
                member,
                &sale.document.store,
                &review.facts,
                (&tier.decision, tier.floor.as_ref()),
                day,
            ));
        }
    }
    command.records.push(Record::Refund(Box::new(row)));
    if let Some(member) = &sale.document.member {
        command
            .records
            .extend(lost_purchases(member, &sale.document, &plan));
        if plan.completes {
            command.records.push(Record::MemberOrders {
                member: member.clone(),
                change: -1,
            });
        }
    }
    let mut payload = serde_json::json!({
        "order": order,
        "refund": id,
        "total": plan.total,
        "currency": sale.document.currency,
        "reason": request.reason,
    });
    if let Some(approved) = approved {
        command.steps.push(approved.step);
        payload["approved_by"] = approved.by.into();
    }
    command
        .records
        .extend(withdrawn(order, &sale.document, &plan.gifts));
    command.records.extend(undrawn);
    command.records.push(Record::Event(EventRow {
        kind: "order.refunded".to_owned(),
        subject: order.to_owned(),
        store: Some(sale.document.store.clone()),
        payload: payload.to_string(),
    }));
    Ok(Prepared {
        command,
        plan,
        wallet: sale
            .document
            .member
            .filter(|_| sale.document.wallet.is_none()),
        store: sale.document.store,
        gift,
    })
}

/// What occasions gave because of an order, such as the gift of a tier it led to: they rest on the occasion and not on
/// the goods, so they go back with the last of them.
async fn given_because(
    host: &Host,
    order: &str,
    plan: &RefundPlan,
) -> Result<Vec<OccasionRow>, CheckoutError> {
    if !plan.completes {
        return Ok(Vec::new());
    }
    let mut conn = host.db.read().await?;
    Ok(occasions::of_order(&mut conn, order).await?)
}

/// Tells of entries in prize draws that do not count any more.
fn withdrawn<'a>(
    subject: &'a str,
    document: &'a OrderDocument,
    gifts: &'a GiftsBack,
) -> impl Iterator<Item = Record> + 'a {
    gifts.entries.iter().filter_map(move |back| {
        let record = document.grants.get(back.grant as usize)?;
        Some(draw(
            "draw.withdrawn",
            subject,
            document,
            record,
            back.count,
        ))
    })
}

/// The step that lets an occasion happen again.
fn freed(row: &OccasionRow) -> Option<Step> {
    let (owner, name) = crate::occasions::freed(row)?;
    Some(Step::Counter {
        owner,
        name,
        change: -1,
        limit: None,
        floor: Some(0),
        enforce: false,
    })
}

/// Reads a sale with everything that came back of it.
async fn read(host: &Host, snapshot: &Snapshot, order: &str) -> Result<Sale, CheckoutError> {
    let unknown = || CheckoutError::OrderUnknown(order.to_owned());
    let mut conn = host.db.read().await?;
    let row = orders::order_by(&mut conn, &OrderName::Id(order.to_owned()))
        .await?
        .ok_or_else(unknown)?;
    // Before anything a change of the order brings is read.
    let state = orders::refundable_of(&mut conn, order)
        .await?
        .ok_or_else(unknown)?;
    // Who claimed the order has its points: what comes back is taken from him.
    let claim = claims::of_order(&mut conn, order).await?;
    let document: OrderDocument = unpack(claim.as_ref().map_or(&row.doc, |claim| &claim.doc))?;
    let day = place_of(snapshot, &document)?.day(host.clock.now());
    let mut refunded = Refunded::nothing(&document);
    refunded.used = used_codes(&mut conn, &document).await?;
    let passes = SoldPasses::read(&mut conn, &document, day).await?;
    refunded.passes.clone_from(&passes.left);
    let rows = orders::refunds_of(&mut conn, order).await?;
    let mut subjects = vec![order.to_owned()];
    for row in &rows {
        refunded.absorb(&unpack::<RefundPlan>(&row.doc)?)?;
        subjects.push(row.id.clone());
    }
    // What was held left its lots then; the sale itself moved them no further.
    if let Some(quote) = &row.quote_id
        && let Some(hold) = holds::of_quote(&mut conn, quote).await?
        && hold.state == HoldState::Ended(HoldOutcome::Posted)
    {
        subjects.push(hold.id);
    }
    let mut moved = Vec::new();
    for subject in &subjects {
        for entry in entries::of_subject(&mut conn, subject, 10).await? {
            moved.extend(
                entry
                    .postings
                    .into_iter()
                    .map(|posting| (posting.account, posting.lots)),
            );
        }
    }
    Ok(Sale {
        document,
        refunded,
        refunds: rows.len() as i64,
        sequence: state.sequence,
        consumed: consumed(moved),
        passes,
    })
}

fn place_of(snapshot: &Snapshot, document: &OrderDocument) -> Result<Arc<Place>, CheckoutError> {
    let place = snapshot.place(&document.store);
    place.ok_or_else(|| CheckoutError::StoreUnknown(document.store.clone()))
}

/// The granted coupons of an order that were used.
async fn used_codes(
    conn: &mut Conn,
    document: &OrderDocument,
) -> Result<Vec<String>, CheckoutError> {
    let granted = document.grants.iter().flat_map(|record| &record.codes);
    let granted: Vec<String> = granted.cloned().collect();
    let coupons = coupons::by_codes(conn, &granted).await?;
    let used = coupons.into_iter().filter(|coupon| coupon.uses > 0);
    Ok(used.map(|coupon| coupon.code).collect())
}

/// Nets the changes of lots over a sale and its refunds; what remains taken can be returned.
fn consumed(moved: Vec<(String, Vec<(String, i64)>)>) -> Consumed {
    let mut consumed: Consumed = Vec::new();
    for (account, changes) in moved {
        let slot = match consumed.iter().position(|(known, _)| *known == account) {
            Some(slot) => slot,
            None => {
                consumed.push((account, Vec::new()));
                consumed.len() - 1
            }
        };
        let lots = &mut consumed[slot].1;
        for (lot, change) in changes {
            match lots.iter_mut().find(|(known, _)| *known == lot) {
                Some((_, taken)) => *taken = taken.saturating_sub(change),
                None => lots.push((lot, change.saturating_neg())),
            }
        }
    }
    for (_, lots) in &mut consumed {
        lots.retain(|(_, taken)| *taken > 0);
    }
    consumed
}

/// What comes back, and who agreed to it where the caller may not refund alone, or not another way than it was paid.
fn planned(
    host: &Host,
    caller: &Principal,
    order: &str,
    sale: &Sale,
    request: &RefundRequest,
) -> Result<(RefundPlan, Option<Approved>), CheckoutError> {
    let mut asked = asked(sale, request)?;
    let (plan, permission) = match refund::plan(&sale.document, &sale.refunded, &asked) {
        // Whoever lets others choose the tender may refund himself: one word is for both.
        Err(RefundError::TenderNotAllowed) => {
            asked.may_choose_tender = true;
            let plan = refund::plan(&sale.document, &sale.refunded, &asked)?;
            match caller.may(Permission::RefundOtherTender) {
                true => (plan, Permission::Refund),
                false => (plan, Permission::RefundOtherTender),
            }
        }
        plan => (plan?, Permission::Refund),
    };
    let act = Act {
        permission,
        subject: order,
        amount: plan.total,
    };
    let approved = approval::allowed(host, caller, act, request.approval.as_deref())?;
    Ok((plan, approved))
}

fn asked(sale: &Sale, request: &RefundRequest) -> Result<refund::RefundRequest, CheckoutError> {
    let Some(lines) = &request.lines else {
        let rest = refund::RefundRequest::rest_of(&sale.document, &sale.refunded);
        return Ok(refund::RefundRequest {
            to: request.tender,
            may_choose_tender: false,
            ..rest
        });
    };
    let mut quantities = Vec::with_capacity(lines.len().min(500));
    for (position, line) in lines.iter().enumerate().take(501) {
        let quantity = thousandths(&line.quantity)
            .ok_or_else(|| CheckoutError::Quantity(format!("/lines/{position}/quantity")))?;
        quantities.push(LineQuantity {
            line: line.line,
            quantity,
        });
    }
    Ok(refund::RefundRequest {
        lines: quantities,
        to: request.tender,
        may_choose_tender: false,
    })
}

/// Where points or bonus were spent already, keeps their worth of the money; what cannot be kept becomes a debt.
async fn keep_back_spent(
    host: &Host,
    document: &OrderDocument,
    plan: &mut RefundPlan,
    taken: &mut [TakeBack],
    day: Day,
) -> Result<(), CheckoutError> {
    let overflow =
        |_| CheckoutError::Internal("the worth of points left the range of 64 bits".to_owned());
    let mut conn = host.db.read().await?;
    // By account: one award after the other draws on the same points. What is pending answers for its own alone.
    let mut spendable: HashMap<String, i64> = HashMap::new();
    let mut pending: HashMap<String, i64> = HashMap::new();
    // What another member spent of his reward is his own debt.
    let buyer = document.member.as_ref();
    for back in taken.iter_mut().filter(|back| Some(&back.member) == buyer) {
        let own = AccountKey::new(&*back.member, back.account, &*back.asset);
        let left = match spendable.entry(own.id()) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(unknown) => {
                let waiting = own.sibling(AccountName::PointsPending).id();
                let mut sum = 0_i64;
                for lot in lots::open_lots(&mut conn, &back.member).await? {
                    if lot.account == waiting {
                        pending.insert(lot.id, lot.remaining);
                    } else if lot.account == own.id() && !lot.has_expired(day) {
                        sum = sum.saturating_add(lot.remaining);
                    }
                }
                unknown.insert(sum)
            }
        };
        let waiting = pending
            .get(&back.lot)
            .map_or(0, |lot| back.amount.min(*lot));
        let wanted = back.amount - waiting;
        let short = wanted - wanted.min(*left);
        *left -= wanted - short;
        let paid = match (short > 0, back.account) {
            (false, _) => 0,
            (true, AccountName::Bonus) => plan.keep_back(document, short).map_err(overflow)?,
            (true, _) => plan.keep_for_points(document, short).map_err(overflow)?,
        };
        back.amount -= paid;
        back.on_short = if paid == short {
            TakeBackShort::Refuse
        } else {
            TakeBackShort::Debt
        };
    }
    Ok(())
}

fn lost_purchases<'a>(
    member: &'a str,
    document: &'a OrderDocument,
    plan: &'a RefundPlan,
) -> impl Iterator<Item = Record> + 'a {
    plan.purchases.iter().map(move |sum| {
        Record::MemberDay(MemberDayRow {
            member: member.to_owned(),
            day: document.business_date,
            category: sum.category.clone(),
            spend: -sum.spend,
            orders: -sum.orders,
            units: -sum.units,
            points: -sum.points,
        })
    })
}
