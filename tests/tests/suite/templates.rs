//! The templates of `config/templates`, each applied to a fresh chain, with one basket reckoned by hand.

use serde_json::{Value, json};
use tessera_tests::on_each_database;
use tessera_tests::shop::Shop;

/// Minutes from the shop's Monday, 2026-03-02 at ten in the morning in Shanghai.
const TEN_HOURS: i64 = 600;
const TO_SUNDAY_THE_EIGHTH: i64 = 6 * 24 * 60;

/// One template, its basket, and what the shopkeeper reckons.
struct Case {
    template: &'static str,
    minutes_later: i64,
    /// Product, category, tags, price in fen, quantity (`kg` in decimals for what is weighed).
    basket: &'static [(&'static str, &'static str, &'static str, i64, &'static str)],
    total: i64,
    points: i64,
}

const CASES: [Case; 10] = [
    // 3.50 + 1.75 + 6.00 = 11.25: eleven full yuan.
    Case {
        template: "convenience",
        minutes_later: 0,
        basket: &[
            ("cola", "drinks/cola", "", 350, "2"),
            ("rice-ball", "food/breakfast", "", 600, "1"),
        ],
        total: 1_125,
        points: 11,
    },
    // At eight in the evening: 24.00 of bread less 7.20, and a cake of 30.00: 46.80.
    Case {
        template: "bakery",
        minutes_later: TEN_HOURS,
        basket: &[
            ("loaf", "bread", "", 1_200, "2"),
            ("gateau", "cakes", "", 3_000, "1"),
        ],
        total: 4_680,
        points: 46,
    },
    // Three pieces, 697.00 less 20 % (139.40): 557.60.
    Case {
        template: "fashion",
        minutes_later: 0,
        basket: &[
            ("shirt", "clothes/shirts", "", 19_900, "2"),
            ("trousers", "clothes/trousers", "", 29_900, "1"),
        ],
        total: 55_760,
        points: 557,
    },
    // On the eighth: 68.00 less 8.16 is 59.84, and 45.00 of prescriptions, which earn nothing: 104.84.
    Case {
        template: "pharmacy",
        minutes_later: TO_SUNDAY_THE_EIGHTH,
        basket: &[
            ("vitamins", "supplements", "", 6_800, "1"),
            ("tablets", "prescription", "", 4_500, "1"),
        ],
        total: 10_484,
        points: 59,
    },
    // Six bottles at 88.00 less 10 % are 475.20, and an opener of 25.00: 500.20, fifty times ten yuan.
    Case {
        template: "wine",
        minutes_later: 0,
        basket: &[
            ("red", "wine/red", "", 8_800, "6"),
            ("opener", "tools", "", 2_500, "1"),
        ],
        total: 50_020,
        points: 50,
    },
    // 320.00 of serum less 20.00 for the first order; the sample of 29.00 is the gift: 300.00, two points a yuan.
    Case {
        template: "beauty",
        minutes_later: 0,
        basket: &[
            ("serum", "skin-care", "", 32_000, "1"),
            ("sample-cream", "skin-care", "gift", 2_900, "1"),
        ],
        total: 30_000,
        points: 600,
    },
    // 28.00 + 12.00 as a menu less 5.00, and a side dish of 18.00: 53.00.
    Case {
        template: "restaurant",
        minutes_later: 0,
        basket: &[
            ("noodles", "mains", "", 2_800, "1"),
            ("jasmine", "drinks", "", 1_200, "1"),
            ("salad", "sides", "", 1_800, "1"),
        ],
        total: 5_300,
        points: 53,
    },
    // 229.70 of goods less 20.00 are 209.70, and tobacco for 45.00: 254.70.
    Case {
        template: "supermarket",
        minutes_later: 0,
        basket: &[
            ("rice", "food/rice", "", 6_990, "2"),
            ("oil", "food/oil", "", 8_990, "1"),
            ("cigarettes", "tobacco", "", 4_500, "1"),
        ],
        total: 25_470,
        points: 209,
    },
    // A phone of 3,999.00 and a case of 99.00 at half price: 4,048.50, a point for each full 2.00.
    Case {
        template: "electronics",
        minutes_later: 0,
        basket: &[
            ("phone", "phones", "", 399_900, "1"),
            ("case", "accessories", "", 9_900, "1"),
        ],
        total: 404_850,
        points: 2_024,
    },
    // At eight in the evening: 1.250 kg at 10.00 less 40 % are 7.50, and two milks of 8.50: 24.50.
    Case {
        template: "fresh-food",
        minutes_later: TEN_HOURS,
        basket: &[
            ("pears", "fresh/fruit", "", 1_000, "1.250"),
            ("milk", "dairy", "", 850, "2"),
        ],
        total: 2_450,
        points: 24,
    },
];

