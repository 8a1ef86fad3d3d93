//! Applying one command to the state.

use super::account::{AccountKey, AccountName};
use super::command::{Command, NewCoupon, NewLot, OnShort, Step};
use super::draft::{Draft, invalid, negated, positive, sum};
use super::entry::{Entry, Notice, Receipt};
use super::record::{OrderRow, Record};
use super::refusal::Refusal;
use super::state::{Coupon, HoldState, Lot, OrderKey, Outcome, Recorded, State, lease};
use super::{hold, lot, merge, refundable, touches};

/// What the machine needs from outside: who writes, and fresh ids.
pub struct Context<'a> {
    /// Id of the writer; names its shard of the system accounts.
    pub writer: &'a str,
    /// Makes entry ids; a refused or replayed command takes none.
    pub new_id: &'a mut dyn FnMut() -> String,
}

/// An accepted command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    pub receipt: Receipt,
    /// None if no balance moved or the answer is a replay.
    pub entry: Option<Entry>,
}

/// Applies `command`, or refuses it and leaves the state as it was. Under an operation key the first final
/// outcome is remembered and repeated for the same request.
///
/// # Errors
/// The refusal; see [`Refusal::is_final`].
pub fn apply(
    state: &mut State,
    command: &Command,
    context: &mut Context<'_>,
) -> Result<Applied, Refusal> {
    if let Some(operation) = &command.operation
        && let Some(recorded) = state.operations.get(&operation.key)
    {
        if recorded.hash != operation.hash {
            return Err(Refusal::KeyReused {
                key: operation.key.clone(),
            });
        }
        return match &recorded.outcome {
            Outcome::Done(receipt) => Ok(Applied {
                receipt: Receipt {
                    replayed: true,
                    notices: Vec::new(),
                    ..receipt.clone()
                },
                entry: None,
            }),
            Outcome::Refused(refusal) => Err(refusal.clone()),
        };
    }
    let tried = attempt(state, command, context);
    let outcome = match &tried {
        Ok(applied) => Outcome::Done(applied.receipt.clone()),
        Err(refusal) if refusal.is_final() => Outcome::Refused(refusal.clone()),
        Err(_) => return tried,
    };
    if let Some(operation) = &command.operation {
        state.touched.operations.insert(operation.key.clone());
        state.operations.insert(
            operation.key.clone(),
            Recorded {
                hash: operation.hash,
                subject: command.subject.clone(),
                at: command.at,
                outcome,
            },
        );
    }
    tried
}

fn attempt(
    state: &mut State,
    command: &Command,
    context: &mut Context<'_>,
) -> Result<Applied, Refusal> {
    let mut draft = Draft::new(state, context.writer, command);
    for step in &command.steps {
        take_step(&mut draft, step)?;
    }
    for record in &command.records {
        if let Record::Order(order) = record {
            claim_order_keys(&mut draft, order)?;
        }
    }
    let changes = draft.finish(command, &mut *context.new_id)?;
    let entry = changes.entry.clone();
    let receipt = Receipt {
        replayed: false,
        subject: command.subject.clone(),
        entry_id: entry.as_ref().map(|entry| entry.id.clone()),
        postings: entry
            .as_ref()
            .map_or_else(Vec::new, |entry| entry.postings.clone()),
        notices: changes.notices.clone(),
    };
    changes.merge(state);
    Ok(Applied { receipt, entry })
}

