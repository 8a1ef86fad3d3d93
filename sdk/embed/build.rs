//! Builds every crate of `plugins/` and writes the components where `lib.rs` includes them.

use std::error::Error;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use tessera_build::{Options, build_all};

fn main() -> ExitCode {
    match embed() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Cargo shows a failed build script's standard error as it is.
            eprintln!("the first-party plugins could not be built: {error}");
            ExitCode::FAILURE
        }
    }
}

fn embed() -> Result<(), Box<dyn Error>> {
    let here = PathBuf::from(
        std::env::var_os("CARGO_MANIFEST_DIR").ok_or("cargo sets no CARGO_MANIFEST_DIR")?,
    );
    let out = PathBuf::from(std::env::var_os("OUT_DIR").ok_or("cargo sets no OUT_DIR")?);
    let root = here
        .ancestors()
        .nth(2)
        .ok_or("sdk/embed lies two folders below the root")?;
    watch(root);
    let crates = plugin_crates(&root.join("plugins"))?;
    let options = Options {
        target_dir: Some(target_dir(&out).join("guests")),
        ..Options::default()
    };
    let mut table = String::from("static EMBEDDED: &[Embedded] = &[\n");
    for component in build_all(&crates, &options)? {
        let name = &component.manifest.name;
        let file = out.join(format!("{name}.wasm"));
        std::fs::write(&file, &component.bytes)?;
        writeln!(
            table,
            "    Embedded {{ name: {name:?}, bytes: include_bytes!({file:?}) }},"
        )?;
    }
    table.push_str("];\n");
    std::fs::write(out.join("embedded.rs"), table)?;
    Ok(())
}

/// All a plugin is made of.
fn watch(root: &Path) {
    for source in [
        "plugins",
        "wit",
        "sdk/src",
        "sdk/Cargo.toml",
        "sdk/money",
        "Cargo.lock",
    ] {
        println!("cargo::rerun-if-changed={}", root.join(source).display());
    }
}

/// Folders of `plugins/` with a Cargo.toml, by name.
fn plugin_crates(plugins: &Path) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let mut crates = Vec::new();
    for entry in std::fs::read_dir(plugins)? {
        let path = entry?.path();
        if path.join("Cargo.toml").is_file() {
            crates.push(path);
        }
    }
    crates.sort();
    Ok(crates)
}

/// The target folder this build script runs for: cargo marks it with a CACHEDIR.TAG. Another folder
/// inside it has its own lock, so the guests' cargo does not wait for this one.
fn target_dir(out: &Path) -> &Path {
    out.ancestors()
        .find(|folder| folder.join("CACHEDIR.TAG").is_file())
        .unwrap_or(out)
}
