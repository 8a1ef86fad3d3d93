//! What a chain decides about its checkout where good systems disagree.
//!
//! Every setting has a default that is written down with it, beside what other systems do. A sale keeps
//! the settings its refund needs (`order::Terms`), so that changing one never changes a past sale.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tessera_money::{Rate, Rounding};

use super::attributes::{AttributeKind, MOST_ATTRIBUTES, MOST_CHOICES, MemberAttribute};
use super::commission::{self, CommissionRule};
use super::order::category_and_ancestors;
use super::settlement::{MOST_STORES, SettlementTerms};
use super::shift::ShiftTerms;
use super::wallet::{ExpiryNotices, TransferTerms, WalletCaps, WithdrawalTerms};

/// Discount caps of one chain.
const MOST_DISCOUNT_CAPS: usize = 200;

/// Days ahead that notice of an expiry is given.
const MOST_NOTICE_DAYS: u16 = 366;

/// The settings of one store, after chain, region and store revisions are laid over each other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CheckoutSettings {
    /// Whether shelf prices contain tax. Default yes, as in Chinese retail and European consumer
    /// prices; no is usual in the United States and in wholesale.
    pub prices_include_tax: bool,
    /// Tax per class of goods. A line of a class that is not here is refused.
    #[schemars(extend("examples" = [[{ "name": "food", "rate": "9%" }]]))]
    pub tax_classes: Vec<TaxClass>,
    /// What tax is rounded for. Default per line (Vendure, Odoo's default); per receipt is asked for in Denmark and the Netherlands.
    pub tax_rounding: TaxRounding,
    /// How tax is rounded. Default half-up.
    pub tax_rounding_mode: Rounding,
    /// Rounds unit price × quantity of weighed goods. Default half-up.
    pub line_rounding: Rounding,
    /// Rounds what is paid in cash to coins that exist. Default none (China: mobile money pays the fen).
    #[schemars(extend("examples" = [{ "increment": 10, "mode": "half-up" }]))]
    pub cash_rounding: Option<CashRounding>,
    /// The most that all discounts together may take off a line, by category; the nearest one counts. Default none (only
    /// a product's own floor price holds); asked for in saleor #5689, and 0 is how goods bear no discount at all.
    #[schemars(extend("examples" = [[{ "category": "drinks", "share": "30%" }]]))]
    pub discount_caps: Vec<DiscountCap>,
    /// What becomes of the part of a discount that a capped line cannot bear. Default dropped: half off an order of
    /// capped and other goods is half off the other goods; `spread` lets the other lines bear it too, as they bear
    /// what a product's floor price keeps, so that a fixed amount is given whole.
    pub discount_caps_rest: CapRest,
    /// Points as a means of payment. Default off.
    #[schemars(extend("examples" = [{ "value": "1/100" }]))]
    pub points_tender: Option<PointsTender>,
    /// What stored value is spent first. Default bonus-first (the gift is used before the member's own
    /// money, which alone is paid out again); proportional is what Odoo's eWallet amounts to.
    pub stored_value_order: StoredValueOrder,
    /// Paying stored value out again. Default: by approval, without a fee, and the share of the bonus goes with it (香福 voids
    /// all gifts; cxerp keeps 0.5 % and asks above a limit).
    pub withdrawal: WithdrawalTerms,
    /// What wallets may hold, checked at top-ups and gifts of stored value. Default no limits. China's Measures for
    /// Single-purpose Commercial Prepaid Cards (Ministry of Commerce, order 9 of 2012, article 18) allow 5,000 CNY on a named card and 1,000
    /// CNY on an anonymous one.
    #[schemars(extend("examples" = [{ "named": { "most": 500_000 }, "anonymous": { "most": 100_000 } }]))]
    pub wallet_caps: WalletCaps,
    /// Whether money may be paid into a wallet while it is frozen. Default no.
    pub frozen_takes_top_ups: bool,
    /// Stored value given by a member to another. Default not offered (as in Odoo and Square; Chinese chains do).
    #[schemars(extend("examples" = [{ "most_per_day": 50_000, "approval_above": 10_000 }]))]
    pub stored_value_transfer: Option<TransferTerms>,
    /// Points given by a member to another; they keep their last days. Default not offered (OpenLoyalty does).
    #[schemars(extend("examples" = [{ "fee": "1%" }]))]
    pub points_transfer: Option<TransferTerms>,
    /// Stores of others that share the chain's members and settle with it. Default none: every store is the chain's own (直营).
    #[schemars(extend("examples" = [{ "stores": [{ "store": "store-2", "commission": "2%" }], "points_value": "1/100" }]))]
    pub settlement: Option<SettlementTerms>,
    /// Where a member can use his points and stored value. Default the whole chain; `region` and `store` are those of his home
    /// store.
    pub wallets_shared: Sharing,
    /// Shifts of tills: whether a terminal needs one, and who has to agree to cash moved by hand and to differences at the
    /// closing. Default: a shift is optional (Odoo's point of sale demands one).
    #[schemars(extend("examples" = [{ "at_terminals": "required", "cash_approval_above": 20_000, "reason_above": 100, "approval_above": 1_000 }]))]
    pub shifts: ShiftTerms,
    /// What people earn for selling, topping up and enrolling, in the store's currency; a refund takes its part back. At
    /// most 200 rules. Default none.
    #[schemars(extend("examples" = [[{ "name": "everything", "on": "sale", "share": "1%" }, { "name": "new member", "on": "enrolment", "amount": 200 }]]))]
    pub commission: Vec<CommissionRule>,
    /// When a person's PIN has to be changed that somebody else set, at the start or after it was forgotten. Default
    /// at-first-use: until then it changes itself and does nothing else; `never` suits a till with a PIN for everybody.
    pub pin_change: PinChange,
    /// The card a new member gets who is handed none. Default virtual, a number of its own without a type, for a phone
    /// or an app; `none` where members are known by phone or get a card later.
    pub enrolment_card: EnrolmentCard,
    /// Days after a merge of two members on which it can be undone. Default 30; 0 is the day of the merge alone.
    pub merge_undo_days: u16,
    /// What is kept of members beside their person: typed, checked when it is set, told to rules. Default none: then a
    /// member may have any attribute; a chain that defines some has no others.
    #[schemars(extend("examples" = [[{ "name": "size", "kind": "choice", "choices": ["S", "M", "L"] }]]))]
    pub member_attributes: Vec<MemberAttribute>,
    /// Whether points are earned on the net amount. Default no (Odoo, ERPNext); yes in many US shops;
    /// Square asks.
    pub earn_before_tax: bool,
    /// Whether what is paid with points earns none. Default yes (ERPNext); Odoo: no.
    pub points_tender_reduces_earning: bool,
    /// Which stored value earns no points when it is spent. Default none of it (Odoo); `bonus` where the
    /// gift must not earn again; `all` where a top-up itself earned points.
    pub stored_value_reduces_earning: StoredValueEarning,
    /// What happens when earned points of a refunded sale are spent already. Default debt, repaid by later
    /// earning (Zenoti); `reduce-refund` keeps their worth back (ERPNext refuses altogether, Smile ignores it). What another
    /// member spent of his reward for the order is his own debt.
    pub refund_spent_points: RefundSpentPoints,
    /// When referral rewards, coupons, bonus and entries in draws that an order gave go back. Default by-share: each refund takes back the
    /// share of the order's worth that came back, so nobody keeps the reward of a large order for a crumb of it;
    /// `with-everything`: nothing before the last of the order is back. What an occasion gave because of the order, such
    /// as feedback or the gift of a tier, rests on the occasion and goes back with the last of the order.
    pub refund_gifts: RefundGifts,
    /// Whether a sale that is refunded in full gives its coupon codes, limits and budgets back. Default
    /// yes (Sylius's default, Vendure).
    pub cancelled_order_frees_usage: bool,
    /// Days a lot that expired meanwhile lives on when a refund returns points to it. Default 0: they
    /// expire at once, by an entry of their own.
    pub expired_lot_grace_days: u16,
    /// Days after which all points of a member expire who has neither bought, nor topped up, nor been given points
    /// since, whatever their own last day. Default none: points expire on their own last day alone; Smile expires by
    /// inactivity. Rewards for an order of somebody else do not keep points alive.
    #[schemars(range(min = 1), extend("examples" = [365]))]
    pub points_lapse_after_days: Option<u16>,
    /// Notice ahead of what expires, for whoever writes to members. Default none; Square tells of points only once they have
    /// expired.
    #[schemars(extend("examples" = [{ "points_days": 30, "coupon_days": 3 }]))]
    pub expiry_notices: ExpiryNotices,
    /// Seconds a quote can be committed. Default 900.
    #[schemars(range(min = 1))]
    pub quote_lifetime: u32,
    /// Seconds a hold keeps a quote's benefits reserved. Default 600.
    #[schemars(range(min = 1))]
    pub hold_lifetime: u32,
    /// Days after the sale on which a customer who was no member then, or did not say so, may claim its points by
    /// the code on the receipt. Default 30; 0 is the day of the sale alone.
    pub claim_days: u16,
    /// Whether every sale reviews the member's tier at once. Default yes; otherwise only the periodic
    /// review does.
    pub tier_review_on_sale: bool,
    /// Whether every refund reviews the member's tier at once. Default no (a tier once given is kept
    /// until its validity ends, as OpenLoyalty does); vsigo takes it away at once. The review is of the day of
    /// the refund, so this setting counts as it is then, and the rule still decides whether the tier falls.
    pub tier_review_on_refund: bool,
}

