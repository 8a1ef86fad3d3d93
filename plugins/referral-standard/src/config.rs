//! What a chain decides about its referrals.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tessera_sdk::audience::Audience;
use tessera_sdk::gifts::{BonusMoney, Coupons};
use tessera_sdk::schedule::Schedule;
use tessera_sdk::types::CounterPeriod;
use tessera_sdk::{Money, Overflow, Points, Rounding, mul_div};

/// Points, coupons and bonus for both sides when a referred member joins or buys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// What pays: an order of the new member, or his joining. Nothing that looks at an order can be set with joining.
    #[schemars(title = "Pays on", extend("default" = "order"))]
    #[serde(skip_serializing_if = "is_default")]
    pub on: PaysOn,
    /// Points for the new member, at the program's scale.
    #[schemars(title = "Points for the new member", range(min = 0))]
    pub referee_points: Points,
    /// Points for the new member by what he pays, beside the fixed ones.
    #[schemars(title = "New member's points per money")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub referee_per: Option<PointsPer>,
    /// Coupons for the new member.
    #[schemars(title = "New member's coupons")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub referee_coupons: Option<Coupons>,
    /// Stored value for the new member.
    #[schemars(title = "New member's bonus")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub referee_bonus: Option<BonusMoney>,
    /// Points for the member who brought him, at the program's scale.
    #[schemars(title = "Points for the referrer", range(min = 0))]
    pub referrer_points: Points,
    /// Points for the member who brought him by what the new one pays, beside the fixed ones.
    #[schemars(title = "Referrer's points per money")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub referrer_per: Option<PointsPer>,
    /// Coupons for the member who brought him.
    #[schemars(title = "Referrer's coupons")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub referrer_coupons: Option<Coupons>,
    /// Stored value for the member who brought him.
    #[schemars(title = "Referrer's bonus")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub referrer_bonus: Option<BonusMoney>,
    /// Points for the member who brought the referrer, at the program's scale. Nobody further up gets any.
    #[schemars(title = "Points for the second referrer", range(min = 0), extend("default" = 0))]
    #[serde(skip_serializing_if = "is_default")]
    pub second_referrer_points: Points,
    /// Other fixed points for who brought many, fewest first.
    #[schemars(title = "Steps for the referrer", extend("examples" = [[{"from": 5, "points": 500}]]))]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub referrer_steps: Vec<ReferrerStep>,
    /// What must be paid, in minor units, tax included.
    #[schemars(title = "Minimum", range(min = 0))]
    pub minimum_amount: Money,
    /// Whether one order must reach the minimum or all orders of the new member together.
    #[schemars(title = "Minimum counted on", extend("default" = "order"))]
    #[serde(skip_serializing_if = "is_default")]
    pub minimum_of: MinimumOf,
    /// Which order of the new member pays: 1 for the first. Of no account where all orders together reach the minimum.
    #[schemars(title = "Order", range(min = 1, max = 1000), extend("default" = 1))]
    #[serde(skip_serializing_if = "is_one")]
    pub order_number: u32,
    /// How many of his orders pay, from that one on.
    #[schemars(title = "Orders that pay", range(min = 1, max = 1000), extend("default" = 1))]
    #[serde(skip_serializing_if = "is_one")]
    pub orders: u32,
    /// Days after the referral in which an order counts. Zero: any time.
    #[schemars(title = "Days to the order", range(max = 3660))]
    pub within_days: u32,
    /// Days and hours at which an order pays; always when left out.
    #[schemars(title = "When", extend("default" = {}))]
    #[serde(skip_serializing_if = "Schedule::is_always")]
    pub when: Schedule,
    /// New members whose orders pay; everyone when left out.
    #[schemars(title = "New members", extend("default" = {}))]
    #[serde(skip_serializing_if = "Audience::is_everyone")]
    pub referees: Audience,
    /// Members who are paid for bringing others; everyone when left out. A new member gets his points anyway.
    #[schemars(title = "Referrers", extend("default" = {}))]
    #[serde(skip_serializing_if = "Audience::is_everyone")]
    pub referrers: Audience,
    /// Orders a referrer must have placed himself.
    #[schemars(title = "Referrer's own orders", extend("default" = 0))]
    #[serde(skip_serializing_if = "is_default")]
    pub referrer_orders: u32,
    /// Whether the referrer must be the older member, so that members cannot bring each other in a ring.
    #[schemars(title = "Referrer is older", extend("default" = true))]
    #[serde(skip_serializing_if = "is_yes")]
    pub referrer_older: bool,
    /// Most referrals that pay one referrer in a period. Zero: no cap.
    #[schemars(title = "Cap per referrer")]
    pub cap: u32,
    /// Most points one referrer gets in a period; what is beyond is cut. Zero: no cap.
    #[schemars(title = "Cap in points", range(min = 0), extend("default" = 0))]
    #[serde(skip_serializing_if = "is_default")]
    pub cap_points: Points,
    /// When the counts of paid referrals and points start again.
    #[schemars(title = "Period of the caps")]
    pub cap_period: Period,
    /// Whether the new member gets his points although his referrer is past the cap.
    #[schemars(title = "New member beyond the cap")]
    pub referee_beyond_cap: bool,
    /// Whether a refund of the order takes back what it gave to both sides.
    #[schemars(title = "Take back on refund")]
    pub clawback: bool,
    /// Days until the points can be spent.
    #[schemars(title = "Pending days", range(max = 3660))]
    pub pending_days: u32,
    /// Days the points can be spent, the first one included. Zero: they do not expire.
    #[schemars(title = "Expiry in days", range(max = 3660))]
    pub expiry_days: u32,
    /// What happens to a fraction of a point.
    #[schemars(title = "Rounding", extend("default" = "down"))]
    #[serde(skip_serializing_if = "is_default")]
    pub rounding: Rounding,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            on: PaysOn::Order,
            referee_points: Points(100),
            referee_per: None,
            referee_coupons: None,
            referee_bonus: None,
            referrer_points: Points(100),
            referrer_per: None,
            referrer_coupons: None,
            referrer_bonus: None,
            second_referrer_points: Points::ZERO,
            referrer_steps: Vec::new(),
            minimum_amount: Money::ZERO,
            minimum_of: MinimumOf::Order,
            order_number: 1,
            orders: 1,
            within_days: 90,
            when: Schedule::default(),
            referees: Audience::default(),
            referrers: Audience::default(),
            referrer_orders: 0,
            referrer_older: true,
            cap: 12,
            cap_points: Points::ZERO,
            cap_period: Period::Year,
            referee_beyond_cap: true,
            clawback: true,
            pending_days: 0,
            expiry_days: 0,
            rounding: Rounding::Down,
        }
    }
}

