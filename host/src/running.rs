//! The note a running host leaves in its data folder, so that commands on the same machine find it.

use std::io::Write as _;
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::{Deserialize, Serialize};

const FILE: &str = "running.json";

/// Where a host listens and the key of its local operator. The key lives only as long as the process,
/// and only the folder's owner can read the file.
#[derive(Debug, Serialize, Deserialize)]
pub struct Running {
    pub address: SocketAddr,
    pub key: String,
    pub process: u32,
}

/// Removes the note when the host stops.
pub struct Note(PathBuf);

impl Running {
    /// Writes the note; it goes when the answer is dropped.
    pub fn announce(&self, data: &Path) -> anyhow::Result<Note> {
        let path = data.join(FILE);
        let _ = std::fs::remove_file(&path);
        let mut file = std::fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)
            .with_context(|| format!("cannot write `{}`", path.display()))?;
        file.write_all(&serde_json::to_vec_pretty(self)?)?;
        Ok(Note(path))
    }

    /// The host that owns the folder now, if one runs. A note left by a killed host counts for nothing.
    pub fn find(data: &Path) -> anyhow::Result<Option<Self>> {
        let path = data.join(FILE);
        let text = match std::fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => {
                return Err(error).with_context(|| format!("cannot read `{}`", path.display()));
            }
        };
        if !crate::store::DataFolder::is_locked(data)? {
            return Ok(None);
        }
        let running = serde_json::from_slice(&text)
            .with_context(|| format!("`{}` is damaged", path.display()))?;
        Ok(Some(running))
    }
}

impl Drop for Note {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}
