//! What a batch writes: one statement per table.

use super::records;
use super::seal::Head;
use crate::domain::ledger::{Command, Entry, HoldState, Notice, Outcome, State};
use crate::domain::time::Day;
use crate::store::bulk::{Bulk, Cell, Kind};
use crate::store::error::StoreError;
use crate::store::joined::Writing;
use crate::store::{holds, shifts};

use Kind::{Bytes, Flag, Int, Text};

/// A command the state machine accepted, and what came of it.
pub(super) struct Accepted<'a> {
    pub(super) command: &'a Command,
    pub(super) entry: Option<Entry>,
    pub(super) notices: Vec<Notice>,
}

/// Moves the writer's count of batches on, or finds that it has moved already.
const TURN: Bulk = Bulk {
    doing: "taking the writer's turn",
    text: "WITH v (id, batch, head_seq, head_seal) AS ({rows})
        UPDATE writers SET batch = v.batch + 1, head_seq = v.head_seq, head_seal = v.head_seal
        FROM v WHERE writers.id = v.id AND writers.batch = v.batch",
    columns: &[Text, Int, Int, Bytes],
};

const ACCOUNTS: Bulk = Bulk {
    doing: "writing accounts",
    text: "INSERT INTO accounts (id, asset, balance, version, base) {rows}
        ON CONFLICT (id) DO UPDATE SET balance = excluded.balance, version = excluded.version, base = excluded.base
        WHERE accounts.version = excluded.base",
    columns: &[Text, Text, Int, Int, Int],
};

const LOTS: Bulk = Bulk {
    doing: "writing lots",
    text: "INSERT INTO lots (member, id, account, original, remaining, expires_on, available_on, source, first_day)
        {rows}
        ON CONFLICT (member, id) DO UPDATE SET account = excluded.account, remaining = excluded.remaining,
            expires_on = excluded.expires_on, available_on = excluded.available_on",
    columns: &[Text, Text, Text, Int, Int, Int, Int, Text, Int],
};

const COUNTERS: Bulk = Bulk {
    doing: "writing counters",
    text: "INSERT INTO counters (owner, name, value, version, base) {rows}
        ON CONFLICT (owner, name) DO UPDATE SET value = excluded.value, version = excluded.version, base = excluded.base
        WHERE counters.version = excluded.base",
    columns: &[Text, Text, Int, Int, Int],
};

const COUPONS: Bulk = Bulk {
    doing: "writing coupons",
    text: "INSERT INTO coupons (code, campaign, holder, uses, use_limit, void, starts_on, expires_on, version, base,
            transferable)
        {rows}
        ON CONFLICT (code) DO UPDATE SET holder = excluded.holder, uses = excluded.uses, void = excluded.void,
            version = excluded.version, base = excluded.base
        WHERE coupons.version = excluded.base",
    columns: &[
        Text, Text, Text, Int, Int, Flag, Int, Int, Int, Int, Flag,
    ],
};

const REFUNDABLES: Bulk = Bulk {
    doing: "writing what can be refunded",
    text: "INSERT INTO refundables (order_id, sequence, base, lines, tenders) {rows}
        ON CONFLICT (order_id) DO UPDATE SET sequence = excluded.sequence, base = excluded.base,
            lines = excluded.lines, tenders = excluded.tenders
        WHERE refundables.sequence = excluded.base",
    columns: &[Text, Int, Int, Text, Text],
};

const HOLDS: Bulk = Bulk {
    doing: "writing holds",
    text: "INSERT INTO holds (id, quote_id, member, held_on, expires_at, state, reserves, sale, version, base) {rows}
        ON CONFLICT (id) DO UPDATE SET state = excluded.state,
            sale = CASE excluded.state WHEN 'pending' THEN holds.sale ELSE excluded.sale END,
            version = excluded.version, base = excluded.base
        WHERE holds.version = excluded.base",
    columns: &[Text, Text, Text, Int, Int, Text, Text, Bytes, Int, Int],
};

const ENTRIES: Bulk = Bulk {
    doing: "writing entries",
    text: "INSERT INTO entries (writer, seq, id, kind, subject_kind, subject_id, at, business_date, seal) {rows}",
    columns: &[Text, Int, Text, Text, Text, Text, Int, Int, Bytes],
};

const POSTINGS: Bulk = Bulk {
    doing: "writing postings",
    text: "INSERT INTO postings (account, version, writer, seq, amount, balance_after, lots) {rows}",
    columns: &[Text, Int, Text, Int, Int, Int, Text],
};

