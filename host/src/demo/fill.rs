//! Filling a fresh chain: every row goes through the router, every purchase is a recorded sale.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use axum::http::Method;
use chrono::DateTime;
use futures_util::{StreamExt, TryStreamExt, stream};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use super::day::Day;
use super::memberships::memberships;
use super::passes::passes;
use super::people::{Person, people};
use super::products::{Article, articles};
use super::sample::Sample;
use crate::cli::client::Client;
use crate::cli::terminal::pairing_code;
use crate::host::Host;

/// Name of the sample chain; a demo is emptied only where this stands.
pub const CHAIN_NAME: &str = "曙光便利 Daybreak";
/// Requests under way at once.
const AT_ONCE: usize = 32;
const DAYS: i64 = 365;
const MICROS_OF_DAY: i64 = 86_400_000_000;

/// Fills the chain and answers what `demo.json` holds.
pub async fn fill(host: &Arc<Host>, members: u32) -> anyhow::Result<Value> {
    let sample = Sample::read()?;
    let client = Client::to(host);
    let mut random = fastrand::Rng::with_seed(20_260_101);
    chain(&client, &sample)
        .await
        .context("setting up the chain")?;
    let keys = keys(&client, &sample).await.context("making keys")?;
    let goods = articles();
    let products = create_products(&client, &goods, &sample.currency)
        .await
        .context("creating products")?;
    let bindings = bind(&client, &sample).await.context("binding the rules")?;
    let persons = people(members as usize, sample.store.len(), &mut random);
    let enrolled = enrol(&client, &sample, &persons)
        .await
        .context("enrolling members")?;
    purchases(
        host,
        &client,
        &sample,
        &goods,
        &persons,
        &enrolled,
        &mut random,
    )
    .await
    .context("recording a year of purchases")?;
    settle(host)
        .await
        .context("releasing and expiring points")?;
    top_ups(&client, &sample, &enrolled)
        .await
        .context("topping up members")?;
    let place = sample
        .store
        .first()
        .context("the sample chain has no store")?;
    let members: Vec<&str> = enrolled.iter().map(|member| member.id.as_str()).collect();
    let at = (place.id.as_str(), sample.currency.as_str());
    passes(&client, at, &goods, members.iter().copied())
        .await
        .context("selling passes")?;
    memberships(&client, at, members.iter().copied().skip(5))
        .await
        .context("selling memberships")?;
    let terminal_key = |store: &str| {
        keys.tills
            .get(store)
            .and_then(|tills| tills.first())
            .map(|till| &till.key)
    };
    let till = terminal_key(&place.id).context("the sample chain has no till")?;
    let franchise = sample.store.last().unwrap_or(place);
    let day = Day {
        office: &client,
        till: client.as_holder_of(till),
        store: &place.id,
        franchise: &franchise.id,
        currency: &sample.currency,
        members: &members,
        goods: &goods,
    };
    day.pass().await.context("spending a day in a store")?;
    Ok(json!({
        "keys": {
            "admin": keys.admin,
            "manager": keys.manager,
            "supervisor": keys.supervisor,
            "terminal": terminal_key(&place.id),
        },
        "stores": sample.store.iter().map(|store| json!({
            "id": store.id, "name": store.name, "region": store.region, "time_zone": store.time_zone,
        })).collect::<Vec<_>>(),
        "terminals": keys.tills.iter().flat_map(|(store, tills)| tills.iter().map(move |till| json!({
            "id": till.id, "store": store, "name": till.name, "key": till.key,
        }))).collect::<Vec<_>>(),
        "staff": sample.staff.iter().map(|staff| json!({
            "id": staff.id, "role": staff.role, "store": staff.store, "pin": staff.pin,
        })).collect::<Vec<_>>(),
        "members": enrolled.iter().take(20).map(|member| json!({
            "id": member.id, "card": member.card, "phone": member.phone, "referral_code": member.referral_code,
        })).collect::<Vec<_>>(),
        "products": products.iter().take(40).collect::<Vec<_>>(),
        "bindings": bindings,
        "coupons": sample.coupon.iter().map(|coupon| &coupon.code).collect::<Vec<_>>(),
    }))
}

