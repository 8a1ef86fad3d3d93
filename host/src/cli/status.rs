//! `tessera status`: how the chain stands, in a few lines.

use axum::http::Method;
use serde_json::Value;

use super::client::{Client, existing_data_folder, fault_text};
use crate::config::Config;

pub async fn run(config: &Config) -> anyhow::Result<()> {
    existing_data_folder(&config.data)?;
    let client = Client::open(config).await?;
    let status = client.send(Method::GET, "/v1/status", None).await?;
    let text = |name: &str| status[name].as_str().unwrap_or("none").to_owned();
    println!("version        {}", text("version"));
    println!("chain          {}", text("chain"));
    println!("database       {}", text("database"));
    println!(
        "writer         {}, {} waiting",
        text("writer"),
        status["writer_queue"]
    );
    println!(
        "bindings       {} live, {} not live",
        status["bindings"], status["bindings_not_live"]
    );
    println!("configuration  {}", revision(&status["revision"]));
    if let Some(folder) = status["watched"].as_str() {
        println!("watched        {folder}");
    }
    match status["problem"].as_object() {
        None => println!("problems       none"),
        Some(problem) => {
            let since = problem
                .get("since")
                .and_then(Value::as_str)
                .unwrap_or_default();
            println!("problems       since {since}; the last valid configuration is in force");
            for fault in problem
                .get("faults")
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
            {
                println!("  {}", fault_text(fault));
            }
        }
    }
    Ok(())
}

fn revision(revision: &Value) -> String {
    if revision.is_null() {
        return "no file declares anything".to_owned();
    }
    let text = |name: &str| revision[name].as_str().unwrap_or_default();
    format!(
        "revision {} of {} by {}, {}",
        revision["number"],
        text("applied_at"),
        text("author"),
        text("source")
    )
}