const OPERATIONS: Bulk = Bulk {
    doing: "writing operations",
    text: "INSERT INTO operations (key, hash, subject_kind, subject_id, at, entry_id, refusal) {rows}",
    columns: &[Text, Bytes, Text, Text, Int, Text, Text],
};

/// Seals the entries in order: the head after each, and its position in `accepted`.
pub(super) fn seal(writer: &str, head: &Head, accepted: &[Accepted<'_>]) -> Vec<(Head, usize)> {
    let mut head = head.clone();
    let mut sealed = Vec::new();
    for (at, accepted) in accepted.iter().enumerate() {
        if let Some(entry) = &accepted.entry {
            head = head.next(writer, entry);
            sealed.push((head.clone(), at));
        }
    }
    sealed
}

/// Everything a batch writes, its turn first, so that one written already meets nothing else.
pub(super) fn all(
    (writer, batch, head): (&str, i64, &Head),
    state: &State,
    accepted: &[Accepted<'_>],
    sealed: &[(Head, usize)],
) -> Result<Writing, StoreError> {
    let mut writing = Writing::default();
    let turn = vec![
        text(writer),
        Cell::Int(batch),
        Cell::Int(head.seq),
        Cell::Bytes(head.seal.clone()),
    ];
    writing.add_guarded(&TURN, turn);
    limits(&mut writing, state)?;
    entries(&mut writing, writer, accepted, sealed)?;
    operations(&mut writing, state)?;
    movements(&mut writing, state)?;
    records::add(&mut writing, accepted)?;
    Ok(writing)
}

pub(super) fn text(text: &str) -> Cell {
    Cell::Text(text.to_owned())
}

pub(super) fn maybe(text: &Option<String>) -> Cell {
    Cell::MaybeText(text.clone())
}

pub(super) fn day(day: Option<Day>) -> Cell {
    Cell::MaybeInt(day.map(|day| i64::from(day.0)))
}

/// Every row with a limit, which another host may have changed meanwhile.
fn limits(writing: &mut Writing, state: &State) -> Result<(), StoreError> {
    writing.add_guarded(&ACCOUNTS, accounts(state));
    writing.add_guarded(&COUNTERS, counters(state));
    writing.add_guarded(&COUPONS, coupons(state));
    writing.add_guarded(&REFUNDABLES, refundables(state)?);
    writing.add_guarded(&HOLDS, hold_rows(state)?);
    writing.add_guarded(&shifts::WRITE, shift_rows(state)?);
    // Lots change only together with a posting on their account, whose version guards them.
    writing.add(&LOTS, lots(state));
    Ok(())
}

fn accounts(state: &State) -> Vec<Cell> {
    let mut cells = Vec::new();
    for id in &state.touched.accounts {
        let Some(row) = state.accounts.get(id) else {
            continue;
        };
        cells.extend([
            text(id),
            text(&row.asset),
            Cell::Int(row.balance),
            Cell::Int(row.version),
            Cell::Int(row.base),
        ]);
    }
    cells
}

fn lots(state: &State) -> Vec<Cell> {
    let mut cells = Vec::new();
    for lot in state.touched.lots.iter().filter_map(|id| state.lot(id)) {
        cells.extend([
            text(&lot.member),
            text(&lot.id),
            text(&lot.account),
            Cell::Int(lot.original),
            Cell::Int(lot.remaining),
            day(lot.expires_on),
            day(lot.available_on),
            text(&lot.source),
            day(lot.first_day),
        ]);
    }
    cells
}

fn counters(state: &State) -> Vec<Cell> {
    let mut cells = Vec::new();
    for key in &state.touched.counters {
        let Some(row) = state.counters.get(key) else {
            continue;
        };
        cells.extend([
            text(&key.0),
            text(&key.1),
            Cell::Int(row.value),
            Cell::Int(row.version),
            Cell::Int(row.base),
        ]);
    }
    cells
}

fn coupons(state: &State) -> Vec<Cell> {
    let mut cells = Vec::new();
    for row in state
        .touched
        .coupons
        .iter()
        .filter_map(|code| state.coupons.get(code))
    {
        cells.extend([
            text(&row.code),
            text(&row.campaign),
            maybe(&row.holder),
            Cell::Int(row.uses),
            Cell::MaybeInt(row.use_limit),
            Cell::Flag(row.void),
            day(row.starts_on),
            day(row.expires_on),
            Cell::Int(row.version),
            Cell::Int(row.base),
            Cell::Flag(row.transferable),
        ]);
    }
    cells
}

fn refundables(state: &State) -> Result<Vec<Cell>, StoreError> {
    let mut cells = Vec::new();
    for order in &state.touched.refundables {
        let Some(row) = state.refundables.get(order) else {
            continue;
        };
        let (lines, tenders) = crate::store::orders::refundable_texts(row)?;
        cells.extend([
            text(order),
            Cell::Int(row.sequence),
            Cell::Int(row.base),
            Cell::Text(lines),
            Cell::Text(tenders),
        ]);
    }
    Ok(cells)
}

fn hold_rows(state: &State) -> Result<Vec<Cell>, StoreError> {
    let mut cells = Vec::new();
    for row in state
        .touched
        .holds
        .iter()
        .filter_map(|id| state.holds.get(id))
    {
        let ended = match row.state {
            HoldState::Pending => None,
            HoldState::Ended(outcome) => Some(outcome),
        };
        let reserves =
            serde_json::to_string(&row.reserves).map_err(StoreError::stored("writing a hold"))?;
        cells.extend([
            text(&row.id),
            text(&row.quote),
            maybe(&row.member),
            Cell::Int(i64::from(row.held_on.0)),
            Cell::Int(row.expires_at.0),
            text(holds::state_text(ended)),
            Cell::Text(reserves),
            Cell::Bytes(row.sale.clone()),
            Cell::Int(row.version),
            Cell::Int(row.base),
        ]);
    }
    Ok(cells)
}

fn shift_rows(state: &State) -> Result<Vec<Cell>, StoreError> {
    let mut cells = Vec::new();
    let ids = state.touched.shifts.iter();
    for row in ids.filter_map(|id| state.shifts.get(id)) {
        cells.extend(shifts::cells(row)?);
    }
    Ok(cells)
}

fn movements(writing: &mut Writing, state: &State) -> Result<(), StoreError> {
    let mut cells = Vec::new();
    for row in &state.shift_movements {
        cells.extend(shifts::movement_cells(row)?);
    }
    writing.add(&shifts::MOVEMENTS, cells);
    Ok(())
}

fn entries(
    writing: &mut Writing,
    writer: &str,
    accepted: &[Accepted<'_>],
    sealed: &[(Head, usize)],
) -> Result<(), StoreError> {
    let mut rows = Vec::with_capacity(sealed.len() * 9);
    let mut legs = Vec::new();
    for (head, at) in sealed {
        let Some(entry) = &accepted[*at].entry else {
            continue;
        };
        rows.extend([
            text(writer),
            Cell::Int(head.seq),
            text(&entry.id),
            text(&entry.kind),
            text(&entry.subject.kind),
            text(&entry.subject.id),
            Cell::Int(entry.at.0),
            Cell::Int(i64::from(entry.business_date.0)),
            Cell::Bytes(head.seal.clone()),
        ]);
        for posting in &entry.postings {
            legs.extend([
                text(&posting.account),
                Cell::Int(posting.version),
                text(writer),
                Cell::Int(head.seq),
                Cell::Int(posting.amount),
                Cell::Int(posting.balance_after),
                Cell::MaybeText(crate::store::lots::changes_text(&posting.lots)?),
            ]);
        }
    }
    writing.add(&ENTRIES, rows);
    writing.add(&POSTINGS, legs);
    Ok(())
}

fn operations(writing: &mut Writing, state: &State) -> Result<(), StoreError> {
    let mut cells = Vec::new();
    for key in &state.touched.operations {
        let Some(row) = state.operations.get(key) else {
            continue;
        };
        let (entry, refusal) = match &row.outcome {
            Outcome::Done(receipt) => (receipt.entry_id.clone(), None),
            Outcome::Refused(refusal) => (
                None,
                Some(
                    serde_json::to_string(refusal)
                        .map_err(StoreError::stored("writing an operation"))?,
                ),
            ),
        };
        cells.extend([
            text(key),
            Cell::Bytes(row.hash.to_vec()),
            text(&row.subject.kind),
            text(&row.subject.id),
            Cell::Int(row.at.0),
            Cell::MaybeText(entry),
            Cell::MaybeText(refusal),
        ]);
    }
    writing.add(&OPERATIONS, cells);
    Ok(())
}
