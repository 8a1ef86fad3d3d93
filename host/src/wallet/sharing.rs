//! Shared wallets (亲情账户): a member lets others spend his stored value, so much a day and so much a month.

use serde::Deserialize;
use utoipa::ToSchema;

use crate::access::Principal;
use crate::checkout::CheckoutError;
use crate::clock::day_of;
use crate::domain::basket::MAX_AMOUNT;
use crate::host::Host;
use crate::store;
use crate::store::wallet_shares::WalletShare;

/// Members who may spend one member's.
const MOST: i64 = 20;

/// How much another may spend.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ShareRequest {
    /// Minor units on one business day, 1 to 1000000000000; no limit when absent.
    #[serde(default)]
    pub most_per_day: Option<i64>,
    /// Minor units in one calendar month; no limit when absent.
    #[serde(default)]
    pub most_per_month: Option<i64>,
    /// Last business day he may; without end when absent.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = Date)]
    pub until: Option<chrono::NaiveDate>,
}

/// Lets `member` spend the stored value of `owner`, or changes how much. Both are members that are known.
///
/// # Errors
/// [`CheckoutError::ToHimself`], a limit out of range, or [`CheckoutError::TooManyShares`].
pub async fn share(
    host: &Host,
    caller: &Principal,
    (owner, member): (&str, &str),
    request: ShareRequest,
) -> Result<WalletShare, CheckoutError> {
    if owner == member {
        return Err(CheckoutError::ToHimself("/member"));
    }
    for (limit, at) in [
        (request.most_per_day, "/most_per_day"),
        (request.most_per_month, "/most_per_month"),
    ] {
        if limit.is_some_and(|limit| !(1..=MAX_AMOUNT).contains(&limit)) {
            return Err(CheckoutError::Amount(at.to_owned()));
        }
    }
    let share = WalletShare {
        owner: owner.to_owned(),
        member: member.to_owned(),
        most_per_day: request.most_per_day,
        most_per_month: request.most_per_month,
        until: request.until.map(|day| i64::from(day_of(day).0)),
    };
    let told = serde_json::json!({
        "by": caller.who(), "member": member, "most_per_day": share.most_per_day,
        "most_per_month": share.most_per_month, "until": request.until,
    });
    let (at, store, told) = (host.clock.now(), caller.store.clone(), told.to_string());
    let written = share.clone();
    let done = host.writer.write("sharing a wallet", move |tx| {
        Box::pin(async move {
            let (owner, store) = (written.owner.clone(), store.as_deref());
            let (given, _) = store::wallet_shares::of_member(tx, &owner, MOST).await?;
            let is_new = given.iter().all(|known| known.member != written.member);
            if is_new && given.len() as i64 >= MOST {
                return Ok(false);
            }
            store::wallet_shares::put(tx, written).await?;
            store::events::add(tx, "wallet.shared", &owner, store, at, &told).await?;
            Ok(true)
        })
    });
    match done.await? {
        true => Ok(share),
        false => Err(CheckoutError::TooManyShares),
    }
}

/// Lets a member spend another's no more.
///
/// # Errors
/// [`CheckoutError::NoWalletShare`] where he may not anyway.
pub async fn end(
    host: &Host,
    caller: &Principal,
    (owner, member): (&str, &str),
) -> Result<(), CheckoutError> {
    let told = serde_json::json!({ "by": caller.who(), "member": member }).to_string();
    let (at, store) = (host.clock.now(), caller.store.clone());
    let (owner, member) = (owner.to_owned(), member.to_owned());
    let done = host.writer.write("ending a shared wallet", move |tx| {
        Box::pin(async move {
            let ended = store::wallet_shares::end(tx, &owner, &member).await?;
            if ended {
                let store = store.as_deref();
                store::events::add(tx, "wallet.share_ended", &owner, store, at, &told).await?;
            }
            Ok(ended)
        })
    });
    match done.await? {
        true => Ok(()),
        false => Err(CheckoutError::NoWalletShare("/member".to_owned())),
    }
}
