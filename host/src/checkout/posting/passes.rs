//! Passes and memberships: what a sale of one defers, what a use of one earns, and the way back of both.

use std::collections::BTreeMap;

use tessera_money::{Rounding, mul_div};

use super::back::{Consumed, splits};
use super::{Strictness, negated, on_short, overflow, system};
use crate::checkout::error::CheckoutError;
use crate::domain::ledger::{
    AccountKey, AccountName, ExpiredReturn, NewLot, Reserve, Step, value_lot,
};
use crate::domain::membership::{Ended, UpgradeCredit};
use crate::domain::order::{OrderDocument, OrderLine};
use crate::domain::pass::{PERIODS, PERIODS_HELD, PassSold, PassUse, membership_asset, pass_asset};
use crate::domain::refund::RefundPlan;

/// Where the uses of a pass a member has stand.
fn uses_of(member: &str, product: &str) -> AccountKey {
    AccountKey::new(member, AccountName::Pass, pass_asset(product))
}

/// Where what a sale gives a member stands.
fn given_to(member: &str, product: &str, pass: &PassSold) -> AccountKey {
    AccountKey::new(member, AccountName::Pass, pass.asset(product))
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
        .try_fold(0_i64, |sum, (_, _, line, pass)| {
            sum.checked_add(paid_for(line, pass)?)
        })
        .ok_or_else(overflow)
}

/// What was paid for what a line gives, without tax: with what was taken in payment.
fn paid_for(line: &OrderLine, pass: &PassSold) -> Option<i64> {
    let credit = pass.credit.as_ref().map_or(0, UpgradeCredit::deferred);
    line.net.checked_add(credit)
}

/// The steps that end the memberships an upgrade takes in payment: what their days have earned is revenue, the rest goes
/// from there into what was paid for the new one.
fn ended(document: &OrderDocument, member: &str, credit: &UpgradeCredit) -> Vec<Step> {
    let close = |ended: &Ended| {
        [
            Step::EarnPeriods {
                account: AccountKey::new(member, AccountName::PassValue, &document.currency),
                lots: vec![value_lot(&ended.lot)],
                through: document.business_date.plus_days(-1),
                revenue: revenue(document),
            },
            Step::ClosePass {
                account: AccountKey::new(
                    member,
                    AccountName::Pass,
                    membership_asset(&ended.product),
                ),
                currency: document.currency.clone(),
                lot: ended.lot.clone(),
                uses: 1,
                revenue: revenue(document),
            },
        ]
    };
    credit.ended.iter().flat_map(close).collect()
}

/// The steps that let them go on where the upgrade comes back unused.
fn reopened(
    document: &OrderDocument,
    member: &str,
    credit: &UpgradeCredit,
) -> Result<Vec<Step>, CheckoutError> {
    let mut steps = Vec::new();
    for ended in &credit.ended {
        let right = AccountKey::new(member, AccountName::Pass, membership_asset(&ended.product));
        let paid = AccountKey::new(member, AccountName::PassValue, &document.currency);
        steps.extend(system("pass-issued".to_owned(), &right.asset, -1));
        steps.extend(system(
            revenue(document),
            &document.currency,
            negated(ended.deferred)?,
        ));
        for (account, lot, amount) in [
            (right, ended.lot.clone(), 1),
            (paid, value_lot(&ended.lot), ended.deferred),
        ] {
            let splits = vec![(lot, amount)];
            steps.extend((amount > 0).then_some(Step::Return {
                account,
                splits,
                expired: ExpiredReturn::AtOnce,
            }));
        }
    }
    Ok(steps)
}

/// Whose periods a document sells, and where they stood when it said where each begins.
fn turn(document: &OrderDocument) -> Option<(&str, i64)> {
    let mut periods = sold_by(document).filter(|(_, _, _, sold)| sold.first_day.is_some());
    periods
        .next()
        .map(|(member, _, _, sold)| (member, sold.turn))
}

fn counter(owner: &str, name: &str, change: i64, limit: Option<i64>, enforce: bool) -> Step {
    Step::Counter {
        owner: owner.to_owned(),
        name: name.to_owned(),
        change,
        limit,
        floor: None,
        enforce,
    }
}

