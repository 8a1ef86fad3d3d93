//! What goes back of gifts: referral rewards, coupons and bonus rest on the order, not on a line, so they follow the
//! worth of the goods that come back.

use serde::{Deserialize, Serialize};
use tessera_money::Overflow;

use super::{AwardReturn, RefundError, Refunded, counters, cumulative};
use crate::domain::order::{CounterUse, OrderDocument};
use crate::domain::rules::Gift;
use crate::domain::settings::RefundGifts;

/// What a refund takes back beside the points its lines earned.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct GiftsBack {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rewards: Vec<RewardReturn>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub bonus: Vec<BonusReturn>,
    /// Codes of granted coupons that cannot be used any more.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub voided: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub entries: Vec<EntryReturn>,
}

/// Points of a referral reward.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RewardReturn {
    /// Position in the document.
    pub reward: u32,
    pub points: i64,
}

/// Granted bonus.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct BonusReturn {
    /// Position in the document.
    pub grant: u32,
    /// Minor units.
    pub amount: i64,
}

/// Entries in a prize draw.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntryReturn {
    /// Position in the document.
    pub grant: u32,
    pub count: i64,
}

/// How far the refunds of an order have come once one more is done. What each takes back of a number is the
/// difference of two rounded parts, so together they take back exactly the number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Share {
    before: i64,
    after: i64,
    whole: i64,
}

impl Share {
    /// All at once.
    const WHOLE: Self = Self {
        before: 0,
        after: 1,
        whole: 1,
    };

    /// The share of a refund of goods worth `now` after others worth `before`, tax included.
    pub(super) fn new(
        document: &OrderDocument,
        before: i64,
        now: i64,
        completes: bool,
    ) -> Result<Self, Overflow> {
        let worth = document
            .lines
            .iter()
            .try_fold(0_i64, |sum, line| sum.checked_add(line.gross));
        let whole = worth.ok_or(Overflow)?;
        // An order that cost nothing has no shares.
        if document.terms.refund_gifts == RefundGifts::ByShare && whole > 0 {
            Ok(Self {
                before,
                after: before.checked_add(now).ok_or(Overflow)?,
                whole,
            })
        } else {
            Ok(Self {
                after: i64::from(completes),
                ..Self::WHOLE
            })
        }
    }

    fn of(self, number: i64) -> Result<i64, Overflow> {
        Ok(cumulative(number, self.after, self.whole)?
            - cumulative(number, self.before, self.whole)?)
    }

    /// Of coupons, half of one whole; those nobody has used go first.
    fn among(self, codes: &[String], refunded: &Refunded) -> Result<Vec<String>, Overflow> {
        // A rule grants at most 100 coupons at once.
        let count = self.of(codes.len() as i64)?.max(0) as usize;
        let left = || codes.iter().filter(|code| !refunded.voided.contains(code));
        let is_used = |code: &&String| refunded.used.contains(code);
        let in_order = left()
            .filter(|code| !is_used(code))
            .chain(left().filter(is_used));
        Ok(in_order.take(count).cloned().collect())
    }
}

/// The share of a document's gifts that goes back.
pub(super) fn back(
    document: &OrderDocument,
    refunded: &Refunded,
    share: Share,
) -> Result<GiftsBack, Overflow> {
    let mut back = GiftsBack::default();
    let rewards = document
        .referral
        .iter()
        .flat_map(|referral| &referral.rewards);
    // At most 256 campaigns with 10 rewards each.
    for (reward, position) in rewards.zip(0..).filter(|(reward, _)| reward.clawback) {
        let points = share.of(reward.points)?;
        if points != 0 {
            back.rewards.push(RewardReturn {
                reward: position,
                points,
            });
        }
    }
    let granted = document.grants.iter().zip(0..);
    for (record, position) in granted.filter(|(record, _)| !record.is_kept) {
        back.voided.extend(share.among(&record.codes, refunded)?);
        if record.grant.gift == Gift::DrawEntry {
            let count = share.of(i64::from(record.grant.count))?;
            if count != 0 {
                back.entries.push(EntryReturn {
                    grant: position,
                    count,
                });
            }
        }
        let amount = match record.lot {
            Some(_) => share.of(record.grant.amount)?,
            None => 0,
        };
        if amount != 0 {
            back.bonus.push(BonusReturn {
                grant: position,
                amount,
            });
        }
    }
    Ok(back)
}

/// What goes back of something an occasion gave because of an order, such as the gift of a tier it led to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Undone {
    /// Points, by award of the document.
    pub awards: Vec<AwardReturn>,
    pub gifts: GiftsBack,
    pub counters: Vec<CounterUse>,
}

/// Takes everything back that a document without lines gave.
///
/// # Errors
/// When an amount does not fit in 64 bits.
pub fn undo(document: &OrderDocument) -> Result<Undone, RefundError> {
    let awards = document.awards.iter().zip(0..);
    Ok(Undone {
        awards: awards
            .map(|(award, position)| AwardReturn {
                award: position,
                points: award.points,
            })
            .collect(),
        gifts: back(document, &Refunded::nothing(document), Share::WHOLE)?,
        counters: counters(document)?,
    })
}
