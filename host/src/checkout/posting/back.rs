//! The way back: the steps that post a refund, and what is taken back of what a sale or an occasion gave.

use super::{
    account, counter_step, negated, overflow, passes, points_cost, system, tender_account,
    tender_key,
};
use crate::checkout::error::CheckoutError;
use crate::checkout::sharing;
use crate::commission::owed;
use crate::domain::ledger::{AccountName, ExpiredReturn, Step, TakeBackShort};
use crate::domain::order::OrderDocument;
use crate::domain::refund::{
    AwardReturn, BonusReturn, GiftsBack, RefundPlan, RefundTender, RewardReturn, Undone,
};
use crate::domain::rules::TenderKind;

/// Lots a sale took points or bonus from, less what refunds put back: account id, then lot and amount.
pub type Consumed = Vec<(String, Vec<(String, i64)>)>;

/// The steps that post a refund.
pub fn refund(
    order: &str,
    expected_sequence: i64,
    document: &OrderDocument,
    plan: &RefundPlan,
    points: &str,
    consumed: &Consumed,
    taken: &[TakeBack],
) -> Result<Vec<Step>, CheckoutError> {
    let store = &document.store;
    let expired = match document.terms.expired_lot_grace_days {
        0 => ExpiredReturn::AtOnce,
        days => ExpiredReturn::GraceDays(u32::from(days)),
    };
    let net = plan
        .lines
        .iter()
        .try_fold(0_i64, |sum, line| sum.checked_add(line.net))
        .ok_or_else(overflow)?;
    let tax = plan
        .lines
        .iter()
        .try_fold(0_i64, |sum, line| sum.checked_add(line.tax))
        .ok_or_else(overflow)?;
    let mut steps = vec![Step::Refund {
        order: order.to_owned(),
        expected_sequence,
        lines: plan
            .lines
            .iter()
            .map(|line| (line.line, line.quantity))
            .collect(),
        tenders: plan
            .tenders
            .iter()
            .map(|tender| {
                (
                    tender_key(tender.tender as usize, tender.kind),
                    tender.amount,
                )
            })
            .filter(|(_, back)| *back > 0)
            .collect(),
    }];
    steps.extend(system(
        format!("sales/{store}"),
        &document.currency,
        negated(net)?,
    ));
    steps.extend(system(
        format!("tax/{store}"),
        &document.currency,
        negated(tax)?,
    ));
    steps.extend(system(
        format!("claims/{store}"),
        &document.currency,
        plan.unpaid,
    ));
    steps.extend(system(
        format!("rounding/{store}"),
        &document.currency,
        negated(plan.rounding)?,
    ));
    steps.extend(system(
        format!("tender/cash/{store}"),
        &document.currency,
        plan.rounding,
    ));
    let kept = plan
        .kept_back
        .iter()
        .try_fold(0_i64, |sum, kept| sum.checked_add(kept.amount))
        .ok_or_else(overflow)?;
    steps.extend(system(
        format!("points-kept/{store}"),
        &document.currency,
        kept,
    ));
    for kept in &plan.kept_back {
        steps.extend(system(
            tender_account(kept.kind, store),
            &document.currency,
            negated(kept.amount)?,
        ));
    }
    for tender in &plan.tenders {
        pay_back(&mut steps, document, tender, points, consumed, expired)?;
    }
    steps.extend(points_cost(document, negated(plan.points_cost)?)?);
    let to_wallet = plan.tenders.iter();
    let to_wallet = to_wallet.filter(|tender| tender.kind == TenderKind::StoredValue);
    let returned = to_wallet.fold(0_i64, |sum, tender| sum.saturating_add(tender.amount));
    steps.extend(sharing::freed(document, returned));
    steps.extend(passes::back(document, plan, consumed, expired)?);
    for back in taken {
        take_back(&mut steps, back);
    }
    let mut unearned = Vec::new();
    for back in &plan.commissions {
        let record = document.commissions.get(back.commission as usize);
        let record = record.ok_or_else(overflow)?;
        unearned.push((record.staff.as_str(), negated(back.amount)?));
    }
    steps.extend(owed(store, &document.currency, unearned.into_iter())?);
    for counter in &plan.counters {
        // What a refund frees was used by the sale, so no limit can stand in its way.
        steps.push(counter_step(document, counter, false)?);
    }
    for code in &plan.codes {
        steps.push(Step::UseCoupon {
            code: code.clone(),
            change: -1,
            member: document.member.clone(),
            enforce: false,
        });
    }
    for code in &plan.gifts.voided {
        steps.push(Step::VoidCoupon { code: code.clone() });
    }
    Ok(steps)
}

/// Points or bonus a refund takes from a member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TakeBack {
    pub member: String,
    /// Points, or bonus.
    pub account: AccountName,
    pub asset: String,
    pub lot: String,
    /// Points at the program's scale, or minor units.
    pub amount: i64,
    pub on_short: TakeBackShort,
}

