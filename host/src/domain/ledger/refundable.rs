//! What of an order can still be refunded.

use super::draft::{Draft, invalid, positive, sum};
use super::refusal::Refusal;
use super::state::{Refundable, RefundableLine, RefundableTender};

pub(super) fn open(
    draft: &mut Draft<'_>,
    order: &str,
    lines: &[i64],
    tenders: &[(String, i64)],
) -> Result<(), Refusal> {
    if draft.refundable(order).is_some() {
        return Err(invalid(format!("order `{order}` is not new")));
    }
    for sold in lines {
        positive("a sold quantity", *sold)?;
    }
    for (at, (key, paid)) in tenders.iter().enumerate() {
        positive("a paid amount", *paid)?;
        if tenders[..at].iter().any(|(other, _)| other == key) {
            return Err(invalid(format!("tender `{key}` is there twice")));
        }
    }
    draft.put_refundable(
        order,
        Refundable {
            sequence: 0,
            base: -1,
            lines: lines
                .iter()
                .map(|sold| RefundableLine {
                    sold: *sold,
                    refunded: 0,
                })
                .collect(),
            tenders: tenders
                .iter()
                .map(|(key, paid)| RefundableTender {
                    key: key.clone(),
                    paid: *paid,
                    refunded: 0,
                })
                .collect(),
        },
    );
    Ok(())
}

pub(super) fn refund(
    draft: &mut Draft<'_>,
    order: &str,
    expected: i64,
    lines: &[(u32, i64)],
    tenders: &[(String, i64)],
) -> Result<(), Refusal> {
    let mut state = unchanged(draft, order, expected)?;
    for (at, asked) in lines {
        let line = usize::try_from(*at)
            .ok()
            .and_then(|at| state.lines.get_mut(at))
            .ok_or_else(|| invalid(format!("order `{order}` has no line {at}")))?;
        line.refunded = add(
            order,
            &format!("line {at}"),
            line.sold,
            line.refunded,
            *asked,
        )?;
    }
    for (key, asked) in tenders {
        let tender = state
            .tenders
            .iter_mut()
            .find(|tender| tender.key == *key)
            .ok_or_else(|| invalid(format!("order `{order}` has no tender `{key}`")))?;
        let what = format!("tender {key}");
        tender.refunded = add(order, &what, tender.paid, tender.refunded, *asked)?;
    }
    state.sequence += 1;
    draft.put_refundable(order, state);
    Ok(())
}

/// A claim takes the order's first change, so that a refund that did not know of it, or another claim, is refused.
pub(super) fn claim(draft: &mut Draft<'_>, order: &str) -> Result<(), Refusal> {
    let mut state = unchanged(draft, order, 0)?;
    state.sequence += 1;
    draft.put_refundable(order, state);
    Ok(())
}

pub(super) fn stands(draft: &mut Draft<'_>, order: &str) -> Result<(), Refusal> {
    let Some(mut state) = draft.refundable(order) else {
        return Err(Refusal::OrderUnknown {
            order: order.to_owned(),
        });
    };
    if state.is_back_whole() {
        return Err(Refusal::OrderRefunded {
            order: order.to_owned(),
        });
    }
    state.sequence += 1;
    draft.put_refundable(order, state);
    Ok(())
}

/// The order, if nothing happened to it beyond the `expected` changes.
fn unchanged(draft: &Draft<'_>, order: &str, expected: i64) -> Result<Refundable, Refusal> {
    let Some(state) = draft.refundable(order) else {
        return Err(Refusal::OrderUnknown {
            order: order.to_owned(),
        });
    };
    if state.sequence != expected {
        return Err(Refusal::OrderChanged {
            order: order.to_owned(),
            expected,
            found: state.sequence,
        });
    }
    Ok(state)
}

fn add(order: &str, what: &str, sold: i64, refunded: i64, asked: i64) -> Result<i64, Refusal> {
    positive("a refunded part", asked)?;
    let after = sum(refunded, asked)?;
    if after > sold {
        return Err(Refusal::OverRefund {
            order: order.to_owned(),
            what: what.to_owned(),
            sold,
            refunded,
            asked,
        });
    }
    Ok(after)
}