/// The steps that refuse a sale whose periods begin where others, sold or held since, do too.
fn in_turn(document: &OrderDocument, strictness: Strictness) -> Vec<Step> {
    match (turn(document), strictness) {
        (None, _) => Vec::new(),
        (Some((member, number)), Strictness::Enforced) => vec![
            Step::TakeTurn {
                owner: member.to_owned(),
                name: PERIODS.to_owned(),
                number,
            },
            counter(member, PERIODS_HELD, 1, Some(1), true),
            counter(member, PERIODS_HELD, -1, None, true),
        ],
        (Some((member, _)), Strictness::Recorded) => vec![counter(member, PERIODS, 1, None, false)],
    }
}

/// The steps that give what was sold.
pub(super) fn sold(
    order: &str,
    document: &OrderDocument,
    strictness: Strictness,
) -> Result<Vec<Step>, CheckoutError> {
    let mut steps = in_turn(document, strictness);
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
                first_day: pass.first_day,
            })
        };
        steps.extend(
            pass.credit
                .iter()
                .flat_map(|credit| ended(document, member, credit)),
        );
        let account = given_to(member, product, pass);
        let paid = paid_for(line, pass).ok_or_else(overflow)?;
        steps.extend(system(
            "pass-issued".to_owned(),
            &account.asset,
            negated(pass.uses)?,
        ));
        if paid > 0 {
            steps.push(Step::Credit {
                account: AccountKey::new(member, AccountName::PassValue, &document.currency),
                amount: paid,
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
            unlimited: used.unlimited,
            revenue: revenue(document),
            on_short: on_short(document, strictness),
        };
        let counted = used.is_counted().then(|| Step::Counter {
            owner: used.member.clone(),
            name: used.counter(document.business_date),
            change: used.uses,
            limit: used.most_per_day,
            floor: Some(0),
            enforce: strictness == Strictness::Enforced,
        });
        [Some(uses), counted].into_iter().flatten()
    })
}

/// What a hold keeps of passes.
pub(super) fn reserves(document: &OrderDocument) -> impl Iterator<Item = Reserve> {
    let periods = turn(document).into_iter().flat_map(|(member, number)| {
        [(PERIODS, number + 1), (PERIODS_HELD, 1)].map(|(name, limit)| Reserve::Counter {
            owner: member.to_owned(),
            name: name.to_owned(),
            change: 1,
            limit: Some(limit),
            floor: None,
        })
    });
    let uses = used_by(document).flat_map(|used| {
        let uses = Reserve::Pass {
            account: uses_of(&used.member, &used.pass),
            currency: document.currency.clone(),
            uses: used.uses,
        };
        let counted = used.is_counted().then(|| Reserve::Counter {
            owner: used.member.clone(),
            name: used.counter(document.business_date),
            change: used.uses,
            limit: used.most_per_day,
            floor: Some(0),
        });
        [Some(uses), counted].into_iter().flatten()
    });
    periods.chain(uses)
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
        if let (Some(left), Some(member), Some(product), Some(pass)) =
            (back.uses, &document.member, &line.product, &line.pass_sold)
        {
            let is_period = pass.first_day.is_some();
            steps.extend(pass.lot.clone().map(|lot| Step::ClosePass {
                account: given_to(member, product, pass),
                currency: document.currency.clone(),
                lot,
                uses: if is_period { pass.uses } else { left },
                revenue: revenue(document),
            }));
            // A quote that would have begun where it ends is made again.
            steps.extend(is_period.then(|| counter(member, PERIODS, 1, None, false)));
            if let Some(credit) = pass.credit.as_ref().filter(|_| pass.is_unused(left)) {
                steps.extend(reopened(document, member, credit)?);
            }
        }
        if let Some(used) = &line.pass_used {
            let uses = back.quantity / 1_000;
            if !used.unlimited {
                let sum = returned.entry((&used.member, &used.pass)).or_insert(0);
                *sum = sum.checked_add(uses).ok_or_else(overflow)?;
            }
            steps.extend(used.is_counted().then(|| Step::Counter {
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
