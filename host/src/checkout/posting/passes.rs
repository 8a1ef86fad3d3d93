//! Passes: what a sale of one defers, what a use of one earns, and the way back of both.

use std::collections::BTreeMap;

use tessera_money::{Rounding, mul_div};

use super::back::{Consumed, splits};
use super::{Strictness, negated, on_short, overflow, system};
use crate::checkout::error::CheckoutError;
use crate::domain::ledger::{
    AccountKey, AccountName, ExpiredReturn, NewLot, Reserve, Step, value_lot,
};
use crate::domain::order::{OrderDocument, OrderLine};
use crate::domain::pass::{PassSold, PassUse, pass_asset};
use crate::domain::refund::RefundPlan;

/// Where the uses of a pass a member has stand.
fn uses_of(member: &str, product: &str) -> AccountKey {
    AccountKey::new(member, AccountName::Pass, pass_asset(product))
}

fn revenue(document: &OrderDocument) -> String {
    format!("sales/{}", document.store)
}

/// The passes a document sells: who buys, which product, what of it.
fn sold_by(document: &OrderDocument) -> impl Iterator<Item = (&str, &str, &OrderLine, &PassSold)> {
    document.lines.iter().filter_map(|line| {
        let member = document.member.as_deref()?;
        Some((
            member,
            line.product.as_deref()?,
            line,
            line.pass_sold.as_ref()?,
        ))
    })
}

fn used_by(document: &OrderDocument) -> impl Iterator<Item = &PassUse> {
    document
        .lines
        .iter()
        .filter_map(|line| line.pass_used.as_ref())
}

/// What of a sale is no revenue yet.
pub(super) fn deferred(document: &OrderDocument) -> Result<i64, CheckoutError> {
    sold_by(document)
        .try_fold(0_i64, |sum, (_, _, line, _)| sum.checked_add(line.net))
        .ok_or_else(overflow)
}

/// The steps that give what was sold.
pub(super) fn sold(order: &str, document: &OrderDocument) -> Result<Vec<Step>, CheckoutError> {
    let mut steps = Vec::new();
    for (member, product, line, pass) in sold_by(document) {
        let id = pass
            .lot
            .clone()
            .ok_or_else(|| CheckoutError::Internal("a pass has no lot yet".to_owned()))?;
        let lot = |id| {
            Some(NewLot {
                id,
                expires_on: pass.expires_on,
                available_on: None,
                source: order.to_owned(),
            })
        };
        let account = uses_of(member, product);
        steps.extend(system(
            "pass-issued".to_owned(),
            &account.asset,
            negated(pass.uses)?,
        ));
        if line.net > 0 {
            steps.push(Step::Credit {
                account: AccountKey::new(member, AccountName::PassValue, &document.currency),
                amount: line.net,
                lot: lot(value_lot(&id)),
            });
        }
        steps.push(Step::Credit {
            account,
            amount: pass.uses,
            lot: lot(id),
        });
    }
    Ok(steps)
}

/// The steps that make the uses that pay for lines.
pub(super) fn used(document: &OrderDocument, strictness: Strictness) -> impl Iterator<Item = Step> {
    used_by(document).flat_map(move |used| {
        let uses = Step::UsePass {
            account: uses_of(&used.member, &used.pass),
            currency: document.currency.clone(),
            uses: used.uses,
            revenue: revenue(document),
            on_short: on_short(document, strictness),
        };
        let counted = used.most_per_day.map(|most| Step::Counter {
            owner: used.member.clone(),
            name: used.counter(document.business_date),
            change: used.uses,
            limit: Some(most),
            floor: Some(0),
            enforce: strictness == Strictness::Enforced,
        });
        [Some(uses), counted].into_iter().flatten()
    })
}

/// What a hold keeps of passes.
pub(super) fn reserves(document: &OrderDocument) -> impl Iterator<Item = Reserve> {
    used_by(document).flat_map(|used| {
        let uses = Reserve::Pass {
            account: uses_of(&used.member, &used.pass),
            currency: document.currency.clone(),
            uses: used.uses,
        };
        let counted = used.most_per_day.map(|most| Reserve::Counter {
            owner: used.member.clone(),
            name: used.counter(document.business_date),
            change: used.uses,
            limit: Some(most),
            floor: Some(0),
        });
        [Some(uses), counted].into_iter().flatten()
    })
}

