//! wasmtime as this host uses it: one engine, one pool of instances, one ticker, and the way from the
//! bytes of a file to a plugin that can be asked.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use sha2::{Digest, Sha256};
use tessera_build::Manifest;
use wasmtime::component::{Component, InstancePre, Linker};
use wasmtime::{Config, Enabled, InstanceAllocationStrategy, PoolingAllocationConfig};

use super::cache::{self, Cache};
use super::fault::{PluginError, PluginFault};
use super::limits;
use super::plugin::Plugin;
use super::sandbox::{self, Guest, Slots, TICK};
use super::v0_1::{self, Functions};
use crate::domain::rules::RuleKind;

/// Core instances of one component: its module and what wraps it.
const CORE_INSTANCES: u32 = 8;
const STACK_BYTES: usize = 512 * 1024;
/// Memory a pool slot keeps between calls. Every page kept is copied back after every call in that slot,
/// so one huge basket must not leave all its pages behind: this is what a hundred lines touch.
const KEPT_BYTES: usize = 128 * 1024;
const PREAMBLE: [u8; 8] = [0, b'a', b's', b'm', 0x0d, 0, 1, 0];
const ERROR_BYTES: usize = 500;

/// What a call may use, and how many calls there may be at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineSettings {
    /// Instructions of one call, as wasmtime counts them. The limit that decides, since it is the same everywhere.
    pub fuel: u64,
    /// Bytes of linear memory of one call.
    pub memory_bytes: usize,
    /// Wall-clock time of one call; a backstop behind `fuel`.
    pub deadline: Duration,
    /// Bytes one call may write into the log; what is beyond is dropped.
    pub log_bytes: usize,
    /// Bytes of a component file, looked at before it is compiled.
    pub plugin_bytes: usize,
    /// Calls at the same time; further ones wait.
    pub concurrent: u32,
}

impl Default for EngineSettings {
    fn default() -> Self {
        Self {
            fuel: 20_000_000,
            memory_bytes: 16 << 20,
            deadline: Duration::from_millis(250),
            log_bytes: 4_096,
            plugin_bytes: 8 << 20,
            concurrent: 64,
        }
    }
}

/// The one engine of a process. Cheap to clone.
#[derive(Clone)]
pub struct Engine(Arc<Shared>);

pub(super) struct Shared {
    engine: wasmtime::Engine,
    linker: Linker<Guest>,
    pub settings: EngineSettings,
    pub slots: Slots,
    compatibility: String,
}

impl Engine {
    /// Reserves the pool and starts the ticker, which ends when the engine and all its plugins are dropped.
    pub fn new(settings: EngineSettings) -> Result<Self, PluginError> {
        let failed = |error: wasmtime::Error| PluginError::Engine(describe(&error));
        let engine = wasmtime::Engine::new(&configuration(&settings)).map_err(failed)?;
        let mut linker = Linker::new(&engine);
        v0_1::link(&mut linker).map_err(failed)?;
        start_ticker(&engine)?;
        let compatibility = cache::compatibility_digest(engine.precompile_compatibility_hash());
        let slots = Slots::new(settings.concurrent.max(1));
        Ok(Self(Arc::new(Shared {
            engine,
            linker,
            settings,
            slots,
            compatibility,
        })))
    }

    /// Checks and compiles a component, or takes its code from the cache. Takes 20 to 200 ms of one
    /// core without the cache, so it does not belong on the path of a request.
    pub fn compile(&self, bytes: &[u8], cache: Option<&Cache>) -> Result<Plugin, PluginError> {
        let limit = self.0.settings.plugin_bytes;
        if bytes.len() > limit {
            return Err(PluginError::TooLarge {
                size: bytes.len(),
                limit,
            });
        }
        if !bytes.starts_with(&PREAMBLE) {
            return Err(PluginError::NotAComponent(
                "it does not begin like one".into(),
            ));
        }
        let manifest = tessera_build::read_manifest(bytes)
            .map_err(|error| PluginError::Manifest(error.to_string()))?;
        let digest = hex::encode(Sha256::digest(bytes));
        let component = self.0.component(bytes, &digest, cache)?;
        // First what it wants from outside: whoever reads the refusal learns the worst of it.
        let pre = self.0.link(&component)?;
        let kind = exported_kind(&self.0.engine, &component)?;
        let claimed = named_kind(manifest.kind);
        if claimed != kind {
            return Err(PluginError::KindMismatch {
                manifest: claimed,
                exported: kind,
            });
        }
        let functions = Functions::find(&component, kind).map_err(PluginError::Interface)?;
        self.0.try_out(&manifest, kind, &pre, &functions)?;
        Ok(Plugin::new(
            Arc::clone(&self.0),
            digest,
            manifest,
            kind,
            pre,
            functions,
        ))
    }

    pub fn settings(&self) -> &EngineSettings {
        &self.0.settings
    }
}

