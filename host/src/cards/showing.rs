//! A card shown at a till: by number, chip or stripe, with its PIN where it has one.

use argon2::Argon2;
use argon2::password_hash::{PasswordHash, PasswordVerifier};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::access::{Principal, hash_pin};
use crate::checkout::CheckoutError;
use crate::domain::time::Day;
use crate::host::Host;
use crate::store::cards::Card;
use crate::store::{self, StoreError};
use crate::vault::Vault;

/// Wrong PINs after which a card is locked.
const TRIES: i64 = 5;

/// Why a card cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    #[error("nobody has the card yet")]
    Blank,
    #[error("the card is blocked")]
    Blocked,
    #[error("the card was reported lost")]
    Lost,
    #[error("the card was replaced")]
    Replaced { by: Option<String> },
    #[error("the card's last day is over")]
    Expired,
    #[error("the card is closed")]
    Closed,
}

/// Refuses a card that cannot be used on a business day of its member's home store.
///
/// # Errors
/// [`Unusable`] says why.
pub fn usable(
    status: &str,
    expires_on: Option<i64>,
    replaced_by: Option<&str>,
    today: Day,
) -> Result<(), Unusable> {
    match status {
        "active" if expires_on.is_some_and(|last| last < i64::from(today.0)) => {
            Err(Unusable::Expired)
        }
        "active" => Ok(()),
        "blank" => Err(Unusable::Blank),
        "blocked" => Err(Unusable::Blocked),
        "lost" => Err(Unusable::Lost),
        "replaced" => Err(Unusable::Replaced {
            by: replaced_by.map(str::to_owned),
        }),
        _ => Err(Unusable::Closed),
    }
}

/// What a card is read by. Exactly one field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Shown {
    /// Its number, as printed, in its barcode or QR code.
    Card(String),
    /// UID of its chip: 4 to 10 bytes in hex; colons, dashes and spaces are dropped.
    Nfc(String),
    /// The text of its magnetic stripe: 1 to 107 printable characters.
    Track(String),
}

/// The keyed mark of a chip or a stripe; none for what no reader tells.
pub fn mark_hash(vault: &Vault, shown: &Shown) -> Option<(&'static str, String)> {
    let (kind, text) = match shown {
        Shown::Card(_) => return None,
        Shown::Nfc(text) => {
            let plain = text.chars().filter(|c| !matches!(c, ':' | '-' | ' '));
            let uid: String = plain.map(|c| c.to_ascii_uppercase()).collect();
            let good = (8..=20).contains(&uid.len())
                && uid.len().is_multiple_of(2)
                && uid.bytes().all(|byte| byte.is_ascii_hexdigit());
            ("nfc", good.then_some(uid)?)
        }
        Shown::Track(text) => {
            // Readers differ in whether they send the sentinels.
            let text = text.trim().trim_start_matches(['%', ';']);
            let text = text.trim_end_matches('?');
            let good = (1..=107).contains(&text.len())
                && text
                    .bytes()
                    .all(|byte| byte == b' ' || byte.is_ascii_graphic());
            ("track", good.then(|| text.to_owned())?)
        }
    };
    let hash = vault.derive(&format!("card-{kind}"), &text);
    Some((kind, hex::encode(hash)))
}

/// The card somebody shows, if it can be used, with its PIN checked where it has one.
///
/// # Errors
/// [`CheckoutError::CardUnknown`], [`CheckoutError::CardMistyped`], [`CheckoutError::CardUnusable`],
/// [`CheckoutError::CardPin`].
pub async fn identify(
    host: &Host,
    shown: &Shown,
    pin: Option<&str>,
) -> Result<Card, CheckoutError> {
    let mut conn = host.db.read().await?;
    let (found, name) = match shown {
        Shown::Card(number) => {
            let number = number.trim();
            (store::cards::card(&mut conn, number).await?, number)
        }
        shown => {
            let (kind, hash) =
                mark_hash(&host.vault, shown).ok_or(CheckoutError::CardMark("/shown"))?;
            (store::cards::marked(&mut conn, &hash).await?, kind)
        }
    };
    let card = found.ok_or_else(|| CheckoutError::no_card("/shown", name))?;
    let member = match &card.member_id {
        Some(member) => store::members::member(&mut conn, member).await?,
        None => None,
    };
    drop(conn);
    let home = member.map_or_else(String::new, |member| member.home_store);
    let today = super::day_of(host, &home, host.clock.now());
    usable(
        &card.status,
        card.expires_on,
        card.replaced_by.as_deref(),
        today,
    )?;
    match (&card.pin_hash, pin) {
        (None, _) => {}
        (Some(_), None) => return Err(CheckoutError::CardPin(Pin::Needed)),
        (Some(hash), Some(pin)) => check_pin(host, &card.number, hash, pin).await?,
    }
    Ok(card)
}

/// What is wrong with a card's PIN.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Pin {
    #[error("the card has a PIN; identify it with its PIN and name the member by id")]
    Needed,
    #[error("the card's PIN is wrong")]
    Wrong,
    #[error("the card is locked after five wrong PINs; set a new one")]
    Locked,
}

