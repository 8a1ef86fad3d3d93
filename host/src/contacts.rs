//! A member's new phone number or e-mail address, proved by a code that is sent there.
//!
//! The event says that a message waits; whoever may send messages fetches it once, and only then is the code made: the
//! chain keeps its keyed hash and nothing else. Tries and how often somebody asks are counters of the ledger, so they hold
//! however many ask at once.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use crate::access::{Principal, same};
use crate::checkout::CheckoutError;
use crate::checkout::request::MemberReference;
use crate::checkout::situation::find_member;
use crate::domain::ledger::{Refusal, Step};
use crate::domain::time::Instant;
use crate::enrolment::EnrolmentError;
use crate::host::Host;
use crate::profile::{self, By, Profile};
use crate::store::contact_changes::{self as rows, ContactChange};
use crate::store::{self, Conn, StoreError, Tx};
use crate::vault::{Vault, VaultError, random};
use crate::wallet::{Movement, any_place};

/// Seconds a code can be told.
const CODE_SECONDS: i64 = 600;
/// Codes that may be told of one change.
const TRIES: i64 = 5;
/// Changes of a kind one member may ask for in an hour by the clock.
const ASKED_PER_HOUR: i64 = 5;
const HOUR_MICROS: i64 = 3_600_000_000;
/// Seconds after which what ran out is forgotten.
const KEPT_SECONDS: i64 = 86_400;
/// Codes there are.
const CODES: u32 = 1_000_000;

/// How a member is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ContactKind {
    Phone,
    Email,
}

impl ContactKind {
    pub fn name(self) -> &'static str {
        match self {
            Self::Phone => "phone",
            Self::Email => "email",
        }
    }

    fn of(name: &str) -> Self {
        match name {
            "email" => Self::Email,
            _ => Self::Phone,
        }
    }
}

