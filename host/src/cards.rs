//! Cards from blank to closed: made in batches, handed over, blocked, lost, replaced; and who shows one.
//!
//! A card's state moves by a command of the ledger that names the state it was read in, so that of many at once one
//! moves it.

use std::sync::Arc;

use serde_json::json;

use crate::access::Principal;
use crate::checkout::situation::to_day;
use crate::checkout::{CheckoutError, Intent};
use crate::domain::ledger::{CardRow, Receipt, Record, Refusal, Step};
use crate::domain::time::Day;
use crate::enrolment::card_number;
use crate::host::Host;
use crate::once::{Effect, OnceError, once};
use crate::store;
use crate::store::cards::{Card, CardType};
use crate::wallet::{Movement, any_place, own_place, replayed};

mod activation;
pub mod code;
mod showing;

pub use activation::{Activation, ActivationReversal, activate, reverse};

pub(crate) use showing::is_right;
pub use showing::{Pin, Shown, Unusable, identify, mark_hash, set_mark, set_pin, usable};

/// Readings of a card before a change gives way to others.
const READINGS: usize = 8;
/// Cards of one member.
pub const MOST: usize = 20;
/// Cards of one batch.
pub const MOST_BLANKS: u32 = 1_000;
/// Counts the changes of a card.
const CHANGES: &str = "changes";

/// Blank cards to make.
#[derive(Debug, Clone)]
pub struct Blanks {
    pub card_type: String,
    /// `physical` or `virtual`.
    pub kind: String,
    /// 1 to [`MOST_BLANKS`].
    pub count: u32,
}

/// Makes a batch of blank cards once per key; answers its id.
///
/// # Errors
/// [`CheckoutError::CardTypeUnknown`], or when the key was used for something else; no card was made then.
pub async fn make_blanks(
    host: &Host,
    caller: &Principal,
    blanks: Blanks,
    intent: Intent,
) -> Result<Effect, CheckoutError> {
    let numbers: Result<Vec<String>, _> = (0..blanks.count).map(|_| card_number()).collect();
    let numbers = numbers?;
    let like = Card {
        number: String::new(),
        member_id: None,
        kind: blanks.kind,
        status: "blank".to_owned(),
        issued_at: host.clock.now().0,
        card_type: Some(blanks.card_type.clone()),
        batch: Some(uuid::Uuid::now_v7().to_string()),
        expires_on: None,
        replaced_by: None,
        pin_hash: None,
        failed_tries: 0,
    };
    let told = json!({ "type": blanks.card_type, "count": blanks.count, "by": caller.who() });
    let (store, at) = (caller.store.clone(), host.clock.now());
    let operation = intent.into();
    let made = once(
        host,
        "making blank cards",
        "card-batch",
        operation,
        move |tx| {
            Box::pin(async move {
                let kind = store::cards::card_type(tx, &blanks.card_type).await?;
                if kind.is_none_or(|kind| !kind.active) {
                    return Ok(Err(CheckoutError::CardTypeUnknown(blanks.card_type)));
                }
                let batch = like.batch.clone().unwrap_or_default();
                store::cards::create_blanks(tx, &like, &numbers).await?;
                let told = told.to_string();
                store::events::add(tx, "cards.made", &batch, store.as_deref(), at, &told).await?;
                Ok(Ok(batch))
            })
        },
    );
    Ok(made.await?)
}

/// One card as it was read, and how often it had been changed before.
struct Reading {
    card: Card,
    kind: Option<CardType>,
    changes: i64,
}

async fn read(host: &Host, number: &str) -> Result<Reading, CheckoutError> {
    let mut conn = host.db.read().await?;
    // The count first: whatever changes after it is refused and read again.
    let key = (owner(number), CHANGES.to_owned());
    let counted = store::counters::values(&mut conn, &[key]).await?;
    let found = store::cards::card(&mut conn, number).await?;
    let card = found.ok_or_else(|| unknown(number))?;
    let kind = match &card.card_type {
        Some(id) => store::cards::card_type(&mut conn, id).await?,
        None => None,
    };
    Ok(Reading {
        card,
        kind,
        changes: counted.first().copied().unwrap_or(0),
    })
}

fn unknown(number: &str) -> CheckoutError {
    CheckoutError::CardUnknown {
        at: None,
        id: number.to_owned(),
    }
}

fn owner(number: &str) -> String {
    format!("card/{number}")
}

/// Whether the answer stands, or the card was changed by somebody else meanwhile.
fn settled(end: Result<Receipt, CheckoutError>) -> Result<Option<Receipt>, CheckoutError> {
    match end {
        Err(CheckoutError::Ledger(Refusal::TurnTaken { .. })) => Ok(None),
        end => end.map(Some),
    }
}

impl Movement {
    /// Makes a card what it is to be, from the state it was read in.
    fn card(&mut self, before: &Reading, after: Card) {
        self.steps([Step::TakeTurn {
            owner: owner(&after.number),
            name: CHANGES.to_owned(),
            number: before.changes,
        }]);
        self.record(Record::Card(Box::new(CardRow {
            number: after.number,
            member: after.member_id,
            kind: after.kind,
            status: after.status,
            issued_at: after.issued_at,
            card_type: after.card_type,
            batch: after.batch,
            expires_on: after.expires_on.map(to_day),
            replaced_by: after.replaced_by,
            pin_hash: after.pin_hash,
        })));
    }
}

impl Movement {
    /// Makes a card another member's, if it is still the first one's.
    pub(crate) async fn card_to(
        &mut self,
        host: &Host,
        number: &str,
        from: &str,
        to: &str,
    ) -> Result<(), CheckoutError> {
        let before = read(host, number).await?;
        if before.card.member_id.as_deref() == Some(from) {
            let card = Card {
                member_id: Some(to.to_owned()),
                ..before.card.clone()
            };
            self.card(&before, card);
        }
        Ok(())
    }
}

