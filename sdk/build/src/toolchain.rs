//! Which cargo builds guests, and where the standard library for them comes from.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::BuildError;

/// A machine with nothing around it: no files, no clock, no chance.
pub const GUEST_TARGET: &str = "wasm32-unknown-unknown";

/// The programs a build uses. Every path can be set, so that a test can play another machine.
#[derive(Debug, Clone)]
pub struct Toolchain {
    pub cargo: PathBuf,
    pub rustc: PathBuf,
    /// Asked for the guest target when it is missing.
    pub rustup: Option<PathBuf>,
    /// Where `rustc` keeps its libraries; asked of `rustc` when absent.
    pub sysroot: Option<PathBuf>,
    /// Root of the system that may hold Debian's Rust packages.
    pub system: PathBuf,
}

impl Default for Toolchain {
    /// What the PATH has. Inside a build script the paths that cargo itself set are followed.
    fn default() -> Toolchain {
        let from = |variable: &str, program: &str| {
            std::env::var_os(variable).map_or_else(|| PathBuf::from(program), PathBuf::from)
        };
        Toolchain {
            cargo: from("CARGO", "cargo"),
            rustc: from("RUSTC", "rustc"),
            rustup: Some(PathBuf::from("rustup")),
            sysroot: None,
            system: PathBuf::from("/"),
        }
    }
}

/// Where the guest's standard library comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GuestStd {
    /// It came with the toolchain.
    Ready,
    /// It is built from source with another toolchain.
    FromSource {
        cargo: PathBuf,
        rustc: PathBuf,
        linker: PathBuf,
    },
}

/// Makes sure that guests can be built: uses the target that is there, else lets rustup fetch it, else
/// falls back to the library's source in Debian's packages.
pub(crate) fn ensure_guest_target(
    toolchain: &Toolchain,
    dir: &Path,
) -> Result<GuestStd, BuildError> {
    let sysroot = match &toolchain.sysroot {
        Some(sysroot) => Ok(sysroot.clone()),
        None => sysroot_of(&toolchain.rustc, dir),
    };
    if sysroot.as_deref().is_ok_and(has_guest_library) {
        return Ok(GuestStd::Ready);
    }
    let tried = match &toolchain.rustup {
        Some(rustup) => add_target(rustup, dir),
        None => Err(", and there is no rustup to fetch it".to_owned()),
    };
    if tried.is_ok() && sysroot.as_deref().is_ok_and(has_guest_library) {
        return Ok(GuestStd::Ready);
    }
    if let Some(from_source) = debian(&toolchain.system, sysroot.as_deref().ok()) {
        return Ok(from_source);
    }
    sysroot?;
    let detail = tried.err().unwrap_or_else(|| {
        ", and the rustup that added it belongs to another toolchain than this rustc".to_owned()
    });
    Err(BuildError::GuestTargetMissing { detail })
}

fn sysroot_of(rustc: &Path, dir: &Path) -> Result<PathBuf, BuildError> {
    let output = Command::new(rustc)
        .args(["--print", "sysroot"])
        .current_dir(dir)
        .output()
        .map_err(|source| BuildError::NoProgram {
            program: rustc.to_owned(),
            source,
        })?;
    Ok(PathBuf::from(
        String::from_utf8_lossy(&output.stdout).trim(),
    ))
}

fn has_guest_library(sysroot: &Path) -> bool {
    let library = sysroot.join("lib/rustlib").join(GUEST_TARGET).join("lib");
    std::fs::read_dir(library).is_ok_and(|entries| {
        entries
            .flatten()
            .any(|entry| entry.file_name().to_string_lossy().starts_with("libcore-"))
    })
}

/// The error is what to tell the user, from a comma on.
fn add_target(rustup: &Path, dir: &Path) -> Result<(), String> {
    let output = Command::new(rustup)
        .args(["target", "add", GUEST_TARGET])
        .current_dir(dir)
        .output()
        .map_err(|_| ", and there is no rustup to fetch it".to_owned())?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!(
        ", and rustup could not fetch it ({})",
        said.trim().lines().last().unwrap_or("it said nothing")
    ))
}

/// The standard library's source beside Debian's `cargo` and `rustc`, and a linker for guests.
fn debian(system: &Path, sysroot: Option<&Path>) -> Option<GuestStd> {
    let program =
        |name: &str| Some(system.join("usr/bin").join(name)).filter(|path| path.is_file());
    // The package rust-web-src puts it where cargo looks for it.
    let library = system.join("usr/lib/rustlib/src/rust/library");
    if !library.join("Cargo.lock").is_file() {
        return None;
    }
    let linker = sysroot.and_then(bundled_linker).or_else(|| {
        ["wasm-ld", "wasm-ld-22", "wasm-ld-19", "wasm-ld-16"]
            .into_iter()
            .find_map(program)
    })?;
    Some(GuestStd::FromSource {
        cargo: program("cargo")?,
        rustc: program("rustc")?,
        linker,
    })
}

fn bundled_linker(sysroot: &Path) -> Option<PathBuf> {
    let entries = std::fs::read_dir(sysroot.join("lib/rustlib")).ok()?;
    entries
        .flatten()
        .map(|entry| entry.path().join("bin/rust-lld"))
        .find(|path| path.is_file())
}

