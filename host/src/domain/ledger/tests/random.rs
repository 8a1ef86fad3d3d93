//! Random earnings, spends, holds, returns and take-backs: the invariants hold after every one.

use proptest::prelude::*;

use super::*;

#[derive(Debug, Clone)]
enum Action {
    Earn {
        amount: i64,
        expires_in: Option<i32>,
    },
    Pending {
        amount: i64,
        after: i32,
    },
    Spend {
        amount: i64,
    },
    /// To another member.
    Give {
        amount: i64,
    },
    ReturnLast {
        part: i64,
        grace: Option<u32>,
    },
    TakeBack {
        lot: usize,
        amount: i64,
    },
    Hold {
        amount: i64,
    },
    Resolve {
        hold: usize,
        outcome: u8,
    },
    Sweep,
    NextDay {
        days: i32,
    },
}

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        3 => (0..200_i64, prop::option::of(0..20_i32))
            .prop_map(|(amount, expires_in)| Action::Earn { amount, expires_in }),
        2 => (1..100_i64, 0..6_i32).prop_map(|(amount, after)| Action::Pending { amount, after }),
        3 => (0..150_i64).prop_map(|amount| Action::Spend { amount }),
        2 => (0..120_i64).prop_map(|amount| Action::Give { amount }),
        2 => (1..100_i64, prop::option::of(0..5_u32))
            .prop_map(|(part, grace)| Action::ReturnLast { part, grace }),
        2 => (0..20_usize, 1..150_i64).prop_map(|(lot, amount)| Action::TakeBack { lot, amount }),
        2 => (1..120_i64).prop_map(|amount| Action::Hold { amount }),
        2 => (0..10_usize, 0..3_u8).prop_map(|(hold, outcome)| Action::Resolve { hold, outcome }),
        1 => Just(Action::Sweep),
        2 => (1..6_i32).prop_map(|days| Action::NextDay { days }),
    ]
}

/// The bench with what later actions refer to.
#[derive(Default)]
struct Play {
    bench: Bench,
    day: i32,
    /// Lots with what of their original was not taken back.
    lots: Vec<(String, i64)>,
    holds: Vec<(String, i64)>,
    /// Splits of the last spend that were not returned.
    spent: Vec<(String, i64)>,
    accepted: usize,
}

impl Play {
    fn step(&mut self, action: &Action) {
        let day = self.day;
        let steps = match action {
            Action::NextDay { days } => {
                self.day += days;
                return;
            }
            Action::Earn { amount, expires_in } => {
                let id = self.new_lot(*amount);
                earn(&id, *amount, expires_in.map(|days| day + days))
            }
            Action::Pending { amount, after } => {
                let id = self.new_lot(*amount);
                let mut steps = earn(&id, *amount, None);
                if let Step::Credit {
                    account,
                    lot: Some(lot),
                    ..
                } = &mut steps[0]
                {
                    account.name = AccountName::PointsPending;
                    lot.available_on = Some(Day(day + after));
                }
                steps
            }
            Action::Spend { amount } => return self.spend(*amount),
            Action::Give { amount } => return self.give(*amount),
            Action::ReturnLast { part, grace } => match self.give_back(*part, *grace) {
                Some(steps) => steps,
                None => return,
            },
            Action::TakeBack { lot, amount } => match self.lots.get_mut(*lot) {
                Some((id, left)) if *left > 0 => {
                    let amount = (*amount).min(*left);
                    *left -= amount;
                    take_back(id, amount)
                }
                _ => return,
            },
            Action::Hold { amount } => return self.hold(*amount),
            Action::Resolve { hold, outcome } => match self.resolve(*hold, *outcome) {
                Some(steps) => steps,
                None => return,
            },
            Action::Sweep => self.sweep(),
        };
        self.bench
            .run(day, steps)
            .unwrap_or_else(|refusal| panic!("{action:?}: {refusal}"));
        self.accepted += 1;
    }

