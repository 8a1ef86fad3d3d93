//! What is known of a member: changed with a history of every field, and erased.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::access::Principal;
use crate::domain::attributes::settle;
use crate::domain::rules::Value::{Boolean, Integer, Text};
use crate::domain::time::Instant;
use crate::enrolment::{EnrolmentError, sealed, taken};
use crate::host::Host;
use crate::person::Person;
use crate::snapshot::{attributes, attributes_text};
use crate::store::changes::Change;
use crate::store::members::Member;
use crate::store::persons::SealedPerson;
use crate::store::{self, StoreError, Tx};
use crate::vault::{Vault, VaultError};

/// What of a member is to be another; absent parts stay as they are.
#[derive(Debug, Clone, Default)]
pub struct Profile {
    pub status: Option<String>,
    pub home_store: Option<String>,
    pub adviser: Option<String>,
    /// A JSON array of strings.
    pub segments: Option<String>,
    /// A JSON object.
    pub attributes: Option<String>,
    /// Replaces all personal data.
    pub person: Option<Person>,
}

/// What a field was before a change and is after it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Values {
    pub old: Value,
    pub new: Value,
}

/// Fields that are another now, by name.
type Differences = Vec<(String, Values)>;

/// Changes a member and writes down every field that is another now. Asked again it changes nothing.
///
/// # Errors
/// See [`EnrolmentError`]; nothing was written then.
pub async fn change(
    host: &Arc<Host>,
    caller: &Principal,
    member: &str,
    profile: Profile,
) -> Result<(), EnrolmentError> {
    let by = By::of(host, caller);
    let (host, member) = (Arc::clone(host), member.to_owned());
    let writer = host.writer.clone();
    let changed = writer.write("changing a member", move |tx| {
        Box::pin(async move { write(&host, tx, &by, &member, profile).await })
    });
    changed.await?
}

/// Who changes something, for which store and when.
pub(crate) struct By {
    pub(crate) who: String,
    pub(crate) store: Option<String>,
    pub(crate) at: Instant,
}

impl By {
    pub(crate) fn of(host: &Host, caller: &Principal) -> Self {
        Self {
            who: caller.who().to_owned(),
            store: caller.store.clone(),
            at: host.clock.now(),
        }
    }
}

/// The same within a transaction; refuses before the first write.
pub(crate) async fn write(
    host: &Host,
    tx: &mut Tx,
    by: &By,
    id: &str,
    profile: Profile,
) -> Result<Result<(), EnrolmentError>, StoreError> {
    let Some(before) = store::members::member(tx, id).await? else {
        return Ok(Err(EnrolmentError::MemberUnknown(id.to_owned())));
    };
    if let (Some(into), Some(_)) = (&before.merged_into, &profile.status) {
        return Ok(Err(EnrolmentError::Merged {
            id: id.to_owned(),
            into: into.clone(),
        }));
    }
    if let Some(home) = &profile.home_store
        && store::stores::store(tx, home).await?.is_none()
    {
        return Ok(Err(EnrolmentError::StoreUnknown(home.clone())));
    }
    if let Some(adviser) = &profile.adviser
        && store::staff::staff(tx, adviser).await?.is_none()
    {
        return Ok(Err(EnrolmentError::AdviserUnknown(adviser.clone())));
    }
    let known = store::persons::person(tx, id).await?;
    let (person, mut changes) = match persons(host, id, known.as_ref(), profile.person) {
        Ok(found) => found,
        Err(error) => return Ok(Err(error.into())),
    };
    if let Some(person) = &person
        && let Some(refusal) = taken(tx, person).await?
    {
        return Ok(Err(refusal));
    }
    let home_store = profile
        .home_store
        .unwrap_or_else(|| before.home_store.clone());
    let attributes = match &profile.attributes {
        None => Ok(before.attributes.clone()),
        Some(wanted) => {
            let who = (by.store.as_deref(), home_store.as_str());
            settled(host, &before.attributes, wanted, who)
        }
    };
    let attributes = match attributes {
        Ok(attributes) => attributes,
        Err(error) => return Ok(Err(error)),
    };
    let after = Member {
        status: profile.status.unwrap_or_else(|| before.status.clone()),
        home_store,
        adviser: profile.adviser.or_else(|| before.adviser.clone()),
        segments: profile.segments.unwrap_or_else(|| before.segments.clone()),
        attributes,
        ..before.clone()
    };
    changes.extend(differences("", &fields(&before)?, &fields(&after)?));
    if changes.is_empty() {
        return Ok(Ok(()));
    }
    let key = person.as_ref().or(known.as_ref());
    let key = key.map(|person| person.sealed_key.as_slice());
    let notes: Result<Vec<Change>, EnrolmentError> = changes
        .iter()
        .map(|(field, values)| Ok(note(&host.vault, by, id, key, (field, values))?))
        .collect();
    let notes = match notes {
        Ok(notes) => notes,
        Err(error) => return Ok(Err(error)),
    };
    if let Some(person) = &person {
        store::persons::put_person(tx, person).await?;
    }
    if before != after {
        store::members::update_member(tx, &after).await?;
    }
    if before.attributes != after.attributes {
        let marks = searchable(&after.attributes)?;
        store::members::index_attributes(tx, id, &marks).await?;
    }
    for note in &notes {
        store::changes::add(tx, note).await?;
    }
    let names: Vec<&String> = changes.iter().map(|(field, _)| field).collect();
    let told = json!({ "fields": names, "by": by.who }).to_string();
    store::events::add(tx, "member.changed", id, by.store.as_deref(), by.at, &told).await?;
    Ok(Ok(()))
}

