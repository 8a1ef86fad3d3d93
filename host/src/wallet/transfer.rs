//! Stored value or points given by one member to another.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Movement, bounds, in_range, known, other_than, own_place, replayed};
use crate::access::{Permission, Principal};
use crate::approval::{self, Act};
use crate::checkout::request::MemberReference;
use crate::checkout::{CheckoutError, Intent};
use crate::domain::ledger::{
    AccountKey, AccountName, DEFAULT_PROGRAM, OnShort, Receipt, Step, points_asset,
};
use crate::domain::time::Day;
use crate::domain::wallet::fee;
use crate::host::Host;

/// What is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Gift {
    /// The giver's principal; the gift of the chain on top stays with him.
    StoredValue,
    /// Points with their own last days, those that expire first before the others.
    Points,
}

/// Something a member gives to another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Transfer {
    /// The store; a terminal's own when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store: Option<String>,
    /// Who gets it.
    pub to: MemberReference,
    pub what: Gift,
    /// Minor units, or points at the program's scale. The chain's fee comes on top.
    pub amount: i64,
    /// The approval, where the amount needs one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<String>,
}

/// The counter of what a member gave away on a day.
pub(super) fn given_on(day: Day, asset: &str) -> String {
    format!("transferred/{asset}/{}", day.0)
}

/// Moves it, with the last days points have.
pub async fn transfer(
    host: &Arc<Host>,
    caller: &Principal,
    member: &str,
    request: Transfer,
    intent: Intent,
) -> Result<Receipt, CheckoutError> {
    if let Some(receipt) = replayed(host, &intent).await? {
        return Ok(receipt);
    }
    let member = known(host, member).await?;
    let to = other_than(host, &member, &request.to, "/to").await?;
    let place = own_place(host, caller, request.store.as_deref())?;
    let (terms, name, asset, fees) = match request.what {
        Gift::StoredValue => (
            &place.settings.stored_value_transfer,
            AccountName::Principal,
            place.store.currency.clone(),
            format!("fees/transfer/{}", place.store.id),
        ),
        Gift::Points => (
            &place.settings.points_transfer,
            AccountName::Points,
            points_asset(DEFAULT_PROGRAM),
            "points-issued".to_owned(),
        ),
    };
    let terms = terms.as_ref().ok_or(CheckoutError::NotOffered("/what"))?;
    in_range(request.amount, terms.least, "/amount")?;
    let act = Act {
        permission: Permission::TransferAboveLimit,
        subject: &member,
        amount: request.amount,
    };
    let (limit, token) = (terms.approval_above, request.approval.as_deref());
    let approved = approval::allowed_above(limit, host, caller, act, token)?;
    let fee = fee(request.amount, terms.fee)?;
    let day = place.day(host.clock.now());
    let from = AccountKey::new(&member, name, &asset);
    let received = match request.what {
        Gift::StoredValue => bounds::received(host, &place, &to).await?.0,
        Gift::Points => Vec::new(),
    };
    let mut movement = Movement::new(host, &place, "transfer", intent);
    movement.approved(approved);
    movement.steps([
        Step::Counter {
            owner: member.clone(),
            name: given_on(day, &asset),
            change: request.amount,
            limit: terms.most_per_day,
            floor: None,
            enforce: true,
        },
        Step::Transfer {
            from: from.clone(),
            to: to.clone(),
            amount: request.amount,
            lot: uuid::Uuid::now_v7().to_string(),
        },
        Step::Debit {
            account: from,
            amount: fee,
            on_short: OnShort::Refuse,
        },
        Step::System {
            name: fees,
            asset: asset.clone(),
            amount: fee,
        },
    ]);
    movement.steps(received);
    let told = |other: &str, party: &str| {
        let mut told = serde_json::json!({ "amount": request.amount, "fee": fee, "asset": asset });
        told[party] = other.into();
        told
    };
    movement.event("member.gave", &member, caller, told(&to, "to"));
    movement.event("member.was_given", &to, caller, told(&member, "from"));
    movement.submit(host).await
}
