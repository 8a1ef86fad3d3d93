//! What of some facts a rule is told: only what its needs ask for, as the host does.

use crate::types::{Attribute, Basket, Needs};
use crate::{points, promotions, referrals, tiers};

/// Facts that can be cut to a rule's needs; implemented by the SDK.
pub trait Told: Clone {
    /// The facts without what the rule did not ask for.
    fn told(&self, needs: &Needs) -> Self;
}

fn known(attributes: &[Attribute], needs: &Needs) -> Vec<Attribute> {
    let asked = attributes
        .iter()
        .filter(|attribute| needs.attributes.contains(&attribute.name));
    asked.cloned().collect()
}

fn seen(basket: &Basket, needs: &Needs) -> Basket {
    let mut basket = basket.clone();
    if !needs.products {
        basket.products.clear();
    }
    if !needs.categories {
        basket.categories.clear();
    }
    if !needs.tags {
        basket.tags.clear();
        basket.line_tags.clear();
    }
    if !needs.cost {
        basket.costs.clear();
    }
    basket
}

macro_rules! told {
    ($($facts:ty $({ $($counters:ident)? $(, $basket:ident)? })?;)*) => {
        $(impl Told for $facts {
            fn told(&self, needs: &Needs) -> $facts {
                let mut facts = self.clone();
                facts.attributes = known(&self.attributes, needs);
                $(
                    $(facts.$basket = seen(&self.$basket, needs);)?
                    // One that a test did not give stands at zero.
                    $(if facts.$counters.len() < needs.counters.len() {
                        facts.$counters.resize(needs.counters.len(), 0);
                    })?
                )?
                facts
            }
        })*
    };
}

told! {
    points::Facts { counters, basket };
    promotions::Facts { counters, basket };
    tiers::Facts;
    referrals::Facts { counters };
}
