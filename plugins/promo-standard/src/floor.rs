//! What no line goes below.

use tessera_sdk::promotions::{Discount, Facts, Target};
use tessera_sdk::{LineView, Money, Overflow, Rate, Rounding, mul_div, split};

use crate::config::Floor;

/// The discounts with what each line can bear. A discount over several lines becomes one for each of them: only then
/// is it sure which line bears what.
pub fn above(
    floor: Floor,
    facts: &Facts,
    discounts: Vec<Discount>,
) -> Result<Vec<Discount>, Overflow> {
    let includes_tax = facts.order.prices_include_tax;
    let room = |line| room(floor, line, includes_tax);
    let mut room: Vec<i64> = facts.lines().map(room).collect::<Result<_, _>>()?;
    let mut kept = Vec::new();
    for discount in discounts {
        let lines = targets(&discount, facts);
        let shares = spread(discount.amount, &lines, facts, &mut room)?;
        for (line, amount) in lines.into_iter().zip(shares) {
            if amount > 0 {
                let position = u32::try_from(line).map_err(|_| Overflow)?;
                let mut basis = discount.basis.clone();
                basis.retain(|one| *one != position);
                let reason = discount.reason.clone();
                kept.push(Discount::line(position, Money(amount), reason).earned_by(basis));
            }
        }
    }
    Ok(kept)
}

/// What can come off a line.
fn room(floor: Floor, line: LineView<'_>, includes_tax: bool) -> Result<i64, Overflow> {
    if line.quantity <= 0 {
        return Ok(0);
    }
    let of_price = Money(line.list_amount.max(0)).mul_rate(floor.price, Rounding::Up)?;
    let of_cost = match (floor.margin, line.cost()) {
        (Some(margin), Some(cost)) => {
            let cost = mul_div(cost.0.max(0), line.quantity, 1_000, Rounding::Up)?;
            // The cost is what is left of the price without its margin.
            let rest = Rate::ONE.minus(margin)?;
            let mut times =
                Rate::new(rest.denominator(), rest.numerator()).map_err(|_| Overflow)?;
            if includes_tax {
                times = times.times(Rate::ONE.plus(line.tax_share())?)?;
            }
            Money(cost).mul_rate(times, Rounding::Up)?
        }
        _ => Money::ZERO,
    };
    let left = Money(line.amount.max(0)).checked_sub(of_price.max(of_cost))?;
    Ok(left.0.max(0))
}

fn targets(discount: &Discount, facts: &Facts) -> Vec<usize> {
    let place = |position: &u32| usize::try_from(*position).unwrap_or(usize::MAX);
    match &discount.target {
        Target::Line(line) => vec![place(line)],
        Target::Lines(lines) => lines.iter().map(place).collect(),
        Target::Order => (0..facts.basket.lines.len()).collect(),
    }
}

/// Shares by what is left of each line, none above its room; what one cannot bear goes to the others.
fn spread(
    amount: i64,
    lines: &[usize],
    facts: &Facts,
    room: &mut [i64],
) -> Result<Vec<i64>, Overflow> {
    let mut shares = vec![0_i64; lines.len()];
    let mut rest = amount;
    // Each round fills a line or ends, so there are no more rounds than lines.
    for _ in 0..=lines.len() {
        let weights: Vec<i64> = lines
            .iter()
            .map(|line| match room[*line] {
                0 => 0,
                _ => facts.basket.lines[*line].amount.max(0),
            })
            .collect();
        if rest <= 0 || weights.iter().all(|weight| *weight == 0) {
            break;
        }
        for ((share, part), line) in shares.iter_mut().zip(split(rest, &weights)).zip(lines) {
            let borne = part.min(room[*line]);
            room[*line] -= borne;
            *share += borne;
            rest -= borne;
        }
    }
    Ok(shares)
}
