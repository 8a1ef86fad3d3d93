//! Worked figures of every kind of discount: a configuration, a basket, what comes off.

use promo_standard::PromoStandard;
use tessera_sdk::promotions::PromotionRule;
use tessera_sdk::testing::{FactsBuilder, facts};

use crate::support::{breakfast, missing, pieces, promote, shown, takes_off};

/// Shirts at 100.00 and 80.00, trousers at 150.00, a belt at 40.00, socks at 5.00 three times.
fn outfit() -> FactsBuilder {
    facts()
        .line("shirt")
        .category("tops")
        .price(10_000)
        .line("blouse")
        .category("tops")
        .price(8_000)
        .line("trousers")
        .category("legs")
        .price(15_000)
        .line("belt")
        .category("extras")
        .price(4_000)
        .line("socks")
        .category("extras/socks")
        .price(500)
        .quantity(3)
}

#[test]
fn an_amount_for_each_full_hundred() {
    for (config, expected) in [
        // 20.00 for each 100.00 of 385.00: three times.
        (
            r#"{"discount": {"amount": {"off": 2000, "every": 10000}}}"#,
            "order: 6000",
        ),
        (
            r#"{"discount": {"amount": {"off": 2000, "every": 10000}}, "cap": 5000}"#,
            "order: 5000",
        ),
        (
            r#"{"discount": {"amount": {"off": 2000, "every": 38501}}}"#,
            "",
        ),
        // The tops make 180.00.
        (
            r#"{"discount": {"amount": {"off": 2000, "every": 10000, "on": "goods"}}, "goods": {"categories": ["tops"]}}"#,
            "lines 0 1: 2000",
        ),
    ] {
        takes_off(config, outfit(), expected);
    }
}

#[test]
fn a_fixed_price_for_each_unit_never_raises_one() {
    for (config, basket, expected) in [
        (
            r#"{"discount": {"price": {"price": 9000}}, "goods": {"categories": ["tops"]}}"#,
            outfit(),
            "line 0: 1000",
        ),
        (
            r#"{"discount": {"price": {"price": 300}}, "goods": {"products": ["socks"]}}"#,
            outfit(),
            "line 4: 600",
        ),
        // 0.345 kg at 10.00 instead of 12.00: 3.45 instead of 4.14.
        (
            r#"{"discount": {"price": {"price": 1000}}, "goods": {"products": ["apples"]}}"#,
            breakfast(),
            "line 2: 69",
        ),
        // What is already cheaper stays.
        (
            r#"{"discount": {"price": {"price": 500}}}"#,
            facts().line("a").price(900).discounted_to(450),
            "",
        ),
        (
            r#"{"discount": {"price": {"price": 0}}}"#,
            facts().line("a").price(900),
            "line 0: 900",
        ),
    ] {
        takes_off(config, basket, expected);
    }
}

#[test]
fn wholesale_prices_go_by_the_quantity_of_a_product_over_its_lines() {
    let config = r#"{"discount": {"price-list": {"prices": [
        {"product": "pen", "price": 180, "from": 10}, {"product": "pen", "price": 150, "from": 50}, {"product": "ink", "price": 900}
    ]}}}"#;
    let pens = |first: i64, second: i64| {
        facts()
            .line("pen")
            .price(200)
            .quantity(first)
            .line("pen")
            .price(200)
            .quantity(second)
            .line("ink")
            .price(1_000)
            .line("pad")
            .price(300)
    };
    // 0.20 off each pen from ten on, 0.50 from fifty on.
    takes_off(config, pens(4, 5), "line 2: 100");
    takes_off(config, pens(4, 6), "line 0: 80; line 1: 120; line 2: 100");
    takes_off(
        config,
        pens(20, 30),
        "line 0: 1000; line 1: 1500; line 2: 100",
    );
}

