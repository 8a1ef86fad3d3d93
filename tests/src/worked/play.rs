//! Playing a page of cases on one chain.

use std::collections::BTreeMap;

use axum::http::Method;
use serde_json::{Value, json};
use tessera::domain::time::Instant;

use super::compare::{Differences, list_of, tax_of};
use super::words::{birthday, instant, lines, money, pieces, shown, tenders, written};
use super::{Back, Case, Goods, Member, Page, Sale};
use crate::shop::{Answer, MONDAY, Shop};

/// Plays every case of a page, each with programs and members of its own, and answers the rows that fail: title,
/// arithmetic and each difference.
pub async fn play(shop: &Shop, page: &Page) -> Vec<String> {
    furnish(shop, page).await;
    if let Some(settings) = &page.settings {
        shop.settings(settings.clone()).await;
    }
    let chain = shop.get("/v1/chain", &shop.admin).await.ok();
    let mut failed = Vec::new();
    for case in &page.case {
        let mut story = Story {
            shop,
            case,
            names: BTreeMap::new(),
            member: None,
            referrer: None,
            differences: Differences::default(),
        };
        if let Err(problem) = story.told(page).await {
            story.differences.0.push(problem);
        }
        story.cleared(&chain).await;
        let differences = story.differences.0;
        if !differences.is_empty() {
            let list = differences.join("\n    ");
            failed.push(format!(
                "{}\n    ({})\n    {list}",
                case.title, case.because
            ));
        }
    }
    failed
}

async fn furnish(shop: &Shop, page: &Page) {
    for (id, zone) in &page.stores {
        let store = json!({ "region": "east", "name": id, "currency": "CNY", "time_zone": zone });
        shop.put(&format!("/v1/stores/{id}"), store).await;
    }
    for (id, goods) in &page.goods {
        let product = product(id, goods).expect("goods are described");
        shop.post("/v1/products", &shop.admin, product).await.ok();
    }
}

fn product(id: &str, goods: &Goods) -> Result<Value, String> {
    let mut product = json!({
        "id": id, "sku": id, "name": id, "category": goods.category, "currency": "CNY",
        "price": money(&goods.price)?, "tags": goods.tags,
        "unit": goods.unit.as_deref().unwrap_or("piece"),
        "tax_class": goods.tax.as_deref().unwrap_or("standard"),
    });
    for (field, amount) in [
        ("member_price", &goods.member_price),
        ("floor_price", &goods.floor),
        ("cost", &goods.cost),
    ] {
        if let Some(amount) = amount {
            product[field] = money(amount)?.into();
        }
    }
    if let Some(brand) = &goods.brand {
        product["brand"] = brand.as_str().into();
    }
    Ok(product)
}

/// One case while it is played.
pub(super) struct Story<'a> {
    pub(super) shop: &'a Shop,
    pub(super) case: &'a Case,
    /// Programs by binding.
    names: BTreeMap<String, String>,
    pub(super) member: Option<String>,
    pub(super) referrer: Option<String>,
    pub(super) differences: Differences,
}

/// What is sold to whom.
struct Order<'a> {
    member: Option<String>,
    basket: &'a [String],
    codes: &'a [String],
    pay: &'a [String],
}

