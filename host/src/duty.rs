//! Staff on duty: a PIN shown with a request adds the permissions of a person to those of a key.

use crate::access::{self, AccessError, OnDuty, Principal};
use crate::cards::is_right;
use crate::domain::settings::PinChange;
use crate::host::Host;
use crate::roles;
use crate::store::staff::Staff;
use crate::store::{self, StoreError};
use crate::vault::VaultError;

/// Why a person keeps the PIN he has.
#[derive(Debug, thiserror::Error)]
pub enum PinError {
    #[error("show the PIN you have, as `Tessera-Staff`")]
    Nobody,
    #[error("it is the PIN there is already; choose another")]
    Same,
    #[error("somebody set another PIN meanwhile; begin again with that one")]
    Meanwhile,
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Vault(#[from] VaultError),
}

/// Puts a staff member on duty for one request. A PIN somebody else set does nothing but change itself.
///
/// # Errors
/// [`AccessError::PinMustChange`], [`AccessError::WrongPin`] for an unknown or departed person as for a wrong PIN,
/// [`AccessError::Locked`] after five wrong ones, [`AccessError::OtherStore`] away from their store.
pub async fn on_duty(
    host: &Host,
    principal: &mut Principal,
    (id, pin): (&str, &str),
    is_to_change_it: bool,
) -> Result<(), AccessError> {
    let mut conn = host.db.read().await?;
    let staff = store::staff::staff(&mut conn, id).await?;
    let staff = staff
        .filter(|staff| staff.active)
        .ok_or(AccessError::WrongPin)?;
    let role = roles::named(&mut conn, &staff.role).await?;
    drop(conn);
    if let (Some(theirs), Some(here)) = (&staff.store, &principal.store)
        && theirs != here
    {
        return Err(AccessError::OtherStore(theirs.clone()));
    }
    if staff.failed_tries >= store::staff::TRIES {
        return Err(AccessError::Locked);
    }
    if !host.recent.knows_pin(&staff, pin) {
        check_pin(host, &staff, pin).await?;
    }
    if staff.pin_must_change && !is_to_change_it {
        return Err(AccessError::PinMustChange);
    }
    let role = role.ok_or(AccessError::WrongPin)?;
    principal.staff = Some(OnDuty {
        id: staff.id,
        role,
        version: staff.version,
    });
    Ok(())
}

/// PINs are compared and made one after the other: each takes tens of milliseconds of a processor.
async fn turn(host: &Host) -> Result<tokio::sync::SemaphorePermit<'_>, StoreError> {
    let turn = host.recent.hashing.acquire().await;
    turn.map_err(|_| StoreError::Stopped)
}

/// Compares a PIN, spending a try first so that parallel guesses cannot outrun the limit.
async fn check_pin(host: &Host, staff: &Staff, pin: &str) -> Result<(), AccessError> {
    let _turn = turn(host).await?;
    let id = staff.id.clone();
    let left = host
        .writer
        .write("counting a PIN try", move |tx| {
            Box::pin(async move { store::staff::spend_try(tx, &id).await })
        })
        .await?;
    if !left {
        return Err(AccessError::Locked);
    }
    if !is_right(&staff.pin_hash, pin).await {
        return Err(AccessError::WrongPin);
    }
    host.recent.remember_pin(staff, pin);
    let id = staff.id.clone();
    host.writer
        .write("resetting PIN tries", move |tx| {
            Box::pin(async move { store::staff::reset_tries(tx, &id).await })
        })
        .await?;
    Ok(())
}

/// Whether a PIN that somebody else sets for this person has to be changed: where any store he works in says so, and
/// where there is none yet.
pub fn has_to_change(host: &Host, store: Option<&str>) -> bool {
    let Some(snapshot) = host.snapshots.current() else {
        return true;
    };
    let places = snapshot.places();
    let mut his = places
        .filter(|place| store.is_none_or(|store| place.store.id == store))
        .peekable();
    his.peek().is_none() || his.any(|place| place.settings.pin_change == PinChange::AtFirstUse)
}

/// Gives a person on duty a PIN of his own choice; one that was set anew since he showed his does not count.
///
/// # Errors
/// See [`PinError`].
pub async fn change_pin(host: &Host, caller: &Principal, pin: String) -> Result<(), PinError> {
    let shown = caller.staff.clone().ok_or(PinError::Nobody)?;
    let staff = store::staff::staff(&mut host.db.read().await?, &shown.id).await?;
    let staff = staff.ok_or(PinError::Meanwhile)?;
    let _turn = turn(host).await?;
    if is_right(&staff.pin_hash, &pin).await {
        return Err(PinError::Same);
    }
    let hashed = tokio::task::spawn_blocking(move || access::hash_pin(&pin)).await;
    let hash = hashed.map_err(|_| StoreError::Stopped)??;
    let (now, store) = (host.clock.now(), staff.store.clone());
    let changed = host.writer.write("changing a PIN", move |tx| {
        Box::pin(async move {
            let id = shown.id;
            let set = store::staff::set_pin(tx, (&id, shown.version), &hash, false).await?;
            if set {
                let told = serde_json::json!({ "by": id }).to_string();
                let kind = "staff.pin_changed";
                store::events::add(tx, kind, &id, store.as_deref(), now, &told).await?;
            }
            Ok(set)
        })
    });
    if changed.await? {
        Ok(())
    } else {
        Err(PinError::Meanwhile)
    }
}
