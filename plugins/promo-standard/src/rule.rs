//! Whether the promotion applies to a basket, and what it answers.

use tessera_sdk::goods::pieces;
use tessera_sdk::promotions::{Facts, NearMiss, Proposal};
use tessera_sdk::types::Member;
use tessera_sdk::{Money, Overflow, Rounding, mul_rate};

use crate::basket::{Basket, worth};
use crate::buy_get::Sets;
use crate::config::{Audience, Birthday, Config, Kind, MinimumOf, Trigger};
use crate::discount::{amount, percent, total, within_cap};
use crate::words::{members_save, missing_amount, missing_pieces};

/// Answers the discounts for one basket.
pub fn promote(config: &Config, facts: &Facts) -> Result<Proposal, String> {
    let admission = admission(config, facts.member.as_ref());
    let code = facts
        .codes
        .first()
        .filter(|_| config.trigger == Trigger::Code);
    let lacks_code = config.trigger == Trigger::Code && code.is_none();
    if admission == Admission::No
        || lacks_code
        || !config.when.covers(&facts.order)
        || is_used_up(config, facts)?
    {
        return Ok(Proposal::none());
    }
    let basket = Basket::new(config, facts);
    if basket.goods.is_empty() {
        return Ok(Proposal::none());
    }
    if let Some(near_misses) = below_minimum(config, &basket)? {
        return Ok(Proposal {
            near_misses,
            ..Proposal::none()
        });
    }
    let mut proposal = offered(config, &basket)?;
    if proposal.discounts.is_empty() {
        return Ok(proposal);
    }
    if admission == Admission::WithCard {
        let saving = total(&proposal.discounts)?;
        return Ok(Proposal::none().near_miss(members_save(config, saving)));
    }
    if config.limit.times > 0 {
        proposal = proposal.count(0, 1);
    }
    Ok(match code {
        Some(code) => proposal.using_code(code),
        None => proposal,
    })
}

/// The discounts within the cap, and how far the next set is.
fn offered(config: &Config, basket: &Basket) -> Result<Proposal, Overflow> {
    let mut near_misses = Vec::new();
    let discounts = match config.discount {
        Kind::Percent(share) => percent(config, share, basket)?,
        Kind::Amount(fixed) => amount(config, fixed, basket)?,
        Kind::BuyGet(rule) => {
            let sets = Sets::of(rule, basket)?;
            near_misses.extend(sets.short.map(|missing| missing_pieces(config, missing)));
            sets.discounts(config, rule)?
        }
    };
    Ok(Proposal {
        discounts: within_cap(config, discounts)?,
        near_misses,
        ..Proposal::none()
    })
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Admission {
    Yes,
    /// A card is all that is missing.
    WithCard,
    No,
}

fn admission(config: &Config, member: Option<&Member>) -> Admission {
    let Audience {
        members_only,
        tiers,
        birthday,
    } = &config.who;
    let Some(member) = member else {
        let for_someone = !tiers.is_empty() || *birthday != Birthday::Any;
        return match (for_someone, *members_only || config.limit.times > 0) {
            (true, _) => Admission::No,
            (false, true) => Admission::WithCard,
            (false, false) => Admission::Yes,
        };
    };
    let of_tier = tiers.is_empty()
        || member
            .tier
            .as_ref()
            .is_some_and(|tier| tiers.contains(tier));
    let birthday_fits = match birthday {
        Birthday::Any => true,
        Birthday::Day => member.is_birthday,
        Birthday::Month => member.is_birthday_month,
    };
    if of_tier && birthday_fits {
        Admission::Yes
    } else {
        Admission::No
    }
}

fn is_used_up(config: &Config, facts: &Facts) -> Result<bool, String> {
    if config.limit.times == 0 || facts.member.is_none() {
        return Ok(false);
    }
    let uses = facts
        .counters
        .first()
        .ok_or("The count of uses is missing from the facts; bind the plugin again so that its needs are read anew.")?;
    Ok(*uses >= i64::from(config.limit.times))
}

/// What is said when the minimum is not reached; nothing at all while it is far.
fn below_minimum(config: &Config, basket: &Basket) -> Result<Option<Vec<NearMiss>>, Overflow> {
    let minimum = &config.minimum;
    let items = match minimum.of {
        MinimumOf::Goods => &basket.goods,
        MinimumOf::Order => &basket.all,
    };
    let money = Shortfall {
        wanted: minimum.amount.0,
        reached: worth(items, minimum.price)?.0,
    };
    let counted = items.iter().try_fold(0_i64, |sum, item| {
        sum.checked_add(pieces(item.line).unwrap_or(1))
    });
    let count = Shortfall {
        wanted: minimum.quantity.into(),
        reached: counted.ok_or(Overflow)?,
    };
    if !money.exists() && !count.exists() {
        return Ok(None);
    }
    let mut near_misses = Vec::new();
    for shortfall in [&money, &count] {
        let near_from = mul_rate(shortfall.wanted, minimum.tell_from, Rounding::Up)?;
        if shortfall.exists() && shortfall.reached < near_from {
            return Ok(Some(Vec::new()));
        }
    }
    if money.exists() {
        near_misses.push(missing_amount(config, Money(money.wanted - money.reached)));
    }
    if count.exists() {
        near_misses.push(missing_pieces(config, count.wanted - count.reached));
    }
    Ok(Some(near_misses))
}

/// How much is wanted and how much is there, neither below zero.
struct Shortfall {
    wanted: i64,
    reached: i64,
}

impl Shortfall {
    fn exists(&self) -> bool {
        self.reached < self.wanted
    }
}
