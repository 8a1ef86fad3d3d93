//! A member's new phone number or e-mail address, proved by a code that is sent there.

use std::sync::Arc;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::answer::{At, Done};
use super::auth::Caller;
use super::error::{Problem, ProblemBody};
use super::json::Json;
use super::members::{MemberBody, known, person_of, refused, show};
use super::persons::{is_email, masked, normal_phone};
use super::problems::{Code, Fault};
use super::types::{Id, Text, Time};
use crate::access::Principal;
use crate::contacts::{self, ContactError, ContactKind};
use crate::host::Host;

/// The routes of this file.
pub fn routes() -> OpenApiRouter<Arc<Host>> {
    OpenApiRouter::new()
        .routes(routes!(ask))
        .routes(routes!(confirm))
        .routes(routes!(message))
}

fn problem(error: ContactError, caller: &Principal) -> Problem {
    match error {
        ContactError::Unknown(id) => Problem::unknown(Code::ContactChangeUnknown, &id),
        ContactError::Over(id) => Problem::new(Code::ContactChangeOver).with("id", id),
        ContactError::Fetched(id) => Problem::new(Code::MessageFetched).with("id", id),
        ContactError::Wrong => Problem::new(Code::ContactCodeWrong),
        ContactError::UsedUp(id) => Problem::new(Code::ContactCodeUsedUp).with("id", id),
        ContactError::TooOften => Problem::new(Code::TooManyTries).retry_after(3_600),
        ContactError::Enrolment(error) => refused(error, caller),
        ContactError::Checkout(error) => error.into(),
        ContactError::Vault(error) => Problem::internal(error),
        ContactError::Store(error) => error.into(),
    }
}

/// A new address.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ContactChangeRequest {
    kind: ContactKind,
    /// A phone number of 5 to 20 digits with an optional leading `+`, or an e-mail address.
    to: String,
}

/// A change that waits for its code.
#[derive(Debug, Serialize, ToSchema)]
pub struct ContactChangeBody {
    id: String,
    member: String,
    /// `phone` or `email`.
    kind: String,
    /// Until when the code can be told.
    expires_at: Time,
}

/// Ask for a member's new phone number or e-mail address. A code is sent there; one change of a kind is open at a time, five
/// are asked for in an hour at most.
#[utoipa::path(post, path = "/v1/members/{id}/contact-changes", tag = "members", params(("id" = Id, Path)),
    request_body = ContactChangeRequest,
    responses((status = 201, body = ContactChangeBody), (status = "default", body = ProblemBody)))]
async fn ask(
    State(host): State<Arc<Host>>,
    caller: Caller,
    At(id): At<Id>,
    Json(request): Json<ContactChangeRequest>,
) -> Result<Done<ContactChangeBody>, Problem> {
    let to = match request.kind {
        ContactKind::Phone => {
            normal_phone(&request.to).ok_or_else(|| Problem::field("/to", Fault::NotAPhone))?
        }
        ContactKind::Email if is_email(&request.to) => request.to,
        ContactKind::Email => return Err(Problem::field("/to", Fault::NotAnEmail)),
    };
    known(&mut host.db.read().await?, id.as_str()).await?;
    let asked = contacts::ask(&host, &caller, id.as_str(), (request.kind, to)).await;
    let change = asked.map_err(|error| problem(error, &caller))?;
    let place = format!("/v1/members/{}/contact-changes/{}", id.as_str(), change.id);
    Ok(Done::created(
        place,
        ContactChangeBody {
            id: change.id,
            member: change.member_id,
            kind: change.kind,
            expires_at: Time::micros(change.expires_at),
        },
    ))
}

/// The code a member was sent.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConfirmationRequest {
    /// Six digits; five tries, ten minutes.
    code: Text<12>,
}

/// Give a member the new address, if the code is the one that was sent there. The change stands in the history of his
/// fields.
#[utoipa::path(post, path = "/v1/members/{id}/contact-changes/{change}/confirmation", tag = "members",
    params(("id" = Id, Path), ("change" = Id, Path)), request_body = ConfirmationRequest,
    responses((status = 200, body = MemberBody), (status = "default", body = ProblemBody)))]
async fn confirm(
    State(host): State<Arc<Host>>,
    caller: Caller,
    At((id, change)): At<(Id, Id)>,
    Json(request): Json<ConfirmationRequest>,
) -> Result<Done<MemberBody>, Problem> {
    let of = (id.as_str(), change.as_str());
    let confirmed = contacts::confirm(&host, &caller, of, request.code.as_str()).await;
    confirmed.map_err(|error| problem(error, &caller))?;
    let mut conn = host.db.read().await?;
    let person = person_of(&host, &mut conn, id.as_str()).await?;
    let member = known(&mut conn, id.as_str()).await?;
    let body = show(member, person.map(|person| masked(&person)));
    Ok(Done::ok(body.seen_by(&host, &caller)))
}

/// What is to be sent; told once.
#[derive(Debug, Serialize, ToSchema)]
pub struct MessageBody {
    kind: ContactKind,
    to: String,
    /// Six digits.
    code: String,
    expires_at: Time,
}

/// Fetch the code of a change with its address, once, to send it there. Whoever loses it has the member ask anew.
#[utoipa::path(post, path = "/v1/contact-changes/{id}/message", tag = "members", params(("id" = Id, Path)),
    responses((status = 200, body = MessageBody), (status = "default", body = ProblemBody)))]
async fn message(
    State(host): State<Arc<Host>>,
    caller: Caller,
    At(id): At<Id>,
) -> Result<Done<MessageBody>, Problem> {
    let made = contacts::message(&host, &caller, id.as_str()).await;
    let message = made.map_err(|error| problem(error, &caller))?;
    Ok(Done::ok(MessageBody {
        kind: message.kind,
        to: message.to,
        code: message.code,
        expires_at: Time::micros(message.expires_at),
    }))
}
