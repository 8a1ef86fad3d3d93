//! `/v1/configuration`: the chain as files declare it. What applying would change, applying it, and the revisions;
//! `/v1/status`: how the host stands.

use std::sync::Arc;

use axum::extract::{Query, Request, State};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::answer::{At, Done};
use super::auth::Caller;
use super::error::{Language, Problem, ProblemBody};
use super::json;
use super::problems::{Code, Fault, fill};
use super::types::{Id, Time};
use crate::declaration::source::Source;
use crate::declaration::watch::Told;
use crate::declaration::{self, Author, Change, DeclarationError, Wrong};
use crate::host::Host;
use crate::store::declared::{self, Declared, Revision};
use crate::store::{Conn, Dialect, StoreError};

/// Bytes of all files together.
const MOST_BYTES: usize = 4 << 20;
/// Revisions listed at once.
const MOST_LISTED: i64 = 100;

/// The routes of this file.
pub fn routes() -> OpenApiRouter<Arc<Host>> {
    OpenApiRouter::new()
        .routes(routes!(read, apply))
        .routes(routes!(plan))
        .routes(routes!(revisions))
        .routes(routes!(revision))
        .routes(routes!(status))
        .layer(axum::extract::DefaultBodyLimit::max(MOST_BYTES))
}

/// What to make the chain: files, or an earlier revision's.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConfigurationRequest {
    /// All files together are one declaration; what the last one declared and this one does not, ends.
    #[serde(default)]
    files: Option<Vec<Source>>,
    /// Go back to the files of this revision, as a new revision.
    #[serde(default)]
    rollback: Option<i64>,
    /// The revision the difference was shown against; when another is in force by now, nothing is applied.
    #[serde(default)]
    base: Option<i64>,
}

/// What applying would change.
#[derive(Debug, Serialize, ToSchema)]
pub struct PlanBody {
    /// The revision in force; 0 before the first.
    base: i64,
    /// The files of the revision in force.
    source: String,
    changes: Vec<Change>,
    /// What stands in the files and is left alone.
    notes: Vec<String>,
}

/// What applying changed.
#[derive(Debug, Serialize, ToSchema)]
pub struct AppliedBody {
    /// The revision in force now.
    revision: i64,
    /// False where the files say what is in force already.
    applied: bool,
    changes: Vec<Change>,
    notes: Vec<String>,
}

/// One applied configuration.
#[derive(Debug, Serialize, ToSchema)]
pub struct RevisionBody {
    number: i64,
    applied_at: Time,
    author: String,
    /// The names of its files.
    source: String,
    /// SHA-256 of what the files say.
    digest: String,
    /// The revision a rollback went back to.
    #[serde(skip_serializing_if = "Option::is_none")]
    restores: Option<i64>,
    changes: Vec<Change>,
    /// The files; not in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    files: Option<Vec<Source>>,
}

/// The watched folder's configuration, which is not live as it stands.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConfigurationProblem {
    pub since: Time,
    pub faults: Vec<Told>,
}

/// The configuration in force.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConfigurationBody {
    /// None before the first.
    revision: Option<RevisionBody>,
    problem: Option<ConfigurationProblem>,
}

/// How the host stands.
#[derive(Debug, Serialize, ToSchema)]
pub struct StatusBody {
    version: &'static str,
    /// `sqlite` or `postgres`.
    database: &'static str,
    chain: Option<String>,
    /// Host and epoch of the writer.
    writer: String,
    /// Commands and transactions waiting for the writer.
    writer_queue: usize,
    /// The revision of the configuration in force.
    revision: Option<RevisionBody>,
    /// Bindings in force.
    bindings: usize,
    /// Active bindings whose plugin or configuration does not load.
    bindings_not_live: usize,
    /// The folder that is watched.
    watched: Option<String>,
    problem: Option<ConfigurationProblem>,
}

/// From which revision on.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct Before {
    /// Only revisions before this one.
    before: Option<i64>,
}

/// What is wrong with the watched folder now.
pub fn problem(host: &Host) -> Option<ConfigurationProblem> {
    host.watched.problem().map(|problem| ConfigurationProblem {
        since: Time(problem.since),
        faults: problem.faults,
    })
}

fn view(revision: Revision, with_files: bool) -> Result<RevisionBody, Problem> {
    let files = if with_files {
        Some(serde_json::from_str(&revision.document).map_err(Problem::internal)?)
    } else {
        None
    };
    Ok(RevisionBody {
        number: revision.number,
        applied_at: Time::micros(revision.applied_at),
        author: revision.author,
        source: revision.source,
        digest: revision.digest,
        restores: revision.restores,
        changes: serde_json::from_str(&revision.changes).map_err(Problem::internal)?,
        files,
    })
}

/// Files are longer than any text of another request, so they are read here.
async fn request(caller: &Caller, request: Request) -> Result<ConfigurationRequest, Problem> {
    if let Some(store) = &caller.store {
        return Err(Problem::new(Code::OtherStore).with("store", store));
    }
    let bytes = json::read(request, &(), MOST_BYTES).await?;
    serde_json::from_slice(&bytes)
        .map_err(|error| Problem::new(Code::MalformedJson).with("reason", error))
}

