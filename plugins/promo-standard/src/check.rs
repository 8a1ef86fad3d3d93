//! What contradicts itself in a configuration, with its place and remedy.

use tessera_sdk::types::ConfigProblem;
use tessera_sdk::{Money, Rate};

use crate::bundle::{Bundle, SETS_MAX, Take};
use crate::buy_get::{BuyGet, Repeat};
use crate::config::{Amount, Apply, Config, Floor, Kind, On, PaidWith};
use crate::gift::Gift;
use crate::grant::{COUNT_MAX, Coupons, Draw};
use crate::price::ListPrice;
use crate::steps::{Mode, Steps};

const PIECES_MAX: u32 = 1_000;
const PRICES_MAX: usize = 500;
const LEVELS_MAX: usize = 50;
const PARTS_MAX: usize = 20;
/// Ten years.
const DAYS_MAX: u16 = 3_660;
const NAME_MAX: usize = 100;

/// Everything wrong with a configuration.
pub fn problems(config: &Config) -> Vec<ConfigProblem> {
    let mut problems = discount(&config.discount);
    problems.extend(config.goods.problems("/goods"));
    problems.extend(config.when.problems("/when"));
    problems.extend(minimum(config));
    problems.extend(limit(config));
    problems.extend(config.who.problems("/who"));
    if let Some(paid) = &config.paid_with {
        problems.extend(paid_with(paid));
    }
    if let Some(least) = config.floor {
        problems.extend(floor(least));
    }
    if config.cap.is_negative() {
        problems.push(ConfigProblem::at(
            "/cap",
            "A cap is more than zero; 0 is no cap.",
        ));
    }
    problems
}

fn full() -> Rate {
    Rate::percent(100)
}

fn share(pointer: &str, rate: Rate) -> Option<ConfigProblem> {
    let good = !rate.is_zero() && !rate.is_negative() && rate <= full();
    (!good).then(|| {
        ConfigProblem::at(
            pointer,
            "Write a share of more than 0 and at most 100 %, such as \"10%\".",
        )
    })
}

fn discount(discount: &Kind) -> Vec<ConfigProblem> {
    match discount {
        Kind::Percent(percent) => {
            let rate = share("/discount/percent/rate", percent.rate);
            rate.into_iter()
                .chain(apply("/discount/percent/apply", percent.on, percent.apply))
                .collect()
        }
        Kind::Amount(rule) => amount(rule),
        Kind::BuyGet(rule) => buy_get(rule),
        Kind::Price(rule) => not_negative("/discount/price/price", rule.price)
            .into_iter()
            .collect(),
        Kind::PriceList(rule) => prices(&rule.prices),
        Kind::Steps(rule) => steps(rule),
        Kind::Bundle(rule) => bundle(rule),
        Kind::Gift(rule) => gift(rule),
        Kind::Coupons(rule) => coupons(rule),
        Kind::Draw(rule) => draw(rule),
    }
}

fn coupons(rule: &Coupons) -> Vec<ConfigProblem> {
    let mut problems = granted("/discount/coupons/binding", &rule.binding);
    problems.extend(grant_count("/discount/coupons/count", rule.count));
    problems.extend(not_negative("/discount/coupons/every", rule.every));
    for (field, days) in [
        ("from_days", rule.from_days),
        ("valid_days", rule.valid_days),
    ] {
        if days > DAYS_MAX {
            let pointer = format!("/discount/coupons/{field}");
            problems.push(ConfigProblem::at(pointer, "Write at most 3660 days."));
        }
    }
    problems
}

fn draw(rule: &Draw) -> Vec<ConfigProblem> {
    let mut problems = granted("/discount/draw/name", &rule.name);
    problems.extend(grant_count("/discount/draw/entries", rule.entries));
    problems.extend(not_negative("/discount/draw/every", rule.every));
    problems
}

fn granted(pointer: &str, name: &str) -> Vec<ConfigProblem> {
    let good = !name.trim().is_empty() && name.len() <= NAME_MAX;
    let problem = || ConfigProblem::at(pointer, "Write a name of at most 100 bytes.");
    (!good).then(problem).into_iter().collect()
}

fn grant_count(pointer: &str, count: u32) -> Option<ConfigProblem> {
    let message = "Write between 1 and 100.";
    (!(1..=COUNT_MAX).contains(&count)).then(|| ConfigProblem::at(pointer, message))
}

fn limit(config: &Config) -> Vec<ConfigProblem> {
    let by_price = matches!(config.discount, Kind::Price(_) | Kind::PriceList(_));
    let fields = [
        ("units", config.limit.units),
        ("units_per_order", config.limit.units_per_order),
    ];
    let wrong = fields
        .into_iter()
        .filter(|(_, units)| *units > 0 && !by_price);
    let message = "Only a price or a price list counts units; leave it out.";
    wrong
        .map(|(field, _)| ConfigProblem::at(format!("/limit/{field}"), message))
        .collect()
}

