//! What no single object shows: references, groups that contradict themselves, the same rule twice at once,
//! budgets below what is spent.

mod references;

pub use references::references;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::document::{At, Binding as DeclaredBinding, Declaration, Item};
use super::fault::{Fault, Wrong};
use super::live::Live;
use crate::checkout::campaigns::CounterName;
use crate::domain::order::CounterOwner;
use crate::domain::schedule::Schedule;
use crate::host::Host;
use crate::rules::MOST_LIMITS;
use crate::snapshot::Limit;
use crate::store::bindings::Binding;
use crate::store::stores::Store;
use crate::store::{Conn, StoreError, counters};

/// What the checks look at beside the bindings.
pub struct Ground<'a> {
    pub declaration: &'a Declaration,
    pub live: &'a Live,
    /// As they will be.
    pub stores: &'a BTreeMap<String, Store>,
}

/// A binding as it will be, declared or made through the API.
pub struct InForce {
    pub binding: Binding,
    pub at: Option<At>,
    schedule: Schedule,
    config: Option<String>,
}

impl InForce {
    pub fn new(binding: Binding, at: Option<At>, configs: &HashMap<String, String>) -> Self {
        Self {
            schedule: serde_json::from_str(&binding.schedule).unwrap_or_default(),
            config: configs.get(&binding.config).cloned(),
            binding,
            at,
        }
    }

    /// With the configuration its plugin accepted a moment ago.
    pub fn with_config(mut self, json: String) -> Self {
        self.config = Some(json);
        self
    }
}

/// What is wrong with a binding whatever else there is.
pub fn shape(declaration: &Declaration, item: &Item<DeclaredBinding>) -> Vec<Fault> {
    let Item { at, value } = item;
    let mut faults = Vec::new();
    let mut wrong = |key: &str, why: String| {
        faults.push(declaration.fault(&at.key(key), Wrong::Invalid(why)));
    };
    if let Err(error) = value.schedule.schedule().validate() {
        wrong(
            &format!("/schedule{}", error.pointer),
            error.remedy.to_owned(),
        );
    }
    if value.max_discount.is_some_and(|most| most <= 0) {
        wrong("/max_discount", "give one minor unit or more".to_owned());
    }
    if value.limits.len() > MOST_LIMITS {
        wrong(
            "/limits",
            format!("at most {MOST_LIMITS} limits fit one binding"),
        );
    }
    let mut names = BTreeSet::new();
    for (position, limit) in value.limits.iter().enumerate() {
        if limit.limit < 0 {
            wrong(
                &format!("/limits/{position}/limit"),
                "give zero or more".to_owned(),
            );
        }
        if !names.insert(&limit.name) {
            wrong(
                &format!("/limits/{position}/name"),
                "name every limit once".to_owned(),
            );
        }
    }
    faults
}

impl Ground<'_> {
    fn fault(&self, at: &At, wrong: Wrong) -> Fault {
        self.declaration.fault(at, wrong)
    }

    fn reaches(&self, scope: &str, store: &Store) -> bool {
        match scope.split_once(':') {
            Some(("store", id)) => id == store.id,
            Some(("region", id)) => id == store.region,
            _ => true,
        }
    }

    /// Whether two scopes share a store, or would share any store of a region that has none yet.
    fn meet(&self, one: &str, other: &str) -> bool {
        one == other
            || self
                .stores
                .values()
                .any(|store| self.reaches(one, store) && self.reaches(other, store))
    }
}

/// Members of one group are settled together: they share a kind, a stage and the choice.
pub fn groups(ground: &Ground<'_>, bindings: &[InForce]) -> Vec<Fault> {
    let mut first_of: HashMap<&String, &InForce> = HashMap::new();
    let mut faults = Vec::new();
    for member in bindings {
        let Some(group) = &member.binding.exclusive_group else {
            continue;
        };
        let Some(first) = first_of.get(group) else {
            first_of.insert(group, member);
            continue;
        };
        let (one, other) = (&first.binding, &member.binding);
        let key = if one.kind != other.kind {
            "/group"
        } else if one.stage != other.stage {
            "/stage"
        } else if one.group_choice != other.group_choice {
            "/group_choice"
        } else {
            continue;
        };
        // The fault is told at the declared one of the two.
        let (at, against) = match (&member.at, &first.at) {
            (Some(at), _) => (at, one),
            (None, Some(at)) => (at, other),
            (None, None) => continue,
        };
        let wrong = Wrong::Group {
            group: group.clone(),
            other: against.name.clone(),
        };
        faults.push(ground.fault(&at.key(key), wrong));
    }
    faults
}

