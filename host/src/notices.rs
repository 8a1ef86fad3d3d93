//! Notice ahead of what expires: points, bonus, passes, memberships and coupons, so many days before as the chain says. A
//! round a day, a page at a time. Each lot and each coupon is told of once, by a row that is written with its event, whichever host comes first.

use std::sync::Arc;

use crate::checkout::CheckoutError;
use crate::clock::date_of;
use crate::domain::ledger::{AccountKey, AccountName, Coupon, Lot};
use crate::domain::time::Day;
use crate::domain::wallet::ExpiryNotices;
use crate::host::Host;
use crate::store::notices::Expiring;
use crate::store::occasions::Round;
use crate::store::{coupons, events, lots, notices, occasions};

/// Lots or coupons of one page.
const PAGE: i64 = 500;
/// Pages of one round of the jobs; the next one goes on.
const PAGES: usize = 4;

/// What a round looks through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    Lots,
    Coupons,
}

/// Goes on with the rounds of `today`, which must have begun in every store; answers how many notices were given.
///
/// # Errors
/// When the database cannot be read or written; the next round goes on.
pub async fn round(host: &Arc<Host>, today: Day) -> Result<usize, CheckoutError> {
    let Some(ahead) = ahead(host) else {
        return Ok(0);
    };
    let given = go_on(host, What::Lots, today, &ahead).await?;
    Ok(given + go_on(host, What::Coupons, today, &ahead).await?)
}

/// The chain's setting; the same in every store.
fn ahead(host: &Host) -> Option<ExpiryNotices> {
    let snapshot = host.snapshots.current()?;
    let place = snapshot.places().next()?;
    Some(place.settings.expiry_notices.clone())
}

async fn go_on(
    host: &Arc<Host>,
    what: What,
    today: Day,
    ahead: &ExpiryNotices,
) -> Result<usize, CheckoutError> {
    let Some(days) = what.days(ahead) else {
        return Ok(0);
    };
    let known = {
        let mut conn = host.db.read().await?;
        occasions::rounds(&mut conn, what.job()).await?.pop()
    };
    let known = known.filter(|round| round.day >= i64::from(today.0));
    if known.as_ref().is_some_and(|round| round.done) {
        return Ok(0);
    }
    let mut after = known.map_or_else(String::new, |round| round.after);
    let until = today.plus_days(days.into());
    let mut given = 0;
    for _ in 0..PAGES {
        let page = what.page(host, today, until, &after).await?;
        let done = (page.len() as i64) < PAGE;
        after = page.last().map_or(after, Expiring::place);
        let due = page.into_iter().filter(|one| is_due(one, today, ahead));
        let due = not_paid_on(host, due.collect()).await?;
        let round = Round {
            job: what.job().to_owned(),
            store: String::new(),
            day: today.0.into(),
            after: after.clone(),
            done,
        };
        given += tell(host, what, due, round).await?;
        if done {
            break;
        }
    }
    Ok(given)
}

/// Writes the events of what nobody was told of yet, and how far the round has come, in one transaction.
async fn tell(
    host: &Host,
    what: What,
    due: Vec<Expiring>,
    round: Round,
) -> Result<usize, CheckoutError> {
    let now = host.clock.now();
    let told = host
        .writer
        .write("giving notice of what expires", move |tx| {
            Box::pin(async move {
                let fresh = notices::take(tx, &due).await?;
                for one in due.iter().filter(|one| fresh.contains(&one.subject)) {
                    let (member, payload) = (&one.member, one.told.to_string());
                    events::add(tx, what.event(one), member, None, now, &payload).await?;
                }
                notices::forget(tx, round.day).await?;
                occasions::note_round(tx, &round).await?;
                Ok(fresh.len())
            })
        });
    Ok(told.await?)
}

