//! Whether the promotion applies to a basket, and what it answers.

use tessera_sdk::audience::Admission;
use tessera_sdk::promotions::{Facts, NearMiss, Proposal};
use tessera_sdk::{Money, Overflow, Rounding, mul_rate};

use crate::basket::{Basket, piece_count, taxed_worth};
use crate::bundle::bundle;
use crate::buy_get::Sets;
use crate::config::{Config, Kind, MinimumOf, PaidWith, Trigger};
use crate::discount::{amount, percent, total, within_cap};
use crate::price::Allowance;
use crate::steps::steps;
use crate::words::{choose, members_get, members_save, missing_amount, missing_pieces, offer};
use crate::{floor, gift, grant, price};

/// Answers the discounts for one basket.
pub fn promote(config: &Config, facts: &Facts) -> Result<Proposal, String> {
    let admission = admission(config, facts);
    let code = facts
        .codes
        .first()
        .filter(|_| config.trigger == Trigger::Code);
    let lacks_code = config.trigger == Trigger::Code && code.is_none();
    if admission == Admission::No
        || lacks_code
        || !config.when.covers(&facts.order)
        || !is_paid_as_asked(config.paid_with.as_ref(), facts)?
        || is_used_up(config, facts)?
        || had_first_order(config, facts)?
    {
        return Ok(Proposal::none());
    }
    let basket = Basket::new(config, facts);
    // A gift does not earn itself.
    let earning = match &config.discount {
        Kind::Gift(gift) => &Basket::new(config, facts).without(&gift.choice),
        _ => &basket,
    };
    if earning.goods.is_empty() {
        return Ok(Proposal::none());
    }
    if let Some(near_misses) = below_minimum(config, earning)? {
        return Ok(Proposal {
            near_misses,
            ..Proposal::none()
        });
    }
    let mut proposal = offered(config, facts, &basket, earning)?;
    if proposal.discounts.is_empty() && proposal.grants.is_empty() {
        return Ok(proposal);
    }
    if !covers_the_rest(config, facts, &proposal)? {
        return Ok(Proposal::none());
    }
    if admission == Admission::WithCard && !proposal.grants.is_empty() {
        return Ok(Proposal::none().near_miss(members_get(config)));
    }
    if admission == Admission::WithCard {
        let saving = total(&proposal.discounts)?;
        return Ok(Proposal::none().near_miss(members_save(config, saving)));
    }
    if config.limit.times > 0 {
        proposal = proposal.count(0, 1);
    }
    if config.who.first_order {
        proposal = proposal.count(first_order_counter(config), 1);
    }
    Ok(match code {
        Some(code) => proposal.using_code(code),
        None => proposal,
    })
}

/// The discounts within floor and cap, and how far the next set or step is.
fn offered(
    config: &Config,
    facts: &Facts,
    basket: &Basket,
    earning: &Basket,
) -> Result<Proposal, String> {
    let (mut near_misses, mut grants) = (Vec::new(), Vec::new());
    let mut allowance = Allowance::of(&config.limit, units_used(config, facts)?);
    let mut discounts = match &config.discount {
        Kind::Percent(share) => percent(config, *share, basket)?,
        Kind::Amount(fixed) => amount(config, *fixed, basket)?,
        Kind::BuyGet(rule) => {
            let sets = Sets::of(rule, basket)?;
            let missing = |missing| missing_pieces(offer(config), missing);
            near_misses.extend(sets.short.map(missing));
            sets.discounts(config, rule)?
        }
        Kind::Price(rule) => price::fixed(*rule, basket, &mut allowance)?,
        Kind::PriceList(rule) => price::listed(rule, basket, &mut allowance)?,
        Kind::Coupons(rule) => {
            grants.extend(grant::of_coupons(rule, facts, basket)?);
            Vec::new()
        }
        Kind::Draw(rule) => {
            grants.extend(grant::of_draw(rule, basket)?);
            Vec::new()
        }
        Kind::Steps(rule) => {
            let (discounts, near_miss) = steps(config, rule, basket)?;
            near_misses.extend(near_miss);
            discounts
        }
        Kind::Bundle(rule) => {
            let (discounts, short) = bundle(config, rule, basket)?;
            near_misses.extend(short.map(|missing| missing_pieces(rule.offer(), missing)));
            discounts
        }
        Kind::Gift(rule) => {
            let given = gift::given(rule, basket, earning)?;
            if given.is_none() {
                near_misses.push(choose(rule.price));
            }
            given.unwrap_or_default()
        }
    };
    if let Some(floor) = config.floor {
        discounts = floor::above(floor, facts, discounts)?;
    }
    let proposal = Proposal {
        discounts: within_cap(config, discounts)?,
        grants,
        near_misses,
        ..Proposal::none()
    };
    let takes_off = !proposal.discounts.is_empty();
    Ok(
        if takes_off && config.limit.units > 0 && allowance.taken > 0 {
            proposal.count(units_counter(config), allowance.taken)
        } else {
            proposal
        },
    )
}

