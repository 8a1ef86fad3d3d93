//! Loading what a batch touches, in one trip where the database is a server.

use std::collections::HashMap;

use crate::domain::ledger::{
    Account, Command, HoldState, OrderKey, State, Touches, system_account,
};
use crate::store::bulk::{Bulk, Cell, Kind};
use crate::store::db::Conn;
use crate::store::error::StoreError;
use crate::store::joined::Reading;
use crate::store::{counters, coupons, holds, lots, operations, orders, shifts};

/// Keys that are rarely found, all in one look-up: a till without a shift pays for no read of its own.
const PROBE: Bulk = Bulk {
    doing: "looking for used keys",
    text: "WITH v (what, a, b) AS ({rows})
        SELECT v.what, v.a, v.b, o.key FROM v JOIN operations o ON o.key = v.a WHERE v.what = 'operation'
        UNION ALL SELECT v.what, v.a, v.b, o.id FROM v JOIN orders o ON o.quote_id = v.a WHERE v.what = 'quote'
        UNION ALL SELECT v.what, v.a, v.b, o.id FROM v JOIN orders o ON o.receipt_code = v.a WHERE v.what = 'receipt'
        UNION ALL SELECT v.what, v.a, v.b, o.id FROM v JOIN orders o ON o.store = v.a AND o.external_id = v.b
            WHERE v.what = 'external'
        UNION ALL SELECT v.what, v.a, v.b, s.id FROM v JOIN shifts s ON s.terminal = v.a AND s.closed_at IS NULL
            WHERE v.what = 'terminal'",
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

/// Answers of [`PROBE`]: what was asked, its two keys, and what has it.
type Used = (String, String, String, String);
type AccountRow = (String, String, i64, i64);
type RefundableRow = (String, i64, String, String);

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
    read(conn, writer, shards, &touches, &mut state).await?;
    let mut of_holds = Touches::default();
    for hold in state.holds.values() {
        if hold.state == HoldState::Pending {
            of_holds.add_hold(hold);
        }
    }
    if of_holds != Touches::default() {
        read(conn, writer, shards, &of_holds, &mut state).await?;
    }
    Ok(state)
}

fn texts<'a>(ids: impl IntoIterator<Item = &'a String>) -> Vec<Cell> {
    ids.into_iter().cloned().map(Cell::Text).collect()
}

/// Reads what is touched. What the state has already stays as it was read first: an account's version vouches for
/// the lots that were read with it or after it.
async fn read(
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
    let mut accounts = texts(&touches.accounts);
    accounts.extend(texts(system.iter().filter(|id| !shards.contains_key(*id))));

    let mut reading = Reading::default();
    let used = reading.add(&PROBE, probed(touches));
    let held = [
        reading.add(&holds::BY_ID, texts(&touches.holds)),
        reading.add(&holds::BY_QUOTE, texts(&touches.quotes)),
    ];
    let accounts = reading.add(&ACCOUNTS, accounts);
    let of_members = [
        reading.add(&lots::OPEN, texts(&touches.lots_of_members)),
        reading.add(&lots::BY_ID, texts(&touches.lots)),
    ];
    let codes = reading.add(&coupons::BY_CODE, texts(&touches.coupons));
    let counted = reading.add(&counters::BY_KEY, counters::cells(&touches.counters));
    let refundables = reading.add(&REFUNDABLES, texts(&touches.refundables));
    let found = reading.fetch(conn).await?;

    note_used(conn, found.of(used)?, state).await?;
    for part in held {
        for row in found.of(part)? {
            state.put_hold(holds::hold(row)?);
        }
    }
    for row in found.of::<AccountRow>(accounts)? {
        let (id, asset, balance, version) = row;
        let account = Account {
            asset,
            balance,
            version,
            base: version,
        };
        if system.contains(&id) {
            shards.insert(id, account);
        } else {
            state.accounts.entry(id).or_insert(account);
        }
    }
    for id in system {
        if let Some(account) = shards.get(&id) {
            state.accounts.insert(id, account.clone());
        }
    }
    for part in of_members {
        for row in found.of(part)? {
            let lot = lots::lot(row)?;
            if state.lot(&lot.id).is_none() {
                state.put_lot(lot);
            }
        }
    }
    for row in found.of(codes)? {
        let coupon = coupons::coupon(row)?;
        state.coupons.entry(coupon.code.clone()).or_insert(coupon);
    }
    for row in found.of(counted)? {
        let (key, counter) = counters::counter(row);
        state.counters.entry(key).or_insert(counter);
    }
    for row in found.of::<RefundableRow>(refundables)? {
        let (order, sequence, lines, tenders) = row;
        let refundable = orders::refundable(sequence, &lines, &tenders)?;
        state.refundables.entry(order).or_insert(refundable);
    }
    Ok(())
}

/// The cells of [`PROBE`].
fn probed(touches: &Touches) -> Vec<Cell> {
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
    for terminal in &touches.terminals {
        ask("terminal", terminal, "");
    }
    for key in &touches.order_keys {
        match key {
            OrderKey::Quote(_) => {}
            OrderKey::Receipt(code) => ask("receipt", code, ""),
            OrderKey::External { store, id } => ask("external", store, id),
        }
    }
    cells
}

async fn note_used(conn: &mut Conn, used: Vec<Used>, state: &mut State) -> Result<(), StoreError> {
    let (mut operations, mut open) = (Vec::new(), Vec::new());
    for (what, a, b, id) in used {
        let key = match what.as_str() {
            "operation" => {
                operations.push(id);
                continue;
            }
            "terminal" => {
                open.push(Cell::Text(id));
                continue;
            }
            "quote" => OrderKey::Quote(a),
            "receipt" => OrderKey::Receipt(a),
            _ => OrderKey::External { store: a, id: b },
        };
        state.order_keys.insert(key, id);
    }
    if !operations.is_empty() {
        state.operations = operations::load(conn, operations).await?;
    }
    for shift in shifts::load(conn, open).await? {
        state.shifts.entry(shift.id.clone()).or_insert(shift);
    }
    Ok(())
}
