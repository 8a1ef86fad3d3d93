//! A fresh database of each kind.

use tempfile::TempDir;
use tessera::store::{Db, Location};

use crate::postgres::{cluster, is_wanted};

/// An empty database with the host's tables.
pub struct TestDatabase {
    /// `SQLite` or `PostgreSQL`, for messages.
    pub name: &'static str,
    pub location: Location,
    pub db: Db,
    _folder: Option<TempDir>,
}

/// A fresh SQLite file in a folder of its own.
///
/// # Panics
/// When the disk refuses.
pub async fn sqlite() -> TestDatabase {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let location = Location::choose(folder.path(), None);
    TestDatabase {
        name: "SQLite",
        db: Db::open(&location, 4).await.expect("SQLite opens"),
        location,
        _folder: Some(folder),
    }
}

/// A fresh database on this process' own server; none where tests do without one.
///
/// # Panics
/// When the server is there but does not start.
pub async fn postgres() -> Option<TestDatabase> {
    if !is_wanted() {
        return None;
    }
    let location = Location::Postgres(cluster().create_database().await);
    Some(TestDatabase {
        name: "PostgreSQL",
        db: Db::open(&location, 4).await.expect("PostgreSQL opens"),
        location,
        _folder: None,
    })
}

/// One of each.
pub async fn each() -> Vec<TestDatabase> {
    let mut databases = vec![sqlite().await];
    databases.extend(postgres().await);
    databases
}