fn take_step(draft: &mut Draft<'_>, step: &Step) -> Result<(), Refusal> {
    match step {
        Step::Credit {
            account,
            amount,
            lot,
        } => credit(draft, account, *amount, lot.as_ref()),
        Step::Debit {
            account,
            amount,
            on_short,
        } => debit(draft, account, *amount, on_short),
        Step::Transfer {
            from,
            to,
            amount,
            lot,
        } => lot::transfer(draft, from, to, *amount, lot),
        Step::Merge {
            merge,
            from,
            to,
            assets,
            first,
        } => merge::merge(
            draft,
            &merge::Merge {
                id: merge,
                from,
                to,
                assets,
                first: *first,
            },
        ),
        Step::GiveCoupon { code, from, to } => give_coupon(draft, code, from, to),
        Step::System {
            name,
            asset,
            amount,
        } => draft.post_system(name, asset, *amount),
        Step::Return {
            account,
            splits,
            expired,
        } => lot::give_back(draft, account, splits, *expired),
        Step::TakeBack {
            member,
            asset,
            lot,
            amount,
            on_short,
        } => lot::take_back(draft, member, asset, lot, *amount, *on_short),
        Step::Counter {
            owner,
            name,
            change,
            limit,
            floor,
            enforce,
        } => move_counter(draft, owner, name, *change, (*limit, *floor), *enforce),
        Step::UseCoupon {
            code,
            change,
            member,
            enforce,
        } => use_coupon(draft, code, *change, member.as_deref(), *enforce),
        Step::IssueCoupon(coupon) => issue_coupon(draft, coupon),
        Step::VoidCoupon { code } => void_coupon(draft, code),
        Step::OpenOrder {
            order,
            lines,
            tenders,
        } => refundable::open(draft, order, lines, tenders),
        Step::Refund {
            order,
            expected_sequence,
            lines,
            tenders,
        } => refundable::refund(draft, order, *expected_sequence, lines, tenders),
        Step::ClaimOrder { order } => refundable::claim(draft, order),
        Step::OrderStands { order } => refundable::stands(draft, order),
        Step::GiveUp { quote } => Err(given_up(draft, quote)),
        Step::Lease { name, number } => show_lease(draft, name, *number),
        Step::TakeTurn {
            owner,
            name,
            number,
        } => take_turn(draft, owner, name, *number),
        Step::Hold {
            hold,
            quote,
            member,
            expires_at,
            reserves,
            sale,
        } => hold::reserve(
            draft,
            (hold, quote),
            member.as_deref(),
            *expires_at,
            reserves,
            sale,
        ),
        Step::ResolveHold { hold, outcome } => hold::resolve(draft, hold, *outcome),
        Step::ReleasePending {
            member,
            asset,
            lots,
        } => lot::release_pending(draft, member, asset, lots),
        Step::ExpireLots {
            member,
            asset,
            lots,
        } => lot::expire(draft, member, asset, lots),
        Step::LapseLots {
            member,
            asset,
            lots,
        } => lot::lapse(draft, member, asset, lots),
    }
}

fn credit(
    draft: &mut Draft<'_>,
    account: &AccountKey,
    amount: i64,
    lot: Option<&NewLot>,
) -> Result<(), Refusal> {
    positive("a credit", amount)?;
    if !matches!(
        account.name,
        AccountName::Points
            | AccountName::PointsPending
            | AccountName::Principal
            | AccountName::Bonus
    ) {
        return Err(invalid(format!("`{}` is not credited", account.id())));
    }
    if amount == 0 {
        return Ok(());
    }
    match (account.name.is_lotted(), lot) {
        (false, None) => draft.post(account, amount),
        (true, Some(new)) => {
            if new.id.is_empty() || draft.lot(&new.id).is_some() {
                return Err(invalid(format!("lot `{}` is not new", new.id)));
            }
            let lot = Lot {
                id: new.id.clone(),
                member: account.member.clone(),
                account: account.id(),
                original: amount,
                remaining: 0,
                expires_on: new.expires_on,
                available_on: new.available_on,
                source: new.source.clone(),
            };
            draft.change_lot(account, lot, amount)
        }
        (lotted, _) => Err(invalid(format!(
            "`{}` is credited {} a lot",
            account.id(),
            if lotted { "only with" } else { "without" }
        ))),
    }
}

fn debit(
    draft: &mut Draft<'_>,
    account: &AccountKey,
    amount: i64,
    on_short: &OnShort,
) -> Result<(), Refusal> {
    positive("a debit", amount)?;
    if !matches!(
        account.name,
        AccountName::Points | AccountName::Principal | AccountName::Bonus
    ) {
        return Err(invalid(format!("`{}` is not debited", account.id())));
    }
    let (taken, _) = draft.take(account, amount, Some(draft.spendable_as_of))?;
    if taken == amount {
        return Ok(());
    }
    match on_short {
        OnShort::Refuse => Err(Refusal::InsufficientBalance {
            account: account.id(),
            needed: amount,
            available: taken,
        }),
        OnShort::Claim { store } => {
            draft.notices.push(Notice::Claimed {
                account: account.id(),
                needed: amount,
                taken,
                store: store.clone(),
            });
            draft.post_system(&format!("claims/{store}"), &account.asset, taken - amount)
        }
    }
}

