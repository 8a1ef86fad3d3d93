//! Commands the contract tests are made of.

use futures_util::future::join_all;
use tessera::domain::ledger::{
    AccountKey, AccountName, Command, NewLot, OnShort, Operation, OrderRow, Receipt, Record,
    Refusal, Step, Subject,
};
use tessera::domain::time::{Day, Instant};
use tessera::store::verify::{Report, verify};
use tessera::store::{Db, Writer, WriterSettings};
use tokio::task::JoinHandle;

pub const TODAY: Day = Day(20_000);
pub const ASSET: &str = "points:main";

pub fn id() -> String {
    uuid::Uuid::now_v7().to_string()
}

pub fn points(member: &str) -> AccountKey {
    AccountKey::new(member, AccountName::Points, ASSET)
}

pub fn command(steps: Vec<Step>) -> Command {
    Command {
        steps,
        ..Command::new(
            "test",
            Subject::new("test", id()),
            Instant(1_700_000_000_000_000),
            TODAY,
        )
    }
}

pub fn keyed(key: &str, hash: u8, steps: Vec<Step>) -> Command {
    Command {
        operation: Some(Operation {
            key: key.to_owned(),
            hash: [hash; 32],
        }),
        ..command(steps)
    }
}

pub fn issued(amount: i64) -> Step {
    Step::System {
        name: "points-issued".to_owned(),
        asset: ASSET.to_owned(),
        amount,
    }
}

pub fn earn(member: &str, amount: i64) -> Vec<Step> {
    earn_lot(member, &id(), amount, None)
}

pub fn earn_lot(member: &str, lot: &str, amount: i64, expires_on: Option<Day>) -> Vec<Step> {
    vec![
        Step::Credit {
            account: points(member),
            amount,
            lot: Some(NewLot {
                id: lot.to_owned(),
                expires_on,
                available_on: None,
                source: "test".to_owned(),
                first_day: None,
            }),
        },
        issued(-amount),
    ]
}

pub fn spend(member: &str, amount: i64) -> Vec<Step> {
    vec![
        Step::Debit {
            account: points(member),
            amount,
            on_short: OnShort::Refuse,
        },
        issued(amount),
    ]
}

pub fn order(quote: &str) -> OrderRow {
    OrderRow {
        id: id(),
        store: "s1".to_owned(),
        terminal: "t1".to_owned(),
        staff: Some("p1".to_owned()),
        member: Some("m1".to_owned()),
        quote_id: Some(quote.to_owned()),
        external_id: None,
        receipt_code: id(),
        occurred_at: Instant(1_700_000_000_000_000),
        business_date: TODAY,
        currency: "CNY".to_owned(),
        total: 1_250,
        doc: b"{\"lines\":[]}".to_vec(),
        facts: vec![0, 1, 2, 255],
    }
}

/// A sale with an order, its legs and what can be refunded.
pub fn sale(order: &OrderRow) -> Command {
    let mut command = command(vec![
        Step::System {
            name: format!("sales/{}", order.store),
            asset: order.currency.clone(),
            amount: order.total,
        },
        Step::System {
            name: format!("tender/cash/{}", order.store),
            asset: order.currency.clone(),
            amount: -order.total,
        },
        Step::OpenOrder {
            order: order.id.clone(),
            lines: vec![1_000, 2_500],
            tenders: vec![("cash".to_owned(), order.total)],
        },
    ]);
    command.subject = Subject::new("order", order.id.clone());
    command.records = vec![Record::Order(Box::new(order.clone()))];
    command
}

pub async fn writer(db: &Db, host: &str) -> (Writer, JoinHandle<()>) {
    let settings = WriterSettings::new(host, Instant(1_700_000_000_000_000));
    Writer::start(db.clone(), settings)
        .await
        .expect("the writer starts")
}

/// Ends a writer after everything queued is written.
pub async fn stop((writer, task): (Writer, JoinHandle<()>)) {
    drop(writer);
    task.await.expect("the writer ends");
}

/// Submits all at once, so that they share batches.
pub async fn together(writer: &Writer, commands: Vec<Command>) -> Vec<Result<Receipt, Refusal>> {
    join_all(commands.into_iter().map(|command| writer.submit(command))).await
}

pub async fn balance(db: &Db, account: &AccountKey) -> i64 {
    let mut conn = db.read().await.expect("a connection");
    tessera::store::accounts::balances(&mut conn, &account.member)
        .await
        .expect("balances")
        .into_iter()
        .find(|balance| balance.account == *account)
        .map_or(0, |balance| balance.balance)
}

/// Asserts that everything in the database is as the ledger promises.
pub async fn check(db: &Db) -> Report {
    let report = verify(db).await.expect("the database is read");
    assert!(report.is_clean(), "{:#?}", report.faults);
    report
}
