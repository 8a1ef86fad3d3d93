//! From a priced order, or a planned refund, to the steps of one balanced command.
//!
//! Currency legs of a sale: the store's sales, its tax and the cash rounding on one side, the tenders on
//! the other. Points are their own asset with `points-issued` as the other side; where points pay, their
//! worth is a tender of the store like any other.

use crate::domain::ledger::{
    AccountKey, AccountName, ExpiredReturn, NewCoupon, NewLot, OnShort, Reserve, Step,
    TakeBackShort,
};
use crate::domain::order::{CounterUse, OrderDocument, Tender};
use crate::domain::refund::{AwardReturn, RefundPlan, RefundTender, Undone};
use crate::domain::rules::TenderKind;
use crate::domain::time::Day;

use super::campaigns::CounterName;
use super::error::CheckoutError;

/// How strictly a sale's limits hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strictness {
    /// A quote that is being committed: every limit refuses.
    Enforced,
    /// A sale that happened already: what is short becomes a claim of the store and an event.
    Recorded,
}

/// The steps that post a sale.
pub fn sale(
    order: &str,
    document: &OrderDocument,
    points: &str,
    strictness: Strictness,
) -> Result<Vec<Step>, CheckoutError> {
    let store = &document.store;
    let mut steps = Vec::with_capacity(16);
    let totals = &document.totals;
    steps.extend(system(
        format!("sales/{store}"),
        &document.currency,
        totals.net,
    ));
    steps.extend(system(
        format!("tax/{store}"),
        &document.currency,
        totals.tax,
    ));
    steps.extend(system(
        format!("rounding/{store}"),
        &document.currency,
        totals.rounding,
    ));
    steps.extend(system(
        format!("claims/{store}"),
        &document.currency,
        negated(totals.left_to_pay)?,
    ));
    for tender in &document.tenders {
        pay(&mut steps, document, tender, points, strictness)?;
    }
    let enforce = strictness == Strictness::Enforced;
    for gift in gifts(document) {
        give(&mut steps, order, &gift, document.business_date, points)?;
    }
    for counter in &document.counters {
        steps.push(counter_step(document, counter, enforce)?);
    }
    for code in document.codes.iter().filter(|code| code.used) {
        steps.push(Step::UseCoupon {
            code: code.code.clone(),
            change: 1,
            member: document.member.clone(),
            enforce,
        });
    }
    steps.extend(grants(order, document)?);
    steps.push(Step::OpenOrder {
        order: order.to_owned(),
        lines: document.lines.iter().map(|line| line.quantity).collect(),
        tenders: document
            .tenders
            .iter()
            .enumerate()
            .map(|(position, tender)| {
                (
                    tender_key(position, tender.kind),
                    tender.amount - tender.rounding,
                )
            })
            // Cash of 0.02 is rounded to nothing.
            .filter(|(_, paid)| *paid > 0)
            .collect(),
    });
    Ok(steps)
}

/// The steps that give what is granted beside points: coupons, each to be used once by its member, and bonus.
fn grants(source: &str, document: &OrderDocument) -> Result<Vec<Step>, CheckoutError> {
    let mut steps = Vec::new();
    for record in &document.grants {
        let holder = record.holder.as_ref().or(document.member.as_ref());
        for code in &record.codes {
            steps.push(Step::IssueCoupon(NewCoupon {
                code: code.clone(),
                campaign: record.honoured_by.clone().unwrap_or_default(),
                holder: holder.cloned(),
                use_limit: Some(1),
                starts_on: record.grant.available_on,
                expires_on: record.grant.expires_on,
            }));
        }
        let (Some(lot), Some(holder)) = (&record.lot, holder) else {
            continue;
        };
        let amount = record.grant.amount;
        steps.push(Step::Credit {
            account: AccountKey::new(holder, AccountName::Bonus, &document.currency),
            amount,
            lot: Some(NewLot {
                id: lot.clone(),
                expires_on: record.grant.expires_on,
                available_on: None,
                source: source.to_owned(),
            }),
        });
        let issued = "bonus-issued".to_owned();
        steps.extend(system(issued, &document.currency, negated(amount)?));
    }
    Ok(steps)
}

/// The steps that give what no sale gives with its own entry: a claimed order's benefits, of whose counters `counted`
/// were moved by the sale already, or those of an occasion.
pub fn given(
    source: &str,
    document: &OrderDocument,
    counted: usize,
    today: Day,
    points: &str,
) -> Result<Vec<Step>, CheckoutError> {
    let mut steps = Vec::new();
    for gift in gifts(document) {
        give(&mut steps, source, &gift, today, points)?;
    }
    for counter in document.counters.iter().skip(counted) {
        steps.push(counter_step(document, counter, true)?);
    }
    steps.extend(grants(source, document)?);
    Ok(steps)
}

