//! Whether a merchant can understand a configuration from its JSON Schema alone.

use std::fmt::Debug;

use schemars::{JsonSchema, schema_for};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// Panics unless every field of a configuration has a title, a description, and a default where it may
/// be left out and is more than a list or an optional value.
#[track_caller]
pub fn assert_documented<C: JsonSchema>() {
    let schema = schema_for!(C).to_value();
    let mut faults = Vec::new();
    look_through(&schema, "", &mut faults);
    assert!(
        faults.is_empty(),
        "the configuration is not documented:\n{}",
        faults.join("\n")
    );
}

/// Panics unless a configuration (JSON) means the same when every setting it leaves out is written down with the default
/// its schema shows, at the top and in the parts it names.
#[track_caller]
pub fn assert_defaults<C: JsonSchema + DeserializeOwned + PartialEq + Debug>(config: &str) {
    let read = |value: Value| -> C {
        serde_json::from_value(value.clone()).unwrap_or_else(|error| panic!("{error}: {value}"))
    };
    let written: Value = serde_json::from_str(config).expect(config);
    let settings = schemars::generate::SchemaSettings::draft2020_12()
        .with(|settings| settings.inline_subschemas = true);
    let schema = settings.into_generator().into_root_schema_for::<C>();
    let mut full = written.clone();
    fill(&mut full, schema.as_value());
    assert_eq!(read(written), read(full.clone()), "with defaults: {full}");
}

/// Adds what an object leaves out and its schema has a default for.
fn fill(value: &mut Value, schema: &Value) {
    match value {
        Value::Object(fields) => {
            let Some(Value::Object(properties)) = schema.get("properties") else {
                return;
            };
            for (name, property) in properties {
                match (fields.get_mut(name), property.get("default")) {
                    (Some(field), _) => fill(field, property),
                    (None, Some(default)) => {
                        fields.insert(name.clone(), default.clone());
                    }
                    (None, None) => {}
                }
            }
        }
        Value::Array(entries) => {
            if let Some(items) = schema.get("items") {
                entries.iter_mut().for_each(|entry| fill(entry, items));
            }
        }
        _ => {}
    }
}

fn look_through(schema: &Value, place: &str, faults: &mut Vec<String>) {
    match schema {
        Value::Object(object) => {
            fields(object, place, faults);
            for (name, inner) in object {
                // Defaults and examples are values, not schemas.
                if name != "default" && name != "examples" {
                    look_through(inner, &format!("{place}/{name}"), faults);
                }
            }
        }
        Value::Array(branches) => {
            for (position, branch) in branches.iter().enumerate() {
                look_through(branch, &format!("{place}/{position}"), faults);
            }
        }
        _ => {}
    }
}

/// What the fields of one object lack.
fn fields(object: &Map<String, Value>, place: &str, faults: &mut Vec<String>) {
    let Some(Value::Object(properties)) = object.get("properties") else {
        return;
    };
    let required: Vec<&Value> = object
        .get("required")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .collect();
    // A variant of an enum is an object with its name as the only field; the branch describes it.
    let is_described_variant =
        required.len() == 1 && properties.len() == 1 && object.contains_key("description");
    for (name, property) in properties {
        let lacks = |key: &str| property.get(key).is_none();
        for key in ["title", "description"] {
            if lacks(key) && !is_described_variant {
                faults.push(format!("{place}/{name} has no {key}"));
            }
        }
        let is_required = required.iter().any(|one| *one == name);
        if lacks("default") && !is_required && !says_so_itself(property) {
            faults.push(format!("{place}/{name} may be left out and has no default"));
        }
    }
}

/// Whether leaving the field out can only mean nothing or none of them.
fn says_so_itself(property: &Value) -> bool {
    match property.get("type") {
        Some(Value::String(one)) => one == "array",
        Some(Value::Array(several)) => several.iter().any(|one| one == "null"),
        _ => {
            let branches = property.get("anyOf").and_then(Value::as_array);
            branches.is_some_and(|branches| {
                let null = |branch: &Value| branch.get("type").is_some_and(|one| one == "null");
                branches.iter().any(null)
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::{Deserialize, Serialize};

    #[derive(Serialize, Deserialize, JsonSchema)]
    struct Bare {
        #[serde(default)]
        count: u32,
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
    struct Wrong {
        #[serde(default)]
        #[schemars(extend("default" = 5))]
        count: u32,
    }

    #[test]
    #[should_panic(expected = "with defaults")]
    fn a_default_that_is_none_is_shown() {
        assert_defaults::<Wrong>("{}");
    }

    #[test]
    #[should_panic(expected = "/count has no title")]
    fn a_field_without_a_title_is_named() {
        assert_documented::<Bare>();
    }
}
