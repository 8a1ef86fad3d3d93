//! A terminal's shift: one open at a time, and everything that moves money at the terminal counts into it.
//!
//! What a command moved is read from its own legs, so a shift and the entries cannot say different things. A shift
//! carries the number of its movements: a closing names the number it was counted on, and of a sale and a closing that
//! come at once either the sale is in the report or it falls outside the shift.

use super::account::{AccountKey, AccountName, SYSTEM};
use super::draft::{Draft, invalid, negated, sum};
use super::entry::Notice;
use super::refusal::Refusal;
use super::touches::Touches;
use crate::domain::shift::{CASH, ShiftSums, Tenders, add, expected};
use crate::domain::time::{Day, Instant};

/// Kind of the entry that takes cash out of a drawer.
pub const CASH_OUT: &str = "cash-out";
const TENDER: &str = "tender/";
const STORED_VALUE: &str = "stored-value";
/// Kinds of entries whose stored value pays for goods, or comes back for them.
const PAID_WITH_STORED_VALUE: [&str; 2] = ["sale", "refund"];

/// A terminal between opening and closing its drawer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shift {
    pub id: String,
    pub terminal: String,
    pub store: String,
    pub currency: String,
    pub business_date: Day,
    pub opened_at: Instant,
    pub opened_by: String,
    /// Cash it began with, minor units.
    pub opening_float: i64,
    pub closed_at: Option<Instant>,
    /// Movements so far, and one for the closing.
    pub sequence: i64,
    /// Sequence in the database; −1 if the shift is new.
    pub base: i64,
    pub sums: ShiftSums,
    /// What people counted, as the use case encodes it.
    pub counts: String,
}

/// One thing that happened at a terminal during a shift.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShiftMovement {
    pub shift: String,
    /// 1 for the first of its shift, then dense.
    pub sequence: i64,
    /// Kind of the entry.
    pub kind: String,
    /// The order, refund or movement.
    pub subject: String,
    pub by: String,
    pub at: Instant,
    pub tenders: Tenders,
}

/// What a command does to a terminal's shift.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ShiftStep {
    /// Opens a shift, if the terminal has none open.
    Open(Box<Shift>),
    /// Counts what the steps before it moved into the terminal's open shift.
    Count {
        terminal: String,
        /// Who did it.
        by: String,
        /// Only this shift will do.
        shift: Option<String>,
        need: ShiftNeed,
    },
    /// Closes a shift, if nothing moved since it was counted.
    Close {
        terminal: String,
        shift: String,
        expected_sequence: i64,
        counts: String,
    },
}

/// What happens where no shift is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShiftNeed {
    Optional,
    Required,
    /// It happened already: it is accepted. Where shifts are required, or the one that is open began later, a notice
    /// says that no shift has it.
    Recorded {
        required: bool,
    },
}

impl ShiftStep {
    fn terminal(&self) -> &str {
        match self {
            Self::Open(shift) => &shift.terminal,
            Self::Count { terminal, .. } | Self::Close { terminal, .. } => terminal,
        }
    }

    pub(super) fn touches(&self, touches: &mut Touches) {
        touches.terminals.insert(self.terminal().to_owned());
    }

