//! `tessera verify`: the ledger's invariants on live data, and on request every evaluation run again.

use std::process::ExitCode;

use std::path::PathBuf;

use anyhow::bail;
use clap::Args;

use super::client::existing_database;
use crate::config::Config;
use crate::store::Location;
use crate::store::chain;
use crate::store::db::Db;
use crate::store::verify;

#[derive(Args)]
pub struct Verify {
    /// Also execute every recorded evaluation again and compare the bytes.
    #[arg(long)]
    evaluations: bool,
    /// With --evaluations: also those of this file of `tessera archive`; more than once for several.
    #[arg(long, requires = "evaluations")]
    archive: Vec<PathBuf>,
}

impl Verify {
    /// Exit status 0 when everything holds, 1 when something is off.
    pub async fn run(self, config: &Config) -> anyhow::Result<ExitCode> {
        existing_database(config)?;
        let db = Db::open(
            &Location::choose(&config.data, config.database.as_deref()),
            2,
        )
        .await?;
        if chain::chain(&mut db.read().await?).await?.is_none() {
            bail!(
                "the database holds no chain; name its data folder with --data, or its database in DATABASE_URL"
            );
        }
        let report = verify::verify(&db).await?;
        println!("{}", said(&report));
        for fault in &report.faults {
            println!("{fault}");
        }
        let mut sound = report.is_clean();
        if self.evaluations {
            sound &= reexecute(&db, config, &self.archive).await?;
        }
        db.close().await;
        Ok(if sound {
            ExitCode::SUCCESS
        } else {
            ExitCode::from(1)
        })
    }
}

/// What was looked at, in one line.
pub(super) fn said(report: &verify::Report) -> String {
    format!(
        "{} entries with {} postings, {} accounts, {} lots and {} orders checked: {}",
        report.entries,
        report.postings,
        report.accounts,
        report.lots,
        report.orders,
        if report.is_clean() {
            "everything holds"
        } else {
            "something is off"
        },
    )
}

/// Executes every recorded evaluation again; true if none differs.
pub(super) async fn reexecute(
    db: &Db,
    config: &Config,
    archives: &[PathBuf],
) -> anyhow::Result<bool> {
    let engine = crate::plugins::Engine::new(config.sandbox.clone().into())?;
    let key = super::master_key::of(&config.data)?.map(|vault| super::master_key::signing(&vault));
    let mut reports = vec![crate::audit::reexecute(db, &engine).await?];
    for file in archives {
        crate::store::transfer::examine(file, "archive", key.as_ref())?;
        reports.push(crate::audit::reexecute_archive(db, &engine, file).await?);
    }
    for report in &reports {
        println!(
            "{} evaluations of {} orders executed again, {} differ",
            report.evaluations, report.orders, report.differing
        );
        for difference in &report.differences {
            println!("{difference}");
        }
    }
    Ok(reports.iter().all(|report| report.differing == 0))
}
