//! What a chain decides about its tiers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tessera_sdk::types::ConfigProblem;
use tessera_sdk::{Money, Rate};

const TIERS_MAX: usize = 20;
/// Ten years.
const DAYS_MAX: u32 = 3_660;

/// Tiers by spend over the last days.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The tiers, lowest first. A threshold of zero gives the tier to every member.
    #[schemars(title = "Tiers")]
    pub tiers: Vec<Tier>,
    /// Days the spend is added up over, this one included.
    #[schemars(title = "Window in days", range(min = 1, max = 3660))]
    pub window_days: u32,
    /// Days a tier is sure once reached or renewed. Zero: for good.
    #[schemars(title = "Validity in days", range(max = 3660))]
    pub validity_days: u32,
    /// Whether a refund takes the tier away at once when the spend no longer reaches it. Otherwise it stays until its
    /// validity has passed.
    #[schemars(title = "A refund lowers at once")]
    pub refund_lowers: bool,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            tiers: vec![Tier {
                code: "member".into(),
                name: "Member".into(),
                threshold: Money::ZERO,
                multiplier: Rate::ONE,
            }],
            window_days: 365,
            validity_days: 365,
            refund_lowers: false,
        }
    }
}

/// One step of the ladder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tier {
    /// Lower-case letters, digits and hyphens; stays the same for ever.
    #[schemars(title = "Code", regex(pattern = "^[a-z0-9-]{1,40}$"))]
    pub code: String,
    /// What members read.
    #[schemars(title = "Name", length(min = 1, max = 80))]
    pub name: String,
    /// Spend that reaches it, in minor units.
    #[schemars(title = "Threshold", range(min = 0))]
    #[serde(default)]
    pub threshold: Money,
    /// Points are multiplied by this while a member holds it.
    #[schemars(title = "Points multiplier")]
    #[serde(default)]
    pub multiplier: Rate,
}

impl Config {
    /// What contradicts itself, with its place and remedy.
    pub fn problems(&self) -> Vec<ConfigProblem> {
        let mut problems = Vec::new();
        let mut say = |pointer: String, message: &str| {
            problems.push(ConfigProblem::at(pointer, message));
        };
        if self.tiers.is_empty() || self.tiers.len() > TIERS_MAX {
            say("/tiers".into(), "Name between 1 and 20 tiers.");
        }
        for (position, tier) in self.tiers.iter().enumerate().take(TIERS_MAX) {
            let at = |field: &str| format!("/tiers/{position}/{field}");
            let before = &self.tiers[..position];
            if !is_code(&tier.code) {
                say(
                    at("code"),
                    "Write 1 to 40 lower-case letters, digits and hyphens.",
                );
            } else if before.iter().any(|other| other.code == tier.code) {
                say(at("code"), "Two tiers have this code; give each its own.");
            }
            if tier.name.trim().is_empty() || tier.name.chars().count() > 80 {
                say(at("name"), "Write a name of 1 to 80 characters.");
            }
            if tier.threshold.is_negative() {
                say(at("threshold"), "A threshold is zero or more.");
            } else if before
                .last()
                .is_some_and(|lower| tier.threshold <= lower.threshold)
            {
                say(
                    at("threshold"),
                    "Each tier needs a higher threshold than the one before it; order them by it.",
                );
            }
            if tier.multiplier.is_zero() || tier.multiplier.is_negative() {
                say(
                    at("multiplier"),
                    "A multiplier is more than zero; 1 changes nothing.",
                );
            }
        }
        if !(1..=DAYS_MAX).contains(&self.window_days) {
            say("/window_days".into(), "Write between 1 and 3660 days.");
        }
        if self.validity_days > DAYS_MAX {
            say(
                "/validity_days".into(),
                "Write at most 3660 days; 0 is for good.",
            );
        }
        problems
    }
}

fn is_code(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=40).contains(&text.len()) && text.bytes().all(allowed)
}
