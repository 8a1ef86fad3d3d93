//! The changes of one command while it is being tried. Nothing reaches the state before all of it succeeded.

use std::collections::{BTreeMap, BTreeSet};

use super::account::{AccountKey, SYSTEM, system_account};
use super::command::{CLEARING, Clearing, Command};
use super::entry::{Entry, LotChange, Notice, Posting};
use super::refusal::Refusal;
use super::shift::{Shift, ShiftMovement};
use super::state::{Account, Counter, CounterKey, Coupon, Hold, Lot, OrderKey, Refundable, State};
use crate::domain::time::Day;

/// One account's share of the entry so far.
struct Leg {
    /// None for a system account.
    key: Option<AccountKey>,
    asset: String,
    amount: i64,
    lots: BTreeMap<String, i64>,
}

pub(super) struct Draft<'s> {
    state: &'s State,
    writer: &'s str,
    pub(super) command: &'s Command,
    /// The business day.
    pub(super) today: Day,
    /// Lots and coupons good on this day may be used.
    pub(super) spendable_as_of: Day,
    legs: BTreeMap<String, Leg>,
    lots: BTreeMap<String, Lot>,
    counters: BTreeMap<CounterKey, Counter>,
    coupons: BTreeMap<String, Coupon>,
    refundables: BTreeMap<String, Refundable>,
    holds: BTreeMap<String, Hold>,
    order_keys: BTreeMap<OrderKey, String>,
    shifts: BTreeMap<String, Shift>,
    pub(super) shift_movements: Vec<ShiftMovement>,
    pub(super) notices: Vec<Notice>,
    /// What a hold posted by this command had reserved: it is used again without asking.
    pub(super) reserved_accounts: BTreeSet<String>,
    /// Passes for a period it had found running.
    pub(super) reserved_periods: BTreeSet<String>,
    pub(super) reserved_coupons: BTreeSet<String>,
    pub(super) reserved_counters: BTreeMap<CounterKey, i64>,
}

/// A finished draft, ready to be merged into the state.
pub(super) struct Changes {
    pub(super) entry: Option<Entry>,
    pub(super) notices: Vec<Notice>,
    accounts: Vec<(String, Account)>,
    lots: BTreeMap<String, Lot>,
    counters: BTreeMap<CounterKey, Counter>,
    coupons: BTreeMap<String, Coupon>,
    refundables: BTreeMap<String, Refundable>,
    holds: BTreeMap<String, Hold>,
    order_keys: BTreeMap<OrderKey, String>,
    shifts: BTreeMap<String, Shift>,
    shift_movements: Vec<ShiftMovement>,
}

pub(super) fn sum(a: i64, b: i64) -> Result<i64, Refusal> {
    a.checked_add(b).ok_or(Refusal::Overflow)
}

pub(super) fn negated(a: i64) -> Result<i64, Refusal> {
    a.checked_neg().ok_or(Refusal::Overflow)
}

pub(super) fn invalid(why: impl Into<String>) -> Refusal {
    Refusal::Invalid { why: why.into() }
}

/// Refuses a negative amount.
pub(super) fn positive(what: &str, amount: i64) -> Result<(), Refusal> {
    if amount < 0 {
        return Err(invalid(format!("{what} must not be negative: {amount}")));
    }
    Ok(())
}

impl<'s> Draft<'s> {
    pub(super) fn new(state: &'s State, writer: &'s str, command: &'s Command) -> Self {
        Self {
            state,
            writer,
            command,
            today: command.business_date,
            spendable_as_of: command.spendable_as_of.unwrap_or(command.business_date),
            legs: BTreeMap::new(),
            lots: BTreeMap::new(),
            counters: BTreeMap::new(),
            coupons: BTreeMap::new(),
            refundables: BTreeMap::new(),
            holds: BTreeMap::new(),
            order_keys: BTreeMap::new(),
            shifts: BTreeMap::new(),
            shift_movements: Vec::new(),
            notices: Vec::new(),
            reserved_accounts: BTreeSet::new(),
            reserved_periods: BTreeSet::new(),
            reserved_coupons: BTreeSet::new(),
            reserved_counters: BTreeMap::new(),
        }
    }

    /// What a member's account holds now, changes of this command included.
    pub(super) fn balance(&self, account: &AccountKey) -> Result<i64, Refusal> {
        let id = account.id();
        let before = self.state.accounts.get(&id).map_or(0, |a| a.balance);
        sum(before, self.legs.get(&id).map_or(0, |leg| leg.amount))
    }

