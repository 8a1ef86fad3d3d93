//! The same random commands through the writer and through the state machine in memory: the same answers,
//! one by one and in one batch.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use tessera::domain::ledger::{
    AccountKey, AccountName, Command, Context, ExpiredReturn, HoldOutcome, NewCoupon, OnShort,
    Posting, Receipt, Refusal, Reserve, State, Step, TakeBackShort, apply,
};
use tessera::domain::time::Instant;
use tessera_tests::databases::each;

use crate::bench::*;

/// Commands per script; restarts fall in between.
const LENGTH: usize = 400;

#[derive(Debug, Clone)]
struct Move {
    what: u8,
    member: u8,
    amount: i64,
    pick: usize,
    days: i32,
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let one = (0..12_u8, 0..4_u8, 1..120_i64, any::<usize>(), 0..3_i32).prop_map(
        |(what, member, amount, pick, days)| Move {
            what,
            member,
            amount,
            pick,
            days,
        },
    );
    prop::collection::vec(one, LENGTH)
}

/// Turns moves into commands without looking at any state, so that every ledger gets the same.
fn commands(moves: &[Move]) -> Vec<Command> {
    let mut today = TODAY;
    let (mut lots, mut holds) = (Vec::new(), 0);
    let mut commands = Vec::new();
    for (n, m) in moves.iter().enumerate() {
        let member = format!("m{}", m.member);
        let steps = match m.what {
            0..=2 => {
                let lot = format!("lot-{n:05}");
                let last = (m.pick % 3 > 0).then(|| today.plus_days(m.days));
                let mut steps = earn_lot(&member, &lot, m.amount, last);
                if m.what == 2
                    && let Step::Credit {
                        account,
                        lot: Some(lot),
                        ..
                    } = &mut steps[0]
                {
                    account.name = AccountName::PointsPending;
                    lot.available_on = Some(today.plus_days(m.days));
                }
                lots.push((member, lot));
                steps
            }
            3 | 4 => spend(&member, m.amount),
            5 => match pick(&lots, m.pick) {
                Some((member, lot)) => vec![
                    Step::TakeBack {
                        member: member.clone(),
                        asset: ASSET.to_owned(),
                        lot: lot.clone(),
                        amount: m.amount,
                        on_short: TakeBackShort::Debt,
                    },
                    issued(m.amount),
                ],
                None => continue,
            },
            6 => match pick(&lots, m.pick) {
                Some((member, lot)) => vec![
                    Step::Return {
                        account: points(member),
                        splits: vec![(lot.clone(), m.amount % 7)],
                        expired: ExpiredReturn::AtOnce,
                    },
                    issued(-(m.amount % 7)),
                ],
                None => continue,
            },
            7 => {
                holds += 1;
                vec![hold(holds, &member, m.amount / 2)]
            }
            8 => vec![Step::ResolveHold {
                hold: format!("h{}", m.pick % (holds + 1)),
                outcome: HoldOutcome::Voided,
            }],
            9 => coupon(m),
            10 => vec![
                Step::Debit {
                    account: AccountKey::new(member, AccountName::Points, ASSET),
                    amount: m.amount,
                    on_short: OnShort::Claim {
                        store: "s1".to_owned(),
                    },
                },
                issued(m.amount),
            ],
            _ => {
                today = today.plus_days(1);
                sweep(&member, &lots)
            }
        };
        let mut command = keyed(&format!("k{}", m.pick % LENGTH), 1, steps);
        if m.pick % 4 > 0 {
            command.operation = None;
        }
        command.business_date = today;
        commands.push(command);
    }
    commands
}

fn pick(lots: &[(String, String)], at: usize) -> Option<&(String, String)> {
    lots.get(at % lots.len().max(1))
}

fn hold(n: usize, member: &str, amount: i64) -> Step {
    Step::Hold {
        hold: format!("h{n}"),
        quote: format!("q{n}"),
        member: Some(member.to_owned()),
        expires_at: Instant(0),
        reserves: vec![
            Reserve::Account {
                account: points(member),
                amount,
            },
            Reserve::Counter {
                owner: member.to_owned(),
                name: "held".to_owned(),
                change: 1,
                limit: Some(3),
                floor: None,
            },
        ],
        sale: Vec::new(),
    }
}

