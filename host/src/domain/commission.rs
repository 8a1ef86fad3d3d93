//! What people earn for what they sell: worked out from an order's lines, taken back in proportion with a refund.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tessera_money::{Overflow, Rate, Rounding, mul_div, mul_rate, split};

use super::order::{OrderLine, category_and_ancestors};
use super::refund::cumulative;

/// Rules of one chain.
const MOST_RULES: usize = 200;
/// Categories of one rule.
const MOST_CATEGORIES: usize = 50;
/// Thousandths in one unit.
const UNIT: i64 = 1_000;

/// What one thing earns whoever did it. All rules that fit add up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CommissionRule {
    /// Names the rule in the record of an order; unique.
    #[schemars(extend("examples" = ["coffee machines"]))]
    pub name: String,
    /// What earns it.
    pub on: CommissionOn,
    /// Of a sale: category paths, with what lies below them; every category when left out.
    #[serde(default)]
    #[schemars(extend("examples" = [["machines"]]))]
    pub categories: Vec<String>,
    /// Share of what a line came to after all discounts, without tax and however it was paid, or of a top-up's principal;
    /// rounded half-up, line by line.
    #[serde(default)]
    #[schemars(extend("examples" = ["2%"]))]
    pub share: Option<Rate>,
    /// Minor units instead: for a unit sold (part of a unit in proportion, rounded half-up), a top-up or a new member.
    #[serde(default)]
    #[schemars(range(min = 1), extend("examples" = [500]))]
    pub amount: Option<i64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CommissionOn {
    /// To the salespeople of the sale, or who was on duty.
    Sale,
    /// To who was on duty.
    TopUp,
    /// To who was on duty, once per member.
    Enrolment,
}

/// What one rule gave one person for one line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommissionRecord {
    pub rule: String,
    pub line: u32,
    /// Who earned it.
    pub staff: String,
    /// Minor units.
    pub amount: i64,
}

/// Part of a record that goes back with goods.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommissionReturn {
    /// Position among the document's commissions.
    pub commission: u32,
    pub amount: i64,
}

/// Who sold a line, with their shares.
pub type Sellers = Vec<(String, i64)>;

/// A rule that cannot be: its position, which key, and what helps.
pub type RuleFault = (usize, &'static str, &'static str);

/// Refuses rules nothing could be worked out by.
///
/// # Errors
/// The first rule at fault.
pub fn check(rules: &[CommissionRule]) -> Result<(), RuleFault> {
    if rules.len() > MOST_RULES {
        return Err((MOST_RULES, "commission.name", "name at most 200 rules"));
    }
    for (at, rule) in rules.iter().enumerate() {
        let again = rules[..at].iter().any(|other| other.name == rule.name);
        if rule.name.is_empty() || again {
            return Err((at, "commission.name", "give every rule a name of its own"));
        }
        let of_sale = rule.on == CommissionOn::Sale;
        if rule.categories.len() > MOST_CATEGORIES || !of_sale && !rule.categories.is_empty() {
            let remedy = "name at most 50 categories, and none where no goods are sold";
            return Err((at, "commission.categories", remedy));
        }
        let sound = match (rule.share, rule.amount) {
            (Some(share), None) => {
                rule.on != CommissionOn::Enrolment
                    && (1..=share.denominator()).contains(&share.numerator())
            }
            (None, Some(amount)) => (1..=super::basket::MAX_AMOUNT).contains(&amount),
            _ => false,
        };
        if !sound {
            let remedy = "give either a share above 0 and up to 1 (of a sale or top-up), or an amount above 0";
            return Err((at, "commission.share", remedy));
        }
    }
    Ok(())
}

impl CommissionRule {
    fn fits(&self, category: &str) -> bool {
        self.categories.is_empty()
            || category_and_ancestors(category).any(|one| self.categories.iter().any(|c| c == one))
    }

    /// What it gives for a sum of money, such as a top-up.
    fn of_sum(&self, sum: i64) -> Result<i64, Overflow> {
        match self.share {
            Some(share) => mul_rate(sum, share, Rounding::HalfUp),
            None => Ok(self.amount.unwrap_or(0)),
        }
    }

    fn of_line(&self, line: &OrderLine) -> Result<i64, Overflow> {
        match self.amount {
            Some(amount) => mul_div(amount, line.quantity, UNIT, Rounding::HalfUp),
            None => self.of_sum(line.net),
        }
    }
}

/// What the lines of a sale earn their sellers; `sellers` stand as the lines do. Parts of one rule and line sum by
/// largest remainder.
///
/// # Errors
/// When an amount leaves the range of 64 bits.
pub fn of_sale(
    rules: &[CommissionRule],
    lines: &[OrderLine],
    sellers: &[Sellers],
) -> Result<Vec<CommissionRecord>, Overflow> {
    let mut records = Vec::new();
    for (position, (line, sellers)) in lines.iter().zip(sellers).enumerate() {
        let shares: Vec<i64> = sellers.iter().map(|(_, share)| *share).collect();
        let of_sales = rules.iter().filter(|rule| rule.on == CommissionOn::Sale);
        for rule in of_sales.filter(|rule| rule.fits(&line.category)) {
            let parts = split(rule.of_line(line)?, &shares);
            let earned = sellers.iter().zip(parts).filter(|(_, part)| *part > 0);
            records.extend(earned.map(|((staff, _), amount)| CommissionRecord {
                rule: rule.name.clone(),
                // A basket has at most 500 lines.
                line: position as u32,
                staff: staff.clone(),
                amount,
            }));
        }
    }
    Ok(records)
}

