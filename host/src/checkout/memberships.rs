//! Paid memberships at the till: what one lifts its member to.

use crate::domain::facts::OwnTier;
use crate::domain::ledger::{AccountKey, AccountName, Lot};
use crate::domain::membership::MembershipTerms;
use crate::domain::pass::MEMBERSHIP;
use crate::domain::rules::MemberFacts;
use crate::domain::time::Day;
use crate::host::Host;
use crate::snapshot::Mark;
use crate::store::db::Conn;
use crate::store::error::StoreError;
use crate::store::lots;
use crate::store::members::KnownMember;
use crate::store::products::Product;

use super::error::CheckoutError;

/// The terms of the membership a product is.
///
/// # Errors
/// When they are not what was stored.
pub fn terms(product: &Product) -> Result<Option<MembershipTerms>, StoreError> {
    let read = |text: &String| serde_json::from_str(text);
    let terms = product.membership.as_ref().map(read).transpose();
    terms.map_err(StoreError::stored("reading the terms of a membership"))
}

/// Terms as they are stored.
pub fn text(terms: &MembershipTerms) -> String {
    // Numbers and texts alone: this encodes.
    serde_json::to_string(terms).unwrap_or_default()
}

/// A paid period of membership.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paid {
    /// The product that was sold as the plan.
    pub product: String,
    pub lot: Lot,
}

/// The memberships among lots, in the order they come.
pub fn among(lots: Vec<Lot>) -> Vec<Paid> {
    let paid = lots.into_iter().filter_map(|lot| {
        let account = AccountKey::parse(&lot.account)?;
        let product = account.asset.strip_prefix(MEMBERSHIP)?.to_owned();
        (account.name == AccountName::Pass).then_some(Paid { product, lot })
    });
    let mut paid: Vec<Paid> = paid.collect();
    paid.sort_by_key(|paid| (paid.lot.first_day, paid.lot.id.clone()));
    paid
}

/// Shows rules the tier a member holds on a day, his own or the one his membership lifts him to; answers his own where that
/// is another.
///
/// # Errors
/// When the database cannot be read.
pub async fn lift(
    host: &Host,
    conn: &mut Conn,
    known: &KnownMember,
    member: &mut MemberFacts,
    day: Day,
) -> Result<Option<OwnTier>, CheckoutError> {
    // Who never paid, or not for so long, costs no further read.
    if known.paid_until.is_none_or(|last| last < i64::from(day.0)) {
        return Ok(None);
    }
    let mut own_tier = None;
    // After a merge two may run at once; the second lifts from what the first lifted to.
    for paid in among(lots::open_lots(conn, &known.member.id).await?) {
        if !paid.lot.is_good_on(day) {
            continue;
        }
        let mark = Mark::Id(paid.product);
        let Some(product) = host.snapshots.product(&host.db, &mark).await? else {
            continue;
        };
        if let Some(tier) = terms(&product)?.and_then(|terms| terms.tier) {
            let before = tier.lift(member);
            own_tier = own_tier.or(before);
        }
    }
    Ok(own_tier)
}
