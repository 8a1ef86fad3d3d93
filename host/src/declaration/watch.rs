//! The watched folder: every `*.toml` in it but the host's own settings is one declaration, every `*.wasm` a
//! component to install. A change is taken up once the folder has been quiet for a moment; what cannot be applied
//! changes nothing and is told in the log, in `/readyz` and by `tessera status` until it is mended.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use notify::{RecursiveMode, Watcher as _};
use serde::Serialize;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use utoipa::ToSchema;

use super::fault::DeclarationError;
use super::{Author, Declaration, Source, plan, releases};
use crate::domain::time::Instant;
use crate::host::Host;
use crate::store::declared;

/// The host's own settings, which declare nothing.
pub const OWN_SETTINGS: &str = "tessera.toml";
/// The author of what the folder declares.
pub const AUTHOR: &str = "watch";
/// How long the folder has to be quiet.
const QUIET: Duration = Duration::from_millis(200);
/// A folder that is never quiet is read all the same.
const AT_MOST: Duration = Duration::from_millis(600);
/// Changes the system does not tell (a network mount, a full queue) are found by looking.
const LOOK: Duration = Duration::from_secs(2);
const MOST_FILES: usize = 200;
/// Bytes of one file.
const MOST_BYTES: u64 = 1 << 20;

/// What the folder is, and what is wrong with it.
#[derive(Debug, Default)]
pub struct Watched(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    folder: Option<PathBuf>,
    problem: Option<Problem>,
}

/// Why the folder is not what is live.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub since: Instant,
    pub faults: Vec<Told>,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ConfigurationFault)]
pub struct Told {
    pub file: String,
    /// From 1; absent for a component or the folder as a whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// As in `binding[2].config.rate`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub key: String,
    pub message: String,
}

impl Watched {
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The folder, if one is watched.
    pub fn folder(&self) -> Option<PathBuf> {
        self.state().folder.clone()
    }

    /// What is wrong now.
    pub fn problem(&self) -> Option<Problem> {
        self.state().problem.clone()
    }
}

impl std::fmt::Display for Told {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.file)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        if !self.key.is_empty() {
            write!(f, ": {}", self.key)?;
        }
        write!(f, ": {}", self.message)
    }
}

/// A file as the system describes it without reading it.
type Print = (u64, Option<SystemTime>);

/// The folder at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Look {
    toml: BTreeMap<String, Print>,
    wasm: BTreeMap<String, Print>,
}

/// Takes the folder up now, and every change of it from now on, until aborted.
///
/// # Errors
/// When the folder cannot be read at all.
pub async fn start(host: &Arc<Host>, folder: &Path) -> anyhow::Result<JoinHandle<()>> {
    let (told, mut changes) = mpsc::channel(1);
    let tell = move |event: notify::Result<notify::Event>| {
        // Reading a file is an event too, and no change.
        if !matches!(&event, Ok(event) if event.kind.is_access()) {
            let _ = told.try_send(());
        }
    };
    let mut watcher = notify::recommended_watcher(tell)?;
    watcher.watch(folder, RecursiveMode::NonRecursive)?;
    host.watched.state().folder = Some(folder.to_owned());
    let mut keeper = Keeper {
        host: Arc::clone(host),
        folder: folder.to_owned(),
        seen: Look::default(),
        declared: last_declared(host).await?,
        components: BTreeMap::new(),
        wrong: Vec::new(),
    };
    keeper.take_up().await;
    Ok(tokio::spawn(async move {
        // Kept here, for it watches as long as it lives.
        let _watcher = watcher;
        let mut look = tokio::time::interval(LOOK);
        loop {
            tokio::select! {
                change = changes.recv() => {
                    if change.is_none() {
                        return;
                    }
                    settle(&mut changes).await;
                }
                _ = look.tick() => {}
            }
            keeper.take_up().await;
        }
    }))
}

/// Waits until the folder has been quiet for a moment.
async fn settle(changes: &mut mpsc::Receiver<()>) {
    let end = tokio::time::Instant::now() + AT_MOST;
    while tokio::time::Instant::now() < end {
        if tokio::time::timeout(QUIET, changes.recv()).await.is_err() {
            return;
        }
    }
}

/// What the folder declared last, so that a start does not undo a rollback.
async fn last_declared(host: &Host) -> anyhow::Result<Option<String>> {
    let mut conn = host.db.read().await?;
    Ok(declared::latest_by(&mut conn, AUTHOR)
        .await?
        .map(|revision| revision.digest))
}

struct Keeper {
    host: Arc<Host>,
    folder: PathBuf,
    seen: Look,
    /// Digest of what was applied last.
    declared: Option<String>,
    /// What is wrong with components, by file.
    components: BTreeMap<String, Vec<Told>>,
    /// What is wrong with the declaration.
    wrong: Vec<Told>,
}

