use super::*;

fn merge(id: &str, from: &str, to: &str, first: bool) -> Vec<Step> {
    vec![Step::Merge {
        merge: id.to_owned(),
        from: from.to_owned(),
        to: to.to_owned(),
        assets: vec![ASSET.to_owned(), "CNY".to_owned()],
        first,
    }]
}

fn on(bench: &Bench, member: &str, name: AccountName) -> i64 {
    let key = AccountKey {
        member: member.to_owned(),
        ..account(name)
    };
    let found = bench.state.accounts.get(&key.id());
    found.map_or(0, |account| account.balance)
}

fn hold(amount: i64) -> Vec<Step> {
    vec![Step::Hold {
        hold: "h".to_owned(),
        quote: "q".to_owned(),
        member: Some(MEMBER.to_owned()),
        expires_at: Instant(1),
        reserves: vec![Reserve::Account {
            account: account(AccountName::Points),
            amount,
        }],
        sale: Vec::new(),
    }]
}

#[test]
fn everything_goes_once_expired_lots_too_and_days_stay() {
    let mut bench = Bench::default();
    bench.run(1, earn("a", 10, Some(5))).expect("earning");
    bench.run(1, earn("b", 20, Some(90))).expect("earning");
    bench
        .run(9, merge("x", MEMBER, OTHER, true))
        .expect("merged");
    assert_eq!(on(&bench, MEMBER, AccountName::Points), 0);
    assert_eq!(on(&bench, OTHER, AccountName::Points), 30);
    let moved = bench.state.lot("b~x").expect("a lot");
    assert_eq!((moved.remaining, moved.expires_on), (20, Some(Day(90))));
    assert_eq!(bench.remaining("b"), 0);
    // Neither again, nor the other way round, nor with himself.
    for steps in [
        merge("y", MEMBER, OTHER, true),
        merge("y", OTHER, MEMBER, true),
        merge("y", OTHER, OTHER, true),
    ] {
        assert!(bench.run(9, steps).is_err());
    }
    // What comes later is brought after.
    bench.run(9, earn("late", 5, None)).expect("earning");
    bench
        .run(9, merge("z", MEMBER, OTHER, false))
        .expect("brought");
    assert_eq!(on(&bench, OTHER, AccountName::Points), 35);
    bench.check();
}

#[test]
fn a_debt_goes_along_and_is_repaid_by_what_the_other_has() {
    let mut bench = Bench::default();
    bench.run(1, earn("a", 10, None)).expect("earning");
    bench.run(1, give(10, "g")).expect("given");
    bench.run(1, take_back("a", 4)).expect("owed");
    assert_eq!(on(&bench, MEMBER, AccountName::PointsDebt), -4);
    bench
        .run(1, merge("x", MEMBER, OTHER, true))
        .expect("merged");
    assert_eq!(on(&bench, MEMBER, AccountName::PointsDebt), 0);
    assert_eq!(on(&bench, OTHER, AccountName::PointsDebt), 0);
    assert_eq!(on(&bench, OTHER, AccountName::Points), 6);
    bench.check();
}

#[test]
fn what_is_held_keeps_everything_where_it_is() {
    let mut bench = Bench::default();
    bench.run(1, earn("a", 10, None)).expect("earning");
    bench.run(1, hold(4)).expect("held");
    assert!(matches!(
        bench.run(1, merge("x", MEMBER, OTHER, true)),
        Err(Refusal::HoldOpen { amount: 4, .. })
    ));
    assert_eq!(on(&bench, MEMBER, AccountName::Points), 6);
    bench.check();
}
