//! Taking back a sale or any part of it, as the exact inverse of what its document recorded.
//!
//! Nothing is evaluated again. What a line returns for the first `q` of its `n` units is `total × q / n`
//! rounded; a refund returns that less what earlier refunds returned, so any sequence of partial refunds
//! ends at the cent where one refund of everything would. Money goes back to its tenders in proportion
//! to what is left of each.

mod gifts;
mod legs;
mod passes;

#[cfg(test)]
mod tests;

use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use tessera_money::{Overflow, Rounding, mul_div, mul_rate};

use super::commission::{self, CommissionReturn};
use super::order::{
    AwardRecord, CounterOwner, CounterUse, OrderDocument, PurchaseRows, PurchaseSum, TaxSum, Terms,
    category_and_ancestors,
};
use super::pricing::CampaignRef;
use super::rules::{RuleKind, TenderKind, TierDecision};
use super::settlement::cost_of_points;
use super::tier_floor::TierFloor;
use gifts::Share;
pub use gifts::{BonusReturn, EntryReturn, GiftsBack, RewardReturn, Undone, undo};
pub use legs::{RefundTender, TenderRefunded};
use passes::{earned_by, returned_pass};

/// What is to come back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundRequest {
    pub lines: Vec<LineQuantity>,
    /// Pays the money part out in this kind; each tender's own kind when absent. Points and stored value
    /// always return to where they came from.
    pub to: Option<TenderKind>,
    /// Whether whoever asks may name another tender.
    pub may_choose_tender: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineQuantity {
    /// Position in the document.
    pub line: u32,
    /// Thousandths of a unit.
    pub quantity: i64,
}

/// What earlier refunds of the order returned: the sum of their plans.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refunded {
    /// Thousandths by line.
    pub quantities: Vec<i64>,
    /// Worth of the goods that came back, tax included.
    pub worth: i64,
    /// By tender of the document.
    pub tenders: Vec<TenderRefunded>,
    /// Part of what was never paid.
    pub unpaid: i64,
    /// Minor units paid out in cash before cash rounding.
    pub cash: i64,
    /// Minor units paid out in cash.
    pub cash_handed: i64,
    /// Points taken back, of the buyer and of others.
    #[serde(default)]
    pub points: i64,
    /// Granted coupons that went back already.
    pub voided: Vec<String>,
    /// Granted coupons that were used; known to whoever asks.
    pub used: Vec<String>,
    /// Uses left of the passes that were sold, by lot; known to whoever asks.
    #[serde(default)]
    pub passes: Vec<(String, i64)>,
}

/// What one refund does. All numbers are positive and name what goes back to the customer, or what is
/// taken back from him.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundPlan {
    pub lines: Vec<RefundedLine>,
    pub taxes: Vec<TaxSum>,
    /// Worth of the returned goods, tax included.
    pub total: i64,
    pub tenders: Vec<RefundTender>,
    /// Part of `total` that was never paid and is no longer owed.
    pub unpaid: i64,
    /// What cash rounding adds to the cash paid out (or takes away).
    pub rounding: i64,
    /// What [`RefundPlan::keep_back`] kept for points that were spent already.
    pub kept_back: Vec<Payout>,
    /// Points to take back, by award of the document.
    pub awards: Vec<AwardReturn>,
    /// Referral rewards, coupons, bonus and entries in draws to take back.
    #[serde(default)]
    pub gifts: GiftsBack,
    /// What the points that are taken back had cost the store, minor units.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub points_cost: i64,
    /// What people no longer earn.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub commissions: Vec<CommissionReturn>,
    /// Counter changes that undo those of the sale.
    pub counters: Vec<CounterUse>,
    /// Codes that can be used again.
    pub codes: Vec<String>,
    /// What the member's purchases lose; subtract these.
    pub purchases: Vec<PurchaseSum>,
    /// Whether nothing of the order is left after this.
    pub completes: bool,
    /// Occasions that gave something because of the order and have it taken back whole, by id.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub occasions: Vec<String>,
    /// What the tier rules answered, where the chain reviews tiers at a refund.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tier: Option<TierReview>,
    /// The order that was sold for what came back, in an exchange.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exchanged_for: Option<String>,
}

