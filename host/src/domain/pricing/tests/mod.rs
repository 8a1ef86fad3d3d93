//! Worked cases and properties of pricing. Figures are computed by hand.

mod benefits;
mod claims;
mod limits;
mod money;
pub(crate) mod properties;
mod stacking;
pub(crate) mod support;
