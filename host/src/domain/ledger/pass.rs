//! Passes: uses in lots, and beside each lot what was paid for the uses that are left. With each use its part of that
//! leaves the lot; the last use takes what rounding left.

use tessera_money::{Rounding, mul_div};

use super::account::{AccountKey, AccountName};
use super::apply::fall_short;
use super::command::OnShort;
use super::draft::{Draft, invalid, negated, positive, sum};
use super::entry::LotChange;
use super::lot::lot_of;
use super::refusal::Refusal;

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

/// Takes all of `uses` or refuses.
pub(super) fn take_all(
    draft: &mut Draft<'_>,
    pass: &AccountKey,
    currency: &str,
    uses: i64,
) -> Result<Taken, Refusal> {
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
    let taken = take(draft, pass, currency, uses)?;
    if taken.uses < uses {
        fall_short(draft, pass, uses, taken.uses, on_short)?;
    }
    draft.post_system(pass.name.issued(), &pass.asset, uses)?;
    draft.post_system(revenue, currency, taken.paid)
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
