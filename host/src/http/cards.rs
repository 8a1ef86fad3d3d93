//! Cards: types, blank ones in batches, handed over, blocked, reported lost, replaced, identified.

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
use super::staff::{PinRequest, check_pin};
use super::stores::invalid;
use super::types::{Date, Id, Name, Text, Time};
use crate::cards::{self, Activation, ActivationReversal, Blanks, MOST, MOST_BLANKS, Shown};
use crate::domain::basket::MAX_AMOUNT;
use crate::domain::card_discount::CardDiscount;
use crate::enrolment::{self, is_card_number};
use crate::host::Host;
use crate::store;
use crate::store::cards::{Card, CardType};

/// Days a card is good for at most: a hundred years.
const MOST_DAYS: i64 = 36_525;

/// The routes of this file.
pub fn routes() -> OpenApiRouter<Arc<Host>> {
    OpenApiRouter::new()
        .routes(routes!(of_member, issue))
        .routes(routes!(set_status))
        .routes(routes!(types))
        .routes(routes!(put_type))
        .routes(routes!(make_blanks))
        .routes(routes!(of_batch))
        .routes(routes!(activate))
        .routes(routes!(take_back))
        .routes(routes!(replace))
        .routes(routes!(set_pin))
        .routes(routes!(set_mark))
        .routes(routes!(identify))
}

/// A card, blank or somebody's.
#[derive(Debug, Serialize, ToSchema)]
pub struct CardBody {
    number: String,
    /// Absent while it is blank.
    #[serde(skip_serializing_if = "Option::is_none")]
    member: Option<String>,
    /// `physical` or `virtual`.
    kind: String,
    /// `blank`, `active`, `blocked`, `lost`, `replaced` or `closed`.
    status: String,
    issued_at: Time,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    card_type: Option<String>,
    /// Last business day of its member's home store it is good for.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_on: Option<Date>,
    /// The card given in its place.
    #[serde(skip_serializing_if = "Option::is_none")]
    replaced_by: Option<String>,
    has_pin: bool,
}

impl From<Card> for CardBody {
    fn from(card: Card) -> Self {
        Self {
            number: card.number,
            member: card.member_id,
            kind: card.kind,
            status: card.status,
            issued_at: Time::micros(card.issued_at),
            card_type: card.card_type,
            expires_on: card.expires_on.map(Date::stored),
            replaced_by: card.replaced_by,
            has_pin: card.pin_hash.is_some(),
        }
    }
}

/// List a member's cards.
#[utoipa::path(get, path = "/v1/members/{id}/cards", tag = "cards", params(("id" = Id, Path)),
    responses((status = 200, body = [CardBody]), (status = "default", body = ProblemBody)))]
async fn of_member(
    State(host): State<Arc<Host>>,
    At(id): At<Id>,
) -> Result<Done<Vec<CardBody>>, Problem> {
    let mut conn = host.db.read().await?;
    known(&mut conn, id.as_str()).await?;
    let cards = store::cards::of_member(&mut conn, id.as_str()).await?;
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

/// Issue another card to a member, without a type. A blank card is activated instead.
#[utoipa::path(post, path = "/v1/members/{id}/cards", tag = "cards", params(("id" = Id, Path)),
    request_body = CardRequest,
    responses((status = 201, body = CardBody), (status = "default", body = ProblemBody)))]
async fn issue(
    State(host): State<Arc<Host>>,
    At(id): At<Id>,
    Json(request): Json<CardRequest>,
) -> Result<Done<CardBody>, Problem> {
    let (number, kind) = match request.number {
        Some(number) if is_card_number(&number) => (number, "physical"),
        Some(_) => return Err(Problem::field("/number", Fault::NotACard)),
        None => (enrolment::card_number()?, "virtual"),
    };
    let member = id.into_string();
    let card = Card::issued(number, &member, kind, host.clock.now().0);
    let row = card.clone();
    let place = format!("/v1/members/{member}/cards/{}", card.number);
    host.writer
        .write("issuing a card", move |tx| {
            Box::pin(async move {
                if store::members::member(tx, &member).await?.is_none() {
                    return Ok(Err(Problem::unknown(Code::MemberUnknown, &member)));
                }
                if store::cards::of_member(tx, &member).await?.len() >= MOST {
                    return Ok(Err(Problem::new(Code::LimitReached).with("id", "cards")));
                }
                if store::cards::card(tx, &row.number).await?.is_some() {
                    return Ok(Err(Problem::field("/number", Fault::Taken)));
                }
                store::cards::create(tx, &row).await?;
                Ok(Ok(()))
            })
        })
        .await??;
    Ok(Done::created(place, card.into()))
}

