//! The coupons a document grants: which binding honours them, and their codes.

use super::{AdjustmentSource, CodeRefusal, OrderDocument, Skipped};
use crate::domain::pricing::FaultKind;
use crate::domain::rules::Gift;

impl OrderDocument {
    /// Finds for each grant of coupons the binding that honours them; where there is none, the order goes on
    /// without and says so. A campaign that gives nothing else then spends neither code nor counter.
    pub fn find_honouring(&mut self, find: impl Fn(&str) -> Option<String>) {
        let mut left_out = Vec::new();
        self.grants.retain_mut(|record| {
            // A claim carries what the sale granted before.
            if record.grant.gift != Gift::Coupon || record.honoured_by.is_some() {
                return true;
            }
            record.honoured_by = find(&record.grant.name);
            if record.honoured_by.is_none() {
                left_out.push((record.campaign, record.grant.name.clone()));
            }
            record.honoured_by.is_some()
        });
        for (campaign, name) in left_out {
            if !self.gives_by(campaign) {
                self.spend_nothing_on(campaign);
            }
            let message = format!(
                "no promotion named `{name}` is in force here and takes codes, so nothing would honour the coupon; \
                 make it first"
            );
            self.skipped.push(Skipped {
                campaign,
                fault: FaultKind::Unavailable,
                message,
            });
        }
    }

    /// Whether anything in the document comes of a campaign.
    fn gives_by(&self, campaign: u32) -> bool {
        let off = self.adjustments.iter().any(|adjustment| {
            adjustment.source == AdjustmentSource::Campaign(campaign) && adjustment.applied > 0
        });
        let mut rewards = self.referral.iter().flat_map(|of| &of.rewards);
        off || self.awards.iter().any(|award| award.campaign == campaign)
            || self.grants.iter().any(|grant| grant.campaign == campaign)
            || rewards.any(|reward| reward.campaign == campaign)
    }

    fn spend_nothing_on(&mut self, campaign: u32) {
        self.counters.retain(|counter| counter.campaign != campaign);
        let codes = self.codes.iter_mut();
        for code in codes.filter(|code| code.used && code.campaign == Some(campaign)) {
            code.used = false;
            code.reason = Some(CodeRefusal::RuleFailed);
        }
    }

    /// Gives every coupon to be issued its code.
    pub fn assign_codes<E>(
        &mut self,
        mut fresh: impl FnMut() -> Result<String, E>,
    ) -> Result<(), E> {
        for record in &mut self.grants {
            if record.grant.gift == Gift::Coupon {
                let codes = (0..record.grant.count).map(|_| fresh());
                record.codes = codes.collect::<Result<_, E>>()?;
            }
        }
        Ok(())
    }
}
