//! What the cards a member holds take off his prices.

use crate::cards::{day_of, usable};
use crate::domain::card_discount::HeldDiscount;
use crate::domain::time::Instant;
use crate::host::Host;
use crate::snapshot::Snapshot;
use crate::store::cards;
use crate::store::db::Conn;
use crate::store::members::KnownMember;

use super::error::CheckoutError;

/// What the cards of a member take off that are good at an instant. Nothing is read where no type of card takes anything off.
///
/// # Errors
/// When the database cannot be read.
pub(super) async fn card_discounts(
    host: &Host,
    conn: &mut Conn,
    snapshot: &Snapshot,
    known: &KnownMember,
    at: Instant,
) -> Result<Vec<HeldDiscount>, CheckoutError> {
    let discounts = snapshot.card_discounts();
    if discounts.is_empty() {
        return Ok(Vec::new());
    }
    let today = day_of(host, &known.member.home_store, at);
    let cards = cards::of_member(conn, &known.member.id).await?;
    let good = cards.into_iter().filter(|card| {
        let by = card.replaced_by.as_deref();
        usable(&card.status, card.expires_on, by, today).is_ok()
    });
    let held = good.filter_map(|card| {
        let card_type = card.card_type?;
        let discount = discounts.get(&card_type)?.clone();
        Some(HeldDiscount {
            card_type,
            discount,
        })
    });
    Ok(held.collect())
}