/// A card's new status.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CardChange {
    /// `active`, `blocked`, `lost` or `closed`; a closed card stays closed.
    status: String,
}

/// Block a card, report it lost, make it good again, or close it.
#[utoipa::path(put, path = "/v1/members/{id}/cards/{number}", tag = "cards",
    params(("id" = Id, Path), ("number" = String, Path)), request_body = CardChange,
    responses((status = 200, body = CardBody), (status = "default", body = ProblemBody)))]
async fn set_status(
    State(host): State<Arc<Host>>,
    caller: Caller,
    At((id, number)): At<(Id, Text<32>)>,
    Json(request): Json<CardChange>,
) -> Result<Done<CardBody>, Problem> {
    if !matches!(
        request.status.as_str(),
        "active" | "blocked" | "lost" | "closed"
    ) {
        return Err(invalid("/status", "active, blocked, lost, closed"));
    }
    let card = store::cards::card(&mut host.db.read().await?, number.as_str()).await?;
    if card.is_none_or(|card| card.member_id.as_deref() != Some(id.as_str())) {
        return Err(Problem::unknown(Code::CardUnknown, number.as_str()));
    }
    let card = cards::set_status(&host, &caller, number.as_str(), &request.status).await?;
    Ok(Done::ok(card.into()))
}

/// What cards of a kind cost and give.
#[derive(Debug, Serialize, ToSchema)]
pub struct CardTypeBody {
    id: String,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    tier: Option<String>,
    price: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    valid_days: Option<i64>,
    active: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    discount: Option<CardDiscount>,
    version: i64,
}

impl From<CardType> for CardTypeBody {
    fn from(kind: CardType) -> Self {
        Self {
            id: kind.id,
            name: kind.name,
            tier: kind.tier,
            price: kind.price,
            valid_days: kind.valid_days,
            active: kind.active,
            discount: kind
                .discount
                .and_then(|text| serde_json::from_str(&text).ok()),
            version: kind.version,
        }
    }
}

/// What a type of card is to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CardTypeRequest {
    name: Name,
    /// The tier its holder gets when it is activated, through the card's last day; none when left out.
    #[serde(default)]
    tier: Option<Text<64>>,
    /// Minor units of the store's currency its activation costs; nothing when left out.
    #[serde(default)]
    price: i64,
    /// Days it is good for, the day of activation included; without end when left out.
    #[serde(default)]
    valid_days: Option<i64>,
    /// Whether blank cards of it are still made.
    #[serde(default = "yes")]
    active: bool,
    /// What its holders pay less, also those whose cards are handed over already; nothing when left out. The customer
    /// pays the lowest of list, member and card price, never below the floor price, and campaigns begin from there.
    #[serde(default)]
    discount: Option<CardDiscount>,
}

fn yes() -> bool {
    true
}

/// A discount as it is stored.
fn written(discount: &CardDiscount) -> String {
    // Numbers and texts alone: this encodes.
    serde_json::to_string(discount).unwrap_or_default()
}

fn in_range(pointer: &str, value: i64, min: i64, max: i64) -> Result<(), Problem> {
    if (min..=max).contains(&value) {
        return Ok(());
    }
    Err(Problem::fields(vec![FieldError {
        pointer: pointer.to_owned(),
        fault: Fault::OutOfRange,
        arguments: vec![("min", min.to_string()), ("max", max.to_string())],
    }]))
}

/// List the types of card.
#[utoipa::path(get, path = "/v1/card-types", tag = "cards",
    params(("limit" = Option<u32>, Query), ("cursor" = Option<String>, Query)),
    responses((status = 200, body = Page<CardTypeBody>), (status = "default", body = ProblemBody)))]
async fn types(
    State(host): State<Arc<Host>>,
    paged: Paged<NoFilter>,
) -> Result<Done<Page<CardTypeBody>>, Problem> {
    let mut conn = host.db.read().await?;
    let rows = store::cards::card_types(&mut conn, paged.after(), paged.rows()).await?;
    Ok(Done::ok(paged.page(
        rows,
        |kind| vec![kind.id.clone()],
        CardTypeBody::from,
    )?))
}

/// Create a type of card or change it; cards handed over stay as they are.
#[utoipa::path(put, path = "/v1/card-types/{id}", tag = "cards", params(("id" = Id, Path)),
    request_body = CardTypeRequest,
    responses((status = 200, body = CardTypeBody), (status = "default", body = ProblemBody)))]
