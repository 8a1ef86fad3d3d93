//! Purchases, orders and referrals of merged members: they count for whom they became part of, so that tier rules and
//! limits see one person, and are parted again with them.
//!
//! A merge or its undo stands first; what follows here can stop anywhere, and the jobs go on with it.

use crate::checkout::CheckoutError;
use crate::host::Host;
use crate::store::histories;
use crate::store::merges::Merge;

/// Merges of one round.
const ROWS: i64 = 200;

/// Brings and parts what merges and their undoing have left to do; answers how many had something.
///
/// # Errors
/// When the database cannot be read or written; the next round goes on.
pub(super) async fn settle(host: &Host) -> Result<usize, CheckoutError> {
    let parted = {
        let mut conn = host.db.read().await?;
        histories::to_part(&mut conn, ROWS).await?
    };
    let mut settled = parted.len();
    for merge in parted {
        write(host, merge, false).await?;
    }
    let brought = {
        let mut conn = host.db.read().await?;
        histories::to_bring(&mut conn, ROWS).await?
    };
    settled += brought.len();
    for merge in brought {
        write(host, merge, true).await?;
    }
    Ok(settled)
}

async fn write(host: &Host, merge: Merge, brings: bool) -> Result<(), CheckoutError> {
    let written = host
        .writer
        .write("moving the history of a merged member", move |tx| {
            Box::pin(async move {
                match brings {
                    true => histories::bring(tx, &merge).await,
                    false => histories::part(tx, &merge).await,
                }
            })
        });
    Ok(written.await?)
}

/// The same right after a merge or its undoing, whose answer does not fail for it.
pub(super) async fn follow(host: &Host) {
    if let Err(error) = settle(host).await {
        tracing::warn!(%error, "a merged member's history is brought by the jobs");
    }
}
