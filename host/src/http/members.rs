//! Members: enrolling, finding, changing and forgetting them.

use std::sync::Arc;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::answer::{At, Done};
use super::attributes::{Attributes, list_text, stored_list};
use super::auth::Caller;
use super::error::{Problem, ProblemBody};
use super::json::{Json, Keyed};
use super::paging::{Filter, Page, Paged};
use super::persons::{PersonBody, PersonRequest, masked, normal_phone};
use super::problems::{Code, Fault};
use super::stores::invalid;
use super::types::{Date, Id, Text};
use crate::access::Permission;
use crate::commission;
use crate::domain::ledger::Operation;
use crate::enrolment::{self, Newcomer, is_card_number};
use crate::host::Host;
use crate::store::members::Member;
use crate::store::persons::SealedPerson;
use crate::store::{self, Conn};
use crate::vault::Person;

/// The routes of this file.
pub fn routes() -> OpenApiRouter<Arc<Host>> {
    OpenApiRouter::new()
        .routes(routes!(find, enrol))
        .routes(routes!(one, change))
        .routes(routes!(forget))
        .routes(routes!(referrals))
}

/// A member.
#[derive(Debug, Serialize, ToSchema)]
pub struct MemberBody {
    /// Pseudonymous and stable.
    id: String,
    /// `active`, `blocked` or `closed`.
    status: String,
    home_store: String,
    enrolled_on: Date,
    #[serde(skip_serializing_if = "Option::is_none")]
    tier: Option<TierBody>,
    /// Orders committed and not wholly refunded.
    orders: i64,
    /// What a newcomer names to be referred by this member.
    referral_code: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    referred_by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    referred_on: Option<Date>,
    segments: Vec<String>,
    attributes: Attributes,
    /// Masked unless `unmask=true` is asked with the permission; absent once erased, and in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    person: Option<PersonBody>,
    version: i64,
}

/// A member's tier.
#[derive(Debug, Serialize, ToSchema)]
pub struct TierBody {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<Date>,
    #[serde(skip_serializing_if = "Option::is_none")]
    valid_until: Option<Date>,
    /// Points are multiplied by this ratio.
    multiplier: [i64; 2],
}

/// A member as shown; the person is added where it was read.
pub fn show(member: Member, person: Option<PersonBody>) -> MemberBody {
    let tier = member.tier.map(|name| TierBody {
        name,
        since: member.tier_since.map(Date::stored),
        valid_until: member.tier_valid_until.map(Date::stored),
        multiplier: [member.tier_multiplier_num, member.tier_multiplier_den],
    });
    MemberBody {
        id: member.id,
        status: member.status,
        home_store: member.home_store,
        enrolled_on: Date::stored(member.enrolled_on),
        tier,
        orders: member.orders,
        referral_code: member.referral_code,
        referred_by: member.referred_by,
        referred_on: member.referred_on.map(Date::stored),
        segments: stored_list(&member.segments),
        attributes: Attributes::stored(&member.attributes),
        person,
        version: member.version,
    }
}

/// The member with that id, or a refusal.
pub async fn known(conn: &mut Conn, id: &str) -> Result<Member, Problem> {
    let member = store::members::member(conn, id).await?;
    member.ok_or_else(|| Problem::unknown(Code::MemberUnknown, id))
}

async fn person_of(host: &Host, conn: &mut Conn, member: &str) -> Result<Option<Person>, Problem> {
    match store::persons::person(conn, member).await? {
        None => Ok(None),
        Some(sealed) => Ok(Some(host.vault.open_person(
            member,
            &sealed.sealed_key,
            &sealed.sealed,
        )?)),
    }
}

/// A new member.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EnrolRequest {
    home_store: Id,
    #[serde(default)]
    person: PersonRequest,
    /// The number of a card handed over; a virtual card is made when left out.
    #[serde(default)]
    card: Option<String>,
    /// The code of whoever recommended the chain.
    #[serde(default)]
    referral_code: Option<Text<32>>,
    #[serde(default)]
    segments: Vec<Text<64>>,
    #[serde(default)]
    attributes: Attributes,
}

