//! One member's accounts made another's.

use super::account::{AccountKey, AccountName};
use super::draft::{Draft, negated};
use super::pass::{uses_of, value_lot};
use super::refusal::Refusal;
use super::state::Lot;

/// Counts whether a member's accounts went to another.
pub const MERGED: &str = "merged";

/// What of whose goes to whom.
pub(super) struct Merge<'a> {
    pub(super) id: &'a str,
    pub(super) from: &'a str,
    pub(super) to: &'a str,
    pub(super) assets: &'a [String],
    /// False where it only brings after what came later.
    pub(super) first: bool,
}

/// Moves all that `from` holds and owes; lots go on under new names, with their days and what they were given for.
pub(super) fn merge(draft: &mut Draft<'_>, merge: &Merge<'_>) -> Result<(), Refusal> {
    if merge.from == merge.to {
        return Err(super::draft::invalid("nobody is merged with himself"));
    }
    if merge.first {
        mark(draft, merge)?;
    }
    for asset in merge.assets {
        for name in AccountName::ALL {
            let from = AccountKey::new(merge.from, name, asset.as_str());
            let to = AccountKey::new(merge.to, name, asset.as_str());
            let balance = draft.balance(&from)?;
            if name.is_held() && balance != 0 {
                return Err(Refusal::HoldOpen {
                    account: from.id(),
                    amount: balance,
                });
            }
            if name.is_lotted() {
                lots(draft, (&from, &to), merge.id)?;
            } else if balance != 0 {
                draft.post(&from, negated(balance)?)?;
                draft.post(&to, balance)?;
            }
        }
    }
    Ok(())
}

/// Of several merges of one member the first counts, and nobody gets what somebody has who was merged himself.
fn mark(draft: &mut Draft<'_>, merge: &Merge<'_>) -> Result<(), Refusal> {
    let key = |member: &str| (member.to_owned(), MERGED.to_owned());
    for member in [merge.from, merge.to] {
        let value = draft.counter(&key(member)).value;
        if value != 0 {
            return Err(Refusal::CounterLimit {
                owner: member.to_owned(),
                name: MERGED.to_owned(),
                value,
                change: 1,
                limit: 1,
            });
        }
    }
    let mut counter = draft.counter(&key(merge.from));
    counter.value = 1;
    counter.version += 1;
    draft.put_counter(key(merge.from), counter);
    // Moved, not changed: of two merges that cross each other the second reads the first.
    let mut other = draft.counter(&key(merge.to));
    other.version += 1;
    draft.put_counter(key(merge.to), other);
    Ok(())
}

fn lots(
    draft: &mut Draft<'_>,
    (from, to): (&AccountKey, &AccountKey),
    id: &str,
) -> Result<(), Refusal> {
    for old in draft.open_lots(from, None) {
        let amount = old.remaining;
        let new = Lot {
            id: renamed(from.name, &old.id, id),
            member: to.member.clone(),
            account: to.id(),
            // What was paid for a period is earned by the share of all of it.
            original: match (from.name, old.first_day) {
                (AccountName::PassValue, Some(_)) => old.original,
                _ => amount,
            },
            remaining: 0,
            ..old.clone()
        };
        draft.change_lot(from, old, negated(amount)?)?;
        draft.change_lot(to, new, amount)?;
    }
    Ok(())
}

/// Moves what a member owes; never above nothing.
pub(super) fn owe(draft: &mut Draft<'_>, account: &AccountKey, change: i64) -> Result<(), Refusal> {
    if !account.name.is_debt() {
        let why = format!("nothing is owed on `{}`", account.id());
        return Err(super::draft::invalid(why));
    }
    draft.post(account, change)
}

/// What a lot is called after a merge: what was paid for a pass goes on beside its uses.
pub fn renamed(account: AccountName, old: &str, merge: &str) -> String {
    match uses_of(old).filter(|_| account == AccountName::PassValue) {
        Some(uses) => value_lot(&format!("{uses}~{merge}")),
        None => format!("{old}~{merge}"),
    }
}