#[test]
fn steps_by_amount_take_the_best_or_all_of_them() {
    let steps = |more: &str| {
        format!(
            r#"{{"discount": {{"steps": {{"levels": [{{"from": 10000, "off": 1000}}, {{"from": 20000, "off": 3000}}, {{"from": 40000, "off": 8000}}]{more}}}}}}}"#
        )
    };
    let worth = |amount: i64| facts().line("a").price(amount);
    for (amount, best, all) in [
        (9_999, "", ""),
        (10_000, "order: 1000", "order: 1000"),
        (20_000, "order: 3000", "order: 4000"),
        (40_000, "order: 8000", "order: 12000"),
    ] {
        takes_off(&steps(""), worth(amount), best);
        takes_off(&steps(r#", "mode": "cumulative""#), worth(amount), all);
    }
    // From half the next step on the customer hears of it.
    for (amount, told) in [
        (4_999, vec![]),
        (5_000, vec![("amount-off-missing-amount", Some(5_000))]),
        (19_000, vec![("amount-off-missing-amount", Some(1_000))]),
        (40_000, vec![]),
    ] {
        assert_eq!(
            missing(&promote(&steps(""), worth(amount))),
            told,
            "{amount}"
        );
    }
    // Before an earlier discount of 20.00 the basket was worth 110.00.
    let cut = || worth(11_000).discounted_to(9_000);
    takes_off(&steps(""), cut(), "");
    takes_off(&steps(r#", "price": "list""#), cut(), "order: 1000");
}

#[test]
fn steps_by_quantity_and_by_share() {
    let config = r#"{"discount": {"steps": {"by": "quantity", "on": "goods", "levels": [{"from": 2, "rate": "10%"}, {"from": 3, "rate": "20%"}]}},
        "goods": {"categories": ["tops", "legs"]}}"#;
    // Of three pieces worth 330.00, 66.00; of two tops worth 180.00, 18.00.
    takes_off(config, outfit(), "lines 0 1 2: 6600");
    let tops = config.replace(r#"["tops", "legs"]"#, r#"["tops"]"#);
    takes_off(&tops, outfit(), "lines 0 1: 1800");
    assert_eq!(
        missing(&promote(&tops, outfit())),
        [("percent-off-missing-pieces", None)]
    );
    // Both shares of the same worth: 10 % and 20 % are 99.00.
    let all = config.replace(r#""by""#, r#""mode": "cumulative", "by""#);
    takes_off(&all, outfit(), "lines 0 1 2: 9900");
}

#[test]
fn bundles_have_a_price_of_their_own() {
    let set = |take: &str, more: &str| {
        format!(
            r#"{{"discount": {{"bundle": {{"parts": [{{"goods": {{"categories": ["tops"]}}}}, {{"goods": {{"categories": ["legs"]}}}}], "take": {take}{more}}}}}}}"#
        )
    };
    for (config, expected) in [
        // Shirt and trousers are worth 250.00; with the blouse 230.00.
        (set(r#"{"price": 20000}"#, ""), "lines 0 2: 5000"),
        (
            set(r#"{"price": 20000}"#, r#", "which": "cheapest""#),
            "lines 1 2: 3000",
        ),
        (set(r#"{"off": 3000}"#, ""), "lines 0 2: 3000"),
        (set(r#"{"rate": "10%"}"#, ""), "lines 0 2: 2500"),
        (set(r#"{"price": 25000}"#, ""), ""),
        (set(r#"{"price": 99000}"#, ""), ""),
    ] {
        takes_off(&config, outfit(), expected);
    }
    let alone = facts().line("shirt").category("tops").price(10_000);
    let proposal = promote(&set(r#"{"price": 20000}"#, ""), alone);
    assert_eq!(
        (shown(&proposal).as_str(), missing(&proposal)),
        ("", vec![("bundle-missing-pieces", None)])
    );
}

#[test]
fn three_for_ten_counts_full_sets_and_the_dearest_pieces_first() {
    let config = r#"{"discount": {"bundle": {"parts": [{"pieces": 3}], "take": {"price": 1000}}}}"#;
    for (basket, expected) in [
        (&[(2, 500)][..], ""),
        (&[(3, 500)], "lines 0: 500"),
        (&[(5, 500)], "lines 0: 500"),
        (&[(6, 500)], "lines 0: 1000"),
        // 6.00, 5.00 and 4.00 make 15.00; 3.00 is left alone.
        (
            &[(1, 300), (1, 400), (1, 500), (1, 600)],
            "lines 1 2 3: 500",
        ),
        // The second set of 3.00 each is worth 9.00 and keeps its price.
        (&[(3, 500), (3, 300)], "lines 0 1: 500"),
    ] {
        takes_off(config, pieces(basket), expected);
    }
    let once = config.replace(r#""take""#, r#""most": 1, "take""#);
    takes_off(&once, pieces(&[(6, 500)]), "lines 0: 500");
}

#[test]
fn a_piece_is_part_of_one_set_only() {
    // A drink and any other piece: the rolls, which fit one part, go before a second drink.
    let config = r#"{"discount": {"bundle": {"parts": [{"goods": {"tags": ["drink"]}}, {}], "take": {"off": 100}}}}"#;
    let drinks = || facts().line("tea").tag("drink").price(900).quantity(2);
    for (rolls, expected) in [
        (1, "lines 0 1: 100"),
        (2, "lines 0 1: 200"),
        (9, "lines 0 1: 200"),
    ] {
        let basket = drinks().line("roll").price(500).quantity(rolls);
        takes_off(config, basket, expected);
    }
    takes_off(config, drinks(), "lines 0: 100");
}

#[test]
fn a_gift_is_chosen_by_putting_it_into_the_basket() {
    let config =
        r#"{"discount": {"gift": {"choice": {"tags": ["gift"]}}}, "minimum": {"amount": 20000}}"#;
    let bought = |price: i64| facts().line("coat").price(price);
    let cup = |basket: FactsBuilder| basket.line("cup").tag("gift").price(1_500);
    takes_off(config, cup(bought(20_000)), "line 1: 1500 from 0");
    // The gift does not help to reach the minimum.
    takes_off(config, cup(bought(19_000)), "");
    assert_eq!(
        missing(&promote(config, cup(bought(19_000)))),
        [("gift-missing-amount", Some(1_000))]
    );
    assert_eq!(
        missing(&promote(config, bought(20_000))),
        [("gift-choose", None)]
    );
    // Of two the cheaper one is given, of two pieces one.
    let two = cup(bought(20_000)).line("pen").tag("gift").price(900);
    takes_off(config, two.clone(), "line 2: 900 from 0");
    let dear = config.replace(r#""choice""#, r#""which": "most-expensive", "choice""#);
    takes_off(&dear, two.clone(), "line 1: 1500 from 0");
    let both = config.replace(r#""choice""#, r#""pieces": 2, "choice""#);
    takes_off(&both, two, "line 2: 900 from 0; line 1: 1500 from 0");
    takes_off(
        config,
        bought(20_000)
            .line("cup")
            .tag("gift")
            .price(1_500)
            .quantity(2),
        "line 1: 1500 from 0",
    );
    // Nothing but gifts earns nothing.
    takes_off(
        r#"{"discount": {"gift": {"choice": {"tags": ["gift"]}}}}"#,
        cup(facts()),
        "",
    );
}

#[test]
fn something_to_add_at_a_low_price() {
    let config = r#"{"discount": {"gift": {"choice": {"tags": ["gift"]}, "price": 990, "pieces": 2}}, "minimum": {"amount": 10000}}"#;
    let basket = facts()
        .line("coat")
        .price(10_000)
        .line("cup")
        .tag("gift")
        .price(1_500)
        .quantity(3);
    // Two cups at 9.90 instead of 15.00.
    takes_off(config, basket, "line 1: 1020 from 0");
    let cheap = facts()
        .line("coat")
        .price(10_000)
        .line("pen")
        .tag("gift")
        .price(900);
    takes_off(config, cheap, "");
    assert_eq!(
        missing(&promote(config, facts().line("coat").price(10_000))),
        [("add-on-choose", None)]
    );
}

#[test]
fn buy_some_goods_and_get_others() {
    let config = r#"{"discount": {"buy-get": {"buy": 1, "get": 1, "get_goods": {"categories": ["extras"]}, "rate": "50%"}},
        "goods": {"categories": ["tops", "legs"]}}"#;
    // Three bought, four to get: three sets; the socks at 5.00 are the cheapest.
    takes_off(config, outfit(), "line 4: 750 from 0 1 2");
    let dear = config.replace(
        r#""rate""#,
        r#""which": "most-expensive", "most": 2, "rate""#,
    );
    // The belt and one pair of socks; the cheapest of the others earned them.
    takes_off(&dear, outfit(), "line 3: 2000 from 1; line 4: 250 from 0");
    let one = facts().line("shirt").category("tops").price(10_000);
    assert_eq!(
        missing(&promote(config, one)),
        [("buy-get-cheaper-missing-pieces", None)]
    );
    // Extras alone earn nothing.
    takes_off(
        config,
        facts().line("belt").category("extras").price(4_000),
        "",
    );
}

#[test]
fn which_piece_is_free_and_how_often() {
    for (config, basket, expected) in [
        (
            r#"{"discount": {"buy-get": {"buy": 2, "get": 1, "which": "most-expensive"}}}"#,
            &[(1, 600), (1, 800), (1, 1000)][..],
            "line 2: 1000 from 0 1",
        ),
        (
            r#"{"discount": {"buy-get": {"buy": 1, "get": 1, "most": 2}}}"#,
            &[(8, 500)],
            "line 0: 1000",
        ),
    ] {
        takes_off(config, pieces(basket), expected);
    }
}

#[test]
fn brands_and_costs_are_asked_for_where_a_setting_rests_on_them() {
    for (config, brand, cost) in [
        (r#"{"discount": {"price": {"price": 1}}}"#, false, false),
        (
            r#"{"discount": {"price": {"price": 1}}, "goods": {"brands": ["Acme"]}}"#,
            true,
            false,
        ),
        (
            r#"{"discount": {"gift": {"choice": {"brands": ["Acme"]}}}}"#,
            true,
            false,
        ),
        (
            r#"{"discount": {"bundle": {"parts": [{"goods": {"except_brands": ["Acme"]}}], "take": {"off": 1}}}}"#,
            true,
            false,
        ),
        (
            r#"{"discount": {"price": {"price": 1}}, "floor": {"margin": "10%"}}"#,
            false,
            true,
        ),
    ] {
        let parsed = serde_json::from_str(config).expect(config);
        let needs = PromoStandard::needs(&parsed);
        assert_eq!(
            (needs.attributes == ["brand"], needs.cost),
            (brand, cost),
            "{config}"
        );
    }
}
