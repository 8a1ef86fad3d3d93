//! Goods that are kept for members of some tiers: who may buy what today.

use crate::domain::reserved::Reserved;
use crate::store::error::StoreError;
use crate::store::products::Product;

use super::error::CheckoutError;
use super::situation::Situation;

/// Whom a product is kept for.
///
/// # Errors
/// When it is not what was stored.
pub fn of(product: &Product) -> Result<Option<Reserved>, StoreError> {
    let read = |text: &String| serde_json::from_str(text);
    let reserved = product.reserved.as_ref().map(read).transpose();
    reserved.map_err(StoreError::stored("reading whom a product is kept for"))
}

/// As it is stored.
pub fn text(reserved: &Reserved) -> String {
    // Numbers and texts alone: this encodes.
    serde_json::to_string(reserved).unwrap_or_default()
}

/// Refuses goods that are kept for others today. A quote that was made keeps what it showed for its life.
///
/// # Errors
/// [`CheckoutError::Reserved`] with the place of the line.
pub(super) fn check(situation: &Situation) -> Result<(), CheckoutError> {
    let member = situation.member.as_ref();
    let tier = member.and_then(|member| member.facts.tier.as_deref());
    for (position, line) in situation.basket.lines.iter().enumerate() {
        let kept = line.reserved.as_ref();
        if let Some(reserved) = kept.filter(|kept| !kept.admits(tier, situation.day)) {
            return Err(CheckoutError::Reserved {
                at: format!("/lines/{position}"),
                reserved: reserved.clone(),
            });
        }
    }
    Ok(())
}
