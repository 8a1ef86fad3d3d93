//! What configurations of rules name: goods, programs, stores, regions, tiers, and the bindings that honour coupons.
//!
//! A key says by its name what its texts refer to. Where nobody can know yet what there will be (no goods, no tier
//! rule), nothing is refused and a note says so.

use std::collections::{BTreeSet, HashSet};

use serde_json::Value;

use super::{Ground, InForce};
use crate::declaration::document::At;
use crate::declaration::fault::{Fault, Wrong};
use crate::declaration::source::push;
use crate::domain::rules::RuleKind;
use crate::plugins::catalog::Snapshot as Plugins;
use crate::store::{Conn, StoreError, members, products};

/// Tiers looked at beyond those of the tier rules.
const MOST_TIERS: i64 = 1_000;

/// Something a configuration refers to.
struct Named {
    at: At,
    what: &'static str,
    id: String,
}

/// What there is beside what declaration and chain tell.
struct Known<'a> {
    ground: &'a Ground<'a>,
    plugins: &'a Plugins,
    /// None where a declared binding was refused itself: nobody knows what it would have brought.
    bindings: Option<&'a [InForce]>,
    /// Of the products named, those there are; none while there are no goods.
    products: Option<HashSet<String>>,
    /// None while no tier rule says which there are.
    tiers: Option<BTreeSet<String>>,
}

/// Every reference of a declared configuration to something there is not. `bindings` are those that will be in force.
pub async fn references(
    ground: &Ground<'_>,
    plugins: &Plugins,
    conn: &mut Conn,
    bindings: &[InForce],
    notes: &mut Vec<String>,
) -> Result<Vec<Fault>, StoreError> {
    let named = named(ground);
    let declared = bindings.iter().filter(|bound| bound.at.is_some()).count();
    let whole = declared == ground.declaration.bindings.len();
    let known = Known {
        ground,
        plugins,
        bindings: whole.then_some(bindings),
        products: known_products(ground, conn, &named).await?,
        tiers: match tiers(bindings).filter(|_| whole) {
            Some(tiers) => Some(with_held(conn, tiers, &named).await?),
            None => None,
        },
    };
    known.note(&named, notes);
    let wrong = |named: Named| {
        let wrong = known.wrong(&named)?;
        Some(ground.fault(&named.at, wrong))
    };
    Ok(named.into_iter().filter_map(wrong).collect())
}

impl Known<'_> {
    fn wrong(&self, named: &Named) -> Option<Wrong> {
        let Named { what, id, .. } = named;
        let (declaration, live) = (self.ground.declaration, self.ground.live);
        let is_there = match *what {
            "category" => self.is_category(id),
            "product" => self.products.as_ref().is_none_or(|all| all.contains(id)),
            "tier" => self.tiers.as_ref().is_none_or(|all| all.contains(id)),
            "program" => {
                let declared = declaration.programs.iter().any(|item| item.value.id == *id);
                declared || live.programs.contains_key(id)
            }
            "store" => self.ground.stores.contains_key(id),
            "region" => {
                let declared = declaration.regions.iter().any(|item| item.value.id == *id);
                declared || live.regions.contains_key(id)
            }
            _ => return self.honouring(id),
        };
        let id = id.clone();
        (!is_there).then_some(Wrong::Unknown { what, id })
    }

    fn has_goods(&self) -> bool {
        !self.ground.live.categories.is_empty()
    }

    /// Whether goods of the category, or of one below it, are there or announced.
    fn is_category(&self, id: &str) -> bool {
        let announced = &self.ground.declaration.categories;
        let below = |known: &String| {
            let rest = known.strip_prefix(id);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        (!self.has_goods() && announced.is_empty())
            || self.ground.live.categories.iter().any(below)
            || announced.iter().any(below)
    }

    /// What is wrong with granting coupons that the binding of a name is to honour.
    fn honouring(&self, name: &str) -> Option<Wrong> {
        let of_name = |bound: &&InForce| bound.binding.name == name;
        let mut honouring = self.bindings?.iter().filter(of_name).peekable();
        if honouring.peek().is_none() {
            let (what, id) = ("binding", name.to_owned());
            return Some(Wrong::Unknown { what, id });
        }
        let takes_codes = honouring.any(|bound| self.takes_codes(bound));
        (!takes_codes).then(|| Wrong::TakesNoCodes(name.to_owned()))
    }

    /// Whether a binding answers only where one of its codes is presented. Of one whose plugin does not answer, nothing
    /// is said.
    fn takes_codes(&self, bound: &InForce) -> bool {
        let Some(plugin) = self.plugins.by_digest(&bound.binding.digest) else {
            return true;
        };
        let config = bound.config.as_deref().unwrap_or_default();
        let needs = plugin
            .validate_config(config)
            .and_then(|config| plugin.needs(&config));
        plugin.kind() == RuleKind::Promotion && needs.map_or(true, |needs| needs.preconditions.code)
    }

    /// Tells what could not be checked.
    fn note(&self, named: &[Named], notes: &mut Vec<String>) {
        let names = |what| named.iter().any(|named| named.what == what);
        let mut unchecked = Vec::new();
        if !self.has_goods() && self.ground.declaration.categories.is_empty() && names("category") {
            unchecked.push("categories");
        }
        if self.products.is_none() && names("product") {
            unchecked.push("products");
        }
        if !unchecked.is_empty() {
            let unchecked = unchecked.join(" and ");
            notes.push(format!(
                "there are no goods yet, so the {unchecked} that rules name are not checked"
            ));
        }
        if self.tiers.is_none() && names("tier") {
            let note = "no tier rule says which tiers there are, so the tiers that rules name are not checked";
            notes.push(note.to_owned());
        }
    }
}

