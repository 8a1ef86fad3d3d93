//! Whether a component may be admitted, judged without compiling it.

use sha2::{Digest, Sha256};
use wasmparser::{ComponentExternalKind, Parser, Payload, Validator, WasmFeatures};

use crate::manifest::{Manifest, ManifestError, RuleKind, read_manifest};

/// The largest component that is looked at.
pub const MAX_COMPONENT_BYTES: usize = 8 * 1024 * 1024;

/// Kind, world and exported interface of everything this host runs.
pub const WORLDS: [(RuleKind, &str, &str); 4] = [
    (
        RuleKind::Points,
        "tessera:points/points-plugin@0.1.0",
        "tessera:points/points-rule@0.1.0",
    ),
    (
        RuleKind::Tier,
        "tessera:tiers/tier-plugin@0.1.0",
        "tessera:tiers/tier-rule@0.1.0",
    ),
    (
        RuleKind::Referral,
        "tessera:referrals/referral-plugin@0.1.0",
        "tessera:referrals/referral-rule@0.1.0",
    ),
    (
        RuleKind::Promotion,
        "tessera:promotions/promotion-plugin@0.1.0",
        "tessera:promotions/promotion-rule@0.1.0",
    ),
];

/// The shared words and the log: all a rule may import.
const IMPORTS: [&str; 2] = ["tessera:types/types@0.1.0", "tessera:types/log@0.1.0"];

const PERMISSIONS: [&str; 1] = ["cost"];

/// A component that may be admitted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    pub manifest: Manifest,
    /// SHA-256 of the bytes in lower-case hexadecimal.
    pub digest: String,
}

/// Why a component is not admitted.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    #[error(
        "it has {bytes} bytes, at most {MAX_COMPONENT_BYTES} are taken; leave out what it does not need"
    )]
    TooLarge { bytes: usize },
    #[error("it is a core module, not a component; build it with `tessera plugin build`")]
    NotAComponent,
    #[error("it is not valid WebAssembly: {0}")]
    Invalid(String),
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    #[error(
        "this host does not know the world {world:?} of its manifest; build it with the SDK of this host"
    )]
    UnknownWorld { world: String },
    #[error(
        "it does not export {interface}; call tessera_sdk::export! with the kind its manifest names"
    )]
    MissingExport { interface: String },
    #[error("it imports {import}; a rule may import nothing but {}", IMPORTS[1])]
    ForbiddenImport { import: String },
    #[error("it asks for the permission {permission:?}, which this host does not know")]
    UnknownPermission { permission: String },
}

/// SHA-256 of a component in lower-case hexadecimal.
pub fn digest(component: &[u8]) -> String {
    hex::encode(Sha256::digest(component))
}

/// Looks through a component from anywhere: its size, its form, its manifest, what it exports and
/// what it imports.
pub fn check(component: &[u8]) -> Result<Checked, CheckError> {
    if component.len() > MAX_COMPONENT_BYTES {
        return Err(CheckError::TooLarge {
            bytes: component.len(),
        });
    }
    let outline = outline(component)?;
    let manifest = read_manifest(component)?;
    let (.., interface) = WORLDS
        .iter()
        .find(|(kind, world, _)| *kind == manifest.kind && *world == manifest.world)
        .ok_or_else(|| CheckError::UnknownWorld {
            world: manifest.world.clone(),
        })?;
    if !outline.exports.iter().any(|export| export == interface) {
        return Err(CheckError::MissingExport {
            interface: (*interface).to_owned(),
        });
    }
    let foreign = |import: &&String| !IMPORTS.contains(&import.as_str());
    if let Some(import) = outline.imports.iter().find(foreign) {
        return Err(CheckError::ForbiddenImport {
            import: import.clone(),
        });
    }
    let unknown = |asked: &&String| !PERMISSIONS.contains(&asked.as_str());
    if let Some(permission) = manifest.permissions.iter().find(unknown) {
        return Err(CheckError::UnknownPermission {
            permission: permission.clone(),
        });
    }
    Ok(Checked {
        manifest,
        digest: digest(component),
    })
}

/// Names on the outside of a component.
struct Outline {
    imports: Vec<String>,
    exports: Vec<String>,
}

/// Validates all of it and collects the names of the outermost level.
fn outline(component: &[u8]) -> Result<Outline, CheckError> {
    let invalid = |error: wasmparser::BinaryReaderError| CheckError::Invalid(error.to_string());
    if Parser::is_core_wasm(component) {
        return Err(CheckError::NotAComponent);
    }
    Validator::new_with_features(WasmFeatures::default())
        .validate_all(component)
        .map_err(invalid)?;
    let mut outline = Outline {
        imports: Vec::new(),
        exports: Vec::new(),
    };
    let mut depth = 0_u32;
    for payload in Parser::new(0).parse_all(component) {
        match payload.map_err(invalid)? {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentImportSection(imports) if depth == 0 => {
                for import in imports {
                    outline
                        .imports
                        .push(import.map_err(invalid)?.name.name.to_owned());
                }
            }
            Payload::ComponentExportSection(exports) if depth == 0 => {
                for export in exports {
                    let export = export.map_err(invalid)?;
                    if export.kind == ComponentExternalKind::Instance {
                        outline.exports.push(export.name.name.to_owned());
                    }
                }
            }
            _ => {}
        }
    }
    Ok(outline)
}
