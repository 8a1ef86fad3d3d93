//! How a priced sale is shown: amounts as integers, quantities as decimal strings, and every reason in the
//! caller's language, with the plugin, binding and version that gave it.

use serde::Serialize;
use utoipa::ToSchema;

use super::code_view::{CodeView, codes};
use super::error::Language;
use super::tier_view::TierView;
use super::types::{Date, Quantity, Time};
use crate::checkout::posting::kind_name;
use crate::domain::order::{
    AdjustmentSource, ApprovalRecord, LineShare, OrderDocument, PriceKind, Skipped,
};
use crate::domain::rules::{Gift, Message, Side};
use crate::plugins::Catalog;
use crate::plugins::messages::{Formats, render};

/// A basket with its prices.
#[derive(Debug, Serialize, ToSchema)]
pub struct SaleView {
    pub store: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub member: Option<String>,
    pub occurred_at: Time,
    pub business_date: Date,
    pub currency: String,
    /// Digits after the decimal point of the currency.
    pub currency_scale: u8,
    /// Digits after the decimal point of the points.
    pub points_scale: u8,
    pub prices_include_tax: bool,
    pub lines: Vec<LineView>,
    pub adjustments: Vec<AdjustmentView>,
    pub taxes: Vec<TaxView>,
    pub totals: TotalsView,
    pub tenders: Vec<TenderView>,
    /// Points the sale earns.
    pub awards: Vec<AwardView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tier: Option<TierView>,
    pub rewards: Vec<RewardView>,
    /// What the member gets beside: coupons for later orders, entries in prize draws.
    pub grants: Vec<GrantView>,
    pub near_misses: Vec<NearMissView>,
    pub codes: Vec<CodeView>,
    /// Rules that gave no usable answer and were left out.
    pub skipped: Vec<SkippedView>,
    /// Rules that another of their exclusive group was preferred to.
    pub passed_over: Vec<PassedOverView>,
    /// What somebody agreed to whom the till had to ask.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub approvals: Vec<ApprovalView>,
}

/// What somebody agreed to.
#[derive(Debug, Serialize, ToSchema)]
pub struct ApprovalView {
    pub permission: String,
    /// The product's id, or the name of an article of the till, with its unit price: `<article>@<minor units>`.
    pub subject: String,
    /// Minor units.
    pub amount: i64,
    /// Who agreed.
    pub by: String,
}

