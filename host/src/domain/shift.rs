//! A till's shift: what its drawer should hold by what happened there, beside what was counted.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tessera_money::Overflow;

use super::basket::MAX_AMOUNT;

/// The tender a drawer holds.
pub const CASH: &str = "cash";
/// Kinds of coins and notes in one count.
const MOST_DENOMINATIONS: usize = 50;

/// Shifts of tills, with their cash.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ShiftTerms {
    /// Whether a terminal sells, refunds, tops up and pays out without an open shift. Default optional; `required` refuses
    /// it with `shift_needed`. A sale that already happened is recorded all the same, with an event.
    pub at_terminals: ShiftRule,
    /// Cash put into the drawer or taken out of it above so many minor units needs somebody who holds
    /// `move-cash-above-limit`. Default 0: always.
    #[schemars(range(min = 0))]
    pub cash_approval_above: i64,
    /// A closing whose differences come to more minor units needs a reason. Default 0: any difference does.
    #[schemars(range(min = 0))]
    pub reason_above: i64,
    /// A closing whose differences come to more minor units needs somebody who holds `close-with-difference`. Default 0: any
    /// difference does.
    #[schemars(range(min = 0))]
    pub approval_above: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ShiftRule {
    #[default]
    Optional,
    Required,
}

/// Minor units by tender; negative where money left the till.
pub type Tenders = BTreeMap<String, i64>;

/// What the movements of one kind came to.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct KindSum {
    /// How many there were.
    pub count: i64,
    pub tenders: Tenders,
}

/// By kind of movement: `sale`, `refund`, `top-up`, `withdrawal`, `reversal`, `cash-in`, `cash-out`.
pub type ShiftSums = BTreeMap<String, KindSum>;

/// Adds one movement.
///
/// # Errors
/// When an amount leaves the range of 64 bits.
pub fn add(sums: &mut ShiftSums, kind: &str, moved: &Tenders) -> Result<(), Overflow> {
    let sum = sums.entry(kind.to_owned()).or_default();
    sum.count = sum.count.checked_add(1).ok_or(Overflow)?;
    for (tender, amount) in moved {
        let total = sum.tenders.entry(tender.clone()).or_default();
        *total = total.checked_add(*amount).ok_or(Overflow)?;
    }
    Ok(())
}

/// What each tender should come to: the float and all that moved since.
///
/// # Errors
/// When an amount leaves the range of 64 bits.
pub fn expected(float: i64, sums: &ShiftSums) -> Result<Tenders, Overflow> {
    let mut expected = Tenders::from([(CASH.to_owned(), float)]);
    for (tender, amount) in sums.values().flat_map(|sum| &sum.tenders) {
        let total = expected.entry(tender.clone()).or_default();
        *total = total.checked_add(*amount).ok_or(Overflow)?;
    }
    Ok(expected)
}

/// So many coins or notes of one value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Denomination {
    /// Minor units.
    pub value: i64,
    pub count: i64,
}

/// What coins and notes come to; none where a value, a count or the sum is out of range, or a value is there twice.
pub fn counted(denominations: &[Denomination]) -> Option<i64> {
    if denominations.len() > MOST_DENOMINATIONS {
        return None;
    }
    let mut sum = 0_i64;
    for (at, Denomination { value, count }) in denominations.iter().enumerate() {
        let twice = denominations[..at]
            .iter()
            .any(|other| other.value == *value);
        if *value < 1 || *count < 0 || twice {
            return None;
        }
        sum = sum.checked_add(value.checked_mul(*count)?)?;
    }
    (sum <= MAX_AMOUNT).then_some(sum)
}

/// One tender at the closing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TenderCount {
    pub tender: String,
    /// Minor units there should be.
    pub expected: i64,
    /// Minor units there were; absent for a tender nobody counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counted: Option<i64>,
    /// Counted less expected: negative where something is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub difference: Option<i64>,
}

