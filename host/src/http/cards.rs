//! `/v1/members/{id}/cards`: issue, block, report lost.

use std::sync::Arc;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::answer::{At, Done};
use super::error::{Problem, ProblemBody};
use super::json::Json;
use super::members::known;
use super::problems::{Code, Fault};
use super::stores::invalid;
use super::types::{Id, Text, Time};
use crate::enrolment::{self, is_card_number};
use crate::host::Host;
use crate::store;
use crate::store::persons::Card;

const MOST_CARDS: usize = 20;

/// The routes of this file.
pub fn routes() -> OpenApiRouter<Arc<Host>> {
    OpenApiRouter::new()
        .routes(routes!(cards, issue_card))
        .routes(routes!(set_card))
}

/// A card a member shows.
#[derive(Debug, Serialize, ToSchema)]
pub struct CardBody {
    number: String,
    member: String,
    /// `physical` or `virtual`.
    kind: String,
    /// `active`, `blocked`, `lost` or `replaced`.
    status: String,
    issued_at: Time,
}

impl From<Card> for CardBody {
    fn from(card: Card) -> Self {
        Self {
            number: card.number,
            member: card.member_id,
            kind: card.kind,
            status: card.status,
            issued_at: Time::micros(card.issued_at),
        }
    }
}

/// List a member's cards.
#[utoipa::path(get, path = "/v1/members/{id}/cards", tag = "members", params(("id" = Id, Path)),
    responses((status = 200, body = [CardBody]), (status = "default", body = ProblemBody)))]
async fn cards(
    State(host): State<Arc<Host>>,
    At(id): At<Id>,
) -> Result<Done<Vec<CardBody>>, Problem> {
    let mut conn = host.db.read().await?;
    known(&mut conn, id.as_str()).await?;
    let cards = store::persons::cards(&mut conn, id.as_str()).await?;
    Ok(Done::ok(cards.into_iter().map(CardBody::from).collect()))
}

/// Another card.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CardRequest {
    /// The number of a card handed over; a virtual card is made when left out.
    #[serde(default)]
    number: Option<String>,
}

/// Issue another card to a member.
#[utoipa::path(post, path = "/v1/members/{id}/cards", tag = "members", params(("id" = Id, Path)),
    request_body = CardRequest,
    responses((status = 201, body = CardBody), (status = "default", body = ProblemBody)))]
async fn issue_card(
    State(host): State<Arc<Host>>,
    At(id): At<Id>,
    Json(request): Json<CardRequest>,
) -> Result<Done<CardBody>, Problem> {
    let (number, kind) = match request.number {
        Some(number) if is_card_number(&number) => (number, "physical"),
        Some(_) => return Err(Problem::field("/number", Fault::NotACard)),
        None => (enrolment::card_number()?, "virtual"),
    };
    let card = Card {
        number,
        member_id: id.into_string(),
        kind: kind.to_owned(),
        status: "active".to_owned(),
        issued_at: host.clock.now().0,
    };
    let row = card.clone();
    host.writer
        .write("issuing a card", move |tx| {
            Box::pin(async move {
                if store::members::member(tx, &row.member_id).await?.is_none() {
                    return Ok(Err(Problem::unknown(Code::MemberUnknown, &row.member_id)));
                }
                if store::persons::cards(tx, &row.member_id).await?.len() >= MOST_CARDS {
                    return Ok(Err(Problem::new(Code::LimitReached).with("id", "cards")));
                }
                if store::persons::card(tx, &row.number).await?.is_some() {
                    return Ok(Err(Problem::field("/number", Fault::Taken)));
                }
                store::persons::create_card(tx, &row).await?;
                Ok(Ok(()))
            })
        })
        .await??;
    Ok(Done::created(
        format!("/v1/members/{}/cards/{}", card.member_id, card.number),
        card.into(),
    ))
}

/// A card's new status.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CardChange {
    /// `active`, `blocked`, `lost` or `replaced`.
    status: String,
}

/// Block a card, report it lost, or make it good again.
#[utoipa::path(put, path = "/v1/members/{id}/cards/{number}", tag = "members",
    params(("id" = Id, Path), ("number" = String, Path)), request_body = CardChange,
    responses((status = 200, body = CardBody), (status = "default", body = ProblemBody)))]
async fn set_card(
    State(host): State<Arc<Host>>,
    At((id, number)): At<(Id, Text<32>)>,
    Json(request): Json<CardChange>,
) -> Result<Done<CardBody>, Problem> {
    if !matches!(
        request.status.as_str(),
        "active" | "blocked" | "lost" | "replaced"
    ) {
        return Err(invalid("/status", "active, blocked, lost, replaced"));
    }
    let card = host
        .writer
        .write("changing a card", move |tx| {
            Box::pin(async move {
                let card = store::persons::card(tx, number.as_str()).await?;
                let Some(mut card) = card.filter(|card| card.member_id == id.as_str()) else {
                    return Ok(Err(Problem::unknown(Code::CardUnknown, number.as_str())));
                };
                store::persons::set_card_status(tx, number.as_str(), &request.status).await?;
                card.status = request.status;
                Ok(Ok(card))
            })
        })
        .await??;
    Ok(Done::ok(card.into()))
}
