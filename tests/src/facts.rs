//! Facts for tests and benches: one member, one store, as many lines as wanted.

use tessera::domain::rules::{
    LineFacts, MemberFacts, Occasion, OrderFacts, PointsFacts, PromotionFacts, Ratio,
    ReferralFacts, ReferralOccasion, Shown, TenderFacts, TenderKind, TierFacts, Trigger,
};
use tessera::domain::time::{Day, Instant};

/// 2026-11-21, a Saturday.
pub const TODAY: Day = Day(20_778);

/// A store in Shanghai at noon.
pub fn order() -> OrderFacts {
    OrderFacts {
        currency: "CNY".into(),
        currency_scale: 2,
        occurred_at: Instant(i64::from(TODAY.0) * 86_400_000_000 + 4 * 3_600_000_000),
        utc_offset_minutes: 480,
        business_date: TODAY,
        store: "019ab0c0-0000-7000-8000-000000000001".into(),
        region: "east".into(),
        prices_include_tax: true,
        attributes: vec![],
        store_attributes: vec![],
    }
}

/// A member of two years without a tier.
pub fn member() -> MemberFacts {
    MemberFacts {
        id: "019ab0c0-0000-7000-8000-00000000000a".into(),
        tier: None,
        tier_multiplier: Ratio {
            numerator: 1,
            denominator: 1,
        },
        enrolled_on: Day(TODAY.0 - 730),
        age_band: Some(30),
        is_birthday: false,
        is_birthday_month: false,
        days_to_birthday: None,
        orders_before: 12,
        segments: vec![],
        attributes: vec![],
    }
}

/// Lines of one to three pieces at 5.00 to 14.00, in the four categories of `categories`.
pub fn lines(count: usize) -> Vec<LineFacts> {
    (0..count)
        .map(|at| {
            let number = i64::try_from(at).expect("a basket is small");
            let (pieces, price) = (number % 3 + 1, 500 + number % 10 * 100);
            LineFacts {
                product: format!("019ab0c0-0000-7000-8000-{at:012}"),
                category: u32::try_from(at % 4).expect("below four"),
                quantity: pieces * 1_000,
                unit_price: price,
                list_amount: pieces * price,
                amount: pieces * price,
                reduced_amount: pieces * price,
                tax: 0,
                tax_rate: Ratio::default(),
                cost: None,
                tags: vec![u32::try_from(at % 2).expect("below two")],
                attributes: vec![],
            }
        })
        .collect()
}

pub fn categories() -> Vec<String> {
    ["drinks/coffee", "drinks/tea", "food/bakery", "household"]
        .map(String::from)
        .into()
}

pub fn tags() -> Vec<String> {
    ["organic", "seasonal"].map(String::from).into()
}

/// A sale of so many lines, paid in cash.
pub fn points(count: usize) -> PointsFacts {
    let lines = lines(count);
    let amount = lines.iter().map(|line| line.amount).sum();
    PointsFacts {
        trigger: Trigger::Sale,
        order: order(),
        member: member(),
        categories: categories(),
        tags: tags(),
        lines,
        tenders: vec![TenderFacts {
            kind: TenderKind::Cash,
            amount,
        }],
        shown: Shown {
            categories: true,
            tags: true,
            ..Shown::default()
        },
        amount,
        points_scale: 0,
        aggregates: vec![],
        counters: vec![],
    }
}

/// The same basket as a promotion sees it.
pub fn promotion(count: usize) -> PromotionFacts {
    let sale = points(count);
    PromotionFacts {
        order: sale.order,
        member: Some(sale.member),
        categories: sale.categories,
        tags: sale.tags,
        lines: sale.lines,
        tenders: sale.tenders,
        shown: sale.shown,
        codes: vec![],
        aggregates: vec![],
        counters: vec![],
    }
}

/// A member without a tier after a sale.
pub fn tier(aggregates: Vec<i64>) -> TierFacts {
    TierFacts {
        occasion: Occasion::Sale,
        member: member(),
        tier_since: None,
        tier_valid_until: None,
        business_date: TODAY,
        currency: "CNY".into(),
        currency_scale: 2,
        aggregates,
    }
}

/// The first order of a member somebody brought a week ago.
pub fn referral(amount: i64) -> ReferralFacts {
    let referrer = MemberFacts {
        id: "019ab0c0-0000-7000-8000-00000000000b".into(),
        ..member()
    };
    ReferralFacts {
        occasion: ReferralOccasion::Order,
        order: order(),
        amount,
        referee: MemberFacts {
            orders_before: 0,
            ..member()
        },
        referrer,
        second_referrer: None,
        referred_on: Day(TODAY.0 - 7),
        points_scale: 0,
        aggregates: vec![],
        counters: vec![],
    }
}
