//! Generation 0.1 of the rule contract: generated types, and what all four kinds share of turning the
//! host's words into them and their answers into the host's words.
//!
//! `told` lays the facts out for the way into the sandbox. Answers are untrusted and pass `limits` on
//! their way in.

mod points;
mod promotions;
mod referrals;
mod tiers;
mod told;

use std::sync::Arc;

use wasmtime::Store;
use wasmtime::component::{
    Component, ComponentExportIndex, ComponentNamedList, HasSelf, Instance, Lift, Linker, Lower,
    TypedFunc,
};

use super::fault::BadAnswer;
use super::limits;
use super::sandbox::Guest;
use crate::domain::preconditions::Preconditions;
use crate::domain::rules::{
    AggregateNeed, ConfigProblem, CounterChange, CounterNeed, CounterPeriod, CounterScope, Gift,
    Grant, Measure, Message, NearMiss, Needs, Ratio, RuleKind, Shown, TenderKind, Value, Window,
};
use crate::domain::time::Day;

#[allow(
    dead_code,
    unused_variables,
    reason = "one world exports all four kinds so that they share their types; not every item is used"
)]
mod generated {
    wasmtime::component::bindgen!({
        path: [
            "../wit/types/0.1.0",
            "../wit/points/0.1.0",
            "../wit/tiers/0.1.0",
            "../wit/referrals/0.1.0",
            "../wit/promotions/0.1.0",
        ],
        inline: "
            package tessera:host@0.1.0;
            world every-kind {
                import tessera:types/log@0.1.0;
                export tessera:points/points-rule@0.1.0;
                export tessera:tiers/tier-rule@0.1.0;
                export tessera:referrals/referral-rule@0.1.0;
                export tessera:promotions/promotion-rule@0.1.0;
            }
        ",
        world: "tessera:host/every-kind",
        ownership: Borrowing { duplicate_if_necessary: true },
    });
}

use generated::tessera::types::{log, types as wire};

/// The interface a component of this kind exports.
pub(super) fn interface(kind: RuleKind) -> &'static str {
    match kind {
        RuleKind::Points => "tessera:points/points-rule@0.1.0",
        RuleKind::Tier => "tessera:tiers/tier-rule@0.1.0",
        RuleKind::Referral => "tessera:referrals/referral-rule@0.1.0",
        RuleKind::Promotion => "tessera:promotions/promotion-rule@0.1.0",
    }
}

/// The interfaces a component may import: the log, and the types its own interfaces use.
pub(super) const IMPORTS: [&str; 2] = ["tessera:types/log", "tessera:types/types"];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Severity {
    Debug,
    Info,
    Warn,
}

/// Gives rules the one thing they may call.
pub(super) fn link(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    wire::add_to_linker::<Guest, HasSelf<Guest>>(linker, |guest| guest)?;
    log::add_to_linker::<Guest, HasSelf<Guest>>(linker, |guest| guest)
}

impl wire::Host for Guest {}

impl log::Host for Guest {
    fn log(&mut self, level: log::Level, text: String) {
        let severity = match level {
            log::Level::Debug => Severity::Debug,
            log::Level::Info => Severity::Info,
            log::Level::Warn => Severity::Warn,
        };
        self.write_log(severity, &text);
    }
}

/// What one kind of rule is told and answers, and how a component is asked for it.
pub(super) trait Rule {
    const KIND: RuleKind;
    type Facts;
    type Proposal;
    /// The answer as it comes out of the sandbox, untrusted.
    type Wire;

    /// Calls `evaluate`; the inner error is the rule's own sentence.
    fn call(call: Call<'_>, facts: &Self::Facts) -> wasmtime::Result<Result<Self::Wire, String>>;
    /// Checks an answer against the limits and the facts it answers.
    fn accept(wire: Self::Wire, facts: &Self::Facts) -> Result<Self::Proposal, BadAnswer>;
}

/// The four rules, for naming their kind as a type.
pub(super) struct Points;
pub(super) struct Tier;
pub(super) struct Referral;
pub(super) struct Promotion;

/// One function of an instance about to be called.
pub(super) struct Call<'a> {
    pub store: &'a mut Store<Guest>,
    pub instance: &'a Instance,
    pub function: &'a ComponentExportIndex,
    /// The configuration as the plugin keeps it.
    pub config: &'a [u8],
}

impl Call<'_> {
    /// The function about to be called, without comparing its types once more: that would cost more than
    /// all other preparations of a call together.
    ///
    /// # Safety
    ///
    /// `Functions::check` must have passed for this component, and the types must be the ones it compared.
    unsafe fn function<P, R>(&mut self) -> wasmtime::Result<TypedFunc<P, R>>
    where
        P: ComponentNamedList + Lower,
        R: ComponentNamedList + Lift,
    {
        let found = self.instance.get_func(&mut *self.store, self.function);
        let function = found.ok_or_else(|| wasmtime::Error::msg("an export is gone"))?;
        // SAFETY: as promised by the caller.
        Ok(unsafe { TypedFunc::new_unchecked(function) })
    }
}

