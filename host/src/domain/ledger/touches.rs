//! Which rows a command reads or changes, so that they can be loaded before it is applied.

use std::collections::BTreeSet;

use super::account::{AccountKey, AccountName};
use super::command::{CLEARING, Command, Reserve, Step};
use super::merge::MERGED;
use super::record::Record;
use super::state::{CounterKey, Held, Hold, OrderKey, frozen, lease};

/// Ids to load. Holds name further rows; see [`Touches::add_hold`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Touches {
    /// Members' account ids.
    pub accounts: BTreeSet<String>,
    /// (name, asset) of system accounts.
    pub system: BTreeSet<(String, String)>,
    /// Members whose open lots are all needed.
    pub lots_of_members: BTreeSet<String>,
    /// Lots needed even when empty.
    pub lots: BTreeSet<String>,
    pub counters: BTreeSet<CounterKey>,
    pub coupons: BTreeSet<String>,
    pub refundables: BTreeSet<String>,
    pub holds: BTreeSet<String>,
    /// Quotes whose order or hold is needed.
    pub quotes: BTreeSet<String>,
    pub order_keys: BTreeSet<OrderKey>,
    /// Terminals whose open shift is needed.
    pub terminals: BTreeSet<String>,
    pub operations: BTreeSet<String>,
}

impl Touches {
    pub fn add(&mut self, command: &Command) {
        if let Some(operation) = &command.operation {
            self.operations.insert(operation.key.clone());
        }
        if let Some(clearing) = &command.clearing {
            self.system(&clearing.due(), &clearing.currency);
            self.system(CLEARING, &clearing.currency);
        }
        if let Some(second) = &command.beside {
            self.add(second);
        }
        for step in &command.steps {
            self.add_step(step);
        }
        for record in &command.records {
            if let Record::Order(order) = record {
                for key in order_keys(order) {
                    if let OrderKey::Quote(quote) = &key {
                        self.quotes.insert(quote.clone());
                    }
                    self.order_keys.insert(key);
                }
            }
        }
    }

    /// What resolving `hold` needs.
    pub fn add_hold(&mut self, hold: &Hold) {
        for held in &hold.reserves {
            match held {
                Held::Account { account, lots, .. } => {
                    self.account(account);
                    if let Some(name) = account.name.held() {
                        self.account(&account.sibling(name));
                    }
                    self.lots.extend(lots.iter().map(|(lot, _)| lot.clone()));
                }
                Held::Counter { owner, name, .. } => {
                    self.counters.insert((owner.clone(), name.clone()));
                }
                Held::Coupon { code } => {
                    self.coupons.insert(code.clone());
                }
            }
        }
    }

    fn account(&mut self, account: &AccountKey) {
        self.accounts.insert(account.id());
        if account.name.is_points() {
            // Any credit may repay a debt.
            for name in [AccountName::Points, AccountName::PointsDebt] {
                self.accounts.insert(account.sibling(name).id());
            }
            self.system("points-issued", &account.asset);
        } else if matches!(account.name, AccountName::Bonus | AccountName::BonusPending) {
            for name in [
                AccountName::Bonus,
                AccountName::BonusPending,
                AccountName::BonusDebt,
            ] {
                self.accounts.insert(account.sibling(name).id());
            }
        }
    }

    fn system(&mut self, name: &str, asset: &str) {
        self.system.insert((name.to_owned(), asset.to_owned()));
    }

    /// What a step needs that says only the lot: points or bonus may be meant.
    fn of_any_kind(&mut self, member: &str, asset: &str) {
        self.account(&AccountKey::new(member, AccountName::PointsPending, asset));
        self.debit(&AccountKey::new(member, AccountName::Bonus, asset));
        for name in [AccountName::Pass, AccountName::PassValue] {
            self.account(&AccountKey::new(member, name, asset));
        }
    }

    fn debit(&mut self, account: &AccountKey) {
        self.account(account);
        if account.name.is_lotted() {
            self.lots_of_members.insert(account.member.clone());
        }
        self.counters.insert(frozen(account));
    }

    fn pass(&mut self, account: &AccountKey, currency: &str) {
        self.debit(account);
        self.account(&AccountKey {
            asset: currency.to_owned(),
            ..account.sibling(AccountName::PassValue)
        });
        self.system(account.name.issued(), &account.asset);
    }

