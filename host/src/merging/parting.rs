//! The entry of a merge taken back, leg by leg.

use crate::checkout::CheckoutError;
use crate::domain::ledger::{AccountKey, Entry, ExpiredReturn, OnShort, Step, TakeBackShort};
use crate::domain::settings::CheckoutSettings;

/// The steps that part what a merge moved. Debts go back as debts: what was repaid of one by the merge itself comes back
/// to the lots it was taken from. What the survivor spent stays spent, so it refuses.
pub(super) fn parted(
    entry: &Entry,
    settings: &CheckoutSettings,
) -> Result<Vec<Step>, CheckoutError> {
    let unclear = || CheckoutError::NotReversible(entry.kind.clone());
    let expired = match settings.expired_lot_grace_days {
        0 => ExpiredReturn::AtOnce,
        days => ExpiredReturn::GraceDays(days.into()),
    };
    let mut steps = Vec::new();
    for leg in &entry.postings {
        // A merge moves what members have, and nothing of the chain's.
        let account = AccountKey::parse(&leg.account).ok_or_else(unclear)?;
        if account.name.is_debt() {
            steps.push(Step::Owe {
                account,
                change: -leg.amount,
            });
            continue;
        }
        if !account.name.is_lotted() {
            steps.push(match leg.amount {
                amount @ 0.. => Step::Debit {
                    account,
                    amount,
                    on_short: OnShort::Refuse,
                },
                amount => Step::Credit {
                    account,
                    amount: -amount,
                    lot: None,
                },
            });
            continue;
        }
        for (lot, change) in leg.lots.iter().filter(|(_, change)| *change > 0) {
            steps.push(Step::TakeBack {
                member: account.member.clone(),
                asset: account.asset.clone(),
                lot: lot.clone(),
                amount: *change,
                on_short: TakeBackShort::Refuse,
            });
        }
        let taken = leg.lots.iter().filter(|(_, change)| *change < 0);
        let splits: Vec<_> = taken.map(|(lot, change)| (lot.clone(), -change)).collect();
        if !splits.is_empty() {
            steps.push(Step::Return {
                account,
                splits,
                expired,
            });
        }
    }
    Ok(steps)
}
