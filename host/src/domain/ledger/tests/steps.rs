use super::*;

#[test]
fn an_entry_that_does_not_balance_is_refused() {
    let mut bench = Bench::default();
    let steps = vec![system("sales/s1", "CNY", 100)];
    let refused = bench.run(1, steps).expect_err("one leg cannot balance");
    assert_eq!(
        refused,
        Refusal::Unbalanced {
            asset: "CNY".to_owned(),
            sum: 100
        }
    );
    assert!(!refused.is_final());
}

#[test]
fn postings_are_summed_per_account_and_zero_nets_are_dropped() {
    let mut bench = Bench::default();
    let receipt = bench
        .run(
            1,
            vec![
                system("sales/s1", "CNY", 100),
                system("sales/s1", "CNY", 50),
                system("tender/cash/s1", "CNY", -150),
                system("rounding/s1", "CNY", 3),
                system("rounding/s1", "CNY", -3),
            ],
        )
        .expect("a balanced sale");
    let amounts: Vec<_> = receipt.postings.iter().map(|p| p.amount).collect();
    assert_eq!(amounts, [150, -150]);
    bench.check();
}

#[test]
fn nonsense_is_refused() {
    let mut bench = Bench::default();
    let bad = [
        Step::Credit {
            account: account(AccountName::Principal),
            amount: -5,
            lot: None,
        },
        Step::Credit {
            account: account(AccountName::Points),
            amount: 5,
            lot: None,
        },
        Step::Credit {
            account: account(AccountName::PointsHeld),
            amount: 5,
            lot: None,
        },
        Step::Credit {
            account: AccountKey::new("system", AccountName::Principal, "CNY"),
            amount: 5,
            lot: None,
        },
        Step::Debit {
            account: account(AccountName::PointsDebt),
            amount: 5,
            on_short: OnShort::Refuse,
        },
        system("a@b", "CNY", 1),
    ];
    for step in bad {
        let refused = bench.run(1, vec![step.clone()]);
        assert!(matches!(refused, Err(Refusal::Invalid { .. })), "{step:?}");
    }
}

#[test]
fn amounts_beyond_64_bits_are_refused() {
    let mut bench = Bench::default();
    let steps = vec![
        system("a", "CNY", i64::MAX),
        system("a", "CNY", 1),
        system("b", "CNY", i64::MIN),
    ];
    assert_eq!(bench.run(1, steps), Err(Refusal::Overflow));
    let steps = vec![system("a", "CNY", i64::MAX), system("b", "CNY", -i64::MAX)];
    bench
        .run(1, steps.clone())
        .expect("the largest amount fits");
    assert_eq!(bench.run(1, steps), Err(Refusal::Overflow));
    bench.check();
}

#[test]
fn a_debit_beyond_the_balance_says_what_is_there() {
    let mut bench = Bench::default();
    bench.run(1, earn("a", 30, None)).expect("earning");
    let refused = bench.run(1, spend(31)).expect_err("too much");
    assert_eq!(
        refused,
        Refusal::InsufficientBalance {
            account: account(AccountName::Points).id(),
            needed: 31,
            available: 30
        }
    );
    assert!(refused.is_final());
}

#[test]
fn a_recorded_sale_books_what_is_missing_as_a_claim() {
    let mut bench = Bench::default();
    bench.run(1, earn("a", 30, None)).expect("earning");
    let receipt = bench
        .run(
            1,
            vec![
                Step::Debit {
                    account: account(AccountName::Points),
                    amount: 50,
                    on_short: OnShort::Claim {
                        store: "s1".to_owned(),
                    },
                },
                system("points-issued", ASSET, 50),
            ],
        )
        .expect("a fact is accepted");
    assert!(matches!(
        receipt.notices[..],
        [Notice::Claimed {
            needed: 50,
            taken: 30,
            ..
        }]
    ));
    let claim = &bench.state.accounts[&system_account("claims/s1", ASSET, "w-1")];
    assert_eq!(claim.balance, -20);
    bench.check();
}