impl Story<'_> {
    async fn told(&mut self, page: &Page) -> Result<(), String> {
        let case = self.case;
        let at = case.at.as_deref().map_or(Ok(MONDAY), instant)?;
        self.opened(page, at).await?;
        if let Some(what) = &case.when {
            self.happens(what, at).await?;
            return self.held().await;
        }
        if let Some(member) = &case.member {
            self.enrolled(member).await?;
        }
        self.coupons().await?;
        for sale in &case.earlier {
            self.sold_before(sale, at).await?;
        }
        self.shop.set_clock(at);
        let order = Order {
            member: self.member.clone(),
            basket: &case.basket,
            codes: &case.codes,
            pay: &case.pay,
        };
        let before = self.wallet().await;
        let sold = self.sell(&order).await?;
        match (&case.refused, &case.gives, sold) {
            (Some(code), _, Err(answer)) => {
                let got = answer.body["code"].as_str().unwrap_or("no code").to_owned();
                self.differences.expect("refused with", code, &got);
                Ok(())
            }
            (Some(code), _, Ok(_)) => Err(format!("sold, though it must be refused with {code}")),
            (None, _, Err(answer)) => Err(format!("refused: {}", answer.body)),
            (None, None, Ok(_)) => Err("the case says nothing of the sale".to_owned()),
            (None, Some(gives), Ok(order)) => {
                self.differences.sale(gives, &order, &self.names);
                self.held().await?;
                self.given_back(&order, before).await?;
                self.accounts().await
            }
        }
    }

    /// The store as the case has it, and its programs, all made before anybody comes.
    async fn opened(&mut self, page: &Page, at: Instant) -> Result<(), String> {
        let case = self.case;
        let mut first = at;
        let earlier = case.earlier.iter().filter_map(|sale| sale.at.as_deref());
        let enrolled = case
            .member
            .as_ref()
            .and_then(|member| member.enrolled.as_deref());
        for time in earlier.chain(enrolled) {
            first = first.min(instant(time)?);
        }
        self.shop.set_clock(first);
        if let Some(settings) = &case.settings {
            self.shop.settings(settings.clone()).await;
        }
        if case.tax_on_top {
            self.tax_included(false).await;
        }
        for name in &case.programs {
            let mut program = page.program[name].clone();
            program["name"] = name.as_str().into();
            let answer = self
                .shop
                .post("/v1/bindings", &self.shop.admin, program)
                .await;
            let id = answer.body["id"].as_str().map(str::to_owned);
            let id =
                id.ok_or_else(|| format!("the program `{name}` is refused: {}", answer.body))?;
            self.names.insert(id, name.clone());
        }
        Ok(())
    }

    async fn tax_included(&self, included: bool) {
        let id = self.store();
        let path = format!("/v1/stores/{id}");
        let store = self.shop.get(&path, &self.shop.admin).await.ok();
        let body = json!({
            "region": store["region"], "name": store["name"], "currency": store["currency"],
            "time_zone": store["time_zone"], "prices_include_tax": included,
        });
        self.shop.put(&path, body).await;
    }

    fn store(&self) -> &str {
        self.case.store.as_deref().unwrap_or("east")
    }

    pub(super) async fn enrolled(&mut self, member: &Member) -> Result<(), String> {
        let mut newcomer = json!({ "segments": member.segments });
        if member.brought {
            let referrer = self.shop.member().await;
            let path = format!("/v1/members/{referrer}");
            let known = self.shop.get(&path, &self.shop.admin).await.ok();
            newcomer["referral_code"] = known["referral_code"].clone();
            self.referrer = Some(referrer);
        }
        if let Some(day) = &member.birthday {
            newcomer["person"] = json!({ "birthday": birthday(day)? });
        }
        let id = self.shop.member_with(newcomer).await;
        if member.points > 0 {
            self.shop.give_points(&id, member.points).await;
        }
        for (day, points) in &member.lots {
            self.shop.give_points_until(&id, *points, day).await;
        }
        if let Some(stored) = &member.stored {
            let bonus = member.bonus.as_deref().map_or(Ok(0), money)?;
            self.shop.top_up(&id, money(stored)?, bonus).await;
        }
        self.member = Some(id);
        Ok(())
    }

    async fn coupons(&self) -> Result<(), String> {
        for coupon in &self.case.coupons {
            let binding = self.names.iter().find(|(_, name)| **name == coupon.program);
            let (binding, _) = binding.ok_or_else(|| format!("no program `{}`", coupon.program))?;
            let mut body = json!({ "binding": binding, "codes": [coupon.code] });
            if let Some(uses) = coupon.uses {
                body["use_limit"] = uses.into();
            }
            for (field, day) in [("starts_on", &coupon.starts), ("expires_on", &coupon.until)] {
                if let Some(day) = day {
                    body[field] = day.as_str().into();
                }
            }
            if coupon.personal {
                body["holder"] = self.member.clone().into();
            }
            self.shop
                .post("/v1/coupons", &self.shop.admin, body)
                .await
                .ok();
        }
        Ok(())
    }

    async fn sold_before(&mut self, sale: &Sale, at: Instant) -> Result<(), String> {
        self.shop
            .set_clock(sale.at.as_deref().map_or(Ok(at), instant)?);
        let member = match sale.by.as_deref() {
            Some("referrer") => self.referrer.clone(),
            Some(_) => None,
            None => self.member.clone(),
        };
        let order = Order {
            member,
            basket: &sale.basket,
            codes: &sale.codes,
            pay: &sale.pay,
        };
        let sold = self.sell(&order).await?;
        let sold = sold.map_err(|answer| format!("an earlier sale is refused: {}", answer.body))?;
        if let Some(gives) = &sale.gives {
            self.differences.sale(gives, &sold, &self.names);
        }
        if sale.returned {
            self.refund(&sold, json!({})).await?;
        }
        Ok(())
    }

    /// Quotes and commits; the order must be what the quote showed.
    async fn sell(&mut self, order: &Order<'_>) -> Result<Result<Value, Answer>, String> {
        let mut request = json!({
            "store": self.store(), "lines": lines(order.basket)?, "codes": order.codes,
            "tenders": tenders(order.pay)?,
        });
        if let Some(member) = &order.member {
            request["member"] = json!({ "id": member });
        }
        let quote = self
            .shop
            .post("/v1/quotes", &self.shop.admin, request)
            .await;
        if !quote.status.is_success() {
            return Ok(Err(quote));
        }
        let path = format!(
            "/v1/quotes/{}/commit",
            quote.body["id"].as_str().unwrap_or_default()
        );
        let sold = self.shop.post(&path, &self.shop.admin, json!({})).await;
        if !sold.status.is_success() {
            return Ok(Err(sold));
        }
        for part in ["lines", "totals", "awards", "tier", "rewards"] {
            if sold.body[part] != quote.body[part] {
                self.differences
                    .0
                    .push(format!("{part} of the order are not those of its quote"));
            }
        }
        Ok(Ok(sold.body))
    }

    async fn wallet(&self) -> Option<Value> {
        match &self.member {
            Some(member) => Some(self.shop.wallet(member).await),
            None => None,
        }
    }

    /// Gives back what the case says, or the whole in parts; whole, it must sum to the sale and leave nothing behind.
    async fn given_back(&mut self, order: &Value, before: Option<Value>) -> Result<(), String> {
        let case = self.case;
        let own = !case.refund.is_empty();
        if !own && (case.restores == Some(false) || case.after.is_some()) {
            return Ok(());
        }
        let parts = if own {
            named_parts(order, &case.refund)?
        } else {
            in_parts(order)
        };
        let (mut total, mut tax, mut points, mut completes) = (0, 0, 0, false);
        for (part, body) in parts {
            let refund = self.refund(order, body).await?;
            self.differences.refund(&part, &refund);
            total += refund["total"].as_i64().unwrap_or(0);
            tax += tax_of(&refund);
            points += refund["points_taken_back"].as_i64().unwrap_or(0);
            completes = refund["completes"] == true;
        }
        if !completes || case.restores == Some(false) {
            return Ok(());
        }
        let totals = &order["totals"];
        self.differences
            .expect("parts come to", &shown(&totals["total"]), &written(total));
        self.differences
            .expect("tax of the parts", &shown(&totals["tax"]), &written(tax));
        self.differences.expect(
            "points of the parts",
            &totals["points_earned"].as_i64(),
            &Some(points),
        );
        let after = self.wallet().await;
        self.differences
            .expect("the member's accounts", &before, &after);
        Ok(())
    }

    async fn refund(&self, order: &Value, body: Value) -> Result<Value, String> {
        let path = format!(
            "/v1/orders/{}/refunds",
            order["id"].as_str().unwrap_or_default()
        );
        let answer = self.shop.post(&path, &self.shop.admin, body).await;
        match answer.status.is_success() {
            true => Ok(answer.body),
            false => Err(format!("a refund is refused: {}", answer.body)),
        }
    }

    async fn accounts(&mut self) -> Result<(), String> {
        let (Some(after), Some(member)) = (&self.case.after, &self.member) else {
            return Ok(());
        };
        let balances = self.shop.balances(member).await;
        let shown = |(name, balance): (String, i64)| {
            let text = if name.starts_with("points") {
                balance.to_string()
            } else {
                written(balance)
            };
            (name, text)
        };
        let balances: BTreeMap<String, String> = balances.into_iter().map(shown).collect();
        self.differences
            .expect("accounts afterwards", after, &balances);
        Ok(())
    }

    /// Leaves the chain as the next case expects it.
    async fn cleared(&mut self, chain: &Value) {
        // Ended before any case begins: the next one may play on an earlier day.
        self.shop.set_clock(Instant(0));
        for binding in self.names.keys() {
            let path = format!("/v1/bindings/{binding}");
            let answer = self
                .shop
                .send(Method::DELETE, &path, &self.shop.admin, None, None)
                .await;
            if !answer.status.is_success() {
                self.differences
                    .0
                    .push(format!("a program does not end: {}", answer.body));
            }
        }
        if self.case.settings.is_some() {
            self.shop.put("/v1/chain", chain.clone()).await;
        }
        if self.case.tax_on_top {
            self.tax_included(true).await;
        }
    }
}

