//! Lists a page at a time, by keys instead of offsets.
//!
//! A cursor carries the list it belongs to, its filters and the last key, so the next page is asked for
//! with the cursor alone. It grants nothing: every page is authorised like the first.

use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::error::Problem;
use super::problems::Code;

const DEFAULT_LIMIT: u32 = 50;
const MOST: u32 = 200;
const CURSOR_BYTES: usize = 2_000;

/// A query string of the shape `T`.
#[derive(Debug)]
pub struct Filter<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Filter<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        read(parts).map(Self)
    }
}

fn read<T: DeserializeOwned>(parts: &Parts) -> Result<T, Problem> {
    Query::<T>::try_from_uri(&parts.uri)
        .map(|Query(value)| value)
        .map_err(|rejection| {
            let reason = rejection.body_text();
            let reason = reason
                .rsplit(": ")
                .next()
                .unwrap_or(&reason)
                .trim_start_matches('!')
                .to_owned();
            Problem::new(Code::InvalidQuery).with("reason", reason)
        })
}

/// One page of a list: its filters, how many, and what comes before it.
#[derive(Debug)]
pub struct Paged<F> {
    pub filter: F,
    /// The last key of the page before, in as many parts as the list's order has; empty at the start.
    pub after: Vec<String>,
    limit: u32,
    path: String,
}

#[derive(Deserialize)]
struct Window {
    cursor: Option<String>,
    limit: Option<u32>,
}

#[derive(Serialize, Deserialize)]
struct Cursor<F> {
    /// The list: its path, ids and all.
    l: String,
    f: F,
    k: Vec<String>,
}

impl<S: Send + Sync, F: DeserializeOwned> FromRequestParts<S> for Paged<F> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let window: Window = read(parts)?;
        let limit = window.limit.unwrap_or(DEFAULT_LIMIT);
        if limit == 0 || limit > MOST {
            let reason = format!("limit must lie between 1 and {MOST}");
            return Err(Problem::new(Code::InvalidQuery).with("reason", reason));
        }
        let path = parts.uri.path().to_owned();
        let (filter, after) = match window.cursor {
            None => (read(parts)?, Vec::new()),
            Some(text) => decode(&text, &path).ok_or_else(|| Problem::new(Code::InvalidCursor))?,
        };
        Ok(Self {
            filter,
            after,
            limit,
            path,
        })
    }
}

fn decode<F: DeserializeOwned>(text: &str, path: &str) -> Option<(F, Vec<String>)> {
    if text.len() > CURSOR_BYTES {
        return None;
    }
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    let cursor: Cursor<F> = serde_json::from_slice(&bytes).ok()?;
    let sound = cursor.l == path
        && !cursor.k.is_empty()
        && cursor.k.len() <= 4
        && cursor.k.iter().all(|key| !key.contains('\0'));
    sound.then_some((cursor.f, cursor.k))
}

impl<F> Paged<F> {
    /// How many rows to read: one more than asked for tells whether there is a next page.
    pub fn rows(&self) -> i64 {
        i64::from(self.limit) + 1
    }

    /// The key to read after, for lists ordered by one text; empty at the start.
    pub fn after(&self) -> &str {
        self.after.first().map_or("", String::as_str)
    }
}

impl<F: Serialize> Paged<F> {
    /// The page made of the rows read; `key` tells a row's place in the list's order.
    pub fn page<R, T>(
        self,
        mut rows: Vec<R>,
        key: impl Fn(&R) -> Vec<String>,
        show: impl FnMut(R) -> T,
    ) -> Result<Page<T>, Problem> {
        let limit = self.limit as usize;
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next = match rows.last().filter(|_| more) {
            None => None,
            Some(last) => {
                let cursor = Cursor {
                    l: self.path,
                    f: self.filter,
                    k: key(last),
                };
                let text = serde_json::to_vec(&cursor).map_err(Problem::internal)?;
                Some(URL_SAFE_NO_PAD.encode(text))
            }
        };
        Ok(Page {
            items: rows.into_iter().map(show).collect(),
            next,
        })
    }
}

/// One page of a list.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Page<T> {
    pub items: Vec<T>,
    /// Send it back as `cursor` for the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// The filter of lists that have none.
#[derive(Debug, Serialize, Deserialize)]
pub struct NoFilter {}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::Request;

    #[derive(Debug, Serialize, Deserialize, PartialEq)]
    struct ByStore {
        store: Option<String>,
    }

    async fn paged(uri: &str) -> Result<Paged<ByStore>, Problem> {
        let (mut parts, ()) = Request::builder().uri(uri).body(()).unwrap().into_parts();
        Paged::from_request_parts(&mut parts, &()).await
    }

    #[tokio::test]
    async fn a_cursor_carries_its_own_filters() {
        let first = paged("/v1/terminals?store=east&limit=2").await.unwrap();
        assert_eq!(first.rows(), 3);
        let page = first
            .page(vec!["a", "b", "c"], |id| vec![(*id).to_owned()], |id| id)
            .unwrap();
        assert_eq!(page.items, ["a", "b"]);
        let next = paged(&format!("/v1/terminals?cursor={}", page.next.unwrap()))
            .await
            .unwrap();
        assert_eq!(
            (next.after(), next.filter.store.as_deref()),
            ("b", Some("east"))
        );
    }

    #[tokio::test]
    async fn a_cursor_of_another_list_and_a_forged_one_are_refused() {
        let first = paged("/v1/terminals?limit=1").await.unwrap();
        let page = first
            .page(vec!["a", "b"], |id| vec![(*id).to_owned()], |id| id)
            .unwrap();
        let cursor = page.next.unwrap();
        assert!(paged(&format!("/v1/stores?cursor={cursor}")).await.is_err());
        assert!(paged("/v1/terminals?cursor=AAAA").await.is_err());
        assert!(paged("/v1/terminals?limit=0").await.is_err());
        assert!(paged("/v1/terminals?limit=x").await.is_err());
    }

    #[tokio::test]
    async fn the_last_page_has_no_next() {
        let page = paged("/v1/terminals")
            .await
            .unwrap()
            .page(vec!["a"], |_| vec![], |id| id)
            .unwrap();
        assert_eq!(page.next, None);
    }
}
