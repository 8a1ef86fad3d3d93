//! Balances, versions, floors, lots and debts of accounts agree with their postings.

use std::collections::{BTreeMap, HashMap};

use super::{PAGE, Report};
use crate::domain::ledger::{AccountKey, AccountName, CLEARING};
use crate::on;
use crate::store::accounts::system_balances;
use crate::store::bulk::{Bulk, Cell, Kind};
use crate::store::db::Conn;
use crate::store::error::StoreError;
use crate::store::lots;

type Leg = (String, i64, i64, i64, Option<String>, Option<String>);

const ACCOUNTS: Bulk = Bulk {
    doing: "reading accounts",
    text: "WITH v (id) AS ({rows}) SELECT a.id, a.balance, a.version FROM v JOIN accounts a ON a.id = v.id",
    columns: &[Kind::Text],
};

const LOTS: Bulk = Bulk {
    doing: "reading lots",
    text: "WITH v (member, account) AS ({rows})
        SELECT l.account, l.id, l.original, l.remaining
        FROM v JOIN lots l ON l.member = v.member AND l.account = v.account",
    columns: &[Kind::Text, Kind::Text],
};

/// What the postings of one account add up to.
#[derive(Default)]
struct Sum {
    balance: i64,
    version: i64,
    lots: BTreeMap<String, i64>,
}

/// Checks all accounts; `held` is what pending holds say is parked, by account.
pub(super) async fn check(
    conn: &mut Conn,
    report: &mut Report,
    mut held: HashMap<String, i64>,
) -> Result<(), StoreError> {
    let mut debts = HashMap::new();
    let mut after = (String::new(), 0);
    let mut open: Option<(String, Sum)> = None;
    loop {
        let page = page(conn, &after).await?;
        let ended = page.is_empty();
        let mut sums = BTreeMap::new();
        for (account, version, amount, balance_after, changes, entry) in page {
            after = (account.clone(), version);
            if open.as_ref().is_none_or(|(id, _)| *id != account)
                && let Some((id, sum)) = open.replace((account.clone(), Sum::default()))
            {
                sums.insert(id, sum);
            }
            if let Some((_, sum)) = &mut open {
                let at = entry.unwrap_or_else(|| account.clone());
                let leg = (version, amount, balance_after);
                add(report, sum, &account, &at, leg, lots::changes(changes)?);
            }
        }
        if ended && let Some((id, sum)) = open.take() {
            sums.insert(id, sum);
        }
        compare(conn, report, &sums, &mut held, &mut debts).await?;
        if ended {
            break;
        }
    }
    for (id, sum) in held.into_iter().filter(|(_, sum)| *sum != 0) {
        report.fault(id, format!("pending holds say {sum} is parked, it is not"));
    }
    unposted(conn, report).await?;
    claims_agree(conn, report).await?;
    sums_to_zero(conn, report).await
}

async fn page(conn: &mut Conn, after: &(String, i64)) -> Result<Vec<Leg>, StoreError> {
    let (account, version) = after.clone();
    on!(conn, c => sqlx::query_as(
        "SELECT p.account, p.version, p.amount, p.balance_after, p.lots, e.id
         FROM postings p LEFT JOIN entries e ON e.writer = p.writer AND e.seq = p.seq
         WHERE (p.account, p.version) > ($1, $2) ORDER BY p.account, p.version LIMIT $3"
    ).bind(account).bind(version).bind(PAGE).fetch_all(c).await)
    .map_err(StoreError::during("reading postings"))
}

fn add(
    report: &mut Report,
    sum: &mut Sum,
    account: &str,
    at: &str,
    (version, amount, balance_after): (i64, i64, i64),
    changes: Vec<(String, i64)>,
) {
    if version != sum.version + 1 {
        report.fault(
            at,
            format!(
                "`{account}` jumps from version {} to {version}",
                sum.version
            ),
        );
    }
    if sum.balance.checked_add(amount) != Some(balance_after) {
        report.fault(
            at,
            format!(
                "`{account}` moves from {} by {amount} to {balance_after}",
                sum.balance
            ),
        );
    }
    if let Some(key) = AccountKey::parse(account) {
        let below = match key.name {
            name if name.is_debt() => balance_after > 0,
            _ => balance_after < 0,
        };
        if below {
            report.fault(at, format!("`{account}` stands at {balance_after}"));
        }
        let split: i128 = changes.iter().map(|(_, change)| i128::from(*change)).sum();
        if key.name.is_lotted() && split != i128::from(amount) {
            report.fault(
                at,
                format!("`{account}` moves by {amount}, its lots by {split}"),
            );
        }
    }
    for (lot, change) in changes {
        let sum = sum.lots.entry(lot).or_default();
        *sum = sum.saturating_add(change);
    }
    sum.version = version;
    sum.balance = balance_after;
}

