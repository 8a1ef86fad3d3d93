//! What a merchant sets for one promotion.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tessera_sdk::audience::Audience;
use tessera_sdk::goods::Selection;
use tessera_sdk::schedule::Schedule;
use tessera_sdk::tenders::TenderName;
use tessera_sdk::types::CounterPeriod;
use tessera_sdk::{Money, Rate, Rounding};

use crate::bundle::Bundle;
use crate::buy_get::BuyGet;
use crate::gift::Gift;
use crate::grant::{Coupons, Draw};
use crate::price::{FixedPrice, PriceList};
use crate::steps::Steps;

/// One promotion: what it takes off, on what, when and for whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// What it takes off.
    #[schemars(title = "Discount")]
    pub discount: Kind,
    /// The goods it is about. Every article when nothing is named.
    #[schemars(title = "Goods", extend("default" = {}))]
    #[serde(default, skip_serializing_if = "Selection::is_everything")]
    pub goods: Selection,
    /// What must be in the basket first.
    #[schemars(title = "Minimum")]
    #[serde(default)]
    pub minimum: Minimum,
    /// Days, weekdays and hours, in the store's time.
    #[schemars(title = "When", extend("default" = {}))]
    #[serde(default, skip_serializing_if = "Schedule::is_always")]
    pub when: Schedule,
    /// For whom.
    #[schemars(title = "For whom", extend("default" = {}))]
    #[serde(default, skip_serializing_if = "Audience::is_everyone")]
    pub who: Audience,
    /// How the customer must intend to pay, such as with stored value for the member price.
    #[schemars(title = "Paid with")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paid_with: Option<PaidWith>,
    /// Whether it applies by itself or needs a code at the till. The codes themselves belong to the binding.
    #[schemars(title = "Trigger")]
    #[serde(default)]
    pub trigger: Trigger,
    /// Most it takes off one order, in minor units. Zero: no cap.
    #[schemars(title = "Cap per order", range(min = 0))]
    #[serde(default)]
    pub cap: Money,
    /// What no line goes below by it. What a line cannot bear is spread over the others, and dropped where none can.
    #[schemars(title = "Floor")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub floor: Option<Floor>,
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A share of the price.
    Percent(Percent),
    /// A fixed amount.
    Amount(Amount),
    /// Some pieces free, or cheaper, when others are bought.
    BuyGet(BuyGet),
    /// A fixed price for each unit of the goods.
    Price(FixedPrice),
    /// Prices by product and quantity, such as wholesale prices.
    PriceList(PriceList),
    /// The more is bought, the more comes off.
    Steps(Steps),
    /// A set of pieces at a price of its own.
    Bundle(Bundle),
    /// A gift, or something to add at a low price, once the rest of the basket qualifies.
    Gift(Gift),
    /// Coupons for later orders.
    Coupons(Coupons),
    /// Entries in a prize draw.
    Draw(Draw),
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
    /// Taken off once for each full so much of what it is taken off, in minor units: 20.00 for each 100.00. Zero: once.
    #[schemars(title = "For each", range(min = 0), extend("examples" = [10000]))]
    #[serde(default)]
    pub every: Money,
    /// What it is taken off.
    #[schemars(title = "On")]
    #[serde(default)]
    pub on: On,
    /// Whether each unit of the goods gets it (a weighed article by its weight) or all of them share it.
    #[schemars(title = "Apply")]
    #[serde(default)]
    pub apply: Apply,
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

/// Which price of a line counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Price {
    /// What is left after earlier discounts.
    #[default]
    Left,
    /// The list or member price, before any discount.
    List,
    /// What is left after all earlier discounts, even where the binding works on the initial prices.
    Reduced,
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
    /// Whether the amount counts as the prices stand, with tax or without.
    #[schemars(title = "Tax", extend("default" = "as-priced"))]
    #[serde(skip_serializing_if = "is_as_priced")]
    pub tax: Tax,
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
            tax: Tax::AsPriced,
            tell_from: Rate::percent(50),
        }
    }
}

/// How tax counts toward an amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Tax {
    /// Within it where prices include tax, not counted where they do not.
    #[default]
    AsPriced,
    /// Counted.
    With,
    /// Not counted.
    Without,
}

fn is_as_priced(tax: &Tax) -> bool {
    *tax == Tax::AsPriced
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

/// A condition on the tenders the till names at the quote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PaidWith {
    /// The tenders that count.
    #[schemars(title = "Tenders", length(min = 1), extend("examples" = [["stored-value"]]))]
    pub tenders: Vec<TenderName>,
    /// The part of what is paid that they must make.
    #[schemars(title = "Least share")]
    #[serde(default = "all")]
    pub share: Rate,
}

fn all() -> Rate {
    Rate::ONE
}

/// What no line goes below. The higher of the two counts; a product's own floor price holds beside them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Floor {
    /// Least share of the list or member price that stays.
    #[schemars(title = "Share of the price", extend("examples" = ["50%"]))]
    pub price: Rate,
    /// Least share of what stays, without tax, that is margin: with 20 %, an article that cost 8.00 stays at 10.00 or
    /// more, and at 11.30 or more where its price includes 13 % tax. An article whose cost is not known has no such
    /// floor. Needs to know costs.
    #[schemars(title = "Margin", extend("examples" = ["20%"]))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub margin: Option<Rate>,
}

impl Default for Floor {
    fn default() -> Floor {
        Floor {
            price: Rate::ZERO,
            margin: None,
        }
    }
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
    /// When the counts start again.
    #[schemars(title = "Period")]
    pub period: Period,
    /// Units of the goods one member gets at a promotional price within the period; further ones cost what they cost.
    /// Only for a price or a price list. Zero: no limit.
    #[schemars(title = "Units", extend("examples" = [2]), extend("default" = 0))]
    #[serde(skip_serializing_if = "is_zero")]
    pub units: u32,
    /// Units of the goods one order gets at a promotional price. Only for a price or a price list. Zero: no limit.
    #[schemars(title = "Units per order", extend("examples" = [2]), extend("default" = 0))]
    #[serde(skip_serializing_if = "is_zero")]
    pub units_per_order: u32,
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

impl Default for Limit {
    fn default() -> Limit {
        Limit {
            times: 0,
            period: Period::Lifetime,
            units: 0,
            units_per_order: 0,
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