impl ApprovalView {
    fn of(record: &ApprovalRecord) -> Self {
        Self {
            permission: record.permission.clone(),
            subject: record.subject.clone(),
            amount: record.amount,
            by: record.by.clone(),
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
pub struct LineView {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub product: Option<String>,
    pub name: String,
    pub category: String,
    pub quantity: Quantity,
    /// Minor units for one whole unit.
    pub unit_price: i64,
    /// `list`, `member`, `card`, `till`, or `pass` where uses of one pay.
    pub price: &'static str,
    /// The type of the card whose price it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub card_type: Option<String>,
    pub list_amount: i64,
    pub discount: i64,
    pub amount: i64,
    pub net: i64,
    pub tax: i64,
    pub gross: i64,
    pub tax_class: String,
    /// Exact, such as `13/100`.
    pub tax_rate: String,
    /// The uses that pay for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pass_used: Option<PassUsedView>,
    /// The uses, or the period, its buyer gets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pass_sold: Option<PassSoldView>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct PassUsedView {
    /// The product that was sold as the pass.
    pub pass: String,
    /// Whose it is.
    pub member: String,
    pub uses: i64,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct PassSoldView {
    /// As many as he likes when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uses: Option<i64>,
    /// First business day of a period: where the one before ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_day: Option<Date>,
    /// Last business day of a use; without end when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_on: Option<Date>,
    /// Present where it is a membership.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub membership: bool,
    /// What was not used of running memberships and is taken off the price, minor units.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credit: Option<i64>,
}

/// Who decided: the campaign behind an amount.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CampaignView {
    pub binding: String,
    pub plugin: String,
    pub version: String,
    /// SHA-256 of the component.
    pub digest: String,
    /// SHA-256 of its configuration.
    pub config: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct AdjustmentView {
    /// Absent for a difference the till itself charged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub campaign: Option<CampaignView>,
    pub reason: String,
    /// What the rule asked for.
    pub proposed: i64,
    /// What was taken off.
    pub applied: i64,
    pub allocation: Vec<ShareView>,
    /// Lines whose presence earned it.
    pub basis: Vec<u32>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct ShareView {
    /// Position of the line.
    pub line: u32,
    pub share: i64,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct TaxView {
    pub class: String,
    pub rate: String,
    pub net: i64,
    pub tax: i64,
    pub gross: i64,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct TotalsView {
    pub regular: i64,
    pub list: i64,
    pub discount: i64,
    pub net: i64,
    pub tax: i64,
    /// Tax included.
    pub total: i64,
    /// What cash rounding added or took away.
    pub rounding: i64,
    pub paid: i64,
    pub left_to_pay: i64,
    /// Cash to hand back.
    pub change: i64,
    pub points_earned: i64,
    pub points_spent: i64,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct TenderView {
    pub kind: &'static str,
    pub amount: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub handed: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    pub points: i64,
    pub principal: i64,
    pub bonus: i64,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct AwardView {
    pub campaign: CampaignView,
    pub points: i64,
    pub reason: String,
    pub shares: Vec<ShareView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_on: Option<Date>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub available_on: Option<Date>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct RewardView {
    pub campaign: CampaignView,
    /// `referrer`, `referee` or `second-referrer`, who brought the referrer.
    pub side: &'static str,
    pub member: String,
    pub points: i64,
    pub reason: String,
}

/// Something a rule gives beside points and money off.
#[derive(Debug, Serialize, ToSchema)]
pub struct GrantView {
    pub campaign: CampaignView,
    /// `coupon`, `draw-entry` or `bonus`.
    pub gift: &'static str,
    /// Of the binding that honours the coupons, or of the draw; empty for bonus.
    pub name: String,
    pub count: u32,
    /// Minor units of bonus.
    #[serde(skip_serializing_if = "is_zero")]
    pub amount: i64,
    /// Who gets it, where that is not the member himself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub member: Option<String>,
    /// Codes of the coupons, once the order is committed.
    pub codes: Vec<String>,
    pub reason: String,
    /// Last business day a coupon can be used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_on: Option<Date>,
    /// First business day a coupon can be used; at once when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub available_on: Option<Date>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct NearMissView {
    pub campaign: CampaignView,
    pub reason: String,
    /// Further minor units that would have been enough.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub missing: Option<i64>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct SkippedView {
    pub campaign: CampaignView,
    pub message: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct PassedOverView {
    pub campaign: CampaignView,
    pub group: String,
    pub preferred: CampaignView,
    pub worth: i64,
}

/// Shows documents in one language.
pub struct Shown<'a> {
    pub catalog: &'a Catalog,
    pub language: Language,
}

impl Shown<'_> {
    /// Shows a sale.
    pub fn sale(&self, document: &OrderDocument) -> SaleView {
        SaleView {
            store: document.store.clone(),
            member: document.member.clone(),
            occurred_at: Time(document.occurred_at),
            business_date: Date(document.business_date),
            currency: document.currency.clone(),
            currency_scale: document.currency_scale,
            points_scale: document.points_scale,
            prices_include_tax: document.prices_include_tax,
            lines: lines(document),
            adjustments: self.adjustments(document),
            taxes: taxes(document),
            totals: totals(document),
            tenders: tenders(document),
            awards: self.awards(document),
            tier: self.tier(document),
            rewards: self.rewards(document),
            grants: self.grants(document),
            near_misses: document
                .near_misses
                .iter()
                .map(|miss| NearMissView {
                    campaign: campaign(document, miss.campaign),
                    reason: self.say(document, miss.campaign, &miss.reason),
                    missing: miss.missing,
                })
                .collect(),
            codes: codes(document, self.language),
            skipped: skipped(document, document.skipped.iter()),
            passed_over: document
                .passed_over
                .iter()
                .map(|passed| PassedOverView {
                    campaign: campaign(document, passed.campaign),
                    group: passed.group.clone(),
                    preferred: campaign(document, passed.preferred),
                    worth: passed.worth,
                })
                .collect(),
            approvals: document.approvals.iter().map(ApprovalView::of).collect(),
        }
    }

    /// Shows the rules of a document that gave no usable answer.
    pub fn faults(&self, document: &OrderDocument) -> Vec<SkippedView> {
        skipped(document, document.faults())
    }

    pub(super) fn say(&self, document: &OrderDocument, position: u32, message: &Message) -> String {
        let snapshot = self.catalog.snapshot();
        let plugin = document
            .campaigns
            .get(position as usize)
            .and_then(|campaign| snapshot.by_digest(&campaign.digest));
        let formats = Formats {
            language: self.language.tag(),
            currency_scale: document.currency_scale,
            points_scale: document.points_scale,
        };
        match plugin {
            Some(plugin) => render(plugin.manifest(), message, &formats),
            None => message.key.clone(),
        }
    }

    fn adjustments(&self, document: &OrderDocument) -> Vec<AdjustmentView> {
        let adjustments = document.adjustments.iter().map(|adjustment| {
            let position = match adjustment.source {
                AdjustmentSource::Campaign(position) => Some(position),
                AdjustmentSource::TillDifference => None,
            };
            let reason = position.zip(adjustment.reason.as_ref());
            AdjustmentView {
                campaign: position.map(|position| campaign(document, position)),
                reason: reason.map_or_else(String::new, |(position, reason)| {
                    self.say(document, position, reason)
                }),
                proposed: adjustment.proposed,
                applied: adjustment.applied,
                allocation: shares(&adjustment.allocation),
                basis: adjustment.basis.clone(),
            }
        });
        adjustments.collect()
    }

    fn awards(&self, document: &OrderDocument) -> Vec<AwardView> {
        let awards = document.awards.iter().map(|award| AwardView {
            campaign: campaign(document, award.campaign),
            points: award.points,
            reason: self.say(document, award.campaign, &award.reason),
            shares: shares(&award.shares),
            expires_on: award.expires_on.map(Date),
            available_on: award.available_on.map(Date),
        });
        awards.collect()
    }

    fn grants(&self, document: &OrderDocument) -> Vec<GrantView> {
        let grants = document.grants.iter().map(|record| GrantView {
            campaign: campaign(document, record.campaign),
            gift: match record.grant.gift {
                Gift::Coupon => "coupon",
                Gift::DrawEntry => "draw-entry",
                Gift::Bonus => "bonus",
            },
            name: record.grant.name.clone(),
            count: record.grant.count,
            amount: record.grant.amount,
            member: record.holder.clone(),
            codes: record.codes.clone(),
            reason: self.say(document, record.campaign, &record.grant.reason),
            expires_on: record.grant.expires_on.map(Date),
            available_on: record.grant.available_on.map(Date),
        });
        grants.collect()
    }

    fn rewards(&self, document: &OrderDocument) -> Vec<RewardView> {
        let rewards = document
            .referral
            .iter()
            .flat_map(|referral| &referral.rewards);
        rewards
            .map(|reward| RewardView {
                campaign: campaign(document, reward.campaign),
                side: match reward.side {
                    Side::Referrer => "referrer",
                    Side::Referee => "referee",
                    Side::SecondReferrer => "second-referrer",
                },
                member: reward.member.clone(),
                points: reward.points,
                reason: self.say(document, reward.campaign, &reward.reason),
            })
            .collect()
    }
}

fn skipped<'a>(
    document: &OrderDocument,
    skipped: impl Iterator<Item = &'a Skipped>,
) -> Vec<SkippedView> {
    let view = |skipped: &Skipped| SkippedView {
        campaign: campaign(document, skipped.campaign),
        message: skipped.message.clone(),
    };
    skipped.map(view).collect()
}

fn is_zero(amount: &i64) -> bool {
    *amount == 0
}

pub(super) fn campaign(document: &OrderDocument, position: u32) -> CampaignView {
    let known = document.campaigns.get(position as usize);
    let text = |part: fn(&crate::domain::pricing::CampaignRef) -> &String| {
        known.map(part).cloned().unwrap_or_default()
    };
    CampaignView {
        binding: text(|campaign| &campaign.binding),
        plugin: text(|campaign| &campaign.plugin),
        version: text(|campaign| &campaign.version),
        digest: text(|campaign| &campaign.digest),
        config: text(|campaign| &campaign.config),
    }
}

fn shares(shares: &[LineShare]) -> Vec<ShareView> {
    shares
        .iter()
        .map(|share| ShareView {
            line: share.line,
            share: share.share,
        })
        .collect()
}

fn rate(rate: tessera_money::Rate) -> String {
    format!("{}/{}", rate.numerator(), rate.denominator())
}

fn lines(document: &OrderDocument) -> Vec<LineView> {
    let lines = document.lines.iter().map(|line| LineView {
        product: line.product.clone(),
        name: line.name.clone(),
        category: line.category.clone(),
        quantity: Quantity(line.quantity),
        unit_price: line.unit_price,
        price: match line.price {
            PriceKind::List => "list",
            PriceKind::Member => "member",
            PriceKind::Card => "card",
            PriceKind::Till => "till",
            PriceKind::Pass => "pass",
        },
        card_type: line.card_type.clone(),
        list_amount: line.list_amount,
        discount: line.discount,
        amount: line.amount,
        net: line.net,
        tax: line.tax,
        gross: line.gross,
        tax_class: line.tax_class.clone(),
        tax_rate: rate(line.tax_rate),
        pass_used: line.pass_used.as_ref().map(|used| PassUsedView {
            pass: used.pass.clone(),
            member: used.member.clone(),
            uses: used.uses,
        }),
        pass_sold: line.pass_sold.as_ref().map(|sold| PassSoldView {
            uses: sold.first_day.is_none().then_some(sold.uses),
            first_day: sold.first_day.map(Date),
            expires_on: sold.expires_on.map(Date),
            membership: sold.membership,
            credit: sold.credit.as_ref().map(|credit| credit.amount),
        }),
    });
    lines.collect()
}

fn taxes(document: &OrderDocument) -> Vec<TaxView> {
    let taxes = document.taxes.iter().map(|sum| TaxView {
        class: sum.class.clone(),
        rate: rate(sum.rate),
        net: sum.net,
        tax: sum.tax,
        gross: sum.gross,
    });
    taxes.collect()
}

fn totals(document: &OrderDocument) -> TotalsView {
    let totals = &document.totals;
    TotalsView {
        regular: totals.regular,
        list: totals.list,
        discount: totals.discount,
        net: totals.net,
        tax: totals.tax,
        total: totals.total,
        rounding: totals.rounding,
        paid: totals.paid,
        left_to_pay: totals.left_to_pay,
        change: totals.change,
        points_earned: totals.points_earned,
        points_spent: totals.points_spent,
    }
}

fn tenders(document: &OrderDocument) -> Vec<TenderView> {
    let tenders = document.tenders.iter().map(|tender| TenderView {
        kind: kind_name(tender.kind),
        amount: tender.amount,
        handed: tender.handed,
        reference: tender.reference.clone(),
        points: tender.points,
        principal: tender.principal,
        bonus: tender.bonus,
    });
    tenders.collect()
}
