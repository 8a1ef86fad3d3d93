//! Re-execution: every recorded evaluation, run again from what was stored, must give the same bytes for the
//! same fuel.

use std::collections::HashMap;
use std::path::Path;

use crate::checkout::CheckoutError;
use crate::checkout::stored::{base_facts, unpack, unpack_json};
use crate::domain::facts::{AnyFacts, BaseFacts, FactsDelta};
use crate::domain::ledger::EvaluationRow;
use crate::plugins::{CheckedConfig, Engine, Plugin, PluginError};
use crate::store::db::{Conn, Db};
use crate::store::orders::{self, Asked};
use crate::store::plugins as installed;
use crate::store::transfer::{Evaluations, TransferError};

/// Orders read at once.
const PAGE: i64 = 200;
/// Differences reported at most; the count goes on.
const REPORTED: usize = 100;

/// What re-execution found.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Report {
    pub orders: u64,
    pub evaluations: u64,
    pub differing: u64,
    /// The first hundred, in words.
    pub differences: Vec<String>,
}

impl Report {
    fn differs(&mut self, what: String) {
        self.differing += 1;
        if self.differences.len() < REPORTED {
            self.differences.push(what);
        }
    }
}

/// Runs every recorded evaluation again.
pub async fn reexecute(db: &Db, engine: &Engine) -> Result<Report, CheckoutError> {
    let mut rules = Rules {
        engine,
        plugins: HashMap::new(),
        configs: HashMap::new(),
    };
    let mut report = Report::default();
    for asked in [Asked::Order, Asked::Refund, Asked::Claim, Asked::Occasion] {
        rules.run_all(db, asked, &mut report).await?;
    }
    Ok(report)
}

/// Runs everything again that was taken out into a file, which was examined before.
pub async fn reexecute_archive(
    db: &Db,
    engine: &Engine,
    file: &Path,
) -> Result<Report, CheckoutError> {
    let mut rules = Rules {
        engine,
        plugins: HashMap::new(),
        configs: HashMap::new(),
    };
    let mut report = Report::default();
    rules.run_archive(db, file, &mut report).await?;
    Ok(report)
}

/// Components and configurations met so far. A component is compiled once, however many configurations it has.
struct Rules<'a> {
    engine: &'a Engine,
    plugins: HashMap<String, Plugin>,
    configs: HashMap<(String, String), CheckedConfig>,
}