async fn put_type(
    State(host): State<Arc<Host>>,
    At(id): At<Id>,
    Json(request): Json<CardTypeRequest>,
) -> Result<Done<CardTypeBody>, Problem> {
    in_range("/price", request.price, 0, MAX_AMOUNT)?;
    in_range("/valid_days", request.valid_days.unwrap_or(1), 1, MOST_DAYS)?;
    if let Some((field, why)) = request.discount.as_ref().and_then(CardDiscount::fault) {
        return Err(invalid(&format!("/discount/{field}"), why));
    }
    let kind = CardType {
        id: id.as_str().to_owned(),
        name: request.name.into_string(),
        tier: request.tier.map(Text::into_string),
        price: request.price,
        valid_days: request.valid_days,
        active: request.active,
        discount: request.discount.map(|discount| written(&discount)),
        version: 0,
    };
    let written = host.writer.write("changing a type of card", move |tx| {
        Box::pin(async move {
            store::cards::put_card_type(tx, &kind).await?;
            store::cards::card_type(tx, &kind.id).await
        })
    });
    let kind = written.await?;
    kind.map(|kind| Done::ok(kind.into()))
        .ok_or_else(|| Problem::unknown(Code::CardTypeUnknown, id.as_str()))
}

/// Blank cards to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BlanksRequest {
    #[serde(rename = "type")]
    card_type: Id,
    /// `physical` when left out, or `virtual`.
    #[serde(default)]
    kind: Option<String>,
    /// 1 to 1000.
    count: u32,
}

/// Blank cards that were made.
#[derive(Debug, Serialize, ToSchema)]
pub struct BlanksBody {
    batch: String,
    numbers: Vec<String>,
}

/// Make a batch of blank cards.
#[utoipa::path(post, path = "/v1/cards/batches", tag = "cards", request_body = BlanksRequest,
    params(("Idempotency-Key" = String, Header)),
    responses((status = 201, body = BlanksBody), (status = "default", body = ProblemBody)))]
async fn make_blanks(
    State(host): State<Arc<Host>>,
    caller: Caller,
    keyed: Keyed<BlanksRequest>,
) -> Result<Done<BlanksBody>, Problem> {
    let intent = keyed.intent();
    let request = keyed.body;
    in_range("/count", request.count.into(), 1, MOST_BLANKS.into())?;
    let kind = request.kind.unwrap_or_else(|| "physical".to_owned());
    if !matches!(kind.as_str(), "physical" | "virtual") {
        return Err(invalid("/kind", "physical, virtual"));
    }
    let blanks = Blanks {
        card_type: request.card_type.into_string(),
        kind,
        count: request.count,
    };
    let effect = cards::make_blanks(&host, &caller, blanks, intent).await?;
    let batch = effect.subject;
    let mut conn = host.db.read().await?;
    let made = store::cards::of_batch(&mut conn, &batch, "", MOST_BLANKS.into()).await?;
    let numbers = made.into_iter().map(|card| card.number).collect();
    let place = format!("/v1/cards/batches/{batch}");
    Ok(Done::created(place, BlanksBody { batch, numbers }).replayed(effect.replayed))
}

/// List the cards of a batch, whatever became of them.
#[utoipa::path(get, path = "/v1/cards/batches/{id}", tag = "cards",
    params(("id" = Id, Path), ("limit" = Option<u32>, Query), ("cursor" = Option<String>, Query)),
    responses((status = 200, body = Page<CardBody>), (status = "default", body = ProblemBody)))]
async fn of_batch(
    State(host): State<Arc<Host>>,
    At(id): At<Id>,
    paged: Paged<NoFilter>,
) -> Result<Done<Page<CardBody>>, Problem> {
    let mut conn = host.db.read().await?;
    let rows = store::cards::of_batch(&mut conn, id.as_str(), paged.after(), paged.rows()).await?;
    Ok(Done::ok(paged.page(
        rows,
        |card| vec![card.number.clone()],
        CardBody::from,
    )?))
}

/// Hand a blank card to a member: of several tills one does.
#[utoipa::path(post, path = "/v1/cards/{number}/activation", tag = "cards", request_body = Activation,
    params(("number" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 201, body = CardBody), (status = "default", body = ProblemBody)))]
async fn activate(
    State(host): State<Arc<Host>>,
    caller: Caller,
    At(number): At<Text<32>>,
    keyed: Keyed<Activation>,
) -> Result<Done<CardBody>, Problem> {
    let intent = keyed.intent();
    let done = cards::activate(&host, &caller, number.as_str(), keyed.body, intent).await?;
    Ok(given(done))
}

