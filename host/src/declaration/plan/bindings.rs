//! The bindings of a plan: each with the release that will answer for it, its configuration accepted by the plugin,
//! and the binding it goes on from.

use std::collections::BTreeSet;

use super::super::check::{self, InForce};
use super::super::document::{At, Binding as DeclaredBinding, Item};
use super::super::fault::{DeclarationError, Wrong};
use super::super::live;
use super::{Planner, encoded};
use crate::checkout::stored::kind_name;
use crate::plugins::{Plugin, PluginError};
use crate::store::bindings::Binding;
use crate::store::plugins::Config;

impl<'a> Planner<'a> {
    /// All bindings that will be in force.
    pub(super) fn bindings(&mut self) -> Result<Vec<InForce>, DeclarationError> {
        let mut in_force = Vec::new();
        let mut taken = BTreeSet::new();
        for item in &self.declaration.bindings {
            if let Some(found) = self.binding(item)? {
                taken.insert(found.binding.id.clone());
                in_force.push(found);
            }
        }
        // What the API made and no file declares goes on.
        for binding in self.live.bindings.values() {
            let leaves = self.live.is_declared("binding", &binding.id);
            if binding.active && !leaves && !taken.contains(&binding.id) {
                in_force.push(InForce::new(binding.clone(), None, &self.live.configs));
            }
        }
        Ok(in_force)
    }

    fn binding(
        &mut self,
        item: &Item<DeclaredBinding>,
    ) -> Result<Option<InForce>, DeclarationError> {
        let Item { at, value } = item;
        let before = self.faults.len();
        self.text(&at.key("/name"), &value.name, false);
        if let Some(group) = &value.group {
            self.text(&at.key("/group"), group, true);
        }
        self.faults.extend(check::shape(self.declaration, item));
        self.scope(at, &value.scope);
        let Some(plugin) = self.release(at, value) else {
            return Ok(None);
        };
        let config = if value.config.is_null() {
            "{}".to_owned()
        } else {
            value.config.to_string()
        };
        let checked = plugin
            .validate_config(&config)
            .and_then(|config| plugin.needs(&config).map(|_| config));
        let config = match checked {
            Ok(config) => Config {
                hash: config.hash,
                json: config.json,
            },
            Err(PluginError::Refused(refused)) => {
                for problem in refused.problems {
                    let key = at.key(&format!("/config{}", problem.pointer));
                    self.fault(&key, Wrong::Invalid(problem.message));
                }
                return Ok(None);
            }
            Err(error) => {
                self.fault(&at.key("/config"), Wrong::Invalid(error.to_string()));
                return Ok(None);
            }
        };
        let Some(old) = self.predecessor(at, value) else {
            return Ok(None);
        };
        let row = self.row(at, value, &plugin, &config, old)?;
        if self.faults.len() > before {
            return Ok(None);
        }
        let view = live::binding_view(&row, Some(&config.json), Some(release_of(&plugin)));
        let old_view = old.map(|old| {
            let release = self.plugins.by_digest(&old.digest).map(release_of);
            live::binding_view(old, self.live.configs.get(&old.config), release)
        });
        let writes = self.declare(
            "binding",
            &value.name,
            &row.id,
            at,
            old_view.as_ref(),
            &view,
        );
        let found = InForce::new(row.clone(), Some(at.clone()), &self.live.configs)
            .with_config(config.json.clone());
        if writes || old.is_some_and(|old| old.declared_in != row.declared_in) {
            self.writes.configs.push(config);
            match old {
                Some(_) => self.writes.changed_bindings.push(row),
                None => self.writes.new_bindings.push(row),
            }
        }
        Ok(Some(found))
    }

    fn scope(&mut self, at: &At, scope: &str) {
        let key = at.key("/scope");
        let (what, id, known) = match scope.split_once(':') {
            None if scope == "chain" => return,
            Some(("store", id)) => ("store", id, self.stores.contains_key(id)),
            Some(("region", id)) => {
                let declared = self
                    .declaration
                    .regions
                    .iter()
                    .any(|item| item.value.id == id);
                ("region", id, declared || self.live.regions.contains_key(id))
            }
            _ => {
                let why = "write chain, region:<id> or store:<id>".to_owned();
                return self.fault(&key, Wrong::Invalid(why));
            }
        };
        if !known {
            self.fault(
                &key,
                Wrong::Unknown {
                    what,
                    id: id.to_owned(),
                },
            );
        }
    }

