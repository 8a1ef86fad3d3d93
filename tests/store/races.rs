//! Several hosts on one database, callers that go away, queues that are full.

use std::time::Duration;

use tessera::domain::ledger::Refusal;
use tessera::domain::time::Instant;
use tessera::store::{Db, Writer, WriterSettings};
use tessera_tests::databases::{each, postgres};

use crate::bench::*;

#[tokio::test(flavor = "multi_thread")]
async fn two_hosts_serving_one_member_lose_nothing_and_double_nothing() {
    let Some(database) = postgres().await else {
        return;
    };
    let second = Db::open(&database.location, 4).await.expect("opens twice");
    let north = writer(&database.db, "north").await;
    let south = writer(&second, "south").await;
    assert_ne!(north.0.id(), south.0.id());
    let start = command(earn("m1", 1_000));
    north.0.submit(start).await.expect("earning");
    let half = |writer: Writer| async move {
        let mut accepted = 0;
        for _ in 0..12 {
            let answers = together(&writer, (0..10).map(|_| command(spend("m1", 5))).collect());
            for answer in answers.await {
                match answer {
                    Ok(_) => accepted += 1,
                    Err(Refusal::InsufficientBalance { .. } | Refusal::Busy) => {}
                    Err(other) => panic!("{other}"),
                }
            }
        }
        accepted
    };
    let (a, b) = tokio::join!(half(north.0.clone()), half(south.0.clone()));
    assert!(a > 0 && b > 0, "{a} and {b}");
    assert_eq!(
        balance(&database.db, &points("m1")).await,
        1_000 - (a + b) * 5
    );
    stop(north).await;
    stop(south).await;
    check(&database.db).await;
}

/// Members' own commands run side by side; those of two members, and whatever members share, meet on the way.
#[tokio::test(flavor = "multi_thread")]
async fn lanes_of_one_host_lose_nothing_and_double_nothing() {
    for database in each().await {
        let settings = WriterSettings {
            lanes: 4,
            ..WriterSettings::new("main", Instant(1_700_000_000_000_000))
        };
        let (writer, task) = Writer::start(database.db.clone(), settings)
            .await
            .expect("the writer starts");
        let member = |number: usize| format!("m{}", number % 7);
        for round in 0..20 {
            let commands = (0..40).map(|number| match number % 4 {
                0 => command([earn(&member(number), 3), earn(&member(number + 1), 2)].concat()),
                1 => keyed(&format!("k{round}-{number}"), 1, earn(&member(number), 5)),
                _ => command(earn(&member(number), 5)),
            });
            for answer in together(&writer, commands.collect()).await {
                answer.expect("earning");
            }
        }
        let mut sum = 0;
        for number in 0..7 {
            sum += balance(&database.db, &points(&member(number))).await;
        }
        assert_eq!(sum, 20 * 40 * 5);
        stop((writer, task)).await;
        assert_eq!(check(&database.db).await.entries, 20 * 40);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_used_at_two_hosts_has_one_effect() {
    let Some(database) = postgres().await else {
        return;
    };
    let second = Db::open(&database.location, 4).await.expect("opens twice");
    let north = writer(&database.db, "north").await;
    let south = writer(&second, "south").await;
    for round in 0..20 {
        let key = format!("k{round}");
        let (a, b) = tokio::join!(
            north.0.submit(keyed(&key, 1, earn("m1", 1))),
            south.0.submit(keyed(&key, 1, earn("m1", 1)))
        );
        let replayed = [a, b].map(|answer| answer.expect("both get the answer").replayed);
        assert_eq!(replayed.iter().filter(|replayed| **replayed).count(), 1);
    }
    assert_eq!(balance(&database.db, &points("m1")).await, 20);
    stop(north).await;
    stop(south).await;
    check(&database.db).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restarted_host_starts_a_new_epoch_on_a_server_and_goes_on_in_a_folder() {
    for database in each().await {
        let first = writer(&database.db, "main").await;
        let first_id = first.0.id().to_owned();
        first
            .0
            .submit(command(earn("m1", 5)))
            .await
            .expect("earning");
        stop(first).await;
        let second = writer(&database.db, "main").await;
        assert_eq!(
            second.0.id() == first_id,
            database.name == "SQLite",
            "{first_id}"
        );
        second
            .0
            .submit(command(earn("m1", 5)))
            .await
            .expect("earning");
        stop(second).await;
        assert_eq!(check(&database.db).await.entries, 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn callers_that_go_away_do_not_stop_their_commands_or_poison_the_connection() {
    for database in each().await {
        let (writer, task) = writer(&database.db, "main").await;
        for round in 0..60_u64 {
            let submitted = writer.submit(command(earn("m1", 1)));
            let _ = tokio::time::timeout(Duration::from_micros(round * 40), submitted).await;
            let mut conn = database.db.read().await.expect("a connection");
            let read = tessera::store::accounts::balances(&mut conn, "m1");
            let _ = tokio::time::timeout(Duration::from_micros(round * 10), read).await;
        }
        let last = writer.submit(command(earn("m1", 1))).await;
        assert!(last.is_ok(), "{}: {last:?}", database.name);
        let sum = balance(&database.db, &points("m1")).await;
        // A submission that was dropped before its first poll never reached the queue.
        assert!((2..=61).contains(&sum), "{sum}");
        stop((writer, task)).await;
        check(&database.db).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_queue_answers_busy_and_bulk_work_waits_instead() {
    for database in each().await {
        let settings = WriterSettings {
            queue: 2,
            ..WriterSettings::new("main", Instant(0))
        };
        let (writer, task) = Writer::start(database.db.clone(), settings)
            .await
            .expect("the writer starts");
        let commands = (0..200).map(|_| command(earn("m1", 1))).collect();
        let answers = together(&writer, commands).await;
        let busy = answers
            .iter()
            .filter(|answer| **answer == Err(Refusal::Busy))
            .count();
        assert!(busy > 0, "{}", database.name);
        let bulk = (0..50).map(|_| writer.submit_bulk(command(earn("m1", 1))));
        let done = futures_util::future::join_all(bulk).await;
        assert!(done.iter().all(Result::is_ok));
        assert_eq!(
            balance(&database.db, &points("m1")).await,
            i64::try_from(200 - busy).expect("small") + 50
        );
        stop((writer, task)).await;
        check(&database.db).await;
    }
}
