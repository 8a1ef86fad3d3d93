//! `tessera init`: a new chain with its first store, administrator and till.

use anyhow::bail;
use axum::http::Method;
use clap::Args;
use serde_json::{Value, json};

use super::client::Client;
use crate::config::Config;

#[derive(Args)]
pub struct Init {
    /// What the chain is called.
    #[arg(long)]
    name: String,
    /// ISO 4217 code of what it sells in.
    #[arg(long, default_value = "CNY")]
    currency: String,
    /// IANA time zone of the first store.
    #[arg(long, default_value = "Asia/Shanghai")]
    time_zone: String,
    /// Id of the first store.
    #[arg(long, default_value = "store-1")]
    store: String,
    /// Language of those who name none: `zh-CN` or `en`.
    #[arg(long, default_value = "zh-CN")]
    language: String,
    /// Tax of the class `standard`, exact: `13/100`.
    #[arg(long, default_value = "0/100")]
    tax: String,
}

impl Init {
    pub async fn run(self, config: &Config) -> anyhow::Result<()> {
        let client = Client::open(config).await?;
        if client.send(Method::GET, "/v1/chain", None).await.is_ok() {
            bail!(
                "`{}` holds a chain already; choose another folder with --data",
                config.data.display()
            );
        }
        let settings = json!({ "tax_classes": [{ "name": "standard", "rate": self.tax }] });
        let chain = json!({ "name": self.name, "language": self.language, "settings": settings });
        client.send(Method::PUT, "/v1/chain", Some(&chain)).await?;
        client
            .send(
                Method::PUT,
                "/v1/regions/main",
                Some(&json!({ "name": self.name })),
            )
            .await?;
        let store = json!({
            "region": "main",
            "name": self.store,
            "currency": self.currency,
            "time_zone": self.time_zone,
        });
        client
            .send(
                Method::PUT,
                &format!("/v1/stores/{}", self.store),
                Some(&store),
            )
            .await?;
        let key = client
            .send(
                Method::POST,
                "/v1/keys",
                Some(&json!({ "name": "first administrator", "role": "admin" })),
            )
            .await?;
        let code = super::terminal::pairing_code(&client, &self.store, "till-1").await?;
        println!(
            "The chain `{}` stands in `{}`.",
            self.name,
            config.data.display()
        );
        println!("Administrator key (shown once): {}", text(&key, "key"));
        println!("Pairing code of the first till: {}", text(&code, "code"));
        println!(
            "Start it with: tessera serve --data {}",
            config.data.display()
        );
        Ok(())
    }
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}
