//! Turns a rule crate's source into a checked component, and reads what a component says of itself.
//!
//! [`build`] compiles for a machine without files, clock or chance, wraps the result with its WIT
//! world and puts the manifest in front of whoever will run it. [`check`] and [`read_manifest`] look
//! at a component from anywhere without compiling it.

mod cargo;
mod check;
mod component;
mod describe;
mod manifest;
mod toolchain;

use std::path::{Path, PathBuf};

pub use check::{CheckError, Checked, MAX_COMPONENT_BYTES, WORLDS, check, digest};
pub use describe::DescribeError;
pub use manifest::{
    MANIFEST_SECTION, MAX_MANIFEST_BYTES, Manifest, ManifestError, RuleKind, read_manifest,
};
pub use toolchain::{GUEST_TARGET, GuestStd, Toolchain};

/// A rule ready to be installed.
#[derive(Debug, Clone)]
pub struct Component {
    /// The `.wasm` file.
    pub bytes: Vec<u8>,
    pub manifest: Manifest,
    /// SHA-256 of the bytes in lower-case hexadecimal.
    pub digest: String,
}

/// How to build.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Where cargo keeps what it built; `target/tessera-guests` of the crate or its workspace when
    /// absent. Never the target folder of a running cargo: that one is locked.
    pub target_dir: Option<PathBuf>,
    /// Use only crates that are already on this machine.
    pub offline: bool,
    /// Refuse to change the lock file of the crate.
    pub locked: bool,
    /// Let cargo tell its progress on standard error.
    pub verbose: bool,
    pub toolchain: Toolchain,
}

/// Why there is no component.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    #[error("{path} holds no rule crate: {reason}; name the folder of its Cargo.toml")]
    NoCrate { path: PathBuf, reason: String },
    #[error(
        "the guest target {GUEST_TARGET} is missing{detail}. \
         With rustup: run `rustup target add {GUEST_TARGET}`. \
         On Debian: install the packages rustc-web, cargo-web, rust-web-src and lld"
    )]
    GuestTargetMissing {
        /// What was tried, from a comma on; may be empty.
        detail: String,
    },
    #[error("{program} could not be started: {source}; put it on the PATH")]
    NoProgram {
        program: PathBuf,
        source: std::io::Error,
    },
    #[error("cargo could not build {name} for the guest:\n{output}")]
    Cargo { name: String, output: String },
    #[error("the built module of {name} could not be used at {path}: {source}")]
    Module {
        name: String,
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("{name} is no component: {reason}; does its lib.rs call tessera_sdk::export!?")]
    Encode { name: String, reason: String },
    #[error("{name} does not describe itself: {source}")]
    Describe { name: String, source: DescribeError },
    #[error("{name} is built but not admitted: {source}")]
    Check { name: String, source: CheckError },
}

/// Builds the rule crate in a folder.
pub fn build(crate_dir: &Path, options: &Options) -> Result<Component, BuildError> {
    let guest = toolchain::ensure_guest_target(&options.toolchain, crate_dir)?;
    build_with(crate_dir, options, &guest)
}

/// Builds several rule crates; those of one workspace share what they depend on.
pub fn build_all(crate_dirs: &[PathBuf], options: &Options) -> Result<Vec<Component>, BuildError> {
    let Some(first) = crate_dirs.first() else {
        return Ok(Vec::new());
    };
    let guest = toolchain::ensure_guest_target(&options.toolchain, first)?;
    crate_dirs
        .iter()
        .map(|dir| build_with(dir, options, &guest))
        .collect()
}

fn build_with(
    crate_dir: &Path,
    options: &Options,
    guest: &GuestStd,
) -> Result<Component, BuildError> {
    let package = cargo::package(crate_dir, options, guest)?;
    let name = package.name.clone();
    let module = cargo::compile(&package, options, guest, cargo::Purpose::Ship)?;
    let describing = cargo::compile(&package, options, guest, cargo::Purpose::Describe)?;
    let manifest = describe::manifest_of(&describing).map_err(|source| BuildError::Describe {
        name: name.clone(),
        source,
    })?;
    let bytes = component::wrap(&module, &manifest).map_err(|reason| BuildError::Encode {
        name: name.clone(),
        reason,
    })?;
    let checked = check(&bytes).map_err(|source| BuildError::Check { name, source })?;
    Ok(Component {
        bytes,
        manifest: checked.manifest,
        digest: checked.digest,
    })
}
