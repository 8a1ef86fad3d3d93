//! What every rule must keep, whatever it is about.

use std::fmt::Debug;

use crate::facts::lies_within;
use crate::gifts::COUNT_MAX;
use crate::types::{Basket, ConfigProblem, CounterChange, Gift, Grant, Member, Message, Needs};
use crate::{Catalogues, Exported, points, promotions, referrals, tiers};

/// The most one answer may hold.
const DISCOUNTS_MAX: usize = 500;
const AWARDS_MAX: usize = 100;
const REWARDS_MAX: usize = 10;
const GRANTS_MAX: usize = 20;
/// Points at the program's scale, or minor units of bonus.
const GIVEN_MAX: i64 = 1_000_000_000_000;
const NEAR_MISSES_MAX: usize = 20;

/// What a rule wants and what it answers, or what is wrong with its configuration.
pub type Outcome<A> = Result<(Needs, Result<A, String>), Vec<ConfigProblem>>;

/// Facts of the kind that rule `R` is told; implemented by the SDK.
pub trait RuleOf<R>: Sized {
    type Answer: Answer<Self>;

    /// What the host calls when a binding is made.
    fn check(config: &str) -> Result<Vec<u8>, Vec<ConfigProblem>>;

    /// The exported functions in the order the host calls them.
    fn run(config: &str, facts: &Self) -> Outcome<Self::Answer>;
}

/// An answer the host would look through; implemented by the SDK.
pub trait Answer<F>: PartialEq + Debug {
    fn messages(&self) -> Vec<&Message>;

    /// Everything wrong with it.
    fn faults(&self, facts: &F, needs: &Needs) -> Vec<String>;
}

/// Runs a rule and panics unless it kept the contract: the configuration (JSON) is accepted, two runs
/// give the same answer, the answer is within limits, its positions exist, and each of its messages
/// can be rendered in every catalogue. Returns the answer.
#[track_caller]
pub fn assert_contract<R: Exported>(config: &str, facts: &R::Facts) -> R::Answer
where
    R::Facts: RuleOf<R, Answer = R::Answer>,
    R::Answer: Answer<R::Facts>,
{
    let (needs, answer) = run::<R>(config, facts);
    let answer = answer.unwrap_or_else(|error| panic!("the rule answered with an error: {error}"));
    let again = run::<R>(config, facts).1;
    assert_eq!(
        Ok(&answer),
        again.as_ref(),
        "the same facts must get the same answer"
    );
    let mut faults = answer.faults(facts, &needs);
    let catalogues = Catalogues::parse(R::MESSAGES).unwrap_or_else(|fault| panic!("{fault}"));
    for message in answer.messages() {
        faults.extend(catalogues.resolve(message).err().map(|fault| fault.0));
    }
    assert!(
        faults.is_empty(),
        "the answer breaks the contract:\n{}\n{answer:#?}",
        faults.join("\n")
    );
    answer
}

/// Runs a rule that must answer with an error and returns its sentence.
#[track_caller]
pub fn assert_error<R: Exported>(config: &str, facts: &R::Facts) -> String
where
    R::Facts: RuleOf<R, Answer = R::Answer>,
    R::Answer: Answer<R::Facts>,
{
    match run::<R>(config, facts).1 {
        Err(error) => error,
        Ok(answer) => panic!("the rule answered instead of refusing: {answer:#?}"),
    }
}

/// What is wrong with a configuration (JSON); empty when it is accepted.
pub fn config_problems<R: Exported>(config: &str) -> Vec<ConfigProblem>
where
    R::Facts: RuleOf<R, Answer = R::Answer>,
    R::Answer: Answer<R::Facts>,
{
    R::Facts::check(config).err().unwrap_or_default()
}

#[track_caller]
fn run<R: Exported>(config: &str, facts: &R::Facts) -> (Needs, Result<R::Answer, String>)
where
    R::Facts: RuleOf<R, Answer = R::Answer>,
    R::Answer: Answer<R::Facts>,
{
    R::Facts::run(config, facts)
        .unwrap_or_else(|problems| panic!("the configuration is refused: {problems:#?}"))
}

/// Gathers faults with little ceremony.
struct Faults(Vec<String>);

impl Faults {
    fn unless(&mut self, holds: bool, fault: impl FnOnce() -> String) {
        if !holds {
            self.0.push(fault());
        }
    }

    fn at_most(&mut self, what: &str, count: usize, most: usize) {
        self.unless(count <= most, || {
            format!("{count} {what}, at most {most} are taken")
        });
    }

    fn positive(&mut self, what: &str, amount: i64) {
        self.unless(amount > 0, || {
            format!("a {what} of {amount}; it must be positive")
        });
    }

    fn given(&mut self, what: &str, amounts: impl Iterator<Item = i64>) {
        let sum = amounts.fold(0_i64, i64::saturating_add);
        self.unless(sum <= GIVEN_MAX, || {
            format!("{sum} {what} at once, at most {GIVEN_MAX} are taken")
        });
    }

