//! Settlement with the stores of others: what each owes the chain or is owed, read off the ledger, put into one statement
//! and carried to what is to be paid (结算).
//!
//! A statement ties out to the cent: it says which versions of which accounts it read, and its lines are the sums of exactly
//! those postings. What comes meanwhile is in the next one.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::access::Principal;
use crate::checkout::{CheckoutError, Intent};
use crate::domain::ledger::{
    CLEARING, Clearing, Command, EventRow, Receipt, Record, Refusal, SettlementRow, Step, Subject,
};
use crate::domain::settlement::commission;
use crate::host::Host;
use crate::snapshot::Snapshot;
use crate::store::db::Conn;
use crate::store::settlements::{self, Shard};
use crate::store::{self, StoreError};
use crate::wallet::replayed;

const SETTLEMENT: &str = "settlement";
const REVERSAL: &str = "settlement-reversal";
/// Counts the reversals of a settlement.
const REVERSALS: &str = "reversals";
/// How often a settlement is worked out again because another came first.
const TRIES: usize = 32;

/// What is to be settled.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SettlementRequest {
    /// ISO 4217: what is due in it is settled.
    pub currency: String,
}

/// What a store owes and why. Amounts are minor units; negative ones the chain owes the store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StoreStatement {
    pub store: String,
    /// What it owes by kind of entry, such as `top-up`, `sale`, `refund`; a settlement that was reversed stands here too.
    pub lines: Vec<StatementLine>,
    /// The sum of the lines.
    pub due: i64,
    /// What the chain keeps of what it owes the store for its sales.
    pub commission: i64,
    /// What the store has to pay, `due` and `commission` together; negative: what it is paid.
    pub payable: i64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StatementLine {
    pub kind: String,
    pub amount: i64,
}

/// A settlement as it is kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statement {
    pub stores: Vec<StoreStatement>,
    /// Through which version each account was read.
    read: BTreeMap<String, i64>,
}

/// What is due now in a currency.
///
/// # Errors
/// When the database cannot be read.
pub async fn open(host: &Host, currency: &str) -> Result<Vec<StoreStatement>, CheckoutError> {
    let snapshot = host.snapshots.current().ok_or(CheckoutError::NoChain)?;
    let mut conn = host.db.read().await?;
    Ok(read(&mut conn, &snapshot, currency).await?.stores)
}

/// Settles what is due between the chain and all stores in a currency.
///
/// # Errors
/// [`CheckoutError::NothingToSettle`] where nothing is open, and what the ledger refuses.
pub async fn settle(
    host: &Arc<Host>,
    caller: &Principal,
    request: SettlementRequest,
    intent: Intent,
) -> Result<Receipt, CheckoutError> {
    if let Some(receipt) = replayed(host, &intent).await? {
        return Ok(receipt);
    }
    let snapshot = host.snapshots.current().ok_or(CheckoutError::NoChain)?;
    let turn = (
        format!("settlement/{}", request.currency),
        "number".to_owned(),
    );
    for _ in 0..TRIES {
        let mut conn = host.db.read().await?;
        // Read first: whoever settles between this and the statement is found out by it.
        let number = store::counters::values(&mut conn, std::slice::from_ref(&turn)).await?;
        let number = number.first().copied().unwrap_or(0);
        let statement = read(&mut conn, &snapshot, &request.currency).await?;
        drop(conn);
        if statement.stores.is_empty() {
            return Err(CheckoutError::NothingToSettle(request.currency));
        }
        let mut command = started(host, SETTLEMENT, &intent);
        command.steps.push(Step::TakeTurn {
            owner: turn.0.clone(),
            name: turn.1.clone(),
            number,
        });
        for store in &statement.stores {
            command.steps.extend(carried(store, &request.currency, 1)?);
        }
        let id = command.subject.id.clone();
        command.records.push(Record::Settlement(SettlementRow {
            id: id.clone(),
            currency: request.currency.clone(),
            number: number + 1,
            settled_by: caller.who().to_owned(),
            doc: serde_json::to_string(&statement)
                .map_err(|error| CheckoutError::Internal(error.to_string()))?,
        }));
        let told = serde_json::json!({
            "settlement": id, "currency": request.currency, "stores": statement.stores, "by": caller.who(),
        });
        command.records.push(event("chain.settled", &id, told));
        match host.writer.submit(command).await {
            Err(Refusal::TurnTaken { .. }) => {}
            end => return end.map_err(CheckoutError::Ledger),
        }
    }
    Err(CheckoutError::OrderContended)
}

/// Takes a settlement back: what it carried is due again, and stands in the next one.
///
/// # Errors
/// [`CheckoutError::SettlementUnknown`], [`CheckoutError::Reversed`], and what the ledger refuses.
pub async fn reverse(
    host: &Arc<Host>,
    caller: &Principal,
    id: &str,
    intent: Intent,
) -> Result<Receipt, CheckoutError> {
    if let Some(receipt) = replayed(host, &intent).await? {
        return Ok(receipt);
    }
    let found = settlements::settlement(&mut host.db.read().await?, id).await?;
    let settled = found.ok_or_else(|| CheckoutError::SettlementUnknown(id.to_owned()))?;
    let statement = kept(&settled.doc)?;
    let mut command = started(host, REVERSAL, &intent);
    let (owner, name) = reversals(id);
    command.steps.push(Step::Counter {
        owner: owner.clone(),
        name,
        change: 1,
        limit: Some(1),
        floor: None,
        enforce: true,
    });
    for store in &statement.stores {
        command.steps.extend(carried(store, &settled.currency, -1)?);
    }
    let told = serde_json::json!({ "settlement": id, "by": caller.who() });
    command
        .records
        .push(event("chain.settlement_reversed", id, told));
    let end = host.writer.submit(command).await;
    end.map_err(|refusal| match refusal {
        Refusal::CounterLimit { owner: of, .. } if of == owner => {
            CheckoutError::Reversed(id.to_owned())
        }
        refusal => CheckoutError::Ledger(refusal),
    })
}

