//! Value moved outside a sale put back as it was: a top-up, a withdrawal, a transfer, an adjustment or an exchange, once and
//! whole.
//!
//! Like a refund it inverts what was recorded and asks no rule again. What a top-up's own rules gave for it goes back with
//! it.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    Movement, any_place, bounds, exchange, own_place, plan, reasonable, replayed, transfer,
};
use crate::access::{Permission, Principal};
use crate::approval::{self, Act};
use crate::checkout::{CheckoutError, Intent, posting, stored};
use crate::domain::ledger::{
    AccountKey, AccountName, Entry, ExpiredReturn, MemberDayRow, OnShort, Posting, Receipt, Record,
    Refusal, SYSTEM, Step, TakeBackShort,
};
use crate::domain::order::{OrderDocument, TOP_UPS};
use crate::domain::refund;
use crate::domain::settings::{CheckoutSettings, RefundSpentPoints};
use crate::host::Host;
use crate::shift;
use crate::store;

const TOP_UP: &str = "top-up";
const TRANSFER: &str = "transfer";
const EXCHANGE: &str = "exchange";
/// Kinds of entries that can be reversed. A sale is refunded instead.
const REVERSIBLE: [&str; 6] = [
    TOP_UP,
    TRANSFER,
    EXCHANGE,
    "withdrawal",
    "adjustment",
    "opening",
];
/// Counts the reversals of an entry.
const REVERSALS: &str = "reversals";

/// An entry to reverse.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Reversal {
    /// Why, for the record; at most 500 characters.
    pub reason: String,
    /// The approval, where the caller may not do it alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<String>,
}

/// Puts back what an entry moved. Gifts that were spent meanwhile become a debt; principal that was spent refuses it.
pub async fn reverse(
    host: &Arc<Host>,
    caller: &Principal,
    (member, entry): (&str, &str),
    request: Reversal,
    intent: Intent,
) -> Result<Receipt, CheckoutError> {
    if let Some(receipt) = replayed(host, &intent).await? {
        return Ok(receipt);
    }
    reasonable(&request.reason)?;
    let mut conn = host.db.read().await?;
    let of_member = |entry: &Entry| entry.postings.iter().any(|leg| is_of(leg, member));
    let found = store::entries::by_id(&mut conn, entry).await?;
    let entry = found
        .filter(of_member)
        .ok_or_else(|| CheckoutError::EntryUnknown(entry.to_owned()))?;
    if !REVERSIBLE.contains(&entry.kind.as_str()) {
        return Err(CheckoutError::NotReversible(entry.kind));
    }
    let given = given_for(&mut conn, member, &entry).await?;
    let exchanged = match entry.kind.as_str() {
        EXCHANGE => store::rewards::exchange(&mut conn, &entry.subject.id).await?,
        _ => None,
    };
    let planned = match entry.kind.as_str() {
        TOP_UP => store::top_up_plans::planned(&mut conn, &entry.subject.id).await?,
        _ => None,
    };
    drop(conn);
    let place = match store_of(&entry) {
        Some(store) => own_place(host, caller, Some(store))?,
        None => own_place(host, caller, None).or_else(|_| any_place(host))?,
    };
    let amount = moved(&entry, member);
    let act = Act {
        permission: Permission::ReverseMovement,
        subject: &entry.id,
        amount,
    };
    let approved = approval::allowed(host, caller, act, request.approval.as_deref())?;
    let mut movement = Movement::new(host, &place, "reversal", intent);
    movement.approved(approved);
    let counter = format!("entry/{}", entry.id);
    movement.steps([Step::Counter {
        owner: counter.clone(),
        name: REVERSALS.to_owned(),
        change: 1,
        limit: Some(1),
        floor: None,
        enforce: true,
    }]);
    movement.steps(inverted(&entry, &place.settings)?);
    movement.steps(counted_back(&entry));
    if let Some(exchanged) = &exchanged {
        movement.steps(exchange::undone(exchanged)?);
    }
    if let Some(planned) = &planned {
        plan::undo(host, &mut movement, planned).await?;
    }
    if let Some((gifts, document)) = &given {
        movement.steps(inverted(gifts, &place.settings)?);
        // Its coupons, and the limits and budgets it used.
        movement.steps(posting::undone(document, &refund::undo(document)?)?);
    }
    if entry.kind == TOP_UP {
        let (paid, currency) = paid_in(&entry, member);
        movement.steps([Step::Counter {
            owner: member.to_owned(),
            name: bounds::topped_up_on(entry.business_date, &currency),
            change: -paid,
            limit: None,
            floor: None,
            enforce: true,
        }]);
        movement.record(Record::MemberDay(MemberDayRow {
            member: member.to_owned(),
            day: entry.business_date,
            category: TOP_UPS.to_owned(),
            spend: -paid,
            orders: 0,
            units: 0,
            points: 0,
        }));
    }
    // Only what went through a drawer is put back into one.
    let till = store_of(&entry).and_then(|store| shift::at_till(host, caller, store));
    movement.steps(till);
    let told = serde_json::json!({
        "entry": entry.id, "kind": entry.kind, "amount": amount, "reason": request.reason,
    });
    movement.event("member.entry_reversed", member, caller, told);
    let end = movement.submit(host).await;
    end.map_err(|error| match error {
        CheckoutError::Ledger(Refusal::CounterLimit { owner, .. }) if owner == counter => {
            CheckoutError::Reversed(entry.id)
        }
        error => error,
    })
}

fn is_of(leg: &Posting, member: &str) -> bool {
    AccountKey::parse(&leg.account).is_some_and(|account| account.member == member)
}

