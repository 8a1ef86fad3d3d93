//! Loading what a batch touches, in as few reads as its kinds of rows.

use std::collections::HashMap;

use crate::domain::ledger::{
    Account, Command, HoldState, OrderKey, State, Touches, system_account,
};
use crate::store::bulk::{Bulk, Cell, Kind};
use crate::store::db::Conn;
use crate::store::error::StoreError;
use crate::store::{counters, coupons, holds, lots, operations, orders};

/// Keys that are rarely found, all in one look-up.
const PROBE: Bulk = Bulk {
    doing: "looking for used keys",
    text: "WITH v (what, a, b) AS ({rows})
        SELECT v.what, v.a, v.b, o.key FROM v JOIN operations o ON o.key = v.a WHERE v.what = 'operation'
        UNION ALL SELECT v.what, v.a, v.b, o.id FROM v JOIN orders o ON o.quote_id = v.a WHERE v.what = 'quote'
        UNION ALL SELECT 'held', v.a, v.b, h.id FROM v JOIN holds h ON h.quote_id = v.a WHERE v.what = 'quote'
        UNION ALL SELECT v.what, v.a, v.b, o.id FROM v JOIN orders o ON o.receipt_code = v.a WHERE v.what = 'receipt'
        UNION ALL SELECT v.what, v.a, v.b, o.id FROM v JOIN orders o ON o.store = v.a AND o.external_id = v.b
            WHERE v.what = 'external'",
    columns: &[Kind::Text, Kind::Text, Kind::Text],
};

const ACCOUNTS: Bulk = Bulk {
    doing: "loading accounts",
    text: "WITH v (id) AS ({rows})
        SELECT a.id, a.asset, a.balance, a.version FROM v JOIN accounts a ON a.id = v.id",
    columns: &[Kind::Text],
};

const REFUNDABLES: Bulk = Bulk {
    doing: "loading what can be refunded",
    text: "WITH v (id) AS ({rows})
        SELECT r.order_id, r.sequence, r.lines, r.tenders FROM v JOIN refundables r ON r.order_id = v.id",
    columns: &[Kind::Text],
};

/// The state the commands need. System accounts come from `shards`, which is filled up on the way.
pub(super) async fn state(
    conn: &mut Conn,
    writer: &str,
    shards: &mut HashMap<String, Account>,
    commands: &[&Command],
) -> Result<State, StoreError> {
    let mut touches = Touches::default();
    for command in commands {
        touches.add(command);
    }
    let mut state = State::default();
    probe(conn, &mut touches, &mut state).await?;
    for hold in holds::load(conn, texts(&touches.holds)).await? {
        if hold.state == HoldState::Pending {
            touches.add_hold(&hold);
        }
        state.put_hold(hold);
    }
    accounts(conn, writer, shards, &touches, &mut state).await?;
    for lot in lots::load_open(conn, texts(&touches.lots_of_members)).await? {
        state.put_lot(lot);
    }
    for lot in lots::load(conn, texts(&touches.lots)).await? {
        state.put_lot(lot);
    }
    for coupon in coupons::load(conn, texts(&touches.coupons)).await? {
        state.coupons.insert(coupon.code.clone(), coupon);
    }
    state.counters = counters::load(conn, &touches.counters).await?;
    refundables(conn, &touches, &mut state).await?;
    Ok(state)
}

fn texts<'a>(ids: impl IntoIterator<Item = &'a String>) -> Vec<Cell> {
    ids.into_iter().cloned().map(Cell::Text).collect()
}

async fn probe(
    conn: &mut Conn,
    touches: &mut Touches,
    state: &mut State,
) -> Result<(), StoreError> {
    let mut cells = Vec::new();
    let mut ask = |what: &str, a: &str, b: &str| {
        cells.extend([what, a, b].map(|text| Cell::Text(text.to_owned())));
    };
    for key in &touches.operations {
        ask("operation", key, "");
    }
    for quote in &touches.quotes {
        ask("quote", quote, "");
    }
    for key in &touches.order_keys {
        match key {
            OrderKey::Quote(_) => {}
            OrderKey::Receipt(code) => ask("receipt", code, ""),
            OrderKey::External { store, id } => ask("external", store, id),
        }
    }
    let found: Vec<(String, String, String, String)> = PROBE.fetch(conn, cells).await?;
    let mut used = Vec::new();
    for (what, a, b, id) in found {
        match what.as_str() {
            "operation" => used.push(id),
            "quote" => {
                state.order_keys.insert(OrderKey::Quote(a), id);
            }
            "receipt" => {
                state.order_keys.insert(OrderKey::Receipt(a), id);
            }
            "external" => {
                state
                    .order_keys
                    .insert(OrderKey::External { store: a, id: b }, id);
            }
            _ => {
                touches.holds.insert(id);
            }
        }
    }
    if !used.is_empty() {
        state.operations = operations::load(conn, used).await?;
    }
    Ok(())
}

async fn accounts(
    conn: &mut Conn,
    writer: &str,
    shards: &mut HashMap<String, Account>,
    touches: &Touches,
    state: &mut State,
) -> Result<(), StoreError> {
    let system: Vec<String> = touches
        .system
        .iter()
        .map(|(name, asset)| system_account(name, asset, writer))
        .collect();
    let mut cells = texts(&touches.accounts);
    cells.extend(texts(system.iter().filter(|id| !shards.contains_key(*id))));
    let rows: Vec<(String, String, i64, i64)> = ACCOUNTS.fetch(conn, cells).await?;
    for (id, asset, balance, version) in rows {
        let account = Account {
            asset,
            balance,
            version,
            base: version,
        };
        if system.contains(&id) {
            shards.insert(id.clone(), account);
        } else {
            state.accounts.insert(id, account);
        }
    }
    for id in system {
        if let Some(account) = shards.get(&id) {
            state.accounts.insert(id, account.clone());
        }
    }
    Ok(())
}

async fn refundables(
    conn: &mut Conn,
    touches: &Touches,
    state: &mut State,
) -> Result<(), StoreError> {
    let rows: Vec<(String, i64, String, String)> =
        REFUNDABLES.fetch(conn, texts(&touches.refundables)).await?;
    for (order, sequence, lines, tenders) in rows {
        let refundable = orders::refundable(sequence, &lines, &tenders)?;
        state.refundables.insert(order, refundable);
    }
    Ok(())
}
