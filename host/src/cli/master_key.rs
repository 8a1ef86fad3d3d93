//! The master key of a chain that changes its place. It is a file beside the database and never part of it.

use std::path::Path;

use anyhow::{Context, bail};

use crate::store::Location;
use crate::store::transfer::Key;
use crate::vault::{MASTER_KEY_FILE, Vault};

/// The key of a data folder, where there is one; unlike [`Vault::open`] this makes none.
pub fn of(folder: &Path) -> anyhow::Result<Option<Vault>> {
    if folder.join(MASTER_KEY_FILE).try_exists()? {
        Ok(Some(Vault::open(folder)?))
    } else {
        Ok(None)
    }
}

/// What backups of the chain are signed with.
pub fn signing(vault: &Vault) -> Key {
    Key {
        name: vault.name().to_owned(),
        secret: vault.derive("backup", ""),
    }
}

/// Refuses a target folder that has the key of another chain.
pub fn refuse_other(from: &Path, to: &Location) -> anyhow::Result<()> {
    let Some(folder) = to.folder() else {
        return Ok(());
    };
    if let (Some(ours), Some(theirs)) = (of(from)?, of(folder)?)
        && ours.name() != theirs.name()
    {
        bail!(
            "`{}` holds the master key {} and the chain's is {}; name another folder, nothing was written",
            folder.display(),
            theirs.name(),
            ours.name()
        );
    }
    Ok(())
}

/// Brings the key of `from` to where the chain is now, where that is a folder; says what is left to do.
pub fn bring(from: &Path, to: &Location) -> anyhow::Result<String> {
    let source = from.join(MASTER_KEY_FILE);
    let has_key = source.try_exists()?;
    let Some(folder) = to.folder() else {
        let which = if has_key {
            format!("`{}`", source.display())
        } else {
            format!("the chain's `{MASTER_KEY_FILE}`")
        };
        return Ok(format!(
            "The data folder of every host needs {which}: copy it where it is not."
        ));
    };
    let target = folder.join(MASTER_KEY_FILE);
    if target.try_exists()? {
        return Ok(format!("Its master key is `{}`.", target.display()));
    }
    if !has_key {
        return Ok(format!(
            "Copy the chain's `{MASTER_KEY_FILE}` into `{}` before it is served.",
            folder.display()
        ));
    }
    // The copy keeps who may read it.
    std::fs::copy(&source, &target)
        .with_context(|| format!("cannot copy the master key to `{}`", target.display()))?;
    Ok(format!(
        "Its master key was copied to `{}`.",
        target.display()
    ))
}
