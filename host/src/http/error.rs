//! How a refusal is said: RFC 9457 problems in the caller's language.
//!
//! A handler returns `Result<_, Problem>`. [`Problem`] only carries its code and arguments; the layer
//! [`render`] turns it, and every error made by the framework itself, into one body with `code`, `title`,
//! `detail`, `remedy`, `retryable`, `errors` and `request_id`. The words live in [`super::problems`].

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use tower_http::request_id::RequestId;

use super::problems::{Code, Fault, Words, fill};
use crate::host::Host;

/// One field that cannot be accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// JSON Pointer into the request's body; for a query parameter `#` and its name.
    pub pointer: String,
    pub fault: Fault,
    pub arguments: Vec<(&'static str, String)>,
}

/// A refusal on its way to the caller.
#[derive(Debug, Clone)]
pub struct Problem(Box<Inner>);

#[derive(Debug, Clone)]
struct Inner {
    code: Code,
    status: StatusCode,
    arguments: Vec<(&'static str, String)>,
    errors: Vec<FieldError>,
    extension: Option<(&'static str, serde_json::Value)>,
    retry_after_seconds: Option<u32>,
}

impl Problem {
    pub fn new(code: Code) -> Self {
        Self(Box::new(Inner {
            code,
            status: code.status(),
            arguments: Vec::new(),
            errors: Vec::new(),
            extension: None,
            retry_after_seconds: None,
        }))
    }

    /// Something named in the path is not there: `Problem::unknown(Code::StoreUnknown, &id)`.
    pub fn unknown(code: Code, id: &str) -> Self {
        Self::new(code).with("id", shorten(id))
    }

    /// One field is refused.
    pub fn field(pointer: impl Into<String>, fault: Fault) -> Self {
        Self::fields(vec![FieldError {
            pointer: pointer.into(),
            fault,
            arguments: Vec::new(),
        }])
    }

    /// Several fields are refused at once.
    pub fn fields(errors: Vec<FieldError>) -> Self {
        let mut problem = Self::new(Code::InvalidFields).with("count", errors.len());
        problem.0.errors = errors;
        problem
    }

    /// Fills `{name}` in the problem's words.
    pub fn with(mut self, name: &'static str, value: impl ToString) -> Self {
        self.0.arguments.push((name, value.to_string()));
        self
    }

    /// Something the body refers to is not there: 422 with the place, instead of 404.
    pub fn at(mut self, pointer: impl Into<String>) -> Self {
        if self.0.status == StatusCode::NOT_FOUND {
            self.0.status = StatusCode::UNPROCESSABLE_ENTITY;
        }
        let id = self.0.arguments.iter().find(|(name, _)| *name == "id");
        let fault = if id.is_some() {
            Fault::Unknown
        } else {
            Fault::Invalid
        };
        let arguments = match id {
            Some((_, id)) => vec![("id", id.clone())],
            None => vec![("reason", self.0.code.row().code.to_owned())],
        };
        self.0.errors.push(FieldError {
            pointer: pointer.into(),
            fault,
            arguments,
        });
        self
    }

    /// Adds the fields at fault, for example a plugin's findings about its configuration.
    pub fn with_errors(mut self, errors: Vec<FieldError>) -> Self {
        self.0.errors.extend(errors);
        self
    }

    /// Adds one member beside the standard ones, for example `changes` of a stale quote.
    pub fn extended(mut self, name: &'static str, value: serde_json::Value) -> Self {
        self.0.extension = Some((name, value));
        self
    }

    /// Tells the caller when to try again.
    pub fn retry_after(mut self, seconds: u32) -> Self {
        self.0.retry_after_seconds = Some(seconds);
        self
    }

    /// A fault of the host itself: logged in full, told in general.
    pub fn internal(fault: impl std::fmt::Display) -> Self {
        tracing::error!(%fault, "request failed inside the host");
        Self::new(Code::Internal)
    }

    pub fn code(&self) -> Code {
        self.0.code
    }

    pub fn status(&self) -> StatusCode {
        self.0.status
    }
}

/// At most 100 characters of what a caller sent, so that a problem never echoes a whole body.
fn shorten(text: &str) -> String {
    text.chars().take(100).collect()
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = self.0.status;
        response.extensions_mut().insert(Arc::new(self));
        response
    }
}

/// The language a caller reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    English,
    Chinese,
}