impl GuestStd {
    pub(crate) fn cargo<'a>(&'a self, toolchain: &'a Toolchain) -> &'a Path {
        match self {
            GuestStd::Ready => &toolchain.cargo,
            GuestStd::FromSource { cargo, .. } => cargo,
        }
    }

    /// What a build needs beyond the usual, and the settings of its environment.
    pub(crate) fn arguments(&self) -> (Vec<OsString>, Vec<(&'static str, OsString)>) {
        let GuestStd::FromSource { rustc, linker, .. } = self else {
            return (Vec::new(), Vec::new());
        };
        let environment = vec![
            ("RUSTC", rustc.clone().into_os_string()),
            // The options below belong to nightly; the packages are a release.
            ("RUSTC_BOOTSTRAP", "1".into()),
            (
                "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER",
                linker.clone().into_os_string(),
            ),
        ];
        (vec!["-Zbuild-std=std,panic_abort".into()], environment)
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    /// A machine whose toolchain has no guest target, no rustup and no Debian packages.
    fn bare(dir: &Path) -> Toolchain {
        Toolchain {
            cargo: dir.join("no-cargo"),
            rustc: dir.join("no-rustc"),
            rustup: None,
            sysroot: Some(dir.join("sysroot")),
            system: dir.join("system"),
        }
    }

    fn write(path: &Path, text: &str) {
        std::fs::create_dir_all(path.parent().expect("inside a folder")).expect("folder");
        std::fs::write(path, text).expect("file");
    }

    fn script(path: &Path, text: &str) -> PathBuf {
        write(path, &format!("#!/bin/sh\n{text}\n"));
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).expect("mode");
        path.to_owned()
    }

    fn guest_library(sysroot: &Path) -> PathBuf {
        sysroot
            .join("lib/rustlib")
            .join(GUEST_TARGET)
            .join("lib/libcore-0.rlib")
    }

    #[test]
    fn a_machine_without_the_target_and_without_rustup_names_every_remedy() {
        let dir = tempfile::tempdir().expect("folder");
        let error =
            ensure_guest_target(&bare(dir.path()), dir.path()).expect_err("nothing to build with");
        assert!(
            matches!(error, BuildError::GuestTargetMissing { .. }),
            "{error}"
        );
        let said = error.to_string();
        for remedy in [
            "rustup target add wasm32-unknown-unknown",
            "rustc-web",
            "cargo-web",
            "rust-web-src",
        ] {
            assert!(said.contains(remedy), "{said}");
        }
    }

    #[test]
    fn a_target_that_is_there_is_used_without_asking_rustup() {
        let dir = tempfile::tempdir().expect("folder");
        let mut toolchain = bare(dir.path());
        toolchain.rustup = Some(script(&dir.path().join("rustup"), "exit 1"));
        write(&guest_library(&dir.path().join("sysroot")), "");
        assert_eq!(
            ensure_guest_target(&toolchain, dir.path()).ok(),
            Some(GuestStd::Ready)
        );
    }

    #[test]
    fn rustup_adds_a_missing_target() {
        let dir = tempfile::tempdir().expect("folder");
        let library = guest_library(&dir.path().join("sysroot"));
        let folder = library.parent().expect("folder").display().to_string();
        let mut toolchain = bare(dir.path());
        toolchain.rustup = Some(script(
            &dir.path().join("rustup"),
            &format!(
                "[ \"$*\" = \"target add {GUEST_TARGET}\" ] && mkdir -p '{folder}' && touch '{}'",
                library.display()
            ),
        ));
        assert_eq!(
            ensure_guest_target(&toolchain, dir.path()).ok(),
            Some(GuestStd::Ready)
        );
    }

    #[test]
    fn a_rustup_that_fails_is_quoted() {
        let dir = tempfile::tempdir().expect("folder");
        let mut toolchain = bare(dir.path());
        toolchain.rustup = Some(script(
            &dir.path().join("rustup"),
            "echo 'no network' >&2; exit 1",
        ));
        let error = ensure_guest_target(&toolchain, dir.path()).expect_err("nothing fetched");
        assert!(error.to_string().contains("no network"), "{error}");
    }

    #[test]
    fn debians_source_package_stands_in_for_a_missing_target() {
        let dir = tempfile::tempdir().expect("folder");
        let system = dir.path().join("system");
        for (file, text) in [
            ("usr/bin/cargo", ""),
            ("usr/bin/rustc", ""),
            ("usr/bin/wasm-ld", ""),
            ("usr/lib/rustlib/src/rust/library/Cargo.lock", ""),
        ] {
            write(&system.join(file), text);
        }
        let guest = ensure_guest_target(&bare(dir.path()), dir.path()).expect("from source");
        let GuestStd::FromSource { linker, .. } = &guest else {
            panic!("{guest:?}")
        };
        assert!(linker.ends_with("usr/bin/wasm-ld"));
        let (arguments, environment) = guest.arguments();
        assert_eq!(arguments, ["-Zbuild-std=std,panic_abort"]);
        assert!(
            environment
                .iter()
                .any(|(name, value)| *name == "RUSTC_BOOTSTRAP" && value == "1")
        );
    }
}
