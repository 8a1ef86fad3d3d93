//! What the customer brings to the till, after products were looked up and before anything is priced.
//!
//! [`Basket::validate`] is the one gate: behind it quantities are positive, prices are not negative and
//! every sum a later stage can build fits into 64 bits.

use serde::{Deserialize, Serialize};

use super::pass::{PassSold, PassUse};
use super::reserved::Reserved;
use super::rules::{Attribute, TenderKind};

/// Lines in one basket.
pub const MAX_LINES: usize = 500;
/// Codes presented at once.
pub const MAX_CODES: usize = 30;
/// Tenders of one sale.
pub const MAX_TENDERS: usize = 10;
/// Greatest amount of a line or tender in minor units; 500 of them with any tax fit into 64 bits.
pub const MAX_AMOUNT: i64 = 1_000_000_000_000;
/// Greatest quantity of a line in thousandths.
pub const MAX_QUANTITY: i64 = 1_000_000_000;
const MAX_TAGS: usize = 32;
/// Levels of a category path.
const MAX_LEVELS: usize = 10;
const MAX_ATTRIBUTES: usize = 32;
const MAX_TEXT: usize = 200;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Basket {
    /// ISO 4217.
    pub currency: String,
    /// Digits after the decimal point of that currency.
    pub currency_scale: u8,
    pub lines: Vec<BasketLine>,
    /// Coupon codes as they were scanned.
    #[serde(default)]
    pub codes: Vec<String>,
    /// How the customer means to pay; empty while that is open.
    #[serde(default)]
    pub tenders: Vec<TenderIntent>,
}

/// One line, resolved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BasketLine {
    /// Absent for an article the till priced itself.
    pub product: Option<String>,
    /// As printed on the receipt.
    pub name: String,
    /// Category path, root first, separated by `/`; empty when it has none.
    pub category: String,
    pub tags: Vec<String>,
    /// Thousandths of a unit.
    pub quantity: i64,
    /// Price of one whole unit, minor units: the list price or the till's own.
    pub unit_price: i64,
    /// Whether the price is the till's own and not the host's.
    pub priced_by_till: bool,
    /// Price of one whole unit for members, taken when there is a member and it is lower.
    pub member_price: Option<i64>,
    /// What the whole line costs at list price where that is fixed from outside (a barcode that carries
    /// its price); otherwise unit price × quantity.
    pub fixed_amount: Option<i64>,
    /// What one whole unit cost the store.
    pub cost: Option<i64>,
    pub tax_class: String,
    /// No discount takes one whole unit below this.
    pub floor_price: Option<i64>,
    pub attributes: Vec<Attribute>,
    /// What pays for the line instead of money.
    #[serde(default)]
    pub pass: Option<PassUse>,
    /// The pass or the membership its buyer gets.
    #[serde(default)]
    pub sells: Option<PassSold>,
    /// Whom it is kept for.
    #[serde(default)]
    pub reserved: Option<Reserved>,
}

/// One way the customer means to pay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TenderIntent {
    /// Cash, card, mobile or other.
    Money {
        kind: TenderKind,
        /// Minor units handed over; whatever is left to pay when absent.
        amount: Option<i64>,
        /// The payment provider's own reference.
        reference: Option<String>,
    },
    /// At most so many point-units.
    Points { points: i64 },
    /// At most so many minor units; as much as there is when absent.
    StoredValue { amount: Option<i64> },
}

impl TenderIntent {
    pub fn kind(&self) -> TenderKind {
        match self {
            Self::Money { kind, .. } => *kind,
            Self::Points { .. } => TenderKind::Points,
            Self::StoredValue { .. } => TenderKind::StoredValue,
        }
    }

    /// Whether the member's own points or stored value pay.
    pub fn spends_wallet(&self) -> bool {
        matches!(self, Self::Points { .. } | Self::StoredValue { .. })
    }
}

/// What is wrong with a basket, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the basket is refused at `{pointer}`: {problem}")]
pub struct BasketError {
    /// JSON Pointer into the basket.
    pub pointer: String,
    pub problem: BasketProblem,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BasketProblem {
    #[error("send at least one line")]
    NoLines,
    #[error("send at most {0} of them")]
    TooMany(usize),
    #[error("give a quantity above zero and at most 1000000 units")]
    Quantity,
    #[error("give an amount from 0 to 1000000000000 minor units")]
    Amount,
    #[error("the amounts together are more than this host can count; split the basket")]
    Overflow,
    #[error("use at most {MAX_TEXT} characters and no control characters")]
    Text,
    #[error("use a category path of at most {MAX_LEVELS} levels without a leading slash")]
    Category,
    #[error("pay with this kind once")]
    TenderTwice,
    #[error("name cash, card, mobile or other; points and stored value have their own form")]
    TenderKind,
    #[error("name each code once")]
    CodeTwice,
}

fn at(pointer: impl Into<String>, problem: BasketProblem) -> BasketError {
    BasketError {
        pointer: pointer.into(),
        problem,
    }
}

fn ensure(
    good: bool,
    pointer: impl FnOnce() -> String,
    problem: BasketProblem,
) -> Result<(), BasketError> {
    if good {
        Ok(())
    } else {
        Err(at(pointer(), problem))
    }
}

fn is_text(text: &str) -> bool {
    text.len() <= 4 * MAX_TEXT
        && text.chars().count() <= MAX_TEXT
        && !text.chars().any(char::is_control)
}

fn is_amount(amount: i64) -> bool {
    (0..=MAX_AMOUNT).contains(&amount)
}

impl Basket {
    /// No goods, where what is told is no sale or was settled before.
    pub fn of_nothing(currency: &str, currency_scale: u8) -> Self {
        Self {
            currency: currency.to_owned(),
            currency_scale,
            lines: Vec::new(),
            codes: Vec::new(),
            tenders: Vec::new(),
        }
    }

