//! What handlers take from a request beside its body, and how they answer.

use std::sync::Arc;

use axum::Json;
use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::{Language, Problem};
use super::problems::Code;
use crate::host::Host;

/// A successful answer.
#[derive(Debug)]
pub struct Done<T> {
    status: StatusCode,
    location: Option<String>,
    replayed: bool,
    body: T,
}

impl<T> Done<T> {
    pub fn ok(body: T) -> Self {
        Self {
            status: StatusCode::OK,
            location: None,
            replayed: false,
            body,
        }
    }

    /// 201 with the address of what was made.
    pub fn created(location: String, body: T) -> Self {
        Self {
            status: StatusCode::CREATED,
            location: Some(location),
            replayed: false,
            body,
        }
    }

    /// Says that the effect happened at an earlier request under the same key.
    pub fn replayed(mut self, replayed: bool) -> Self {
        self.replayed = replayed;
        self
    }
}

impl<T: Serialize> IntoResponse for Done<T> {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(self.body)).into_response();
        let headers = response.headers_mut();
        if let Some(location) = self
            .location
            .and_then(|path| HeaderValue::try_from(path).ok())
        {
            headers.insert(header::LOCATION, location);
        }
        if self.replayed {
            headers.insert(
                HeaderName::from_static("idempotency-replayed"),
                HeaderValue::from_static("true"),
            );
        }
        response
    }
}

/// The parts of the path; one that cannot be read names nothing.
#[derive(Debug)]
pub struct At<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for At<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Path::<T>::from_request_parts(parts, state).await {
            Ok(Path(value)) => Ok(Self(value)),
            Err(_) => Err(Problem::new(Code::RouteUnknown).with(
                "path",
                parts.uri.path().chars().take(100).collect::<String>(),
            )),
        }
    }
}

/// The language to answer in.
impl FromRequestParts<Arc<Host>> for Language {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(
        parts: &mut Parts,
        host: &Arc<Host>,
    ) -> Result<Self, Self::Rejection> {
        Ok(Self::of(&parts.headers, Self::spoken_by(host)))
    }
}
