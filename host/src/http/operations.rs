//! The outcome of any key.

use std::sync::Arc;

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::answer::{At, Done};
use super::error::{Language, Problem, ProblemBody};
use super::json::IdempotencyKey;
use super::problems::Code;
use super::types::Time;
use super::wallet::SubjectBody;
use crate::domain::ledger::Outcome;
use crate::host::Host;
use crate::store;

/// The routes of this file.
pub fn routes() -> OpenApiRouter<Arc<Host>> {
    OpenApiRouter::new().routes(routes!(one))
}

/// What a key led to.
#[derive(Debug, Serialize, ToSchema)]
pub struct OperationBody {
    key: String,
    /// `done` or `refused`.
    outcome: &'static str,
    /// What it was about: `order` and its id, for example.
    subject: SubjectBody,
    /// The entry it posted, if it moved value.
    #[serde(skip_serializing_if = "Option::is_none")]
    entry: Option<String>,
    at: Time,
    /// Why it was refused, as it was answered then.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<ProblemBody>,
}

/// Look up what happened under an Idempotency-Key.
#[utoipa::path(get, path = "/v1/operations/{key}", tag = "operations", params(("key" = String, Path)),
    responses((status = 200, body = OperationBody), (status = "default", body = ProblemBody)))]
async fn one(
    State(host): State<Arc<Host>>,
    language: Language,
    At(key): At<String>,
) -> Result<Done<OperationBody>, Problem> {
    let key = IdempotencyKey::parse(&key)?;
    let mut conn = host.db.read().await?;
    let recorded = store::operations::by_key(&mut conn, key.as_str()).await?;
    let recorded = recorded.ok_or_else(|| Problem::new(Code::OperationUnknown))?;
    let subject = SubjectBody {
        kind: recorded.subject.kind,
        id: recorded.subject.id,
    };
    let (outcome, entry, problem) = match recorded.outcome {
        Outcome::Done(receipt) => ("done", receipt.entry_id, None),
        Outcome::Refused(refusal) => (
            "refused",
            None,
            Some(Problem::from(refusal).body(language, None)),
        ),
    };
    Ok(Done::ok(OperationBody {
        key: key.into_string(),
        outcome,
        subject,
        entry,
        at: Time(recorded.at),
        problem,
    }))
}
