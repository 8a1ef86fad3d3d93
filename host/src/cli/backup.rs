//! `tessera backup` and `tessera restore`: a chain as one file, of neither database's kind.

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;

use super::client::existing_database;
use super::master_key;
use super::migrate::{begin_as_new_writer, serving};
use super::progress::Shown;
use super::verify::said;
use crate::clock::Clock;
use crate::config::Config;
use crate::store::transfer::{Examined, Key, back_up, examine, restore};
use crate::store::{Db, Location};

#[derive(Args)]
pub struct Backup {
    /// The file to write; it must not be there yet.
    file: PathBuf,
}

#[derive(Args)]
pub struct Restore {
    /// A file `tessera backup` wrote.
    file: PathBuf,
    /// Where the chain goes: `sqlite:PATH` (a data folder or a database file) or `postgres://user@host/database`, empty.
    #[arg(long, required_unless_present = "check", conflicts_with = "check")]
    to: Option<String>,
    /// Restores into a folder that is thrown away afterwards, and checks everything.
    #[arg(long)]
    check: bool,
    /// With --check: also execute every recorded evaluation again and compare the bytes.
    #[arg(long, requires = "check")]
    evaluations: bool,
    /// Throws a half-filled target away and begins anew. A whole chain is never thrown away.
    #[arg(long)]
    start_over: bool,
    /// Takes a file that was made where the chain's master key was not.
    #[arg(long)]
    unsigned: bool,
}

impl Backup {
    pub async fn run(self, config: &Config) -> anyhow::Result<()> {
        existing_database(config)?;
        let from = Location::choose(&config.data, config.database.as_deref());
        let key = master_key::of(&config.data)?.map(|vault| master_key::signing(&vault));
        let shown = Shown::start();
        let now = Clock::default().now().0;
        let (header, rows, bytes) =
            back_up(&from, &self.file, key.as_ref(), now, &mut shown.hear()).await?;
        let took = shown.end(rows);
        println!(
            "The chain `{}` as of {} is in `{}`: {rows} rows in {} tables, {bytes} bytes, {took}.",
            header.chain.name,
            time(header.taken_at),
            self.file.display(),
            header.tables.len()
        );
        for (writer, seq, seal) in &header.heads {
            println!("Head of the seals of {writer}: {seq} {seal}");
        }
        match &header.key {
            Some(key) => println!(
                "It is signed with the master key {key}, which is not in it: keep a copy of `{}` elsewhere, or nobody can \
                 read the members' names again.",
                config.data.join(crate::vault::MASTER_KEY_FILE).display()
            ),
            None => println!(
                "It is not signed: `{}` has no master key.",
                config.data.display()
            ),
        }
        Ok(())
    }
}

impl Restore {
    pub async fn run(self, config: &Config) -> anyhow::Result<()> {
        let to = self.to.as_deref().map(Location::parse).transpose()?;
        let key_folder = key_folder(to.as_ref(), config)?;
        let key = master_key::of(&key_folder)?.map(|vault| master_key::signing(&vault));
        let examined = examine(&self.file, "backup", key.as_ref())?;
        if key.is_some() && !examined.is_authentic && !self.unsigned {
            anyhow::bail!(
                "`{}` is not signed, and the chain's master key is here: whoever changed it would have taken the \
                 signature off. If it was made without the key, add --unsigned; nothing was written",
                self.file.display()
            );
        }
        describe(&self.file, &examined, &key_folder, key.as_ref());
        match to {
            Some(to) => self.restore(&examined, &to, &key_folder).await,
            None => self.drill(&examined, config).await,
        }
    }

    async fn restore(
        &self,
        examined: &Examined,
        to: &Location,
        key_folder: &Path,
    ) -> anyhow::Result<()> {
        let shown = Shown::start();
        let moved = restore(&self.file, examined, to, self.start_over, &mut shown.hear()).await?;
        let took = shown.end(moved.written);
        println!(
            "The chain `{}` stands in {}: {} rows in {} tables, the same as in the file; {took}.",
            moved.chain.name,
            to.place(),
            moved.rows,
            moved.tables
        );
        println!("{}", said(&moved.report));
        println!("{}", master_key::bring(key_folder, to)?);
        begin_as_new_writer(to)?;
        println!("Serve it: {}", serving(to, key_folder));
        Ok(())
    }

    /// Restores into a folder of its own and removes it, whatever comes out.
    async fn drill(&self, examined: &Examined, config: &Config) -> anyhow::Result<()> {
        let folder = Scratch::make()?;
        let to = Location::choose(&folder.0, None);
        let shown = Shown::start();
        let moved = restore(&self.file, examined, &to, false, &mut shown.hear()).await?;
        let took = shown.end(moved.written);
        println!(
            "It can be restored: {} rows in {} tables, {took}. {}",
            moved.rows,
            moved.tables,
            said(&moved.report)
        );
        if self.evaluations {
            let db = Db::open(&to, 2).await?;
            let outcome = super::verify::reexecute(&db, config, &[]).await;
            db.close().await;
            if !outcome? {
                anyhow::bail!("some evaluations differ");
            }
        }
        Ok(())
    }
}

/// A folder that goes when the drill ends.
struct Scratch(PathBuf);

impl Scratch {
    fn make() -> anyhow::Result<Self> {
        let path = std::env::temp_dir().join(format!("tessera-restore-{}", uuid::Uuid::now_v7()));
        std::fs::create_dir(&path)
            .with_context(|| format!("cannot create `{}`; set TMPDIR", path.display()))?;
        Ok(Self(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The folder that has the chain's key: the target's own, else that of `--data`.
fn key_folder(to: Option<&Location>, config: &Config) -> anyhow::Result<PathBuf> {
    if let Some(folder) = to.and_then(Location::folder)
        && master_key::of(folder)?.is_some()
    {
        return Ok(folder.to_owned());
    }
    Ok(config.data.clone())
}

fn describe(file: &Path, examined: &Examined, key_folder: &Path, key: Option<&Key>) {
    println!(
        "`{}` is whole: the chain `{}` as of {}, {} rows.",
        file.display(),
        examined.header.chain.name,
        time(examined.header.taken_at),
        examined.rows()
    );
    match (&examined.header.key, key) {
        _ if examined.is_authentic => println!("The chain's master key vouches for it."),
        (Some(name), None) => println!(
            "Nothing vouches for it: `{}` has no `{}`; the one it was signed with is {name}.",
            key_folder.display(),
            crate::vault::MASTER_KEY_FILE
        ),
        _ => println!("Nothing vouches for it: it is not signed."),
    }
}

fn time(micros: i64) -> String {
    chrono::DateTime::from_timestamp_micros(micros)
        .map(|time| time.to_rfc3339_opts(chrono::SecondsFormat::Secs, true))
        .unwrap_or_default()
}
