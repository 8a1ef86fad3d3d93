//! From a core module to a component with its manifest.

use wasm_encoder::{ComponentSection as _, CustomSection};
use wit_component::ComponentEncoder;

use crate::manifest::{MANIFEST_SECTION, Manifest};

/// Wraps a module with the world its own sections name, and appends the manifest.
pub(crate) fn wrap(module: &[u8], manifest: &Manifest) -> Result<Vec<u8>, String> {
    let mut component = ComponentEncoder::default()
        .validate(true)
        .module(module)
        .and_then(|encoder| encoder.encode())
        .map_err(|error| format!("{error:#}"))?;
    let json = serde_json::to_vec(manifest).map_err(|error| error.to_string())?;
    let section = CustomSection {
        name: MANIFEST_SECTION.into(),
        data: json.into(),
    };
    section.append_to_component(&mut component);
    Ok(component)
}
