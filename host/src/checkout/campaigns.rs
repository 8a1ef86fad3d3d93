//! The bindings of a sale as pricing sees them, with what each asked for when it was bound: purchases, its own
//! counters, and the limits the host keeps for it.

use chrono::Datelike as _;

use crate::clock::date_of;
use crate::domain::order::CounterOwner;
use crate::domain::pricing::{
    Base, Campaign, CampaignRef, Choice, Group, OnFault, Stage, UsageLimit,
};
use crate::domain::rules::{AggregateNeed, CounterPeriod, CounterScope, Measure, RuleKind, Window};
use crate::domain::time::Day;
use crate::snapshot::{Bound, Place};
use crate::store::counters;
use crate::store::db::Conn;
use crate::store::member_days::{self, DaySpan, DaySums};

use super::error::CheckoutError;

/// A presented code and the binding it belongs to.
pub struct Code {
    pub code: String,
    pub binding: String,
}

/// Whose counters and purchases are read.
pub struct Reader<'a> {
    pub place: &'a Place,
    /// The business day counters and windows are read for.
    pub day: Day,
    pub member: Option<&'a str>,
    pub referrer: Option<&'a str>,
}

impl Reader<'_> {
    /// A binding as pricing sees it; `codes` are all that were presented.
    pub async fn campaign(
        &self,
        conn: &mut Conn,
        bound: &Bound,
        codes: &[Code],
    ) -> Result<Campaign, CheckoutError> {
        let binding = &bound.binding;
        let aggregates = self.aggregates(conn, &bound.needs.aggregates).await?;
        let counters = self.counters(conn, bound).await?;
        let usage = self.usage(conn, bound).await?;
        let codes: Vec<String> = codes
            .iter()
            .filter(|code| code.binding == binding.id)
            .map(|code| code.code.clone())
            .collect();
        let group = binding.exclusive_group.as_ref().map(|name| Group {
            name: name.clone(),
            choice: if binding.group_choice == "first" {
                Choice::First
            } else {
                Choice::Best
            },
        });
        Ok(Campaign {
            campaign: CampaignRef {
                binding: binding.id.clone(),
                kind: bound.kind,
                plugin: bound.plugin.name().to_owned(),
                version: bound.plugin.manifest().version.to_string(),
                digest: bound.plugin.digest().to_owned(),
                config: bound.config.hash.clone(),
            },
            stage: match binding.stage.as_str() {
                "order" => Stage::Order,
                "coupons" => Stage::Coupons,
                _ => Stage::Lines,
            },
            priority: i32::try_from(binding.priority).unwrap_or(if binding.priority < 0 {
                i32::MIN
            } else {
                i32::MAX
            }),
            group,
            base: if binding.base == "initial" {
                Base::Initial
            } else {
                Base::Discounted
            },
            on_fault: if binding.on_fault == "refuse-order" {
                OnFault::RefuseOrder
            } else {
                OnFault::Skip
            },
            needs: bound.needs.clone(),
            aggregates,
            counters,
            codes,
            max_discount: binding.max_discount,
            usage,
        })
    }

    /// Answers to the aggregates a rule asked for, all in one read.
    async fn aggregates(
        &self,
        conn: &mut Conn,
        needs: &[AggregateNeed],
    ) -> Result<Vec<i64>, CheckoutError> {
        let Some(member) = self.member.filter(|_| !needs.is_empty()) else {
            return Ok(vec![0; needs.len()]);
        };
        let span = |need: &AggregateNeed| DaySpan {
            first: first_day(need.window, self.day),
            last: self.day,
            category: need.category.clone(),
        };
        let spans: Vec<DaySpan> = needs.iter().map(span).collect();
        let sums = member_days::sums(conn, member, &spans).await?;
        Ok(needs
            .iter()
            .zip(&sums)
            .map(|(need, sums)| measured(need.measure, sums))
            .collect())
    }

    /// Answers to the counters a rule asked for, all in one read.
    async fn counters(&self, conn: &mut Conn, bound: &Bound) -> Result<Vec<i64>, CheckoutError> {
        let names = bound.needs.counters.iter().map(|need| CounterName {
            binding: &bound.binding.id,
            kept_by: CounterOwner::Rule,
            name: &need.name,
            scope: need.scope,
            period: need.period,
        });
        self.values(conn, bound.kind, names).await
    }

    /// The binding's limits and what is used of each.
    async fn usage(
        &self,
        conn: &mut Conn,
        bound: &Bound,
    ) -> Result<Vec<UsageLimit>, CheckoutError> {
        let names = bound.limits.iter().map(|limit| CounterName {
            binding: &bound.binding.id,
            kept_by: CounterOwner::Usage,
            name: &limit.name,
            scope: limit.scope,
            period: limit.period,
        });
        let used = self.values(conn, bound.kind, names).await?;
        let usage = bound
            .limits
            .iter()
            .zip(used)
            .map(|(limit, used)| UsageLimit {
                name: limit.name.clone(),
                scope: limit.scope,
                period: limit.period,
                counts: limit.counts,
                limit: limit.limit,
                used,
            });
        Ok(usage.collect())
    }

    async fn values<'n>(
        &self,
        conn: &mut Conn,
        kind: RuleKind,
        names: impl Iterator<Item = CounterName<'n>>,
    ) -> Result<Vec<i64>, CheckoutError> {
        let owner = if kind == RuleKind::Referral {
            self.referrer
        } else {
            self.member
        };
        let keys: Vec<_> = names
            .map(|name| name.key(owner, &self.place.store.id, self.day))
            .collect();
        let known: Vec<_> = keys.iter().flatten().cloned().collect();
        if known.is_empty() {
            return Ok(vec![0; keys.len()]);
        }
        let mut values = counters::values(conn, &known).await?.into_iter();
        Ok(keys
            .iter()
            .map(|key| key.as_ref().and_then(|_| values.next()).unwrap_or(0))
            .collect())
    }
}

