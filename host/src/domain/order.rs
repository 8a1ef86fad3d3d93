//! The order as it is stored for ever: every amount, and which rule moved which part of it.
//!
//! A refund reads nothing else. Fields stand in a fixed order and there are no maps, so `serde_json` writes
//! equal documents as equal bytes; that is what digests are taken of. Fields are only ever added, each
//! with a serde default.

mod granted;
mod tier;

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use tessera_money::Rate;

pub use tier::TierOutcome;

use super::commission::CommissionRecord;
use super::pass::{PassSold, PassUse};
use super::pricing::{CampaignRef, FaultKind};
use super::rules::{
    AggregateNeed, CounterPeriod, CounterScope, Gift, Grant, Measure, Message, Side, Target,
    TenderKind,
};
use super::settings::{CashRounding, RefundGifts, RefundSpentPoints};
use super::time::{Day, Instant};

/// The form written by this host.
pub const DOCUMENT_VERSION: u16 = 1;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderDocument {
    pub version: u16,
    pub currency: String,
    pub currency_scale: u8,
    pub points_scale: u8,
    pub occurred_at: Instant,
    pub utc_offset_minutes: i16,
    pub business_date: Day,
    pub store: String,
    pub region: String,
    pub member: Option<String>,
    pub prices_include_tax: bool,
    pub lines: Vec<OrderLine>,
    /// Campaigns the rest of the document names by position.
    pub campaigns: Vec<CampaignRef>,
    pub adjustments: Vec<Adjustment>,
    pub taxes: Vec<TaxSum>,
    pub totals: Totals,
    pub tenders: Vec<Tender>,
    pub awards: Vec<AwardRecord>,
    pub tier: Option<TierOutcome>,
    pub referral: Option<ReferralOutcome>,
    /// What the member gets beside money off and points.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub grants: Vec<GrantRecord>,
    pub near_misses: Vec<NearMissRecord>,
    /// Counter changes the commit applies, each within its limit.
    pub counters: Vec<CounterUse>,
    pub codes: Vec<CodeOutcome>,
    pub skipped: Vec<Skipped>,
    pub passed_over: Vec<PassedOver>,
    /// What people earn for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub commissions: Vec<CommissionRecord>,
    /// What somebody agreed to whom the till had to ask.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approvals: Vec<ApprovalRecord>,
    /// The wallet whose stored value pays, where it is not the buyer's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wallet: Option<SharedWallet>,
    /// Whether goods of a gift were exchanged for it: it is exchanged again and never paid out.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub gift: bool,
    /// The refund whose worth pays for it, in an exchange.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exchange_of: Option<String>,
    pub terms: Terms,
}

/// Another's stored value, and how much of it the buyer may spend.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SharedWallet {
    pub owner: String,
    /// Minor units on one business day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub most_per_day: Option<i64>,
    /// Minor units in one calendar month.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub most_per_month: Option<i64>,
}

/// What somebody agreed to, bound to one act.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApprovalRecord {
    /// The approval's own; it is used once.
    pub id: String,
    pub permission: String,
    pub subject: String,
    /// Minor units.
    pub amount: i64,
    /// Who agreed.
    pub by: String,
}

/// One line. `list_amount - discount = amount`; `net + tax = gross`; `amount` is the gross where prices
/// include tax and the net where they do not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderLine {
    pub product: Option<String>,
    pub name: String,
    pub category: String,
    pub tags: Vec<String>,
    /// Thousandths of a unit.
    pub quantity: i64,
    pub list_unit_price: i64,
    pub unit_price: i64,
    pub price: PriceKind,
    /// The line at its list price.
    pub regular_amount: i64,
    /// The line at the price that applies: list, member, card or the till's.
    pub list_amount: i64,
    pub discount: i64,
    pub amount: i64,
    pub net: i64,
    pub tax: i64,
    pub gross: i64,
    pub tax_class: String,
    pub tax_rate: Rate,
    /// The type of the card whose price it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub card_type: Option<String>,
    /// The uses that paid for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pass_used: Option<PassUse>,
    /// The uses it gives.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pass_sold: Option<PassSold>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PriceKind {
    List,
    Member,
    /// What the member's card takes off the list price.
    Card,
    Till,
    /// Nothing: uses of a pass pay.
    Pass,
}

