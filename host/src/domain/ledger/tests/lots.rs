use super::*;

fn give_back(splits: &[(&str, i64)], expired: ExpiredReturn) -> Vec<Step> {
    let total: i64 = splits.iter().map(|(_, amount)| amount).sum();
    vec![
        Step::Return {
            account: account(AccountName::Points),
            splits: splits
                .iter()
                .map(|(lot, amount)| ((*lot).to_owned(), *amount))
                .collect(),
            expired,
        },
        system("points-issued", ASSET, -total),
    ]
}

#[test]
fn the_nearest_expiry_is_spent_first_and_expired_lots_are_skipped() {
    let mut bench = Bench::default();
    bench.run(1, earn("late", 10, Some(30))).expect("earning");
    bench.run(1, earn("never", 10, None)).expect("earning");
    bench.run(1, earn("soon", 10, Some(20))).expect("earning");
    bench.run(1, earn("gone", 10, Some(5))).expect("earning");
    let receipt = bench.run(6, spend(15)).expect("enough is left");
    assert_eq!(
        receipt.postings[0].lots,
        [("late".to_owned(), -5), ("soon".to_owned(), -10)]
    );
    assert!(matches!(
        bench.run(6, spend(16)),
        Err(Refusal::InsufficientBalance { available: 15, .. })
    ));
    bench.check();
}

#[test]
fn a_lot_can_be_spent_on_its_last_day() {
    let mut bench = Bench::default();
    bench.run(1, earn("a", 10, Some(5))).expect("earning");
    bench.run(5, spend(4)).expect("the last day counts");
    assert!(bench.run(6, spend(1)).is_err());
    let mut late = command(6, spend(6));
    late.spendable_as_of = Some(Day(5));
    bench.apply(&late).expect("spendable as of its last day");
    bench.check();
}

#[test]
fn a_return_goes_into_the_lot_it_came_from() {
    let mut bench = Bench::default();
    bench.run(1, earn("a", 10, Some(5))).expect("earning");
    bench.run(1, earn("b", 10, Some(9))).expect("earning");
    bench.run(1, spend(15)).expect("spending");
    bench
        .run(2, give_back(&[("a", 10), ("b", 5)], ExpiredReturn::AtOnce))
        .expect("returned");
    assert_eq!((bench.remaining("a"), bench.remaining("b")), (10, 10));
    assert!(matches!(
        bench.run(2, give_back(&[("a", 1)], ExpiredReturn::AtOnce)),
        Err(Refusal::LotFull { room: 0, .. })
    ));
    bench.check();
}

#[test]
fn a_return_to_an_expired_lot_expires_at_once_or_gets_the_grace() {
    let mut bench = Bench::default();
    bench.run(1, earn("a", 10, Some(5))).expect("earning");
    bench.run(1, spend(8)).expect("spending");
    let receipt = bench
        .run(7, give_back(&[("a", 3)], ExpiredReturn::AtOnce))
        .expect("returned");
    assert!(matches!(
        receipt.notices[..],
        [Notice::ExpiredOnReturn { amount: 3, .. }]
    ));
    assert_eq!(bench.balance(AccountName::Points), 0);
    bench
        .run(7, give_back(&[("a", 4)], ExpiredReturn::GraceDays(3)))
        .expect("returned");
    assert_eq!(bench.balance(AccountName::Points), 4);
    assert!(bench.run(11, spend(1)).is_err());
    bench.run(10, spend(4)).expect("within the grace");
    bench.check();
}

#[test]
fn a_take_back_uses_the_own_lot_then_others_then_becomes_a_debt() {
    let mut bench = Bench::default();
    bench.run(1, earn("other", 5, Some(9))).expect("earning");
    bench.run(1, earn("own", 20, Some(5))).expect("earning");
    bench.run(1, spend(15)).expect("spending");
    let receipt = bench.run(2, take_back("own", 20)).expect("taken back");
    assert!(matches!(
        receipt.notices[..],
        [Notice::DebtMade { amount: 10, .. }]
    ));
    assert_eq!(bench.balance(AccountName::PointsDebt), -10);
    assert_eq!(bench.balance(AccountName::Points), 0);
    bench.check();
    let receipt = bench.run(3, earn("new", 25, None)).expect("earning");
    assert!(matches!(
        receipt.notices[..],
        [Notice::DebtRepaid { amount: 10, .. }]
    ));
    assert_eq!(bench.balance(AccountName::PointsDebt), 0);
    assert_eq!(bench.remaining("new"), 15);
    bench.check();
}

