//! Worked figures: every tenth coffee is free.

use proptest::prelude::*;
use stamp_card::{Config, StampCard};
use tessera_sdk::Rate;
use tessera_sdk::promotions::{PromotionRule, Proposal, Target};
use tessera_sdk::testing::{FactsBuilder, assert_contract, config_problems, facts};
use tessera_sdk::types::Line;

const TENTH: &str = r#"{"goods": {"tags": ["stamp"]}}"#;
const EARNING: &str = r#"{"goods": {"tags": ["stamp"]}, "free_earns": true}"#;

/// Coffees as pieces and prices, beside a cake that earns nothing.
fn coffees(lines: &[(i64, i64)]) -> FactsBuilder {
    lines
        .iter()
        .fold(facts().line("cake").price(100), |basket, (count, price)| {
            basket
                .line("coffee")
                .tag("stamp")
                .price(*price)
                .quantity(*count)
        })
}

fn stamp(config: &str, stamps: i64, basket: FactsBuilder) -> Proposal {
    assert_contract::<StampCard>(config, &basket.counters([stamps]).promotion())
}

/// What comes off which line, and the stamps afterwards.
fn shown(stamps: i64, proposal: &Proposal) -> (Vec<(u32, i64)>, i64) {
    let discounts = proposal
        .discounts
        .iter()
        .map(|discount| match discount.target {
            Target::Line(line) => (line, discount.amount),
            _ => panic!("a stamp card lowers single lines"),
        });
    (
        discounts.collect(),
        stamps
            + proposal
                .counters
                .iter()
                .map(|change| change.change)
                .sum::<i64>(),
    )
}

#[test]
fn nine_stamps_make_the_tenth_piece_free_and_the_free_one_earns_none() {
    for (stamps, basket, discounts, after) in [
        (0, &[(1, 1800)][..], &[][..], 1),
        (8, &[(1, 1800)], &[], 9),
        (9, &[(1, 1800)], &[(1, 1800)], 0),
        (9, &[(2, 1800)], &[(1, 1800)], 1),
        (0, &[(9, 1800)], &[], 9),
        (0, &[(10, 1800)], &[(1, 1800)], 0),
        // Twenty-five coffees fill two cards.
        (0, &[(25, 1800)], &[(1, 3600)], 5),
        (9, &[(11, 1800)], &[(1, 3600)], 0),
        // The cheapest is free.
        (8, &[(1, 2800), (1, 1800)], &[(2, 1800)], 0),
        (
            5,
            &[(10, 2800), (1, 1800), (4, 2000)],
            &[(2, 1800), (3, 2000)],
            0,
        ),
        // Two tills left eleven stamps: none is lost.
        (11, &[(1, 1800)], &[(1, 1800)], 2),
        (20, &[(1, 1800)], &[(1, 1800)], 11),
        (5, &[], &[], 5),
    ] {
        let proposal = stamp(TENTH, stamps, coffees(basket));
        assert_eq!(
            shown(stamps, &proposal),
            (discounts.to_vec(), after),
            "{stamps} {basket:?}"
        );
    }
}

#[test]
fn a_free_piece_that_earns_a_stamp_begins_the_next_card() {
    for (stamps, count, free, after) in [
        (9, 1, 1, 1),
        (0, 9, 0, 9),
        (0, 10, 1, 1),
        (0, 18, 1, 9),
        (0, 19, 2, 1),
        (1, 8, 0, 9),
        (1, 9, 1, 1),
    ] {
        let proposal = stamp(EARNING, stamps, coffees(&[(count, 1000)]));
        let off = if free == 0 {
            vec![]
        } else {
            vec![(1, free * 1000)]
        };
        assert_eq!(shown(stamps, &proposal), (off, after), "{stamps} {count}");
    }
}

#[test]
fn a_card_that_is_full_or_nearly_so_is_told() {
    let remind = r#"{"goods": {"tags": ["stamp"]}, "remind": 3}"#;
    for (config, stamps, told) in [
        (TENTH, 7, None),
        (TENTH, 8, Some("next-is-free")),
        (TENTH, 9, None),
        (remind, 5, None),
        (remind, 6, Some("stamps-missing")),
        (remind, 7, Some("stamps-missing")),
        (remind, 8, Some("next-is-free")),
    ] {
        let proposal = stamp(config, stamps, coffees(&[(1, 1800)]));
        assert_eq!(
            proposal
                .near_misses
                .first()
                .map(|miss| miss.reason.key.as_str()),
            told,
            "{stamps}"
        );
    }
    assert!(stamp(TENTH, 9, coffees(&[])).near_misses.is_empty());
}

