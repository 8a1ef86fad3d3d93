//! `tessera binding`: which plugin runs where, with which configuration.

use std::path::PathBuf;

use anyhow::Context;
use axum::http::Method;
use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

use super::client::{Client, existing_data_folder};
use crate::config::Config;

#[derive(Subcommand)]
pub enum Binding {
    /// Binds a plugin to the chain, a region or a store.
    Add(Add),
    /// Lists the bindings, all or those that apply in one store.
    List {
        #[arg(long)]
        store: Option<String>,
    },
    /// Ends a binding; orders made under it keep their record.
    Remove { id: String },
}

#[derive(Args)]
pub struct Add {
    /// Name of an installed plugin, with a version range after `@` if not any: `points-standard@^0.1`.
    plugin: String,
    /// `chain`, `region:ID` or `store:ID`.
    #[arg(long, default_value = "chain")]
    scope: String,
    /// The plugin's configuration: a JSON file, or JSON itself.
    #[arg(long, default_value = "{}")]
    with: String,
    /// Higher goes first.
    #[arg(long)]
    priority: Option<i64>,
    /// Exclusive group: of its members only one applies.
    #[arg(long)]
    group: Option<String>,
    /// Last business day, `2026-12-31`.
    #[arg(long)]
    until: Option<String>,
    /// First business day.
    #[arg(long)]
    from: Option<String>,
    /// What a fault of the plugin does to a sale: `skip` or `refuse-order`.
    #[arg(long)]
    on_fault: Option<String>,
}

impl Binding {
    pub async fn run(self, config: &Config) -> anyhow::Result<()> {
        existing_data_folder(&config.data)?;
        let client = Client::open(config).await?;
        let answer = match self {
            Self::Add(add) => {
                client
                    .send(Method::POST, "/v1/bindings", Some(&add.body()?))
                    .await?
            }
            Self::List { store: None } => client.send(Method::GET, "/v1/bindings", None).await?,
            Self::List { store: Some(store) } => {
                client
                    .send(Method::GET, &format!("/v1/bindings?store={store}"), None)
                    .await?
            }
            Self::Remove { id } => {
                client
                    .send(Method::DELETE, &format!("/v1/bindings/{id}"), None)
                    .await?
            }
        };
        if !answer.is_null() {
            println!("{}", serde_json::to_string_pretty(&answer)?);
        }
        Ok(())
    }
}

impl Add {
    fn body(self) -> anyhow::Result<Value> {
        let (plugin, version) = match self.plugin.split_once('@') {
            Some((name, range)) => (name.to_owned(), range.to_owned()),
            None => (self.plugin, "*".to_owned()),
        };
        let mut body = Map::from_iter([
            ("plugin".to_owned(), json!(plugin)),
            ("version".to_owned(), json!(version)),
            ("scope".to_owned(), json!(self.scope)),
            ("config".to_owned(), configuration(&self.with)?),
        ]);
        let optional = [
            ("priority", self.priority.map(Value::from)),
            ("group", self.group.map(Value::from)),
            ("schedule", schedule(self.from, self.until)),
            ("on_fault", self.on_fault.map(Value::from)),
        ];
        body.extend(
            optional
                .into_iter()
                .filter_map(|(name, value)| Some((name.to_owned(), value?))),
        );
        Ok(Value::Object(body))
    }
}

fn schedule(from: Option<String>, until: Option<String>) -> Option<Value> {
    let days = [("from", from), ("until", until)];
    let given: Map<_, _> = days
        .into_iter()
        .filter_map(|(name, day)| Some((name.to_owned(), json!(day?))))
        .collect();
    (!given.is_empty()).then_some(Value::Object(given))
}

fn configuration(given: &str) -> anyhow::Result<Value> {
    if given.trim_start().starts_with('{') {
        return serde_json::from_str(given).context("the configuration is not JSON");
    }
    let path = PathBuf::from(given);
    let text = std::fs::read_to_string(&path)
        .with_context(|| format!("cannot read `{}`", path.display()))?;
    serde_json::from_str(&text).with_context(|| format!("`{}` is not JSON", path.display()))
}