async fn chain(client: &Client, sample: &Sample) -> anyhow::Result<()> {
    let chain =
        json!({ "name": sample.name, "language": sample.language, "settings": sample.settings });
    client.send(Method::PUT, "/v1/chain", Some(&chain)).await?;
    for region in &sample.region {
        client
            .send(
                Method::PUT,
                &format!("/v1/regions/{}", region.id),
                Some(&json!({ "name": region.name })),
            )
            .await?;
    }
    for store in &sample.store {
        let body = json!({
            "region": store.region,
            "name": store.name,
            "currency": sample.currency,
            "time_zone": store.time_zone,
        });
        client
            .send(
                Method::PUT,
                &format!("/v1/stores/{}", store.id),
                Some(&body),
            )
            .await?;
    }
    for staff in &sample.staff {
        let body = json!({
            "id": staff.id, "name": staff.name, "role": staff.role, "store": staff.store, "pin": staff.pin,
        });
        client.send(Method::POST, "/v1/staff", Some(&body)).await?;
    }
    Ok(())
}

struct Keys {
    admin: String,
    manager: String,
    supervisor: String,
    /// By store.
    tills: BTreeMap<String, Vec<Till>>,
}

struct Till {
    id: String,
    name: String,
    key: String,
}

/// Keys for people, and tills paired the way a real one is.
async fn keys(client: &Client, sample: &Sample) -> anyhow::Result<Keys> {
    let make = async |role: &str| -> anyhow::Result<String> {
        let body = json!({ "name": format!("demo {role}"), "role": role });
        text(
            &client.send(Method::POST, "/v1/keys", Some(&body)).await?,
            "key",
        )
    };
    let mut tills: BTreeMap<String, Vec<Till>> = BTreeMap::new();
    for store in &sample.store {
        for name in &store.terminals {
            let code = pairing_code(client, &store.id, name).await?;
            let body = json!({ "code": text(&code, "code")? });
            let paired = client
                .send(Method::POST, "/v1/terminals/pair", Some(&body))
                .await?;
            let till = Till {
                id: text(&paired, "terminal")?,
                name: name.clone(),
                key: text(&paired, "key")?,
            };
            tills.entry(store.id.clone()).or_default().push(till);
        }
    }
    Ok(Keys {
        admin: make("admin").await?,
        manager: make("manager").await?,
        supervisor: make("supervisor").await?,
        tills,
    })
}

async fn create_products(
    client: &Client,
    goods: &[Article],
    currency: &str,
) -> anyhow::Result<Vec<Value>> {
    let bar = bar("products", goods.len());
    let created = stream::iter(goods)
        .map(|article| {
            let bar = &bar;
            async move {
                let body = json!({
                    "sku": article.sku,
                    "name": article.name,
                    "category": article.category,
                    "unit": if article.by_weight { "weight" } else { "piece" },
                    "currency": currency,
                    "price": article.price,
                    "member_price": article.member_price,
                    "cost": article.cost,
                    "tax_class": article.tax_class,
                    "tags": article.tags,
                    "barcodes": [article.barcode],
                });
                let created = client.send(Method::POST, "/v1/products", Some(&body)).await?;
                bar.inc(1);
                anyhow::Ok(json!({
                    "id": created["id"], "sku": article.sku, "barcode": article.barcode, "name": article.name,
                    "price": article.price, "category": article.category,
                }))
            }
        })
        .buffered(AT_ONCE)
        .try_collect()
        .await?;
    bar.finish();
    Ok(created)
}

/// Binds the sample's rules; answers their ids by name.
async fn bind(client: &Client, sample: &Sample) -> anyhow::Result<BTreeMap<String, String>> {
    let mut bindings = BTreeMap::new();
    for binding in &sample.binding {
        let made = client
            .send(Method::POST, "/v1/bindings", Some(binding))
            .await?;
        bindings.insert(text(binding, "name")?, text(&made, "id")?);
    }
    for coupon in &sample.coupon {
        let binding = bindings
            .get(&coupon.binding)
            .with_context(|| format!("no binding `{}`", coupon.binding))?;
        let body =
            json!({ "binding": binding, "codes": [coupon.code], "use_limit": coupon.use_limit });
        client
            .send(Method::POST, "/v1/coupons", Some(&body))
            .await?;
    }
    Ok(bindings)
}

/// A member as the purchases need him.
struct Enrolled {
    id: String,
    card: String,
    phone: String,
    referral_code: String,
}