    fn positions(&mut self, positions: &[u32], lines: usize) {
        for position in positions {
            let exists = usize::try_from(*position).is_ok_and(|position| position < lines);
            self.unless(exists, || format!("line {position} of a basket of {lines}"));
        }
    }

    fn needed(&mut self, needs: &Needs, aggregates: usize, counters: usize) {
        self.unless(needs.aggregates.len() == aggregates, || {
            format!(
                "the rule needs {} aggregates; give them with aggregates([..])",
                needs.aggregates.len()
            )
        });
        self.unless(counters <= needs.counters.len(), || {
            format!(
                "the rule needs {} counters and no more; give them with counters([..])",
                needs.counters.len()
            )
        });
    }

    /// Changes must stay within what the rule itself said of the counter.
    fn counters(&mut self, changes: &[CounterChange], needs: &Needs, values: &[i64]) {
        for change in changes {
            let position = usize::try_from(change.counter).unwrap_or(usize::MAX);
            let Some(need) = needs.counters.get(position) else {
                self.0
                    .push(format!("counter {} is not among the needs", change.counter));
                continue;
            };
            let value = values.get(position).copied().unwrap_or(0);
            let after = value.saturating_add(change.change);
            self.unless(
                (after >= 0 || change.change > 0) && need.limit.is_none_or(|limit| after <= limit),
                || format!("counter {} would become {after}", need.name),
            );
        }
    }

    /// Where its preconditions do not hold the host would not have asked.
    fn preconditions(&mut self, needs: &Needs, sale: &Sale<'_>, answered: bool) {
        let only = &needs.preconditions;
        let missing = [
            ("tiers", !sale.has_tier(&only.tiers)),
            ("tenders", !sale.is_paid_with_one_of(needs)),
            ("goods", !sale.has_goods(needs)),
            ("a code", only.code && !sale.code),
        ];
        for (what, _) in missing.iter().filter(|(_, missing)| *missing && answered) {
            self.0.push(format!(
                "an answer although the preconditions ask for {what} the sale has not; the host would not have called \
                 the rule"
            ));
        }
    }

    fn grants<'g>(&mut self, grants: impl ExactSizeIterator<Item = &'g Grant>, today: i32) {
        self.at_most("grants", grants.len(), GRANTS_MAX);
        let mut bonus = 0_i64;
        for grant in grants {
            self.unless((1..=COUNT_MAX).contains(&grant.count), || {
                format!("a grant of {}; give 1 to {COUNT_MAX}", grant.count)
            });
            let is_bonus = grant.gift == Gift::Bonus;
            self.unless(is_bonus == (grant.amount > 0) && grant.amount >= 0, || {
                format!(
                    "a grant with an amount of {}; bonus alone has one above zero",
                    grant.amount
                )
            });
            self.unless(
                !is_bonus || (grant.count == 1 && grant.available_on.is_none()),
                || "bonus that is counted or comes later; grant it once and at once".to_owned(),
            );
            self.days(today, grant.available_on, grant.expires_on);
            bonus = bonus.saturating_add(grant.amount);
        }
        self.given("minor units of bonus", std::iter::once(bonus));
    }

    fn days(&mut self, today: i32, available_on: Option<i32>, expires_on: Option<i32>) {
        let first = available_on.unwrap_or(today).max(today);
        self.unless(expires_on.is_none_or(|last| last >= first), || {
            "what expires before it can be spent".to_owned()
        });
    }
}

/// What preconditions look at.
struct Sale<'a> {
    member: Option<&'a Member>,
    basket: &'a Basket,
    code: bool,
}

impl Sale<'_> {
    fn has_tier(&self, tiers: &[String]) -> bool {
        let held = self.member.and_then(|member| member.tier.as_ref());
        tiers.is_empty() || held.is_some_and(|held| tiers.contains(held))
    }

    fn is_paid_with_one_of(&self, needs: &Needs) -> bool {
        let tenders = &needs.preconditions.tenders;
        let intended = |kind| self.basket.tenders.iter().any(|one| one.kind == kind);
        tenders.is_empty() || tenders.iter().any(|kind| intended(*kind))
    }

    fn has_goods(&self, needs: &Needs) -> bool {
        let (only, basket) = (&needs.preconditions, self.basket);
        let below = |path: &String| only.categories.iter().any(|one| lies_within(path, one));
        !only.name_goods()
            || basket.lines.is_empty()
            || basket
                .products
                .iter()
                .any(|one| only.products.contains(one))
            || basket.tags.iter().any(|one| only.tags.contains(one))
            || basket.categories.iter().any(below)
    }
}

impl Answer<points::Facts> for points::Proposal {
    fn messages(&self) -> Vec<&Message> {
        let awards = self.awards.iter().map(|award| &award.reason);
        awards
            .chain(self.grants.iter().map(|grant| &grant.reason))
            .chain(self.near_misses.iter().map(|miss| &miss.reason))
            .collect()
    }

