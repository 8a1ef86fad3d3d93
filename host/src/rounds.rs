//! Daily rounds of the jobs: how far each has come, so that another host that takes the jobs over goes on where one
//! stopped.

use crate::checkout::CheckoutError;
use crate::domain::time::Day;
use crate::host::Host;
use crate::store::occasions::{self, Round};

/// A round that has not come to its end.
pub struct Daily {
    job: &'static str,
    today: Day,
    /// Where it goes on; empty at the beginning.
    pub after: String,
    /// The day of the round before, where this one only begins.
    pub before: Option<i64>,
}

impl Daily {
    /// Where the round of a day stands; none where it is done.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn of(
        host: &Host,
        job: &'static str,
        today: Day,
    ) -> Result<Option<Self>, CheckoutError> {
        let known = occasions::rounds(&mut host.db.read().await?, job).await?;
        let known = known.into_iter().next_back();
        let (after, before) = match known {
            Some(round) if round.day >= i64::from(today.0) => match round.done {
                true => return Ok(None),
                false => (round.after, None),
            },
            known => (String::new(), known.map(|round| round.day)),
        };
        Ok(Some(Self {
            job,
            today,
            after,
            before,
        }))
    }

    /// Notes how far it has come.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn note(&self, host: &Host, after: String, done: bool) -> Result<(), CheckoutError> {
        let round = Round {
            job: self.job.to_owned(),
            store: String::new(),
            day: self.today.0.into(),
            after,
            done,
        };
        let noted = host.writer.write("noting a daily round", move |tx| {
            Box::pin(async move { occasions::note_round(tx, &round).await })
        });
        Ok(noted.await?)
    }
}