/// Sets what was counted beside what there should be, tender by tender.
///
/// # Errors
/// When an amount leaves the range of 64 bits.
pub fn compared(expected: &Tenders, counted: &Tenders) -> Result<Vec<TenderCount>, Overflow> {
    let mut names: Vec<&String> = expected.keys().chain(counted.keys()).collect();
    names.sort_unstable();
    names.dedup();
    let one = |tender: &String| {
        let should = expected.get(tender).copied().unwrap_or(0);
        let is = counted.get(tender).copied();
        let difference = is.map(|is| is.checked_sub(should).ok_or(Overflow));
        Ok(TenderCount {
            tender: tender.clone(),
            expected: should,
            counted: is,
            difference: difference.transpose()?,
        })
    };
    names.into_iter().map(one).collect()
}

/// What all differences come to, whichever way they go.
///
/// # Errors
/// When an amount leaves the range of 64 bits.
pub fn off_by(counts: &[TenderCount]) -> Result<i64, Overflow> {
    let mut differences = counts.iter().filter_map(|count| count.difference);
    differences.try_fold(0_i64, |sum, difference| {
        let size = difference.checked_abs().ok_or(Overflow)?;
        sum.checked_add(size).ok_or(Overflow)
    })
}

/// How a shift ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closing {
    pub tenders: Vec<TenderCount>,
    /// The coins and notes that were counted, where that was told.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub denominations: Vec<Denomination>,
    /// Sum of all differences, whichever way they go.
    pub off_by: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    pub closed_by: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved_by: Option<String>,
}

/// What people counted in a shift.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counts {
    /// Coins and notes of the float, where that was told.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub opening: Vec<Denomination>,
    /// None while it is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closing: Option<Closing>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moved(cash: i64, card: i64) -> Tenders {
        Tenders::from([(CASH.to_owned(), cash), ("card".to_owned(), card)])
    }

    #[test]
    fn the_drawer_should_hold_its_float_and_all_that_moved() {
        let mut sums = ShiftSums::new();
        add(&mut sums, "sale", &moved(1_200, 500)).unwrap();
        add(&mut sums, "sale", &moved(800, 0)).unwrap();
        add(&mut sums, "refund", &moved(-300, 0)).unwrap();
        assert_eq!(sums["sale"].count, 2);
        let expected = expected(10_000, &sums).unwrap();
        assert_eq!(expected, moved(11_700, 500));
        let counts = compared(&expected, &moved(11_650, 500)).unwrap();
        assert_eq!(off_by(&counts), Ok(50));
        let cash = counts.iter().find(|count| count.tender == CASH).unwrap();
        assert_eq!((cash.expected, cash.difference), (11_700, Some(-50)));
    }

    #[test]
    fn missing_and_surplus_do_not_hide_each_other() {
        let expected = moved(1_000, 1_000);
        let counts = compared(&expected, &moved(900, 1_100)).unwrap();
        assert_eq!(off_by(&counts), Ok(200));
        let cash_only = Tenders::from([(CASH.to_owned(), 1_000)]);
        let counts = compared(&expected, &cash_only).unwrap();
        assert_eq!(off_by(&counts), Ok(0));
    }

    #[test]
    fn coins_are_summed_exactly_or_not_at_all() {
        let pieces = |value, count| Denomination { value, count };
        assert_eq!(counted(&[pieces(10_000, 3), pieces(50, 7)]), Some(30_350));
        assert_eq!(counted(&[]), Some(0));
        for wrong in [
            vec![pieces(0, 1)],
            vec![pieces(100, -1)],
            vec![pieces(100, 1), pieces(100, 2)],
            vec![pieces(i64::MAX, 2)],
            vec![pieces(MAX_AMOUNT, 2)],
        ] {
            assert_eq!(counted(&wrong), None, "{wrong:?}");
        }
        let many: Vec<_> = (1..=51).map(|value| pieces(value, 1)).collect();
        assert_eq!(counted(&many), None);
    }
}
