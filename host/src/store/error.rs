//! What can go wrong between the host and its database.

use std::path::PathBuf;

/// SQLSTATEs of a prepared statement that is there already, or not at all: no host prepares one twice.
const STATEMENT_OF_ANOTHER: [&str; 2] = ["42P05", "26000"];

/// A database operation that did not happen, with what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("cannot create the data folder `{path}`; check the path and its permissions")]
    Folder {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error(
        "the data folder `{path}` is in use by another process; stop it or talk to it over HTTP"
    )]
    Locked { path: PathBuf },
    #[error(
        "the database URL is not understood; write `postgres://user@host/database` or leave it out for SQLite"
    )]
    Url { source: sqlx::Error },
    #[error(
        "`{text}` names no database; write `sqlite:PATH` (a data folder or a file) or `postgres://user@host/database`"
    )]
    Scheme { text: String },
    #[error("there is no database file `{path}`; check the path")]
    Missing { path: PathBuf },
    #[error(
        "{place} is half filled from {from}; run that command again to its end, or restore the backup into an empty \
         database"
    )]
    HalfFilled { place: String, from: String },
    #[error(
        "the chain in {place} was moved to {to}; use that one. Only if nobody ever served it, `tessera migrate --from … \
         --take-back` opens this one again"
    )]
    MovedAway { place: String, to: String },
    #[error("cannot open the database {what}; check that it is reachable and writable")]
    Open { what: String, source: sqlx::Error },
    #[error("SQLite {found} can corrupt its log; build with 3.51.3 or newer")]
    OldSqlite { found: String },
    #[error(
        "bringing the database to this version failed; restore the backup or use the newer host"
    )]
    Migrate { source: sqlx::migrate::MigrateError },
    #[error(
        "{doing} failed: between the host and PostgreSQL a pooler hands prepared statements to other sessions; use \
         PgBouncer 1.21 or newer with `max_prepared_statements`, or `pool_mode = session`"
    )]
    Pooler {
        doing: &'static str,
        source: sqlx::Error,
    },
    #[error("{doing} failed in the database")]
    Query {
        doing: &'static str,
        source: sqlx::Error,
    },
    #[error("a stored value is not readable while {doing}: {what}; run `tessera verify`")]
    Stored { doing: &'static str, what: String },
    #[error("`{field}` contains the character U+0000; remove it")]
    Text { field: &'static str },
    #[error("the writer's queue is full; try again shortly")]
    Busy,
    #[error("the writer has stopped; restart the host")]
    Stopped,
    /// A rule of a use case refused inside a plain write; the message is for the caller.
    #[error("{0}")]
    Refused(String),
}

impl StoreError {
    /// For `map_err`: names the operation that failed.
    pub fn during(doing: &'static str) -> impl FnOnce(sqlx::Error) -> Self {
        move |source| match &source {
            sqlx::Error::Database(error)
                if error
                    .code()
                    .is_some_and(|code| STATEMENT_OF_ANOTHER.contains(&code.as_ref())) =>
            {
                Self::Pooler { doing, source }
            }
            _ => Self::Query { doing, source },
        }
    }

    /// For `map_err` on decoding a stored document.
    pub fn stored<E: std::fmt::Display>(doing: &'static str) -> impl FnOnce(E) -> Self {
        move |error| Self::Stored {
            doing,
            what: error.to_string(),
        }
    }

    /// True if a unique or primary key stood in the way.
    pub fn is_unique_violation(&self) -> bool {
        matches!(self, Self::Query { source: sqlx::Error::Database(error), .. } if error.is_unique_violation())
    }

    /// True if the database refused the data itself, so the same rows would be refused again.
    pub(crate) fn is_about_the_data(&self) -> bool {
        match self {
            Self::Query {
                source: sqlx::Error::Database(error),
                ..
            } => {
                error.is_unique_violation()
                    || error.is_check_violation()
                    || error.is_foreign_key_violation()
                    || error.code().is_some_and(|code| code.starts_with("22"))
            }
            Self::Query {
                source: sqlx::Error::Encode(_),
                ..
            }
            | Self::Text { .. }
            | Self::Refused(_) => true,
            _ => false,
        }
    }

    /// True if another writer was in the way and the work may simply be done again.
    pub(crate) fn is_contention(&self) -> bool {
        matches!(self, Self::Query { source: sqlx::Error::Database(error), .. }
            if error.code().is_some_and(|code| matches!(code.as_ref(), "40001" | "40P01" | "55P03" | "5" | "517")))
    }
}

/// Refuses text that PostgreSQL cannot store.
///
/// # Errors
/// [`StoreError::Text`] naming `field`.
pub fn check_text(field: &'static str, text: &str) -> Result<(), StoreError> {
    if text.contains('\0') {
        return Err(StoreError::Text { field });
    }
    Ok(())
}

/// An error with everything that caused it, for logs and refusals.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}
