//! Points of members who stayed away: where the chain sets `points_lapse_after_days`, all points of a member expire once
//! he has neither bought, nor topped up, nor been given points for so many days. A round a day, a page of members at a
//! time; how far it has come is written down, so another host that takes the jobs over goes on where it stopped.

use std::sync::Arc;

use crate::checkout::CheckoutError;
use crate::domain::ledger::{
    AccountKey, Command, DEFAULT_PROGRAM, EventRow, Record, Step, Subject, points_asset,
};
use crate::domain::time::Day;
use crate::host::Host;
use crate::rounds::Daily;
use crate::store::{lots, member_days};

/// Members of one page.
const PAGE: i64 = 500;
/// Pages of one round of the jobs; the next one goes on.
const PAGES: usize = 4;
const JOB: &str = "lapse";

/// Goes on with the round of `today`, which must have begun in every store; answers how many members lost points.
///
/// # Errors
/// When the database cannot be read or written; the next round goes on.
pub async fn round(host: &Arc<Host>, today: Day, lease: &Step) -> Result<usize, CheckoutError> {
    let Some(days) = days(host) else { return Ok(0) };
    let Some(daily) = Daily::of(host, JOB, today).await? else {
        return Ok(0);
    };
    let mut after = daily.after.clone();
    // The day of the last purchase counts as none without.
    let active_since = today.plus_days(i32::from(days).saturating_neg());
    let mut lapsed = 0;
    for _ in 0..PAGES {
        let members = {
            let mut conn = host.db.read().await?;
            member_days::idle(&mut conn, active_since, &after, PAGE).await?
        };
        for member in &members {
            lapsed += usize::from(lapse(host, member, today, lease).await?);
        }
        let done = (members.len() as i64) < PAGE;
        after = members.last().cloned().unwrap_or(after);
        daily.note(host, after.clone(), done).await?;
        if done {
            break;
        }
    }
    Ok(lapsed)
}

/// The chain's setting; the same in every store.
fn days(host: &Host) -> Option<u16> {
    let snapshot = host.snapshots.current()?;
    let place = snapshot.places().next()?;
    place.settings.points_lapse_after_days
}

/// Expires all points of a member by one entry; answers whether he had any.
async fn lapse(
    host: &Arc<Host>,
    member: &str,
    today: Day,
    lease: &Step,
) -> Result<bool, CheckoutError> {
    let asset = points_asset(DEFAULT_PROGRAM);
    let open = {
        let mut conn = host.db.read().await?;
        lots::open_lots(&mut conn, member).await?
    };
    let is_points =
        |account: &str| AccountKey::parse(account).is_some_and(|account| account.asset == asset);
    let open: Vec<_> = open
        .into_iter()
        .filter(|lot| is_points(&lot.account))
        .collect();
    if open.is_empty() {
        return Ok(false);
    }
    let points = open
        .iter()
        .fold(0_i64, |sum, lot| sum.saturating_add(lot.remaining));
    let now = host.clock.now();
    let mut command = Command::new("expiry", Subject::new("member", member), now, today);
    command.steps.push(lease.clone());
    command.steps.push(Step::LapseLots {
        member: member.to_owned(),
        asset,
        lots: open.into_iter().map(|lot| lot.id).collect(),
    });
    command.records.push(Record::Event(EventRow {
        kind: "member.points_lapsed".to_owned(),
        subject: member.to_owned(),
        store: None,
        payload: serde_json::json!({ "member": member, "points": points }).to_string(),
    }));
    host.writer.submit_bulk(command).await?;
    Ok(true)
}
