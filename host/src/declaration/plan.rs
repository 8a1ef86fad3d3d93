//! What applying a declaration would do: the rows to write, and the difference an operator reads.

mod bindings;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use super::check;
use super::document::{At, Declaration, Item};
use super::fault::{DeclarationError, Fault, MOST_FAULTS, Wrong};
use super::live::{self, Live};
use crate::clock;
use crate::domain::settings::CheckoutSettings;
use crate::host::Host;
use crate::plugins::catalog::Snapshot as Plugins;
use crate::store::bindings::Binding;
use crate::store::chain::{Chain, Program, Region};
use crate::store::declared::Declared;
use crate::store::plugins::Config;
use crate::store::stores::Store;

/// What happens to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    Added,
    Changed,
    /// It was made through the API and stays as it is, but belongs to a file from now on.
    Adopted,
    /// A binding no file declares any more.
    Ended,
    /// A store no file declares any more.
    Deactivated,
    /// A chain, region or program no file declares any more; it stays, and the API may change it again.
    Released,
}

/// One object that changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = ConfigurationChange)]
pub struct Change {
    pub action: Action,
    /// `chain`, `region`, `store`, `program` or `binding`.
    pub kind: String,
    /// What the file calls it.
    pub name: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<KeyChange>,
    /// Where it is declared, `file:line`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub declared_at: Option<String>,
}

/// One key of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct KeyChange {
    pub key: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub old: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub new: Option<Value>,
}

/// Everything applying it takes.
pub struct Plan {
    /// The revision in force; 0 before the first.
    pub number: i64,
    /// The files of the revision in force.
    pub source: String,
    /// Digest of the revision in force.
    pub current: String,
    pub digest: String,
    pub changes: Vec<Change>,
    pub notes: Vec<String>,
    pub(super) revisions: Vec<(String, i64)>,
    pub(super) writes: Writes,
}

/// Rows to write, in their order.
#[derive(Default)]
pub(super) struct Writes {
    pub chain: Option<Chain>,
    pub regions: Vec<Region>,
    pub programs: Vec<Program>,
    pub stores: Vec<Store>,
    pub configs: Vec<Config>,
    pub new_bindings: Vec<Binding>,
    pub changed_bindings: Vec<Binding>,
    pub ended_bindings: Vec<String>,
    pub declared: Vec<Declared>,
}

/// SHA-256 of what the files say, in hex; comments and white space do not count.
pub fn digest(declaration: &Declaration) -> String {
    let mut hash = Sha256::new();
    for file in &declaration.files {
        hash.update(file.name.as_bytes());
        hash.update([0]);
        for (key, value) in live::flat(&file.value)
            .into_iter()
            .collect::<BTreeMap<_, _>>()
        {
            hash.update(format!("{key}={value}\n"));
        }
        hash.update([0]);
    }
    hex::encode(hash.finalize())
}

/// Compares a declaration with what is live.
///
/// # Errors
/// [`DeclarationError::Refused`] with every fault found.
pub async fn plan(host: &Host, declaration: &Declaration) -> Result<Plan, DeclarationError> {
    let mut conn = host.db.read().await?;
    let live = Live::read(&mut conn).await?;
    let plugins = host.catalog.snapshot();
    let mut planner = Planner {
        declaration,
        live: &live,
        plugins: &plugins,
        now: host.clock.now().0,
        number: live
            .latest
            .as_ref()
            .map_or(1, |latest| latest.number.saturating_add(1)),
        changes: Vec::new(),
        faults: Vec::new(),
        writes: Writes::default(),
        stores: live.stores.clone(),
        notes: declaration.notes.clone(),
    };
    planner.chain()?;
    planner.regions();
    planner.programs();
    planner.stores()?;
    let in_force = planner.bindings()?;
    planner.left_out();
    let Planner {
        mut faults,
        stores,
        mut notes,
        changes,
        writes,
        ..
    } = planner;
    let ground = check::Ground {
        declaration,
        live: &live,
        stores: &stores,
    };
    faults.extend(check::groups(&ground, &in_force));
    faults.extend(check::overlaps(&ground, &in_force));
    faults.extend(check::crowds(
        &ground,
        &in_force,
        host.limits.bindings_per_store,
    ));
    faults.extend(check::references(&ground, &plugins, &mut conn, &in_force, &mut notes).await?);
    faults.extend(check::budgets(&ground, host, &mut conn, &in_force).await?);
    if !faults.is_empty() {
        faults.sort_by(|a, b| (&a.file, a.line, &a.key).cmp(&(&b.file, b.line, &b.key)));
        faults.dedup();
        faults.truncate(MOST_FAULTS);
        return Err(DeclarationError::Refused(faults));
    }
    let (number, source, current) = match &live.latest {
        Some(latest) => (latest.number, latest.source.clone(), latest.digest.clone()),
        None => (0, String::new(), String::new()),
    };
    Ok(Plan {
        number,
        source,
        current,
        digest: digest(declaration),
        changes,
        notes,
        revisions: live.revisions,
        writes,
    })
}

