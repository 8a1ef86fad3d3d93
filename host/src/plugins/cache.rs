//! Compiled code kept on disk, so that a start does not compile again.
//!
//! Loading compiled code is executing it, so an entry counts only when it carries this folder's own
//! keyed MAC over its name and contents; anything else is ignored and compiled again. A name holds
//! the component's digest and a digest of everything the compiler's output depends on.

use std::fs::{self, OpenOptions};
use std::hash::{Hash, Hasher};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};

const KEY_BYTES: usize = 32;
const MAC_BYTES: usize = 32;
/// Compiled code is two to five times the component, which has at most 8 MiB.
const MAX_ENTRY_BYTES: u64 = 128 * 1024 * 1024;
/// The oldest entries beyond this many are removed.
const MAX_ENTRIES: usize = 256;
const SUFFIX: &str = "native";

/// A private folder of compiled components.
#[derive(Debug)]
pub struct Cache {
    folder: PathBuf,
    key: [u8; KEY_BYTES],
}

#[derive(Debug, thiserror::Error)]
#[error("open the folder of compiled plugins {folder}: {source}; make it writable for this user")]
pub struct CacheError {
    folder: String,
    source: io::Error,
}

impl Cache {
    /// Opens the folder, making it and its key when they are missing. A key that others could read is
    /// replaced, which makes every entry worthless.
    pub fn open(folder: &Path) -> Result<Self, CacheError> {
        let wrap = |source| CacheError {
            folder: folder.display().to_string(),
            source,
        };
        fs::create_dir_all(folder).map_err(wrap)?;
        keep_private(folder, 0o700).map_err(wrap)?;
        let key = read_or_make_key(&folder.join("key")).map_err(wrap)?;
        Ok(Self {
            folder: folder.to_path_buf(),
            key,
        })
    }

    /// The compiled code of this component for this engine, if it is here and untouched.
    pub(super) fn load(&self, digest: &str, compatibility: &str) -> Option<Vec<u8>> {
        let name = entry_name(digest, compatibility);
        let mut bytes = read_at_most(&self.folder.join(&name), MAX_ENTRY_BYTES).ok()?;
        let code = bytes.split_off_checked(MAC_BYTES)?;
        self.mac(&name, &code).verify_slice(&bytes).ok()?;
        Some(code)
    }

    /// Keeps compiled code for the next start. A full disk costs time later, nothing else, so
    /// failures are only logged.
    pub(super) fn store(&self, digest: &str, compatibility: &str, code: &[u8]) {
        let name = entry_name(digest, compatibility);
        if let Err(error) = self.write(&name, code) {
            tracing::warn!(%error, entry = name, "could not keep a compiled plugin; it will be compiled again at the next start");
        }
    }

    fn write(&self, name: &str, code: &[u8]) -> io::Result<()> {
        self.prune()?;
        let mac = self.mac(name, code).finalize().into_bytes();
        let partial = self
            .folder
            .join(format!("{name}.{}.partial", std::process::id()));
        let mut file = create_private(&partial, false)?;
        file.write_all(&mac)?;
        file.write_all(code)?;
        drop(file);
        fs::rename(&partial, self.folder.join(name))
    }

    fn mac(&self, name: &str, code: &[u8]) -> Hmac<Sha256> {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(&self.key).expect("HMAC takes keys of any length");
        mac.update(&(name.len() as u64).to_le_bytes());
        mac.update(name.as_bytes());
        mac.update(code);
        mac
    }

    fn prune(&self) -> io::Result<()> {
        let mut entries: Vec<(SystemTime, PathBuf)> = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            let path = entry.path();
            if path.file_name().is_some_and(|name| name != "key") {
                entries.push((entry.metadata()?.modified()?, path));
            }
        }
        entries.sort();
        let excess = (entries.len() + 1).saturating_sub(MAX_ENTRIES);
        for (_, path) in entries.into_iter().take(excess) {
            fs::remove_file(path)?;
        }
        Ok(())
    }
}

fn entry_name(digest: &str, compatibility: &str) -> String {
    format!("{digest}-{compatibility}.{SUFFIX}")
}

/// A digest of everything compiled code depends on besides the component.
pub(super) fn compatibility_digest(subject: impl Hash) -> String {
    struct Sha(Sha256);
    impl Hasher for Sha {
        fn finish(&self) -> u64 {
            0
        }
        fn write(&mut self, bytes: &[u8]) {
            self.0.update(bytes);
        }
    }
    let mut hasher = Sha(Sha256::new());
    subject.hash(&mut hasher);
    hex::encode(&hasher.0.finalize()[..16])
}

trait SplitChecked: Sized {
    fn split_off_checked(&mut self, at: usize) -> Option<Self>;
}

impl SplitChecked for Vec<u8> {
    fn split_off_checked(&mut self, at: usize) -> Option<Self> {
        (self.len() >= at).then(|| self.split_off(at))
    }
}

fn read_at_most(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    fs::File::open(path)?
        .take(limit + 1)
        .read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "larger than any compiled plugin",
        ));
    }
    Ok(bytes)
}

fn read_or_make_key(path: &Path) -> io::Result<[u8; KEY_BYTES]> {
    if is_private(path)
        && let Ok(key) =
            <[u8; KEY_BYTES]>::try_from(read_at_most(path, KEY_BYTES as u64).unwrap_or_default())
    {
        return Ok(key);
    }
    let mut key = [0; KEY_BYTES];
    getrandom::fill(&mut key).map_err(io::Error::other)?;
    if path.exists() {
        fs::remove_file(path)?;
    }
    create_private(path, true)?.write_all(&key)?;
    Ok(key)
}

#[cfg(unix)]
fn is_private(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o077 == 0)
}

#[cfg(not(unix))]
fn is_private(path: &Path) -> bool {
    path.is_file()
}

#[cfg(unix)]
fn keep_private(path: &Path, mode: u32) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
}

#[cfg(not(unix))]
fn keep_private(_path: &Path, _mode: u32) -> io::Result<()> {
    Ok(())
}

fn create_private(path: &Path, new: bool) -> io::Result<fs::File> {
    let mut options = OpenOptions::new();
    options.write(true);
    if new {
        options.create_new(true);
    } else {
        options.create(true).truncate(true);
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    options.open(path)
}
