//! Runs cargo for the guest, in an environment of its own.

use std::ffi::OsString;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::Deserialize;

use crate::toolchain::{GUEST_TARGET, GuestStd};
use crate::{BuildError, Options};

/// A rule crate as cargo sees it.
#[derive(Debug)]
pub(crate) struct Package {
    pub name: String,
    manifest: PathBuf,
    dir: PathBuf,
    target_dir: PathBuf,
}

/// What a module is built for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// To be run by the host.
    Ship,
    /// To be asked for its manifest.
    Describe,
}

/// Every guest is built alike, whatever profiles its workspace has: small, fast, and trapping where a
/// number overflows.
const PROFILE: [&str; 8] = [
    "profile.release.opt-level=3",
    "profile.release.lto=true",
    "profile.release.codegen-units=1",
    "profile.release.panic=\"abort\"",
    "profile.release.strip=true",
    "profile.release.debug=false",
    "profile.release.overflow-checks=true",
    "profile.release.incremental=false",
];

/// The most of cargo's output that an error repeats.
const OUTPUT: usize = 16 * 1024;

/// Finds the crate in a folder.
pub(crate) fn package(
    crate_dir: &Path,
    options: &Options,
    guest: &GuestStd,
) -> Result<Package, BuildError> {
    let no_crate = |reason: String| BuildError::NoCrate {
        path: crate_dir.to_owned(),
        reason,
    };
    let dir = std::fs::canonicalize(crate_dir).map_err(|error| no_crate(error.to_string()))?;
    let manifest = dir.join("Cargo.toml");
    if !manifest.is_file() {
        return Err(no_crate("it has no Cargo.toml".to_owned()));
    }
    let mut command = cargo(options, guest, &dir);
    command
        .args([
            "metadata",
            "--no-deps",
            "--format-version",
            "1",
            "--manifest-path",
        ])
        .arg(&manifest);
    let output = run(
        command.stderr(Stdio::piped()),
        guest.cargo(&options.toolchain),
    )?;
    if !output.status.success() {
        return Err(no_crate(tail(&output.stderr)));
    }
    let metadata: Metadata =
        serde_json::from_slice(&output.stdout).map_err(|error| no_crate(error.to_string()))?;
    let found = metadata
        .packages
        .into_iter()
        .find(|package| {
            std::fs::canonicalize(&package.manifest_path).is_ok_and(|path| path == manifest)
        })
        .ok_or_else(|| no_crate("its Cargo.toml has no [package]".to_owned()))?;
    if !found
        .targets
        .iter()
        .any(|target| target.crate_types.iter().any(|kind| kind == "cdylib"))
    {
        return Err(no_crate(
            "its Cargo.toml needs [lib] crate-type = [\"cdylib\", \"rlib\"]".to_owned(),
        ));
    }
    let target_dir = options
        .target_dir
        .clone()
        .unwrap_or_else(|| metadata.target_directory.join("tessera-guests"));
    Ok(Package {
        name: found.name,
        manifest,
        dir,
        target_dir,
    })
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<MetadataPackage>,
    target_directory: PathBuf,
}

#[derive(Deserialize)]
struct MetadataPackage {
    name: String,
    manifest_path: PathBuf,
    targets: Vec<MetadataTarget>,
}

#[derive(Deserialize)]
struct MetadataTarget {
    crate_types: Vec<String>,
}

/// Compiles the crate to a core module and reads it.
pub(crate) fn compile(
    package: &Package,
    options: &Options,
    guest: &GuestStd,
    purpose: Purpose,
) -> Result<Vec<u8>, BuildError> {
    let name = || package.name.clone();
    let unusable = |path: &Path| {
        let path = path.to_owned();
        move |source| BuildError::Module {
            name: package.name.clone(),
            path,
            source,
        }
    };
    // The shipped and the describing module go to one file name, so only one build at a time.
    std::fs::create_dir_all(&package.target_dir).map_err(unusable(&package.target_dir))?;
    let lock_path = package.target_dir.join(".tessera-lock");
    let lock = File::create(&lock_path).map_err(unusable(&lock_path))?;
    lock.lock().map_err(unusable(&lock_path))?;

    let mut command = cargo(options, guest, &package.dir);
    command.args(arguments(package, options, guest, purpose));
    command.stderr(if options.verbose {
        Stdio::inherit()
    } else {
        Stdio::piped()
    });
    let output = run(&mut command, guest.cargo(&options.toolchain))?;
    if !output.status.success() {
        let output = format!("{}{}", tail(&output.stderr), rendered(&output.stdout));
        return Err(BuildError::Cargo {
            name: name(),
            output,
        });
    }
    let path = artifact(&output.stdout).ok_or_else(|| BuildError::Cargo {
        name: name(),
        output: "cargo named no .wasm file among its results".to_owned(),
    })?;
    std::fs::read(&path).map_err(unusable(&path))
}

