//! Staff on duty: a PIN shown with a request adds the permissions of a person to those of a key.

use crate::access::{AccessError, OnDuty, Principal, Role};
use crate::cards::is_right;
use crate::host::Host;
use crate::store::staff::Staff;
use crate::store::{self, StoreError};

/// Puts a staff member on duty for one request.
///
/// # Errors
/// [`AccessError::WrongPin`] for an unknown or departed person as for a wrong PIN,
/// [`AccessError::Locked`] after five wrong ones, [`AccessError::OtherStore`] away from their store.
pub async fn on_duty(
    host: &Host,
    principal: &mut Principal,
    id: &str,
    pin: &str,
) -> Result<(), AccessError> {
    let mut conn = host.db.read().await?;
    let staff = store::staff::staff(&mut conn, id).await?;
    drop(conn);
    let staff = staff
        .filter(|staff| staff.active)
        .ok_or(AccessError::WrongPin)?;
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
    let role = Role::parse(&staff.role).ok_or(AccessError::WrongPin)?;
    principal.staff = Some(OnDuty { id: staff.id, role });
    Ok(())
}

/// Compares a PIN, spending a try first so that parallel guesses cannot outrun the limit.
async fn check_pin(host: &Host, staff: &Staff, pin: &str) -> Result<(), AccessError> {
    let _turn = host
        .recent
        .hashing
        .acquire()
        .await
        .map_err(|_| StoreError::Stopped)?;
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
