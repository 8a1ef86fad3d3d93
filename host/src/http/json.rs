//! Reading bodies: JSON with pointers to what is wrong, and the key under which something is done once.

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use super::error::{FieldError, Problem};
use super::problems::{Code, Fault};
use crate::checkout::Intent;

/// No text in any request is longer than this; most fields allow far less.
const TEXT_BYTES: usize = 8_000;

/// A JSON body of the shape `T`.
#[derive(Debug)]
pub struct Json<T>(pub T);

/// A JSON body that does something exactly once: its `Idempotency-Key`, and the hash a later request
/// under the same key is compared with. An absent body reads as `{}`.
#[derive(Debug)]
pub struct Keyed<T> {
    pub key: IdempotencyKey,
    /// SHA-256 over method, path and the body with its object keys sorted.
    pub hash: [u8; 32],
    pub body: T,
    /// Method and path as they are hashed.
    place: Vec<u8>,
    document: serde_json::Value,
}

impl<T> Keyed<T> {
    /// The same where a field only helps the host to understand the others: with it or without, it is the same request.
    pub fn intent_without(mut self, field: &str) -> Result<(Intent, T), Problem> {
        if let Some(fields) = self.document.as_object_mut() {
            fields.remove(field);
        }
        let intent = Intent {
            key: self.key.into_string(),
            hash: hashed(&self.place, &self.document)?,
        };
        Ok((intent, self.body))
    }

    /// The key with the digest of what it stands for.
    pub fn intent(&self) -> Intent {
        Intent {
            key: self.key.as_str().to_owned(),
            hash: self.hash,
        }
    }
}

/// The caller's name for one intent: 1 to 200 visible ASCII characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn into_string(self) -> String {
        self.0
    }

    /// Checks a key, from a header or from a path.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        let visible = text.bytes().all(|byte| byte.is_ascii_graphic());
        if text.is_empty() || text.len() > 200 || !visible {
            return Err(Problem::new(Code::IdempotencyKeyInvalid));
        }
        Ok(Self(text.to_owned()))
    }

    fn of(headers: &HeaderMap) -> Result<Self, Problem> {
        let value = headers
            .get("idempotency-key")
            .ok_or_else(|| Problem::new(Code::IdempotencyKeyMissing))?;
        let text = value
            .to_str()
            .map_err(|_| Problem::new(Code::IdempotencyKeyInvalid))?;
        Self::parse(text)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Self::of(&parts.headers)
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let bytes = body(request, state).await?;
        Ok(Self(decode(&bytes)?))
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Keyed<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let key = IdempotencyKey::of(request.headers())?;
        let place = format!("{}\0{}\0", request.method(), request.uri().path()).into_bytes();
        let bytes = body(request, state).await?;
        let bytes = if bytes.is_empty() {
            Bytes::from_static(b"{}")
        } else {
            bytes
        };
        let body = decode(&bytes)?;
        let document = serde_json::from_slice(&bytes).map_err(|error| malformed(&error))?;
        Ok(Self {
            key,
            hash: hashed(&place, &document)?,
            body,
            place,
            document,
        })
    }
}

/// The document is hashed with its object keys sorted and no spaces, so that a client that serialises its retry anew is
/// still understood.
fn hashed(place: &[u8], document: &serde_json::Value) -> Result<[u8; 32], Problem> {
    let text = serde_json::to_vec(document).map_err(Problem::internal)?;
    Ok(Sha256::new()
        .chain_update(place)
        .chain_update(text)
        .finalize()
        .into())
}

async fn body<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, Problem> {
    let typed = request
        .headers()
        .get(CONTENT_TYPE)
        .map(|value| is_json(value.as_bytes()));
    let bytes = read(request, state, super::BODY_BYTES).await?;
    match typed {
        Some(true) => Ok(bytes),
        None if bytes.is_empty() => Ok(bytes),
        _ => Err(Problem::new(Code::UnsupportedMediaType).with("expected", "application/json")),
    }
}

