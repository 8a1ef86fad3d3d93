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
use super::memberships::{self, MembershipBody};
use super::paging::{Filter, Page, Paged};
use super::persons::{PersonBody, PersonRequest, masked, normal_phone, too_many};
use super::problems::{Code, Fault};
use super::stores::invalid;
use super::types::{Date, Id, Text};
use crate::access::{Permission, Principal};
use crate::cards::{day_of, usable};
use crate::commission;
use crate::domain::attributes::MemberAttribute;
use crate::domain::ledger::Operation;
use crate::enrolment::{self, EnrolmentError, Newcomer, is_card_number};
use crate::host::Host;
use crate::opening::{self, Opening};
use crate::person::Person;
use crate::profile::{self, Profile};
use crate::store::members::Member;
use crate::store::{self, Conn};

/// The routes of this file.
pub fn routes() -> OpenApiRouter<Arc<Host>> {
    OpenApiRouter::new()
        .routes(routes!(find, enrol))
        .routes(routes!(one, change))
        .routes(routes!(forget))
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
    /// His own, by the tier rules; a paid membership may lift him to another.
    #[serde(skip_serializing_if = "Option::is_none")]
    tier: Option<TierBody>,
    /// What he is paid up for; absent where he pays for none, and in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    membership: Option<MembershipBody>,
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
    /// The staff member or key that enrolled him.
    #[serde(skip_serializing_if = "Option::is_none")]
    enrolled_by: Option<String>,
    /// The staff member whose customer he is.
    #[serde(skip_serializing_if = "Option::is_none")]
    adviser: Option<String>,
    /// Who he is now, where he was made part of another.
    #[serde(skip_serializing_if = "Option::is_none")]
    merged_into: Option<String>,
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

/// The tier a member has.
pub fn tier_of(member: &Member) -> Option<TierBody> {
    member.tier.clone().map(|name| TierBody {
        name,
        since: member.tier_since.map(Date::stored),
        valid_until: member.tier_valid_until.map(Date::stored),
        multiplier: [member.tier_multiplier_num, member.tier_multiplier_den],
    })
}

/// A member as shown; the person is added where it was read.
pub fn show(member: Member, person: Option<PersonBody>) -> MemberBody {
    let tier = tier_of(&member);
    MemberBody {
        id: member.id,
        status: member.status,
        home_store: member.home_store,
        enrolled_on: Date::stored(member.enrolled_on),
        tier,
        membership: None,
        orders: member.orders,
        referral_code: member.referral_code,
        referred_by: member.referred_by,
        referred_on: member.referred_on.map(Date::stored),
        segments: stored_list(&member.segments),
        attributes: Attributes::stored(&member.attributes),
        enrolled_by: member.enrolled_by,
        adviser: member.adviser,
        merged_into: member.merged_into,
        person,
        version: member.version,
    }
}

impl MemberBody {
    /// With what he is paid up for.
    fn paying(mut self, membership: Option<MembershipBody>) -> Self {
        self.membership = membership;
        self
    }

    /// Without the attributes the caller's store does not see.
    pub fn seen_by(mut self, host: &Host, caller: &Principal) -> Self {
        if let Some(snapshot) = host.snapshots.current() {
            let hidden = snapshot.member_attributes().iter();
            let hidden = hidden.filter(|known| !known.is_seen_by(caller.store.as_deref()));
            for attribute in hidden {
                self.attributes.0.remove(&attribute.name);
            }
        }
        self
    }
}

/// The member with that id, or a refusal.
pub async fn known(conn: &mut Conn, id: &str) -> Result<Member, Problem> {
    let member = store::members::member(conn, id).await?;
    member.ok_or_else(|| Problem::unknown(Code::MemberUnknown, id))
}

/// The person behind a member; none once erased.
pub async fn person_of(
    host: &Host,
    conn: &mut Conn,
    member: &str,
) -> Result<Option<Person>, Problem> {
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
    /// The number of a card handed over; a virtual card is made when left out, unless the chain's `enrolment_card` is
    /// `none`.
    #[serde(default)]
    card: Option<String>,
    /// The code of whoever recommended the chain.
    #[serde(default)]
    referral_code: Option<Text<32>>,
    /// The staff member whose customer he will be; whoever is on duty when left out.
    #[serde(default)]
    adviser: Option<Id>,
    #[serde(default)]
    segments: Vec<Text<64>>,
    #[serde(default)]
    attributes: Attributes,
    /// What he brings from the system used before; needs the permission `adjust-points`.
    #[serde(default)]
    opening: Option<OpeningRequest>,
}

/// What a member begins with, as an entry of its own.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OpeningRequest {
    /// At the program's scale.
    #[serde(default)]
    points: i64,
    /// Last day they can be spent; for ever when left out.
    #[serde(default)]
    points_expire_on: Option<Date>,
    /// Minor units of the home store's currency that he paid in.
    #[serde(default)]
    principal: i64,
    /// Minor units the chain gave on top.
    #[serde(default)]
    bonus: i64,
    /// Last day it can be spent; for ever when left out.
    #[serde(default)]
    bonus_expires_on: Option<Date>,
    #[serde(default)]
    tier: Option<Text<64>>,
    /// Last day it is kept without another review; for ever when left out.
    #[serde(default)]
    tier_valid_until: Option<Date>,
}

