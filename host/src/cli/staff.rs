//! `tessera staff`: people, what they may do, and a first PIN for them.

use anyhow::Context;
use axum::http::Method;
use clap::Subcommand;
use serde_json::{Value, json};

use super::client::{Client, existing_data_folder};
use crate::config::Config;
use crate::vault;

#[derive(Subcommand)]
pub enum Staff {
    /// Lists the people of the chain, or of one store.
    List {
        #[arg(long)]
        store: Option<String>,
    },
    /// Takes somebody on, with a PIN that is told once.
    Add {
        id: String,
        #[arg(long)]
        name: String,
        /// `cashier`, `supervisor`, `manager`, `admin`, or one of the chain's own.
        #[arg(long, default_value = "cashier")]
        role: String,
        /// All stores when absent.
        #[arg(long)]
        store: Option<String>,
    },
    /// Gives somebody another PIN, told once; it also unlocks him.
    ResetPin { id: String },
    /// Defines a role of the chain's own: `--allow`, `--ask` (needs an approval) and `--deny`, permission by permission.
    Role {
        id: String,
        /// The built-in role it begins with.
        #[arg(long, default_value = "cashier")]
        base: String,
        #[arg(long)]
        allow: Vec<String>,
        #[arg(long)]
        ask: Vec<String>,
        #[arg(long)]
        deny: Vec<String>,
    },
}

impl Staff {
    pub async fn run(self, config: &Config) -> anyhow::Result<()> {
        existing_data_folder(&config.data)?;
        let client = Client::open(config).await?;
        let answer = match self {
            Self::List { store } => {
                let of = store.map_or_else(String::new, |store| format!("?store={store}"));
                client
                    .send(Method::GET, &format!("/v1/staff{of}"), None)
                    .await?
            }
            Self::Add {
                id,
                name,
                role,
                store,
            } => {
                let pin = first_pin()?;
                let body =
                    json!({ "id": id, "name": name, "role": role, "store": store, "pin": pin });
                let made = client.send(Method::POST, "/v1/staff", Some(&body)).await?;
                println!("PIN, told once: {pin}");
                made
            }
            Self::ResetPin { id } => {
                let pin = first_pin()?;
                let body = json!({ "pin": pin });
                let path = format!("/v1/staff/{id}/pin");
                client.send(Method::PUT, &path, Some(&body)).await?;
                println!("PIN, told once: {pin}");
                Value::Null
            }
            Self::Role {
                id,
                base,
                allow,
                ask,
                deny,
            } => {
                let said = [("allow", allow), ("approve", ask), ("deny", deny)];
                let said = said
                    .into_iter()
                    .flat_map(|(power, names)| names.into_iter().map(move |name| (name, power)));
                let permissions: std::collections::BTreeMap<String, &str> = said.collect();
                let body = json!({ "base": base, "permissions": permissions });
                let path = format!("/v1/roles/{id}");
                client.send(Method::PUT, &path, Some(&body)).await?
            }
        };
        if !answer.is_null() {
            println!("{}", serde_json::to_string_pretty(&answer)?);
        }
        Ok(())
    }
}

/// Six digits from the system's generator.
fn first_pin() -> anyhow::Result<String> {
    let bytes: [u8; 8] = vault::random().context("making a PIN")?;
    Ok(format!("{:06}", u64::from_be_bytes(bytes) % 1_000_000))
}