/// Where the count of units stands among the needs.
fn units_counter(config: &Config) -> u32 {
    u32::from(config.limit.times > 0)
}

/// Where it is counted that a first order had it: of several quoted side by side one is the first.
fn first_order_counter(config: &Config) -> u32 {
    units_counter(config) + u32::from(config.limit.units > 0)
}

fn had_first_order(config: &Config, facts: &Facts) -> Result<bool, String> {
    if !config.who.first_order {
        return Ok(false);
    }
    let position = usize::try_from(first_order_counter(config)).unwrap_or(usize::MAX);
    let had = facts.counters.get(position).ok_or("The count of first orders is missing from the facts; bind the plugin again so that its needs are read anew.")?;
    Ok(*had > 0)
}

/// Thousandths this member had at the promotional price within the period.
fn units_used(config: &Config, facts: &Facts) -> Result<i64, String> {
    if config.limit.units == 0 {
        return Ok(0);
    }
    let position = usize::from(config.limit.times > 0);
    let used = facts.counters.get(position).copied();
    used.ok_or_else(|| "The count of units is missing from the facts; bind the plugin again so that its needs are read anew.".into())
}

/// A limit per member needs to know him, and so does a grant.
fn admission(config: &Config, facts: &Facts) -> Admission {
    let admission = config.who.admits(facts.member.as_ref(), &facts.order);
    let counts = config.limit.times > 0 || config.limit.units > 0;
    let gives = matches!(config.discount, Kind::Coupons(_) | Kind::Draw(_));
    let is_unknown = facts.member.is_none() && (counts || gives);
    if is_unknown && admission == Admission::Yes {
        Admission::WithCard
    } else {
        admission
    }
}

/// Whether the tenders named make the share they must. Nothing named is nothing paid with them.
fn is_paid_as_asked(paid_with: Option<&PaidWith>, facts: &Facts) -> Result<bool, Overflow> {
    let Some(paid_with) = paid_with else {
        return Ok(true);
    };
    let (mut counted, mut all) = (Money::ZERO, Money::ZERO);
    for tender in &facts.basket.tenders {
        let amount = Money(tender.amount.max(0));
        all = all.checked_add(amount)?;
        if paid_with
            .tenders
            .iter()
            .any(|name| name.kind() == tender.kind)
        {
            counted = counted.checked_add(amount)?;
        }
    }
    Ok(counted.is_positive() && counted >= all.mul_rate(paid_with.share, Rounding::Up)?)
}

/// Whether the tenders that count pay their share of what is left to pay, and not only of what was named so far: the
/// rest may be paid with anything.
fn covers_the_rest(config: &Config, facts: &Facts, proposal: &Proposal) -> Result<bool, Overflow> {
    let Some(paid_with) = &config.paid_with else {
        return Ok(true);
    };
    let mut due = Money::ZERO;
    for line in facts.lines() {
        let left = Money(line.reduced_amount.max(0));
        due = due.checked_add(left)?;
        if !facts.order.prices_include_tax {
            due = due.checked_add(left.mul_rate(line.tax_share(), Rounding::Down)?)?;
        }
    }
    let due = due.checked_sub(total(&proposal.discounts)?)?;
    let kinds = paid_with
        .tenders
        .iter()
        .map(|name| facts.tendered(name.kind()));
    let counted = Money::checked_sum(kinds)?;
    Ok(counted >= due.mul_rate(paid_with.share, Rounding::Down)?)
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
        reached: taxed_worth(basket, items, minimum.price, minimum.tax)?.0,
    };
    let count = Shortfall {
        wanted: minimum.quantity.into(),
        reached: piece_count(items)?,
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
        near_misses.push(missing_amount(
            offer(config),
            Money(money.wanted - money.reached),
        ));
    }
    if count.exists() {
        near_misses.push(missing_pieces(offer(config), count.wanted - count.reached));
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