pub(super) fn move_counter(
    draft: &mut Draft<'_>,
    owner: &str,
    name: &str,
    change: i64,
    (limit, floor): (Option<i64>, Option<i64>),
    enforce: bool,
) -> Result<(), Refusal> {
    let key = (owner.to_owned(), name.to_owned());
    let mut counter = draft.counter(&key);
    let value = counter.value;
    counter.value = sum(value, change)?;
    let broken = if change > 0 {
        limit.filter(|limit| counter.value > *limit)
    } else {
        floor.filter(|floor| counter.value < *floor)
    };
    // A hold posted by this command reserved its share already.
    let reserved = draft.reserved_counters.get(&key).copied().unwrap_or(0);
    if let Some(limit) = broken
        && !(change.signum() == reserved.signum()
            && change.unsigned_abs() <= reserved.unsigned_abs())
    {
        if enforce {
            return Err(Refusal::CounterLimit {
                owner: key.0,
                name: key.1,
                value,
                change,
                limit,
            });
        }
        draft.notices.push(Notice::CounterOverrun {
            owner: key.0.clone(),
            name: key.1.clone(),
            value: counter.value,
            limit,
        });
    }
    counter.version += 1;
    draft.put_counter(key, counter);
    Ok(())
}

fn given_up(draft: &Draft<'_>, quote: &str) -> Refusal {
    let quote = quote.to_owned();
    match draft.order_of(&OrderKey::Quote(quote.clone())) {
        Some(order) => Refusal::AlreadyCommitted { quote, order },
        None => Refusal::QuoteGivenUp { quote },
    }
}

fn show_lease(draft: &mut Draft<'_>, name: &str, number: i64) -> Result<(), Refusal> {
    let key = lease(name);
    let mut counter = draft.counter(&key);
    if counter.value != number {
        return Err(Refusal::LeaseLost {
            lease: name.to_owned(),
        });
    }
    counter.version += 1;
    draft.put_counter(key, counter);
    Ok(())
}

fn take_turn(draft: &mut Draft<'_>, owner: &str, name: &str, number: i64) -> Result<(), Refusal> {
    let key = (owner.to_owned(), name.to_owned());
    let mut counter = draft.counter(&key);
    if counter.value != number {
        return Err(Refusal::TurnTaken {
            owner: key.0,
            name: key.1,
        });
    }
    counter.value = sum(number, 1)?;
    counter.version += 1;
    draft.put_counter(key, counter);
    Ok(())
}

pub(super) fn use_coupon(
    draft: &mut Draft<'_>,
    code: &str,
    change: i64,
    member: Option<&str>,
    enforce: bool,
) -> Result<(), Refusal> {
    let Some(mut coupon) = draft.coupon(code) else {
        if enforce {
            return Err(Refusal::CouponUnknown {
                code: code.to_owned(),
            });
        }
        draft.notices.push(Notice::CouponOverrun {
            code: code.to_owned(),
            why: "unknown".to_owned(),
        });
        return Ok(());
    };
    coupon.uses = sum(coupon.uses, change)?;
    if coupon.uses < 0 {
        return Err(invalid(format!("coupon `{code}` was not used that often")));
    }
    if change > 0 && !draft.reserved_coupons.contains(code) {
        let checked = check_coupon(&coupon, change, member, draft);
        match checked {
            Ok(()) => {}
            Err(refusal) if enforce => return Err(refusal),
            Err(refusal) => draft.notices.push(Notice::CouponOverrun {
                code: code.to_owned(),
                why: refusal.to_string(),
            }),
        }
    }
    coupon.version += 1;
    draft.put_coupon(coupon);
    Ok(())
}