impl From<OpeningRequest> for Opening {
    fn from(request: OpeningRequest) -> Self {
        let day = |date: Option<Date>| date.map(|date| date.0);
        Self {
            points: request.points,
            points_expire_on: day(request.points_expire_on),
            principal: request.principal,
            bonus: request.bonus,
            bonus_expires_on: day(request.bonus_expires_on),
            tier: request.tier.map(Text::into_string),
            tier_valid_until: day(request.tier_valid_until),
        }
    }
}

const MOST_SEGMENTS: usize = 50;

/// A refusal; whoever may read members is told which of them has the phone number or the e-mail address.
pub fn refused(error: EnrolmentError, caller: &Principal) -> Problem {
    let holder = match &error {
        EnrolmentError::PhoneTaken { member } | EnrolmentError::EmailTaken { member } => {
            Some(member.clone()).filter(|_| caller.may(Permission::ReadMembers))
        }
        _ => None,
    };
    let problem = Problem::from(error);
    match holder {
        Some(member) => problem.extended("member", member.into()),
        None => problem,
    }
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
    let person = request.person.checked("/person", host.clock.now())?;
    if request
        .card
        .as_deref()
        .is_some_and(|number| !is_card_number(number))
    {
        return Err(Problem::field("/card", Fault::NotACard));
    }
    if request.segments.len() > MOST_SEGMENTS {
        return Err(too_many("/segments", MOST_SEGMENTS));
    }
    let opening = request.opening.map(Opening::from);
    if let Some(opening) = &opening {
        opening.check(&caller)?;
    }
    let home = request.home_store.as_str().to_owned();
    let on_duty = caller.staff.as_ref().map(|staff| staff.id.clone());
    let newcomer = Newcomer {
        id: None,
        home_store: request.home_store.into_string(),
        person,
        card: request.card,
        referral_code: request.referral_code.map(Text::into_string),
        enrolled_by: caller.who().to_owned(),
        adviser: request.adviser.map(Id::into_string).or(on_duty),
        attributes: request.attributes.text(),
        set_by_store: caller.store.clone(),
        segments: list_text(&request.segments),
        enrolled_at: None,
    };
    let operation = Operation {
        key: keyed.key.into_string(),
        hash: keyed.hash,
    };
    let store = newcomer.home_store.clone();
    let effect = enrolment::enrol(&host, operation, newcomer).await;
    let effect = effect.map_err(|error| refused(error, &caller))?;
    commission::enrolled(&host, &caller, &effect.subject, &store).await?;
    if let Some(opening) = opening {
        // Also where the key was seen before: whoever was stopped between the two goes on here.
        opening::open(&host, &caller, (&effect.subject, &home), opening).await?;
    }
    let mut conn = host.db.read().await?;
    let member = known(&mut conn, &effect.subject).await?;
    let person = person_of(&host, &mut conn, &effect.subject).await?;
    let body = show(member, person.map(|person| masked(&person))).seen_by(&host, &caller);
    Ok(Done::created(format!("/v1/members/{}", effect.subject), body).replayed(effect.replayed))
}

#[derive(Debug, Serialize, Deserialize)]
struct Find {
    card: Option<String>,
    phone: Option<String>,
    email: Option<String>,
    referral_code: Option<String>,
    store: Option<String>,
    attribute: Option<String>,
    value: Option<String>,
}

