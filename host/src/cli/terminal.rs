//! `tessera terminal`: codes that pair a till, and the end of a till's key.

use axum::http::Method;
use clap::Subcommand;
use serde_json::{Value, json};

use super::client::{Client, existing_data_folder};
use crate::config::Config;

#[derive(Subcommand)]
pub enum Terminal {
    /// Makes a one-time pairing code for a new till of a store.
    Pair {
        #[arg(long)]
        store: String,
        /// What the till is called.
        #[arg(long, default_value = "till")]
        name: String,
    },
    /// Ends a till's key at once.
    Revoke { id: String },
}

impl Terminal {
    pub async fn run(self, config: &Config) -> anyhow::Result<()> {
        existing_data_folder(&config.data)?;
        let client = Client::open(config).await?;
        let answer = match self {
            Self::Pair { store, name } => new_till(&client, &store, &name).await?,
            Self::Revoke { id } => {
                client
                    .send(Method::DELETE, &format!("/v1/terminals/{id}"), None)
                    .await?
            }
        };
        println!("{}", serde_json::to_string_pretty(&answer)?);
        Ok(())
    }
}

/// Makes a till of a store known and a code that pairs it; answers the code.
pub async fn new_till(client: &Client, store: &str, name: &str) -> anyhow::Result<Value> {
    let till = json!({ "store": store, "name": name });
    let till = client
        .send(Method::POST, "/v1/terminals", Some(&till))
        .await?;
    let code = json!({ "terminal": till["id"] });
    client
        .send(Method::POST, "/v1/pairing-codes", Some(&code))
        .await
}
