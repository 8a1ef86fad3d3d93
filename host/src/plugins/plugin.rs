//! A plugin ready to be asked: its configuration checked, its needs read, its rule evaluated.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tessera_build::Manifest;
use wasmtime::Store;
use wasmtime::component::{Instance, InstancePre};

use super::checked::{self, CheckedConfig};
use super::engine::Shared;
use super::fault::{ConfigRefused, FaultReason, PluginError, PluginFault};
use super::limits;
use super::sandbox::{self, Guest, Run};
use super::v0_1::{self, Call, Functions, Points, Promotion, Referral, Rule, Tier};
use crate::domain::rules::{
    ConfigProblem, Needs, PointsFacts, PointsProposal, PromotionFacts, PromotionProposal,
    ReferralFacts, ReferralProposal, RuleKind, TierDecision, TierFacts,
};

/// The permission to see what goods cost the store.
const COST: &str = "cost";

/// A compiled component. Cheap to clone, shared by all who ask it; every call has an instance of its own.
#[derive(Clone)]
pub struct Plugin(Arc<Inner>);

struct Inner {
    engine: Arc<Shared>,
    /// SHA-256 of the component, in hexadecimal.
    digest: String,
    name: Arc<str>,
    manifest: Manifest,
    kind: RuleKind,
    pre: InstancePre<Guest>,
    functions: Functions,
}

/// One call of `evaluate`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evaluated<T> {
    pub output: Result<T, PluginFault>,
    /// Spent by the call; the same whenever and wherever the call is made again.
    pub fuel: u64,
    /// Wall-clock time of the call.
    pub elapsed: Duration,
}

/// What an evaluation gave when it was made again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reexecuted {
    /// As `Evaluated::record` wrote it the first time.
    pub output: String,
    pub fuel: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
