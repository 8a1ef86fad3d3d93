//! Transactions on plain rows, run between batches.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::oneshot;

use crate::store::db::Tx;
use crate::store::error::StoreError;

/// Nothing may keep the tills waiting longer.
const LONGEST: Duration = Duration::from_secs(60);

/// One transaction whose type of value is forgotten while it waits.
pub(super) trait PlainJob: Send {
    fn label(&self) -> &'static str;
    /// Does the work and keeps the value.
    fn run<'t>(&'t mut self, tx: &'t mut Tx) -> BoxFuture<'t, Result<(), StoreError>>;
    /// Hands the value over, or says why there is none.
    fn answer(self: Box<Self>, end: Result<(), StoreError>);
}

pub(super) struct Plain<T, F> {
    label: &'static str,
    work: Option<F>,
    value: Option<T>,
    reply: oneshot::Sender<Result<T, StoreError>>,
}

impl<T, F> Plain<T, F> {
    pub(super) fn new(
        label: &'static str,
        work: F,
    ) -> (Self, oneshot::Receiver<Result<T, StoreError>>) {
        let (reply, answer) = oneshot::channel();
        let job = Self {
            label,
            work: Some(work),
            value: None,
            reply,
        };
        (job, answer)
    }
}

impl<T, F> PlainJob for Plain<T, F>
where
    T: Send,
    F: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T, StoreError>> + Send,
{
    fn label(&self) -> &'static str {
        self.label
    }

    fn run<'t>(&'t mut self, tx: &'t mut Tx) -> BoxFuture<'t, Result<(), StoreError>> {
        Box::pin(async move {
            let Some(work) = self.work.take() else {
                return Err(StoreError::Stopped);
            };
            let work = AssertUnwindSafe(async move { work(tx).await }).catch_unwind();
            match tokio::time::timeout(LONGEST, work).await {
                Ok(Ok(done)) => {
                    self.value = Some(done?);
                    Ok(())
                }
                Ok(Err(_)) => Err(StoreError::Refused(format!(
                    "`{}` panicked; nothing was written",
                    self.label
                ))),
                Err(_) => Err(StoreError::Refused(format!(
                    "`{}` took longer than {} seconds; nothing was written",
                    self.label,
                    LONGEST.as_secs()
                ))),
            }
        })
    }

    fn answer(self: Box<Self>, end: Result<(), StoreError>) {
        let value = match (end, self.value) {
            (Ok(()), Some(value)) => Ok(value),
            (Ok(()), None) => Err(StoreError::Stopped),
            (Err(error), _) => Err(error),
        };
        // The caller may have gone away; the work is done all the same.
        let _ = self.reply.send(value);
    }
}