#[test]
fn guests_weighed_goods_returns_and_pieces_already_free_earn_nothing() {
    for basket in [
        coffees(&[(9, 1800)]).no_member(),
        facts()
            .line("beans")
            .tag("stamp")
            .price(9000)
            .thousandths(1500),
        coffees(&[(-1, 1800)]),
        facts()
            .line("coffee")
            .tag("stamp")
            .price(1800)
            .discounted_to(0),
    ] {
        assert_eq!(shown(9, &stamp(TENTH, 9, basket)), (vec![], 9));
    }
}

#[test]
fn wrong_cards_are_refused_with_their_place() {
    for (config, pointer) in [
        (r#"{"every": 1}"#, "/every"),
        (r#"{"every": 2, "free_earns": true}"#, "/every"),
        (r#"{"every": 1001}"#, "/every"),
        (r#"{"remind": 1001}"#, "/remind"),
        (r#"{"goods": {"tags": [""]}}"#, "/goods/tags/0"),
    ] {
        let problems = config_problems::<StampCard>(config);
        assert_eq!(
            problems
                .iter()
                .map(|problem| problem.pointer.as_str())
                .collect::<Vec<_>>(),
            [pointer],
            "{config}"
        );
    }
}

// Four coffees came back after their fifth was free: the next four only pay for it.
#[test]
fn stamps_that_came_back_after_their_free_piece_are_earned_again_first() {
    let fifth = r#"{"every": 5, "goods": {"tags": ["stamp"]}}"#;
    let buy = |stamps: i64, bought: i64| {
        let order = coffees(&[(bought, 1800)]).counters([stamps]).promotion();
        let answer = assert_contract::<StampCard>(fifth, &order);
        let change: i64 = answer.counters.iter().map(|change| change.change).sum();
        (answer.discounts.len(), stamps + change)
    };
    assert_eq!(buy(4, 1), (1, 0));
    assert_eq!(buy(-4, 4), (0, 0));
    assert_eq!(buy(-4, 2), (0, -2));
    assert_eq!(buy(0, 5), (1, 0));
}

#[test]
fn facts_without_the_stamps_are_an_error_with_a_remedy() {
    let facts = coffees(&[(1, 1800)]).promotion();
    let config = serde_json::from_str(TENTH).expect("a configuration");
    let error = StampCard::evaluate(&config, &facts).expect_err("no count");
    assert!(error.contains("bind the plugin again"), "{error}");
}

/// Serves the pieces one by one.
fn one_by_one(config: &Config, mut stamps: i64, bought: i64) -> (i64, i64) {
    let mut free = 0;
    for _ in 0..bought {
        if stamps >= i64::from(config.every) - 1 {
            free += 1;
            stamps -= i64::from(config.every) - 1;
            stamps += i64::from(config.free_earns);
        } else {
            stamps += 1;
        }
    }
    (free, stamps)
}

prop_compose! {
    fn odd_line()(quantity in any::<i64>(), amount in any::<i64>(), pieces in 0..9_i64, whole in any::<bool>()) -> Line {
        Line {
            category: 7, quantity: if whole { pieces * 1000 } else { quantity }, unit_price: amount,
            list_amount: amount, amount, reduced_amount: amount, tax: 0, tax_rate: Rate::ZERO.into(), first_tag: 9, tag_count: 1,
        }
    }
}

proptest! {
    #[test]
    fn a_basket_is_worth_what_its_pieces_are_one_by_one(
        every in 3..15_u32, free_earns in any::<bool>(), stamps in 0..40_i64, bought in 0..60_i64,
    ) {
        let config = Config { every, free_earns, ..Config::default() };
        let facts = facts().line("a").price(1).quantity(bought).counters([stamps]).promotion();
        let proposal = StampCard::evaluate(&config, &facts).expect("small figures");
        let (free, after) = one_by_one(&config, stamps, bought);
        let (off, left) = shown(stamps, &proposal);
        prop_assert_eq!((off.iter().map(|one| one.1).sum::<i64>(), left), (free, after));
    }

    #[test]
    fn no_facts_make_it_panic_or_take_off_more_than_there_is(
        lines in proptest::collection::vec(odd_line(), 0..10), stamps in any::<i64>(), every in any::<u32>(), free_earns in any::<bool>(),
    ) {
        let config = Config { every, free_earns, ..Config::default() };
        let mut facts = facts().counters([stamps]).promotion();
        facts.basket.lines = lines;
        if let Ok(proposal) = StampCard::evaluate(&config, &facts) {
            for discount in &proposal.discounts {
                let Target::Line(line) = discount.target else { panic!("a stamp card lowers single lines") };
                prop_assert!(discount.amount > 0 && discount.amount <= facts.basket.lines[line as usize].amount);
            }
        }
    }
}