impl What {
    fn job(self) -> &'static str {
        match self {
            Self::Lots => "notice-lots",
            Self::Coupons => "notice-coupons",
        }
    }

    /// The longest any of it is told ahead; none where nothing is.
    fn days(self, ahead: &ExpiryNotices) -> Option<u16> {
        match self {
            Self::Lots => ahead
                .points_days
                .max(ahead.bonus_days)
                .max(ahead.pass_days)
                .max(ahead.membership_days),
            Self::Coupons => ahead.coupon_days,
        }
    }

    fn event(self, one: &Expiring) -> &'static str {
        match self {
            Self::Lots => match &one.account {
                Some(account) if account.name.is_points() => "points.expiring",
                Some(account) if account.pass().is_some() => "pass.expiring",
                Some(account) if account.name == AccountName::Pass => "membership.expiring",
                _ => "bonus.expiring",
            },
            Self::Coupons => "coupon.expiring",
        }
    }

    async fn page(
        self,
        host: &Host,
        first: Day,
        last: Day,
        after: &str,
    ) -> Result<Vec<Expiring>, CheckoutError> {
        let after = Expiring::placed(after, first);
        let mut conn = host.db.read().await?;
        Ok(match self {
            Self::Lots => {
                let page = lots::expiring(&mut conn, after, last, PAGE).await?;
                page.into_iter().filter_map(of_lot).collect()
            }
            Self::Coupons => {
                let page = coupons::expiring(&mut conn, after, last, PAGE).await?;
                page.into_iter().filter_map(of_coupon).collect()
            }
        })
    }
}

/// Whether the chain wants notice of it by now.
fn is_due(one: &Expiring, today: Day, ahead: &ExpiryNotices) -> bool {
    let days = match &one.account {
        None => ahead.coupon_days,
        Some(account) => match account.name {
            name if name.is_points() => ahead.points_days,
            AccountName::Bonus | AccountName::BonusPending => ahead.bonus_days,
            AccountName::Pass if account.pass().is_some() => ahead.pass_days,
            AccountName::Pass => ahead.membership_days,
            // What was paid for a pass is nothing its owner loses.
            _ => None,
        },
    };
    days.is_some_and(|days| one.last_day <= today.plus_days(days.into()))
}

/// Without the periods that are followed by another: nothing ends with those.
async fn not_paid_on(host: &Host, due: Vec<Expiring>) -> Result<Vec<Expiring>, CheckoutError> {
    let mut ending = Vec::with_capacity(due.len());
    for one in due {
        let pass = one.account.as_ref();
        let pass = pass.filter(|account| account.name == AccountName::Pass);
        let is_followed = match pass {
            None => false,
            Some(pass) => {
                let mut conn = host.db.read().await?;
                let open = lots::open_lots(&mut conn, &one.member).await?;
                open.iter().any(|lot| follows(lot, pass, one.last_day))
            }
        };
        if !is_followed {
            ending.push(one);
        }
    }
    Ok(ending)
}

/// Whether a lot is a period after the one that ends.
fn follows(lot: &Lot, ending: &AccountKey, last_day: Day) -> bool {
    let account = AccountKey::parse(&lot.account);
    let series = |account: &AccountKey| (account.name, account.pass().map(str::to_owned));
    account.is_some_and(|account| series(&account) == series(ending))
        && lot.period().is_some_and(|period| period.last > last_day)
}

/// A day as it is told.
fn told_day(day: Day) -> Option<String> {
    date_of(day).map(|date| date.to_string())
}

fn of_lot(lot: Lot) -> Option<Expiring> {
    let account = AccountKey::parse(&lot.account)?;
    let last_day = lot.expires_on?;
    Some(Expiring {
        told: serde_json::json!({
            "member": lot.member, "lot": lot.id, "asset": account.asset, "amount": lot.remaining,
            "expires_on": told_day(last_day)?, "source": lot.source,
        }),
        subject: lot.id,
        member: lot.member,
        last_day,
        account: Some(account),
    })
}

fn of_coupon(coupon: Coupon) -> Option<Expiring> {
    let (member, last_day) = (coupon.holder?, coupon.expires_on?);
    Some(Expiring {
        told: serde_json::json!({
            "member": member, "code": coupon.code, "binding": coupon.campaign,
            "expires_on": told_day(last_day)?,
        }),
        subject: coupon.code,
        member,
        last_day,
        account: None,
    })
}
