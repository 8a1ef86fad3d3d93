//! The most points a binding gives.

use tessera_sdk::points::{Facts, Proposal, Trigger};
use tessera_sdk::prelude::*;

use crate::config::Config;
use std::borrow::Cow;

/// Most points this binding gives, in total of all it gives them for. What is beyond is cut from every award in
/// proportion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Caps {
    /// To one order or event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(title = "Per order", range(min = 1), extend("examples" = [500]))]
    pub order: Option<Points>,
    /// To one member in a business day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(title = "Per day", range(min = 1))]
    pub day: Option<Points>,
    /// To one member in a calendar month.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(title = "Per month", range(min = 1), extend("examples" = [2000]))]
    pub month: Option<Points>,
    /// To one member in a calendar year.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(title = "Per year", range(min = 1))]
    pub year: Option<Points>,
}

impl Caps {
    /// The caps the host counts for, in the order of the counters.
    fn counted(self) -> impl Iterator<Item = (&'static str, CounterPeriod, Points)> {
        let all = [
            ("points-day", CounterPeriod::Day, self.day),
            ("points-month", CounterPeriod::Month, self.month),
            ("points-year", CounterPeriod::Year, self.year),
        ];
        all.into_iter()
            .filter_map(|(name, period, cap)| cap.map(|cap| (name, period, cap)))
    }
}

/// The counters of visits and caps.
pub fn counters(config: &Config, needs: Needs) -> Needs {
    let mut needs = needs;
    if config.per_visit.is_positive() {
        needs = needs.counter("visits", CounterScope::Member, CounterPeriod::Day, Some(1));
    }
    for (name, period, cap) in config.caps.into_iter().flat_map(Caps::counted) {
        needs = needs.counter(name, CounterScope::Member, period, Some(cap.0));
    }
    if asks_first_order(config) {
        let (scope, period) = (CounterScope::Member, CounterPeriod::Lifetime);
        needs = needs.counter("first-orders", scope, period, Some(1));
    }
    needs
}

/// Whether anything is for a member's first order alone.
fn asks_first_order(config: &Config) -> bool {
    config.who.first_order || config.bonuses.iter().any(|bonus| bonus.who.first_order)
}

/// Where it stands that a first order earned, after visits and caps.
fn first_orders(config: &Config) -> usize {
    let caps = config.caps.into_iter().flat_map(Caps::counted).count();
    usize::from(config.per_visit.is_positive()) + caps
}

/// The facts of a sale, whose order is not the first where another one, quoted beside it, was.
pub fn in_turn<'a>(config: &Config, facts: &'a Facts) -> Result<Cow<'a, Facts>, String> {
    let is_first = facts.trigger == Trigger::Sale && facts.member.orders_before == 0;
    if !is_first || !asks_first_order(config) || counter(facts, first_orders(config))? == 0 {
        return Ok(Cow::Borrowed(facts));
    }
    let mut later = facts.clone();
    later.member.orders_before = 1;
    Ok(Cow::Owned(later))
}

/// Counts a first order that earned something.
pub fn count_first_order(
    config: &Config,
    facts: &Facts,
    proposal: Proposal,
) -> Result<Proposal, String> {
    let is_first = facts.trigger == Trigger::Sale && facts.member.orders_before == 0;
    if !is_first || !asks_first_order(config) || proposal.awards.is_empty() {
        return Ok(proposal);
    }
    let position = u32::try_from(first_orders(config)).map_err(|_| Overflow)?;
    Ok(proposal.count(position, 1))
}

fn counter(facts: &Facts, position: usize) -> Result<i64, String> {
    let missing =
        "A count is missing from the facts; bind the plugin again so that its needs are read anew.";
    facts
        .counters
        .get(position)
        .copied()
        .ok_or_else(|| missing.into())
}

/// Whether the member was not here yet on this business day.
pub fn is_first_visit(facts: &Facts) -> Result<bool, String> {
    Ok(counter(facts, 0)? == 0)
}

/// Cuts the awards to what the caps leave, and counts what is given.
pub fn within(config: &Config, facts: &Facts, mut proposal: Proposal) -> Result<Proposal, String> {
    let Some(caps) = config.caps else {
        return Ok(proposal);
    };
    let first = usize::from(config.per_visit.is_positive());
    let mut most = caps.order.unwrap_or(Points(i64::MAX));
    for (position, (_, _, cap)) in caps.counted().enumerate() {
        let given = Points(counter(facts, first + position)?.max(0));
        most = most.min(cap.checked_sub(given)?.max(Points::ZERO));
    }
    let total = Points::checked_sum(proposal.awards.iter().map(|award| Points(award.points)))?;
    if total > most {
        let weights: Vec<i64> = proposal.awards.iter().map(|award| award.points).collect();
        for (award, share) in proposal.awards.iter_mut().zip(most.split(&weights)) {
            award.points = share.0;
        }
        proposal.awards.retain(|award| award.points > 0);
    }
    let given = total.min(most);
    if given.is_positive() {
        for position in (first..).take(caps.counted().count()) {
            let position = u32::try_from(position).map_err(|_| Overflow)?;
            proposal = proposal.count(position, given.0);
        }
    }
    Ok(proposal)
}
