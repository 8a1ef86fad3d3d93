//! Top-up plans: what a chain gives on top of an amount paid in, at once or in parts. How often a plan may be had is a
//! limit of the ledger.

use chrono::Months;
use serde::{Deserialize, Serialize};
use tessera_money::{Rate, split};
use utoipa::ToSchema;

use super::{Movement, TopUp};
use crate::checkout::CheckoutError;
use crate::clock::{date_of, day_of};
use crate::domain::ledger::{
    AccountKey, AccountName, DEFAULT_PROGRAM, PlannedTopUpRow, Record, Step, points_asset,
};
use crate::domain::time::Day;
use crate::host::Host;
use crate::snapshot::Place;
use crate::standing::{Raise, Standing};
use crate::store::top_up_plans::{PlannedTopUp, TopUpPlan};
use crate::store::{self, StoreError};
use crate::tier_floors::keeps;

/// Counts how often a plan was had, by its owner: a member or the plan.
pub const HAD: &str = "had";

/// What a plan gives beside the principal.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PlanGives {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bonus: Option<PlanBonus>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub points: Option<PlanPoints>,
    /// At most 20 kinds.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub coupons: Vec<PlanCoupons>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tier: Option<PlanTier>,
}

/// Stored value the chain gives on top.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PlanBonus {
    /// Minor units.
    pub amount: i64,
    /// At once when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release: Option<Release>,
    /// Days each part can be spent, its first day included; without end when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub days: Option<u16>,
}

/// Bonus given in equal parts, the first at once; what does not divide goes to the first parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Release {
    /// 2 to 366.
    pub parts: u16,
    pub every: Every,
}

/// How long after the one before a part is released.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Every {
    Day,
    Week,
    /// On the same day of the month, or its last.
    Month,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PlanPoints {
    /// At the program's scale.
    pub points: i64,
    /// Days they can be spent, the day of the top-up included; without end when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub days: Option<u16>,
}

/// Coupons only the member can use, once each.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PlanCoupons {
    /// The binding that honours them.
    pub binding: String,
    /// 1 to 100.
    #[serde(default = "one")]
    pub count: u32,
    /// Days they can be used, the day of the top-up included; without end when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub days: Option<u16>,
}

fn one() -> u32 {
    1
}

/// A tier for who holds none, or one of those it raises from; everybody else keeps his own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PlanTier {
    pub tier: String,
    /// At most 20 tiers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub from: Vec<String>,
    /// Days it is held, the day of the top-up included. The tier rule decides what comes afterwards.
    pub days: u16,
    /// Multiplies the points of who holds it, until a tier rule says otherwise.
    #[serde(default = "once")]
    #[schema(value_type = String, example = "1.5")]
    pub multiplier: Rate,
}

fn once() -> Rate {
    Rate::whole(1)
}

/// Whose count of times a plan was had it is.
pub fn owner(plan: &str) -> String {
    format!("top-up-plan/{plan}")
}

fn counted(plan: &str, member: &str, change: i64, limits: (Option<i64>, Option<i64>)) -> [Step; 2] {
    let counter = |owner, name, limit| Step::Counter {
        owner,
        name,
        change,
        limit,
        floor: Some(0),
        enforce: true,
    };
    [
        counter(member.to_owned(), owner(plan), limits.0),
        counter(owner(plan), HAD.to_owned(), limits.1),
    ]
}

/// The plan a top-up asks for, if it is sold in the store today.
pub(super) async fn wanted(
    host: &Host,
    place: &Place,
    id: &str,
    request: &TopUp,
) -> Result<(TopUpPlan, PlanGives), CheckoutError> {
    let today = i64::from(place.day(host.clock.now()).0);
    let is_sold = |plan: &TopUpPlan| {
        let days = plan.starts_on.unwrap_or(i64::MIN)..=plan.ends_on.unwrap_or(i64::MAX);
        plan.active && days.contains(&today)
    };
    let found = store::top_up_plans::plan(&mut host.db.read().await?, id).await?;
    let plan = found
        .filter(is_sold)
        .ok_or_else(|| CheckoutError::PlanUnknown(id.to_owned()))?;
    if plan.currency != place.store.currency {
        return Err(CheckoutError::Currency {
            sent: plan.currency,
            store: place.store.currency.clone(),
        });
    }
    if request.amount != plan.amount {
        return Err(CheckoutError::PlanAmount(plan.amount));
    }
    if request.bonus != 0 {
        return Err(CheckoutError::PlanBonus);
    }
    let gives = read(&plan)?;
    Ok((plan, gives))
}

/// What a plan gives, as it is kept.
pub fn read(plan: &TopUpPlan) -> Result<PlanGives, StoreError> {
    serde_json::from_str(&plan.gives).map_err(StoreError::stored("reading a top-up plan"))
}

