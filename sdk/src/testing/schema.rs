//! Whether a merchant can understand a configuration from its JSON Schema alone.

use schemars::{JsonSchema, schema_for};
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

    #[test]
    #[should_panic(expected = "/count has no title")]
    fn a_field_without_a_title_is_named() {
        assert_documented::<Bare>();
    }
}
