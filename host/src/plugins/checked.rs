//! A configuration its plugin has accepted, and the canonical text it is known by.

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::fault::PluginError;
use super::limits::MAX_CONFIG_BYTES;

/// A configuration as one plugin accepted it; it means nothing to another plugin or version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckedConfig {
    /// Canonical JSON: keys sorted, no white space.
    pub json: String,
    /// SHA-256 of `json`, in hexadecimal.
    pub hash: String,
    /// The form `evaluate` takes.
    pub bytes: Vec<u8>,
}

/// Reads a configuration and writes it canonically.
pub(super) fn canonical(json: &str) -> Result<String, PluginError> {
    if json.len() > MAX_CONFIG_BYTES {
        return Err(PluginError::Config(format!(
            "it has {} bytes, at most {MAX_CONFIG_BYTES} are allowed",
            json.len()
        )));
    }
    let value: Value =
        serde_json::from_str(json).map_err(|error| PluginError::Config(error.to_string()))?;
    let mut text = String::with_capacity(json.len());
    write(&value, &mut text);
    Ok(text)
}

pub(super) fn hash(canonical: &str) -> String {
    hex::encode(Sha256::digest(canonical.as_bytes()))
}

/// Whether maps are sorted is a feature of `serde_json` that any crate may switch, so they are sorted here.
fn write(value: &Value, text: &mut String) {
    match value {
        Value::Array(items) => {
            text.push('[');
            for (position, item) in items.iter().enumerate() {
                if position > 0 {
                    text.push(',');
                }
                write(item, text);
            }
            text.push(']');
        }
        Value::Object(fields) => {
            let mut sorted: Vec<_> = fields.iter().collect();
            sorted.sort_by_key(|(name, _)| *name);
            text.push('{');
            for (position, (name, field)) in sorted.into_iter().enumerate() {
                if position > 0 {
                    text.push(',');
                }
                text.push_str(&Value::from(name.as_str()).to_string());
                text.push(':');
                write(field, text);
            }
            text.push('}');
        }
        plain => text.push_str(&plain.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_spellings_of_one_configuration_are_known_by_one_text() {
        let one = canonical(r#" {"b": [1, {"d": null, "c": "x\u0041"}], "a": "1.50"} "#).unwrap();
        let other = canonical(r#"{"a":"1.50","b":[1,{"c":"xA","d":null}]}"#).unwrap();
        assert_eq!(one, other);
        assert_eq!(one, r#"{"a":"1.50","b":[1,{"c":"xA","d":null}]}"#);
    }

    #[test]
    fn a_configuration_that_is_too_long_or_no_json_is_refused() {
        assert!(matches!(
            canonical(&" ".repeat(MAX_CONFIG_BYTES + 1)),
            Err(PluginError::Config(_))
        ));
        assert!(matches!(canonical("{"), Err(PluginError::Config(_))));
    }
}