/// What one discount took off, and from where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Adjustment {
    pub source: AdjustmentSource,
    pub reason: Option<Message>,
    pub target: Target,
    /// What the rule asked for, minor units.
    pub proposed: i64,
    /// What the lines could bear of it. Only a till difference can be negative.
    pub applied: i64,
    pub allocation: Vec<LineShare>,
    /// Lines whose presence earned it.
    pub basis: Vec<u32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AdjustmentSource {
    /// Position in `campaigns`.
    Campaign(u32),
    /// What the till charged differently from what the rules answer, in a sale recorded later.
    TillDifference,
}

/// A line's part of an amount or of points.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineShare {
    pub line: u32,
    pub share: i64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaxSum {
    pub class: String,
    pub rate: Rate,
    pub net: i64,
    pub tax: i64,
    pub gross: i64,
}

/// `total + rounding = paid + left_to_pay`, and `paid` is the sum of the tenders.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    pub regular: i64,
    pub list: i64,
    pub discount: i64,
    pub net: i64,
    pub tax: i64,
    /// Tax included.
    pub total: i64,
    /// What cash rounding added (or took away).
    pub rounding: i64,
    pub paid: i64,
    pub left_to_pay: i64,
    /// Cash to hand back.
    pub change: i64,
    pub points_earned: i64,
    pub points_spent: i64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tender {
    pub kind: TenderKind,
    /// What it pays, cash rounding included, minor units.
    pub amount: i64,
    /// Cash rounding within `amount`.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub rounding: i64,
    /// Cash handed over, change included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handed: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// Point-units spent, for points.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub points: i64,
    /// Part of a stored-value amount that is the member's own money.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub principal: i64,
    /// Part of a stored-value amount that was a gift.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub bonus: i64,
}

fn is_zero(amount: &i64) -> bool {
    *amount == 0
}

/// Points to give, and what they rest on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AwardRecord {
    pub campaign: u32,
    pub points: i64,
    pub reason: Message,
    /// What each line contributed; sums to `points`. A partial refund takes these shares back.
    pub shares: Vec<LineShare>,
    pub expires_on: Option<Day>,
    /// Pending until that day when set.
    pub available_on: Option<Day>,
    /// The lot the commit makes for it; set by [`OrderDocument::assign_lots`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lot: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReferralOutcome {
    pub referrer: String,
    pub rewards: Vec<RewardRecord>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RewardRecord {
    pub campaign: u32,
    pub side: Side,
    /// Who gets it.
    pub member: String,
    pub points: i64,
    pub reason: Message,
    pub expires_on: Option<Day>,
    pub available_on: Option<Day>,
    /// Whether a refund takes it back.
    pub clawback: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lot: Option<String>,
}

/// Something a rule gives beside points and money off, with the entry it was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantRecord {
    pub campaign: u32,
    #[serde(flatten)]
    pub grant: Grant,
    /// Who gets it, where that is not the document's member.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holder: Option<String>,
    /// Whether a refund leaves it where it is.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_kept: bool,
    /// The binding that honours the coupons; none for draw entries.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub honoured_by: Option<String>,
    /// Codes of the coupons; made by the commit.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub codes: Vec<String>,
    /// The lot of the bonus; made by the commit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lot: Option<String>,
}

