//! A day in a store of the sample chain: what members and staff do there beside buying.

use anyhow::Context;
use axum::http::Method;
use serde_json::{Value, json};

use super::products::Article;
use crate::cli::client::Client;

/// Where the day is spent, and by whom.
pub struct Day<'a> {
    /// The chain's operator.
    pub office: &'a Client,
    /// The till, with its own key.
    pub till: Client,
    pub store: &'a str,
    /// Another store, which belongs to somebody else.
    pub franchise: &'a str,
    pub currency: &'a str,
    /// At least ten, who have some stored value and points.
    pub members: &'a [&'a str],
    pub goods: &'a [Article],
}

impl Day<'_> {
    /// Opens the shift, lets everything happen, and closes it with the cash that should be there.
    ///
    /// # Errors
    /// When a request is refused.
    pub async fn pass(&self) -> anyhow::Result<()> {
        self.staff().await.context("staff and roles")?;
        let float = json!({ "float": 50_000 });
        let shift = self.post(&self.till, "/v1/shifts", float).await?;
        let shift = format!("/v1/shifts/{}", id(&shift));
        self.wallets().await.context("wallets")?;
        self.points().await.context("points")?;
        self.cards().await.context("cards")?;
        self.members().await.context("members")?;
        self.counter().await.context("the counter")?;
        self.settlement().await.context("settling with stores")?;
        let movements = format!("{shift}/movements");
        let change = json!({ "kind": "cash-out", "amount": 5_000, "reason": "零钱送银行" });
        self.post(&self.till, &movements, change).await?;
        let open = self.till.send(Method::GET, &shift, None).await?;
        let expected = open["expected"].as_object().into_iter().flatten();
        let counted: Vec<Value> = expected
            .map(|(tender, amount)| json!({ "tender": tender, "amount": amount }))
            .collect();
        let close = json!({ "counted": counted });
        self.post(&self.till, &format!("{shift}/close"), close)
            .await?;
        Ok(())
    }

    async fn post(&self, client: &Client, path: &str, body: Value) -> anyhow::Result<Value> {
        let answer = client.send(Method::POST, path, Some(&body)).await;
        answer.with_context(|| format!("POST {path}"))
    }

    async fn put(&self, path: &str, body: Value) -> anyhow::Result<Value> {
        let answer = self.office.send(Method::PUT, path, Some(&body)).await;
        answer.with_context(|| format!("PUT {path}"))
    }

    /// `POST /v1/members/{id}/{what}` at the till.
    async fn of(&self, member: usize, what: &str, body: Value) -> anyhow::Result<Value> {
        let path = format!("/v1/members/{}/{what}", self.member(member)?);
        self.post(&self.till, &path, body).await
    }

    fn member(&self, position: usize) -> anyhow::Result<&str> {
        let member = self.members.get(position).copied();
        member.context("the sample chain has too few members")
    }

    /// A role of the chain's own, and somebody who has it.
    async fn staff(&self) -> anyhow::Result<()> {
        let trainee = json!({
            "base": "cashier", "permissions": { "refund": "approve", "remove-line": "approve", "record-sale": "deny" },
        });
        self.put("/v1/roles/trainee", trainee).await?;
        let lin = json!({ "id": "lin", "name": "林晓", "role": "trainee", "store": self.store, "pin": "112358" });
        self.post(self.office, "/v1/staff", lin).await?;
        Ok(())
    }

    async fn wallets(&self) -> anyhow::Result<()> {
        let plan = json!({
            "name": "充500送50", "currency": self.currency, "amount": 50_000,
            "gives": {
                "bonus": { "amount": 5_000, "release": { "parts": 5, "every": "month" }, "days": 365 },
                "points": { "points": 500, "days": 365 },
            },
        });
        self.put("/v1/top-up-plans/p500", plan).await?;
        let bought = json!({ "amount": 50_000, "plan": "p500", "tender": { "kind": "cash" } });
        self.of(0, "top-ups", bought).await?;
        let mistyped = json!({ "amount": 80_000, "tender": { "kind": "cash" } });
        let entry = self.of(1, "top-ups", mistyped).await?;
        let back = format!("entries/{}/reversal", text(&entry, "entry")?);
        let path = format!("/v1/members/{}/{back}", self.member(1)?);
        let reason = json!({ "reason": "多输了一个零" });
        self.post(self.office, &path, reason).await?;
        let paid_out = json!({ "amount": 5_000, "tender": { "kind": "cash" } });
        self.of(1, "withdrawals", paid_out).await?;
        let gift =
            json!({ "to": { "id": self.member(3)? }, "what": "stored-value", "amount": 3_000 });
        self.of(2, "transfers", gift).await?;
        let freeze = json!({ "what": "stored-value", "reason": "会员报失" });
        let path = format!("/v1/members/{}/freeze", self.member(4)?);
        self.post(self.office, &path, freeze).await?;
        Ok(())
    }

    async fn points(&self) -> anyhow::Result<()> {
        for member in [0, 5, 6] {
            let path = format!("/v1/members/{}/adjustments", self.member(member)?);
            let gift = json!({ "points": 1_000, "reason": "店庆" });
            self.post(self.office, &path, gift).await?;
        }
        let bonus = |amount: i64| json!({ "bonus": { "amount": amount, "days": 30 } });
        let reward =
            json!({ "name": "5元储值金", "points": 500, "gives": bonus(500), "stock": 100 });
        self.put("/v1/rewards/five", reward).await?;
        self.of(5, "exchanges", json!({ "reward": "five", "quantity": 1 }))
            .await?;
        let draw = json!({
            "id": "autumn", "name": "秋季抽奖", "points": 100, "blanks": 60,
            "prizes": [
                { "name": "20元储值金", "gives": bonus(2_000), "weight": 10, "stock": 2 },
                { "name": "2元储值金", "gives": bonus(200), "weight": 30 },
            ],
        });
        self.post(self.office, "/v1/prize-draws", draw).await?;
        for member in [0, 5, 6] {
            self.of(member, "prizes", json!({ "draw": "autumn" }))
                .await?;
        }
        // The seed is told, so that anybody can work every outcome out again.
        self.post(self.office, "/v1/prize-draws/autumn/close", json!({}))
            .await?;
        Ok(())
    }

    async fn cards(&self) -> anyhow::Result<()> {
        let gold = json!({
            "name": "金卡", "price": 9_900, "valid_days": 365, "discount": { "basis_points": 500, "categories": ["drinks"] },
        });
        self.put("/v1/card-types/gold", gold).await?;
        let batch = json!({ "type": "gold", "count": 20 });
        let batch = self.post(self.office, "/v1/cards/batches", batch).await?;
        let number = batch["numbers"][0].as_str().context("a card's number")?;
        let sold = json!({ "member": { "id": self.member(7)? }, "tender": { "kind": "cash" } });
        self.post(&self.till, &format!("/v1/cards/{number}/activation"), sold)
            .await?;
        let twin = json!({ "home_store": self.store, "person": { "name": "王伟（重复）" } });
        let twin = self.post(&self.till, "/v1/members", twin).await?;
        let merge = json!({ "into": { "id": self.member(8)? }, "reason": "重复注册" });
        let path = format!("/v1/members/{}/merge", id(&twin));
        self.post(self.office, &path, merge).await?;
        Ok(())
    }

    /// A tier by hand, a family's wallet, a new phone number proved by a code, and goods that are gold members' first.
    async fn members(&self) -> anyhow::Result<()> {
        let path = |member: usize, what: &str| -> anyhow::Result<String> {
            Ok(format!("/v1/members/{}/{what}", self.member(member)?))
        };
        let silver = json!({ "tier": "silver", "reason": "补偿投诉", "last_day": "2099-12-31" });
        self.post(self.office, &path(2, "tier")?, silver).await?;
        let child = format!("wallet-shares/{}", self.member(1)?);
        let limits = json!({ "most_per_day": 5_000, "most_per_month": 50_000 });
        self.put(&path(0, &child)?, limits).await?;
        let moved = json!({ "kind": "phone", "to": "+8613999990000" });
        let change = self.of(3, "contact-changes", moved).await?;
        let message = format!("/v1/contact-changes/{}/message", id(&change));
        let message = self.post(self.office, &message, json!({})).await?;
        let confirm = format!("contact-changes/{}/confirmation", id(&change));
        self.of(3, &confirm, json!({ "code": message["code"] }))
            .await?;
        let first = json!({
            "sku": "NEW-TEA", "name": "早春新茶", "category": "drinks/tea", "currency": self.currency, "price": 8_800,
            "tax_class": "standard", "reserved": { "tiers": ["gold"], "through": "2099-12-31" },
        });
        self.post(self.office, "/v1/products", first).await?;
        Ok(())
    }

    /// A line that is taken off, a basket that waits, goods exchanged, and a gift receipt.
    async fn counter(&self) -> anyhow::Result<()> {
        let [dear, cheap] = self.two_goods()?;
        let both = json!({ "lines": [{ "sku": cheap.sku }, { "sku": dear.sku }] });
        let quote = self.post(&self.till, "/v1/quotes", both.clone()).await?;
        let off = json!({ "lines": [{ "line": 1, "quantity": "1" }], "reason": "顾客改变主意" });
        self.post(
            &self.till,
            &format!("/v1/quotes/{}/removals", id(&quote)),
            off,
        )
        .await?;
        let waits = json!({ "label": "红色外套", "basket": both });
        self.post(&self.till, "/v1/baskets", waits).await?;
        let first = self.quote(&cheap.sku, json!([{ "kind": "cash" }])).await?;
        let path = format!("/v1/quotes/{first}/commit");
        let sold = self.post(&self.till, &path, json!({})).await?;
        let orders = format!("/v1/orders/{}", id(&sold));
        let instead = json!({ "quote": self.quote(&dear.sku, json!([])).await?, "tenders": [{ "kind": "cash" }] });
        let done = self
            .post(&self.till, &format!("{orders}/exchanges"), instead)
            .await?;
        let given = json!({ "lines": [{ "line": 0, "quantity": "1" }] });
        let path = format!("/v1/orders/{}/gift-receipts", id(&done["order"]));
        self.post(&self.till, &path, given).await?;
        Ok(())
    }

    /// Two products sold by the piece, the dearer first.
    fn two_goods(&self) -> anyhow::Result<[&Article; 2]> {
        let mut pieces: Vec<&Article> = self
            .goods
            .iter()
            .filter(|article| !article.by_weight)
            .collect();
        pieces.sort_by_key(|article| article.price);
        match (pieces.last(), pieces.first()) {
            (Some(dear), Some(cheap)) if dear.price > cheap.price => Ok([*dear, *cheap]),
            _ => anyhow::bail!("the sample chain has too few goods"),
        }
    }

    async fn quote(&self, sku: &str, tenders: Value) -> anyhow::Result<String> {
        let basket = json!({ "lines": [{ "sku": sku }], "tenders": tenders });
        let quote = self.post(&self.till, "/v1/quotes", basket).await?;
        Ok(id(&quote).to_owned())
    }

    /// Stored value paid in here is spent in a store of somebody else's, and what that comes to is settled.
    async fn settlement(&self) -> anyhow::Result<()> {
        let [_, cheap] = self.two_goods()?;
        let spent = json!({
            "store": self.franchise, "member": { "id": self.member(9)? }, "lines": [{ "sku": cheap.sku }],
            "tenders": [{ "kind": "stored-value" }],
        });
        let quote = self.post(self.office, "/v1/quotes", spent).await?;
        let path = format!("/v1/quotes/{}/commit", id(&quote));
        self.post(self.office, &path, json!({})).await?;
        let currency = json!({ "currency": self.currency });
        self.post(self.office, "/v1/settlements", currency).await?;
        Ok(())
    }
}

fn id(of: &Value) -> &str {
    of["id"].as_str().unwrap_or_default()
}

fn text<'a>(value: &'a Value, name: &str) -> anyhow::Result<&'a str> {
    let text = value.get(name).and_then(Value::as_str);
    text.with_context(|| format!("the answer has no `{name}`: {value}"))
}