fn amount(rule: &Amount) -> Vec<ConfigProblem> {
    let mut problems = Vec::new();
    if !rule.off.is_positive() {
        let message = "Write an amount of 1 minor unit or more.";
        problems.push(ConfigProblem::at("/discount/amount/off", message));
    }
    problems.extend(apply("/discount/amount/apply", rule.on, rule.apply));
    problems.extend(not_negative("/discount/amount/every", rule.every));
    let by_piece = rule.apply == Apply::Each || matches!(rule.on, On::Cheapest | On::MostExpensive);
    if rule.every.is_positive() && by_piece {
        let message =
            "Only an amount off the order or the goods together can repeat; leave it out.";
        problems.push(ConfigProblem::at("/discount/amount/every", message));
    } else if rule.every.is_positive() && rule.off > rule.every {
        let message = "It is below the amount taken off for it; write more.";
        problems.push(ConfigProblem::at("/discount/amount/every", message));
    }
    problems
}

fn buy_get(rule: &BuyGet) -> Vec<ConfigProblem> {
    let mut problems: Vec<_> = share("/discount/buy-get/rate", rule.rate)
        .into_iter()
        .collect();
    problems.extend(pieces("/discount/buy-get/buy", rule.buy));
    problems.extend(pieces("/discount/buy-get/get", rule.get));
    problems.extend(rule.get_goods.problems("/discount/buy-get/get_goods"));
    if rule.repeat == Repeat::Once && rule.most > 1 {
        let message = "It contradicts `repeat`, which says once; leave one of them out.";
        problems.push(ConfigProblem::at("/discount/buy-get/most", message));
    }
    problems
}

fn pieces(pointer: &str, count: u32) -> Option<ConfigProblem> {
    let message = "Write between 1 and 1000 pieces.";
    (!(1..=PIECES_MAX).contains(&count)).then(|| ConfigProblem::at(pointer, message))
}

fn not_negative(pointer: &str, amount: Money) -> Option<ConfigProblem> {
    let message = "Write an amount of zero or more.";
    amount
        .is_negative()
        .then(|| ConfigProblem::at(pointer, message))
}

fn prices(prices: &[ListPrice]) -> Vec<ConfigProblem> {
    let mut problems = Vec::new();
    if !(1..=PRICES_MAX).contains(&prices.len()) {
        let message = "Write between 1 and 500 prices.";
        problems.push(ConfigProblem::at("/discount/price-list/prices", message));
    }
    for (position, entry) in prices.iter().enumerate().take(PRICES_MAX) {
        let at = |field: &str| format!("/discount/price-list/prices/{position}/{field}");
        if entry.product.trim().is_empty() {
            problems.push(ConfigProblem::at(at("product"), "Write a product's id."));
        }
        problems.extend(not_negative(&at("price"), entry.price));
        let same = |other: &&ListPrice| other.product == entry.product;
        if entry.from == 0 {
            problems.push(ConfigProblem::at(at("from"), "Write 1 unit or more."));
        }
        for other in prices.iter().take(position).filter(same) {
            if other.from == entry.from {
                let message = "The product has a price from this quantity already; remove one.";
                problems.push(ConfigProblem::at(at("from"), message));
            } else if (other.from < entry.from) != (entry.price < other.price) {
                let message =
                    "A larger quantity must cost less for each unit; change one of the prices.";
                problems.push(ConfigProblem::at(at("price"), message));
            }
        }
    }
    problems
}

fn steps(rule: &Steps) -> Vec<ConfigProblem> {
    let mut problems = Vec::new();
    if !(1..=LEVELS_MAX).contains(&rule.levels.len()) {
        let message = "Write between 1 and 50 steps.";
        problems.push(ConfigProblem::at("/discount/steps/levels", message));
    }
    if matches!(rule.on, On::Cheapest | On::MostExpensive) {
        let message = "Steps are taken off the order or the goods.";
        problems.push(ConfigProblem::at("/discount/steps/on", message));
    }
    for (position, level) in rule.levels.iter().enumerate().take(LEVELS_MAX) {
        let at = |field: &str| format!("/discount/steps/levels/{position}/{field}");
        if level.from < 1 {
            problems.push(ConfigProblem::at(at("from"), "Write 1 or more."));
        }
        match (level.off, level.rate) {
            (Some(off), None) if !off.is_positive() => {
                let message = "Write an amount of 1 minor unit or more.";
                problems.push(ConfigProblem::at(at("off"), message));
            }
            (None, Some(rate)) => problems.extend(share(&at("rate"), rate)),
            (Some(_), Some(_)) | (None, None) => {
                let message = "Write either `off` or `rate`.";
                problems.push(ConfigProblem::at(at("off"), message));
            }
            (Some(_), None) => {}
        }
        let Some(lower) = position.checked_sub(1).map(|lower| rule.levels[lower]) else {
            continue;
        };
        if level.from <= lower.from {
            let message = "Each step must begin above the one before it; order them by it.";
            problems.push(ConfigProblem::at(at("from"), message));
        }
        let less =
            |mine: Option<Rate>, lower: Option<Rate>| mine.zip(lower).is_some_and(|(a, b)| a <= b);
        let less_off = level.off.zip(lower.off).is_some_and(|(a, b)| a <= b);
        if rule.mode == Mode::Highest && (less_off || less(level.rate, lower.rate)) {
            let field = if less_off { "off" } else { "rate" };
            let message = "A higher step must take off more than the one before it.";
            problems.push(ConfigProblem::at(at(field), message));
        }
    }
    problems
}