impl Language {
    /// The better liked of zh and en in `Accept-Language`; `fallback` when it names neither.
    pub fn of(headers: &HeaderMap, fallback: Language) -> Self {
        let Some(text) = headers
            .get(header::ACCEPT_LANGUAGE)
            .and_then(|value| value.to_str().ok())
        else {
            return fallback;
        };
        let mut best = (0_u32, fallback);
        for part in text.split(',').take(20) {
            let mut pieces = part.split(';');
            let tag = pieces
                .next()
                .unwrap_or_default()
                .trim()
                .to_ascii_lowercase();
            let language = match tag.split('-').next() {
                Some("zh") => Language::Chinese,
                Some("en") => Language::English,
                _ => continue,
            };
            let weight = pieces
                .find_map(|piece| piece.trim().strip_prefix("q="))
                .map_or(1000, thousandths);
            if weight > best.0 {
                best = (weight, language);
            }
        }
        best.1
    }

    /// The language of callers that name none.
    pub fn spoken_by(host: &Host) -> Self {
        if host.chinese.load(std::sync::atomic::Ordering::Relaxed) {
            Self::Chinese
        } else {
            Self::English
        }
    }

    /// The language of a chain setting or a member: `zh-CN`, `zh`, `en`.
    pub fn of_tag(tag: &str) -> Self {
        if tag.to_ascii_lowercase().starts_with("zh") {
            Language::Chinese
        } else {
            Language::English
        }
    }

    /// The BCP 47 tag plugins' catalogues use.
    pub const fn tag(self) -> &'static str {
        match self {
            Language::English => "en",
            Language::Chinese => "zh-CN",
        }
    }

    fn words(self, code: Code) -> &'static Words {
        let row = code.row();
        match self {
            Language::English => &row.en,
            Language::Chinese => &row.zh,
        }
    }
}

/// A quality value `0.8` as 800; anything odd counts as nothing.
fn thousandths(text: &str) -> u32 {
    match text.trim().split_once('.') {
        None => text
            .trim()
            .parse::<u32>()
            .map_or(0, |whole| whole.min(1) * 1000),
        Some((whole, part)) => {
            let digits: String = part.chars().chain("000".chars()).take(3).collect();
            if whole == "1" {
                1000
            } else {
                digits.parse().unwrap_or(0)
            }
        }
    }
}

/// The body of a refusal.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Problem)]
pub struct ProblemBody {
    /// Where the code is explained: `/problems/{code}`.
    #[serde(rename = "type")]
    kind: String,
    title: &'static str,
    status: u16,
    detail: String,
    /// Stable; programs decide by it.
    code: &'static str,
    /// Whether the very same request may succeed later.
    retryable: bool,
    /// What the caller can do.
    remedy: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldBody>,
    #[serde(flatten)]
    #[schema(value_type = Object)]
    extension: serde_json::Map<String, serde_json::Value>,
}

/// One field of a refused request.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = FieldError)]
pub struct FieldBody {
    /// JSON Pointer (RFC 6901) into the body.
    pointer: String,
    code: &'static str,
    message: String,
}

impl From<crate::store::StoreError> for Problem {
    fn from(error: crate::store::StoreError) -> Self {
        use crate::store::StoreError;
        match error {
            StoreError::Busy => Self::new(Code::Busy).retry_after(1),
            StoreError::Stopped => Self::new(Code::NotReady)
                .with("reason", "the writer has stopped")
                .retry_after(5),
            StoreError::Text { field } => Self::field(format!("/{field}"), Fault::ControlCharacter),
            StoreError::Refused(reason) => Self::new(Code::LedgerRefused).with("reason", reason),
            error => {
                let source = std::error::Error::source(&error)
                    .map(ToString::to_string)
                    .unwrap_or_default();
                tracing::error!(%error, source, "the database failed a request");
                Self::new(Code::Unavailable).retry_after(1)
            }
        }
    }
}

impl Problem {
    /// The body alone, where a problem is part of a larger answer.
    pub fn body(&self, language: Language, request_id: Option<String>) -> ProblemBody {
        let inner = &*self.0;
        let row = inner.code.row();
        let words = language.words(inner.code);
        let mut extension = serde_json::Map::new();
        if let Some((name, value)) = &inner.extension {
            extension.insert((*name).to_owned(), value.clone());
        }
        ProblemBody {
            kind: format!("/problems/{}", row.code),
            title: words.title,
            status: inner.status.as_u16(),
            detail: fill(words.detail, &inner.arguments),
            code: row.code,
            retryable: row.retryable,
            remedy: words.remedy,
            request_id,
            errors: inner
                .errors
                .iter()
                .map(|error| error.body(language))
                .collect(),
            extension,
        }
    }