fn is_zero(amount: &i64) -> bool {
    *amount == 0
}

impl RefundPlan {
    /// Points taken back, of the buyer and of others.
    fn points_back(&self) -> i64 {
        let awards = self.awards.iter().map(|back| back.points);
        let rewards = self.gifts.rewards.iter().map(|back| back.points);
        awards.chain(rewards).fold(0, i64::saturating_add)
    }
}

/// A tier reviewed because of a refund.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TierReview {
    pub campaign: CampaignRef,
    pub before: Option<String>,
    pub decision: TierDecision,
    /// The tier somebody gave the member, also where its last day is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub floor: Option<TierFloor>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundedLine {
    pub line: u32,
    pub quantity: i64,
    pub net: i64,
    pub tax: i64,
    pub gross: i64,
    /// Thousandths that can still come back after this.
    pub remaining: i64,
    /// Of a pass, the uses that are given up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uses: Option<i64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct AwardReturn {
    pub award: u32,
    pub points: i64,
}

/// Money that leaves the till, by kind; for points and stored value its worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payout {
    pub kind: TenderKind,
    pub amount: i64,
}

/// Why nothing is refunded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RefundError {
    #[error("the refund names no line; name lines and quantities to take back")]
    Nothing,
    #[error("the order has no line {line}; name lines of this order by position")]
    UnknownLine { line: u32 },
    #[error("line {line} is named twice; name it once with the whole quantity")]
    Twice { line: u32 },
    #[error("the quantity of line {line} is not above zero; give what comes back")]
    Quantity { line: u32 },
    #[error("line {line} has {remaining} thousandths left to refund; take back at most that")]
    TooMuch { line: u32, remaining: i64 },
    #[error("line {line} sold a pass; it comes back whole, with the uses that are left")]
    PassInParts { line: u32 },
    #[error(
        "the pass of line {line} does not come back any more: it was used, or its time is over"
    )]
    PassUsed { line: u32 },
    #[error("line {line} was paid for with uses of a pass; whole pieces come back")]
    UseInParts { line: u32 },
    #[error(
        "paying out in another tender needs permission; leave it to the original tenders or ask a supervisor"
    )]
    TenderNotAllowed,
    #[error(
        "a refund cannot be paid out in points; choose cash, card, mobile, other or stored value"
    )]
    TenderNotPayable,
    #[error("the earlier refunds do not fit this order; check the store with `tessera verify`")]
    Damaged,
    #[error("an amount does not fit in 64 bits; refund fewer lines at once")]
    Overflow,
}

impl From<Overflow> for RefundError {
    fn from(_: Overflow) -> Self {
        Self::Overflow
    }
}

impl RefundError {
    /// A stable word for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Nothing => "refund_empty",
            Self::UnknownLine { .. } => "line_unknown",
            Self::Twice { .. } => "line_twice",
            Self::Quantity { .. } => "quantity_invalid",
            Self::TooMuch { .. } => "refund_too_much",
            Self::PassInParts { .. } | Self::UseInParts { .. } => "quantity_invalid",
            Self::PassUsed { .. } => "pass_used",
            Self::TenderNotAllowed => "tender_not_allowed",
            Self::TenderNotPayable => "tender_not_payable",
            Self::Damaged => "refund_history_damaged",
            Self::Overflow => "amount_overflow",
        }
    }
}

