//! Draining the queues and settling what becomes of a batch that fails.

use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use tokio::sync::{mpsc, watch};

use super::Request;
use super::engine::{BatchError, Engine};
use super::pace::Pace;
use super::plain::PlainJob;
use crate::domain::ledger::{Command, Receipt, Refusal};

/// Tries after losing rows to another host.
const RACES: u32 = 8;
/// Tries after losing the connection; each may wait for a server that is away.
const CONNECTIONS: u32 = 4;
/// Of a full batch, bulk work gets at least one part in this many.
const BULK_SHARE: usize = 8;

pub(super) type Answers = Vec<Result<Receipt, Refusal>>;

pub(super) struct Queues {
    pub(super) till: mpsc::Receiver<Request>,
    pub(super) bulk: mpsc::Receiver<Request>,
    pub(super) plain: mpsc::Receiver<Box<dyn PlainJob>>,
    /// Told when nothing more is to be taken.
    pub(super) stop: watch::Receiver<bool>,
}

impl Queues {
    /// Takes nothing more; what waits is still handed out.
    fn close(&mut self) {
        self.till.close();
        self.bulk.close();
        self.plain.close();
    }
}

enum Next {
    Command(Box<Request>),
    Plain(Box<dyn PlainJob>),
}

/// Works until every handle is gone, or it is told to stop, and every queue is empty.
pub(super) async fn run(mut engine: Engine, mut queues: Queues, most: usize) {
    let mut pace = Pace::new(most);
    let mut stopping = false;
    loop {
        let next = tokio::select! {
            biased;
            Ok(()) = queues.stop.changed(), if !stopping => {
                stopping = true;
                queues.close();
                continue;
            }
            Some(request) = queues.till.recv() => Next::Command(Box::new(request)),
            Some(job) = queues.plain.recv() => Next::Plain(job),
            Some(request) = queues.bulk.recv() => Next::Command(Box::new(request)),
            else => break,
        };
        match next {
            Next::Command(first) => {
                let requests = drain(&mut queues, *first, pace.limit());
                serve(&mut engine, requests, &mut pace).await;
                // Plain writes are not starved by a full queue of commands.
                if let Ok(job) = queues.plain.try_recv() {
                    engine.run_plain(job).await;
                }
            }
            Next::Plain(job) => engine.run_plain(job).await,
        }
    }
    engine.stop().await;
}

fn drain(queues: &mut Queues, first: Request, most: usize) -> Vec<Request> {
    let mut requests = vec![first];
    let bulk_share = (most / BULK_SHARE).max(1);
    while requests.len() < most.saturating_sub(bulk_share)
        && let Ok(request) = queues.till.try_recv()
    {
        requests.push(request);
    }
    while requests.len() < most
        && let Ok(request) = queues.bulk.try_recv()
    {
        requests.push(request);
    }
    while requests.len() < most
        && let Ok(request) = queues.till.try_recv()
    {
        requests.push(request);
    }
    requests
}

async fn serve(engine: &mut Engine, requests: Vec<Request>, pace: &mut Pace) {
    let commands: Vec<&Command> = requests.iter().map(|request| &request.command).collect();
    let answers = settle(engine, &commands, pace).await;
    for (request, answer) in requests.into_iter().zip(answers) {
        request.answer(answer);
    }
}

/// Gets an answer for every command: tries again what lost a race, and halves what the database refuses,
/// so that one bad row fails alone.
fn settle<'a>(
    engine: &'a mut Engine,
    commands: &'a [&'a Command],
    pace: &'a mut Pace,
) -> BoxFuture<'a, Answers> {
    Box::pin(async move {
        let mut attempt = 1;
        loop {
            let began = Instant::now();
            let error = match engine.try_batch(commands).await {
                Ok(answers) => {
                    pace.learn(commands.len(), began.elapsed());
                    return answers;
                }
                Err(error) => error,
            };
            let size = commands.len();
            if matches!(error, BatchError::Contention) {
                // Between lanes and hosts that is how it goes; how often is counted.
                tracing::debug!(attempt, commands = size, "a batch lost a race");
            } else {
                tracing::warn!(%error, attempt, commands = size, "a batch was not written");
            }
            // Refused data may be a race with another host's unique key: read again once, then halve.
            let refused = matches!(error, BatchError::Data(_)) && attempt > 1;
            if refused && commands.len() > 1 {
                engine.forget_unanswered();
                let (left, right) = commands.split_at(commands.len() / 2);
                let mut answers = settle(engine, left, pace).await;
                answers.extend(settle(engine, right, pace).await);
                return answers;
            }
            let most = match error {
                BatchError::Unusable(_) => CONNECTIONS,
                _ => RACES,
            };
            if refused || attempt >= most {
                engine.forget_unanswered();
                let refusal = error.refusal();
                return commands.iter().map(|_| Err(refusal.clone())).collect();
            }
            tokio::time::sleep(pause(attempt)).await;
            attempt += 1;
        }
    })
}

/// Grows with the attempts; the first retry is at once.
fn pause(attempt: u32) -> Duration {
    Duration::from_millis(u64::from(attempt.saturating_sub(1)) * 25)
}