/// Take a card back that was handed over: it is closed, and what was paid for it and its tier go back. Needs
/// `reverse-movement` or an approval of it.
#[utoipa::path(post, path = "/v1/cards/{number}/activation/reversal", tag = "cards",
    request_body = ActivationReversal, params(("number" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 201, body = CardBody), (status = "default", body = ProblemBody)))]
async fn take_back(
    State(host): State<Arc<Host>>,
    caller: Caller,
    At(number): At<Text<32>>,
    keyed: Keyed<ActivationReversal>,
) -> Result<Done<CardBody>, Problem> {
    let (intent, request) = keyed.intent_without("approval")?;
    let done = cards::reverse(&host, &caller, number.as_str(), request, intent).await?;
    Ok(given(done))
}

fn given((card, replayed): (Card, bool)) -> Done<CardBody> {
    let member = card.member_id.as_deref().unwrap_or_default();
    let place = format!("/v1/members/{member}/cards/{}", card.number);
    Done::created(place, CardBody::from(card)).replayed(replayed)
}

/// A card given in the place of another.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReplacementRequest {
    /// A blank card; a virtual one is made when left out.
    #[serde(default)]
    number: Option<Text<32>>,
}

/// Replace a card: the member keeps everything, the old number answers with the new one.
#[utoipa::path(post, path = "/v1/cards/{number}/replacement", tag = "cards", request_body = ReplacementRequest,
    params(("number" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 201, body = CardBody), (status = "default", body = ProblemBody)))]
async fn replace(
    State(host): State<Arc<Host>>,
    caller: Caller,
    At(number): At<Text<32>>,
    keyed: Keyed<ReplacementRequest>,
) -> Result<Done<CardBody>, Problem> {
    let intent = keyed.intent();
    let with = keyed.body.number.map(Text::into_string);
    let done = cards::replace(&host, &caller, number.as_str(), with, intent).await?;
    Ok(given(done))
}

/// Give a card a PIN or a new one, which also unlocks it.
#[utoipa::path(put, path = "/v1/cards/{number}/pin", tag = "cards", request_body = PinRequest,
    params(("number" = String, Path)),
    responses((status = 200, body = CardBody), (status = "default", body = ProblemBody)))]
async fn set_pin(
    State(host): State<Arc<Host>>,
    caller: Caller,
    At(number): At<Text<32>>,
    Json(request): Json<PinRequest>,
) -> Result<Done<CardBody>, Problem> {
    check_pin(&request.pin)?;
    cards::set_pin(&host, &caller, number.as_str(), request.pin).await?;
    one(&host, number.as_str()).await
}

async fn one(host: &Host, number: &str) -> Result<Done<CardBody>, Problem> {
    let card = store::cards::card(&mut host.db.read().await?, number).await?;
    card.map(|card| Done::ok(card.into()))
        .ok_or_else(|| Problem::unknown(Code::CardUnknown, number))
}

/// What a reader tells of a card.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MarkRequest {
    /// `nfc` or `track`.
    shown: Shown,
}

/// Note what a chip or a stripe tells of a card, so that it is found by it.
#[utoipa::path(put, path = "/v1/cards/{number}/mark", tag = "cards", request_body = MarkRequest,
    params(("number" = String, Path)),
    responses((status = 200, body = CardBody), (status = "default", body = ProblemBody)))]
async fn set_mark(
    State(host): State<Arc<Host>>,
    caller: Caller,
    At(number): At<Text<32>>,
    Json(request): Json<MarkRequest>,
) -> Result<Done<CardBody>, Problem> {
    cards::set_mark(&host, &caller, number.as_str(), &request.shown).await?;
    one(&host, number.as_str()).await
}

/// A card somebody shows.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct IdentifyRequest {
    shown: Shown,
    /// Where the card has one; after five wrong ones it is locked.
    #[serde(default)]
    pin: Option<Text<12>>,
}

/// Identify a card by number, chip or stripe, and its PIN where it has one.
#[utoipa::path(post, path = "/v1/cards/identify", tag = "cards", request_body = IdentifyRequest,
    responses((status = 200, body = CardBody), (status = "default", body = ProblemBody)))]
async fn identify(
    State(host): State<Arc<Host>>,
    Json(request): Json<IdentifyRequest>,
) -> Result<Done<CardBody>, Problem> {
    let pin = request.pin.as_ref().map(Text::as_str);
    let card = cards::identify(&host, &request.shown, pin).await?;
    Ok(Done::ok(card.into()))
}
