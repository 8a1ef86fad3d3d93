//! A member's tier reviewed outside a sale: after a refund, or when the points of a sale are claimed later.

use std::cmp::Reverse;

use tessera_money::Overflow;

use super::campaign::{Campaign, RuleFault, Rules};
use super::{CallOutcome, PricingError, RuleCall, checks};
use crate::domain::facts::{BaseFacts, FactsDelta};
use crate::domain::order::{PurchaseSum, contribution};
use crate::domain::rules::{Occasion, RuleKind, TierDecision, Window};
use crate::domain::tier_floor::{TierFloor, kept};
use crate::domain::time::Day;

/// What a review depends on beside the rules themselves.
pub struct ReviewInput<'a> {
    pub occasion: Occasion,
    /// The member as he is.
    pub facts: &'a BaseFacts,
    /// The day of the review; aggregates of the campaigns reach through it.
    pub today: Day,
    /// Tier rules are asked, others passed over.
    pub campaigns: &'a [Campaign],
    /// What is added to the member's purchases by whatever is the occasion; negative after a refund.
    pub change: &'a [PurchaseSum],
    /// The business day those purchases count for.
    pub day: Day,
    /// First day of a window that ends on a day: the calendar is not the domain's.
    pub first_day: fn(Window, Day) -> Day,
    /// The tier somebody gave the member.
    pub floor: Option<&'a TierFloor>,
}

/// What the rules answered.
#[derive(Debug, Default)]
pub struct Reviewed {
    /// Position of the campaign that decided, and its decision as it counts beside the floor.
    pub decided: Option<(usize, TierDecision)>,
    pub calls: Vec<RuleCall>,
}

/// Asks tier rules by priority until one answers. A fault passes on to the next: what the customer is owed
/// does not wait for a rule.
pub fn review_tier(
    input: &ReviewInput<'_>,
    rules: &mut dyn Rules,
) -> Result<Reviewed, PricingError> {
    let mut reviewed = Reviewed::default();
    for campaign in in_order(input.campaigns) {
        let binding = &input.campaigns[campaign];
        let mut delta = FactsDelta::new(RuleKind::Tier, &binding.needs);
        delta.occasion = Some(input.occasion);
        delta.business_date =
            Some(input.today).filter(|today| *today != input.facts.order.business_date);
        delta.aggregates = aggregates_after(input, binding)?;
        let facts = input.facts.tier_facts(&delta)?;
        let answer = rules.tier(campaign, facts).and_then(|decision| {
            checks::tier(&decision, input.today)?;
            Ok::<_, RuleFault>(decision)
        });
        let outcome = if answer.is_ok() {
            CallOutcome::Used
        } else {
            CallOutcome::Faulted
        };
        reviewed.calls.push(RuleCall {
            campaign,
            delta,
            outcome,
        });
        if let Ok(decision) = answer {
            let decision = kept(input.floor, decision, input.today);
            reviewed.decided = Some((campaign, decision));
            break;
        }
    }
    Ok(reviewed)
}

/// Tier rules by priority (higher first) and binding id.
fn in_order(campaigns: &[Campaign]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..campaigns.len())
        .filter(|position| campaigns[*position].campaign.kind == RuleKind::Tier)
        .collect();
    order.sort_by_key(|position| {
        let campaign = &campaigns[*position];
        (Reverse(campaign.priority), &campaign.campaign.binding)
    });
    order
}

/// The aggregates as they stand once the change has happened.
fn aggregates_after(input: &ReviewInput<'_>, binding: &Campaign) -> Result<Vec<i64>, Overflow> {
    let after = |(known, need): (&i64, &crate::domain::rules::AggregateNeed)| {
        let first = (input.first_day)(need.window, input.today);
        if first <= input.day && input.day <= input.today {
            known
                .checked_add(contribution(input.change, need))
                .ok_or(Overflow)
        } else {
            Ok(*known)
        }
    };
    binding
        .aggregates
        .iter()
        .zip(&binding.needs.aggregates)
        .map(after)
        .collect()
}
