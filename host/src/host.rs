//! What every use case shares: the database, its writer, the clock, the rules and the caches.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;

use crate::access::Recent;
use crate::checkout::Quotes;
use crate::clock::Clock;
use crate::config::{Config, Limits, Sandbox};
use crate::declaration::Watched;
use crate::lease::Lease;
use crate::metrics::Metrics;
use crate::plugins::catalog::Source;
use crate::plugins::{Cache, Catalog, Engine, EngineSettings, PluginError};
use crate::snapshot::Snapshots;
use crate::store::{
    DataFolder, Db, Location, StoreError, Writer, WriterSettings, bindings, persons,
    plugins as installed,
};
use crate::vault::{MASTER_KEY_FILE, Vault};

/// Connections that read at once.
const READERS: u32 = 8;
/// What a writer that is told to stop has for what it took on.
const LAST_WRITES: Duration = Duration::from_secs(10);
/// Names the host of a data folder in its seal sequence.
pub const HOST_ID_FILE: &str = "host.id";

/// The holder of the chain's master key, which is made with the chain only.
async fn vault(folder: &Path, db: &Db) -> anyhow::Result<Vault> {
    let in_use = persons::master_in_use(&mut db.read().await?).await?;
    let wrong = |other: &str, held: &str| {
        anyhow::anyhow!(
            "the chain's personal data is sealed with the master key {other}, and `{}` holds {held}; copy \
             `{MASTER_KEY_FILE}` from the data folder of the chain's first host, or from its backup",
            folder.display(),
        )
    };
    if let Some(other) = &in_use
        && !folder.join(MASTER_KEY_FILE).try_exists()?
    {
        return Err(wrong(other, "none"));
    }
    let vault = Vault::open(folder)?;
    match in_use {
        Some(other) if other != vault.name() => Err(wrong(&other, vault.name())),
        _ => Ok(vault),
    }
}

/// Hosts of one chain must agree on days and on when things end, so they go by the clock of their database's server
/// where a machine's own is off.
async fn follow(clock: &Clock, db: &Db) -> Result<(), StoreError> {
    let moved = match db.clock_ahead().await? {
        Some(ahead) => clock.follow(ahead),
        None => 0,
    };
    if moved != 0 {
        tracing::warn!(
            seconds = clock.ahead() / 1_000_000,
            "the database server's clock is so far ahead of this machine's, or behind it; going by the server's: set \
             the clocks"
        );
    }
    Ok(())
}

/// One running host. Handlers and use cases borrow it; `open` and tests put it together.
pub struct Host {
    pub db: Db,
    pub writer: Writer,
    pub clock: Clock,
    pub catalog: Arc<Catalog>,
    pub vault: Vault,
    pub limits: Limits,
    pub recent: Recent,
    pub metrics: Arc<Metrics>,
    /// Whether refusals are told in Chinese to callers that name no language.
    pub chinese: AtomicBool,
    pub quotes: Quotes,
    /// Whose turn it is to draw a number: see [`crate::wallet::draw`].
    pub drawing: tokio::sync::Mutex<()>,
    pub snapshots: Snapshots,
    /// The configuration folder, and what is wrong with it.
    pub watched: Watched,
    /// Whether this host runs the jobs of the chain.
    pub lease: Lease,
    /// As many baskets are priced at once as there are cores: more would only wait for each other.
    pub pricing_seats: Semaphore,
    operator_key: String,
    stopping: watch::Sender<bool>,
    writing: tokio::sync::Mutex<Option<JoinHandle<()>>>,
    // Owned as long as the host lives.
    _folder: DataFolder,
}

impl Host {
    /// Opens the chain of a data folder on the system's clock, with compiled rules kept in the folder.
    pub async fn open(config: &Config) -> anyhow::Result<Arc<Self>> {
        let engine = Engine::new(config.sandbox.clone().into())?;
        std::fs::create_dir_all(&config.data)
            .with_context(|| format!("cannot create `{}`", config.data.display()))?;
        let cache = Cache::open(&config.data.join("compiled"))?;
        let catalog = Arc::new(Catalog::new(engine, Some(cache)));
        Self::assemble(config, Clock::default(), catalog).await
    }

    /// Opens a chain with a clock and a catalog from outside.
    pub async fn assemble(
        config: &Config,
        clock: Clock,
        catalog: Arc<Catalog>,
    ) -> anyhow::Result<Arc<Self>> {
        let folder = DataFolder::lock(&config.data)?;
        let db = Db::open(
            &Location::choose(&config.data, config.database.as_deref()),
            READERS,
        )
        .await?;
        follow(&clock, &db).await?;
        let vault = vault(folder.path(), &db).await?;
        let settings = WriterSettings {
            queue: config.writer.queue,
            batch: config.writer.batch,
            lanes: config.writer.lanes,
            ..WriterSettings::new(host_id(folder.path())?, clock.now())
        };
        let (writer, writing) = Writer::start(db.clone(), settings).await?;
        let seats = std::thread::available_parallelism().map_or(2, usize::from);
        let host = Arc::new(Self {
            vault,
            limits: config.limits.clone(),
            recent: Recent::new()?,
            metrics: Arc::default(),
            chinese: AtomicBool::new(false),
            quotes: Quotes::new(config.limits.quotes),
            drawing: tokio::sync::Mutex::default(),
            snapshots: Snapshots::default(),
            watched: Watched::default(),
            lease: Lease::new(Duration::from_secs(config.limits.lease_seconds)),
            pricing_seats: Semaphore::new(seats),
            operator_key: format!(
                "tsk_operator_{}",
                hex::encode(crate::vault::random::<32>()?)
            ),
            stopping: watch::channel(false).0,
            writing: tokio::sync::Mutex::new(Some(writing)),
            _folder: folder,
            db,
            writer,
            clock,
            catalog,
        });
        host.keep_embedded().await?;
        host.load_missing().await?;
        host.refresh().await?;
        Ok(host)
    }

