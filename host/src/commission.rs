//! What people earn for selling, topping up and enrolling.
//!
//! A commission is a leg of the very entry that earned it, on the account `commission/<staff>/<store>` with the store's
//! cost on the other side, because it is the store that pays its people: so it is there exactly when its sale is, a reversal of the entry takes it along, and the books say
//! what each person is owed without a table beside them. Which rule gave what for which line stands in the order's
//! document, where a refund finds it.

use std::collections::BTreeMap;

use crate::access::Principal;
use crate::checkout::CheckoutError;
use crate::checkout::request::{QuoteRequest, Salesperson};
use crate::domain::commission::{self, CommissionOn, CommissionRecord, Sellers};
use crate::domain::ledger::{Command, Refusal, Step, Subject};
use crate::domain::order::OrderDocument;
use crate::host::Host;
use crate::snapshot::Place;
use crate::store;

/// Salespeople of one sale.
const MOST: usize = 10;
/// Greatest share of one of them.
const MOST_SHARES: i64 = 1_000;
/// Owner of a person's commission, before his id.
pub const OWED_TO: &str = "commission/";
/// Counts the commission for a member's enrolment.
const ENROLLED: &str = "commission/enrolment";

/// Works out what a priced sale earns whom.
///
/// # Errors
/// [`CheckoutError::Salesperson`] for one who does not work in this store.
pub async fn earned(
    host: &Host,
    caller: &Principal,
    place: &Place,
    request: &QuoteRequest,
    document: &OrderDocument,
) -> Result<Vec<CommissionRecord>, CheckoutError> {
    checked(host, place, request).await?;
    let rules = &place.settings.commission;
    if rules.is_empty() {
        return Ok(Vec::new());
    }
    let of_sale: Sellers = match &request.salespeople[..] {
        [] => caller
            .staff
            .iter()
            .map(|staff| (staff.id.clone(), 1))
            .collect(),
        named => named
            .iter()
            .map(|one| (one.staff.clone(), one.share))
            .collect(),
    };
    let of_line = |at: usize| {
        let own = request
            .lines
            .get(at)
            .and_then(|line| line.salesperson.as_ref());
        own.map_or_else(|| of_sale.clone(), |staff| vec![(staff.clone(), 1)])
    };
    let sellers: Vec<Sellers> = (0..document.lines.len()).map(of_line).collect();
    Ok(commission::of_sale(rules, &document.lines, &sellers)?)
}

/// Whether whoever is named as a salesperson works here.
async fn checked(host: &Host, place: &Place, request: &QuoteRequest) -> Result<(), CheckoutError> {
    let refused = |at: String| Err(CheckoutError::Salesperson(at));
    if request.salespeople.len() > MOST {
        return refused("/salespeople".to_owned());
    }
    let mut named: BTreeMap<&str, String> = BTreeMap::new();
    for (at, Salesperson { staff, share }) in request.salespeople.iter().enumerate() {
        if !(1..=MOST_SHARES).contains(share) {
            return refused(format!("/salespeople/{at}/share"));
        }
        let place = format!("/salespeople/{at}/staff");
        if named.insert(staff, place.clone()).is_some() {
            return refused(place);
        }
    }
    for (at, line) in request.lines.iter().enumerate() {
        if let Some(staff) = &line.salesperson {
            let place = || format!("/lines/{at}/salesperson");
            named.entry(staff).or_insert_with(place);
        }
    }
    if named.is_empty() {
        return Ok(());
    }
    let mut conn = host.db.read().await?;
    for (staff, at) in named {
        let known = store::staff::staff(&mut conn, staff).await?;
        let works_here = known.is_some_and(|staff| {
            staff.active && staff.store.is_none_or(|store| store == place.store.id)
        });
        if !works_here {
            return refused(at);
        }
    }
    Ok(())
}

/// The legs that owe people their commission, and the store's cost of it.
///
/// # Errors
/// When an amount leaves the range of 64 bits.
pub fn owed<'a>(
    store: &str,
    currency: &str,
    parts: impl Iterator<Item = (&'a str, i64)>,
) -> Result<Vec<Step>, CheckoutError> {
    let mut sums: BTreeMap<&str, i64> = BTreeMap::new();
    let mut cost = 0_i64;
    let overflow = || CheckoutError::Overflow(tessera_money::Overflow);
    for (staff, amount) in parts {
        let sum = sums.entry(staff).or_default();
        *sum = sum.checked_add(amount).ok_or_else(overflow)?;
        cost = cost.checked_sub(amount).ok_or_else(overflow)?;
    }
    let own = sums
        .into_iter()
        .map(|(staff, sum)| (format!("{OWED_TO}{staff}/{store}"), sum));
    let legs = own.chain([(format!("commission-cost/{store}"), cost)]);
    let step = |(name, amount)| Step::System {
        name,
        asset: currency.to_owned(),
        amount,
    };
    Ok(legs.filter(|(_, amount)| *amount != 0).map(step).collect())
}

/// The legs for something other than a sale, to who is on duty.
///
/// # Errors
/// When an amount leaves the range of 64 bits.
pub fn owed_for(
    caller: &Principal,
    place: &Place,
    on: CommissionOn,
    sum: i64,
) -> Result<Vec<Step>, CheckoutError> {
    let Some(staff) = &caller.staff else {
        return Ok(Vec::new());
    };
    let amount = commission::of_event(&place.settings.commission, on, sum)?;
    let parts = [(staff.id.as_str(), amount)];
    owed(&place.store.id, &place.store.currency, parts.into_iter())
}

/// Owes who is on duty what a new member earns: once per member, also where the request comes again because its
/// answer was lost.
///
/// # Errors
/// When the ledger cannot be written.
pub async fn enrolled(
    host: &Host,
    caller: &Principal,
    member: &str,
    store: &str,
) -> Result<(), CheckoutError> {
    let snapshot = host.snapshots.current();
    let Some(place) = snapshot.and_then(|snapshot| snapshot.place(store)) else {
        return Ok(());
    };
    let legs = owed_for(caller, &place, CommissionOn::Enrolment, 0)?;
    if legs.is_empty() {
        return Ok(());
    }
    let now = host.clock.now();
    let subject = Subject::new("member", member);
    let mut command = Command::new("commission", subject, now, place.day(now));
    command.steps.push(Step::Counter {
        owner: member.to_owned(),
        name: ENROLLED.to_owned(),
        change: 1,
        limit: Some(1),
        floor: None,
        enforce: true,
    });
    command.steps.extend(legs);
    match host.writer.submit(command).await {
        Ok(_) | Err(Refusal::CounterLimit { .. }) => Ok(()),
        Err(refusal) => Err(refusal.into()),
    }
}
