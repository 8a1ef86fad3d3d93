//! A second person's word: somebody who may do a thing lets somebody who may not do it once.
//!
//! An approval is a text under the chain's master key. It names who gave it and stands for one action on one subject with
//! one amount, for [`LIFETIME`] seconds. Any host can check it without asking another, and the ledger counts its use, so
//! that it is used once however many tills and hosts it is shown to.

use serde::Deserialize;
use utoipa::ToSchema;

use crate::access::{AccessError, Permission, Principal};
use crate::checkout::CheckoutError;
use crate::domain::ledger::{Command, EventRow, Record, Refusal, Reserve, Step, Subject};
use crate::domain::time::Instant;
use crate::host::Host;
use crate::roles::Power;

/// Seconds an approval can be used.
const LIFETIME: i64 = 60;
const MICROS: i64 = 1_000_000;
/// Owner of the counter of an approval's uses, before its id.
const USES_OF: &str = "approval/";
const USES: &str = "uses";

/// What somebody is asked to approve.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ApprovalRequest {
    /// The permission that is missing, as the refusal named it.
    pub permission: String,
    /// What it is about: the member's id.
    pub subject: String,
    /// Minor units or points, exactly as in the request to come.
    pub amount: i64,
    /// Why, for the record.
    #[serde(default)]
    pub reason: String,
}

/// A given approval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given {
    pub token: String,
    /// Who gave it.
    pub by: String,
    pub expires_at: Instant,
}

/// What is to be done, as far as an approval is bound to it.
#[derive(Debug, Clone, Copy)]
pub struct Act<'a> {
    pub permission: Permission,
    pub subject: &'a str,
    pub amount: i64,
}

impl Act<'_> {
    /// Bound to the store of the till as well: who may approve in one store lets nobody do it in another.
    fn proof(
        self,
        host: &Host,
        caller: &Principal,
        (id, expires_at, by): (&str, i64, &str),
    ) -> String {
        let Self {
            permission,
            subject,
            amount,
        } = self;
        let name = permission.name();
        let store = caller.store.as_deref().unwrap_or_default();
        let text = format!("{id}\0{expires_at}\0{by}\0{name}\0{subject}\0{amount}\0{store}");
        hex::encode(host.vault.derive("approval", &text))
    }
}

/// Why an approval does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unapproved {
    #[error("show the PIN of the person who approves, as `Tessera-Staff`")]
    Nobody,
    #[error(
        "it is not for this action, subject and amount, or not of this chain; have it approved again"
    )]
    OfAnother,
    #[error("its minute is over; have it approved again")]
    Expired,
    #[error("it was used already; have it approved again")]
    Used,
    #[error("nobody approves his own request; have another person do it")]
    Own,
}

/// Approves an act with the staff member on duty, and says so in the events.
///
/// # Errors
/// [`Unapproved::Nobody`] without a staff member, [`AccessError::Denied`] when he may not do it himself.
pub async fn give(
    host: &Host,
    caller: &Principal,
    act: Act<'_>,
    reason: &str,
) -> Result<Given, CheckoutError> {
    let staff = caller.staff.as_ref().ok_or(Unapproved::Nobody)?;
    // Who lets others refund to another tender lets them refund.
    let refunds = (act.permission == Permission::RefundOtherTender).then_some(Permission::Refund);
    for permission in [Some(act.permission), refunds].into_iter().flatten() {
        if !staff.role.may(permission) {
            return Err(AccessError::Denied(permission).into());
        }
    }
    let now = host.clock.now();
    let expires_at = Instant(now.0.saturating_add(LIFETIME * MICROS));
    let id = uuid::Uuid::now_v7().simple().to_string();
    let proof = act.proof(host, caller, (&id, expires_at.0, &staff.id));
    let token = format!("{id}.{}.{}.{proof}", expires_at.0, hex::encode(&staff.id));
    let day = crate::clock::business_day(now, chrono_tz::UTC);
    let mut command = Command::new("approval", Subject::new("approval", &id), now, day);
    let payload = serde_json::json!({
        "approval": id, "permission": act.permission.name(), "subject": act.subject, "amount": act.amount,
        "by": staff.id, "reason": reason,
    });
    command.records.push(Record::Event(EventRow {
        kind: "approval.given".to_owned(),
        subject: act.subject.to_owned(),
        store: caller.store.clone(),
        payload: payload.to_string(),
    }));
    host.writer.submit(command).await?;
    Ok(Given {
        token,
        by: staff.id.clone(),
        expires_at,
    })
}