fn arguments(
    package: &Package,
    options: &Options,
    guest: &GuestStd,
    purpose: Purpose,
) -> Vec<OsString> {
    let mut arguments: Vec<OsString> = Vec::new();
    for word in [
        "rustc",
        "--release",
        "--lib",
        "--crate-type",
        "cdylib",
        "--target",
        GUEST_TARGET,
    ] {
        arguments.push(word.into());
    }
    arguments.extend(["--message-format".into(), "json-render-diagnostics".into()]);
    arguments.extend(["--manifest-path".into(), package.manifest.clone().into()]);
    arguments.extend(["--target-dir".into(), package.target_dir.clone().into()]);
    for setting in PROFILE {
        arguments.extend(["--config".into(), setting.into()]);
    }
    if options.offline {
        arguments.push("--offline".into());
    }
    if options.locked {
        arguments.push("--locked".into());
    }
    arguments.extend(guest.arguments().0);
    if purpose == Purpose::Describe {
        // Run once in an interpreter, so it is not worth optimising.
        for word in ["--", "--cfg", "tessera_describe", "-Copt-level=0"] {
            arguments.push(word.into());
        }
    }
    arguments
}

/// Cargo without what a surrounding cargo, wrapper or build script told it: another compiler, other
/// flags, a locked target folder or a job server that is not ours would all change or hang the build.
fn cargo(options: &Options, guest: &GuestStd, dir: &Path) -> Command {
    let mut command = Command::new(guest.cargo(&options.toolchain));
    for (name, _) in std::env::vars_os() {
        if is_inherited_setting(&name.to_string_lossy()) {
            command.env_remove(name);
        }
    }
    command.envs(guest.arguments().1);
    command
        .current_dir(dir)
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    command
}

fn is_inherited_setting(name: &str) -> bool {
    // Where crates come from stays the user's choice.
    let kept = [
        "CARGO_HOME",
        "CARGO_NET_",
        "CARGO_HTTP_",
        "CARGO_REGISTR",
        "CARGO_TERM_",
        "CARGO_CACHE_",
    ];
    let dropped = ["CARGO", "RUSTC", "RUSTDOC", "RUSTFLAGS", "__CARGO"];
    let exact = [
        "MAKEFLAGS",
        "MFLAGS",
        "TARGET",
        "HOST",
        "OUT_DIR",
        "OPT_LEVEL",
        "DEBUG",
        "PROFILE",
        "NUM_JOBS",
    ];
    exact.contains(&name)
        || (dropped.iter().any(|start| name.starts_with(start))
            && !kept.iter().any(|start| name.starts_with(start)))
}

fn run(command: &mut Command, program: &Path) -> Result<std::process::Output, BuildError> {
    let failed = |source| BuildError::NoProgram {
        program: program.to_owned(),
        source,
    };
    command
        .spawn()
        .and_then(std::process::Child::wait_with_output)
        .map_err(failed)
}

#[derive(Deserialize)]
struct CargoMessage {
    reason: String,
    #[serde(default)]
    filenames: Vec<PathBuf>,
    #[serde(default)]
    message: Option<Diagnostic>,
}

#[derive(Deserialize)]
struct Diagnostic {
    #[serde(default)]
    rendered: Option<String>,
}

fn messages(stdout: &[u8]) -> impl Iterator<Item = CargoMessage> + '_ {
    stdout
        .split(|byte| *byte == b'\n')
        .filter_map(|line| serde_json::from_slice(line).ok())
}

/// The last module cargo says it made.
fn artifact(stdout: &[u8]) -> Option<PathBuf> {
    messages(stdout)
        .filter(|message| message.reason == "compiler-artifact")
        .flat_map(|message| message.filenames)
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "wasm")
        })
        .last()
}

/// What the compiler said, where cargo passed it on.
fn rendered(stdout: &[u8]) -> String {
    let said: String = messages(stdout)
        .filter_map(|message| message.message?.rendered)
        .collect::<Vec<_>>()
        .join("\n");
    tail(said.as_bytes())
}

fn tail(text: &[u8]) -> String {
    let start = text.len().saturating_sub(OUTPUT);
    String::from_utf8_lossy(text.get(start..).unwrap_or_default()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrappers_flags_and_job_servers_of_a_surrounding_build_are_dropped() {
        for name in [
            "CARGO_PKG_NAME",
            "CARGO_TARGET_DIR",
            "CARGO_ENCODED_RUSTFLAGS",
            "CARGO_BUILD_RUSTFLAGS",
            "RUSTC_WRAPPER",
            "RUSTC_WORKSPACE_WRAPPER",
            "RUSTFLAGS",
            "CARGO_MAKEFLAGS",
            "MAKEFLAGS",
            "CARGO",
        ] {
            assert!(is_inherited_setting(name), "{name}");
        }
        for name in [
            "PATH",
            "HOME",
            "CARGO_HOME",
            "CARGO_NET_OFFLINE",
            "CARGO_REGISTRIES_X_INDEX",
            "RUSTUP_HOME",
            "RUSTUP_TOOLCHAIN",
        ] {
            assert!(!is_inherited_setting(name), "{name}");
        }
    }

    #[test]
    fn the_module_is_the_last_wasm_file_cargo_names() {
        let stdout = br#"{"reason":"compiler-artifact","filenames":["/t/liba.rlib"]}
{"reason":"compiler-artifact","filenames":["/t/a.wasm"]}
{"reason":"build-finished","success":true}"#;
        assert_eq!(artifact(stdout), Some(PathBuf::from("/t/a.wasm")));
        assert_eq!(artifact(b"nonsense"), None);
    }
}
