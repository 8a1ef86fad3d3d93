//! Revenue over time: what was paid for a period, such as a membership, becomes revenue of the store that sold it, each day
//! once it is over in every store. A round a day, a page of lots at a time; how far it has come is written down, so another
//! host that takes the jobs over goes on where it stopped. What a lot has earned already is what left it: whoever asks
//! twice posts nothing, and a host that was away for days posts them in one step.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::checkout::CheckoutError;
use crate::domain::ledger::{AccountKey, AccountName, Command, Step, Subject};
use crate::domain::time::Day;
use crate::host::Host;
use crate::rounds::Daily;
use crate::store::lots::{self, SoldLot};

/// Lots of one page, which becomes one entry for each store and currency.
const PAGE: i64 = 200;
/// Pages of one round of the jobs; the next one goes on.
const PAGES: usize = 10;
const JOB: &str = "earning";

/// Goes on with the round of `today`, which must have begun in every store; answers how many lots were looked at.
///
/// # Errors
/// When the database cannot be read or written; the next round goes on.
pub async fn round(host: &Arc<Host>, today: Day, lease: &Step) -> Result<usize, CheckoutError> {
    let Some(daily) = Daily::of(host, JOB, today).await? else {
        return Ok(0);
    };
    let mut after = daily.after.clone();
    let through = today.plus_days(-1);
    let mut looked_at = 0;
    for _ in 0..PAGES {
        let page = {
            let mut conn = host.db.read().await?;
            lots::of_periods(&mut conn, through, place(&after), PAGE).await?
        };
        let done = (page.len() as i64) < PAGE;
        looked_at += page.len();
        if let Some(last) = page.last() {
            after = format!("{}/{}", last.lot.member, last.lot.id);
        }
        for command in commands(host, page, through, lease) {
            host.writer.submit_bulk(command).await?;
        }
        daily.note(host, after.clone(), done).await?;
        if done {
            break;
        }
    }
    Ok(looked_at)
}

type LotsByAccount = BTreeMap<AccountKey, Vec<String>>;

/// Member and lot a page begins after.
fn place(after: &str) -> (&str, &str) {
    after.split_once('/').unwrap_or_default()
}

/// One command for each store and currency, in the books of the last day that is over.
fn commands(host: &Host, page: Vec<SoldLot>, through: Day, lease: &Step) -> Vec<Command> {
    let mut by_store: BTreeMap<(String, String), LotsByAccount> = BTreeMap::new();
    for SoldLot { lot, store } in page {
        // Beside what was paid stands the period itself.
        let account = AccountKey::parse(&lot.account);
        let Some(paid) = account.filter(|account| account.name == AccountName::PassValue) else {
            continue;
        };
        let of_store = by_store.entry((store, paid.asset.clone())).or_default();
        of_store.entry(paid).or_default().push(lot.id);
    }
    let snapshot = host.snapshots.current();
    let command = |((store, _), accounts): ((String, String), LotsByAccount)| {
        let subject = Subject::new("job", JOB);
        let mut command = Command::new(JOB, subject, host.clock.now(), through);
        let place = snapshot.as_ref().and_then(|all| all.place(&store));
        command.clearing = place.and_then(|place| place.clearing());
        command.steps.push(lease.clone());
        let revenue = format!("sales/{store}");
        let earned = accounts
            .into_iter()
            .map(|(account, lots)| Step::EarnPeriods {
                account,
                lots,
                through,
                revenue: revenue.clone(),
            });
        command.steps.extend(earned);
        command
    };
    by_store.into_iter().map(command).collect()
}
