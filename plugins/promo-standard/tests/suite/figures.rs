//! Worked figures, each done by hand: a configuration, a basket, what comes off.

use tessera_sdk::testing::facts;

use crate::support::{breakfast, missing, pieces, promote, shown, takes_off};

#[test]
fn percentages_of_the_order_the_goods_or_one_piece() {
    for (config, expected) in [
        // 10 % of 66.14 is 6.614
        (
            r#"{"discount": {"percent": {"rate": "10%"}}}"#,
            "order: 661",
        ),
        (
            r#"{"discount": {"percent": {"rate": "10%"}}, "rounding": "up"}"#,
            "order: 662",
        ),
        (
            r#"{"discount": {"percent": {"rate": "100%"}}}"#,
            "order: 6614",
        ),
        (
            r#"{"discount": {"percent": {"rate": "10%"}}, "goods": {"categories": ["drinks"]}}"#,
            "order: 661 from 0",
        ),
        (
            r#"{"discount": {"percent": {"rate": "10%", "on": "goods"}}, "goods": {"categories": ["drinks"]}}"#,
            "lines 0: 360",
        ),
        (
            r#"{"discount": {"percent": {"rate": "10%", "on": "goods"}}, "goods": {"categories": ["drink"]}}"#,
            "",
        ),
        // 15 % of 30.14 is 4.521; by line 3.90 and 0.62 (0.621)
        (
            r#"{"discount": {"percent": {"rate": "15%", "on": "goods"}}, "goods": {"except_tags": ["hot"]}}"#,
            "lines 1 2: 452",
        ),
        (
            r#"{"discount": {"percent": {"rate": "15%", "on": "goods", "apply": "each"}}, "goods": {"except_tags": ["hot"]}}"#,
            "line 1: 390; line 2: 62",
        ),
        // one coffee of 18.00; the apples are no piece
        (
            r#"{"discount": {"percent": {"rate": "50%", "on": "cheapest"}}}"#,
            "line 0: 900 from 1 2",
        ),
        (
            r#"{"discount": {"percent": {"rate": "50%", "on": "most-expensive"}}}"#,
            "line 1: 1300 from 0 2",
        ),
    ] {
        takes_off(config, breakfast(), expected);
    }
}