/// The raw bytes of a body within the limit of its route.
pub async fn read<S: Send + Sync>(
    request: Request,
    state: &S,
    limit: usize,
) -> Result<Bytes, Problem> {
    Bytes::from_request(request, state)
        .await
        .map_err(|rejection| {
            let status = rejection.into_response().status();
            if status == StatusCode::PAYLOAD_TOO_LARGE {
                Problem::new(Code::BodyTooLarge).with("limit", limit)
            } else {
                Problem::new(Code::MalformedJson)
                    .with("reason", "the body could not be read to its end")
            }
        })
}

fn is_json(value: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(value) else {
        return false;
    };
    let essence = text
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    essence == "application/json"
        || (essence.starts_with("application/") && essence.ends_with("+json"))
}

/// Decodes a document, telling the place of the first thing that is wrong.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut deserializer)
        // A fault of the syntax later in the document would hide behind the first wrong field.
        .map_err(|error| syntax(bytes).unwrap_or_else(|| refused(&error)))?;
    deserializer.end().map_err(|error| malformed(&error))?;
    if suspicious(bytes) {
        let document: serde_json::Value =
            serde_json::from_slice(bytes).map_err(|error| malformed(&error))?;
        let mut errors = Vec::new();
        check_texts(&document, &mut String::new(), &mut errors);
        if !errors.is_empty() {
            return Err(Problem::fields(errors));
        }
    }
    Ok(value)
}

fn syntax(bytes: &[u8]) -> Option<Problem> {
    serde_json::from_slice::<serde::de::IgnoredAny>(bytes)
        .err()
        .map(|error| malformed(&error))
}

fn malformed(error: &serde_json::Error) -> Problem {
    Problem::new(Code::MalformedJson).with("reason", error)
}

/// A typed refusal from serde's error. Types of ours say `!code` or `!code limit` in their message.
fn refused(error: &serde_path_to_error::Error<serde_json::Error>) -> Problem {
    use serde_path_to_error::Segment;
    let inner = error.inner();
    if inner.is_syntax() || inner.is_eof() || inner.is_io() {
        return malformed(inner);
    }
    let mut pointer = String::new();
    for segment in error.path().iter() {
        match segment {
            Segment::Seq { index } => push(&mut pointer, &index.to_string()),
            Segment::Map { key } => push(&mut pointer, key),
            Segment::Enum { .. } | Segment::Unknown => {}
        }
    }
    let text = inner.to_string();
    let text = text.split(" at line ").next().unwrap_or_default();
    let named = |prefix: &str| {
        text.strip_prefix(prefix)
            .and_then(|rest| rest.split('`').next())
            .map(str::to_owned)
    };
    if let Some(name) = named("missing field `") {
        push(&mut pointer, &name);
        return Problem::field(pointer, Fault::Required);
    }
    if let Some(name) = named("unknown field `") {
        if pointer.rsplit('/').next() != Some(escape(&name).as_str()) {
            push(&mut pointer, &name);
        }
        return Problem::field(pointer, Fault::UnknownField);
    }
    if let Some(problem) = ours(text, &pointer) {
        return problem;
    }
    let fault = if text.starts_with("invalid type") {
        Fault::WrongType
    } else {
        Fault::Invalid
    };
    Problem::fields(vec![FieldError {
        pointer,
        fault,
        arguments: vec![("reason", text.to_owned())],
    }])
}

/// `!too_long 200` and its like, from the types in `super::types`.
fn ours(text: &str, pointer: &str) -> Option<Problem> {
    let rest = text.strip_prefix('!')?;
    let mut words = rest.split(' ');
    let fault = Fault::from_code(words.next()?)?;
    let arguments = match (fault, words.next(), words.next()) {
        (Fault::OutOfRange, Some(min), Some(max)) => {
            vec![("min", min.to_owned()), ("max", max.to_owned())]
        }
        (_, Some(limit), _) => vec![("limit", limit.to_owned())],
        _ => Vec::new(),
    };
    Some(Problem::fields(vec![FieldError {
        pointer: pointer.to_owned(),
        fault,
        arguments,
    }]))
}

/// A key as a JSON Pointer writes it.
pub fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

fn push(pointer: &mut String, key: &str) {
    pointer.push('/');
    // A key is the caller's text: a long one is cut, the problem stays readable.
    pointer.extend(escape(key).chars().take(100));
}