impl GrantRecord {
    /// A grant to the document's member, which goes back with a refund.
    pub fn new(campaign: u32, grant: Grant) -> Self {
        Self {
            campaign,
            grant,
            holder: None,
            is_kept: false,
            honoured_by: None,
            codes: Vec::new(),
            lot: None,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NearMissRecord {
    pub campaign: u32,
    pub reason: Message,
    pub missing: Option<i64>,
}

/// A counter the commit moves; the ledger refuses the commit where it would pass its limit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CounterUse {
    pub campaign: u32,
    pub owner: CounterOwner,
    pub name: String,
    pub scope: CounterScope,
    pub period: CounterPeriod,
    /// Whose counter it is, for the scope `member`: the buyer, or the referrer of a referral rule.
    pub member: Option<String>,
    pub change: i64,
    pub limit: Option<i64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CounterOwner {
    /// The rule's own count.
    Rule,
    /// A limit or budget the host keeps for the binding.
    Usage,
}

/// What became of a presented code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodeOutcome {
    pub code: String,
    /// The campaign it belongs to; absent when it belongs to none that is live here.
    pub campaign: Option<u32>,
    pub used: bool,
    /// Why it was not used; older documents do not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<CodeRefusal>,
}

/// Why a presented code was not used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CodeRefusal {
    /// No coupon has it.
    Unknown,
    /// It was withdrawn.
    Void,
    NotYetValid,
    Expired,
    /// All its uses are spent.
    UsedUp,
    /// It is a member's own, and the sale has none.
    NeedsMember,
    /// It is another member's own.
    OtherMember,
    /// Its campaign is not in force in this store now.
    NotInForce,
    /// Its campaign takes nothing off this basket.
    ConditionsNotMet,
    /// A limit or budget of its campaign is used up.
    LimitReached,
    /// Another campaign of the exclusive group was taken.
    PassedOver,
    /// Its campaign took another code of the sale.
    NotNeeded,
    /// The rule gave no usable answer.
    RuleFailed,
}

/// A campaign that was left out, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skipped {
    pub campaign: u32,
    pub fault: FaultKind,
    /// For the operator.
    pub message: String,
}

/// A member of an exclusive group that another member was preferred to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PassedOver {
    pub campaign: u32,
    pub group: String,
    /// The one that was taken.
    pub preferred: u32,
    /// What it would have been worth: minor units of a promotion, points of a points rule.
    pub worth: i64,
}

/// The settings a refund of this order goes by, whatever they are by then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    pub cash_rounding: Option<CashRounding>,
    pub refund_spent_points: RefundSpentPoints,
    #[serde(default)]
    pub refund_gifts: RefundGifts,
    pub cancelled_order_frees_usage: bool,
    pub expired_lot_grace_days: u16,
    /// What points were worth when they were spent; absent when they were no tender.
    pub points_value: Option<Rate>,
    /// What points it gives cost the store; absent where it does not settle with the chain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub points_cost: Option<Rate>,
}

/// Where a member's top-ups stand among his purchases; no category begins with a slash.
pub const TOP_UPS: &str = "/top-ups";

/// Where points a member was given for something other than his sales stand among his purchases.
pub const GIFTS: &str = "/gifts";

/// What an order adds to its member's purchases of the day, for one category. There is one row for
/// everything (category empty) and one for each category and each of its ancestors, so that an
/// aggregate over a category reads one key.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PurchaseSum {
    pub category: String,
    /// Minor units after discounts, tax included.
    pub spend: i64,
    pub orders: i64,
    /// Thousandths.
    pub units: i64,
    pub points: i64,
}

impl PurchaseSum {
    /// The number a measure asks for.
    pub fn measure(&self, measure: Measure) -> i64 {
        match measure {
            Measure::Spend => self.spend,
            Measure::Orders => self.orders,
            Measure::PointsEarned => self.points,
            Measure::Units => self.units,
            // No order tops up.
            Measure::ToppedUp => 0,
        }
    }
}

/// What purchase sums add to one aggregate; nothing when no line is in its category.
pub fn contribution(sums: &[PurchaseSum], need: &AggregateNeed) -> i64 {
    let category = need.category.as_deref().unwrap_or("");
    sums.iter()
        .find(|sum| sum.category == category)
        .map_or(0, |sum| sum.measure(need.measure))
}

/// A category and its ancestors, the empty one for everything first.
pub fn category_and_ancestors(category: &str) -> impl Iterator<Item = &str> {
    let ends = category.match_indices('/').map(|(position, _)| position);
    let prefixes = ends
        .chain((!category.is_empty()).then_some(category.len()))
        .map(|end| &category[..end]);
    std::iter::once("").chain(prefixes.filter(|prefix| !prefix.is_empty()))
}