fn coupon(m: &Move) -> Vec<Step> {
    let code = format!("C{}", m.pick % 3);
    vec![match m.amount % 4 {
        0 => Step::IssueCoupon(NewCoupon {
            code,
            campaign: "b1".to_owned(),
            holder: None,
            use_limit: Some(4),
            starts_on: None,
            expires_on: None,
            transferable: false,
        }),
        1 => Step::UseCoupon {
            code,
            change: -1,
            member: None,
            enforce: true,
        },
        _ => Step::UseCoupon {
            code,
            change: 1,
            member: None,
            enforce: true,
        },
    }]
}

fn sweep(member: &str, lots: &[(String, String)]) -> Vec<Step> {
    let lots: Vec<String> = lots
        .iter()
        .filter(|(owner, _)| owner == member)
        .map(|(_, lot)| lot.clone())
        .collect();
    vec![
        Step::ReleasePending {
            member: member.to_owned(),
            asset: ASSET.to_owned(),
            lots: lots.clone(),
        },
        Step::ExpireLots {
            member: member.to_owned(),
            asset: ASSET.to_owned(),
            lots,
        },
    ]
}

/// What two ledgers must answer alike.
type Essence = Result<(bool, Vec<Posting>), Refusal>;

/// The state machine alone: where it ends, and what it answers on the way.
fn in_memory(commands: &[Command]) -> (State, Vec<Essence>) {
    let mut state = State::default();
    let mut answers = Vec::with_capacity(commands.len());
    for command in commands {
        let mut context = Context {
            writer: "memory-1",
            new_id: &mut id,
        };
        let applied = apply(&mut state, command, &mut context);
        answers.push(essence(applied.map(|applied| applied.receipt)));
    }
    (state, answers)
}

/// An answer without what differs from run to run. Versions of system shards depend on the epoch.
fn essence(answer: Result<Receipt, Refusal>) -> Essence {
    answer.map(|receipt| {
        let members = receipt
            .postings
            .into_iter()
            .filter(|posting| !posting.account.starts_with("system/"))
            .collect();
        (receipt.replayed, members)
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn databases_and_memory_give_the_same_answers() {
    let mut runner = TestRunner::deterministic();
    for _ in 0..2 {
        let script = moves().new_tree(&mut runner).expect("a script").current();
        let commands = commands(&script);
        let (_, expected) = in_memory(&commands);
        let refused = expected.iter().filter(|answer| answer.is_err()).count();
        assert!((LENGTH / 20..LENGTH / 2).contains(&refused), "{refused}");
        for database in each().await {
            let mut at = 0;
            // The writer starts anew for each third.
            for part in commands.chunks(LENGTH.div_ceil(3)) {
                let run = writer(&database.db, "main").await;
                for command in part {
                    let answer = run.0.submit(command.clone()).await;
                    assert_eq!(essence(answer), expected[at], "{} {at}", database.name);
                    at += 1;
                }
                stop(run).await;
            }
            check(&database.db).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_big_batch_gives_the_same_answers_as_one_by_one() {
    let mut runner = TestRunner::deterministic();
    let script = moves().new_tree(&mut runner).expect("a script").current();
    let mut commands = commands(&script);
    for command in &mut commands {
        command.operation = None;
    }
    let (state, expected) = in_memory(&commands);
    for database in each().await {
        let run = writer(&database.db, "main").await;
        let answers = together(&run.0, commands.clone()).await;
        let answers: Vec<_> = answers.into_iter().map(essence).collect();
        assert!(answers == expected, "{}", database.name);
        let mut conn = database.db.read().await.expect("a connection");
        assert_eq!(state.lots().count() as u64, lots_of(&mut conn).await);
        drop(conn);
        stop(run).await;
        check(&database.db).await;
    }
}

async fn lots_of(conn: &mut tessera::store::Conn) -> u64 {
    let counted: i64 = tessera::on!(conn, c => sqlx::query_scalar("SELECT COUNT(*) FROM lots")
        .fetch_one(c).await)
    .expect("counted");
    u64::try_from(counted).expect("a count")
}
