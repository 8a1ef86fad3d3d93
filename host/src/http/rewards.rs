//! What points are exchanged for, and the exchange.

use std::ops::RangeInclusive;
use std::sync::Arc;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::answer::{At, Done};
use super::auth::Caller;
use super::error::{FieldError, Problem, ProblemBody};
use super::json::{Json, Keyed};
use super::members::known;
use super::paging::{NoFilter, Page, Paged};
use super::problems::{Code, Fault};
use super::stores::invalid;
use super::types::{Id, Name, Time};
use crate::domain::basket::MAX_AMOUNT;
use crate::domain::time::Instant;
use crate::host::Host;
use crate::store;
use crate::store::Conn;
use crate::store::rewards::{Exchange, Reward};
use crate::wallet::{self, ExchangeRequest, Gives, owner};

/// The routes of this file.
pub fn routes() -> OpenApiRouter<Arc<Host>> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(put))
        .routes(routes!(exchange, exchanges))
}

/// Something points are exchanged for.
#[derive(Debug, Serialize, ToSchema)]
pub struct RewardBody {
    id: String,
    name: String,
    /// For one piece, at the program's scale.
    points: i64,
    gives: Gives,
    /// Pieces there are in all, those taken included; any number when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    stock: Option<i64>,
    /// Pieces that are left.
    #[serde(skip_serializing_if = "Option::is_none")]
    left: Option<i64>,
    active: bool,
    version: i64,
}

fn show(reward: Reward, taken: i64) -> Result<RewardBody, Problem> {
    Ok(RewardBody {
        gives: serde_json::from_str(&reward.gives).map_err(Problem::internal)?,
        left: reward.stock.map(|stock| stock.saturating_sub(taken).max(0)),
        id: reward.id,
        name: reward.name,
        points: reward.points,
        stock: reward.stock,
        active: reward.active,
        version: reward.version,
    })
}

/// What a reward is to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RewardRequest {
    name: Name,
    /// For one piece, at the program's scale.
    points: i64,
    gives: Gives,
    /// Pieces there are in all, those taken included; any number when absent.
    #[serde(default)]
    stock: Option<i64>,
    #[serde(default = "yes")]
    active: bool,
}

fn yes() -> bool {
    true
}

/// List the rewards with what is left of them.
#[utoipa::path(get, path = "/v1/rewards", tag = "programs",
    params(("limit" = Option<u32>, Query), ("cursor" = Option<String>, Query)),
    responses((status = 200, body = Page<RewardBody>), (status = "default", body = ProblemBody)))]
async fn list(
    State(host): State<Arc<Host>>,
    paged: Paged<NoFilter>,
) -> Result<Done<Page<RewardBody>>, Problem> {
    let mut conn = host.db.read().await?;
    let rows = store::rewards::rewards(&mut conn, paged.after(), paged.rows()).await?;
    let keys: Vec<_> = rows
        .iter()
        .map(|reward| (owner(&reward.id), wallet::TAKEN.to_owned()))
        .collect();
    let taken = store::counters::values(&mut conn, &keys).await?;
    let shown: Vec<RewardBody> = rows
        .into_iter()
        .zip(taken)
        .map(|(reward, taken)| show(reward, taken))
        .collect::<Result<_, _>>()?;
    Ok(Done::ok(paged.page(
        shown,
        |reward| vec![reward.id.clone()],
        |reward| reward,
    )?))
}

/// Create a reward or change it.
#[utoipa::path(put, path = "/v1/rewards/{id}", tag = "programs", params(("id" = Id, Path)), request_body = RewardRequest,
    responses((status = 200, body = RewardBody), (status = "default", body = ProblemBody)))]
async fn put(
    State(host): State<Arc<Host>>,
    At(id): At<Id>,
    Json(request): Json<RewardRequest>,
) -> Result<Done<RewardBody>, Problem> {
    in_range("/points", request.points, 1)?;
    in_range("/stock", request.stock.unwrap_or(0), 0)?;
    let mut conn = host.db.read().await?;
    givable(&mut conn, &request.gives, "/gives").await?;
    drop(conn);
    let row = Reward {
        id: id.as_str().to_owned(),
        name: request.name.into_string(),
        points: request.points,
        gives: serde_json::to_string(&request.gives).map_err(Problem::internal)?,
        stock: request.stock,
        active: request.active,
        version: 0,
    };
    let written = host.writer.write("changing a reward", move |tx| {
        Box::pin(async move {
            let id = row.id.clone();
            store::rewards::put(tx, row).await?;
            let reward = store::rewards::reward(tx, &id).await?;
            let key = (owner(&id), wallet::TAKEN.to_owned());
            let taken = store::counters::values(tx, &[key]).await?;
            Ok((reward, taken.first().copied().unwrap_or(0)))
        })
    });
    let (reward, taken) = written.await?;
    let reward = reward.ok_or_else(|| Problem::unknown(Code::RewardUnknown, id.as_str()))?;
    Ok(Done::ok(show(reward, taken)?))
}

