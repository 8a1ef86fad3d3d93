//! Steps on lots: returning to them, taking earned points back, releasing pending ones, expiry.

use super::account::{AccountKey, AccountName};
use super::apply::not_frozen;
use super::command::{ExpiredReturn, TakeBackShort};
use super::draft::{Draft, invalid, negated, positive, sum};
use super::entry::Notice;
use super::refusal::Refusal;
use super::state::Lot;

/// The lot, if it belongs to this very account.
pub(super) fn lot_of(draft: &Draft<'_>, account: &AccountKey, id: &str) -> Result<Lot, Refusal> {
    draft
        .lot(id)
        .filter(|lot| lot.account == account.id())
        .ok_or_else(|| Refusal::LotUnknown { lot: id.to_owned() })
}

/// The account a lot stands in, which must be the member's of the asset.
fn home_of(lot: &Lot, member: &str, asset: &str) -> Result<AccountKey, Refusal> {
    AccountKey::parse(&lot.account)
        .filter(|home| home.member == member && home.asset == asset)
        .ok_or_else(|| Refusal::LotUnknown {
            lot: lot.id.clone(),
        })
}

/// The account a lot of this one stands in now: what was pending may have been released meanwhile.
fn stands_in(draft: &Draft<'_>, account: &AccountKey, id: &str) -> Result<AccountKey, Refusal> {
    let released = account.name.released().map(|name| account.sibling(name));
    match released {
        Some(released) if lot_of(draft, &released, id).is_ok() => Ok(released),
        _ => Ok(account.clone()),
    }
}

pub(super) fn give_back(
    draft: &mut Draft<'_>,
    account: &AccountKey,
    splits: &[(String, i64)],
    expired: ExpiredReturn,
) -> Result<(), Refusal> {
    for (id, amount) in splits {
        positive("a returned amount", *amount)?;
        if *amount == 0 {
            continue;
        }
        let account = &stands_in(draft, account, id)?;
        let lot = lot_of(draft, account, id)?;
        if !lot.has_expired(draft.today) {
            draft.change_lot(account, lot, *amount)?;
            continue;
        }
        // What was left when it expired must not come to life again with the returned part.
        expire_rest(draft, account, id)?;
        let mut lot = lot_of(draft, account, id)?;
        match expired {
            ExpiredReturn::GraceDays(days) => {
                let days = i32::try_from(days).map_err(|_| Refusal::Overflow)?;
                lot.expires_on = Some(draft.today.plus_days(days));
                draft.change_lot(account, lot, *amount)?;
            }
            ExpiredReturn::AtOnce => {
                draft.change_lot(account, lot, *amount)?;
                draft.notices.push(Notice::ExpiredOnReturn {
                    lot: id.clone(),
                    amount: *amount,
                });
                expire_rest(draft, account, id)?;
            }
        }
    }
    Ok(())
}

/// Moves what is left of a lot back to where it was issued from.
fn expire_rest(draft: &mut Draft<'_>, account: &AccountKey, id: &str) -> Result<(), Refusal> {
    let lot = lot_of(draft, account, id)?;
    let rest = lot.remaining;
    if rest == 0 {
        return Ok(());
    }
    draft.change_lot(account, lot, negated(rest)?)?;
    draft.post_system(account.name.issued(), &account.asset, rest)
}

pub(super) fn take_back(
    draft: &mut Draft<'_>,
    member: &str,
    asset: &str,
    own: &str,
    amount: i64,
    on_short: TakeBackShort,
) -> Result<(), Refusal> {
    positive("a take-back", amount)?;
    let unknown = || Refusal::LotUnknown {
        lot: own.to_owned(),
    };
    let lot = draft.lot(own).ok_or_else(unknown)?;
    let home = home_of(&lot, member, asset)?;
    if matches!(home.name, AccountName::Pass | AccountName::PassValue) {
        // A pass is what it is: nothing else takes its place, and nobody owes one.
        if lot.remaining < amount {
            return Err(Refusal::PointsSpent {
                account: home.id(),
                needed: amount,
                available: lot.remaining,
            });
        }
        return draft.change_lot(&home, lot, -amount);
    }
    // What can be spent; a pending lot answers for itself.
    let points = match home.name {
        AccountName::Points | AccountName::PointsPending => home.sibling(AccountName::Points),
        AccountName::Bonus | AccountName::BonusPending => home.sibling(AccountName::Bonus),
        _ => return Err(unknown()),
    };
    let debt = points.name.debt().ok_or_else(unknown)?;
    let from_own = lot.remaining.min(amount);
    if from_own > 0 {
        draft.change_lot(&home, lot, -from_own)?;
    }
    let (from_others, _) = draft.take(&points, amount - from_own, None)?;
    let taken = sum(from_own, from_others)?;
    let owed = amount - taken;
    if owed == 0 {
        return Ok(());
    }
    match on_short {
        // Not final: whoever counted on these points counts again.
        TakeBackShort::Refuse => Err(Refusal::PointsSpent {
            account: points.id(),
            needed: amount,
            available: taken,
        }),
        TakeBackShort::Debt => {
            draft.post(&points.sibling(debt), -owed)?;
            draft.notices.push(Notice::DebtMade {
                member: member.to_owned(),
                asset: asset.to_owned(),
                amount: owed,
            });
            Ok(())
        }
    }
}

