//! `tessera settle`: the chain and its stores, at the end of a period.

use axum::http::Method;
use clap::Args;
use serde_json::json;

use super::client::{Client, existing_data_folder};
use crate::config::Config;

#[derive(Args)]
pub struct Settle {
    /// ISO 4217.
    #[arg(long)]
    currency: String,
    /// Only shows what is open.
    #[arg(long)]
    open: bool,
    /// Takes a settlement back instead, by its id.
    #[arg(long, conflicts_with = "open")]
    reverse: Option<String>,
}

impl Settle {
    pub async fn run(self, config: &Config) -> anyhow::Result<()> {
        existing_data_folder(&config.data)?;
        let client = Client::open(config).await?;
        let answer = match (&self.reverse, self.open) {
            (Some(id), _) => {
                let path = format!("/v1/settlements/{id}/reversal");
                client.send(Method::POST, &path, Some(&json!({}))).await?
            }
            (None, true) => {
                let path = format!("/v1/settlements/open?currency={}", self.currency);
                client.send(Method::GET, &path, None).await?
            }
            (None, false) => {
                let body = json!({ "currency": self.currency });
                client
                    .send(Method::POST, "/v1/settlements", Some(&body))
                    .await?
            }
        };
        println!("{}", serde_json::to_string_pretty(&answer)?);
        Ok(())
    }
}