#[test]
fn the_same_key_gets_the_same_answer_and_another_body_is_refused() {
    let mut bench = Bench::default();
    let mut keyed = command(1, earn("a", 30, None));
    keyed.operation = Some(Operation {
        key: "k".to_owned(),
        hash: [1; 32],
    });
    let first = bench.apply(&keyed).expect("the first time");
    let again = bench.apply(&keyed).expect("a replay");
    assert!(again.replayed && !first.replayed);
    assert_eq!(again.entry_id, first.entry_id);
    assert_eq!(again.postings, first.postings);
    assert_eq!(bench.balance(AccountName::Points), 30);
    if let Some(operation) = &mut keyed.operation {
        operation.hash = [2; 32];
    }
    assert!(matches!(
        bench.apply(&keyed),
        Err(Refusal::KeyReused { .. })
    ));
}

#[test]
fn a_final_refusal_stays_even_when_the_balance_would_do_later() {
    let mut bench = Bench::default();
    let mut keyed = command(1, spend(10));
    keyed.operation = Some(Operation {
        key: "k".to_owned(),
        hash: [1; 32],
    });
    let refused = bench.apply(&keyed).expect_err("nothing there");
    bench.run(1, earn("a", 30, None)).expect("earning");
    assert_eq!(bench.apply(&keyed), Err(refused));
    assert_eq!(bench.balance(AccountName::Points), 30);
}

fn count(change: i64, enforce: bool) -> Vec<Step> {
    vec![Step::Counter {
        owner: MEMBER.to_owned(),
        name: "stamps".to_owned(),
        change,
        limit: Some(3),
        floor: Some(0),
        enforce,
    }]
}

#[test]
fn nothing_is_given_because_of_an_order_that_came_back_whole() {
    let stands = || {
        vec![Step::OrderStands {
            order: "o".to_owned(),
        }]
    };
    let refund = |expected_sequence, quantity| {
        vec![Step::Refund {
            order: "o".to_owned(),
            expected_sequence,
            lines: vec![(0, quantity)],
            tenders: Vec::new(),
        }]
    };
    let mut bench = Bench::default();
    let open = Step::OpenOrder {
        order: "o".to_owned(),
        lines: vec![2_000],
        tenders: Vec::new(),
    };
    bench.run(1, vec![open]).expect("an order");
    bench.run(1, refund(0, 1_000)).expect("half of it back");
    bench.run(1, stands()).expect("the other half is there");
    // Whoever reckoned the rest before that reads again.
    assert!(matches!(
        bench.run(1, refund(1, 1_000)),
        Err(Refusal::OrderChanged { .. })
    ));
    bench.run(1, refund(2, 1_000)).expect("the rest");
    assert!(matches!(
        bench.run(1, stands()),
        Err(Refusal::OrderRefunded { .. })
    ));
}

#[test]
fn of_two_commands_that_rest_on_one_reading_the_second_reads_again() {
    let turn = |number| {
        vec![Step::TakeTurn {
            owner: MEMBER.to_owned(),
            name: "review".to_owned(),
            number,
        }]
    };
    let mut bench = Bench::default();
    bench.run(1, turn(0)).expect("the first");
    let refused = bench.run(1, turn(0)).expect_err("read before the first");
    assert!(matches!(refused, Refusal::TurnTaken { .. }) && !refused.is_final());
    bench.run(1, turn(1)).expect("read again");
}

#[test]
fn a_counter_stays_between_floor_and_limit() {
    let mut bench = Bench::default();
    bench.run(1, count(3, true)).expect("up to the limit");
    assert!(matches!(
        bench.run(1, count(1, true)),
        Err(Refusal::CounterLimit {
            value: 3,
            limit: 3,
            ..
        })
    ));
    let noticed = bench.run(1, count(1, false)).expect("a fact is accepted");
    assert!(matches!(
        noticed.notices[..],
        [Notice::CounterOverrun { value: 4, .. }]
    ));
    assert!(noticed.entry_id.is_none());
    bench.run(1, count(-4, true)).expect("down to the floor");
    assert!(bench.run(1, count(-1, true)).is_err());
}

fn use_coupon(change: i64, member: Option<&str>) -> Vec<Step> {
    vec![Step::UseCoupon {
        code: "C".to_owned(),
        change,
        member: member.map(str::to_owned),
        enforce: true,
    }]
}