/// What a member's attributes become where somebody wants others, as JSON text: `who` is the only store he acts for,
/// and the member's home store.
///
/// # Errors
/// [`EnrolmentError::Attribute`] for what the chain did not define like this.
pub fn settled(
    host: &Host,
    before: &str,
    wanted: &str,
    who: (Option<&str>, &str),
) -> Result<String, EnrolmentError> {
    let snapshot = host.snapshots.current();
    let defined = snapshot
        .as_deref()
        .map_or(&[][..], |snapshot| snapshot.member_attributes());
    let all = settle(defined, attributes(before)?, attributes(wanted)?, who)?;
    Ok(attributes_text(all))
}

/// The attributes of a member as they are searched for.
///
/// # Errors
/// When the text is not what is stored.
pub fn searchable(text: &str) -> Result<Vec<(String, String)>, StoreError> {
    let mark = |(name, value)| {
        let text = match value {
            Text(text) => text,
            Integer(number) => number.to_string(),
            Boolean(truth) => truth.to_string(),
            _ => return None,
        };
        Some((name, text))
    };
    Ok(attributes(text)?.into_iter().filter_map(mark).collect())
}

/// The person as he will be stored, where he is changed, and what is another of him.
fn persons(
    host: &Host,
    member: &str,
    known: Option<&SealedPerson>,
    wanted: Option<Person>,
) -> Result<(Option<SealedPerson>, Differences), VaultError> {
    let Some(mut wanted) = wanted else {
        return Ok((None, Vec::new()));
    };
    let before = match known {
        Some(known) => host
            .vault
            .open_person(member, &known.sealed_key, &known.sealed)?,
        None => Person::default(),
    };
    wanted.keep_times(&before);
    let changes = differences("person.", &object(&before)?, &object(&wanted)?);
    if changes.is_empty() && known.is_some() {
        return Ok((None, changes));
    }
    let key = known.map(|known| known.sealed_key.clone());
    Ok((Some(sealed(&host.vault, member, &wanted, key)?), changes))
}

fn object(person: &Person) -> Result<Map<String, Value>, VaultError> {
    match serde_json::to_value(person) {
        Ok(Value::Object(fields)) => Ok(fields),
        _ => Err(VaultError::Sealed),
    }
}

/// What is kept of a member beside his person, attributes one by one.
fn fields(member: &Member) -> Result<Map<String, Value>, StoreError> {
    let mut fields = Map::new();
    fields.insert("status".into(), json!(member.status));
    fields.insert("home_store".into(), json!(member.home_store));
    fields.insert("adviser".into(), json!(member.adviser));
    let read = |text: &str| {
        serde_json::from_str::<Value>(text).map_err(StoreError::stored("reading a member"))
    };
    fields.insert("segments".into(), read(&member.segments)?);
    if let Value::Object(attributes) = read(&member.attributes)? {
        let named = |(name, value)| (format!("attributes.{name}"), value);
        fields.extend(attributes.into_iter().map(named));
    }
    Ok(fields)
}

