//! A card handed over and paid for, and taken back: the money with it, and its tier where the member still has it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::{MOST, READINGS, may_go, read, settled};
use crate::access::{Permission, Principal};
use crate::approval::{self, Act};
use crate::checkout::request::{MemberReference, TenderRequest};
use crate::checkout::situation::find_member;
use crate::checkout::{CheckoutError, Intent, posting};
use crate::domain::ledger::{CardActivationRow, Record, Step};
use crate::domain::rules::TenderKind;
use crate::domain::time::Day;
use crate::host::Host;
use crate::shift;
use crate::snapshot::Place;
use crate::standing::{Raise, Standing};
use crate::store::cards::{Card, CardActivation};
use crate::store::members::Member;
use crate::store::{self, StoreError};
use crate::tier_floors::keeps;
use crate::wallet::{Movement, money_kind, own_place, reasonable, replayed};

/// A blank card handed to a member.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Activation {
    /// The store; a terminal's own when absent.
    #[serde(default)]
    pub store: Option<String>,
    pub member: MemberReference,
    /// How its price is paid: cash, card, mobile or other; only where its type has one.
    #[serde(default)]
    pub tender: Option<TenderRequest>,
}

/// Hands a blank card to a member: paid for where its type has a price, good through its last day, and with the tier of
/// its type.
///
/// # Errors
/// [`CheckoutError::CardState`] for a card that is not blank, and see the others; nothing happened then.
pub async fn activate(
    host: &Arc<Host>,
    caller: &Principal,
    number: &str,
    request: Activation,
    intent: Intent,
) -> Result<(Card, bool), CheckoutError> {
    if replayed(host, &intent).await?.is_some() {
        return Ok((read(host, number).await?.card, true));
    }
    let place = own_place(host, caller, request.store.as_deref())?;
    let member = {
        let mut conn = host.db.read().await?;
        let member = find_member(host, &mut conn, &request.member).await?.member;
        let cards = store::cards::of_member(&mut conn, &member.id).await?;
        if cards.len() >= MOST {
            return Err(CheckoutError::TooManyCards);
        }
        member
    };
    for _ in 0..READINGS {
        let before = read(host, number).await?;
        if before.card.status != "blank" {
            return Err(CheckoutError::CardState(before.card.status));
        }
        let kind = before.kind.as_ref();
        let (price, days) = kind.map_or((0, None), |kind| (kind.price, kind.valid_days));
        let mut movement = Movement::new(host, &place, "card-activation", intent.clone());
        let today = movement.day();
        let last = days
            .map(|days| i32::try_from(days - 1).map(|days| today.plus_days(days)))
            .transpose()
            .map_err(|_| tessera_money::Overflow)?;
        let card = Card {
            member_id: Some(member.id.clone()),
            status: "active".to_owned(),
            expires_on: last.map(|day| i64::from(day.0)),
            ..before.card.clone()
        };
        movement.card(&before, card);
        let tender = tender(price, request.tender.as_ref())?;
        if let Some(tender) = tender {
            movement.steps(money(&place, posting::kind_name(tender), price));
            movement.steps(shift::at_till(host, caller, &place.store.id));
        }
        let tier = kind.and_then(|kind| kind.tier.as_deref());
        let raise = raised(host, &member, tier, (today, last)).await?;
        if let Some(raise) = &raise {
            movement.tier(&member, &raise.given);
        }
        movement.record(Record::CardActivation(Box::new(CardActivationRow {
            number: number.to_owned(),
            member: member.id.clone(),
            store: place.store.id.clone(),
            currency: place.store.currency.clone(),
            price,
            tender: tender.map(|kind| posting::kind_name(kind).to_owned()),
            tier: raise.map(|raise| serde_json::to_string(&raise).unwrap_or_default()),
        })));
        let told = json!({
            "card": number, "type": before.card.card_type, "price": price, "currency": place.store.currency,
        });
        movement.event("card.activated", &member.id, caller, told);
        if let Some(receipt) = settled(movement.submit(host).await)? {
            return Ok((read(host, number).await?.card, receipt.replayed));
        }
    }
    Err(CheckoutError::OrderContended)
}