fn read(template: &str) -> String {
    let path = format!(
        "{}/../config/templates/{template}.toml",
        env!("CARGO_MANIFEST_DIR")
    );
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

async fn check(shop: &Shop, case: &Case) {
    let template = case.template;
    let applied = shop
        .apply_files(&[(&format!("{template}.toml"), &read(template))])
        .await;
    assert!(applied.status.is_success(), "{template}: {}", applied.body);
    let mut lines = Vec::new();
    for (id, category, tag, price, quantity) in case.basket {
        let tags: Vec<&str> = Some(*tag)
            .filter(|tag| !tag.is_empty())
            .into_iter()
            .collect();
        let product = json!({
            "id": format!("{template}-{id}"), "sku": format!("{template}-{id}"), "name": id, "category": category,
            "unit": if quantity.contains('.') { "weight" } else { "piece" }, "currency": "CNY", "price": price,
            "tax_class": "standard", "tags": tags,
        });
        shop.post("/v1/products", &shop.admin, product).await.ok();
        lines.push(json!({ "product": format!("{template}-{id}"), "quantity": quantity }));
    }
    let member = shop.member().await;
    let before = shop.host.clock.now();
    shop.later(case.minutes_later * 60);
    let basket = json!({
        "store": format!("{template}-1"), "member": { "id": member }, "lines": lines, "tenders": [{ "kind": "cash" }],
    });
    let quote = shop.post("/v1/quotes", &shop.admin, basket).await.ok();
    shop.set_clock(before);
    assert_eq!(quote["totals"]["total"], case.total, "{template}: {quote}");
    let awards = quote["awards"].as_array().expect("a list");
    let points: i64 = awards
        .iter()
        .filter_map(|award| award["points"].as_i64())
        .sum();
    assert_eq!(points, case.points, "{template}: {quote}");
    assert_eq!(quote["skipped"], Value::Array(Vec::new()), "{template}");
}

on_each_database! {
    async fn every_template_prices_a_basket_as_its_shopkeeper_reckons(shop) {
        for case in &CASES {
            check(&shop, case).await;
        }
        // Each took the place of the one before; only the last one's store sells.
        let stores = shop.get("/v1/stores", &shop.admin).await.ok();
        let selling = |id: &str| stores["items"].as_array().expect("a list").iter().any(|store| store["id"] == id && store["active"] == true);
        assert!(selling("fresh-food-1") && !selling("wine-1"));
        // And the first one comes back as it was.
        check_again(&shop).await;
    }
}

async fn check_again(shop: &Shop) {
    shop.post("/v1/configuration", &shop.admin, json!({ "rollback": 1 }))
        .await
        .ok();
    let basket = json!({
        "store": "convenience-1", "lines": [{ "product": "convenience-cola", "quantity": "2" }],
        "tenders": [{ "kind": "cash" }],
    });
    let quote = shop.post("/v1/quotes", &shop.admin, basket).await.ok();
    assert_eq!(quote["totals"]["total"], 525);
}

#[test]
fn every_template_has_a_case() {
    let folder = format!("{}/../config/templates", env!("CARGO_MANIFEST_DIR"));
    let mut found: Vec<String> = std::fs::read_dir(&folder)
        .expect("the templates are there")
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    found.sort();
    let mut cases: Vec<String> = CASES
        .iter()
        .map(|case| format!("{}.toml", case.template))
        .collect();
    cases.sort();
    assert_eq!(found, cases);
}
