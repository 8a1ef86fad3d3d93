//! A rule's configuration: read from JSON once, then in the form `evaluate` takes.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::json_pointer::pointer_at;
use crate::types::ConfigProblem;

/// Reads what the merchant wrote; the problem points at the place.
pub(crate) fn read<C: DeserializeOwned>(json: &str) -> Result<C, Vec<ConfigProblem>> {
    // From bytes, like `decode`: one reader in the component instead of two.
    serde_json::from_slice(json.as_bytes()).map_err(|error| {
        let message = error.to_string();
        let pointer = pointer_at(json, error.line(), error.column());
        // Where it is wrong is in the pointer, except for text that is no JSON at all.
        let message = match message.rfind(" at line ") {
            Some(end) if error.is_data() => message[..end].to_owned(),
            _ => message,
        };
        vec![ConfigProblem::at(pointer, message)]
    })
}

/// The checked configuration with its defaults filled in.
pub(crate) fn encode<C: Serialize>(config: &C) -> Result<Vec<u8>, Vec<ConfigProblem>> {
    rmp_serde::to_vec_named(config).map_err(|error| {
        vec![ConfigProblem::at(
            "",
            format!("this cannot be written down again: {error}"),
        )]
    })
}

/// Reads back what [`encode`] wrote.
pub(crate) fn decode<C: DeserializeOwned>(bytes: &[u8]) -> Result<C, String> {
    rmp_serde::from_slice(bytes)
        .map_err(|error| format!("the configuration was not made by validate-config: {error}"))
}
