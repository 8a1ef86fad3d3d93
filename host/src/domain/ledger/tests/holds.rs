use super::steps::order;
use super::*;

fn hold(id: &str, quote: &str, reserves: Vec<Reserve>) -> Vec<Step> {
    vec![Step::Hold {
        hold: id.to_owned(),
        quote: quote.to_owned(),
        member: Some(MEMBER.to_owned()),
        expires_at: Instant(1_000),
        reserves,
        sale: Vec::new(),
    }]
}

fn points(amount: i64) -> Reserve {
    Reserve::Account {
        account: account(AccountName::Points),
        amount,
    }
}

fn resolve(id: &str, outcome: HoldOutcome) -> Step {
    Step::ResolveHold {
        hold: id.to_owned(),
        outcome,
    }
}

#[test]
fn held_points_cannot_be_spent_and_return_to_their_lots_when_voided() {
    let mut bench = Bench::default();
    bench.run(1, earn("a", 10, Some(5))).expect("earning");
    bench.run(1, earn("b", 10, Some(9))).expect("earning");
    bench
        .run(1, hold("h", "q", vec![points(15)]))
        .expect("held");
    assert_eq!(bench.balance(AccountName::PointsHeld), 15);
    assert!(bench.run(1, spend(6)).is_err());
    bench.check();
    bench
        .run(2, vec![resolve("h", HoldOutcome::Voided)])
        .expect("voided");
    assert_eq!((bench.remaining("a"), bench.remaining("b")), (10, 10));
    assert_eq!(
        bench.run(2, vec![resolve("h", HoldOutcome::Posted)]),
        Err(Refusal::HoldResolved {
            hold: "h".to_owned(),
            outcome: HoldOutcome::Voided
        })
    );
    bench.check();
}

#[test]
fn a_held_quote_commits_after_its_lot_expired_and_its_coupon_was_voided() {
    let mut bench = Bench::default();
    bench.run(1, earn("a", 10, Some(5))).expect("earning");
    let issue = Step::IssueCoupon(NewCoupon {
        code: "C".to_owned(),
        campaign: "b".to_owned(),
        holder: None,
        use_limit: Some(1),
        starts_on: None,
        expires_on: Some(Day(5)),
        transferable: false,
    });
    bench.run(1, vec![issue]).expect("issued");
    let counter = |change| Step::Counter {
        owner: "chain".to_owned(),
        name: "budget".to_owned(),
        change,
        limit: Some(10),
        floor: None,
        enforce: true,
    };
    let reserves = vec![
        points(8),
        Reserve::Coupon {
            code: "C".to_owned(),
            member: None,
        },
        Reserve::Counter {
            owner: "chain".to_owned(),
            name: "budget".to_owned(),
            change: 4,
            limit: Some(10),
            floor: None,
        },
    ];
    bench.run(5, hold("h", "q", reserves)).expect("held");
    bench
        .run(5, vec![counter(6)])
        .expect("the rest of the budget");
    assert!(bench.run(5, vec![counter(1)]).is_err());
    let void = Step::VoidCoupon {
        code: "C".to_owned(),
    };
    bench.run(6, vec![void]).expect("voided");
    let mut commit = command(6, vec![resolve("h", HoldOutcome::Posted)]);
    commit.steps.extend(spend(8));
    commit.steps.push(Step::UseCoupon {
        code: "C".to_owned(),
        change: 1,
        member: None,
        enforce: true,
    });
    commit.steps.push(counter(4));
    commit.records = vec![order("o", "q")];
    bench.apply(&commit).expect("a hold cannot go stale");
    assert_eq!(bench.remaining("a"), 2);
    assert_eq!(bench.balance(AccountName::PointsHeld), 0);
    assert_eq!(bench.state.coupons["C"].uses, 1);
    bench.check();
}

#[test]
fn a_commit_beside_a_pending_hold_is_refused_and_a_quote_is_held_once() {
    let mut bench = Bench::default();
    bench.run(1, earn("a", 10, None)).expect("earning");
    bench.run(1, hold("h", "q", vec![points(5)])).expect("held");
    assert!(matches!(
        bench.run(1, hold("h2", "q", vec![points(5)])),
        Err(Refusal::AlreadyHeld { .. })
    ));
    let mut commit = command(1, spend(5));
    commit.records = vec![order("o", "q")];
    assert!(matches!(
        bench.apply(&commit),
        Err(Refusal::AlreadyHeld { .. })
    ));
    commit.steps.insert(0, resolve("h", HoldOutcome::Posted));
    bench.apply(&commit).expect("posted");
    assert!(matches!(
        bench.run(1, hold("h3", "q", Vec::new())),
        Err(Refusal::AlreadyCommitted { .. })
    ));
    bench.check();
}

#[test]
fn a_debt_made_during_a_hold_is_repaid_only_by_what_the_commit_leaves() {
    let mut bench = Bench::default();
    bench.run(1, earn("a", 10, None)).expect("earning");
    bench
        .run(1, hold("h", "q", vec![points(10)]))
        .expect("held");
    bench.run(1, take_back("a", 6)).expect("taken back");
    assert_eq!(bench.balance(AccountName::PointsDebt), -6);
    let mut steps = vec![resolve("h", HoldOutcome::Posted)];
    steps.extend(spend(7));
    bench.run(1, steps).expect("the quote is posted as held");
    assert_eq!(bench.balance(AccountName::PointsDebt), -3);
    assert_eq!(bench.balance(AccountName::Points), 0);
    bench.check();
}

#[test]
fn a_reservation_that_cannot_be_made_reserves_nothing() {
    let mut bench = Bench::default();
    bench.run(1, earn("a", 10, None)).expect("earning");
    let reserves = vec![
        points(5),
        Reserve::Coupon {
            code: "none".to_owned(),
            member: None,
        },
    ];
    assert!(bench.run(1, hold("h", "q", reserves)).is_err());
    assert_eq!(bench.balance(AccountName::Points), 10);
    assert!(bench.state.holds.is_empty());
}
