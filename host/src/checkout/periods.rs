//! What a product gives its buyer, and when a period begins: at once, or where his running one ends.

use std::collections::BTreeMap;

use crate::clock::months_from;
use crate::domain::basket::{Basket, BasketLine};
use crate::domain::card_discount::HeldDiscount;
use crate::domain::ledger::{AccountKey, AccountName};
use crate::domain::pass::{MEMBERSHIP, PERIODS, PassSold};
use crate::domain::time::Day;
use crate::host::Host;
use crate::snapshot::{Mark, Place};
use crate::store::db::Conn;
use crate::store::products::Product;
use crate::store::{counters, lots};

use super::error::CheckoutError;
use super::request::QuoteRequest;
use super::{memberships, passes, upgrades};

/// Longest period that is sold at once.
const MOST_DAYS: i64 = 36_525;

/// What `pieces` of a product give their buyer; a period begins on `first`.
///
/// # Errors
/// When so many pieces make a period beyond all reason.
pub fn sold(
    product: &Product,
    pieces: i64,
    first: Day,
    at: &str,
) -> Result<Option<PassSold>, CheckoutError> {
    let too_many = || CheckoutError::PassUnfit {
        at: at.to_owned(),
        why: "so many pieces are good for more than a hundred years",
    };
    if let Some(terms) = passes::terms(product)? {
        // Uses add up, and so does time where there is nothing else to add.
        let times = if terms.is_unlimited() { pieces } else { 1 };
        let last = last_day(first, (terms.days, terms.months), times).ok_or_else(too_many)?;
        let sold = terms.sold(pieces, last).map_err(|_| too_many())?;
        return Ok(Some(PassSold {
            first_day: terms.is_unlimited().then_some(first),
            ..sold
        }));
    }
    let Some(terms) = memberships::terms(product)? else {
        return Ok(None);
    };
    let last = last_day(first, (terms.days, terms.months), pieces).ok_or_else(too_many)?;
    Ok(Some(PassSold {
        first_day: Some(first),
        ..terms.sold(last)
    }))
}

/// The last day of so many times so many days or months: without end where there are neither. None where it is too far.
fn last_day(
    first: Day,
    (days, months): (Option<u16>, Option<u16>),
    times: i64,
) -> Option<Option<Day>> {
    let last = match (days, months) {
        (Some(days), _) => {
            let days = i64::from(days).checked_mul(times)?;
            first.plus_days(i32::try_from(days - 1).ok()?)
        }
        (None, Some(months)) => {
            let months = i64::from(months).checked_mul(times)?;
            months_from(first, u32::try_from(months).ok()?)?
        }
        (None, None) => return Some(None),
    };
    let is_near = i64::from(last.0) - i64::from(first.0) < MOST_DAYS;
    is_near.then_some(Some(last))
}

/// Lets the periods a basket sells begin where those of its buyer end, one after the other. Memberships follow each other
/// whatever their plan; an upgrade begins today.
///
/// # Errors
/// When the database cannot be read, a period would end beyond all reason, or nothing can be upgraded.
pub(super) async fn renew(
    conn: &mut Conn,
    (host, place): (&Host, &Place),
    (buyer, cards): (&str, &[HeldDiscount]),
    request: &QuoteRequest,
    basket: &mut Basket,
    today: Day,
) -> Result<(), CheckoutError> {
    let upgrades: Vec<bool> = request.lines.iter().map(|line| line.upgrade).collect();
    let is_period = |line: &BasketLine| {
        let sold = line.sells.as_ref();
        sold.is_some_and(|sold| sold.first_day.is_some())
    };
    if !basket.lines.iter().any(is_period) && !upgrades.contains(&true) {
        return Ok(());
    }
    // Before the periods it counts.
    let turns = counters::values(conn, &[(buyer.to_owned(), PERIODS.to_owned())]).await?;
    let open = lots::open_lots(conn, buyer).await?;
    let mut ends: BTreeMap<String, Day> = BTreeMap::new();
    for lot in &open {
        let account = AccountKey::parse(&lot.account);
        if let (Some(account), Some(period)) = (account, lot.period())
            && account.name == AccountName::Pass
        {
            let end = ends.entry(series(&account.asset)).or_insert(period.last);
            *end = period.last.max(*end);
        }
    }
    let mut running = memberships::among(open.clone());
    running.retain(|paid| !paid.lot.has_expired(today));
    for (position, line) in basket.lines.iter_mut().enumerate() {
        let is_upgrade = upgrades.get(position).copied().unwrap_or(false);
        let (Some(sold), Some(id)) = (line.sells.clone(), line.product.clone()) else {
            refuse_upgrade(is_upgrade, position)?;
            continue;
        };
        refuse_upgrade(is_upgrade && !sold.membership, position)?;
        if sold.first_day.is_none() {
            continue;
        }
        let series = series(&sold.asset(&id));
        let mut credit = None;
        if is_upgrade {
            let at = format!("/lines/{position}/upgrade");
            let taken = std::mem::take(&mut running);
            let upgrade = upgrades::Upgrade {
                place,
                open: &open,
                cards,
                today,
                at: &at,
            };
            credit = Some(upgrade.credit(conn, line, taken).await?);
            ends.remove(&series);
        }
        let next = ends.get(&series).map_or(today, |last| last.plus_days(1));
        let product = host.snapshots.product(&host.db, &Mark::Id(id)).await?;
        let at = format!("/lines/{position}/quantity");
        let again = match &product {
            Some(product) => self::sold(product, line.quantity / 1_000, next.max(today), &at)?,
            None => None,
        };
        let again = PassSold {
            turn: turns.first().copied().unwrap_or(0),
            credit,
            ..again.unwrap_or(sold)
        };
        if let Some(last) = again.expires_on {
            ends.insert(series, last);
        }
        line.sells = Some(again);
    }
    Ok(())
}

fn refuse_upgrade(is_wrong: bool, position: usize) -> Result<(), CheckoutError> {
    match is_wrong {
        false => Ok(()),
        true => Err(CheckoutError::PassUnfit {
            at: format!("/lines/{position}/upgrade"),
            why: "only a membership is upgraded to",
        }),
    }
}

/// What follows on each other.
fn series(asset: &str) -> String {
    match asset.starts_with(MEMBERSHIP) {
        true => MEMBERSHIP.to_owned(),
        false => asset.to_owned(),
    }
}
