//! Stored value paid out again: the member's own money, never the gift on top of it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Movement, held, in_range, known_in, money_kind, own_place, replayed};
use crate::access::{Permission, Principal};
use crate::approval::{self, Act};
use crate::checkout::request::TenderRequest;
use crate::checkout::{CheckoutError, Intent, posting};
use crate::domain::ledger::{AccountKey, AccountName, OnShort, Receipt, Step};
use crate::domain::wallet::fee;
use crate::host::Host;
use crate::shift;

/// Money paid out of a member's stored value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Withdrawal {
    /// The store; a terminal's own when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store: Option<String>,
    /// Minor units that leave his principal; the chain's fee is part of it.
    pub amount: i64,
    /// How he gets it: cash, card, mobile or other.
    pub tender: TenderRequest,
    /// The approval, where the amount needs one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<String>,
}

/// Pays principal out; the chain's terms say what it costs and what becomes of the bonus.
pub async fn withdraw(
    host: &Arc<Host>,
    caller: &Principal,
    member: &str,
    request: Withdrawal,
    intent: Intent,
) -> Result<Receipt, CheckoutError> {
    if let Some(receipt) = replayed(host, &intent).await? {
        return Ok(receipt);
    }
    let kind = money_kind(&request.tender)?;
    let place = own_place(host, caller, request.store.as_deref())?;
    let member = known_in(host, &place, member).await?;
    let terms = &place.settings.withdrawal;
    in_range(request.amount, terms.least, "/amount")?;
    let act = Act {
        permission: Permission::PayOutAboveLimit,
        subject: &member,
        amount: request.amount,
    };
    let (limit, token) = (terms.approval_above, request.approval.as_deref());
    let approved = approval::allowed_above(limit, host, caller, act, token)?;
    let (store, currency) = (&place.store.id, &place.store.currency);
    let day = place.day(host.clock.now());
    let principal = AccountKey::new(&member, AccountName::Principal, currency);
    let bonus = principal.sibling(AccountName::Bonus);
    let pending = principal.sibling(AccountName::BonusPending);
    let (on_principal, on_bonus, on_pending) = (
        held(host, &principal, day).await?,
        held(host, &bonus, day).await?,
        held(host, &pending, day).await?,
    );
    let fee = fee(request.amount, terms.fee)?;
    let gift = on_bonus.saturating_add(on_pending);
    let forfeited = terms.forfeited(request.amount, on_principal, gift)?;
    let mut movement = Movement::new(host, &place, "withdrawal", intent);
    movement.approved(approved);
    movement.steps([
        Step::Debit {
            account: principal,
            amount: request.amount,
            on_short: OnShort::Refuse,
        },
        Step::System {
            name: format!("tender/{}/{store}", posting::kind_name(kind)),
            asset: currency.clone(),
            amount: request.amount.saturating_sub(fee),
        },
        Step::System {
            name: format!("fees/withdrawal/{store}"),
            asset: currency.clone(),
            amount: fee,
        },
    ]);
    // What he could not have spent yet goes first.
    let unreleased = forfeited.min(on_pending);
    for (account, amount) in [(pending, unreleased), (bonus, forfeited - unreleased)] {
        let issued = Step::System {
            name: account.name.issued().to_owned(),
            asset: currency.clone(),
            amount,
        };
        let debit = Step::Debit {
            account,
            amount,
            on_short: OnShort::Refuse,
        };
        movement.steps([debit, issued]);
    }
    let told = serde_json::json!({
        "amount": request.amount, "fee": fee, "forfeited_bonus": forfeited, "currency": currency,
    });
    movement.steps(shift::at_till(host, caller, store));
    movement.event("member.withdrew", &member, caller, told);
    movement.submit(host).await
}
