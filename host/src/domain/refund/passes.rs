//! Passes that come back: for the uses that are left, by the rule they were sold under.

use tessera_money::{Overflow, Rounding, mul_div};

use super::{LineQuantity, RefundError, Refunded, RefundedLine, cumulative};
use crate::domain::order::{OrderDocument, OrderLine};
use crate::domain::pass::PassSold;

/// What the points of every line go by: its quantity, and of a pass the share of its price that comes back, since it
/// never comes back a second time.
pub(super) fn earned_by(
    document: &OrderDocument,
    lines: &[RefundedLine],
    after: &[i64],
) -> Result<Vec<i64>, Overflow> {
    let mut earned = after.to_vec();
    for line in lines.iter().filter(|line| line.uses.is_some()) {
        let sold = &document.lines[line.line as usize];
        if sold.gross > 0 {
            earned[line.line as usize] =
                mul_div(sold.quantity, line.gross, sold.gross, Rounding::HalfUp)?;
        }
    }
    Ok(earned)
}

/// A pass that comes back, with what is owed for the uses that are left.
pub(super) fn returned_pass(
    sold: &OrderLine,
    pass: &PassSold,
    refunded: &Refunded,
    asked: &LineQuantity,
) -> Result<RefundedLine, RefundError> {
    let line = asked.line;
    if asked.quantity != sold.quantity {
        return Err(RefundError::PassInParts { line });
    }
    let left = refunded
        .passes
        .iter()
        .find(|(lot, _)| Some(lot) == pass.lot.as_ref())
        .map_or(0, |(_, left)| *left);
    let gross = pass
        .back(sold.gross, left)?
        .ok_or(RefundError::PassUsed { line })?;
    let tax = cumulative(sold.tax, gross, sold.gross)?;
    Ok(RefundedLine {
        line,
        quantity: asked.quantity,
        net: gross - tax,
        tax,
        gross,
        remaining: 0,
        uses: Some(left),
    })
}
