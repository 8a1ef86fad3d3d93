//! `tessera demo`: a sample chain in a fresh data folder, filled through the same requests anybody sends,
//! then served.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, bail};
use clap::Args;
use serde_json::{Value, json};

use super::serve::serve;
use crate::config::Config;
use crate::demo;
use crate::host::Host;

/// Written into the data folder when the sample chain is complete.
const NOTE: &str = "demo.json";

#[derive(Args)]
pub struct Demo {
    /// Empties the data folder first; refused where it is not a demo's.
    #[arg(long)]
    reset: bool,
    /// How many members the sample chain has.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(10..=100_000))]
    members: u32,
}

impl Demo {
    pub async fn run(self, config: Config) -> anyhow::Result<()> {
        if self.reset {
            reset(&config).await?;
        }
        let host = Host::open(&config).await?;
        let note = config.data.join(NOTE);
        if !note.exists() {
            if host.snapshots.current().is_some() {
                bail!(
                    "`{}` holds a chain that is not a complete demo; run with --reset, or choose another folder with --data",
                    config.data.display()
                );
            }
            let filled = demo::fill::fill(&host, self.members).await?;
            write_note(&note, &filled)?;
        }
        let mut filled: Value = serde_json::from_slice(&std::fs::read(&note)?)
            .with_context(|| format!("`{}` is damaged; run with --reset", note.display()))?;
        serve(Arc::clone(&host), &config, |address| {
            let url = format!("http://{address}");
            filled["base_url"] = json!(url);
            if let Err(error) = write_note(&note, &filled) {
                tracing::warn!(%error, "demo.json keeps the address of an earlier start");
            }
            print_welcome(&url, &filled, &note);
        })
        .await
    }
}

/// Removes a demo's data, and nothing else.
async fn reset(config: &Config) -> anyhow::Result<()> {
    let data = &config.data;
    let is_demo = data.join(NOTE).exists() || data.join("tessera.db").exists();
    let is_empty = !data.exists() || std::fs::read_dir(data)?.next().is_none();
    if !is_empty && !is_demo {
        bail!(
            "`{}` is not a demo's data folder; nothing was removed",
            data.display()
        );
    }
    let owner = crate::store::DataFolder::lock(data)?;
    if let Some(url) = &config.database {
        crate::store::db::empty(url, demo::fill::CHAIN_NAME).await?;
    }
    drop(owner);
    if data.exists() {
        std::fs::remove_dir_all(data)
            .with_context(|| format!("cannot remove `{}`", data.display()))?;
    }
    Ok(())
}

/// Keys are in it, so only its owner may read it.
fn write_note(path: &Path, filled: &Value) -> anyhow::Result<()> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let part = path.with_extension("part");
    let _ = std::fs::remove_file(&part);
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&part)?;
    file.write_all(&serde_json::to_vec_pretty(filled)?)?;
    file.sync_all()?;
    std::fs::rename(&part, path)?;
    Ok(())
}

fn print_welcome(url: &str, filled: &Value, note: &Path) {
    let text = |pointer: &str| {
        filled
            .pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    let key = text("/keys/terminal");
    let (card, coffee, bread) = (
        text("/members/0/card"),
        text("/products/0/barcode"),
        text("/products/1/barcode"),
    );
    println!();
    println!("Tessera is serving the sample chain at {url}");
    println!("API page: {url}/docs");
    println!("Keys and ids: {}", note.display());
    println!();
    println!("A sale in three lines, quote, commit, refund:");
    println!();
    println!(
        "QUOTE=$(curl -s {url}/v1/quotes -H 'Authorization: Bearer {key}' -H 'Content-Type: application/json' -d '{{\"member\":{{\"card\":\"{card}\"}},\"lines\":[{{\"barcode\":\"{coffee}\",\"quantity\":\"2\"}},{{\"barcode\":\"{bread}\"}}],\"tenders\":[{{\"kind\":\"cash\",\"amount\":20000}}]}}' | tee /dev/stderr | sed 's/^{{\"id\":\"\\([^\"]*\\)\".*/\\1/')"
    );
    println!();
    println!(
        "ORDER=$(curl -s -X POST {url}/v1/quotes/$QUOTE/commit -H 'Authorization: Bearer {key}' -H \"Idempotency-Key: bill-$QUOTE\" | tee /dev/stderr | sed 's/^{{\"id\":\"\\([^\"]*\\)\".*/\\1/')"
    );
    println!();
    println!(
        "curl -s {url}/v1/orders/$ORDER/refunds -H 'Authorization: Bearer {key}' -H \"Idempotency-Key: refund-$ORDER\" -H 'Content-Type: application/json' -d '{{\"lines\":[{{\"line\":0,\"quantity\":\"1\"}}]}}'"
    );
    println!();
    println!("Stop with Ctrl-C; the next start reuses the data.");
}
