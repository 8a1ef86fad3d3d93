//! From a priced order, or a planned refund, to the steps of one balanced command.
//!
//! Currency legs of a sale: the store's sales, its tax and the cash rounding on one side, the tenders on
//! the other. Points are their own asset with `points-issued` as the other side; where points pay, their
//! worth is a tender of the store like any other.

mod back;
mod passes;

pub use back::{Consumed, TakeBack, refund, taken_back, undone};

use crate::commission::owed;
use crate::domain::ledger::{AccountKey, AccountName, NewCoupon, NewLot, OnShort, Reserve, Step};
use crate::domain::order::{CounterUse, OrderDocument, Tender};
use crate::domain::rules::TenderKind;
use crate::domain::settlement::cost_of_points;
use crate::domain::time::Day;

use super::campaigns::CounterName;
use super::error::CheckoutError;
use super::{sharing, till_prices};

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
        totals.net - passes::deferred(document)?,
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
    steps.extend(points_cost(document, sold_cost(document)?)?);
    steps.extend(passes::sold(order, document, strictness)?);
    steps.extend(passes::used(document, strictness));
    steps.extend(till_prices::used(document));
    steps.extend(sharing::counted(document, enforce));
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
    let earned = document.commissions.iter();
    let earned = earned.map(|record| (record.staff.as_str(), record.amount));
    steps.extend(owed(store, &document.currency, earned)?);
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
                transferable: false,
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
                first_day: None,
            }),
        });
        let issued = "bonus-issued".to_owned();
        steps.extend(system(issued, &document.currency, negated(amount)?));
    }
    Ok(steps)
}

/// What the points of a sale cost its store.
pub fn sold_cost(document: &OrderDocument) -> Result<i64, CheckoutError> {
    let value = document.terms.points_cost;
    let cost = value.map(|value| cost_of_points(value, 0, document.points_given()));
    Ok(cost.transpose()?.unwrap_or(0))
}

/// The steps that charge a store for points; negative where they come back.
pub fn points_cost(document: &OrderDocument, cost: i64) -> Result<Vec<Step>, CheckoutError> {
    let of_store = system(
        format!("points-cost/{}", document.store),
        &document.currency,
        negated(cost)?,
    );
    let of_chain = system("points-paid".to_owned(), &document.currency, cost);
    Ok(of_store.into_iter().chain(of_chain).collect())
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
    reserves.extend(passes::reserves(document));
    reserves.extend(till_prices::reserves(document));
    reserves.extend(sharing::reserves(document));
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
    let is_money = matches!(name, AccountName::Principal | AccountName::Bonus);
    let shared = document.wallet.as_ref().filter(|_| is_money);
    let owner = shared.map(|wallet| wallet.owner.as_str());
    let member = owner.or(document.member.as_deref()).ok_or_else(|| {
        CheckoutError::Internal("an order without member spends a member's account".to_owned())
    })?;
    Ok(AccountKey::new(member, name, asset))
}

fn on_short(document: &OrderDocument, strictness: Strictness) -> OnShort {
    match strictness {
        Strictness::Enforced => OnShort::Refuse,
        Strictness::Recorded => OnShort::Claim {
            store: document.store.clone(),
        },
    }
}

fn pay(
    steps: &mut Vec<Step>,
    document: &OrderDocument,
    tender: &Tender,
    points: &str,
    strictness: Strictness,
) -> Result<(), CheckoutError> {
    let mut debit = |name, asset: &str, amount| -> Result<(), CheckoutError> {
        if amount > 0 {
            steps.push(Step::Debit {
                account: account(document, name, asset)?,
                amount,
                on_short: on_short(document, strictness),
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
            first_day: None,
        }),
    });
    steps.extend(system(
        "points-issued".to_owned(),
        points,
        negated(gift.points)?,
    ));
    Ok(())
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

pub(super) fn overflow() -> CheckoutError {
    CheckoutError::Internal("an amount left the range of 64 bits".to_owned())
}
