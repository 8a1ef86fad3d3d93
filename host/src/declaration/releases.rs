//! A component dropped into the watched folder: checked, installed, and live only where a binding's version range
//! admits it, its permissions did not grow and it accepts the binding's configuration.

use std::sync::Arc;

use semver::VersionReq;

use crate::checkout::stored::kind_name;
use crate::host::Host;
use crate::plugins::Plugin;
use crate::rules::{self, RuleError};
use crate::store::bindings::Binding;
use crate::store::plugins::Config;
use crate::store::{bindings, plugins as installed};

/// Bindings looked at.
const MOST: i64 = 20_000;

/// What a dropped component led to.
pub struct Installed {
    pub plugin: Plugin,
    /// Names of the bindings it answers for now.
    pub moved: Vec<String>,
    /// Why it does not answer for others of its name.
    pub kept: Vec<String>,
}

/// Installs a component and moves the bindings that admit it.
///
/// # Errors
/// When the component is refused or nothing could be written; what was installed stays.
pub async fn install(host: &Arc<Host>, bytes: Vec<u8>) -> Result<Installed, RuleError> {
    let plugin = rules::install(host, bytes).await?;
    let mut conn = host.db.read().await?;
    let (mut moves, mut moved, mut kept) = (Vec::new(), Vec::new(), Vec::new());
    let rows = bindings::bindings(&mut conn, None, "", MOST).await?;
    for binding in rows
        .iter()
        .filter(|binding| binding.plugin == plugin.name())
    {
        let json = installed::config(&mut conn, &binding.config)
            .await?
            .map_or_else(String::new, |config| config.json);
        match successor(host, &plugin, binding, &json) {
            Ok(Some(config)) => {
                moves.push((binding.id.clone(), config));
                moved.push(binding.name.clone());
            }
            Ok(None) => {}
            Err(why) => kept.push(format!(
                "the binding `{}` stays on its release: {why}",
                binding.name
            )),
        }
    }
    drop(conn);
    let digest = plugin.digest().to_owned();
    if !moves.is_empty() {
        host.writer
            .write("moving bindings to another release", move |tx| {
                Box::pin(async move {
                    for (id, config) in &moves {
                        installed::keep_config(tx, config).await?;
                        bindings::move_binding(tx, id, &digest, &config.hash).await?;
                    }
                    Ok(())
                })
            })
            .await?;
        host.refresh().await?;
    }
    Ok(Installed {
        plugin,
        moved,
        kept,
    })
}

/// The configuration under which the new release answers for a binding; none where it is not the newest that
/// the binding admits, or does already.
fn successor(
    host: &Host,
    plugin: &Plugin,
    binding: &Binding,
    json: &str,
) -> Result<Option<Config>, String> {
    let range = VersionReq::parse(&binding.release_range).map_err(|error| error.to_string())?;
    let granted: Vec<String> =
        serde_json::from_str(&binding.granted).map_err(|error| error.to_string())?;
    let manifest = plugin.manifest();
    if binding.digest == plugin.digest() || !range.matches(&manifest.version) {
        return Ok(None);
    }
    let asked: Vec<&String> = manifest
        .permissions
        .iter()
        .filter(|asked| !granted.contains(asked))
        .collect();
    if !asked.is_empty() {
        return Err(format!(
            "the new one asks for {asked:?}; add it to `granted` and apply"
        ));
    }
    if kind_name(plugin.kind()) != binding.kind {
        return Err(format!(
            "the new one is a {} rule",
            kind_name(plugin.kind())
        ));
    }
    let catalog = host.catalog.snapshot();
    let newest = catalog.find(&binding.plugin, &range, Some(&granted));
    if newest.is_none_or(|newest| newest.digest() != plugin.digest()) {
        return Ok(None);
    }
    let checked = plugin
        .validate_config(json)
        .and_then(|config| plugin.needs(&config).map(|_| config))
        .map_err(|error| error.to_string())?;
    Ok(Some(Config {
        hash: checked.hash,
        json: checked.json,
    }))
}
