//! A rule's configuration: read from JSON once, then in the form `evaluate` takes.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::compact;
use crate::json_pointer::pointer_at;
use crate::types::ConfigProblem;

/// First byte of a configuration in short form.
const SHORT: u8 = 1;
/// First byte of one that stays as the merchant wrote it.
const JSON: u8 = 0;

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

/// The checked configuration in the form that is read fastest: the short one where it gives the same
/// configuration back, else the JSON it was read from.
pub(crate) fn encode<C: Serialize + DeserializeOwned>(config: &C, json: &str) -> Vec<u8> {
    match short(config) {
        Some(bytes) => [&[SHORT], &bytes[..]].concat(),
        None => [&[JSON], json.as_bytes()].concat(),
    }
}

fn short<C: Serialize + DeserializeOwned>(config: &C) -> Option<Vec<u8>> {
    let bytes = compact::to_vec(config).ok()?;
    let again: C = compact::from_slice(&bytes).ok()?;
    let same = serde_json::to_vec(config).ok()? == serde_json::to_vec(&again).ok()?;
    same.then_some(bytes)
}

/// Reads back what [`encode`] wrote.
pub(crate) fn decode<C: DeserializeOwned>(bytes: &[u8]) -> Result<C, String> {
    let config = match bytes.split_first() {
        Some((&SHORT, short)) => compact::from_slice(short).ok(),
        Some((&JSON, json)) => serde_json::from_slice(json).ok(),
        _ => None,
    };
    config.ok_or_else(|| "the configuration was not made by validate-config".to_owned())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::{Deserialize, Serialize};

    use super::{JSON, SHORT, decode, encode, read};

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Plain {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        first: Option<u8>,
        second: String,
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Flattened {
        one: u8,
        #[serde(flatten)]
        others: BTreeMap<String, u8>,
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(tag = "kind", rename_all = "kebab-case")]
    enum Tagged {
        Circle { radius: u8 },
    }

    #[test]
    fn a_type_without_a_short_form_stays_json() {
        fn check<C>(json: &str, form: u8)
        where
            C: std::fmt::Debug + PartialEq + Serialize + serde::de::DeserializeOwned,
        {
            let config: C = read(json).expect(json);
            let bytes = encode(&config, json);
            assert_eq!(bytes[0], form, "{json}");
            assert_eq!(decode::<C>(&bytes), Ok(config), "{json}");
        }
        check::<Plain>(r#"{"second": "x"}"#, SHORT);
        check::<Plain>(r#"{"first": 1, "second": "x"}"#, SHORT);
        check::<Flattened>(r#"{"one": 1, "two": 2}"#, JSON);
        check::<Tagged>(r#"{"kind": "circle", "radius": 3}"#, JSON);
    }

    #[test]
    fn other_bytes_are_no_configuration() {
        for bytes in [&[][..], &[7], &[SHORT], &[JSON], &[SHORT, 12, 1, 5, 0]] {
            assert!(decode::<Plain>(bytes).is_err(), "{bytes:?}");
        }
    }
}
