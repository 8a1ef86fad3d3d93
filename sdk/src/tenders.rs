//! Tenders by the names a configuration gives them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::types::TenderKind;

/// A way to pay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TenderName {
    Cash,
    Card,
    Mobile,
    Points,
    StoredValue,
    Other,
}

impl TenderName {
    /// The same as facts name it.
    pub fn kind(self) -> TenderKind {
        match self {
            TenderName::Cash => TenderKind::Cash,
            TenderName::Card => TenderKind::Card,
            TenderName::Mobile => TenderKind::Mobile,
            TenderName::Points => TenderKind::Points,
            TenderName::StoredValue => TenderKind::StoredValue,
            TenderName::Other => TenderKind::Other,
        }
    }
}
