//! A page for the merchant about what a plugin can be set to, made from the schema the plugin itself carries: every
//! setting with its form, default, meaning and an example in TOML; and what the chain itself can be set to.

use std::fmt::Write as _;

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value};
use tessera_build::Manifest;

use crate::domain::settings::CheckoutSettings;

/// Tables that one plugin may have; a schema that nests deeper is cut there.
const MOST_TABLES: usize = 500;
/// Alternatives a row names before it says that there are more.
const MOST_CHOICES: usize = 20;

/// The page about these plugins, in Markdown.
pub fn page<'a>(manifests: impl IntoIterator<Item = &'a Manifest>) -> String {
    let mut text = String::from(
        "# Settings\n\nMade by `tessera plugin reference` from the schemas that plugins and host carry. Amounts of \
         money are minor units, points are at the program's scale; a default in brackets means the setting is left out.\n",
    );
    for manifest in manifests {
        section(
            &mut text,
            &manifest.name,
            &manifest.description,
            &manifest.config,
        );
    }
    text
}

/// What a chain decides about its checkout, as JSON Schema.
pub fn checkout_schema() -> Value {
    let inline = SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    inline
        .into_generator()
        .into_root_schema_for::<CheckoutSettings>()
        .to_value()
}

/// The section about the chain's own settings, in Markdown.
pub fn chain() -> String {
    let mut text = String::new();
    let about = "What a chain decides about its checkout where good systems disagree: `[settings]` of a declaration. A \
                 store has its own `prices_include_tax` where it differs. A sale keeps the settings its refund needs.";
    section(&mut text, "The chain's settings", about, &checkout_schema());
    text
}

/// A table of settings that still has to be written.
struct Table<'a> {
    path: String,
    schema: &'a Value,
}

fn section(text: &mut String, name: &str, about: &str, schema: &Value) {
    // Writing to a String cannot fail.
    let _ = write!(text, "\n## {name}\n\n{about}\n");
    let mut tables = vec![Table {
        path: String::new(),
        schema,
    }];
    let mut at = 0;
    while let Some(table) = tables.get(at) {
        let (path, schema) = (table.path.clone(), table.schema);
        at += 1;
        let Some(properties) = schema["properties"].as_object() else {
            continue;
        };
        if !path.is_empty() {
            let _ = write!(text, "\n### `{path}`\n\n{}\n", sentence(schema));
        }
        text.push_str("\n| setting | form | default | example | |\n|---|---|---|---|---|\n");
        for (key, setting) in properties {
            let own = match path.as_str() {
                "" => key.clone(),
                path => format!("{path}.{key}"),
            };
            let form = form(setting, &own, &mut tables);
            let _ = writeln!(
                text,
                "| `{key}` | {form} | {} | {} | {} |",
                default(schema, key, setting),
                code(&format!("{key} = {}", toml(&example(setting)))),
                sentence(setting)
            );
        }
    }
}

fn sentence(schema: &Value) -> String {
    let text = schema["description"].as_str().unwrap_or_default();
    text.replace('\n', " ").replace('|', "\\|")
}

fn code(text: &str) -> String {
    format!("`{}`", text.replace('|', "\\|"))
}

fn default(table: &Value, key: &str, setting: &Value) -> String {
    let required = table["required"].as_array();
    if required.is_some_and(|keys| keys.iter().any(|required| required == key)) {
        return "must be set".to_owned();
    }
    match &setting["default"] {
        Value::Null => "(none)".to_owned(),
        Value::Object(map) if map.is_empty() => "(none)".to_owned(),
        value => code(&toml(value)),
    }
}

/// What a setting looks like, in words. Tables inside it are queued; one that was queued before is pointed to.
fn form<'a>(schema: &'a Value, path: &str, tables: &mut Vec<Table<'a>>) -> String {
    let schema = present(schema);
    if let Some(alternatives) = alternatives(schema) {
        return one_of(alternatives, path, tables);
    }
    if schema["properties"].is_object() {
        return table(schema, path, tables);
    }
    match kind(schema) {
        Some("array") => format!(
            "list of {}",
            form(&schema["items"], &format!("{path}[]"), tables)
        ),
        Some("boolean") => "true or false".to_owned(),
        Some("integer") => number(schema),
        Some("object") => "table".to_owned(),
        _ => match schema["format"].as_str() {
            Some("rate") => "share or factor: `\"15%\"`, `\"1.5\"`, `\"1/8\"`".to_owned(),
            Some(format) => format!("text, {}", format.replace('-', " ")),
            None => "text".to_owned(),
        },
    }
}