/// The files a request means.
async fn files(host: &Host, request: &mut ConfigurationRequest) -> Result<Vec<Source>, Failure> {
    match (request.files.take(), request.rollback) {
        (Some(files), None) => Ok(files),
        (None, Some(number)) => Ok(declaration::files_of(host, number).await?),
        _ => Err(Problem::field("/files", Fault::Required).into()),
    }
}

/// A refusal whose faults are worded in the caller's language.
enum Failure {
    Problem(Problem),
    Declaration(DeclarationError),
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl From<DeclarationError> for Failure {
    fn from(error: DeclarationError) -> Self {
        Self::Declaration(error)
    }
}

impl Failure {
    fn told(self, language: Language) -> Problem {
        match self {
            Self::Problem(problem) => problem,
            Self::Declaration(DeclarationError::Refused(faults)) => refused(&faults, language),
            Self::Declaration(DeclarationError::Changed) => {
                Problem::new(Code::ConfigurationChanged)
            }
            Self::Declaration(DeclarationError::RevisionUnknown(number)) => {
                Problem::unknown(Code::RevisionUnknown, &number.to_string())
            }
            Self::Declaration(DeclarationError::Store(error)) => error.into(),
            Self::Declaration(DeclarationError::Internal(what)) => Problem::internal(what),
        }
    }
}

fn refused(faults: &[declaration::Fault], language: Language) -> Problem {
    let told: Vec<serde_json::Value> = faults
        .iter()
        .map(|fault| {
            let (kind, arguments) = words(&fault.wrong);
            let (code, en, zh) = kind.row();
            let text = match language {
                Language::English => en,
                Language::Chinese => zh,
            };
            serde_json::json!({
                "file": fault.file, "line": fault.line, "key": fault.key, "code": code,
                "message": fill(text, &arguments),
            })
        })
        .collect();
    let first = faults.first().map_or_else(String::new, |fault| {
        format!("{}:{} {}", fault.file, fault.line, fault.key)
    });
    Problem::new(Code::ConfigurationRefused)
        .with("count", faults.len())
        .with("first", first)
        .extended("faults", serde_json::Value::Array(told))
}

/// A fault of a declaration in the words of the catalogue.
fn words(wrong: &Wrong) -> (Fault, Vec<(&'static str, String)>) {
    match wrong {
        Wrong::NotToml(reason) => (Fault::NotToml, vec![("reason", reason.clone())]),
        Wrong::Required => (Fault::Required, Vec::new()),
        Wrong::UnknownKey => (Fault::UnknownKey, Vec::new()),
        Wrong::Invalid(reason) => (Fault::Invalid, vec![("reason", reason.clone())]),
        Wrong::Unknown { what, id } => (
            Fault::UnknownObject,
            vec![("what", (*what).to_owned()), ("id", id.clone())],
        ),
        Wrong::TakesNoCodes(name) => (Fault::TakesNoCodes, vec![("id", name.clone())]),
        Wrong::Twice { first } => (Fault::Twice, vec![("first", first.clone())]),
        Wrong::NoRelease { plugin } => (Fault::NoRelease, vec![("id", plugin.clone())]),
        Wrong::NotGranted(asked) => (Fault::NotGranted, vec![("id", asked.clone())]),
        Wrong::Group { group, other } => (
            Fault::GroupContradicts,
            vec![("id", group.clone()), ("other", other.clone())],
        ),
        Wrong::Overlap { other } => (Fault::Overlaps, vec![("other", other.clone())]),
        Wrong::BelowSpent { spent } => (Fault::BelowSpent, vec![("spent", spent.to_string())]),
        Wrong::ScaleStays(scale) => (Fault::ScaleStays, vec![("scale", scale.to_string())]),
        Wrong::TooMany(limit) => (Fault::TooMany, vec![("limit", limit.to_string())]),
    }
}

/// The configuration in force.
#[utoipa::path(get, path = "/v1/configuration", tag = "configuration",
    responses((status = 200, body = ConfigurationBody), (status = "default", body = ProblemBody)))]
async fn read(State(host): State<Arc<Host>>) -> Result<Done<ConfigurationBody>, Problem> {
    let mut conn = host.db.read().await?;
    let latest = declared::latest(&mut conn).await?;
    let revision = latest.map(|latest| view(latest, true)).transpose()?;
    Ok(Done::ok(ConfigurationBody {
        revision,
        problem: problem(&host),
    }))
}

/// Show what applying files, or going back to a revision, would change.
#[utoipa::path(post, path = "/v1/configuration/plan", tag = "configuration", request_body = ConfigurationRequest,
    responses((status = 200, body = PlanBody), (status = "default", body = ProblemBody)))]
async fn plan(
    State(host): State<Arc<Host>>,
    caller: Caller,
    language: Language,
    body: Request,
) -> Result<Done<PlanBody>, Problem> {
    let mut request = request(&caller, body).await?;
    let told = |failure: Failure| failure.told(language);
    let files = files(&host, &mut request).await.map_err(told)?;
    let plan = declaration::plan(&host, &files)
        .await
        .map_err(|error| told(error.into()))?;
    Ok(Done::ok(PlanBody {
        base: plan.number,
        source: plan.source,
        changes: plan.changes,
        notes: plan.notes,
    }))
}