impl Rules<'_> {
    /// Runs everything again that was asked for orders, refunds, claims or occasions.
    async fn run_all(
        &mut self,
        db: &Db,
        asked: Asked,
        report: &mut Report,
    ) -> Result<(), CheckoutError> {
        let mut after = String::new();
        loop {
            let mut conn = db.read().await?;
            let page = orders::facts_after(&mut conn, asked, &after, PAGE).await?;
            let Some((last, _)) = page.last() else {
                return Ok(());
            };
            after.clone_from(last);
            for (subject, facts) in &page {
                report.orders += u64::from(asked == Asked::Order);
                let evaluations = orders::evaluations_of(&mut conn, subject).await?;
                if evaluations.is_empty() {
                    continue;
                }
                let base = base_facts(facts)?;
                for row in &evaluations {
                    self.tell(&mut conn, asked, &base, row, report).await;
                }
            }
        }
    }

    /// Runs everything again that was taken out into a file.
    async fn run_archive(
        &mut self,
        db: &Db,
        file: &Path,
        report: &mut Report,
    ) -> Result<(), CheckoutError> {
        let unreadable = |error: TransferError| CheckoutError::Internal(error.to_string());
        let mut evaluations = Evaluations::open(file).map_err(unreadable)?;
        let mut conn = db.read().await?;
        let mut last = String::new();
        while let Some(next) = evaluations.step().map_err(unreadable)? {
            if next.evaluation.subject != last {
                report.orders += u64::from(next.asked == Asked::Order);
                last.clone_from(&next.evaluation.subject);
            }
            let base = base_facts(&next.facts)?;
            self.tell(&mut conn, next.asked, &base, &next.evaluation, report)
                .await;
        }
        Ok(())
    }

    /// Runs one evaluation again and reports what came of it.
    async fn tell(
        &mut self,
        conn: &mut Conn,
        asked: Asked,
        base: &BaseFacts,
        row: &EvaluationRow,
        report: &mut Report,
    ) {
        report.evaluations += 1;
        let name = format!(
            "{} {} evaluation {}",
            asked.name(),
            row.subject,
            row.position
        );
        match self.run(conn, base, row).await {
            Ok(None) => {}
            Ok(Some(difference)) => report.differs(format!("{name}: {difference}")),
            Err(error) => report.differs(format!("{name}: {error}")),
        }
    }

    /// Runs one evaluation again; answers how it differs, if it does.
    async fn run(
        &mut self,
        conn: &mut Conn,
        base: &BaseFacts,
        row: &EvaluationRow,
    ) -> Result<Option<String>, CheckoutError> {
        let (plugin, config) = self.rule(conn, row).await?;
        let delta: FactsDelta = unpack(&row.delta)?;
        let facts = base
            .rebuild(&delta)
            .map_err(|error| CheckoutError::Internal(error.to_string()))?;
        let (output, fuel) = ask(&plugin, &config, &facts).map_err(failed)?;
        let recorded = unpack_json(&row.output)?;
        Ok(if output.as_bytes() != recorded {
            Some(format!(
                "{} answers {output} where {} was recorded",
                plugin.name(),
                String::from_utf8_lossy(&recorded)
            ))
        } else if i64::try_from(fuel).unwrap_or(i64::MAX) != row.fuel {
            Some(format!(
                "{} used {fuel} fuel where {} was recorded",
                plugin.name(),
                row.fuel
            ))
        } else {
            None
        })
    }

    async fn rule(
        &mut self,
        conn: &mut Conn,
        row: &EvaluationRow,
    ) -> Result<(Plugin, CheckedConfig), CheckoutError> {
        let missing =
            |what: &str| CheckoutError::Internal(format!("{what} is missing; restore the backup"));
        let digest = &row.component_digest;
        let plugin = match self.plugins.get(digest) {
            Some(plugin) => plugin.clone(),
            None => {
                let bytes = installed::bytes(conn, digest)
                    .await?
                    .ok_or_else(|| missing("a component"))?;
                let plugin = self.engine.compile(&bytes, None).map_err(failed)?;
                self.plugins.insert(digest.clone(), plugin.clone());
                plugin
            }
        };
        let key = (digest.clone(), row.config_hash.clone());
        let config = match self.configs.get(&key) {
            Some(config) => config.clone(),
            None => {
                let stored = installed::config(conn, &key.1)
                    .await?
                    .ok_or_else(|| missing("a configuration"))?;
                let config = plugin.validate_config(&stored.json).map_err(failed)?;
                self.configs.insert(key, config.clone());
                config
            }
        };
        Ok((plugin, config))
    }
}

fn ask(
    plugin: &Plugin,
    config: &CheckedConfig,
    facts: &AnyFacts,
) -> Result<(String, u64), PluginError> {
    Ok(match facts {
        AnyFacts::Promotion(facts) => {
            let evaluated = plugin.promotion(config, facts);
            (evaluated.record()?, evaluated.fuel)
        }
        AnyFacts::Points(facts) => {
            let evaluated = plugin.points(config, facts);
            (evaluated.record()?, evaluated.fuel)
        }
        AnyFacts::Tier(facts) => {
            let evaluated = plugin.tier(config, facts);
            (evaluated.record()?, evaluated.fuel)
        }
        AnyFacts::Referral(facts) => {
            let evaluated = plugin.referral(config, facts);
            (evaluated.record()?, evaluated.fuel)
        }
    })
}

fn failed(error: PluginError) -> CheckoutError {
    CheckoutError::Internal(error.to_string())
}
