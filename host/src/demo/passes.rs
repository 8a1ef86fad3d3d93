//! Passes in the sample chain: ten coffees, sold to the first members, some of them drunk.

use axum::http::Method;
use serde_json::{Value, json};

use super::products::Article;
use crate::cli::client::Client;

const SKU: &str = "PASS-COFFEE-10";
const COFFEE: &str = "drinks/coffee";

/// Sells the pass in a store to `members`, who use it on `goods`; the first most.
///
/// # Errors
/// When a sale is refused.
pub async fn passes(
    client: &Client,
    (store, currency): (&str, &str),
    goods: &[Article],
    members: impl Iterator<Item = &str>,
) -> anyhow::Result<()> {
    let pass = json!({
        "sku": SKU, "name": "咖啡十杯卡", "category": "passes", "currency": currency,
        "price": 15_000, "tax_class": "standard",
        "pass": { "uses": 10, "days": 90, "categories": [COFFEE], "most_per_day": 4 },
    });
    let pass = client
        .send(Method::POST, "/v1/products", Some(&pass))
        .await?;
    let coffee = goods.iter().find(|article| article.category == COFFEE);
    for (member, cups) in members.zip((0..=4).rev()) {
        let sale = |line: Value, tenders: Value| json!({ "store": store, "member": { "id": member }, "lines": [line], "tenders": tenders });
        let sold = sale(json!({ "sku": SKU }), json!([{ "kind": "mobile" }]));
        buy(client, sold).await?;
        if let Some(coffee) = coffee.filter(|_| cups > 0) {
            let used = json!({
                "sku": coffee.sku, "quantity": cups.to_string(), "pass": { "product": pass["id"] },
            });
            buy(client, sale(used, json!([]))).await?;
        }
    }
    Ok(())
}

pub(super) async fn buy(client: &Client, sale: Value) -> anyhow::Result<()> {
    let quote = client.send(Method::POST, "/v1/quotes", Some(&sale)).await?;
    let id = quote["id"].as_str().unwrap_or_default();
    let path = format!("/v1/quotes/{id}/commit");
    client.send(Method::POST, &path, Some(&json!({}))).await?;
    Ok(())
}