/// Make the chain what the files say, all or nothing; or go back to a revision.
#[utoipa::path(post, path = "/v1/configuration", tag = "configuration", request_body = ConfigurationRequest,
    responses((status = 200, body = AppliedBody), (status = "default", body = ProblemBody)))]
async fn apply(
    State(host): State<Arc<Host>>,
    caller: Caller,
    language: Language,
    body: Request,
) -> Result<Done<AppliedBody>, Problem> {
    let mut request = request(&caller, body).await?;
    let told = |failure: Failure| failure.told(language);
    let files = files(&host, &mut request).await.map_err(told)?;
    let author = Author {
        name: caller.who().to_owned(),
        restores: request.rollback,
        base: request.base,
    };
    let applied = declaration::apply(&host, &files, &author)
        .await
        .map_err(|error| told(error.into()))?;
    Ok(Done::ok(AppliedBody {
        revision: applied.number,
        applied: applied.is_new,
        changes: applied.changes,
        notes: applied.notes,
    }))
}

/// The revisions, newest first, at most 100 at once.
#[utoipa::path(get, path = "/v1/configuration/revisions", tag = "configuration", params(Before),
    responses((status = 200, body = Vec<RevisionBody>), (status = "default", body = ProblemBody)))]
async fn revisions(
    State(host): State<Arc<Host>>,
    query: Result<Query<Before>, axum::extract::rejection::QueryRejection>,
) -> Result<Done<Vec<RevisionBody>>, Problem> {
    let Query(from) = query
        .map_err(|error| Problem::new(Code::InvalidQuery).with("reason", error.body_text()))?;
    let mut conn = host.db.read().await?;
    let before = from.before.unwrap_or(i64::MAX);
    let rows = declared::revisions(&mut conn, before, MOST_LISTED).await?;
    let views: Result<_, _> = rows.into_iter().map(|row| view(row, false)).collect();
    Ok(Done::ok(views?))
}

/// One revision with its files.
#[utoipa::path(get, path = "/v1/configuration/revisions/{number}", tag = "configuration",
    params(("number" = i64, Path)),
    responses((status = 200, body = RevisionBody), (status = "default", body = ProblemBody)))]
async fn revision(
    State(host): State<Arc<Host>>,
    At(number): At<Id>,
) -> Result<Done<RevisionBody>, Problem> {
    let unknown = || Problem::unknown(Code::RevisionUnknown, number.as_str());
    let wanted = number.as_str().parse().map_err(|_| unknown())?;
    let mut conn = host.db.read().await?;
    let row = declared::revision(&mut conn, wanted)
        .await?
        .ok_or_else(unknown)?;
    Ok(Done::ok(view(row, true)?))
}

/// How the host stands: version, database, configuration, bindings, queue.
#[utoipa::path(get, path = "/v1/status", tag = "configuration",
    responses((status = 200, body = StatusBody), (status = "default", body = ProblemBody)))]
async fn status(State(host): State<Arc<Host>>) -> Result<Done<StatusBody>, Problem> {
    let mut conn = host.db.read().await?;
    let latest = declared::latest(&mut conn).await?;
    let rows = crate::store::bindings::bindings(&mut conn, None, "", 20_000).await?;
    let snapshot = host.snapshots.current();
    let is_live = |id: &str| {
        snapshot
            .as_ref()
            .is_some_and(|snapshot| snapshot.rules.iter().any(|rule| rule.binding.id == id))
    };
    let bindings = rows.iter().filter(|row| is_live(&row.id)).count();
    Ok(Done::ok(StatusBody {
        version: env!("CARGO_PKG_VERSION"),
        database: match host.db.dialect() {
            Dialect::Sqlite => "sqlite",
            Dialect::Postgres => "postgres",
        },
        chain: snapshot
            .as_ref()
            .map(|snapshot| snapshot.chain.name.clone()),
        writer: host.writer.id().to_owned(),
        writer_queue: host.writer.waiting(),
        revision: latest.map(|latest| view(latest, false)).transpose()?,
        bindings_not_live: rows.len().saturating_sub(bindings),
        bindings,
        watched: host
            .watched
            .folder()
            .map(|folder| folder.display().to_string()),
        problem: problem(&host),
    }))
}

/// Refuses to change through the API what a file declares; part of the transaction that would change it.
pub async fn refuse_declared(
    tx: &mut Conn,
    kind: &str,
    id: &str,
) -> Result<Result<(), Problem>, StoreError> {
    let found = declared::of(tx, kind, id).await?;
    Ok(found.map_or(Ok(()), |row| Err(declared_in_file(&row))))
}

/// The refusal itself.
pub fn declared_in_file(row: &Declared) -> Problem {
    Problem::new(Code::DeclaredInFile)
        .with("id", &row.name)
        .with("file", &row.file)
        .with("revision", row.revision)
}
