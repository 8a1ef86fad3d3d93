//! The tables, embedded in the binary and brought up to date at every start.
//!
//! A migration is one text for both databases, written with `TEXT`, `BIGINT`, `BOOLEAN` and `BYTEA`, plus
//! what only one of them needs. PostgreSQL compares text by its bytes, as SQLite does, so that key order
//! and cursors agree whatever the server's locale is.

use std::time::Duration;

use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{AssertSqlSafe, SqlSafeStr};

use super::db::Dialect;
use super::error::StoreError;

/// Hosts that start at the same moment on one server run into each other at most this often.
const ATTEMPTS: u32 = 5;

struct Tables {
    version: i64,
    name: &'static str,
    common: &'static str,
    sqlite: &'static str,
    postgres: &'static str,
}

/// In order; a published one is never edited.
const ALL: &[Tables] = &[
    Tables {
        version: 1,
        name: "ledger",
        common: include_str!("../../../migrations/common/0001_ledger.sql"),
        sqlite: "",
        postgres: include_str!("../../../migrations/postgres/0001_ledger.sql"),
    },
    Tables {
        version: 2,
        name: "nouns",
        common: include_str!("../../../migrations/common/0002_nouns.sql"),
        sqlite: "",
        postgres: "",
    },
    Tables {
        version: 3,
        name: "configuration",
        common: include_str!("../../../migrations/common/0003_configuration.sql"),
        sqlite: "",
        postgres: "",
    },
    Tables {
        version: 4,
        name: "occasions",
        common: include_str!("../../../migrations/common/0004_occasions.sql"),
        sqlite: "",
        postgres: "",
    },
    Tables {
        version: 5,
        name: "archives",
        common: include_str!("../../../migrations/common/0005_archives.sql"),
        sqlite: "",
        postgres: "",
    },
    Tables {
        version: 6,
        name: "room",
        common: "",
        sqlite: "",
        postgres: include_str!("../../../migrations/postgres/0006_room.sql"),
    },
    Tables {
        version: 7,
        name: "parked_baskets",
        common: include_str!("../../../migrations/common/0007_parked_baskets.sql"),
        sqlite: "",
        postgres: "",
    },
    Tables {
        version: 8,
        name: "rewards",
        common: include_str!("../../../migrations/common/0008_rewards.sql"),
        sqlite: "",
        postgres: "",
    },
    Tables {
        version: 9,
        name: "shifts",
        common: include_str!("../../../migrations/common/0009_shifts.sql"),
        sqlite: "",
        postgres: "",
    },
    Tables {
        version: 10,
        name: "people",
        common: include_str!("../../../migrations/common/0010_people.sql"),
        sqlite: "",
        postgres: "",
    },
    Tables {
        version: 11,
        name: "top_up_plans",
        common: include_str!("../../../migrations/common/0011_top_up_plans.sql"),
        sqlite: "",
        postgres: "",
    },
    Tables {
        version: 13,
        name: "cards_and_merges",
        common: include_str!("../../../migrations/common/0013_cards_and_merges.sql"),
        sqlite: "",
        postgres: "",
    },
    Tables {
        version: 14,
        name: "value_over_time",
        common: include_str!("../../../migrations/common/0014_value_over_time.sql"),
        sqlite: "",
        postgres: "",
    },
    Tables {
        version: 15,
        name: "passes",
        common: include_str!("../../../migrations/common/0015_passes.sql"),
        sqlite: "",
        postgres: "",
    },
    Tables {
        version: 16,
        name: "settlements",
        common: include_str!("../../../migrations/common/0016_settlements.sql"),
        sqlite: "",
        postgres: "",
    },
    Tables {
        version: 17,
        name: "counter",
        common: include_str!("../../../migrations/common/0017_counter.sql"),
        sqlite: "",
        postgres: "",
    },
    Tables {
        version: 18,
        name: "periods",
        common: include_str!("../../../migrations/common/0018_periods.sql"),
        sqlite: "",
        postgres: "",
    },
    Tables {
        version: 19,
        name: "people_over_time",
        common: include_str!("../../../migrations/common/0019_people_over_time.sql"),
        sqlite: "",
        postgres: "",
    },
];

impl Tables {
    fn text(&self, dialect: Dialect) -> String {
        match dialect {
            Dialect::Sqlite => format!("{}\n{}", self.common, self.sqlite)
                .replace("BYTEA", "BLOB")
                .replace(") /* clustered */;", ") WITHOUT ROWID;"),
            Dialect::Postgres => format!(
                "{}\n{}",
                self.common.replace(" TEXT", " TEXT COLLATE \"C\""),
                self.postgres
            ),
        }
    }
}

fn migrator(dialect: Dialect) -> Migrator {
    let migrations = ALL
        .iter()
        .map(|tables| {
            Migration::new(
                tables.version,
                tables.name.into(),
                MigrationType::Simple,
                AssertSqlSafe(tables.text(dialect)).into_sql_str(),
                false,
            )
        })
        .collect();
    let mut migrator = Migrator::with_migrations(migrations);
    // Advisory locks are lost behind connection poolers; starts that collide are tried again instead.
    migrator.set_locking(false);
    migrator
}

/// The version of the tables this program works with.
pub(super) fn newest() -> i64 {
    ALL.last().map_or(0, |tables| tables.version)
}

/// Applies what is missing, up to a version where one is named.
///
/// # Errors
/// When a migration fails or the database was written by a newer host.
pub(super) async fn run<DB>(
    dialect: Dialect,
    pool: &sqlx::Pool<DB>,
    version: Option<i64>,
) -> Result<(), StoreError>
where
    DB: sqlx::Database,
    DB::Connection: sqlx::migrate::Migrate,
{
    let migrator = migrator(dialect);
    let mut attempt = 1;
    loop {
        let mut connection = pool
            .acquire()
            .await
            .map_err(StoreError::during("taking the writing connection"))?;
        match migrator.run_direct(version, &mut *connection, false).await {
            Ok(()) => return Ok(()),
            Err(source) if dialect == Dialect::Sqlite || attempt == ATTEMPTS => {
                return Err(StoreError::Migrate { source });
            }
            Err(error) => {
                tracing::info!(%error, attempt, "another host may be bringing the tables up to date");
                attempt += 1;
                tokio::time::sleep(Duration::from_millis(300)).await;
            }
        }
    }
}