/// A piece of the first line, the last line, and then the rest.
fn in_parts(order: &Value) -> Vec<(Back, Value)> {
    let quantities: Vec<&str> = list_of(order, "lines")
        .map(|line| line["quantity"].as_str().unwrap_or_default())
        .collect();
    let part = |line: usize, quantity: &str| {
        let lines = json!([{ "line": line, "quantity": quantity }]);
        (Back::default(), json!({ "lines": lines }))
    };
    let mut parts = Vec::new();
    if let [quantity, rest @ ..] = &quantities[..] {
        let several = quantity.parse::<u32>().is_ok_and(|count| count > 1);
        if several || !rest.is_empty() {
            parts.push(part(0, if several { "1" } else { quantity }));
        }
    }
    if let [_, _, .., quantity] = &quantities[..] {
        parts.push(part(quantities.len() - 1, quantity));
    }
    parts.push((Back::default(), json!({})));
    parts
}

/// The parts a case names; of lines with the same product the one with that quantity is meant, or else the first.
fn named_parts(order: &Value, parts: &[Back]) -> Result<Vec<(Back, Value)>, String> {
    let line = |text: &String| {
        let (quantity, product) = pieces(text)?;
        let is_it = |line: &Value| line["product"] == product.as_str();
        let exact = list_of(order, "lines")
            .position(|line| is_it(line) && line["quantity"] == quantity.as_str());
        let at = exact.or_else(|| list_of(order, "lines").position(is_it));
        let at = at.ok_or_else(|| format!("no line with {product}"))?;
        Ok::<_, String>(json!({ "line": at, "quantity": quantity }))
    };
    let body = |part: &Back| {
        let lines: Vec<Value> = part.goods.iter().map(line).collect::<Result<_, _>>()?;
        let body = if lines.is_empty() {
            json!({})
        } else {
            json!({ "lines": lines })
        };
        Ok((part.clone(), body))
    };
    parts.iter().map(body).collect()
}