/// Purchase sums while they are added up.
#[derive(Default)]
pub(crate) struct PurchaseRows<'a> {
    positions: HashMap<&'a str, usize>,
    rows: Vec<PurchaseSum>,
}

impl<'a> PurchaseRows<'a> {
    /// Adds one line's part to every row it belongs to; a row counts the orders of its first line.
    pub(crate) fn add(&mut self, category: &'a str, part: &PurchaseSum) {
        for prefix in category_and_ancestors(category) {
            let rows = &mut self.rows;
            let position = *self.positions.entry(prefix).or_insert_with(|| {
                rows.push(PurchaseSum {
                    category: prefix.to_owned(),
                    orders: part.orders,
                    ..PurchaseSum::default()
                });
                rows.len() - 1
            });
            let row = &mut rows[position];
            row.spend = row.spend.saturating_add(part.spend);
            row.units = row.units.saturating_add(part.units);
            row.points = row.points.saturating_add(part.points);
        }
    }

    pub(crate) fn into_rows(self) -> Vec<PurchaseSum> {
        self.rows
    }
}

impl OrderDocument {
    /// The campaigns that took something off or gave something.
    pub fn effective_campaigns(&self) -> impl Iterator<Item = &CampaignRef> {
        let discounts = self.adjustments.iter().filter(|one| one.applied != 0);
        let mut positions: Vec<u32> = discounts
            .filter_map(|one| match one.source {
                AdjustmentSource::Campaign(position) => Some(position),
                AdjustmentSource::TillDifference => None,
            })
            .chain(self.awards.iter().map(|award| award.campaign))
            .chain(self.grants.iter().map(|grant| grant.campaign))
            .chain(
                self.referral
                    .iter()
                    .flat_map(|outcome| &outcome.rewards)
                    .map(|reward| reward.campaign),
            )
            .collect();
        positions.sort_unstable();
        positions.dedup();
        positions
            .into_iter()
            .filter_map(|position| self.campaigns.get(position as usize))
    }

    /// What the order adds to its member's purchases.
    pub fn purchase_sums(&self) -> Vec<PurchaseSum> {
        let mut points = vec![0_i64; self.lines.len()];
        for share in self.awards.iter().flat_map(|award| &award.shares) {
            if let Some(sum) = points.get_mut(share.line as usize) {
                *sum = sum.saturating_add(share.share);
            }
        }
        let mut rows = PurchaseRows::default();
        for (line, points) in self.lines.iter().zip(points) {
            let part = PurchaseSum {
                spend: line.gross,
                orders: 1,
                units: line.quantity,
                points,
                ..PurchaseSum::default()
            };
            rows.add(&line.category, &part);
        }
        rows.into_rows()
    }

    /// Points it gives to anybody.
    pub fn points_given(&self) -> i64 {
        let rewards = self.referral.iter().flat_map(|referral| &referral.rewards);
        let awards = self.awards.iter().map(|award| award.points);
        let points = awards.chain(rewards.map(|reward| reward.points));
        points.fold(0, i64::saturating_add)
    }

    /// What gave no usable answer; a limit that is used up is an answer.
    pub fn faults(&self) -> impl Iterator<Item = &Skipped> {
        let skipped = self.skipped.iter();
        skipped.filter(|skipped| skipped.fault != FaultKind::LimitReached)
    }

    /// Gives every award, reward, bonus and pass the id of the lot the commit makes for it.
    pub fn assign_lots(&mut self, fresh: &mut dyn FnMut() -> String) {
        let rewards = self
            .referral
            .iter_mut()
            .flat_map(|referral| &mut referral.rewards);
        let lots = self
            .awards
            .iter_mut()
            .map(|award| &mut award.lot)
            .chain(rewards.map(|reward| &mut reward.lot));
        let bonus = self.grants.iter_mut();
        let bonus = bonus.filter(|record| record.grant.gift == Gift::Bonus);
        let passes = self
            .lines
            .iter_mut()
            .filter_map(|line| line.pass_sold.as_mut());
        let lots = lots.chain(passes.map(|pass| &mut pass.lot));
        for lot in lots.chain(bonus.map(|record| &mut record.lot)) {
            *lot = Some(fresh());
        }
    }
}