/// Enrol a member.
#[utoipa::path(post, path = "/v1/members", tag = "members", request_body = EnrolRequest,
    params(("Idempotency-Key" = String, Header, description = "One per intent; the same on every retry")),
    responses((status = 201, body = MemberBody), (status = "default", body = ProblemBody)))]
async fn enrol(
    State(host): State<Arc<Host>>,
    caller: Caller,
    keyed: Keyed<EnrolRequest>,
) -> Result<Done<MemberBody>, Problem> {
    let request = keyed.body;
    caller.require_store(request.home_store.as_str())?;
    let person = request.person.checked("/person")?;
    if request
        .card
        .as_deref()
        .is_some_and(|number| !is_card_number(number))
    {
        return Err(Problem::field("/card", Fault::NotACard));
    }
    if request.segments.len() > 50 {
        return Err(invalid("/segments", "50"));
    }
    let newcomer = Newcomer {
        id: None,
        home_store: request.home_store.into_string(),
        person,
        card: request.card,
        referral_code: request.referral_code.map(Text::into_string),
        attributes: request.attributes.text(),
        segments: list_text(&request.segments),
        enrolled_at: None,
    };
    let operation = Operation {
        key: keyed.key.into_string(),
        hash: keyed.hash,
    };
    let store = newcomer.home_store.clone();
    let effect = enrolment::enrol(&host, operation, newcomer).await?;
    commission::enrolled(&host, &caller, &effect.subject, &store).await?;
    let mut conn = host.db.read().await?;
    let member = known(&mut conn, &effect.subject).await?;
    let person = person_of(&host, &mut conn, &effect.subject).await?;
    let body = show(member, person.map(|person| masked(&person)));
    Ok(Done::created(format!("/v1/members/{}", effect.subject), body).replayed(effect.replayed))
}

#[derive(Debug, Serialize, Deserialize)]
struct Find {
    card: Option<String>,
    phone: Option<String>,
    referral_code: Option<String>,
    store: Option<String>,
}

/// Find a member by `card`, `phone` or `referral_code`; managers may list all.
#[utoipa::path(get, path = "/v1/members", tag = "members",
    params(("card" = Option<String>, Query), ("phone" = Option<String>, Query),
        ("referral_code" = Option<String>, Query), ("store" = Option<String>, Query),
        ("limit" = Option<u32>, Query), ("cursor" = Option<String>, Query)),
    responses((status = 200, body = Page<MemberBody>), (status = "default", body = ProblemBody)))]
async fn find(
    State(host): State<Arc<Host>>,
    caller: Caller,
    paged: Paged<Find>,
) -> Result<Done<Page<MemberBody>>, Problem> {
    let mut conn = host.db.read().await?;
    let filter = &paged.filter;
    let id = if let Some(number) = &filter.card {
        let card = store::persons::card(&mut conn, number).await?;
        if card.as_ref().is_some_and(|card| card.status != "active") {
            return Err(Problem::new(Code::CardInactive));
        }
        Some(card.map(|card| card.member_id))
    } else if let Some(phone) = &filter.phone {
        let phone = normal_phone(phone).unwrap_or_default();
        let hash = host.vault.phone_hash(&phone);
        Some(store::persons::member_by_phone(&mut conn, &hash).await?)
    } else if let Some(code) = &filter.referral_code {
        let code = code.trim().to_ascii_uppercase();
        let member = store::members::member_by_referral_code(&mut conn, &code).await?;
        Some(member.map(|member| member.id))
    } else {
        None
    };
    if let Some(id) = id {
        let mut items = Vec::new();
        if let Some(id) = id {
            let person = person_of(&host, &mut conn, &id).await?;
            items.push(show(
                known(&mut conn, &id).await?,
                person.map(|person| masked(&person)),
            ));
        }
        return Ok(Done::ok(Page { items, next: None }));
    }
    caller.require(Permission::ManageMembers)?;
    let rows = store::members::members(
        &mut conn,
        filter.store.as_deref(),
        paged.after(),
        paged.rows(),
    )
    .await?;
    Ok(Done::ok(paged.page(
        rows,
        |member| vec![member.id.clone()],
        |member| show(member, None),
    )?))
}

