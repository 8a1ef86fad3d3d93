//! Three hundred articles of a neighbourhood chain, the same on every machine.

/// One article as the demo creates it. Prices in fen.
pub struct Article {
    pub sku: String,
    pub name: String,
    pub category: &'static str,
    pub barcode: String,
    pub by_weight: bool,
    pub price: i64,
    pub member_price: Option<i64>,
    pub cost: i64,
    pub tax_class: &'static str,
    pub tags: Vec<&'static str>,
}

/// A shelf: category, tax class, sold by weight, first price, names, sizes.
struct Shelf {
    category: &'static str,
    tax_class: &'static str,
    by_weight: bool,
    base_price: i64,
    names: [&'static str; 5],
    sizes: [&'static str; 4],
    tag: Option<&'static str>,
}

const SHELVES: [Shelf; 15] = [
    shelf(
        "drinks/coffee",
        "standard",
        1_800,
        ["美式咖啡", "拿铁", "卡布奇诺", "摩卡", "冷萃"],
        CUPS,
        Some("stamp"),
    ),
    shelf(
        "drinks/tea",
        "standard",
        1_200,
        ["茉莉花茶", "乌龙茶", "红茶", "绿茶", "普洱"],
        CUPS,
        None,
    ),
    shelf(
        "drinks/juice",
        "standard",
        1_500,
        ["橙汁", "苹果汁", "葡萄汁", "西瓜汁", "芒果汁"],
        BOTTLES,
        None,
    ),
    shelf(
        "drinks/water",
        "standard",
        200,
        ["矿泉水", "苏打水", "气泡水", "纯净水", "椰子水"],
        BOTTLES,
        None,
    ),
    shelf(
        "bakery/bread",
        "reduced",
        800,
        ["吐司", "法棍", "全麦面包", "贝果", "可颂"],
        LOAVES,
        None,
    ),
    shelf(
        "bakery/cake",
        "standard",
        2_600,
        ["芝士蛋糕", "提拉米苏", "黑森林", "抹茶卷", "蛋挞"],
        LOAVES,
        Some("treat"),
    ),
    shelf(
        "dairy/milk",
        "reduced",
        600,
        ["鲜牛奶", "酸奶", "豆奶", "燕麦奶", "羊奶"],
        BOTTLES,
        None,
    ),
    shelf(
        "dairy/cheese",
        "reduced",
        2_200,
        ["切达", "布里", "马苏里拉", "高达", "奶油奶酪"],
        PACKS,
        None,
    ),
    fresh(
        "fresh/fruit",
        1_200,
        ["苹果", "香蕉", "葡萄", "草莓", "猕猴桃"],
    ),
    fresh(
        "fresh/vegetables",
        600,
        ["番茄", "黄瓜", "土豆", "菠菜", "西兰花"],
    ),
    shelf(
        "snacks/chips",
        "standard",
        700,
        ["原味薯片", "番茄薯片", "玉米片", "虾条", "锅巴"],
        PACKS,
        Some("treat"),
    ),
    shelf(
        "snacks/chocolate",
        "standard",
        1_600,
        [
            "黑巧克力",
            "牛奶巧克力",
            "榛子巧克力",
            "白巧克力",
            "巧克力豆",
        ],
        PACKS,
        Some("treat"),
    ),
    shelf(
        "household/cleaning",
        "standard",
        1_900,
        ["洗洁精", "洗衣液", "消毒液", "玻璃水", "洁厕灵"],
        BOTTLES,
        None,
    ),
    shelf(
        "household/paper",
        "standard",
        1_400,
        ["抽纸", "卷纸", "厨房纸", "湿巾", "手帕纸"],
        PACKS,
        None,
    ),
    shelf(
        "personal/care",
        "standard",
        2_800,
        ["洗发水", "沐浴露", "牙膏", "护手霜", "面膜"],
        BOTTLES,
        None,
    ),
];

const CUPS: [&str; 4] = ["小杯", "中杯", "大杯", "超大杯"];
const BOTTLES: [&str; 4] = ["250 ml", "500 ml", "1 l", "2 l"];
const LOAVES: [&str; 4] = ["单个", "两个装", "四个装", "家庭装"];
const PACKS: [&str; 4] = ["小包", "中包", "大包", "家庭装"];
const GRADES: [&str; 4] = ["散装", "精选", "有机", "进口"];

const fn shelf(
    category: &'static str,
    tax_class: &'static str,
    base_price: i64,
    names: [&'static str; 5],
    sizes: [&'static str; 4],
    tag: Option<&'static str>,
) -> Shelf {
    Shelf {
        category,
        tax_class,
        by_weight: false,
        base_price,
        names,
        sizes,
        tag,
    }
}

const fn fresh(category: &'static str, base_price: i64, names: [&'static str; 5]) -> Shelf {
    Shelf {
        category,
        tax_class: "reduced",
        by_weight: true,
        base_price,
        names,
        sizes: GRADES,
        tag: None,
    }
}

/// All three hundred, shelf by shelf.
pub fn articles() -> Vec<Article> {
    let mut articles = Vec::with_capacity(300);
    for shelf in &SHELVES {
        for (kind, name) in shelf.names.iter().enumerate() {
            for (size, label) in shelf.sizes.iter().enumerate() {
                let number = articles.len() as i64 + 1;
                let price =
                    shelf.base_price + kind as i64 * 150 + size as i64 * (shelf.base_price / 3);
                articles.push(Article {
                    sku: format!("A{number:04}"),
                    name: format!("{name} {label}"),
                    category: shelf.category,
                    barcode: ean13(690_100_000_000 + number * 7),
                    by_weight: shelf.by_weight,
                    price,
                    member_price: (number % 4 == 0).then_some(price - price / 20),
                    cost: price * 6 / 10,
                    tax_class: shelf.tax_class,
                    tags: shelf.tag.into_iter().collect(),
                });
            }
        }
    }
    articles
}

/// Appends the check digit of EAN-13 (GS1 General Specifications, section 7.9) to twelve digits.
fn ean13(twelve: i64) -> String {
    let digits = format!("{twelve:012}");
    let sum: u32 = digits
        .bytes()
        .enumerate()
        .map(|(place, digit)| u32::from(digit - b'0') * if place % 2 == 0 { 1 } else { 3 })
        .sum();
    format!("{digits}{}", (10 - sum % 10) % 10)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn there_are_three_hundred_articles_with_barcodes_of_their_own() {
        let articles = articles();
        assert_eq!(articles.len(), 300);
        assert_eq!(
            articles
                .iter()
                .map(|a| &a.barcode)
                .collect::<HashSet<_>>()
                .len(),
            300
        );
        assert!(
            articles
                .iter()
                .all(|a| a.cost < a.price && a.member_price.is_none_or(|p| p > a.cost))
        );
    }

    #[test]
    fn the_check_digit_is_that_of_a_printed_example() {
        assert_eq!(ean13(400_638_133_393), "4006381333931");
    }
}
