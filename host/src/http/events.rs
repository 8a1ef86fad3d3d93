//! The event log: page by page, or followed as server-sent events.
//!
//! A stream resumes after `Last-Event-ID`; without one it starts with what happens next. It ends when the
//! host stops or falls silent for good; clients reconnect by themselves.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::sse::{Event as Sent, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::answer::Done;
use super::auth::Caller;
use super::error::{Problem, ProblemBody};
use super::paging::Filter;
use super::problems::Code;
use super::types::{Id, Time};
use crate::host::Host;
use crate::metrics::Listening;
use crate::store;
use crate::store::events::Event;

/// Streams open at once; each holds a connection and, while reading, a place in the pool.
const MOST_LISTENERS: u64 = 64;
/// Events read at a time.
const CHUNK: i64 = 200;
/// How often a quiet stream looks for what other hosts wrote.
const LOOK: Duration = Duration::from_secs(1);
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// The routes of this file.
pub fn routes() -> OpenApiRouter<Arc<Host>> {
    OpenApiRouter::new().routes(routes!(events))
}

/// Something that happened; the same envelope as webhooks have.
#[derive(Debug, Serialize, ToSchema)]
pub struct EventBody {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    timestamp: Time,
    /// What it is about, such as an order id.
    subject: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    store: Option<String>,
    #[schema(value_type = Object)]
    data: serde_json::Value,
}

impl From<Event> for EventBody {
    fn from(event: Event) -> Self {
        Self {
            data: serde_json::from_str(&event.payload).unwrap_or_default(),
            id: event.id,
            kind: event.kind,
            timestamp: Time(event.at),
            subject: event.subject,
            store: event.store,
        }
    }
}

/// Events in the order of the log.
#[derive(Debug, Serialize, ToSchema)]
pub struct EventPage {
    items: Vec<EventBody>,
    /// Send it as `after` to go on; also when there were no items.
    after: String,
    /// True if there is more already.
    more: bool,
}

#[derive(Debug, Deserialize)]
struct Window {
    after: Option<Id>,
    limit: Option<i64>,
}

/// Read the event log, or follow it with `Accept: text/event-stream`.
///
/// A key bound to a store sees that store's events only.
#[utoipa::path(get, path = "/v1/events", tag = "events",
    params(("after" = Option<String>, Query, description = "An event's id; from the beginning when left out"),
        ("limit" = Option<i64>, Query),
        ("Last-Event-ID" = Option<String>, Header, description = "Where a stream resumes")),
    responses((status = 200, body = EventPage), (status = "default", body = ProblemBody)))]
async fn events(
    State(host): State<Arc<Host>>,
    caller: Caller,
    headers: HeaderMap,
    Filter(window): Filter<Window>,
) -> Result<Response, Problem> {
    let streams = headers
        .get(header::ACCEPT)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|accept| accept.contains("text/event-stream"));
    if streams {
        return follow(host, caller, &headers, window.after).await;
    }
    let limit = window.limit.unwrap_or(50);
    if !(1..=CHUNK).contains(&limit) {
        return Err(Problem::new(Code::InvalidQuery)
            .with("reason", format!("limit must lie between 1 and {CHUNK}")));
    }
    let after = window.after.map_or_else(String::new, Id::into_string);
    let mut conn = host.db.read().await?;
    let mut read = store::events::after(&mut conn, &after, limit + 1).await?;
    let limit = usize::try_from(limit).map_err(Problem::internal)?;
    let more = read.len() > limit;
    read.truncate(limit);
    let after = read.last().map_or(after, |event| event.id.clone());
    let items = read
        .into_iter()
        .filter(|event| may_see(&caller, event))
        .map(EventBody::from)
        .collect();
    Ok(Done::ok(EventPage { items, after, more }).into_response())
}

fn may_see(caller: &Caller, event: &Event) -> bool {
    caller.store.is_none() || caller.store == event.store
}

/// One open stream.
struct Follower {
    host: Arc<Host>,
    caller: Caller,
    after: String,
    waiting: VecDeque<Event>,
    written: watch::Receiver<u64>,
    _listening: Listening,
}

async fn follow(
    host: Arc<Host>,
    caller: Caller,
    headers: &HeaderMap,
    after: Option<Id>,
) -> Result<Response, Problem> {
    let listening = host.metrics.listen(MOST_LISTENERS).ok_or_else(|| {
        Problem::new(Code::TooManyListeners)
            .with("limit", MOST_LISTENERS)
            .retry_after(5)
    })?;
    let resumed = match headers.get("last-event-id") {
        None => after,
        Some(value) => {
            let id = value.to_str().ok().and_then(Id::parse);
            Some(id.ok_or_else(|| {
                Problem::new(Code::InvalidHeader)
                    .with("header", "Last-Event-ID")
                    .with("reason", "event id")
            })?)
        }
    };
    let after = match resumed {
        Some(id) => id.into_string(),
        None => {
            let mut conn = host.db.read().await?;
            store::events::newest(&mut conn).await?.unwrap_or_default()
        }
    };
    let written = host.writer.written();
    let follower = Follower {
        host,
        caller,
        after,
        waiting: VecDeque::new(),
        written,
        _listening: listening,
    };
    let events = stream::unfold(follower, |mut follower| async move {
        let event = follower.next().await?;
        Some((Ok::<_, Infallible>(sent(event)), follower))
    });
    let mut response = Sse::new(events)
        .keep_alive(KeepAlive::new().interval(KEEP_ALIVE))
        .into_response();
    // A proxy that buffers would hold events back until its buffer is full.
    response.headers_mut().insert(
        HeaderName::from_static("x-accel-buffering"),
        HeaderValue::from_static("no"),
    );
    Ok(response)
}

fn sent(event: Event) -> Sent {
    let (id, kind) = (event.id.clone(), event.kind.clone());
    let frame = Sent::default().id(id).event(kind);
    frame
        .json_data(EventBody::from(event))
        .unwrap_or_else(|_| Sent::default().comment("unreadable event"))
}

impl Follower {
    /// The next event the caller may see; none when the host stops.
    async fn next(&mut self) -> Option<Event> {
        loop {
            while let Some(event) = self.waiting.pop_front() {
                if may_see(&self.caller, &event) {
                    return Some(event);
                }
            }
            self.read().await;
            if self.waiting.is_empty() && !self.wait().await {
                return None;
            }
        }
    }

    /// Reads on. A database that does not answer is asked again later.
    async fn read(&mut self) {
        let read = match self.host.db.read().await {
            Ok(mut conn) => store::events::after(&mut conn, &self.after, CHUNK).await,
            Err(error) => Err(error),
        };
        match read {
            Ok(events) => {
                if let Some(last) = events.last() {
                    self.after.clone_from(&last.id);
                }
                self.waiting.extend(events);
            }
            Err(error) => {
                tracing::warn!(%error, "an event stream could not read the log");
            }
        }
    }

    /// Waits until something was written here, or it is time to look; false when the host stops.
    async fn wait(&mut self) -> bool {
        let mut stopping = self.host.stopping();
        tokio::select! {
            _ = stopping.wait_for(|stopping| *stopping) => false,
            changed = self.written.changed() => changed.is_ok(),
            () = tokio::time::sleep(LOOK) => true,
        }
    }
}