    /// The full answer in one language.
    pub fn rendered(&self, language: Language, request_id: Option<String>) -> Response {
        let body = self.body(language, request_id);
        let mut response = (self.0.status, Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        headers.insert(
            header::CONTENT_LANGUAGE,
            HeaderValue::from_static(language.tag()),
        );
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = self.0.retry_after_seconds {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.0.status == StatusCode::UNAUTHORIZED {
            headers.insert(
                header::WWW_AUTHENTICATE,
                HeaderValue::from_static("Bearer realm=\"tessera\""),
            );
        }
        response
    }
}

impl FieldError {
    fn body(&self, language: Language) -> FieldBody {
        let (code, en, zh) = self.fault.row();
        let text = match language {
            Language::English => en,
            Language::Chinese => zh,
        };
        FieldBody {
            pointer: self.pointer.clone(),
            code,
            message: fill(text, &self.arguments),
        }
    }
}

/// The layer that words every refusal, including those the framework makes itself.
pub async fn render(State(host): State<Arc<Host>>, request: Request, next: Next) -> Response {
    let language = Language::of(request.headers(), Language::spoken_by(&host));
    let request_id = request
        .extensions()
        .get::<RequestId>()
        .and_then(|id| id.header_value().to_str().ok())
        .map(str::to_owned);
    let place = (request.method().clone(), shorten(request.uri().path()));
    let response = next.run(request).await;
    if !response.status().is_client_error() && !response.status().is_server_error() {
        return response;
    }
    let problem = match response.extensions().get::<Arc<Problem>>() {
        Some(problem) => Arc::clone(problem),
        None => Arc::new(of_framework(
            response.status(),
            place.0.as_str(),
            &place.1,
            &host,
        )),
    };
    host.metrics.refused(problem.code().row().code);
    let mut rendered = problem.rendered(language, request_id);
    keep(response.headers(), rendered.headers_mut(), header::ALLOW);
    rendered
}

fn keep(from: &HeaderMap, to: &mut HeaderMap, name: HeaderName) {
    if let Some(value) = from.get(&name) {
        to.insert(name, value.clone());
    }
}

/// What the framework answered, in our words.
fn of_framework(status: StatusCode, method: &str, path: &str, host: &Host) -> Problem {
    match status {
        StatusCode::NOT_FOUND => Problem::new(Code::RouteUnknown).with("path", path),
        StatusCode::METHOD_NOT_ALLOWED => Problem::new(Code::MethodNotAllowed)
            .with("path", path)
            .with("method", method),
        StatusCode::PAYLOAD_TOO_LARGE => {
            Problem::new(Code::BodyTooLarge).with("limit", host.limits.body_bytes)
        }
        StatusCode::UNSUPPORTED_MEDIA_TYPE => {
            Problem::new(Code::UnsupportedMediaType).with("expected", "application/json")
        }
        StatusCode::REQUEST_TIMEOUT | StatusCode::GATEWAY_TIMEOUT => {
            Problem::new(Code::RequestTimeout)
                .with("seconds", host.limits.request_seconds)
                .retry_after(1)
        }
        status if status.is_client_error() => Problem::new(Code::InvalidQuery)
            .with("reason", status.canonical_reason().unwrap_or("refused")),
        _ => Problem::new(Code::Internal),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn language(text: &'static str) -> Language {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT_LANGUAGE, HeaderValue::from_static(text));
        Language::of(&headers, Language::Chinese)
    }

    #[test]
    fn the_better_liked_language_is_answered() {
        assert_eq!(language("en"), Language::English);
        assert_eq!(language("zh-Hans-CN;q=0.9, en;q=0.8"), Language::Chinese);
        assert_eq!(language("fr, en;q=0.3"), Language::English);
        assert_eq!(language("fr"), Language::Chinese);
    }

    #[test]
    fn a_reference_in_a_body_is_a_422_with_its_place() {
        let problem = Problem::unknown(Code::MemberUnknown, "m1").at("/member");
        assert_eq!(problem.status(), StatusCode::UNPROCESSABLE_ENTITY);
        let body = serde_json::to_value(problem.body(Language::English, None)).unwrap();
        assert_eq!(body["code"], "member_unknown");
        assert_eq!(body["errors"][0]["pointer"], "/member");
        assert_eq!(
            body["errors"][0]["message"],
            "refers to something that is not known: m1"
        );
    }

    #[test]
    fn problems_are_told_in_chinese_with_the_same_code() {
        let problem = Problem::unknown(Code::StoreUnknown, "s9");
        let body = serde_json::to_value(problem.body(Language::Chinese, Some("r".into()))).unwrap();
        assert_eq!(body["code"], "store_unknown");
        assert_eq!(body["detail"], "没有编号为 s9 的门店。");
        assert_eq!(body["request_id"], "r");
    }
}