/// What a hold of a quote reserves: its points and stored value, its counters and its codes.
pub fn reserves(document: &OrderDocument, points: &str) -> Result<Vec<Reserve>, CheckoutError> {
    let mut reserves = Vec::new();
    for tender in &document.tenders {
        let parts = [
            (AccountName::Points, points, tender.points),
            (
                AccountName::Principal,
                document.currency.as_str(),
                tender.principal,
            ),
            (AccountName::Bonus, document.currency.as_str(), tender.bonus),
        ];
        for (name, asset, amount) in parts {
            if amount > 0 {
                reserves.push(Reserve::Account {
                    account: account(document, name, asset)?,
                    amount,
                });
            }
        }
    }
    for counter in &document.counters {
        let (owner, name) = counter_key(document, counter)?;
        reserves.push(Reserve::Counter {
            owner,
            name,
            change: counter.change,
            limit: counter.limit,
            floor: Some(0),
        });
    }
    for code in document.codes.iter().filter(|code| code.used) {
        reserves.push(Reserve::Coupon {
            code: code.code.clone(),
            member: document.member.clone(),
        });
    }
    Ok(reserves)
}

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
    for back in taken {
        take_back(&mut steps, back);
    }
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
    for code in &plan.voided {
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

/// What of a document is taken back, by position.
#[derive(Debug, Clone, Copy)]
pub struct Returns<'a> {
    pub awards: &'a [AwardReturn],
    pub rewards: &'a [u32],
    pub bonus: &'a [u32],
}

impl<'a> Returns<'a> {
    /// What a refund takes back.
    pub fn of_plan(plan: &'a RefundPlan) -> Self {
        Self {
            awards: &plan.awards,
            rewards: &plan.rewards,
            bonus: &plan.bonus,
        }
    }
}

/// Points of awards and rewards and bonus that are taken back, with the lots they made.
pub fn taken_back(
    document: &OrderDocument,
    returns: Returns<'_>,
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
    for AwardReturn { award, points } in returns.awards {
        let award = document.awards.get(*award as usize).ok_or_else(damaged)?;
        let member = document.member.clone().ok_or_else(damaged)?;
        let lot = award.lot.clone().ok_or_else(damaged)?;
        taken.push(points_of(member, lot, *points));
    }
    let rewards = document
        .referral
        .as_ref()
        .map_or(&[][..], |referral| &referral.rewards[..]);
    for position in returns.rewards {
        let reward = rewards.get(*position as usize).ok_or_else(damaged)?;
        let lot = reward.lot.clone().ok_or_else(damaged)?;
        taken.push(points_of(reward.member.clone(), lot, reward.points));
    }
    for position in returns.bonus {
        let record = document.grants.get(*position as usize);
        let record = record.ok_or_else(damaged)?;
        let holder = record.holder.as_ref().or(document.member.as_ref());
        taken.push(TakeBack {
            account: AccountName::Bonus,
            asset: document.currency.clone(),
            ..points_of(
                holder.cloned().ok_or_else(damaged)?,
                record.lot.clone().ok_or_else(damaged)?,
                record.grant.amount,
            )
        });
    }
    Ok(taken)
}

/// The name a tender is refunded under: its position tells two cards apart.
fn tender_key(position: usize, kind: TenderKind) -> String {
    format!("{position}:{}", kind_name(kind))
}

/// The words of the API for a kind of tender.
pub fn kind_name(kind: TenderKind) -> &'static str {
    match kind {
        TenderKind::Cash => "cash",
        TenderKind::Card => "card",
        TenderKind::Mobile => "mobile",
        TenderKind::Points => "points",
        TenderKind::StoredValue => "stored-value",
        TenderKind::Other => "other",
    }
}

fn tender_account(kind: TenderKind, store: &str) -> String {
    format!("tender/{}/{store}", kind_name(kind))
}

fn system(name: String, asset: &str, amount: i64) -> Option<Step> {
    (amount != 0).then(|| Step::System {
        name,
        asset: asset.to_owned(),
        amount,
    })
}

fn account(
    document: &OrderDocument,
    name: AccountName,
    asset: &str,
) -> Result<AccountKey, CheckoutError> {
    let member = document.member.as_deref().ok_or_else(|| {
        CheckoutError::Internal("an order without member spends a member's account".to_owned())
    })?;
    Ok(AccountKey::new(member, name, asset))
}