    fn new_lot(&mut self, amount: i64) -> String {
        let id = format!("l{:04}", self.lots.len());
        self.lots.push((id.clone(), amount));
        id
    }

    fn spend(&mut self, amount: i64) {
        let available: i64 = self.spendable();
        match self.bench.run(self.day, spend(amount)) {
            Ok(receipt) => {
                assert!(amount <= available);
                self.accepted += 1;
                self.spent = receipt
                    .postings
                    .into_iter()
                    .flat_map(|posting| posting.lots)
                    .map(|(lot, change)| (lot, -change))
                    .collect();
            }
            Err(_) => assert!(amount > available),
        }
    }

    fn give(&mut self, amount: i64) {
        let available = self.spendable();
        let lot = format!("g{:04}", self.accepted);
        match self.bench.run(self.day, give(amount, &lot)) {
            Ok(_) => {
                assert!(amount <= available);
                self.accepted += 1;
            }
            Err(_) => assert!(amount > available),
        }
    }

    fn spendable(&self) -> i64 {
        let id = account(AccountName::Points).id();
        self.bench
            .state
            .lots()
            .filter(|lot| lot.account == id && !lot.has_expired(Day(self.day)))
            .map(|lot| lot.remaining)
            .sum()
    }

    fn give_back(&mut self, part: i64, grace: Option<u32>) -> Option<Vec<Step>> {
        let (lot, left) = self.spent.last_mut().filter(|(_, left)| *left > 0)?;
        let amount = part.min(*left);
        *left -= amount;
        Some(vec![
            Step::Return {
                account: account(AccountName::Points),
                splits: vec![(lot.clone(), amount)],
                expired: grace.map_or(ExpiredReturn::AtOnce, ExpiredReturn::GraceDays),
            },
            system("points-issued", ASSET, -amount),
        ])
    }

    fn hold(&mut self, amount: i64) {
        let id = format!("h{}", self.holds.len());
        let steps = vec![Step::Hold {
            hold: id.clone(),
            quote: format!("q-{id}"),
            member: Some(MEMBER.to_owned()),
            expires_at: Instant(0),
            reserves: vec![Reserve::Account {
                account: account(AccountName::Points),
                amount,
            }],
            sale: Vec::new(),
        }];
        let available = self.spendable();
        match self.bench.run(self.day, steps) {
            Ok(_) => {
                assert!(amount <= available);
                self.accepted += 1;
                self.holds.push((id, amount));
            }
            Err(_) => assert!(amount > available),
        }
    }

    /// Ending a pending hold always succeeds, also the commit of what it reserved.
    fn resolve(&mut self, at: usize, outcome: u8) -> Option<Vec<Step>> {
        let (id, amount) = self.holds.get_mut(at)?;
        let amount = std::mem::take(amount);
        if amount == 0 {
            return None;
        }
        let outcome = match outcome {
            0 => HoldOutcome::Voided,
            1 => HoldOutcome::Expired,
            _ => HoldOutcome::Posted,
        };
        let mut steps = vec![Step::ResolveHold {
            hold: id.clone(),
            outcome,
        }];
        if outcome == HoldOutcome::Posted {
            steps.extend(spend(amount));
        }
        Some(steps)
    }

    fn sweep(&self) -> Vec<Step> {
        let lots: Vec<String> = self.lots.iter().map(|(id, _)| id.clone()).collect();
        vec![
            Step::ReleasePending {
                member: MEMBER.to_owned(),
                asset: ASSET.to_owned(),
                lots: lots.clone(),
            },
            Step::ExpireLots {
                member: MEMBER.to_owned(),
                asset: ASSET.to_owned(),
                lots,
            },
        ]
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_sequence_keeps_every_invariant(actions in prop::collection::vec(action(), 1..60)) {
        let mut play = Play { day: 100, ..Play::default() };
        for action in &actions {
            play.step(action);
            play.bench.check();
        }
    }
}