/// Why a member's address stays as it is.
#[derive(Debug, thiserror::Error)]
pub enum ContactError {
    #[error("there is no change of contact data `{0}`")]
    Unknown(String),
    #[error("the change `{0}` was confirmed or replaced before, or its time is over")]
    Over(String),
    #[error("the message of the change `{0}` was fetched before")]
    Fetched(String),
    #[error("the code is wrong")]
    Wrong,
    #[error("no further code may be told of the change `{0}`")]
    UsedUp(String),
    #[error("the member asked too often within an hour")]
    TooOften,
    #[error(transparent)]
    Enrolment(#[from] EnrolmentError),
    #[error(transparent)]
    Checkout(#[from] CheckoutError),
    #[error(transparent)]
    Vault(#[from] VaultError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What is to be sent to whom; told once.
pub struct Message {
    pub kind: ContactKind,
    pub to: String,
    pub code: String,
    pub expires_at: i64,
}

/// Asks for a new address of a member. A change of the same kind that is open is replaced.
///
/// # Errors
/// [`EnrolmentError::PhoneTaken`] and its like for an address of another member, [`ContactError::TooOften`].
pub async fn ask(
    host: &Arc<Host>,
    caller: &Principal,
    member: &str,
    (kind, to): (ContactKind, String),
) -> Result<ContactChange, ContactError> {
    let reference = MemberReference::Id(member.to_owned());
    let mut conn = host.db.read().await?;
    let known = find_member(host, &mut conn, &reference).await?;
    if let Some(refusal) = taken(&host.vault, &mut conn, member, (kind, &to)).await? {
        return Err(refusal.into());
    }
    drop(conn);
    let key = known.sealed_key;
    let key = key.ok_or_else(|| EnrolmentError::MemberUnknown(member.to_owned()))?;
    let now = host.clock.now();
    let hour = now.0.div_euclid(HOUR_MICROS);
    let often = format!("contact-changes/{}/{hour}", kind.name());
    count(host, member, &often, ASKED_PER_HOUR)
        .await?
        .ok_or(ContactError::TooOften)?;
    let change = ContactChange {
        id: uuid::Uuid::now_v7().to_string(),
        member_id: member.to_owned(),
        kind: kind.name().to_owned(),
        state: "open".to_owned(),
        sealed: Some(host.vault.seal_note(member, &key, to.as_bytes())?),
        code_hash: None,
        asked_by: caller.who().to_owned(),
        store: caller.store.clone(),
        asked_at: now.0,
        expires_at: now.plus_seconds(CODE_SECONDS).0,
    };
    let row = change.clone();
    let opened = host
        .writer
        .write("opening a change of contact data", move |tx| {
            Box::pin(async move {
                let old = now.plus_seconds(-KEPT_SECONDS);
                rows::open(tx, &row, old.0).await?;
                // Neither the address nor the code: whoever sends it fetches both.
                let told = json!({ "change": row.id, "kind": row.kind, "by": row.asked_by });
                tell(tx, &row, "contact_change.asked", now, told).await
            })
        });
    opened.await?;
    Ok(change)
}

async fn tell(
    tx: &mut Tx,
    change: &ContactChange,
    kind: &str,
    at: Instant,
    told: serde_json::Value,
) -> Result<(), StoreError> {
    let store = change.store.as_deref();
    store::events::add(tx, kind, &change.member_id, store, at, &told.to_string()).await
}

/// Whether an address is another member's.
async fn taken(
    vault: &Vault,
    conn: &mut Conn,
    member: &str,
    (kind, to): (ContactKind, &str),
) -> Result<Option<EnrolmentError>, StoreError> {
    let another = |holder: &String| holder != member;
    Ok(match kind {
        ContactKind::Phone => {
            let holder = store::persons::member_by_phone(conn, &vault.phone_hash(to)).await?;
            let holder = holder.filter(another);
            holder.map(|member| EnrolmentError::PhoneTaken { member })
        }
        ContactKind::Email => {
            let holder = store::persons::member_by_email(conn, &vault.email_hash(to)).await?;
            let holder = holder.filter(another);
            holder.map(|member| EnrolmentError::EmailTaken { member })
        }
    })
}

/// Counts one more of at most so many; none where the limit is reached.
async fn count(
    host: &Host,
    owner: &str,
    name: &str,
    limit: i64,
) -> Result<Option<()>, CheckoutError> {
    let mut movement = Movement::unkeyed(host, &*any_place(host)?, "contact-change");
    movement.steps([Step::Counter {
        owner: owner.to_owned(),
        name: name.to_owned(),
        change: 1,
        limit: Some(limit),
        floor: None,
        enforce: true,
    }]);
    match movement.submit(host).await {
        Err(CheckoutError::Ledger(Refusal::CounterLimit { .. })) => Ok(None),
        end => end.map(|_| Some(())),
    }
}

/// The open change of that id whose time is not over.
async fn open(host: &Host, id: &str) -> Result<ContactChange, ContactError> {
    let found = rows::by_id(&mut host.db.read().await?, id).await?;
    let change = found.ok_or_else(|| ContactError::Unknown(id.to_owned()))?;
    if change.state != "open" || host.clock.now().0 > change.expires_at {
        return Err(ContactError::Over(id.to_owned()));
    }
    Ok(change)
}

/// Makes the code of a change and tells it with its address, once: it is for whoever sends it there.
///
/// # Errors
/// [`ContactError::Fetched`] the second time, [`ContactError::Over`].
pub async fn message(host: &Host, caller: &Principal, id: &str) -> Result<Message, ContactError> {
    let change = open(host, id).await?;
    let to = address(host, &change).await?;
    let code = code()?;
    let hash = hashed(&host.vault, id, &code);
    let (row, now, by) = (change.clone(), host.clock.now(), caller.who().to_owned());
    let made = host.writer.write("making a one-time code", move |tx| {
        Box::pin(async move {
            let made = rows::set_code(tx, &row.id, &hash).await?;
            if made {
                let told = json!({ "change": row.id, "kind": row.kind, "by": by });
                tell(tx, &row, "contact_change.message_fetched", now, told).await?;
            }
            Ok(made)
        })
    });
    if !made.await? {
        return Err(ContactError::Fetched(id.to_owned()));
    }
    Ok(Message {
        kind: ContactKind::of(&change.kind),
        to,
        code,
        expires_at: change.expires_at,
    })
}

async fn address(host: &Host, change: &ContactChange) -> Result<String, ContactError> {
    let member = &change.member_id;
    let person = store::persons::person(&mut host.db.read().await?, member).await?;
    let over = || ContactError::Over(change.id.clone());
    let (Some(person), Some(sealed)) = (person, &change.sealed) else {
        return Err(over());
    };
    let note = host.vault.open_note(member, &person.sealed_key, sealed)?;
    Ok(String::from_utf8(note).map_err(|_| VaultError::Sealed)?)
}

/// Six digits, each as likely as the others.
fn code() -> Result<String, VaultError> {
    // Numbers above the last whole million would make low codes likelier.
    let fair = u32::MAX / CODES * CODES;
    loop {
        let number = u32::from_be_bytes(random::<4>()?);
        if number < fair {
            return Ok(format!("{:06}", number % CODES));
        }
    }
}

fn hashed(vault: &Vault, id: &str, code: &str) -> String {
    hex::encode(vault.derive("contact-code", &format!("{id}/{code}")))
}

/// Gives the member the address a change is about, if the code is the one that was sent there.
///
/// # Errors
/// [`ContactError::Wrong`], and [`ContactError::UsedUp`] after five tries; an address somebody else got meanwhile is
/// refused as at an enrolment, and the change is over.
pub async fn confirm(
    host: &Arc<Host>,
    caller: &Principal,
    (member, id): (&str, &str),
    code: &str,
) -> Result<(), ContactError> {
    let change = open(host, id).await?;
    if change.member_id != member {
        return Err(ContactError::Unknown(id.to_owned()));
    }
    // A try is spent before the code is compared, so that parallel guesses cannot outrun the limit.
    count(host, &format!("contact-change/{id}"), "tries", TRIES)
        .await?
        .ok_or_else(|| ContactError::UsedUp(id.to_owned()))?;
    let told = hashed(&host.vault, id, code);
    let sent = change.code_hash.as_ref();
    if !sent.is_some_and(|sent| same(sent.as_bytes(), told.as_bytes())) {
        return Err(ContactError::Wrong);
    }
    let reference = MemberReference::Id(member.to_owned());
    find_member(host, &mut host.db.read().await?, &reference).await?;
    let to = address(host, &change).await?;
    let (held, by) = (Arc::clone(host), By::of(host, caller));
    let written = host.writer.write("confirming a contact", move |tx| {
        Box::pin(async move { write(&held, tx, &by, &change, to).await })
    });
    match written.await {
        Err(error) if error.is_unique_violation() => Err(ContactError::Over(id.to_owned())),
        end => end?,
    }
}

async fn write(
    host: &Host,
    tx: &mut Tx,
    by: &By,
    change: &ContactChange,
    to: String,
) -> Result<Result<(), ContactError>, StoreError> {
    let (id, member) = (&change.id, &change.member_id);
    let over = || ContactError::Over(id.clone());
    let Some(person) = store::persons::person(tx, member).await? else {
        return Ok(Err(over()));
    };
    // First of all, so that of many who tell the code at once one gets on.
    if !rows::end(tx, id, "open", "confirmed").await? {
        return Ok(Err(over()));
    }
    let vault = &host.vault;
    let mut person = match vault.open_person(member, &person.sealed_key, &person.sealed) {
        Ok(person) => person,
        Err(error) => return Err(StoreError::Refused(error.to_string())),
    };
    match ContactKind::of(&change.kind) {
        ContactKind::Phone => person.phone = Some(to),
        ContactKind::Email => person.email = Some(to),
    }
    let profile = Profile {
        person: Some(person),
        ..Profile::default()
    };
    let written = profile::write(host, tx, by, member, profile).await?;
    if let Err(refusal) = written {
        rows::end(tx, id, "confirmed", "refused").await?;
        return Ok(Err(refusal.into()));
    }
    let told = json!({ "change": id, "kind": change.kind, "by": by.who });
    tell(tx, change, "contact_change.confirmed", by.at, told).await?;
    Ok(Ok(()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_has_six_digits_and_its_hash_belongs_to_one_change() {
        let vault = Vault::with_key([7; 32]);
        for _ in 0..100 {
            let code = code().unwrap();
            assert!(code.len() == 6 && code.bytes().all(|digit| digit.is_ascii_digit()));
            assert_ne!(hashed(&vault, "a", &code), hashed(&vault, "b", &code));
        }
    }
}
