//! Steps and invariants of the ledger, in memory.

mod beside;
mod holds;
mod lots;
mod merges;
mod random;
mod shifts;
mod steps;

use std::collections::BTreeMap;

use super::*;
use crate::domain::time::{Day, Instant};

const MEMBER: &str = "m1";
const OTHER: &str = "m2";
const ASSET: &str = "points:main";

/// A ledger in memory with the entries it made.
#[derive(Default)]
struct Bench {
    state: State,
    entries: Vec<Entry>,
    ids: u64,
}

fn account(name: AccountName) -> AccountKey {
    let asset = if name.is_points() { ASSET } else { "CNY" };
    AccountKey::new(MEMBER, name, asset)
}

fn command(day: i32, steps: Vec<Step>) -> Command {
    Command {
        steps,
        ..Command::new("test", Subject::new("test", "t"), Instant(0), Day(day))
    }
}

fn system(name: &str, asset: &str, amount: i64) -> Step {
    Step::System {
        name: name.to_owned(),
        asset: asset.to_owned(),
        amount,
    }
}

fn new_lot(id: &str, expires_on: Option<i32>) -> NewLot {
    NewLot {
        id: id.to_owned(),
        expires_on: expires_on.map(Day),
        available_on: None,
        source: "test".to_owned(),
        first_day: None,
    }
}

/// Both sides of earning points.
fn earn(lot: &str, amount: i64, expires_on: Option<i32>) -> Vec<Step> {
    vec![
        Step::Credit {
            account: account(AccountName::Points),
            amount,
            lot: Some(new_lot(lot, expires_on)),
        },
        system("points-issued", ASSET, -amount),
    ]
}

/// Both sides of spending points.
fn spend(amount: i64) -> Vec<Step> {
    vec![
        Step::Debit {
            account: account(AccountName::Points),
            amount,
            on_short: OnShort::Refuse,
        },
        system("points-issued", ASSET, amount),
    ]
}

/// Giving points to somebody else.
fn give(amount: i64, lot: &str) -> Vec<Step> {
    vec![Step::Transfer {
        from: account(AccountName::Points),
        to: OTHER.to_owned(),
        amount,
        lot: lot.to_owned(),
    }]
}

/// Both sides of taking points of a lot back.
fn take_back(lot: &str, amount: i64) -> Vec<Step> {
    vec![
        Step::TakeBack {
            member: MEMBER.to_owned(),
            asset: ASSET.to_owned(),
            lot: lot.to_owned(),
            amount,
            on_short: TakeBackShort::Debt,
        },
        system("points-issued", ASSET, amount),
    ]
}

impl Bench {
    fn apply(&mut self, command: &Command) -> Result<Receipt, Refusal> {
        let before = self.state.clone();
        let ids = &mut self.ids;
        let mut new_id = || {
            *ids += 1;
            format!("e{ids}")
        };
        let mut context = Context {
            writer: "w-1",
            new_id: &mut new_id,
        };
        match apply(&mut self.state, command, &mut context) {
            Ok(applied) => {
                self.entries.extend(applied.entry);
                self.entries
                    .extend(applied.beside.and_then(|beside| beside.entry));
                Ok(applied.receipt)
            }
            Err(refusal) => {
                assert_eq!(
                    self.state.accounts, before.accounts,
                    "a refusal moves nothing"
                );
                assert_eq!(self.state.counters, before.counters);
                assert_eq!(self.state.coupons, before.coupons);
                assert_eq!(self.state.refundables, before.refundables);
                assert_eq!(self.state.holds, before.holds);
                assert_eq!(self.state.shifts, before.shifts);
                Err(refusal)
            }
        }
    }

    fn run(&mut self, day: i32, steps: Vec<Step>) -> Result<Receipt, Refusal> {
        self.apply(&command(day, steps))
    }

    fn balance(&self, name: AccountName) -> i64 {
        let id = account(name).id();
        self.state.accounts.get(&id).map_or(0, |a| a.balance)
    }

    fn remaining(&self, lot: &str) -> i64 {
        self.state.lot(lot).map_or(0, |lot| lot.remaining)
    }

    /// Everything that must always be true, from the entries up.
    fn check(&self) {
        let mut balances: BTreeMap<&str, (i64, i64)> = BTreeMap::new();
        let mut lots: BTreeMap<(&str, &str), i64> = BTreeMap::new();
        for entry in &self.entries {
            let mut sums: BTreeMap<&str, i64> = BTreeMap::new();
            for posting in &entry.postings {
                *sums.entry(&posting.asset).or_default() += posting.amount;
                let (balance, version) = balances.entry(&posting.account).or_default();
                *balance += posting.amount;
                *version += 1;
                assert_eq!(
                    (posting.balance_after, posting.version),
                    (*balance, *version)
                );
                for (lot, change) in &posting.lots {
                    *lots.entry((&posting.account, lot)).or_default() += change;
                }
                if let Some(key) = AccountKey::parse(&posting.account) {
                    match key.name {
                        name if name.is_debt() => assert!(*balance <= 0),
                        _ => assert!(*balance >= 0, "{} at {balance}", posting.account),
                    }
                }
            }
            assert!(sums.values().all(|sum| *sum == 0), "{entry:?}");
            assert!(!entry.postings.is_empty());
        }
        for (id, account) in &self.state.accounts {
            let (balance, version) = balances.get(id.as_str()).copied().unwrap_or_default();
            assert_eq!(
                (account.balance, account.version),
                (balance, version),
                "{id}"
            );
        }
        self.check_lots(&lots);
        let total: i64 = self.state.accounts.values().map(|a| a.balance).sum();
        assert_eq!(total, 0);
        if self.balance(AccountName::PointsDebt) < 0 {
            assert_eq!(self.balance(AccountName::Points), 0, "debt beside points");
        }
        for refundable in self.state.refundables.values() {
            let lines = refundable.lines.iter();
            assert!(lines.clone().all(|l| (0..=l.sold).contains(&l.refunded)));
        }
        self.check_holds();
    }

    fn check_lots(&self, posted: &BTreeMap<(&str, &str), i64>) {
        let mut sums: BTreeMap<&str, i64> = BTreeMap::new();
        for lot in self.state.lots() {
            assert!((0..=lot.original).contains(&lot.remaining), "{lot:?}");
            *sums.entry(&lot.account).or_default() += lot.remaining;
            let key = (lot.account.as_str(), lot.id.as_str());
            assert_eq!(posted.get(&key).copied().unwrap_or(0), lot.remaining);
        }
        for (id, account) in &self.state.accounts {
            if AccountKey::parse(id).is_some_and(|key| key.name.is_lotted()) {
                assert_eq!(sums.get(id.as_str()).copied().unwrap_or(0), account.balance);
            }
        }
    }

    fn check_holds(&self) {
        let mut parked: BTreeMap<String, i64> = BTreeMap::new();
        for hold in self.state.holds.values() {
            if hold.state != HoldState::Pending {
                continue;
            }
            for held in &hold.reserves {
                if let Held::Account {
                    account, amount, ..
                } = held
                    && let Some(name) = account.name.held()
                {
                    *parked.entry(account.sibling(name).id()).or_default() += amount;
                }
            }
        }
        for name in [
            AccountName::PointsHeld,
            AccountName::PrincipalHeld,
            AccountName::BonusHeld,
        ] {
            let id = account(name).id();
            assert_eq!(self.balance(name), parked.get(&id).copied().unwrap_or(0));
        }
    }
}