/// Checks a coupon whose uses already include `change`.
fn check_coupon(
    coupon: &Coupon,
    change: i64,
    member: Option<&str>,
    draft: &Draft<'_>,
) -> Result<(), Refusal> {
    let code = coupon.code.clone();
    let day = draft.spendable_as_of;
    if coupon.void {
        return Err(Refusal::CouponVoid { code });
    }
    if coupon.expires_on.is_some_and(|last| last < day)
        || coupon.starts_on.is_some_and(|first| first > draft.today)
    {
        return Err(Refusal::CouponExpired { code });
    }
    if coupon.holder.is_some() && coupon.holder.as_deref() != member {
        return Err(Refusal::CouponHolder { code });
    }
    match coupon.use_limit {
        Some(limit) if coupon.uses > limit => Err(Refusal::CouponUsed {
            code,
            uses: coupon.uses - change,
            limit,
        }),
        _ => Ok(()),
    }
}

fn issue_coupon(draft: &mut Draft<'_>, new: &NewCoupon) -> Result<(), Refusal> {
    if draft.coupon(&new.code).is_some() {
        return Err(Refusal::CouponExists {
            code: new.code.clone(),
        });
    }
    if new.code.is_empty() || new.use_limit.is_some_and(|limit| limit < 1) {
        return Err(invalid("a coupon needs a code and at least one use"));
    }
    draft.put_coupon(Coupon {
        code: new.code.clone(),
        campaign: new.campaign.clone(),
        holder: new.holder.clone(),
        uses: 0,
        use_limit: new.use_limit,
        void: false,
        starts_on: new.starts_on,
        expires_on: new.expires_on,
        version: 1,
        base: 0,
    });
    Ok(())
}

fn void_coupon(draft: &mut Draft<'_>, code: &str) -> Result<(), Refusal> {
    let Some(mut coupon) = draft.coupon(code) else {
        return Err(Refusal::CouponUnknown {
            code: code.to_owned(),
        });
    };
    coupon.void = true;
    coupon.version += 1;
    draft.put_coupon(coupon);
    Ok(())
}

fn give_coupon(draft: &mut Draft<'_>, code: &str, from: &str, to: &str) -> Result<(), Refusal> {
    let Some(mut coupon) = draft.coupon(code) else {
        return Err(Refusal::CouponUnknown {
            code: code.to_owned(),
        });
    };
    if coupon.holder.as_deref() != Some(from) {
        return Err(Refusal::CouponHolder {
            code: code.to_owned(),
        });
    }
    coupon.holder = Some(to.to_owned());
    coupon.version += 1;
    draft.put_coupon(coupon);
    Ok(())
}

/// An order's quote, external number and receipt code belong to it alone.
fn claim_order_keys(draft: &mut Draft<'_>, order: &OrderRow) -> Result<(), Refusal> {
    for key in touches::order_keys(order) {
        if let Some(other) = draft.order_of(&key) {
            return Err(match key {
                OrderKey::Quote(quote) => Refusal::AlreadyCommitted {
                    quote,
                    order: other,
                },
                OrderKey::External { store, id } => Refusal::AlreadyRecorded {
                    store,
                    external_id: id,
                    order: other,
                },
                OrderKey::Receipt(code) => Refusal::ReceiptCodeTaken { code },
            });
        }
        if let OrderKey::Quote(quote) = &key
            && let Some(hold) = draft.hold_of_quote(quote)
            && hold.state == HoldState::Pending
        {
            return Err(Refusal::AlreadyHeld {
                quote: quote.clone(),
                hold: hold.id,
            });
        }
        draft.put_order_key(key, &order.id);
    }
    Ok(())
}

/// Takes the whole amount or refuses.
pub(super) fn take_all(
    draft: &mut Draft<'_>,
    account: &AccountKey,
    amount: i64,
) -> Result<Vec<super::entry::LotChange>, Refusal> {
    let (taken, lots) = draft.take(account, amount, Some(draft.spendable_as_of))?;
    if taken < amount {
        return Err(Refusal::InsufficientBalance {
            account: account.id(),
            needed: amount,
            available: taken,
        });
    }
    Ok(lots)
}

/// Moves from one leg to nothing: the caller posts the other side.
pub(super) fn cut(draft: &mut Draft<'_>, account: &AccountKey, amount: i64) -> Result<(), Refusal> {
    draft.post(account, negated(amount)?)
}
