//! Work nobody asks for: holds that ran out, points that become spendable, revenue of periods, lots that expire, and notice
//! of it ahead, points of members who stay away, tiers that ran out, birthdays, and reading again what another host has changed. Each job is
//! a series of small commands, so it can stop anywhere and go on; running it twice does nothing twice. Of several hosts
//! one runs them: see [`crate::lease`].

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;

use crate::checkout::CheckoutError;
use crate::domain::ledger::{
    AccountKey, Command, EventRow, HoldOutcome, Lot, Record, Refusal, Step, Subject,
};
use crate::domain::time::Day;
use crate::host::Host;
use crate::store::{holds, lots};
use crate::{earning, lapsing, merging, notices, occasions, tier_reviews};

/// How often what changed elsewhere is read again.
const REFRESH: Duration = Duration::from_secs(1);
/// How often holds and lots are looked at.
const ROUND: Duration = Duration::from_secs(20);
/// Rows of one round; the next round goes on.
const ROWS: i64 = 2_000;

/// Runs the jobs until aborted.
pub fn start(host: Arc<Host>) -> JoinHandle<()> {
    tokio::spawn(async move {
        let mut refresh = tokio::time::interval(REFRESH);
        let mut round = tokio::time::interval(ROUND);
        loop {
            tokio::select! {
                _ = refresh.tick() => {
                    if let Err(error) = host.refresh().await {
                        tracing::warn!(%error, "what other hosts changed cannot be read now");
                    }
                }
                _ = round.tick() => {
                    if let Err(error) = run_once(&host).await {
                        tracing::warn!(%error, "a round of jobs ended early; the next one goes on");
                    }
                }
            }
        }
    })
}

/// One round of everything; answers how many holds and lots it settled.
pub async fn run_once(host: &Arc<Host>) -> Result<usize, CheckoutError> {
    let Some(day) = earliest_day(host) else {
        return Ok(0);
    };
    let Some(lease) = host.lease.hold(host, day).await? else {
        return Ok(0);
    };
    match settle(host, day, &lease).await {
        // Another host goes on where this one was.
        Err(CheckoutError::Ledger(Refusal::LeaseLost { .. })) => Ok(0),
        settled => settled,
    }
}

async fn settle(host: &Arc<Host>, day: Day, lease: &Step) -> Result<usize, CheckoutError> {
    let settled = expire_holds(host, lease).await?
        + release_pending(host, day, lease).await?
        // Before anything of a period that is over expires.
        + earning::round(host, day, lease).await?
        + expire_lots(host, day, lease).await?
        + lapsing::round(host, day, lease).await?
        + merging::round(host, day, lease).await?
        + tier_reviews::round(host, day, lease).await?;
    notices::round(host, day).await?;
    // Each of them is given once by a counter of its own, whichever host asks.
    occasions::round(host).await?;
    Ok(settled)
}

/// The business day it is everywhere in the chain by now: a lot lives through its last day in every store.
fn earliest_day(host: &Host) -> Option<Day> {
    let snapshot = host.snapshots.current()?;
    let now = host.clock.now();
    snapshot.places().map(|place| place.day(now)).min()
}

async fn expire_holds(host: &Arc<Host>, lease: &Step) -> Result<usize, CheckoutError> {
    let now = host.clock.now();
    let due = {
        let mut conn = host.db.read().await?;
        holds::due(&mut conn, now, ROWS).await?
    };
    let mut settled = 0;
    for hold in due {
        let mut command =
            Command::new("release", Subject::new("hold", &hold.id), now, hold.held_on);
        command.steps.push(lease.clone());
        command.steps.push(Step::ResolveHold {
            hold: hold.id.clone(),
            outcome: HoldOutcome::Expired,
        });
        command.records.push(Record::Event(EventRow {
            kind: "hold.expired".to_owned(),
            subject: hold.quote.clone(),
            store: None,
            payload: serde_json::json!({ "hold": hold.id, "quote": hold.quote }).to_string(),
        }));
        match host.writer.submit_bulk(command).await {
            // Committed or released a moment ago: it is settled.
            Ok(_) | Err(Refusal::HoldResolved { .. }) => settled += 1,
            Err(refusal) => return Err(refusal.into()),
        }
    }
    Ok(settled)
}

async fn release_pending(host: &Arc<Host>, day: Day, lease: &Step) -> Result<usize, CheckoutError> {
    let due = {
        let mut conn = host.db.read().await?;
        lots::releasable(&mut conn, day, ROWS).await?
    };
    for_each_account(host, (day, lease), "release", due, |member, asset, lots| {
        Step::ReleasePending {
            member,
            asset,
            lots,
        }
    })
    .await
}

async fn expire_lots(host: &Arc<Host>, day: Day, lease: &Step) -> Result<usize, CheckoutError> {
    let due = {
        let mut conn = host.db.read().await?;
        lots::expired(&mut conn, day, ROWS).await?
    };
    for_each_account(host, (day, lease), "expiry", due, |member, asset, lots| {
        Step::ExpireLots {
            member,
            asset,
            lots,
        }
    })
    .await
}

/// One command per member and asset, so that a failure stops at one member.
async fn for_each_account(
    host: &Arc<Host>,
    (day, lease): (Day, &Step),
    kind: &str,
    due: Vec<Lot>,
    step: impl Fn(String, String, Vec<String>) -> Step,
) -> Result<usize, CheckoutError> {
    let mut by_account: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
    for lot in due {
        if let Some(account) = AccountKey::parse(&lot.account) {
            by_account
                .entry((account.member, account.asset))
                .or_default()
                .push(lot.id);
        }
    }
    let mut settled = 0;
    for ((member, asset), lots) in by_account {
        settled += lots.len();
        let mut command =
            Command::new(kind, Subject::new("member", &member), host.clock.now(), day);
        command.steps = vec![lease.clone(), step(member, asset, lots)];
        host.writer.submit_bulk(command).await?;
    }
    Ok(settled)
}
