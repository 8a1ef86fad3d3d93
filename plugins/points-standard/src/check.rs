//! What contradicts itself in a configuration, with its place and remedy.

use tessera_sdk::prelude::*;

use crate::caps::Caps;
use crate::config::{Config, PointsPer};
use crate::event::Event;
use crate::steps::Steps;

/// The most entries of a list.
const MOST: usize = 200;
/// The most awards one order can bring, less those every rule has.
const MOST_UNITS: usize = 50;
/// The highest multiplier.
const HIGHEST: Rate = Rate::whole(1000);

/// Gathers problems with little ceremony.
struct Problems(Vec<ConfigProblem>);

impl Problems {
    fn unless(&mut self, holds: bool, pointer: impl Into<String>, remedy: &str) {
        if !holds {
            self.0.push(ConfigProblem::at(pointer, remedy));
        }
    }

    fn at_most(&mut self, count: usize, most: usize, pointer: &str) {
        self.unless(
            count <= most,
            pointer,
            &format!("must have at most {most} entries"),
        );
    }

    fn not_negative(&mut self, amount: i64, pointer: impl Into<String>) {
        self.unless(amount >= 0, pointer, "must be 0 or more");
    }

    fn positive(&mut self, amount: i64, pointer: impl Into<String>) {
        self.unless(amount > 0, pointer, "must be 1 or more");
    }

    fn multiplier(&mut self, multiplier: Rate, pointer: impl Into<String>) {
        let in_range = Rate::ZERO <= multiplier && multiplier <= HIGHEST;
        self.unless(in_range, pointer, "must be between 0 and 1000");
    }

    fn points_per(&mut self, per: PointsPer, pointer: &str) {
        self.positive(per.spend.0, format!("{pointer}/spend"));
        self.positive(per.points.0, format!("{pointer}/points"));
    }

    /// Multipliers by name: each named once and in range.
    fn named<'a>(
        &mut self,
        list: &str,
        field: &str,
        entries: impl Iterator<Item = (&'a str, Rate)> + Clone,
    ) {
        self.at_most(entries.clone().count(), MOST, &format!("/{list}"));
        for (position, (name, multiplier)) in entries.clone().enumerate().take(MOST) {
            let at = |field: &str| format!("/{list}/{position}/{field}");
            self.unless(!name.trim().is_empty(), at(field), "must not be empty");
            self.multiplier(multiplier, at("multiplier"));
            let is_new = entries
                .clone()
                .take(position)
                .all(|(other, _)| other != name);
            self.unless(is_new, at(field), "stands twice; leave one of them out");
        }
    }
}

/// Everything wrong with a configuration.
pub fn problems(config: &Config) -> Vec<ConfigProblem> {
    let mut problems = Problems(config.when.problems("/when"));
    problems.0.extend(config.who.problems("/who"));
    problems.0.extend(config.goods.problems("/goods"));
    amounts(config, &mut problems);
    multipliers(config, &mut problems);
    if let Some(steps) = &config.steps {
        levels(steps, &mut problems);
    }
    bonuses(config, &mut problems);
    events(&config.events, &mut problems);
    if let Some(caps) = config.caps {
        limits(config, caps, &mut problems);
    }
    days(config, &mut problems);
    problems.0
}

fn amounts(config: &Config, problems: &mut Problems) {
    let earns = config.points_per.is_some()
        || !config.per_unit.is_empty()
        || config.per_order.is_positive()
        || config.per_visit.is_positive()
        || !config.events.is_empty();
    let negative = config.per_order.is_negative() || config.per_visit.is_negative();
    problems.unless(
        earns || negative,
        "",
        "must earn something: set points_per, per_unit, per_order, per_visit or events",
    );
    if let Some(per) = config.points_per {
        problems.points_per(per, "/points_per");
    }
    problems.not_negative(config.per_order.0, "/per_order");
    problems.not_negative(config.per_visit.0, "/per_visit");
    problems.not_negative(config.minimum.0, "/minimum");
    problems.positive(config.round_to.0, "/round_to");
    problems.at_most(config.per_unit.len(), MOST_UNITS, "/per_unit");
    for (position, units) in config.per_unit.iter().enumerate().take(MOST_UNITS) {
        let at = |field: &str| format!("/per_unit/{position}/{field}");
        problems.0.extend(units.goods.problems(&at("goods")));
        problems.positive(units.points.0, at("points"));
        problems.unless(
            (1..=10_000).contains(&units.units),
            at("units"),
            "must be between 1 and 10000",
        );
    }
}

fn multipliers(config: &Config, problems: &mut Problems) {
    let categories = config.categories.iter();
    problems.named(
        "categories",
        "category",
        categories.map(|entry| (entry.category.as_str(), entry.multiplier)),
    );
    for (position, entry) in config.categories.iter().enumerate().take(MOST) {
        let is_path =
            entry.category.is_empty() || entry.category.split('/').all(|part| !part.is_empty());
        problems.unless(
            is_path,
            format!("/categories/{position}/category"),
            "must be a path such as drinks/coffee",
        );
    }
    let tags = config.tags.iter();
    problems.named(
        "tags",
        "tag",
        tags.map(|entry| (entry.tag.as_str(), entry.multiplier)),
    );
    let products = config.products.iter();
    problems.named(
        "products",
        "product",
        products.map(|entry| (entry.product.as_str(), entry.multiplier)),
    );
    let brands = config.brands.iter();
    problems.named(
        "brands",
        "brand",
        brands.map(|entry| (entry.brand.as_str(), entry.multiplier)),
    );
    problems.at_most(config.margins.len(), MOST, "/margins");
    for (position, entry) in config.margins.iter().enumerate().take(MOST) {
        let at = |field: &str| format!("/margins/{position}/{field}");
        let is_share = Rate::ZERO <= entry.from && entry.from <= Rate::ONE;
        problems.unless(is_share, at("from"), "must be between 0 and 100 %");
        problems.multiplier(entry.multiplier, at("multiplier"));
        let lower = position
            .checked_sub(1)
            .map(|lower| config.margins[lower].from);
        problems.unless(
            lower.is_none_or(|lower| lower < entry.from),
            at("from"),
            "must be higher than the one before; order the entries by it",
        );
    }
}