#[derive(Debug, Deserialize)]
struct Unmask {
    #[serde(default)]
    unmask: bool,
}

/// Read a member. Unmasking a person is recorded in the event log.
#[utoipa::path(get, path = "/v1/members/{id}", tag = "members",
    params(("id" = Id, Path), ("unmask" = Option<bool>, Query)),
    responses((status = 200, body = MemberBody), (status = "default", body = ProblemBody)))]
async fn one(
    State(host): State<Arc<Host>>,
    caller: Caller,
    At(id): At<Id>,
    Filter(query): Filter<Unmask>,
) -> Result<Done<MemberBody>, Problem> {
    if query.unmask {
        caller.require(Permission::UnmaskPersons)?;
    }
    let mut conn = host.db.read().await?;
    let member = known(&mut conn, id.as_str()).await?;
    let person = person_of(&host, &mut conn, id.as_str()).await?;
    drop(conn);
    let person = match person {
        Some(person) if query.unmask => {
            note_unmasking(&host, &caller, id.as_str()).await?;
            Some(PersonBody::from(person))
        }
        person => person.map(|person| masked(&person)),
    };
    Ok(Done::ok(show(member, person)))
}

async fn note_unmasking(host: &Host, caller: &Caller, member: &str) -> Result<(), Problem> {
    let payload = serde_json::json!({
        "member": member,
        "key": caller.key,
        "staff": caller.staff.as_ref().map(|staff| &staff.id),
    });
    let (member, store, at) = (member.to_owned(), caller.store.clone(), host.clock.now());
    host.writer
        .write("recording an unmasking", move |tx| {
            Box::pin(async move {
                let payload = payload.to_string();
                store::events::add(
                    tx,
                    "person.unmasked",
                    &member,
                    store.as_deref(),
                    at,
                    &payload,
                )
                .await
            })
        })
        .await?;
    Ok(())
}

/// What of a member can be changed by hand. Absent parts stay as they are.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MemberChange {
    /// `active`, `blocked` or `closed`.
    #[serde(default)]
    status: Option<String>,
    #[serde(default)]
    home_store: Option<Id>,
    #[serde(default)]
    segments: Option<Vec<Text<64>>>,
    #[serde(default)]
    attributes: Option<Attributes>,
    /// Replaces all personal data.
    #[serde(default)]
    person: Option<PersonRequest>,
}

/// Change a member.
#[utoipa::path(put, path = "/v1/members/{id}", tag = "members", params(("id" = Id, Path)),
    request_body = MemberChange,
    responses((status = 200, body = MemberBody), (status = "default", body = ProblemBody)))]
async fn change(
    State(host): State<Arc<Host>>,
    At(id): At<Id>,
    Json(request): Json<MemberChange>,
) -> Result<Done<MemberBody>, Problem> {
    if let Some(status) = &request.status
        && !matches!(status.as_str(), "active" | "blocked" | "closed")
    {
        return Err(invalid("/status", "active, blocked, closed"));
    }
    if request
        .segments
        .as_ref()
        .is_some_and(|segments| segments.len() > 50)
    {
        return Err(invalid("/segments", "50"));
    }
    let person = match request.person {
        None => None,
        Some(person) => Some(person.checked("/person")?),
    };
    let sealed = person
        .as_ref()
        .map(|person| seal(&host, id.as_str(), person))
        .transpose()?;
    let wanted = id.clone();
    let member = host
        .writer
        .write("changing a member", move |tx| {
            Box::pin(async move {
                let Some(mut member) = store::members::member(tx, wanted.as_str()).await? else {
                    return Ok(Err(Problem::unknown(Code::MemberUnknown, wanted.as_str())));
                };
                if let Some(home) = &request.home_store
                    && store::stores::store(tx, home.as_str()).await?.is_none()
                {
                    return Ok(Err(
                        Problem::unknown(Code::StoreUnknown, home.as_str()).at("/home_store")
                    ));
                }
                if let Some(hash) = sealed
                    .as_ref()
                    .and_then(|sealed| sealed.phone_hash.as_deref())
                {
                    let holder = store::persons::member_by_phone(tx, hash).await?;
                    if holder.is_some_and(|holder| holder != member.id) {
                        return Ok(Err(Problem::new(Code::PhoneTaken)));
                    }
                }
                member.status = request.status.unwrap_or(member.status);
                member.home_store = request
                    .home_store
                    .map_or(member.home_store, Id::into_string);
                member.segments = request
                    .segments
                    .map_or(member.segments, |list| list_text(&list));
                member.attributes = request
                    .attributes
                    .map_or(member.attributes, |map| map.text());
                store::members::update_member(tx, &member).await?;
                if let Some(sealed) = &sealed {
                    store::persons::put_person(tx, sealed).await?;
                }
                Ok(Ok(()))
            })
        })
        .await?;
    member?;
    let mut conn = host.db.read().await?;
    let person = person_of(&host, &mut conn, id.as_str()).await?;
    Ok(Done::ok(show(
        known(&mut conn, id.as_str()).await?,
        person.map(|person| masked(&person)),
    )))
}

