//! What a referrer was paid in the period so far, as far as a cap or a step rests on it.

use tessera_sdk::referrals::{Facts, Proposal};
use tessera_sdk::types::{CounterPeriod, CounterScope, Needs};
use tessera_sdk::{Overflow, Points};

use crate::config::{Config, MinimumOf, PaysOn};

impl Config {
    fn counts_referrals(&self) -> bool {
        self.cap > 0 || !self.referrer_steps.is_empty()
    }

    /// How many orders of one new member pay, whatever was quoted side by side; a joining happens once anyway.
    fn orders_paid(&self) -> Option<i64> {
        let orders = match self.minimum_of {
            MinimumOf::Order => self.orders.into(),
            MinimumOf::Total => 1,
        };
        (self.on == PaysOn::Order).then_some(orders)
    }

    pub(crate) fn counters(&self, needs: Needs) -> Needs {
        let period = self.cap_period.of_counter();
        let mut needs = needs;
        if self.counts_referrals() {
            let limit = (self.cap > 0).then_some(self.cap.into());
            needs = needs.counter("paid-referrals", CounterScope::Member, period, limit);
        }
        if self.cap_points.is_positive() {
            let limit = Some(self.cap_points.0);
            needs = needs.counter("paid-points", CounterScope::Member, period, limit);
        }
        if let Some(orders) = self.orders_paid() {
            let (scope, period) = (CounterScope::Referee, CounterPeriod::Lifetime);
            needs = needs.counter("paid-orders", scope, period, Some(orders));
        }
        needs
    }
}

/// Referrals and points of the period.
pub struct Paid {
    referrals: i64,
    points: Points,
    /// Orders of this new member that paid.
    orders: i64,
}

impl Paid {
    pub fn read(config: &Config, facts: &Facts) -> Result<Paid, String> {
        let mut counters = facts.counters.iter().copied();
        let mut next = |counted: bool| {
            if !counted {
                return Ok(0);
            }
            counters.next().ok_or("The count of referrals is missing from the facts; bind the plugin again so that its needs are read anew.")
        };
        Ok(Paid {
            referrals: next(config.counts_referrals())?,
            points: Points(next(config.cap_points.is_positive())?),
            orders: next(config.orders_paid().is_some())?,
        })
    }

    /// Whether the new member's orders have paid all they pay.
    pub fn is_done(&self, config: &Config) -> bool {
        config.orders_paid().is_some_and(|most| self.orders >= most)
    }

    pub fn is_beyond_cap(&self, config: &Config) -> bool {
        let spent = config.cap_points.is_positive() && self.points >= config.cap_points;
        spent || (config.cap > 0 && self.referrals >= i64::from(config.cap))
    }

    /// The referrer's fixed points for the next referral.
    pub fn fixed_points(&self, config: &Config) -> Points {
        let steps = config.referrer_steps.iter().rev();
        let mut reached =
            steps.filter(|step| i64::from(step.from) <= self.referrals.saturating_add(1));
        reached
            .next()
            .map_or(config.referrer_points, |step| step.points)
    }

    /// What of the referrer's points the cap leaves.
    pub fn within(&self, config: &Config, points: Points) -> Result<Points, Overflow> {
        if !config.cap_points.is_positive() {
            return Ok(points);
        }
        let left = config
            .cap_points
            .checked_sub(self.points.max(Points::ZERO))?;
        Ok(points.min(left).max(Points::ZERO))
    }

    /// Notes one more order that paid, and, where the referrer got something, what he got in points.
    pub fn note(config: &Config, referrer: Option<Points>, proposal: Proposal) -> Proposal {
        let mut proposal = proposal;
        let mut counter = 0;
        let mut note = |counted: bool, change: Option<i64>| {
            if let (true, Some(change)) = (counted, change) {
                proposal = std::mem::take(&mut proposal).count(counter, change);
            }
            counter += u32::from(counted);
        };
        note(config.counts_referrals(), referrer.map(|_| 1));
        note(
            config.cap_points.is_positive(),
            referrer.map(|points| points.0),
        );
        note(config.orders_paid().is_some(), Some(1));
        proposal
    }
}
