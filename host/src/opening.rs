//! What a member brings from the system used before: stored value, points and a tier, as an entry of its own, once.

use std::sync::Arc;

use serde_json::json;

use crate::access::{Permission, Principal};
use crate::checkout::CheckoutError;
use crate::domain::ledger::{
    AccountKey, AccountName, DEFAULT_PROGRAM, MemberTierRow, NewLot, Record, Refusal, Step,
    points_asset,
};
use crate::domain::time::Day;
use crate::host::Host;
use crate::wallet::{Movement, in_range, own_place};

/// Counts the openings of a member.
const OPENING: &str = "opening";

/// What a member begins with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Opening {
    /// At the program's scale.
    pub points: i64,
    /// Last day they can be spent; none for ever.
    pub points_expire_on: Option<Day>,
    /// Minor units of the home store's currency that the member paid in.
    pub principal: i64,
    /// Minor units the chain gave on top.
    pub bonus: i64,
    /// Last day it can be spent; none for ever.
    pub bonus_expires_on: Option<Day>,
    pub tier: Option<String>,
    /// Last day it is kept without another review; none for ever.
    pub tier_valid_until: Option<Day>,
}

impl Opening {
    /// Refuses what nobody can begin with, and whoever may not give it.
    ///
    /// # Errors
    /// [`CheckoutError::Amount`] with its place, or [`CheckoutError::Access`].
    pub fn check(&self, caller: &Principal) -> Result<(), CheckoutError> {
        caller.require(Permission::AdjustPoints)?;
        in_range(self.points, 0, "/opening/points")?;
        in_range(self.principal, 0, "/opening/principal")?;
        in_range(self.bonus, 0, "/opening/bonus")
    }
}

/// Gives a new member what he begins with. Asked again for the same member, nothing happens.
///
/// # Errors
/// When the store is not the caller's, or the ledger refuses.
pub async fn open(
    host: &Arc<Host>,
    caller: &Principal,
    (member, home): (&str, &str),
    opening: Opening,
) -> Result<(), CheckoutError> {
    let place = own_place(host, caller, Some(home))?;
    let currency = &place.store.currency;
    let points = points_asset(DEFAULT_PROGRAM);
    let mut movement = Movement::unkeyed(host, &place, OPENING);
    movement.steps([Step::Counter {
        owner: member.to_owned(),
        name: OPENING.to_owned(),
        change: 1,
        limit: Some(1),
        floor: None,
        enforce: true,
    }]);
    let (id, today) = (movement.id().to_owned(), movement.day());
    let lot = |last: Option<Day>| {
        Some(NewLot {
            id: uuid::Uuid::now_v7().to_string(),
            expires_on: last,
            available_on: None,
            source: id.clone(),
            first_day: None,
        })
    };
    for (name, asset, amount, lot, from) in [
        (
            AccountName::Points,
            &points,
            opening.points,
            lot(opening.points_expire_on),
            "points-issued".to_owned(),
        ),
        (
            AccountName::Principal,
            currency,
            opening.principal,
            None,
            format!("{OPENING}/{home}"),
        ),
        (
            AccountName::Bonus,
            currency,
            opening.bonus,
            lot(opening.bonus_expires_on),
            "bonus-issued".to_owned(),
        ),
    ] {
        movement.steps([
            Step::Credit {
                account: AccountKey::new(member, name, asset.as_str()),
                amount,
                lot,
            },
            Step::System {
                name: from,
                asset: asset.clone(),
                amount: -amount,
            },
        ]);
    }
    let told = json!({
        "member": member, "points": opening.points, "principal": opening.principal, "bonus": opening.bonus,
        "currency": currency, "tier": opening.tier,
    });
    if let Some(tier) = opening.tier {
        movement.record(Record::MemberTier(MemberTierRow {
            member: member.to_owned(),
            tier: Some(tier),
            since: Some(today),
            valid_until: opening.tier_valid_until,
            multiplier: (1, 1),
            floor: None,
        }));
    }
    movement.event("member.opened", member, caller, told);
    match movement.submit(host).await {
        // A retry of the enrolment: it was given before.
        Err(CheckoutError::Ledger(Refusal::CounterLimit { name, .. })) if name == OPENING => Ok(()),
        end => end.map(|_| ()),
    }
}