    /// The newest release the binding admits and its grants suffice for. Whoever names no grants gives what the
    /// manifest asks for.
    fn release(&mut self, at: &At, value: &DeclaredBinding) -> Option<Plugin> {
        let find = |granted| {
            self.plugins
                .find(&value.plugin, &value.version, granted)
                .cloned()
        };
        if let Some(plugin) = find(Some(value.granted.as_slice())) {
            return Some(plugin);
        }
        let (key, wrong) = match find(None) {
            Some(plugin) if value.granted.is_empty() => return Some(plugin),
            Some(plugin) => {
                let mut asked = plugin.manifest().permissions.iter();
                let missing = asked.find(|asked| !value.granted.contains(asked));
                (
                    "/granted",
                    Wrong::NotGranted(missing.cloned().unwrap_or_default()),
                )
            }
            None if self
                .plugins
                .plugins()
                .any(|plugin| plugin.name() == value.plugin) =>
            {
                (
                    "/version",
                    Wrong::NoRelease {
                        plugin: value.plugin.clone(),
                    },
                )
            }
            None => (
                "/plugin",
                Wrong::Unknown {
                    what: "plugin",
                    id: value.plugin.clone(),
                },
            ),
        };
        self.fault(&at.key(key), wrong);
        None
    }

    /// The binding this one goes on from: the one it names, or the one of its name. None when it is refused.
    fn predecessor(&mut self, at: &At, value: &DeclaredBinding) -> Option<Option<&'a Binding>> {
        let live = self.live;
        if let Some(id) = &value.id {
            return match live.bindings.get(id) {
                Some(binding) if binding.plugin == value.plugin => Some(Some(binding)),
                Some(binding) => {
                    let why = format!(
                        "the binding runs `{}`; leave the id out to make another",
                        binding.plugin
                    );
                    self.fault(&at.key("/plugin"), Wrong::Invalid(why));
                    None
                }
                None => {
                    self.fault(
                        &at.key("/id"),
                        Wrong::Unknown {
                            what: "binding",
                            id: id.clone(),
                        },
                    );
                    None
                }
            };
        }
        let key = ("binding".to_owned(), value.name.clone());
        let known = live
            .declared
            .get(&key)
            .and_then(|row| live.bindings.get(&row.object));
        Some(known.filter(|binding| binding.plugin == value.plugin))
    }

    fn row(
        &self,
        at: &At,
        value: &DeclaredBinding,
        plugin: &Plugin,
        config: &Config,
        old: Option<&Binding>,
    ) -> Result<Binding, DeclarationError> {
        Ok(Binding {
            id: old.map_or_else(|| uuid::Uuid::now_v7().to_string(), |old| old.id.clone()),
            name: value.name.clone(),
            plugin: value.plugin.clone(),
            release_range: value.version.to_string(),
            digest: plugin.digest().to_owned(),
            kind: kind_name(plugin.kind()).to_owned(),
            scope: value.scope.clone(),
            config: config.hash.clone(),
            granted: match value.granted.is_empty() {
                true => encoded(&plugin.manifest().permissions)?,
                false => encoded(&value.granted)?,
            },
            priority: i64::from(value.priority),
            schedule: encoded(&value.schedule.schedule())?,
            exclusive_group: value.group.clone(),
            group_choice: value.group_choice.word().to_owned(),
            base: value.base.word().to_owned(),
            stage: value.stage.word().to_owned(),
            max_discount: value.max_discount,
            limits: encoded(&value.limits)?,
            on_fault: value.on_fault.word().to_owned(),
            declared_in: self.declaration.file_of(at).to_owned(),
            active: true,
            created_at: old.map_or(self.now, |old| old.created_at),
            ended_at: None,
            revision: 1,
        })
    }
}

fn release_of(plugin: &Plugin) -> String {
    format!(
        "{} ({})",
        plugin.manifest().version,
        plugin.digest().get(..12).unwrap_or_default()
    )
}
