//! `tessera cards`: types of cards, and numbers for whoever prints the cards.

use anyhow::Context;
use axum::http::Method;
use clap::Subcommand;
use serde_json::{Value, json};

use super::client::{Client, existing_data_folder};
use crate::cards::MOST_BLANKS;
use crate::config::Config;

#[derive(Subcommand)]
pub enum Cards {
    /// Defines a type of card, or changes it.
    Type {
        id: String,
        #[arg(long)]
        name: String,
        /// Minor units a card is sold for; nothing when absent.
        #[arg(long)]
        price: Option<i64>,
        /// Days it is good for; without end when absent.
        #[arg(long)]
        valid_days: Option<i64>,
        /// The tier its owner gets.
        #[arg(long)]
        tier: Option<String>,
    },
    /// Makes blank cards of a type and prints their numbers, one a line.
    Make {
        #[arg(long = "type")]
        card_type: String,
        #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
        count: u32,
    },
}

impl Cards {
    pub async fn run(self, config: &Config) -> anyhow::Result<()> {
        existing_data_folder(&config.data)?;
        let client = Client::open(config).await?;
        let (card_type, mut left) = match self {
            Self::Make { card_type, count } => (card_type, count),
            Self::Type {
                id,
                name,
                price,
                valid_days,
                tier,
            } => {
                let mut body = json!({ "name": name });
                let given = [
                    ("price", price.map(Value::from)),
                    ("valid_days", valid_days.map(Value::from)),
                    ("tier", tier.map(Value::from)),
                ];
                for (field, value) in given {
                    if let Some(value) = value {
                        body[field] = value;
                    }
                }
                let path = format!("/v1/card-types/{id}");
                let put = client.send(Method::PUT, &path, Some(&body)).await?;
                println!("{}", serde_json::to_string_pretty(&put)?);
                return Ok(());
            }
        };
        while left > 0 {
            let part = left.min(MOST_BLANKS);
            let body = json!({ "type": card_type, "count": part });
            let made = client
                .send(Method::POST, "/v1/cards/batches", Some(&body))
                .await?;
            let numbers = made["numbers"].as_array().context("a batch has numbers")?;
            for number in numbers {
                println!("{}", number.as_str().unwrap_or_default());
            }
            left -= part;
        }
        Ok(())
    }
}
