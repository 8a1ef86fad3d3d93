//! Spreading a refund's money back over the tenders it came from.

use serde::{Deserialize, Serialize};
use tessera_money::{Overflow, Rounding, mul_div, split};

use super::{Payout, RefundError, RefundPlan, RefundRequest, Refunded, cumulative};
use crate::domain::order::{OrderDocument, Tender};
use crate::domain::pricing::round_cash;
use crate::domain::rules::TenderKind;

/// What earlier refunds took from one tender of the sale.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TenderRefunded {
    /// Minor units before cash rounding, whatever they were paid out as.
    pub amount: i64,
    pub points: i64,
    pub principal: i64,
    pub bonus: i64,
}

/// What one refund takes from one tender of the sale.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundTender {
    /// Position in the document.
    pub tender: u32,
    pub kind: TenderKind,
    /// What it is paid out as; `kind` unless another was asked for.
    pub paid_as: TenderKind,
    /// Minor units before cash rounding.
    pub amount: i64,
    /// Point-units given back, for points.
    pub points: i64,
    /// Parts of `amount` given back to stored value. Money paid out as stored value is principal.
    pub principal: i64,
    pub bonus: i64,
}

pub(super) struct PaidBack {
    pub tenders: Vec<RefundTender>,
    pub unpaid: i64,
    pub rounding: i64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Purse {
    Whole,
    Principal,
    Bonus,
    Unpaid,
}

/// A place money came from, and what is left to return there.
struct Leg {
    tender: usize,
    purse: Purse,
    left: i64,
}

impl TenderRefunded {
    pub(super) fn absorb(&mut self, tender: &RefundTender) -> Result<(), Overflow> {
        let own = tender.kind == TenderKind::StoredValue;
        for (sum, part) in [
            (&mut self.amount, tender.amount),
            (&mut self.points, tender.points),
            (&mut self.principal, if own { tender.principal } else { 0 }),
            (&mut self.bonus, tender.bonus),
        ] {
            *sum = sum.checked_add(part).ok_or(Overflow)?;
        }
        Ok(())
    }
}

/// Spreads `total` over what is left of each tender, and rounds what is paid out in cash so that all cash
/// refunds together hand out what one refund would.
pub(super) fn pay_back(
    document: &OrderDocument,
    refunded: &Refunded,
    total: i64,
    request: &RefundRequest,
) -> Result<PaidBack, RefundError> {
    match request.to {
        Some(TenderKind::Points) => return Err(RefundError::TenderNotPayable),
        Some(_) if !request.may_choose_tender => return Err(RefundError::TenderNotAllowed),
        _ => {}
    }
    let legs = legs(document, refunded)?;
    let weights: Vec<i64> = legs.iter().map(|leg| leg.left).collect();
    let most = weights
        .iter()
        .try_fold(0_i64, |sum, left| sum.checked_add(*left))
        .ok_or(Overflow)?;
    if total > most {
        return Err(RefundError::Damaged);
    }
    let mut paid = PaidBack {
        tenders: Vec::new(),
        unpaid: 0,
        rounding: 0,
    };
    for (leg, part) in legs.iter().zip(split(total, &weights)) {
        if part > 0 {
            paid.add(document, refunded, leg, part, request.to)?;
        }
    }
    let cash = cash_of(&paid.tenders)?;
    let after = refunded.cash.checked_add(cash).ok_or(Overflow)?;
    let handed = cash_handed(document, after)?
        .checked_sub(refunded.cash_handed)
        .ok_or(Overflow)?;
    paid.rounding = handed - cash;
    Ok(paid)
}

fn legs(document: &OrderDocument, refunded: &Refunded) -> Result<Vec<Leg>, RefundError> {
    let mut legs = Vec::with_capacity(document.tenders.len() + 2);
    for (tender, (paid, back)) in document.tenders.iter().zip(&refunded.tenders).enumerate() {
        if paid.kind == TenderKind::StoredValue {
            legs.push(Leg {
                tender,
                purse: Purse::Principal,
                left: paid.principal - back.principal,
            });
            legs.push(Leg {
                tender,
                purse: Purse::Bonus,
                left: paid.bonus - back.bonus,
            });
        } else {
            legs.push(Leg {
                tender,
                purse: Purse::Whole,
                left: paid.amount - paid.rounding - back.amount,
            });
        }
    }
    legs.push(Leg {
        tender: 0,
        purse: Purse::Unpaid,
        left: document.totals.left_to_pay - refunded.unpaid,
    });
    if legs.iter().any(|leg| leg.left < 0) {
        return Err(RefundError::Damaged);
    }
    Ok(legs)
}

impl PaidBack {
    fn add(
        &mut self,
        document: &OrderDocument,
        refunded: &Refunded,
        leg: &Leg,
        part: i64,
        to: Option<TenderKind>,
    ) -> Result<(), RefundError> {
        if leg.purse == Purse::Unpaid {
            self.unpaid = part;
            return Ok(());
        }
        let sold = &document.tenders[leg.tender];
        let own = matches!(sold.kind, TenderKind::Points | TenderKind::StoredValue);
        let paid_as = to.filter(|_| !own).unwrap_or(sold.kind);
        let principal = match leg.purse {
            Purse::Principal => part,
            _ if !own && paid_as == TenderKind::StoredValue => part,
            _ => 0,
        };
        let bonus = if leg.purse == Purse::Bonus { part } else { 0 };
        let points = points_back(sold, &refunded.tenders[leg.tender], part)?;
        // A stored-value tender has two legs and is one entry of the plan.
        match self.tenders.last_mut() {
            Some(last) if last.tender as usize == leg.tender => {
                last.amount += part;
                last.principal += principal;
                last.bonus += bonus;
            }
            // At most MAX_TENDERS of them.
            _ => self.tenders.push(RefundTender {
                tender: leg.tender as u32,
                kind: sold.kind,
                paid_as,
                amount: part,
                points,
                principal,
                bonus,
            }),
        }
        Ok(())
    }
}

fn points_back(sold: &Tender, back: &TenderRefunded, part: i64) -> Result<i64, RefundError> {
    if sold.kind != TenderKind::Points {
        return Ok(0);
    }
    let so_far = back.amount.checked_add(part).ok_or(Overflow)?;
    Ok(cumulative(sold.points, so_far, sold.amount)? - back.points)
}

fn cash_of(tenders: &[RefundTender]) -> Result<i64, Overflow> {
    let cash = tenders
        .iter()
        .filter(|tender| tender.paid_as == TenderKind::Cash);
    cash.map(|tender| tender.amount)
        .try_fold(0_i64, i64::checked_add)
        .ok_or(Overflow)
}

/// Coins handed out once refunds in cash reached `cash`: rounded like a sale, and exactly what was paid in
/// cash once all of that is back.
fn cash_handed(document: &OrderDocument, cash: i64) -> Result<i64, Overflow> {
    let tenders = document
        .tenders
        .iter()
        .filter(|tender| tender.kind == TenderKind::Cash);
    let (mut paid, mut before_rounding) = (0_i64, 0_i64);
    for tender in tenders {
        paid = paid.checked_add(tender.amount).ok_or(Overflow)?;
        before_rounding = before_rounding
            .checked_add(tender.amount - tender.rounding)
            .ok_or(Overflow)?;
    }
    let rounding = document.terms.cash_rounding;
    if cash < before_rounding {
        return Ok(round_cash(cash, rounding)?.min(paid));
    }
    paid.checked_add(round_cash(cash - before_rounding, rounding)?)
        .ok_or(Overflow)
}

impl RefundPlan {
    pub(super) fn cash_before_rounding(&self) -> Result<i64, Overflow> {
        cash_of(&self.tenders)
    }

