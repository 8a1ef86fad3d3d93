//! Every text of a step that reaches the database.

use super::account::AccountKey;
use super::command::{Reserve, Step};

impl Step {
    pub(super) fn texts(&self, visit: &mut dyn FnMut(&'static str, &str)) {
        match self {
            Self::Credit { account, lot, .. } => {
                account_texts(account, visit);
                if let Some(lot) = lot {
                    visit("lot", &lot.id);
                    visit("lot source", &lot.source);
                }
            }
            Self::Debit { account, .. }
            | Self::NotFrozen { account }
            | Self::Owe { account, .. }
            | Self::Ceiling { account, .. } => account_texts(account, visit),
            Self::UsePass {
                account,
                currency,
                revenue,
                ..
            }
            | Self::ClosePass {
                account,
                currency,
                revenue,
                ..
            } => {
                account_texts(account, visit);
                visit("asset", currency);
                visit("system account", revenue);
            }
            Self::EarnPeriods {
                account,
                lots,
                revenue,
                ..
            } => {
                account_texts(account, visit);
                lots.iter().for_each(|lot| visit("lot", lot));
                visit("system account", revenue);
            }
            Self::System { name, asset, .. } => {
                visit("system account", name);
                visit("asset", asset);
            }
            Self::Return {
                account, splits, ..
            } => {
                account_texts(account, visit);
                splits.iter().for_each(|(lot, _)| visit("lot", lot));
            }
            Self::TakeBack {
                member, asset, lot, ..
            } => {
                visit("member", member);
                visit("asset", asset);
                visit("lot", lot);
            }
            Self::Counter { owner, name, .. } | Self::TakeTurn { owner, name, .. } => {
                visit("counter owner", owner);
                visit("counter", name);
            }
            Self::Transfer { from, to, lot, .. } => {
                account_texts(from, visit);
                visit("to", to);
                visit("lot", lot);
            }
            Self::Merge {
                merge,
                from,
                to,
                assets,
                ..
            } => {
                for text in [merge, from, to] {
                    visit("merge", text);
                }
                assets.iter().for_each(|asset| visit("asset", asset));
            }
            Self::GiveCoupon { code, from, to } => {
                for text in [code, from, to] {
                    visit("coupon", text);
                }
            }
            Self::UseCoupon { code, .. } | Self::VoidCoupon { code } => visit("coupon", code),
            Self::RevokeCoupon { code, reason } => {
                visit("coupon", code);
                visit("reason", reason);
            }
            Self::TransferCoupon { code, from, to } => {
                visit("coupon", code);
                visit("from", from);
                visit("to", to);
            }
            Self::IssueCoupon(coupon) => {
                visit("coupon", &coupon.code);
                visit("campaign", &coupon.campaign);
                visit("coupon holder", coupon.holder.as_deref().unwrap_or(""));
            }
            Self::OpenOrder { order, tenders, .. } | Self::Refund { order, tenders, .. } => {
                visit("order", order);
                tenders.iter().for_each(|(key, _)| visit("tender", key));
            }
            Self::Hold {
                hold,
                quote,
                member,
                reserves,
                ..
            } => {
                visit("hold", hold);
                visit("quote", quote);
                visit("member", member.as_deref().unwrap_or(""));
                reserves.iter().for_each(|reserve| reserve.texts(visit));
            }
            Self::ClaimOrder { order } | Self::OrderStands { order } => visit("order", order),
            Self::GiveUp { quote } => visit("quote", quote),
            Self::Lease { name, .. } => visit("name", name),
            Self::ResolveHold { hold, .. } => visit("hold", hold),
            Self::ReleasePending {
                member,
                asset,
                lots,
            }
            | Self::ExpireLots {
                member,
                asset,
                lots,
            }
            | Self::LapseLots {
                member,
                asset,
                lots,
            } => {
                visit("member", member);
                visit("asset", asset);
                lots.iter().for_each(|lot| visit("lot", lot));
            }
            Self::Shift(step) => step.texts(visit),
        }
    }
}

impl Reserve {
    fn texts(&self, visit: &mut dyn FnMut(&'static str, &str)) {
        match self {
            Self::Account { account, .. } => account_texts(account, visit),
            Self::Pass {
                account, currency, ..
            } => {
                account_texts(account, visit);
                visit("asset", currency);
            }
            Self::Counter { owner, name, .. } => {
                visit("counter owner", owner);
                visit("counter", name);
            }
            Self::Coupon { code, .. } => visit("coupon", code),
        }
    }
}

fn account_texts(account: &AccountKey, visit: &mut dyn FnMut(&'static str, &str)) {
    visit("member", &account.member);
    visit("asset", &account.asset);
}
