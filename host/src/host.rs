//! What every use case shares: the database, its writer, the clock, the rules and the caches.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::access::Recent;
use crate::clock::Clock;
use crate::config::Limits;
use crate::metrics::Metrics;
use crate::store::{Db, Writer};
use crate::vault::Vault;

/// One running host. Handlers and use cases borrow it; `main` and tests put it together.
pub struct Host {
    pub db: Db,
    pub writer: Writer,
    pub clock: Clock,
    pub vault: Vault,
    pub limits: Limits,
    pub recent: Recent,
    pub metrics: Arc<Metrics>,
    /// Whether refusals are told in Chinese to callers that name no language.
    pub chinese: AtomicBool,
}

impl Host {
    /// Sets the language of callers that name none, from the chain's own.
    pub fn speak(&self, language: &str) {
        self.chinese.store(
            language.to_ascii_lowercase().starts_with("zh"),
            Ordering::Relaxed,
        );
    }
}
