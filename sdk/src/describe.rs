//! The manifest of a rule, as JSON. Only a build made for describing calls this; the component that
//! is shipped carries the result instead.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

use crate::{Catalogues, Exported, InvalidCatalogue};

/// What cargo knows about the rule's crate.
#[derive(Debug)]
pub struct Crate {
    pub name: &'static str,
    pub version: &'static str,
    pub description: &'static str,
    /// Separated by colons, as cargo gives them.
    pub authors: &'static str,
}

/// The manifest's text in memory: its address in the upper half, its length in the lower.
#[cfg(target_arch = "wasm32")]
pub fn describe<R: Exported<Config: JsonSchema>>(of: &Crate) -> u64 {
    let manifest = manifest::<R>(of).unwrap_or_else(|fault| json!({ "error": fault.0 }));
    let text = manifest.to_string().leak();
    ((text.as_ptr() as u64) << 32) | text.len() as u64
}

/// The manifest as `tessera-build` reads it.
pub fn manifest<R: Exported<Config: JsonSchema>>(of: &Crate) -> Result<Value, InvalidCatalogue> {
    let catalogues = Catalogues::parse(R::MESSAGES)?;
    let messages: Value = catalogues
        .languages
        .into_iter()
        .map(|(language, catalogue)| (language, json!(catalogue.texts)))
        .collect::<serde_json::Map<_, _>>()
        .into();
    let authors: Vec<&str> = of
        .authors
        .split(':')
        .filter(|author| !author.is_empty())
        .collect();
    Ok(json!({
        "name": of.name,
        "version": of.version,
        "description": of.description,
        "authors": authors,
        "sdk": env!("CARGO_PKG_VERSION"),
        "kind": R::KIND.name(),
        "world": R::KIND.world(),
        "permissions": R::PERMISSIONS,
        "config": config_schema::<R::Config>(),
        "messages": messages,
    }))
}

/// The JSON Schema of a configuration, without references, so that any form builder can show it.
fn config_schema<C: JsonSchema>() -> Value {
    let settings =
        SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    settings
        .into_generator()
        .into_root_schema_for::<C>()
        .to_value()
}
