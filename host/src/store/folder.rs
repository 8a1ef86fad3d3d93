//! The data folder of a host, which has one owner at a time.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};

use super::error::StoreError;

pub(super) fn create_folder(path: &Path) -> Result<(), StoreError> {
    std::fs::create_dir_all(path).map_err(|source| StoreError::Folder {
        path: path.to_owned(),
        source,
    })
}

/// A data folder owned by this process until dropped.
#[derive(Debug)]
pub struct DataFolder {
    path: PathBuf,
    // Held for its lock, which the system releases even after a kill.
    _owner: File,
}

impl DataFolder {
    /// Creates the folder when missing and becomes its only owner.
    ///
    /// # Errors
    /// [`StoreError::Locked`] while another process owns it.
    pub fn lock(path: &Path) -> Result<Self, StoreError> {
        create_folder(path)?;
        let failed = |source| StoreError::Folder {
            path: path.to_owned(),
            source,
        };
        let owner = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path.join("owner.lock"))
            .map_err(failed)?;
        match owner.try_lock() {
            Ok(()) => Ok(Self {
                path: path.to_owned(),
                _owner: owner,
            }),
            Err(std::fs::TryLockError::WouldBlock) => Err(StoreError::Locked {
                path: path.to_owned(),
            }),
            Err(std::fs::TryLockError::Error(source)) => Err(failed(source)),
        }
    }

    /// Whether a process owns the folder now.
    ///
    /// # Errors
    /// When the lock cannot be looked at.
    pub fn is_locked(path: &Path) -> Result<bool, StoreError> {
        match Self::lock(path) {
            Ok(_) => Ok(false),
            Err(StoreError::Locked { .. }) => Ok(true),
            Err(error) => Err(error),
        }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_data_folder_has_one_owner_at_a_time() {
        let folder = std::env::temp_dir().join(format!("tessera-{}", uuid::Uuid::now_v7()));
        let first = DataFolder::lock(&folder).expect("the first owner gets the lock");
        assert!(matches!(
            DataFolder::lock(&folder),
            Err(StoreError::Locked { .. })
        ));
        drop(first);
        DataFolder::lock(&folder).expect("a released folder can be owned again");
        std::fs::remove_dir_all(&folder).expect("the folder is removed");
    }
}