impl Keeper {
    /// Compares the folder with what was seen last and does what its change asks for.
    async fn take_up(&mut self) {
        let folder = self.folder.clone();
        let look = match tokio::task::spawn_blocking(move || look(&folder)).await {
            Ok(Ok(look)) => look,
            Ok(Err(error)) => {
                self.wrong = vec![self.whole(format!("the folder cannot be read: {error}"))];
                return self.tell();
            }
            Err(_) => return,
        };
        if look == self.seen {
            return;
        }
        let mut complete = true;
        for (name, print) in &look.wasm {
            if self.seen.wasm.get(name) != Some(print) {
                self.install(name).await;
            }
        }
        self.components
            .retain(|name, _| look.wasm.contains_key(name));
        if look.toml != self.seen.toml || look.wasm != self.seen.wasm {
            complete = self.declare(&look).await;
        }
        // What was kept back may be granted or in range by now.
        let kept_back = self.components.iter().filter(|(_, told)| !told.is_empty());
        let names: Vec<String> = kept_back.map(|(name, _)| name.clone()).collect();
        for name in names {
            self.install(&name).await;
        }
        self.tell();
        // What could not be written is tried again at the next look.
        if complete {
            self.seen = look;
        }
    }

    fn whole(&self, message: String) -> Told {
        let name = self.folder.file_name().unwrap_or_default();
        told(&name.to_string_lossy(), message)
    }

    async fn install(&mut self, name: &str) {
        let outcome = match tokio::fs::read(self.folder.join(name)).await {
            Ok(bytes) => releases::install(&self.host, bytes)
                .await
                .map_err(|error| error.to_string()),
            Err(error) => Err(format!("cannot be read: {error}")),
        };
        match outcome {
            Ok(installed) => {
                let manifest = installed.plugin.manifest();
                tracing::info!(file = name, plugin = %manifest.name, version = %manifest.version,
                    live_for = ?installed.moved, "a component was installed");
                self.components.insert(
                    name.to_owned(),
                    installed
                        .kept
                        .into_iter()
                        .map(|why| told(name, why))
                        .collect(),
                );
            }
            Err(why) => {
                self.components
                    .insert(name.to_owned(), vec![told(name, why)]);
            }
        }
    }

    /// Applies the folder's declaration if it says something new; false when that should be tried again.
    async fn declare(&mut self, look: &Look) -> bool {
        if look.toml.is_empty() {
            // An unmounted folder must not close every store.
            self.wrong = match self.declared {
                Some(_) => vec![self.whole(
                    "holds no declaration any more, and nothing was changed; put an empty .toml file there to end all it declared".to_owned(),
                )],
                None => Vec::new(),
            };
            return true;
        }
        let large = look.toml.iter().find(|(_, (bytes, _))| *bytes > MOST_BYTES);
        if let Some((name, _)) = large.or(look.toml.iter().nth(MOST_FILES)) {
            let why = format!("at most {MOST_FILES} files of at most {MOST_BYTES} bytes are read");
            self.wrong = vec![told(name, why)];
            return true;
        }
        let mut sources = Vec::new();
        for name in look.toml.keys() {
            match tokio::fs::read(self.folder.join(name)).await {
                Ok(bytes) => sources.push(Source {
                    name: name.clone(),
                    text: String::from_utf8_lossy(&bytes).into_owned(),
                }),
                // Gone since: the next look sees the folder without it.
                Err(_) => return false,
            }
        }
        let same = Declaration::read(&sources)
            .is_ok_and(|declaration| self.declared == Some(plan::digest(&declaration)));
        if same && self.wrong.is_empty() {
            return true;
        }
        let author = Author {
            name: AUTHOR.to_owned(),
            restores: None,
            base: None,
        };
        match super::apply(&self.host, &sources, &author).await {
            Ok(applied) => {
                if applied.is_new {
                    tracing::info!(
                        revision = applied.number,
                        changes = applied.changes.len(),
                        "the folder's configuration is live"
                    );
                }
                self.declared = Declaration::read(&sources)
                    .ok()
                    .map(|read| plan::digest(&read));
                self.wrong.clear();
                true
            }
            Err(DeclarationError::Refused(faults)) => {
                self.wrong = faults
                    .into_iter()
                    .map(|fault| Told {
                        file: fault.file,
                        line: Some(fault.line),
                        key: fault.key,
                        message: fault.wrong.to_string(),
                    })
                    .collect();
                true
            }
            Err(error) => {
                self.wrong =
                    vec![self.whole(format!("could not be applied and is tried again: {error}"))];
                false
            }
        }
    }

    /// Makes what is wrong now known.
    fn tell(&self) {
        let components = self.components.values().flatten();
        let faults: Vec<Told> = components.chain(&self.wrong).cloned().collect();
        let mut state = self.host.watched.state();
        if state
            .problem
            .as_ref()
            .map_or(&[][..], |problem| &problem.faults)
            == faults
        {
            return;
        }
        for fault in &faults {
            tracing::warn!(%fault, "the watched configuration is not live as it stands");
        }
        state.problem = (!faults.is_empty()).then(|| Problem {
            since: self.host.clock.now(),
            faults,
        });
    }
}

/// What is wrong with a file as a whole.
fn told(file: &str, message: String) -> Told {
    Told {
        file: file.to_owned(),
        line: None,
        key: String::new(),
        message,
    }
}

/// The folder's files, without what editors leave beside them.
fn look(folder: &Path) -> std::io::Result<Look> {
    let mut look = Look::default();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with('.') || name == OWN_SETTINGS {
            continue;
        }
        let files = match Path::new(&name)
            .extension()
            .and_then(|extension| extension.to_str())
        {
            Some("toml") => &mut look.toml,
            Some("wasm") => &mut look.wasm,
            _ => continue,
        };
        // Through links, as mounted configurations are made of them.
        let Ok(about) = std::fs::metadata(entry.path()) else {
            continue;
        };
        if about.is_file() {
            files.insert(name, (about.len(), about.modified().ok()));
        }
    }
    Ok(look)
}
