//! Prize draws: opened with the hash of a seed, drawn for points, closed with the seed, checked by anybody.

use std::sync::Arc;

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::answer::{At, Done};
use super::auth::Caller;
use super::error::{Problem, ProblemBody};
use super::json::Keyed;
use super::paging::{NoFilter, Page, Paged};
use super::problems::{Code, Fault};
use super::rewards::{givable, within};
use super::types::{Id, Time};
use crate::domain::basket::MAX_AMOUNT;
use crate::domain::draw::MOST_WEIGHT;
use crate::host::Host;
use crate::store;
use crate::store::prize_draws::{Outcome, PrizeDraw};
use crate::wallet::{self, Checked, Prize, PrizeDrawRequest, PrizeRequest};

/// Kinds of prizes of one draw.
const MOST_PRIZES: i64 = 50;
const LONGEST_NAME: i64 = 200;

/// The routes of this file.
pub fn routes() -> OpenApiRouter<Arc<Host>> {
    OpenApiRouter::new()
        .routes(routes!(list, open))
        .routes(routes!(one))
        .routes(routes!(close))
        .routes(routes!(outcomes))
        .routes(routes!(check))
        .routes(routes!(draw))
}

/// A prize draw. The code of number n is HMAC-SHA256, under the seed's 32 bytes, of n in decimal digits. Its first eight
/// bytes (big-endian) times the sum of all weights, divided by 2^64 and cut, is the ticket; it wins where it falls among the
/// weights of the prizes in their order and the blanks behind them. A prize of which no piece is left wins nothing.
#[derive(Debug, Serialize, ToSchema)]
pub struct PrizeDrawBody {
    id: String,
    name: String,
    /// Price of a number, at the program's scale.
    points: i64,
    prizes: Vec<Prize>,
    /// Weight of winning nothing.
    blanks: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    per_member: Option<i64>,
    /// SHA-256 of the seed's 32 bytes, in hex.
    seed_hash: String,
    opened_at: Time,
    /// The seed in hex, told when the draw closes.
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    closed_at: Option<Time>,
}

fn show(draw: PrizeDraw) -> Result<PrizeDrawBody, Problem> {
    Ok(PrizeDrawBody {
        prizes: wallet::prizes_of(&draw)?,
        id: draw.id,
        name: draw.name,
        points: draw.points,
        blanks: draw.blanks,
        per_member: draw.per_member,
        seed_hash: draw.seed_hash,
        opened_at: Time::micros(draw.opened_at),
        seed: draw.seed,
        closed_at: draw.closed_at.map(Time::micros),
    })
}

async fn shown(host: &Host, id: &str) -> Result<PrizeDrawBody, Problem> {
    let found = store::prize_draws::draw(&mut host.db.read().await?, id).await?;
    show(found.ok_or_else(|| Problem::unknown(Code::DrawUnknown, id))?)
}

/// What a number won.
#[derive(Debug, Serialize, ToSchema)]
pub struct OutcomeBody {
    id: String,
    draw: String,
    number: i64,
    member: String,
    /// Position of the prize in the draw, from 0; absent where it won nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    prize: Option<i64>,
    /// Codes of the coupons it won.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    codes: Vec<String>,
    store: String,
    drawn_at: Time,
}

impl From<Outcome> for OutcomeBody {
    fn from(row: Outcome) -> Self {
        Self {
            codes: serde_json::from_str(&row.codes).unwrap_or_default(),
            id: row.id,
            draw: row.draw,
            number: row.number,
            member: row.member,
            prize: row.prize,
            store: row.store,
            drawn_at: Time::micros(row.drawn_at),
        }
    }
}

/// List the prize draws.
#[utoipa::path(get, path = "/v1/prize-draws", tag = "programs",
    params(("limit" = Option<u32>, Query), ("cursor" = Option<String>, Query)),
    responses((status = 200, body = Page<PrizeDrawBody>), (status = "default", body = ProblemBody)))]
async fn list(
    State(host): State<Arc<Host>>,
    paged: Paged<NoFilter>,
) -> Result<Done<Page<PrizeDrawBody>>, Problem> {
    let mut conn = host.db.read().await?;
    let rows = store::prize_draws::draws(&mut conn, paged.after(), paged.rows()).await?;
    let shown: Vec<_> = rows.into_iter().map(show).collect::<Result<_, _>>()?;
    let page = paged.page(shown, |draw| vec![draw.id.clone()], |draw| draw)?;
    Ok(Done::ok(page))
}

/// Show a prize draw.
#[utoipa::path(get, path = "/v1/prize-draws/{id}", tag = "programs", params(("id" = Id, Path)),
    responses((status = 200, body = PrizeDrawBody), (status = "default", body = ProblemBody)))]
async fn one(
    State(host): State<Arc<Host>>,
    At(id): At<Id>,
) -> Result<Done<PrizeDrawBody>, Problem> {
    Ok(Done::ok(shown(&host, id.as_str()).await?))
}

