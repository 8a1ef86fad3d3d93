//! Another's stored value at the till: whose it is, and what counts against his limits.

use crate::domain::ledger::{CounterKey, Reserve, Step};
use crate::domain::order::{OrderDocument, SharedWallet};
use crate::domain::rules::TenderKind;
use crate::domain::time::{Day, Instant};
use crate::host::Host;
use crate::store::Conn;
use crate::store::members::KnownMember;
use crate::store::{counters, wallet_shares};

use super::error::CheckoutError;
use super::request::QuoteRequest;
use super::situation::find_member_at;

/// The wallet a sale names instead of the buyer's own, if he may spend it on that day.
///
/// # Errors
/// [`CheckoutError::NoWalletShare`], or what refuses a member.
pub(super) async fn named(
    host: &Host,
    conn: &mut Conn,
    request: &QuoteRequest,
    buyer: Option<&KnownMember>,
    (day, at): (Day, Instant),
) -> Result<Option<(KnownMember, SharedWallet)>, CheckoutError> {
    let mut tenders = request.tenders.iter().enumerate();
    let Some((position, owner)) =
        tenders.find_map(|(position, tender)| Some((position, tender.of.as_ref()?)))
    else {
        return Ok(None);
    };
    let refused = || CheckoutError::NoWalletShare(format!("/tenders/{position}/of"));
    let buyer = buyer.ok_or_else(refused)?;
    let owner = find_member_at(host, conn, owner, at).await?;
    let share = wallet_shares::share(conn, &owner.member.id, &buyer.member.id).await?;
    let share = share.filter(|share| share.until.is_none_or(|until| i64::from(day.0) <= until));
    let share = share.ok_or_else(refused)?;
    let wallet = SharedWallet {
        owner: share.owner,
        most_per_day: share.most_per_day,
        most_per_month: share.most_per_month,
    };
    Ok(Some((owner, wallet)))
}

/// The counters of what a buyer spends of another's wallet: owner, name and limit. What is spent counts from the first
/// day, also against a limit that is set later.
fn limits(document: &OrderDocument) -> Vec<(String, String, Option<i64>)> {
    let (Some(wallet), Some(buyer)) = (&document.wallet, &document.member) else {
        return Vec::new();
    };
    let day = document.business_date;
    let month = crate::clock::date_of(day).map(|date| date.format("%Y-%m").to_string());
    let limits = [
        (wallet.most_per_day, Some(day.0.to_string())),
        (wallet.most_per_month, month),
    ];
    limits
        .into_iter()
        .filter_map(|(most, period)| {
            let name = format!("shared/{buyer}/{}", period?);
            Some((wallet.owner.clone(), name, most))
        })
        .collect()
}

/// Tells a till at the quote what the commit would refuse: more than the buyer may still spend.
///
/// # Errors
/// [`CheckoutError::ShareSpent`].
pub(super) async fn check(host: &Host, document: &OrderDocument) -> Result<(), CheckoutError> {
    let needed = spent(document);
    let limits: Vec<(CounterKey, i64)> = limits(document)
        .into_iter()
        .filter_map(|(owner, name, most)| Some(((owner, name), most?)))
        .collect();
    if limits.is_empty() || needed == 0 {
        return Ok(());
    }
    let keys: Vec<CounterKey> = limits.iter().map(|(key, _)| key.clone()).collect();
    let used = counters::values(&mut host.db.read().await?, &keys).await?;
    let left = limits.iter().zip(used).map(|((_, most), used)| most - used);
    match left.min() {
        Some(left) if left < needed => Err(CheckoutError::ShareSpent { left: left.max(0) }),
        _ => Ok(()),
    }
}

/// Stored value that pays, minor units.
fn spent(document: &OrderDocument) -> i64 {
    let tenders = document.tenders.iter();
    tenders
        .filter(|tender| tender.kind == TenderKind::StoredValue)
        .fold(0, |sum, tender| sum.saturating_add(tender.amount))
}

/// The steps that count what a sale spends of another's wallet.
pub(super) fn counted(document: &OrderDocument, enforce: bool) -> Vec<Step> {
    let change = spent(document);
    let step = |(owner, name, most)| Step::Counter {
        owner,
        name,
        change,
        limit: most,
        floor: Some(0),
        enforce,
    };
    let limits = limits(document).into_iter();
    limits.filter(|_| change > 0).map(step).collect()
}

/// What a hold keeps of these limits.
pub(super) fn reserves(document: &OrderDocument) -> Vec<Reserve> {
    let change = spent(document);
    let reserve = |(owner, name, most)| Reserve::Counter {
        owner,
        name,
        change,
        limit: most,
        floor: Some(0),
    };
    let limits = limits(document).into_iter();
    limits.filter(|_| change > 0).map(reserve).collect()
}

/// The steps that give the limits back what returned to the wallet.
pub(super) fn freed(document: &OrderDocument, returned: i64) -> Vec<Step> {
    if returned == 0 {
        return Vec::new();
    }
    let step = |(owner, name, _)| Step::Counter {
        owner,
        name,
        change: -returned,
        limit: None,
        floor: Some(0),
        enforce: false,
    };
    limits(document).into_iter().map(step).collect()
}
