//! What a merchant sets.

use tessera_sdk::audience::Audience;
use tessera_sdk::goods::Selection;
use tessera_sdk::prelude::*;
use tessera_sdk::schedule::Schedule;
use tessera_sdk::tenders::TenderName;

use crate::bonus::Bonus;
use crate::caps::Caps;
use crate::event::Event;
use crate::expiry::EndOf;
use crate::multiplier::{
    BrandMultiplier, CategoryMultiplier, Combine, MarginMultiplier, ProductMultiplier,
    TagMultiplier,
};
use crate::steps::Steps;
use crate::units::UnitPoints;

/// Points by money, unit, order or visit, more for chosen articles, members and days, and points for events such as
/// a birthday.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// How much money earns how many points.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(title = "Points per money", extend("examples" = [{"spend": 100, "points": 1}]))]
    pub points_per: Option<PointsPer>,

    /// Points by the piece or by weight, beside those for money.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(title = "Points per unit")]
    pub per_unit: Vec<UnitPoints>,

    /// Points for every order that earns, beside those for money.
    #[serde(default, skip_serializing_if = "is_default")]
    #[schemars(title = "Points per order", range(min = 0), extend("examples" = [5]), extend("default" = 0))]
    pub per_order: Points,

    /// Points for a member's first order of a business day, beside those for money.
    #[serde(default, skip_serializing_if = "is_default")]
    #[schemars(title = "Points per visit", range(min = 0), extend("examples" = [10]), extend("default" = 0))]
    pub per_visit: Points,

    /// Nothing is earned below this much money that earns, in minor units.
    #[serde(default, skip_serializing_if = "is_default")]
    #[schemars(title = "Minimum", range(min = 0), extend("default" = 0))]
    pub minimum: Money,

    /// The goods that earn. Every article when nothing is named.
    #[serde(default, skip_serializing_if = "Selection::is_everything")]
    #[schemars(title = "Goods", extend("default" = {}))]
    pub goods: Selection,

    /// Multipliers by category. The longest path that contains an article counts; zero excludes it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(title = "Categories")]
    pub categories: Vec<CategoryMultiplier>,

    /// Multipliers by tag; zero excludes an article.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(title = "Tags")]
    pub tags: Vec<TagMultiplier>,

    /// Multipliers by product; zero excludes it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(title = "Products")]
    pub products: Vec<ProductMultiplier>,

    /// Multipliers by brand; zero excludes it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(title = "Brands")]
    pub brands: Vec<BrandMultiplier>,

    /// Multipliers by the share of its price an article brings the store, lowest first; the highest share reached
    /// counts. An article whose cost is not known has none. Needs to know costs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(title = "Margins")]
    pub margins: Vec<MarginMultiplier>,

    /// What counts where an article has several multipliers. A zero always excludes it.
    #[serde(default, skip_serializing_if = "is_default")]
    #[schemars(title = "Several multipliers", extend("default" = "highest"))]
    pub combine: Combine,

    /// More points, or points on top, for larger orders.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(title = "Steps")]
    pub steps: Option<Steps>,

    /// Whether the multiplier of the member's tier counts.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    #[schemars(title = "Tier multiplier", extend("default" = true))]
    pub tier_multiplier: bool,

    /// More points on chosen days, at chosen hours or for chosen members.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(title = "Bonuses")]
    pub bonuses: Vec<Bonus>,

    /// What counts where several bonuses fit.
    #[serde(default, skip_serializing_if = "is_default")]
    #[schemars(title = "Several bonuses", extend("default" = "highest"))]
    pub combine_bonuses: Combine,

    /// What counts where the tier has a multiplier and a bonus fits.
    #[serde(default = "multiply", skip_serializing_if = "is_multiply")]
    #[schemars(title = "Tier and bonus", extend("default" = "multiply"))]
    pub tier_and_bonus: Combine,

    /// Whether tier and bonuses multiply the points per unit, order, visit and step too, or only those for money.
    #[serde(default, skip_serializing_if = "is_default")]
    #[schemars(title = "Multiply fixed points", extend("default" = false))]
    pub multiply_fixed: bool,

    /// Points for events other than sales. Of several entries that fit an event, the one that gives most counts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(title = "Events")]
    pub events: Vec<Event>,

    /// What of an article's price earns points.
    #[serde(default, skip_serializing_if = "is_default")]
    #[schemars(title = "Earn on", extend("default" = "gross"))]
    pub earn_on: EarnOn,

    /// What is paid with these earns nothing.
    #[serde(default = "points_only")]
    #[schemars(title = "Excluded tenders")]
    pub excluded_tenders: Vec<TenderName>,

    /// Days and hours at which points are earned; always when left out.
    #[serde(default, skip_serializing_if = "Schedule::is_always")]
    #[schemars(title = "When", extend("default" = {}))]
    pub when: Schedule,

    /// Members who earn; everyone when left out.
    #[serde(default, skip_serializing_if = "Audience::is_everyone")]
    #[schemars(title = "For whom", extend("default" = {}))]
    pub who: Audience,

    /// Most points this binding gives.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(title = "Caps")]
    pub caps: Option<Caps>,

    /// Days until the points of a sale can be spent, such as the time in which goods may be returned. Points for
    /// events can be spent at once.
    #[serde(default, skip_serializing_if = "is_default")]
    #[schemars(title = "Pending days", range(max = 3650), extend("examples" = [14]), extend("default" = 0))]
    pub pending_days: u16,

    /// Days the points can be spent from then on; for ever when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(title = "Expire after days", range(max = 36500), extend("examples" = [365]))]
    pub expire_after_days: Option<u16>,

    /// The points expire with the end of a month or year instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(title = "Expire at the end of", extend("examples" = [{"unit": "year", "after": 1}]))]
    pub expire_at_end: Option<EndOf>,

    /// What happens to a fraction of a point.
    #[serde(default, skip_serializing_if = "is_default")]
    #[schemars(title = "Rounding", extend("default" = "down"))]
    pub rounding: Rounding,

    /// Whether money is rounded to points once per order or line by line.
    #[serde(default, skip_serializing_if = "is_default")]
    #[schemars(title = "Round per", extend("default" = "order"))]
    pub round_per: RoundPer,

    /// Points for money are a multiple of this, at the program's scale: 100 gives whole points where they have two
    /// decimals.
    #[serde(default = "one_point", skip_serializing_if = "is_one_point")]
    #[schemars(title = "Round to", range(min = 1), extend("examples" = [100]), extend("default" = 1))]
    pub round_to: Points,
}