    /// Adds `amount` (signed) to a member's account, without a lot.
    pub(super) fn post(&mut self, account: &AccountKey, amount: i64) -> Result<(), Refusal> {
        let leg = self.leg(account)?;
        leg.amount = sum(leg.amount, amount)?;
        Ok(())
    }

    /// Adds `amount` (signed) to a system account.
    pub(super) fn post_system(
        &mut self,
        name: &str,
        asset: &str,
        amount: i64,
    ) -> Result<(), Refusal> {
        if amount == 0 {
            return Ok(());
        }
        if name.is_empty() || name.contains('@') || bad_asset(asset) {
            return Err(invalid(format!("system account `{name}` in `{asset}`")));
        }
        let leg = self
            .legs
            .entry(system_account(name, asset, self.writer))
            .or_insert_with(|| Leg {
                key: None,
                asset: asset.to_owned(),
                amount: 0,
                lots: BTreeMap::new(),
            });
        leg.amount = sum(leg.amount, amount)?;
        Ok(())
    }

    fn leg(&mut self, account: &AccountKey) -> Result<&mut Leg, Refusal> {
        if account.member.is_empty()
            || account.member == SYSTEM
            || account.member.contains('/')
            || bad_asset(&account.asset)
        {
            return Err(invalid(format!("account `{}`", account.id())));
        }
        Ok(self.legs.entry(account.id()).or_insert_with(|| Leg {
            key: Some(account.clone()),
            asset: account.asset.clone(),
            amount: 0,
            lots: BTreeMap::new(),
        }))
    }

    /// Notes in the account's leg that a lot changed, balance included. The lot itself stays.
    pub(super) fn post_lot(
        &mut self,
        account: &AccountKey,
        lot: &str,
        change: i64,
    ) -> Result<(), Refusal> {
        let leg = self.leg(account)?;
        leg.amount = sum(leg.amount, change)?;
        let so_far = leg.lots.entry(lot.to_owned()).or_insert(0);
        *so_far = sum(*so_far, change)?;
        Ok(())
    }

    /// Changes what is left in a lot, with the leg of the account it is part of.
    pub(super) fn change_lot(
        &mut self,
        account: &AccountKey,
        mut lot: Lot,
        change: i64,
    ) -> Result<(), Refusal> {
        lot.remaining = sum(lot.remaining, change)?;
        if lot.remaining < 0 {
            return Err(Refusal::Overflow);
        }
        if lot.remaining > lot.original {
            return Err(Refusal::LotFull {
                room: lot.original - (lot.remaining - change),
                lot: lot.id,
                asked: change,
            });
        }
        self.post_lot(account, &lot.id, change)?;
        self.put_lot(lot);
        Ok(())
    }

    pub(super) fn put_lot(&mut self, lot: Lot) {
        self.lots.insert(lot.id.clone(), lot);
    }

    pub(super) fn lot(&self, id: &str) -> Option<Lot> {
        self.lots.get(id).or_else(|| self.state.lot(id)).cloned()
    }

    /// Lots of an account with something left, nearest expiry first. With a day, only those good on it.
    pub(super) fn open_lots(&self, account: &AccountKey, good_on: Option<Day>) -> Vec<Lot> {
        let id = account.id();
        let mut open: Vec<Lot> = self
            .state
            .lots_of(&id)
            .filter(|lot| !self.lots.contains_key(&lot.id))
            .chain(self.lots.values().filter(|lot| lot.account == id))
            .filter(|lot| lot.remaining > 0)
            .filter(|lot| good_on.is_none_or(|day| lot.is_good_on(day)))
            .cloned()
            .collect();
        open.sort_by_cached_key(Lot::order);
        open
    }

    /// Takes up to `amount` from an account, nearest expiry first where it is lotted. Returns what was
    /// taken and from which lots (as negative changes).
    pub(super) fn take(
        &mut self,
        account: &AccountKey,
        amount: i64,
        good_on: Option<Day>,
    ) -> Result<(i64, Vec<LotChange>), Refusal> {
        if !account.name.is_lotted() {
            let taken = self.balance(account)?.clamp(0, amount);
            self.post(account, negated(taken)?)?;
            return Ok((taken, Vec::new()));
        }
        let mut missing = amount;
        let mut changes = Vec::new();
        for lot in self.open_lots(account, good_on) {
            if missing == 0 {
                break;
            }
            let part = lot.remaining.min(missing);
            missing -= part;
            changes.push((lot.id.clone(), -part));
            self.change_lot(account, lot, -part)?;
        }
        Ok((amount - missing, changes))
    }