fn measured(measure: Measure, sums: &DaySums) -> i64 {
    match measure {
        Measure::Spend => sums.spend,
        Measure::Orders => sums.orders,
        Measure::PointsEarned => sums.points,
        Measure::Units => sums.units,
    }
}

/// First business day of a window that ends on `day`.
pub fn first_day(window: Window, day: Day) -> Day {
    let Some(date) = date_of(day) else { return day };
    match window {
        Window::RollingDays(days) => {
            day.plus_days(1_i32.saturating_sub(i32::try_from(days).unwrap_or(i32::MAX)))
        }
        Window::CalendarMonth => day.plus_days(-(date.day0() as i32)),
        Window::CalendarYear => day.plus_days(-(date.ordinal0() as i32)),
        Window::Lifetime => Day(i32::MIN),
    }
}

/// What a counter is called.
pub struct CounterName<'a> {
    pub binding: &'a str,
    pub kept_by: CounterOwner,
    pub name: &'a str,
    pub scope: CounterScope,
    pub period: CounterPeriod,
}

impl CounterName<'_> {
    /// Where the counter is kept: its owner, and its name with binding and period. None for a member's
    /// counter in a sale without member.
    pub fn key(&self, member: Option<&str>, store: &str, day: Day) -> Option<(String, String)> {
        let owner = match self.scope {
            CounterScope::Member => member?.to_owned(),
            CounterScope::Store => format!("store/{store}"),
            CounterScope::Chain => "chain".to_owned(),
        };
        let date = date_of(day)?;
        let period = match self.period {
            CounterPeriod::Lifetime => String::new(),
            CounterPeriod::Day => date.format("%Y-%m-%d").to_string(),
            CounterPeriod::Month => date.format("%Y-%m").to_string(),
            CounterPeriod::Year => date.format("%Y").to_string(),
        };
        let keeper = match self.kept_by {
            CounterOwner::Rule => "rule",
            CounterOwner::Usage => "usage",
        };
        Some((
            owner,
            format!("{}/{keeper}/{}/{period}", self.binding, self.name),
        ))
    }
}
