//! Giving a terminal its key: a code a manager sees for ten minutes, used once at the till.

use sha2::{Digest, Sha256};

use crate::access::{self, FreshKey, Role};
use crate::domain::time::Instant;
use crate::enrolment;
use crate::host::Host;
use crate::store::{self, StoreError};
use crate::vault::VaultError;

/// Seconds a code can be used.
pub const CODE_SECONDS: i64 = 600;
const CODE_LENGTH: usize = 10;

/// A code on its way to the till; only its hash is kept.
pub struct PairingCode {
    pub code: String,
    pub terminal: String,
    pub expires_at: Instant,
}

/// Why a terminal did not get its key.
#[derive(Debug, thiserror::Error)]
pub enum PairingError {
    #[error("the terminal `{0}` is not known or was revoked; create it first")]
    TerminalUnknown(String),
    #[error("the pairing code is unknown, used or expired; make a new one")]
    CodeRefused,
    #[error("too many wrong pairing codes were tried; wait a minute")]
    TooManyTries,
    #[error(transparent)]
    Vault(#[from] VaultError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Makes a code for a terminal; `by` is who will be named for it.
///
/// # Errors
/// See [`PairingError`].
pub async fn make_code(host: &Host, terminal: &str, by: &str) -> Result<PairingCode, PairingError> {
    let code = enrolment::code::<CODE_LENGTH>()?;
    let expires_at = host.clock.now().plus_seconds(CODE_SECONDS);
    let (hash, id, by) = (hashed(&code), terminal.to_owned(), by.to_owned());
    let known = host
        .writer
        .write("making a pairing code", move |tx| {
            Box::pin(async move {
                let terminal = store::stores::terminal(tx, &id).await?;
                if terminal.is_none_or(|terminal| terminal.revoked_at.is_some()) {
                    return Ok(false);
                }
                store::keys::create_pairing_code(tx, &hash, &id, &by, expires_at.0).await?;
                Ok(true)
            })
        })
        .await?;
    if !known {
        return Err(PairingError::TerminalUnknown(terminal.to_owned()));
    }
    Ok(PairingCode {
        code,
        terminal: terminal.to_owned(),
        expires_at,
    })
}

/// Exchanges a code for the terminal's key; the key it had before is revoked.
///
/// # Errors
/// See [`PairingError`].
pub async fn pair(host: &Host, code: &str) -> Result<FreshKey, PairingError> {
    if !host.recent.may_try_a_code() {
        return Err(PairingError::TooManyTries);
    }
    let hash = hashed(&code.trim().to_ascii_uppercase());
    let now = host.clock.now().0;
    let fresh = host
        .writer
        .write("pairing a terminal", move |tx| {
            Box::pin(async move {
                let Some(id) = store::keys::use_pairing_code(tx, &hash, now).await? else {
                    return Ok(None);
                };
                let Some(terminal) = store::stores::terminal(tx, &id).await? else {
                    return Ok(None);
                };
                store::keys::revoke_keys_of_terminal(tx, &id, now).await?;
                let store = Some(terminal.store);
                let fresh = access::make_key(&terminal.name, Role::Cashier, store, Some(id), now)
                    .map_err(|error| StoreError::Refused(error.to_string()))?;
                store::keys::create_key(tx, &fresh.row).await?;
                Ok(Some(fresh))
            })
        })
        .await?;
    host.recent.forget_keys();
    match fresh {
        Some(fresh) => Ok(fresh),
        None => {
            host.recent.count_wrong_code();
            Err(PairingError::CodeRefused)
        }
    }
}

fn hashed(code: &str) -> String {
    hex::encode(Sha256::digest(code.as_bytes()))
}
