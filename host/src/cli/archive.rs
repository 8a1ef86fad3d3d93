//! `tessera archive`: what rules were told and answered for old orders, out of the database into a file.

use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::Args;

use super::client::existing_database;
use super::master_key;
use super::progress::Shown;
use crate::clock::{Clock, business_day, date_of, day_of};
use crate::config::Config;
use crate::domain::settings::CheckoutSettings;
use crate::domain::time::Day;
use crate::store::transfer::archive;
use crate::store::{Db, Location, chain};

#[derive(Args)]
pub struct Archive {
    /// Everything before this business day, such as 2025-01-01.
    #[arg(long)]
    before: chrono::NaiveDate,
    /// The file to write. One an interrupted call has written is gone on with.
    file: PathBuf,
}

impl Archive {
    pub async fn run(self, config: &Config) -> anyhow::Result<()> {
        existing_database(config)?;
        let location = Location::choose(&config.data, config.database.as_deref());
        let before = day_of(self.before);
        let latest = latest(&location).await?;
        if before > latest {
            bail!(
                "sales without a member can still be claimed, which asks the rules again; name a day up to {}",
                date_of(latest).context("the clock is off")?
            );
        }
        let key = master_key::of(&config.data)?.map(|vault| master_key::signing(&vault));
        let shown = Shown::start();
        let now = Clock::default().now().0;
        let mut hear = shown.hear();
        let taken = archive(&location, &self.file, before, key.as_ref(), now, &mut hear).await?;
        let took = shown.end(taken.evaluations.saturating_add(taken.facts));
        println!(
            "{} evaluations and the facts of {} orders, refunds, claims and occasions before {} are in `{}` and no longer in the \
             database; {took}.",
            taken.evaluations,
            taken.facts,
            self.before,
            self.file.display()
        );
        println!(
            "Keep the file. They can be executed again with: tessera verify --evaluations --archive {}",
            self.file.display()
        );
        Ok(())
    }
}

/// The first business day whose sales can still be claimed.
async fn latest(location: &Location) -> anyhow::Result<Day> {
    let db = Db::open(location, 1).await?;
    let chain = chain::chain(&mut db.read().await?).await?;
    db.close().await;
    let chain = chain.context("the database holds no chain")?;
    let settings: CheckoutSettings = serde_json::from_str(&chain.settings)?;
    // A store may be behind the clock of Greenwich by most of a day.
    let today = business_day(Clock::default().now(), chrono_tz::UTC);
    Ok(today.plus_days(-1 - i32::from(settings.claim_days)))
}