impl Refunded {
    /// Nothing returned yet.
    pub fn nothing(document: &OrderDocument) -> Self {
        Self {
            quantities: vec![0; document.lines.len()],
            worth: 0,
            tenders: vec![TenderRefunded::default(); document.tenders.len()],
            unpaid: 0,
            cash: 0,
            cash_handed: 0,
            points: 0,
            voided: Vec::new(),
            used: Vec::new(),
            passes: Vec::new(),
        }
    }

    /// Adds what one more refund returned.
    pub fn absorb(&mut self, plan: &RefundPlan) -> Result<(), RefundError> {
        for line in &plan.lines {
            let quantity = self
                .quantities
                .get_mut(line.line as usize)
                .ok_or(RefundError::Damaged)?;
            *quantity = quantity
                .checked_add(line.quantity)
                .ok_or(RefundError::Overflow)?;
        }
        for tender in &plan.tenders {
            self.tenders
                .get_mut(tender.tender as usize)
                .ok_or(RefundError::Damaged)?
                .absorb(tender)?;
        }
        let cash = plan.cash_before_rounding()?;
        self.worth = self.worth.checked_add(plan.total).ok_or(Overflow)?;
        self.points = self.points.saturating_add(plan.points_back());
        self.voided.extend(plan.gifts.voided.iter().cloned());
        self.unpaid = self.unpaid.checked_add(plan.unpaid).ok_or(Overflow)?;
        self.cash = self.cash.checked_add(cash).ok_or(Overflow)?;
        self.cash_handed = self
            .cash_handed
            .checked_add(cash)
            .and_then(|sum| sum.checked_add(plan.rounding))
            .ok_or(Overflow)?;
        Ok(())
    }
}

impl RefundRequest {
    /// Everything that is left of an order, to its own tenders.
    pub fn rest_of(document: &OrderDocument, refunded: &Refunded) -> Self {
        let left = document
            .lines
            .iter()
            .zip(&refunded.quantities)
            .map(|(line, back)| line.quantity - back);
        // At most MAX_LINES lines.
        let lines = left.enumerate().map(|(line, quantity)| LineQuantity {
            line: line as u32,
            quantity,
        });
        Self {
            lines: lines.filter(|line| line.quantity > 0).collect(),
            to: None,
            may_choose_tender: false,
        }
    }
}

/// Works out one refund.
pub fn plan(
    document: &OrderDocument,
    refunded: &Refunded,
    request: &RefundRequest,
) -> Result<RefundPlan, RefundError> {
    if refunded.quantities.len() != document.lines.len()
        || refunded.tenders.len() != document.tenders.len()
    {
        return Err(RefundError::Damaged);
    }
    let after = quantities_after(document, refunded, request)?;
    let mut lines = Vec::with_capacity(request.lines.len());
    for asked in &request.lines {
        lines.push(returned_line(document, refunded, asked)?);
    }
    let total = lines
        .iter()
        .try_fold(0_i64, |sum, line| sum.checked_add(line.gross))
        .ok_or(Overflow)?;
    let money = legs::pay_back(document, refunded, total, request)?;
    let shares = returned_points(document, refunded, &earned_by(document, &lines, &after)?)?;
    let completes = document
        .lines
        .iter()
        .zip(&after)
        .all(|(line, back)| line.quantity == *back);
    let share = Share::new(document, refunded.worth, total, completes)?;
    let frees = completes && document.terms.cancelled_order_frees_usage;
    let used = document.codes.iter().filter(|code| code.used && frees);
    let mut plan = RefundPlan {
        taxes: tax_sums(document, &lines)?,
        purchases: purchases(document, &lines, &shares, &after),
        awards: award_returns(&shares)?,
        gifts: gifts::back(document, refunded, share)?,
        commissions: commission::returned(
            &document.commissions,
            &document.lines,
            (&refunded.quantities, &after),
        )?,
        counters: if completes {
            counters(document)?
        } else {
            Vec::new()
        },
        codes: used.map(|code| code.code.clone()).collect(),
        lines,
        total,
        tenders: money.tenders,
        unpaid: money.unpaid,
        rounding: money.rounding,
        kept_back: Vec::new(),
        completes,
        occasions: Vec::new(),
        tier: None,
        exchanged_for: None,
        points_cost: 0,
    };
    if let Some(value) = document.terms.points_cost {
        let left = document.points_given() - refunded.points;
        plan.points_cost = cost_of_points(value, left - plan.points_back(), left)?;
    }
    Ok(plan)
}

