//! What contradicts itself in a configuration, with its place and remedy.

use tessera_sdk::Rate;
use tessera_sdk::types::ConfigProblem;

use crate::config::{Apply, Config, Kind, On};

const PIECES_MAX: u32 = 1_000;
const TIERS_MAX: usize = 100;

/// Everything wrong with a configuration.
pub fn problems(config: &Config) -> Vec<ConfigProblem> {
    let mut problems = discount(&config.discount);
    problems.extend(config.goods.problems("/goods"));
    problems.extend(config.when.problems("/when"));
    problems.extend(minimum(config));
    problems.extend(audience(config));
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
        Kind::Amount(amount) => {
            let message = "Write an amount of 1 minor unit or more.";
            let off = (!amount.off.is_positive())
                .then(|| ConfigProblem::at("/discount/amount/off", message));
            off.into_iter()
                .chain(apply("/discount/amount/apply", amount.on, amount.apply))
                .collect()
        }
        Kind::BuyGet(buy_get) => {
            let mut problems: Vec<_> = share("/discount/buy-get/rate", buy_get.rate)
                .into_iter()
                .collect();
            for (pointer, pieces) in [
                ("/discount/buy-get/buy", buy_get.buy),
                ("/discount/buy-get/get", buy_get.get),
            ] {
                if !(1..=PIECES_MAX).contains(&pieces) {
                    problems.push(ConfigProblem::at(
                        pointer,
                        "Write between 1 and 1000 pieces.",
                    ));
                }
            }
            problems
        }
    }
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

fn audience(config: &Config) -> Vec<ConfigProblem> {
    let mut problems = Vec::new();
    let tiers = &config.who.tiers;
    if tiers.len() > TIERS_MAX {
        problems.push(ConfigProblem::at("/who/tiers", "Name at most 100 tiers."));
    }
    for (position, tier) in tiers.iter().enumerate().take(TIERS_MAX) {
        if tier.trim().is_empty() {
            problems.push(ConfigProblem::at(
                format!("/who/tiers/{position}"),
                "Write a tier's code or remove the entry.",
            ));
        }
    }
    problems
}