/// The fields two objects differ in; one that is absent counts as null.
fn differences(
    prefix: &str,
    before: &Map<String, Value>,
    after: &Map<String, Value>,
) -> Differences {
    let mut names: Vec<&String> = before.keys().chain(after.keys()).collect();
    names.sort();
    names.dedup();
    let value = |of: &Map<String, Value>, name: &str| of.get(name).cloned().unwrap_or(Value::Null);
    let both = names.into_iter().map(|name| {
        let (old, new) = (value(before, name), value(after, name));
        (format!("{prefix}{name}"), Values { old, new })
    });
    both.filter(|(_, values)| values.old != values.new)
        .collect()
}

/// A change as it is written down, sealed under the person's key where he has one.
pub(crate) fn note(
    vault: &Vault,
    by: &By,
    member: &str,
    key: Option<&[u8]>,
    (field, values): (&str, &Values),
) -> Result<Change, VaultError> {
    let text = serde_json::to_string(values).map_err(|_| VaultError::Sealed)?;
    let seal = |key| vault.seal_note(member, key, text.as_bytes());
    let sealed = key.map(seal).transpose()?;
    Ok(Change {
        id: uuid::Uuid::now_v7().to_string(),
        member_id: member.to_owned(),
        field: field.to_owned(),
        changed_by: by.who.clone(),
        store: by.store.clone(),
        changed_at: by.at.0,
        told: sealed.is_none().then_some(text),
        sealed,
    })
}

/// What a change was about; none once the person is erased.
///
/// # Errors
/// When the note does not open with the person's key.
pub fn values(
    host: &Host,
    change: &Change,
    key: Option<&[u8]>,
) -> Result<Option<Values>, VaultError> {
    let text = match (&change.sealed, key, &change.told) {
        (Some(sealed), Some(key), _) => host.vault.open_note(&change.member_id, key, sealed)?,
        (None, _, Some(told)) => told.clone().into_bytes(),
        _ => return Ok(None),
    };
    serde_json::from_slice(&text)
        .map(Some)
        .map_err(|_| VaultError::Sealed)
}

/// Erases a person: data, key, history of changes, attributes and segments go; the pseudonymous member and every entry
/// stay. Answers whether there was anything to erase.
///
/// # Errors
/// [`EnrolmentError::MemberUnknown`], or when the database cannot be written.
pub async fn erase(host: &Host, caller: &Principal, member: &str) -> Result<bool, EnrolmentError> {
    let (by, id) = (By::of(host, caller), member.to_owned());
    let erased = host.writer.write("erasing a person", move |tx| {
        Box::pin(async move {
            let Some(member) = store::members::member(tx, &id).await? else {
                return Ok(Err(EnrolmentError::MemberUnknown(id)));
            };
            let erased = store::persons::erase_person(tx, &id).await?;
            if !erased {
                return Ok(Ok(false));
            }
            store::changes::forget(tx, &id).await?;
            store::tier_floors::forget(tx, &id).await?;
            store::contact_changes::forget(tx, &id).await?;
            let bare = Member {
                segments: "[]".to_owned(),
                attributes: "{}".to_owned(),
                ..member
            };
            store::members::update_member(tx, &bare).await?;
            store::members::index_attributes(tx, &id, &[]).await?;
            let told = json!({ "by": by.who }).to_string();
            store::events::add(tx, "person.erased", &id, by.store.as_deref(), by.at, &told).await?;
            Ok(Ok(true))
        })
    });
    erased.await?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_fields_that_differ_are_written_down_with_both_values() {
        let of = |value: Value| value.as_object().unwrap().clone();
        let before = of(json!({ "name": "王芳", "phone": null, "email": "a@b.c" }));
        let after = of(json!({ "name": "王芳", "phone": "138", "interests": [] }));
        let found = differences("person.", &before, &after);
        let names: Vec<&str> = found.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["person.email", "person.interests", "person.phone"]);
        assert_eq!(found[0].1.new, Value::Null);
        assert_eq!(found[2].1.new, json!("138"));
    }
}