    pub(super) fn texts(&self, visit: &mut dyn FnMut(&'static str, &str)) {
        visit("terminal", self.terminal());
        match self {
            Self::Open(shift) => {
                for text in [&shift.id, &shift.store, &shift.opened_by, &shift.counts] {
                    visit("shift", text);
                }
            }
            Self::Count { by, .. } => visit("shift", by),
            Self::Close { counts, .. } => visit("shift", counts),
        }
    }
}

pub(super) fn take(draft: &mut Draft<'_>, step: &ShiftStep) -> Result<(), Refusal> {
    match step {
        ShiftStep::Open(shift) => open(draft, shift),
        ShiftStep::Count {
            terminal,
            by,
            shift,
            need,
        } => count(draft, (terminal, by), shift.as_deref(), *need),
        ShiftStep::Close {
            terminal,
            shift,
            expected_sequence,
            counts,
        } => close(draft, terminal, shift, *expected_sequence, counts),
    }
}

fn open(draft: &mut Draft<'_>, shift: &Shift) -> Result<(), Refusal> {
    if let Some(other) = draft.open_shift(&shift.terminal) {
        return Err(Refusal::ShiftOpen {
            terminal: other.terminal,
            shift: other.id,
        });
    }
    if shift.opening_float < 0 || shift.base != -1 || shift.closed_at.is_some() {
        return Err(invalid(format!("shift `{}` is not new", shift.id)));
    }
    draft.put_shift(shift.clone());
    Ok(())
}

fn count(
    draft: &mut Draft<'_>,
    (terminal, by): (&str, &str),
    only: Option<&str>,
    need: ShiftNeed,
) -> Result<(), Refusal> {
    let at = draft.command.at;
    let open = draft.open_shift(terminal);
    if let Some(only) = only
        && open.as_ref().is_none_or(|shift| shift.id != only)
    {
        return Err(Refusal::ShiftClosed {
            shift: only.to_owned(),
        });
    }
    let outside = match (&open, need) {
        (None, ShiftNeed::Optional) => return Ok(()),
        (None, ShiftNeed::Required) => {
            return Err(Refusal::ShiftNeeded {
                terminal: terminal.to_owned(),
            });
        }
        (None, ShiftNeed::Recorded { required: false }) => return Ok(()),
        (None, ShiftNeed::Recorded { required: true }) => true,
        (Some(shift), ShiftNeed::Recorded { .. }) => at < shift.opened_at,
        (Some(_), _) => false,
    };
    let Some(mut shift) = open.filter(|_| !outside) else {
        draft.notices.push(Notice::OutsideShift {
            terminal: terminal.to_owned(),
        });
        return Ok(());
    };
    let (kind, subject) = (&draft.command.kind, &draft.command.subject.id);
    let tenders = moved(draft, &shift.currency, kind)?;
    shift.sequence = sum(shift.sequence, 1)?;
    add(&mut shift.sums, kind, &tenders).map_err(|_| Refusal::Overflow)?;
    holds_enough(&shift, &tenders, kind)?;
    let movement = ShiftMovement {
        shift: shift.id.clone(),
        sequence: shift.sequence,
        kind: kind.clone(),
        subject: subject.clone(),
        by: by.to_owned(),
        at,
        tenders,
    };
    draft.shift_movements.push(movement);
    draft.put_shift(shift);
    Ok(())
}

/// Nobody takes more cash out of a drawer than it should hold.
fn holds_enough(shift: &Shift, tenders: &Tenders, kind: &str) -> Result<(), Refusal> {
    if kind != CASH_OUT {
        return Ok(());
    }
    let left = expected(shift.opening_float, &shift.sums).map_err(|_| Refusal::Overflow)?;
    let left = left.get(CASH).copied().unwrap_or(0);
    let taken = negated(tenders.get(CASH).copied().unwrap_or(0))?;
    if left < 0 {
        return Err(Refusal::InsufficientBalance {
            account: "drawer".to_owned(),
            needed: taken,
            available: sum(left, taken)?,
        });
    }
    Ok(())
}

fn is_deferred(account: &str) -> bool {
    AccountKey::parse(account).is_some_and(|account| {
        matches!(
            account.name,
            AccountName::PassValue | AccountName::PassValueHeld
        )
    })
}

/// What the command's legs moved through the till, by tender.
fn moved(draft: &Draft<'_>, currency: &str, kind: &str) -> Result<Tenders, Refusal> {
    let mut tenders = Tenders::new();
    let mut stored_value = 0;
    for (account, amount) in draft.legs_in(currency) {
        let system = account
            .strip_prefix(SYSTEM)
            .and_then(|rest| rest.strip_prefix('/'));
        match system {
            // What was paid for passes and memberships and is not earned yet is no tender.
            None if is_deferred(account) => {}
            None => stored_value = sum(stored_value, negated(amount)?)?,
            // What is given to members on top, or taken back from them, pays for nothing.
            Some(name) if name.starts_with("bonus-issued/") => {
                stored_value = sum(stored_value, negated(amount)?)?;
            }
            Some(name) => {
                let tender = name
                    .strip_prefix(TENDER)
                    .and_then(|rest| rest.split_once('/'));
                if let Some((tender, _)) = tender {
                    let total = tenders.entry(tender.to_owned()).or_default();
                    *total = sum(*total, negated(amount)?)?;
                }
            }
        }
    }
    if PAID_WITH_STORED_VALUE.contains(&kind) && stored_value != 0 {
        let total = tenders.entry(STORED_VALUE.to_owned()).or_default();
        *total = sum(*total, stored_value)?;
    }
    tenders.retain(|_, amount| *amount != 0);
    Ok(tenders)
}

fn close(
    draft: &mut Draft<'_>,
    terminal: &str,
    id: &str,
    expected_sequence: i64,
    counts: &str,
) -> Result<(), Refusal> {
    let open = draft.open_shift(terminal);
    let Some(mut shift) = open.filter(|shift| shift.id == id) else {
        return Err(Refusal::ShiftClosed {
            shift: id.to_owned(),
        });
    };
    if shift.sequence != expected_sequence {
        return Err(Refusal::ShiftMoved { shift: shift.id });
    }
    shift.sequence = sum(shift.sequence, 1)?;
    shift.closed_at = Some(draft.command.at);
    shift.counts = counts.to_owned();
    draft.put_shift(shift);
    Ok(())
}
