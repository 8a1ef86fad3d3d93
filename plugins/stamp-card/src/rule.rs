//! Stamps, and the free piece of a full card.

use tessera_sdk::goods::pieces;
use tessera_sdk::promotions::{Discount, Facts, NearMiss, Proposal};
use tessera_sdk::types::CounterChange;
use tessera_sdk::{LineView, Money, Rounding, message, mul_div};

use crate::config::Config;

/// Answers the free pieces of one basket and how many stamps the card has afterwards.
pub fn stamp(config: &Config, facts: &Facts) -> Result<Proposal, String> {
    if facts.member.is_none() {
        return Ok(Proposal::none());
    }
    let stamps = facts
        .counters
        .first()
        .copied()
        .ok_or("The stamps are missing from the facts; bind the plugin again so that its needs are read anew.")?;
    let picker = config.goods.picker(&facts.basket);
    let mut goods: Vec<Goods> = facts
        .lines()
        .filter(|line| line.amount > 0 && picker.picks(*line))
        .filter_map(Goods::of)
        .collect();
    let bought = goods
        .iter()
        .try_fold(0_i64, |sum, line| sum.checked_add(line.pieces));
    let bought = bought.ok_or("There are more pieces than can be counted; split the order.")?;
    let card = fill(config, stamps, bought)?;
    goods.sort_by(Goods::by_price);
    Ok(Proposal {
        discounts: free(&goods, card.free, config)?,
        near_misses: remind(config, bought, card.stamps),
        counters: change(stamps, card.stamps)?,
        ..Proposal::none()
    })
}

/// Whole pieces of one line that earn stamps.
struct Goods {
    position: u32,
    pieces: i64,
    amount: i64,
}

impl Goods {
    fn of(line: LineView<'_>) -> Option<Goods> {
        Some(Goods {
            position: line.position(),
            pieces: pieces(&line)?,
            amount: line.amount,
        })
    }

    /// Cheapest piece first; of equals the earlier line.
    fn by_price(a: &Goods, b: &Goods) -> std::cmp::Ordering {
        let left = i128::from(a.amount) * i128::from(b.pieces);
        let right = i128::from(b.amount) * i128::from(a.pieces);
        left.cmp(&right).then(a.position.cmp(&b.position))
    }
}

/// A card after the basket.
struct Card {
    free: i64,
    stamps: i64,
}

/// Puts so many pieces on a card that already has some stamps. `every - 1` stamps make the next piece free and are
/// used up by it. Two tills at once may leave more stamps than fill a card; none is lost.
fn fill(config: &Config, stamps: i64, bought: i64) -> Result<Card, String> {
    let too_many = "There are more stamps than can be counted; correct the member's card.";
    // Below zero where stamps came back with a refund after the free piece they had paid for.
    let held = stamps;
    let every = i64::from(config.every.max(2));
    let (cycle, together) = if config.free_earns {
        // The last piece of the basket cannot pay for itself: its own stamp comes after it.
        (
            every - 1,
            held.checked_add(bought).and_then(|sum| sum.checked_sub(1)),
        )
    } else {
        (every, held.checked_add(bought))
    };
    let together = together.ok_or(too_many)?;
    let free = (together.max(0) / cycle).min(bought);
    let after = held
        .checked_add(bought)
        .and_then(|sum| sum.checked_sub(free.checked_mul(cycle)?))
        .ok_or(too_many)?;
    Ok(Card {
        free,
        stamps: after,
    })
}

/// One discount per line, cheapest pieces first.
fn free(cheapest_first: &[Goods], mut left: i64, config: &Config) -> Result<Vec<Discount>, String> {
    let mut discounts = Vec::new();
    for goods in cheapest_first {
        let taken = goods.pieces.min(left);
        left -= taken;
        let amount = mul_div(goods.amount, taken, goods.pieces, Rounding::Down)?;
        if amount > 0 {
            let reason = message!("free", every = config.every);
            discounts.push(Discount::line(goods.position, Money(amount), reason));
        }
    }
    Ok(discounts)
}

/// Says how many pieces are missing until the next one is free, when few are.
fn remind(config: &Config, bought: i64, stamps: i64) -> Vec<NearMiss> {
    let missing = i64::from(config.every) - stamps.max(0);
    if bought == 0 || missing < 1 || missing > i64::from(config.remind) {
        return vec![];
    }
    let reason = match missing {
        1 => message!("next-is-free"),
        _ => message!("stamps-missing", missing = missing - 1),
    };
    vec![NearMiss::new(reason)]
}

fn change(before: i64, after: i64) -> Result<Vec<CounterChange>, String> {
    let change = after
        .checked_sub(before)
        .ok_or("The card's stamps are out of range; correct the member's card.")?;
    Ok(if change == 0 {
        vec![]
    } else {
        vec![CounterChange { counter: 0, change }]
    })
}
