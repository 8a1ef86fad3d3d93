//! What a member holds: cards, accounts with their lots, entries and coupons.

use std::sync::Arc;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::answer::{At, Done};
use super::coupons::{CouponBody, show_coupon};
use super::error::{Problem, ProblemBody};
use super::json::Json;
use super::members::known;
use super::paging::{NoFilter, Page, Paged};
use super::problems::{Code, Fault};
use super::stores::invalid;
use super::types::{Date, Id, Text, Time};
use crate::domain::ledger::{Entry, Lot};
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
        .routes(routes!(accounts))
        .routes(routes!(entries))
        .routes(routes!(coupons))
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

/// One account with what is in it.
#[derive(Debug, Serialize, ToSchema)]
pub struct AccountBody {
    id: String,
    /// `points`, `points-pending`, `points-debt`, `points-held`, `principal`, `bonus`, …
    name: &'static str,
    /// A currency code, or `points:` and a program.
    asset: String,
    /// Minor units, or points at the program's scale.
    balance: i64,
    version: i64,
    /// Nearest expiry first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    lots: Vec<LotBody>,
}

/// Points or bonus with an expiry of their own.
#[derive(Debug, Serialize, ToSchema)]
pub struct LotBody {
    id: String,
    original: i64,
    remaining: i64,
    /// Last business day it can be spent.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_on: Option<Date>,
    /// First business day it can be spent, while pending.
    #[serde(skip_serializing_if = "Option::is_none")]
    available_on: Option<Date>,
    /// What it was given for, such as an order id.
    source: String,
}

impl From<Lot> for LotBody {
    fn from(lot: Lot) -> Self {
        Self {
            id: lot.id,
            original: lot.original,
            remaining: lot.remaining,
            expires_on: lot.expires_on.map(Date),
            available_on: lot.available_on.map(Date),
            source: lot.source,
        }
    }
}

/// List a member's accounts with their open lots.
#[utoipa::path(get, path = "/v1/members/{id}/accounts", tag = "members", params(("id" = Id, Path)),
    responses((status = 200, body = [AccountBody]), (status = "default", body = ProblemBody)))]
async fn accounts(
    State(host): State<Arc<Host>>,
    At(id): At<Id>,
) -> Result<Done<Vec<AccountBody>>, Problem> {
    let mut conn = host.db.read().await?;
    known(&mut conn, id.as_str()).await?;
    let balances = store::accounts::balances(&mut conn, id.as_str()).await?;
    let mut lots = store::lots::open_lots(&mut conn, id.as_str()).await?;
    let mut accounts = Vec::with_capacity(balances.len());
    for balance in balances {
        let account = balance.account.id();
        let (own, rest): (Vec<_>, Vec<_>) =
            lots.into_iter().partition(|lot| lot.account == account);
        lots = rest;
        accounts.push(AccountBody {
            name: balance.account.name.as_str(),
            asset: balance.account.asset,
            balance: balance.balance,
            version: balance.version,
            lots: own.into_iter().map(LotBody::from).collect(),
            id: account,
        });
    }
    Ok(Done::ok(accounts))
}

/// One balanced record, as far as it moved this member's accounts.
#[derive(Debug, Serialize, ToSchema)]
pub struct EntryBody {
    id: String,
    /// `sale`, `refund`, `top-up`, `hold`, …
    kind: String,
    /// What it is about: `order` and its id, for example.
    subject: SubjectBody,
    at: Time,
    business_date: Date,
    postings: Vec<PostingBody>,
}

/// What something is about.
#[derive(Debug, Serialize, ToSchema)]
pub struct SubjectBody {
    pub kind: String,
    pub id: String,
}

/// One leg of an entry.
#[derive(Debug, Serialize, ToSchema)]
pub struct PostingBody {
    account: String,
    asset: String,
    amount: i64,
    balance_after: i64,
}

fn show_entry(entry: Entry, member: &str) -> EntryBody {
    let prefix = format!("{member}/");
    let own = entry
        .postings
        .into_iter()
        .filter(|posting| posting.account.starts_with(&prefix));
    let show = |posting: crate::domain::ledger::Posting| PostingBody {
        account: posting.account,
        asset: posting.asset,
        amount: posting.amount,
        balance_after: posting.balance_after,
    };
    EntryBody {
        id: entry.id,
        kind: entry.kind,
        subject: SubjectBody {
            kind: entry.subject.kind,
            id: entry.subject.id,
        },
        at: Time(entry.at),
        business_date: Date(entry.business_date),
        postings: own.map(show).collect(),
    }
}

/// List the entries that moved a member's accounts, the newest first.
#[utoipa::path(get, path = "/v1/members/{id}/entries", tag = "members",
    params(("id" = Id, Path), ("limit" = Option<u32>, Query), ("cursor" = Option<String>, Query)),
    responses((status = 200, body = Page<EntryBody>), (status = "default", body = ProblemBody)))]
async fn entries(
    State(host): State<Arc<Host>>,
    At(id): At<Id>,
    paged: Paged<NoFilter>,
) -> Result<Done<Page<EntryBody>>, Problem> {
    let mut conn = host.db.read().await?;
    known(&mut conn, id.as_str()).await?;
    let before = (!paged.after().is_empty()).then(|| paged.after().to_owned());
    let rows =
        store::entries::of_member(&mut conn, id.as_str(), before.as_deref(), paged.rows()).await?;
    Ok(Done::ok(paged.page(
        rows,
        |entry| vec![entry.id.clone()],
        |entry| show_entry(entry, id.as_str()),
    )?))
}

/// List the coupons a member holds.
#[utoipa::path(get, path = "/v1/members/{id}/coupons", tag = "members",
    params(("id" = Id, Path), ("limit" = Option<u32>, Query), ("cursor" = Option<String>, Query)),
    responses((status = 200, body = Page<CouponBody>), (status = "default", body = ProblemBody)))]
async fn coupons(
    State(host): State<Arc<Host>>,
    At(id): At<Id>,
    paged: Paged<NoFilter>,
) -> Result<Done<Page<CouponBody>>, Problem> {
    let mut conn = host.db.read().await?;
    known(&mut conn, id.as_str()).await?;
    let rows =
        store::coupons::of_member(&mut conn, id.as_str(), paged.after(), paged.rows()).await?;
    Ok(Done::ok(paged.page(
        rows,
        |coupon| vec![coupon.code.clone()],
        show_coupon,
    )?))
}
