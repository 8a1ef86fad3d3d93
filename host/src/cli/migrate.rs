//! `tessera migrate`: a whole chain into another database, of either kind.

use clap::Args;

use super::master_key;
use super::progress::Shown;
use super::verify::said;
use crate::config::Config;
use crate::host::HOST_ID_FILE;
use crate::store::Location;
use crate::store::transfer::{TransferError, move_chain, take_back};

#[derive(Args)]
pub struct Migrate {
    /// Where the chain is: `sqlite:PATH` (a data folder or a database file) or `postgres://user@host/database`. No host
    /// may serve it.
    #[arg(long)]
    from: String,
    /// Where it goes: the same forms, an empty database. Run again after an interruption, it goes on.
    #[arg(long, required_unless_present = "take_back")]
    to: Option<String>,
    /// Throws a half-filled target away and begins anew. A whole chain is never thrown away.
    #[arg(long)]
    start_over: bool,
    /// Opens the chain in `--from` again after it was moved away. Only if nobody ever served it where it went: it would
    /// live twice.
    #[arg(long, conflicts_with_all = ["to", "start_over"])]
    take_back: bool,
}

impl Migrate {
    pub async fn run(self, config: &Config) -> anyhow::Result<()> {
        let from = Location::parse(&self.from)?;
        let Some(to) = &self.to else {
            let to = take_back(&from).await?;
            println!(
                "{} is open again. Remove what was moved to {to}.",
                from.place()
            );
            return Ok(());
        };
        let to = Location::parse(to)?;
        let key_folder = from.folder().unwrap_or(&config.data).to_owned();
        master_key::refuse_other(&key_folder, &to)?;
        let shown = Shown::start();
        let moved = move_chain(&from, &to, self.start_over, &mut shown.hear()).await;
        if let Err(TransferError::AlreadyMoved { .. }) = &moved {
            // It may have been killed before it came to the key.
            master_key::bring(&key_folder, &to)?;
        }
        let moved = moved?;
        let took = shown.end(moved.written);
        println!(
            "The chain `{}` stands in {}: {} rows in {} tables, the same on both sides.",
            moved.chain.name,
            to.place(),
            moved.rows,
            moved.tables
        );
        println!("{} rows were moved now, in {took}.", moved.written);
        println!("{}", said(&moved.report));
        let key = master_key::bring(&key_folder, &to)?;
        begin_as_new_writer(&to)?;
        println!("{key}");
        println!(
            "{} is kept, and no host opens it any more. Serve the new one: {}",
            from.place(),
            serving(&to, &key_folder)
        );
        Ok(())
    }
}

/// The command that serves what stands in `to`.
pub(super) fn serving(to: &Location, key_folder: &std::path::Path) -> String {
    match to.folder() {
        Some(folder) => format!("tessera serve --data {}", folder.display()),
        None => format!(
            "tessera serve --data {} --database-url postgres://…",
            key_folder.display()
        ),
    }
}

/// A host that goes on with a chain from elsewhere continues no seal sequence: who witnessed its head may know more of
/// it than the copy does.
pub(super) fn begin_as_new_writer(to: &Location) -> anyhow::Result<()> {
    let Some(folder) = to.folder() else {
        // On a server every start begins a new epoch.
        return Ok(());
    };
    match std::fs::remove_file(folder.join(HOST_ID_FILE)) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}