/// The one kind of value a schema asks for. A setting that may be left out is null, or what its other kind says.
fn kind(schema: &Value) -> Option<&str> {
    let Value::Array(kinds) = &schema["type"] else {
        return schema["type"].as_str();
    };
    let mut kinds = kinds
        .iter()
        .filter_map(Value::as_str)
        .filter(|kind| *kind != "null");
    match (kinds.next(), kinds.next()) {
        (only, None) => only,
        _ => None,
    }
}

fn number(schema: &Value) -> String {
    let what = match schema["format"].as_str() {
        Some("money-minor-units") => "minor units",
        Some("points") => "points",
        _ => "whole number",
    };
    match (schema["minimum"].as_i64(), schema["maximum"].as_i64()) {
        (Some(least), Some(most)) => format!("{what}, {least} to {most}"),
        (Some(least), None) => format!("{what}, at least {least}"),
        (None, Some(most)) => format!("{what}, at most {most}"),
        (None, None) => what.to_owned(),
    }
}

fn table<'a>(schema: &'a Value, path: &str, tables: &mut Vec<Table<'a>>) -> String {
    let known = tables
        .iter()
        .find(|table| table.schema["properties"] == schema["properties"]);
    if let Some(known) = known {
        return match known.path.as_str() {
            "" => "table like the whole".to_owned(),
            path => format!("table, see `{path}`"),
        };
    }
    if tables.len() < MOST_TABLES {
        tables.push(Table {
            path: path.to_owned(),
            schema,
        });
    }
    format!("table, see `{path}`")
}

fn one_of<'a>(alternatives: &'a [Value], path: &str, tables: &mut Vec<Table<'a>>) -> String {
    let mut words = Vec::new();
    for alternative in alternatives.iter().take(MOST_CHOICES) {
        words.push(match variant(alternative) {
            Some((name, inner)) if inner["properties"].is_object() => {
                let told = table(inner, &format!("{path}.{name}"), tables);
                format!("`{name}`: {told}")
            }
            Some((name, inner)) => {
                let told = form(inner, &format!("{path}.{name}"), tables);
                format!("`{name}`: {told}")
            }
            None => match constants(alternative) {
                Some(constants) => constants,
                None => form(alternative, path, tables),
            },
        });
    }
    if alternatives.len() > MOST_CHOICES {
        words.push("…".to_owned());
    }
    format!("one of {}", words.join(", "))
}

fn constants(schema: &Value) -> Option<String> {
    let told = |value: &Value| code(&toml(value));
    if !schema["const"].is_null() {
        return Some(told(&schema["const"]));
    }
    let values = schema["enum"].as_array()?;
    let told: Vec<String> = values.iter().take(MOST_CHOICES).map(told).collect();
    Some(told.join(", "))
}

/// An alternative of the form `{ name = … }`.
fn variant(schema: &Value) -> Option<(&String, &Value)> {
    let properties: &Map<String, Value> = schema["properties"].as_object()?;
    let only = properties.iter().next()?;
    let required = schema["required"].as_array()?;
    (properties.len() == 1 && required.len() == 1).then_some(only)
}

fn alternatives(schema: &Value) -> Option<&[Value]> {
    let listed = schema["oneOf"].as_array().or(schema["anyOf"].as_array());
    if let Some(listed) = listed {
        return Some(listed);
    }
    schema["enum"]
        .is_array()
        .then_some(std::slice::from_ref(schema))
}

/// The schema of a setting that may be left out, without the null that says so.
fn present(schema: &Value) -> &Value {
    let listed = schema["anyOf"].as_array().or(schema["oneOf"].as_array());
    let is_null = |schema: &&Value| schema["type"] == "null";
    match listed.map(|listed| {
        let mut others = listed.iter().filter(|schema| !is_null(schema));
        (
            listed.iter().any(|schema| is_null(&schema)),
            others.next(),
            others.next(),
        )
    }) {
        Some((true, Some(only), None)) => only,
        _ => schema,
    }
}