/// Where a component exports the three functions of its rule.
#[derive(Clone)]
pub(super) struct Functions {
    pub validate_config: ComponentExportIndex,
    pub needs: ComponentExportIndex,
    pub evaluate: ComponentExportIndex,
}

impl Functions {
    /// Finds the functions of a kind's interface; the error names what is missing.
    pub fn find(component: &Component, kind: RuleKind) -> Result<Self, String> {
        let interface = interface(kind);
        let instance = component
            .get_export_index(None, interface)
            .ok_or_else(|| format!("no `{interface}`"))?;
        let function = |name: &str| {
            component
                .get_export_index(Some(&instance), name)
                .ok_or_else(|| format!("no `{name}` in `{interface}`"))
        };
        Ok(Self {
            validate_config: function("validate-config")?,
            needs: function("needs")?,
            evaluate: function("evaluate")?,
        })
    }

    /// Compares the types of all three functions with this generation of the contract.
    pub fn check(
        &self,
        kind: RuleKind,
        store: &mut Store<Guest>,
        instance: &Instance,
    ) -> wasmtime::Result<()> {
        instance
            .get_typed_func::<ConfigText<'_>, ConfigChecked>(&mut *store, &self.validate_config)?;
        instance.get_typed_func::<ConfigBytes<'_>, NeedsAnswer>(&mut *store, &self.needs)?;
        match kind {
            RuleKind::Points => points::check(store, instance, &self.evaluate),
            RuleKind::Tier => tiers::check(store, instance, &self.evaluate),
            RuleKind::Referral => referrals::check(store, instance, &self.evaluate),
            RuleKind::Promotion => promotions::check(store, instance, &self.evaluate),
        }
    }
}

type ConfigText<'a> = (&'a str,);
type ConfigBytes<'a> = (&'a [u8],);
type ConfigChecked = (Result<Vec<u8>, Vec<wire::ConfigProblem>>,);
type NeedsAnswer = (wire::RuleNeeds,);

/// Calls `validate-config`; problems come back shortened, never refused.
pub(super) fn validate_config(
    store: &mut Store<Guest>,
    instance: &Instance,
    function: &ComponentExportIndex,
    json: &str,
) -> wasmtime::Result<Result<Vec<u8>, Vec<ConfigProblem>>> {
    let typed = instance.get_typed_func::<ConfigText<'_>, ConfigChecked>(&mut *store, function)?;
    let (answer,) = typed.call(store, (json,))?;
    Ok(answer.map_err(|problems| {
        let tidy = |problem: wire::ConfigProblem| ConfigProblem {
            pointer: limits::tidy(&problem.pointer, limits::MAX_TEXT_BYTES),
            message: limits::tidy(&problem.message, limits::MAX_TEXT_BYTES),
        };
        problems
            .into_iter()
            .take(limits::MAX_CONFIG_PROBLEMS)
            .map(tidy)
            .collect()
    }))
}

/// Calls `needs`; the answer is not checked yet.
pub(super) fn needs(call: Call<'_>) -> wasmtime::Result<Needs> {
    let typed = call
        .instance
        .get_typed_func::<ConfigBytes<'_>, NeedsAnswer>(&mut *call.store, call.function)?;
    let (answer,) = typed.call(call.store, (call.config,))?;
    Ok(Needs {
        aggregates: answer.aggregates.into_iter().map(aggregate_need).collect(),
        counters: answer.counters.into_iter().map(counter_need).collect(),
        attributes: answer.attributes,
        shown: Shown {
            products: answer.products,
            categories: answer.categories,
            tags: answer.tags,
            cost: answer.cost,
        },
        preconditions: Arc::new(preconditions(answer.preconditions)),
    })
}

fn preconditions(only: wire::Preconditions) -> Preconditions {
    Preconditions {
        tiers: only.tiers.into_iter().collect(),
        tenders: only.tenders.into_iter().map(tender_kind).collect(),
        products: only.products.into_iter().collect(),
        categories: only.categories.into_iter().collect(),
        tags: only.tags.into_iter().collect(),
        code: only.code,
    }
}

fn tender_kind(kind: wire::TenderKind) -> TenderKind {
    match kind {
        wire::TenderKind::Cash => TenderKind::Cash,
        wire::TenderKind::Card => TenderKind::Card,
        wire::TenderKind::Mobile => TenderKind::Mobile,
        wire::TenderKind::Points => TenderKind::Points,
        wire::TenderKind::StoredValue => TenderKind::StoredValue,
        wire::TenderKind::Other => TenderKind::Other,
    }
}