/// Points of awards and rewards and bonus that are taken back, with the lots they made.
pub fn taken_back(
    document: &OrderDocument,
    awards: &[AwardReturn],
    gifts: &GiftsBack,
    points_asset: &str,
) -> Result<Vec<TakeBack>, CheckoutError> {
    let damaged = || CheckoutError::Internal("an order's award has no lot".to_owned());
    let points_of = |member: String, lot: String, amount| TakeBack {
        member,
        account: AccountName::Points,
        asset: points_asset.to_owned(),
        lot,
        amount,
        on_short: TakeBackShort::Debt,
    };
    let mut taken = Vec::new();
    for AwardReturn { award, points } in awards {
        let award = document.awards.get(*award as usize).ok_or_else(damaged)?;
        let member = document.member.clone().ok_or_else(damaged)?;
        let lot = award.lot.clone().ok_or_else(damaged)?;
        taken.push(points_of(member, lot, *points));
    }
    let rewards = document
        .referral
        .as_ref()
        .map_or(&[][..], |referral| &referral.rewards[..]);
    for RewardReturn { reward, points } in &gifts.rewards {
        let reward = rewards.get(*reward as usize).ok_or_else(damaged)?;
        let lot = reward.lot.clone().ok_or_else(damaged)?;
        taken.push(points_of(reward.member.clone(), lot, *points));
    }
    for BonusReturn { grant, amount } in &gifts.bonus {
        let record = document.grants.get(*grant as usize);
        let record = record.ok_or_else(damaged)?;
        let holder = record.holder.as_ref().or(document.member.as_ref());
        taken.push(TakeBack {
            account: AccountName::Bonus,
            asset: document.currency.clone(),
            ..points_of(
                holder.cloned().ok_or_else(damaged)?,
                record.lot.clone().ok_or_else(damaged)?,
                *amount,
            )
        });
    }
    Ok(taken)
}

fn pay_back(
    steps: &mut Vec<Step>,
    document: &OrderDocument,
    tender: &RefundTender,
    points: &str,
    consumed: &Consumed,
    expired: ExpiredReturn,
) -> Result<(), CheckoutError> {
    let mut return_to =
        |name: AccountName, asset: &str, amount: i64| -> Result<(), CheckoutError> {
            if amount > 0 {
                let account = account(document, name, asset)?;
                let splits = splits(consumed, &account.id(), amount)?;
                steps.push(Step::Return {
                    account,
                    splits,
                    expired,
                });
            }
            Ok(())
        };
    return_to(AccountName::Bonus, &document.currency, tender.bonus)?;
    if tender.kind == TenderKind::Points {
        return_to(AccountName::Points, points, tender.points)?;
        steps.extend(system(
            "points-issued".to_owned(),
            points,
            negated(tender.points)?,
        ));
    }
    if tender.principal > 0 {
        let account = account(document, AccountName::Principal, &document.currency)?;
        steps.push(Step::Credit {
            account,
            amount: tender.principal,
            lot: None,
        });
    }
    if tender.paid_as != TenderKind::StoredValue {
        steps.extend(system(
            tender_account(tender.paid_as, &document.store),
            &document.currency,
            tender.amount,
        ));
    }
    Ok(())
}

/// Spreads an amount over the lots it was taken from, the last taken first.
pub(super) fn splits(
    consumed: &Consumed,
    account: &str,
    amount: i64,
) -> Result<Vec<(String, i64)>, CheckoutError> {
    let lots = consumed
        .iter()
        .find(|(id, _)| id == account)
        .map_or(&[][..], |(_, lots)| &lots[..]);
    let mut left = amount;
    let mut splits = Vec::new();
    for (lot, taken) in lots.iter().rev() {
        let part = left.min(*taken);
        if part > 0 {
            splits.push((lot.clone(), part));
            left -= part;
        }
    }
    if left > 0 {
        return Err(CheckoutError::Internal(format!(
            "{left} of `{account}` have no lot to return to"
        )));
    }
    Ok(splits)
}

fn take_back(steps: &mut Vec<Step>, back: &TakeBack) {
    if back.amount == 0 {
        return;
    }
    steps.push(Step::TakeBack {
        member: back.member.clone(),
        asset: back.asset.clone(),
        lot: back.lot.clone(),
        amount: back.amount,
        on_short: back.on_short,
    });
    let issued = match back.account {
        AccountName::Bonus => "bonus-issued",
        _ => "points-issued",
    };
    steps.extend(system(issued.to_owned(), &back.asset, back.amount));
}

/// The steps that undo what an occasion gave, but for what it took back from members: that comes with the refund's.
pub fn undone(document: &OrderDocument, undone: &Undone) -> Result<Vec<Step>, CheckoutError> {
    let mut steps = Vec::new();
    for counter in &undone.counters {
        steps.push(counter_step(document, counter, false)?);
    }
    for code in &undone.gifts.voided {
        steps.push(Step::VoidCoupon { code: code.clone() });
    }
    Ok(steps)
}