/// The counter of a settlement's reversals.
pub fn reversals(id: &str) -> (String, String) {
    (format!("settlement/{id}"), REVERSALS.to_owned())
}

/// A settlement's statement as it was written.
///
/// # Errors
/// When it is not what was stored.
pub fn kept(doc: &str) -> Result<Statement, StoreError> {
    serde_json::from_str(doc).map_err(StoreError::stored("reading a settlement"))
}

fn started(host: &Host, kind: &str, intent: &Intent) -> Command {
    let now = host.clock.now();
    let day = crate::clock::business_day(now, chrono_tz::UTC);
    let subject = Subject::new(SETTLEMENT, uuid::Uuid::now_v7().to_string());
    let mut command = Command::new(kind, subject, now, day);
    command.operation = Some(intent.clone().into());
    command
}

fn event(kind: &str, subject: &str, told: serde_json::Value) -> Record {
    Record::Event(EventRow {
        kind: kind.to_owned(),
        subject: subject.to_owned(),
        store: None,
        payload: told.to_string(),
    })
}

/// Reads what every store owes since the last settlement.
async fn read(
    conn: &mut Conn,
    snapshot: &Snapshot,
    currency: &str,
) -> Result<Statement, CheckoutError> {
    let last = settlements::last(conn, currency).await?;
    let last = last.map(|last| kept(&last.doc)).transpose()?;
    let from = last.unwrap_or_default().read;
    let mut statement = Statement::default();
    let mut by_store: BTreeMap<String, Vec<Shard>> = BTreeMap::new();
    for shard in settlements::due(conn, currency).await? {
        statement.read.insert(shard.account.clone(), shard.version);
        by_store.entry(shard.store.clone()).or_default().push(shard);
    }
    for (store, shards) in by_store {
        let mut lines: BTreeMap<String, i64> = BTreeMap::new();
        let mut due = 0_i64;
        for shard in shards {
            due = due
                .checked_add(shard.balance)
                .ok_or(tessera_money::Overflow)?;
            let after = from.get(&shard.account).copied().unwrap_or(0);
            for (kind, amount) in
                settlements::moved(conn, &shard.account, (after, shard.version)).await?
            {
                let line = lines.entry(kind).or_default();
                *line = line.saturating_add(amount);
            }
        }
        // What the last settlement carried was read by it.
        lines.remove(SETTLEMENT);
        lines.retain(|_, amount| *amount != 0);
        let of = |kind: &str| lines.get(kind).copied().unwrap_or(0);
        let for_sales = of("sale").saturating_add(of("refund")).saturating_neg();
        let terms = snapshot
            .place(&store)
            .and_then(|place| place.settings.settlement.clone())
            .and_then(|terms| terms.of(&store).map(|terms| terms.commission));
        let commission = match terms {
            Some(share) => commission(for_sales, share)?,
            None => 0,
        };
        if lines.is_empty() && due == 0 {
            continue;
        }
        statement.stores.push(StoreStatement {
            lines: lines
                .into_iter()
                .map(|(kind, amount)| StatementLine { kind, amount })
                .collect(),
            payable: due.checked_add(commission).ok_or(tessera_money::Overflow)?,
            store,
            due,
            commission,
        });
    }
    Ok(statement)
}

/// The steps that carry what a store owes to what it has to pay; `sign` −1 carries it back.
fn carried(store: &StoreStatement, currency: &str, sign: i64) -> Result<Vec<Step>, CheckoutError> {
    let clearing = Clearing {
        store: store.store.clone(),
        currency: currency.to_owned(),
        points: false,
    };
    let legs = [
        (clearing.due(), -store.due),
        (CLEARING.to_owned(), store.due),
        (format!("settlement-fee/{}", store.store), -store.commission),
        ("settlement-fee".to_owned(), store.commission),
        (format!("payable/{}", store.store), store.payable),
        ("payable".to_owned(), -store.payable),
    ];
    Ok(legs
        .into_iter()
        .filter(|(_, amount)| *amount != 0)
        .map(|(name, amount)| Step::System {
            name,
            asset: currency.to_owned(),
            amount: amount * sign,
        })
        .collect())
}

/// The stores of a settlement the caller may see.
pub fn seen_by(caller: &Principal, stores: Vec<StoreStatement>) -> Vec<StoreStatement> {
    let own: BTreeSet<&str> = caller.store.iter().map(String::as_str).collect();
    let may = |store: &StoreStatement| own.is_empty() || own.contains(store.store.as_str());
    stores.into_iter().filter(may).collect()
}
