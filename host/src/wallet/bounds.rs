//! What bounds a wallet: a freeze, how much it may hold, and how much is paid in on a day. The ledger refuses, so that
//! all of it holds however many tills ask at once.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Movement, any_place, known, own_place, reasonable, replayed};
use crate::access::Principal;
use crate::checkout::{CheckoutError, Intent};
use crate::domain::ledger::{
    AccountKey, AccountName, DEFAULT_PROGRAM, Receipt, Refusal, Step, frozen, points_asset,
};
use crate::domain::time::Day;
use crate::domain::wallet::WalletCap;
use crate::host::Host;
use crate::snapshot::Place;
use crate::store;

/// What is frozen of what a member has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Frozen {
    /// What he paid for ahead: money and passes.
    StoredValue,
    Points,
    Everything,
}

/// What is to be frozen, or not any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Freeze {
    pub what: Frozen,
    /// Why, for the record; at most 500 characters.
    pub reason: String,
}

/// Freezes what a member has (`true`), or lets him spend it again. It can be paid in meanwhile where the chain says so; it
/// expires as ever.
///
/// # Errors
/// [`CheckoutError::FreezeUnchanged`] where part of it is as it shall be already.
pub async fn freeze(
    host: &Arc<Host>,
    caller: &Principal,
    member: &str,
    request: Freeze,
    freezes: bool,
    intent: Intent,
) -> Result<Receipt, CheckoutError> {
    let meant = |error| match error {
        CheckoutError::Ledger(Refusal::CounterLimit { .. }) => CheckoutError::FreezeUnchanged,
        error => error,
    };
    if let Some(receipt) = replayed(host, &intent).await.map_err(meant)? {
        return Ok(receipt);
    }
    reasonable(&request.reason)?;
    let member = known(host, member).await?;
    let place = own_place(host, caller, None).or_else(|_| any_place(host))?;
    let (kind, event) = if freezes {
        ("freeze", "member.frozen")
    } else {
        ("unfreeze", "member.unfrozen")
    };
    let mut movement = Movement::new(host, &place, kind, intent);
    let [stored_value, points] = accounts(&member, &place.store.currency);
    let chosen = match request.what {
        Frozen::StoredValue => vec![stored_value],
        Frozen::Points => vec![points],
        Frozen::Everything => vec![stored_value, points],
    };
    for account in chosen {
        let (owner, name) = frozen(&account);
        movement.steps([Step::Counter {
            owner,
            name,
            change: if freezes { 1 } else { -1 },
            limit: Some(1),
            floor: Some(0),
            enforce: true,
        }]);
    }
    let told = serde_json::json!({
        "member": member, "what": request.what, "reason": request.reason,
    });
    movement.event(event, &member, caller, told);
    movement.submit(host).await.map_err(meant)
}

/// Whether a member's stored value and points are frozen.
pub async fn frozen_of(host: &Host, member: &str) -> Result<(bool, bool), CheckoutError> {
    let keys = accounts(member, "").map(|account| frozen(&account));
    let values = store::counters::values(&mut host.db.read().await?, &keys).await?;
    let [stored_value, points] = [0, 1].map(|at| values.get(at).is_some_and(|value| *value > 0));
    Ok((stored_value, points))
}

/// One account of each kind that can be frozen.
fn accounts(member: &str, currency: &str) -> [AccountKey; 2] {
    [
        AccountKey::new(member, AccountName::Principal, currency),
        AccountKey::new(member, AccountName::Points, points_asset(DEFAULT_PROGRAM)),
    ]
}

/// The counter of what was paid into a member's wallet on a day.
pub(super) fn topped_up_on(day: Day, currency: &str) -> String {
    format!("topped-up/{currency}/{}", day.0)
}

/// The steps that must follow money coming to a wallet: it is not frozen, and not too full; and the cap it has.
pub(super) async fn received(
    host: &Host,
    place: &Place,
    member: &str,
) -> Result<(Vec<Step>, WalletCap), CheckoutError> {
    let [principal, _] = accounts(member, &place.store.currency);
    let caps = &place.settings.wallet_caps;
    let cap = if is_named(host, member).await? {
        caps.named.clone()
    } else {
        caps.anonymous.clone()
    };
    let mut steps = Vec::new();
    if !place.settings.frozen_takes_top_ups {
        steps.push(Step::NotFrozen {
            account: principal.clone(),
        });
    }
    steps.extend(cap.most.map(|most| Step::Ceiling {
        account: principal,
        most,
    }));
    Ok((steps, cap))
}

/// Whether it is known who a member is; his row is there for an anonymous card too.
async fn is_named(host: &Host, member: &str) -> Result<bool, CheckoutError> {
    let sealed = store::persons::person(&mut host.db.read().await?, member).await?;
    let Some(sealed) = sealed else {
        return Ok(false);
    };
    let vault = &host.vault;
    let person = vault.open_person(member, &sealed.sealed_key, &sealed.sealed)?;
    Ok(person.name.is_some() || person.phone.is_some())
}