/// Refuses what cannot be given.
pub(super) async fn givable(conn: &mut Conn, gives: &Gives, at: &str) -> Result<(), Problem> {
    match gives {
        Gives::Goods { product } => {
            let found = store::products::product(conn, product).await?;
            let at = format!("{at}/goods/product");
            let found =
                found.ok_or_else(|| Problem::unknown(Code::ProductUnknown, product).at(&*at))?;
            // These begin with what was paid for them, and their order takes them back.
            match found.pass.is_some() || found.membership.is_some() {
                true => Err(invalid(&at, "passes and memberships are sold, not given")),
                false => Ok(()),
            }
        }
        Gives::Coupon { binding, days } => {
            some_days(&format!("{at}/coupon/days"), *days)?;
            honouring(conn, binding, &format!("{at}/coupon/binding")).await
        }
        Gives::Bonus { amount, days } => {
            some_days(&format!("{at}/bonus/days"), *days)?;
            in_range(&format!("{at}/bonus/amount"), *amount, 1)
        }
    }
}

/// Refuses something that nobody could ever spend.
pub(super) fn some_days(pointer: &str, days: Option<u16>) -> Result<(), Problem> {
    within(pointer, days.unwrap_or(1).into(), 1..=u16::MAX.into())
}

/// Refuses a binding that honours no coupon any more.
pub(super) async fn honouring(conn: &mut Conn, binding: &str, at: &str) -> Result<(), Problem> {
    let found = store::bindings::binding(conn, binding).await?;
    let found = found.filter(|binding| binding.active);
    found.ok_or_else(|| Problem::unknown(Code::BindingUnknown, binding).at(at))?;
    Ok(())
}

pub(super) fn in_range(pointer: &str, value: i64, least: i64) -> Result<(), Problem> {
    within(pointer, value, least..=MAX_AMOUNT)
}

/// Refuses a number out of its range.
pub(super) fn within(pointer: &str, value: i64, range: RangeInclusive<i64>) -> Result<(), Problem> {
    if range.contains(&value) {
        return Ok(());
    }
    let (min, max) = (range.start().to_string(), range.end().to_string());
    Err(Problem::fields(vec![FieldError {
        pointer: pointer.to_owned(),
        fault: Fault::OutOfRange,
        arguments: vec![("min", min), ("max", max)],
    }]))
}

/// Points that became something else.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExchangeBody {
    id: String,
    /// The journal entry, which can be reversed; only right after the exchange.
    #[serde(skip_serializing_if = "Option::is_none")]
    entry: Option<String>,
    reward: String,
    quantity: i64,
    points: i64,
    /// Codes of the coupons it gave.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    codes: Vec<String>,
    store: String,
    exchanged_at: Time,
}

impl From<Exchange> for ExchangeBody {
    fn from(row: Exchange) -> Self {
        Self {
            codes: serde_json::from_str(&row.codes).unwrap_or_default(),
            id: row.id,
            entry: None,
            reward: row.reward,
            quantity: row.quantity,
            points: row.points,
            store: row.store,
            exchanged_at: Time(Instant(row.exchanged_at)),
        }
    }
}

/// Exchange points for a reward.
#[utoipa::path(post, path = "/v1/members/{id}/exchanges", tag = "members", request_body = ExchangeRequest,
    params(("id" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 201, body = ExchangeBody), (status = "default", body = ProblemBody)))]
async fn exchange(
    State(host): State<Arc<Host>>,
    caller: Caller,
    At(id): At<Id>,
    keyed: Keyed<ExchangeRequest>,
) -> Result<Done<ExchangeBody>, Problem> {
    let intent = keyed.intent();
    let (row, receipt) = wallet::exchange(&host, &caller, id.as_str(), keyed.body, intent).await?;
    let body = ExchangeBody {
        entry: receipt.entry_id,
        ..row.into()
    };
    let place = format!("/v1/members/{}/exchanges", id.as_str());
    Ok(Done::created(place, body).replayed(receipt.replayed))
}

/// List a member's exchanges, the newest first.
#[utoipa::path(get, path = "/v1/members/{id}/exchanges", tag = "members",
    params(("id" = Id, Path), ("limit" = Option<u32>, Query), ("cursor" = Option<String>, Query)),
    responses((status = 200, body = Page<ExchangeBody>), (status = "default", body = ProblemBody)))]
async fn exchanges(
    State(host): State<Arc<Host>>,
    At(id): At<Id>,
    paged: Paged<NoFilter>,
) -> Result<Done<Page<ExchangeBody>>, Problem> {
    let mut conn = host.db.read().await?;
    known(&mut conn, id.as_str()).await?;
    let before = (!paged.after().is_empty()).then(|| paged.after().to_owned());
    let before = before.as_deref();
    let rows = store::rewards::of_member(&mut conn, id.as_str(), before, paged.rows()).await?;
    Ok(Done::ok(paged.page(
        rows,
        |exchange| vec![exchange.id.clone()],
        ExchangeBody::from,
    )?))
}