    /// Compiles what the database holds and this process does not: at the start, and what another host
    /// installed since.
    pub async fn load_missing(&self) -> Result<(), StoreError> {
        let mut conn = self.db.read().await?;
        let mut after = String::new();
        loop {
            let page = installed::plugins(&mut conn, &after, 100).await?;
            let Some(last) = page.last() else {
                return Ok(());
            };
            after.clone_from(&last.digest);
            for plugin in &page {
                self.load(&mut conn, &plugin.digest).await?;
            }
        }
    }

    /// Compiles one installed component, if it is not in the catalog yet, away from the threads that answer.
    async fn load(&self, conn: &mut crate::store::Conn, digest: &str) -> Result<(), StoreError> {
        if self.catalog.snapshot().by_digest(digest).is_some() {
            return Ok(());
        }
        let Some(bytes) = installed::bytes(conn, digest).await? else {
            return Ok(());
        };
        let catalog = Arc::clone(&self.catalog);
        let compiled = tokio::task::spawn_blocking(move || {
            match catalog.install(&bytes, Source::Installed) {
                // Its name and version stand for other bytes now; old evaluations still need these.
                Err(PluginError::VersionTaken { .. }) => catalog.install(&bytes, Source::Archived),
                installed => installed,
            }
        });
        let why = match compiled.await {
            Ok(Ok(_)) => return Ok(()),
            Ok(Err(error)) => error.to_string(),
            Err(error) => error.to_string(),
        };
        // Others go on; its bindings are reported where they are loaded.
        tracing::error!(digest, why, "an installed plugin does not load");
        Ok(())
    }

    /// Compiles what bindings answer with that another host installed.
    async fn load_bound(&self) -> Result<(), StoreError> {
        let mut conn = self.db.read().await?;
        if !self.snapshots.are_rules_old(&mut conn).await? {
            return Ok(());
        }
        for digest in bindings::digests(&mut conn).await? {
            self.load(&mut conn, &digest).await?;
        }
        Ok(())
    }

    /// Installs the components the binary carries, and writes them down, so that an evaluation by one can be executed again after the
    /// binary has moved on.
    async fn keep_embedded(&self) -> anyhow::Result<()> {
        for embedded in tessera_embed::all() {
            let plugin = self.catalog.install(embedded.bytes, Source::Embedded)?;
            let row = crate::rules::row_of(&plugin, self.clock.now().0)?;
            let bytes = embedded.bytes;
            self.writer
                .write("keeping an embedded plugin", move |tx| {
                    Box::pin(async move { installed::install(tx, &row, bytes).await })
                })
                .await?;
        }
        Ok(())
    }

    /// Reads again what has changed, here or on another host.
    pub async fn refresh(&self) -> Result<(), StoreError> {
        follow(&self.clock, &self.db).await?;
        self.load_bound().await?;
        if !self.snapshots.refresh(&self.db, &self.catalog).await? {
            return Ok(());
        }
        if let Some(snapshot) = self.snapshots.current() {
            self.speak(&snapshot.chain.language);
        }
        Ok(())
    }

    /// Sets the language of callers that name none, from the chain's own.
    pub fn speak(&self, language: &str) {
        self.chinese.store(
            language.to_ascii_lowercase().starts_with("zh"),
            Ordering::Relaxed,
        );
    }

    /// The key of whoever owns the data folder: an administrator's, as long as this process lives.
    pub fn operator_key(&self) -> String {
        self.operator_key.clone()
    }

    /// Tells streams that the host is stopping.
    pub fn begin_stop(&self) {
        self.stopping.send_replace(true);
    }

    /// Turns true when the host is stopping.
    pub fn stopping(&self) -> watch::Receiver<bool> {
        self.stopping.subscribe()
    }

    /// Waits for the writer to finish what it has, and closes the database.
    pub async fn close(&self) {
        self.begin_stop();
        self.writer.stop();
        if let Some(mut writing) = self.writing.lock().await.take()
            && tokio::time::timeout(LAST_WRITES, &mut writing)
                .await
                .is_err()
        {
            // The database is away. What was not answered is looked up by its key later; the connection has to
            // come back, or closing would wait for it for ever.
            writing.abort();
        }
        self.db.close().await;
    }
}

impl From<Sandbox> for EngineSettings {
    fn from(sandbox: Sandbox) -> Self {
        Self {
            fuel: sandbox.fuel,
            memory_bytes: sandbox.memory_bytes,
            deadline: Duration::from_millis(sandbox.deadline_ms),
            plugin_bytes: sandbox.plugin_bytes,
            ..Self::default()
        }
    }
}

/// The stable name of this host in its seal sequence, made once per data folder.
fn host_id(folder: &std::path::Path) -> anyhow::Result<String> {
    let path = folder.join(HOST_ID_FILE);
    match std::fs::read_to_string(&path) {
        Ok(id) if !id.trim().is_empty() => Ok(id.trim().to_owned()),
        _ => {
            let id = uuid::Uuid::now_v7().to_string();
            std::fs::write(&path, &id)
                .with_context(|| format!("cannot write `{}`", path.display()))?;
            Ok(id)
        }
    }
}
