//! Two memberships of one person made one, and parted again.
//!
//! Accounts with their lots and debts, coupons, counters and cards go to the survivor in one command; the merged member is
//! closed and names him. Purchases, orders and referrals follow at once. What comes to the closed accounts later, such as a refund, is brought after by the jobs.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use crate::access::Principal;
use crate::checkout::request::MemberReference;
use crate::checkout::situation::find_member;
use crate::checkout::{CheckoutError, Intent};
use crate::domain::ledger::{
    AccountKey, Command, Entry, MERGED, MemberStateRow, MergeRow, Receipt, Record, Refusal, Step,
    Subject, renamed,
};
use crate::domain::pass::PERIODS_HELD;
use crate::domain::time::{Day, Instant};
use crate::host::Host;
use crate::snapshot::Place;
use crate::store::members::Member;
use crate::store::merges::Merge;
use crate::store::{self, StoreError};
use crate::wallet::{Movement, any_place, other_than, own_place, reasonable, replayed};

mod history;
mod parting;

/// Coupons and counters that go along at most.
const MOST: i64 = 1_000;
/// Stragglers of one round of the jobs.
const ROWS: i64 = 200;
/// Readings of the cards before a merge gives way to others.
const READINGS: usize = 8;

/// A member to be made part of another.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MergeRequest {
    /// Who stays.
    pub into: MemberReference,
    /// Why, for the record; 1 to 500 characters.
    pub reason: String,
}

/// What moved beside the accounts, and what the member was before.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Moved {
    cards: Vec<String>,
    coupons: Vec<String>,
    counters: Vec<(String, i64)>,
    status: String,
}

/// Makes a member part of another, once.
///
/// # Errors
/// [`CheckoutError::ToHimself`], [`CheckoutError::MemberMerged`], and what the ledger refuses, such as an open hold.
pub async fn merge(
    host: &Arc<Host>,
    caller: &Principal,
    member: &str,
    request: MergeRequest,
    intent: Intent,
) -> Result<Receipt, CheckoutError> {
    if let Some(receipt) = replayed(host, &intent).await? {
        return Ok(receipt);
    }
    reasonable(&request.reason)?;
    let place = own_place(host, caller, None).or_else(|_| any_place(host))?;
    let (from, into) = both(host, member, &request.into).await?;
    for _ in 0..READINGS {
        let (mut movement, moved) = moving(host, &place, (&from, &into), &intent).await?;
        let told = json!({ "member": from.id, "into": into, "reason": request.reason });
        movement.event("member.merged", &from.id, caller, told);
        movement.record(Record::Merge(Box::new(MergeRow {
            id: movement.id().to_owned(),
            member: from.id.clone(),
            survivor: into.clone(),
            merged_by: caller.who().to_owned(),
            moved: serde_json::to_string(&moved)
                .map_err(|error| CheckoutError::Internal(error.to_string()))?,
        })));
        movement.record(Record::MemberState(MemberStateRow {
            member: from.id.clone(),
            status: "closed".to_owned(),
            merged_into: Some(into.clone()),
        }));
        match movement.submit(host).await {
            Err(CheckoutError::Ledger(Refusal::TurnTaken { .. })) => {}
            Err(CheckoutError::Ledger(Refusal::CounterLimit { owner, name, .. }))
                if name == MERGED =>
            {
                return Err(merged(host, &owner).await?);
            }
            end => {
                let receipt = end?;
                history::follow(host).await;
                return Ok(receipt);
            }
        }
    }
    Err(CheckoutError::OrderContended)
}

/// Who goes and who stays, both active.
async fn both(
    host: &Host,
    member: &str,
    into: &MemberReference,
) -> Result<(Member, String), CheckoutError> {
    let mut conn = host.db.read().await?;
    let reference = MemberReference::Id(member.to_owned());
    let from = find_member(host, &mut conn, &reference).await?.member;
    drop(conn);
    let into = other_than(host, &from.id, into, "/into").await?;
    Ok((from, into))
}

/// Who a merged member is now.
async fn merged(host: &Host, member: &str) -> Result<CheckoutError, CheckoutError> {
    let mut conn = host.db.read().await?;
    let found = store::members::member(&mut conn, member).await?;
    let into = found.and_then(|member| member.merged_into);
    Ok(CheckoutError::MemberMerged {
        id: member.to_owned(),
        into: into.unwrap_or_default(),
    })
}