/// Compares finished accounts with their rows and lots.
async fn compare(
    conn: &mut Conn,
    report: &mut Report,
    sums: &BTreeMap<String, Sum>,
    held: &mut HashMap<String, i64>,
    debts: &mut HashMap<(String, String), i64>,
) -> Result<(), StoreError> {
    let ids = sums.keys().cloned().map(Cell::Text).collect();
    let rows: Vec<(String, i64, i64)> = ACCOUNTS.fetch(conn, ids).await?;
    let rows: HashMap<String, (i64, i64)> =
        rows.into_iter().map(|(id, b, v)| (id, (b, v))).collect();
    let mut lots = lot_rows(conn, sums).await?;
    for (id, sum) in sums {
        report.accounts += 1;
        match rows.get(id) {
            None => report.fault(id, "it has postings but is not there"),
            Some((balance, version)) if (*balance, *version) != (sum.balance, sum.version) => {
                report.fault(
                    id,
                    format!(
                        "it stands at {balance}, version {version}; its postings end at {}, version {}",
                        sum.balance, sum.version
                    ),
                );
            }
            Some(_) => {}
        }
        let Some(key) = AccountKey::parse(id) else {
            continue;
        };
        check_lots(report, id, sum, lots.remove(id).unwrap_or_default());
        if key.name.is_held() {
            let expected = held.remove(id).unwrap_or(0);
            if expected != sum.balance {
                report.fault(
                    id,
                    format!("it parks {}, pending holds say {expected}", sum.balance),
                );
            }
        }
        check_debt(report, key, sum.balance, debts);
    }
    Ok(())
}

type LotRow = (String, i64, i64);

async fn lot_rows(
    conn: &mut Conn,
    sums: &BTreeMap<String, Sum>,
) -> Result<HashMap<String, Vec<LotRow>>, StoreError> {
    let cells = sums
        .keys()
        .filter_map(|id| AccountKey::parse(id).map(|key| (id, key)))
        .filter(|(_, key)| key.name.is_lotted())
        .flat_map(|(id, key)| [Cell::Text(key.member), Cell::Text(id.clone())])
        .collect();
    let rows: Vec<(String, String, i64, i64)> = LOTS.fetch(conn, cells).await?;
    let mut found: HashMap<String, Vec<LotRow>> = HashMap::new();
    for (account, id, original, remaining) in rows {
        found
            .entry(account)
            .or_default()
            .push((id, original, remaining));
    }
    Ok(found)
}

fn check_lots(report: &mut Report, account: &str, sum: &Sum, rows: Vec<LotRow>) {
    let mut expected: BTreeMap<&str, i64> = sum
        .lots
        .iter()
        .filter(|(_, left)| **left != 0)
        .map(|(id, left)| (id.as_str(), *left))
        .collect();
    for (id, original, remaining) in &rows {
        report.lots += 1;
        let left = expected.remove(id.as_str()).unwrap_or(0);
        if left != *remaining {
            report.fault(
                account,
                format!("lot `{id}` has {remaining} left, its postings say {left}"),
            );
        }
        if *remaining < 0 || remaining > original {
            report.fault(
                account,
                format!("lot `{id}` of {original} has {remaining} left"),
            );
        }
    }
    for (id, left) in expected {
        report.fault(
            account,
            format!("lot `{id}` should have {left} left but is not there"),
        );
    }
}

/// Debt and what could repay it never stand side by side. Ids sort the debt before the points or bonus.
fn check_debt(
    report: &mut Report,
    key: AccountKey,
    balance: i64,
    debts: &mut HashMap<(String, String), i64>,
) {
    let owner = (key.member.clone(), key.asset.clone());
    match key.name {
        AccountName::PointsDebt | AccountName::BonusDebt if balance < 0 => {
            debts.insert(owner, balance);
        }
        AccountName::Points | AccountName::Bonus => {
            if let Some(debt) = debts.remove(&owner)
                && balance > 0
            {
                report.fault(
                    key.id(),
                    format!("it has {balance} although the member owes {}", -debt),
                );
            }
        }
        _ => {}
    }
}

/// Accounts that hold something nobody posted.
async fn unposted(conn: &mut Conn, report: &mut Report) -> Result<(), StoreError> {
    let rows: Vec<(String, i64)> = on!(conn, c => sqlx::query_as(
        "SELECT a.id, a.balance FROM accounts a
         WHERE NOT EXISTS (SELECT 1 FROM postings p WHERE p.account = a.id) ORDER BY a.id LIMIT $1"
    ).bind(PAGE).fetch_all(c).await)
    .map_err(StoreError::during("looking for accounts without postings"))?;
    for (id, balance) in rows {
        report.fault(id, format!("it stands at {balance} without a posting"));
    }
    Ok(())
}

/// What stores owe the chain is what the chain says they owe.
async fn claims_agree(conn: &mut Conn, report: &mut Report) -> Result<(), StoreError> {
    let mut open: BTreeMap<String, i64> = BTreeMap::new();
    for ((name, asset), balance) in system_balances(conn).await? {
        if name == CLEARING || name.starts_with("due/") {
            let sum = open.entry(asset).or_default();
            *sum = sum.saturating_add(balance);
        }
    }
    for (asset, sum) in open.into_iter().filter(|(_, sum)| *sum != 0) {
        report.fault(
            format!("clearing in {asset}"),
            format!("what stores owe and what the chain is owed differ by {sum}"),
        );
    }
    Ok(())
}

async fn sums_to_zero(conn: &mut Conn, report: &mut Report) -> Result<(), StoreError> {
    let rows: Vec<(String, i64)> = on!(conn, c => sqlx::query_as(
        "SELECT asset, CAST(SUM(balance) AS BIGINT) FROM accounts GROUP BY asset ORDER BY asset"
    ).fetch_all(c).await)
    .map_err(StoreError::during("summing balances"))?;
    for (asset, sum) in rows.into_iter().filter(|(_, sum)| *sum != 0) {
        report.fault(
            format!("asset {asset}"),
            format!("all balances together make {sum}, not zero"),
        );
    }
    Ok(())
}