/// Open a prize draw. It cannot be changed afterwards.
#[utoipa::path(post, path = "/v1/prize-draws", tag = "programs", request_body = PrizeDrawRequest,
    params(("Idempotency-Key" = String, Header)),
    responses((status = 201, body = PrizeDrawBody), (status = "default", body = ProblemBody)))]
async fn open(
    State(host): State<Arc<Host>>,
    caller: Caller,
    keyed: Keyed<PrizeDrawRequest>,
) -> Result<Done<PrizeDrawBody>, Problem> {
    let intent = keyed.intent();
    checked(&host, &keyed.body).await?;
    let id = keyed.body.id.clone();
    let receipt = wallet::open_draw(&host, &caller, keyed.body, intent).await?;
    let place = format!("/v1/prize-draws/{id}");
    Ok(Done::created(place, shown(&host, &id).await?).replayed(receipt.replayed))
}

/// Close a prize draw for good and tell its seed.
#[utoipa::path(post, path = "/v1/prize-draws/{id}/close", tag = "programs",
    params(("id" = Id, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 200, body = PrizeDrawBody), (status = "default", body = ProblemBody)))]
async fn close(
    State(host): State<Arc<Host>>,
    caller: Caller,
    At(id): At<Id>,
    keyed: Keyed<NoFilter>,
) -> Result<Done<PrizeDrawBody>, Problem> {
    let receipt = wallet::close_draw(&host, &caller, id.as_str(), keyed.intent()).await?;
    Ok(Done::ok(shown(&host, id.as_str()).await?).replayed(receipt.replayed))
}

/// List what the numbers of a draw won, in their order.
#[utoipa::path(get, path = "/v1/prize-draws/{id}/outcomes", tag = "programs",
    params(("id" = Id, Path), ("limit" = Option<u32>, Query), ("cursor" = Option<String>, Query)),
    responses((status = 200, body = Page<OutcomeBody>), (status = "default", body = ProblemBody)))]
async fn outcomes(
    State(host): State<Arc<Host>>,
    At(id): At<Id>,
    paged: Paged<NoFilter>,
) -> Result<Done<Page<OutcomeBody>>, Problem> {
    shown(&host, id.as_str()).await?;
    // A cursor that is no number was not made here; the list starts again.
    let after = paged.after().parse().unwrap_or(0);
    let mut conn = host.db.read().await?;
    let rows = store::prize_draws::outcomes(&mut conn, id.as_str(), after, paged.rows()).await?;
    let page = paged.page(rows, |row| vec![row.number.to_string()], OutcomeBody::from)?;
    Ok(Done::ok(page))
}

/// Work every outcome of a draw out again.
#[utoipa::path(get, path = "/v1/prize-draws/{id}/check", tag = "programs", params(("id" = Id, Path)),
    responses((status = 200, body = Checked), (status = "default", body = ProblemBody)))]
async fn check(State(host): State<Arc<Host>>, At(id): At<Id>) -> Result<Done<Checked>, Problem> {
    Ok(Done::ok(wallet::check_draw(&host, id.as_str()).await?))
}

/// Draw a number of a prize draw for a member.
#[utoipa::path(post, path = "/v1/members/{id}/prizes", tag = "members", request_body = PrizeRequest,
    params(("id" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 201, body = OutcomeBody), (status = "default", body = ProblemBody)))]
async fn draw(
    State(host): State<Arc<Host>>,
    caller: Caller,
    At(id): At<Id>,
    keyed: Keyed<PrizeRequest>,
) -> Result<Done<OutcomeBody>, Problem> {
    let intent = keyed.intent();
    let (row, receipt) = wallet::draw(&host, &caller, id.as_str(), keyed.body, intent).await?;
    let place = format!("/v1/prize-draws/{}/outcomes", row.draw);
    Ok(Done::created(place, row.into()).replayed(receipt.replayed))
}

async fn checked(host: &Host, request: &PrizeDrawRequest) -> Result<(), Problem> {
    if Id::parse(&request.id).is_none() {
        return Err(Problem::field("/id", Fault::NotAnId));
    }
    named("/name", &request.name)?;
    within("/points", request.points, 0..=MAX_AMOUNT)?;
    within("/blanks", request.blanks, 0..=MOST_WEIGHT)?;
    within(
        "/per_member",
        request.per_member.unwrap_or(1),
        1..=MAX_AMOUNT,
    )?;
    within("/prizes", request.prizes.len() as i64, 1..=MOST_PRIZES)?;
    let mut conn = host.db.read().await?;
    for (position, prize) in request.prizes.iter().enumerate() {
        let at = |field: &str| format!("/prizes/{position}/{field}");
        named(&at("name"), &prize.name)?;
        within(&at("weight"), prize.weight, 1..=MOST_WEIGHT)?;
        within(&at("stock"), prize.stock.unwrap_or(0), 0..=MAX_AMOUNT)?;
        givable(&mut conn, &prize.gives, &at("gives")).await?;
    }
    Ok(())
}

fn named(pointer: &str, name: &str) -> Result<(), Problem> {
    within(pointer, name.chars().count() as i64, 1..=LONGEST_NAME)
}