#[test]
fn a_coupon_is_used_by_its_holder_in_time_and_as_often_as_it_says() {
    let mut bench = Bench::default();
    assert!(matches!(
        bench.run(1, use_coupon(1, None)),
        Err(Refusal::CouponUnknown { .. })
    ));
    let issue = vec![Step::IssueCoupon(NewCoupon {
        code: "C".to_owned(),
        campaign: "b1".to_owned(),
        holder: Some(MEMBER.to_owned()),
        use_limit: Some(1),
        starts_on: Some(Day(5)),
        expires_on: Some(Day(9)),
        transferable: false,
    })];
    bench.run(1, issue.clone()).expect("issued");
    assert!(matches!(
        bench.run(1, issue),
        Err(Refusal::CouponExists { .. })
    ));
    let holder = Some(MEMBER);
    for day in [4, 10] {
        assert!(matches!(
            bench.run(day, use_coupon(1, holder)),
            Err(Refusal::CouponExpired { .. })
        ));
    }
    assert!(matches!(
        bench.run(5, use_coupon(1, Some("m2"))),
        Err(Refusal::CouponHolder { .. })
    ));
    bench.run(5, use_coupon(1, holder)).expect("used once");
    assert!(matches!(
        bench.run(9, use_coupon(1, holder)),
        Err(Refusal::CouponUsed {
            uses: 1,
            limit: 1,
            ..
        })
    ));
    bench.run(20, use_coupon(-1, None)).expect("given back");
    bench.run(9, use_coupon(1, holder)).expect("used again");
    let void = vec![Step::VoidCoupon {
        code: "C".to_owned(),
    }];
    bench.run(9, use_coupon(-1, None)).expect("given back");
    bench.run(9, void).expect("voided");
    assert!(matches!(
        bench.run(9, use_coupon(1, holder)),
        Err(Refusal::CouponVoid { .. })
    ));
}

#[test]
fn a_counter_that_does_not_move_is_asked_for_its_floor() {
    let mut bench = Bench::default();
    let opened = |change, floor| {
        vec![Step::Counter {
            owner: "draw".to_owned(),
            name: "open".to_owned(),
            change,
            limit: None,
            floor,
            enforce: true,
        }]
    };
    let refused = Err(Refusal::CounterLimit {
        owner: "draw".to_owned(),
        name: "open".to_owned(),
        value: 0,
        change: 0,
        limit: 1,
    });
    assert_eq!(bench.run(1, opened(0, Some(1))), refused);
    bench.run(1, opened(1, None)).expect("opened");
    bench.run(1, opened(0, Some(1))).expect("it is open");
    bench.run(1, opened(-1, Some(0))).expect("closed");
    assert_eq!(bench.run(1, opened(0, Some(1))), refused);
}

#[test]
fn a_coupon_is_given_away_and_revoked_while_it_can_be_used() {
    let mut bench = Bench::default();
    let issue = |code: &str, transferable| {
        Step::IssueCoupon(NewCoupon {
            code: code.to_owned(),
            campaign: "b1".to_owned(),
            holder: Some(MEMBER.to_owned()),
            use_limit: Some(1),
            starts_on: Some(Day(5)),
            expires_on: Some(Day(9)),
            transferable,
        })
    };
    let give = |code: &str, from: &str, to: &str| {
        vec![Step::TransferCoupon {
            code: code.to_owned(),
            from: from.to_owned(),
            to: to.to_owned(),
        }]
    };
    let revoke = |code: &str| {
        vec![Step::RevokeCoupon {
            code: code.to_owned(),
            reason: "test".to_owned(),
        }]
    };
    let issues = vec![issue("C", true), issue("D", false)];
    bench.run(1, issues).expect("issued");
    assert!(matches!(
        bench.run(1, give("D", MEMBER, OTHER)),
        Err(Refusal::CouponBound { .. })
    ));
    assert!(matches!(
        bench.run(1, give("C", OTHER, MEMBER)),
        Err(Refusal::CouponHolder { .. })
    ));
    assert!(matches!(
        bench.run(10, give("C", MEMBER, OTHER)),
        Err(Refusal::CouponExpired { .. })
    ));
    // Before its first day too.
    bench.run(1, give("C", MEMBER, OTHER)).expect("given");
    assert!(matches!(
        bench.run(5, use_coupon(1, Some(MEMBER))),
        Err(Refusal::CouponHolder { .. })
    ));
    bench.run(5, use_coupon(1, Some(OTHER))).expect("used");
    assert!(matches!(
        bench.run(5, give("C", OTHER, MEMBER)),
        Err(Refusal::CouponUsed { .. })
    ));
    assert!(matches!(
        bench.run(5, revoke("C")),
        Err(Refusal::CouponUsed { .. })
    ));
    bench.run(1, revoke("D")).expect("revoked");
    assert!(matches!(
        bench.run(1, revoke("D")),
        Err(Refusal::CouponVoid { .. })
    ));
}

