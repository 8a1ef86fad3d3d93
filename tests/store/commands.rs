//! Commands through the writer: limits, batches, keys, holds.

use tessera::domain::ledger::{
    AccountKey, AccountName, HoldOutcome, NewCoupon, Record, RefundRow, Refusal, Reserve, Step,
    TakeBackShort,
};
use tessera::domain::time::{Day, Instant};
use tessera::store::{StoreError, counters, coupons, holds, lots, operations, orders};
use tessera_tests::databases::each;

use crate::bench::*;

#[tokio::test(flavor = "multi_thread")]
async fn sixty_four_parallel_spends_of_one_wallet_succeed_exactly_as_often_as_it_holds() {
    for database in each().await {
        let (writer, task) = writer(&database.db, "main").await;
        writer
            .submit(command(earn("m1", 105)))
            .await
            .expect("earning");
        let commands = (0..64).map(|_| command(spend("m1", 5))).collect();
        let answers = together(&writer, commands).await;
        let accepted = answers.iter().filter(|answer| answer.is_ok()).count();
        assert_eq!(accepted, 21, "{}", database.name);
        assert!(
            answers
                .iter()
                .flat_map(|answer| answer.as_ref().err())
                .all(|refusal| matches!(
                    refusal,
                    Refusal::InsufficientBalance { available: 0, .. }
                ))
        );
        assert_eq!(balance(&database.db, &points("m1")).await, 0);
        stop((writer, task)).await;
        check(&database.db).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_gets_its_first_answer_again_also_after_a_restart() {
    for database in each().await {
        let first_run = writer(&database.db, "main").await;
        let first = first_run
            .0
            .submit(keyed("k1", 1, earn("m1", 30)))
            .await
            .expect("earning");
        let refused = first_run
            .0
            .submit(keyed("k2", 1, spend("m1", 31)))
            .await
            .expect_err("too much");
        stop(first_run).await;
        let second_run = writer(&database.db, "main").await;
        let again = second_run
            .0
            .submit(keyed("k1", 1, earn("m1", 30)))
            .await
            .expect("a replay");
        assert!(again.replayed);
        assert_eq!(
            (again.entry_id.as_ref(), &again.postings),
            (first.entry_id.as_ref(), &first.postings)
        );
        let more = command(earn("m1", 30));
        second_run.0.submit(more).await.expect("earning");
        assert_eq!(
            second_run.0.submit(keyed("k2", 1, spend("m1", 31))).await,
            Err(refused)
        );
        assert!(matches!(
            second_run.0.submit(keyed("k1", 2, earn("m1", 30))).await,
            Err(Refusal::KeyReused { .. })
        ));
        let mut conn = database.db.read().await.expect("a connection");
        assert!(
            operations::by_key(&mut conn, "k1")
                .await
                .expect("read")
                .is_some()
        );
        assert!(
            operations::by_key(&mut conn, "k3")
                .await
                .expect("read")
                .is_none()
        );
        drop(conn);
        stop(second_run).await;
        check(&database.db).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_key_sent_twice_at_once_has_one_effect() {
    for database in each().await {
        let (writer, task) = writer(&database.db, "main").await;
        let commands = (0..16).map(|_| keyed("k", 1, earn("m1", 10))).collect();
        let answers = together(&writer, commands).await;
        assert!(answers.iter().any(Result::is_ok));
        assert!(
            answers
                .iter()
                .all(|answer| matches!(answer, Ok(_) | Err(Refusal::InProgress { .. })))
        );
        assert_eq!(balance(&database.db, &points("m1")).await, 10);
        stop((writer, task)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_the_database_refuses_fails_alone_in_its_batch() {
    for database in each().await {
        let (writer, task) = writer(&database.db, "main").await;
        let first = order("q0");
        writer.submit(sale(&first)).await.expect("a sale");
        let mut commands: Vec<_> = (1..40).map(|n| sale(&order(&format!("q{n}")))).collect();
        let mut twin = order("q-twin");
        twin.id.clone_from(&first.id);
        let mut bad = sale(&twin);
        // Only the table knows that the id is taken.
        bad.steps
            .retain(|step| !matches!(step, Step::OpenOrder { .. }));
        commands.insert(17, bad);
        let answers = together(&writer, commands).await;
        for (at, answer) in answers.iter().enumerate() {
            let stored = matches!(answer, Err(Refusal::Storage { .. }));
            assert_eq!(stored, at == 17, "{}: {answer:?}", database.name);
        }
        writer
            .submit(sale(&order("q-after")))
            .await
            .expect("the writer goes on");
        stop((writer, task)).await;
        let report = check(&database.db).await;
        assert_eq!(report.entries, 41);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_survives_a_restart_and_is_posted_once() {
    for database in each().await {
        let run = writer(&database.db, "main").await;
        run.0
            .submit(command(earn_lot("m1", "lot-a", 50, Some(TODAY))))
            .await
            .expect("earning");
        let issue = Step::IssueCoupon(NewCoupon {
            code: "C".to_owned(),
            campaign: "b1".to_owned(),
            holder: None,
            use_limit: Some(1),
            starts_on: None,
            expires_on: Some(TODAY),
            transferable: false,
        });
        run.0.submit(command(vec![issue])).await.expect("issued");
        let hold = Step::Hold {
            hold: "h1".to_owned(),
            quote: "q1".to_owned(),
            member: Some("m1".to_owned()),
            expires_at: Instant(5),
            reserves: vec![
                Reserve::Account {
                    account: points("m1"),
                    amount: 40,
                },
                Reserve::Coupon {
                    code: "C".to_owned(),
                    member: None,
                },
                Reserve::Counter {
                    owner: "chain".to_owned(),
                    name: "budget".to_owned(),
                    change: 3,
                    limit: Some(3),
                    floor: None,
                },
            ],
            sale: b"sale".to_vec(),
        };
        run.0.submit(command(vec![hold])).await.expect("held");
        check(&database.db).await;
        stop(run).await;

        let run = writer(&database.db, "main").await;
        let mut conn = database.db.read().await.expect("a connection");
        let due = holds::due(&mut conn, Instant(5), 10).await.expect("read");
        assert_eq!(due.len(), 1);
        assert_eq!(
            holds::due(&mut conn, Instant(4), 10).await.expect("read"),
            []
        );
        let mut commit = sale(&order("q1"));
        commit.business_date = TODAY.plus_days(1);
        let refused = run.0.submit(commit.clone()).await;
        assert!(matches!(refused, Err(Refusal::AlreadyHeld { .. })));
        commit.steps.insert(
            0,
            Step::ResolveHold {
                hold: "h1".to_owned(),
                outcome: HoldOutcome::Posted,
            },
        );
        commit.steps.extend(spend("m1", 40));
        commit.steps.push(Step::UseCoupon {
            code: "C".to_owned(),
            change: 1,
            member: None,
            enforce: true,
        });
        run.0.submit(commit.clone()).await.expect("posted");
        assert!(matches!(
            run.0.submit(commit).await,
            Err(Refusal::HoldResolved { .. })
        ));
        let again = sale(&order("q1"));
        assert!(matches!(
            run.0.submit(again).await,
            Err(Refusal::AlreadyCommitted { .. })
        ));
        let budget = [("chain".to_owned(), "budget".to_owned())];
        assert_eq!(
            counters::values(&mut conn, &budget).await.expect("read"),
            [0]
        );
        let found = coupons::by_codes(&mut conn, &["C".to_owned()]).await;
        assert_eq!(found.expect("read")[0].uses, 1);
        let left = lots::open_lots(&mut conn, "m1").await.expect("read");
        assert_eq!(left[0].remaining, 10);
        drop(conn);
        stop(run).await;
        check(&database.db).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn partial_refunds_stop_at_what_was_sold_and_a_debt_is_repaid_by_later_earning() {
    for database in each().await {
        let (writer, task) = writer(&database.db, "main").await;
        let row = order("q1");
        let mut commit = sale(&row);
        commit.steps.extend(earn_lot("m1", "lot-a", 100, None));
        writer.submit(commit).await.expect("a sale");
        writer
            .submit(command(spend("m1", 80)))
            .await
            .expect("spending");
        let refund = |sequence: i64, quantity: i64| {
            let mut refund = command(vec![
                Step::Refund {
                    order: row.id.clone(),
                    expected_sequence: sequence,
                    lines: vec![(0, quantity)],
                    tenders: vec![("cash".to_owned(), 400)],
                },
                Step::System {
                    name: "sales/s1".to_owned(),
                    asset: "CNY".to_owned(),
                    amount: -400,
                },
                Step::System {
                    name: "tender/cash/s1".to_owned(),
                    asset: "CNY".to_owned(),
                    amount: 400,
                },
                Step::TakeBack {
                    member: "m1".to_owned(),
                    asset: ASSET.to_owned(),
                    lot: "lot-a".to_owned(),
                    amount: 50,
                    on_short: TakeBackShort::Debt,
                },
                issued(50),
            ]);
            refund.records = vec![Record::Refund(Box::new(RefundRow {
                id: id(),
                order_id: row.id.clone(),
                sequence: sequence + 1,
                store: "s1".to_owned(),
                terminal: "t1".to_owned(),
                staff: None,
                occurred_at: Instant(0),
                business_date: TODAY,
                currency: "CNY".to_owned(),
                total: 400,
                doc: Vec::new(),
                facts: Vec::new(),
            }))];
            refund
        };
        writer.submit(refund(0, 500)).await.expect("half a line");
        let together = together(&writer, (0..64).map(|_| refund(1, 500)).collect()).await;
        assert_eq!(together.iter().filter(|answer| answer.is_ok()).count(), 1);
        assert!(matches!(
            writer.submit(refund(2, 1)).await,
            Err(Refusal::OverRefund { .. })
        ));
        let debt = AccountKey::new("m1", AccountName::PointsDebt, ASSET);
        assert_eq!(balance(&database.db, &debt).await, -80);
        writer
            .submit(command(earn("m1", 100)))
            .await
            .expect("earning");
        assert_eq!(balance(&database.db, &debt).await, 0);
        assert_eq!(balance(&database.db, &points("m1")).await, 20);
        let mut conn = database.db.read().await.expect("a connection");
        let refunds = orders::refunds_of(&mut conn, &row.id).await.expect("read");
        assert_eq!(refunds.len(), 2);
        drop(conn);
        stop((writer, task)).await;
        check(&database.db).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plain_write_that_fails_or_panics_leaves_nothing_and_the_writer_goes_on() {
    for database in each().await {
        let (writer, task) = writer(&database.db, "main").await;
        let insert = "INSERT INTO events (id, kind, subject, store, at, payload)
            VALUES ($1, 'test', 's', NULL, 0, '{}')";
        let failed: Result<(), _> = writer
            .write("test", move |tx| {
                Box::pin(async move {
                    tessera::on!(tx, c => sqlx::query(insert).bind("e1").execute(c).await.map(|_| ()))
                        .map_err(StoreError::during("testing"))?;
                    Err(StoreError::Refused("no".to_owned()))
                })
            })
            .await;
        assert!(matches!(failed, Err(StoreError::Refused(why)) if why == "no"));
        let failed: Result<(), _> = writer
            .write("test", move |tx| {
                Box::pin(async move {
                    tessera::on!(tx, c => sqlx::query(insert).bind("e2").execute(c).await.map(|_| ()))
                        .map_err(StoreError::during("testing"))?;
                    panic!("a defect in a use case")
                })
            })
            .await;
        assert!(failed.is_err());
        let value = writer
            .write("test", move |tx| {
                Box::pin(async move {
                    tessera::on!(tx, c => sqlx::query(insert).bind("e3").execute(c).await.map(|_| ()))
                        .map_err(StoreError::during("testing"))?;
                    Ok(7)
                })
            })
            .await;
        assert_eq!(value.expect("written"), 7);
        writer
            .submit(command(earn("m1", 1)))
            .await
            .expect("the writer goes on");
        let mut conn = database.db.read().await.expect("a connection");
        let found = tessera::store::events::after(&mut conn, "", 10)
            .await
            .expect("read");
        let ids: Vec<_> = found.iter().map(|event| event.id.as_str()).collect();
        assert_eq!(ids, ["e3"], "{}", database.name);
        drop(conn);
        stop((writer, task)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn text_the_databases_cannot_both_keep_is_refused_before_the_queue() {
    for database in each().await {
        let (writer, task) = writer(&database.db, "main").await;
        let mut command = command(earn("m1", 1));
        command.subject.id = "a\0b".to_owned();
        assert!(matches!(
            writer.submit(command).await,
            Err(Refusal::Text { .. })
        ));
        stop((writer, task)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn expiry_and_release_jobs_find_their_lots() {
    for database in each().await {
        let (writer, task) = writer(&database.db, "main").await;
        let old = earn_lot("m1", "old", 10, Some(Day(TODAY.0)));
        writer.submit(command(old)).await.expect("earning");
        let mut conn = database.db.read().await.expect("a connection");
        let tomorrow = TODAY.plus_days(1);
        assert!(
            lots::expired(&mut conn, TODAY, 10)
                .await
                .expect("read")
                .is_empty()
        );
        let expired = lots::expired(&mut conn, tomorrow, 10).await.expect("read");
        assert_eq!(expired.len(), 1);
        let mut job = command(vec![Step::ExpireLots {
            member: "m1".to_owned(),
            asset: ASSET.to_owned(),
            lots: vec![expired[0].id.clone()],
        }]);
        job.business_date = tomorrow;
        writer.submit_bulk(job).await.expect("expired");
        assert!(
            lots::expired(&mut conn, tomorrow, 10)
                .await
                .expect("read")
                .is_empty()
        );
        drop(conn);
        stop((writer, task)).await;
        check(&database.db).await;
    }
}
