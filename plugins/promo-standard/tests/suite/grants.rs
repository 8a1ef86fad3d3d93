//! Worked figures: what is given beside money off, units at a promotional price, and how tax counts.

use promo_standard::PromoStandard;
use tessera_sdk::Rate;
use tessera_sdk::promotions::{Gift, Proposal};
use tessera_sdk::testing::{assert_contract, config_problems};

use crate::support::{breakfast, missing, pieces, promote, shown, takes_off};

/// What is given, its name, how many, and its first and last day counted from today.
type Given<'a> = (Gift, &'a str, u32, Option<i32>, Option<i32>);

fn given(proposal: &Proposal) -> Vec<Given<'_>> {
    let monday = breakfast().promotion().order.business_date;
    let days = |day: Option<i32>| day.map(|day| day - monday);
    proposal
        .grants
        .iter()
        .map(|grant| {
            let (from, to) = (days(grant.available_on), days(grant.expires_on));
            (grant.gift, grant.name.as_str(), grant.count, from, to)
        })
        .collect()
}

#[test]
fn coupons_for_the_next_visit() {
    for (rule, expected) in [
        // Thirty days, today included.
        (
            r#"{"binding": "next-visit", "valid_days": 30}"#,
            (1, None, Some(29)),
        ),
        // From tomorrow on for a week.
        (
            r#"{"binding": "next-visit", "from_days": 1, "valid_days": 7}"#,
            (1, Some(1), Some(7)),
        ),
        // 66.14 holds 20.00 three times.
        (
            r#"{"binding": "next-visit", "every": 2000, "count": 2}"#,
            (6, None, None),
        ),
        // No grant has more than a hundred.
        (
            r#"{"binding": "next-visit", "every": 1}"#,
            (100, None, None),
        ),
    ] {
        let config =
            format!(r#"{{"discount": {{"coupons": {rule}}}, "minimum": {{"amount": 5000}}}}"#);
        let (count, from, to) = expected;
        let proposal = promote(&config, breakfast());
        assert_eq!(
            given(&proposal),
            [(Gift::Coupon, "next-visit", count, from, to)],
            "{rule}"
        );
    }
}

#[test]
fn draw_entries_by_amount() {
    let config = r#"{"discount": {"draw": {"name": "spring", "every": 3000}}}"#;
    let proposal = promote(config, breakfast());
    assert_eq!(
        given(&proposal),
        [(Gift::DrawEntry, "spring", 2, None, None)]
    );
    let none = promote(config, pieces(&[(1, 2999)]));
    assert!(given(&none).is_empty());
}

#[test]
fn whoever_has_no_card_or_buys_too_little_is_told() {
    let config =
        r#"{"discount": {"coupons": {"binding": "next-visit"}}, "minimum": {"amount": 10000}}"#;
    assert_eq!(
        missing(&promote(config, breakfast())),
        [("coupons-missing-amount", Some(3386))]
    );
    let config = r#"{"discount": {"coupons": {"binding": "next-visit"}}}"#;
    let guest = promote(config, breakfast().no_member());
    assert_eq!(missing(&guest), [("coupons-members-only", None)]);
    assert!(guest.grants.is_empty());
}

#[test]
fn so_many_units_at_the_promotional_price() {
    let config = |limit: &str| {
        format!(r#"{{"discount": {{"price": {{"price": 1000}}}}, "limit": {{{limit}}}}}"#)
    };
    // Five at 15.00: two of them at 10.00 save 10.00.
    let five = || pieces(&[(5, 1500)]);
    takes_off(&config(r#""units_per_order": 2"#), five(), "line 0: 1000");
    // One at 15.00, then one of three at 12.00.
    takes_off(
        &config(r#""units_per_order": 2"#),
        pieces(&[(1, 1500), (3, 1200)]),
        "line 0: 500; line 1: 200",
    );
    // A unit that costs less anyway uses nothing up.
    takes_off(
        &config(r#""units_per_order": 1"#),
        pieces(&[(3, 900), (1, 1500)]),
        "line 1: 500",
    );
    let member = config(r#""units": 3, "period": "day""#);
    for (used, off, change) in [
        (0, "line 0: 1500", Some(3000)),
        (1000, "line 0: 1000", Some(2000)),
        (3000, "", None),
    ] {
        let proposal = promote(&member, five().counters([used]));
        assert_eq!(shown(&proposal), off, "{used}");
        let changes: Vec<_> = proposal.counters.iter().map(|one| one.change).collect();
        assert_eq!(changes, Vec::from_iter(change), "{used}");
    }
    // Beside a limit in orders the units are the second count.
    let both = config(r#""times": 5, "units": 3"#);
    let proposal = promote(&both, five().counters([1, 2000]));
    let changes: Vec<_> = proposal
        .counters
        .iter()
        .map(|one| (one.counter, one.change))
        .collect();
    assert_eq!(
        (shown(&proposal).as_str(), &changes[..]),
        ("line 0: 500", &[(1, 1000), (0, 1)][..])
    );
    takes_off(
        r#"{"discount": {"price-list": {"prices": [{"product": "article-0", "price": 1000}]}}, "limit": {"units_per_order": 1}}"#,
        pieces(&[(3, 1500)]),
        "line 0: 500",
    );
}

#[test]
fn a_minimum_with_or_without_tax() {
    // 113.00 with 13 % tax are 100.00 without.
    let basket = || pieces(&[(1, 11_300)]).tax_rate(Rate::percent(13));
    let config = |amount: i64, tax: &str| {
        format!(
            r#"{{"discount": {{"amount": {{"off": 100}}}}, "minimum": {{"amount": {amount}, "tax": "{tax}"}}}}"#
        )
    };
    for (amount, tax, off) in [
        (11_300, "as-priced", "order: 100"),
        (11_300, "with", "order: 100"),
        (10_000, "without", "order: 100"),
        (10_001, "without", ""),
    ] {
        takes_off(&config(amount, tax), basket(), off);
    }
    // Where prices are without tax, 113.00 are 127.69 with it.
    for (amount, tax, off) in [
        (11_301, "as-priced", ""),
        (11_301, "without", ""),
        (12_769, "with", "order: 100"),
        (12_770, "with", ""),
    ] {
        let mut facts = basket().promotion();
        facts.order.prices_include_tax = false;
        let proposal = assert_contract::<PromoStandard>(&config(amount, tax), &facts);
        assert_eq!(shown(&proposal), off, "{amount} {tax}");
    }
}

#[test]
fn a_minimum_before_or_after_other_discounts() {
    // Listed at 100.00, lowered to 80.00 by another promotion; this one works on the initial prices.
    let basket = || pieces(&[(1, 10_000)]).elsewhere_discounted_to(8_000);
    for (price, off) in [
        ("left", "order: 100"),
        ("list", "order: 100"),
        ("reduced", ""),
    ] {
        let config = format!(
            r#"{{"discount": {{"amount": {{"off": 100}}}}, "minimum": {{"amount": 9000, "price": "{price}"}}}}"#
        );
        takes_off(&config, basket(), off);
    }
}

#[test]
fn a_margin_stays_beside_the_tax() {
    // It cost 8.00: 10.00 leave 20 %, and with 13 % tax within the price 11.30 do.
    takes_off(
        r#"{"discount": {"price": {"price": 100}}, "floor": {"margin": "20%"}}"#,
        pieces(&[(1, 1500)]).cost(800).tax_rate(Rate::percent(13)),
        "line 0: 370",
    );
}

#[test]
fn what_is_granted_has_a_name_and_a_count() {
    for (config, pointer) in [
        (
            r#"{"discount": {"coupons": {"binding": " "}}}"#,
            "/discount/coupons/binding",
        ),
        (
            r#"{"discount": {"coupons": {"binding": "a", "count": 101}}}"#,
            "/discount/coupons/count",
        ),
        (
            r#"{"discount": {"draw": {"name": "a", "entries": 0}}}"#,
            "/discount/draw/entries",
        ),
        (
            r#"{"discount": {"percent": {"rate": "10%"}}, "limit": {"units": 1}}"#,
            "/limit/units",
        ),
    ] {
        let problems = config_problems::<PromoStandard>(config);
        let pointers: Vec<_> = problems.iter().map(|one| one.pointer.as_str()).collect();
        assert_eq!(pointers, [pointer], "{config}");
    }
}
