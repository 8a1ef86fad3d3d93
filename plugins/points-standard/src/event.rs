//! Points, coupons and bonus for what is no sale.

use tessera_sdk::audience::Audience;
use tessera_sdk::gifts::{BonusMoney, Coupons};
use tessera_sdk::points::{Award, Facts, Proposal, Trigger};
use tessera_sdk::prelude::*;

use crate::config::{Config, PointsPer};
use crate::expiry::Days;
use crate::sum::Sum;

/// What an event gives: fixed points, some for its money, coupons, bonus.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Event {
    /// What happened.
    #[schemars(title = "On")]
    pub on: EventName,
    /// Fixed points, at the program's scale.
    #[serde(default)]
    #[schemars(title = "Points", range(min = 0), extend("examples" = [200]))]
    pub points: Points,
    /// Points for the money of the event, such as the principal of a top-up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(title = "Points per money")]
    pub points_per: Option<PointsPer>,
    /// Coupons for later orders.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(title = "Coupons")]
    pub coupons: Option<Coupons>,
    /// Stored value on top of what the member paid in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(title = "Bonus")]
    pub bonus: Option<BonusMoney>,
    /// Least money of the event, in minor units.
    #[serde(default)]
    #[schemars(title = "Minimum", range(min = 0))]
    pub minimum: Money,
    /// Members who get it; everyone when left out.
    #[serde(default, skip_serializing_if = "Audience::is_everyone")]
    #[schemars(title = "For whom", extend("default" = {}))]
    pub who: Audience,
    /// Whether the multiplier of the member's tier counts.
    #[serde(default)]
    #[schemars(title = "Tier multiplier")]
    pub tier_multiplier: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum EventName {
    /// Somebody became a member.
    Enrolment,
    /// Money was put on his account.
    TopUp,
    /// His birthday.
    Birthday,
    /// The day he became a member, in a later year.
    Anniversary,
    /// He answered a survey or wrote a review.
    Feedback,
    /// Staff or a program of the chain asked for points.
    Manual,
    /// Somebody he brought became a member.
    Referral,
    /// He reached a higher tier; `who` says which.
    TierReached,
}

impl EventName {
    fn is(self, trigger: Trigger) -> bool {
        let own = match self {
            EventName::Enrolment => Trigger::Enrolment,
            EventName::TopUp => Trigger::TopUp,
            EventName::Birthday => Trigger::Birthday,
            EventName::Anniversary => Trigger::Anniversary,
            EventName::Feedback => Trigger::Feedback,
            EventName::Manual => Trigger::Manual,
            EventName::Referral => Trigger::Referral,
            EventName::TierReached => Trigger::TierReached,
        };
        own == trigger
    }

    /// Whether money belongs to it.
    pub fn has_money(self) -> bool {
        matches!(self, EventName::TopUp | EventName::Manual)
    }

    fn key(self) -> &'static str {
        match self {
            EventName::Enrolment => "enrolment",
            EventName::TopUp => "top-up",
            EventName::Birthday => "birthday",
            EventName::Anniversary => "anniversary",
            EventName::Feedback => "feedback",
            EventName::Manual => "manual",
            EventName::Referral => "referral",
            EventName::TierReached => "tier-reached",
        }
    }

    fn reason(self, points: Points) -> Message {
        message!(self.key(), points = points)
    }
}

impl Event {
    fn fits(&self, facts: &Facts) -> bool {
        self.on.is(facts.trigger)
            && facts.amount >= self.minimum.0
            && self
                .who
                .admits_member(&facts.member, facts.order.business_date)
    }

    fn points(&self, config: &Config, facts: &Facts) -> Result<Points, Overflow> {
        let mut points = self.points;
        let tier = if self.tier_multiplier {
            facts.member.multiplier().max(Rate::ZERO)
        } else {
            Rate::ONE
        };
        if tier != Rate::ONE {
            points = points.mul_rate(tier, config.rounding)?;
        }
        if let Some(per) = self.points_per {
            let mut money = Sum::default();
            money.add(Money(facts.amount.max(0)), Rate::ONE)?;
            let earned = money.points(per, &[tier], config.rounding, config.round_to)?;
            points = points.checked_add(earned)?;
        }
        Ok(points)
    }
}

/// What one event gives: of the entries that fit, the one that gives most points, the earlier one of equals.
pub fn propose(config: &Config, facts: &Facts) -> Result<Proposal, Overflow> {
    let mut best: Option<(&Event, Points)> = None;
    for event in config.events.iter().filter(|event| event.fits(facts)) {
        let points = event.points(config, facts)?;
        if best.is_none_or(|(_, most)| points > most) {
            best = Some((event, points));
        }
    }
    let Some((event, points)) = best else {
        return Ok(Proposal::none());
    };
    let mut proposal = Proposal::none();
    if points.is_positive() {
        let award = Award::new(points, event.on.reason(points));
        proposal = proposal.award(Days::of(config, facts, 0).set(award));
    }
    let today = facts.order.business_date;
    if let Some(coupons) = &event.coupons {
        let reason = message!("event-coupons", count = coupons.count);
        proposal = proposal.grant(coupons.grant(today, reason)?);
    }
    if let Some(bonus) = &event.bonus {
        let reason = message!("event-bonus", amount = bonus.amount);
        proposal = proposal.grant(bonus.grant(today, reason)?);
    }
    Ok(proposal)
}