/// A class of goods and its rate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TaxClass {
    /// As the products name it.
    #[schemars(extend("examples" = ["food"]))]
    pub name: String,
    /// 13 % is 13/100; zero or more.
    #[schemars(extend("examples" = ["13%"]))]
    pub rate: Rate,
}

/// What all discounts together may take off a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DiscountCap {
    /// Category path, with what lies below it; every category when left out.
    #[serde(default)]
    #[schemars(extend("examples" = ["drinks"]))]
    pub category: String,
    /// Greatest share of the list or member price, from 0 to 1.
    #[schemars(extend("examples" = ["30%"]))]
    pub share: Rate,
}

/// How far something of a member's reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Sharing {
    Chain,
    Region,
    Store,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CapRest {
    Dropped,
    Spread,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TaxRounding {
    /// Each line's tax is rounded by itself; the receipt adds them up.
    Line,
    /// Tax is rounded once per class over the receipt and spread to its lines by largest remainder.
    Receipt,
}

/// Smallest cash amount and how the rest is rounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CashRounding {
    /// Minor units, at least 2.
    #[schemars(range(min = 2, max = 1_000_000))]
    pub increment: i64,
    /// How the rest is rounded.
    pub mode: Rounding,
}

/// What points are worth at the till.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PointsTender {
    /// Minor units per point-unit (a point at the program's scale); worth is rounded down.
    #[schemars(extend("examples" = ["1/100"]))]
    pub value: Rate,
    /// Least that can be spent at once, in point-units.
    #[serde(default)]
    #[schemars(range(min = 0))]
    pub minimum: i64,
    /// Points are spent in whole multiples of this; 1 when absent.
    #[serde(default = "one")]
    #[schemars(range(min = 1))]
    pub multiple: i64,
    /// Greatest part of the total that points may pay; all of it when absent.
    #[serde(default)]
    #[schemars(extend("examples" = ["50%"]))]
    pub max_share: Option<Rate>,
}