/// Two tier rules at once, of which only the first is ever asked, and the same rule twice at once.
pub fn overlaps(ground: &Ground<'_>, bindings: &[InForce]) -> Vec<Fault> {
    let mut alike: BTreeMap<(&str, &str), Vec<&InForce>> = BTreeMap::new();
    for bound in bindings {
        let binding = &bound.binding;
        let sort = match binding.kind.as_str() {
            "tier" => ("tier", ""),
            _ if binding.exclusive_group.is_some() => continue,
            _ => (binding.plugin.as_str(), binding.config.as_str()),
        };
        alike.entry(sort).or_default().push(bound);
    }
    let mut faults = Vec::new();
    for of_a_sort in alike.values() {
        for (position, later) in of_a_sort.iter().enumerate() {
            let clashes = |first: &&&InForce| {
                ground.meet(&first.binding.scope, &later.binding.scope)
                    && together(&first.schedule, &later.schedule)
            };
            let Some(first) = of_a_sort[..position].iter().find(clashes) else {
                continue;
            };
            let (at, other) = match (&later.at, &first.at) {
                (Some(at), _) => (at, first),
                (None, Some(at)) => (at, later),
                (None, None) => continue,
            };
            let wrong = Wrong::Overlap {
                other: other.binding.name.clone(),
            };
            faults.push(ground.fault(&at.key("/schedule"), wrong));
        }
    }
    faults
}

/// Whether two schedules ever cover the same minute.
fn together(one: &Schedule, other: &Schedule) -> bool {
    let before = |until: Option<_>, from: Option<_>| matches!((until, from), (Some(until), Some(from)) if until < from);
    let days = !before(one.until, other.from) && !before(other.until, one.from);
    let weekdays = one.weekdays.is_empty()
        || other.weekdays.is_empty()
        || one.weekdays.iter().any(|day| other.weekdays.contains(day));
    let covers = |minutes: Option<(u16, u16)>, minute: u16| match minutes {
        None => true,
        Some((from, to)) if from <= to => (from..=to).contains(&minute),
        Some((from, to)) => minute >= from || minute <= to,
    };
    // Two spans meet exactly where one of them begins inside the other.
    let minutes = match (one.minutes, other.minutes) {
        (Some((first, _)), Some((second, _))) => {
            covers(other.minutes, first) || covers(one.minutes, second)
        }
        _ => true,
    };
    days && weekdays && minutes
}

/// No store may have more bindings than a quote can ask.
pub fn crowds(ground: &Ground<'_>, bindings: &[InForce], most: usize) -> Vec<Fault> {
    for store in ground.stores.values() {
        let reaching = bindings
            .iter()
            .filter(|bound| ground.reaches(&bound.binding.scope, store));
        let one_too_many = reaching.filter(|bound| bound.at.is_some()).nth(most);
        if let Some(at) = one_too_many.and_then(|bound| bound.at.as_ref()) {
            return vec![ground.fault(at, Wrong::TooMany(most))];
        }
    }
    Vec::new()
}

/// A budget of the chain or a store may not fall below what was used of it.
pub async fn budgets(
    ground: &Ground<'_>,
    host: &Host,
    conn: &mut Conn,
    bindings: &[InForce],
) -> Result<Vec<Fault>, StoreError> {
    let mut faults = Vec::new();
    for bound in bindings {
        let Some(at) = &bound.at else { continue };
        if !ground.live.bindings.contains_key(&bound.binding.id) {
            continue;
        }
        let limits: Vec<Limit> = serde_json::from_str(&bound.binding.limits).unwrap_or_default();
        for (position, limit) in limits.iter().enumerate() {
            let spent = spent(host, conn, &bound.binding, limit).await?;
            if limit.limit < spent {
                let key = at.key(&format!("/limits/{position}/limit"));
                faults.push(ground.fault(&key, Wrong::BelowSpent { spent }));
            }
        }
    }
    Ok(faults)
}

/// The most any store or the chain has used of a limit in its current period; a member's own use is no budget.
async fn spent(
    host: &Host,
    conn: &mut Conn,
    binding: &Binding,
    limit: &Limit,
) -> Result<i64, StoreError> {
    let Some(snapshot) = host
        .snapshots
        .current()
        .filter(|_| !limit.scope.is_of_members())
    else {
        return Ok(0);
    };
    let now = host.clock.now();
    let mut keys: Vec<_> = snapshot
        .places()
        .filter_map(|place| {
            let name = CounterName {
                binding: &binding.id,
                kept_by: CounterOwner::Usage,
                name: &limit.name,
                scope: limit.scope,
                period: limit.period,
            };
            name.key(None, &place.store.id, place.day(now))
        })
        .collect();
    keys.sort();
    keys.dedup();
    if keys.is_empty() {
        return Ok(0);
    }
    Ok(counters::values(conn, &keys)
        .await?
        .into_iter()
        .max()
        .unwrap_or(0))
}
