//! The sandbox room: compiles rule components, keeps the catalog of them and evaluates them.
//!
//! `engine` owns wasmtime and turns bytes into a `Plugin`; `sandbox` runs one call in a fresh store;
//! `v0_1` is the only place that knows the generated types of `wit/`; `limits` says what an answer may
//! look like; `catalog` keeps what is installed; `cache` keeps compiled code; `messages` renders reasons.
//! Nothing here reads the database or a device.

pub mod cache;
pub mod catalog;
pub mod checked;
pub mod engine;
pub mod fault;
pub mod limits;
pub mod messages;
pub mod plugin;
mod sandbox;
mod v0_1;

pub use cache::Cache;
pub use catalog::{Catalog, Snapshot};
pub use checked::CheckedConfig;
pub use engine::{Engine, EngineSettings};
pub use fault::{BadAnswer, ConfigRefused, FaultReason, PluginError, PluginFault};
pub use plugin::{Evaluated, Plugin, Reexecuted};
