//! A chain from one database into another.

use std::collections::HashMap;

use super::away::{self, refuse_moved_elsewhere};
use super::error::TransferError;
use super::rows::{self, Sum};
use super::source::{ChainMark, Source, schema_version};
use super::target::{self, Note, Position, Stage, Target};
use super::{Progress, Step, Table};
use crate::store::DataFolder;
use crate::store::error::StoreError;
use crate::store::location::Location;
use crate::store::verify::{self, Report};

/// A chain that stands in its new database.
#[derive(Debug)]
pub struct Moved {
    pub chain: ChainMark,
    pub tables: usize,
    /// Rows of the chain.
    pub rows: u64,
    /// Those of them written by this call; the others were there from an earlier one.
    pub written: u64,
    /// What the checks of `tessera verify` saw in the target.
    pub report: Report,
}

/// Moves everything; called again after it was interrupted it goes on. The source stays as it is but for a mark: no host
/// opens it any more.
///
/// # Errors
/// When source or target are not fit for it, or what came out is not what went in. No host opens the target then.
pub async fn move_chain(
    from: &Location,
    to: &Location,
    start_over: bool,
    progress: Progress<'_>,
) -> Result<Moved, TransferError> {
    let _owned = own_both(from, to)?;
    let mut source = Source::open_unserved(from).await?;
    refuse_moved_elsewhere(&mut source, to).await?;
    let wanted = Note {
        from: source.place.clone(),
        chain: source.chain.clone(),
        fingerprint: source.fingerprint().await?,
        schema: source.schema,
        stage: Stage::Tables,
        table: String::new(),
        after: None,
        rows: 0,
        put_back: Vec::new(),
    };
    let is_marked = away::is_marked(&mut source).await?;
    if is_marked && target::is_empty(to).await? {
        return Err(TransferError::Emptied { place: to.place() });
    }
    if is_marked && start_over {
        return Err(TransferError::NothingToRedo { place: to.place() });
    }
    let claimed = Target::claim(to, wanted, start_over).await;
    let mut target = claimed.map_err(|error| match error {
        // The mark is made when everything is there; then the target was opened, and the chain lives in it.
        TransferError::Occupied { place, .. } if is_marked => TransferError::AlreadyMoved { place },
        error => error,
    })?;
    let before = target.note.rows;
    let mut sums = HashMap::new();
    if target.note.stage != Stage::Checks {
        target.check_tables(&source.tables).await?;
        progress(Step::Doing("moving rows"));
        progress(Step::Total(source.count().await?));
        progress(Step::Rows(before));
        for table in source.tables.clone() {
            if let Some(sum) = move_table(&mut source, &mut target, &table, progress).await? {
                sums.insert(table.name, sum);
            }
        }
        progress(Step::Doing("building indexes"));
        target.put_back().await?;
    }
    // The mark was made after this.
    if !is_marked {
        compare(&mut source, &mut target, sums, progress).await?;
    }
    let report = sound(&target, progress).await?;
    let moved = Moved {
        chain: source.chain.clone(),
        tables: source.tables.len(),
        rows: target.note.rows,
        written: target.note.rows - before,
        report,
    };
    away::mark(&mut source, from, to).await?;
    target.finish().await?;
    source.close().await;
    Ok(moved)
}

/// Becomes the owner of the data folder of a source.
pub(super) fn own(from: &Location) -> Result<Option<DataFolder>, TransferError> {
    let Location::Sqlite(file) = from else {
        return Ok(None);
    };
    if !file.is_file() {
        return Err(StoreError::Missing { path: file.clone() }.into());
    }
    own_folder(from).map(Some)
}

