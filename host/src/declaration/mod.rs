//! Configuration as files. A declaration is what one or several TOML files say of the chain; applying it makes the
//! chain so in one transaction and keeps it as a revision. What a file declares is read-only in the API; what the API
//! made stays as it is unless a file declares it under the same id.

mod check;
pub mod document;
pub mod fault;
mod live;
pub mod plan;
pub mod releases;
pub mod source;
pub mod watch;

use std::sync::Arc;

use crate::domain::time::Instant;
use crate::host::Host;
use crate::store::declared::{self, Revision};
use crate::store::{StoreError, Tx, bindings, chain, events, plugins as installed, stores};

pub use document::Declaration;
pub use fault::{DeclarationError, Fault, Wrong};
pub use plan::{Action, Change, KeyChange, Plan};
pub use source::Source;
pub use watch::Watched;

/// How often a plan is made anew when others change the chain at the same moment.
const ATTEMPTS: usize = 5;

/// Who applies, and what for.
#[derive(Debug, Clone)]
pub struct Author {
    pub name: String,
    /// The revision a rollback goes back to.
    pub restores: Option<i64>,
    /// The revision the difference was shown against; another one in force is refused.
    pub base: Option<i64>,
}

/// What applying did.
#[derive(Debug)]
pub struct Applied {
    /// The revision in force now.
    pub number: i64,
    /// False where the files say what is in force already.
    pub is_new: bool,
    pub changes: Vec<Change>,
    pub notes: Vec<String>,
}

/// What applying the files would do.
///
/// # Errors
/// See [`DeclarationError`].
pub async fn plan(host: &Arc<Host>, sources: &[Source]) -> Result<Plan, DeclarationError> {
    let declaration = Declaration::read(sources).map_err(DeclarationError::Refused)?;
    host.load_missing().await?;
    plan::plan(host, &declaration).await
}

/// Makes the chain what the files say, all or nothing.
///
/// # Errors
/// See [`DeclarationError`]; nothing changed then.
pub async fn apply(
    host: &Arc<Host>,
    sources: &[Source],
    author: &Author,
) -> Result<Applied, DeclarationError> {
    for _ in 0..ATTEMPTS {
        let plan = plan(host, sources).await?;
        if author.base.is_some_and(|base| base != plan.number) {
            return Err(DeclarationError::Changed);
        }
        if plan.changes.is_empty() && plan.digest == plan.current {
            return Ok(Applied {
                number: plan.number,
                is_new: false,
                changes: plan.changes,
                notes: plan.notes,
            });
        }
        let (changes, notes) = (plan.changes.clone(), plan.notes.clone());
        let revision = revision(host, &plan, sources, author)?;
        let number = revision.number;
        let written = host
            .writer
            .write("applying a configuration", move |tx| {
                Box::pin(async move { write(tx, plan, revision).await })
            })
            .await;
        match written {
            Ok(true) => {
                host.refresh().await?;
                return Ok(Applied {
                    number,
                    is_new: true,
                    changes,
                    notes,
                });
            }
            Ok(false) => {}
            // Another host wrote this number a moment before.
            Err(error) if error.is_unique_violation() => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(DeclarationError::Changed)
}

/// The files of an earlier revision.
///
/// # Errors
/// [`DeclarationError::RevisionUnknown`].
pub async fn files_of(host: &Host, number: i64) -> Result<Vec<Source>, DeclarationError> {
    let mut conn = host.db.read().await?;
    let revision = declared::revision(&mut conn, number)
        .await?
        .ok_or(DeclarationError::RevisionUnknown(number))?;
    serde_json::from_str(&revision.document).map_err(DeclarationError::internal)
}

fn revision(
    host: &Host,
    plan: &Plan,
    sources: &[Source],
    author: &Author,
) -> Result<Revision, DeclarationError> {
    let names: Vec<&str> = sources.iter().map(|source| source.name.as_str()).collect();
    Ok(Revision {
        number: plan.number.saturating_add(1),
        applied_at: host.clock.now().0,
        author: author.name.clone(),
        source: names.join(", "),
        document: serde_json::to_string(sources).map_err(DeclarationError::internal)?,
        digest: plan.digest.clone(),
        changes: serde_json::to_string(&plan.changes).map_err(DeclarationError::internal)?,
        restores: author.restores,
    })
}

/// Carries a plan out; false, with nothing written, where the chain is no longer what it was planned for.
async fn write(tx: &mut Tx, plan: Plan, revision: Revision) -> Result<bool, StoreError> {
    // Goods may change meanwhile: an import must not keep a declaration waiting.
    let planned_for = |revisions: Vec<(String, i64)>| -> Vec<(String, i64)> {
        revisions
            .into_iter()
            .filter(|(name, _)| name != "goods")
            .collect()
    };
    if planned_for(declared::take(tx).await?) != planned_for(plan.revisions) {
        return Ok(false);
    }
    let writes = plan.writes;
    if let Some(row) = &writes.chain {
        chain::put_chain(tx, row).await?;
    }
    for row in &writes.regions {
        chain::put_region(tx, &row.id, &row.name).await?;
    }
    for row in &writes.programs {
        chain::put_program(tx, row).await?;
    }
    for row in &writes.stores {
        stores::put_store(tx, row).await?;
    }
    for config in &writes.configs {
        installed::keep_config(tx, config).await?;
    }
    for id in &writes.ended_bindings {
        bindings::end_binding(tx, id, revision.applied_at).await?;
    }
    for row in &writes.changed_bindings {
        bindings::change_binding(tx, row).await?;
    }
    for row in &writes.new_bindings {
        bindings::create_binding(tx, row).await?;
    }
    declared::replace(tx, &writes.declared).await?;
    declared::add(tx, &revision).await?;
    let payload = serde_json::json!({
        "revision": revision.number,
        "author": revision.author,
        "files": revision.source,
        "changes": serde_json::from_str::<serde_json::Value>(&revision.changes).unwrap_or_default(),
        "restores": revision.restores,
    });
    events::add(
        tx,
        "configuration.applied",
        &revision.number.to_string(),
        None,
        Instant(revision.applied_at),
        &payload.to_string(),
    )
    .await?;
    Ok(true)
}
