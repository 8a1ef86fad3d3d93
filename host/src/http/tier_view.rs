//! How a tier is shown: what the rules decided and why, what staff keep the member at, and what is missing for the next.

use serde::Serialize;
use utoipa::ToSchema;

use super::sale_view::{CampaignView, Shown, campaign};
use super::types::Date;
use crate::domain::order::OrderDocument;
use crate::domain::tier_floor::TierFloor;

#[derive(Debug, Serialize, ToSchema)]
pub struct TierView {
    pub campaign: CampaignView,
    pub before: Option<String>,
    pub after: Option<String>,
    pub reason: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<Date>,
    /// The tier he does not fall below, because staff gave it by hand.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kept: Option<KeptView>,
    /// What is missing for the next tier.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<ProgressView>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct KeptView {
    pub tier: String,
    /// Without end when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_day: Option<Date>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct ProgressView {
    pub tier: String,
    pub missing: i64,
    pub reason: String,
}

impl Shown<'_> {
    /// Shows what the tier rules decided.
    pub fn tier(&self, document: &OrderDocument) -> Option<TierView> {
        let outcome = document.tier.as_ref()?;
        let holds = |floor: &&TierFloor| floor.holds_on(document.business_date);
        let say = |message| self.say(document, outcome.campaign, message);
        Some(TierView {
            campaign: campaign(document, outcome.campaign),
            before: outcome.before.clone(),
            after: outcome.decision.tier.clone(),
            reason: say(&outcome.decision.reason),
            valid_until: outcome.decision.valid_until.map(Date),
            kept: outcome.floor.as_ref().filter(holds).map(|floor| KeptView {
                tier: floor.tier.clone(),
                last_day: floor.last_day.map(Date),
            }),
            next: outcome.decision.next.as_ref().map(|next| ProgressView {
                tier: next.tier.clone(),
                missing: next.missing,
                reason: say(&next.reason),
            }),
        })
    }
}