/// The greatest amount the entry moved on one of the member's accounts.
fn moved(entry: &Entry, member: &str) -> i64 {
    let own = entry.postings.iter().filter(|leg| is_of(leg, member));
    own.map(|leg| leg.amount.saturating_abs())
        .max()
        .unwrap_or(0)
}

/// What a top-up brought to the member's principal, and in which currency.
fn paid_in(entry: &Entry, member: &str) -> (i64, String) {
    let principal = |leg: &&Posting| {
        AccountKey::parse(&leg.account).is_some_and(|account| {
            account.member == member && account.name == AccountName::Principal
        })
    };
    let paid = entry.postings.iter().find(principal);
    paid.map_or_else(Default::default, |leg| (leg.amount, leg.asset.clone()))
}

/// The store whose drawer the money went through.
fn store_of(entry: &Entry) -> Option<&str> {
    entry.postings.iter().find_map(|leg| {
        let (name, _) = system_of(leg)?;
        name.strip_prefix("tender/")?
            .split_once('/')
            .map(|(_, store)| store)
    })
}

/// Name and asset of a system account, whichever writer's shard it is.
fn system_of(leg: &Posting) -> Option<(&str, &str)> {
    let (account, _) = leg.account.rsplit_once('@')?;
    let (owner, rest) = account.split_once('/')?;
    (owner == SYSTEM).then(|| rest.rsplit_once('/'))?
}

/// What the rules gave for a top-up.
async fn given_for(
    conn: &mut store::db::Conn,
    member: &str,
    entry: &Entry,
) -> Result<Option<(Entry, OrderDocument)>, CheckoutError> {
    if entry.kind != TOP_UP {
        return Ok(None);
    }
    let name = format!("{TOP_UP}/{}", entry.subject.id);
    let Some(row) = store::occasions::by_name(conn, member, &name).await? else {
        return Ok(None);
    };
    let gifts = store::entries::of_subject(conn, &row.id, 1).await?.pop();
    let document = stored::unpack(&row.doc)?;
    let nothing = || Entry {
        postings: Vec::new(),
        ..entry.clone()
    };
    Ok(Some((gifts.unwrap_or_else(nothing), document)))
}

/// What a transfer used of the giver's daily limit.
fn counted_back(entry: &Entry) -> Vec<Step> {
    if entry.kind != TRANSFER {
        return Vec::new();
    }
    let of = |leg: &Posting| AccountKey::parse(&leg.account);
    let giver = entry.postings.iter().find(|leg| leg.amount < 0);
    let Some(giver) = giver.and_then(of) else {
        return Vec::new();
    };
    let received = entry.postings.iter().filter(|leg| {
        leg.amount > 0 && of(leg).is_some_and(|account| account.member != giver.member)
    });
    let amount: i64 = received.map(|leg| leg.amount).sum();
    vec![Step::Counter {
        name: transfer::given_on(entry.business_date, &giver.asset),
        owner: giver.member,
        change: -amount,
        limit: None,
        floor: None,
        enforce: true,
    }]
}

/// The steps that take every leg of an entry back.
fn inverted(entry: &Entry, settings: &CheckoutSettings) -> Result<Vec<Step>, CheckoutError> {
    let unclear = || CheckoutError::NotReversible(entry.kind.clone());
    let mut steps = Vec::new();
    // What a credit repaid of a debt comes back as that debt, under the lot that was credited.
    let mut repaid: BTreeMap<AccountKey, i64> = BTreeMap::new();
    for leg in &entry.postings {
        if let Some(account) = AccountKey::parse(&leg.account)
            && account.name.is_debt()
        {
            let from = account.name.repaying().ok_or_else(unclear)?;
            *repaid.entry(account.sibling(from)).or_default() += leg.amount;
        }
    }
    for leg in &entry.postings {
        let Some(account) = AccountKey::parse(&leg.account) else {
            let (name, asset) = system_of(leg).ok_or_else(unclear)?;
            steps.push(Step::System {
                name: name.to_owned(),
                asset: asset.to_owned(),
                amount: -leg.amount,
            });
            continue;
        };
        if account.name.is_debt() {
            continue;
        }
        if !account.name.is_lotted() {
            steps.push(plain_back(account, leg.amount));
            continue;
        }
        for (lot, change) in leg.lots.iter().filter(|(_, change)| *change > 0) {
            let key = account.sibling(account.name.repaying().unwrap_or(account.name));
            steps.push(Step::TakeBack {
                member: account.member.clone(),
                asset: account.asset.clone(),
                lot: lot.clone(),
                amount: change + repaid.remove(&key).unwrap_or(0),
                on_short: match settings.refund_spent_points {
                    RefundSpentPoints::Debt => TakeBackShort::Debt,
                    RefundSpentPoints::ReduceRefund => TakeBackShort::Refuse,
                },
            });
        }
        let taken = leg.lots.iter().filter(|(_, change)| *change < 0);
        let splits: Vec<_> = taken.map(|(lot, change)| (lot.clone(), -change)).collect();
        if !splits.is_empty() {
            steps.push(Step::Return {
                account,
                splits,
                expired: match settings.expired_lot_grace_days {
                    0 => ExpiredReturn::AtOnce,
                    days => ExpiredReturn::GraceDays(days.into()),
                },
            });
        }
    }
    // All of a credit went into a debt: no lot of it is left to name.
    if repaid.into_values().any(|amount| amount != 0) {
        return Err(unclear());
    }
    Ok(steps)
}

/// Takes a change of an account without lots back.
fn plain_back(account: AccountKey, change: i64) -> Step {
    if change > 0 {
        Step::Debit {
            account,
            amount: change,
            on_short: OnShort::Refuse,
        }
    } else {
        Step::Credit {
            account,
            amount: -change,
            lot: None,
        }
    }
}
