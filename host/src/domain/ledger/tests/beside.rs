use super::*;

fn pair(first: Vec<Step>, second: Vec<Step>) -> Command {
    Command {
        beside: Some(Box::new(command(1, second))),
        ..command(1, first)
    }
}

fn keyed(pair: Command, key: &str) -> Command {
    let operation = Operation {
        key: key.to_owned(),
        hash: [1; 32],
    };
    Command {
        operation: Some(operation),
        ..pair
    }
}

#[test]
fn a_command_and_the_one_beside_it_happen_together_or_not_at_all() {
    let mut bench = Bench::default();
    // What the first brings the second may spend.
    let done = bench.apply(&pair(earn("a", 100, None), spend(60)));
    done.expect("enough by then");
    assert_eq!(bench.entries.len(), 2);
    assert_eq!(bench.balance(AccountName::Points), 40);
    // Ids are not taken twice, versions stay dense.
    bench.check();
    let refused = bench.apply(&pair(earn("b", 10, None), spend(60)));
    let refused = refused.expect_err("fifty are not sixty");
    assert!(matches!(refused, Refusal::InsufficientBalance { .. }));
    assert_eq!(bench.entries.len(), 2);
    assert_eq!(bench.remaining("b"), 0);
    bench.check();
}

#[test]
fn a_key_answers_for_both() {
    let mut bench = Bench::default();
    let twice = keyed(pair(earn("a", 100, None), spend(60)), "k");
    assert!(!bench.apply(&twice).expect("enough").replayed);
    assert!(bench.apply(&twice).expect("known").replayed);
    assert_eq!(bench.balance(AccountName::Points), 40);
    let short = keyed(pair(earn("b", 1, None), spend(60)), "l");
    let first = bench.apply(&short).expect_err("too little");
    assert_eq!(bench.apply(&short).expect_err("still"), first);
    bench.check();
}

#[test]
fn what_happens_beside_a_command_stands_alone() {
    let own_key = pair(Vec::new(), Vec::new());
    let inner = keyed(command(1, Vec::new()), "k");
    let with_key = Command {
        beside: Some(Box::new(inner)),
        ..own_key.clone()
    };
    let nested = Command {
        beside: Some(Box::new(own_key)),
        ..command(1, Vec::new())
    };
    for bad in [with_key, nested] {
        assert!(matches!(bad.check(), Err(Refusal::Invalid { .. })));
    }
}
