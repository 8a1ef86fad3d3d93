//! `tessera plugin`: from a rule's source to an installed component.

use std::path::PathBuf;

use anyhow::Context;
use axum::http::Method;
use clap::Subcommand;

use super::client::{Client, existing_data_folder};
use crate::config::Config;

#[derive(Subcommand)]
pub enum Plugin {
    /// Builds the rule crate in a folder into a component.
    Build {
        /// Folder with the crate's `Cargo.toml`.
        source: PathBuf,
        /// Where to write the component; beside the crate when absent.
        #[arg(long)]
        out: Option<PathBuf>,
    },
    /// Checks a component without installing it: shape, imports, manifest, and that it compiles.
    Check {
        file: PathBuf,
        /// A configuration (JSON file) to validate with it.
        #[arg(long)]
        with: Option<PathBuf>,
    },
    /// Installs a component into the chain.
    Install { file: PathBuf },
    /// Lists what is installed.
    List,
    /// Prints every setting of a component, or of all first-party plugins, as a page in Markdown.
    Reference { file: Option<PathBuf> },
}

impl Plugin {
    pub async fn run(self, config: &Config) -> anyhow::Result<()> {
        match self {
            Self::Build { source, out } => build(source, out),
            Self::Check { file, with } => check(config, file, with),
            Self::Install { file } => install(config, file).await,
            Self::List => list(config).await,
            Self::Reference { file } => reference(file),
        }
    }
}

fn build(source: PathBuf, out: Option<PathBuf>) -> anyhow::Result<()> {
    let component = tessera_build::build(&source, &tessera_build::Options::default())?;
    let out = out.unwrap_or_else(|| source.join(format!("{}.wasm", component.manifest.name)));
    std::fs::write(&out, &component.bytes)
        .with_context(|| format!("cannot write `{}`", out.display()))?;
    println!(
        "{} {} ({})",
        component.manifest.name, component.manifest.version, component.manifest.world
    );
    println!(
        "{} bytes, sha256 {}",
        component.bytes.len(),
        component.digest
    );
    println!("{}", out.display());
    Ok(())
}

fn check(config: &Config, file: PathBuf, with: Option<PathBuf>) -> anyhow::Result<()> {
    let bytes = read(&file)?;
    let engine = crate::plugins::Engine::new(config.sandbox.clone().into())?;
    let plugin = engine.compile(&bytes, None)?;
    let manifest = plugin.manifest();
    println!(
        "{} {} by {}",
        manifest.name,
        manifest.version,
        manifest.authors.join(", ")
    );
    println!("world {}, sdk {}", manifest.world, manifest.sdk);
    println!(
        "permissions: {}",
        if manifest.permissions.is_empty() {
            "none".to_owned()
        } else {
            manifest.permissions.join(", ")
        }
    );
    println!(
        "languages: {}",
        manifest
            .messages
            .keys()
            .cloned()
            .collect::<Vec<_>>()
            .join(", ")
    );
    if let Some(path) = with {
        let text = std::fs::read_to_string(&path)
            .with_context(|| format!("cannot read `{}`", path.display()))?;
        plugin.validate_config(&text)?;
        println!("the configuration `{}` is valid", path.display());
    }
    Ok(())
}

fn reference(file: Option<PathBuf>) -> anyhow::Result<()> {
    if let Some(file) = file {
        let manifest = tessera_build::read_manifest(&read(&file)?)?;
        print!("{}", crate::reference::page([&manifest]));
        return Ok(());
    }
    let manifests = tessera_embed::all()
        .iter()
        .map(|embedded| tessera_build::read_manifest(embedded.bytes))
        .collect::<Result<Vec<_>, _>>()?;
    let rules = crate::reference::page(&manifests);
    print!("{rules}{}", crate::reference::chain());
    Ok(())
}

async fn install(config: &Config, file: PathBuf) -> anyhow::Result<()> {
    existing_data_folder(&config.data)?;
    let bytes = read(&file)?;
    let client = Client::open(config).await?;
    let answer = client
        .send_bytes(
            Method::POST,
            "/v1/plugins",
            "application/wasm",
            bytes.into(),
        )
        .await?;
    println!("{}", serde_json::to_string_pretty(&answer)?);
    Ok(())
}

async fn list(config: &Config) -> anyhow::Result<()> {
    existing_data_folder(&config.data)?;
    let client = Client::open(config).await?;
    println!(
        "{}",
        serde_json::to_string_pretty(&client.send(Method::GET, "/v1/plugins", None).await?)?
    );
    Ok(())
}

fn read(file: &PathBuf) -> anyhow::Result<Vec<u8>> {
    std::fs::read(file).with_context(|| format!("cannot read `{}`", file.display()))
}
