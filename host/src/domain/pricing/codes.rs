//! What became of the codes that were presented.

use super::campaign::FaultKind;
use super::work::Work;
use crate::domain::order::{CodeOutcome, CodeRefusal};

/// Notes of each code whether it was used, and else why not.
pub fn settle(work: &mut Work<'_>) {
    let (input, campaigns) = (work.input, work.input.campaigns);
    for code in &input.basket.codes {
        let owner = campaigns
            .iter()
            .position(|campaign| campaign.codes.contains(code));
        let campaign = owner.map(|owner| work.name(owner));
        let used = work.used_codes.contains(code);
        let reason = (!used).then(|| match owner.zip(campaign) {
            Some((owner, named)) => why_unused(work, owner, named),
            None => {
                let mut told = input.refused_codes.iter();
                let told = told.find(|(refused, _)| refused == code);
                told.map_or(CodeRefusal::Unknown, |(_, why)| *why)
            }
        });
        work.document.codes.push(CodeOutcome {
            code: code.clone(),
            campaign,
            used,
            reason,
        });
    }
}

/// Why a campaign that was given a code did not use it; `named` is its position in the document.
fn why_unused(work: &Work<'_>, owner: usize, named: u32) -> CodeRefusal {
    let document = &work.document;
    let other = |code: &String| work.used_codes.contains(code);
    if work.campaign(owner).codes.iter().any(other) {
        return CodeRefusal::NotNeeded;
    }
    let mut skipped = document.skipped.iter();
    if let Some(skipped) = skipped.find(|skipped| skipped.campaign == named) {
        return match skipped.fault {
            FaultKind::LimitReached => CodeRefusal::LimitReached,
            _ => CodeRefusal::RuleFailed,
        };
    }
    let mut passed_over = document.passed_over.iter();
    let is_asked = work.calls.iter().any(|call| call.campaign == owner);
    // Members of a group behind the one that was taken by priority are not even asked.
    if !is_asked || passed_over.any(|passed| passed.campaign == named) {
        return CodeRefusal::PassedOver;
    }
    CodeRefusal::ConditionsNotMet
}
