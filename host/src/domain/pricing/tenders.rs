//! Paying what is due: points, then stored value, then cards and the like, cash last because it is rounded.

use tessera_money::{Overflow, Rounding, div_round, mul_div, mul_rate, split};

use super::PricingError;
use crate::domain::basket::TenderIntent;
use crate::domain::order::{OrderDocument, Tender};
use crate::domain::rules::TenderKind;
use crate::domain::settings::{CashRounding, CheckoutSettings, PointsTender, StoredValueOrder};

/// What the member has to spend.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Wallet {
    /// Point-units that are available today.
    pub points: i64,
    /// Minor units.
    pub principal: i64,
    /// Minor units that are spendable today.
    pub bonus: i64,
}

/// What was taken, in the order it was taken.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Payment {
    pub tenders: Vec<Tender>,
    pub left: i64,
    pub rounding: i64,
    pub change: i64,
}

/// Takes the intended tenders from `total`. Without a wallet there is no member. `strict` refuses more than
/// the wallet holds; a sale that happened already is not refused for that.
pub fn pay(
    total: i64,
    intents: &[TenderIntent],
    settings: &CheckoutSettings,
    wallet: Option<Wallet>,
    strict: bool,
) -> Result<Payment, PricingError> {
    let mut payment = Payment {
        left: total,
        ..Payment::default()
    };
    for (position, intent) in intents.iter().enumerate() {
        if let TenderIntent::Points { points } = intent {
            let wallet = wallet.ok_or(PricingError::NeedsMember { position })?;
            let rules = settings
                .points_tender
                .as_ref()
                .ok_or(PricingError::PointsNotAccepted { position })?;
            if *points > 0 && strict {
                payment.take_points(position, *points, wallet.points, rules)?;
            } else if *points > 0 {
                let taken = PointsTender {
                    minimum: 0,
                    multiple: 1,
                    max_share: None,
                    ..rules.clone()
                };
                payment.take_points(position, *points, i64::MAX, &taken)?;
            }
        }
    }
    for (position, intent) in intents.iter().enumerate() {
        if let TenderIntent::StoredValue { amount } = intent {
            let wallet = wallet.ok_or(PricingError::NeedsMember { position })?;
            payment.take_stored_value(
                position,
                *amount,
                wallet,
                settings.stored_value_order,
                strict,
            )?;
        }
    }
    payment.take_money(intents, settings.cash_rounding)?;
    Ok(payment)
}

impl OrderDocument {
    /// Pays part of what a quote left open with stored value that comes back to the buyer in the same act.
    pub fn pay_with_returned(&mut self, principal: i64, bonus: i64) -> Result<(), PricingError> {
        let amount = principal.checked_add(bonus).ok_or(Overflow)?;
        self.totals.paid = self.totals.paid.checked_add(amount).ok_or(Overflow)?;
        self.totals.left_to_pay = self
            .totals
            .left_to_pay
            .checked_sub(amount)
            .ok_or(Overflow)?;
        self.tenders.push(Tender {
            principal,
            bonus,
            ..tender(TenderKind::StoredValue, amount)
        });
        Ok(())
    }

    /// Pays what a quote left open with money the till names at the commit. Rules are not asked again: money
    /// tenders that a rule must see belong into the quote.
    pub fn pay_rest(&mut self, intents: &[TenderIntent]) -> Result<(), PricingError> {
        let mut payment = Payment {
            left: self.totals.left_to_pay,
            ..Payment::default()
        };
        if let Some(position) = intents.iter().position(|intent| {
            matches!(intent.kind(), TenderKind::Points | TenderKind::StoredValue)
        }) {
            return Err(PricingError::NotAtCommit { position });
        }
        payment.take_money(intents, self.terms.cash_rounding)?;
        let paid = payment.paid()?;
        let totals = &mut self.totals;
        totals.paid = totals
            .paid
            .checked_add(paid)
            .ok_or(PricingError::Overflow)?;
        totals.rounding = totals
            .rounding
            .checked_add(payment.rounding)
            .ok_or(PricingError::Overflow)?;
        totals.change = totals
            .change
            .checked_add(payment.change)
            .ok_or(PricingError::Overflow)?;
        totals.left_to_pay = payment.left;
        self.tenders.extend(payment.tenders);
        Ok(())
    }
}

impl Payment {
    /// Sum of the tenders.
    pub fn paid(&self) -> Result<i64, Overflow> {
        self.tenders
            .iter()
            .try_fold(0_i64, |sum, tender| sum.checked_add(tender.amount))
            .ok_or(Overflow)
    }

    fn push(&mut self, tender: Tender) {
        if tender.amount != 0 || tender.rounding != 0 {
            self.tenders.push(tender);
        }
    }