fn bundle(rule: &Bundle) -> Vec<ConfigProblem> {
    let mut problems = Vec::new();
    if !(1..=PARTS_MAX).contains(&rule.parts.len()) {
        let message = "Write between 1 and 20 parts.";
        problems.push(ConfigProblem::at("/discount/bundle/parts", message));
    }
    for (position, part) in rule.parts.iter().enumerate().take(PARTS_MAX) {
        let at = |field: &str| format!("/discount/bundle/parts/{position}/{field}");
        problems.extend(part.goods.problems(&at("goods")));
        problems.extend(pieces(&at("pieces"), part.pieces));
    }
    match rule.take {
        Take::Price(price) => problems.extend(not_negative("/discount/bundle/take/price", price)),
        Take::Off(off) if !off.is_positive() => {
            let message = "Write an amount of 1 minor unit or more.";
            problems.push(ConfigProblem::at("/discount/bundle/take/off", message));
        }
        Take::Off(_) => {}
        Take::Rate(rate) => problems.extend(share("/discount/bundle/take/rate", rate)),
    }
    if !(1..=SETS_MAX).contains(&rule.most) {
        let message = "Write between 1 and 500 sets.";
        problems.push(ConfigProblem::at("/discount/bundle/most", message));
    }
    problems
}

fn gift(rule: &Gift) -> Vec<ConfigProblem> {
    let mut problems = rule.choice.problems("/discount/gift/choice");
    if rule.choice.is_everything() {
        let message = "Name what can be chosen.";
        problems.push(ConfigProblem::at("/discount/gift/choice", message));
    }
    problems.extend(pieces("/discount/gift/pieces", rule.pieces));
    problems.extend(not_negative("/discount/gift/price", rule.price));
    problems
}

fn apply(pointer: &str, on: On, apply: Apply) -> Option<ConfigProblem> {
    let message = "Only the goods can get it each; set `on` to `goods` or leave `apply` out.";
    (apply == Apply::Each && on != On::Goods).then(|| ConfigProblem::at(pointer, message))
}

fn minimum(config: &Config) -> Vec<ConfigProblem> {
    let mut problems = Vec::new();
    if config.minimum.amount.is_negative() {
        problems.push(ConfigProblem::at(
            "/minimum/amount",
            "A minimum is zero or more.",
        ));
    }
    if let Some(problem) = share("/minimum/tell_from", config.minimum.tell_from) {
        problems.push(problem);
    }
    problems
}

fn paid_with(paid_with: &PaidWith) -> Vec<ConfigProblem> {
    let mut problems: Vec<_> = share("/paid_with/share", paid_with.share)
        .into_iter()
        .collect();
    if paid_with.tenders.is_empty() {
        let message = "Name a tender, or leave the condition out.";
        problems.push(ConfigProblem::at("/paid_with/tenders", message));
    }
    for (position, tender) in paid_with.tenders.iter().enumerate() {
        if paid_with.tenders[..position].contains(tender) {
            let at = format!("/paid_with/tenders/{position}");
            problems.push(ConfigProblem::at(at, "It stands twice; remove one."));
        }
    }
    problems
}

fn floor(floor: Floor) -> Vec<ConfigProblem> {
    let mut problems = Vec::new();
    let is_part = |rate: Rate| !rate.is_negative() && rate < full();
    let message = "Write a share of 0 or more and less than 100 %.";
    if !is_part(floor.price) {
        problems.push(ConfigProblem::at("/floor/price", message));
    }
    if floor.margin.is_some_and(|margin| !is_part(margin)) {
        problems.push(ConfigProblem::at("/floor/margin", message));
    }
    if floor.price.is_zero() && floor.margin.is_none() {
        let message = "It holds nothing; write a share, or leave the floor out.";
        problems.push(ConfigProblem::at("/floor", message));
    }
    problems
}