/// Adds what a plan gives to a top-up.
pub(super) async fn give(
    host: &Host,
    movement: &mut Movement,
    member: &str,
    (plan, gives): &(TopUpPlan, PlanGives),
    key: &str,
) -> Result<(), CheckoutError> {
    let today = movement.command.business_date;
    let last =
        |first: Day, days: Option<u16>| days.map(|days| first.plus_days(i32::from(days) - 1));
    movement.steps(counted(&plan.id, member, 1, (plan.per_member, plan.most)));
    if let Some(bonus) = &gives.bonus {
        let bonus_of = AccountKey::new(member, AccountName::Bonus, &plan.currency);
        let parts = bonus.release.map_or(1, |release| release.parts);
        let parts = split(bonus.amount, &vec![1; usize::from(parts)]);
        for (position, part) in (0..).zip(parts) {
            let first = bonus
                .release
                .map_or(today, |release| release.every.after(today, position));
            let waits = (first > today).then_some(first);
            let account = match waits {
                Some(_) => bonus_of.sibling(AccountName::BonusPending),
                None => bonus_of.clone(),
            };
            movement.issue(account, part, waits, last(first, bonus.days));
        }
    }
    if let Some(gift) = &gives.points {
        let asset = points_asset(DEFAULT_PROGRAM);
        let account = AccountKey::new(member, AccountName::Points, asset);
        movement.issue(account, gift.points, None, last(today, gift.days));
    }
    let mut codes = Vec::new();
    for coupons in &gives.coupons {
        for _ in 0..coupons.count {
            let position = u32::try_from(codes.len()).unwrap_or(u32::MAX);
            let last = last(today, coupons.days);
            codes.push(movement.coupon(host, (key, position), &coupons.binding, member, last));
        }
    }
    let raise = match &gives.tier {
        Some(tier) => raise(host, movement, tier, member).await?,
        None => None,
    };
    let text = |error: serde_json::Error| CheckoutError::Internal(error.to_string());
    let raise = raise.map(|raise| serde_json::to_string(&raise)).transpose();
    let row = PlannedTopUpRow {
        id: movement.id().to_owned(),
        member: member.to_owned(),
        plan: plan.id.clone(),
        codes: serde_json::to_string(&codes).map_err(text)?,
        tier: raise.map_err(text)?,
    };
    movement.record(Record::PlannedTopUp(row));
    Ok(())
}

/// Raises a member to a tier; none where he keeps his own.
async fn raise(
    host: &Host,
    movement: &mut Movement,
    to: &PlanTier,
    member: &str,
) -> Result<Option<Raise>, CheckoutError> {
    let found = store::members::member(&mut host.db.read().await?, member).await?;
    let Some(member) = found else {
        return Ok(None);
    };
    let has_another = |tier: &String| !to.from.contains(tier);
    if member.tier.as_ref().is_some_and(has_another) || keeps(host, &member, &to.tier).await? {
        return Ok(None);
    }
    let today = movement.command.business_date;
    let raise = Raise {
        given: Standing {
            tier: Some(to.tier.clone()),
            since: Some(today.0.into()),
            valid_until: Some(today.plus_days(i32::from(to.days) - 1).0.into()),
            multiplier: (to.multiplier.numerator(), to.multiplier.denominator()),
        },
        before: Standing::from(&member),
    };
    movement.tier(&member, &raise.given);
    Ok(Some(raise))
}

/// Takes back what the entry of a top-up by a plan does not tell: its coupons, its count, and its tier where the member
/// still holds it as it was given.
pub(super) async fn undo(
    host: &Host,
    movement: &mut Movement,
    planned: &PlannedTopUp,
) -> Result<(), CheckoutError> {
    let codes: Vec<String> = serde_json::from_str(&planned.codes)
        .map_err(StoreError::stored("reading the codes of a top-up"))?;
    movement.steps(counted(&planned.plan, &planned.member, -1, (None, None)));
    movement.steps(codes.into_iter().map(|code| Step::VoidCoupon { code }));
    let Some(raise) = &planned.tier else {
        return Ok(());
    };
    let raise: Raise =
        serde_json::from_str(raise).map_err(StoreError::stored("reading the tier of a top-up"))?;
    movement.lower(host, &planned.member, &raise).await
}

impl Every {
    /// The day of the part at `position`, the first on `day` itself.
    fn after(self, day: Day, position: u16) -> Day {
        let days = match self {
            Self::Day => 1,
            Self::Week => 7,
            Self::Month => {
                let months = Months::new(u32::from(position));
                let date = date_of(day).and_then(|date| date.checked_add_months(months));
                return date.map_or(day.plus_days(i32::from(position) * 31), day_of);
            }
        };
        day.plus_days(i32::from(position) * days)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Day {
        day_of(text.parse().unwrap())
    }

    #[test]
    fn a_part_a_month_later_comes_on_the_same_day_or_the_last_of_the_month() {
        let first = day("2026-01-31");
        let on =
            |every: Every, position| date_of(every.after(first, position)).unwrap().to_string();
        let months: Vec<String> = (0..4).map(|part| on(Every::Month, part)).collect();
        assert_eq!(
            months,
            ["2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30"]
        );
        assert_eq!(on(Every::Week, 2), "2026-02-14");
        assert_eq!(on(Every::Day, 1), "2026-02-01");
    }

    #[test]
    fn parts_of_a_bonus_sum_to_it_and_differ_by_one_at_most() {
        for (amount, parts) in [(5_000, 12), (7, 7), (100, 3), (366, 365)] {
            let parts = split(amount, &vec![1; parts]);
            assert_eq!(parts.iter().sum::<i64>(), amount);
            assert!(parts.is_sorted_by(|a, b| a >= b) && parts[0] - parts[parts.len() - 1] <= 1);
        }
    }
}