/// Becomes the owner of the data folders of both sides.
fn own_both(from: &Location, to: &Location) -> Result<Vec<DataFolder>, TransferError> {
    let occupied = || TransferError::Occupied {
        place: to.place(),
        holds: "the source itself".to_owned(),
    };
    if from == to {
        return Err(occupied());
    }
    if let (Location::Sqlite(file), Location::Sqlite(other)) = (from, to)
        && file.is_file()
        && file.canonicalize().ok() == other.canonicalize().ok()
    {
        return Err(occupied());
    }
    let mut owned: Vec<_> = own(from)?.into_iter().collect();
    let real = |folder: Option<&std::path::Path>| folder.and_then(|path| path.canonicalize().ok());
    let is_shared = real(from.folder()).is_some() && real(from.folder()) == real(to.folder());
    if matches!(to, Location::Sqlite(_)) && !is_shared {
        owned.push(own_folder(to)?);
    }
    Ok(owned)
}

/// Becomes the owner of the folder a file really lies in.
pub(super) fn own_folder(location: &Location) -> Result<DataFolder, TransferError> {
    let real = match location {
        Location::Sqlite(file) => file.canonicalize().ok(),
        Location::Postgres(_) => None,
    };
    let folder = real.as_deref().and_then(std::path::Path::parent);
    let folder = folder
        .or(location.folder())
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(std::path::Path::new("."));
    DataFolder::lock(folder).map_err(|error| match error {
        StoreError::Locked { .. } => TransferError::Served {
            place: location.place(),
        },
        error => error.into(),
    })
}

/// Answers the sum of the source's rows where all of them went by.
async fn move_table(
    source: &mut Source,
    target: &mut Target,
    table: &Table,
    progress: Progress<'_>,
) -> Result<Option<Sum>, TransferError> {
    let after = match target.position(table)? {
        Position::Complete => return Ok(None),
        Position::Start => None,
        Position::Behind(key) => Some(key),
    };
    let mut sum = after.is_none().then(Sum::default);
    let mut page = rows::read(&mut source.conn, table, None, after.as_deref()).await?;
    while page.rows > 0 {
        if let Some(sum) = &mut sum {
            sum.add(&page);
        }
        // The next page is read while this one is written.
        let (next, written) = tokio::join!(
            rows::read(&mut source.conn, table, None, Some(&page.last)),
            target.write(table, &page)
        );
        written?;
        progress(Step::Rows(page.rows));
        page = next?;
    }
    target.complete(table).await?;
    Ok(sum)
}

/// Number and hash of the rows of every table, on both sides.
async fn compare(
    source: &mut Source,
    target: &mut Target,
    mut known: HashMap<String, Sum>,
    progress: Progress<'_>,
) -> Result<(), TransferError> {
    let mut conn = target.db.read().await?;
    if schema_version(&mut conn, &target.place).await? != source.schema {
        // They were the same before the tables were brought up to date.
        return Ok(());
    }
    progress(Step::Doing("comparing both sides"));
    progress(Step::Total(target.note.rows));
    for table in source.tables.clone() {
        let mut unheard = |_: Step| ();
        let expected = async {
            match known.remove(&table.name) {
                Some(sum) => Ok(sum),
                None => rows::sum(&mut source.conn, &table, &mut unheard).await,
            }
        };
        let (expected, found) =
            tokio::join!(expected, rows::sum(&mut conn, &table, &mut *progress));
        let (expected, found) = (expected?, found?);
        if !expected.is_same(&found) {
            return Err(TransferError::Differs {
                table: table.name,
                expected: expected.rows,
                found: found.rows,
            });
        }
    }
    Ok(())
}

/// Brings the target's tables up to date and checks what the ledger promises.
pub(super) async fn sound(
    target: &Target,
    progress: Progress<'_>,
) -> Result<Report, TransferError> {
    progress(Step::Doing("verifying the ledger"));
    target.db.bring_up_to(None).await?;
    let report = verify::verify(&target.db).await?;
    match report.faults.first() {
        None => Ok(report),
        Some(fault) => Err(TransferError::Unsound {
            first: fault.to_string(),
        }),
    }
}
