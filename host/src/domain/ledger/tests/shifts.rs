//! A terminal's shift: one open, counted from the legs, closed once.

use super::*;
use crate::domain::shift::ShiftSums;

const TILL: &str = "till";

fn shift(id: &str) -> Step {
    Step::Shift(ShiftStep::Open(Box::new(Shift {
        id: id.to_owned(),
        terminal: TILL.to_owned(),
        store: "east".to_owned(),
        currency: "CNY".to_owned(),
        business_date: Day(0),
        opened_at: Instant(0),
        opened_by: "anna".to_owned(),
        opening_float: 1_000,
        closed_at: None,
        sequence: 0,
        base: -1,
        sums: ShiftSums::new(),
        counts: "{}".to_owned(),
    })))
}

fn count(need: ShiftNeed) -> Step {
    Step::Shift(ShiftStep::Count {
        terminal: TILL.to_owned(),
        by: "anna".to_owned(),
        shift: None,
        need,
    })
}

fn close(id: &str, expected_sequence: i64) -> Step {
    Step::Shift(ShiftStep::Close {
        terminal: TILL.to_owned(),
        shift: id.to_owned(),
        expected_sequence,
        counts: "{}".to_owned(),
    })
}

/// A sale paid by stored value and cash that gives bonus on top.
fn sale(cash: i64, principal: i64, bonus: i64, need: ShiftNeed) -> Command {
    let mut steps = vec![
        Step::Debit {
            account: account(AccountName::Principal),
            amount: principal,
            on_short: OnShort::Refuse,
        },
        system("tender/cash/east", "CNY", -cash),
        system("sales/east", "CNY", cash + principal),
    ];
    if bonus > 0 {
        steps.push(Step::Credit {
            account: account(AccountName::Bonus),
            amount: bonus,
            lot: Some(new_lot("gift", None)),
        });
        steps.push(system("bonus-issued", "CNY", -bonus));
    }
    steps.push(count(need));
    Command {
        kind: "sale".to_owned(),
        ..command(0, steps)
    }
}

fn top_up(amount: i64) -> Vec<Step> {
    let credit = Step::Credit {
        account: account(AccountName::Principal),
        amount,
        lot: None,
    };
    vec![credit, system("tender/card/east", "CNY", -amount)]
}

#[test]
fn what_was_paid_is_read_from_the_legs_and_gifts_pay_nothing() {
    let mut bench = Bench::default();
    bench.run(0, top_up(5_000)).unwrap();
    bench.run(0, vec![shift("s1")]).unwrap();
    bench
        .apply(&sale(700, 300, 50, ShiftNeed::Required))
        .unwrap();
    let [movement] = &bench.state.shift_movements[..] else {
        panic!("one movement");
    };
    let tenders = [("cash".to_owned(), 700), ("stored-value".to_owned(), 300)];
    assert_eq!(movement.tenders, tenders.into());
    assert_eq!((movement.sequence, movement.kind.as_str()), (1, "sale"));
    let shift = &bench.state.shifts["s1"];
    assert_eq!(shift.sums["sale"].tenders, movement.tenders);
    bench.check();
}

#[test]
fn a_second_shift_waits_until_the_first_is_closed_as_it_was_counted() {
    let mut bench = Bench::default();
    bench.run(0, top_up(5_000)).unwrap();
    let needed = bench.apply(&sale(1, 0, 0, ShiftNeed::Required));
    assert!(matches!(needed, Err(Refusal::ShiftNeeded { .. })));
    bench.run(0, vec![shift("s1")]).unwrap();
    let twice = bench.run(0, vec![shift("s2")]);
    assert!(matches!(twice, Err(Refusal::ShiftOpen { shift, .. }) if shift == "s1"));
    bench.apply(&sale(1, 0, 0, ShiftNeed::Optional)).unwrap();
    let stale = bench.run(0, vec![close("s1", 0)]);
    assert!(matches!(stale, Err(Refusal::ShiftMoved { .. })));
    bench.run(0, vec![close("s1", 1)]).unwrap();
    let again = bench.run(0, vec![close("s1", 2)]);
    assert!(matches!(again, Err(Refusal::ShiftClosed { .. })));
    bench.run(0, vec![shift("s2")]).unwrap();
    bench.apply(&sale(2, 0, 0, ShiftNeed::Required)).unwrap();
    assert_eq!(bench.state.shifts["s1"].sequence, 2);
    assert_eq!(bench.state.shifts["s2"].sequence, 1);
    bench.check();
}

#[test]
fn a_sale_before_the_shift_is_accepted_outside_of_it_and_noticed() {
    let mut bench = Bench::default();
    bench.run(0, vec![shift("s1")]).unwrap();
    let recorded = ShiftNeed::Recorded { required: false };
    let early = Command {
        at: Instant(-1),
        ..sale(5, 0, 0, recorded)
    };
    let receipt = bench.apply(&early).unwrap();
    assert!(
        matches!(&receipt.notices[..], [Notice::OutsideShift { terminal }] if terminal == TILL)
    );
    assert!(bench.state.shift_movements.is_empty());
    bench.apply(&sale(5, 0, 0, recorded)).unwrap();
    assert_eq!(bench.state.shift_movements.len(), 1);
}
