//! How a command reaches a chain: over its socket while a host runs, else by running the host's own
//! router in this process. Either way a command is a request, so there is one set of rules.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, bail};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use serde_json::Value;
use tower::ServiceExt;

use crate::config::Config;
use crate::host::Host;
use crate::running::Running;
use crate::store::Location;

/// Largest answer a command reads, bytes.
const ANSWER_BYTES: usize = 16 << 20;

/// A way to the chain, as its local operator.
pub struct Client {
    way: Way,
    key: String,
}

#[derive(Clone)]
enum Way {
    /// A host is running and owns the data folder.
    Socket(SocketAddr),
    /// No host runs; this process owns the data folder until it ends.
    InProcess(Router),
}

impl Client {
    /// Opens the chain whose data folder `config` names.
    pub async fn open(config: &Config) -> anyhow::Result<Self> {
        if let Some(running) = Running::find(&config.data)? {
            return Ok(Self {
                way: Way::Socket(running.address),
                key: running.key,
            });
        }
        Ok(Self::to(&Host::open(config).await?))
    }

    /// The chain of a host opened in this process.
    pub fn to(host: &Arc<Host>) -> Self {
        Self {
            way: Way::InProcess(crate::http::router(Arc::clone(host))),
            key: host.operator_key(),
        }
    }

    /// The same chain, as whoever holds a key.
    pub fn as_holder_of(&self, key: &str) -> Self {
        Self {
            way: self.way.clone(),
            key: key.to_owned(),
        }
    }

    /// Sends a JSON request and answers the JSON; a problem becomes an error with its remedy.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> anyhow::Result<Value> {
        let bytes = body
            .map(serde_json::to_vec)
            .transpose()?
            .unwrap_or_default();
        self.send_bytes(method, path, "application/json", bytes.into())
            .await
    }

    /// Sends a body of any media type.
    pub async fn send_bytes(
        &self,
        method: Method,
        path: &str,
        media_type: &str,
        body: Bytes,
    ) -> anyhow::Result<Value> {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, "localhost")
            .header(header::AUTHORIZATION, format!("Bearer {}", self.key))
            .header(header::CONTENT_TYPE, media_type)
            .header("idempotency-key", uuid::Uuid::now_v7().to_string())
            .body(body)?;
        let (status, answer) = match &self.way {
            Way::Socket(address) => over_socket(*address, request).await?,
            Way::InProcess(router) => {
                let answer = router.clone().oneshot(request.map(Body::from)).await?;
                let (parts, body) = answer.into_parts();
                (
                    parts.status,
                    Limited::new(body, ANSWER_BYTES)
                        .collect()
                        .await
                        .map_err(unreadable)?
                        .to_bytes(),
                )
            }
        };
        let value: Value = if answer.is_empty() {
            Value::Null
        } else {
            serde_json::from_slice(&answer).context("the host's answer is not JSON")?
        };
        if !status.is_success() {
            bail!("{}", problem_text(status, &value));
        }
        Ok(value)
    }
}

async fn over_socket(
    address: SocketAddr,
    request: Request<Bytes>,
) -> anyhow::Result<(StatusCode, Bytes)> {
    let stream = tokio::net::TcpStream::connect(address)
        .await
        .with_context(|| {
            format!("cannot reach the running host at {address}; is it still starting?")
        })?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(hyper_util::rt::TokioIo::new(stream)).await?;
    let driver = tokio::spawn(connection);
    let answer = sender.send_request(request.map(Full::new)).await?;
    let (parts, body) = answer.into_parts();
    let bytes = Limited::new(body, ANSWER_BYTES)
        .collect()
        .await
        .map_err(unreadable)?
        .to_bytes();
    driver.abort();
    Ok((parts.status, bytes))
}

fn unreadable(error: Box<dyn std::error::Error + Send + Sync>) -> anyhow::Error {
    anyhow::anyhow!("cannot read the host's answer: {error}")
}

/// A problem document as one paragraph for a terminal.
fn problem_text(status: StatusCode, problem: &Value) -> String {
    let text = |name: &str| {
        problem
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    let mut lines = vec![format!("{} ({})", text("title"), status.as_u16())];
    lines.extend(
        [text("detail"), text("remedy")]
            .into_iter()
            .filter(|t| !t.is_empty())
            .map(str::to_owned),
    );
    for error in problem
        .get("errors")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        let part = |name: &str| error.get(name).and_then(Value::as_str).unwrap_or_default();
        lines.push(format!("  {}: {}", part("pointer"), part("message")));
    }
    let faults = problem.get("faults").and_then(Value::as_array);
    lines.extend(
        faults
            .into_iter()
            .flatten()
            .map(|fault| format!("  {}", fault_text(fault))),
    );
    lines.join("\n")
}

/// A fault of a configuration on one line: `file:line: key: message`.
pub fn fault_text(fault: &Value) -> String {
    let mut text = fault["file"].as_str().unwrap_or_default().to_owned();
    if let Some(line) = fault["line"].as_u64() {
        text.push_str(&format!(":{line}"));
    }
    for part in ["key", "message"] {
        if let Some(part) = fault[part].as_str().filter(|part| !part.is_empty()) {
            text.push_str(": ");
            text.push_str(part);
        }
    }
    text
}

/// The data folder a command means, checked to be one.
pub fn existing_data_folder(path: &Path) -> anyhow::Result<()> {
    if !path.is_dir() {
        bail!(
            "there is no data folder `{}`; create a chain with `tessera init --data {}`",
            path.display(),
            path.display()
        );
    }
    Ok(())
}

/// The database a command means: a server answers for itself, a file is not made by looking for it.
pub fn existing_database(config: &Config) -> anyhow::Result<()> {
    if config.database.is_some() {
        return Ok(());
    }
    existing_data_folder(&config.data)?;
    if let Location::Sqlite(file) = Location::choose(&config.data, None)
        && !file.is_file()
    {
        bail!(
            "`{}` holds no chain; name a chain's data folder with --data, or its server in DATABASE_URL",
            config.data.display()
        );
    }
    Ok(())
}