#[test]
fn taking_back_what_repaid_a_debt_restores_the_debt() {
    let mut bench = Bench::default();
    bench.run(1, earn("a", 30, None)).expect("earning");
    bench.run(1, spend(30)).expect("spending");
    bench.run(1, take_back("a", 30)).expect("taken back");
    bench.run(2, earn("b", 100, None)).expect("earning");
    assert_eq!(bench.remaining("b"), 70);
    bench.run(2, take_back("b", 100)).expect("taken back");
    assert_eq!(bench.balance(AccountName::PointsDebt), -30);
    bench.check();
}

#[test]
fn a_take_back_may_refuse_instead() {
    let mut bench = Bench::default();
    bench.run(1, earn("a", 30, None)).expect("earning");
    bench.run(1, spend(10)).expect("spending");
    let mut steps = take_back("a", 30);
    if let Step::TakeBack { on_short, .. } = &mut steps[0] {
        *on_short = TakeBackShort::Refuse;
    }
    assert!(matches!(
        bench.run(1, steps),
        Err(Refusal::PointsSpent {
            needed: 30,
            available: 20,
            ..
        })
    ));
}

fn pending(lot: &str, amount: i64, available_on: i32) -> Vec<Step> {
    let mut new = new_lot(lot, None);
    new.available_on = Some(Day(available_on));
    vec![
        Step::Credit {
            account: account(AccountName::PointsPending),
            amount,
            lot: Some(new),
        },
        system("points-issued", ASSET, -amount),
    ]
}

fn release(lots: &[&str]) -> Vec<Step> {
    vec![Step::ReleasePending {
        member: MEMBER.to_owned(),
        asset: ASSET.to_owned(),
        lots: lots.iter().map(|lot| (*lot).to_owned()).collect(),
    }]
}

#[test]
fn pending_points_become_spendable_on_their_day_under_the_same_lot() {
    let mut bench = Bench::default();
    bench.run(1, pending("a", 10, 8)).expect("earning");
    assert!(bench.run(1, spend(1)).is_err());
    bench
        .run(7, release(&["a"]))
        .expect("too early is left out");
    assert_eq!(bench.balance(AccountName::PointsPending), 10);
    bench.run(8, release(&["a", "unknown"])).expect("released");
    assert_eq!(bench.balance(AccountName::PointsPending), 0);
    let again = bench.run(9, release(&["a"])).expect("nothing left to do");
    assert!(again.entry_id.is_none());
    bench.run(9, spend(4)).expect("spendable");
    assert_eq!(bench.remaining("a"), 6);
    bench.check();
}

#[test]
fn pending_points_are_taken_back_before_they_count_and_repay_debts_when_they_do() {
    let mut bench = Bench::default();
    bench.run(1, pending("a", 10, 8)).expect("earning");
    bench.run(2, take_back("a", 4)).expect("taken back");
    assert_eq!(bench.balance(AccountName::PointsPending), 6);
    bench.run(2, earn("b", 5, None)).expect("earning");
    bench.run(2, spend(5)).expect("spending");
    bench.run(2, take_back("b", 5)).expect("taken back");
    assert_eq!(bench.balance(AccountName::PointsDebt), -5);
    bench.run(8, release(&["a"])).expect("released");
    assert_eq!(bench.balance(AccountName::PointsDebt), 0);
    assert_eq!(bench.balance(AccountName::Points), 1);
    bench.check();
}

#[test]
fn expired_lots_go_back_to_where_they_were_issued() {
    let mut bench = Bench::default();
    bench.run(1, earn("a", 10, Some(5))).expect("earning");
    bench.run(1, earn("b", 10, Some(9))).expect("earning");
    let expire = vec![Step::ExpireLots {
        member: MEMBER.to_owned(),
        asset: ASSET.to_owned(),
        lots: vec!["a".to_owned(), "b".to_owned()],
    }];
    bench.run(6, expire).expect("expired");
    assert_eq!((bench.remaining("a"), bench.remaining("b")), (0, 10));
    assert_eq!(bench.balance(AccountName::Points), 10);
    bench.check();
}