fn levels(steps: &Steps, problems: &mut Problems) {
    let levels = &steps.levels;
    problems.unless(
        (1..=50).contains(&levels.len()),
        "/steps/levels",
        "must have between 1 and 50 entries",
    );
    for (position, level) in levels.iter().enumerate().take(50) {
        let at = |field: &str| format!("/steps/levels/{position}/{field}");
        problems.positive(level.from.0, at("from"));
        problems.multiplier(level.multiplier, at("multiplier"));
        problems.not_negative(level.points.0, at("points"));
        let lower = position.checked_sub(1).map(|lower| levels[lower].from);
        problems.unless(
            lower.is_none_or(|lower| lower < level.from),
            at("from"),
            "must be higher than the one before; order the entries by it",
        );
    }
    let is_share = Rate::ZERO < steps.tell_from && steps.tell_from <= Rate::ONE;
    problems.unless(
        is_share,
        "/steps/tell_from",
        "must be more than 0 and at most 100 %",
    );
}

fn bonuses(config: &Config, problems: &mut Problems) {
    problems.at_most(config.bonuses.len(), MOST, "/bonuses");
    for (position, bonus) in config.bonuses.iter().enumerate().take(MOST) {
        let at = |field: &str| format!("/bonuses/{position}/{field}");
        problems.0.extend(bonus.when.problems(&at("when")));
        problems.0.extend(bonus.who.problems(&at("who")));
        problems.multiplier(bonus.multiplier, at("multiplier"));
        problems.not_negative(bonus.points.0, at("points"));
        let changes_nothing = bonus.multiplier == Rate::ONE && bonus.points.is_zero();
        problems.unless(
            !changes_nothing,
            at("multiplier"),
            "changes nothing; set a multiplier or points",
        );
        let same = |other: &&crate::Bonus| other.when == bonus.when && other.who == bonus.who;
        let before = config.bonuses.iter().take(position);
        problems.unless(
            before.filter(same).count() == 0,
            format!("/bonuses/{position}"),
            "fits exactly when an earlier bonus does; join the two",
        );
    }
}

fn events(events: &[Event], problems: &mut Problems) {
    problems.at_most(events.len(), MOST, "/events");
    for (position, event) in events.iter().enumerate().take(MOST) {
        let at = |field: &str| format!("/events/{position}/{field}");
        problems.0.extend(event.who.problems(&at("who")));
        problems.not_negative(event.points.0, at("points"));
        problems.not_negative(event.minimum.0, at("minimum"));
        if let Some(per) = event.points_per {
            problems.points_per(per, &at("points_per"));
        }
        let grants = event.coupons.is_some() || event.bonus.is_some();
        problems.unless(
            grants || event.points_per.is_some() || !event.points.is_zero(),
            at("points"),
            "gives nothing; set points, points_per, coupons or bonus",
        );
        if let Some(coupons) = &event.coupons {
            problems.0.extend(coupons.problems(&at("coupons")));
        }
        if let Some(bonus) = &event.bonus {
            problems.0.extend(bonus.problems(&at("bonus")));
        }
        if !event.on.has_money() {
            let no_money = "must be left out: this event has no money";
            problems.unless(event.points_per.is_none(), at("points_per"), no_money);
            problems.unless(!event.minimum.is_positive(), at("minimum"), no_money);
        }
        let same = |other: &&Event| {
            other.on == event.on && other.minimum == event.minimum && other.who == event.who
        };
        problems.unless(
            events.iter().take(position).filter(same).count() == 0,
            format!("/events/{position}"),
            "fits exactly when an earlier entry does; leave one of them out",
        );
    }
}

fn limits(config: &Config, caps: Caps, problems: &mut Problems) {
    let all = [
        ("/caps/order", caps.order),
        ("/caps/day", caps.day),
        ("/caps/month", caps.month),
        ("/caps/year", caps.year),
    ];
    let mut shorter: Option<Points> = None;
    for (pointer, cap) in all {
        let Some(cap) = cap else { continue };
        problems.positive(cap.0, pointer);
        problems.unless(
            shorter.is_none_or(|shorter| shorter <= cap),
            pointer,
            "must not be below the cap of a shorter time",
        );
        shorter = Some(cap);
    }
    let fixed = config.per_order.max(config.per_visit);
    problems.unless(
        caps.order
            .is_none_or(|cap| !cap.is_positive() || fixed <= cap),
        "/caps/order",
        "must not be below the points an order or visit gets anyway",
    );
}

fn days(config: &Config, problems: &mut Problems) {
    problems.unless(
        config.pending_days <= 3650,
        "/pending_days",
        "must be 3650 or less",
    );
    problems.unless(
        config.expire_after_days.is_none_or(|days| days <= 36500),
        "/expire_after_days",
        "must be 36500 or less",
    );
    problems.unless(
        config.expire_at_end.is_none_or(|end| end.after <= 120),
        "/expire_at_end/after",
        "must be 120 or less",
    );
    problems.unless(
        config.expire_after_days.is_none() || config.expire_at_end.is_none(),
        "/expire_at_end",
        "contradicts expire_after_days; leave one of them out",
    );
}