fn one() -> i64 {
    1
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum StoredValueOrder {
    BonusFirst,
    PrincipalFirst,
    /// By what is on both accounts, largest remainder.
    Proportional,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum StoredValueEarning {
    None,
    Bonus,
    All,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum EnrolmentCard {
    Virtual,
    None,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PinChange {
    AtFirstUse,
    Never,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RefundSpentPoints {
    Debt,
    ReduceRefund,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RefundGifts {
    /// Points and bonus in proportion to the goods' worth; of coupons and entries as many as that share, half of
    /// one whole.
    #[default]
    ByShare,
    WithEverything,
}

impl Default for CheckoutSettings {
    fn default() -> Self {
        Self {
            prices_include_tax: true,
            tax_classes: Vec::new(),
            tax_rounding: TaxRounding::Line,
            tax_rounding_mode: Rounding::HalfUp,
            line_rounding: Rounding::HalfUp,
            cash_rounding: None,
            discount_caps: Vec::new(),
            discount_caps_rest: CapRest::Dropped,
            points_tender: None,
            stored_value_order: StoredValueOrder::BonusFirst,
            withdrawal: WithdrawalTerms::default(),
            wallet_caps: WalletCaps::default(),
            frozen_takes_top_ups: false,
            stored_value_transfer: None,
            points_transfer: None,
            settlement: None,
            wallets_shared: Sharing::Chain,
            shifts: ShiftTerms::default(),
            commission: Vec::new(),
            pin_change: PinChange::AtFirstUse,
            enrolment_card: EnrolmentCard::Virtual,
            merge_undo_days: 30,
            member_attributes: Vec::new(),
            earn_before_tax: false,
            points_tender_reduces_earning: true,
            stored_value_reduces_earning: StoredValueEarning::None,
            refund_spent_points: RefundSpentPoints::Debt,
            refund_gifts: RefundGifts::ByShare,
            cancelled_order_frees_usage: true,
            expired_lot_grace_days: 0,
            points_lapse_after_days: None,
            expiry_notices: ExpiryNotices::default(),
            quote_lifetime: 900,
            hold_lifetime: 600,
            claim_days: 30,
            tier_review_on_sale: true,
            tier_review_on_refund: false,
        }
    }
}

/// A setting no checkout could work with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the setting `{key}` is refused: {remedy}")]
pub struct SettingsError {
    pub key: &'static str,
    /// Which tax class, cap or rule, from zero.
    pub position: Option<usize>,
    pub remedy: &'static str,
}

impl SettingsError {
    /// Where in the settings it stands, as RFC 6901 writes it.
    pub fn pointer(&self) -> String {
        let path = self.key.replace('.', "/");
        match self.position {
            Some(position) => format!("/{}", path.replacen('/', &format!("/{position}/"), 1)),
            None => format!("/{path}"),
        }
    }
}

impl CheckoutSettings {
    /// Refuses what no checkout could work with; called when a revision is made, never first at the till.
    pub fn validate(&self) -> Result<(), SettingsError> {
        let ensure_at = |position, good: bool, key, remedy| {
            if good {
                return Ok(());
            }
            Err(SettingsError {
                key,
                position,
                remedy,
            })
        };
        let ensure = |good, key, remedy| ensure_at(None, good, key, remedy);
        for (position, class) in self.tax_classes.iter().enumerate() {
            let ensure = |good, key, remedy| ensure_at(Some(position), good, key, remedy);
            ensure(
                !class.name.is_empty(),
                "tax_classes.name",
                "give every tax class a name",
            )?;
            ensure(
                class.rate.numerator() >= 0,
                "tax_classes.rate",
                "give a rate of zero or more",
            )?;
            let again = self.tax_classes[..position]
                .iter()
                .any(|other| other.name == class.name);
            ensure(!again, "tax_classes.name", "name every tax class once")?;
        }
        if let Some(cash) = self.cash_rounding {
            let sound = (2..=1_000_000).contains(&cash.increment);
            ensure(
                sound,
                "cash_rounding.increment",
                "give 2 to 1000000 minor units, or leave cash_rounding out",
            )?;
        }
        let share_of_one =
            |rate: &Rate| rate.numerator() >= 0 && rate.numerator() <= rate.denominator();
        ensure(
            self.discount_caps.len() <= MOST_DISCOUNT_CAPS,
            "discount_caps",
            "name at most 200 categories",
        )?;
        for (position, cap) in self.discount_caps.iter().enumerate() {
            let ensure = |good, key, remedy| ensure_at(Some(position), good, key, remedy);
            ensure(
                share_of_one(&cap.share),
                "discount_caps.share",
                "give a rate from 0 to 1",
            )?;
            let again = self.discount_caps[..position]
                .iter()
                .any(|other| other.category == cap.category);
            ensure(!again, "discount_caps.category", "name every category once")?;
        }
        if let Some(points) = &self.points_tender {
            ensure(
                points.value.numerator() > 0,
                "points_tender.value",
                "give a value above zero",
            )?;
            ensure(
                points.minimum >= 0,
                "points_tender.minimum",
                "give zero or more points",
            )?;
            ensure(
                points.multiple >= 1,
                "points_tender.multiple",
                "give at least one point",
            )?;
            let share = points.max_share.as_ref().is_none_or(share_of_one);
            ensure(share, "points_tender.max_share", "give a rate from 0 to 1")?;
        }
        let withdrawal = &self.withdrawal;
        ensure(
            withdrawal.least >= 1,
            "withdrawal.least",
            "give at least one minor unit",
        )?;
        ensure(
            share_of_one(&withdrawal.fee),
            "withdrawal.fee",
            "give a rate from 0 to 1",
        )?;
        ensure(
            withdrawal.approval_above >= 0,
            "withdrawal.approval_above",
            "give zero or more minor units",
        )?;
        let caps = &self.wallet_caps;
        for (cap, key) in [
            (caps.named.most, "wallet_caps.named.most"),
            (
                caps.named.top_up_per_day,
                "wallet_caps.named.top_up_per_day",
            ),
            (caps.anonymous.most, "wallet_caps.anonymous.most"),
            (
                caps.anonymous.top_up_per_day,
                "wallet_caps.anonymous.top_up_per_day",
            ),
        ] {
            let sound = cap.is_none_or(|cap| cap >= 1);
            ensure(sound, key, "give at least one minor unit, or leave it out")?;
        }
        for (terms, keys) in [
            (
                &self.stored_value_transfer,
                [
                    "stored_value_transfer.least",
                    "stored_value_transfer.most_per_day",
                    "stored_value_transfer.fee",
                    "stored_value_transfer.approval_above",
                ],
            ),
            (
                &self.points_transfer,
                [
                    "points_transfer.least",
                    "points_transfer.most_per_day",
                    "points_transfer.fee",
                    "points_transfer.approval_above",
                ],
            ),
        ] {
            let Some(terms) = terms else { continue };
            let [least, most, fee, approval] = keys;
            ensure(terms.least >= 1, least, "give at least one")?;
            let room = terms.most_per_day.is_none_or(|most| most >= terms.least);
            ensure(room, most, "give at least `least`, or leave it out")?;
            ensure(share_of_one(&terms.fee), fee, "give a rate from 0 to 1")?;
            ensure(terms.approval_above >= 0, approval, "give zero or more")?;
        }
        if let Some(settlement) = &self.settlement {
            ensure(
                settlement.stores.len() <= MOST_STORES,
                "settlement.stores",
                "name at most 2000 stores",
            )?;
            let twice = |position: usize| {
                let (before, of) = settlement.stores.split_at(position);
                before.iter().any(|store| store.store == of[0].store)
            };
            ensure(
                !(0..settlement.stores.len()).any(twice),
                "settlement.stores",
                "name every store once",
            )?;
            let mut shares = settlement.stores.iter().map(|store| &store.commission);
            ensure(
                shares.all(share_of_one),
                "settlement.stores",
                "give commissions from 0 to 1",
            )?;
            let value = settlement.points_value.as_ref();
            ensure(
                value.is_none_or(|value| !value.is_negative()),
                "settlement.points_value",
                "give zero or more",
            )?;
        }
        if let Err((position, key, remedy)) = commission::check(&self.commission) {
            ensure_at(Some(position), false, key, remedy)?;
        }
        for (amount, key) in [
            (
                self.shifts.cash_approval_above,
                "shifts.cash_approval_above",
            ),
            (self.shifts.reason_above, "shifts.reason_above"),
            (self.shifts.approval_above, "shifts.approval_above"),
        ] {
            ensure(amount >= 0, key, "give zero or more minor units")?;
        }
        ensure(
            self.member_attributes.len() <= MOST_ATTRIBUTES,
            "member_attributes",
            "define at most 64 attributes",
        )?;
        for (position, attribute) in self.member_attributes.iter().enumerate() {
            let ensure = |good, key, remedy| ensure_at(Some(position), good, key, remedy);
            ensure(
                (1..=64).contains(&attribute.name.len()),
                "member_attributes.name",
                "give a name of 1 to 64 bytes",
            )?;
            let again = self.member_attributes[..position]
                .iter()
                .any(|other| other.name == attribute.name);
            ensure(
                !again,
                "member_attributes.name",
                "name every attribute once",
            )?;
            let choices = attribute.choices.len();
            let is_choice = attribute.kind == AttributeKind::Choice;
            ensure(
                (choices > 0) == is_choice && choices <= MOST_CHOICES,
                "member_attributes.choices",
                "give a choice 1 to 200 choices, and others none",
            )?;
        }
        ensure(
            self.points_lapse_after_days != Some(0),
            "points_lapse_after_days",
            "give at least one day, or leave it out",
        )?;
        let notices = &self.expiry_notices;
        for (days, key) in [
            (notices.points_days, "expiry_notices.points_days"),
            (notices.bonus_days, "expiry_notices.bonus_days"),
            (notices.coupon_days, "expiry_notices.coupon_days"),
            (notices.pass_days, "expiry_notices.pass_days"),
            (notices.membership_days, "expiry_notices.membership_days"),
        ] {
            let sound = days.is_none_or(|days| days <= MOST_NOTICE_DAYS);
            ensure(sound, key, "give at most 366 days, or leave it out")?;
        }
        ensure(
            self.quote_lifetime > 0,
            "quote_lifetime",
            "give at least one second",
        )?;
        ensure(
            self.hold_lifetime > 0,
            "hold_lifetime",
            "give at least one second",
        )
    }

    /// The greatest share all discounts together may take off goods of a category, where one is set.
    pub fn discount_cap(&self, category: &str) -> Option<Rate> {
        let caps = self.discount_caps.iter().filter(|cap| {
            category_and_ancestors(category).any(|containing| containing == cap.category)
        });
        caps.max_by_key(|cap| cap.category.len())
            .map(|cap| cap.share)
    }

    /// The rate of a class of goods, when it is known here.
    pub fn tax_rate(&self, class: &str) -> Option<Rate> {
        self.tax_classes
            .iter()
            .find(|known| known.name == class)
            .map(|known| known.rate)
    }
}