struct Planner<'a> {
    declaration: &'a Declaration,
    live: &'a Live,
    plugins: &'a Plugins,
    now: i64,
    /// Of the revision being planned.
    number: i64,
    changes: Vec<Change>,
    faults: Vec<Fault>,
    writes: Writes,
    /// All stores as they will be.
    stores: BTreeMap<String, Store>,
    notes: Vec<String>,
}

impl Planner<'_> {
    fn fault(&mut self, at: &At, wrong: Wrong) {
        self.faults.push(self.declaration.fault(at, wrong));
    }

    /// Checks an id or a name, and says whether it may be written.
    fn text(&mut self, at: &At, text: &str, is_id: bool) -> bool {
        let good = if is_id {
            let plain =
                |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
            (1..=64).contains(&text.len()) && text.bytes().all(plain)
        } else {
            !text.trim().is_empty()
                && text.chars().count() <= 200
                && !text.chars().any(char::is_control)
        };
        if !good {
            let why = if is_id {
                "write 1 to 64 letters, digits, dots, dashes or underscores"
            } else {
                "write 1 to 200 characters on one line"
            };
            self.fault(at, Wrong::Invalid(why.to_owned()));
        }
        good
    }

    /// Notes that a file declares an object, and what that changes; answers whether the row is to be written.
    fn declare(
        &mut self,
        kind: &str,
        name: &str,
        object: &str,
        at: &At,
        old: Option<&Value>,
        new: &Value,
    ) -> bool {
        let was_declared = self.live.is_declared(kind, object);
        self.writes.declared.push(Declared {
            kind: kind.to_owned(),
            name: name.to_owned(),
            object: object.to_owned(),
            file: self.declaration.file_of(at).to_owned(),
            revision: self.number,
            active: true,
        });
        let keys = differing(old, new);
        let action = match old {
            None => Action::Added,
            Some(_) if !keys.is_empty() => Action::Changed,
            Some(_) if !was_declared => Action::Adopted,
            Some(_) => return false,
        };
        self.changes.push(Change {
            action,
            kind: kind.to_owned(),
            name: name.to_owned(),
            keys,
            declared_at: Some(self.declaration.place(at)),
        });
        action != Action::Adopted
    }

    fn chain(&mut self) -> Result<(), DeclarationError> {
        let declaration = self.declaration;
        let Some(at) = declaration.chain_at() else {
            if self.live.chain.is_none() && !declaration.files.is_empty() {
                let at = At {
                    file: 0,
                    pointer: "/name".to_owned(),
                };
                self.fault(&at, Wrong::Required);
            }
            return Ok(());
        };
        let mut row = match (&self.live.chain, &declaration.name) {
            (Some(chain), _) => chain.clone(),
            (None, Some(_)) => Chain {
                name: String::new(),
                language: "zh-CN".to_owned(),
                settings: encoded(&CheckoutSettings::default())?,
                created_at: self.now,
                version: 0,
            },
            (None, None) => {
                let at = At {
                    file: at.file,
                    pointer: "/name".to_owned(),
                };
                self.fault(&at, Wrong::Required);
                return Ok(());
            }
        };
        if let Some(name) = &declaration.name
            && self.text(&name.at, &name.value, false)
        {
            row.name.clone_from(&name.value);
        }
        if let Some(language) = &declaration.language {
            if !matches!(language.value.as_str(), "zh-CN" | "en") {
                self.fault(&language.at, Wrong::Invalid("write zh-CN or en".to_owned()));
            }
            row.language.clone_from(&language.value);
        }
        if let Some(settings) = &declaration.settings {
            if let Err(error) = settings.value.validate() {
                self.fault(
                    &settings.at.key(&error.pointer()),
                    Wrong::Invalid(error.remedy.to_owned()),
                );
            }
            row.settings = encoded(&settings.value)?;
        }
        let old = self.live.chain.as_ref().map(live::chain_view);
        if self.declare(
            "chain",
            "chain",
            "chain",
            at,
            old.as_ref(),
            &live::chain_view(&row),
        ) {
            self.writes.chain = Some(row);
        }
        Ok(())
    }

    fn regions(&mut self) {
        for Item { at, value } in &self.declaration.regions {
            let good = self.text(&at.key("/id"), &value.id, true);
            if !self.text(&at.key("/name"), &value.name, false) || !good {
                continue;
            }
            let row = Region {
                id: value.id.clone(),
                name: value.name.clone(),
                version: 0,
            };
            let old = self.live.regions.get(&row.id).map(live::region_view);
            if self.declare(
                "region",
                &row.id,
                &row.id,
                at,
                old.as_ref(),
                &live::region_view(&row),
            ) {
                self.writes.regions.push(row);
            }
        }
    }

    fn programs(&mut self) {
        for Item { at, value } in &self.declaration.programs {
            let good = self.text(&at.key("/id"), &value.id, true);
            if !self.text(&at.key("/name"), &value.name, false) || !good {
                continue;
            }
            let old = self.live.programs.get(&value.id);
            let scale = value.scale.or(old.map(|old| old.scale)).unwrap_or(0);
            match old {
                Some(old) if old.scale != scale => {
                    self.fault(&at.key("/scale"), Wrong::ScaleStays(old.scale));
                }
                _ if !(0..=4).contains(&scale) => {
                    self.fault(
                        &at.key("/scale"),
                        Wrong::Invalid("give 0 to 4 digits".to_owned()),
                    );
                }
                _ => {}
            }
            let settings = self.attributes(&at.key("/settings"), &value.settings);
            let row = Program {
                id: value.id.clone(),
                name: value.name.clone(),
                scale,
                settings,
                version: 0,
            };
            let old = old.map(live::program_view);
            if self.declare(
                "program",
                &row.id,
                &row.id,
                at,
                old.as_ref(),
                &live::program_view(&row),
            ) {
                self.writes.programs.push(row);
            }
        }
    }

    /// Texts, whole numbers and truth values, as the store keeps them.
    fn attributes(&mut self, at: &At, given: &BTreeMap<String, Value>) -> String {
        if given.len() > 64 {
            self.fault(at, Wrong::Invalid("at most 64 attributes fit".to_owned()));
        }
        for (name, value) in given {
            let fits = match value {
                Value::String(text) => text.len() <= 500,
                Value::Number(number) => number.is_i64(),
                Value::Bool(_) => true,
                _ => false,
            };
            if !fits || name.is_empty() || name.len() > 64 {
                let why =
                    "an attribute is a text of at most 500 bytes, a whole number or a truth value";
                let mut key = String::new();
                super::source::push(&mut key, name);
                self.fault(&at.key(&key), Wrong::Invalid(why.to_owned()));
            }
        }
        serde_json::to_string(given).unwrap_or_else(|_| "{}".to_owned())
    }

    fn stores(&mut self) -> Result<(), DeclarationError> {
        let declaration = self.declaration;
        let regions: BTreeSet<&String> = declaration
            .regions
            .iter()
            .map(|item| &item.value.id)
            .chain(self.live.regions.keys())
            .collect();
        let includes_tax = match (&declaration.settings, &self.live.chain) {
            (Some(settings), _) => settings.value.prices_include_tax,
            (None, Some(chain)) => {
                let settings: CheckoutSettings =
                    serde_json::from_str(&chain.settings).map_err(DeclarationError::internal)?;
                settings.prices_include_tax
            }
            (None, None) => true,
        };
        for Item { at, value } in &declaration.stores {
            let good = self.text(&at.key("/id"), &value.id, true);
            if !self.text(&at.key("/name"), &value.name, false) || !good {
                continue;
            }
            if !regions.contains(&value.region) {
                let wrong = Wrong::Unknown {
                    what: "region",
                    id: value.region.clone(),
                };
                self.fault(&at.key("/region"), wrong);
            }
            if clock::zone(&value.time_zone).is_none() {
                let why = "write an IANA time zone such as Asia/Shanghai".to_owned();
                self.fault(&at.key("/time_zone"), Wrong::Invalid(why));
            }
            let old = self.live.stores.get(&value.id);
            let currency = value
                .currency
                .clone()
                .or_else(|| declaration.currency.as_ref().map(|item| item.value.clone()))
                .or_else(|| old.map(|old| old.currency.clone()));
            let currency = currency.unwrap_or_default();
            if currency.len() != 3 || !currency.bytes().all(|byte| byte.is_ascii_uppercase()) {
                let why =
                    "write an ISO 4217 code such as CNY, here or once above all stores".to_owned();
                self.fault(&at.key("/currency"), Wrong::Invalid(why));
            }
            if !value.terminals.is_empty() {
                self.notes.push(format!(
                    "store `{}`: tills are not declared; pair them with `tessera terminal pair`",
                    value.id
                ));
            }
            let row = Store {
                id: value.id.clone(),
                region: value.region.clone(),
                name: value.name.clone(),
                currency,
                time_zone: value.time_zone.clone(),
                prices_include_tax: value.prices_include_tax.unwrap_or(includes_tax),
                attributes: self.attributes(&at.key("/attributes"), &value.attributes),
                active: value.active,
                version: 0,
            };
            let old = old.map(live::store_view);
            self.stores.insert(row.id.clone(), row.clone());
            if self.declare(
                "store",
                &row.id,
                &row.id,
                at,
                old.as_ref(),
                &live::store_view(&row),
            ) {
                self.writes.stores.push(row);
            }
        }
        Ok(())
    }

    /// What was declared and is no longer.
    fn left_out(&mut self) {
        let declared: BTreeSet<(String, String)> = self
            .writes
            .declared
            .iter()
            .map(|row| (row.kind.clone(), row.object.clone()))
            .collect();
        for row in self.live.declared.values().filter(|row| row.active) {
            if declared.contains(&(row.kind.clone(), row.object.clone())) {
                continue;
            }
            let action = match row.kind.as_str() {
                "binding" => {
                    if self
                        .live
                        .bindings
                        .get(&row.object)
                        .is_none_or(|binding| !binding.active)
                    {
                        continue;
                    }
                    self.writes.ended_bindings.push(row.object.clone());
                    Action::Ended
                }
                "store" => {
                    let Some(store) = self
                        .live
                        .stores
                        .get(&row.object)
                        .filter(|store| store.active)
                    else {
                        continue;
                    };
                    let closed = Store {
                        active: false,
                        version: 0,
                        ..store.clone()
                    };
                    self.stores.insert(closed.id.clone(), closed.clone());
                    self.writes.stores.push(closed);
                    Action::Deactivated
                }
                _ => Action::Released,
            };
            self.changes.push(Change {
                action,
                kind: row.kind.clone(),
                name: row.name.clone(),
                keys: Vec::new(),
                declared_at: None,
            });
        }
    }
}

fn encoded(value: &impl Serialize) -> Result<String, DeclarationError> {
    serde_json::to_string(value).map_err(DeclarationError::internal)
}

/// The keys in which two views differ.
fn differing(old: Option<&Value>, new: &Value) -> Vec<KeyChange> {
    let old: BTreeMap<String, Value> = old
        .map(live::flat)
        .unwrap_or_default()
        .into_iter()
        .collect();
    let new: BTreeMap<String, Value> = live::flat(new).into_iter().collect();
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let change = |key: &String| KeyChange {
        key: key.clone(),
        old: old.get(key).cloned(),
        new: new.get(key).cloned(),
    };
    names
        .into_iter()
        .map(change)
        .filter(|change| change.old != change.new)
        .collect()
}
