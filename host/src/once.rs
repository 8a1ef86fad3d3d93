//! Doing something to plain rows exactly once: the effect and the key it happened under are one
//! transaction. What moves value goes through the ledger's commands instead, which do the same.

use futures_util::future::BoxFuture;

use crate::domain::ledger::{Operation, Outcome, Refusal, Subject};
use crate::domain::time::Instant;
use crate::host::Host;
use crate::store::{self, StoreError, Tx};

/// How an operation ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effect {
    /// What the operation made: the member, the product.
    pub subject: String,
    /// True if it had happened before under the same key.
    pub replayed: bool,
}

/// Why nothing happened.
#[derive(Debug, thiserror::Error)]
pub enum OnceError<E> {
    #[error("the operation key was used with another request; use a new key for a new intent")]
    Reused,
    #[error("the operation was refused before; look it up")]
    Before(Box<Refusal>),
    #[error("{0}")]
    Refused(E),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Runs `work` under an operation key. `work` answers the id of what it made, or refuses before it has
/// written anything.
///
/// # Errors
/// See [`OnceError`]; nothing was written then.
pub async fn once<E, F>(
    host: &Host,
    label: &'static str,
    kind: &'static str,
    operation: Operation,
    work: F,
) -> Result<Effect, OnceError<E>>
where
    E: Send + 'static,
    F: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<Result<String, E>, StoreError>>
        + Send
        + 'static,
{
    let now = host.clock.now();
    let key = operation.key.clone();
    let hash = operation.hash;
    let attempt = host
        .writer
        .write(label, move |tx| {
            Box::pin(attempt(tx, kind, operation, now, work))
        })
        .await;
    match attempt {
        // Another host was faster under the same key: its effect is the answer.
        Err(error) if error.is_unique_violation() => {
            let mut conn = host.db.read().await?;
            match store::operations::by_key(&mut conn, &key).await? {
                Some(recorded) => ended(&hash, recorded),
                None => Err(error.into()),
            }
        }
        Err(error) => Err(error.into()),
        Ok(answer) => answer,
    }
}

async fn attempt<E, F>(
    tx: &mut Tx,
    kind: &'static str,
    operation: Operation,
    now: Instant,
    work: F,
) -> Result<Result<Effect, OnceError<E>>, StoreError>
where
    F: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<Result<String, E>, StoreError>>,
{
    if let Some(recorded) = store::operations::by_key(tx, &operation.key).await? {
        return Ok(ended(&operation.hash, recorded));
    }
    match work(tx).await? {
        Err(refusal) => Ok(Err(OnceError::Refused(refusal))),
        Ok(id) => {
            let subject = Subject::new(kind, id.clone());
            store::operations::keep(tx, &operation.key, &operation.hash, &subject, now).await?;
            Ok(Ok(Effect {
                subject: id,
                replayed: false,
            }))
        }
    }
}

fn ended<E>(
    hash: &[u8; 32],
    recorded: crate::domain::ledger::Recorded,
) -> Result<Effect, OnceError<E>> {
    if recorded.hash != *hash {
        return Err(OnceError::Reused);
    }
    match recorded.outcome {
        Outcome::Done(_) => Ok(Effect {
            subject: recorded.subject.id,
            replayed: true,
        }),
        Outcome::Refused(refusal) => Err(OnceError::Before(Box::new(refusal))),
    }
}