/// Whether a card may go from one state to another by hand.
fn may_go(from: &str, to: &str) -> bool {
    matches!(
        (from, to),
        ("active", "blocked" | "lost" | "closed")
            | ("blocked", "active" | "lost" | "closed")
            | ("lost", "active" | "closed")
    )
}

/// Blocks a card, reports it lost, makes it good again or closes it for ever. In that state already, nothing happens.
///
/// # Errors
/// [`CheckoutError::CardState`] where it may not go there.
pub async fn set_status(
    host: &Arc<Host>,
    caller: &Principal,
    number: &str,
    status: &str,
) -> Result<Card, CheckoutError> {
    let place = own_place(host, caller, None).or_else(|_| any_place(host))?;
    for _ in 0..READINGS {
        let before = read(host, number).await?;
        let from = &before.card.status;
        if from == status {
            return Ok(before.card);
        }
        if !may_go(from, status) {
            return Err(CheckoutError::CardState(from.clone()));
        }
        let card = Card {
            status: status.to_owned(),
            ..before.card.clone()
        };
        let mut movement = Movement::unkeyed(host, &place, "card-change");
        let told = json!({ "card": number, "from": from, "to": status });
        let subject = card.member_id.clone();
        movement.event(
            "card.changed",
            subject.as_deref().unwrap_or(number),
            caller,
            told,
        );
        movement.card(&before, card.clone());
        if settled(movement.submit(host).await)?.is_some() {
            return Ok(card);
        }
    }
    Err(CheckoutError::OrderContended)
}

/// Gives a member another card for one of his: type, last day and PIN go over, the old number answers with the new
/// one. The new card is the blank one of that number, or a virtual one that is made.
///
/// # Errors
/// [`CheckoutError::CardState`] for a card that cannot be replaced, or a new one that is not blank.
pub async fn replace(
    host: &Arc<Host>,
    caller: &Principal,
    number: &str,
    with: Option<String>,
    intent: Intent,
) -> Result<(Card, bool), CheckoutError> {
    if replayed(host, &intent).await?.is_some() {
        let by = read(host, number).await?.card.replaced_by;
        let by = by.ok_or_else(|| unknown(number))?;
        return Ok((read(host, &by).await?.card, true));
    }
    let place = own_place(host, caller, None).or_else(|_| any_place(host))?;
    let made = card_number()?;
    for _ in 0..READINGS {
        let before = read(host, number).await?;
        if !matches!(before.card.status.as_str(), "active" | "blocked" | "lost") {
            return Err(CheckoutError::CardState(before.card.status));
        }
        let blank = match &with {
            Some(number) => read(host, number).await?,
            None => fresh(host, &made, &before).await?,
        };
        if blank.card.status != "blank" {
            return Err(CheckoutError::CardState(blank.card.status));
        }
        let new = Card {
            member_id: before.card.member_id.clone(),
            status: "active".to_owned(),
            card_type: before.card.card_type.clone(),
            expires_on: before.card.expires_on,
            pin_hash: before.card.pin_hash.clone(),
            ..blank.card.clone()
        };
        let old = Card {
            status: "replaced".to_owned(),
            replaced_by: Some(new.number.clone()),
            ..before.card.clone()
        };
        let mut movement = Movement::new(host, &place, "card-replacement", intent.clone());
        let member = new.member_id.clone().unwrap_or_default();
        let told = json!({ "card": number, "by_card": new.number });
        movement.event("card.replaced", &member, caller, told);
        movement.card(&before, old);
        movement.card(&blank, new.clone());
        if let Some(receipt) = settled(movement.submit(host).await)? {
            return Ok((new, receipt.replayed));
        }
    }
    Err(CheckoutError::OrderContended)
}

/// A virtual card that is not there yet.
async fn fresh(host: &Host, number: &str, like: &Reading) -> Result<Reading, CheckoutError> {
    let taken = store::cards::card(&mut host.db.read().await?, number).await?;
    if taken.is_some() {
        return Err(CheckoutError::OrderContended);
    }
    let card = Card {
        number: number.to_owned(),
        kind: "virtual".to_owned(),
        status: "blank".to_owned(),
        issued_at: host.clock.now().0,
        batch: None,
        replaced_by: None,
        failed_tries: 0,
        ..like.card.clone()
    };
    Ok(Reading {
        card,
        kind: None,
        changes: 0,
    })
}

/// The business day of a member's home store, by which his cards expire.
pub fn day_of(host: &Host, home_store: &str, at: crate::domain::time::Instant) -> Day {
    let place = host
        .snapshots
        .current()
        .and_then(|snapshot| snapshot.place(home_store));
    let zone = place.map_or(chrono_tz::UTC, |place| place.zone);
    crate::clock::business_day(at, zone)
}

impl From<OnceError<CheckoutError>> for CheckoutError {
    fn from(error: OnceError<CheckoutError>) -> Self {
        match error {
            OnceError::Reused => Self::Ledger(Refusal::KeyReused { key: String::new() }),
            OnceError::Before(refusal) => Self::Ledger(*refusal),
            OnceError::Refused(refusal) => refusal,
            OnceError::Store(error) => Self::Store(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_closed_or_replaced_stays_so() {
        let states = ["blank", "active", "blocked", "lost", "replaced", "closed"];
        for to in states {
            assert!(!may_go("closed", to) && !may_go("replaced", to));
            assert!(!may_go(to, "blank") && !may_go(to, "replaced"));
        }
        assert!(may_go("lost", "active") && may_go("active", "blocked"));
    }
}
