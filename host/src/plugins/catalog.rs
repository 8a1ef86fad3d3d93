//! What is installed: plugins by name and version, and by digest for evaluations made long ago.
//!
//! Readers take a snapshot and keep it for as long as their sale lasts; installing swaps in a new one.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use semver::{Version, VersionReq};

use super::cache::Cache;
use super::engine::Engine;
use super::fault::PluginError;
use super::plugin::Plugin;

/// Each costs a few hundred kilobytes of compiled code.
const MAX_PLUGINS: usize = 512;

/// Where a component comes from, which decides what it may displace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// Carried by the host itself; it stands for its name and version whatever was there before.
    Embedded,
    /// Given by an operator; a name and version already taken by other bytes refuses it.
    Installed,
    /// Kept because evaluations name it; found by digest, and by name only where nothing else is.
    Archived,
}

/// The plugins of a host. Shared by reference; all functions may be called from any thread.
pub struct Catalog {
    engine: Engine,
    cache: Option<Cache>,
    current: RwLock<Arc<Snapshot>>,
    /// One installation at a time, so that none is lost.
    installing: Mutex<()>,
}

/// The plugins as they were at one moment.
#[derive(Clone, Default)]
pub struct Snapshot {
    by_digest: HashMap<String, Plugin>,
    by_name: BTreeMap<String, BTreeMap<Version, Plugin>>,
}

impl Catalog {
    pub fn new(engine: Engine, cache: Option<Cache>) -> Self {
        Self {
            engine,
            cache,
            current: RwLock::default(),
            installing: Mutex::new(()),
        }
    }

    /// Compiles a component and puts it into the catalog; installing the same bytes again changes
    /// nothing. Compiling takes a while: call it on a thread that may block.
    pub fn install(&self, bytes: &[u8], source: Source) -> Result<Plugin, PluginError> {
        let plugin = self.engine.compile(bytes, self.cache.as_ref())?;
        let _installing = self
            .installing
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let mut next = Snapshot::clone(&self.snapshot());
        next.add(plugin.clone(), source)?;
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(next);
        Ok(plugin)
    }

    /// The plugins as they are now.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub fn engine(&self) -> &Engine {
        &self.engine
    }
}

impl Snapshot {
    fn add(&mut self, plugin: Plugin, source: Source) -> Result<(), PluginError> {
        let Some(taken) = self.version(plugin.name(), &plugin.manifest().version) else {
            return self.put(plugin, true);
        };
        if taken.digest() == plugin.digest() {
            return Ok(());
        }
        match source {
            Source::Embedded => self.put(plugin, true),
            Source::Archived => self.put(plugin, false),
            Source::Installed => Err(PluginError::VersionTaken {
                name: plugin.name().into(),
                version: plugin.manifest().version.to_string(),
            }),
        }
    }

    fn put(&mut self, plugin: Plugin, by_name: bool) -> Result<(), PluginError> {
        if self.by_digest.len() >= MAX_PLUGINS && !self.by_digest.contains_key(plugin.digest()) {
            return Err(PluginError::CatalogFull(MAX_PLUGINS));
        }
        if by_name {
            let versions = self.by_name.entry(plugin.name().into()).or_default();
            versions.insert(plugin.manifest().version.clone(), plugin.clone());
        }
        self.by_digest.insert(plugin.digest().into(), plugin);
        Ok(())
    }

    /// The plugin an evaluation names.
    pub fn by_digest(&self, digest: &str) -> Option<&Plugin> {
        self.by_digest.get(digest)
    }

    /// One version of a plugin.
    pub fn version(&self, name: &str, version: &Version) -> Option<&Plugin> {
        self.by_name.get(name)?.get(version)
    }

    /// The newest version a binding's range admits and that asks for no permission beyond those granted
    /// when the binding was made. `None` for `granted` stands for whatever the plugin asks.
    pub fn find(
        &self,
        name: &str,
        range: &VersionReq,
        granted: Option<&[String]>,
    ) -> Option<&Plugin> {
        let admitted = |plugin: &&Plugin| {
            let manifest = plugin.manifest();
            let asks_no_more = granted.is_none_or(|granted| {
                manifest
                    .permissions
                    .iter()
                    .all(|asked| granted.contains(asked))
            });
            range.matches(&manifest.version) && asks_no_more
        };
        self.by_name.get(name)?.values().rev().find(admitted)
    }

    /// All plugins that can be bound, by name, newest version first.
    pub fn plugins(&self) -> impl Iterator<Item = &Plugin> {
        self.by_name
            .values()
            .flat_map(|versions| versions.values().rev())
    }
}
