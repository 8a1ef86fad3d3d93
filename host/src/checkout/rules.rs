//! The seam between pricing and the sandbox: asks bound plugins and keeps what each call gave, so that the
//! order can store it.

use std::sync::Arc;

use serde::Serialize;

use crate::domain::pricing::{FaultKind, RuleCall, RuleFault, Rules};
use crate::domain::rules::{
    PointsFacts, PointsProposal, PromotionFacts, PromotionProposal, ReferralFacts,
    ReferralProposal, TierDecision, TierFacts,
};
use crate::host::Host;
use crate::plugins::{Evaluated, FaultReason, PluginFault};
use crate::snapshot::Bound;

use super::error::CheckoutError;
use super::stored::Evaluation;

/// What one call gave, as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// `{"answer":…}` or `{"fault":…}`.
    pub output: String,
    pub fuel: u64,
}

/// Asks the rules of one sale, one after another.
pub struct Asked<'a> {
    bound: &'a [Arc<Bound>],
    /// In the order of the calls.
    pub runs: Vec<Run>,
}

impl<'a> Asked<'a> {
    pub fn new(bound: &'a [Arc<Bound>]) -> Self {
        Self {
            bound,
            runs: Vec::with_capacity(bound.len()),
        }
    }

    fn keep<T: Serialize>(&mut self, evaluated: Evaluated<T>) -> Result<T, RuleFault> {
        let output = evaluated.record().map_err(|error| RuleFault {
            kind: FaultKind::Nonsense,
            message: error.to_string(),
        })?;
        self.runs.push(Run {
            output,
            fuel: evaluated.fuel,
        });
        evaluated.output.map_err(|fault| {
            tracing::warn!(plugin = %fault.plugin, version = %fault.version, %fault, "a rule gave no usable answer");
            told(&fault)
        })
    }
}

impl Rules for Asked<'_> {
    fn promotion(
        &mut self,
        campaign: usize,
        facts: PromotionFacts,
    ) -> Result<PromotionProposal, RuleFault> {
        let bound = &self.bound[campaign];
        self.keep(bound.plugin.promotion(&bound.config, &facts))
    }

    fn points(&mut self, campaign: usize, facts: PointsFacts) -> Result<PointsProposal, RuleFault> {
        let bound = &self.bound[campaign];
        self.keep(bound.plugin.points(&bound.config, &facts))
    }

    fn tier(&mut self, campaign: usize, facts: TierFacts) -> Result<TierDecision, RuleFault> {
        let bound = &self.bound[campaign];
        self.keep(bound.plugin.tier(&bound.config, &facts))
    }

    fn referral(
        &mut self,
        campaign: usize,
        facts: ReferralFacts,
    ) -> Result<ReferralProposal, RuleFault> {
        let bound = &self.bound[campaign];
        self.keep(bound.plugin.referral(&bound.config, &facts))
    }
}

/// Asks rules away from the tasks that answer requests: a rule may use its whole deadline. Answers what `work`
/// gave and every run, in the order of the calls.
pub async fn ask<T: Send + 'static>(
    host: &Host,
    bound: Vec<Arc<Bound>>,
    work: impl FnOnce(&mut Asked<'_>) -> T + Send + 'static,
) -> Result<(T, Vec<Run>), CheckoutError> {
    let _seat = host
        .pricing_seats
        .acquire()
        .await
        .map_err(|_| CheckoutError::Internal("the host is stopping".to_owned()))?;
    tokio::task::spawn_blocking(move || {
        let mut asked = Asked::new(&bound);
        let given = work(&mut asked);
        (given, asked.runs)
    })
    .await
    .map_err(|error| CheckoutError::Internal(format!("pricing ended early: {error}")))
}

/// The calls with what each gave, as they are written down; `bound` are the rules by the calls' positions.
pub fn evaluations(
    calls: Vec<RuleCall>,
    runs: Vec<Run>,
    bound: &[Arc<Bound>],
) -> Result<Vec<Evaluation>, CheckoutError> {
    let one = |(call, run): (RuleCall, Run)| {
        let bound = bound
            .get(call.campaign)
            .ok_or_else(|| CheckoutError::Internal("a call names no rule".to_owned()))?;
        Ok(Evaluation {
            binding: bound.binding.id.clone(),
            component: bound.plugin.digest().to_owned(),
            config: bound.config.hash.clone(),
            delta: call.delta,
            output: run.output,
            fuel: run.fuel,
        })
    };
    calls.into_iter().zip(runs).map(one).collect()
}

fn told(fault: &PluginFault) -> RuleFault {
    let kind = match &fault.reason {
        FaultReason::Refused(_) => FaultKind::Refused,
        FaultReason::Trapped(_) => FaultKind::Trap,
        FaultReason::OutOfFuel(..) => FaultKind::OutOfFuel,
        FaultReason::OutOfMemory(..) => FaultKind::OutOfMemory,
        FaultReason::DeadlinePassed(..) => FaultKind::TimedOut,
        FaultReason::BadAnswer(_) => FaultKind::Nonsense,
        _ => FaultKind::Unavailable,
    };
    RuleFault {
        kind,
        message: fault.to_string(),
    }
}
