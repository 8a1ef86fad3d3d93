//! The seam between pricing and the sandbox: asks bound plugins and keeps what each call gave, so that the
//! order can store it.

use std::sync::Arc;

use serde::Serialize;

use crate::domain::pricing::{FaultKind, RuleFault, Rules};
use crate::domain::rules::{
    PointsFacts, PointsProposal, PromotionFacts, PromotionProposal, ReferralFacts,
    ReferralProposal, TierDecision, TierFacts,
};
use crate::plugins::{Evaluated, FaultReason, PluginFault};
use crate::snapshot::Bound;

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
