//! Points of a sale that was made without a member, claimed by one afterwards.
//!
//! The order itself stays as it is recorded. A claim writes down the order as it stands with its member, and a
//! refund inverts that, so that claim and refund together leave nothing behind.

use super::order::OrderDocument;
use super::time::Day;

/// Why nothing is claimed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ClaimError {
    #[error("the order was made with a member, whose points it earned; there is nothing to claim")]
    HasMember,
    #[error("the points of the order were claimed before; there is nothing left to claim")]
    Claimed,
    #[error("goods of the order came back; a manager can give points for the rest by hand")]
    Refunded,
    #[error("the order could be claimed through day {}; a manager can give points by hand", last.0)]
    TooLate { last: Day },
}

/// What happened to the order since it was sold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Since {
    pub claimed: bool,
    pub refunded: bool,
}

/// Whether a member may have the points of an order today. The ledger decides again where two come at once.
pub fn check(
    document: &OrderDocument,
    since: Since,
    claim_days: u16,
    today: Day,
) -> Result<(), ClaimError> {
    if document.member.is_some() {
        return Err(ClaimError::HasMember);
    }
    if since.claimed {
        return Err(ClaimError::Claimed);
    }
    if since.refunded {
        return Err(ClaimError::Refunded);
    }
    let last = document.business_date.plus_days(i32::from(claim_days));
    if today > last {
        return Err(ClaimError::TooLate { last });
    }
    Ok(())
}
