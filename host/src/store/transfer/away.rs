//! The mark a chain leaves behind where it was moved from, so that nobody serves it twice.
//!
//! It stands beside the note of a transfer under way, and is made before hosts can open the new database: a move killed
//! between the two goes on when it is run again.

use super::error::TransferError;
use super::moving::own;
use super::source::Source;
use super::target::{self, MOVED};
use crate::store::db::{Conn, Db, Dialect};
use crate::store::error::StoreError;
use crate::store::location::Location;

/// Turns every writer's count of batches round, below zero and back: no writer finds the turn it counts on. A pooler may
/// keep a host's connection open that the server no longer knows of.
const FENCE: &str = "UPDATE writers SET batch = -1 - batch";

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

/// Marks the source as moved to `to`, durably, unless it is marked already. On a server the mark is part of the transaction
/// that keeps hosts out and ends it; a file is kept by the lock of its folder.
pub(super) async fn mark(
    source: &mut Source,
    from: &Location,
    to: &Location,
) -> Result<(), TransferError> {
    match target::noted(&mut source.conn, MOVED).await? {
        Some(elsewhere) if elsewhere != to.identity() => {
            return Err(StoreError::MovedAway {
                place: source.place.clone(),
                to: elsewhere,
            }
            .into());
        }
        Some(_) => return Ok(()),
        None => {}
    }
    if source.conn.dialect() == Dialect::Postgres {
        mark_within(&mut source.conn, to).await?;
        return Ok(source.conn.commit().await?);
    }
    let db = Db::fill(from).await?;
    let mut conn = db.writing().await?;
    target::make_durable(&mut conn).await?;
    conn.begin().await?;
    mark_within(&mut conn, to).await?;
    conn.commit().await?;
    drop(conn);
    db.close().await;
    Ok(())
}

async fn mark_within(conn: &mut Conn, to: &Location) -> Result<(), StoreError> {
    target::write_note(conn, MOVED, to.identity()).await?;
    target::execute(conn, FENCE.to_owned(), "fencing the writers off").await
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
    conn.begin().await?;
    target::execute(&mut conn, FENCE.to_owned(), "opening the chain again").await?;
    target::remove_notes(&mut conn).await?;
    conn.commit().await?;
    drop(conn);
    db.close().await;
    Ok(to)
}
