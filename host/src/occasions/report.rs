//! Occasions a till, a survey or another program of the chain reports: feedback, and what staff ask for by hand.

use std::sync::Arc;

use super::{Occasion, Outcome, counter_of, happened};
use crate::access::{Permission, Principal};
use crate::checkout::request::MemberReference;
use crate::checkout::situation::find_member;
use crate::checkout::{CheckoutError, Intent, recall};
use crate::domain::basket::MAX_AMOUNT;
use crate::domain::claim::ClaimError;
use crate::domain::ledger::Refusal;
use crate::domain::order::OrderDocument;
use crate::domain::rules::Trigger;
use crate::host::Host;
use crate::store::orders::{self, OrderName};
use crate::store::{claims, occasions};

/// What is reported about a member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Feedback, or manual.
    pub trigger: Trigger,
    /// What tells it from every other report of its kind about this member, such as the number of a survey.
    pub reference: String,
    /// The store; a terminal's own when absent.
    pub store: Option<String>,
    /// Minor units.
    pub amount: i64,
    /// The order it is about.
    pub order: Option<String>,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reported {
    /// None where no rule gave anything.
    pub occasion: Option<String>,
    /// What was worked out where nothing was given because a rule gave no usable answer.
    pub failed: Option<Box<OrderDocument>>,
    /// True if it was reported before and nothing happened now.
    pub replayed: bool,
}

/// Gives a member what the rules answer to a report, once per reference.
///
/// # Errors
/// When member, store or order are not known, the amount is out of range, or the caller may not.
pub async fn report(
    host: &Arc<Host>,
    caller: &Principal,
    member: &str,
    request: Report,
    intent: Intent,
) -> Result<Reported, CheckoutError> {
    if request.trigger != Trigger::Feedback {
        caller.require(Permission::AdjustPoints)?;
    }
    if !(0..=MAX_AMOUNT).contains(&request.amount) {
        return Err(CheckoutError::Amount("/amount".to_owned()));
    }
    let store = request.store.as_ref().or(caller.store.as_ref());
    let store = store.ok_or(CheckoutError::StoreMissing)?.clone();
    caller.require_store(&store)?;
    let member = {
        let mut conn = host.db.read().await?;
        let reference = MemberReference::Id(member.to_owned());
        find_member(host, &mut conn, &reference).await?.member.id
    };
    if let Some(order) = &request.order {
        bought(host, order, &member).await?;
    }
    let name = format!("{}/{}", request.trigger.name(), request.reference);
    match recall(host, &intent).await {
        // Whoever came first under the same reference took the one there is.
        Err(CheckoutError::Ledger(Refusal::CounterLimit { name: limit, .. }))
            if limit == counter_of(&name) =>
        {
            return before(host, &member, &name).await;
        }
        Err(error) => return Err(error),
        Ok(Some(_)) => return before(host, &member, &name).await,
        Ok(None) => {}
    }
    let occasion = Occasion {
        amount: request.amount,
        order: request.order,
        intent: Some(intent),
        ..Occasion::event(request.trigger, &member, &store, name)
    };
    match happened(host, &occasion).await? {
        Outcome::Given(id) => Ok(Reported {
            occasion: Some(id),
            failed: None,
            replayed: false,
        }),
        Outcome::Nothing(failed) => Ok(Reported {
            occasion: None,
            failed,
            replayed: false,
        }),
        Outcome::Before => before(host, &member, &occasion.name).await,
    }
}

/// What it gave when it was reported before.
async fn before(host: &Host, member: &str, name: &str) -> Result<Reported, CheckoutError> {
    let mut conn = host.db.read().await?;
    let row = occasions::by_name(&mut conn, member, name).await?;
    Ok(Reported {
        occasion: row.map(|row| row.id),
        failed: None,
        replayed: true,
    })
}

/// Refuses an order that is not this member's, or of which nothing is left.
async fn bought(host: &Host, order: &str, member: &str) -> Result<(), CheckoutError> {
    let mut conn = host.db.read().await?;
    let row = orders::order_by(&mut conn, &OrderName::Id(order.to_owned())).await?;
    let claim = claims::of_order(&mut conn, order).await?;
    let claimed = claim.map(|claim| claim.member);
    let buyer = row.and_then(|row| row.member.or(claimed));
    if buyer.as_deref() != Some(member) {
        return Err(CheckoutError::OrderUnknown(order.to_owned()));
    }
    let left = orders::refundable_of(&mut conn, order).await?;
    if left.is_some_and(|left| left.is_back_whole()) {
        return Err(ClaimError::Refunded.into());
    }
    Ok(())
}
