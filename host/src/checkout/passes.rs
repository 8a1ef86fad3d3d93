//! Passes at the till: which lines uses of one pay for, and what a member has of them.

use std::collections::BTreeMap;

use crate::domain::basket::{Basket, BasketLine};
use crate::domain::ledger::{AccountKey, AccountName, Lot, Refusal};
use crate::domain::pass::{PassTerms, PassUse, pass_asset};
use crate::host::Host;
use crate::snapshot::{Mark, Place};
use crate::store::db::Conn;
use crate::store::error::StoreError;
use crate::store::lots;
use crate::store::members::KnownMember;
use crate::store::products::Product;

use super::error::CheckoutError;
use super::request::{PassRequest, QuoteRequest};
use super::situation::{Situation, find_member};

/// The terms of the pass a product is.
///
/// # Errors
/// When they are not what was stored.
pub fn terms(product: &Product) -> Result<Option<PassTerms>, StoreError> {
    let read = |text: &String| serde_json::from_str(text);
    let terms = product.pass.as_ref().map(read).transpose();
    terms.map_err(StoreError::stored("reading the terms of a pass"))
}

/// Terms as they are stored.
pub fn text(terms: &PassTerms) -> String {
    // Numbers and texts alone: this encodes.
    serde_json::to_string(terms).unwrap_or_default()
}

/// Lets passes pay for the lines that ask for it.
pub(super) struct Payer<'a> {
    pub host: &'a Host,
    pub place: &'a Place,
    pub buyer: Option<&'a KnownMember>,
}

impl Payer<'_> {
    pub async fn pay(
        &self,
        conn: &mut Conn,
        request: &QuoteRequest,
        basket: &mut Basket,
    ) -> Result<(), CheckoutError> {
        let asked = request.lines.iter().zip(&mut basket.lines).enumerate();
        for (position, (asked, line)) in asked {
            if let Some(pass) = &asked.pass {
                let at = format!("/lines/{position}/pass");
                line.pass = Some(self.pay_for(conn, pass, line, at).await?);
            }
        }
        Ok(())
    }

    async fn pay_for(
        &self,
        conn: &mut Conn,
        asked: &PassRequest,
        line: &BasketLine,
        at: String,
    ) -> Result<PassUse, CheckoutError> {
        let mark = Mark::Id(asked.product.clone());
        let product = self.host.snapshots.product(&self.host.db, &mark).await?;
        let product = product.ok_or_else(|| CheckoutError::ProductUnknown {
            at: format!("{at}/product"),
            id: asked.product.clone(),
        })?;
        let (owner, buyer) = (asked.of.as_ref(), self.buyer);
        let buyer = buyer.map(|buyer| buyer.member.id.as_str());
        let member = match owner {
            Some(owner) => Some(find_member(self.host, conn, owner).await?.member.id),
            None => buyer.map(str::to_owned),
        };
        let unfit = |why| CheckoutError::PassUnfit { at, why };
        let Some(terms) = terms(&product)? else {
            return Err(unfit("the product is no pass"));
        };
        let covered = line.product.as_deref();
        if !covered.is_some_and(|product| terms.covers(product, &line.category)) {
            return Err(unfit("it does not cover this product"));
        }
        if !terms.is_used_in(&self.place.store.id) || product.currency != self.place.store.currency
        {
            return Err(unfit("it is not used in this store"));
        }
        if line.sells.is_some() || line.priced_by_till || line.quantity % 1_000 != 0 {
            return Err(unfit(
                "it pays for whole pieces at the chain's price, and for no pass",
            ));
        }
        let Some(member) = member else {
            return Err(unfit("it is a member's; name him"));
        };
        if Some(member.as_str()) != buyer && !terms.shareable {
            return Err(unfit("it is its owner's alone"));
        }
        Ok(PassUse {
            pass: asked.product.clone(),
            member,
            uses: line.quantity / 1_000,
            most_per_day: terms.most_per_day,
            unlimited: terms.is_unlimited(),
        })
    }
}

/// Tells a till at the quote what the commit would refuse: a pass sold to nobody, or more uses than there are.
///
/// # Errors
/// What is missing.
pub(super) async fn check(host: &Host, situation: &Situation) -> Result<(), CheckoutError> {
    let lines = &situation.basket.lines;
    if situation.member.is_none() && lines.iter().any(|line| line.sells.is_some()) {
        return Err(CheckoutError::PassNeedsMember);
    }
    let mut needed: BTreeMap<(&str, &str), i64> = BTreeMap::new();
    for used in lines.iter().filter_map(|line| line.pass.as_ref()) {
        let sum = needed.entry((&used.member, &used.pass)).or_insert(0);
        *sum = sum.saturating_add(used.uses);
    }
    if needed.is_empty() {
        return Ok(());
    }
    let mut conn = host.db.read().await?;
    for ((member, pass), needed) in needed {
        let account = AccountKey::new(member, AccountName::Pass, pass_asset(pass));
        let id = account.id();
        let open = lots::open_lots(&mut conn, member).await?;
        let good = |lot: &&Lot| lot.account == id && lot.is_good_on(situation.day);
        if open.iter().filter(good).any(|lot| lot.first_day.is_some()) {
            continue;
        }
        let left = open.iter().filter(good).map(|lot| lot.remaining);
        let available = left.fold(0, i64::saturating_add);
        if available < needed {
            return Err(CheckoutError::Ledger(Refusal::InsufficientBalance {
                account: id,
                needed,
                available,
            }));
        }
    }
    Ok(())
}
