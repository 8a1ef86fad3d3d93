//! Applying one command to the state.

use super::account::{AccountKey, AccountName};
use super::command::{Command, NewLot, OnShort, Step};
use super::coupon::{
    give_coupon, issue_coupon, revoke_coupon, transfer_coupon, use_coupon, void_coupon,
};
use super::draft::{Draft, invalid, negated, positive, sum};
use super::entry::{Entry, Notice, Receipt};
use super::record::{OrderRow, Record};
use super::refusal::Refusal;
use super::state::{HoldState, Lot, OrderKey, Outcome, Recorded, State, frozen, lease};
use super::{hold, lot, merge, pass, refundable, shift, touches};

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
    /// What came of the command beside it.
    pub beside: Option<Box<Self>>,
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
                beside: None,
            }),
            Outcome::Refused(refusal) => Err(refusal.clone()),
        };
    }
    let tried = attempt_all(state, command, context);
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

/// Tries a command and the one beside it; where the second is refused, the first did not happen.
fn attempt_all(
    state: &mut State,
    command: &Command,
    context: &mut Context<'_>,
) -> Result<Applied, Refusal> {
    let Some(second) = &command.beside else {
        return attempt(state, command, context);
    };
    let before = state.clone();
    let first = attempt(state, command, context)?;
    match attempt(state, second, context) {
        Ok(beside) => Ok(Applied {
            beside: Some(Box::new(beside)),
            ..first
        }),
        Err(refusal) => {
            *state = before;
            Err(refusal)
        }
    }
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
    Ok(Applied {
        receipt,
        entry,
        beside: None,
    })
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
        Step::UsePass {
            account,
            currency,
            uses,
            unlimited,
            revenue,
            on_short,
        } => match unlimited {
            true => pass::show(draft, account, *uses, on_short),
            false => pass::make_use(draft, (account, currency), *uses, revenue, on_short),
        },
        Step::ClosePass {
            account,
            currency,
            lot,
            uses,
            revenue,
        } => pass::close(draft, (account, currency), lot, *uses, revenue),
        Step::EarnPeriods {
            account,
            lots,
            through,
            revenue,
        } => pass::earn(draft, account, lots, *through, revenue),
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
        Step::Owe { account, change } => merge::owe(draft, account, *change),
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
        Step::RevokeCoupon { code, .. } => revoke_coupon(draft, code),
        Step::TransferCoupon { code, from, to } => transfer_coupon(draft, code, from, to),
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
        Step::NotFrozen { account } => not_frozen(draft, account),
        Step::Ceiling { account, most } => ceiling(draft, account, *most),
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
        Step::Shift(step) => shift::take(draft, step),
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
            | AccountName::Pass
            | AccountName::PassValue
            | AccountName::BonusPending
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
                first_day: new.first_day,
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
        AccountName::Points
            | AccountName::Principal
            | AccountName::Bonus
            | AccountName::BonusPending
    ) {
        return Err(invalid(format!("`{}` is not debited", account.id())));
    }
    let taken = match (not_frozen(draft, account), on_short) {
        (Ok(()), _) => draft.take(account, amount, Some(draft.spendable_as_of))?.0,
        // It happened already: what is frozen stays, and all of it is claimed.
        (Err(_), OnShort::Claim { .. }) => 0,
        (Err(frozen), OnShort::Refuse) => return Err(frozen),
    };
    if taken == amount {
        return Ok(());
    }
    fall_short(draft, account, amount, taken, on_short)
}

/// Less was there than is needed: refuses, or lets the rest be owed to a store.
pub(super) fn fall_short(
    draft: &mut Draft<'_>,
    account: &AccountKey,
    needed: i64,
    taken: i64,
    on_short: &OnShort,
) -> Result<(), Refusal> {
    match on_short {
        OnShort::Refuse => Err(Refusal::InsufficientBalance {
            account: account.id(),
            needed,
            available: taken,
        }),
        OnShort::Claim { store } => {
            draft.notices.push(Notice::Claimed {
                account: account.id(),
                needed,
                taken,
                store: store.clone(),
            });
            draft.post_system(&format!("claims/{store}"), &account.asset, taken - needed)
        }
    }
}

/// Refuses to take what is frozen, unless a hold this command posts had reserved it.
pub(super) fn not_frozen(draft: &Draft<'_>, account: &AccountKey) -> Result<(), Refusal> {
    let id = account.id();
    if draft.counter(&frozen(account)).value <= 0 || draft.reserved_accounts.contains(&id) {
        return Ok(());
    }
    Err(Refusal::Frozen { account: id })
}

fn ceiling(draft: &Draft<'_>, account: &AccountKey, most: i64) -> Result<(), Refusal> {
    let held = match account.name.held() {
        Some(name) => draft.balance(&account.sibling(name))?,
        None => 0,
    };
    let would = sum(draft.balance(account)?, held)?;
    if would > most {
        return Err(Refusal::Ceiling {
            account: account.id(),
            most,
            would,
        });
    }
    Ok(())
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
        && !(change != 0
            && change.signum() == reserved.signum()
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