/// Points for money.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PointsPer {
    /// Minor units of money, such as 100 for 1.00.
    #[schemars(title = "Spend", range(min = 1))]
    pub spend: Money,
    /// Points at the program's scale.
    #[schemars(title = "Points", range(min = 1))]
    pub points: Points,
    /// Whether only full amounts count: with 10 points for each 100.00, 250.00 earns 20 and not 25.
    #[serde(default, skip_serializing_if = "is_default")]
    #[schemars(title = "Full amounts only", extend("default" = false))]
    pub full_only: bool,
}

impl PointsPer {
    /// One where nothing sensible is set; `check` refuses that.
    pub fn rate(self) -> Rate {
        Rate::new(self.points.0, self.spend.0).unwrap_or(Rate::ONE)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum EarnOn {
    /// What the customer pays, tax included.
    #[default]
    Gross,
    /// Without tax.
    Net,
    /// Without tax and without what the article cost the store; nothing where the cost is not known. Needs to know
    /// costs.
    Margin,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RoundPer {
    /// The money of all lines together.
    #[default]
    Order,
    /// Each line by itself.
    Line,
}

// What is as its default stays out of what a rule decodes at each call.

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

fn yes() -> bool {
    true
}

fn is_yes(flag: &bool) -> bool {
    *flag
}

fn is_multiply(combine: &Combine) -> bool {
    *combine == multiply()
}

fn is_one_point(points: &Points) -> bool {
    *points == one_point()
}

fn multiply() -> Combine {
    Combine::Multiply
}

fn one_point() -> Points {
    Points(1)
}

fn points_only() -> Vec<TenderName> {
    vec![TenderName::Points]
}

impl Config {
    /// Whether lines must carry their cost.
    pub(crate) fn needs_cost(&self) -> bool {
        self.earn_on == EarnOn::Margin || !self.margins.is_empty()
    }

    /// The share of the order that is not paid with excluded tenders.
    pub(crate) fn share(
        &self,
        amount: Money,
        tendered: impl Fn(TenderKind) -> Money,
    ) -> Result<Rate, Overflow> {
        if !amount.is_positive() {
            return Ok(Rate::ONE);
        }
        let mut left = amount;
        for tender in &self.excluded_tenders {
            left = left.checked_sub(tendered(tender.kind()))?;
        }
        Ok(Rate::new(left.0.clamp(0, amount.0), amount.0).unwrap_or(Rate::ONE))
    }
}
