//! The till's day: a terminal's shift from its counted float to its closing report.
//!
//! What moves money at a terminal counts itself into the terminal's open shift with its own entry ([`at_till`]), so the
//! report is what happened and not what somebody added up. A closing rests on the number of movements it was worked
//! out on: a sale that comes meanwhile is worked in, one that comes after it is in no report of this shift.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::access::{AccessError, Permission, Principal};
use crate::approval::{self, Act};
use crate::checkout::{CheckoutError, Intent, posting};
use crate::domain::basket::MAX_AMOUNT;
use crate::domain::ledger::{CASH_OUT, Receipt, Refusal, Shift, ShiftNeed, ShiftStep, Step};
use crate::domain::rules::TenderKind;
use crate::domain::shift::{
    CASH, Closing, Counts, Denomination, ShiftRule, Tenders, compared, counted, expected, off_by,
};
use crate::host::Host;
use crate::snapshot::Place;
use crate::store::stores::Terminal;
use crate::store::{self, StoreError};
use crate::wallet::{Movement, in_range, own_place, reasonable, replayed};

const CASH_IN: &str = "cash-in";
/// How often a closing is worked out again because something moved meanwhile.
const TRIES: usize = 16;

/// A shift to open.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OpenShift {
    /// The terminal; the caller's own when absent. Another needs the permission `manage-shifts`.
    #[serde(default)]
    pub terminal: Option<String>,
    /// Cash in the drawer, minor units; may be left out where `denominations` tell it.
    #[serde(default)]
    pub float: Option<i64>,
    /// Its coins and notes, `value` in minor units and `count`; at most 50 values.
    #[serde(default)]
    #[schema(value_type = Vec<Object>)]
    pub denominations: Vec<Denomination>,
}

/// Cash put into the drawer or taken out of it by hand.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CashMovement {
    pub kind: CashKind,
    /// Minor units.
    pub amount: i64,
    /// Why, for the record; at most 500 characters.
    pub reason: String,
    /// The approval, where the amount needs one.
    #[serde(default)]
    pub approval: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CashKind {
    CashIn,
    CashOut,
}

/// A shift to close.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CloseShift {
    /// Cash, and the other tenders whose slips were counted: card, mobile, other.
    pub counted: Vec<CountedTender>,
    /// Why it differs; needed above the chain's `reason_above`, at most 500 characters.
    #[serde(default)]
    pub reason: Option<String>,
    /// The approval, where the difference needs one.
    #[serde(default)]
    pub approval: Option<String>,
}

/// What was counted of one tender.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CountedTender {
    #[schema(value_type = String, example = "cash")]
    pub tender: TenderKind,
    /// Minor units; may be left out where `denominations` tell it.
    #[serde(default)]
    pub amount: Option<i64>,
    /// Coins and notes, for cash; at most 50 values.
    #[serde(default)]
    #[schema(value_type = Vec<Object>)]
    pub denominations: Vec<Denomination>,
}