/// Gives to another member what a member can spend; lots go on under new names.
pub(super) fn transfer(
    draft: &mut Draft<'_>,
    from: &AccountKey,
    to: &str,
    amount: i64,
    lot: &str,
) -> Result<(), Refusal> {
    positive("a transfer", amount)?;
    if !matches!(from.name, AccountName::Points | AccountName::Principal) || from.member == to {
        return Err(invalid(format!(
            "nothing goes from `{}` to `{to}`",
            from.id()
        )));
    }
    not_frozen(draft, from)?;
    let target = AccountKey {
        member: to.to_owned(),
        ..from.clone()
    };
    let (taken, changes) = draft.take(from, amount, Some(draft.spendable_as_of))?;
    if taken != amount {
        return Err(Refusal::InsufficientBalance {
            account: from.id(),
            needed: amount,
            available: taken,
        });
    }
    if !from.name.is_lotted() {
        return draft.post(&target, amount);
    }
    for (position, (id, change)) in changes.into_iter().enumerate() {
        let old = lot_of(draft, from, &id)?;
        let id = match position {
            0 => lot.to_owned(),
            position => format!("{lot}-{position}"),
        };
        if id.is_empty() || draft.lot(&id).is_some() {
            return Err(invalid(format!("lot `{id}` is not new")));
        }
        let part = negated(change)?;
        let new = Lot {
            id,
            member: to.to_owned(),
            account: target.id(),
            original: part,
            remaining: 0,
            available_on: None,
            ..old
        };
        draft.change_lot(&target, new, part)?;
    }
    Ok(())
}

pub(super) fn release_pending(
    draft: &mut Draft<'_>,
    member: &str,
    asset: &str,
    lots: &[String],
) -> Result<(), Refusal> {
    for id in lots {
        let Some(mut lot) = draft.lot(id) else {
            continue;
        };
        let pending = home_of(&lot, member, asset)?;
        let Some(released) = pending.name.released() else {
            continue;
        };
        let spendable = pending.sibling(released);
        if lot.remaining == 0 || lot.available_on.is_some_and(|day| day > draft.today) {
            continue;
        }
        draft.post_lot(&pending, id, negated(lot.remaining)?)?;
        draft.post_lot(&spendable, id, lot.remaining)?;
        lot.account = spendable.id();
        lot.available_on = None;
        draft.put_lot(lot);
    }
    Ok(())
}

pub(super) fn expire(
    draft: &mut Draft<'_>,
    member: &str,
    asset: &str,
    lots: &[String],
) -> Result<(), Refusal> {
    for id in lots {
        let Some(lot) = draft.lot(id) else { continue };
        if lot.member != member || !lot.has_expired(draft.today) {
            continue;
        }
        let account = home_of(&lot, member, asset)?;
        if account.name == AccountName::PassValue && lot.first_day.is_some() {
            // Its days have earned it; it only has not been posted yet.
            continue;
        }
        expire_rest(draft, &account, id)?;
    }
    Ok(())
}

/// Expires what is left in lots whatever their last day: the member was away too long.
pub(super) fn lapse(
    draft: &mut Draft<'_>,
    member: &str,
    asset: &str,
    lots: &[String],
) -> Result<(), Refusal> {
    for id in lots {
        let Some(lot) = draft.lot(id) else { continue };
        let account = home_of(&lot, member, asset)?;
        expire_rest(draft, &account, id)?;
    }
    Ok(())
}