fn refund(expected: i64, quantity: i64, amount: i64) -> Vec<Step> {
    vec![Step::Refund {
        order: "o".to_owned(),
        expected_sequence: expected,
        lines: vec![(0, quantity)],
        tenders: vec![("cash".to_owned(), amount)],
    }]
}

#[test]
fn an_order_is_refunded_at_most_what_was_sold() {
    let mut bench = Bench::default();
    bench
        .run(
            1,
            vec![Step::OpenOrder {
                order: "o".to_owned(),
                lines: vec![1_000],
                tenders: vec![("cash".to_owned(), 250)],
            }],
        )
        .expect("opened");
    bench.run(1, refund(0, 500, 125)).expect("the first half");
    assert!(matches!(
        bench.run(1, refund(0, 500, 125)),
        Err(Refusal::OrderChanged {
            expected: 0,
            found: 1,
            ..
        })
    ));
    assert!(matches!(
        bench.run(1, refund(1, 501, 0)),
        Err(Refusal::OverRefund { .. })
    ));
    assert!(matches!(
        bench.run(1, refund(1, 0, 126)),
        Err(Refusal::OverRefund { .. })
    ));
    bench.run(1, refund(1, 500, 125)).expect("the second half");
    assert!(bench.run(1, refund(2, 500, 0)).is_err());
    bench.check();
}

#[test]
fn an_order_is_claimed_once_and_only_before_anything_came_back() {
    let claim = |order: &str| {
        vec![Step::ClaimOrder {
            order: order.to_owned(),
        }]
    };
    let mut bench = Bench::default();
    for order in ["o", "other"] {
        let open = Step::OpenOrder {
            order: order.to_owned(),
            lines: vec![1_000],
            tenders: vec![("cash".to_owned(), 250)],
        };
        bench.run(1, vec![open]).expect("opened");
    }
    bench.run(1, claim("o")).expect("claimed");
    let changed = |refused| matches!(refused, Err(Refusal::OrderChanged { .. }));
    assert!(changed(bench.run(1, claim("o"))));
    // A refund that did not know of the claim would leave the points where they are.
    assert!(changed(bench.run(1, refund(0, 500, 125))));
    bench.run(1, refund(1, 500, 125)).expect("it knows now");
    let first = refund(0, 500, 125);
    let of_other = first.into_iter().map(|step| match step {
        Step::Refund {
            expected_sequence,
            lines,
            tenders,
            ..
        } => Step::Refund {
            order: "other".to_owned(),
            expected_sequence,
            lines,
            tenders,
        },
        step => step,
    });
    bench.run(1, of_other.collect()).expect("half of it");
    assert!(changed(bench.run(1, claim("other"))));
    assert!(matches!(
        bench.run(1, claim("unheard-of")),
        Err(Refusal::OrderUnknown { .. })
    ));
    bench.check();
}

pub(super) fn order(id: &str, quote: &str) -> Record {
    Record::Order(Box::new(OrderRow {
        id: id.to_owned(),
        store: "s1".to_owned(),
        terminal: "t1".to_owned(),
        staff: None,
        member: Some(MEMBER.to_owned()),
        quote_id: Some(quote.to_owned()),
        external_id: None,
        receipt_code: format!("r-{id}"),
        occurred_at: Instant(0),
        business_date: Day(1),
        currency: "CNY".to_owned(),
        total: 0,
        doc: Vec::new(),
        facts: Vec::new(),
    }))
}

#[test]
fn a_quote_is_committed_once_and_the_refusal_names_the_order() {
    let mut bench = Bench::default();
    let mut commit = command(1, Vec::new());
    commit.records = vec![order("o1", "q")];
    bench.apply(&commit).expect("the first commit");
    commit.records = vec![order("o2", "q")];
    assert_eq!(
        bench.apply(&commit),
        Err(Refusal::AlreadyCommitted {
            quote: "q".to_owned(),
            order: "o1".to_owned()
        })
    );
}
