//! What contradicts itself in a configuration, with its place and remedy.

use tessera_sdk::types::ConfigProblem;

use crate::config::{Config, MinimumOf, PaysOn, PointsPer};

/// Ten years.
const DAYS_MAX: u32 = 3_660;
const ORDERS_MAX: u32 = 1_000;
const STEPS_MAX: usize = 50;

/// Everything wrong with a configuration.
pub fn problems(config: &Config) -> Vec<ConfigProblem> {
    let mut problems = config.when.problems("/when");
    problems.extend(config.referees.problems("/referees"));
    problems.extend(config.referrers.problems("/referrers"));
    let mut unless = |holds: bool, pointer: &str, message: &str| {
        if !holds {
            problems.push(ConfigProblem::at(pointer, message));
        }
    };
    let not_negative = "Points are zero or more.";
    unless(
        !config.referee_points.is_negative(),
        "/referee_points",
        not_negative,
    );
    unless(
        !config.referrer_points.is_negative(),
        "/referrer_points",
        not_negative,
    );
    unless(
        !config.second_referrer_points.is_negative(),
        "/second_referrer_points",
        not_negative,
    );
    unless(
        !config.cap_points.is_negative(),
        "/cap_points",
        not_negative,
    );
    let nobody = config.referee_points.is_zero()
        && config.referrer_points.is_zero()
        && config.referee_per.is_none()
        && config.referrer_per.is_none()
        && config.referrer_steps.is_empty()
        && config.referee_coupons.is_none()
        && config.referee_bonus.is_none()
        && config.referrer_coupons.is_none()
        && config.referrer_bonus.is_none();
    unless(
        !nobody,
        "/referee_points",
        "Nobody gets anything; give something to one side at least.",
    );
    unless(
        !config.minimum_amount.is_negative(),
        "/minimum_amount",
        "A minimum is zero or more.",
    );
    let of_all = config.minimum_of == MinimumOf::Total;
    unless(
        !of_all || config.minimum_amount.is_positive() || config.minimum_amount.is_negative(),
        "/minimum_amount",
        "Orders together can only reach a minimum above zero; write one.",
    );
    unless(
        !of_all || config.orders == 1,
        "/orders",
        "Orders together reach the minimum once; leave it out.",
    );
    unless(
        (1..=ORDERS_MAX).contains(&config.order_number),
        "/order_number",
        "Write between 1 and 1000.",
    );
    unless(
        (1..=ORDERS_MAX).contains(&config.orders),
        "/orders",
        "Write between 1 and 1000 orders.",
    );
    for (pointer, days) in [
        ("/within_days", config.within_days),
        ("/pending_days", config.pending_days),
        ("/expiry_days", config.expiry_days),
    ] {
        unless(days <= DAYS_MAX, pointer, "Write at most 3660 days.");
    }
    let cut = config.cap_points.is_positive() && config.cap_points < config.referrer_points;
    unless(
        !cut,
        "/cap_points",
        "It is below what one referral pays; write more, or pay less.",
    );
    joining(config, &mut problems);
    for (pointer, coupons) in [
        ("/referee_coupons", &config.referee_coupons),
        ("/referrer_coupons", &config.referrer_coupons),
    ] {
        problems.extend(coupons.iter().flat_map(|coupons| coupons.problems(pointer)));
    }
    for (pointer, bonus) in [
        ("/referee_bonus", &config.referee_bonus),
        ("/referrer_bonus", &config.referrer_bonus),
    ] {
        problems.extend(bonus.iter().flat_map(|bonus| bonus.problems(pointer)));
    }
    per("/referee_per", config.referee_per, &mut problems);
    per("/referrer_per", config.referrer_per, &mut problems);
    steps(config, &mut problems);
    problems
}

/// What looks at an order has no meaning where joining pays.
fn joining(config: &Config, problems: &mut Vec<ConfigProblem>) {
    if config.on != PaysOn::Joining {
        return;
    }
    for (pointer, is_set) in [
        ("/referee_per", config.referee_per.is_some()),
        ("/referrer_per", config.referrer_per.is_some()),
        ("/minimum_amount", config.minimum_amount.is_positive()),
        ("/minimum_of", config.minimum_of != MinimumOf::Order),
        ("/order_number", config.order_number != 1),
        ("/orders", config.orders != 1),
    ] {
        if is_set {
            let message = "Joining is no order; leave it out, or let an order pay.";
            problems.push(ConfigProblem::at(pointer, message));
        }
    }
}

fn per(pointer: &str, per: Option<PointsPer>, problems: &mut Vec<ConfigProblem>) {
    let Some(per) = per else { return };
    for (field, holds, message) in [
        (
            "spend",
            per.spend.is_positive(),
            "Write 1 minor unit or more.",
        ),
        ("points", per.points.is_positive(), "Write 1 point or more."),
        ("most", !per.most.is_negative(), "Points are zero or more."),
    ] {
        if !holds {
            problems.push(ConfigProblem::at(format!("{pointer}/{field}"), message));
        }
    }
}

fn steps(config: &Config, problems: &mut Vec<ConfigProblem>) {
    let steps = &config.referrer_steps;
    if steps.len() > STEPS_MAX {
        let message = "Write at most 50 steps.";
        problems.push(ConfigProblem::at("/referrer_steps", message));
    }
    for (position, step) in steps.iter().enumerate().take(STEPS_MAX) {
        let at = |field: &str| format!("/referrer_steps/{position}/{field}");
        let lower = position.checked_sub(1).map_or(1, |lower| steps[lower].from);
        if step.from <= lower {
            let message = "Steps begin at the second referral or later, each above the one before.";
            problems.push(ConfigProblem::at(at("from"), message));
        }
        if step.points.is_negative() {
            problems.push(ConfigProblem::at(at("points"), "Points are zero or more."));
        }
        if config.cap > 0 && step.from > config.cap {
            let message = "The cap ends before this step begins; raise it or remove the step.";
            problems.push(ConfigProblem::at(at("from"), message));
        }
    }
}