fn aggregate_need(need: wire::AggregateNeed) -> AggregateNeed {
    AggregateNeed {
        measure: match need.measure {
            wire::Measure::Spend => Measure::Spend,
            wire::Measure::Orders => Measure::Orders,
            wire::Measure::PointsEarned => Measure::PointsEarned,
            wire::Measure::Units => Measure::Units,
            wire::Measure::ToppedUp => Measure::ToppedUp,
        },
        window: match need.window {
            wire::Window::RollingDays(days) => Window::RollingDays(days),
            wire::Window::CalendarMonth => Window::CalendarMonth,
            wire::Window::CalendarYear => Window::CalendarYear,
            wire::Window::Lifetime => Window::Lifetime,
        },
        category: need.category,
    }
}

fn counter_need(need: wire::CounterNeed) -> CounterNeed {
    CounterNeed {
        name: need.name,
        scope: match need.scope {
            wire::CounterScope::Member => CounterScope::Member,
            wire::CounterScope::Store => CounterScope::Store,
            wire::CounterScope::Chain => CounterScope::Chain,
            wire::CounterScope::Referee => CounterScope::Referee,
        },
        period: match need.period {
            wire::CounterPeriod::Lifetime => CounterPeriod::Lifetime,
            wire::CounterPeriod::Day => CounterPeriod::Day,
            wire::CounterPeriod::Month => CounterPeriod::Month,
            wire::CounterPeriod::Year => CounterPeriod::Year,
        },
        limit: need.limit,
    }
}

fn message(message: wire::Message) -> Result<Message, BadAnswer> {
    limits::at_most(
        "message arguments",
        message.arguments.len(),
        limits::MAX_MESSAGE_ARGUMENTS,
    )?;
    let argument = |(name, value): (String, wire::ValueResult)| {
        Ok((
            limits::name("an argument's name", name)?,
            limits::value(value_in(value))?,
        ))
    };
    Ok(Message {
        key: limits::name("a message key", message.key)?,
        arguments: message
            .arguments
            .into_iter()
            .map(argument)
            .collect::<Result<_, BadAnswer>>()?,
    })
}

fn value_in(value: wire::ValueResult) -> Value {
    match value {
        wire::ValueResult::Text(text) => Value::Text(text),
        wire::ValueResult::Integer(number) => Value::Integer(number),
        wire::ValueResult::Boolean(truth) => Value::Boolean(truth),
        wire::ValueResult::Money(amount) => Value::Money(amount),
        wire::ValueResult::Points(points) => Value::Points(points),
        wire::ValueResult::Ratio(ratio) => Value::Ratio(Ratio {
            numerator: ratio.numerator,
            denominator: ratio.denominator,
        }),
        wire::ValueResult::Date(day) => Value::Date(Day(day)),
    }
}

/// What is given beside points and money off.
fn grants(grants: Vec<wire::Grant>, today: Day) -> Result<Vec<Grant>, BadAnswer> {
    limits::at_most("grants", grants.len(), limits::MAX_GRANTS)?;
    grants
        .into_iter()
        .map(|grant| grant_in(grant, today))
        .collect()
}

fn grant_in(grant: wire::Grant, today: Day) -> Result<Grant, BadAnswer> {
    let (expires_on, available_on) =
        limits::usable("a grant", today, grant.expires_on, grant.available_on)?;
    limits::at_most(
        "pieces of a grant",
        grant.count as usize,
        limits::MAX_GRANT_COUNT as usize,
    )?;
    let gift = match grant.gift {
        wire::Gift::Coupon => Gift::Coupon,
        wire::Gift::DrawEntry => Gift::DrawEntry,
        wire::Gift::Bonus => Gift::Bonus,
    };
    let (name, amount) = if gift == Gift::Bonus {
        let amount = limits::positive("an amount of bonus", grant.amount)?;
        (String::new(), amount)
    } else {
        (limits::title("a grant's name", grant.name)?, 0)
    };
    Ok(Grant {
        gift,
        name,
        count: u32::try_from(limits::positive("a grant", grant.count.into())?).unwrap_or(1),
        amount,
        expires_on,
        // Bonus can be spent at once: nothing keeps it back.
        available_on: available_on.filter(|_| gift != Gift::Bonus),
        reason: message(grant.reason)?,
    })
}

fn near_misses(
    near_misses: impl ExactSizeIterator<Item = (wire::Message, Option<i64>)>,
) -> Result<Vec<NearMiss>, BadAnswer> {
    limits::at_most("near misses", near_misses.len(), limits::MAX_NEAR_MISSES)?;
    near_misses
        .map(|(reason, missing)| {
            let missing = missing
                .map(|amount| limits::positive("a missing amount", amount))
                .transpose()?;
            Ok(NearMiss {
                reason: message(reason)?,
                missing,
            })
        })
        .collect()
}

fn counter_changes(
    changes: Vec<wire::CounterChange>,
    counters: usize,
) -> Result<Vec<CounterChange>, BadAnswer> {
    let change = |change: wire::CounterChange| CounterChange {
        counter: change.counter,
        change: change.change,
    };
    limits::counter_changes(changes.into_iter().map(change), counters)
}