    pub(super) fn counter(&self, key: &CounterKey) -> Counter {
        self.counters
            .get(key)
            .or_else(|| self.state.counters.get(key))
            .cloned()
            .unwrap_or_default()
    }

    pub(super) fn put_counter(&mut self, key: CounterKey, counter: Counter) {
        self.counters.insert(key, counter);
    }

    pub(super) fn coupon(&self, code: &str) -> Option<Coupon> {
        self.coupons
            .get(code)
            .or_else(|| self.state.coupons.get(code))
            .cloned()
    }

    pub(super) fn put_coupon(&mut self, coupon: Coupon) {
        self.coupons.insert(coupon.code.clone(), coupon);
    }

    pub(super) fn refundable(&self, order: &str) -> Option<Refundable> {
        self.refundables
            .get(order)
            .or_else(|| self.state.refundables.get(order))
            .cloned()
    }

    pub(super) fn put_refundable(&mut self, order: &str, refundable: Refundable) {
        self.refundables.insert(order.to_owned(), refundable);
    }

    pub(super) fn hold(&self, id: &str) -> Option<Hold> {
        self.holds
            .get(id)
            .or_else(|| self.state.holds.get(id))
            .cloned()
    }

    pub(super) fn hold_of_quote(&self, quote: &str) -> Option<Hold> {
        let id = self.state.held_quotes.get(quote).cloned().or_else(|| {
            let mut new = self.holds.values().filter(|hold| hold.quote == quote);
            new.next().map(|hold| hold.id.clone())
        })?;
        self.hold(&id)
    }

    pub(super) fn put_hold(&mut self, hold: Hold) {
        self.holds.insert(hold.id.clone(), hold);
    }

    pub(super) fn order_of(&self, key: &OrderKey) -> Option<String> {
        self.order_keys
            .get(key)
            .or_else(|| self.state.order_keys.get(key))
            .cloned()
    }

    pub(super) fn put_order_key(&mut self, key: OrderKey, order: &str) {
        self.order_keys.insert(key, order.to_owned());
    }

    pub(super) fn open_shift(&self, terminal: &str) -> Option<Shift> {
        let before = self.state.shifts.values();
        let unchanged = before.filter(|shift| !self.shifts.contains_key(&shift.id));
        let mut shifts = self.shifts.values().chain(unchanged);
        shifts
            .find(|shift| shift.terminal == terminal && shift.closed_at.is_none())
            .cloned()
    }

    pub(super) fn put_shift(&mut self, shift: Shift) {
        self.shifts.insert(shift.id.clone(), shift);
    }

    /// Accounts and amounts of the legs so far in one asset.
    pub(super) fn legs_in(&self, asset: &str) -> impl Iterator<Item = (&str, i64)> {
        let legs = self.legs.iter();
        legs.filter(move |(_, leg)| leg.asset == asset)
            .map(|(account, leg)| (account.as_str(), leg.amount))
    }

    /// Whatever became spendable repays the member's debt first.
    fn repay_debts(&mut self) -> Result<(), Refusal> {
        let accounts: BTreeSet<AccountKey> = self
            .legs
            .values()
            .filter_map(|leg| leg.key.as_ref())
            .filter_map(|key| Some(key.sibling(key.name.repaying()?)))
            .collect();
        for points in accounts {
            let Some(debt) = points.name.debt() else {
                continue;
            };
            let debt = points.sibling(debt);
            let owed = negated(self.balance(&debt)?)?;
            if owed <= 0 {
                continue;
            }
            let (repaid, _) = self.take(&points, owed, None)?;
            if repaid > 0 {
                self.post(&debt, repaid)?;
                self.notices.push(Notice::DebtRepaid {
                    member: points.member,
                    asset: points.asset,
                    amount: repaid,
                });
            }
        }
        Ok(())
    }

    /// What the entry leaves open on a store's own accounts is due between the store and the chain.
    fn clear(&mut self, clearing: &Clearing) -> Result<(), Refusal> {
        let (currency, store) = (&clearing.currency, &clearing.store);
        let shard = format!("/{currency}@{}", self.writer);
        let points = format!("tender/points/{store}");
        let mut open = 0_i64;
        for (id, leg) in self.legs.iter().filter(|(_, leg)| leg.key.is_none()) {
            let name = id
                .strip_prefix(SYSTEM)
                .and_then(|rest| rest.strip_prefix('/'))
                .and_then(|rest| rest.strip_suffix(&shard));
            let own = name.filter(|name| {
                let of = name.rsplit_once('/').map(|(_, last)| last);
                of == Some(store.as_str()) && !(clearing.points && **name == points)
            });
            if own.is_some() {
                open = sum(open, leg.amount)?;
            }
        }
        self.post_system(&clearing.due(), currency, negated(open)?)?;
        self.post_system(CLEARING, currency, open)
    }

