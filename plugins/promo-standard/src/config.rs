//! What a merchant sets for one promotion.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tessera_sdk::goods::Selection;
use tessera_sdk::schedule::Schedule;
use tessera_sdk::types::CounterPeriod;
use tessera_sdk::{Money, Rate, Rounding};

/// One promotion: what it takes off, on what, when and for whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// What it takes off.
    #[schemars(title = "Discount")]
    pub discount: Kind,
    /// The goods it is about. Every article when nothing is named.
    #[schemars(title = "Goods")]
    #[serde(default)]
    pub goods: Selection,
    /// What must be in the basket first.
    #[schemars(title = "Minimum")]
    #[serde(default)]
    pub minimum: Minimum,
    /// Days, weekdays and hours, in the store's time.
    #[schemars(title = "When")]
    #[serde(default)]
    pub when: Schedule,
    /// For whom.
    #[schemars(title = "For whom")]
    #[serde(default)]
    pub who: Audience,
    /// Whether it applies by itself or needs a code at the till. The codes themselves belong to the binding.
    #[schemars(title = "Trigger")]
    #[serde(default)]
    pub trigger: Trigger,
    /// Most it takes off one order, in minor units. Zero: no cap.
    #[schemars(title = "Cap per order", range(min = 0))]
    #[serde(default)]
    pub cap: Money,
    /// How often one member gets it.
    #[schemars(title = "Limit per member")]
    #[serde(default)]
    pub limit: Limit,
    /// How a share is rounded to minor units.
    #[schemars(title = "Rounding")]
    #[serde(default = "half_up")]
    pub rounding: Rounding,
}

fn half_up() -> Rounding {
    Rounding::HalfUp
}

/// What a promotion takes off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A share of the price.
    Percent(Percent),
    /// A fixed amount.
    Amount(Amount),
    /// Some pieces free, or cheaper, when others are bought.
    BuyGet(BuyGet),
}

/// A share of the price.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Percent {
    /// The share taken off, more than 0 and at most 100 %.
    #[schemars(title = "Share")]
    pub rate: Rate,
    /// What it is taken off.
    #[schemars(title = "On")]
    #[serde(default)]
    pub on: On,
    /// Whether lines are rounded one by one or together.
    #[schemars(title = "Apply")]
    #[serde(default)]
    pub apply: Apply,
}

/// A fixed amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Amount {
    /// The amount taken off, in minor units; never more than there is.
    #[schemars(title = "Amount", range(min = 1))]
    pub off: Money,
    /// What it is taken off.
    #[schemars(title = "On")]
    #[serde(default)]
    pub on: On,
    /// Whether each unit of the goods gets it (a weighed article by its weight) or all of them share it.
    #[schemars(title = "Apply")]
    #[serde(default)]
    pub apply: Apply,
}

/// Buy some, get some free or cheaper. Goods sold by weight count neither as bought nor as free.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BuyGet {
    /// Pieces paid in full.
    #[schemars(title = "Buy", range(min = 1, max = 1000))]
    pub buy: u32,
    /// Pieces that get the discount: the cheapest.
    #[schemars(title = "Get", range(min = 1, max = 1000))]
    pub get: u32,
    /// The share taken off these pieces.
    #[schemars(title = "Share")]
    #[serde(default)]
    pub rate: Rate,
    /// Whether a basket gets it once or as often as it fits.
    #[schemars(title = "Repeat")]
    #[serde(default)]
    pub repeat: Repeat,
    /// Which lines bear the discount. It decides what a return of one of them pays back.
    #[schemars(title = "Spread over")]
    #[serde(default)]
    pub spread: Spread,
    /// What makes a piece the cheapest.
    #[schemars(title = "Cheapest by")]
    #[serde(default)]
    pub cheapest_by: Price,
}

/// What a discount is taken off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum On {
    /// The whole order, once one of the goods is in it.
    #[default]
    Order,
    /// The goods.
    Goods,
    /// The cheapest piece of the goods.
    Cheapest,
    /// The most expensive piece of the goods.
    MostExpensive,
}

/// How a discount on the goods meets their lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Apply {
    /// Once, spread over the lines by what is left of each.
    #[default]
    Across,
    /// By itself.
    Each,
}

/// How often the same promotion works in one basket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Repeat {
    /// For every full set.
    #[default]
    Every,
    /// For the first full set.
    Once,
}

/// Which lines bear the discount of buy-X-get-Y.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Spread {
    /// Those of the free pieces alone.
    #[default]
    Free,
    /// Those of the free pieces and of the pieces that earned them, by what is left of each.
    All,
}

/// Which price of a line counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Price {
    /// What is left after earlier discounts.
    #[default]
    Left,
    /// The list or member price, before any discount.
    List,
}

/// What must be in the basket first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Minimum {
    /// Least worth, in minor units. Zero: any.
    #[schemars(title = "Amount", range(min = 0))]
    pub amount: Money,
    /// Least number of pieces; an article sold by weight counts as one. Zero: any.
    #[schemars(title = "Quantity")]
    pub quantity: u32,
    /// Whether the goods or the whole order must reach it.
    #[schemars(title = "Counted on")]
    pub of: MinimumOf,
    /// Which price counts toward the amount.
    #[schemars(title = "Price")]
    pub price: Price,
    /// Tells the customer what is missing once this share of the minimum is there. 100 % says nothing.
    #[schemars(title = "Tell from")]
    pub tell_from: Rate,
}

impl Default for Minimum {
    fn default() -> Minimum {
        Minimum {
            amount: Money::ZERO,
            quantity: 0,
            of: MinimumOf::Goods,
            price: Price::Left,
            tell_from: Rate::percent(50),
        }
    }
}

/// What a minimum is counted on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum MinimumOf {
    /// The goods.
    Goods,
    /// The whole order.
    Order,
}

/// For whom a promotion is. All that is set must fit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Audience {
    /// Whether only members get it.
    #[schemars(title = "Members only")]
    pub members_only: bool,
    /// Codes of the tiers that get it; every tier and none when empty.
    #[schemars(title = "Tiers")]
    pub tiers: Vec<String>,
    /// Whether it is a birthday present.
    #[schemars(title = "Birthday")]
    pub birthday: Birthday,
}

/// How near his birthday a member must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Birthday {
    /// It does not matter.
    #[default]
    Any,
    /// On the day.
    Day,
    /// In its month.
    Month,
}

/// What starts a promotion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Trigger {
    /// It applies by itself.
    #[default]
    Automatic,
    /// One of the binding's codes is presented at the till and used up.
    Code,
}

/// How often one member gets a promotion. Customers without a card do not get it while a limit is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Limit {
    /// Orders. Zero: no limit.
    #[schemars(title = "Times")]
    pub times: u32,
    /// When the count starts again.
    #[schemars(title = "Period")]
    pub period: Period,
}

impl Default for Limit {
    fn default() -> Limit {
        Limit {
            times: 0,
            period: Period::Lifetime,
        }
    }
}

/// When a count starts again, in the store's own days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Period {
    /// Every business day.
    Day,
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
            Period::Day => CounterPeriod::Day,
            Period::Month => CounterPeriod::Month,
            Period::Year => CounterPeriod::Year,
            Period::Lifetime => CounterPeriod::Lifetime,
        }
    }
}
