//! A chain into a file while it is served, and out of a file into an empty database.

use std::path::Path;

use super::error::TransferError;
use super::file::{Examined, Header, Key, Next, Reading, TableSum, Writing};
use super::moving::{Moved, own_folder, sound};
use super::rows;
use super::source::Source;
use super::target::{Note, Stage, Target};
use super::{Progress, Step};
use crate::store::location::Location;
use crate::store::migrations;
use crate::store::verify;

/// The kind of a file that holds a whole chain.
const BACKUP: &str = "backup";

/// Writes the chain as it stands at one moment into a file. Answers what it wrote: header, rows and bytes.
///
/// # Errors
/// When the chain cannot be read or the file not written. Nothing bears the file's name then.
pub async fn back_up(
    from: &Location,
    file: &Path,
    key: Option<&Key>,
    taken_at: i64,
    progress: Progress<'_>,
) -> Result<(Header, u64, u64), TransferError> {
    let mut source = Source::open(from).await?;
    let heads = verify::heads(&mut source.conn).await?;
    let header = Header {
        kind: BACKUP.to_owned(),
        chain: source.chain.clone(),
        schema: source.schema,
        taken_at,
        key: key.map(|key| key.name.clone()),
        heads: heads
            .into_iter()
            .map(|(writer, seq, seal)| (writer, seq, hex::encode(seal)))
            .collect(),
        tables: source.tables.clone(),
        before: None,
    };
    let mut writing = Writing::begin(file, &header)?;
    progress(Step::Doing("writing rows"));
    progress(Step::Total(source.count().await?));
    let mut rows = 0_u64;
    for (number, table) in header.tables.iter().enumerate() {
        let mut after: Option<Vec<u8>> = None;
        loop {
            let page = rows::read(&mut source.conn, table, None, after.as_deref()).await?;
            if page.rows == 0 {
                break;
            }
            writing.page(number, &page)?;
            rows = rows.saturating_add(page.rows);
            progress(Step::Rows(page.rows));
            after = Some(page.last);
        }
    }
    let bytes = writing.end(key)?;
    source.close().await;
    Ok((header, rows, bytes))
}

/// Writes a backup that was examined into an empty database, or into one a restore was interrupted in.
///
/// # Errors
/// When the target is not fit for it, or what came out is not what the file holds. No host opens the target then.
pub async fn restore(
    file: &Path,
    examined: &Examined,
    to: &Location,
    start_over: bool,
    progress: Progress<'_>,
) -> Result<Moved, TransferError> {
    let known = migrations::newest();
    if examined.header.schema > known {
        return Err(TransferError::NewerTables {
            place: format!("`{}`", file.display()),
            found: examined.header.schema,
            known,
        });
    }
    let _owned = match to {
        Location::Sqlite(_) => Some(own_folder(to)?),
        Location::Postgres(_) => None,
    };
    let from = format!("the backup {}", examined.digest);
    let wanted = Note {
        from,
        chain: examined.header.chain.clone(),
        fingerprint: examined.digest.clone(),
        schema: examined.header.schema,
        stage: Stage::Tables,
        table: String::new(),
        after: None,
        rows: 0,
        put_back: Vec::new(),
    };
    let mut target = Target::claim_anew(to, wanted, start_over).await?;
    target.check_tables(&examined.header.tables).await?;
    progress(Step::Doing("writing rows"));
    progress(Step::Total(examined.rows()));
    let mut reading = Reading::begin(file)?;
    while let Next::Page(number, page) = reading.next()? {
        if let Some(table) = examined.header.tables.get(number) {
            target.write(table, &page).await?;
            progress(Step::Rows(page.rows));
        }
    }
    progress(Step::Doing("building indexes"));
    target.put_back().await?;
    compare(&target, examined, progress).await?;
    let report = sound(&target, progress).await?;
    let moved = Moved {
        chain: examined.header.chain.clone(),
        tables: examined.header.tables.len(),
        rows: target.note.rows,
        written: target.note.rows,
        report,
    };
    target.finish().await?;
    Ok(moved)
}

/// What stands in the target is what the file said it holds.
async fn compare(
    target: &Target,
    examined: &Examined,
    progress: Progress<'_>,
) -> Result<(), TransferError> {
    progress(Step::Doing("comparing with the file"));
    progress(Step::Total(examined.rows()));
    let mut conn = target.db.read().await?;
    for (table, expected) in examined.header.tables.iter().zip(&examined.sums) {
        let found = rows::sum(&mut conn, table, &mut *progress).await?;
        if TableSum::from(&found) != *expected {
            return Err(TransferError::Differs {
                table: table.name.clone(),
                expected: expected.rows,
                found: found.rows,
            });
        }
    }
    Ok(())
}
