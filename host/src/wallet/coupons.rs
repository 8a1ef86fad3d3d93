//! Coupons changed by hand: taken out of use, and given by one member to another.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Movement, any_place, other_than, own_place, reasonable, replayed};
use crate::access::Principal;
use crate::checkout::request::MemberReference;
use crate::checkout::situation::find_member;
use crate::checkout::{CheckoutError, Intent};
use crate::domain::ledger::{Receipt, Step};
use crate::host::Host;

/// Why a coupon is taken out of use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Revocation {
    /// For its history; at most 500 characters.
    pub reason: String,
}

/// Who gives a coupon to whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CouponTransfer {
    /// Its holder.
    pub from: MemberReference,
    pub to: MemberReference,
}

/// Voids a coupon that could still be used.
pub async fn revoke(
    host: &Arc<Host>,
    caller: &Principal,
    code: &str,
    request: Revocation,
    intent: Intent,
) -> Result<Receipt, CheckoutError> {
    reasonable(&request.reason)?;
    let told = serde_json::json!({ "code": code, "reason": request.reason });
    let step = Step::RevokeCoupon {
        code: code.to_owned(),
        reason: request.reason,
    };
    changed(host, caller, (code, step), ("coupon.voided", told), intent).await
}

/// Gives a coupon that may be given away to another member.
pub async fn transfer_coupon(
    host: &Arc<Host>,
    caller: &Principal,
    code: &str,
    request: CouponTransfer,
    intent: Intent,
) -> Result<Receipt, CheckoutError> {
    let from = {
        let mut conn = host.db.read().await?;
        find_member(host, &mut conn, &request.from).await?.member.id
    };
    let to = other_than(host, &from, &request.to, "/to").await?;
    let told = serde_json::json!({ "code": code, "from": from, "to": to });
    let code_of = code.to_owned();
    let step = Step::TransferCoupon {
        code: code_of,
        from,
        to,
    };
    let event = ("coupon.transferred", told);
    changed(host, caller, (code, step), event, intent).await
}

async fn changed(
    host: &Host,
    caller: &Principal,
    (code, step): (&str, Step),
    (event, told): (&str, serde_json::Value),
    intent: Intent,
) -> Result<Receipt, CheckoutError> {
    if let Some(receipt) = replayed(host, &intent).await? {
        return Ok(receipt);
    }
    let place = own_place(host, caller, None).or_else(|_| any_place(host))?;
    let mut movement = Movement::new(host, &place, "coupon", intent);
    movement.steps([step]);
    movement.event(event, code, caller, told);
    movement.submit(host).await
}
