//! `tessera terminal`: codes that pair a till, and the end of a till's key.

use axum::http::Method;
use clap::Subcommand;
use serde_json::{Value, json};

use super::client::{Client, existing_data_folder};
use crate::config::Config;

#[derive(Subcommand)]
pub enum Terminal {
    /// Makes a new till of a store and the one-time code that pairs it.
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
            Self::Pair { store, name } => pairing_code(&client, &store, &name).await?,
            Self::Revoke { id } => {
                let path = format!("/v1/terminals/{id}");
                client.send(Method::DELETE, &path, None).await?
            }
        };
        if !answer.is_null() {
            println!("{}", serde_json::to_string_pretty(&answer)?);
        }
        Ok(())
    }
}

/// Makes a terminal and the code that pairs it.
pub async fn pairing_code(client: &Client, store: &str, name: &str) -> anyhow::Result<Value> {
    let terminal = json!({ "store": store, "name": name });
    let terminal = client
        .send(Method::POST, "/v1/terminals", Some(&terminal))
        .await?;
    let code = json!({ "terminal": terminal["id"] });
    client
        .send(Method::POST, "/v1/pairing-codes", Some(&code))
        .await
}
