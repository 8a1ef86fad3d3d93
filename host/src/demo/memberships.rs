//! Paid memberships in the sample chain: a plan by the month and one by the year, sold to a few members, one of whom
//! renews and one of whom upgrades.

use axum::http::Method;
use serde_json::{Value, json};

use super::passes::buy;
use crate::cli::client::Client;

/// Creates the plans and sells them in a store to the first of `members`.
///
/// # Errors
/// When a sale is refused.
pub async fn memberships(
    client: &Client,
    (store, currency): (&str, &str),
    mut members: impl Iterator<Item = &str>,
) -> anyhow::Result<()> {
    let mut plans = Vec::new();
    for (sku, name, price, months) in [
        ("PLAN-MONTH", "银卡会员月卡", 3_000, 1),
        ("PLAN-YEAR", "金卡会员年卡", 29_800, 12),
    ] {
        let tier = match months {
            1 => json!({ "tier": "silver", "multiplier": "1.2" }),
            _ => json!({ "tier": "gold", "from": ["silver"], "multiplier": "1.5" }),
        };
        let plan = json!({
            "sku": sku, "name": name, "category": "memberships", "currency": currency, "price": price,
            "tax_class": "standard", "membership": { "months": months, "tier": tier },
        });
        let plan = client
            .send(Method::POST, "/v1/products", Some(&plan))
            .await?;
        plans.push(plan["id"].clone());
    }
    let [month, year] = &plans[..] else {
        return Ok(());
    };
    for lines in [
        vec![json!({ "product": month })],
        vec![json!({ "product": month }), json!({ "product": month })],
        vec![json!({ "product": year })],
    ] {
        sell(client, store, members.next(), &lines).await?;
    }
    let upgrades = members.next();
    sell(client, store, upgrades, &[json!({ "product": month })]).await?;
    let upgrade = json!({ "product": year, "upgrade": true });
    sell(client, store, upgrades, &[upgrade]).await
}

async fn sell(
    client: &Client,
    store: &str,
    member: Option<&str>,
    lines: &[Value],
) -> anyhow::Result<()> {
    let Some(member) = member else { return Ok(()) };
    let sale = json!({
        "store": store, "member": { "id": member }, "lines": lines, "tenders": [{ "kind": "mobile" }],
    });
    buy(client, sale).await
}
