//! The bindings of a sale as pricing sees them, with what each asked for when it was bound: purchases, its own
//! counters, and the limits the host keeps for it.

use std::sync::Arc;

use chrono::Datelike as _;

use crate::clock::date_of;
use crate::domain::ledger::CounterKey;
use crate::domain::order::{CounterOwner, TOP_UPS};
use crate::domain::pricing::{
    Base, Campaign, CampaignRef, Choice, Group, OnFault, Stage, UsageLimit,
};
use crate::domain::rules::{CounterPeriod, CounterScope, Measure, RuleKind, Window};
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
    /// Bindings as pricing sees them, in their order; `codes` are all that were presented. One read answers what all of
    /// them want to know of purchases, another all counters.
    pub async fn campaigns(
        &self,
        conn: &mut Conn,
        bound: &[Arc<Bound>],
        codes: &[Code],
    ) -> Result<Vec<Campaign>, CheckoutError> {
        let mut sums = self.sums(conn, bound).await?.into_iter();
        let mut values = self.values(conn, bound).await?.into_iter();
        let campaign = |bound: &Arc<Bound>| {
            let needs = &bound.needs;
            let aggregates = needs.aggregates.iter().zip(&mut sums);
            let aggregates = aggregates.map(|(need, sums)| measured(need.measure, &sums));
            let aggregates = aggregates.collect();
            let counters = values.by_ref().take(needs.counters.len()).collect();
            let used = bound.limits.iter().zip(&mut values);
            let usage = used.map(|(limit, used)| UsageLimit {
                name: limit.name.clone(),
                scope: limit.scope,
                period: limit.period,
                counts: limit.counts,
                limit: limit.limit,
                used,
            });
            let usage = usage.collect();
            let his = |code: &&Code| code.binding == bound.binding.id;
            let codes = codes.iter().filter(his).map(|code| code.code.clone());
            campaign(bound, aggregates, counters, usage, codes.collect())
        };
        Ok(bound.iter().map(campaign).collect())
    }

    /// One answer for each aggregate any rule asked for, in their order.
    async fn sums(
        &self,
        conn: &mut Conn,
        bound: &[Arc<Bound>],
    ) -> Result<Vec<DaySums>, CheckoutError> {
        let needs = bound.iter().flat_map(|bound| &bound.needs.aggregates);
        let spans: Vec<DaySpan> = needs
            .map(|need| DaySpan {
                first: first_day(need.window, self.day),
                last: self.day,
                category: match need.measure {
                    Measure::ToppedUp => Some(TOP_UPS.to_owned()),
                    _ => need.category.clone(),
                },
            })
            .collect();
        match self.member {
            Some(member) if !spans.is_empty() => Ok(member_days::sums(conn, member, &spans).await?),
            _ => Ok(vec![DaySums::default(); spans.len()]),
        }
    }

    /// Where each counter stands: for every binding those its rule keeps, then those of its limits. A member's counter
    /// in a sale without member stands at zero.
    async fn values(
        &self,
        conn: &mut Conn,
        bound: &[Arc<Bound>],
    ) -> Result<Vec<i64>, CheckoutError> {
        let keys: Vec<_> = bound.iter().flat_map(|bound| self.keys(bound)).collect();
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

    fn keys(&self, bound: &Bound) -> Vec<Option<CounterKey>> {
        let owner = |scope| match (bound.kind, scope) {
            (RuleKind::Referral, CounterScope::Member) => self.referrer,
            _ => self.member,
        };
        let kept = bound.needs.counters.iter().map(|need| CounterName {
            binding: &bound.binding.id,
            kept_by: CounterOwner::Rule,
            name: &need.name,
            scope: need.scope,
            period: need.period,
        });
        let usage = bound.limits.iter().map(|limit| CounterName {
            binding: &bound.binding.id,
            kept_by: CounterOwner::Usage,
            name: &limit.name,
            scope: limit.scope,
            period: limit.period,
        });
        kept.chain(usage)
            .map(|name| name.key(owner(name.scope), &self.place.store.id, self.day))
            .collect()
    }
}

/// A binding with what was read for it.
fn campaign(
    bound: &Bound,
    aggregates: Vec<i64>,
    counters: Vec<i64>,
    usage: Vec<UsageLimit>,
    codes: Vec<String>,
) -> Campaign {
    let binding = &bound.binding;
    let choice = match binding.group_choice.as_str() {
        "first" => Choice::First,
        _ => Choice::Best,
    };
    let group = binding.exclusive_group.clone();
    Campaign {
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
        group: group.map(|name| Group { name, choice }),
        base: match binding.base.as_str() {
            "initial" => Base::Initial,
            _ => Base::Discounted,
        },
        on_fault: match binding.on_fault.as_str() {
            "refuse-order" => OnFault::RefuseOrder,
            _ => OnFault::Skip,
        },
        needs: bound.needs.clone(),
        aggregates,
        counters,
        codes,
        max_discount: binding.max_discount,
        usage,
    }
}

fn measured(measure: Measure, sums: &DaySums) -> i64 {
    match measure {
        Measure::Spend | Measure::ToppedUp => sums.spend,
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
            CounterScope::Member | CounterScope::Referee => member?.to_owned(),
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
