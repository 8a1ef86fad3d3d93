//! What was written together is read back.

use tessera::domain::ledger::{
    EvaluationRow, EventRow, MemberDayRow, MemberTierRow, Notice, OnShort, Record, Step,
    system_account,
};
use tessera::domain::time::Day;
use tessera::store::cards::{self, Card};
use tessera::store::member_days::{DaySpan, DaySums, sums};
use tessera::store::members::{self, MemberName};
use tessera::store::orders::{self, OrderName};
use tessera::store::persons::{self, SealedPerson};
use tessera::store::{Writer, accounts, entries, events};
use tessera_tests::databases::each;

use crate::bench::*;

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_found_by_every_name_with_its_evaluations() {
    for database in each().await {
        let (writer, task) = writer(&database.db, "main").await;
        enrol(&writer).await;
        let mut row = order("q1");
        row.external_id = Some("till-1-77".to_owned());
        let evaluation = EvaluationRow {
            subject: row.id.clone(),
            position: 0,
            binding_id: "b1".to_owned(),
            component_digest: "d".repeat(64),
            config_hash: "c".repeat(64),
            kind: "points".to_owned(),
            delta: vec![1, 2],
            output: vec![3, 0, 255],
            fuel: 12_345,
        };
        let mut command = sale(&row);
        command
            .records
            .push(Record::Evaluation(Box::new(evaluation.clone())));
        let receipt = writer.submit(command).await.expect("a sale");
        let mut conn = database.db.read().await.expect("a connection");
        let names = [
            OrderName::Id(row.id.clone()),
            OrderName::Quote("q1".to_owned()),
            OrderName::Receipt(row.receipt_code.clone()),
            OrderName::External {
                store: "s1".to_owned(),
                id: "till-1-77".to_owned(),
            },
        ];
        for name in names {
            let found = orders::order_by(&mut conn, &name).await.expect("read");
            assert_eq!(found.as_ref(), Some(&row), "{}: {name:?}", database.name);
        }
        let unknown = OrderName::Id("nobody".to_owned());
        assert_eq!(
            orders::order_by(&mut conn, &unknown).await.expect("read"),
            None
        );
        let found = orders::evaluations_of(&mut conn, &row.id).await;
        assert_eq!(found.expect("read"), [evaluation]);
        assert!(
            orders::component_is_named(&mut conn, &"d".repeat(64))
                .await
                .expect("read")
        );
        let of_member = orders::orders_of_member(&mut conn, "m1", None, 10).await;
        assert_eq!(of_member.expect("read").len(), 1);
        let state = orders::refundable_of(&mut conn, &row.id)
            .await
            .expect("read");
        assert_eq!(state.expect("refundable").lines[1].sold, 2_500);
        let entry = entries::by_id(&mut conn, receipt.entry_id.as_deref().expect("an entry"));
        let entry = entry.await.expect("read").expect("there");
        assert_eq!(entry.postings, receipt.postings);
        let system = accounts::system_balances(&mut conn).await.expect("read");
        assert_eq!(system[&("sales/s1".to_owned(), "CNY".to_owned())], 1_250);
        drop(conn);
        stop((writer, task)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_of_a_member_are_paged_from_the_newest() {
    for database in each().await {
        let (writer, task) = writer(&database.db, "main").await;
        let mut made = Vec::new();
        for member in ["m1", "m10", "m1", "m1"] {
            let receipt = writer
                .submit(command(earn(member, 5)))
                .await
                .expect("earning");
            if member == "m1" {
                made.push(receipt.entry_id.expect("an entry"));
            }
        }
        made.reverse();
        let mut conn = database.db.read().await.expect("a connection");
        let first = entries::of_member(&mut conn, "m1", None, 2)
            .await
            .expect("read");
        let ids: Vec<_> = first.iter().map(|entry| entry.id.clone()).collect();
        assert_eq!(ids, made[..2]);
        let rest = entries::of_member(&mut conn, "m1", Some(&ids[1]), 2).await;
        assert_eq!(rest.expect("read")[0].id, made[2]);
        assert_eq!(first[0].postings.len(), 2);
        drop(conn);
        stop((writer, task)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn events_come_in_the_order_of_their_commits_and_notices_are_among_them() {
    for database in each().await {
        let (writer, task) = writer(&database.db, "main").await;
        let mut commands = Vec::new();
        for n in 0..300 {
            let mut command = command(Vec::new());
            command.records = vec![Record::Event(EventRow {
                kind: "test".to_owned(),
                subject: format!("{n:03}"),
                store: None,
                payload: "{}".to_owned(),
            })];
            commands.push(command);
        }
        for answer in together(&writer, commands).await {
            answer.expect("written");
        }
        let short = command(vec![
            Step::Debit {
                account: points("m1"),
                amount: 4,
                on_short: OnShort::Claim {
                    store: "s1".to_owned(),
                },
            },
            issued(4),
        ]);
        let receipt = writer.submit(short).await.expect("a fact");
        assert_eq!(
            receipt.postings[0].account,
            system_account("claims/s1", ASSET, writer.id())
        );
        let mut conn = database.db.read().await.expect("a connection");
        let page = events::after(&mut conn, "", 200).await.expect("read");
        let rest = events::after(&mut conn, &page[199].id, 200)
            .await
            .expect("read");
        let all: Vec<_> = page.iter().chain(&rest).collect();
        assert_eq!(all.len(), 301);
        assert!(all.windows(2).all(|pair| pair[0].id < pair[1].id));
        let subjects: Vec<_> = all[..300].iter().map(|e| e.subject.clone()).collect();
        let expected: Vec<_> = (0..300).map(|n| format!("{n:03}")).collect();
        assert_eq!(subjects, expected, "{}", database.name);
        let notice: Notice = serde_json::from_str(&all[300].payload).expect("a notice");
        assert!(matches!(notice, Notice::Claimed { needed: 4, .. }));
        assert_eq!(
            events::newest(&mut conn).await.expect("read").as_ref(),
            Some(&all[300].id)
        );
        drop(conn);
        stop((writer, task)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn purchases_are_summed_by_window_and_category() {
    for database in each().await {
        let (writer, task) = writer(&database.db, "main").await;
        let day = |day: i32, category: &str, spend: i64| {
            let mut command = command(Vec::new());
            command.records = vec![Record::MemberDay(MemberDayRow {
                member: "m1".to_owned(),
                day: Day(day),
                category: category.to_owned(),
                spend,
                orders: 1,
                units: 1_000,
                points: 2,
            })];
            command
        };
        let commands = vec![
            day(10, "", 500),
            day(10, "", 100),
            day(10, "drinks", 100),
            // Whoever records a purchase writes it under its category and every category above.
            day(10, "drinks", 200),
            day(10, "drinks/tea", 200),
            day(11, "drinks", 50),
            day(11, "drinks/tea", 50),
            day(11, "drinks/tea/green", 50),
            day(11, "drinks-hot", 1_000),
            day(12, "food", 7),
        ];
        for answer in together(&writer, commands).await {
            answer.expect("written");
        }
        let back = day(10, "", -100);
        writer.submit(back).await.expect("written");
        let span = |first, last, category: Option<&str>| DaySpan {
            first: Day(first),
            last: Day(last),
            category: category.map(str::to_owned),
        };
        let mut conn = database.db.read().await.expect("a connection");
        let spans = [
            span(0, 99, None),
            span(0, 99, Some("drinks")),
            span(11, 11, Some("drinks")),
            span(0, 99, Some("toys")),
        ];
        let found = sums(&mut conn, "m1", &spans).await.expect("read");
        let spend: Vec<_> = found.iter().map(|sums| sums.spend).collect();
        assert_eq!(spend, [500, 350, 50, 0], "{}", database.name);
        assert_eq!(found[1].units, 3_000);
        assert_eq!(found[3], DaySums::default());
        drop(conn);
        stop((writer, task)).await;
    }
}

/// A store and two members, `m1` and `m2`, who bought four times before.
async fn enrol(writer: &Writer) {
    let rows = [
        "INSERT INTO regions (id, name, version) VALUES ('r', 'R', 1)",
        "INSERT INTO stores (id, region, name, currency, time_zone, prices_include_tax, attributes, active, version)
         VALUES ('s1', 'r', 'S', 'CNY', 'Asia/Shanghai', TRUE, '{}', TRUE, 1)",
        "INSERT INTO members (id, status, home_store, enrolled_on, created_at, tier_multiplier_num,
            tier_multiplier_den, orders, referral_code, segments, attributes, version)
         VALUES ('m1', 'active', 's1', 1, 1, 1, 1, 4, 'code-1', '[]', '[]', 1),
            ('m2', 'active', 's1', 1, 1, 1, 1, 4, 'code-2', '[]', '[]', 1)",
    ];
    for row in rows {
        crate::tampering::sql(writer, row).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_are_counted_and_tiers_set_on_the_member() {
    for database in each().await {
        let (writer, task) = writer(&database.db, "main").await;
        enrol(&writer).await;
        let mut commands = Vec::new();
        for change in [1, 1, 1, -1] {
            let mut command = command(Vec::new());
            command.records = vec![Record::MemberOrders {
                member: "m1".to_owned(),
                change,
            }];
            commands.push(command);
        }
        commands[1].records.push(Record::MemberTier(MemberTierRow {
            member: "m1".to_owned(),
            tier: Some("gold".to_owned()),
            since: Some(TODAY),
            valid_until: None,
            multiplier: (3, 2),
            floor: None,
        }));
        for answer in together(&writer, commands).await {
            answer.expect("written");
        }
        let mut conn = database.db.read().await.expect("a connection");
        let row: (i64, Option<String>, Option<i64>, Option<i64>, i64, i64) = tessera::on!(&mut conn, c => sqlx::query_as(
            "SELECT orders, tier, tier_since, tier_valid_until, tier_multiplier_num, tier_multiplier_den FROM members
             WHERE id = 'm1'"
        ).fetch_one(c).await)
        .expect("read");
        let since = Some(i64::from(TODAY.0));
        assert_eq!(row, (6, Some("gold".to_owned()), since, None, 3, 2));
        drop(conn);
        stop((writer, task)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_is_found_by_id_card_and_phone_with_the_person_behind_him() {
    for database in each().await {
        let (writer, task) = writer(&database.db, "main").await;
        enrol(&writer).await;
        let person = SealedPerson {
            member_id: "m1".to_owned(),
            sealed_key: vec![1, 2],
            master: "key".to_owned(),
            sealed: vec![3, 4],
            phone_hash: Some("hash".to_owned()),
            birthday_mark: None,
            email_hash: None,
            version: 1,
        };
        let lost = Card {
            status: "lost".to_owned(),
            ..Card::issued("2600000000017".to_owned(), "m1", "physical", 1)
        };
        writer
            .write("a person with a card", move |tx| {
                Box::pin(async move {
                    persons::put_person(tx, &person).await?;
                    cards::create(tx, &lost).await
                })
            })
            .await
            .expect("written");
        let mut conn = database.db.read().await.expect("a connection");
        let names = [
            (MemberName::Id("m1"), None),
            (MemberName::Card("2600000000017"), Some("lost".to_owned())),
            (MemberName::PhoneHash("hash"), None),
        ];
        for (name, card_status) in names {
            let found = members::known(&mut conn, name).await.expect("read");
            let found = found.unwrap_or_else(|| panic!("{}: {name:?}", database.name));
            assert_eq!(found.member.id, "m1");
            assert_eq!(found.sealed_key.as_deref(), Some(&[1, 2][..]));
            assert_eq!(found.sealed.as_deref(), Some(&[3, 4][..]));
            assert_eq!(found.card_status, card_status);
        }
        let bare = members::known(&mut conn, MemberName::Id("m2")).await;
        assert_eq!(bare.expect("read").expect("there").sealed, None);
        let nobody = members::known(&mut conn, MemberName::Card("m1")).await;
        assert_eq!(nobody.expect("read"), None);
        drop(conn);
        stop((writer, task)).await;
    }
}
