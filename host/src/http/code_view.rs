//! How the codes of a sale are shown: used, or why not, for programs and in the caller's language.

use serde::Serialize;
use utoipa::ToSchema;

use super::error::Language;
use super::sale_view::{CampaignView, campaign};
use crate::domain::order::{CodeRefusal, OrderDocument};

/// A presented code.
#[derive(Debug, Serialize, ToSchema)]
pub struct CodeView {
    pub code: String,
    pub used: bool,
    /// Why it is not used: `unknown`, `void`, `not-yet-valid`, `expired`, `used-up`, `needs-member`, `other-member`,
    /// `not-in-force`, `conditions-not-met`, `limit-reached`, `passed-over`, `not-needed` or `rule-failed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'static str>,
    /// The same as a sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub campaign: Option<CampaignView>,
}

/// The codes of a document in their order.
pub fn codes(document: &OrderDocument, language: Language) -> Vec<CodeView> {
    let codes = document.codes.iter().map(|code| {
        let words = code.reason.map(words);
        CodeView {
            code: code.code.clone(),
            used: code.used,
            reason: words.map(|(reason, _, _)| reason),
            message: words.map(|(_, en, zh)| match language {
                Language::English => en,
                Language::Chinese => zh,
            }),
            campaign: code.campaign.map(|position| campaign(document, position)),
        }
    });
    codes.collect()
}

/// The stable word for a reason, and its sentence in English and Chinese.
const fn words(why: CodeRefusal) -> (&'static str, &'static str, &'static str) {
    match why {
        CodeRefusal::Unknown => (
            "unknown",
            "No coupon has this code; check it as printed.",
            "没有此券码，请核对。",
        ),
        CodeRefusal::Void => (
            "void",
            "The coupon was withdrawn, such as with the refund of the order that gave it.",
            "该券已作废，例如赠券的订单已退款。",
        ),
        CodeRefusal::NotYetValid => (
            "not-yet-valid",
            "The coupon's first day has not come yet.",
            "该券尚未到可用日期。",
        ),
        CodeRefusal::Expired => (
            "expired",
            "The coupon's last day has passed.",
            "该券已过期。",
        ),
        CodeRefusal::UsedUp => (
            "used-up",
            "The coupon has no uses left.",
            "该券已无可用次数。",
        ),
        CodeRefusal::NeedsMember => (
            "needs-member",
            "The coupon belongs to a member; identify the member first.",
            "该券为会员专属，请先识别会员。",
        ),
        CodeRefusal::OtherMember => (
            "other-member",
            "The coupon belongs to another member.",
            "该券属于其他会员。",
        ),
        CodeRefusal::NotInForce => (
            "not-in-force",
            "The coupon's promotion is not in force in this store now.",
            "该券对应的活动目前在本店未生效。",
        ),
        CodeRefusal::ConditionsNotMet => (
            "conditions-not-met",
            "The basket does not meet what the promotion asks for, or nothing is left to take off.",
            "购物篮未满足活动条件，或已无可减金额。",
        ),
        CodeRefusal::LimitReached => (
            "limit-reached",
            "A limit or budget of the promotion is used up.",
            "该活动的限额或预算已用完。",
        ),
        CodeRefusal::PassedOver => (
            "passed-over",
            "Another promotion that excludes this one was applied.",
            "已采用与之互斥的其他活动。",
        ),
        CodeRefusal::NotNeeded => (
            "not-needed",
            "Another code of the same promotion was used.",
            "已使用同一活动的其他券码。",
        ),
        CodeRefusal::RuleFailed => (
            "rule-failed",
            "The promotion's rule gave no usable answer; see skipped.",
            "该活动的规则未能给出有效结果，见 skipped。",
        ),
    }
}
