//! The mark a chain leaves behind where it was moved from, so that nobody serves it twice.
//!
//! It stands beside the note of a transfer under way, and is made before hosts can open the new database: a move killed
//! between the two goes on when it is run again.

use super::error::TransferError;
use super::moving::own;
use super::source::Source;
use super::target::{self, MOVED};
use crate::store::db::{Conn, Db, Location};
use crate::store::error::StoreError;

/// Refuses the database of a chain that was moved to another one.
pub(in crate::store) async fn refuse_moved(conn: &mut Conn, place: &str) -> Result<(), StoreError> {
    match target::noted(conn, MOVED).await? {
        None => Ok(()),
        Some(to) => Err(StoreError::MovedAway {
            place: place.to_owned(),
            to,
        }),
    }
}

/// Refuses to move a chain that was moved already, except to where the mark says.
pub(super) async fn refuse_moved_elsewhere(
    source: &mut Source,
    to: &Location,
) -> Result<(), StoreError> {
    match target::noted(&mut source.conn, MOVED).await? {
        Some(elsewhere) if elsewhere != to.identity() => Err(StoreError::MovedAway {
            place: source.place.clone(),
            to: elsewhere,
        }),
        _ => Ok(()),
    }
}

/// Whether the source was moved away, to wherever it was.
pub(super) async fn is_marked(source: &mut Source) -> Result<bool, StoreError> {
    Ok(target::noted(&mut source.conn, MOVED).await?.is_some())
}

/// Marks the source as moved to `to`, durably, unless it is marked already. The caller keeps hosts out of it.
pub(super) async fn mark(from: &Location, to: &Location) -> Result<(), TransferError> {
    let db = Db::fill(from).await?;
    let mut conn = db.writing().await?;
    match target::noted(&mut conn, MOVED).await? {
        None => {
            target::make_durable(&mut conn).await?;
            target::write_note(&mut conn, MOVED, to.identity()).await?;
        }
        Some(elsewhere) if elsewhere != to.identity() => {
            return Err(StoreError::MovedAway {
                place: from.place(),
                to: elsewhere,
            }
            .into());
        }
        Some(_) => {}
    }
    drop(conn);
    db.close().await;
    Ok(())
}

/// Opens a chain again that was moved away; answers where it was moved to.
///
/// # Errors
/// When it was not moved away, or is in use.
pub async fn take_back(from: &Location) -> Result<String, TransferError> {
    let _owned = own(from)?;
    let source = Source::open_unserved(from).await?;
    let place = source.place.clone();
    // Only now that nobody else uses it.
    source.close().await;
    let db = Db::fill(from).await?;
    let mut conn = db.writing().await?;
    let Some(to) = target::noted(&mut conn, MOVED).await? else {
        return Err(TransferError::NotMoved { place });
    };
    target::make_durable(&mut conn).await?;
    target::remove_notes(&mut conn).await?;
    drop(conn);
    db.close().await;
    Ok(to)
}
