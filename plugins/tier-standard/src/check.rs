//! What contradicts itself in a configuration, with its place and remedy.

use tessera_sdk::types::ConfigProblem;

use crate::config::{Config, Renewal, Tier, ValidityTo, WindowName};

const TIERS_MAX: usize = 20;
const ALSO_MAX: usize = 4;
/// Ten years.
const DAYS_MAX: u32 = 3_660;

/// Everything wrong with a configuration.
pub fn problems(config: &Config) -> Vec<ConfigProblem> {
    let mut problems = Vec::new();
    if config.tiers.is_empty() || config.tiers.len() > TIERS_MAX {
        problems.push(ConfigProblem::at("/tiers", "Name between 1 and 20 tiers."));
    }
    for position in 0..config.tiers.len().min(TIERS_MAX) {
        tier(config, position, &mut problems);
    }
    let mut unless = |holds: bool, pointer: &str, message: &str| {
        if !holds {
            problems.push(ConfigProblem::at(pointer, message));
        }
    };
    let is_path = |path: &String| path.split('/').all(|part| !part.trim().is_empty());
    unless(
        config.category.as_ref().is_none_or(is_path),
        "/category",
        "Write a path such as drinks/coffee, or leave it out.",
    );
    unless(
        (1..=DAYS_MAX).contains(&config.window_days),
        "/window_days",
        "Write between 1 and 3660 days.",
    );
    unless(
        config.validity_days <= DAYS_MAX,
        "/validity_days",
        "Write at most 3660 days; 0 is for good.",
    );
    unless(
        config.grace_days <= DAYS_MAX,
        "/grace_days",
        "Write at most 3660 days.",
    );
    let for_good = config.validity_days == 0;
    unless(
        !for_good || config.grace_days == 0,
        "/grace_days",
        "A tier for good needs no grace; set a validity or leave it out.",
    );
    unless(
        !for_good || config.validity_to == ValidityTo::Day,
        "/validity_to",
        "A tier for good has no last day; set a validity or leave it out.",
    );
    let by_calendar = matches!(
        config.window,
        WindowName::CalendarMonth | WindowName::CalendarYear
    );
    unless(
        for_good || !by_calendar || config.renewal == Renewal::AtOnce,
        "/renewal",
        "A calendar window begins from zero before the validity ends; write at-once.",
    );
    problems
}

fn tier(config: &Config, position: usize, problems: &mut Vec<ConfigProblem>) {
    let tier = &config.tiers[position];
    let before = &config.tiers[..position];
    let mut say = |field: &str, message: &str| {
        let pointer = format!("/tiers/{position}/{field}");
        problems.push(ConfigProblem::at(pointer, message));
    };
    if !is_code(&tier.code) {
        say(
            "code",
            "Write 1 to 40 lower-case letters, digits and hyphens.",
        );
    } else if before.iter().any(|other| other.code == tier.code) {
        say("code", "Two tiers have this code; give each its own.");
    }
    if tier.name.trim().is_empty() || tier.name.chars().count() > 80 {
        say("name", "Write a name of 1 to 80 characters.");
    }
    let lower = before.iter().rev().find(|lower| !lower.by_invitation);
    if tier.by_invitation {
        if tier.threshold != 0 {
            say(
                "threshold",
                "A tier by invitation is never reached; leave the threshold out.",
            );
        }
    } else if tier.threshold < 0 {
        say("threshold", "A threshold is zero or more.");
    } else if lower.is_some_and(|lower| tier.threshold <= lower.threshold) {
        say(
            "threshold",
            "Each tier needs a higher threshold than the one before it; order them by it.",
        );
    }
    also(config, tier, lower, &mut say);
    if tier.multiplier.is_zero() || tier.multiplier.is_negative() {
        say(
            "multiplier",
            "A multiplier is more than zero; 1 changes nothing.",
        );
    }
}

fn also(config: &Config, tier: &Tier, lower: Option<&Tier>, say: &mut impl FnMut(&str, &str)) {
    if tier.also.len() > ALSO_MAX {
        say("also", "Write at most 4 conditions.");
    }
    if tier.by_invitation && !tier.also.is_empty() {
        say(
            "also",
            "A tier by invitation is never reached; leave the conditions out.",
        );
    }
    for (position, one) in tier.also.iter().enumerate().take(ALSO_MAX) {
        if one.at_least < 1 {
            say(&format!("also/{position}/at_least"), "Write 1 or more.");
        }
        let same = |other: &&crate::Also| other.counted == one.counted;
        let is_main = one.counted == config.counted && config.category.is_none();
        if is_main || tier.also.iter().take(position).any(|other| same(&other)) {
            say(
                &format!("also/{position}/counted"),
                "The tier has a threshold for this already; leave one of them out.",
            );
        }
        let below = lower.and_then(|lower| lower.also.iter().find(same));
        if below.is_some_and(|below| one.at_least <= below.at_least) {
            say(
                &format!("also/{position}/at_least"),
                "It must be higher than that of the tier before.",
            );
        }
    }
}

fn is_code(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=40).contains(&text.len()) && text.bytes().all(allowed)
}