/// The part of `total` the first `part` of `whole` stand for; grows with `part` and ends at `total`.
pub(super) fn cumulative(total: i64, part: i64, whole: i64) -> Result<i64, Overflow> {
    if whole == 0 {
        Ok(0)
    } else {
        mul_div(total, part, whole, Rounding::HalfUp)
    }
}

/// Thousandths returned of every line once this refund is done.
fn quantities_after(
    document: &OrderDocument,
    refunded: &Refunded,
    request: &RefundRequest,
) -> Result<Vec<i64>, RefundError> {
    if request.lines.is_empty() {
        return Err(RefundError::Nothing);
    }
    let mut after = refunded.quantities.clone();
    let mut named = vec![false; after.len()];
    for LineQuantity { line, quantity } in request.lines.iter().copied() {
        let position = line as usize;
        let sold = document
            .lines
            .get(position)
            .ok_or(RefundError::UnknownLine { line })?
            .quantity;
        if std::mem::replace(&mut named[position], true) {
            return Err(RefundError::Twice { line });
        }
        if quantity <= 0 {
            return Err(RefundError::Quantity { line });
        }
        let remaining = sold - after[position];
        if quantity > remaining {
            return Err(RefundError::TooMuch { line, remaining });
        }
        after[position] += quantity;
    }
    Ok(after)
}

fn returned_line(
    document: &OrderDocument,
    refunded: &Refunded,
    asked: &LineQuantity,
) -> Result<RefundedLine, RefundError> {
    let sold = &document.lines[asked.line as usize];
    if let Some(pass) = &sold.pass_sold {
        return returned_pass(sold, pass, refunded, asked);
    }
    if sold.pass_used.is_some() && asked.quantity % 1_000 != 0 {
        return Err(RefundError::UseInParts { line: asked.line });
    }
    let before = refunded.quantities[asked.line as usize];
    let after = before + asked.quantity;
    let gross = |quantity| cumulative(sold.gross, quantity, sold.quantity);
    // Tax goes by the gross already rounded: so neither it nor the net ever runs backwards.
    let tax = |quantity| cumulative(sold.tax, gross(quantity)?, sold.gross);
    let (gross, tax) = (gross(after)? - gross(before)?, tax(after)? - tax(before)?);
    let remaining = sold.quantity - after;
    Ok(RefundedLine {
        line: asked.line,
        quantity: asked.quantity,
        net: gross - tax,
        tax,
        gross,
        remaining,
        uses: None,
    })
}

fn tax_sums(document: &OrderDocument, lines: &[RefundedLine]) -> Result<Vec<TaxSum>, Overflow> {
    let mut sums = Vec::new();
    for class in &document.taxes {
        let mut sum = TaxSum {
            net: 0,
            tax: 0,
            gross: 0,
            ..class.clone()
        };
        for line in lines
            .iter()
            .filter(|line| document.lines[line.line as usize].tax_class == class.class)
        {
            sum.net = sum.net.checked_add(line.net).ok_or(Overflow)?;
            sum.tax = sum.tax.checked_add(line.tax).ok_or(Overflow)?;
            sum.gross = sum.gross.checked_add(line.gross).ok_or(Overflow)?;
        }
        if sum.gross != 0 || sum.tax != 0 {
            sums.push(sum);
        }
    }
    Ok(sums)
}

