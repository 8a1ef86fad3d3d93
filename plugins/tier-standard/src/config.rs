//! What a chain decides about its tiers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tessera_sdk::Rate;

use crate::measure::{Also, Counted, Several};

/// Tiers by what members bought.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The tiers, lowest first. A threshold of zero gives the tier to every member.
    #[schemars(title = "Tiers")]
    pub tiers: Vec<Tier>,
    /// What the thresholds count.
    #[schemars(title = "Counted", extend("default" = "spend"))]
    #[serde(skip_serializing_if = "is_default")]
    pub counted: Counted,
    /// Only purchases in this category or below it count toward the thresholds; everything when left out.
    #[schemars(title = "Category", extend("examples" = ["coffee"]))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// Whether one of a tier's ways is enough or all that it asks for must be reached.
    #[schemars(title = "Several conditions", extend("default" = "any"))]
    #[serde(skip_serializing_if = "is_default")]
    pub several: Several,
    /// The time over which is added up.
    #[schemars(title = "Window", extend("default" = "rolling"))]
    #[serde(skip_serializing_if = "is_default")]
    pub window: WindowName,
    /// Days of a rolling window, this one included.
    #[schemars(title = "Window in days", range(min = 1, max = 3660))]
    pub window_days: u32,
    /// When a member goes up.
    #[schemars(title = "Upgrade", extend("default" = "at-once"))]
    #[serde(skip_serializing_if = "is_default")]
    pub upgrade: Upgrade,
    /// Days a tier is sure once reached or renewed. Zero: for good.
    #[schemars(title = "Validity in days", range(max = 3660))]
    pub validity_days: u32,
    /// Whether the last sure day is put off to the end of its month or year.
    #[schemars(title = "Validity to", extend("default" = "day"))]
    #[serde(skip_serializing_if = "is_default")]
    pub validity_to: ValidityTo,
    /// Days added behind that, in which the tier stays and can still be renewed.
    #[schemars(title = "Grace in days", range(max = 3660), extend("examples" = [30]), extend("default" = 0))]
    #[serde(skip_serializing_if = "is_default")]
    pub grace_days: u32,
    /// When a member who reaches his tier again has it for another validity.
    #[schemars(title = "Renewal", extend("default" = "at-end"))]
    #[serde(skip_serializing_if = "is_default")]
    pub renewal: Renewal,
    /// How far a member falls who no longer reaches his tier.
    #[schemars(title = "Step down", extend("default" = "earned"))]
    #[serde(skip_serializing_if = "is_default")]
    pub step_down: StepDown,
    /// Whether a refund takes the tier away at once when what is left no longer reaches it. Otherwise it stays until its
    /// validity has passed.
    #[schemars(title = "A refund lowers at once", extend("default" = false))]
    #[serde(skip_serializing_if = "is_default")]
    pub refund_lowers: bool,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            tiers: vec![Tier {
                code: "member".into(),
                name: "Member".into(),
                threshold: 0,
                also: Vec::new(),
                by_invitation: false,
                multiplier: Rate::ONE,
            }],
            counted: Counted::default(),
            category: None,
            several: Several::default(),
            window: WindowName::default(),
            window_days: 365,
            upgrade: Upgrade::default(),
            validity_days: 365,
            validity_to: ValidityTo::default(),
            grace_days: 0,
            renewal: Renewal::default(),
            step_down: StepDown::default(),
            refund_lowers: false,
        }
    }
}

/// What is as its default stays out of what a rule decodes at each call.
fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// One step of the ladder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tier {
    /// Lower-case letters, digits and hyphens; stays the same for ever.
    #[schemars(title = "Code", regex(pattern = "^[a-z0-9-]{1,40}$"), extend("examples" = ["gold"]))]
    pub code: String,
    /// What members read.
    #[schemars(title = "Name", length(min = 1, max = 80), extend("examples" = ["Gold"]))]
    pub name: String,
    /// What reaches it: minor units of spend, points, orders or whole units, as `counted` says.
    #[schemars(title = "Threshold", range(min = 0), extend("examples" = [500000]))]
    #[serde(default)]
    pub threshold: i64,
    /// Other ways to reach it, or what it asks for besides, as `several` says.
    #[schemars(title = "Also")]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<Also>,
    /// Whether only staff give it. It is never reached, and kept until the day it was given for.
    #[schemars(title = "By invitation", extend("default" = false))]
    #[serde(default, skip_serializing_if = "is_default")]
    pub by_invitation: bool,
    /// Points are multiplied by this while a member holds it.
    #[schemars(title = "Points multiplier")]
    #[serde(default)]
    pub multiplier: Rate,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum WindowName {
    /// The last so many days.
    #[default]
    Rolling,
    /// Since the first day of the calendar month.
    CalendarMonth,
    /// Since the first of January.
    CalendarYear,
    /// Since the enrolment.
    Lifetime,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Upgrade {
    /// With the sale that reaches the threshold.
    #[default]
    AtOnce,
    /// At the next review, so that a tier never changes at the till.
    AtReview,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ValidityTo {
    /// It is not put off.
    #[default]
    Day,
    /// The last day of the month.
    MonthEnd,
    /// 31 December.
    YearEnd,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Renewal {
    /// When the validity has passed and the window then still reaches the tier.
    #[default]
    AtEnd,
    /// Whenever the tier is reached again, so that what was bought in a calendar year is not forgotten by its end.
    AtOnce,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum StepDown {
    /// To the tier that is earned now.
    #[default]
    Earned,
    /// One tier at a time, and never below what is earned.
    One,
}
