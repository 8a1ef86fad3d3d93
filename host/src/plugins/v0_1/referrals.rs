//! Referral rules of generation 0.1: their facts outward, their rewards inward.

use wasmtime::Store;
use wasmtime::component::{ComponentExportIndex, Instance};

use super::generated::exports::tessera::referrals::referral_rule as wire;
use super::{Call, Referral, Rule, told};
use crate::domain::rules::{
    ReferralFacts, ReferralOccasion, ReferralProposal, Reward, RuleKind, Side, SideGrant,
};
use crate::domain::time::Day;
use crate::plugins::fault::BadAnswer;
use crate::plugins::limits;
use crate::plugins::sandbox::Guest;

type Parameters<'a> = (&'a [u8], wire::Facts<'a>);
type Answer = (Result<wire::Proposal, String>,);

pub(super) fn check(
    store: &mut Store<Guest>,
    instance: &Instance,
    function: &ComponentExportIndex,
) -> wasmtime::Result<()> {
    instance
        .get_typed_func::<Parameters<'_>, Answer>(store, function)
        .map(drop)
}

impl Rule for Referral {
    const KIND: RuleKind = RuleKind::Referral;
    type Facts = ReferralFacts;
    type Proposal = ReferralProposal;
    type Wire = wire::Proposal;

    fn call(
        mut call: Call<'_>,
        facts: &ReferralFacts,
    ) -> wasmtime::Result<Result<wire::Proposal, String>> {
        let referee = told::names(&facts.referee.segments);
        let referrer = told::names(&facts.referrer.segments);
        let second = facts.second_referrer.as_ref();
        let seconds = second.map_or_else(Vec::new, |member| told::names(&member.segments));
        let attributes = told::Attributes::default()
            .of_order(&facts.order)
            .of_member(&facts.referee)
            .of_referrer(&facts.referrer);
        let facts = wire::Facts {
            occasion: match facts.occasion {
                ReferralOccasion::Joining => wire::Occasion::Joining,
                ReferralOccasion::Order => wire::Occasion::Order,
            },
            order: told::order(&facts.order),
            amount: facts.amount,
            referee: told::member(&facts.referee, &referee),
            referrer: told::member(&facts.referrer, &referrer),
            second_referrer: second.map(|member| told::member(member, &seconds)),
            attributes: &attributes.wire(),
            referred_on: facts.referred_on.0,
            points_scale: facts.points_scale,
            aggregates: &facts.aggregates,
            counters: &facts.counters,
        };
        // SAFETY: `check` compares exactly these types before a plugin can be asked.
        let typed = unsafe { call.function::<Parameters<'_>, Answer>()? };
        Ok(typed.call(call.store, (call.config, facts))?.0)
    }

    fn accept(
        proposal: wire::Proposal,
        facts: &ReferralFacts,
    ) -> Result<ReferralProposal, BadAnswer> {
        limits::at_most("rewards", proposal.rewards.len(), limits::MAX_BENEFITS)?;
        let mut rewards = Vec::with_capacity(proposal.rewards.len());
        let mut total = 0;
        for reward in proposal.rewards {
            total = limits::add(total, limits::positive("points", reward.points)?)?;
            if reward.side == wire::Side::SecondReferrer && facts.second_referrer.is_none() {
                return Err(BadAnswer::NoSecondReferrer);
            }
            rewards.push(reward_in(reward, facts.order.business_date)?);
        }
        let near_misses = proposal
            .near_misses
            .into_iter()
            .map(|near| (near.reason, near.missing));
        let mut grants = Vec::with_capacity(proposal.grants.len());
        let today = facts.order.business_date;
        let (sides, given): (Vec<_>, Vec<_>) = proposal
            .grants
            .into_iter()
            .map(|given| (given.side, given.grant))
            .unzip();
        for (side, grant) in sides.into_iter().zip(super::grants(given, today)?) {
            if side == wire::Side::SecondReferrer && facts.second_referrer.is_none() {
                return Err(BadAnswer::NoSecondReferrer);
            }
            let side = side_in(side);
            grants.push(SideGrant { side, grant });
        }
        Ok(ReferralProposal {
            rewards,
            grants,
            near_misses: super::near_misses(near_misses)?,
            counters: super::counter_changes(proposal.counters, facts.counters.len())?,
            clawback: proposal.clawback,
        })
    }
}

fn reward_in(reward: wire::Reward, today: Day) -> Result<Reward, BadAnswer> {
    let (expires_on, available_on) =
        limits::spendable(today, reward.expires_on, reward.available_on)?;
    Ok(Reward {
        side: side_in(reward.side),
        points: reward.points,
        reason: super::message(reward.reason)?,
        expires_on,
        available_on,
    })
}

fn side_in(side: wire::Side) -> Side {
    match side {
        wire::Side::Referrer => Side::Referrer,
        wire::Side::Referee => Side::Referee,
        wire::Side::SecondReferrer => Side::SecondReferrer,
    }
}