    fn faults(&self, facts: &points::Facts, needs: &Needs) -> Vec<String> {
        let mut faults = Faults(Vec::new());
        let sale = Sale {
            member: Some(&facts.member),
            basket: &facts.basket,
            code: false,
        };
        let answered =
            !self.awards.is_empty() || !self.grants.is_empty() || !self.near_misses.is_empty();
        let asked = facts.trigger == points::Trigger::Sale;
        faults.preconditions(needs, &sale, answered && asked);
        faults.needed(needs, facts.aggregates.len(), facts.counters.len());
        faults.at_most("awards", self.awards.len(), AWARDS_MAX);
        faults.at_most("near misses", self.near_misses.len(), NEAR_MISSES_MAX);
        faults.grants(self.grants.iter(), facts.order.business_date);
        faults.given("points", self.awards.iter().map(|award| award.points));
        for award in &self.awards {
            faults.positive("award", award.points);
            faults.positions(&award.lines, facts.basket.lines.len());
            faults.days(
                facts.order.business_date,
                award.available_on,
                award.expires_on,
            );
        }
        faults.counters(&self.counters, needs, &facts.counters);
        faults.0
    }
}

impl Answer<promotions::Facts> for promotions::Proposal {
    fn messages(&self) -> Vec<&Message> {
        let discounts = self.discounts.iter().map(|discount| &discount.reason);
        discounts
            .chain(self.grants.iter().map(|grant| &grant.reason))
            .chain(self.near_misses.iter().map(|miss| &miss.reason))
            .collect()
    }

    fn faults(&self, facts: &promotions::Facts, needs: &Needs) -> Vec<String> {
        let mut faults = Faults(Vec::new());
        let sale = Sale {
            member: facts.member.as_ref(),
            basket: &facts.basket,
            code: !facts.codes.is_empty(),
        };
        let answered =
            !self.discounts.is_empty() || !self.grants.is_empty() || !self.near_misses.is_empty();
        faults.preconditions(needs, &sale, answered);
        faults.needed(needs, facts.aggregates.len(), facts.counters.len());
        faults.at_most("discounts", self.discounts.len(), DISCOUNTS_MAX);
        faults.at_most("near misses", self.near_misses.len(), NEAR_MISSES_MAX);
        for discount in &self.discounts {
            faults.positive("discount", discount.amount);
            faults.positions(&discount.basis, facts.basket.lines.len());
            match &discount.target {
                promotions::Target::Line(line) => {
                    faults.positions(&[*line], facts.basket.lines.len())
                }
                promotions::Target::Lines(lines) => {
                    faults.positions(lines, facts.basket.lines.len())
                }
                promotions::Target::Order => {}
            }
        }
        faults.unless(self.grants.is_empty() || facts.member.is_some(), || {
            "a grant to nobody; only members get one".to_owned()
        });
        faults.grants(self.grants.iter(), facts.order.business_date);
        for code in &self.codes {
            faults.unless(facts.codes.contains(code), || {
                format!("code {code} was not presented")
            });
        }
        faults.counters(&self.counters, needs, &facts.counters);
        faults.0
    }
}

impl Answer<referrals::Facts> for referrals::Proposal {
    fn messages(&self) -> Vec<&Message> {
        let rewards = self.rewards.iter().map(|reward| &reward.reason);
        rewards
            .chain(self.grants.iter().map(|grant| &grant.grant.reason))
            .chain(self.near_misses.iter().map(|miss| &miss.reason))
            .collect()
    }

    fn faults(&self, facts: &referrals::Facts, needs: &Needs) -> Vec<String> {
        let mut faults = Faults(Vec::new());
        faults.needed(needs, facts.aggregates.len(), facts.counters.len());
        faults.at_most("rewards", self.rewards.len(), REWARDS_MAX);
        faults.at_most("near misses", self.near_misses.len(), NEAR_MISSES_MAX);
        let grants = self.grants.iter().map(|given| &given.grant);
        faults.grants(grants, facts.order.business_date);
        faults.given("points", self.rewards.iter().map(|reward| reward.points));
        for reward in &self.rewards {
            faults.positive("reward", reward.points);
            faults.days(
                facts.order.business_date,
                reward.available_on,
                reward.expires_on,
            );
        }
        faults.counters(&self.counters, needs, &facts.counters);
        faults.0
    }
}

impl Answer<tiers::Facts> for tiers::Decision {
    fn messages(&self) -> Vec<&Message> {
        let next = self.next.iter().map(|progress| &progress.reason);
        std::iter::once(&self.reason).chain(next).collect()
    }

    fn faults(&self, facts: &tiers::Facts, needs: &Needs) -> Vec<String> {
        let mut faults = Faults(Vec::new());
        faults.needed(needs, facts.aggregates.len(), needs.counters.len());
        faults.unless(needs.counters.is_empty(), || {
            "a tier rule has no counters".to_owned()
        });
        faults.positive("multiplier's denominator", self.multiplier_denominator);
        faults.unless(self.multiplier_numerator >= 0, || {
            "a negative multiplier".to_owned()
        });
        if let Some(progress) = &self.next {
            faults.positive("missing amount", progress.missing);
        }
        faults.0
    }
}
