//! What is wrong with a declaration, and at which key of which file.

use crate::store::StoreError;

/// Faults told at once; further ones show when these are mended.
pub const MOST_FAULTS: usize = 50;

/// One thing that cannot be applied.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}: {key}{}{wrong}", if .key.is_empty() { "" } else { ": " })]
pub struct Fault {
    pub file: String,
    pub line: u32,
    /// As in `binding[2].config.rate`; empty for the file as a whole.
    pub key: String,
    pub wrong: Wrong,
}

/// Why it cannot be applied.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Wrong {
    #[error("is not TOML: {0}")]
    NotToml(String),
    #[error("is needed")]
    Required,
    #[error("is not a key a declaration knows")]
    UnknownKey,
    /// Words of the reader, of a plugin or of a setting, remedy included.
    #[error("cannot be accepted: {0}")]
    Invalid(String),
    #[error("there is no {what} `{id}`; declare it, make it first, or correct the name")]
    Unknown { what: &'static str, id: String },
    #[error(
        "the binding `{0}` takes no codes, so nobody could use its coupons; make a code its trigger, or name another"
    )]
    TakesNoCodes(String),
    #[error("is declared twice, first in {first}; keep one")]
    Twice { first: String },
    #[error("no release of the plugin `{plugin}` fits; install one or widen the version range")]
    NoRelease { plugin: String },
    #[error("the plugin asks for `{0}`; add it to `granted`")]
    NotGranted(String),
    #[error(
        "contradicts `{other}` in the group `{group}`; members of a group share stage, kind and choice"
    )]
    Group { group: String, other: String },
    #[error("is in force together with `{other}`, which does the same; part their days or stores")]
    Overlap { other: String },
    #[error("{spent} are used already; give at least that much, or a new name")]
    BelowSpent { spent: i64 },
    #[error("a program's scale is {0} and stays; leave it or use another program")]
    ScaleStays(i64),
    #[error("a store may have at most {0} bindings; declare fewer")]
    TooMany(usize),
}

/// Why a declaration was not planned or applied; nothing changed.
#[derive(Debug, thiserror::Error)]
pub enum DeclarationError {
    #[error("{}", told(.0))]
    Refused(Vec<Fault>),
    #[error("the configuration was changed meanwhile; look at the difference again")]
    Changed,
    #[error("there is no revision {0}; `tessera apply --list` shows them")]
    RevisionUnknown(i64),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("an invariant of the host itself broke: {0}")]
    Internal(String),
}

fn told(faults: &[Fault]) -> String {
    let lines: Vec<String> = faults.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

impl DeclarationError {
    /// For `map_err` on encoding what the host itself made.
    pub(super) fn internal(error: impl std::fmt::Display) -> Self {
        Self::Internal(error.to_string())
    }
}