enum Record<'a, T> {
    Answer(&'a T),
    Fault(&'a PluginFault),
}

impl<T: Serialize> Evaluated<T> {
    /// The output as it is written down: `{"answer":…}` or `{"fault":…}`, the same bytes for the same output.
    pub fn record(&self) -> Result<String, PluginError> {
        let record = match &self.output {
            Ok(answer) => Record::Answer(answer),
            Err(fault) => Record::Fault(fault),
        };
        serde_json::to_string(&record).map_err(|error| PluginError::Record(error.to_string()))
    }
}

impl Plugin {
    pub(super) fn new(
        engine: Arc<Shared>,
        digest: String,
        manifest: Manifest,
        kind: RuleKind,
        pre: InstancePre<Guest>,
        functions: Functions,
    ) -> Self {
        let name = manifest.name.as_str().into();
        Self(Arc::new(Inner {
            engine,
            digest,
            name,
            manifest,
            kind,
            pre,
            functions,
        }))
    }

    /// SHA-256 of the component, in hexadecimal.
    pub fn digest(&self) -> &str {
        &self.0.digest
    }

    pub fn manifest(&self) -> &Manifest {
        &self.0.manifest
    }

    pub fn name(&self) -> &str {
        &self.0.name
    }

    pub fn kind(&self) -> RuleKind {
        self.0.kind
    }

    /// Has the plugin check a configuration. An empty text stands for the empty object.
    ///
    /// Fails with `PluginError::Refused` when the plugin names problems.
    pub fn validate_config(&self, json: &str) -> Result<CheckedConfig, PluginError> {
        let json = checked::canonical(if json.trim().is_empty() { "{}" } else { json })?;
        let run = self.run(|store, instance| {
            v0_1::validate_config(store, instance, &self.0.functions.validate_config, &json)
        });
        let bytes = match run.result.map_err(|reason| self.fault(reason))? {
            Ok(bytes) => bytes,
            Err(problems) => return Err(self.refused(problems).into()),
        };
        if bytes.len() > limits::MAX_CONFIG_BYTES {
            let problem = format!(
                "the plugin keeps it in {} bytes, at most {} are allowed",
                bytes.len(),
                limits::MAX_CONFIG_BYTES
            );
            return Err(PluginError::Config(problem));
        }
        Ok(CheckedConfig {
            hash: checked::hash(&json),
            json,
            bytes,
        })
    }

    /// A plugin that refuses owes a reason; one that gives none is quoted as saying so.
    fn refused(&self, mut problems: Vec<ConfigProblem>) -> ConfigRefused {
        if problems.is_empty() {
            let message =
                "the plugin refuses this configuration without saying why; ask its author".into();
            problems.push(ConfigProblem {
                pointer: String::new(),
                message,
            });
        }
        ConfigRefused {
            plugin: self.name().into(),
            problems,
        }
    }

    /// What the plugin needs in its facts with this configuration, within the host's limits.
    pub fn needs(&self, config: &CheckedConfig) -> Result<Needs, PluginError> {
        let run = self.run(|store, instance| {
            v0_1::needs(Call {
                store,
                instance,
                function: &self.0.functions.needs,
                config: &config.bytes,
            })
        });
        let needs = run.result.map_err(|reason| self.fault(reason))?;
        limits::check_needs(
            &needs,
            self.0
                .manifest
                .permissions
                .iter()
                .any(|asked| asked == COST),
        )
        .map_err(|problem| PluginError::Needs {
            plugin: self.name().into(),
            problem,
        })?;
        Ok(needs)
    }

    /// Asks a points rule.
    pub fn points(&self, config: &CheckedConfig, facts: &PointsFacts) -> Evaluated<PointsProposal> {
        self.evaluate::<Points>(config, facts)
    }

    /// Asks a tier rule.
    pub fn tier(&self, config: &CheckedConfig, facts: &TierFacts) -> Evaluated<TierDecision> {
        self.evaluate::<Tier>(config, facts)
    }

    /// Asks a referral rule.
    pub fn referral(
        &self,
        config: &CheckedConfig,
        facts: &ReferralFacts,
    ) -> Evaluated<ReferralProposal> {
        self.evaluate::<Referral>(config, facts)
    }

    /// Asks a promotion rule.
    pub fn promotion(
        &self,
        config: &CheckedConfig,
        facts: &PromotionFacts,
    ) -> Evaluated<PromotionProposal> {
        self.evaluate::<Promotion>(config, facts)
    }

    /// Makes a recorded evaluation again from the configuration and facts it was made with.
    pub fn reexecute(
        &self,
        config_json: &str,
        facts_json: &str,
    ) -> Result<Reexecuted, PluginError> {
        let config = self.validate_config(config_json)?;
        match self.kind() {
            RuleKind::Points => self.again::<Points>(&config, facts_json),
            RuleKind::Tier => self.again::<Tier>(&config, facts_json),
            RuleKind::Referral => self.again::<Referral>(&config, facts_json),
            RuleKind::Promotion => self.again::<Promotion>(&config, facts_json),
        }
    }

    fn again<R: Rule<Facts: DeserializeOwned, Proposal: Serialize>>(
        &self,
        config: &CheckedConfig,
        facts_json: &str,
    ) -> Result<Reexecuted, PluginError> {
        let facts: R::Facts = serde_json::from_str(facts_json)
            .map_err(|error| PluginError::Record(error.to_string()))?;
        let evaluated = self.evaluate::<R>(config, &facts);
        Ok(Reexecuted {
            output: evaluated.record()?,
            fuel: evaluated.fuel,
        })
    }

    fn evaluate<R: Rule>(
        &self,
        config: &CheckedConfig,
        facts: &R::Facts,
    ) -> Evaluated<R::Proposal> {
        if self.kind() != R::KIND {
            let reason = FaultReason::WrongKind {
                is: self.kind(),
                asked: R::KIND,
            };
            return Evaluated {
                output: Err(self.fault(reason)),
                fuel: 0,
                elapsed: Duration::ZERO,
            };
        }
        let run = self.run(|store, instance| {
            R::call(
                Call {
                    store,
                    instance,
                    function: &self.0.functions.evaluate,
                    config: &config.bytes,
                },
                facts,
            )
        });
        let output = match run.result {
            Ok(Ok(wire)) => R::accept(wire, facts).map_err(FaultReason::BadAnswer),
            Ok(Err(sentence)) => Err(FaultReason::Refused(limits::tidy(
                &sentence,
                limits::MAX_TEXT_BYTES,
            ))),
            Err(reason) => Err(reason),
        };
        Evaluated {
            output: output.map_err(|reason| self.fault(reason)),
            fuel: run.fuel,
            elapsed: run.elapsed,
        }
    }

    fn run<T>(
        &self,
        call: impl FnOnce(&mut Store<Guest>, &Instance) -> wasmtime::Result<T>,
    ) -> Run<T> {
        sandbox::run(
            &self.0.engine.slots,
            &self.0.engine.settings,
            &self.0.name,
            &self.0.pre,
            call,
        )
    }

    fn fault(&self, reason: FaultReason) -> PluginFault {
        PluginFault {
            plugin: self.name().into(),
            version: self.0.manifest.version.to_string(),
            reason,
        }
    }
}