#[test]
fn bonus_has_lots_and_principal_has_none() {
    let mut bench = Bench::default();
    bench
        .run(
            1,
            vec![
                Step::Credit {
                    account: account(AccountName::Principal),
                    amount: 1_000,
                    lot: None,
                },
                Step::Credit {
                    account: account(AccountName::Bonus),
                    amount: 100,
                    lot: Some(new_lot("bonus", Some(9))),
                },
                system("tender/cash/s1", "CNY", -1_000),
                system("bonus-issued", "CNY", -100),
            ],
        )
        .expect("a top-up");
    bench
        .run(
            2,
            vec![
                Step::Debit {
                    account: account(AccountName::Principal),
                    amount: 600,
                    on_short: OnShort::Refuse,
                },
                Step::Debit {
                    account: account(AccountName::Bonus),
                    amount: 60,
                    on_short: OnShort::Refuse,
                },
                system("sales/s1", "CNY", 660),
            ],
        )
        .expect("paid with it");
    assert_eq!(bench.remaining("bonus"), 40);
    assert_eq!(bench.balance(AccountName::Principal), 400);
    bench.check();
}

#[test]
fn bonus_taken_back_after_it_was_spent_is_owed_and_repaid_by_later_bonus() {
    let mut bench = Bench::default();
    let give = |lot: &str, amount: i64| {
        vec![
            Step::Credit {
                account: account(AccountName::Bonus),
                amount,
                lot: Some(new_lot(lot, None)),
            },
            system("bonus-issued", "CNY", -amount),
        ]
    };
    bench.run(1, give("gift", 500)).expect("given");
    let spending = vec![
        Step::Debit {
            account: account(AccountName::Bonus),
            amount: 300,
            on_short: OnShort::Refuse,
        },
        system("sales/s1", "CNY", 300),
    ];
    bench.run(1, spending).expect("spent");
    let back = vec![
        Step::TakeBack {
            member: MEMBER.to_owned(),
            asset: "CNY".to_owned(),
            lot: "gift".to_owned(),
            amount: 500,
            on_short: TakeBackShort::Debt,
        },
        system("bonus-issued", "CNY", 500),
    ];
    let receipt = bench.run(2, back).expect("taken back");
    assert!(matches!(
        receipt.notices[..],
        [Notice::DebtMade { amount: 300, .. }]
    ));
    assert_eq!(bench.balance(AccountName::Bonus), 0);
    assert_eq!(bench.balance(AccountName::BonusDebt), -300);
    bench.check();
    bench.run(3, give("later", 1_000)).expect("given");
    assert_eq!(bench.balance(AccountName::BonusDebt), 0);
    assert_eq!(bench.remaining("later"), 700);
    bench.check();
}

#[test]
fn points_lapse_whatever_their_last_day_and_once() {
    let mut bench = Bench::default();
    bench.run(1, earn("a", 10, Some(90))).expect("earning");
    bench.run(1, earn("b", 5, None)).expect("earning");
    let lapse = || {
        vec![Step::LapseLots {
            member: MEMBER.to_owned(),
            asset: ASSET.to_owned(),
            lots: vec!["a".to_owned(), "b".to_owned(), "gone".to_owned()],
        }]
    };
    bench.run(2, lapse()).expect("lapsed");
    assert_eq!(bench.balance(AccountName::Points), 0);
    assert!(
        bench
            .run(2, lapse())
            .expect("nothing left")
            .entry_id
            .is_none()
    );
    bench.check();
}

#[test]
fn points_given_away_keep_their_last_days_and_repay_what_the_other_owes() {
    let mut bench = Bench::default();
    let two_lots = [earn("a", 100, Some(5)), earn("b", 100, Some(9))].concat();
    bench.run(1, two_lots).expect("points");
    let receipt = bench.run(1, give(150, "g")).expect("a gift");
    assert_eq!(
        receipt.postings.iter().map(|leg| leg.amount).sum::<i64>(),
        0
    );
    let of = |id: &str| {
        bench
            .state
            .lot(id)
            .map(|lot| (lot.member.clone(), lot.remaining, lot.expires_on))
    };
    assert_eq!(of("g"), Some((OTHER.to_owned(), 100, Some(Day(5)))));
    assert_eq!(of("g-1"), Some((OTHER.to_owned(), 50, Some(Day(9)))));
    assert_eq!((bench.remaining("a"), bench.remaining("b")), (0, 50));
    // What has expired, or is not there, is given to nobody; neither is anything to oneself.
    assert!(matches!(
        bench.run(10, give(1, "h")),
        Err(Refusal::InsufficientBalance { .. })
    ));
    let own = vec![Step::Transfer {
        from: account(AccountName::Points),
        to: MEMBER.to_owned(),
        amount: 1,
        lot: "i".to_owned(),
    }];
    assert!(matches!(bench.run(1, own), Err(Refusal::Invalid { .. })));
    bench.check();
}
