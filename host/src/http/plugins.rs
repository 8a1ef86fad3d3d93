//! `/v1/plugins`: what is installed, and installing more.

use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, Request, State};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::answer::{At, Done};
use super::configuration;
use super::error::{FieldError, Problem, ProblemBody};
use super::json;
use super::problems::{Code, Fault};
use super::types::Id;
use crate::checkout::stored::kind_name;
use crate::host::Host;
use crate::plugins::{Plugin, PluginError};
use crate::rules::{self, RuleError};

/// Largest component accepted, bytes; the engine's own limit may be lower.
const COMPONENT_BYTES: usize = 8 << 20;

/// The routes of this file.
pub fn routes() -> OpenApiRouter<Arc<Host>> {
    OpenApiRouter::new()
        .routes(routes!(list, install))
        .routes(routes!(read))
        .layer(DefaultBodyLimit::max(COMPONENT_BYTES))
}

/// An installed component.
#[derive(Debug, Serialize, ToSchema)]
pub struct PluginView {
    /// SHA-256 of the component.
    pub digest: String,
    pub name: String,
    pub version: String,
    /// `points`, `tier`, `referral` or `promotion`.
    pub kind: &'static str,
    /// Name, authors, permissions, configuration schema, catalogues: what the component says of itself.
    #[schema(value_type = Object)]
    pub manifest: serde_json::Value,
}

fn view(plugin: &Plugin) -> PluginView {
    PluginView {
        digest: plugin.digest().to_owned(),
        name: plugin.name().to_owned(),
        version: plugin.manifest().version.to_string(),
        kind: kind_name(plugin.kind()),
        manifest: serde_json::to_value(plugin.manifest()).unwrap_or_default(),
    }
}

/// What is installed.
#[utoipa::path(get, path = "/v1/plugins", tag = "rules",
    responses((status = 200, body = Vec<PluginView>), (status = "default", body = ProblemBody)))]
pub async fn list(State(host): State<Arc<Host>>) -> Result<Done<Vec<PluginView>>, Problem> {
    Ok(Done::ok(
        host.catalog.snapshot().plugins().map(view).collect(),
    ))
}

/// One installed component.
#[utoipa::path(get, path = "/v1/plugins/{digest}", tag = "rules", params(("digest" = String, Path)),
    responses((status = 200, body = PluginView), (status = "default", body = ProblemBody)))]
pub async fn read(
    State(host): State<Arc<Host>>,
    At(digest): At<Id>,
) -> Result<Done<PluginView>, Problem> {
    let snapshot = host.catalog.snapshot();
    let plugin = snapshot.by_digest(digest.as_str());
    Ok(Done::ok(view(plugin.ok_or_else(|| {
        Problem::unknown(Code::PluginUnknown, digest.as_str())
    })?)))
}

/// Install a component; the same bytes again change nothing.
#[utoipa::path(post, path = "/v1/plugins", tag = "rules",
    request_body(content = Vec<u8>, content_type = "application/wasm"),
    responses((status = 201, body = PluginView), (status = "default", body = ProblemBody)))]
pub async fn install(
    State(host): State<Arc<Host>>,
    request: Request,
) -> Result<Done<PluginView>, Problem> {
    let media_type = request
        .headers()
        .get("content-type")
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    if media_type != "application/wasm" {
        return Err(Problem::new(Code::UnsupportedMediaType).with("expected", "application/wasm"));
    }
    let bytes = json::read(request, &(), COMPONENT_BYTES).await?;
    let plugin = rules::install(&host, bytes.to_vec()).await?;
    Ok(Done::created(
        format!("/v1/plugins/{}", plugin.digest()),
        view(&plugin),
    ))
}

impl From<RuleError> for Problem {
    fn from(error: RuleError) -> Self {
        let because = |pointer: &str, reason: String| {
            let arguments = vec![("reason", reason)];
            Self::fields(vec![FieldError {
                pointer: pointer.to_owned(),
                fault: Fault::Invalid,
                arguments,
            }])
        };
        match error {
            RuleError::PluginUnknown(name) => {
                Self::unknown(Code::PluginUnknown, &name).at("/plugin")
            }
            RuleError::NotGranted(_) => because("/granted", error.to_string()),
            RuleError::Scope(_) => Self::field("/scope", Fault::NotAScope),
            RuleError::TooMany(limit) => Self::new(Code::TooManyBindings).with("limit", limit),
            RuleError::TooManyLimits => because("/limits", error.to_string()),
            RuleError::Declared(row) => configuration::declared_in_file(&row),
            RuleError::BindingUnknown(id) => Self::unknown(Code::BindingUnknown, &id),
            RuleError::Schedule(error) => because(
                &format!("/schedule{}", error.pointer),
                error.remedy.to_owned(),
            ),
            RuleError::Plugin(PluginError::Refused(refused)) => {
                let errors = refused.problems.iter().map(|problem| FieldError {
                    pointer: format!("/config{}", problem.pointer),
                    fault: Fault::Invalid,
                    arguments: vec![("reason", problem.message.clone())],
                });
                Self::new(Code::ConfigRefused)
                    .with("plugin", &refused.plugin)
                    .with_errors(errors.collect())
            }
            RuleError::Plugin(error) => Self::new(Code::PluginRefused).with("reason", error),
            RuleError::Store(error) => error.into(),
            RuleError::Internal(what) => Self::internal(what),
        }
    }
}