/// Who let it happen, and the step that uses his word up.
#[derive(Debug)]
pub struct Approved {
    pub id: String,
    pub by: String,
    pub step: Step,
}

/// The same for an act that anybody may do up to an amount.
///
/// # Errors
/// As [`allowed`], above the limit.
pub fn allowed_above(
    limit: i64,
    host: &Host,
    caller: &Principal,
    act: Act<'_>,
    token: Option<&str>,
) -> Result<Option<Approved>, CheckoutError> {
    if act.amount <= limit {
        return Ok(None);
    }
    allowed(host, caller, act, token)
}

/// What a refusal of a command that carries an approval means.
pub fn refused(refusal: Refusal) -> CheckoutError {
    match refusal {
        Refusal::CounterLimit { owner, .. } if owner.starts_with(USES_OF) => {
            Unapproved::Used.into()
        }
        refusal => refusal.into(),
    }
}

/// Lets a caller do what he may, or what an approval lets him do; the command must carry its step.
///
/// # Errors
/// [`AccessError::NeedsApproval`] without permission and approval, or why the approval does not count.
pub fn allowed(
    host: &Host,
    caller: &Principal,
    act: Act<'_>,
    token: Option<&str>,
) -> Result<Option<Approved>, CheckoutError> {
    allowed_at(host, caller, act, token, host.clock.now())
}

/// The same for what was done at an instant.
///
/// # Errors
/// As [`allowed`].
pub fn allowed_at(
    host: &Host,
    caller: &Principal,
    act: Act<'_>,
    token: Option<&str>,
    at: Instant,
) -> Result<Option<Approved>, CheckoutError> {
    match caller.power(act.permission) {
        Power::Allow => return Ok(None),
        Power::Deny => return Err(AccessError::Denied(act.permission).into()),
        Power::Approve => {}
    }
    let token = token.ok_or_else(|| AccessError::NeedsApproval {
        permission: act.permission,
        subject: act.subject.to_owned(),
        amount: act.amount,
    })?;
    let (id, until, by) = read(host, caller, token, act).ok_or(Unapproved::OfAnother)?;
    if !(until - LIFETIME * MICROS..=until).contains(&at.0) {
        return Err(Unapproved::Expired.into());
    }
    if caller.staff.as_ref().is_some_and(|staff| staff.id == by) {
        return Err(Unapproved::Own.into());
    }
    let step = use_of(&id);
    Ok(Some(Approved { id, by, step }))
}

/// The step that uses an approval up.
pub fn use_of(id: &str) -> Step {
    Step::Counter {
        owner: format!("{USES_OF}{id}"),
        name: USES.to_owned(),
        change: 1,
        limit: Some(1),
        floor: None,
        enforce: true,
    }
}

/// What a hold keeps of an approval.
pub fn reserve_of(id: &str) -> Reserve {
    Reserve::Counter {
        owner: format!("{USES_OF}{id}"),
        name: USES.to_owned(),
        change: 1,
        limit: Some(1),
        floor: None,
    }
}

/// Whether an approval was given for an act, whatever became of it since.
pub fn is_for(host: &Host, caller: &Principal, token: &str, act: Act<'_>) -> bool {
    read(host, caller, token, act).is_some()
}

/// Id, end and giver of an approval of this act.
fn read(
    host: &Host,
    caller: &Principal,
    token: &str,
    act: Act<'_>,
) -> Option<(String, i64, String)> {
    let parts: Vec<&str> = token.split('.').collect();
    let [id, expires_at, by, proof] = parts[..] else {
        return None;
    };
    let until: i64 = expires_at.parse().ok()?;
    let by = String::from_utf8(hex::decode(by).ok()?).ok()?;
    let expected = act.proof(host, caller, (id, until, &by));
    let is_proven = crate::access::same(expected.as_bytes(), proof.as_bytes());
    is_proven.then(|| (id.to_owned(), until, by))
}