/// Of the products named, those there are.
async fn known_products(
    ground: &Ground<'_>,
    conn: &mut Conn,
    named: &[Named],
) -> Result<Option<HashSet<String>>, StoreError> {
    if ground.live.categories.is_empty() {
        return Ok(None);
    }
    let products = named.iter().filter(|named| named.what == "product");
    // No id holds U+0000, which a database would not even be asked for.
    let ids: BTreeSet<&String> = products
        .map(|named| &named.id)
        .filter(|id| !id.contains('\0'))
        .collect();
    Ok(Some(
        products::known(conn, ids.into_iter().cloned().collect()).await?,
    ))
}

/// The tiers the tier rules know; none where there is no such rule, or one does not say.
fn tiers(bindings: &[InForce]) -> Option<BTreeSet<String>> {
    let rules = bindings.iter().filter(|bound| bound.binding.kind == "tier");
    let mut all = BTreeSet::new();
    for rule in rules {
        let config: Value = serde_json::from_str(rule.config.as_deref()?).ok()?;
        let tiers = config.get("tiers")?.as_array()?;
        let code = |tier: &Value| tier.get("code").unwrap_or(tier).as_str().map(str::to_owned);
        all.extend(tiers.iter().map(code).collect::<Option<Vec<_>>>()?);
    }
    (!all.is_empty()).then_some(all)
}

/// With the tiers members hold, whoever gave them, where a configuration names one that no rule knows.
async fn with_held(
    conn: &mut Conn,
    mut tiers: BTreeSet<String>,
    named: &[Named],
) -> Result<BTreeSet<String>, StoreError> {
    let mut asked = named.iter().filter(|named| named.what == "tier");
    if asked.any(|named| !tiers.contains(&named.id)) {
        tiers.extend(members::tiers(conn, MOST_TIERS).await?);
    }
    Ok(tiers)
}

/// Everything the declared configurations refer to.
fn named(ground: &Ground<'_>) -> Vec<Named> {
    let mut named = Vec::new();
    for item in &ground.declaration.bindings {
        let at = item.at.key("/config");
        let mut found = |what, id: &str, pointer: &str| {
            let (file, pointer) = (at.file, pointer.to_owned());
            named.push(Named {
                at: At { file, pointer },
                what,
                id: id.to_owned(),
            });
        };
        walk(
            &item.value.config,
            &mut at.pointer.clone(),
            None,
            &mut found,
        );
    }
    if let Some(settings) = &ground.declaration.settings {
        let caps = settings.value.discount_caps.iter().enumerate();
        named.extend(
            caps.filter(|(_, cap)| !cap.category.is_empty())
                .map(|(position, cap)| Named {
                    at: settings
                        .at
                        .key(&format!("/discount_caps/{position}/category")),
                    what: "category",
                    id: cap.category.clone(),
                }),
        );
    }
    named
}

/// Finds texts under keys that by their name refer to an object of the chain.
fn walk(
    value: &Value,
    pointer: &mut String,
    what: Option<&'static str>,
    found: &mut dyn FnMut(&'static str, &str, &str),
) {
    let length = pointer.len();
    match value {
        Value::String(text) => {
            if let Some(what) = what {
                found(what, text, pointer);
            }
        }
        Value::Array(items) => {
            for (position, item) in items.iter().enumerate() {
                push(pointer, &position.to_string());
                walk(item, pointer, what, found);
                pointer.truncate(length);
            }
        }
        Value::Object(fields) => {
            for (key, field) in fields {
                push(pointer, key);
                walk(field, pointer, refers_to(key), found);
                pointer.truncate(length);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn refers_to(key: &str) -> Option<&'static str> {
    match key {
        "category" | "categories" | "except_categories" => Some("category"),
        "product" | "products" | "except_products" => Some("product"),
        "tier" | "tiers" | "except_tiers" => Some("tier"),
        "program" | "programs" => Some("program"),
        "store" | "stores" => Some("store"),
        "region" | "regions" => Some("region"),
        // The one that honours the coupons a rule grants.
        "binding" => Some("binding"),
        _ => None,
    }
}