/// Why nothing happened to a shift.
#[derive(Debug, thiserror::Error)]
pub enum ShiftError {
    #[error("the shift `{0}` is not known")]
    Unknown(String),
    #[error("the terminal `{0}` is not known or was revoked")]
    TerminalUnknown(String),
    #[error("the field `{at}` cannot be accepted: {why}")]
    Field { at: String, why: &'static str },
    #[error(transparent)]
    Checkout(#[from] CheckoutError),
}

impl From<AccessError> for ShiftError {
    fn from(error: AccessError) -> Self {
        Self::Checkout(error.into())
    }
}

impl From<StoreError> for ShiftError {
    fn from(error: StoreError) -> Self {
        Self::Checkout(error.into())
    }
}

/// What a use case led to, and whether its key had done it before.
pub type Done<T> = Result<(T, bool), ShiftError>;

/// Opens a terminal's shift; a terminal has one open at a time.
///
/// # Errors
/// See [`ShiftError`]; [`Refusal::ShiftOpen`] where the last one was not closed.
pub async fn open(
    host: &Arc<Host>,
    caller: &Principal,
    request: OpenShift,
    intent: Intent,
) -> Done<Shift> {
    if let Some(receipt) = replayed(host, &intent).await? {
        return Ok((known(host, &receipt.subject.id).await?, true));
    }
    let terminal = terminal(host, caller, request.terminal.as_deref()).await?;
    let place = own_place(host, caller, Some(&terminal.store))?;
    let float = sum_of(
        request.float,
        &request.denominations,
        ["/float", "/denominations"],
    )?;
    let mut movement = Movement::new(host, &place, "shift-opened", intent);
    let counts = Counts {
        opening: request.denominations,
        closing: None,
    };
    let now = host.clock.now();
    let shift = Shift {
        id: movement.id().to_owned(),
        terminal: terminal.id,
        store: terminal.store,
        currency: place.store.currency.clone(),
        business_date: place.day(now),
        opened_at: now,
        opened_by: caller.who().to_owned(),
        opening_float: float,
        closed_at: None,
        sequence: 0,
        base: -1,
        sums: Default::default(),
        counts: encoded(&counts)?,
    };
    let told = serde_json::json!({
        "terminal": shift.terminal, "float": float, "currency": shift.currency,
    });
    let subject = shift.id.clone();
    movement.steps([Step::Shift(ShiftStep::Open(Box::new(shift)))]);
    movement.event("shift.opened", &subject, caller, told);
    let receipt = movement.submit(host).await?;
    Ok((known(host, &receipt.subject.id).await?, receipt.replayed))
}

/// Moves cash between a drawer and the store's safe.
///
/// # Errors
/// See [`ShiftError`]; [`Refusal::InsufficientBalance`] where more is taken out than should be there.
pub async fn move_cash(
    host: &Arc<Host>,
    caller: &Principal,
    id: &str,
    request: CashMovement,
    intent: Intent,
) -> Result<Receipt, ShiftError> {
    if let Some(receipt) = replayed(host, &intent).await? {
        return Ok(receipt);
    }
    in_range(request.amount, 1, "/amount")?;
    reasonable(&request.reason)?;
    let shift = known(host, id).await?;
    let place = own_place(host, caller, Some(&shift.store))?;
    own_or_managed(caller, &shift.terminal)?;
    let act = Act {
        permission: Permission::MoveCashAboveLimit,
        subject: id,
        amount: request.amount,
    };
    let (limit, token) = (place.settings.shifts.cash_approval_above, &request.approval);
    let approved = approval::allowed_above(limit, host, caller, act, token.as_deref())?;
    let (kind, into_drawer) = match request.kind {
        CashKind::CashIn => (CASH_IN, request.amount),
        CashKind::CashOut => (CASH_OUT, -request.amount),
    };
    let mut movement = Movement::new(host, &place, kind, intent);
    movement.approved(approved);
    movement.steps(moved(CASH, into_drawer, "safe", &shift));
    movement.steps([Step::Shift(ShiftStep::Count {
        by: caller.who().to_owned(),
        shift: Some(shift.id.clone()),
        terminal: shift.terminal,
        need: ShiftNeed::Required,
    })]);
    let told = serde_json::json!({
        "kind": kind, "amount": request.amount, "currency": shift.currency, "reason": request.reason,
    });
    movement.event("shift.cash_moved", &shift.id, caller, told);
    Ok(movement.submit(host).await?)
}

/// Money into a till, or out of it where the amount is negative, with its other side.
fn moved(tender: &str, into: i64, other: &str, shift: &Shift) -> [Step; 2] {
    let side = |name: &str, amount| Step::System {
        name: format!("{name}/{}", shift.store),
        asset: shift.currency.clone(),
        amount,
    };
    // What a till took stands on the negative side, as with a sale's tenders.
    [side(&format!("tender/{tender}"), -into), side(other, into)]
}

/// Closes a shift with what was counted. Its report never changes again; the books follow the count.
///
/// # Errors
/// See [`ShiftError`]; [`AccessError::NeedsApproval`] where the difference is above the chain's tolerance.
pub async fn close(
    host: &Arc<Host>,
    caller: &Principal,
    id: &str,
    request: CloseShift,
    intent: Intent,
) -> Done<Shift> {
    if let Some(receipt) = replayed(host, &intent).await? {
        return Ok((known(host, &receipt.subject.id).await?, true));
    }
    let found = counted_tenders(&request)?;
    if let Some(reason) = &request.reason {
        reasonable(reason)?;
    }
    for _ in 0..TRIES {
        let shift = known(host, id).await?;
        let place = own_place(host, caller, Some(&shift.store))?;
        own_or_managed(caller, &shift.terminal)?;
        if shift.closed_at.is_some() {
            let shift = shift.id;
            return Err(CheckoutError::from(Refusal::ShiftClosed { shift }).into());
        }
        match closed(host, caller, (&place, &shift), &request, &found, &intent).await {
            Err(ShiftError::Checkout(CheckoutError::Ledger(Refusal::ShiftMoved { .. }))) => {}
            Err(error) => return Err(error),
            Ok(receipt) => return Ok((known(host, id).await?, receipt.replayed)),
        }
    }
    Err(CheckoutError::OrderContended.into())
}

/// One try at closing a shift as it was read.
async fn closed(
    host: &Arc<Host>,
    caller: &Principal,
    (place, shift): (&Place, &Shift),
    request: &CloseShift,
    found: &Tenders,
    intent: &Intent,
) -> Result<Receipt, ShiftError> {
    let overflow = CheckoutError::Overflow;
    let should = expected(shift.opening_float, &shift.sums).map_err(overflow)?;
    let tenders = compared(&should, found).map_err(overflow)?;
    let off = off_by(&tenders).map_err(overflow)?;
    let terms = &place.settings.shifts;
    if off > terms.reason_above && request.reason.is_none() {
        let why = "what was counted differs from what should be there; give a reason of 1 to 500 characters";
        return Err(field("/reason", why));
    }
    let act = Act {
        permission: Permission::CloseWithDifference,
        subject: &shift.id,
        amount: off,
    };
    let (limit, token) = (terms.approval_above, request.approval.as_deref());
    let approved = approval::allowed_above(limit, host, caller, act, token)?;
    let mut counts = counts(shift)?;
    let mut movement = Movement::of(host, place, "shift-closed", &shift.id, intent.clone());
    for tender in &tenders {
        let difference = tender.difference.filter(|difference| *difference != 0);
        let steps = difference.map(|off| moved(&tender.tender, off, "till-difference", shift));
        movement.steps(steps.into_iter().flatten());
    }
    let cash = request
        .counted
        .iter()
        .find(|count| count.tender == TenderKind::Cash);
    counts.closing = Some(Closing {
        denominations: cash.map_or_else(Vec::new, |cash| cash.denominations.clone()),
        off_by: off,
        reason: request.reason.clone(),
        closed_by: caller.who().to_owned(),
        approved_by: approved.as_ref().map(|approved| approved.by.clone()),
        tenders,
    });
    movement.approved(approved);
    movement.steps([Step::Shift(ShiftStep::Close {
        terminal: shift.terminal.clone(),
        shift: shift.id.clone(),
        expected_sequence: shift.sequence,
        counts: encoded(&counts)?,
    })]);
    let told = serde_json::json!({
        "terminal": shift.terminal, "off_by": off, "currency": shift.currency, "reason": request.reason,
    });
    movement.event("shift.closed", &shift.id, caller, told);
    Ok(movement.submit(host).await?)
}

/// What was counted, by tender: cash in any case, each tender once.
fn counted_tenders(request: &CloseShift) -> Result<Tenders, ShiftError> {
    let mut found = Tenders::new();
    for (at, count) in request.counted.iter().enumerate() {
        let tender = count.tender;
        if matches!(tender, TenderKind::Points | TenderKind::StoredValue) {
            let why = "members' accounts are not counted; give cash, card, mobile or other";
            return Err(field(format!("/counted/{at}/tender"), why));
        }
        let [amount, pieces] =
            ["amount", "denominations"].map(|name| format!("/counted/{at}/{name}"));
        let sum = sum_of(count.amount, &count.denominations, [&amount, &pieces])?;
        if found
            .insert(posting::kind_name(tender).to_owned(), sum)
            .is_some()
        {
            let why = "this tender is there twice";
            return Err(field(format!("/counted/{at}/tender"), why));
        }
    }
    if !found.contains_key(CASH) {
        return Err(field("/counted", "count the cash"));
    }
    Ok(found)
}

/// A counted sum, told as an amount, by coins and notes, or both alike.
fn sum_of(
    amount: Option<i64>,
    pieces: &[Denomination],
    [at, pieces_at]: [&str; 2],
) -> Result<i64, ShiftError> {
    let Some(told) = amount else {
        if pieces.is_empty() {
            return Err(field(at, "give the amount, or its denominations"));
        }
        return counted(pieces).ok_or_else(|| {
            let why = "give at most 50 different values above zero with counts of zero or more";
            field(pieces_at, why)
        });
    };
    if !(0..=MAX_AMOUNT).contains(&told) {
        return Err(field(at, "give 0 to 1000000000000 minor units"));
    }
    if !pieces.is_empty() && counted(pieces) != Some(told) {
        return Err(field(pieces_at, "they do not come to the amount"));
    }
    Ok(told)
}

fn field(at: impl Into<String>, why: &'static str) -> ShiftError {
    ShiftError::Field { at: at.into(), why }
}

fn encoded(counts: &Counts) -> Result<String, ShiftError> {
    serde_json::to_string(counts).map_err(|error| CheckoutError::Internal(error.to_string()).into())
}

/// What people counted in a shift.
///
/// # Errors
/// When what is stored cannot be read.
pub fn counts(shift: &Shift) -> Result<Counts, StoreError> {
    serde_json::from_str(&shift.counts).map_err(StoreError::stored("reading a shift"))
}

async fn known(host: &Host, id: &str) -> Result<Shift, ShiftError> {
    let found = store::shifts::by_id(&mut host.db.read().await?, id).await?;
    found.ok_or_else(|| ShiftError::Unknown(id.to_owned()))
}

/// The terminal a shift is opened for.
async fn terminal(
    host: &Host,
    caller: &Principal,
    named: Option<&str>,
) -> Result<Terminal, ShiftError> {
    let id = named.or(caller.terminal.as_deref());
    let id = id.ok_or_else(|| field("/terminal", "this key is no terminal's; name one"))?;
    own_or_managed(caller, id)?;
    let found = store::stores::terminal(&mut host.db.read().await?, id).await?;
    found
        .filter(|terminal| terminal.revoked_at.is_none())
        .ok_or_else(|| ShiftError::TerminalUnknown(id.to_owned()))
}

fn own_or_managed(caller: &Principal, terminal: &str) -> Result<(), AccessError> {
    if caller.terminal.as_deref() == Some(terminal) {
        return Ok(());
    }
    caller.require(Permission::ManageShifts)
}

/// The step that counts what a command moves into the open shift of the caller's terminal. It stands after the steps that
/// move it; a caller who is no terminal has no drawer.
pub fn at_till(host: &Host, caller: &Principal, store: &str) -> Option<Step> {
    counting(host, caller, store, |required| match required {
        true => ShiftNeed::Required,
        false => ShiftNeed::Optional,
    })
}

/// The same for a sale that happened already.
pub fn recorded_at_till(host: &Host, caller: &Principal, store: &str) -> Option<Step> {
    counting(host, caller, store, |required| ShiftNeed::Recorded {
        required,
    })
}

fn counting(
    host: &Host,
    caller: &Principal,
    store: &str,
    need: impl Fn(bool) -> ShiftNeed,
) -> Option<Step> {
    let terminal = caller.terminal.clone()?;
    let place = host.snapshots.current()?.place(store)?;
    Some(Step::Shift(ShiftStep::Count {
        terminal,
        by: caller.who().to_owned(),
        shift: None,
        need: need(place.settings.shifts.at_terminals == ShiftRule::Required),
    }))
}