/// Points this refund takes back, by award and line.
fn returned_points(
    document: &OrderDocument,
    refunded: &Refunded,
    after: &[i64],
) -> Result<Vec<Vec<(usize, i64)>>, RefundError> {
    let of_award = |award: &AwardRecord| {
        let mut shares = Vec::new();
        for share in &award.shares {
            let line = share.line as usize;
            let sold = document
                .lines
                .get(line)
                .ok_or(RefundError::Damaged)?
                .quantity;
            let points = cumulative(share.share, after[line], sold)?
                - cumulative(share.share, refunded.quantities[line], sold)?;
            if points != 0 {
                shares.push((line, points));
            }
        }
        Ok(shares)
    };
    document.awards.iter().map(of_award).collect()
}

fn award_returns(shares: &[Vec<(usize, i64)>]) -> Result<Vec<AwardReturn>, Overflow> {
    let mut returns = Vec::new();
    for (award, shares) in shares.iter().enumerate() {
        let points = shares
            .iter()
            .try_fold(0_i64, |sum, (_, points)| sum.checked_add(*points))
            .ok_or(Overflow)?;
        if points != 0 {
            // A document has at most 256 campaigns with 100 awards each.
            returns.push(AwardReturn {
                award: award as u32,
                points,
            });
        }
    }
    Ok(returns)
}

/// What purchases lose. An order stops counting for a category when its last line there is gone.
fn purchases(
    document: &OrderDocument,
    lines: &[RefundedLine],
    shares: &[Vec<(usize, i64)>],
    after: &[i64],
) -> Vec<PurchaseSum> {
    let mut rows = PurchaseRows::default();
    for line in lines {
        let position = line.line as usize;
        let of_line = shares
            .iter()
            .flatten()
            .filter(|(line, _)| *line == position);
        let points = of_line.fold(0_i64, |sum, (_, points)| sum.saturating_add(*points));
        let part = PurchaseSum {
            spend: line.gross,
            units: line.quantity,
            points,
            ..PurchaseSum::default()
        };
        rows.add(&document.lines[position].category, &part);
    }
    let kept = document
        .lines
        .iter()
        .zip(after)
        .filter(|(line, back)| line.quantity > **back);
    let still: HashSet<&str> = kept
        .flat_map(|(line, _)| category_and_ancestors(&line.category))
        .collect();
    let mut rows = rows.into_rows();
    for row in &mut rows {
        row.orders = i64::from(!still.contains(row.category.as_str()));
    }
    rows
}

/// Undoes the counters: what a rule counted always, what counts against a limit where usage is freed, and
/// of a referral rule only what its rewards come back with.
fn counters(document: &OrderDocument) -> Result<Vec<CounterUse>, Overflow> {
    let keeps_rewards = |campaign: u32| {
        let is_referral = document
            .campaigns
            .get(campaign as usize)
            .is_some_and(|campaign| campaign.kind == RuleKind::Referral);
        let rewards = document
            .referral
            .iter()
            .flat_map(|referral| &referral.rewards);
        let keeps_points = rewards
            .into_iter()
            .any(|reward| reward.campaign == campaign && !reward.clawback);
        let mut grants = document.grants.iter();
        is_referral
            && (keeps_points || grants.any(|record| record.campaign == campaign && record.is_kept))
    };
    let freed = document.counters.iter().filter(|counter| {
        let by_terms =
            counter.owner == CounterOwner::Rule || document.terms.cancelled_order_frees_usage;
        by_terms && !keeps_rewards(counter.campaign)
    });
    freed
        .map(|counter| {
            let change = counter.change.checked_neg().ok_or(Overflow)?;
            Ok(CounterUse {
                change,
                ..counter.clone()
            })
        })
        .collect()
}

impl Terms {
    /// What points were worth at the sale, rounded down; nothing where they were no tender.
    pub fn worth_of(&self, points: i64) -> Result<i64, Overflow> {
        self.points_value
            .map_or(Ok(0), |value| mul_rate(points, value, Rounding::Down))
    }
}