/// The steps that end passes that come back, and give uses back that paid for goods that do.
pub(super) fn back(
    document: &OrderDocument,
    plan: &RefundPlan,
    consumed: &Consumed,
    expired: ExpiredReturn,
) -> Result<Vec<Step>, CheckoutError> {
    let mut steps = Vec::new();
    // Several lines may be paid for by one pass; its lots are filled up once.
    let mut returned: BTreeMap<(&str, &str), i64> = BTreeMap::new();
    for back in &plan.lines {
        let Some(line) = document.lines.get(back.line as usize) else {
            continue;
        };
        if let (Some(uses), Some(member), Some(product), Some(lot)) = (
            back.uses,
            &document.member,
            &line.product,
            line.pass_sold.as_ref().and_then(|pass| pass.lot.as_ref()),
        ) {
            steps.push(Step::ClosePass {
                account: uses_of(member, product),
                currency: document.currency.clone(),
                lot: lot.clone(),
                uses,
                revenue: revenue(document),
            });
        }
        if let Some(used) = &line.pass_used {
            let uses = back.quantity / 1_000;
            let sum = returned.entry((&used.member, &used.pass)).or_insert(0);
            *sum = sum.checked_add(uses).ok_or_else(overflow)?;
            steps.extend(used.most_per_day.map(|_| Step::Counter {
                owner: used.member.clone(),
                name: used.counter(document.business_date),
                change: -uses,
                limit: None,
                floor: Some(0),
                enforce: false,
            }));
        }
    }
    for ((member, pass), uses) in returned {
        give_back(
            &mut steps,
            document,
            &uses_of(member, pass),
            uses,
            (consumed, expired),
        )?;
    }
    Ok(steps)
}

/// Puts uses back into the lots they left, each with its part of what was paid for them.
fn give_back(
    steps: &mut Vec<Step>,
    document: &OrderDocument,
    account: &AccountKey,
    uses: i64,
    (consumed, expired): (&Consumed, ExpiredReturn),
) -> Result<(), CheckoutError> {
    let id = account.id();
    // A sale that happened may have used more than there was; the rest was the store's loss and comes back to it.
    let there = taken_from(consumed, &id);
    let uses_there = uses.min(there.values().sum());
    let short = system(
        format!("claims/{}", document.store),
        &account.asset,
        uses - uses_there,
    );
    steps.extend(short);
    steps.extend(system(
        "pass-issued".to_owned(),
        &account.asset,
        negated(uses)?,
    ));
    let lots = splits(consumed, &id, uses_there)?;
    let paid = AccountKey::new(&account.member, AccountName::PassValue, &document.currency);
    let earned = taken_from(consumed, &paid.id());
    let mut paid_lots = Vec::new();
    let mut sum = 0_i64;
    for (lot, part) in &lots {
        let value = value_lot(lot);
        let (Some(of), Some(whole)) = (earned.get(value.as_str()), there.get(lot.as_str())) else {
            continue;
        };
        let share = mul_div(*of, *part, *whole, Rounding::HalfUp)?;
        sum = sum.checked_add(share).ok_or_else(overflow)?;
        paid_lots.push((value, share));
    }
    for (account, splits) in [(account.clone(), lots), (paid, paid_lots)] {
        if !splits.is_empty() {
            steps.push(Step::Return {
                account,
                splits,
                expired,
            });
        }
    }
    steps.extend(system(revenue(document), &document.currency, negated(sum)?));
    Ok(())
}

/// What is still taken from each lot of an account.
fn taken_from<'a>(consumed: &'a Consumed, account: &str) -> BTreeMap<&'a str, i64> {
    let own = consumed.iter().filter(|(id, _)| id == account);
    own.flat_map(|(_, lots)| lots)
        .map(|(lot, taken)| (lot.as_str(), *taken))
        .collect()
}
