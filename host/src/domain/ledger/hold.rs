//! Holds: a quote's benefits parked until they are posted, voided or expire.

use super::account::{AccountKey, AccountName};
use super::apply::{cut, move_counter, not_frozen, take_all};
use super::command::{HoldOutcome, Reserve};
use super::coupon::use_coupon;
use super::draft::{Draft, invalid, negated, positive};
use super::pass;
use super::refusal::Refusal;
use super::state::{Held, Hold, HoldState, OrderKey};
use crate::domain::time::Instant;

pub(super) fn reserve(
    draft: &mut Draft<'_>,
    (id, quote): (&str, &str),
    member: Option<&str>,
    expires_at: Instant,
    reserves: &[Reserve],
    sale: &[u8],
) -> Result<(), Refusal> {
    if let Some(order) = draft.order_of(&OrderKey::Quote(quote.to_owned())) {
        return Err(Refusal::AlreadyCommitted {
            quote: quote.to_owned(),
            order,
        });
    }
    if let Some(hold) = draft.hold_of_quote(quote) {
        return Err(Refusal::AlreadyHeld {
            quote: quote.to_owned(),
            hold: hold.id,
        });
    }
    if draft.hold(id).is_some() {
        return Err(invalid(format!("hold `{id}` is not new")));
    }
    let mut held = Vec::with_capacity(reserves.len());
    for reserve in reserves {
        park(draft, reserve, &mut held)?;
    }
    draft.put_hold(Hold {
        id: id.to_owned(),
        quote: quote.to_owned(),
        member: member.map(str::to_owned),
        held_on: draft.today,
        expires_at,
        state: HoldState::Pending,
        reserves: held,
        sale: sale.to_vec(),
        version: 1,
        base: 0,
    });
    Ok(())
}

fn park(draft: &mut Draft<'_>, reserve: &Reserve, held: &mut Vec<Held>) -> Result<(), Refusal> {
    let own = match reserve {
        Reserve::Account { account, amount } => {
            positive("a reserved amount", *amount)?;
            let parked = parking(account)?;
            not_frozen(draft, account)?;
            let lots = take_all(draft, account, *amount)?;
            draft.post(&parked, *amount)?;
            Held::Account {
                account: account.clone(),
                amount: *amount,
                lots,
            }
        }
        Reserve::Pass {
            account,
            currency,
            uses,
        } => {
            let taken = pass::take_all(draft, account, currency, *uses)?;
            draft.post(&parking(account)?, taken.uses)?;
            if taken.paid > 0 {
                let paid = pass::paid(account, currency);
                draft.post(&parking(&paid)?, taken.paid)?;
                held.push(Held::Account {
                    account: paid,
                    amount: taken.paid,
                    lots: taken.paid_lots,
                });
            }
            Held::Account {
                account: account.clone(),
                amount: taken.uses,
                lots: taken.lots,
            }
        }
        Reserve::Counter {
            owner,
            name,
            change,
            limit,
            floor,
        } => {
            move_counter(draft, owner, name, *change, (*limit, *floor), true)?;
            Held::Counter {
                owner: owner.clone(),
                name: name.clone(),
                change: *change,
            }
        }
        Reserve::Coupon { code, member } => {
            use_coupon(draft, code, 1, member.as_deref(), true)?;
            Held::Coupon { code: code.clone() }
        }
    };
    held.push(own);
    Ok(())
}

fn parking(account: &AccountKey) -> Result<AccountKey, Refusal> {
    account
        .name
        .held()
        .map(|name| account.sibling(name))
        .ok_or_else(|| invalid(format!("`{}` cannot be held", account.id())))
}

pub(super) fn resolve(
    draft: &mut Draft<'_>,
    id: &str,
    outcome: HoldOutcome,
) -> Result<(), Refusal> {
    let Some(mut hold) = draft.hold(id) else {
        return Err(Refusal::HoldUnknown {
            hold: id.to_owned(),
        });
    };
    if let HoldState::Ended(outcome) = hold.state {
        return Err(Refusal::HoldResolved {
            hold: hold.id,
            outcome,
        });
    }
    for held in &hold.reserves {
        unpark(draft, held)?;
        if outcome == HoldOutcome::Posted {
            remember(draft, held);
        }
    }
    if outcome == HoldOutcome::Posted {
        draft.spendable_as_of = draft.spendable_as_of.min(hold.held_on);
    }
    hold.state = HoldState::Ended(outcome);
    hold.sale = Vec::new();
    hold.version += 1;
    draft.put_hold(hold);
    Ok(())
}

fn unpark(draft: &mut Draft<'_>, held: &Held) -> Result<(), Refusal> {
    match held {
        Held::Account {
            account,
            amount,
            lots,
        } => {
            cut(draft, &parking(account)?, *amount)?;
            if !account.name.is_lotted() {
                return draft.post(account, *amount);
            }
            for (id, taken) in lots {
                let lot = draft
                    .lot(id)
                    .ok_or_else(|| Refusal::LotUnknown { lot: id.clone() })?;
                draft.change_lot(account, lot, negated(*taken)?)?;
            }
            Ok(())
        }
        Held::Counter {
            owner,
            name,
            change,
        } => move_counter(draft, owner, name, negated(*change)?, (None, None), true),
        Held::Coupon { code } => use_coupon(draft, code, -1, None, true),
    }
}

/// What was reserved may be used by the same command whatever happened to it meanwhile.
fn remember(draft: &mut Draft<'_>, held: &Held) {
    match held {
        Held::Counter {
            owner,
            name,
            change,
        } => {
            let reserved = draft
                .reserved_counters
                .entry((owner.clone(), name.clone()))
                .or_insert(0);
            *reserved = reserved.saturating_add(*change);
        }
        Held::Coupon { code } => {
            draft.reserved_coupons.insert(code.clone());
        }
        Held::Account {
            account, amount, ..
        } => {
            if account.name == AccountName::Pass && *amount == 0 {
                draft.reserved_periods.insert(account.id());
            }
            draft.reserved_accounts.insert(account.id());
        }
    }
}
