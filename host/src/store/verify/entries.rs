//! Entries balance, and each writer's seal covers them without a gap.

use std::collections::BTreeMap;

use super::{PAGE, Report};
use crate::domain::ledger::{Entry, Posting, Subject};
use crate::domain::time::Instant;
use crate::on;
use crate::store::db::Conn;
use crate::store::error::StoreError;
use crate::store::lots;
use crate::store::writer::seal::Head;

type Row = (i64, String, String, String, String, i64, i64, Vec<u8>);
type Leg = (i64, String, Option<String>, i64, i64, i64, Option<String>);

/// Follows one writer's sequence to its head.
pub(super) async fn check(
    conn: &mut Conn,
    report: &mut Report,
    writer: &str,
    head_seq: i64,
    head_seal: &[u8],
) -> Result<(), StoreError> {
    let mut head = Head::start(writer);
    loop {
        let rows = page(conn, writer, head.seq).await?;
        let (Some(first), Some(last)) = (rows.first(), rows.last()) else {
            break;
        };
        let mut legs = postings(conn, writer, first.0, last.0).await?;
        for row in rows {
            let (seq, seal) = (row.0, row.7.clone());
            let entry = entry(row, legs.remove(&seq).unwrap_or_default())?;
            report.entries += 1;
            check_balanced(report, &entry);
            if seq != head.seq + 1 {
                report.fault(
                    &entry.id,
                    format!(
                        "number {} of writer `{writer}` is missing before it",
                        head.seq + 1
                    ),
                );
            }
            let expected = head.next(writer, &entry);
            if seal != expected.seal {
                report.fault(
                    &entry.id,
                    "the seal does not cover it: it was changed, or one before it was",
                );
            }
            // Going on from what is stored names each changed entry once.
            head = Head { seq, seal };
        }
    }
    if head.seq != head_seq || head.seal != head_seal {
        report.fault(
            format!("writer {writer}"),
            format!(
                "its head is entry {head_seq}, but the entries end at {}",
                head.seq
            ),
        );
    }
    Ok(())
}

async fn page(conn: &mut Conn, writer: &str, after: i64) -> Result<Vec<Row>, StoreError> {
    let writer = writer.to_owned();
    on!(conn, c => sqlx::query_as(
        "SELECT seq, id, kind, subject_kind, subject_id, at, business_date, seal FROM entries
         WHERE writer = $1 AND seq > $2 ORDER BY seq LIMIT $3"
    ).bind(writer).bind(after).bind(PAGE).fetch_all(c).await)
    .map_err(StoreError::during("reading entries"))
}

async fn postings(
    conn: &mut Conn,
    writer: &str,
    first: i64,
    last: i64,
) -> Result<BTreeMap<i64, Vec<Posting>>, StoreError> {
    let writer = writer.to_owned();
    let rows: Vec<Leg> = on!(conn, c => sqlx::query_as(
        "SELECT p.seq, p.account, a.asset, p.amount, p.balance_after, p.version, p.lots
         FROM postings p LEFT JOIN accounts a ON a.id = p.account
         WHERE p.writer = $1 AND p.seq >= $2 AND p.seq <= $3 ORDER BY p.seq, p.account"
    ).bind(writer).bind(first).bind(last).fetch_all(c).await)
    .map_err(StoreError::during("reading postings"))?;
    let mut found: BTreeMap<i64, Vec<Posting>> = BTreeMap::new();
    for (seq, account, asset, amount, balance_after, version, changes) in rows {
        found.entry(seq).or_default().push(Posting {
            account,
            asset: asset.unwrap_or_default(),
            amount,
            balance_after,
            version,
            lots: lots::changes(changes)?,
        });
    }
    Ok(found)
}

fn entry(row: Row, postings: Vec<Posting>) -> Result<Entry, StoreError> {
    let (_, id, kind, subject_kind, subject_id, at, business_date, _) = row;
    Ok(Entry {
        id,
        kind,
        subject: Subject {
            kind: subject_kind,
            id: subject_id,
        },
        at: Instant(at),
        business_date: lots::day(business_date)?,
        postings,
    })
}

fn check_balanced(report: &mut Report, entry: &Entry) {
    let mut sums: BTreeMap<&str, i128> = BTreeMap::new();
    for posting in &entry.postings {
        report.postings += 1;
        *sums.entry(&posting.asset).or_default() += i128::from(posting.amount);
    }
    if entry.postings.is_empty() {
        report.fault(&entry.id, "it has no postings");
    }
    for (asset, sum) in sums {
        if sum != 0 {
            report.fault(&entry.id, format!("its postings in `{asset}` sum to {sum}"));
        }
    }
}