/// How a card's price is paid; none where it costs nothing.
fn tender(price: i64, tender: Option<&TenderRequest>) -> Result<Option<TenderKind>, CheckoutError> {
    match (price, tender) {
        (0, None) => Ok(None),
        (1.., Some(tender)) => Ok(Some(money_kind(tender)?)),
        _ => Err(CheckoutError::TenderForm("/tender".to_owned())),
    }
}

/// The drawer's side of a card's price and the chain's; below zero it goes back.
fn money(place: &Place, tender: &str, price: i64) -> [Step; 2] {
    let side = |name: String, amount: i64| Step::System {
        name,
        asset: place.store.currency.clone(),
        amount,
    };
    let store = &place.store.id;
    [
        side(format!("tender/{tender}/{store}"), -price),
        side(format!("fees/card/{store}"), price),
    ]
}

/// The tier a card gives; none where it gives none, or the member keeps another by hand.
async fn raised(
    host: &Host,
    member: &Member,
    tier: Option<&str>,
    (today, last): (Day, Option<Day>),
) -> Result<Option<Raise>, CheckoutError> {
    let Some(tier) = tier else { return Ok(None) };
    if keeps(host, member, tier).await? {
        return Ok(None);
    }
    Ok(Some(Raise {
        given: Standing {
            tier: Some(tier.to_owned()),
            since: Some(today.0.into()),
            valid_until: last.map(|day| day.0.into()),
            multiplier: (1, 1),
        },
        before: Standing::from(member),
    }))
}

/// A card to be taken back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ActivationReversal {
    /// Why, for the record; at most 500 characters.
    pub reason: String,
    /// The approval, where the caller may not do it alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<String>,
}

/// Takes a card back that was handed over: it is closed, what was paid for it goes back the way it came, and so does its
/// tier where the member still has it as it was given.
///
/// # Errors
/// [`CheckoutError::CardState`] for a card that was not handed over, or is closed or replaced, so the second time too.
pub async fn reverse(
    host: &Arc<Host>,
    caller: &Principal,
    number: &str,
    request: ActivationReversal,
    intent: Intent,
) -> Result<(Card, bool), CheckoutError> {
    if replayed(host, &intent).await?.is_some() {
        return Ok((read(host, number).await?.card, true));
    }
    reasonable(&request.reason)?;
    let CardActivation {
        member,
        store,
        price,
        tender,
        tier,
        ..
    } = activation(host, number).await?;
    let place = own_place(host, caller, Some(&store))?;
    let act = Act {
        permission: Permission::ReverseMovement,
        subject: number,
        amount: price,
    };
    let raise: Option<Raise> = tier
        .map(|tier| serde_json::from_str(&tier))
        .transpose()
        .map_err(StoreError::stored("reading the tier of a card"))?;
    for _ in 0..READINGS {
        let before = read(host, number).await?;
        let from = before.card.status.clone();
        if !may_go(&from, "closed") {
            return Err(CheckoutError::CardState(from));
        }
        let token = request.approval.as_deref();
        let approved = approval::allowed(host, caller, act, token)?;
        let mut movement = Movement::new(host, &place, "card-activation-undone", intent.clone());
        movement.approved(approved);
        let card = Card {
            status: "closed".to_owned(),
            ..before.card.clone()
        };
        movement.card(&before, card);
        if let Some(tender) = &tender {
            movement.steps(money(&place, tender, -price));
            movement.steps(shift::at_till(host, caller, &store));
        }
        if let Some(raise) = &raise {
            movement.lower(host, &member, raise).await?;
        }
        let told = json!({
            "card": number, "price": price, "currency": place.store.currency, "reason": request.reason,
        });
        movement.event("card.taken_back", &member, caller, told);
        if let Some(receipt) = settled(movement.submit(host).await)? {
            return Ok((read(host, number).await?.card, receipt.replayed));
        }
    }
    Err(CheckoutError::OrderContended)
}

/// How a card was handed over.
async fn activation(host: &Host, number: &str) -> Result<CardActivation, CheckoutError> {
    let found = {
        let mut conn = host.db.read().await?;
        store::cards::activation(&mut conn, number).await?
    };
    match found {
        Some(found) => Ok(found),
        None => Err(CheckoutError::CardState(
            read(host, number).await?.card.status,
        )),
    }
}
