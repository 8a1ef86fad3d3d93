//! The code a member's phone shows instead of a card (会员码): another one every minute, so that a picture of it is soon
//! worth nothing.
//!
//! It names the member and its own end under the chain's master key. Nothing is stored, and any host reads it.

use crate::checkout::CheckoutError;
use crate::domain::time::Instant;
use crate::host::Host;
use crate::vault::Vault;

/// Seconds a code is good for.
pub const LIFETIME: i64 = 60;
/// Seconds a till's clock may be behind the host's.
const SKEW: i64 = 300;
const MICROS: i64 = 1_000_000;
/// Bytes of the member, of the end in seconds, and of the proof.
const PARTS: (usize, usize, usize) = (16, 8, 12);

/// A code for a member, and when it ends.
///
/// # Errors
/// [`CheckoutError::MemberUnknown`] where there is no such member.
pub fn made(host: &Host, member: &str) -> Result<(String, Instant), CheckoutError> {
    let unknown = || CheckoutError::MemberUnknown {
        at: "/id",
        id: member.to_owned(),
    };
    let id = uuid::Uuid::parse_str(member).map_err(|_| unknown())?;
    let ends = (host.clock.now().0 / MICROS).saturating_add(LIFETIME);
    let mut bytes = id.as_bytes().to_vec();
    bytes.extend(ends.to_be_bytes());
    let proof = proof(&host.vault, &bytes);
    bytes.extend(proof);
    Ok((
        hex::encode_upper(bytes),
        Instant(ends.saturating_mul(MICROS)),
    ))
}

/// Whose code it is, if it was good at an instant.
///
/// # Errors
/// [`CheckoutError::MemberUnknown`] for what is no code of this chain, [`CheckoutError::MemberCodeExpired`].
pub fn read(vault: &Vault, code: &str, at: Instant) -> Result<String, CheckoutError> {
    let unknown = || CheckoutError::MemberUnknown {
        at: "/member/code",
        id: "code".to_owned(),
    };
    let bytes = hex::decode(code.trim()).map_err(|_| unknown())?;
    let (told, shown) = bytes
        .split_at_checked(PARTS.0 + PARTS.1)
        .ok_or_else(unknown)?;
    if !crate::access::same(&proof(vault, told), shown) {
        return Err(unknown());
    }
    let (id, ends) = told.split_at(PARTS.0);
    let id = uuid::Uuid::from_slice(id).map_err(|_| unknown())?;
    let ends = i64::from_be_bytes(ends.try_into().map_err(|_| unknown())?);
    // A till that was offline has a clock of its own; nobody showed the code long before it was made.
    let made = ends.saturating_sub(LIFETIME + SKEW);
    if !(made.saturating_mul(MICROS)..=ends.saturating_mul(MICROS)).contains(&at.0) {
        return Err(CheckoutError::MemberCodeExpired);
    }
    Ok(id.to_string())
}

fn proof(vault: &Vault, told: &[u8]) -> Vec<u8> {
    let whole = vault.derive("member-code", &hex::encode(told));
    whole.into_iter().take(PARTS.2).collect()
}