fn seal(host: &Host, member: &str, person: &Person) -> Result<SealedPerson, Problem> {
    let sealed = host.vault.seal(member, person)?;
    Ok(SealedPerson {
        member_id: member.to_owned(),
        sealed_key: sealed.key,
        master: sealed.master,
        sealed: sealed.data,
        phone_hash: person
            .phone
            .as_deref()
            .map(|phone| host.vault.phone_hash(phone)),
        birthday_mark: Some(host.vault.mark_of(person)),
        version: 1,
    })
}

/// What is left of a forgotten person.
#[derive(Debug, Serialize, ToSchema)]
pub struct ForgottenBody {
    member: String,
    /// False when nothing personal was kept.
    erased: bool,
}

/// Erase a person: their data and key go, the pseudonymous member and every entry stay.
#[utoipa::path(delete, path = "/v1/members/{id}/person", tag = "members", params(("id" = Id, Path)),
    responses((status = 200, body = ForgottenBody), (status = "default", body = ProblemBody)))]
async fn forget(
    State(host): State<Arc<Host>>,
    At(id): At<Id>,
) -> Result<Done<ForgottenBody>, Problem> {
    let wanted = id.clone();
    let at = host.clock.now();
    let erased = host
        .writer
        .write("erasing a person", move |tx| {
            Box::pin(async move {
                if store::members::member(tx, wanted.as_str()).await?.is_none() {
                    return Ok(Err(Problem::unknown(Code::MemberUnknown, wanted.as_str())));
                }
                let erased = store::persons::erase_person(tx, wanted.as_str()).await?;
                if erased {
                    store::events::add(tx, "person.erased", wanted.as_str(), None, at, "{}")
                        .await?;
                }
                Ok(Ok(erased))
            })
        })
        .await??;
    Ok(Done::ok(ForgottenBody {
        member: id.into_string(),
        erased,
    }))
}

/// A member somebody referred.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReferredBody {
    member: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    referred_on: Option<Date>,
    /// Orders of theirs so far.
    orders: i64,
}

/// List whom a member referred.
#[utoipa::path(get, path = "/v1/members/{id}/referrals", tag = "members",
    params(("id" = Id, Path), ("limit" = Option<u32>, Query), ("cursor" = Option<String>, Query)),
    responses((status = 200, body = Page<ReferredBody>), (status = "default", body = ProblemBody)))]
async fn referrals(
    State(host): State<Arc<Host>>,
    At(id): At<Id>,
    paged: Paged<super::paging::NoFilter>,
) -> Result<Done<Page<ReferredBody>>, Problem> {
    let mut conn = host.db.read().await?;
    known(&mut conn, id.as_str()).await?;
    let rows =
        store::members::referred(&mut conn, id.as_str(), paged.after(), paged.rows()).await?;
    let show = |member: Member| ReferredBody {
        member: member.id,
        referred_on: member.referred_on.map(Date::stored),
        orders: member.orders,
    };
    Ok(Done::ok(paged.page(
        rows,
        |member| vec![member.id.clone()],
        show,
    )?))
}