/// Find a member by `card`, `phone`, `email` or `referral_code`; managers may list all, or those of whom an
/// `attribute` has a `value`.
#[utoipa::path(get, path = "/v1/members", tag = "members",
    params(("card" = Option<String>, Query), ("phone" = Option<String>, Query), ("email" = Option<String>, Query),
        ("referral_code" = Option<String>, Query), ("store" = Option<String>, Query),
        ("attribute" = Option<String>, Query), ("value" = Option<String>, Query),
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
        match store::cards::card(&mut conn, number.trim()).await? {
            None => Some(None),
            Some(card) => {
                let member = card.member_id.unwrap_or_default();
                let home = match store::members::member(&mut conn, &member).await? {
                    Some(member) => member.home_store,
                    None => String::new(),
                };
                let today = day_of(&host, &home, host.clock.now());
                let by = card.replaced_by.as_deref();
                usable(&card.status, card.expires_on, by, today)?;
                Some(Some(member))
            }
        }
    } else if let Some(phone) = &filter.phone {
        let phone = normal_phone(phone).unwrap_or_default();
        let hash = host.vault.phone_hash(&phone);
        Some(store::persons::member_by_phone(&mut conn, &hash).await?)
    } else if let Some(email) = &filter.email {
        let hash = host.vault.email_hash(email.trim());
        Some(store::persons::member_by_email(&mut conn, &hash).await?)
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
            let member = known(&mut conn, &id).await?;
            let paid = memberships::running(&host, &mut conn, &member).await?;
            let body = show(member, person.map(|person| masked(&person)));
            items.push(body.paying(paid).seen_by(&host, &caller));
        }
        return Ok(Done::ok(Page { items, next: None }));
    }
    caller.require(Permission::ManageMembers)?;
    let (store, after, most) = (filter.store.as_deref(), paged.after(), paged.rows());
    let rows = match &filter.attribute {
        Some(name) => {
            let value = filter.value.as_deref().unwrap_or_default();
            let snapshot = host.snapshots.current();
            let defined = snapshot.iter().flat_map(|all| all.member_attributes());
            let hidden = |known: &MemberAttribute| {
                known.name == *name && !known.is_seen_by(caller.store.as_deref())
            };
            if defined.into_iter().any(hidden) {
                return Err(Problem::new(Code::InvalidQuery)
                    .with("reason", "your store does not see this attribute"));
            }
            store::members::with_attribute(&mut conn, (name, value), store, after, most).await?
        }
        None => store::members::members(&mut conn, store, after, most).await?,
    };
    Ok(Done::ok(paged.page(
        rows,
        |member| vec![member.id.clone()],
        |member| show(member, None).seen_by(&host, &caller),
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
    let paid = memberships::running(&host, &mut conn, &member).await?;
    let person = person_of(&host, &mut conn, id.as_str()).await?;
    drop(conn);
    let person = match person {
        Some(person) if query.unmask => {
            note_seen(&host, &caller, "person.unmasked", id.as_str()).await?;
            Some(PersonBody::from(person))
        }
        person => person.map(|person| masked(&person)),
    };
    let body = show(member, person).paying(paid);
    Ok(Done::ok(body.seen_by(&host, &caller)))
}

/// Records that somebody saw what is known of a person.
pub async fn note_seen(
    host: &Host,
    caller: &Caller,
    kind: &'static str,
    member: &str,
) -> Result<(), Problem> {
    let payload = serde_json::json!({
        "member": member,
        "key": caller.key,
        "staff": caller.staff.as_ref().map(|staff| &staff.id),
    });
    let (member, store, at) = (member.to_owned(), caller.store.clone(), host.clock.now());
    host.writer
        .write("recording who saw a person", move |tx| {
            Box::pin(async move {
                let payload = payload.to_string();
                store::events::add(tx, kind, &member, store.as_deref(), at, &payload).await
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
    /// The staff member whose customer he is.
    #[serde(default)]
    adviser: Option<Id>,
    /// Replaces all personal data.
    #[serde(default)]
    person: Option<PersonRequest>,
}

/// Change a member. Every field that is another now stands in the history of changes.
#[utoipa::path(put, path = "/v1/members/{id}", tag = "members", params(("id" = Id, Path)),
    request_body = MemberChange,
    responses((status = 200, body = MemberBody), (status = "default", body = ProblemBody)))]
async fn change(
    State(host): State<Arc<Host>>,
    caller: Caller,
    At(id): At<Id>,
    Json(request): Json<MemberChange>,
) -> Result<Done<MemberBody>, Problem> {
    if let Some(status) = &request.status
        && !matches!(status.as_str(), "active" | "blocked" | "closed")
    {
        return Err(invalid("/status", "active, blocked, closed"));
    }
    let segments = request.segments.as_deref();
    if segments.is_some_and(|segments| segments.len() > MOST_SEGMENTS) {
        return Err(too_many("/segments", MOST_SEGMENTS));
    }
    let now = host.clock.now();
    let person = request.person.map(|person| person.checked("/person", now));
    let profile = Profile {
        status: request.status,
        home_store: request.home_store.map(Id::into_string),
        adviser: request.adviser.map(Id::into_string),
        segments: segments.map(list_text),
        attributes: request.attributes.map(|map| map.text()),
        person: person.transpose()?,
    };
    let changed = profile::change(&host, &caller, id.as_str(), profile).await;
    changed.map_err(|error| refused(error, &caller))?;
    let mut conn = host.db.read().await?;
    let person = person_of(&host, &mut conn, id.as_str()).await?;
    let member = known(&mut conn, id.as_str()).await?;
    let paid = memberships::running(&host, &mut conn, &member).await?;
    let body = show(member, person.map(|person| masked(&person))).paying(paid);
    Ok(Done::ok(body.seen_by(&host, &caller)))
}

/// What is left of a forgotten person.
#[derive(Debug, Serialize, ToSchema)]
pub struct ForgottenBody {
    member: String,
    /// False when nothing personal was kept.
    erased: bool,
}

/// Erase a person: their data, key, history of changes, attributes and segments go, the pseudonymous member and every
/// entry stay.
#[utoipa::path(delete, path = "/v1/members/{id}/person", tag = "members", params(("id" = Id, Path)),
    responses((status = 200, body = ForgottenBody), (status = "default", body = ProblemBody)))]
async fn forget(
    State(host): State<Arc<Host>>,
    caller: Caller,
    At(id): At<Id>,
) -> Result<Done<ForgottenBody>, Problem> {
    let erased = profile::erase(&host, &caller, id.as_str()).await?;
    Ok(Done::ok(ForgottenBody {
        member: id.into_string(),
        erased,
    }))
}