    /// What is handed out, by kind: cash rounded, what was kept back left out. Points and stored value are
    /// here by their worth.
    pub fn payouts(&self) -> Result<Vec<Payout>, Overflow> {
        let mut payouts: Vec<Payout> = Vec::new();
        let mut add = |kind, amount: i64| {
            match payouts.iter_mut().find(|payout| payout.kind == kind) {
                Some(payout) => {
                    payout.amount = payout.amount.checked_add(amount).ok_or(Overflow)?
                }
                None => payouts.push(Payout { kind, amount }),
            }
            Ok(())
        };
        for tender in &self.tenders {
            add(tender.paid_as, tender.amount)?;
        }
        if self.rounding != 0 {
            add(TenderKind::Cash, self.rounding)?;
        }
        for kept in &self.kept_back {
            add(kept.kind, -kept.amount)?;
        }
        payouts.retain(|payout| payout.amount != 0);
        Ok(payouts)
    }

    /// Keeps the worth of points that cannot be taken back, and answers how many points are paid for by that. Where
    /// only part could be kept, the others are still owed, and none twice.
    pub fn keep_for_points(
        &mut self,
        document: &OrderDocument,
        short: i64,
    ) -> Result<i64, Overflow> {
        let worth = document.terms.worth_of(short)?;
        let kept = self.keep_back(document, worth)?;
        if worth == 0 {
            return Ok(0);
        }
        mul_div(short, kept, worth, Rounding::Down)
    }

    /// Keeps up to `worth` minor units of the money for points that were spent already, cards before cash,
    /// and answers what could be kept. Of cash only what coins can pay is kept; points and stored value
    /// never are.
    pub fn keep_back(&mut self, document: &OrderDocument, worth: i64) -> Result<i64, Overflow> {
        let mut open = worth.max(0);
        let mut payouts = self.payouts()?;
        payouts.sort_by_key(|payout| payout.kind == TenderKind::Cash);
        for payout in payouts {
            let mut kept = match payout.kind {
                TenderKind::Points | TenderKind::StoredValue => 0,
                _ => open.min(payout.amount),
            };
            if let (TenderKind::Cash, Some(coins)) = (payout.kind, document.terms.cash_rounding) {
                kept -= kept % coins.increment;
            }
            if kept > 0 {
                open -= kept;
                self.kept_back.push(Payout {
                    kind: payout.kind,
                    amount: kept,
                });
            }
        }
        Ok(worth.max(0) - open)
    }
}
