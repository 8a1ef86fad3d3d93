//! `verify` finds what was changed behind the ledger's back and names it.

use tessera::domain::ledger::Record;
use tessera::store::verify::verify;
use tessera::store::{StoreError, Writer};
use tessera_tests::databases::each;

use crate::bench::*;

pub async fn sql(writer: &Writer, text: &'static str) {
    writer
        .write("tampering", move |tx| {
            Box::pin(async move {
                tessera::on!(tx, c => sqlx::query(text).execute(c).await.map(|_| ()))
                    .map_err(StoreError::during("tampering"))
            })
        })
        .await
        .expect("the database is changed");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_tampering_is_found() {
    let changes = [
        (
            "UPDATE postings SET amount = amount + 1 WHERE account LIKE 'm1/%' AND version = 2",
            "m1/points",
        ),
        (
            "UPDATE entries SET business_date = 1 WHERE seq = 2",
            "the seal does not cover it",
        ),
        ("DELETE FROM entries WHERE seq = 2", "number 2 of writer"),
        (
            "DELETE FROM entries WHERE seq = 3",
            "but the entries end at 2",
        ),
        (
            "UPDATE accounts SET balance = balance + 5 WHERE id LIKE 'm1/points/%'",
            "its postings end at",
        ),
        (
            "UPDATE lots SET remaining = remaining - 1 WHERE remaining > 10",
            "its postings say",
        ),
        ("UPDATE lots SET account = 'm1/bonus/CNY'", "is not there"),
        (
            "INSERT INTO accounts (id, asset, balance, version, base) VALUES ('m9/principal/CNY', 'CNY', 7, 1, 0)",
            "without a posting",
        ),
        (
            "UPDATE refundables SET lines = '[{\"sold\":1,\"refunded\":2}]'",
            "2 of 1 refunded",
        ),
    ];
    for (change, expected) in changes {
        for database in each().await {
            let (writer, task) = writer(&database.db, "main").await;
            let mut first = sale(&order("q1"));
            first.steps.extend(earn("m1", 50));
            writer.submit(first).await.expect("a sale");
            writer
                .submit(command(spend("m1", 20)))
                .await
                .expect("spending");
            writer
                .submit(command(earn("m1", 3)))
                .await
                .expect("earning");
            check(&database.db).await;
            sql(&writer, change).await;
            let report = verify(&database.db).await.expect("read");
            let said: Vec<String> = report.faults.iter().map(ToString::to_string).collect();
            assert!(
                said.iter().any(|fault| fault.contains(expected)),
                "{}: `{change}` gave {said:#?}",
                database.name
            );
            stop((writer, task)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_entry_is_named_by_its_id() {
    for database in each().await {
        let (writer, task) = writer(&database.db, "main").await;
        let mut named = String::new();
        for _ in 0..5 {
            let receipt = writer
                .submit(command(earn("m1", 5)))
                .await
                .expect("earning");
            named = receipt.entry_id.expect("an entry");
        }
        let mut last = command(earn("m1", 5));
        last.records = Vec::<Record>::new();
        writer.submit(last).await.expect("earning");
        sql(&writer, "UPDATE entries SET kind = 'gift' WHERE seq = 5").await;
        let report = verify(&database.db).await.expect("read");
        assert_eq!(report.faults.len(), 1, "{:#?}", report.faults);
        assert_eq!(report.faults[0].at, named);
        stop((writer, task)).await;
    }
}
