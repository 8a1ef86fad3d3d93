//! Why a chain was not moved, backed up or restored.

use std::path::PathBuf;

use crate::store::error::StoreError;

/// A transfer that did not happen or did not end, with what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum TransferError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("{place} holds no chain; name the database of a chain")]
    NoChain { place: String },
    #[error("{place} is being served; stop its hosts, then run the same command again")]
    Served { place: String },
    #[error(
        "the tables of {place} are of version {found} and this program knows {known}; use the newer program"
    )]
    NewerTables {
        place: String,
        found: i64,
        known: i64,
    },
    #[error("{place} holds {holds}; name an empty database, nothing was written")]
    Occupied { place: String, holds: String },
    #[error(
        "{place} is half filled from {from}; finish that, or throw the half away with --start-over"
    )]
    HalfFilled { place: String, from: String },
    #[error("{place} was written to since the move began; run the command again with --start-over")]
    SourceChanged { place: String },
    #[error(
        "no host serves the file {place}; name a data folder, whose `tessera.db` it becomes. Nothing was written"
    )]
    OtherName { place: String },
    #[error(
        "the chain was moved to {place} before and is whole there; serve it. Nothing was written"
    )]
    AlreadyMoved { place: String },
    #[error(
        "the chain was moved to {place} and nothing is there any more; restore its backup there. Only if nobody ever \
         served it, `tessera migrate --from … --take-back` opens this one again"
    )]
    Emptied { place: String },
    #[error(
        "`{path}` holds what was before {was}; name that day, or another file. Nothing was taken out"
    )]
    OtherDay { path: PathBuf, was: String },
    #[error(
        "everything was moved to {place} already; run the command without --start-over to end it"
    )]
    NothingToRedo { place: String },
    #[error("{place} was not moved away; serve it")]
    NotMoved { place: String },
    #[error("another process is filling the target; wait for it or stop it")]
    Contended,
    #[error("the table `{table}` has no primary key, so it cannot be moved; give it one")]
    Keyless { table: String },
    #[error(
        "the column `{column}` of `{table}` is a {kind}, which not both databases have; make it TEXT, BIGINT, BOOLEAN or \
         BYTEA"
    )]
    UnknownKind {
        table: String,
        column: String,
        kind: String,
    },
    #[error("a row of `{table}` is not readable: {what}; run `tessera verify` on the source")]
    Row { table: String, what: String },
    #[error(
        "the target's tables are not those of the source although both are of version {version}; use the program that \
         made the source"
    )]
    OtherTables { version: i64 },
    #[error(
        "the table `{table}` came out different: {expected} rows were to be written, {found} are there; run the command \
         again with --start-over"
    )]
    Differs {
        table: String,
        expected: u64,
        found: u64,
    },
    #[error(
        "{count} rows of the target point at rows that are not there, such as in `{table}`; run `tessera verify` on the \
         source"
    )]
    Dangling { table: String, count: usize },
    #[error("the moved chain does not hold: {first}; the target stays closed, serve the source")]
    Unsound { first: String },
    #[error("cannot use the file `{path}`: {source}; check the path, its permissions and the disk")]
    File {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("`{path}` is there already; name another file")]
    FileExists { path: PathBuf },
    #[error("`{path}` is not whole: {what}; take another copy, nothing was written")]
    Damaged { path: PathBuf, what: String },
    #[error("`{path}` is not a file of Tessera; nothing was written")]
    Foreign { path: PathBuf },
    #[error("`{path}` is an {found}, not a {wanted}; nothing was written")]
    OtherKind {
        path: PathBuf,
        found: String,
        wanted: &'static str,
    },
    #[error(
        "`{path}` has format {found} and this program reads up to {known}; use the newer program, nothing was written"
    )]
    NewerFormat {
        path: PathBuf,
        found: u32,
        known: u32,
    },
    #[error(
        "`{path}` was made with the master key {made_with} and {have} is here; put the chain's own `master.key` into the \
         data folder, nothing was written"
    )]
    OtherKey {
        path: PathBuf,
        made_with: String,
        have: String,
    },
    #[error("`{path}` was changed by someone without the chain's master key; nothing was written")]
    Forged { path: PathBuf },
}

impl TransferError {
    /// For `map_err`: a row of a table that cannot be read.
    pub(super) fn row<E: std::fmt::Display>(table: &str) -> impl FnOnce(E) -> Self {
        let table = table.to_owned();
        move |error| Self::Row {
            table,
            what: error.to_string(),
        }
    }
}