/// The command that moves everything, and what it moves beside the accounts.
async fn moving(
    host: &Host,
    place: &Place,
    (from, into): (&Member, &str),
    intent: &Intent,
) -> Result<(Movement, Moved), CheckoutError> {
    let mut conn = host.db.read().await?;
    let assets = assets_of(&mut conn, &from.id).await?;
    let coupons = store::coupons::of_member(&mut conn, &from.id, "", MOST).await?;
    let counters = store::merges::counters(&mut conn, &from.id, MOST).await?;
    let cards = store::cards::of_member(&mut conn, &from.id).await?;
    drop(conn);
    let mut movement = Movement::new(host, place, "merge", intent.clone());
    let step = Step::Merge {
        merge: movement.id().to_owned(),
        from: from.id.clone(),
        to: into.to_owned(),
        assets,
        first: true,
    };
    let moved = Moved {
        cards: cards.into_iter().map(|card| card.number).collect(),
        coupons: coupons
            .into_iter()
            .filter(|coupon| !coupon.void)
            .map(|coupon| coupon.code)
            .collect(),
        counters: counters
            .into_iter()
            // What a hold keeps goes back to where it was taken.
            .filter(|(name, _)| name != MERGED && name != PERIODS_HELD)
            .collect(),
        status: from.status.clone(),
    };
    movement.steps([step]);
    along(host, &mut movement, (&from.id, into), &moved).await?;
    Ok((movement, moved))
}

async fn assets_of(conn: &mut store::Conn, member: &str) -> Result<Vec<String>, StoreError> {
    let balances = store::accounts::balances(conn, member).await?;
    let assets: BTreeSet<String> = balances.into_iter().map(|row| row.account.asset).collect();
    Ok(assets.into_iter().collect())
}

/// Coupons, counters and cards, from one to the other.
async fn along(
    host: &Host,
    movement: &mut Movement,
    (from, to): (&str, &str),
    moved: &Moved,
) -> Result<(), CheckoutError> {
    movement.steps(moved.coupons.iter().map(|code| Step::GiveCoupon {
        code: code.clone(),
        from: from.to_owned(),
        to: to.to_owned(),
    }));
    for (name, value) in &moved.counters {
        for (owner, change) in [(from, -*value), (to, *value)] {
            movement.steps([Step::Counter {
                owner: owner.to_owned(),
                name: name.clone(),
                change,
                limit: None,
                floor: None,
                enforce: true,
            }]);
        }
    }
    for number in &moved.cards {
        movement.card_to(host, number, from, to).await?;
    }
    Ok(())
}

/// Parts a member again from the one he was made part of: within the chain's days, and while all that moved is there.
///
/// # Errors
/// [`CheckoutError::NotMerged`], [`CheckoutError::MergeTooOld`], and what the ledger refuses where it was spent.
pub async fn part(
    host: &Arc<Host>,
    caller: &Principal,
    member: &str,
    reason: &str,
    intent: Intent,
) -> Result<Receipt, CheckoutError> {
    if let Some(receipt) = replayed(host, &intent).await? {
        return Ok(receipt);
    }
    reasonable(reason)?;
    let place = own_place(host, caller, None).or_else(|_| any_place(host))?;
    for reading in 1..=READINGS {
        let (mut movement, merge) = parting(host, &place, member, &intent).await?;
        let told = json!({ "member": member, "from": merge.survivor, "reason": reason });
        movement.event("member.parted", member, caller, told);
        match movement.submit(host).await {
            Err(CheckoutError::Ledger(Refusal::TurnTaken { .. })) => {}
            // A day was earned meanwhile, or something was spent: the next reading tells.
            Err(CheckoutError::Ledger(Refusal::PointsSpent { .. })) if reading < READINGS => {}
            Err(CheckoutError::Ledger(Refusal::CounterLimit { name, .. })) if name == MERGED => {
                return Err(CheckoutError::NotMerged(member.to_owned()));
            }
            // Nobody owes more than nothing: the survivor has repaid meanwhile what came with the member.
            Err(CheckoutError::Ledger(Refusal::InsufficientBalance { account, .. }))
                if is_debt(&account) =>
            {
                return Err(CheckoutError::MergeDebtRepaid(member.to_owned()));
            }
            end => {
                let receipt = end?;
                history::follow(host).await;
                return Ok(receipt);
            }
        }
    }
    Err(CheckoutError::OrderContended)
}

fn is_debt(account: &str) -> bool {
    AccountKey::parse(account).is_some_and(|account| account.name.is_debt())
}