    /// Settles debts, checks that the entry balances and no wallet is below its floor, and closes the draft.
    pub(super) fn finish(
        mut self,
        command: &Command,
        entry_id: impl FnOnce() -> String,
    ) -> Result<Changes, Refusal> {
        self.repay_debts()?;
        if let Some(clearing) = &command.clearing {
            self.clear(clearing)?;
        }
        self.check_balanced()?;
        let mut accounts = Vec::new();
        let mut postings = Vec::new();
        for (id, leg) in self.legs {
            let lots: Vec<LotChange> = leg.lots.into_iter().filter(|(_, c)| *c != 0).collect();
            if leg.amount == 0 && lots.is_empty() {
                continue;
            }
            let mut account = match self.state.accounts.get(&id) {
                Some(account) => account.clone(),
                None => Account {
                    asset: leg.asset,
                    balance: 0,
                    version: 0,
                    base: 0,
                },
            };
            account.balance = sum(account.balance, leg.amount)?;
            account.version += 1;
            check_floor(&id, leg.key.as_ref(), account.balance, leg.amount)?;
            postings.push(Posting {
                account: id.clone(),
                asset: account.asset.clone(),
                amount: leg.amount,
                balance_after: account.balance,
                version: account.version,
                lots,
            });
            accounts.push((id, account));
        }
        let entry = (!postings.is_empty()).then(|| Entry {
            id: entry_id(),
            kind: command.kind.clone(),
            subject: command.subject.clone(),
            at: command.at,
            business_date: command.business_date,
            postings,
        });
        Ok(Changes {
            entry,
            notices: self.notices,
            accounts,
            lots: self.lots,
            counters: self.counters,
            coupons: self.coupons,
            refundables: self.refundables,
            holds: self.holds,
            order_keys: self.order_keys,
            shifts: self.shifts,
            shift_movements: self.shift_movements,
        })
    }

    fn check_balanced(&self) -> Result<(), Refusal> {
        let mut sums: BTreeMap<&str, i64> = BTreeMap::new();
        for leg in self.legs.values() {
            let total = sums.entry(leg.asset.as_str()).or_insert(0);
            *total = sum(*total, leg.amount)?;
        }
        match sums.into_iter().find(|(_, total)| *total != 0) {
            Some((asset, sum)) => Err(Refusal::Unbalanced {
                asset: asset.to_owned(),
                sum,
            }),
            None => Ok(()),
        }
    }
}

fn bad_asset(asset: &str) -> bool {
    asset.is_empty() || asset.contains(['/', '@'])
}

/// A wallet is never negative, a debt never positive.
fn check_floor(
    id: &str,
    key: Option<&AccountKey>,
    balance: i64,
    change: i64,
) -> Result<(), Refusal> {
    let Some(key) = key else { return Ok(()) };
    let broken = match key.name {
        name if name.is_debt() => balance > 0,
        _ => balance < 0,
    };
    if broken {
        return Err(Refusal::InsufficientBalance {
            account: id.to_owned(),
            needed: change.saturating_neg(),
            available: balance.saturating_sub(change),
        });
    }
    Ok(())
}

impl Changes {
    /// Makes the changes part of the state.
    pub(super) fn merge(self, state: &mut State) {
        for (id, account) in self.accounts {
            state.touched.accounts.insert(id.clone());
            state.accounts.insert(id, account);
        }
        for (id, lot) in self.lots {
            state.touched.lots.insert(id);
            state.put_lot(lot);
        }
        for (key, counter) in self.counters {
            state.touched.counters.insert(key.clone());
            state.counters.insert(key, counter);
        }
        for (code, coupon) in self.coupons {
            state.touched.coupons.insert(code.clone());
            state.coupons.insert(code, coupon);
        }
        for (order, refundable) in self.refundables {
            state.touched.refundables.insert(order.clone());
            state.refundables.insert(order, refundable);
        }
        for (id, hold) in self.holds {
            state.touched.holds.insert(id);
            state.put_hold(hold);
        }
        state.order_keys.extend(self.order_keys);
        for (id, shift) in self.shifts {
            state.touched.shifts.insert(id.clone());
            state.shifts.insert(id, shift);
        }
        state.shift_movements.extend(self.shift_movements);
    }
}