/// Compares a PIN, spending a try first so that parallel guesses cannot outrun the limit.
async fn check_pin(host: &Host, number: &str, hash: &str, pin: &str) -> Result<(), CheckoutError> {
    let turn = host.recent.hashing.acquire().await;
    let _turn = turn.map_err(|_| StoreError::Stopped)?;
    let card = number.to_owned();
    let tried = host
        .writer
        .write("counting a try of a card's PIN", move |tx| {
            Box::pin(async move { store::cards::spend_try(tx, &card, TRIES).await })
        });
    if !tried.await? {
        return Err(CheckoutError::CardPin(Pin::Locked));
    }
    if !is_right(hash, pin).await {
        return Err(CheckoutError::CardPin(Pin::Wrong));
    }
    let card = number.to_owned();
    let reset = host.writer.write("resetting a card's tries", move |tx| {
        Box::pin(async move { store::cards::reset_tries(tx, &card).await })
    });
    Ok(reset.await?)
}

/// Whether a PIN is the one that was hashed; compared off the request's thread.
pub(crate) async fn is_right(hash: &str, pin: &str) -> bool {
    let (hash, guess) = (hash.to_owned(), pin.to_owned());
    let compared = tokio::task::spawn_blocking(move || {
        PasswordHash::new(&hash).is_ok_and(|hash| {
            Argon2::default()
                .verify_password(guess.as_bytes(), &hash)
                .is_ok()
        })
    });
    compared.await.unwrap_or(false)
}

/// Gives a card a PIN, or a new one, which also unlocks it.
///
/// # Errors
/// [`CheckoutError::CardUnknown`].
pub async fn set_pin(
    host: &Host,
    caller: &Principal,
    number: &str,
    pin: String,
) -> Result<(), CheckoutError> {
    let hash = tokio::task::spawn_blocking(move || hash_pin(&pin)).await;
    let hash = hash.map_err(|error| CheckoutError::Internal(error.to_string()))??;
    let work = |card: String| {
        let noted = noted(host, caller, "card.pin_set");
        host.writer.write("setting a card's PIN", move |tx| {
            Box::pin(async move {
                let known = store::cards::set_pin(tx, &card, &hash).await?;
                if known {
                    noted.write(tx, &card).await?;
                }
                Ok(known)
            })
        })
    };
    match work(number.to_owned()).await? {
        true => Ok(()),
        false => Err(super::unknown(number)),
    }
}

/// Notes what a chip or a stripe tells of a card, in place of what it told before.
///
/// # Errors
/// [`CheckoutError::CardMark`] for what no reader tells, or what another card has.
pub async fn set_mark(
    host: &Host,
    caller: &Principal,
    number: &str,
    shown: &Shown,
) -> Result<(), CheckoutError> {
    let misread = || CheckoutError::CardMark("/shown");
    let (kind, hash) = mark_hash(&host.vault, shown).ok_or_else(misread)?;
    let (card, noted) = (number.to_owned(), noted(host, caller, "card.marked"));
    let written = host.writer.write("marking a card", move |tx| {
        Box::pin(async move {
            if store::cards::card(tx, &card).await?.is_none() {
                return Ok(Err(super::unknown(&card)));
            }
            let holder = store::cards::marked(tx, &hash).await?;
            if holder.is_some_and(|holder| holder.number != card) {
                return Ok(Err(CheckoutError::CardMark("/shown")));
            }
            store::cards::put_mark(tx, &card, kind, &hash).await?;
            noted.write(tx, &card).await?;
            Ok(Ok(()))
        })
    });
    written.await?
}

/// An event about a card, made before the writer is asked.
struct Noted {
    kind: &'static str,
    store: Option<String>,
    at: crate::domain::time::Instant,
    told: String,
}

fn noted(host: &Host, caller: &Principal, kind: &'static str) -> Noted {
    Noted {
        kind,
        store: caller.store.clone(),
        at: host.clock.now(),
        told: serde_json::json!({ "by": caller.who() }).to_string(),
    }
}

impl Noted {
    async fn write(&self, tx: &mut store::Tx, card: &str) -> Result<(), StoreError> {
        let store = self.store.as_deref();
        store::events::add(tx, self.kind, card, store, self.at, &self.told).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_is_good_through_its_last_day() {
        assert_eq!(usable("active", Some(10), None, Day(10)), Ok(()));
        assert_eq!(
            usable("active", Some(10), None, Day(11)),
            Err(Unusable::Expired)
        );
        assert_eq!(usable("blank", None, None, Day(0)), Err(Unusable::Blank));
    }

    #[test]
    fn a_chip_reads_the_same_however_its_uid_is_written() {
        let vault = Vault::with_key([1; 32]);
        let nfc = |text: &str| mark_hash(&vault, &Shown::Nfc(text.to_owned()));
        assert_eq!(nfc("04:a2:3b:11"), nfc("04A23B11"));
        assert!(nfc("04A23B1").is_none() && nfc("04A23G11").is_none() && nfc("04").is_none());
        let track = |text: &str| mark_hash(&vault, &Shown::Track(text.to_owned()));
        assert_eq!(track(";9123=2612?"), track("9123=2612"));
        assert!(track("").is_none() && track("é").is_none());
        assert_ne!(nfc("04A23B11"), track("04A23B11"));
    }
}