/// A value the setting can have: the schema's own example where it has one.
pub fn example(schema: &Value) -> Value {
    if let Some(given) = schema["examples"].as_array().and_then(|all| all.first()) {
        return given.clone();
    }
    let schema = present(schema);
    if let Some(given) = schema["examples"].as_array().and_then(|all| all.first()) {
        return given.clone();
    }
    if !schema["const"].is_null() {
        return schema["const"].clone();
    }
    if let Some(first) = schema["enum"].as_array().and_then(|all| all.first()) {
        return first.clone();
    }
    if let Some(alternatives) = alternatives(schema) {
        // What is not the default tells more.
        let other = alternatives
            .iter()
            .find(|alternative| alternative["const"] != schema["default"]);
        return other.or(alternatives.first()).map_or(Value::Null, example);
    }
    if let Some(properties) = schema["properties"].as_object() {
        let required = schema["required"].as_array();
        let needed =
            |key: &String| required.is_some_and(|keys| keys.iter().any(|required| required == key));
        let mut shown: Vec<_> = properties.iter().filter(|(key, _)| needed(key)).collect();
        if shown.is_empty() {
            shown.extend(properties.iter().next());
        }
        let fields = shown
            .into_iter()
            .map(|(key, inner)| (key.clone(), example(inner)));
        return Value::Object(fields.collect());
    }
    match kind(schema) {
        Some("array") => Value::Array(vec![example(&schema["items"])]),
        Some("boolean") => Value::Bool(schema["default"] != true),
        Some("integer") => {
            let default = schema["default"].as_i64().filter(|default| *default > 0);
            let least = schema["minimum"].as_i64().unwrap_or(0).max(1);
            Value::from(default.unwrap_or(least))
        }
        _ => match &schema["default"] {
            Value::Null => Value::from("…"),
            default => default.clone(),
        },
    }
}

/// A value as it is written in TOML, on one line.
fn toml(value: &Value) -> String {
    match value {
        Value::Object(fields) if fields.is_empty() => "{}".to_owned(),
        Value::Object(fields) => {
            let fields: Vec<String> = fields
                .iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(key, value)| format!("{key} = {}", toml(value)))
                .collect();
            format!("{{ {} }}", fields.join(", "))
        }
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(toml).collect();
            format!("[{}]", items.join(", "))
        }
        // A number, a truth value or a text is written as in JSON.
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(schema: Value) -> String {
        let manifest = json!({
            "name": "sample", "version": "1.0.0", "sdk": "0.1.0", "kind": "points", "world": "w",
            "description": "A sample.", "messages": {}, "config": schema,
        });
        let manifest: Manifest = serde_json::from_value(manifest).expect("a manifest");
        page([&manifest])
    }

    #[test]
    fn every_setting_has_its_form_its_default_and_an_example() {
        let page = told(json!({
            "type": "object",
            "required": ["spend"],
            "properties": {
                "spend": { "type": "integer", "format": "money-minor-units", "minimum": 1, "description": "For | each." },
                "once": { "type": "boolean", "default": false },
                "tags": { "type": "array", "items": { "type": "string" }, "default": [], "examples": [["tea"]] },
                "round": { "oneOf": [{ "const": "down" }, { "const": "up" }], "default": "down" },
            },
        }));
        for row in [
            r"| `spend` | minor units, at least 1 | must be set | `spend = 1` | For \| each. |",
            "| `once` | true or false | `false` | `once = true` |  |",
            r#"| `tags` | list of text | `[]` | `tags = ["tea"]` |  |"#,
            r#"| `round` | one of `"down"`, `"up"` | `"down"` | `round = "up"` |  |"#,
        ] {
            assert!(page.contains(row), "{row}\n{page}");
        }
    }

    #[test]
    fn a_table_that_stands_at_two_places_is_described_once() {
        let goods = json!({
            "type": "object", "default": {},
            "properties": { "tags": { "type": "array", "items": { "type": "string" } } },
        });
        let page = told(json!({
            "type": "object", "properties": { "goods": goods, "other": { "anyOf": [goods, { "type": "null" }] } },
        }));
        assert_eq!(page.matches("### `").count(), 1, "{page}");
        assert!(
            page.contains("| `other` | table, see `goods` | (none) |"),
            "{page}"
        );
    }
}