// What is as its default stays out of what a rule decodes at each call.

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

fn is_one(number: &u32) -> bool {
    *number == 1
}

fn is_yes(flag: &bool) -> bool {
    *flag
}

/// Points for money, such as 10 % of the order where a point is worth a minor unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PointsPer {
    /// Minor units of money, such as 100 for 1.00.
    #[schemars(title = "Spend", range(min = 1))]
    pub spend: Money,
    /// Points at the program's scale.
    #[schemars(title = "Points", range(min = 1))]
    pub points: Points,
    /// Most points of one order. Zero: no limit.
    #[schemars(title = "At most", range(min = 0), extend("examples" = [1000]))]
    #[serde(default)]
    pub most: Points,
}

impl PointsPer {
    pub(crate) fn points(self, amount: Money, rounding: Rounding) -> Result<Points, Overflow> {
        let earned = mul_div(amount.0, self.points.0, self.spend.0, rounding)?;
        Ok(if self.most.is_positive() {
            Points(earned).min(self.most)
        } else {
            Points(earned)
        })
    }
}

/// Other points from a certain number of referrals on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReferrerStep {
    /// The paid referral of the period from which the points count: 5 for the fifth.
    #[schemars(title = "From referral", range(min = 2))]
    pub from: u32,
    /// Points instead of the referrer's fixed ones.
    #[schemars(title = "Points", range(min = 0))]
    pub points: Points,
}

/// What pays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PaysOn {
    /// An order of the new member.
    #[default]
    Order,
    /// His joining with the referrer's code.
    Joining,
}

/// What the minimum is counted on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum MinimumOf {
    /// Each order by itself.
    #[default]
    Order,
    /// All orders since the enrolment; the one that reaches it pays, once.
    Total,
}

/// When a count starts again, in the store's own days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Period {
    /// Every calendar month.
    Month,
    /// Every calendar year.
    Year,
    /// Never.
    Lifetime,
}

impl Period {
    pub(crate) fn of_counter(self) -> CounterPeriod {
        match self {
            Period::Month => CounterPeriod::Month,
            Period::Year => CounterPeriod::Year,
            Period::Lifetime => CounterPeriod::Lifetime,
        }
    }
}
