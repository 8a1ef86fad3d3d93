//! What can go wrong with a plugin: while it is installed, while it is configured, while it answers.
//!
//! A `PluginFault` is written down with its evaluation and must come out the same when the evaluation
//! is executed again, so nothing in it depends on the machine (a passed deadline aside).

use serde::{Deserialize, Serialize};

use crate::domain::rules::{ConfigProblem, RuleKind};

/// Why a component was not accepted or could not be asked about its configuration.
#[derive(Debug, thiserror::Error)]
pub enum PluginError {
    #[error(
        "start the plugin engine: {0}; check the limits in the settings and the memory this process may reserve"
    )]
    Engine(String),
    #[error(
        "install a plugin: it has {size} bytes, at most {limit} are accepted; build it in release mode and strip it"
    )]
    TooLarge { size: usize, limit: usize },
    #[error(
        "install a plugin: the file is not a component ({0}); build it with `tessera plugin build`"
    )]
    NotAComponent(String),
    #[error(
        "install a plugin: its manifest cannot be read ({0}); build it with `tessera plugin build`"
    )]
    Manifest(String),
    #[error(
        "install a plugin: it imports `{0}`, but a rule may only import `tessera:types/log`; remove what needs it"
    )]
    ForbiddenImport(String),
    #[error(
        "install a plugin: it exports no rule this host knows; implement one of the rule traits of the SDK"
    )]
    NoRule,
    #[error(
        "install a plugin: it exports more than one rule ({0}); put each kind into its own component"
    )]
    SeveralRules(String),
    #[error(
        "install a plugin: its manifest says {manifest:?} but it exports a rule of kind {exported:?}; build it again"
    )]
    KindMismatch {
        manifest: RuleKind,
        exported: RuleKind,
    },
    #[error(
        "install a plugin: its interface differs from the published one ({0}); build it with a matching SDK"
    )]
    Interface(String),
    #[error(
        "install a plugin: {name} {version} is already installed with other contents; give the new build a new version"
    )]
    VersionTaken { name: String, version: String },
    #[error(
        "install a plugin: {0} plugins are installed already, which is the limit; remove old versions"
    )]
    CatalogFull(usize),
    #[error("read a configuration: {0}; correct the JSON")]
    Config(String),
    #[error("ask plugin {plugin} for its needs: {problem}; its author must correct it")]
    Needs { plugin: String, problem: String },
    #[error("execute an evaluation again: {0}; the record is damaged or of a newer host")]
    Record(String),
    #[error(transparent)]
    Fault(#[from] PluginFault),
    #[error(transparent)]
    Refused(#[from] ConfigRefused),
}

/// A configuration its plugin does not accept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("configure plugin {plugin}: {}", summary(.problems))]
pub struct ConfigRefused {
    pub plugin: String,
    /// At least one, at most `limits::MAX_CONFIG_PROBLEMS`.
    pub problems: Vec<ConfigProblem>,
}

fn summary(problems: &[ConfigProblem]) -> String {
    let mut text = String::new();
    for problem in problems {
        if !text.is_empty() {
            text.push_str("; ");
        }
        let place = if problem.pointer.is_empty() {
            "/"
        } else {
            &problem.pointer
        };
        text.push_str(place);
        text.push_str(": ");
        text.push_str(&problem.message);
    }
    text
}

/// A call that brought no usable answer, and whose fault it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("plugin {plugin} {version}: {reason}")]
pub struct PluginFault {
    pub plugin: String,
    pub version: String,
    pub reason: FaultReason,
}

/// Why a call brought no usable answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "kebab-case")]
pub enum FaultReason {
    #[error("trapped ({0})")]
    Trapped(String),
    #[error("used up its fuel of {0}")]
    OutOfFuel(u64),
    #[error("asked for more than its {0} bytes of memory")]
    OutOfMemory(u64),
    #[error("ran longer than {0} ms")]
    DeadlinePassed(u64),
    #[error("declined: {0}")]
    Refused(String),
    #[error("answered nonsense: {0}")]
    BadAnswer(#[from] BadAnswer),
    #[error("is a {is:?} rule and was asked as a {asked:?} rule")]
    WrongKind { is: RuleKind, asked: RuleKind },
    #[error("could not be started ({0})")]
    NotStarted(String),
}

/// What was wrong with an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "kebab-case")]
pub enum BadAnswer {
    #[error("{count} {what}, at most {limit} are allowed")]
    TooMany {
        what: String,
        count: u64,
        limit: u64,
    },
    #[error("line {position} of a basket with {lines}")]
    LinePosition { position: u32, lines: u64 },
    #[error("line {0} named twice in one list")]
    LineTwice(u32),
    #[error("counter {position} of {counters} it asked for")]
    CounterPosition { position: u32, counters: u64 },
    #[error("{what} of {value}, which must be positive")]
    NotPositive { what: String, value: i64 },
    #[error(
        "a ratio of {numerator}/{denominator}, which must not be negative and must divide by something positive"
    )]
    Ratio { numerator: i64, denominator: i64 },
    #[error("{what} longer than {limit} bytes")]
    TextTooLong { what: String, limit: u64 },
    #[error("{0} with a character that is not allowed there")]
    TextCharacters(String),
    #[error("{what} on day {day}, which is out of order or out of range")]
    Day { what: String, day: i32 },
    #[error("a code it was not given, or one given back twice")]
    UnknownCode,
    #[error("a grant where there is no member to get it")]
    GrantToNobody,
    #[error("a reward for a second referrer where there is none")]
    NoSecondReferrer,
    #[error("amounts whose sum is too large")]
    Overflow,
}