fn pay(
    steps: &mut Vec<Step>,
    document: &OrderDocument,
    tender: &Tender,
    points: &str,
    strictness: Strictness,
) -> Result<(), CheckoutError> {
    let on_short = || match strictness {
        Strictness::Enforced => OnShort::Refuse,
        Strictness::Recorded => OnShort::Claim {
            store: document.store.clone(),
        },
    };
    let mut debit = |name, asset: &str, amount| -> Result<(), CheckoutError> {
        if amount > 0 {
            steps.push(Step::Debit {
                account: account(document, name, asset)?,
                amount,
                on_short: on_short(),
            });
        }
        Ok(())
    };
    if tender.kind == TenderKind::StoredValue {
        debit(AccountName::Principal, &document.currency, tender.principal)?;
        return debit(AccountName::Bonus, &document.currency, tender.bonus);
    }
    debit(AccountName::Points, points, tender.points)?;
    steps.extend(system("points-issued".to_owned(), points, tender.points));
    steps.extend(system(
        tender_account(tender.kind, &document.store),
        &document.currency,
        negated(tender.amount)?,
    ));
    Ok(())
}

/// Points to be given to someone.
struct Gift<'a> {
    member: &'a str,
    points: i64,
    lot: Option<&'a String>,
    expires_on: Option<Day>,
    available_on: Option<Day>,
}

fn gifts(document: &OrderDocument) -> Vec<Gift<'_>> {
    let buyer = document.member.as_deref();
    let awards = document.awards.iter().filter_map(|award| {
        let (lot, expires_on, available_on) =
            (award.lot.as_ref(), award.expires_on, award.available_on);
        Some(Gift {
            member: buyer?,
            points: award.points,
            lot,
            expires_on,
            available_on,
        })
    });
    let rewards = document
        .referral
        .iter()
        .flat_map(|referral| &referral.rewards)
        .map(|reward| Gift {
            member: &reward.member,
            points: reward.points,
            lot: reward.lot.as_ref(),
            expires_on: reward.expires_on,
            available_on: reward.available_on,
        });
    awards
        .chain(rewards)
        .filter(|gift| gift.points > 0)
        .collect()
}

fn give(
    steps: &mut Vec<Step>,
    source: &str,
    gift: &Gift<'_>,
    day: Day,
    points: &str,
) -> Result<(), CheckoutError> {
    let pending = gift.available_on.filter(|available| *available > day);
    let name = if pending.is_some() {
        AccountName::PointsPending
    } else {
        AccountName::Points
    };
    let lot = gift
        .lot
        .ok_or_else(|| CheckoutError::Internal("an award has no lot yet".to_owned()))?;
    steps.push(Step::Credit {
        account: AccountKey::new(gift.member, name, points),
        amount: gift.points,
        lot: Some(NewLot {
            id: lot.clone(),
            expires_on: gift.expires_on,
            available_on: pending,
            source: source.to_owned(),
        }),
    });
    steps.extend(system(
        "points-issued".to_owned(),
        points,
        negated(gift.points)?,
    ));
    Ok(())
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
fn splits(
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
    for code in &undone.voided {
        steps.push(Step::VoidCoupon { code: code.clone() });
    }
    Ok(steps)
}

fn counter_step(
    document: &OrderDocument,
    counter: &CounterUse,
    enforce: bool,
) -> Result<Step, CheckoutError> {
    let (owner, name) = counter_key(document, counter)?;
    Ok(Step::Counter {
        owner,
        name,
        change: counter.change,
        limit: counter.limit,
        floor: Some(0),
        enforce,
    })
}

fn counter_key(
    document: &OrderDocument,
    counter: &CounterUse,
) -> Result<(String, String), CheckoutError> {
    let campaign = document.campaigns.get(counter.campaign as usize);
    let name = campaign.map(|campaign| CounterName {
        binding: &campaign.binding,
        kept_by: counter.owner,
        name: &counter.name,
        scope: counter.scope,
        period: counter.period,
    });
    name.and_then(|name| {
        name.key(
            counter.member.as_deref(),
            &document.store,
            document.business_date,
        )
    })
    .ok_or_else(|| CheckoutError::Internal("an order's counter has no owner".to_owned()))
}

fn negated(amount: i64) -> Result<i64, CheckoutError> {
    amount.checked_neg().ok_or_else(overflow)
}

fn overflow() -> CheckoutError {
    CheckoutError::Internal("an amount left the range of 64 bits".to_owned())
}