    fn add_step(&mut self, step: &Step) {
        match step {
            Step::Credit { account, lot, .. } => {
                self.account(account);
                self.lots.extend(lot.iter().map(|lot| lot.id.clone()));
            }
            Step::Debit {
                account, on_short, ..
            } => {
                self.debit(account);
                if let super::command::OnShort::Claim { store } = on_short {
                    self.system(&format!("claims/{store}"), &account.asset);
                }
            }
            Step::UsePass {
                account,
                currency,
                revenue,
                on_short,
                ..
            } => {
                self.pass(account, currency);
                self.system(revenue, currency);
                if let super::command::OnShort::Claim { store } = on_short {
                    self.system(&format!("claims/{store}"), &account.asset);
                }
            }
            Step::ClosePass {
                account,
                currency,
                lot,
                revenue,
                ..
            } => {
                self.pass(account, currency);
                self.system(revenue, currency);
                self.lots.insert(lot.clone());
            }
            Step::EarnPeriods {
                account,
                lots,
                revenue,
                ..
            } => {
                self.account(account);
                self.system(revenue, &account.asset);
                self.lots.extend(lots.iter().cloned());
            }
            Step::Transfer { from, to, lot, .. } => {
                self.debit(from);
                self.account(&AccountKey {
                    member: to.clone(),
                    ..from.clone()
                });
                self.lots.insert(lot.clone());
            }
            Step::Merge {
                from, to, assets, ..
            } => {
                for member in [from, to] {
                    for asset in assets {
                        for name in AccountName::ALL {
                            self.account(&AccountKey::new(member, name, asset.as_str()));
                        }
                    }
                    self.lots_of_members.insert(member.clone());
                    self.counters.insert((member.clone(), MERGED.to_owned()));
                }
            }
            Step::Owe { account, .. } => {
                self.account(account);
                // What he can spend repays it at once.
                if let Some(name) = account.name.repaying() {
                    self.debit(&account.sibling(name));
                }
            }
            Step::System { name, asset, .. } => self.system(name, asset),
            Step::Return {
                account, splits, ..
            } => {
                self.account(account);
                self.system(account.name.issued(), &account.asset);
                self.lots.extend(splits.iter().map(|(lot, _)| lot.clone()));
            }
            Step::TakeBack {
                member, asset, lot, ..
            } => {
                self.of_any_kind(member, asset);
                self.lots.insert(lot.clone());
            }
            Step::Counter { owner, name, .. } | Step::TakeTurn { owner, name, .. } => {
                self.counters.insert((owner.clone(), name.clone()));
            }
            Step::NotFrozen { account } => {
                self.counters.insert(frozen(account));
            }
            Step::Ceiling { account, .. } => {
                self.account(account);
                if let Some(name) = account.name.held() {
                    self.account(&account.sibling(name));
                }
            }
            Step::GiveUp { quote } => {
                self.quotes.insert(quote.clone());
            }
            Step::Lease { name, .. } => {
                self.counters.insert(lease(name));
            }
            Step::UseCoupon { code, .. }
            | Step::VoidCoupon { code }
            | Step::RevokeCoupon { code, .. }
            | Step::TransferCoupon { code, .. }
            | Step::GiveCoupon { code, .. } => {
                self.coupons.insert(code.clone());
            }
            Step::IssueCoupon(coupon) => {
                self.coupons.insert(coupon.code.clone());
            }
            Step::OpenOrder { order, .. }
            | Step::Refund { order, .. }
            | Step::ClaimOrder { order }
            | Step::OrderStands { order } => {
                self.refundables.insert(order.clone());
            }
            Step::Hold {
                hold,
                quote,
                reserves,
                ..
            } => {
                self.holds.insert(hold.clone());
                self.quotes.insert(quote.clone());
                for reserve in reserves {
                    self.add_reserve(reserve);
                }
            }
            Step::ResolveHold { hold, .. } => {
                self.holds.insert(hold.clone());
            }
            Step::Shift(step) => step.touches(self),
            Step::ReleasePending {
                member,
                asset,
                lots,
            } => {
                self.of_any_kind(member, asset);
                self.lots.extend(lots.iter().cloned());
            }
            Step::ExpireLots {
                member,
                asset,
                lots,
            }
            | Step::LapseLots {
                member,
                asset,
                lots,
            } => {
                for name in [
                    AccountName::Points,
                    AccountName::PointsPending,
                    AccountName::Bonus,
                    AccountName::Pass,
                    AccountName::PassValue,
                    AccountName::BonusPending,
                ] {
                    self.accounts
                        .insert(AccountKey::new(member, name, asset.as_str()).id());
                    self.system(name.issued(), asset);
                }
                self.lots.extend(lots.iter().cloned());
            }
        }
    }

    fn add_reserve(&mut self, reserve: &Reserve) {
        match reserve {
            Reserve::Account { account, .. } => {
                self.debit(account);
                if let Some(name) = account.name.held() {
                    self.account(&account.sibling(name));
                }
            }
            Reserve::Pass {
                account, currency, ..
            } => {
                self.pass(account, currency);
                let held = [
                    (AccountName::PassHeld, account.asset.as_str()),
                    (AccountName::PassValueHeld, currency),
                ];
                for (name, asset) in held {
                    self.account(&AccountKey::new(&account.member, name, asset));
                }
            }
            Reserve::Counter { owner, name, .. } => {
                self.counters.insert((owner.clone(), name.clone()));
            }
            Reserve::Coupon { code, .. } => {
                self.coupons.insert(code.clone());
            }
        }
    }
}

/// The keys of an order that may be used once.
pub(super) fn order_keys(order: &super::record::OrderRow) -> Vec<OrderKey> {
    let mut keys = vec![OrderKey::Receipt(order.receipt_code.clone())];
    keys.extend(order.quote_id.clone().map(OrderKey::Quote));
    keys.extend(order.external_id.clone().map(|id| OrderKey::External {
        store: order.store.clone(),
        id,
    }));
    keys
}
