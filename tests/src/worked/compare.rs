//! What was expected beside what came, in words.

use std::collections::BTreeMap;
use std::fmt::Debug;

use serde_json::Value;

use super::words::{shown, written};
use super::{Back, Gives};

/// Everything about a case that is not as it was expected.
#[derive(Debug, Default)]
pub struct Differences(pub Vec<String>);

impl Differences {
    pub fn expect<T: Debug + PartialEq>(&mut self, what: &str, expected: &T, got: &T) {
        if expected != got {
            self.0
                .push(format!("{what}: expected {expected:?}, got {got:?}"));
        }
    }

    fn maybe<T: Debug + PartialEq>(
        &mut self,
        what: &str,
        expected: Option<&T>,
        got: impl FnOnce() -> T,
    ) {
        if let Some(expected) = expected {
            self.expect(what, expected, &got());
        }
    }

    /// Compares a quote or an order; `names` are programs by binding.
    pub fn sale(&mut self, gives: &Gives, sale: &Value, names: &BTreeMap<String, String>) {
        let totals = &sale["totals"];
        let texts = |list: &str, field: &str| -> Vec<String> {
            list_of(sale, list).map(|one| shown(&one[field])).collect()
        };
        self.maybe("lines", gives.lines.as_ref(), || texts("lines", "amount"));
        self.maybe("taken off", gives.off.as_ref(), || off(sale, names));
        for (what, expected, field) in [
            ("discount", &gives.discount, "discount"),
            ("total", &gives.total, "total"),
            ("tax", &gives.tax, "tax"),
            ("net", &gives.net, "net"),
            ("rounding", &gives.rounding, "rounding"),
            ("change", &gives.change, "change"),
        ] {
            self.maybe(what, expected.as_ref(), || shown(&totals[field]));
        }
        self.maybe("taxes", gives.taxes.as_ref(), || {
            let one = |tax: &Value| (text(&tax["class"]), shown(&tax["tax"]));
            list_of(sale, "taxes").map(one).collect()
        });
        self.maybe("tax of each line", gives.line_taxes.as_ref(), || {
            texts("lines", "tax")
        });
        self.maybe("tenders", gives.tenders.as_ref(), || tenders(sale));
        let number = |field: &str| totals[field].as_i64().unwrap_or(i64::MIN);
        self.maybe("points", gives.points.as_ref(), || number("points_earned"));
        self.maybe("points spent", gives.points_spent.as_ref(), || {
            number("points_spent")
        });
        self.maybe("expires", gives.expires.as_ref(), || {
            text(&sale["awards"][0]["expires_on"])
        });
        self.maybe("available", gives.available.as_ref(), || {
            text(&sale["awards"][0]["available_on"])
        });
        self.benefits(gives, sale, names);
    }

    fn benefits(&mut self, gives: &Gives, sale: &Value, names: &BTreeMap<String, String>) {
        let tier = &sale["tier"];
        self.maybe("tier", gives.tier.as_ref(), || text(&tier["after"]));
        self.maybe("tier until", gives.tier_until.as_ref(), || {
            text(&tier["valid_until"])
        });
        self.maybe(
            "missing for the next tier",
            gives.tier_missing.as_ref(),
            || tier["next"]["missing"].as_i64().unwrap_or(i64::MIN),
        );
        self.maybe("rewards", gives.rewards.as_ref(), || {
            let mut sums = BTreeMap::new();
            for reward in list_of(sale, "rewards") {
                *sums.entry(text(&reward["side"])).or_insert(0) +=
                    reward["points"].as_i64().unwrap_or(0);
            }
            sums
        });
        if let Some(near) = &gives.near {
            let told: Vec<String> = list_of(sale, "near_misses")
                .map(|miss| text(&miss["reason"]))
                .collect();
            let fits = told.len() == near.len()
                && told
                    .iter()
                    .zip(near)
                    .all(|(told, part)| told.contains(part));
            if !fits {
                self.0
                    .push(format!("near misses: expected {near:?}, got {told:?}"));
            }
        }
        self.maybe("codes used", gives.used.as_ref(), || {
            let used = list_of(sale, "codes").filter(|code| code["used"] == true);
            used.map(|code| text(&code["code"])).collect()
        });
        self.maybe("codes not used", gives.unused.as_ref(), || {
            let unused = list_of(sale, "codes").filter(|code| code["used"] == false);
            unused
                .map(|code| format!("{} {}", text(&code["code"]), text(&code["reason"])))
                .collect()
        });
        for (what, expected, list) in [
            ("passed over", &gives.passed_over, "passed_over"),
            ("skipped", &gives.skipped, "skipped"),
        ] {
            self.maybe(what, expected.as_ref(), || {
                list_of(sale, list).map(|one| named(one, names)).collect()
            });
        }
    }

    /// Compares a refund.
    pub fn refund(&mut self, back: &Back, refund: &Value) {
        for (what, expected, field) in [
            ("refunded", &back.total, "total"),
            ("kept back", &back.kept_back, "kept_back"),
            ("rounding of the refund", &back.rounding, "rounding"),
        ] {
            self.maybe(what, expected.as_ref(), || shown(&refund[field]));
        }
        self.maybe("tax refunded", back.tax.as_ref(), || {
            written(tax_of(refund))
        });
        self.maybe("tenders refunded", back.tenders.as_ref(), || {
            tenders(refund)
        });
        self.maybe("points taken back", back.points.as_ref(), || {
            refund["points_taken_back"].as_i64().unwrap_or(i64::MIN)
        });
        self.maybe("tier after the refund", back.tier.as_ref(), || {
            text(&refund["tier"]["after"])
        });
    }
}

/// Tax of the lines of a refund.
pub fn tax_of(refund: &Value) -> i64 {
    list_of(refund, "lines")
        .filter_map(|line| line["tax"].as_i64())
        .sum()
}

pub fn list_of<'a>(value: &'a Value, list: &str) -> impl Iterator<Item = &'a Value> {
    value[list].as_array().map_or(&[][..], Vec::as_slice).iter()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or("none").to_owned()
}

fn named(value: &Value, names: &BTreeMap<String, String>) -> String {
    let binding = text(&value["campaign"]["binding"]);
    names.get(&binding).cloned().unwrap_or(binding)
}

fn tenders(value: &Value) -> Vec<String> {
    let tender = |tender: &Value| format!("{} {}", text(&tender["kind"]), shown(&tender["amount"]));
    list_of(value, "tenders").map(tender).collect()
}

/// What each program took off, without those that took nothing.
fn off(sale: &Value, names: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let mut sums: BTreeMap<String, i64> = BTreeMap::new();
    for adjustment in list_of(sale, "adjustments") {
        *sums.entry(named(adjustment, names)).or_default() +=
            adjustment["applied"].as_i64().unwrap_or(0);
    }
    let written = |(name, sum): (String, i64)| (sum != 0).then(|| (name, written(sum)));
    sums.into_iter().filter_map(written).collect()
}