/// Enrols one after another, because a referred member needs the code of an earlier one.
async fn enrol(
    client: &Client,
    sample: &Sample,
    persons: &[Person],
) -> anyhow::Result<Vec<Enrolled>> {
    let bar = bar("members", persons.len());
    let mut enrolled: Vec<Enrolled> = Vec::with_capacity(persons.len());
    for person in persons {
        let (month, day, year) = person.birthday;
        let store = sample
            .store
            .get(person.store)
            .context("a member without store")?;
        let mut body = json!({
            "home_store": store.id,
            "person": {
                "name": person.name,
                "phone": person.phone,
                "birthday": { "year": year, "month": month, "day": day },
            },
        });
        if let Some(referrer) = person
            .brought_by
            .and_then(|position| enrolled.get(position))
        {
            body["referral_code"] = json!(referrer.referral_code);
        }
        let member = client
            .send(Method::POST, "/v1/members", Some(&body))
            .await?;
        let id = text(&member, "id")?;
        let cards = client
            .send(Method::GET, &format!("/v1/members/{id}/cards"), None)
            .await?;
        let card = cards
            .pointer("/0/number")
            .or_else(|| cards.pointer("/items/0/number"));
        enrolled.push(Enrolled {
            id,
            card: card.and_then(Value::as_str).context("no card")?.to_owned(),
            phone: person.phone.clone(),
            referral_code: text(&member, "referral_code")?,
        });
        bar.inc(1);
    }
    bar.finish();
    Ok(enrolled)
}

/// One purchase to be recorded.
struct Purchase {
    at: i64,
    body: Value,
}

async fn purchases(
    host: &Arc<Host>,
    client: &Client,
    sample: &Sample,
    goods: &[Article],
    persons: &[Person],
    enrolled: &[Enrolled],
    random: &mut fastrand::Rng,
) -> anyhow::Result<()> {
    let today = host.clock.now().0;
    let mut planned = Vec::new();
    for (person, member) in persons.iter().zip(enrolled) {
        for number in 0..person.purchases {
            let at = today - random.i64(1..=DAYS) * MICROS_OF_DAY
                + random.i64(0..10 * 3_600) * 1_000_000;
            let store = if random.u32(0..5) == 0 {
                random.usize(0..sample.store.len())
            } else {
                person.store
            };
            let store = sample
                .store
                .get(store)
                .context("a purchase without store")?;
            let external_id = format!("{}-{number}", member.card);
            planned.push(Purchase {
                at: at.min(today),
                body: purchase(&store.id, &member.id, &external_id, goods, random),
            });
        }
    }
    planned.sort_by_key(|purchase| purchase.at);
    let bar = bar("purchases", planned.len());
    stream::iter(planned)
        .map(anyhow::Ok)
        .try_for_each_concurrent(AT_ONCE, |purchase| {
            let bar = &bar;
            async move {
                let mut body = purchase.body;
                let at = DateTime::from_timestamp_micros(purchase.at)
                    .context("an instant out of range")?;
                body["occurred_at"] = json!(at.to_rfc3339());
                client.send(Method::POST, "/v1/orders", Some(&body)).await?;
                bar.inc(1);
                Ok(())
            }
        })
        .await?;
    bar.finish();
    Ok(())
}

fn purchase(
    store: &str,
    member: &str,
    external_id: &str,
    goods: &[Article],
    random: &mut fastrand::Rng,
) -> Value {
    let lines: Vec<Value> = (0..random.usize(1..=6))
        .map(|_| {
            let article = &goods[random.usize(0..goods.len())];
            let quantity = if article.by_weight {
                format!("0.{:03}", random.u32(150..=950))
            } else {
                random.u32(1..=3).to_string()
            };
            json!({ "sku": article.sku, "quantity": quantity })
        })
        .collect();
    let kind = ["cash", "card", "mobile", "mobile"][random.usize(0..4)];
    json!({
        "external_id": external_id,
        "sale": {
            "store": store,
            "member": { "id": member },
            "lines": lines,
            "tenders": [{ "kind": kind }],
        },
    })
}

/// Lets the jobs catch up with the year.
async fn settle(host: &Arc<Host>) -> anyhow::Result<()> {
    while crate::jobs::run_once(host).await? > 0 {}
    Ok(())
}

async fn top_ups(client: &Client, sample: &Sample, enrolled: &[Enrolled]) -> anyhow::Result<()> {
    let store = sample
        .store
        .first()
        .context("the sample chain has no store")?;
    for member in enrolled.iter().take(20) {
        let body = json!({ "store": store.id, "amount": 20_000, "bonus": 2_000, "tender": { "kind": "mobile" } });
        client
            .send(
                Method::POST,
                &format!("/v1/members/{}/top-ups", member.id),
                Some(&body),
            )
            .await?;
    }
    Ok(())
}

fn text(value: &Value, name: &str) -> anyhow::Result<String> {
    let text = value.get(name).and_then(Value::as_str);
    Ok(text
        .with_context(|| format!("the answer has no `{name}`: {value}"))?
        .to_owned())
}

fn bar(what: &'static str, length: usize) -> ProgressBar {
    let bar = ProgressBar::new(length as u64);
    if let Ok(style) = ProgressStyle::with_template("{msg:>10} {bar:40} {pos}/{len} {elapsed}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(200));
    bar.with_message(what)
}
