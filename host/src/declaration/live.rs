//! What is live now, as a declaration is compared with it.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use serde_json::{Map, Value, json};

use crate::clock::date_of;
use crate::domain::schedule::Schedule;
use crate::domain::settings::CheckoutSettings;
use crate::store::bindings::Binding;
use crate::store::chain::{Chain, Program, Region};
use crate::store::declared::{Declared, Revision};
use crate::store::stores::Store;
use crate::store::{
    Conn, StoreError, bindings, chain, declared, plugins as installed, products, stores,
};

const MOST_STORES: i64 = 10_000;
const MOST_BINDINGS: i64 = 20_000;
const MOST_DECLARED: i64 = 100_000;
const MOST_CATEGORIES: i64 = 50_000;

/// The rows a declaration may touch.
pub struct Live {
    /// What the caches compare; the same numbers when a plan is carried out, or it is made anew.
    pub revisions: Vec<(String, i64)>,
    pub latest: Option<Revision>,
    pub chain: Option<Chain>,
    pub regions: BTreeMap<String, Region>,
    pub stores: BTreeMap<String, Store>,
    pub programs: BTreeMap<String, Program>,
    /// Active ones, and those a file once declared.
    pub bindings: BTreeMap<String, Binding>,
    /// Configurations by hash.
    pub configs: HashMap<String, String>,
    /// By kind and name; those no longer declared too.
    pub declared: BTreeMap<(String, String), Declared>,
    /// What is declared now, by kind and object.
    owned: HashSet<(String, String)>,
    pub categories: BTreeSet<String>,
}

impl Live {
    pub async fn read(conn: &mut Conn) -> Result<Self, StoreError> {
        let revisions = chain::revisions(conn).await?;
        let mut live = Self {
            revisions,
            latest: declared::latest(conn).await?,
            chain: chain::chain(conn).await?,
            regions: by_id(chain::regions(conn).await?, |row| row.id.clone()),
            stores: by_id(stores::stores(conn, None, "", MOST_STORES).await?, |row| {
                row.id.clone()
            }),
            programs: by_id(chain::programs(conn).await?, |row| row.id.clone()),
            bindings: by_id(
                bindings::bindings(conn, None, "", MOST_BINDINGS).await?,
                |row| row.id.clone(),
            ),
            configs: HashMap::new(),
            owned: HashSet::new(),
            declared: by_id(declared::all(conn, MOST_DECLARED).await?, |row| {
                (row.kind.clone(), row.name.clone())
            }),
            categories: products::categories(conn, MOST_CATEGORIES)
                .await?
                .into_iter()
                .collect(),
        };
        let now = live.declared.values().filter(|row| row.active);
        live.owned = now
            .map(|row| (row.kind.clone(), row.object.clone()))
            .collect();
        live.read_ended(conn).await?;
        for binding in live.bindings.values() {
            if !live.configs.contains_key(&binding.config)
                && let Some(config) = installed::config(conn, &binding.config).await?
            {
                live.configs.insert(config.hash, config.json);
            }
        }
        Ok(live)
    }

    /// Bindings a file declared before, which a file may declare again.
    async fn read_ended(&mut self, conn: &mut Conn) -> Result<(), StoreError> {
        let once = self.declared.values();
        let ids: Vec<String> = once
            .filter(|row| row.kind == "binding" && !self.bindings.contains_key(&row.object))
            .map(|row| row.object.clone())
            .collect();
        for id in ids {
            if let Some(binding) = bindings::binding(conn, &id).await? {
                self.bindings.insert(id, binding);
            }
        }
        Ok(())
    }

    /// Whether a file declares the object now.
    pub fn is_declared(&self, kind: &str, object: &str) -> bool {
        self.owned.contains(&(kind.to_owned(), object.to_owned()))
    }
}

fn by_id<K: Ord, T>(rows: Vec<T>, id: impl Fn(&T) -> K) -> BTreeMap<K, T> {
    rows.into_iter().map(|row| (id(&row), row)).collect()
}

fn parsed(json: &str) -> Value {
    serde_json::from_str(json).unwrap_or_default()
}

/// The chain as the difference shows it; settings that were left out with their defaults.
pub fn chain_view(chain: &Chain) -> Value {
    let settings: CheckoutSettings = serde_json::from_str(&chain.settings).unwrap_or_default();
    json!({ "name": chain.name, "language": chain.language, "settings": settings })
}

pub fn region_view(region: &Region) -> Value {
    json!({ "name": region.name })
}

pub fn store_view(store: &Store) -> Value {
    json!({
        "name": store.name, "region": store.region, "currency": store.currency, "time_zone": store.time_zone,
        "prices_include_tax": store.prices_include_tax, "attributes": parsed(&store.attributes),
        "active": store.active,
    })
}

pub fn program_view(program: &Program) -> Value {
    json!({ "name": program.name, "scale": program.scale, "settings": parsed(&program.settings) })
}

/// A binding as its file writes it, and which release answers for it.
pub fn binding_view(binding: &Binding, config: Option<&String>, release: Option<String>) -> Value {
    let schedule: Schedule = serde_json::from_str(&binding.schedule).unwrap_or_default();
    let date = |day| date_of(day).map(|date| date.to_string());
    json!({
        "name": binding.name, "plugin": binding.plugin, "version": binding.release_range,
        "release": release.unwrap_or_else(|| binding.digest.clone()), "scope": binding.scope,
        "config": config.map(|json| parsed(json)), "granted": parsed(&binding.granted),
        "priority": binding.priority,
        "schedule": {
            "from": schedule.from.and_then(date), "until": schedule.until.and_then(date),
            "weekdays": schedule.weekdays, "minutes": schedule.minutes,
        },
        "group": binding.exclusive_group, "group_choice": binding.group_choice, "base": binding.base,
        "stage": binding.stage, "max_discount": binding.max_discount, "limits": parsed(&binding.limits),
        "on_fault": binding.on_fault, "active": binding.active,
    })
}

/// A view key by key, `config.points_per.spend` and the like; lists are one value, absent keys are left out.
pub fn flat(view: &Value) -> Map<String, Value> {
    let mut keys = Map::new();
    flatten(view, &mut String::new(), &mut keys);
    keys
}

fn flatten(value: &Value, key: &mut String, keys: &mut Map<String, Value>) {
    match value {
        Value::Object(fields) => {
            let length = key.len();
            for (name, field) in fields {
                if length > 0 {
                    key.push('.');
                }
                key.push_str(name);
                flatten(field, key, keys);
                key.truncate(length);
            }
        }
        Value::Null => {}
        Value::Array(items) if items.is_empty() => {}
        value => {
            keys.insert(key.clone(), value.clone());
        }
    }
}
