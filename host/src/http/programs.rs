//! Points programs and their settings.

use std::sync::Arc;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::answer::{At, Done};
use super::attributes::Attributes;
use super::configuration::refuse_declared;
use super::error::{FieldError, Problem, ProblemBody};
use super::json::Json;
use super::problems::{Code, Fault};
use super::types::{Id, Name};
use crate::domain::ledger::points_asset;
use crate::host::Host;
use crate::store;
use crate::store::chain::Program;

/// Most digits after the decimal point of points.
const MOST_DIGITS: i64 = 4;

/// The routes of this file.
pub fn routes() -> OpenApiRouter<Arc<Host>> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(one, put))
}

/// A points program.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProgramBody {
    id: String,
    /// What accounts of the program are named by.
    asset: String,
    name: String,
    /// Digits after the decimal point of its points.
    scale: i64,
    settings: Attributes,
    version: i64,
}

impl From<Program> for ProgramBody {
    fn from(program: Program) -> Self {
        Self {
            asset: points_asset(&program.id),
            settings: Attributes::stored(&program.settings),
            id: program.id,
            name: program.name,
            scale: program.scale,
            version: program.version,
        }
    }
}

/// What a program is to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProgramRequest {
    name: Name,
    /// Digits after the decimal point; fixed once the program exists.
    #[serde(default)]
    scale: i64,
    #[serde(default)]
    settings: Attributes,
}

/// List the programs.
#[utoipa::path(get, path = "/v1/programs", tag = "programs",
    responses((status = 200, body = [ProgramBody]), (status = "default", body = ProblemBody)))]
async fn list(State(host): State<Arc<Host>>) -> Result<Done<Vec<ProgramBody>>, Problem> {
    let mut conn = host.db.read().await?;
    let programs = store::chain::programs(&mut conn).await?;
    Ok(Done::ok(
        programs.into_iter().map(ProgramBody::from).collect(),
    ))
}

/// Read a program.
#[utoipa::path(get, path = "/v1/programs/{id}", tag = "programs", params(("id" = Id, Path)),
    responses((status = 200, body = ProgramBody), (status = "default", body = ProblemBody)))]
async fn one(State(host): State<Arc<Host>>, At(id): At<Id>) -> Result<Done<ProgramBody>, Problem> {
    let mut conn = host.db.read().await?;
    let program = store::chain::program(&mut conn, id.as_str()).await?;
    program
        .map(|program| Done::ok(program.into()))
        .ok_or_else(|| Problem::unknown(Code::ProgramUnknown, id.as_str()))
}

/// Create a program or change its name and settings.
#[utoipa::path(put, path = "/v1/programs/{id}", tag = "programs", params(("id" = Id, Path)),
    request_body = ProgramRequest,
    responses((status = 200, body = ProgramBody), (status = "default", body = ProblemBody)))]
async fn put(
    State(host): State<Arc<Host>>,
    At(id): At<Id>,
    Json(request): Json<ProgramRequest>,
) -> Result<Done<ProgramBody>, Problem> {
    if !(0..=MOST_DIGITS).contains(&request.scale) {
        let arguments = vec![("min", "0".to_owned()), ("max", MOST_DIGITS.to_string())];
        let pointer = "/scale".to_owned();
        return Err(Problem::fields(vec![FieldError {
            pointer,
            fault: Fault::OutOfRange,
            arguments,
        }]));
    }
    let row = Program {
        id: id.as_str().to_owned(),
        name: request.name.into_string(),
        scale: request.scale,
        settings: request.settings.text(),
        version: 0,
    };
    let written = host
        .writer
        .write("changing a program", move |tx| {
            Box::pin(async move {
                if let Err(problem) = refuse_declared(tx, "program", &row.id).await? {
                    return Ok(Err(problem));
                }
                store::chain::put_program(tx, &row).await?;
                store::chain::program(tx, &row.id).await.map(Ok)
            })
        })
        .await??;
    written
        .map(|program| Done::ok(program.into()))
        .ok_or_else(|| Problem::unknown(Code::ProgramUnknown, id.as_str()))
}
