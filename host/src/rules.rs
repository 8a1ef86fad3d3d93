//! Use cases of the operator: installing a plugin, binding it, ending a binding.

use std::sync::Arc;

use semver::VersionReq;

use crate::checkout::stored::kind_name;
use crate::domain::schedule::{Schedule, ScheduleError};
use crate::host::Host;
use crate::plugins::catalog::Source;
use crate::plugins::{Plugin, PluginError};
use crate::snapshot::Limit;
use crate::store::bindings::Binding;
use crate::store::declared::{self, Declared};
use crate::store::plugins::Config;
use crate::store::{StoreError, bindings, chain, plugins as installed, stores};

/// Limits one binding may have.
pub const MOST_LIMITS: usize = 16;

/// A binding to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewBinding {
    pub name: Option<String>,
    pub plugin: String,
    pub range: VersionReq,
    /// `chain`, `region:<id>` or `store:<id>`.
    pub scope: String,
    /// JSON.
    pub config: String,
    /// Permissions granted beside those every rule has; those its manifest asks for when empty.
    pub granted: Vec<String>,
    pub priority: i64,
    pub schedule: Schedule,
    pub group: Option<String>,
    /// `best` or `first`.
    pub group_choice: String,
    /// `initial` or `discounted`.
    pub base: String,
    /// `lines`, `order` or `coupons`.
    pub stage: String,
    /// Minor units.
    pub max_discount: Option<i64>,
    pub limits: Vec<Limit>,
    /// `skip` or `refuse-order`.
    pub on_fault: String,
}

