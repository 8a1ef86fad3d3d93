//! Another's stored value at the till: whose it is, and what counts against his limits.

use crate::domain::ledger::{Reserve, Step};
use crate::domain::order::{OrderDocument, SharedWallet};
use crate::domain::rules::TenderKind;
use crate::domain::time::{Day, Instant};
use crate::host::Host;
use crate::store::Conn;
use crate::store::members::KnownMember;
use crate::store::wallet_shares;

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

/// The counters of what a buyer spends of another's wallet: owner, name and limit.
fn counters(document: &OrderDocument) -> Vec<(String, String, i64)> {
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
            Some((wallet.owner.clone(), name, most?))
        })
        .collect()
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
        limit: Some(most),
        floor: Some(0),
        enforce,
    };
    counters(document).into_iter().map(step).collect()
}

/// What a hold keeps of these limits.
pub(super) fn reserves(document: &OrderDocument) -> Vec<Reserve> {
    let change = spent(document);
    let reserve = |(owner, name, most)| Reserve::Counter {
        owner,
        name,
        change,
        limit: Some(most),
        floor: Some(0),
    };
    counters(document).into_iter().map(reserve).collect()
}

/// The steps that give the limits back what returned to the wallet.
pub(super) fn freed(document: &OrderDocument, returned: i64) -> Vec<Step> {
    let step = |(owner, name, _)| Step::Counter {
        owner,
        name,
        change: -returned,
        limit: None,
        floor: Some(0),
        enforce: false,
    };
    counters(document).into_iter().map(step).collect()
}
