//! Worked cases: what is sold, and what it brings the store.

use crate::support::{answer, article, basket, per_yuan, shown, total};
use points_standard::PointsStandard;
use tessera_sdk::points::PointsRule;
use tessera_sdk::testing::{FactsBuilder, facts};

/// A phone of 3,000.00 by Acme, a case of 100.00 by Best, a film of 50.00 already cut to 40.00.
fn phones() -> FactsBuilder {
    facts()
        .line("phone")
        .category("phones")
        .line_attribute("brand", "Acme")
        .price(300_000)
        .line("case")
        .category("phones/cases")
        .line_attribute("brand", "Best")
        .price(10_000)
        .line("film")
        .category("phones/films")
        .price(5_000)
        .discounted_to(4_000)
}

#[test]
fn products_brands_and_what_is_left_out() {
    for (more, expected) in [
        // 3,000 + 100 + 40
        ("", "earned 3140"),
        (
            r#""products": [{"product": "case", "multiplier": 3}]"#,
            "earned 3140, items 200",
        ),
        (
            r#""brands": [{"brand": "Acme", "multiplier": 0}]"#,
            "earned 140",
        ),
        // The phone counts half: 1,500 + 100 + 40.
        (
            r#""brands": [{"brand": "Acme", "multiplier": "0.5"}]"#,
            "earned 1640",
        ),
        (r#""goods": {"brands": ["Best"]}"#, "earned 100"),
        (r#""goods": {"except_products": ["phone"]}"#, "earned 140"),
        (
            r#""goods": {"categories": ["phones/cases", "phones/films"]}"#,
            "earned 140",
        ),
        (r#""goods": {"tags": ["none"]}"#, ""),
        // A product at 2 and its brand at 3: together 3, 6 or 4; 100.00 more for each above one.
        (
            r#""products": [{"product": "case", "multiplier": 2}], "brands": [{"brand": "Best", "multiplier": 3}]"#,
            "earned 3140, items 200",
        ),
        (
            r#""products": [{"product": "case", "multiplier": 2}], "brands": [{"brand": "Best", "multiplier": 3}], "combine": "multiply""#,
            "earned 3140, items 500",
        ),
        (
            r#""products": [{"product": "case", "multiplier": 2}], "brands": [{"brand": "Best", "multiplier": 3}], "combine": "add""#,
            "earned 3140, items 300",
        ),
    ] {
        assert_eq!(
            shown(&answer(&per_yuan(more), phones())),
            expected,
            "{more}"
        );
    }
}

#[test]
fn the_brand_and_the_cost_are_asked_for_only_where_a_setting_rests_on_them() {
    for (more, brand, cost) in [
        ("", false, false),
        (
            r#""brands": [{"brand": "Acme", "multiplier": 2}]"#,
            true,
            false,
        ),
        (r#""goods": {"except_brands": ["Acme"]}"#, true, false),
        (
            r#""per_unit": [{"goods": {"brands": ["Acme"]}, "points": 1}]"#,
            true,
            false,
        ),
        (r#""earn_on": "margin""#, false, true),
        (
            r#""margins": [{"from": "40%", "multiplier": 2}]"#,
            false,
            true,
        ),
    ] {
        let config = serde_json::from_str(&per_yuan(more)).expect(more);
        let needs = PointsStandard::needs(&config);
        let asked = (needs.attributes == ["brand"], needs.cost);
        assert_eq!(asked, (brand, cost), "{more}");
    }
}

#[test]
fn points_by_what_the_store_keeps() {
    // 113.00 with 13.00 tax, so 100.00; two at 30.00 cost leave 40.00.
    let sold = || {
        facts()
            .line("shirt")
            .price(5_650)
            .quantity(2)
            .tax(1_300)
            .cost(3_000)
    };
    let margin = r#""earn_on": "margin""#;
    assert_eq!(total(&answer(&per_yuan(margin), sold())), 40);
    // Without a known cost, and below cost, nothing is earned.
    assert_eq!(total(&answer(&per_yuan(margin), article(10_000))), 0);
    assert_eq!(
        total(&answer(&per_yuan(margin), article(10_000).cost(12_000))),
        0
    );
    // 0.345 kg at a cost of 10.01 cost 3.453…, counted as 3.46: of 10.00 that leaves 6.54.
    let weighed = facts()
        .line("ham")
        .price(0)
        .thousandths(345)
        .discounted_to(1_000)
        .cost(1_001);
    let by_cents = r#"{"points_per": {"spend": 1, "points": 1}, "earn_on": "margin"}"#;
    assert_eq!(total(&answer(by_cents, weighed)), 654);
}

#[test]
fn a_higher_margin_counts_more() {
    // At a price of 100.00 the margin is what the cost leaves.
    let margins =
        r#""margins": [{"from": "20%", "multiplier": "1.5"}, {"from": "50%", "multiplier": 3}]"#;
    for (cost, expected) in [
        (8_100, 100),
        (8_000, 150),
        (5_001, 150),
        (5_000, 300),
        (0, 300),
        (12_000, 100),
    ] {
        let sold = article(10_000).cost(cost);
        assert_eq!(total(&answer(&per_yuan(margins), sold)), expected, "{cost}");
    }
    assert_eq!(total(&answer(&per_yuan(margins), article(10_000))), 100);
}

#[test]
fn points_by_the_piece_or_the_weight() {
    let coffee = |units: u16, more: &str| {
        format!(
            r#"{{"per_unit": [{{"goods": {{"categories": ["drinks"]}}, "units": {units}, "points": 10{more}}}]}}"#
        )
    };
    let cups = |count: i64| {
        facts()
            .line("cup")
            .category("drinks/coffee")
            .price(1_800)
            .quantity(count)
            .line("roll")
            .price(500)
    };
    for (config, count, expected) in [
        (coffee(1, ""), 3, "units 30"),
        (coffee(3, ""), 2, ""),
        (coffee(3, ""), 5, "units 10"),
        (coffee(3, ""), 6, "units 20"),
        // 5 × 10 / 3 is 16.67
        (coffee(3, r#", "full_only": false"#), 5, "units 16"),
    ] {
        assert_eq!(shown(&answer(&config, cups(count))), expected, "{config}");
    }
    assert_eq!(answer(&coffee(1, ""), cups(1)).awards[0].lines, [0]);
    // 2.4 kg of apples at one point a kilogram are two full ones.
    let apples = facts().line("apples").price(1_200).thousandths(2_400);
    let by_kilogram = r#"{"per_unit": [{"points": 1}]}"#;
    assert_eq!(total(&answer(by_kilogram, apples.clone())), 2);
    // A free piece and a piece brought back earn nothing.
    let gift = facts()
        .line("cup")
        .price(500)
        .discounted_to(0)
        .line("cup")
        .price(500)
        .quantity(-1);
    assert_eq!(total(&answer(by_kilogram, gift)), 0);
}

#[test]
fn points_by_order_and_visit_stand_beside_those_for_money() {
    let config = per_yuan(r#""per_order": 5, "per_visit": 10, "minimum": 1000"#);
    let bought =
        |visits: i64, price: i64| shown(&answer(&config, article(price).counters([visits])));
    assert_eq!(bought(0, 2_000), "earned 20, order 5, visit 10");
    assert_eq!(bought(1, 2_000), "earned 20, order 5");
    assert_eq!(bought(0, 999), "");
    let first = answer(&config, article(2_000).counters([0]));
    assert_eq!(
        (first.counters[0].counter, first.counters[0].change),
        (0, 1)
    );
    let second = answer(&config, article(2_000).counters([1]));
    assert!(second.counters.is_empty());
}

#[test]
fn full_amounts_precision_and_rounding() {
    for (config, price, expected) in [
        // 10 points for each full 100.00
        (
            r#"{"points_per": {"spend": 10000, "points": 10}}"#,
            25_000,
            25,
        ),
        (
            r#"{"points_per": {"spend": 10000, "points": 10, "full_only": true}}"#,
            25_000,
            20,
        ),
        (
            r#"{"points_per": {"spend": 10000, "points": 10, "full_only": true}}"#,
            9_999,
            0,
        ),
        // Two decimals of a point: 12.34 earns 12.34, cut to whole points 12.00, to the nearest half 12.50.
        (r#"{"points_per": {"spend": 1, "points": 1}}"#, 1_234, 1_234),
        (
            r#"{"points_per": {"spend": 1, "points": 1}, "round_to": 100}"#,
            1_234,
            1_200,
        ),
        (
            r#"{"points_per": {"spend": 1, "points": 1}, "round_to": 50, "rounding": "half-up"}"#,
            1_234,
            1_250,
        ),
        (
            r#"{"points_per": {"spend": 300, "points": 1}, "rounding": "up"}"#,
            301,
            2,
        ),
    ] {
        assert_eq!(total(&answer(config, article(price))), expected, "{config}");
    }
    // 56.00 and 12.50: 68.50 together, 56 and 12 by themselves; half up 69 and 56 + 13.
    for (more, expected) in [
        ("", 68),
        (r#""round_per": "line""#, 68),
        (r#""rounding": "half-up""#, 69),
        (r#""rounding": "half-up", "round_per": "line""#, 69),
        (r#""rounding": "up", "round_per": "line""#, 69),
    ] {
        assert_eq!(
            total(&answer(&per_yuan(more), basket())),
            expected,
            "{more}"
        );
    }
    // Three lines of 0.50: 1.50 make one point together and none by themselves.
    let small = || {
        facts()
            .line("a")
            .price(50)
            .line("b")
            .price(50)
            .line("c")
            .price(50)
    };
    assert_eq!(total(&answer(&per_yuan(""), small())), 1);
    assert_eq!(
        total(&answer(&per_yuan(r#""round_per": "line""#), small())),
        0
    );
}