/// What something other than a sale earns, of a sum of money where there is one.
///
/// # Errors
/// When an amount leaves the range of 64 bits.
pub fn of_event(rules: &[CommissionRule], on: CommissionOn, sum: i64) -> Result<i64, Overflow> {
    let fitting = rules.iter().filter(|rule| rule.on == on);
    fitting.into_iter().try_fold(0_i64, |total, rule| {
        total.checked_add(rule.of_sum(sum)?).ok_or(Overflow)
    })
}

/// What goes back of each record when the lines' returned quantities grow from `before` to `after`: any series of
/// parts sums to the whole.
///
/// # Errors
/// When a record names no line, or an amount leaves the range of 64 bits.
pub fn returned(
    records: &[CommissionRecord],
    lines: &[OrderLine],
    (before, after): (&[i64], &[i64]),
) -> Result<Vec<CommissionReturn>, Overflow> {
    let mut returns = Vec::new();
    for (position, record) in records.iter().enumerate() {
        let line = record.line as usize;
        let at = |quantities: &[i64]| {
            let (sold, back) = (lines.get(line), quantities.get(line));
            let (sold, back) = sold.zip(back).ok_or(Overflow)?;
            cumulative(record.amount, *back, sold.quantity)
        };
        let amount = at(after)? - at(before)?;
        if amount != 0 {
            returns.push(CommissionReturn {
                commission: position as u32,
                amount,
            });
        }
    }
    Ok(returns)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::order::PriceKind;
    use proptest::prelude::*;

    fn line(category: &str, quantity: i64, net: i64) -> OrderLine {
        OrderLine {
            product: None,
            name: "x".to_owned(),
            category: category.to_owned(),
            tags: Vec::new(),
            quantity,
            list_unit_price: 0,
            unit_price: 0,
            price: PriceKind::List,
            card_type: None,
            regular_amount: net,
            list_amount: net,
            discount: 0,
            amount: net,
            net,
            tax: 0,
            gross: net,
            tax_class: "standard".to_owned(),
            tax_rate: Rate::whole(0),
            pass_used: None,
            pass_sold: None,
        }
    }

    fn rule(categories: &[&str], share: Option<Rate>, amount: Option<i64>) -> CommissionRule {
        CommissionRule {
            name: format!("{categories:?} {share:?} {amount:?}"),
            on: CommissionOn::Sale,
            categories: categories.iter().map(|one| (*one).to_owned()).collect(),
            share,
            amount,
        }
    }

    fn sellers() -> Sellers {
        vec![("anna".to_owned(), 1), ("ben".to_owned(), 2)]
    }

    #[test]
    fn every_rule_that_fits_pays_and_the_parts_sum() {
        let rules = [
            rule(&[], Some(Rate::basis_points(1_000)), None),
            rule(&["machines"], None, Some(100)),
        ];
        let lines = [
            line("machines/coffee", 2_500, 1_005),
            line("drinks", 1_000, 5),
        ];
        let records = of_sale(&rules, &lines, &[sellers(), sellers()]).unwrap();
        // 10 % of 1005 is 101; 100 for each of two and a half; 10 % of 5 is 1.
        let of_line = |at: u32| {
            let own = records.iter().filter(move |record| record.line == at);
            own.map(|record| record.amount).sum::<i64>()
        };
        assert_eq!((of_line(0), of_line(1)), (101 + 250, 1));
        assert!(
            of_sale(&rules, &lines, &[Vec::new(), Vec::new()])
                .unwrap()
                .is_empty()
        );
    }

    #[test]
    fn rules_nothing_can_be_worked_out_by_are_refused() {
        let good = rule(&["a"], None, Some(1));
        assert_eq!(check(std::slice::from_ref(&good)), Ok(()));
        let two = [good.clone(), good.clone()];
        let wrong = [
            rule(&[], None, None),
            rule(&[], Some(Rate::basis_points(1)), Some(1)),
            rule(&[], Some(Rate::basis_points(10_001)), None),
            rule(&[], Some(Rate::whole(0)), None),
            rule(&[], None, Some(0)),
            CommissionRule {
                on: CommissionOn::TopUp,
                ..good
            },
        ];
        for wrong in wrong {
            assert!(check(std::slice::from_ref(&wrong)).is_err(), "{wrong:?}");
        }
        assert!(check(&two).is_err());
    }

    proptest! {
        #[test]
        fn whatever_comes_back_in_parts_ends_at_nothing(
            net in 0_i64..10_000_000,
            quantity in 1_i64..50_000,
            mut parts in prop::collection::vec(0_i64..50_000, 0..6),
        ) {
            let rules = [rule(&[], Some(Rate::basis_points(333)), None), rule(&[], None, Some(7))];
            let lines = [line("x", quantity, net)];
            let records = of_sale(&rules, &lines, &[sellers()]).unwrap();
            parts.iter_mut().for_each(|part| *part = (*part).min(quantity));
            parts.push(quantity);
            parts.sort_unstable();
            let (mut before, mut back) = (0, 0);
            for after in parts {
                let returns = returned(&records, &lines, (&[before], &[after])).unwrap();
                prop_assert!(returns.iter().all(|one| one.amount > 0));
                back += returns.iter().map(|one| one.amount).sum::<i64>();
                before = after;
            }
            prop_assert_eq!(back, records.iter().map(|record| record.amount).sum::<i64>());
        }
    }
}