    /// Checks every number and list against the limits of this file.
    pub fn validate(&self) -> Result<(), BasketError> {
        ensure(
            !self.lines.is_empty(),
            || "/lines".into(),
            BasketProblem::NoLines,
        )?;
        ensure(
            self.lines.len() <= MAX_LINES,
            || "/lines".into(),
            BasketProblem::TooMany(MAX_LINES),
        )?;
        ensure(
            self.codes.len() <= MAX_CODES,
            || "/codes".into(),
            BasketProblem::TooMany(MAX_CODES),
        )?;
        ensure(
            self.tenders.len() <= MAX_TENDERS,
            || "/tenders".into(),
            BasketProblem::TooMany(MAX_TENDERS),
        )?;
        let mut total: i64 = 0;
        for (position, line) in self.lines.iter().enumerate() {
            let amount = line.validate(position)?;
            total = total
                .checked_add(amount)
                .filter(|sum| *sum <= MAX_AMOUNT)
                .ok_or_else(|| at(format!("/lines/{position}"), BasketProblem::Overflow))?;
        }
        for (position, code) in self.codes.iter().enumerate() {
            let pointer = || format!("/codes/{position}");
            ensure(
                !code.is_empty() && is_text(code),
                pointer,
                BasketProblem::Text,
            )?;
            ensure(
                !self.codes[..position].contains(code),
                pointer,
                BasketProblem::CodeTwice,
            )?;
        }
        self.tenders
            .iter()
            .enumerate()
            .try_for_each(|(position, tender)| self.validate_tender(position, tender))
    }

    fn validate_tender(&self, position: usize, tender: &TenderIntent) -> Result<(), BasketError> {
        let pointer = || format!("/tenders/{position}");
        let mut field = "amount";
        let amount = match tender {
            TenderIntent::Money {
                kind,
                amount,
                reference,
            } => {
                let money = !matches!(kind, TenderKind::Points | TenderKind::StoredValue);
                ensure(money, pointer, BasketProblem::TenderKind)?;
                let text = reference.as_deref().is_none_or(is_text);
                ensure(
                    text,
                    || format!("/tenders/{position}/reference"),
                    BasketProblem::Text,
                )?;
                amount.unwrap_or(0)
            }
            TenderIntent::Points { points } => {
                field = "points";
                *points
            }
            TenderIntent::StoredValue { amount } => amount.unwrap_or(0),
        };
        ensure(
            is_amount(amount),
            || format!("/tenders/{position}/{field}"),
            BasketProblem::Amount,
        )?;
        let once = matches!(
            tender.kind(),
            TenderKind::Cash | TenderKind::Points | TenderKind::StoredValue
        );
        let again = self.tenders[..position]
            .iter()
            .any(|other| other.kind() == tender.kind());
        ensure(!(once && again), pointer, BasketProblem::TenderTwice)
    }
}

impl BasketLine {
    /// Checks one line and answers an upper bound of its amount.
    fn validate(&self, position: usize) -> Result<i64, BasketError> {
        let field = |name: &str| format!("/lines/{position}/{name}");
        let sound = (1..=MAX_QUANTITY).contains(&self.quantity);
        ensure(sound, || field("quantity"), BasketProblem::Quantity)?;
        ensure(
            is_amount(self.unit_price),
            || field("unit_price"),
            BasketProblem::Amount,
        )?;
        for (name, amount) in [
            ("member_price", self.member_price),
            ("amount", self.fixed_amount),
            ("cost", self.cost),
            ("floor_price", self.floor_price),
        ] {
            ensure(
                amount.is_none_or(is_amount),
                || field(name),
                BasketProblem::Amount,
            )?;
        }
        for (name, text) in [
            ("name", &self.name),
            ("category", &self.category),
            ("tax_class", &self.tax_class),
        ] {
            ensure(is_text(text), || field(name), BasketProblem::Text)?;
        }
        ensure(
            self.tags.len() <= MAX_TAGS,
            || field("tags"),
            BasketProblem::TooMany(MAX_TAGS),
        )?;
        ensure(
            self.tags.iter().all(|tag| is_text(tag)),
            || field("tags"),
            BasketProblem::Text,
        )?;
        let levels = self.category.split('/').count();
        ensure(
            levels <= MAX_LEVELS && !self.category.starts_with('/'),
            || field("category"),
            BasketProblem::Category,
        )?;
        let few = self.attributes.len() <= MAX_ATTRIBUTES;
        ensure(
            few,
            || field("attributes"),
            BasketProblem::TooMany(MAX_ATTRIBUTES),
        )?;
        let by_price = i128::from(self.unit_price) * i128::from(self.quantity) / 1_000 + 1;
        let most = by_price.max(i128::from(self.fixed_amount.unwrap_or(0)));
        let most =
            i64::try_from(most).map_err(|_| at(field("quantity"), BasketProblem::Overflow))?;
        ensure(
            most <= MAX_AMOUNT,
            || field("quantity"),
            BasketProblem::Overflow,
        )?;
        Ok(most)
    }
}