/// Why a rule is not installed or bound.
#[derive(Debug, thiserror::Error)]
pub enum RuleError {
    #[error("no installed release of `{0}` fits; install one or widen the version range")]
    PluginUnknown(String),
    #[error("the plugin asks for `{0}`, which the binding does not grant; add it to `granted`")]
    NotGranted(String),
    #[error("the scope `{0}` is not chain, region:<id> or store:<id> of this chain")]
    Scope(String),
    #[error("a store would have more than {0} bindings; end some first")]
    TooMany(usize),
    #[error("at most {MOST_LIMITS} limits fit one binding")]
    TooManyLimits,
    #[error("the binding `{0}` is not known or has ended")]
    BindingUnknown(String),
    #[error("the binding `{}` is declared in {}; change the file and apply it", .0.name, .0.file)]
    Declared(Box<Declared>),
    #[error(transparent)]
    Schedule(#[from] ScheduleError),
    #[error(transparent)]
    Plugin(#[from] PluginError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("an invariant of the host itself broke: {0}")]
    Internal(String),
}

/// Installs a component: checked, compiled away from the request's thread, written down, known to the host.
pub async fn install(host: &Arc<Host>, bytes: Vec<u8>) -> Result<Plugin, RuleError> {
    let catalog = Arc::clone(&host.catalog);
    let (plugin, bytes) = tokio::task::spawn_blocking(move || {
        catalog
            .install(&bytes, Source::Installed)
            .map(|plugin| (plugin, bytes))
    })
    .await
    .map_err(|error| RuleError::Internal(format!("compiling ended early: {error}")))??;
    let row = row_of(&plugin, host.clock.now().0)?;
    host.writer
        .write("installing a plugin", move |tx| {
            Box::pin(async move { installed::install(tx, &row, &bytes).await })
        })
        .await?;
    host.refresh().await?;
    Ok(plugin)
}

/// How a plugin is written down.
pub fn row_of(plugin: &Plugin, now: i64) -> Result<installed::Plugin, RuleError> {
    let manifest = serde_json::to_string(plugin.manifest())
        .map_err(|error| RuleError::Internal(format!("a manifest did not encode: {error}")))?;
    Ok(installed::Plugin {
        digest: plugin.digest().to_owned(),
        name: plugin.name().to_owned(),
        release: plugin.manifest().version.to_string(),
        kind: kind_name(plugin.kind()).to_owned(),
        manifest,
        installed_at: now,
    })
}

/// Makes a binding live, after its plugin has accepted the configuration.
pub async fn bind(host: &Arc<Host>, new: NewBinding) -> Result<Binding, RuleError> {
    new.schedule.validate()?;
    if new.limits.len() > MOST_LIMITS {
        return Err(RuleError::TooManyLimits);
    }
    let plugin = host
        .catalog
        .snapshot()
        .find(&new.plugin, &new.range, None)
        .cloned()
        .ok_or_else(|| RuleError::PluginUnknown(new.plugin.clone()))?;
    let asked = &plugin.manifest().permissions;
    // Whoever names none grants what the manifest asks for; whoever names some must name all of them.
    let granted = match new.granted.is_empty() {
        true => asked.clone(),
        false => new.granted,
    };
    if let Some(asked) = asked.iter().find(|asked| !granted.contains(asked)) {
        return Err(RuleError::NotGranted(asked.clone()));
    }
    let config = plugin.validate_config(&new.config)?;
    plugin.needs(&config)?;
    within_limits(host, &new.scope).await?;
    let encode = |error: serde_json::Error| {
        RuleError::Internal(format!("a binding did not encode: {error}"))
    };
    let id = uuid::Uuid::now_v7().to_string();
    let binding = Binding {
        name: new.name.unwrap_or_else(|| new.plugin.clone()),
        id,
        release_range: new.range.to_string(),
        digest: plugin.digest().to_owned(),
        kind: kind_name(plugin.kind()).to_owned(),
        plugin: new.plugin,
        scope: new.scope,
        config: config.hash.clone(),
        granted: serde_json::to_string(&granted).map_err(encode)?,
        priority: new.priority,
        schedule: serde_json::to_string(&new.schedule).map_err(encode)?,
        exclusive_group: new.group,
        group_choice: new.group_choice,
        base: new.base,
        stage: new.stage,
        max_discount: new.max_discount,
        limits: serde_json::to_string(&new.limits).map_err(encode)?,
        on_fault: new.on_fault,
        declared_in: "api".to_owned(),
        active: true,
        created_at: host.clock.now().0,
        ended_at: None,
        revision: 1,
    };
    let row = binding.clone();
    let kept = Config {
        hash: config.hash,
        json: config.json,
    };
    host.writer
        .write("making a binding", move |tx| {
            Box::pin(async move {
                installed::keep_config(tx, &kept).await?;
                bindings::create_binding(tx, &row).await
            })
        })
        .await?;
    host.refresh().await?;
    Ok(binding)
}

/// Ends a binding at once; sales under way finish on what they started with.
pub async fn end(host: &Arc<Host>, id: &str) -> Result<(), RuleError> {
    let now = host.clock.now().0;
    let row = id.to_owned();
    let ended = host
        .writer
        .write("ending a binding", move |tx| {
            Box::pin(async move {
                if let Some(declared) = declared::of(tx, "binding", &row).await? {
                    return Ok(Err(RuleError::Declared(Box::new(declared))));
                }
                bindings::end_binding(tx, &row, now).await.map(Ok)
            })
        })
        .await??;
    if !ended {
        return Err(RuleError::BindingUnknown(id.to_owned()));
    }
    host.refresh().await?;
    Ok(())
}

/// Checks that the scope exists and that no store it reaches has too many bindings.
async fn within_limits(host: &Host, scope: &str) -> Result<(), RuleError> {
    let unknown = || RuleError::Scope(scope.to_owned());
    let mut conn = host.db.read().await?;
    let reached = match scope.split_once(':') {
        None if scope == "chain" => stores::stores(&mut conn, None, "", 10_000).await?,
        Some(("region", id)) => {
            chain::region(&mut conn, id).await?.ok_or_else(unknown)?;
            stores::stores(&mut conn, Some(id), "", 10_000).await?
        }
        Some(("store", id)) => vec![stores::store(&mut conn, id).await?.ok_or_else(unknown)?],
        _ => return Err(unknown()),
    };
    let most = host.limits.bindings_per_store;
    for store in &reached {
        let live = bindings::count_for_store(&mut conn, &store.id, &store.region).await?;
        if usize::try_from(live).unwrap_or(usize::MAX) >= most {
            return Err(RuleError::TooMany(most));
        }
    }
    Ok(())
}