#[test]
fn fixed_amounts_never_take_more_than_there_is() {
    for (config, expected) in [
        (r#"{"discount": {"amount": {"off": 2000}}}"#, "order: 2000"),
        (r#"{"discount": {"amount": {"off": 9000}}}"#, "order: 6614"),
        (
            r#"{"discount": {"amount": {"off": 9000, "on": "goods"}}, "goods": {"tags": ["hot"]}}"#,
            "lines 0: 3600",
        ),
        // 1.00 off each piece, 0.345 (0.35) off the apples
        (
            r#"{"discount": {"amount": {"off": 100, "on": "goods", "apply": "each"}}}"#,
            "line 0: 200; line 1: 100; line 2: 35",
        ),
        (
            r#"{"discount": {"amount": {"off": 2000, "on": "goods", "apply": "each"}}, "goods": {"products": ["latte"]}}"#,
            "line 0: 3600",
        ),
        (
            r#"{"discount": {"amount": {"off": 2000, "on": "cheapest"}}}"#,
            "line 0: 1800 from 1 2",
        ),
        (
            r#"{"discount": {"amount": {"off": 2000, "on": "most-expensive"}}}"#,
            "line 1: 2000 from 0 2",
        ),
    ] {
        takes_off(config, breakfast(), expected);
    }
}

#[test]
fn the_cap_is_shared_in_proportion() {
    takes_off(
        r#"{"discount": {"percent": {"rate": "50%"}}, "cap": 1500}"#,
        breakfast(),
        "order: 1500",
    );
    // 18.00, 13.00 and 2.07 make 33.07; of 10.00 that is 5.443, 3.931 and 0.626: the last cent to the largest rest
    takes_off(
        r#"{"discount": {"percent": {"rate": "50%", "on": "goods", "apply": "each"}}, "cap": 1000}"#,
        breakfast(),
        "line 0: 544; line 1: 393; line 2: 63",
    );
}

#[test]
fn buy_two_get_one_counts_pieces_over_lines_and_frees_the_cheapest() {
    let config = r#"{"discount": {"buy-get": {"buy": 2, "get": 1}}}"#;
    for (basket, expected) in [
        (&[(2, 1000)][..], ""),
        (&[(3, 1000)], "line 0: 1000"),
        (&[(2, 1000), (1, 600)], "line 1: 600 from 0"),
        (&[(1, 600), (1, 800), (1, 1000)], "line 0: 600 from 1 2"),
        (&[(5, 1000)], "line 0: 1000"),
        (&[(6, 1000)], "line 0: 2000"),
        // the cheapest is free, the two most expensive pay for it, the fourth takes no part
        (
            &[(1, 400), (1, 500), (1, 800), (1, 900)],
            "line 0: 400 from 2 3",
        ),
        // three sets: 4.00, 5.00 and 5.00 are free
        (
            &[(3, 900), (1, 400), (5, 500)],
            "line 1: 400 from 0; line 2: 1000 from 0",
        ),
        // each free piece rests on its own two
        (
            &[(1, 400), (1, 300), (2, 200), (1, 100), (1, 500)],
            "line 3: 100 from 0 4; line 2: 200 from 1",
        ),
        (
            &[(1, 100), (1, 200), (2, 300), (2, 400)],
            "line 0: 100 from 3; line 1: 200 from 2",
        ),
    ] {
        takes_off(config, pieces(basket), expected);
    }
}

#[test]
fn buy_get_once_at_a_share_or_over_all_lines() {
    for (config, basket, expected) in [
        (
            r#"{"discount": {"buy-get": {"buy": 2, "get": 1, "repeat": "once"}}}"#,
            &[(6, 1000)][..],
            "line 0: 1000",
        ),
        // second at half price: 50 % of 7.99 is 3.995
        (
            r#"{"discount": {"buy-get": {"buy": 1, "get": 1, "rate": "50%"}}}"#,
            &[(1, 799), (1, 999)],
            "line 0: 400 from 1",
        ),
        (
            r#"{"discount": {"buy-get": {"buy": 1, "get": 1, "rate": "50%"}}, "rounding": "down"}"#,
            &[(1, 799), (1, 999)],
            "line 0: 399 from 1",
        ),
        (
            r#"{"discount": {"buy-get": {"buy": 2, "get": 1, "spread": "all"}}}"#,
            &[(1, 700), (1, 1000), (1, 400), (1, 900)],
            "lines 1 2 3: 400",
        ),
        (
            r#"{"discount": {"buy-get": {"buy": 3, "get": 2}}}"#,
            &[(5, 300)],
            "line 0: 600",
        ),
        (
            r#"{"discount": {"buy-get": {"buy": 2, "get": 1}}, "cap": 250}"#,
            &[(3, 300)],
            "line 0: 250",
        ),
    ] {
        takes_off(config, pieces(basket), expected);
    }
}

#[test]
fn cheapest_is_by_what_is_left_or_by_the_list_price() {
    let basket = || {
        facts()
            .line("a")
            .price(1000)
            .discounted_to(300)
            .line("b")
            .price(500)
    };
    takes_off(
        r#"{"discount": {"buy-get": {"buy": 1, "get": 1}}}"#,
        basket(),
        "line 0: 300 from 1",
    );
    takes_off(
        r#"{"discount": {"buy-get": {"buy": 1, "get": 1, "cheapest_by": "list"}}}"#,
        basket(),
        "line 1: 500 from 0",
    );
}

#[test]
fn a_third_of_a_line_that_does_not_divide_leaves_the_cent_with_the_rest() {
    let basket = || facts().line("a").price(400).quantity(3).discounted_to(1000);
    takes_off(
        r#"{"discount": {"buy-get": {"buy": 2, "get": 1}}}"#,
        basket(),
        "line 0: 333",
    );
}

#[test]
fn weighed_goods_and_goods_that_are_free_already_are_no_pieces() {
    let config = r#"{"discount": {"buy-get": {"buy": 1, "get": 1}}}"#;
    takes_off(
        config,
        facts()
            .line("a")
            .price(500)
            .line("b")
            .price(900)
            .thousandths(1345),
        "",
    );
    takes_off(
        config,
        facts()
            .line("a")
            .price(500)
            .line("b")
            .price(900)
            .discounted_to(0),
        "",
    );
}

#[test]
fn a_basket_that_brings_goods_back_earns_nothing_with_them() {
    let basket = || {
        facts()
            .line("a")
            .price(5000)
            .quantity(-1)
            .line("b")
            .price(2000)
    };
    takes_off(
        r#"{"discount": {"percent": {"rate": "10%"}}}"#,
        basket(),
        "order: 200",
    );
    takes_off(
        r#"{"discount": {"percent": {"rate": "10%"}}, "minimum": {"amount": 5000}}"#,
        basket(),
        "",
    );
}

#[test]
fn the_free_piece_that_is_missing_is_named() {
    let config = r#"{"discount": {"buy-get": {"buy": 2, "get": 1}}}"#;
    for (count, key_missing) in [
        (1, Some(2)),
        (2, Some(1)),
        (3, None),
        (4, None),
        (5, Some(1)),
    ] {
        let proposal = promote(config, pieces(&[(count, 1000)]));
        let told = proposal
            .near_misses
            .first()
            .map(|miss| &miss.reason.arguments[2].1);
        assert_eq!(
            told.and_then(|value| value.as_integer()),
            key_missing,
            "{count} pieces"
        );
    }
}

#[test]
fn a_minimum_is_reached_exactly_and_what_is_missing_is_told_from_half_of_it_on() {
    let config = |amount: i64| {
        format!(
            r#"{{"discount": {{"percent": {{"rate": "10%"}}}}, "minimum": {{"amount": {amount}}}}}"#
        )
    };
    takes_off(&config(6614), breakfast(), "order: 661");
    let near = promote(&config(7814), breakfast());
    assert_eq!(
        (shown(&near).as_str(), missing(&near)),
        ("", vec![("percent-off-missing-amount", Some(1200))])
    );
    assert_eq!(
        missing(&promote(&config(13_228), breakfast())),
        [("percent-off-missing-amount", Some(6614))]
    );
    assert_eq!(missing(&promote(&config(13_229), breakfast())), []);
}

#[test]
fn a_minimum_counts_the_goods_or_the_order_before_or_after_discounts() {
    for (minimum, expected) in [
        // coffee is worth 36.00, the order 66.14, before an earlier discount on the cake 76.14
        (r#"{"amount": 3600}"#, "lines 0: 360"),
        (r#"{"amount": 3601, "tell_from": "100%"}"#, ""),
        (r#"{"amount": 6614, "of": "order"}"#, "lines 0: 360"),
        (r#"{"amount": 6615, "of": "order"}"#, ""),
        (
            r#"{"amount": 7614, "of": "order", "price": "list"}"#,
            "lines 0: 360",
        ),
        (r#"{"quantity": 2}"#, "lines 0: 360"),
        (r#"{"quantity": 3}"#, ""),
        // two coffees, a cake and the apples
        (r#"{"quantity": 4, "of": "order"}"#, "lines 0: 360"),
        (r#"{"quantity": 5, "of": "order"}"#, ""),
    ] {
        let config = format!(
            r#"{{"discount": {{"percent": {{"rate": "10%", "on": "goods"}}}}, "goods": {{"tags": ["hot"]}}, "minimum": {minimum}}}"#
        );
        let basket = facts()
            .line("latte")
            .tag("hot")
            .price(1800)
            .quantity(2)
            .line("cake")
            .price(3600)
            .discounted_to(2600)
            .line("apples")
            .price(1200)
            .thousandths(345);
        takes_off(&config, basket, expected);
    }
}

#[test]
fn only_in_its_hours_and_on_its_days() {
    let config = r#"{"discount": {"percent": {"rate": "10%"}},
        "when": {"weekdays": ["friday"], "hours": [{"from": "14:00", "until": "16:59"}]}}"#;
    // 19 June 2026 is a Friday.
    for (at, expected) in [
        ("2026-06-19T13:59:59+08:00", ""),
        ("2026-06-19T14:00:00+08:00", "order: 661"),
        ("2026-06-19T16:59:59+08:00", "order: 661"),
        ("2026-06-19T17:00:00+08:00", ""),
        ("2026-06-20T15:00:00+08:00", ""),
    ] {
        takes_off(config, breakfast().at(at), expected);
    }
}

#[test]
fn tiers_birthdays_and_members_get_what_is_theirs() {
    let gold =
        r#"{"discount": {"percent": {"rate": "10%"}}, "who": {"tiers": ["gold", "silver"]}}"#;
    takes_off(gold, breakfast(), "");
    takes_off(gold, breakfast().no_member(), "");
    takes_off(
        gold,
        breakfast().tier("silver", tessera_sdk::Rate::ONE),
        "order: 661",
    );
    for (birthday, at, expected) in [
        ("month", "month", "order: 661"),
        ("month", "day", "order: 661"),
        ("month", "none", ""),
        ("day", "month", ""),
        ("day", "day", "order: 661"),
    ] {
        let config = format!(
            r#"{{"discount": {{"percent": {{"rate": "10%"}}}}, "who": {{"birthday": "{birthday}"}}}}"#
        );
        let basket = match at {
            "day" => breakfast().birthday(),
            "month" => breakfast().birthday_month(),
            _ => breakfast(),
        };
        assert_eq!(
            shown(&promote(&config, basket)),
            expected,
            "{birthday} {at}"
        );
    }
}

#[test]
fn a_customer_without_a_card_is_told_what_members_save() {
    let config = r#"{"discount": {"percent": {"rate": "10%"}}, "who": {"members_only": true}}"#;
    takes_off(config, breakfast(), "order: 661");
    let guest = promote(config, breakfast().no_member());
    assert_eq!(
        (shown(&guest).as_str(), missing(&guest)),
        ("", vec![("percent-off-members-only", None)])
    );
    assert_eq!(
        guest.near_misses[0].reason.arguments[1].1.as_money(),
        Some(tessera_sdk::Money(661))
    );
}

#[test]
fn a_code_promotion_waits_for_its_code_and_uses_one() {
    let config = r#"{"discount": {"amount": {"off": 500}}, "trigger": "code"}"#;
    takes_off(config, breakfast(), "");
    let proposal = promote(config, breakfast().code("SUMMER").code("SECOND"));
    assert_eq!(
        (shown(&proposal).as_str(), proposal.codes),
        ("order: 500", vec!["SUMMER".to_owned()])
    );
    // An automatic promotion uses up none, and one that takes nothing off neither.
    assert!(
        promote(
            r#"{"discount": {"amount": {"off": 500}}}"#,
            breakfast().code("SUMMER")
        )
        .codes
        .is_empty()
    );
    assert!(promote(config, facts().code("SUMMER")).codes.is_empty());
}

#[test]
fn a_member_gets_it_as_often_as_the_limit_says() {
    let config =
        r#"{"discount": {"amount": {"off": 500}}, "limit": {"times": 2, "period": "month"}}"#;
    for (used, expected) in [(0, "order: 500"), (1, "order: 500"), (2, ""), (3, "")] {
        let proposal = promote(config, breakfast().counters([used]));
        assert_eq!(shown(&proposal), expected, "{used} used");
        assert_eq!(proposal.counters.len(), usize::from(!expected.is_empty()));
    }
    let guest = promote(config, breakfast().no_member().counters([0]));
    assert_eq!(missing(&guest), [("amount-off-members-only", None)]);
}