    fn take_points(
        &mut self,
        position: usize,
        asked: i64,
        available: i64,
        rules: &PointsTender,
    ) -> Result<(), PricingError> {
        if asked > available {
            return Err(PricingError::PointsShort {
                position,
                available,
            });
        }
        if asked < rules.minimum || asked < rules.multiple {
            return Err(PricingError::PointsBelowMinimum {
                position,
                minimum: rules.minimum.max(rules.multiple),
            });
        }
        let most = match rules.max_share {
            Some(share) => mul_rate(self.left, share, Rounding::Down)?,
            None => self.left,
        };
        let (points, worth) = points_for(asked, most, rules)?;
        if points >= rules.minimum && worth > 0 {
            self.left -= worth;
            self.push(Tender {
                points,
                ..tender(TenderKind::Points, worth)
            });
        }
        Ok(())
    }

    fn take_stored_value(
        &mut self,
        position: usize,
        amount: Option<i64>,
        wallet: Wallet,
        order: StoredValueOrder,
        strict: bool,
    ) -> Result<(), PricingError> {
        let (has_principal, has_bonus) = (wallet.principal.max(0), wallet.bonus.max(0));
        let available = has_principal
            .checked_add(has_bonus)
            .ok_or(PricingError::Overflow)?;
        if strict && amount.is_some_and(|asked| asked > available) {
            return Err(PricingError::StoredValueShort {
                position,
                available,
            });
        }
        let used = amount.unwrap_or(available).min(self.left);
        let bonus = match order {
            StoredValueOrder::BonusFirst => used.min(has_bonus),
            StoredValueOrder::PrincipalFirst => (used - used.min(has_principal)).min(has_bonus),
            // Whoever has neither owes his own money.
            StoredValueOrder::Proportional if available == 0 => 0,
            StoredValueOrder::Proportional => {
                split(used, &[has_principal, has_bonus])[1].min(has_bonus)
            }
        };
        self.left -= used;
        self.push(Tender {
            principal: used - bonus,
            bonus,
            ..tender(TenderKind::StoredValue, used)
        });
        Ok(())
    }

    fn take_money(
        &mut self,
        intents: &[TenderIntent],
        rounding: Option<CashRounding>,
    ) -> Result<(), PricingError> {
        for (position, intent) in intents.iter().enumerate() {
            let TenderIntent::Money {
                kind,
                amount,
                reference,
            } = intent
            else {
                continue;
            };
            if *kind == TenderKind::Cash {
                continue;
            }
            let amount = amount.unwrap_or(self.left);
            if amount > self.left {
                return Err(PricingError::TenderTooMuch {
                    position,
                    left: self.left,
                });
            }
            self.left -= amount;
            self.push(Tender {
                reference: reference.clone(),
                ..tender(*kind, amount)
            });
        }
        for intent in intents {
            if let TenderIntent::Money {
                kind: TenderKind::Cash,
                amount,
                reference,
            } = intent
            {
                self.take_cash(*amount, reference.clone(), rounding)?;
            }
        }
        Ok(())
    }

    fn take_cash(
        &mut self,
        handed: Option<i64>,
        reference: Option<String>,
        rounding: Option<CashRounding>,
    ) -> Result<(), PricingError> {
        let due = round_cash(self.left, rounding)?;
        let handed = handed.unwrap_or(due);
        let cash = |amount, rounding| Tender {
            rounding,
            handed: Some(handed),
            reference,
            ..tender(TenderKind::Cash, amount)
        };
        if handed < due {
            // Not enough coins: they count as they are, and the rest stays open.
            self.left -= handed;
            self.push(cash(handed, 0));
            return Ok(());
        }
        self.rounding = due - self.left;
        self.change = handed - due;
        self.left = 0;
        self.push(cash(due, self.rounding));
        Ok(())
    }
}

fn tender(kind: TenderKind, amount: i64) -> Tender {
    Tender {
        kind,
        amount,
        rounding: 0,
        handed: None,
        reference: None,
        points: 0,
        principal: 0,
        bonus: 0,
    }
}

/// An amount as coins can pay it.
pub(crate) fn round_cash(amount: i64, rounding: Option<CashRounding>) -> Result<i64, Overflow> {
    match rounding {
        Some(CashRounding { increment, mode }) => {
            div_round(i128::from(amount), i128::from(increment), mode)?
                .checked_mul(increment)
                .ok_or(Overflow)
        }
        None => Ok(amount),
    }
}

/// Points to spend and their worth: at most `asked`, at most worth `most`, in whole multiples, and no more
/// points than that worth needs.
fn points_for(asked: i64, most: i64, rules: &PointsTender) -> Result<(i64, i64), Overflow> {
    let (up, down) = (rules.value.numerator(), rules.value.denominator());
    let multiple = rules.multiple.max(1);
    // floor(points × value) ≤ most  ⟺  points × value < most + 1
    let bound = (i128::from(most) + 1) * i128::from(down) - 1;
    let affordable = i64::try_from(bound / i128::from(up)).unwrap_or(i64::MAX);
    let points = asked.min(affordable) / multiple * multiple;
    let worth = mul_rate(points, rules.value, Rounding::Down)?;
    let needed = mul_div(worth, down, up, Rounding::Up)?;
    let whole = i128::from(needed.max(0)) + i128::from(multiple) - 1;
    let least = whole / i128::from(multiple) * i128::from(multiple);
    Ok((i64::try_from(least).map_err(|_| Overflow)?, worth))
}
