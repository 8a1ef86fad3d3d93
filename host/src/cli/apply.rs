//! `tessera apply`: the chain as TOML files declare it. Shows the difference, asks, and applies it whole.

use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use axum::http::Method;
use clap::Args;
use serde_json::{Value, json};

use super::client::{Client, existing_data_folder};
use crate::config::Config;

#[derive(Args)]
pub struct Apply {
    /// The files; together they are one declaration, and what the last one declared and they do not, ends.
    #[arg(required_unless_present_any = ["list", "rollback"], conflicts_with_all = ["list", "rollback"])]
    files: Vec<PathBuf>,
    /// Applies without asking.
    #[arg(long)]
    yes: bool,
    /// Lists the revisions.
    #[arg(long, conflicts_with = "rollback")]
    list: bool,
    /// Goes back to the files of an earlier revision, as a new one.
    #[arg(long, value_name = "REVISION")]
    rollback: Option<i64>,
}

impl Apply {
    pub async fn run(self, config: &Config) -> anyhow::Result<()> {
        existing_data_folder(&config.data)?;
        let client = Client::open(config).await?;
        if self.list {
            return list(&client).await;
        }
        let mut body = match self.rollback {
            Some(number) => json!({ "rollback": number }),
            None => json!({ "files": read(&self.files)? }),
        };
        let plan = client
            .send(Method::POST, "/v1/configuration/plan", Some(&body))
            .await?;
        let changes = plan["changes"].as_array().map_or(&[][..], Vec::as_slice);
        print_plan(&plan, changes);
        if changes.is_empty() && self.rollback.is_none() {
            // Told all the same, so that the revision names the files as they are now.
            let applied = client
                .send(Method::POST, "/v1/configuration", Some(&body))
                .await?;
            println!(
                "Nothing changes; revision {} is in force.",
                applied["revision"]
            );
            return Ok(());
        }
        if !self.yes && !agreed()? {
            println!("Nothing was changed.");
            return Ok(());
        }
        body["base"] = plan["base"].clone();
        let applied = client
            .send(Method::POST, "/v1/configuration", Some(&body))
            .await?;
        println!("Revision {} is in force.", applied["revision"]);
        Ok(())
    }
}

fn read(files: &[PathBuf]) -> anyhow::Result<Vec<Value>> {
    let one = |path: &PathBuf| {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read `{}`", path.display()))?;
        Ok(json!({ "name": name(path), "text": text }))
    };
    files.iter().map(one).collect()
}

fn name(path: &Path) -> String {
    path.file_name()
        .map_or_else(|| path.to_string_lossy(), |name| name.to_string_lossy())
        .into_owned()
}

/// Asks at a terminal; elsewhere nobody could answer.
fn agreed() -> anyhow::Result<bool> {
    if !std::io::stdin().is_terminal() {
        bail!("nobody is there to ask; read the difference above and apply it with --yes");
    }
    print!("Apply this? [y/N] ");
    std::io::stdout().flush()?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    Ok(matches!(
        answer.trim().to_ascii_lowercase().as_str(),
        "y" | "yes"
    ))
}

fn print_plan(plan: &Value, changes: &[Value]) {
    let text = |value: &Value, name: &str| value[name].as_str().unwrap_or_default().to_owned();
    for note in plan["notes"].as_array().into_iter().flatten() {
        println!("  note: {}", note.as_str().unwrap_or_default());
    }
    let ends = |change: &&Value| matches!(text(change, "action").as_str(), "ended" | "deactivated");
    if changes.iter().any(|change| ends(&change)) && plan["base"] != 0 {
        println!(
            "  This takes the place of revision {} ({}).",
            plan["base"],
            text(plan, "source")
        );
    }
    for change in changes {
        let action = text(change, "action");
        let (sign, more) = match action.as_str() {
            "added" => ("+", ""),
            "changed" => ("~", ""),
            "adopted" => (
                "=",
                " (made through the API; the file declares it from now on)",
            ),
            "ended" => ("-", " (ends; its orders keep their record)"),
            "deactivated" => ("-", " (no longer sells)"),
            _ => (
                "=",
                " (no longer declared; it stays, and the API may change it)",
            ),
        };
        let place = change["declared_at"]
            .as_str()
            .map_or(String::new(), |at| format!("  {at}"));
        println!(
            "{sign} {} {}{more}{place}",
            text(change, "kind"),
            text(change, "name")
        );
        for key in change["keys"].as_array().into_iter().flatten() {
            print_key(&action, key);
        }
    }
}

fn print_key(action: &str, key: &Value) {
    let name = key["key"].as_str().unwrap_or_default();
    match (action, key.get("old"), key.get("new")) {
        ("added", _, Some(new)) => println!("    {name} = {new}"),
        (_, Some(old), Some(new)) => println!("    {name}: {old} → {new}"),
        (_, Some(old), None) => println!("    {name}: {old} → (none)"),
        (_, None, Some(new)) => println!("    {name}: (none) → {new}"),
        _ => {}
    }
}

async fn list(client: &Client) -> anyhow::Result<()> {
    let answer = client
        .send(Method::GET, "/v1/configuration/revisions", None)
        .await?;
    for revision in answer.as_array().into_iter().flatten() {
        let text = |name: &str| revision[name].as_str().unwrap_or_default();
        let changes = revision["changes"].as_array().map_or(0, Vec::len);
        let back = revision["restores"]
            .as_i64()
            .map_or(String::new(), |number| format!(", back to {number}"));
        println!(
            "{:>5}  {}  {}  {}  {} change(s){back}  {}",
            revision["number"],
            text("applied_at"),
            text("author"),
            text("source"),
            changes,
            text("digest").get(..12).unwrap_or_default(),
        );
    }
    Ok(())
}
