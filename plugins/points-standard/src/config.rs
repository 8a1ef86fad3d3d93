//! What a merchant sets.

use tessera_sdk::points::Facts;
use tessera_sdk::prelude::*;
use tessera_sdk::schedule::Schedule;

/// Points by money: so many points for so much money, more for chosen articles and tiers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// How much money earns how many points. Parts count in proportion.
    #[schemars(title = "Points per money")]
    pub points_per: PointsPer,

    /// Nothing is earned below this much money, in minor units.
    #[serde(default)]
    #[schemars(title = "Minimum")]
    pub minimum: Money,

    /// Multipliers by category. The longest path that contains an article counts; zero excludes it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(title = "Categories")]
    pub categories: Vec<CategoryMultiplier>,

    /// Multipliers by tag; zero excludes an article.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(title = "Tags")]
    pub tags: Vec<TagMultiplier>,

    /// What counts where an article has several multipliers. A zero always excludes it.
    #[serde(default)]
    #[schemars(title = "Several multipliers")]
    pub combine: Combine,

    /// Whether the multiplier of the member's tier counts.
    #[serde(default = "yes")]
    #[schemars(title = "Tier multiplier")]
    pub tier_multiplier: bool,

    /// Whether tax earns points.
    #[serde(default)]
    #[schemars(title = "Earn on")]
    pub earn_on: EarnOn,

    /// What is paid with these earns nothing.
    #[serde(default = "points_only")]
    #[schemars(title = "Excluded tenders")]
    pub excluded_tenders: Vec<TenderName>,

    /// Days and hours at which points are earned; always when left out.
    #[serde(default)]
    #[schemars(title = "When")]
    pub when: Schedule,

    /// Days until the points can be spent, such as the time in which goods may be returned.
    #[serde(default)]
    #[schemars(title = "Pending days", range(max = 3650))]
    pub pending_days: u16,

    /// Days the points can be spent from then on; for ever when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(title = "Expire after days", range(max = 36500))]
    pub expire_after_days: Option<u16>,

    /// What happens to a fraction of a point, once per order.
    #[serde(default)]
    #[schemars(title = "Rounding")]
    pub rounding: Rounding,
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
}

impl PointsPer {
    /// One where nothing sensible is set; `check` refuses that.
    pub fn rate(self) -> Rate {
        Rate::new(self.points.0, self.spend.0).unwrap_or(Rate::ONE)
    }
}

/// A multiplier for a category and what lies below it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CategoryMultiplier {
    /// Path, root first, such as `drinks/coffee`.
    #[schemars(title = "Category")]
    pub category: String,
    /// What its money counts for: 2 for twice the points, 0 for none.
    #[schemars(title = "Multiplier")]
    pub multiplier: Rate,
}