impl Shared {
    fn component(
        &self,
        bytes: &[u8],
        digest: &str,
        cache: Option<&Cache>,
    ) -> Result<Component, PluginError> {
        if let Some(component) = cache.and_then(|cache| self.cached(digest, cache)) {
            return Ok(component);
        }
        // A compiler that panics on hostile input must cost that input, not the process.
        let compiled = catch_unwind(AssertUnwindSafe(|| {
            Component::from_binary(&self.engine, bytes)
        }));
        let component = compiled
            .map_err(|_| PluginError::NotAComponent("the compiler gave up on it".into()))?
            .map_err(|error| PluginError::NotAComponent(describe(&error)))?;
        if let Some(cache) = cache
            && let Ok(code) = component.serialize()
        {
            cache.store(digest, &self.compatibility, &code);
        }
        Ok(component)
    }

    fn cached(&self, digest: &str, cache: &Cache) -> Option<Component> {
        let code = cache.load(digest, &self.compatibility)?;
        // SAFETY: the code carries the MAC of this host's own key over exactly this component and this
        // engine's compatibility digest, so it is what `serialize` of the same engine wrote.
        unsafe { Component::deserialize(&self.engine, code) }.ok()
    }

    fn link(&self, component: &Component) -> Result<InstancePre<Guest>, PluginError> {
        for (import, _) in component.component_type().imports(&self.engine) {
            if !v0_1::IMPORTS.contains(&import.split('@').next().unwrap_or_default()) {
                return Err(PluginError::ForbiddenImport(limits::tidy(
                    import,
                    limits::MAX_NAME_BYTES,
                )));
            }
        }
        self.linker
            .instantiate_pre(component)
            .map_err(|error| PluginError::Interface(describe(&error)))
    }

    /// Starts the component once and compares its types, so that a sale never finds out.
    fn try_out(
        &self,
        manifest: &Manifest,
        kind: RuleKind,
        pre: &InstancePre<Guest>,
        functions: &Functions,
    ) -> Result<(), PluginError> {
        let name: Arc<str> = manifest.name.as_str().into();
        let run = sandbox::run(
            &self.slots,
            &self.settings,
            &name,
            pre,
            |store, instance| {
                Ok(functions
                    .check(kind, store, instance)
                    .map_err(|error| describe(&error)))
            },
        );
        match run.result {
            Ok(checked) => checked.map_err(PluginError::Interface),
            Err(reason) => Err(PluginError::Fault(PluginFault {
                plugin: manifest.name.clone(),
                version: manifest.version.to_string(),
                reason,
            })),
        }
    }
}

fn configuration(settings: &EngineSettings) -> Config {
    let mut config = Config::new();
    config
        .wasm_component_model(true)
        .concurrency_support(false)
        .consume_fuel(true)
        .epoch_interruption(true)
        .cranelift_nan_canonicalization(true)
        .wasm_relaxed_simd(false)
        .max_wasm_stack(STACK_BYTES)
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool(settings)));
    config
}

fn pool(settings: &EngineSettings) -> PoolingAllocationConfig {
    let count = settings.concurrent.max(1);
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(count)
        .total_core_instances(count.saturating_mul(CORE_INSTANCES))
        .total_memories(count.saturating_mul(2))
        .total_tables(count.saturating_mul(4))
        .max_core_instances_per_component(CORE_INSTANCES)
        .max_memories_per_component(2)
        .max_tables_per_component(4)
        .max_memory_size(settings.memory_bytes)
        .max_unused_warm_slots(count);
    if PoolingAllocationConfig::is_pagemap_scan_available() {
        // Without the scan, keeping memory means clearing all that is kept at every call.
        pool.pagemap_scan(Enabled::Yes)
            .linear_memory_keep_resident(KEPT_BYTES)
            .table_keep_resident(KEPT_BYTES);
    }
    pool
}

fn start_ticker(engine: &wasmtime::Engine) -> Result<(), PluginError> {
    let engine = engine.weak();
    let tick = move || {
        while let Some(engine) = engine.upgrade() {
            engine.increment_epoch();
            drop(engine);
            thread::sleep(TICK);
        }
    };
    let thread = thread::Builder::new()
        .name("plugin-ticker".into())
        .spawn(tick);
    thread
        .map(drop)
        .map_err(|error| PluginError::Engine(format!("no thread for the ticker: {error}")))
}

fn exported_kind(
    engine: &wasmtime::Engine,
    component: &Component,
) -> Result<RuleKind, PluginError> {
    let kinds = [
        RuleKind::Points,
        RuleKind::Tier,
        RuleKind::Referral,
        RuleKind::Promotion,
    ];
    let mut found = kinds.into_iter().filter(|kind| {
        let interface = v0_1::interface(*kind);
        component
            .component_type()
            .exports(engine)
            .any(|(name, _)| name == interface)
    });
    match (found.next(), found.next()) {
        (None, _) => Err(PluginError::NoRule),
        (Some(kind), None) => Ok(kind),
        (Some(one), Some(other)) => {
            Err(PluginError::SeveralRules(format!("{one:?} and {other:?}")))
        }
    }
}

fn named_kind(kind: tessera_build::RuleKind) -> RuleKind {
    match kind {
        tessera_build::RuleKind::Points => RuleKind::Points,
        tessera_build::RuleKind::Tier => RuleKind::Tier,
        tessera_build::RuleKind::Referral => RuleKind::Referral,
        tessera_build::RuleKind::Promotion => RuleKind::Promotion,
    }
}

fn describe(error: &wasmtime::Error) -> String {
    limits::tidy(&format!("{error:#}"), ERROR_BYTES)
}
