//! What is left of the passes and memberships an order sold, wherever they went since.

use std::collections::BTreeMap;

use crate::domain::ledger::{AccountKey, AccountName, Lot, Step, renamed};
use crate::domain::order::OrderDocument;
use crate::domain::pass::{PERIODS, uses_on};
use crate::domain::time::Day;
use crate::store::{Conn, counters, lots, members, merges};

use super::error::CheckoutError;

/// Merges a lot is followed through.
const MOST_MERGES: usize = 16;

#[derive(Default)]
pub(super) struct SoldPasses {
    /// Uses or days that are left, by the lot each was sold as.
    pub left: Vec<(String, i64)>,
    /// The steps that refuse the refund where a pass of which today counts as left was used meanwhile.
    unused_today: Vec<Step>,
    /// The member and the lot of those that went with their owner into another membership.
    moved: BTreeMap<String, (String, String)>,
}

impl SoldPasses {
    /// Reads what of them can be used on a day.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn read(
        conn: &mut Conn,
        document: &OrderDocument,
        day: Day,
    ) -> Result<Self, CheckoutError> {
        let mut passes = Self::default();
        let sold = document
            .lines
            .iter()
            .filter_map(|line| line.pass_sold.as_ref());
        let ids: Vec<String> = sold.filter_map(|pass| pass.lot.clone()).collect();
        if ids.is_empty() {
            return Ok(passes);
        }
        for sold in lots::by_ids(conn, &ids).await? {
            let id = sold.id.clone();
            let lot = followed(conn, sold).await?;
            if lot.has_expired(day) {
                continue;
            }
            let left = match lot.period() {
                Some(period) if lot.remaining > 0 => {
                    period.left(day, passes.is_used_today(conn, &lot, day).await?)
                }
                _ => lot.remaining,
            };
            if lot.id != id {
                passes.moved.insert(id.clone(), (lot.member, lot.id));
            }
            passes.left.push((id, left));
        }
        Ok(passes)
    }

    /// Whether today counts as used of a period: of a membership, unless it is the first day; of a pass, if it was used
    /// today.
    async fn is_used_today(
        &mut self,
        conn: &mut Conn,
        lot: &Lot,
        today: Day,
    ) -> Result<bool, CheckoutError> {
        let account = AccountKey::parse(&lot.account);
        let Some(product) = account.as_ref().and_then(AccountKey::pass) else {
            return Ok(lot.first_day < Some(today));
        };
        let key = (lot.member.clone(), uses_on(product, today));
        let uses = counters::values(conn, std::slice::from_ref(&key)).await?;
        let is_used = uses.first().is_some_and(|uses| *uses > 0);
        if !is_used {
            let (owner, name) = key;
            self.unused_today.push(Step::TakeTurn {
                owner: owner.clone(),
                name: name.clone(),
                number: 0,
            });
            self.unused_today.push(Step::Counter {
                owner,
                name,
                change: -1,
                limit: None,
                floor: Some(0),
                enforce: true,
            });
        }
        Ok(is_used)
    }

    /// Lets the steps of a refund end what it found: where it is now, and only if it is still so.
    pub fn close(&self, steps: &mut Vec<Step>) {
        let mut owner_now = None;
        for step in &mut *steps {
            if let Step::ClosePass { account, lot, .. } = step
                && let Some((member, now)) = self.moved.get(lot)
            {
                account.member.clone_from(member);
                lot.clone_from(now);
                owner_now = Some(member);
            }
        }
        for step in &mut *steps {
            if let (Step::Counter { owner, name, .. }, Some(now)) = (step, owner_now)
                && name == PERIODS
            {
                owner.clone_from(now);
            }
        }
        steps.extend(self.unused_today.iter().cloned());
    }
}

/// The lot as it goes on where its owner became part of another member.
async fn followed(conn: &mut Conn, mut lot: Lot) -> Result<Lot, CheckoutError> {
    for _ in 0..MOST_MERGES {
        if lot.remaining > 0 {
            break;
        }
        let owner = members::member(conn, &lot.member).await?;
        let Some(survivor) = owner.and_then(|owner| owner.merged_into) else {
            break;
        };
        let merge = merges::latest(conn, &lot.member).await?;
        let Some(merge) = merge.filter(|merge| merge.survivor == survivor) else {
            break;
        };
        let next = renamed(AccountName::Pass, &lot.id, &merge.id);
        match lots::by_ids(conn, &[next]).await?.pop() {
            Some(next) => lot = next,
            None => break,
        }
    }
    Ok(lot)
}