/// A multiplier for articles with a tag.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TagMultiplier {
    /// Tag as the articles carry it.
    #[schemars(title = "Tag")]
    pub tag: String,
    /// What its money counts for: 2 for twice the points, 0 for none.
    #[schemars(title = "Multiplier")]
    pub multiplier: Rate,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Combine {
    /// The highest one.
    #[default]
    Highest,
    /// Their product.
    Multiply,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum EarnOn {
    /// What the customer pays, tax included.
    #[default]
    Gross,
    /// Without tax.
    Net,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TenderName {
    Cash,
    Card,
    Mobile,
    Points,
    StoredValue,
    Other,
}

impl TenderName {
    fn kind(self) -> TenderKind {
        match self {
            TenderName::Cash => TenderKind::Cash,
            TenderName::Card => TenderKind::Card,
            TenderName::Mobile => TenderKind::Mobile,
            TenderName::Points => TenderKind::Points,
            TenderName::StoredValue => TenderKind::StoredValue,
            TenderName::Other => TenderKind::Other,
        }
    }
}

fn yes() -> bool {
    true
}

fn points_only() -> Vec<TenderName> {
    vec![TenderName::Points]
}

/// The most multipliers of a kind, and the highest of them.
const MOST: usize = 200;
const HIGHEST: Rate = Rate::whole(1000);

impl Config {
    pub(crate) fn check(&self) -> Result<(), Vec<ConfigProblem>> {
        let mut problems = self.when.problems("/when");
        let mut unless = |holds: bool, pointer: String, remedy: &str| {
            if !holds {
                problems.push(ConfigProblem::at(pointer, remedy));
            }
        };
        unless(
            self.points_per.spend.is_positive(),
            "/points_per/spend".into(),
            "must be 1 or more",
        );
        unless(
            self.points_per.points.is_positive(),
            "/points_per/points".into(),
            "must be 1 or more",
        );
        unless(
            !self.minimum.is_negative(),
            "/minimum".into(),
            "must be 0 or more",
        );
        unless(
            self.pending_days <= 3650,
            "/pending_days".into(),
            "must be 3650 or less",
        );
        unless(
            self.expire_after_days.is_none_or(|days| days <= 36500),
            "/expire_after_days".into(),
            "must be 36500 or less",
        );
        unless(
            self.categories.len() <= MOST,
            "/categories".into(),
            "must have at most 200 entries",
        );
        unless(
            self.tags.len() <= MOST,
            "/tags".into(),
            "must have at most 200 entries",
        );
        for (position, entry) in self.categories.iter().enumerate() {
            let at = |field: &str| format!("/categories/{position}/{field}");
            let path = &entry.category;
            let well_formed = !path.is_empty() && path.split('/').all(|part| !part.is_empty());
            unless(
                well_formed,
                at("category"),
                "must be a path such as drinks/coffee",
            );
            unless(
                in_range(entry.multiplier),
                at("multiplier"),
                "must be between 0 and 1000",
            );
            let new = self
                .categories
                .iter()
                .take(position)
                .all(|other| other.category != *path);
            unless(new, at("category"), "stands twice; leave one of them out");
        }
        for (position, entry) in self.tags.iter().enumerate() {
            let at = |field: &str| format!("/tags/{position}/{field}");
            unless(!entry.tag.is_empty(), at("tag"), "must not be empty");
            unless(
                in_range(entry.multiplier),
                at("multiplier"),
                "must be between 0 and 1000",
            );
            let new = self
                .tags
                .iter()
                .take(position)
                .all(|other| other.tag != entry.tag);
            unless(new, at("tag"), "stands twice; leave one of them out");
        }
        if problems.is_empty() {
            Ok(())
        } else {
            Err(problems)
        }
    }

    /// What a line's money counts for.
    pub(crate) fn multiplier(&self, line: &LineView<'_>) -> Result<Rate, Overflow> {
        let mut found: Option<Rate> = None;
        let mut join = |multiplier: Rate| {
            found = Some(match (found, self.combine) {
                (None, _) => multiplier,
                (Some(before), _) if before.is_zero() || multiplier.is_zero() => Rate::ZERO,
                (Some(before), Combine::Highest) => before.max(multiplier),
                (Some(before), Combine::Multiply) => before.times(multiplier)?,
            });
            Ok::<(), Overflow>(())
        };
        let containing = self
            .categories
            .iter()
            .filter(|entry| line.is_in_category(&entry.category));
        if let Some(entry) = containing.max_by_key(|entry| entry.category.len()) {
            join(entry.multiplier)?;
        }
        if !self.tags.is_empty() {
            for entry in self.tags.iter().filter(|entry| line.has_tag(&entry.tag)) {
                join(entry.multiplier)?;
            }
        }
        Ok(found.unwrap_or(Rate::ONE))
    }

    /// The part of a line's money that can earn.
    pub(crate) fn money(
        &self,
        line: &LineView<'_>,
        prices_include_tax: bool,
    ) -> Result<Money, Overflow> {
        match (self.earn_on, prices_include_tax) {
            (EarnOn::Gross, true) | (EarnOn::Net, false) => Ok(line.money()),
            (EarnOn::Gross, false) => line.money().checked_add(Money(line.tax)),
            (EarnOn::Net, true) => line.money().checked_sub(Money(line.tax)),
        }
    }

    /// The share of the order that is not paid with excluded tenders.
    pub(crate) fn share(&self, facts: &Facts) -> Result<Rate, Overflow> {
        if facts.amount <= 0 {
            return Ok(Rate::ONE);
        }
        let mut left = Money(facts.amount);
        for tender in &self.excluded_tenders {
            left = left.checked_sub(facts.tendered(tender.kind()))?;
        }
        Ok(Rate::new(left.0.clamp(0, facts.amount), facts.amount).unwrap_or(Rate::ONE))
    }

    /// How much of some money counts toward the minimum.
    pub(crate) fn counted(&self, money: Money, facts: &Facts) -> Result<Money, Overflow> {
        money.mul_rate(self.share(facts)?, Rounding::Down)
    }

    pub(crate) fn tier_rate(&self, facts: &Facts) -> Rate {
        if self.tier_multiplier {
            facts.member.multiplier().max(Rate::ZERO)
        } else {
            Rate::ONE
        }
    }
}

fn in_range(multiplier: Rate) -> bool {
    Rate::ZERO <= multiplier && multiplier <= HIGHEST
}