/// Whether a document may hold an escaped U+0000 or an over-long text; cheap, and right for nearly all.
fn suspicious(bytes: &[u8]) -> bool {
    let zero = b"\\u0000";
    bytes.windows(zero.len()).any(|window| window == zero)
        || bytes
            .split(|byte| *byte == b'"')
            .any(|piece| piece.len() > TEXT_BYTES)
}

fn check_texts(value: &serde_json::Value, pointer: &mut String, errors: &mut Vec<FieldError>) {
    use serde_json::Value;
    let length = pointer.len();
    match value {
        Value::String(text) => check_text(text, pointer, errors),
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                push(pointer, &index.to_string());
                check_texts(item, pointer, errors);
                pointer.truncate(length);
            }
        }
        Value::Object(fields) => {
            for (key, item) in fields {
                push(pointer, key);
                check_text(key, pointer, errors);
                check_texts(item, pointer, errors);
                pointer.truncate(length);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn check_text(text: &str, pointer: &str, errors: &mut Vec<FieldError>) {
    if errors.len() >= 20 {
        return;
    }
    if text.contains('\0') {
        errors.push(FieldError {
            pointer: pointer.to_owned(),
            fault: Fault::ControlCharacter,
            arguments: Vec::new(),
        });
    } else if text.len() > TEXT_BYTES {
        errors.push(FieldError {
            pointer: pointer.to_owned(),
            fault: Fault::TooLong,
            arguments: vec![("limit", TEXT_BYTES.to_string())],
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code, reason = "only the shape matters")]
    struct Basket {
        store: String,
        lines: Vec<Line>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code, reason = "only the shape matters")]
    struct Line {
        product: super::super::types::Text<10>,
        #[serde(default)]
        count: i64,
    }

    fn refusal(text: &str) -> String {
        format!("{:?}", decode::<Basket>(text.as_bytes()).unwrap_err())
    }

    #[test]
    fn what_is_wrong_is_told_with_its_pointer() {
        let missing = refusal(r#"{"store":"s","lines":[{"product":"a"},{"count":1}]}"#);
        assert!(
            missing.contains("\"/lines/1/product\"") && missing.contains("Required"),
            "{missing}"
        );
        let unknown = refusal(r#"{"store":"s","lines":[{"product":"a","x/y":1}]}"#);
        assert!(
            unknown.contains("\"/lines/0/x~1y\"") && unknown.contains("UnknownField"),
            "{unknown}"
        );
        let wrong = refusal(r#"{"store":"s","lines":[{"product":"a","count":"1"}]}"#);
        assert!(
            wrong.contains("\"/lines/0/count\"") && wrong.contains("WrongType"),
            "{wrong}"
        );
        let long = refusal(r#"{"store":"s","lines":[{"product":"aaaaaaaaaaaaaaaaa"}]}"#);
        assert!(
            long.contains("\"/lines/0/product\"") && long.contains("TooLong"),
            "{long}"
        );
        assert!(refusal("{\"store\":").contains("MalformedJson"));
        assert!(refusal(r#"{"store":"s","lines":[]} x"#).contains("MalformedJson"));
    }

    #[test]
    fn a_zero_character_and_an_over_long_text_are_refused_anywhere() {
        let zero = refusal("{\"store\":\"a\\u0000\",\"lines\":[]}");
        assert!(
            zero.contains("\"/store\"") && zero.contains("ControlCharacter"),
            "{zero}"
        );
        let long = refusal(&format!(
            r#"{{"store":"{}","lines":[]}}"#,
            "x".repeat(10_000)
        ));
        assert!(
            long.contains("\"/store\"") && long.contains("TooLong"),
            "{long}"
        );
    }

    #[test]
    fn numbers_beyond_64_bits_are_refused_not_rounded() {
        let huge =
            refusal(r#"{"store":"s","lines":[{"product":"a","count":99999999999999999999}]}"#);
        assert!(huge.contains("/lines/0/count"), "{huge}");
    }

    #[test]
    fn keys_are_visible_ascii() {
        assert!(IdempotencyKey::parse("bill-17:commit").is_ok());
        for wrong in ["", "a b", "ä", "a\n", &"x".repeat(201)] {
            assert!(IdempotencyKey::parse(wrong).is_err(), "{wrong:?}");
        }
    }
}
