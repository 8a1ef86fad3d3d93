//! What a component says of itself, in a custom section that is read before anything is compiled.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use wasmparser::{Parser, Payload};

/// Name of the custom section; its content is JSON.
pub const MANIFEST_SECTION: &str = "tessera:manifest";

/// The longest manifest that is read.
pub const MAX_MANIFEST_BYTES: usize = 256 * 1024;

/// Most entries of one list or catalogue, and longest single text in bytes.
const MAX_ENTRIES: usize = 1000;
const MAX_TEXT: usize = 4000;

/// What a component says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Lower-case letters, digits and hyphens.
    pub name: String,
    pub version: semver::Version,
    #[serde(default)]
    pub description: String,
    #[serde(default)]
    pub authors: Vec<String>,
    /// Version of the SDK it was built with.
    pub sdk: semver::Version,
    pub kind: RuleKind,
    /// The WIT world it is built for.
    pub world: String,
    /// What it asks of the host beyond plain facts.
    #[serde(default)]
    pub permissions: Vec<String>,
    /// JSON Schema of its configuration.
    pub config: serde_json::Value,
    /// By language, then by key: texts with `{argument}` gaps.
    pub messages: BTreeMap<String, BTreeMap<String, String>>,
}

/// The four kinds of rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RuleKind {
    Points,
    Tier,
    Referral,
    Promotion,
}

/// Why a manifest cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    #[error("this is no WebAssembly file: {0}")]
    NotWasm(String),
    #[error("it carries no manifest; build it with `tessera plugin build`")]
    Missing,
    #[error("it carries more than one manifest; build it anew with `tessera plugin build`")]
    Repeated,
    #[error("its manifest is longer than {MAX_MANIFEST_BYTES} bytes; shorten its texts")]
    TooLong,
    #[error("its manifest is malformed: {0}; build it with the SDK of this host")]
    Malformed(String),
}

/// Reads the manifest of a component without compiling it. Nested modules are not looked into.
pub fn read_manifest(component: &[u8]) -> Result<Manifest, ManifestError> {
    let mut found = Vec::new();
    let mut depth = 0_u32;
    for payload in Parser::new(0).parse_all(component) {
        match payload.map_err(|error| ManifestError::NotWasm(error.to_string()))? {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::CustomSection(section) if depth == 0 && section.name() == MANIFEST_SECTION => {
                found.push(section.data());
            }
            _ => {}
        }
    }
    match found.as_slice() {
        [] => Err(ManifestError::Missing),
        [json] => parse(json),
        _ => Err(ManifestError::Repeated),
    }
}

/// Reads and bounds a manifest's JSON.
pub(crate) fn parse(json: &[u8]) -> Result<Manifest, ManifestError> {
    if json.len() > MAX_MANIFEST_BYTES {
        return Err(ManifestError::TooLong);
    }
    let manifest: Manifest = serde_json::from_slice(json)
        .map_err(|error| ManifestError::Malformed(error.to_string()))?;
    manifest
        .faults()
        .map_or(Ok(()), |fault| Err(ManifestError::Malformed(fault)))?;
    Ok(manifest)
}

impl Manifest {
    /// The first thing that is out of bounds.
    fn faults(&self) -> Option<String> {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if self.name.is_empty() || self.name.len() > 64 || !self.name.chars().all(plain) {
            return Some(
                "its name must be 1 to 64 lower-case letters, digits and hyphens".to_owned(),
            );
        }
        if !self.config.is_object() {
            return Some("the schema of its configuration must be an object".to_owned());
        }
        let texts = || {
            let own = [&self.description, &self.world].into_iter();
            own.chain(&self.authors).chain(&self.permissions)
        };
        let catalogues = || {
            self.messages
                .values()
                .flatten()
                .flat_map(|(key, text)| [key, text])
        };
        if let Some(text) = texts()
            .chain(catalogues())
            .find(|text| text.len() > MAX_TEXT || text.contains('\0'))
        {
            let start: String = text.chars().take(40).collect();
            return Some(format!(
                "a text is longer than {MAX_TEXT} bytes or holds U+0000: {start:?}"
            ));
        }
        let longest = self.messages.values().map(BTreeMap::len).max().unwrap_or(0);
        let most = [
            self.authors.len(),
            self.permissions.len(),
            self.messages.len(),
            longest,
        ];
        (most.into_iter().max() > Some(MAX_ENTRIES))
            .then(|| format!("a list has more than {MAX_ENTRIES} entries"))
    }
}
