//! Passes: uses in lots, and beside each lot what was paid for the uses that are left. With each use its part of that
//! leaves the lot; the last use takes what rounding left.
//!
//! A pass for a period is one lot of a single unit: while it is there, its days can be used as often as one likes, and
//! what was paid for it is earned by the day.

use tessera_money::{Rounding, mul_div};

use super::account::{AccountKey, AccountName};
use super::apply::{fall_short, not_frozen};
use super::command::OnShort;
use super::draft::{Draft, invalid, negated, positive, sum};
use super::entry::{LotChange, Notice};
use super::lot::lot_of;
use super::refusal::Refusal;
use crate::domain::time::Day;

/// The lot of what was paid, beside a lot of uses.
pub fn value_lot(uses: &str) -> String {
    format!("{uses}-value")
}

/// The lot of uses beside a lot of what was paid.
pub(super) fn uses_of(value: &str) -> Option<&str> {
    value.strip_suffix("-value")
}

/// Where what was paid for a pass stands.
pub(super) fn paid(pass: &AccountKey, currency: &str) -> AccountKey {
    AccountKey {
        asset: currency.to_owned(),
        ..pass.sibling(AccountName::PassValue)
    }
}

/// Uses that left their lots, with what was paid for them.
#[derive(Default)]
pub(super) struct Taken {
    pub(super) uses: i64,
    pub(super) paid: i64,
    pub(super) lots: Vec<LotChange>,
    pub(super) paid_lots: Vec<LotChange>,
}

/// Takes up to `uses`, nearest expiry first.
fn take(
    draft: &mut Draft<'_>,
    pass: &AccountKey,
    currency: &str,
    uses: i64,
) -> Result<Taken, Refusal> {
    positive("a number of uses", uses)?;
    if pass.name != AccountName::Pass {
        return Err(invalid(format!("`{}` is no pass", pass.id())));
    }
    let mut taken = Taken::default();
    for lot in draft.open_lots(pass, Some(draft.spendable_as_of)) {
        let part = lot.remaining.min(uses - taken.uses);
        if part == 0 {
            break;
        }
        let (id, left) = (lot.id.clone(), lot.remaining);
        draft.change_lot(pass, lot, -part)?;
        taken.uses += part;
        take_paid(draft, &paid(pass, currency), &id, (part, left), &mut taken)?;
        taken.lots.push((id, -part));
    }
    Ok(taken)
}

/// Takes what was paid for `part` of the `left` uses of a lot.
fn take_paid(
    draft: &mut Draft<'_>,
    paid: &AccountKey,
    uses: &str,
    (part, left): (i64, i64),
    taken: &mut Taken,
) -> Result<(), Refusal> {
    // What cost nothing has no lot.
    let Ok(value) = lot_of(draft, paid, &value_lot(uses)) else {
        return Ok(());
    };
    let share =
        mul_div(value.remaining, part, left, Rounding::HalfUp).map_err(|_| Refusal::Overflow)?;
    if share == 0 {
        return Ok(());
    }
    taken.paid = sum(taken.paid, share)?;
    taken.paid_lots.push((value.id.clone(), -share));
    draft.change_lot(paid, value, -share)
}

/// Takes all of `uses` or refuses; nothing of a period, which has no uses to take.
pub(super) fn take_all(
    draft: &mut Draft<'_>,
    pass: &AccountKey,
    currency: &str,
    uses: i64,
) -> Result<Taken, Refusal> {
    not_frozen(draft, pass)?;
    if has_period(draft, pass) {
        return Ok(Taken::default());
    }
    let taken = take(draft, pass, currency, uses)?;
    if taken.uses < uses {
        fall_short(draft, pass, uses, taken.uses, &OnShort::Refuse)?;
    }
    Ok(taken)
}

pub(super) fn make_use(
    draft: &mut Draft<'_>,
    (pass, currency): (&AccountKey, &str),
    uses: i64,
    revenue: &str,
    on_short: &OnShort,
) -> Result<(), Refusal> {
    let frozen = not_frozen(draft, pass);
    if let (Err(frozen), OnShort::Refuse) = (&frozen, on_short) {
        return Err(frozen.clone());
    }
    if has_period(draft, pass) {
        return positive("a number of uses", uses);
    }
    // It happened already: what is frozen stays, and all of it is claimed.
    let taken = match frozen {
        Ok(()) => take(draft, pass, currency, uses)?,
        Err(_) => Taken::default(),
    };
    if taken.uses < uses {
        fall_short(draft, pass, uses, taken.uses, on_short)?;
    }
    draft.post_system(pass.name.issued(), &pass.asset, uses)?;
    draft.post_system(revenue, currency, taken.paid)
}

/// Uses a period as often as is said: nothing is taken, it only has to run. Where it does not although it was used, nobody
/// owes a number of uses; the notice tells of it.
pub(super) fn show(
    draft: &mut Draft<'_>,
    pass: &AccountKey,
    uses: i64,
    on_short: &OnShort,
) -> Result<(), Refusal> {
    positive("a number of uses", uses)?;
    if let (Err(frozen), OnShort::Refuse) = (not_frozen(draft, pass), on_short) {
        return Err(frozen);
    }
    if has_period(draft, pass) {
        return Ok(());
    }
    match on_short {
        OnShort::Refuse => Err(Refusal::InsufficientBalance {
            account: pass.id(),
            needed: uses,
            available: 0,
        }),
        OnShort::Claim { store } => {
            draft.notices.push(Notice::Claimed {
                account: pass.id(),
                needed: uses,
                taken: 0,
                store: store.clone(),
            });
            Ok(())
        }
    }
}

/// Whether a period that can be used is running, or was when a hold this command posts found it.
fn has_period(draft: &Draft<'_>, pass: &AccountKey) -> bool {
    let open = draft.open_lots(pass, Some(draft.spendable_as_of));
    let runs = open.iter().any(|lot| lot.first_day.is_some());
    runs || draft.reserved_periods.contains(&pass.id())
}

/// Posts what the days of periods have earned through a day; what was posted before is what left the lot.
pub(super) fn earn(
    draft: &mut Draft<'_>,
    paid: &AccountKey,
    lots: &[String],
    through: Day,
    revenue: &str,
) -> Result<(), Refusal> {
    for id in lots {
        let Ok(lot) = lot_of(draft, paid, id) else {
            continue;
        };
        let Some(period) = lot.period() else { continue };
        let earned = period.earned(lot.original, through);
        let unearned = lot.original - earned.map_err(|_| Refusal::Overflow)?;
        let due = lot.remaining - unearned;
        if due > 0 {
            draft.change_lot(paid, lot, negated(due)?)?;
            draft.post_system(revenue, &paid.asset, due)?;
        }
    }
    Ok(())
}

pub(super) fn close(
    draft: &mut Draft<'_>,
    (pass, currency): (&AccountKey, &str),
    lot: &str,
    uses: i64,
    revenue: &str,
) -> Result<(), Refusal> {
    let own = lot_of(draft, pass, lot)?;
    if own.remaining != uses {
        // Not final: whoever counted on them counts again.
        return Err(Refusal::PointsSpent {
            account: pass.id(),
            needed: uses,
            available: own.remaining,
        });
    }
    draft.change_lot(pass, own, negated(uses)?)?;
    draft.post_system(pass.name.issued(), &pass.asset, uses)?;
    let paid = paid(pass, currency);
    let mut taken = Taken::default();
    take_paid(draft, &paid, lot, (1, 1), &mut taken)?;
    draft.post_system(revenue, currency, taken.paid)
}