async fn parting(
    host: &Host,
    place: &Place,
    member: &str,
    intent: &Intent,
) -> Result<(Movement, Merge), CheckoutError> {
    let mut conn = host.db.read().await?;
    let not_merged = || CheckoutError::NotMerged(member.to_owned());
    let now = store::members::member(&mut conn, member).await?;
    let into = now.and_then(|member| member.merged_into);
    let merge = store::merges::latest(&mut conn, member).await?;
    let merge = merge.filter(|merge| into.as_ref() == Some(&merge.survivor));
    let merge = merge.ok_or_else(not_merged)?;
    let survivor = store::members::member(&mut conn, &merge.survivor).await?;
    if let Some(next) = survivor.and_then(|survivor| survivor.merged_into) {
        return Err(CheckoutError::MemberMerged {
            id: merge.survivor,
            into: next,
        });
    }
    let entry = store::entries::of_subject(&mut conn, &merge.id, 1).await?;
    drop(conn);
    let last = last_day(place, &merge);
    if place.day(host.clock.now()) > last {
        return Err(CheckoutError::MergeTooOld { last });
    }
    let moved: Moved =
        serde_json::from_str(&merge.moved).map_err(StoreError::stored("reading a merge"))?;
    let mut movement = Movement::new(host, place, "merge-undone", intent.clone());
    movement.steps([Step::Counter {
        owner: member.to_owned(),
        name: MERGED.to_owned(),
        change: -1,
        limit: None,
        floor: Some(0),
        enforce: true,
    }]);
    let left = periods_left(host, &entry).await?;
    for entry in &entry {
        let steps = parting::parted(entry, &place.settings)?;
        movement.steps(as_left(steps, &left, &merge.id));
    }
    along(host, &mut movement, (&merge.survivor, member), &moved).await?;
    movement.record(Record::MemberState(MemberStateRow {
        member: member.to_owned(),
        status: moved.status,
        merged_into: None,
    }));
    Ok((movement, merge))
}

/// What is left now of the lots of periods that entries made: days have passed since.
async fn periods_left(
    host: &Host,
    entries: &[Entry],
) -> Result<BTreeMap<String, i64>, CheckoutError> {
    let legs = entries.iter().flat_map(|entry| &entry.postings);
    let made = legs
        .flat_map(|leg| &leg.lots)
        .filter(|(_, change)| *change > 0);
    let made: Vec<String> = made.map(|(lot, _)| lot.clone()).collect();
    let lots = store::lots::by_ids(&mut host.db.read().await?, &made).await?;
    let periods = lots.into_iter().filter(|lot| lot.first_day.is_some());
    Ok(periods.map(|lot| (lot.id, lot.remaining)).collect())
}

/// The steps of a way back that bring of each period what is left of it.
fn as_left(steps: Vec<Step>, left: &BTreeMap<String, i64>, merge: &str) -> Vec<Step> {
    let mut as_left = Vec::with_capacity(steps.len());
    for mut step in steps {
        match &mut step {
            Step::TakeBack { lot, amount, .. } => {
                *amount = left.get(lot).copied().unwrap_or(*amount);
            }
            Step::Return {
                account, splits, ..
            } => {
                for (lot, amount) in splits {
                    let made = renamed(account.name, lot, merge);
                    *amount = left.get(&made).copied().unwrap_or(*amount);
                }
            }
            _ => {}
        }
        as_left.push(step);
    }
    as_left
}

/// The last business day a merge can be undone on.
fn last_day(place: &Place, merge: &Merge) -> Day {
    let days = i32::from(place.settings.merge_undo_days);
    place.day(Instant(merge.merged_at)).plus_days(days)
}

/// Brings to the survivors what came to the accounts of merged members; answers how many had something.
///
/// # Errors
/// When the database cannot be read or written; the next round goes on.
pub async fn round(host: &Arc<Host>, day: Day, lease: &Step) -> Result<usize, CheckoutError> {
    let stragglers = {
        let mut conn = host.db.read().await?;
        store::merges::stragglers(&mut conn, ROWS).await?
    };
    let mut brought = history::settle(host).await?;
    for (member, survivor) in stragglers {
        let assets = assets_of(&mut host.db.read().await?, &member).await?;
        let subject = Subject::new("member", &member);
        let mut command = Command::new("merge", subject, host.clock.now(), day);
        command.steps = vec![
            lease.clone(),
            Step::Merge {
                merge: uuid::Uuid::now_v7().to_string(),
                from: member,
                to: survivor,
                assets,
                first: false,
            },
        ];
        match host.writer.submit_bulk(command).await {
            Ok(_) => brought += 1,
            // The hold ends by itself; a later round brings the rest.
            Err(Refusal::HoldOpen { .. }) => {}
            Err(refusal) => return Err(refusal.into()),
        }
    }
    Ok(brought)
}
